"""Score a block of pairs: each representation prepared once, each shuffle of it gathered once, products stacked."""

import functools
import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from likewise.arrays import to_numpy
from likewise.chance import Pair, Scored, Sides, run_length
from likewise.chance.permutation import Shuffle, Shuffles, draw_shuffles, rounding
from likewise.chance.together import Together, together_of
from likewise.measures import Configuration, prepare
from likewise.progress import Watch, unwatched
from likewise.quantities import BLOCK, PAIRED, Groups, Prepared, Round, at_once, threads_for
from likewise.representation import Representation
from likewise.scoring.columns import Column, orders
from likewise.scoring.leaving_out import (
    FEW,
    FEWEST,
    are_enough,
    blocks_left_out,
    counted_twice,
    counted_twice_of_items,
    leave_out,
    leave_out_pairs,
    of_parts,
    some_alone,
    stretch_of,
    stretches_of,
)
from likewise.scoring.results import Results, in_turn
from likewise.scoring.rows import replicates_of, table_of
from likewise.scoring.trust import Trust

NEAR = 1e-9
"""Shuffled scores that are nearer to each other, or to the score, than this share may be equal: they are scored again
without a round."""

MATCHED = 256
"""Features up to which sixty matchings more take little time."""


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
    independent = together is None and any(representations[i].groups for i in used)
    sides = {i: sides[i] if sides else prepare(representations[i]) for i in used}
    names = names_of_shuffles({i: representations[i] for i in used}, dataset)
    seed = trust.seed if rng is None else None
    with threads_for(smaller_side(sides)):
        columns = score_columns(
            sides, pairs, chosen, trust, names, together=together, independent=independent, rng=rng, watch=watch
        )
        tables = [table_of(c, representations, sides, pairs, trust, together, dataset, seed) for c in columns]
    kept = in_turn([pa.table(replicates_of(c)) for c in columns])
    return Results(in_turn(tables), replicates={kind: kept.column(kind) for kind in kept.column_names})


def smaller_side(sides: Mapping[int, Prepared]) -> int:
    """The smaller side of the largest matrix, by which its decomposition grows."""
    return max(side.n if side.is_table else min(side.n, side.d) for side in sides.values())


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
    independent: bool = False,
    rng: np.random.Generator | None = None,
    watch: Watch = unwatched,
) -> list[Column]:
    """Score pairs in every configuration as they are, after each shuffle, and without each group of items.

    Each representation has permutations of its own, by its name; those of one name move together. Of inputs that
    belong together whole groups are shuffled, and left out; of such as come in runs stretches are left out, unless they
    are said to be ``independent``, each a group of its own. ``watch`` is told of every pair that was scored once more.
    """
    n = next(iter(sides.values())).n
    seed = trust.seed if rng is None else int(rng.integers(2**63))
    shuffles = draw_shuffles(n, trust.shuffles, seed, names, together)
    kept, left_out = leave_out(n, trust.groups, trust.seed), None
    if together is not None and trust.groups:
        kept, left_out = together.left_out(trust.groups, trust.seed)
        if not are_enough(left_out):
            kept, left_out = [], None
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
            twice=np.full(m, np.nan),
            left_out=left_out,
        )
        for c in chosen
        for turned, _ in enumerate(orders(c, (0, 1)))
    ]
    steps = m * (1 + len(shuffles) + len(kept))
    done = itertools.count()

    def tell() -> None:
        watch("comparing", next(done), steps)

    if together is None and m == 1 and any(c.configuration.by_groups for c in columns):
        _keep_groups(sides[pairs[0][0]], sides[pairs[0][1]], trust)
    # Pairs outside, configurations inside: what configurations share of a pair is computed once.
    for k, (i, j) in enumerate(pairs):
        tell()
        for c in columns:
            c.fill(c.value, k, sides[i], sides[j], c.undefined)
            if trust.groups and n >= FEWEST and together is None:
                c.fill_each(k, sides[i], sides[j])
    runs = _runs(pairs, sides) if trust.groups and together is None and not independent else {}
    # What the jackknife counts twice, where inputs are few: of groups, or of items where the whole tells of each.
    few = together is None and len(runs) < m  # of stretches nothing is
    quick = [c for c in columns if few and not _is_slow(c.configuration, sides)]
    by_groups, by_items = ([c for c in quick if of(c)] for of in (lambda c: len(c.each) < m, _by_items))
    if n >= FEW:
        by_items = [c for c in by_items if c.configuration.difference]  # which take little time
    doubly = leave_out_pairs(n, trust.groups, trust.seed) if by_groups else None
    alone = some_alone(n, trust.seed) if by_items else []
    steps += m * (len(alone) + (len(doubly[1]) if doubly else 0))
    blocks = trust.groups > 0 and blocks_left_out(n, trust.groups, trust.seed) is not None
    # Blocks of many rows are stretches already, where they are long enough.
    anew = {k for k, run in runs.items() if not blocks or 2 * run > BLOCK} if len(kept) else set()
    if any(not _adds_up(c, k) for c in columns for k in anew):
        steps += sum(stretches_of(n, runs[k]) for k in anew)
    for number, items in enumerate(kept):
        parts = {i: side.rest(items) for i, side in sides.items()}
        for k, (i, j) in enumerate(pairs):
            tell()
            for c in columns:
                if k not in c.each:
                    c.fill(c.without[number], k, parts[i], parts[j], c.no_interval, along=(sides[i], sides[j]))
    for side in sides.values():
        side.groups = None
    _leave_out_stretches(columns, pairs, sides, runs, anew, tell)
    if doubly:
        _count_twice(by_groups, pairs, sides, *doubly, tell)
    if alone:
        _count_twice_of_items(by_items, pairs, sides, alone, tell)
    reference = trust.reference
    for c in columns:
        scored = Scored(c.configuration, c.turned, c.value, sides, pairs, independent=together is None)
        if (level := reference.level(scored, trust.shuffles)) is not None:
            c.level, c.settled = level, level.settled
    drawn = [c for c in columns if c.shuffled_pairs]
    for c in drawn:
        if c.configuration.shuffled_in_rounds:
            c.many = frozenset(k for k in c.shuffled_pairs if all(sides[i].is_many for i in pairs[k]))
    told: frozenset[int] = frozenset()
    if shuffles.in_rounds:
        told = told.union(*(c.many for c in drawn))
        drawn = _shuffle_in_rounds(drawn, pairs, sides, shuffles, tell)
    for number, shuffle in enumerate(shuffles if drawn else ()):
        _shuffle(drawn, pairs, sides, shuffle, number, lambda k: None if k in told else tell())
    watch("comparing", steps, steps)
    return columns


def _keep_groups(x: Prepared, y: Prepared, trust: Trust) -> None:
    """Let sums over the groups of a pair be kept, if they take no more memory than those after shuffles do."""
    parts = blocks_left_out(x.n, trust.groups, trust.seed) if trust.groups else None
    width = max(0 if side.is_table else side.d for side in (x, y))
    if parts is not None and x.is_many and y.is_many and 3 * trust.groups <= 4 * at_once(width, width):
        x.groups = y.groups = Groups(*parts)


def _runs(pairs: Sequence[Pair], sides: Sides) -> dict[int, int]:
    """How long the runs of each pair are of which a side has rows in runs: the longer ones of both."""
    own = {
        i: 1 if side.is_table else run_length(side.n, functools.partial(_rows_at, side)) for i, side in sides.items()
    }
    longest = {k: max(own[i], own[j]) for k, (i, j) in enumerate(pairs)}
    return {k: run for k, run in longest.items() if run > 1}


def _adds_up(c: Column, k: int) -> bool:
    """Whether the scores of a pair without each item tell those without stretches of them.

    What is drawn together of neighbours does not; of many items it has to do, for these take long.
    """
    return k in c.each and (not c.configuration.counts_once or len(c.each[k]) > PAIRED)


def _rows_at(side: Prepared, places: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
    found: np.ndarray = to_numpy(side.rows(places))
    return found


def _leave_out_stretches(
    columns: Sequence[Column],
    pairs: Sequence[Pair],
    sides: Sides,
    runs: Mapping[int, int],
    anew: Collection[int],
    tell: Callable[[], None],
) -> None:
    """Find the scores of pairs with rows in runs without each stretch of items.

    From those without each item where these are known; else by scoring what is left, of some pairs.
    """
    n = next(iter(sides.values())).n
    for k, run in runs.items():
        of = stretch_of(n, stretches_of(n, run))
        for c in (c for c in columns if _adds_up(c, k)):
            c.without_stretch[k], _ = of_parts(float(c.value[k]), c.each[k], of)
    wanted = [c for c in columns if any(not _adds_up(c, k) for k in anew)]
    for count in sorted({stretches_of(n, runs[k]) for k in anew} if wanted else ()):
        some = [k for k in anew if stretches_of(n, runs[k]) == count]
        used = {i for k in some for i in pairs[k]}
        without = [np.full((count, len(pairs)), np.nan) for _ in wanted]
        for number in range(count):
            items = np.flatnonzero(stretch_of(n, count) != number)
            parts = {i: sides[i].rest(items) for i in used}
            for k in some:
                tell()
                i, j = pairs[k]
                for c, scores in zip(wanted, without, strict=True):
                    if not _adds_up(c, k):
                        c.fill(scores[number], k, parts[i], parts[j], c.no_interval, along=(sides[i], sides[j]))
        for c, scores in zip(wanted, without, strict=True):
            told = [k for k in some if not (_adds_up(c, k) or k in c.undefined or k in c.no_interval)]
            c.without_stretch |= {k: scores[:, k] for k in told}


def _is_slow(configuration: Configuration, sides: Sides) -> bool:
    """Whether a score takes long: features are matched one to one, or loops of many items compared."""
    family, of = configuration.about.family, list(sides.values())
    wide = any(side.d > MATCHED for side in of if not side.is_table)
    loops = family == "topology" and not configuration.difference
    return (family == "matching" and wide) or (loops and of[0].n >= FEW)


def _by_items(column: Column) -> bool:
    """Whether what is counted twice is told from scores without each item, which are not drawn together."""
    of = column.configuration
    return bool(column.each) and not of.counts_once


def _count_twice_of_items(
    columns: Sequence[Column], pairs: Sequence[Pair], sides: Sides, alone: Sequence[int], tell: Callable[[], None]
) -> None:
    """Score pairs without some items, and find the scores without each other one, to know what was `counted_twice`."""
    n = next(iter(sides.values())).n
    # Stretches need none of this.
    wanted = [[k for k in c.each if k not in c.without_stretch] for c in columns]
    if not any(wanted):
        return
    one = [{k: np.full(len(alone), np.nan) for k in of} for of in wanted]
    two = [{k: np.full((len(alone), n), np.nan) for k in of} for of in wanted]
    for number, item in enumerate(alone):
        others = np.delete(np.arange(n), item)
        parts = {i: side.rest(others) for i, side in sides.items()}
        for k, (i, j) in enumerate(pairs):
            tell()
            for c, of_one, of_two in zip(columns, one, two, strict=True):
                if k in of_one and (found := c.without_each(k, parts[i], parts[j])) is not None:
                    scores = np.full(len(pairs), np.nan)
                    c.fill(scores, k, parts[i], parts[j], {}, along=(sides[i], sides[j]))
                    # A difference without two items has the sign that it has without one.
                    turned = -1 if c.configuration.difference and scores[k] < 0 else 1
                    of_one[k][number], of_two[k][number, others] = scores[k], turned * found
    for c, of_one, of_two in zip(columns, one, two, strict=True):
        for k in of_one:
            c.twice[k] = counted_twice_of_items(float(c.value[k]), c.each[k], alone, of_one[k], of_two[k])


def _count_twice(
    columns: Sequence[Column],
    pairs: Sequence[Pair],
    sides: Sides,
    left: Int[np.ndarray, "p 2"],
    kept: Sequence[Int[np.ndarray, " _"]],
    tell: Callable[[], None],
) -> None:
    """Score pairs without two groups of items, to know what of their variance was `counted_twice`."""
    wanted = [
        [k for k in range(len(pairs)) if not (k in c.without_stretch or np.isnan(c.without[:, k]).all())]
        for c in columns
    ]
    if not len(left) or not any(wanted):
        return
    without = [np.full((len(left), len(pairs)), np.nan) for _ in columns]
    undefined = [dict(c.no_interval) for c in columns]
    for number, items in enumerate(kept):
        parts = {i: side.rest(items) for i, side in sides.items()}
        for k, (i, j) in enumerate(pairs):
            tell()
            for c, of, scores, why in zip(columns, wanted, without, undefined, strict=True):
                if k in of:
                    c.fill(scores[number], k, parts[i], parts[j], why, along=(sides[i], sides[j]))
    for c, scores in zip(columns, without, strict=True):
        found = counted_twice(c.value, c.without, scores, left)
        c.twice = np.where(np.isnan(found), c.twice, found)


def _shuffle(
    columns: Sequence[Column],
    pairs: Sequence[Pair],
    sides: Sides,
    shuffle: Shuffle,
    number: int,
    tell: Callable[[int], None],
) -> None:
    """Score pairs after a shuffle: each representation is gathered once for it. ``tell`` takes the place of a pair."""
    moved = {i: side.permuted(shuffle.orders[i]) for i, side in sides.items()}
    left = moved if shuffle.joint else sides
    for c in columns:
        if product := c.configuration.product:
            c.fill_all(c.shuffled[number], pairs, left, moved, product)
    in_rounds = bool(shuffle.drawn)
    plain = [
        (c, set(c.shuffled_pairs) - (c.many if in_rounds else set())) for c in columns if not c.configuration.product
    ]
    for k, (i, j) in enumerate(pairs):
        tell(k)
        wanted = [c for c, of in plain if k in of]
        # Made once for all that share what is computed of them, and only where they are needed.
        beside = functools.cache(functools.partial(_beside, sides, (i, j), shuffle))
        for c in wanted:
            x, y = left[i], moved[j]
            # A fit, much of the cost, stands as it is; so do many rows, whose sums round by their order.
            if k in c.many or not c.configuration.facts.symmetric:
                x, y = c.one_moved((sides[i], sides[j]), beside())
            c.fill(c.shuffled[number], k, x, y, c.no_null)


def _shuffle_in_rounds(
    columns: Sequence[Column], pairs: Sequence[Pair], sides: Sides, shuffles: Shuffles, tell: Callable[[], None]
) -> list[Column]:
    """Score pairs of many rows after each shuffle, with the products of a round found together.

    Returns the columns of which other pairs are left.
    """
    for k, (i, j) in enumerate(pairs):
        wanted = [c for c in columns if k in c.many]
        of_round: Round | None = None
        for number, shuffle in enumerate(shuffles.of((i, j)) if wanted else ()):
            tell()
            if shuffle.number == 0:
                of_round = shuffle.round(sides[i], i, j)
            moved = _beside(sides, (i, j), shuffle, of_round)
            for c in wanted:
                c.fill(c.shuffled[number], k, *c.one_moved((sides[i], sides[j]), moved), c.no_null)
        again = {id(c): _may_be_equal(c, k) for c in wanted}
        for number, shuffle in enumerate(shuffles.of((i, j)) if any(map(len, again.values())) else ()):
            if equal := [c for c in wanted if number in again[id(c)]]:
                moved = _beside(sides, (i, j), shuffle)
                for c in equal:
                    c.fill(c.shuffled[number], k, *c.one_moved((sides[i], sides[j]), moved), c.no_null)
    return [c for c in columns if c.many < set(c.shuffled_pairs)]


def _may_be_equal(column: Column, k: int) -> set[int]:
    """Which of the shuffled scores of a pair may be the score itself, or all of them one number."""
    value, shuffled = column.value[k : k + 1], column.shuffled[:, k : k + 1]
    near = rounding(column.configuration.facts, value, *shuffled, share=NEAR)
    if np.ptp(shuffled) <= near:
        return set(range(len(shuffled)))
    return set(np.flatnonzero(np.abs(shuffled - value) <= near).tolist())


def _beside(sides: Sides, pair: Pair, shuffle: Shuffle, of_round: Round | None = None) -> tuple[Prepared, Prepared]:
    """Each of a pair, shuffled beside the other as it stands."""
    i, j = pair
    moved = ((i, shuffle.beside(i, j)), (j, shuffle.beside(j, i)))
    within = (of_round, shuffle.number) if of_round else None
    first, second = (sides[of].permuted(order, shuffle=within) for of, order in moved)
    return first, second
