"""The rows of an experiment as its report shows them: named, in its order, and corrected."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int

from likewise.measures import Configuration, configurations
from likewise.naming import parse_call
from likewise.plan.answers import Answers
from likewise.plan.experiment import Experiment, of_unknown_code
from likewise.plan.inputs import rows_left_out, with_names
from likewise.scoring import ALL, KINDS, SCHEMA, Results
from likewise.store import Store


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
    present = frozenset(store.representations())
    whole = Answers(store, trust, replicates=replicates, older=older)
    tables = []
    datasets = list(dict.fromkeys(d for d, _, _ in named))
    for dataset in datasets:
        members = {key: name for d, key, name in named if d == dataset}
        there = [key for key in members if key in present]
        left_out = rows_left_out(store, there) if dataset in of_pieces else ()
        together = said.get(dataset, "")
        answers = whole
        if left_out or together:
            answers = Answers(store, trust, left_out, together, replicates=replicates, older=older)
        wanted = experiment.pairs.wanted(list(members.values()))
        last = answers is not whole or dataset == datasets[-1]
        tables.append(rows_of(answers, dataset, members, chosen, wanted, last=last))
    table = pa.concat_tables(tables or [rows_of(whole, "", {}, chosen)]).unify_dictionaries()
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
    *,
    last: bool = False,
) -> pa.Table:
    """Return the rows of some representations, {key: name}: by pair, then configuration, then order of the pair.

    Of the wanted ``pairs``, of places i < j; of all by default.

    A column ``older`` says which are of an older version; they have no replicates, which are not those of the others.
    Where these rows are the ``last`` that are asked for, the answers are given up meanwhile.
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
    older = pa.array(answers.older(chosen)[rows[order]])
    table = answers.take(rows[order], last=last)

    def called(places: Int[np.ndarray, " m"], texts: Sequence[str]) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(texts, pa.string()))

    # Rows are stored without names, which belong to an experiment.
    names = list(members.values())
    reasons: Any = table.column("reason").combine_chunks()
    told = [with_names(text, members) for text in reasons.dictionary.to_pylist()]
    columns = {
        "dataset": called(np.zeros(len(order), dtype=np.int32), [dataset]),
        "a": called(i[order], names),
        "b": called(j[order], names),
        "reason": called(reasons.indices.to_numpy(zero_copy_only=False), told),
    }
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), SCHEMA.field(name), column)
    for kind in set(table.column_names).intersection(KINDS):
        place, of = table.schema.get_field_index(kind), table.schema.field(kind)
        table = table.set_column(place, of, pc.if_else(older, pa.scalar(None, of.type), table.column(kind)))
    return table.append_column("older", older)
