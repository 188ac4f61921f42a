"""What moved since an earlier report of the same experiment, which a new one is written over."""

import os
import re
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from likewise.errors import InputError, StoreError
from likewise.naming import counted
from likewise.report.tables import number
from likewise.scoring import SCHEMA, Results
from likewise.store import open_regular, read_table

KEY = ["dataset", "a", "b", "measure", "parameters"]
"""Columns that name a score."""

SAME = 1e-9
"""A relative change below this is rounding."""

LARGEST = 500_000
"""Rows up to which two reports are compared."""


def moved(results: Results, folder: Path, title: str) -> list[str]:
    """Return sentences of what changed since the report in a folder; none where there is none, or nothing did.

    Parameters
    ----------
    results : Results
        The new table, before any text of it is changed.
    folder : Path
        Of the report.
    title : str
        Of the experiment: a report of another one is not compared.
    """
    try:
        with os.fdopen(open_regular(folder / "report.html", links=False), "rb") as page:
            named = re.search(r"<title>([^<]*)</title>", page.read(4096).decode("utf-8", "replace"))
        if named is None or named[1] != escape(title, quote=False) or len(results) > LARGEST:
            return []
        before, _ = read_table(folder / "tables" / "comparisons.parquet", SCHEMA)
    except (OSError, InputError, StoreError):
        return []  # there is none, or it is of a version that had other columns
    old, new = (_scores(table) for table in (before, results.table))
    both = old.merge(new, on=KEY, how="outer", suffixes=("_old", "_new"), indicator=True)
    said = []
    for side, what in (("right_only", "new"), ("left_only", "gone")):
        if count := int((both["_merge"] == side).sum()):
            said.append(f"{counted(count, 'score')} {'is' if count == 1 else 'are'} {what}.")
    common = both[both["_merge"] == "both"]
    was, now = (common[f"value_{when}"].to_numpy(dtype=np.float64, na_value=np.nan) for when in ("old", "new"))
    size = np.fmax(np.abs(was), np.abs(now))
    changed = ~((np.abs(now - was) <= SAME * size) | (np.isnan(was) & np.isnan(now)))
    if changed.any():
        by = np.where(changed, np.nan_to_num(np.abs(now - was)), -1)
        row = common.iloc[int(by.argmax())]
        said.append(
            f"{int(changed.sum()):,} of {counted(len(common), 'score')} moved; most: {row['a']} and {row['b']}, "
            f"{row['measure']}, {number(row['value_old'])} before, {number(row['value_new'])} now; "
            "the table has its interval."
        )
    return said


def _scores(table: pa.Table) -> pd.DataFrame:
    texts = {name: table[name].cast(pa.string()).to_pylist() for name in KEY}
    values = table["value"].to_numpy()
    return pd.DataFrame({**texts, "value": values}).drop_duplicates(KEY)
