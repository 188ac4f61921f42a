"""What is to be done for one data set of an experiment: its representations, and the tiles of their pairs."""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool

from likewise.errors import InputError
from likewise.extraction import check_possible
from likewise.fields import TRANSFORMERS
from likewise.measures import Configuration
from likewise.models import CHOICES, LOGITS, ModelSpec, needs_blocks, resolve_layers
from likewise.models.variants import block_of, check_block
from likewise.naming import name_of
from likewise.plan.answers import Answers
from likewise.plan.entries import DatasetEntry
from likewise.plan.experiment import Experiment
from likewise.plan.imported import imported_key, with_imported
from likewise.plan.inputs import rows_left_out, together_in
from likewise.plan.needs import side_bytes
from likewise.plan.tasks import (
    Extract,
    Resolve,
    Tile,
    Wanted,
    by_product,
    model_pooling,
    model_size,
    representation_key,
    unpinned,
)
from likewise.plan.tiles import LONGEST, LONGEST_BY_PRODUCT, blocks_of_pairs, in_company
from likewise.prompts import DatasetSpec
from likewise.scoring import ALL, Trust, orders
from likewise.store import Store

MOST = 6_000
"""Representations of a data set at most: a plan holds a table of all their pairs."""

BYTES_PER_VALUE = 4
"""Rows are stored in float32."""


@dataclass(frozen=True)
class DatasetPlan:
    """The representations of one data set, and what is missing of them and of their pairs."""

    name: str
    n_items: int | None
    wanted: tuple[Wanted, ...]
    extractions: int
    unpinned: tuple[Resolve, ...]
    todo: tuple[Extract, ...]
    tiles: tuple[Tile, ...]
    pairs: int
    scores_done: int
    together: str = ""
    """Of which inputs belong together; empty where none do, `UNKNOWN` before the first is extracted."""
    sized: bool = True
    """Whether the numbers of its rows and its representations are known, or will not be."""
    cut_done: Callable[[], tuple[Tile, ...]] = field(default=tuple, compare=False, repr=False)
    """Returns the tiles of pairs that are answered, as one run of everything cuts them."""
    final: bool = True
    """Whether what becomes of the tasks before them leaves its tiles as they are, unless one fails."""

    @property
    def nbytes(self) -> int | None:
        """Bytes of all its representations, done or not; None where a size cannot be known yet."""
        widths = [w.width for w in self.wanted]
        if self.n_items is None or None in widths:
            return None
        return BYTES_PER_VALUE * self.n_items * sum(w for w in widths if w is not None)


def plan_of_dataset(
    experiment: Experiment,
    entry: DatasetEntry,
    present: frozenset[str],
    answers: Answers,
    store: Store,
    gone: frozenset[str] = frozenset(),
) -> DatasetPlan:
    """Find what a data set of an experiment needs; ``answers`` are those of a data set whose inputs stand alone."""
    found, unclear = _wanted(experiment, entry, store)
    wanted = with_imported(found, present, store)
    n_items = next(iter(entry.specs.values())).n_items()
    if n_items is None and (there := [w.key for w in wanted if w.key in present]):
        n_items = store.describe_representation(there[0])["n_items"]
    by_model: dict[Any, list[Wanted]] = {}
    for w in wanted:
        by_model.setdefault((w.model, w.dataset, w.pooling, w.dtype, w.batches), []).append(w)
    left = {model: [w for w in ws if w.key not in present] for model, ws in by_model.items()}
    needed = [spec for both, ws in left.items() if ws for spec in both[:2]]
    chosen = experiment.configurations
    widths = [w.width for w in wanted if w.width is not None]
    # Where a width is not known before the extraction, the rows count as wide as they are many.
    width = max(widths, default=n_items)
    trust = experiment.statistics.trust
    there_now = {w.key: w.name for w in wanted if w.key in present}
    left_out = rows_left_out(store, there_now) if entry.spans else ()
    # What is to be extracted has the groups of its prompts: others are refused before a model runs.
    groups = {w.name: w.dataset.row_groups() for w in wanted if w.key not in present and w.model.imported is None}
    together = together_in(store, there_now, left_out, groups)
    answers = Answers(store, trust, left_out, together) if left_out or together else answers
    keys, names = [w.key for w in wanted], [w.name for w in wanted]
    pairs = experiment.pairs.wanted(names)
    if experiment.measures and not unclear and not pairs.any():
        experiment.pairs.refuse(names, entry.name)
    answered = answers.of(keys, chosen) & pairs
    pins = unpinned([*unclear, *needed], store)
    without = {w.key for w in wanted if gone and any(r.key in gone for r in unpinned([w.model, w.dataset], store))}
    to_come = frozenset(key for key in keys if key not in present) - gone - without
    sized = all(r.key in gone for r in pins) and bool(there_now or not to_come)

    def cut(answered: Bool[np.ndarray, "c m m"]) -> tuple[Tile, ...]:
        there = present | to_come
        return tuple(
            tiles_of(entry.name, keys, chosen, trust, answered, n_items, width, left_out, there, together, pairs)
        )

    return DatasetPlan(
        name=entry.name,
        n_items=n_items,
        wanted=wanted,
        extractions=sum(model.imported is None for model, *_ in by_model),
        unpinned=pins,
        todo=tuple(Extract(tuple(ws)) for ws in left.values() if ws),
        tiles=cut(answered),
        cut_done=lambda: cut(~answered),
        pairs=int(pairs.sum()),
        scores_done=sum(int(done.sum()) * len(orders(c, ("a", "b"))) for c, done in zip(chosen, answered, strict=True)),
        together=together,
        sized=sized,
        # Which rows of spans are left out is known with the last of their representations.
        final=sized and not (entry.spans and to_come),
    )


def tiles_of(
    dataset: str,
    keys: Sequence[str],
    chosen: Sequence[Configuration],
    trust: Trust,
    answered: Bool[np.ndarray, "c m m"],
    n_items: int | None,
    width: int | None,
    left_out: tuple[str, ...] = (),
    present: Collection[str] | None = None,
    together: str = "",
    pairs: Bool[np.ndarray, "m m"] | None = None,
) -> Iterator[Tile]:
    """Yield the tiles that answer what is not answered yet of the wanted ``pairs``, all by default.

    Pairs whose representations are both ``present``, or to come, as all are by default, are in tiles of their own: a
    model that failed holds back none of the others.
    """
    wanted = ALL.wanted(keys) if pairs is None else pairs
    order = in_company(wanted)
    keys = [keys[place] for place in order]
    missing = (wanted & ~answered)[:, order][:, :, order]
    codes = np.zeros((len(keys), len(keys)), dtype=np.int64)
    for of_one in missing:
        codes = 2 * codes + of_one
        # Small numbers again. Zero stays zero: it is the least of what there is below the diagonal.
        codes = (np.cumsum(np.bincount(codes.ravel()) > 0) - 1)[codes]
    there = np.asarray([present is None or key in present for key in keys], dtype=bool)
    codes = np.where(codes > 0, 2 * codes - (there[:, None] & there), 0)
    size = side_bytes(chosen, trust, left_out, n_items, width, together)
    longest = LONGEST_BY_PRODUCT if by_product(chosen, trust, together) and not left_out else LONGEST
    found = np.flatnonzero(np.bincount(codes.ravel()))
    example = {int(code): np.unravel_index(np.argmax(codes == code), codes.shape) for code in found}
    for first, second, only, code in blocks_of_pairs(len(keys), codes, size, longest):
        i, j = example[code]
        measures = tuple(c.label for c, of_one in zip(chosen, missing, strict=True) if of_one[i, j])
        a, b = (tuple(keys[i] for i in places) for places in (first, second))
        yield Tile(dataset, a, b, measures, trust, left_out, together, only=only)


def _wanted(experiment: Experiment, entry: DatasetEntry, store: Store) -> tuple[tuple[Wanted, ...], list[ModelSpec]]:
    """What is wanted of a data set; and models of which that is not clear before the hub was asked for their size."""
    part, specs = experiment.representation, entry.specs
    identities = {form: spec.identity() for form, spec in specs.items()}
    found: list[Wanted] = []
    unclear: list[ModelSpec] = []
    for model in experiment.models:
        if model.datasets is not None and entry.name not in model.datasets:
            continue
        if (said := model.batches.identity()) and model.backend != TRANSFORMERS:
            raise InputError(
                f"{model.name}: the backend {model.backend} says itself how texts are run together; leave "
                f"{' and '.join(said)} out, and rerun out of its floor"
            )
        of_model, size = model.spec.identity(), model_size(model.spec, store)
        asked = model.layers or part.layers
        pooling = model.pooling or part.pooling or model_pooling(model.spec, store)
        if size is None and needs_blocks(asked) and unpinned([model.spec], store):
            unclear.append(model.spec)
            continue
        try:
            layers = resolve_layers(asked, blocks := size.get("blocks") if size else None)
            if blocks is not None:
                check_block(block_of(model.spec.variant), blocks)
        except InputError as error:
            error.add_note(f"in model {model.name}")
            raise
        given = {f: s for f, s in specs.items() if not f or model.formats is None or f in model.formats}
        for dataset in given.values():
            check_possible(model.spec, dataset, layers, pooling, part.truncation)
        for (form, dataset), layer in itertools.product(given.items(), layers):
            name = name_of(model.name, layer, form)
            made = (layer, pooling, model.dtype or part.dtype, part.truncation)
            more = dataset.of_choices() if layer == CHOICES and model.spec.imported is None else {}
            key = representation_key(of_model, identities[form] | more, *made, model.batches)
            if model.spec.imported is not None:
                key = imported_key(model.spec.imported, dataset.imported or dataset.name, layer)
            if len(found) == MOST:
                raise InputError(
                    f"{entry.name} has more than {MOST:,} representations: {MOST * (MOST - 1) // 2:,} pairs; ask for "
                    "fewer layers, or split it into several experiments"
                )
            width = _width(model.spec, dataset, layer, size)
            found.append(Wanted(name, key, model.spec, dataset, *made, width=width, batches=model.batches))
    if experiment.measures and len(found) < 2 and not unclear:
        raise InputError(f"{entry.name} has {len(found)} representation; expected two or more to compare")
    by_key: dict[str, str] = {}
    names: set[str] = set()
    for w in found:
        if w.key in by_key:
            raise InputError(
                f"{by_key[w.key]!r} and {w.name!r} are the same model, variant, precision and layer; name another, or "
                "leave one out"
            )
        if w.name in names:
            raise InputError(f"two representations on {entry.name} are called {w.name!r}; give a model another name")
        by_key[w.key] = w.name
        names.add(w.name)
    return tuple(found), unclear


def _width(model: ModelSpec, dataset: DatasetSpec, layer: str, size: Mapping[str, int] | None) -> int | None:
    """Number of columns of a layer, as far as it is known."""
    if layer == LOGITS:
        return model.vocabulary()
    if layer == CHOICES:
        chosen = None if dataset.imported is not None else dataset.completed().choices
        return None if chosen is None else len(chosen.labels)
    return size.get("width") if size else None


def scores_of_pair(chosen: Iterable[Configuration]) -> int:
    """Return how many rows a pair has: one per configuration, two where the order of the pair counts."""
    return sum(len(orders(c, ("a", "b"))) for c in chosen)
