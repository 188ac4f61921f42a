"""What the terminal shows: results on standard output, progress and messages on standard error."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from likewise.naming import ACTING, inert
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


def p_text(p: float | None) -> float | str | None:
    """A p-value as people read it: one too small for its digits to mean anything is below a bound.

    Examples
    --------
    >>> p_text(0.01), p_text(0.0)
    (0.01, '< 1e-16')
    """
    return "< 1e-16" if p is not None and p < 1e-16 else p


def say(text: str) -> None:
    """Tell the user something that is not a result. Text is shown as it is: a name may hold brackets."""
    messages.print(shown(text))


def shown(text: str, style: str = "", keep: str = "\n") -> Text:
    """Return a text as the terminal is given it: nothing of it is obeyed, whoever wrote it."""
    return Text(inert(text, keep), style=style)


def print_json(value: Any) -> None:
    """Print a value as JSON, for programs; what a terminal would obey is escaped, and read back as it was."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    sys.stdout.write(ACTING.sub(_escaped, text) + "\n")


def _escaped(found: re.Match[str]) -> str:
    """A character as JSON escapes it; the ends of lines are those of the layout."""
    if found[0] == "\n":
        return found[0]
    return json.dumps(found[0])[1:-1] if ord(found[0]) > 0xFFFF else f"\\u{ord(found[0]):04x}"


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows for people; numbers to four digits, what is missing as a dash."""
    table = Table(title=shown(title), title_justify="left")
    rows = list(rows)
    for number, column in enumerate(columns):
        numeric = any(isinstance(row[number], int | float) for row in rows)
        table.add_column(shown(column, keep=""), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(shown(_cell(value), keep="") for value in row))
    out.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def bytes_text(count: int | None) -> str:
    """A number of bytes as people say it."""
    if count is None:
        return "unknown until the models' configs are at hand"
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.4g} {unit}"


class Rate(ProgressColumn):
    """What is done in a second."""

    def render(self, task: Task) -> Text:
        """Return it as text, nothing while it is not known."""
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s" if task.speed >= 10 else f"{task.speed:.2g}/s")


@contextmanager
def progress() -> Iterator[Watch]:
    """Bars with what is done, the rate, the time taken and the time left, one for each label."""
    bars = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=12),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        Rate(table_column=Column(no_wrap=True, min_width=6)),
        TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
        TextColumn("left", table_column=Column(no_wrap=True, min_width=4)),
        TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
        expand=True,
        console=messages,
    )
    known: dict[str, TaskID] = {}

    def watch(label: str, done: int, total: int) -> None:
        if label not in known:
            # What came before and has no end of its own, such as loading, is over when the next begins.
            for task in bars.tasks:
                if task.total is None:
                    bars.remove_task(task.id)
            known[label] = bars.add_task(inert(label, keep=""), total=total or None)
        bars.update(known[label], completed=done, total=total or None)

    with bars:
        yield watch
