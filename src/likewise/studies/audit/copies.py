"""What is said of a copy: whether it moved in each layer, by how many times the floor, and its rank among others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from likewise.inference import Estimates, Floors, all_differences, letters, rank_sets
from likewise.studies.audit.layers import Layer


@dataclass(frozen=True, eq=False)
class Copy:
    """What is said of a copy: for each layer its error, the floor, the ratio with its interval, and whether it moved.

    Where re-runs are equal to the base there is no ratio; any error has then moved.
    """

    name: str
    layers: tuple[str, ...]
    error: tuple[float, ...]
    centred: tuple[float | None, ...]
    floor: tuple[float, ...]
    times: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    moved: tuple[bool, ...]
    median: tuple[float | None, ...]

    @property
    def first(self) -> int | None:
        """The place of the first layer that moved."""
        return self.moved.index(True) if any(self.moved) else None

    @property
    def place(self) -> int:
        """The layer that the verdict is about: the last one; where it moved in others alone, the farthest of these."""
        if self.moved[-1] or not any(self.moved):
            return len(self.moved) - 1
        places = [i for i, moved in enumerate(self.moved) if moved]
        return max(places, key=lambda i: np.inf if (times := self.times[i]) is None else times)

    @property
    def equal(self) -> bool:
        """Whether it is the base to the last bit."""
        return not any(self.error)


def judged_copy(name: str, found: Sequence[Layer], floors: Floors | None) -> Copy:
    """Return what its errors in all layers, and the intervals of their ratios to the floor, say of a copy."""
    ratios = [layer.ratio(name) for layer in found]
    low: list[float | None] = []
    high: list[float | None] = []
    moved, place = [], 0
    for layer, ratio in zip(found, ratios, strict=True):
        if ratio is None or floors is None:
            low.append(None)
            high.append(None)
            moved.append(bool(layer.errors[name].any()))
        else:
            low.append(1 + float(floors.low[place]))
            high.append(1 + float(floors.high[place]))
            moved.append(bool(floors.moved[place]))
            place += 1
    medians = [layer.of_prompts(name) for layer in found]
    return Copy(
        name,
        tuple(layer.layer for layer in found),
        tuple(layer.score(name).value for layer in found),
        tuple(layer.centred[name] for layer in found),
        tuple(layer.floor.value for layer in found),
        tuple(None if ratio is None else ratio.value for ratio in ratios),
        tuple(low),
        tuple(high),
        tuple(moved),
        tuple(None if np.isnan(each).any() else float(np.median(each)) for each in medians),
    )


@dataclass(frozen=True, eq=False)
class Ranks:
    """Ranks of copies by their error in the last layer, with the ranks that each may have, and letters."""

    rank: Mapping[str, tuple[int, int, int]]
    letters: Mapping[str, str]

    @property
    def nearest(self) -> tuple[str, list[str]]:
        """The nearest copy, and those that are not told apart from it."""
        first = min(self.rank, key=lambda name: self.rank[name][0])
        shared = [n for n in self.rank if n != first and not set(self._of(n)).isdisjoint(self._of(first))]
        return first, shared

    def _of(self, name: str) -> list[str]:
        """Its letters; after 52 of them each has a number."""
        found: list[str] = []
        for character in self.letters[name]:
            if character.isdigit():
                found[-1] += character
            else:
                found.append(character)
        return found


def ranks_of(last: Layer, copies: Sequence[str], seed: int) -> Ranks | None:
    """Return the ranks of copies in one layer; None of one copy."""
    if len(copies) < 2:
        return None
    estimates = Estimates.of([last.score(name) for name in copies])
    sets = rank_sets(estimates, more_alike=-1, seed=seed)
    apart = all_differences(estimates, seed=seed).told_apart()
    given = letters(apart, np.argsort(estimates.value, kind="stable").tolist())
    numbers = zip(sets.rank.tolist(), sets.low.tolist(), sets.high.tolist(), strict=True)
    return Ranks(dict(zip(copies, numbers, strict=True)), dict(zip(copies, given, strict=True)))
