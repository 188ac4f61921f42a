"""Exact nearest neighbours of queries in a corpus, in bounded memory: the table of all distances is never formed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from likewise.errors import InputError
from likewise.progress import Watch, unwatched

Metric: TypeAlias = Literal["cosine", "euclidean", "dot"]
METRICS: tuple[Metric, ...] = ("cosine", "euclidean", "dot")

BLOCK = 2**22
"""Values of the corpus that are held in double precision at a time."""

QUERIES = 1024
"""Queries that are searched at a time."""

SPARE = 4096
"""Candidates of a query beyond 4 k, above which all its distances are computed in double precision instead."""

SAMPLE = 4096
"""Rows whose mean is taken off all rows before products are rounded."""

UNIT = 2.0**-24
"""What a number may lose when it is rounded to single precision, as a share of its size."""

FAR = 1e6
"""A query this many times as far out as the corpus is searched in double precision."""


@dataclass(frozen=True, eq=False)
class Index:
    r"""A corpus whose nearest rows are found exactly.

    The cost of a row x for a query q is the squared distance :math:`|q - x|^2` for ``euclidean``, the same of rows of
    length 1 for ``cosine``, and :math:`-q'x / |q|` for ``dot``. The nearest cost least. Costs that differ by no
    more than rounding are ties, and go to the lower index: within :math:`10^{-12} c + 10^{-14} s \sqrt{c} +
    10^{-28} s^2` for a distance with cost c among rows of length s or less, and :math:`10^{-12} s` for ``dot``.

    Parameters
    ----------
    corpus : array, shape (n, d)
        Its rows; kept as they are, not copied.
    metric : {"cosine", "euclidean", "dot"}
        What near means.
    name : str
        Its name, for messages.
    ids : sequence of str
        Names of the rows, for messages.

    Raises
    ------
    InputError
        If the metric is unknown, or a row has length 0 where the cosine needs a direction.

    Notes
    -----
    Products of blocks in single precision choose candidates: all rows that could be among the k nearest, by the bound
    :math:`\gamma_d |q| |x|` of the rounding error (Higham 2002, doi:10.1137/1.9780898718027, section 3.1). Their costs
    are then computed in double precision, and they are ordered by these. So the result is that of a search in double
    precision. Cost: O(m n d) for m queries. Memory beside the corpus: a block of 4 million values twice, 1,024 queries
    against it, and at most 4 k + 4,096 candidates for each of these, below 1 GiB for k = 100.

    Examples
    --------
    >>> corpus = np.asarray([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1], [-1.0, 0.0]])
    >>> Index(corpus).nearest(np.asarray([[1.0, 0.01]]), 2).tolist()
    [[0, 2]]
    >>> Index(corpus, "dot").nearest(np.asarray([[1.0, 0.01]]), 2).tolist()
    [[2, 0]]
    """

    corpus: Num[np.ndarray, "n d"]
    metric: Metric = "cosine"
    name: str = "corpus"
    ids: Sequence[str] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InputError(f"metric {self.metric!r}; expected {', '.join(METRICS[:-1])} or {METRICS[-1]}")
        self._shape  # noqa: B018  # rows without a direction are refused here

    @cached_property
    def _step(self) -> int:
        return int(max(1, min(8192, BLOCK // max(1, self.corpus.shape[1]))))

    @cached_property
    def _shape(self) -> tuple[float, Float[np.ndarray, " d"], float]:
        """What rows are divided by, what is then taken off, and the largest length after both."""
        corpus, n = self.corpus, len(self.corpus)
        size = 1.0
        if self.metric != "cosine":
            largest = max((float(np.max(np.abs(b))) for b in self._raw() if b.size), default=0.0)
            size = 2.0 ** np.ceil(np.log2(largest)) if largest > 0 else 1.0
        some = corpus[np.unique(np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64))]
        off = self._scaled(some, size, self.name, self.ids).mean(axis=0)
        longest = 0.0
        for start in range(0, n, self._step):
            block = self._scaled(corpus[start : start + self._step], size, self.name, self.ids[start:], start) - off
            longest = max(longest, float(np.einsum("ij,ij->i", block, block).max()))
        return size, off, float(np.sqrt(longest))

    def _raw(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self.corpus), self._step):
            yield self.corpus[start : start + self._step]

    def _scaled(
        self, rows: np.ndarray, size: float, name: str, ids: Sequence[str] = (), first: int = 0
    ) -> Float[np.ndarray, "m d"]:
        if self.metric == "cosine":
            return unit_rows(rows, name, ids, first)
        return np.asarray(rows, dtype=np.float64) / size

    def nearest(
        self,
        queries: Num[np.ndarray, "m d"],
        k: int,
        own: Int[np.ndarray, " m"] | None = None,
        *,
        name: str = "queries",
        ids: Sequence[str] = (),
        watch: Watch = unwatched,
    ) -> Int[np.ndarray, "m k"]:
        """Return the places of the k nearest rows of each query, the nearest first.

        Parameters
        ----------
        queries : array, shape (m, d)
            As wide as the corpus.
        k : int
            How many; at most as many as there are candidates.
        own : array, shape (m,), optional
            The row of the corpus that is the query itself, which is left out.
        name : str
            Name of the queries, for messages.
        ids : sequence of str
            Names of the rows, for messages.
        watch : callable
            Is told how far the search is.

        Returns
        -------
        array, shape (m, k)
            Places in the corpus.

        Raises
        ------
        InputError
            If the widths differ, k is larger than the candidates, or a query has length 0 where the cosine needs one.
        """
        queries = np.asarray(queries)
        n, d = self.corpus.shape
        if queries.ndim != 2 or queries.shape[1] != d:
            raise InputError(f"{name} has {queries.shape[-1]} columns and {self.name} {d}; expected the same number")
        if not 1 <= k <= n - (own is not None):
            raise InputError(f"k = {k} of {n - (own is not None):,} candidates; expected a number from 1 to that")
        found = np.empty((len(queries), k), dtype=np.int64)
        blocks = -(-n // self._step) * -(-len(queries) // QUERIES)
        done = 0

        def told() -> None:
            nonlocal done
            done += 1
            watch(f"searching {self.name}", done, blocks)

        for start in range(0, len(queries), QUERIES):
            part = slice(start, start + QUERIES)
            asked = self._queries(queries[part], name, ids[part], start)
            found[part] = self._some(asked, k, None if own is None else own[part], told)
        return found

    def _queries(self, rows: np.ndarray, name: str, ids: Sequence[str], first: int) -> Float[np.ndarray, "m d"]:
        size, off, _ = self._shape
        if self.metric == "dot":  # the order does not depend on the length of the query
            return unit_rows(rows, name, ids, first, zero=True)
        with np.errstate(over="ignore"):
            scaled = self._scaled(rows, size, name, ids, first) - off
        if not (np.abs(scaled) < 1e150).all():  # squares must be finite too
            raise InputError(f"{name} holds rows too far from {self.name} to compute a distance in double precision")
        return np.asarray(scaled)

    def _some(
        self, q: Float[np.ndarray, "m d"], k: int, own: Int[np.ndarray, " m"] | None, told: Callable[[], None]
    ) -> Int[np.ndarray, "m k"]:
        size, off, longest = self._shape
        m, (n, d) = len(q), self.corpus.shape
        length = np.sqrt(np.einsum("ij,ij->i", q, q))
        # |computed - exact| <= error: sums of products, rounded rows, and half the squared length of a row.
        gamma = (d + 4) * UNIT / (1 - (d + 4) * UNIT)
        error = gamma * length * longest + 4 * UNIT * (length * longest + longest**2) + 1e-37
        hard = length > FAR * max(longest, 1.0)
        single = np.where(hard[:, None], 0.0, q).astype(np.float32)
        who = np.empty(0, dtype=np.int64)
        what, score = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        bar = np.full(m, -np.inf)
        for start in range(0, n, self._step):
            block = self._scaled(self.corpus[start : start + self._step], size, self.name) - off
            table = single @ block.astype(np.float32).T
            if self.metric != "dot":
                table -= (0.5 * np.einsum("ij,ij->i", block, block)).astype(np.float32)
            if own is not None:
                inside = np.flatnonzero((own >= start) & (own < start + len(block)))
                table[inside, own[inside] - start] = -np.inf
            if start == 0 and table.shape[1] > k:
                bar = np.partition(table, table.shape[1] - k, axis=1)[:, table.shape[1] - k].astype(np.float64)
            keep = table >= self._down(bar, error)[:, None]
            keep &= ~hard[:, None]
            if (many := keep.sum(axis=1) > 4 * k + SPARE).any():
                hard |= many
                keep &= ~hard[:, None]
            rows, columns = np.nonzero(keep)
            who = np.concatenate([who, rows])
            what = np.concatenate([what, columns + start])
            score = np.concatenate([score, table[rows, columns]])
            order = np.lexsort((-score, who))
            who, what, score = who[order], what[order], score[order]
            first = np.searchsorted(who, np.arange(m))
            enough = np.bincount(who, minlength=m) >= k
            bar[enough] = score[first[enough] + k - 1]
            hard |= np.bincount(who, minlength=m) > 4 * k + SPARE
            stay = (score >= self._down(bar, error)[who]) & ~hard[who] & (score > -np.inf)
            who, what, score = who[stay], what[stay], score[stay]
            told()
        places = np.full((m, k), -1, dtype=np.int64)
        easy = np.flatnonzero(~hard)
        if len(easy):
            chosen, safe = self._ordered(q, who, what, k, bar, error, length)
            places[easy] = chosen[easy]
            hard[easy[~safe[easy]]] = True
        left = np.flatnonzero(hard)
        for start in range(0, len(left), 32):
            part = left[start : start + 32]
            places[part] = self._in_full(q[part], k, None if own is None else own[part])
        return places

    @staticmethod
    def _down(bar: Float[np.ndarray, " m"], error: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """The computed score below which nothing can be among the k nearest, nor tied with the last of them."""
        return np.asarray(bar - 4 * error)

    def _ordered(
        self,
        q: Float[np.ndarray, "m d"],
        who: Int[np.ndarray, " c"],
        what: Int[np.ndarray, " c"],
        k: int,
        bar: Float[np.ndarray, " m"],
        error: Float[np.ndarray, " m"],
        length: Float[np.ndarray, " m"],
    ) -> tuple[Int[np.ndarray, "m k"], Bool[np.ndarray, " m"]]:
        """The k best candidates of each query by costs in double precision, and whether no tie can lie outside."""
        size, off, _ = self._shape
        cost = np.empty(len(who))
        step = max(1, BLOCK // max(1, q.shape[1]))
        for start in range(0, len(who), step):
            part = slice(start, start + step)
            rows = self._scaled(self.corpus[what[part]], size, self.name)
            cost[part] = self._costs(q[who[part]], rows if self.metric == "dot" else rows - off)
        order = np.lexsort((cost, who))
        who, what, cost = who[order], what[order], cost[order]
        new = np.ones(len(who), dtype=bool)
        new[1:] = (who[1:] != who[:-1]) | (cost[1:] - cost[:-1] > self._tie(cost[1:]))
        run = np.cumsum(new)
        order = np.lexsort((what, run))
        what_first = what[order]
        m = len(q)
        first, count = np.searchsorted(who, np.arange(m)), np.bincount(who, minlength=m)
        found = np.full((m, k), -1, dtype=np.int64)
        whole = count >= k
        found[whole] = what_first[first[whole][:, None] + np.arange(k)]
        # The last of the run that holds the k-th: a tie of it must not lie among what was not chosen.
        last = np.searchsorted(run, run[np.minimum(first + k - 1, max(0, len(run) - 1))], side="right") - 1
        worst = cost[last]
        exact = -worst - self._shift(q) if self.metric == "dot" else (length**2 - worst) / 2
        slack = self._tie(worst) if self.metric == "dot" else self._tie(worst) / 2
        safe = whole & (exact - slack > self._down(bar, error) + error)
        return found, safe | (whole & (count == len(self.corpus)))

    def _shift(self, q: Float[np.ndarray, "m d"]) -> Float[np.ndarray, " m"]:
        return np.asarray(q @ self._shape[1])

    def _costs(self, q: Float[np.ndarray, "c d"], x: Float[np.ndarray, "c d"]) -> Float[np.ndarray, " c"]:
        if self.metric == "dot":
            return np.asarray(-np.einsum("ij,ij->i", q, x))
        apart = q - x
        return np.asarray(np.einsum("ij,ij->i", apart, apart))

    def _tie(self, cost: Float[np.ndarray, "*c"]) -> Float[np.ndarray, "*c"]:
        _, off, longest = self._shape
        size = longest + float(np.sqrt(off @ off))
        if self.metric == "dot":
            return np.full_like(cost, 1e-12 * size)
        return np.asarray(1e-12 * cost + 1e-14 * size * np.sqrt(cost) + 1e-28 * size**2)

    def _in_full(
        self, q: Float[np.ndarray, "m d"], k: int, own: Int[np.ndarray, " m"] | None
    ) -> Int[np.ndarray, "m k"]:
        """The k nearest by the costs of all rows in double precision."""
        size, off, _ = self._shape
        cost = np.empty((len(q), len(self.corpus)))
        step = max(1, self._step // 8)
        for start in range(0, len(self.corpus), step):
            rows = self._scaled(self.corpus[start : start + step], size, self.name)
            rows = rows if self.metric == "dot" else rows - off
            for i, one in enumerate(q):
                cost[i, start : start + step] = self._costs(np.broadcast_to(one, rows.shape), rows)
        if own is not None:
            cost[np.arange(len(q)), own] = np.inf
        found = np.empty((len(q), k), dtype=np.int64)
        for i, row in enumerate(cost):
            order = np.argsort(row, kind="stable")
            order = order[np.isfinite(row[order])]
            apart = np.diff(row[order]) > self._tie(row[order][1:])
            run = np.concatenate([[0], np.cumsum(apart)])
            found[i] = order[np.lexsort((order, run))][:k]
        return found


def unit_rows(
    rows: Num[np.ndarray, "m d"], name: str, ids: Sequence[str] = (), first: int = 0, *, zero: bool = False
) -> Float[np.ndarray, "m d"]:
    """Return rows in double precision, each divided by its length; those of length 0 are refused, or stay.

    Raises
    ------
    InputError
        If a row has length 0 and ``zero`` is false.
    """
    rows = np.asarray(rows, dtype=np.float64)
    largest = np.abs(rows).max(axis=1, keepdims=True) if rows.size else np.zeros((len(rows), 1))
    if not zero and (largest == 0).any():
        place = int(np.argmin(largest[:, 0] != 0))
        item = f" (item {ids[place]!r})" if place < len(ids) else " (rows count from 0)"
        raise InputError(
            f"{name} has length 0 in row {first + place}{item}, and a cosine needs a direction; leave this row out or "
            "use the metric euclidean"
        )
    with np.errstate(over="ignore", under="ignore"):
        power = np.exp2(np.ceil(np.log2(np.where(largest > 0, largest, 1.0))))
        rows = rows / np.where(np.isfinite(power), power, largest)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(rows / np.where(length > 0, length, 1.0))
