"""Whether there are enough inputs."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from likewise.fields import CHANCE, CURVE_DRAWS, CURVE_PERMUTATIONS, CURVE_TOLERANCE
from likewise.measures import configurations
from likewise.progress import Watch, unwatched
from likewise.scoring import Point, learning_curve, stable_from
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Scoring
from likewise.studies.drawings import Line, Lines
from likewise.studies.names import Names

COLUMNS = ("a", "b", "measure", "inputs", "value", "chance", "calibrated", "lowest", "highest", "note")
"""Heads of its table."""


@dataclass(frozen=True)
class SampleSize(Scoring):
    """Scores growing parts of the inputs, and says from how many on the calibrated score stays close to its last value.

    Parameters
    ----------
    sizes, draws, chance, permutations
        As in `learning_curve`.
    tolerance : float
        Largest change of a calibrated score that counts as stable.
    """

    name: ClassVar[str] = "sample-size"
    question: ClassVar[str] = "Are there enough inputs?"

    sizes: tuple[int, ...] = ()
    draws: int = CURVE_DRAWS
    tolerance: float = CURVE_TOLERANCE
    chance: str = CHANCE
    permutations: int = CURVE_PERMUTATIONS

    def names(self) -> Names:
        """Return the names of its values."""
        return Names(("curves", "stable", "stable_from"), {"learning-curve": COLUMNS})

    def answer(self, given: Any, watch: Watch = unwatched) -> Answer:
        """Return the curve of each pair and configuration of representations, given as `learning_curve` takes them.

        Examples
        --------
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(40, 5))
        >>> study = SampleSize("cka", sizes=(10, 20), draws=2)
        >>> study.answer({"x": x, "moved": 2 * x + 1}).verdict
        'The calibrated score is stable within 0.05 from 10 of 40 inputs on.'
        """
        chosen = configurations(self.measures)
        points = learning_curve(
            given,
            chosen,
            pairs=self.pairs,
            sizes=self.sizes,
            draws=self.draws,
            chance=self.chance,
            permutations=self.permutations,
            seed=self.seed,
            watch=watch,
        )
        labels = {(c.measure, c.parameters_json): c.label for c in chosen}
        curves = [list(c) for _, c in itertools.groupby(points, lambda p: (p.a, p.b, p.measure, p.parameters))]
        stable = [stable_from(curve, self.tolerance) for curve in curves]
        rows = tuple(
            (p.a, p.b, labels[p.measure, p.parameters], p.n_items, p.value, p.null_mean,
             p.calibrated, p.calibrated_low, p.calibrated_high, p.reason)
            for p in points
        )  # fmt: skip
        told = [_told(c, labels, since, self.tolerance) for c, since in zip(curves, stable, strict=True)]
        return Answer(
            self.question,
            self._verdict(stable, max((p.n_items for p in points), default=0)),
            tables=(
                Table(
                    "learning-curve",
                    COLUMNS,
                    rows,
                    spare=("chance", "note", "highest", "lowest"),
                    unsure=dict.fromkeys(
                        ("value", "chance"), "a mean over draws; the calibrated score has their range"
                    ),
                ),
            ),
            drawings=curves_drawn(rows),
            limits=tuple(told),
            values={"curves": len(curves), "stable": all(stable), "stable_from": _latest(stable)},
            reasons={} if all(stable) else {"stable_from": f"not all scores are stable within {self.tolerance:g}"},
            data=[
                {"stable_from": since, "points": [asdict(p) for p in c]}
                for c, since in zip(curves, stable, strict=True)
            ],
        )

    def _verdict(self, stable: Sequence[int | None], n_items: int) -> str:
        within = f"stable within {self.tolerance:g}"
        if len(stable) == 1:
            since = f"is {within} from {stable[0]:,} of {n_items:,} inputs on" if stable[0] else f"is not yet {within}"
            return f"The calibrated score {since}."
        if latest := _latest(stable):
            return f"All {len(stable):,} calibrated scores are {within} from {latest:,} of {n_items:,} inputs on."
        few = sum(since is not None for since in stable)
        return f"{few or 'None':} of {len(stable):,} calibrated scores {'is' if few <= 1 else 'are'} {within}."


def _latest(stable: Sequence[int | None]) -> int | None:
    """The number of inputs from which every curve is stable."""
    known = [since for since in stable if since is not None]
    return max(known) if len(known) == len(stable) else None


def _told(curve: Sequence[Point], labels: Mapping[tuple[str, str], str], since: int | None, tolerance: float) -> str:
    of = curve[0]
    told = f"stable within {tolerance:g} from {since} inputs on" if since else f"not yet stable within {tolerance:g}"
    return f"{of.a} and {of.b}, {labels[of.measure, of.parameters]}: {told}"


def curves_drawn(rows: Sequence[Sequence[Any]]) -> tuple[Lines, ...]:
    """Return the picture of the curves that have a calibrated score somewhere, from the rows of the table.

    Raises
    ------
    TypeError, ValueError
        If they are no such rows.
    """
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        point = dict(zip(COLUMNS, row, strict=True))
        curves.setdefault(f"{point['a']} and {point['b']}, {point['measure']}", []).append(point)
    lines = tuple(
        Line(
            label=label,
            x=tuple(p["inputs"] for p in curve),
            y=tuple(p["calibrated"] for p in curve),
            low=tuple(p["lowest"] for p in curve),
            high=tuple(p["highest"] for p in curve),
        )
        for label, curve in ((label, sorted(c, key=lambda p: p["inputs"])) for label, c in curves.items())
        if any(p["calibrated"] is not None for p in curve)
    )
    if not lines:
        return ()
    return (
        Lines(
            name="learning-curve",
            title="Learning curves",
            heading="Calibrated score with fewer inputs",
            alt="Mean calibrated score over draws of inputs, against the number of inputs; also a table.",
            note="Bands: lowest and highest over the draws.",
            across="inputs",
            up="calibrated",
            lines=lines,
            logarithmic=True,
        ),
    )
