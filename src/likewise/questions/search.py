"""Which kept models are nearest to one? From one vector for each model, that a store keeps."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from likewise.chance import agreed
from likewise.errors import InputError, LikewiseError
from likewise.measures import Configuration, prepare
from likewise.models import canonical_layer
from likewise.naming import counted, depth_of, model_of, name_of, parts_of
from likewise.plan import Reduce, Trusted, kept_on, rows_left_out
from likewise.plan.inputs import together_in
from likewise.plan.tasks import by_product
from likewise.progress import Watch, unwatched
from likewise.quantities import SUMS
from likewise.questions.joined import run_like_those
from likewise.questions.rows import is_file_of_rows, rows_given
from likewise.representation import aligned
from likewise.run import Job, Processes, Settings, check_reduced, items_of, outcomes, perform
from likewise.scoring import Reduced, Trust, reduce, score_one, score_values
from likewise.store import Room, Store
from likewise.studies import Answer, Search
from likewise.studies.search import TOP, Found, numbers_in

MEASURE = "cka"

CHUNK = 8
"""Representations that a worker reduces at a time."""


def search(
    store: str | Path,
    model: Any,
    *,
    top: int = TOP,
    measure: str | Configuration = MEASURE,
    dataset: str | None = None,
    experiment: str | None = None,
    layer: str | int | float | None = None,
    workers: int | None = 1,
    device: Any = "cpu",
    batch_tokens: int | None = None,
    trust: Trusted = (),
    conditions: Sequence[str] = (),
    watch: Watch = unwatched,
) -> Answer:
    """Return which of the models that a store keeps are nearest to one.

    Parameters
    ----------
    store : str or Path
        Folder of the store.
    model : str, mapping, Path, array or Representation
        The name of a model in the store; or any other model, which is run on the same prompts and kept in the store; or
        rows of the same inputs: a file, an array or a Representation.
    top : int
        How many are shown.
    measure : str or Configuration
        One whose scores are inner products of one vector for each model, such as ``cka`` or ``rsa``.
    dataset, experiment : str, optional
        By default the only data set of the store, in all its experiments.
    layer : str, int or float, optional
        Which layer of the model: one that is kept, or else the one that is run.
    workers : int, optional
        Processes that make vectors: 1 for this one alone, None for one for each core.
    device, batch_tokens, trust
        Of a model that is run, as in `run`.
    conditions : sequence of str
        What the answer will be asked; what names a value that it cannot have is refused before anything is run.
    watch : callable
        Is told how far the work is.

    Returns
    -------
    Answer
        With the table ``nearest``, and ``values`` such as ``nearest``, ``calibrated``, ``calibrated.low``.

    Raises
    ------
    InputError
        If there is no such model, the inputs differ or belong together, or an option is out of its range.
    LikewiseError
        If the model could not be run; what is finished is kept.

    Notes
    -----
    The first search of a store makes the vectors, of n (n + 1) / 2 numbers for n inputs, and keeps them in
    ``vectors/``: O(n^3) for each model. A later search reads them once and costs O(n^2) for each.

    Examples
    --------
    >>> import likewise
    >>> answer = likewise.search("runs/population", "gpt2")  # doctest: +SKIP
    >>> answer.tables["nearest"].records()[0]["model"]  # doctest: +SKIP
    """
    study = Search(top)
    study.names().check(conditions)
    chosen = _configuration(measure)
    if workers is not None and workers < 1:
        raise InputError(f"workers={workers}; expected 1 or more")
    place = Store(store)
    if not place.is_there():
        raise InputError(f"there is no store in {place}; likewise run or likewise import makes one")
    if workers != 1 and not place.files.shared:
        raise InputError(f"{place} is in the memory of this process; expected workers=1, got {workers}")
    layer = canonical_layer(layer) if layer is not None else None
    on, kept = kept_on(place, dataset, experiment)
    settings = Settings(place.files.absolute, "cpu", batch_tokens or 1)
    known = _named(model, layer, kept)
    of_rows = known is None and (not isinstance(model, str | Mapping) or is_file_of_rows(model))
    if of_rows and layer is not None:
        raise InputError("rows that are given are of one layer; leave the layer out")
    if known is None and not of_rows:
        how = {"device": device, "batch_tokens": batch_tokens, "trust": trust, "watch": watch}
        known, key = run_like_those(place, model, on, experiment, layer, kept, how)
        kept = {known: key, **kept}
    own = model_of(known) if known is not None else ""
    others = _others(place, kept, known, own)
    if not others:
        raise InputError(f"{place} keeps no other model on {on}; run or import models on {on} first")
    asked = dict.fromkeys([*others.values(), *([kept[known]] if known is not None else [])])
    _make(place, tuple(asked), chosen, settings, workers, on, watch)
    if known is not None:
        one, about = place.load_reduced(kept[known], chosen, kept=True)
        name = known
    else:
        one, about, name = _of_rows(model, place, next(iter(others.values())), chosen)
    if one.reason:
        raise InputError(f"{name}: {one.reason}")
    return study.answer(_compared(place, others, chosen, one, about, name, on, watch))


def _configuration(measure: str | Configuration) -> Configuration:
    chosen = measure if isinstance(measure, Configuration) else Configuration.parse(measure)
    if not by_product([chosen], Trust(permutations=0, groups=0)) or chosen.facts.identity is None:
        raise InputError(
            f"{chosen.label} is not the inner product of one vector for each model; expected one that is, such as cka "
            "or rsa; likewise compare takes any measure"
        )
    return chosen


def _named(model: Any, layer: str | None, kept: Mapping[str, str]) -> str | None:
    """The name of a representation in the store that is meant; None where the store does not keep it."""
    if not isinstance(model, str):
        return None
    if model in kept and layer in (None, parts_of(model)[2]):
        return model
    if layer is not None:
        if model in kept and model_of(model) != model:
            raise InputError(f"{model!r} is not of layer {layer}; leave the layer out, or name {model_of(model)!r}")
        name = name_of(model, layer)
        return name if name in kept else None
    layers = [name for name in kept if model_of(name) == model]
    if len(layers) > 1:
        each = ", ".join(sorted(layers, key=depth_of))
        raise InputError(f"{model} has several layers in the store; name one with --layer, or one of: {each}")
    return layers[0] if layers else None


def _others(store: Store, kept: Mapping[str, str], known: str | None, own: str) -> dict[str, str]:
    """The representations of all other models that are there, each once."""
    own_key = kept[known] if known is not None else None
    there = set(store.representations())
    found: dict[str, str] = {}
    for name, key in kept.items():
        if key != own_key and key in there and (known is None or model_of(name) != own):
            found.setdefault(key, name)
    return {name: key for key, name in found.items()}


def _make(
    store: Store,
    keys: Sequence[str],
    chosen: Configuration,
    settings: Settings,
    workers: int | None,
    dataset: str,
    watch: Watch,
) -> None:
    """Make the vectors that are not kept yet."""
    made = set(store.files.names(store.reduced_path(keys[0], chosen, kept=True).parent, ".safetensors"))
    missing = [key for key in keys if key not in made]
    if not missing:
        return
    named = {key: key for key in missing}
    if rows_left_out(store, named):
        raise InputError(
            f"some models have no tokens for spans of {dataset}; use likewise run or likewise compare instead"
        )
    if together_in(store, named):
        raise InputError(
            f"the inputs of {dataset} belong together in groups, and a search takes them to be independent; use "
            "likewise run or likewise compare instead"
        )
    tasks = [
        Reduce(dataset, tuple(missing[i : i + CHUNK]), (chosen.label,), kept=True)
        for i in range(0, len(missing), CHUNK)
    ]
    done = 0
    watch("making vectors", 0, len(missing))
    do = partial(perform, settings=settings)
    over: Iterator[Any] = (
        map(do, tasks) if workers == 1 or len(tasks) == 1 else outcomes(Processes(workers), do, map(Job, tasks))
    )
    for outcome in over:
        if outcome.error:
            raise LikewiseError(outcome.error)
        done += len(outcome.task.representations)
        watch("making vectors", done, len(missing))


def _of_rows(model: Any, store: Store, other: str, chosen: Configuration) -> tuple[Reduced, dict[str, str], str]:
    """Reduce rows that are given, in the order of the rows of the store."""
    rows = rows_given(model)
    name = rows.name or "the rows"
    kept = store.load_representation(other, "the store")
    (_, rows), _ = aligned([kept, rows.changed(name=name)])
    agreed([("the store", kept.groups), (name, rows.groups)])
    if rows.n_items != kept.n_items:
        raise InputError(
            f"{name} has {counted(rows.n_items, 'row')}; expected {kept.n_items:,}, as the models in the store have"
        )
    return reduce(chosen, prepare(rows)), items_of(rows), name


def _compared(
    store: Store,
    others: Mapping[str, str],
    chosen: Configuration,
    one: Reduced,
    about: Mapping[str, str],
    name: str,
    dataset: str,
    watch: Watch,
) -> Found:
    """Compare one with all others, each as it is read, while it lies in the processor's cache."""
    start = perf_counter()
    n, named = int(about["n"]), list(others.items())
    sides, fit, room = [one], list[dict[str, str]](), Room()

    def read() -> Iterator[Reduced]:
        for other, key in named:
            side, own = store.load_reduced(key, chosen, kept=True, room=room)
            if own not in fit:  # most models say the same of their inputs
                check_reduced([name, other], [about, own])
                fit.append(own)
            yield side
            # Vectors are made by keys; people know models by their names.
            sides.append(Reduced(np.empty(0), side.sums.copy(), np.empty(0), side.reason.replace(key, other)))
            watch("comparing", len(sides) - 1, len(named))

    with threadpool_limits(1):
        values, each = score_one(chosen, one, read(), n)
    names = [name, *others]
    table, _ = score_values(
        chosen, values,
        np.stack([side.sums if not side.reason else np.full(SUMS, np.nan) for side in sides]),
        np.stack([np.zeros(len(named), dtype=np.int64), 1 + np.arange(len(named))], axis=1), 1, n,
        Trust(permutations=0, groups=0), reasons=[side.reason for side in sides], dataset=dataset,
        names=names, keys=[""] * len(names), start=start,
    )  # fmt: skip
    mean, identity = numbers_in(table, "null_mean")[:, None], chosen.facts.identity
    assert identity is not None  # of all measures that can be searched
    calibrated = ~np.isnan(numbers_in(table, "calibrated"))[:, None]
    without = np.divide(each - mean, identity - mean, out=np.full(each.shape, np.nan), where=calibrated)
    return Found(name, dataset, chosen, n, table, without)
