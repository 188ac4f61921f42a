"""The header of a GGUF file, read with bounds: every length that it says must lie within the file.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import functools
import os
from pathlib import Path
from typing import IO, Any

from likewise.errors import InputError
from likewise.store import open_regular

MAGIC = b"GGUF"

HEADER = 2**28
"""Bytes of the longest header that is read: those of large vocabularies have some 2**24."""

FIELDS = 2_000_000
"""Fields, entries of their lists that are texts, and tensors of a header, at most."""

TEXT, LIST = 8, 9
"""The numbers of the types that are no plain numbers."""

BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Of the types that are plain numbers: whole ones of one to eight bytes, floats and truth values."""

WHOLE = {0: False, 1: True, 2: False, 3: True, 4: False, 5: True, 10: False, 11: True}
"""The types of whole numbers, and whether they have a sign."""

DIMENSIONS = 8


@functools.cache
def fields_of(gguf: Path, changed: int) -> dict[str, Any]:
    """Return the texts and whole numbers in the header of a file that was ``changed`` then."""
    try:
        with open(open_regular(gguf), "rb") as file:  # noqa: PTH123  # a descriptor has no path
            return _Header(file).fields()
    except InputError:
        raise
    except (ValueError, OSError) as error:
        raise InputError(f"{gguf} cannot be read as GGUF: {error}") from error


def of_architecture(gguf: Path, changed: int, name: str) -> Any:
    """Return what a file says under a name of its architecture; None where it says nothing."""
    fields = fields_of(gguf, changed)
    return fields.get(f"{fields.get('general.architecture')}.{name}")


def size(gguf: Path, changed: int) -> dict[str, int]:
    """Return width and number of blocks of a file that was ``changed`` then."""
    names = {"width": "embedding_length", "blocks": "block_count"}
    found = {what: of_architecture(gguf, changed, name) for what, name in names.items()}
    for what, value in found.items():
        if type(value) is not int or not 1 <= value <= 10**7:
            raise InputError(f"{gguf}: {what}: expected a whole number from 1 to {10**7:,}, got {str(value)[:40]!r}")
    return {what: int(str(value)) for what, value in found.items()}


class _Header:
    """What stands before the weights of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = min(HEADER, os.fstat(file.fileno()).st_size)
        self._entries = 0
        self._order: Any = "little"

    def fields(self) -> dict[str, Any]:
        """Return the texts and whole numbers among the fields, after walking through the whole header."""
        if self._bytes(4) != MAGIC:
            raise ValueError(f"it does not begin with {MAGIC.decode()}")
        version = self._number(4)
        if version and not version % 2**16:
            self._order, version = "big", version >> 24
        if version not in (2, 3):
            raise ValueError(f"its version is {version}; expected 2 or 3")
        tensors, count = self._number(8), self._number(8)
        found: dict[str, Any] = {}
        for _ in range(count):
            name = self._text()
            found[name] = self._value(self._number(4))
        for _ in range(tensors):
            self._text()
            dimensions = self._number(4)
            if dimensions > DIMENSIONS:
                raise ValueError(f"a tensor has {dimensions:,} dimensions")
            self._skip(8 * dimensions + 12)
        return found

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind == TEXT:
            return self._text()
        if kind == LIST:
            self._list(depth)
            return None
        if kind not in BYTES:
            raise ValueError(f"a field has the type {kind}, which is none")
        if kind not in WHOLE:
            return self._skip(BYTES[kind])
        return int.from_bytes(self._bytes(BYTES[kind]), self._order, signed=WHOLE[kind])

    def _list(self, depth: int) -> None:
        self._count()
        kind, count = self._number(4), self._number(8)
        if kind in BYTES:
            self._skip(count * BYTES[kind])
            return
        if depth > 3:
            raise ValueError("it has lists within each other")
        for _ in range(count):
            if kind == TEXT:
                self._count()
                self._skip(self._number(8))
            else:
                self._value(kind, depth + 1)

    def _text(self) -> str:
        self._count()
        return self._bytes(self._number(8)).decode(errors="replace")

    def _number(self, size: int) -> int:
        return int.from_bytes(self._bytes(size), self._order)

    def _count(self) -> None:
        self._entries += 1
        if self._entries > FIELDS:
            raise ValueError(f"its header has more than {FIELDS:,} entries")

    def _take(self, size: int) -> None:
        if size > self._left:
            raise ValueError(f"it is cut off, or its header has more than {HEADER:,} bytes")
        self._left -= size

    def _bytes(self, size: int) -> bytes:
        self._take(size)
        return self._file.read(size)

    def _skip(self, size: int) -> None:
        self._take(size)
        self._file.seek(size, os.SEEK_CUR)
