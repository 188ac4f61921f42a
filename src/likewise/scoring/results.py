"""The long table: one row per pair of representations and configuration."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float

from likewise.chance.correction import correct, too_few
from likewise.errors import InputError, MissingDependencyError
from likewise.measures import REGISTRY, Configuration, is_own
from likewise.naming import cell_text, counted, did_you_mean, inert
from likewise.scoring.choice import Score, only_one, rows_where, scores_of
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
    few : array of bool, optional
        `too_few` of the table that these rows were taken from.
    """

    def __init__(
        self,
        table: pa.Table,
        shuffled: pa.ChunkedArray | None = None,
        *,
        asked: Iterable[Configuration] = (),
        replicates: Mapping[str, pa.ChunkedArray] | None = None,
        few: Bool[np.ndarray, " rows"] | None = None,
    ) -> None:
        self.table = table.cast(SCHEMA)
        self._few = few
        self.kept = dict(replicates or {}) | ({} if shuffled is None else {"shuffle": shuffled})
        self.asked = tuple(asked)

    @property
    def shuffled(self) -> pa.ChunkedArray | None:
        """For each row the list of its scores after each shuffle, if they are at hand."""
        return self.kept.get("shuffle")

    @property
    def too_few(self) -> Bool[np.ndarray, " rows"]:
        """Of each row, whether its corrected p-value could not have been small with so few shuffles."""
        if self._few is not None:
            return self._few
        return np.asarray(np.any([np.zeros(len(self), dtype=bool), *(few.rows for few in too_few(self.table))], axis=0))

    def replicates(self, kind: str) -> list[Float[np.ndarray, " r"] | None]:
        """Return an array of scores for each row, in the order of the table; None where it has none.

        Parameters
        ----------
        kind : str
            ``shuffle``: after each shuffle. ``without_input``: without each input in turn, in their order.
            ``without_group``: without each group of inputs in turn, the same groups for all rows of a data set. Of a
            difference of two numbers they have a sign: negative where it turns round.
            ``group_size``: the inputs of each, where these differ. ``without_stretch``: without each stretch of inputs
            that follow each other in turn, where rows come in runs. ``without``: without each input where that is at
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

    def _repr_html_(self) -> str:
        heads = ["data set", "a", "b", "measure", "value", "low", "high", "chance", "calibrated", "p corrected", "note"]
        rows = []
        for c in map(self._row, range(min(len(self), SHOWN))):
            label = self.configurations[c.measure, c.parameters].label
            numbers = (c.value, c.low, c.high, c.null_mean, c.calibrated, c.pvalue_holm)
            rows.append([c.dataset, c.a, c.b, label, *map(cell_text, numbers), c.reason])
        if not any(row[0] for row in rows):
            heads, rows = heads[1:], [row[1:] for row in rows]
        head = "".join(f"<th>{text}</th>" for text in heads)
        body = "".join(f"<tr>{''.join(f'<td>{escape(inert(text))}</td>' for text in row)}</tr>" for row in rows)
        more = len(self) - SHOWN
        told = f"<p>{more:,} more rows: <code>.to_pandas()</code> has all</p>" if more > 0 else ""
        return (
            f"<p>{len(self):,} comparisons; from and to are the ends of the 95 % interval of the value</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{told}"
        )

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Return the table by Arrow's PyCapsule interface, which polars, DuckDB, pandas and others read without a copy.

        Examples
        --------
        >>> import likewise
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> pa.table(likewise.compare({"x": x, "moved": 2 * x + 1}, "cka")).num_rows
        1
        """
        return self.table.__arrow_c_stream__(requested_schema)

    def where(
        self,
        *,
        dataset: str | None = None,
        measure: str | Configuration | None = None,
        layer: str | int | None = None,
        models: Sequence[str] | None = None,
    ) -> "Results":
        """Return some of the rows.

        Parameters
        ----------
        dataset : str
            The rows of this data set.
        measure : str or Configuration
            A configuration by its label (``"jaccard(k=5)"``), or all configurations of a measure (``"jaccard"``).
        layer : str or int
            Pairs at this layer of both models.
        models : sequence of str
            Pairs of these alone: representations, or models with all their layers.

        Returns
        -------
        Results
            P-values stay as they were corrected, for all scores of this table.

        Raises
        ------
        InputError
            If nothing in the table has such a name, or no pair has all of them.

        Examples
        --------
        >>> import likewise
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> results = likewise.compare({"x": x, "moved": 2 * x + 1, "y": x**2}, ["cka", "rsa"])
        >>> [(c.a, c.b) for c in results.where(measure="cka", models=["x", "y"])]
        [('x', 'y')]
        """
        kept = rows_where(self.table, self.configurations, dataset=dataset, measure=measure, layer=layer, models=models)
        mask = pa.array(kept)
        lists = {kind: column.filter(mask) for kind, column in self.kept.items()}
        return Results(self.table.filter(mask), asked=self.asked, replicates=lists, few=self.too_few[kept])

    def scores(self, *, calibrated: bool = True) -> list[Score]:
        """Return the rows with value, interval and chance level on one scale: calibrated, or raw."""
        return scores_of(self.table, self.configurations, calibrated, self.too_few)

    def only(self) -> tuple[str, Configuration]:
        """Return the data set and the configuration of a table that has one of each; refuse any other."""
        return only_one(self.table, self.configurations)

    def matrix(
        self,
        measure: str | Configuration | None = None,
        *,
        dataset: str | None = None,
        calibrated: bool = True,
        layer: str | int | None = None,
        models: Sequence[str] | None = None,
    ) -> Any:
        """Return the scores of one configuration on one data set as a square pandas.DataFrame.

        Parameters
        ----------
        measure, dataset, layer, models
            As in `where`; measure and data set can be left out where there is one of each.
        calibrated : bool
            Calibrated scores, 0 is chance and 1 is identical; or raw ones.

        Returns
        -------
        pandas.DataFrame
            Rows and columns are representations, in the order of the table. Where the order of a pair counts, the first
            is the row; elsewhere both halves are equal. The diagonal holds the value at identity. NaN stands where a
            pair was not compared or has no score, and on the diagonal where the value at identity depends on the data.

        Raises
        ------
        InputError
            If the table has several data sets or configurations and none was chosen.

        Examples
        --------
        >>> import likewise
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> results = likewise.compare({"x": x, "moved": 2 * x + 1, "y": x**2}, ["cka", "rsa"])
        >>> results.matrix("cka").round(2)
                  x  moved     y
        x      1.00   1.00 -0.05
        moved  1.00   1.00 -0.05
        y     -0.05  -0.05  1.00
        """
        chosen = self.where(dataset=dataset, measure=measure, layer=layer, models=models)
        _, configuration = chosen.only()
        scores = chosen.scores(calibrated=calibrated)
        names = list(dict.fromkeys(name for s in scores for name in (s.a, s.b)))
        place = {name: i for i, name in enumerate(names)}
        square = np.full((len(names), len(names)), np.nan)
        identity = None if configuration.stored else configuration.facts.identity
        if calibrated:
            identity = 1.0 if any(s.value is not None for s in scores) else None
        if identity is not None:
            np.fill_diagonal(square, identity)
        for s in scores:
            if s.value is not None:
                square[place[s.a], place[s.b]] = s.value
                if configuration.facts.symmetric:
                    square[place[s.b], place[s.a]] = s.value
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise MissingDependencyError("pandas", "report") from error
        return pandas.DataFrame(square, index=names, columns=names)

    def figure(self, kind: str, measure: str | Configuration | None = None, **choices: Any) -> Any:
        """Return a figure of these scores, as ``likewise figure`` draws it.

        Parameters
        ----------
        kind : str
            ``heatmap``, ``forest``, ``by-layer``, ``dendrogram``, ``map``, ``agreement``, ``paper-heatmaps`` or
            ``paper-datasets``.
        measure : str or Configuration
            As in `where`; can be left out where there is one.
        **choices
            ``dataset``, ``layer``, ``models``: as in `where`. ``calibrated`` (True): calibrated scores, or raw ones.
            ``width`` (6.5): in inches, at which texts have eight points. ``caption`` (True): whether it stands below.
            ``order`` ("given"): of a heatmap; ``clusters`` puts like beside like.

        Returns
        -------
        matplotlib.figure.Figure
            With ``caption``, how to read it, and ``data``, the pyarrow.Table of the numbers that it draws. A notebook
            shows it; ``savefig`` writes it. pyplot does not know it.

        Raises
        ------
        InputError
            If there is no such kind, name or choice, or the figure cannot be drawn of these scores.
        MissingDependencyError
            If matplotlib is not installed.
        """
        # By name, for the room that draws stands above this one.
        return import_module("likewise.report.figures").draw(kind, self, measure=measure, **choices)

    def heatmap(self, measure: str | Configuration | None = None, **choices: Any) -> Any:
        """Return a heatmap of one configuration on one data set; choices as in `figure`."""
        return self.figure("heatmap", measure, **choices)

    def forest(self, measure: str | Configuration | None = None, **choices: Any) -> Any:
        """Return each pair's score with its interval and its chance level, best first; choices as in `figure`."""
        return self.figure("forest", measure, **choices)

    def by_layer(self, measure: str | Configuration | None = None, **choices: Any) -> Any:
        """Return the scores of two models at the same layer, over the layers; choices as in `figure`."""
        return self.figure("by-layer", measure, **choices)

    def dendrogram(self, measure: str | Configuration | None = None, **choices: Any) -> Any:
        """Return the tree of hierarchical clustering; choices as in `figure`."""
        return self.figure("dendrogram", measure, **choices)

    def map(self, measure: str | Configuration | None = None, **choices: Any) -> Any:
        """Return a plane in which near things are alike, with its stress; choices as in `figure`."""
        return self.figure("map", measure, **choices)

    def asked_as(self, asked: Iterable[Configuration]) -> "Results":
        """Return the same, whose labels are those of the configurations as somebody asked for them."""
        return Results(self.table, asked=asked, replicates=self.kept, few=self._few)

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
    others = f" (and {counted(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
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
