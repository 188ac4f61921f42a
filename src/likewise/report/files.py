"""The folder of a report: where a table goes, and under which name."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from likewise.store import check_no_link, inert_cell, write_atomically, write_csv, write_text


@dataclass
class Folder:
    """Writes into one folder, each file complete or not at all, and never two under one name."""

    path: Path
    _taken: set[str] = field(default_factory=set)

    def frame(self, frame: pd.DataFrame, stem: str) -> str:
        """Write a table as CSV in full precision, and return its path in the folder."""
        name = self._name(f"tables/{stem}", ".csv")
        texts = {c: frame[c].map(inert_cell) for c in frame if not pd.api.types.is_numeric_dtype(frame[c])}
        write_text(self.path / name, frame.assign(**texts).to_csv(index=False, lineterminator="\n"))
        return name

    def long_table(self, table: pa.Table, stem: str) -> str:
        """Write rows of the long table as CSV; a missing number is empty, an empty text is two quotes."""
        name = self._name(f"tables/{stem}", ".csv")
        write_atomically(self.path / name, lambda p: write_csv(table, p))
        return name

    def parquet(self, table: pa.Table, stem: str) -> str:
        """Write the long table as Parquet, its schema's version included."""
        name = self._name(f"tables/{stem}", ".parquet")
        write_atomically(self.path / name, lambda p: pq.write_table(table, p))
        return name

    def page(self, html: str) -> Path:
        """Write the page itself, last: where it exists, what it links to exists."""
        return write_text(self.path / "report.html", html)

    def _name(self, wanted: str, ending: str = "") -> str:
        check_no_link((self.path / wanted).parent)
        name, number = wanted + ending, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}-{number}{ending}"
        self._taken.add(name)
        return name
