"""Who is near to whom: ranks of all items as neighbours of each, and the nearest of them."""

from dataclasses import dataclass
from typing import Literal

from array_api_compat import array_namespace
from jaxtyping import Int

from likewise.arrays import Array, tied_runs
from likewise.errors import UndefinedError
from likewise.prepared.distances import TIES, Distances
from likewise.prepared.prepared import PerPair, Prepared, Quantity


@dataclass(frozen=True)
class NeighbourRanks(PerPair):
    """Row i holds, for each item, its place among the neighbours of item i, from 1 to n - 1; item i itself is last.

    An item is not its own neighbour, by its index and not by its distance; equal distances go to the lower index.
    """

    inner: Literal["cosine", "euclidean"]
    center: bool

    def compute(self, of: Prepared) -> Int[Array, "n n"]:
        """Return the ranks."""
        xp = array_namespace(of.matrix)
        distances = of[Distances(self.inner, center=self.center and self.inner == "cosine")]
        index = xp.arange(of.n, device=distances.device)
        itself = index[:, None] == index[None, :]
        away = xp.where(itself, xp.full_like(distances, 2 * float(xp.max(distances)) + 1), distances)
        order = xp.argsort(tied_runs(away, TIES[self.inner]), axis=1, stable=True)
        # The place of j in the order of row i is the inverse permutation of that row.
        return xp.astype(xp.argsort(order, axis=1) + 1, xp.int32)

    def nbytes(self, n: int, d: int) -> int:
        """Return 4 n^2."""
        return 4 * n * n


@dataclass(frozen=True)
class Neighbours(Quantity):
    """Row i holds the k nearest items of item i, nearest first."""

    k: int
    inner: Literal["cosine", "euclidean"]
    center: bool

    def compute(self, of: Prepared) -> Int[Array, "n k"]:
        """Return their indices."""
        if not 1 <= self.k < of.n:
            raise UndefinedError(f"k = {self.k} neighbours of {of.n} items in {of.name}: k must be 1 to {of.n - 1}")
        ranks = of[NeighbourRanks(self.inner, self.center)]
        return array_namespace(ranks).argsort(ranks, axis=1)[:, : self.k]

    def reindex(self, value: Int[Array, "n k"], index: Int[Array, " n"]) -> Int[Array, "n k"]:
        """Reorder and relabel."""
        xp = array_namespace(value)
        index = xp.asarray(index, device=value.device)
        place = xp.argsort(index)  # where each item has gone
        rows = xp.take(value, index, axis=0)
        return xp.reshape(xp.take(place, xp.reshape(rows, (-1,)), axis=0), rows.shape)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n k."""
        return 8 * n * self.k
