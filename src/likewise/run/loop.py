"""Plan, do what can start, plan again, until nothing can: resuming and adding to an experiment are the same loop."""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor as Pool
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
    Needs,
    Node,
    Plan,
    Reduce,
    Resolve,
    Task,
    Tile,
    Trusted,
    graph,
    is_made,
    made_by,
    plan,
    read_experiment,
    results_of,
)
from likewise.progress import Watch, unwatched
from likewise.run.executor import Executor, Job, Lost
from likewise.run.executors import choose
from likewise.run.frontier import Frontier
from likewise.run.record import DONE, Record
from likewise.run.shard import Shard
from likewise.run.told import Tasks, Told
from likewise.run.worker import Outcome, Settings, perform_all
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
    store : Path or str
        The folder of the store, or its URL.
    left : tuple of Task
        Of a shard: tasks that are left to others, or that need what others make.
    """

    results: Results
    performed: int
    failed: tuple[Outcome, ...]
    blocked: tuple[Tile, ...]
    store: Path | str
    left: tuple[Task, ...] = ()


def run(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    store: str | Path | None = None,
    *,
    executor: str | Executor | Pool = "serial",
    workers: int | None = None,
    device: Device = "cpu",
    batch_tokens: int | None = None,
    trust: Trusted = (),
    shard: str | Shard | None = None,
    scheduler: str | None = None,
    watch: Watch = unwatched,
) -> Done:
    """Run an experiment: extract and compare everything that its store does not have yet.

    Parameters
    ----------
    experiment : Experiment, mapping, or path of a YAML file
        What to do.
    store : str or Path, optional
        Folder of the store, or a URL such as ``s3://BUCKET/FOLDER``; ``runs/NAME`` by default.
    executor : str or Executor
        What runs the tasks: ``"serial"``, ``"processes"``, ``"dask"``, ``"ray"``, the name of an executor of an
        installed package, or an executor object, such as any ``concurrent.futures.Executor``. ``processes`` starts new
        interpreters, so a script needs the usual ``if __name__ == "__main__":``.
    workers : int, optional
        Tasks at the same time; by default the number of cores, or of workers that the executor has.
    device : {"cpu", "cuda", "auto"}
        Where models run and pairs are compared. ``auto`` spreads a model that is too large for one GPU over all GPUs.
    batch_tokens : int, optional
        Most tokens in a batch of prompts, with padding; the default depends on the device.
    trust : bool, str, Path or iterable of them
        Code that you have read and allow to run. True, or the path of the experiment, allows everything that the
        experiment names: measures in files in its folder, ``remote_code`` and ``pickled_weights`` of its models. You
        can also name files of measures (``.py``) or installed modules. Measures that you have imported need no trust.
    shard : str, optional
        ``"3/16"``: only the tasks whose keys fall to shard 3 of 16; ``"slurm"``: which one the environment of a SLURM
        array says. A shard waits for no other: it ends when what is left is of others, or needs what they make.
    scheduler : str, optional
        Address of the running cluster of an executor such as ``"dask"``; by default it starts one on this machine.
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
        If the store cannot be written, or the executor is gone. Finished work is kept.

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
    if not place.files.shared and isinstance(executor, str) and executor != "serial":
        raise InputError(f"{place} is in the memory of this process; expected the executor serial, got {executor}")
    share = Shard.of(shard) if isinstance(shard, str) else shard
    chosen = choose(executor, workers, scheduler)
    own = sources_of(asked.configurations)
    settings = Settings(place.files.absolute, device, batch_tokens or BATCH_TOKENS[device], own)
    work = _Work(asked, place, settings, chosen, share, watch)
    try:
        try:
            current = work.to_the_end()
        finally:
            chosen.close()
    except BaseException as error:
        work.record.over("stopped" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}")
        place.sweep()  # of workers that were ended while they wrote
        raise
    work.record.over(DONE)
    with place.at_once():
        left = tuple(work.left()) if share else ()
    if not current.tiles:
        place.drop_reduced()
    if begun := place.begun():  # a kill may have come after the last layer was saved
        for key in {task.parts_key for task in current.extracted}.intersection(begun):
            place.parts(key).discard_left()
    place.save_experiment(asked.name, current.record())
    return Done(
        results=results_of(place, current.record(), KINDS),
        performed=work.times.total(),
        failed=tuple(work.failed.values()),
        blocked=() if left else tuple(tile for tile in current.tiles if tile.key not in work.failed),
        store=place.files.address,
        left=left,
    )


TRIES = 3
"""Times that a task is done at most: a worker may die, and another run may have tidied away what it made."""


class _Work:
    """One run: what is planned, what is on its way, what failed."""

    def __init__(
        self,
        asked: Experiment,
        store: Store,
        settings: Settings,
        executor: Executor,
        share: Shard | None,
        watch: Watch,
    ) -> None:
        self.asked, self.store, self.settings, self.executor, self.share = asked, store, settings, executor, share
        self.do = functools.partial(perform_all, settings=settings)
        self.told, self.record = Told(watch), Record(store, asked.name, share)
        self.times: Counter[str] = Counter()
        self.failed: dict[str, Outcome] = {}
        self.gone: set[str] = set()
        self.running: dict[Job[Tasks], Tasks] = {}
        self.pins: list[Resolve] = []

    def to_the_end(self) -> Plan:
        """Do everything that can be done; return the plan of what is left then."""
        while True:
            # A shard cuts tiles as all others do, whatever failed here.
            with self.store.at_once():
                self.current = plan(self.asked, self.store, frozenset() if self.share else frozenset(self.gone))
                frontier = Frontier(self._mine())
            self.store.save_experiment(self.asked.name, self.current.record())
            self.pins = [*self.current.resolutions]
            if not frontier and not self.running:
                return self.current
            self.told.of(frontier.tasks)
            self.record.left(frontier.tasks)
            while frontier or self.running:
                self._give(frontier)
                if self._hear(frontier):
                    break

    def left(self) -> Iterator[Task]:
        """What could not be done and did not fail."""
        return (node.task for node in graph(self.current, self.store) if node.task.key not in self.failed)

    def _mine(self) -> Iterator[Node]:
        """What is to be done here and is not on its way."""
        underway = {key for tasks in self.running.values() for task in tasks for key in made_by(task)}
        for node in graph(self.current, self.store):
            if node.task.key in self.failed or not underway.isdisjoint(node.makes):
                continue
            if self.share and not self.share.takes(node.task):
                continue
            if self.times[node.task.key] >= TRIES:
                raise LikewiseError(
                    f"{node.task.label} was done {TRIES} times and is not in {self.store}; expected an executor "
                    "whose workers write to this store"
                )
            yield node

    def _give(self, frontier: Frontier) -> None:
        """Give the executor what it has room for."""

        def needs(task: Task) -> Needs:
            return self.current.needs(task, self.settings.device)

        while tasks := frontier.take(lambda task: self.executor.room(needs(task))):
            job = Job(tasks, needs(tasks[0]), self.told.watch(tasks))
            self.running[job] = tasks
            self.record.begin(tasks)
            self.executor.submit(self.do, job)

    def _hear(self, frontier: Frontier) -> bool:
        """Wait for an outcome; return whether what is left is to be planned anew."""
        job, found = self.executor.hear()
        tasks = self.running.pop(job)
        if isinstance(found, Lost):
            self.store.sweep()
            found = [Outcome(task, found.why, again=True) for task in tasks]
        for outcome in found:
            self._note(outcome)
            self.told.over(outcome.task)
            for key in made_by(outcome.task):
                if is_made(outcome.task, key, self.store):
                    frontier.made(key)
        self.record.end(found, self.failed)
        # Tiles are cut once the last pin and the first representation of each data set are there.
        unsettled = not all(d.final for d in self.current.datasets)
        return unsettled and not isinstance(tasks[0], Reduce | Tile) and not self._pinning()

    def _pinning(self) -> bool:
        """Whether pins are still asked for; one that is there is not looked for again, for there may be thousands."""
        while self.pins and (self.pins[-1].key in self.failed or self.pins[-1].done(self.store)):
            self.pins.pop()
        return bool(self.pins)

    def _note(self, outcome: Outcome) -> None:
        """Count a try, and give up what no other try would help."""
        task = outcome.task
        self.times[task.key] += 1
        if not outcome.error or (outcome.again and self.times[task.key] < TRIES):
            return
        self.failed[task.key] = replace(outcome, error=self.current.told(task, outcome.error))
        if isinstance(task, Resolve | Extract):
            self.gone.update(key for key in made_by(task) if not is_made(task, key, self.store))
