"""The shape of a JSON value, said once, and the first place of a value that breaks it."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Kind:
    """One kind of value: what messages call it, and whether a value is of it."""

    said: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Each:
    """A list whose entries all have one shape."""

    of: "Shape"


@dataclass(frozen=True)
class Fields:
    """An object: fields that must be there, fields that may be, and the shape of all others, if any are allowed."""

    needed: Mapping[str, "Shape"] = field(default_factory=dict)
    known: Mapping[str, "Shape"] = field(default_factory=dict)
    others: "Shape | None" = None


@dataclass(frozen=True)
class WhereThere:
    """An object that has one shape where a field is there, and another where it is not."""

    name: str
    there: Fields
    other: Fields


Shape: TypeAlias = Kind | Each | Fields | WhereThere


def fault(value: Any, shape: Shape, place: str = "") -> str | None:
    """Return what is wrong with a value, with its place; None where it has the shape.

    Examples
    --------
    >>> fault({"n": [1, "x"]}, Fields({"n": Each(COUNT)}))
    "n[1]: expected a whole number, 0 or more, got 'x'"
    """
    if isinstance(shape, Kind):
        return None if shape.fits(value) else _wrong(place, shape.said, value)
    if isinstance(shape, Each):
        if not isinstance(value, list):
            return _wrong(place, "a list", value)
        found = (fault(entry, shape.of, f"{place}[{i}]") for i, entry in enumerate(value))
        return next((wrong for wrong in found if wrong), None)
    if not isinstance(value, dict):
        return _wrong(place, "an object", value)
    if isinstance(shape, WhereThere):
        return fault(value, shape.there if shape.name in value else shape.other, place)
    if lacking := [name for name in shape.needed if name not in value]:
        return f"there is no {_within(place, lacking[0])}"
    for name, entry in value.items():
        of = shape.needed.get(name) or shape.known.get(name) or shape.others
        wrong = fault(entry, of, _within(place, name)) if of else f"unknown field {_within(place, name)[:80]!r}"
        if wrong:
            return wrong
    return None


def _within(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _wrong(place: str, expected: str, value: Any) -> str:
    got = repr(value)
    return f"{place or 'it'}: expected {expected}, got {got if len(got) <= 60 else got[:57] + '...'}"


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda v: type(v) is int and least <= v < 2**63


def text_of(pattern: str | re.Pattern[str]) -> Callable[[Any], bool]:
    """Return whether a value is a text of a pattern, as a whole."""
    return lambda v: isinstance(v, str) and re.fullmatch(pattern, v) is not None


def _or_nothing(kind: Kind) -> Kind:
    return Kind(f"{kind.said} or null", lambda v: v is None or kind.fits(v))


def _finite(value: Any) -> bool:
    # A whole number of hundreds of digits is no float at all.
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) < 2**63)


ANYTHING = Kind("anything", lambda v: True)
TEXT = Kind("a text", lambda v: isinstance(v, str))
TEXT_OR_NOTHING = _or_nothing(TEXT)
COUNT = Kind("a whole number, 0 or more", _whole(0))
POSITIVE = Kind("a whole number, 1 or more", _whole(1))
COUNT_OR_NOTHING = _or_nothing(COUNT)
NUMBER = Kind("a finite number", _finite)
NUMBER_OR_NOTHING = _or_nothing(NUMBER)
FLAG_OR_NOTHING = Kind("true, false or null", lambda v: v is None or isinstance(v, bool))
OBJECT = Fields(others=ANYTHING)
SHA256 = Kind("a SHA-256 of 64 hexadecimal digits", text_of(r"[0-9a-f]{64}"))
