"""Pairs that are missing, gathered into blocks."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import scipy
from jaxtyping import Bool, Int

MEMORY = 5 * 2**29
"""Bytes that the prepared representations of one tile may take: 2.5 GiB for each worker."""

TILES_ACROSS = 4
"""Blocks along one side of a small table of pairs: enough tiles to share among workers, few enough to prepare anew."""

LONGEST = 16
"""Representations along one side of a block at most: a tile that is stopped is lost."""

LONGEST_BY_PRODUCT = 512
"""The same where a tile is one product of matrices."""


def block_size(count: int, footprint: int | None, longest: int = LONGEST) -> int:
    """Representations along one side of a tile, for ``count`` of them in all that take ``footprint`` bytes each.

    A tile holds two sides, and one pair at least.
    """
    wanted = min(longest, max(2, math.ceil(count / TILES_ACROSS)))
    return wanted if footprint is None else max(1, min(wanted, MEMORY // (2 * footprint)))


Only = tuple[tuple[int, int], ...]
"""Some pairs of a tile, by the places of both among its representations."""


def in_company(wanted: Bool[np.ndarray, "m m"]) -> list[int]:
    """Return an order of representations in which those that are compared with one another stand together.

    Such as those of one layer, where models are compared at the same layer: a block then holds whole companies. Within
    a company the order stays.

    Examples
    --------
    >>> at = np.asarray([0, 1, 2, 0, 1, 2])  # two models with three layers
    >>> in_company(np.triu(at[:, None] == at, 1))
    [0, 3, 1, 4, 2, 5]
    """
    if np.count_nonzero(wanted) == len(wanted) * (len(wanted) - 1) // 2:
        return list(range(len(wanted)))  # all are of one company, which is found at once
    _, company = scipy.sparse.csgraph.connected_components(scipy.sparse.csr_array(wanted), directed=False)
    _, first = np.unique(company, return_index=True)
    return [int(place) for place in np.argsort(first[company], kind="stable")]


def blocks_of_pairs(
    count: int, missing: Int[np.ndarray, "m m"], footprint: int | None, longest: int = LONGEST
) -> Iterator[tuple[list[int], list[int], Only, int]]:
    """Cover the missing pairs by blocks of the table of pairs, one for each code in a block.

    The blocks depend on the number of representations alone, so a run that was stopped is taken up with the same tiles.

    Parameters
    ----------
    count : int
        Number of representations.
    missing : array, shape (count, count)
        For each pair i < j a code of what it misses; 0 is nothing.
    footprint : int or None
        Bytes that a prepared representation takes, where they are known.
    longest : int
        Representations along one side of a block at most.

    Yields
    ------
    (first, second, only, code)
        Places of the representations: each of the first with each of the second, and where both lists are the same,
        each two of them once; of these only some, where ``only`` has any.
    """
    size = block_size(count, footprint, longest)
    starts = range(0, count, size)
    for top, left in itertools.product(starts, starts):
        if left < top:
            continue
        rows, columns = range(top, min(top + size, count)), range(left, min(left + size, count))
        block = missing[top : rows.stop, left : columns.stop]
        if top != left and block[0, 0] and np.all(block == block[0, 0]):
            yield list(rows), list(columns), (), int(block[0, 0])  # as nearly all are, where many are compared
            continue
        if top == left:
            block = np.triu(block, 1)
            if len(rows) > 1 and len(codes := np.unique(block[np.triu_indices(len(rows), 1)])) == 1 and codes[0]:
                yield list(rows), list(rows), (), int(codes[0])
                continue
        for code in np.unique(block[block > 0]):
            i, j = np.nonzero(block == code)
            first, second = (np.unique(side) for side in (i, j))
            if top == left and len(np.intersect1d(first, second)):
                first = second = np.union1d(i, j)
            a, b = (np.searchsorted(side, place) for side, place in ((first, i), (second, j)))
            same = first is second
            whole = len(first) * (len(first) - 1) // 2 if same else len(first) * len(second)
            shift = 0 if same else len(first)
            only = () if len(i) == whole else tuple(zip(a.tolist(), (b + shift).tolist(), strict=True))
            yield [rows[k] for k in first], [columns[k] for k in second], only, int(code)
