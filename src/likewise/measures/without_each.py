"""Scores without each item in turn, all from what is known of the whole: no score is computed n times.

Each function here makes one that takes both sides and returns n scores, or None where its way loses digits or does not
hold for these data. Intervals then come from groups of inputs that are left out. Scores of neighbours are not quite
those without each item: `counted_once`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from likewise.arrays import Array, array_namespace, to_numpy
from likewise.measures.facts import Difference
from likewise.quantities import (
    ComponentProducts,
    PerItem,
    PerPair,
    Prepared,
    PrincipalComponents,
    RowProducts,
    SingularValues,
    collected,
)

WithoutEach: TypeAlias = Callable[[Prepared, Prepared], Float[np.ndarray, " n"] | None]
"""Takes both sides, returns the score without each item; None where that cannot be told from the whole."""

Rivals: TypeAlias = Callable[[Prepared, Prepared], list[float]]
"""Takes both sides, returns the scores under choices that other samples may make; none where there is no doubt."""

LEAST = 1e-6
"""Where one item holds all but this share of a norm, what is left without it keeps fewer than ten digits."""


def _left(t: Float[Array, " n"], k: Float[Array, " n"], m: Float[Array, " n"], debiased: bool) -> Float[Array, " n"]:
    """The inner product of two centred matrices without each item, up to a factor.

    From the row sums t of A * B, and the diagonals k, m of A and B, which without an item are centred anew.
    """
    n, whole = t.shape[0], array_namespace(t).sum(t)
    if debiased:
        return whole - 2 * (n - 2) / (n - 3) * t
    r = n / (n - 1)
    return whole - 2 * r * t + r * r * k * m


def of_rows(scores: Callable[[Prepared, Prepared], Float[Array, " n"]]) -> WithoutEach:
    """The mean of scores of the items, each of which feels no other item: exact, O(n)."""

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        rows = to_numpy(scores(x, y))
        return (rows.sum() - rows) / (x.n - 1) if x.n > 1 else None

    return found


def of_difference(difference: Difference, each: PerItem) -> WithoutEach:
    """The difference of two numbers, with the sign that it has of the whole where that is above 0: exact.

    ``each`` is the number of a side without each item.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        if x.n < 2:
            return None
        apart = to_numpy(x[each]) - to_numpy(y[each])
        return np.asarray(-apart if float(difference.signed(x, y)[0]) < 0 else apart)

    return found


@dataclass(frozen=True)
class OwnProduct(PerItem):
    """<A, A> without each item, and its share of the whole."""

    quantity: PerPair
    debiased: bool

    def compute(self, of: Prepared) -> Float[Array, "n 2"]:
        """Return both as columns."""
        t, k = self.quantity.products(of, of), self.quantity.diagonal(of)
        xp = array_namespace(t)
        left = _left(t, k, k, self.debiased)
        return xp.stack([left, left / xp.sum(t)], axis=1)

    def nbytes(self, n: int, d: int) -> int:
        """Return 16 n."""
        return 16 * n


def of_centred(quantity: PerPair, *, debiased: bool, root: bool = False) -> WithoutEach:
    r"""The cosine of two matrices centred by rows and columns, or its ``root``: exact.

    With t the row sums of A * B, and r = n / (n - 1),

    .. math:: \langle A, B \rangle_{-i} = \sum_j t_j - 2 r t_i + r^2 A_{ii} B_{ii}

    and where ``debiased``, up to a factor that cancels, :math:`\sum_j t_j - 2 \frac{n-2}{n-3} t_i`. O(n^2), or
    O(n d e) for linear kernels of few features.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        own_x, own_y = (to_numpy(of[OwnProduct(quantity, debiased)]) for of in (x, y))
        if min(own_x[:, 1].min(), own_y[:, 1].min()) <= LEAST:
            return None
        t, k, m = x.joint(y, RowProducts(quantity)), quantity.diagonal(x), quantity.diagonal(y)
        inner = to_numpy(_left(t, k, m, debiased))
        scores = inner / np.sqrt(own_x[:, 0] * own_y[:, 0])
        return np.asarray(np.sqrt(np.maximum(scores, 0.0)) if root else scores)

    return found


def of_regression(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
    r"""The share of the variance of X that linear regression on Y explains, in sample: exact.

    With residual rows e_i, leverages h_i (the mean's 1 / n among them), and lengths of the centred rows,

    .. math:: 1 - \frac{SSE - |e_i|^2 / (1 - h_i)}{SST - |x_i|^2 n / (n - 1)}

    None where Y's rows without one would be linearly independent, or one item alone holds a direction of Y.
    """
    n = x.n
    t = y[SingularValues(center=True)]
    if t.shape[0] >= n - 2:
        return None
    products = to_numpy(x.joint(y, ComponentProducts(center=True)))
    of, turn = PrincipalComponents(center=True), (products / to_numpy(t)).T

    # X up to a rotation: its components, whose products with the directions of Y are known.
    def some(i: int, j: int) -> tuple[Float[np.ndarray, " m"], ...]:
        a, u = to_numpy(x.some(of, i, j)), to_numpy(y.some(of, i, j) / t)
        residual = a - u @ turn
        return (residual**2).sum(axis=1), (a**2).sum(axis=1), (u**2).sum(axis=1)

    width = max(side.d if side.is_many else side.size for side in (x, y))
    residual, own, held = collected((n, width), some, least=1 if x.is_many or y.is_many else n)
    alone = 1 - held - 1 / n
    whole = own.sum() - own * n / (n - 1)
    if min(alone.min(), whole.min() / own.sum()) <= LEAST:
        return None
    return np.asarray(1 - (residual.sum() - residual / alone) / whole)
