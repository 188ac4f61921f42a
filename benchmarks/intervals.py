"""How often 95 % intervals hold the score to be expected: pairs of known laws, drawn again and again.

Both sides are linear maps of a common vector with a power-law spectrum, plus noise of their own. A cell is a law, a
number of inputs and a number of features: ``gaussian:164x16``; ``t3`` divides each row by the root of a chi-square
with three degrees of freedom; ``topics`` are 8 inputs to a topic, which share most of what both sides represent, with
intervals from inputs (``topics``) or from whole topics (``topics-given``). The expectation of a score is taken to be
the mean over all draws.
"""

import argparse
import functools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from likewise.measures import PRESETS, configurations
from likewise.representation import Representation
from likewise.statistics import Trust, score_block

MEASURES = ("paper", "platonic", "recommended")
CELLS = ("gaussian:60x16", "gaussian:164x16", "gaussian:164x64", "t3:164x16", "topics:160x16", "topics-given:160x16")
PER_TOPIC = 8


def pair(law: str, n: int, d: int, rng: np.random.Generator) -> list[Representation]:
    """Draw n inputs of both sides; the maps are the same for all draws."""
    maps = np.random.default_rng(0)
    spectrum = np.arange(1, d + 1) ** -0.5
    topic = np.arange(n) // PER_TOPIC

    def drawn(shared: float) -> np.ndarray:
        rows = rng.normal(size=(n, d)) * spectrum
        if law == "t3":
            rows /= np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)
        if law.startswith("topics"):
            of_topics = rng.normal(size=(topic[-1] + 1, d)) * spectrum
            rows = np.sqrt(shared) * of_topics[topic] + np.sqrt(1 - shared) * rows
        return rows

    common = drawn(0.6)
    turned = (np.linalg.qr(maps.normal(size=(d, d))).Q for _ in "ab")
    sides = [common @ q + 0.7 * drawn(0.5) for q in turned]
    groups = topic.astype(str).tolist() if law == "topics-given" else ()
    return [Representation(side, name=name, groups=groups) for name, side in zip("ab", sides, strict=True)]


def score(law: str, n: int, d: int, groups: int, measures: Sequence[str], draw: int) -> list[tuple[float | None, ...]]:
    """Score and interval of each measure in one draw."""
    threadpool_limits(1)
    both = pair(law, n, d, np.random.default_rng([n, d, draw, len(law)]))
    found = score_block(both, [(0, 1)], configurations(measures), Trust("none", 0, seed=draw, groups=groups))
    labels = [c.label for c in configurations(measures) for _ in range(1 if c.facts.symmetric else 2)]
    chosen = dict(zip(labels, found, strict=True))  # of both orders of a pair, the last
    return [(row.value, row.low, row.high) for row in chosen.values()]


def coverage(
    cell: str, draws: int, groups: int, measures: Sequence[str], workers: int
) -> list[tuple[str, float, float, float, float]]:
    """Return, for each measure: its label, coverage, mean score, deviation over draws, mean half width / 1.96."""
    law, _, size = cell.partition(":")
    n, d = map(int, size.split("x"))
    job = functools.partial(score, law, n, d, groups, measures)
    with ProcessPoolExecutor(workers) as pool:
        rows = np.asarray(list(pool.map(job, range(draws), chunksize=4)), dtype=float)
    values, lows, highs = np.moveaxis(rows, 2, 0)
    expected = values.mean(axis=0)
    # An undefined score, or one without an interval, is counted as not held: NaN compares as false.
    covered = ((lows <= expected) & (expected <= highs)).mean(axis=0)
    half = (highs - lows).mean(axis=0) / 2 / 1.96
    labels = dict.fromkeys(c.label for c in configurations(measures))
    return list(zip(labels, covered, expected, values.std(axis=0, ddof=1), half, strict=True))


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", nargs="+", default=CELLS)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--groups", type=int, default=20, help="groups left out, for measures that need them")
    parser.add_argument("--measure", nargs="+", default=MEASURES, help=f"measures or presets: {', '.join(PRESETS)}")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"{given.draws} draws a cell", flush=True)
    print("| cell | measure | coverage | mean score | deviation over draws | mean half width / 1.96 |")
    print("|---|---|---|---|---|---|")
    for cell in given.cell:
        for label, *numbers in coverage(cell, given.draws, given.groups, given.measure, given.workers):
            print(
                f"| {cell} | {label} | {numbers[0]:.1%} | {numbers[1]:.4f} | {numbers[2]:.4f} | {numbers[3]:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
