"""The door of a store: each file of it is read here, bounded and checked, or is named as damaged or foreign.

A regular file and no link, no larger than its kind may be, of the shape of its kind, and with the checksum that was
written into it. Files of earlier versions, which have no checksum, are read without.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from likewise.errors import InputError, StoreError
from likewise.naming import canonical_json, counted
from likewise.shapes import Shape, fault
from likewise.store.atomic import write_atomically
from likewise.store.keys import forget_hashes
from likewise.store.parquet import in_lists, open_parquet, written_out
from likewise.store.regular import open_regular

CHECKSUM = "checksum"
"""The field of a JSON file with the SHA-256 of all others, as canonical JSON."""

TABLE_CHECKSUM = "likewise.sha256"
"""The note of a Parquet file with the SHA-256 of its bytes, in which the note itself stands as zeros."""

MOST_JSON, MOST_TABLE = 64 * 2**20, 2**30
"""Bytes of a file that is read."""

MOST_ROWS, ROWS_PER_BYTE, ALWAYS = 2**23, 64, 2**20
"""Rows of a table that is read: as a whole, for each byte of its file, and whatever its bytes. A few bytes can say
billions of rows, but columns in which all is equal, or missing, take a few bytes too."""

BY_ENDING = {".json": MOST_JSON, ".parquet": MOST_TABLE, ".seconds": MOST_TABLE}
"""Bytes of a file that is read, by the ending of its name: what is larger is not even copied."""

DEPTH = 50
"""Lists and objects of a JSON file within each other, at most."""

MOST_VALUES = 2**27
"""Numbers in the lists of a table that is read, four times what the shuffled scores of an experiment are at most."""


_STANDS_FOR: dict[Path, str] = {}
"""Folders of copies, and the URLs of the stores that they are of."""


def stands_for(folder: Path, url: str) -> None:
    """Say of a folder that it holds copies of a store elsewhere: that is what a user must be told of."""
    _STANDS_FOR[folder] = url


def told(path: Path) -> str:
    """Return what a file of a store is called for its user: its path, or its URL."""
    for folder in path.parents:
        if folder in _STANDS_FOR:
            return f"{_STANDS_FOR[folder]}/{path.relative_to(folder).as_posix()}"
    return str(path)


def damaged(path: Path, why: str) -> StoreError:
    """Return the error that names a file that cannot be believed, and says what to do.

    A copy is deleted, for it may be the copy alone that is damaged.
    """
    if (name := told(path)) != str(path):
        with contextlib.suppress(OSError):
            path.unlink()
        forget_hashes()
        return StoreError(
            f"{name} is damaged or foreign ({why}), or its copy on this machine was, which is deleted now; run the "
            "same command again, and if it says the same, delete the object: what is missing is computed again"
        )
    return StoreError(
        f"{path} is damaged or foreign ({why}); move it out of the store or delete it, then run the same command "
        "again: what is missing is computed again"
    )


def unreadable(path: Path, error: OSError) -> StoreError:
    """Return the error that names a file or folder that this user or machine cannot read."""
    return StoreError(f"{path} cannot be read: {error.strerror or error}")


def there(path: Path) -> bool:
    """Whether there is something of that name: a link too, wherever it leads."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except ValueError as error:
        raise InputError(f"{str(path)!r} is no path: {error}") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(f"{str(path)[:80]}... is no path: the name is too long") from error
        raise unreadable(path, error) from error
    return True


def names_in(folder: Path, ending: str) -> list[str]:
    """Return the names of a folder's files of one ending, without it, in order; hidden ones are not of the store."""
    if not there(folder):
        return []
    if folder.is_symlink():
        raise damaged(folder, "it is a link")
    try:
        found = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error
    return [name.removesuffix(ending) for name in found if name.endswith(ending) and not name.startswith(".")]


def opened(path: Path) -> int:
    """Open a regular file that is no link, nor in a folder that is one, and return its descriptor.

    Raises
    ------
    FileNotFoundError
        If there is none.
    StoreError
        If it is anything else, or cannot be read.
    """
    try:
        for part in (path.parent, path):
            if part.is_symlink():
                raise damaged(part, "it is a link")
        return open_regular(path, links=False)
    except (FileNotFoundError, StoreError):
        raise
    except InputError as error:
        raise damaged(path, "it is no regular file") from error
    except OSError as error:
        raise unreadable(path, error) from error


def check_bytes(path: Path, size: int, most: int) -> None:
    """Refuse a file of more than so many bytes."""
    if size > most:
        raise damaged(path, f"it has {size:,} bytes, and at most {most:,} are read")


def read_bytes(path: Path, most: int) -> bytes:
    """Return the content of a regular file of at most so many bytes."""
    with open(opened(path), "rb") as file:  # a descriptor has no path
        size = os.fstat(file.fileno()).st_size
        check_bytes(path, size, most)
        try:
            return file.read(most)
        except OSError as error:
            raise unreadable(path, error) from error


# JSON


def read_json(path: Path, shape: Shape, most: int = MOST_JSON) -> dict[str, Any]:
    """Return the object in a JSON file, without its checksum.

    Raises
    ------
    FileNotFoundError
        If there is none.
    StoreError
        If it is no regular file, too large, no JSON, changed since it was written, or of another shape.
    """
    content = read_bytes(path, most)
    try:
        value = json.loads(content.decode(), parse_constant=_no_number)
        if not isinstance(value, dict):
            raise damaged(path, "it holds no object")
        if deeper(value, DEPTH):
            raise damaged(path, f"its lists and objects lie deeper than {DEPTH} within each other")
        told = value.pop(CHECKSUM, None)
        found = _checksum(value)  # also where none is told: a text that is no Unicode is refused here
    except (ValueError, RecursionError, MemoryError) as error:
        raise damaged(path, _first_line(error)) from error
    if told not in (None, found):
        raise damaged(path, "its content is not what was written")
    if wrong := fault(value, shape):
        raise damaged(path, wrong)
    return value


def deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects lie deeper within each other than so many."""
    held = [value]
    for _ in range(depth):
        held = [
            entry
            for one in held
            for entry in (one.values() if isinstance(one, dict) else one)
            if isinstance(entry, dict | list)
        ]
    return bool(held)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Return the content of a JSON file: for people to read, with a checksum at its end.

    Raises
    ------
    InputError
        If a text in it is no Unicode, or it is larger than what is read.
    """
    try:
        text = json.dumps(dict(value), ensure_ascii=False, allow_nan=False)
        whole = {**dict(value), CHECKSUM: _checksum(json.loads(text))}
        content = (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a text holds {error.object[error.start : error.end]!r}, which is no character") from error
    except ValueError as error:
        raise InputError(f"a description cannot be written: {error}") from error
    if len(content) > MOST_JSON:
        raise InputError(f"a description of {len(content):,} bytes is too large: at most {MOST_JSON:,} are read")
    return content


def write_json(path: Path, value: Mapping[str, Any], *, once: bool = False) -> Path:
    """Write an object with its checksum."""
    content = json_bytes(value)
    return write_atomically(path, lambda p: p.write_bytes(content), once=once)


def _checksum(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__


# Tables


def write_table(path: Path, table: pa.Table, *, durable: bool = True) -> Path:
    """Write a table as Parquet with its checksum; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({TABLE_CHECKSUM: "0" * 64})
    content = sink.getvalue().to_pybytes()
    place = _place(content)
    assert place is not None  # it was just put there
    start, end = place
    whole = content[:start] + hashlib.sha256(content).hexdigest().encode() + content[end:]
    return write_atomically(path, lambda p: p.write_bytes(whole), durable=durable)


THREADS_PAY = 2**22
"""Bytes of a table from which reading it in threads is faster."""


def read_table(
    path: Path, schema: pa.Schema | None, *, later: Collection[str] = ()
) -> tuple[pa.Table, dict[str, bytes]]:
    """Return a table out of a Parquet file, in the types of a schema, and the notes that were written with it.

    Numbers are finite or missing.

    Parameters
    ----------
    path : Path
        Of the file.
    schema : pyarrow.Schema or None
        Its columns; a text may lie in the file with or without a dictionary. None takes those that it has.
    later : collection of str
        Columns that older files lack; they are not in the table either.

    Raises
    ------
    FileNotFoundError
        If there is none.
    StoreError
        If it is no regular file, too large, no Parquet, changed since it was written, or has other columns.
    """
    content = read_bytes(path, MOST_TABLE)
    if place := _place(content):
        start, end = place
        # Hashed in parts: no second copy in memory.
        blank = hashlib.sha256(memoryview(content)[:start])
        blank.update(b"0" * 64)
        blank.update(memoryview(content)[end:])
        if blank.hexdigest().encode() != content[start:end]:
            raise damaged(path, "its content is not what was written")
    try:
        file = open_parquet(pa.BufferReader(content))
        wrong = _too_much(file.metadata, len(content))
        if wrong or (schema is not None and (wrong := _other_columns(file.schema_arrow, schema, later))):
            raise damaged(path, wrong)
        table = file.read(use_threads=len(content) > THREADS_PAY)
        table.validate(full=True)
        if (size := written_out(table)) > MOST_TABLE:
            raise damaged(path, f"it takes {size:,} bytes, texts written out, and at most {MOST_TABLE:,} are read")
        notes = {key.decode(): note for key, note in (table.schema.metadata or {}).items()}
        if schema is not None:
            table = table.cast(pa.schema([schema.field(name) for name in table.column_names]))
        if wrong := _not_finite(table):
            raise damaged(path, wrong)
    except StoreError:
        raise
    except (pa.ArrowException, ValueError, OSError, MemoryError, RecursionError, KeyError, TypeError) as error:
        raise damaged(path, _first_line(error)) from error
    return table, notes


def _place(content: bytes) -> tuple[int, int] | None:
    """Where the checksum of a Parquet file stands in its notes, which are at its end."""
    name = TABLE_CHECKSUM.encode()
    # Between a name and its text stand a type and a length.
    found = re.match(rb".{1,4}?([0-9a-f]{64})", content[content.rfind(name) + len(name) :][:80], re.DOTALL)
    if name not in content or not found:
        return None
    start = content.rfind(name) + len(name) + found.start(1)
    return start, start + 64


def _too_much(about: Any, size: int) -> str | None:
    groups = [about.row_group(i) for i in range(about.num_row_groups)]
    most = min(MOST_ROWS, max(ALWAYS, ROWS_PER_BYTE * size))
    if not 0 <= about.num_rows <= most or sum(group.num_rows for group in groups) != about.num_rows:
        return f"{counted(about.num_rows, 'row')} in {counted(size, 'byte')}"
    if (values := sum(count for count, _ in in_lists(about))) > MOST_VALUES:
        return f"{values:,} numbers in lists, and at most {MOST_VALUES:,} are read"
    columns = [group.column(j) for group in groups for j in range(group.num_columns)]
    # What others compress better, and to more than memory holds, was not written here.
    if odd := {column.compression for column in columns} - {"SNAPPY", "UNCOMPRESSED"}:
        return f"it is compressed by {odd.pop()}"
    return None


def _other_columns(found: pa.Schema, wanted: pa.Schema, later: Collection[str]) -> str | None:
    if len(set(found.names)) < len(found.names) or not set(found.names) <= set(wanted.names):
        return f"its columns are {', '.join(found.names)[:200]}"
    if lacking := [name for name in wanted.names if name not in found.names and name not in later]:
        return f"there is no column {lacking[0]!r}"
    for field in found:
        expected = wanted.field(field.name).type
        if _plain(field.type) != _plain(expected):
            return f"column {field.name!r} holds {_plain(field.type)}, expected {_plain(expected)}"
    return None


def _plain(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _not_finite(table: pa.Table) -> str | None:
    for field, column in zip(table.schema, table.columns, strict=True):
        numbers = pc.list_flatten(column) if pa.types.is_list(field.type) else column
        if pa.types.is_floating(numbers.type) and pc.all(pc.is_finite(numbers)).as_py() is False:
            return f"column {field.name!r} holds a number that is not finite"
    return None
