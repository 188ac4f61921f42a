"""Gates: an answer is shown and written whatever becomes of its conditions, and the exit code says what that was."""

import doctest
import inspect
import json
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import typer
import yaml

from likewise.cli import answers
from likewise.cli.main import app, main
from likewise.naming import ACTING
from likewise.representation import Representation
from likewise.studies import Answer, BestOfLayers, Items, SampleSize, Table, junit_xml, parse_condition

Cli = Callable[..., tuple[int, str, str]]

PAGE = Path(__file__).parents[2] / "docs" / "gates.md"

NASTY = "a\x00\x1b]0;\"<&>'\ufffe\ud800\u202e]]>\n=1+1"

ANSWER = Answer(
    "Did it move?",
    "It moved.",
    tables=(
        Table("copies", ("copy", "ratio", "moved"), (("noise", 1.5, True), ("=1+1", None, False))),
        Table("Copies", ("=2", NASTY), ((NASTY, 1),)),
    ),
    limits=("Not more than that.",),
    values={"moved": True, "overlap@10": 0.8, "kl": None},
    reasons={"kl": "the outputs were not asked for"},
)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Run a command in a folder with two matrices; return exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(12, 3))
    np.save("x.npy", x)
    np.save("y.npy", 2 * x)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["likewise", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), *capfd.readouterr()

    return call


@pytest.fixture
def asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command whose answer is the one above."""
    monkeypatch.setattr("likewise.studies.Items.answer", lambda *_: ANSWER)
    return lambda *words: cli(*(["-q"] if "-q" in words else []), "explain", "x.npy", "y.npy", *words)


def test_gates_on_what_a_command_computes(cli: Cli) -> None:
    words = ("explain", "x.npy", "y.npy", "--measure", "jaccard(k=3)", "--json")
    code, out, err = cli(*words, "--fail-if", "value < 0.99")
    assert code == 0 and json.loads(out)["value"] == 1 and "failed" not in err
    code, out, err = cli(*words, "--fail-if", "value < 0.99", "--fail-if", "value >= 1")
    assert code == 3 and json.loads(out)["value"] == 1 and err.splitlines()[-1] == "failed: value >= 1 (value is 1.0)"
    code, out, err = cli("learning-curve", "x.npy", "y.npy", "--measure", "cka", "--size", 6, "--fail-if", "not stable")
    assert code == 0 and "cka" in out, err


@pytest.mark.parametrize(
    ("conditions", "code", "told"),
    [
        (["moved"], 3, "failed: moved (moved is true)"),
        (["not moved", "overlap@10 < 0.8"], 0, ""),
        (["overlap@10 < 0.8", "overlap@10 <= 0.8"], 3, "failed: overlap@10 <= 0.8 (overlap@10 is 0.8)"),
        (["copies.moved.any"], 3, "failed: copies.moved.any (copies.moved.any is true)"),
        (["movd"], 2, "error: condition 'movd': the answer has no value 'movd'; did you mean \"moved\"?"),
        (["moved < 1"], 2, "error: condition 'moved < 1': a truth value has no <"),
        (["kl > 1"], 1, "error: condition 'kl > 1': kl has no value: the outputs were not asked for"),
        (["not moved or kl > 1"], 1, "kl has no value"),
        (["moved", "kl > 1"], 1, "failed: moved (moved is true)"),
    ],
)
def test_exit_codes(asked: Cli, tmp_path: Path, conditions: list[str], code: int, told: str) -> None:
    given = [word for condition in conditions for word in ("--fail-if", condition)]
    found, out, err = asked(*given, "-q", "-o", "out", "--junit", "ci/junit.xml")
    assert found == code and told in err and (code != 0 or not err)
    assert "noise" in out and "yes" in out  # the answer was shown first
    about = json.loads((tmp_path / "out" / "answer.json").read_text())
    assert [c["failed"] for c in about["conditions"]] == [o.holds for o in ANSWER.judged(conditions)]
    assert [bool(c["error"]) for c in about["conditions"]] == [o.holds is None for o in ANSWER.judged(conditions)]
    suites = checked((tmp_path / "ci" / "junit.xml").read_bytes())
    assert suites.get("tests") == str(len(conditions))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--fail-if", "moved moved"],
            "condition 'moved moved': expected and, or, or the end of the condition, got moved",
        ),
        (["--fail-if", "0.3"], "a number alone is no condition"),
        (["--fail-if", "\x1b[31m < 1"], r"cannot read '\x1b[31m"),
        (["--output", "x.npy"], "--output x.npy is a file; expected a folder"),
        (["--junit", "."], ". is a folder; expected the name of a file"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_computed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr("likewise.studies.Items.answer", fail)
    code, out, err = cli("explain", "x.npy", "y.npy", *words)
    assert code == 2 and not out and told in err and not ACTING.search(err.replace("\n", ""))


def test_files_of_an_answer_hold_all_of_it_and_nothing_acts(asked: Cli, tmp_path: Path) -> None:
    code, _, err = asked("--output", "out", "--fail-if", "not moved")
    assert code == 0 and "answer: out/answer.json" in err
    folder = tmp_path / "out"
    text = (folder / "answer.json").read_text()
    about = json.loads(text)
    assert not ACTING.search(text.replace("\n", ""))
    assert {key: about[key] for key in ("schema", "question", "verdict", "values", "reasons", "limits")} == {
        "schema": 1,
        "question": ANSWER.question,
        "verdict": ANSWER.verdict,
        "values": ANSWER.values,
        "reasons": ANSWER.reasons,
        "limits": list(ANSWER.limits),
    }
    assert about["conditions"] == [{"fail_if": "not moved", "failed": False, "error": None}]
    assert "likewise" in about["made_with"]
    listed = {
        "answer.json",
        "answer.html",
        *(about_table[kind] for about_table in about["tables"] for kind in ("parquet", "csv")),
    }
    assert {path.name for path in folder.iterdir()} == listed and len(listed) == 6  # two names, alike in small letters
    for told, table in zip(about["tables"], ANSWER.tables, strict=True):
        read = pq.read_table(folder / told["parquet"])
        assert told["name"] == table.name and told["rows"] == read.num_rows == len(table.rows)
        assert read.equals(table.to_arrow())
        written = (folder / told["csv"]).read_text()
        assert not ACTING.search(written.replace("\n", ""))
        rows = pyarrow.csv.read_csv(folder / told["csv"]).to_pylist()
        assert not any(str(cell).startswith("=") for row in rows for cell in (*row, *row.values()))
    assert pq.read_table(folder / "copies.parquet").to_pylist() == ANSWER.tables["copies"].records()


def test_a_folder_without_answer_json_is_not_finished(
    asked: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked("-o", "out")[0] == 0

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "out" / "mine.txt").write_text("mine")
    monkeypatch.setattr("likewise.store.answers.write_csv", full)
    code, out, err = asked("-o", "out", "--fail-if", "moved")
    assert code == 1 and "noise" in out and "failed: moved" in err and "the disk is full" in err
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert "answer.json" not in left and "mine.txt" in left and not [name for name in left if "unfinished" in name]


def test_links_in_the_folder_are_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "out").mkdir()
    for name in ("answer.json", "copies.csv", "copies.parquet", "junit.xml"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "mine.txt")
    answers.finish(ANSWER, output=tmp_path / "out", junit=tmp_path / "out" / "junit.xml")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not any(path.is_symlink() for path in (tmp_path / "out").iterdir())


# The page


def test_the_page_is_true(cli: Cli, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    exec(re.findall(r"```python\n(.*?)```", text, flags=re.S)[0], {})
    ((line, told),) = re.findall(r"^    likewise (.*)\n\nIt ends.*\n\n```text\n(.*?)```", text, flags=re.M | re.S)
    code, _, err = cli(*shlex.split(line))
    assert code == 3 and err.endswith(told)
    assert checked((tmp_path / "gate.xml").read_bytes()).get("failures") == "1" and (tmp_path / "answer").is_dir()
    for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.S):
        assert "likewise explain" in json.dumps(yaml.safe_load(block))
    about = doctest.testfile(str(PAGE), module_relative=False)
    assert about.attempted >= 10 and about.failed == 0
    table = text.partition("| condition |")[2].partition("\n\n")[0]
    for condition in re.findall(r"^\| (`.*?) \|", table, flags=re.M):
        for part in re.findall("`(.*?)`", condition):
            assert str(parse_condition(part)) == part
    codes = dict(re.findall(r"^\| (\d+) \| (.*) \|$", text, flags=re.M))
    assert set(codes) == {"0", "1", "2", str(answers.GATE_FAILED), "130", "143"}


def test_the_page_names_the_values_of_every_command() -> None:
    x = np.random.default_rng(0).normal(size=(12, 3))
    pair = Representation(x, name="x"), Representation(2 * x, name="y")
    found = {
        "best-layers": BestOfLayers("cka", permutations=2).answer({"x": pair[:1], "y": pair[1:]}),
        "explain": Items(count=1, measure="cka").answer(pair),
        "learning-curve": SampleSize("cka", sizes=(6,), draws=1).answer(pair),
    }
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", PAGE.read_text().partition("| condition |")[0], flags=re.M)
    told = {command: re.findall("`(.*?)`", values) for command, values in rows}
    assert told == {command: list(answer.values) for command, answer in found.items()}


# JUnit XML

ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "system-out": set(),
}
"""What Jenkins' junit-10.xsd allows, as far as it is used."""

WITHIN = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase", "system-out"},
    "testcase": {"failure", "error"},
}

REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"}}


def checked(text: bytes) -> ElementTree.Element:
    """Read a file as CI does, and hold it against the common schema; its counts are those of its cases."""
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert REQUIRED.get(element.tag, set()) <= set(element.attrib)
        assert {child.tag for child in element} <= WITHIN.get(element.tag, set())
        assert not ACTING.search("".join([*element.attrib.values(), element.text or ""]).replace("\n", ""))
    for suite in (root, *root.findall("testsuite")):
        for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert suite.get(count) == str(len(list(suite.iter(tag))))
    return root


def test_junit_has_a_case_for_each_condition() -> None:
    root = checked(junit_xml(ANSWER, ANSWER.judged(["moved", "overlap@10 < 0.5", "kl < 1"])).encode())
    cases = list(root.iter("testcase"))
    assert [case.get("name") for case in cases] == ["fail if moved", "fail if overlap@10 < 0.5", "fail if kl < 1"]
    failure, error = cases[0].find("failure"), cases[2].find("error")
    assert failure is not None and failure.text == "It moved.\nmoved (moved is true)" and not list(cases[1])
    assert error is not None and "the outputs were not asked for" in str(error.get("message"))
    assert root.findtext("testsuite/system-out") == "It moved.\nNot more than that."


def test_junit_without_conditions_is_the_verdict() -> None:
    (case,) = checked(junit_xml(ANSWER, []).encode()).iter("testcase")
    assert case.get("name") == "verdict" and not list(case)


def test_junit_shows_nasty_texts_and_obeys_none() -> None:
    answer = Answer(NASTY, NASTY, limits=(NASTY,), values={NASTY: NASTY, "kl": None}, reasons={"kl": NASTY})
    name = '"' + NASTY.replace('"', '""') + '"'
    root = checked(junit_xml(answer, answer.judged([f"{name} != 'x'", "kl < 1"])).encode())
    failure = next(root.iter("failure"))
    assert r"\x1b]0;" in str(failure.text) and "<&>" in str(failure.get("message")) and r"\ufffe" in str(failure.text)


# One way for all commands


def test_every_command_with_a_gate_has_all_its_options() -> None:
    gated = {}
    for command in app.registered_commands:
        assert command.callback is not None
        options: dict[str, Any] = dict(inspect.signature(command.callback).parameters)
        if "fail_if" in options:
            gated[command.name] = [options[name].annotation for name in ("fail_if", "junit", "output")]
    assert {"best-layers", "explain", "learning-curve"} <= set(gated)
    assert all(kinds == [answers.FailIf, answers.Junit, answers.Output] for kinds in gated.values())


def test_the_end_of_a_command_is_an_exit_of_typer() -> None:
    with pytest.raises(typer.Exit) as stopped:
        answers.finish(ANSWER, fail_if=["moved"])
    assert stopped.value.exit_code == answers.GATE_FAILED == 3
    answers.finish(ANSWER, fail_if=["not moved"])
