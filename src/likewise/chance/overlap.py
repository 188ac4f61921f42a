"""The chance level of common neighbours, without shuffles, where there are many items."""

from collections.abc import Callable

import numpy as np
import scipy
from jaxtyping import Float, Int

POISSON = 1.1
"""Most times that the variance may be what it is if common neighbours came one by one, or two by two where both are
near to one another: more, and hubs decide, of which three moments are not known."""


def hypergeometric(n: int, k: int) -> Float[np.ndarray, " shared"]:
    """The law of how many of k others both of two independent draws from n have."""
    shared = np.arange(k + 1)
    choose = scipy.special.gammaln

    def logs(m: int, of: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            found = choose(m + 1) - choose(of + 1) - choose(m - of + 1)
        return np.where((of < 0) | (of > m), -np.inf, found)

    return np.asarray(np.exp(logs(k, shared) + logs(n - k, k - shared) - logs(n, np.asarray(k))))


def pieces(near: Int[np.ndarray, "n k"]) -> Float[np.ndarray, " 7"]:
    """How many pairs of arcs, from an item to a near one, are of each of seven patterns.

    One arc, each other's reverse, of one tail, of one head, two in a row (either way), and apart.
    """
    n, k = near.shape
    codes = np.arange(n)[:, None] * n + near
    back = near * n + np.arange(n)[:, None]
    reversed_ = int(np.isin(back.ravel(), codes.ravel()).sum())
    heads = int((np.bincount(near.ravel(), minlength=n).astype(np.int64) ** 2).sum())
    m = n * k
    found = [m, reversed_, m * (k - 1), heads - m, m * k - reversed_, m * k - reversed_]
    return np.asarray([*found, m * m - sum(found)], dtype=np.float64)


def overlap_moments(
    x: Int[np.ndarray, "n k"], y: Int[np.ndarray, "n k"], score: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float, float, bool]:
    r"""Mean, deviation and skewness of the mean of ``score`` of common neighbours over all shuffles.

    The number of common neighbours of an item is hypergeometric, whatever the neighbours: the mean is exact. So is the
    variance of their total, from the numbers of pairs of arcs of each pattern,

    .. math:: \sum_{pattern} \frac{A_p B_p}{n (n - 1) \cdots} - \Big(\frac{n k^2}{n - 1}\Big)^2

    of which a score takes the share of its regression on the number; what is left varies independently between items,
    to a thousandth of the deviation. The skewness is that of common neighbours that come one by one, and two by two
    where both items are near to one another on both sides.

    Returns
    -------
    mean, std, skewness : float
        As named.
    few : bool
        Whether hubs decide, so that the skewness is not to be trusted.
    """
    n, k = x.shape
    shared, law = np.arange(k + 1), hypergeometric(n - 1, k)
    values = np.asarray(score(shared), dtype=np.float64)
    mean, expected = float(law @ values), float(law @ shared)
    spread = float(law @ (shared - expected) ** 2)
    slope = float(law @ ((shared - expected) * values)) / spread if spread else 0.0
    rest = float(law @ (values - mean - slope * (shared - expected)) ** 2)
    n2, n3, n4 = n * (n - 1.0), n * (n - 1.0) * (n - 2.0), n * (n - 1.0) * (n - 2.0) * (n - 3.0)
    a, b = pieces(x), pieces(y)
    # The pairs of arcs that are apart are nearly all: their difference to the square of the mean, without cancellation.
    apart = a[-1] * b[-1] / n4 - (n * k * k / (n - 1.0)) ** 2
    total = float((a[:-1] * b[:-1] / np.asarray([n2, n2, n3, n3, n3, n3])).sum() + apart)
    whole = n * expected
    twice = a[1] * b[1] / (n * k) ** 2
    poisson = whole * (1 + twice)
    share = k / (n - 1.0)
    skewness = float((1 + 3 * twice) / (1 + twice) ** 1.5 / np.sqrt(whole) * (1 - 2 * share)) if whole else 0.0
    few = not poisson / POISSON <= total <= poisson * POISSON
    return mean, float(np.sqrt(max(0.0, slope**2 * total / n**2 + rest / n))), skewness, few
