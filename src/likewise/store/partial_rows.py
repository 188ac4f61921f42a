"""The rows of a matrix on their way to disk: written as they come, found again after a stop, never all in memory."""

import contextlib
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from likewise.naming import canonical_json
from likewise.store.atomic import said
from likewise.store.door import damaged, opened, read_bytes
from likewise.store.keys import content_key

HEADER = 2**12
"""Bytes of a header at most."""

LOCK = "lock"
"""Name of the file that one process holds while it works on an extraction."""

FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""How that file is opened: never through a link, nor waiting for another end, and nothing in it is lost."""


class Growing:
    """A safetensors file that is filled row by row, and beside it for each row whether it is there, and its checksum.

    Parameters
    ----------
    path : Path
        Of the file; rows that an earlier process left there are kept.
    n : int
        How many rows there will be.

    Notes
    -----
    A row counts as there once it is safe on disk, so what a kill leaves half written is written again; so is what is
    not what was written. Memory: none but the rows that are passed.
    """

    def __init__(self, path: Path, n: int) -> None:
        self.path, self._marks, self.n = path, path.with_suffix(".done"), n
        self.done = np.zeros(n, dtype=bool)
        self._unsafe: list[tuple[int, int]] = []
        self._start, self._width = 0, 0
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError, OSError):
            self._take_up()

    def _take_up(self) -> None:
        start, (rows, width) = read_header(self.path)
        marks = np.frombuffer(read_bytes(self._marks, 8 * self.n), dtype="<u8")
        if rows == len(marks) == self.n and width > 0 and self.path.stat().st_size == start + 4 * self.n * width:
            found = mapped(self.path)
            done = [bool(mark) and int(mark) == _mark(row) for mark, row in zip(marks, found, strict=True)]
            self._start, self._width, self.done = start, width, np.asarray(done, dtype=bool)

    def write(self, places: Int[np.ndarray, " m"], rows: Float[np.ndarray, "m d"]) -> None:
        """Put rows in their places."""
        if not self._width:
            self._begin(rows.shape[1])
        rows = np.ascontiguousarray(rows, dtype="<f4")
        with said(self.path), self.path.open("rb+") as file:
            for place, row in zip(places.tolist(), rows, strict=True):
                file.seek(self._start + 4 * self._width * place)
                file.write(row.tobytes())
        self._unsafe += [(place, _mark(row)) for place, row in zip(places.tolist(), rows, strict=True)]
        self.done[places] = True

    def _begin(self, width: int) -> None:
        size = 4 * self.n * width
        header = canonical_json({"matrix": {"dtype": "F32", "shape": [self.n, width], "data_offsets": [0, size]}})
        # The tensors begin at a multiple of eight bytes, as the format asks.
        head = header.encode().ljust(-(-len(header) // 8) * 8)
        self._start, self._width = 8 + len(head), width
        # Before the rows: a kill between the two must not leave marks of rows that are gone.
        with said(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for path in (self._marks, self.path):
                path.unlink(missing_ok=True)  # not written over: it may be a link
            with self.path.open("xb") as file:
                file.write(len(head).to_bytes(8, "little") + head)
                file.truncate(self._start + size)
            with self._marks.open("xb") as file:
                file.write(bytes(8 * self.n))

    def flush(self) -> None:
        """Make what was written safe, then mark it."""
        if not self._unsafe:
            return
        with said(self.path), self.path.open("rb+") as file:
            os.fsync(file.fileno())
        with said(self._marks), self._marks.open("rb+") as marks:
            for place, mark in self._unsafe:
                marks.seek(8 * place)
                marks.write(mark.to_bytes(8, "little"))
        self._unsafe.clear()

    @property
    def matrix(self) -> Float[np.ndarray, "n d"]:
        """All rows, read where they are used."""
        rows: np.ndarray = mapped(self.path)
        return rows


def _mark(row: Float[np.ndarray, " d"]) -> int:
    """Of a row that is there: its checksum, and never zero."""
    return 1 << 32 | zlib.crc32(np.ascontiguousarray(row).data)


def read_header(path: Path) -> tuple[int, list[int]]:
    """Where the matrix of a safetensors file of ours begins, and its shape."""
    with open(opened(path), "rb") as file:  # noqa: PTH123  # a descriptor has no path
        length = int.from_bytes(file.read(8), "little")
        if length > HEADER:
            raise ValueError("a header of ours is short")
        shape: list[int] = json.loads(file.read(length))["matrix"]["shape"]
    return 8 + length, shape


def mapped(path: Path) -> Any:
    """Return the matrix of a safetensors file of ours without reading it into memory."""
    start, shape = read_header(path)
    return np.memmap(path, dtype="<f4", mode="r", offset=start, shape=tuple(shape))


class Parts:
    """What is finished of an extraction that goes on: the growing matrix of each layer, in a folder.

    Parameters
    ----------
    folder : Path
        Of the extraction.
    way : str
        How the rows are made where the extraction leaves that open; what was made in another way is not gone on with.
    """

    def __init__(self, folder: Path, way: str = "") -> None:
        self.folder, self.way = folder, way

    def layer(self, name: str, n: int) -> Growing:
        """Return the growing rows of a layer, of which there will be n."""
        return Growing(self.folder / f"{content_key([self.way, name])}.safetensors", n)

    def discard(self) -> None:
        """Delete what is there: all of it is saved."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def discard_left(self) -> None:
        """The same, where a kill came between saving and this; what another process works on is left to it."""
        # There is nothing, or another has the lock.
        with contextlib.suppress(OSError), os.fdopen(os.open(self.folder / LOCK, FLAGS, 0o666), "r+b") as file:
            _wait_for(file.fileno(), at_once=True)
            self.discard()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process works on the same extraction, and keep others out; a kill lets them in."""
        lock = self.folder / LOCK
        while True:
            with said(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                if self.folder.is_symlink():
                    raise damaged(self.folder, "it is a link")
                try:
                    file = os.fdopen(os.open(lock, FLAGS, 0o666), "r+b", buffering=0)
                except FileNotFoundError:  # who had it has just deleted the folder
                    continue
            _wait_for(file.fileno())
            # Who had it may have deleted the folder, and another begun a new one.
            if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                break
            file.close()
        try:
            yield
        finally:
            if self.folder.exists() and [p.name for p in self.folder.iterdir()] == [LOCK]:
                self.discard()
            file.close()


def _wait_for(lock: int, *, at_once: bool = False) -> None:
    """Wait for a lock; ``at_once`` it is had or refused."""
    try:
        import fcntl
    except ImportError:  # not everywhere; there two processes must not extract the same at once
        return
    if at_once:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    with contextlib.suppress(OSError):  # a disk without locks
        fcntl.flock(lock, fcntl.LOCK_EX)
