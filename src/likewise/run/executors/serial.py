"""One task after the other in this process: the reference."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from likewise.progress import Watch
from likewise.run.executor import Job

T = TypeVar("T")
R = TypeVar("R")


class Serial:
    """One task after the other in this process, however many workers are asked for."""

    def __init__(self, workers: int | None = None) -> None:
        pass

    def outcomes(self, do: Callable[[T, Watch], R], jobs: Iterable[Job[T]]) -> Iterator[R]:
        """Yield the outcome of each job in order."""
        for job in jobs:
            yield do(job.task, job.watch)
