"""Some rows of a table of scores, by the names of what was compared, and their numbers on one scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool

from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.naming import called_of, did_you_mean, parse_call, parts_of

CHANCE_SPREAD = 2.0
"""Standard deviations around the chance level that are shown of it."""

Known = Mapping[tuple[str, str], Configuration]
"""Configurations by what the columns ``measure`` and ``parameters`` hold."""


@dataclass(frozen=True)
class Score:
    """A score on one scale, with its interval and its chance level there.

    Parameters
    ----------
    dataset, a, b : str
        As in the table.
    configuration : Configuration
        The measure with its parameters.
    value, low, high : float or None
        The score and its 95 % interval. On the calibrated scale the chance level and the value at identity are taken as
        known: the interval is that of the raw score, moved and stretched as the score is.
    chance, chance_low, chance_high : float or None
        The chance level, and two standard deviations below and above it.
    pvalue : float or None
        Corrected for the table from which the row was taken (``pvalue_holm``).
    too_few : bool
        Whether it could not have been small with so few shuffles.
    defined : bool
        Whether there is a raw score.
    reason : str
        Why a number is missing.
    """

    dataset: str
    a: str
    b: str
    configuration: Configuration
    value: float | None
    low: float | None
    high: float | None
    chance: float | None
    chance_low: float | None
    chance_high: float | None
    pvalue: float | None
    too_few: bool
    defined: bool
    reason: str

    @classmethod
    def of(cls, row: Mapping[str, Any], configuration: Configuration, calibrated: bool, few: bool) -> "Score":
        """Read a row of the long table."""
        value, chance, spread = row["value"], row["null_mean"], row["null_std"]
        ends = None if row["low"] is None or row["high"] is None else (row["low"], row["high"])
        around = None
        if chance is not None and spread is not None:
            around = chance - CHANCE_SPREAD * spread, chance + CHANCE_SPREAD * spread
        if calibrated:
            identity = _identity(row, configuration)
            value = row["calibrated"]

            def moved(both: tuple[float, float] | None) -> tuple[float, float] | None:
                if both is None or identity is None or value is None:
                    return None
                first, second = ((end - chance) / (identity - chance) for end in both)
                return min(first, second), max(first, second)

            ends, around, chance = moved(ends), moved(around), None if value is None else 0.0
        low, high = ends or (None, None)
        below, above = around or (None, None)
        return cls(
            dataset=row["dataset"],
            a=row["a"],
            b=row["b"],
            configuration=configuration,
            value=value,
            low=low,
            high=high,
            chance=chance,
            chance_low=below,
            chance_high=above,
            pvalue=row["pvalue_holm"],
            too_few=few,
            defined=row["value"] is not None,
            reason=row["reason"],
        )


def _identity(row: Mapping[str, Any], configuration: Configuration) -> float | None:
    """The value at identity: a fact of the measure, or where it depends on the data, what calibration says."""
    known: float | None = None if configuration.stored else configuration.facts.identity
    if known is None and row["calibrated"]:
        known = row["null_mean"] + (row["value"] - row["null_mean"]) / row["calibrated"]
    return known


def scores_of(table: pa.Table, known: Known, calibrated: bool, few: Bool[np.ndarray, " rows"]) -> list[Score]:
    """Return the rows of a table on one scale."""
    return [
        Score.of(row, known[row["measure"], row["parameters"]], calibrated, bool(of_few))
        for row, of_few in zip(table.to_pylist(), few, strict=True)
    ]


def rows_where(
    table: pa.Table,
    known: Known,
    *,
    dataset: str | None = None,
    measure: str | Configuration | None = None,
    layer: str | int | None = None,
    models: Sequence[str] | None = None,
) -> Bool[np.ndarray, " rows"]:
    """Return which rows have these names; `Results.where` says how they are read.

    Raises
    ------
    InputError
        If nothing in the table has such a name.
    """
    kept = np.ones(table.num_rows, dtype=bool)
    if dataset is not None:
        _check("data set", dataset, _texts(table, "dataset"))
        kept &= _among(table, "dataset", [dataset])
    if measure is not None:
        calls = _calls(measure, known)
        kept &= np.any([_among(table, "measure", [m]) & _among(table, "parameters", [p]) for m, p in calls], axis=0)
    names = list(dict.fromkeys([*_texts(table, "a"), *_texts(table, "b")]))
    if layer is not None:
        at = {name: parts_of(name)[2] for name in names}
        _check("layer", str(layer), at.values())
        here = [name for name in names if at[name] == str(layer)]
        kept &= _among(table, "a", here) & _among(table, "b", here)
    if models is not None:
        if isinstance(models, str):
            raise InputError(f"models={models!r}: expected a list of names, got a text")
        called = {name: called_of(name) for name in names}
        for model in models:
            _check("model", model, (given for all_of in called.values() for given in all_of))
        here = [name for name in names if set(called[name]) & set(models)]
        kept &= _among(table, "a", here) & _among(table, "b", here)
    if table.num_rows and not kept.any():
        raise InputError("no pair has all of these names; the table was not asked for it, or choose fewer names")
    return kept


def only_one(table: pa.Table, known: Known) -> tuple[str, Configuration]:
    """Return the data set and the configuration of all rows.

    Raises
    ------
    InputError
        If there are several; the message names them.
    """
    datasets = _texts(table, "dataset")
    if len(datasets) > 1:
        raise InputError(f"which data set? expected one of: {', '.join(datasets)}")
    if len(known) > 1:
        raise InputError(f"which measure? expected one of: {', '.join(c.label for c in known.values())}")
    if not datasets:
        raise InputError("there are no scores")
    return datasets[0], next(iter(known.values()))


def _calls(measure: str | Configuration, known: Known) -> list[tuple[str, str]]:
    if isinstance(measure, Configuration):
        found = [call for call, c in known.items() if c == measure]
        return found or _nothing(measure.label, known)
    if exact := [call for call, c in known.items() if c.label == measure]:
        return exact
    try:
        name, given = parse_call(measure)
    except InputError:
        return _nothing(measure, known)
    found = [call for call, c in known.items() if c.measure == name and given.items() <= c.parameters.items()]
    return found or _nothing(measure, known)


def _nothing(measure: str, known: Known) -> list[tuple[str, str]]:
    labels = {name: None for c in known.values() for name in (c.label, c.measure)}
    raise InputError(f"no scores of the measure {measure!r}; {did_you_mean(measure, labels)}")


def _check(what: str, name: str, known: Any) -> None:
    if name not in (names := dict.fromkeys(known)):
        raise InputError(f"no {what} {name!r} among the scores; {did_you_mean(name, names)}")


def _texts(table: pa.Table, column: str) -> list[str]:
    return list(pc.unique(table[column].cast(pa.string())).to_pylist())


def _among(table: pa.Table, column: str, names: Sequence[str]) -> Bool[np.ndarray, " rows"]:
    found = pc.is_in(table[column].cast(pa.string()), pa.array(names, pa.string()))
    return np.asarray(found.to_numpy(), dtype=bool)
