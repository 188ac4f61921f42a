"""Plan, do what is ready, plan again, until nothing is left: resuming and adding to an experiment are the same loop."""

import functools
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from likewise.errors import InputError
from likewise.extract import BATCH_TOKENS
from likewise.measures import sources_of
from likewise.naming import did_you_mean
from likewise.plan import (
    Experiment,
    Extract,
    Plan,
    Reduce,
    Resolve,
    Task,
    Tile,
    Trusted,
    plan,
    read_experiment,
    results_of,
)
from likewise.run.executor import Executor, Serial
from likewise.run.processes import Processes
from likewise.run.worker import Outcome, Settings, Watch, perform, perform_stepwise, release
from likewise.statistics import Results
from likewise.store import Store

Device: TypeAlias = Literal["cpu", "cuda", "auto"]


@dataclass(frozen=True)
class Done:
    """What a run came to.

    Parameters
    ----------
    results : Results
        All rows of the experiment that the store holds now.
    performed : int
        Tasks that this run did; 0 where all was done before.
    failed : tuple of Outcome
        Tasks that failed, with the reason.
    blocked : tuple of Tile
        Tiles that could not be compared because a representation is missing.
    store : Path
        The folder of the store.
    """

    results: Results
    performed: int
    failed: tuple[Outcome, ...]
    blocked: tuple[Tile, ...]
    store: Path


def run(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    store: str | Path | None = None,
    *,
    executor: str | Executor = "serial",
    workers: int | None = None,
    device: Device = "cpu",
    batch_tokens: int | None = None,
    trust: Trusted = (),
    watch: Watch = lambda label, done, total: None,
) -> Done:
    """Run an experiment: extract what is missing, compare what is missing, keep everything in a store.

    Parameters
    ----------
    experiment : Experiment, mapping, or path of a YAML file
        What to do.
    store : str or Path, optional
        Folder of the store; ``runs/NAME`` by default.
    executor : {"serial", "processes"} or Executor
        Where pairs are compared. ``processes`` starts new interpreters: a script that uses it needs the usual
        ``if __name__ == "__main__":``.
    workers : int, optional
        Number of processes; the machine's cores by default.
    device : {"cpu", "cuda", "auto"}
        Where models run, and tiles are compared; ``auto`` spreads a model that one GPU does not hold over all of them.
    batch_tokens : int, optional
        Tokens of a batch of prompts, padding included; by default what suits the device.
    trust : bool, str, Path or iterable of them
        What may run code of others. True, or the path of the experiment, stands for all that the experiment names: its
        measures out of files beside it, ``remote_code`` and ``pickled_weights`` of its models. Else files of measures
        (``.py``), or names of installed modules of them. What you have imported yourself is known already.
    watch : callable
        Is told ``(label, done, total)`` as the work goes on: tokens of an extraction, then pairs.

    Returns
    -------
    Done
        The table of results, and what failed.

    Raises
    ------
    InputError
        If the request cannot be understood, or needs to be trusted.
    LikewiseError
        If the store cannot be written or a worker died. What was finished stays.

    Notes
    -----
    Whenever it stops, the same call goes on where it was: finished representations and tiles are never made again,
    and the numbers are the same, to the last bit, as those of a run that was not stopped.

    Examples
    --------
    >>> import likewise
    >>> done = likewise.run("experiments/demo.yaml", store="runs/demo")  # doctest: +SKIP
    >>> done.results.to_pandas()  # doctest: +SKIP
    """
    asked = read_experiment(experiment, trust, to_run=True)
    place = Store(store if store is not None else Path("runs") / asked.name)
    place.sweep()
    if device not in BATCH_TOKENS:
        raise InputError(f"device={device!r}; {did_you_mean(device, BATCH_TOKENS)}")
    chosen = choose_executor(executor, workers)
    own = sources_of(asked.configurations)
    settings = Settings(place.folder, device, batch_tokens or BATCH_TOKENS[device], own)
    failed: dict[str, Outcome] = {}
    performed = 0
    try:
        while ready := _ready(current := plan(asked, place), place, failed):
            place.save_experiment(asked.name, current.record())
            with closing(_perform_all(ready, settings, chosen, watch)) as outcomes:
                for outcome in outcomes:
                    performed += 1
                    if outcome.error:
                        failed[outcome.task.key] = outcome
            release()
    except BaseException:
        place.sweep()  # of workers that were ended while they wrote
        raise
    if not current.tiles:
        place.drop_reduced()
    place.save_experiment(asked.name, current.record())
    return Done(
        results=results_of(place, current.record()),
        performed=performed,
        failed=tuple(failed.values()),
        blocked=tuple(tile for tile in current.tiles if tile.key not in failed),
        store=place.folder,
    )


def choose_executor(executor: str | Executor, workers: int | None) -> Executor:
    """Return the executor of that name."""
    if not isinstance(executor, str):
        return executor
    known: dict[str, Callable[[], Executor]] = {"serial": Serial, "processes": lambda: Processes(workers)}
    if executor not in known:
        raise InputError(f"unknown executor {executor!r}; {did_you_mean(executor, known)}")
    return known[executor]()


def _ready(current: Plan, store: Store, failed: Mapping[str, Outcome]) -> tuple[Task, ...]:
    """Return what can start, without what failed already: pins, extractions, then reductions, then tiles."""
    stages: tuple[Callable[[], Iterable[Task]], ...] = (
        lambda: current.resolutions,
        # Nothing is extracted without its pin, which has failed with a reason that need not be said twice.
        lambda: (t for t in current.extractions if not any(r.key in failed for r in t.resolutions)),
        lambda: current.reductions(store),
        current.comparable,
    )
    return next((ready for stage in stages if (ready := tuple(t for t in stage() if t.key not in failed))), ())


def _perform_all(
    tasks: tuple[Task, ...], settings: Settings, executor: Executor, watch: Watch
) -> Generator[Outcome, None, None]:
    """Do extractions one by one, for a model wants the whole machine, and tiles wherever the executor does them."""
    if isinstance(tasks[0], Resolve | Extract):
        for number, task in enumerate(tasks, 1):
            place = f"{number}/{len(tasks)} "
            yield perform(task, settings, functools.partial(_watch_at, watch, place))
        return
    sizes = [_size(t) for t in tasks]
    label = "reducing" if isinstance(tasks[0], Reduce) else "comparing pairs"

    def tell(shares: Sequence[float]) -> None:
        watch(label, int(sum(share * of for share, of in zip(shares, sizes, strict=True))), sum(sizes))

    watch(label, 0, sum(sizes))
    yield from executor.map(functools.partial(perform_stepwise, settings=settings), tasks, tell)


def _watch_at(watch: Watch, place: str, label: str, done: int, total: int) -> None:
    watch(place + label, done, total)


def _size(task: Task) -> int:
    """How much of the progress a task is: its pairs, or what it reduces."""
    if isinstance(task, Tile):
        return task.n_pairs
    return len(task.representations) * len(task.measures) if isinstance(task, Reduce) else 0
