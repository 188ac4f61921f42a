"""Whether one embedder can take the place of another: do neighbours stay, and can the old index stay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int

from likewise.chance import IN_FILES, IN_STRETCHES
from likewise.errors import InputError
from likewise.inference.leftout import mean_with_ends
from likewise.naming import counted
from likewise.progress import Watch, unwatched
from likewise.representation import Representation
from likewise.retrieval import (
    METRICS,
    Index,
    Map,
    Metric,
    agreement,
    orthogonal,
    rank_biased_overlap,
    recall,
    ridge,
    unit_rows,
)
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.names import Names
from likewise.studies.swap import said
from likewise.studies.swap.vectors import groups_of, repeated, sides_of

KS = (1, 5, 10, 100)
"""Depths at which neighbours are compared."""

TOP = 10
"""The depth of the verdict."""

FEWEST = 5
"""Queries, or groups of them, without which there is no interval."""

TRIED = 200
"""Queries with which it is tried whether they were given in the wrong order."""

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)

WAYS = ("unmapped", "orthogonal", "ridge")
"""How new queries are put into the old index."""


@dataclass(frozen=True)
class Swap(Study):
    """Compares the neighbours that two embedders give the same queries, and asks whether the old index can stay.

    Parameters
    ----------
    ks : tuple of int
        Depths at which neighbours are compared; those larger than the candidates are left out.
    metric : {"cosine", "euclidean", "dot"}
        What near means.
    p : float
        Of rank-biased overlap: how far down one looks.
    enough : float
        Recall from which an index counts as one that can stay.
    train : int
        Most pairs that a map is learnt on.
    held_out : int
        Most queries on which it is tested.
    changed : int
        Queries that are shown.
    join : {"exact", "inner"}
        Whether both sides must have the same ids.
    seed : int
        Draws pairs and held-out queries.
    """

    name: ClassVar[str] = "swap"
    question: ClassVar[str] = "Can the new embedder take the place of the old one?"
    needs: ClassVar[Literal["scores", "rows"]] = "rows"

    ks: tuple[int, ...] = KS
    metric: Metric = "cosine"
    p: float = 0.9
    enough: float = 0.9
    train: int = 10_000
    held_out: int = 2_000
    changed: int = 50
    join: str = "exact"
    seed: int = 0

    def names(self) -> Names:
        """Return the names of its values."""
        tops = [k for k in self.ks if k <= TOP] or [min(self.ks, default=TOP)]
        means = ["rbo", *(f"overlap@{k}" for k in self.ks), *(f"mapped.recall@{k}" for k in tops)]
        for kind in WAYS:
            means += [f"{kind}.cosine", *(f"{kind}.{of}recall@{k}" for k in tops for of in ("", "new_"))]
        return Names(
            (
                "queries", "corpus", "held_out", "pairs", "above_chance", "same_space", "mapped.stays", "mapped.map",
                *means, *(f"{name}.{end}" for name in means for end in ("low", "high")),
                *(f"overlap@{k}.chance" for k in self.ks),
            ),
            {
                "overlap": said.OVERLAP,
                "quantiles": ("share of queries", "rbo", *(f"overlap@{k}" for k in self.ks)),
                "maps": tuple(dict.fromkeys(head for k in tops for head in said.heads_of_maps(k))),
                "changed": ("rbo", *(f"overlap@{k}" for k in tops)),
            },
        )  # fmt: skip

    def answer(self, given: Any, watch: Watch = unwatched) -> Answer:
        """Return the answer.

        Parameters
        ----------
        given : sequence or mapping of Representation or array
            Old and new vectors of the same items, each a query against the others; or old and new vectors of a corpus,
            then old and new vectors of the queries.
        watch : callable
            Is told how far the work is.

        Raises
        ------
        InputError
            If the items differ, there are too few, or an option is out of its range.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 4))
        >>> turned = x @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
        >>> print(Swap().answer([x, turned]).values["overlap@10"])
        1.0
        """
        self._check()
        old, new, old_q, new_q = sides_of(given, self.join)
        corpus, alone = (old, new), old_q is None or new_q is None
        queries = corpus if old_q is None or new_q is None else (old_q, new_q)
        n, m = old.n_items, queries[0].n_items
        among = n - alone
        ks = sorted({k for k in self.ks if k <= among})
        if not ks:
            raise InputError(f"{among:,} candidates for a neighbour; expected at least {min(self.ks)}")
        top = max((k for k in ks if k <= TOP), default=ks[0])
        depth = ks[-1]
        own = np.arange(n) if alone else None
        indexes = [Index(np.asarray(r.matrix), self.metric, r.name, r.ids if r.has_ids else ()) for r in corpus]
        near = [
            index.nearest(np.asarray(q.matrix), depth, own, name=q.name, ids=q.ids if q.has_ids else (), watch=watch)
            for index, q in zip(indexes, queries, strict=True)
        ]
        shared = agreement(*near)
        groups, independent = groups_of(queries)
        shares, rbo = recall(shared, ks), rank_biased_overlap(shared, self.p)
        overlap = {k: mean_with_ends(shares[:, i], groups) for i, k in enumerate(ks)}
        alike = mean_with_ends(rbo, groups)
        by_chance = {k: k / among for k in ks}
        values: dict[str, Cell] = {"queries": m, "corpus": n}
        for k in ks:
            values |= said.named(f"overlap@{k}", overlap[k]) | {f"overlap@{k}.chance": by_chance[k]}
        values |= said.named("rbo", alike)
        more = overlap[top][1] is not None and overlap[top][1] > by_chance[top]  # type: ignore[operator]
        values["above_chance"] = more
        can_stay, of_maps, of_each, not_said = self._maps(indexes[0], corpus, queries, near, top, alone, groups, watch)
        values |= of_maps
        rows: list[tuple[Cell, ...]] = [(f"overlap@{k}", *overlap[k], by_chance[k]) for k in ks]
        rows.append((f"rank-biased overlap of {depth}, p = {self.p:g}", *alike, float(rank_biased_overlap(
            np.arange(1, depth + 1) ** 2 / among, self.p))))  # fmt: skip
        tables = [
            Table("overlap", said.OVERLAP, tuple(rows), unsure={"chance": "it follows from the sizes alone"}),
            Table(
                "quantiles",
                ("share of queries", *(f"overlap@{k}" for k in ks), "rbo"),
                tuple(
                    (q, *(float(np.quantile(shares[:, i], q)) for i in range(len(ks))), float(np.quantile(rbo, q)))
                    for q in QUANTILES
                ),
                caption="Spread over queries: this share of them has at most this overlap",
                unsure={"share of queries": ""}
                | dict.fromkeys(
                    (*(f"overlap@{k}" for k in ks), "rbo"), "a quantile of these queries; the means have intervals"
                ),
            ),
            *of_each,
            *said.changed(corpus[0], queries[0], near, shares[:, ks.index(top)], rbo, top, self.changed),
        ]
        limits = [
            "Equal neighbours do not mean good ones: no judgement of relevance is used here.",
            f"Intervals are for new queries {'and' if alone else 'against'} this corpus, with {independent} taken as "
            "independent.",
            *([IN_STRETCHES + IN_FILES + "."] if independent.startswith("stretches") else []),
            *not_said,
            *repeated(corpus),
        ]
        if left := sorted(set(self.ks) - set(ks)):
            limits.append(f"k = {', '.join(map(str, left))} left out: only {among:,} candidates.")
        if not alone and not more and overlap[top][1] is not None:
            limits += self._exchanged(indexes, queries, top, groups)
        if overlap[top][1] is None:
            limits.append(f"No intervals: expected {FEWEST} or more queries, or groups of them, nearly of one size.")
        stay = f"{top * overlap[top][0]:.3g} of {top} neighbours stay"
        low, high = overlap[top][1:]
        sure = "" if low is None or high is None else f"95 %: {top * low:.3g} to {top * high:.3g}; "
        verdict = f"{stay} ({sure}chance {top * by_chance[top]:.2g})."
        if not more:
            verdict += " Neighbours agree no more than by chance." if low is not None else ""
        return Answer(
            self.question,
            f"{verdict} {can_stay}",
            tables=tuple(tables),
            drawings=(said.drawn(rows),),
            limits=tuple(limits),
            values=values,
        )

    def _check(self) -> None:
        if self.metric not in METRICS:
            raise InputError(f"metric {self.metric!r}; expected {', '.join(METRICS[:-1])} or {METRICS[-1]}")
        if not self.ks or any(k < 1 for k in self.ks):
            raise InputError(f"k = {', '.join(map(str, self.ks)) or 'none'}; expected numbers from 1 on")
        for name, share in (("p", self.p), ("enough", self.enough)):
            if not 0 < share < 1:
                raise InputError(f"{name} = {share}; expected a number between 0 and 1")
        for name, count in (("train", self.train), ("held_out", self.held_out)):
            if count < 1:
                raise InputError(f"{name} = {count}; expected 1 or more")

    def _maps(
        self,
        index: Index,
        corpus: tuple[Representation, Representation],
        queries: tuple[Representation, Representation],
        near: Sequence[Int[np.ndarray, "m k"]],
        top: int,
        alone: bool,
        groups: tuple[str, ...],
        watch: Watch,
    ) -> tuple[str, dict[str, Cell], tuple[Table, ...], list[str]]:
        """Recall of the new queries in the old index, as they are and after maps learnt on other pairs."""
        train, test = self._split(corpus[0].n_items, queries[0].n_items, alone, groups)
        asked = set() if alone else {row.tobytes() for row in np.asarray(queries[0].matrix, dtype=np.float64)}
        known = np.asarray([row.tobytes() in asked for row in np.asarray(corpus[0].matrix, dtype=np.float64)])
        train = train[~known[train]]
        names = tuple(groups[i] for i in test) if groups else ()
        rows = np.asarray(queries[1].matrix)[test]
        ways: dict[str, tuple[np.ndarray, str]] = {}
        same_width = corpus[0].n_features == corpus[1].n_features
        if same_width:
            ways["unmapped"] = rows, "as it is"
        if len(train) >= FEWEST:
            x, y = (self._fitted(np.asarray(r.matrix)[train], r.name) for r in (corpus[1], corpus[0]))
            held = self._fitted(rows, queries[1].name)
            learning = f"learning maps on {counted(len(train), 'pair')}"
            watch(learning, 0, 2)
            found: dict[str, Map] = {"orthogonal": orthogonal(x, y, free=self.metric == "euclidean")}
            watch(learning, 1, 2)
            found["ridge"] = ridge(x, y, self.seed)
            watch(learning, 2, 2)
            for kind, learnt in found.items():
                ways[kind] = learnt(held), f"after a learnt {'orthogonal' if kind == 'orthogonal' else 'linear'} map"
        target = unit_rows(np.asarray(queries[0].matrix)[test], queries[0].name, zero=True)
        own = test if alone else None
        values: dict[str, Cell] = {"held_out": len(test), "pairs": len(train)}
        lines: list[tuple[Cell, ...]] = []
        means: dict[str, said.Mean] = {}
        for kind, (moved, _) in ways.items():
            got = index.nearest(moved, top, own, name=f"{kind} queries", watch=watch)
            of_old = recall(agreement(got, near[0][test, :top]), [top])[:, 0]
            of_new = recall(agreement(got, near[1][test, :top]), [top])[:, 0]
            cosine = (unit_rows(moved, kind, zero=True) * target).sum(axis=1)
            means[kind] = mean_with_ends(of_old, names)
            turned = mean_with_ends(cosine, names, (-1.0, 1.0), continuous=True)
            values |= said.named(f"{kind}.recall@{top}", means[kind])
            fresh = mean_with_ends(of_new, names)
            values |= said.named(f"{kind}.new_recall@{top}", fresh) | said.named(f"{kind}.cosine", turned)
            pairs = 0 if kind == "unmapped" else len(train)
            lines.append((kind, pairs, len(test), *means[kind], *fresh, *turned))
        told = Table(
            "maps", said.heads_of_maps(top), tuple(lines), caption="New queries in the old index",
            text="Recall: the share of the neighbours that the old query finds there.",
            spare=("cosine high", "cosine low", "new high", "new low", f"recall@{top} of new neighbours"),
        )  # fmt: skip
        mapped = {kind: mean for kind, mean in means.items() if kind != "unmapped"}
        # The rotation first, whichever is ahead on these queries: the larger of two recalls would be too good. But one
        # that is not enough stands behind one that may be.
        judged = {kind: self._stays(mean) for kind, mean in mapped.items()}
        best = next((kind for wanted in (True, None, False) for kind in judged if judged[kind] is wanted), None)
        if best is not None:
            values |= said.named(f"mapped.recall@{top}", mapped[best]) | {"mapped.map": best}
        as_is = self._stays(means.get("unmapped")) if same_width else False
        after = self._stays(mapped[best]) if best is not None else None
        values |= {"same_space": as_is, "mapped.stays": after}
        limits = ["A map is tested on held-out queries of this kind; other queries can fare worse."]
        if groups:
            parts = len(set(names))
            few = "" if parts >= FEWEST else f": too few for intervals, expected {FEWEST} or more"
            limits.append(f"The held-out queries are of {counted(parts, 'group')}{few}.")
        if known.any():
            both = int(known.sum())
            limits.append(
                f"{counted(both, 'row')} of the corpus {'is a query' if both == 1 else 'are queries'} too: no map is "
                "learnt on them, but each finds itself. Without queries of their own, rows of the corpus are held out."
            )
        if not same_width:
            limits.append(
                f"The widths differ ({corpus[0].n_features} and {corpus[1].n_features}): the old index takes the new "
                "queries only after a map."
            )
        if best is None:
            limits.append(f"No map: {len(train)} pairs to learn it on; expected {FEWEST} or more.")
        elif len(train) < corpus[1].n_features:
            limits.append(f"The maps are learnt on {len(train):,} pairs in {corpus[1].n_features:,} dimensions: few.")
        return (
            said.verdict_of_maps(top, means.get("unmapped"), as_is, best, mapped, after, len(test), self.enough),
            values,
            (told,) if lines else (),
            limits,
        )

    def _fitted(self, rows: np.ndarray, name: str) -> Float[np.ndarray, "m d"]:
        return unit_rows(rows, name) if self.metric == "cosine" else np.asarray(rows, dtype=np.float64)

    def _split(
        self, n: int, m: int, alone: bool, groups: tuple[str, ...]
    ) -> tuple[Int[np.ndarray, " t"], Int[np.ndarray, " h"]]:
        """Places in the corpus to learn on, and of the queries to test on; groups stay whole where items are both."""
        rng = np.random.default_rng(self.seed)
        if not alone:
            return np.sort(rng.permutation(n)[: self.train]), np.sort(rng.permutation(m)[: self.held_out])
        _, of = np.unique(np.asarray(groups or [str(i) for i in range(n)]), return_inverse=True)
        parts = rng.permutation(int(of.max()) + 1)
        # A fifth, or as many as an interval needs.
        out = np.isin(of, parts[: max(1, len(parts) // 5, min(FEWEST, len(parts) // 2))])
        test, train = rng.permutation(np.flatnonzero(out)), rng.permutation(np.flatnonzero(~out))
        return np.sort(train[: self.train]), np.sort(test[: self.held_out])

    def _stays(self, mean: said.Mean | None) -> bool | None:
        """Whether the recall is enough; None where the interval does not decide it."""
        if mean is None or mean[1] is None or mean[2] is None:
            return None
        return True if mean[1] >= self.enough else False if mean[2] < self.enough else None

    def _exchanged(
        self,
        indexes: Sequence[Index],
        queries: tuple[Representation, Representation],
        top: int,
        groups: tuple[str, ...],
    ) -> Iterator[str]:
        """Say so where the queries of each embedder fit the corpus of the other one, on some of them."""
        if queries[0].n_features != queries[1].n_features:
            return  # files that are given in the wrong order are refused then
        n = queries[0].n_items
        some = np.arange(n) if n <= TRIED else np.arange(TRIED) * n // TRIED  # of all groups
        near = [
            index.nearest(np.asarray(q.matrix)[some], top, None, name=q.name)
            for index, q in zip(indexes, reversed(queries), strict=True)
        ]
        share = recall(agreement(*near), [top])[:, 0]
        found = mean_with_ends(share, tuple(groups[i] for i in some) if groups else ())
        if found[1] is not None and found[1] > top / len(indexes[0].corpus):
            yield (
                f"With the two sets of queries exchanged, {top * found[0]:.3g} of {top} neighbours stay: perhaps the "
                "new ones were given first; expected old, then new."
            )
