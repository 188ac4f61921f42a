"""Who is nearest to each representation, with confidence sets of the ranks and letters for what no test tells apart."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from likewise.errors import LikewiseError
from likewise.inference import Estimates, all_differences, left_out, letters, rank_sets
from likewise.measures import Configuration
from likewise.report.tables import comparable
from likewise.scoring import Results

MOST = 24
"""Others of one base that are ranked: tests of all their differences take time."""

WORK = 2_000
"""Differences that are tested for a page, over all bases; the first bases of the experiment come first."""


@dataclass(frozen=True)
class Ranking:
    """The others of a base in the order of their likeness to it.

    Parameters
    ----------
    base : str
        Like whom.
    members : tuple of str
        The others.
    rank, low, high : tuple of int
        The rank of each, and the ranks that it may have; 1 is the most alike.
    letters : tuple of str
        Two with a letter in common are not told apart.
    """

    base: str
    members: tuple[str, ...]
    rank: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    letters: tuple[str, ...]


def rankings(results: Results, frame: pd.DataFrame, dataset: str, of: Configuration, column: str) -> Iterator[Ranking]:
    """Yield a ranking for each base of which there are two others or more whose left-out values are kept.

    Parameters
    ----------
    results : Results
        With replicates; the frame is of its rows, in their order.
    frame : pandas.DataFrame
        From `tables.long_frame`.
    dataset, of
        Which rows.
    column : {"calibrated", "value"}
        What is ranked.
    """
    if not results.kept.keys() & {"without_input", "without_group"} or not of.facts.symmetric:
        return
    here = (frame["dataset"] == dataset) & (frame["configuration"] == of.label) & frame[column].notna()
    rows = frame[here]
    names = list(dict.fromkeys(name for pair in zip(rows["a"], rows["b"], strict=True) for name in pair))
    layered = any(comparable(a, b) for a, b in zip(rows["a"], rows["b"], strict=True))
    work = 0
    for base in names:
        mine = rows[(rows["a"] == base) | (rows["b"] == base)]
        others = [b if a == base else a for a, b in zip(mine["a"], mine["b"], strict=True)]
        kept = [k for k, other in enumerate(others) if comparable(base, other) or not layered]
        work += len(kept) * (len(kept) - 1) // 2
        if not 2 <= len(kept) <= MOST or work > WORK:
            continue
        places = mine.index.to_numpy()[kept]
        part = Results(
            results.table.take(places), asked=results.asked,
            replicates={kind: lists.take(places) for kind, lists in results.kept.items()},
        )  # fmt: skip
        try:
            estimates = Estimates.of(left_out(part, range(len(kept)), calibrated=column == "calibrated"))
        except LikewiseError:  # a row without left-out values: the page leaves this ranking out
            continue
        up = 1 if column == "calibrated" or of.facts.direction == "similarity" else -1
        sets = rank_sets(estimates, more_alike=up)
        order = np.argsort(-up * estimates.value, kind="stable").tolist()
        rank, low, high = (tuple(ends.tolist()) for ends in (sets.rank, sets.low, sets.high))
        shared = letters(all_differences(estimates).told_apart(), order)
        yield Ranking(base, tuple(others[k] for k in kept), rank, low, high, shared)
