"""Scores of alignments without each item, from the decomposition that the score needs: see `without_each`."""

from collections.abc import Callable
from math import pi
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from likewise.arrays import Array, array_namespace, gather, to_numpy
from likewise.measures.without_each import LEAST, WithoutEach
from likewise.quantities import (
    AlignedProducts,
    BothRows,
    CanonicalDecomposition,
    CrossDecomposition,
    Factor,
    Norm,
    Prepared,
    PrincipalComponents,
    RowNorms,
    SharedCoordinates,
    SingularValues,
    are_shared,
    collected,
    nodes,
)

FINE = {"step": 0.5, "beyond": 6.0}
"""Nodes for seven digits of what an item changes, where a node costs O(n d)."""

COARSE = {"step": 1.5, "beyond": 2.0}
"""Nodes for 1 to 2 % of the deviation, where a node costs products of matrices."""


def of_nuclear_norm(
    *, center: bool = True, score: Literal["similarity", "distance", "angle"] = "similarity"
) -> WithoutEach:
    r"""The nuclear norm of X'Y beside the norms of both, without each item: to seven digits of what it changes.

    With X'Y = U S V', e_i = U'x_i, f_i = V'y_i (0 where the other side has no such direction), and r = n / (n - 1)
    (1 if not centred), X'Y without an item is :math:`X'Y - r x_i y_i'`, and

    .. math:: |X'Y|_{*,-i} = \operatorname{tr} S + \frac{1}{\pi} \int_0^\infty \log D_i(t) \, dt, \quad
        D_i = (1 - c_i)^2 + t^2 a_i b_i

    .. math:: a_i = r \sum_j \frac{e_{ij}^2}{s_j^2 + t^2}, \quad b_i = r \sum_j \frac{f_{ij}^2}{s_j^2 + t^2}, \quad
        c_i = r \sum_j \frac{e_{ij} f_{ij} s_j}{s_j^2 + t^2}

    because D is the determinant of what the item changes of :math:`Z - \mathrm{i} t`, where Z, with X'Y and Y'X beside
    its diagonal, has the eigenvalues :math:`\pm s`. O(n d) a node after the decomposition.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        n = x.n
        r = n / (n - 1) if center else 1.0
        s, over = _coordinates(x, y, center)
        shared = to_numpy(are_shared(x, y, s, center))
        if not shared.any():
            return None
        at, weight = nodes(float(s[shared].min()), float(s[shared].max()), **FINE)
        moved, own_x, own_y = over(lambda e, f, of_x, of_y: _logarithms(e, f, of_x, of_y, s, shared, r, at, weight))
        shares = [(own.sum() - r * own) / own.sum() for own in (own_x, own_y)]
        if min(share.min() for share in shares) <= LEAST:
            return None
        left_x, left_y = own_x.sum() - r * own_x, own_y.sum() - r * own_y
        cosine = (s[shared].sum() + moved) / np.sqrt(left_x * left_y)
        if score == "similarity":
            return np.asarray(cosine)
        if (1 - cosine <= LEAST).any():
            return None
        return np.asarray(np.sqrt(2 - 2 * cosine) if score == "distance" else np.arccos(cosine))

    return found


Work: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, ...]]
"""Takes of some rows their coordinates on both sides, (m, e) and (m, f), and their squared lengths on both, (m,)."""


def _coordinates(
    x: Prepared, y: Prepared, center: bool
) -> tuple[Float[np.ndarray, " k"], Callable[[Work], tuple[Float[np.ndarray, " n"], ...]]]:
    """The singular values of X'Y of sides of unit length, and what lets a function take the rows in their directions.

    It takes some rows at a time, and numbers of each row come back.
    """
    size_x, size_y = float(x[Norm(center)]), float(y[Norm(center)])
    if not (x.is_many or y.is_many):
        e, s, f = (to_numpy(m) for m in x.joint(y, SharedCoordinates(center)))
        own_x, own_y = (
            (to_numpy(of[Factor(center)]) ** 2).sum(axis=1) / size**2 for of, size in ((x, size_x), (y, size_y))
        )
        width = 4 * max(e.shape[1], f.shape[1])  # each row becomes several of that width

        def held(work: Work) -> tuple[Float[np.ndarray, " n"], ...]:
            return collected((x.n, width), lambda i, j: work(e[i:j], f[i:j], own_x[i:j], own_y[i:j]))

        return s, held
    u, s, vh = (to_numpy(m) for m in x.joint(y, CrossDecomposition(center)))

    def read(work: Work) -> tuple[Float[np.ndarray, " n"], ...]:
        def some(i: int, j: int, rows_x: Array, rows_y: Array) -> tuple[np.ndarray, ...]:
            a, b = to_numpy(rows_x) / size_x, to_numpy(rows_y) / size_y
            return work(a @ u, b @ vh.T, (a**2).sum(axis=1), (b**2).sum(axis=1))

        return BothRows(x, y, center, copies=4).collected(some)

    return s / (size_x * size_y), read


def _logarithms(
    e: Float[np.ndarray, "m e"],
    f: Float[np.ndarray, "m f"],
    own_x: Float[np.ndarray, " m"],
    own_y: Float[np.ndarray, " m"],
    s: Float[np.ndarray, " k"],
    shared: Bool[np.ndarray, " k"],
    r: float,
    t: Float[np.ndarray, " t"],
    weight: Float[np.ndarray, " t"],
) -> tuple[Float[np.ndarray, " m"], ...]:
    """Of some rows: what the nuclear norm changes without each, and their squared lengths."""
    e, f, s = e[:, : len(s)], f[:, : len(s)], s[shared]
    if not shared.all():
        e, f = e[:, shared], f[:, shared]
    p = t**2 / (s[:, None] ** 2 + t**2)
    c = r * (e * f) @ (s[:, None] / t * p) / t
    # Directions that the sides do not share have s = 0, and p = 1.
    a, b = (z**2 @ p + np.maximum(own - (z**2).sum(axis=1), 0.0)[:, None] for z, own in ((e, own_x), (f, own_y)))
    return np.log((1 - c) ** 2 + (r / t) ** 2 * a * b) @ weight / np.pi, own_x, own_y


OPEN = 1e-8
"""Share of the largest canonical correlation below which two directions count as if they had nothing in common."""


def of_canonical(*, score: Literal["mean", "angle"] = "mean") -> WithoutEach:
    r"""The sum of canonical correlations, as their mean or an angle, without each item: to seven digits of the change.

    With orthonormal rows u_i, v_i of both sides, leverages h_i = r |u_i|^2 and k_i = r |v_i|^2, r = n / (n - 1), and
    the coordinates e_i, f_i in canonical directions (0 where the other side has no such direction),

    .. math:: \sum_j \rho_{j,-i} = \sum_j \rho_j + \frac{1}{\pi} \int_0^\infty
        \log \frac{D_i(t)}{(1 - h_i) (1 - k_i)} \, dt

    .. math:: D_i = (1 - c_i - t^2 a_i) (1 - c_i - t^2 b_i) + t^2 (a_i - c_i) (b_i - c_i)

    with a, b and c as in `of_nuclear_norm`, s the correlations. They are the eigenvalues of the pencil of
    [0 C; C' 0] and the identity, of which an item takes its outer products: D is the determinant of what that changes,
    and the leverages are what it changes of the second matrix alone. O(n d) a node after the decomposition.

    None where a side without an item has no direction to spare, or an item alone holds one.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        n, of = x.n, PrincipalComponents(center=True)
        r = n / (n - 1)
        scales = [side[SingularValues(center=True)] for side in (x, y)]
        ranks = [scale.shape[0] for scale in scales]
        if max(ranks) >= n - 2:
            return None
        u, rho, vh = (to_numpy(m) for m in x.joint(y, CanonicalDecomposition(0.0)))
        shared = rho > OPEN * rho[0]
        if rho[0] <= LEAST:
            return None
        at, weight = nodes(float(rho[shared].min()), float(rho[0]), **FINE)
        p = at**2 / (rho[shared, None] ** 2 + at**2)
        turns = u[:, shared], vh.T[:, shared]

        def some(i: int, j: int) -> tuple[Float[np.ndarray, " m"], ...]:
            rows = [to_numpy(side.some(of, i, j) / scale) for side, scale in zip((x, y), scales, strict=True)]
            coordinates = [row @ turn for row, turn in zip(rows, turns, strict=True)]
            h, k = (r * (row**2).sum(axis=1) for row in rows)
            # t^2 a, t^2 b and t c: of directions that the sides do not share rho is 0, and p is 1.
            a, b = (
                r * (z**2 @ p) + (own - r * (z**2).sum(axis=1) if z.shape[1] < rank else 0 * own)[:, None]
                for z, own, rank in zip(coordinates, (h, k), ranks, strict=True)
            )
            c = r * (coordinates[0] * coordinates[1]) @ (rho[shared, None] / at * p) / at
            d = (1 - c - a) * (1 - c - b) + (a - at**2 * c) * (b - at**2 * c) / at**2
            left = (1 - h) * (1 - k)
            with np.errstate(divide="ignore", invalid="ignore"):  # of an item that alone holds a direction
                return np.log(d / left[:, None]) @ weight / np.pi, left

        width = 4 * max(ranks)  # each row becomes several of that width
        moved, left = collected((n, width), some)
        if left.min() <= LEAST:
            return None
        total = rho.sum() + moved
        if score == "mean":
            return np.asarray(total / min(ranks))
        cosine = total / (ranks[0] * ranks[1]) ** 0.5
        return None if (1 - cosine <= LEAST).any() else np.asarray(np.arccos(cosine))

    return found


CHECKED = 16
"""Items of which what single precision loses is seen: some of all, and as many of the longest."""

CLOSE = 0.005
"""Share of the deviation that single precision may cost an item."""

FIRST_ORDER = 10
"""Rows for each feature from which scores without an item are told to first order, where nothing better is known."""


def of_aligned_cosine(center: bool) -> WithoutEach:
    r"""The mean cosine after the best rotation, of many rows: to first order, O(n d e).

    With C = X'Y / n = U S V', Q = U V', e_i = U'x_i, f_i = V'y_i, unit rows a_i, b_i, M the mean of a_i b_i' and
    :math:`G_{jk} = (U'MV)_{jk} / (s_j + s_k)`, a score without item i is :math:`\theta - \psi_i / (n - 1)`,

    .. math:: \psi_i = \cos_i - \theta + e_i'(G - G')f_i + x_i'(I - UU')MVS^{-1}f_i + e_i'S^{-1}U'M(I - VV')y_i
        - x_i'g - y_i'h

    with g, h the means of :math:`(Qb_i - \cos_i a_i) / |x_i|` and :math:`(Q'a_i - \cos_i b_i) / |y_i|`, 0 where
    nothing is centred. None where there are fewer than ten rows to a feature, or a direction is hardly shared. Where
    rows are not many: `_cosine_without_each`.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        if not (x.is_many or y.is_many):
            return _cosine_without_each(x, y, center)
        if not (x.is_many and y.is_many) or x.n < FIRST_ORDER * max(x.d, y.d):
            return None
        u, s, vh = (to_numpy(m) for m in x.joint(y, CrossDecomposition(center)))
        if s[-1] <= LEAST * s[0]:
            return None
        n, v = x.n, vh.T
        length_x, length_y = (to_numpy(of[RowNorms(center)]) for of in (x, y))
        cosines = to_numpy(x.joint(y, AlignedProducts(center))) / (length_x * length_y)
        both = BothRows(x, y, center)

        def means(i: int, j: int, rows_x: Array, rows_y: Array) -> tuple[np.ndarray, ...]:
            of_x, of_y, cosine = length_x[i:j], length_y[i:j], cosines[i:j] / n
            a, b = to_numpy(rows_x) / of_x[:, None], to_numpy(rows_y) / of_y[:, None]
            return a.T @ b / n, (1 / of_x) @ b / n, (1 / of_y) @ a / n, (cosine / of_x) @ a, (cosine / of_y) @ b

        m, g_turned, h_turned, g, h = both.summed(means)
        g, h = (u @ (vh @ g_turned) - g, v @ (u.T @ h_turned) - h) if center else (0 * g, 0 * h)
        inner = u.T @ m @ v / (s[:, None] + s)
        # Divided by the singular values of X'Y, not of its n-th part.
        turn = n * (inner - inner.T)
        beyond_x, beyond_y = n * (m @ v - u @ (u.T @ m @ v)) / s, n * ((u.T @ m - u.T @ m @ v @ vh).T / s)
        form = (u @ turn + beyond_x) @ vh + u @ beyond_y.T

        def moves(i: int, j: int, rows_x: Array, rows_y: Array) -> Float[np.ndarray, " m"]:
            a, b = to_numpy(rows_x), to_numpy(rows_y)
            return np.asarray(np.vecdot(a @ form, b) - a @ g - b @ h)

        return np.asarray(cosines.mean() - (cosines - cosines.mean() + both.collected(moves)) / (n - 1))

    return found


def _cosine_without_each(x: Prepared, y: Prepared, center: bool) -> Float[np.ndarray, " n"] | None:
    r"""The mean cosine after the best rotation without each item: 20 products of matrices, whatever n.

    X'Y without an item has one term less, so its polar factor Q follows from that of the whole. With e, f, a, b, c and
    D as in `of_nuclear_norm`, N the sum of the products of unit rows and T = U'NV,

    .. math:: \langle N, Q_{-i} - Q \rangle = \frac{2 r}{\pi} \int_0^\infty \frac{1}{D_i} \Big[ (1 - c_i)
        (\langle f, qTqe \rangle - t^2 \langle e, pTpf \rangle) - t^2 (b_i \langle e, pTqe \rangle + a_i \langle f, qTpf
        \rangle) \Big] dt, \quad p = \frac{1}{s^2 + t^2}, \; q = \frac{s}{s^2 + t^2}

    .. math:: r x_i'Q_{-i}y_i = \frac{2}{\pi} \int_0^\infty \frac{c_i (1 - c_i) - t^2 a_i b_i}{D_i} dt

    That the mean moves without an item is told to first order, as in `of_aligned_cosine`. The steps of
    the integral leave 1 to 2 % of the deviation. The forms, nearly all of the cost, are computed in single precision,
    and again in double where that is seen to cost some items more than half a percent of the deviation. None where
    the sides share no direction.
    """
    n = x.n
    r = n / (n - 1) if center else 1.0
    e, s, f = x.joint(y, SharedCoordinates(center))
    xp = array_namespace(e)
    size_x, size_y = float(x[Norm(center)]), float(y[Norm(center)])
    shared = are_shared(x, y, s, center)
    if not xp.any(shared):
        return None
    width = max(e.shape[1], f.shape[1])
    e, f = _padded(e, width), _padded(f, width)
    s = _padded(xp.where(shared, s, xp.zeros_like(s))[None, :], width)[0, :]
    length_x, length_y = x[RowNorms(center)] / size_x, y[RowNorms(center)] / size_y
    a, b = e / length_x[:, None], f / length_y[:, None]
    at, weights = nodes(float(xp.min(s[s > 0])), float(xp.max(s)), **COARSE)
    between = a.T @ b
    products = xp.where(s > 0, e * f, xp.zeros_like(e))
    own = xp.sum(products, axis=1)
    cosines = own / (length_x * length_y)
    moved, alone = _integrals(e, f, between, s, r, at, weights, xp.float32)
    lengths = length_x * length_y
    longest = np.argsort(to_numpy(lengths))[-CHECKED:]
    some = np.union1d(np.arange(0, n, max(1, n // CHECKED)), longest)
    exact, _ = _integrals(gather(e, some, 0), gather(f, some, 0), between, s, r, at, weights, xp.float64)
    if xp.max(xp.abs(gather(moved, some, 0) - exact)) > CLOSE * xp.std(moved - alone / lengths):
        moved, alone = _integrals(e, f, between, s, r, at, weights, xp.float64)
    alone = own + alone
    if center:  # rows without an item are about a mean that moved by its n-th part
        kept = xp.astype(s > 0, xp.float64)
        g = kept * xp.sum(b / length_x[:, None], axis=0) - (cosines / length_x) @ a
        h = kept * xp.sum(a / length_y[:, None], axis=0) - (cosines / length_y) @ b
        moved = moved + (e @ g + f @ h) / (n - 1)
    return to_numpy((xp.sum(cosines) + moved - alone / lengths) / (n - 1))


def _integrals(
    e: Float[Array, "m k"],
    f: Float[Array, "m k"],
    between: Float[Array, "k k"],
    s: Float[Array, " k"],
    r: float,
    at: Float[np.ndarray, " t"],
    weights: Float[np.ndarray, " t"],
    precision: Any,
) -> tuple[Float[Array, " m"], Float[Array, " m"]]:
    """Both integrals of `_cosine_without_each` for some items, the forms of the first in so many digits."""
    xp = array_namespace(e)
    products, squares_e, squares_f = e * f, e**2, f**2
    few_e, few_f, few_t = (xp.astype(part, precision) for part in (e, f, between))
    moved, alone = xp.zeros_like(e[:, 0]), xp.zeros_like(e[:, 0])
    for t, weight in zip(at.tolist(), weights.tolist(), strict=True):
        # p t^2 and q t, which are at most 1; so are a t^2, b t^2 and c t beside squared lengths.
        p, q = t**2 / (s**2 + t**2), s * t / (s**2 + t**2)
        of_x, of_y, c = r * (squares_e @ p), r * (squares_f @ p), r * (products @ q) / t
        d = (1 - c) ** 2 + of_x * of_y / t**2
        forms = _forms(few_e, few_f, few_t, xp.astype(p, precision), xp.astype(q, precision))
        pp, pq, qp, qq = (xp.astype(form, xp.float64) for form in forms)
        turned = (1 - c) * (qq - pp) / t**2 - (of_y * pq + of_x * qp) / t**3
        moved = moved + weight * r * turned / d
        alone = alone + weight * ((c * (1 - c) - of_x * of_y / t**2) / d - c) / r
    return 2 / pi * moved, 2 / pi * alone


def _padded(m: Float[Array, "n d"], width: int) -> Float[Array, "n w"]:
    """With columns of zeros, for what the other side does not have."""
    xp = array_namespace(m)
    return xp.concat([m, xp.zeros((m.shape[0], width - m.shape[1]), dtype=m.dtype, device=m.device)], axis=1)


def _forms(
    e: Float[Array, "n k"], f: Float[Array, "n k"], t: Float[Array, "k k"], p: Float[Array, " k"], q: Float[Array, " k"]
) -> list[Float[Array, " n"]]:
    """<e, pTpf>, <e, pTqe>, <f, qTpf> and <f, qTqe> of each item."""
    vecdot = array_namespace(e).linalg.vecdot
    p_e, q_e, p_f, q_f = e * p, e * q, f * p, f * q
    left, right = p_e @ t, q_f @ t
    return [vecdot(left, p_f), vecdot(left, q_e), vecdot(right, p_f), vecdot(right, q_e)]
