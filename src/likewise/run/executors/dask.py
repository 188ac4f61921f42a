"""Jobs on the workers of a Dask cluster: one that is running somewhere, or one of this machine."""

import contextlib
import queue
import time
from collections.abc import Mapping
from typing import Any

from likewise.errors import InputError, LikewiseError, MissingDependencyError
from likewise.plan import Needs
from likewise.progress import unwatched
from likewise.run.executor import Do, Job, Lost, check_cluster

BACK = 120.0
"""Seconds in which a scheduler that has gone may come back."""

ANSWERS = 10.0
"""Seconds in which a scheduler answers."""

WAITING = 10_000
"""Jobs that a scheduler is given at once at most: there may be more tiles than it should hold."""

SECONDS_BETWEEN_LOOKS = 30.0
"""At what workers have."""

RESOURCES = {"CORES": "cores", "GPU": "gpus", "MEMORY": "nbytes"}
"""What workers may say that they have (``dask worker --resources "GPU=1"``), and what of a job's needs counts there."""


class Dask:
    """Jobs on the workers of a Dask cluster.

    What jobs need is asked of workers that say what they have; where none says it, every worker takes every job. On a
    cluster of this machine one model is loaded at a time. Jobs and outcomes are small: arrays stay in the store, which
    every worker must see under the same path.

    Parameters
    ----------
    workers : int, optional
        Processes of a cluster on this machine; by default as many as there are cores.
    scheduler : str, optional
        Address of the scheduler of a running cluster, such as ``tcp://host:8786``.
    """

    def __init__(self, workers: int | None = None, scheduler: str | None = None) -> None:
        check_cluster(workers, scheduler)
        self.workers, self.scheduler = workers, scheduler
        self._client: Any = None
        self._cluster: Any = None
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._given: dict[Any, tuple[Do, Job[Any]]] = {}
        self._refused: list[tuple[Job[Any], Lost]] = []
        self._has: dict[str, float] = {}
        self._asked_at = -SECONDS_BETWEEN_LOOKS

    def room(self, needs: Needs) -> bool:
        """Whether the scheduler may hold one more; on this machine, whether no other job wants it for itself."""
        if self.scheduler is None and needs.alone and any(job.needs.alone for _, job in self._given.values()):
            return False
        return len(self._given) < WAITING

    def submit(self, do: Do, job: Job[Any]) -> None:
        """Give a job to the scheduler."""
        if self._client is None:
            self._connect()
        asked = self._asked(job.needs)
        if isinstance(asked, Lost):
            self._refused.append((job, asked))
            return
        future = self._client.submit(
            do, job.task, unwatched, pure=False, resources=asked,
            # Scores first: they end a piece of the work, and a model that waits holds nothing.
            priority=0 if job.needs.alone else 1,
        )  # fmt: skip
        self._given[future] = do, job
        future.add_done_callback(self._heard.put)

    def hear(self) -> tuple[Job[Any], Any]:
        """Wait for a job; those that a scheduler took with it are given again once it is back."""
        while not self._refused:
            with contextlib.suppress(queue.Empty):
                future = self._heard.get(timeout=1.0)
                if future in self._given:
                    found = self._outcome(future)
                    if found is not None:
                        return found
            if self._client.status != "running":
                self._begin_again()
        return self._refused.pop()

    def _outcome(self, future: Any) -> tuple[Job[Any], Any] | None:
        """The outcome of a future that is over; None where its scheduler is gone, so that nobody knows."""
        if future.status in ("cancelled", "lost"):
            self._begin_again()
            return None
        _, job = self._given.pop(future)
        if future.status == "finished":
            return job, future.result()
        error = future.exception()
        return job, Lost(f"{type(error).__name__}: {error}")

    def _asked(self, needs: Needs) -> Mapping[str, float] | Lost | None:
        """What a job asks of workers, of what some say that they have; why none takes it, where none has enough."""
        has = self._what_there_is()
        asked = {name: getattr(needs, of) for name, of in RESOURCES.items() if name in has}
        # Memory that is not known is not asked for; cores and GPUs that are not counted are all that a worker has.
        wanted = {
            name: has[name] if amount is None else amount
            for name, amount in asked.items()
            if amount is not None or name != "MEMORY"
        }
        for name, amount in wanted.items():
            if amount > has[name]:
                return Lost(f"the task wants {amount:,.0f} of {name}, and no worker has more than {has[name]:,.0f}")
        return {name: amount for name, amount in wanted.items() if amount} or None

    def _what_there_is(self) -> dict[str, float]:
        """The most of each resource that a worker says it has, asked for now and then: workers come and go."""
        now = time.monotonic()
        if now - self._asked_at > SECONDS_BETWEEN_LOOKS:
            self._has, self._asked_at = {}, now
            for worker in self._client.scheduler_info(n_workers=-1)["workers"].values():
                for name, amount in worker["resources"].items():
                    self._has[name] = max(amount, self._has.get(name, 0.0))
        return self._has

    def _connect(self) -> None:
        """Connect to the cluster, or start one."""
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise MissingDependencyError("distributed", "dask") from error
        if self.scheduler is None:
            from likewise.run.executors.processes import available_cores

            # Any free port: two clusters on one machine would want the same one.
            self._cluster = LocalCluster(
                n_workers=self.workers or available_cores(), threads_per_worker=1, dashboard_address="127.0.0.1:0",
                host="127.0.0.1", silence_logs=50, memory_limit=0,
            )  # fmt: skip
        try:
            self._client = Client(self._cluster or self.scheduler, set_as_default=False, timeout=ANSWERS)
        except (OSError, ValueError) as error:  # a timeout is an OSError
            raise InputError(
                f"no Dask scheduler answers at {self.scheduler} ({error}); expected an address such as tcp://host:8786"
            ) from error

    def _begin_again(self) -> None:
        """Give all jobs to the scheduler that has come back, or to another that has its address."""
        given = list(self._given.values())
        self._given.clear()
        until = time.monotonic() + BACK
        while True:
            self._disconnect()
            try:
                self._connect()
                for do, job in given:
                    self.submit(do, job)
                return
            except (OSError, InputError) as error:
                self._given.clear()
                if self.scheduler is None or time.monotonic() > until:
                    raise LikewiseError(
                        f"the Dask scheduler is gone ({error}); what was finished is kept: run the same command again"
                    ) from error
                time.sleep(1.0)

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        cluster, self._cluster = self._cluster, None
        with contextlib.suppress(Exception):  # it is gone, whatever it says
            if client is not None:
                client.close(timeout=5)
        with contextlib.suppress(Exception):
            if cluster is not None:
                cluster.close(timeout=5)

    def close(self) -> None:
        """Cancel what is left, and end a cluster that was started here."""
        given = list(self._given)
        self._given.clear()
        self._refused.clear()
        with contextlib.suppress(Exception):  # of a scheduler that is gone
            if given and self._client is not None:
                self._client.cancel(given, force=True)
        self._disconnect()
