"""Distances of all pairs of items, and their ranks."""

from dataclasses import dataclass
from typing import Literal

from array_api_compat import array_namespace
from jaxtyping import Float, Int

from likewise.arrays import Array, Tie, average_ranks, from_strict_triangle, gather_square, strict_triangle
from likewise.errors import UndefinedError
from likewise.prepared.factors import Coordinates, Norm, RowNorms
from likewise.prepared.kernels import Gram
from likewise.prepared.prepared import Prepared, Quantity

NEAR = 1e-5
"""Below this share of |x_i|^2 + |x_j|^2 a squared distance from inner products keeps fewer than ten digits."""

TIES = {"euclidean": Tie(relative=1e-10), "cosine": Tie(absolute=1e-14)}
"""Distances this near are equal but for rounding, as between rows of whole numbers, and tie."""

LOST = 1e-26
"""Below this share of |mean|^2 a squared distance may be what subtracting the mean row left of rounding."""

CHUNK = 2**24
"""Values of the rows held at a time while near pairs are computed from the rows (128 MiB)."""


@dataclass(frozen=True)
class Distances(Quantity):
    """Euclidean |x_i - x_j|, the same for X and c(X), or cosine 1 - cos(x_i, x_j), of c(X) where ``center``.

    Euclidean distances come from K_ii + K_jj - 2 K_ij; the few pairs that lie so near that this loses digits are
    computed from the rows, so that equal rows are at distance zero exactly.
    """

    inner: Literal["euclidean", "cosine"]
    center: bool = False

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameters
        """A distance belongs to its two items, unless the rows are centred first and the distance feels it."""
        return self.inner == "euclidean" or not self.center

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the distances, zero on the diagonal."""
        return self._euclidean(of) if self.inner == "euclidean" else self._cosine(of)

    def _cosine(self, of: Prepared) -> Float[Array, "n n"]:
        norms, gram = of[RowNorms(self.center)], of[Gram(self.center)]
        distances = 1 - gram / (norms[:, None] * norms[None, :])
        xp = array_namespace(gram)
        return distances * (1 - xp.eye(of.n, dtype=xp.float64, device=gram.device))

    def _euclidean(self, of: Prepared) -> Float[Array, "n n"]:
        xp = array_namespace(of.matrix)
        gram = of[Gram(center=True)]
        squares = xp.linalg.diagonal(gram)
        lengths = squares[:, None] + squares[None, :]
        squared = lengths - 2 * gram
        index = xp.arange(of.n, device=gram.device)
        lost = LOST * xp.sum(of[Coordinates()][-1, :] ** 2)
        near = (squared <= NEAR * lengths + lost) & (index[:, None] < index[None, :])
        squared = xp.where(near | (index[:, None] >= index[None, :]), xp.zeros_like(squared), squared)
        distances = xp.sqrt(squared)
        if xp.any(near):
            rows, columns = xp.nonzero(near)
            step = max(1, CHUNK // of.d)
            differences = (
                xp.take(of.matrix, rows[start:stop], axis=0) - xp.take(of.matrix, columns[start:stop], axis=0)
                for start in range(0, rows.shape[0], step)
                for stop in (min(start + step, rows.shape[0]),)
            )
            distances[near] = xp.concat([xp.linalg.vector_norm(rows, axis=1) for rows in differences])
        return distances + distances.T

    def reindex(self, value: Float[Array, "n n"], index: Int[Array, " m"]) -> Float[Array, "m m"]:
        """Reorder rows and columns."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n


@dataclass(frozen=True)
class UnitRanks(Quantity):
    """Ranks of the distances over the strict triangle, ties averaged, centred and of unit length.

    Stored as a symmetric matrix with a zero diagonal, so that half the inner product of two of them is Spearman's
    correlation of the distances.
    """

    inner: Literal["euclidean", "cosine"]

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the standardised ranks."""
        xp = array_namespace(of.matrix)
        ranks = average_ranks(strict_triangle(of[Distances(self.inner)]), TIES[self.inner])
        ranks = ranks - (ranks.shape[0] + 1) / 2
        length = xp.linalg.vector_norm(ranks)
        if length == 0:
            raise UndefinedError(f"all distances between the rows of {of.name} are equal, so they have no order")
        return from_strict_triangle(ranks / length, of.n)

    def reindex(self, value: Float[Array, "n n"], index: Int[Array, " n"]) -> Float[Array, "n n"]:
        """Reorder rows and columns."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n


@dataclass(frozen=True)
class UnitDoublyCentered(Quantity):
    """Euclidean distances less their row and column means plus their mean, divided by their Frobenius norm.

    The inner product of two of them is the squared distance correlation.
    """

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return H D H / |H D H|_F."""
        of[Norm(center=True)]  # undefined where all rows are equal
        xp = array_namespace(of.matrix)
        distances = of[Distances("euclidean")]
        means = xp.mean(distances, axis=0, keepdims=True)
        doubly = distances - means - means.T + xp.mean(distances)
        return doubly / xp.linalg.matrix_norm(doubly)

    def reindex(self, value: Float[Array, "n n"], index: Int[Array, " n"]) -> Float[Array, "n n"]:
        """Reorder rows and columns."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n
