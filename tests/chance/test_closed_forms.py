"""Closed forms of chance beside all shuffles, or many."""

import itertools

import numpy as np
import pytest
from scipy import stats

from likewise.chance import Scored
from likewise.chance.closed_form import _moments_of_pairs, root_moments
from likewise.chance.overlap import hypergeometric, overlap_moments
from likewise.measures import Configuration
from likewise.quantities import Prepared, prepared
from likewise.scoring import compare

BILINEAR = ("linear_predictivity", "linear_predictivity(ridge=0.1)", "eigenspace_overlap",
            "eigenspace_overlap(over=width)", "gulp(squared=True)", "gulp(lam=0.0, squared=True)")  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", BILINEAR)
def test_moments_are_those_of_all_shuffles(name, turned) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 3)) + 1
    c = Configuration.parse(name)
    orders = itertools.permutations(range(6))
    every = np.asarray([c(y, x[list(o)]) if turned else c(x[list(o)], y) for o in orders])
    third = ((every - every.mean()) ** 3).mean() / every.std() ** 3
    for many in (False, True):
        sides = {0: Prepared(x, many=many), 1: Prepared(y, many=many)}
        found = _moments_of_pairs(Scored(c, turned, np.asarray([0.5]), sides, [(0, 1)]), c.shuffled)
        assert found.mean[0] == pytest.approx(every.mean(), abs=1e-12)
        assert found.std[0] == pytest.approx(every.std(), abs=1e-12)
        assert found.skewness[0] == pytest.approx(third, abs=1e-9)


@pytest.mark.parametrize(("name", "n"), [("gulp", 120), ("gulp(lam=0.0)", 24)])
def test_moments_of_a_root_are_those_of_many_shuffles(name, n) -> None:
    rng = np.random.default_rng(n)
    x, y = Prepared(rng.exponential(size=(n, 5))), Prepared(rng.normal(size=(n, 8)))
    c = Configuration.parse(name)
    drawn = np.asarray([c(x, y.permuted(rng.permutation(n))) for _ in range(2000)])
    found = _moments_of_pairs(Scored(c, False, np.asarray([0.5]), {0: x, 1: y}, [(0, 1)]), c.shuffled)
    assert not found.few[0]
    assert found.mean[0] == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 2000**0.5)
    assert found.std[0] == pytest.approx(drawn.std(), rel=0.08)
    assert found.skewness[0] == pytest.approx(((drawn - drawn.mean()) ** 3).mean() / drawn.std() ** 3, abs=0.3)


def test_moments_of_a_root_are_those_of_a_law() -> None:
    """Of a gamma variable: Pearson's type III itself."""
    for shape in (50.0, 400.0):
        root = stats.gengamma(shape, 2)  # the root of a gamma variable
        found = root_moments(shape, shape**0.5, 2 / shape**0.5)
        mean, variance, skewness = (float(part) for part in root.stats("mvs"))
        assert found == pytest.approx((mean, variance**0.5, skewness), rel=0.1 / shape, abs=1e-9)


def nearest(n: int, d: int, k: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, d))
    apart = ((x[:, None] - x[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1)[:, :k]


SCORES = {"jaccard": lambda o: o / 4, "mutual": lambda o: o / 2, "jaccard itself": lambda o: o / (4 - o)}


@pytest.mark.parametrize("score", SCORES)
def test_common_neighbours_of_all_shuffles(score) -> None:
    n, k = 6, 2
    x, y = nearest(n, 2, k, 0), nearest(n, 3, k, 1)
    mean, std, _, _ = overlap_moments(x, y, SCORES[score])
    graph = np.zeros((n, n), dtype=bool)
    np.put_along_axis(graph, y, True, axis=1)
    every = []
    for order in map(np.asarray, itertools.permutations(range(n))):
        moved = graph[np.ix_(order, order)]
        every.append(SCORES[score](np.take_along_axis(moved, x, axis=1).sum(axis=1)).mean())
    assert mean == pytest.approx(np.mean(every), abs=1e-12)
    assert std == pytest.approx(np.std(every), rel=0.02 if score == "jaccard itself" else 1e-12)


def test_skewness_of_common_neighbours_is_that_of_many_shuffles() -> None:
    n, k = 700, 4
    x, y = nearest(n, 12, k, 0), nearest(n, 12, k, 1)
    mean, std, skewness, _ = overlap_moments(x, y, lambda o: o / k)
    rng, graph = np.random.default_rng(2), np.zeros((n, n), dtype=bool)
    np.put_along_axis(graph, y, True, axis=1)
    drawn = []
    for _ in range(1500):
        order = rng.permutation(n)
        drawn.append(graph[order[:, None], order[x]].sum() / (n * k))
    z = (np.asarray(drawn) - mean) / std
    assert z.mean() == pytest.approx(0, abs=0.1)
    assert z.std() == pytest.approx(1, abs=0.08)
    assert (z**3).mean() == pytest.approx(skewness, abs=0.25)


def test_law_sums_to_one() -> None:
    for n, k in ((5, 4), (100_000, 10), (9, 9)):
        assert hypergeometric(n, k).sum() == pytest.approx(1, abs=1e-9)


def test_no_shuffles_are_drawn_where_the_form_is_closed(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 6)), rng.normal(size=(400, 5))
    names = ["linear_predictivity", "gulp", "gulp(squared=True)", "eigenspace_overlap", "jaccard(k=4)"]
    assert {r.null for r in compare({"x": x, "y": y}, names[:4], groups=0)} == {"moments"}
    assert {r.null for r in compare({"x": x, "y": y}, names[4], groups=0)} == {"shuffles"}
    monkeypatch.setattr(prepared, "PAIRED", 100)
    (closed,) = compare({"x": x, "y": y}, names[4], groups=0)
    (drawn,) = compare({"x": x, "y": y}, names[4], groups=0, chance="shuffles", permutations=100)
    assert closed.null == "moments"
    assert closed.null_mean == pytest.approx(drawn.null_mean, abs=4 * drawn.null_std / 10)
    assert closed.null_std == pytest.approx(drawn.null_std, rel=0.3)
