"""The numbers of a page in one compact block: what a browser opens without a library, and Python too.

A block is gzip of four bytes (the length of the head, little end first), the head as JSON, and the columns. A column is
stored plane by plane: the first byte of every number, then the second of every number, and so on. Bytes of one kind
stand together, which is what makes numbers small under gzip. ``NaN`` stands for a missing number.
"""

import base64
import gzip
import json
import re
import struct
from typing import Any

import numpy as np
from jaxtyping import Shaped

KINDS: dict[str, Any] = {"u1": np.uint8, "u2": np.uint16, "u4": np.uint32, "f4": np.float32}
"""What a column may be made of, by the name that the head gives it."""

SCRIPT = re.compile(r'<script type="text/plain" id="block">([A-Za-z0-9+/=\s]*)</script>')
"""Where a page keeps its block."""


class Columns:
    """Collects columns; each is named in the head by what `add` returns."""

    def __init__(self) -> None:
        self._bytes: list[bytes] = []
        self._size = 0

    def add(self, values: Any, kind: str, digits: int = 23) -> dict[str, Any]:
        """Take a column, and return where a reader finds it.

        Parameters
        ----------
        values : array_like, shape (n,)
            Numbers; missing ones as NaN, of kind ``f4`` only.
        kind : {"u1", "u2", "u4", "f4"}
            What is kept of each.
        digits : int
            Binary digits behind the first that are kept of an ``f4``; the others are rounded away. 14 are a little more
            than four decimal ones.

        Raises
        ------
        OverflowError
            If a number does not fit into the kind.
        """
        asked = np.asarray(values, dtype=np.float64 if kind == "f4" else np.int64).reshape(-1)
        if kind != "f4" and asked.size and not 0 <= asked.min() <= asked.max() <= np.iinfo(KINDS[kind]).max:
            raise OverflowError(f"numbers from {asked.min()} to {asked.max()} in a column of {kind}")
        column = asked.astype(KINDS[kind])
        if kind == "f4":
            column = rounded(column, digits)
        column = column.astype(column.dtype.newbyteorder("<"))
        planes = np.ascontiguousarray(column.view(np.uint8).reshape(len(column), column.itemsize).T).tobytes()
        place = {"at": self._size, "n": len(column), "kind": kind}
        self._bytes.append(planes)
        self._size += len(planes)
        return place

    def packed(self, head: dict[str, Any]) -> str:
        """Return the block with its head, as text that stands in a page."""
        said = json.dumps(head, allow_nan=False, separators=(",", ":")).encode()
        content = b"".join([struct.pack("<I", len(said)), said, *self._bytes])
        return base64.b64encode(gzip.compress(content, 9 if len(content) < 2**24 else 6, mtime=0)).decode()


def rounded(column: Shaped[np.ndarray, " n"], digits: int) -> Shaped[np.ndarray, " n"]:
    """Return single-precision numbers rounded to so many binary digits behind the first.

    Examples
    --------
    >>> rounded(np.asarray([1 / 3, np.nan], np.float32), 14).tolist()
    [0.3333282470703125, nan]
    """
    drop = 23 - digits
    if drop <= 0:
        return column
    bits = column.view(np.uint32)
    up = (bits + np.uint32(1 << (drop - 1))) & np.uint32(0xFFFFFFFF ^ ((1 << drop) - 1))
    return np.where(np.isfinite(column), up.view(np.float32), column).astype(np.float32)


def opened(page: str) -> dict[str, Any]:
    """Return what a page keeps: its head, with an array in the place of every column.

    Raises
    ------
    ValueError
        If it keeps no block.
    """
    found = SCRIPT.search(page)
    if found is None:
        raise ValueError("expected a page with a block of numbers, got one without")
    content = gzip.decompress(base64.b64decode(found[1]))
    (length,) = struct.unpack("<I", content[:4])
    planes = memoryview(content)[4 + length :]

    def read(of: Any) -> Any:
        if isinstance(of, dict) and of.keys() == {"at", "n", "kind"}:
            dtype = np.dtype(KINDS[of["kind"]]).newbyteorder("<")
            raw = np.frombuffer(planes, np.uint8, of["n"] * dtype.itemsize, of["at"])
            return np.ascontiguousarray(raw.reshape(dtype.itemsize, of["n"]).T).view(dtype).reshape(-1)
        if isinstance(of, dict):
            return {name: read(value) for name, value in of.items()}
        return [read(value) for value in of] if isinstance(of, list) else of

    head: dict[str, Any] = read(json.loads(content[4 : 4 + length]))
    return head
