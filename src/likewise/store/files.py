"""Representations out of files that people have: .npy, .npz, .safetensors, .parquet."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from likewise.errors import InputError
from likewise.naming import did_you_mean
from likewise.representation import Representation

SUFFIXES = (".npy", ".npz", ".safetensors", ".parquet")


def read_file(path: str | Path, *, id_column: str = "id") -> Representation:
    """Read one matrix (items x features); its name is the file's.

    Parameters
    ----------
    path : str or Path
        ``.npy``; ``.npz`` or ``.safetensors`` with one matrix, or one called ``matrix``, and optionally ``ids`` and
        ``group`` in a ``.npz``; ``.parquet`` with a column of ids and one column a feature, or one column of lists. A
        column ``group`` says which rows belong together, as `Representation` has it.
    id_column : str
        The column of ids of a Parquet file.

    Returns
    -------
    Representation
        With the ids of the file, or positions where it has none.

    Raises
    ------
    InputError
        If the file cannot be read as such a matrix.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file {path}")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} ends in {path.suffix!r}; needed is one of {', '.join(SUFFIXES)}")
    try:
        matrix, ids, groups = _read_parquet(path, id_column) if path.suffix == ".parquet" else _read_arrays(path)
    except (ValueError, OSError, EOFError, BadZipFile, SafetensorError, pa.ArrowException) as error:
        if isinstance(error, InputError):
            raise
        if "allow_pickle" in str(error):
            raise InputError(f"{path} is no array file, or holds Python objects, which are never loaded") from error
        raise InputError(
            f"{path} cannot be read: {str(error).partition(chr(10))[0] or type(error).__name__}"
        ) from error
    return Representation(matrix, ids, path.stem, groups=groups)


GROUP = "group"
"""The column, or array, that says which rows belong together."""


def _read_arrays(path: Path) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False), (), ()
    if path.suffix == ".npz":
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            ids, groups = (tuple(map(str, arrays[n])) if n in arrays.files else () for n in ("ids", GROUP))
            return arrays[_only(path, [n for n in arrays.files if n not in ("ids", GROUP)])], ids, groups
    return _read_safetensors(path), (), ()


def _read_safetensors(path: Path) -> np.ndarray:
    with safe_open(path, framework="np") as file:
        name = _only(path, list(file.keys()))
        if file.get_slice(name).get_dtype() != "BF16":
            return np.asarray(file.get_tensor(name))
        shape = file.get_slice(name).get_shape()
    return _bfloat16(path, name, shape)


def _bfloat16(path: Path, name: str, shape: list[int]) -> np.ndarray:
    """NumPy has no bfloat16; its values are the upper halves of float32 values."""
    import json

    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        start, end = json.loads(file.read(size))[name]["data_offsets"]
        file.seek(8 + size + start)
        upper = np.frombuffer(file.read(end - start), dtype="<u2").astype("<u4")
    return (upper << 16).view("<f4").reshape(shape)


def _only(path: Path, names: list[str]) -> str:
    if "matrix" in names or len(names) == 1:
        return "matrix" if "matrix" in names else names[0]
    raise InputError(f"{path} holds {', '.join(names) or 'nothing'}; needed is one matrix, or one called 'matrix'")


def _read_parquet(path: Path, id_column: str) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    table = pq.read_table(path)
    if id_column not in table.column_names:
        raise InputError(f"{path} has no column {id_column!r} of ids; {did_you_mean(id_column, table.column_names)}")
    ids = tuple(str(i) for i in table.column(id_column).to_pylist())
    groups: tuple[str, ...] = ()
    if GROUP in table.column_names and id_column != GROUP:
        if table.column(GROUP).null_count:
            raise InputError(f"{path}: some rows have nothing in column {GROUP!r}, which says what belongs together")
        groups = tuple(map(str, table.column(GROUP).to_pylist()))
        table = table.drop_columns([GROUP])
    features = table.drop_columns([id_column])
    if features.num_columns == 1 and pa.types.is_nested(features.schema.types[0]):
        rows = features.column(0).to_pylist()
        if None in rows or len({len(row) for row in rows if row is not None}) > 1:
            raise InputError(
                f"{path}: the lists in column {features.column_names[0]!r} are missing or differ in length"
            )
        return np.asarray(rows), ids, groups
    if wrong := [f.name for f in features.schema if not (pa.types.is_floating(f.type) or pa.types.is_integer(f.type))]:
        raise InputError(f"{path}: column {wrong[0]!r} is not a number; name the column of ids if it is that")
    return np.column_stack([column.to_numpy() for column in features.columns]), ids, groups
