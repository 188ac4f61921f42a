"""The long table as the report shows it: with its labels, in summaries, and written in plain numbers."""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from likewise.about import Audit, Source
from likewise.chance import NoReference, Reason, Reasons
from likewise.chance.reasons import BETWEEN
from likewise.measures import Configuration
from likewise.naming import inert, parts_of
from likewise.scoring import Results
from likewise.shapes import COUNT_OR_NOTHING

NOT_ASKED = "none was asked for"
"""Why a score has no interval, where nothing else says it."""

AT_CHANCE = "the score stands at its chance level, so how far it is on the way to identical has no scale"
"""Why a calibrated score has no interval where the raw one has."""

MISSING = "–"
"""Stands where there is no number; the reason stands beside it."""

IGNORED = {
    "linear": "any invertible linear map",
    "orthogonal": "rotation",
    "feature permutation": "the order of features",
    "scaling": "scale",
    "translation": "shift",
}
"""What the invariances are called in a heading."""

AUDITED = {name: "Int64" if shape is COUNT_OR_NOTHING else "Float64" for name, shape in Audit.of_the_table().items()}
"""What the table of representations shows of audits, in types that have a missing number: old stores lack some."""

IMPLIED = {"linear": {"orthogonal", "feature permutation", "scaling"}, "orthogonal": {"feature permutation"}}
"""What an invariance contains, and a heading need not repeat."""


def inert_results(results: Results) -> Results:
    """Return a table whose names and reasons do nothing where they are shown."""
    table = results.table.unify_dictionaries().combine_chunks()
    for name in ("dataset", "a", "b", "reason"):
        column: Any = table.column(name).combine_chunks()
        texts = pa.array([inert(text, keep="") for text in column.dictionary.to_pylist()], pa.string())
        column = pa.DictionaryArray.from_arrays(column.indices, texts)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return Results(table, asked=results.asked, replicates=results.kept, few=results.too_few)


def inert_tree(value: Any) -> Any:
    """Return what JSON can hold, its texts as they are shown."""
    if isinstance(value, str):
        return inert(value, keep="")
    if isinstance(value, Mapping):
        return {inert(str(k)): inert_tree(v) for k, v in value.items()}
    return [inert_tree(v) for v in value] if isinstance(value, list | tuple) else value


def long_frame(results: Results) -> pd.DataFrame:
    """Return the long table with what the page asks of each row: its configuration, and whether its p could be small.

    Parameters
    ----------
    results : Results
        The long table.

    Returns
    -------
    pandas.DataFrame
        Its columns; the configuration ``known``, its label as ``configuration``, the class of its ``invariance``; and
        whether there were `too_few` shuffles.
    """
    frame: pd.DataFrame = results.to_pandas()
    # As Python's texts, one for each that is different: the page walks over names many times.
    table = results.table.unify_dictionaries()
    for name in (f.name for f in table.schema if pa.types.is_dictionary(f.type)):
        column: Any = table.column(name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # of no rows
            continue
        if not column.null_count:
            texts = np.asarray(column.dictionary.to_pylist(), dtype=object)
            frame[name] = pd.Series(texts[column.indices.to_numpy()], dtype=object, index=frame.index)
    # Once for each configuration: what is asked of one is computed from its measure each time.
    of = {call: (c, c.label, class_label(c)) for call, c in results.configurations.items()}
    found = [of[call] for call in zip(frame["measure"], frame["parameters"], strict=True)]
    for place, column in enumerate(("known", "configuration", "invariance")):
        frame[column] = pd.Series([row[place] for row in found], dtype=object, index=frame.index)
    frame["too_few"] = results.too_few
    return frame


def why_unsure(reason: str) -> str:
    """Return why a score has no interval, of the reasons of its row.

    Examples
    --------
    >>> why_unsure("no z: one shuffle only; no interval: fewer than 5 groups"), why_unsure("no z: one shuffle only")
    ('fewer than 5 groups', 'none was asked for')
    """
    without = (Reason.NOT_WITHOUT, Reason.FEW_GROUPS)
    parts = reason.split(BETWEEN)
    begins = next((k for k, part in enumerate(parts) if Reasons(part).has(*without)), None)
    if begins is None:
        return NOT_ASKED
    # What it depends on can have several parts too.
    more = itertools.takewhile(lambda part: Reasons(part).said == (None,), parts[begins + 1 :])
    return BETWEEN.join([parts[begins].removeprefix(Reason.FEW_GROUPS.because("")), *more])


def calibrated_ends(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the intervals of calibrated scores: chance level and identity are constants of each row.

    NaN where a row has no interval, or stands at its chance level and identity is not known.

    Examples
    --------
    >>> import likewise
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> frame = long_frame(likewise.compare({"x": x, "y": x + x[::-1]}, ["cka", "procrustes"]))
    >>> low, high = calibrated_ends(frame)
    >>> bool(((low < frame["calibrated"]) & (frame["calibrated"] < high)).all())
    True
    """
    value, chance, scored, low, high = (
        frame[c].to_numpy(dtype=np.float64, na_value=np.nan)
        for c in ("value", "null_mean", "calibrated", "low", "high")
    )
    known = {id(c): np.nan if c.facts.identity is None else c.facts.identity for c in configurations_of(frame)}
    identity = np.asarray([known[id(c)] for c in frame["known"]], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        per = np.where(np.isnan(identity), scored / (value - chance), 1 / (identity - chance))
        ends = (low - chance) * per, (high - chance) * per
    there = np.isfinite(ends[0]) & np.isfinite(ends[1]) & np.isfinite(scored)
    lower, upper = np.minimum(*ends), np.maximum(*ends)
    return np.where(there, lower, np.nan), np.where(there, upper, np.nan)


def comparable(a: str, b: str) -> bool:
    """Whether two representations are of two models, or formats, at one layer: what "who is like whom" means.

    Neighbouring layers of one model are always alike, and different layers of different models are compared only by
    who asked for that.

    Examples
    --------
    >>> comparable("gpt2 @ 3", "opt @ 3"), comparable("gpt2 @ 3", "gpt2 @ 4"), comparable("gpt2 @ 3", "opt")
    (True, False, False)
    """
    (model, form, layer), (other, its_form, its_layer) = parts_of(a), parts_of(b)
    return layer == its_layer and (model, form) != (other, its_form)


def configurations_of(frame: pd.DataFrame) -> tuple[Configuration, ...]:
    """Return the configurations of a table, in order of first appearance."""
    known = frame["known"].to_numpy()
    _, places = np.unique(np.fromiter(map(id, known), np.int64, len(known)), return_index=True)
    return tuple(known[np.sort(places)])  # by id, for the hash of one is computed each time


def names_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the representations of a table, in order of first appearance."""
    return tuple(pd.unique(frame[["a", "b"]].to_numpy(dtype=object).ravel()))


def pairs_of(frame: pd.DataFrame) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Return the pairs of a table, each once, in order of first appearance, and the place of that of each row.

    Examples
    --------
    >>> pairs_of(pd.DataFrame({"a": ["x", "y", "x"], "b": ["z", "z", "z"]}))
    ([('x', 'z'), ('y', 'z')], array([0, 1, 0]))
    """
    codes, names = pd.factorize(frame[["a", "b"]].to_numpy(dtype=object).ravel())
    a, b = codes[::2], codes[1::2]
    places, pairs = pd.factorize(a.astype(np.int64) * max(1, len(names)) + b)
    return [(names[p // len(names)], names[p % len(names)]) for p in pairs.tolist()], places


def class_label(configuration: Configuration) -> str:
    """Return what a configuration ignores, in words.

    Examples
    --------
    >>> class_label(Configuration.parse("cka"))
    'rotation, scale and shift'
    """
    if configuration.stored:
        return "unknown properties (their code is not loaded)"
    held = configuration.facts.invariances
    implied = set().union(*(IMPLIED.get(name, set()) for name in held))
    *others, last = [text for name, text in IGNORED.items() if name in held - implied] or ["nothing"]
    return f"{', '.join(others)} and {last}" if others else last


def one_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose pairs all stand in the order of their first row, also where a row scored the other order."""
    firsts: dict[frozenset[str], tuple[str, str]] = {}
    pairs, places = pairs_of(frame)
    ordered = np.asarray([firsts.setdefault(frozenset(p), p) for p in pairs], dtype=object).reshape(-1, 2)
    return frame.assign(a=ordered[places, 0], b=ordered[places, 1])


def says(frame: pd.DataFrame, of: Callable[[Reasons], bool]) -> pd.Series:
    """Return, for each row of the long table, what holds of its reasons; each text is asked once."""
    texts = frame["reason"]
    return texts.isin([text for text in texts.unique() if of(Reasons(text))])


def pair_summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per data set and pair: its mean calibrated score, and its smallest p, as it is and corrected.

    ``shuffles`` is how many its p-values come from, at most; 0 where one has a closed form.

    ``calibrated_of`` of ``configurations`` configurations have a calibrated score; the mean is over those. Where the
    order of the pair counts, a configuration has the mean of both orders, if both have a calibrated score.
    """
    pair = ["dataset", "a", "b"]
    frame = one_order(frame)
    nulls = frame[[*pair, "null"]].drop_duplicates().groupby(pair, sort=False)["null"].agg(_nulls).rename("null")
    within = frame.groupby([*pair, "configuration"], sort=False)
    scores = within.agg(
        calibrated=("calibrated", "mean"),
        pvalue=("pvalue", "min"),
        corrected=("pvalue_bh", "min"),
        known=("calibrated", "count"),
        rows=("calibrated", "size"),
    ).reset_index()
    scores["calibrated"] = scores["calibrated"].where(scores["known"] == scores["rows"])
    grouped = scores.groupby(pair, sort=False)
    found = grouped.agg(
        mean_calibrated=("calibrated", "mean"),
        smallest_p=("pvalue", "min"),
        smallest_p_bh=("corrected", "min"),
        calibrated_of=("calibrated", "count"),
        configurations=("configuration", "size"),
    )
    counts = frame[frame["pvalue"].notna()].groupby(pair, sort=False)["n_permutations"].agg(["min", "max"])
    shuffles = counts["max"].where(counts["min"] > 0, 0).rename("shuffles")
    return found.join([nulls, shuffles]).reset_index().fillna({"shuffles": 0})


def _nulls(names: pd.Series) -> str:
    """The references of some scores, by name, without those that have none."""
    return " ".join(sorted({name for some in names for name in str(some).split()} - {NoReference.name}))


def measure_table(configurations: Iterable[Configuration]) -> pd.DataFrame:
    """Return one row per configuration: what it is, which way it points, what it ignores, its sources."""
    return pd.DataFrame(
        [
            {
                "configuration": c.label,
                "title": c.about.title,
                "definition": definition(c),
                "direction": c.facts.direction,
                "invariance": class_label(c),
                "at identity": _at_identity(c),
                "lowest": None if c.stored else c.facts.bounds[0],
                "highest": None if c.stored else c.facts.bounds[1],
                "parameters": c.parameters_json,
                "version": c.about.version,
                "references": " ".join(f"https://doi.org/{doi}" for doi in c.about.references),
            }
            for c in configurations
        ]
    )


def _at_identity(configuration: Configuration) -> Any:
    if configuration.stored:
        return "not known"
    return "depends on the data" if configuration.facts.identity is None else configuration.facts.identity


def definition(configuration: Configuration) -> str:
    """Return the first line of a measure's docstring."""
    if configuration.stored:
        return "A measure of somebody's own, whose code is not loaded."
    return (configuration.about.function.__doc__ or "").strip().partition("\n")[0]


def described(representation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a representation, as JSON holds it, with its records."""
    source, audit = (representation.get(name) or {} for name in ("source", "audit"))
    return {**representation, "source": Source(source), "audit": Audit(audit)}


def representation_table(
    representations: Sequence[Mapping[str, Any]], datasets: Mapping[tuple[str, str], str]
) -> pd.DataFrame:
    """Return one row per representation; ``datasets`` says for (name, key) what the long table calls its inputs."""
    frame = pd.DataFrame(
        [
            {"name": r["name"], "data set": dataset_of(r, datasets)}
            | _parts(r["source"])
            | {"items": r["n_items"], "features": r["n_features"]}
            | {name: getattr(r["audit"], name) for name in AUDITED}
            | {"key": r["key"], "source": json.dumps(r["source"].short(), ensure_ascii=False, default=str)}
            for r in representations
        ]
    )
    return frame.astype(AUDITED) if len(frame) else frame


def _parts(source: Source) -> dict[str, str]:
    """What a representation is, as the columns of a table."""
    told = {
        "model": source.model,
        "variant": source.variant,
        "layer": source.layer,
        "pooling": source.pooling,
        "dtype": source.dtype,
    }
    return {head: plain(value) for head, value in told.items()}


def dataset_of(representation: Mapping[str, Any], datasets: Mapping[tuple[str, str], str]) -> str:
    """Return what a representation's inputs are called: by itself, by the long table, or by its source."""
    if "dataset" in representation:
        return str(representation["dataset"])
    known = (representation["name"], representation["key"])
    return datasets[known] if known in datasets else plain(representation["source"].dataset)


def datasets_by_key(frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return for each (name, key) of a table the data set that it stands for; one that stands for two is left out."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in frame[["dataset", "a", "b", "a_key", "b_key"]].drop_duplicates().to_dict("records"):
        for side in "ab":
            found.setdefault((row[side], row[f"{side}_key"]), set()).add(row["dataset"])
    return {known: min(names) for known, names in found.items() if len(names) == 1}


def plain(value: Any) -> str:
    """Return a value of a source as a short text."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, Mapping):
        return str(value.get("name") or json.dumps(dict(value), ensure_ascii=False, default=str))
    return str(value)


def short(name: str, longest: int = 48) -> str:
    """Return a name without its middle where it is long; the files have all of it.

    Examples
    --------
    >>> short("m" * 40 + " @ 1", 11)
    'mmmmm…m @ 1'
    """
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def missing(value: Any) -> bool:
    """Whether there is no number: None, or one of pandas' words for it."""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def number(value: Any) -> str:
    """Return a number as a person reads it, about four digits; missing as a dash.

    Examples
    --------
    >>> number(0.123456), number(12345.6), number(-0.00012), number(None), number(3)
    ('0.123', '12,346', '-1.2e-04', '–', '3')
    """
    if missing(value):
        return MISSING
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if size == 0 or 0.001 <= size < 100:
        return f"{value:.3f}"
    if 100 <= size < 1e6:
        return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}"
    return f"{value:.1e}"


BOUNDS = {"chance": 1e-6} | dict.fromkeys(("p", "p corrected", "corrected", "smallest p", "smallest_p"), 1e-16)
"""Below these a number of a column says no more than that it is below."""


def told(head: str, value: Any) -> str:
    """Return a number of a column as a person reads it.

    Examples
    --------
    >>> told("p", 0.0), told("chance", 8.8e-36), told("chance", 0.0), told("value", 8.8e-36)
    ('< 1e-16', '< 1e-06', '0.000', '8.8e-36')
    """
    least = BOUNDS.get(head, 0.0)
    if missing(value) or not 0 <= value < least or (value == 0 and head == "chance"):
        return number(value)
    return f"< {least:.0e}"
