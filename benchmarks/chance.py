"""Whether chance is chance: p-values of unrelated Gaussian pairs are uniform, calibrated scores zero on average.

Flat and power-law spectra, as wide as language models are. Measures that match features one to one are scored at 512
features, those that are undefined for more features than items at a quarter of the items, and rtd with 4 shuffles.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from likewise.measures import REGISTRY, Configuration
from likewise.representation import Representation
from likewise.scoring import Trust, score_block

NARROW = 512
"""Features where an assignment of all of them is solved for each shuffle."""

SHUFFLES = {"rtd": 4}
"""Fewer where one score takes a third of a second."""


def configurations(gathered: bool, named: Sequence[str] = ()) -> list[Configuration]:
    """Defaults of every measure that has a chance level, or of those whose shuffle is a gather; or those named."""
    if named:
        return list(map(Configuration.parse, named))
    defaults = [Configuration(name, {}) for name, m in REGISTRY.items() if ":" not in name]
    paired = [c for c in defaults if c.facts.paired]
    of_gathers = ("neighbourhood", "kernel", "rsm")
    costly = ("nbs", "imd", "cknna")
    return [c for c in paired if not gathered or (REGISTRY[c.measure].family in of_gathers and c.measure not in costly)]


def groups(chosen: list[Configuration], n: int, d: int) -> Iterator[tuple[int, int, list[Configuration]]]:
    """Configurations that are scored together: (features, shuffles, configurations)."""
    found: dict[tuple[int, int], list[Configuration]] = {}
    for c in chosen:
        matches = REGISTRY[c.measure].family == "matching"
        width = n // 4 if c.facts.undefined_if_wide else min(d, NARROW) if matches else d
        found.setdefault((width, SHUFFLES.get(c.measure, 19)), []).append(c)
    return ((*of, some) for of, some in found.items())


def score(
    n: int, d: int, gathered: bool, flat: bool, named: Sequence[str], seed: int
) -> dict[str, tuple[float, float]]:
    """Score a pair: {configuration: (p-value, spread evenly below; calibrated score)}."""
    threadpool_limits(1)
    rng = np.random.default_rng([n, d, flat, seed])
    found = {}
    for width, shuffles, some in groups(configurations(gathered, named), n, d):
        spectrum = np.ones(width) if flat else np.arange(1, width + 1) ** -0.5
        pair = [Representation(rng.normal(size=(n, width)) * spectrum, name=name) for name in "ab"]
        for null, drawn in (("moments", 0), ("shuffles", shuffles)):
            chosen = [c for c in some if null == "shuffles" or (c.product and c.product.score == "linear")]
            if not chosen:
                continue
            for row in score_block(pair, [(0, 1)], chosen, Trust(null, drawn, seed=seed, groups=0)):
                if row.a == "a" and row.pvalue is not None and row.calibrated is not None:
                    label = f"{Configuration.from_json(row.measure, row.parameters).label} | {null}"
                    spread = rng.uniform() / (drawn + 1) if drawn else 0.0
                    found[label] = (row.pvalue - spread, row.calibrated)
    return found


def main() -> None:
    """Draw, score, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[164, 1267])
    parser.add_argument("--d", type=int, default=4096)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--measure", nargs="+", default=[], help="these alone")
    parser.add_argument("--seed", type=int, default=0, help="of the first pair")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(
        f"{given.pairs} pairs, {given.d} features; p of Kolmogorov and Smirnov's test against the uniform distribution"
    )
    print("| inputs | spectrum | measure | null | p of uniform | mean calibrated | its standard error |")
    print("|---|---|---|---|---|---|---|")
    lowest, largest, count = 1.0, 0.0, 0
    for n in given.n:
        for flat in (True, False):
            with ProcessPoolExecutor(given.workers) as pool:
                seeds = range(given.seed, given.seed + given.pairs)
                jobs = [pool.submit(score, n, given.d, n > 500, flat, given.measure, seed) for seed in seeds]
                rows = [job.result() for job in jobs]
            for label in rows[0]:
                pvalues, calibrated = np.asarray([row[label] for row in rows if label in row]).T
                uniform = stats.kstest(pvalues, "uniform").pvalue
                mean, error = calibrated.mean(), calibrated.std(ddof=1) / len(calibrated) ** 0.5
                lowest, largest, count = min(lowest, uniform), max(largest, abs(mean)), count + 1
                where = f"| {n:,} | {'flat' if flat else 'power law'} | {label}"
                print(f"{where} | {uniform:.3f} | {mean:+.5f} | {error:.5f} |", flush=True)
    print(f"\n{count} rows: smallest p {lowest:.4f}; largest mean calibrated score {largest:.5f}")


if __name__ == "__main__":
    main()
