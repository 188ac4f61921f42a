"""Sums of products of the entries of a symmetric matrix: what closed forms of a shuffled inner product are made of."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

from jaxtyping import Float

from likewise.arrays import Array, array_namespace, to_numpy
from likewise.quantities.prepared import OrderFree, PerPair, Prepared

Graph: TypeAlias = tuple[tuple[int, int], ...]
"""Edges between vertices 0, 1, ...: stands for the sum over all vertices of the product of A_ij over the edges ij."""

PAIRS: tuple[Graph, ...] = (
    ((0, 0), (0, 0)),
    ((0, 0), (0, 1)),
    ((0, 1), (0, 1)),
    ((0, 1), (0, 2)),
)
"""Connected graphs of two edges."""

TRIPLES: tuple[Graph, ...] = (
    ((0, 0), (0, 0), (0, 0)),
    ((0, 0), (0, 0), (0, 1)),
    ((0, 0), (0, 1), (1, 1)),
    ((0, 0), (0, 1), (0, 1)),
    ((0, 1), (0, 1), (0, 1)),
    ((0, 0), (0, 1), (0, 2)),
    ((0, 0), (0, 1), (1, 2)),
    ((0, 1), (0, 1), (0, 2)),
    ((0, 1), (0, 2), (1, 2)),
    ((0, 1), (0, 2), (0, 3)),
    ((0, 1), (0, 2), (1, 3)),
)
"""Connected graphs of three edges."""

ROWS: Graph = ((0, 1), (0, 1), (0, 2), (0, 2))
"""The sum of the squares of what each row adds to the squared entries: it says whether a few rows are most of them."""


SUMS = 2 + len(PAIRS) + len(TRIPLES) + 2
"""How many numbers `OrbitSums` are."""

MOST_EQUAL = 1000
"""Items up to which equal rows are counted. Of more, the share of orders that are the same is below 1e-300, unless a
side has only one or two kinds of rows."""


@dataclass(frozen=True)
class EqualRows(OrderFree):
    """The logarithm of how many orders leave all rows as they are: the sum of log m! over groups of m equal rows."""

    def compute(self, of: Prepared) -> Float[Array, ""]:
        """Return it; 0 of more than `MOST_EQUAL` items."""
        xp = array_namespace(of.rows(0, 1))
        rows = to_numpy(of.given) + 0.0 if of.n <= MOST_EQUAL else ()  # -0.0 is 0.0
        counts = Counter(row.tobytes() for row in rows).values()
        return xp.asarray(sum(math.lgamma(count + 1) for count in counts), dtype=xp.float64)


@dataclass(frozen=True)
class OrbitSums(OrderFree):
    """Diagonal sum and off-diagonal sum of a symmetric matrix A, then the sums of `PAIRS`, `TRIPLES` and `ROWS` of A'.

    The last number is `EqualRows`, which is no sum of entries.

    A' is A without its mean diagonal and off-diagonal entry, so that sums of graphs with a single edge apart from the
    others vanish.
    """

    quantity: PerPair

    def compute(self, of: Prepared) -> Float[Array, " 19"]:
        """Return the sums. O(n^3), for the triangles alone; of a matrix that needs not be formed, O(n^2 d)."""
        if thin := self.quantity.thin(of):
            xp = array_namespace(thin.s)
            return xp.stack([*thin.sums(), xp.asarray(of[EqualRows()], device=thin.s.device)])
        a = of[self.quantity]
        xp = array_namespace(a)
        n = a.shape[0]
        diagonal = xp.sum(xp.linalg.diagonal(a))
        off = xp.sum(a) - diagonal
        eye = xp.eye(n, dtype=a.dtype, device=a.device)
        a = a - eye * (diagonal / n) - (1 - eye) * (off / (n * (n - 1)))
        d, r, q = xp.linalg.diagonal(a), xp.sum(a, axis=1), xp.sum(a * a, axis=1)
        ar = a @ r
        pairs = [d * d, d * r, q, r * r]
        triples = [
            d * d * d, d * d * r, d * (a @ d), d * q, xp.sum(a * a * a, axis=1), d * r * r, d * ar, q * r,
            xp.sum((a @ a) * a, axis=1), r * r * r, r * ar,
        ]  # fmt: skip
        sums = [xp.sum(terms) for terms in [*pairs, *triples, q * q]]
        return xp.stack([diagonal, off, *sums, xp.asarray(of[EqualRows()], device=a.device)])

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 for each sum."""
        return 8 * SUMS
