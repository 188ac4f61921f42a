"""Intervals: how much a score would move with other inputs, from the same score without some of them."""

from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float, Int

from likewise.scoring.leaving_out import OF_KURTOSIS

CONFIDENCE = 0.95
"""Of the intervals."""

UNSURE, SURE = (12.0, 0.75), (17.0, 0.9)
"""Degrees of freedom up to which nothing is taken off for what was counted twice, and from which all is; or this share
of all there can be, where that is less."""

LITTLE = 0.3
"""A smaller share of the variance stays: told from few pairs, it is mostly chance, and matters little."""

OF_GROUPS, OF_ITEMS = 0.5, 1.0
"""What was counted twice as a share of the variance, at most: of groups it is told from few pairs, and of scores that
jump it says too much. Of the size of a difference it is the latter in any case."""


@dataclass(frozen=True)
class Scale:
    """A scale on which a score has no bounds, so that an interval on it stays within the range of the measure.

    The logit of the share of the way from one bound to the other, where there are two (half of it is Fisher's z for
    bounds of -1 and 1); the logarithm of the distance from the bound, where there is one; the score itself elsewhere.
    """

    lowest: float
    highest: float

    def of(self, score: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return scores on the scale; infinite at a bound, NaN beyond it."""
        below, above = score - self.lowest, self.highest - score
        with np.errstate(divide="ignore", invalid="ignore"):
            if np.isinf(self.lowest):
                return score if np.isinf(self.highest) else -np.log(above)
            return np.asarray(np.log(below) if np.isinf(self.highest) else np.log(below) - np.log(above))

    def step(self, score: Float[np.ndarray, " m"], small: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return the change on the scale for small changes of scores within the bounds, to first order."""
        below, above = score - self.lowest, self.highest - score
        if np.isinf(self.lowest):
            return small if np.isinf(self.highest) else small / above
        return np.asarray(small / below if np.isinf(self.highest) else small / below + small / above)

    def back(self, value: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Return the scores at values of the scale."""
        with np.errstate(over="ignore"):  # beyond the largest float is the bound, or infinite
            if np.isinf(self.lowest):
                return value if np.isinf(self.highest) else self.highest - np.exp(-value)
            if np.isinf(self.highest):
                return np.asarray(self.lowest + np.exp(value))
            return np.asarray(self.lowest + (self.highest - self.lowest) * scipy.special.expit(value))


def _in_largest(moves: Float[np.ndarray, "m g"]) -> tuple[Float[np.ndarray, "m g"], Float[np.ndarray, " m"]]:
    """Moves as shares of the largest of each score, whose powers do not overflow; and the largest."""
    largest = np.abs(moves).max(axis=1)
    return np.divide(moves, largest[:, None], out=np.zeros_like(moves), where=largest[:, None] > 0), largest


def degrees(moves: Float[np.ndarray, "m g"]) -> Float[np.ndarray, " m"]:
    r"""Return the degrees of freedom of a variance that is the sum of the squares of g moves of a score.

    .. math:: \nu = \min\Big(g - 1, \; 2 \Big/ \Big(\frac{\kappa}{g} - \frac{g - 3}{g (g - 1)}\Big)\Big)

    The bracket is the variance of a sample variance in units of its square, for moves with the kurtosis kappa; a
    chi-square with nu degrees of freedom has 2 / nu. Moves like normal variables (kappa = 3) give g - 1. Where a few
    inputs move the score much more than the others, the variance is known less well, and nu is smaller. kappa is
    estimated without bias for normal moves. Never more than g - 1: light tails of so few moves are mostly chance.

    Parameters
    ----------
    moves : array, shape (m, g)
        What each of g groups moves each of m scores by.

    Returns
    -------
    array, shape (m,)
        Above 1; g - 1 where nothing moves, or groups are fewer than ten.

    Notes
    -----
    Cost: O(m g).

    References
    ----------
    Satterthwaite (1946), doi:10.2307/3002019; the estimate of the kurtosis: Joanes and Gill (1998),
    doi:10.1111/1467-9884.00122.

    Examples
    --------
    >>> degrees(np.asarray([[1.0, -1.0] * 10, [19.0] + [-1.0] * 19])).round(2).tolist()
    [19.0, 1.81]
    """
    m, g = moves.shape
    if g < OF_KURTOSIS:
        return np.full(m, g - 1.0)
    moves, _ = _in_largest(moves)
    square = moves.var(axis=1)
    fourth = ((moves - moves.mean(axis=1)[:, None]) ** 4).mean(axis=1)
    kurtosis = np.divide(fourth, square**2, out=np.ones(m), where=square > 0)
    excess = (g - 1) / ((g - 2) * (g - 3)) * ((g + 1) * (kurtosis - 3) + 6)
    share = np.maximum((excess + 3) / g - (g - 3) / (g * (g - 1)), 2 / (g - 1))
    return np.asarray(2 / share)


def skew(moves: Float[np.ndarray, "m g"]) -> Float[np.ndarray, " m"]:
    r"""Return how far the upper end of an interval moves out, or the lower end if negative.

    .. math:: \frac{1 + 2 z^2}{6} \, \frac{\sum_j m_j^3}{\sum_j m_j^2}, \quad z = 1.96

    The sample mean, divided by its error, is skewed too, and this corrects it to first order. If a few inputs move the
    score far up, most samples have none of them: their score is low, and so is their deviation.

    Parameters
    ----------
    moves : array, shape (m, g)
        What each of g groups moves each of m scores by, upwards if positive.

    Returns
    -------
    array, shape (m,)
        In the units of the moves; 0 where nothing moves, or groups are fewer than ten.

    Notes
    -----
    Cost: O(m g).

    References
    ----------
    Johnson (1978), doi:10.1080/01621459.1978.10480051.

    Examples
    --------
    >>> skew(np.asarray([[1.0, -1.0] * 10, [19.0] + [-1.0] * 19])).round(2).tolist()
    [0.0, 26.05]
    """
    m, g = moves.shape
    if g < OF_KURTOSIS:
        return np.zeros(m)
    moves, largest = _in_largest(moves)
    square, third = (moves**2).sum(axis=1), (moves**3).sum(axis=1)
    share = np.divide(third, square, out=np.zeros(m), where=square > 0)
    return np.asarray(largest * share * (1 + 2 * scipy.special.ndtri((1 + CONFIDENCE) / 2) ** 2) / 6)


def mean_size(mu: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    r"""Return the mean of |Z| for normal Z of mean mu and deviation 1.

    .. math:: E|Z| = \sqrt{2 / \pi} \, e^{-\mu^2 / 2} + \mu \, (1 - 2 \Phi(-\mu))

    References
    ----------
    Leone, Nelson, Nottingham (1961), doi:10.1080/00401706.1961.10489974.

    Examples
    --------
    >>> mean_size(np.asarray([0.0, 1.0, 5.0])).round(3).tolist()
    [0.798, 1.167, 5.0]
    """
    return np.asarray(np.sqrt(2 / np.pi) * np.exp(-(mu**2) / 2) + mu * (1 - 2 * scipy.special.ndtr(-mu)))


def least_size(observed: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    r"""Return the least mean size of a normal variable Z of deviation 1 that agrees with a size observed of it.

    .. math:: E|Z|, \quad Z \sim N(\mu, 1), \quad P(|Z| > u) = 5 \,\% - P(\mu - |Z| > 1.96)

    A size is seldom far below its mean, so nearly all of the 5 % may be sizes that are too large. The last term is the
    share of those that are too small: the other end, at u + 1.96, misses their mean. So an interval of both holds the
    mean in 95 of 100 cases, whatever mu.

    Parameters
    ----------
    observed : array, shape (m,)
        Sizes u.

    Returns
    -------
    array, shape (m,)
        0 where mu may be 0, that is up to 1.96.

    Notes
    -----
    Cost: O(m).

    Examples
    --------
    >>> least_size(np.asarray([1.9, 2.0, 3.0, 10.0])).round(3).tolist()
    [0.0, 0.814, 1.436, 8.04]
    """
    cdf, z = scipy.special.ndtr, scipy.special.ndtri((1 + CONFIDENCE) / 2)
    low, high = np.zeros(len(observed)), observed.copy()
    for _ in range(60):  # the share outside grows with mu
        mu = (low + high) / 2
        outside = 1 - cdf(observed - mu) + cdf(-observed - mu) + np.maximum((1 - CONFIDENCE) / 2 - cdf(z - 2 * mu), 0.0)
        far = outside > 1 - CONFIDENCE
        low, high = np.where(far, low, mu), np.where(far, mu, high)
    return np.asarray(np.where(observed > z, mean_size(low), 0.0))


def times_counted(share: Float[np.ndarray, " m"], *, folded: bool = False) -> Float[np.ndarray, " m"]:
    r"""Return how many times the jackknife counts a variance, from the share q of it that hangs on pairs.

    .. math:: 1 + q \quad \text{or, for sizes of differences,} \quad
        \begin{cases} 1 / (1 - q) & q \le 1/2 \\ 3/2 + q & q > 1/2 \end{cases}

    Let v_k be the variance that hangs on k groups together. The variance is :math:`\sum_k v_k`, the jackknife finds
    :math:`\sum_k k v_k`, and pairs show :math:`\sum_k \binom{k}{2} v_k`. The first form is exact if v_k falls by the
    same factor from each k to the next; the second if v_1 and v_2 are all there is. The third is exact if only even k
    count, and v_k falls by the same factor from each to the next. So it is for the length of a mean about 0, which
    stays the same if all inputs change their sign.

    Parameters
    ----------
    share : array, shape (m,)
        What was `counted_twice`, divided by the jackknife.
    folded : bool
        The scores are sizes of differences of two numbers.

    Returns
    -------
    array, shape (m,)
        From 1 upwards.

    References
    ----------
    Efron and Stein (1981), doi:10.1214/aos/1176345462.

    Examples
    --------
    >>> share = np.asarray([0.0, 0.5, 1.0])
    >>> times_counted(share).tolist(), times_counted(share, folded=True).tolist()
    ([1.0, 1.5, 2.0], [1.0, 2.0, 2.5])
    """
    return np.asarray(np.where(share <= 0.5, 1 / (1 - np.minimum(share, 0.5)), 1.5 + share) if folded else 1 + share)


def interval(
    value: Float[np.ndarray, " m"],
    without: Float[np.ndarray, "g m"],
    bounds: tuple[float, float] = (-np.inf, np.inf),
    sizes: Int[np.ndarray, " g"] | None = None,
    *,
    folded: bool = False,
    twice: Float[np.ndarray, " m"] | None = None,
    most: float = OF_GROUPS,
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    r"""Return the ends of a 95 % interval for a new sample of the same size.

    .. math:: value \pm t_\nu s, \quad s^2 = \frac{g - 1}{g} \sum_j (\theta_j - \bar\theta)^2

    This is the jackknife; theta_j is the score without group j, which may be a single input. The degrees of freedom nu
    are g - 1, or fewer where a few groups move the score much more than the others do (`degrees`). The end to which
    they move it lies further away by :math:`2 - \nu / (g - 1)` times `skew`: samples show less than the skewness of
    heavy tails. The other end stays, as this skewness is only an estimate. The interval is for the expected score at
    this number of inputs, not for a limit, because most scores depend on the number of inputs. If the measure has
    bounds, the value and both steps are moved to a `Scale` without bounds, and the ends are moved back, so both lie
    within the bounds. If the score is so close to a bound that the ends would reach it, the part beyond the bound is
    cut off instead.

    Parameters
    ----------
    value : array, shape (m,)
        Scores of m pairs.
    without : array, shape (g, m)
        The same without each group of inputs.
    bounds : (float, float)
        The smallest and largest value of the measure.
    sizes : array, shape (g,), optional
        Inputs of each group, where they differ. With h_j = n / size_j, s^2 is then the mean of
        :math:`(h_j \theta - (h_j - 1) \theta_j - \theta_J)^2 / (h_j - 1)` about
        :math:`\theta_J = g \theta - \sum_j (1 - 1 / h_j) \theta_j`; the same number where they are equal.
    folded : bool
        The scores are sizes of differences, from 0 on, and ``without`` has the differences in the same direction. The
        lower end is then the smallest size to be expected (`least_size`), or 0 if there may be no difference.
    twice : array, shape (m,), optional
        What was `counted_twice`, at most the share ``most`` of s^2; less than `LITTLE` of it stays. s^2 is divided by
        `times_counted`. With as many degrees of freedom as `SURE` says, all of ``twice`` counts; with those of
        `UNSURE`, nothing; in between, a share.
    most : float
        `OF_GROUPS` or `OF_ITEMS`.

    References
    ----------
    Shao and Wu (1989), doi:10.1214/aos/1176347263; unequal groups: Busing, Meijer, van der Leeden (1999),
    doi:10.1023/A:1008800423698.

    Examples
    --------
    >>> low, high = interval(np.asarray([2.0]), np.asarray([[1.8], [1.9], [2.0], [2.1], [2.2]]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (1.215, 2.785)
    >>> low, high = interval(np.asarray([0.8]), np.asarray([[0.78], [0.79], [0.8], [0.81], [0.82]]), (0.0, 1.0))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.71, 0.867)
    """
    groups = len(without)
    each = np.ascontiguousarray(without.T)  # sums along a row do not round by how many rows there are
    if sizes is None:
        moves = np.sqrt((groups - 1) / groups) * (each.mean(axis=1)[:, None] - each)
    else:
        h = sizes.sum() / sizes
        centre = (groups * value - ((1 - 1 / h) * each).sum(axis=1))[:, None]
        moves = (h * value[:, None] - (h - 1) * each - centre) / np.sqrt(groups * (h - 1))
    known = degrees(moves)
    if twice is not None:
        whole = (moves**2).sum(axis=1)
        told = (whole > 0) & ~np.isnan(twice)
        share = np.divide(twice, whole, out=np.zeros_like(whole), where=told)
        share = np.minimum(share, OF_ITEMS if folded else most)
        share = np.where(share >= LITTLE, share, 0.0)
        unsure, sure = (min(few, part * (groups - 1)) for few, part in (UNSURE, SURE))
        share *= np.clip((known - unsure) / (sure - unsure), 0, 1)
        moves = moves / np.sqrt(times_counted(share, folded=folded))[:, None]
    half = scipy.special.stdtrit(known, (1 + CONFIDENCE) / 2) * np.sqrt((moves**2).sum(axis=1))
    # Where a few decide, a sample shows half of the skewness or less: it has no more than sqrt(g), and seldom the rare.
    further = skew(moves) * (2 - known / (groups - 1))
    below, above = half + np.maximum(-further, 0.0), half + np.maximum(further, 0.0)
    lowest, highest = bounds
    low, high = value - below, value + above
    if folded:
        z = scipy.special.ndtri((1 + CONFIDENCE) / 2)
        varies = below > 0
        down, up = below[varies] / z, above[varies] / z
        low[varies] = down * least_size(value[varies] / down)
        high[varies] = up * mean_size(value[varies] / up + z)
        return low, np.minimum(np.maximum(high, value), bounds[1])
    inside = (low > lowest) & (high < highest)
    scale = Scale(lowest, highest)
    at, steps = scale.of(value[inside]), [scale.step(value[inside], reach[inside]) for reach in (below, above)]
    low[inside], high[inside] = scale.back(at - steps[0]), scale.back(at + steps[1])
    # There and back rounds: a score lies within its own interval.
    return np.clip(np.minimum(low, value), lowest, highest), np.clip(np.maximum(high, value), lowest, highest)
