"""Rotations and matched features on held-out prompts, computed in other ways, and what they must not see."""

import itertools

import numpy as np
import pytest
import scipy.linalg

from likewise.errors import InputError, UndefinedError
from likewise.inference import matched_correlation, rotated_cosine
from likewise.measures.alignment import aligned_cosine


@pytest.mark.parametrize(("n", "d", "e"), [(40, 6, 6), (40, 8, 5), (12, 30, 20)])
def test_without_groups_it_is_the_aligned_cosine_on_held_out_rows(n: int, d: int, e: int) -> None:
    rng = np.random.default_rng([n, d, e])
    x = rng.normal(size=(n, d)) + 3
    y = x @ rng.normal(size=(d, e)) + rng.normal(size=(n, e))
    found = rotated_cosine(x, y).value
    assert found == pytest.approx(aligned_cosine(x, y, folds=5), abs=1e-10)


def slow(x: np.ndarray, y: np.ndarray, groups: np.ndarray, folds: int) -> tuple[float, np.ndarray]:
    """The mean, and the mean after every exchange within groups, by SciPy's rotation of padded rows."""
    width = max(x.shape[1], y.shape[1])
    x, y = (np.pad(side, ((0, 0), (0, width - side.shape[1]))) for side in (x, y))
    table = np.zeros((len(x), len(x)))
    for fold in range(folds):
        test = groups % folds == fold
        a, b = (side - side[~test].mean(axis=0) for side in (x, y))
        turn, _ = scipy.linalg.orthogonal_procrustes(a[~test], b[~test])
        a, b = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (a @ turn, b))
        table[test] = (a @ b.T)[test]
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    totals = []
    for orders in itertools.product(*(itertools.permutations(m) for m in members)):
        moved = np.empty(len(x), dtype=int)
        for m, order in zip(members, orders, strict=True):
            moved[m] = order
        totals.append(table[np.arange(len(x)), moved].mean())
    return float(np.trace(table)) / len(x), np.asarray(totals)


def test_groups_are_held_out_whole_and_chance_is_all_exchanges_within_them() -> None:
    rng = np.random.default_rng(0)
    groups = np.asarray([0, 1, 2, 3, 0, 1, 2, 3, 2, 3])
    x = rng.normal(size=(10, 4))
    y = x @ rng.normal(size=(4, 4)) + rng.normal(size=(10, 4))
    found = rotated_cosine(x, y, groups, folds=2)
    value, every = slow(x, y, groups, 2)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.chance == pytest.approx(every.mean(), abs=1e-12)
    assert found.z == pytest.approx((value - every.mean()) / every.std(), rel=1e-9)
    assert found.calibrated == pytest.approx((value - every.mean()) / (1 - every.mean()))


def test_what_prompts_of_a_group_have_in_common_is_chance() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 8)
    shared = 5 * rng.normal(size=(12, 10))[groups]
    x, y = (shared @ rng.normal(size=(10, 10)) + rng.normal(size=(96, 10)) for _ in range(2))
    assert rotated_cosine(x, y).calibrated > 0.3
    assert abs(rotated_cosine(x, y, groups).calibrated) < 0.1


def test_no_rotation_scale_or_offset_changes_it() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 30, 6))
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    before, after = rotated_cosine(x, y), rotated_cosine(3 * x @ turn + 2, y)
    assert (after.value, after.chance) == pytest.approx((before.value, before.chance), abs=1e-12)


def test_what_has_no_rotation_says_so() -> None:
    x = np.random.default_rng(3).normal(size=(6, 3))
    with pytest.raises(InputError, match="one group of prompts"):
        rotated_cosine(x, x, np.zeros(6, dtype=int))
    with pytest.raises(UndefinedError):
        rotated_cosine(x, np.ones((6, 3)))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_features_in_any_order_and_sign_are_found(order: tuple[int, ...]) -> None:
    x = np.random.default_rng(4).normal(size=(40, 4))
    assert matched_correlation(x, (x * [1, -1, 1, -1])[:, order]) == pytest.approx(1)


def test_strangers_do_not_match_on_prompts_that_nothing_was_matched_on() -> None:
    x, y = np.random.default_rng(5).normal(size=(2, 60, 40))
    assert abs(matched_correlation(x, y)) < 0.1


def test_a_wider_side_and_dead_features() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(40, 4))
    wide = np.hstack([rng.normal(size=(40, 3)), x[:, ::-1]])
    assert matched_correlation(x, wide) == pytest.approx(1) == matched_correlation(wide, x)
    dead = x.copy()
    dead[:, 0] = 1e6
    assert matched_correlation(dead, x) <= 0.75 + 0.25 + 1e-9
    with pytest.raises(InputError, match="two groups"):
        matched_correlation(x, x, np.zeros(40, dtype=int))
