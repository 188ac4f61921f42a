"""Jobs on a Ray cluster: one that is running somewhere, or one of this machine."""

import contextlib
from typing import Any

from likewise.errors import LikewiseError, MissingDependencyError
from likewise.plan import Needs
from likewise.progress import unwatched
from likewise.run.executor import Do, Job, Lost, check_cluster

WAITING = 10_000
"""Jobs that Ray is given at once at most."""


class Ray:
    """Jobs on a Ray cluster.

    What jobs need becomes ``num_cpus``, ``num_gpus`` and ``memory``. A job that wants all cores or all GPUs of a
    machine asks for those of the machine that has most of them. Jobs and outcomes are small: arrays stay in the store,
    which every machine must see under the same path.

    Parameters
    ----------
    workers : int, optional
        Processors of a cluster on this machine; by default as many as there are.
    scheduler : str, optional
        Address of a running cluster: ``auto``, or ``ray://host:10001``.
    """

    def __init__(self, workers: int | None = None, scheduler: str | None = None) -> None:
        check_cluster(workers, scheduler)
        self.workers, self.scheduler = workers, scheduler
        self._ray: Any = None
        self._remote: Any = None
        self._most: dict[str, float] = {}
        self._given: dict[Any, Job[Any]] = {}
        self._refused: list[tuple[Job[Any], Lost]] = []

    def room(self, needs: Needs) -> bool:
        """Whether Ray may hold one more."""
        return len(self._given) < WAITING

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Give a job to Ray."""
        if self._ray is None:
            self._connect()
        asked = self._asked(job.needs)
        if isinstance(asked, Lost):
            self._refused.append((job, asked))
        else:
            self._given[self._remote.options(**asked).remote(do, job.task, unwatched)] = job

    def hear(self) -> tuple[Job[Any], Any]:
        """Wait for a job."""
        if self._refused:
            return self._refused.pop()
        (done, *_), _ = self._ray.wait(list(self._given), num_returns=1)
        job = self._given.pop(done)
        try:
            return job, self._ray.get(done)
        except self._ray.exceptions.RayError as error:  # the worker, its machine, or what it did
            return job, Lost(f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}")

    def _asked(self, needs: Needs) -> dict[str, Any] | Lost:
        """What a job asks of a machine; why none takes it, where none has enough."""
        cores = self._most.get("CPU", 1.0) if needs.cores is None else needs.cores
        gpus = self._most.get("GPU", 0.0) if needs.gpus is None else needs.gpus
        most = self._most.get("memory", 0.0)
        for name, wanted, there in (("GPUs", gpus, self._most.get("GPU", 0.0)), ("bytes", needs.nbytes or 0, most)):
            if wanted > there:
                return Lost(f"the task wants {wanted:,.0f} {name}, and no machine has more than {there:,.0f}")
        return {"num_cpus": cores, "num_gpus": gpus, "memory": needs.nbytes or 0}

    def _connect(self) -> None:
        """Connect to the cluster, or start one."""
        try:
            import ray
        except ImportError as error:
            raise MissingDependencyError("ray", "ray") from error
        here = {"num_cpus": self.workers, "include_dashboard": False} if self.scheduler is None else {}
        try:
            ray.init(self.scheduler or "local", log_to_driver=False, logging_level="error", **here)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise LikewiseError(f"no Ray cluster can be had at {self.scheduler or 'this machine'}: {error}") from error
        self._ray = ray
        for node in ray.nodes():
            for name, amount in node["Resources"].items():
                self._most[name] = max(amount, self._most.get(name, 0.0))
        # The run counts tries itself.
        self._remote = ray.remote(max_retries=0)(_call)

    def close(self) -> None:
        """Cancel what is left, and leave the cluster; one that was started here ends."""
        given = list(self._given)
        self._given.clear()
        self._refused.clear()
        if self._ray is None:
            return
        for future in given:
            with contextlib.suppress(Exception):  # of a cluster that is gone
                self._ray.cancel(future, force=True)
        ray, self._ray = self._ray, None
        with contextlib.suppress(Exception):
            ray.shutdown()


def _call(do: Do, task: Any, watch: Any) -> Any:
    return do(task, watch)
