"""``likewise report``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import options
from likewise.cli.console import messages, print_json, say
from likewise.errors import InputError
from likewise.naming import did_you_mean

if TYPE_CHECKING:
    from likewise.scoring import Results
    from likewise.store import Store


def report(
    store: Annotated[Path, typer.Argument(help="Folder or URL of a store.")],
    experiment: Annotated[str | None, typer.Option(help="Name of the experiment, if the store has several.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder to write to [default: the store, or reports/NAME in it].")
    ] = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Write the report of an experiment. It is one page, with pictures and tables."""
    from likewise.plan import load_trusted

    load_trusted(trust or ())
    kept = options.find_store(store)
    known = sorted(kept.experiments())
    if experiment is None and len(known) != 1:
        raise InputError(f"{kept} holds {len(known)} experiments ({', '.join(known)}); name one with --experiment")
    name = experiment or known[0]
    if name not in known:
        raise InputError(f"{kept} has no experiment {name!r}; {did_you_mean(name, known)}")
    page = write(kept, name, output or kept.report_folder(name))
    if json:
        print_json({"report": str(page)})
    else:
        say(f"report: {page}")


def write(store: "Store", name: str, folder: Path, results: "Results | None" = None) -> Path:
    """Write a report, with a sign of life while it is made; of results that are at hand, or read."""
    from likewise.report.experiment import report_experiment  # slow to import, and optional

    with messages.status("writing the report"):
        return report_experiment(store, name, folder, results, say)
