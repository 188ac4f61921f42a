"""Linear kernels that are never formed, beside the formed ones."""

import numpy as np
import pytest

from likewise.chance import shuffled_moments
from likewise.measures import get
from likewise.quantities import OrbitSums, Prepared, UnitKernel, kernels, thin
from likewise.scoring import compare


def sides(n: int, d: int, e: int, tails: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, d, e])
    lengths = rng.standard_t(3, size=(2, n, 1)) if tails else np.ones((2, n, 1))
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, e))
    y[:, : min(d, e)] += x[:, : min(d, e)]
    return x * lengths[0] + 3, y * lengths[1] - 1e3


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("tails", [False, True])
@pytest.mark.parametrize("shape", [(5, 2, 3), (30, 7, 9), (40, 38, 39), (40, 40, 45), (300, 20, 31)])
def test_value_rows_and_chance_are_those_of_the_formed_kernel(monkeypatch, shape, tails, debiased):
    quantity, found = UnitKernel("linear", 1.0, debiased), []
    for items_per_feature in (10**9, 0):
        monkeypatch.setattr(kernels, "THIN", items_per_feature)
        x, y = map(Prepared, sides(*shape, tails))
        moments = shuffled_moments(*(of[OrbitSums(quantity)][None] for of in (x, y)), shape[0])
        found.append((quantity.products(x, y), moments.mean[0, 0], moments.std[0, 0], moments.skewness[0, 0]))
    for formed, by_features in zip(*found, strict=True):
        np.testing.assert_allclose(by_features, formed, rtol=1e-9, atol=1e-13)


def test_skewness_keeps_its_digits_where_cubes_are_summed_in_single_precision(monkeypatch):
    found = []
    for many in (10**9, 0):
        monkeypatch.setattr(thin, "MANY", many)
        sums = np.stack([Prepared(m)[OrbitSums(UnitKernel("linear", 1.0, True))] for m in sides(600, 5, 5, tails=True)])
        found.append(shuffled_moments(sums[:1], sums[1:], 600).skewness[0, 0])
    assert found[1] != found[0]
    assert found[1] == pytest.approx(found[0], rel=1e-7)  # the error falls with n


def test_cubes_are_those_of_the_entries():
    rng = np.random.default_rng(0)
    for n in (7, 700, 2000):
        z, s = rng.normal(size=(n, 3)), np.diag([1.0, -2.0, 0.5])
        z[n // 2] *= 1e3  # heavy
        a = z @ s @ z.T
        expected = (a**3).sum() - (np.diag(a) ** 3).sum()
        found = thin.Thin(z, s, np.zeros(n)).cubes()
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-8 * np.abs(a**3).sum() / n)


def test_cubes_of_a_sample_that_is_all_rows_are_those_of_all(monkeypatch):
    rng = np.random.default_rng(0)
    z, s = rng.exponential(size=(900, 3)), np.diag([1.0, -0.2, 0.5])
    z[[4, 500]] *= 30  # heavy
    expected = thin.Thin(z, s, np.zeros(900)).cubes()
    for name, value in {"MANY": 0, "MOST": 0, "SAMPLE": 10**6}.items():
        monkeypatch.setattr(thin, name, value)
    assert thin.Thin(z, s, np.zeros(900)).cubes() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["activations", "clusters"])
def test_skewness_from_a_sample_of_light_rows_is_that_of_all(monkeypatch, kind):
    """Of data whose cubes have one sign more than the other: without them the skewness lacks more."""
    rng, n, d = np.random.default_rng(0), 6000, 64
    centres = rng.normal(size=(30, d))[rng.integers(0, 30, n)]
    rows = np.maximum(centres + rng.normal(size=(n, d)), 0) if kind == "activations" else centres
    sums = {}
    for most, sample in ((10**9, 0), (0, 1024), (0, 1)):
        monkeypatch.setattr(thin, "MOST", most)
        monkeypatch.setattr(thin, "SAMPLE", sample)
        sums[sample] = Prepared(rows)[OrbitSums(UnitKernel("linear", 1.0, True))][None]
    exact, sampled, without = (shuffled_moments(s, s, n).skewness[0, 0] for s in sums.values())
    assert sampled == pytest.approx(exact, rel=1e-3)
    assert abs(without - exact) > 1e-3 * exact


def test_kernel_that_is_all_diagonal_is_formed():
    """Of one massive row little is left without the diagonal, and sums of d x d would cancel."""
    x = sides(60, 4, 4, tails=False)[0]
    x[3] *= 1e6
    assert UnitKernel("linear", 1.0, True).thin(Prepared(x)) is None
    assert UnitKernel("linear", 1.0, False).thin(Prepared(x)) is not None


def test_copy_of_few_features_is_identical():
    x, _ = sides(500, 6, 4, tails=True)
    for debiased in (False, True):
        assert get("cka")(x, 3 * x[:, ::-1] - 7, debiased=debiased) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("shape", [(30, 7, 9), (300, 20, 31), (300, 2, 90)])
def test_inner_products_are_the_sums_of_the_products(shape, debiased):
    quantity = UnitKernel("linear", 1.0, debiased)
    a, b = (quantity.thin(Prepared(m)) for m in sides(*shape, tails=True))
    assert a.inner(b) == pytest.approx(a.products(b).sum(), rel=1e-10, abs=1e-14)
    assert a.inner(a) == pytest.approx(1.0, rel=1e-9)


def test_shuffled_kernels_of_some_width_are_formed_and_give_the_same(monkeypatch):
    """By the widths of the pair alone; many items are never a matrix of all pairs."""
    quantity = UnitKernel("linear", 1.0, False)
    narrow, wide = map(Prepared, sides(600, 20, 200, tails=False))
    assert quantity.better_thin(narrow, narrow) and quantity.better_thin(narrow, wide)
    assert not quantity.better_thin(wide, wide)
    many = Prepared(np.random.default_rng(0).normal(size=(5000, 300)))
    assert quantity.better_thin(many, many)
    named, found = {"narrow": narrow.matrix, "wide": wide.matrix}, []
    for gathered in (0, 10**9):
        monkeypatch.setattr(kernels, "GATHERED", gathered)
        results = compare(named, ["cka", "cka(debiased=True)"], null="shuffles", permutations=5, groups=0)
        found.append([(row.value, row.null_mean, row.null_std, row.pvalue) for row in results])
    np.testing.assert_allclose(*found, rtol=1e-9)
