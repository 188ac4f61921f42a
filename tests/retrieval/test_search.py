"""Search and overlap against their definitions in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise.retrieval import METRICS, Index, agreement, orthogonal, rank_biased_overlap, ridge, search


def by_definition(q: np.ndarray, c: np.ndarray, k: int, metric: str, own: np.ndarray | None = None) -> np.ndarray:
    if metric == "cosine":
        q, c = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, c))
    cost = -(q @ c.T) if metric == "dot" else ((q[:, None] - c[None]) ** 2).sum(axis=-1)
    if own is not None:
        cost[np.arange(len(q)), own] = np.inf
    places = np.broadcast_to(np.arange(len(c)), cost.shape)
    return np.lexsort((places, np.round(cost, 9)))[:, :k]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(METRICS), st.booleans(), st.booleans())
def test_neighbours_are_those_of_the_definition_with_ties(seed: int, metric: str, alone: bool, off: bool) -> None:
    rng = np.random.default_rng(seed)
    n, d, m = rng.integers(3, 60), rng.integers(1, 6), rng.integers(1, 9)
    c, q = (rng.integers(-2, 3, size=(size, d)) + (5.0 if off else 0.0) for size in (n, m))
    for x in (c, q):
        x[(x == 0).all(axis=1)] = 1
    own = rng.integers(0, n, size=m) if alone else None
    q = q if own is None else c[own]
    k = int(rng.integers(1, n))
    assert np.array_equal(Index(c, metric).nearest(q, k, own), by_definition(q, c, k, metric, own))


@pytest.mark.parametrize("metric", METRICS)
def test_small_blocks_and_full_rows_find_the_same(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    c = np.repeat(rng.normal(size=(60, 4)), 5, axis=0)  # each row five times
    q = rng.normal(size=(7, 4))
    expected = by_definition(q, c, 12, metric)
    monkeypatch.setattr(search, "BLOCK", 60)
    monkeypatch.setattr(search, "QUERIES", 3)
    assert np.array_equal(Index(c, metric).nearest(q, 12), expected)
    monkeypatch.setattr(search, "SPARE", -47)  # all queries have too many candidates
    assert np.array_equal(Index(c, metric).nearest(q, 12), expected)


def test_differences_below_single_precision_are_told_apart() -> None:
    base = np.ones((1, 8))
    c = base + np.arange(40)[::-1, None] * 1e-10 * np.eye(8)[0]
    assert Index(c, "euclidean").nearest(base, 40).tolist() == [list(range(40))[::-1]]


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("metric", METRICS)
def test_sizes_do_not_matter(metric: str, scale: float) -> None:
    rng = np.random.default_rng(1)
    c, q = rng.normal(size=(50, 5)), rng.normal(size=(6, 5))
    assert np.array_equal(Index(c * scale, metric).nearest(q * scale, 9), by_definition(q, c, 9, metric))


def test_refusals() -> None:
    with pytest.raises(InputError, match="length 0 in row 1"):
        Index(np.asarray([[1.0], [0.0]]))
    with pytest.raises(InputError, match="candidates"):
        Index(np.ones((3, 1))).nearest(np.ones((1, 1)), 4)
    with pytest.raises(InputError, match="same number"):
        Index(np.ones((3, 1))).nearest(np.ones((1, 2)), 1)


def test_agreement_and_rank_biased_overlap_are_their_definitions() -> None:
    rng = np.random.default_rng(2)
    a, b = (np.stack([rng.permutation(12)[:8] for _ in range(20)]) for _ in range(2))
    found = agreement(a, b)
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        assert found[row].tolist() == [len({*x[:d]} & {*y[:d]}) for d in range(1, 9)]
        p = 0.8
        long = sum(found[row, d - 1] / d * p**d for d in range(1, 9))
        expected = found[row, 7] / 8 * p**8 + (1 - p) / p * long
        assert rank_biased_overlap(found[row], p) == pytest.approx(expected)
    assert rank_biased_overlap(agreement(a, a), 0.9) == pytest.approx(1)


def test_maps_find_rotations_and_linear_maps() -> None:
    rng = np.random.default_rng(3)
    x, turn = rng.normal(size=(80, 3)), np.linalg.qr(rng.normal(size=(5, 5)))[0][:3]
    assert np.allclose(orthogonal(x, x @ turn).weights, turn)
    assert np.allclose(orthogonal(x, 3 * x @ turn + 2, free=True)(x), 3 * x @ turn + 2)
    assert np.allclose(ridge(x, x @ turn + 1)(x), x @ turn + 1, atol=1e-6)
