"""Every configuration as a parameter, and slow definitions, written from the formulas and not from the code."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from likewise.measures import REGISTRY, Configuration

Slow = Callable[..., float]

CONFIGURATIONS = [Configuration(m.name, v) for m in REGISTRY.values() for v in m.variants]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a ``configuration`` or a ``measure`` on every one in the registry."""
    if "configuration" in metafunc.fixturenames:
        metafunc.parametrize("configuration", CONFIGURATIONS, ids=lambda c: c.label)
    if "measure" in metafunc.fixturenames:
        metafunc.parametrize("measure", list(REGISTRY.values()), ids=lambda m: m.name)


def centred(x: np.ndarray) -> np.ndarray:
    """Subtract the means, which are exact: equal numbers leave zeros."""
    return x - np.asarray([float(sum(map(Fraction, column)) / len(column)) for column in x.T.tolist()])


def prepare(x: np.ndarray, center: bool, normalize: bool) -> np.ndarray:
    x = centred(x) if center else x
    return x / math.sqrt(math.fsum((x * x).ravel())) if normalize else x


def padded_rotation(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both with zero columns up to one width, and the orthogonal Q that brings x next to y."""
    width = max(x.shape[1], y.shape[1])
    x, y = (np.pad(m, ((0, 0), (0, width - m.shape[1]))) for m in (x, y))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return x, y, np.full((width, width), np.nan)
    u, _, vh = np.linalg.svd(x.T @ y, full_matrices=True)
    return x, y, u @ vh


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return np.dot(a, b) / (np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b)))


def procrustes(x: np.ndarray, y: np.ndarray, *, center: bool, normalize: bool) -> float:
    x, y, q = padded_rotation(prepare(x, center, normalize), prepare(y, center, normalize))
    if not (x.any() and y.any()):
        return math.nan  # nothing is left to rotate
    return np.linalg.norm(x @ q - y)


def aligned_cosine(x: np.ndarray, y: np.ndarray, *, center: bool, normalize: bool) -> float:
    x, y, q = padded_rotation(prepare(x, center, normalize), prepare(y, center, normalize))
    return np.mean([cosine(x[i] @ q, y[i]) for i in range(len(x))])


def cka(x: np.ndarray, y: np.ndarray) -> float:
    n = len(x)
    h = np.eye(n) - np.ones((n, n)) / n
    k, m = (h @ (c @ c.T) @ h for c in (centred(x), centred(y)))
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


def rsa(x: np.ndarray, y: np.ndarray, *, inner: str, outer: str) -> float:
    # Equal distances are equal: rounding takes the last digits, in which they differ.
    a, b = (
        np.round(pdist(m, inner), 14) if inner == "cosine" else np.asarray([float(f"{v:.11g}") for v in pdist(m)])
        for m in (x, y)
    )
    if np.isnan(a).any() or np.isnan(b).any() or np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan
    return {"spearman": spearmanr}[outer](a, b).statistic


def rsm_difference(x: np.ndarray, y: np.ndarray, *, inner: str, center: bool, normalize: bool) -> float:
    x, y = prepare(x, center, normalize), prepare(y, center, normalize)
    distance = {"euclidean": lambda a, b: np.linalg.norm(a - b), "cosine": lambda a, b: 1 - cosine(a, b)}[inner]
    return math.sqrt(sum((distance(x[i], x[j]) - distance(y[i], y[j])) ** 2 for i in range(len(x)) for j in range(i)))


def jaccard(x: np.ndarray, y: np.ndarray, *, k: int, center: bool) -> float:
    def near(m: np.ndarray) -> list[set[int]]:
        rows = [r / np.sqrt(np.dot(r, r)) for r in (centred(m) if center else m)]
        others = [[(round(1 - np.dot(a, b), 13), j) for j, b in enumerate(rows) if j != i] for i, a in enumerate(rows)]
        return [{j for _, j in sorted(o)[:k]} for o in others]

    if any(not r.any() for m in (x, y) for r in (centred(m) if center else m)):
        return np.nan
    return np.mean([len(a & b) / len(a | b) for a, b in zip(near(x), near(y), strict=True)])


def near(m: np.ndarray, k: int, center: bool) -> list[set[int]] | None:
    rows = centred(m) if center else m
    if any(not r.any() for r in rows):
        return None
    rows = [r / np.sqrt(np.dot(r, r)) for r in rows]
    others = [[(round(1 - np.dot(a, b), 13), j) for j, b in enumerate(rows) if j != i] for i, a in enumerate(rows)]
    return [{j for _, j in sorted(o)[:k]} for o in others]


def mutual_knn(x: np.ndarray, y: np.ndarray, *, k: int, center: bool) -> float:
    a, b = near(x, k, center), near(y, k, center)
    return np.nan if a is None or b is None else np.mean([len(p & q) / k for p, q in zip(a, b, strict=True)])


def procrustes_angle(x: np.ndarray, y: np.ndarray) -> float:
    return 2 * math.asin(procrustes(x, y, center=True, normalize=True) / 2)


def nbs(x: np.ndarray, y: np.ndarray) -> float:
    """By the kernels' square roots."""
    roots = []
    for m in (x, y):
        values, vectors = np.linalg.eigh(centred(m) @ centred(m).T)
        # A root turns the rounding of a zero, 1e-16, into 1e-8.
        values = np.where(values < 1e-12 * values.max(), 0, values)
        roots.append(vectors @ np.diag(np.sqrt(values)) @ vectors.T)
    traces = [np.trace(r @ r) for r in roots]
    return np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum() / math.sqrt(traces[0] * traces[1])


def distance_correlation(x: np.ndarray, y: np.ndarray) -> float:
    n = len(x)
    a, b = (np.asarray([[np.linalg.norm(m[i] - m[j]) for j in range(n)] for i in range(n)]) for m in (x, y))
    a, b = (m - m.mean(axis=0) - m.mean(axis=1)[:, None] + m.mean() for m in (a, b))
    return np.sqrt(np.mean(a * b) / np.sqrt(np.mean(a * a) * np.mean(b * b)))


DEFINITIONS: dict[str, Slow] = {
    f.__name__: f
    for f in (
        procrustes,
        procrustes_angle,
        aligned_cosine,
        cka,
        nbs,
        distance_correlation,
        rsa,
        rsm_difference,
        jaccard,
        mutual_knn,
    )
}


@pytest.fixture
def definition() -> Callable[[Configuration], Slow]:
    """Give the slow definition of a configuration; NaN where the formula divides zero by zero."""

    def of(configuration: Configuration) -> Slow:
        def slow(x: np.ndarray, y: np.ndarray) -> float:
            with np.errstate(all="ignore"):
                values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
                try:
                    return float(DEFINITIONS[configuration.measure](*values, **configuration.parameters))
                except ZeroDivisionError:
                    return math.nan

        return slow

    return of
