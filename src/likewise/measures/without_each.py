"""Scores without each item in turn, all from what is known of the whole: no score is computed n times.

Each function here makes one that takes both sides and returns n scores, or None where its way loses digits or does not
hold for these data. Intervals then come from groups of inputs that are left out. Scores of neighbours are not quite
those without each item: `counted_once`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, from_strict_triangle, inverse, strict_triangle, to_numpy
from likewise.quantities import (
    AlignedProducts,
    ComponentProducts,
    CrossDecomposition,
    Factor,
    Gram,
    Neighbours,
    Norm,
    PerItem,
    PerPair,
    Prepared,
    PrincipalComponents,
    Quantity,
    RowNorms,
    SharedDirections,
    SingularValues,
    UnitDistances,
    are_shared,
    in_passes,
    nodes,
    places_in,
    spans,
)

WithoutEach: TypeAlias = Callable[[Prepared, Prepared], Float[np.ndarray, " n"] | None]
"""Takes both sides, returns the score without each item; None where that cannot be told from the whole."""

Rivals: TypeAlias = Callable[[Prepared, Prepared], list[float]]
"""Takes both sides, returns the scores under choices that other samples may make; none where there is no doubt."""

LEAST = 1e-6
"""Where one item holds all but this share of a norm, what is left without it keeps fewer than ten digits."""


def _left(t: Float[Array, " n"], k: Float[Array, " n"], m: Float[Array, " n"], debiased: bool) -> Float[Array, " n"]:
    """The inner product of two centred matrices without each item, up to a factor.

    From the row sums t of A * B, and the diagonals k, m of A and B, which without an item are centred anew.
    """
    n, whole = t.shape[0], array_namespace(t).sum(t)
    if debiased:
        return whole - 2 * (n - 2) / (n - 3) * t
    r = n / (n - 1)
    return whole - 2 * r * t + r * r * k * m


def of_rows(scores: Callable[[Prepared, Prepared], Float[Array, " n"]]) -> WithoutEach:
    """The mean of scores of the items, each of which feels no other item: exact, O(n)."""

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        rows = to_numpy(scores(x, y))
        return (rows.sum() - rows) / (x.n - 1) if x.n > 1 else None

    return found


@dataclass(frozen=True)
class OwnProduct(PerItem):
    """<A, A> without each item, and its share of the whole."""

    quantity: PerPair
    debiased: bool

    def compute(self, of: Prepared) -> Float[Array, "n 2"]:
        """Return both as columns."""
        t, k = self.quantity.products(of, of), self.quantity.diagonal(of)
        xp = array_namespace(t)
        left = _left(t, k, k, self.debiased)
        return xp.stack([left, left / xp.sum(t)], axis=1)

    def nbytes(self, n: int, d: int) -> int:
        """Return 16 n."""
        return 16 * n


def of_centred(quantity: PerPair, *, debiased: bool, root: bool = False) -> WithoutEach:
    r"""The cosine of two matrices centred by rows and columns, or its ``root``: exact.

    With t the row sums of A * B, and r = n / (n - 1),

    .. math:: \langle A, B \rangle_{-i} = \sum_j t_j - 2 r t_i + r^2 A_{ii} B_{ii}

    and where ``debiased``, up to a factor that cancels, :math:`\sum_j t_j - 2 \frac{n-2}{n-3} t_i`. O(n^2), or
    O(n d e) for linear kernels of few features.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        own_x, own_y = (to_numpy(of[OwnProduct(quantity, debiased)]) for of in (x, y))
        if min(own_x[:, 1].min(), own_y[:, 1].min()) <= LEAST:
            return None
        t, k, m = quantity.products(x, y), quantity.diagonal(x), quantity.diagonal(y)
        inner = to_numpy(_left(t, k, m, debiased))
        scores = inner / np.sqrt(own_x[:, 0] * own_y[:, 0])
        return np.asarray(np.sqrt(np.maximum(scores, 0.0)) if root else scores)

    return found


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
        u, s, v = (to_numpy(m) for m in x.joint(y, SharedDirections(center)))
        shared = to_numpy(are_shared(x, y, s / float(x[Norm(center)] * y[Norm(center)]), center))
        if not shared.any():
            return None
        u, s, v = u[:, : len(s)][:, shared], s[shared], v[:, : len(s)][:, shared]
        at, weight = nodes(float(s.min()), float(s.max()), **FINE)
        rows = [
            _logarithms(to_numpy(a[i:j, :]), to_numpy(b[i:j, :]), u, s, v, r, at, weight)
            for _, _, a, b in in_passes(x, y, center)
            for i, j in spans(a.shape[0], 4 * max(a.shape[1], b.shape[1]))  # each row becomes several of that width
        ]
        moved, own_x, own_y = (np.concatenate(part) for part in zip(*rows, strict=True))
        shares = [(own.sum() - r * own) / own.sum() for own in (own_x, own_y)]
        if min(share.min() for share in shares) <= LEAST:
            return None
        left_x, left_y = own_x.sum() - r * own_x, own_y.sum() - r * own_y
        cosine = (s.sum() + moved) / np.sqrt(left_x * left_y)
        if score == "similarity":
            return np.asarray(cosine)
        if (1 - cosine <= LEAST).any():
            return None
        return np.asarray(np.sqrt(2 - 2 * cosine) if score == "distance" else np.arccos(cosine))

    return found


def _logarithms(
    x: Float[np.ndarray, "m d"],
    y: Float[np.ndarray, "m e"],
    u: Float[np.ndarray, "d k"],
    s: Float[np.ndarray, " k"],
    v: Float[np.ndarray, "e k"],
    r: float,
    t: Float[np.ndarray, " t"],
    weight: Float[np.ndarray, " t"],
) -> tuple[Float[np.ndarray, " m"], ...]:
    """Of some rows: what the nuclear norm changes without each, and their squared lengths."""
    e, f = x @ u, y @ v
    own_x, own_y = (x**2).sum(axis=1), (y**2).sum(axis=1)
    p = t**2 / (s[:, None] ** 2 + t**2)
    c = r * (e * f) @ (s[:, None] / t * p) / t
    # Directions that the sides do not share have s = 0, and p = 1.
    a, b = (z**2 @ p + np.maximum(own - (z**2).sum(axis=1), 0.0)[:, None] for z, own in ((e, own_x), (f, own_y)))
    return np.log((1 - c) ** 2 + (r / t) ** 2 * a * b) @ weight / np.pi, own_x, own_y


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
        m, g, h = (np.zeros(shape) for shape in ((x.d, y.d), x.d, y.d))
        g_turned, h_turned = np.zeros(y.d), np.zeros(x.d)
        for i, j, rows_x, rows_y in in_passes(x, y, center):
            a, b = to_numpy(rows_x) / length_x[i:j, None], to_numpy(rows_y) / length_y[i:j, None]
            m += a.T @ b / n
            g_turned, h_turned = g_turned + (1 / length_x[i:j]) @ b / n, h_turned + (1 / length_y[i:j]) @ a / n
            g, h = g + (cosines[i:j] / length_x[i:j]) @ a / n, h + (cosines[i:j] / length_y[i:j]) @ b / n
        g, h = (u @ (vh @ g_turned) - g, v @ (u.T @ h_turned) - h) if center else (0 * g, 0 * h)
        inner = u.T @ m @ v / (s[:, None] + s)
        # Divided by the singular values of X'Y, not of its n-th part.
        turn = n * (inner - inner.T)
        beyond_x, beyond_y = n * (m @ v - u @ (u.T @ m @ v)) / s, n * ((u.T @ m - u.T @ m @ v @ vh).T / s)
        moved = []
        for _, _, rows_x, rows_y in in_passes(x, y, center):
            a, b = to_numpy(rows_x), to_numpy(rows_y)
            e, f = a @ u, b @ v
            part = ((e @ turn + a @ beyond_x) * f).sum(axis=1) + ((b @ beyond_y) * e).sum(axis=1)
            moved.append(part - a @ g - b @ h)
        return np.asarray(cosines.mean() - (cosines - cosines.mean() + np.concatenate(moved)) / (n - 1))

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
    the integral leave 1 to 2 % of the deviation. None where the sides share no direction.
    """
    n = x.n
    r = n / (n - 1) if center else 1.0
    u, s, v = x.joint(y, SharedDirections(center))
    xp = array_namespace(u)
    width = max(u.shape[1], v.shape[1])
    size_x, size_y = float(x[Norm(center)]), float(y[Norm(center)])
    shared = are_shared(x, y, s / (size_x * size_y), center)
    if not xp.any(shared):
        return None
    e = _padded(x[Factor(center)] @ u, width) / size_x
    f = _padded(y[Factor(center)] @ v, width) / size_y
    s = _padded((xp.where(shared, s, xp.zeros_like(s)) / (size_x * size_y))[None, :], width)[0, :]
    length_x, length_y = x[RowNorms(center)] / size_x, y[RowNorms(center)] / size_y
    a, b = e / length_x[:, None], f / length_y[:, None]
    at, weights = nodes(float(xp.min(s[s > 0])), float(xp.max(s)), **COARSE)
    between = a.T @ b
    products, squares_e, squares_f = e * f, e**2, f**2
    own = xp.sum(xp.where(s > 0, products, xp.zeros_like(products)), axis=1)
    cosines, moved, alone = own / (length_x * length_y), xp.zeros_like(own), xp.zeros_like(own)
    for t, weight in zip(at.tolist(), weights.tolist(), strict=True):
        # p t^2 and q t, which are at most 1; so are a t^2, b t^2 and c t beside squared lengths.
        p, q = t**2 / (s**2 + t**2), s * t / (s**2 + t**2)
        of_x, of_y, c = r * (squares_e @ p), r * (squares_f @ p), r * (products @ q) / t
        d = (1 - c) ** 2 + of_x * of_y / t**2
        pp, pq, qp, qq = _forms(e, f, between, p, q)
        turned = (1 - c) * (qq - pp) / t**2 - (of_y * pq + of_x * qp) / t**3
        moved = moved + weight * r * turned / d
        alone = alone + weight * ((c * (1 - c) - of_x * of_y / t**2) / d - c) / r
    moved, alone = 2 / pi * moved, own + 2 / pi * alone
    if center:  # rows without an item are about a mean that moved by its n-th part
        kept = xp.astype(s > 0, xp.float64)
        g = kept * xp.sum(b / length_x[:, None], axis=0) - (cosines / length_x) @ a
        h = kept * xp.sum(a / length_y[:, None], axis=0) - (cosines / length_y) @ b
        moved = moved + (e @ g + f @ h) / (n - 1)
    return to_numpy((xp.sum(cosines) + moved - alone / (length_x * length_y)) / (n - 1))


def _padded(m: Float[Array, "n d"], width: int) -> Float[Array, "n w"]:
    """With columns of zeros, for what the other side does not have."""
    xp = array_namespace(m)
    return xp.concat([m, xp.zeros((m.shape[0], width - m.shape[1]), dtype=m.dtype, device=m.device)], axis=1)


def _forms(
    e: Float[Array, "n k"], f: Float[Array, "n k"], t: Float[Array, "k k"], p: Float[Array, " k"], q: Float[Array, " k"]
) -> list[Float[Array, " n"]]:
    """<e, pTpf>, <e, pTqe>, <f, qTpf> and <f, qTqe> of each item."""
    left, right = (e * p) @ t, (f * q) @ t
    return [left * f @ p, left * e @ q, right * f @ p, right * e @ q]


def of_regression(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
    r"""The share of the variance of X that linear regression on Y explains, in sample: exact.

    With residual rows e_i, leverages h_i (the mean's 1 / n among them), and lengths of the centred rows,

    .. math:: 1 - \frac{SSE - |e_i|^2 / (1 - h_i)}{SST - |x_i|^2 n / (n - 1)}

    None where Y's rows without one would be linearly independent, or one item alone holds a direction of Y.
    """
    n = x.n
    t = y[SingularValues(center=True)]
    if t.shape[0] >= n - 2:
        return None
    products = to_numpy(x.joint(y, ComponentProducts(center=True)))
    of, rows = PrincipalComponents(center=True), []
    # X up to a rotation: its components, whose products with the directions of Y are known.
    width = max(side.d if side.is_many else side.size for side in (x, y))
    for i, j in spans(n, width) if x.is_many or y.is_many else [(0, n)]:
        a, u = to_numpy(x.some(of, i, j)), to_numpy(y.some(of, i, j) / t)
        residual = a - u @ (products / to_numpy(t)).T
        rows.append(np.stack([(residual**2).sum(axis=1), (a**2).sum(axis=1), (u**2).sum(axis=1)]))
    residual, own, held = np.concatenate(rows, axis=1)
    alone = 1 - held - 1 / n
    whole = own.sum() - own * n / (n - 1)
    if min(alone.min(), whole.min() / own.sum()) <= LEAST:
        return None
    return np.asarray(1 - (residual.sum() - residual / alone) / whole)


LOCAL = ("euclidean", "sqeuclidean", "cosine", "correlation")
"""Distances that belong to their two items, whatever the others are."""


def of_distances(inner: str, outer: str) -> WithoutEach | None:
    """The correlation of two lists of distances, by Pearson or Spearman, or their cosine; None for other distances."""
    if inner not in LOCAL or outer not in ("spearman", "pearson", "cosine"):
        return None
    quantity = UnitDistances(inner, outer)  # type: ignore[arg-type]  # both were checked
    return (
        (lambda x, y: _of_ranks(x, y, quantity))
        if outer == "spearman"
        else (lambda x, y: _of_values(x, y, quantity, centred=outer == "pearson"))
    )


def _of_values(x: Prepared, y: Prepared, quantity: UnitDistances, *, centred: bool) -> Float[np.ndarray, " n"] | None:
    r"""From the row sums of the matrices and of their products: exact, O(n^2)."""
    a, b = to_numpy(x[quantity]), to_numpy(y[quantity])
    m = (x.n - 1) * (x.n - 2)

    def left(p: Float[np.ndarray, "n n"], q: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
        sums = np.einsum("ij,ij->i", p, q)
        means = 4 * p.sum(axis=1) * q.sum(axis=1) / m if centred else 0.0
        return np.asarray(sums.sum() - 2 * sums - means)

    own_x, own_y = left(a, a), left(b, b)  # of 2, both triangles
    if min(own_x.min(), own_y.min()) <= 2 * LEAST:
        return None
    return np.asarray(left(a, b) / np.sqrt(own_x * own_y))


def of_differences(quantity: PerPair, size: Norm | None) -> WithoutEach:
    r"""The norm of the difference of two lists of distances, each divided by its ``size``: exact, O(n^2).

    With A and B divided by the sizes of all items, which are 1 / x and 1 / y of those without one,

    .. math:: |x A - y B|^2 = x y |A - B|^2 + (x - y)(x |A|^2 - y |B|^2)

    where each norm without an item is that of all less twice a row's. None where nothing is left.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        a, b = (to_numpy(of[quantity]) / (1.0 if size is None else float(of[size])) for of in (x, y))
        between = _left_of_rows(a - b)
        if size is None:
            squared = between
        else:
            left_x, left_y = (_left_of_norm(of, size) for of in (x, y))
            if min(left_x.min(), left_y.min()) <= LEAST:
                return None
            scale_x, scale_y = 1 / np.sqrt(left_x), 1 / np.sqrt(left_y)
            own = scale_x * _left_of_rows(a) - scale_y * _left_of_rows(b)
            squared = scale_x * scale_y * between + (scale_x - scale_y) * own
        least = LEAST * ((a**2).sum() + (b**2).sum())
        return np.sqrt(squared / 2) if squared.min() > least else None

    return found


def _left_of_rows(a: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """The sum of squares of a symmetric matrix of zero diagonal without the row and column of each item."""
    rows = np.einsum("ij,ij->i", a, a)
    return np.asarray(rows.sum() - 2 * rows)


def _left_of_norm(of: Prepared, size: Norm) -> Float[np.ndarray, " n"]:
    """The share of the squared norm of the rows that is left without each item."""
    own = to_numpy(of[Gram(size.center)]).diagonal() / float(of[size]) ** 2
    return np.asarray(1 - own * (of.n / (of.n - 1) if size.center else 1.0))


FEW_TIES = 1e-3
"""Share of the distances that may be equal to others, as rounding makes some of many: less than it moves deviations."""


@dataclass(frozen=True)
class DistanceOrder(Quantity):
    """The pairs of items i < j from the nearest to the farthest; empty where more than a few are equally far apart."""

    quantity: UnitDistances

    def compute(self, of: Prepared) -> Int[Array, " m"]:
        """Return the places of the pairs in the strict triangle."""
        ranks = to_numpy(strict_triangle(of[self.quantity]))
        order = np.argsort(ranks, kind="stable")
        # Ranks of unit length are about 3.5 m^-1.5 apart.
        tied = np.count_nonzero(np.diff(ranks[order]) <= len(ranks) ** -1.5)
        return order if tied <= FEW_TIES * len(order) else order[:0]

    def nbytes(self, n: int, d: int) -> int:
        """Return 4 n^2."""
        return 4 * n * n


@dataclass(frozen=True)
class Nearer(PerPair):
    """Row i holds, for each item, how many others are nearer to item i; 0 for item i itself."""

    quantity: UnitDistances

    def compute(self, of: Prepared) -> Int[Array, "n n"]:
        """Return the counts."""
        distances = np.array(to_numpy(of[self.quantity]))
        np.fill_diagonal(distances, np.inf)
        places = inverse(np.argsort(distances, axis=1)).astype(np.int32)
        np.fill_diagonal(places, 0)
        return places

    def nbytes(self, n: int, d: int) -> int:
        """Return 4 n^2."""
        return 4 * n * n


@dataclass(frozen=True)
class RankFalls(PerItem):
    """Of the ranks of distances without each item: old mean, mean fall, and deviation of the falls."""

    quantity: UnitDistances

    def compute(self, of: Prepared) -> Float[Array, "n 3"]:
        """Return the columns."""
        n = of.n
        pairs, left = n * (n - 1) // 2, (n - 1) * (n - 2) / 2
        ranks = _ranks(of, self.quantity)
        mean = -ranks.sum(axis=1) / left
        fall = mean + (pairs - 1) / 2 - (left - 1) / 2  # the new ranks have the mean (left - 1) / 2
        old = ((ranks**2).sum() / 2 - (ranks**2).sum(axis=1)) / left - mean**2
        with_fall = _fallen(ranks, of, self.quantity) / left - mean * fall
        spread = (left**2 - 1) / 12 - old + 2 * with_fall
        return np.stack([mean, fall, np.sqrt(np.maximum(spread, 0.0))], axis=1)

    def nbytes(self, n: int, d: int) -> int:
        """Return 24 n."""
        return 24 * n


def _ranks(of: Prepared, quantity: UnitDistances) -> Float[np.ndarray, "n n"]:
    """The ranks of the distances about their mean, 0 on the diagonal."""
    pairs = of.n * (of.n - 1) / 2
    return np.asarray(to_numpy(of[quantity]) * np.sqrt(pairs * (pairs**2 - 1) / 12))


def _fallen(values: Float[np.ndarray, "n n"], of: Prepared, quantity: UnitDistances) -> Float[np.ndarray, " n"]:
    """Sum of values times falls of the ranks of ``of``, over the pairs without each item."""
    order = of[DistanceOrder(quantity)]
    upper = to_numpy(strict_triangle(values))
    beyond = np.empty(len(order))
    beyond[order] = upper.sum() - np.cumsum(upper[order])  # of the pairs that are farther apart
    return np.asarray(from_strict_triangle(beyond, of.n).sum(axis=1) - (values * of[Nearer(quantity)]).sum(axis=1))


def _of_ranks(x: Prepared, y: Prepared, quantity: UnitDistances) -> Float[np.ndarray, " n"] | None:
    r"""With the ranks taken anew, O(n^2); None where more than a few distances tie.

    Without item l the rank of the pair (j, k) falls by a_jk, the number of distances to l that are smaller, and what
    is summed over pairs becomes :math:`\sum (R - a)(Q - b)`. The parts :math:`\sum Q a` are sums of Q over all pairs
    that are farther apart than a pair with l, from one sort. Mean and variance of a follow from those of the new
    ranks, which are known. Only the covariance of a and b, a share of about 4 / n^2, is taken to be what it is where
    their correlation is the score.
    """
    if not len(x[DistanceOrder(quantity)]) or not len(y[DistanceOrder(quantity)]):
        return None
    left = (x.n - 1) * (x.n - 2) / 2
    r, q = _ranks(x, quantity), _ranks(y, quantity)
    (mean_r, fall_a, sd_a), (mean_q, fall_b, sd_b) = (of[RankFalls(quantity)].T for of in (x, y))
    products = r * q
    stay = (products.sum() / 2 - products.sum(axis=1)) / left - mean_r * mean_q
    with_a = _fallen(q, x, quantity) / left - mean_q * fall_a
    with_b = _fallen(r, y, quantity) / left - mean_r * fall_b
    rho = products.sum() / (r**2).sum()
    return np.asarray((stay - with_a - with_b + rho * sd_a * sd_b) / ((left**2 - 1) / 12))


def counted_once(
    rows: Float[np.ndarray, " n"], sums: Float[np.ndarray, " n"], squares: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    r"""The mean of rows without each item, drawn together so that the jackknife counts once what it counts twice.

    With f_j the ``rows`` and :math:`\Delta_{jl}` the change of row j where item l is left out,

    .. math:: n(n - 1) s^2 = \sum_l (c_l - \bar c)^2, \quad c_l = \sum_{j \ne l} \Delta_{jl} - f_l

    The squares of f_l hold all of the variance of a row, with the part that it owes to the other items. Those of
    :math:`\Delta_{jl}` hold this part once more, and by themselves: it is the jackknife of row j,

    .. math:: \sum_{jl} (\Delta_{jl} - \bar\Delta_j)^2

    So this is taken off, and what is left is spread over the items as before. For rows that are sums over the other
    items of unrelated terms that is exact; where the terms (j, l) and (l, j) are equal, half of what is too much stays.
    What hangs on pairs of items is counted twice, so it is no more than half of the whole, and no more is taken off.

    Parameters
    ----------
    rows : array, shape (n,)
        The scores of the items.
    sums : array, shape (n,)
        The sum of the changes of the other rows without each item.
    squares : array, shape (n,)
        For each row, the sum of squares of its changes about their mean.

    Returns
    -------
    array, shape (n,)
        Scores about the same mean as those without each item.

    References
    ----------
    The jackknife counts m times what hangs on m items: Efron and Stein (1981), doi:10.1214/aos/1176345462.
    """
    without = (rows.sum() - rows + sums) / (len(rows) - 1)
    mean = without.mean()
    moved = without - mean
    whole = (len(rows) - 1) ** 2 * (moved**2).sum()
    return np.asarray(mean + moved * np.sqrt(1 - min(squares.sum() / whole, 0.5)) if whole else without)


def of_overlap(
    k: int, center: bool, inner: Literal["cosine", "euclidean"], score: Callable[[np.ndarray], np.ndarray]
) -> WithoutEach | None:
    """The mean of ``score`` of the number of common neighbours, `counted_once`: O(n k) after the ranks.

    Who has item i among its k nearest takes the next in its place. None where distances feel the mean of all items.
    """
    if center and inner == "cosine":
        return None

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        n = x.n
        if n < k + 3:  # without an item there are too few
            return None
        near_x, near_y = (to_numpy(of[Neighbours(k + 1, inner, center)]) for of in (x, y))
        next_x, next_y = near_x[:, k], near_y[:, k]
        of_x, of_y = places_in(near_x, near_y[:, :k]) <= k, places_in(near_y, near_x[:, :k]) <= k
        (in_y, comes_x), (in_x, comes_y) = ((m[:, :k], m[:, k]) for m in (of_x, of_y))
        common = in_y.sum(axis=1)
        base = score(common)
        # Without a neighbour on both sides both take their next; without one of a side that side does.
        both = score(common - 1 + comes_x + comes_y + (next_x == next_y)) - base
        in_first, in_second = score(common + comes_x) - base, score(common + comes_y) - base
        of_x = np.where(in_y, both[:, None], in_first[:, None])
        of_y = np.where(in_x, 0.0, in_second[:, None])  # what is in both was counted
        return _drawn_together(base, np.hstack([near_x[:, :k], near_y[:, :k]]), np.hstack([of_x, of_y]))

    return found


def _drawn_together(
    rows: Float[np.ndarray, " n"], left: Int[np.ndarray, "n m"], changes: Float[np.ndarray, "n m"]
) -> Float[np.ndarray, " n"]:
    """`counted_once` from the changes of each row where items are left out; without all others it does not change."""
    n = len(rows)
    squares = (changes**2).sum(axis=1) - changes.sum(axis=1) ** 2 / (n - 1)
    return counted_once(rows, np.bincount(left.ravel(), changes.ravel(), n), squares)


RowScore: TypeAlias = Callable[
    [Bool[np.ndarray, "*m c"], Int[np.ndarray, "*m c"], Int[np.ndarray, "*m c"]], Float[np.ndarray, "*m"]
]
"""Takes which candidates are common neighbours, and their places on both sides; returns the score of an item."""

BLOCK = 1 << 20
"""Places of neighbours that are looked at together."""


def of_places(k: int, center: bool, inner: Literal["cosine", "euclidean"], score: RowScore) -> WithoutEach | None:
    """The mean of ``score`` of the places of common neighbours, `counted_once`: O(n k^2) after the ranks.

    Without an item, those behind it move up by one, and the next of either side comes in. None where distances feel the
    mean of all items.
    """
    if center and inner == "cosine":
        return None

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        n = x.n
        if n < k + 3:  # without an item there are too few
            return None
        near_x, near_y = (to_numpy(of[Neighbours(k + 1, inner, center)]) for of in (x, y))
        # Places beyond k + 1 come to no more than that without an item: the nearest say all.
        own, in_y, in_x = np.arange(1, k + 2), places_in(near_x, near_y), places_in(near_y[:, :k], near_x)
        left = np.hstack([near_x[:, :k], near_y[:, :k]])
        left_x = np.hstack([np.broadcast_to(own[:k], in_x.shape), in_x])[:, :, None]
        left_y = np.hstack([in_y[:, :k], np.broadcast_to(own[:k], in_x.shape)])[:, :, None]
        rows, changes = np.empty(n), np.empty((n, 2 * k))
        step = max(1, BLOCK // (2 * k * (k + 1)))
        for some in (slice(start, start + step) for start in range(0, n, step)):
            places, at_x, at_y = in_y[some], left_x[some], left_y[some]
            rows[some] = score((own <= k) & (places <= k), np.broadcast_to(own, places.shape), places)
            a, b = own - (own > at_x), places[:, None, :] - (places[:, None, :] > at_y)
            changes[some] = score((own != at_x) & (a <= k) & (b <= k), a, b) - rows[some, None]
            changes[some, k:][at_x[:, k:, 0] <= k] = 0.0  # what is near on both sides was counted
        return _drawn_together(rows, left, changes)

    return found
