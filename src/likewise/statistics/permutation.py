"""Chance: the same score after the rows of one side were shuffled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from likewise.measures import Facts

TIE = 1e-12
"""Scores nearer than this share of their size count as equal, towards chance: their sums differ by rounding alone."""


@dataclass(frozen=True)
class Chance:
    """What shuffled rows say about a score; None where it cannot be said, with the reason."""

    mean: float
    std: float | None
    z: float | None
    pvalue: float
    calibrated: float | None
    reason: str = ""


def draw_permutations(n: int, count: int, rng: int | np.random.Generator) -> Int[np.ndarray, "count n"]:
    """Draw ``count`` uniform permutations of n items; the same for the same seed, whatever they are used for.

    Examples
    --------
    >>> draw_permutations(3, 2, rng=0)
    array([[2, 0, 1],
           [2, 1, 0]])
    """
    generator = np.random.default_rng(rng)
    return np.stack([generator.permutation(n) for _ in range(count)]) if count else np.empty((0, n), dtype=np.int64)


def judge(
    value: float, shuffled: Sequence[float] | Float[np.ndarray, " p"], facts: Facts, identity: float | None
) -> Chance:
    r"""Set a score beside the scores of shuffled rows.

    .. math:: p = \frac{1 + \#\{\text{at least as alike}\}}{1 + P}, \quad
        z = \pm\frac{value - mean}{std}, \quad
        calibrated = \frac{value - mean}{identity - mean}

    z is positive towards more alike. Nothing is clamped.

    Parameters
    ----------
    value : float
        The observed score.
    shuffled : sequence of float, length P >= 1
        The scores after shuffles.
    facts : Facts
        Of the configuration; its direction counts.
    identity : float or None
        The score of identical representations; None where there is none, and then nothing is calibrated.

    References
    ----------
    Phipson and Smyth (2010), doi:10.2202/1544-6115.1585, for counting the observed score among the shuffles.

    Examples
    --------
    >>> from likewise.measures import Configuration
    >>> c = judge(0.5, [0.1, 0.3], Configuration.parse("cka").facts, identity=1.0)
    >>> round(c.mean, 12), round(c.pvalue, 6), round(c.calibrated, 6)
    (0.2, 0.333333, 0.375)
    """
    null = np.asarray(shuffled, dtype=np.float64)
    mean = float(null.mean())
    tie = TIE * max(abs(value), float(np.abs(null).max()))
    as_alike = int(np.count_nonzero(facts.more_alike * (null - value) >= -tie))
    std = float(null.std(ddof=1)) if len(null) > 1 else None
    reasons = []
    # Where the shuffles differ by less than a float can square, their deviation is zero.
    varies = bool(std) and float(np.ptp(null)) > tie
    if std is not None and varies:
        z = facts.more_alike * (value - mean) / std
    else:
        z = None
        reasons.append("no z: one shuffle only" if std is None else "no z: the shuffled scores do not vary")
    calibrated = None
    if identity is not None:
        above = facts.more_alike * (identity - mean)
        if above > tie:
            calibrated = (value - mean) / (identity - mean)
        elif above >= -tie:
            reasons.append("not calibrated: shuffled rows score as identical ones do")
        else:  # a fit can do worse on a representation and itself; a scale from there to chance would stand on its head
            reasons.append("not calibrated: shuffled rows score as more alike than identical ones do")
    return Chance(
        mean=mean,
        std=std if varies or std is None else 0.0,
        z=z,
        pvalue=(1 + as_alike) / (1 + len(null)),
        calibrated=calibrated,
        reason="; ".join(reasons),
    )
