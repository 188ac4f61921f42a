"""What an executor is: it does jobs somewhere, and hands back their outcomes as they come."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from likewise.errors import InputError, LikewiseError
from likewise.plan import Needs
from likewise.progress import Watch, unwatched

T = TypeVar("T")

Do: TypeAlias = Callable[[Any, Watch], Any]
"""What does a task, and returns its outcome; picklable."""


@dataclass(frozen=True, eq=False)
class Job(Generic[T]):
    """A task on its way through an executor.

    Parameters
    ----------
    task : object
        What is done; picklable, and small.
    needs : Needs
        What it takes of a machine.
    watch : callable
        Is told here, wherever the task is done, how far it is; not picklable.
    """

    task: T
    needs: Needs = field(default_factory=Needs)
    watch: Watch = unwatched


@dataclass(frozen=True)
class Lost:
    """Stands for the outcome of a job whose worker is gone; the run gives the job again.

    Parameters
    ----------
    why : str
        What is known of it.
    """

    why: str


class Executor(Protocol):
    """Does jobs somewhere. What a job needs is in the store, which all places see, and so is what it makes."""

    def room(self, needs: Needs) -> bool:
        """Whether a job with such needs may be given now; one that is refused is offered again after an outcome.

        With nothing given there is room for every job.
        """

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Take a job: ``do(job.task, job.watch)`` is to be called once, somewhere. ``do`` is picklable."""

    def hear(self) -> tuple[Job[Any], Any]:
        """Wait for the outcome of some job that was given; return the job and what ``do`` returned.

        An error that ``do`` raises is raised here. Of a job whose worker is gone the outcome is `Lost`.
        """

    def close(self) -> None:
        """Stop what is still done, whatever that is: the run is over. A later run may begin anew."""


def outcomes(executor: Executor, do: Do, jobs: Iterable[Job[Any]]) -> Iterator[Any]:
    """Do jobs that wait for nothing and for no order; yield their outcomes as they come.

    Raises
    ------
    LikewiseError
        If a worker is lost.
    """
    left, given = list(jobs), 0
    try:
        while left or given:
            waiting = []
            for job in left:
                if executor.room(job.needs):
                    executor.submit(do, job)
                    given += 1
                else:
                    waiting.append(job)
            left = waiting
            _, found = executor.hear()
            given -= 1
            if isinstance(found, Lost):
                raise LikewiseError(found.why)
            yield found
    finally:
        executor.close()


def check_cluster(workers: int | None, scheduler: str | None) -> None:
    """Refuse a number of workers that there cannot be, or that a running cluster has of its own.

    Raises
    ------
    InputError
        With the number.
    """
    if workers is not None and workers < 1:
        raise InputError(f"workers={workers}; expected 1 or more")
    if workers and scheduler:
        raise InputError(f"the cluster at {scheduler} has its own number of workers; leave workers out")
