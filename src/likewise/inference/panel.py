"""A score among those of models known to be unrelated: how often a stranger would be as alike."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from likewise.chance.correction import holm
from likewise.errors import InputError
from likewise.inference.leftout import ROUNDING
from likewise.naming import counted

LEVEL = 0.05
"""Share of false alarms of the threshold."""


@dataclass(frozen=True)
class PanelTest:
    """Where a score stands among those of a panel.

    Parameters
    ----------
    score : float
        Of the model in question with the base.
    size : int
        Models of the panel, m.
    pvalue : float
        Share of the panel and the model that are at least as alike.
    percentile : float
        Percent of the panel that are less alike, ties counted half.
    threshold : float or None
        A score that is more alike than this one has p at or below 5 %; None where the panel is too small.
    corrected : float
        The p-value by Holm, for all scores of one verdict.
    resolution : float
        The smallest corrected p-value that the panel can give.
    """

    score: float
    size: int
    pvalue: float
    percentile: float
    threshold: float | None
    corrected: float
    resolution: float

    @property
    def limit(self) -> str:
        """Say what a panel of this size cannot show; nothing where it can reach 5 %.

        Examples
        --------
        >>> print(panel_test(0.9, np.asarray([0.1, 0.2, 0.3])).limit)
        A panel of 3 models can give no p below 0.25; expected 19 or more models for a p of 0.05.
        """
        if self.resolution <= LEVEL:
            return ""
        tests = round(self.resolution * (1 + self.size))
        of = "" if tests == 1 else f" of {tests} scores"
        return (
            f"A panel of {counted(self.size, 'model')} can give no p{of} below {self.resolution:.3g}; "
            f"expected {round(tests / LEVEL) - 1} or more models for a p of {LEVEL}."
        )


def panel_test(score: float, panel: Float[np.ndarray, " m"], more_alike: int = 1) -> PanelTest:
    r"""Place a score among those of m unrelated models with the same base on the same inputs.

    .. math:: p = \frac{1 + \#\{\text{panel at least as alike}\}}{1 + m}

    Exact where the model is as unrelated to the base as those of the panel are: then each order of the m + 1 scores is
    as likely.

    Parameters
    ----------
    score : float
        Of the model in question.
    panel : array, shape (m,)
        Of the panel.
    more_alike : {1, -1}
        -1 where a lower score means more alike.

    Raises
    ------
    InputError
        If the panel is empty, or a score is not finite.

    Notes
    -----
    Ties, and scores that differ by rounding, count as alike. Cost: O(m log m).

    References
    ----------
    Phipson and Smyth (2010), doi:10.2202/1544-6115.1585.

    Examples
    --------
    >>> found = panel_test(0.9, np.linspace(0.1, 0.5, 19))
    >>> found.pvalue, found.percentile, found.threshold
    (0.05, 100.0, 0.5)
    """
    return panel_tests({"": (score, panel, more_alike)})[""]


def panel_tests(scores: Mapping[str, tuple[float, Float[np.ndarray, " m"], int]]) -> dict[str, PanelTest]:
    """Place the scores of several measures or data sets, and correct their p-values for one verdict by Holm.

    Parameters
    ----------
    scores : mapping
        By name: the score, those of its panel, and +1 or -1 as in `panel_test`.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2).

    Examples
    --------
    >>> panel = np.linspace(0.1, 0.5, 39)
    >>> found = panel_tests({"cka": (0.9, panel, 1), "procrustes": (0.3, panel, -1)})
    >>> found["cka"].pvalue, found["cka"].corrected
    (0.025, 0.05)
    """
    placed = {name: _placed(*given) for name, given in scores.items()}
    if not placed:
        return {}
    corrected = holm(np.asarray([p.pvalue for p in placed.values()]))
    return {
        name: PanelTest(
            p.score, p.size, p.pvalue, p.percentile, p.threshold, float(pvalue), min(1.0, len(placed) / (1 + p.size))
        )
        for (name, p), pvalue in zip(placed.items(), corrected, strict=True)
    }


def _placed(score: float, panel: Float[np.ndarray, " m"], more_alike: int) -> PanelTest:
    panel = np.asarray(panel, dtype=np.float64)
    m = len(panel)
    if not m or not np.isfinite([score, *panel]).all() or more_alike not in (1, -1):
        raise InputError(
            f"a panel of {m} scores, more_alike={more_alike}; expected one or more finite scores, and 1 or -1"
        )
    equal = np.abs(panel - score) <= ROUNDING * np.maximum(np.abs(panel), abs(score))
    more = (more_alike * (panel - score) > 0) & ~equal
    pvalue = (1 + int((more | equal).sum())) / (1 + m)
    percentile = 100 * float((~more & ~equal).sum() + equal.sum() / 2) / m
    allowed = int(((1 + np.arange(m)) / (1 + m) <= LEVEL).sum())  # how many of the panel may be as alike, and one more
    threshold = float(more_alike * np.sort(more_alike * panel)[m - allowed]) if allowed else None
    return PanelTest(score, m, pvalue, percentile, threshold, pvalue, 1 / (1 + m))
