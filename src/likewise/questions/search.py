"""Which kept models are nearest to one? From one vector for each model, that a store keeps."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from likewise.catalogue import IMPORTED
from likewise.errors import InputError, LikewiseError
from likewise.inference import RankSets, rank_intervals
from likewise.inference.leftout import FEWEST
from likewise.measures import Configuration, prepare
from likewise.models import canonical_layer
from likewise.naming import canonical_json, did_you_mean, model_of, name_of, p_text, parts_of, slug
from likewise.plan import Experiment, Reduce, Trusted, Wanted, kept_on, plan, rows_left_out
from likewise.plan.inputs import together_in
from likewise.plan.tasks import by_product
from likewise.progress import Watch, unwatched
from likewise.questions.rows import is_file_of_rows, rows_given
from likewise.questions.through import run_whole
from likewise.questions.versions import entries_of
from likewise.representation import aligned
from likewise.run import Job, Processes, Settings, check_reduced, items_of, outcomes, perform
from likewise.run.executors.processes import available_cores
from likewise.scoring import (
    Reduced,
    Trust,
    interval,
    reduce,
    score_one,
    score_values,
)
from likewise.store import Store, content_key
from likewise.store.files import SUFFIXES
from likewise.studies import Answer, Names, Table
from likewise.studies.conditions import Cell

MEASURE, TOP = "cka", 20

CHUNK = 8
"""Representations that a worker reduces at a time."""

BLOCK = 50
"""Representations that a thread compares before it says so."""

NAMED = re.compile("search-.*-[0-9a-f]{24}")
"""What the experiments of models that were searched are called: see `_record_name`."""

HEADS = ("rank", "rank low", "rank high", "model", "score", "calibrated", "low", "high", "p")

LIMITS = (
    "A rank is of the calibrated score, 1 the highest. rank low, rank high: 95 % for each row alone, by Student's t of "
    "its difference from each other model, by the jackknife over inputs, corrected by Holm over all of them.",
    "low, high: 95 % interval of the calibrated score for as many other inputs. Each input is left out to first order; "
    "the chance level, and means and ranks within a measure, stay those of all inputs.",
    "p is for one model alone: it tells only that both saw the same inputs, not that they are related.",
)


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
    names().check(conditions)
    chosen = _configuration(measure)
    if top < 1:
        raise InputError(f"top={top}; expected 1 or more")
    if workers is not None and workers < 1:
        raise InputError(f"workers={workers}; expected 1 or more")
    place = Store(store)
    if not place.is_there():
        raise InputError(f"there is no store in {place}; likewise run or likewise import makes one")
    if workers != 1 and not place.place.shared:
        raise InputError(f"{place} is in the memory of this process; expected workers=1, got {workers}")
    layer = canonical_layer(layer) if layer is not None else None
    on, kept = kept_on(place, dataset, experiment)
    if isinstance(model, str) and model not in kept and Path(model).suffix in SUFFIXES and not os.path.lexists(model):
        raise InputError(f"there is no file {model}")
    settings = Settings(place.place.absolute, "cpu", batch_tokens or 1)
    known = _named(model, layer, kept)
    of_rows = known is None and (not isinstance(model, str | Mapping) or is_file_of_rows(model))
    if of_rows and layer is not None:
        raise InputError("rows that are given are of one layer; leave the layer out")
    if known is None and not of_rows:
        how = {"device": device, "batch_tokens": batch_tokens, "trust": trust, "watch": watch}
        known, key = _run(place, model, on, experiment, layer, kept, how)
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
    query = _Query(chosen, one, about, name, on)
    found = query.all(place, others, watch)
    return _answer(query, found, top, len(others))


def names() -> Names:
    """Return the names of the values of an answer."""
    ends = ("low", "high")
    values = (
        "nearest",
        "models",
        "undefined",
        "score",
        "calibrated",
        "p",
        "rank.high",
        *(f"calibrated.{e}" for e in ends),
    )
    return Names(values, {"nearest": HEADS})


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
        raise InputError(
            f"{model} has several layers in the store; name one with --layer, or one of: {', '.join(sorted(layers))}"
        )
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


def _run(
    store: Store,
    model: Any,
    dataset: str,
    experiment: str | None,
    layer: str | None,
    kept: Mapping[str, str],
    how: Mapping[str, Any],
) -> tuple[str, str]:
    """Run a model as those of the store were run; return the name and key of its representation."""
    (entry,) = entries_of([model])
    called, of_model = str(entry["name"]), entry.get("layers")
    if layer is not None and of_model is not None:
        raise InputError(f"{called} names its layers itself; leave the layer out")
    at = f" at layer {layer}" if layer is not None else ""
    near = f"{store} keeps no model {model!r}{at}; {_near(called, kept)}"
    among = [experiment] if experiment else [n for n in store.experiments() if not NAMED.fullmatch(n)]
    asked = [Experiment.stored(store.experiments()[n]["experiment"]) for n in among]
    asked = [e for e in asked if any(d.name == dataset for d in e.datasets)]
    sources = [next(d for d in e.datasets if d.name == dataset) for e in asked]
    if not asked or any(str(d.source).startswith(IMPORTED) for d in sources):
        raise InputError(f"{near}. Its rows were imported, so no model can be run on {dataset}; give a file of rows")
    if any((d, e.representation) != (sources[0], asked[0].representation) for d, e in zip(sources, asked, strict=True)):
        raise InputError(
            f"the experiments {', '.join(among)} run models on {dataset} in other ways; name one with --experiment"
        )
    part = asked[0].representation
    layers = [layer] if layer is not None else of_model or list(part.layers)
    layers = [layers] if isinstance(layers, str) else layers
    if len(layers) != 1:
        raise InputError(
            f"the models on {dataset} have several layers ({', '.join(map(str, layers))}); name one with --layer"
        )
    one = Experiment.asked(
        {
            "name": "search",
            "models": [entry],
            "datasets": [sources[0].name],
            "representation": {"layers": layers},
            "measures": [],
        }
    ).model_copy(update={"datasets": (sources[0],)})
    one = one.model_copy(update={"representation": part.model_copy(update={"layers": one.representation.layers})})
    one = one.model_copy(update={"name": _record_name(one)})
    try:
        (of_dataset,) = plan(one, store).datasets
        _check_free(store, called, of_dataset.wanted, dataset)
        run_whole(one, store.place.address, **how)
    except LikewiseError as error:
        error.add_note(near)
        raise
    _, made = kept_on(store, dataset, one.name)
    if len(made) != 1:
        raise InputError(f"{model} has several representations now; name one of them: {', '.join(sorted(made))}")
    ((name, key),) = made.items()
    return name, key


def _record_name(one: Experiment) -> str:
    """Name the record of a searched model: another one for each model, data set and layer."""
    entry, (dataset,), layers = one.models[0], one.datasets, one.representation.layers
    text = slug(f"{entry.name} {dataset.name} {' '.join(entry.layers or layers)}")
    return f"search-{text}-{content_key(one.model_dump(mode='json', exclude={'name'}))}"


def _check_free(store: Store, called: str, wanted: Sequence[Wanted], dataset: str) -> None:
    """Refuse, before anything is run, a model with the name of another one that the store keeps, in any experiment."""
    keys, identities = {w.name: w.key for w in wanted}, {canonical_json(w.model.identity()) for w in wanted}
    for about in store.experiments().values():
        for r in about["representations"]:
            if r["dataset"] != dataset or parts_of(r["name"])[0] != called or r["key"] in keys.values():
                continue
            if r["name"] not in keys and store.has_representation(r["key"]):
                source = store.describe_representation(r["key"])["source"]
                own = source.model_identity  # of what was imported, or made by an older version, it is not known
                if own is not None and canonical_json(dict(own)) in identities:
                    continue
            raise InputError(
                f"the store has another model called {r['name']!r}; give this one another name, as NAME=MODEL"
            )


def _near(model: str, kept: Mapping[str, str]) -> str:
    """Half a sentence with the nearest names; of thousands not all."""
    said = did_you_mean(model, kept)
    return said if said.startswith("did") or len(kept) <= 20 else f"it keeps {len(kept):,} others"


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
    made = set(store.place.names(store.reduced_path(keys[0], chosen, kept=True).parent, ".safetensors"))
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
    if rows.n_items != kept.n_items:
        raise InputError(
            f"{name} has {rows.n_items:,} rows; expected {kept.n_items:,}, as the models in the store have"
        )
    return reduce(chosen, prepare(rows)), items_of(rows), name


@dataclass(frozen=True)
class _Found:
    """The rows of a table, and the calibrated scores without each input."""

    table: pa.Table
    without: Float[np.ndarray, "m n"]


@dataclass(frozen=True)
class _Query:
    """One model that others are compared with."""

    configuration: Configuration
    one: Reduced
    about: Mapping[str, str]
    name: str
    dataset: str

    def all(self, store: Store, others: Mapping[str, str], watch: Watch) -> _Found:
        """Compare with all others, in threads, one for each core."""
        start = perf_counter()
        n, named = int(self.about["n"]), list(others.items())
        blocks = [named[i : i + BLOCK] for i in range(0, len(named), BLOCK)]
        sides, values, without = [self.one], list[np.ndarray](), list[np.ndarray]()
        # Checksums and products let other threads work, so each has one thread of the library.
        with threadpool_limits(1), ThreadPoolExecutor(min(available_cores(), len(blocks))) as pool:
            for some, scores, each in pool.map(partial(self._block, store, n), blocks):
                sides += some
                values.append(scores)
                without.append(each)
                watch("comparing", len(sides) - 1, len(named))
        names = [self.name, *others]
        table, _ = score_values(
            self.configuration, np.concatenate(values),
            np.stack([side.sums if not side.reason else np.full(18, np.nan) for side in sides]),
            np.stack([np.zeros(len(named), dtype=np.int64), 1 + np.arange(len(named))], axis=1), 1, n,
            Trust(permutations=0, groups=0), reasons=[side.reason for side in sides], dataset=self.dataset,
            names=names, keys=[""] * len(names), start=start,
        )  # fmt: skip
        mean, identity = _numbers(table, "null_mean")[:, None], self.configuration.facts.identity
        assert identity is not None  # of all measures that can be searched
        calibrated = ~np.isnan(_numbers(table, "calibrated"))[:, None]
        each = np.concatenate(without)
        return _Found(table, np.divide(each - mean, identity - mean, out=np.full(each.shape, np.nan), where=calibrated))

    def _block(
        self, store: Store, n: int, block: Sequence[tuple[str, str]]
    ) -> tuple[list[Reduced], Float[np.ndarray, " m"], Float[np.ndarray, "m n"]]:
        """Score some of the others; return what they are reduced to without their vectors, and the scores."""
        kept: list[Reduced] = []
        fit: list[dict[str, str]] = []  # most models say the same of their inputs

        def read() -> Iterator[Reduced]:
            for name, key in block:
                side, about = store.load_reduced(key, self.configuration, kept=True)
                if about not in fit:
                    check_reduced([self.name, name], [self.about, about])
                    fit.append(about)
                kept.append(replace(side, vector=np.empty(0)))
                yield side

        return kept, *score_one(self.configuration, self.one, read(), n)


def _numbers(table: pa.Table, name: str) -> Float[np.ndarray, " m"]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _answer(query: _Query, found: _Found, top: int, count: int) -> Answer:
    """The nearest, with their ranks."""
    table, without = found.table, found.without
    calibrated = _numbers(table, "calibrated")
    models, said = table["b"].to_pylist(), table["reason"].to_pylist()
    defined = np.flatnonzero(~np.isnan(calibrated))
    if not len(defined):
        raise LikewiseError(f"no score of {query.configuration.label} is defined: {said[0]}")
    order = sorted(defined.tolist(), key=lambda k: (-calibrated[k], models[k]))
    shown = order[:top]
    score, p = _numbers(table, "value"), _numbers(table, "pvalue")
    low = high = np.full(len(calibrated), np.nan)
    sets: RankSets | None = None
    if without.shape[1] >= FEWEST:
        low, high = interval(calibrated, np.ascontiguousarray(without.T))
        sets = rank_intervals(calibrated, without, shown)
    rows: list[tuple[Cell, ...]] = []
    for place, k in enumerate(shown):
        ends = (int(sets.low[place]), int(sets.high[place])) if sets else (None, None)
        rank = 1 + int((calibrated[defined] > calibrated[k]).sum())
        bounds = [None if np.isnan(end) else float(end) for end in (low[k], high[k])]
        rows.append(
            (
                rank,
                *ends,
                models[k],
                float(score[k]),
                float(calibrated[k]),
                *bounds,
                None if np.isnan(p[k]) else p_text(float(p[k])),
            )
        )
    first = dict(zip(HEADS, rows[0], strict=True))
    values: dict[str, Cell] = {
        "nearest": first["model"], "models": count, "undefined": count - len(defined), "score": first["score"],
        "calibrated": first["calibrated"], "calibrated.low": first["low"], "calibrated.high": first["high"],
        "p": None if np.isnan(p[shown[0]]) else float(p[shown[0]]), "rank.high": first["rank high"],
    }  # fmt: skip
    why = f"{query.about['n']} inputs; expected {FEWEST} or more for an interval"
    reasons = {name: why for name in ("calibrated.low", "calibrated.high", "rank.high") if values[name] is None}
    reasons |= {} if values["p"] is not None else {"p": said[shown[0]]}
    limits = list(LIMITS if sets else LIMITS[2:])
    if undefined := [k for k in range(len(models)) if np.isnan(calibrated[k])]:
        why = said[undefined[0]]
        limits.append(f"{len(undefined):,} models have no calibrated score, such as {models[undefined[0]]}: {why}")
    limits += [f"Of {models[k]}: {said[k]}" for k in shown if said[k]][:1]
    of = "" if first["low"] is None else f" (95 %: {first['low']:.3g} to {first['high']:.3g})"
    last = int(sets.high[0]) if sets else None
    sure = (
        ""
        if last is None
        else " All others are told apart from it."
        if last == 1
        else f" {last - 1:,} more may be as near."
    )
    return Answer(
        question=f"Which of {count:,} kept models are nearest to {query.name}?",
        verdict=f"{first['model']} is the nearest of {count:,} to {query.name} on {query.dataset}: "
        f"{query.configuration.label} {first['calibrated']:.3g} of the way from chance to identical{of}.{sure}",
        reading="The nearest first, by the calibrated score: 0 is chance, 1 is identical.",
        tables=(Table("nearest", HEADS, tuple(rows), spare=("p", "score", "low", "high")),),
        limits=tuple(limits),
        values=values,
        reasons=reasons,
    )
