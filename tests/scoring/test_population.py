"""Reduced representations give the rows of whole ones."""

import numpy as np
import pytest

from likewise.measures import configurations
from likewise.quantities import Prepared
from likewise.representation import Representation
from likewise.scoring import Results, Trust, in_turn, reduce, score_block, score_products

LABELS = ["cka", "cka(debiased=True)", "rsa", "rsa(inner=cosine, outer=pearson)", "distance_correlation(debiased=True)"]


@pytest.mark.parametrize("null", ["moments", "none"])
@pytest.mark.parametrize("square", [False, True])
def test_products_of_vectors_are_the_scores_of_matrices(rng, null, square):
    matrices = [rng.normal(size=(30, 5 + i)) for i in range(5)]
    matrices[1][:] = 1.0  # undefined throughout
    matrices[3][4] = 0.0  # has no cosine
    named = [Representation(m, name=f"r{i}", key=f"k{i}") for i, m in enumerate(matrices)]
    chosen, trust = configurations(LABELS), Trust(null, groups=0, permutations=0)
    pairs = (
        [(i, j) for i in range(5) for j in range(i + 1, 5)] if square else [(i, j) for i in (0, 1) for j in (2, 3, 4)]
    )
    whole = score_block(named, pairs, chosen, trust, dataset="d")
    names, keys = [r.name for r in named], [r.key for r in named]
    tables = [
        score_products(c, [reduce(c, Prepared(m, f"r{i}")) for i, m in enumerate(matrices)], np.asarray(pairs),
                       5 if square else 2, 30, trust, dataset="d", names=names, keys=keys)[0]
        for c in chosen
    ]  # fmt: skip
    for one, other in zip(Results(in_turn(tables)), whole, strict=True):
        for field in ("dataset", "a", "b", "a_key", "b_key", "measure", "parameters", "null", "n_items", "status",
                      "reason", "n_permutations", "seed", "measure_version", "direction"):  # fmt: skip
            assert getattr(one, field) == getattr(other, field)
        for field in ("value", "null_mean", "null_std", "z", "pvalue", "calibrated", "low", "high"):
            ours, theirs = getattr(one, field), getattr(other, field)
            assert ours == (None if theirs is None else pytest.approx(theirs, rel=1e-9, abs=1e-12))


def test_vector_is_half_the_matrix():
    x = Prepared(np.random.default_rng(0).normal(size=(12, 4)))
    (c,) = configurations("cka")
    vector = reduce(c, x).vector
    assert vector.shape == (12 * 13 // 2,)
    assert vector @ vector == pytest.approx(1, abs=1e-12)
