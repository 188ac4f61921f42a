"""How far models are from the base in one layer: prompt by prompt, and on average beside numeric noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from likewise.arrays import to_numpy
from likewise.chance import agreed, run_length
from likewise.errors import InputError
from likewise.inference import LeftOut
from likewise.naming import parse_call
from likewise.representation import Representation, check_all_same_items
from likewise.scoring.leaving_out import stretch_of, stretches_of

Layers = Mapping[str, Representation]
"""Rows of one model by layer, in the order of depth; each may be read from disk when it is asked for."""

PART = 0.8
"""Share of the floor that is left without any one prompt or group, above which ratios to it say how much they vary."""

MASSIVE = 20.0
"""A feature so many times as large as the median one is massive: in a mean over tokens it hides all others."""

FILES = "rows"
"""What the one layer of rows from files is called."""

SINGLE = ("last_token", "first_token")
"""Poolings that take one token as it is, in which no feature is left out."""


@dataclass(frozen=True, eq=False)
class Layer:
    """The errors in one layer: of each model for each prompt, and over all where the columns are centred.

    ``run`` is the `run_length` of the rows of the base, where no groups are named.
    """

    layer: str
    ids: Sequence[str]
    groups: Sequence[str] | None
    errors: Mapping[str, Float[np.ndarray, " n"]]
    centred: Mapping[str, float | None]
    reruns: tuple[str, ...]
    massive: int
    run: int = 1

    def score(self, name: str) -> LeftOut:
        """The mean error of a model."""
        return LeftOut.of_mean(self.errors[name], self.groups)

    @property
    def floor(self) -> LeftOut:
        """The largest mean error of a re-run, also without each part."""
        runs = [self.score(name) for name in self.reruns]
        values = np.max([run.values for run in runs], axis=0)
        return LeftOut(max(run.value for run in runs), values, runs[0].sizes)

    def ratio(self, name: str) -> LeftOut | None:
        """How many times the floor a copy is; None where the re-runs are equal to the base.

        Where one prompt or group makes much of the floor, the ratio without it says nothing: what varies is then the
        difference of both, in units of the floor.
        """
        floor, own = self.floor, self.score(name)
        if floor.value <= 0:
            return None
        if floor.values.min() > PART * floor.value:
            values = own.values / floor.values
        else:
            values = 1 + (own.values - floor.values) / floor.value
        return LeftOut(own.value / floor.value, values, own.sizes)

    def of_prompts(self, name: str) -> Float[np.ndarray, " n"]:
        """How many times the largest re-run of each prompt; NaN where that is 0."""
        largest = np.max([self.errors[rerun] for rerun in self.reruns], axis=0)
        return np.asarray(np.divide(self.errors[name], largest, out=np.full(len(largest), np.nan), where=largest > 0))


def groups_of(of: Representation) -> Sequence[str]:
    """What inputs belong together, as of the rows or of the prompts; empty where nothing is given."""
    return of.groups or of.source.groups


def errors_at(layer: str, given: Mapping[str, Layers], base: str, reruns: tuple[str, ...]) -> Layer:
    """Return the errors of all models in a layer, of prompts and features that all of them have."""
    rows = {name: models[layer] for name, models in given.items()}
    own = rows[base]
    check_all_same_items(list(rows.values()))
    agreed((name, groups_of(r)) for name, r in rows.items())
    for name, other in rows.items():
        if other.is_table or other.n_features != own.n_features:
            what = "is a table of inputs" if other.is_table else f"has {other.n_features:,} features"
            raise InputError(
                f"{name} {what} at {layer_text(layer)}, and {base} has {own.n_features:,} features; expected copies of "
                "one model, which have the same ones"
            )
    x = to_numpy(own.matrix).astype(np.float64)
    kept = _not_massive(x) if _averages(own) else np.ones(x.shape[1], dtype=bool)
    x = x[:, kept]
    lengths, centred = np.linalg.norm(x, axis=1), x - x.mean(axis=0)
    if not lengths.all():
        which = own.ids[int(np.argmin(lengths))]
        raise InputError(f"{base} at {layer_text(layer)}: the row of {which!r} is zero, so it has no relative error")
    errors, over_all = {}, {}
    for name, other in rows.items():
        if name != base:
            away = to_numpy(other.matrix).astype(np.float64)[:, kept] - x
            errors[name] = np.linalg.norm(away, axis=1) / lengths
            spread = np.linalg.norm(centred)
            over_all[name] = float(np.linalg.norm(away - away.mean(axis=0)) / spread) if spread else None
    groups = groups_of(own) or None
    ids = next((r.ids for r in rows.values() if r.has_ids), own.ids)
    run = 1 if groups else run_length(len(x), x.__getitem__)
    return Layer(layer, ids, groups, errors, over_all, reruns, int((~kept).sum()), run)


def in_stretches(layers: Sequence[Layer]) -> list[Layer]:
    """The same, of stretches of prompts where rows that follow each other are alike: one way for all layers.

    Not where a layer names groups.
    """
    n, run = len(layers[0].ids), max(layer.run for layer in layers)
    if run == 1 or any(layer.groups for layer in layers):
        return [replace(layer, run=1) for layer in layers]
    groups = stretch_of(n, stretches_of(n, run)).astype(str).tolist()
    return [replace(layer, groups=groups) for layer in layers]


def _averages(rows: Representation) -> bool:
    pooling = rows.source.pooling
    return pooling is not None and parse_call(pooling)[0] not in SINGLE


def _not_massive(x: Float[np.ndarray, "n d"]) -> Any:
    size = np.sqrt((x**2).mean(axis=0))
    return size <= MASSIVE * np.median(size) if np.median(size) > 0 else np.ones(x.shape[1], dtype=bool)


def layer_text(layer: str) -> str:
    """A layer in words."""
    known = {"last": "the last layer", "embedding": "the embedding", FILES: "the rows"}
    return known.get(layer, f"block {layer}" if layer.isdecimal() else layer)
