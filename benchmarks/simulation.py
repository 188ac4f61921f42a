"""Thousands of models on a thousand workers, simulated: tasks, bytes, hours, money, and what breaks first.

``python benchmarks/simulation.py`` plans an experiment of 5,000 models on three data sets with likewise's own planner
and runs it with likewise's own loop. Only two things are not real: the workers, which wait on a simulated clock, and
the store, which remembers keys alone and counts what it is asked. So the tasks, their order and the messages are those
of a real run.

What a task takes is measured on this machine where that is a matter of a second, computed from what is said of models
and machines, or given by you. Each number is printed with where it comes from. With all of them given, the simulated
part is the same in every run; ``--seed`` draws other sizes of models and other losses of workers.
"""

import argparse
import contextlib
import heapq
import math
import platform
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import numpy as np
from null import synthetic
from scipy.optimize import nnls

from likewise.about import Source
from likewise.measures import configurations
from likewise.plan import Experiment, Extract, Needs, Node, Plan, Reduce, Resolve, Task, Tile, made_by
from likewise.plan import datasets as limits
from likewise.plan.tiles import LONGEST_BY_PRODUCT, block_size
from likewise.progress import unwatched
from likewise.representation import Representation
from likewise.run import loop
from likewise.run.executor import Do, Job, Lost
from likewise.run.record import kind_of
from likewise.run.worker import Outcome, Settings, perform
from likewise.scoring import Results, Trust
from likewise.store import Store, memory
from likewise.store.folder import Description

WINDOW = 10.0
"""Seconds over which loads are counted."""

REQUESTS = {
    # What a task asks of the store, and what a pin asks of the hub, by what likewise.run.worker does.
    "extraction": 8,  # two pins, whether rows are there, parts, prompts, matrix and description written
    "reduction": 3,  # of each representation: description, matrix, vector written
    "side": 1,  # of a tile: the vector of each representation
    "tile": 2,  # rows and seconds written
    "pin": 2,  # whether it is there, written
}


PAGE = 1000
"""Names that a bucket tells at a time."""


@dataclass(frozen=True)
class Number:
    """A number, and where it comes from."""

    value: float
    unit: str
    origin: str


class Paper(Store):
    """A store that remembers keys alone, and counts what the run itself asks of it."""

    def __init__(self, folder: Path, rows: int, features: int) -> None:
        super().__init__(folder)
        self.rows, self.features = rows, features
        self.made: dict[str, None] = {}
        self.reduced, self.results_there, self.pins = set[tuple[str, str]](), set[str](), set[tuple[str, ...]]()
        self.asked = Counter[str]()
        self.listed: set[str] | None = None
        self.copied = set[object]()

    def make(self, task: Task) -> None:
        """Take what a task makes."""
        if isinstance(task, Resolve):
            self.pins.add((task.kind, task.hub, task.revision))
        elif isinstance(task, Extract):
            self.made.update(dict.fromkeys(made_by(task)))
        elif isinstance(task, Reduce):
            self.reduced.update((key, c.label) for key in task.representations for c in task.configurations)
        else:
            self.results_there.add(task.key)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While it is open, a folder is listed at the first question, as in a bucket, and that answers all others."""
        before, self.listed = self.listed, self.listed or set()
        try:
            yield
        finally:
            self.listed = before

    def _has(self, there: bool, of: str, requests: int = 1) -> bool:
        if self.listed is None:
            self.asked[of] += requests
        elif of not in self.listed:
            self.listed.add(of)
            names = {"representations": self.made, "pins": self.pins, "vectors": self.reduced}
            self.asked[of] += 1 + requests * len(names.get(of, self.results_there)) // PAGE
        return there

    def _read(self, what: object, of: str) -> None:
        """Count what reading takes: an object once, and then whether the copy of it still counts, if that is open."""
        self.asked[of] += (self.listed is None) + (what not in self.copied)
        self.copied.add(what)

    def pin(self, kind: str, hub: str, revision: str) -> dict[str, Any] | None:
        """Tell a pin."""
        if not self._has((kind, hub, revision) in self.pins, "pins"):
            return None
        self._read((kind, hub, revision), "pins")
        about = {"kind": kind, "hub": hub, "revision": revision, "commit": "0" * 40, "blocks": None}
        return {**about, "width": self.features, "says": {"pooling": None, "why_not": None}}

    def representations(self) -> list[str]:
        """List them, as a real store does: page by page, and then whether each is whole."""
        self.asked["listing"] += 1 + 2 * len(self.made) // PAGE  # matrix and description
        return [key for key in self.made if self.has_representation(key)]

    def has_representation(self, key: str) -> bool:
        """Whether its matrix and its description are there."""
        return self._has(key in self.made, "representations", 2)

    def describe_representation(self, key: str) -> Description:
        """Tell its size."""
        self._read(key, "descriptions")
        about: Any = {"n_items": self.rows, "n_features": self.features, "source": Source({}), "audit": {}, "ids": []}
        return about  # type: ignore[no-any-return]

    def has_reduced(self, key: str, configuration: Any, *, kept: bool = False) -> bool:
        """Whether a vector is there."""
        return self._has((key, configuration.label) in self.reduced, "vectors")

    def has_results(self, key: str) -> bool:
        """Whether rows are there."""
        return self._has(key in self.results_there, "results")

    def tables(self, *_: Any, **__: Any) -> Iterator[Any]:
        """Tell no rows: they would not fit here. Those that are there are known by their keys."""
        self.asked["results"] += len(self.results_there)
        return iter(())

    def save_experiment(self, *_: Any) -> None:
        """Count it."""
        self.asked["experiment"] += 1

    def save_run(self, *_: Any) -> None:
        """Leave it: the clock is not that of the simulation."""

    def drop_runs(self, *_: Any) -> None:
        """Leave them."""


@dataclass(frozen=True)
class Costs:
    """What tasks take: seconds, bytes, requests."""

    numbers: Mapping[str, Number]
    rows: int
    features: int
    spread: float
    seed: int

    def __getitem__(self, name: str) -> float:
        return self.numbers[name].value

    def size(self, model: str) -> float:
        """How large a model is: by a log-normal law with mean 1, drawn from its name."""
        drawn = np.random.default_rng([self.seed, *model.encode()]).normal()
        return math.exp(self.spread * drawn - self.spread**2 / 2)

    @property
    def matrix(self) -> int:
        """Bytes of a representation."""
        return 4 * self.rows * self.features

    @property
    def vector(self) -> int:
        """Bytes of what it is reduced to, for one measure."""
        return 8 * self.rows * (self.rows + 1) // 2

    def of(self, tasks: Iterable[Task]) -> tuple[float, Counter[str]]:
        """Return the seconds that a job takes, and what it does to the store."""
        tasks, seconds, does = tuple(tasks), 0.0, Counter[str]()
        if isinstance(tasks[0], Extract):
            size = self.size(tasks[0].wanted[0].model.model)
            seconds += size * self["load"]
            does["weights"] = int(2 * self["parameters"] * size)
            does["loads"] = 1
        for task in tasks:
            seconds += self["overhead"]
            if isinstance(task, Resolve):
                seconds += self["pin"]
                does["requests"] += REQUESTS["pin"]
                does["hub"] += 1
            elif isinstance(task, Extract):
                seconds += self.size(task.wanted[0].model.model) * self["extract"]
                does["written"] += self.matrix * len(task.wanted)
                does["requests"] += REQUESTS["extraction"] * len(task.wanted)
            elif isinstance(task, Reduce):
                count, measures = len(task.representations), len(task.measures)
                seconds += self["reduce"] * count * measures
                does["read"] += self.matrix * count
                does["written"] += self.vector * count * measures
                does["requests"] += REQUESTS["reduction"] * count
            else:
                count, measures = len(task.representations), len(task.measures)
                seconds += measures * (self["side"] * count + self["pair"] * task.n_pairs)
                does["read"] += self.vector * count * measures
                does["written"] += int(self["row"] * task.n_pairs * measures)
                does["requests"] += REQUESTS["side"] * count * measures + REQUESTS["tile"]
        seconds += does["requests"] * self["latency"] + (does["read"] + does["written"]) / self["bandwidth"]
        return seconds, does


@dataclass(frozen=True)
class Worker:
    """A worker of the fleet."""

    number: int
    gpu: bool


@dataclass
class Kind:
    """What is known of the tasks of a kind."""

    tasks: int = 0
    jobs: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    began: float = math.inf
    ended: float = 0.0


class Fleet:
    """An executor of workers on a simulated clock: each takes one job, and may be lost."""

    def __init__(self, store: Paper, costs: Costs, workers: int, gpus: int, lost_per_hour: float) -> None:
        self.store, self.costs, self.lost_per_hour = store, costs, lost_per_hour
        self.free = {
            gpu: [Worker(k, gpu) for k in range(count)] for gpu, count in ((True, gpus), (False, workers - gpus))
        }
        self.now, self.running, self.lost = 0.0, 0, 0
        self._random = np.random.default_rng(costs.seed)
        self._coming: list[tuple[float, int, Worker, Job[Any] | None, bool, float]] = []
        self._order, self._answered, self.waited = 0, 0, 0.0
        self.kinds: dict[str, Kind] = {}
        self.done = Counter[str]()
        self.busy = {True: 0.0, False: 0.0}
        self.wasted = 0.0
        self.loads: dict[int, Counter[str]] = {}

    def _count(self, does: Mapping[str, int]) -> None:
        self.loads.setdefault(int(self.now // WINDOW), Counter()).update(does)

    def busiest(self, of: str) -> float:
        """The most of something in a second, over the busiest window."""
        return max((counts[of] for counts in self.loads.values()), default=0) / WINDOW

    def _place(self, needs: Needs) -> list[Worker]:
        """Workers that are free for what needs so much: who needs no GPU takes one only where nothing else is free."""
        if needs.gpus is None or needs.gpus:
            return self.free[True]
        return self.free[False] or self.free[True]

    def room(self, needs: Needs) -> bool:
        """Whether a worker is free; with nothing given, wait for one that comes back."""
        while not self._place(needs) and not self.running and self._coming:
            self._next()
        return bool(self._place(needs))

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Give a job to a worker; find out now when it ends."""
        self._catch_up()
        worker = self._place(job.needs).pop()
        seconds, _ = self.costs.of(job.task)
        lives = self._random.exponential(3600 / self.lost_per_hour) if self.lost_per_hour else math.inf
        self.running += 1
        self._count({"messages": 1})
        self._at(min(seconds, lives), worker, job, lives < seconds, self.now)

    def _at(self, seconds: float, worker: Worker, job: Job[Any] | None, lost: bool, since: float) -> None:
        self._order += 1
        heapq.heappush(self._coming, (self.now + seconds, self._order, worker, job, lost, since))

    def _catch_up(self) -> None:
        """Let the time pass that the run itself waited for the store: workers go on, but are given nothing."""
        asked = self.store.asked.total()
        waited = (asked - self._answered) * self.costs["latency"]
        self.now, self.waited, self._answered = self.now + waited, self.waited + waited, asked

    def _next(self) -> tuple[Job[Any], Any] | None:
        """Go on to what comes next; return a job that is over, if it is one."""
        self._catch_up()
        over, _, worker, job, lost, since = heapq.heappop(self._coming)
        self.now = max(self.now, over)
        if job is None:
            self.free[worker.gpu].append(worker)
            return None
        self.running -= 1
        self.busy[worker.gpu] += over - since
        self._count({"messages": 1})
        if lost:
            self.lost += 1
            self.wasted += over - since
            self._at(self.costs["start"], worker, None, False, self.now)
            return job, Lost("the worker is gone")
        self.free[worker.gpu].append(worker)
        _, does = self.costs.of(job.task)
        self._count(does)
        self.done.update(does)
        kind = self.kinds.setdefault(kind_of(job.task[0]), Kind())
        kind.tasks += len(job.task)
        kind.jobs += 1
        kind.seconds += over - since
        kind.longest = max(kind.longest, over - since)
        kind.began, kind.ended = min(kind.began, since), max(kind.ended, over)
        for task in job.task:
            self.store.make(task)
        return job, tuple(Outcome(task) for task in job.task)

    def hear(self) -> tuple[Job[Any], Any]:
        """Go on until a job is over."""
        while (found := self._next()) is None:
            pass
        return found

    def close(self) -> None:
        """Let the time of the last plan pass too."""
        self._catch_up()


class Run(loop._Work):
    """The loop of a real run, with its planning timed."""

    store: Paper

    def _mine(self) -> Iterator[Node]:
        """What is left: what answers a tile is told by its key, for its rows are nowhere."""
        for node in super()._mine():
            if not (isinstance(node.task, Tile) and node.task.key in self.store.results_there):
                yield node


@dataclass(frozen=True)
class Found:
    """What came of a simulation."""

    fleet: Fleet
    plan: Plan
    failed: int
    plans: tuple[float, ...]
    """Seconds of this machine's processor for each plan, with its graph."""
    own: float
    """Seconds that the loop took besides."""
    peak: int
    """Bytes of this process at most."""
    chain: float
    """Seconds of the longest chain of needs: with a worker for each task, no run is shorter."""


def experiment(models: Iterable[str], datasets: int, layers: Iterable[str], measures: Iterable[str]) -> Experiment:
    """Return an experiment of models of the hub, compared by products with closed-form chance."""
    return Experiment.of(
        {
            "name": "simulation",
            "models": list(models),
            "datasets": [
                {"name": f"data-{i}", "source": f"organisation/data-{i}", "template": "{text}"} for i in range(datasets)
            ],
            "representation": {"layers": list(layers)},
            "measures": list(measures),
            "statistics": {"chance": "moments", "permutations": 0, "groups": 0},
        }
    )


def simulate(
    asked: Experiment, costs: Costs, workers: int, gpus: int, device: str = "cuda", lost_per_hour: float = 0.0
) -> Found:
    """Run an experiment on a fleet that there is not."""
    plan, plans = loop.plan, list[float]()

    def planned(*given: Any) -> Plan:
        start = process_time()
        try:
            return plan(*given)
        finally:
            plans.append(process_time() - start)

    with tempfile.TemporaryDirectory() as folder:
        store = Paper(Path(folder) / "store", costs.rows, costs.features)
        fleet = Fleet(store, costs, workers, gpus, lost_per_hour)
        work = Run(asked, store, Settings(store.folder, device, 1), fleet, None, unwatched)
        start = process_time()
        try:
            # More than likewise plans is told, and shown as what breaks.
            with patch.object(limits, "MOST", sys.maxsize), patch.object(loop, "plan", planned):
                current = work.to_the_end()
        finally:
            fleet.close()
            work.record.over("done")
        own = process_time() - start - sum(plans)
    # In KiB, but for macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)
    chain = sum(kind.longest for kind in fleet.kinds.values())
    return Found(fleet, current, len(work.failed), tuple(plans), own, peak, chain)


def measured(rows: int, features: int, count: int) -> dict[str, Number]:
    """Measure on this machine what reducing and comparing take, and what a small file takes to be written and read."""
    chosen, trust = configurations(["cka"]), Trust("moments", 0, groups=0)
    labels = tuple(c.label for c in chosen)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        settings = Settings(store.folder, "cpu", 1)
        keys = [f"{i:024x}" for i in range(count)]
        for i, key in enumerate(keys):
            matrix = synthetic(rows, features, np.random.default_rng([1, i])).astype(np.float32)
            store.save_representation(Representation(matrix, (), key, key, {"prompts": "synthetic"}), {})

        def seconds(task: Task) -> float:
            start = perf_counter()
            if error := perform(task, settings=settings).error:
                raise SystemExit(error)
            return perf_counter() - start

        seconds(Reduce("synthetic", tuple(keys[:1]), labels))  # what is imported and compiled once
        reduce = seconds(Reduce("synthetic", tuple(keys), labels)) / count
        sizes, taken = [], []
        tile = Tile("synthetic", tuple(keys[:2]), tuple(keys[:2]), labels, trust)
        seconds(tile)
        for k in (count // 4, count // 2, count):
            some = tuple(keys[:k])
            tile = Tile("synthetic", some, some, labels, trust)
            taken.append(min(seconds(tile) for _ in range(3)))
            sizes.append((k, tile.n_pairs))
        side, pair = nnls(np.asarray(sizes, dtype=float), np.asarray(taken))[0]
        results = Results(rows_of_tile(store, tile))
        row = sum(store.result_path(tile.key).with_suffix(end).stat().st_size for end in (".parquet", ".seconds"))
        start = perf_counter()
        for i in range(10):
            store.save_pin("model", f"organisation/model-{i}", "main", "0" * 40)
            store.pin("model", f"organisation/model-{i}", "main")
        latency = (perf_counter() - start) / 30  # whether it is there, written, read
    here = f"measured here, {rows} x {features}"
    return {
        "reduce": Number(reduce, "s a representation and measure", here),
        "side": Number(side, "s a side of a tile", here),
        "pair": Number(pair, "s a pair of a tile", here),
        "row": Number(row / tile.n_pairs, "bytes a row in a file", "measured here"),
        "kept": Number(results.table.nbytes / tile.n_pairs, "bytes a row in memory", "measured here"),
        "latency": Number(latency, "s a request to the store", "measured here, on a local disk"),
    }


def rows_of_tile(store: Store, tile: Tile) -> Any:
    """Return the rows of a tile that is done."""
    return next(table for _, table in store.tables(tile.key))


def numbers_of(given: argparse.Namespace) -> dict[str, Number]:
    """Return every number with where it comes from."""

    def said(value: float, unit: str, option: str, default: bool, how: str = "assumed") -> Number:
        return Number(value, unit, f"{how}; {option}" if default else f"given by {option}")

    def told(option: str) -> bool:
        return bool(getattr(given, option) is not None)

    found = measured(given.rows, given.features, given.measured)
    parameters = given.parameters
    bandwidth = 1e6 * given.megabytes_per_second
    load = 2 * parameters / bandwidth if given.load_seconds is None else given.load_seconds
    work = 2 * parameters * given.rows * given.tokens
    extract = work / (1e12 * given.teraflops) if given.extract_seconds is None else given.extract_seconds
    found |= {
        "parameters": Number(parameters, "weights of a model on average", "--parameters"),
        "bandwidth": Number(bandwidth, "bytes a second, of a worker", "--megabytes-per-second"),
        "load": said(load, "s to load a model", "--load-seconds", not told("load_seconds"), "2 bytes a weight"),
        "extract": said(
            extract, "s for a model on a data set", "--extract-seconds", not told("extract_seconds"),
            f"2 x weights x {given.rows:,} prompts x {given.tokens} tokens at {given.teraflops:g} teraflops",
        ),
        "pin": Number(given.pin_seconds, "s to ask the hub once", "--pin-seconds"),
        "start": Number(given.start_seconds, "s until a lost worker is back", "--start-seconds"),
        "overhead": Number(given.overhead_ms / 1000, "s of the executor for a task", "--overhead-ms; see scale.py"),
    }  # fmt: skip
    if told("reduce_seconds"):
        found["reduce"] = said(given.reduce_seconds, found["reduce"].unit, "--reduce-seconds", False)
    if told("latency_ms"):
        found["latency"] = said(given.latency_ms / 1000, found["latency"].unit, "--latency-ms", False)
    return found


def breaks(found: Found, costs: Costs, given: argparse.Namespace) -> list[tuple[str, float, float, str]]:
    """Return what could break: its name, the load on it, its limit, and where the limit comes from; the worst first."""
    fleet, store = found.fleet, found.fleet.store
    largest = max(len(d.wanted) for d in found.plan.datasets)
    rows = sum(d.pairs for d in found.plan.datasets) * len(found.plan.experiment.configurations)
    messages = sum(counts["messages"] for counts in fleet.loads.values())
    table = [
        ("representations of a data set", largest, limits.MOST, "likewise refuses more"),
        ("rows of all results in memory, GiB", rows * costs["kept"] / 2**30, memory() / 4 / 2**30,
         "a quarter of this machine's memory; likewise refuses more"),
        ("the plan's memory, GiB", found.peak / 2**30, memory() / 2**30, "this machine's memory"),
        ("a plan, s", max(found.plans), 60, "workers wait meanwhile"),
        ("the run's own requests to the store, s", fleet.waited, fleet.now, "the whole run; workers wait"),
        ("messages a second", fleet.busiest("messages"), messages / max(found.own, 1e-9), "the run's loop, measured"),
        ("requests to the store a second", fleet.busiest("requests"), given.store_requests, "--store-requests"),
        ("gigabytes to and from the store a second", (fleet.busiest("read") + fleet.busiest("written")) / 1e9,
         given.store_gigabytes, "--store-gigabytes"),
        ("names in a listing of the store", 2 * len(store.made), given.store_names, "--store-names"),
        ("questions to the hub a second", fleet.busiest("hub"), given.hub_requests, "--hub-requests"),
        ("gigabytes of weights a second", fleet.busiest("weights") / 1e9, given.hub_gigabytes, "--hub-gigabytes"),
    ]  # fmt: skip
    return sorted(table, key=lambda row: -row[1] / row[2])


def bounds(found: Found, given: argparse.Namespace) -> list[tuple[str, float]]:
    """Return the seconds that no run takes much less than, each with what asks for them; the longest first."""
    fleet = found.fleet
    able = given.gpus if given.device == "cuda" else given.workers
    moved = fleet.done["read"] + fleet.done["written"]
    table = [
        ("work, shared evenly among workers", sum(fleet.busy.values()) / able),
        ("the slowest task of each kind, one after the other", found.chain),
        ("the run's own requests to the store", fleet.waited),
        ("all weights, at --hub-gigabytes", fleet.done["weights"] / 1e9 / given.hub_gigabytes),
        ("all questions to the hub, at --hub-requests", fleet.done["hub"] / given.hub_requests),
        ("all bytes of the store, at --store-gigabytes", moved / 1e9 / given.store_gigabytes),
        ("all requests of workers to the store, at --store-requests", fleet.done["requests"] / given.store_requests),
    ]
    return sorted(table, key=lambda row: -row[1])


def show(found: Found, costs: Costs, given: argparse.Namespace) -> None:
    """Print it all."""
    fleet = found.fleet
    print("\n| what a task takes | | from |\n|---|---|---|")
    for number in costs.numbers.values():
        print(f"| {number.value:,.4g} | {number.unit} | {number.origin} |")
    print("\n| tasks | of them | jobs | seconds of a job | of the longest | first begins, h | last ends, h |")
    print("|---|---|---|---|---|---|---|")
    for name, kind in fleet.kinds.items():
        print(
            f"| {name} | {kind.tasks:,} | {kind.jobs:,} | {kind.seconds / kind.jobs:,.1f} | {kind.longest:,.1f} "
            f"| {kind.began / 3600:.3f} | {kind.ended / 3600:.3f} |"
        )
    pairs = sum(d.pairs for d in found.plan.datasets)
    kept = len(fleet.store.made) * costs.matrix
    counts = {True: given.gpus, False: given.workers - given.gpus}
    prices = {True: given.gpu_price, False: given.worker_price}
    used = {gpu: fleet.busy[gpu] / (fleet.now * count) if count else None for gpu, count in counts.items()}
    shared = bounds(found, given)
    hours = max(fleet.now, shared[0][1]) / 3600
    price = sum(count * prices[gpu] for gpu, count in counts.items())
    asked = fleet.store.asked
    print("\n| | |\n|---|---|")
    for name, value in (
        ("scores", f"{pairs * len(found.plan.experiment.configurations):,}"),
        ("written to the store", f"{fleet.done['written'] / 1e9:,.1f} GB, {kept / 1e9:,.1f} of it representations"),
        ("read from the store", f"{fleet.done['read'] / 1e9:,.1f} GB"),
        ("weights loaded", f"{fleet.done['weights'] / 1e12:,.1f} TB in {fleet.done['loads']:,} loads"),
        ("requests to the store by workers", f"{fleet.done['requests']:,}"),
        ("requests to the store by the run itself", f"{asked.total():,} in {len(found.plans)} plans"),
        ("most of them", ", ".join(f"{count:,} for {name}" for name, count in asked.most_common(3))),
        ("work of workers", f"{sum(fleet.busy.values()) / 3600:,.1f} h"),
        ("lost workers", f"{fleet.lost:,}, and {fleet.wasted / 3600:,.1f} h of work with them"),
        ("tasks that failed", f"{found.failed:,}"),
        ("wall time, each worker with all that it asks for", f"{fleet.now / 3600:,.2f} h"),
        ("utilisation of workers with a GPU", "none" if used[True] is None else f"{100 * used[True]:.0f} %"),
        ("utilisation of workers without", "none" if used[False] is None else f"{100 * used[False]:.0f} %"),
        ("wall time, with what all share, at least", f"{hours:,.2f} h"),
        ("time of workers, paid", f"{hours * given.workers:,.0f} h"),
        ("cost", f"{hours * price:,.0f} at {prices[True]:g} an hour with a GPU, {prices[False]:g} without"),
    ):  # fmt: skip
        print(f"| {name} | {value} |")
    print("\n| no run takes much less than | h |\n|---|---|")
    for name, seconds in shared:
        print(f"| {name} | {seconds / 3600:,.3f} |")
    print("\n| what breaks first | load | limit | share of it | the limit is |\n|---|---|---|---|---|")
    for name, load, limit, why in breaks(found, costs, given):
        print(f"| {name} | {load:,.4g} | {limit:,.4g} | {100 * load / limit:,.0f} % | {why} |")


def parser() -> argparse.ArgumentParser:
    """Return what can be asked for."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = words.add_argument
    add("--models", type=int, default=5000)
    add("--datasets", type=int, default=3)
    add("--layers", nargs="+", default=["last"])
    add("--measures", nargs="+", default=["cka"], help="such as follow from one vector of each representation")
    add("--workers", type=int, default=1000)
    add("--gpus", type=int, default=1000, help="workers that have a GPU")
    add("--device", choices=["cpu", "cuda"], default="cuda")
    add("--rows", type=int, default=512, help="prompts of a data set")
    add("--features", type=int, default=1024, help="width of a model")
    add("--tokens", type=int, default=128, help="of a prompt")
    add("--parameters", type=float, default=7e9, help="weights of a model, on average")
    add("--spread", type=float, default=0.7, help="of the logarithm of a model's size; 0: all are as large")
    add("--teraflops", type=float, default=100.0, help="that a worker reaches")
    add("--megabytes-per-second", type=float, default=500.0, help="that a worker reads or writes")
    add("--load-seconds", type=float)
    add("--extract-seconds", type=float, help="of a model of average size on one data set")
    add("--reduce-seconds", type=float, help="of a representation")
    add("--tile-seconds", type=float, help="of the largest tile")
    add("--pin-seconds", type=float, default=0.5)
    add("--latency-ms", type=float, help="of a request to the store")
    add("--overhead-ms", type=float, default=20.0)
    add("--start-seconds", type=float, default=120.0)
    add("--lost-per-hour", type=float, default=0.0, help="how often a worker is taken away")
    add("--gpu-price", type=float, default=2.0, help="of an hour of a worker with a GPU")
    add("--worker-price", type=float, default=0.1, help="of an hour of a worker without")
    add("--store-requests", type=float, default=3500.0, help="that the store takes in a second")
    add("--store-gigabytes", type=float, default=10.0, help="that the store moves in a second")
    add("--store-names", type=float, default=1e6, help="that a folder can hold and list")
    add("--hub-requests", type=float, default=3.0, help="that the hub takes in a second")
    add("--hub-gigabytes", type=float, default=10.0, help="of weights that can be had in a second")
    add("--measured", type=int, default=64, help="representations that times are measured with")
    add("--largest-first", action="store_true", help="the largest model stands first in the experiment")
    add("--seed", type=int, default=0)
    return words


def main(words: list[str] | None = None) -> None:
    """Measure, simulate, print."""
    given = parser().parse_args(words)
    if not 0 <= given.gpus <= given.workers or (given.device == "cuda" and not given.gpus):
        raise SystemExit(f"--gpus {given.gpus} of --workers {given.workers}; expected one with --device cuda, not more")
    numbers = numbers_of(given)
    costs = Costs(numbers, given.rows, given.features, given.spread, given.seed)
    models = [f"organisation/model-{i}" for i in range(given.models)]
    if given.largest_first:
        models.sort(key=costs.size, reverse=True)
    asked = experiment(models, given.datasets, given.layers, given.measures)
    if given.tile_seconds is not None:
        across = block_size(given.models * len(given.layers), 3 * costs.vector, LONGEST_BY_PRODUCT)
        origin = f"given by --tile-seconds, for {across} x {across} pairs"
        numbers |= {
            "side": Number(0.0, numbers["side"].unit, "in --tile-seconds"),
            "pair": Number(given.tile_seconds / across**2, numbers["pair"].unit, origin),
        }
        costs = replace(costs, numbers=numbers)
    found = simulate(asked, costs, given.workers, given.gpus, given.device, given.lost_per_hour)
    print(
        f"{given.models:,} models, {given.datasets} data sets, layers {' '.join(given.layers)}, "
        f"{' '.join(given.measures)}; {given.workers:,} workers, {given.gpus:,} with a GPU"
    )
    show(found, costs, given)


if __name__ == "__main__":
    main()
