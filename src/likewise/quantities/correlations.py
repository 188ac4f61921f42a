"""What two sides have in common once each is whitened: canonical correlations, and the distance of projections."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.quantities.axes import FeatureProducts, all_of, are_rest
from likewise.quantities.decompositions import decomposition_of, of_mean, values_of
from likewise.quantities.factors import Norm, Scale
from likewise.quantities.passes import rows_in
from likewise.quantities.pieces import summed
from likewise.quantities.prepared import JointQuantity, OrderFree, Prepared
from likewise.quantities.rank import numerical_rank
from likewise.quantities.rotations import CrossProduct
from likewise.quantities.spectrum import (
    KEPT,
    ComponentProducts,
    PrincipalComponents,
    Projection,
    Rest,
    SingularValues,
    rest_of,
    scaled_products,
    singular_values,
    whitening,
)


def _whitened_products(x: Prepared, y: Prepared, ridge: float) -> Float[Array, "r q"]:
    """W_x' W_y of the `Whitened` rows, centred."""
    scales = tuple(whitening(of[SingularValues(center=True)], ridge) for of in (x, y))
    return scaled_products(x, y, True, (scales[0], scales[1]))


DEPENDENT = 1e-6
"""Least eigenvalue of the correlations of features down to which products of these keep ten digits."""


@dataclass(frozen=True)
class Orthonormal(OrderFree):
    r"""T with c(X) T orthonormal, of many rows: so nothing of their number is held. Empty where that loses digits.

    With D the lengths of the centred features, and :math:`D^{-1} X'X D^{-1} = V \Lambda V'` their correlations,
    :math:`T = D^{-1} V \Lambda^{-1/2}`. A sum of products rounds in proportion to the lengths of both its features. So
    T loses no more than eps over the least of Lambda, however long some features are beside the others.
    """

    def follows(self, whole: Prepared) -> bool:
        """A shuffle of a part goes by its own rows."""
        return whole.left_out is None

    def compute(self, of: Prepared) -> Float[Array, "d r"]:
        """Return T."""
        if of[Rest(center=True)].shape[0]:  # what is left of many items follows from all
            return of[Rest(center=True)][:, :0]
        whole = all_of(of, center=True)
        whole[Norm(center=True)]  # undefined where nothing has a direction
        products = of[FeatureProducts(center=True)]
        xp = array_namespace(products)
        lengths = xp.sqrt(xp.linalg.diagonal(products))
        least, longest = xp.min(lengths), xp.max(lengths)
        ends = xp.stack([longest, least * DEPENDENT**0.5])  # no direction is shorter
        if not least or numerical_rank(ends, whole.size, float(whole[Scale()])) < ends.shape[0]:
            return products[:, :0]
        squares, v = xp.linalg.eigh(products / (lengths[:, None] * lengths[None, :]))
        if squares[0] <= DEPENDENT:
            return products[:, :0]
        return v / (lengths[:, None] * xp.sqrt(squares))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d^2."""
        return 8 * d * d


@dataclass(frozen=True)
class OrthonormalProducts(JointQuantity):
    """T_x, T_x'X'Y T_y, T_y of `Orthonormal`; nothing where a side has none, or its rows are not many."""

    def compute(
        self, x: Prepared, y: Prepared
    ) -> tuple[Float[Array, "d r"], Float[Array, "r q"], Float[Array, "e q"]] | None:
        """Return the three."""
        if not (x.is_many and y.is_many):
            return None
        found = [of[Orthonormal()] for of in (x, y)]
        if not all(of.shape[1] for of in found):
            return None
        a, b = found
        return a, a.T @ x.joint(y, CrossProduct(center=True)) @ b, b


@dataclass(frozen=True)
class CanonicalVariates(JointQuantity):
    """A, rho, B: the rows of both sides, as `variates_of` reads them, times A and B are their canonical variates.

    These are orthonormal, the first with the correlations rho. There are as many as a side has directions.
    """

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "_ r"], Float[Array, " m"], Float[Array, "_ q"]]:
        """Return the three."""
        found = x.joint(y, OrthonormalProducts())
        products = _whitened_products(x, y, 0.0) if found is None else found[1]
        u, rho, vh = array_namespace(products).linalg.svd(products, full_matrices=True)
        if found is not None:
            return found[0] @ u, rho, found[2] @ vh.T
        s, t = (of[SingularValues(center=True)] for of in (x, y))
        return u / s[:, None], rho, vh.T / t[:, None]


def variates_of(x: Prepared, y: Prepared) -> Callable[[int, int], tuple[Float[Array, "m r"], Float[Array, "m q"]]]:
    """What returns the canonical variates of both sides, some rows at a time."""
    a, _, b = x.joint(y, CanonicalVariates())
    in_passes = x.joint(y, OrthonormalProducts()) is not None

    def some(i: int, j: int) -> tuple[Float[Array, "m r"], Float[Array, "m q"]]:
        rows = (
            rows_in(of, i, j, center=True) if in_passes else of.some(PrincipalComponents(center=True), i, j)
            for of in (x, y)
        )
        first, second = (row @ turn for row, turn in zip(rows, (a, b), strict=True))
        return first, second

    return some


@dataclass(frozen=True)
class CanonicalDecomposition(JointQuantity):
    """U, rho, V' of W_x' W_y = U diag(rho) V': the canonical correlations of two centred representations."""

    ridge: float

    def compute(self, x: Prepared, y: Prepared) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
        """Return the thin singular value decomposition."""
        return decomposition_of(_whitened_products(x, y, self.ridge), x, y, errors=of_mean)


@dataclass(frozen=True)
class CanonicalCorrelations(JointQuantity):
    """The values of `CanonicalDecomposition` alone: no vectors are computed."""

    ridge: float

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, " m"]:
        """Return the correlations; they descend."""
        if not self.ridge and (found := self._of_rest(x, y)) is not None:
            return found
        found = None if self.ridge else x.joint(y, OrthonormalProducts())
        products = _whitened_products(x, y, self.ridge) if found is None else found[1]
        return values_of(products, x, y)

    def _of_rest(self, x: Prepared, y: Prepared) -> Float[Array, " m"] | None:
        """Of items that are left of many, without decompositions of the sides; None where a direction may be lost.

        With L L' = U'U of a side, rows U L'^-1 are orthonormal. The correlations are those of such rows of both sides.
        """
        sides = []
        for of in (x, y):
            if not (are_rest(x, y) and of.left_out and of[Rest(center=True)].shape[0]):
                return None
            whole, _ = of.left_out
            s = whole[SingularValues(center=True)]
            if numerical_rank(s * KEPT**0.5, of.size, float(whole[Scale()])) < s.shape[0]:
                return None
            sides.append(of[Rest(center=True)])
        solve = array_namespace(*sides).linalg.solve
        return values_of(solve(sides[1], solve(sides[0], rest_of(x, y, center=True)).T), x, y)


@dataclass(frozen=True)
class ProjectionDistance(JointQuantity):
    """|A_x - A_y|_F of two `Projection`, which are formed where items are few."""

    center: bool
    ridge: float

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, ""]:
        """Return the distance."""
        if not (x.is_many or y.is_many):
            a, b = (of[Projection(self.center, self.ridge)] for of in (x, y))
            return array_namespace(a, b).linalg.matrix_norm(a - b)
        s, t = (of[SingularValues(self.center)] for of in (x, y))
        scales = whitening(s, self.ridge), whitening(t, self.ridge)
        xp = array_namespace(s, t)
        common = scaled_products(x, y, self.center, scales)
        own = xp.sum((s / scales[0]) ** 4) + xp.sum((t / scales[1]) ** 4)
        squared = own - 2 * xp.sum(common**2)
        return xp.sqrt(squared) if squared > NEAR * own else self._near(x, y)

    def _near(self, x: Prepared, y: Prepared) -> Float[Array, ""]:
        """The same without cancellation: with W_y = U_x C + E, it is that of [D^2 - CC', -CE'; -EC', -EE']."""
        of = PrincipalComponents(self.center)
        s, t = (singular_values(side[of]) for side in (x, y))
        wide = whitening(t, self.ridge)
        xp = array_namespace(s)
        c = x.joint(y, ComponentProducts(self.center, from_rows=True)) / (s[:, None] * wide[None, :])

        def products(i: int, j: int) -> Float[Array, "q q"]:
            e = y.some(of, i, j) / wide - (x.some(of, i, j) / s) @ c
            return e.T @ e

        beyond = summed((x.n, max(side.d if side.is_many else side.size for side in (x, y))), products)
        own = (s / whitening(s, self.ridge)) ** 2
        inside = xp.eye(s.shape[0], dtype=xp.float64, device=s.device) * own - c @ c.T
        return xp.sqrt(xp.sum(inside**2) + 2 * xp.sum((c.T @ c) * beyond) + xp.sum(beyond**2))


NEAR = 1e-5
"""Below this share of |A|^2 + |B|^2 the squared distance of two projections loses digits in their difference."""
