"""What is to be done for an experiment, given what a store already holds: a pure function of both."""

import contextlib
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int

from likewise.errors import InputError, StoreError
from likewise.extract import ModelSpec, needs_blocks, resolve_layers
from likewise.measures import Configuration, configurations
from likewise.naming import name_of, parse_call
from likewise.plan.experiment import Experiment, of_unknown_code
from likewise.plan.imported import imported_key, with_imported
from likewise.plan.needs import Needs, needs_of, side_bytes
from likewise.plan.tasks import (
    Extract,
    Reduce,
    Resolve,
    Task,
    Tile,
    Wanted,
    by_product,
    model_pooling,
    model_size,
    representation_key,
    request_of,
    unpinned,
)
from likewise.plan.tiles import LONGEST, LONGEST_BY_PRODUCT, blocks_of_pairs
from likewise.statistics import ALL, KINDS, SCHEMA, Results, Trust, agreed, most_parts, orders
from likewise.store import Store, content_key, memory

KEY = re.compile(r"[0-9a-f]{24,64}")
"""What content keys look like."""

MOST = 4_000
"""Representations of a data set at most: a plan holds a table of all their pairs."""

BYTES_PER_VALUE = 4
"""Rows are stored in float32."""

UNKNOWN = "unknown"
"""Stands for which inputs belong together while no representation is there to say it."""

MOST_REPLICATES = 2**28
"""Bytes of shuffled scores that the tiles of an experiment keep at most: correcting takes three times as much. And as
many of scores without some inputs."""


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
        """Models and data sets of the hub that are to be pinned before the extractions that are left."""
        return tuple(dict.fromkeys(task for d in self.datasets for task in d.unpinned))

    @property
    def extractions(self) -> tuple[Extract, ...]:
        """Extractions that are left, grouped by model, so that each is loaded once."""
        order = {m.spec: i for i, m in enumerate(self.experiment.models)}
        return tuple(sorted((t for d in self.datasets for t in d.todo), key=lambda t: order[t.wanted[0].model]))

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """Tiles that are left."""
        return tuple(replace(tile, replicates=self.kept) for d in self.datasets for tile in d.tiles)

    def reductions(self, store: Store, chunk: int = 8) -> tuple[Reduce, ...]:
        """Reductions that must come before the tiles by product, where the representations are there."""
        found = []
        for tiles in ([t for t in d.tiles if t.by_product] for d in self.datasets):
            for measures in dict.fromkeys(t.measures for t in tiles):
                of_these = [t for t in tiles if t.measures == measures]
                keys = dict.fromkeys(key for t in of_these for key in t.representations if key in self.present)
                left = [
                    key
                    for key in keys
                    if not all(store.reduced_path(key, c).exists() for c in of_these[0].configurations)
                ]
                for start in range(0, len(left), chunk):
                    found.append(Reduce(of_these[0].dataset, tuple(left[start : start + chunk]), measures))
        return tuple(found)

    def needs(self, task: Task, device: str) -> Needs:
        """Return what a task takes of a machine on a device."""
        of = next((d for d in self.datasets if d.name == getattr(task, "dataset", None)), None)
        widths = [w.width for w in of.wanted if w.width is not None] if of else []
        return needs_of(task, device, of.n_items if of else None, max(widths, default=None))

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


class Answers:
    """The stored rows that answer what an experiment asks of trust; with kinds of replicates if need be.

    With ``older``, also those that older versions made on the same inputs, whatever they asked of trust, after all
    others: for who shows them and says so.
    """

    def __init__(
        self,
        store: Store,
        trust: Trust,
        left_out: Sequence[str] = (),
        together: str = "",
        *,
        replicates: Sequence[str] = (),
        older: bool = False,
    ) -> None:
        request = request_of(trust, left_out, together)
        found: list[tuple[int, pa.Table]] = []
        size = 0
        for asked, table in store.tables(replicates=replicates):
            if asked == request:
                found.append((request["version"], table))
            elif older and is_older(asked, request):
                found.append((asked["version"], with_defaults(table)))
            else:
                continue
            size += table.nbytes
            if size > memory() // 4:  # correcting takes three times as much
                raise StoreError(f"the results in {store.folder} take more than {size:,} bytes; memory is too small")
        found.sort(key=lambda pair: -pair[0])  # what is newest comes first
        nothing = SCHEMA.empty_table()
        for kind in replicates:
            nothing = nothing.append_column(kind, pa.array([], pa.list_(pa.float64())))
        self.table = pa.concat_tables([table for _, table in found] or [nothing]).unify_dictionaries().combine_chunks()
        self._takes_older = older
        self._of_older = np.repeat(
            [version < request["version"] for version, _ in found], [len(table) for _, table in found]
        ).astype(bool)

    def places(self, keys: Sequence[str], column: str) -> Int[np.ndarray, " rows"]:
        """For each row, the place of a text among ``keys``, or -1."""
        texts: Any = self.table.column(column).combine_chunks()
        place = {key: i for i, key in enumerate(keys)}
        codes = np.asarray([place.get(text, -1) for text in texts.dictionary.to_pylist()], dtype=np.int64)
        return codes[texts.indices.to_numpy(zero_copy_only=False)] if len(texts) else np.empty(0, dtype=np.int64)

    def older(self, chosen: Sequence[Configuration]) -> Bool[np.ndarray, " rows"]:
        """Whether each row was made by an older version, of likewise or of its measure."""
        current = {c.measure: c.about.version for c in chosen}
        versions = np.asarray([0, *current.values()])[1 + self.places(list(current), "measure")]
        older: Bool[np.ndarray, " rows"] = self._of_older.copy()
        older |= self.table.column("measure_version").to_numpy() < versions
        return older

    def configurations(self, chosen: Sequence[Configuration]) -> Int[np.ndarray, " rows"]:
        """For each row, the place of its configuration, or -1 where it is another, or another version of it."""
        measures = list(dict.fromkeys(c.measure for c in chosen))
        parameters = list(dict.fromkeys(c.parameters_json for c in chosen))
        lookup = np.full((len(measures) + 1, len(parameters) + 1), -1)  # the last ones are hit by -1
        versions = np.full(len(chosen) + 1, -1)
        for place, c in enumerate(chosen):
            lookup[measures.index(c.measure), parameters.index(c.parameters_json)] = place
            versions[place] = c.about.version
        found = lookup[self.places(measures, "measure"), self.places(parameters, "parameters")]
        stored = self.table.column("measure_version").to_numpy()
        current = (versions[found] >= stored) if self._takes_older else (versions[found] == stored)
        return np.where(current, found, -1)

    def of(self, keys: Sequence[str], chosen: Sequence[Configuration]) -> Bool[np.ndarray, "c m m"]:
        """Whether each pair i < j is answered in each configuration: in both orders, where the order counts."""
        i, j, c = self.places(keys, "a_key"), self.places(keys, "b_key"), self.configurations(chosen)
        there = np.zeros((len(chosen), len(keys), len(keys)), dtype=bool)
        known = (i >= 0) & (j >= 0) & (c >= 0)
        there[c[known], i[known], j[known]] = True
        for place, configuration in enumerate(chosen):
            if not configuration.facts.symmetric:
                there[place] &= there[place].T
        there &= ALL.wanted(keys)
        return there


def plan(experiment: Experiment, store: Store) -> Plan:
    """Find what an experiment needs, and what of that a store does not have yet. Reads files; uses no network.

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
        If a model or data set is unknown, a data set has fewer than two representations or none of the wanted pairs,
        or an imported representation is missing.
    ModelError
        If a package that carries a model or data set is not installed.
    StoreError
        If a file of the store is damaged.
    """
    present = frozenset(store.representations())
    answers = Answers(store, experiment.statistics.trust)
    datasets = tuple(_of_dataset(experiment, d, present, answers, store) for d in experiment.datasets)
    if not any(d.unpinned for d in datasets):  # before, which layers a model has may not be known
        experiment.pairs.check(w.name for d in datasets for w in d.wanted)
    return Plan(experiment, datasets, present)


def _of_dataset(
    experiment: Experiment, entry: Any, present: frozenset[str], answers: Answers, store: Store
) -> DatasetPlan:
    found, unclear = _wanted(experiment, entry, store)
    wanted = with_imported(found, present, store)
    n_items = next(iter(entry.specs.values())).n_items()
    if n_items is None and (there := [w.key for w in wanted if w.key in present]):
        n_items = store.describe_representation(there[0])["n_items"]
    by_model: dict[Any, list[Wanted]] = {}
    for w in wanted:
        by_model.setdefault((w.model, w.dataset, w.pooling), []).append(w)
    left = {model: [w for w in ws if w.key not in present] for model, ws in by_model.items()}
    needed = [spec for (*both, _), ws in left.items() if ws for spec in both]
    chosen = experiment.configurations
    widths = [w.width for w in wanted if w.width is not None]
    # Where a width is not known before the extraction, the rows count as wide as they are many.
    width = max(widths, default=n_items)
    trust = experiment.statistics.trust
    there_now = {w.key: w.name for w in wanted if w.key in present}
    left_out = rows_left_out(store, there_now) if entry.spans else ()
    # What is to be extracted has the groups of its prompts: others are refused before a model runs.
    to_come = {w.name: w.dataset.row_groups() for w in wanted if w.key not in present and w.model.imported is None}
    together = together_in(store, there_now, left_out, to_come)
    answers = Answers(store, trust, left_out, together) if left_out or together else answers
    keys, names = [w.key for w in wanted], [w.name for w in wanted]
    pairs = experiment.pairs.wanted(names)
    if experiment.measures and not unclear and not pairs.any():
        experiment.pairs.refuse(names, entry.name)
    answered = answers.of(keys, chosen) & pairs
    return DatasetPlan(
        name=entry.name,
        n_items=n_items,
        wanted=wanted,
        extractions=sum(model.imported is None for model, *_ in by_model),
        unpinned=unpinned([*unclear, *needed], store),
        todo=tuple(Extract(tuple(ws)) for ws in left.values() if ws),
        tiles=tuple(
            tiles_of(entry.name, keys, chosen, trust, answered, n_items, width, left_out, present, together, pairs)
        ),
        pairs=int(pairs.sum()),
        scores_done=sum(int(done.sum()) * len(orders(c, ("a", "b"))) for c, done in zip(chosen, answered, strict=True)),
        together=together,
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

    Pairs whose representations are both ``present``, as all are by default, are in tiles of their own: what one model
    lacks holds back none of the others.
    """
    missing = (ALL.wanted(keys) if pairs is None else pairs) & ~answered
    codes = np.zeros((len(keys), len(keys)), dtype=np.int64)
    for of_one in missing:
        _, inverse = np.unique(2 * codes + of_one, return_inverse=True)
        # Zero stays zero: it is the least of what there is below the diagonal.
        codes = inverse.reshape(codes.shape)
    there = np.asarray([present is None or key in present for key in keys], dtype=bool)
    codes = np.where(codes > 0, 2 * codes - (there[:, None] & there), 0)
    size = side_bytes(chosen, trust, left_out, n_items, width, together)
    longest = LONGEST_BY_PRODUCT if by_product(chosen, trust, together) and not left_out else LONGEST
    found, places = np.unique(codes, return_index=True)
    example = dict(zip(found.tolist(), zip(*np.unravel_index(places, codes.shape), strict=True), strict=True))
    for first, second, code in blocks_of_pairs(len(keys), codes, size, longest):
        i, j = example[code]
        measures = tuple(c.label for c, of_one in zip(chosen, missing, strict=True) if of_one[i, j])
        a, b = (tuple(keys[i] for i in places) for places in (first, second))
        yield Tile(dataset, a, b, measures, trust, left_out, together)


def rows_left_out(store: Store, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the spans that some of the representations lack, so that all can be compared on the others."""
    lacking = (store.describe_representation(key)["source"].get("unaligned", ()) for key in keys)
    return tuple(sorted({name for names in lacking for name in names}))


def together_in(
    store: Store,
    named: Mapping[str, str],
    left_out: Sequence[str] = (),
    to_come: Mapping[str, Sequence[str] | None] = MappingProxyType({}),
) -> str:
    """Return a key of which inputs belong together, as all representations of a data set say; empty where none do.

    Those ``to_come``, of {name: groups}, say it too, but for those of which it is not known yet.

    Raises
    ------
    InputError
        If two of them, of {key: name}, say it differently, or one says nothing and another does.
    """

    def said() -> Iterator[tuple[str, Sequence[str]]]:
        gone = set(left_out)
        for key, name in named.items():
            about = store.describe_representation(key)
            groups = about["source"].get("groups", [])
            if gone and groups:
                groups = [group for item, group in zip(about["ids"], groups, strict=True) if item not in gone]
            yield name, groups
        yield from ((name, groups) for name, groups in to_come.items() if groups is not None)

    if not named and None in to_come.values():
        return UNKNOWN
    together = agreed(said())
    return content_key(together.of.tolist()) if together else ""


def _wanted(experiment: Experiment, entry: Any, store: Store) -> tuple[tuple[Wanted, ...], list[ModelSpec]]:
    """What is wanted of a data set; and models of which that is not clear before the hub was asked for their size."""
    part, specs = experiment.representation, entry.specs
    identities = {form: spec.identity() for form, spec in specs.items()}
    found: list[Wanted] = []
    unclear: list[ModelSpec] = []
    for model in experiment.models:
        if model.datasets is not None and entry.name not in model.datasets:
            continue
        of_model, size = model.spec.identity(), model_size(model.spec, store)
        asked = model.layers or part.layers
        pooling = model.pooling or part.pooling or model_pooling(model.spec, store)
        if size is None and needs_blocks(asked) and unpinned([model.spec], store):
            unclear.append(model.spec)
            continue
        try:
            layers = resolve_layers(asked, size["blocks"] if size else None)
        except InputError as error:
            error.add_note(f"in model {model.name}")
            raise
        given = {f: s for f, s in specs.items() if not f or model.formats is None or f in model.formats}
        for (form, dataset), layer in itertools.product(given.items(), layers):
            name = name_of(model.name, layer, form)
            how = (layer, pooling, part.dtype, part.truncation)
            key = representation_key(of_model, identities[form], *how)
            if model.spec.imported is not None:
                key = imported_key(model.spec.imported, dataset.imported or dataset.name, layer)
            if len(found) == MOST:
                raise InputError(
                    f"{entry.name} has more than {MOST:,} representations: {MOST * (MOST - 1) // 2:,} pairs; ask for "
                    "fewer layers, or split it into several experiments"
                )
            found.append(Wanted(name, key, model.spec, dataset, *how, width=size["width"] if size else None))
    if experiment.measures and len(found) < 2 and not unclear:
        raise InputError(f"{entry.name} has {len(found)} representation; expected two or more to compare")
    by_key: dict[str, str] = {}
    names: set[str] = set()
    for w in found:
        if w.key in by_key:
            raise InputError(f"{by_key[w.key]!r} and {w.name!r} are the same model, variant and layer; leave one out")
        if w.name in names:
            raise InputError(f"two representations on {entry.name} are called {w.name!r}; give a model another name")
        by_key[w.key] = w.name
        names.add(w.name)
    return tuple(found), unclear


def scores_of_pair(chosen: Iterable[Configuration]) -> int:
    """Return how many rows a pair has: one per configuration, two where the order of the pair counts."""
    return sum(len(orders(c, ("a", "b"))) for c in chosen)


def is_older(asked: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether stored rows were made by an older version, on the inputs that a request is about."""
    version, left_out = asked.get("version"), asked.get("left_out", [])
    return type(version) is int and version < request["version"] and left_out == request.get("left_out", [])


def with_defaults(table: pa.Table) -> pa.Table:
    """Return a table of an older version, its parameters as they are written today: new ones have their defaults."""
    table = table.unify_dictionaries().combine_chunks()
    calls = pa.table({name: table.column(name).cast(pa.string()) for name in ("measure", "parameters")})
    written = {}
    for call in calls.group_by(calls.column_names).aggregate([]).to_pylist():
        measure, parameters = call["measure"], call["parameters"]
        written[measure, parameters] = parameters
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):  # of what is no more
            written[measure, parameters] = Configuration.from_json(measure, parameters).parameters_json
    pairs = zip(*(calls.column(name).to_pylist() for name in calls.column_names), strict=True)
    column = pa.array([written[pair] for pair in pairs], pa.string()).dictionary_encode()
    return table.set_column(table.schema.get_field_index("parameters"), SCHEMA.field("parameters"), column)


def results_of(store: Store, about: dict[str, Any], replicates: Sequence[str] = ("shuffle",)) -> Results:
    """Return the stored rows of an experiment by its record in the store, named and ordered as it says.

    With the ``replicates`` of some `KINDS`. No code is looked for: rows of a measure of somebody's own are what they
    say of themselves.
    """
    return shown_of(store, about, replicates, older=False)[0]


def shown_of(
    store: Store, about: dict[str, Any], replicates: Sequence[str] = ("shuffle",), *, older: bool = True
) -> tuple[Results, int]:
    """Return the same, with rows of older versions where there are no newer ones, and how many of them those are."""
    experiment = Experiment.stored(about["experiment"])
    chosen, trust = chosen_of(experiment, store), experiment.statistics.trust
    named = [(r["dataset"], r["key"], r["name"]) for r in about["representations"]]
    of_pieces = {d.name for d in experiment.datasets if d.spans}
    said: Mapping[str, str] = about.get("together", {})
    whole = Answers(store, trust, replicates=replicates, older=older)
    tables = []
    for dataset in dict.fromkeys(d for d, _, _ in named):
        members = {key: name for d, key, name in named if d == dataset}
        there = [key for key in members if store.has_representation(key)]
        left_out = rows_left_out(store, there) if dataset in of_pieces else ()
        together = said.get(dataset, "")
        answers = whole
        if left_out or together:
            answers = Answers(store, trust, left_out, together, replicates=replicates, older=older)
        wanted = experiment.pairs.wanted(list(members.values()))
        tables.append(rows_of(answers, dataset, members, chosen, wanted))
    nothing = rows_of(whole, "", {}, chosen)
    table = pa.concat_tables(tables or [nothing]).unify_dictionaries()
    count = pc.sum(table.column("older")).as_py() or 0
    kept = {kind: table.column(kind) for kind in replicates}
    return Results(table.drop_columns([*kept, "older"]), asked=chosen, replicates=kept).corrected(), count


def chosen_of(experiment: Experiment, store: Store) -> tuple[Configuration, ...]:
    """Return the configurations of an experiment; of a measure whose code is not loaded, those that are stored."""
    unknown = of_unknown_code(experiment.measures)
    if not unknown:
        return experiment.configurations
    names = pa.array({parse_call(text)[0] for text in unknown})
    tables = [table.filter(pc.is_in(table["measure"].cast(pa.string()), names)) for _, table in store.tables()]
    stored = Results(pa.concat_tables(tables or [SCHEMA.empty_table()])).configurations.values()
    found: dict[Configuration, None] = {}
    for text in experiment.measures:
        name, given = parse_call(text)
        some = (c for c in stored if c.measure == name and given.items() <= c.parameters.items())
        found |= dict.fromkeys(some if text in unknown else configurations(text))
    return tuple(found)


def rows_of(
    answers: Answers,
    dataset: str,
    members: Mapping[str, str],
    chosen: Sequence[Configuration],
    pairs: Bool[np.ndarray, "m m"] | None = None,
) -> pa.Table:
    """Return the rows of some representations, {key: name}: by pair, then configuration, then order of the pair.

    Of the wanted ``pairs``, of places i < j; of all by default.

    A column ``older`` says which are of an older version; they have no replicates, which are not those of the others.
    """
    keys = list(members)
    pairs = ALL.wanted(keys) if pairs is None else pairs
    i, j, c = answers.places(keys, "a_key"), answers.places(keys, "b_key"), answers.configurations(chosen)
    ordered = np.asarray([not configuration.facts.symmetric for configuration in chosen] + [False])
    rows = np.flatnonzero((i >= 0) & (j >= 0) & (c >= 0) & ((i < j) | ordered[c]))
    rows = rows[pairs[np.minimum(i, j)[rows], np.maximum(i, j)[rows]]]
    i, j, c = i[rows], j[rows], c[rows]
    newest = -answers.table.column("measure_version").to_numpy()[rows]
    order = np.lexsort((newest, i > j, c, np.maximum(i, j), np.minimum(i, j)))
    same = np.stack([i, j, c])[:, order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(same, axis=1) != 0).any(axis=0)
    order = order[fresh]
    table = answers.table.take(rows[order])

    def called(places: Int[np.ndarray, " m"], texts: Sequence[str]) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(texts, pa.string()))

    # Rows are stored without names, which belong to an experiment.
    names = list(members.values())
    reasons: Any = table.column("reason").combine_chunks()
    told = [KEY.sub(lambda m: members.get(m[0], m[0]), text) for text in reasons.dictionary.to_pylist()]
    columns = {
        "dataset": called(np.zeros(len(order), dtype=np.int32), [dataset]),
        "a": called(i[order], names),
        "b": called(j[order], names),
        "reason": called(reasons.indices.to_numpy(zero_copy_only=False), told),
    }
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), SCHEMA.field(name), column)
    older = pa.array(answers.older(chosen)[rows[order]])
    for kind in set(table.column_names).intersection(KINDS):
        place, of = table.schema.get_field_index(kind), table.schema.field(kind)
        table = table.set_column(place, of, pc.if_else(older, pa.scalar(None, of.type), table.column(kind)))
    return table.append_column("older", older)
