"""What every executor does, whatever its name, and how one is found by its name."""

import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import likewise
from jobs import die_once, halved, where, wrong
from likewise.cli.main import main
from likewise.errors import InputError, LikewiseError
from likewise.measures import footprint
from likewise.plan import Experiment, Needs, plan
from likewise.run import Job, Lost, Outcome, Processes, Serial, outcomes
from likewise.run.executors import OWN, choose, names
from likewise.store import Store

ALONE, WAITS = Needs(cores=None), Needs(cores=0)

# Those of clusters have tests of their own.
every = pytest.mark.parametrize("name", [name for name in OWN if name not in ("dask", "ray")])


def test_those_of_the_folder_are_known_by_their_files() -> None:
    folder = Path(importlib.import_module("likewise.run.executors").__file__ or "").parent
    assert (
        set(OWN) == {path.stem for path in folder.glob("*.py")} - {"__init__"} == {"serial", "processes", "dask", "ray"}
    )
    assert isinstance(choose("serial"), Serial) and isinstance(choose("processes"), Processes)


@every
def test_every_outcome_comes_and_every_task_is_heard_under_its_own_name(name: str) -> None:
    heard: dict[int, list[Any]] = {task: [] for task in range(1, 5)}
    jobs = [Job(task, needs, lambda *e, t=task: heard[t].append(e)) for task, needs in zip(
        heard, (Needs(), ALONE, Needs(nbytes=5), WAITS), strict=True)]  # fmt: skip
    assert sorted(outcomes(choose(name, 2), halved, jobs)) == [-4, -3, -2, -1]
    assert heard == {task: [("half", task, 2 * task)] for task in heard}
    assert list(outcomes(choose(name, 2), halved, [])) == []


@every
def test_what_wants_the_machine_is_done_alone(name: str, tmp_path: Path) -> None:
    wanted = [Needs(), ALONE, Needs(), Needs(), ALONE]
    jobs = [Job((str(tmp_path), number), needs) for number, needs in enumerate(wanted)]
    assert sorted(n for n, _ in outcomes(choose(name, 3), where, jobs)) == [0, 1, 2, 3, 4]
    times = {int(p.name): tuple(map(float, p.read_text().split())) for p in tmp_path.iterdir()}
    for (one, first), (other, second) in itertools.combinations(times.items(), 2):
        if wanted[one].alone or wanted[other].alone:
            assert first[1] <= second[0] or second[1] <= first[0]


def test_processes_hold_no_model_twice_and_start_no_worker_to_wait(tmp_path: Path) -> None:
    jobs = [Job((str(tmp_path), n), needs) for n, needs in enumerate([ALONE, WAITS, Needs()])]
    places = dict(outcomes(choose("processes", 1), where, jobs))
    assert places[0] == places[1] == os.getpid() != places[2]


@every
@pytest.mark.parametrize("needs", [Needs(), ALONE], ids=["shared", "alone"])
def test_what_goes_wrong_is_raised_here(name: str, needs: Needs) -> None:
    for task, kind in (("ours", LikewiseError), ("any", ZeroDivisionError)):
        with pytest.raises(kind, match=task):
            list(outcomes(choose(name, 1), wrong, [Job(task, needs)]))


@every
@pytest.mark.parametrize("needs", [Needs(), ALONE], ids=["shared", "alone"])
def test_nothing_is_begun_after_the_caller_stops(name: str, needs: Needs, tmp_path: Path) -> None:
    heard = outcomes(choose(name, 1), where, [Job((str(tmp_path), n), needs) for n in range(40)])
    next(heard)
    heard.close()  # type: ignore[attr-defined]
    there = len(list(tmp_path.iterdir()))
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == there < 40


def test_a_worker_that_dies_is_reported_and_another_takes_its_place() -> None:
    executor = Processes(1)
    executor.submit(die_once, Job(3))
    _, lost = executor.hear()
    assert isinstance(lost, Lost) and "a worker process died" in lost.why
    assert list(outcomes(executor, die_once, [Job(0), Job(0)])) == [0, 0]


@pytest.mark.long("two runs on each executor")
@every
def test_a_run_may_follow_another_on_the_same_executor(name: str) -> None:
    executor = choose(name, 2)
    for _ in range(2):
        assert sorted(outcomes(executor, halved, [Job(1), Job(2), Job(3, ALONE)])) == [-3, -2, -1]


# By name


PACKAGE = """
from pathlib import Path
Path(__file__).with_suffix(".loaded").touch()
from likewise.run import Serial
class Counted(Serial):
    def __init__(self, workers=None):
        super().__init__(workers)
        self.workers = workers
def needs_a_server(workers):
    raise ConnectionError("no server answers")
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Install packages that offer executors; returns the file that is there once one was loaded."""
    place = tmp_path / "site"
    monkeypatch.syspath_prepend(str(place))

    def install(package: str, **executors: str) -> Path:
        about = place / f"{package}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {package}:{value}" for name, value in executors.items()]
        (about / "entry_points.txt").write_text("\n".join(["[likewise.executors]", *lines]))
        (place / f"{package}.py").write_text(PACKAGE)
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, package, raising=False)
        return place / f"{package}.loaded"

    return install


def test_what_a_package_offers_is_loaded_only_when_it_is_named(packages: Callable[..., Path]) -> None:
    loaded = packages("a_package", counted="Counted", serial="Counted")
    assert names() == sorted([*OWN, "counted"])
    choose("processes", 1)
    assert type(choose("serial")) is Serial  # none of ours can be hidden
    with pytest.raises(InputError, match="unknown executor 'cuonted'; did you mean \"counted\""):
        choose("cuonted")
    assert not loaded.exists()
    made: Any = choose("counted", 7)
    assert (type(made).__name__, made.workers) == ("Counted", 7) and loaded.exists()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("needs_a_server", r"'odd' of the package a_package .*cannot be loaded: ConnectionError: no server answers"),
        ("absent", r"'odd' of the package a_package .*cannot be loaded: AttributeError"),
        ("Path", "expected the name of an executor, one with the methods room, submit, hear, close, or"),
    ],
)
def test_what_is_wrong_with_a_package_is_said_in_one_line(
    packages: Callable[..., Path], value: str, message: str
) -> None:
    packages("a_package", odd=value)
    with pytest.raises(InputError, match=message) as found:
        choose("odd", None if value != "Path" else "somewhere")  # type: ignore[arg-type]
    assert "\n" not in str(found.value)


def test_two_packages_that_offer_one_name_are_told(packages: Callable[..., Path]) -> None:
    packages("one", counted="Counted")
    packages("two", counted="Counted")
    with pytest.raises(InputError, match="got 2: one:Counted and two:Counted"):
        choose("counted")


@pytest.mark.parametrize("given", [3, None, object(), dict], ids=["number", "none", "object", "type"])
def test_what_is_no_executor_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="expected the name of an executor"):
        choose(given)


def test_the_command_takes_them_by_name(
    packages: Callable[..., Path], experiment: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    loaded = packages("a_package", counted="Counted")
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump({**experiment, "models": experiment["models"][:2], "measures": []}))
    for executor, code in (("countd", 2), ("counted", 0)):
        assert not loaded.exists()
        command = ["likewise", "run", str(path), "--store", str(tmp_path / "s"), "--executor", executor]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as left:
            main()
        assert (left.value.code or 0) == code
    assert 'did you mean "counted"' in capsys.readouterr().err and loaded.exists()


# What a run asks of one


class Elsewhere(Serial):
    """Does jobs in another place."""

    def submit(self, do: Any, job: Any) -> None:
        super().submit(lambda tasks, _: tuple(Outcome(task) for task in tasks), job)


def test_an_executor_that_does_its_jobs_elsewhere_is_found_out(experiment: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LikewiseError, match="is not in .*expected an executor"):
        likewise.run(experiment, tmp_path, executor=Elsewhere())


def test_a_plan_says_what_tasks_need(experiment: dict[str, Any], tmp_path: Path) -> None:
    asked = Experiment.of(experiment)
    planned = plan(asked, Store(tmp_path))
    (first, *_), tile = planned.extractions, planned.tiles[0]
    from safetensors.numpy import load_file

    weights = load_file(Path(first.wanted[0].model.model) / "model.safetensors")
    assert planned.needs(first, "cpu") == Needs(None, sum(4 * w.size for w in weights.values()), 0)
    assert planned.needs(first, "cuda").gpus == 1 and planned.needs(first, "auto").gpus is None
    of = next(d for d in planned.datasets if d.name == tile.dataset)
    width, n = of.wanted[0].width, of.n_items
    assert n and width
    each = footprint(asked.configurations, n, width)
    assert planned.needs(tile, "cpu") == Needs(1, each * len(tile.representations), 0)
    assert planned.needs(tile, "cuda").gpus == 1


def test_serial_and_others_are_given_what_tasks_need(experiment: dict[str, Any], tmp_path: Path) -> None:
    seen: list[tuple[str, Needs]] = []

    class Noting(Serial):
        def submit(self, do: Any, job: Any) -> None:
            seen.extend((type(task).__name__, job.needs) for task in job.task)
            super().submit(do, job)

    likewise.run({**experiment, "measures": ["cka"]}, tmp_path, executor=Noting())
    kinds = {name for name, _ in seen}
    assert kinds == {"Extract", "Tile"}
    assert all(needs.alone == (name == "Extract") and needs.nbytes for name, needs in seen)
