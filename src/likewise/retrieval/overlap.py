"""How much two lists of neighbours agree: shares at several depths, rank-biased overlap, chance."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

CHUNK = 2**22
"""Pairs of places that are compared at a time."""


def agreement(a: Int[np.ndarray, "m k"], b: Int[np.ndarray, "m k"]) -> Int[np.ndarray, "m k"]:
    """Return how many neighbours the first d of both lists share, for each d from 1 to k.

    Cost: O(m k^2).

    Examples
    --------
    >>> agreement(np.asarray([[3, 1, 2]]), np.asarray([[1, 3, 4]])).tolist()
    [[0, 2, 2]]
    """
    m, k = a.shape
    found = np.zeros((m, k), dtype=np.int64)
    step = max(1, CHUNK // (k * k))
    for start in range(0, m, step):
        x, y = a[start : start + step], b[start : start + step]
        query, i, j = np.nonzero(x[:, :, None] == y[:, None, :])
        each = np.bincount(query * k + np.maximum(i, j), minlength=len(x) * k).reshape(len(x), k)
        found[start : start + step] = np.cumsum(each, axis=1)
    return found


def rank_biased_overlap(shared: Float[np.ndarray, "*m k"] | Int[np.ndarray, "*m k"], p: float) -> np.ndarray:
    r"""Return the extrapolated rank-biased overlap of lists of k neighbours.

    .. math:: RBO_{ext} = \frac{X_k}{k} p^k + \frac{1 - p}{p} \sum_{d=1}^{k} \frac{X_d}{d} p^d

    X_d is how many neighbours the first d of both lists share. p says how far down one looks: 1 - p is the chance to
    stop after each neighbour. The agreement at depth k is taken to go on below.

    Parameters
    ----------
    shared : array, shape (..., k)
        X_d for d from 1 to k.
    p : float
        Between 0 and 1, both excluded.

    Returns
    -------
    array, shape (...)
        From 0 (nothing shared) to 1 (the same lists).

    References
    ----------
    Webber, Moffat, Zobel (2010), doi:10.1145/1852102.1852106, equation 30.

    Examples
    --------
    >>> float(rank_biased_overlap(np.asarray([0, 2, 3]), 0.5))
    0.5
    """
    k = shared.shape[-1]
    depth = np.arange(1, k + 1)
    share = shared / depth
    weights = p ** (depth - 1.0) * (1 - p)
    return np.asarray(share @ weights + share[..., -1] * p**k)


def recall(shared: Int[np.ndarray, "m k"], depths: Sequence[int]) -> Float[np.ndarray, "m s"]:
    """Return the share of the nearest at each depth that both lists hold."""
    places = np.asarray(depths)
    return np.asarray(shared[:, places - 1] / places)
