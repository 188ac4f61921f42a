"""What an executor costs: tasks of a fixed length on each executor, with one worker and with two.

``python benchmarks/scale.py`` runs tasks that only wait, so that a machine that is busy disturbs little. The first task
of each worker, in which it starts, is not timed. Printed is the overhead of a task: the time of all workers that no
task took, over the number of tasks. ``--seconds`` is the length of a task, ``--tasks`` how many each worker does.
"""

import argparse
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from likewise.progress import Watch
from likewise.run import Executor, Job
from likewise.run.executors import choose


def wait(seconds: float, watch: Watch) -> float:
    """Do nothing for a while."""
    time.sleep(seconds)
    return seconds


def do_all(executor: Executor, jobs: Iterable[Job[float]]) -> float:
    """Give jobs as there is room for them; return the seconds of tasks that were heard of."""
    left, given, slept = list(jobs)[::-1], 0, 0.0
    while left or given:
        while left and executor.room(left[-1].needs):
            executor.submit(wait, left.pop())
            given += 1
        slept += executor.hear()[1]
        given -= 1
    return slept


def overhead(executor: Executor, workers: int, count: int, seconds: float) -> float:
    """Seconds that a task takes besides its own, on an executor with so many workers."""
    try:
        do_all(executor, [Job(0.2)] * workers * 2)
        start = time.perf_counter()
        slept = do_all(executor, [Job(seconds) for _ in range(count * workers)])
        spent = workers * (time.perf_counter() - start)
    finally:
        executor.close()
    assert abs(slept - count * workers * seconds) < 1e-6, "a task was lost or done twice"
    return (spent - slept) / (count * workers)


def made(name: str, workers: int) -> Any:
    """Return an executor of a name, or threads of the standard library."""
    return choose(ThreadPoolExecutor(workers)) if name == "threads" else choose(name, workers)


def main() -> None:
    """Time each executor, print a table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--tasks", type=int, default=20, help="of each worker")
    words.add_argument("--seconds", type=float, default=1.0, help="of a task")
    words.add_argument("--executors", nargs="*", default=["serial", "threads", "processes", "dask"])
    words.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    given = words.parse_args()
    print(f"{'executor':10s} {'workers':>7s} {'tasks':>6s} {'overhead of a task':>19s}")
    for name in given.executors:
        for workers in given.workers if name != "serial" else [1]:
            found = overhead(made(name, workers), workers, given.tasks, given.seconds)
            print(f"{name:10s} {workers:7d} {given.tasks * workers:6d} {1000 * found:16.1f} ms")


if __name__ == "__main__":
    main()
