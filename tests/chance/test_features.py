"""Chance by shuffles of the features of one side."""

import doctest
import itertools
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from likewise.chance import Reason, Scored, ShuffledFeatures, kind_of
from likewise.chance.features import BLOCK, _in_orders, _shuffled_features
from likewise.errors import InputError
from likewise.measures import REGISTRY, Configuration, configurations
from likewise.quantities import Prepared
from likewise.representation import Representation
from likewise.scoring import OF_THE_TABLE, Trust, compare, score_block

MATCHED = [c for m in REGISTRY.values() for c in (Configuration(m.name, v) for v in m.variants) if c.matched]
SAME = [c for m in REGISTRY.values() for c in (Configuration(m.name, v) for v in m.variants) if c.facts.same_features]
OF_ANY_ROWS = [c for c in SAME if not c.facts.needs]


def copies(n: int, d: int, noise: float = 0.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, d, seed])
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    return x, x + noise * rng.normal(size=(n, d))


def every(c: Configuration, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray([c(x, y[:, list(order)]) for order in itertools.permutations(range(x.shape[1]))])


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("c", MATCHED, ids=lambda c: c.label)
def test_moments_are_those_of_all_orders(c, d) -> None:
    x, y = copies(9, d)
    scores = every(c, x, y)
    found = _shuffled_features(c.matched, Prepared(x), Prepared(y))
    assert found.mean[0] == pytest.approx(scores.mean(), abs=1e-12)
    assert found.std[0] == pytest.approx(scores.std(), abs=1e-12)
    assert found.skewness[0] == pytest.approx(stats.skew(scores), abs=1e-6)
    assert found.few[0]  # p is a bound, and holds
    value = np.asarray([c(x, y)])
    share = (c.facts.more_alike * (scores - value) >= -1e-12).mean()
    assert found.pvalue(value, c.facts.more_alike)[0] >= share - 1e-12


@pytest.mark.parametrize("d", [6, BLOCK + 9])
@pytest.mark.parametrize("c", MATCHED, ids=lambda c: c.label)
def test_scores_in_drawn_orders_are_those_of_the_definition(c, d) -> None:
    x, y = (np.random.default_rng(s).normal(size=(12, d)) for s in (1, 2))
    orders = np.stack([np.random.default_rng(s).permutation(d) for s in range(5)])
    found = _in_orders(c.matched, Prepared(x), Prepared(y), orders)
    assert found == pytest.approx([c(x, y[:, order]) for order in orders], abs=1e-12)


def test_all_that_has_such_moments_is_a_mean_of_products() -> None:
    assert {c.measure for c in MATCHED} == {"feature_correlation", "cosine", "block_influence"}
    x, y = copies(9, 6)
    for c in MATCHED:
        a, b = (Prepared(m)[c.matched.quantity] for m in (x, y))
        mean = (a * b).sum() / (9 if c.matched.over == "items" else 6)
        assert c(x, y) == pytest.approx(1 - mean if c.matched.turned else mean, abs=1e-12)


def test_blocks_of_features_add_up() -> None:
    c = Configuration.parse("feature_correlation")
    x, y = (np.random.default_rng(s).normal(size=(12, BLOCK + 70)) for s in (1, 2))
    found = _shuffled_features(c.matched, Prepared(x), Prepared(y))
    r = np.corrcoef(x.T, y.T)[: x.shape[1], x.shape[1] :]
    d = len(r)
    e = r - r.mean(0) - r.mean(1)[:, None] + r.mean()
    assert found.mean[0] == pytest.approx(r.sum() / d**2, abs=1e-12)
    assert found.std[0] == pytest.approx(np.sqrt((e**2).sum() / (d - 1)) / d, rel=1e-9)
    third = d / (d - 1) / (d - 2) * (e**3).sum()
    assert found.skewness[0] == pytest.approx(third / ((e**2).sum() / (d - 1)) ** 1.5, rel=1e-6)


@pytest.mark.parametrize("c", OF_ANY_ROWS, ids=lambda c: c.label)
def test_closed_forms_and_drawn_orders_agree(c) -> None:
    x, y = copies(20, 16, noise=4.0)
    (row, *_) = compare({"x": x, "y": y}, c, chance="features", permutations=200, groups=0)
    rng = np.random.default_rng(7)
    drawn = np.asarray([c(x, y[:, rng.permutation(16)]) for _ in range(200)])
    assert row.null == "features"
    assert row.null_mean == pytest.approx(drawn.mean(), abs=0.35 * drawn.std())
    assert row.null_std == pytest.approx(drawn.std(), rel=0.25)
    assert row.n_permutations == (0 if c.matched and not row.reason else 200)


def test_both_orders_of_a_pair_have_drawn_chance() -> None:
    x, y = copies(20, 16)
    rows = list(compare({"x": x, "y": y}, "relative_error", chance="features", permutations=19, groups=0))
    assert [(r.a, r.n_permutations, r.pvalue) for r in rows] == [("x", 19, 0.05), ("y", 19, 0.05)]
    assert rows[0].null_mean != rows[1].null_mean and all(r.calibrated > 0.5 for r in rows)


def test_strangers_are_uniform_and_relatives_are_found() -> None:
    """Also relatives of strangers: alike after a rotation, of other axes."""
    c = Configuration.parse("feature_correlation")
    pvalues, z = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shared = rng.normal(size=(24, 6))
        x, y = (shared @ rng.normal(size=(6, 40)) + rng.normal(size=(24, 40)) for _ in range(2))
        (row,) = compare({"x": x, "y": y}, c, chance="features", permutations=0, groups=0)
        pvalues.append(row.pvalue)
        z.append(row.z)
    assert stats.kstest(pvalues, "uniform").pvalue > 0.01
    assert np.std(z) == pytest.approx(1, abs=0.15) and abs(np.mean(z)) < 0.25
    x, y = copies(24, 40, noise=3.0)
    (row,) = compare({"x": x, "y": y}, c, chance="features", groups=0)
    assert row.z > 8 and row.pvalue < 1e-8 and 0 < row.calibrated < 1
    (row,) = compare({"x": x, "y": y[:, np.random.default_rng(0).permutation(40)]}, c, chance="features", groups=0)
    assert row.pvalue > 0.01  # what the docstring says that it cannot see


def test_one_massive_feature_is_drawn_or_bounded() -> None:
    x, y = copies(20, 40, noise=4.0)
    x[:, 3], y[:, 3] = 1e3 + x[:, 3], 1e3 + y[:, 3]
    (row,) = compare({"x": x, "y": y}, "cosine", chance="features", permutations=39, groups=0)
    assert (row.n_permutations, row.reason) == (39, Reason.FEW_FEATURES)
    (row,) = compare({"x": x, "y": y}, "cosine", chance="features", permutations=0, groups=0)
    assert (row.null, row.n_permutations, row.reason) == ("features", 0, Reason.BOUND_OF_FEATURES)
    (row,) = compare({"x": x, "y": y}, "feature_correlation", chance="features", groups=0)
    assert (row.n_permutations, row.reason) == (0, "")


def test_measures_that_match_no_features_say_that_they_have_no_such_level() -> None:
    x, y = copies(20, 16)
    for row in compare({"x": x, "y": y}, ["cka", "magnitude_difference", "procrustes"], chance="features", groups=0):
        assert (row.null, row.null_mean, row.pvalue, row.n_permutations) == ("none", None, None, 0)
        assert row.value is not None and row.reason == Reason.NO_FEATURES and Reason.NO_FEATURES.is_note


def test_a_pair_has_the_level_that_it_has_in_any_company() -> None:
    x, y = copies(20, 16)
    wide = np.random.default_rng(1).normal(size=(20, 30))
    many = [Representation(m, name=name) for m, name in ((wide, "w"), (x, "x"), (2 * wide + x[:, :1], "v"), (y, "y"))]
    chosen = configurations(["direct", "cka"])
    trust = Trust("features", permutations=9, groups=0)
    alone = list(score_block([many[1], many[3]], [(0, 1)], chosen, trust))
    company = list(score_block(many, list(itertools.combinations(range(4), 2)), chosen, trust))
    kept = [r for r in company if {r.a, r.b} == {"x", "y"}]

    def told(rows: list) -> list[dict]:
        return [{k: v for k, v in asdict(r).items() if k not in (*OF_THE_TABLE, "seconds")} for r in rows]

    assert told(alone) == told(kept)
    mixed = next(r for r in company if {r.a, r.b} == {"w", "x"} and r.measure == "cosine")
    assert mixed.value is None and mixed.reason.startswith("w has 30 features and x has 16; cosine compares each")


def test_the_seed_decides_on_drawn_orders_and_is_part_of_the_request() -> None:
    x, y = copies(20, 16, noise=3.0)

    def level(chance: object) -> float:
        return next(iter(compare([x, y], "largest_error", chance=chance, permutations=9, groups=0))).null_mean

    assert level("features") == level(ShuffledFeatures()) != level("features(seed=1)")
    assert level("features(seed=1)") == level(ShuffledFeatures(seed=1))
    assert Trust(ShuffledFeatures(1)).request != Trust(ShuffledFeatures()).request
    for seed in (-1, True):
        with pytest.raises(InputError, match="expected a whole number, 0 or more"):
            ShuffledFeatures(seed)


@pytest.mark.parametrize("measure", [c for c in configurations("all") if c.facts.same_features], ids=lambda c: c.label)
def test_one_feature_gives_no_chance_level_and_no_error(measure) -> None:
    rng = np.random.default_rng(0)
    (row, *_) = compare({n: rng.normal(size=(30, 1)) for n in "xy"}, measure, chance="features", permutations=9)
    assert row.pvalue in (None, 1.0) and row.reason


def test_a_single_feature_has_one_order() -> None:
    x, y = copies(20, 1)
    (row,) = compare({"x": x, "y": y}, "feature_correlation", chance="features", groups=0)
    assert (row.pvalue, row.z, row.null_std) == (1.0, None, 0.0)


def test_words() -> None:
    kind = kind_of("features")
    assert kind.source("0") == "a closed form over all shuffles of the features of one model"
    assert kind.source("99") == "99 shuffles of the features of one model"
    assert kind.source("0 to 99") == f"{kind.source('0')} where there is one, else {kind.source('99')}"
    assert kind.short(0) == "features, closed form" and kind.short(9) == "9 shuffles of features"
    assert "100 shuffles" in ShuffledFeatures().planned(100)


def test_features_in_another_order_are_those_columns() -> None:
    x, y = copies(8, 5)
    order = np.asarray([3, 1, 4, 0, 2])
    moved = Prepared(y, "y").with_features(order)
    assert (moved.given == y[:, order]).all() and (moved.n, moved.d, moved.name, moved.is_part) == (8, 5, "y", False)
    some = Prepared(y).take(np.asarray([5, 2, 3])).with_features(order)
    assert (some.given == y[[5, 2, 3]][:, order]).all() and some.n == 3
    scored = Scored(Configuration.parse("cosine"), False, np.asarray([0.5]), {0: Prepared(x), 1: moved}, [(0, 1)])
    assert scored.score(Prepared(x), moved) == Configuration.parse("cosine")(x, y[:, order])


def test_the_example_of_the_page_runs() -> None:
    outcome = doctest.testfile(str(Path(__file__).parents[2] / "docs" / "trust.md"), module_relative=False)
    assert outcome.attempted >= 5
    assert outcome.failed == 0


@pytest.mark.parametrize(
    "labels", [(), ("a",) * 30 + ("b",) * 30, tuple(np.repeat(list("abcde"), [5, 10, 15, 13, 17]))]
)
@pytest.mark.parametrize("width", [5, 40])
def test_orders_of_features_are_as_many_as_asked_for_whatever_belongs_together(labels, width) -> None:
    """Or all of them, where there are no more: groups of inputs say nothing of features."""
    x, y = copies(60, width)
    sides = [Representation(m, name=name, groups=labels) for name, m in (("x", x), ("y", y))]
    row, _ = compare(sides, "relative_error", chance="features", permutations=150, groups=0)
    assert row.n_permutations == (119 if width == 5 else 150)
    assert row.pvalue == pytest.approx(1 / (1 + row.n_permutations))
    if width == 5:
        scores = every(Configuration.parse("relative_error"), x, y)
        assert row.null_mean == pytest.approx(scores[1:].mean()) and row.pvalue == (scores <= scores[0]).mean()
