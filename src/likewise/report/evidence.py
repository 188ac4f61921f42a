"""What pairs rest on besides scores: the prompts that two represent most and least alike, and their neighbours."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.arrays import to_numpy
from likewise.errors import LikewiseError
from likewise.fields import ITEMS_MEASURE
from likewise.measures import Configuration, contributions
from likewise.naming import inert
from likewise.quantities import Prepared
from likewise.quantities.neighbours import Neighbours
from likewise.representation import Representation

ITEMS = 5
"""Prompts of each kind."""

TEXT = 300
"""Characters of a prompt that a page keeps."""

NEIGHBOURS = 3
"""Neighbours that left, and that came, of each prompt."""

BYTES = 600_000
"""Of all texts of a page; pairs after that have their scores alone."""

PAIRS = 60
"""Pairs that are looked at: each takes the time of one score."""


@dataclass(frozen=True)
class Evidence:
    """The prompts of one pair.

    Parameters
    ----------
    dataset, a, b : str
        Of which pair.
    measure : str
        By which measure prompts are ordered.
    most, least : tuple of mapping
        ``id``, ``value``, ``text``, and the neighbours in one alone: ``left`` and ``came``.
    told : str
        Where the texts are from.
    """

    dataset: str
    a: str
    b: str
    measure: str
    most: tuple[Mapping[str, Any], ...]
    least: tuple[Mapping[str, Any], ...]
    told: str


def evidence_of(
    pairs: Iterable[tuple[str, str, str]],
    load: Callable[[str, str], Representation],
    texts: Callable[[Representation, Representation], tuple[Mapping[str, str | None], str]],
) -> Iterator[Evidence]:
    """Yield the prompts of pairs, until the page has enough.

    Parameters
    ----------
    pairs : iterable of (dataset, a, b)
        The most wanted first.
    load : callable
        Returns the representation of a data set by its name.
    texts : callable
        Returns texts by id, and where they are from.
    """
    configuration = Configuration.parse(ITEMS_MEASURE)
    near = Neighbours(**{k: v for k, v in configuration.parameters.items() if k in ("k", "inner", "center")})
    size = 0
    for count, (dataset, a, b) in enumerate(pairs):
        if size > BYTES or count == PAIRS:
            return
        try:
            both = load(dataset, a), load(dataset, b)
            sides = [Prepared(np.asarray(r.matrix), r.name, r.kind, copy=False) for r in both]
            added = to_numpy(contributions(configuration, *sides))
            lists = [to_numpy(side[near]) for side in sides]
        except LikewiseError:  # too few rows, or a table of distances: the pair has its scores alone
            continue
        known, told = texts(*both)
        ids = both[0].ids if both[0].has_ids else both[1].ids
        order = np.argsort(-added, kind="stable").tolist()
        few = min(ITEMS, len(order) // 2)

        item = functools.partial(_item, lists=lists, ids=ids, texts=known, added=added)
        found = Evidence(
            dataset, a, b, configuration.label, tuple(item(i) for i in order[:few]),
            tuple(item(i) for i in order[len(order) - few :][::-1]), told,
        )  # fmt: skip
        size += sum(len(str(one)) for one in (*found.most, *found.least))
        yield found


def _item(
    i: int, *, lists: Sequence[np.ndarray], ids: Sequence[str], texts: Mapping[str, str | None], added: np.ndarray
) -> dict[str, Any]:
    """One prompt: what it adds to the score, its text, and the nearest neighbours of one side alone."""
    left, came = ([k for k in lists[s][i].tolist() if k not in lists[1 - s][i]] for s in (0, 1))
    text = inert(" ".join((texts.get(ids[i]) or "").split()))
    return {
        "id": inert(str(ids[i])),
        "value": float(added[i]),
        "text": text if len(text) <= TEXT else f"{text[: TEXT - 1]}…",
        "left": [inert(str(ids[k])) for k in left[:NEIGHBOURS]],
        "came": [inert(str(ids[k])) for k in came[:NEIGHBOURS]],
    }
