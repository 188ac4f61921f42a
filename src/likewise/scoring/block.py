"""Score a block of pairs: each representation prepared once, each shuffle of it gathered once, products stacked."""

import functools
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from array_api_compat import array_namespace
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array
from likewise.chance import Asked, Level, Pair, Reference, Scored, Sides, reference_of
from likewise.chance.permutation import Null, Shuffle, draw_shuffles, judge, tied
from likewise.chance.reasons import Reason, joined
from likewise.chance.together import Together, together_of
from likewise.errors import InputError, UndefinedError
from likewise.fields import CHANCE, GROUPS, MOST_DRAWN, MOST_SEED, PERMUTATIONS, SEED, whole, wrong_numbers
from likewise.measures import Configuration, Product, prepare
from likewise.progress import Watch, unwatched
from likewise.quantities import Prepared
from likewise.representation import Representation
from likewise.scoring.jackknife import FEWEST, interval, leave_out
from likewise.scoring.results import Results, columns_of, in_turn

T = TypeVar("T")


@dataclass(frozen=True)
class Trust:
    """What is asked for besides a score: its chance level and its interval.

    Parameters
    ----------
    chance : str or Reference
        What scores are set beside, by its call or as it is: ``moments`` takes the closed form over all shuffles where a
        measure has one, and shuffles elsewhere.
    permutations : int
        Number of shuffles; 0 for none.
    seed : int
        Of the shuffles, and of the groups of inputs.
    groups : int
        Groups of inputs that are left out in turn for the interval, where it does not come from the score without
        each input; 0 for no intervals.
    """

    chance: Asked = CHANCE
    permutations: int = whole(PERMUTATIONS, most=MOST_DRAWN)
    seed: int = whole(SEED, most=MOST_SEED)
    groups: int = whole(GROUPS, most=MOST_DRAWN)

    def __post_init__(self) -> None:
        if said := wrong_numbers(self):
            raise InputError(said)

    @property
    def reference(self) -> Reference:
        """What scores are set beside."""
        return reference_of(self.chance)

    @property
    def shuffles(self) -> int:
        """How many shuffles of the rows are drawn for what the reference does not settle."""
        return self.reference.shuffles(self.permutations)

    @property
    def request(self) -> dict[str, Any]:
        """The same as JSON: a stored row answers it only if it is equal."""
        of = self.reference
        asked: dict[str, Any] = {"null": self.chance if isinstance(self.chance, str) else of.name}
        asked |= {"permutations": self.permutations, "seed": self.seed, "groups": self.groups}
        more = {"version": of.version, **of.identity} if of.version > 1 or of.identity else {}
        return asked | ({"reference": more} if more else {})


@dataclass
class Column:
    """A configuration in one order for all pairs of a block: what was found so far, NaN where there is nothing.

    ``settled`` says of which pairs the chance level is the ``level`` of the reference, and no shuffles are made;
    ``joint`` that shuffled scores of all pairs hang together, as those of `Shuffles` do. ``each`` holds the scores
    without each item of the pairs for which they follow from the whole; the others have those ``without`` each group,
    of as many items as ``left_out`` says where they belong together.
    """

    configuration: Configuration
    turned: bool
    settled: Bool[np.ndarray, " m"]
    joint: bool
    value: Float[np.ndarray, " m"]
    shuffled: Float[np.ndarray, "p m"]
    without: Float[np.ndarray, "g m"]
    seconds: Float[np.ndarray, " m"]
    left_out: Int[np.ndarray, " g"] | None = None
    each: dict[int, Float[np.ndarray, " n"]] = field(default_factory=dict)
    level: Level | None = None
    undefined: dict[int, str] = field(default_factory=dict)
    no_null: dict[int, str] = field(default_factory=dict)
    no_interval: dict[int, str] = field(default_factory=dict)

    @property
    def shuffled_pairs(self) -> list[int]:
        """The pairs whose chance level comes from shuffles."""
        if not self.configuration.facts.paired:
            return []
        return [k for k, settled in enumerate(self.settled) if not settled and k not in self.undefined]

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
        """Score all pairs that are shuffled by one product of the stacked matrices."""
        start = perf_counter()
        wanted = self.shuffled_pairs
        if wanted:
            into[wanted] = product_scores(product, [pairs[k] for k in wanted], left, right)
            self.seconds[wanted] += (perf_counter() - start) / len(wanted)


def score_block(
    representations: Sequence[Representation],
    pairs: Sequence[Pair],
    chosen: Sequence[Configuration],
    trust: Trust,
    *,
    rng: np.random.Generator | None = None,
    sides: Sides | None = None,
    together: Together | None = None,
    dataset: str = "",
    watch: Watch = unwatched,
) -> Results:
    """Score pairs of representations, given by their places, in every configuration.

    Where ``sides`` are given, they are what is scored: the representations themselves, or the same items of all, with
    which of these belong ``together``.

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
    # What is given instead of the representations may be some of their items.
    together = together if sides else together_of(representations[i] for i in used)
    sides = {i: sides[i] if sides else prepare(representations[i]) for i in used}
    names = names_of_shuffles({i: representations[i] for i in used}, dataset)
    columns = score_columns(sides, pairs, chosen, trust, names, together=together, rng=rng, watch=watch)
    seed = trust.seed if rng is None else None
    tables = [_table(c, representations, sides, pairs, trust, together, dataset, seed) for c in columns]
    kept = in_turn([pa.table(_replicates(c)) for c in columns])
    return Results(in_turn(tables), replicates={kind: kept.column(kind) for kind in kept.column_names})


def names_of_shuffles(representations: Mapping[int, Representation], dataset: str = "") -> dict[int, str]:
    """What the permutations of each representation are drawn by: its key, or the data set and its name.

    A key says which data set it is of. Where the same rows are given again, under another name, this tells them apart.
    """
    firsts: dict[str, int] = {}
    return {
        i: r.key if r.key and firsts.setdefault(r.key, i) == i else json.dumps([r.key, dataset, r.name])
        for i, r in representations.items()
    }


def score_columns(
    sides: Sides,
    pairs: Sequence[Pair],
    chosen: Sequence[Configuration],
    trust: Trust,
    names: Mapping[int, str],
    *,
    together: Together | None = None,
    rng: np.random.Generator | None = None,
    watch: Watch = unwatched,
) -> list[Column]:
    """Score pairs in every configuration as they are, after each shuffle, and without each group of items.

    Each representation has permutations of its own, by its name; those of one name move together. Of inputs that
    belong together whole groups are shuffled, and left out. ``watch`` is told of every pair that was scored once more.
    """
    n = next(iter(sides.values())).n
    seed = trust.seed if rng is None else int(rng.integers(2**63))
    shuffles = draw_shuffles(n, trust.shuffles, seed, names, together)
    kept, left_out = leave_out(n, trust.groups, trust.seed), None
    if together is not None and trust.groups:
        enough = together.parts(trust.groups) >= FEWEST
        kept, left_out = together.left_out(trust.groups, trust.seed) if enough else ([], None)
    m = len(pairs)
    columns = [
        Column(
            c,
            bool(turned),
            settled=np.full(m, False),
            joint=shuffles.joint,
            value=np.full(m, np.nan),
            shuffled=np.full((len(shuffles), m), np.nan),
            without=np.full((len(kept), m), np.nan),
            seconds=np.zeros(m),
            left_out=left_out,
        )
        for c in chosen
        for turned, _ in enumerate(orders(c, (0, 1)))
    ]
    steps = m * (1 + len(shuffles) + len(kept))
    done = itertools.count()

    # Pairs outside, configurations inside: what configurations share of a pair is computed once.
    for k, (i, j) in enumerate(pairs):
        watch("comparing", next(done), steps)
        for c in columns:
            c.fill(c.value, k, sides[i], sides[j], c.undefined)
            if trust.groups and n >= FEWEST and together is None:
                c.fill_each(k, sides[i], sides[j])
    reference = trust.reference
    for c in columns:
        scored = Scored(c.configuration, c.turned, c.value, sides, pairs, independent=together is None)
        if (level := reference.level(scored, len(shuffles))) is not None:
            c.level, c.settled = level, level.settled
    drawn = [c for c in columns if c.shuffled_pairs]
    for number, shuffle in enumerate(shuffles if drawn else ()):
        _shuffle(drawn, pairs, sides, shuffle, number, lambda: watch("comparing", next(done), steps))
    for number, items in enumerate(kept):
        parts = {i: side.take(items) for i, side in sides.items()}
        for k, (i, j) in enumerate(pairs):
            watch("comparing", next(done), steps)
            for c in columns:
                if k not in c.each:
                    c.fill(c.without[number], k, parts[i], parts[j], c.no_interval)
    watch("comparing", steps, steps)
    return columns


def _shuffle(
    columns: Sequence[Column],
    pairs: Sequence[Pair],
    sides: Sides,
    shuffle: Shuffle,
    number: int,
    tell: Callable[[], None],
) -> None:
    """Score pairs after a shuffle: each representation is gathered once for it."""
    moved = {i: side.permuted(shuffle.orders[i]) for i, side in sides.items()}
    left = moved if shuffle.joint else sides
    for c in columns:
        if product := c.configuration.product:
            c.fill_all(c.shuffled[number], pairs, left, moved, product)
    plain = [(c, set(c.shuffled_pairs)) for c in columns if not c.configuration.product]
    for k, (i, j) in enumerate(pairs):
        tell()
        first = sides[i].permuted(shuffle.beside(i, j))
        second = sides[j].permuted(shuffle.beside(j, i))
        for c in (c for c, wanted in plain if k in wanted):
            x, y = left[i], moved[j]
            if not c.configuration.facts.symmetric:  # the fit, which is much of the cost, stands as it is
                x, y = (first, sides[j]) if c.moves_first else (sides[i], second)
            c.fill(c.shuffled[number], k, x, y, c.no_null)


def _replicates(c: Column) -> dict[str, pa.Array]:
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
    }


def _lists(values: Float[np.ndarray, "r m"], places: Sequence[int]) -> pa.Array:
    """The columns at some places as lists, nothing at the others."""
    r, m = values.shape
    absent = np.ones(m, dtype=bool)
    absent[list(places)] = False
    ends = np.concatenate([[0], np.cumsum(np.where(absent, 0, r))])
    kept = pa.array(values[:, ~absent].T.reshape(-1))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), kept, mask=pa.array(absent))


def orders(configuration: Configuration, pair: tuple[T, T]) -> tuple[tuple[T, T], ...]:
    """Return the orders in which a configuration scores a pair: both where exchanging them changes the value.

    Examples
    --------
    >>> orders(Configuration.parse("cka"), ("a", "b"))
    (('a', 'b'),)
    """
    first, second = pair
    return (pair,) if configuration.facts.symmetric else (pair, (second, first))


def product_scores(product: Product, pairs: Sequence[Pair], left: Sides, right: Sides) -> Float[np.ndarray, " m"]:
    """Scores of pairs from the inner products of their matrices, the first of each from ``left``.

    Each matrix is gathered once, and each pair is multiplied by itself: a product of all matrices would round a pair by
    the company it is in.
    """
    quantity = product.quantity
    thin, formed = functools.cache(quantity.thin), functools.cache(functools.partial(_vector, product))

    def inner(x: Prepared, y: Prepared) -> float:
        if product.size is None and quantity.better_thin(x, y) and (a := thin(x)) and (b := thin(y)):
            return float(a.inner(b))
        one, other = formed(x), formed(y)
        return float(array_namespace(one, other).vecdot(one, other))

    own = functools.cache(lambda side: inner(side, side))
    found = np.asarray([inner(left[i], right[j]) for i, j in pairs])
    sizes = [np.ones_like(found)] * 2
    if product.score == "distance":
        firsts, seconds = zip(*pairs, strict=True)
        sizes = [np.asarray([own(side[place]) for place in of]) for side, of in ((left, firsts), (right, seconds))]
    scores: np.ndarray = product.scores(found, *sizes)
    return scores


def _vector(product: Product, of: Prepared) -> Float[Array, " nn"]:
    matrix = of.once(product.quantity)
    vector: Array = array_namespace(matrix).reshape(matrix, (-1,))
    return vector / of[product.size] if product.size else vector


def _table(
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
    low, high = _ends(c)
    rivals = c.configuration.rivals
    for k in [] if rivals is None else np.flatnonzero(~np.isnan(low)).tolist():
        x, y = (sides[place] for place in orders(c.configuration, pairs[k])[c.turned])
        if rivals and any(not low[k] <= rival <= high[k] for rival in rivals(x, y)):
            low[k] = high[k] = c.without[:, k] = np.nan
            c.no_interval[k] = Reason.UNSETTLED
            notes[k].append(Reason.UNSETTLED)
    if trust.groups and not len(c.without):
        few = (
            f"{n} inputs"
            if n < FEWEST
            else f"{together.parts(trust.groups) if together else trust.groups} groups of inputs"
        )
        for k in range(m):
            if k not in c.each:
                notes[k].append(Reason.FEW_GROUPS.because(f"{few}; expected {FEWEST} or more"))
    if together and together.relabellings == 1 and trust.shuffles:
        for k in c.shuffled_pairs:
            notes[k].append(Reason.NO_EXCHANGE)
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


def _ends(c: Column) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The ends of the intervals of a column; NaN where there is none."""
    bounds = c.configuration.facts.bounds
    nothing = np.full(len(c.value), np.nan)
    low, high = interval(c.value, c.without, bounds, c.left_out) if len(c.without) else (nothing, nothing.copy())
    for k, scores in c.each.items():
        low[[k]], high[[k]] = interval(c.value[[k]], scores[:, None], bounds)
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
