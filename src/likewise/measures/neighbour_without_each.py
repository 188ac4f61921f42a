"""Scores of neighbours with what each item takes from them, counted once: see `without_each`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse

from likewise.arrays import to_numpy
from likewise.measures.without_each import WithoutEach
from likewise.quantities import (
    Neighbours,
    Prepared,
    places_in,
)

OF_PAIRS, OF_THREES = 1 / 2, 2 / 3
"""What is counted more than once, as a share of the whole: where all of it hangs on pairs of items, or on threes."""


def counted_once(
    rows: Float[np.ndarray, " n"], sums: Float[np.ndarray, " n"], twice: float, most: float = OF_PAIRS
) -> Float[np.ndarray, " n"]:
    r"""The mean of rows without each item, drawn together so that the jackknife counts once what it counts twice.

    With f_j the ``rows`` and :math:`\Delta_{jl}` the change of row j where item l is left out,

    .. math:: n(n - 1) s^2 = \sum_l (c_l - \bar c)^2, \quad c_l = \sum_{j \ne l} \Delta_{jl} - f_l

    The squares of f_l hold all of the variance of a row, with the part that it owes to the other items. Those of
    :math:`\Delta_{jl}` hold this part once more, and so do the products of what two items change of each other:

    .. math:: \sum_{j \ne l} (\Delta_{jl} - \bar\Delta_j)^2
        + \sum_{j \ne l} (\Delta_{jl} - \bar\Delta_j) (\Delta_{lj} - \bar\Delta_l)

    So this is taken off, and what is left is spread over the items as before. For rows that are sums of a term for each
    other item that is exact. What hangs on pairs of items is counted twice, so it is no more than half of the whole,
    and no more is taken off; of what hangs on threes, as the order of two neighbours of an item does, two thirds.

    Parameters
    ----------
    rows : array, shape (n,)
        The scores of the items.
    sums : array, shape (n,)
        The sum of the changes of the other rows without each item.
    twice : float
        What is taken off, of n(n - 1) s^2.
    most : float
        The largest share of it: `OF_PAIRS` or `OF_THREES`.

    Returns
    -------
    array, shape (n,)
        Scores about the same mean as those without each item.

    References
    ----------
    The jackknife counts m times what hangs on m items: Efron and Stein (1981), doi:10.1214/aos/1176345462.
    """
    without = (rows.sum() - rows + sums) / (len(rows) - 1)
    mean = without.mean()
    moved = without - mean
    whole = (len(rows) - 1) ** 2 * (moved**2).sum()
    return np.asarray(mean + moved * np.sqrt(1 - min(twice / whole, most)) if whole else without)


@dataclass(frozen=True)
class CountedOnce:
    """A function that gives scores without each item, drawn together by `counted_once`."""

    found: WithoutEach

    def __call__(self, x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        """Return the scores; None where they cannot be told from the whole."""
        return self.found(x, y)


def _of_nearest(
    k: int,
    center: bool,
    inner: Literal["cosine", "euclidean"],
    found: Callable[[Int[np.ndarray, "n k1"], Int[np.ndarray, "n k1"]], Float[np.ndarray, " n"]],
) -> WithoutEach:
    """What the k + 1 nearest of each item on both sides tell; None where there are too few items.

    Where ``center``, the mean stays that of all items. Without one it moves by 1 / (n - 1) of that item's distance to
    it, and what this changes of the score is of higher order: intervals hold as often as those of cosines that do not
    feel the mean (`benchmarks/intervals.py`).
    """

    def without(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        if x.n < k + 3:  # without an item there are too few
            return None
        near_x, near_y = (to_numpy(of[Neighbours(k + 1, inner, center)]) for of in (x, y))
        return found(near_x, near_y)

    return CountedOnce(without)


def of_overlap(
    k: int, center: bool, inner: Literal["cosine", "euclidean"], score: Callable[[np.ndarray], np.ndarray]
) -> WithoutEach:
    """The mean of ``score`` of the number of common neighbours, `counted_once`: O(n k) after the ranks.

    Who has item i among its k nearest takes the next in its place.
    """

    def found(near_x: Int[np.ndarray, "n k1"], near_y: Int[np.ndarray, "n k1"]) -> Float[np.ndarray, " n"]:
        next_x, next_y = near_x[:, k], near_y[:, k]
        of_x, of_y = places_in(near_x, near_y[:, :k]) <= k, places_in(near_y, near_x[:, :k]) <= k
        (in_y, comes_x), (in_x, comes_y) = ((m[:, :k], m[:, k]) for m in (of_x, of_y))
        common = in_y.sum(axis=1)
        base = score(common)
        # Without a neighbour on both sides both take their next; without one of a side that side does.
        both = score(common - 1 + comes_x + comes_y + (next_x == next_y)) - base
        in_first, in_second = score(common + comes_x) - base, score(common + comes_y) - base
        of_x = np.where(in_y, both[:, None], in_first[:, None])
        of_y = np.where(in_x, 0.0, in_second[:, None])  # what is in both was counted
        return _drawn_together(base, np.hstack([near_x[:, :k], near_y[:, :k]]), np.hstack([of_x, of_y]))

    return _of_nearest(k, center, inner, found)


def _drawn_together(
    rows: Float[np.ndarray, " n"],
    left: Int[np.ndarray, "n m"],
    changes: Float[np.ndarray, "n m"],
    most: float = OF_PAIRS,
) -> Float[np.ndarray, " n"]:
    """`counted_once` from the changes of each row where items are left out; without all others it does not change."""
    n = len(rows)
    by_row, by_item = changes.sum(axis=1), np.bincount(left.ravel(), changes.ravel(), n)
    # An item that is near on both sides stands twice, the second time without a change.
    every = sparse.csr_array((changes.ravel(), left.ravel(), np.arange(0, left.size + 1, left.shape[1])), shape=(n, n))
    mean = by_row / (n - 1)
    squares = (changes**2).sum() - mean @ by_row
    products = every.multiply(every.T).sum() - 2 * mean @ by_item + mean.sum() ** 2 - mean @ mean
    return counted_once(rows, by_item, squares + products, most)


RowScore: TypeAlias = Callable[
    [Bool[np.ndarray, "*m c"], Int[np.ndarray, "*m c"], Int[np.ndarray, "*m c"]], Float[np.ndarray, "*m"]
]
"""Takes which candidates are common neighbours, and their places on both sides; returns the score of an item."""

BLOCK = 1 << 20
"""Places of neighbours that are looked at together."""


def of_places(
    k: int, center: bool, inner: Literal["cosine", "euclidean"], score: RowScore, most: float = OF_PAIRS
) -> WithoutEach:
    """The mean of ``score`` of the places of common neighbours, `counted_once`: O(n k^2) after the ranks.

    Without an item, those behind it move up by one, and the next of either side comes in.
    """

    def found(near_x: Int[np.ndarray, "n k1"], near_y: Int[np.ndarray, "n k1"]) -> Float[np.ndarray, " n"]:
        n = len(near_x)
        # Places beyond k + 1 come to no more than that without an item: the nearest say all.
        own, in_y, in_x = np.arange(1, k + 2), places_in(near_x, near_y), places_in(near_y[:, :k], near_x)
        left = np.hstack([near_x[:, :k], near_y[:, :k]])
        left_x = np.hstack([np.broadcast_to(own[:k], in_x.shape), in_x])[:, :, None]
        left_y = np.hstack([in_y[:, :k], np.broadcast_to(own[:k], in_x.shape)])[:, :, None]
        rows, changes = np.empty(n), np.empty((n, 2 * k))
        step = max(1, BLOCK // (2 * k * (k + 1)))
        for some in (slice(start, start + step) for start in range(0, n, step)):
            places, at_x, at_y = in_y[some], left_x[some], left_y[some]
            rows[some] = score((own <= k) & (places <= k), np.broadcast_to(own, places.shape), places)
            a, b = own - (own > at_x), places[:, None, :] - (places[:, None, :] > at_y)
            changes[some] = score((own != at_x) & (a <= k) & (b <= k), a, b) - rows[some, None]
            changes[some, k:][at_x[:, k:, 0] <= k] = 0.0  # what is near on both sides was counted
        return _drawn_together(rows, left, changes, most)

    return _of_nearest(k, center, inner, found)
