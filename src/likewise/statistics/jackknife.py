"""Intervals: how much a score would move with other inputs, from the same score without some of them."""

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

CONFIDENCE = 0.95
"""Of the intervals."""

FEWEST = 5
"""Groups of items without which a deviation says nothing."""


def leave_out(n: int, groups: int, rng: int | np.random.Generator) -> list[Int[np.ndarray, " m"]]:
    """The items that stay when each of so many random groups of nearly equal size is left out, in their order.

    Without repetition, for a row drawn twice is its own nearest neighbour at distance zero. Empty where there are too
    few items for `FEWEST` groups.

    Examples
    --------
    >>> [items.tolist() for items in leave_out(5, 20, rng=0)]
    [[0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [0, 1, 3, 4], [0, 2, 3, 4]]
    """
    groups = min(groups, n)
    if groups < FEWEST:
        return []
    group = np.random.default_rng(rng).permutation(n) % groups
    return [np.flatnonzero(group != g) for g in range(groups)]


def interval(
    value: Float[np.ndarray, " m"], without: Float[np.ndarray, "g m"]
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    r"""Return the ends of a 95 % interval for the expected score of as many new inputs.

    .. math:: value \pm t_{g-1} \sqrt{\frac{g - 1}{g} \sum_j (\theta_j - \bar\theta)^2}

    with theta_j the score without group j: the grouped jackknife. It is about the expectation at this number of
    inputs, and not about a limit, since most scores depend on their number. Nothing is clamped: an end may lie beyond
    the bounds of the measure.

    Parameters
    ----------
    value : array, shape (m,)
        Scores of m pairs.
    without : array, shape (g, m)
        The same without each group of inputs.

    References
    ----------
    Shao and Wu (1989), doi:10.1214/aos/1176347263.

    Examples
    --------
    >>> low, high = interval(np.asarray([2.0]), np.asarray([[1.8], [1.9], [2.0], [2.1], [2.2]]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (1.215, 2.785)
    """
    groups = len(without)
    spread = np.sqrt((groups - 1) / groups * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) * spread
    return value - half, value + half
