"""Chance in closed form, over all shuffles: for measures that are inner products."""

import numpy as np
from jaxtyping import Float, Int

from likewise.arrays import to_numpy
from likewise.chance.moments import FEWEST_ITEMS, Moments, shuffled_moments
from likewise.chance.permutation import Null
from likewise.chance.reasons import Reason
from likewise.chance.reference import Level, Reference, Scored
from likewise.measures import Configuration
from likewise.quantities import OrbitSums


def has_moments(configuration: Configuration) -> bool:
    """Whether the chance level of a configuration has a closed form."""
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
        """Inner products have a closed form, which takes inputs to be independent, and more than a few."""
        return has_moments(configuration) and independent and (n is None or n >= FEWEST_ITEMS)

    def level(self, scored: Scored, shuffles: int) -> Level | None:
        """Take the closed form; pairs that a few rows decide are left to shuffles, if there are any."""
        if not (scored.independent and has_moments(scored.configuration)):
            return None
        moments = _moments(scored)
        return _level(scored.configuration, scored.value, moments, shuffles)

    def level_of_vectors(
        self,
        configuration: Configuration,
        value: Float[np.ndarray, " m"],
        x: Float[np.ndarray, "a 18"],
        y: Float[np.ndarray, "b 18"],
        places: tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]],
        n: int,
        shuffles: int,
    ) -> Level | None:
        """Take the closed form, as `level` does."""
        product = configuration.product
        assert product is not None
        m = shuffled_moments(x, y, n)
        mean, std, skewness, few = (part[places] for part in (m.mean, m.std, m.skewness, m.few))
        moments = Moments(product.factor * mean, product.factor * std, skewness, n, few)
        return _level(configuration, value, moments, shuffles)

    def planned(self, permutations: int) -> str:
        """Say both ways."""
        return f"chance from closed forms, else {permutations} shuffles"

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
    return Level(
        Null.of_moments(value, moments, configuration.facts),
        settled=np.asarray(~moments.few if shuffles else np.full(len(value), True)),
        notes=dict.fromkeys(few, Reason.FEW_ROWS if shuffles else Reason.BOUND),
    )


def _moments(scored: Scored) -> Moments:
    """The moments of all shuffles of each pair; NaN where it has no score."""
    product = scored.configuration.product
    assert product is not None
    pairs, n = scored.pairs, scored.n
    found = np.full((3, len(pairs)), np.nan)
    few = np.zeros(len(pairs), dtype=bool)
    if defined := np.flatnonzero(~np.isnan(scored.value)).tolist():
        used = sorted({i for k in defined for i in pairs[k]})
        sums = np.stack([to_numpy(scored.sides[i][OrbitSums(product.quantity)]) for i in used])
        m = shuffled_moments(sums, sums, n)
        i, j = (np.searchsorted(used, [pairs[k][side] for k in defined]) for side in (0, 1))
        found[:, defined] = [part[i, j] for part in (product.factor * m.mean, product.factor * m.std, m.skewness)]
        few[defined] = m.few[i, j]
    return Moments(found[0], found[1], found[2], n, few)
