"""Features in their own basis: for measures that match features one to one, and so feel a rotation."""

from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import UndefinedError
from likewise.quantities.factors import RowNorms, recentred
from likewise.quantities.prepared import JointQuantity, PerItem, Prepared


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


@dataclass(frozen=True)
class Directions(PerItem):
    """X, or c(X) where ``center``, with rows of unit length; undefined where a row has none."""

    center: bool

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """A row of X is its own; subtracting the mean row mixes the items."""
        return not self.center

    def compute(self, of: Prepared) -> Float[Array, "n d"]:
        """Return the matrix."""
        columns = of[Columns(self.center)]
        return columns / array_namespace(columns).reshape(of[RowNorms(self.center)], (-1, 1))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n d."""
        return 8 * n * d


@dataclass(frozen=True)
class ErrorLengths(JointQuantity):
    """The length of each row of X - Y, or of c(X - Y) where ``center``; 0 where it is nothing but rounding."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, " n"]:
        """Return the lengths."""
        xp = array_namespace(x.matrix, y.matrix)
        rows = x.matrix - y.matrix
        # Squares of small differences leave the range of a float.
        largest = xp.max(xp.abs(rows))
        if largest == 0:
            return xp.sum(rows, axis=1)
        rows = rows / largest
        if not self.center:
            return largest * xp.linalg.vector_norm(rows, axis=1)
        # The mean of n equal numbers misses them by up to n roundings.
        noise = x.n * xp.finfo(xp.float64).eps * xp.max(xp.abs(rows), axis=0)
        rows = recentred(rows)
        lengths = xp.linalg.vector_norm(rows, axis=1)
        return largest * xp.where(xp.all(xp.abs(rows) <= noise, axis=1), xp.zeros_like(lengths), lengths)
