"""The page about a measure of one's own, followed literally."""

import json
import re
import subprocess
import sys
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


FORKS = """
import json, os, sys, traceback
import numpy
import likewise.cli.main, likewise.plan, likewise.run, likewise.scoring, likewise.testing

def main(folder, out, words):
    os.chdir(folder)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{out}.{name}", os.O_CREAT | os.O_WRONLY), number)
    os.environ["COLUMNS"] = "1000"
    if words[0] == "likewise":
        sys.argv = words
        likewise.cli.main.main()
    else:
        sys.path.insert(0, "")
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})

codes, programs = [], json.loads(sys.argv[1])
if any(words[1] == "report" for _, words in programs):
    import likewise.report.experiment, scipy.stats
for number, (folder, words) in enumerate(programs):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            main(folder, os.path.join(sys.argv[2], str(number)), words)
            code = 0
        except SystemExit as stopped:
            code = stopped.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""
"""Programs one after the other, each in a process of its own, of which all have imported the same: once."""


def one_after_the_other(place: Path, *programs: tuple[Path, list[str]]) -> list[tuple[int, str, str]]:
    """Return the code, the output and the errors of each program: words of the command line, or Python's code."""
    given = json.dumps([(str(folder), words) for folder, words in programs])
    out = call(place, sys.executable, "-P", "-W", "error", "-c", FORKS, given, place)
    return [
        (code, (place / f"{k}.out").read_text(), (place / f"{k}.err").read_text())
        for k, code in enumerate(json.loads(out))
    ]


def test_one_call_proves_its_facts_and_finds_one_that_is_not_so(folder: Path) -> None:
    wrong = folder / "wrong"
    wrong.mkdir()
    own = (folder / "my_measures.py").read_text()
    (wrong / "my_measures.py").write_text(own.replace('"scaling"} |', "} |"))
    code = blocks("python")[1]
    proved, found = one_after_the_other(folder, (folder, ["python", code]), (wrong, ["python", code]))
    assert proved[0] == 0, proved
    assert found[0] != 0
    assert "length_correlation, check_invariances: 'scaling', not declared ignored" in found[2]


MISTAKES = [
    ("def length", "def def length", "stopped with SyntaxError: "),
    ("from", "raise ValueError('as it stands')\nfrom", "stopped with ValueError: as it stands"),
    ("return float(", "return 0 * math.inf * float(", "length_correlation found nan for a and b, which is no score"),
]


def test_its_mistakes_are_said_in_words(folder: Path) -> None:
    own, programs = (folder / "my_measures.py").read_text(), []
    for number, (old, new, _) in enumerate(MISTAKES):
        place = folder / f"mistake {number}"
        place.mkdir()
        (place / "my_measures.py").write_text("import math\n" + own.replace(old, new, 1))
        for name in ("a", "b"):
            np.save(place / f"{name}.npy", np.random.default_rng(0).normal(size=(20, 5)))
        words = "likewise compare a.npy b.npy --trust my_measures.py --json --measure my_measures:length_correlation"
        programs.append((place, words.split()))
    for (_, out, err), (_, _, message) in zip(one_after_the_other(folder, *programs), MISTAKES, strict=True):
        assert message in out + err
        assert "Traceback" not in err


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


def test_experiment_runs_with_it_in_another_process_and_reports_it(folder: Path) -> None:
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
    page = folder / "store" / "report.html"
    keep = ["python", "import shutil; shutil.copy('store/report.html', 'kept.html')"]
    done = one_after_the_other(
        folder,
        (away, ["likewise", "run", "../mine.yaml", "--trust", "../mine.yaml", "--store", "../store", *WORKER]),
        (folder, keep),
        # Stored scores can be looked at without the module, which is not looked for, and with it again.
        (folder, ["likewise", "report", "store"]),
        (folder, [keep[0], keep[1].replace("kept", "unknown")]),
        (folder, ["likewise", "report", "store", "--trust", "my_measures.py"]),
    )
    assert [code for code, *_ in done] == [0] * 5, done
    known, unknown = (folder / f"{name}.html" for name in ("kept", "unknown"))
    texts = [path.read_text(encoding="utf-8") for path in (known, unknown, page)]
    assert "my_measures:length_correlation(center=True)" in texts[0] and "code is not loaded" not in texts[0]
    assert "my_measures:length_correlation(center=True)" in texts[1] and "whose code is not loaded" in texts[1]
    assert texts[2] == texts[0]
