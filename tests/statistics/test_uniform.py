"""Chance as it should be: p-values of unrelated representations are uniform, calibrated scores zero on average."""

import numpy as np
import pytest
from scipy import stats

from likewise.measures import REGISTRY, Configuration
from likewise.representation import Representation
from likewise.statistics import Trust, score_block

PAIRS = 200
DEFAULTS = [Configuration(name, {}) for name, m in REGISTRY.items() if ":" not in name and m.facts(**m.defaults).paired]
WIDE = [c for c in DEFAULTS if not c.facts.undefined_if_wide]


def unrelated(n: int, d: int, flat: bool, seed: int) -> list[Representation]:
    rng = np.random.default_rng([n, d, seed])
    spectrum = np.ones(d) if flat else np.arange(1, d + 1) ** -0.5
    return [Representation(rng.normal(size=(n, d)) * spectrum, name=name) for name in "ab"]


@pytest.mark.parametrize("null", ["moments", "shuffles"])
@pytest.mark.parametrize("flat", [True, False], ids=["flat", "power law"])
@pytest.mark.parametrize(("n", "d", "chosen"), [(24, 40, WIDE), (30, 5, DEFAULTS)], ids=["n < d", "n > d"])
def test_pvalues_of_unrelated_rows_are_uniform(n, d, chosen, flat, null):
    chosen = [c for c in chosen if null == "shuffles" or (c.product and c.product.score == "linear")]
    if null == "shuffles":  # four ways to be unrelated, each for another part of the catalogue: all would take an hour
        chosen = chosen[2 * flat + (n > d) :: 4]
    pvalues: dict[str, list[float]] = {c.label: [] for c in chosen}
    calibrated: dict[str, list[float]] = {c.label: [] for c in chosen}
    for seed in range(PAIRS):
        trust = Trust(null, 0 if null == "moments" else 19, seed=seed, groups=0)
        for row in score_block(unrelated(n, d, flat, seed), [(0, 1)], chosen, trust):
            label = Configuration.from_json(row.measure, row.parameters).label
            if (row.a, row.b) == ("a", "b"):
                pvalues[label].append(row.pvalue)
                calibrated[label].append(row.calibrated)
    for label, found in pvalues.items():
        assert len(found) == PAIRS
        # Those of 19 shuffles are multiples of 1/20: spread evenly below, they are uniform where the multiples are.
        spread = np.random.default_rng(0).uniform(size=PAIRS) / 20 if null == "shuffles" else 0
        assert stats.kstest(np.asarray(found) - spread, "uniform").pvalue > 0.001, label
        known = np.asarray([c for c in calibrated[label] if c is not None])
        assert abs(known.mean()) < 4 * known.std() / len(known) ** 0.5 + 1e-9, label
