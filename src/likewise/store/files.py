"""Representations out of files that people have: .npy, .npz, .safetensors, .parquet."""

import json
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from safetensors import safe_open

from likewise.about import Source
from likewise.arrays import check_all_or_none
from likewise.errors import InputError
from likewise.naming import counted, did_you_mean
from likewise.representation import Representation
from likewise.store.parquet import GROUP, check_lists, is_text, names_of, open_parquet, texts_of
from likewise.store.regular import check_size

SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet")


def read_file(path: str | Path, *, id_column: str = "id", kind: str = "states", metric: str = "") -> Representation:
    """Read one matrix (items x features) from a file. Its name is the name of the file.

    Parameters
    ----------
    path : str or Path
        ``.npy``; ``.npz`` or ``.safetensors`` with one matrix, or one called ``matrix``, and optionally ``ids`` and
        ``group`` in a ``.npz``; ``.parquet`` with a column of ids and one column a feature, or one column of lists. A
        column ``group`` says which rows belong together (see `Representation`). Other text columns are not features;
        the first of them is the text of each row.
    id_column : str
        The column of ids of a Parquet file.
    kind, metric : str
        What the matrix holds, as of a `Representation`; a file does not say it.

    Returns
    -------
    Representation
        With the ids of the file, or without ids.

    Raises
    ------
    InputError
        If the file cannot be read as such a matrix.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} ends in {path.suffix!r}; expected one of {', '.join(SUFFIXES)}")
    try:
        # Regular files only: a pipe has no end, and a device no size.
        if not path.is_file():
            raise InputError(f"{path} is no regular file" if path.exists() else f"there is no file {path}")
        if path.suffix == ".parquet":
            return _read_parquet(path, id_column, kind, metric)
        matrix, ids, groups = _ARRAYS[path.suffix](path)
        return Representation(matrix, ids, path.stem, groups=groups, kind=kind, metric=metric)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory") from error
    except Exception as error:  # a damaged file can go wrong anywhere in the libraries that read it
        raise InputError(f"{path} cannot be read: {(str(error).splitlines() or [type(error).__name__])[0]}") from error


UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls the column of an index without a name."""

Rows: TypeAlias = tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]
"""A matrix, and the ids and groups of its rows, where there are any."""


def _read_npy(path: Path) -> Rows:
    with path.open("rb") as file:
        return _array(path, file, path.stat().st_size), (), ()


def _read_npz(path: Path) -> Rows:
    with zipfile.ZipFile(path) as archive:
        members = {m.filename.removesuffix(".npy"): m for m in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise InputError(f"{path} holds two arrays of one name")

        def read(name: str, rows: int | None = None) -> np.ndarray:
            with archive.open(members[name]) as file:
                return _array(path, file, members[name].file_size, rows)

        of_ids, of_groups = ([n for n in names if n in members] for names in (("ids", "id"), (GROUP, f"{GROUP}s")))
        for both in filter(lambda names: len(names) > 1, (of_ids, of_groups)):
            raise InputError(f"{path} holds {both[0]!r} and {both[1]!r}; expected one of them")
        matrix = read(_only(path, [n for n in members if n not in (*of_ids, *of_groups)]))
        rows = len(matrix) if matrix.ndim else 0
        check_size(path, TEXT * rows)
        ids, groups = (
            names_of(path, names[0], read(names[0], rows).tolist()) if names else () for names in (of_ids, of_groups)
        )
        return matrix, ids, groups


TEXT = 64
"""Bytes of a short text in Python."""


def _array(path: Path, file: IO[bytes], size: int, rows: int | None = None) -> np.ndarray:
    """An array in NumPy's own format out of so many bytes; its header is believed only where that fits.

    With ``rows`` it has one value for each of so many rows.
    """
    check_size(path, size)
    version = np.lib.format.read_magic(file)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if header is None:
        raise InputError(f"{path} is of version {version} of NumPy's format; expected 1.0 or 2.0")
    try:
        shape, fortran, kind = header(file)
    except Exception as error:  # the header is parsed as Python's literals, which can go wrong in many ways
        raise InputError(f"{path} has a damaged header") from error
    if kind.hasobject:
        raise InputError(f"{path} holds Python objects, which are never loaded")
    if rows is not None and shape != (rows,):
        raise InputError(
            f"{path} has {counted(rows, 'row')}, and ids or groups of shape {shape}; expected one for each row"
        )
    expected, held = math.prod(shape) * kind.itemsize, size - file.tell()
    if min(shape, default=0) < 0 or expected > held:
        raise InputError(f"{path} is cut off: its shape {shape} takes {expected:,} bytes, and {held:,} are there")
    content = bytearray(expected)
    view, read = memoryview(content), 0
    while read < expected and (part := file.read(min(2**24, expected - read))):
        view[read : read + len(part)] = part
        read += len(part)
    if read < expected:
        raise InputError(f"{path} is cut off")
    return np.frombuffer(content, dtype=kind, count=math.prod(shape)).reshape(shape, order="F" if fortran else "C")


SAFETENSORS = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}
"""Types of safetensors that NumPy has, or that become one of its own exactly."""


def _read_safetensors(path: Path) -> Rows:
    with safe_open(path, framework="np") as file:
        name = _only(path, list(file.keys()))
        kind, shape = file.get_slice(name).get_dtype(), file.get_slice(name).get_shape()
        if kind not in SAFETENSORS:
            raise InputError(f"{path} holds {kind}, which NumPy has no type for; save it as float32")
        check_size(path, math.prod(shape) * 4)
        if kind != "BF16":
            return np.asarray(file.get_tensor(name)), (), ()
    return _bfloat16(path, name, shape), (), ()


def _bfloat16(path: Path, name: str, shape: list[int]) -> np.ndarray:
    """NumPy has no bfloat16; its values are the upper halves of float32 values."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        start, end = json.loads(file.read(size))[name]["data_offsets"]
        file.seek(8 + size + start)
        upper = np.frombuffer(file.read(end - start), dtype="<u2").astype("<u4")
    return (upper << 16).view("<f4").reshape(shape)


_ARRAYS = {".npy": _read_npy, ".npz": _read_npz, ".safetensors": _read_safetensors}


def _only(path: Path, names: list[str]) -> str:
    if "matrix" in names or len(names) == 1:
        return "matrix" if "matrix" in names else names[0]
    raise InputError(f"{path} holds {', '.join(names) or 'nothing'}; expected one matrix, or one called 'matrix'")


def _read_parquet(path: Path, id_column: str, kind: str, metric: str) -> Representation:
    with open_parquet(path) as file:
        schema = file.schema_arrow
        if twice := [name for name, count in Counter(schema.names).items() if count > 1]:
            raise InputError(f"{path} has two columns called {twice[0]!r}")
        if id_column not in schema.names:
            raise InputError(f"{path} has no column {id_column!r} of ids; {did_you_mean(id_column, schema.names)}")
        group = [name for name in (GROUP,) if name in schema.names and name != id_column]
        named = (id_column, *group)
        index = _index_columns(schema)
        features = _features(path, [field for field in schema if field.name not in (*named, *index)])
        others = (field for field in schema if field.name not in (*named, *features))
        text = _text_column(field for field in others if not UNNAMED_INDEX.fullmatch(field.name))
        check_size(path, file.metadata.num_rows * len(features) * 4)
        check_lists(path, file, features)
        batches, size = [], 0
        for batch in file.iter_batches(batch_size=4096, columns=[*named, *features, *text]):
            size += batch.nbytes
            check_size(path, size)
            batches.append(batch)
        table = pa.Table.from_batches(batches) if batches else file.read(columns=[*named, *features, *text])
    ids = names_of(path, id_column, texts_of(path, table.column(id_column)))
    groups = names_of(path, GROUP, texts_of(path, table.column(GROUP))) if group else ()
    source = Source(texts=tuple(texts_of(path, table.column(text[0])))) if text else Source()
    if pa.types.is_nested(table.schema.field(features[0]).type):
        matrix = _lists(path, features[0], table.column(features[0]))
    else:
        matrix = np.column_stack([table.column(name).to_numpy() for name in features])
    return Representation(matrix, ids, path.stem, source=source, groups=groups, kind=kind, metric=metric)


def _index_columns(schema: pa.Schema) -> list[str]:
    """The columns in which pandas keeps the index of a table: no features, but where rows stood."""
    try:
        told = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
    except (ValueError, KeyError, TypeError, RecursionError):
        told = []
    of_pandas = {name for name in told if isinstance(name, str)} if isinstance(told, list) else set()
    return [name for name in schema.names if name in of_pandas or UNNAMED_INDEX.fullmatch(name)]


def _features(path: Path, fields: list[Any]) -> list[str]:
    """The columns of numbers, or the one of lists; texts are no features."""
    rest = [f for f in fields if not is_text(f.type)]
    lists = [f.name for f in rest if pa.types.is_nested(f.type)]
    if not rest:
        others = ", ".join(f.name for f in fields)
        raise InputError(f"{path} has no column of numbers{others and f'; its other columns are {others}'}"[:500])
    if lists and len(rest) > 1:
        raise InputError(
            f"{path} has the columns {', '.join(f.name for f in rest)[:200]}; expected one of lists, or numbers only"
        )
    if lists:
        return lists
    if wrong := [f.name for f in rest if not (pa.types.is_floating(f.type) or pa.types.is_integer(f.type))]:
        raise InputError(f"{path}: column {wrong[0]!r} is not a number; name the column of ids if it is that")
    check_all_or_none([f.name for f in rest if pa.types.is_integer(f.type)], len(rest), str(path))
    return [f.name for f in rest]


def _text_column(fields: Iterable[Any]) -> list[str]:
    """The column that shows what a row is of, where there is one."""
    names = [f.name for f in fields if is_text(f.type)]
    return sorted(names, key=lambda name: name not in ("text", "prompt"))[:1]


def _lists(path: Path, name: str, column: Any) -> np.ndarray:
    """A column of lists of numbers, all of one length."""
    if pa.types.is_fixed_size_list(column.type) or pa.types.is_large_list(column.type):
        column = column.cast(pa.list_(column.type.value_type))
    inner = column.type.value_type if pa.types.is_list(column.type) else None
    if inner is None or not (pa.types.is_floating(inner) or pa.types.is_integer(inner)):
        raise InputError(f"{path}: column {name!r} holds {column.type}; expected a list of numbers in each row")
    lengths = pc.list_value_length(column).to_pylist()
    for place, length in enumerate(lengths):
        if length is None:
            raise InputError(
                f"{path}: row {place} has no list in column {name!r}; expected one in each row (rows count from 0)"
            )
        if length != lengths[0]:
            raise InputError(
                f"{path}: row {place} has {length} numbers in column {name!r}, and row 0 has {lengths[0]} (rows count "
                "from 0)"
            )
    values: np.ndarray = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(lengths), lengths[0] if lengths else 0)
