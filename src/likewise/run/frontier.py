"""The border between what can start and what waits."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from likewise.plan import Extract, Node, Task, load_of, rank_of


@dataclass
class _Waiting:
    task: Task
    left: int
    """How many things it waits for."""


class Frontier:
    """Tasks that have what they need, in the order in which they are done, and those that wait for something.

    Parameters
    ----------
    nodes : iterable of Node
        What is left to do. A task whose needs nobody makes waits for ever.
    """

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        # By rank, and then what is done together: extractions with one model, all others alone.
        self._ready: tuple[dict[str, list[Task]], ...] = ({}, {}, {})
        self._waiting: dict[str, list[_Waiting]] = defaultdict(list)
        self.tasks: list[Task] = []
        for node in nodes:
            self.tasks.append(node.task)
            waiting = _Waiting(node.task, len(node.after))
            for key in node.after:
                self._waiting[key].append(waiting)
            if not node.after:
                self._start(node.task)

    def _start(self, task: Task) -> None:
        together = load_of(task) if isinstance(task, Extract) else task.key
        self._ready[rank_of(task)].setdefault(together, []).append(task)

    def __bool__(self) -> bool:
        """Whether something can start."""
        return any(self._ready)

    def made(self, key: str) -> None:
        """Let go on what waited for a thing that is in the store now."""
        for waiting in self._waiting.pop(key, ()):
            waiting.left -= 1
            if not waiting.left:
                self._start(waiting.task)

    def take(self, fits: Callable[[Task], bool]) -> tuple[Task, ...]:
        """Take what is next among what fits: a task, or all that can start of those that load one model."""
        for ready in self._ready:
            if ready and fits(ready[first := next(iter(ready))][0]):
                return tuple(ready.pop(first))
        return ()
