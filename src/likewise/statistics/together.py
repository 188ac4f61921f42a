"""Inputs that belong together: questions on one topic, sentences of one template, twins."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import factorial, prod
from typing import Any

import numpy as np
from jaxtyping import Int

from likewise.errors import InputError
from likewise.representation import Representation

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
    place in a group, as the first of all twins, is part of chance.

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

    def among(self, items: Int[np.ndarray, " m"]) -> "Together | None":
        """Return the same of some of the inputs."""
        return Together.of_labels(self.of[items].astype(str).tolist())

    def draw(self, count: int, rng: int | np.random.Generator) -> Int[np.ndarray, "count n"]:
        """Draw exchanges; all but the one that changes nothing where there are no more than ``count``."""
        if self.takes_all(count):
            every = itertools.product(*(itertools.permutations(range(len(same))) for same in self._alike()))
            return np.stack([self._exchanged(orders) for orders in every])[1:]
        generator = np.random.default_rng(rng)
        found = [self._exchanged([generator.permutation(len(s)) for s in self._alike()]) for _ in range(count)]
        return np.stack(found) if found else np.empty((0, len(self.of)), dtype=np.int64)

    def takes_all(self, count: int) -> bool:
        """Whether there are no more than ``count`` exchanges."""
        return self.relabellings - 1 <= count

    def left_out(self, groups: int, seed: int) -> tuple[list[Int[np.ndarray, " m"]], Int[np.ndarray, " g"]]:
        """Return the items that stay when each group is left out, and how many were left out.

        Where there are more than `MOST`, they are put at random into so many ``groups`` of whole groups.
        """
        of = self.of
        if self.count > max(MOST, groups):
            of = (np.random.default_rng(seed).permutation(self.count) % groups)[of]
        return [np.flatnonzero(of != g) for g in range(int(of.max()) + 1)], np.bincount(of)

    def _alike(self) -> Iterator[list[Int[np.ndarray, " s"]]]:
        """The groups of each size, as the places of their inputs."""
        places = np.split(np.argsort(self.of, kind="stable"), np.cumsum(self.sizes)[:-1])
        for size in np.unique(self.sizes):
            yield [place for place in places if len(place) == size]

    def _exchanged(self, orders: Iterable[Iterable[Any]]) -> Int[np.ndarray, " n"]:
        moved = np.arange(len(self.of))
        for same, order in zip(self._alike(), orders, strict=True):
            for to, source in enumerate(order):
                moved[same[to]] = same[source]
        return moved


def together_of(representations: Iterable[Representation]) -> Together | None:
    """Return which inputs of representations of the same items belong together, as one of them or more says.

    Raises
    ------
    InputError
        If two of them say it differently.
    """
    found: tuple[str, Together | None] | None = None
    for r in representations:
        if not r.groups:
            continue
        mine = Together.of_labels(r.groups)
        if found is None:
            found = r.name, mine
        elif (mine is None) != (found[1] is None) or (mine and found[1] and not np.array_equal(mine.of, found[1].of)):
            raise InputError(f"{found[0]} and {r.name} say differently which inputs belong together (their groups)")
    return found[1] if found else None
