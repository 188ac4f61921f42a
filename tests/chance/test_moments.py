"""Closed forms of chance against all permutations, and against many."""

import itertools

import numpy as np
import pytest
from scipy import stats

from likewise.chance.moments import shuffled_moments
from likewise.quantities import PAIRS, TRIPLES, Graph, OrbitSums, PerPair, Prepared


class Given(PerPair):
    """The matrix itself."""

    def compute(self, of):
        return of.matrix


def symmetric(rng, n, *, diagonal=True, centred=False):
    a = rng.gamma(0.5, size=(n, n))
    a = a + a.T if diagonal else (a + a.T) * (1 - np.eye(n))
    h = np.eye(n) - 1 / n
    return h @ a @ h if centred else a


def sums(a):
    return np.asarray(Prepared(a)[OrbitSums(Given())])


def all_scores(a, b):
    return np.asarray([(a * b[np.ix_(p, p)]).sum() for p in map(list, itertools.permutations(range(len(a))))])


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("diagonal", [False, True])
def test_moments_are_those_of_all_permutations(n, centred, diagonal):
    rng = np.random.default_rng(n)
    a, b = (symmetric(rng, n, diagonal=diagonal, centred=centred) for _ in range(2))
    scores = all_scores(a, b)
    m = shuffled_moments(sums(a)[None], sums(b)[None], n)
    assert m.mean[0, 0] == pytest.approx(scores.mean(), rel=1e-10)
    assert m.std[0, 0] == pytest.approx(scores.std() if np.ptp(scores) > 1e-12 else 0, rel=1e-9)
    if m.std[0, 0]:
        assert m.skewness[0, 0] == pytest.approx(stats.skew(scores), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("flat", [True, False], ids=["flat", "power law"])
def test_moments_and_pvalues_are_those_of_a_hundred_thousand_shuffles(flat):
    n, count = 40, 100_000
    rng = np.random.default_rng(11)
    spectrum = np.ones(64) if flat else 1 / np.arange(1, 65)
    a, b = (np.cov(rng.normal(size=(n, 64)) * spectrum) for _ in "ab")
    scores = np.concatenate(
        [
            np.einsum("ij,pij->p", a, b[p[:, :, None], p[:, None, :]])
            for p in (np.stack([rng.permutation(n) for _ in range(1000)]) for _ in range(count // 1000))
        ]
    )
    m = shuffled_moments(sums(a)[None], sums(b)[None], n)
    error = scores.std() / count**0.5
    assert m.mean[0, 0] == pytest.approx(scores.mean(), abs=4 * error)
    assert m.std[0, 0] == pytest.approx(scores.std(), rel=4 / count**0.5 * (1 + abs(stats.kurtosis(scores))))
    assert m.skewness[0, 0] == pytest.approx(stats.skew(scores), abs=0.1 + 0.1 * abs(stats.skew(scores)))
    for share in (0.5, 0.1, 0.05, 0.01):  # the p-value of the score that so many shuffles exceed
        value = np.quantile(scores, [[1 - share]])
        assert m.closed(value, 1)[0, 0] == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize("graph", [*PAIRS, *TRIPLES])
def test_each_sum_is_that_of_its_graph(graph: Graph):
    a = symmetric(np.random.default_rng(1), 6)
    d, off = np.trace(a), a.sum() - np.trace(a)
    eye = np.eye(6)
    a0 = a - eye * d / 6 - (1 - eye) * off / 30
    expected = np.einsum(",".join("".join("abcd"[v] for v in edge) for edge in graph) + "->", *[a0] * len(graph))
    assert sums(a)[2 + [*PAIRS, *TRIPLES].index(graph)] == pytest.approx(expected, rel=1e-10)


def test_pairs_of_two_lists_are_those_of_each_pair():
    rng = np.random.default_rng(2)
    left, right = ([sums(symmetric(rng, 9)) for _ in range(k)] for k in (3, 2))
    m = shuffled_moments(np.stack(left), np.stack(right), 9)
    one = shuffled_moments(left[1][None], right[0][None], 9)
    assert (m.mean[1, 0], m.std[1, 0], m.skewness[1, 0]) == pytest.approx(
        (one.mean[0, 0], one.std[0, 0], one.skewness[0, 0]), rel=1e-12
    )
