"""Which of many models are nearest to one? From their scores with it, and the scores without each input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from likewise.errors import InputError, LikewiseError
from likewise.inference import RankSets, rank_intervals
from likewise.inference.leftout import FEWEST
from likewise.measures import Configuration
from likewise.naming import counted, p_text, some_of, with_ends
from likewise.scoring import interval
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Forest
from likewise.studies.names import Names

FEW = 40
"""Fewer inputs than that, and scores without each input, told to first order, vary too little."""

TOP = 20

HEADS = ("rank", "rank low", "rank high", "model", "score", "calibrated", "low", "high", "p")

LIMITS = (
    "A rank is of the calibrated score, 1 the highest. rank low, rank high: 95 % for each row alone, by Student's t of "
    "its difference from each other model, by the jackknife over inputs, corrected by Holm over all of them.",
    "low, high: 95 % interval of the calibrated score for as many other inputs. Each input is left out to first order; "
    "the chance level, and means and ranks within a measure, stay those of all inputs.",
    "p is for one model alone: it tells only that both saw the same inputs, not that they are related.",
)


@dataclass(frozen=True, eq=False)
class Found:
    """How alike many models are to one.

    Parameters
    ----------
    name, dataset : str
        The one, and where they were compared.
    configuration : Configuration
        By what.
    n_items : int
        Inputs.
    table : pyarrow.Table
        The scores of the one with each, as `Results` has them.
    without : array, shape (m, n)
        The calibrated score of each without each input; NaN where there is none.
    """

    name: str
    dataset: str
    configuration: Configuration
    n_items: int
    table: pa.Table
    without: Float[np.ndarray, "m n"]


def _calibrated_ends(given: Found) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The ends of the intervals of the calibrated scores: those of the scores, within the range of the measure."""
    facts, mean = given.configuration.facts, numbers_in(given.table, "null_mean")
    assert facts.identity is not None  # of all measures that can be searched
    unit = facts.identity - mean
    scores = mean[:, None] + given.without * unit[:, None]
    ends = interval(numbers_in(given.table, "value"), np.ascontiguousarray(scores.T), facts.bounds)
    first, second = ((end - mean) / unit for end in ends)
    return np.minimum(first, second), np.maximum(first, second)


def numbers_in(table: pa.Table, name: str) -> Float[np.ndarray, " m"]:
    """Return a column of numbers, NaN where there is none."""
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _drawn(rows: Sequence[Sequence[Any]], name: str) -> Forest:
    """The calibrated scores of the nearest, with their intervals."""
    labels, values, low, high = (tuple(row[HEADS.index(head)] for row in rows) for head in ("model", *HEADS[5:8]))
    return Forest(
        name="nearest",
        title="The nearest models",
        heading=f"Calibrated scores with {name}",
        alt="A dot for each of the nearest models with its interval; 0 is chance, 1 is identical. Also a table.",
        note="Lines: 95 % intervals, of each score for itself.",
        across="calibrated score",
        labels=labels,
        values=values,
        low=low,
        high=high,
        marks={"chance": 0.0},
    )


@dataclass(frozen=True)
class Search(Study):
    """The nearest of many models to one, with intervals of their ranks.

    Parameters
    ----------
    top : int
        How many are shown.

    Raises
    ------
    InputError
        If that is none.
    """

    name: ClassVar[str] = "search"
    question: ClassVar[str] = "Which kept models are nearest to this one?"
    needs: ClassVar[Literal["scores", "rows"]] = "rows"

    top: int = TOP

    def __post_init__(self) -> None:
        if self.top < 1:
            raise InputError(f"top={self.top}; expected 1 or more")

    def names(self) -> Names:
        """Return the names of its values."""
        values = ("nearest", "models", "undefined", "score", "calibrated", "p", "rank.high")
        return Names((*values, "calibrated.low", "calibrated.high"), {"nearest": HEADS})

    def answer(self, given: Found) -> Answer:
        """Return the nearest, with their ranks.

        Raises
        ------
        LikewiseError
            If no score is defined.
        """
        table, without, n = given.table, given.without, given.n_items
        calibrated = numbers_in(table, "calibrated")
        models, said = table["b"].to_pylist(), table["reason"].to_pylist()
        count = len(models)
        defined = np.flatnonzero(~np.isnan(calibrated))
        if not len(defined):
            raise LikewiseError(f"no score of {given.configuration.label} is defined: {said[0]}")
        order = sorted(defined.tolist(), key=lambda k: (-calibrated[k], models[k]))
        shown = order[: self.top]
        score, p = numbers_in(table, "value"), numbers_in(table, "pvalue")
        low = high = np.full(len(calibrated), np.nan)
        sets: RankSets | None = None
        if without.shape[1] >= FEWEST:
            low, high = _calibrated_ends(given)
            sets = rank_intervals(calibrated, without, shown)
        rows: list[tuple[Cell, ...]] = []
        for place, k in enumerate(shown):
            ends = (int(sets.low[place]), int(sets.high[place])) if sets else (None, None)
            rank = 1 + int((calibrated[defined] > calibrated[k]).sum())
            bounds = [None if np.isnan(end) else float(end) for end in (low[k], high[k])]
            rows.append(
                (
                    rank,
                    *ends,
                    models[k],
                    float(score[k]),
                    float(calibrated[k]),
                    *bounds,
                    None if np.isnan(p[k]) else p_text(float(p[k])),
                )
            )
        first = dict(zip(HEADS, rows[0], strict=True))
        values: dict[str, Cell] = {
            "nearest": first["model"], "models": count, "undefined": count - len(defined), "score": first["score"],
            "calibrated": first["calibrated"], "calibrated.low": first["low"], "calibrated.high": first["high"],
            "p": None if np.isnan(p[shown[0]]) else float(p[shown[0]]), "rank.high": first["rank high"],
        }  # fmt: skip
        why = f"{counted(n, 'input')}; expected {FEWEST} or more for an interval"
        reasons = {name: why for name in ("calibrated.low", "calibrated.high", "rank.high") if values[name] is None}
        reasons |= {} if values["p"] is not None else {"p": said[shown[0]]}
        limits = list(LIMITS if sets else LIMITS[2:])
        if sets and n < FEW:
            limits.append(
                f"With {n} inputs these intervals are too short; likewise compare has longer ones of each pair."
            )
        if undefined := [k for k in range(len(models)) if np.isnan(calibrated[k])]:
            why = said[undefined[0]]
            lacking = f"{counted(len(undefined), 'model')} without a calibrated score"
            limits.append(f"{lacking}, such as {models[undefined[0]]}: {why}")
        for reason in dict.fromkeys(said[k] for k in shown if said[k]):
            alike = [models[k] for k in shown if said[k] == reason]
            limits.append(f"Of {some_of(alike)}: {reason}")
        k = shown[0]
        told, of = f"{calibrated[k]:.3g}", ""
        if not np.isnan(low[k]):
            told, *around = with_ends(calibrated[k], low[k], high[k], apart=[0.0, 1.0], most=6)
            of = f" (95 %: {around[0]} to {around[1]})"
        last = int(sets.high[0]) if sets else None
        sure = (
            ""
            if last is None
            else " All others are told apart from it."
            if last == 1
            else f" {last - 1:,} more may be as near."
        )
        return Answer(
            question=f"Which of {count:,} kept models are nearest to {given.name}?",
            verdict=f"{first['model']} is the nearest of {count:,} to {given.name} on {given.dataset}: "
            f"by {given.configuration.label}, {told} of the way from chance to identical{of}.{sure}",
            reading="The nearest first, by the calibrated score: 0 is chance, 1 is identical.",
            tables=(
                Table(
                    "nearest",
                    HEADS,
                    tuple(rows),
                    spare=("p", "score", "low", "high"),
                    unsure={"score": "the calibrated score has one"},
                ),
            ),
            drawings=(_drawn(rows, given.name),),
            limits=tuple(limits),
            values=values,
            reasons=reasons,
        )
