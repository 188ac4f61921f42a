"""Tables as CSV that a spreadsheet only shows: no cell of it is a formula."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from likewise.naming import inert

ACTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a text begins with that spreadsheets take for a formula."""


def inert_cell(text: Any) -> Any:
    """Return a text as a cell that does nothing: one that a spreadsheet would run begins with an apostrophe.

    Examples
    --------
    >>> inert_cell("=1+1"), inert_cell("-0.5"), inert_cell("gpt2"), inert_cell(-0.5)
    ("'=1+1", '-0.5', 'gpt2', -0.5)
    """
    if not isinstance(text, str):
        return text
    acts = text.lstrip(" \N{NO-BREAK SPACE}\ufeff").startswith(ACTS) and not _is_number(text)
    text = inert(text, keep="")
    return f"'{text}" if acts else text


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a table as CSV, texts and heads as by `inert_cell`; a missing number is empty, an empty text two quotes."""
    columns = [_inert_column(column.combine_chunks()) for column in table.columns]
    pyarrow.csv.write_csv(pa.table(columns, names=[*map(inert_cell, table.column_names)]), path)


def _inert_column(column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        texts = pa.array([inert_cell(text) for text in column.dictionary.to_pylist()], pa.string())
        return pa.DictionaryArray.from_arrays(column.indices, texts)
    return pa.array(map(inert_cell, column.to_pylist()), column.type) if pa.types.is_string(column.type) else column


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text and text == text.strip()
