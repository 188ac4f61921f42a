"""``likewise run``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likewise.cli import options
from likewise.cli.console import complain, print_json, progress, resumable, say
from likewise.cli.report import write
from likewise.errors import MissingDependencyError
from likewise.naming import counted

if TYPE_CHECKING:
    from likewise.run import Done


def run(
    experiment: Annotated[Path, typer.Argument(help="A YAML file.")],
    store: options.StoreFolder = None,
    executor: options.Executor = "processes",
    workers: options.Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Of dask and ray: a running cluster, such as tcp://host:8786.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            help="Do one share of the tasks, such as 3/16, and wait for no other; slurm: the one of a SLURM array task."
        ),
    ] = None,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Run an experiment and write its report. Run it again to continue: finished work is kept."""
    from likewise.plan import read_experiment
    from likewise.run import run as perform
    from likewise.scoring import all_undefined
    from likewise.store import place_of

    asked = read_experiment(experiment, trust or (), to_run=True)
    folder = place_of(store or Path("runs") / asked.name).address
    with resumable(f"finished work is kept in {folder}"), progress() as watch:
        done = perform(
            asked,
            folder,
            executor=executor,
            workers=workers,
            shard=shard,
            scheduler=scheduler,
            device=options.check_device(device),  # type: ignore[arg-type]  # checked to be one of the two
            batch_tokens=batch_tokens,
            trust=True,  # what is not trusted was refused above
            watch=watch,
        )
    # Others are still at work on it; the last of them writes the report.
    report = None if done.left else _report(done, asked.name)
    if json:
        print_json(_summary(done, report))
    else:
        _tell(done, report)
    if done.failed or done.blocked or (not done.left and all_undefined(done.results)):
        raise typer.Exit(1)


def _report(done: "Done", name: str) -> Path | None:
    """Write the report, unless it is there and nothing has changed since."""
    from likewise.store import Store

    if not len(done.results):
        return None
    store = Store(done.store)
    folder = store.report_folder(name)
    report = folder / "report.html"
    # Beside a bucket lies what this machine knew of it last.
    if (
        isinstance(done.store, Path)
        and not done.performed
        and report.exists()
        and report.stat().st_mtime >= store.experiment_written(name)
    ):
        return report
    try:
        return write(store, name, folder, done.results)
    except MissingDependencyError as error:
        say(f"no report: {error}")
        return None


def _tell(done: "Done", report: Path | None) -> None:
    from likewise.chance import too_few_shuffles
    from likewise.scoring import all_undefined

    for outcome in done.failed:
        complain(f"failed: {outcome.task.label}\n  {outcome.error}")
    for tile in done.blocked:
        complain(f"not compared, because a representation is missing: {tile.label}")
    if done.left:
        say(
            f"done: {counted(done.performed, 'task')} of this shard; left to others: {_kinds(done)} (run all shards "
            "again later)"
        )
    elif reason := all_undefined(done.results):
        complain(reason)
    elif not done.failed:
        said = "done" if done.performed else "nothing left to do"
        without = done.results.table["status"].to_pylist().count("undefined")
        some = f", {without:,} of them undefined (the report says why)" if without else ""
        say(f"{said}: {counted(len(done.results), 'score')} in {done.store}{some}")
    if few := too_few_shuffles(done.results.table):
        say(few)
    if report:
        say(f"report: {report}")


def _kinds(done: "Done") -> str:
    """How many tasks of each kind are left."""
    from collections import Counter

    from likewise.run import kind_of

    return ", ".join(f"{count:,} {kind}" for kind, count in Counter(map(kind_of, done.left)).items())


def _summary(done: "Done", report: Path | None) -> dict[str, object]:
    return {
        "store": str(done.store),
        "report": str(report) if report else None,
        "scores": len(done.results),
        "performed": done.performed,
        "failed": [{"task": o.task.label, "error": o.error} for o in done.failed],
        "not_compared": [tile.label for tile in done.blocked],
        "left": len(done.left),
    }
