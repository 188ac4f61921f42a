"""Intervals of few inputs: what the jackknife counts twice, from pairs of groups that are left out together."""

import itertools

import numpy as np
import pytest

from likewise.measures import Configuration
from likewise.representation import Representation
from likewise.scoring import Trust, block, interval, leave_out, score_block
from likewise.scoring.jackknife import OF_GROUPS, OF_ITEMS, degrees, times_counted
from likewise.scoring.leaving_out import FEW, MOST, PAIRS, counted_twice, leave_out_pairs, some_alone


def of_all_pairs(score, g: int) -> float:
    """By the definition, of a score of some of g groups."""
    every = np.arange(g)
    without = np.asarray([[score(np.delete(every, i))] for i in range(g)])
    pairs = np.asarray(list(itertools.combinations(range(g), 2)))
    both = np.asarray([[score(np.delete(every, pair))] for pair in pairs])
    return float(counted_twice(np.asarray([score(every)]), without, both, pairs)[0])


@pytest.mark.parametrize("g", [10, 17])
def test_what_is_linear_does_not_hang_on_pairs(g) -> None:
    rng = np.random.default_rng(g)
    x = rng.normal(size=g)
    assert of_all_pairs(lambda items: x[items].mean(), g) == pytest.approx(0, abs=1e-24)
    x -= x.mean()
    z = 1000 * x  # so far from 0 the square of the mean is all but linear
    share = of_all_pairs(lambda items: (1e5 + z[items].mean()) ** 2, g) / of_all_pairs(
        lambda items: z[items].mean() ** 2, g
    )
    assert share == pytest.approx(1, rel=1e-6)  # what is linear counts nothing


def test_jackknife_less_what_is_counted_twice_is_the_variance_of_a_square() -> None:
    """Of means of normal variables about 0: nearly all of their squares hangs on pairs."""
    rng, g = np.random.default_rng(0), 12
    told = []
    for _ in range(1000):
        x = rng.normal(size=g)
        each = (x.sum() - x) / (g - 1)
        moves = np.sqrt((g - 1) / g) * (each**2 - (each**2).mean())
        told.append((float(moves @ moves), of_all_pairs(lambda items, x=x: x[items].mean() ** 2, g)))
    jackknife, twice = np.mean(told, axis=0)
    truth = 2 / g**2
    assert jackknife / truth == pytest.approx(2, abs=0.25)
    assert (jackknife - twice) / truth == pytest.approx(1, abs=0.15)


def test_times_counted_is_exact_for_what_falls_from_step_to_step() -> None:
    """v_k hangs on k groups together: from each k to the next by one factor, on one and two alone, on even k alone."""
    k = np.arange(1, 400)
    for v, folded in (
        *((r ** (k - 1.0), False) for r in (0.0, 0.2, 0.45)),
        *(((k == 1) + a * (k == 2), True) for a in (0.0, 0.3, 4.0)),
        *(((k % 2 == 0) * r ** (k / 2 - 1.0), True) for r in (0.01, 0.1, 0.2)),
    ):
        jackknife, pairs = (k * v).sum(), (k * (k - 1) / 2 * v).sum()
        assert times_counted(np.asarray([pairs / jackknife]), folded=folded)[0] == pytest.approx(jackknife / v.sum())


def test_pairs_are_some_of_all_each_once_and_the_same_each_time() -> None:
    pairs, kept = leave_out_pairs(90, 20, 3)
    assert len(pairs) == PAIRS == len({tuple(pair) for pair in pairs.tolist()}) and (pairs[:, 0] < pairs[:, 1]).all()
    parts = leave_out(90, 20, 3)
    for (i, j), items in zip(pairs, kept, strict=True):
        assert items.tolist() == sorted(set(parts[i].tolist()) & set(parts[j].tolist()))
    assert (leave_out_pairs(90, 20, 3)[0] == pairs).all() and (leave_out_pairs(90, 20, 4)[0] != pairs).any()
    assert len(leave_out_pairs(MOST, 20, 0)[0]) == PAIRS and not len(leave_out_pairs(MOST + 1, 20, 0)[0])
    assert not len(leave_out_pairs(60, 9, 0)[0]) and not len(leave_out_pairs(60, 0, 0)[0])


def sides(n: int) -> list[Representation]:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 9))
    return [Representation(m, name=name) for name, m in (("x", x), ("y", x + rng.normal(size=(n, 9))))]


@pytest.mark.parametrize("label", ["procrustes", "cka", "cknna(k=4)", "magnitude_difference", "pwcca", "jaccard(k=4)"])
@pytest.mark.parametrize("n", [FEW - 1, FEW])
def test_intervals_of_a_table_are_those_of_the_definition(label, n) -> None:
    """Every score computed anew from rows; of overlaps of neighbours nothing is counted twice any more."""
    both, c = sides(n), Configuration.parse(label)
    found = score_block(both, [(0, 1)], [c], Trust("none", 0, seed=5))
    row = list(found)[-1]
    score = c if label != "magnitude_difference" else lambda x, y: np.sign(at) * (norm(x) - norm(y))
    if not c.facts.symmetric:
        both = both[::-1]

    def norm(x: Representation) -> float:
        return float(np.linalg.norm(x.matrix.mean(axis=0)))

    at = norm(both[0]) - norm(both[1])

    def of(items) -> float:
        return score(*(Representation(side.matrix[items], name=side.name) for side in both))

    without, every = found.replicates("without")[-1], np.arange(n)
    pairs, kept = leave_out_pairs(n, 20, 5)
    twice = np.zeros(1)
    by_items = label != "jaccard(k=4)" and (n < FEW or c.difference is not None)
    if len(without) < n:
        groups = np.asarray([[of(items)] for items in leave_out(n, 20, 5)])
        twice = counted_twice(np.asarray([row.value]), groups, np.asarray([[of(items)] for items in kept]), pairs)
    elif by_items:
        pairs = np.asarray([(i, j) for i in some_alone(n, 5) for j in every if i != j])
        each = np.asarray([[of(np.delete(every, i))] for i in every])
        both_out = np.asarray([[of(np.delete(every, pair))] for pair in pairs])
        twice = counted_twice(np.asarray([row.value]), each, both_out, pairs)
    assert bool(twice[0] > 0) is (len(without) < n or by_items)
    folded = c.difference is not None
    most = OF_GROUPS if len(without) < n else OF_ITEMS
    of_definition = np.asarray([row.value]), without[:, None], c.facts.bounds
    low, high = interval(*of_definition, folded=folded, twice=twice, most=most)
    near = 1e-3 * (high[0] - low[0]) if label == "procrustes" else 1e-8  # approximate without each, and so without two
    assert (row.low, row.high) == (pytest.approx(low[0], abs=near), pytest.approx(high[0], abs=near))


def test_where_a_few_groups_decide_nothing_is_taken_off() -> None:
    value, twice = np.ones(1), np.asarray([0.3])
    even, uneven = np.tile([0.8, 1.2], 10)[:, None], np.asarray([19.0] + [0.1] * 19)[:, None]
    for without, shrinks in ((even, True), (uneven, False)):
        assert bool(degrees((without - without.mean()).T)[0] > 9.5) is shrinks
        plain, short = (interval(value, without, twice=of) for of in (None, twice))
        assert bool(short[1] < plain[1]) is shrinks and bool(short[0] > plain[0]) is shrinks
    low, high = interval(value, even, (0.0, np.inf), folded=True, twice=np.full(1, np.inf))
    assert high - value == pytest.approx(
        (interval(value, even, (0.0, np.inf), folded=True)[1] - value) / np.sqrt(5 / 2), rel=0.05
    )
    low, high = interval(value, even, twice=np.full(1, np.inf))
    assert (high - low) == pytest.approx((plain_length := np.diff(interval(value, even), axis=0)[0]) * np.sqrt(
        1 / (1 + OF_GROUPS)))  # fmt: skip
    assert (np.diff(interval(value, even, twice=np.full(1, np.nan)), axis=0)[0] == plain_length).all()


def test_what_takes_long_is_not_done_sixty_times_more(monkeypatch) -> None:
    """Wide matchings, and shapes of a hundred items and more."""
    asked: list[int] = []
    monkeypatch.setattr(block, "_count_twice", lambda columns, *more: asked.append(len(columns)))
    for label, n, d, count in (
        ("soft_correlation_match", 30, block.MATCHED, 1),
        ("soft_correlation_match", 30, block.MATCHED + 1, 0),
        ("imd", FEW, 3, 1),
        ("rtd(sample=9, draws=1)", FEW - 1, 3, 1),
        ("rtd(sample=9, draws=1)", FEW, 3, 0),
        ("cknna(k=4)", FEW, 3, 1),
    ):
        rng, asked[:] = np.random.default_rng(0), []
        both = [Representation(rng.normal(size=(n, d)), name=name) for name in "xy"]
        score_block(both, [(0, 1)], [Configuration.parse(label)], Trust("none", 0))
        assert sum(asked) == count, label
