"""The tasks of an experiment, done and left, for people and for schedulers that are not likewise's own."""

from collections.abc import Iterator, Sequence
from typing import Any

from likewise.plan.graph import graph, made_by
from likewise.plan.tasks import Extract, Task, Tile, Wanted
from likewise.plan.work import Plan
from likewise.store import Store


def tasks_of(plan: Plan, store: Store, device: str = "cpu") -> list[dict[str, Any]]:
    """Return every task of an experiment that is known now, in the order in which they are done.

    Tiles that are left are known once every data set has a representation, for its rows decide on their size.

    Parameters
    ----------
    plan : Plan
        Of the experiment.
    store : Store
        What is there.
    device : {"cpu", "cuda", "auto"}
        Where it would run; it decides on what tasks want.

    Returns
    -------
    list of dict
        Each with ``key``, ``kind`` (resolve, extract, reduce, tile), ``task``, ``state`` (done, ready, or waiting),
        ``makes`` (keys of what it puts into the store), ``after`` (keys of what must be there before and is not),
        ``cores``, ``bytes`` and ``gpus`` that it wants (null: all cores or GPUs; bytes that are not known), and
        ``size``: rows of an extraction (null where they are not known), pairs of a tile, representations of a
        reduction.
    """
    done = [(task, "done", ()) for task in _done(plan)]
    left = [(node.task, "waiting" if node.after else "ready", sorted(node.after)) for node in graph(plan, store)]
    return [_listed(task, state, after, plan, device) for task, state, after in (*done, *left)]


def _listed(task: Task, state: str, after: Sequence[str], plan: Plan, device: str) -> dict[str, Any]:
    needs = plan.needs(task, device)
    return {
        "key": task.key,
        "kind": type(task).__name__.lower(),
        "task": task.label,
        "state": state,
        "makes": list(made_by(task)),
        "after": list(after),
        "cores": needs.cores,
        "bytes": needs.nbytes,
        "gpus": needs.gpus,
        "size": _size(task, plan),
    }


def _done(plan: Plan) -> Iterator[Extract | Tile]:
    """Extractions that are done, or the part of them that is, and the tiles of what is answered."""
    for d in plan.datasets:
        by_model: dict[Any, list[Wanted]] = {}
        for w in d.wanted:
            if w.key in plan.present and w.model.imported is None:
                by_model.setdefault((w.model, w.dataset, w.pooling, w.dtype, w.batches), []).append(w)
        yield from (Extract(tuple(ws)) for ws in by_model.values())
    yield from plan.tiles_done


def _size(task: Task, plan: Plan) -> int | None:
    if isinstance(task, Tile):
        return task.n_pairs
    if isinstance(task, Extract):
        rows = {d.name: d.n_items for d in plan.datasets}
        return rows.get(task.wanted[0].dataset.name)
    return len(getattr(task, "representations", ())) or None
