"""The long table: one row per pair of representations and configuration."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float

from likewise.chance.correction import correct
from likewise.errors import InputError, MissingDependencyError
from likewise.measures import REGISTRY, Configuration, is_own
from likewise.naming import did_you_mean, inert
from likewise.scoring.comparison import KINDS, OF_THE_TABLE, SCHEMA, Comparison

SHOWN = 10
"""Rows that are shown where a table is printed."""


class Results:
    """Comparisons as a table.

    Parameters
    ----------
    table : pyarrow.Table
        With the columns of `SCHEMA`.
    shuffled : pyarrow.ChunkedArray, optional
        For each row the list of its scores after each shuffle; null if there are none, or if they do not come from the
        same shuffles as those of other rows. The same as ``shuffle`` in ``replicates``.
    asked : iterable of Configuration
        The configurations as they were written: their labels show the written parameters.
    replicates : mapping of str to pyarrow.ChunkedArray
        Lists of scores of each row by their kind, one of `KINDS`.
    """

    def __init__(
        self,
        table: pa.Table,
        shuffled: pa.ChunkedArray | None = None,
        *,
        asked: Iterable[Configuration] = (),
        replicates: Mapping[str, pa.ChunkedArray] | None = None,
    ) -> None:
        self.table = table.cast(SCHEMA)
        self.kept = dict(replicates or {}) | ({} if shuffled is None else {"shuffle": shuffled})
        self.asked = tuple(asked)

    @property
    def shuffled(self) -> pa.ChunkedArray | None:
        """For each row the list of its scores after each shuffle, if they are at hand."""
        return self.kept.get("shuffle")

    def replicates(self, kind: str) -> list[Float[np.ndarray, " r"] | None]:
        """Return an array of scores for each row, in the order of the table; None where it has none.

        Parameters
        ----------
        kind : str
            ``shuffle``: after each shuffle. ``without_input``: without each input in turn, in their order.
            ``without_group``: without each group of inputs in turn, the same groups for all rows of a data set;
            ``group_size``: the inputs of each, where these differ. ``without``: without each input where that is at
            hand, else without each group.

        Raises
        ------
        InputError
            If there is no such kind.

        Examples
        --------
        >>> import likewise
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> results = likewise.compare({"x": x, "moved": 2 * x + 1}, ["cka", "svcca"], groups=5)
        >>> [len(scores) for scores in results.replicates("without")]
        [20, 5]
        """
        if kind == "without":
            each, groups = self.replicates("without_input"), self.replicates("without_group")
            return [group if own is None else own for own, group in zip(each, groups, strict=True)]
        if kind not in KINDS:
            raise InputError(f"kind={kind!r}; {did_you_mean(kind, ['without', *KINDS])}")
        if kind not in self.kept:
            return [None] * len(self)
        return [None if scores is None else np.asarray(scores) for scores in self.kept[kind].to_pylist()]

    @classmethod
    def of(cls, comparisons: Iterable[Comparison]) -> "Results":
        """Collect comparisons."""
        return cls(pa.Table.from_pylist([asdict(c) for c in comparisons], schema=SCHEMA))

    @classmethod
    def joined(cls, parts: Sequence["Results"]) -> "Results":
        """Put tables one below the other."""
        lists = pa.list_(pa.float64())
        nothing = [pa.chunked_array([pa.nulls(len(p), lists)]) for p in parts]
        kept = {}
        for kind in (kind for kind in KINDS if any(kind in p.kept for p in parts)):
            columns = [p.kept.get(kind, absent) for p, absent in zip(parts, nothing, strict=True)]
            kept[kind] = pa.chunked_array([chunk for column in columns for chunk in column.chunks], lists)
        return cls(pa.concat_tables([p.table for p in parts]).unify_dictionaries(), replicates=kept)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Comparison]:
        return (Comparison(**row) for row in self.table.to_pylist())

    def __getitem__(self, which: int | tuple[str, str]) -> "Comparison | list[Comparison]":
        """Return a row by its place, or the rows of a pair by the names of both, in that order or the other."""
        if isinstance(which, tuple):
            found = [c for c in self if (c.a, c.b) in (which, which[::-1])]
            if not found:
                raise KeyError(which)
            return found
        return self._row(range(len(self))[which])

    def _row(self, place: int) -> "Comparison":
        return Comparison(**self.table.slice(place, 1).to_pylist()[0])

    def __repr__(self) -> str:
        told = [f"Results of {len(self)} comparisons"]
        for c in map(self._row, range(min(len(self), SHOWN))):
            label = self.configurations[c.measure, c.parameters].label
            value, calibrated = ("–" if v is None else f"{v:.4g}" for v in (c.value, c.calibrated))
            told.append(f"  {inert(c.a)}  {inert(c.b)}  {label}  {value}  (calibrated {calibrated})")
        if len(self) > SHOWN:
            told.append(f"  and {len(self) - SHOWN:,} more; to_pandas() has all")
        return "\n".join(told)

    def asked_as(self, asked: Iterable[Configuration]) -> "Results":
        """Return the same, whose labels are those of the configurations as somebody asked for them."""
        return Results(self.table, asked=asked, replicates=self.kept)

    @functools.cached_property
    def configurations(self) -> dict[tuple[str, str], Configuration]:
        """The configurations by what the columns ``measure`` and ``parameters`` hold, in order of first appearance.

        One of a measure whose code is not loaded is what the table says of it: no code is looked for.

        Raises
        ------
        InputError
            If the table names a measure or parameters that there are not.
        """
        known = {(c.measure, c.parameters_json): c for c in self.asked}
        table = self.table.unify_dictionaries().combine_chunks()
        measures, parameters = (table.column(name).combine_chunks() for name in ("measure", "parameters"))
        codes = measures.indices.to_numpy(zero_copy_only=False).astype(np.int64) * max(1, len(parameters.dictionary))
        codes += parameters.indices.to_numpy(zero_copy_only=False)
        _, firsts, of = np.unique(codes, return_index=True, return_inverse=True)
        found = {}
        for place in np.argsort(firsts, kind="stable").tolist():
            first = int(firsts[place])
            call = measures[first].as_py(), parameters[first].as_py()
            if call not in known:
                try:
                    known[call] = (
                        Configuration.from_json(*call)
                        if call[0] in REGISTRY or not is_own(call[0])
                        else _of_rows(table.take(np.flatnonzero(of == place)))
                    )
                except (ValueError, TypeError, AttributeError, RecursionError) as error:
                    raise InputError(f"the table names no measure with parameters: {call[0]!r}, {error}") from error
            found[call] = known[call]
        return found

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame with the columns of `Comparison`."""
        try:
            import pandas  # noqa: F401  # optional: pyarrow needs it for this alone
        except ImportError as error:
            raise MissingDependencyError("pandas", "report") from error
        texts = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in SCHEMA]
        return self.table.cast(pa.schema(texts)).to_pandas()

    def corrected(self) -> "Results":
        """Return the same with p-values corrected for all p-values of the table.

        Rows with shuffled scores are corrected by `step_down`, the rest by Holm. Where a table has both, either part
        gets half of the level: its p-values are doubled.

        References
        ----------
        Holm (1979), Scandinavian Journal of Statistics 6(2); Benjamini and Hochberg (1995),
        doi:10.1111/j.2517-6161.1995.tb02031.x.
        """
        found = correct(self.table, self.shuffled)
        table = self.table
        for name, column in zip(OF_THE_TABLE, found, strict=True):
            place = table.schema.get_field_index(name)
            table = table.set_column(place, SCHEMA.field(name), column.cast(SCHEMA.field(name).type))
        return Results(table, asked=self.asked, replicates=self.kept)


def all_undefined(results: Results) -> str:
    """Say that no score of a table has a value, and why most have none; nothing where one has, or there is no row."""
    if not len(results) or pc.any(pc.not_equal(results.table["status"], "undefined")).as_py():
        return ""
    reasons = Counter(results.table["reason"].to_pylist()).most_common()
    others = f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else ""
    scores = "1 score, undefined" if len(results) == 1 else f"{len(results):,} scores, all undefined"
    return f"{scores}: {reasons[0][0]}{others}"


def _of_rows(rows: pa.Table) -> Configuration:
    """A configuration by its rows alone: which way it points, and whether a pair stands in both orders."""
    pairs = set(zip(*(rows.column(side).to_pylist() for side in ("dataset", "a_key", "b_key", "a", "b")), strict=True))
    both = any((dataset, b_key, a_key, b, a) in pairs for dataset, a_key, b_key, a, b in pairs)
    return Configuration.of_table(
        rows.column("measure")[0].as_py(),
        rows.column("parameters")[0].as_py(),
        direction=rows.column("direction")[0].as_py(),
        symmetric=not both,
        version=max(rows.column("measure_version").to_pylist()),
    )


def in_turn(tables: Sequence[pa.Table]) -> pa.Table:
    """Return tables of equally many rows as one: the first row of each, then the second of each, and so on."""
    rows = tables[0].num_rows
    order = np.arange(len(tables) * rows).reshape(len(tables), rows).T.reshape(-1)
    return pa.concat_tables(tables).unify_dictionaries().take(order)
