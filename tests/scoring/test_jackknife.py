"""How well a variance is known: degrees of freedom from the kurtosis of what each part moves a score by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import definitions
from configurations import EVERY
from likewise.measures import Configuration, prepare
from likewise.representation import Representation
from likewise.scoring import Trust, interval, leave_out, score_block
from likewise.scoring.jackknife import degrees, least_size, mean_size, skew


@given(st.integers(10, 40), st.floats(1, 30), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_they_are_those_of_the_definition_whatever_the_units(g, tail, seed) -> None:
    moves = np.random.default_rng(seed).standard_t(tail, size=(3, g))
    moves -= moves.mean(axis=1)[:, None]
    found = degrees(moves)
    assert found == pytest.approx([definitions.degrees(row) for row in moves])
    assert ((found > 1) & (found <= g - 1)).all()
    for unit in (1e-300, 1e300):
        assert degrees(moves / np.abs(moves).max() * unit) == pytest.approx(found)


@pytest.mark.parametrize("g", range(2, 10))
def test_of_few_parts_there_is_one_less(g) -> None:
    """As of runs of a training: their kurtosis would be mostly chance."""
    values = np.arange(g, dtype=float)[:, None] ** 2
    assert degrees(values.T).tolist() == [g - 1]
    low, high = interval(np.ones(1), values)
    half = stats.t.ppf(0.975, g - 1) * (g - 1) / np.sqrt(g) * values.std(ddof=1)
    assert (high - low) / 2 == pytest.approx(half)


def test_what_does_not_move_has_one_less_than_parts() -> None:
    assert degrees(np.zeros((2, 7))).tolist() == [6, 6]


@pytest.mark.parametrize(("law", "kurtosis"), [(stats.norm, 3.0), (stats.laplace, 6.0), (stats.expon, 9.0)])
def test_two_over_them_is_the_variance_of_a_variance(law, kurtosis) -> None:
    """The formula, with the kurtosis that the law has."""
    g = 30
    squares = law.rvs(size=(200_000, g), random_state=0).var(axis=1, ddof=1)
    nu = 2 / (kurtosis / g - (g - 3) / (g * (g - 1)))
    assert squares.var() / squares.mean() ** 2 == pytest.approx(2 / nu, rel=0.05)


@pytest.mark.parametrize(("law", "least"), [(stats.norm, 0.945), (stats.expon, 0.95), (stats.t(3), 0.95)])
def test_intervals_of_means_hold_them(law, least) -> None:
    """Twenty inputs, 4,000 draws. With 19 degrees of freedom for all, and symmetric: 0.949, 0.918 and 0.957."""
    x = law.rvs(size=(4_000, 20), random_state=1)
    without = (x.sum(axis=1)[:, None] - x) / 19
    low, high = interval(x.mean(axis=1), without.T)
    held = ((low <= law.mean()) & (law.mean() <= high)).mean()
    assert least < held < 0.97


def test_one_part_that_moves_a_score_most_makes_the_interval_longer() -> None:
    """As long as the sum of squares is the same."""
    alike = np.tile([1.0, -1.0], 10)
    one = np.concatenate([[19.0], np.full(19, -1.0)]) / np.sqrt(19)
    assert (one**2).sum() == pytest.approx((alike**2).sum())
    wide, narrow = (np.concatenate(interval(np.zeros(1), -moves[:, None])) for moves in (one, alike))
    assert -wide[0] / narrow[1] == pytest.approx(stats.t.ppf(0.975, definitions.degrees(one)) / stats.t.ppf(0.975, 19))
    assert -wide[0] > 2 * narrow[1]


@given(st.integers(2, 40), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_the_end_to_which_few_parts_move_a_score_lies_further_away(g, seed) -> None:
    """The other end stays."""
    moves = np.random.default_rng(seed).exponential(size=g) + 1e-9 * np.arange(g)
    moves -= moves.mean()
    below, above = definitions.reach_of(np.sqrt((g - 1) / g) * moves)
    for sign, ends in ((1, (-below, above)), (-1, (-above, below))):
        low, high = interval(np.zeros(1), -sign * moves[:, None])
        assert (low[0], high[0]) == pytest.approx(ends)
    for unit in (1e-300, 1e300):
        assert skew(moves[None] / np.abs(moves).max() * unit)[0] / unit == pytest.approx(
            skew(moves[None])[0] / np.abs(moves).max()
        )


@pytest.mark.parametrize(
    "mu",
    [0.0, 0.4, 1.0, 2.0, 4.0, *(pytest.param(m, marks=pytest.mark.long("means between")) for m in (1.7, 2.5, 8.0))],
)
def test_intervals_of_sizes_hold_their_mean_in_95_of_100_cases(mu) -> None:
    """Of |Z|, Z normal of known deviation: the smallest and the largest mean that agree with what was seen."""
    u = np.abs(np.random.default_rng(0).normal(mu, size=50_000))
    mean = float(mean_size(np.asarray([mu]))[0])
    assert mean == pytest.approx(stats.foldnorm(mu).mean())
    held = (least_size(u) <= mean) & (mean <= mean_size(u + stats.norm.ppf(0.975)))
    assert held.mean() == pytest.approx(0.95, abs=0.004)


def test_sizes_far_from_zero_have_the_interval_of_any_score() -> None:
    """And those near it one from 0 on, where parts are moved in the direction of the whole."""
    moves = np.random.default_rng(0).normal(scale=0.01, size=(20, 1))
    for value, same in ((2.0, True), (0.03, False)):
        low, high = interval(np.asarray([value]), value + moves, (0.0, np.inf), folded=True)
        as_any = interval(np.asarray([value]), value + moves)
        assert (low == pytest.approx(as_any[0]) and high == pytest.approx(as_any[1])) is same
    assert low[0] == 0 < value < high[0]
    assert np.ravel(interval(np.asarray([0.5]), np.full((20, 1), 0.5), folded=True)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("label", [c.label for c in EVERY if c.difference])
def test_differences_keep_their_direction_where_inputs_are_left_out(label) -> None:
    """Without it the moves of a difference near 0 would all point away from it."""
    rng = np.random.default_rng(1)
    x, y = (Representation(rng.normal(size=(60, 6)) + 0.3, name=name) for name in "xy")
    configuration = Configuration.parse(label)
    found = score_block([x, y], [(0, 1)], [configuration], Trust("none", 0))
    row = next(iter(found))
    assert row.value == configuration(x, y)
    without = found.replicates("without")[0]
    kept = leave_out(60, len(without), 0) if len(without) < 60 else [np.delete(np.arange(60), i) for i in range(60)]
    sizes = [configuration(*(Representation(of.matrix[items], name=of.name) for of in (x, y))) for items in kept]
    if configuration.difference.weights is None:
        assert np.abs(without) == pytest.approx(sizes)
    else:  # the largest of several may be another
        assert (np.abs(without) <= np.asarray(sizes) + 1e-15).all()
    x, y = prepare(x), prepare(y)
    signed, turned = configuration.difference.along(x, y), configuration.difference.along(y, x)
    assert signed(x, y) == row.value == turned(y, x) == -signed(y, x)
