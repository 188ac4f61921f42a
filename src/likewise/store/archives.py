"""Representations out of folders of Arrow files: those that the datasets library saves, and logs of all tokens' states.

They are mapped into memory and read batch by batch, so that of gigabytes only the rows that count are held.
"""

import itertools
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

from likewise.about import Source
from likewise.arrays import in_precision
from likewise.errors import InputError
from likewise.naming import did_you_mean
from likewise.representation import Representation
from likewise.store.parquet import GROUP, names_of
from likewise.store.regular import check_size, read_regular

STATES, PROMPT = "output_embeddings", "prompt_tokens"
"""Columns of a log: a row for each token, generated ones included; and the tokens of the prompt, which come first."""

MAGIC = b"ARROW1"
"""How a file in Arrow's file format begins; one in its stream format does not."""


def read_folder(path: str | Path, *, id_column: str | None = None, column: str | None = None) -> Representation:
    """Read one matrix (items x features) out of a folder of Arrow files; its name is the folder's.

    Parameters
    ----------
    path : str or Path
        A folder with ``data*.arrow``, in Arrow's stream or file format.
    id_column : str, optional
        The column of ids; by default ``id``, where there is one.
    column : str, optional
        The column with a list of numbers in each record, by default the only one of floats. Or one with a list for
        each token, by default ``output_embeddings``: beside ``prompt_tokens``, the row of the prompt's last token is
        taken.

    Returns
    -------
    Representation
        In float32, with the ids of the folder, or positions where it has none, and the groups of a column ``group``.

    Raises
    ------
    InputError
        If the folder cannot be read as such a matrix.
    """
    folder = Path(path)
    rows: list[np.ndarray] = []
    ids: list[str] = []
    groups: list[str] = []
    count, taken, tokens = 0, "", False
    columns: dict[tuple[str, str | None, bool], Path] = {}
    for file in arrow_files(folder):
        try:
            for batch in _batches(file):
                taken, tokens = _column(folder, batch.schema, column)
                named = _id_column(folder, batch.schema, id_column)
                grouped = GROUP in batch.schema.names and named != GROUP
                columns.setdefault((taken, named, grouped), file)
                if len(columns) > 1:
                    told = " and ".join(
                        f"{c!r}{f' with ids in {i!r}' if i else ''}{' and groups' if g else ''} ({of.name})"
                        for (c, i, g), of in columns.items()
                    )
                    raise InputError(
                        f"{folder} has its rows in several columns: {told}; expected the same in all files"
                    )
                rows.append(_rows(folder, batch, taken, tokens, count))
                ids += _ids(folder, batch, named, count) if named else []
                groups += _ids(folder, batch, GROUP, count) if grouped else []
                count += batch.num_rows
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # also names of columns
            raise InputError(f"{file} cannot be read: {str(error).partition(chr(10))[0]}") from error
    rows = [part for part in rows if len(part)]
    if not rows:
        raise InputError(f"{folder} holds no records")
    if len(widths := {part.shape[1] for part in rows}) > 1:
        raise InputError(f"{folder}: column {taken!r} holds lists of {min(widths)} and of {max(widths)} numbers")
    source = Source(column=taken) | (Source(pooling="last_token") if tokens else {})
    return Representation(np.concatenate(rows), ids, folder.resolve().name, source=source, groups=groups)


def arrow_files(folder: Path) -> list[Path]:
    """Return the Arrow files of a folder in the order of their records.

    Raises
    ------
    InputError
        If there are none, or some that belong to them are missing.
    """
    if (folder / "dataset_dict.json").exists():
        splits = ", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir()))
        raise InputError(f"{folder} holds the splits {splits}; name the folder of one of them")
    state = folder / "state.json"
    try:
        told = json.loads(read_regular(state)) if state.exists() else {}
        if not isinstance(told, dict):
            raise TypeError("it holds no object")
        reordered = bool(told.get("_indices_data_files"))
        files = [folder / Path(entry["filename"]).name for entry in told.get("_data_files", [])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{state} does not say which files hold the records: {error}") from error
    if reordered:
        raise InputError(f"{folder} has its records in another order than its files; expected a copy in one order")
    files = files or sorted(folder.glob("data*.arrow"), key=_number)
    if not files:
        raise InputError(f"{folder} holds no data*.arrow; expected a folder of Arrow files")
    if missing := [f.name for f in files if not f.exists()]:
        raise InputError(f"{folder} is not complete: there is no {', '.join(missing)}")
    if odd := [f.name for f in files if not f.is_file()]:
        raise InputError(f"{folder / odd[0]} is no regular file")
    whole = re.search(r"-of-(\d+)\.arrow$", files[0].name)
    if whole and int(whole[1]) != len(files):
        raise InputError(f"{folder} is not complete: {len(files)} of {int(whole[1])} files are there")
    return files


def _number(file: Path) -> list[tuple[int, str]]:
    """Numbers within a name by their size: 10 comes after 2."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", file.name)]


def _batches(file: Path) -> Iterator[Any]:
    """The batches of a file; their lengths and offsets are checked, which reads no numbers."""
    with pa.memory_map(str(file)) as mapped:
        # A file holds a stream, from its eighth byte on. It is read as that, and not by the list at its end, which only
        # says how many batches there are: what is read is what was checked.
        start = 8 if mapped.read(len(MAGIC)) == MAGIC else 0
        mapped.seek(0)
        count, found = (pa.ipc.open_file(mapped).num_record_batches if start else None), 0
        mapped.seek(start)
        try:
            _check_unpacked(file, mapped, count)
        except struct.error as error:
            raise InputError(f"{file} cannot be read: {error}") from error
        mapped.seek(start)
        for batch in itertools.islice(pa.ipc.open_stream(mapped), count):
            check_size(file, 8 * batch.num_rows)  # lists of no numbers take no place in a file
            batch.validate(full=True)
            yield batch
            found += 1
        if count not in (None, found):
            raise InputError(f"{file} cannot be read: it lists {count:,} batches of records, and {found:,} are there")


def _check_unpacked(file: Path, mapped: Any, count: int | None) -> None:
    """Refuse compressed batches that are far larger than the file, before they are unpacked; so many, or all."""
    found = 0
    messages = pa.ipc.MessageReader.open_stream(mapped)
    while found != count and (message := next(messages, None)):
        if message.type in ("record batch", "dictionary"):
            dictionary = message.type == "dictionary"
            check_size(file, _unpacked(memoryview(message.metadata), memoryview(message.body), dictionary))
            found += not dictionary


def _unpacked(about: memoryview, body: memoryview, dictionary: bool) -> int:
    """Bytes of a batch after it is unpacked, by which each compressed buffer begins; 0 where none is compressed.

    The batch of a ``dictionary`` lies in a table of its own, `DictionaryBatch`.

    ``about`` is a FlatBuffer, `Message` of https://github.com/apache/arrow/blob/main/format/Message.fbs. Its tables say
    how far before them lies the list of where their fields are.
    """

    def number(form: str, place: int, of: memoryview = about) -> int:
        return int(struct.unpack_from(form, of, place)[0])

    def field(table: int, index: int) -> int:
        """Where a field is; 0 if it is not there."""
        fields = table - number("<i", table)
        far = number("<H", fields + 4 + 2 * index) if 4 + 2 * index < number("<H", fields) else 0
        return table + far if far else 0

    message = number("<I", 0)
    header = field(message, 2)
    batch = header + number("<I", header)
    if dictionary:
        header = field(batch, 1)
        batch = header + number("<I", header)
    if not field(batch, 3):
        return 0
    buffers = field(batch, 2)
    buffers += number("<I", buffers)
    places = [buffers + 4 + 16 * i for i in range(number("<I", buffers))]
    held = [number("<q", number("<q", place), body) for place in places if number("<q", place + 8)]
    return sum(size for size in held if size > 0)


def _column(folder: Path, schema: Any, asked: str | None) -> tuple[str, bool]:
    """The column that is meant, and whether it has a list for each token."""
    if asked is None and {STATES, PROMPT} <= set(schema.names):
        asked = STATES
    if asked is None:
        found = [f.name for f in schema if _lists(f.type)[0] == 1 and pa.types.is_floating(_lists(f.type)[1])]
        if len(found) != 1:
            told = f"{len(found)} columns with lists of floats ({', '.join(found or schema.names)})"
            raise InputError(f"{folder} has {told}; name the column to use")
        return found[0], False
    if asked not in schema.names:
        raise InputError(f"{folder} has no column {asked!r}; {did_you_mean(asked, schema.names)}")
    depth, inner = _lists(schema.field(asked).type)
    if depth not in (1, 2) or not (pa.types.is_floating(inner) or pa.types.is_integer(inner)):
        raise InputError(
            f"{folder}: column {asked!r} holds {schema.field(asked).type}; expected a list of numbers in each record"
        )
    if depth == 2 and PROMPT not in schema.names:
        raise InputError(
            f"{folder}: column {asked!r} has a list for each token; expected beside it a column {PROMPT!r}, which "
            "says how many are the prompt's"
        )
    return asked, depth == 2


def _lists(kind: Any) -> tuple[int, Any]:
    """How many lists a type has within each other, and what is in the innermost."""
    if isinstance(kind, pa.BaseExtensionType):
        return _lists(kind.storage_type)
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return 0, kind
    depth, inner = _lists(kind.value_type)
    return depth + 1, inner


def _rows(folder: Path, batch: Any, column: str, tokens: bool, before: int) -> Float[np.ndarray, "n d"]:
    """The rows of a batch in float32; ``before`` records came earlier."""
    lists = _held(folder, batch, column, before)
    if tokens:
        held, prompt = _lengths(lists), _lengths(_held(folder, batch, PROMPT, before))
        for place in np.flatnonzero((prompt < 1) | (prompt > held))[:1]:
            raise InputError(
                f"{folder}: record {before + place} has {prompt[place]} tokens in {PROMPT!r} and {held[place]} rows in "
                f"{column!r}; expected one or more, and a row for each (records count from 0)"
            )
        # Only these rows are copied; the states of the other tokens stay where they are.
        lists = _plain(lists.flatten()).take(pa.array(np.cumsum(held) - held + prompt - 1))
    widths = _lengths(lists)
    for place in np.flatnonzero(widths != widths[:1])[:1]:
        raise InputError(
            f"{folder}: column {column!r} holds {widths[place]} numbers in record {before + place} and {widths[0]} "
            f"in record {before} (records count from 0)"
        )
    values: np.ndarray = lists.flatten().to_numpy(zero_copy_only=False)
    values = values.reshape(len(lists), -1 if len(values) else 0)
    return in_precision(values, np.float32, f"column {column!r} of {folder}")


def _held(folder: Path, batch: Any, column: str, before: int) -> Any:
    """A column of a batch, without records that lack it."""
    values = _plain(batch.column(column))
    if values.null_count:
        place = before + pc.index(values.is_null(), True).as_py()
        raise InputError(f"{folder}: record {place} has nothing in column {column!r} (records count from 0)")
    return values


def _plain(values: Any) -> Any:
    """The lists themselves, where a library that is loaded has wrapped them in a type of its own."""
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def _lengths(lists: Any) -> Int[np.ndarray, " n"]:
    lengths: np.ndarray = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)


def _id_column(folder: Path, schema: Any, asked: str | None) -> str | None:
    if asked is not None and asked not in schema.names:
        raise InputError(f"{folder} has no column {asked!r} of ids; {did_you_mean(asked, schema.names)}")
    return asked or ("id" if "id" in schema.names else None)


def _ids(folder: Path, batch: Any, column: str, before: int) -> list[str]:
    return list(names_of(folder, column, _held(folder, batch, column, before).to_pylist(), before=before))
