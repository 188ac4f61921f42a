"""Whether rows that follow each other are alike, as they are where inputs belong together and nobody said so."""

import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

ROWS = 256
"""Rows that are looked at."""

AT_ONCE = 2**15
"""Values of rows that are held at a time: larger pieces of memory are fetched from the system anew each time."""

FEWEST = 20
"""Rows of which an order says nothing."""

SURE = 5.0
"""Deviations by which rows in any order never differ."""

ALIKE = 0.05
"""A cosine that matters: with groups of m such rows, the variance of a mean is 1 + 0.05 (m - 1) times as large."""

ENDED, UNSURE = 0.1, 2.0
"""A run has ended where rows are alike by less than this share of what neighbours are, or this many deviations."""

FURTHER = 1.2
"""How many times as far apart the next two rows are that are compared, where a run is followed to its end."""

IN_RUNS = (
    "rows that follow each other are more alike than others, as where several inputs come from one text or topic. "
    "Intervals allow for that: stretches of rows are left out. Chance levels do not: p can be far too small, so that "
    "unrelated models look clear of chance. Name the groups of inputs: "
)
"""What is said of such rows where no groups are named; how to name them follows."""

IN_STRETCHES = (
    "Inputs that follow each other are more alike than others, so intervals leave out stretches of them. If you know "
    "which belong together, name the groups: "
)
"""What is said where there are intervals alone."""

IN_FILES = "Representation(..., groups=...) in Python, an array or a column group in .npz and Parquet files"
"""How the groups of rows are named that are given as they are."""


class RowsInRuns(UserWarning):
    """Rows that follow each other are alike, and no groups of inputs are named."""


def alike_in_order(n: int, rows: Callable[[Int[np.ndarray, " m"]], Float[np.ndarray, "m d"]]) -> float:
    r"""Return how much more alike rows that follow each other are than others; 0 where it may be chance, or is little.

    .. math:: \bar d, \; d_i = c_{i, i + 1} - \bar c_i - \bar c_{i + 1} + \bar c,
        \quad \text{if above} \; \max(0.05, \; 5 \, s / \sqrt m)

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
    more, error = _alike(n, rows, 1) if n >= FEWEST else (0.0, 0.0)
    return more if more > max(ALIKE, SURE * error) else 0.0


def run_length(n: int, rows: Callable[[Int[np.ndarray, " m"]], Float[np.ndarray, "m d"]]) -> int:
    r"""Return about how far apart two rows must be to be no more alike than others; 1 for rows in any order.

    The smallest lag k at which :math:`\bar d_k < \max(0.1 \, \bar d_1, \; 2 \, s_k / \sqrt m)`, with d_k as in
    `alike_in_order` for rows i and i + k. So it is nearly the size of groups of one size, one after the other. Lags 2
    to 6 are looked at, then lags 1.2 times as far each time.

    Parameters
    ----------
    n : int
        How many rows there are.
    rows : callable
        Returns those at some places; at most twice `ROWS` are asked for each lag, a few at a time.

    Returns
    -------
    int
        From 1 to n / 2.

    Notes
    -----
    Cost: O(d log n).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 8))
    >>> run_length(200, x.__getitem__), run_length(200, np.repeat(x[:40], 5, axis=0).__getitem__)
    (1, 5)
    """
    lag, first = 1, alike_in_order(n, rows)
    alike = first > 0
    while alike and lag < n // 2:
        lag = min(max(lag + 1, int(lag * FURTHER)), n // 2)
        more, error = _alike(n, rows, lag)
        alike = more >= max(ENDED * first, UNSURE * error)
    return lag


def _alike(n: int, rows: Callable[[Int[np.ndarray, " m"]], Float[np.ndarray, "m d"]], lag: int) -> tuple[float, float]:
    """How much more alike two rows so far apart are than others, and its standard error."""
    rng = np.random.default_rng(0)
    places = np.sort(rng.choice(n - lag, min(ROWS, n - lag), replace=False))
    places = np.stack([places, places + lag])
    step = max(1, AT_ONCE // (2 * rows(places[0, :1]).shape[1]))
    parts = [places[:, i : i + step] for i in range(0, places.shape[1], step)]

    def read(k: int) -> Float[np.ndarray, "2 k d"]:
        return np.asarray(rows(parts[k].reshape(-1)), dtype=np.float64).reshape(*parts[k].shape, -1)

    if len(parts) == 1:
        read = functools.cache(read)
    every = range(len(parts))
    largest = max(max(float(np.abs(read(k)).max()) for k in every), np.finfo(np.float64).tiny)
    mean = sum((read(k) / largest).sum(axis=(0, 1)) for k in every) / places.size

    def units(k: int) -> Float[np.ndarray, "2 k d"]:
        centred = read(k) / largest - mean
        lengths = np.linalg.norm(centred, axis=2, keepdims=True)
        return np.asarray(np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0))

    if len(parts) == 1:
        units = functools.cache(units)
    away = sum(units(k)[0].sum(axis=0) for k in every) / places.shape[1]
    more = np.concatenate([np.vecdot(a, b) - a @ away - b @ away + away @ away for a, b in map(units, every)])
    return float(more.mean()), float(more.std() / np.sqrt(len(more)))
