"""Scores of neighbours without each item, with what the jackknife counts twice counted once."""

import numpy as np
import pytest

from likewise.inference import LeftOut
from likewise.measures import Configuration, contributions
from likewise.measures.neighbour_without_each import counted_once
from likewise.quantities import Prepared

LABELS = [
    *("jaccard(k=4)", "jaccard(k=1)", "mutual_knn(k=5)", "mutual_knn(inner='euclidean', k=5)"),
    *("rank_similarity(k=4)", "rank_similarity(k=1)", "rank_similarity(inner='euclidean', k=18)"),
    *("joint_rank_jaccard(k=6)", "jaccard(k=18)"),
]


@pytest.mark.parametrize("label", LABELS)
def test_scores_are_those_of_the_other_items_drawn_together(label, related) -> None:
    """From the scores of all items, computed anew without each."""
    n = 24
    x, y = related(n, 3, 4)
    c = Configuration.parse(label.replace("'", '"'))
    rows = contributions(c, x, y)
    changes = np.zeros((n, n))
    for item in range(n):
        stay = np.arange(n) != item
        changes[stay, item] = contributions(c, x[stay], y[stay]) - rows[stay]
    without = (rows.sum() - rows + changes.sum(axis=0)) / (n - 1)
    jackknife = (n - 1) / n * ((without - without.mean()) ** 2).sum()
    again = _twice(changes) / (n * (n - 1))
    most = 2 / 3 if c.measure == "rank_similarity" else 1 / 2  # the order of two neighbours of an item hangs on three
    found = c.without_each(Prepared(x), Prepared(y))
    assert LeftOut(c(x, y), found).variance == pytest.approx(jackknife - min(again, most * jackknife), rel=1e-9)
    assert found.mean() == pytest.approx(without.mean(), abs=1e-13)
    assert np.corrcoef(found, without)[0, 1] == pytest.approx(1)


def _twice(changes):
    """Squares of what items change of the rows of others, and products of what two change of each other."""
    n = len(changes)
    about = changes - changes.sum(axis=1, keepdims=True) / (n - 1)
    np.fill_diagonal(about, 0.0)
    return (about**2).sum() + (about * about.T).sum()


def _of_pairs(terms):
    """The mean of rows that are sums of a term for each other item, without each item; and its jackknife."""
    n = len(terms)
    rows, changes = terms.sum(axis=1), -terms
    found = LeftOut(rows.mean(), counted_once(rows, changes.sum(axis=0), _twice(changes))).variance
    plain = LeftOut(rows.mean(), (rows.sum() - rows + changes.sum(axis=0)) / (n - 1)).variance
    return found, plain


@pytest.mark.parametrize(("symmetric", "expected", "jackknife"), [(False, 1.0, 2.0), (True, 1.0, 2.0)])
def test_variance_of_a_mean_of_pair_terms(symmetric, expected, jackknife) -> None:
    """Terms of mean 0 and variance 1: the mean of the rows has the variance (n - 1) / n, twice that if symmetric."""
    rng, n, found = np.random.default_rng(0), 60, []
    for _ in range(200):
        terms = rng.normal(size=(n, n))
        if symmetric:
            terms = np.triu(terms, 1) + np.triu(terms, 1).T
        np.fill_diagonal(terms, 0.0)
        found.append(_of_pairs(terms))
    truth = (n - 1) / n * (1 + symmetric)
    # No more than half is taken off, so the mean is a little above.
    assert np.mean(found, axis=0) / truth == pytest.approx([expected, jackknife], rel=0.11)


@pytest.mark.parametrize(
    ("law", "label"),
    [
        ("normal", "jaccard"),
        ("exponential", "mutual_knn"),
        *(pytest.param(*both, marks=pytest.mark.long("each law and each measure is tried in another pair"))
          for both in (("normal", "mutual_knn"), ("exponential", "jaccard"))),
    ],
)  # fmt: skip
def test_the_variance_holds_where_the_mean_of_all_is_kept(law, label) -> None:
    """Without an item its mean moves too; what that changes is little, also of skewed rows."""
    n, c = 40, Configuration(label, {"k": 5, "center": True})
    found, scores = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        common, *own = (getattr(rng, law)(size=(n, 6)) for _ in "cxy")
        x, y = (Prepared(common + side) for side in own)
        scores.append(c(x, y))
        found.append(LeftOut(scores[-1], c.without_each(x, y)).variance)
    assert 0.9 < np.mean(found) / np.var(scores, ddof=1) < 1.5


def test_what_no_item_changes_is_left_as_it_is() -> None:
    assert counted_once(np.ones(6), np.zeros(6), 0.0).tolist() == [1.0] * 6
    x = np.random.default_rng(0).normal(size=(30, 4))
    found = Configuration.parse("rank_similarity(k=4)").without_each(Prepared(x), Prepared(x.copy()))
    assert found == pytest.approx(np.ones(30), abs=1e-15)


def test_variance_of_unrelated_sides_is_that_of_the_shuffles() -> None:
    """Of independent sides the mean over shuffles is always the same, so their variance is that of the score."""
    rng, c, n, k = np.random.default_rng(1), Configuration.parse("mutual_knn"), 60, 10
    found, exact = [], []
    for _ in range(40):
        x, y = rng.normal(size=(2, n, 8))
        found.append(LeftOut(c(x, y), c.without_each(Prepared(x), Prepared(y))).variance)
        a, b = (_near(side, k) for side in (x, y))
        assert c(x, y) == pytest.approx((a & b).sum() / (n * k))
        orders = (rng.permutation(n) for _ in range(60))
        exact.append(np.var([(a & b[order][:, order]).sum() / (n * k) for order in orders], ddof=1))
    # The plain jackknife gives three times as much: near chance much hangs on more than two items.
    assert 0.95 < np.mean(found) / np.mean(exact) < 1.9


def _near(rows, k):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    ranks = np.argsort(np.argsort(-cosines, axis=1), axis=1)
    return ranks < k
