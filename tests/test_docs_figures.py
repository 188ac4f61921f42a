"""The page on figures and the tutorial: their examples run. The notebook's cells run in order, without a kernel."""

import ast
import doctest
import json
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest

from likewise.report.figures import KINDS
from likewise.scoring import Results
from likewise.studies import Answer

DOCS = Path(__file__).parents[1] / "docs"


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testfile(str(DOCS / "figures.md"), module_relative=False)
    assert (outcome.attempted >= 20, outcome.failed) == (True, 0)
    assert (tmp_path / "forest.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_names_every_kind() -> None:
    text = (DOCS / "figures.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"| `{kind}` |" not in text] == []


def test_the_tutorial_runs_and_holds_no_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    written = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in written)
    names: dict[str, Any] = {}
    shown = []
    for cell in written:
        *statements, last = ast.parse("".join(cell["source"])).body
        if not isinstance(last, ast.Expr):
            statements.append(last)
        exec(compile(ast.Module(statements, []), "tutorial", "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), "tutorial", "eval"), names))
    kinds = [type(value) for value in shown]
    assert kinds.count(Results) == 1 and kinds.count(Answer) == 1
    assert sum(isinstance(value, matplotlib.figure.Figure) for value in shown) == 4
    for value in shown:
        if isinstance(value, matplotlib.figure.Figure):
            assert value._repr_png_().startswith(b"\x89PNG")
        elif isinstance(value, Results | Answer):
            assert value._repr_html_().startswith("<")
    assert (tmp_path / "forest.pdf").exists()
