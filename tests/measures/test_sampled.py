"""What a table of all pairs of items cannot hold is refused at once, and a sample of pairs offered."""

import numpy as np
import pytest

from likewise.errors import UndefinedError
from likewise.measures import Configuration, get
from likewise.measures.rsm import _sample
from likewise.quantities import prepared


def test_a_table_that_memory_cannot_hold_is_refused_before_it_is_made(monkeypatch) -> None:
    monkeypatch.setattr(prepared, "memory", lambda: 2**20)
    x = np.random.default_rng(0).normal(size=(300, 4))
    for name in ("rsa", "distance_correlation", "cknna"):
        with pytest.raises(UndefinedError, match="a number for each pair of 300 items takes .* GiB,.*sampled_rsa"):
            Configuration.parse(name)(x, x + 1)


@pytest.mark.parametrize("outer", ["spearman", "pearson"])
@pytest.mark.parametrize("inner", ["cosine", "euclidean"])
def test_a_sample_of_pairs_has_the_error_that_is_said(inner, outer) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5))
    y = x + rng.normal(size=(200, 5))
    whole = get("rsa")(x, y, inner=inner, outer=outer)
    found = np.asarray([get("sampled_rsa")(x, y, pairs=1500, seed=s, inner=inner, outer=outer) for s in range(60)])
    assert abs(found - whole).max() > 0
    assert (abs(found - whole) <= 2 * (1 - whole**2) / 1500**0.5).mean() >= 0.85


def test_pairs_are_different_ones() -> None:
    for n, pairs in ((5, 9), (30, 400), (1000, 2000)):
        first, second = _sample(n, pairs, seed=3)
        assert (first < second).all() and len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(first)
        assert len(first) == min(pairs, n * (n - 1) // 2)
