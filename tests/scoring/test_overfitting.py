"""Fits beside their held-out fits."""

import numpy as np
import pytest

from likewise.scoring import Results, compare, overfitting

RNG = np.random.default_rng(5)
THREE = {name: RNG.normal(size=(24, 6)) for name in "abc"}
MEASURES = ["procrustes", "linear_predictivity", "procrustes(folds=4)", "linear_predictivity(folds=3)", "cka"]


def test_means_are_those_of_the_table_and_a_positive_gap_is_a_better_fit_in_sample():
    results = compare(THREE, MEASURES, permutations=5, groups=0)
    table = results.to_pandas()
    distance, prediction = overfitting(results)
    assert (distance.in_sample, distance.held_out, distance.n_pairs) == ("procrustes", "procrustes(folds=4)", 3)
    assert (prediction.held_out, prediction.n_pairs, prediction.n_items) == ("linear_predictivity(folds=3)", 6, 24)
    for gap in (distance, prediction):
        measure = gap.in_sample
        rows = table[table["measure"] == measure]
        held = rows["parameters"].str.contains('"folds":[34]')
        assert gap.value_in_sample == pytest.approx(rows[~held]["value"].mean())
        assert gap.chance_held_out == pytest.approx(rows[held]["null_mean"].mean())
        assert gap.gap == pytest.approx(abs(gap.value_in_sample - gap.value_held_out)) and gap.gap > 0


def test_configurations_without_their_partner_have_no_gap():
    assert overfitting(compare(THREE, ["procrustes", "cka"], permutations=0, groups=0)) == []
    assert overfitting(compare(THREE, ["procrustes(folds=4)", "procrustes(center=False)"], permutations=0)) == []
    both = compare(THREE, ["procrustes", "procrustes(folds=4)"], permutations=0, groups=0)
    assert overfitting(both)[0].chance_in_sample is None
    assert overfitting(Results(both.table.slice(0, 1))) == []
