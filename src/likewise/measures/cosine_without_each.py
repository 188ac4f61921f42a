"""The mean cosine after the best rotation without each item, from the decomposition that the score needs."""

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, inf, pi
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace, gather, to_numpy
from likewise.measures.without_each import LEAST, WithoutEach
from likewise.quantities import (
    AlignedProducts,
    BothRows,
    CrossDecomposition,
    Norm,
    Prepared,
    RowNorms,
    SharedCoordinates,
    are_shared,
    nodes,
)

GRID = {"step": 0.75, "beyond": 4.0}
"""Nodes that leave nothing to speak of: 2 exp(-pi^2 / 0.75) of the integrand."""

STRIDES = (1, 2, 3)
"""Which nodes of the grid are tried: each, every second, every third."""

OFF = 0.05
"""Share of the deviation that fewer nodes may cost, seen on some items. A constant is put back and does not count."""

OPEN = 1e-3
"""Share of a mean item down to which nodes reach where both sides have directions that they do not share."""

NOTHING = 1e-12
"""Share of the coordinates of a side that is rounding."""

LITTLE = 2**30
"""Floating-point operations up to which all nodes are taken: looking for fewer would take as long."""

AT_ONCE = 1024
"""Rows that are multiplied at once: those of a few items for several nodes."""

MOVES = 0.1
"""How far the mean may move without an item, as a share of the lengths of rows. What it changes is of first order."""

CHECKED = 16
"""Items that show what fewer nodes and single precision lose: so many of the longest, and as many of the others."""

CLOSE = 0.005
"""Share of the deviation that single precision may cost an item."""

FIRST_ORDER = 10
"""Rows for each feature from which scores of many rows without an item are computed to first order."""


def of_aligned_cosine(center: bool) -> WithoutEach:
    r"""The mean cosine after the best rotation, of many rows: to first order, O(n d e).

    With C = X'Y / n = U S V', Q = U V', e_i = U'x_i, f_i = V'y_i, unit rows a_i, b_i, M the mean of a_i b_i' and
    :math:`G_{jk} = (U'MV)_{jk} / (s_j + s_k)`, a score without item i is :math:`\theta - \psi_i / (n - 1)`,

    .. math:: \psi_i = \cos_i - \theta + e_i'(G - G')f_i + x_i'(I - UU')MVS^{-1}f_i + e_i'S^{-1}U'M(I - VV')y_i
        - x_i'g - y_i'h

    with g, h the means of :math:`(Qb_i - \cos_i a_i) / |x_i|` and :math:`(Q'a_i - \cos_i b_i) / |y_i|`, 0 where
    nothing is centred. None where there are fewer than ten rows to a feature, a direction is hardly shared, or the mean
    moves far. Where rows are not many: `_cosine_without_each`.
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
        if center and max(map(_moves_mean, (length_x, length_y))) > MOVES:
            return None
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
    r"""The mean cosine after the best rotation without each item: some ten products of matrices, whatever n.

    X'Y without an item has one term less, so its polar factor Q follows from that of the whole. With e, f, a, b, c and
    D as in `of_nuclear_norm`, N the sum of the products of unit rows and T = U'NV,

    .. math:: \langle N, Q_{-i} - Q \rangle = \frac{2 r}{\pi} \int_0^\infty \frac{(1 - c_i) A_i - B_i}{D_i} dt,
        \quad A_i = \langle f, qTqe \rangle - t^2 \langle e, pTpf \rangle

    .. math:: B_i = t^2 (b_i \langle e, pTqe \rangle + a_i \langle f, qTpf \rangle),
        \quad p = \frac{1}{s^2 + t^2}, \; q = \frac{s}{s^2 + t^2}

    .. math:: r x_i'Q_{-i}y_i = \frac{2}{\pi} \int_0^\infty \frac{c_i (1 - c_i) - t^2 a_i b_i}{D_i} dt

    That the mean moves without an item is told to first order, as in `of_aligned_cosine`. A node costs two products of
    matrices, so as few are taken as `_chosen` finds enough. They are computed in single precision, and again in double
    where that is seen to cost some items more than half a percent of the deviation. None where the sides share no
    direction, or the mean moves far.
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
    if center and max(_moves_mean(to_numpy(of)) for of in (length_x, length_y)) > MOVES:
        return None
    a, b = e / length_x[:, None], f / length_y[:, None]
    products = xp.where(s > 0, e * f, xp.zeros_like(e))
    own = xp.sum(products, axis=1)
    lengths = length_x * length_y
    cosines = own / lengths
    least = float(xp.min(s[s > 0]))
    both_open = _both_open(e, f, s)
    if both_open:  # what an item has in such directions of both sides is a scale of its own
        least = min(least, OPEN / n)
    at, weights = nodes(least, float(xp.max(s)), **GRID)
    integrand = Integrand(e, f, a.T @ b, s, r, at)
    alone = integrand.alone(weights)
    moved = _moved(integrand, weights, lengths, cosines, alone / lengths, with_first=not both_open)
    if center:  # rows without an item are about a mean that moved by its n-th part
        kept = xp.astype(s > 0, xp.float64)
        g = kept * xp.sum(b / length_x[:, None], axis=0) - (cosines / length_x) @ a
        h = kept * xp.sum(a / length_y[:, None], axis=0) - (cosines / length_y) @ b
        moved = moved + (e @ g + f @ h) / (n - 1)
    return to_numpy((xp.sum(cosines) - cosines + moved - alone / lengths) / (n - 1))


def _moves_mean(lengths: Float[np.ndarray, " n"]) -> float:
    """How far the mean moves without the longest centred row, as a share of the other rows' lengths."""
    return float(lengths.max() * (1 / lengths).mean() / (len(lengths) - 1))


def _both_open(e: Float[Array, "n k"], f: Float[Array, "n k"], s: Float[Array, " k"]) -> bool:
    """Whether both sides have something in directions that they do not share: the first order has no integral then."""
    xp = array_namespace(e)
    sizes = [
        xp.linalg.vector_norm(xp.where(s == 0, part, xp.zeros_like(part))) / xp.linalg.vector_norm(part)
        for part in (e, f)
    ]
    return min(map(float, sizes)) >= NOTHING


class Integrand:
    """What is integrated over t for some items.

    Parameters
    ----------
    e, f : array, shape (m, k)
        Coordinates of the items on both sides.
    between : array, shape (k, k)
        T.
    s : array, shape (k,)
        The singular values; 0 of directions that the sides do not share.
    r : float
        n / (n - 1), or 1 where nothing is centred.
    at : array, shape (t,)
        The nodes.
    """

    def __init__(
        self,
        e: Float[Array, "m k"],
        f: Float[Array, "m k"],
        between: Float[Array, "k k"],
        s: Float[Array, " k"],
        r: float,
        at: Float[np.ndarray, " t"],
    ) -> None:
        self.e, self.f, self.between, self.s, self.r, self.at = e, f, between, s, r, at
        xp = array_namespace(e)
        t = xp.asarray(at, dtype=xp.float64, device=e.device)
        # p t^2 and q t, which are at most 1; so are a t^2, b t^2 and c t beside squared lengths.
        p, q = self._p_q(t)
        self.t, self.of_x, self.of_y = t, r * (e**2 @ p), r * (f**2 @ p)
        self.c = r * ((e * f) @ q) / t
        self.d = (1 - self.c) ** 2 + self.of_x * self.of_y / t**2

    def _p_q(self, t: Float[Array, " t"]) -> tuple[Float[Array, "k t"], Float[Array, "k t"]]:
        s = self.s[:, None]
        return t**2 / (s**2 + t**2), s * t / (s**2 + t**2)

    def of(self, items: Int[np.ndarray, " m"]) -> "Integrand":
        """The same for some of the items."""
        found = Integrand(gather(self.e, items, 0), gather(self.f, items, 0), self.between, self.s, self.r, self.at)
        found.turn = self.turn
        return found

    def alone(self, weights: Float[np.ndarray, " t"]) -> Float[Array, " m"]:
        """What the item's own product changes, over r: the last integral of `_cosine_without_each`."""
        c = self.c
        values = (c * (1 - c) - self.of_x * self.of_y / self.t**2) / self.d - c
        xp = array_namespace(values)
        return 2 / pi / self.r * (values @ xp.asarray(weights, device=values.device))

    def values(self, places: Int[np.ndarray, " k"], precision: Any) -> tuple[Float[Array, "m k"], Float[Array, "m k"]]:
        """The integrand at some nodes, and what it is to first order; the forms in so many digits."""
        xp = array_namespace(self.e)
        vecdot = xp.linalg.vecdot
        e, f, between = (xp.astype(part, precision) for part in (self.e, self.f, self.between))
        whole, first = [], []
        step = max(1, AT_ONCE // len(e))
        for start in range(0, len(places), step):
            some = places[start : start + step]
            t, c, d, of_x, of_y = (gather(m, some, -1) for m in (self.t, self.c, self.d, self.of_x, self.of_y))
            p, q = (xp.astype(part.T[:, None, :], precision) for part in self._p_q(t))
            p_f, q_e = f * p, e * q
            left, right = (xp.reshape(xp.reshape(m, (-1, m.shape[-1])) @ between, m.shape) for m in (e * p, f * q))
            pp, pq, qp, qq = (
                xp.astype(vecdot(one, other), xp.float64).T for one in (left, right) for other in (p_f, q_e)
            )
            linear = (qq - pp) / t**2
            both = (of_y * pq + of_x * qp) / t**3
            whole.append(((1 - c) * linear - both) / d)
            first.append(linear)
        scale = 2 / pi * self.r
        return scale * xp.concat(whole, axis=1), scale * xp.concat(first, axis=1)

    @functools.cached_property
    def turn(self) -> Float[Array, "k k"]:
        """G - G' with G_jk = T_jk / (s_j + s_k): what turns the rotation to first order."""
        xp = array_namespace(self.e)
        sums = self.s[:, None] + self.s[None, :]
        g = self.between / xp.where(sums > 0, sums, xp.full_like(sums, inf))
        return g - g.T

    def first_order(self, precision: Any) -> Float[Array, " m"]:
        """The integral of the first order, r f'(G - G')e."""
        xp = array_namespace(self.e)
        e, f, turn = (xp.astype(part, precision) for part in (self.e, self.f, self.turn))
        return self.r * xp.astype(xp.linalg.vecdot(f @ turn, e), xp.float64)


def _moved(
    integrand: Integrand,
    weights: Float[np.ndarray, " t"],
    lengths: Float[Array, " n"],
    cosines: Float[Array, " n"],
    alone: Float[Array, " n"],
    *,
    with_first: bool,
) -> Float[Array, " n"]:
    """The first integral of `_cosine_without_each`; a score changes by an item's own cosine and ``alone`` besides."""
    xp = array_namespace(lengths)
    n, every = lengths.shape[0], np.arange(len(weights))
    if 4 * len(every) * n * integrand.s.shape[0] ** 2 <= LITTLE:
        return integrand.values(every, xp.float64)[0] @ xp.asarray(weights, device=lengths.device)
    some, counts = _some(to_numpy(lengths))
    sample = integrand.of(some)
    whole, first = (to_numpy(part) for part in sample.values(every, xp.float64))
    exact = whole @ weights
    deviation = _deviation(exact - to_numpy(gather(cosines + alone, some, 0)), counts)
    beyond = to_numpy(sample.first_order(xp.float64)) if with_first else None

    def off(integrals: Float[np.ndarray, "m l"]) -> Float[np.ndarray, " l"]:
        return _deviation(integrals - exact[:, None], counts)

    ways = {False: (whole, np.zeros((len(some), 1)))}
    if beyond is not None:
        ways[True] = whole - first, beyond[:, None]
    chosen = _chosen(integrand.at, ways, off, OFF * float(deviation)) or Nodes(every, weights, False)
    of_sample = chosen.integral(whole[:, chosen.places], first[:, chosen.places], beyond)

    def found(precision: Any) -> Float[Array, " n"]:
        told = integrand.first_order(precision) if chosen.beyond_first else None
        return chosen.integral(*integrand.values(chosen.places, precision), told)

    moved = found(xp.float32)
    lost = np.abs(to_numpy(gather(moved, some, 0)) - of_sample)
    if lost.max() > CLOSE * float(xp.std(moved - alone)):
        moved = found(xp.float64)
    return moved - float(np.average(of_sample - exact, weights=counts))


@dataclass(frozen=True)
class Nodes:
    """Some nodes of the grid, what each counts, and whether they are of what is left of the first order."""

    places: Int[np.ndarray, " k"]
    weights: Float[np.ndarray, " k"]
    beyond_first: bool

    def integral(
        self, whole: Float[Array, "m k"], first: Float[Array, "m k"], told: Float[Array, " m"] | None
    ) -> Float[Array, " m"]:
        """The integral from the values at the nodes, and that of the first order."""
        weights = array_namespace(whole).asarray(self.weights, device=whole.device)
        return told + (whole - first) @ weights if told is not None and self.beyond_first else whole @ weights


def _some(lengths: Float[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The longest items and some of the others, and how many items each stands for."""
    order = np.argsort(lengths)
    longest, others = order[-CHECKED:], np.sort(order[:-CHECKED])
    spread = others[:: max(1, len(others) // CHECKED)]
    counts = np.repeat([1.0, len(others) / len(spread)], [len(longest), len(spread)])
    return np.concatenate([longest, spread]), counts


def _deviation(values: Float[np.ndarray, "m *l"], counts: Float[np.ndarray, " m"]) -> Float[np.ndarray, "*l"]:
    """Of items that stand for so many each; a constant is none."""
    shares = counts / counts.sum()
    return np.asarray(np.sqrt(shares @ (values - shares @ values) ** 2))


def _chosen(
    at: Float[np.ndarray, " t"],
    ways: Mapping[bool, tuple[Float[np.ndarray, "m t"], Float[np.ndarray, "m 1"]]],
    off: Callable[[Float[np.ndarray, "m l"]], Float[np.ndarray, " l"]],
    least: float,
) -> Nodes | None:
    """The fewest nodes whose integrals, of some items, are ``off`` by no more than so much.

    The integrand may be small at either end. What is left of its first order is so at large t, much sooner; but where
    items are few beside the features, the first order has large terms that cancel.

    Parameters
    ----------
    at : array, shape (t,)
        The grid.
    ways : mapping of bool to arrays, shapes (m, t) and (m, 1)
        Whether the first order is taken out before, the values, and what is added to their integral.
    off : callable
        Takes columns of integrals.
    least : float
        How much they may be off.
    """
    best, cost = None, (inf, inf)
    step = float(np.log(at[1] / at[0]))
    for stride, start, (beyond_first, (values, told)) in itertools.product(STRIDES, range(len(at)), ways.items()):
        places = np.arange(start, len(at), stride)
        if len(places) < 2:
            continue
        wide = stride * step
        # Below the first the integrand is constant; beyond the last it falls as 1 / t^2, of the rest as 1 / t^4.
        low, high = (1 / (1 - exp(-wide * power)) for power in (1, 3 if beyond_first else 1))
        parts = wide * at[places] * values[:, places]
        ended = np.cumsum(parts, axis=1) + (low - 1) * parts[:, :1] + (high - 1) * parts
        lost = off(ended[:, 1:] + told)
        enough = np.flatnonzero(lost <= least)
        if len(enough) and (price := (2 * (enough[0] + 2) + beyond_first, float(lost[enough[0]]))) < cost:
            counts = np.full(enough[0] + 2, wide)
            counts[0], counts[-1] = wide * low, wide * high
            kept = places[: len(counts)]
            best, cost = Nodes(kept, at[kept] * counts, beyond_first), price
    return best


def _padded(m: Float[Array, "n d"], width: int) -> Float[Array, "n w"]:
    """With columns of zeros, for what the other side does not have."""
    xp = array_namespace(m)
    return xp.concat([m, xp.zeros((m.shape[0], width - m.shape[1]), dtype=m.dtype, device=m.device)], axis=1)
