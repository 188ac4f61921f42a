"""How the insides of a model move over checkpoints, and with any number that its versions have."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from likewise.errors import InputError
from likewise.fields import TRACK_TOLERANCE
from likewise.naming import did_you_mean
from likewise.scoring import Results
from likewise.studies.answer import Answer
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.names import Names
from likewise.studies.track import said
from likewise.studies.track.layers import Layer
from likewise.studies.track.reading import Point, Reading, number_text

PARTS = (
    "from", "to", "value", "low", "high", "first_last.value", "first_last.low", "first_last.high", "settled",
    "settled_from",
)  # fmt: skip
"""What is said of each layer."""


@dataclass(frozen=True)
class Track(Study):
    """Sets each version of a model beside the first, the last and the next one, layer by layer.

    Parameters
    ----------
    points : tuple of Point
        The versions.
    at : str
        The number that puts them in order.
    tolerance : float
        Largest distance to the score of identical rows that counts as settled.
    seed : int
        Of the draws that say which stretches may move most.
    """

    name: ClassVar[str] = "track"
    question: ClassVar[str] = "How do the insides move?"

    points: tuple[Point, ...] = ()
    at: str = "step"
    tolerance: float = TRACK_TOLERANCE
    seed: int = 0

    def __post_init__(self) -> None:
        for point in self.points:
            if self.at not in point.numbers:
                known = did_you_mean(self.at, point.numbers)
                raise InputError(f"{point.model} has no number {self.at!r}, which puts the versions in order; {known}")
            for name, number in point.numbers.items():
                if not np.isfinite(number) or (number and not 1e-250 < abs(number) < 1e250):
                    raise InputError(f"{point.model}: {name} is {number}; expected 0, or a size from 1e-250 to 1e250")
        places = [(p.run, p.numbers[self.at]) for p in self.points]
        if twice := next((k for k in places if places.count(k) > 1), None):
            both = " and ".join(p.model for p in self.points if (p.run, p.numbers[self.at]) == twice)
            raise InputError(
                f"{both} have the same {self.at}, {number_text(twice[1])}; expected one for each, or a column run or "
                "seed that tells runs apart"
            )
        if not 0 <= self.tolerance < np.inf:
            raise InputError(f"tolerance={self.tolerance}; expected 0 or more")

    @property
    def wanted(self) -> dict[str, Any]:
        """The pairs that it needs: all versions with all, at the same layer."""
        models = [point.model for point in self.points]
        return {"first": models, "second": models, "same_layer": True}

    def names(self) -> Names:
        """Return the names of its values; which layers there are, the scores tell."""
        numbers = self.shared
        of_numbers = (f"layer.*.{name}.{part}" for name in numbers for part in ("rho", "p"))
        tables = {
            "layers": said.heads_of_layers(self.at),
            "places": said.heads_of_places(self.at),
            "numbers": said.NUMBERS,
        }
        runs = {point.run for point in self.points}
        if len(runs) > 1:
            tables["runs"] = said.heads_of_runs(self.at)
        return Names(
            (*PARTS, *(f"layer.*.{part}" for part in PARTS), *of_numbers),
            tables,
            {} if len(runs) > 1 else {"runs.*": "there is one run; runs are told of two or more"},
        )

    @property
    def shared(self) -> list[str]:
        """The numbers that every version has, in the order of the first."""
        return [name for name in self.points[0].numbers if all(name in point.numbers for point in self.points)]

    def answer(self, given: Results) -> Answer | None:
        """Return how the versions move, from the scores of all pairs of them at the same layer.

        One configuration is read, the first, on one data set. Intervals of a single run come from the inputs; those of
        several runs from the runs, by Student's t.

        Examples
        --------
        >>> import likewise
        >>> rng = np.random.default_rng(0)
        >>> start, end = rng.normal(size=(2, 40, 4))
        >>> rows = {f"v{s}": start + min(s, 4) / 4 * (end - start) for s in (0, 2, 4, 8)}
        >>> study = Track(tuple(Point(name, {"step": float(name[1:])}) for name in rows))
        >>> found = study.answer(likewise.compare(rows, ["cka(debiased=True)"], pairs=study.wanted))
        >>> found.values["settled_from"]
        4.0
        """
        if not self.points:
            return None
        read = Reading(self, given)
        found = [Layer.of(read, layer) for layer in read.layers]
        numbers = said.numbers_table(read)
        last = found[-1]
        values: dict[str, Cell] = {}
        reasons: dict[str, str] = {}
        for layer in found:
            for name, (value, why) in layer.values(read).items():
                for full in (f"layer.{layer.name}.{name}", *([name] if layer is last else [])):
                    values[full] = value
                    reasons |= {full: why} if value is None else {}
        for row in numbers.records():
            prefix = f"layer.{row['layer']}.{row['number']}"
            for name in ("rho", "p"):
                values[f"{prefix}.{name}"] = row[name]
                reasons |= {f"{prefix}.{name}": str(row["note"] or "there is none")} if row[name] is None else {}
        tables = [said.layers_table(read, found), said.places_table(read, found), *([numbers] if numbers.rows else [])]
        if len(read.runs) > 1:
            tables.append(said.runs_table(read))
        return Answer(
            self.question,
            last.verdict(read) + said.told_numbers(numbers, last.name, self.at),
            f"Scores are {read.label} of the same inputs in two versions, at the same layer. "
            + (
                f"Bands and intervals are 95 %, for other runs: {len(read.runs)} runs, Student's t."
                if len(read.runs) > 1
                else "Bands and intervals are 95 %, for other inputs of this kind."
            ),
            tables=tuple(tables),
            drawings=tuple(said.drawings(read, found)),
            limits=tuple(said.limits(read, numbers)),
            values=values,
            reasons=reasons,
        )
