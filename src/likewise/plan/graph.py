"""Tasks and what they need: one may start as soon as that is in the store, whatever becomes of the others."""

from collections.abc import Iterator
from dataclasses import dataclass

from likewise.naming import canonical_json
from likewise.plan.tasks import Extract, Reduce, Resolve, Task, Tile
from likewise.plan.work import Plan
from likewise.store import Store, content_key


@dataclass(frozen=True)
class Node:
    """A task in the graph.

    Parameters
    ----------
    task : Task
        What is done.
    after : frozenset of str
        Keys of what must be in the store before, and is not there yet.
    """

    task: Task
    after: frozenset[str] = frozenset()

    @property
    def makes(self) -> tuple[str, ...]:
        """Keys of what it puts into the store."""
        return made_by(self.task)


def made_by(task: Task) -> tuple[str, ...]:
    """Return the keys of what a task puts into the store: of an extraction one for each representation."""
    return tuple(w.key for w in task.wanted) if isinstance(task, Extract) else (task.key,)


def is_made(task: Task, key: str, store: Store) -> bool:
    """Whether the store has what a task makes under a key."""
    if isinstance(task, Extract):
        return store.has_representation(key)
    if isinstance(task, Resolve):
        return task.done(store)
    if isinstance(task, Tile):
        return store.has_results(key)
    return all(store.has_reduced(r, c) for r in task.representations for c in task.configurations)


def load_of(task: Extract) -> str:
    """Return a key of the model that an extraction loads: those of one load are done at one place."""
    first = task.wanted[0]
    return content_key(["load", canonical_json(first.model.identity()), first.dtype])


def graph(plan: Plan, store: Store) -> Iterator[Node]:
    """Yield the tasks of a plan that are left, each with what it waits for.

    Tiles come once their number is settled: when every data set has one representation, which tells how many rows it
    has, and no model or data set is left to be pinned. Those of a data set of spans wait for all its representations,
    for every one may lack a row.
    """
    unpinned = {task.key for task in plan.resolutions}
    for resolution in plan.resolutions:
        if resolution.key not in plan.gone:
            yield Node(resolution)
    to_come = set[str]()
    for extraction in plan.extractions:
        after = unpinned.intersection(task.key for task in extraction.resolutions) if unpinned else unpinned
        # Nothing is extracted without its pin, which has failed with a reason that need not be said twice.
        if not after & plan.gone and not plan.gone.issuperset(made_by(extraction)):
            to_come.update(made_by(extraction))
            yield Node(extraction, frozenset(after))
    if not all(d.sized for d in plan.datasets):
        return
    final, expected = {d.name for d in plan.datasets if d.final}, plan.present | to_come
    reduced: dict[tuple[tuple[str, ...], str], str] = {}
    for reduction in plan.reductions(store, to_come):
        yield Node(reduction, frozenset(reduction.representations) - plan.present)
        reduced.update(((reduction.measures, key), reduction.key) for key in reduction.representations)
    for tile in plan.tiles:
        if tile.dataset not in final or not expected.issuperset(tile.representations):
            continue
        after = set(tile.representations) - plan.present
        if tile.by_product:
            after |= {reduced[tile.measures, key] for key in tile.representations if (tile.measures, key) in reduced}
        yield Node(tile, frozenset(after))


def rank_of(task: Task) -> int:
    """Return which tasks come first among those that can start: pins, then scores, then models to be loaded."""
    return 0 if isinstance(task, Resolve) else 1 if isinstance(task, Reduce | Tile) else 2
