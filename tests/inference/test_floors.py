"""A copy beside the re-runs of its base."""

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.inference import LeftOut, noise_floor

LAYERS, PROMPTS = 6, 40


def run(rng, size, prompts):
    return [LeftOut.of_mean(size[layer] * prompts * rng.chisquare(8, size=PROMPTS)) for layer in range(LAYERS)]


def test_false_alarms_are_few_and_what_moved_is_found():
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        prompts, size = rng.chisquare(4, size=PROMPTS), np.linspace(1, 3, LAYERS)
        reruns = [run(rng, size, prompts) for _ in range(2)]
        alarms += noise_floor(run(rng, size, prompts), reruns, draws=199).moved.any()
        moved = noise_floor(run(rng, size * [1, 1, 1, 3, 3, 3], prompts), reruns, draws=199)
        assert moved.moved[3:].all()
        assert moved.first_moved is not None
    assert alarms <= 0.05 * 60


def test_numbers_are_those_of_copy_and_largest_rerun():
    rng = np.random.default_rng(0)
    prompts = np.ones(PROMPTS)
    copy, *reruns = (run(rng, np.full(LAYERS, s), prompts) for s in (2.0, 1.0, 0.5))
    found = noise_floor(copy, reruns, draws=499)
    for layer in range(LAYERS):
        floor = max(r[layer].value for r in reruns)
        assert found.floor[layer] == floor
        assert found.ratio[layer] == copy[layer].value / floor
        assert found.low[layer] <= copy[layer].value - floor <= found.high[layer]
    # A score, where more is more alike, has its floor below, and the same verdict.
    turned = [[LeftOut(1 - s.value, 1 - s.values) for s in one] for one in (copy, *reruns)]
    again = noise_floor(turned[0], turned[1:], more_alike=1, draws=499)
    assert again.moved.tolist() == found.moved.tolist()
    assert np.allclose(again.low, -found.high, atol=0.02)
    assert np.allclose(again.floor, 1 - found.floor)


def test_identical_runs():
    zero, some = LeftOut(0.0, np.zeros(9)), LeftOut.of_mean(np.arange(1.0, 10.0))
    found = noise_floor([zero, some], [[zero, zero]], draws=99)
    assert (found.moved.tolist(), found.first_moved) == ([False, True], 1)
    assert np.isnan(found.ratio).all()
    assert noise_floor([zero], [[zero]], draws=99).first_moved is None


def test_refusals():
    some = LeftOut.of_mean(np.arange(9.0))
    with pytest.raises(InputError, match="one re-run or more"):
        noise_floor([some], [])
    with pytest.raises(InputError, match=r"re-runs of \[1\] layers"):
        noise_floor([some, some], [[some]])
