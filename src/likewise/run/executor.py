"""What an executor is: it does jobs somewhere, and hands back their outcomes as they come."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from likewise.plan import Needs
from likewise.progress import Watch, unwatched

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Job(Generic[T]):
    """A task on its way through an executor.

    Parameters
    ----------
    task : object
        What is done; picklable.
    needs : Needs
        What it takes of a machine.
    watch : callable
        Is told here, wherever the task is done, how far it is; not picklable.
    """

    task: T
    needs: Needs = field(default_factory=Needs)
    watch: Watch = unwatched


class Executor(Protocol):
    """Does jobs somewhere. What is done is in the store, which all places see; an outcome is small."""

    def outcomes(self, do: Callable[[T, Watch], R], jobs: Iterable[Job[T]]) -> Iterator[R]:
        """Yield ``do(task, watch)`` of each job, as they come.

        ``do`` is picklable. A job whose needs are ``alone`` is done while no other is on that machine. An error that
        ``do`` raises is raised here. When the caller stops, what is not done yet is left.
        """
