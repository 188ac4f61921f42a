"""Executors: one method, ``map(run, tasks)``, that yields outcomes in the order in which they come."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Does tasks somewhere. ``run`` and the tasks are picklable; what is done is in the store, not in the outcome."""

    def map(self, run: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield the outcome of each task as it comes."""


class Serial:
    """One task after the other in this process: the reference."""

    def map(self, run: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield the outcome of each task in order."""
        return (run(task) for task in tasks)
