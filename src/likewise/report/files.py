"""The folder of a report: where a figure or table goes, and under which name."""

import io
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from likewise.report.drawing import style
from likewise.store import check_no_link, inert_cell, write_atomically, write_csv, write_text

DPI = 200
"""Twice what a screen shows, so that figures stay sharp."""


@dataclass(frozen=True)
class Drawn:
    """A figure as the page shows it: its picture inlined, and links to its files."""

    title: str
    alt: str
    note: str
    width: int
    data: str
    png: str
    pdf: str


@dataclass
class Folder:
    """Writes into one folder, each file complete or not at all, and never two under one name."""

    path: Path
    _taken: set[str] = field(default_factory=set)

    def figure(self, figure: Any, stem: str, *, title: str, alt: str, note: str = "") -> Drawn:
        """Write a matplotlib Figure as PNG and PDF, and return it as the page shows it."""
        stem = self._name(f"figures/{stem}")
        png = _rendered(figure, "png", {"Software": None})
        # Without dates and versions the same figure is the same file.
        pdf = _rendered(figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None})
        write_atomically(self.path / f"{stem}.png", lambda p: p.write_bytes(png))
        write_atomically(self.path / f"{stem}.pdf", lambda p: p.write_bytes(pdf))
        width = int.from_bytes(png[16:20], "big") * 96 // DPI
        return Drawn(title, alt, note, width, b64encode(png).decode(), f"{stem}.png", f"{stem}.pdf")

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


def _rendered(figure: Any, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
    return buffer.getvalue()
