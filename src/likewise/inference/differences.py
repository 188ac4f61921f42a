"""Is one score higher than another, or than a bound, or is that luck: paired tests on the same inputs."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int

from likewise.errors import InputError
from likewise.inference.estimates import DRAWS, Contrasts, Estimates, Studentized, step_down_max
from likewise.inference.leftout import LeftOut

CONFIDENCE = 0.95
"""Of the intervals."""


@dataclass(frozen=True)
class Difference:
    """A difference of two scores, or of a score and a bound, with its interval and two-sided p-value.

    Parameters
    ----------
    value, se : float
        The difference and its standard error.
    degrees : float
        Degrees of freedom of Student's t.
    low, high : float
        95 % interval for a new sample of the same size.
    pvalue : float
        For a difference of 0: 1 where the scores are equal, 0 where a difference does not vary with the inputs at all.
    """

    value: float
    se: float
    degrees: float
    low: float
    high: float
    pvalue: float


def difference(first: LeftOut, second: LeftOut) -> Difference:
    r"""Test the difference of two scores of the same inputs.

    .. math:: t = \frac{\theta - \theta'}{\sqrt{\sum_j (c_j - c'_j)^2}}

    with the contributions of `LeftOut`, and g - 1 degrees of freedom.

    Parameters
    ----------
    first, second : LeftOut
        Scores that leave out the same parts of the same inputs; calibrated ones where `LeftOut.scaled`.

    Returns
    -------
    Difference
        Of first minus second.

    Raises
    ------
    InputError
        If the scores leave out different parts.

    Notes
    -----
    Differences of ten digits less than the scores are rounding, and 0. Cost: O(g).

    References
    ----------
    Shao and Wu (1989), doi:10.1214/aos/1176347263.

    Examples
    --------
    >>> a = LeftOut(0.9, np.asarray([0.89, 0.90, 0.91, 0.90, 0.90]))
    >>> b = LeftOut(0.8, np.asarray([0.78, 0.80, 0.81, 0.81, 0.80]))
    >>> found = difference(a, b)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.1, 0.065, 0.135)
    """
    return mean_difference([(first, second)])


def mean_difference(datasets: Sequence[tuple[LeftOut, LeftOut]]) -> Difference:
    r"""Test the mean over independent data sets of the difference of two scores.

    .. math:: \bar d = \frac{1}{K} \sum_k d_k, \quad s^2 = \frac{1}{K^2} \sum_k s_k^2

    with degrees of freedom by Welch and Satterthwaite (`welch`).

    Parameters
    ----------
    datasets : sequence of (LeftOut, LeftOut)
        Both scores on each data set. Data sets that share inputs are not independent.

    Examples
    --------
    >>> each = np.random.default_rng(0).normal(size=(2, 2, 20)) + [[[1.0], [0.0]]]
    >>> found = mean_difference([(LeftOut.of_mean(a), LeftOut.of_mean(b)) for a, b in each])
    >>> found.pvalue < 0.01, 19 < found.degrees < 38
    (True, True)
    """
    differences = [first.minus(second) for first, second in datasets]
    return _alone(Estimates.mean_of([[d] for d in differences]).against(0.0))


def against(score: LeftOut, bound: float) -> Difference:
    """Test a score against a fixed bound.

    Examples
    --------
    >>> score = LeftOut(0.9, np.asarray([0.89, 0.90, 0.91, 0.90, 0.90]))
    >>> against(score, 0.95).pvalue < 0.05, against(score, 0.91).pvalue < 0.05
    (True, False)
    """
    if not np.isfinite(bound):
        raise InputError(f"a bound of {bound}; expected a finite number")
    return _alone(Estimates.of([score]).against(bound))


def _alone(one: Contrasts) -> Difference:
    half = one.half(scipy.special.stdtrit(one.degrees, (1 + CONFIDENCE) / 2))
    numbers = (one.value, one.se, one.degrees, one.value - half, one.value + half, one.pvalue)
    return Difference(*(float(number[0]) for number in numbers))


@dataclass(frozen=True, eq=False)
class Differences(Studentized):
    """All differences of m scores, i before j, corrected for their number.

    Parameters
    ----------
    first, second : array, shape (q,)
        Places of the two scores of each difference.
    value, se, degrees, pvalue : array, shape (q,)
        As in `Difference`, each alone.
    corrected : array, shape (q,)
        P-values against any false finding among all differences.
    low, high : array, shape (q,)
        Intervals that all hold together with 95 %.
    """

    first: Int[np.ndarray, " q"]
    second: Int[np.ndarray, " q"]
    pvalue: Float[np.ndarray, " q"]
    corrected: Float[np.ndarray, " q"]
    low: Float[np.ndarray, " q"]
    high: Float[np.ndarray, " q"]

    def told_apart(self, level: float = 0.05) -> Bool[np.ndarray, "m m"]:
        """Return which two scores differ at a level, as a symmetric matrix."""
        m = int(self.second.max(initial=0)) + 1
        apart = np.zeros((m, m), dtype=bool)
        differ = self.corrected <= level
        apart[self.first[differ], self.second[differ]] = apart[self.second[differ], self.first[differ]] = True
        return apart


def all_differences(estimates: Estimates, *, draws: int = DRAWS, seed: int = 0) -> Differences:
    r"""Compare all scores with all, with one correction for any false finding.

    Step-down by the largest abs(t) (`step_down_max`) under the joint law of the differences. The law is that of
    Gaussian numbers with the covariance of the estimates, each difference divided by a standard error of its own, drawn
    with it (`Contrasts.draws`).

    Parameters
    ----------
    estimates : Estimates
        m scores of the same inputs, or means over data sets.
    draws : int
        From the joint law; no corrected p-value is below 1 / (1 + draws).
    seed : int
        Of the draws.

    Raises
    ------
    InputError
        If there are fewer than two scores, or no draws.

    Notes
    -----
    Why not Holm: differences of m scores have rank m - 1, and those with one base share their inputs, so Holm pays for
    m (m - 1) / 2 tests where there are far fewer. Both keep the level.

    Cost: O(m^3 + m^2 r) a draw, with r at most m; memory: about 100 MB, however many scores.

    References
    ----------
    Romano and Wolf (2005), doi:10.1198/016214504000000539.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> each = rng.normal(size=60) + 0.3 * rng.normal(size=(3, 60)) + [[0.0], [0.0], [1.0]]
    >>> found = all_differences(Estimates.of([LeftOut.of_mean(x) for x in each]))
    >>> found.told_apart().tolist()
    [[False, False, True], [False, False, True], [True, True, False]]
    """
    m = len(estimates.value)
    if m < 2 or draws < 1:
        raise InputError(f"{m} scores and {draws} draws; expected two scores or more, and draws")
    first, second = (np.asarray(side) for side in zip(*itertools.combinations(range(m), 2), strict=True))
    pairs = estimates.pairs(first, second)
    corrected, largest = step_down_max(np.abs(pairs.t), (np.abs(some) for some in pairs.draws(draws, seed)))
    half = pairs.half(float(np.quantile(largest, CONFIDENCE, method="higher")))
    low, high = pairs.value - half, pairs.value + half
    return Differences(
        pairs.value,
        pairs.se,
        pairs.degrees,
        first,
        second,
        pvalue=pairs.pvalue,
        corrected=corrected,
        low=low,
        high=high,
    )
