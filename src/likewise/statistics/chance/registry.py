"""References by their names: those of likewise, and those of installed packages."""

import functools
import re
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from likewise.errors import InputError, LikewiseError
from likewise.fields import CHANCE
from likewise.naming import did_you_mean, format_call, parse_call
from likewise.statistics.chance.moments import ClosedForm
from likewise.statistics.chance.nothing import NoReference
from likewise.statistics.chance.reference import Asked, Reference
from likewise.statistics.chance.shuffles import ShuffledRows

ENTRY_POINTS = "likewise.chance"
"""Group of entry points by which a package adds references."""

OURS: dict[str, type[Reference]] = {r.name: r for r in (NoReference, ShuffledRows, ClosedForm)}
"""In the order in which stored tables number them."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What the name of a reference looks like."""

DEFAULT = CHANCE
"""What is taken where nothing is said."""


@functools.cache
def _installed() -> dict[str, EntryPoint]:
    """Entry points by name; none is loaded, and none hides one of ours."""
    return {e.name: e for e in entry_points(group=ENTRY_POINTS) if e.name not in OURS}


def reference_names() -> tuple[str, ...]:
    """Return the names of all references; loads nothing."""
    return (*OURS, *_installed())


def kind_of(name: str) -> type[Reference]:
    """Return the class of a reference by its name; that of an installed package is loaded.

    Raises
    ------
    InputError
        If there is none, or its package stops with an error.
    """
    if name in OURS:
        return OURS[name]
    if name not in _installed():
        raise InputError(f"chance={name!r}; {did_you_mean(name, reference_names())}")
    try:
        kind: Any = _installed()[name].load()
    except Exception as error:
        raise InputError(f"chance={name!r}: its package stopped with {type(error).__name__}: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, Reference) and getattr(kind, "name", None) == name):
        raise InputError(f"chance={name!r}: its package gives {kind!r}; expected a Reference with that name")
    return kind


def reference_of(asked: Asked) -> Reference:
    """Return a reference by its call, as ``moments`` or ``panel(path="kept")``; one that is given stays as it is.

    Raises
    ------
    InputError
        If there is none of that name, or it cannot be made so.

    Examples
    --------
    >>> reference_of("shuffles").planned(10)
    'chance from 10 shuffles'
    """
    if isinstance(asked, Reference):
        name = getattr(asked, "name", None)
        if not (isinstance(name, str) and NAME.fullmatch(name)) or not isinstance(asked, OURS.get(name, Reference)):
            raise InputError(
                f"a {type(asked).__name__} is called {name!r}; expected letters, digits, - and _, and none of "
                f"{', '.join(OURS)}"
            )
        return asked
    if not isinstance(asked, str):
        raise InputError(f"chance={asked!r}; expected a name ({', '.join(reference_names())}) or a Reference")
    return _made(asked)


@functools.cache
def _made(asked: str) -> Reference:
    """A reference, made once in a process: it may have read a file."""
    name, parameters = _parsed(asked)
    kind = kind_of(name)
    try:
        return kind(**parameters)
    except LikewiseError:
        raise
    except Exception as error:  # of somebody else's code
        raise InputError(f"chance={asked!r}: {error}") from error


def canonical_reference(asked: str) -> str:
    """Return the one text of a call, after checking that it makes a reference.

    Examples
    --------
    >>> canonical_reference("moments()")
    'moments'
    """
    reference_of(asked)
    return format_call(*_parsed(asked))


def _parsed(asked: str) -> tuple[str, dict[str, Any]]:
    try:
        return parse_call(asked)
    except InputError as error:
        raise InputError(f"chance: {error}") from error


def words_of(name: str) -> tuple[str, ...]:
    """Return the words that the column ``null`` of a table can hold where this reference was asked for."""
    return tuple(dict.fromkeys([*OURS, name]))
