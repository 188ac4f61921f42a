"""Parquet files of strangers: what their rows take in memory is known before it is taken.

A few bytes of a file can say a long text, or a list of numbers, millions of times. So texts are read as numbers into a
dictionary, as most files hold them, and are written out only where all of them together are few enough; how many
numbers lists hold is in the file's notes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from likewise.errors import InputError
from likewise.naming import is_name
from likewise.store.regular import check_size

GROUP = "group"
"""The column, or the array, that says which rows belong together."""

BYTES = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
"""Of a value in memory, by Parquet's types; a text counts as the number that stands for it."""


def open_parquet(source: Any) -> Any:
    """Open a Parquet file, by its path or in memory, whose texts are read as numbers into a dictionary."""
    with pq.ParquetFile(source) as file:
        # Goes through all pages in small steps: what the notes say wrongly is an error here, and ends the process where
        # they are asked for it.
        file.scan_contents()
        schema, about = file.schema, file.metadata
    columns = [schema.column(i) for i in range(len(about.schema))]
    if not isinstance(source, str | Path):
        source.seek(0)
    return pq.ParquetFile(source, read_dictionary=[c.path for c in columns if c.physical_type == "BYTE_ARRAY"])


def is_text(kind: Any) -> bool:
    """Whether a column holds texts, as they are or by their numbers in a dictionary."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def in_lists(about: Any, names: Sequence[str] | None = None) -> Iterator[tuple[int, int]]:
    """Yield how many values each part of a column of lists holds, and their bytes; of some columns, or of all."""
    for group in map(about.row_group, range(about.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            first, nested, _ = column.path_in_schema.partition(".")
            if nested and (names is None or first in names):
                yield column.num_values, column.num_values * BYTES.get(column.physical_type, 8)


def check_lists(path: Path, file: Any, names: Sequence[str]) -> None:
    """Refuse lists that hold more numbers than memory does, or far more than their file."""
    check_size(path, sum(size for _, size in in_lists(file.metadata, names)))


def written_out(values: Any) -> int:
    """Return how many bytes a column, or a table or batch, takes once each text stands where its number was."""
    if isinstance(values, pa.Table | pa.RecordBatch):
        return sum(map(written_out, values.columns))
    if isinstance(values, pa.ChunkedArray):
        return sum(map(written_out, values.chunks))
    if isinstance(values, pa.DictionaryArray):
        if not (is_text(values.type) or pa.types.is_binary(values.type.value_type)):
            return 8 * len(values)
        lengths = pc.cast(pc.binary_length(values.dictionary), pa.int64())
        return int(pc.sum(lengths.take(values.indices)).as_py() or 0) + int(values.indices.nbytes)
    if isinstance(values, pa.ExtensionArray):
        return written_out(values.storage)
    if isinstance(values, pa.MapArray):
        start = values.offsets[0].as_py()
        parts = (part.slice(start, values.offsets[-1].as_py() - start) for part in (values.keys, values.items))
        return sum(map(written_out, parts)) + 8 * len(values)
    if isinstance(values, pa.StructArray):
        return sum(map(written_out, values.flatten()))
    if isinstance(values, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
        return written_out(values.flatten()) + 8 * len(values)
    return int(values.nbytes)


def texts_of(path: Path, column: Any) -> list[Any]:
    """Return the values of a column of a file, written out where memory holds them."""
    check_size(path, written_out(column))
    found: list[Any] = column.to_pylist()
    return found


def names_of(path: Path, column: str, values: Any, before: int = 0) -> tuple[str, ...]:
    """Return ids, or groups, as texts; none is missing. So many rows come before them."""
    if not isinstance(values, list):
        raise InputError(f"{path}: {column!r} is no list of texts")
    for place, value in enumerate(values):
        if not is_name(value):
            what = "group" if column == GROUP else "id"
            given = str(value)[:40]
            raise InputError(
                f"{path}: row {before + place} has no {what}: {column!r} is {given!r} there (rows count from 0)"
            )
    return tuple(str(value) for value in values)
