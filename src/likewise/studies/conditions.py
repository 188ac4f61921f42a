r"""Conditions on an answer: ``overlap@10 < 0.8``, ``not moved``, ``cka.low < 0.9 and moved``.

The grammar, from what binds least to what binds most::

    condition  = both { "or" both }
    both       = one { "and" one }
    one        = "not" one  |  "(" condition ")"  |  name  |  side sign side
    side       = name  |  number  |  text
    sign       = "<"  |  "<="  |  ">"  |  ">="  |  "=="  |  "!="
    name       = a letter or _, then letters, digits and _ . @ : / % + -, and calls as in jaccard(k=10).value
                 |  '"' anything '"'      (a quote in it is doubled)
    text       = "'" anything "'"         (a quote in it is doubled)

A name stands for one value of the answer: a truth value, a number or a text. A truth value stands alone; numbers are
compared by every sign, exactly; texts by ``==`` and ``!=``. All values that a condition names must be there: one that
is missing is an error, also where the rest would decide.
"""

import math
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from likewise.errors import InputError, LikewiseError, UndefinedError
from likewise.naming import did_you_mean, inert

Cell: TypeAlias = str | bool | int | float | None
"""What a name stands for, and what a table holds; a number is finite, and None stands for one that there is not."""

LONGEST, DEEPEST = 1_000, 20
"""Characters of a condition, and brackets and ``not`` within each other, at most."""

FEW = 8
"""Names that a message lists where there are many, and none is near."""

SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
"""What compares two values."""

_OF_NAME = r"[\w.@:/%+-]"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
    | (?P<word>(?:and|or|not)(?!{_OF_NAME}))
    | (?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?!{_OF_NAME}))
    | (?P<name>[^\W\d]{_OF_NAME}*(?:\([^()]*\){_OF_NAME}*)*)
    | (?P<quoted>"(?:[^"]|"")+")
    | (?P<text>'(?:[^']|'')*')
    | (?P<sign><=|>=|==|!=|<|>)
    | (?P<bracket>[()])
    """,
    re.VERBOSE,
)


class Condition(ABC):
    """What is true or false of an answer; ``str`` writes it as `parse_condition` reads it."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """Yield the names that it reads, one that it reads twice twice."""

    @abstractmethod
    def _holds(self, values: Mapping[str, Cell]) -> bool:
        """Whether it holds of values that are all there."""

    def holds(self, values: Mapping[str, Cell], reasons: Mapping[str, str] | None = None) -> bool:
        """Return whether it holds.

        Parameters
        ----------
        values : mapping of str to (bool, int, float, str or None)
            By name.
        reasons : mapping of str to str, optional
            Why a value is missing, by its name.

        Raises
        ------
        InputError
            If a name is unknown, or a value is of another type than its place asks for.
        UndefinedError
            If a value is missing.

        Examples
        --------
        >>> parse_condition("overlap@10 < 0.8 or moved").holds({"overlap@10": 0.9, "moved": True})
        True
        """
        used = list(dict.fromkeys(self.names()))
        for name in used:
            if name not in values:
                raise InputError(self.unknown(name, nearest(name, values)))
        for name in used:
            if values[name] is None:
                reason = (reasons or {}).get(name) or "the answer does not say why"
                raise UndefinedError(f"{_called(self)}: {inert(name)} has no value: {inert(reason)}")
        return self._holds(values)

    def unknown(self, name: str, why: str) -> str:
        """Return what is said of a name that the answer has not."""
        return f"{_called(self)}: the answer has no value {inert(name)!r}; {inert(why)}{_hint(self, name)}"


@dataclass(frozen=True)
class Name:
    """A value of the answer, by its name."""

    text: str

    def __str__(self) -> str:
        found = _TOKEN.match(self.text)
        bare = found is not None and found.lastgroup == "name" and found.end() == len(self.text)
        return self.text if bare else '"' + self.text.replace('"', '""') + '"'


@dataclass(frozen=True)
class Literal:
    """A number or a text, as it is."""

    value: int | float | str

    def __str__(self) -> str:
        return "'" + self.value.replace("'", "''") + "'" if isinstance(self.value, str) else repr(self.value)


Side: TypeAlias = Name | Literal
"""What stands beside a sign."""


@dataclass(frozen=True)
class Truth(Condition):
    """Holds where a truth value is true."""

    name: Name

    def __str__(self) -> str:
        return str(self.name)

    def names(self) -> Iterator[str]:
        """Yield its name."""
        yield self.name.text

    def _holds(self, values: Mapping[str, Cell]) -> bool:
        value = values[self.name.text]
        if not isinstance(value, bool):
            raise InputError(
                f"{_called(self)}: {_typed(value)} alone is no condition; expected a comparison, such as "
                f"{inert(str(self))} {'< 0.9' if not isinstance(value, str) else _example(value)}"
            )
        return value


@dataclass(frozen=True)
class Comparison(Condition):
    """Holds where two numbers, or two texts, stand to each other as the sign says."""

    left: Side
    sign: str
    right: Side

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    def names(self) -> Iterator[str]:
        """Yield the names on both sides."""
        yield from (side.text for side in (self.left, self.right) if isinstance(side, Name))

    def _holds(self, values: Mapping[str, Cell]) -> bool:
        left, right = (values[s.text] if isinstance(s, Name) else s.value for s in (self.left, self.right))
        said = f"{_called(self)}: "
        for value in (left, right):
            if isinstance(value, bool):
                raise InputError(f"{said}a truth value has no {self.sign}; expected its name alone, or after not")
        if isinstance(left, str) != isinstance(right, str):
            raise InputError(f"{said}expected two numbers or two texts, got {_typed(left)} and {_typed(right)}")
        if isinstance(left, str) and self.sign not in ("==", "!="):
            raise InputError(f"{said}a text has no {self.sign}; texts are compared with == or !=")
        return SIGNS[self.sign](left, right)


@dataclass(frozen=True)
class Not(Condition):
    """Holds where another does not."""

    of: Condition

    def __str__(self) -> str:
        return f"not {_inner(self.of, All, Any_)}"

    def names(self) -> Iterator[str]:
        """Yield the names of the other."""
        yield from self.of.names()

    def _holds(self, values: Mapping[str, Cell]) -> bool:
        return not self.of._holds(values)


@dataclass(frozen=True)
class _Several(Condition):
    """Two or more conditions."""

    parts: tuple[Condition, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError(f"expected two or more conditions, got {len(self.parts)}")

    def names(self) -> Iterator[str]:
        """Yield the names of all."""
        for part in self.parts:
            yield from part.names()

    def _each(self, values: Mapping[str, Cell]) -> list[bool]:
        # Of every part, also where the first decides: a wrong type in the last is told in each run.
        return [part._holds(values) for part in self.parts]


@dataclass(frozen=True)
class All(_Several):
    """Holds where all of its parts do."""

    def __str__(self) -> str:
        return " and ".join(_inner(part, All, Any_) for part in self.parts)

    def _holds(self, values: Mapping[str, Cell]) -> bool:
        return all(self._each(values))


@dataclass(frozen=True)
class Any_(_Several):
    """Holds where one or more of its parts do."""

    def __str__(self) -> str:
        return " or ".join(_inner(part, Any_) for part in self.parts)

    def _holds(self, values: Mapping[str, Cell]) -> bool:
        return any(self._each(values))


def parse_condition(text: str) -> Condition:
    """Read a condition; nothing of it is run.

    Parameters
    ----------
    text : str
        In the grammar above; at most 1,000 characters, and 20 brackets or ``not`` within each other.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> str(parse_condition("jaccard(k=10).value<.5 and not( moved or nearest=='noise' )"))
    "jaccard(k=10).value < 0.5 and not (moved or nearest == 'noise')"
    >>> parse_condition('"p alone" <= 0.05').holds({"p alone": 0.01})
    True
    """
    return _Reader(text).condition()


@dataclass(frozen=True)
class Outcome:
    """What became of a condition: whether it holds, or why that cannot be said.

    Parameters
    ----------
    condition : Condition
        What was asked.
    holds : bool or None
        None where it cannot be said.
    values : mapping of str to (bool, int, float, str or None)
        The values that it reads, as far as they are known.
    error : LikewiseError or None
        Why it cannot be said.
    """

    condition: Condition
    holds: bool | None
    values: Mapping[str, Cell] = field(default_factory=dict)
    error: LikewiseError | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return str(self.error)
        values = ", ".join(f"{Name(name)} is {_exact(value)}" for name, value in self.values.items())
        return f"{self.condition} ({values})"


def outcome(condition: Condition, values: Mapping[str, Cell], reasons: Mapping[str, str] | None = None) -> Outcome:
    """Return what becomes of a condition; an error is part of it.

    Examples
    --------
    >>> print(outcome(parse_condition("overlap@10 < 0.8"), {"overlap@10": 0.42}))
    overlap@10 < 0.8 (overlap@10 is 0.42)
    """
    used = {name: values[name] for name in condition.names() if name in values}
    try:
        return Outcome(condition, condition.holds(values, reasons), used)
    except LikewiseError as error:
        return Outcome(condition, None, used, error)


class _Reader:
    """Goes through the words of a condition once."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise InputError(f"a condition: expected a text such as 'moved', got {type(text).__name__}")
        if len(text) > LONGEST:
            raise InputError(
                f"{_called(f'{text[:40]}...')}: expected at most {LONGEST:,} characters, got {len(text):,}"
            )
        self.text = text
        self.words = list(self._split())
        self.place = 0

    def condition(self) -> Condition:
        found = self._either(0)
        if self.place < len(self.words):
            kind, word = self.words[self.place]
            chained = isinstance(found, Comparison) and kind == "sign"
            said = (
                f"expected and between two comparisons, got {word}"
                if chained
                else f"expected and, or, or the end of the condition, got {word}"
            )
            raise self._wrong(said)
        return found

    def _split(self) -> Iterator[tuple[str, str]]:
        place = 0
        while place < len(self.text):
            found = _TOKEN.match(self.text, place)
            if found is None:
                rest = self.text[place:]
                said = "expected == for equal, got =" if rest.startswith("=") else f"cannot read {rest[:20]!r}"
                if rest[0] in ("'", '"'):
                    said = f"a quote is empty or has no end: {rest[:20]}"
                raise self._wrong(said)
            kind = str(found.lastgroup)
            if kind != "space":
                yield kind, found[0]
            place = found.end()

    def _either(self, depth: int) -> Condition:
        parts = [self._both(depth)]
        while self._taken("word", "or"):
            parts.append(self._both(depth))
        return Any_(tuple(parts)) if len(parts) > 1 else parts[0]

    def _both(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._taken("word", "and"):
            parts.append(self._one(depth))
        return All(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self, depth: int) -> Condition:
        if depth > DEEPEST:
            raise self._wrong(f"expected at most {DEEPEST} brackets and not within each other")
        if self._taken("word", "not"):
            return Not(self._one(depth + 1))
        if self._taken("bracket", "("):
            found = self._either(depth + 1)
            if not self._taken("bracket", ")"):
                raise self._wrong(f"expected ), got {self._next()}")
            return found
        left = self._side()
        if self.place >= len(self.words) or self.words[self.place][0] != "sign":
            if isinstance(left, Name):
                return Truth(left)
            kind = "text" if isinstance(left.value, str) else "number"
            raise self._wrong(f"a {kind} alone is no condition; expected a comparison, such as overlap@10 < 0.8")
        sign = self.words[self.place][1]
        self.place += 1
        right = self._side()
        if isinstance(left, Literal) and isinstance(right, Literal):
            raise self._wrong(f"{left} {sign} {right} reads nothing of the answer; expected a name on one side")
        return Comparison(left, sign, right)

    def _side(self) -> Side:
        kind, word = self.words[self.place] if self.place < len(self.words) else ("", "")
        if kind not in ("name", "quoted", "number", "text"):
            raise self._wrong(f"expected a name, a number or a text, got {self._next()}")
        self.place += 1
        if kind == "name":
            return Name(word)
        if kind == "quoted":
            return Name(word[1:-1].replace('""', '"'))
        return Literal(self._number(word) if kind == "number" else word[1:-1].replace("''", "'"))

    def _number(self, word: str) -> int | float:
        value = int(word) if word.lstrip("+-").isdigit() else float(word)
        if not math.isfinite(value) if isinstance(value, float) else abs(value) >= 2**63:
            raise self._wrong(f"{word[:20]} is too large")
        return value

    def _taken(self, kind: str, word: str) -> bool:
        taken = self.words[self.place : self.place + 1] == [(kind, word)]
        self.place += taken
        return taken

    def _next(self) -> str:
        return self.words[self.place][1] if self.place < len(self.words) else "the end of the condition"

    def _wrong(self, why: str) -> InputError:
        shown = self.text if len(self.text) <= 80 else f"{self.text[:80]}..."
        return InputError(f"{_called(shown)}: {inert(why, keep='')}")


def _called(condition: "Condition | str") -> str:
    """How a message begins."""
    return f"condition {inert(str(condition), keep='')!r}"


def _inner(part: Condition, *bracketed: type[Condition]) -> str:
    """A part as it stands in a whole: between brackets where it would be read otherwise."""
    return f"({part})" if isinstance(part, bracketed) else str(part)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest names; where none is near, a few of many."""
    names = list(known)
    said = did_you_mean(name, names)
    if len(said) <= 300 or not said.startswith("known"):
        return said
    few = sorted(names, key=len)[:FEW]
    return f"known: {', '.join(few)}, and {len(names) - len(few):,} more"


def _hint(condition: Condition, name: str) -> str:
    """What helps who wrote a text as a name."""
    parts = condition.parts if isinstance(condition, _Several) else (condition,)
    beside = [part.right for part in parts if isinstance(part, Comparison) and part.sign in ("==", "!=")]
    return "; a text stands between single quotes" if Name(name) in beside else ""


def _typed(value: Cell) -> str:
    return f"the text {inert(value, keep='')!r}" if isinstance(value, str) else f"the number {_exact(value)}"


def _example(value: str) -> str:
    return f"== {Literal(inert(value, keep=''))}"


def _exact(value: Cell) -> str:
    """A value in all its digits: 0.79999 is not 0.8."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(Literal(value))
    return "missing" if value is None else repr(float(value) if isinstance(value, float) else int(value))
