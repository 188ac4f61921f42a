"""Matrices of pairs of items that are never formed: few features say all of them.

A linear kernel of n items with d features is A = Z S Z' - diag(c) with d + 2 columns of Z, centred with its diagonal or
without. Inner products of two, and sums of products of the entries of one, are then products of d x d matrices.
"""

from dataclasses import dataclass
from functools import cached_property

from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array

BLOCK = 2**20
"""Values of A that are held at a time, where a sum needs each of them."""

MANY = 4096
"""From so many items on, cubes of A's entries are summed in single precision, heavy rows apart. They are the only term
of n x n, a thousandth of the third moment, and errors of a ten-millionth of n^2 entries cancel."""

HEAVY = 16.0
"""Rows of this many times the mean square length keep double precision for their cubes."""


@dataclass(frozen=True)
class Thin:
    """A = Z S Z' - diag(c), symmetric.

    Parameters
    ----------
    z : array, shape (n, r)
        The factor.
    s : array, shape (r, r)
        Symmetric.
    c : array, shape (n,)
        What is taken from the diagonal.
    """

    z: Float[Array, "n r"]
    s: Float[Array, "r r"]
    c: Float[Array, " n"]

    @cached_property
    def left(self) -> Float[Array, "n r"]:
        """Z S."""
        return self.z @ self.s

    @cached_property
    def diagonal(self) -> Float[Array, " n"]:
        """The diagonal of Z S Z'."""
        return array_namespace(self.z).sum(self.left * self.z, axis=1)

    def products(self, other: "Thin") -> Float[Array, " n"]:
        """Row sums of the elementwise product of two. O(n r q)."""
        xp = array_namespace(self.z, other.z)
        found = xp.sum((self.z @ (self.s @ (self.z.T @ other.z) @ other.s)) * other.z, axis=1)
        for one, two in ((self, other), (other, self)):
            found = found - one.c * two.diagonal if xp.any(one.c != 0) else found
        return found + self.c * other.c

    def inner(self, other: "Thin") -> Float[Array, ""]:
        """The sum of `products`, O(n r q), with half of the work."""
        xp = array_namespace(self.z, other.z)
        cross = self.z.T @ other.z
        found = xp.sum((self.s @ cross @ other.s) * cross) + xp.sum(self.c * other.c)
        for one, two in ((self, other), (other, self)):
            found = found - xp.sum(one.c * two.diagonal) if xp.any(one.c != 0) else found
        return found

    def times(self, vector: Float[Array, " n"]) -> Float[Array, " n"]:
        """A v."""
        return self.z @ (self.s @ (self.z.T @ vector)) - self.c * vector

    def shifted(self, diagonal: Float[Array, ""], off: Float[Array, ""]) -> "Thin":
        """A without ``diagonal`` on the diagonal and ``off`` elsewhere."""
        xp = array_namespace(self.z)
        r = self.s.shape[0]
        ones = xp.ones((self.z.shape[0], 1), dtype=xp.float64, device=self.z.device)
        border = xp.zeros((r, 1), dtype=xp.float64, device=self.z.device)
        corner = xp.reshape(-off, (1, 1))
        s = xp.concat([xp.concat([self.s, border], axis=1), xp.concat([border.T, corner], axis=1)], axis=0)
        return Thin(xp.concat([self.z, ones], axis=1), s, self.c + diagonal - off)

    def cubes(self) -> Float[Array, ""]:
        """The sum of the cubes of all entries off the diagonal. O(n^2 r), in blocks of rows."""
        xp = array_namespace(self.z)
        n = self.z.shape[0]
        left, right = self.left, self.z
        total = xp.zeros((), dtype=xp.float64, device=self.z.device)
        heavy = 0
        if n >= MANY:
            squares = xp.abs(self.diagonal)
            order = xp.argsort(squares, descending=True)
            heavy = int(xp.sum(xp.astype(squares > HEAVY * xp.mean(squares), xp.int64)))
            if heavy:
                left, right = xp.take(left, order, axis=0), xp.take(right, order, axis=0)
        single = [xp.astype(m, xp.float32) for m in (left, right)] if n >= MANY else [left, right]
        step = max(1, BLOCK // n)
        first = 0
        while first < n:
            last = min(n, heavy if first < heavy else n, first + step)
            a, b = (left, right) if first < heavy else single
            block = a[first:last, :] @ b[first:, :].T
            # Entries right of the square on the diagonal stand for those below it; the square has both halves.
            square = block[:, : last - first]
            twice, once = (xp.astype(xp.vecdot(m * m, m), xp.float64) for m in (block, square))
            own = xp.astype(xp.linalg.diagonal(square), xp.float64) ** 3
            total = total + xp.sum(2 * twice - once - own)
            first = last
        return total

    def sums(self) -> tuple[Float[Array, ""], ...]:
        """What `OrbitSums` holds, in its order."""
        xp = array_namespace(self.z)
        n = self.z.shape[0]
        diagonal = xp.sum(self.diagonal - self.c)
        off = xp.sum(self.times(xp.ones_like(self.c))) - diagonal
        a = self.shifted(diagonal / n, off / (n * (n - 1)))
        whole, c = a.diagonal, a.c
        gram = a.z.T @ a.z
        spread = a.s @ gram
        squares = xp.sum((a.z @ (spread @ a.s)) * a.z, axis=1)  # the diagonal of (Z S Z')^2
        d, r = whole - c, a.times(xp.ones_like(c))
        q = squares - 2 * c * whole + c * c
        ar = a.times(r)
        cubes = a.cubes() + xp.sum(d * d * d)
        triangles = (
            xp.sum((spread @ spread) * spread.T)
            - 3 * xp.sum(c * squares)
            + 3 * xp.sum(c * c * whole)
            - xp.sum(c * c * c)
        )
        return (
            diagonal, off, xp.sum(d * d), xp.sum(d * r), xp.sum(q), xp.sum(r * r),
            xp.sum(d * d * d), xp.sum(d * d * r), xp.sum(d * a.times(d)), xp.sum(d * q), cubes, xp.sum(d * r * r),
            xp.sum(d * ar), xp.sum(q * r), triangles, xp.sum(r * r * r), xp.sum(r * ar), xp.sum(q * q),
        )  # fmt: skip


def linear_kernel(rows: Float[Array, "n d"], debiased: bool) -> Thin:
    """The kernel of centred rows, doubly centred as it is, or centred without its diagonal.

    Without it, U_ij = k_ij + (k_ii + k_jj) / (n - 2) - tr K / ((n - 1) (n - 2)), since rows of K sum to zero.
    """
    xp = array_namespace(rows)
    n, d = rows.shape
    squares = xp.sum(rows * rows, axis=1)
    zeros, eye = xp.zeros_like(squares), xp.eye(d, dtype=xp.float64, device=rows.device)
    if not debiased:
        return Thin(rows, eye, zeros)
    trace = xp.sum(squares)
    # The columns 1 and k of Z, and what S makes of the two.
    z = xp.concat([rows, xp.ones_like(squares)[:, None], squares[:, None]], axis=1)
    s = xp.zeros((d + 2, d + 2), dtype=xp.float64, device=rows.device)
    s[:d, :d] = eye
    s[d, d + 1] = s[d + 1, d] = 1 / (n - 2)
    s[d, d] = -float(trace) / ((n - 1) * (n - 2))
    return Thin(z, s, squares * (1 + 2 / (n - 2)) - trace / ((n - 1) * (n - 2)))
