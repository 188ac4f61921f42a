"""Whatever has a method ``submit`` that returns a future, such as every ``concurrent.futures.Executor``."""

import time
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any

from likewise.errors import InputError, LikewiseError
from likewise.plan import Needs
from likewise.progress import unwatched
from likewise.run.executor import Do, Job, Lost

EVERY = 0.2
"""Seconds between two looks at futures that cannot be waited for, such as jobs of a batch system."""


class Futures:
    """Jobs as futures of an executor that somebody else has made, and ends.

    It knows nothing of what jobs need: how many are done at once is decided by who makes it. Within one process one
    model is held at a time.

    Parameters
    ----------
    pool : object
        Its ``submit(function, *arguments)`` returns a future, with ``done()``, ``result()`` and ``cancel()``.
    workers : int, optional
        Jobs that it is given at once; by default as many as it has workers, and all where it does not say it.
    """

    def __init__(self, pool: Any, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers={workers}; expected 1 or more")
        # The first is of the standard library and of what is derived from it, the second of mpi4py.
        said = (getattr(pool, name, None) for name in ("_max_workers", "num_workers"))
        self.workers = workers or next((n for n in said if isinstance(n, int) and n > 0), None)
        self._pool = pool
        self._given: dict[Any, Job[Any]] = {}

    def room(self, needs: Needs) -> bool:
        """Whether fewer jobs are given than there are workers."""
        return self.workers is None or len(self._given) < self.workers

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Make a future of a job."""
        try:
            self._given[self._pool.submit(do, job.task, unwatched)] = job
        except (BrokenExecutor, RuntimeError) as error:  # one that died, or was shut down
            raise _broken(error) from error

    def hear(self) -> tuple[Job[Any], Any]:
        """Wait for a future."""
        future = self._next()
        job = self._given.pop(future)
        try:
            return job, future.result()
        except BrokenExecutor as error:
            raise _broken(error) from error
        except (CancelledError, Exception) as error:  # a run knows no error; it is of the executor
            return job, Lost(f"{type(error).__name__}: {error}")

    def _next(self) -> Any:
        futures = list(self._given)
        if all(isinstance(future, Future) for future in futures):
            done = wait(futures, return_when=FIRST_COMPLETED).done
            return next(future for future in futures if future in done)
        while True:
            for future in futures:
                if future.done():
                    return future
            time.sleep(EVERY)

    def close(self) -> None:
        """Cancel what is not begun; who made the executor ends it."""
        for future in self._given:
            future.cancel()
        self._given.clear()


def _broken(error: BaseException) -> LikewiseError:
    return LikewiseError(
        f"the executor takes no more work ({type(error).__name__}: {error}); what was finished is kept: run the same "
        "again with a new one"
    )
