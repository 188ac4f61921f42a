"""Principal components, and what is regressed on them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace, gather
from likewise.quantities.axes import Axes, FeatureProducts, all_of, are_rest, remaining
from likewise.quantities.columns import Columns
from likewise.quantities.decompositions import decomposed, of_largest
from likewise.quantities.factors import Factor, Norm, Scale
from likewise.quantities.passes import rows_in
from likewise.quantities.pieces import collected, filled, spans, summed
from likewise.quantities.prepared import OrderFree, PerItem, PerPair, Prepared
from likewise.quantities.rank import ORTHOGONAL, numerical_rank
from likewise.quantities.rotations import CrossProduct
from likewise.quantities.rounds import SummedProduct
from likewise.quantities.thin import Thin

ROWS = 4
"""Rows for each feature, at least, that are decomposed at a time."""


PROBES = 16
"""Sums with random signs of the cosines of a direction with all others: their mean square is the sum of squares of the
cosines, and takes no second product."""

FAINT = 1e-5
"""Share of the largest singular value from which products of the columns keep the digits of a direction."""


@dataclass(frozen=True)
class PrincipalComponents(PerItem):
    """The scores P = U diag(s) of X = U diag(s) V', or of c(X) where ``center``, to the numerical rank.

    Columns are orthogonal, of lengths s, which descend and are more than rounding.
    """

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "n rank"]:
        """Return P."""
        of[Norm(self.center)]  # undefined where nothing has a direction
        if of.is_many:
            if of[Axes(self.center)].shape[0]:
                found = array_namespace(of[Axes(self.center)]).empty((of.n, of.d), dtype=of[Axes(self.center)].dtype)
                return filled(found, lambda i, j: some_components(of, self.center, i, j, slice(None)))
            if of[Rest(self.center)].shape[0]:
                return self._of_rest(of)
            found = self._by_products(of)
            return self._in_passes(of) if found is None else found
        factor = of[Factor(self.center)]
        xp = array_namespace(factor)
        u, s, _ = xp.linalg.svd(factor, full_matrices=False)
        rank = numerical_rank(s, of.size, float(of[Scale()]))
        return u[:, :rank] * s[:rank]

    def _of_rest(self, of: Prepared) -> Float[Array, "n rank"]:
        """From those of all items, in the directions of `RestDecomposition`, which are open where they nearly tie."""
        triangle, parts = of[Rest(self.center)], of[RestDecomposition(self.center)]
        assert of.left_out is not None
        (whole, out), rank = of.left_out, triangle.shape[0]
        all_, s = whole[self], whole[SingularValues(self.center)]
        xp, kept = array_namespace(all_), of[SingularValues(self.center)].shape[0]
        turn = xp.linalg.solve(triangle.T, parts[:rank, :kept] * parts[rank, :kept])
        # Rows of all sum to zero, where they are centred.
        mean = -xp.sum(gather(all_, out, 0), axis=0) / of.n if self.center else xp.zeros_like(s)
        return collected((of.n, rank), lambda i, j: ((gather(all_, of._index[i:j], 0) - mean) / s) @ turn)

    def _by_products(self, of: Prepared) -> Float[Array, "n d"] | None:
        r"""By the eigenvectors V of X'X, and where needed once more for X V; None if a direction is faint.

        With S the lengths of the columns of X V, :math:`X V S^{-1}` is orthonormal up to
        :math:`\epsilon (s_1 / s_d)^2`. Where that is seen to be too much: with L L' the inner products of its columns,
        :math:`X = (X V S^{-1} L^{-T}) L' S V'`, now up to :math:`\epsilon s_1 / s_d`. Products are faster than QR
        decompositions, which need no such bound.

        References
        ----------
        With Cholesky factors: Yamamoto et al. (2015), Electronic Transactions on Numerical Analysis 44, 306-326.
        """
        products = of[FeatureProducts(self.center)]
        xp = array_namespace(products)
        squares, v = (xp.flip(m, axis=-1) for m in xp.linalg.eigh(products))
        if squares[-1] <= FAINT**2 * squares[0]:
            return None
        found = xp.empty((of.n, of.d), dtype=xp.float64, device=products.device)
        signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(of.d, PROBES))
        probes = xp.asarray(signs, device=products.device) / xp.sqrt(squares)[:, None]

        def turned(i: int, j: int) -> tuple[Float[Array, " d"], Float[Array, "d p"]]:
            part = rows_in(of, i, j, self.center) @ v
            found[i:j, :] = part
            return xp.sum(part * part, axis=0), part.T @ (part @ probes)

        squares, probed = summed((of.n, of.d), turned)
        s = xp.sqrt(squares)
        if numerical_rank(s, of.size, float(of[Scale()])) < of.d:
            return None
        left = probed / s[:, None] - s[:, None] * probes
        if xp.max(xp.mean(left * left, axis=1)) <= ORTHOGONAL**2:
            return found
        products = summed((of.n, of.d), lambda i, j: found[i:j, :].T @ found[i:j, :])
        cosines = products / (s[:, None] * s[None, :])
        if xp.max(xp.abs(cosines - xp.eye(of.d, dtype=cosines.dtype, device=cosines.device))) <= ORTHOGONAL:
            return found
        lower = xp.linalg.cholesky(cosines)
        u, t, _ = xp.linalg.svd(lower.T * s, full_matrices=False)
        again = xp.linalg.solve(lower.T, u * t) / s[:, None]
        return filled(found, lambda i, j: found[i:j, :] @ again)

    def _in_passes(self, of: Prepared) -> Float[Array, "n rank"]:
        """By the QR decompositions of some rows at a time, and that of their triangles: as stable as one of all."""
        found: Array = None
        triangles, places = [], []
        for start, stop in spans(of.n, of.d, least=ROWS * of.d):
            rows = rows_in(of, start, stop, self.center)
            xp = array_namespace(rows)
            q, r = xp.linalg.qr(rows)
            if found is None:
                found = xp.empty((of.n, of.d), dtype=xp.float64, device=rows.device)
            found[start:stop, : q.shape[1]] = q
            places.append((start, stop, q.shape[1]))
            triangles.append(r)
        q, r = xp.linalg.qr(xp.concat(triangles))
        u, s, _ = xp.linalg.svd(r, full_matrices=False)
        rank = numerical_rank(s, of.size, float(of[Scale()]))
        turn, first = q @ (u[:, :rank] * s[:rank]), 0
        for start, stop, kept in places:
            found[start:stop, :rank] = found[start:stop, :kept] @ turn[first : first + kept, :]
            first += kept
        return found[:, :rank]

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n min(n, d)."""
        return 8 * n * min(n, d)


def some_components(of: Prepared, center: bool, start: int, stop: int, columns: slice) -> Float[Array, "m k"]:
    """Some rows and columns of the principal components, of which no others are computed where `Axes` are known."""
    components = PrincipalComponents(center)
    if of.is_many and components not in of.quantities and (axes := of[Axes(center)]).shape[0]:
        return rows_in(of, start, stop, center) @ axes[:-1, columns]
    return of.some(components, start, stop)[:, columns]


def singular_values(components: Float[Array, "n rank"]) -> Float[Array, " rank"]:
    """The lengths of principal components."""
    xp = array_namespace(components)
    if not all(components.shape):
        return xp.sqrt(xp.sum(components**2, axis=0))
    # Squares of all would take as much again.
    return xp.sqrt(summed(components.shape, lambda i, j: xp.sum(components[i:j, :] ** 2, axis=0)))


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

    def thin(self, of: Prepared) -> Thin | None:
        """The same of many rows."""
        if not of.is_many:
            return None
        s = of[SingularValues(self.center)]
        return of_components(of, self.center, 1 / whitening(s, self.ridge) ** 2)


def of_components(of: Prepared, center: bool, weights: Float[Array, " rank"]) -> Thin:
    """P diag(weights) P' without forming it."""
    xp = array_namespace(weights)
    z = of[PrincipalComponents(center)]
    eye = xp.eye(weights.shape[0], dtype=xp.float64, device=weights.device)
    nothing = xp.zeros(of.n, dtype=xp.float64, device=weights.device)
    return Thin(z, eye * weights, nothing, {"gram": eye * of[SingularValues(center)] ** 2})


@dataclass(frozen=True)
class Explained(PerPair):
    """I - R'R, with R x what ridge regression on the centred rows leaves of any centred variable x of the same items.

    A (2 I - A) with A the `Projection`: the inner product with x x' is what of |x|^2 is explained.
    """

    ridge: float

    def compute(self, of: Prepared) -> Float[Array, "n n"]:
        """Return the matrix."""
        components = of[PrincipalComponents(center=True)]
        return (components * self._weights(singular_values(components))) @ components.T

    def _weights(self, s: Float[Array, " rank"]) -> Float[Array, " rank"]:
        kept = (s / whitening(s, self.ridge)) ** 2
        return kept * (2 - kept) / s**2

    def thin(self, of: Prepared) -> Thin | None:
        """The same of many rows."""
        return of_components(of, True, self._weights(of[SingularValues(center=True)])) if of.is_many else None


KEPT = 1e-3
"""Least share of a direction that items must keep, for its length to follow from that of all items."""


@dataclass(frozen=True)
class Rest(OrderFree):
    """What a few left-out items change of many: the triangle L with L L' = U'U of those that stay, about their mean.

    U are the orthonormal directions of all items. Empty where that does not hold, loses digits, or `Axes` say more.
    """

    center: bool

    def follows(self, whole: Prepared) -> bool:
        """A shuffle of a part goes by its own rows."""
        return whole.left_out is None

    def compute(self, of: Prepared) -> Float[Array, "rank rank"]:
        """Return L, of a part of many rows."""
        if not are_rest(of) or of[Axes(self.center)].shape[0]:
            return array_namespace(of.rows(0, 1)).zeros((0, 0))
        kept = rest_of(of, of, self.center)
        xp = array_namespace(kept)
        return xp.linalg.cholesky(kept) if xp.linalg.eigvalsh(kept)[0] > KEPT else kept[:0, :0]

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d^2."""
        return 8 * d * d


@dataclass(frozen=True)
class Missing(OrderFree):
    """U of the items that are left out of many."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "m rank"]:
        """Return these rows."""
        assert of.left_out is not None
        whole, out = of.left_out
        return gather(whole[PrincipalComponents(self.center)], out, 0) * (1 / whole[SingularValues(self.center)])

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d, and the same for each item that is left out: a twentieth of them as a rule."""
        return 8 * d * n // 20


def rest_of(x: Prepared, y: Prepared, center: bool) -> Float[Array, "r q"]:
    """U_x'U_y of the items that stay, about their mean, from that of all and the few that are left out."""
    assert x.left_out is not None
    assert y.left_out is not None
    whole, other = x.left_out[0], y.left_out[0]
    a, b = x[Missing(center)], y[Missing(center)]
    xp = array_namespace(a, b)
    if whole is other:
        all_ = xp.eye(a.shape[1], dtype=xp.float64, device=a.device)
    else:
        all_ = whole.joint(other, ComponentProducts(center)) / (
            whole[SingularValues(center)][:, None] * other[SingularValues(center)][None, :]
        )
    return remaining(all_, a.T @ b, xp.sum(a, axis=0), xp.sum(b, axis=0), x.n, center)


@dataclass(frozen=True)
class RestDecomposition(OrderFree):
    """Z diag(s) V' = L'S of `Rest`, as rows: Z, then s, then V'. S are the singular values of all items."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "rows rank"]:
        """Return the three, one below the other."""
        triangle, whole = of[Rest(self.center)], of.left_out
        assert whole is not None
        xp = array_namespace(triangle)
        z, s, vh = decomposed(triangle.T * whole[0][SingularValues(self.center)], of_largest)
        return xp.concat([z, s[None, :], vh])

    def nbytes(self, n: int, d: int) -> int:
        """Return 16 d^2, and 8 d."""
        return 16 * d * d + 8 * d


@dataclass(frozen=True)
class SingularValues(OrderFree):
    """The singular values of X, or of c(X) where ``center``, that are more than rounding; they descend."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, " rank"]:
        """Return the lengths of the principal components; of the rest of many items without these."""
        if of.is_many and of[Axes(self.center)].shape[0]:
            return of[Axes(self.center)][-1, :]
        if of.is_many and (rank := of[Rest(self.center)].shape[0]):
            s = of[RestDecomposition(self.center)][rank, :]
            return s[: numerical_rank(s, of.size, scale_of(of, self.center))]
        of[Norm(self.center)]
        return singular_values(of[PrincipalComponents(self.center)])

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 min(n, d)."""
        return 8 * min(n, d)


def scale_of(of: Prepared, center: bool) -> float:
    """What rounding of the singular values is measured against: `Scale`, of the rest of many items that of all."""
    whole = all_of(of, center) if of.is_many and of[Axes(center)].shape[0] else of
    if of.is_many and of[Rest(center)].shape[0] and of.left_out:
        whole, _ = of.left_out
    return float(whole[Scale()])


@dataclass(frozen=True)
class ComponentProducts(SummedProduct):
    """P_x'P_y, of the principal components of both sides, centred or not.

    Of items that are left of many they follow from those of all; not so if ``from_rows``, which keeps the digits of
    sides that are nearly the same.
    """

    center: bool
    from_rows: bool = False

    def compute(self, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        """Return the matrix: in passes of many rows, and of few left-out ones from that of all."""
        of = PrincipalComponents(self.center)
        if not (x.is_many or y.is_many):
            return x[of].T @ y[of]
        axes = None if self.from_rows else [side[Axes(self.center)] for side in (x, y)]
        if axes and all(of.shape[0] for of in axes):
            return axes[0][:-1, :].T @ x.joint(y, CrossProduct(self.center)) @ axes[1][:-1, :]
        if (found := self.known(x, y)) is not None:
            return found
        if not self.from_rows and are_rest(x, y) and all(side[Rest(self.center)].shape[0] for side in (x, y)):
            return self._of_rest(x, y)
        width = max(side.d if side.is_many else side.size for side in (x, y))
        return summed((x.n, width), lambda i, j: x.some(of, i, j).T @ y.some(of, i, j))

    def rows(self, of: Prepared, items: Int[Array, " m"]) -> Float[Array, "m r"]:
        """Return rows of P."""
        return gather(of[PrincipalComponents(self.center)], items, 0)

    def _of_rest(self, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        kept = rest_of(x, y, self.center)
        xp = array_namespace(kept)
        for side in (x, y):  # from the left, then the other
            rank = side[Rest(self.center)].shape[0]
            parts = side[RestDecomposition(self.center)]
            kept = (parts[:rank, :].T @ xp.linalg.solve(side[Rest(self.center)], kept)).T * parts[rank, :]
        return kept[: x[SingularValues(self.center)].shape[0], : y[SingularValues(self.center)].shape[0]]


def scaled_products(
    x: Prepared, y: Prepared, center: bool, scales: tuple[Float[Array, " r"], Float[Array, " q"]]
) -> Float[Array, "r q"]:
    """`ComponentProducts` with the components of each side divided by numbers."""
    return x.joint(y, ComponentProducts(center)) / (scales[0][:, None] * scales[1][None, :])


def whitening(s: Float[Array, " r"], ridge: float) -> Float[Array, " r"]:
    """What `Whitened` divides principal components by."""
    xp = array_namespace(s)
    return xp.sqrt(s**2 + ridge * xp.sum(s**2))


@dataclass(frozen=True)
class Loadings(OrderFree):
    """P'c(X): what each principal component is of the columns of the centred rows."""

    def compute(self, of: Prepared) -> Float[Array, "rank d"]:
        """Return the matrix."""
        of_rows = PrincipalComponents(center=True)
        if not of.is_many:
            return of[of_rows].T @ of[Columns(center=True)]
        if (axes := of[Axes(center=True)]).shape[0]:
            return axes[-1, :, None] ** 2 * axes[:-1, :].T
        if rank := (triangle := of[Rest(center=True)]).shape[0]:
            whole, _ = of.left_out or (of, None)
            parts = of[RestDecomposition(center=True)]
            all_ = whole[Loadings()] / whole[SingularValues(center=True)][:, None]
            turned = (triangle @ parts[:rank, :] * parts[rank, :]).T @ all_
            return turned[: of[SingularValues(center=True)].shape[0], :]
        return summed((of.n, of.d), lambda i, j: of.some(of_rows, i, j).T @ rows_in(of, i, j, center=True))

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d min(n, d)."""
        return 8 * d * min(n, d)
