"""The page of ten minutes, followed literally: its code, its commands in their order, and what they print."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "start.md"


def test_the_page_is_followed(
    cli: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed, asked = "", 0
    for kind, block, line in re.findall(
        r"^```(\w+)\n(.*?)^```$|^    (likewise [^\n]*)$", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S
    ):
        if line:
            code, out, told = cli(*shlex.split(line)[1:])
            assert code == 0, told
            printed, asked = out + told, asked + 1
        elif kind == "python":
            exec(block, {})
        elif kind == "yaml":
            (tmp_path / "ten.yaml").write_text(block)
        else:
            assert kind == "text"
            rows = iter(printed.splitlines())
            assert all(any(part in row for row in rows) for part in block.splitlines()), printed
    assert asked == 6 and (tmp_path / "heatmap.pdf").stat().st_size > 5_000
