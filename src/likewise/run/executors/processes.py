"""Tasks in worker processes, each with one BLAS thread: for decompositions better than one process with all threads."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from threadpoolctl import threadpool_limits

from likewise.errors import InputError, LikewiseError
from likewise.plan import Needs
from likewise.run.executor import Do, Job, Lost

EVERY = 0.5
"""Seconds between two messages of a worker on how far it is."""

LEAVE = 5.0
"""Seconds that a worker without work has to end by itself."""


class Processes:
    """A pool of processes of this machine.

    Each worker hangs on two pipes and on nothing else: no semaphores, shared memory or files, of which a kill would
    leave some behind. Tasks and outcomes go through one; the other carries nothing, and ends when this process does.

    What wants all cores, or none, is done in this process while no worker does anything: a model is held once, with
    every thread, and no worker is started to wait for a network.

    Parameters
    ----------
    workers : int, optional
        How many; as many as the machine has cores by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers={workers}; expected 1 or more")
        self.workers = workers or available_cores()
        self._here: list[tuple[Do, Job[Any]]] = []
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, _Worker] = {}
        self._lost: list[tuple[Job[Any], Lost]] = []

    def room(self, needs: Needs) -> bool:
        """Whether a worker is free, or is not begun yet; for what is done alone, whether nothing else is done."""
        if self._here or (needs.alone and (self._busy or self._lost)):
            return False
        return _stays(needs) or len(self._busy) < self.workers

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Give a job to a worker, or keep it for this process."""
        if _stays(job.needs):
            self._here.append((do, job))
            return
        worker = self._idle.pop() if self._idle else _start()
        worker.job = job
        self._busy[worker.connection] = worker
        try:
            worker.connection.send((do, job.task))
        except (BrokenPipeError, ConnectionResetError):
            self._bury(worker)

    def hear(self) -> tuple[Job[Any], Any]:
        """Return the next outcome: of what is done here, else of a worker."""
        if self._here:
            do, job = self._here.pop(0)
            return job, do(job.task, job.watch)
        while not self._lost:
            for connection in wait(list(self._busy), EVERY):
                worker = self._busy[connection]  # type: ignore[index]  # what is waited for are connections
                try:
                    told, outcome, error = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    self._bury(worker)
                    continue
                assert worker.job is not None  # who says something has one
                worker.began = True
                if told is not None:
                    if told:
                        worker.job.watch(*told)
                    continue
                if error is not None:
                    raise error
                self._idle.append(self._busy.pop(worker.connection))
                return worker.job, outcome
        return self._lost.pop()

    def _bury(self, worker: "_Worker") -> None:
        """Note what a worker that died was doing; another one takes its place."""
        del self._busy[worker.connection]
        assert worker.job is not None  # it was busy
        worker.end(LEAVE)
        self._lost.append((worker.job, DIED if worker.began else NOT_STARTED))

    def close(self) -> None:
        """End the workers, at once those that are at work; what one is doing when the caller stops is not kept."""
        self._here.clear()
        self._lost.clear()
        finished, workers = not self._busy, [*self._idle, *self._busy.values()]
        self._idle.clear()
        self._busy.clear()
        for worker in workers:
            worker.connection.close()  # without work a worker ends when its pipe does
        for worker in workers:
            worker.end(LEAVE if finished else 0)


@dataclass(eq=False)
class _Worker:
    """A process: our end of its pipe, and what keeps it alive while it is open."""

    connection: Connection
    process: Any
    life: Connection
    job: Job[Any] | None = None
    began: bool = False

    def end(self, within: float) -> None:
        """Wait for its end, and bring it about."""
        self.connection.close()
        if within:
            self.process.join(within)
        self.process.kill()
        self.process.join()
        self.process.close()
        self.life.close()


def _stays(needs: Needs) -> bool:
    return needs.alone or needs.cores == 0


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start() -> _Worker:
    """Start a worker."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    end, life = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, end), daemon=True)
    with _undisturbed():
        process.start()
    _bind(end, process.pid)
    theirs.close()
    end.close()
    return _Worker(ours, process, life)


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


DIED = Lost(
    "a worker process died, most likely for want of memory; what was finished is kept: run the same command again, "
    "with fewer workers (--workers 1) if it happens again"
)
"""Of a job whose worker is gone."""

NOT_STARTED = Lost(
    "a worker process ended before it began, and stderr says why. A worker imports the script that started it: call "
    'likewise below `if __name__ == "__main__":` there, or use executor="serial"'
)
"""Of a job whose worker never began."""


# In a worker


def _work(connection: Connection, end: Connection) -> None:
    """Do the tasks that come through a pipe until it is closed."""
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(end,), daemon=True).start()
    threadpool_limits(1)
    _tell(connection, ((), None, None))  # it began
    while True:
        try:
            do, task = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        told_at = dict[str, float]()

        def watch(label: str, done: int, total: int, told_at: dict[str, float] = told_at) -> None:
            now = time.monotonic()
            if now - told_at.get(label, -EVERY) >= EVERY:
                told_at[label] = now
                _tell(connection, ((label, done, total), None, None))

        try:
            found = do(task, watch)
        except Exception as error:
            _tell(connection, (None, None, error))
        else:
            _tell(connection, (None, found, None))


def _tell(connection: Connection, what: Any) -> None:
    try:
        connection.send(what)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)  # nobody is there any more
    except Exception as error:  # an outcome or error that cannot be sent is said in words
        connection.send((None, None, LikewiseError(f"a worker cannot send what it found: {error}")))


def _watch(end: Connection) -> None:
    """End this process when its parent does, where the kernel has not done so."""
    wait([end])
    os._exit(1)
