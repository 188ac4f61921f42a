"""What the terminal shows: results on standard output, progress and messages on standard error."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Column, Table
from rich.text import Text

from likewise.naming import cell_text, inert, json_text
from likewise.progress import Watch

# A pipe or a file has no width of its own; tables should not be squeezed into 80 columns there.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)
messages = Console(stderr=True, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """Print a line of a result."""
    out.print(shown(text))


def complain(text: str) -> None:
    """Tell the user what failed, also where he wants no remarks."""
    quiet, messages.quiet = messages.quiet, False
    say(text)
    messages.quiet = quiet


def say(text: str) -> None:
    """Tell the user something that is not a result. Text is shown as it is: a name may hold brackets."""
    messages.print(shown(text))


def shown(text: str, style: str = "", keep: str = "\n") -> Text:
    """Return a text as the terminal is given it: nothing of it is obeyed, whoever wrote it."""
    return Text(inert(text, keep), style=style)


def print_json(value: Any) -> None:
    """Print a value as JSON, for programs; what a terminal would obey is escaped, and read back as it was."""
    sys.stdout.write(json_text(value) + "\n")


REMARKS = ("note", "reason")
"""Columns that say something of some rows."""


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    spare: Sequence[str] = (),
    whole: str = "--json",
) -> None:
    """Print rows for people; numbers to four digits, what is missing as a dash. `REMARKS` that no row has are left out.

    On a terminal that is too narrow, lines are broken between words; then columns are left out, those of ``spare`` in
    their order, and what ``whole`` names has them all.
    """
    rows = list(rows)
    cells = [[inert(cell_text(value), keep="") for value in row] for row in rows]
    said = [i for i, name in enumerate(columns) if name not in REMARKS or any(row[i] for row in rows)]
    kept = said.copy()
    widths: list[int] | None = None
    if out.is_terminal:
        texts = [[name, *(row[i] for row in cells)] for i, name in enumerate(columns)]
        least = [max(cell_len(word) for text in column for word in text.split() or [""]) for column in texts]
        full = [max(map(cell_len, column)) for column in texts]
        for place in (columns.index(name) for name in spare if name in columns):
            if _drawn(least[i] for i in kept) <= out.width:
                break
            kept = [i for i in kept if i != place]
        widths = _fitted([full[i] for i in kept], [least[i] for i in kept], out.width)
    table = Table(title=shown(title), title_justify="left")
    for place, i in enumerate(kept):
        numeric = any(isinstance(row[i], int | float) for row in rows)
        width = None if widths is None else widths[place]
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(shown(columns[i], keep=""), justify=justify, overflow="fold", width=width)
    for row in cells:
        table.add_row(*(Text(row[i]) for i in kept))
    out.print(table)
    if left_out := [columns[i] for i in said if i not in kept]:
        say(f"not shown, to fit {out.width} columns: {', '.join(left_out)}; use {whole} for all columns")


def _drawn(widths: Iterable[int]) -> int:
    """Columns of the terminal that a table takes with its lines and spaces."""
    return 1 + sum(width + 3 for width in widths)


def _fitted(widths: list[int], least: list[int], whole: int) -> list[int]:
    """The widths, the widest made narrower until all fit: down to a word, and further where nothing else is left."""
    widths = list(widths)
    for floor in (least, [4] * len(widths)):
        while (over := _drawn(widths) - whole) > 0:
            spare = [width - low for width, low in zip(widths, floor, strict=True)]
            wide = [i for i, more in enumerate(spare) if more > 0]
            if not wide:
                break
            widest = max(wide, key=lambda i: widths[i])
            second = max((widths[i] for i in wide if i != widest), default=0)
            widths[widest] -= min(over, spare[widest], max(1, widths[widest] - second))
    return widths


def bytes_text(count: int | None) -> str:
    """A number of bytes as people say it."""
    if count is None:
        return "size unknown until the models' configs are downloaded"
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.4g} {unit}"


class Left(ProgressColumn):
    """The time that is left."""

    def render(self, task: Task) -> Text:
        """Return it as text, nothing while it is not known."""
        seconds = task.time_remaining
        if seconds is None:
            return Text("")
        for unit, size in (("h", 3600), ("min", 60)):
            if seconds >= 2 * size:
                return Text(f"{seconds / size:.0f} {unit} left")
        return Text(f"{seconds:.0f} s left")


EVERY = 30.0
"""Seconds between two lines that tell how far the work is, where no terminal shows bars."""


@contextmanager
def progress() -> Iterator[Watch]:
    """Bars with what is done and the time left, one for each label."""
    bars = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=12),
        MofNCompleteColumn(separator=" of ", table_column=Column(no_wrap=True)),
        Left(table_column=Column(no_wrap=True, min_width=10)),
        expand=True,
        console=messages,
    )
    known: dict[str, TaskID] = {}
    told, started = monotonic(), False

    def watch(label: str, done: int, total: int) -> None:
        nonlocal told, started
        if not started:  # bars that nothing was told of would leave an empty line
            started = True
            bars.start()
        if label not in known:
            # What came before and has no end of its own, such as loading, is over when the next begins.
            for task in bars.tasks:
                if task.total is None:
                    bars.remove_task(task.id)
            known[label] = bars.add_task(inert(label, keep=""), total=total or None)
        bars.update(known[label], completed=done, total=total or None)
        if not messages.is_terminal and monotonic() - told >= EVERY:
            told = monotonic()
            left = Left().render(next(task for task in bars.tasks if task.id == known[label])).plain
            say(f"{label}: {done} of {total or '?'}{', ' + left if left else ''}")

    try:
        yield watch
    finally:
        if started:
            bars.stop()


_told: list[str] = []
"""What was said of a stop."""


def say_stopped() -> None:
    """Say that Ctrl-C has ended a command, unless that was said already."""
    if not _told:
        say("\nstopped")


@contextmanager
def resumable(kept: str = "finished work is kept") -> Iterator[None]:
    """Work that the same command continues: a stop says so."""
    try:
        yield
    except KeyboardInterrupt:
        _told.append(kept)
        say(f"\nstopped; {kept}: run the same command to continue")
        raise
