"""One layer over the track: where it moves most, from where on it is settled, and what is said of that."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from likewise.inference import rank_sets
from likewise.scoring.rows import SAME
from likewise.studies.conditions import Cell
from likewise.studies.track.reading import NONE, Reading, Spot, number_text


@dataclass(frozen=True)
class Layer:
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
    def of(cls, read: Reading, layer: str) -> "Layer":
        """What the scores say of a layer."""
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
            fastest = max(known, key=lambda k: rate(read, following[k], k), default=None)
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

    def values(self, read: Reading) -> dict[str, tuple[Cell, str]]:
        """The numbers of this layer by name, each with why it is missing where it is."""
        found: dict[str, tuple[Cell, str]] = {}
        spot, (x, y) = (NONE, (None, None)) if self.most is None else (self.next[self.most], stretch(read, self.most))
        why = next((s.why for s in self.next if s.why), "no interval was asked for")
        for name, value in (("from", x), ("to", y), ("value", spot.value), ("low", spot.low), ("high", spot.high)):
            found[name] = value, why
        ends = self.last[0]
        for name, value in (("value", ends.value), ("low", ends.low), ("high", ends.high)):
            found[f"first_last.{name}"] = value, ends.why or "no interval was asked for"
        why = "identical rows have no fixed score"
        found["settled"] = (None if read.facts.identity is None else self.settled is not None), why
        if read.facts.identity is not None:
            why = f"no earlier {read.study.at} is certainly within {read.study.tolerance:g} of the last version"
        found["settled_from"] = self.settled, why
        return found

    def verdict(self, read: Reading) -> str:
        """In one sentence."""
        at = read.study.at
        layer = "The last layer" if self.name == "last" else f"Layer {self.name}"
        if self.most is None:
            return f"{layer} has no score between neighbours: {self.next[0].why}."
        x, y = stretch(read, self.most)
        identity = read.facts.identity
        if identity is not None and all(
            abs(_of(spot) - identity) <= SAME for spot in self.next if spot.value is not None
        ):
            return f"{layer} does not move: all versions are alike ({read.label} {number_text(identity)})."
        told = f"{layer} moves most between {at} {number_text(x)} and {number_text(y)} "
        told += f"({read.label} {_shown(self.next[self.most])})"
        if self.perhaps is not None and len(self.perhaps) > 1:
            others = len(self.perhaps) - 1
            told += f", which no test tells from {others} other stretch{'es' if others > 1 else ''}"
        elif self.perhaps is None and len(read.runs) == 1 and len(self.next) > 1:
            told += "; without intervals no test says whether others move as much"
        if self.fastest not in (None, self.most):
            u, v = stretch(read, self.fastest or 0)
            told += f"; for each 1 of {at} it changes fastest between {number_text(u)} and {number_text(v)}"
        tolerance = f"{read.study.tolerance:g}"
        if self.settled is not None:
            told += f"; from {at} {number_text(self.settled)} on it is within {tolerance} of the last version"
        elif read.facts.identity is not None and len(read.at) > 2:
            told += f"; no earlier {at} is certainly within {tolerance} of the last version"
        return f"{told}."


def _settled(read: Reading, to_last: Sequence[Spot]) -> float | None:
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


def stretch(read: Reading, k: int) -> tuple[float, float]:
    """The places that a stretch goes from and to."""
    return read.at[k], read.at[k + 1]


def rate(read: Reading, spot: Spot, k: int) -> float:
    """The change for each 1 of the number."""
    x, y = stretch(read, k)
    return read.facts.more_alike * ((read.facts.identity or 0.0) - _of(spot)) / (y - x)


def _shown(spot: Spot) -> str:
    value = f"{spot.value:.3g}"
    return value if spot.low is None or spot.high is None else f"{value}, {spot.low:.3g} to {spot.high:.3g}"
