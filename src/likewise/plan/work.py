"""What is to be done for an experiment, given what a store already holds: a pure function of both."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from likewise.chance import most_parts
from likewise.measures import Configuration
from likewise.models.layers import OUTPUTS
from likewise.plan.answers import Answers
from likewise.plan.datasets import DatasetPlan, plan_of_dataset, scores_of_pair
from likewise.plan.experiment import Experiment
from likewise.plan.inputs import with_names
from likewise.plan.needs import Needs, needs_of
from likewise.plan.tasks import (
    Extract,
    Reduce,
    Resolve,
    Task,
    Tile,
)
from likewise.plan.trusted import read_experiment
from likewise.scoring import ALL, KINDS
from likewise.store import Store

MOST_REPLICATES = 2**28
"""Bytes of shuffled scores that the tiles of an experiment keep at most: correcting takes three times as much. And as
many of scores without some inputs."""


@dataclass(frozen=True)
class Plan:
    """What an experiment needs, and which tasks are left."""

    experiment: Experiment
    datasets: tuple[DatasetPlan, ...]
    present: frozenset[str]
    gone: frozenset[str] = frozenset()
    """Keys of what nothing will make: what failed."""

    @property
    def replicate_bytes(self) -> int:
        """Bytes of the scores after each shuffle, of all pairs whose chance level is known to come from shuffles.

        Not those of the few pairs whose closed form will not be trusted because a few rows decide.
        """
        trust = self.experiment.statistics.trust
        paired = [c for c in self.experiment.configurations if c.facts.paired]
        scores = 0
        for d in self.datasets:
            drawn = [c for c in paired if not trust.reference.settles(c, d.n_items, independent=not d.together)]
            scores += d.pairs * scores_of_pair(drawn)
        return 8 * trust.shuffles * scores

    @property
    def left_out_bytes(self) -> int | None:
        """Bytes of the scores without each input or group of inputs, at most; None where inputs cannot be counted yet.

        Counted as if all scores followed from the whole without each input; of inputs that belong together, as if there
        were as many groups as can be, each with its size.
        """
        groups = self.experiment.statistics.groups
        if not groups:
            return 0
        numbers = 0
        for d in (d for d in self.datasets if d.pairs):
            if d.n_items is None:
                return None
            each = max(d.n_items, groups)
            numbers += d.pairs * (max(each, 2 * min(d.n_items, most_parts(groups))) if d.together else each)
        return 8 * scores_of_pair(self.experiment.configurations) * numbers

    @property
    def keeps_replicates(self) -> bool:
        """Whether the scores after each shuffle are kept, to correct p-values by their joint distribution."""
        return self.replicate_bytes <= MOST_REPLICATES

    @property
    def kept(self) -> tuple[str, ...]:
        """Which scores besides the values are kept, of `KINDS`."""
        left_out = self.left_out_bytes
        without = left_out is not None and 0 < left_out <= MOST_REPLICATES
        return tuple(kind for kind in KINDS if (self.keeps_replicates if kind == "shuffle" else without))

    @property
    def resolutions(self) -> tuple[Resolve, ...]:
        """Data sets and models of the hub that are to be pinned before the extractions that are left.

        Data sets come first: a model that is pinned is then loaded once for all of them.
        """
        return tuple(sorted(dict.fromkeys(t for d in self.datasets for t in d.unpinned), key=lambda t: t.kind))

    @property
    def extractions(self) -> tuple[Extract, ...]:
        """Extractions that are left, grouped by model, so that each is loaded once."""
        order: dict[Any, int] = {}
        for task in (t for d in self.datasets for t in d.todo):
            order.setdefault((task.wanted[0].model, task.wanted[0].dtype), len(order))
        firsts = {spec: i for i, spec in reversed([*enumerate(m.spec for m in self.experiment.models)])}

        def place(task: Extract) -> tuple[int, int]:
            first = task.wanted[0]
            return firsts[first.model], order[first.model, first.dtype]

        return tuple(sorted((t for d in self.datasets for t in d.todo), key=place))

    @property
    def extracted(self) -> tuple[Extract, ...]:
        """All representations that are made here, where no extraction is left, each as one of its own."""
        if self.extractions:
            return ()
        return tuple(Extract((w,)) for d in self.datasets for w in d.wanted if w.model.imported is None)

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Tiles that are left."""
        return tuple(replace(tile, replicates=self.kept) for d in self.datasets for tile in d.tiles)

    @property
    def tiles_done(self) -> tuple[Tile, ...]:
        """Tiles that are done."""
        return tuple(replace(tile, replicates=self.kept) for d in self.datasets for tile in d.cut_done())

    def reductions(self, store: Store, to_come: Collection[str] = (), chunk: int = 8) -> tuple[Reduce, ...]:
        """Reductions that must come before the tiles by product, of what is there and what is ``to_come``.

        The same representations are together whatever is done, so that a reduction has the same key for every shard.
        """
        found = []
        expected = self.present.union(to_come)
        for d in self.datasets:
            tiles = [t for t in d.tiles if t.by_product]
            for measures in dict.fromkeys(t.measures for t in tiles):
                of_these = [t for t in tiles if t.measures == measures]
                asked = {key for t in of_these for key in t.representations if key in expected}
                keys = [w.key for w in d.wanted]
                for start in range(0, len(keys), chunk):
                    some = tuple(key for key in keys[start : start + chunk] if key in asked)
                    made = (store.has_reduced(key, c) for key in some for c in of_these[0].configurations)
                    if some and not all(made):
                        found.append(Reduce(of_these[0].dataset, some, measures))
        return tuple(found)

    def needs(self, task: Task, device: str) -> Needs:
        """Return what a task takes of a machine on a device."""
        of = next((d for d in self.datasets if d.name == getattr(task, "dataset", None)), None)
        widths = [w.width for w in of.wanted if w.width is not None] if of else []
        return needs_of(task, device, of.n_items if of else None, max(widths, default=None))

    def told(self, task: Task, text: str) -> str:
        """Return what a task says, which knows its representations by their keys, with their names."""
        of = [d for d in self.datasets if d.name == getattr(task, "dataset", d.name)]
        return with_names(text, {w.key: w.name for d in of for w in d.wanted})

    def summary(self) -> dict[str, Any]:
        """Numbers of the plan, as ``likewise plan`` prints them."""
        sizes = [d.nbytes for d in self.datasets]
        return {
            "experiment": self.experiment.name,
            "extractions": sum(d.extractions for d in self.datasets),
            "extractions_left": len(self.extractions),
            "configurations": [c.label for c in self.experiment.configurations],
            "pairs": str(self.experiment.pairs),
            "statistics": asdict(self.experiment.statistics),
            "datasets": [
                {
                    "name": d.name,
                    "items": d.n_items,
                    "representations": len(d.wanted),
                    "pairs": d.pairs,
                    "scores": d.pairs * scores_of_pair(self.experiment.configurations),
                    "scores_done": d.scores_done,
                    "undefined": {c.label: why for c in self.experiment.configurations if (why := _undefined(c, d))},
                    "together": bool(d.together),
                    "bytes": d.nbytes,
                }
                for d in self.datasets
            ],
            "tiles_left": len(self.tiles),
            "shuffled_scores_bytes": self.replicate_bytes if self.keeps_replicates else 0,
            "keeps_shuffled_scores": self.keeps_replicates,
            "left_out_scores_bytes": self.left_out_bytes,
            "keeps_left_out_scores": "without_input" in self.kept,
            "bytes": None if None in sizes else sum(s for s in sizes if s is not None),
        }

    def record(self) -> dict[str, Any]:
        """What the store keeps of the experiment: enough for a report without models or prompts."""
        # Records of all pairs are what they were before there were others.
        implied = {"pairs"} if self.experiment.pairs == ALL else None
        together = {d.name: d.together for d in self.datasets if d.together}
        return {
            "experiment": self.experiment.model_dump(mode="json", exclude=implied),
            "representations": [
                {"name": w.name, "dataset": w.dataset.name, "key": w.key} for d in self.datasets for w in d.wanted
            ],
            **({"together": together} if together else {}),
        }


def _undefined(configuration: Configuration, of: DatasetPlan) -> str:
    """Say why no score of a data set will be defined in a configuration; nothing where one may be."""
    facts, n = configuration.facts, of.n_items
    if n is not None and n < facts.minimum_items:
        return f"it needs at least {facts.minimum_items:,} inputs, and there are {n:,}"
    states = all(w.dataset.imported is None and w.layer not in OUTPUTS for w in of.wanted)
    if facts.needs == "log_probabilities" and states:
        return f"it needs outputs (layers: [{OUTPUTS[0]}]), and there are hidden states"
    return ""


def plan(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    store: Store | str | Path,
    gone: frozenset[str] = frozenset(),
) -> Plan:
    """Find what an experiment needs, and what of that a store does not have yet. Reads files; uses no network.

    Parameters
    ----------
    experiment : Experiment, mapping, or path of a YAML file
        What is asked for.
    store : Store, or a folder
        What is there.
    gone : frozenset of str
        Keys of pins and representations that failed: what does not need them is planned without them.

    Returns
    -------
    Plan
        The numbers of the experiment and the tasks that are left.

    Raises
    ------
    InputError
        If a model or data set is unknown, a data set has fewer than two representations or none of the wanted pairs,
        or an imported representation is missing.
    ModelError
        If a package that carries a model or data set is not installed.
    StoreError
        If a file of the store is damaged.
    """
    if not isinstance(experiment, Experiment):
        experiment = read_experiment(experiment)
    if not isinstance(store, Store):
        store = Store(store)
    present = frozenset(store.representations())
    answers = Answers(store, experiment.statistics.trust)
    datasets = tuple(plan_of_dataset(experiment, d, present, answers, store, gone) for d in experiment.datasets)
    if not any(d.unpinned for d in datasets):  # before, which layers a model has may not be known
        experiment.pairs.check(w.name for d in datasets for w in d.wanted)
    return Plan(experiment, datasets, present, gone)
