"""Records out of files as people have them: JSON, CSV, TSV and Parquet, read right or refused with the line."""

import csv
import gzip
import io
import json
import re
import shlex
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from likewise.errors import InputError
from likewise.naming import counted
from likewise.store import in_lists, open_parquet, written_out

Record: TypeAlias = Mapping[str, Any]

KINDS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
"""How names of files end, in small or capital letters; all but Parquet also with ``.gz``."""

LINE, TEXT = 2**27, 2**30
"""Characters of the longest line, and of a whole file, that is read."""

RECORDS = 2_000_000
"""Records of a file, at most."""


def kind_of(path: str | Path) -> str | None:
    """Return which of `KINDS` a path ends in, None where it is no path of a data set.

    Examples
    --------
    >>> kind_of("a/Questions.CSV"), kind_of("q.jsonl.gz"), kind_of("owner/name")
    ('.csv', '.jsonl', None)
    """
    kind = Path(str(path).lower().removesuffix(".gz")).suffix
    return kind if kind in KINDS else None


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file, one by one.

    Raises
    ------
    InputError
        If there is no such file, or a record cannot be read; the message says which line.
    """
    count = 0
    try:
        if not path.is_file():
            raise InputError(f"there is no data set file {path}" if not path.exists() else f"{path} is no regular file")
        for record in _records(path):
            count += 1
            if count > RECORDS:
                raise InputError(f"{path} holds more than {RECORDS:,} records; take some with limit:")
            yield record
    except pa.ArrowException as error:
        raise InputError(f"{path} cannot be read as Parquet: {_first_line(error)}") from error
    except (EOFError, OSError, ValueError, OverflowError, MemoryError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read: {_first_line(error)}") from error


def _records(path: Path) -> Iterator[dict[str, Any]]:
    kind = kind_of(path)
    if kind == ".parquet":
        yield from _parquet(path)
        return
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rb") as raw:
        # Bytes that are not UTF-8 become surrogates, so that the line they stand in can be said.
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
        lines = _lines(path, text)
        if kind in (".csv", ".tsv"):
            yield from _table(path, lines, "\t" if kind == ".tsv" else ",")
        else:
            yield from _json(path, lines)


def _lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    total, number, empty = 0, 0, 0
    while line := text.readline(LINE + 1):
        number, total, empty = number + 1, total + len(line), empty + line.isspace()
        if empty > RECORDS:
            raise InputError(f"{path} holds more than {RECORDS:,} empty lines")
        if len(line) > LINE or total > TEXT:
            raise InputError(f"line {number} of {path}: expected at most {LINE:,} characters, and {TEXT:,} in the file")
        if re.search("[\udc80-\udcff]", line):
            raise InputError(f"line {number} of {path} is not UTF-8; save the file as UTF-8")
        yield line


def _json(path: Path, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if line.lstrip()[0] == "[":
            raise InputError(
                f"line {number} of {path} begins a list; expected one record a line, as "
                f"jq -c '.[]' {shlex.quote(path.name)} writes it"
            )
        record = _parsed(path, number, line)
        if not isinstance(record, dict):
            raise InputError(f"line {number} of {path} holds no object; expected one record a line")
        yield record


def _parsed(path: Path, number: int, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError as error:
        raise InputError(f"line {number} of {path} is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise InputError(f"line {number} of {path} is not JSON: {error.msg} at character {error.colno}") from error
    except ValueError as error:
        raise InputError(f"line {number} of {path} is not JSON: {_first_line(error)}") from error


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the field {twice!r} stands twice")
    return found


def _table(path: Path, lines: Iterable[str], separator: str) -> Iterator[dict[str, Any]]:
    """Rows of text, each as long as the header."""
    csv.field_size_limit(LINE)
    rows = csv.reader(lines, delimiter=separator, strict=True)
    header: list[str] = []
    begins = 1
    try:
        for row in rows:
            if not header:
                header = row
                if twice := [name for name, count in Counter(header).items() if count > 1]:
                    raise InputError(f"line {begins} of {path} names the column {twice[0]!r} twice")
                if len(header) == 1 and ({",", ";", "\t"} - {separator}) & set(header[0]):  # its own stood in quotes
                    raise InputError(
                        f"line {begins} of {path} has one column, {header[0][:80]!r}; expected columns separated by "
                        "commas, or by tabs where the file ends in .tsv"
                    )
            elif row and len(row) != len(header):
                raise InputError(
                    f"line {begins} of {path} has {counted(len(row), 'field')}, and the header has {len(header)}"
                    + (f"; a field that holds {separator!r} stands in quotes" if len(row) > len(header) else "")
                )
            elif row:
                yield dict(zip(header, row, strict=True))
            begins = rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"line {begins} of {path} cannot be read: {error}") from error


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix.lower() == ".gz":
        raise InputError(f"{path} is packed twice; unpack it, as Parquet is compressed inside")
    total = 0
    with open_parquet(path) as file:
        names = file.schema_arrow.names
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise InputError(f"{path} has two columns called {twice[0]!r}")
        refused = InputError(f"{path} holds more than {TEXT:,} bytes; take some with limit:")
        # Where it says so itself, before any of it is read.
        if max((size for _, size in in_lists(file.metadata)), default=0) > TEXT:
            raise refused
        for batch in file.iter_batches(batch_size=256):
            total += written_out(batch)
            if total > TEXT:
                raise refused
            yield from batch.to_pylist()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
