"""How often p-values of the closed form raise a false alarm, on nine families of unrelated data and few inputs.

Both sides are drawn independently, so that a p-value below a level should come up with that probability at most. Pairs
whose closed form is trusted are counted apart from the others, whose p-values `compare` takes from shuffles: what the
closed form would have said of these stands beside. Then the family-wise error of whole tables, and what they find: ten
models, with p-values corrected as in `compare`.
"""

import argparse
import functools
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from likewise.chance import shuffled_moments
from likewise.errors import UndefinedError
from likewise.measures import configurations
from likewise.quantities import OrbitSums, Prepared
from likewise.representation import Representation
from likewise.scoring import Results, Trust, score_block

MEASURES = (
    "cka",
    "cka(debiased=True)",
    "distance_correlation(debiased=True)",
    'rsa(inner="sqeuclidean", outer="pearson")',
    "rsa",
)
LEVELS = (0.05, 0.01, 0.001)

Rng = np.random.Generator


def gaussian(n: int, rng: Rng) -> np.ndarray:
    return rng.normal(size=(n, 16))


def massive(n: int, rng: Rng) -> np.ndarray:
    x = gaussian(n, rng)
    x[rng.integers(n)] *= 100
    return x


def clustered(n: int, rng: Rng) -> np.ndarray:
    centres = 3 * rng.normal(size=(max(2, n // 8), 16))
    return centres[rng.integers(len(centres), size=n)] + rng.normal(size=(n, 16))


FAMILIES: dict[str, Callable[[int, Rng], np.ndarray]] = {
    "Gaussian": gaussian,
    "heavy tails (t, 3)": lambda n, rng: rng.standard_t(3, size=(n, 16)),
    "heavier tails (t, 1.5)": lambda n, rng: rng.standard_t(1.5, size=(n, 16)),
    "one massive row": massive,
    "long and short rows": lambda n, rng: gaussian(n, rng) * np.exp(1.2 * rng.normal(size=(n, 1))),
    "clustered": clustered,
    "sparse": lambda n, rng: np.abs(gaussian(n, rng)) * (rng.random((n, 16)) < 0.1) + 1e-3 * gaussian(n, rng),
    "wide, power law": lambda n, rng: rng.normal(size=(n, 200)) * np.arange(1, 201) ** -0.5,
    "binary": lambda n, rng: (rng.random((n, 16)) < 0.5).astype(float),
}


def tails(family: str, n: int, draw: int) -> list[tuple[bool, float]]:
    """Of each measure, whether its closed form is trusted, and its p-value by the closed form."""
    threadpool_limits(1)
    rng = np.random.default_rng([n, draw, list(FAMILIES).index(family)])
    x, y = (Prepared(FAMILIES[family](n, rng)) for _ in "ab")
    found = []
    for c in configurations(MEASURES):
        assert c.product is not None
        try:
            value = c(x, y) / c.product.factor
            sums = [np.asarray(side[OrbitSums(c.product.quantity)])[None] for side in (x, y)]
        except UndefinedError:
            continue
        moments = shuffled_moments(sums[0], sums[1], n)
        found.append((not moments.few.any(), float(moments.closed(np.asarray([[value]]))[0, 0])))
    return found


def table(kind: str, n: int, draw: int) -> tuple[float, float, float, float]:
    """Smallest corrected p of a true null and share found of the rest, corrected by the table's way and by Holm."""
    threadpool_limits(1)
    rng = np.random.default_rng([n, draw, len(kind)])
    x = rng.normal(size=(10, n, 8)) * np.arange(1, 9) ** -0.5
    common, alike = rng.normal(size=(n, 8)) * np.arange(1, 9) ** -0.5, {"unrelated": 0, "near copies": 9, "weak": 5}
    for i in range(alike[kind]):
        x[i] = common + (0.05 if kind == "near copies" else 0.85) * x[i]
    pairs = [(i, j) for i in range(10) for j in range(i + 1, 10)]
    models = [Representation(m, name=f"m{i}") for i, m in enumerate(x)]
    measures = configurations(["cka", "rsm_difference", "distance_correlation"])
    results = score_block(models, pairs, measures, Trust("shuffles", 100, seed=draw, groups=0))
    true = np.repeat([i >= alike[kind] or j >= alike[kind] for i, j in pairs], len(measures))
    found: list[float] = []
    for corrected in (results.corrected(), Results(results.table).corrected()):
        p = corrected.table.column("pvalue_holm").to_numpy()
        found += [p[true].min(initial=1.0), float((p[~true] <= LEVELS[0]).mean()) if (~true).any() else np.nan]
    return found[0], found[1], found[2], found[3]


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[8, 12, 20, 50])
    parser.add_argument("--draws", type=int, default=2000, help="of a pair, for each family and number of inputs")
    parser.add_argument("--tables", type=int, default=500, help="of ten models with 24 inputs")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"{given.draws:,} pairs a row, each in {len(MEASURES)} measures, which hang together")
    print("| inputs | family | closed form trusted | .05 there | .01 | .001 | .05 elsewhere | .01 | .001 |")
    print("|---|---|---|---|---|---|---|---|---|")
    with ProcessPoolExecutor(given.workers) as pool:
        for n in given.n:
            for family in FAMILIES:
                drawn = pool.map(functools.partial(tails, family, n), range(given.draws), chunksize=8)
                trusted, p = np.asarray([of_one for draw in drawn for of_one in draw]).T
                cells = [
                    f"{(p[part] <= level).mean():.4f}" if part.sum() >= 1 / level else "–"
                    for part in (trusted == 1, trusted == 0)
                    for level in LEVELS
                ]
                print(f"| {n} | {family} | {trusted.mean():.0%} | {' | '.join(cells)} |", flush=True)
        print(f"\n{given.tables:,} tables a row, ten models, 24 inputs, three measures, 100 shuffles, level .05")
        print("| models | error, step-down | found | error, Holm | found |")
        print("|---|---|---|---|---|")
        for kind in ("unrelated", "near copies", "weak"):
            rows = np.asarray(list(pool.map(functools.partial(table, kind, 24), range(given.tables), chunksize=4)))
            errors = [(rows[:, column] <= LEVELS[0]).mean() for column in (0, 2)]
            share = ["–" if np.isnan(rows[:, column]).all() else f"{rows[:, column].mean():.3f}" for column in (1, 3)]
            print(f"| {kind} | {errors[0]:.3f} | {share[0]} | {errors[1]:.3f} | {share[1]} |", flush=True)


if __name__ == "__main__":
    main()
