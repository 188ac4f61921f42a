"""What an import must not load: libraries that are optional, heavy, or belong to one room."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "datasets", "matplotlib", "seaborn", "pandas", "rich", "typer"}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["likewise", "likewise.measures", "likewise.chance", "likewise.scoring"])
def test_import_loads_nothing_heavy(module):
    assert loaded_by(f"import {module}") & HEAVY == set()


def test_what_is_loaded_is_seen():
    assert loaded_by("import rich.table") & HEAVY == {"rich"}
