"""The simulation of a fleet: the tasks of a real plan, each done once, in times that can be worked out by hand."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulation import Costs, Found, Number, Paper, bounds, breaks, experiment, parser, simulate

from likewise.plan import Extract, graph, plan
from likewise.representation import Representation
from likewise.run.record import kind_of
from likewise.store import Store

TAKES = {
    "pin": 0.5, "load": 20.0, "extract": 10.0, "reduce": 0.25, "side": 0.125, "pair": 0.03125, "overhead": 0.0,
    "latency": 0.0, "bandwidth": 1e30, "parameters": 1e9, "start": 60.0, "row": 100.0, "kept": 200.0,
}  # fmt: skip
COSTS = Costs({name: Number(value, "", "") for name, value in TAKES.items()}, rows=12, features=4, spread=0.0, seed=0)
MODELS = [f"organisation/model-{i}" for i in range(20)]


def of(
    count: int = 20, workers: int = 4, gpus: int = 4, costs: Costs = COSTS, device: str = "cuda", lost: float = 0.0
) -> Found:
    return simulate(experiment(MODELS[:count], 3, ["last"], ["cka"]), costs, workers, gpus, device, lost)


def tasks(found: Found) -> dict[str, int]:
    return {name: kind.tasks for name, kind in found.fleet.kinds.items()}


def test_its_tasks_are_those_of_a_plan_with_a_store_on_disk(tmp_path: Path) -> None:
    store, asked = Store(tmp_path), experiment(MODELS[:9], 2, ["last"], ["cka"])
    counts = Counter[str]()

    def left() -> list[str]:
        nodes = [node.task for node in graph(plan(asked, store), store)]
        return [kind_of(task) for task in nodes]

    counts["pins"] = left().count("pins")
    for task in plan(asked, store).resolutions:
        store.save_pin(task.kind, task.hub, task.revision, "0" * 40, 4, 2, {"pooling": None, "why_not": None})
    counts["extractions"] = left().count("extractions")
    rng = np.random.default_rng(0)
    for node in graph(plan(asked, store), store):
        if isinstance(node.task, Extract):
            for w in node.task.wanted:
                rows = rng.normal(size=(12, 4)).astype(np.float32)
                store.save_representation(Representation(rows, (), w.key, w.key), {})
    counts.update(left())
    found = simulate(asked, COSTS, 4, 4)
    assert tasks(found) == dict(counts)
    assert counts == {"pins": 11, "extractions": 18, "reductions": 4, "tiles": 2 * 6}


def test_one_worker_takes_the_sum_of_all_tasks() -> None:
    found = of(workers=1, gpus=1)
    assert tasks(found) == {"pins": 23, "extractions": 60, "reductions": 9, "tiles": 30}
    pairs = 3 * 20 * 19 // 2
    # Four blocks of five along a side: each block meets itself and three others.
    sides = 3 * (4 * 5 + 6 * 10)
    assert found.fleet.now == 23 * 0.5 + 20 * 20.0 + 60 * 10.0 + 60 * 0.25 + sides * 0.125 + pairs * 0.03125
    assert found.fleet.busy[True] == found.fleet.now
    assert found.fleet.done["loads"] == 20
    assert found.fleet.done["written"] == 60 * 4 * 12 * 4 + 60 * 8 * 12 * 13 // 2 + 100 * pairs


def test_more_workers_are_as_quick_as_work_and_needs_let_them() -> None:
    few, many = of(workers=4, gpus=4), of(workers=500, gpus=500)
    for found, workers in ((few, 4), (many, 500)):
        work = sum(found.fleet.busy.values())
        assert max(work / workers, 0.5 + 50.0 + 0.25) < found.fleet.now <= work / workers + found.chain
    assert many.fleet.now <= many.chain == 0.5 + 50.0 + 8 * 0.25 + 10 * 0.125 + 25 * 0.03125
    # Tiles of models that are done do not wait for the others.
    assert few.fleet.kinds["tiles"].began < few.fleet.kinds["extractions"].ended


def test_the_same_numbers_give_the_same_run() -> None:
    costs = replace(COSTS, spread=1.0)
    first, again = (of(costs=costs, lost=20.0) for _ in range(2))
    assert (first.fleet.now, first.fleet.kinds, first.fleet.loads, first.fleet.store.asked) == (
        again.fleet.now, again.fleet.kinds, again.fleet.loads, again.fleet.store.asked,
    )  # fmt: skip
    assert of(costs=replace(costs, seed=1)).fleet.now != of(costs=costs).fleet.now


def test_lost_workers_cost_time_and_no_task() -> None:
    whole, broken = of(), of(lost=20.0)
    assert broken.fleet.lost > 0 == whole.fleet.lost
    assert broken.failed == 0
    assert tasks(broken) == tasks(whole)
    assert broken.fleet.now > whole.fleet.now


def test_a_task_whose_workers_are_always_lost_is_given_up_and_the_run_ends() -> None:
    found = of(count=3, workers=1, gpus=1, lost=1e4)
    assert found.failed > 0
    assert found.fleet.lost >= 3 * found.failed


def test_workers_without_a_gpu_are_given_pins_alone() -> None:
    found = of(workers=8, gpus=2)
    assert 0 < found.fleet.busy[False] <= 23 * 0.5
    assert of(workers=8, gpus=2, device="cpu").fleet.now < found.fleet.now


def test_sizes_of_models_are_one_on_average() -> None:
    costs = replace(COSTS, spread=0.7)
    sizes = [costs.size(f"model-{i}") for i in range(4000)]
    assert np.mean(sizes) == pytest.approx(1.0, abs=0.05)
    assert np.std(np.log(sizes)) == pytest.approx(0.7, abs=0.03)


def test_what_breaks_first_stands_first() -> None:
    found = of()
    rows = breaks(found, COSTS, parser().parse_args(["--hub-requests", "0.001"]))
    assert rows[0][0] == "questions to the hub a second"
    assert [load / limit for _, load, limit, _ in rows] == sorted((r[1] / r[2] for r in rows), reverse=True)
    assert {name: load for name, load, *_ in rows}["questions to the hub a second"] == 2.3  # 23 in ten seconds


def test_the_store_counts_what_it_is_asked(tmp_path: Path) -> None:
    store = Paper(tmp_path, 12, 4)
    assert not store.has_representation("a" * 24)
    assert store.pin("model", "a", "main") is None
    assert store.asked == {"representations": 2, "pins": 1}


def test_what_all_share_decides_where_it_is_scarce() -> None:
    found = of()
    given = parser().parse_args(["--gpus", "4", "--workers", "4", "--hub-gigabytes", "0.1", "--hub-requests", "1"])
    shared = dict(bounds(found, given))
    assert next(iter(shared)) == "all weights, at --hub-gigabytes"
    assert shared["all weights, at --hub-gigabytes"] == pytest.approx(20 * 2e9 / 1e8)
    assert shared["all questions to the hub, at --hub-requests"] == 23
    assert shared["work, shared evenly among workers"] == sum(found.fleet.busy.values()) / 4


def test_a_slow_store_makes_the_run_itself_wait() -> None:
    numbers = COSTS.numbers | {"latency": Number(0.1, "", "")}
    slow = of(workers=100, gpus=100, costs=replace(COSTS, numbers=numbers))
    assert slow.fleet.waited == pytest.approx(0.1 * slow.fleet.store.asked.total())
    assert slow.fleet.now > slow.fleet.waited > of().fleet.waited == 0
