"""What a study is: a question about models, and a function from numbers to an answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from likewise.fields import SEED
from likewise.measures import Asked
from likewise.scoring import ALL, Pairs
from likewise.studies.answer import Answer


class Study(ABC):
    """A question, and how it is answered. Studies are pure: they run no model, open no file and draw nothing.

    Attributes
    ----------
    name : str
        What it is called: letters, digits, - and _.
    question : str
        What it asks, as a heading.
    needs : {"scores", "rows"}
        What ``answer`` takes: ``scores``, the `Results` of an experiment, or ``rows``, the representations themselves.
        A report asks every study that needs scores.
    pairs : Pairs
        Which pairs it looks at: from a report it gets the scores of these alone.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    needs: ClassVar[Literal["scores", "rows"]] = "scores"
    pairs: Pairs = ALL

    @abstractmethod
    def answer(self, given: Any) -> Answer | None:
        """Return the answer; None where what is given says nothing about the question."""


@dataclass(frozen=True)
class Scoring(Study):
    """A study that scores representations itself.

    Parameters
    ----------
    measures : str, Configuration, or several of these
        Presets or measures.
    pairs : Pairs
        Which pairs are scored.
    seed : int
        Of its shuffles and draws.
    """

    needs: ClassVar[Literal["scores", "rows"]] = "rows"

    measures: Asked | Iterable[Asked] = "recommended"
    pairs: Pairs = ALL
    seed: int = SEED
