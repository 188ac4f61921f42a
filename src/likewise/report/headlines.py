"""The first screen of an experiment: who is most like whom, on what data, how sure, and what not to conclude."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool

from likewise.chance import LEVEL, is_small
from likewise.measures import Configuration
from likewise.naming import counted, parts_of
from likewise.report.findings import shown, some
from likewise.report.tables import (
    AT_CHANCE,
    calibrated_ends,
    comparable,
    configurations_of,
    missing,
    names_of,
    number,
    one_order,
    pairs_of,
    short,
    why_unsure,
)
from likewise.scoring import Pairs

WHOLE = ("layers", "between", "chain")
"""Kinds of pairs by which somebody asks for certain ones: all of them are what was asked."""


FEW = (3, 6)
"""Names, at least and at most, of which the pairs that are not told apart from chance are named."""


@dataclass(frozen=True)
class Pair:
    """A pair and its score, as a sentence needs it.

    Parameters
    ----------
    a, b : str
        Of which two.
    value : str
        The score.
    interval : str
        Its interval, or why there is none.
    """

    a: str
    b: str
    value: str
    interval: str


@dataclass(frozen=True)
class Headline:
    """What one data set says.

    Parameters
    ----------
    dataset : str
        Which one, as it is shown.
    key : str
        Which one, as the long table calls it.
    items : int
        How many inputs it has.
    layers : tuple of str
        The layers that it is about.
    layer : str
        The one layer that it is about, in words; empty where the data set has one alone, or where it is about several.
    scale : str
        By which measure, and what its ends mean.
    measure : str
        The label of the configuration.
    column : {"calibrated", "value"}
        What of it is told.
    first, rival : Pair or None
        The most alike pair, and the one after it.
    unclear : int or None
        How many pairs have an interval that overlaps that of the first; None where it has none.
    agree : str
        How many measures name the same pair first; empty where there is no other measure.
    notes : tuple of str
        What else to know of these scores.
    """

    dataset: str
    key: str
    items: int
    layers: tuple[str, ...]
    layer: str
    scale: str
    measure: str
    column: str
    first: Pair | None
    rival: Pair | None
    unclear: int | None
    agree: str
    notes: tuple[str, ...]

    @property
    def score(self) -> str:
        """What the page calls the column."""
        return "raw" if self.column == "value" else "calibrated"


def headlines(frame: pd.DataFrame, pairs: Pairs) -> list[Headline]:
    """Return what each data set says of the layers that a page shows at first.

    The score is the calibrated one of the configuration that has most of them with an interval; the raw one where no
    chance levels were asked for. Layers are compared with others only where that was asked for.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `tables.long_frame`.
    pairs : Pairs
        Which were asked for.
    """
    low, high = calibrated_ends(frame)
    frame = frame.assign(calibrated_low=low, calibrated_high=high)
    return [_headline(frame[frame["dataset"] == dataset], pairs) for dataset in dict.fromkeys(frame["dataset"])]


def asked_of(frame: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    """Return the rows of the pairs that a headline may name: all, where no two of them are at one layer."""
    if pairs.kind in WHOLE:
        return frame
    kept = _rows_where(frame, comparable)
    return frame[kept] if kept.any() else frame


def layers_of(frame: pd.DataFrame, pairs: Pairs) -> tuple[list[str], bool]:
    """Return the layers that are shown at first, and whether two models are compared at the same layer only.

    Where several models are compared and nobody asked for other layers, it is the layer that most of them have.
    """
    same = pairs.kind not in WHOLE and bool(_rows_where(frame, comparable).any())
    parts = [parts_of(name) for name in names_of(asked_of(frame, pairs))]
    layers = list(dict.fromkeys(layer for *_, layer in parts))
    if not same or len(layers) == 1:
        return layers, same
    count = {layer: len({part[:2] for part in parts if part[2] == layer}) for layer in layers}
    # Of those that as many have, the last one: it stands nearest to what a model says.
    return [max(layers, key=lambda layer: (count[layer], layer == "last", layers.index(layer)))], same


def _rows_where(frame: pd.DataFrame, holds: Callable[[str, str], bool]) -> Bool[np.ndarray, " rows"]:
    """Whether something holds of the pair of each row; each pair is asked once."""
    pairs, places = pairs_of(frame)
    kept = np.asarray([holds(*pair) for pair in pairs], dtype=bool)
    return np.asarray(kept[places])


def lead_of(rows: pd.DataFrame) -> tuple[Configuration, str]:
    """Return the configuration that a headline is about, and which of its columns."""
    order = configurations_of(rows)
    columns = ["calibrated_low", "calibrated", "value"]
    known = {c: rows.loc[rows["configuration"] == c.label, columns].notna().mean().tolist() for c in order}
    best = max(order, key=lambda c: (known[c], c.facts.symmetric, -order.index(c)))
    return best, "calibrated" if known[best][1] else "value"


def _headline(frame: pd.DataFrame, pairs: Pairs) -> Headline:
    layers, _ = layers_of(frame, pairs)
    several = len({parts_of(name)[2] for name in names_of(frame)}) > 1
    rows = one_order(asked_of(frame, pairs))
    rows = rows[_rows_where(rows, lambda a, b: {parts_of(a)[2], parts_of(b)[2]} <= set(layers))]
    lead, column = lead_of(rows)
    of_lead = rows[rows["configuration"] == lead.label]
    ranked = _ranked(of_lead, column, lead)
    low, high = ("calibrated_low", "calibrated_high") if column == "calibrated" else ("low", "high")
    first, rival = (_pair(ranked.iloc[at], column, low, high) if len(ranked) > at else None for at in (0, 1))
    return Headline(
        dataset=shown(rows["dataset"].iloc[0]),
        key=rows["dataset"].iloc[0],
        items=int(rows["n_items"].max()),
        layers=tuple(layers),
        layer=f"layer {layers[0]}" if several and len(layers) == 1 else "",
        scale=f"by {lead.label}: 0 is chance, 1 is identical"
        if column == "calibrated"
        else f"by {lead.label}, a raw {lead.facts.direction} without a chance level",
        measure=lead.label,
        column=column,
        first=first,
        rival=rival,
        unclear=_unclear(ranked, low, high),
        agree=_agree(rows, lead, column) if len(ranked) > 1 else "",
        notes=(*_not_above_chance(of_lead), *_outside(ranked, column, low, high)),
    )


def _ranked(rows: pd.DataFrame, column: str, of: Configuration) -> pd.DataFrame:
    """One row a pair, the most alike first; where the order of a pair counts, the one that is less alike."""
    rows = rows[rows[column].notna()]
    up = column == "value" and of.facts.direction == "distance"
    least = rows.sort_values(column, ascending=not up, kind="stable").drop_duplicates(["a", "b"])
    return least.sort_values(column, ascending=up, kind="stable")


def _pair(row: pd.Series, column: str, low: str, high: str) -> Pair:
    interval = (
        f"no interval: {why_unsure(row['reason']) if missing(row['low']) else AT_CHANCE}"
        if missing(row[low])
        else f"{number(float(row[low]))} to {number(float(row[high]))}"
    )
    return Pair(row["a"], row["b"], number(float(row[column])), interval)


def _unclear(ranked: pd.DataFrame, low: str, high: str) -> int | None:
    """How many pairs the first is not clear of."""
    if len(ranked) < 2 or missing(ranked.iloc[0][low]):
        return None
    first, others = ranked.iloc[0], ranked.iloc[1:]
    return int(((others[high] >= first[low]) & (others[low] <= first[high])).sum())


def _agree(rows: pd.DataFrame, lead: Configuration, column: str) -> str:
    """How many other configurations name the same pair first, by scores of the same kind."""
    firsts, others = {}, 0
    for c in configurations_of(rows):
        ranked = _ranked(rows[rows["configuration"] == c.label], column, c)
        if len(ranked) > 1:
            firsts[c] = frozenset(ranked.iloc[0][["a", "b"]])
        else:
            others += 1
    lacking = "calibrated scores" if column == "calibrated" else "scores"
    left_out = f"; {counted(others, 'measure')} without {lacking} not counted" if others else ""
    if lead not in firsts or len(firsts) + others < 2:
        return ""
    same = sum(pair == firsts[lead] for pair in firsts.values())
    by = "" if column == "calibrated" else ", by raw scores"
    if len(firsts) == 1:
        return f"{lead.label} alone{left_out}"
    return f"{'all' if same == len(firsts) else f'{same} of'} {len(firsts)}{by}{left_out}"


def _not_above_chance(rows: pd.DataFrame) -> Iterator[str]:
    """Of few names, the pairs that no test tells apart from chance."""
    tested = rows[rows["pvalue_holm"].notna() & rows["value"].notna() & ~rows["too_few"]]
    if not FEW[0] <= len(names_of(rows)) <= FEW[1] or tested.empty:
        return
    worst = tested.groupby(["a", "b"], sort=False)["pvalue_holm"].max()
    above, below = (
        [f"{short(a)} and {short(b)}" for (a, b), p in worst.items() if is_small(p) == wanted]
        for wanted in (True, False)
    )
    if not below or not above:
        yield (
            f"No tested pair is told apart from chance: each corrected p is above {LEVEL}."
            if below
            else "Every tested pair is more alike than chance."
        )
    elif len(below) <= len(above):
        yield f"Not told apart from chance: {some(below)}."
    else:
        yield f"Told apart from chance are only: {some(above)}."


def _outside(ranked: pd.DataFrame, column: str, low: str, high: str) -> Iterator[str]:
    """A word on scores below 0 or above 1, where there are some."""
    # Of no pair both ends are NaN, which lie nowhere.
    ends = ranked[[column, low, high]]
    if column == "calibrated" and (ends.min(axis=None) < 0 or ends.max(axis=None) > 1):
        yield "Some scores or intervals lie a little below 0 or above 1: that is noise around chance or identity."


def not_to_conclude(frame: pd.DataFrame, found: Sequence[Headline]) -> list[str]:
    """Return what the scores do not say."""
    said = []
    if any(line.column == "calibrated" for line in found):
        said.append(
            "A score above 0 says that two models saw the same prompts, not that they are related: nearly all models "
            "that read the same prompts are above chance."
        )
    names = {*frame["a"], *frame["b"]}
    said.append(
        "A score is of these prompts and these layers. On other prompts, or in other layers, the answer may differ."
        if len(found) == 1
        else "A score holds for its data set. What is alike on one may not be on another."
    )
    if len(names) > 2 and frame["configuration"].nunique() > 1:
        said.append("A measure sees some kinds of likeness and ignores others: do not choose the one that suits.")
    return said
