"""What each item adds to a score."""

import numpy as np
import pytest
import torch

from likewise.errors import InputError
from likewise.measures import REGISTRY, Configuration, contributions, get

SUMS = {
    "aligned_cosine", "cka", "distance_correlation", "information_imbalance", "jaccard", "joint_rank_jaccard",
    "mutual_knn", "rank_similarity", "rsa", "second_order_cosine",
}  # fmt: skip


def has(c: Configuration) -> bool:
    return c.measure in SUMS and "tau" not in c.label and "feature_corrected" not in c.label and (
        c.measure != "distance_correlation" or c.parameters["debiased"]
    )  # fmt: skip


CHOSEN = [c for m in REGISTRY.values() for c in (Configuration(m.name, v) for v in m.variants) if has(c)]


@pytest.mark.parametrize("c", CHOSEN, ids=lambda c: c.label)
@pytest.mark.parametrize("shape", [(30, 6, 9), (30, 50, 40)], ids=["n > d", "n < d"])
def test_mean_is_the_score_on_arrays_of_either_library(c, shape, related):
    if c.facts.undefined_if_wide and shape[0] <= shape[1]:
        pytest.skip("undefined where n <= d")
    x, y = related(*shape)
    added = contributions(c, x, y)
    assert added.shape == (30,)
    assert np.mean(added) == pytest.approx(c(x, y), abs=1e-12)
    assert np.asarray(contributions(c, torch.asarray(x), torch.asarray(y))) == pytest.approx(added, abs=1e-9)


def test_item_by_item_they_are_the_definition(related):
    x, y = related(20, 5, 7)

    def near(m, i, k=3):
        m = m / np.linalg.norm(m, axis=1, keepdims=True)
        order = np.argsort(-(m @ m[i]), kind="stable")
        return {int(j) for j in order if j != i}.intersection([int(j) for j in order if j != i][:k])

    jaccard = [len(near(x, i) & near(y, i)) / len(near(x, i) | near(y, i)) for i in range(20)]
    assert contributions(Configuration.parse("jaccard(k=3)"), x, y) == pytest.approx(jaccard)
    k, m = ((s - s.mean(0)) @ (s - s.mean(0)).T for s in (x, y))
    rows = [20 * (k[i] @ m[i]) / np.linalg.norm(k) / np.linalg.norm(m) for i in range(20)]
    assert contributions(Configuration.parse("cka"), x, y) == pytest.approx(rows)


@pytest.mark.parametrize("c", CHOSEN, ids=lambda c: c.label)
def test_an_item_that_differs_adds_least(c, rng):
    if c.measure in ("cka", "distance_correlation", "rsa", "information_imbalance"):
        pytest.skip("adds what its row of inner products or distances has in common, which its length decides too")
    x = np.concatenate([rng.normal(size=(30, 4)) * 0.1 + centre for centre in 4 * np.eye(4)[:3]])
    y = x @ np.linalg.qr(rng.normal(size=(4, 4))).Q + 0.01 * rng.normal(size=x.shape)
    y[17] = y[75]
    added = c.facts.more_alike * contributions(c, x, y)
    assert added[17] <= np.sort(added)[3]


def test_a_measure_that_is_no_mean_over_items_says_which_are(related):
    with pytest.raises(InputError, match="procrustes is not a mean over items; expected cka, rsa"):
        contributions(Configuration.parse("procrustes"), *related(20, 5, 7))


def test_the_measure_itself_returns_a_number(related):
    assert isinstance(get("jaccard")(*related(20, 5, 7)), float)
