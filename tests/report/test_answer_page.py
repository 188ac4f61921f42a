"""The page of one answer: its verdict readable without a script, its tables and drawings in the block, names inert."""

from pathlib import Path

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
