"""Whether rows that follow each other are alike, as they are where inputs belong together and nobody said so."""

import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

ROWS = 256
"""Rows that are looked at."""

AT_ONCE = 4
"""Rows, each with the next, that are held at a time."""

FEWEST = 20
"""Rows of which an order says nothing."""

SURE = 5.0
"""Deviations by which rows in any order never differ."""

ALIKE = 0.1
"""A cosine that matters: with groups of m such rows, the variance of a mean is 1 + 0.1 (m - 1) times as large."""

IN_RUNS = (
    "rows that follow each other are more alike than others, as where several inputs come from one text or topic. "
    "Chance levels and intervals assume independent inputs, so intervals can be too short and p too small. Name the "
    "groups of inputs: "
)
"""What is said of such rows where no groups are named; how to name them follows."""

IN_FILES = "Representation(..., groups=...) in Python, an array or a column group in .npz and Parquet files"
"""How the groups of rows are named that are given as they are."""


class RowsInRuns(UserWarning):
    """Rows that follow each other are alike, and no groups of inputs are named."""


def alike_in_order(n: int, rows: Callable[[Int[np.ndarray, " m"]], Float[np.ndarray, "m d"]]) -> float:
    r"""Return how much more alike rows that follow each other are than others; 0 where it may be chance, or is little.

    .. math:: \bar d, \; d_i = c_{i, i + 1} - \bar c_i - \bar c_{i + 1} + \bar c,
        \quad \text{if above} \; \max(0.1, \; 5 \, s / \sqrt m)

    with c the cosine of two rows about their mean, over m rows i, each with the next; the means are over other rows,
    and s is the deviation of d.

    Parameters
    ----------
    n : int
        How many rows there are.
    rows : callable
        Returns those at some places; at most twice `ROWS` are asked for, a few at a time.

    Returns
    -------
    float
        From 0 to 2.

    Notes
    -----
    Cost: O(d). Runs that are weak, or of few rows, are not seen.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 8))
    >>> alike_in_order(200, x.__getitem__), round(alike_in_order(200, np.cumsum(x, axis=0).__getitem__), 1)
    (0.0, 1.0)
    """
    if n < FEWEST:
        return 0.0
    rng = np.random.default_rng(0)
    places = np.sort(rng.choice(n - 1, min(ROWS, n - 1), replace=False))
    places = np.stack([places, places + 1])
    parts = [places[:, i : i + AT_ONCE] for i in range(0, places.shape[1], AT_ONCE)]

    def read(part: Int[np.ndarray, "2 k"]) -> Float[np.ndarray, "2 k d"]:
        return np.asarray(rows(part.reshape(-1)), dtype=np.float64).reshape(*part.shape, -1)

    largest = max(max(float(np.abs(read(part)).max()) for part in parts), np.finfo(np.float64).tiny)
    mean = sum((read(part) / largest).sum(axis=(0, 1)) for part in parts) / places.size
    units = [functools.partial(_of_unit_length, part, lambda part: read(part) / largest - mean) for part in parts]
    away = sum(unit()[0].sum(axis=0) for unit in units) / places.shape[1]
    more = np.concatenate([np.vecdot(a, b) - a @ away - b @ away + away @ away for a, b in (unit() for unit in units)])
    return float(more.mean()) if more.mean() > max(ALIKE, SURE * more.std() / np.sqrt(len(more))) else 0.0


def _of_unit_length(
    part: Int[np.ndarray, "2 k"], read: Callable[[Int[np.ndarray, "2 k"]], Float[np.ndarray, "2 k d"]]
) -> Float[np.ndarray, "2 k d"]:
    rows = read(part)
    lengths = np.linalg.norm(rows, axis=2, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
