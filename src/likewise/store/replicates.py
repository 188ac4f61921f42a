"""Scores of a tile besides its values, after each shuffle or without some inputs, in a table beside its rows."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from likewise.scoring import KINDS, Results
from likewise.store.door import damaged, read_table, there, write_table

OF_ROW = ("a_key", "b_key", "measure", "parameters")
"""Columns that say which row of the tile scores belong to."""

SCHEMA = pa.schema(
    [
        ("kind", pa.dictionary(pa.int32(), pa.string())),
        *((name, pa.dictionary(pa.int32(), pa.string())) for name in OF_ROW),
        ("values", pa.list_(pa.float64())),
    ],
    metadata={"likewise.replicates": "1"},
)
"""A row for each row of the tile and kind of replicate, in the order of the tile; ``values`` by the replicate's number.

``values`` is null where there are none. Kinds: `KINDS`, as `Results.replicates` tells them.
"""


def path_of(results: Path) -> Path:
    """Return where the replicates of a tile's file lie."""
    return results.with_suffix(".replicates.parquet")


def save_replicates(results: Path, tile: Results, kinds: Collection[str]) -> None:
    """Write those of some kinds, where there are any."""
    found = []
    for kind in (kind for kind in KINDS if kind in kinds and kind in tile.kept):
        lists = tile.kept[kind]
        if lists.null_count < len(tile):
            named = pa.array([kind] * len(tile)).dictionary_encode()
            columns = [named, *(tile.table.column(name) for name in OF_ROW), lists]
            found.append(pa.Table.from_arrays(columns, schema=SCHEMA))
    if found:
        write_table(path_of(results), pa.concat_tables(found).unify_dictionaries())


def load_replicates(results: Path, tile: pa.Table, kinds: Collection[str]) -> dict[str, pa.ChunkedArray]:
    """Return the lists of each row of a tile by kind; null where there are none, as in a store of an older version.

    Raises
    ------
    StoreError
        If the file is damaged, or is of other rows.
    """
    nothing = pa.chunked_array([pa.nulls(tile.num_rows, SCHEMA.field("values").type)])
    path = path_of(results)
    if not there(path):
        return dict.fromkeys(kinds, nothing)
    whole, _ = read_table(path, SCHEMA)
    texts: Mapping[str, pa.ChunkedArray] = {name: tile.column(name).cast(pa.string()) for name in OF_ROW}
    loaded = {}
    for kind in kinds:
        found = whole.filter(pc.equal(whole.column("kind").cast(pa.string()), kind))
        absent = whole.num_rows and not found.num_rows  # a kind that no row has is not written
        if not absent and any(not found.column(name).cast(pa.string()).equals(texts[name]) for name in OF_ROW):
            raise damaged(path, "its rows are not those of the results beside it")
        loaded[kind] = nothing if absent else found.column("values")
    return loaded
