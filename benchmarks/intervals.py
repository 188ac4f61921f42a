"""How often 95 % intervals hold the score to be expected: pairs of known laws, drawn again and again.

Both sides are linear maps of a common vector with a power-law spectrum, plus noise of their own. A cell is a law, a
number of inputs and a number of features: ``gaussian:164x16``; ``t3`` divides each row by the root of a chi-square
with three degrees of freedom; ``topics`` are 8 inputs to a topic, which share most of what both sides represent, with
intervals from inputs (``topics``) or from whole topics (``topics-given``). The expectation of a score is taken to be
the mean over all draws.

The table of all presets takes an hour or two. It can be stopped and started again: lines that FILE has are kept.

    python benchmarks/intervals.py --draws 500 --measure paper resi platonic recommended --table FILE
"""

import argparse
import functools
import itertools
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from likewise.measures import PRESETS, Configuration, configurations
from likewise.representation import Representation
from likewise.scoring import Trust, score_block

MEASURES = ("paper", "resi", "platonic", "recommended")
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


def score(
    law: str, n: int, d: int, groups: int, configuration: Configuration, draw: int
) -> tuple[float | None, float | None, float | None]:
    """Score and interval of a measure in one draw; of both orders of a pair, the last."""
    both = pair(law, n, d, np.random.default_rng([n, d, draw, len(law)]))
    row = list(score_block(both, [(0, 1)], [configuration], Trust("none", 0, seed=draw, groups=groups)))[-1]
    return row.value, row.low, row.high


def line(cell: str, configuration: Configuration, draws: int, groups: int, pool: Executor) -> str:
    """Draw and count: one line of the table."""
    law, _, size = cell.partition(":")
    n, d = map(int, size.split("x"))
    job = functools.partial(score, law, n, d, groups, configuration)
    value, low, high = np.asarray(list(pool.map(job, range(draws), chunksize=4)), dtype=float).T
    value, told = value[~np.isnan(value)], ~np.isnan(low)
    expected = value.mean() if len(value) else np.nan
    low, high = low[told], high[told]
    held, half = ((low <= expected) & (expected <= high)).mean(), (high - low).mean() / 2 / 1.96
    shown = (f"{held:.1%}", f"{half:.4g}") if told.any() else ("–", "–")
    deviation = value.std(ddof=1) if len(value) > 1 else np.nan
    cells = (*_key(cell, configuration, draws), f"{told.mean():.1%}", shown[0])
    return _line(*cells, f"{expected:.4g}", f"{deviation:.4g}", shown[1])


def _key(cell: str, configuration: Configuration, draws: int) -> tuple[str, str, str]:
    return cell, configuration.label, str(draws)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


HEADER = (
    _line("cell", "measure", "draws", "have an interval", "of these it holds", "mean score", "deviation over draws",
          "mean half width / 1.96"),
    _line(*["---"] * 8),
)  # fmt: skip


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", nargs="+", default=CELLS)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--groups", type=int, default=20, help="groups left out, for measures that need them")
    parser.add_argument("--measure", nargs="+", default=MEASURES, help=f"measures or presets: {', '.join(PRESETS)}")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", type=Path, help="file that lines are added to; those it has are not drawn again")
    given = parser.parse_args()
    lines = given.table.read_text(encoding="utf-8").splitlines() if given.table and given.table.exists() else []
    had = {tuple(map(str.strip, line.split("|")[1:4])) for line in lines if line.endswith("|")}  # not one cut short

    def tell(*more: str) -> None:
        print(*more, sep="\n", flush=True)
        if given.table:
            with given.table.open("a", encoding="utf-8") as file:
                file.writelines(f"{text}\n" for text in more)

    if not had:
        tell(*HEADER)
    with ProcessPoolExecutor(given.workers, initializer=threadpool_limits, initargs=(1,)) as pool:
        for cell, configuration in itertools.product(given.cell, configurations(given.measure)):
            if _key(cell, configuration, given.draws) not in had:
                tell(line(cell, configuration, given.draws, given.groups, pool))


if __name__ == "__main__":
    main()
