"""P-values of many scores: exact by enumeration, below the level by simulation, and able to come out small."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from likewise.chance import draw_shuffles, step_down, too_few_shuffles
from likewise.chance.correction import benjamini_hochberg, holm, parts_of
from likewise.scoring import Results, compare


def named(rng, count, n=24, d=8, common=0.0):
    shared = rng.normal(size=(n, d))
    return {f"m{i}": common * shared + rng.normal(size=(n, d)) for i in range(count)}


def by_hand(value, shuffled):
    """The formula as it stands: sets of scores that are still in, one after the other."""
    rows = np.vstack([value, shuffled])
    z = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    order = np.argsort(-z[0])
    found, least = np.empty(len(value)), 0.0
    for place, k in enumerate(order):
        largest = z[:, order[place:]].max(axis=1)
        least = max(least, float(np.mean(largest >= z[0, k])))
        found[k] = least
    return found


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_closed_form_p_is_corrected_as_the_papers_say(pvalues):
    p = np.asarray(pvalues)
    m = len(p)
    ordered = np.sort(p)
    as_written = [max(min(1, (m - k) * ordered[k]) for k in range(m) if ordered[k] <= one) for one in p]
    assert holm(p) == pytest.approx(as_written, abs=1e-15)
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), abs=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_step_down_is_its_formula_in_either_direction(seed):
    rng = np.random.default_rng(seed)
    value, shuffled = rng.normal(size=7) + np.asarray([0, 0, 0, 1, 2, 3, 4]), rng.normal(size=(30, 7)) * np.arange(1, 8)
    sign = np.where(rng.random(7) < 0.5, 1.0, -1.0)
    found = step_down(sign * value, sign * shuffled, sign)
    assert found == pytest.approx(by_hand(value, shuffled), abs=1e-12)
    assert (found >= (1 + (shuffled >= value).sum(axis=0)) / 31 - 1e-12).all()


def test_scores_that_do_not_vary_are_at_chance_and_leave_the_others_alone():
    value, shuffled = np.asarray([5.0, 1.0]), np.stack([np.arange(4.0), np.ones(4)], axis=1)
    assert step_down(value, shuffled, np.ones(2)).tolist() == [1 / 5, 1.0]
    assert step_down(value[:1], shuffled[:, :1], np.ones(1)).tolist() == [1 / 5]


@pytest.mark.parametrize(("n", "models"), [(3, 4), (4, 3), (5, 2)])
def test_error_is_exact_over_all_relabellings_of_a_data_set(n, models):
    """Over all of them, a p-value of any score at or below a level comes up with that probability at most."""
    rng = np.random.default_rng(n)
    x = [rng.normal(size=(n, 3)) for _ in range(models)]
    pairs = list(itertools.combinations(range(models), 2))
    every = list(itertools.permutations(range(n)))
    scores = []
    for orders in itertools.product(every, repeat=models - 1):  # the first stands: only how they lie to it counts
        moved = [x[0], *(m[list(order)] for m, order in zip(x[1:], orders, strict=True))]
        scores.append([np.sum(moved[i].T @ moved[j]) + np.sum((moved[i].T @ moved[j]) ** 2) for i, j in pairs])
    table = np.round(scores, 9)  # equal but for rounding is equal
    largest = ((table - table.mean(axis=0)) / table.std(axis=0)).max(axis=1)
    least = []
    for row in range(0, len(table), max(1, len(table) // 40)):
        found = step_down(table[row], np.delete(table, row, axis=0), np.ones(len(pairs)))
        least.append((found.min(), np.mean(largest >= largest[row] - 1e-12)))
    # The smallest p of a relabelling is the rank of its largest z among all: uniform, whatever the data.
    assert [p for p, _ in least] == pytest.approx([rank for _, rank in least], abs=2 / len(table))


def test_each_representation_has_permutations_of_its_own_whatever_it_is_with():
    one, other = draw_shuffles(30, 5, 1, {0: "a", 1: "b"}), draw_shuffles(30, 5, 1, {0: "c", 7: "b", 9: "a"})
    assert (one.orders(1) == other.orders(7)).all() and (one.orders(0) == other.orders(9)).all()
    assert (one.orders(0) != one.orders(1)).any()
    assert (draw_shuffles(30, 5, 2, {0: "a"}).orders(0) != one.orders(0)).any()
    assert (draw_shuffles(30, 3, 1, {0: "a"}).orders(0) == one.orders(0)[:3]).all()
    x, y = np.random.default_rng(0).normal(size=(2, 30, 4))
    for s in one:
        both = np.concatenate([x[s.orders[0]], y[s.orders[1]]], axis=1)
        beside = np.concatenate([x[s.beside(0, 1)], y], axis=1)
        assert (np.sort(both, axis=0) == np.sort(beside, axis=0)).all()
        assert {tuple(r) for r in both} == {tuple(r) for r in beside}


def test_where_all_permutations_are_taken_pairs_do_not_hang_together():
    rng = np.random.default_rng(0)
    few = draw_shuffles(4, 100, 0, {0: "a", 1: "b"})
    assert not few.joint and len(few) == 23
    results = compare(named(rng, 3, n=4), "procrustes", groups=0)
    assert results.shuffled.null_count == 3
    assert {c.correction for c in results} == {"holm"}


def test_shuffled_scores_are_kept_and_correct_the_table():
    rng = np.random.default_rng(3)
    x = named(rng, 4) | {"copy": 0.0}
    x["copy"] = x["m0"] + 0.05 * rng.normal(size=(24, 8))
    measures = ["procrustes", "jaccard(k=3)", "linear_predictivity(ridge=0.1)", "magnitude_difference"]
    results = compare(x, measures, groups=0, permutations=60, chance="shuffles")
    rows = list(results)
    kept = results.shuffled.to_pylist()
    assert [k is None for k in kept] == [r.pvalue is None for r in rows]
    drawn = [(r, np.asarray(k)) for r, k in zip(rows, kept, strict=True) if k is not None]
    for row, scores in drawn:
        assert (scores.mean(), scores.std(ddof=1)) == pytest.approx((row.null_mean, row.null_std))
    sign = np.asarray([1.0 if r.direction == "similarity" else -1.0 for r, _ in drawn])
    expected = step_down(np.asarray([r.value for r, _ in drawn]), np.stack([s for _, s in drawn], axis=1), sign)
    assert [r.pvalue_holm for r, _ in drawn] == pytest.approx(expected.tolist())
    assert {r.correction for r, _ in drawn} == {"step-down"}
    near = [r.pvalue_holm for r, _ in drawn if {r.a, r.b} == {"m0", "copy"}]
    assert len(near) == 4 and max(near) == pytest.approx(1 / 61)  # by Holm none is below 40/61


def test_with_closed_forms_beside_either_part_has_half_of_the_level():
    x = named(np.random.default_rng(4), 4, common=1.0)
    alone = {m: list(compare(x, m, groups=0)) for m in ("rsa", "procrustes")}
    together = list(compare(x, ["rsa", "procrustes"], groups=0))
    assert {(r.measure, r.correction) for r in together} == {("rsa", "holm"), ("procrustes", "step-down")}
    for measure, rows in alone.items():
        here = [r.pvalue_holm for r in together if r.measure == measure]
        assert here == pytest.approx([min(1.0, 2 * r.pvalue_holm) for r in rows])


def test_without_the_shuffled_scores_all_is_by_holm():
    results = compare(named(np.random.default_rng(5), 4), "procrustes", groups=0)
    bare = Results(results.table).corrected()
    assert {r.correction for r in bare} == {"holm"}
    assert min(r.pvalue_holm for r in bare) >= 6 / 101
    assert parts_of(bare.table, None).count == 1


def test_family_wise_error_of_unrelated_models_is_at_most_the_level_and_near_copies_are_found():
    wrong = found = 0
    repeats = 60
    for seed in range(repeats):
        rng = np.random.default_rng([9, seed])
        x = {f"m{i}": rng.normal(size=(12, 3)) for i in range(4)}
        x["copy"] = x["m0"] + 0.1 * rng.normal(size=(12, 3))
        measures = ["rsm_difference", "distance_correlation"]  # quick: all pairs of a shuffle are one product
        rows = list(compare(x, measures, null="shuffles", groups=0, permutations=39, rng=seed))
        true = [r for r in rows if {r.a, r.b} == {"m0", "copy"}]
        wrong += min(r.pvalue_holm for r in rows if r not in true) <= 0.05
        found += sum(r.pvalue_holm <= 0.05 for r in true) / len(true)
    assert wrong <= 0.05 * repeats + 3 * (0.05 * 0.95 * repeats) ** 0.5
    assert found > 0.6 * repeats


def test_too_few_shuffles_are_said_with_how_many_it_takes():
    x = named(np.random.default_rng(6), 4)
    enough, few = (compare(x, "procrustes", groups=0, permutations=p) for p in (19, 18))
    assert too_few_shuffles(enough.table) == ""
    assert too_few_shuffles(few.table) == (
        "With 18 shuffles, no corrected p-value of 6 scores can reach 0.05, however alike they are: use 19 or more."
    )
    assert "use 119 or more" in too_few_shuffles(Results(enough.table).corrected().table)
    both = compare(x, ["rsa", "procrustes"], groups=0, permutations=38)
    assert "use 39 or more" in too_few_shuffles(both.table)
    assert too_few_shuffles(compare(x, "rsa", groups=0).table) == ""
    assert too_few_shuffles(few.table.slice(0, 0)) == ""
