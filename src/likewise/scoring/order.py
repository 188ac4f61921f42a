"""Whether rows that follow each other are alike, as they are where inputs belong together."""

import numpy as np

from likewise.arrays import to_numpy
from likewise.quantities import Prepared

ROWS = 1024
"""Rows that are looked at."""

FEWEST = 20
"""Rows of which an order says nothing."""

SURE = 6.0
"""Deviations by which rows in any order never differ."""

ALIKE = 0.1
"""A cosine that matters: with groups of m such rows, the variance of a mean is 1 + 0.1 (m - 1) times as large."""


def follow_alike(side: Prepared) -> bool:
    r"""Return whether rows that follow each other are more alike than others.

    .. math:: \bar c_{i, i + 1} - \bar c_{ij} > \max(0.1, \; 6 \, s / \sqrt m)

    with c the cosine of two rows about their mean, over m rows i, each with the next and with any other row j, and s
    the deviation of the difference.

    Parameters
    ----------
    side : Prepared
        Of any number of rows, of which at most `ROWS` are looked at; False of a table, which has no rows.

    Notes
    -----
    Cost: O(d), whatever n.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(200, 8))
    >>> follow_alike(Prepared(rows)), follow_alike(Prepared(np.cumsum(rows, axis=0)))
    (False, True)
    """
    if side.is_table or side.n < FEWEST:
        return False
    rng = np.random.default_rng(0)
    places = np.sort(rng.choice(side.n - 1, min(ROWS, side.n - 1), replace=False))
    others = (places + 1 + rng.integers(1, side.n - 1, len(places))) % side.n  # neither itself nor the next
    rows = to_numpy(side.rows(np.concatenate([places, places + 1, others])))
    first, following, other = np.split(rows / max(float(np.abs(rows).max()), np.finfo(np.float64).tiny), 3)
    mean = (first + following + other).mean(axis=0) / 3
    a, b, c = (_of_unit_length(rows - mean) for rows in (first, following, other))
    more = np.vecdot(a, b) - np.vecdot(a, c)
    return bool(more.mean() > max(ALIKE, SURE * more.std() / np.sqrt(len(more))))


def _of_unit_length(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
