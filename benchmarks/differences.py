"""How often intervals of differences and sets of ranks hold the truth, and how often equal scores are told apart.

One base and some copies, each the same rows with noise of its own. Differences: two copies of unequal and of equal
noise. Ranks: four copies of growing noise, and the sets of all four at once. A cell is a law, a number of inputs and a
number of features, as in ``intervals.py``. The true differences are the means over all draws.
"""

import argparse
import functools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from intervals import PER_TOPIC
from threadpoolctl import threadpool_limits

from likewise.inference import Estimates, all_differences, difference, left_out, rank_sets
from likewise.measures import configurations
from likewise.representation import Representation
from likewise.scoring import Trust, score_block

MEASURES = ("cka", "procrustes", "jaccard", "aligned_cosine")
CELLS = ("gaussian:60x16", "gaussian:164x16", "t3:164x16", "topics-given:160x16")
NOISES = (0.5, 0.5, 0.65, 0.8)
"""Of the copies: the first two are equally near."""


def copies(law: str, n: int, d: int, rng: np.random.Generator) -> list[Representation]:
    """Draw n inputs of the base and of its copies."""
    spectrum = np.arange(1, d + 1) ** -0.5
    topic = np.arange(n) // PER_TOPIC

    def drawn() -> np.ndarray:
        rows = rng.normal(size=(n, d)) * spectrum
        if law == "t3":
            rows /= np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)
        if law.startswith("topics"):
            rows = np.sqrt(0.5) * (rng.normal(size=(topic[-1] + 1, d)) * spectrum)[topic] + np.sqrt(0.5) * rows
        return rows

    base = drawn()
    groups = topic.astype(str).tolist() if law == "topics-given" else ()
    sides = [base, *(base + noise * drawn() for noise in NOISES)]
    return [Representation(side, name=str(k), groups=groups) for k, side in enumerate(sides)]


def tested(law: str, n: int, d: int, measures: Sequence[str], draw: int) -> list[list[float]]:
    """Differences, intervals and ranks of one draw, for each measure."""
    threadpool_limits(1)
    sides = copies(law, n, d, np.random.default_rng([n, d, draw, len(law)]))
    pairs = [(0, k) for k in range(1, len(sides))]
    results = score_block(sides, pairs, configurations(measures), Trust("none", 0, seed=draw))
    found = []
    for configuration in configurations(measures):
        rows = [k for k, row in enumerate(results) if row.measure == configuration.measure]
        scores = left_out(results, rows)
        equal, unequal = difference(scores[0], scores[1]), difference(scores[1], scores[2])
        estimates = Estimates.of(scores)
        corrected = all_differences(estimates, draws=999, seed=draw)
        sets = rank_sets(estimates, more_alike=configuration.facts.more_alike, draws=999, seed=draw)
        # Of the two that are equally near, either rank is a true one: a set holds both, or it is wrong.
        truth = np.asarray([[1, 2], [1, 2], [3, 3], [4, 4]])
        held = ((sets.low <= truth[:, 0]) & (truth[:, 1] <= sets.high)).all()
        found.append(
            [unequal.value, unequal.low, unequal.high, equal.pvalue, corrected.corrected[0], unequal.pvalue, held]
        )
    return found


def rates(
    cell: str, draws: int, measures: Sequence[str], workers: int
) -> list[tuple[str, float, float, float, float, float]]:
    """Return for each measure: coverage of a difference, false alarms, power, corrected ones, coverage of all ranks."""
    law, _, size = cell.partition(":")
    n, d = map(int, size.split("x"))
    job = functools.partial(tested, law, n, d, measures)
    with ProcessPoolExecutor(workers) as pool:
        rows = np.asarray(list(pool.map(job, range(draws), chunksize=4)), dtype=float)
    value, low, high, equal, corrected, unequal, held = np.moveaxis(rows, 2, 0)
    expected = value.mean(axis=0)
    covered = ((low <= expected) & (expected <= high)).mean(axis=0)
    shares = ((equal <= 0.05).mean(axis=0), (corrected <= 0.05).mean(axis=0), (unequal <= 0.05).mean(axis=0))
    labels = [c.label for c in configurations(measures)]
    return list(zip(labels, covered, *shares, held.mean(axis=0), strict=True))


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", nargs="+", default=CELLS)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--measure", nargs="+", default=MEASURES)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"{given.draws} draws a cell", flush=True)
    print("| cell | measure | difference held | equal told apart | among all pairs | power | all ranks held |")
    print("|---|---|---|---|---|---|---|")
    for cell in given.cell:
        for label, *shares in rates(cell, given.draws, given.measure, given.workers):
            print(f"| {cell} | {label} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main()
