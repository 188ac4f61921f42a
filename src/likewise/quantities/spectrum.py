"""Principal components, and what is regressed on them."""

from dataclasses import dataclass

from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array
from likewise.quantities.factors import Factor, Norm, Scale
from likewise.quantities.prepared import JointQuantity, PerItem, PerPair, Prepared
from likewise.quantities.rank import numerical_rank


@dataclass(frozen=True)
class PrincipalComponents(PerItem):
    """The scores P = U diag(s) of X = U diag(s) V', or of c(X) where ``center``, to the numerical rank.

    Columns are orthogonal, of lengths s, which descend and are more than rounding.
    """

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "n rank"]:
        """Return P."""
        of[Norm(self.center)]  # undefined where nothing has a direction
        factor = of[Factor(self.center)]
        xp = array_namespace(factor)
        u, s, _ = xp.linalg.svd(factor, full_matrices=False)
        rank = numerical_rank(s, of.size, float(of[Scale()]))
        return u[:, :rank] * s[:rank]

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n min(n, d)."""
        return 8 * n * min(n, d)


def singular_values(components: Float[Array, "n rank"]) -> Float[Array, " rank"]:
    """The lengths of principal components."""
    return array_namespace(components).linalg.vector_norm(components, axis=0)


def entropy_rank(s: Float[Array, " rank"]) -> float:
    """Exponential of the entropy of the shares s_i / sum_j s_j of positive singular values."""
    xp = array_namespace(s)
    p = s / xp.sum(s)
    return float(xp.exp(-xp.sum(p * xp.log(p))))


def participation(s: Float[Array, " rank"]) -> float:
    """(sum_i s_i^2)^2 / sum_i s_i^4 of positive singular values."""
    xp = array_namespace(s)
    shares = (s / xp.linalg.vector_norm(s)) ** 2
    return 1 / float(xp.sum(shares**2))


@dataclass(frozen=True)
class Whitened(PerItem):
    """Principal components divided by sqrt(s^2 + ridge |X|_F^2): orthonormal without a ridge."""

    center: bool
    ridge: float

    def compute(self, of: Prepared) -> Float[Array, "n rank"]:
        """Return W."""
        components = of[PrincipalComponents(self.center)]
        xp = array_namespace(components)
        s = singular_values(components)
        return components / xp.sqrt(s**2 + self.ridge * xp.sum(s**2))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n min(n, d)."""
        return 8 * n * min(n, d)


@dataclass(frozen=True)
class Projection(PerPair):
    """W W': what regression on the rows, with the ridge, makes of any other variable of the same items."""

    center: bool
    ridge: float

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return A = X (X'X + ridge |X|_F^2 I)^-1 X'."""
        whitened = of[Whitened(self.center, self.ridge)]
        return whitened @ whitened.T


@dataclass(frozen=True)
class CanonicalDecomposition(JointQuantity):
    """U, rho, V' of W_x' W_y = U diag(rho) V': the canonical correlations of two centred representations."""

    ridge: float

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
        """Return the thin singular value decomposition."""
        a, b = x[Whitened(center=True, ridge=self.ridge)], y[Whitened(center=True, ridge=self.ridge)]
        u, rho, vh = array_namespace(a, b).linalg.svd(a.T @ b, full_matrices=False)
        return u, rho, vh
