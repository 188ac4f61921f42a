"""The rows of one tile as they lie in a file: what is believed of it, and what older versions left out."""

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from likewise.chance import NoReference, ShuffledRows, reference_names
from likewise.errors import InputError
from likewise.naming import canonical_json, counted
from likewise.scoring import OF_THE_TABLE, SCHEMA, Comparison, Results
from likewise.store import shapes
from likewise.store.door import DEPTH, damaged, deeper, read_json, read_table, there, told, write_table
from likewise.store.replicates import load_replicates, save_replicates

REQUEST = "likewise.request"
"""The note of a results file with what was asked for."""

STORED = pa.schema([field for field in SCHEMA if field.name not in ("seconds", *OF_THE_TABLE)])
"""The columns of a results file."""

SECONDS = pa.schema([SCHEMA.field("seconds")])

LATER = ("null", "low", "high")
"""Columns that results of version 1 lack."""

CHOICES = {
    name: get_args(hint)
    for name, hint in get_type_hints(Comparison).items()
    if get_args(hint) and str in map(type, get_args(hint))
}
"""Columns that hold one of a few words."""

KEYS = ("a_key", "b_key")

MISSING = tuple(name for name, hint in get_type_hints(Comparison).items() if type(None) in get_args(hint))
"""Columns in which a value may be missing."""

BOUNDS = {
    "pvalue": (0, 1),
    "null_std": (0, math.inf),
    "n_permutations": (0, math.inf),
    "n_items": (1, math.inf),
}
"""Least and largest numbers of columns that have such."""


def write_tile(path: Path, results: Results, request: Mapping[str, Any], replicates: Collection[str]) -> None:
    """Write rows and what was asked for; beside them their seconds, and the kinds of replicates that are to be kept."""
    write_table(path.with_suffix(".seconds"), results.table.select(["seconds"]))
    save_replicates(path, results, replicates)
    table = results.table.drop_columns(["seconds", *OF_THE_TABLE])
    notes = {**SCHEMA.metadata, REQUEST.encode(): canonical_json(dict(request)).encode()}
    write_table(path, table.replace_schema_metadata(notes))


def read_tile(path: Path, replicates: Collection[str] = ()) -> tuple[dict[str, Any], pa.Table]:
    """Return what was asked for, and the rows; each kind of ``replicates`` is a column more, where they were kept.

    Raises
    ------
    InputError
        If there is none.
    StoreError
        If a file is damaged or was not written by likewise.
    """
    try:
        table, notes = read_table(path, STORED, later=LATER)
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.stem} in {told(path.parent)}") from error
    try:
        request = json.loads(notes[REQUEST])
        if not isinstance(request, dict) or deeper(request, DEPTH):
            raise ValueError("its request is no object, or one that is nested too deeply")
    except (KeyError, ValueError, RecursionError) as error:
        raise damaged(path, f"it does not say what was asked for: {error}") from error
    table = _of_this_version(table)
    if wrong := _unbelievable(table):
        raise damaged(path, wrong)
    columns = {"seconds": _seconds(path, table.num_rows)}
    columns |= {name: _empty(SCHEMA.field(name).type, table.num_rows) for name in OF_THE_TABLE}
    for name, column in columns.items():
        table = table.append_column(SCHEMA.field(name), column)
    table = table.select(SCHEMA.names).cast(SCHEMA)
    for kind, lists in load_replicates(path, table, replicates).items() if replicates else ():
        table = table.append_column(kind, lists)
    return request, table


def _seconds(results: Path, rows: int) -> Any:
    """The seconds beside a tile's rows; those of version 1 lie in JSON."""
    path, older = results.with_suffix(".seconds"), results.with_suffix(".json")
    if there(path):
        seconds = read_table(path, SECONDS)[0].column("seconds")
    elif there(older):
        path, seconds = older, pa.array(read_json(older, shapes.SECONDS)["seconds"], pa.float64())
    else:
        return pa.nulls(rows, pa.float64())
    if len(seconds) != rows:
        raise damaged(path, f"it has {counted(len(seconds), 'row')} beside {rows}")
    return seconds


def _empty(kind: Any, rows: int) -> Any:
    """A column that says nothing: of numbers that are missing, or of empty texts."""
    return pa.nulls(rows, kind) if pa.types.is_floating(kind) else pa.array([""] * rows, pa.string()).cast(kind)


def _of_this_version(table: pa.Table) -> pa.Table:
    """A table of version 1 with the columns that came later: its chance levels are of shuffles, without intervals."""
    for name in LATER:
        if name not in table.column_names:
            words = [NoReference.name, ShuffledRows.name]
            shuffled = pa.array([words[bool(p)] for p in table.column("n_permutations").to_pylist()])
            column = shuffled if name == "null" else pa.nulls(table.num_rows)
            table = table.append_column(SCHEMA.field(name), column.cast(SCHEMA.field(name).type))
    return table


def _unbelievable(table: pa.Table) -> str | None:
    """What no row of ours holds: another word where few are possible, a share beyond 1, a key that is none."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name not in MISSING and column.null_count:
            return f"column {name!r} has a row without a value"
        words = reference_names() if name == "null" else CHOICES.get(name)
        texts = pc.unique(column).to_pylist() if words or name in KEYS else []
        if odd := [text for text in texts if words and text not in words]:
            return f"column {name!r} holds {odd[0][:40]!r}"
        if odd := [text for text in texts if name in KEYS and text and not shapes.KEY.fullmatch(text)]:
            return f"column {name!r} holds {odd[0][:40]!r}, which is no key"
        if name in BOUNDS:
            (least, most), ends = BOUNDS[name], pc.min_max(column).as_py()
            if ends["min"] is not None and not least <= ends["min"] <= ends["max"] <= most:
                return f"column {name!r} holds numbers from {ends['min']} to {ends['max']}"
    has_value, ok = pc.is_valid(table.column("value")), pc.equal(table.column("status").cast(pa.string()), "ok")
    if pc.all(pc.equal(has_value, ok)).as_py() is False:
        return "a row has a value and is undefined, or neither"
    return None
