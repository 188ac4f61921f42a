"""Rows that repeat an earlier one, or nearly do, found without comparing every two."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool, Float, Int, Num

NEAR = 1e-3
"""A row this share of its own length from an earlier one nearly repeats it.

Batches and rounding in float32 move a row by less than a tenth of it, rounding in float16 by about half of it; rows of
different prompts lie ten times as far apart and more.
"""

SAMPLE = 64
"""At most so many rows are asked for the direction in which rows differ most."""


def blocks(matrix: Num[np.ndarray, "n d"], block: int) -> Iterator[Num[np.ndarray, "m d"]]:
    """Rows of a matrix, at most ``block`` at a time: all that is read of a memory-mapped one."""
    for start in range(0, len(matrix), block):
        yield np.asarray(matrix[start : start + block])


def repeated(matrix: Num[np.ndarray, "n d"], *, block: int) -> Bool[np.ndarray, " n"]:
    """Whether each row equals an earlier one; -0.0 equals 0.0, and NaN nothing.

    Parameters
    ----------
    matrix : array, shape (n, d)
        The rows; may be memory-mapped.
    block : int
        Rows held at a time.

    Returns
    -------
    array of bool, shape (n,)

    Notes
    -----
    Cost: O(n d), and 16 bytes a row, its BLAKE2b digest: that two different rows share one is less likely than n^2 in
    2^128.

    Examples
    --------
    >>> repeated(np.asarray([[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0]]), block=2).tolist()
    [False, False, True]
    """
    seen: set[bytes] = set()
    found: list[bool] = []
    for part in blocks(matrix, block):
        # Adding 0.0 makes -0.0 and 0.0 the same bytes.
        rows = np.ascontiguousarray(part) + 0.0
        for row in rows:
            digest = blake2b(row, digest_size=16).digest()
            found.append(digest in seen)
            if not np.isnan(row).any():
                seen.add(digest)
    return np.asarray(found)


def near_repeated(
    matrix: Num[np.ndarray, "n d"], repeats: Bool[np.ndarray, " n"], *, block: int
) -> Bool[np.ndarray, " n"]:
    r"""Whether each row equals none before it, but nearly does.

    .. math:: 0 < |x_i - x_j| \le 10^{-3} |x_i| \quad \text{for some } j < i

    Parameters
    ----------
    matrix : array, shape (n, d)
        Finite rows; may be memory-mapped.
    repeats : array of bool, shape (n,)
        Which rows equal an earlier one, from `repeated`.
    block : int
        Rows of either side of a comparison.

    Returns
    -------
    array of bool, shape (n,)

    Notes
    -----
    Rows are sorted by their projection on one direction u, the first principal one of a few rows. By Cauchy and
    Schwarz \|<x - y, u>\| <= \|x - y\|, so a near row is never beyond the reach of the sweep. Cost: O(n w d) for w rows
    within reach, at least ``block``; O(block d) values are held.

    Examples
    --------
    >>> rows = np.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0009], [1.0, 0.0011]])
    >>> near_repeated(rows, np.zeros(4, dtype=bool), block=2).tolist()
    [False, False, True, True]
    """
    near = np.zeros(len(matrix), dtype=bool)
    different = np.flatnonzero(~repeats)
    if len(different) == 1:
        return near
    along, squares = _projected(matrix, different, block)
    order = np.argsort(along, kind="stable")
    index, along, squares = different[order], along[order], squares[order]
    # A tolerance goes by the length of the later row, which for near rows is that of either to a thousandth.
    reach = np.searchsorted(along, along + 1.01 * NEAR * np.sqrt(squares), side="right")
    for low in range(0, len(index), block):
        mine = slice(low, low + block)
        x = np.asarray(matrix[index[mine]], dtype=np.float64)
        for start in range(low, int(reach[mine].max()), block):
            other = slice(start, start + block)
            y = np.asarray(matrix[index[other]], dtype=np.float64)
            # What is near is a millionth of the squares, so their difference keeps nine digits.
            apart = squares[mine, None] + squares[other] - 2 * (x @ y.T)
            first, second = index[mine, None], index[other]
            near[index[mine]] |= ((second < first) & (apart <= NEAR**2 * squares[mine, None])).any(axis=1)
            near[index[other]] |= ((first < second) & (apart <= NEAR**2 * squares[other])).any(axis=0)
    return near


def _projected(
    matrix: Num[np.ndarray, "n d"], index: Int[np.ndarray, " m"], block: int
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Projections of some rows on the direction in which a few of them differ most, and their squared lengths.

    Any direction would do; this one spreads the rows, so that few are within reach of each other.
    """
    few = np.asarray(matrix[index[:: -(-len(index) // min(SAMPLE, block))]], dtype=np.float64)
    direction = np.linalg.svd(few - few.mean(axis=0), full_matrices=False)[2][0]
    along, squares = np.empty(len(index)), np.empty(len(index))
    for start in range(0, len(index), block):
        part = slice(start, start + block)
        rows = np.asarray(matrix[index[part]], dtype=np.float64)
        along[part], squares[part] = rows @ direction, np.einsum("nd,nd->n", rows, rows)
    return along, squares
