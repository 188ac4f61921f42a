"""Pairs that are missing, gathered into blocks."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

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


def blocks_of_pairs(
    count: int, missing: Int[np.ndarray, "m m"], footprint: int | None, longest: int = LONGEST
) -> Iterator[tuple[list[int], list[int], int]]:
    """Cover the missing pairs by rectangles of the table of pairs, each within one block.

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
    (first, second, code)
        Places of the representations; where both lists are the same, each two of them once.
    """
    size = block_size(count, footprint, longest)
    starts = range(0, count, size)
    for top, left in itertools.product(starts, starts):
        if left < top:
            continue
        rows, columns = range(top, min(top + size, count)), range(left, min(left + size, count))
        block = missing[np.ix_(rows, columns)]
        if top == left:
            block = np.triu(block, 1)
            if len(rows) > 1 and len(codes := np.unique(block[np.triu_indices(len(rows), 1)])) == 1 and codes[0]:
                yield list(rows), list(rows), int(codes[0])
                continue
        for code in np.unique(block[block > 0]):
            alike: dict[bytes, list[int]] = {}
            for i, row in zip(rows, block == code, strict=True):
                if row.any():
                    alike.setdefault(row.tobytes(), []).append(i)
            for pattern, first in alike.items():
                chosen = np.frombuffer(pattern, dtype=bool)
                yield first, [j for j, wanted in zip(columns, chosen, strict=True) if wanted], int(code)
