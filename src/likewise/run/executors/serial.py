"""One job after the other in this process: the reference."""

from typing import Any

from likewise.plan import Needs
from likewise.run.executor import Do, Job


class Serial:
    """One job after the other in this process, however many workers are asked for."""

    def __init__(self, workers: int | None = None) -> None:
        self._given: list[tuple[Do, Job[Any]]] = []

    def room(self, needs: Needs) -> bool:
        """Whether none is given."""
        return not self._given

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Take a job."""
        self._given.append((do, job))

    def hear(self) -> tuple[Job[Any], Any]:
        """Do it."""
        do, job = self._given.pop(0)
        return job, do(job.task, job.watch)

    def close(self) -> None:
        """Forget what was not begun."""
        self._given.clear()
