"""The rotation of one representation onto another, and the rows after it."""

from dataclasses import dataclass
from math import inf

from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array
from likewise.quantities.factors import Factor, Norm, Scale, in_passes
from likewise.quantities.gram import Gram
from likewise.quantities.passes import Lengths
from likewise.quantities.prepared import JointQuantity, Prepared
from likewise.quantities.rank import numerical_rank, reach, rounding_of

LOST = 1e-10
"""Share of a score that squares may lose; more, and the decomposition is done without them."""


@dataclass(frozen=True)
class CrossProduct(JointQuantity):
    """L_x' L_y, factors centred or not. O(n d e), in passes where there are many rows."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        """Return the matrix."""
        return sum((a.T @ b for _, _, a, b in in_passes(x, y, self.center)), start=0.0)


@dataclass(frozen=True)
class CrossDecomposition(JointQuantity):
    """U, s, V' of L_x' L_y = U diag(s) V', factors centred or not: Q = U V' is the best rotation of x onto y."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
        """Return the thin singular value decomposition."""
        cross = x.joint(y, CrossProduct(self.center))
        u, s, vh = array_namespace(cross).linalg.svd(cross, full_matrices=False)
        return u, s, vh


@dataclass(frozen=True)
class NuclearNorm(JointQuantity):
    """|X'Y|_*, the sum of the singular values of X'Y, centred or not.

    Of many rows from X'Y alone, elsewhere from the `AlignedProducts`, which other measures of the pair share.
    """

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, ""]:
        """Return the norm; undefined where nothing of a side has a direction."""
        if x.is_many and y.is_many:
            for of in (x, y):
                of[Norm(self.center)]
            cross = x.joint(y, CrossProduct(self.center))
            return array_namespace(cross).sum(array_namespace(cross).linalg.svdvals(cross))
        products = x.joint(y, AlignedProducts(self.center))
        return array_namespace(products).sum(products)


@dataclass(frozen=True)
class AlignedProducts(JointQuantity):
    """<x_i Q, y_i>, each row with its own after the best rotation, centred or not: they sum to |X'Y|_*.

    Directions that the sides do not share, which leave Q open, count nothing. One computation of at most n x n serves
    every measure that aligns two representations.
    """

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, "{x.n}"]:
        """Return the inner products. O(min(n, d)^3): half the time of a singular value decomposition, or that too.

        Undefined where nothing of a side has a direction.
        """
        if x.is_many or y.is_many:
            return self._by_decomposition(x, y)
        if x[Factor(self.center)].shape[1] < y[Factor(self.center)].shape[1]:
            x, y = y, x
        products, lost = self._by_squares(x, y)
        return products if lost <= LOST else self._by_decomposition(x, y)

    def _by_squares(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "{x.n}"], float]:
        r"""The products from V of M'M = V S^2 V', M = L_x'L_y, and a bound of the share of the scores that is lost.

        Of sides of unit length, for M'M holds fourth powers; their lengths are put back at the end. With Z = L_y V:
        <x_i Q, y_i> = sum_j h_ij / s_j, h = Z * (L_x L_x' Z), and s_j^2 = sum_i h_ij, which is nearer to the truth than
        the eigenvalue. Squares lose eps (s_1 / s_j)^2 of the direction j.
        """
        size = x[Norm(self.center)] * y[Norm(self.center)]
        a, b = (of[Factor(self.center)] / of[Norm(self.center)] for of in (x, y))
        xp = array_namespace(a, b)
        m = a.T @ b
        _, v = xp.linalg.eigh(m.T @ m)
        z = b @ v
        h = z * (x[Gram(self.center)] / x[Norm(self.center)] ** 2 @ z if a.shape[1] >= x.n else a @ (m @ v))
        squares = xp.sum(h, axis=0)
        largest = xp.max(squares)
        eps = xp.finfo(xp.float64).eps
        least = rounding_of(xp.sqrt(xp.reshape(largest, (1,))), max(x.size, y.size), self._scale(x, y))
        shared = squares > least**2
        s = xp.sqrt(xp.where(shared, squares, xp.ones_like(squares)))
        inverse = xp.where(shared, 1 / s, xp.zeros_like(s))
        lost = xp.minimum(eps * largest * inverse**2, xp.ones_like(s))
        if not xp.any(shared):
            return h @ inverse * size, inf
        # Of the sum of the products, and of the mean of the cosines; errors of directions have any sign.
        lengths = xp.linalg.vector_norm(a, axis=1) * xp.linalg.vector_norm(b, axis=1)
        weights = xp.where(lengths > 0, 1 / xp.where(lengths > 0, lengths, xp.ones_like(lengths)), lengths) / x.n
        shares = squares * inverse / xp.sum(squares * inverse), weights @ xp.abs(h) * inverse
        return h @ inverse * size, max(float(xp.linalg.vector_norm(share * lost)) for share in shares)

    def _by_decomposition(self, x: Prepared, y: Prepared) -> Float[Array, "{x.n}"]:
        u, s, vh = x.joint(y, CrossDecomposition(self.center))
        size = float(x[Norm(self.center)] * y[Norm(self.center)])
        common = numerical_rank(s / size, max(x.size, y.size), self._scale(x, y))
        xp = array_namespace(u)
        u, v = u[:, :common], vh[:common, :].T
        return xp.concat([xp.sum((a @ u) * (b @ v), axis=1) for _, _, a, b in in_passes(x, y, self.center)])

    def _scale(self, x: Prepared, y: Prepared) -> float:
        """What the rounding of L_x'L_y goes by, for sides of unit length."""
        rows = [float(of[Lengths(self.center)][1]) if of.is_many else reach(of[Factor(self.center)]) for of in (x, y)]
        longest, scales = (
            [length / float(of[Norm(self.center)]) for of, length in zip((x, y), lengths, strict=True)]
            for lengths in (rows, [float(of[Scale()]) for of in (x, y)])
        )
        return longest[0] * scales[1] + longest[1] * scales[0]
