"""The page about a measure of one's own, followed literally."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from likewise.errors import InputError
from likewise.measures import measure
from likewise.run import import_representation
from likewise.store import Store

PAGE = Path(__file__).parents[1] / "docs" / "own-measure.md"
LIKEWISE = Path(sys.executable).with_name("likewise")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_measures.py").write_text(blocks("python")[0], encoding="utf-8")
    return tmp_path


def call(folder: Path, *words: object) -> str:
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_call_proves_its_facts(folder: Path) -> None:
    call(folder, sys.executable, "-W", "error", "-c", blocks("python")[1])


def test_one_call_finds_a_fact_that_is_not_so(folder: Path) -> None:
    own = folder / "my_measures.py"
    own.write_text(own.read_text().replace('"scaling"} |', "} |"))
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[1]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "length_correlation, check_invariances: 'scaling', not declared ignored" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def length", "def def length", "stopped with SyntaxError: "),
        ("from", "raise ValueError('as it stands')\nfrom", "stopped with ValueError: as it stands"),
        (
            "return float(",
            "return 0 * math.inf * float(",
            "length_correlation found nan for a and b, which is no score",
        ),
    ],
)
def test_its_mistakes_are_said_in_words(folder: Path, old: str, new: str, message: str) -> None:
    own = folder / "my_measures.py"
    own.write_text("import math\n" + own.read_text().replace(old, new, 1))
    for name in ("a", "b"):
        np.save(folder / f"{name}.npy", np.random.default_rng(0).normal(size=(20, 5)))
    done = subprocess.run(
        [LIKEWISE, "compare", "a.npy", "b.npy", "--trust", "my_measures.py", "--json",
         "--measure", "my_measures:length_correlation"],
        cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "1000"},
    )  # fmt: skip
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_parameter_without_a_default_is_refused() -> None:
    with pytest.raises(InputError, match=r"the parameter 'k' of the measure .*:f; .*f\(x, y, \*, k=...\)"):

        @measure(title="f", facts=lambda k: None, references=())
        def f(x, y, k):
            return 0.0


def test_example_in_its_docstring_runs(folder: Path) -> None:
    call(folder, sys.executable, "-m", "doctest", "my_measures.py")


def test_command_of_the_page_compares_by_it(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(folder / f"{name}.npy", rng.normal(size=(20, 5)))
    command = blocks("sh")[1].strip()
    out = call(folder, "bash", "-c", f"PATH={LIKEWISE.parent}:$PATH {command} --json --permutations 5")
    (row,) = json.loads(out)
    assert row["measure"] == "my_measures:length_correlation"
    assert row["n_permutations"] == 5 and row["calibrated"] is not None


WORKER = ["--executor", "processes", "--workers", "1"]


def test_experiment_runs_with_it_in_another_process_and_reports_it(
    folder: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    store = Store(folder / "store")
    for name in ("a", "b", "c"):
        np.save(folder / f"{name}.npy", np.random.default_rng(ord(name)).normal(size=(20, 5)))
        import_representation(folder / f"{name}.npy", store, name=name, dataset="d")
    experiment = {
        "name": "mine",
        "models": [f"imported:{name}" for name in ("a", "b", "c")],
        "datasets": ["imported:d"],
        "measures": yaml.safe_load(blocks("yaml")[0])["measures"],
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(experiment))
    away = folder / "elsewhere"
    away.mkdir()
    command = blocks("sh")[0].split()[1:]
    assert command == ["run", "mine.yaml", "--trust", "mine.yaml"]
    call(away, LIKEWISE, "run", "../mine.yaml", "--trust", "../mine.yaml", "--store", "../store", *WORKER)
    page = folder / "store" / "report.html"
    known = page.read_text(encoding="utf-8")
    assert "my_measures:length_correlation(center=True)" in known and "code is not loaded" not in known
    # Stored scores can be looked at without the module, which is not looked for, and with it again.
    assert cli("report", folder / "store")[0] == 0
    unknown = page.read_text(encoding="utf-8")
    assert "my_measures:length_correlation(center=True)" in unknown and "whose code is not loaded" in unknown
    call(folder, LIKEWISE, "report", "store", "--trust", "my_measures.py")
    assert page.read_text(encoding="utf-8") == known
