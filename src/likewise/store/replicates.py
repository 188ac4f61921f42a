"""Scores of a tile after each shuffle, in a table beside its rows."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from likewise.statistics import Results
from likewise.store.atomic import write_atomically

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
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    write_atomically(path_of(results), lambda p: pq.write_table(table, p))


def load_shuffled(results: Path, tile: pa.Table) -> pa.ChunkedArray:
    """Return the shuffled scores of each row of a tile; null where there are none, as in a store of an older version.

    Raises
    ------
    ValueError
        If they are of other rows, or are no numbers.
    """
    path = path_of(results)
    if not path.exists():
        return pa.chunked_array([pa.nulls(tile.num_rows, SCHEMA.field("values").type)])
    found = pq.read_table(path).select(SCHEMA.names).cast(SCHEMA)
    found = found.filter(pc.equal(found.column("kind").cast(pa.string()), "shuffle"))
    texts: Mapping[str, pa.ChunkedArray] = {name: found.column(name).cast(pa.string()) for name in KEYS}
    if any(not texts[name].equals(tile.column(name).cast(pa.string())) for name in KEYS):
        raise ValueError("its rows are not those of the results beside it")
    shuffled = found.column("values")
    if not np.isfinite(pc.list_flatten(shuffled).to_numpy()).all():
        raise ValueError("it holds a number that is not finite")
    return shuffled
