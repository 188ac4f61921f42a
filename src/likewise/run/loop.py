"""Plan, do what is ready, plan again, until nothing is left: resuming and adding to an experiment are the same loop."""

import functools
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from likewise.errors import InputError, LikewiseError
from likewise.extraction import BATCH_TOKENS
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
from likewise.progress import Watch, unwatched
from likewise.run.executor import Executor, Job
from likewise.run.executors import choose
from likewise.run.worker import Outcome, Settings, perform, release
from likewise.scoring import KINDS, Results
from likewise.store import Store

Device: TypeAlias = Literal["cpu", "cuda", "auto"]


@dataclass(frozen=True)
class Done:
    """The outcome of a run.

    Parameters
    ----------
    results : Results
        All rows of the experiment that the store holds now.
    performed : int
        Number of tasks of this run; 0 if everything was done before.
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
    watch: Watch = unwatched,
) -> Done:
    """Run an experiment: extract and compare everything that its store does not have yet.

    Parameters
    ----------
    experiment : Experiment, mapping, or path of a YAML file
        What to do.
    store : str or Path, optional
        Folder of the store; ``runs/NAME`` by default.
    executor : str or Executor
        What runs the tasks: ``"serial"``, ``"processes"``, the name of an executor of an installed package, or an
        executor object. ``processes`` starts new interpreters, so a script needs the usual ``if __name__ ==
        "__main__":``.
    workers : int, optional
        Tasks at the same time; by default the number of cores.
    device : {"cpu", "cuda", "auto"}
        Where models run and pairs are compared. ``auto`` spreads a model that is too large for one GPU over all GPUs.
    batch_tokens : int, optional
        Most tokens in a batch of prompts, with padding; the default depends on the device.
    trust : bool, str, Path or iterable of them
        Code that you have read and allow to run. True, or the path of the experiment, allows everything that the
        experiment names: measures in files in its folder, ``remote_code`` and ``pickled_weights`` of its models. You
        can also name files of measures (``.py``) or installed modules. Measures that you have imported need no trust.
    watch : callable
        Called with ``(label, done, total)`` as the work goes on: tokens of an extraction, then pairs.

    Returns
    -------
    Done
        The table of results, and what failed.

    Raises
    ------
    InputError
        If the request cannot be understood, or needs to be trusted.
    LikewiseError
        If the store cannot be written or a worker died. Finished work is kept.

    Notes
    -----
    If it stops, make the same call again to continue. Finished work is never done twice, and the numbers are the
    same to the last bit as without the stop.

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
    chosen = choose(executor, workers)
    own = sources_of(asked.configurations)
    settings = Settings(place.folder, device, batch_tokens or BATCH_TOKENS[device], own)
    failed: dict[str, Outcome] = {}
    times: Counter[str] = Counter()
    try:
        while ready := _ready(current := plan(asked, place), place, failed):
            place.save_experiment(asked.name, current.record())
            _check_new(ready, times, place)
            with closing(_perform_all(ready, current, settings, chosen, watch)) as outcomes:
                for outcome in outcomes:
                    times[outcome.task.key] += 1
                    if outcome.error:
                        failed[outcome.task.key] = replace(outcome, error=current.told(outcome.task, outcome.error))
            release()
    except BaseException:
        place.sweep()  # of workers that were ended while they wrote
        raise
    if not current.tiles:
        place.drop_reduced()
    place.save_experiment(asked.name, current.record())
    return Done(
        results=results_of(place, current.record(), KINDS),
        performed=times.total(),
        failed=tuple(failed.values()),
        blocked=tuple(tile for tile in current.tiles if tile.key not in failed),
        store=place.folder,
    )


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


TRIES = 3
"""Times that a task is done at most: another run may have tidied away what it made."""


def _check_new(ready: Iterable[Task], times: Mapping[str, int], store: Store) -> None:
    """Refuse to do again and again what does not come to this store."""
    for task in ready:
        if times.get(task.key, 0) >= TRIES:
            raise LikewiseError(
                f"{task.label} was done {TRIES} times and is not in {store.folder}; expected an executor whose workers "
                "write to this folder"
            )


def _perform_all(
    tasks: Sequence[Task], current: Plan, settings: Settings, executor: Executor, watch: Watch
) -> Generator[Outcome, None, None]:
    """Do tasks of one kind where the executor does them, each with what it needs."""
    told = _Told(tasks, watch)
    jobs = [
        Job(task, current.needs(task, settings.device), told.of(number, task)) for number, task in enumerate(tasks, 1)
    ]
    outcomes = executor.outcomes(functools.partial(perform, settings=settings), jobs)
    left = Counter(task.key for task in tasks)
    try:
        for outcome in outcomes:
            left[outcome.task.key] -= 1
            told.over(outcome.task)
            yield outcome
    finally:
        if close := getattr(outcomes, "close", None):
            close()
    if lost := [task for task in tasks if left[task.key] > 0]:
        raise LikewiseError(f"the executor has lost {len(lost)} of {len(tasks)} tasks, such as {lost[0].label}")


class _Told:
    """How far tasks of one kind are: of pins and extractions each by itself, of others the pairs of all together."""

    def __init__(self, tasks: Sequence[Task], watch: Watch) -> None:
        self.watch, self.count = watch, len(tasks)
        self.sizes = {task.key: _size(task) for task in tasks}
        self.shares = dict.fromkeys(self.sizes, 0.0)
        self.alone = isinstance(tasks[0], Resolve | Extract)
        self.label = "reducing" if isinstance(tasks[0], Reduce) else "comparing pairs"
        self._tell()

    def of(self, number: int, task: Task) -> Watch:
        """Return what hears how far one of them is."""
        if self.alone:
            return lambda label, done, total: self.watch(f"{number}/{self.count} {label}", done, total)
        return lambda _, done, total: self._tell(task.key, done / max(1, total))

    def over(self, task: Task) -> None:
        """Count one of them as done."""
        self._tell(task.key, 1.0)

    def _tell(self, key: str = "", share: float = 0.0) -> None:
        if self.alone:
            return
        if key:
            self.shares[key] = share
        done = sum(self.shares[key] * of for key, of in self.sizes.items())
        self.watch(self.label, int(done), sum(self.sizes.values()))


def _size(task: Task) -> int:
    """How much of the progress a task is: its pairs, or what it reduces."""
    if isinstance(task, Tile):
        return task.n_pairs
    return len(task.representations) * len(task.measures) if isinstance(task, Reduce) else 0
