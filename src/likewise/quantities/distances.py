"""Distances of all pairs of items, and their ranks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jaxtyping import Float

from likewise.arrays import Array, Tie, array_namespace, average_ranks, from_strict_triangle, refined, strict_triangle
from likewise.errors import UndefinedError
from likewise.kinds import ROUNDINGS
from likewise.quantities.factors import Norm, RowNorms, rows_of
from likewise.quantities.gram import Gram, unit
from likewise.quantities.prepared import PerPair, Prepared
from likewise.quantities.spectrum import Whitened
from likewise.quantities.tables import vectors

NEAR = 1e-5
"""Below this share of |x_i|^2 + |x_j|^2 a squared distance from inner products keeps fewer than ten digits."""

NEAR_COSINE = NEAR / 2
"""The same of the distance of two directions, |u_i - u_j|^2 / 2."""

TIES = {
    "euclidean": Tie(relative=1e-10),
    "cosine": Tie(absolute=1e-14, squares=NEAR_COSINE),
    "correlation": Tie(absolute=1e-14, squares=NEAR_COSINE),
    "mahalanobis": Tie(relative=1e-10, absolute=1e-10),  # of whitened rows, which are at most sqrt(n) long
}
"""Distances this near are equal but for rounding, as between rows of whole numbers, and tie."""

LOST = 1e-26
"""Below this share of |mean|^2 a squared distance may be what subtracting the mean row left of rounding."""

SAME = 32
"""Roundings of both lengths within which two rows are one: products with a rotation leave so much of equal rows."""

Inner: TypeAlias = Literal["euclidean", "cosine", "correlation", "mahalanobis"]
"""The distances of two items that there are."""


def from_gram(
    gram: Float[Array, "n n"], rows: Float[Array, "n d"], lost: float | Float[Array, ""] = 0.0
) -> Float[Array, "n n"]:
    """Euclidean distances from inner products; near pairs, and those within ``lost``, from the rows themselves.

    Rows that differ by no more than rounding are the same.
    """
    xp = array_namespace(gram)
    squares = xp.linalg.diagonal(gram)
    lengths = squares[:, None] + squares[None, :]
    squared = lengths - 2 * gram
    index = xp.arange(gram.shape[0], device=gram.device)
    upper = index[:, None] < index[None, :]
    near = (squared <= NEAR * lengths + lost) & upper
    squared = refined(xp.where(upper, squared, xp.zeros_like(squared)), near, rows, rows)
    if xp.any(near):
        squared = _without_noise(squared, SAME * xp.finfo(xp.float64).eps * xp.linalg.vector_norm(rows, axis=1))
    distances = xp.sqrt(squared)
    return distances + distances.T


def _without_noise(squared: Float[Array, "n n"], noise: Float[Array, " n"]) -> Float[Array, "n n"]:
    """Squared distances, 0 where two rows differ by no more than the noise of both."""
    same = squared <= (noise[:, None] + noise[None, :]) ** 2
    return array_namespace(squared).where(same, array_namespace(squared).zeros_like(squared), squared)


def from_cosines(
    cosines: Float[Array, "n n"],
    directions: Callable[[], Float[Array, "n d"]],
    lost: Float[Array, " n"] | None = None,
) -> Float[Array, "n n"]:
    """1 - cosine; of near directions |u_i - u_j|^2 / 2, asked of ``directions``, since 1 - 0.999... has no digits.

    Those that differ by no more than the rounding ``lost`` of both are the same.
    """
    xp = array_namespace(cosines)
    index = xp.arange(cosines.shape[0], device=cosines.device)
    upper = index[:, None] < index[None, :]
    distances = xp.where(upper, 1 - cosines, xp.zeros_like(cosines))
    near = (distances <= NEAR_COSINE) & upper
    if xp.any(near):
        rows = directions()
        squared = refined(2 * distances, near, rows, rows)
        distances = (squared if lost is None else _without_noise(squared, lost)) / 2
    return distances + distances.T


@dataclass(frozen=True)
class Distances(PerPair):
    """Distances of all pairs of items.

    ``euclidean``: |x_i - x_j|, the same for X and c(X). ``cosine``: 1 - cos(x_i, x_j), of c(X) where ``center``.
    ``correlation``: 1 - Pearson's correlation of two rows, over the features. ``mahalanobis``: |x_i - x_j| with the
    inverse of the covariance of the features, in the directions that vary.

    Euclidean distances come from K_ii + K_jj - 2 K_ij, and those of directions from their cosines; the few pairs that
    lie so near that this loses digits are computed from the rows, so that equal rows are at distance zero exactly. A
    table of distances of this kind, or of kind ``other``, gives them as they are.
    """

    inner: Inner
    center: bool = False

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameters
        """A distance belongs to its two items, unless it feels the mean or the covariance of all."""
        return self.inner in ("euclidean", "correlation") or (self.inner == "cosine" and not self.center)

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the distances, zero on the diagonal."""
        if (
            of.kind == "distances"
            and of.metric in ("other", self.inner)
            and not (of.metric == "cosine" and self.center)
        ):
            return of.given
        if self.inner == "euclidean" and of.kind == "similarities":
            return _from_similarities(of)
        if self.inner == "euclidean":
            matrix = vectors(of, center=True)
            xp = array_namespace(matrix)
            lost = LOST * xp.sum(xp.mean(matrix, axis=0) ** 2)
            return from_gram(of[Gram(center=True)], matrix, lost)
        if self.inner == "mahalanobis":
            return self._mahalanobis(of)
        if self.inner == "cosine":
            norms, gram = of[RowNorms(self.center)], of[Gram(self.center)]
            cosines = gram / (norms[:, None] * norms[None, :])
            return from_cosines(cosines, lambda: rows_of(of, self.center) / norms[:, None])
        rows, lost = self._standardized_rows(of)
        return from_cosines(rows @ rows.T, lambda: rows, lost)

    def _standardized_rows(self, of: Prepared) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Rows less their mean, of unit length; and how far their own rounding may turn each of them."""
        xp = array_namespace(of.matrix)
        flat = xp.all(of.matrix == of.matrix[:, :1], axis=1)
        if xp.any(flat):
            raise UndefinedError(
                f"row {int(xp.argmax(xp.astype(flat, xp.int64)))} of {of.name} has the same value in every feature: "
                "it has no correlation"
            )
        rows = of.matrix / xp.max(xp.abs(of.matrix), axis=1, keepdims=True)
        for _ in range(2):  # of a large offset the first mean leaves its rounding
            rows = rows - xp.mean(rows, axis=1, keepdims=True)
        lengths = xp.linalg.vector_norm(rows, axis=1)
        # Each value, of at most 1, is right to eps.
        return rows / lengths[:, None], of.d**0.5 * xp.finfo(xp.float64).eps / lengths

    def _mahalanobis(self, of: Prepared) -> Float[Array, "n n"]:
        whitened = of[Whitened(center=True, ridge=0.0)]
        if whitened.shape[1] >= of.n - 1:
            raise UndefinedError(
                f"the {of.n} centred rows of {of.name} are linearly independent, as they are where n <= d: all their "
                "Mahalanobis distances are equal, whatever the data; take more items or inner='euclidean'"
            )
        return from_gram(whitened @ whitened.T, whitened) * (of.n - 1) ** 0.5


def _from_similarities(of: Prepared) -> Float[Array, "n n"]:
    """Distances from a table of inner products; a square that is less than rounding makes of zero is zero."""
    vectors(of, center=True)  # undefined where it is no such table
    xp = array_namespace(of.given)
    squares = xp.linalg.diagonal(of.given)
    lengths = squares[:, None] + squares[None, :]
    squared = lengths - 2 * of.given
    zero = squared <= ROUNDINGS * of.precision * lengths
    return xp.sqrt(xp.where(zero, xp.zeros_like(squared), squared))


@dataclass(frozen=True)
class UnitDistances(PerPair):
    """The distances over the strict triangle, made ready for a correlation.

    ``spearman``: as ranks, ties averaged, and centred; ``pearson``: centred; ``cosine``: as they are. Of unit length.
    Stored as a symmetric matrix with a zero diagonal, so that half the inner product of two of them is the correlation.
    """

    inner: Literal["euclidean", "sqeuclidean", "cosine", "correlation", "mahalanobis"]
    outer: Literal["spearman", "pearson", "cosine"]

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the standardised distances."""
        xp = array_namespace(of.given)
        inner: Inner = "euclidean" if self.inner == "sqeuclidean" else self.inner
        values = strict_triangle(of[Distances(inner)])
        ranks = average_ranks(values, TIES[inner])
        if self.outer != "cosine" and xp.all(ranks == ranks[0]):
            raise UndefinedError(f"all distances between the rows of {of.name} are equal, so they have no order")
        if not xp.any(values > 0):
            raise UndefinedError(f"all rows of {of.name} are equal, so all distances are zero")
        if self.outer == "spearman":
            values = ranks
        else:
            values = values / xp.max(values)
            values = values**2 if self.inner == "sqeuclidean" else values
        if self.outer != "cosine":
            values = values - xp.mean(values)
        return from_strict_triangle(values / xp.linalg.vector_norm(values), of.n)


@dataclass(frozen=True)
class UnitDoublyCentered(PerPair):
    """Euclidean distances, centred by rows and columns, divided by their Frobenius norm.

    The inner product of two of them is the squared distance correlation. ``debiased`` centres without the diagonal.
    """

    debiased: bool

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return H D H / |H D H|_F."""
        size = of[Norm(center=True)]  # undefined where all rows are equal
        return unit(of[Distances("euclidean")] / size, self.debiased, of.name, "distances")
