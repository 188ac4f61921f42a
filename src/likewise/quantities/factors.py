"""Thin factors and row lengths: all that a measure which ignores rotations needs to know of the features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, gather, triangular
from likewise.errors import UndefinedError
from likewise.quantities.passes import ColumnLargest, Lengths, Mean, rows_in
from likewise.quantities.pieces import block_of, collected, summed
from likewise.quantities.prepared import Equivariant, OrderFree, PerItem, Prepared
from likewise.quantities.rank import reach
from likewise.quantities.tables import Lost, are_equal, vectors


@dataclass(frozen=True)
class Coordinates(Equivariant):
    """Every row in an orthonormal basis of at most n + 1 directions, as (rows about the origin c, then c itself).

    c is the row nearest to the mean. For n < d they are R' of one QR decomposition of [(X - c)', c']: after it nothing
    of width d is touched again. For n >= d they are X - c and c as they stand.

    A large common offset costs no digits, because rows and offset are kept apart. Nor does a massive row, of any row
    but itself: the mean would carry its rounding into all of them, and so into the parts that leave it out.
    """

    local = True

    def compute(self, of: Prepared) -> Float[Array, "{of.n}+1 r"]:
        """Return the n rows and, below them, the origin."""
        xp = array_namespace(of.matrix)
        from_mean = xp.linalg.vector_norm(of.matrix - xp.mean(of.matrix, axis=0, keepdims=True), axis=1)
        nearest = int(xp.argmin(from_mean))
        origin = of.matrix[nearest : nearest + 1, :]
        rows = xp.concat([of.matrix - origin, origin], axis=0)
        return rows if of.n >= of.d else triangular(rows.T).T

    def reindex(self, value: Float[Array, "rows r"], index: Int[Array, " m"]) -> Float[Array, "m+1 r"]:
        """Reorder the rows; the offset stays."""
        xp = array_namespace(value)
        return xp.concat([gather(value, index, 0), value[-1:, :]], axis=0)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 (n + 1) min(n + 1, d)."""
        return 8 * (n + 1) * min(n + 1, d)


@dataclass(frozen=True)
class Factor(PerItem):
    """A thin matrix L with L L' = X X', or c(X) c(X)' where ``center``: X up to a rotation of its features."""

    center: bool

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """A row of X is its own; subtracting the mean row mixes the items."""
        return not self.center

    def compute(self, of: Prepared) -> Float[Array, "n r"]:
        """Return L."""
        if of.is_table:  # thin as they come
            return recentred(vectors(of, center=True)) if self.center else vectors(of, center=False)
        if of.is_many:
            return collected((of.n, of.d), lambda i, j: rows_in(of, i, j, self.center))
        rows, offset = of[Coordinates()][:-1, :], of[Coordinates()][-1:, :]
        return recentred(rows) if self.center else rows + offset

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n min(n + 1, d)."""
        return 8 * n * min(n + 1, d)


def recentred(rows: Float[Array, "n r"]) -> Float[Array, "n r"]:
    """Rows less their mean; twice, for of a large offset the first mean leaves its rounding."""
    xp = array_namespace(rows)
    rows = rows - xp.mean(rows, axis=0, keepdims=True)
    return rows - xp.mean(rows, axis=0, keepdims=True)


@dataclass(frozen=True)
class Scale(OrderFree):
    """The length that rounding is measured against: of the rows that all factors of these items are computed from.

    It is more than that of the rows themselves where there is a large offset, or where the origin of `Coordinates`,
    which some of the items have from all of them, lies far away.
    """

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return `reach` of the coordinates; of a table what makes its rounding, `Lost`, the least direction."""
        if of.is_table:
            lost = of[Lost()]
            return array_namespace(lost).sqrt(lost) / (of.size * array_namespace(lost).finfo(lost.dtype).eps)
        if of.is_many:
            mean = of[Mean()]
            return of[Lengths(center=True)][1] + array_namespace(mean).linalg.vector_norm(mean[0, :])
        coordinates = of[Coordinates()]
        xp = array_namespace(coordinates)
        return xp.asarray(reach(coordinates[:-1, :], coordinates[-1:, :]), dtype=xp.float64, device=coordinates.device)


def rows_of(of: Prepared, center: bool) -> Float[Array, "{of.n} r"]:
    """X, or c(X), up to a rotation: as it is for all items, in the thin coordinates of all for some of them.

    For what takes one pass over the rows, such as inner products: a decomposition would cost more than it saves.
    """
    if of.is_part or of.is_many:
        return of[Factor(center)]
    return recentred(vectors(of, center)) if center else vectors(of, center)


@dataclass(frozen=True)
class RowLargest(PerItem):
    """The largest absolute value of each row."""

    local = True

    def compute(self, of: Prepared) -> Float[Array, " n"]:
        """Return max_j |x_ij|."""
        xp = array_namespace(of.matrix)
        return xp.maximum(xp.max(of.matrix, axis=1), -xp.min(of.matrix, axis=1))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n."""
        return 8 * n


@dataclass(frozen=True)
class Largest(OrderFree):
    """The largest absolute value; of inner products the root of it, as they are squares."""

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return max |x_ij|."""
        if of.is_many and of.left_out:  # at most that
            return of.left_out[0][self]
        if of.is_many:
            return self._in_passes(of)
        if of.is_part and not of.is_table:  # of a few of these, wide rows are not gathered for it
            return array_namespace(of[RowLargest()]).max(of[RowLargest()])
        xp = array_namespace(of.given)
        largest = xp.max(xp.abs(of.given))
        return xp.sqrt(largest) if of.kind == "similarities" else largest

    def _in_passes(self, of: Prepared) -> Float[Array, ""]:
        xp = array_namespace(of.rows(0, 1))

        def some(i: int, j: int) -> Float[Array, " 2"]:
            rows = of.stored(slice(i, j))  # whose digits are enough
            return xp.astype(xp.stack([xp.max(rows), -xp.min(rows)]), xp.float64)

        return xp.max(collected((of.n, of.d), some))


@dataclass(frozen=True)
class Norm(OrderFree):
    """The Frobenius norm |X|_F, or |c(X)|_F where ``center``; undefined where it is zero."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return the norm."""
        # A constant matrix centres to rounding noise, not to zero.
        if are_equal(of, self.center):
            raise UndefinedError(
                f"all rows of {of.name} are equal, so nothing is left after centring"
                if self.center
                else f"all rows of {of.name} are zero"
            )
        if of.is_many:
            return of[Lengths(self.center)][0]
        xp = array_namespace(of.given)
        if of.kind == "distances" and of.metric in ("euclidean", "other"):
            return xp.sqrt(xp.sum(of.given**2) / (2 * of.n))  # the same, and a scale of any distances
        return xp.linalg.matrix_norm(rows_of(of, self.center))


@dataclass(frozen=True)
class RowNorms(PerItem):
    """The Euclidean length of each row of X, or of c(X) where ``center``; undefined where a row is zero."""

    center: bool

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """The length of a row is its own; that of a centred row depends on the others."""
        return not self.center

    def compute(self, of: Prepared) -> Float[Array, " n"]:
        """Return the lengths; rows of L are as long as rows of X."""
        if of.is_many:
            return self._in_passes(of)
        matrix = vectors(of, self.center)
        xp = array_namespace(matrix)
        lengths = xp.abs(matrix - (xp.mean(matrix, axis=0, keepdims=True) if self.center else 0.0))
        # The mean of n equal numbers misses them by up to n roundings.
        noise = of.n * xp.finfo(xp.float64).eps * xp.max(xp.abs(matrix), axis=0) if self.center else 0.0
        if of.is_table:
            noise = xp.sqrt(of[Lost()])
        found = xp.linalg.vector_norm(rows_of(of, self.center), axis=1)
        self._check(of, xp.all(lengths <= noise, axis=1), found)
        return found

    def _in_passes(self, of: Prepared) -> Float[Array, " n"]:
        largest = of[ColumnLargest()]
        xp = array_namespace(largest)
        noise = of.n * xp.finfo(xp.float64).eps * largest if self.center else 0.0

        def some(i: int, j: int) -> tuple[Bool[Array, " m"], Float[Array, " m"]]:
            rows = rows_in(of, i, j, self.center)
            return xp.all(xp.abs(rows) <= noise, axis=1), xp.linalg.vector_norm(rows, axis=1)

        zero, lengths = collected((of.n, of.d), some)
        self._check(of, zero, lengths)
        return lengths

    def _check(self, of: Prepared, zero: Bool[Array, " n"], lengths: Float[Array, " n"]) -> None:
        """Refuse rows of no length."""
        xp = array_namespace(lengths)
        if xp.any(zero):
            where = "equals the mean row, which centring makes zero" if self.center else "is zero"
            raise UndefinedError(
                f"row {int(xp.argmax(xp.astype(zero, xp.int64)))} of {of.name} {where}: "
                "a row of no length has no cosine and no relative error"
            )
        if not xp.all(lengths > 0):
            raise UndefinedError(
                f"row {int(xp.argmin(lengths))} of {of.name} is too small beside the others: its square is lost in "
                "double precision"
            )

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n."""
        return 8 * n


T = TypeVar("T")


class BothRows:
    """The thin rows of both sides: some at a time where there are many, else all.

    Parameters
    ----------
    x, y : Prepared
        The sides.
    center : bool
        Whether the rows are centred.
    copies : int
        As how many rows of such width each row counts, of what is made of it.
    """

    def __init__(self, x: Prepared, y: Prepared, center: bool, copies: int = 1) -> None:
        self.n, self._sides, self._center = x.n, (x, y), center
        self._held = [None if of.is_many else of[Factor(center)] for of in (x, y)]
        of_held = zip((x, y), self._held, strict=True)
        self._width = copies * max(of.d if rows is None else rows.shape[1] for of, rows in of_held)
        self._least = 1 if x.is_many or y.is_many else x.n

    def summed(
        self,
        work: Callable[[int, int, Float[Array, "m r"], Float[Array, "m q"]], T],
        each: Callable[[int, Any], None] | None = None,
    ) -> T:
        """The sum of what ``work`` makes of some rows between two places; ``each`` as in the function `summed`."""
        within = block_of(self.n) if self._least == 1 else 0
        shape = self.n, self._width
        return cast(T, summed(shape, lambda i, j: work(i, j, *self._some(i, j)), self._least, within, each))

    def collected(self, work: Callable[[int, int, Float[Array, "m r"], Float[Array, "m q"]], T]) -> T:
        """What ``work`` makes of each row."""
        return collected((self.n, self._width), lambda i, j: work(i, j, *self._some(i, j)), self._least)

    def _some(self, start: int, stop: int) -> tuple[Float[Array, "m r"], Float[Array, "m q"]]:
        a, b = (
            rows_in(of, start, stop, self._center) if rows is None else rows[start:stop, :]
            for of, rows in zip(self._sides, self._held, strict=True)
        )
        return a, b
