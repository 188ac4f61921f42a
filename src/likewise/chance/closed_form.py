"""Chance in closed form, over all shuffles: for measures that are inner products."""

from math import comb, factorial

import numpy as np
from jaxtyping import Float, Int
from numpy.polynomial import Polynomial

from likewise.arrays import to_numpy
from likewise.chance.moments import FEWEST_ITEMS, Moments, shuffled_moments
from likewise.chance.overlap import overlap_moments
from likewise.chance.permutation import Null
from likewise.chance.reasons import Reason
from likewise.chance.reference import Level, Reference, Scored
from likewise.measures import Bilinear, Configuration, Overlap
from likewise.naming import counted
from likewise.quantities import PAIRED, OrbitSums, by_blocks


def has_moments(configuration: Configuration) -> bool:
    """Whether the chance level of a configuration has a closed form."""
    return has_vectors(configuration) or configuration.shuffled is not None


def has_vectors(configuration: Configuration) -> bool:
    """Whether its scores are inner products of one vector for each representation."""
    product = configuration.product
    return product is not None and product.score == "linear"


class ClosedForm(Reference):
    """Mean, deviation and skewness over all shuffles where a measure has them, and shuffles elsewhere.

    Elsewhere is also where a few rows decide the score, and where inputs belong together: the closed form takes them to
    be independent.
    """

    name = "moments"
    summary = "closed form where there is one, else shuffles"
    beside = "shuffled inputs"
    from_vectors = True

    def shuffles(self, permutations: int) -> int:
        """Return all that the user allows."""
        return permutations

    def settles(self, configuration: Configuration, n: int | None = None, *, independent: bool = True) -> bool:
        """Inner products have a closed form, which takes inputs to be independent, and more than a few.

        Common neighbours have one where inputs are many.
        """
        least = PAIRED + 1 if isinstance(configuration.shuffled, Overlap) else FEWEST_ITEMS
        return has_moments(configuration) and independent and (n is None or n >= least)

    def level(self, scored: Scored, shuffles: int) -> Level | None:
        """Take the closed form; pairs that a few rows decide are left to shuffles, if there are any."""
        if not (scored.independent and has_moments(scored.configuration)):
            return None
        shuffled = scored.configuration.shuffled
        if isinstance(shuffled, Overlap) and not all(by_blocks(side) for side in scored.sides.values()):
            return None
        moments = _moments(scored) if shuffled is None else _moments_of_pairs(scored, shuffled)
        return _level(scored.configuration, scored.value, moments, shuffles)

    def level_of_vectors(
        self,
        configuration: Configuration,
        value: Float[np.ndarray, " m"],
        x: Float[np.ndarray, "a 19"],
        y: Float[np.ndarray, "b 19"],
        places: tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]],
        n: int,
        shuffles: int,
    ) -> Level | None:
        """Take the closed form, as `level` does."""
        product = configuration.product
        assert product is not None
        m = shuffled_moments(x, y, n)
        mean, std, skewness, few, same = (part[places] for part in (m.mean, m.std, m.skewness, m.few, m.same))
        moments = Moments(product.factor * mean, product.factor * std, skewness, n, few, same)
        return _level(configuration, value, moments, shuffles)

    def planned(self, permutations: int) -> str:
        """Say both ways."""
        return f"chance from closed forms, else {counted(permutations, 'shuffle') if permutations else 'none'}"

    @classmethod
    def source(cls, draws: str) -> str:
        """Say that nothing was drawn."""
        return "a closed form over all shuffles of the prompts"

    @classmethod
    def short(cls, draws: int) -> str:
        """Say that nothing was drawn."""
        return "closed form"


def _level(configuration: Configuration, value: Float[np.ndarray, " m"], moments: Moments, shuffles: int) -> Level:
    few = np.flatnonzero(moments.few).tolist()
    unknown = np.isnan(moments.mean)
    return Level(
        Null.of_moments(value, moments, configuration.facts),
        settled=np.asarray(~moments.few if shuffles else np.full(len(value), True)),
        notes={k: Reason.FEW_ROWS if shuffles else Reason.NO_ROOT if unknown[k] else Reason.BOUND for k in few},
    )


def _moments(scored: Scored) -> Moments:
    """The moments of all shuffles of each pair; NaN where it has no score."""
    product = scored.configuration.product
    assert product is not None
    pairs, n = scored.pairs, scored.n
    found, same = np.full((3, len(pairs)), np.nan), np.zeros(len(pairs))
    few = np.zeros(len(pairs), dtype=bool)
    if defined := np.flatnonzero(~np.isnan(scored.value)).tolist():
        used = sorted({i for k in defined for i in pairs[k]})
        sums = np.stack([to_numpy(scored.sides[i][OrbitSums(product.quantity)]) for i in used])
        m = shuffled_moments(sums, sums, n)
        i, j = (np.searchsorted(used, [pairs[k][side] for k in defined]) for side in (0, 1))
        found[:, defined] = [part[i, j] for part in (product.factor * m.mean, product.factor * m.std, m.skewness)]
        few[defined], same[defined] = m.few[i, j], m.same[i, j]
    return Moments(found[0], found[1], found[2], n, few, same)


WIDE = 0.2
"""Share of its mean that the deviation of a score may be, for the moments of its root to follow from a few terms."""


ORDER = 6
"""Of the expansion of a root."""


def root_moments(mean: float, std: float, skewness: float) -> tuple[float, float, float]:
    r"""Return mean, deviation and skewness of the root of a positive score, by its expansion about the mean m.

    .. math:: \sqrt T = \sqrt m \, \sum_{k=0}^{6} \binom{1/2}{k} \Big(\frac{s}{m}\Big)^k U^k

    with U of Pearson's type III: its cumulants are :math:`(j - 1)! \, (g / 2)^{j - 2}` where g is the skewness.

    Examples
    --------
    >>> [round(float(part), 4) for part in root_moments(4.0, 0.1, 0.0)]
    [1.9998, 0.025, -0.0376]
    """
    if not mean > 0 or not std:
        return max(mean, 0.0) ** 0.5, 0.0, 0.0
    cumulants = [0.0, 0.0, *(float(factorial(j - 1)) * (skewness / 2) ** (j - 2) for j in range(2, 3 * ORDER + 1))]
    moments = [1.0]
    for k in range(1, 3 * ORDER + 1):
        moments.append(sum(comb(k - 1, j - 1) * cumulants[j] * moments[k - j] for j in range(1, k + 1)))
    steps = [(0.5 - k) / (k + 1) * std / mean for k in range(ORDER)]
    root = Polynomial([0.0, *np.cumprod(steps)])

    def expected(of: Polynomial) -> float:
        return float(np.dot(of.coef, moments[: len(of.coef)]))

    moved = root - expected(root)
    variance = expected(moved**2)
    return mean**0.5 * (1 + expected(root)), (mean * variance) ** 0.5, expected(moved**3) / variance**1.5


def _moments_of_pairs(scored: Scored, shuffled: Bilinear | Overlap) -> Moments:
    """The moments of what is no product of like matrices; NaN where a pair has no score, or a root no expansion."""
    found, of_square = np.full((2, 3, len(scored.pairs)), np.nan)
    few, same = np.zeros(len(scored.pairs), dtype=bool), np.zeros(len(scored.pairs))
    for k in np.flatnonzero(~np.isnan(scored.value)).tolist():
        x, y = (scored.sides[i] for i in scored.pairs[k][:: -1 if scored.turned else 1])
        if isinstance(shuffled, Overlap):
            of_x, of_y = (to_numpy(of[shuffled.near]) for of in (x, y))
            *found[:, k], few[k] = overlap_moments(of_x, of_y, shuffled.score)
            continue
        sums_x, sums_y = to_numpy(x[OrbitSums(shuffled.first)]), to_numpy(y[OrbitSums(shuffled.second)])
        m, (offset, factor) = shuffled_moments(sums_x[None], sums_y[None], scored.n), shuffled.scale(x, y)
        of_sum = offset + factor * m.mean[0, 0], abs(factor) * m.std[0, 0], np.sign(factor) * m.skewness[0, 0]
        few[k] = m.few[0, 0] or (shuffled.root and not of_sum[1] <= WIDE * of_sum[0])
        same[k], of_square[:, k] = m.same[0, 0], of_sum
        if not shuffled.root:
            found[:, k] = of_sum
        elif not few[k]:
            found[:, k] = root_moments(*of_sum)
    root = isinstance(shuffled, Bilinear) and shuffled.root
    squares = Moments(of_square[0], of_square[1], of_square[2], scored.n, few, same) if root else None
    return Moments(found[0], found[1], found[2], scored.n, few, same, squares)
