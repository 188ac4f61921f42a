"""What is in a store and belongs to none of its experiments."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from likewise.errors import LikewiseError
from likewise.naming import counted
from likewise.plan.answers import is_older
from likewise.plan.experiment import Experiment
from likewise.plan.inputs import rows_left_out
from likewise.plan.shown import chosen_of
from likewise.plan.tasks import request_of
from likewise.plan.work import plan
from likewise.store import Store


@dataclass(frozen=True)
class Unreferenced:
    """One thing that no experiment of a store refers to.

    Parameters
    ----------
    kind : str
        ``representation``, ``results``, ``prompts``, ``reduced``, ``vector`` or ``unfinished``.
    label : str
        What it is.
    paths : tuple of Path
        Its files and folders, in the order in which they are removed: what is left of a stop is seen as not there.
    """

    kind: str
    label: str
    paths: tuple[Path, ...]


def unreferenced(store: Store) -> tuple[Unreferenced, ...]:
    """Find what no experiment of a store refers to. Reads files, runs no code of others, uses no network.

    What was imported is kept, for nothing can make it again; so are pins, which say what names stood for.

    Raises
    ------
    StoreError
        If a file of the store is damaged.
    InputError
        If an experiment in it cannot be understood.
    """
    with store.at_once():
        return tuple(_unreferenced(store))


def _unreferenced(store: Store) -> Iterator[Unreferenced]:
    records = list(store.experiments().values())
    referred = {r["key"] for about in records for r in about["representations"]}
    kept, texts = set[str](), set[str]()
    for key in store.representations():
        source = store.describe_representation(key)["source"]
        if key in referred or source.imported is not None:
            kept.add(key)
            texts.update(text for text in (source.given, source.prompts) if isinstance(text, str))
            continue
        path = store.representation_path(key)
        label = f"{source.model or key} {source.layer or ''} on {source.dataset or 'unknown'}"
        yield Unreferenced("representation", label, (path.with_suffix(".json"), path))
    yield from _results(store, records)
    for fingerprint in store.prompts_kept():
        if fingerprint not in texts:
            yield Unreferenced("prompts", f"texts {fingerprint}", (store.prompts_path(fingerprint),))
    if store.files.filled(reduced := store.folder / "reduced"):
        yield Unreferenced("reduced", "what tiles by products were made from", (reduced,))
    for path in store.files.below(store.folder / "vectors"):
        if path.stem not in kept and not path.name.startswith("."):  # what is not finished may be another search's
            yield Unreferenced("vector", f"a vector of {path.stem}, to be searched", (path,))
    yield from _unfinished(store, records)


def _results(store: Store, records: Iterable[dict[str, Any]]) -> Iterator[Unreferenced]:
    """Tiles of which no row answers an experiment."""
    asked = [of_one for about in records for of_one in _asked(store, about)]
    for key in store.result_keys():
        ((request, table),) = store.tables(key)
        if not any(_answers(request, table, *of_one) for of_one in asked):
            path = store.result_path(key)
            beside = sorted(filter(store.files.there, store.beside_tile(key)))
            yield Unreferenced("results", f"{counted(len(table), 'score')} {key}", (path, *beside))


def _asked(store: Store, about: dict[str, Any]) -> Iterator[tuple[dict[str, Any], set[str], set[tuple[str, str]]]]:
    """For each data set of an experiment: the request, the representations and the configurations."""
    experiment = Experiment.stored(about["experiment"])
    chosen = {(c.measure, c.parameters_json) for c in chosen_of(experiment, store)}
    of_pieces = {d.name for d in experiment.datasets if d.spans}
    for dataset in dict.fromkeys(r["dataset"] for r in about["representations"]):
        keys = {r["key"] for r in about["representations"] if r["dataset"] == dataset}
        there = [key for key in keys if store.has_representation(key)]
        left_out = rows_left_out(store, there) if dataset in of_pieces else ()
        together = about.get("together", {}).get(dataset, "")
        yield request_of(experiment.statistics.trust, left_out, together), keys, chosen


def _answers(
    request: dict[str, Any], table: pa.Table, asked: dict[str, Any], keys: set[str], chosen: set[tuple[str, str]]
) -> bool:
    older = is_older(request, asked)
    if request != asked and not older:
        return False
    rows = table.filter(
        pc.and_(*(pc.is_in(table[side].cast(pa.string()), pa.array(keys, pa.string())) for side in ("a_key", "b_key")))
    )
    made = set(zip(*(rows[name].cast(pa.string()).to_pylist() for name in ("measure", "parameters")), strict=True))
    # Parameters were written otherwise by older versions.
    return bool({m for m, _ in made} & {m for m, _ in chosen}) if older else bool(made & chosen)


def _unfinished(store: Store, records: Iterable[dict[str, Any]]) -> Iterator[Unreferenced]:
    """Rows of extractions that were begun and that no experiment goes on with; none where an experiment is unclear."""
    begun = store.begun()
    if not begun:
        return
    try:
        plans = [plan(Experiment.stored(about["experiment"]), store) for about in records]
    except LikewiseError:  # a model that is not on this machine
        return
    wanted = {task.parts_key for planned in plans for task in planned.extractions}
    for key in begun:
        if key not in wanted:
            yield Unreferenced("unfinished", f"an extraction {key}", (store.parts(key).folder,))
