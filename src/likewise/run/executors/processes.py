"""Tasks in worker processes, each with one BLAS thread: for decompositions better than one process with all threads."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from likewise.errors import InputError, LikewiseError
from likewise.progress import Watch
from likewise.run.executor import Job

T = TypeVar("T")
R = TypeVar("R")

EVERY = 0.5
"""Seconds between two messages of a worker on how far it is."""

LEAVE = 5.0
"""Seconds that a worker without work has to end by itself."""


class Processes:
    """A pool of processes of this machine.

    Each worker hangs on two pipes and on nothing else: no semaphores, shared memory or files, of which a kill would
    leave some behind. Tasks and outcomes go through one; the other carries nothing, and ends when this process does.

    What wants all cores, or none, is done in this process: a model is held once, with every thread, and no worker is
    started to wait for a network.

    Parameters
    ----------
    workers : int, optional
        How many; as many as the machine has cores by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers={workers}; expected 1 or more")
        self.workers = workers or available_cores()

    def outcomes(self, do: Callable[[T, Watch], R], jobs: Iterable[Job[T]]) -> Iterator[R]:
        """Yield the outcome of each job as it comes; when the caller stops, the workers are ended at once."""
        jobs = list(jobs)
        for job in jobs:  # before there are workers, which would take a share of the cores and of the memory
            if _stays(job):
                yield do(job.task, job.watch)
        yield from self._in_workers(do, [job for job in jobs if not _stays(job)])

    def _in_workers(self, do: Callable[[T, Watch], R], jobs: Sequence[Job[T]]) -> Iterator[R]:
        left = list(range(len(jobs)))[::-1]
        workers: dict[Connection, list[Any]] = {}
        finished = False

        def give(connection: Connection) -> None:
            place = left.pop()
            _send(connection, (place, jobs[place].task))

        try:
            for _ in range(min(self.workers, len(left))):
                connection, *worker = _start(do)
                workers[connection] = worker
                give(connection)
            busy = list(workers)
            while busy:
                ready = wait(list(busy), EVERY)
                for connection in [ours for ours in busy if ours in ready]:
                    place, told, outcome, error = _receive(connection)
                    if told is not None:
                        jobs[place].watch(*told)
                        continue
                    if error is not None:
                        raise error
                    if left:
                        give(connection)
                    else:
                        busy.remove(connection)
                    yield outcome
            finished = True
        finally:
            for connection, (process, life) in workers.items():
                # Without work a worker ends when its pipe does; what one is doing when the caller stops is not kept.
                connection.close()
                if finished:
                    process.join(LEAVE)
                process.kill()
                process.join()
                process.close()
                life.close()


def _stays(job: Job[Any]) -> bool:
    return job.needs.alone or job.needs.cores == 0


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(do: Callable[[T, Watch], R]) -> tuple[Connection, Any, Connection]:
    """Start a worker; return our end of its pipe, the process, and what keeps it alive while it is open."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    end, life = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, end, do), daemon=True)
    with _undisturbed():
        process.start()
    _bind(end, process.pid)
    theirs.close()
    end.close()
    return ours, process, life


def _bind(end: Connection, pid: Any) -> None:
    """Let the kernel end a process when the other end of a pipe is closed, even by a kill of who had it.

    It does so from the first moment on, when the worker has still to import what it needs, and within calls that keep
    Python's lock: SIGIO is sent, which nothing handles.
    """
    with contextlib.suppress(ImportError, AttributeError, OSError):  # not everywhere; there the worker watches alone
        import fcntl

        fcntl.fcntl(end.fileno(), fcntl.F_SETOWN, pid)
        fcntl.fcntl(end.fileno(), fcntl.F_SETFL, fcntl.fcntl(end.fileno(), fcntl.F_GETFL) | os.O_ASYNC)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back signals, also for processes that are started meanwhile: these never see what is held back here."""
    if not hasattr(signal, "pthread_sigmask"):  # not everywhere
        yield
        return
    resource_tracker.ensure_running()  # it would let the signals through while it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


STOPS = (signal.SIGINT, signal.SIGTERM)
"""Signals that a terminal or a batch system sends to a whole group: the run hears them, and ends its workers."""


def _send(connection: Connection, task: Any) -> None:
    try:
        connection.send(task)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise _died() from error


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError) as error:
        raise _died() from error


def _died() -> LikewiseError:
    return LikewiseError(
        "a worker process died, most likely for want of memory; what was finished is kept: run the same command "
        "again, with fewer workers (--workers 1) if it happens again"
    )


# In a worker


def _work(connection: Connection, end: Connection, do: Callable[[Any, Watch], Any]) -> None:
    """Do the tasks that come through a pipe until it is closed."""
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(end,), daemon=True).start()
    threadpool_limits(1)
    while True:
        try:
            place, task = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        told_at = dict[str, float]()

        def watch(label: str, done: int, total: int, place: int = place, told_at: dict[str, float] = told_at) -> None:
            now = time.monotonic()
            if now - told_at.get(label, -EVERY) >= EVERY:
                told_at[label] = now
                _tell(connection, (place, (label, done, total), None, None))

        try:
            found = do(task, watch)
        except Exception as error:
            _tell(connection, (place, None, None, error))
        else:
            _tell(connection, (place, None, found, None))


def _tell(connection: Connection, what: Any) -> None:
    try:
        connection.send(what)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)  # nobody is there any more
    except Exception as error:  # an outcome or error that cannot be sent is said in words
        connection.send((what[0], None, None, LikewiseError(f"a worker cannot send what it found: {error}")))


def _watch(end: Connection) -> None:
    """End this process when its parent does, where the kernel has not done so."""
    wait([end])
    os._exit(1)
