"""Tables are read as people have them, or refused with the line."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import each
from likewise.errors import InputError
from likewise.prompts import records
from likewise.prompts.records import KINDS, kind_of, read_records

BOM = b"\xef\xbb\xbf"
TWO = [{"q": "one", "x": "1"}, {"q": "two", "x": "2"}]
EXAMPLES = 200 if os.environ.get("DRAW_ANEW") == "1" else 60
"""Of damage: fewer where they are the same each time."""


@pytest.mark.parametrize("packed", each([False, True]))
@pytest.mark.parametrize("mark", each([b"", BOM]))
@pytest.mark.parametrize("end", each([b"\n", b"\r\n", b"\r"]))
@pytest.mark.parametrize("name", ["q.csv", "q.CSV", "q.tsv", "q.TSV", "q.jsonl", "q.JSONL", "q.json"])
def test_marks_ends_and_capitals_change_nothing(
    tmp_path: Path, name: str, end: bytes, mark: bytes, packed: bool
) -> None:
    lines = [b'{"q": "one", "x": "1"}', b'{"q": "two", "x": "2"}']
    if kind_of(name) in (".csv", ".tsv"):
        lines = [row.replace(b",", b"\t" if kind_of(name) == ".tsv" else b",") for row in (b"q,x", b"one,1", b"two,2")]
    raw = mark + end.join([*lines, b""])
    path = tmp_path / (name + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(raw, mtime=0) if packed else raw)
    assert list(read_records(path)) == TWO


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("q.csv", b"q,x\none,1\ntwo,2,3\n", "line 3 of .* has 3 fields, and the header has 2"),
        ("q.csv", b'q,x\n"o\nn\ne",1\n"t\nw",2,3\n', "line 5 of .* has 3 fields"),
        ("q.csv", b"q,x\none\n", "line 2 of .* has 1 field"),
        ("q.csv", b"q,q\n1,2\n", "line 1 of .* names the column 'q' twice"),
        ("q.csv", b'q\n"one\ntwo\n', "line 2 of .* cannot be read: unexpected end of data"),
        ("q.csv", b"q\nok\n\xff\n", "line 3 of .* is not UTF-8"),
        ("q.jsonl", b'{"q": 1}\n{"q": \xe9}\n', "line 2 of .* is not UTF-8"),
        ("q.jsonl", b'{"q": 1}\n\n{"q": }\n', "line 3 of .* is not JSON"),
        ("q.jsonl", b'{"q": 1, "q": 2}\n', "line 1 of .*: the field 'q' stands twice"),
        ("q.jsonl", b"[" * 100000, "line 1 of .* begins a list"),
        ("q.jsonl", b'{"q":' * 100000, "line 1 of .* is nested too deeply"),
        ("q.jsonl", b'{"q": ' + b"9" * 6000 + b"}", "line 1 of .* is not JSON"),
        ("q.jsonl", b"5\n", "line 1 of .* holds no object"),
        ("q.json", b'[{"q": 1}]', "line 1 of .* begins a list; expected one record a line, as jq"),
        ("q.jsonl.gz", b"{}", "cannot be read"),
        ("q.jsonl.gz", gzip.compress(b'{"q": 1}\n' * 99, mtime=0)[:30], "cannot be read"),
        ("q.parquet", b"hello", "cannot be read as Parquet"),
        ("q.parquet.gz", b"hello", "packed twice"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, name: str, raw: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message) as caught:
        list(read_records(path))
    assert "\n" not in str(caught.value)


def test_long_fields_are_read(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text(f"q\n{'x' * 200_000}\n")
    assert [len(r["q"]) for r in read_records(path)] == [200_000]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["q", "q"]), path)
    with pytest.raises(InputError, match="two columns called 'q'"):
        list(read_records(path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_no_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"q{kind}").mkdir()
    with pytest.raises(InputError, match="no regular file"):
        list(read_records(tmp_path / f"q{kind}"))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{kind}"
    if kind == ".parquet":
        pq.write_table(pa.Table.from_pylist(TWO), path)
        raw = bytearray(path.read_bytes())
    else:
        text = 'q,x\n"one, and",1\ntwo,2\n' if kind != ".jsonl" else '{"q": "one"}\n{"q": ["two"]}\n'
        raw = bytearray(text.replace(",", "\t" if kind == ".tsv" else ",").encode())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        list(read_records(path))
    except InputError as error:  # either is right
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["q.jsonl.gz", "q.csv.gz", "q.jsonl"])
def test_lines_of_nothing_come_to_an_end(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RECORDS", 1000)
    path = tmp_path / name
    head = b'{"q": 1}\n' if "jsonl" in name else b"q\n1\n"
    for count, few in ((900, True), (10**5, False)):
        raw = head + b"\n" * count + (head if few and "jsonl" in name else b"")
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        if few:
            assert len(list(read_records(path))) == 1 + ("jsonl" in name)
        else:
            with pytest.raises(InputError, match="holds more than 1,000 empty lines"):
                list(read_records(path))
