"""Regression that is judged on held-out items, of many rows: from products of features over each fold."""

from dataclasses import dataclass

from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace
from likewise.quantities import axes
from likewise.quantities.passes import rows_in
from likewise.quantities.pieces import summed
from likewise.quantities.prepared import Prepared, Quantity

OFFSET = 1e-4
"""Share of its squares that a fold's training rows keep about their own mean, at least: less would lose digits."""


LEAST = 1024
"""Rows of each fold that are multiplied at a time, at least: fewer cost more to add up than to multiply."""


def _tested(of: Prepared, folds: int, start: int, stop: int, like: Array) -> list[Int[Array, " m"]]:
    """Which of some rows each fold tests: those of its remainder, by their places among all (`splits`)."""
    xp = array_namespace(like)
    places = xp.arange(start, stop, device=like.device) if of.places is None else of.places[start:stop]
    index = xp.asarray(places, device=like.device)
    return [xp.nonzero(index % folds == fold)[0] for fold in range(folds)]


@dataclass(frozen=True)
class FoldProducts(Quantity):
    """Y_f'Y_f of the items that each fold tests, and below it `SUMS` of their rows; about the mean of all. O(n d^2)."""

    folds: int

    def compute(self, of: Prepared) -> Float[Array, "f rows d"]:
        """Return them."""
        return _fold_products(of, of, self.folds)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 folds d (d + 2)."""
        return 8 * self.folds * d * (d + SUMS)


SUMS = 2
"""Of the rows of a fold: their sum, and that of their squares."""


def _fold_products(y: Prepared, x: Prepared, folds: int) -> Float[Array, "f rows d"]:
    """Y_f'X_f of the items of each fold, and below it `SUMS` of the rows of X."""

    def some(i: int, j: int) -> Float[Array, "f rows d"]:
        rows = rows_in(x, i, j, center=True)
        others = rows if y is x else rows_in(y, i, j, center=True)
        xp = array_namespace(rows)
        parts = []
        for items in _tested(y, folds, i, j, rows):
            a, b = xp.take(others, items, axis=0), xp.take(rows, items, axis=0)
            sums = xp.stack([xp.sum(b, axis=0), xp.sum(b * b, axis=0)])
            parts.append(xp.concat([a.T @ b, sums]))
        return xp.stack(parts)

    return summed((x.n, x.d + y.d), some, least=folds * LEAST)


def held_out_shares(x: Prepared, y: Prepared, folds: int, ridge: float) -> tuple[float, float] | None:
    r"""The squares of X that regression on Y leaves, and those about the means, on items that each fold holds out.

    .. math:: |X_f - \bar X_{-f} - (Y_f - \bar Y_{-f}) B_f|^2, \quad
        B_f = (G + ridge \, tr(G) \, I)^{-1} \, c(Y_{-f})'c(X_{-f}), \quad G = c(Y_{-f})'c(Y_{-f})

    with the items of fold f, and all others, -f, whose sums are those of the other folds, added up: what f holds leaves
    no rounding with them. None where the inverse would lose digits: there the rows themselves have to be decomposed.
    """
    own, both = y[FoldProducts(folds)], _fold_products(y, x, folds)
    xp = array_namespace(own, both)
    sizes = [int(items.shape[0]) for items in _tested(y, folds, 0, y.n, own)]
    left = whole = 0.0
    for fold in range(folds):
        others = [k for k in range(folds) if k != fold]
        n = sum(sizes[k] for k in others)
        products, crossed = (sum(m[k, ...] for k in others) for m in (own, both))
        mean_y, mean_x = products[-SUMS, :] / n, crossed[-SUMS, :] / n
        squares = products[:-SUMS, :] - n * mean_y[:, None] * mean_y[None, :]
        trace = xp.sum(xp.linalg.diagonal(squares))
        if not trace > OFFSET * xp.sum(products[-1, :]):
            return None
        values = xp.linalg.eigvalsh(squares) + ridge * trace
        if not values[0] > axes.FLAT * values[-1]:
            return None
        shrunk = squares + ridge * trace * xp.eye(y.d, dtype=squares.dtype, device=squares.device)
        fitted = xp.linalg.solve(shrunk, crossed[:-SUMS, :] - n * mean_y[:, None] * mean_x[None, :])
        m, of_y, of_x = sizes[fold], own[fold, -SUMS, :], both[fold, -SUMS, :]
        # About the means of the training items.
        of_both = both[fold, :-SUMS, :] - mean_y[:, None] * of_x[None, :] - (of_y - m * mean_y)[:, None] * mean_x
        of_own = own[fold, :-SUMS, :] - mean_y[:, None] * of_y[None, :] - (of_y - m * mean_y)[:, None] * mean_y
        away = float(xp.sum(both[fold, -1, :] - 2 * mean_x * of_x + m * mean_x**2))
        whole += away
        left += away + float(xp.sum(fitted * (of_own @ fitted - 2 * of_both)))
    return left, whole
