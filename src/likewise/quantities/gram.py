"""Inner products of all pairs of items, and how such matrices are centred."""

from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import UndefinedError
from likewise.quantities.factors import Norm, rows_of
from likewise.quantities.passes import UnitPasses
from likewise.quantities.prepared import PerPair, Prepared
from likewise.quantities.tables import doubly_centered
from likewise.quantities.thin import Thin


def u_centered(a: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Centred without the diagonal: <u(A), u(B)> / (n (n - 3)) is the unbiased estimate of <HAH, HBH> / n^2.

    Székely and Rizzo (2014), doi:10.1214/14-AOS1255; the same number as Song et al. (2012) write.
    """
    xp = array_namespace(a)
    n = a.shape[0]
    off = 1 - xp.eye(n, dtype=xp.float64, device=a.device)
    a = a * off
    sums = xp.sum(a, axis=0, keepdims=True) / (n - 2)
    return (a - sums - sums.T + xp.sum(a) / ((n - 1) * (n - 2))) * off


def unit(a: Float[Array, "n n"], debiased: bool, name: str, what: str) -> Float[Array, "n n"]:
    """Centre a symmetric matrix, with its diagonal or without (``debiased``), and divide by the Frobenius norm."""
    xp = array_namespace(a)
    centered = u_centered(a) if debiased else doubly_centered(a)
    length = xp.linalg.matrix_norm(centered)
    # What is left of equal numbers, or of sums of a term of i and one of j, is rounding.
    if length <= a.shape[0] * xp.finfo(xp.float64).eps * xp.linalg.matrix_norm(a):
        raise UndefinedError(f"nothing of the {what} of {name} is left after centring: no pair of rows stands out")
    return centered / length


@dataclass(frozen=True)
class Gram(PerPair):
    """K = X X', or H K H with H = I - 11'/n where ``center``; where ``unit``, of trace 1."""

    center: bool
    unit: bool = False

    @property
    def local(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """An inner product belongs to its two items; centring mixes all."""
        return not (self.center or self.unit)

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the inner products."""
        rows = rows_of(of, self.center)
        rows = rows / of[Norm(self.center)] if self.unit else rows
        return rows @ rows.T

    def thin(self, of: Prepared) -> Thin | None:
        """The same of many rows."""
        if not (of.is_many and self.center):
            return None
        xp = array_namespace(of.rows(0, 1))
        one = xp.ones((), dtype=xp.float64, device=of.rows(0, 1).device)
        size = of[Norm(self.center)] if self.unit else one
        eye = xp.eye(of.d, dtype=xp.float64, device=one.device)
        return Thin(UnitPasses(of, size), eye, xp.zeros(of.n, dtype=xp.float64, device=one.device))
