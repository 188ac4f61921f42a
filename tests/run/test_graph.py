"""Tasks start as soon as what they need is there, wherever they run, and the bytes are those of the reference."""

import itertools
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InputError, LikewiseError, ModelError
from likewise.plan import Experiment, Extract, Tile, graph, made_by, plan
from likewise.run import Job, Lost, Serial
from likewise.run.shard import Shard
from likewise.store import Store
from stored import content

Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture
def asked(experiment: dict[str, Any]) -> dict[str, Any]:
    """Three models, two data sets; one with scores by products, as inputs of the other belong together."""
    few = [{**experiment["datasets"][0], "limit": 12}, {**experiment["datasets"][1], "limit": 8}]
    return {**experiment, "datasets": few, "measures": ["cka", "jaccard(k=3)"]}


@pytest.fixture
def reference(asked: dict[str, Any], once: Once) -> dict[str, str]:
    return content(once("graph of few prompts", lambda folder: likewise.run(asked, folder)))


class Noting(Serial):
    """Writes down what begins and what ends, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, Any]] = []

    def hear(self) -> Any:
        tasks = self._given[0][1].task
        self.events += [("begin", task) for task in tasks]
        heard = super().hear()
        self.events += [("end", task) for task in tasks]
        return heard


def test_the_first_tile_ends_before_the_last_extraction_starts(asked: dict[str, Any], tmp_path: Path) -> None:
    executor = Noting()
    likewise.run(asked, tmp_path, executor=executor)
    tile = executor.events.index(next(e for e in executor.events if e[0] == "end" and isinstance(e[1], Tile)))
    last = max(i for i, (what, task) in enumerate(executor.events) if what == "begin" and isinstance(task, Extract))
    assert tile < last


def test_nothing_starts_before_what_it_needs(asked: dict[str, Any], tmp_path: Path) -> None:
    executor = Noting()
    asked |= {"measures": ["cka", "rsa"], "statistics": {"permutations": 0, "groups": 0}}
    done = likewise.run(asked, tmp_path, executor=executor)
    assert not done.failed and {type(task).__name__ for _, task in executor.events} == {"Extract", "Reduce", "Tile"}
    made: set[str] = set()
    for what, task in executor.events:
        if what == "end":
            made.update(made_by(task))
        elif not isinstance(task, Extract):
            assert made.issuperset(task.representations)


def test_a_model_is_loaded_once_for_all_its_data_sets(
    asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["likewise.extraction.backends.inside"]
    load, loaded = module.load_model, list[Any]()
    monkeypatch.setattr(module, "load_model", lambda *a, **k: loaded.append(a) or load(*a, **k))  # type: ignore[func-returns-value]
    likewise.run({**asked, "measures": []}, tmp_path)
    assert len(loaded) == 3


@pytest.mark.long("a plan after each task")
def test_a_plan_cuts_the_same_tiles_however_much_is_there(
    asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    """So that neither the order of tasks nor a stop changes the files of results."""
    value, store, counts = Experiment.of(asked), Store(tmp_path), list[int]()
    final = {Path(name).name.partition(".")[0] for name in reference if name.startswith("results")}

    class Looking(Serial):
        def hear(self) -> Any:
            heard = super().hear()
            planned = plan(value, store)
            if all(d.final for d in planned.datasets):
                counts.append(len(planned.tiles))
                assert {tile.key for tile in planned.tiles} <= final
            return heard

    likewise.run(asked, tmp_path, executor=Looking())
    assert counts[0] == len(final) and counts[-1] == 0


@pytest.mark.parametrize(
    "kind", ["threads", pytest.param("processes", marks=pytest.mark.long("each process loads torch"))]
)
def test_any_executor_of_the_standard_library_gives_the_same_bytes(
    kind: str, asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    pool = ThreadPoolExecutor(4) if kind == "threads" else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    with pool:
        done = likewise.run(asked, tmp_path, executor=pool)
        assert pool.submit(len, "abc").result() == 3
    assert not done.failed and content(tmp_path) == reference


def test_what_has_futures_of_its_own_is_asked_until_they_are_done(
    asked: dict[str, Any], reference: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["likewise.run.futures"], "EVERY", 0.001)

    class Later:
        """What a batch system returns; the first ones are lost."""

        def __init__(self, number: int, *call: Any) -> None:
            self.number, self.call, self.asked = number, call, 0

        def done(self) -> bool:
            self.asked += 1
            return self.asked > 2

        def result(self) -> Any:
            if self.number < 2:
                raise TimeoutError("the node is gone")
            do, *arguments = self.call
            return do(*arguments)

    class Batch:
        numbers = itertools.count()

        def submit(self, *call: Any) -> Later:
            return Later(next(self.numbers), *call)

    done = likewise.run(asked, tmp_path, executor=Batch())  # type: ignore[arg-type]
    assert not done.failed and content(tmp_path) == reference


def test_an_executor_that_was_shut_down_is_said_in_one_line(asked: dict[str, Any], tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        pass
    with pytest.raises(LikewiseError, match="the executor takes no more work"):
        likewise.run(asked, tmp_path, executor=pool)


class Fragile(Serial):
    """Loses the workers of jobs, some times each or always."""

    def __init__(self, times: int, only: type) -> None:
        super().__init__()
        self.times, self.only = times, only
        self.lost: dict[str, int] = {}

    def hear(self) -> tuple[Job[Any], Any]:
        (task, *_) = self._given[0][1].task
        count = self.lost.get(task.key, 0)
        if isinstance(task, self.only) and count < self.times:
            self.lost[task.key] = count + 1
            return self._given.pop(0)[1], Lost("the machine burnt down")
        return super().hear()


@pytest.mark.parametrize("only", [pytest.param(Extract, marks=pytest.mark.long("a whole run")), Tile])
def test_a_worker_may_be_lost_twice_in_each_job(
    only: type, asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    done = likewise.run(asked, tmp_path, executor=Fragile(2, only))
    assert not done.failed and content(tmp_path) == reference


def test_what_is_lost_each_time_is_listed_with_its_reason_and_the_rest_goes_on(
    asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    executor = Fragile(9, Tile)
    done = likewise.run(asked, tmp_path, executor=executor)
    assert set(executor.lost.values()) == {3} and len(done.failed) == len(executor.lost)
    assert {outcome.error for outcome in done.failed} == {"the machine burnt down"}
    rows = {name: of for name, of in reference.items() if not name.startswith("results")}
    assert content(tmp_path) == rows
    assert not likewise.run(asked, tmp_path).failed and content(tmp_path) == reference


@pytest.mark.parametrize(("error", "tries"), [(OSError("a bad disk"), 3), (ModelError("no such model"), 1)])
def test_what_fails_each_time_is_tried_three_times_unless_the_request_is_wrong(
    error: Exception, tries: int, asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = sys.modules["likewise.run.worker"]
    extract, tried = worker.extract_task, list[str]()

    def failing(task: Extract, *more: Any) -> None:
        if task.label == "other on humaneval":
            tried.append(task.label)
            raise error
        extract(task, *more)

    monkeypatch.setattr(worker, "extract_task", failing)
    done = likewise.run(asked, tmp_path)
    assert len(tried) == tries and [str(error) in outcome.error for outcome in done.failed] == [True]
    assert [tile.dataset for tile in done.blocked] == ["humaneval"] * len(done.blocked) and done.blocked
    # What the model lacks on one data set holds back nothing on the other, nor pairs without it.
    pairs = {(r.dataset, frozenset((r.a, r.b))) for r in done.results}
    assert len(pairs) == 6 + 3


@pytest.mark.parametrize(
    ("measures", "moments"),
    [
        (["cka", "jaccard(k=3)"], (1, 3, 6)),
        pytest.param(["cka", "rsa"], (1, 3, 5, 6), marks=pytest.mark.long("two whole runs for each moment")),
    ],
    ids=["by pair", "by product"],
)
def test_two_runs_at_once_on_one_store_lose_nothing(
    measures: list[str], moments: tuple[int, ...], experiment: dict[str, Any], tmp_path: Path
) -> None:
    """A whole run between any two tasks of another, which tidies away what that would have used."""
    asked = {**experiment, "measures": measures, "statistics": {"permutations": 0, "groups": 0}}
    asked["datasets"] = experiment["datasets"][1:]
    wanted = content(likewise.run(asked, tmp_path / "quiet").store)

    class Disturbed(Serial):
        def __init__(self, after: int) -> None:
            super().__init__()
            self.after = after

        def hear(self) -> Any:
            heard = super().hear()
            self.after -= 1
            if self.after == 0:
                assert not likewise.run(asked, folder).failed
            return heard

    for after in moments:
        folder = tmp_path / str(after)
        executor = Disturbed(after)
        done = likewise.run(asked, folder, executor=executor)
        assert not done.failed and not done.blocked and content(folder) == wanted
        assert executor.after <= 0


# Shards


MORE = pytest.mark.long("one more number of shards")


@pytest.mark.parametrize("count", [pytest.param(1, marks=MORE), pytest.param(2, marks=MORE), 7])
def test_shards_give_the_bytes_of_one_run(
    count: int, asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    for _ in range(4):
        done = [likewise.run(asked, tmp_path, shard=f"{number}/{count}") for number in range(1, count + 1)]
        assert not any(d.failed or d.blocked for d in done)
        if not done[-1].left:
            break
    assert content(tmp_path) == reference
    assert not likewise.run(asked, tmp_path).performed


def test_a_shard_does_only_what_falls_to_it(asked: dict[str, Any], tmp_path: Path) -> None:
    everything = {t.key: t for t in plan(Experiment.of(asked), Store(tmp_path)).extractions}
    for number in range(3):
        share = Shard(number, 3)
        wanted = {w.key for t in everything.values() if share.takes(t) for w in t.wanted}
        done = likewise.run(asked, tmp_path / str(number), shard=share)
        assert set(Store(done.store).representations()) == wanted
        assert done.left or len(wanted) == 8
    assert sum(Shard(n, 3).takes(t) for t in everything.values() for n in (1, 2, 3)) == len(everything)
    assert all(Shard.of("1/1").takes(t) for t in everything.values())
    assert [Shard(0, 3).takes(t) for t in everything.values()] == [Shard(3, 3).takes(t) for t in everything.values()]


@pytest.mark.parametrize("text", ["", "3", "4/3", "0/0", "-1/3", "1/3/3", "a/b", "1.5/3", "٣/٤", "1/3 "])
def test_what_is_no_shard_is_refused(text: str, asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected NUMBER/COUNT such as 3/16"):
        likewise.run(asked, tmp_path, shard=text)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"ID": "5", "COUNT": "16", "MIN": "0"}, Shard(5, 16)),
        ({"ID": "16", "COUNT": "16", "MIN": "1"}, Shard(15, 16)),
        ({"ID": "9", "COUNT": "3", "MIN": "1", "STEP": "4"}, Shard(2, 3)),
        ({"ID": "7", "COUNT": "2", "MIN": "3", "STEP": "1"}, "is no regular one of 2"),
        ({"ID": "7"}, "SLURM_ARRAY_TASK_COUNT is not set"),
        ({"COUNT": "7"}, "SLURM_ARRAY_TASK_ID is not set"),
        ({"ID": "x", "COUNT": "7"}, "SLURM_ARRAY_TASK_ID is 'x'"),
    ],
)
def test_a_slurm_array_says_which_shard(told: dict[str, str], wanted: Shard | str) -> None:
    environment = {f"SLURM_ARRAY_TASK_{word}": value for word, value in told.items()}
    if isinstance(wanted, Shard):
        assert Shard.of("slurm", environment) == wanted
    else:
        with pytest.raises(InputError, match=wanted):
            Shard.of("slurm", environment)


def test_a_graph_tells_what_each_task_waits_for(asked: dict[str, Any], tmp_path: Path) -> None:
    nodes = list(graph(plan(Experiment.of(asked), Store(tmp_path)), Store(tmp_path)))
    assert all(isinstance(node.task, Extract) and not node.after for node in nodes)  # no data set has a row yet
    likewise.run({**asked, "models": asked["models"][:1], "measures": []}, tmp_path)
    nodes = list(graph(plan(Experiment.of(asked), Store(tmp_path)), Store(tmp_path)))
    made = {key for node in nodes for key in node.makes}
    waiting = [node for node in nodes if node.after]
    assert waiting and all(node.after <= made for node in waiting)
    assert any(isinstance(node.task, Tile) and not node.after for node in nodes)
