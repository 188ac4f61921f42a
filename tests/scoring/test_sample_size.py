"""Scores with fewer inputs."""

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.scoring import Point, compare, learning_curve, stable_from

MEASURES = ["cka", "procrustes", "rsa", "jaccard(k=3)", "linear_predictivity(folds=5)"]


@pytest.fixture
def pair(rng):
    x = rng.normal(size=(60, 8))
    return {"x": x, "y": x @ rng.normal(size=(8, 6)) + rng.normal(size=(60, 6))}


@pytest.mark.parametrize("measure", MEASURES)
def test_scores_of_some_inputs_are_those_of_their_rows(pair, measure):
    c = Configuration.parse(measure)
    points = learning_curve(pair, c, sizes=[24], draws=3, permutations=4, seed=5)
    rng = np.random.default_rng(5)
    drawn = [np.sort(rng.permutation(60)[:24]) for _ in range(3)]
    expected = [
        next(iter(compare({k: m[items] for k, m in pair.items()}, c, permutations=4, rng=5, groups=0)))
        for items in drawn
    ]
    first = points[0]
    assert (first.n_items, first.draws) == (24, 3)
    for column in ("value", "null_mean", "calibrated"):
        numbers = [getattr(row, column) for row in expected]
        if None not in numbers:
            assert getattr(first, column) == pytest.approx(np.mean(numbers), abs=1e-9)
    assert first.calibrated_low <= first.calibrated <= first.calibrated_high


@pytest.mark.parametrize("measure", MEASURES)
def test_the_end_of_a_curve_is_the_whole(pair, measure):
    *_, last = learning_curve(pair, measure, sizes=[30], draws=2, permutations=4)
    whole = list(compare(pair, measure, permutations=4, groups=0))[-1]
    assert (last.n_items, last.draws, last.a) == (60, 1, whole.a)
    assert last.value == pytest.approx(whole.value, abs=1e-12)
    assert last.null_mean == pytest.approx(whole.null_mean, abs=1e-12)


def test_sizes_are_chosen_where_they_are_not_given(pair):
    sizes = [p.n_items for p in learning_curve(pair, "cka", draws=1)]
    assert sizes == sorted(set(sizes)) and sizes[0] == 10 and sizes[-1] == 60 and len(sizes) >= 6


def test_chance_of_a_biased_score_falls_with_the_number_of_inputs(rng):
    unrelated = {name: rng.normal(size=(200, 100)) for name in "ab"}
    points = learning_curve(unrelated, "cka", sizes=[20, 60], draws=4)
    chance = [p.null_mean for p in points]
    assert chance == sorted(chance, reverse=True) and chance[0] > 2 * chance[-1]
    assert all(abs(p.calibrated) < 0.05 for p in points)


def test_what_is_missing_is_said(pair):
    pair["x"] = np.zeros((60, 2))
    pair["x"][7] = 1.0
    points = learning_curve(pair, "cka", sizes=[5], draws=4)
    assert points[0].draws < 4 and "all rows of x are equal" in points[0].reason
    assert points[-1].draws == 1


def curve(*calibrated):
    return [
        Point("a", "b", "cka", "{}", n, 1, c, 0.0, c, c, c, "")
        for n, c in zip((10, 20, 40, 80), calibrated, strict=True)
    ]


@pytest.mark.parametrize(
    ("calibrated", "stable"),
    [
        ((0.5, 0.5, 0.5, 0.5), 10),
        ((0.9, 0.5, 0.5, 0.5), 20),
        ((0.5, 0.9, 0.5, 0.5), 40),
        ((0.9, 0.8, 0.7, 0.5), None),
        ((None, 0.5, 0.5, 0.5), 20),
        ((0.5, 0.5, 0.5, None), None),
    ],
)
def test_stable_is_from_where_a_curve_stays_near_its_end(calibrated, stable):
    assert stable_from(curve(*calibrated), 0.1) == stable


@pytest.mark.parametrize(
    ("given", "message"), [({"sizes": [61]}, "sizes=61; expected"), ({"draws": 0}, "draws=0; expected")]
)
def test_what_cannot_be_drawn_is_refused(pair, given, message):
    with pytest.raises(InputError, match=message):
        learning_curve(pair, "cka", **given)


def test_a_copy_is_stable_whatever_else_is_asked() -> None:
    """A measure that needs many inputs starts the curves of all no later than at half of them."""
    x = np.random.default_rng(0).normal(size=(40, 5))
    for measures in ("cka", ["cka", "jaccard"]):
        points = learning_curve({"x": x, "copy": 2 * x}, measures, draws=2, permutations=9)
        for measure in {p.measure for p in points}:
            assert stable_from([p for p in points if p.measure == measure], 0.05) in (10, 20), measure
