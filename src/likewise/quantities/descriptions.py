"""Numbers that describe one representation, whatever the order of its items."""

from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import UndefinedError
from likewise.quantities.distances import Distances
from likewise.quantities.factors import RowNorms
from likewise.quantities.prepared import OrderFree, PerItem, Prepared
from likewise.quantities.tables import vectors


@dataclass(frozen=True)
class MeanRowNorm(OrderFree):
    """The length of the mean row."""

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return |mean|."""
        rows = vectors(of, center=False)
        xp = array_namespace(rows)
        return xp.linalg.vector_norm(xp.mean(rows, axis=0))


@dataclass(frozen=True)
class MeanRowNormWithout(PerItem):
    """The length of the mean row without each item. O(n d)."""

    def compute(self, of: Prepared) -> Float[Array, " n"]:
        """Return the lengths."""
        rows = vectors(of, center=False)
        xp = array_namespace(rows)
        return xp.linalg.vector_norm(xp.sum(rows, axis=0) - rows, axis=1) / (of.n - 1)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n."""
        return 8 * n


@dataclass(frozen=True)
class Concentricity(OrderFree):
    """The mean cosine between a row and the mean row."""

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return the mean; undefined where the mean row, or a row, has no length."""
        lengths, rows, size = of[RowNorms(center=False)], vectors(of, center=False), of[MeanRowNorm()]
        xp = array_namespace(rows)
        if size <= of.n * xp.finfo(xp.float64).eps * xp.max(lengths):
            raise UndefinedError(f"the mean row of {of.name} is zero: it has no direction")
        return xp.mean((rows / lengths[:, None]) @ (xp.mean(rows, axis=0) / size))


@dataclass(frozen=True)
class ConcentricityWithout(PerItem):
    """The mean cosine between a row and the mean row, without each item. O(n d)."""

    def compute(self, of: Prepared) -> Float[Array, " n"]:
        """Return the means; undefined where a mean row, or a row, has no length."""
        lengths, rows, size = of[RowNorms(center=False)], vectors(of, center=False), of[MeanRowNormWithout()]
        xp = array_namespace(rows)
        if xp.min(size) <= of.n * xp.finfo(xp.float64).eps * xp.max(lengths):
            raise UndefinedError(f"without one item, the mean row of {of.name} is zero: it has no direction")
        units = rows / lengths[:, None]
        sums = xp.sum((xp.sum(units, axis=0) - units) * (xp.sum(rows, axis=0) - rows), axis=1)
        return sums / ((of.n - 1) ** 2 * size)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n."""
        return 8 * n


@dataclass(frozen=True)
class Uniformity(OrderFree):
    """log(1 + sum over i != j of exp(-t |x_i - x_j|^2) / n), of unit rows where ``normalize``.

    That is log n more than the uniformity log mean_ij exp(-t |x_i - x_j|^2), and keeps its digits where the rows lie
    far apart.
    """

    t: float
    normalize: bool

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return the logarithm."""
        near = nearness(of, self.t, self.normalize)
        xp = array_namespace(near)
        return xp.log1p(xp.sum(near) / of.n)


@dataclass(frozen=True)
class UniformityWithout(PerItem):
    """`Uniformity` without each item. O(n^2)."""

    t: float
    normalize: bool

    def compute(self, of: Prepared) -> Float[Array, " n"]:
        """Return the logarithms."""
        near = nearness(of, self.t, self.normalize)
        xp = array_namespace(near)
        sums = xp.sum(near, axis=1)
        return xp.log1p((xp.sum(sums) - 2 * sums) / (of.n - 1))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n."""
        return 8 * n


def nearness(of: Prepared, t: float, normalize: bool) -> Float[Array, "n n"]:
    """exp(-t |x_i - x_j|^2) of different items, of unit rows where ``normalize``; 0 on the diagonal."""
    xp = array_namespace(of.given)
    squared = 2 * of[Distances("cosine")] if normalize else of[Distances("euclidean")] ** 2
    others = 1 - xp.eye(of.n, dtype=xp.float64, device=squared.device)
    return others * xp.exp(-t * squared)
