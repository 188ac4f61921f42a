"""Directions that tie: no value, or one value whichever are chosen."""

import numpy as np
import pytest

from likewise.errors import UndefinedError
from likewise.measures import Configuration, get
from likewise.quantities import Prepared


def one_hot(kinds: int, n: int = 24) -> np.ndarray:
    return np.eye(kinds)[np.arange(n) % kinds]


@pytest.mark.parametrize("label", ["svcca(k=1)", "svcca(k=3)", "svcca(variance=0.5)", "pwcca"])
@pytest.mark.parametrize("seed", range(4))
def test_ties_give_no_value_or_one(label, seed):
    rng = np.random.default_rng(seed)
    c, q = Configuration.parse(label), np.linalg.qr(rng.normal(size=(6, 6)))[0]
    x = one_hot(6) * rng.choice([1.0, 2.0], size=6)
    for y in (np.eye(8)[(np.arange(24) * 5 // 3) % 8], rng.normal(size=(24, 6)), x):
        order, values = rng.permutation(24), []
        for a, b in ((x, y), (x[order], y[order]), (x[:, ::-1] if label == "pwcca" else x @ q, y)):
            try:
                values.append(c(a, b))
            except UndefinedError:
                values.append(None)
        assert values == [None] * 3 or values == pytest.approx([values[0]] * 3, abs=1e-8)


def test_tie_that_changes_nothing_has_a_value():
    rng = np.random.default_rng(0)
    q = np.linalg.qr(np.c_[np.ones(40), rng.normal(size=(40, 8))])[0][:, 1:]
    assert get("svcca")(q[:, :6], q[:, :6] @ np.diag(np.arange(1.0, 7.0)), k=6) == pytest.approx(1)
    assert get("svcca")(q[:, :4], q[:, 4:], k=2) == pytest.approx(0, abs=1e-12)
    assert get("pwcca")(one_hot(6), one_hot(6)) == pytest.approx(1)


@pytest.mark.parametrize(("d", "e", "tied"), [(10, 13, False), (10, 14, False), (10, 15, True), (15, 12, True)])
def test_pwcca_is_undefined_from_two_correlations_of_one_on(d, e, tied):
    rng = np.random.default_rng(d)
    x, y = rng.normal(size=(24, d)), rng.normal(size=(24, e))
    if tied:
        with pytest.raises(UndefinedError, match=f"{d + e - 23} of the canonical correlations of x and y tie"):
            get("pwcca")(x, y)
    else:
        assert 0 < get("pwcca")(x, y) < 1


def test_share_of_the_variance_that_is_just_reached_keeps_no_direction_more():
    q = np.linalg.qr(np.c_[np.ones(40), np.random.default_rng(1).normal(size=(40, 10))])[0][:, 1:]
    x = q[:, :4] * np.sqrt([0.4, 0.3, 0.2, 0.1])
    for share, kept in ((0.4, 1), (0.7, 2), (0.9, 3)):
        assert get("svcca")(x, x[:, ::-1] * 7, variance=share) == pytest.approx(1)
        halves = np.c_[x[:, :kept], q[:, 5:9] * 1e-3]
        assert get("svcca")(x, halves, variance=share) == pytest.approx(1)


EUCLIDEAN = (
    "rsa",
    'rsa(outer="tau_b")',
    'jaccard(k=3, inner="euclidean")',
    'mutual_knn(k=3, inner="euclidean")',
    "sampled_rsa",
)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("label", EUCLIDEAN)
def test_equal_rows_that_a_rotation_rounds_apart_are_equal(label: str, many: bool) -> None:
    c = Configuration.parse(label)
    if many and c.measure == "rsa":
        return
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(8, 31)), int(rng.integers(5, 60))
        x, q = rng.normal(size=(n, d)) + 1, np.linalg.qr(rng.normal(size=(d, d))).Q
        x[rng.integers(0, n, n // 2)] = x[0]
        sides = [Prepared(rows, many=many) for rows in (x, x @ q, 7.7 * x)]
        try:
            own = c(sides[0], sides[0])
        except UndefinedError:
            continue
        assert [c(sides[0], side) for side in sides[1:]] == pytest.approx([own] * 2, abs=1e-12), seed


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e5])
def test_two_features_are_correlated_by_their_signs(offset: float) -> None:
    """Whatever stands before them."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 20, 2))
        signs = [np.sign(side[:, 0] - side[:, 1]) for side in (x, y)]
        differ = [np.not_equal.outer(s, s)[np.triu_indices(20, 1)].astype(float) for s in signs]
        value = get("rsa")(x + offset * rng.normal(size=(20, 1)), 3.7 * y, inner="correlation")
        assert value == pytest.approx(np.corrcoef(*differ)[0, 1], abs=1e-12)
