"""What other packages call the same measures: functions of two arrays, used by the benchmark and by the tests.

Each imports its package when it is called, so that a missing one is an ImportError of that peer alone.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from types import ModuleType
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Peer:
    """A function that computes the number of one of our configurations, or says it does."""

    package: str
    call: str
    measure: str
    """Our configuration."""
    function: Callable[[Array, Array], float]
    ours: Callable[[float], float] = float
    """Our value, as the peer expresses it."""
    most_items: int = 10**9
    """It is not timed with more items than these, which would take minutes or gigabytes."""
    most_features: int = 10**9


def tensors(*matrices: Array) -> list[Any]:
    import torch

    return [torch.from_numpy(np.ascontiguousarray(m)) for m in matrices]


def centred(x: Array) -> Array:
    return x - x.mean(axis=0)


def unit(x: Array) -> Array:
    return x / np.linalg.norm(x)


def deep_reps() -> ModuleType:
    """Return the functions of deep-reps, whose own ``__init__`` cannot be imported.

    It needs a package that it does not declare, and one of its modules imports a name from the package before the
    package has it. So a stand-in for the package takes the place of its ``__init__`` while the modules are imported.
    """
    found = sys.modules.get("deep_reps")
    if found is not None:
        return found
    spec = importlib.util.find_spec("deep_reps")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("deep_reps")
    package = ModuleType("deep_reps")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["deep_reps"] = package
    for name in ("utils", "similarity_functions", "rsm_measures", "alignment_measures", "cca_measures",
                 "neighbors_measures"):  # fmt: skip
        module = importlib.import_module(f"deep_reps.{name}")
        vars(package).update({key: value for key, value in vars(module).items() if not key.startswith("_")})
    return package


def repsim(function: str, *options: str) -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        return float(getattr(importlib.import_module("repsim"), function)([x, y], *options)[0, 1])

    return call


def rsatoolbox(method: str, inner: str = "euclidean") -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        from rsatoolbox.data import Dataset
        from rsatoolbox.rdm import calc_rdm, compare

        return float(compare(*(calc_rdm(Dataset(m), method=inner) for m in (x, y)), method)[0, 0])

    return call


def pytorch_cka(x: Array, y: Array) -> float:
    from cka import cka_from_features

    return float(cka_from_features(*tensors(x, y)))


def torch_cka(x: Array, y: Array, batch: int = 0) -> float:
    """Compare the outputs of two models that return their input; all items in one batch, or so many."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset
    from torch_cka import CKA

    models = [torch.nn.Sequential(torch.nn.Identity()) for _ in range(2)]
    loaders = [DataLoader(TensorDataset(m.float()), batch_size=batch or len(m)) for m in tensors(x, y)]
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        peer = CKA(*models, model1_name="x", model2_name="y", model1_layers=["0"], model2_layers=["0"])
        peer.compare(*loaders)
    return float(peer.hsic_matrix[0, 0])


def dcor(function: str) -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        # It refuses single precision mixed with its own double.
        return float(getattr(importlib.import_module("dcor"), function)(x.astype(float), y.astype(float)))

    return call


def deep(function: str, *options: Any, prepared: Callable[[Array], Array] = centred) -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        with contextlib.redirect_stdout(io.StringIO()):  # one of them prints
            return getattr(deep_reps(), function)(*tensors(prepared(x), prepared(y)), *options)

    return call


def unchanged(x: Array) -> Array:
    return x


def single(x: Array) -> Array:
    """Centred and in single precision, where a function mixes its own with what it is given."""
    return centred(x).astype(np.float32)


def unit_variance(x: Array) -> Array:
    return unit(centred(x)) * np.float32(sqrt(len(x)))


def euclidean_deep(function: str) -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        found = deep_reps()
        return getattr(found, function)(*tensors(x, y), found.euclidean_distance)

    return call


def scipy_procrustes(x: Array, y: Array) -> float:
    from scipy.spatial import procrustes

    return float(procrustes(x, y)[2])


def scipy_rsa(inner: str, outer: str) -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        from scipy import stats
        from scipy.spatial.distance import pdist

        return float(getattr(stats, outer)(pdist(x, inner), pdist(y, inner)).statistic)

    return call


def scipy_rsm_difference(x: Array, y: Array) -> float:
    from scipy.spatial.distance import pdist

    return float(np.linalg.norm(pdist(unit(centred(x))) - pdist(unit(centred(y)))))


def scipy_assignment(gains: Array) -> tuple[Array, Array]:
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(gains, maximize=True)


def scipy_permutation(x: Array, y: Array) -> float:
    rows, columns = scipy_assignment(x.T @ y)
    return float(np.linalg.norm(x[:, rows] - y[:, columns]))


def column_correlations(x: Array, y: Array) -> Array:
    return np.corrcoef(x, y, rowvar=False)[: x.shape[1], x.shape[1] :]


def scipy_correlation_match(x: Array, y: Array) -> float:
    found = column_correlations(x, y)
    return float(found[scipy_assignment(found)].mean())


def numpy_soft_match(x: Array, y: Array) -> float:
    found = column_correlations(x, y)
    return float(found.max(axis=0).mean() + found.max(axis=1).mean()) / 2


def scipy_rtd_lite(x: Array, y: Array) -> float:
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import pdist, squareform

    a, b = (squareform(pdist(m)) for m in (x, y))
    a, b = a / np.quantile(a, 0.9), b / np.quantile(b, 0.9)
    lengths = [minimum_spanning_tree(m).sum() for m in (a, b, np.minimum(a, b))]
    return float((lengths[0] + lengths[1]) / 2 - lengths[2])


def pot_soft_matching(x: Array, y: Array) -> float:
    import ot

    x, y = (m.astype(float) / np.linalg.norm(m.astype(float), axis=0) for m in (x, y))
    return sqrt(ot.emd2([], [], ot.dist(x.T, y.T), numItermax=10**9))


def sklearn_neighbours(x: Array, y: Array, inner: str, k: int = 10) -> list[tuple[set[int], set[int]]]:
    from sklearn.neighbors import NearestNeighbors

    # Asked without rows, it leaves each row out of its own neighbours by index.
    found = [NearestNeighbors(n_neighbors=k, metric=inner).fit(m).kneighbors(return_distance=False) for m in (x, y)]
    return [(set(a.tolist()), set(b.tolist())) for a, b in zip(*found, strict=True)]


def sklearn_jaccard(inner: str) -> Callable[[Array, Array], float]:
    def call(x: Array, y: Array) -> float:
        return float(np.mean([len(a & b) / len(a | b) for a, b in sklearn_neighbours(x, y, inner)]))

    return call


def sklearn_mutual_knn(x: Array, y: Array) -> float:
    return float(np.mean([len(a & b) / len(a) for a, b in sklearn_neighbours(x, y, "cosine")]))


def sklearn_held_out(x: Array, y: Array, folds: int = 5) -> float:
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    split = PredefinedSplit(np.arange(len(x)) % folds)
    left, whole = (
        np.sum((x - cross_val_predict(model, y, x, cv=split)) ** 2) for model in (LinearRegression(), DummyRegressor())
    )
    return float(1 - left / whole)


def sklearn_ridge(x: Array, y: Array, ridge: float = 0.1) -> float:
    from sklearn.linear_model import Ridge

    x, y = centred(x), centred(y)
    left = x - Ridge(alpha=ridge * np.linalg.norm(y) ** 2, fit_intercept=False).fit(y, x).predict(y)
    return float(1 - np.sum(left**2) / np.sum(x**2))


def sklearn_cca(x: Array, y: Array) -> float:
    from sklearn.cross_decomposition import CCA

    count = min(x.shape[1], y.shape[1])
    found = CCA(n_components=count, max_iter=10_000, tol=1e-12).fit_transform(x, y)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*(m.T for m in found), strict=True)]))


PEERS = (
    Peer("repsim", 'cka(kernel_type="linear")', "cka", repsim("cka", "linear", "gretton")),
    Peer("rsatoolbox", 'compare("cosine_cov")', "cka", rsatoolbox("cosine_cov")),
    Peer("pytorch-cka", "cka_from_features", "cka(debiased=True)", pytorch_cka),
    Peer("torch-cka", "CKA.compare, one batch", "cka(debiased=True)", torch_cka),
    Peer("repsim", 'cka(kernel_type="rbf")', 'cka(kernel="rbf")', repsim("cka", "rbf", "gretton")),
    Peer("dcor", "distance_correlation", "distance_correlation", dcor("distance_correlation"), most_items=500),
    Peer(
        "dcor",
        "u_distance_correlation_sqr",
        "distance_correlation(debiased=True)",
        dcor("u_distance_correlation_sqr"),
        # It holds the difference of every two rows: 49 GiB for 1267 x 4096.
        most_items=500,
    ),
    Peer("rsatoolbox", 'compare("bures")', "nbs", rsatoolbox("bures")),
    Peer("scipy", "spatial.procrustes", "procrustes", scipy_procrustes, ours=lambda v: 1 - (1 - v**2 / 2) ** 2),
    Peer(
        "deep-reps",
        "orthogonal_procrustes",
        "procrustes",
        deep("orthogonal_procrustes", prepared=lambda x: unit(centred(x))),
    ),
    Peer("deep-reps", "aligned_cosine_similarity", "aligned_cosine", deep("aligned_cosine_similarity")),
    Peer("deep-reps", "aligned_linear_regression", "linear_predictivity", deep("aligned_linear_regression")),
    Peer("scikit-learn", "LinearRegression", "linear_predictivity(folds=5)", sklearn_held_out, most_items=500),
    Peer("scikit-learn", "Ridge", "linear_predictivity(ridge=0.1)", sklearn_ridge),
    Peer("repsim", 'cca("pillai")', "mean_cca", repsim("cca", "pillai")),
    Peer("scikit-learn", "CCA", "mean_cca", sklearn_cca, most_features=20),
    Peer("deep-reps", "unified_linear_probing", "gulp", deep("unified_linear_probing", 0.01, prepared=unit_variance)),
    Peer("rsatoolbox", 'compare("spearman")', "rsa", rsatoolbox("spearman")),
    Peer("scipy", "pdist, spearmanr", "rsa", scipy_rsa("euclidean", "spearmanr")),
    Peer("scipy", "pdist, spearmanr", 'rsa(inner="cosine")', scipy_rsa("cosine", "spearmanr")),
    Peer("rsatoolbox", 'compare("spearman")', 'rsa(inner="correlation")', rsatoolbox("spearman", "correlation")),
    Peer("scipy", "pdist, pearsonr", 'rsa(outer="pearson")', scipy_rsa("euclidean", "pearsonr")),
    Peer("rsatoolbox", 'compare("corr")', 'rsa(inner="sqeuclidean", outer="pearson")', rsatoolbox("corr")),
    Peer("rsatoolbox", 'compare("cosine")', 'rsa(inner="sqeuclidean", outer="cosine")', rsatoolbox("cosine")),
    Peer("rsatoolbox", 'compare("tau-a")', 'rsa(outer="tau_a")', rsatoolbox("tau-a")),
    Peer("scipy", "pdist, kendalltau", 'rsa(outer="tau_b")', scipy_rsa("euclidean", "kendalltau")),
    Peer("scipy", "pdist, norm", "rsm_difference", scipy_rsm_difference),
    Peer(
        "deep-reps",
        "rsm_norm_difference",
        "rsm_difference(center=False, normalize=False)",
        euclidean_deep("rsm_norm_difference"),
        # The whole matrix, in which each pair of items counts twice.
        ours=lambda v: v * sqrt(2),
        most_items=200,
    ),
    Peer("scikit-learn", "NearestNeighbors", "jaccard", sklearn_jaccard("cosine")),
    Peer("scikit-learn", "NearestNeighbors", 'jaccard(inner="euclidean")', sklearn_jaccard("euclidean")),
    Peer(
        "deep-reps",
        "knn_jaccard_similarity",
        'jaccard(inner="euclidean")',
        deep("knn_jaccard_similarity", 10, prepared=unchanged),
    ),
    Peer("scikit-learn", "NearestNeighbors", "mutual_knn", sklearn_mutual_knn),
    Peer("scipy", "linear_sum_assignment", "permutation_procrustes", scipy_permutation),
    Peer("POT", "emd2", "soft_matching", pot_soft_matching),
    Peer("scipy", "corrcoef, assignment", "hard_correlation_match", scipy_correlation_match),
    Peer("numpy", "corrcoef, max", "soft_correlation_match", numpy_soft_match),
    Peer("scipy", "minimum_spanning_tree", "rtd_lite", scipy_rtd_lite),
)
"""Peers that compute our number."""


@dataclass(frozen=True)
class Departure:
    """A peer's number that is not the one its name says, and why."""

    package: str
    call: str
    measure: str
    function: Callable[[Array, Array], float]
    cause: str


DEPARTURES = (
    Departure(
        "repsim", 'cka("linear", "song")', "cka(debiased=True)", repsim("cka", "linear", "song"),
        "the unbiased product is divided by norms of the biased estimate",
    ),
    Departure(
        "repsim", "svcca", "svcca", repsim("svcca", "pillai"),
        "its directions are not those of 99 % of the variance: a matrix and itself score below 1",
    ),
    Departure("repsim", "pwcca", "pwcca", repsim("pwcca"), "the mean of both directions, though the weights differ"),
    Departure(
        "deep-reps", "centered_kernel_alignment", "cka", deep("centered_kernel_alignment", prepared=unchanged),
        "the centring matrix is I - 11' instead of I - 11'/n",
    ),
    Departure(
        "deep-reps", "distance_correlation", "distance_correlation", deep("distance_correlation", prepared=unchanged),
        "the sum of a product of centred matrices, which is 0 for any data: what is divided is rounding",
    ),
    Departure(
        "deep-reps", "eigenspace_overlap_score", "eigenspace_overlap",
        deep("eigenspace_overlap_score", prepared=unchanged),
        "all n eigenvectors are compared, those of eigenvalue zero included",
    ),
    Departure(
        "deep-reps", "compute_standard_svcca", "svcca", deep("compute_standard_svcca"),
        "the sum is divided by the number of features, not by the number of directions kept",
    ),
    Departure(
        "deep-reps", "rank_similarity", 'rank_similarity(inner="euclidean")',
        deep("rank_similarity", 10, prepared=unchanged),
        "divided by H_k instead of H of the number of common neighbours",
    ),
    Departure(
        "deep-reps", "joint_rank_knn_jaccard_similarity", 'joint_rank_jaccard(inner="euclidean")',
        deep("joint_rank_knn_jaccard_similarity", 10, prepared=unchanged), "the mean of two means, not of the products",
    ),
    Departure(
        "deep-reps", "second_order_cosine_similarity", 'second_order_cosine(inner="euclidean")',
        deep("second_order_cosine_similarity", 10, prepared=unchanged),
        "a cosine between the neighbours' features, not between distances to them",
    ),
    Departure(
        "deep-reps", "correlation_match", "hard_correlation_match", deep("correlation_match", prepared=single),
        "the greedy choice permutes the wrong side, and what is negative is clamped to 0",
    ),
    Departure(
        "deep-reps", "angular_shape_metric", "procrustes_angle", deep("angular_shape_metric", prepared=single),
        "it maximises the norm of the products of the entries, not their sum",
    ),
)  # fmt: skip
"""Peers that compute another number under the same name."""
