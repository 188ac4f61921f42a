"""Kernels of all pairs of items, centred and of unit length."""

from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float

from likewise.arrays import Array, array_namespace, strict_triangle
from likewise.errors import UndefinedError
from likewise.quantities.columns import Columns
from likewise.quantities.distances import Distances
from likewise.quantities.factors import Norm, rows_of
from likewise.quantities.gram import Gram, u_centered, unit
from likewise.quantities.passes import UnitPasses
from likewise.quantities.pieces import collected, summed
from likewise.quantities.prepared import OrderFree, PerItem, PerPair, Prepared, Quantity
from likewise.quantities.thin import Thin, linear_kernel

NOTHING = 0.01
"""A sum of the Gaussian kernel over the other rows this small says little but that a row is like itself, at 1."""


THIN = 3
"""Items per feature from which a linear kernel is not formed. Formed, it takes 2 n^3 for the triangles of chance, 2
n^2 d for itself and n^2 for a pair, bound by memory; the other way it takes n^2 d for the cubes of chance and 2 n d^2
for a pair. With ten pairs for each side, both take the same at three items per feature."""

ROOM = 4096
"""Items up to which a linear kernel that is shuffled may be formed, for all its shuffles: n x n of 128 MiB."""

GATHERED = 16
"""Features of the one times those of the other, for each item, up to which a shuffled kernel is better not formed: by
measurement both take the same at 16 to 60, the more the fewer pairs share what was gathered."""

KEPT = 0.1
"""Share of its length that a kernel must keep without its diagonal, for sums of d x d to keep their digits: less is
left where few rows are much longer than the others."""


@dataclass(frozen=True)
class UnitRows(PerItem):
    """c(X) / |c(X)|_F."""

    def compute(self, of: Prepared) -> Float[Array, "n r"]:
        """Return the rows, up to a rotation; undefined where all are equal."""
        return rows_of(of, center=True) / of[Norm(center=True)]

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n d."""
        return 8 * n * d


@dataclass(frozen=True)
class SquaredShares(PerItem):
    """|c(x_i)|^2 / |c(X)|_F^2."""

    def compute(self, of: Prepared) -> Float[Array, " n"]:
        """Return the shares."""
        rows = unit_rows(of)
        xp = array_namespace(rows[0:1, :])
        return collected(rows.shape, lambda i, j: xp.sum(rows[i:j, :] ** 2, axis=1), least=1 if of.is_many else of.n)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n."""
        return 8 * n


@dataclass(frozen=True)
class UnitGram(OrderFree):
    """Inner products of the columns of `UnitRows`, of 1, and of `SquaredShares`. O(n d^2)."""

    def compute(self, of: Prepared) -> Float[Array, "k k"]:
        """Return the matrix."""
        rows, shares = unit_rows(of), of[SquaredShares()]
        z = _bordered(rows, array_namespace(shares).ones_like(shares), shares)

        def products(i: int, j: int) -> Float[Array, "k k"]:
            part = z[i:j, :]
            return part.T @ part

        return summed(z.shape, products)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 (d + 2)^2."""
        return 8 * (d + 2) ** 2


def unit_rows(of: Prepared) -> Any:
    """Centred rows of unit length together; of many, what reads some at a time."""
    return UnitPasses(of, of[Norm(center=True)]) if of.is_many else of[UnitRows()]


def _bordered(rows: Any, *columns: Float[Array, " n"]) -> Any:
    if isinstance(rows, UnitPasses):
        return UnitPasses(rows.of, rows.size, columns)
    xp = array_namespace(rows)
    return xp.concat([rows, *(column[:, None] for column in columns)], axis=1)


def unit_trace(of: Prepared, debiased: bool) -> Thin:
    """The linear kernel of unit trace without forming it."""
    return linear_kernel(unit_rows(of), of[SquaredShares()], of[UnitGram()], debiased, _bordered)


@dataclass(frozen=True)
class KnownByFeatures(Quantity):
    """What was computed so far of the linear kernel of unit length by features: see `Thin`."""

    debiased: bool

    def compute(self, of: Prepared) -> dict[str, Array]:
        """Return what is known at first."""
        kernel, length = unit_trace(of, self.debiased), of[KernelLength(self.debiased)]
        return {"gram": kernel.gram, "whole": kernel.diagonal / length}

    def nbytes(self, n: int, d: int) -> int:
        """Return 16 n, of two diagonals."""
        return 16 * n


@dataclass(frozen=True)
class KernelLength(OrderFree):
    """The Frobenius norm of the linear kernel of unit trace, centred with its diagonal or without, from its rows."""

    debiased: bool

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return the length, or 0 where rounding made the square less than nothing."""
        kernel = unit_trace(of, self.debiased)
        xp = array_namespace(kernel.s)
        square = kernel.inner(kernel)
        return xp.sqrt(xp.where(square > 0, square, xp.zeros_like(square)))


DEBIASED = 56
"""Bytes for each pair of items while a kernel is centred without its diagonal, beside that of the other side."""


@dataclass(frozen=True)
class UnitKernel(PerPair):
    """A kernel matrix, centred and divided by its Frobenius norm: CKA is the inner product of two of them.

    ``linear`` is the Gram matrix; ``rbf`` is exp(-|x_i - x_j|^2 / (2 sigma^2)) with sigma = bandwidth times the median
    distance of two items. ``debiased`` centres without the diagonal.
    """

    kernel: Literal["linear", "rbf"]
    bandwidth: float
    debiased: bool

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the unit kernel; undefined where all rows are equal."""
        size = of[Norm(center=True)]
        if self.debiased:
            of.check_room(DEBIASED)
        if self.kernel == "linear":
            # Of unit trace first, so that no square leaves the range of a float.
            return unit(of[Gram(center=True)] / size**2, self.debiased, of.name, "inner products")
        return unit(self._rbf(of), self.debiased, of.name, "kernel")

    def _rbf(self, of: Prepared) -> Float[Array, "n n"]:
        distances = of[Distances("euclidean")]
        xp = array_namespace(distances)
        ordered = xp.sort(strict_triangle(distances), stable=False)
        middle = ordered.shape[0] // 2
        median = (ordered[middle] + ordered[-middle - 1]) / 2
        if median == 0:
            raise UndefinedError(f"the median distance between the rows of {of.name} is zero: no scale for a bandwidth")
        kernel = xp.exp(-((distances / (self.bandwidth * median)) ** 2) / 2)
        if float(xp.sum(kernel)) - of.n <= NOTHING * of.n:
            raise UndefinedError(
                f"bandwidth {self.bandwidth:g} is so narrow that no two rows of {of.name} are near: take a wider one"
            )
        return kernel

    def thin(self, of: Prepared) -> Thin | None:
        """The linear kernel, of few features."""
        if self.kernel != "linear" or of.is_table or of.n < THIN * of.d:
            return None
        if self.debiased and of[KernelLength(debiased=True)] < KEPT * of[KernelLength(debiased=False)]:
            return None
        return self.by_features(of)

    def better_thin(self, x: Prepared, y: Prepared) -> bool:
        """Whether 2 n d e take less than gathering and multiplying n^2, bound by memory, or n x n is too large."""
        return x.n > ROOM or (not (x.is_table or y.is_table) and x.d * y.d <= GATHERED * x.n)

    def by_features(self, of: Prepared) -> Thin:
        """The linear kernel without forming it."""
        kernel, length = unit_trace(of, self.debiased), of[KernelLength(self.debiased)]
        return Thin(kernel.z, kernel.s / length, kernel.c / length, of[KnownByFeatures(self.debiased)])

    def products(self, x: Prepared, y: Prepared) -> Float[Array, " n"]:
        """Row sums; by features where both sides have few of them."""
        a, b = self.thin(x), self.thin(y)
        return a.products(b) if a and b else super().products(x, y)


@dataclass(frozen=True)
class SharedFeatures(OrderFree):
    """How much of h(K, K) comes from different features: the rest is each feature's agreement with itself.

    With K = sum_a k_a over the d features, k_a = x_a x_a': [h(K, K) - sum_a h(k_a, k_a)] / h(K, K) times d / (d - 1),
    h the unbiased HSIC. Near 0, or below it, for features that have nothing in common.
    """

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return the share; undefined for one feature."""
        if of.d == 1:
            raise UndefinedError(f"{of.name} has one feature: nothing to correct the sampling of features from")
        if of.is_many:
            return self._in_passes(of)
        xp = array_namespace(of.given)
        size = of[Norm(center=True)]
        columns = of[Columns(center=True)] / size
        squares, fourths = xp.sum(columns**2, axis=0), xp.sum(columns**4, axis=0)
        whole = xp.sum(u_centered(of[Gram(center=True)] / size**2) ** 2)
        return self._share(of, squares, fourths, whole)

    def _in_passes(self, of: Prepared) -> Float[Array, ""]:
        rows = UnitPasses(of, of[Norm(center=True)])
        xp = array_namespace(of.rows(0, 1))

        def sums(i: int, j: int) -> tuple[Float[Array, " d"], Float[Array, " d"]]:
            squares = rows[i:j, :] ** 2
            return xp.sum(squares, axis=0), xp.sum(squares**2, axis=0)

        squares, fourths = summed((of.n, of.d), sums)
        return self._share(of, squares, fourths, of[KernelLength(debiased=True)] ** 2)

    def _share(
        self, of: Prepared, squares: Float[Array, " d"], fourths: Float[Array, " d"], whole: Float[Array, ""]
    ) -> Float[Array, ""]:
        n = of.n
        # h(k, k) n (n - 3) for k = x x' with a zero diagonal and sum(x) = 0.
        own = squares**2 * (1 + 1 / ((n - 1) * (n - 2))) - fourths * (1 + 2 / (n - 2))
        return (whole - array_namespace(own).sum(own)) / whole * (of.d / (of.d - 1))
