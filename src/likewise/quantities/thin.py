"""Matrices of pairs of items that are never formed: few features say all of them.

A linear kernel of n items with d features is A = Z S Z' - diag(c) with d + 2 columns of Z, centred with its diagonal or
without. Inner products of two, and sums of products of the entries of one, are then products of d x d matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, gather, to_numpy
from likewise.quantities.pieces import collected, summed

BLOCK = 2**20
"""Values of A that are held at a time, where a sum needs each of them."""

MANY = 4096
"""From so many items on, cubes of A's entries are summed in single precision, heavy rows apart. They are the only term
of n x n, a thousandth of the third moment, and errors of a ten-millionth of n^2 entries cancel."""

MOST = 4 * MANY
"""From so many items on, cubes between light rows are summed for a sample of these rows: all of them take n^2 d. They
are up to 0.3 % of the skewness, where entries have one sign more than the other, and of this a sample of 1,024 misses
some hundredths; heavy rows are all summed. Of sparse rows they are up to 15 %: there a few rows decide, and three
moments are not used."""

SAMPLE = 1024
"""Rows of the sample, which is the same each time."""

HEAVY = 16.0
"""Rows of this many times the mean square length keep double precision for their cubes."""


class WithColumn:
    """Rows with one column more, put beside them as they are read."""

    def __init__(self, rows: Float[Array, "n r"], column: Float[Array, " n"]) -> None:
        self.rows, self.column = rows, column
        self.shape = (rows.shape[0], rows.shape[1] + 1)

    def __getitem__(self, items: tuple[slice, slice]) -> Float[Array, "m r"]:
        xp = array_namespace(self.rows)
        return xp.concat([self.rows[items[0], :], self.column[items[0]][:, None]], axis=1)

    def bordered(self, column: Float[Array, " n"]) -> "WithColumn":
        """The same with one column more."""
        xp = array_namespace(column)
        return WithColumn(xp.concat([self.rows, self.column[:, None]], axis=1), column)

    def at(self, items: Int[np.ndarray, " m"]) -> Float[Array, "m r"]:
        """Some of the rows, in any order."""
        xp = array_namespace(self.rows)
        return xp.concat([gather(self.rows, items, 0), gather(self.column, items, 0)[:, None]], axis=1)


@dataclass(frozen=True)
class Thin:
    """A = Z S Z' - diag(c), symmetric.

    Parameters
    ----------
    z : array or the like, shape (n, r)
        The factor, or what reads some of its rows at a time.
    s : array, shape (r, r)
        Symmetric.
    c : array, shape (n,)
        What is taken from the diagonal.
    known : dict
        What was computed of it: ``gram``, Z'Z, and the diagonals of B = Z S Z' and of its square, ``whole`` and
        ``squares``. It may be kept without Z for the next that asks.
    """

    z: Any
    s: Float[Array, "r r"]
    c: Float[Array, " n"]
    known: dict[str, Array] = field(default_factory=dict)

    @cached_property
    def _border(self) -> tuple[Float[Array, " r"], list[int], Float[Array, "k r"]]:
        """The diagonal of S, and of the rest of S the rows that are not zero: a few, of a kernel."""
        xp = array_namespace(self.s)
        diagonal = xp.linalg.diagonal(self.s)
        rest = self.s - xp.eye(self.s.shape[0], dtype=xp.float64, device=self.s.device) * diagonal
        rows = [i for i, any_ in enumerate(to_numpy(xp.any(rest != 0, axis=1)).tolist()) if any_]
        return diagonal, rows, xp.stack([rest[i, :] for i in rows]) if rows else rest[:0, :]

    def _summed(self, work: Callable[[Float[Array, "m r"]], Array]) -> Array:
        """The sum of what is made of some rows of Z at a time."""
        return summed(self.z.shape, lambda i, j: work(self.z[i:j, :]))

    def _collected(self, work: Callable[[Float[Array, "m r"]], Array]) -> Array:
        """What is made of each row of Z."""
        return collected(self.z.shape, lambda i, j: work(self.z[i:j, :]))

    def _at(self, items: Int[np.ndarray, " m"]) -> Float[Array, "m r"]:
        """Some rows of Z."""
        return self.z.at(items) if hasattr(self.z, "at") else gather(self.z, items, 0)

    def _left(self, block: Float[Array, "m r"]) -> Float[Array, "m r"]:
        """Rows of Z S."""
        diagonal, rows, rest = self._border
        found = block * diagonal
        if rows:
            xp = array_namespace(block)
            found = found + xp.stack([block[:, i] for i in rows], axis=1) @ rest
        return found

    @property
    def diagonal(self) -> Float[Array, " n"]:
        """The diagonal of Z S Z'."""
        if "whole" not in self.known:
            xp = array_namespace(self.s)
            self.known["whole"] = self._collected(lambda block: xp.sum(self._left(block) * block, axis=1))
        return self.known["whole"]

    @property
    def gram(self) -> Float[Array, "r r"]:
        """Z'Z."""
        if "gram" not in self.known:
            self.known["gram"] = self._summed(lambda block: block.T @ block)
        return self.known["gram"]

    @property
    def squares(self) -> Float[Array, " n"]:
        """The diagonal of (Z S Z')^2. O(n r^2)."""
        if "squares" not in self.known:
            xp = array_namespace(self.s)
            middle = self.s @ self.gram @ self.s
            own = xp.linalg.diagonal(middle)
            if xp.any(middle != xp.eye(own.shape[0], dtype=own.dtype, device=own.device) * own):
                self.known["squares"] = self._collected(lambda block: xp.sum((block @ middle) * block, axis=1))
            else:
                self.known["squares"] = self._collected(lambda block: (block * block) @ own)
        return self.known["squares"]

    def _cross(self, other: "Thin") -> Float[Array, "r q"]:
        """Z_1' Z_2."""
        if other.known is self.known:
            return self.gram
        width = max(self.z.shape[1], other.z.shape[1])
        return summed((self.z.shape[0], width), lambda i, j: self.z[i:j, :].T @ other.z[i:j, :])

    def products(self, other: "Thin") -> Float[Array, " n"]:
        """Row sums of the elementwise product of two. O(n r q)."""
        xp = array_namespace(self.s, other.s)
        if other.known is self.known:
            found = self.squares
        else:
            middle = self.s @ self._cross(other) @ other.s
            width = max(self.z.shape[1], other.z.shape[1])
            found = collected(
                (self.z.shape[0], width), lambda i, j: xp.sum((self.z[i:j, :] @ middle) * other.z[i:j, :], axis=1)
            )
        for one, two in ((self, other), (other, self)):
            found = found - one.c * two.diagonal if xp.any(one.c != 0) else found
        return found + self.c * other.c

    def inner(self, other: "Thin") -> Float[Array, ""]:
        """The sum of `products`, O(n r q), with half of the work."""
        xp = array_namespace(self.s, other.s)
        cross = self._cross(other)
        found = xp.sum((self.s @ cross @ other.s) * cross) + xp.sum(self.c * other.c)
        for one, two in ((self, other), (other, self)):
            found = found - xp.sum(one.c * two.diagonal) if xp.any(one.c != 0) else found
        return found

    def shifted(self, diagonal: Float[Array, ""], off: Float[Array, ""]) -> "Thin":
        """A without ``diagonal`` on the diagonal and ``off`` elsewhere."""
        xp = array_namespace(self.s)
        ones = xp.ones_like(self.c)
        s = _bordered(self.s, xp.zeros_like(self.s[:, 0]), -off)
        bordered = getattr(self.z, "bordered", None)
        z = bordered(ones) if bordered else WithColumn(self.z, ones)
        return Thin(z, s, self.c + diagonal - off, {"whole": self.diagonal - off})

    def cubes(self) -> Float[Array, ""]:
        """The sum of the cubes of all entries off the diagonal. O(n^2 r), in blocks of rows; O(n r) beyond `MOST`."""
        xp = array_namespace(self.s)
        n = self.z.shape[0]
        squares = xp.abs(self.diagonal)
        total = xp.zeros((), dtype=xp.float64, device=self.s.device)
        far = squares > HEAVY * xp.mean(squares) if n >= MANY else squares < 0
        heavy = [i for i, wanted in enumerate(to_numpy(far).tolist()) if wanted]
        if n >= MOST:
            return self._heavy_cubes(heavy) + self._light_cubes(~to_numpy(far))
        z = self._collected(lambda block: block)
        left, right = self._left(z), z
        if heavy:
            order = xp.argsort(squares, descending=True)
            left, right = xp.take(left, order, axis=0), xp.take(right, order, axis=0)
        single = [xp.astype(m, xp.float32) for m in (left, right)] if n >= MANY else [left, right]
        step = max(1, BLOCK // n)
        first = 0
        while first < n:
            last = min(n, len(heavy) if first < len(heavy) else n, first + step)
            a, b = (left, right) if first < len(heavy) else single
            block = a[first:last, :] @ b[first:, :].T
            # Entries right of the square on the diagonal stand for those below it; the square has both halves.
            square = block[:, : last - first]
            twice, once = (xp.astype(xp.vecdot(m * m, m), xp.float64) for m in (block, square))
            own = xp.astype(xp.linalg.diagonal(square), xp.float64) ** 3
            total = total + xp.sum(2 * twice - once - own)
            first = last
        return total

    def _heavy_cubes(self, heavy: list[int]) -> Float[Array, ""]:
        """The same of the entries of heavy rows alone, with all others."""
        xp = array_namespace(self.s)
        total = xp.zeros((), dtype=xp.float64, device=self.s.device)
        if not heavy:
            return total
        rows = self._at(np.asarray(heavy))
        left = self._left(rows)

        def cubes(i: int, j: int) -> Float[Array, ""]:
            block = self.z[i:j, :] @ left.T
            return 2 * xp.sum(block * block * block)

        total = summed((self.z.shape[0], max(self.z.shape[1], len(heavy))), cubes)
        square = left @ rows.T
        # Entries of two heavy rows were counted twice in both halves; their diagonal is none of them.
        own = xp.linalg.diagonal(square)
        return total - xp.sum(square * square * square) - xp.sum(own * own * own)

    def _light_cubes(self, light: Bool[np.ndarray, " n"]) -> Float[Array, ""]:
        """The same of the entries between light rows, from a sample of these. O(n r), in single precision."""
        xp = array_namespace(self.s)
        where = np.flatnonzero(light)
        kept = np.random.default_rng(0).choice(where, min(SAMPLE, len(where)), replace=False)
        rows = self._at(np.sort(kept))
        left = xp.astype(self._left(rows), xp.float32)

        def cubes(i: int, j: int) -> Float[Array, ""]:
            block = xp.astype(self.z[i:j, :], xp.float32)
            if not light[i:j].all():
                block = gather(block, np.flatnonzero(light[i:j]), 0)
            block = block @ left.T
            return xp.sum(xp.astype(xp.vecdot(block * block, block), xp.float64))

        total = summed((self.z.shape[0], max(self.z.shape[1], BLOCK // 256)), cubes)
        own = xp.sum(self._left(rows) * rows, axis=1)
        return (total - xp.sum(own * own * own)) * (len(where) / len(kept))

    def sums(self) -> tuple[Float[Array, ""], ...]:
        r"""What `OrbitSums` holds, in its order.

        With B = Z S Z', A = B - diag(c), and :math:`A' = A - \alpha I - \beta 1 1'` of mean zero on and off its
        diagonal. What is asked of A' follows from Z'v of a few vectors v, and from the diagonals of B and B^2.
        """
        xp = array_namespace(self.s)
        n, c = self.z.shape[0], self.c
        ones, on = xp.ones_like(c), self.diagonal - c
        onto = self._onto(xp.stack([ones, c, on], axis=1))
        of_ones, of_c, of_on = (onto[:, place] for place in range(3))
        diagonal = xp.sum(on)
        off = of_ones @ self.s @ of_ones - xp.sum(c) - diagonal
        beta = off / (n * (n - 1))
        alpha = diagonal / n - beta
        # Z'd and Z'r of d and r below, without a pass over the rows for each.
        of_sums = self.gram @ (self.s @ of_ones) - of_c
        of_d, of_r = of_on - diagonal / n * of_ones, of_sums - (n * beta + alpha) * of_ones
        onto = self.s @ xp.stack([of_ones, of_d, of_r], axis=1)
        rows = self._collected(lambda block: block @ onto)
        sums, times_d, times_r = rows[:, 0] - c, rows[:, 1], rows[:, 2]
        d, r = on - diagonal / n, sums - n * beta - alpha
        squares = self.squares
        q = squares - 2 * c * self.diagonal + c * c
        q = q - 2 * alpha * on - 2 * beta * sums + alpha**2 + 2 * alpha * beta + n * beta**2
        ad = times_d - (c + alpha) * d - beta * xp.sum(d)
        ar = times_r - (c + alpha) * r - beta * xp.sum(r)
        shifted = self.shifted(diagonal / n, beta)
        cubes = shifted.cubes() + xp.sum(d * d * d)
        # B less beta 1 1', and what is then taken from its diagonal.
        whole, less = shifted.diagonal, shifted.c
        whole_squares = squares - 2 * beta * rows[:, 0] + n * beta**2
        spread = shifted.s @ _bordered(self.gram, of_ones, xp.ones_like(beta) * n)
        triangles = xp.sum((spread @ spread) * spread.T)
        triangles = triangles - xp.sum(less * (3 * whole_squares - less * (3 * whole - less)))
        return (
            diagonal, off, xp.sum(d * d), xp.sum(d * r), xp.sum(q), xp.sum(r * r),
            xp.sum(d * d * d), xp.sum(d * d * r), xp.sum(d * ad), xp.sum(d * q), cubes, xp.sum(d * r * r),
            xp.sum(d * ar), xp.sum(q * r), triangles, xp.sum(r * r * r), xp.sum(r * ar), xp.sum(q * q),
        )  # fmt: skip

    def _onto(self, vectors: Float[Array, "n k"]) -> Float[Array, "r k"]:
        """Z'v of some vectors."""
        return summed(self.z.shape, lambda i, j: self.z[i:j, :].T @ vectors[i:j, :])


def _bordered(inner: Float[Array, "r r"], side: Float[Array, " r"], corner: Float[Array, ""]) -> Float[Array, "k k"]:
    """A symmetric matrix with one row and column more."""
    xp = array_namespace(inner)
    last = xp.concat([side, xp.reshape(corner, (1,))])
    return xp.concat([xp.concat([inner, side[:, None]], axis=1), last[None, :]], axis=0)


def linear_kernel(
    rows: Any,
    squares: Float[Array, " n"],
    gram: Float[Array, "k k"],
    debiased: bool,
    bordered: Callable[..., Any],
) -> Thin:
    """The kernel of centred rows, doubly centred as it is, or centred without its diagonal.

    Without it, U_ij = k_ij + (k_ii + k_jj) / (n - 2) - tr K / ((n - 1) (n - 2)), since rows of K sum to zero.

    Parameters
    ----------
    rows : array or the like, shape (n, d)
        The rows, or what reads some of them at a time.
    squares : array, shape (n,)
        Their squared lengths.
    gram : array, shape (d + 2, d + 2)
        The inner products of all columns: the features, 1, and the squared lengths.
    debiased : bool
        Whether to centre without the diagonal.
    bordered : callable
        Takes rows and columns, returns rows with these columns after the features.
    """
    xp = array_namespace(squares)
    n, d = rows.shape
    zeros, eye = xp.zeros_like(squares), xp.eye(d, dtype=xp.float64, device=squares.device)
    if not debiased:
        return Thin(rows, eye, zeros, {"gram": gram[:d, :d], "whole": squares})
    trace = xp.sum(squares)
    # The columns 1 and k of Z, and what S makes of the two.
    z = bordered(rows, xp.ones_like(squares), squares)
    s = xp.zeros((d + 2, d + 2), dtype=xp.float64, device=squares.device)
    s[:d, :d] = eye
    s[d, d + 1] = s[d + 1, d] = 1 / (n - 2)
    s[d, d] = -float(trace) / ((n - 1) * (n - 2))
    own = squares * (1 + 2 / (n - 2)) - trace / ((n - 1) * (n - 2))
    return Thin(z, s, own, {"gram": gram, "whole": own})
