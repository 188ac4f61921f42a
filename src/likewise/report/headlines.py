"""The first screen of an experiment: who is most like whom, on what data, how sure, and what not to conclude."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from likewise.measures import Configuration
from likewise.report.findings import counted, shown, some
from likewise.report.tables import calibrated_ends, comparable, configurations_of, missing, number, one_order
from likewise.scoring import Pairs

WHOLE = ("layers", "between", "chain")
"""Kinds of pairs by which somebody asks for certain ones: all of them are what was asked."""


@dataclass(frozen=True)
class Pair:
    """A pair and its score, as a sentence needs it.

    Parameters
    ----------
    what : str
        Why it is named.
    a, b : str
        Of which two.
    value : str
        The score.
    interval : str
        Its interval, or why there is none.
    """

    what: str
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
        Which one.
    items : int
        How many inputs it has.
    scale : str
        By which measure, and what its ends mean.
    measure : str
        The label of the configuration.
    column : {"calibrated", "value"}
        What of it is told.
    pairs : tuple of Pair
        The most and the least alike.
    notes : tuple of str
        How sure the order is, and what other measures say.
    """

    dataset: str
    items: int
    scale: str
    measure: str
    column: str
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]


def headlines(frame: pd.DataFrame, pairs: Pairs) -> list[Headline]:
    """Return what each data set says.

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
    known = {pair: comparable(*pair) for pair in frame[["a", "b"]].drop_duplicates().itertuples(index=False, name=None)}
    kept = np.asarray([known[pair] for pair in zip(frame["a"], frame["b"], strict=True)], dtype=bool)
    return frame[kept] if kept.any() else frame


def lead_of(rows: pd.DataFrame) -> tuple[Configuration, str]:
    """Return the configuration that a headline is about, and which of its columns."""
    order = configurations_of(rows)
    columns = ["calibrated_low", "calibrated", "value"]
    known = {c: rows.loc[rows["configuration"] == c.label, columns].notna().mean().tolist() for c in order}
    best = max(order, key=lambda c: (known[c], c.facts.symmetric, -order.index(c)))
    return best, "calibrated" if known[best][1] else "value"


def _headline(frame: pd.DataFrame, pairs: Pairs) -> Headline:
    rows = one_order(asked_of(frame, pairs))
    lead, column = lead_of(rows)
    ranked = _ranked(rows[rows["configuration"] == lead.label], column, lead)
    low, high = ("calibrated_low", "calibrated_high") if column == "calibrated" else ("low", "high")
    count = len(ranked)
    whats = ["Most alike", "Least alike"] if count > 1 else ["The only pair"]
    told = tuple(_pair(what, ranked.iloc[-at], column, low, high) for at, what in enumerate(whats)) if count else ()
    notes = [*_order(ranked, low, high), *_others(rows, lead, column)] if count > 1 else []
    scale = (
        f"by {lead.label}: 0 is chance, 1 is identical"
        if column == "calibrated"
        else f"by {lead.label}, a raw {lead.facts.direction} without a chance level"
    )
    items = int(rows["n_items"].max())
    return Headline(shown(rows["dataset"].iloc[0]), items, scale, lead.label, column, told, tuple(notes))


def _ranked(rows: pd.DataFrame, column: str, of: Configuration) -> pd.DataFrame:
    """One row a pair, the most alike first; where the order of a pair counts, the one that is less alike."""
    rows = rows[rows[column].notna()]
    up = column == "value" and of.facts.direction == "distance"
    least = rows.sort_values(column, ascending=not up, kind="stable").drop_duplicates(["a", "b"])
    return least.sort_values(column, ascending=up, kind="stable")


def _pair(what: str, row: pd.Series, column: str, low: str, high: str) -> Pair:
    interval = (
        f"no interval: {row['reason'] or 'none was asked for'}"
        if missing(row[low])
        else f"95 % interval {number(float(row[low]))} to {number(float(row[high]))}"
    )
    return Pair(what, row["a"], row["b"], number(float(row[column])), interval)


def _order(ranked: pd.DataFrame, low: str, high: str) -> list[str]:
    """Which pairs the first is not clear of."""
    first, others = ranked.iloc[0], ranked.iloc[1:]
    if missing(first[low]):
        return ["Without intervals it is not known how sure this order is."]
    near = others[(others[high] >= first[low]) & (others[low] <= first[high])]
    if near.empty:
        return ["No other pair's interval reaches that of the first."]
    names = [f"{a} and {b}" for a, b in zip(near["a"], near["b"], strict=True)]
    return [f"Not clear of the first: {some(names)}. Their intervals overlap, so which of them is first may be luck."]


def _others(rows: pd.DataFrame, lead: Configuration, column: str) -> list[str]:
    """How many other configurations name the same pair first."""
    firsts = {}
    for c in configurations_of(rows):
        of = rows[rows["configuration"] == c.label]
        by = "calibrated" if column == "calibrated" and of["calibrated"].notna().any() else "value"
        ranked = _ranked(of, by, c)
        if len(ranked) > 1:
            firsts[c] = frozenset(ranked.iloc[0][["a", "b"]])
    if len(firsts) < 2 or lead not in firsts:
        return []
    same = sum(pair == firsts[lead] for pair in firsts.values())
    if same == len(firsts):
        return [f"All {len(firsts)} measures name the same pair as most alike."]
    return [f"{same} of {counted(len(firsts), 'measure')} name this pair as most alike: others see other things."]


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
