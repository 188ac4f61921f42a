"""The folder of an answer: its words and numbers as JSON, each of its tables as Parquet and CSV."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from likewise.errors import StoreError
from likewise.naming import json_text, slug
from likewise.shapes import ANYTHING, COUNT, OBJECT, TEXT, Each, Fields, Kind, text_of
from likewise.store.atomic import said, write_atomically, write_text
from likewise.store.csv import write_csv
from likewise.store.door import damaged, names_in, read_json, read_table, there
from likewise.store.parquet import is_text

ANSWER, SCHEMA = "answer.json", 1
"""The file that names all others, and the version of its fields."""

FOLDER = "answers"
"""Where a store keeps the answers that its report tells of, a folder each."""

IS_FILE = Kind("the name of a Parquet file", text_of(r"[\w-]+\.parquet"))
"""It must not lead to another folder."""

SHAPE = Fields(
    {
        "schema": COUNT,
        "question": TEXT,
        "verdict": TEXT,
        "tables": Each(
            Fields({"name": TEXT, "columns": Each(TEXT), "parquet": IS_FILE}, others=ANYTHING)
        ),
    },
    {"values": OBJECT},
    others=ANYTHING,
)  # fmt: skip
"""What is read of an answer."""


PLAIN = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
"""What a column of an answer may hold, beside texts."""


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


def saved_answers(store: Path) -> list[Path]:
    """Return the folders of the answers in a store, by their names."""
    folder = store / FOLDER
    return [folder / name for name in names_in(folder, "") if there(folder / name / ANSWER)]


def read_answer(folder: Path) -> dict[str, Any]:
    """Return what an answer says.

    Raises
    ------
    StoreError
        If it is damaged, foreign or of a newer version.
    """
    about = read_json(folder / ANSWER, SHAPE)
    if about["schema"] > SCHEMA:
        raise damaged(folder / ANSWER, f"it is of version {about['schema']}, and this likewise reads {SCHEMA}")
    return about


def read_answer_table(folder: Path, file: str, columns: Sequence[str]) -> pa.Table:
    """Return a table of an answer, with the columns that the answer says of it: texts, numbers or flags.

    Raises
    ------
    StoreError
        If it cannot be read as one.
    """
    path = folder / file
    try:
        table = read_table(path, None)[0]
    except FileNotFoundError as error:
        raise StoreError(f"there is no {path}, which {ANSWER} beside it names") from error
    if table.column_names != list(columns) or len(set(columns)) < len(columns):
        raise damaged(path, f"its columns are not those that {ANSWER} beside it names")
    for field in table.schema:
        if not (is_text(field.type) or any(of(field.type) for of in PLAIN)):
            raise damaged(path, f"column {field.name!r} holds {field.type}, expected texts, numbers or flags")
    return table
