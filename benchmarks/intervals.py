"""How often 95 % intervals hold the score to be expected: Gaussian pairs of known covariance, drawn again and again.

Both sides are linear maps of a common Gaussian vector with a power-law spectrum, plus noise of their own. The
expectation of a score at n inputs is taken to be the mean over all draws. Nominal is 95 %.
"""

import argparse
import functools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from likewise.measures import configurations
from likewise.representation import Representation
from likewise.statistics import Trust, score_block

MEASURES = ("cka", "cka(debiased=True)", "procrustes", "rsa", "jaccard")


def pair(n: int, d: int, rng: np.random.Generator) -> list[Representation]:
    """Draw n inputs of both sides; the maps are the same for all draws."""
    maps = np.random.default_rng(0)
    spectrum = np.arange(1, d + 1) ** -0.5
    common = rng.normal(size=(n, d)) * spectrum
    sides = (common @ np.linalg.qr(maps.normal(size=(d, d))).Q + rng.normal(size=(n, d)) * spectrum * 0.7 for _ in "ab")
    return [Representation(side, name=name) for name, side in zip("ab", sides, strict=True)]


def score(n: int, d: int, groups: int, measures: Sequence[str], draw: int) -> list[tuple[float | None, ...]]:
    """Score and interval of each measure in one draw."""
    threadpool_limits(1)
    both = pair(n, d, np.random.default_rng([n, draw]))
    found = score_block(both, [(0, 1)], configurations(measures), Trust("none", 0, seed=draw, groups=groups))
    return [(c.value, c.low, c.high) for c in found]


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[164, 1267])
    parser.add_argument("--d", type=int, default=64)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--measure", nargs="+", default=MEASURES)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"d = {given.d}, {given.draws} draws, {given.groups} groups left out in turn")
    print("| inputs | measure | coverage | mean score | deviation over draws | mean half width / 1.96 |")
    print("|---|---|---|---|---|---|")
    for n in given.n:
        job = functools.partial(score, n, given.d, given.groups, given.measure)
        with ProcessPoolExecutor(given.workers) as pool:
            rows = list(pool.map(job, range(given.draws)))
        values, lows, highs = np.moveaxis(np.asarray(rows), 2, 0)
        expected, deviation = values.mean(axis=0), values.std(axis=0, ddof=1)
        covered = ((lows <= expected) & (expected <= highs)).mean(axis=0)
        half = (highs - lows).mean(axis=0) / 2 / 1.96
        for label, *numbers in zip(given.measure, covered, expected, deviation, half, strict=True):
            print(
                f"| {n:,} | {label} | {numbers[0]:.1%} | {numbers[1]:.4f} | {numbers[2]:.4f} | {numbers[3]:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
