"""Tasks in worker processes, each with one BLAS thread: for decompositions better than one process with all threads."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from likewise.errors import InputError, LikewiseError
from likewise.run.executor import Shares, Step

T = TypeVar("T")
R = TypeVar("R")

EVERY = 0.5
"""Seconds between two looks at how far the workers are."""


class Processes:
    """A pool of processes of this machine.

    Parameters
    ----------
    workers : int, optional
        How many; as many as the machine has cores by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers={workers}; needed is 1 or more")
        self.workers = workers or available_cores()

    def map(self, run: Callable[[T, Step], R], tasks: Iterable[T], shares: Shares = lambda done: None) -> Iterator[R]:
        """Yield the outcome of each task as it comes; when the caller stops, nothing new is started."""
        tasks = list(tasks)
        context = multiprocessing.get_context("spawn")
        done = context.Array("d", len(tasks), lock=False)  # each task writes its own place
        pool = ProcessPoolExecutor(
            max_workers=min(self.workers, len(tasks)) or 1,
            mp_context=context,
            initializer=_start_worker,
            initargs=(done,),
        )
        try:
            left = [pool.submit(_perform, run, task, place) for place, task in enumerate(tasks)]
            while left:
                over = wait(left, EVERY, FIRST_COMPLETED).done
                shares(list(done))
                # In the order of the tasks, where several are over at once.
                yield from (future.result() for future in left if future in over)
                left = [future for future in left if future not in over]
        except BrokenProcessPool as error:
            raise LikewiseError(
                "a worker process died, most likely for want of memory; what was finished is kept: run the same "
                "command again, with fewer workers (--workers 1) if it happens again"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_done: Any = None
"""In a worker: the share of each task that is done, which the process that asked for them reads."""


def _start_worker(done: Any) -> None:
    global _done  # shared memory reaches a worker only when it starts
    _done = done
    threadpool_limits(1)
    # On Ctrl-C a worker goes at once and silently: what it was doing is not in the store, what it had done is.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def _perform(run: Callable[[T, Step], R], task: T, place: int) -> R:
    def step(some: int, of: int) -> None:
        _done[place] = some / max(1, of)

    outcome = run(task, step)
    step(1, 1)
    return outcome
