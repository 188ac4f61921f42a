"""Tables that fit a terminal, reports of several experiments in one store, runs in which nothing is defined."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from rich.console import Console

from likewise.cli import console

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("x", "y"):
        np.save(f"{name}.npy", rng.normal(size=(30, 5)))


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 80 columns in place of standard output."""
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=80, highlight=False, soft_wrap=True, color_system=None)
    for module in [m for name, m in sys.modules.items() if name.startswith("likewise.cli")]:
        if hasattr(module, "out"):
            monkeypatch.setattr(module, "out", terminal)
    return shown


COMMANDS = {
    "compare": ("compare", "x.npy", "y.npy", "--permutations", 3),
    "names": ("compare", "Llama-3.1-8B-Instruct=x.npy", "Qwen2.5-7B-Instruct=y.npy",
              "--measure", "jaccard(k=10)", "--permutations", 3),
    "measures": ("measures",),
    "invariant": ("measures", "--invariant-to", "scaling"),
    "curve": ("learning-curve", "x.npy", "y.npy", "--measure", "cka", "--size", 12),
}  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_table_fits_the_terminal_without_breaking_words(
    cli: Cli, narrow: io.StringIO, words: tuple[object, ...]
) -> None:
    code, _, err = cli(*words)
    shown = narrow.getvalue()
    assert code == 0 and all(len(line) <= 80 for line in shown.splitlines()), shown
    told = set(shown.replace("│", " ").replace("┃", " ").split())
    if words[0] == "compare":
        assert (
            "value" in told
            and {"not", "shown,"} <= set(err.split())
            and "use --json or --output for all columns" in err
        )
        for name in ("jaccard(k=10)",) if "--measure" in words else ("procrustes", "cka"):
            assert name in told, shown
    if words[0] == "measures":
        assert "distance_correlation" in told or len(words) > 1


def test_what_cannot_be_kept_whole_is_folded(cli: Cli, narrow: io.StringIO) -> None:
    console.print_table("", ("name", "value", "note"), [("x" * 200, 0.5, "some words " * 20)], spare=("note",))
    lines = narrow.getvalue().splitlines()
    assert max(map(len, lines)) <= 80 and sum(line.count("x") for line in lines) == 200
    assert "note" not in narrow.getvalue()


def experiment(name: str, *measures: str) -> Path:
    rows = yaml.safe_load(Path("s/imported.yaml").read_text())
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(rows | {"name": name, "measures": list(measures)}))
    return path


def test_each_experiment_of_a_store_has_its_report(cli: Cli) -> None:
    assert cli("import", "x.npy", "y.npy", "--dataset", "d", "--store", "s")[0] == 0

    def run(name: str, *measures: str) -> str:
        code, _, err = cli("run", experiment(name, *measures), "--store", "s", "--executor", "serial")
        assert code == 0, err
        return err

    assert "report: s/report.html" in run("first", "cka")
    before = Path("s/report.html").read_bytes()
    assert "report: s/reports/second/report.html" in run("second", "jaccard")
    assert Path("s/report.html").read_bytes() == before and b"<title>first</title>" in before
    assert b"<title>second</title>" in Path("s/reports/second/report.html").read_bytes()
    assert "report: s/report.html" in run("first", "cka", "rsa")
    for name, page in (("first", "s/report.html"), ("second", "s/reports/second/report.html")):
        code, _, err = cli("report", "s", "--experiment", name)
        assert code == 0 and f"report: {page}" in err
    Path("away").mkdir()
    Path("s/reports").rename("kept")
    Path("s/reports").symlink_to("../away")
    code, _, err = cli("report", "s", "--experiment", "second")
    assert code == 1 and "s/reports is a link" in err and not list(Path("away").iterdir())


def test_a_run_in_which_nothing_is_defined_ends_with_1(cli: Cli) -> None:
    assert cli("import", "x.npy", "y.npy", "--dataset", "d", "--store", "s")[0] == 0
    code, _, err = cli("run", experiment("none", "jaccard(k=1000)"), "--store", "s", "--executor", "serial")
    assert code == 1 and "1 score, undefined: " in err and "1002" in err and "done: " not in err
    code, _, err = cli("compare", "x.npy", "y.npy", "--measure", "jaccard(k=1000)")
    assert code == 1 and "1 score, undefined: " in err


@pytest.mark.parametrize("place", [1, 3])
@pytest.mark.parametrize("word", ["-q", "--quiet"])
def test_quiet_stands_anywhere(cli: Cli, place: int, word: str) -> None:
    words: list[object] = ["compare", "x.npy", "y.npy", "--measure", "cka"]
    words.insert(place, word)
    code, out, err = cli(*words)
    assert code == 0 and "cka" in out and err == ""
    code, out, err = cli("compare", word, "x.npy", "none.npy")
    assert code == 2 and err == "error: there is no file none.npy\n"


def test_a_measure_among_the_files_is_said_to_be_one(cli: Cli) -> None:
    for name in ("mean_cca", "jaccard(k=5)", "paper"):
        ended, _, err = cli("compare", "x.npy", "y.npy", "--measure", "cka", name)
        assert ended == 2
        assert f"{name} is a measure, and no file; write --measure before each: --measure {name}" in " ".join(
            err.split()
        )


def test_the_smallest_p_that_shuffles_can_give_is_told(cli: Cli) -> None:
    np.save("z.npy", 2 * np.load("x.npy"))
    words = ("--measure", "procrustes", "--permutations", "20", "--groups", "0")
    _, _, err = cli("compare", "x.npy", "z.npy", *words)
    assert "p: 0.0476 is the smallest that 20 shuffles can give" in err
    _, _, err = cli("compare", "x.npy", "y.npy", *words)
    assert "the smallest that" not in err


@pytest.mark.parametrize("size", [1e300, 1e-310])
def test_numbers_that_no_measure_takes_are_refused_in_a_line(cli: Cli, size: float) -> None:
    np.save("far.npy", np.load("x.npy") * size)
    code, out, err = cli("compare", "x.npy", "far.npy", "--measure", "cka")
    assert code == 2 and not out
    assert "squares of such numbers are lost in double precision; rescale them" in " ".join(err.split())
