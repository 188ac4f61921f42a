"""What measures keep of a representation, found by asking them."""

from collections.abc import Iterable
from functools import cache

import numpy as np

from likewise.errors import UndefinedError
from likewise.measures.configuration import Configuration
from likewise.quantities import (
    LEAST,
    PRODUCTS,
    ROOM,
    STEP,
    THIN,
    Axes,
    Orders,
    Prepared,
    PrincipalComponents,
    Quantity,
    Round,
    are_many,
    at_once,
)

ROWS = 8 + 4
"""Bytes of a value of the rows: in double precision, beside the single one that they are stored in."""


SINGLE = 4
"""Bytes of a value of many rows, which are read as they are stored."""

PARTNERS = 4
"""Other representations of a tile with which products of features are kept, as a rule."""

BLOCKS = 4
"""Blocks of rows in double precision that are held at a time for a pair, where rows are many: for each thread of BLAS,
of which a worker has one."""


def footprint(chosen: Iterable[Configuration], n: int, d: int) -> int:
    """Bytes that a representation takes, prepared for some configurations, with one shuffle of it.

    Examples
    --------
    >>> footprint([Configuration.parse("cka")], n=1000, d=4096) // 2**20
    62
    """
    chosen = tuple(chosen)
    many = are_many(n, d)
    *of_each, _ = _kept(chosen, n >= THIN * d, many)
    kept = [quantity for quantities in of_each for quantity in quantities]
    if many:
        # Where products of features lose digits, the components are held.
        kept += [
            components
            for q in kept
            if isinstance(q, Axes) and (components := PrincipalComponents(q.center)) not in kept
        ]
        products = min(PRODUCTS, PARTNERS * 8 * d * d) if any(c.shuffled_in_rounds for c in chosen) else 0
        return SINGLE * n * d + BLOCKS * 8 * STEP // 2 + products + sum(quantity.nbytes(n, d) for quantity in kept)
    # Of few features a kernel is formed for shuffles alone, with one of them.
    for_shuffles = {c.product.quantity for c in chosen if c.product and c.product.quantity not in kept}
    kept += [quantity for quantity in for_shuffles if n <= ROOM] * 2
    return ROWS * n * d + sum(quantity.nbytes(n, d) for quantity in kept)


def of_a_pair(chosen: Iterable[Configuration], n: int, d: int) -> int:
    """Bytes that a pair takes besides its two representations: the products after several shuffles of many rows.

    Those of each kind; their sum with what is added next, and after a transform; these rows of either side before and
    after one; and the places of all rows, a few times. The `BLOCKS` are not held then.

    Examples
    --------
    >>> of_a_pair([Configuration.parse("procrustes")], n=100_000, d=768) // 2**20
    356
    """
    in_rounds = tuple(c for c in chosen if c.shuffled_in_rounds)
    if not (are_many(n, d) and in_rounds):
        return 0
    *_, products = _kept(in_rounds, n >= THIN * d, True)
    found = 8 * at_once(d, d) * d * d
    return max(0, (products + 3) * found + 4 * 8 * LEAST * d + 6 * 8 * n - BLOCKS * 8 * STEP)


@cache
def _kept(
    chosen: tuple[Configuration, ...], thin: bool, many: bool
) -> tuple[frozenset[Quantity], frozenset[Quantity], int]:
    """The quantities of a representation and of a shuffle of it, as small ones have them after being scored.

    And how many kinds of products are found for many shuffles together.
    """
    n = 16 + max((c.facts.minimum_items for c in chosen), default=0)
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(n, 4 if thin else n // THIN + 1)) for _ in range(2)]
    kind = next((c.facts.needs for c in chosen if c.facts.needs), "states")
    if kind == "log_probabilities":  # rows that every measure takes
        rows = [m - np.log(np.exp(m).sum(axis=1, keepdims=True)) for m in rows]
    x, y = (Prepared(m, kind=kind, many=many) for m in rows)
    drawn = [Orders.draw([np.arange(n)[:, None]], rng) for _ in "xy"]
    moved = y.permuted(drawn[1][0][np.argsort(drawn[0][0])], shuffle=(Round(x, *drawn), 0))
    seen: set[tuple[str, ...]] = set()
    for c in chosen:
        # What is left out of another number of neighbours is told from quantities of the same kinds.
        others = (f"{name}={value}" for name, value in c.parameters.items() if type(value) is not int)
        alike = (c.measure, *sorted(others))
        try:
            c(x, y)
            if alike not in seen:
                c.without_each(x, y)
            seen.add(alike)
            if c.product is None:
                c(x, moved)
        except UndefinedError:
            continue
    return x.quantities | y.quantities, moved.quantities, moved.products
