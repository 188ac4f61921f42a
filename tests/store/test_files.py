"""Odd, damaged and hostile matrix files are read right or refused in one line, within bounded memory."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from likewise.errors import InputError
from likewise.store import read_file

X = np.random.default_rng(0).normal(size=(6, 3))
IDS = [f"q{i}" for i in range(6)]


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    head = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(head)) + head


def npy(shape: str, kind: str = "<f8") -> bytes:
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}")


def refused(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_file(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "cannot be read"),
        (b"\x93NUMPY", "cannot be read"),
        (npy("(6, 3)") + X.tobytes()[:-1], r"is cut off: its shape \(6, 3\) takes 144 bytes, and 143 are there"),
        (npy("(1000000000000, 5)") + X.tobytes(), "is cut off"),
        (npy("(9223372036854775807, 9223372036854775807)") + X.tobytes(), "is cut off"),
        (npy("(-6, 3)") + X.tobytes(), "is cut off"),
        (npy("(6, 3)", "|O") + X.tobytes(), "holds Python objects"),
        (npy("(6, 3)", "zz") + X.tobytes(), "damaged header"),
        (header("{'descr': '<f8', 'shape': (6, 3)") + X.tobytes(), "damaged header"),
        (header("__import__('os').system('true')") + X.tobytes(), "damaged header"),
        (header("{'descr': " + "(" * 3000 + ")" * 3000 + "}", (2, 0)), "damaged header"),
        (header("{}", (9, 9)), "of version"),
    ],
)
def test_damaged_npy(tmp_path: Path, raw: bytes, message: str) -> None:
    (tmp_path / "x.npy").write_bytes(raw)
    refused(tmp_path / "x.npy", message)


def test_a_file_of_holes_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as file:
        file.write(npy("(1000000000, 100)"))
        file.truncate(128 + 8 * 10**11)
    refused(tmp_path / "x.npy", "damaged or too large")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("matrix.npy", "w", force_zip64=True) as file,
    ):
        file.write(npy("(8000000, 20)"))
        for _ in range(80):
            file.write(bytes(16_000_000))
    refused(tmp_path / "x.npz", "damaged or too large")


@pytest.mark.parametrize("kind", [">f8", "<f2", "<f4", "<i8", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_is_read(tmp_path: Path, kind: str, order: str) -> None:
    x = np.asarray(np.abs(9 * X).astype(kind), order=order)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", matrix=x, ids=np.asarray(IDS))
    for file in ("x.npy", "x.npz"):
        np.testing.assert_array_equal(read_file(tmp_path / file).matrix, x)
    assert read_file(tmp_path / "x.npz").ids == tuple(IDS)


@pytest.mark.parametrize("kind", ["F8_E4M3", "F8_E5M2", "F8_E8M0"])
def test_types_that_numpy_lacks_are_named(tmp_path: Path, kind: str) -> None:
    head = json.dumps({"m": {"dtype": kind, "shape": [6, 3], "data_offsets": [0, 18]}}).encode()
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(18))
    refused(tmp_path / "x.safetensors", f"holds {kind}, which NumPy has no type for|cannot be read")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": IDS, "v": ["x"] * 6}, "has no column of numbers"),
        ({"id": [None, *IDS[1:]], "x": X[:, 0]}, "row 0 has no id"),
        ({"id": [0.5, float("nan"), 1, 2, 3, 4], "x": X[:, 0]}, "row 1 has no id"),
        ({"id": IDS, "v": X.tolist(), "w": X[:, 0]}, "expected one of lists, or numbers only"),
        ({"id": IDS, "v": [None, *X.tolist()[1:]]}, "no list|row 1 has 3 numbers"),
        ({"id": IDS, "v": [[1.0] * (1 + i % 2) for i in range(6)]}, "row 1 has 2 numbers in column 'v'"),
        ({"id": IDS, "v": [[[1.0]]] * 6}, "expected a list of numbers"),
        ({"id": IDS, "v": [{"a": 1.0}] * 6}, "expected a list of numbers"),
    ],
)
def test_odd_parquet_is_said(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", message)


@pytest.mark.parametrize("fixed", [False, True])
def test_text_beside_rows_is_kept_as_what_they_are_of(tmp_path: Path, fixed: bool) -> None:
    kind = pa.list_(pa.float64(), 3) if fixed else pa.list_(pa.float64())
    columns = {"id": IDS, "note": ["n"] * 6, "text": [f"text {i}" for i in IDS], "v": pa.array(X.tolist(), kind)}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    r = read_file(tmp_path / "x.parquet")
    np.testing.assert_array_equal(r.matrix, X)
    assert r.source["texts"] == tuple(columns["text"])
    assert r.in_order(IDS[::-1]).source["texts"] == tuple(columns["text"][::-1])


@pytest.mark.parametrize("made", [lambda t: t.sample(frac=1, random_state=0), lambda t: t.set_index("place")])
@pytest.mark.parametrize("told", [True, False])
def test_an_index_of_pandas_is_no_feature(tmp_path: Path, made: Callable[[Any], Any], told: bool) -> None:
    """Which its tables have once rows were chosen, sorted or named."""
    frame = made(pd.DataFrame({"id": IDS, "place": [3, 1, 4, 0, 5, 2], "a": X[:, 0], "b": X[:, 1]})).drop(
        columns="place", errors="ignore"
    )
    table = pa.Table.from_pandas(frame)
    assert len(table.column_names) == 4
    if told or "place" not in table.column_names:
        pq.write_table(table if told else table.replace_schema_metadata(), tmp_path / "x.parquet")
        r = read_file(tmp_path / "x.parquet")
        np.testing.assert_array_equal(r.in_order(IDS).matrix, X[:, :2])
        with_index = read_file(tmp_path / "x.parquet", id_column=table.column_names[-1])
        assert with_index.matrix.shape == (6, 2)


def sound(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == ".npy":
        np.save(file, X)
    elif kind == ".npz":
        np.savez_compressed(file, matrix=X, ids=np.asarray(IDS))
    else:
        pq.write_table(pa.table({"id": IDS, "v": X.tolist()}), file)
    return file.getvalue()


@settings(max_examples=200, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", [".npy", ".npz", ".safetensors", ".parquet"])
def test_a_damaged_file_is_read_or_refused_in_one_line(
    kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{kind}"
    if kind == ".safetensors":
        save_file({"m": X}, path)
    raw = bytearray(path.read_bytes() if kind == ".safetensors" else sound(kind))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        read_file(path)
    except InputError as error:  # either is right
        assert "\n" not in str(error)  # noqa: PT017
