"""Representations that others made: found in a store by their names, never made by a task."""

import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from likewise.catalogue import IMPORTED
from likewise.errors import InputError
from likewise.models import ModelSpec
from likewise.naming import depth_of, name_of
from likewise.plan.tasks import Wanted
from likewise.prompts import DatasetSpec
from likewise.store import Store, content_key


def imported_key(model: str, dataset: str, layer: str) -> str:
    """Return the key of a representation that others made; a plan finds it without reading its rows."""
    return content_key({"imported": model, "dataset": dataset, "layer": layer})


def with_imported(wanted: Iterable[Wanted], present: frozenset[str], store: Store) -> tuple[Wanted, ...]:
    """Return what is wanted with the widths of what others made.

    Raises
    ------
    InputError
        If it is not in the store, if it is asked to be something that rows cannot be, or if a model is to run on
        prompts that are not at hand.
    """
    wanted = tuple(wanted)
    for w in wanted:
        _check(w)
    imported = [w for w in wanted if w.model.imported is not None]
    if missing := [_missing(w, store) for w in imported if w.key not in present]:
        raise InputError("\n".join(missing))
    widths = {w.key: store.describe_representation(w.key)["n_features"] for w in imported}
    return tuple(replace(w, width=widths.get(w.key, w.width)) for w in wanted)


def _check(w: Wanted) -> None:
    model, dataset = w.model, w.dataset
    if model.imported is not None and model != ModelSpec(model=model.model):
        raise InputError(f"{model.model} is imported; only its name, layers and datasets can be chosen")
    if dataset.imported is None:
        return
    if dataset != DatasetSpec(name=dataset.name, source=dataset.source):
        raise InputError(f"{dataset.source} was imported without its prompts; only its name can be chosen")
    if model.imported is None:
        raise InputError(
            f"{model.model} cannot run on {dataset.name}, which was imported without its prompts; name the data sets "
            "to run it on, with datasets: of that model"
        )


def _missing(w: Wanted, store: Store) -> str:
    model, dataset = str(w.model.imported), w.dataset.imported or w.dataset.name
    command = ["likewise", "import", f"{model}=PATH", "--dataset", dataset, "--store", str(store)]
    command += ["--layer", w.layer] if w.layer != "last" else []
    return f"{name_of(model, w.layer)} on {dataset} is not in this store; {shlex.join(command)} brings it"


def imported_experiment(store: Store) -> dict[str, Any]:
    """Return an experiment of all that was imported into a store, on every data set that has two or more of it."""
    layers: dict[str, dict[str, list[str]]] = {}
    for key in store.representations():
        source = store.describe_representation(key)["source"]
        if source.imported is not None:
            named = str(source.model), str(source.dataset), str(source.layer)  # what was imported has these
            layers.setdefault(named[0], {}).setdefault(named[1], []).append(named[2])
    counts = Counter(dataset for of_model in layers.values() for dataset, found in of_model.items() for _ in found)
    datasets = sorted(dataset for dataset, count in counts.items() if count > 1)
    # Sorted, so that what comes later leaves the order of every pair, and so its scores, as they are.
    models = [entry for name in sorted(layers) for entry in _entries(name, layers[name], datasets)]
    return {
        "name": "imported",
        "models": models,
        "datasets": [{"source": f"{IMPORTED}{dataset}"} for dataset in datasets],
        "measures": ["paper"],
    }


def _entries(name: str, layers: dict[str, list[str]], datasets: list[str]) -> list[dict[str, Any]]:
    """One entry for a model; one more for data sets on which it has other layers."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for dataset in datasets:
        if dataset in layers:
            grouped.setdefault(tuple(sorted(layers[dataset], key=depth_of)), []).append(dataset)
    entries: list[dict[str, Any]] = []
    for of_these, where in grouped.items():
        entry: dict[str, Any] = {"model": f"{IMPORTED}{name}", "layers": list(of_these)}
        entry |= {"name": f"{name} ({', '.join(where)})"} if entries else {}
        entries.append(entry | ({"datasets": where} if where != datasets else {}))
    return entries
