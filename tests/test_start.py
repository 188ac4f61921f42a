"""What a start loads: likewise gives its names at once, and libraries only when they are used."""

import importlib
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.cli import measures as command
from likewise.cli.main import app, main
from likewise.measures import INVARIANCES, Configuration
from likewise.scoring import Results

OF_THE_TERMINAL = {
    "annotated_doc", "click", "markdown_it", "mdurl", "pygments", "rich", "shellingham", "typer", "typing_extensions",
}  # fmt: skip
BUILD = f"_sysconfigdata_{sys.abiflags}_{sys.platform}_{getattr(sys.implementation, '_multiarch', '')}"
"""Python's own too, which its list of modules lacks."""

OF_A_COMMAND = {"annotated_types", "pydantic", "pydantic_core", "typing_inspection"}
"""What typer reads the words of a command with, in some versions."""

HELP = "import sys; sys.argv = ['likewise', *{}, '--help']\ntry: import likewise.cli.main as entry; entry.main()\n"
HELP += "except SystemExit as over: assert not over.code"


def fresh(code: str) -> str:
    """Return what a new process prints last."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1] if done.stdout else ""


def loaded_by(code: str) -> set[str]:
    """Return the modules that are loaded after some code, without those of every process and of Python itself."""
    told = fresh(f"import sys; before = {{*sys.modules}}\n{code}\nprint(*{{*sys.modules}} - before)")
    return {name for name in told.split() if name.partition(".")[0] not in sys.stdlib_module_names | {BUILD}}


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_an_import_loads_no_library() -> None:
    assert loaded_by("import likewise") == {"likewise", "likewise.older", "likewise.startup"}


@pytest.mark.parametrize("words", [[], *([name] for name in ("run", "compare", "measures"))], ids=" ".join)
def test_help_loads_what_writes_to_the_terminal_alone(words: list[str]) -> None:
    loaded = loaded_by(HELP.format(words))
    assert packages(loaded) - {"likewise"} <= OF_THE_TERMINAL | (OF_A_COMMAND if words else set())
    rooms = {name.split(".")[1] for name in loaded if name.startswith("likewise.")}
    assert rooms == {"cli", "errors", "fields", "naming", "older", "progress", "startup"}


def test_a_part_of_scipy_and_what_draws_are_loaded_by_what_uses_them() -> None:
    rooms = sorted(path.parent.name for path in Path(likewise.__file__).parent.glob("*/__init__.py"))
    assert len(rooms) > 15
    loaded = loaded_by(f"import {', '.join(f'likewise.{room}' for room in rooms)}")
    assert "scipy" in loaded and "matplotlib" not in loaded
    assert not loaded & {f"scipy.{part}" for part in ("stats", "cluster", "spatial", "optimize", "special", "linalg")}


def test_a_report_is_written_without_what_draws_for_papers(tmp_path: Path) -> None:
    given = "{name: np.random.default_rng(i).normal(size=(9, 3)) for i, name in enumerate('abcd')}"
    code = f"""
import numpy as np, pathlib
from likewise.report import write_report
results = __import__("likewise").compare({given}, ["cka", "procrustes"])
write_report(results, pathlib.Path({str(tmp_path)!r}), title="", experiment="", representations=[])
"""
    assert "matplotlib" not in loaded_by(code) and (tmp_path / "report.html").exists()


def test_what_is_loaded_is_seen() -> None:
    loaded = loaded_by("import scipy; scipy.stats.rankdata([1])")
    assert {"scipy", "scipy.stats", "numpy"} <= loaded


def test_every_name_has_one_home() -> None:
    rooms = likewise._HOMES
    names = [name for names in rooms.values() for name in names]
    assert sorted([*names, "measures"]) == sorted(likewise.__all__)
    for room, of_room in rooms.items():
        module = importlib.import_module(f"likewise.{room}")
        for name in of_room:
            assert getattr(likewise, name) is getattr(module, name)
    assert {*likewise.__all__, "__version__"} <= {*dir(likewise)}


@pytest.mark.parametrize(
    "before",
    [
        "import likewise.run.loop, likewise.plan.work; import likewise.plan; names = dir(likewise)",
        "from likewise import run; from likewise.plan import Experiment; import likewise",
    ],
)
def test_names_are_functions_whatever_was_imported_before(before: str) -> None:
    asked = "[f.__module__ for f in (likewise.plan, run, likewise.measures.get, likewise.store.Store)]"
    told = fresh(f"{before}\nfrom likewise import plan, run\nassert plan is likewise.plan\nprint(*{asked})")
    assert told.split() == [
        "likewise.plan.work",
        "likewise.run.loop",
        "likewise.measures.registry",
        "likewise.store.folder",
    ]


def test_a_star_gives_all_names() -> None:
    asked: dict[str, Any] = {}
    exec("from likewise import *", asked)
    assert {*likewise.__all__} <= {*asked}


@pytest.mark.parametrize("name", ["nothing", "_nothing", "not.one", "__path"])
def test_a_name_that_is_not_there_is_an_attribute_that_is_not(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'likewise' has no attribute '{name}'"):
        getattr(likewise, name)


def test_what_was_pickled_is_read_in_a_new_process() -> None:
    content = pickle.dumps([Configuration.parse("jaccard(k=5)"), likewise.compare, likewise.plan])
    told = fresh(f"import pickle; c, *_ = pickle.loads({content!r}); print(c.label, c.facts.direction)")
    assert told == "jaccard(k=5) similarity"


def test_the_help_names_every_invariance() -> None:
    option = command.InvariantTo.__metadata__[0]
    assert option.help.endswith("(separate with commas): " + ", ".join(INVARIANCES))


def test_every_command_has_its_options_without_being_run() -> None:
    for registered in app.registered_commands:
        assert registered.callback is not None
        assert registered.callback.__annotations__["json"], registered.name


def test_results_of_a_run_are_read_and_corrected_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(f"{name}.npy", rng.normal(size=(12, 3)))

    def call(*words: str) -> Any:
        monkeypatch.setattr(sys, "argv", ["likewise", *words, "--json"])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not stopped.value.code
        return json.loads(capsys.readouterr().out)

    call("import", "a.npy", "b.npy", "--dataset", "d", "--store", "s")
    made, shown = [], []
    corrected = Results.corrected
    monkeypatch.setattr(Results, "corrected", lambda given: made.append(corrected(given)) or made[-1])

    def note(results: Results, folder: Path, **_: Any) -> Path:
        shown.append(results)
        return folder / "report.html"

    monkeypatch.setattr(importlib.import_module("likewise.report.experiment"), "write_report", note)
    told = call("run", "s/imported.yaml", "--store", "s", "--executor", "serial")
    assert told["scores"] == len(shown[0]) == 10 and [*map(id, made)] == [*map(id, shown)]
    call("report", "s")
    assert len(made) == len(shown) == 2 and shown[1].table.equals(shown[0].table)
