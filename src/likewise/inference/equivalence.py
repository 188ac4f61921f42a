"""The same within a margin: a test that can say so, beside the test of a difference."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from likewise.errors import InputError
from likewise.inference.differences import Difference

Verdict = Literal["same", "different", "small but real", "undecided"]
"""Same within the margin; different; both; neither, so more inputs are needed."""


@dataclass(frozen=True)
class Equivalence:
    """Whether a difference is within a margin, and whether it is one at all.

    Parameters
    ----------
    verdict : {"same", "different", "small but real", "undecided"}
        What both tests say together.
    within : float
        P-value that the difference is inside the margin: small where it is.
    differs : float
        P-value of the difference: small where there is one.
    margin : float
        The largest difference that counts as the same.
    """

    verdict: Verdict
    within: float
    differs: float
    margin: float


def equivalence(found: Difference, margin: float, level: float = 0.05) -> Equivalence:
    r"""Test whether a difference is within plus and minus a margin, by two one-sided tests.

    .. math:: p = \max\left(P(t_\nu \ge \frac{d + \delta}{s}), P(t_\nu \le \frac{d - \delta}{s})\right)

    Parameters
    ----------
    found : Difference
        From `difference`, `mean_difference` or `against`.
    margin : float
        Above 0; what difference does not matter to you, chosen before looking.
    level : float
        Of both tests.

    Raises
    ------
    InputError
        If the margin is not a number above 0, or the level not a share.

    Notes
    -----
    ``same`` is a statement with an error of at most ``level``; "no difference was found" is none. Cost: O(1).

    References
    ----------
    Schuirmann (1987), doi:10.1007/BF01068419.

    Examples
    --------
    >>> equivalence(Difference(0.001, 0.002, 50, -0.003, 0.005, 0.62), 0.01).verdict
    'same'
    >>> equivalence(Difference(0.001, 0.02, 50, -0.039, 0.041, 0.96), 0.01).verdict
    'undecided'
    """
    if not (np.isfinite(margin) and margin > 0) or not 0 < level < 1:
        raise InputError(
            f"a margin of {margin} at the level {level}; expected one above 0, and a level between 0 and 1"
        )
    room = margin - abs(found.value)
    within = float(scipy.special.stdtr(found.degrees, -room / found.se)) if found.se > 0 else float(room <= 0)
    same, different = within <= level, found.pvalue <= level
    verdict: Verdict = (
        ("small but real" if different else "same") if same else ("different" if different else "undecided")
    )
    return Equivalence(verdict, within, found.pvalue, margin)
