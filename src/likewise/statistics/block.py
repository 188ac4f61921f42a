"""Score a block of pairs: each representation prepared once, each shuffle of it gathered once, products stacked."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array, to_numpy
from likewise.errors import UndefinedError
from likewise.measures import Configuration, Product, prepare
from likewise.prepared import OrbitSums, Prepared
from likewise.representation import Representation
from likewise.statistics.jackknife import FEWEST, interval, leave_out
from likewise.statistics.moments import Moments, shuffled_moments
from likewise.statistics.permutation import Null, draw_permutations, judge
from likewise.statistics.results import Results, columns_of, in_turn

NullKind: TypeAlias = Literal["moments", "shuffles", "none"]

NO_CHANCE = "no chance level: the value does not depend on which row belongs to which"
"""The reason beside a value that was asked for shuffles and that no order of rows changes."""

T = TypeVar("T")

Watch: TypeAlias = Callable[[int, int], None]
"""Is told how many steps are done, and how many there are in all."""


@dataclass(frozen=True)
class Trust:
    """What is asked for besides a score: its chance level and its interval.

    Parameters
    ----------
    null : {"moments", "shuffles", "none"}
        ``moments`` takes the closed form over all shuffles where a measure has one, and shuffles elsewhere.
    permutations : int
        Number of shuffles; 0 for none.
    seed : int
        Of the shuffles, and of the groups of inputs.
    groups : int
        Groups of inputs that are left out in turn for the interval, where it does not come from the score without
        each input; 0 for no intervals.
    """

    null: NullKind = "moments"
    permutations: int = 100
    seed: int = 0
    groups: int = 20


Pair: TypeAlias = tuple[int, int]
"""Places of two representations in a list."""

Sides: TypeAlias = Mapping[int, Prepared]
"""Representations by their place."""


@dataclass
class Column:
    """A configuration in one order for all pairs of a block: what was found so far, NaN where there is nothing.

    ``closed`` says that its chance level has a closed form, and that no shuffles are made. ``each`` holds the scores
    without each item of the pairs for which they follow from the whole; the others have those ``without`` each group.
    """

    configuration: Configuration
    turned: bool
    closed: bool
    value: Float[np.ndarray, " m"]
    shuffled: Float[np.ndarray, "p m"]
    without: Float[np.ndarray, "g m"]
    seconds: Float[np.ndarray, " m"]
    each: dict[int, Float[np.ndarray, " n"]] = field(default_factory=dict)
    undefined: dict[int, str] = field(default_factory=dict)
    no_null: dict[int, str] = field(default_factory=dict)
    no_interval: dict[int, str] = field(default_factory=dict)

    @property
    def moves_first(self) -> bool:
        """Whether the first of a pair is shuffled: where the order counts, the fit to the second then stands."""
        return not (self.configuration.facts.symmetric or self.turned)

    def fill(self, into: Float[np.ndarray, " m"], pair: int, x: Prepared, y: Prepared, why: dict[int, str]) -> None:
        """Score a pair, given in the order of the experiment, or note why not."""
        if pair in self.undefined or pair in why:
            return
        start = perf_counter()
        try:
            into[pair] = self.configuration(y, x) if self.turned else self.configuration(x, y)
        except UndefinedError as error:
            why[pair] = str(error)
        self.seconds[pair] += perf_counter() - start

    def fill_each(self, pair: int, x: Prepared, y: Prepared) -> None:
        """Find the scores of a pair, given in the order of the experiment, without each item, if the whole tells."""
        if pair in self.undefined:
            return
        start = perf_counter()
        try:
            found = self.configuration.without_each(*((y, x) if self.turned else (x, y)))
        except UndefinedError:  # as with one neighbour more; the score without some items says why
            found = None
        if found is not None:
            self.each[pair] = found
        self.seconds[pair] += perf_counter() - start

    def fill_all(
        self, into: Float[np.ndarray, " m"], pairs: Sequence[Pair], left: Sides, right: Sides, product: Product
    ) -> None:
        """Score all pairs by one product of the stacked matrices."""
        start = perf_counter()
        defined = [k for k in range(len(pairs)) if k not in self.undefined]
        if defined:
            into[defined] = product_scores(product, [pairs[k] for k in defined], left, right)
            self.seconds[defined] += (perf_counter() - start) / len(defined)


def score_block(
    representations: Sequence[Representation],
    pairs: Sequence[Pair],
    chosen: Sequence[Configuration],
    trust: Trust,
    *,
    rng: np.random.Generator | None = None,
    sides: Sides | None = None,
    dataset: str = "",
    watch: Watch = lambda done, total: None,
) -> Results:
    """Score pairs of representations, given by their places, in every configuration.

    Where ``sides`` are given, they are what is scored: the representations themselves, or the same items of all.

    Returns
    -------
    Results
        For each pair a row per configuration, and after it that of the pair turned round where the order counts.

    Notes
    -----
    Cost: each representation is prepared once, and gathered once for each shuffle; a pair then costs what its measure
    says. The shuffled scores of a `Product` are one product of matrices for all pairs.
    """
    used = sorted({i for pair in pairs for i in pair})
    sides = {i: sides[i] if sides else prepare(representations[i]) for i in used}
    columns = score_columns(sides, pairs, chosen, trust, rng=rng, watch=watch)
    seed = trust.seed if rng is None else None
    return Results(in_turn([_table(c, representations, sides, pairs, trust, dataset, seed) for c in columns]))


def score_columns(
    sides: Sides,
    pairs: Sequence[Pair],
    chosen: Sequence[Configuration],
    trust: Trust,
    *,
    rng: np.random.Generator | None = None,
    watch: Watch = lambda done, total: None,
) -> list[Column]:
    """Score pairs in every configuration as they are, after each shuffle, and without each group of items.

    All pairs get the same shuffles. ``watch`` is told of every pair that was scored once more.
    """
    n = next(iter(sides.values())).n
    shuffles = draw_permutations(n, trust.permutations, trust.seed if rng is None else rng)
    shuffles = shuffles[:0] if trust.null == "none" else shuffles
    kept = leave_out(n, trust.groups, trust.seed)
    m = len(pairs)
    columns = [
        Column(
            c,
            bool(turned),
            closed=trust.null == "moments" and has_moments(c),
            value=np.full(m, np.nan),
            shuffled=np.full((len(shuffles), m), np.nan),
            without=np.full((len(kept), m), np.nan),
            seconds=np.zeros(m),
        )
        for c in chosen
        for turned, _ in enumerate(orders(c, (0, 1)))
    ]
    drawn = [c for c in columns if not c.closed and c.configuration.facts.paired]
    steps = m * (1 + (len(shuffles) if drawn else 0) + len(kept))
    done = itertools.count()

    # Pairs outside, configurations inside: what configurations share of a pair is computed once.
    for k, (i, j) in enumerate(pairs):
        watch(next(done), steps)
        for c in columns:
            c.fill(c.value, k, sides[i], sides[j], c.undefined)
            if trust.groups and n >= FEWEST:
                c.fill_each(k, sides[i], sides[j])
    for number, shuffle in enumerate(shuffles if drawn else ()):
        moved = {i: side.permuted(shuffle) for i, side in sides.items()}
        for c in drawn:
            if product := c.configuration.product:
                c.fill_all(c.shuffled[number], pairs, sides, moved, product)
        for k, (i, j) in enumerate(pairs):
            watch(next(done), steps)
            for c in drawn:
                if not c.configuration.product:
                    x, y = (moved[i], sides[j]) if c.moves_first else (sides[i], moved[j])
                    c.fill(c.shuffled[number], k, x, y, c.no_null)
    for number, items in enumerate(kept):
        parts = {i: side.take(items) for i, side in sides.items()}
        for k, (i, j) in enumerate(pairs):
            watch(next(done), steps)
            for c in columns:
                if k not in c.each:
                    c.fill(c.without[number], k, parts[i], parts[j], c.no_interval)
    watch(steps, steps)
    return columns


def orders(configuration: Configuration, pair: tuple[T, T]) -> tuple[tuple[T, T], ...]:
    """Return the orders in which a configuration scores a pair: both where exchanging them changes the value.

    Examples
    --------
    >>> orders(Configuration.parse("cka"), ("a", "b"))
    (('a', 'b'),)
    """
    first, second = pair
    return (pair,) if configuration.facts.symmetric else (pair, (second, first))


def has_moments(configuration: Configuration) -> bool:
    """Whether the chance level of a configuration has a closed form."""
    product = configuration.product
    return product is not None and product.score == "linear"


def product_scores(product: Product, pairs: Sequence[Pair], left: Sides, right: Sides) -> Float[np.ndarray, " m"]:
    """Scores of pairs from the inner products of their matrices, the first of each from ``left``."""
    firsts, seconds = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
    a, b = _stack(product, [left[i] for i in firsts]), _stack(product, [right[j] for j in seconds])
    xp = array_namespace(a, b)
    inner, own_a, own_b = (to_numpy(m) for m in (a @ b.T, xp.sum(a * a, axis=1), xp.sum(b * b, axis=1)))
    i = np.searchsorted(firsts, [pair[0] for pair in pairs])
    j = np.searchsorted(seconds, [pair[1] for pair in pairs])
    scores: np.ndarray = product.scores(inner[i, j], own_a[i], own_b[j])
    return scores


def _stack(product: Product, of: Sequence[Prepared]) -> Float[Array, "m nn"]:
    matrices = [side.once(product.quantity) for side in of]
    xp = array_namespace(matrices[0])
    stacked: Array = xp.stack([xp.reshape(m, (-1,)) for m in matrices])
    return stacked / xp.stack([side[product.size] for side in of])[:, None] if product.size else stacked


def _table(
    c: Column,
    representations: Sequence[Representation],
    sides: Sides,
    pairs: Sequence[Pair],
    trust: Trust,
    dataset: str,
    seed: int | None,
) -> pa.Table:
    """The rows of a column: scores beside their chance level and interval, and why something is missing."""
    facts = c.configuration.facts
    m = len(pairs)
    notes: list[list[str]] = [[] for _ in range(m)]
    null = None
    if c.closed:
        null = _null_of_moments(c, sides, pairs)
    elif len(c.shuffled):
        for k in c.no_null:
            c.shuffled[:, k] = np.nan
            notes[k].append(f"no chance level: undefined after a shuffle: {c.no_null[k]}")
        null = Null.of_shuffles(c.value, c.shuffled, facts) if facts.paired else None
        for k in range(m):
            if not facts.paired and k not in c.undefined:
                notes[k].append(NO_CHANCE)
    chance = None
    if null is not None:
        identity, told = identities(c, null.mean, sides, pairs)
        chance = judge(c.value, null, facts, identity)
        for k in range(m):
            notes[k] += filter(None, (chance.reason[k], told.get(k)))
    for k, why in c.no_interval.items():
        c.without[:, k] = np.nan
        notes[k].append(f"no interval: undefined without some inputs: {why}")
    n = next(iter(sides.values())).n
    low, high = _ends(c)
    if trust.groups and not len(c.without):
        few = f"{n} inputs" if n < FEWEST else f"{trust.groups} groups of inputs are left out in turn"
        for k in range(m):
            if k not in c.each:
                notes[k].append(f"no interval: {few}; expected {FEWEST} or more")
    drawn = null is not None and not c.closed
    return columns_of(
        c.configuration,
        dataset=dataset,
        names=[r.name for r in representations],
        keys=[r.key for r in representations],
        n_items=n,
        a=[pair[c.turned] for pair in pairs],
        b=[pair[not c.turned] for pair in pairs],
        value=c.value,
        null="moments" if c.closed else "shuffles" if drawn else "none",
        chance=chance,
        low=low,
        high=high,
        n_permutations=len(c.shuffled) if drawn else 0,
        reason=[c.undefined.get(k) or "; ".join(notes[k]) for k in range(m)],
        seconds=c.seconds,
        seed=seed,
    )


def _ends(c: Column) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The ends of the intervals of a column; NaN where there is none."""
    bounds = c.configuration.facts.bounds
    nothing = np.full(len(c.value), np.nan)
    low, high = interval(c.value, c.without, bounds) if len(c.without) else (nothing, nothing.copy())
    for k, scores in c.each.items():
        low[[k]], high[[k]] = interval(c.value[[k]], scores[:, None], bounds)
    return low, high


def _null_of_moments(c: Column, sides: Sides, pairs: Sequence[Pair]) -> Null:
    product = c.configuration.product
    assert product is not None
    found = np.full((3, len(pairs)), np.nan)
    if defined := [k for k in range(len(pairs)) if k not in c.undefined]:
        used = sorted({i for k in defined for i in pairs[k]})
        sums = np.stack([to_numpy(sides[i][OrbitSums(product.quantity)]) for i in used])
        moments = shuffled_moments(sums, sums, sides[used[0]].n)
        i, j = (np.searchsorted(used, [pairs[k][side] for k in defined]) for side in (0, 1))
        found[:, defined] = [
            m[i, j] for m in (product.factor * moments.mean, product.factor * moments.std, moments.skewness)
        ]
    return Null.of_moments(c.value, Moments(*found), c.configuration.facts)


def identities(
    c: Column, where: Float[np.ndarray, " m"], sides: Sides, pairs: Sequence[Pair]
) -> tuple[Float[np.ndarray, " m"], dict[int, str]]:
    """What a score can come to, the fixed value or the mean of both self-scores, or why it cannot be said.

    For pairs whose place in ``where`` is not NaN.
    """
    identity = c.configuration.facts.identity
    if identity is not None:
        return np.full(len(pairs), identity), {}
    own: dict[int, float] = {}
    none: dict[int, str] = {}
    start = perf_counter()
    for i in sorted({i for k, pair in enumerate(pairs) if not np.isnan(where[k]) for i in pair}):
        try:
            own[i] = c.configuration(sides[i], sides[i])
        except UndefinedError as error:
            none[i] = f"not calibrated: a representation and itself: {error}"
    c.seconds += (perf_counter() - start) / len(pairs)
    # In the order of the row, whose first is the one that is said.
    told = {k: none[i] for k, pair in enumerate(pairs) for i in reversed(pair[:: -1 if c.turned else 1]) if i in none}
    return np.asarray([(own.get(i, np.nan) + own.get(j, np.nan)) / 2 for i, j in pairs]), told
