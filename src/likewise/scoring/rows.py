"""What was scored as rows of the long table: chance levels, intervals, and why something is missing."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from likewise.chance import NoReference, Pair, ShuffledRows, Sides, words_of
from likewise.chance.permutation import Chance, Null, judge, tied, without_chance
from likewise.chance.reasons import Reason, joined
from likewise.chance.together import Together
from likewise.errors import UndefinedError
from likewise.measures import Configuration
from likewise.naming import counted
from likewise.representation import Representation
from likewise.scoring.columns import Column, orders
from likewise.scoring.comparison import SCHEMA
from likewise.scoring.jackknife import OF_ITEMS, interval
from likewise.scoring.leaving_out import FEWEST, stretch_of, told_of
from likewise.scoring.trust import Trust

SAME = 1e-9
"""Scores that are no further apart may differ by rounding alone."""


def table_of(
    c: Column,
    representations: Sequence[Representation],
    sides: Sides,
    pairs: Sequence[Pair],
    trust: Trust,
    together: Together | None,
    dataset: str,
    seed: int | None,
) -> pa.Table:
    """The rows of a column: scores beside their chance level and interval, and why something is missing."""
    facts = c.configuration.facts
    m = len(pairs)
    notes: list[list[str]] = [[] for _ in range(m)]
    null = None
    if c.level is not None:
        null = c.level.null
        for k in filter(c.level.notes.get, np.flatnonzero(c.settled).tolist()):
            notes[k].append(c.level.notes[k])
    if len(c.shuffled) and (drawn := c.shuffled_pairs):
        for k in drawn:
            if k in c.no_null:
                c.shuffled[:, k] = np.nan
                notes[k].append(Reason.NOT_SHUFFLED.because(c.no_null[k]))
            elif c.level is not None and k in c.level.notes:
                notes[k].append(c.level.notes[k])
        of_shuffles = Null.of_shuffles(c.value, c.shuffled, facts)
        c.shuffled = tied(c.value, c.shuffled, of_shuffles.tie)
        null = of_shuffles if null is None else null.where(c.settled, of_shuffles)
    if len(c.shuffled) and not facts.paired:
        for k in range(m):
            if k not in c.undefined and not notes[k]:
                notes[k].append(Reason.NO_CHANCE)
    chance = None
    if null is not None:
        identity, told = identities(c, null.mean, sides, pairs)
        chance = judge(c.value, null, facts, identity)
        for k in range(m):
            notes[k] += [chance.reason[k], told.get(k, "")]
    for k, why in c.no_interval.items():
        c.without[:, k] = np.nan
        notes[k].append(Reason.NOT_WITHOUT.because(why))
    n = next(iter(sides.values())).n
    low, high = _ends(c, n)
    if rivals_of := c.configuration.rivals:
        for k in np.flatnonzero(~np.isnan(low)).tolist():
            x, y = (sides[place] for place in orders(c.configuration, pairs[k])[c.turned])
            rivals = rivals_of(x, y)
            if rivals and not low[k] - SAME <= min(rivals) <= max(rivals) <= high[k] + SAME:
                # Rounding may carry a rival past a bound.
                low[k], high[k] = np.clip((min(low[k], *rivals), max(high[k], *rivals)), *c.configuration.facts.bounds)
                c.without[:, k] = np.nan  # these inputs alone do not show how much the score varies
                c.no_interval[k] = Reason.UNSETTLED
                notes[k].append(Reason.UNSETTLED)
    if trust.groups and not len(c.without):
        few = (
            counted(n, "input")
            if n < FEWEST
            else told_of(together.left_out(trust.groups, trust.seed)[1])
            if together
            else f"{counted(trust.groups, 'group')} of inputs"
        )
        for k in range(m):
            if k not in c.each:
                notes[k].append(Reason.FEW_GROUPS.because(f"{few}; expected {FEWEST} or more"))
    if (why := without_chance(together)) and trust.shuffles:
        for k in c.shuffled_pairs:
            notes[k].append(why)
    return columns_of(
        c.configuration,
        dataset=dataset,
        names=[r.name for r in representations],
        keys=[r.key for r in representations],
        n_items=n,
        a=[pair[c.turned] for pair in pairs],
        b=[pair[not c.turned] for pair in pairs],
        value=c.value,
        by=trust.reference.name,
        settled=c.settled,
        draws=c.level.draws if c.level else 0,
        chance=chance,
        low=low,
        high=high,
        n_permutations=len(c.shuffled),
        reason=[c.undefined.get(k) or joined(notes[k]) for k in range(m)],
        seconds=c.seconds,
        seed=seed,
    )


def _ends(c: Column, n: int) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The ends of the intervals of a column; NaN where there is none."""
    bounds = c.configuration.facts.bounds
    nothing = np.full(len(c.value), np.nan)
    folded = c.configuration.difference is not None
    low, high = nothing, nothing.copy()
    if len(c.without):
        low, high = interval(c.value, c.without, bounds, c.left_out, folded=folded, twice=c.twice)
    for k, scores in c.each.items():
        low[[k]], high[[k]] = interval(
            c.value[[k]], scores[:, None], bounds, folded=folded, twice=c.twice[[k]], most=OF_ITEMS
        )
    for k, scores in c.without_stretch.items():
        sizes = np.bincount(stretch_of(n, len(scores)))
        low[[k]], high[[k]] = interval(c.value[[k]], scores[:, None], bounds, sizes, folded=folded)
    return low, high


def identities(
    c: Column, where: Float[np.ndarray, " m"], sides: Sides, pairs: Sequence[Pair]
) -> tuple[Float[np.ndarray, " m"], dict[int, str]]:
    """What a score can come to, the fixed value or the mean of both self-scores, or why it cannot be said.

    For pairs whose place in ``where`` is not NaN.
    """
    identity = c.configuration.facts.identity
    if identity is not None:
        return np.full(len(pairs), identity), {}
    if c.configuration.facts.undefined_if_equal:
        judged = np.flatnonzero(~np.isnan(where)).tolist()
        return np.full(len(pairs), np.nan), dict.fromkeys(judged, str(Reason.NO_SCALE))
    own: dict[int, float] = {}
    none: dict[int, str] = {}
    start = perf_counter()
    for i in sorted({i for k, pair in enumerate(pairs) if not np.isnan(where[k]) for i in pair}):
        try:
            own[i] = c.configuration(sides[i], sides[i])
        except UndefinedError as error:
            none[i] = Reason.NO_IDENTITY.because(str(error))
    c.seconds += (perf_counter() - start) / len(pairs)
    # In the order of the row, whose first is the one that is said.
    told = {k: none[i] for k, pair in enumerate(pairs) for i in reversed(pair[:: -1 if c.turned else 1]) if i in none}
    return np.asarray([(own.get(i, np.nan) + own.get(j, np.nan)) / 2 for i, j in pairs]), told


def replicates_of(c: Column) -> dict[str, pa.Array]:
    """What was scored of each pair besides the whole, by `KINDS`; nothing where it was not, or could not be.

    Shuffled scores are kept where they hang together with those of other pairs.
    """
    m = len(c.value)
    drawn = [k for k in c.shuffled_pairs if k not in c.no_null] if len(c.shuffled) and c.joint else []
    other = {*c.each, *c.no_interval, *c.undefined}
    without = [k for k in range(m) if k not in other] if len(c.without) else []
    sizes = np.zeros((0, m)) if c.left_out is None else np.repeat(c.left_out[:, None].astype(np.float64), m, axis=1)
    each = [c.each.get(k) for k in range(m)]
    return {
        "shuffle": _lists(c.shuffled, drawn),
        "without_group": _lists(c.without, without),
        "group_size": _lists(sizes, without if len(sizes) else []),
        "without_input": pa.array(each, pa.list_(pa.float64())),
        "without_stretch": pa.array([c.without_stretch.get(k) for k in range(m)], pa.list_(pa.float64())),
    }


def _lists(values: Float[np.ndarray, "r m"], places: Sequence[int]) -> pa.Array:
    """The columns at some places as lists, nothing at the others."""
    r, m = values.shape
    absent = np.ones(m, dtype=bool)
    absent[list(places)] = False
    ends = np.concatenate([[0], np.cumsum(np.where(absent, 0, r))])
    kept = pa.array(values[:, ~absent].T.reshape(-1))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), kept, mask=pa.array(absent))


def columns_of(
    configuration: Configuration,
    *,
    dataset: str,
    names: Sequence[str],
    keys: Sequence[str],
    n_items: int,
    a: Sequence[int] | Int[np.ndarray, " m"],
    b: Sequence[int] | Int[np.ndarray, " m"],
    value: Float[np.ndarray, " m"],
    by: str,
    settled: Bool[np.ndarray, " m"],
    chance: Chance | None,
    low: Float[np.ndarray, " m"] | None,
    high: Float[np.ndarray, " m"] | None,
    n_permutations: int,
    reason: Sequence[str],
    seconds: Float[np.ndarray, " m"],
    seed: int | None,
    draws: int | Int[np.ndarray, " m"] = 0,
) -> pa.Table:
    """Return the rows of one configuration for m pairs, given by their places; NaN is a cell without a value.

    ``settled`` says of which pairs the chance level is that of the reference named ``by``, counted from so many
    ``draws``, and not of shuffles.
    """
    m = len(value)
    words = words_of(by)
    none, shuffles, own = (words.index(word) for word in (NoReference.name, ShuffledRows.name, by))

    def chosen(texts: Sequence[str], places: Any) -> Any:
        return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), pa.array(texts, pa.string()))

    def same(text: str) -> Any:
        return chosen([text], np.zeros(m, dtype=np.int32))

    def numbers(name: str, found: Float[np.ndarray, " m"] | None) -> Any:
        if found is not None and np.isinf(found).any():
            raise ArithmeticError(f"{name} of {configuration.label} is infinite; a row holds a finite value or none")
        return pa.nulls(m, pa.float64()) if found is None else pa.array(found, pa.float64(), from_pandas=True)

    undefined = np.isnan(value)
    has_null = np.zeros(m, dtype=bool) if chance is None else ~np.isnan(chance.mean)
    columns = {
        "dataset": same(dataset),
        "a": chosen(names, a),
        "b": chosen(names, b),
        "measure": same(configuration.measure),
        "parameters": same(configuration.parameters_json),
        "value": numbers("value", value),
        "direction": same(configuration.facts.direction),
        "null": chosen(words, np.where(has_null, np.where(settled, own, shuffles), none)),
        "null_mean": numbers("null_mean", chance.mean if chance else None),
        "null_std": numbers("null_std", chance.std if chance else None),
        "z": numbers("z", chance.z if chance else None),
        "pvalue": numbers("pvalue", chance.pvalue if chance else None),
        "pvalue_holm": numbers("pvalue_holm", None),
        "pvalue_bh": numbers("pvalue_bh", None),
        "correction": same(""),
        "calibrated": numbers("calibrated", chance.calibrated if chance else None),
        "low": numbers("low", low),
        "high": numbers("high", high),
        "n_permutations": pa.array(np.where(has_null, np.where(settled, draws, n_permutations), 0), pa.int64()),
        "n_items": pa.array(np.full(m, n_items), pa.int64()),
        "status": chosen(["ok", "undefined"], undefined.astype(np.int32)),
        "reason": pa.array(reason, pa.string()).dictionary_encode(),
        "seconds": numbers("seconds", seconds),
        "a_key": chosen(keys, a),
        "b_key": chosen(keys, b),
        "seed": pa.nulls(m, pa.int64()) if seed is None else pa.array(np.full(m, seed), pa.int64()),
        "measure_version": pa.array(np.full(m, configuration.about.version), pa.int64()),
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
