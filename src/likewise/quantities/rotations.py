"""The rotation of one representation onto another, and the rows after it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, exp, inf, log, pi

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, gather, to_numpy
from likewise.errors import UndefinedError
from likewise.quantities.axes import LeftOutRows, LeftOutSums, all_of, follow, remaining
from likewise.quantities.decompositions import LOST, decomposition_of, of_lengths, values_of
from likewise.quantities.factors import BothRows, Factor, Norm, RowNorms, Scale
from likewise.quantities.gram import Gram
from likewise.quantities.passes import Lengths, rows_in
from likewise.quantities.prepared import JointQuantity, Prepared
from likewise.quantities.rank import ORTHOGONAL, reach, rounding_of
from likewise.quantities.rounds import SummedProduct

SQUARED = 3e-5
"""Share of the largest singular value above which squares keep digits enough to add a product of two vectors."""

FAR = 1e3
"""Squared length of the means beside that of the centred rows, up to which the two are put together."""

DEEP = 1e-8
"""Share of the largest singular value of X'Y below which directions have fewer than eight digits: where rows lie in
them, they are found again from what is left of the rows beyond the others."""

NOTHING = 1e-12
"""Share of the squares of the rows that is left where no direction is open."""


def nodes(
    least: float, most: float, *, step: float = 0.3, beyond: float = 12.0
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Where integrals over t from 0 to infinity are taken, in steps of log t, and what each value counts there.

    The integrand changes around singular values from ``least`` to ``most``. The first value stands for what is below,
    where the integrand is constant, and the last for what is beyond, where it falls as 1 / t^2.

    Examples
    --------
    >>> at, weight = nodes(0.5, 2.0)
    >>> round(float(weight @ (0.7 / (0.7**2 + at**2))), 9) == round(pi / 2, 9)
    True
    """
    first, last = log(least) - beyond, log(most) + beyond
    at, taken = np.linspace(first, last, 1 + ceil((last - first) / step), retstep=True)
    weight = np.full(len(at), taken)
    weight[[0, -1]] = taken / (1 - exp(-taken))
    return np.exp(at), np.exp(at) * weight


@dataclass(frozen=True)
class CrossProduct(SummedProduct):
    """L_x' L_y, factors centred or not. O(n d e), in passes where there are many rows."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        """Return the matrix."""
        if (found := self.known(x, y)) is not None:
            return found
        if follow(self.center, x, y):
            whole, other = all_of(x, self.center), all_of(y, self.center)
            a, b = (of[LeftOutSums(self.center)] for of in (x, y))
            return remaining(whole.joint(other, self), self._left_out(x, y), a, b, x.n, self.center)
        both, groups = BothRows(x, y, self.center), x.groups if x.groups is y.groups else None
        return both.summed(lambda i, j, a, b: a.T @ b, groups.keep((self, x, y)) if groups else None)

    def _left_out(self, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        """The product of the rows that are left out of many."""
        assert x.left_out is not None
        assert y.left_out is not None
        (whole, out), (other, _) = x.left_out, y.left_out
        groups = whole.groups if whole.groups is other.groups else None
        if groups and (known := groups.of((self, whole, other), out)):
            (product,), beside = known
        elif groups and (known := groups.of((self, other, whole), out)):
            product, beside = known[0][0].T, known[1]
        else:
            a, b = (of[LeftOutRows(self.center)] for of in (x, y))
            return a.T @ b
        a, b = (rows_in(of, beside, None, self.center) for of in (whole, other))
        return product + a.T @ b

    def rows(self, of: Prepared, items: Int[Array, " m"]) -> Float[Array, "m r"]:
        """Return rows of L."""
        return rows_in(of, items, None, self.center)


@dataclass(frozen=True)
class UnitProduct(SummedProduct):
    """The product of many rows, centred or not, each divided by its length."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        """Return the matrix."""
        if (found := self.known(x, y)) is not None:
            return found
        lengths = x[RowNorms(self.center)] * y[RowNorms(self.center)]
        return BothRows(x, y, self.center).summed(lambda i, j, a, b: (a / lengths[i:j, None]).T @ b)

    def rows(self, of: Prepared, items: Int[Array, " m"]) -> Float[Array, "m r"]:
        """Return rows of unit length."""
        return rows_in(of, items, None, self.center) / gather(of[RowNorms(self.center)], items, 0)[:, None]


@dataclass(frozen=True)
class CrossDecomposition(JointQuantity):
    """U, s, V' of L_x' L_y = U diag(s) V', factors centred or not: Q = U V' is the best rotation of x onto y."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
        """Return the thin singular value decomposition."""
        cross = x.joint(y, CrossProduct(self.center))
        return decomposition_of(cross, x, y, errors=of_lengths)


@dataclass(frozen=True)
class SquaredDecomposition(JointQuantity):
    """M = L_x'L_y of sides of unit length, and V of M'M = V S^2 V', from the least to the largest."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "r q"], Float[Array, "q q"]]:
        """Return M and V."""
        a, b = (of[Factor(self.center)] / of[Norm(self.center)] for of in (x, y))
        xp = array_namespace(a, b)
        m = a.T @ b
        return m, xp.linalg.eigh(m.T @ m)[1]


@dataclass(frozen=True)
class TurnedRows(JointQuantity):
    """L_y V and L_x M V, of sides of unit length, with M and V of `SquaredDecomposition`."""

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "n q"], Float[Array, "n q"]]:
        """Return both."""
        a, b = (of[Factor(self.center)] / of[Norm(self.center)] for of in (x, y))
        m, v = x.joint(y, SquaredDecomposition(self.center))
        z = b @ v
        return z, x[Gram(self.center)] / x[Norm(self.center)] ** 2 @ z if a.shape[1] >= x.n else a @ (m @ v)


@dataclass(frozen=True)
class SharedCoordinates(JointQuantity):
    """L_x U and L_y V, of sides of unit length, and s of L_x' L_y = U diag(s) V', from the decomposition of the score.

    For what needs no more than the digits that squares keep, and for rows that are not many. M V is U diag(s) but for
    rounding; where directions that squares know hold less than all of L_x, U is completed.
    """

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "n k"], Float[Array, " m"], Float[Array, "n l"]]:
        """Return the three; s is in no order."""
        a, b = (of[Factor(self.center)] for of in (x, y))
        if a.shape[1] < b.shape[1]:
            f, s, e = y.joint(x, self)
            return e, s, f
        z, w = x.joint(y, TurnedRows(self.center))
        xp = array_namespace(z)
        s = xp.sqrt(xp.clip(xp.sum(z * w, axis=0), 0.0))
        kept = are_shared(x, y, s, self.center) & (s >= SQUARED * xp.max(s))
        e = xp.where(kept, w / xp.where(kept, s, xp.ones_like(s)), xp.zeros_like(w))
        if 1 - xp.sum(e**2) <= NOTHING:
            return e, xp.where(kept, s, xp.zeros_like(s)), z
        m, v = x.joint(y, SquaredDecomposition(self.center))
        lost = np.flatnonzero(~to_numpy(kept))[::-1]
        if m.shape[0] == m.shape[1] and 0 < FEW * len(lost) < m.shape[0]:
            known = np.flatnonzero(to_numpy(kept))
            u_known, s_known = gather(m @ v, known, 1), gather(s, known, 0)
            if (found := _beyond(u_known / s_known, m @ gather(v, lost, 1))) is not None:
                u, r = found
                e = xp.concat([gather(e, known, 1), a @ u / x[Norm(self.center)]], axis=1)
                z = xp.concat([gather(z, known, 1), gather(z, lost, 1) * _signs(r)], axis=1)
                return e, xp.concat([s_known, xp.abs(r)]), z
        v = xp.flip(v, axis=1)
        u, r = xp.linalg.qr(m @ v, mode="complete")
        s = xp.linalg.diagonal(r)
        return a @ u / x[Norm(self.center)], xp.abs(s), b @ (v * _signs(s)) / y[Norm(self.center)]


FEW = 4
"""As many times the directions that squares lose are fewer than all: then these alone are completed."""


def _beyond(
    known: Float[Array, "r k"], columns: Float[Array, "r l"]
) -> tuple[Float[Array, "r l"], Float[Array, " l"]] | None:
    """Orthonormal directions of columns beyond those that are known, and the diagonal of their triangle.

    None where they are not orthogonal to these after a few times, as a column that is nothing may leave them.
    """
    xp = array_namespace(known, columns)
    triangle: Array = None
    for _ in range(AGAIN):
        columns, r = xp.linalg.qr(columns - known @ (known.T @ columns))
        triangle = r if triangle is None else r @ triangle
    if xp.max(xp.abs(known.T @ columns)) > ORTHOGONAL:
        return None
    return columns, xp.linalg.diagonal(triangle)


AGAIN = 3
"""Directions that squares know are orthonormal to seven digits, which is what each time gains."""


def _signs(of: Float[Array, " k"]) -> Float[Array, " k"]:
    """-1 for what is negative, else 1."""
    xp = array_namespace(of)
    return xp.where(of < 0, -xp.ones_like(of), xp.ones_like(of))


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
            return array_namespace(cross).sum(values_of(cross, x, y))
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
        # Of all items the decomposition itself is needed too, for the interval; tables have other coordinates centred.
        drawn = (x.is_part or y.is_part) and not (x.is_table or y.is_table)
        if not self.center and drawn and (found := self._from_centred(x, y)) is not None:
            return found
        products, lost = self._by_squares(x, y)
        return products if lost <= LOST else self._by_decomposition(x, y)

    def _from_centred(self, x: Prepared, y: Prepared) -> Float[Array, "{x.n}"] | None:
        r"""The products of rows that are not centred, from the decomposition of the centred ones: O(n^2) a node.

        X'Y is that of the centred rows and one product more, :math:`\sqrt n m_x` with :math:`\sqrt n m_y` of the means.
        What it changes of the rotation is an integral over t of products of two pairs of vectors: with e and f the
        coordinates of the two in the directions U and V of the centred rows, :math:`p = 1 / (s^2 + t^2)`, q = s p,
        :math:`a = e'pe`, :math:`b = f'pf`, :math:`c = e'qf`, D = (1 + c)^2 + t^2 a b,

        .. math:: Q - Q_c = -\frac{2}{\pi} \int_0^\infty \frac{1}{D} U \big[ pe \, (t^2 b \, qe - t^2 (1 + c) pf)'
            + qf \, ((1 + c) qe + t^2 a \, pf)' \big] V' dt

        None where squares lose digits of the centred rows, or the means are so far off that what is left of a distance
        would be rounding.
        """
        centred = AlignedProducts(center=True)
        try:
            own = x.joint(y, centred)
        except UndefinedError:  # of equal rows nothing is left
            return None
        size_x, size_y = x[Norm(center=True)], y[Norm(center=True)]
        m, v = x.joint(y, SquaredDecomposition(center=True))
        xp = array_namespace(m)
        rows_x, rows_y = x[Factor(center=False)] / size_x, y[Factor(center=False)] / size_y
        mean_x, mean_y = (xp.mean(rows, axis=0) for rows in (rows_x, rows_y))
        turned = m @ v
        s = xp.linalg.vector_norm(turned, axis=0)
        shared = are_shared(x, y, s, center=True)
        if not xp.any(shared) or xp.any(shared & (s < SQUARED * xp.max(s))):
            return None
        inverse = xp.where(shared, 1 / xp.where(shared, s, xp.ones_like(s)), xp.zeros_like(s))
        s = xp.where(shared, s, xp.zeros_like(s))
        root = x.n**0.5
        e, f = root * inverse * (mean_x @ turned), root * (mean_y @ v)
        beyond = root * mean_x - turned @ (inverse * e)
        alone = xp.sum(beyond**2)
        added = x.n * xp.linalg.vector_norm(mean_x) * xp.linalg.vector_norm(mean_y)
        if added > FAR:
            return None
        ends = float(xp.min(s[shared])), float(xp.max(s) + added)
        at, weight = (xp.asarray(w, device=m.device) for w in nodes(*ends))
        p = 1 / (s[:, None] ** 2 + at**2)
        q = s[:, None] * p
        a, b, c = e**2 @ p + alone / at**2, f**2 @ p, (e * f) @ q
        pe, qe, pf, qf = e[:, None] * p, e[:, None] * q, f[:, None] * p, f[:, None] * q
        factor = -2 / pi * weight / ((1 + c) ** 2 + at**2 * a * b)
        first = turned @ (inverse[:, None] * pe) + beyond[:, None] / at**2
        second = turned @ (inverse[:, None] * qf)
        moved = (rows_x @ first) * (rows_y @ (v @ (at**2 * (b * qe - (1 + c) * pf))))
        moved = moved + (rows_x @ second) * (rows_y @ (v @ ((1 + c) * qe + at**2 * a * pf)))
        to_x, to_y = turned @ (inverse * (mean_y @ v)), v @ (inverse * (mean_x @ turned))
        own = own / (size_x * size_y) + rows_x @ to_x + rows_y @ to_y - mean_x @ to_x
        return (own + moved @ factor) * size_x * size_y

    def _by_squares(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "{x.n}"], float]:
        r"""The products from V of M'M = V S^2 V', M = L_x'L_y, and a bound of the share of the scores that is lost.

        Of sides of unit length, for M'M holds fourth powers; their lengths are put back at the end. With the
        `TurnedRows` Z and W = L_x L_x' Z: <x_i Q, y_i> = sum_j h_ij / s_j, h = Z * W, and s_j^2 = sum_i h_ij, which is
        nearer to the truth than the eigenvalue. Squares lose eps (s_1 / s_j)^2 of the direction j.
        """
        size = x[Norm(self.center)] * y[Norm(self.center)]
        a, b = (of[Factor(self.center)] / of[Norm(self.center)] for of in (x, y))
        xp = array_namespace(a, b)
        z, w = x.joint(y, TurnedRows(self.center))
        h = z * w
        squares = xp.sum(h, axis=0)
        largest = xp.max(squares)
        eps = xp.finfo(xp.float64).eps
        shared = are_shared(x, y, xp.sqrt(xp.clip(squares, 0.0)), self.center)
        s = xp.sqrt(xp.where(shared, squares, xp.ones_like(squares)))
        inverse = xp.where(shared, 1 / s, xp.zeros_like(s))
        lost = xp.minimum(eps * largest * inverse**2, xp.ones_like(s))
        if not xp.any(shared):
            return h @ inverse * size, inf
        # Of the sum of the products, and of the mean of the cosines; errors of directions have any sign.
        lengths = xp.linalg.vector_norm(a, axis=1) * xp.linalg.vector_norm(b, axis=1)
        weights = xp.where(lengths > 0, 1 / xp.where(lengths > 0, lengths, xp.ones_like(lengths)), lengths) / x.n
        shares = squares * inverse / xp.sum(squares * inverse), weights @ xp.abs(h) * inverse
        # What both rows of a pair have beyond the directions that are known.
        beyond_a = xp.clip(xp.sum(a**2, axis=1) - xp.sum((w * inverse) ** 2, axis=1), 0.0)
        beyond_b = xp.sum(xp.where(shared, xp.zeros_like(z), z) ** 2, axis=1)
        dropped = float(weights @ xp.sqrt(beyond_a * beyond_b))
        return h @ inverse * size, max(dropped, *(float(xp.linalg.vector_norm(share * lost)) for share in shares))

    def _by_decomposition(self, x: Prepared, y: Prepared) -> Float[Array, "{x.n}"]:
        u, s, vh = x.joint(y, CrossDecomposition(self.center))
        size = float(x[Norm(self.center)] * y[Norm(self.center)])
        xp = array_namespace(u)
        if not (x.is_many or y.is_many) and float(s[-1]) < DEEP * float(s[0]):
            a, b = (of[Factor(self.center)] / of[Norm(self.center)] for of in (x, y))
            if (found := _beyond_known(a, b, u, s, vh)) is not None:
                return found * size
        turn = _rotation(x, y, self.center)
        return BothRows(x, y, self.center).collected(lambda i, j, a, b: xp.linalg.vecdot(a @ turn, b))


@dataclass(frozen=True)
class AlignedCosine(JointQuantity):
    """The mean cosine of many rows after the best rotation Q: <Q, U'V> / n, with U and V the rows of unit length.

    Centred or not; no row of the sides has length 0.
    """

    center: bool

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, ""]:
        """Return the mean."""
        turn = _rotation(x, y, self.center)
        return array_namespace(turn).sum(turn * x.joint(y, UnitProduct(self.center))) / x.n


def _rotation(x: Prepared, y: Prepared, center: bool) -> Float[Array, "r q"]:
    """The best rotation in the directions that the sides share, and nothing in others."""
    u, s, vh = x.joint(y, CrossDecomposition(center))
    size = x[Norm(center)] * y[Norm(center)]
    xp = array_namespace(u)
    common = int(xp.sum(xp.astype(are_shared(x, y, s / size, center), xp.int64)))
    return u[:, :common] @ vh[:common, :]


def _beyond_known(
    a: Float[Array, "n r"],
    b: Float[Array, "n q"],
    u: Float[Array, "r k"],
    s: Float[Array, " k"],
    vh: Float[Array, "k q"],
) -> Float[Array, " n"] | None:
    """<a_i Q, b_i> where a'b = u diag(s) v' loses directions in which rows of both lie; None where none does."""
    xp = array_namespace(a, b)
    known = int(xp.sum(xp.astype(s > DEEP * s[0], xp.int64)))
    size = max(*a.shape, *b.shape)
    shares = []
    for rows, turn in ((a, u[:, :known]), (b, vh[:known, :].T)):
        lengths, left = (xp.linalg.vector_norm(part, axis=1) for part in (rows, _rest_of(rows, turn, size)))
        shares.append(left / xp.where(lengths > 0, lengths, xp.ones_like(lengths)))
    if float(xp.mean(shares[0] * shares[1])) <= LOST:
        return None
    u, vh = completed(lambda work: work(0, len(a), a, b), u, s, vh, size)
    return xp.linalg.vecdot(a @ (u @ vh), b)


def completed(
    summed: Callable[[Callable[[int, int, Array, Array], tuple[Array, Array, Array]]], tuple[Array, Array, Array]],
    u: Float[Array, "r k"],
    s: Float[Array, " k"],
    vh: Float[Array, "k q"],
    size: int,
) -> tuple[Float[Array, "r m"], Float[Array, "m q"]]:
    """U and v' with the directions that a'b = u diag(s) v' loses, so that uv' is the best rotation of a onto b.

    They are found again from the rows less their parts in the directions that are known. A few long rows, or a large
    common offset, decide the rounding of a'b, and have next to nothing there.

    Parameters
    ----------
    summed : callable
        Returns the sum over all rows of what a function makes of some of them, as `BothRows.summed`.
    u, s, vh : arrays
        The decomposition.
    size : int
        The largest number of rows or columns, by which rounding grows.
    """
    xp = array_namespace(u)
    count = int(xp.sum(xp.astype(s > DEEP * s[0], xp.int64)))
    if count == s.shape[0]:
        return u, vh
    u, vh = u[:, :count], vh[:count, :]

    def rests(i: int, j: int, a: Array, b: Array) -> tuple[Array, Array, Array]:
        one, other = _rest_of(a, u, size), _rest_of(b, vh.T, size)
        return one.T @ other, xp.sum(one**2), xp.sum(other**2)

    while min(u.shape[0], vh.shape[1]) > u.shape[1]:
        products, of_a, of_b = summed(rests)
        more_u, s, more_vh = xp.linalg.svd(products, full_matrices=False)
        shared = (s > size * xp.finfo(xp.float64).eps * xp.sqrt(of_a * of_b)) & (s > DEEP * s[0])
        count = int(xp.sum(xp.astype(shared, xp.int64)))
        if not count:  # they share no more
            break
        # What is left of known directions in short ones is little, but long rows would bring it back.
        more_u, more_vh = more_u[:, :count], more_vh[:count, :]
        u = xp.concat([u, more_u - u @ (u.T @ more_u)], axis=1)
        vh = xp.concat([vh, more_vh - (more_vh @ vh.T) @ vh])
    return u, vh


def _rest_of(rows: Float[Array, "m r"], turn: Float[Array, "r k"], size: int) -> Float[Array, "m r"]:
    """What rows have beyond some directions; nothing where that is their rounding."""
    xp = array_namespace(rows)
    rest = rows - (rows @ turn) @ turn.T
    rest = rest - (rest @ turn) @ turn.T
    lengths, left = xp.linalg.vector_norm(rows, axis=1), xp.linalg.vector_norm(rest, axis=1)
    return xp.where((left > size * xp.finfo(xp.float64).eps * lengths)[:, None], rest, xp.zeros_like(rest))


def are_shared(x: Prepared, y: Prepared, s: Float[Array, " r"], center: bool) -> Bool[Array, " r"]:
    """Which singular values of L_x'L_y, of sides of unit length, are more than its rounding."""
    rows = [float(of[Lengths(center)][1]) if of.is_many else reach(of[Factor(center)]) for of in (x, y)]
    longest, scales = (
        [length / float(of[Norm(center)]) for of, length in zip((x, y), lengths, strict=True)]
        for lengths in (rows, [float(of[Scale()]) for of in (x, y)])
    )
    largest = array_namespace(s).reshape(array_namespace(s).max(s), (1,))
    return s > rounding_of(largest, max(x.size, y.size), longest[0] * scales[1] + longest[1] * scales[0])
