"""What a swap says: its verdict, its tables and drawings, from numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from likewise.naming import with_ends
from likewise.representation import Representation
from likewise.studies.answer import Table
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Forest

OVERLAP = ("share of neighbours", "value", "low", "high", "chance")
"""Heads of the first table."""

Mean = tuple[float, float | None, float | None]
"""A mean with the ends of its interval, if it has one."""


def verdict_of_maps(
    top: int, plain: Mean | None, as_is: bool | None, best: str | None, mapped: Mapping[str, Mean],
    after: bool | None, held: int, enough: float,
) -> str:  # fmt: skip
    """Whether the old index can stay, as it is or after a map."""
    on = f"on {held:,} held-out queries"
    if plain is None:
        first = "The old index cannot stay as it is: the widths differ."
    elif as_is:
        return f"The old index can stay as it is: recall@{top} of new queries {range_of(plain, enough)} {on}."
    elif as_is is None:
        told = f"recall@{top} of new queries {range_of(plain, enough)}"
        first = f"Whether the old index can stay as it is cannot be told: {told}."
    else:
        first = f"The old index cannot stay as it is: recall@{top} of new queries {range_of(plain, enough)}."
    if best is None:
        return first
    name = "orthogonal" if best == "orthogonal" else "linear (ridge)"
    ends = f"recall@{top} {range_of(mapped[best], enough)} {on}."
    if after:
        return f"{first} With a learnt {name} map it can stay: {ends}"
    if after is None:
        return f"{first} Whether a learnt {name} map is enough cannot be told: {ends}"
    called = {"orthogonal": "an orthogonal one", "ridge": "a linear one (ridge)"}
    each = " and ".join(f"{range_of(mean, enough)} with {called[kind]}" for kind, mean in mapped.items())
    return f"{first} No learnt map is enough: recall@{top} is {each}, {on}."


def changed(
    corpus: Representation,
    queries: Representation,
    near: Sequence[Int[np.ndarray, "m k"]],
    share: Float[np.ndarray, " m"],
    rbo: Float[np.ndarray, " m"],
    top: int,
    most: int,
) -> tuple[Table, ...]:
    """The queries that changed most, with the neighbours that they lost and gained."""
    order = np.lexsort((np.arange(len(rbo)), rbo, share))
    order = order[share[order] < 1][:most]
    if not len(order):
        return ()
    texts, said = corpus.source.texts, queries.source.texts
    rows = []
    for i in order:
        old, new = near[0][i, :top].tolist(), near[1][i, :top].tolist()
        lost, gained = [j for j in old if j not in new], [j for j in new if j not in old]
        row: list[Cell] = [queries.ids[i], said[i] if said else None, float(share[i]), float(rbo[i])]
        row += ["; ".join(corpus.ids[j] for j in some) for some in (lost, gained)]
        row += ["; ".join(texts[j] for j in some) if texts else None for some in (lost, gained)]
        rows.append(tuple(row))
    columns = ("query", "text", f"overlap@{top}", "rbo", "lost", "gained", "texts lost", "texts gained")
    kept = [i for i in range(len(columns)) if any(row[i] is not None for row in rows)]
    heads = tuple(columns[i] for i in kept)
    return (
        Table(
            "changed",
            heads,
            tuple(tuple(row[i] for i in kept) for row in rows),
            caption="Queries that changed most",
            folded=True,
            spare=tuple(c for c in ("texts gained", "texts lost", "rbo", "text", "gained", "lost") if c in heads),
            unsure=dict.fromkeys((f"overlap@{top}", "rbo"), "of one query"),
        ),
    )


def drawn(rows: Sequence[tuple[Cell, ...]]) -> Forest:
    """The shares of neighbours that stay, with their intervals, beside chance."""
    labels, *columns = zip(*rows, strict=True)
    values, low, high, chance = columns
    return Forest(
        name="overlap",
        title="Neighbours that stay",
        heading="Share of the neighbours that stay",
        alt="A dot for each number of neighbours, with its interval and chance; also a table.",
        note="Lines: 95 % intervals, for new queries.",
        across="share of neighbours",
        labels=tuple(map(str, labels)),
        values=values,
        low=low,
        high=high,
        chance=chance,
    )


def heads_of_maps(top: int) -> tuple[str, ...]:
    """Of the table of maps."""
    return ("map", "pairs", "held-out queries", f"recall@{top}", "low", "high", f"recall@{top} of new neighbours",
            "new low", "new high", "cosine", "cosine low", "cosine high")  # fmt: skip


def range_of(mean: Mean, enough: float) -> str:
    """A mean and its interval, in as many digits as tell the ends from what is enough."""
    if mean[1] is None or mean[2] is None:
        return f"{mean[0]:.2f}, without an interval"
    told = with_ends(mean[0], mean[1], mean[2], apart=[enough])
    return f"{told[0]} ({told[1]} to {told[2]})"


def named(name: str, mean: Mean) -> dict[str, Cell]:
    """A mean and its ends by their names."""
    return {name: mean[0], f"{name}.low": mean[1], f"{name}.high": mean[2]}
