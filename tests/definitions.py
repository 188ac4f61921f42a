"""Slow definitions of every measure, written from the formulas and not from the code; NaN where they have no value."""

import functools
import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from scipy.linalg import eigh, expm
from scipy.optimize import linprog
from scipy.spatial.distance import pdist
from scipy.stats import kurtosis, spearmanr
from scipy.stats import t as student

Slow = Callable[..., float]
DEFINITIONS: dict[str, Slow] = {}


def defines(function: Slow) -> Slow:
    DEFINITIONS[function.__name__] = function
    return function


def centred(x: np.ndarray) -> np.ndarray:
    """Subtract the means, which are exact: equal numbers leave zeros. Twice, for the rounding of a large mean."""
    for _ in range(2):
        x = x - np.asarray([mean(tuple(column)) for column in x.T.tolist()])
    return x


@functools.lru_cache(maxsize=10_000)  # of the same few inputs a hundred definitions ask it
def mean(column: tuple[float, ...]) -> float:
    return float(sum(map(Fraction, column)) / len(column))


def prepare(x: np.ndarray, center: bool, normalize: bool) -> np.ndarray:
    x = centred(x) if center else x
    return x / math.sqrt(math.fsum((x * x).ravel())) if normalize else x


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return np.dot(a, b) / (np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b)))


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    if (a == a[0]).all() or (b == b[0]).all():
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    return float(np.dot(a / np.linalg.norm(a), b / np.linalg.norm(b)))


def rank(x: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(x)) if np.isfinite(x).all() else -1


# Alignment.


def padded(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Give both zero columns up to one width."""
    width = max(x.shape[1], y.shape[1])
    return [np.pad(m, ((0, 0), (0, width - m.shape[1]))) for m in (x, y)]


def padded_rotation(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both with zero columns up to one width, and the orthogonal Q that brings x next to y."""
    x, y = padded(x, y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return x, y, np.full((x.shape[1], x.shape[1]), np.nan)
    u, _, vh = np.linalg.svd(x.T @ y, full_matrices=True)
    return x, y, u @ vh


def held_out(x: np.ndarray, y: np.ndarray, center: bool, folds: int) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """For each item, both rows less the training means, and x Q y' with Q fitted on the other folds."""
    rows = []
    for i in range(len(x)):
        train = [j for j in range(len(x)) if j % folds != i % folds]
        means = [np.mean(m[train], axis=0) if center else np.zeros(m.shape[1]) for m in (x, y)]
        cross = (x[train] - means[0]).T @ (y[train] - means[1])
        # Only on the directions that the training rows have in common.
        u, _, vh = np.linalg.svd(cross, full_matrices=False)
        q = u[:, : rank(cross)] @ vh[: rank(cross)]
        a, b = x[i] - means[0], y[i] - means[1]
        rows.append((a, b, float(a @ q @ b)))
    return rows


@defines
def procrustes(x: np.ndarray, y: np.ndarray, *, center: bool, normalize: bool, folds: int = 0) -> float:
    if not (prepare(x, center, False).any() and prepare(y, center, False).any()):
        return math.nan  # nothing is left to rotate
    if folds:
        rows = held_out(x, y, center, folds)
        norms = [math.sqrt(sum(np.dot(r[side], r[side]) for r in rows)) for side in (0, 1)]
        a, b = norms if normalize else (1.0, 1.0)
        squared = (norms[0] / a) ** 2 + (norms[1] / b) ** 2 - 2 * sum(r[2] for r in rows) / (a * b)
        return math.sqrt(squared) if squared > 1e-13 * (norms[0] * norms[1] / (a * b)) else 0.0
    x, y, q = padded_rotation(prepare(x, center, normalize), prepare(y, center, normalize))
    return np.linalg.norm(x @ q - y)


@defines
def aligned_cosine(x: np.ndarray, y: np.ndarray, *, center: bool, normalize: bool, folds: int) -> float:
    if folds:
        if not (prepare(x, center, False).any() and prepare(y, center, False).any()):
            return math.nan
        if any(not r.any() for m in (x, y) for r in train_centred(m, center, folds)):
            return math.nan
        return np.mean([r[2] / math.sqrt((r[0] @ r[0]) * (r[1] @ r[1])) for r in held_out(x, y, center, folds)])
    x, y, q = padded_rotation(prepare(x, center, normalize), prepare(y, center, normalize))
    return np.mean([cosine(x[i] @ q, y[i]) for i in range(len(x))])


def train_centred(m: np.ndarray, center: bool, folds: int) -> np.ndarray:
    """Each row less the exact mean of the rows that its fold trains on."""
    if not center:
        return m
    with_row_last = [np.vstack([m[[j for j in range(len(m)) if j % folds != i % folds]], m[i]]) for i in range(len(m))]
    return np.asarray([r[-1] - (r[-1] - centred(r[:-1])[0] - (r[-1] - r[0])) for r in with_row_last])


@defines
def procrustes_angle(x: np.ndarray, y: np.ndarray) -> float:
    return 2 * math.asin(procrustes(x, y, center=True, normalize=True) / 2)


@defines
def shape_distance(x: np.ndarray, y: np.ndarray, *, alpha: float) -> float:
    z = []
    for m in map(centred, (x, y)):
        if not m.any() or (alpha == 0 and rank(m) >= len(m) - 1):
            return math.nan
        _, s, vectors = np.linalg.svd(m)
        power = np.zeros(len(vectors))
        power[: rank(m)] = 1 / s[: rank(m)]
        z.append(m @ (alpha * np.eye(len(vectors)) + (1 - alpha) * (vectors.T * power) @ vectors))
    x, y, q = padded_rotation(*(m / np.linalg.norm(m) for m in z))
    return 2 * math.asin(np.linalg.norm(x @ q - y) / 2)


# Prediction.


def ridge_prediction(x: np.ndarray, y: np.ndarray, new: np.ndarray, ridge: float) -> np.ndarray:
    """Predict rows of x from rows ``new`` of y by the normal equations; the shortest solution without a ridge."""
    a, b = x - x.mean(axis=0), centred(y) if len(y) else y
    mean = y[0] - b[0]
    if ridge:
        weights = np.linalg.solve(b.T @ b + ridge * np.sum(b * b) * np.eye(b.shape[1]), b.T @ a)
    else:
        weights = np.linalg.pinv(b, rcond=1e-13) @ a
    return x.mean(axis=0) + (new - mean) @ weights


@defines
def linear_predictivity(x: np.ndarray, y: np.ndarray, *, folds: int, ridge: float) -> float:
    if not (centred(x).any() and centred(y).any()):
        return math.nan
    if not folds and not ridge and rank(centred(y)) >= len(y) - 1:
        return math.nan
    unexplained = total = 0.0
    for fold in range(max(1, folds)):
        test = [i for i in range(len(x)) if not folds or i % folds == fold]
        train = [i for i in range(len(x)) if not folds or i % folds != fold]
        predicted = ridge_prediction(x[train], y[train], y[test], ridge)
        unexplained += np.sum((x[test] - predicted) ** 2)
        total += np.sum((x[test] - x[train].mean(axis=0)) ** 2)
    return 1 - unexplained / total


# Kernels.


def hsic(k: np.ndarray, m: np.ndarray) -> float:
    """Song et al.: the unbiased estimate, term by term; K and L lose their diagonals."""
    n = len(k)
    k, m = (a * (1 - np.eye(n)) for a in (k, m))
    one = np.ones(n)
    first = sum(k[i, j] * m[i, j] for i in range(n) for j in range(n))
    second = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
    return (first + second - 2 / (n - 2) * (one @ k @ m.T @ one)) / (n * (n - 3))


def undecided(k: np.ndarray) -> bool:
    """Whether the unbiased norm of a kernel is zero but for rounding."""
    off = k * (1 - np.eye(len(k)))
    return hsic(k, k) * len(k) * (len(k) - 3) <= (1e-14 * len(k)) ** 2 * np.sum(k * k) or not off.any()


@defines
def cka(
    x: np.ndarray, y: np.ndarray, *, kernel: str, bandwidth: float, debiased: bool, feature_corrected: bool
) -> float:
    n = len(x)
    if not (centred(x).any() and centred(y).any()):
        return math.nan
    kernels = []
    for m in (x, y):
        k = centred(m) @ centred(m).T
        if kernel == "rbf":
            if not np.median(pdist(m)):
                return math.nan
            s = bandwidth * np.median(pdist(m))
            if 2 * np.sum(np.exp(-((pdist(m) / s) ** 2) / 2)) <= 0.01 * n:
                return math.nan
            k = np.asarray([[math.exp(-np.sum((a - b) ** 2) / (2 * s * s)) for b in m] for a in m])
        kernels.append(k / np.linalg.norm(k))
    k, m = kernels
    if not debiased:
        h = np.eye(n) - np.ones((n, n)) / n
        k, m = h @ k @ h, h @ m @ h
        return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))
    if undecided(k) or undecided(m):
        return math.nan
    if not feature_corrected:
        return hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m))
    norms = []
    for a in (centred(x), centred(y)):
        a = a / np.linalg.norm(a)
        d = a.shape[1]
        if d == 1:
            return math.nan
        own = sum(hsic(np.outer(c, c), np.outer(c, c)) for c in a.T)
        norms.append((hsic(a @ a.T, a @ a.T) - own) / (d * (d - 1)))
        if norms[-1] * d * d <= 1e-6 * hsic(a @ a.T, a @ a.T):
            return math.nan
    a, b = (prepare(c, True, True) for c in (x, y))
    return hsic(a @ a.T, b @ b.T) / (a.shape[1] * b.shape[1]) / math.sqrt(norms[0] * norms[1])


@defines
def cknna(x: np.ndarray, y: np.ndarray, *, k: int, transposed: bool) -> float:
    near_x, near_y = neighbours(x, k, "cosine", False), neighbours(y, k, "cosine", False)
    if near_x is None or near_y is None:
        return math.nan
    n = len(x)
    own, mutual = [], []
    for m, near in ((x, near_x), (y, near_y)):
        both = [set(a) & set(b) for a, b in zip(near_x, near_y, strict=True)]
        own.append(np.asarray([[cosine(m[i], m[j]) if j in near[i] else 0.0 for j in range(n)] for i in range(n)]))
        mutual.append(np.asarray([[own[-1][i, j] if j in both[i] else 0.0 for j in range(n)] for i in range(n)]))

    def h(a: np.ndarray, b: np.ndarray) -> float:
        return hsic_by_columns(a, b.T if transposed else b)

    norms = [h(a, a) for a in own]
    return h(mutual[0], mutual[1]) / math.sqrt(norms[0] * norms[1]) if min(norms) > 0 else math.nan


def hsic_by_columns(k: np.ndarray, m: np.ndarray) -> float:
    """As `hsic`, for matrices that are not symmetric: the sums over an index that both share are over rows."""
    n = len(k)
    cross = sum(k[i, j] * m[q, j] for i in range(n) for q in range(n) for j in range(n))
    first = sum(k[i, j] * m[i, j] for i in range(n) for j in range(n))
    return (first + k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * cross) / (n * (n - 3))


@defines
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


@defines
def distance_correlation(x: np.ndarray, y: np.ndarray, *, debiased: bool) -> float:
    n = len(x)
    a, b = (np.asarray([[np.linalg.norm(m[i] - m[j]) for j in range(n)] for i in range(n)]) for m in (x, y))
    if debiased:
        if not (a.any() and b.any()) or undecided(a) or undecided(b):
            return math.nan
        return hsic(a, b) / math.sqrt(hsic(a, a) * hsic(b, b))
    a, b = (m - m.mean(axis=0) - m.mean(axis=1)[:, None] + m.mean() for m in (a, b))
    return np.sqrt(np.mean(a * b) / np.sqrt(np.mean(a * a) * np.mean(b * b)))


@defines
def eigenspace_overlap(x: np.ndarray, y: np.ndarray, *, over: str) -> float:
    ranks = rank(x), rank(y)
    if min(ranks) == 0 or (over == "rank" and max(ranks) >= len(x)):
        return math.nan
    u, v = basis(x), basis(y)
    overlap = sum(np.dot(a, b) ** 2 for a in u.T for b in v.T)
    return overlap / max(ranks if over == "rank" else (x.shape[1], y.shape[1]))


def basis(x: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the columns."""
    u, _, _ = np.linalg.svd(x, full_matrices=False)
    return u[:, : rank(x)]


# Canonical correlation.


def canonical(x: np.ndarray, y: np.ndarray, ridge: float = 0.0) -> tuple[np.ndarray, np.ndarray] | None:
    """Correlations and weights for x, from the generalised eigenproblem of principal components."""
    if not (centred(x).any() and centred(y).any()):
        return None
    scores = []
    for m in (centred(x), centred(y)):
        _, _, vh = np.linalg.svd(m, full_matrices=False)
        scores.append(m @ vh[: rank(m)].T)
    a, b = scores
    sxx = a.T @ a + ridge * np.sum(a * a) * np.eye(a.shape[1])
    syy = b.T @ b + ridge * np.sum(b * b) * np.eye(b.shape[1])
    sxy = a.T @ b
    values, vectors = eigh(sxy @ np.linalg.solve(syy, sxy.T), sxx)
    m = min(a.shape[1], b.shape[1])
    return np.sqrt(np.maximum(values[::-1][:m], 0)), a @ vectors[:, ::-1][:, :m]


def wide(*sides: np.ndarray) -> bool:
    return any(rank(centred(m)) >= len(m) - 1 for m in sides)


@defines
def mean_cca(x: np.ndarray, y: np.ndarray, *, ridge: float) -> float:
    found = canonical(x, y, ridge)
    if found is None or (not ridge and wide(x, y)):
        return math.nan
    return np.mean(found[0])


@defines
def svcca(x: np.ndarray, y: np.ndarray, *, variance: float, k: int) -> float:
    kept = []
    for m in (centred(x), centred(y)):
        if not m.any():
            return math.nan
        u, s, _ = np.linalg.svd(m, full_matrices=False)
        count = k or next(c for c in range(1, len(s) + 1) if np.sum(s[:c] ** 2) >= variance * np.sum(s**2))
        if count > rank(m) or count >= len(m) - 1:
            return math.nan
        kept.append(u[:, :count] * s[:count])
    return np.mean(np.linalg.svd(basis(kept[0]).T @ basis(kept[1]), compute_uv=False))


@defines
def pwcca(x: np.ndarray, y: np.ndarray) -> float:
    found = canonical(x, y)
    if found is None or wide(x, y):
        return math.nan
    rho, variates = found
    weights = [sum(abs(np.dot(h, c)) for c in centred(x).T) / np.linalg.norm(h) for h in variates.T]
    return np.dot(weights, rho) / np.sum(weights)


@defines
def gulp(x: np.ndarray, y: np.ndarray, *, lam: float, squared: bool) -> float:
    """By the covariances, with ridge inverses."""
    n = len(x)
    if not (centred(x).any() and centred(y).any()) or (lam == 0 and not squared and wide(x, y)):
        return math.nan
    if lam == 0:
        u, v = basis(centred(x)), basis(centred(y))
        value = u.shape[1] + v.shape[1] - 2 * sum(np.dot(a, b) ** 2 for a in u.T for b in v.T)
        return value if squared else math.sqrt(value) if value > 1e-12 else 0.0
    a, b = (math.sqrt(n) * prepare(m, True, True) for m in (x, y))
    sx, sy, sxy = a.T @ a / n, b.T @ b / n, a.T @ b / n

    ix, iy = (np.linalg.inv(s + lam * np.eye(len(s))) for s in (sx, sy))
    value = np.trace(ix @ sx @ ix @ sx) + np.trace(iy @ sy @ iy @ sy) - 2 * np.trace(ix @ sxy @ iy @ sxy.T)
    return value if squared else math.sqrt(value) if value > 1e-12 else 0.0


# Representational similarity matrices.


def distance(a: np.ndarray, b: np.ndarray, inner: str) -> float:
    if inner == "euclidean":
        return float(np.linalg.norm(a - b))
    if inner == "sqeuclidean":
        return float(np.sum((a - b) ** 2))
    if inner == "correlation":
        if np.ptp(a) == 0 or np.ptp(b) == 0:
            return math.nan
        a, b = a - a.mean(), b - b.mean()
    # 1 - cosine, which of nearly parallel rows has few digits.
    return float(np.sum((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2)) / 2


def distances(x: np.ndarray, inner: str) -> np.ndarray:
    """Of all pairs i < j, their last digits, which are rounding, taken away."""
    if inner == "mahalanobis":
        m = centred(x)
        if not m.any() or rank(m) >= len(m) - 1:
            return np.full(len(x) * (len(x) - 1) // 2, np.nan)
        covariance = m.T @ m / (len(m) - 1)
        inverse = np.linalg.pinv(covariance, rcond=1e-13, hermitian=True)
        found = np.asarray([math.sqrt(max(0, (a - b) @ inverse @ (a - b))) for a, b in itertools.combinations(x, 2)])
        return np.asarray([float(f"{v:.9g}") if v > 1e-9 else 0.0 for v in found])
    found = np.asarray([distance(a, b, inner) for a, b in itertools.combinations(x, 2)])
    if inner in ("cosine", "correlation"):  # squares of what rounding leaves of equal directions; 2 of opposite ones
        return np.asarray([0.0 if v <= 1e-20 else float(f"{v:.11g}") if v < 0.01 else round(v, 13) for v in found])
    return np.asarray([float(f"{v:.11g}") for v in found])


@defines
def rsa(x: np.ndarray, y: np.ndarray, *, inner: str, outer: str) -> float:
    a, b = distances(x, inner), distances(y, inner)
    if np.isnan(a).any() or np.isnan(b).any():
        return math.nan
    if outer == "cosine":
        return cosine(a, b)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    if outer in ("tau_a", "tau_b"):
        return tau(a, b, outer)
    return pearson(a, b) if outer == "pearson" else spearmanr(a, b).statistic


@defines
def sampled_rsa(x: np.ndarray, y: np.ndarray, *, pairs: int, seed: int, inner: str, outer: str) -> float:
    assert len(x) * (len(x) - 1) // 2 <= pairs
    return rsa(x, y, inner=inner, outer=outer)


def tau(a: np.ndarray, b: np.ndarray, form: str) -> float:
    """By all pairs of distances."""
    da, db = (np.sign(m[:, None] - m[None, :]) for m in (a, b))
    agreed, pairs = np.sum(da * db), len(a) * (len(a) - 1)
    return agreed / (pairs if form == "tau_a" else math.sqrt(np.sum(da * da) * np.sum(db * db)))


@defines
def rsm_difference(
    x: np.ndarray, y: np.ndarray, *, inner: str, center: bool, normalize: bool, norm: str = "frobenius"
) -> float:
    x, y = prepare(x, center, normalize), prepare(y, center, normalize)
    n = len(x)
    difference = np.zeros((n, n))
    for i, j in itertools.combinations(range(n), 2):
        difference[i, j] = distance(x[i], x[j], inner) - distance(y[i], y[j], inner)
    if not np.isfinite(difference).all():
        return math.nan
    if norm == "spectral":
        return np.linalg.norm(difference + difference.T, 2)
    return math.sqrt(np.sum(difference**2))


# Neighbours.


def neighbours(m: np.ndarray, k: int, inner: str, center: bool) -> list[list[int]] | None:
    rows = centred(m) if center else m
    if inner == "cosine":
        if any(not r.any() for r in rows):
            return None
        rows = [r / np.sqrt(np.dot(r, r)) for r in rows]
        apart = [[(round(1 - np.dot(a, b), 13), j) for j, b in enumerate(rows) if j != i] for i, a in enumerate(rows)]
    else:
        apart = [
            [(float(f"{np.linalg.norm(a - b):.11g}"), j) for j, b in enumerate(m) if j != i] for i, a in enumerate(m)
        ]
    if any(len({d for d, _ in others}) == 1 for others in apart) and len(m) > 2:
        return None  # all others are equally near
    return [[j for _, j in sorted(others)[:k]] for others in apart]


def neighbour_measure(of_item: Callable[..., float]) -> Slow:
    def slow(x: np.ndarray, y: np.ndarray, *, k: int, center: bool, inner: str) -> float:
        a, b = neighbours(x, k, inner, center), neighbours(y, k, inner, center)
        if a is None or b is None:
            return math.nan
        return np.mean([of_item(p, q, k) for p, q in zip(a, b, strict=True)])

    return slow


def jaccard_of_item(p: list[int], q: list[int], k: int) -> float:
    return len(set(p) & set(q)) / len(set(p) | set(q))


def rank_similarity_of_item(p: list[int], q: list[int], k: int) -> float:
    common = set(p) & set(q)
    if not common:
        return 0.0
    terms = []
    for j in common:
        r, s = p.index(j) + 1, q.index(j) + 1
        terms.append(2 / ((1 + abs(r - s)) * (r + s)))
    return sum(terms) / sum(1 / i for i in range(1, len(common) + 1))


DEFINITIONS |= {
    "jaccard": neighbour_measure(jaccard_of_item),
    "mutual_knn": neighbour_measure(lambda p, q, k: len(set(p) & set(q)) / k),
    "rank_similarity": neighbour_measure(rank_similarity_of_item),
    "joint_rank_jaccard": neighbour_measure(
        lambda p, q, k: rank_similarity_of_item(p, q, k) * jaccard_of_item(p, q, k)
    ),
}


@defines
def second_order_cosine(x: np.ndarray, y: np.ndarray, *, k: int, center: bool, inner: str) -> float:
    near_x, near_y = neighbours(x, k, inner, center), neighbours(y, k, inner, center)
    if near_x is None or near_y is None:
        return math.nan
    x, y = (centred(m) if center else m for m in (x, y))
    values = []
    for i in range(len(x)):
        union = sorted(set(near_x[i]) | set(near_y[i]))
        a, b = (np.asarray([distance(m[i], m[j], inner) for j in union]) for m in (x, y))
        if max(abs(a)) < 1e-13 or max(abs(b)) < 1e-13:
            return math.nan
        values.append(cosine(a, b))
    return np.mean(values)


@defines
def information_imbalance(x: np.ndarray, y: np.ndarray, *, center: bool, inner: str) -> float:
    n = len(x)
    a, b = neighbours(x, 1, inner, center), neighbours(y, n - 1, inner, center)
    if a is None or b is None:
        return math.nan
    return 2 / n * np.mean([b[i].index(a[i][0]) + 1 for i in range(n)])


# Matching.


@defines
def permutation_procrustes(x: np.ndarray, y: np.ndarray, *, center: bool, normalize: bool) -> float:
    """As a linear programme, whose optimum over doubly stochastic matrices is a permutation."""
    x, y = padded(prepare(x, center, normalize), prepare(y, center, normalize))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return math.nan
    costs = np.asarray([[np.sum((a - b) ** 2) for b in y.T] for a in x.T])
    d = len(costs)
    return math.sqrt(max(0.0, d * transport(costs, np.full(d, 1 / d), np.full(d, 1 / d), 1.0)))


def transport(costs: np.ndarray, a: np.ndarray, b: np.ndarray, mass: float) -> float:
    d, e = costs.shape
    rows, columns = np.kron(np.eye(d), np.ones(e)), np.kron(np.ones(d), np.eye(e))
    size = np.abs(costs).max() or 1.0
    found = linprog(
        costs.ravel() / size, np.vstack([rows, columns]), np.concatenate([a, b]), np.ones((1, d * e)), [mass],
        method="highs-ds", options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )  # fmt: skip
    # The plan's own cost: what the solver reports holds to its tolerance only.
    return float(np.sum(np.round(found.x * d * e, 6) / (d * e) * costs.ravel()))


@defines
def soft_matching(x: np.ndarray, y: np.ndarray, *, share: float) -> float:
    if any(not c.any() for m in (x, y) for c in m.T):
        return math.nan
    points = [[c / np.linalg.norm(c) for c in m.T] for m in (x, y)]
    costs = np.asarray([[np.sum((a - b) ** 2) for b in points[1]] for a in points[0]])
    weights = [np.full(len(p), 1 / len(p)) for p in points]
    return math.sqrt(transport(costs, *weights, share) / share)


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    if any(np.ptp(c) == 0 for m in (x, y) for c in m.T):
        return None
    return np.asarray([[pearson(a, b) for b in y.T] for a in x.T])


@defines
def hard_correlation_match(x: np.ndarray, y: np.ndarray) -> float:
    found = correlations(x, y)
    if found is None:
        return math.nan
    found = found if found.shape[0] <= found.shape[1] else found.T
    d, e = found.shape
    # Each of the fewer is matched; of the others, some are left out.
    gains = linprog(
        -found.ravel(), np.kron(np.ones(d), np.eye(e)), np.ones(e), np.kron(np.eye(d), np.ones(e)), np.ones(d),
        method="highs-ds",
    )  # fmt: skip
    return float(np.sum(np.round(gains.x) * found.ravel())) / d


@defines
def soft_correlation_match(x: np.ndarray, y: np.ndarray) -> float:
    found = correlations(x, y)
    return math.nan if found is None else (np.mean(found.max(axis=1)) + np.mean(found.max(axis=0))) / 2


# Topology.


def scaled(x: np.ndarray) -> np.ndarray | None:
    d = np.asarray([[np.linalg.norm(a - b) for b in x] for a in x])
    scale = np.quantile(d, 0.9)
    return d / scale if scale else None


@defines
def rtd_lite(x: np.ndarray, y: np.ndarray) -> float:
    a, b = scaled(x), scaled(y)
    if a is None or b is None:
        return math.nan
    return (tree(a) + tree(b)) / 2 - tree(np.minimum(a, b))


def tree(d: np.ndarray) -> float:
    """Prim's algorithm."""
    inside, total = {0}, 0.0
    while len(inside) < len(d):
        length, item = min((d[i, j], j) for i in inside for j in range(len(d)) if j not in inside)
        inside.add(item)
        total += length
    return total


@defines
def rtd(x: np.ndarray, y: np.ndarray, *, sample: int, draws: int, seed: int) -> float:
    if 0 < sample < len(x):
        rng = np.random.default_rng(seed)
        chosen = [np.sort(rng.permutation(len(x))[:sample]) for _ in range(draws)]
        return np.mean([rtd(x[c], y[c], sample=0, draws=1, seed=0) for c in chosen])
    a, b = scaled(x), scaled(y)
    if a is None or b is None:
        return math.nan
    return (loops(a, b) + loops(b, a)) / 2


def loops(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of the lengths of the H1 bars, by reducing the boundary matrix of all triangles."""
    n = 2 * len(a)
    d = np.block([[np.zeros_like(a), a], [a, np.minimum(a, b)]])
    edges = sorted((d[i, j], i, j) for i, j in itertools.combinations(range(n), 2))
    place = {(i, j): index for index, (_, i, j) in enumerate(edges)}
    triangles = sorted(
        (max(d[i, j], d[i, k], d[j, k]), max(place[i, j], place[i, k], place[j, k]), i, j, k)
        for i, j, k in itertools.combinations(range(n), 3)
    )
    reduced: dict[int, set[int]] = {}
    total = 0.0
    for death, _, i, j, k in triangles:
        column = {place[i, j], place[i, k], place[j, k]}
        while column and max(column) in reduced:
            column ^= reduced[max(column)]
        if column:
            reduced[max(column)] = column
            total += death - edges[max(column)][0]
    return total


@defines
def imd(x: np.ndarray, y: np.ndarray, *, k: int) -> float:
    times = np.logspace(-1, 1, 256)
    traces = []
    for m in (x, y):
        n = len(m)
        apart = [[np.linalg.norm(m[i] - m[j]) if i != j else math.inf for j in range(n)] for i in range(n)]
        near = [{j for j in range(n) if row[j] <= sorted(row)[k - 1] * (1 + 1e-10)} for row in apart]
        edges = np.asarray([[float(j in near[i] or i in near[j]) for j in range(n)] for i in range(n)])
        degrees = edges.sum(axis=1)
        laplacian = np.eye(n) - edges / np.sqrt(np.outer(degrees, degrees))
        step = expm(-laplacian * times[0])
        values = np.linalg.eigvals(step).real  # of the heat kernel itself
        traces.append(np.asarray([np.sum(values ** (t / times[0])) / n for t in times]))
    return np.max(np.exp(-2 * (times + 1 / times)) * abs(traces[0] - traces[1]))


# Descriptions.


@defines
def magnitude_difference(x: np.ndarray, y: np.ndarray) -> float:
    return abs(np.linalg.norm(x.mean(axis=0)) - np.linalg.norm(y.mean(axis=0)))


@defines
def concentricity_difference(x: np.ndarray, y: np.ndarray) -> float:
    means = [(m - centred(m))[0] for m in (x, y)]
    means = [np.where(abs(mean) < 1e-15 * abs(m).max(), 0, mean) for mean, m in zip(means, (x, y), strict=True)]
    a, b = (np.mean([cosine(r, mean) for r in m]) for m, mean in zip((x, y), means, strict=True))
    return abs(a - b)


@defines
def uniformity_difference(x: np.ndarray, y: np.ndarray, *, t: float, normalize: bool) -> float:
    if normalize:
        x, y = (np.asarray([r / np.sqrt(np.dot(r, r)) for r in m]) for m in (x, y))
    values = [math.fsum(math.exp(-t * np.sum((a - b) ** 2)) for a in m for b in m) / len(m) for m in (x, y)]
    return abs(math.log(values[0]) - math.log(values[1]))


# Copies of one model, feature by feature.


@defines
def relative_error(x: np.ndarray, y: np.ndarray, over: str, center: bool) -> float:
    x, error = (centred(m) if center else m for m in (x, x - y))
    if over == "all":
        return length(error) / length(x)
    return sum(length(e) / length(row) for e, row in zip(error, x, strict=True)) / len(x)


@defines
def signal_to_noise(x: np.ndarray, y: np.ndarray, over: str, center: bool) -> float:
    x, error = (centred(m) if center else m for m in (x, x - y))
    pairs = [(x, error)] if over == "all" else list(zip(x, error, strict=True))
    powers = [(math.fsum((a * a).ravel()), math.fsum((b * b).ravel())) for a, b in pairs]
    if any(signal == 0 or noise == 0 for signal, noise in powers):
        return math.nan
    return sum(10 * math.log10(signal / noise) for signal, noise in powers) / len(pairs)


def length(x: np.ndarray) -> float:
    return math.sqrt(math.fsum((x * x).ravel()))


@defines
def cosine_of_rows(x: np.ndarray, y: np.ndarray, center: bool = False) -> float:
    x, y = (centred(m) if center else m for m in (x, y))
    return sum(float(cosine(a, b)) for a, b in zip(x, y, strict=True)) / len(x)


DEFINITIONS["cosine"] = DEFINITIONS.pop("cosine_of_rows")


@defines
def block_influence(x: np.ndarray, y: np.ndarray) -> float:
    return 1 - cosine_of_rows(x, y)


@defines
def largest_error(x: np.ndarray, y: np.ndarray) -> float:
    return float(max(abs(a - b) for a, b in zip(x.ravel(), y.ravel(), strict=True))) / (length(x) / math.sqrt(x.size))


@defines
def feature_correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = centred(x), centred(y)
    return sum(float(cosine(a, b)) for a, b in zip(x.T, y.T, strict=True)) / x.shape[1]


def degrees(moves):
    """Degrees of freedom of a sum of squares of g moves, from scipy's estimate of their kurtosis."""
    g = len(moves)
    if g < 10:
        return g - 1
    fourth = 3 + float(kurtosis(moves, bias=False))
    variance = fourth / g - (g - 3) / (g * (g - 1))  # of the sum of squares, in units of its square
    return 2 / variance if variance > 2 / (g - 1) else g - 1


def reach_of(moves):
    """How far an interval reaches below and above a score that g parts move up by so much."""
    g, moves = len(moves), np.asarray(moves) - np.mean(moves)
    half = float(student.ppf(0.975, degrees(moves)) * np.sqrt(np.sum(moves**2)))
    if g < 10 or not moves.any():
        return half, half
    # Johnson's term of a mean of g numbers, g times the moves; up to twice that where a few decide.
    further = float((1 + 2 * 1.959963984540054**2) * np.sum(moves**3) / (6 * np.sum(moves**2)))
    further *= 2 - degrees(moves) / (g - 1)
    return half + max(0.0, -further), half + max(0.0, further)
