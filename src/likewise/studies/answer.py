"""What a study hands over: a verdict in a sentence, the tables that it rests on, what to draw, what not to conclude."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from typing import Any, SupportsIndex, overload

import pyarrow as pa

from likewise.errors import InputError, MissingDependencyError
from likewise.naming import cell_text, did_you_mean, inert, shown_head
from likewise.studies.conditions import Cell, Outcome, outcome, parse_condition
from likewise.studies.drawings import Drawings, Figures, check_cell

SHOWN = 50
"""Rows of a table that a notebook shows."""

ENDS = (["low", "high"], ["lowest", "highest"])
"""The last words of two heads that stand for the ends of an interval."""

NONE_GIVEN = "none was given"
"""Why there is no interval, where a study says nothing of it."""


def is_p(head: str) -> bool:
    """Whether a column holds p-values, by its head.

    Examples
    --------
    >>> is_p("panel p corrected"), is_p("smallest_p"), is_p("top")
    (True, True, False)
    """
    return "p" in re.split(r"[ _]", head)


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
    unsure : mapping of str to str
        Why a column of numbers has no interval, by its head; empty for one that was not measured, such as a setting. A
        column has an interval where the next two hold its ends: their heads end with low and high, or lowest and
        highest.

    Raises
    ------
    ValueError
        If a head stands twice, a row is shorter or longer than the heads, a number is not finite, or ``unsure`` names
        no column.

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
    unsure: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(map(tuple, self.rows)))
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"table {self.name!r}: expected different heads, got {self.columns}")
        if others := set(self.unsure) - set(self.columns):
            raise ValueError(f"table {self.name!r}: expected heads of its columns, got {sorted(others)}")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name!r}: expected {len(self.columns)} cells in a row, got {len(row)}")
            for head, cell in zip(self.columns, row, strict=True):
                check_cell(cell, f"table {self.name!r}, column {head!r}")

    @property
    def heads(self) -> tuple[str, ...]:
        """The columns as they are shown."""
        return tuple(map(shown_head, self.columns))

    def records(self) -> list[dict[str, Cell]]:
        """Return the rows, each as a mapping."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def column(self, head: str) -> list[Cell]:
        """Return the cells under a head."""
        place = self.columns.index(head)
        return [row[place] for row in self.rows]

    def without_interval(self) -> dict[str, str]:
        """Return why a column of measured numbers has no interval, by its head.

        Whole numbers are counts; a p-value says by itself how sure it is.

        Examples
        --------
        >>> columns = "name", "weight", "low", "high", "price", "p"
        >>> Table("fruit", columns, (("apple", 0.2, 0.1, 0.3, 1.5, 0.01),)).without_interval()
        {'price': 'none was given'}
        """
        found, ends = {}, set()
        for place, head in enumerate(self.columns):
            after = [re.split(r"[ _]", of)[-1] for of in self.columns[place + 1 : place + 3]]
            if after in ENDS:
                ends |= set(self.columns[place + 1 : place + 3])
            elif head in ends or is_p(head) or not any(isinstance(cell, float) for cell in self.column(head)):
                continue
            elif why := self.unsure.get(head, NONE_GIVEN):
                found[head] = why
        return found

    def to_arrow(self) -> pa.Table:
        """Return the table with a type for each column: a column that mixes texts and numbers is one of texts.

        Examples
        --------
        >>> table = Table("fruit", ("name", "weight", "p"), (("apple", 1, 0.5), ("plum", 0.5, "< 1e-16")))
        >>> table.to_arrow().to_pylist()
        [{'name': 'apple', 'weight': 1.0, 'p': '0.5'}, {'name': 'plum', 'weight': 0.5, 'p': '< 1e-16'}]
        """
        return pa.table([_typed(self.column(head)) for head in self.columns], names=[_unicode(h) for h in self.columns])

    def to_pandas(self) -> Any:
        """Return the table as a DataFrame.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.

        Examples
        --------
        >>> Table("fruit", ("name", "weight"), (("apple", 0.2),)).to_pandas()
            name  weight
        0  apple     0.2
        """
        try:
            pandas = import_module("pandas")
        except ModuleNotFoundError as error:
            raise MissingDependencyError("pandas", "report") from error
        return pandas.DataFrame(list(self.rows), columns=list(self.columns))

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Return the table by Arrow's PyCapsule interface, which polars, DuckDB and pandas read."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{_html(head)}</th>" for head in self.columns)
        rows = "".join(
            f"<tr>{''.join(f'<td>{_html(cell_text(cell))}</td>' for cell in row)}</tr>" for row in self.rows[:SHOWN]
        )
        more = len(self.rows) - SHOWN
        parts = [
            f"<p><b>{_html(self.caption or self.name)}</b></p>",
            *([f"<p>{_html(self.text)}</p>"] if self.text else []),
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>",
            *([f"<p>{more:,} more rows: <code>.to_pandas()</code> has all</p>"] if more > 0 else []),
            *([f"<p>{_html(self.note)}</p>"] if self.note else []),
        ]
        return "".join(parts)


class Tables(tuple[Table, ...]):
    """The tables of an answer in their order, by place or by name.

    Examples
    --------
    >>> tables = Tables([Table("fruit", ("name",), (("apple",),))])
    >>> tables["fruit"] is tables[0], tables.names
    (True, ('fruit',))
    """

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(table.name for table in self)

    @overload
    def __getitem__(self, place: SupportsIndex | str) -> Table: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Table, ...]: ...

    def __getitem__(self, place: SupportsIndex | str | slice) -> Table | tuple[Table, ...]:
        if not isinstance(place, str):
            return super().__getitem__(place)
        if place not in self.names:
            raise InputError(f"the answer has no table {place!r}; {did_you_mean(place, self.names)}")
        return super().__getitem__(self.names.index(place))


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
    tables : Tables
        What the verdict rests on; by place, or by name: ``answer.tables["copies"]``.
    drawings : tuple of Drawing
        What to draw.
    limits : tuple of str
        What not to conclude, and what to do for more; a sentence each.
    values : mapping of str to (bool, int, float, str or None)
        The numbers of the verdict by name, for programs that decide something.
    data : object
        All numbers as plain lists and mappings, where the tables show them shortened; None where they do not.
    reasons : mapping of str to str
        Why a value is None, by its name.
    unsure : str
        Why numbers of the verdict have no interval; empty where they have one, or where there are none.

    Raises
    ------
    ValueError
        If there is no question or no verdict, a number is not finite, two tables have one name, or a reason is given
        for a value that is there.

    Examples
    --------
    >>> answer = Answer(
    ...     "Did the copy move?",
    ...     "The copy moved: its error is 2.4 times the floor (2.1 to 2.7).",
    ...     tables=(Table("copies", ("copy", "ratio"), (("4 bits", 2.4),)),),
    ...     values={"moved": True, "ratio.low": 2.1, "kl": None},
    ...     reasons={"kl": "the outputs were not asked for"},
    ... )
    >>> answer.failed("moved"), answer.failed("not moved or ratio.low > 10")
    (True, False)
    >>> answer.failed("copies.ratio.highest > 2")
    True
    """

    question: str
    verdict: str
    reading: str = ""
    tables: Any = ()  # given as any sequence of tables, and kept as Tables
    drawings: tuple[Drawings, ...] = ()
    limits: tuple[str, ...] = ()
    values: Mapping[str, Cell] = field(default_factory=dict)
    data: Any = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    unsure: str = ""

    def __post_init__(self) -> None:
        for name in ("question", "verdict"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text:
                raise ValueError(f"an answer: expected a sentence as its {name}, got {text!r}")
        kinds = ("tables", Table), ("drawings", Drawings), ("limits", str)
        for name, kind in kinds:
            given = getattr(self, name)
            if isinstance(given, str) or not all(isinstance(part, kind) for part in given):
                raise ValueError(f"an answer: expected {name} as a tuple of {kind}, got {given!r}")
            object.__setattr__(self, name, tuple(given))
        object.__setattr__(self, "tables", Tables(self.tables))
        if len(set(self.tables.names)) < len(self.tables):
            raise ValueError(f"an answer: expected tables of different names, got {self.tables.names}")
        for name, value in self.values.items():
            check_cell(value, f"value {name!r}")
        for name, reason in self.reasons.items():
            if name not in self.values or self.values[name] is not None or not isinstance(reason, str):
                raise ValueError(f"an answer: expected the reason of a value that is None, got {name!r}: {reason!r}")

    @property
    def figures(self) -> Figures:
        """The drawings as matplotlib Figures by name, each drawn when it is asked for."""
        return Figures(self.drawings)

    def named(self) -> tuple[dict[str, Cell], dict[str, str]]:
        """Return everything that a condition can name, and why what is None is so.

        These are the values, and of each column of a table, as ``TABLE.COLUMN``: ``.lowest`` and ``.highest`` where it
        holds numbers; ``.any`` and ``.all`` where it holds truth values. Where one of the cells is None, so are these.
        """
        found: dict[str, Cell] = {}
        reasons: dict[str, str] = {}
        for table in self.tables:
            for head in table.columns:
                cells = table.column(head)
                absent = sum(cell is None for cell in cells)
                of = f"{absent:,} of the {len(cells):,} rows of the table {table.name} have no {head}"
                for part, value in _parts_of(cells).items():
                    name = f"{table.name}.{head}.{part}"
                    if name in found or name in self.values:
                        value, reasons[name] = None, "it stands for two numbers of the answer"
                    elif value is None:
                        reasons[name] = of if absent else f"the table {table.name} has no rows"
                    found[name] = value
        return {**self.values, **found}, {**self.reasons, **reasons}

    def judged(self, conditions: Sequence[str]) -> list[Outcome]:
        """Return what became of each condition; one that cannot be judged says why instead.

        Raises
        ------
        InputError
            If a text is no condition.
        """
        parsed = [parse_condition(text) for text in conditions]
        values, reasons = self.named() if parsed else ({}, {})
        return [outcome(condition, values, reasons) for condition in parsed]

    def failed(self, condition: str) -> bool:
        """Return whether a condition holds under which a gate fails.

        Parameters
        ----------
        condition : str
            As after ``--fail-if``: ``"moved"``, ``"overlap@10 < 0.8"``; the page on gates has the grammar.

        Raises
        ------
        InputError
            If it is no condition, names nothing of the answer, or compares what cannot be compared.
        UndefinedError
            If a value that it names is missing; the message says why.

        Examples
        --------
        >>> Answer("Same neighbours?", "Hardly.", values={"overlap@10": 0.42}).failed("overlap@10 < 0.8")
        True
        """
        return parse_condition(condition).holds(*self.named())

    def _repr_html_(self) -> str:
        limits = "".join(f"<li>{_html(limit)}</li>" for limit in self.limits)
        shown = []
        for table in self.tables:
            html = table._repr_html_()
            name = _html(table.caption or table.name)
            shown.append(f"<details><summary>{name}</summary>{html}</details>" if table.folded else html)
        parts = [
            f"<p>{_html(self.question)}</p>",
            f"<p><strong>{_html(self.verdict)}</strong></p>",
            *([f"<p>{_html(self.reading)}</p>"] if self.reading else []),
            *shown,
            *([f"<ul>{limits}</ul>"] if limits else []),
        ]
        return f"<div>{''.join(parts)}</div>"

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain mappings and lists, without its drawings."""
        return {
            "question": self.question,
            "verdict": self.verdict,
            "values": dict(self.values),
            "reasons": dict(self.reasons),
            "tables": {table.name: table.records() for table in self.tables},
            "limits": list(self.limits),
        }


def _html(text: str) -> str:
    return escape(inert(text))


def _unicode(text: str) -> str:
    """A text that files can hold: half a character is written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _typed(cells: Sequence[Cell]) -> pa.Array:
    """Cells with the one type that holds them all; numbers beside texts, or too large for a column, as texts."""
    known = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, bool) for cell in known):
        return pa.array(cells, pa.bool_() if known else pa.null())
    numbers = [cell for cell in known if isinstance(cell, int | float) and not isinstance(cell, bool)]
    whole = [number for number in numbers if isinstance(number, int)]
    if len(numbers) == len(known):
        if len(whole) == len(known) and all(-(2**63) <= number < 2**63 for number in whole):
            return pa.array(cells, pa.int64())
        if all(abs(number) <= 2**53 for number in whole):
            return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    return pa.array([None if cell is None else _unicode(str(cell)) for cell in cells], pa.string())


def _parts_of(cells: Sequence[Cell]) -> dict[str, Cell]:
    """What a condition can say of a column; of one without a value, whatever it would be."""
    known = [cell for cell in cells if cell is not None]
    whole = len(known) == len(cells) and bool(cells)
    found: dict[str, Cell] = {}
    if not any(isinstance(cell, bool | str) for cell in known):
        numbers = [cell for cell in known if isinstance(cell, int | float)]
        found |= {"lowest": min(numbers) if whole else None, "highest": max(numbers) if whole else None}
    if all(isinstance(cell, bool) for cell in known):
        found |= {"any": any(known) if whole else None, "all": all(known) if whole else None}
    return found
