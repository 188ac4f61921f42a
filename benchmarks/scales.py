"""Whether another scale mends the intervals of the normalised ``rsm_difference``: coverage by what is left out.

The score is computed from sums over the distances, also without each input; the laws are those of ``intervals.py``.

    python benchmarks/scales.py --draws 500
"""

import argparse
from collections.abc import Callable

import numpy as np
from intervals import pair
from scipy import stats
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import threadpool_limits

from likewise.scoring.jackknife import degrees

GROUPS = 20
SCALES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "score": lambda v, n: v,
    "logarithm": lambda v, n: np.log(v),
    "logit, of sqrt(2 n)": lambda v, n: np.log(v) - np.log(np.sqrt(2 * n) - v),
    "inverse": lambda v, n: 1 / v,
}


def score(n: int | np.ndarray, own_x: np.ndarray, own_y: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """From sums over all entries of D * D, E * E, D * E; the squared norm of the rows is that of D over 2 n."""
    return np.sqrt(2 * n - 2 * n * inner / np.sqrt(own_x * own_y))


def drawn(law: str, n: int, d: int, draw: int) -> tuple[float, np.ndarray, np.ndarray]:
    """The score of one draw, without each input, and without each group."""
    rng = np.random.default_rng([n, d, draw, len(law)])
    x, y = (squareform(pdist(side.matrix)) for side in pair(law, n, d, rng))
    products = (x * x, y * y, x * y)
    sums, rows = [p.sum() for p in products], [p.sum(axis=1) for p in products]
    each = score(n - 1, *(s - 2 * r for s, r in zip(sums, rows, strict=True)))
    of = rng.permutation(n) % GROUPS
    kept = [of != g for g in range(GROUPS)]
    groups = [score(k.sum(), *(p[np.ix_(k, k)].sum() for p in products)) for k in kept]
    return float(score(n, *sums)), each, np.asarray(groups)


def half_of(left: np.ndarray) -> np.ndarray:
    """Half the width of the intervals from what is left without each input, or each group."""
    g = left.shape[1]
    moves = np.sqrt((g - 1) / g) * (left - left.mean(axis=1)[:, None])
    return np.asarray(stats.t.ppf(0.975, degrees(moves)) * np.sqrt((moves**2).sum(axis=1)))


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", nargs="+", default=("t3:164x16", "gaussian:164x16"))
    parser.add_argument("--draws", type=int, default=500)
    given = parser.parse_args()
    print("| cell | left out | scale | held, moved to the scale | held, computed on it |\n|---|---|---|---|---|")
    for cell in given.cell:
        law, _, size = cell.partition(":")
        n, d = map(int, size.split("x"))
        with threadpool_limits(1):
            value, each, groups = map(np.asarray, zip(*(drawn(law, n, d, k) for k in range(given.draws)), strict=True))
        for name, left in (("each input", each), ("groups", groups)):
            for scale, of in SCALES.items():
                off = np.abs(of(value, n) - of(value.mean(), n))
                slope = np.abs(of(value * (1 + 1e-6), n) - of(value * (1 - 1e-6), n)) / (2e-6 * value)
                held = [off <= half for half in (slope * half_of(left), half_of(of(left, n)))]
                print(
                    f"| {cell} | {name} | {scale} | " + " | ".join(f"{h.mean():.1%}" for h in held) + " |", flush=True
                )


if __name__ == "__main__":
    main()
