"""Measures that decide a rank, on rows whose rounding is larger than they are, beside projections of sixty digits."""

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from cases import each
from likewise.errors import UndefinedError
from likewise.measures import Configuration
from likewise.quantities import Prepared

LEFT_OUT = 3
"""The massive row, which the part leaves out."""


def plain(x: np.ndarray) -> np.ndarray:
    return x


def constant(x: np.ndarray) -> np.ndarray:
    return np.c_[x, np.full((len(x), 2), 0.1)]


def doubled(x: np.ndarray) -> np.ndarray:
    return np.c_[x[:, :4], x[:, :4], x[:, 0]]


def repeated(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[9:13] = x[5:9]
    return x


def offset(x: np.ndarray) -> np.ndarray:
    return x + np.float32(1e4)


KINDS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (plain, constant, doubled, repeated, offset)


def basis(x: np.ndarray, center: bool) -> np.ndarray:
    """An orthonormal basis of the columns by Gram and Schmidt in sixty digits, pivoted."""
    with mpmath.workdps(60):
        columns = [[mpmath.mpf(float(v)) for v in column] for column in x.T]
        if center:
            columns = [[v - mpmath.fsum(column) / len(column) for v in column] for column in columns]
        norms = [mpmath.fsum(v * v for v in column) for column in columns]
        least, found = max(norms) * mpmath.mpf("1e-24"), []
        while columns:
            norms = [mpmath.fsum(v * v for v in column) for column in columns]
            largest = max(range(len(norms)), key=norms.__getitem__)
            if norms[largest] <= least:
                break
            length = mpmath.sqrt(norms[largest])
            unit = [v / length for v in columns.pop(largest)]
            found.append(unit)
            inner = [mpmath.fdot(unit, column) for column in columns]
            columns = [[v - p * u for v, u in zip(c, unit, strict=True)] for c, p in zip(columns, inner, strict=True)]
        return np.asarray([[float(v) for v in unit] for unit in found]).reshape(len(found), len(x)).T


def by_definition(label: str, x: np.ndarray, y: np.ndarray) -> float:
    center = label != "eigenspace_overlap"
    p, q = basis(x, center), basis(y, center)
    judged = (q,) if label == "linear_predictivity" else (p, q)  # there Y alone is a predictor
    if max(side.shape[1] for side in judged) >= len(x) - center:
        return np.nan
    rho = np.linalg.svd(p.T @ q, compute_uv=False)
    if label == "mean_cca":
        return rho.mean()
    if label == "gulp(lam=0.0)":
        return np.linalg.norm(p @ p.T - q @ q.T)
    if label == "eigenspace_overlap":
        return (rho**2).sum() / max(p.shape[1], q.shape[1])
    if label == "shape_distance(alpha=0.0)":
        return np.arccos(rho.sum() / np.sqrt(p.shape[1] * q.shape[1]))
    if label == "linear_predictivity":
        c = x - x.mean(axis=0)
        c = c - c.mean(axis=0)
        return 1 - np.linalg.norm(c - q @ (q.T @ c)) ** 2 / np.linalg.norm(c) ** 2
    distances = [np.linalg.norm(b[:, None] - b[None], axis=2)[np.triu_indices(len(b), 1)] for b in (p, q)]
    return np.corrcoef(*distances)[0, 1]


LABELS = (
    "mean_cca",
    "gulp(lam=0.0)",
    "eigenspace_overlap",
    "shape_distance(alpha=0.0)",
    "linear_predictivity",
    'rsa(inner="mahalanobis", outer="pearson")',
)


@pytest.mark.parametrize(
    "massive", [1.0, 1e3, 1e8, *(pytest.param(m, marks=pytest.mark.long("sizes between")) for m in (30.0, 1e5))]
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("d", [6, 30])
def test_part_without_the_massive_row_scores_as_its_rows_do(kind, d, massive):
    rng = np.random.default_rng(d)
    x, y = kind(rng.normal(size=(16, d)).astype(np.float32).astype(float)), rng.normal(size=(16, 5))
    x[LEFT_OUT] *= massive
    kept = np.delete(np.arange(16), LEFT_OUT)
    whole, other = Prepared(x), Prepared(y)
    for label in LABELS:
        expected = by_definition(label, x[kept], y[kept])
        configuration = Configuration.parse(label)
        try:
            found = configuration(whole.take(kept), other.take(kept))
        except UndefinedError:
            found = np.nan
        assert found == pytest.approx(expected, abs=1e-7, nan_ok=True), label


@pytest.mark.parametrize("massive", [1.0, 30.0, 1e3, 1e5, 1e8])
@pytest.mark.parametrize("label", ["linear_predictivity(folds=4)", "procrustes(folds=4)", "aligned_cosine(folds=4)"])
def test_rows_of_one_fold_leave_no_rounding_with_the_others(label, massive):
    """Rounding of a rank would differ with the coordinates: the score is the same after any rotation."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(16, 24)), rng.normal(size=(16, 24))
    x[LEFT_OUT] *= massive
    q = np.linalg.qr(rng.normal(size=(24, 24)))[0]
    configuration = Configuration.parse(label)
    try:
        value = configuration(y, x)
    except UndefinedError:
        assert massive >= 1e5  # rows so short beside another have no direction
        return
    assert configuration(y, x @ q) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("size", each([1e-130, 1e-80, 1e-40, 1e40, 1e80, 1e130]))
def test_size_of_both_sides_leaves_the_value(configuration, related, size):
    if "scaling" not in configuration.facts.invariances:
        pytest.skip("feels scale by definition")
    x, y = related(30, 7, 9)
    assert configuration(size * x, size * y) == pytest.approx(configuration(x, y), rel=1e-8, abs=1e-8)
