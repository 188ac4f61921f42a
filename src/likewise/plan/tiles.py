"""Pairs that are missing, gathered into blocks."""

import itertools
import math
from collections.abc import Mapping, Sequence

MEMORY = 2**30
"""Bytes that the prepared representations of one tile may take."""

MATRICES = 11
"""Matrices of n x n that the preset `paper` keeps of a representation, its rows not counted."""

TILES_ACROSS = 16
"""Blocks along one side of the table of pairs: enough tiles to share among workers, few enough to prepare anew."""


def block_size(count: int, n_items: int | None) -> int:
    """Representations along one side of a tile, for ``count`` of them in all with ``n_items`` rows each.

    A prepared representation holds about eleven matrices of n x n: Gram matrices, distances, ranks, factors. A tile
    has one pair at least.
    """
    wanted = max(2, math.ceil(count / TILES_ACROSS))
    if n_items is None:
        return wanted
    fits = MEMORY // (2 * MATRICES * 8 * n_items**2)
    return max(1, min(wanted, fits))


def blocks_of_pairs(
    keys: Sequence[str], missing: Mapping[tuple[str, str], tuple[str, ...]], n_items: int | None
) -> list[tuple[tuple[tuple[str, str], ...], tuple[str, ...]]]:
    """Group the missing pairs by block of the table of pairs, and by the measures that they miss.

    The blocks depend on the order of ``keys`` alone, so a run that was stopped is taken up with the same tiles.

    Returns
    -------
    list of (pairs, measures)
    """
    size = block_size(len(keys), n_items)
    groups: dict[tuple[int, int, tuple[str, ...]], list[tuple[str, str]]] = {}
    for (i, a), (j, b) in itertools.combinations(enumerate(keys), 2):
        if measures := missing.get((a, b)):
            groups.setdefault((i // size, j // size, measures), []).append((a, b))
    return [(tuple(pairs), measures) for (_, _, measures), pairs in groups.items()]
