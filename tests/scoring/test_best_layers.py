"""The best of several layers against its definition, and its p-values against the choice."""

from importlib import import_module

import numpy as np
import pytest
from scipy import stats

from likewise.chance import draw_shuffles
from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.scoring import best_layers

RNG = np.random.default_rng(3)
COMMON = RNG.normal(size=(20, 6))
MODELS = {
    "x": {str(i): COMMON * i + RNG.normal(size=(20, 6)) for i in range(3)},
    "y": {str(i): COMMON[:, :5] * i + RNG.normal(size=(20, 5)) for i in range(2)},
}


@pytest.mark.parametrize("measure", ["cka", "procrustes", "jaccard(k=3)", "linear_predictivity(folds=4, ridge=0.1)"])
@pytest.mark.parametrize("block", [1, 2, 8])
def test_best_is_the_best_of_all_pairs_and_of_all_pairs_after_each_shuffle(monkeypatch, measure, block):
    monkeypatch.setattr(import_module("likewise.scoring.best_layers"), "BLOCK", block)
    c = Configuration.parse(measure)
    told = []
    found = best_layers(MODELS, measure, permutations=9, seed=4, watch=lambda *event: told.append(event))
    assert told == sorted(told) and told[-1] == ("comparing layers", 6, 6)
    assert [(b.a, b.b) for b in found] == ([("x", "y")] if c.facts.symmetric else [("x", "y"), ("y", "x")])
    for best in found:
        a, b = MODELS[best.a], MODELS[best.b]
        scores = {(i, j): c(a[i], b[j]) for i in a for j in b}
        most = max if c.facts.more_alike > 0 else min
        # All layers of a model move together. Where the order counts, the target of the fit stands.
        drawn, place = draw_shuffles(20, 9, 4, {0: "first", 1: "second"}), {"x": 0, "y": 1}
        first, second = place[best.a], place[best.b]
        null = [
            most(
                c(a[i][s.orders[first]], b[j][s.orders[second]])
                if c.facts.symmetric
                else c(a[i][s.beside(first, second)], b[j])
                for i in a
                for j in b
            )
            for s in drawn
        ]
        assert best.value == pytest.approx(most(scores.values()), rel=1e-12)
        assert scores[best.layer_a, best.layer_b] == pytest.approx(best.value, rel=1e-12)
        as_alike = sum(c.facts.more_alike * (s - best.value) >= 0 for s in null)
        assert best.null_mean == pytest.approx(np.mean(null), rel=1e-10)
        assert best.pvalue == (1 + as_alike) / 10
        assert best.pvalue_alone <= best.pvalue
        assert best.n_layer_pairs == 6


@pytest.mark.long("120 tables of all layers")
def test_pvalues_of_the_best_of_unrelated_layers_are_uniform_and_those_of_it_alone_are_not():
    found = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        models = {name: {str(i): rng.normal(size=(12, 4)) for i in range(4)} for name in "ab"}
        found += best_layers(models, "cka(debiased=True)", permutations=19, seed=seed)
    spread = np.random.default_rng(0).uniform(size=120) / 20
    assert stats.kstest(np.asarray([b.pvalue for b in found]) - spread, "uniform").pvalue > 0.01
    assert stats.kstest(np.asarray([b.pvalue_alone for b in found]) - spread, "uniform").pvalue < 1e-6
    calibrated = np.asarray([b.calibrated for b in found])
    assert abs(calibrated.mean()) < 3 * calibrated.std() / 120**0.5


def test_layers_without_a_score_are_counted_and_left_out():
    models = {"x": {"flat": np.ones((20, 3)), "rows": COMMON}, "y": {"rows": COMMON}}
    (best,) = best_layers(models, "cka", permutations=5)
    assert (best.layer_a, best.n_layer_pairs, best.value) == ("rows", 1, pytest.approx(1))
    assert "1 of 2 pairs of layers" in best.reason
    (none,) = best_layers({"x": {"flat": np.ones((20, 3))}, "y": {"rows": COMMON}}, "cka", permutations=5)
    assert (none.value, none.pvalue, none.layer_a, none.n_layer_pairs) == (None, None, "", 0)
    (unpaired,) = best_layers(MODELS, "magnitude_difference", permutations=5)
    assert unpaired.value is not None and unpaired.pvalue is None and "no chance level" in unpaired.reason


@pytest.mark.parametrize(
    ("models", "permutations", "message"),
    [
        ({"x": MODELS["x"]}, 5, "1 models"),
        ({"x": MODELS["x"], "y": {}}, 5, "0 layers of one of them"),
        (MODELS, 0, "0 shuffles"),
        ({**MODELS, "z": {"0": COMMON[:-1]}}, 5, "20 rows .* against 19 rows"),
    ],
)
def test_what_cannot_be_compared_is_refused(models, permutations, message):
    with pytest.raises(InputError, match=message):
        best_layers(models, "cka", permutations=permutations)


@pytest.mark.parametrize("measure", ["cka", "procrustes", "linear_predictivity(folds=4, ridge=0.1)"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_layers_without_a_score_leave_the_chance_level_of_the_others(measure, place):
    flat = np.ones((20, 3))
    names = [*MODELS["x"]]
    more = {**MODELS["x"], "flat": flat}
    mixed = {"x": {name: more[name] for name in [*names[:place], "flat", *names[place:]]}, "y": MODELS["y"]}
    alone = best_layers(MODELS, measure, permutations=9, seed=4)
    for found, expected in zip(best_layers(mixed, measure, permutations=9, seed=4), alone, strict=True):
        assert (found.layer_a, found.layer_b) == (expected.layer_a, expected.layer_b)
        for field in ("value", "null_mean", "null_std", "z", "pvalue", "calibrated", "pvalue_alone"):
            assert getattr(expected, field) is not None
            assert getattr(found, field) == pytest.approx(getattr(expected, field), rel=1e-12), field
