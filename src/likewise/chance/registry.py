"""References by their names: those of likewise, and those of installed packages."""

import functools
import re
from typing import Any

from likewise.chance.closed_form import ClosedForm
from likewise.chance.features import ShuffledFeatures
from likewise.chance.nothing import NoReference
from likewise.chance.reference import Asked, Reference
from likewise.chance.shuffles import ShuffledRows
from likewise.errors import InputError, LikewiseError
from likewise.fields import CHANCE
from likewise.naming import did_you_mean, format_call, parse_call
from likewise.plugins import Plugins

INSTALLED = Plugins("likewise.chance", "chance level")
"""References that packages add."""

OURS: dict[str, type[Reference]] = {r.name: r for r in (NoReference, ShuffledRows, ClosedForm, ShuffledFeatures)}
"""In the order in which stored tables number them."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What the name of a reference looks like."""

DEFAULT = CHANCE
"""What is taken where nothing is said."""


def reference_names() -> tuple[str, ...]:
    """Return the names of all references; loads nothing."""
    return tuple(INSTALLED.names(OURS))


def kind_of(name: str) -> type[Reference]:
    """Return the class of a reference by its name; that of an installed package is loaded.

    Raises
    ------
    InputError
        If there is none, or its package stops with an error.
    """
    if name in OURS:
        return OURS[name]
    if name not in reference_names():
        raise InputError(f"chance={name!r}; {did_you_mean(name, reference_names())}")
    kind: Any = INSTALLED.load(name, OURS)
    if not (isinstance(kind, type) and issubclass(kind, Reference) and getattr(kind, "name", None) == name):
        raise INSTALLED.refused(
            INSTALLED.entry(name, OURS), f"is {kind!r}; expected a Reference with the name {name!r}"
        )
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
