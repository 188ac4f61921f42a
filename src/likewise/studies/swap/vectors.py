"""The vectors that a swap is asked about: read, held side by side, and which of them belong together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from likewise.arrays import float64, to_numpy
from likewise.chance import run_length, together_of
from likewise.errors import InputError
from likewise.representation import Representation, aligned, check_same_items
from likewise.scoring.leaving_out import stretch_of

STRETCHES = 10
"""Of these as many are held out as an interval needs."""

REPEATED = 0.1
"""Share of vectors that equal an earlier one, from which it is said."""


def sides_of(
    given: Any, join: str
) -> tuple[Representation, Representation, Representation | None, Representation | None]:
    """Old and new, and the same of queries if there are any, each two in one order."""
    values = list(given.values()) if isinstance(given, Mapping) else list(given)
    if len(values) not in (2, 4):
        raise InputError(f"{len(values)} sets of vectors; expected old and new, or these and the queries of both")
    names = ("old", "new", "old queries", "new queries")
    read = [
        r if isinstance(r, Representation) else Representation(r, name=name)
        for r, name in zip(values, names, strict=False)
    ]
    for r in read:
        if r.is_table:
            raise InputError(f"{r.name} is a table of {r.kind}; expected vectors")
    found: list[Representation] = []
    for place in range(0, len(read), 2):
        two, _ = aligned(read[place : place + 2], join)
        check_same_items(*two)
        # A tensor may have a type that NumPy lacks, or a gradient.
        found += [r if isinstance(r.matrix, np.ndarray) else r.changed(matrix=to_numpy(float64(r.matrix))) for r in two]
    if len(found) == 2:
        return found[0], found[1], None, None
    for corpus, queries in ((found[0], found[2]), (found[1], found[3])):
        if corpus.n_features != queries.n_features:
            raise InputError(
                f"{queries.name} has {queries.n_features} columns and {corpus.name} {corpus.n_features}; expected the "
                "same number: queries and corpus of one embedder"
            )
    return found[0], found[1], found[2], found[3]


def groups_of(queries: Sequence[Representation]) -> tuple[tuple[str, ...], str]:
    """Return which queries belong together, if any do, and what is taken as independent.

    Groups that are named; else queries whose vectors are equal, where many are; else stretches, where vectors that
    follow each other are alike, as parts of one text are. So no map is tested on what it has seen.
    """
    if (together := together_of(queries)) is not None:
        return tuple(map(str, together.of.tolist())), "groups"
    if groups := _equal(queries):
        return groups, "equal vectors as one group"
    if groups := _stretches(queries):
        return groups, "stretches of queries"
    return (), "queries"


def _first_equal(r: Representation) -> list[int]:
    """The first vector that each one equals."""
    seen: dict[int, int] = {}
    return [
        seen.setdefault(hash((row + 0.0).tobytes()), i) for i, row in enumerate(np.asarray(r.matrix))
    ]  # -0.0 is 0.0


def repeated(corpus: Sequence[Representation]) -> Iterator[str]:
    """Which embedders give many items one vector, as one that has failed does."""
    for r in corpus:
        again = r.n_items - len(set(_first_equal(r)))
        if again > REPEATED * r.n_items:
            yield (
                f"{again:,} of {r.n_items:,} vectors of {r.name} equal an earlier one: which of them are nearest is "
                "arbitrary. Check how they were made, or leave out repeated items."
            )


def _equal(queries: Sequence[Representation]) -> tuple[str, ...]:
    """Groups of queries whose vectors are equal, where many are; of the side where more are."""
    found = min((_first_equal(r) for r in queries), key=lambda first: len(set(first)))
    return tuple(map(str, found)) if len(set(found)) < (1 - REPEATED) * len(found) else ()


def _stretches(queries: Sequence[Representation]) -> tuple[str, ...]:
    """Stretches of queries where one side has vectors in runs: two runs long, or one, if more than `STRETCHES` are."""
    run = max(run_length(r.n_items, np.asarray(r.matrix).__getitem__) for r in queries)
    n = queries[0].n_items
    count = max(n // (2 * run), min(STRETCHES, n // run), 1)
    return tuple(stretch_of(n, count).astype(str).tolist()) if run > 1 else ()
