"""Neighbours of many items come from blocks of products, and are those of all pairs."""

import numpy as np
import pytest

from cases import each
from likewise.errors import UndefinedError
from likewise.measures import Configuration
from likewise.quantities import NeighbourRanks, Neighbours, Prepared, pieces, prepared

NAMES = ("jaccard", "mutual_knn", "rank_similarity", "joint_rank_jaccard", "second_order_cosine")


def sides(n: int, d: int, kind: str) -> list[np.ndarray]:
    rng = np.random.default_rng([n, d])
    x = rng.normal(size=(n, d)).astype(np.float32)
    y = x + 0.7 * rng.normal(size=(n, d)).astype(np.float32)
    if kind == "whole numbers":
        return [np.round(m * 1.5) + 0.25 for m in (x, y)]
    if kind == "copies":
        x[1::3], y[2::5] = x[1], y[2]
    return [x + 1, y]


def both_ways(monkeypatch, x, y, scored):
    found = []
    for paired in (4096, 4):
        monkeypatch.setattr(prepared, "PAIRED", paired)
        found.append(scored(Prepared(x), Prepared(y)))
    return found


@pytest.mark.parametrize("name", each(NAMES))
@pytest.mark.parametrize("parameters", each(["k=3", "k=5, inner=euclidean", "k=4, center=True"]))
@pytest.mark.parametrize(("n", "d"), [(40, 3), (61, 8), (30, 50)])
@pytest.mark.parametrize("kind", ["plain", "whole numbers", "copies"])
def test_values_are_the_same_by_blocks(monkeypatch, n, d, kind, parameters, name) -> None:
    c = Configuration.parse(f"{name}({parameters})")
    order = np.random.default_rng(0).permutation(n)

    def scored(x, y):
        part = np.sort(order[: n - 4])
        return [c(x, y), c(x.permuted(order), y), c(x.take(part), y.take(part))]

    def score(x, y):
        try:
            return scored(x, y)
        except UndefinedError as error:
            return str(error)

    plain, blocks = both_ways(monkeypatch, *sides(n, d, kind), score)
    if isinstance(plain, str):
        assert blocks == plain
    else:
        assert blocks == pytest.approx(plain, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("parameters", each(["", "inner=euclidean", "center=True"]))
@pytest.mark.parametrize(("n", "d"), [(40, 3), (61, 8), (30, 50)])
@pytest.mark.parametrize("kind", ["plain", "whole numbers", "copies", "offset"])
def test_places_of_any_item_are_the_same_by_blocks(monkeypatch, n, d, kind, parameters) -> None:
    c = Configuration.parse(f"information_imbalance({parameters})")
    order = np.random.default_rng(0).permutation(n)
    x, y = sides(n, d, kind)
    if kind == "offset":
        x = x.astype(float) + 1e5
    monkeypatch.setattr(pieces, "PASS", 300)

    def scored(x, y):
        part = np.sort(order[: n - 4])
        pairs = (x, y), (y, x), (x.permuted(order), y), (x, y.permuted(order)), (x.take(part), y.take(part))
        return [c(*pair) for pair in pairs]

    plain, blocks = both_ways(monkeypatch, x, y, scored)
    assert blocks == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("name", ["jaccard(k=3)", "mutual_knn(k=4, inner=euclidean)"])
@pytest.mark.parametrize("kind", ["plain", "whole numbers", "copies"])
def test_scores_without_each_item_are_the_same_by_blocks(monkeypatch, kind, name) -> None:
    c = Configuration.parse(name)
    plain, blocks = both_ways(monkeypatch, *sides(50, 6, kind), c.without_each)
    assert blocks == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("kind", ["plain", "whole numbers", "copies"])
def test_ties_are_broken_anew_after_a_shuffle(monkeypatch, kind) -> None:
    x, _ = sides(60, 4, kind)
    order = np.random.default_rng(1).permutation(60)
    monkeypatch.setattr(prepared, "PAIRED", 4)
    found = Prepared(x).permuted(order)[Neighbours(5, "euclidean", False)]
    monkeypatch.setattr(prepared, "PAIRED", 4096)
    ranks = Prepared(x[order])[NeighbourRanks("euclidean", False)]
    assert (np.argsort(ranks, axis=1, kind="stable")[:, :5] == found).all()


def test_rows_that_all_are_equally_near_are_said(monkeypatch) -> None:
    monkeypatch.setattr(prepared, "PAIRED", 4)
    with pytest.raises(UndefinedError, match="all other rows are equally near to row 0 of x"):
        Configuration.parse("jaccard(k=2, inner=euclidean)")(np.ones((20, 3)), np.eye(20))


@pytest.mark.parametrize("lengths", [0.0, 0.5, 2.0], ids=["equal", "unequal", "far apart"])
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize(("n", "d"), [(70, 3), (120, 12), (90, 200)])
def test_neighbours_about_a_new_mean_are_those_of_the_rest(n, d, k, lengths) -> None:
    """They are looked for among the nearest of all items first; with few or with half of the items left out."""
    rng = np.random.default_rng([n, d, k])
    x = rng.normal(size=(n, d)) * np.exp(lengths * rng.normal(size=(n, 1))) + 3 * rng.normal(size=d)
    nearest = Neighbours(k, "cosine", center=True)
    told = 0
    for left in (n - 2, n - 6, n // 2):
        kept = np.sort(rng.choice(n, left, replace=False))
        part, rows = Prepared(x).take(kept), x[kept] - x[kept].mean(axis=0)
        found = nearest._about_new_mean(part, *part.left_out)
        if found is not None:
            told += 1
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            products = rows @ rows.T - 9 * np.eye(left)
            assert (found == np.argsort(-products, axis=1)[:, :k]).all()
    assert told == 3 or lengths == 2.0


def test_neighbours_of_the_rest_do_not_hang_on_a_row_that_is_the_mean_of_all(rng) -> None:
    x = rng.normal(size=(60, 5))
    x[0] = x[1:].mean(axis=0)
    kept = np.arange(0, 60, 2)
    found = Prepared(x).take(kept)[Neighbours(2, "cosine", center=True)]
    assert (found == Prepared(x[kept])[Neighbours(2, "cosine", center=True)]).all()
