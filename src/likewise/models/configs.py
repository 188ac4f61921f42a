"""What is read of a model's configs, which anybody may have written: each value is checked where it is read."""

import json
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from likewise.errors import InputError
from likewise.store import read_regular

T = TypeVar("T")

LARGEST = 2**31 - 1
"""Beyond any width, length or number of blocks that a model has."""

LONGEST_NAME = 255
"""Bytes of the name of a file or folder."""


def read_config(path: Path, kind: type[T]) -> T:
    """Return what a JSON file holds, an object or a list.

    Raises
    ------
    InputError
        If it is no JSON, or of another kind.
    """
    try:
        value = json.loads(read_regular(path).decode())
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    return of_kind(value, kind, str(path))


def of_kind(value: Any, kind: type[T], what: str) -> T:
    """Return a value that is to be an object, a list, a text or a truth value."""
    if not isinstance(value, kind):
        words = {"dict": "an object", "list": "a list", "str": "a text", "bool": "true or false"}
        raise InputError(f"{what}: expected {words[kind.__name__]}, got {reprlib.repr(value)}")
    return value


def text(fields: Mapping[str, Any], key: str, place: object) -> str | None:
    """Return a text; None where there is none, or null.

    Raises
    ------
    InputError
        If it is something else.
    """
    value = fields.get(key)
    if value is None:
        return None
    said = of_kind(value, str, f"{place}: {key}")
    if not said.isascii() and any("\ud800" <= letter <= "\udfff" for letter in said):
        raise InputError(f"{place}: {key} holds half of a character (a surrogate)")
    return said


def whole(fields: Mapping[str, Any], keys: Sequence[str], place: object, most: int = LARGEST) -> int | None:
    """Return the whole number, 1 or more, under the first of some keys that is there.

    Raises
    ------
    InputError
        If it is something else.
    """
    key = next((k for k in keys if fields.get(k) is not None), None)
    if key is None:
        return None
    value = fields[key]
    if type(value) is not int or not 0 < value <= most:
        raise InputError(f"{place}: {key}: expected a whole number from 1 to {most:,}, got {reprlib.repr(value)}")
    return value


def usable_name(value: str) -> str:
    """Return a name of a file, folder or repository.

    Raises
    ------
    ValueError
        If nothing can be called so.
    """
    try:
        longest = max(len(part.encode()) for part in value.split("/"))
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a character (a surrogate)") from error
    if not value or longest > LONGEST_NAME or len(value) > 4096 or "\0" in value:
        raise ValueError("is no name of a file, folder or repository: it is empty, too long, or holds a null character")
    return value
