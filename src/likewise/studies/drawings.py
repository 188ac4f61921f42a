"""What an answer draws, as numbers and words: who draws it, on a page or for paper, decides how it looks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.naming import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a figure shows, as numbers and words; who draws it decides how it looks.

    Parameters
    ----------
    name : str
        What its file is called.
    title : str
        In a few words.
    heading : str
        Stands above the figure.
    alt : str
        What it shows, for who cannot see it.
    note : str
        What to know for reading it.
    dataset : str or None
        The data set that it is about; None where it is about all.
    unsure : str
        Why its numbers have no interval; empty where they have one.
    """

    name: str
    title: str
    heading: str
    alt: str
    note: str = ""
    dataset: str | None = None
    unsure: str = ""


@dataclass(frozen=True, kw_only=True)
class Triangle(Drawing):
    """A number for every two of some things.

    Parameters
    ----------
    labels : tuple of str
        The things, m of them.
    values : tuple of tuple of (float or None)
        m - 1 rows, for the second thing to the last; row i has i + 1 numbers, for the things before.
    low, high : float
        The ends of the scale of colours.
    """

    labels: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    low: float
    high: float

    def __post_init__(self) -> None:
        sizes = [len(row) for row in self.values]
        if sizes != list(range(1, len(self.labels))):
            raise ValueError(
                f"drawing {self.name!r}: expected rows of 1 to {len(self.labels) - 1} numbers, got {sizes}"
            )
        for row in self.values:
            _check_all(row, self.name)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of dots: for each series a number or None per label."""

    title: str
    series: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, kw_only=True)
class Dots(Drawing):
    """Numbers of some things, as dots on one line each; several panels stand beside each other.

    Parameters
    ----------
    labels : tuple of str
        The things.
    panels : tuple of Panel
        Numbers of each.
    low, high : float
        The ends of the scale.
    """

    labels: tuple[str, ...]
    panels: tuple[Panel, ...]
    low: float
    high: float

    def __post_init__(self) -> None:
        for panel in self.panels:
            for values in panel.series.values():
                if len(values) != len(self.labels):
                    raise ValueError(
                        f"drawing {self.name!r}: expected {len(self.labels)} numbers in a series, got {len(values)}"
                    )
                _check_all(values, self.name)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through points, and a band around it: from low to high at each point, where there are such."""

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lines(Drawing):
    """Lines over one axis.

    Parameters
    ----------
    across, up : str
        What the axes show.
    lines : tuple of Line
        The lines.
    logarithmic : bool
        Whether the axis across is.
    """

    across: str
    up: str
    lines: tuple[Line, ...]
    logarithmic: bool = False

    def __post_init__(self) -> None:
        for line in self.lines:
            for values in (line.y, line.low or line.x, line.high or line.x):
                if len(values) != len(line.x):
                    raise ValueError(f"drawing {self.name!r}: expected {len(line.x)} numbers, got {len(values)}")
            numbers = (*line.x, *line.y, *line.low, *line.high)
            if texts := [value for value in numbers if isinstance(value, str)]:
                raise TypeError(f"drawing {self.name!r}: expected numbers, got {texts[0]!r}")
            _check_all(numbers, self.name)


@dataclass(frozen=True, kw_only=True)
class Forest(Drawing):
    """Numbers of some things with their intervals, a line for each, beside what they are set against.

    Parameters
    ----------
    labels : tuple of str
        The things.
    values, low, high : tuple of (float or None)
        Of each.
    across : str
        What the axis shows.
    marks : mapping of str to float
        What all numbers are set against, by its name.
    chance : tuple of (float or None)
        What each is set against; empty where there is nothing.
    """

    labels: tuple[str, ...]
    values: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    across: str
    marks: Mapping[str, float] = field(default_factory=dict)
    chance: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        for values in (self.values, self.low, self.high, self.chance or self.labels):
            if len(values) != len(self.labels):
                raise ValueError(f"drawing {self.name!r}: expected {len(self.labels)} numbers, got {len(values)}")
            _check_all(values, self.name)
        _check_all(tuple(self.marks.values()), self.name)


Drawings: TypeAlias = Triangle | Dots | Lines | Forest
"""What an answer can draw."""


class Figures(Mapping[str, Any]):
    """The figures of an answer by name, each drawn when it is asked for.

    The name of one that is about a data set is followed by ``on`` and the data set.
    """

    def __init__(self, drawings: Sequence[Drawings]) -> None:
        self._drawings: dict[str, Drawings] = {}
        for drawing in drawings:
            wanted = drawing.name if drawing.dataset is None else f"{drawing.name} on {drawing.dataset}"
            name, number = wanted, 1
            while name in self._drawings:
                number += 1
                name = f"{wanted} ({number})"
            self._drawings[name] = drawing

    def __getitem__(self, name: str) -> Any:
        """Return a matplotlib Figure.

        Raises
        ------
        InputError
            If there is no such figure.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if name not in self._drawings:
            raise InputError(f"the answer has no figure {name!r}; {did_you_mean(name, self._drawings)}")
        # By name, for the room that draws stands above this one: an answer needs it only here.
        return import_module("likewise.report.figures").drawn(self._drawings[name])

    def __contains__(self, name: object) -> bool:
        return name in self._drawings

    def __iter__(self) -> Iterator[str]:
        return iter(self._drawings)

    def __len__(self) -> int:
        return len(self._drawings)

    def __repr__(self) -> str:
        return f"Figures({list(self)})"


def check_cell(cell: Any, where: str) -> None:
    """Refuse what is neither a text, nor a finite number, nor None."""
    if not isinstance(cell, str | bool | int | float | None):
        raise ValueError(f"{where}: expected a text, a number or None, got {cell!r}")
    if isinstance(cell, float) and not math.isfinite(cell):
        raise ValueError(f"{where}: expected a finite number or None, got {cell}")


def _check_all(values: tuple[Any, ...], name: str) -> None:
    for value in values:
        check_cell(value, f"drawing {name!r}")
