"""Principal axes of many rows, from the products of their features; where some are left out, from what is left."""

from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.quantities.factors import Scale
from likewise.quantities.parts import FeatureProducts, all_of
from likewise.quantities.prepared import OrderFree, Prepared
from likewise.quantities.rank import numerical_rank

FLAT = 1e-5
"""Share of the largest eigenvalue of products of features down to which they keep eleven digits of a direction."""


@dataclass(frozen=True)
class Axes(OrderFree):
    """V, and below it s, of many rows X = U diag(s) V'; empty where products of features would lose digits of them."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "_ d"]:
        """Return both."""
        whole = all_of(of, self.center)
        if not of.is_many or (whole is not of and not whole[self].shape[0]):
            return array_namespace(of.rows(0, 1)).zeros((0, 0))
        products = of[FeatureProducts(self.center)]
        xp = array_namespace(products)
        squares, v = (xp.flip(m, axis=-1) for m in xp.linalg.eigh(products))
        largest = float(squares[0] if whole is of else whole[self][-1, 0] ** 2)
        if not float(squares[-1]) > FLAT * largest:
            return products[:0, :]
        s = xp.sqrt(squares)
        kept = numerical_rank(s, whole.size, float(whole[Scale()])) == s.shape[0]
        return xp.concat([v, s[None, :]]) if kept else products[:0, :]

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d (d + 1)."""
        return 8 * d * (d + 1)
