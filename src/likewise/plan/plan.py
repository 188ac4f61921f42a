"""What is to be done for an experiment, given what a store already holds: a pure function of both."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from likewise.errors import InputError
from likewise.measures import Configuration, record
from likewise.plan.experiment import Experiment
from likewise.plan.tasks import Extract, Tile, Wanted, representation_key
from likewise.plan.tiles import blocks_of_pairs
from likewise.statistics import Comparison, Results, orders
from likewise.store import Store

BYTES_PER_VALUE = 4
"""Rows are stored in float32."""


@dataclass(frozen=True)
class DatasetPlan:
    """The representations of one data set, and what is missing of them and of their pairs."""

    name: str
    n_items: int | None
    wanted: tuple[Wanted, ...]
    extractions: int
    todo: tuple[Extract, ...]
    tiles: tuple[Tile, ...]
    scores_done: int

    @property
    def pairs(self) -> int:
        """Pairs of representations."""
        return len(self.wanted) * (len(self.wanted) - 1) // 2

    @property
    def nbytes(self) -> int | None:
        """Bytes of all its representations, done or not; None where a size cannot be known yet."""
        widths = [w.width for w in self.wanted]
        if self.n_items is None or None in widths:
            return None
        return BYTES_PER_VALUE * self.n_items * sum(w for w in widths if w is not None)


@dataclass(frozen=True)
class Plan:
    """What an experiment needs, and which tasks are left."""

    experiment: Experiment
    datasets: tuple[DatasetPlan, ...]
    present: frozenset[str]

    @property
    def extractions(self) -> tuple[Extract, ...]:
        """Extractions that are left, grouped by model, so that each is loaded once."""
        order = {m.spec: i for i, m in enumerate(self.experiment.models)}
        return tuple(sorted((t for d in self.datasets for t in d.todo), key=lambda t: order[t.wanted[0].model]))

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Tiles that are left."""
        return tuple(tile for d in self.datasets for tile in d.tiles)

    def comparable(self) -> tuple[Tile, ...]:
        """Tiles that are left and whose representations are all there."""
        return tuple(t for t in self.tiles if self.present.issuperset(t.representations))

    def summary(self) -> dict[str, Any]:
        """Numbers of the plan, as ``likewise plan`` prints them."""
        sizes = [d.nbytes for d in self.datasets]
        return {
            "experiment": self.experiment.name,
            "extractions": sum(d.extractions for d in self.datasets),
            "extractions_left": len(self.extractions),
            "configurations": [c.label for c in self.experiment.configurations],
            "statistics": self.experiment.statistics.model_dump(),
            "datasets": [
                {
                    "name": d.name,
                    "items": d.n_items,
                    "representations": len(d.wanted),
                    "pairs": d.pairs,
                    "scores": d.pairs * scores_of_pair(self.experiment.configurations),
                    "scores_done": d.scores_done,
                    "bytes": d.nbytes,
                }
                for d in self.datasets
            ],
            "tiles_left": len(self.tiles),
            "bytes": None if None in sizes else sum(s for s in sizes if s is not None),
        }

    def record(self) -> dict[str, Any]:
        """What the store keeps of the experiment: enough for a report without models or prompts."""
        return {
            "experiment": self.experiment.model_dump(mode="json"),
            "representations": [
                {"name": w.name, "dataset": w.dataset.name, "key": w.key} for d in self.datasets for w in d.wanted
            ],
        }


def plan(experiment: Experiment, store: Store) -> Plan:
    """Find what an experiment needs and what of it a store lacks. Reads files; uses no network.

    Parameters
    ----------
    experiment : Experiment
        What is asked for.
    store : Store
        What is there.

    Returns
    -------
    Plan
        The numbers of the experiment and the tasks that are left.

    Raises
    ------
    InputError
        If a model or data set is unknown, or a data set has fewer than two representations.
    ModelError
        If a package that carries a model or data set is not installed.
    StoreError
        If a file of the store is damaged.
    """
    present = frozenset(store.representations())
    answered = _answered(store, experiment)
    return Plan(
        experiment,
        tuple(_of_dataset(experiment, d, present, answered, store) for d in experiment.datasets),
        present,
    )


def _of_dataset(
    experiment: Experiment,
    entry: Any,
    present: frozenset[str],
    answered: frozenset[tuple[str, ...]],
    store: Store,
) -> DatasetPlan:
    wanted = _wanted(experiment, entry)
    n_items = entry.spec.n_items()
    if n_items is None and (there := [w.key for w in wanted if w.key in present]):
        n_items = store.describe_representation(there[0])["n_items"]
    by_model: dict[Any, list[Wanted]] = {}
    for w in wanted:
        by_model.setdefault(w.model, []).append(w)
    left = {model: [w for w in ws if w.key not in present] for model, ws in by_model.items()}
    chosen = experiment.configurations
    keys = [w.key for w in wanted]
    missing = {
        pair: tuple(c.label for c in chosen if not _is_answered(pair, c, answered))
        for pair in itertools.combinations(keys, 2)
    }
    return DatasetPlan(
        name=entry.name,
        n_items=n_items,
        wanted=wanted,
        extractions=len(by_model),
        todo=tuple(Extract(tuple(ws)) for ws in left.values() if ws),
        tiles=tuple(
            Tile(entry.name, pairs, measures, experiment.statistics.trust)
            for pairs, measures in blocks_of_pairs(keys, missing, n_items)
        ),
        scores_done=sum(scores_of_pair([c for c in chosen if c.label not in labels]) for labels in missing.values()),
    )


def _wanted(experiment: Experiment, entry: Any) -> tuple[Wanted, ...]:
    part, dataset = experiment.representation, entry.spec
    identity = dataset.identity()
    found = []
    for model in experiment.models:
        if model.datasets is not None and entry.name not in model.datasets:
            continue
        of_model, size = model.spec.identity(), model.spec.size()
        for layer in dict.fromkeys(model.layers or part.layers):
            if size and layer.isdecimal() and int(layer) > size["blocks"]:
                raise InputError(f"layer {layer} of {model.name}, which has {size['blocks']} blocks")
            key = representation_key(of_model, identity, layer, part.pooling, part.dtype)
            name = model.name if layer == "last" else f"{model.name} @ {layer}"
            found.append(Wanted(name, key, model.spec, dataset, layer, part.pooling, part.dtype))
    if experiment.measures and len(found) < 2:
        raise InputError(f"{entry.name} has {len(found)} representation; needed are two or more to compare")
    by_key: dict[str, str] = {}
    for w in found:
        if w.key in by_key:
            raise InputError(f"{by_key[w.key]!r} and {w.name!r} are the same model, variant and layer; leave one out")
        if w.name in by_key.values():
            raise InputError(f"two representations on {entry.name} are called {w.name!r}; give a model another name")
        by_key[w.key] = w.name
    return tuple(found)


def scores_of_pair(chosen: Iterable[Configuration]) -> int:
    """Return how many rows a pair has: one per configuration, two where the order of the pair counts."""
    return sum(len(orders(c, ("a", "b"))) for c in chosen)


def _is_answered(pair: tuple[str, str], c: Configuration, answered: frozenset[tuple[str, ...]]) -> bool:
    return all((*ordered, *_identity(c)) in answered for ordered in orders(c, pair))


def _identity(c: Configuration) -> tuple[str, str, str]:
    return c.measure, c.parameters_json, str(record(c.measure).version)


def _answered(store: Store, experiment: Experiment) -> frozenset[tuple[str, ...]]:
    return frozenset(
        (row.a_key, row.b_key, row.measure, row.parameters, str(row.measure_version))
        for row in _rows(store, experiment)
    )


def _rows(store: Store, experiment: Experiment) -> Sequence[Comparison]:
    """The stored rows that answer what the experiment asks of chance."""
    request = Tile("", (), (), experiment.statistics.trust).request
    return [row for asked, row in store.results() if asked == request]


def results_of(store: Store, about: dict[str, Any]) -> Results:
    """Return the stored rows of an experiment by its record in the store, named and ordered as it says."""
    experiment = Experiment.of(about["experiment"])
    named = [(r["dataset"], r["key"], r["name"]) for r in about["representations"]]
    rows = {(r.a_key, r.b_key, r.measure, r.parameters, r.measure_version): r for r in _rows(store, experiment)}
    found = []
    for dataset in dict.fromkeys(d for d, _, _ in named):
        members = [(key, name) for d, key, name in named if d == dataset]
        for pair in itertools.combinations(members, 2):
            for c in experiment.configurations:
                for (a_key, a), (b_key, b) in orders(c, pair):
                    row = rows.get((a_key, b_key, c.measure, c.parameters_json, record(c.measure).version))
                    if row is not None:
                        # Rows are stored without names, which belong to an experiment.
                        reason = row.reason.replace(row.a_key, a).replace(row.b_key, b)
                        found.append(replace(row, dataset=dataset, a=a, b=b, reason=reason))
    return Results.of(found).corrected()
