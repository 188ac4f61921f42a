"""Who is near to whom: ranks of all items as neighbours of each, and the nearest of them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, inverse, tied_runs, to_numpy
from likewise.errors import UndefinedError
from likewise.quantities.distances import TIES, Distances
from likewise.quantities.gram import Gram
from likewise.quantities.nearest import KNearest, Nearest, by_blocks
from likewise.quantities.prepared import OrderFree, PerPair, Prepared


def away(of: Prepared, inner: Literal["cosine", "euclidean"], center: bool) -> Float[Array, "n n"]:
    """Distances, an item farther from itself than from any other."""
    xp = array_namespace(of.given)
    distances = of[Distances(inner, center=center and inner == "cosine")]
    index = xp.arange(of.n, device=distances.device)
    itself = index[:, None] == index[None, :]
    return xp.where(itself, xp.full_like(distances, 2 * float(xp.max(distances)) + 1), distances)


@dataclass(frozen=True)
class TiedNeighbours(OrderFree):
    """Whether some item has two others equally near; undefined where it has all others so: they have no order."""

    inner: Literal["cosine", "euclidean"]
    center: bool

    def compute(self, of: Prepared) -> Bool[Array, ""]:
        """Return whether there are ties."""
        distances = away(of, self.inner, self.center)
        xp = array_namespace(distances)
        ordered = xp.sort(distances, axis=1, stable=False)  # itself is one more, the farthest
        different = xp.sum(xp.astype(TIES[self.inner].apart(ordered), xp.int64), axis=1)
        if of.n > 2 and xp.any(different == 1):
            item = int(xp.argmin(different))
            raise UndefinedError(f"all other rows are equally near to row {item} of {of.name}: none is a neighbour")
        return xp.any(different < of.n - 1)


@dataclass(frozen=True)
class NeighbourRanks(PerPair):
    """Row i holds, for each item, its place among the neighbours of item i, from 1 to n - 1; item i itself is last.

    An item is not its own neighbour, by its index and not by its distance; equal distances go to the lower index.
    """

    inner: Literal["cosine", "euclidean"]
    center: bool

    def follows(self, whole: Prepared) -> bool:
        """Ties go to the lower index, which a shuffle changes: gathered, they would agree with the other side's."""
        return not bool(whole[TiedNeighbours(self.inner, self.center)])

    def compute(self, of: Prepared) -> Int[Array, "n n"]:
        """Return the ranks."""
        tied = bool(of[TiedNeighbours(self.inner, self.center)])  # undefined where there is no order
        distances = away(of, self.inner, self.center)
        xp = array_namespace(distances)
        if tied:
            distances = tied_runs(distances, TIES[self.inner])
        order = xp.argsort(distances, axis=1, stable=tied)
        # The place of j in the order of row i is the inverse permutation of that row.
        return xp.astype(inverse(order) + 1, xp.int32)

    def nbytes(self, n: int, d: int) -> int:
        """Return 4 n^2."""
        return 4 * n * n


ROUNDED = 32
"""Roundings of the longest row that an inner product about another mean may be off by."""

DECIDED = 1e-10
"""Cosines farther apart than this have an order that rounding does not decide."""

WIDE = 8
"""Times as many as are asked for are looked at where the mean moved."""

EIGHT = 8
"""Nearest items are looked for in such numbers."""


@dataclass(frozen=True)
class Neighbours(KNearest):
    """Row i holds the k nearest items of item i, nearest first."""

    def follows(self, whole: Prepared) -> bool:
        """As the ranks; of many items the ties are broken anew."""
        return not by_blocks(whole) and NeighbourRanks(self.inner, self.center).follows(whole)

    def compute(self, of: Prepared) -> Int[Array, "n k"]:
        """Return their indices."""
        if not 1 <= self.k < of.n:
            raise UndefinedError(f"k = {self.k} neighbours of {of.n} items in {of.name}: k must be 1 to {of.n - 1}")
        if by_blocks(of):
            # As many as will be asked for besides, such as the next one.
            near = of[Nearest(min(of.n - 1, EIGHT * -(-(self.k + 2) // EIGHT)), self.inner, self.center)]
            xp = array_namespace(of.rows(0, 1))
            return xp.asarray(near.items[:, : self.k], device=of.rows(0, 1).device, copy=True)
        if self.moves_with_mean and of.left_out and (found := self._about_new_mean(of, *of.left_out)) is not None:
            return found
        ranks = of[NeighbourRanks(self.inner, self.center)]
        xp = array_namespace(ranks)
        # A copy, for a view would keep the neighbours of all ranks.
        return xp.asarray(inverse(xp.astype(ranks, xp.int64) - 1)[:, : self.k], copy=True)

    @property
    def moves_with_mean(self) -> bool:
        """Whether items left out change who is near among the rest: through the mean."""
        return self.center and self.inner == "cosine"

    def _about_new_mean(self, of: Prepared, whole: Prepared, out: Int[Array, " m"]) -> Int[Array, "n k"] | None:
        r"""From the inner products of all items, without ranking the rest; None where rounding may decide on an order.

        With K of all and some items left out, the products of the rest are K_ij + u_i + u_j + w: rows of all sum to
        zero. The mean moves little, so the nearest are looked for among those of all items. An item that is none of
        these had a cosine with item i of c at most. With l the lengths before and l' afterwards, its product with
        item i over l'_j is now at most the sum of what each of these parts is at most,

        .. math:: c \, l_i \frac{l_j}{l'_j} + \frac{u_i + w}{l'_j} + \frac{u_j}{l'_j}

        Rows whose nearest are not above that are looked at in full.
        """
        products = whole[Gram(center=True)]
        gram, kept = to_numpy(products), to_numpy(of._index)
        shift = gram[out].sum(axis=0) / of.n
        once = shift[out].sum() / of.n
        squares = gram.diagonal() + 2 * shift + once
        least = squares[kept].min()
        rounding = ROUNDED * np.finfo(np.float64).eps * gram.diagonal().max()
        if least <= 0 or rounding > DECIDED * least:
            return None
        here = np.zeros(whole.n, dtype=bool)
        here[kept] = True
        lengths, inverted = np.sqrt(gram.diagonal()), 1 / np.sqrt(np.maximum(squares, least))

        def nearest(rows: Int[np.ndarray, " r"], items: Int[np.ndarray, "r c"]) -> tuple[np.ndarray, np.ndarray]:
            """The nearest k + 1 of some items, and their products with each row over their lengths."""
            near = (gram[rows[:, None], items] + shift[items] + (shift[rows] + once)[:, None]) * inverted[items]
            near[~here[items] | (items == rows[:, None])] = -np.inf
            first = np.argpartition(-near, self.k, axis=1)[:, : self.k + 1]
            order = np.argsort(-np.take_along_axis(near, first, axis=1), axis=1)
            first = np.take_along_axis(first, order, axis=1)
            return np.take_along_axis(items, first, axis=1), np.take_along_axis(near, first, axis=1)

        candidates, wide = None, WIDE * (self.k + 1)
        if wide < whole.n - 1:
            with suppress(UndefinedError):  # of all; of the rest it may not be
                candidates = to_numpy(whole[Neighbours(wide, self.inner, self.center)])[kept]
        items, near = np.empty((of.n, self.k + 1), dtype=np.int64), np.full((of.n, self.k + 1), -np.inf)
        above = np.zeros(of.n, dtype=bool)
        if candidates is not None:
            items, near = nearest(kept, candidates)
            last = candidates[:, -1]
            parts = [
                (gram[kept, last] / lengths[last], (lengths * inverted)[kept]),
                (shift[kept] + once, inverted[kept]),
            ]
            most = sum(np.maximum(part * of_j.min(), part * of_j.max()) for part, of_j in parts)
            above = near[:, -1] > most + (shift * inverted)[kept].max() + DECIDED * lengths[kept]
        rest = kept[~above]
        items[~above], near[~above] = nearest(rest, np.broadcast_to(kept, (len(rest), of.n)))
        if (-np.diff(near, axis=1) * inverted[kept, None]).min() <= DECIDED:
            return None
        place = np.empty(whole.n, dtype=np.int64)
        place[kept] = np.arange(of.n)
        return array_namespace(products).asarray(place[items[:, : self.k]], device=products.device)

    def reindex(self, value: Int[Array, "n k"], index: Int[Array, " n"]) -> Int[Array, "n k"]:
        """Reorder and relabel."""
        xp = array_namespace(value)
        index = xp.asarray(index, dtype=xp.int64, device=value.device)
        place = inverse(index)  # where each item has gone
        rows = xp.take(value, index, axis=0)
        return xp.reshape(xp.take(place, xp.reshape(rows, (-1,)), axis=0), rows.shape)
