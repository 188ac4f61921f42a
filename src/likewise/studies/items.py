"""Which inputs drive a score."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from likewise.arrays import to_numpy
from likewise.errors import InputError
from likewise.fields import ITEMS_COUNT, ITEMS_MEASURE
from likewise.measures import Configuration, contributions
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study

SHOWN = 80
"""Characters of a prompt, on one line."""


@dataclass(frozen=True)
class Items(Study):
    """Ranks the inputs by what each adds to a score that is a mean over inputs.

    Parameters
    ----------
    measure : str
        The measure.
    count : int
        How many inputs of each kind its tables hold, at most half of them.
    """

    name: ClassVar[str] = "items"
    question: ClassVar[str] = "Which inputs drive the score?"
    needs: ClassVar[Literal["scores", "rows"]] = "rows"

    measure: str = ITEMS_MEASURE
    count: int = ITEMS_COUNT

    def answer(self, given: Any, texts: Mapping[str, str | None] | None = None, told: str = "") -> Answer:
        """Return the most and the least alike inputs of two representations.

        Parameters
        ----------
        given : two of Representation
            Both of the same inputs.
        texts : mapping of str to str, optional
            Texts of the inputs by id, None where one has none.
        told : str
            Where the texts are from, or why there are none.

        Raises
        ------
        InputError
            If there are not two representations, or the measure has no such parts.

        Examples
        --------
        >>> from likewise.representation import Representation
        >>> x = np.random.default_rng(0).normal(size=(12, 3))
        >>> both = Representation(x, name="x"), Representation(2 * x, name="twice")
        >>> Items("jaccard(k=2)", count=2).answer(both).verdict
        'x and twice: jaccard(k=2) = 1, the mean over all inputs'
        """
        if len(given) != 2:
            raise InputError(f"expected two representations, got {len(given)}")
        a, b = given
        configuration = Configuration.parse(self.measure)
        texts = texts or {}
        added = to_numpy(contributions(configuration, a, b))
        order = np.argsort(-(configuration.facts.more_alike * added), kind="stable")
        ids = a.ids if a.has_ids else b.ids
        rows: list[dict[str, Any]] = [
            {"place": place, "id": ids[i], "contribution": float(added[i]), "prompt": texts.get(ids[i])}
            for place, i in enumerate(order.tolist(), 1)
        ]
        few = min(self.count, len(rows) // 2)
        same = beginning([r["prompt"] for r in rows])
        parts = (("most alike", rows[:few]), ("least alike", rows[len(rows) - few :][::-1]))
        value = float(added.mean())
        lowest, highest = configuration.facts.bounds
        beyond = added.min() < lowest or added.max() > highest
        return Answer(
            self.question,
            f"{a.name} and {b.name}: {configuration.label} = {value:.4g}, the mean over all "
            f"{'prompts' if texts else 'inputs'}",
            tables=tuple(
                Table(
                    title.replace(" ", "-"),
                    ("id", configuration.facts.direction, *(["prompt"] if texts else [])),
                    tuple((r["id"], r["contribution"], *([line(r["prompt"], same)] if texts else [])) for r in some),
                    caption=title,
                    unsure={configuration.facts.direction: "of one input"},
                )
                for title, some in parts
            ),
            limits=(*([BEYOND] if beyond else []), *_told(same, told)),
            unsure="the command says which prompts a score is made of; likewise compare gives its interval",
            values={"value": value},
            data={
                "a": a.name,
                "b": b.name,
                "measure": configuration.label,
                "value": value,
                "prompts": told,
                "items": rows,
            },
        )


BEYOND = "Of an input: what it adds to the score, times their number. It may lie beyond the range of the score."


def _told(same: int, told: str) -> Iterator[str]:
    if same:
        yield f"all prompts begin with the same {same:,} characters, which are left out above"
    if told:
        yield f"prompts are {told}"


def line(text: str | None, same: int = 0) -> str:
    """A prompt on one line, without so many characters that all begin with."""
    line = ("…" if same else "") + " ".join((text or "")[same:].split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def beginning(texts: Sequence[str | None]) -> int:
    """How many characters all prompts begin with, up to a space, where they would fill most of a line: of a chat."""
    first, last = min(text or "" for text in texts), max(text or "" for text in texts)
    common = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    whole = max((i + 1 for i, (c, _) in enumerate(common) if c.isspace()), default=0) if first != last else 0
    return whole if whole > SHOWN // 2 else 0
