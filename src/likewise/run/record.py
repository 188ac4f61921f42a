"""What a run tells those who look at its store from elsewhere: what it does now, and what failed."""

import contextlib
import os
import platform
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from likewise.errors import LikewiseError
from likewise.plan import Task
from likewise.run.shard import Shard
from likewise.run.worker import Outcome
from likewise.store import Store, content_key

EVERY = 5.0
"""Seconds between two looks at whether there is something to tell."""

BEAT = 30.0
"""Seconds after which a run says that it lives, though nothing has changed."""

DONE = "done"
"""How a run ends that was not stopped, whether or not a task of it failed."""

KINDS = {"Resolve": "pins", "Extract": "extractions", "Reduce": "reductions", "Tile": "tiles"}
"""What tasks are called."""


class Record:
    """The record of one run in its store, written anew as it goes on; a run that does nothing has none.

    It is for people: whatever becomes of it, the run goes on. A run of the whole experiment that ends well deletes its
    own record, and those of this experiment whose runs are over: they hold names of machines.

    Parameters
    ----------
    store : Store
        Where.
    experiment : str
        Name of the experiment.
    shard : Shard, optional
        Of which share.
    """

    def __init__(self, store: Store, experiment: str, shard: Shard | None = None) -> None:
        self._store, self._experiment = store, experiment
        self._shard = f"{shard.number}/{shard.count}" if shard else ""
        self._began = time.time()
        self._running: dict[str, tuple[Task, float]] = {}
        self._failed: dict[str, Outcome] = {}
        self._left, self._done = Counter[str](), Counter[str]()
        self._seconds: dict[str, float] = {}
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._written, self._new = 0.0, False

    @property
    def _key(self) -> str:
        return content_key([self._experiment, self._shard, host(), os.getpid(), self._began])

    def left(self, tasks: Iterable[Task]) -> None:
        """Count what is left besides what is running."""
        with self._lock:
            self._left = Counter(map(kind_of, tasks))

    def begin(self, tasks: Iterable[Task]) -> None:
        """Note what is given to the executor."""
        with self._lock:
            self._running.update((task.key, (task, time.time())) for task in tasks)
            self._left.subtract(map(kind_of, tasks))
            self._new = True
        if self._thread is None:
            self._drop_same()
            self._write()
            self._thread = threading.Thread(target=self._beat, daemon=True)
            self._thread.start()

    def _drop_same(self) -> None:
        """Delete records of the same share, or of a part of it, whose runs are over as far as can be known."""

        def same(about: Mapping[str, Any]) -> bool:
            within = about["experiment"] == self._experiment and self._shard in ("", about["shard"])
            return within and bool(about["over"] or is_dead(about))

        with contextlib.suppress(LikewiseError, OSError):
            self._store.drop_runs(same)

    def end(self, outcomes: Iterable[Outcome], failed: Mapping[str, Outcome]) -> None:
        """Note what is over."""
        with self._lock:
            for outcome in outcomes:
                task, since = self._running.pop(outcome.task.key, (outcome.task, time.time()))
                kind = kind_of(task)
                self._done[kind] += not outcome.error
                self._seconds[kind] = self._seconds.get(kind, 0.0) + max(0.0, time.time() - since)
            self._failed, self._new = dict(failed), True

    def over(self, how: str) -> None:
        """Note that the run is over, and how it ended."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            with self._lock:
                self._left.update(kind_of(task) for task, _ in self._running.values())  # what was begun is not done
                self._running.clear()
            self._write(how)
        if how == DONE and not self._shard and not self._failed:
            with contextlib.suppress(LikewiseError, OSError):
                self._store.drop_run(self._key)  # whatever the others say
            self._drop_same()

    def _beat(self) -> None:
        while not self._ended.wait(EVERY):
            if self._new or time.monotonic() - self._written > BEAT:
                self._write()

    def _write(self, over: str = "") -> None:
        with self._lock:
            about: dict[str, Any] = {
                "experiment": self._experiment,
                "shard": self._shard,
                "host": host(),
                "pid": os.getpid(),
                "began": self._began,
                "told": time.time(),
                "over": over,
                "done": dict(self._done),
                "left": {kind: count for kind, count in self._left.items() if count > 0},
                "seconds": dict(self._seconds),
                "running": [{"task": task.label, "since": since} for task, since in self._running.values()],
                "failed": [{"task": o.task.label, "error": o.error} for o in self._failed.values()],
            }
            self._new, self._written = False, time.monotonic()
        with contextlib.suppress(LikewiseError, OSError):
            self._store.save_run(self._key, about)


def kind_of(task: Task) -> str:
    """Return what tasks of its kind are called."""
    return KINDS[type(task).__name__]


def host() -> str:
    """Return the name of this machine."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", platform.node()) or "unknown"


def is_dead(about: Mapping[str, Any]) -> bool:
    """Whether the run of a record was a process of this machine that is no more."""
    if about["host"] != host():
        return False
    try:
        os.kill(about["pid"], 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
