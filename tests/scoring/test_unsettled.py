"""An interval holds the scores under choices that another sample may make."""

import itertools

import numpy as np
import pytest
import scipy

from likewise.chance import Reason, Reasons
from likewise.measures import Configuration
from likewise.measures.leading import both_below, exchanges
from likewise.quantities import Prepared
from likewise.scoring import compare


def sides(ratio: float, n: int = 80, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Two noisy copies of two directions whose variances have a ratio."""
    rng = np.random.default_rng(seed)
    common = np.linalg.qr(rng.normal(size=(n, 2))).Q * [ratio**0.5, 1] * n**0.5
    return tuple(common + 0.1 * rng.normal(size=(n, 2)) for _ in range(2))


def test_the_interval_holds_the_scores_of_directions_of_nearly_one_variance() -> None:
    x, y = sides(1.1)
    (row,) = results = compare({"x": x, "y": y}, "svcca(k=1)", permutations=0)
    rivals = Configuration.parse("svcca(k=1)").rivals(Prepared(x), Prepared(y))
    assert row.value > 0.9 > min(rivals)
    assert (row.low, row.high) == (min(rivals), pytest.approx(row.high)) and row.high > row.value
    assert Reasons(row.reason).has(Reason.UNSETTLED) and Reasons(row.reason).is_note
    assert results.replicates("without") == [None]  # these inputs alone do not show how much the score varies


def test_with_another_variance_the_score_would_jump() -> None:
    """So the mean over samples lies between the scores of both, which a jackknife of one sample misses."""
    found, held = [], []
    for seed in range(60):
        x, y = sides(1.1, seed=seed)
        (row,) = compare({"x": x, "y": y}, "svcca(k=1)", permutations=0)
        found.append(row.value)
        held.append((row.low, row.high))
    low, high = np.asarray(held).T
    assert np.ptp(found) > 0.4
    assert ((low <= np.mean(found)) & (np.mean(found) <= high)).mean() >= 0.95


@pytest.mark.parametrize(("ratio", "k"), [(9.0, 1), (1.1, 2)])
def test_directions_that_are_apart_or_all_kept_have_one(ratio, k) -> None:
    x, y = sides(ratio)
    (row,) = compare({"x": x, "y": y}, f"svcca(k={k})", permutations=0)
    assert row.low < row.value < row.high and row.reason == ""


def test_rivals_are_the_scores_with_the_next_direction() -> None:
    x, y = sides(1.1)
    a, b = (np.linalg.svd(m - m.mean(axis=0), full_matrices=False)[0] for m in (x, y))
    found = Configuration.parse("svcca(k=1)").rivals(Prepared(x), Prepared(y))
    expected = [abs(a[:, i] @ b[:, j]) for i, j in ((0, 1), (1, 0), (1, 1))]
    assert sorted(found) == pytest.approx(sorted(expected))
    assert Configuration.parse("cka").rivals is None


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-4])
def test_near_copies_change_places_together(noise) -> None:
    """So neither is taken beside the other as it was, and the interval stays short."""
    x, _ = sides(1.1)
    y = x + noise * np.random.default_rng(0).normal(size=x.shape)
    (row,) = compare({"x": x, "y": y}, "svcca(k=1)", permutations=0)
    assert 1 - 10 * noise - 1e-9 < row.low <= row.value <= row.high <= 1


def test_shares_of_samples_are_those_of_draws() -> None:
    rng = np.random.default_rng(0)
    for z_x, z_y, correlation in ((0.5, 1.0, 0.8), (2.0, 0.3, -0.4), (1.0, 1.0, 0.999), (0.7, np.inf, 0.0)):
        drawn = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=400_000)
        first, second = (drawn < [-z_x, -z_y]).T
        found = exchanges(z_x, z_y, correlation)
        expected = {(1, 0): first & ~second, (0, 1): ~first & second, (1, 1): first & second}
        for on, share in expected.items():
            assert found[on] == pytest.approx(share.mean(), abs=0.003)


def test_the_standard_error_of_the_gap_is_that_over_samples() -> None:
    """Of normal variables the logarithm of a ratio of sample variances has the variance 4 / n."""
    rng, n, found, gaps = np.random.default_rng(0), 400, [], []
    for _ in range(1500):
        rows = rng.normal(size=(n, 2)) * [2, 1]
        u, s, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        found.append(n / (n - 1) * ((u[:, 0] ** 2 - u[:, 1] ** 2) ** 2).sum())
        gaps.append(2 * np.log(s[0] / s[1]))
    assert np.mean(found) == pytest.approx(4 / n, rel=0.05)
    assert np.var(gaps) == pytest.approx(4 / n, rel=0.12)


@pytest.mark.parametrize("correlation", [-0.999, -0.4, 0.0, 0.7, 0.999])
def test_the_share_of_two_normal_variables_is_that_of_scipy(correlation) -> None:
    law = scipy.stats.multivariate_normal(cov=[[1.0, correlation], [correlation, 1.0]])
    for a, b in itertools.product((-3.0, -1.1, -0.1, 0.0, 0.2, 1.0, 3.5), repeat=2):
        assert both_below(a, b, correlation) == pytest.approx(law.cdf([a, b]), abs=1e-12)
