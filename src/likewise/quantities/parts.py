"""Sums of products over many rows, of which groups are left out in turn: those of all, less those of the group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace
from likewise.quantities.passes import rows_in
from likewise.quantities.pieces import STEP, collected, spans, summed
from likewise.quantities.prepared import OrderFree, Prepared

KEPT = 0.5
"""Least share of its square that a feature must keep, for sums of products to follow from those of all: they round by
the length of the features of all."""


def are_rest(*sides: Prepared) -> bool:
    """Whether these are the same items of many rows, and most of them."""
    first = sides[0]
    return all(
        of.is_many
        and of.left_out is not None
        and of.left_out[0].is_many
        and 2 * of.n > of.left_out[0].n
        and np.array_equal(of._index, first._index)
        for of in sides
    )


def follow(center: bool, *sides: Prepared) -> bool:
    """Whether sums of products of some of many rows follow from those of all."""
    return are_rest(*sides) and all(bool(of[KeepLengths(center)]) for of in sides)


def all_of(of: Prepared, center: bool) -> Prepared:
    """The representation from which sums of products follow."""
    return of.left_out[0] if of.left_out is not None and follow(center, of) else of


class Groups:
    """Groups of many rows that are left out in turn: what is summed over all of them is the sum over all rows.

    Products of features are made once for each group, and kept until this is let go.

    Parameters
    ----------
    items : sequence of arrays
        The items of each group; together they are all.
    """

    def __init__(self, items: Sequence[Int[np.ndarray, " _"]]) -> None:
        self.items = tuple(items)
        self._kept: dict[tuple[Prepared, Prepared, bool], Float[Array, "g rows q"]] = {}

    def products(self, x: Prepared, y: Prepared, center: bool) -> Float[Array, "g rows q"]:
        """Return X'Y of the rows of each group; of one side and itself, with the sums of its features below."""
        if (turned := self._kept.get((y, x, center))) is not None and x is not y:
            return array_namespace(turned).matrix_transpose(turned)

        def of_some(group: Int[np.ndarray, " m"]) -> Float[Array, "rows q"]:
            a = rows_in(x, group, None, center)
            xp = array_namespace(a)
            if x is y:
                return xp.concat([a.T @ a, xp.sum(a, axis=0)[None, :]])
            return a.T @ rows_in(y, group, None, center)

        def of_groups(first: int, last: int) -> Float[Array, "some rows q"]:
            width = max(x.d, y.d)
            each = [sum(of_some(g[i:j]) for i, j in spans(len(g), width)) for g in self.items[first:last]]
            return array_namespace(each[0]).stack(each)

        if (x, y, center) not in self._kept:
            self._kept[x, y, center] = collected((len(self.items), STEP), of_groups)
        return self._kept[x, y, center]

    def number(self, items: Int[np.ndarray, " m"]) -> int | None:
        """Return which of the groups these items are, if any."""
        return next((g for g, group in enumerate(self.items) if np.array_equal(group, items)), None)


def whole_product(x: Prepared, y: Prepared, center: bool) -> Float[Array, "r q"] | None:
    """X'Y of all rows as the sum of those of the groups that are left out in turn; None where there are none."""
    if x.groups is None or x.groups is not y.groups:
        return None
    return array_namespace(kept := x.groups.products(x, y, center)).sum(kept, axis=0)[: x.d, :]


def left_out_product(x: Prepared, y: Prepared, center: bool) -> Float[Array, "rows q"]:
    """X'Y of the rows that are left out of many; of one side and itself, with the sums of its features below."""
    assert x.left_out is not None
    assert y.left_out is not None
    (whole, out), (other, _) = x.left_out, y.left_out
    if whole.groups is not None and whole.groups is other.groups and (g := whole.groups.number(out)) is not None:
        return whole.groups.products(whole, other, center)[g, :, :]
    a, b = x[LeftOutRows(center)], y[LeftOutRows(center)]
    xp = array_namespace(a, b)
    return xp.concat([a.T @ a, xp.sum(a, axis=0)[None, :]]) if x is y else a.T @ b


@dataclass(frozen=True)
class FeatureSquares(OrderFree):
    """The squared length of each feature of many rows, centred or not."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, " d"]:
        """Return them."""
        if FeatureProducts(self.center) in of.quantities:
            products = of[FeatureProducts(self.center)]
            return array_namespace(products).linalg.diagonal(products)

        def squares(i: int, j: int) -> Float[Array, " d"]:
            rows = rows_in(of, i, j, self.center)
            return array_namespace(rows).sum(rows * rows, axis=0)

        return summed((of.n, of.d), squares)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d."""
        return 8 * d


@dataclass(frozen=True)
class KeepLengths(OrderFree):
    """Whether each feature of what is left of many rows keeps at least the share `KEPT` of its square."""

    center: bool

    def compute(self, of: Prepared) -> Bool[Array, ""]:
        """Return it; of rows that are no part of many, that they do not."""
        xp = array_namespace(of.rows(0, 1))
        if of.left_out is None:
            return xp.zeros((), dtype=xp.bool)
        squares = xp.linalg.diagonal(of[LeftOutProducts(self.center)][:-1, :])
        return xp.all(squares <= (1 - KEPT) * of.left_out[0][FeatureSquares(self.center)])


def remaining(
    of_all: Float[Array, "r q"],
    of_group: Float[Array, "r q"],
    a: Float[Array, " r"],
    b: Float[Array, " q"],
    n: int,
    center: bool,
) -> Float[Array, "r q"]:
    """A sum of products of the n items that stay, from those of all and of the group that is left out.

    Where the rows of all are centred, it is about the mean of those that stay. a and b are sums of the group's rows.
    """
    kept = of_all - of_group
    return kept - a[:, None] * b[None, :] / n if center else kept


@dataclass(frozen=True)
class LeftOutRows(OrderFree):
    """The rows that are left out of many; less the mean of all where ``center``."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "m d"]:
        """Return these rows."""
        assert of.left_out is not None
        whole, out = of.left_out
        return rows_in(whole, out, None, self.center)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d, and the same for each item that is left out: a twentieth of them as a rule."""
        return 8 * d * n // 20


@dataclass(frozen=True)
class LeftOutProducts(OrderFree):
    """Of the rows that are left out of many: the products of their features, and below them the sums of these."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "rows d"]:
        """Return both."""
        return left_out_product(of, of, self.center)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d (d + 1)."""
        return 8 * d * (d + 1)


@dataclass(frozen=True)
class FeatureProducts(OrderFree):
    """X'X, or c(X)'c(X) where ``center``, of many rows. O(n d^2)."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "d d"]:
        """Return the matrix."""
        if (whole := all_of(of, self.center)) is not of:
            out = of[LeftOutProducts(self.center)]
            return remaining(whole[self], out[:-1, :], out[-1, :], out[-1, :], of.n, self.center)
        if (found := whole_product(of, of, self.center)) is not None:
            return found

        def squared(i: int, j: int) -> Float[Array, "d d"]:
            rows = rows_in(of, i, j, self.center)
            return rows.T @ rows

        return summed((of.n, of.d), squared)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d^2."""
        return 8 * d * d
