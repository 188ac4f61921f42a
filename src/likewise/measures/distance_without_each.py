"""Scores of distances and their ranks without each item: see `without_each`."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from likewise.arrays import Array, from_strict_triangle, inverse, strict_triangle, to_numpy
from likewise.measures.without_each import LEAST, WithoutEach
from likewise.quantities import (
    Gram,
    Norm,
    PerItem,
    PerPair,
    Prepared,
    Quantity,
    UnitDistances,
)

LOCAL = ("euclidean", "sqeuclidean", "cosine", "correlation")
"""Distances that belong to their two items, whatever the others are."""


def of_distances(inner: str, outer: str) -> WithoutEach | None:
    """The correlation of two lists of distances, by Pearson or Spearman, or their cosine; None for other distances."""
    if inner not in LOCAL or outer not in ("spearman", "pearson", "cosine"):
        return None
    quantity = UnitDistances(inner, outer)  # type: ignore[arg-type]  # both were checked
    return (
        (lambda x, y: _of_ranks(x, y, quantity))
        if outer == "spearman"
        else (lambda x, y: _of_values(x, y, quantity, centred=outer == "pearson"))
    )


def _of_values(x: Prepared, y: Prepared, quantity: UnitDistances, *, centred: bool) -> Float[np.ndarray, " n"] | None:
    r"""From the row sums of the matrices and of their products: exact, O(n^2)."""
    a, b = to_numpy(x[quantity]), to_numpy(y[quantity])
    m = (x.n - 1) * (x.n - 2)

    def left(p: Float[np.ndarray, "n n"], q: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
        sums = np.einsum("ij,ij->i", p, q)
        means = 4 * p.sum(axis=1) * q.sum(axis=1) / m if centred else 0.0
        return np.asarray(sums.sum() - 2 * sums - means)

    own_x, own_y = left(a, a), left(b, b)  # of 2, both triangles
    if min(own_x.min(), own_y.min()) <= 2 * LEAST:
        return None
    return np.asarray(left(a, b) / np.sqrt(own_x * own_y))


def of_differences(quantity: PerPair, size: Norm | None) -> WithoutEach:
    r"""The norm of the difference of two lists of distances, each divided by its ``size``: exact, O(n^2).

    With A and B divided by the sizes of all items, which are 1 / x and 1 / y of those without one,

    .. math:: |x A - y B|^2 = x y |A - B|^2 + (x - y)(x |A|^2 - y |B|^2)

    where each norm without an item is that of all less twice a row's. None where nothing is left.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        a, b = (to_numpy(of[quantity]) / (1.0 if size is None else float(of[size])) for of in (x, y))
        between = _left_of_rows(a - b)
        if size is None:
            squared = between
        else:
            left_x, left_y = (_left_of_norm(of, size) for of in (x, y))
            if min(left_x.min(), left_y.min()) <= LEAST:
                return None
            scale_x, scale_y = 1 / np.sqrt(left_x), 1 / np.sqrt(left_y)
            own = scale_x * _left_of_rows(a) - scale_y * _left_of_rows(b)
            squared = scale_x * scale_y * between + (scale_x - scale_y) * own
        least = LEAST * ((a**2).sum() + (b**2).sum())
        return np.sqrt(squared / 2) if squared.min() > least else None

    return found


def of_spectral_norm(quantity: PerPair) -> WithoutEach:
    r"""The largest singular value of the difference of two matrices of distances, without each item: exact, O(n^3).

    With :math:`A - B = U \Lambda U'`, the eigenvalues without row and column i are the zeros of

    .. math:: [(A - B - z I)^{-1}]_{ii} = \sum_k \frac{u_{ik}^2}{\lambda_k - z}

    of which the largest lies between the two largest of all, where the sum grows with z. None where nothing is left.

    References
    ----------
    Golub (1973), doi:10.1137/1015032.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        values, vectors = np.linalg.eigh(to_numpy(x[quantity]) - to_numpy(y[quantity]))
        shares = vectors**2
        largest = _largest_without(values, shares)
        least = -_largest_without(-values[::-1], shares[:, ::-1])
        norms = np.maximum(largest, -least)
        scale = max(float(np.abs(to_numpy(of[quantity])).max()) for of in (x, y))
        return norms if norms.min() > LEAST * scale else None

    return found


def _largest_without(values: Float[np.ndarray, " n"], shares: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """The largest eigenvalue without each row and column, by halves; ``values`` ascend, ``shares`` are u_ik^2."""
    low, high = (np.full(len(values), end) for end in values[-2:])
    for _ in range(np.finfo(np.float64).nmant):
        z = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):  # at an eigenvalue of all
            beyond = (shares / (values - z[:, None])).sum(axis=1) > 0
        low, high = np.where(beyond, low, z), np.where(beyond, z, high)
    return np.asarray((low + high) / 2)


def _left_of_rows(a: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """The sum of squares of a symmetric matrix of zero diagonal without the row and column of each item."""
    rows = np.einsum("ij,ij->i", a, a)
    return np.asarray(rows.sum() - 2 * rows)


def _left_of_norm(of: Prepared, size: Norm) -> Float[np.ndarray, " n"]:
    """The share of the squared norm of the rows that is left without each item."""
    own = to_numpy(of[Gram(size.center)]).diagonal() / float(of[size]) ** 2
    return np.asarray(1 - own * (of.n / (of.n - 1) if size.center else 1.0))


FEW_TIES = 1e-3
"""Share of the distances that may be equal to others, as rounding makes some of many: less than it moves deviations."""


@dataclass(frozen=True)
class DistanceOrder(Quantity):
    """The pairs of items i < j from the nearest to the farthest; empty where more than a few are equally far apart."""

    quantity: UnitDistances

    def compute(self, of: Prepared) -> Int[Array, " m"]:
        """Return the places of the pairs in the strict triangle."""
        ranks = to_numpy(strict_triangle(of[self.quantity]))
        pairs = len(ranks)
        # Twice the rank from 0; ranks of equal distances are their mean, so a half if these are two.
        twice = np.rint(2 * ranks * np.sqrt(pairs * (pairs**2 - 1.0) / 12) + (pairs - 1)).astype(np.int64)
        if twice.min() < 0:  # the length of the ranks is another where many are equal
            return twice[:0]
        equal = np.bincount(twice)
        if (equal[equal > 1] - 1).sum() > FEW_TIES * pairs:
            return twice[:0]
        alike = equal[twice]
        place, tied = (twice - (alike - 1)) // 2, np.flatnonzero(alike > 1)
        # Equal distances keep the order of their pairs.
        tied = tied[np.argsort(place[tied], kind="stable")]
        first = np.searchsorted(place[tied], place[tied])
        place[tied] += np.arange(len(tied)) - first
        return inverse(place)

    def nbytes(self, n: int, d: int) -> int:
        """Return 4 n^2."""
        return 4 * n * n


@dataclass(frozen=True)
class Nearer(PerPair):
    """Row i holds, for each item, how many others are nearer to item i; 0 for item i itself."""

    quantity: UnitDistances

    def compute(self, of: Prepared) -> Int[Array, "n n"]:
        """Return the counts."""
        distances = np.array(to_numpy(of[self.quantity]))
        np.fill_diagonal(distances, np.inf)
        places = inverse(np.argsort(distances, axis=1)).astype(np.int32)
        np.fill_diagonal(places, 0)
        return places

    def nbytes(self, n: int, d: int) -> int:
        """Return 4 n^2."""
        return 4 * n * n


@dataclass(frozen=True)
class RankFalls(PerItem):
    """Of the ranks of distances without each item: old mean, mean fall, and deviation of the falls."""

    quantity: UnitDistances

    def compute(self, of: Prepared) -> Float[Array, "n 3"]:
        """Return the columns."""
        n = of.n
        pairs, left = n * (n - 1) // 2, (n - 1) * (n - 2) / 2
        ranks = _ranks(of, self.quantity)
        mean = -ranks.sum(axis=1) / left
        fall = mean + (pairs - 1) / 2 - (left - 1) / 2  # the new ranks have the mean (left - 1) / 2
        old = ((ranks**2).sum() / 2 - (ranks**2).sum(axis=1)) / left - mean**2
        with_fall = _fallen(ranks, of, self.quantity) / left - mean * fall
        spread = (left**2 - 1) / 12 - old + 2 * with_fall
        return np.stack([mean, fall, np.sqrt(np.maximum(spread, 0.0))], axis=1)

    def nbytes(self, n: int, d: int) -> int:
        """Return 24 n."""
        return 24 * n


def _ranks(of: Prepared, quantity: UnitDistances) -> Float[np.ndarray, "n n"]:
    """The ranks of the distances about their mean, 0 on the diagonal."""
    pairs = of.n * (of.n - 1) / 2
    return np.asarray(to_numpy(of[quantity]) * np.sqrt(pairs * (pairs**2 - 1) / 12))


def _fallen(values: Float[np.ndarray, "n n"], of: Prepared, quantity: UnitDistances) -> Float[np.ndarray, " n"]:
    """Sum of values times falls of the ranks of ``of``, over the pairs without each item."""
    order = of[DistanceOrder(quantity)]
    upper = to_numpy(strict_triangle(values))
    beyond = np.empty(len(order))
    beyond[order] = upper.sum() - np.cumsum(upper[order])  # of the pairs that are farther apart
    return np.asarray(from_strict_triangle(beyond, of.n).sum(axis=1) - (values * of[Nearer(quantity)]).sum(axis=1))


def _of_ranks(x: Prepared, y: Prepared, quantity: UnitDistances) -> Float[np.ndarray, " n"] | None:
    r"""With the ranks taken anew, O(n^2); None where more than a few distances tie.

    Without item l the rank of the pair (j, k) falls by a_jk, the number of distances to l that are smaller, and what
    is summed over pairs becomes :math:`\sum (R - a)(Q - b)`. The parts :math:`\sum Q a` are sums of Q over all pairs
    that are farther apart than a pair with l, from one sort. Mean and variance of a follow from those of the new
    ranks, which are known. Only the covariance of a and b, a share of about 4 / n^2, is taken to be what it is where
    their correlation is the score.
    """
    if not len(x[DistanceOrder(quantity)]) or not len(y[DistanceOrder(quantity)]):
        return None
    left = (x.n - 1) * (x.n - 2) / 2
    r, q = _ranks(x, quantity), _ranks(y, quantity)
    (mean_r, fall_a, sd_a), (mean_q, fall_b, sd_b) = (of[RankFalls(quantity)].T for of in (x, y))
    products = r * q
    stay = (products.sum() / 2 - products.sum(axis=1)) / left - mean_r * mean_q
    with_a = _fallen(q, x, quantity) / left - mean_q * fall_a
    with_b = _fallen(r, y, quantity) / left - mean_r * fall_b
    rho = products.sum() / (r**2).sum()
    return np.asarray((stay - with_a - with_b + rho * sd_a * sd_b) / ((left**2 - 1) / 12))
