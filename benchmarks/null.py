"""One pair in the paper's ten configurations with shuffles, beside the plain way: the ratio of their times.

The plain way pads widths, decomposes a width x width product for each alignment measure, and computes distances, ranks
and neighbours anew for every shuffle. Both must give the same numbers before anything is timed. Plain shuffles are
timed on a sample and scaled up, which is said.
"""

import argparse
from collections.abc import Callable
from time import perf_counter

import numpy as np
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from likewise.chance import draw_shuffles
from likewise.measures import configurations
from likewise.representation import Representation
from likewise.scoring import Trust, score_block

Array = np.ndarray


def centred(x: Array) -> Array:
    return x - x.mean(axis=0)


def unit(x: Array) -> Array:
    return x / np.linalg.norm(x)


def rotation(x: Array, y: Array) -> tuple[Array, Array, Array, float]:
    """Both padded to one width, the best rotation, and the nuclear norm of their product."""
    width = max(x.shape[1], y.shape[1])
    x, y = (np.pad(m, ((0, 0), (0, width - m.shape[1]))) for m in (x, y))
    u, s, vh = np.linalg.svd(x.T @ y)
    return x, y, u @ vh, float(s.sum())


def procrustes(x: Array, y: Array) -> float:
    return float(np.sqrt(max(0.0, 2 - 2 * rotation(unit(x), unit(y))[3])))


def aligned_cosine(x: Array, y: Array) -> float:
    x, y, q, _ = rotation(x, y)
    cosines = ((x @ q) * y).sum(axis=1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))
    return float(cosines.mean())


def rsm_difference(x: Array, y: Array, inner: str) -> float:
    return float(np.linalg.norm(pdist(x, inner) - pdist(y, inner)))


def jaccard(x: Array, y: Array, k: int = 10) -> float:
    def neighbours(m: Array) -> list[set[int]]:
        m = m / np.linalg.norm(m, axis=1, keepdims=True)
        cosines = m @ m.T
        np.fill_diagonal(cosines, -np.inf)
        return [set(row[:k].tolist()) for row in np.argsort(-cosines, axis=1)]

    return float(np.mean([len(a & b) / len(a | b) for a, b in zip(neighbours(x), neighbours(y), strict=True)]))


def rsa(x: Array, y: Array) -> float:
    return float(spearmanr(pdist(x), pdist(y)).statistic)


def cka(x: Array, y: Array) -> float:
    k, l = (centred(m) @ centred(m).T for m in (x, y))
    return float((k * l).sum() / (np.linalg.norm(k) * np.linalg.norm(l)))


PLAIN: dict[str, Callable[[Array, Array], float]] = {
    "procrustes(center=False)": procrustes,
    "aligned_cosine(center=False, normalize=False)": aligned_cosine,
    'rsm_difference(inner="cosine", center=False, normalize=False)': lambda x, y: rsm_difference(x, y, "cosine"),
    "jaccard": jaccard,
    "procrustes": lambda x, y: procrustes(centred(x), centred(y)),
    "aligned_cosine": lambda x, y: aligned_cosine(unit(centred(x)), unit(centred(y))),
    "rsm_difference": lambda x, y: rsm_difference(unit(centred(x)), unit(centred(y)), "euclidean"),
    "jaccard(center=True)": lambda x, y: jaccard(centred(x), centred(y)),
    "rsa": lambda x, y: rsa(unit(x), unit(y)),
    "cka": cka,
}


def synthetic(n: int, d: int, rng: np.random.Generator) -> Array:
    """Rows with a power-law spectrum off the origin, as hidden states have."""
    return rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.5 + rng.normal(size=d) * 0.05


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=164)
    parser.add_argument("--d", type=int, default=2048)
    parser.add_argument("--shuffles", type=int, default=100)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    x, y = synthetic(given.n, given.d, rng), synthetic(given.n, given.d - given.d // 8, rng)
    chosen = configurations("paper")

    start = perf_counter()
    a, b = Representation(x, name="a", key="of a"), Representation(y, name="b", key="of b")
    ours = score_block([a, b], [(0, 1)], chosen, Trust("shuffles", given.shuffles, groups=0))
    our_seconds = perf_counter() - start

    start = perf_counter()
    observed = {label: measure(x, y) for label, measure in PLAIN.items()}
    once = perf_counter() - start
    x_order, y_order = next(iter(draw_shuffles(given.n, given.shuffles, 0, {0: a.key, 1: b.key}))).orders.values()
    shuffled = {label: measure(x[x_order], y[y_order]) for label, measure in PLAIN.items()}
    plain_seconds = once * (1 + given.shuffles)

    one = score_block([a, b], [(0, 1)], chosen, Trust("shuffles", 1, groups=0))
    for c, row, first in zip(chosen, ours, one, strict=True):
        np.testing.assert_allclose(row.value, observed[c.label], rtol=0, atol=1e-9, err_msg=c.label)
        np.testing.assert_allclose(first.null_mean, shuffled[c.label], rtol=0, atol=1e-9, err_msg=c.label)

    print(f"n = {given.n}, d = {given.d} and {y.shape[1]}, ten configurations, {given.shuffles} shuffles, float64")
    print("all values and one shuffle of each agree to 1e-9")
    print(f"likewise           {our_seconds:9.2f} s, preparation included")
    print(f"the plain way      {plain_seconds:9.2f} s, one round of {once:.2f} s scaled up to {1 + given.shuffles}")
    print(f"ratio              {plain_seconds / our_seconds:9.1f}")


if __name__ == "__main__":
    main()
