"""What is shown anywhere is only shown: nothing of a name is obeyed by a terminal, a spreadsheet or a page."""

import json

import pyarrow as pa
import pyarrow.csv
import pytest

from likewise.cli import console
from likewise.naming import ACTING, inert
from likewise.store import write_csv

POINTS = [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200B, 0xFEFF, 0x2028, 0xD800, 0xE0041]
NASTY = [f"a{chr(point)}b" for point in POINTS]


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_terminal_is_given_no_character_that_acts(name, capsys, monkeypatch):
    def told() -> str:
        read = capsys.readouterr()
        return read.out + read.err

    for stream in (console.out, console.messages):
        monkeypatch.setattr(stream, "_file", None)
    console.print_table(name, (name,), [(name,)])
    console.tell(name)
    console.say(name)
    with console.progress() as watch:
        watch(name, 1, 2)
    found = ACTING.findall(told().replace("\n", ""))
    assert not found
    console.print_json({name: [name]})
    text = told()
    assert not ACTING.findall(text.replace("\n", "")) and json.loads(text) == {name: [name]}


def test_where_no_terminal_shows_bars_a_line_tells_how_far_the_work_is(capsys, monkeypatch):
    monkeypatch.setattr(console.messages, "_file", None)
    monkeypatch.setattr(console, "EVERY", 0.0)
    with console.progress() as watch:
        watch("comparing pairs", 0, 45)
        watch("comparing pairs", 3, 45)
    assert "comparing pairs: 3 of 45" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "gpt2 | chat @ 3", "Überraschung", "模型", "नमस्ते", "می\u200cخواهم", "👩\u200d💻"])
def test_what_only_shows_is_left_as_it_is(text):
    assert inert(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_cell_is_no_formula(text, tmp_path):
    table = pa.table({"a": pa.array([text]).dictionary_encode(), "b": [text], "n": [-0.5]})
    write_csv(table, tmp_path / "t.csv")
    (row,) = pyarrow.csv.read_csv(tmp_path / "t.csv").to_pylist()
    assert row["a"] == row["b"] == "'" + inert(text, keep="")
    assert row["n"] == -0.5


@pytest.mark.parametrize("text", ["-1", "+1.5", "-1e-3", "gpt2", "a=b"])
def test_numbers_and_plain_texts_stay(text, tmp_path):
    write_csv(pa.table({"a": [text, "x"]}), tmp_path / "t.csv")
    assert text in (tmp_path / "t.csv").read_text()
    assert "'" not in (tmp_path / "t.csv").read_text()
