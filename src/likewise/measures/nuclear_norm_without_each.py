"""The nuclear norm of X'Y without each item; of whitened rows it is the sum of canonical correlations.

From the decomposition that the score needs: see `without_each`.
"""

from collections.abc import Callable
from math import ceil
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from likewise.arrays import Array, to_numpy
from likewise.measures.without_each import LEAST, WithoutEach
from likewise.quantities import (
    BothRows,
    CanonicalVariates,
    CrossDecomposition,
    Factor,
    Norm,
    Prepared,
    SharedCoordinates,
    are_shared,
    collected,
    nodes,
    variates_of,
)

FINE = {"step": 0.5, "beyond": 6.0}
"""Nodes for seven digits of what an item changes, where a node costs O(n d)."""

FINER = {"step": 0.5, "beyond": 10.0}
"""The same where each item alone holds a direction of both sides, and nearly all of a distance may cancel."""


def of_nuclear_norm(
    *, center: bool = True, score: Literal["similarity", "distance", "size", "angle"] = "similarity"
) -> WithoutEach:
    r"""The nuclear norm of X'Y beside the norms of both, without each item: to seven digits of what it changes.

    A ``distance`` is that of sides of unit length; where ``size`` counts too, of sides as they are.

    With X'Y = U S V', e_i = U'x_i, f_i = V'y_i (0 where the other side has no such direction), and r = n / (n - 1)
    (1 if not centred), X'Y without an item is :math:`X'Y - r x_i y_i'`, and

    .. math:: |X'Y|_{*,-i} = \operatorname{tr} S + \frac{1}{\pi} \int_0^\infty \log D_i(t) \, dt, \quad
        D_i = (1 - c_i)^2 + t^2 a_i b_i

    .. math:: a_i = r \sum_j \frac{e_{ij}^2}{s_j^2 + t^2}, \quad b_i = r \sum_j \frac{f_{ij}^2}{s_j^2 + t^2}, \quad
        c_i = r \sum_j \frac{e_{ij} f_{ij} s_j}{s_j^2 + t^2}

    because D is the determinant of what the item changes of :math:`Z - \mathrm{i} t`, where Z, with X'Y and Y'X beside
    its diagonal, has the eigenvalues :math:`\pm s`. O(n d) a node after the decomposition. log D is singular at 0 where
    an item alone holds a direction, as with more features than items, or where both sides have directions that they do
    not share: what further nodes would add is then known from the form of D there.
    """

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        n = x.n
        r = n / (n - 1) if center else 1.0
        s, over = _coordinates(x, y, center)
        shared = to_numpy(are_shared(x, y, s, center))
        if not shared.any():
            return None
        alone = int(shared.sum()) >= n - 1
        at, weight = nodes(float(s[shared].min()), float(s[shared].max()), **(FINER if alone else FINE))
        moved, own_x, own_y = over(lambda e, f, of_x, of_y: _logarithms(e, f, of_x, of_y, s, shared, r, at, weight))
        shares = [(own.sum() - r * own) / own.sum() for own in (own_x, own_y)]
        if min(share.min() for share in shares) <= LEAST:
            return None
        left_x, left_y = own_x.sum() - r * own_x, own_y.sum() - r * own_y
        products = s[shared].sum() + moved
        if score == "size":
            size_x, size_y = (float(of[Norm(center)]) for of in (x, y))
            both = size_x**2 * left_x + size_y**2 * left_y
            squared = both - 2 * size_x * size_y * products
            return None if (squared <= LEAST * both).any() else np.sqrt(squared)
        cosine = products / np.sqrt(left_x * left_y)
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
    alone = [_beyond(own, z) for z, own in ((e, own_x), (f, own_y))]
    shared_a, shared_b = (z**2 @ p for z in (e, f))
    d = (1 - c) ** 2 + (r / t) ** 2 * (shared_a + alone[0][:, None]) * (shared_b + alone[1][:, None])
    over, first_a, first_b = (r / t[0]) ** 2, shared_a[:, 0], shared_b[:, 0]
    stays = (1 - c[:, 0]) ** 2 + over * (first_a * alone[1] + alone[0] * first_b)
    least = _below(stays, over * first_a * first_b, over * alone[0] * alone[1], t)
    return (np.log(d) @ weight + least) / np.pi, own_x, own_y


NOTHING = 1e-12
"""Share of a row's squared length that is rounding."""


def _beyond(own: Float[np.ndarray, " m"], z: Float[np.ndarray, "m k"]) -> Float[np.ndarray, " m"]:
    """What rows have of their squared lengths in other directions than those of which they have the coordinates."""
    left = own - (z**2).sum(axis=1)
    return np.where(left > NOTHING * own, left, 0.0)


def _below(
    stays: Float[np.ndarray, " m"],
    falls: Float[np.ndarray, " m"],
    grows: Float[np.ndarray, " m"],
    t: Float[np.ndarray, " t"],
) -> Float[np.ndarray, " m"]:
    r"""What further nodes below the first add, where the weight of that takes log D to be constant.

    .. math:: D(u t_0) = C + B u^2 + K / u^2

    C ``stays``: it is 0 of an item that alone holds a direction. B ``falls`` with t. K ``grows``: it is not 0 where an
    item has something in directions of both sides that these do not share.
    """
    first = stays + falls + grows
    if not (grows.any() or (falls > NOTHING * first).any()):
        return np.zeros_like(first)
    step = np.log(t[1] / t[0])
    u = np.exp(-step * np.arange(1, ceil(FAR / step)))
    below = stays[:, None] + falls[:, None] * u**2 + grows[:, None] / u**2
    return np.asarray(step * t[0] * ((np.log(below) - np.log(first)[:, None]) @ u))


FAR = 30.0
"""How far below the first node the last of them is, as a logarithm."""

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
        n = x.n
        r = n / (n - 1)
        a, rho, b = (to_numpy(m) for m in x.joint(y, CanonicalVariates()))
        ranks = a.shape[1], b.shape[1]
        if max(ranks) >= n - 2 or rho[0] <= LEAST:
            return None
        shared = np.flatnonzero(rho > OPEN * rho[0])
        at, weight = nodes(float(rho[shared].min()), float(rho[0]), **FINE)
        p = at**2 / (rho[shared, None] ** 2 + at**2)
        variates = variates_of(x, y)

        def some(i: int, j: int) -> tuple[Float[np.ndarray, " m"], ...]:
            rows = [to_numpy(z) for z in variates(i, j)]
            h, k = (r * (row**2).sum(axis=1) for row in rows)
            coordinates = [row[:, shared] for row in rows]
            # t^2 a, t^2 b and t c: of directions that the sides do not share rho is 0, and p is 1.
            alone = [r * _beyond(own / r, z) for z, own in zip(coordinates, (h, k), strict=True)]
            a, b = (r * (z**2 @ p) + of[:, None] for z, of in zip(coordinates, alone, strict=True))
            c = r * (coordinates[0] * coordinates[1]) @ (rho[shared, None] / at * p) / at
            d = (1 - c - a) * (1 - c - b) + (a - at**2 * c) * (b - at**2 * c) / at**2
            left, grows = (1 - h) * (1 - k), alone[0] * alone[1] / at[0] ** 2
            with np.errstate(divide="ignore", invalid="ignore"):  # of an item that alone holds a direction
                moved = np.log(d / left[:, None]) @ weight + _below(d[:, 0] - grows, 0 * grows, grows, at)
            return moved / np.pi, left

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
