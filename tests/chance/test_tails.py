"""Tails of the closed form: bounded from below, and left alone where a few rows decide."""

import itertools
import math

import numpy as np
import pytest

from likewise.chance import BOUND, FEW_ROWS, shuffled_moments
from likewise.measures import Configuration
from likewise.quantities import OrbitSums, PerPair, Prepared
from likewise.scoring import compare

CLOSED = ["cka", "cka(debiased=True)", "distance_correlation(debiased=True)", "rsa", "rsa(outer=pearson)"]


def sides(rng, n, d=8, long=(), times=1.0):
    x = rng.normal(size=(n, d))
    x[list(long)] *= times
    return x


@pytest.mark.parametrize("times", [30, 1e6])
@pytest.mark.parametrize("n", [12, 30, 60])
@pytest.mark.parametrize("measure", ["cka", "cka(debiased=True)", 'rsa(inner="sqeuclidean", outer="pearson")'])
def test_long_rows_that_meet_are_no_less_than_a_chance_of_one_in_n(measure, n, times):
    rng = np.random.default_rng(n)
    pair = {"x": sides(rng, n, long=[3], times=times), "y": sides(rng, n, long=[3], times=times)}
    (drawn,) = compare(pair, measure, groups=0, permutations=199)
    assert (drawn.null, drawn.n_permutations, drawn.reason) == ("shuffles", 199, FEW_ROWS)
    assert drawn.pvalue > 1 / n / 5
    (bounded,) = compare(pair, measure, groups=0, permutations=0)
    assert (bounded.null, bounded.reason) == ("moments", BOUND)
    assert bounded.pvalue == pytest.approx(1 / (1 + max(0.0, bounded.z) ** 2))
    assert bounded.pvalue > 0.8 / n


@pytest.mark.parametrize("measure", CLOSED)
@pytest.mark.parametrize("n", [12, 40, 100])
def test_ordinary_rows_keep_the_closed_form_and_its_power(measure, n):
    rng = np.random.default_rng(n)
    x = sides(rng, n, 16)
    rows = list(compare({"x": x, "copy": x + 0.05 * rng.normal(size=x.shape), "y": sides(rng, n)}, measure, groups=0))
    assert {(r.null, r.reason) for r in rows} == {("moments", "")}
    assert rows[0].pvalue < 1e-5 < rows[1].pvalue


@pytest.mark.parametrize("measure", CLOSED)
@pytest.mark.parametrize("n", [5, 8, 11])
def test_fewer_than_twelve_inputs_are_shuffled(measure, n):
    rng = np.random.default_rng(n)
    (row,) = compare({"x": sides(rng, n), "y": sides(rng, n)}, measure, groups=0, permutations=30)
    assert (row.null, row.n_permutations, row.reason) == ("shuffles", 30, FEW_ROWS)


class Given(PerPair):
    """The matrix itself."""

    def compute(self, of):
        return of.matrix


def moments(a, b):
    return shuffled_moments(*(np.asarray(Prepared(m)[OrbitSums(Given())])[None] for m in (a, b)), len(a))


@pytest.mark.parametrize("n", [2, 3, 5, 12, 20, 170, 200])
def test_no_pvalue_is_below_one_of_all_orders(n):
    a = np.cov(np.random.default_rng(n).normal(size=(n, 3)))
    m = moments(a, a)
    value = np.asarray([[1e9 * np.sum(a * a)]])
    least = math.exp(-math.lgamma(n + 1))
    assert (m.closed(value) >= least * (1 - 1e-9)).all() and (m.pvalue(value) >= least * (1 - 1e-9)).all()
    assert n > 160 or least > 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [4, 5, 6])
def test_the_bound_holds_for_every_order(n, seed):
    """By enumeration, whatever the rows."""
    rng = np.random.default_rng([n, seed])
    a, b = (np.cov(sides(rng, n, 3, long=rng.integers(n, size=1), times=10.0**seed)) for _ in "ab")
    scores = np.asarray([(a * b[np.ix_(p, p)]).sum() for p in map(list, itertools.permutations(range(n)))])
    m = moments(a, b)
    assert m.few.all()
    for value in scores[:: max(1, len(scores) // 60)]:
        share = np.mean(scores >= value - 1e-9 * np.abs(scores).max())
        assert m.pvalue(np.asarray([[value]]))[0, 0] >= share * (1 - 1e-6)
        distance = np.mean(scores <= value + 1e-9 * np.abs(scores).max())
        assert m.pvalue(np.asarray([[value]]), -1)[0, 0] >= distance * (1 - 1e-6)


def test_rows_that_share_the_entries_evenly_are_not_few():
    """The number of rows that squared entries are spread over, against its definition."""
    for long, few in (((), False), ((0,), True), (range(10), True), (range(35), False)):
        rng = np.random.default_rng(1)
        x, y = (sides(rng, 40, 16, long=long, times=30.0) for _ in "xy")
        c = Configuration.parse("cka")
        matrices = [np.asarray(Prepared(m)[c.product.quantity]) for m in (x, y)]
        found = []
        for a in matrices:
            eye = np.eye(40)
            off = (a.sum() - np.trace(a)) / (40 * 39)
            q = ((a - eye * np.trace(a) / 40 - (1 - eye) * off) ** 2).sum(axis=1)
            found.append(q.sum() ** 2 / (q**2).sum())
        assert bool(moments(*matrices).few[0, 0]) == few == (40 / math.sqrt(found[0] * found[1]) > 2)


@pytest.mark.parametrize(
    "family", ["long row", pytest.param("heavy tails", marks=pytest.mark.long("one more family of data")), "binary"]
)
def test_false_alarms_come_up_as_often_as_they_should(family):
    """Four standard errors; the rates of nine families, to more digits, are what benchmarks/tails.py prints."""
    draws, alarms = 60, np.zeros(2)
    for seed in range(draws):
        rng = np.random.default_rng([7, seed])
        pair = {}
        for name in "xy":
            x = rng.normal(size=(14, 4))
            if family == "heavy tails":
                x = rng.standard_t(1.5, size=(14, 4))
            if family == "binary":
                x = (x > 0).astype(float)
            if family == "long row":
                x[rng.integers(14)] *= 100
            pair[name] = x
        rows = list(compare(pair, ["cka", "cka(debiased=True)"], groups=0, permutations=99, rng=seed))
        alarms += [np.mean([r.pvalue <= level for r in rows if r.pvalue is not None]) for level in (0.05, 0.01)]
    for count, level in zip(alarms, (0.05, 0.01), strict=True):
        assert count <= level * draws + 4 * (level * draws) ** 0.5
