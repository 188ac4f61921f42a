"""Chance by shuffles of the features of one side, which says whether two models share their axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

from likewise.arrays import array_namespace, to_numpy
from likewise.chance.moments import FEW_ROWS, FEWEST_ITEMS, VANISHES, Moments
from likewise.chance.permutation import Null, draw_permutations
from likewise.chance.reasons import Reason
from likewise.chance.reference import Level, Reference, Scored
from likewise.errors import InputError
from likewise.measures import Matched
from likewise.quantities import Prepared

BLOCK = 512
"""Features of one side whose products with all of the other are formed at once."""


class ShuffledFeatures(Reference):
    """Every pair beside itself with the features of one side in another order.

    Models that were trained apart number their features by chance, so that no order of them is special: the score is
    then one of those that shuffles give. Copies and descendants of one model share their features. Only measures that
    compare feature j with feature j have this chance level.

    Where a score is a mean of products of like-numbered features, mean, deviation and skewness are exact over all d!
    orders (Hoeffding 1951, doi:10.1214/aoms/1177729694); elsewhere, and where a few features decide, orders are drawn.

    Parameters
    ----------
    seed : int
        Of the orders that are drawn.

    Examples
    --------
    >>> import likewise
    >>> x = np.random.default_rng(0).normal(size=(30, 50))
    >>> noise = np.random.default_rng(1).normal(size=(30, 50))
    >>> (row,) = likewise.compare({"x": x, "copy": x + noise}, "feature_correlation", chance="features")
    >>> row.null, round(row.value, 2), round(row.null_mean, 2), row.pvalue < 1e-12
    ('features', 0.68, 0.02, True)
    """

    name = "features"
    summary = "shuffled, of one side, for measures that compare each with itself"
    beside = "shuffled features"

    def __init__(self, seed: int = 0) -> None:
        if type(seed) is not int or seed < 0:
            raise InputError(f"seed={seed!r}; expected a whole number, 0 or more")
        self.seed = seed

    @property
    def identity(self) -> Mapping[str, Any]:
        """Another seed draws other orders."""
        return {"seed": self.seed} if self.seed else {}

    def shuffles(self, permutations: int) -> int:
        """Return all that the user allows: so many orders of the features are drawn, and no rows are shuffled."""
        return permutations

    def level(self, scored: Scored, shuffles: int) -> Level:
        """Take the closed form, draw orders for the others, and say which measures have no such level."""
        m, facts = len(scored.pairs), scored.configuration.facts
        defined = np.flatnonzero(~np.isnan(scored.value)).tolist()
        found, all_of_them = np.full((4, m), np.nan), np.full(m, True)
        if not facts.same_features:
            return Level(Null(*found), all_of_them, notes=dict.fromkeys(defined, Reason.NO_FEATURES))
        closed, few, notes = np.full(m, False), [], {}
        if matched := scored.configuration.matched:
            for k in defined:
                of = _shuffled_features(matched, *(scored.sides[i] for i in scored.pairs[k]))
                if of.few.any():
                    few.append(k)
                    notes[k] = str(Reason.FEW_FEATURES if shuffles else Reason.BOUND_OF_FEATURES)
                one = Null.of_moments(scored.value[[k]], of, facts)
                found[:, k] = [part[0] for part in (one.mean, one.std, one.pvalue, one.tie)]
                closed[k] = True
            if shuffles:
                closed[few] = False
        alone = [k for k in defined if not closed[k] and scored.sides[scored.pairs[k][1]].d < 2]
        notes |= dict.fromkeys(alone, str(Reason.ONE_FEATURE))
        null, counts = Null(*found), np.zeros(m, dtype=np.int64)
        drawn = [k for k in defined if not closed[k] and k not in alone] if shuffles else []
        width = {k: scored.sides[scored.pairs[k][1]].d for k in drawn}
        for d in sorted(set(width.values())):
            places = [k for k in drawn if width[k] == d]
            orders = draw_permutations(d, shuffles, np.random.default_rng([self.seed, d]))
            level = Level.of_draws(scored, self._draws(scored, places, orders))
            counts[places] = len(orders)
            null = level.null.where(np.isin(np.arange(m), places), null)
            notes |= {k: note for k, note in level.notes.items() if k in places}
        return Level(null, all_of_them, counts, notes)

    def _draws(self, scored: Scored, places: Sequence[int], orders: Int[np.ndarray, "p d"]) -> Float[np.ndarray, "p m"]:
        """Scores of some pairs of one width after each shuffle."""
        scores = np.full((len(orders), len(scored.pairs)), np.nan)
        if matched := scored.configuration.matched:
            for k in places:
                x, y = (scored.sides[i] for i in scored.pairs[k])
                scores[:, k] = _in_orders(matched, x, y, orders)
            return scores
        second = {scored.pairs[k][1]: scored.sides[scored.pairs[k][1]] for k in places}
        for number, order in enumerate(orders):
            moved = {j: side.with_features(order) for j, side in second.items()}
            for k in places:
                i, j = scored.pairs[k]
                scores[number, k] = scored.score(scored.sides[i], moved[j])
        return scores

    def planned(self, permutations: int) -> str:
        """Say both ways."""
        return f"chance from shuffled features, in closed form where there is one, else {permutations} shuffles"

    @classmethod
    def source(cls, draws: str) -> str:
        """Say what was shuffled, and how often."""
        most = draws.split()[-1]
        closed = "a closed form over all shuffles of the features of one model"
        if draws == "0":
            return closed
        drawn = f"{most} shuffles of the features of one model"
        return f"{closed} where there is one, else {drawn}" if draws != most else drawn

    @classmethod
    def short(cls, draws: int) -> str:
        """Say what was shuffled."""
        return f"{draws} shuffles of features" if draws else "features, closed form"


def _in_orders(
    matched: Matched, x: Prepared, y: Prepared, orders: Integer[np.ndarray, "p d"]
) -> Float[np.ndarray, " p"]:
    r"""Scores after each order of y's features: of R = A'B, the sums :math:`T = \sum_j R_{j \pi(j)}`.

    O(n d^2) once and O(d) for each order; R is formed 512 rows at a time.
    """
    a, b = x[matched.quantity], y[matched.quantity]
    sums = np.zeros(len(orders))
    for start in range(0, x.d, BLOCK):
        r = to_numpy(a[:, start : start + BLOCK].T @ b)
        sums += r[np.arange(len(r)), orders[:, start : start + BLOCK]].sum(axis=1)
    mean = sums / (x.n if matched.over == "items" else x.d)
    return 1 - mean if matched.turned else mean


@dataclass(frozen=True)
class _Sums:
    """Of C, the products of all features of two sides, less the means of rows and columns."""

    squares: float
    cubes: float
    few: bool


def _shuffled_features(matched: Matched, x: Prepared, y: Prepared) -> Moments:
    r"""Moments of a score over all orders of the features of one side.

    With R = A'B the products of all features, and C = R less the means of its rows and columns, the sum
    :math:`T = \sum_j R_{j \pi(j)}` has

    .. math:: E T = \frac{1}{d} \sum_{jk} R_{jk}, \quad E (T - ET)^2 = \frac{1}{d - 1} \sum_{jk} C_{jk}^2, \quad
        E (T - ET)^3 = \frac{d}{(d - 1)(d - 2)} \sum_{jk} C_{jk}^3

    O(n d^2); R is formed 512 rows at a time.
    """
    a, b = x[matched.quantity], y[matched.quantity]
    xp = array_namespace(a, b)
    d, divisor = x.d, x.n if matched.over == "items" else x.d
    mean = float(xp.sum(xp.sum(a, axis=1) * xp.sum(b, axis=1))) / d
    size = float(xp.linalg.matrix_norm(a)) * float(xp.linalg.matrix_norm(b))
    sums = _sums(*(rows - xp.mean(rows, axis=1, keepdims=True) for rows in (a, b)))
    variance = sums.squares / (d - 1) if d > 1 else 0.0
    varies = variance > (VANISHES * size) ** 2
    third = d / ((d - 1) * (d - 2)) * sums.cubes if d > 2 else 0.0
    sign = -1 if matched.turned else 1
    return Moments(
        mean=np.asarray([matched.turned + sign * mean / divisor]),
        std=np.asarray([variance**0.5 / divisor if varies else 0.0]),
        skewness=np.asarray([sign * third / variance**1.5 if varies else 0.0]),
        n=d,
        few=np.asarray([varies and (sums.few or d < FEWEST_ITEMS)]),
    )


def _sums(a: Any, b: Any) -> _Sums:
    """Sums over C, and whether a few features of both sides hold most of its squares, as for shuffled rows."""
    xp = array_namespace(a, b)
    d = a.shape[1]
    squares = cubes = of_rows = 0.0
    columns = xp.zeros(d, dtype=a.dtype, device=a.device)
    for start in range(0, d, BLOCK):
        c = a[:, start : start + BLOCK].T @ b
        c2 = c * c
        rows = xp.sum(c2, axis=1)
        columns = columns + xp.sum(c2, axis=0)
        squares += float(xp.sum(rows))
        of_rows += float(xp.sum(rows * rows))
        cubes += float(xp.sum(c2 * c))
    of_columns = float(xp.sum(columns * columns))
    # d over the geometric mean of the numbers of features that the squares are spread over.
    few = squares > 0 and d * (of_rows * of_columns) ** 0.5 / squares**2 > FEW_ROWS
    return _Sums(squares, cubes, few)
