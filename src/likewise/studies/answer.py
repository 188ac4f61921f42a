"""What a study hands over: a verdict in a sentence, the tables that it rests on, what to draw, what not to conclude."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Cell: TypeAlias = str | bool | int | float | None
"""What a table holds; a number is finite, and None stands for one that there is not."""


@dataclass(frozen=True)
class Table:
    """Rows under their columns.

    Parameters
    ----------
    name : str
        What its file is called.
    columns : tuple of str
        Heads.
    rows : tuple of tuple
        Texts and numbers in full precision; None where there is none.
    caption : str
        What the rows are, as a heading; empty where the question says it.
    text : str
        How to read it.
    note : str
        What else to know; stands below the table.
    folded : bool
        Whether a page shows it only when asked.
    spare : tuple of str
        Columns that a narrow terminal leaves out, in this order.

    Raises
    ------
    ValueError
        If a row is shorter or longer than the heads, or a number is not finite.

    Examples
    --------
    >>> Table("fruit", ("name", "weight"), (("apple", 0.2), ("plum", None))).records()
    [{'name': 'apple', 'weight': 0.2}, {'name': 'plum', 'weight': None}]
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    text: str = ""
    note: str = ""
    folded: bool = False
    spare: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(map(tuple, self.rows)))
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name!r}: expected {len(self.columns)} cells in a row, got {len(row)}")
            for head, cell in zip(self.columns, row, strict=True):
                _check(cell, f"table {self.name!r}, column {head!r}")

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows, each as a mapping."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


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
    """

    name: str
    title: str
    heading: str
    alt: str
    note: str = ""
    dataset: str | None = None


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
            _check_all((*line.x, *line.y, *line.low, *line.high), self.name)


@dataclass(frozen=True)
class Answer:
    """The answer to a question, and what it rests on.

    Parameters
    ----------
    question : str
        What was asked.
    verdict : str
        The answer in one sentence, with how sure it is.
    reading : str
        What the tables and figures show; stands before them.
    tables : tuple of Table
        What the verdict rests on.
    drawings : tuple of Drawing
        What to draw.
    limits : tuple of str
        What not to conclude, and what to do for more; a sentence each.
    values : mapping of str to (bool, int, float, str or None)
        The numbers of the verdict by name, for programs that decide something.
    data : object
        All numbers as plain lists and mappings, where the tables show them shortened; None where they do not.

    Raises
    ------
    ValueError
        If there is no question or no verdict, or a number is not finite.
    """

    question: str
    verdict: str
    reading: str = ""
    tables: tuple[Table, ...] = ()
    drawings: tuple[Triangle | Dots | Lines, ...] = ()
    limits: tuple[str, ...] = ()
    values: Mapping[str, Cell] = field(default_factory=dict)
    data: Any = None

    def __post_init__(self) -> None:
        for name in ("question", "verdict"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text:
                raise ValueError(f"an answer: expected a sentence as its {name}, got {text!r}")
        kinds = ("tables", Table), ("drawings", Triangle | Dots | Lines), ("limits", str)
        for name, kind in kinds:
            given = getattr(self, name)
            if isinstance(given, str) or not all(isinstance(part, kind) for part in given):
                raise ValueError(f"an answer: expected {name} as a tuple of {kind}, got {given!r}")
            object.__setattr__(self, name, tuple(given))
        for name, value in self.values.items():
            _check(value, f"value {name!r}")

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain mappings and lists, without its drawings."""
        return {
            "question": self.question,
            "verdict": self.verdict,
            "values": dict(self.values),
            "tables": {table.name: table.records() for table in self.tables},
            "limits": list(self.limits),
        }


def _check(cell: Any, where: str) -> None:
    if not isinstance(cell, str | bool | int | float | None):
        raise ValueError(f"{where}: expected a text, a number or None, got {cell!r}")
    if isinstance(cell, float) and not math.isfinite(cell):
        raise ValueError(f"{where}: expected a finite number or None, got {cell}")


def _check_all(values: tuple[Any, ...], name: str) -> None:
    for value in values:
        _check(value, f"drawing {name!r}")
