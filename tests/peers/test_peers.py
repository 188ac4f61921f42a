"""Other packages beside ours: their numbers where they are right, and the cause where they are not."""

import functools
import subprocess
import sys

import numpy as np
import pytest
from peer_functions import (
    DEPARTURES,
    PEERS,
    Departure,
    Peer,
    column_correlations,
    deep,
    deep_reps,
    pytorch_cka,
    repsim,
    scipy_assignment,
    scipy_procrustes,
    single,
    tensors,
    torch_cka,
    unchanged,
)
from scipy.spatial.distance import cdist

from likewise.errors import UndefinedError
from likewise.measures import Configuration, get

MODULES = {"pytorch-cka": "cka", "deep-reps": "deep_reps", "scikit-learn": "sklearn", "POT": "ot"}

# rsatoolbox takes square roots of eigenvalues that are zero but for rounding; the torch packages make matrices of
# their own in single precision.
TOLERANCES = {"torch-cka": 1e-5, "deep-reps": 1e-6, 'compare("bures")': 1e-6, "CCA": 1e-6}


def need(package: str) -> None:
    name = MODULES.get(package, package.replace("-", "_"))
    if name == "deep_reps":
        try:
            deep_reps()
        except ImportError:
            pytest.skip("could not import 'deep_reps'")
    elif name == "dcor":
        as_written("dcor")
    else:
        pytest.importorskip(name)


@functools.cache
def as_written(package: str) -> None:
    """Import a package without compiling it, which takes numba most of a minute."""
    numba = pytest.importorskip("numba")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        patch.setattr(numba, "guvectorize", lambda *_, **__: lambda function: function)
        pytest.importorskip(package)


@pytest.fixture
def tall(golden):
    return golden(64, 12, 12)


@pytest.fixture
def wide(golden):
    return golden(40, 60, 60)


@pytest.mark.parametrize("shape", ["tall", "wide"])
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: f"{peer.package}-{peer.call}-{peer.measure}")
def test_right_peer(peer: Peer, shape: str, request):
    need(peer.package)
    ours = Configuration.parse(peer.measure)
    x, y = request.getfixturevalue(shape)
    if shape == "wide" and (ours.facts.undefined_if_wide or x.shape[1] > peer.most_features):
        pytest.skip("says nothing about more features than items")
    tolerance = TOLERANCES.get(peer.call, TOLERANCES.get(peer.package, 1e-9))
    assert peer.function(x, y) == pytest.approx(peer.ours(ours(x, y)), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("departure", DEPARTURES, ids=lambda departure: f"{departure.package}-{departure.call}")
def test_wrong_peer(departure: Departure, tall):
    need(departure.package)
    theirs, ours = departure.function(*tall), Configuration.parse(departure.measure)(*tall)
    assert abs(theirs - ours) > 1e-3


def nearest(x, k=10):
    distances = cdist(x, x)
    np.fill_diagonal(distances, np.inf)
    return distances.argsort(axis=1)[:, :k]


def biased_hsic(a, b):
    h = np.eye(len(a)) - 1 / len(a)
    return np.sum((h @ a @ h) * (h @ b @ h)) / (len(a) - 1) ** 2


def unbiased_hsic(a, b):
    a, b = (m - np.diag(np.diag(m)) for m in (a, b))
    n = len(a)
    return (np.sum(a * b) + a.sum() * b.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (a @ b).sum()) / (n * (n - 3))


class TestCausesRepsim:
    @pytest.fixture(autouse=True)
    def installed(self):
        need("repsim")

    def test_debiased_cka_has_biased_norms(self, tall):
        a, b = (m @ m.T for m in tall)
        expected = unbiased_hsic(a, b) / np.sqrt(biased_hsic(a, a) * biased_hsic(b, b))
        assert repsim("cka", "linear", "song")(*tall) == pytest.approx(expected, rel=1e-9)

    def test_pwcca_is_the_mean_of_both_directions(self, tall):
        x, y = tall
        expected = (get("pwcca")(x, y) + get("pwcca")(y, x)) / 2
        assert repsim("pwcca")(x, y) == pytest.approx(expected, rel=1e-9)

    def test_svcca_of_a_matrix_and_itself_is_not_one(self, tall):
        x, _ = tall
        assert repsim("svcca", "pillai")(x, x) == pytest.approx(11 / 12)
        assert get("svcca")(x, x) == pytest.approx(1.0)

    def test_cca_of_more_features_than_items_is_the_same_for_any_data(self, wide, rng):
        x, y = wide
        noise = rng.normal(size=x.shape)
        assert repsim("cca", "pillai")(x, y) == pytest.approx(39 / 40)
        assert repsim("cca", "pillai")(x, noise) == pytest.approx(39 / 40)
        with pytest.raises(UndefinedError, match="linearly independent"):
            get("mean_cca")(x, noise)


class TestCausesDeepReps:
    @pytest.fixture(autouse=True)
    def installed(self):
        need("deep-reps")

    def test_cannot_be_imported(self):
        done = subprocess.run([sys.executable, "-c", "import deep_reps"], capture_output=True, text=True)
        assert done.returncode and ("circular import" in done.stderr or "open_clip" in done.stderr)

    def test_cka_is_not_centred(self, tall):
        a, b = (m @ m.T for m in tall)
        h = np.eye(len(a)) - np.ones_like(a)
        expected = np.trace(a @ h @ b @ h) / np.sqrt(np.trace(a @ h @ a @ h) * np.trace(b @ h @ b @ h))
        theirs = deep("centered_kernel_alignment", prepared=unchanged)(*tall)
        assert float(theirs) == pytest.approx(expected, rel=1e-3)
        assert theirs > 1

    def test_distance_correlation_divides_rounding(self, tall):
        a, b = (cdist(m, m) for m in tall)
        a, b = (m - m.mean(0) - m.mean(1)[:, None] + m.mean() for m in (a, b))
        assert abs(np.sum(a @ b)) < 1e-9 * np.sum(a * b)

    def test_eigenspace_overlap_is_one_for_any_data(self, wide, rng):
        x, _ = wide
        theirs = deep("eigenspace_overlap_score", prepared=unchanged)(x, rng.normal(size=x.shape))
        assert theirs == pytest.approx(1.0, abs=0.01)

    def test_svcca_is_divided_by_the_number_of_features(self, tall):
        kept = 12 * deep("compute_standard_svcca")(*tall) / get("svcca")(*tall)
        assert kept == pytest.approx(round(kept), abs=1e-4)
        assert round(kept) < 12

    def test_cca_is_divided_by_the_features_of_the_first(self, golden):
        x, y = golden(64, 12, 16)
        assert deep("compute_standard_cca")(x, y) == pytest.approx(get("mean_cca")(x, y), rel=1e-6)
        assert deep("compute_standard_cca")(y, x) == pytest.approx(12 / 16 * get("mean_cca")(x, y), rel=1e-6)

    def test_rank_similarity_is_divided_by_the_harmonic_number_of_k(self, tall):
        scores = []
        for a, b in zip(*(nearest(m).tolist() for m in tall), strict=True):
            ranks = [(a.index(j) + 1, b.index(j) + 1) for j in set(a) & set(b)]
            scores.append(sum(2 / ((1 + abs(p - q)) * (p + q)) for p, q in ranks) / sum(1 / np.arange(1, 11)))
        assert deep("rank_similarity", 10, prepared=unchanged)(*tall) == pytest.approx(np.mean(scores), rel=1e-6)

    def test_joint_similarity_is_a_mean_of_means(self, tall):
        parts = [deep(name, 10, prepared=unchanged)(*tall) for name in ("rank_similarity", "knn_jaccard_similarity")]
        theirs = deep("joint_rank_knn_jaccard_similarity", 10, prepared=unchanged)(*tall)
        assert theirs == pytest.approx(np.mean(parts), rel=1e-6)

    def test_second_order_similarity_compares_features(self, tall):
        a, b = (m[nearest(m)].reshape(len(m), -1) for m in tall)
        cosines = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
        theirs = deep("second_order_cosine_similarity", 10, prepared=unchanged)(*tall)
        assert theirs == pytest.approx(cosines.mean(), rel=1e-6)

    def test_correlation_match_does_not_find_permuted_features(self, tall):
        x, _ = tall
        moved = np.roll(x, 1, axis=1)
        assert get("hard_correlation_match")(x, moved) == pytest.approx(1.0)
        assert deep("correlation_match", prepared=single)(x, moved) < 0.9

    def test_angular_shape_metric_of_a_matrix_and_itself_is_not_zero(self, tall):
        x, _ = tall
        assert get("procrustes_angle")(x, x) == pytest.approx(0.0, abs=1e-9)
        assert deep("angular_shape_metric", prepared=single)(x, x) > 1

    def test_procrustes_of_a_matrix_and_itself_is_not_zero(self, tall, wide):
        found = [deep("orthogonal_procrustes", prepared=single)(x, x) for x, _ in (tall, wide)]
        # The square root of what rounding left, which may be negative.
        assert all(abs(value) > 1e-3 for value in found)
        assert get("procrustes")(tall[0], tall[0]) < 1e-12

    def test_first_neighbour_is_dropped_although_rows_repeat(self, tall):
        x, y = (np.repeat(m[:8], 8, axis=0) for m in tall)
        assert get("jaccard")(x, y, k=3, inner="euclidean") == 1.0
        kept, _ = deep_reps().get_knn_indices_and_ranks(tensors(x)[0], 3)
        assert (kept.numpy() == np.arange(64)[:, None]).any()
        assert deep("knn_jaccard_similarity", 3, prepared=unchanged)(x, y) < 1

    def test_bures_similarity_takes_roots_of_negative_rounding(self, tall):
        assert np.isnan(deep("normalized_bures_similarity", prepared=unchanged)(*tall))

    def test_linear_regression_inverts_a_singular_matrix(self, wide, rng):
        x, _ = wide
        noise = rng.normal(size=x.shape)
        assert deep("aligned_linear_regression")(x, noise) == pytest.approx(1.0, abs=1e-3)
        with pytest.raises(UndefinedError, match="in sample they predict anything"):
            get("linear_predictivity")(x, noise)

    @pytest.mark.parametrize("function", ["representation_similarity_analysis", "compute_wvcca"])
    def test_call_always_fails(self, tall, function):
        with pytest.raises(TypeError, match="positional argument"):
            deep(function)(*tall)


class TestCausesPytorchCka:
    @pytest.fixture(autouse=True)
    def installed(self):
        need("pytorch-cka")

    def test_negative_estimates_are_clamped(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(2, 30, 400))
        assert get("cka")(x, y, debiased=True) == pytest.approx(-0.0085, abs=1e-4)
        assert pytorch_cka(x, y) == 0

    def test_a_large_offset_loses_all_digits_of_single_precision(self, tall):
        x, y = ((m + 1000).astype(np.float32) for m in tall)
        ours = get("cka")(*tall, debiased=True)
        assert get("cka")(x, y, debiased=True) == pytest.approx(ours, abs=1e-4)
        assert abs(pytorch_cka(x, y) - ours) > 0.1

    def test_a_small_scale_meets_the_epsilon(self, tall):
        x, y = ((m * 1e-7).astype(np.float32) for m in tall)
        ours = get("cka")(*tall, debiased=True)
        assert get("cka")(x, y, debiased=True) == pytest.approx(ours, abs=1e-5)
        assert pytorch_cka(x, y) < 1e-6


class TestCausesTorchCka:
    @pytest.fixture(autouse=True)
    def installed(self):
        need("torch-cka")

    def test_the_batch_decides(self, tall):
        assert abs(torch_cka(*tall, batch=8) - torch_cka(*tall)) > 0.01

    def test_a_last_batch_of_three_fails(self, tall):
        with pytest.raises(ZeroDivisionError):
            torch_cka(*tall, batch=61)


class TestCausesScipy:
    def test_procrustes_refuses_different_widths(self, golden):
        with pytest.raises(ValueError, match="same shape"):
            scipy_procrustes(*golden(64, 12, 16))

    def test_procrustes_is_one_less_the_squared_nuclear_norm(self, tall):
        x, y = (m - m.mean(axis=0) for m in tall)
        nuclear = np.linalg.svd((x / np.linalg.norm(x)).T @ (y / np.linalg.norm(y)), compute_uv=False).sum()
        assert scipy_procrustes(x, y) == pytest.approx(1 - nuclear**2, rel=1e-9)


def test_assignment_of_different_widths(golden):
    x, y = golden(64, 12, 16)
    found = column_correlations(x, y)
    assert get("hard_correlation_match")(x, y) == pytest.approx(found[scipy_assignment(found)].mean(), rel=1e-9)


def test_bars_are_those_of_ripser(golden):
    ripser = pytest.importorskip("ripser").ripser
    x, y = golden(40, 60, 48)
    a, b = (cdist(m, m) for m in (x, y))
    a, b = a / np.quantile(a, 0.9), b / np.quantile(b, 0.9)
    lengths = []
    for first in (a, b):
        joined = np.block([[np.zeros_like(a), first], [first, np.minimum(a, b)]])
        born, dead = ripser(joined, distance_matrix=True, maxdim=1)["dgms"][1].T
        lengths.append(float((dead - born).sum()))
    assert get("rtd")(x, y) == pytest.approx(np.mean(lengths), rel=1e-5)
