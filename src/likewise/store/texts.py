"""The texts of prompts by their fingerprint, kept once, so that rows can be shown without their data set."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from likewise.store.door import damaged, read_table, there, write_table

MOST_TEXTS = 2**27
"""Bytes of the texts and ids that are kept of one data set; of a larger one none are."""

FINGERPRINT = "likewise.prompts"
"""The note with the fingerprint that the texts are of: what lies under another name is found out."""

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])


def save_texts(path: Path, fingerprint: str, named: Iterable[tuple[str, str]]) -> None:
    """Write the texts of rows by their ids, unless they are there already or are too large.

    Of several processes each would write the same bytes.
    """
    if there(path):
        return
    ids, texts, size = [], [], 0
    for name, text in named:
        size += len(name.encode()) + len(text.encode())
        if size > MOST_TEXTS:
            return
        ids.append(name)
        texts.append(text)
    write_table(path, pa.table([ids, texts], schema=SCHEMA.with_metadata({FINGERPRINT: fingerprint})))


def load_texts(path: Path, fingerprint: str) -> dict[str, str]:
    """Return the texts of rows by their ids.

    Raises
    ------
    FileNotFoundError
        If they were not kept.
    StoreError
        If the file is damaged, or is of other prompts.
    """
    table, notes = read_table(path, SCHEMA)
    if notes.get(FINGERPRINT) != fingerprint.encode():
        raise damaged(path, "it holds the texts of other prompts")
    if table.column("id").null_count or table.column("text").null_count:
        raise damaged(path, "a row lacks its id or its text")
    if pc.count_distinct(table.column("id")).as_py() != table.num_rows:
        raise damaged(path, "an id stands twice")
    return dict(zip(table.column("id").to_pylist(), table.column("text").to_pylist(), strict=True))
