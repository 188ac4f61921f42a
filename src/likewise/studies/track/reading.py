"""The versions of a model, and the scores of pairs of them by what they are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from likewise.errors import InputError
from likewise.inference import Estimates, LeftOut, left_out
from likewise.measures import Configuration
from likewise.naming import depth_of, name_of, parts_of
from likewise.scoring import Results, interval

if TYPE_CHECKING:
    from likewise.studies.track.study import Track


@dataclass(frozen=True)
class Point:
    """One version of a model.

    Parameters
    ----------
    model : str
        What results call it.
    numbers : mapping of str to float
        What is known of it: its step, its size, its accuracy.
    run : str
        Which of several runs of one training it belongs to, such as its seed.
    """

    model: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    run: str = ""


@dataclass(frozen=True)
class Spot:
    """A score at a place of the track, or on the way from one to the next; mean and interval over runs of several."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


NONE = Spot(None)


def number_text(number: float) -> str:
    """Return a number as it stands in a name: ``143000``, ``0.5``."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"


class Reading:
    """The scores of a table by what they are of."""

    def __init__(self, study: "Track", given: Results) -> None:
        self.study, self.given = study, given
        rows = list(given)
        if not rows:
            raise InputError("a track of no scores; expected those of all pairs of its versions")
        datasets = sorted({row.dataset for row in rows})
        if len(datasets) > 1:
            raise InputError(f"a track on {len(datasets)} data sets; expected one")
        asked = rows[0].measure, rows[0].parameters
        self.configuration: Configuration = given.configurations[asked]
        self.label = self.configuration.label
        self.facts = self.configuration.facts
        self.rows = {(r.a, r.b): k for k, r in enumerate(rows) if (r.measure, r.parameters) == asked}
        self.all = rows
        known = {p.model for p in study.points}
        names = dict.fromkeys(name for pair in self.rows for name in pair)
        parts = [parts_of(name) for name in names]
        self.layers = list(dict.fromkeys(layer for model, _, layer in parts if model in known))
        self.layers.sort(key=depth_of)
        self.runs: dict[str, dict[float, Point]] = {}
        for point in study.points:
            self.runs.setdefault(point.run, {})[point.numbers[study.at]] = point
        self.at = sorted(set.intersection(*(set(run) for run in self.runs.values())))
        if len(self.at) < 2:
            raise InputError(
                f"{len(self.at)} {study.at}s that every run has; expected two or more"
                if len(self.runs) > 1
                else f"{len(self.at)} version; expected two or more"
            )

    def place(self, a: Point, b: Point, layer: str) -> int | None:
        """The row of a pair; in the order of the track where that counts."""
        first, second = name_of(a.model, layer), name_of(b.model, layer)
        return self.rows.get((first, second), self.rows.get((second, first)))

    def known(self, a: Point, b: Point, layer: str) -> int:
        """The row of a pair that is there."""
        place = self.place(a, b, layer)
        assert place is not None
        return place

    def spot(self, x: float, y: float, layer: str) -> Spot:
        """The score of the versions at two places, over all runs."""
        if x == y:
            same = self.facts.identity
            return Spot(same, same, same, "" if same is not None else "identical rows have no fixed score")
        places = [self.place(run[x], run[y], layer) for run in self.runs.values()]
        rows = [None if place is None else self.all[place] for place in places]
        if why := next(
            (("there is no such score" if r is None else r.reason) for r in rows if r is None or r.value is None), ""
        ):
            return Spot(None, why=why)
        scores = [row.value for row in rows if row is not None and row.value is not None]
        if len(scores) == 1:
            row = rows[0]
            assert row is not None
            return Spot(row.value, row.low, row.high, row.reason if row.low is None else "")
        each = np.asarray(scores)
        without = (each.sum() - each) / (len(each) - 1)
        low, high = interval(each.mean(keepdims=True), without[:, None], self.facts.bounds)
        return Spot(float(each.mean()), float(low[0]), float(high[0]))

    def estimates(self, stretches: Sequence[tuple[float, float]], layer: str) -> Estimates | None:
        """The scores of some stretches with their joint uncertainty, from inputs or from runs, where that is known."""
        try:
            if len(self.runs) == 1:
                (run,) = self.runs.values()
                return Estimates.of(left_out(self.given, [self.known(run[x], run[y], layer) for x, y in stretches]))
            each = [
                [self.all[self.known(run[x], run[y], layer)].value for run in self.runs.values()] for x, y in stretches
            ]
            return Estimates.of([LeftOut.of_mean(np.asarray(scores, dtype=np.float64)) for scores in each])
        except InputError:  # no left-out values, or fewer runs than a deviation needs
            return None
