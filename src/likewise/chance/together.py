"""Inputs that belong together: questions on one topic, sentences of one template, twins."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import factorial, prod

import numpy as np
from jaxtyping import Int

from likewise.errors import InputError
from likewise.representation import Representation

STAYING = 0.25
"""Share of the inputs that stay in place in an exchange, above which scores after it are no chance level: they would be
that share of the way from chance to the score."""

MOST = 50
"""Groups that are left out one by one; more are first put into larger ones, at random."""


@dataclass(frozen=True, eq=False)
class Together:
    r"""Which inputs belong together.

    Inputs of one group are not independent: twenty questions on one topic tell less than twenty on twenty topics. What
    is independent are the groups, so these are what is left out, and what is shuffled.

    A shuffle exchanges whole groups of one size, each keeping its inputs in their order. Under chance, where the groups
    of one side are independent of those of the other and alike in law, all such exchanges are equally likely, so the
    p-value of shuffles holds whatever the inputs of a group have in common. Groups of different sizes are never
    exchanged: there are :math:`\prod_s m_s!` relabellings, with m_s groups of s inputs. What the sides share by the
    place in a group, as the first of all twins, is part of chance. So is what stays in place, one group of each size on
    average; where that is more than `STAYING` of the inputs, there is no chance level.

    Parameters
    ----------
    of : array, shape (n,)
        The group of each input, from 0.

    Examples
    --------
    >>> together = Together.of_labels(["a", "b", "a", "b"])
    >>> together.count, together.relabellings
    (2, 2)
    >>> together.draw(1, 0)
    array([[1, 0, 3, 2]])
    """

    of: Int[np.ndarray, " n"]

    @classmethod
    def of_labels(cls, labels: Iterable[str]) -> "Together | None":
        """Read the groups' names, one for each input; None where each input has a group of its own, or none has."""
        places: dict[str, int] = {}
        of = np.asarray([places.setdefault(label, len(places)) for label in labels], dtype=np.int64)
        return cls(of) if len(places) < len(of) else None

    @property
    def count(self) -> int:
        """Number of groups."""
        return int(self.of.max()) + 1

    @property
    def sizes(self) -> Int[np.ndarray, " groups"]:
        """Inputs of each group."""
        return np.bincount(self.of)

    @property
    def relabellings(self) -> int:
        """Ways to exchange groups of one size, the one that leaves all as it is among them."""
        return prod(factorial(int(m)) for m in np.unique(self.sizes, return_counts=True)[1])

    @property
    def staying(self) -> float:
        r"""Share of the inputs that stay in place in an exchange, the one that changes nothing left out, on average.

        .. math:: \frac{R \sum_s s / n - 1}{R - 1}

        over the different sizes s, with R relabellings.

        Examples
        --------
        >>> [round(Together.of_labels(labels).staying, 2) for labels in ("aabbccdd", "aabbbcccc", "aabb", "aabbcccc")]
        [0.22, 1.0, 0.0, 0.5]
        """
        every = self.relabellings
        return float((np.unique(self.sizes).sum() / len(self.of) - 1 / every) / (1 - 1 / every)) if every > 1 else 1.0

    @property
    def have_chance(self) -> bool:
        """Whether scores after an exchange are a chance level."""
        return self.staying <= STAYING

    def among(self, items: Int[np.ndarray, " m"]) -> "Together | None":
        """Return the same of some of the inputs."""
        return Together.of_labels(self.of[items].astype(str).tolist())

    def draw(self, count: int, rng: int | np.random.Generator) -> Int[np.ndarray, "count n"]:
        """Draw exchanges; all but the one that changes nothing where there are no more than ``count``."""
        if self.takes_all(count):
            every = itertools.product(*(itertools.permutations(range(len(same))) for same in self.alike))
            return np.stack([self._exchanged(orders) for orders in every])[1:]
        generator = np.random.default_rng(rng)
        found = [self.exchange(generator) for _ in range(count)]
        return np.stack(found) if found else np.empty((0, len(self.of)), dtype=np.int64)

    def exchange(self, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
        """Draw one exchange. O(n)."""
        return self._exchanged([rng.permutation(len(same)) for same in self.alike])

    def takes_all(self, count: int) -> bool:
        """Whether there are no more than ``count`` exchanges."""
        return self.relabellings - 1 <= count

    def parts(self, groups: int) -> int:
        """How many parts are left out in turn: each group, or so many ``groups`` of whole groups."""
        return self.count if self.count <= most_parts(groups) else groups

    def left_out(self, groups: int, seed: int) -> tuple[list[Int[np.ndarray, " m"]], Int[np.ndarray, " g"]]:
        """Return the items that stay when each group is left out, and how many were left out.

        Where there are more than `MOST`, and more than ``groups``, they are put at random into so many ``groups`` of
        whole groups.
        """
        of = self.of
        if self.parts(groups) < self.count:
            of = (np.random.default_rng(seed).permutation(self.count) % groups)[of]
        return [np.flatnonzero(of != g) for g in range(int(of.max()) + 1)], np.bincount(of)

    @cached_property
    def alike(self) -> list[Int[np.ndarray, "groups size"]]:
        """The groups of each size, as the places of their inputs."""
        sizes = self.sizes
        places, starts = np.argsort(self.of, kind="stable"), np.cumsum(sizes) - sizes
        return [places[starts[sizes == size][:, None] + np.arange(size)] for size in np.unique(sizes)]

    def _exchanged(self, orders: Iterable[Sequence[int] | Int[np.ndarray, " _"]]) -> Int[np.ndarray, " n"]:
        moved = np.arange(len(self.of))
        for same, order in zip(self.alike, orders, strict=True):
            moved[same] = same[np.asarray(order)]
        return moved


def together_of(representations: Iterable[Representation]) -> Together | None:
    """Return which inputs of representations of the same items belong together, as all of them say.

    Raises
    ------
    InputError
        If two of them say it differently, or one says nothing and another does.
    """
    return agreed((r.name, r.groups) for r in representations)


def agreed(named: Iterable[tuple[str, Sequence[str]]]) -> Together | None:
    """Return the same from names and groups; no groups and a group for each input are one."""
    first = ""
    found: Together | None = None
    for place, (name, groups) in enumerate(named):
        mine = Together.of_labels(groups) if groups else None
        if place == 0:
            first, found = name, mine
        elif mine is None and found is None:
            continue
        elif mine is None or found is None:
            has, lacks = (first, name) if mine is None else (name, first)
            raise InputError(
                f"{has} has groups of inputs and {lacks} has none: give all of them the same groups, or none"
            )
        elif not np.array_equal(mine.of, found.of):
            raise InputError(
                f"{first} and {name} have different groups of inputs; give both the same groups, or neither any"
            )
    return found


def most_parts(groups: int) -> int:
    """Return how many parts of inputs that belong together are left out in turn at most, of any data set."""
    return max(MOST, groups)
