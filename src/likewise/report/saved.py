"""Answers that other commands wrote into a store, as the page of its experiment tells them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from likewise.errors import StoreError
from likewise.naming import inert
from likewise.store import read_answer, read_answer_table, saved_answers
from likewise.studies import Answer
from likewise.studies.lineage import PANEL
from likewise.studies.sample_size import COLUMNS, curves_drawn

KEPT = {"learning-curve": COLUMNS, "models": ("model", "role")}
"""Tables that the page draws from, with the columns that it needs."""


@dataclass(frozen=True)
class Saved:
    """An answer in a folder.

    Parameters
    ----------
    folder : Path
        Where it lies.
    page : str
        The file to read: ``answer.html``, or ``answer.json`` where there is no page.
    question, verdict : str
        What was asked and found.
    tables : mapping of str to (list of mapping)
        The rows of tables that the page draws from.
    base : str
        Of an answer on lineage: the model that others were compared with. Empty where none is said.
    """

    folder: Path
    page: str
    question: str
    verdict: str
    tables: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    base: str = ""


def answers_in(store: Path) -> Iterator[Saved | str]:
    """Yield the answers that lie in the folder ``answers`` of a store; a sentence for each that cannot be read."""
    try:
        folders = saved_answers(store)
    except StoreError as error:
        yield inert(f"saved answers are left out: {error}")
        return
    for folder in folders:
        try:
            about = read_answer(folder)
            tables = {
                of["name"]: _rows(read_answer_table(folder, of["parquet"], of["columns"]))
                for of in about["tables"]
                if set(KEPT.get(of["name"], ("",))) <= set(of["columns"])
            }
        except StoreError as error:
            yield inert(f"a saved answer is left out: {error}")
            continue
        page = "answer.html" if (folder / "answer.html").is_file() else "answer.json"
        base = inert(str(about.get("values", {}).get("base") or ""), keep="")
        yield Saved(folder, page, inert(about["question"]), inert(about["verdict"]), tables, base)


MOST = 20_000
"""Rows of a table up to which the page draws from it."""


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    return [
        {k: inert(v, keep="") if isinstance(v, str) else v for k, v in row.items()}
        for row in table.slice(0, MOST).to_pylist()
    ]


def link_to(saved: Saved, page: Path) -> str:
    """Return the address of an answer as seen from the folder of a page."""
    path = Path(os.path.relpath(saved.folder.resolve(), page.resolve())).joinpath(saved.page)
    return quote(os.fsencode(path.as_posix()))  # the name of a folder may be no Unicode


def curve_of(saved: Saved) -> Answer | None:
    """Return a learning curve as an answer with its picture; None where it is none."""
    rows = saved.tables.get("learning-curve", [])
    if not 0 < len(rows) < MOST:
        return None
    try:
        drawn = curves_drawn([tuple(row[head] for head in COLUMNS) for row in rows])
    except (TypeError, ValueError):  # a stranger's table, with texts for numbers
        return None
    return Answer(saved.question, saved.verdict, drawings=drawn) if drawn else None


def panel_in(saved: Saved) -> list[str]:
    """Return the models that an answer on lineage found unrelated to its ``base``."""
    return [str(row["model"]) for row in saved.tables.get("models", ()) if str(row["role"]).startswith(PANEL)]
