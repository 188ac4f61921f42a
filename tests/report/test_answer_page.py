"""The page of one answer: its verdict readable without a script, its tables and drawings in the block, names inert."""

import sys
from pathlib import Path

import numpy as np
import pytest

from likewise.cli.answers import _typed
from likewise.questions.audit import audit
from likewise.report import write_answer_page
from likewise.report.block import opened
from likewise.studies import Answer, Line, Lines, Table

HOSTILE = "</script><script>alert(1)</script>\x1b[31m\u202e"


def test_the_page_of_an_answer_shows_it_and_nothing_acts(tmp_path: Path) -> None:
    line = Line(label=HOSTILE, x=(1.0, 2.0), y=(0.5, None), low=(0.4, None), high=(0.6, None))
    answer = Answer(
        "Did `copy` move?", f"It moved: 2.4 (2.1 to 2.7). {HOSTILE}",
        tables=(Table("copies", ("copy", "ratio", "n", "p"), ((HOSTILE, 2.4, 3, 0.01), ("b", None, 4, 0.5))),),
        drawings=(Lines(name="l", title="t", heading=HOSTILE, alt="a", across="x", up="y", lines=(line,)),),
        limits=(HOSTILE,),
    )  # fmt: skip
    page = write_answer_page(answer, tmp_path, {"copies": "copies.csv"}, {"likewise": "1"}, f"likewise audit {HOSTILE}")
    text = page.read_text(encoding="utf-8")
    assert page.name == "answer.html" and "<script>alert" not in text and "\x1b" not in text and "\u202e" not in text
    assert "It moved: 2.4 (2.1 to 2.7)." in text and text.count('href="copies.csv"') == 1
    assert "Asked by: <code>likewise audit &lt;/script&gt;" in text.partition("<table")[0]
    (study,) = opened(text)["answers"]
    (table,) = study["tables"]
    assert table["numeric"] == [False, True, True, True] and table["whole"] == [False, False, True, False]
    assert table["p"] == [False, False, False, True] and table["rows"][1] == ["b", None, 4, 0.5]
    (drawing,) = study["drawings"]
    assert drawing["kind"] == "lines" and drawing["lines"][0]["y"] == [0.5, None]
    assert "\x1b" not in drawing["lines"][0]["label"]


def test_the_command_is_what_was_typed_and_nothing_where_a_program_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/likewise", "audit", "a.npy", "8 bits=b.npy"])
    assert _typed() == "likewise audit a.npy '8 bits=b.npy'"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest", "-x"])
    assert _typed() == ""


def test_an_audit_of_files_names_no_layer() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 8))
    answer = audit(
        x, {"copy": x + 0.1 * rng.normal(size=x.shape)}, floor={"again": x + 0.01 * rng.normal(size=x.shape)}
    )
    heads = answer.tables["copies"].columns
    assert "moved" in heads and not {"at_layer", "from_layer"} & set(heads)
    assert "base and 1 copy, on 50 prompts" in answer.reading
    assert all(limit[0].isupper() and limit.endswith(".") for limit in answer.limits)
