"""The pages on questions: what they say is printed, is printed."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["track.md", "ladder.md", "search.md"])
def test_the_line_of_a_page_prints_its_output(page: str, cli: Callable[..., tuple[int, str, str]]) -> None:
    text = (DOCS / page).read_text()
    (code,), (output,) = (re.findall(rf"```{kind}\n(.*?)```", text, flags=re.S) for kind in ("python", "text"))
    exec(code, {})
    (line,) = re.findall(r"```\n\n    likewise (.*)\n\n```text", text)
    ended, out, _ = cli(*shlex.split(line))
    assert ended == 0
    printed = iter(row.rstrip() for row in out.splitlines())
    assert all(row in printed for row in output.splitlines()), out  # in their order
