"""The stored rows that answer an experiment, and those of them that older versions made."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int

from likewise.errors import StoreError
from likewise.measures import Configuration
from likewise.plan.tasks import (
    request_of,
)
from likewise.scoring import ALL, SCHEMA, Trust
from likewise.store import Store, memory

MANY = 2**20
"""Rows from which memory that columns took is given back at once."""


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
                raise StoreError(f"the results in {store} take more than {size:,} bytes; memory is too small")
        found.sort(key=lambda pair: -pair[0])  # what is newest comes first
        nothing = SCHEMA.empty_table()
        for kind in replicates:
            nothing = nothing.append_column(kind, pa.array([], pa.list_(pa.float64())))
        self._takes_older = older
        self._of_older = np.repeat(
            [version < request["version"] for version, _ in found], [len(table) for _, table in found]
        ).astype(bool)
        self.table = pa.concat_tables([table for _, table in found] or [nothing]).unify_dictionaries()
        found.clear()
        schema = self.table.schema
        self.table = pa.table(dict(self._columns()), schema=schema)

    def take(self, rows: Int[np.ndarray, " m"], *, last: bool = False) -> pa.Table:
        """Return some rows; where they are the ``last``, each column is given up as it is taken: there are millions."""
        schema = self.table.schema
        given = self._columns() if last else zip(self.table.column_names, self.table.columns, strict=True)
        return pa.table({name: column.take(rows) for name, column in given}, schema=schema)

    def _columns(self) -> Iterator[tuple[str, Any]]:
        """Give up the columns one after the other, each in one piece."""
        many = len(self.table) >= MANY
        for name in self.table.column_names:
            column = self.table.column(name)
            self.table = self.table.drop_columns([name])
            yield name, column.combine_chunks()
            del column
            if many:  # what was given up is kept for later otherwise
                pa.default_memory_pool().release_unused()

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
