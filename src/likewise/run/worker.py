"""Do tasks. Workers look things up by key in the store; arrays never travel between processes."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool

from likewise.about import Source
from likewise.errors import InputError, LikewiseError, MissingDependencyError, ModelError
from likewise.extraction import backend_of
from likewise.fields import TRANSFORMERS
from likewise.kinds import described
from likewise.libraries import library_versions
from likewise.measures import OwnCode, footprint, load_sources, prepare
from likewise.models import CHOICES, OUTPUTS, ModelSpec, kind_of, one_device, resolve_dataset, resolve_model
from likewise.naming import canonical_json
from likewise.oddities import audit, audit_prompts
from likewise.plan import Extract, Reduce, Resolve, Task, Tile, blocks_of_pairs, pinned, unpinned
from likewise.pooling import tokens_to_generate
from likewise.progress import Watch, labelled, unwatched
from likewise.prompts import DatasetSpec, Prompts, load_choices, load_prompts
from likewise.representation import Representation, check_all_same_items, on_device
from likewise.scoring import Results, in_turn, reduce, score_block, score_products
from likewise.store import Store, content_key

WAY_VERSION = 3
"""Raised when rows that were begun must not be gone on with, for they would now be made in another way."""


@dataclass(frozen=True)
class Settings:
    """Where and how a run works; what decides on numbers stands in the tasks instead.

    Parameters
    ----------
    store : Path or str
        Folder of the store, or its URL.
    device : {"cpu", "cuda", "auto"}
        Where models run, and tiles are compared; ``auto`` spreads a model over all GPUs.
    batch_tokens : int
        Tokens of a batch, padding included.
    own : tuple of (str, str or None)
        Where measures of one's own are loaded from, in a process that has not loaded them.
    """

    store: Path | str
    device: str
    batch_tokens: int
    own: tuple[OwnCode, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A task that is over: done, or failed with a message."""

    task: Task
    error: str = ""
    again: bool = False
    """Whether another try may help: nothing that was asked for is wrong."""


def perform_all(tasks: Sequence[Task], watch: Watch = unwatched, *, settings: Settings) -> tuple[Outcome, ...]:
    """Do tasks one after the other, those of one model with the model that is loaded once."""
    try:
        return tuple(perform(task, watch, settings=settings) for task in tasks)
    finally:
        if any(isinstance(task, Extract) for task in tasks):
            release()


def perform(task: Task, watch: Watch = unwatched, *, settings: Settings) -> Outcome:
    """Do a task; an error that likewise raises becomes its outcome, so that the other tasks go on."""
    try:
        with _alone:
            load_sources(settings.own)
        if isinstance(task, Tile):
            compare_tile(task, settings, watch)
        elif isinstance(task, Reduce):
            reduce_task(task, settings)
        elif isinstance(task, Resolve):
            watch(f"{task.label}: asking the hub", 0, 0)
            resolve_task(task, Store(settings.store))
        else:
            with _alone:
                extract_task(task, settings, watch)
    except LikewiseError as error:
        again = not isinstance(error, InputError | ModelError | MissingDependencyError)
        return Outcome(task, "\n".join([str(error), *getattr(error, "__notes__", [])]), again)
    except MemoryError as error:
        # An extraction says of which prompt, and what helps.
        said = str(error) if isinstance(task, Extract) else ""
        return Outcome(task, said or "out of memory; use fewer workers or fewer batch tokens", again=True)
    except Exception as error:  # one model's trouble must not cost the others
        return Outcome(task, f"{type(error).__name__}: {error}", again=True)
    return Outcome(task)


_alone = threading.RLock()
"""Held while a model is: where workers are threads of one process, one of them extracts at a time."""

_held: dict[tuple[str, str, str, bool], Any] = {}


def _model(spec: ModelSpec, device: str, dtype: str, *, head: bool) -> Any:
    """Return the model, kept until another is asked for: tasks come grouped by model."""
    # By content: a folder whose weights were replaced is another model.
    wanted = canonical_json(spec.identity()), device, dtype, head
    if wanted not in _held:
        _held.clear()
        _held[wanted] = backend_of(spec).load(spec, device=device, dtype=dtype, head=head)
    return _held[wanted]


def release() -> None:
    """Let go of the model that is held."""
    with _alone:
        _held.clear()


def resolve_task(task: Resolve, store: Store) -> None:
    """Pin a hub model or data set to the commit that its revision stands for now."""
    # Representations that came without their pin, from another store or an older likewise, name their commit.
    pin = task.pin(store)
    revision = pin["commit"] if pin else _commit_so_far(task, store) or task.revision
    if task.kind == "dataset":
        store.save_pin(task.kind, task.hub, task.revision, resolve_dataset(task.hub, revision))
        return
    found = resolve_model(task.hub, revision)
    says = {"pooling": found.says.pooling, "why_not": found.says.why_not}
    store.save_pin(task.kind, task.hub, task.revision, found.commit, found.width, found.blocks, says)


def _commit_so_far(task: Resolve, store: Store) -> str | None:
    """The commit of what the store has representations of already."""
    for key in store.representations():
        source = store.describe_representation(key)["source"]
        identity, commit = {
            "model": (source.model_identity or {}, source.revision),
            "dataset": (source.dataset_identity or {}, source.dataset_revision),
        }[task.kind]
        if (identity.get("hub"), identity.get("revision")) == (task.hub, task.revision) and commit:
            return str(commit)
    return None


def extract_task(task: Extract, settings: Settings, watch: Watch) -> None:
    """Run a model over prompts and save every layer that was asked for."""
    store = Store(settings.store)
    first = task.wanted[0]
    for name in unpinned((first.model, first.dataset), store):
        resolve_task(name, store)
    model, dataset = pinned(first.model, store), pinned(first.dataset, store)
    parts = store.parts(task.parts_key)
    watch(f"{task.label}: loading", 0, 0)
    with parts.alone():
        # What another process has made meanwhile.
        wanted = [w for w in task.wanted if not store.has_representation(w.key)]
        if wanted:
            extract_rows(Extract(tuple(wanted)), model, dataset, store, settings, watch)
        parts.discard()


def extract_rows(
    task: Extract,
    model: ModelSpec,
    dataset: DatasetSpec,
    store: Store,
    settings: Settings,
    watch: Watch,
) -> None:
    """Run a model over prompts, both as pinned; what is finished goes to the task's parts, and then to the store."""
    first = task.wanted[0]
    prompts = load_prompts(dataset)
    if any(w.layer == CHOICES for w in task.wanted):
        prompts = replace(prompts, options=load_choices(dataset))
    layers = [w.layer for w in task.wanted]
    head = tokens_to_generate(first.pooling) > 0 or any(layer in OUTPUTS for layer in layers)
    loaded = _model(model, settings.device, first.dtype, head=head)
    batch_tokens = first.batches.batch_tokens or settings.batch_tokens
    given = backend_of(model).given(
        loaded, model, prompts, layers, first.pooling, first.truncation, batch_tokens, first.batches.threads
    )
    # Rows of another commit, or made in another way, are not mixed with these: other layers may take another way.
    made = [WAY_VERSION, model.revision, dataset.revision, settings.device, batch_tokens, given.way]
    parts = store.parts(task.parts_key, canonical_json(made))
    try:
        matrices = given.rows(parts.layer, labelled(watch, task.label))
    except InputError as error:
        error.add_note(f"in {task.label}, run in {first.dtype}")
        raise
    store.save_prompts(*given.shown)
    said = model.says().said
    groups, of_prompts = prompts.groups_of(given.written.ids), audit_prompts(prompts)
    for w in task.wanted:
        source = Source(
            model=w.model.model,
            **({} if w.model.backend == TRANSFORMERS else {"backend": w.model.backend}),
            variant=w.model.variant,
            layer=w.layer,
            pooling=w.pooling,
            **({"model_says": said} if said else {}),
            dtype=w.dtype,
            dataset=w.dataset.name,
            records=prompts.records,
            prompts=prompts.fingerprint,
            given=given.written.fingerprint,
            template=prompts.template,
            format=w.dataset.format.besides_template(),
            truncation=w.truncation,
            truncated=given.written.truncated,
            unaligned=given.written.unaligned,
            **({"groups": groups} if groups else {}),
            **({"columns": given.columns[w.layer]} if w.layer in given.columns else {}),
            **(_choices(prompts) if w.layer == CHOICES else {}),
            revision=given.commit,
            dataset_revision=dataset.revision if dataset.on_hub else None,
            model_identity=w.model.identity(),
            dataset_identity=w.dataset.identity(),
            batch_tokens=batch_tokens,
            **({"threads": w.batches.threads} if w.batches.threads else {}),
            way=given.way,
            device=settings.device,
            versions=library_versions() | backend_of(model).versions(),
        )
        found = audit(matrices[w.layer]) | given.audit | of_prompts
        rows, kind = parts.layer(w.layer, len(given.written.ids)), described(kind_of(w.layer))
        store.take_representation(w.key, rows, given.written.ids, source, found, kind)


def _choices(prompts: Prompts) -> dict[str, Any]:
    """What a description tells of choices: their labels, and the right one of each row."""
    chosen = prompts.options
    assert chosen is not None  # the rows are of them
    return {"choices": chosen.labels, **({"right": chosen.right} if chosen.right else {})}


def compare_tile(tile: Tile, settings: Settings, watch: Watch) -> None:
    """Score the pairs of a tile, save the rows."""
    store = Store(settings.store)
    device = one_device(settings.device)
    if tile.by_product:
        results = compare_by_product(tile, store, device)
    else:
        results = compare_by_pair(tile, store, device, labelled(watch, tile.label))
    store.save_results(tile.key, results, tile.request, replicates=tile.replicates)


def compare_by_pair(tile: Tile, store: Store, device: str, watch: Watch = unwatched) -> Results:
    """Move each representation of a tile to the device and prepare it there once, score its pairs."""
    stored = [store.load_representation(key).without(tile.left_out) for key in tile.representations]
    loaded = [on_device(r, device) for r in stored]
    # What was imported may lack texts: all are held against one that has them, if any has.
    check_all_same_items(loaded)
    first, *others = sorted(loaded, key=lambda r: r.source.prompts is None)
    for other in others:
        check_same_texts(first.name, first.source, other.name, other.source)
    pairs = [(int(i), int(j)) for i, j in tile.places]
    return score_block(loaded, pairs, tile.configurations, tile.trust, dataset=tile.dataset, watch=watch)


def check_same_texts(first: str, source: Source, other: str, other_source: Source) -> None:
    """Refuse representations of other records under the same ids, in whatever format they were given.

    Those of which a side says nothing, as what was imported does, are taken to be the same.
    """
    # Equal records are in different formats; of equal texts the records may have changed where no prompt shows it, and
    # what an earlier likewise stored names the texts alone.
    said, other_said = source.fingerprints, other_source.fingerprints
    both = [kind for kind in said if kind in other_said]
    if both and all(said[kind] != other_said[kind] for kind in both):
        raise InputError(
            f"{first} and {other} were extracted from different texts under the same ids: the data set has changed on "
            "the hub; give it a revision and run again"
        )


def reduce_task(task: Reduce, settings: Settings) -> None:
    """Reduce representations to the vectors of every configuration."""
    store = Store(settings.store)
    for key in task.representations:
        r = store.load_representation(key)
        about = items_of(r)
        prepared = prepare(on_device(r, one_device(settings.device)))
        for c in task.configurations:
            store.save_reduced(key, c, reduce(c, prepared), about, kept=task.kept)


def items_of(r: Representation) -> dict[str, str]:
    """Return what must be the same for all that a reduced representation is compared with."""
    return {"items": content_key(list(r.ids)) if r.has_ids else "", "n": str(r.n_items), **r.source.fingerprints}


def compare_by_product(tile: Tile, store: Store, device: str) -> Results:
    """Score the pairs of a tile from the vectors of its representations.

    Pairs whose chance level these vectors do not tell are scored by pairs: those of which a few rows decide, where
    shuffles are asked for.
    """
    keys, places = tile.representations, tile.places
    again = np.zeros(len(places), dtype=bool)
    tables = []
    for c in tile.configurations:
        sides, abouts = zip(*(store.load_reduced(key, c) for key in keys), strict=True)
        n = check_reduced(keys, abouts)
        table, untold = score_products(
            c, sides, places, len(tile.first), n, tile.trust, dataset=tile.dataset, names=keys, keys=keys
        )
        tables.append(table)
        again |= untold
    found = [Results(in_turn([table.filter(pa.array(~again)) for table in tables]))]
    return Results.joined(found + [compare_by_pair(part, store, device) for part in _parts(tile, store, again)])


def _parts(tile: Tile, store: Store, wanted: Bool[np.ndarray, " m"]) -> Iterator[Tile]:
    """Some pairs of a tile by product, as tiles that are small enough to prepare."""
    keys, (i, j) = tile.representations, tile.places[wanted].T
    missing = np.zeros((len(keys), len(keys)), dtype=np.int64)
    missing[i, j] = 1
    abouts = [store.describe_representation(keys[place]) for place in np.union1d(i, j)]
    shape = (max((about[of] for about in abouts), default=1) for of in ("n_items", "n_features"))
    for first, second, only, _ in blocks_of_pairs(len(keys), missing, footprint(tile.configurations, *shape)):
        yield replace(tile, first=tuple(keys[k] for k in first), second=tuple(keys[k] for k in second), only=only)


def check_reduced(keys: Sequence[str], abouts: Sequence[Mapping[str, str]]) -> int:
    """Return the number of items of reduced representations; refuse those of other items or texts."""
    both = list(zip(keys, abouts, strict=True))
    first, held = max(both, key=lambda pair: bool(pair[1]["items"]))
    sources = [(key, Source(about)) for key, about in both]
    said, texts = max(sources, key=lambda pair: pair[1].prompts is not None)
    for (key, about), (_, source) in zip(both, sources, strict=True):
        if (about["items"] and about["items"] != held["items"]) or about["n"] != held["n"]:
            raise InputError(f"{first} and {key} have other items, or the same in another order")
        check_same_texts(said, texts, key, source)
    return int(held["n"])
