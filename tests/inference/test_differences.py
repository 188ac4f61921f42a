"""Differences: exact small cases, other ways to the same numbers, and their error rates."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.chance.correction import holm
from likewise.errors import InputError
from likewise.inference import (
    Estimates,
    LeftOut,
    against,
    all_differences,
    difference,
    equivalence,
    mean_difference,
    step_down_max,
)
from likewise.inference import estimates as module
from likewise.inference.estimates import MANY, _Differences


def means(each):
    return [LeftOut.of_mean(x) for x in each]


def test_difference_of_means_is_the_paired_t_test():
    a, b = np.random.default_rng(0).normal(size=(2, 30))
    found, expected = difference(*means([a, b])), scipy.stats.ttest_rel(a, b)
    assert found.pvalue == pytest.approx(expected.pvalue)
    assert [found.low, found.high] == pytest.approx(list(expected.confidence_interval()))
    assert found.degrees == pytest.approx(29)
    alone, expected = against(means([a])[0], 0.1), scipy.stats.ttest_1samp(a, 0.1)
    assert alone.pvalue == pytest.approx(expected.pvalue)
    assert [alone.low + 0.1, alone.high + 0.1] == pytest.approx(list(expected.confidence_interval()))


def test_mean_over_data_sets_is_welch():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=12), 3 * rng.normal(size=40)
    zero = [LeftOut.of_mean(np.zeros(n)) for n in (12, 40)]
    found = mean_difference(list(zip(means([a, -b]), zero, strict=True)))
    expected = scipy.stats.ttest_ind(a, b, equal_var=False)
    assert (found.pvalue, found.degrees) == (pytest.approx(expected.pvalue), pytest.approx(expected.df))
    assert found.value == pytest.approx((a.mean() - b.mean()) / 2)


def test_equal_scores_do_not_differ_however_they_round():
    value = LeftOut(1.0, np.ones(20))
    rounded = LeftOut(1 - 2e-16, 1 - 1e-16 * np.arange(20))
    assert difference(value, rounded).pvalue == 1
    # The share of all differences that is rounding, as among many.
    found = all_differences(Estimates.of([value, rounded, LeftOut(0.9, 0.9 + 0.001 * np.arange(20))]))
    assert found.pvalue[0] == found.corrected[0] == 1
    assert found.corrected[1:].max() < 0.01


def test_what_does_not_vary_is_certain():
    found = against(LeftOut(1.0, np.ones(20)), 0.95)
    assert (found.pvalue, found.se) == (0, 0)
    assert found.low == found.high == pytest.approx(0.05)


@given(st.integers(2, 5), st.integers(5, 30), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_corrected_values_lie_between_the_plain_and_those_of_bonferroni(m, n, seed):
    each = np.random.default_rng(seed).normal(size=(m, n))
    found = all_differences(Estimates.of(means(each)), draws=1999, seed=seed)
    error = 4 * np.sqrt(found.pvalue.clip(1 / 2000) / 2000)
    assert (found.corrected >= found.pvalue - error).all()
    assert (found.corrected <= len(found.value) * found.pvalue + len(found.value) * error).all()
    order = np.argsort(-np.abs(found.value / found.se))
    assert (np.diff(found.corrected[order]) >= 0).all()
    for i, j, value, p in zip(found.first, found.second, found.value, found.pvalue, strict=True):
        alone = difference(*means(each[[i, j]]))
        assert (value, p) == (pytest.approx(alone.value), pytest.approx(alone.pvalue))


@pytest.mark.parametrize("count", [2, 4])
def test_draws_of_one_difference_are_student_t(count):
    # Fewer parts than scores too: the covariance is then singular, and so is that of the draws.
    each = np.random.default_rng(0).normal(size=(9 if count == 4 else 3, 6))
    pairs = Estimates.of(means(each)).pairs(np.asarray([0, 1]), np.asarray([1, 2]))
    t = np.concatenate(list(pairs.draws(20_000, count)))
    for column in t.T:
        assert scipy.stats.kstest(column, scipy.stats.t(5).cdf).pvalue > 0.001


def test_step_down_is_to_reject_and_start_again():
    rng = np.random.default_rng(0)
    draws = rng.standard_t(9, size=(999, 6))
    t = np.asarray([4.5, 3.0, 2.6, 2.2, 1.0, -0.5])
    p, _ = step_down_max(t, iter([draws[:500], draws[500:]]))
    for level in (0.01, 0.05, 0.2):
        left = np.ones(6, dtype=bool)
        while left.any():
            counted = (1 + (draws[:, left].max(axis=1)[:, None] >= t[left]).sum(axis=0)) / 1000
            if not (counted <= level).any():
                break
            left[np.flatnonzero(left)[counted <= level]] = False
        assert ((p <= level) == ~left).all()


def test_errors_over_all_pairs_keep_the_level_and_find_what_holm_finds():
    wrong, found, by_holm = 0, 0, 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        each = rng.normal(size=20) + 0.5 * rng.normal(size=(6, 20)) + np.repeat([0.0, 0.55], 3)[:, None]
        result = all_differences(Estimates.of(means(each)), draws=199, seed=seed)
        differ = (result.first < 3) & (result.second >= 3)
        wrong += bool((result.corrected[~differ] <= 0.05).any())
        found += (result.corrected[differ] <= 0.05).sum()
        by_holm += (holm(result.pvalue)[differ] <= 0.05).sum()
    assert wrong <= 15  # of 150, where 7.5 are expected: 3 standard errors
    assert found > by_holm


def test_means_over_data_sets_of_all_pairs():
    rng = np.random.default_rng(0)
    two = [rng.normal(size=(3, n)) for n in (10, 40)]
    found = all_differences(Estimates.mean_of([means(each) for each in two]))
    alone = mean_difference([tuple(means(each[:2])) for each in two])
    assert (found.value[0], found.degrees[0]) == (pytest.approx(alone.value), pytest.approx(alone.degrees))
    assert found.pvalue[0] == pytest.approx(alone.pvalue)


@pytest.mark.parametrize(
    ("shift", "margin", "verdict"),
    [(0.0, 1.0, "same"), (3.0, 1.0, "different"), (0.5, 1.0, "small but real"), (0.0, 0.01, "undecided")],
)
def test_equivalence_says_each_of_four(shift, margin, verdict):
    each = np.random.default_rng(2).normal(size=40)
    each = (each - each.mean()) + shift
    found = equivalence(against(LeftOut.of_mean(each), 0.0), margin)
    assert found.verdict == verdict
    # Both one-sided tests as such.
    low = scipy.stats.ttest_1samp(each, -margin, alternative="greater").pvalue
    high = scipy.stats.ttest_1samp(each, margin, alternative="less").pvalue
    assert found.within == pytest.approx(max(low, high), abs=1e-12)


def test_equivalence_of_what_does_not_vary():
    exact = difference(LeftOut(1.0, np.ones(9)), LeftOut(1.0, np.ones(9)))
    assert equivalence(exact, 0.01).verdict == "same"
    assert equivalence(against(LeftOut(1.0, np.ones(9)), 0.5), 0.1).verdict == "different"
    assert equivalence(against(LeftOut(1.0, np.ones(9)), 0.5), 0.6).verdict == "small but real"


def test_refusals():
    with pytest.raises(InputError, match="expected two scores"):
        all_differences(Estimates.of([LeftOut(1.0, np.ones(9))]))
    with pytest.raises(InputError, match="margin of 0"):
        equivalence(against(LeftOut(1.0, np.ones(9)), 1.0), 0)
    with pytest.raises(InputError, match=r"covariance of shape \(2, 2\)"):
        Estimates.of_covariance(np.ones(3), np.eye(2))
    with pytest.raises(InputError, match="eigenvalue -1"):
        Estimates.of_covariance(np.ones(2), np.asarray([[0.0, 1.0], [1.0, 0.0]]))


def test_squares_of_many_differences_keep_the_digits_of_near_ones() -> None:
    rng = np.random.default_rng(0)
    like = rng.normal(size=(MANY, 30))
    like[1] = like[0] + 1e-9 * rng.normal(size=30)
    like[2] = like[0]
    of = _Differences(*np.triu_indices(MANY, 1))
    rows = like @ rng.normal(size=(7, 30, 12))
    assert of.squares(rows, like) == pytest.approx((of(rows) ** 2).sum(axis=-1), rel=1e-9, abs=0)


def test_many_numbers_have_the_law_of_few() -> None:
    """The largest of all differences, drawn from a square factor and from the one that came in."""
    rng = np.random.default_rng(1)
    each = rng.normal(size=(MANY, 60)) @ np.diag(np.linspace(0.5, 2, 60))
    estimates = Estimates.of([LeftOut.of_mean(x) for x in each])
    pairs = estimates.pairs(*np.triu_indices(MANY, 1))
    (block,) = pairs.blocks
    assert block.squared().factor.shape == (MANY, MANY)
    assert block.squared().factor @ block.squared().factor.T == pytest.approx(estimates.covariance)

    def quantiles(many: int) -> np.ndarray:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "MANY", many)
            largest = np.concatenate([np.abs(t).max(axis=1) for t in pairs.draws(3000, seed=0)])
        return np.quantile(largest, [0.5, 0.9])

    assert quantiles(MANY) == pytest.approx(quantiles(10**9), rel=0.02)
