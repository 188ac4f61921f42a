"""Principal axes of many rows, from the products of their features; where some are left out, from what is left."""

import operator
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace
from likewise.quantities.factors import Scale
from likewise.quantities.passes import rows_in
from likewise.quantities.pieces import BLOCK, block_of, one_thread, side_by_side, summed
from likewise.quantities.prepared import OrderFree, Prepared
from likewise.quantities.rank import numerical_rank

FLAT = 1e-5
"""Share of the largest eigenvalue of products of features down to which they keep eleven digits of a direction."""


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
    """Blocks of many rows that are left out together: what is summed over them is kept while all rows are summed.

    Parameters
    ----------
    of_row : array, shape (n,)
        The group of each row.
    of_block : array, shape (blocks,)
        The group of each block; -1 of those whose rows are of several.
    """

    def __init__(self, of_row: Int[np.ndarray, " n"], of_block: Int[np.ndarray, " blocks"]) -> None:
        self._of_row, self._of_block = of_row, of_block
        self._kept: dict[Hashable, dict[int, Any]] = {}

    def keep(self, key: Hashable) -> Callable[[int, Any], None] | None:
        """Return what takes the first row of a piece and what was made of it; None where enough is kept."""
        if key in self._kept or len(self._kept) == KINDS:
            return None
        sums = self._kept[key] = {}

        def add(start: int, part: Any) -> None:
            group, parts = int(self._of_block[start // BLOCK]), part if isinstance(part, tuple) else (part,)
            if group < 0:
                return
            # What is added to later is not what was given.
            sums[group] = tuple(map(operator.iadd, sums[group], parts) if group in sums else (p + 0 for p in parts))

        return add

    def of(self, key: Hashable, items: Int[np.ndarray, " m"]) -> tuple[Any, Int[np.ndarray, " _"]] | None:
        """Return what was summed over the blocks of a group, given by its items, and those beside; None if not kept."""
        group = int(self._of_row[items[0]])
        if key not in self._kept or not np.array_equal(items, np.flatnonzero(self._of_row == group)):
            return None
        return self._kept[key][group], items[self._of_block[items // BLOCK] < 0]


KINDS = 3
"""Kinds of sums that are kept of groups: of a pair, the products of either side and of both."""


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
        if _is_known(of, self.center):
            squares = xp.linalg.diagonal(of[LeftOutProducts(self.center)][:-1, :])
        else:
            rows = of[LeftOutRows(self.center)]
            squares = xp.sum(rows * rows, axis=0)
        return xp.all(squares <= (1 - KEPT) * of.left_out[0][FeatureSquares(self.center)])


def remaining(
    of_all: Float[Array, "r q"],
    left_out: Float[Array, "r q"],
    a: Float[Array, " r"],
    b: Float[Array, " q"],
    n: int,
    center: bool,
) -> Float[Array, "r q"]:
    """A sum of products of the n items that stay, from those of all and of those that are left out.

    Where the rows of all are centred, it is about the mean of those that stay; a and b are the sums of those that go.
    """
    kept = of_all - left_out
    return kept - a[:, None] * b[None, :] / n if center else kept


def _is_known(of: Prepared, center: bool) -> bool:
    """Whether products of features were kept of the rows that are left out."""
    assert of.left_out is not None
    whole, out = of.left_out
    return whole.groups is not None and whole.groups.of((FeatureProducts(center), whole), out) is not None


@dataclass(frozen=True)
class LeftOutProducts(OrderFree):
    """Of the rows that are left out of many: the products of their features, and below them the sums of these."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "rows d"]:
        """Return both."""
        if not _is_known(of, self.center):
            rows = of[LeftOutRows(self.center)]
            xp = array_namespace(rows)
            with one_thread():
                return xp.concat([rows.T @ rows, xp.sum(rows, axis=0)[None, :]])
        assert of.left_out is not None
        whole, out = of.left_out
        (products, sums), beside = whole.groups.of((FeatureProducts(self.center), whole), out)
        rows = rows_in(whole, beside, None, self.center)
        xp = array_namespace(rows)
        with one_thread():
            return xp.concat([products + rows.T @ rows, (sums + xp.sum(rows, axis=0))[None, :]])

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d (d + 1)."""
        return 8 * d * (d + 1)


@dataclass(frozen=True)
class LeftOutSums(OrderFree):
    """The sums of the features of the rows that are left out of many."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, " d"]:
        """Return them."""
        if LeftOutProducts(self.center) in of.quantities or _is_known(of, self.center):
            return of[LeftOutProducts(self.center)][-1, :]
        rows = of[LeftOutRows(self.center)]
        return array_namespace(rows).sum(rows, axis=0)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d."""
        return 8 * d


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
class FeatureProducts(OrderFree):
    """X'X, or c(X)'c(X) where ``center``, of many rows. O(n d^2)."""

    center: bool

    def compute(self, of: Prepared) -> Float[Array, "d d"]:
        """Return the matrix."""
        if (whole := all_of(of, self.center)) is not of:
            out = of[LeftOutProducts(self.center)]
            return remaining(whole[self], out[:-1, :], out[-1, :], out[-1, :], of.n, self.center)

        def squared(i: int, j: int) -> tuple[Float[Array, "d d"], Float[Array, " d"]]:
            rows = rows_in(of, i, j, self.center)
            return rows.T @ rows, array_namespace(rows).sum(rows, axis=0)

        each = of.groups.keep((self, of)) if of.groups else None
        products, _ = summed((of.n, of.d), squared, within=block_of(of.n), each=each)
        return products

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 d^2."""
        return 8 * d * d


def axes_of(x: Prepared, y: Prepared, center: bool) -> None:
    """Compute the axes of what is left of both sides, side by side: a decomposition gains little from two threads."""
    if are_rest(x, y) and x is not y:
        side_by_side(lambda: x[Axes(center)], lambda: y[Axes(center)])


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
        with nullcontext() if whole is of else one_thread():
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
