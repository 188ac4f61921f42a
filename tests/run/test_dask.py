"""Tasks on a Dask cluster: the bytes of the reference, whatever becomes of workers and schedulers."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InputError, MissingDependencyError
from likewise.plan import Needs
from likewise.progress import Watch
from likewise.run import Job, Lost
from likewise.run.executors import choose
from likewise.run.executors.dask import Dask
from stored import content

Once = Callable[[str, Callable[[Path], object]], Path]

starts = pytest.mark.long("starts a Dask cluster")


@pytest.fixture
def asked(experiment: dict[str, Any]) -> dict[str, Any]:
    return {**experiment, "measures": ["cka", "jaccard(k=3)"]}


@pytest.fixture
def reference(asked: dict[str, Any], once: Once) -> dict[str, str]:
    return content(once("graph", lambda folder: likewise.run(asked, folder)))


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two worker processes, over TCP on loopback."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50,
        memory_limit=0, resources={"GPU": 1},
    ) as made:  # fmt: skip
        yield made


@starts
def test_two_workers_over_tcp_give_the_same_bytes(
    cluster: Any, asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    done = likewise.run(asked, tmp_path, executor="dask", scheduler=cluster.scheduler_address)
    assert not done.failed and content(tmp_path) == reference
    pool = cluster.get_client().get_executor()
    assert not likewise.run(asked, tmp_path / "pool", executor=pool).failed
    assert content(tmp_path / "pool") == reference


@starts
def test_workers_may_be_killed_during_the_whole_run(
    cluster: Any, asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    client = cluster.get_client()
    over, killed = threading.Event(), list[int]()

    def kill() -> None:
        """Kill a worker at work as soon as something new is there, three times."""
        seen = 0
        while not over.wait(0.05) and len(killed) < 3:
            there = len(list(tmp_path.glob("re*/*")))
            at_work = [address for address, tasks in client.processing().items() if tasks]
            if there > seen and at_work:
                seen = there
                pid = client.run(os.getpid, workers=at_work[:1], on_error="ignore")
                for one in pid.values():
                    os.kill(one, signal.SIGKILL)
                    killed.append(one)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = likewise.run(asked, tmp_path, executor="dask", scheduler=cluster.scheduler_address)
    finally:
        over.set()
        killer.join()
    assert killed and not done.failed and content(tmp_path) == reference


@starts
def test_a_cluster_of_this_machine_is_started_and_ended(
    asked: dict[str, Any], reference: dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    executor = Dask(2)
    done = likewise.run(asked, tmp_path, executor=executor)
    assert not done.failed and content(tmp_path) == reference
    assert executor._client is None and executor._cluster is None


def told(task: Any, watch: Watch) -> Any:
    if task == "wrong":
        raise ZeroDivisionError("of no number")
    return task, os.getpid()


@starts
def test_what_jobs_need_is_asked_of_workers_that_say_what_they_have(cluster: Any) -> None:
    executor = Dask(scheduler=cluster.scheduler_address)
    try:
        executor.submit(told, Job("a", Needs(None, 10**9, 1)))
        assert executor.hear()[1][0] == "a"
        assert executor._asked(Needs(None, 10**9, None)) == {"GPU": 1}
        assert executor._asked(Needs(1, None, 0)) is None
        executor.submit(told, Job("b", Needs(1, None, 2)))
        assert executor.hear()[1] == Lost("the task wants 2 of GPU, and no worker has more than 1")
        executor.submit(told, Job("wrong"))
        assert executor.hear()[1] == Lost("ZeroDivisionError: of no number")
    finally:
        executor.close()


@starts
def test_a_scheduler_that_goes_and_comes_back_is_given_the_jobs_again(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    about: dict[str, Any] = {
        "n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0",
        "silence_logs": 50,
    }  # fmt: skip
    first = distributed.LocalCluster(**about)
    port = int(first.scheduler_address.rpartition(":")[2])
    executor = Dask(scheduler=first.scheduler_address)
    try:
        executor.submit(told, Job("warm"))
        executor.hear()
        executor.submit(slow, Job(str(tmp_path)))
        while not list(tmp_path.iterdir()):
            time.sleep(0.05)
        first.close()
        with distributed.LocalCluster(**about, scheduler_port=port):
            assert executor.hear()[1] == "done"
        assert len(list(tmp_path.iterdir())) == 2
    finally:
        executor.close()


def slow(folder: str, watch: Watch) -> str:
    """Take for ever the first time."""
    first = not list(Path(folder).iterdir())
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(3600 if first else 0)
    return "done"


@starts
def test_a_scheduler_that_is_not_there_is_said_in_one_line(asked: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="no Dask scheduler answers at tcp://127.0.0.1:1 "):
        likewise.run(asked, tmp_path, executor="dask", scheduler="tcp://127.0.0.1:1")


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="'serial' has no scheduler; expected dask or ray"):
        choose("serial", None, "tcp://127.0.0.1:1")
    with pytest.raises(InputError, match="has its own number of workers"):
        choose("dask", 2, "tcp://127.0.0.1:1")
    with pytest.raises(InputError, match="an executor that is made knows its scheduler"):
        choose(Dask(), None, "tcp://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"likewise\[dask\]"):
        Dask(1).submit(told, Job("a"))
