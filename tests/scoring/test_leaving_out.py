"""Which inputs are left out together: each of them once; of very many, those that follow each other."""

import numpy as np
import pytest

from likewise.quantities import BLOCK
from likewise.scoring import leave_out
from likewise.scoring.leaving_out import blocks_left_out


@pytest.mark.parametrize("groups", [5, 20, 31, 60])
@pytest.mark.parametrize("n", [5, 100, 20 * BLOCK - 1, 20 * BLOCK, 30 * BLOCK + 3])
def test_each_input_is_left_out_once_and_blocks_as_a_whole(n, groups) -> None:
    kept = leave_out(n, groups, 3)
    out = [np.flatnonzero(np.bincount(items, minlength=n) == 0) for items in kept]
    assert len(out) == min(n, groups) and np.array_equal(np.sort(np.concatenate(out)), np.arange(n))
    sizes = [len(items) for items in out]
    assert max(sizes) - min(sizes) <= 1
    parts = blocks_left_out(n, groups, 3)
    assert (parts is not None) == (n >= 20 * BLOCK and groups <= n // BLOCK)
    if parts is not None:
        for group, items in enumerate(out):
            blocks, counts = np.unique(items // BLOCK, return_counts=True)
            whole = blocks[counts == BLOCK]
            assert len(whole) >= n // BLOCK // groups and set(np.flatnonzero(parts[1] == group)) <= set(whole)
            beside = items[parts[1][items // BLOCK] < 0]
            left = np.flatnonzero(parts[1][np.arange(n) // BLOCK] < 0)
            assert len(beside) <= 1 or np.ptp(np.searchsorted(left, beside)) == len(beside) - 1  # one after the other
    assert n == 5 or any(not np.array_equal(a, b) for a, b in zip(kept, leave_out(n, groups, 4), strict=True))


def test_blocks_show_how_much_a_mean_of_dependent_inputs_varies() -> None:
    """Of rows that lean on the one before, as tokens of a text do; single rows show a nineteenth."""
    n, lean, rng = 32 * BLOCK, 0.9, np.random.default_rng(0)
    kept = leave_out(n, 20, 0)
    means, told = [], []
    for _ in range(100):
        rows = np.convolve(rng.normal(size=n), lean ** np.arange(100))[:n]
        without = np.asarray([rows[items].mean() for items in kept])
        means.append(rows.mean())
        told.append(19 / 20 * ((without - without.mean()) ** 2).sum())
    assert np.mean(told) == pytest.approx(np.var(means), rel=0.35)
