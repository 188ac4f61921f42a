"""``likewise status``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from likewise.cli import options
from likewise.cli.console import complain, print_json, print_table, tell
from likewise.naming import counted


def status(
    store: Annotated[
        Path | None, typer.Argument(help="Folder or URL of a store [default: the only one in runs/].")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show what is done in a store, what runs now, what failed and why. It works from another machine too."""
    from likewise.run import status_of

    found = status_of(options.find_store(store))
    if json:
        print_json(found)
        return
    for experiment in found["experiments"]:
        done, of = experiment["representations_done"], experiment["representations"]
        tell(f"{experiment['name']}: {done:,} of {of:,} representations")
    tell(f"{counted(found['representations'], 'representation')} and {counted(found['results'], 'tile')} of scores")
    if found["runs"]:
        columns = ("run", "shard", "state", "done", "left", "time left", "heard of", "where")
        print_table("", columns, map(_row, found["runs"]), spare=("where", "heard of"))
    else:
        tell("no run is at work")
    for run in found["runs"]:
        for task in run["running"]:
            tell(f"running: {task['task']}, for {_time(task['seconds'])}")
        for task in run["failed"]:
            complain(f"failed: {task['task']}\n  {task['error']}")


def _row(run: dict[str, Any]) -> tuple[Any, ...]:
    left = None if run["seconds_left"] is None else f"about {_time(run['seconds_left'])}"
    return (
        run["experiment"], run["shard"] or "all", run["state"], _counts(run["done"]), _counts(run["left"]), left,
        f"{_time(run['heard_seconds_ago'])} ago", f"{run['host']} {run['pid']}",
    )  # fmt: skip


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(counted(count, kind.removesuffix("s")) for kind, count in counts.items() if count) or "nothing"


def _time(seconds: float) -> str:
    """Seconds for people.

    Examples
    --------
    >>> _time(42.3), _time(400), _time(50_000)
    ('42 s', '7 min', '13.9 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
