"""Tasks in worker processes, each with one BLAS thread: for decompositions better than one process with all threads."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from threadpoolctl import threadpool_limits

from likewise.errors import InputError, LikewiseError

T = TypeVar("T")
R = TypeVar("R")


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

    def map(self, run: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield the outcome of each task as it comes; when the caller stops, nothing new is started."""
        tasks = list(tasks)
        pool = ProcessPoolExecutor(
            max_workers=min(self.workers, len(tasks)) or 1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
        )
        try:
            for future in as_completed([pool.submit(run, task) for task in tasks]):
                yield future.result()
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


def _start_worker() -> None:
    threadpool_limits(1)
    # On Ctrl-C a worker goes at once and silently: what it was doing is not in the store, what it had done is.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
