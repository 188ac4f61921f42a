"""Chance as it should be: p-values of unrelated representations are uniform, calibrated scores zero on average."""

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from likewise.chance import BOUND
from likewise.measures import REGISTRY, Configuration
from likewise.representation import Representation
from likewise.scoring import Trust, score_block

PAIRS = 200
DEFAULTS = [
    Configuration(name, {})
    for name, m in REGISTRY.items()
    if ":" not in name and m.facts(**m.defaults).paired and not m.facts(**m.defaults).needs  # rows of no special kind
]
WIDE = [c for c in DEFAULTS if not c.facts.undefined_if_wide]


def unrelated(n: int, d: int, flat: bool, seed: int) -> list[Representation]:
    rng = np.random.default_rng([n, d, seed])
    spectrum = np.ones(d) if flat else np.arange(1, d + 1) ** -0.5
    return [Representation(rng.normal(size=(n, d)) * spectrum, name=name) for name in "ab"]


@pytest.mark.parametrize(
    "flat", [pytest.param(True, marks=pytest.mark.long("an easier spectrum")), False], ids=["flat", "power law"]
)
@pytest.mark.parametrize(("n", "d"), [(24, 40), (30, 5)], ids=["n < d", "n > d"])
def test_pvalues_of_moments_are_uniform(n, d, flat):
    chosen = [c for c in DEFAULTS if c.product and c.product.score == "linear"]
    pvalues: dict[str, list[float]] = {}
    calibrated: dict[str, list[float]] = {}
    for seed in range(PAIRS):
        for row in score_block(unrelated(n, d, flat, seed), [(0, 1)], chosen, Trust("moments", 0, groups=0)):
            if row.a == "a":
                # A bound is no share of shuffles; whether it is one follows from either side alone.
                pvalues.setdefault(row.measure, []).extend([row.pvalue] if row.reason != BOUND else [])
                calibrated.setdefault(row.measure, []).append(row.calibrated)
    assert len(pvalues) == len(chosen)
    assert min(map(len, pvalues.values())) > PAIRS / 4
    for measure, found in pvalues.items():
        assert stats.kstest(found, "uniform").pvalue > 0.001, measure
        known = np.asarray([c for c in calibrated[measure] if c is not None])
        assert abs(known.mean()) < 4 * known.std() / len(known) ** 0.5 + 1e-9, measure


@pytest.mark.long("200 pairs in every measure, four minutes")
@pytest.mark.parametrize("flat", [True, False], ids=["flat", "power law"])
def test_pvalues_of_shuffles_are_uniform_and_calibrated_scores_zero_at_the_size_of_a_data_set(flat):
    # benchmarks/chance.py has 4,096 features, 1,267 items, and rtd, of which one shuffle takes a third of a second.
    narrow = [c for c in DEFAULTS if c.facts.undefined_if_wide]
    wide = [c for c in WIDE if c.measure != "rtd"]
    pvalues: dict[str, list[float]] = {}
    calibrated: dict[str, list[float]] = {}
    with threadpool_limits(1):  # matrices this small are slower on several
        for seed in range(PAIRS):
            for d, chosen in ((41, narrow), (192, wide)):
                trust = Trust("shuffles", 19, seed=seed, groups=0)
                for row in score_block(unrelated(164, d, flat, seed), [(0, 1)], chosen, trust):
                    if row.a == "a":
                        pvalues.setdefault(row.measure, []).append(row.pvalue)
                        calibrated.setdefault(row.measure, []).append(row.calibrated)
    assert len(pvalues) == len(narrow) + len(wide)
    for measure, found in pvalues.items():
        # Those of 19 shuffles are multiples of 1/20: spread evenly below, they are uniform where the multiples are.
        spread = np.random.default_rng(1).uniform(size=PAIRS) / 20
        # One in a hundred fails alone by luck: the bound is 0.01 for the whole catalogue.
        assert stats.kstest(np.asarray(found) - spread, "uniform").pvalue > 0.01 / len(pvalues), measure
        if not Configuration(measure, {}).facts.undefined_if_equal:  # nothing to calibrate by
            assert abs(np.mean(calibrated[measure])) < 0.01, measure
