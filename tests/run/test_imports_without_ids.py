"""Rows without ids are imported beside rows with ids only where their order is clear."""

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import InputError
from likewise.run import import_representation, order_of
from likewise.store import Store

IDS = list("abcdef")
OTHER = list("dbafec")


def matrix() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def with_ids(folder: Path, name: str, ids: list[str]) -> Path:
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table({"id": ids, "row": matrix()[: len(ids)].tolist()}), path)
    return path


def without(folder: Path, name: str, rows: int = 6) -> Path:
    np.save(folder / f"{name}.npy", matrix()[:rows])
    return folder / f"{name}.npy"


def test_rows_without_ids_are_refused_beside_reordered_ones(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    first = with_ids(tmp_path, "first", IDS)
    import_representation(first, store, name="first", dataset="d", ids=order_of([first], store, "d")[0])
    a, b, c = with_ids(tmp_path, "a", OTHER), without(tmp_path, "b"), with_ids(tmp_path, "c", IDS)
    for paths in itertools.permutations([a, b]):
        with pytest.raises(InputError, match=r"b\.npy has no ids, but the others have different orders"):
            order_of(paths, store, "d")
    assert order_of([c, b], store, "d") == (tuple(IDS), [])
    with pytest.raises(InputError, match="has no ids"):  # in an empty store too
        order_of([b, c, a], Store(tmp_path / "new"), "d")


def test_rows_without_ids_are_refused_where_rows_are_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    paths = [with_ids(tmp_path, "a", IDS), with_ids(tmp_path, "c", IDS[:4]), without(tmp_path, "b", 4)]
    with pytest.raises(InputError, match="has no ids"):
        order_of(paths, store, "d", join="inner")


def test_rows_without_ids_of_a_store_are_in_its_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    b, a, c = without(tmp_path, "b"), with_ids(tmp_path, "a", OTHER), with_ids(tmp_path, "c", IDS)
    import_representation(b, store, name="b", dataset="d", ids=order_of([b], store, "d")[0])
    with pytest.raises(InputError, match="b in the store has no ids"):  # which of the two orders is it in?
        order_of([a, c], store, "d")
    assert order_of([a], store, "d") == (tuple(OTHER), [])
    import_representation(a, store, name="a", dataset="d", ids=tuple(OTHER))
    order, told = order_of([c], store, "d")  # brought into the order that the store has
    assert order == tuple(OTHER) and len(told) == 1
