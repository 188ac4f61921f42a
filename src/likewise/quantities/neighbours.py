"""Who is near to whom: ranks of all items as neighbours of each, and the nearest of them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, gather, gather_square, inverse, tied_runs, to_numpy
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
        """From the inner products of all items, without ranking the rest; None where rounding may decide on an order.

        With K of all and m items left, these are K_ij + u_i + u_j + w: rows of all sum to zero.
        """
        gram = whole[Gram(center=True)]
        xp = array_namespace(gram)
        shift = xp.sum(gather(gram, out, 0), axis=0) / of.n
        inner = gather_square(gram, of._index)
        lengths = xp.linalg.diagonal(gram)
        u = gather(shift, of._index, 0)
        own = xp.linalg.diagonal(inner) + 2 * u + xp.sum(gather(shift, out, 0)) / of.n
        rounding = ROUNDED * xp.finfo(xp.float64).eps * xp.max(lengths)
        if xp.min(own) <= 0 or rounding > DECIDED * xp.min(own):
            return None
        norms = xp.sqrt(own)
        # By rows alike but for their own length, which changes no order; what is nearest comes first.
        far = -(inner + u + (xp.sum(gather(shift, out, 0)) / of.n + u[:, None])) / norms
        index = xp.arange(of.n, device=far.device)
        far = xp.where(index[:, None] == index, xp.full_like(far, xp.inf), far)
        near = np.argpartition(to_numpy(far), self.k, axis=1)[:, : self.k + 1]
        values = np.take_along_axis(to_numpy(far), near, axis=1)
        order = np.argsort(values, axis=1)
        apart = np.diff(np.take_along_axis(values, order, axis=1), axis=1) / to_numpy(norms)[:, None]
        if apart.min() <= DECIDED:
            return None
        return xp.asarray(np.take_along_axis(near, order, axis=1)[:, : self.k], device=far.device, copy=True)

    def reindex(self, value: Int[Array, "n k"], index: Int[Array, " n"]) -> Int[Array, "n k"]:
        """Reorder and relabel."""
        xp = array_namespace(value)
        index = xp.asarray(index, dtype=xp.int64, device=value.device)
        place = inverse(index)  # where each item has gone
        rows = xp.take(value, index, axis=0)
        return xp.reshape(xp.take(place, xp.reshape(rows, (-1,)), axis=0), rows.shape)
