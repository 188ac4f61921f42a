"""Chance: the same scores after the rows of one side were shuffled."""

import functools
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import factorial

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import inverse
from likewise.chance.moments import Moments
from likewise.chance.reasons import Reason, joined
from likewise.chance.together import Together
from likewise.measures import Facts
from likewise.quantities import ROUND, Orders, Prepared, Round

TIE = 1e-12
"""Scores nearer than this share of their size count as equal, towards chance: their sums differ by rounding alone."""


def rounding(facts: Facts, *scores: Float[np.ndarray, " m"], share: float = TIE) -> Float[np.ndarray, " m"]:
    """Return the difference that counts as rounding among scores of m pairs, or a larger; NaN where one of them is.

    A measure that ignores scale adds terms of the size of 1, however small their sum: one that is 0 for any data, as
    ``gulp(lam=0, squared=True)`` is for linearly independent rows, gives nothing but their rounding.
    """
    least = 1.0 if "scaling" in facts.invariances else 0.0
    tie: Float[np.ndarray, " m"] = share * np.maximum(least, np.abs(scores).max(axis=0))
    return tie


def tied(
    value: Float[np.ndarray, " m"], shuffled: Float[np.ndarray, "p m"], tie: Float[np.ndarray, " m"]
) -> Float[np.ndarray, "p m"]:
    """Shuffled scores, those that differ from the score by rounding alone set to it."""
    return np.where(np.abs(shuffled - value) <= tie, value, shuffled)


@dataclass(frozen=True)
class Null:
    """What shuffles say of the scores of m pairs: mean, deviation, and the share of shuffles at least as alike.

    All are NaN where there is no score. ``std`` is NaN besides where one shuffle shows none, and 0 where the shuffled
    scores do not vary. ``tie`` is the difference that counts as rounding.
    """

    mean: Float[np.ndarray, " m"]
    std: Float[np.ndarray, " m"]
    pvalue: Float[np.ndarray, " m"]
    tie: Float[np.ndarray, " m"]

    @classmethod
    def of_shuffles(cls, value: Float[np.ndarray, " m"], shuffled: Float[np.ndarray, "p m"], facts: Facts) -> "Null":
        r"""Count the shuffles.

        .. math:: p = \frac{1 + \#\{\text{at least as alike}\}}{1 + P}

        References
        ----------
        Phipson and Smyth (2010), doi:10.2202/1544-6115.1585, for counting the observed score among the shuffles.
        """
        tie = rounding(facts, value, *shuffled)
        of_pair = np.ascontiguousarray(shuffled.T)  # sums along a row do not round by how many rows there are
        as_alike = np.count_nonzero(facts.more_alike * (tied(value, shuffled, tie) - value) >= 0, axis=0)
        # Where the shuffles differ by less than a float can square, their deviation is zero.
        varies = np.ptp(shuffled, axis=0) > tie
        std = of_pair.std(axis=1, ddof=1) if len(shuffled) > 1 else np.full(value.shape, np.nan)
        varies &= std != 0
        return cls(
            mean=of_pair.mean(axis=1),
            std=np.where(varies | np.isnan(std), std, 0.0),
            pvalue=np.where(np.isnan(tie), np.nan, (1 + as_alike) / (1 + len(shuffled))),
            tie=tie,
        )

    @classmethod
    def of_moments(cls, value: Float[np.ndarray, " m"], moments: Moments, facts: Facts) -> "Null":
        """Take the closed form of all shuffles."""
        tie = rounding(facts, value, moments.mean)
        return cls(moments.mean, moments.std, moments.pvalue(value, facts.more_alike), tie)

    def where(self, chosen: Bool[np.ndarray, " m"], other: "Null") -> "Null":
        """The same for the pairs that are chosen, another for the rest."""
        parts = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(Null))
        return Null(*(np.where(chosen, mine, theirs) for mine, theirs in parts))


@dataclass(frozen=True)
class Chance(Null):
    """What shuffled rows say about scores, and where scores stand beside it; NaN where it cannot be said, and why."""

    z: Float[np.ndarray, " m"]
    calibrated: Float[np.ndarray, " m"]
    reason: tuple[str, ...]


def draw_permutations(n: int, count: int, rng: int | np.random.Generator) -> Int[np.ndarray, "count n"]:
    """Draw ``count`` uniform permutations of n items; the same for the same seed, whatever they are used for.

    Where there are no more than ``count`` besides the identity, all of these are returned: p-values are then exact.

    Examples
    --------
    >>> draw_permutations(5, 2, rng=0)
    array([[2, 4, 3, 0, 1],
           [4, 1, 2, 0, 3]])
    >>> len(draw_permutations(4, 100, rng=0))
    23
    """
    if takes_all(n, count):
        return np.asarray(list(itertools.permutations(range(n))), dtype=np.int64)[1:]
    generator = np.random.default_rng(rng)
    drawn = np.empty((count, n), dtype=np.int64)
    for row in drawn:
        row[:] = generator.permutation(n)
    return drawn


IN_ROUNDS = 2048
"""Items, or groups, from which shuffles are drawn in rounds: so many items are read in passes, and few groups would
often be shuffled alike."""


@dataclass(frozen=True)
class Shuffle:
    """One permutation of each of several representations, by their places; ``joint`` as in `Shuffles`.

    Where it is one of a round, this is its ``number`` there, and ``drawn`` what all shuffles of the round come from.
    """

    orders: Mapping[int, Int[np.ndarray, " n"]]
    joint: bool
    number: int = 0
    drawn: Mapping[int, Orders] = field(default_factory=dict)

    def beside(self, moved: int, still: int) -> Int[np.ndarray, " n"]:
        """The order of the rows of one of a pair beside those of the other as they stand."""
        return np.asarray(self.orders[moved][inverse(self.orders[still])] if self.joint else self.orders[moved])

    def round(self, first: Prepared, one: int, other: int) -> Round:
        """The round of a pair, whose first is given besides."""
        return Round(first, self.drawn[one], self.drawn[other])


@dataclass(frozen=True)
class Shuffles:
    """Shuffles of the rows of several representations, each of which has permutations of its own.

    Each `Shuffle` of a pair sets the rows ``orders[i]`` of the one beside the rows ``orders[j]`` of the other. So it
    relabels the whole data set, and scores of all pairs after it are a draw from their joint distribution under chance;
    but for a directed measure that tells items apart by their place, as by folds, which follow the second of each pair.

    They are drawn one by one, each time the same; those of many items in rounds, as `Orders`.

    Parameters
    ----------
    n : int
        Number of items.
    count : int
        Shuffles to draw.
    seed : int
        Of all of them.
    names : mapping of place to str
        What each representation's permutations are drawn by.
    together : Together, optional
        Which items belong together.
    """

    n: int
    count: int
    seed: int
    names: Mapping[int, str]
    together: Together | None = None

    @property
    def joint(self) -> bool:
        """Whether each representation has permutations of its own.

        Where there are so few items that all permutations are taken, they are the same for all representations, and
        only one of a pair is shuffled: p-values of a pair are exact, and the pairs do not hang together.
        """
        return not (self.together.takes_all(self.count) if self.together else takes_all(self.n, self.count))

    @property
    def in_rounds(self) -> bool:
        """Whether they are drawn in rounds."""
        moved = self.together.count if self.together else self.n
        return moved >= IN_ROUNDS and self.joint and self.count > 0

    def of(self, places: Iterable[int]) -> "Shuffles":
        """The same shuffles of some of the representations."""
        return replace(self, names={place: self.names[place] for place in places})

    def __len__(self) -> int:
        if self.joint:
            return self.count
        return (self.together.relabellings if self.together else factorial(self.n)) - 1

    def __iter__(self) -> Iterator[Shuffle]:
        if not self.joint:
            every = self.together.draw(self.count, 0) if self.together else draw_permutations(self.n, self.count, 0)
            yield from (Shuffle(dict.fromkeys(self.names, order), joint=False) for order in every)
            return
        own = {
            name: np.random.default_rng([self.seed, *hashlib.sha256(name.encode()).digest()])
            for name in dict.fromkeys(self.names.values())
        }
        if self.in_rounds:
            yield from self._in_rounds(own)
            return
        draw = self.together.exchange if self.together else functools.partial(_permutation, self.n)
        for _ in range(self.count):
            drawn = {name: draw(rng) for name, rng in own.items()}
            yield Shuffle({place: drawn[name] for place, name in self.names.items()}, joint=True)

    def _in_rounds(self, own: Mapping[str, np.random.Generator]) -> Iterator[Shuffle]:
        alike = self.together.alike if self.together else [np.arange(self.n)[:, None]]
        for first in range(0, self.count, ROUND):
            drawn = {name: Orders.draw(alike, rng) for name, rng in own.items()}
            of_place = {place: drawn[name] for place, name in self.names.items()}
            for number in range(min(ROUND, self.count - first)):
                orders = {name: orders[number] for name, orders in drawn.items()}
                moved = {place: orders[name] for place, name in self.names.items()}
                yield Shuffle(moved, joint=True, number=number, drawn=of_place)

    def orders(self, place: int) -> Int[np.ndarray, "p n"]:
        """All permutations of one representation, as rows."""
        drawn = [shuffle.orders[place] for shuffle in self.of({place})]
        return np.stack(drawn) if drawn else np.empty((0, self.n), dtype=np.int64)


def without_chance(together: Together | None) -> str:
    """Return why there is no chance level of inputs that belong together; nothing where there is one."""
    if together is None or together.have_chance:
        return ""
    return Reason.STAYING if together.relabellings > 1 else Reason.NO_EXCHANGE


def _permutation(n: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    return rng.permutation(n)


def draw_shuffles(
    n: int, count: int, seed: int, names: Mapping[int, str], together: Together | None = None
) -> Shuffles:
    """Draw ``count`` permutations of n items for each of several representations, of whole groups if there are some.

    Those of a representation depend on the seed and on its name alone: not on its place, nor on what it is compared
    with. Representations of one name move together. A draw is O(n) for each name, and none is kept.

    Examples
    --------
    >>> drawn = draw_shuffles(5, 2, 0, {0: "a", 1: "b"})
    >>> drawn.orders(1)
    array([[3, 4, 2, 0, 1],
           [2, 4, 3, 0, 1]])
    >>> next(iter(drawn)).beside(0, 1)
    array([0, 2, 4, 3, 1])
    """
    return Shuffles(n, count if together is None or together.have_chance else 0, seed, dict(names), together)


def takes_all(n: int, count: int) -> bool:
    """Whether there are no more than ``count`` permutations of n items besides the identity."""
    return n < 10 and factorial(n) - 1 <= count


def judge(value: Float[np.ndarray, " m"], null: Null, facts: Facts, identity: Float[np.ndarray, " m"]) -> Chance:
    r"""Set scores beside those of shuffled rows.

    .. math:: z = \pm\frac{value - mean}{std}, \quad calibrated = \frac{value - mean}{identity - mean}

    z is positive towards more alike. Nothing is clamped.

    Parameters
    ----------
    value : array, shape (m,)
        The observed scores.
    null : Null
        Of the same pairs.
    facts : Facts
        Of the configuration; its direction counts.
    identity : array, shape (m,)
        The scores of identical representations; NaN where there is none, and then nothing is calibrated.

    Examples
    --------
    >>> from likewise.measures import Configuration
    >>> facts = Configuration.parse("cka").facts
    >>> value = np.asarray([0.5])
    >>> c = judge(value, Null.of_shuffles(value, np.asarray([[0.1], [0.3]]), facts), facts, np.asarray([1.0]))
    >>> [round(float(numbers[0]), 6) for numbers in (c.mean, c.pvalue, c.calibrated)]
    [0.2, 0.333333, 0.375]
    """
    varies = null.std > 0
    above = facts.more_alike * (identity - null.mean)
    scaled = above > null.tie
    nothing = np.full(value.shape, np.nan)
    z = np.divide(facts.more_alike * (value - null.mean), null.std, out=nothing.copy(), where=varies)
    calibrated = np.divide(value - null.mean, identity - null.mean, out=nothing, where=scaled)
    reasons = [
        (np.isnan(null.std) & ~np.isnan(null.mean), Reason.ONE_SHUFFLE),
        (null.std == 0, Reason.NO_SPREAD),
        ((above <= null.tie) & (above >= -null.tie), Reason.AS_IDENTICAL),
        # A fit can do worse on a representation and itself; a scale from there to chance would stand on its head.
        (above < -null.tie, Reason.BEYOND_IDENTICAL),
    ]
    of_null = {f.name: getattr(null, f.name) for f in fields(Null)}
    return Chance(**of_null, z=z, calibrated=calibrated, reason=join_reasons(len(value), reasons))


def join_reasons(count: int, reasons: Sequence[tuple[np.ndarray, str]]) -> tuple[str, ...]:
    """For each of so many rows, the texts whose mark is set, joined."""
    found = [""] * count
    for marks, text in reasons:
        for i in np.flatnonzero(marks):
            found[i] = joined([found[i], text])
    return tuple(found)
