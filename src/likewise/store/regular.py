"""Files of strangers: opened only if they are regular, read only up to a size, hashed only if they are what they seem.

Links are followed, for the cache of the hub is made of them; a store, which holds none, refuses them at its own door.
"""

import os
import stat
import sys
from pathlib import Path

from likewise.errors import InputError

BOMB, RATIO = 2**30, 100
"""What takes more bytes than this, and more than so many times its file, is nothing that was saved."""

CONFIG = 2**24
"""Bytes of a config, which people and libraries write."""


def open_regular(path: Path, *, links: bool = True) -> int:
    """Open a regular file and return its descriptor; a pipe has no end, and a device no size.

    Raises
    ------
    OSError
        If it is not there, or cannot be read.
    InputError
        If it is anything else.
    """
    # Not blocking: what has no writer would be waited for.
    names = ["O_NONBLOCK", "O_CLOEXEC", "O_BINARY", *(() if links else ("O_NOFOLLOW",))]
    number = os.open(path, os.O_RDONLY | sum(getattr(os, name, 0) for name in names))
    if stat.S_ISREG(os.fstat(number).st_mode):
        return number
    os.close(number)
    raise InputError(f"{path} is no regular file")


def read_regular(path: Path, most: int = CONFIG) -> bytes:
    """Return the content of a regular file of at most so many bytes.

    Raises
    ------
    InputError
        If it is no regular file, is larger, or cannot be read.
    """
    try:
        with open(open_regular(path), "rb") as file:  # a descriptor has no path
            content = file.read(most + 1)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > most:
        raise InputError(f"{path} has more than {most:,} bytes; expected fewer")
    return content


def check_size(path: Path, size: int) -> None:
    """Refuse what does not fit into memory, or is far larger than its file."""
    stored = _stored(path.stat())
    if size > memory() or (size > BOMB and size > RATIO * stored):
        raise InputError(f"{path} takes {size:,} bytes in memory, and its file {stored:,}; it is damaged or too large")


def check_holes(path: Path, status: os.stat_result) -> None:
    """Refuse a file that says more bytes than any disk holds for it: reading it to its end takes for ever."""
    if status.st_size > BOMB and status.st_size > RATIO * _stored(status):
        raise InputError(
            f"{path} says that it has {status.st_size:,} bytes, and holds {_stored(status):,}; it is damaged"
        )


def memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else sys.maxsize


def _stored(status: os.stat_result) -> int:
    """Bytes on the disk: fewer than the length of a file that has holes."""
    return getattr(status, "st_blocks", -(-status.st_size // 512)) * 512
