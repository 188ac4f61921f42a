"""The nearest items of each of many, by blocks of products: no table of all pairs."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, inverse, to_numpy
from likewise.errors import UndefinedError
from likewise.quantities import prepared
from likewise.quantities.distances import SAME, TIES
from likewise.quantities.factors import RowNorms
from likewise.quantities.passes import rows_in
from likewise.quantities.pieces import STEP, collected, spans
from likewise.quantities.prepared import Equivariant, Prepared
from likewise.retrieval import Index

SPARE = 6
"""Candidates beyond those that are asked for: where the last of these ties with none, no tie is cut."""

QUERIES = 4096
"""Items whose nearest are looked for at a time."""

SEARCHES = 4
"""So many times that are looked for side by side, at most: each takes up to a gigabyte."""


def by_blocks(of: Prepared) -> bool:
    """Whether there are so many items that a number for each pair of them is not held."""
    return not of.is_table and (of.n > prepared.PAIRED if of._many is None else of._many)


class Rows:
    """The rows of a representation, as the corpus of an index: read when asked for."""

    def __init__(self, of: Prepared, center: bool) -> None:
        self.of, self.center, self.shape = of, center, (of.n, of.d)

    def __len__(self) -> int:
        return self.of.n

    def __getitem__(self, items: slice | Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
        if isinstance(items, slice):
            return to_numpy(rows_in(self.of, items.start or 0, min(self.of.n, items.stop), self.center))
        return to_numpy(rows_in(self.of, items, None, self.center))


@dataclass(frozen=True)
class Near:
    """The nearest items of each, and of those with ties all that tie with them, so that a shuffle breaks them anew.

    Parameters
    ----------
    items : array, shape (n, k)
        The nearest first; ties go to the lower index.
    rows, others, runs : arrays, shape (m,)
        Of the rows with ties: which row, each of its candidates, and which of these are equally near.
    """

    items: Int[np.ndarray, "n k"]
    rows: Int[np.ndarray, " m"]
    others: Int[np.ndarray, " m"]
    runs: Int[np.ndarray, " m"]

    def reordered(self, index: Int[np.ndarray, " n"]) -> "Near":
        """The same after the items were reordered."""
        place = inverse(index)
        items = place[self.items[index]]
        rows, others = place[self.rows], place[self.others]
        _break_ties(items, rows, others, self.runs)
        return Near(items, rows, others, self.runs)


def _break_ties(
    items: Int[np.ndarray, "n k"],
    rows: Int[np.ndarray, " m"],
    others: Int[np.ndarray, " m"],
    runs: Int[np.ndarray, " m"],
) -> None:
    """Order the candidates of rows with ties by how near they are, then by their index."""
    order = np.lexsort((others, runs, rows))
    of, first = np.unique(rows[order], return_index=True)
    if len(of):
        items[of] = others[order][first[:, None] + np.arange(items.shape[1])]


@dataclass(frozen=True)
class KNearest(Equivariant):
    """The k nearest items of each; by cosine of c(X) where ``center``."""

    k: int
    inner: Literal["cosine", "euclidean"]
    center: bool

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n k."""
        return 8 * n * self.k


@dataclass(frozen=True)
class Nearest(KNearest):
    """The k nearest items of each of many, with those that tie."""

    def compute(self, of: Prepared) -> Near:
        """Return them. O(n^2 d) products in single precision; those that may be near anew in double precision."""
        center = self.center and self.inner == "cosine"
        if self.inner == "cosine":
            of[RowNorms(center)]  # undefined where a row has no direction
        rows: Any = Rows(of, center)  # of which an index needs no more than of an array
        index = Index(rows, self.inner, of.name)
        wide = min(of.n - 1, self.k + SPARE)
        found = collected(
            (of.n, STEP), lambda i, j: self._of(of, index, np.arange(i, j), wide), least=QUERIES, most=SEARCHES
        )
        return Near(*found)

    def _of(self, of: Prepared, index: Index, asked: Int[np.ndarray, " m"], wide: int) -> tuple[np.ndarray, ...]:
        """The nearest of some items, from ``wide`` candidates of each, or more where ties may be cut."""
        n, k = of.n, self.k
        found = index.nearest(index.corpus[asked], wide, asked)
        distances = pair_distances(of, asked, found, self.inner, self.center)
        order = np.argsort(distances, axis=1, kind="stable")
        distances, found = (np.take_along_axis(m, order, axis=1) for m in (distances, found))
        apart = TIES[self.inner].apart(distances)
        runs = np.concatenate([np.zeros((len(asked), 1), dtype=np.int64), np.cumsum(apart, axis=1)], axis=1)
        cut = runs[:, -1] == runs[:, k - 1]
        if wide == n - 1:
            if n > 2 and (runs[:, -1] == 0).any():
                item = asked[int(np.argmin(runs[:, -1]))]
                raise UndefinedError(f"all other rows are equally near to row {item} of {of.name}: none is a neighbour")
            cut[:] = False
        # A tie within the first k, or of the last of them with others.
        tied = ~cut & (~apart[:, :k]).any(axis=1)
        items = found[:, :k].copy()
        rows, columns = np.nonzero(tied[:, None] & (runs <= runs[:, k - 1 : k]))
        whose, others, run = asked[rows], found[rows, columns], runs[rows, columns]
        local = rows.copy()
        _break_ties(items, local, others, run)
        if cut.any():
            for part in np.array_split(np.flatnonzero(cut), max(1, int(cut.sum()) * wide // QUERIES)):
                if len(part):
                    more, *ties = self._of(of, index, asked[part], min(n - 1, 4 * wide))
                    items[part] = more
                    whose, others, run = (np.concatenate(pair) for pair in zip((whose, others, run), ties, strict=True))
        return items, whose, others, run

    def reindex(self, value: Near, index: Int[Array, " n"]) -> Near:
        """Reorder, relabel, and break ties anew."""
        return value.reordered(to_numpy(index))


def pair_distances(
    of: Prepared,
    asked: Int[np.ndarray, " m"],
    items: Int[np.ndarray, "m k"],
    inner: Literal["cosine", "euclidean"],
    center: bool,
) -> Float[np.ndarray, "m k"]:
    """Distances of items from some others each, summed from the rows, as of near pairs of `Distances`."""
    center = center and inner == "cosine"
    rows = Rows(of, center)
    lengths = to_numpy(of[RowNorms(center)]) if inner == "cosine" else None
    found = np.empty(items.shape)
    for start, stop in spans(len(asked), items.shape[1] * of.d):
        a, b = rows[asked[start:stop]], rows[items[start:stop].ravel()]
        if lengths is not None:
            a, b = a / lengths[asked[start:stop], None], b / lengths[items[start:stop].ravel(), None]
        apart = b.reshape(stop - start, -1, of.d) - a[:, None, :]
        squares = np.einsum("ijk,ijk->ij", apart, apart)
        if lengths is None:
            noise = SAME * np.finfo(np.float64).eps * np.linalg.norm(a, axis=1)
            squares[squares <= (2 * noise[:, None]) ** 2] = 0.0
        found[start:stop] = squares / 2 if lengths is not None else np.sqrt(squares)
    return found


SURE, ROUNDED = 1e-9, 1e-12
"""Squared distances are in order that are farther apart than this share of them and that of the squared lengths."""


def place_of(
    of: Prepared, items: Int[np.ndarray, " n"], inner: Literal["cosine", "euclidean"], center: bool
) -> Int[np.ndarray, " n"]:
    """The place of one item each among the neighbours of every item, however far: as of `NeighbourRanks`, by blocks.

    O(n^2 d) products in double precision; a row where others are about as near is looked at anew, pair by pair.
    """
    of[Nearest(1, inner, center)]  # undefined where all others are equally near
    rows = Rows(of, center or inner == "euclidean")  # Euclidean distances do not feel an offset, but their digits do
    lengths = to_numpy(of[RowNorms(center)])[:, None] if inner == "cosine" else None
    found = np.empty(of.n, dtype=np.int64)

    def some(start: int, stop: int) -> Float[np.ndarray, "m d"]:
        part = rows[start:stop]
        return part if lengths is None else part / lengths[start:stop]

    target = pair_distances(of, np.arange(of.n), items[:, None], inner, center)[:, 0]
    target = target**2 if lengths is None else 2 * target
    for i, j in spans(of.n, of.n):
        a, own, places = some(i, j), np.arange(i, j), np.ones(j - i, dtype=np.int64)
        doubtful = np.zeros(j - i, dtype=bool)
        squares = (a**2).sum(axis=1)
        for first, last in spans(of.n, max(of.d, j - i)):
            b = some(first, last)
            lengths_b = (b**2).sum(axis=1)
            # |a|^2 less the squared distance: the more, the nearer.
            near = a @ (2 * b).T
            near -= lengths_b
            for others in (own, items[i:j]):
                here = np.flatnonzero((others >= first) & (others < last))
                near[here, others[here] - first] = -np.inf
            within = SURE * target[i:j] + ROUNDED * (squares + lengths_b.max())
            least = squares - target[i:j]
            sure = np.count_nonzero(near > (least + within)[:, None], axis=1)
            doubtful |= sure != np.count_nonzero(near > (least - within)[:, None], axis=1)
            places += sure
        for row in (own[doubtful]).tolist():
            others = np.delete(np.arange(of.n), row)
            distances = pair_distances(of, np.asarray([row]), others[None, :], inner, center)[0]
            order = np.argsort(distances, kind="stable")
            runs = np.concatenate([[0], np.cumsum(TIES[inner].apart(distances[order]))])
            order = order[np.lexsort((others[order], runs))]
            places[row - i] = 1 + int(np.flatnonzero(others[order] == items[row])[0])
        found[i:j] = places
    return found


def places_in(items: Int[Array, "n j"], nearest: Int[Array, "n k"]) -> Int[Array, "n j"]:
    """The place of each of some items among the nearest of a row, from 1; k + 1 where it is none of them."""
    xp = array_namespace(items, nearest)
    k = nearest.shape[1]
    parts = []
    for start, stop in spans(items.shape[0], items.shape[1] * k):
        same: Bool[Array, "m j k"] = items[start:stop, :, None] == nearest[start:stop, None, :]
        place = xp.argmax(xp.astype(same, xp.int8), axis=2) + 1
        parts.append(xp.where(xp.any(same, axis=2), place, xp.full_like(place, k + 1)))
    return xp.concat(parts)
