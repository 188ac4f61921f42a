"""Inner products of projections without each item: see `without_each`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ceil, log, sqrt
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.polynomial.chebyshev import chebpts1, chebvander

from likewise.arrays import Array, to_numpy
from likewise.measures.without_each import LEAST, WithoutEach
from likewise.quantities import Lengths, Prepared, PrincipalComponents, SingularValues, collected, scaled_products

PerRow: TypeAlias = Float[np.ndarray, " m"]

Score: TypeAlias = Callable[[Prepared, Prepared, PerRow, PerRow, PerRow], PerRow | None]
"""Takes both sides and <A, A>, <B, B>, <A, B> without each item; returns scores, None where they lose digits."""


DIGITS = 1e-16
"""Share of a projection that interpolation may lose."""

SPARE = 0.05
"""Directions, by what the ridge leaves of them, that must be missing to the largest number there can be."""


def of_projections(score: Score, *, center: bool, ridge: float) -> WithoutEach:
    r"""A score of the inner products of two `Projection`, A and B, without each item: exact.

    :math:`A = X (X'X + \mu I)^{-1} X'`, where mu is the ``ridge`` times the squared norm of the other items. With
    X = U S V', u a row of U, :math:`g_j = s_j^2 / (s_j^2 + \mu)`, r = n / (n - 1) (1 if not centred), and

    .. math:: a = \sum_j g_j u_j^2, \quad f = r / (1 - r a),

    the inverse without the item is that with it, and f times a matrix of rank one (Sherman and Morrison). So with h, v,
    b, k for the other side, C the products of both U, :math:`w = C'(g \cdot u)`, :math:`z = C (h \cdot v)` and
    :math:`c = \sum_j w_j h_j v_j`,

    .. math:: \langle A, B \rangle_{-i} = \sum_{jl} g_j C_{jl}^2 h_l + f \sum_l w_l^2 h_l + k \sum_j z_j^2 g_j
        + f k c^2 + \frac{r^2 a b - 2 r c}{(1 - r a) (1 - r b)}

    O(n d e). The first term goes by the squared norm of the others alone; of many rows it is interpolated. None where
    one item alone holds a direction or nearly all of a norm, and where the others are linearly independent and the
    ridge leaves nearly all of each direction.

    References
    ----------
    Sherman and Morrison (1950), doi:10.1214/aoms/1177729893.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        r = x.n / (x.n - 1) if center else 1.0
        components = PrincipalComponents(center)
        s, t = (side[SingularValues(center)] for side in (x, y))
        if max(_directions(of, ridge) for of in (s, t)) > x.n - 1 - center - SPARE:
            return None  # the others are linearly independent: the score would be the same whatever the data
        common = to_numpy(scaled_products(x, y, center, (s, t)))
        squares, s, t = common**2, to_numpy(s), to_numpy(t)
        of_x, of_y = (_Between.of(side, lengths, r, ridge, center) for side, lengths in ((x, s), (y, t)))
        inner = of_x.g @ squares @ of_y.g.T if of_x and of_y else None

        def some(i: int, j: int) -> tuple[PerRow, ...]:
            one, other = (
                _Shrunk.of(to_numpy(side.some(components, i, j)), lengths, r, ridge)
                for side, lengths in ((x, s), (y, t))
            )
            if of_x and of_y:
                whole = ((of_x(one.left) @ inner) * of_y(other.left)).sum(axis=1)
            else:
                whole = ((one.g @ squares) * other.g).sum(axis=1) if ridge else np.full(len(one.u), squares.sum())
            both = _inner(one, other, one.gu @ common, other.gu @ common.T, whole)
            least = np.minimum(np.minimum(one.left, one.alone), np.minimum(other.left, other.alone))
            own = (_inner(of, of, of.gu, of.gu, (of.g**2).sum(axis=1)) for of in (one, other))
            return least, *own, both

        width = 4 * max(side.d if side.is_many else side.size for side in (x, y))
        least, *inner = collected((x.n, width), some, least=1 if x.is_many or y.is_many else x.n)
        return None if least.min() <= LEAST else score(x, y, *inner)

    return found


@dataclass(frozen=True)
class _Between:
    r"""What interpolates g of `of_projections`, which knows an item by the share of the squared norm left without it.

    Its poles lie below 0. Where all shares are from a to 1, a polynomial through k of them, the zeros of one of
    Chebyshev's, loses about :math:`\rho^{-k}`, :math:`\rho = (1 + \sqrt a)^2 / (1 - a)`.

    References
    ----------
    Trefethen (2013), Approximation Theory and Approximation Practice, chapter 8.
    """

    least: float
    g: Float[np.ndarray, "p k"]
    """At each of these shares."""

    @classmethod
    def of(cls, side: Prepared, s: Float[np.ndarray, " k"], r: float, ridge: float, center: bool) -> "_Between | None":
        """From the singular values of all; None where the rows are few, or so many shares would take longer."""
        if not (ridge and side.is_many):
            return None
        squares = s**2 / (s**2).sum()
        least = 1 - 1.001 * r * float(side[Lengths(center)][1]) ** 2 / float((s**2).sum())  # more than rounding
        if least <= 0:
            return None
        count = ceil(-log(DIGITS) / log((1 + sqrt(least)) ** 2 / (1 - least)))
        if 2 * count > len(s):
            return None
        shares = (1 + least) / 2 + (1 - least) / 2 * chebpts1(count)
        return cls(least, squares / (squares + ridge * shares[:, None]))

    def __call__(self, left: PerRow) -> Float[np.ndarray, "m p"]:
        """What each of the shares counts for others."""
        count = len(self.g)
        at = (2 * left - 1 - self.least) / (1 - self.least)
        return np.asarray(np.linalg.solve(chebvander(chebpts1(count), count - 1).T, chebvander(at, count - 1).T).T)


def _directions(s: Array, ridge: float) -> float:
    """The trace of a projection: the number of directions, each by what the ridge leaves of it."""
    squares = to_numpy(s) ** 2
    return float((squares / (squares + ridge * squares.sum())).sum())


@dataclass(frozen=True)
class _Shrunk:
    """Some rows of one side in the terms of `of_projections`."""

    u: Float[np.ndarray, "m k"]
    g: Float[np.ndarray, "m k"]
    left: PerRow
    """The share of the squared norm that is left without each."""
    r: float

    @classmethod
    def of(cls, components: Float[np.ndarray, "m k"], s: Float[np.ndarray, " k"], r: float, ridge: float) -> "_Shrunk":
        """From principal components, and the singular values of all."""
        squares = s**2
        left = squares.sum() - r * (components**2).sum(axis=1)
        g = squares / (squares + ridge * left[:, None]) if ridge else np.ones_like(components)
        return cls(components / s, g, left / squares.sum(), r)

    @cached_property
    def gu(self) -> Float[np.ndarray, "m k"]:
        """What of each row the ridge leaves."""
        return np.asarray(self.g * self.u)

    @cached_property
    def a(self) -> PerRow:
        """The leverages."""
        return np.asarray((self.gu * self.u).sum(axis=1))

    @cached_property
    def alone(self) -> PerRow:
        """What others hold of the direction of each."""
        return np.asarray(1 - self.r * self.a)


def _inner(
    one: _Shrunk, other: _Shrunk, w: Float[np.ndarray, "m j"], z: Float[np.ndarray, "m k"], whole: PerRow
) -> PerRow:
    """The formula of `of_projections`; ``whole`` is its first term."""
    r, c = one.r, (w * other.gu).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # no others hold it: not used
        f, k = r / one.alone, r / other.alone
        moved = f * (w**2 * other.g).sum(axis=1) + k * (z**2 * one.g).sum(axis=1) + f * k * c**2
        return np.asarray(whole + moved + (r**2 * one.a * other.a - 2 * r * c) / (one.alone * other.alone))
