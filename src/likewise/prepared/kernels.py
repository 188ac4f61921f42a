"""Inner products of all pairs of items."""

from dataclasses import dataclass

from array_api_compat import array_namespace
from jaxtyping import Float, Int

from likewise.arrays import Array, gather_square
from likewise.prepared.factors import Factor, Norm
from likewise.prepared.prepared import Prepared, Quantity


@dataclass(frozen=True)
class Gram(Quantity):
    """K = X X', or H K H with H = I - 11'/n where ``center``."""

    center: bool

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """An inner product belongs to its two items; centring mixes all."""
        return not self.center

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return L L'."""
        factor = of[Factor(self.center)]
        return factor @ factor.T

    def reindex(self, value: Float[Array, "n n"], index: Int[Array, " m"]) -> Float[Array, "m m"]:
        """Reorder rows and columns."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n


@dataclass(frozen=True)
class UnitGram(Quantity):
    """The centred Gram matrix divided by its Frobenius norm: CKA is the inner product of two of them."""

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return H K H / |H K H|_F."""
        # Of unit trace first, so that no square below leaves the range of a float; undefined where all rows are equal.
        gram = of[Gram(center=True)] / of[Norm(center=True)] ** 2
        return gram / array_namespace(gram).linalg.matrix_norm(gram)

    def reindex(self, value: Float[Array, "n n"], index: Int[Array, " m"]) -> Float[Array, "m m"]:
        """Reorder rows and columns."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n
