"""Every quantity, found by walking the subclasses, for all its items, a shuffle of them, and some of them."""

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from cases import each
from likewise.quantities import (
    AlignedProducts,
    Coordinates,
    CrossDecomposition,
    ErrorLengths,
    Factor,
    Gram,
    HeldOutRows,
    Loadings,
    NeighbourRanks,
    Neighbours,
    PerPair,
    Prepared,
    PrincipalComponents,
    Quantity,
    Scale,
    UnitDistances,
    UnitGram,
    UnitRows,
    Whitened,
)
from likewise.quantities import __all__ as names
from likewise.quantities.rotations import LOST


def subclasses(cls: type) -> Iterator[type]:
    for sub in cls.__subclasses__():
        yield sub
        yield from subclasses(sub)


def values_of(hint: Any) -> tuple[Any, ...]:
    known = {
        bool: (False, True),
        int: (2, 4),
        float: (0.5, 1.0),
        PerPair: (Gram(center=True), UnitDistances("euclidean", "spearman")),
    }
    return get_args(hint) if get_origin(hint) is Literal else known[hint]


def every_quantity() -> list[Quantity]:
    found = []
    for cls in subclasses(Quantity):
        if inspect.isabstract(cls) or not cls.__module__.startswith("likewise.quantities."):
            continue
        if cls.__module__ == "likewise.quantities.tables":  # of what has no rows; see test_tables.py
            continue
        # Of many rows, or no array; see test_many.py, test_nearest.py, test_thin.py.
        of_many = (
            "Axes",
            "FeatureProducts",
            "FeatureSquares",
            "KeepLengths",
            "LeftOutProducts",
            "LeftOutRows",
            "LeftOutSums",
            "Missing",
            "Orthonormal",
            "Rest",
            "RestDecomposition",
        )
        if cls.__name__ in ("Nearest", "KnownByFeatures", *of_many):
            continue
        hints = get_type_hints(cls)
        choices = [values_of(hints[f.name]) for f in fields(cls)]
        found += [cls(*chosen) for chosen in itertools.product(*choices)]
    return found


QUANTITIES = every_quantity()
SHAPES = [(15, 4), (9, 20), (8, 8)]


@pytest.fixture(params=SHAPES, ids=str)
def matrix(request):
    n, d = request.param
    x = np.random.default_rng(n).normal(size=(n, d)) + 1
    x[3] = x[1]  # equal rows follow a shuffle too
    return x


def skip_undefined(quantity: Quantity, n: int, d: int) -> None:
    if getattr(quantity, "inner", "") == "mahalanobis" and n <= d:
        pytest.skip("undefined where n <= d")


def meaning(quantity: Quantity, value: Any) -> np.ndarray:
    """What of a value is determined: thin coordinates are free up to a rotation, and their inner products are not."""
    value = np.asarray(value)
    if isinstance(quantity, Coordinates):
        value = value[:-1] + value[-1:]
    free = Coordinates | Factor | HeldOutRows | PrincipalComponents | UnitRows | Whitened
    if isinstance(quantity, Loadings):  # free up to signs
        return value.T @ value
    if isinstance(quantity, UnitGram):
        return np.linalg.eigvalsh(value)[:-7:-1]
    return value @ value.T if isinstance(quantity, free) else value


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Up to the rounding of sums as large as the largest."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(1, np.abs(expected).max()))


def test_every_quantity_is_found():
    assert {type(q).__name__ for q in QUANTITIES} == set(names) - {
        "AlignedCosine", "AlignedProducts", "Axes", "BothRows", "CanonicalCorrelations", "CanonicalDecomposition",
        "CanonicalVariates",
        "ComponentProducts",
        "CrossDecomposition", "CrossProduct", "Equivariant", "ErrorLengths", "Graph", "Groups", "HeldOutRotations",
        "JointQuantity", "NuclearNorm", "OrderFree", "PerItem", "PerPair", "Prepared", "ProjectionDistance",
        "Orders", "Quantity", "Round", "RowProducts", "SharedCoordinates", "SummedProduct", "UnitProduct",
        *(name for name in names if name.islower() or name.isupper()),
    }  # fmt: skip


@pytest.mark.parametrize("quantity", each(QUANTITIES))
def test_shuffled_value_is_that_of_the_shuffled_rows(quantity, matrix):
    skip_undefined(quantity, *matrix.shape)
    if isinstance(quantity, Neighbours | NeighbourRanks):
        matrix = np.unique(matrix, axis=0)  # ties go to the lower index, which a shuffle changes
    order = np.random.default_rng(1).permutation(len(matrix))
    found = Prepared(matrix).permuted(order)[quantity]
    expected = meaning(quantity, Prepared(matrix[order])[quantity])
    assert_same(meaning(quantity, found), expected)


@pytest.mark.parametrize("quantity", each(QUANTITIES))
def test_value_of_some_items_is_that_of_their_rows_alone(quantity, matrix):
    skip_undefined(quantity, *matrix.shape)
    if isinstance(quantity, Scale):
        pytest.skip("says what the rows of a part were computed from, which is the whole")
    items = np.asarray([7, 1, 2, 6, 3, 0])
    whole = Prepared(matrix)
    _ = whole[quantity]  # present, so that what is local is gathered from it
    found = whole.take(items)[quantity]
    expected = meaning(quantity, Prepared(matrix[items])[quantity])
    np.testing.assert_allclose(meaning(quantity, found), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("quantity", each(QUANTITIES))
def test_view_of_a_view_is_one_view(quantity, matrix):
    skip_undefined(quantity, *matrix.shape)
    matrix = np.unique(matrix, axis=0)
    items, order = np.asarray([6, 1, 2, 5, 3, 0]), np.asarray([5, 2, 0, 1, 4, 3])
    twice = Prepared(matrix).take(items).permuted(order)[quantity]
    once = Prepared(matrix).take(items[order])[quantity]
    assert_same(meaning(quantity, twice), meaning(quantity, once))


@pytest.mark.parametrize("quantity", each(QUANTITIES))
def test_bytes_announced_are_enough(quantity, matrix):
    skip_undefined(quantity, *matrix.shape)
    value = Prepared(matrix)[quantity]
    assert value.nbytes <= quantity.nbytes(*matrix.shape) <= 2 * value.nbytes + 8 * len(matrix)


@pytest.mark.parametrize("quantity", each(QUANTITIES))
def test_value_is_computed_once_and_closed_for_writing(quantity, matrix):
    skip_undefined(quantity, *matrix.shape)
    x = Prepared(matrix)
    assert x[quantity] is x[type(quantity)(*(getattr(quantity, f.name) for f in fields(quantity)))]
    if np.ndim(x[quantity]):
        with pytest.raises(ValueError, match="read-only"):
            x[quantity][0] = 0


def test_matrix_of_a_view_holds_its_rows(matrix):
    order = np.random.default_rng(2).permutation(len(matrix))
    assert (Prepared(matrix).permuted(order).matrix == matrix[order]).all()
    assert (Prepared(matrix).take(order[:4]).matrix == matrix[order[:4]]).all()


def test_preparing_copies_the_matrix(matrix):
    x = Prepared(matrix)
    before = x[Gram(center=False)].copy()
    matrix[:] = 0
    assert before.any()
    assert x.matrix @ x.matrix.T == pytest.approx(before)


@pytest.mark.parametrize("center", [False, True])
def test_decomposition_of_two_is_computed_once_and_goes_with_either(matrix, center):
    x, y = Prepared(matrix), Prepared(matrix[:, ::-1] ** 2)
    u, s, vh = x.joint(y, CrossDecomposition(center))
    assert x.joint(y, CrossDecomposition(center))[1] is s
    np.testing.assert_allclose((u * s) @ vh, x[Factor(center)].T @ y[Factor(center)], atol=1e-10)
    assert len(x._joint) == 1
    del y
    assert len(x._joint) == 0


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("d", [3, 9, 40])
@pytest.mark.parametrize("steep", [0.0, 1.0, 8.0])
def test_aligned_products_are_those_of_the_rotation(center, d, steep):
    rng = np.random.default_rng(d)
    x, y = (Prepared(rng.normal(size=(12, w)) * np.arange(1.0, w + 1) ** -steep) for w in (d, 7))
    u, s, vh = x.joint(y, CrossDecomposition(center))
    seen = x.joint(y, AlignedProducts(center))
    assert seen.sum() == pytest.approx(s.sum(), rel=1e-10)
    shared = s > 1e-12 * s[0]
    expected = ((x[Factor(center)] @ u[:, shared]) * (y[Factor(center)] @ vh[shared].T)).sum(axis=1)
    scale = np.linalg.norm(x[Factor(center)], axis=1) * np.linalg.norm(y[Factor(center)], axis=1)
    np.testing.assert_allclose(seen / scale, expected / scale, atol=1e-9)


def test_squares_are_left_where_they_lose_digits():
    rng = np.random.default_rng(0)
    flat, steep = (
        [Prepared(rng.normal(size=(30, 7)) * np.geomspace(1, least, 7)) for _ in "xy"] for least in (0.1, 1e-5)
    )
    found = [AlignedProducts(center=True)._by_squares(*pair) for pair in (flat, steep)]
    assert found[0][1] <= LOST < found[1][1]
    exact = AlignedProducts(center=True)._by_decomposition(*steep)
    assert (steep[0].joint(steep[1], AlignedProducts(center=True)) == exact).all()
    assert abs(found[1][0].sum() - exact.sum()) <= found[1][1] * exact.sum()


def test_sides_that_share_no_direction_have_no_aligned_products():
    x, y = (Prepared(np.eye(4)[:, columns]) for columns in ([0, 1], [2, 3]))
    assert np.abs(x.joint(y, AlignedProducts(center=False))).max() == 0


@pytest.mark.parametrize("center", [False, True])
def test_lengths_of_errors_follow_shuffles_and_parts(center, matrix):
    other = matrix + np.random.default_rng(2).normal(size=matrix.shape)
    items = np.asarray([7, 1, 2, 6, 3, 0])
    rows = (other - matrix)[items]
    expected = np.linalg.norm(rows - rows.mean(axis=0) if center else rows, axis=1)
    for of in (lambda m: Prepared(m).take(items), lambda m: Prepared(m[items]).permuted(np.arange(6))):
        np.testing.assert_allclose(of(matrix).joint(of(other), ErrorLengths(center)), expected, rtol=1e-12)
