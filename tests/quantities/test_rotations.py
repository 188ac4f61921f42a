"""Rotations of rows that are not centred, from the decomposition of the centred ones."""

import numpy as np
import pytest

from likewise.measures import Configuration
from likewise.quantities import AlignedProducts, Prepared, nodes

CASES = [(30, 6, 9), (30, 9, 6), (40, 60, 50), (24, 24, 24), (60, 200, 150)]


def sides(n: int, d: int, e: int, offset: float, power: float) -> tuple[Prepared, Prepared]:
    rng = np.random.default_rng([n, d, e])
    x, y = ((rng.normal(size=(n, w)) + offset * rng.normal(size=w)) * np.arange(1.0, w + 1) ** -power for w in (d, e))
    return Prepared(x), Prepared(y).permuted(rng.permutation(n))


@pytest.mark.parametrize("shape", CASES, ids=str)
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("offset", [0.0, 0.1, 3.0, 100.0])
def test_a_shuffle_of_rows_as_they_are_is_what_its_own_decomposition_gives(shape, offset, power) -> None:
    x, y = sides(*shape, offset, power)
    found, expected = x.joint(y, AlignedProducts(center=False)), AlignedProducts(center=False)._by_decomposition(x, y)
    assert found.sum() == pytest.approx(expected.sum(), rel=1e-10)
    for name in ("procrustes(center=False)", "aligned_cosine(center=False)"):
        c = Configuration.parse(name)
        assert c(x, y) == pytest.approx(c(x.given, y.given), abs=1e-10)


def test_of_a_shuffle_nothing_is_decomposed_but_what_is_centred(monkeypatch) -> None:
    x, y = sides(40, 60, 50, 0.5, 0.5)
    eigh, calls = np.linalg.eigh, []
    monkeypatch.setattr(np.linalg, "eigh", lambda m: calls.append(m.shape) or eigh(m))
    for name in ("procrustes", "aligned_cosine", "procrustes(center=False)", "aligned_cosine(center=False)"):
        Configuration.parse(name)(x, y)
    assert len(calls) == 1


@pytest.mark.parametrize(("least", "most"), [(1.0, 1.0), (1e-6, 3.0)])
def test_nodes_give_the_integrals_that_they_are_for(least: float, most: float) -> None:
    at, weight = nodes(least, most)
    for s in (least, (least * most) ** 0.5, most):
        assert weight @ (s / (s**2 + at**2)) == pytest.approx(np.pi / 2, abs=1e-13)
        assert weight @ (s**3 / (s**2 + at**2) ** 2) == pytest.approx(np.pi / 4, abs=1e-11)


@pytest.mark.parametrize("n", [8, 12, 16])
def test_sides_whose_centred_products_are_rounding_have_the_score_of_their_own_decomposition(n: int) -> None:
    """One feature, and a shuffle after which nothing is shared but the offset."""
    x = np.repeat([4.0, 2.0], n // 2)[:, None]
    order = np.arange(n).reshape(2, 2, n // 4).transpose(1, 0, 2).ravel()
    side = Prepared(x).permuted(order)
    assert abs(np.cov(x[:, 0], x[order, 0])[0, 1]) < 1e-15
    for name in ("procrustes(center=False)", "aligned_cosine(center=False)"):
        c = Configuration.parse(name)
        assert c(Prepared(x), side) == pytest.approx(c(x, x[order]), abs=1e-12)
