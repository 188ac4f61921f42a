"""Which inputs are left out of a score, alone or two groups at a time, and what hangs on two together."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from likewise.naming import counted
from likewise.quantities import BLOCK, block_of

FEWEST = 5
"""Groups of items without which a deviation says nothing."""


def as_many(sizes: Int[np.ndarray, " g"]) -> float:
    r"""Return how many groups of one size tell as much of a mean as these: :math:`(\sum_j m_j)^2 / \sum_j m_j^2`.

    Where one group holds most of the inputs there is next to nothing to be left out beside it, and the jackknife does
    not see how much that group itself varies.

    References
    ----------
    Kish (1965), Survey Sampling, Wiley: the effective sample size.

    Examples
    --------
    >>> as_many(np.asarray([10, 10, 10])), round(as_many(np.asarray([100] + [2] * 10)), 1)
    (3.0, 1.4)
    """
    return float(sizes.sum() ** 2 / (sizes.astype(np.float64) ** 2).sum())


def are_enough(sizes: Int[np.ndarray, " g"]) -> bool:
    """Whether groups of inputs of these sizes have intervals: `FEWEST`, that tell as much as nearly so many."""
    return len(sizes) >= FEWEST and as_many(sizes) >= FEWEST - 1


def told_of(sizes: Int[np.ndarray, " g"]) -> str:
    """Say how few groups of inputs there are, for what needs more."""
    uneven = f", as uneven as if they were {as_many(sizes):.1f}" if len(sizes) >= FEWEST else ""
    return f"{counted(len(sizes), 'group')} of inputs{uneven}"


OF_KURTOSIS = 10
"""Numbers that a kurtosis is estimated from, at least: of fewer it is mostly chance."""


def leave_out(n: int, groups: int, rng: int | np.random.Generator) -> list[Int[np.ndarray, " m"]]:
    """The items that stay when each of so many random groups of nearly equal size is left out, in their order.

    Without repetition, for a row drawn twice is its own nearest neighbour at distance zero. Empty where there are too
    few items for `FEWEST` groups. Of many items whole blocks of those that follow each other belong to a group
    (`blocks_left_out`).

    Examples
    --------
    >>> [items.tolist() for items in leave_out(5, 20, rng=0)]
    [[0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [0, 1, 3, 4], [0, 2, 3, 4]]
    """
    groups = min(groups, n)
    if groups < FEWEST:
        return []
    parts = blocks_left_out(n, groups, rng)
    group = np.random.default_rng(rng).permutation(n) % groups if parts is None else parts[0]
    return [np.flatnonzero(group != g) for g in range(groups)]


def blocks_left_out(
    n: int, groups: int, rng: int | np.random.Generator
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " blocks"]] | None:
    """The group of each item, and of each block of items; None where there are few, and single items are left out.

    Each group has as many whole blocks, drawn at random. What is left beside these is cut into one run of items for
    each group, so that groups are of nearly equal size; such blocks are of no group, -1. Sums over groups are then
    sums over blocks. And where items that follow each other are alike, as parts of one text are, blocks show how much
    a score varies, while single items do not.

    References
    ----------
    Kuensch (1989), doi:10.1214/aos/1176347265.

    Examples
    --------
    >>> blocks_left_out(1000, 20, 0) is None
    True
    >>> of_item, of_block = blocks_left_out(100_000, 20, 0)
    >>> set(np.bincount(of_item).tolist()), np.bincount(of_block + 1).tolist()[:3]
    ({5000}, [18, 4, 4])
    """
    whole, each = n // BLOCK, n // BLOCK // groups
    if not block_of(n) or not each:
        return None
    of_block = np.full(-(-n // BLOCK), -1)
    drawn = np.random.default_rng(rng).permutation(whole)[: each * groups]
    of_block[drawn] = np.arange(len(drawn)) % groups
    of_item = np.repeat(of_block, BLOCK)[:n]
    beside = np.flatnonzero(of_item < 0)
    of_item[beside] = np.arange(len(beside)) * groups // max(1, len(beside))
    return of_item, of_block


STRETCHES = (24, 12, 6)
"""How many stretches of inputs that follow each other are left out in turn, where these come in runs."""


def stretches_of(n: int, run: int) -> int:
    """How many stretches n inputs in runs of such a length are cut into: as many as are two runs long, or the fewest.

    Two stretches beside each other have a part of a run in common, so stretches of one run would vary too little.

    Examples
    --------
    >>> [stretches_of(240, run) for run in (2, 5, 6, 10, 40)]
    [24, 24, 12, 12, 6]
    """
    return next((count for count in STRETCHES if n >= 2 * run * count), STRETCHES[-1])


def stretch_of(n: int, count: int) -> Int[np.ndarray, " n"]:
    """The stretch of each input.

    References
    ----------
    Kuensch (1989), doi:10.1214/aos/1176347265.

    Examples
    --------
    >>> stretch_of(10, 3).tolist()
    [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    """
    return np.arange(n) * count // n


def of_parts(
    value: float,
    each: Float[np.ndarray, " k"],
    of: Int[np.ndarray, " k"],
    inputs: Int[np.ndarray, " k"] | None = None,
) -> tuple[Float[np.ndarray, " g"], Int[np.ndarray, " g"]]:
    r"""Return a score without each part of the inputs, from those without smaller ones, to first order; and sizes.

    .. math:: \theta_{-g} = \theta + \frac{1}{n - m_g} \sum_{i \in g} (n - m_i) (\theta_{-i} - \theta)

    with m inputs in a part: one in each of the smaller ones, or as many as ``inputs`` says. Exact for means.

    Examples
    --------
    >>> x = np.asarray([1.0, 2.0, 3.0, 6.0])
    >>> without, sizes = of_parts(x.mean(), (x.sum() - x) / 3, np.asarray([0, 0, 1, 1]))
    >>> without.tolist(), sizes.tolist()
    ([4.5, 1.5], [2, 2])
    """
    inputs = np.ones(len(each), dtype=np.int64) if inputs is None else inputs
    n, sizes = int(inputs.sum()), np.bincount(of, inputs).astype(np.int64)
    return value + np.bincount(of, (each - value) * (n - inputs)) / (n - sizes), sizes


PAIRS = 60
"""Pairs of groups that are left out, of the 190 that twenty groups make: what they tell is known to a fifth or so."""

FEW = 100
"""Fewer inputs than that: pairs of inputs are left out where the score without each follows from that of all. What
hangs on pairs is then up to half of how much a score seems to vary. For differences of two numbers: up to `MOST`."""

ALONE = 4
"""Inputs that are then left out together with each other one."""

MOST = 200
"""Up to so many inputs, pairs are left out for the measures of which groups are."""


def leave_out_pairs(n: int, groups: int, seed: int) -> tuple[Int[np.ndarray, "p 2"], list[Int[np.ndarray, " m"]]]:
    """Which two groups of `leave_out` are left out together, `PAIRS` times or less, and the items that stay.

    Nothing where there are too many items, or too few groups to tell what hangs on pairs of them.

    Examples
    --------
    >>> pairs, kept = leave_out_pairs(12, 12, seed=0)
    >>> len(pairs), {len(items) for items in kept}
    (60, {10})
    """
    parts = leave_out(n, groups, seed) if n <= MOST else []
    if len(parts) < OF_KURTOSIS:
        return np.zeros((0, 2), dtype=np.int64), []
    pairs = np.asarray(list(itertools.combinations(range(len(parts)), 2)))
    pairs = pairs[np.sort(np.random.default_rng(seed).permutation(len(pairs))[:PAIRS])]
    return pairs, [np.intersect1d(parts[i], parts[j], assume_unique=True) for i, j in pairs]


def some_alone(n: int, seed: int) -> list[int]:
    """Which items are left out together with each other one; none where there are too many, or too few.

    Examples
    --------
    >>> len(some_alone(60, seed=0)), some_alone(201, seed=0)
    (4, [])
    """
    if not OF_KURTOSIS <= n <= MOST:
        return []
    drawn: list[int] = np.random.default_rng(seed).permutation(n)[:ALONE].tolist()
    return sorted(drawn)


def counted_twice(
    value: Float[np.ndarray, " m"],
    without: Float[np.ndarray, "g m"],
    without_both: Float[np.ndarray, "p m"],
    pairs: Int[np.ndarray, "p 2"],
) -> Float[np.ndarray, " m"]:
    r"""Return the variance of scores that hangs on pairs of groups, which the jackknife counts twice.

    .. math:: \frac{1}{g (g - 1)} \sum_{i < j} (Q_{ij} - \bar Q)^2, \quad
        Q_{ij} = g \theta - (g - 1) (\theta_i + \theta_j) + (g - 2) \theta_{ij}

    with theta_ij the score without groups i and j. Q_ij is what the two groups change together, beyond what each
    changes by itself. The mean over some of the pairs stands for that over all.

    Parameters
    ----------
    value : array, shape (m,)
        Scores of m pairs.
    without : array, shape (g, m)
        The same without each group of inputs.
    without_both : array, shape (p, m)
        Without some two of them.
    pairs : array, shape (p, 2)
        Which two.

    Returns
    -------
    array, shape (m,)
        In squared units of the scores; NaN where a score is.

    Notes
    -----
    Cost: O(p m).

    References
    ----------
    Efron and Stein (1981), doi:10.1214/aos/1176345462.

    Examples
    --------
    The square of a mean of 0: all of it hangs on pairs.

    >>> x = np.asarray([1.0, -1.0] * 5)
    >>> pairs, kept = leave_out_pairs(10, 10, seed=0)
    >>> of = lambda items: x[items].mean() ** 2
    >>> each = np.asarray([[of(np.arange(10) != i)] for i in range(10)])
    >>> both = np.asarray([[of(items)] for items in kept])
    >>> counted_twice(np.asarray([0.0]), each, both, pairs).round(4).tolist()
    [0.0309]
    """
    g = len(without)
    first, second = pairs.T
    together = g * value - (g - 1) * (without[first] + without[second]) + (g - 2) * without_both
    each = np.ascontiguousarray(together.T)  # sums along a row do not round by how many rows there are
    return np.asarray(each.var(axis=1) / 2)


def counted_twice_of_items(
    value: float,
    each: Float[np.ndarray, " n"],
    alone: Sequence[int],
    without_one: Float[np.ndarray, " a"],
    without_two: Float[np.ndarray, "a n"],
) -> float:
    r"""Return the same as `counted_twice`, of a few items with each other one.

    Parameters
    ----------
    value : float
        The score.
    each : array, shape (n,)
        The same without each item, as it follows from all of them.
    alone : sequence of int
        Which items were left out anew.
    without_one : array, shape (a,)
        The score without them.
    without_two : array, shape (a, n)
        Without each other item too, as it follows from the rest; NaN for the item itself.

    Returns
    -------
    float
        In squared units of the score; NaN where a score is.

    Notes
    -----
    Cost: O(a n). Where scores without each item are approximate, their errors nearly cancel, for those of all and of
    the rest have the same.

    Examples
    --------
    >>> x = np.asarray([1.0, -1.0] * 5)
    >>> each = (x.sum() - x) ** 2 / 9**2
    >>> rest = x.sum() - x[:2]
    >>> two = (rest[:, None] - x) ** 2 / 8**2
    >>> two[[0, 1], [0, 1]] = np.nan
    >>> round(counted_twice_of_items(0.0, each, [0, 1], rest**2 / 9**2, two), 4)
    0.0309
    """
    n = len(each)
    others = np.arange(n) != np.asarray(alone)[:, None]
    together = n * value - (n - 1) * (each + without_one[:, None]) + (n - 2) * without_two
    return float(together[others].var() / 2)
