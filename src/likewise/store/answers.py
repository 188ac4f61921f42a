"""The folder of an answer: its words and numbers as JSON, each of its tables as Parquet and CSV."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from likewise.naming import json_text, slug
from likewise.store.atomic import said, write_atomically, write_text
from likewise.store.csv import write_csv

ANSWER, SCHEMA = "answer.json", 1
"""The file that names all others, and the version of its fields."""


def write_answer(folder: Path, about: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> Path:
    """Write an answer into a folder, which is made where there is none; a link in it is replaced, not followed.

    Parameters
    ----------
    folder : Path
        What else is in it stays; what was written for an earlier answer is replaced.
    about : mapping
        What ``answer.json`` says, beside the version of its fields, and the tables with their files.
    tables : mapping of str to pyarrow.Table
        By name.

    Returns
    -------
    Path
        Of ``answer.json``. It is written last, and an earlier one is taken away first: where it exists, the files that
        it names belong to it.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    page = folder / ANSWER
    with said(page):
        page.unlink(missing_ok=True)
    listed: list[dict[str, Any]] = []
    taken: set[str] = set()
    for name, table in tables.items():
        stem, number = slug(name), 1
        while stem in taken:
            number += 1
            stem = f"{slug(name)}-{number}"
        taken.add(stem)
        files = {"parquet": f"{stem}.parquet", "csv": f"{stem}.csv"}
        for write, file in ((pq.write_table, files["parquet"]), (write_csv, files["csv"])):
            write_atomically(folder / file, functools.partial(write, table))
        listed.append({"name": name, "columns": table.column_names, "rows": table.num_rows, **files})
    return write_text(page, json_text({"schema": SCHEMA, **about, "tables": listed}) + "\n")
