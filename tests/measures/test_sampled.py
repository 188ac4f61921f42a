"""What a table of all pairs of items cannot hold is refused at once, and a sample of pairs offered."""

import numpy as np
import pytest

from likewise.errors import UndefinedError
from likewise.measures import Configuration, get
from likewise.measures.rsm import _sample
from likewise.quantities import prepared
from likewise.scoring import compare


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


@pytest.mark.parametrize("massive", [1.0, 1e5])
def test_a_debiased_kernel_says_what_memory_one_massive_row_takes(monkeypatch, massive, rng) -> None:
    """Without such a row it goes by features; with it a number for each pair is needed, several times over."""
    x = rng.normal(size=(400, 8))
    x[5] *= massive
    y = x + rng.normal(size=x.shape)
    monkeypatch.setattr(prepared, "memory", lambda: 30 * 400**2)
    (row,) = compare({"x": x, "y": y}, "cka(debiased=True)", permutations=0, groups=0)
    assert (row.value is None) == (massive > 1)
    if massive > 1:
        assert "a number for each pair of 400 items takes" in row.reason
