"""A score beside its chance level."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.chance import Null, draw_permutations, judge
from likewise.measures import Configuration

SIMILARITY, DISTANCE = (Configuration.parse(m).facts for m in ("cka", "procrustes"))
NULL = [0.1, 0.2, 0.4, 0.5]


def judged(value, null, facts, identity=None):
    """The same for one pair, as plain numbers."""
    value, shuffled = np.asarray([float(value)]), np.asarray(null, dtype=float)[:, None]
    one = facts.identity if identity is None else identity
    chance = judge(value, Null.of_shuffles(value, shuffled, facts), facts, np.asarray([one], dtype=float))
    found = {name: getattr(chance, name)[0] for name in ("mean", "std", "z", "pvalue", "calibrated")}
    plain = {name: None if np.isnan(number) else float(number) for name, number in found.items()}
    return SimpleNamespace(**plain, reason=chance.reason[0])


@pytest.mark.parametrize(
    ("value", "facts", "pvalue"),
    [
        (0.45, SIMILARITY, 2 / 5),
        (0.45, DISTANCE, 4 / 5),
        (0.9, SIMILARITY, 1 / 5),
        (0.9, DISTANCE, 1.0),
        (0.05, SIMILARITY, 1.0),
        (0.05, DISTANCE, 1 / 5),
        # A tie counts for chance, in either direction, and so does one but for rounding.
        (0.4, SIMILARITY, 3 / 5),
        (0.4, DISTANCE, 4 / 5),
        (0.4 + 1e-15, SIMILARITY, 3 / 5),
        (0.4 - 1e-15, DISTANCE, 4 / 5),
    ],
)
def test_pvalue_counts_shuffles_at_least_as_alike_and_the_score_itself(value, facts, pvalue):
    assert judged(value, NULL, facts).pvalue == pytest.approx(pvalue)


def test_mean_and_deviation_are_those_of_the_shuffles():
    chance = judged(0.7, NULL, SIMILARITY)
    assert chance.mean == pytest.approx(0.3)
    assert chance.std == pytest.approx(np.std(NULL, ddof=1))


@pytest.mark.parametrize(("facts", "sign"), [(SIMILARITY, 1), (DISTANCE, -1)])
def test_z_is_positive_towards_more_alike(facts, sign):
    assert judged(0.7, NULL, facts).z == pytest.approx(sign * 0.4 / np.std(NULL, ddof=1))


@pytest.mark.parametrize(
    ("value", "facts", "calibrated"),
    [
        (0.3, SIMILARITY, 0.0),
        (0.3, DISTANCE, 0.0),
        (1.0, SIMILARITY, 1.0),
        (0.0, DISTANCE, 1.0),
        (0.65, SIMILARITY, 0.5),
        (0.15, DISTANCE, 0.5),
        # Never clamped: worse than chance is below zero.
        (0.0, SIMILARITY, -3 / 7),
        (1.2, DISTANCE, -3.0),
    ],
)
def test_calibrated_is_zero_at_chance_and_one_at_identity(value, facts, calibrated):
    assert judged(value, NULL, facts).calibrated == pytest.approx(calibrated, abs=1e-12)


@given(st.floats(-1, 1), st.lists(st.floats(-1, 0.9), min_size=2, max_size=8))
def test_distance_one_minus_similarity_is_judged_alike(value, null):
    """Turning a similarity over changes none of what is said about chance."""
    turned = replace(DISTANCE, bounds=(0.0, 2.0))
    a = judged(value, null, SIMILARITY)
    b = judged(1 - value, [1 - v for v in null], turned)
    assert a.calibrated == pytest.approx(b.calibrated, abs=1e-9)
    assert 1 / (1 + len(null)) <= a.pvalue <= 1
    if a.std and a.std > 1e-6:
        assert a.z == pytest.approx(b.z, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("null", [[0.3, 0.3, 0.3], [0.3, 0.3 + 1e-16, 0.3 - 1e-16]])
def test_shuffles_that_do_not_vary_give_no_z_and_say_so(null):
    chance = judged(0.7, null, SIMILARITY)
    assert (chance.z, chance.std) == (None, 0.0)
    assert chance.reason == "no z: the shuffled scores do not vary"
    assert chance.calibrated == pytest.approx(4 / 7)


def test_one_shuffle_has_no_deviation():
    chance = judged(0.7, [0.3], SIMILARITY)
    assert (chance.z, chance.std, chance.pvalue) == (None, None, 0.5)


def test_chance_as_alike_as_identity_cannot_be_calibrated_and_says_so():
    chance = judged(1.0, [1.0, 1.0], SIMILARITY)
    assert chance.calibrated is None
    assert "not calibrated: shuffled rows score as identical ones do" in chance.reason
    assert chance.pvalue == 1.0


@pytest.mark.parametrize(("value", "facts", "identity"), [(0.65, SIMILARITY, 0.8), (0.15, DISTANCE, 0.1)])
def test_one_is_the_identity_that_is_given(value, facts, identity):
    assert judged(value, NULL, facts, identity).calibrated == pytest.approx((value - 0.3) / (identity - 0.3))


def test_without_an_identity_all_but_the_calibrated_value_is_said():
    chance, known = judged(0.65, NULL, SIMILARITY, np.nan), judged(0.65, NULL, SIMILARITY, 1.0)
    assert chance == SimpleNamespace(**{**vars(known), "calibrated": None})


@pytest.mark.parametrize(("facts", "identity"), [(SIMILARITY, 0.2), (DISTANCE, 0.4)])
def test_a_scale_that_stands_on_its_head_is_not_used(facts, identity):
    chance = judged(0.35, NULL, facts, identity)
    assert chance.calibrated is None
    assert chance.reason == "not calibrated: shuffled rows score as more alike than identical ones do"


def test_same_seed_draws_the_same_permutations():
    a, b, other = (draw_permutations(20, 7, rng=seed) for seed in (3, 3, 4))
    assert (a == b).all()
    assert (a != other).any()


def test_more_permutations_begin_with_the_fewer():
    assert (draw_permutations(20, 9, rng=3)[:4] == draw_permutations(20, 4, rng=3)).all()


def test_every_row_is_a_permutation():
    drawn = draw_permutations(20, 7, rng=np.random.default_rng(0))
    assert (np.sort(drawn, axis=1) == np.arange(20)).all()
    assert draw_permutations(20, 0, rng=0).shape == (0, 20)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_all_permutations_are_taken_where_they_are_no_more_than_asked_for(n):
    everything = {tuple(p) for p in itertools.permutations(range(n))} - {tuple(range(n))}
    drawn = draw_permutations(n, len(everything), rng=0)
    assert len(drawn) == len(everything)
    assert {tuple(p) for p in drawn.tolist()} == everything


def test_every_permutation_is_as_likely():
    generator = np.random.default_rng(0)
    drawn = np.concatenate([draw_permutations(3, 4, generator) for _ in range(1500)])
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000)
