"""What scores become without some inputs, in one shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import definitions
from likewise.errors import InputError
from likewise.inference import LeftOut, left_out
from likewise.inference.leftout import mean_with_ends
from likewise.representation import Representation
from likewise.scoring import compare, interval, leave_out


def jackknife_by_pseudovalues(value, values, sizes):
    """Busing, Meijer and van der Leeden, as they write it."""
    n, g = sizes.sum(), len(values)
    h = n / sizes
    centre = g * value - sum((1 - sizes[j] / n) * values[j] for j in range(g))
    pseudo = [h[j] * value - (h[j] - 1) * values[j] for j in range(g)]
    return sum((pseudo[j] - centre) ** 2 / (h[j] - 1) for j in range(g)) / g


@given(st.integers(5, 12), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_variance_is_that_of_the_definition(g, seed):
    rng = np.random.default_rng(seed)
    value, values, sizes = rng.normal(), rng.normal(size=g), rng.integers(1, 9, size=g)
    assert LeftOut(value, values, sizes).variance == pytest.approx(jackknife_by_pseudovalues(value, values, sizes))
    plain = (g - 1) / g * ((values - values.mean()) ** 2).sum()
    assert LeftOut(value, values).variance == pytest.approx(plain)
    assert LeftOut(value, values, np.full(g, 3)).variance == pytest.approx(plain)


def test_variance_of_a_mean_is_exact():
    each = np.random.default_rng(0).normal(size=50)
    assert LeftOut.of_mean(each).variance == pytest.approx(each.var(ddof=1) / 50)
    alone = LeftOut.of_mean(each, [str(i) for i in range(50)])
    assert alone.variance == pytest.approx(LeftOut.of_mean(each).variance)


def test_mean_without_each_group():
    each, groups = np.arange(12.0), [*"aabbbccdddde"]
    found = LeftOut.of_mean(each, groups)
    expected = [np.mean([x for x, own in zip(each, groups, strict=True) if own != g]) for g in "abcde"]
    assert np.allclose(found.values, expected)
    assert found.sizes.tolist() == [2, 3, 2, 4, 1]


def test_groups_of_a_mean_follow_exactly_from_single_inputs():
    rng = np.random.default_rng(0)
    each, of = rng.normal(size=43), np.arange(43) % 6
    found = LeftOut.of_mean(each).in_groups(of)
    assert np.allclose(found.values, LeftOut.of_mean(each, of.astype(str).tolist()).values)


def sides(n=60, groups=()):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 6))
    made = {"x": x, "same": x.copy(), "near": x + rng.normal(size=x.shape), "far": x + 3 * rng.normal(size=x.shape)}
    return [Representation(rows, name=name, groups=groups) for name, rows in made.items()]


def pair_rows(results, measure):
    return {(row.a, row.b): k for k, row in enumerate(results) if row.measure == measure}


@pytest.mark.parametrize("groups", [(), [str(i // 5) for i in range(60)]])
def test_intervals_of_the_table_come_from_the_same_variance(groups):
    results = compare(sides(groups=groups), ["cka", "aligned_cosine"], permutations=0)
    for k, row in enumerate(results):
        score = left_out(results, [k])[0]
        low, high = interval(np.asarray([row.value]), score.values[:, None], (-np.inf, np.inf), score.sizes)
        below, above = definitions.reach_of(score.contributions)
        assert [row.value - below, row.value + above] == pytest.approx([low[0], high[0]])


def test_rows_of_which_some_leave_out_groups_are_paired():
    results = compare(sides(), ["procrustes"], permutations=0)
    rows = pair_rows(results, "procrustes")
    kinds = [results.replicates("without_input")[k] is None for k in (rows["x", "same"], rows["x", "near"])]
    assert kinds == [True, False]  # an identical copy has no second-order values
    same, near, far = left_out(results, [rows["x", "same"], rows["x", "near"], rows["x", "far"]])
    assert len(same.values) == len(near.values) == len(far.values) == 20
    # To first order the values without a group are what the score without it is.
    kept = leave_out(60, 20, results[0].seed)
    x, noisy = (side.matrix for side in (sides()[0], sides()[3]))
    for value, items in zip(far.values, kept, strict=True):
        again = compare({"x": x[items], "far": noisy[items]}, ["procrustes"], permutations=0, groups=0)[0].value
        assert value == pytest.approx(again, abs=0.01)


def test_calibrated_scores_are_scaled_as_the_table_has_them():
    results = compare(sides(), ["cka"], permutations=0)
    rows = range(len(results))
    for k, score in zip(rows, left_out(results, rows, calibrated=True), strict=True):
        plain, row = left_out(results, [k])[0], results[k]
        assert score.value == pytest.approx(row.calibrated)
        assert np.sqrt(score.variance) == pytest.approx(np.sqrt(plain.variance) / (1 - row.null_mean))


def test_what_cannot_be_paired_is_refused():
    each, few = LeftOut.of_mean(np.arange(9.0)), LeftOut.of_mean(np.arange(8.0))
    with pytest.raises(InputError, match="without 9 and without 8 parts"):
        each.minus(few)
    with pytest.raises(InputError, match="different sizes"):
        LeftOut.of_mean(np.arange(7.0), [*"aabcdef"]).minus(LeftOut.of_mean(np.arange(7.0), [*"abbcdef"]))
    with pytest.raises(InputError, match="4 parts"):
        LeftOut(1.0, np.ones(4))
    with pytest.raises(InputError, match="not finite"):
        LeftOut(np.nan, np.ones(5))
    results = compare(sides(), ["cka"], permutations=0, groups=0)
    with pytest.raises(InputError, match="no left-out values of cka for x and same"):
        left_out(results, [0])


@pytest.mark.parametrize("g", [5, 8, 30])
@pytest.mark.parametrize("grouped", [False, True])
def test_shares_that_are_all_one_have_an_interval_and_no_others_a_shorter_one(g, grouped) -> None:
    ones = np.ones(2 * g if grouped else g)
    groups = [str(k // 2) for k in range(2 * g)] if grouped else []
    value, low, high = mean_with_ends(ones, groups)
    assert (value, high) == (1.0, 1.0) and low == pytest.approx(0.025 ** (1 / g))
    for lost in (0.1, 0.5, 1.0):
        worse = ones.copy()
        worse[0] -= lost
        assert mean_with_ends(worse, groups)[1] <= low
    assert mean_with_ends(0 * ones, groups) == (0.0, 0.0, pytest.approx(1 - low))
    assert mean_with_ends(2 * ones - 1, groups, (-1.0, 1.0))[1] == pytest.approx(2 * low - 1)


def test_cosines_near_one_vary_as_much_as_is_seen() -> None:
    cosines = 1 - np.random.default_rng(0).uniform(0.002, 0.004, size=200)
    value, low, high = mean_with_ends(cosines, bounds=(-1.0, 1.0), continuous=True)
    half = 1.96 * cosines.std(ddof=1) / np.sqrt(200)
    assert (value - low, high - value) == pytest.approx((half, half), rel=0.05)
    assert mean_with_ends(np.ones(200), bounds=(-1.0, 1.0), continuous=True)[1] == pytest.approx(2 * 0.025**0.005 - 1)


@pytest.mark.parametrize("sizes", [[40, 1, 1, 1, 1, 1], [100] + [2] * 10, [200] + [1] * 30, [60] + [6] * 10, [5] * 4])
def test_groups_of_which_one_holds_most_inputs_have_no_interval(sizes) -> None:
    """How much that one varies cannot be seen."""
    groups = np.repeat(np.arange(len(sizes)).astype(str), sizes).tolist()
    each = np.random.default_rng(0).normal(size=len(groups))
    assert mean_with_ends(each, groups)[1:] == (None, None)
    with pytest.raises(InputError, match=r"\d+ groups of inputs.*; expected 5 or more"):
        LeftOut.of_mean(each, groups)
    sides = [
        Representation(np.random.default_rng(k).normal(size=(len(each), 3)), name=f"{k}", groups=groups) for k in (0, 1)
    ]
    row = compare(sides, "cka", permutations=3)[0]
    assert row.low is None and "no interval: " in row.reason and "groups of inputs" in row.reason
    even = np.repeat(np.arange(6).astype(str), [9, 11, 10, 12, 10, 8]).tolist()
    assert mean_with_ends(np.random.default_rng(1).normal(size=60), even)[1] is not None
