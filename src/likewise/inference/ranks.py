"""Ranks with confidence sets, and letters for what no test tells apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters
from typing import Literal, get_args

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int

from likewise.chance import holm
from likewise.errors import InputError
from likewise.inference.estimates import DRAWS, Estimates, step_down_max
from likewise.inference.leftout import FEWEST, ROUNDING, LeftOut

Kind = Literal["two-sided", "lower", "upper"]
"""Of a confidence set: between two ranks, from a rank on, or up to one."""


@dataclass(frozen=True, eq=False)
class RankSets:
    """The rank of each number, 1 for the highest, and the ranks from ``low`` to ``high`` that it may have."""

    rank: Int[np.ndarray, " m"]
    low: Int[np.ndarray, " m"]
    high: Int[np.ndarray, " m"]


def rank_sets(
    estimates: Estimates,
    *,
    more_alike: int = 1,
    coverage: float = 0.95,
    kind: Kind = "two-sided",
    simultaneous: bool = True,
    step_down: bool = True,
    of: Sequence[int] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> RankSets:
    r"""Return confidence sets for the ranks of m numbers.

    .. math:: 1 + \#\{k : k \text{ is significantly higher}\} \le \text{rank}_j
        \le m - \#\{k : k \text{ is significantly lower}\}

    Significant are one-sided tests of all pairs, corrected together (`step_down_max`): for ``simultaneous`` sets, which
    hold all ranks at once, over all pairs of the numbers asked for; else over the pairs of each number alone.

    Parameters
    ----------
    estimates : Estimates
        The numbers and their covariance. Known covariances give Gaussian statistics, as in the paper; estimated ones
        Student's t.
    more_alike : {1, -1}
        -1 where the lowest number has rank 1, as of distances.
    coverage : float
        Probability that the sets hold the true ranks.
    kind : {"two-sided", "lower", "upper"}
        Which end is wanted: ``lower`` sets reach up to m, ``upper`` ones start at 1.
    simultaneous, step_down : bool
        See above; without ``step_down`` one quantile is used for all.
    of : sequence of int, optional
        Places of the numbers whose ranks are wanted; all by default.
    draws, seed : int
        From the joint law of the statistics.

    Returns
    -------
    RankSets
        For each place in ``of``.

    Raises
    ------
    InputError
        If an argument is out of its range.

    Notes
    -----
    Cost: as `all_differences`, twice, and for sets that are not simultaneous 2 m statistics for each number.

    References
    ----------
    Mogstad, Romano, Shaikh and Wilhelm (2024), doi:10.1093/restud/rdad006.

    Examples
    --------
    >>> sets = rank_sets(Estimates.of_covariance(np.asarray([9.0, 5.0, 4.9, 1.0]), np.eye(4) / 4))
    >>> sets.rank.tolist(), sets.low.tolist(), sets.high.tolist()
    ([1, 2, 3, 4], [1, 2, 2, 4], [1, 3, 3, 4])
    """
    value = more_alike * estimates.value
    m = len(value)
    wanted = np.arange(m) if of is None else np.asarray(of, dtype=np.int64)
    if more_alike not in (1, -1) or not 0 < coverage < 1 or kind not in get_args(Kind) or draws < 1:
        raise InputError(
            f"more_alike={more_alike}, coverage={coverage}, kind={kind!r}, draws={draws}; expected 1 or -1, a share "
            f"between 0 and 1, one of {', '.join(get_args(Kind))}, and 1 or more"
        )
    if m < 2 or ((wanted < 0) | (wanted >= m)).any():
        raise InputError(f"ranks of the places {wanted.tolist()} of {m} numbers; expected places of two or more")
    ends = []
    for family in [wanted] if simultaneous else wanted[:, None]:
        tested = np.zeros((m, m), dtype=bool)  # [j, k]: whether j is significantly higher than k
        if kind != "lower":
            tested[family, :] = True
        if kind != "upper":
            tested[:, family] = True
        np.fill_diagonal(tested, False)
        first, second = np.nonzero(tested)
        pairs = estimates.pairs(first, second)
        some = (more_alike * t for t in pairs.draws(draws, seed))
        p, _ = step_down_max(more_alike * pairs.t, some, single_step=not step_down)
        above = np.zeros((m, m), dtype=bool)
        above[first, second] = p <= 1 - coverage + 1e-12  # 1 - 0.95 is not 0.05, by rounding
        low = above[:, family].sum(axis=0) if kind != "upper" else np.zeros(len(family), dtype=np.int64)
        high = above[family].sum(axis=1) if kind != "lower" else np.zeros(len(family), dtype=np.int64)
        ends.append((1 + low, m - high))
    low_rank, high_rank = (np.concatenate(end) for end in zip(*ends, strict=True))
    rank = 1 + (value > value[wanted, None]).sum(axis=1)
    return RankSets(rank, low_rank, high_rank)


def rank_intervals(
    value: Float[np.ndarray, " m"], without: Float[np.ndarray, "m g"], of: Sequence[int], *, coverage: float = 0.95
) -> RankSets:
    r"""Return intervals for the ranks of a few of very many numbers, each for itself.

    .. math:: 1 + \#\{k : k \text{ is significantly higher}\} \le \text{rank}_j
        \le m - \#\{k : k \text{ is significantly lower}\}

    as of `rank_sets`. Significant is Student's t of the difference, with its standard error by the jackknife, corrected
    by Holm over both directions of all m - 1 differences from j. So each interval holds its rank with the probability
    ``coverage`` or more, whatever the numbers have in common; several intervals together do not. No joint law is drawn,
    so thousands of numbers cost little; the intervals are wider than those of `rank_sets`.

    Parameters
    ----------
    value : array, shape (m,)
        The numbers; the highest has rank 1. NaN where there is none: it has no rank, and is nobody's rival.
    without : array, shape (m, g)
        The same without each of g parts of the inputs, of one size or nearly. A number of which one is NaN is never
        told apart from others.
    of : sequence of int
        Places of the numbers whose ranks are wanted; each has a value.
    coverage : float
        As above.

    Raises
    ------
    InputError
        If there are fewer than five parts.

    Notes
    -----
    Cost: O(m (g + log m)) for each rank.

    References
    ----------
    Mogstad, Romano, Shaikh and Wilhelm (2024), doi:10.1093/restud/rdad006; Holm (1979), with the correction of Holm
    instead of one by draws.

    Examples
    --------
    >>> value = np.asarray([9.0, 5.0, 4.9, 1.0])
    >>> parts = value[:, None] + 0.01 * np.random.default_rng(0).normal(size=(4, 20))
    >>> sets = rank_intervals(value, parts, [0, 1])
    >>> sets.rank.tolist(), sets.low.tolist(), sets.high.tolist()
    ([1, 2], [1, 2], [1, 3])
    """
    g = without.shape[1]
    if g < FEWEST:
        raise InputError(f"numbers without each of {g} parts of the inputs; expected {FEWEST} or more parts")
    there = np.flatnonzero(~np.isnan(value))
    value, without = value[there], without[there]
    known = np.isfinite(without).all(axis=1)
    parts = np.stack([LeftOut(v, w).contributions if ok else w for v, w, ok in zip(value, without, known, strict=True)])
    m, ends = len(value), []
    for j in np.searchsorted(there, np.asarray(of, dtype=np.int64)).tolist():
        difference, se = value - value[j], np.sqrt(((parts - parts[j]) ** 2).sum(axis=1))
        size = ROUNDING * np.maximum(np.abs(value), abs(value[j]))
        difference = np.where((np.abs(difference) <= size) & (se <= size), 0.0, difference)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(difference == 0, 0.0, difference / se)
        # Of what cannot be told apart, neither direction is significant.
        t = np.where(known & known[j], t, 0.0)
        others = np.arange(m) != j
        p = scipy.special.stdtr(g - 1, np.stack([-t, t]))[:, others]  # that each is higher, that each is lower
        higher, lower = holm(p.ravel()).reshape(p.shape) <= 1 - coverage + 1e-12
        ends.append((1 + int((difference > 0).sum()), 1 + int(higher.sum()), m - int(lower.sum())))
    rank, low, high = (
        (np.asarray(end, dtype=np.int64) for end in zip(*ends, strict=True))
        if ends
        else [np.empty(0, dtype=np.int64)] * 3
    )
    return RankSets(rank, low, high)


def letters(apart: Bool[np.ndarray, "m m"], order: Sequence[int] | None = None) -> tuple[str, ...]:
    """Return letters such that two things share one exactly where no test tells them apart.

    All start with one letter. For each pair that is told apart, every letter that both have becomes two, one without
    either; a letter whose holders all hold another one is left out (insert and absorb).

    Parameters
    ----------
    apart : array, shape (m, m)
        Which pairs are told apart; symmetric.
    order : sequence of int, optional
        Places in the order in which letters are given out, as from the nearest to the farthest; as they stand by
        default.

    Returns
    -------
    tuple of str
        For each thing its letters, ``a`` first. After 52 letters: ``a1``, ``b1`` and so on.

    Raises
    ------
    InputError
        If the matrix is not square and symmetric, or tells a thing apart from itself.

    Notes
    -----
    The letters are the largest sets of which no two are told apart. Where scores are ordered these are few; at worst,
    they are exponentially many in m.

    References
    ----------
    Piepho (2004), doi:10.1198/1061860043515.

    Examples
    --------
    >>> apart = np.asarray([[False, False, True], [False, False, False], [True, False, False]])
    >>> letters(apart)
    ('a', 'ab', 'b')
    """
    m = len(apart)
    if apart.shape != (m, m) or (apart != apart.T).any() or apart.diagonal().any():
        raise InputError(f"a matrix of shape {apart.shape}; expected a symmetric one, with False on its diagonal")
    places = list(range(m)) if order is None else list(order)
    if sorted(places) != list(range(m)):
        raise InputError(f"an order of {len(places)} places for {m} things; expected each once")
    groups = [frozenset(range(m))]
    for i, j in zip(*np.nonzero(np.triu(apart)), strict=True):
        both = [g for g in groups if i in g and j in g]
        groups = [g for g in groups if g not in both]
        for new in (g - {k} for g in both for k in (i, j)):
            if not any(new <= g for g in groups):
                groups = [g for g in groups if not g < new] + [new]
    at = {place: k for k, place in enumerate(places)}
    groups.sort(key=lambda g: sorted(at[k] for k in g))
    names = [ascii_letters[k % 52] + (str(k // 52) if k >= 52 else "") for k in range(len(groups))]
    return tuple("".join(name for name, g in zip(names, groups, strict=True) if k in g) for k in range(m))
