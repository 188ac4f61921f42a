"""Of many rows no copy is made in a call; after it, nothing reads them."""

import gc
import weakref

import numpy as np
import pytest

from likewise.measures import Configuration
from likewise.quantities import Prepared
from likewise.scoring import compare

N = 4200
"""Rows that are many."""


def sides() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 4)).astype(np.float32)
    return x, x + rng.normal(size=(N, 4)).astype(np.float32)


def test_results_hold_numbers_alone() -> None:
    x, y = sides()
    results = compare({"x": x, "y": y}, ["cka", "procrustes", "mean_cca", "jaccard"], permutations=2, groups=3)
    assert Prepared(x).is_many
    before = [(r.value, r.null_mean, r.low, r.high, r.pvalue) for r in results]
    kept = {kind: results.replicates(kind) for kind in ("shuffle", "without_input", "without_group")}
    held = [weakref.ref(m) for m in (x, y)]
    x[:], y[:] = 0, 1
    assert [(r.value, r.null_mean, r.low, r.high, r.pvalue) for r in results] == before
    for kind, lists in kept.items():
        for one, other in zip(results.replicates(kind), lists, strict=True):
            np.testing.assert_array_equal(one, other)
    del x, y
    gc.collect()
    assert [of() for of in held] == [None, None]
    assert len(results) == 4


@pytest.mark.parametrize("name", ["cka", "procrustes", "mean_cca", "linear_predictivity", "jaccard"])
def test_what_is_prepared_does_not_feel_later_changes(name) -> None:
    c, (x, y) = Configuration.parse(name), sides()
    expected = c(x, y)
    prepared = Prepared(x), Prepared(y)
    x[:], y[:] = 0, 1
    assert c(*prepared) == expected


def test_a_mapped_file_is_not_copied(tmp_path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, sides()[0])
    rows = np.load(file, mmap_mode="r")
    assert np.shares_memory(Prepared(rows)._raw, rows)
    assert not np.shares_memory(Prepared(np.load(file))._raw, rows)
