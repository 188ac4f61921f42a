"""Arrays as they lie in files: the rows of a representation, and what a population is reduced to."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from likewise.arrays import in_precision
from likewise.errors import InputError, StoreError
from likewise.kinds import TABLES
from likewise.naming import canonical_json
from likewise.quantities import SUMS
from likewise.scoring import Reduced
from likewise.shapes import TEXT, Fields, Kind, fault, text_of
from likewise.store.atomic import write_atomically
from likewise.store.door import CHECKSUM, damaged, opened
from likewise.store.keys import file_hash
from likewise.store.regular import check_size


def dtype_of(kind: str) -> np.dtype[np.floating[Any]]:
    """Return the precision in which rows are kept; of tables it is double, for what is derived loses half of it."""
    return np.dtype(np.float64 if kind in TABLES else np.float32)


def write_matrix(path: Path, matrix: np.ndarray, dtype: np.dtype[np.floating[Any]], name: str) -> None:
    """Write the matrix of a representation of that name; refuse what the type does not keep of it."""
    matrix = np.ascontiguousarray(in_precision(np.asarray(matrix), dtype, name))
    # Not by save_file, which writes to a file of its own beside: a kill would leave one that nobody knows.
    write_atomically(path, lambda p: p.write_bytes(save({"matrix": matrix})))


def matrix_hash(path: Path) -> str:
    """Return the SHA-256 of a regular file."""
    check_regular(path)
    return file_hash(path)


def check_regular(path: Path) -> None:
    """Refuse what is no regular file, before a library opens it by its name."""
    os.close(opened(path))


def read_matrix(path: Path, shape: tuple[int, int], dtype: np.dtype[np.floating[Any]]) -> np.ndarray:
    """Return the matrix of a representation, of this shape and type."""
    try:
        matrix: np.ndarray = load_file(path)["matrix"]
    except (SafetensorError, KeyError, ValueError, OSError, MemoryError) as error:
        raise damaged(path, str(error)) from error
    if matrix.shape != shape or matrix.dtype != dtype:
        raise damaged(path, f"it holds {matrix.dtype} of shape {matrix.shape}, expected {dtype} of shape {shape}")
    return matrix


REDUCED = Fields({"n": Kind("a whole number, 1 or more", text_of(r"[1-9]\d{0,8}")), "items": TEXT}, others=TEXT)
"""What is said beside a reduced representation: texts alone."""


def write_reduced(path: Path, reduced: Reduced, about: Mapping[str, str]) -> None:
    """Write a reduced representation, with what must be the same for all that it is compared with."""
    tensors = {"vector": reduced.vector, "sums": reduced.sums, "squares": reduced.squares}
    notes = {**about, "reason": reduced.reason}
    content = save(tensors, metadata={**notes, CHECKSUM: _checksum(tensors, notes)})
    write_atomically(path, lambda p: p.write_bytes(content), durable=False)


class Room:
    """Memory that reduced representations are read into, one in place of the other: to get it anew takes longer."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, dtype=np.uint8)

    def read(self, path: Path) -> np.ndarray:
        """Return the bytes of a regular file, until the next is read."""
        with open(opened(path), "rb", buffering=0) as file:  # noqa: PTH123  # a descriptor has no path
            size = os.fstat(file.fileno()).st_size
            check_size(path, size)
            if size > len(self._bytes):
                self._bytes = np.empty(size + 8, dtype=np.uint8)
            content = self._bytes[:size]
            if file.readinto(content.data) != size:
                raise ValueError("it was cut while it was read")
        return content


def read_reduced(path: Path, room: Room | None = None) -> tuple[Reduced, dict[str, str]]:
    """Return a reduced representation, and what was said of it; in a ``room``, it is there until the next is read."""
    try:
        tensors, about = _parsed((room or Room()).read(path))
        if about.pop(CHECKSUM) != _checksum(tensors, about):
            raise damaged(path, "its content is not what was written")
        reduced = Reduced(**tensors, reason=about.pop("reason"))
        if wrong := _no_reduced(reduced, about):
            raise damaged(path, wrong)
        return reduced, about
    except (FileNotFoundError, StoreError):
        raise
    except (
        InputError,
        LookupError,
        TypeError,
        ArithmeticError,
        OSError,
        ValueError,
        MemoryError,
        RecursionError,
    ) as error:
        raise damaged(path, str(error)) from error


ODD = (LookupError, TypeError, ArithmeticError, ValueError, RecursionError)
"""What comes of a header that says something else than it should."""

HEADER = 2**16
"""Bytes of the header of a reduced representation, at most."""

TYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64}
"""How the safetensors format calls the types that may stand there; only the first is taken."""


def _parsed(content: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a safetensors file where they lie, and its notes: the library copies them, which takes as long."""
    length = int.from_bytes(content[:8].tobytes(), "little")
    if not 0 < length <= min(HEADER, len(content) - 8):
        raise ValueError(f"its header has {length:,} bytes")
    head = json.loads(content[8 : 8 + length].tobytes())
    values, tensors = content[8 + length :], {}
    for name in ("vector", "sums", "squares"):
        start, stop = head[name]["data_offsets"]
        if not 0 <= start <= stop <= len(values):
            raise ValueError(f"{name!r} lies outside of it")
        shape = tuple(head[name]["shape"])
        tensors[name] = values[start:stop].view(TYPES[head[name]["dtype"]]).reshape(shape)
        if tensors[name].shape != shape:  # a size that was left open
            raise ValueError(f"{name!r} has no shape")
    about = dict(head["__metadata__"])
    if wrong := fault(about, Fields(others=TEXT)):
        raise ValueError(wrong)
    return tensors, about


def _no_reduced(reduced: Reduced, about: Mapping[str, str]) -> str | None:
    """What is wrong with a reduced representation: a stranger can write a checksum too."""
    if wrong := fault(dict(about), REDUCED):
        return wrong
    n = int(about["n"])
    # Where there is a reason, there is no score, and all are empty.
    shapes = {"vector": n * (n + 1) // 2, "sums": SUMS, "squares": n}
    for name, size in shapes.items():
        array, shape = getattr(reduced, name), (0 if reduced.reason else size,)
        if array.shape != shape or array.dtype != np.float64:
            return f"{name!r} holds {array.dtype} of shape {array.shape}, expected float64 of shape {shape}"
        if not np.isfinite(array).all():
            return f"{name!r} holds a number that is not finite"
    if not reduced.reason and not (reduced.squares.min() >= 0 and reduced.squares.sum() > 0):
        return "'squares' holds no squares"
    return None


def _checksum(tensors: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> str:
    """XXH3 of arrays with their types, shapes and notes: thousands are read for one answer, and it finds damage."""
    found = xxhash.xxh3_64(canonical_json(dict(notes)).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        found.update(np.ascontiguousarray(tensor).data)
    return found.hexdigest()
