"""Every block of code in README and docs is run, or read as what it is; every command is one."""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import likewise
from likewise.cli.main import commands
from likewise.errors import InputError
from likewise.plan import Experiment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in OTHERS)

SHORTEST: dict[str, Any] = {
    "name": "x",
    "models": ["smollm2-135m-instruct"],
    "datasets": ["humaneval"],
    "measures": ["cka"],
}
"""An experiment that a part of one is put into."""


RUN_HERE = {"audit.md": "answer.verdict", "differences.md": "rank_sets", "swap.md": "queries="}
"""Scripts that no test of their page runs, by something in them."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.M | re.S):
        yield found[1], found[2]


def lines(page: Path) -> Iterator[str]:
    """Commands of likewise, one a line; those of a synopsis have words in capitals or brackets."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = "\n".join(block for language, block in blocks(page) if language == "sh")
    for line in re.findall(r"^    (likewise .*)$", text, flags=re.M) + re.findall(
        r"^(likewise .*)$", fenced, flags=re.M
    ):
        yield re.sub(r"\s{2,}#.*| \|\| .*", "", line)


LINES = [line for page in PAGES for line in lines(page)]


def parse(words: list[str]) -> None:
    """Read a command's words as the command line does, and run nothing."""
    group = commands()
    command = group.get_command(None, words[0])  # type: ignore[attr-defined]
    assert command is not None, words
    with command.make_context(words[0], words[1:]):
        pass


@pytest.mark.parametrize("line", dict.fromkeys(LINES))
def test_every_command_has_the_words_that_its_page_gives_it(line: str) -> None:
    words = shlex.split(line.replace("...", "").replace("[N ...]", ""))[1:]
    if "[" not in line:
        return parse(words)
    known = {word for option in commands().get_command(None, words[0]).params for word in option.opts}  # type: ignore[attr-defined]
    assert {word.strip("[]") for word in words if word.lstrip("[").startswith("-")} <= known


def test_a_command_that_is_none_is_found() -> None:
    assert len(LINES) > 50
    for words in (["compare", "a.npy", "--mesure", "cka"], ["swap"], ["compare", "a.npy", "--permutations", "few"]):
        with pytest.raises(Exception, match="(?i)no such option|missing parameter|valid integer"):
            parse(words)


@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks(page))], ids=lambda page: page.name)
def test_every_block_is_run_or_read(page: Path) -> None:
    run = bool(re.search(rf'"{re.escape(page.name)}"', TESTS))  # a test that follows the page
    for language, block in blocks(page):
        if (
            language == "yaml"
            and not page.name.startswith("own-")
            and ("models:" in block or "datasets:" in block or "statistics:" in block)
        ):
            Experiment.of({**SHORTEST, **yaml.safe_load(block)})
        elif language == "python" and ">>>" in block:
            assert run or page.name == "README.md"
        elif RUN_HERE.get(page.name, "\0") not in block:
            assert run, f"{page.name}: no test runs this block:\n{block}"
    if any(language == "python" and ">>>" in block for language, block in blocks(page)):
        assert f'"{page.name}"), module_relative' in TESTS or "doctest.testfile(str(PAGE)" in TESTS


def test_a_part_that_is_no_experiment_is_refused() -> None:
    with pytest.raises(InputError):
        Experiment.of({**SHORTEST, "statistics": {"chnace": "moments"}})


@pytest.mark.parametrize(
    ("page", "part"),
    [
        pytest.param(*of, marks=pytest.mark.long("all prompts of an audit") if of[0] == "audit.md" else ())
        for of in RUN_HERE.items()
    ],
)
def test_scripts_that_no_test_of_their_page_runs_end_in_values(
    page: str,
    part: str,
    tiny: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a small model in place of the real one, and vectors for the names that the page leaves to its reader."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    old, queries = rng.normal(size=(60, 6)), rng.normal(size=(400, 6))
    given = {"old": old, "new": old + 0.1, "old_queries": queries, "new_queries": queries + 0.1, "likewise": likewise}
    (block,) = (text for language, text in blocks(ROOT / "docs" / page) if language == "python" and part in text)
    *done, last = ast.parse(block.replace("smollm2-135m-instruct", str(tiny("llama", 0)))).body
    exec(compile(ast.Module(done, []), page, "exec"), given)
    if isinstance(last, ast.Expr):
        shown = eval(compile(ast.Expression(last.value), page, "eval"), given)
        assert all(value is not None for value in (shown if isinstance(shown, tuple) else [shown]))
    else:
        exec(compile(ast.Module([last], []), page, "exec"), given)
        assert capsys.readouterr().out.count("\n") > 1
