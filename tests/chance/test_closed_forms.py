"""Closed forms of chance beside all shuffles, or many."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from likewise.chance import Reason, Scored
from likewise.chance.closed_form import _moments_of_pairs, has_moments, root_moments
from likewise.chance.moments import shuffled_moments
from likewise.chance.overlap import hypergeometric, overlap_moments
from likewise.measures import Configuration, configurations, prepare
from likewise.quantities import Prepared, prepared
from likewise.quantities.permutation_sums import MOST_EQUAL, EqualRows
from likewise.representation import Representation
from likewise.scoring import compare, reduce

CKA = Configuration.parse("cka")

BILINEAR = ("linear_predictivity", "linear_predictivity(ridge=0.1)", "eigenspace_overlap",
            "eigenspace_overlap(over=width)", "gulp(squared=True)", "gulp(lam=0.0, squared=True)")  # fmt: skip


@pytest.mark.parametrize("name", BILINEAR)
def test_moments_are_those_of_all_shuffles(name) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 3)) + 1
    c = Configuration.parse(name)
    orders = list(itertools.permutations(range(6)))
    every = np.asarray([c(x[list(o)], y) for o in orders])
    for turned in (False, True):
        if turned and not c.facts.symmetric:
            every = np.asarray([c(y, x[list(o)]) for o in orders])
        third = ((every - every.mean()) ** 3).mean() / every.std() ** 3
        for many in (False, True):
            sides = {0: Prepared(x, many=many), 1: Prepared(y, many=many)}
            found = _moments_of_pairs(Scored(c, turned, np.asarray([0.5]), sides, [(0, 1)]), c.shuffled)
            assert found.mean[0] == pytest.approx(every.mean(), abs=1e-12)
            assert found.std[0] == pytest.approx(every.std(), abs=1e-12)
            assert found.skewness[0] == pytest.approx(third, abs=1e-9)


@pytest.mark.parametrize(
    "c",
    [c for c in configurations("all") if has_moments(c) and "scaling" in c.facts.invariances],
    ids=lambda c: c.label,
)
def test_chance_knows_no_scale(c) -> None:
    """Products of products, and their cubes, stay within the range of a float."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 40, 5))
    plain, *scaled = (list(compare({"x": x * s, "y": y / s}, c)) for s in (1.0, 1e-75, 1e75))
    for found in scaled:
        for one, row in zip(plain, found, strict=True):
            assert (row.null_mean, row.pvalue) == (pytest.approx(one.null_mean), pytest.approx(one.pvalue))


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


@pytest.mark.parametrize("n", [14, 30, 60])
@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
def test_a_root_has_the_p_of_its_square(n, noise) -> None:
    """The same shuffles are as alike; a curve through the moments of the root would give another share of them."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 4))
    of_root, of_square = compare([x, x + noise * rng.normal(size=x.shape)], ["gulp", "gulp(squared=True)"], groups=0)
    assert of_root.null == of_square.null == "moments" and of_root.pvalue == pytest.approx(of_square.pvalue, rel=1e-9)
    assert of_root.null_mean**2 < of_square.null_mean


def test_a_root_that_few_rows_decide_has_no_chance_level_without_shuffles() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 60, 5))
    x[2] *= 1000
    y[7] *= 1000
    of_root, of_square = compare([x, y], ["gulp", "gulp(squared=True)"], groups=0, permutations=0)
    assert [of_root.null_mean, of_root.z, of_root.calibrated] == [None] * 3 and of_root.reason == Reason.NO_ROOT
    assert of_root.pvalue == of_square.pvalue
    assert of_square.null_mean is not None and of_square.reason == Reason.BOUND
    of_root, _ = compare([x, y], ["gulp", "gulp(squared=True)"], groups=0, permutations=20)
    assert (of_root.null, of_root.reason) == ("shuffles", Reason.FEW_ROWS) and of_root.null_mean is not None


@pytest.mark.parametrize("sizes", [[4, 4, 4], [2, 10], [6, 6], [4] * 4, [1] * 11 + [3]])
@pytest.mark.parametrize("other", [False, True])
def test_p_is_never_below_the_share_of_orders_that_give_the_same_rows(sizes, other) -> None:
    """Rows of one label are equal, and each order among them gives the same score. Of vectors and of rows alike."""
    n = sum(sizes)
    labels = np.eye(len(sizes))[np.repeat(np.arange(len(sizes)), sizes)]
    x = labels @ np.random.default_rng(0).normal(size=(len(sizes), 9)) if other else labels
    least = np.exp(sum(gammaln(m + 1) for m in sizes) - gammaln(n + 1))
    for row in compare([labels, 2 * x], ["cka", "cka(debiased=True)", "rsa", "gulp"], groups=0, null="moments"):
        assert row.null != "moments" or row.pvalue >= least * (1 - 1e-9), row
    vectors = [reduce(CKA, prepare(Representation(m, name=name))) for name, m in (("a", labels), ("b", x))]
    sums = np.stack([of.sums for of in vectors])
    moments = shuffled_moments(sums, sums, n)
    assert np.exp(moments.same[0, 1] - gammaln(n + 1)) == pytest.approx(least)
    assert Prepared(np.eye(6))[EqualRows()] == 0 == Prepared(np.zeros((MOST_EQUAL + 1, 1)))[EqualRows()]
