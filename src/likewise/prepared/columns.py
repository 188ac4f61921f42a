"""Features in their own basis: for measures that match features one to one, and so feel a rotation."""

from dataclasses import dataclass

from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array
from likewise.errors import UndefinedError
from likewise.prepared.prepared import PerItem, Prepared


@dataclass(frozen=True)
class Columns(PerItem):
    """X, or c(X) where ``center``."""

    center: bool

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """A row of X is its own; subtracting the mean row mixes the items."""
        return not self.center

    def compute(self, of: Prepared) -> Float[Array, "n d"]:
        """Return the matrix."""
        if not self.center:
            return of.matrix
        xp = array_namespace(of.matrix)
        rows = of.matrix - xp.mean(of.matrix, axis=0)
        return rows - xp.mean(rows, axis=0)  # of a large offset, the first mean leaves its rounding

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n d."""
        return 8 * n * d


@dataclass(frozen=True)
class UnitColumns(PerItem):
    """X, or c(X) where ``center``, with columns of unit length; undefined where a column has none.

    The inner products of centred ones are Pearson's correlations.
    """

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "n d"]:
        """Return the matrix."""
        xp = array_namespace(of.matrix)
        # Asked of the numbers themselves: a constant column centres to rounding noise, not to zero.
        empty = xp.all(of.matrix == (of.matrix[:1, :] if self.center else 0.0), axis=0)
        if xp.any(empty):
            count, first = int(xp.sum(xp.astype(empty, xp.int64))), int(xp.argmax(xp.astype(empty, xp.int64)))
            what = "constant" if self.center else "zero"
            raise UndefinedError(
                f"{count} of the {of.d} columns of {of.name} are {what}, the first is column {first}: they have no "
                f"{'correlation' if self.center else 'direction'}; leave them out, if they may be left out"
            )
        columns = of[Columns(self.center)]
        largest = xp.max(xp.abs(columns), axis=0)
        columns = columns / largest  # so that no square leaves the range of a float
        return columns / xp.linalg.vector_norm(columns, axis=0)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n d."""
        return 8 * n * d
