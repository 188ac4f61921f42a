"""Many rows, read some at a time: what is summed over them needs no copy of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace, gather
from likewise.quantities.pieces import collected, summed
from likewise.quantities.prepared import OrderFree, Prepared


@dataclass(frozen=True)
class Mean(OrderFree):
    """The mean row, and what is left of it after it was subtracted: of a large offset, its rounding."""

    def compute(self, of: Prepared) -> Float[Array, "2 d"]:
        """Return both."""
        xp = array_namespace(of.rows(0, 1))
        first = summed((of.n, of.d), lambda i, j: xp.sum(of.rows(i, j), axis=0)) / of.n
        return xp.stack([first, summed((of.n, of.d), lambda i, j: xp.sum(of.rows(i, j) - first, axis=0)) / of.n])

    def nbytes(self, n: int, d: int) -> int:
        """Return 16 d."""
        return 16 * d


def rows_in(of: Prepared, start: int | Int[Array, " m"], stop: int | None, center: bool) -> Float[Array, "m d"]:
    """Some of many rows in double precision, those between two places or at some; less their mean where ``center``."""
    if not center:
        return of.rows(start, stop)
    mean = of[Mean()]
    rows = of.stored(slice(start, stop) if isinstance(start, int) else start)
    rows = rows - mean[0, :]  # in double precision, as the mean is
    rows -= mean[1, :]  # of what was made here
    return rows


@dataclass(frozen=True)
class Lengths(OrderFree):
    """Of many rows: |X|_F and the longest of them, the rows centred or not; and the largest |x_ij|."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, " 3"]:
        """Return the three."""
        xp = array_namespace(of.rows(0, 1))

        def some(i: int, j: int) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
            rows = rows_in(of, i, j, self.center)
            return xp.linalg.vector_norm(rows, axis=1), xp.max(xp.abs(rows), axis=1)

        lengths, largest = collected((of.n, of.d), some)
        return xp.stack([xp.linalg.vector_norm(lengths), xp.max(lengths), xp.max(largest)])

    def nbytes(self, n: int, d: int) -> int:
        """Return 24."""
        return 24


@dataclass(frozen=True)
class ColumnLargest(OrderFree):
    """Of many rows: the largest |x_ij| of each column."""

    def compute(self, of: Prepared) -> Float[Array, " d"]:
        """Return them."""
        xp = array_namespace(of.rows(0, 1))
        found = collected((of.n, of.d), lambda i, j: xp.max(xp.abs(of.rows(i, j)), axis=0)[None, :])
        return xp.max(found, axis=0)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d."""
        return 8 * d


class UnitPasses:
    """c(X) / |c(X)|_F of many rows, some at a time, with further columns: what a thin kernel reads.

    Parameters
    ----------
    of : Prepared
        Of many rows.
    size : float
        |c(X)|_F.
    more : sequence of arrays, shape (n,)
        Columns after the features.
    """

    def __init__(self, of: Prepared, size: Float[Array, ""], more: Sequence[Float[Array, " n"]] = ()) -> None:
        self.of, self.size, self.more = of, size, tuple(more)
        self.shape = (of.n, of.d + len(self.more))
        self.device = size.device

    def __getitem__(self, items: tuple[slice, slice]) -> Float[Array, "m r"]:
        return self._with_more(rows_in(self.of, items[0].start, items[0].stop, center=True), items[0])

    def at(self, items: Int[Array, " m"]) -> Float[Array, "m r"]:
        """Some of the rows, in any order."""
        return self._with_more(rows_in(self.of, items, None, center=True), items)

    def _with_more(self, rows: Float[Array, "m d"], items: Any) -> Float[Array, "m r"]:
        rows *= 1 / self.size  # of what was made for it
        if not self.more:
            return rows
        xp = array_namespace(rows)
        columns = [column[items] if isinstance(items, slice) else gather(column, items, 0) for column in self.more]
        return xp.concat([rows, xp.stack(columns, axis=1)], axis=1)

    def bordered(self, column: Float[Array, " n"]) -> "UnitPasses":
        """The same with one column more."""
        return UnitPasses(self.of, self.size, (*self.more, column))
