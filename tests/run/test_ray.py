"""Tasks on a Ray cluster: the bytes of the reference, whatever becomes of workers."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InputError, MissingDependencyError
from likewise.plan import Needs
from likewise.progress import Watch
from likewise.run import Job, Lost
from likewise.run.executors import choose
from likewise.run.executors.ray import Ray
from stored import content

Once = Callable[[str, Callable[[Path], object]], Path]

starts = pytest.mark.long("starts a Ray cluster")


def told(task: Any, watch: Watch) -> Any:
    if task == "wrong":
        raise ZeroDivisionError("of no number")
    if task == "die":
        os._exit(9)
    return task, os.getpid()


@starts
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_two_workers_give_the_same_bytes_and_a_lost_one_is_told(
    experiment: dict[str, Any], once: Once, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # where workers find what this file imports
    asked = {**experiment, "measures": ["cka", "jaccard(k=3)"]}
    reference = content(once("graph", lambda folder: likewise.run(asked, folder)))
    done = likewise.run(asked, tmp_path, executor="ray", workers=2)
    assert not done.failed and content(tmp_path) == reference
    executor = Ray(2)
    try:
        for task, wanted in (("a", "a"), ("die", "died"), ("wrong", "of no number")):
            executor.submit(told, Job(task))
            found = executor.hear()[1]
            assert wanted in (found.why if isinstance(found, Lost) else found[0])
        executor.submit(told, Job("b", Needs(1, None, 2)))
        assert executor.hear()[1] == Lost("the task wants 2 GPUs, and no machine has more than 0")
    finally:
        executor.close()


def at_work() -> list[int]:
    """Ray's processes that do a task; Ray names them by it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if path.read_bytes().startswith(b"ray::_call"):
                found.append(int(path.parent.name))
    return found


@starts
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="workers are found in /proc")
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_workers_may_be_killed_during_the_whole_run(
    experiment: dict[str, Any], once: Once, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    asked = {**experiment, "measures": ["cka", "jaccard(k=3)"]}
    reference = content(once("graph", lambda folder: likewise.run(asked, folder)))
    over, killed = threading.Event(), list[int]()

    def kill() -> None:
        """Kill a worker at work as soon as something new is there, three times."""
        seen = 0
        while not over.wait(0.02) and len(killed) < 3:
            there = len(list(tmp_path.glob("re*/*")))
            if there > seen and (busy := at_work()):
                seen = there
                os.kill(busy[0], signal.SIGKILL)
                killed.append(busy[0])

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = likewise.run(asked, tmp_path, executor="ray", workers=2)
    finally:
        over.set()
        killer.join()
    assert killed and not done.failed and content(tmp_path) == reference


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="has its own number of workers"):
        choose("ray", 2, "auto")
    with pytest.raises(InputError, match="workers=0"):
        choose("ray", 0)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"likewise\[ray\]"):
        Ray(1).submit(told, Job("a"))
