"""Executors: one method, ``map(run, tasks)``, that yields outcomes in the order in which they come."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")

Step: TypeAlias = Callable[[int, int], None]
"""What a task tells of itself: how much of it is done, and of how much."""

Shares: TypeAlias = Callable[[Sequence[float]], None]
"""Is told the share of each task that is done, from 0 to 1."""


class Executor(Protocol):
    """Does tasks somewhere. ``run`` and the tasks are picklable; what is done is in the store, not in the outcome."""

    def map(self, run: Callable[[T, Step], R], tasks: Iterable[T], shares: Shares = lambda done: None) -> Iterator[R]:
        """Yield the outcome of each task as it comes; tell now and then how far all of them are."""


class Serial:
    """One task after the other in this process: the reference."""

    def map(self, run: Callable[[T, Step], R], tasks: Iterable[T], shares: Shares = lambda done: None) -> Iterator[R]:
        """Yield the outcome of each task in order."""
        tasks = list(tasks)
        done = [0.0] * len(tasks)

        def step(place: int, some: int, of: int) -> None:
            done[place] = some / max(1, of)
            shares(done)

        for place, task in enumerate(tasks):
            outcome = run(task, lambda some, of, place=place: step(place, some, of))  # type: ignore[misc]
            step(place, 1, 1)
            yield outcome
