"""The nearest items of each item."""

from dataclasses import dataclass

from array_api_compat import array_namespace
from jaxtyping import Bool, Int

from likewise.arrays import Array, gather_square, tied_runs
from likewise.errors import UndefinedError
from likewise.prepared.distances import TIES, Distances
from likewise.prepared.prepared import Prepared, Quantity


@dataclass(frozen=True)
class Neighbourhood(Quantity):
    """The k nearest items of each item by cosine, as an indicator matrix: row i marks the neighbours of item i.

    An item is not its own neighbour, by its index and not by its distance; equal distances go to the lower index.
    """

    k: int
    center: bool

    def compute(self, of: Prepared) -> Bool[Array, "n n"]:
        """Return the indicator matrix."""
        if not 1 <= self.k < of.n:
            raise UndefinedError(f"k = {self.k} neighbours of {of.n} items in {of.name}: k must be 1 to {of.n - 1}")
        xp = array_namespace(of.matrix)
        distances = of[Distances("cosine", center=self.center)]
        index = xp.arange(of.n, device=distances.device)
        # An item is farther from itself than any other can be: cosine distances end at 2.
        away = xp.where(index[:, None] == index[None, :], xp.full_like(distances, 4.0), distances)
        order = xp.argsort(tied_runs(away, TIES["cosine"]), axis=1, stable=True)
        # The place of j in the order of row i is the inverse permutation of that row.
        return xp.argsort(order, axis=1) < self.k

    def reindex(self, value: Bool[Array, "n n"], index: Int[Array, " n"]) -> Bool[Array, "n n"]:
        """Reorder and relabel."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return n^2."""
        return n * n
