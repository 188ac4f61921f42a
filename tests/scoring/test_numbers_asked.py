"""Numbers that are asked for: those that no table, memory or life is long enough for are refused in a line."""

import numpy as np
import pytest

import likewise
from likewise.errors import InputError
from likewise.fields import MOST_DRAWN, MOST_SEED
from likewise.scoring import Trust, best_layers, learning_curve

X, Y = np.random.default_rng(0).normal(size=(2, 14, 3))
PAIR = {"x": X, "y": Y}
TOO_MANY = [MOST_DRAWN + 1, 2**31, 2**63, 10**40]


@pytest.mark.parametrize("count", [*TOO_MANY, -1, True, 1.5])
@pytest.mark.parametrize("name", ["permutations", "groups", "draws"])
def test_counts_out_of_range_are_refused(name: str, count: int) -> None:
    calls = {
        "permutations": [
            lambda: likewise.compare(PAIR, "cka", permutations=count),
            lambda: best_layers({"x": {"0": X}, "y": {"0": Y}}, "cka", permutations=count),
            lambda: learning_curve(PAIR, "cka", permutations=count),
            lambda: Trust(permutations=count),
        ],
        "groups": [lambda: likewise.compare(PAIR, "cka", groups=count), lambda: Trust(groups=count)],
        "draws": [lambda: learning_curve(PAIR, "cka", draws=count)],
    }
    for call in calls[name]:
        with pytest.raises(InputError, match=f"^{name}=.*; expected a whole number, ") as said:
            call()
        assert ("at most 1,000,000" in str(said.value)) == (count in TOO_MANY)


@pytest.mark.parametrize("seed", [MOST_SEED + 1, -1])
def test_seeds_out_of_range_are_refused(seed: int) -> None:
    for call in (lambda: likewise.compare(PAIR, "cka", rng=seed), lambda: learning_curve(PAIR, "cka", seed=seed)):
        with pytest.raises(InputError, match="seed=.*; expected a whole number, "):
            call()


def test_the_largest_seed_is_kept() -> None:
    (row,) = likewise.compare(PAIR, "cka", null="shuffles", permutations=3, groups=0, rng=MOST_SEED)
    assert row.seed == MOST_SEED
