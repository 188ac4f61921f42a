"""How far a run is, as one line tells it on every executor."""

from collections.abc import Sequence
from typing import TypeAlias

from likewise.plan import Extract, Reduce, Resolve, Task, Tile
from likewise.progress import Watch

Tasks: TypeAlias = tuple[Task, ...]

LABELS = {Reduce: "reducing", Tile: "comparing pairs"}
"""Of tasks that are told together."""


class Told:
    """How far tasks are: of pins and extractions each by itself, of others all of a kind together."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._sizes: dict[type, dict[str, int]] = {kind: {} for kind in (Resolve, Extract, Reduce, Tile)}
        self._shares: dict[str, float] = {}
        self._over: set[str] = set()

    def of(self, tasks: Sequence[Task]) -> None:
        """Count what is left besides what is over and on its way."""
        for sizes in self._sizes.values():
            for key in [key for key in sizes if key not in self._shares]:
                del sizes[key]
        for task in tasks:
            self._sizes[type(task)][task.key] = _size(task)

    def watch(self, tasks: Tasks) -> Watch:
        """Return what hears how far a job is: one task, or several in their order."""
        for task in tasks:
            self._shares.setdefault(task.key, 0.0)
        first = tasks[0]
        if isinstance(first, Reduce | Tile):
            self._tell(first, 0.0)
            return lambda _, done, total: self._tell(first, done / max(1, total))
        return lambda label, done, total: self._watch(f"{self._place(tasks, label)} {label}", done, total)

    def over(self, task: Task) -> None:
        """Count a task as over."""
        self._over.add(task.key)
        if isinstance(task, Reduce | Tile):
            self._tell(task, 1.0)

    def _place(self, tasks: Tasks, label: str) -> str:
        """Which of all of its kind a task is, of those of a job that whose label is told."""
        sizes = self._sizes[type(tasks[0])]
        named = next((number for number, task in enumerate(tasks) if label.startswith(task.label)), 0)
        return f"{sum(key in self._over for key in sizes) + named + 1}/{len(sizes)}"

    def _tell(self, task: Task, share: float) -> None:
        self._shares[task.key] = share
        sizes = self._sizes[type(task)]
        done = sum(self._shares.get(key, 0.0) * size for key, size in sizes.items())
        self._watch(LABELS[type(task)], int(done), sum(sizes.values()))


def _size(task: Task) -> int:
    """How much of the progress a task is: its pairs, or what it reduces."""
    if isinstance(task, Tile):
        return task.n_pairs
    return len(task.representations) * len(task.measures) if isinstance(task, Reduce) else 1
