"""What the scores of a table are set beside: one protocol, whichever way its numbers are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.chance.permutation import Null
from likewise.chance.reasons import Reason
from likewise.errors import UndefinedError
from likewise.measures import Configuration
from likewise.quantities import Prepared

Pair: TypeAlias = tuple[int, int]
"""Places of two representations in a list."""

Sides: TypeAlias = Mapping[int, Prepared]
"""Representations by their place."""


@dataclass(frozen=True)
class Scored:
    """A configuration in one order over the pairs of a block, with their scores.

    Parameters
    ----------
    configuration : Configuration
        The measure with its parameters.
    turned : bool
        Whether the second of a pair comes first.
    value : array, shape (m,)
        The scores; NaN where there is none.
    sides, pairs
        The representations, and the indices of the two of each pair.
    independent : bool
        Whether the inputs are independent: they have no groups.
    """

    configuration: Configuration
    turned: bool
    value: Float[np.ndarray, " m"]
    sides: Sides
    pairs: Sequence[Pair]
    independent: bool = True

    @property
    def n(self) -> int:
        """Number of inputs."""
        return next(iter(self.sides.values())).n

    def score(self, x: Prepared, y: Prepared) -> float:
        """Score two representations as the first and the second of a pair are scored; NaN where that is undefined."""
        try:
            return self.configuration(y, x) if self.turned else self.configuration(x, y)
        except UndefinedError:
            return float("nan")


@dataclass(frozen=True)
class Level:
    """The chance levels of m pairs.

    Parameters
    ----------
    null : Null
        Mean, deviation and p-value of each.
    settled : array of bool, shape (m,)
        The pairs that have this chance level; the others are shuffled.
    draws : int, or array of int, shape (m,)
        Number of scores that it comes from; 0 for a formula.
    notes : mapping of place to text
        Notes for the rows: why a pair is not settled, or what its p-value is.
    """

    null: Null
    settled: Bool[np.ndarray, " m"]
    draws: int | Int[np.ndarray, " m"] = 0
    notes: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of_draws(cls, scored: Scored, draws: Float[np.ndarray, "p m"]) -> "Level":
        """Count the draws that are at least as alike as each score, as shuffles are counted.

        A pair with a draw that is NaN has no level, and says so.
        """
        null = Null.of_shuffles(scored.value, draws, scored.configuration.facts)
        lacking = np.flatnonzero(np.isnan(draws).any(axis=0) & ~np.isnan(scored.value)).tolist()
        settled = np.full(len(scored.value), True)
        return cls(null, settled, len(draws), dict.fromkeys(lacking, Reason.NOT_DRAWN))


class Reference:
    """What scores are compared with. A chance level of your own is a subclass in one file.

    A reference gives its `level` for the pairs of a block, or leaves pairs to shuffles (`shuffles` says how many), or
    both. Experiments and the column ``null`` use its ``name``. Parameters of its constructor are written in the call,
    as in ``panel(path="kept")``.

    Attributes
    ----------
    name : str
        Letters, digits, ``-`` and ``_``.
    summary : str
        A short description, for people who choose one.
    beside : str
        What a score is told from, in a few words: "the pair differs from …".
    version : int
        Raise it when the same request gives other numbers: stored scores are then computed again.
    from_vectors : bool
        Whether it needs only the vector to which each representation of a large population is reduced.

    Examples
    --------
    >>> class Half(Reference):
    ...     name, summary = "half", "half of the score, for this example"
    ...
    ...     def level(self, scored, shuffles):
    ...         return Level.of_draws(scored, np.stack([scored.value / 4, 3 * scored.value / 4]))
    >>> import likewise
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> (row,) = likewise.compare({"x": x, "moved": 2 * x + 1}, "cka", chance=Half())
    >>> row.null, round(row.null_mean, 6), round(row.pvalue, 6)
    ('half', 0.5, 0.333333)
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    beside: ClassVar[str] = "their chance level"
    version: ClassVar[int] = 1
    from_vectors: ClassVar[bool] = False

    @property
    def identity(self) -> Mapping[str, Any]:
        """What else decides on its numbers than the call, as JSON: the checksum of a file that it reads."""
        return {}

    def shuffles(self, permutations: int) -> int:
        """Return how many shuffles of the rows it asks for, of so many as the user allows."""
        return 0

    def settles(self, configuration: Configuration, n: int | None = None, *, independent: bool = True) -> bool:
        """Whether pairs of n inputs get their level without shuffles in this configuration, as a rule.

        ``n`` is None where it is not known yet; inputs are ``independent`` where none belong together in groups.
        """
        return True

    def level(self, scored: Scored, shuffles: int) -> Level | None:
        """Say the level of pairs; None where there is nothing to say.

        ``shuffles``: how many the user asks for, of the rows, or of what the reference itself shuffles.
        """
        return None

    def level_of_vectors(
        self,
        configuration: Configuration,
        value: Float[np.ndarray, " m"],
        x: Float[np.ndarray, "a 19"],
        y: Float[np.ndarray, "b 19"],
        places: tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]],
        n: int,
        shuffles: int,
    ) -> Level | None:
        """Say the level of pairs of reduced representations, by the `OrbitSums` of both sides and their places.

        Pairs that are not settled are scored from the representations themselves, as `level` says.
        """
        return None

    def planned(self, permutations: int) -> str:
        """Say before a run what it will do."""
        return f"chance from {self.summary}"

    @classmethod
    def source(cls, draws: str) -> str:
        """Say in a sentence where chance levels came from: "Chance levels come from …"."""
        return cls.summary

    @classmethod
    def short(cls, draws: int) -> str:
        """Say the same in two words, beside a number."""
        return cls.name


Asked: TypeAlias = str | Reference
"""A reference, or the call that makes it."""
