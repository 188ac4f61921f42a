"""Content keys: hashes of canonical JSON, of texts and of files."""

import functools
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from likewise.naming import canonical_json
from likewise.store.regular import check_holes, open_regular

LENGTH = 24
"""Hexadecimal digits of a key: 96 bits, so that a billion keys collide with a chance of 1e-11."""


def content_key(identity: Any) -> str:
    """Return the key of whatever is identified by a JSON value.

    Examples
    --------
    >>> content_key({"b": 1, "a": 2}) == content_key({"a": 2, "b": 1})
    True
    """
    return hashlib.sha256(canonical_json(identity).encode()).hexdigest()[:LENGTH]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes; a file that did not change since is not read again by this process.

    Raises
    ------
    InputError
        If it is no regular file, or one that no disk holds.
    OSError
        If it cannot be read.
    """
    stat = path.stat()
    return _file_hash(path, stat.st_size, stat.st_mtime_ns)


@functools.cache
def _file_hash(path: Path, size: int, changed: int) -> str:
    with open(open_regular(path), "rb") as file:  # noqa: PTH123  # a descriptor has no path
        check_holes(path, os.fstat(file.fileno()))
        return hashlib.file_digest(file, "sha256").hexdigest()


def forget_hashes() -> None:
    """Read files again before their hashes are told: one was replaced by another of the same size and time."""
    _file_hash.cache_clear()


def files_hash(paths: Iterable[Path]) -> str:
    """SHA-256 of several files' names and bytes, in the order of their names."""
    return hashlib.sha256(
        canonical_json([[p.name, file_hash(p)] for p in sorted(paths, key=lambda p: p.name)]).encode()
    ).hexdigest()
