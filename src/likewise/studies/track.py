"""How the insides of a model move over checkpoints, and with any number that its versions have."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from likewise.chance import holm
from likewise.errors import InputError
from likewise.fields import TRACK_TOLERANCE
from likewise.inference import Estimates, LeftOut, left_out, rank_sets
from likewise.measures import Configuration
from likewise.naming import did_you_mean, name_of, parts_of
from likewise.scoring import ByNumber, Results, by_number, interval
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Line, Lines
from likewise.studies.names import Names

FEWEST = 5
"""Runs without which their deviation says nothing of differences."""

WIDE = 100
"""Numbers whose largest is so many times the smallest are drawn on a logarithmic axis."""


PARTS = (
    "from", "to", "value", "low", "high", "first_last.value", "first_last.low", "first_last.high", "settled",
    "settled_from",
)  # fmt: skip
"""What is said of each layer."""

ENDS = ("first", "last", "next")
"""What each version is set beside."""

NUMBERS = ("number", "layer", "rho", "p", "p corrected", "smallest p", "versions", "note")
"""Heads of the table of numbers."""


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
        tables = {"layers": _heads_of_layers(self.at), "places": _heads_of_places(self.at), "numbers": NUMBERS}
        runs = {point.run for point in self.points}
        if len(runs) > 1:
            tables["runs"] = _heads_of_runs(self.at)
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
        read = _Read(self, given)
        found = [_Layer.of(read, layer) for layer in read.layers]
        numbers = _numbers(read)
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
        tables = [_layers_table(read, found), _places_table(read, found), *([numbers] if numbers.rows else [])]
        if len(read.runs) > 1:
            tables.append(_runs_table(read))
        return Answer(
            self.question,
            last.verdict(read) + _told_numbers(numbers, last.name, self.at),
            f"Scores are {read.label} of the same inputs in two versions, at the same layer. "
            + (
                f"Bands and intervals are 95 %, for other runs: {len(read.runs)} runs, Student's t."
                if len(read.runs) > 1
                else "Bands and intervals are 95 %, for other inputs of this kind."
            ),
            tables=tuple(tables),
            drawings=tuple(_drawings(read, found)),
            limits=tuple(_limits(read, numbers)),
            values=values,
            reasons=reasons,
        )


def number_text(number: float) -> str:
    """Return a number as it stands in a name: ``143000``, ``0.5``."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"


class _Read:
    """The scores of a table by what they are of."""

    def __init__(self, study: Track, given: Results) -> None:
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
        self.layers.sort(key=depth)
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


def depth(layer: str) -> tuple[float, str]:
    """Return where a layer lies, to sort by: the embedding first, then blocks, then what has no number, then last."""
    known = {"embedding": -1.0, "last": np.inf}
    return known.get(layer, float(layer) if layer.isdecimal() else 2.0**62), layer


@dataclass(frozen=True)
class _Layer:
    """One layer over the track."""

    name: str
    first: tuple[Spot, ...]
    last: tuple[Spot, ...]
    next: tuple[Spot, ...]
    most: int | None
    """The stretch that moves most."""
    perhaps: tuple[int, ...] | None
    """All stretches that may; None where no test can say."""
    fastest: int | None
    """The stretch of the largest change for one of the number."""
    settled: float | None

    @classmethod
    def of(cls, read: _Read, layer: str) -> "_Layer":
        at, alike = read.at, read.facts.more_alike
        stretches = list(itertools.pairwise(at))
        following = tuple(read.spot(x, y, layer) for x, y in stretches)
        known = [k for k, spot in enumerate(following) if spot.value is not None]
        most = min(known, key=lambda k: alike * _of(following[k]), default=None)
        perhaps = None
        if len(known) == 1:
            perhaps = tuple(known)
        elif known and (joint := read.estimates([stretches[k] for k in known], layer)) is not None:
            sets = rank_sets(joint, more_alike=-alike, kind="lower", seed=read.study.seed)
            perhaps = tuple(k for k, low in zip(known, sets.low, strict=True) if low == 1)
        identity = read.facts.identity
        fastest = None
        if identity is not None:
            fastest = max(known, key=lambda k: _rate(read, following[k], k), default=None)
        to_last = tuple(read.spot(x, at[-1], layer) for x in at)
        return cls(
            layer,
            tuple(read.spot(at[0], x, layer) for x in at),
            to_last,
            following,
            most,
            perhaps,
            fastest,
            _settled(read, to_last),
        )

    def values(self, read: _Read) -> dict[str, tuple[Cell, str]]:
        """The numbers of this layer by name, each with why it is missing where it is."""
        found: dict[str, tuple[Cell, str]] = {}
        spot, (x, y) = (NONE, (None, None)) if self.most is None else (self.next[self.most], _stretch(read, self.most))
        why = next((s.why for s in self.next if s.why), "no interval was asked for")
        for name, value in (("from", x), ("to", y), ("value", spot.value), ("low", spot.low), ("high", spot.high)):
            found[name] = value, why
        ends = self.last[0]
        for name, value in (("value", ends.value), ("low", ends.low), ("high", ends.high)):
            found[f"first_last.{name}"] = value, ends.why or "no interval was asked for"
        why = "identical rows have no fixed score"
        found["settled"] = (None if read.facts.identity is None else self.settled is not None), why
        if read.facts.identity is not None:
            why = f"no earlier {read.study.at} is certainly within {read.study.tolerance:g} of the last"
        found["settled_from"] = self.settled, why
        return found

    def verdict(self, read: _Read) -> str:
        """In one sentence."""
        at = read.study.at
        layer = "The last layer" if self.name == "last" else f"Layer {self.name}"
        if self.most is None:
            return f"{layer} has no score between neighbours: {self.next[0].why}."
        x, y = _stretch(read, self.most)
        told = f"{layer} moves most between {at} {number_text(x)} and {number_text(y)} "
        told += f"({read.label} {_shown(self.next[self.most])})"
        if self.perhaps is not None and len(self.perhaps) > 1:
            others = len(self.perhaps) - 1
            told += f", which no test tells from {others} other stretch{'es' if others > 1 else ''}"
        elif self.perhaps is None and len(read.runs) == 1 and len(self.next) > 1:
            told += "; without intervals no test says whether others move as much"
        if self.fastest not in (None, self.most):
            u, v = _stretch(read, self.fastest or 0)
            told += f"; for each 1 of {at} it changes fastest between {number_text(u)} and {number_text(v)}"
        tolerance = f"{read.study.tolerance:g}"
        if self.settled is not None:
            told += f"; from {at} {number_text(self.settled)} on it is within {tolerance} of the last"
        elif read.facts.identity is not None and len(read.at) > 2:
            told += f"; no earlier {at} is certainly within {tolerance} of the last"
        return f"{told}."


def _settled(read: _Read, to_last: Sequence[Spot]) -> float | None:
    """The place from which on every score with the last one is within the tolerance, by the ends of its interval.

    From the end on, until one is not: a fixed order, in which no test needs a correction.
    """
    identity, alike, found = read.facts.identity, read.facts.more_alike, None
    if identity is None:
        return None
    for x, spot in reversed(list(zip(read.at, to_last, strict=True))[:-1]):
        end = spot.low if alike > 0 else spot.high
        if end is None or alike * (identity - end) > read.study.tolerance:
            break
        found = x
    return found


def _of(spot: Spot) -> float:
    assert spot.value is not None
    return spot.value


def _stretch(read: _Read, k: int) -> tuple[float, float]:
    return read.at[k], read.at[k + 1]


def _rate(read: _Read, spot: Spot, k: int) -> float:
    """The change for each 1 of the number."""
    x, y = _stretch(read, k)
    return read.facts.more_alike * ((read.facts.identity or 0.0) - _of(spot)) / (y - x)


def _shown(spot: Spot) -> str:
    value = f"{spot.value:.3g}"
    return value if spot.low is None or spot.high is None else f"{value}, {spot.low:.3g} to {spot.high:.3g}"


def _heads_of_layers(at: str) -> tuple[str, ...]:
    return ("layer", "moves most from", "to", "score", "low", "high", "may move most", "fastest from", "fastest to",
            f"change for 1 {at}", "settled from", "first and last", "its low", "its high")  # fmt: skip


def _heads_of_places(at: str) -> tuple[str, ...]:
    return "layer", at, *(name for of in ENDS for name in (f"to {of}", f"{of} low", f"{of} high"))


def _heads_of_runs(at: str) -> tuple[str, ...]:
    return "layer", at, "mean", "lowest", "highest", "pairs"


def _layers_table(read: _Read, found: Sequence[_Layer]) -> Table:
    at = read.study.at
    rows = []
    for layer in found:
        x, y = (None, None) if layer.most is None else _stretch(read, layer.most)
        spot = NONE if layer.most is None else layer.next[layer.most]
        rate = None if layer.fastest is None else _rate(read, layer.next[layer.fastest], layer.fastest)
        u, v = (None, None) if layer.fastest is None else _stretch(read, layer.fastest)
        perhaps = (
            None
            if layer.perhaps is None
            else ", ".join(
                f"{number_text(a)} to {number_text(b)}" for a, b in (_stretch(read, k) for k in layer.perhaps)
            )
        )
        ends = layer.last[0]
        rows.append((layer.name, x, y, spot.value, spot.low, spot.high, perhaps, u, v, rate, layer.settled,
                     ends.value, ends.low, ends.high))  # fmt: skip
    spare = ("its low", "its high", f"change for 1 {at}", "fastest from", "fastest to", "may move most", "low", "high")
    return Table(
        "layers",
        _heads_of_layers(at),
        tuple(rows),
        "By layer",
        "A stretch is the way from one version to the next. May move most: all stretches that no test, corrected for "
        "their number, finds to move less than another.",
        spare=spare,
        unsure=dict.fromkeys(("moves most from", "to", "fastest from", "fastest to", "settled from"), "")
        | {f"change for 1 {at}": "it is the score of the fastest stretch, by its length; the next table has that"},
    )


def _places_table(read: _Read, found: Sequence[_Layer]) -> Table:
    rows = []
    for layer in found:
        for k, x in enumerate(read.at):
            spots = (layer.first[k], layer.last[k], layer.next[k] if k < len(layer.next) else NONE)
            rows.append((layer.name, x, *(n for s in spots for n in (s.value, s.low, s.high))))
    return Table(
        "places",
        _heads_of_places(read.study.at),
        tuple(rows),
        "Each version with the first, the last and the next",
        spare=tuple(f"{of} {end}" for of in reversed(ENDS) for end in ("low", "high")),
        unsure={read.study.at: ""},
    )


def _runs_table(read: _Read) -> Table:
    """How alike different runs are at the same place: what is left of a difference is not the training's length."""
    rows: list[tuple[Cell, ...]] = []
    for layer in read.layers:
        for x in read.at:
            pairs = itertools.combinations([run[x] for run in read.runs.values()], 2)
            places = [read.place(a, b, layer) for a, b in pairs]
            scores = [read.all[p].value for p in places if p is not None]
            known = [s for s in scores if s is not None]
            if known:
                rows.append((layer, x, float(np.mean(known)), min(known), max(known), len(known)))
    return Table(
        "runs",
        _heads_of_runs(read.study.at),
        tuple(rows),
        f"Runs with each other, at the same {read.study.at}",
        unsure={read.study.at: ""},
    )


def _numbers(read: _Read) -> Table:
    """Whether versions that are further apart in a number are less alike, by relabelling the versions."""
    names = read.study.shared
    places = range(len(read.at))
    found: list[tuple[str, str, ByNumber]] = []
    for name, layer in itertools.product(names, read.layers):
        each = {
            str(i): float(np.mean([run[x].numbers[name] for run in read.runs.values()])) for i, x in enumerate(read.at)
        }
        spots = {(i, j): read.spot(read.at[j], read.at[i], layer) for i in places for j in range(i)}
        alike = {
            (str(i), str(j)): read.facts.more_alike * s.value for (i, j), s in spots.items() if s.value is not None
        }
        found.append((name, layer, by_number(alike, each, read.study.seed)))
    tested = [k for k, (_, _, of) in enumerate(found) if of.pvalue is not None]
    corrected: dict[int, float] = {}
    if tested:
        whole = holm(np.asarray([found[k][2].pvalue for k in tested], dtype=np.float64))
        corrected = dict(zip(tested, whole.tolist(), strict=True))
    return Table(
        "numbers",
        NUMBERS,
        tuple((n, at, of.rho, of.pvalue, corrected.get(k), of.smallest, len(read.at), of.reason or None)
              for k, (n, at, of) in enumerate(found)),
        "Are versions whose numbers are further apart less alike?",
        "rho: Spearman's correlation, over pairs of versions, of the score with the difference in rank of the number; "
        "1 where those further apart are always less alike. p: Mantel's test, which relabels the versions; corrected "
        "by Holm. Smallest p: no number could give a smaller one with so few versions, or so few relabellings.",
        spare=("note", "versions", "smallest p", "p corrected"),
        unsure={"rho": "pairs that share a version are not independent; p comes from relabelling the versions"},
    )  # fmt: skip


def _told_numbers(numbers: Table, layer: str, at: str) -> str:
    """What the verdict says of numbers besides the one that orders."""
    told = ""
    for row in numbers.records():
        if row["layer"] != layer or row["number"] == at or row["p"] is None:
            continue
        p, rho, least = float(row["p corrected"] or 0), float(row["rho"] or 0), float(row["smallest p"] or 0)
        shown = f"rho {rho:.2g}, corrected p {p:.2g}; no p here is below {least:.2g}"
        said = "are less alike" if p <= 0.05 else "are not shown to be less alike"
        told += f" Versions further apart in {row['number']} {said} ({shown})."
    return told


def _drawings(read: _Read, found: Sequence[_Layer]) -> Iterator[Lines]:
    at = read.at
    wide = at[0] > 0 and at[-1] >= WIDE * at[0]
    for name, which, places in (("first", "first", at), ("last", "last", at), ("next", "next", at[1:])):
        lines = []
        for layer in found:
            spots = getattr(layer, which)
            if any(s.value is not None for s in spots):
                y, low, high = (tuple(getattr(s, end) for s in spots) for end in ("value", "low", "high"))
                lines.append(Line(label=f"layer {layer.name}", x=tuple(places), y=y, low=low, high=high))
        if lines:
            with_what = {"first": "the first version", "last": "the last version", "next": "the version before"}[name]
            yield Lines(
                name=f"to-{name}",
                title=f"Each with {with_what}",
                heading=f"{read.label} with {with_what}",
                alt=f"Score of each version with {with_what}, a line for each layer, with bands; also a table.",
                note="Bands: 95 % intervals.",
                across=read.study.at,
                up=read.label,
                lines=tuple(lines),
                logarithmic=wide,
            )


def _limits(read: _Read, numbers: Table) -> Iterator[str]:
    if len(read.runs) == 1:
        yield "One run: how much another seed would move is not in these intervals; give several runs for that."
    else:
        yield f"Intervals are for runs like these {len(read.runs)}, on these inputs; few runs give wide ones."
        if len(read.runs) < FEWEST:
            yield f"No test says which stretches may move most: that takes {FEWEST} runs."
    yield "The score says how far two versions are apart, not whether the later one is better."
    if any(row["p"] is not None for row in numbers.records()):
        yield "A number that rises all through the training goes with everything else that does: no cause follows."
