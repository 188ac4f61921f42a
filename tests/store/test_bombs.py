"""A small file cannot take all memory, nor for ever: what it says is known before it is taken."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import InputError, StoreError
from likewise.prompts import records
from likewise.prompts.records import read_records
from likewise.store import door, file_hash, read_file, read_regular, read_table, regular

LONG = "x" * 2**20


COUNT = 2**22


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that the files of these tests are soon made."""
    monkeypatch.setattr(regular, "BOMB", 2**24)
    monkeypatch.setattr(records, "TEXT", 2**24)
    monkeypatch.setattr(door, "MOST_VALUES", 2**20)


def texts(path: Path, rows: int, **columns: Any) -> Path:
    """A file with one long text in each row, which it holds once."""
    column = pa.array([LONG]).dictionary_encode()
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), column.dictionary)
    made = {name: pa.array(values) for name, values in columns.items()}
    pq.write_table(pa.table({"text": column, **made}), path, store_schema=False, compression="snappy")
    assert path.stat().st_size < 2**18
    return path


def lists(path: Path, count: int, **columns: Any) -> Path:
    """A file with one row, a list of so many zeros."""
    values = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), pa.array(np.zeros(count)))
    pq.write_table(pa.table({"values": values, **columns}), path, compression="snappy")
    assert path.stat().st_size < 2**18
    return path


def long_ids(path: Path) -> Path:
    rows = 6000
    return texts(path, rows, a=np.zeros(rows), b=np.ones(rows))


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(
    ("make", "read"),
    [
        (long_ids, lambda path: read_file(path, id_column="text")),
        (lambda path: texts(path, 6000, id=np.arange(6000), b=np.ones(6000)), read_file),
        (lambda path: lists(path, COUNT, id=["a"]), read_file),
        (lambda path: lists(path, COUNT, id=["a"]), lambda path: list(read_records(path))),
        (lambda path: texts(path, 6000), lambda path: list(read_records(path))),
    ],
)
def test_a_small_parquet_file_of_much_is_refused(
    make: Callable[[Path], Path], read: Callable[[Path], Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"bytes"):
        read(make(tmp_path / "some.parquet"))


@pytest.mark.usefixtures("small_bounds")
def test_a_small_table_of_much_is_damaged(tmp_path: Path) -> None:
    path = texts(tmp_path / "a.parquet", 6000)
    with pytest.raises(StoreError, match="texts written out"):
        read_table(path, pa.schema([("text", pa.dictionary(pa.int32(), pa.string()))]))
    path = lists(tmp_path / "b.parquet", COUNT)
    with pytest.raises(StoreError, match="numbers in lists"):
        read_table(path, pa.schema([("values", pa.list_(pa.float64()))]))


def test_texts_that_repeat_are_read_as_they_are(tmp_path: Path) -> None:
    rows = {"text": ["b", "a", "b"], "turns": [[{"role": "u"}], [], [{"role": "u"}, {"role": "v"}]], "n": [1, 2, 3]}
    pq.write_table(pa.table(rows), tmp_path / "some.parquet")
    assert list(read_records(tmp_path / "some.parquet")) == pa.table(rows).to_pylist()
    category = pa.array(["u", "v", "u"]).dictionary_encode()
    table = pa.table({"id": ["a", "b", "c"], "group": category, "text": category, "x": [1.0, 2.0, 3.0]})
    pq.write_table(table, tmp_path / "rows.parquet")
    read = read_file(tmp_path / "rows.parquet")
    assert (read.ids, read.groups, read.source["texts"]) == (("a", "b", "c"), ("u", "v", "u"), ("u", "v", "u"))
    assert read.matrix.tolist() == [[1.0], [2.0], [3.0]]


def test_records_of_every_type_are_read(tmp_path: Path) -> None:
    text = pa.string()
    columns = {
        "map": pa.array([[("a", "b")], [("c", "d"), ("e", "f")]] * 300, pa.map_(text, text)),
        "code": pa.array([1, 2] * 300).dictionary_encode(),
        "list": pa.array([[1, 2], None] * 300),
        "deep": pa.array([[["a"], []], None] * 300),
        "fixed": pa.array([[1, 2], [3, 4]] * 300, pa.list_(pa.int8(), 2)),
        "struct": pa.array([{"a": "x", "b": None}, None] * 300),
        "none": pa.nulls(600),
        "bytes": pa.array([b"a", None] * 300),
        "large": pa.array(["a", None] * 300, pa.large_string()),
        "uuid": pa.array([b"0123456789abcdef"] * 600, pa.uuid()),
        "time": pa.array([0, 1] * 300, pa.timestamp("us", "UTC")),
    }
    table = pa.table(columns)
    for name in columns:
        pq.write_table(table.select([name]), tmp_path / f"{name}.parquet")
        assert list(read_records(tmp_path / f"{name}.parquet")) == table.select([name]).to_pylist()


@pytest.mark.parametrize("name", ["ids", "group"])
@pytest.mark.parametrize("shape", [(10**7,), (3, 1), ()])
def test_the_ids_of_an_archive_are_one_for_each_row(name: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, array in (("matrix", np.eye(3)), (name, np.zeros(shape, np.int8))):
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{member}.npy", content.getvalue())
    with pytest.raises(InputError, match="expected one for each row"):
        read_file(path)


def test_only_regular_files_are_read_and_hashed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(2**40)
    for name in ("pipe", "device", "holes"):
        with pytest.raises(InputError, match="no regular file|it is damaged"):
            file_hash(tmp_path / name)
    for name in ("pipe", "device", "holes"):
        with pytest.raises(InputError, match="no regular file|more than"):
            read_regular(tmp_path / name)
    (tmp_path / "whole").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "whole")  # as in the cache of the hub
    assert read_regular(tmp_path / "link") == b"abc" and read_regular(tmp_path / "whole", 3) == b"abc"
    assert file_hash(tmp_path / "link") == file_hash(tmp_path / "whole")
    with pytest.raises(InputError, match="more than 2 bytes"):
        read_regular(tmp_path / "whole", 2)
