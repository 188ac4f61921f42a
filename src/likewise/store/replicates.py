"""Scores of a tile after each shuffle, in a table beside its rows."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from likewise.statistics import Results
from likewise.store.door import damaged, read_table, there, write_table

KEYS = ("a_key", "b_key", "measure", "parameters")
"""Columns that say which row of the tile scores belong to."""

SCHEMA = pa.schema(
    [
        ("kind", pa.dictionary(pa.int32(), pa.string())),
        *((name, pa.dictionary(pa.int32(), pa.string())) for name in KEYS),
        ("values", pa.list_(pa.float64())),
    ],
    metadata={"likewise.replicates": "1"},
)
"""A row for each row of the tile and kind of replicate, in the order of the tile; ``values`` by the replicate's number.

``values`` is null where there are none. Kinds: ``shuffle``, after each shuffle.
"""


def path_of(results: Path) -> Path:
    """Return where the replicates of a tile's file lie."""
    return results.with_suffix(".replicates.parquet")


def save_replicates(results: Path, tile: Results) -> None:
    """Write the shuffled scores of a tile, where there are any."""
    if tile.shuffled is None or tile.shuffled.null_count == len(tile):
        return
    kind = pa.array(["shuffle"] * len(tile)).dictionary_encode()
    columns = [kind, *(tile.table.column(name) for name in KEYS), tile.shuffled]
    write_table(path_of(results), pa.Table.from_arrays(columns, schema=SCHEMA))


def load_shuffled(results: Path, tile: pa.Table) -> pa.ChunkedArray:
    """Return the shuffled scores of each row of a tile; null where there are none, as in a store of an older version.

    Raises
    ------
    StoreError
        If the file is damaged, or is of other rows.
    """
    path = path_of(results)
    if not there(path):
        return pa.chunked_array([pa.nulls(tile.num_rows, SCHEMA.field("values").type)])
    found, _ = read_table(path, SCHEMA)
    found = found.filter(pc.equal(found.column("kind").cast(pa.string()), "shuffle"))
    texts: Mapping[str, pa.ChunkedArray] = {name: found.column(name).cast(pa.string()) for name in KEYS}
    if any(not texts[name].equals(tile.column(name).cast(pa.string())) for name in KEYS):
        raise damaged(path, "its rows are not those of the results beside it")
    return found.column("values")
