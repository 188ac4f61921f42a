"""Many rows are read in passes: the numbers are those of all rows at once."""

import importlib

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from cases import each
from likewise.chance import permutation
from likewise.measures import Configuration
from likewise.measures.projection_without_each import _Between
from likewise.measures.registry import REGISTRY
from likewise.quantities import (
    ROUND,
    Axes,
    BothRows,
    Lengths,
    Loadings,
    Mean,
    Orders,
    Prepared,
    PrincipalComponents,
    Round,
    SingularValues,
    axes,
    pieces,
    prepared,
    rounds,
)
from likewise.quantities.correlations import Orthonormal, OrthonormalProducts
from likewise.quantities.spectrum import Rest
from likewise.scoring import compare, learning_curve, leaving_out

ALIGNMENTS = ("procrustes", "procrustes(center=False)", "procrustes(normalize=False)", "procrustes_angle", "nbs",
              "shape_distance", "aligned_cosine", "aligned_cosine(center=False)")  # fmt: skip
KERNELS = ("cka", "cka(debiased=True)", "cka(debiased=True, feature_corrected=True)")
CANONICAL = ("mean_cca", "mean_cca(ridge=0.1)", "svcca", "svcca(k=2)", "pwcca", "gulp", "gulp(lam=0.0)",
             "gulp(squared=True)",
             "shape_distance(alpha=0.5)", "shape_distance(alpha=0.0)", "linear_predictivity",
             "linear_predictivity(ridge=0.1)", "linear_predictivity(folds=4)",
             "linear_predictivity(folds=5, ridge=0.01)",
             "eigenspace_overlap", "eigenspace_overlap(over=width)")  # fmt: skip
NAMES = (*ALIGNMENTS, *KERNELS, *CANONICAL)
SHAPES = ((41, 5, 9), (90, 30, 29), (200, 7, 3), (60, 61, 4), (64, 20, 70), (31, 10, 10))


def sides(n: int, d: int, e: int) -> list[np.ndarray]:
    rng = np.random.default_rng([n, d, e])
    x, y = (rng.normal(size=(n, w)) @ (np.eye(w) + 0.4) for w in (d, e))  # features have something in common
    y[:, : min(d, e)] += x[:, : min(d, e)]
    return [(x + 3).astype(np.float32), (y * rng.uniform(0.5, 2, size=(n, 1)) - 50).astype(np.float32)]


FLAT = axes.FLAT
ROUNDED = 2.0
"""A share that no eigenvalue has: products of features never keep digits enough."""


def both_ways(monkeypatch, x, y, scored):
    """What is found of few rows and of many; of these the same by products of features as without."""
    found = []
    for values, flat in ((2**22, FLAT), (40, FLAT), (40, ROUNDED)):
        monkeypatch.setattr(pieces, "PASS", values)
        monkeypatch.setattr(axes, "FLAT", flat)
        found.append(scored(Prepared(x), Prepared(y)))
    plain, products, others = found
    assert products is None or products == pytest.approx(others, rel=1e-10, abs=1e-10)
    return plain, products


@pytest.mark.parametrize("name", each(NAMES))
@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_the_same_in_passes(monkeypatch, shape, name) -> None:
    c = Configuration.parse(name)
    order = np.random.default_rng(0).permutation(shape[0])

    if c.facts.undefined_if_wide and max(shape[1:]) >= shape[0] - 6:
        return

    def scored(x, y):
        part = order[: shape[0] - 5]
        return [c(x, y), c(x.permuted(order), y), c(x.take(part), y.take(part))]

    plain, passes = both_ways(monkeypatch, *sides(*shape), scored)
    assert passes == pytest.approx(plain, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", [*ALIGNMENTS, "mean_cca", "svcca", "pwcca", "gulp", "gulp(lam=0.0)",
                                  "shape_distance(alpha=0.5)",
                                  "linear_predictivity", "eigenspace_overlap"])  # fmt: skip
def test_copies_are_identical_in_passes(monkeypatch, name) -> None:
    monkeypatch.setattr(pieces, "PASS", 40)
    c = Configuration.parse(name)
    x = sides(90, 6, 6)[0].astype(np.float64)
    turned = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6))).Q
    assert c(x, x @ turned) == pytest.approx(c.facts.identity, abs=1e-9)


@pytest.mark.parametrize("name", [
    "procrustes", "procrustes(center=False)", "procrustes_angle", "nbs", "shape_distance", "aligned_cosine",
    "aligned_cosine(center=False)", "cka", "cka(debiased=True)", "linear_predictivity", "mean_cca",
    "shape_distance(alpha=0.0)",
])  # fmt: skip
def test_scores_without_each_item_are_the_same_in_passes(monkeypatch, name) -> None:
    c = Configuration.parse(name)
    x, y = sides(120, 7, 3)
    plain, passes = both_ways(monkeypatch, x, y, c.without_each)
    if name.startswith("aligned_cosine"):  # to first order, where rows are many
        plain = np.asarray([c(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(len(x))])
        assert passes.std() == pytest.approx(plain.std(), rel=0.05)
        assert np.corrcoef(passes, plain)[0, 1] > 0.99
    else:
        assert passes == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("flat", [axes.FLAT, ROUNDED])
@pytest.mark.parametrize("values", each([40, 300, 900]))
@pytest.mark.parametrize("name", ["mean_cca", "svcca", "pwcca", "gulp", "linear_predictivity", "eigenspace_overlap"])
def test_parts_of_which_one_side_alone_is_read_in_passes(monkeypatch, name, values, flat) -> None:
    monkeypatch.setattr(axes, "FLAT", flat)
    c = Configuration.parse(name)
    monkeypatch.setattr(pieces, "PASS", values)
    x, y = sides(75, 12, 4)
    out = np.arange(30, 38)
    for a, b in ((x, y), (y, x)):
        all_ = Prepared(a), Prepared(b)
        part = [of.take(np.delete(np.arange(75), out)) for of in all_]
        alone = [Prepared(np.delete(m, out, 0), many=False) for m in (a, b)]
        assert c(*part) == pytest.approx(c(*alone), rel=1e-10)
        found, expected = c.without_each(*part), c.without_each(*alone)
        if expected is not None:
            assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("flat", [axes.FLAT, ROUNDED])
@pytest.mark.parametrize("center", [False, True])
def test_components_of_a_part_have_one_basis(monkeypatch, center, flat) -> None:
    monkeypatch.setattr(axes, "FLAT", flat)
    monkeypatch.setattr(pieces, "PASS", 40)
    x, _ = sides(90, 7, 3)
    items = np.random.default_rng(0).permutation(90)[:80]
    part = Prepared(x).take(items)
    assert bool(part[Rest(center)].shape[0]) == (flat == ROUNDED)
    assert bool(part[Axes(center)].shape[0]) == (flat != ROUNDED)
    components = part[PrincipalComponents(center)]
    alone = Prepared(x[items], many=False)[PrincipalComponents(center)]
    np.testing.assert_allclose(components @ components.T, alone @ alone.T, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(components, axis=0), part[SingularValues(center)], rtol=1e-10)
    if center:
        rows = x[items] - x[items].astype(float).mean(axis=0)
        np.testing.assert_allclose(part[Loadings()], components.T @ rows, atol=1e-9)


@pytest.mark.parametrize("massive", [1.0, 1e6])
@pytest.mark.parametrize("name", ["linear_predictivity(folds=4)", "linear_predictivity(folds=5, ridge=0.01)"])
def test_held_out_parts_of_many_rows_keep_their_folds_and_digits(monkeypatch, name, massive) -> None:
    """Each item stays in its fold where others are left out, and a massive row is not felt where it is held out."""
    c = Configuration.parse(name)
    x, y = (m.astype(np.float64) for m in sides(200, 7, 3))
    y[50] *= massive
    out = np.arange(30, 48)
    kept = np.delete(np.arange(200), out)

    def scored(x, y):
        return [c(x, y), c(x.rest(kept), y.rest(kept)), c(x.permuted(np.roll(np.arange(200), 3)), y)]

    plain, passes = both_ways(monkeypatch, x, y, scored)
    assert passes == pytest.approx(plain, rel=1e-8)


def test_held_out_regression_of_many_rows_takes_no_table_of_all_pairs(monkeypatch) -> None:
    monkeypatch.setattr(pieces, "PASS", 40)
    x, y = (Prepared(m) for m in sides(3000, 6, 5))
    Configuration.parse("linear_predictivity(folds=5, ridge=0.01)")(x, y)
    assert max(np.asarray(value).size for of in (x, y) for value in of._values.values()) <= 2 * 3000


def test_equal_rows_are_said(monkeypatch) -> None:
    from likewise.errors import UndefinedError

    monkeypatch.setattr(pieces, "PASS", 40)
    flat, (x, y) = np.full((90, 5), 0.1), sides(90, 5, 5)
    with pytest.raises(UndefinedError, match="all rows of x are equal"):
        Configuration.parse("procrustes")(flat, y)
    x[7] = 0
    with pytest.raises(UndefinedError, match="row 7 of x is zero"):
        Configuration.parse("aligned_cosine(center=False)")(x, y)


def test_many_rows_are_not_copied(monkeypatch) -> None:
    monkeypatch.setattr(pieces, "PASS", 2**18)
    x, y = (Prepared(np.random.default_rng(seed).normal(size=(20_000, 24)).astype(np.float32)) for seed in (0, 1))
    for name in ("procrustes", "aligned_cosine", "cka(debiased=True)"):
        Configuration.parse(name)(x, y)
        Configuration.parse(name)(x.permuted(np.arange(20_000)[::-1]), y)
    assert x._given is None
    assert all(np.asarray(value).size <= 2 * x.n for value in x._values.values())


IN_ROUNDS = [name for name in REGISTRY if ":" not in name and Configuration.parse(name).shuffled_in_rounds]


def chances(monkeypatch, x, y, names) -> list[list[tuple[float, ...]]]:
    """What is said of each score where rows are few, and where they are many; of the same shuffles, in rounds."""
    monkeypatch.setattr(permutation, "IN_ROUNDS", 0)
    monkeypatch.setattr(rounds, "LITTLE", ROUND)
    found = []
    for values in (2**22, x.size // 5):
        monkeypatch.setattr(pieces, "PASS", values)
        rows = compare({"x": x, "y": y}, names, permutations=20, groups=6)
        found.append([(r.value, r.low, r.high, r.null_mean, r.null_std, r.pvalue) for r in rows])
    return found


def test_chance_of_many_rows_is_that_of_all_at_once(monkeypatch) -> None:
    np.testing.assert_allclose(*chances(monkeypatch, *sides(200, 7, 3), ["cka", "cka(debiased=True)", "gulp"]), 1e-9)


@pytest.mark.parametrize("flat", [axes.FLAT, ROUNDED])
@pytest.mark.parametrize("name", each(IN_ROUNDS))
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_shuffles_of_many_rows_are_those_of_all_at_once(monkeypatch, name, offset, flat) -> None:
    monkeypatch.setattr(axes, "FLAT", flat)
    x, y = sides(200, 7, 3)
    few, many = chances(monkeypatch, x + np.float32(offset), y, name)
    for a, b in zip(few, many, strict=True):
        assert b[:3] == pytest.approx(a[:3], rel=0.05 if name == "aligned_cosine" else 1e-9)
        assert b[:1] + b[3:] == pytest.approx(a[:1] + a[3:], rel=1e-9)


def test_shuffles_that_do_not_vary_are_said_so_though_rounding_does(monkeypatch) -> None:
    """One row of y is another, and all rows of x are as long: each shuffle has the same score."""
    x = np.random.default_rng(0).choice([-1.0, 1.0], size=(40, 5)).astype(np.float32)
    x = np.concatenate([x, -x])
    y = np.zeros((80, 3), dtype=np.float32) + np.float32(0.1)
    y[0] = 0.7
    for a in chances(monkeypatch, x, y, ["procrustes", "nbs"]):
        assert [b[4] for b in a] == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rare", [1, 10, 77])
def test_shuffles_that_are_as_alike_count_either_way(monkeypatch, rare, seed) -> None:
    """Rows of two kinds: many shuffles have the score of the rows as they are, to the last digit."""
    rng = np.random.default_rng(seed)
    kinds = rng.normal(size=(2, 2, 2)).astype(np.float32)
    sides = [of[(rng.permutation(500) < rare).astype(int)] for of in kinds]
    few, many = chances(monkeypatch, *sides, ["mean_cca", "procrustes", "nbs", "aligned_cosine"])
    assert [b[5] for b in many] == [a[5] for a in few]


@pytest.mark.parametrize("scale", [1e-30, 1e-14, 1e14, 1e30])
def test_shuffles_of_tiny_and_huge_numbers(monkeypatch, scale) -> None:
    x, y = (side.astype(np.float64) * scale for side in sides(200, 7, 3))
    few, many = chances(monkeypatch, x, y, IN_ROUNDS)
    np.testing.assert_allclose(np.asarray(many)[:, 3:], np.asarray(few)[:, 3:], rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_rows_of_other_types_are_read_in_passes(monkeypatch, dtype) -> None:
    x, y = (np.round(side).astype(dtype) for side in sides(200, 7, 3))
    few, many = chances(monkeypatch, x, y, ["procrustes", "mean_cca"])
    for a, b in zip(few, many, strict=True):
        assert b[:3] == pytest.approx(a[:3], rel=1e-9) and b[5] == a[5]


def test_noise_is_not_taken_for_chance(monkeypatch) -> None:
    """Rows that single precision hardly tells apart: never is what rounding varies taken for what chance varies."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, y = (rng.normal(size=(150, 4)) + offset for offset in (1e6, -1e6))
        few, many = chances(monkeypatch, x, y, "aligned_cosine(center=False)")
        assert many[0][4] == pytest.approx(few[0][4], rel=1e-4)


@pytest.mark.parametrize("name", ["mean_cca", "svcca", "pwcca", "gulp", "linear_predictivity", "procrustes", "cka"])
def test_parts_of_many_rows_are_shuffled(monkeypatch, name) -> None:
    points = []
    for values in (2**22, 40):
        monkeypatch.setattr(pieces, "PASS", values)
        given = dict(zip("xy", sides(120, 6, 5), strict=True))
        points.append(learning_curve(given, name, sizes=[80], permutations=5, draws=2))
    for few, many in zip(*points, strict=True):
        assert many.value == pytest.approx(few.value, rel=1e-9)


@pytest.mark.parametrize("power", range(1, 9))
@pytest.mark.parametrize("center", [True, False])
def test_principal_components_of_many_rows_keep_their_digits(center, power, rng) -> None:
    """By products of the columns where these tell, elsewhere by decompositions of rows."""
    u = np.linalg.qr(rng.normal(size=(300, 6)))[0]
    u = np.linalg.qr(u - u.mean(axis=0))[0] if center else u
    s = np.logspace(0, -power, 6)
    x = u * s @ np.linalg.qr(rng.normal(size=(6, 6)))[0]
    x = x + 0.3 if center else x
    many = Prepared(x, many=True)
    found = many[PrincipalComponents(center)]
    known = PrincipalComponents(center)._by_products(Prepared(x, many=True))
    assert (known is not None) == (power < 5) or power == 5
    lengths = np.linalg.norm(found, axis=0)
    assert lengths == pytest.approx(s, rel=1e-15 * 10 ** max(power, 2))
    unit = found / lengths
    assert unit.T @ unit == pytest.approx(np.eye(6), abs=1e-14 * 10**power)
    assert np.abs((unit * u).sum(axis=0)) == pytest.approx(np.ones(6), abs=1e-9)


@pytest.mark.parametrize("seed", each(range(4)))
@pytest.mark.parametrize("name", ["mean_cca", "shape_distance(alpha=0.0)"])
def test_features_of_very_different_lengths_lose_no_digits(monkeypatch, name, seed) -> None:
    """As hidden states have them: some features are a million times as long as others, and lie far from zero."""
    rng = np.random.default_rng(seed)
    x, y = (side.astype(np.float64) for side in sides(400, 12, 9))
    x, y = (side * 10.0 ** rng.uniform(-3, 3, size=side.shape[1]) for side in (x, y))
    x += 10 * np.abs(x).max(axis=0)
    c = Configuration.parse(name)
    order = rng.permutation(400)

    def scored(a, b):
        assert (a.joint(b, OrthonormalProducts()) is not None) == a.is_many
        return [c(a, b), c(a.permuted(order), b), *c.without_each(a, b)]

    plain, passes = both_ways(monkeypatch, x, y, scored)
    assert passes == pytest.approx(plain, abs=1e-10)


def test_rows_become_orthonormal_without_being_held(monkeypatch) -> None:
    monkeypatch.setattr(pieces, "PASS", 40)
    x, _ = sides(300, 9, 4)
    of = Prepared(x)
    rows = (x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)) @ of[Orthonormal()]
    np.testing.assert_allclose(rows.T @ rows, np.eye(9), atol=1e-12)
    Configuration.parse("mean_cca")(of, Prepared(x + np.float32(1)))
    assert PrincipalComponents(center=True) not in of.quantities


@pytest.mark.parametrize("left", [0.0, 1e-6, 1e-4, 1e-2, 0.3])
def test_features_that_others_nearly_tell_go_by_their_rows(monkeypatch, left) -> None:
    """Products of such features would lose more than half of the digits."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 5)), rng.normal(size=(300, 4))
    x[:, 4] = x[:, 0] + x[:, 1] + left * x[:, 4]
    y += x[:, :4]
    monkeypatch.setattr(pieces, "PASS", 40)
    assert bool(Prepared(x)[Orthonormal()].shape[1]) == (left >= 1e-2)
    c = Configuration.parse("mean_cca")
    assert c(Prepared(x), Prepared(y)) == pytest.approx(c(Prepared(x, many=False), Prepared(y, many=False)), abs=1e-9)


@pytest.mark.parametrize("flat", [axes.FLAT, ROUNDED])
@pytest.mark.parametrize("name", ["mean_cca", "svcca", "pwcca", "gulp", "linear_predictivity", "eigenspace_overlap"])
def test_what_is_left_of_many_rows_is_not_read_again(monkeypatch, name, flat) -> None:
    """It follows from all rows and the few that are left out."""
    monkeypatch.setattr(axes, "FLAT", flat)
    monkeypatch.setattr(pieces, "PASS", 40)
    sides_ = [Prepared(side) for side in sides(300, 9, 4)]
    parts = [side.take(np.arange(285)) for side in sides_]
    Configuration.parse(name)(*parts)
    assert not any(isinstance(quantity, Mean | Lengths) for part in parts for quantity in part.quantities)


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
@pytest.mark.parametrize("name", each(NAMES))
def test_many_rows_of_every_array_library(monkeypatch, name, library) -> None:
    monkeypatch.setattr(pieces, "PASS", 40)
    monkeypatch.setattr(rounds, "LITTLE", ROUND)
    c = Configuration.parse(name)
    order = np.random.default_rng(0).permutation(90)
    found = []
    for of in (np.asarray, importlib.import_module(library).asarray):
        x, y = (Prepared(of(side)) for side in sides(90, 7, 4))
        without = c.without_each(x, y)
        drawn = [Orders.draw([np.arange(90)[:, None]], np.random.default_rng(side)) for side in (0, 1)]
        moved = y.permuted(drawn[1][3][np.argsort(drawn[0][3])], shuffle=(Round(x, *drawn), 3))
        in_round = [c(x, moved)] if c.shuffled_in_rounds else []
        found.append([c(x, y), c(x.permuted(order), y), *in_round, *([] if without is None else without)])
    assert found[1] == pytest.approx(found[0], rel=1e-10)


@pytest.mark.parametrize("flat", [axes.FLAT, ROUNDED])
def test_items_of_parts_in_other_orders_are_not_taken_for_the_same(monkeypatch, flat) -> None:
    """What is left of many rows follows from all only where both sides leave out, and keep in order, the same."""
    monkeypatch.setattr(axes, "FLAT", flat)
    monkeypatch.setattr(pieces, "PASS", 40)
    x, y = (side for side in sides(300, 9, 4))
    a, b = np.arange(285), np.random.default_rng(0).permutation(285)
    for name in ("svcca", "mean_cca", "procrustes", "pwcca", "gulp"):
        c = Configuration.parse(name)
        found = c(Prepared(x).take(a), Prepared(y).take(b))
        assert found == pytest.approx(c(Prepared(x[a], many=False), Prepared(y[b], many=False)), rel=1e-10)


@pytest.mark.parametrize("spread", [0.001, 0.1, 3.0])
@pytest.mark.parametrize("name", ["gulp", "gulp(lam=0.1, squared=True)"])
def test_what_the_length_of_a_row_decides_is_interpolated_to_all_digits(monkeypatch, name, spread) -> None:
    rng = np.random.default_rng(0)
    x, y = (side + 0.2 * rng.normal(size=side.shape) for side in sides(900, 40, 30))
    x, y = (side - side.mean(axis=0) for side in (x, y))
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) ** (1 / (1 + spread)) for side in (x, y))
    c = Configuration.parse(name)
    a, b = Prepared(x, many=True), Prepared(y, many=True)
    s = np.asarray(a[SingularValues(center=True)])
    assert _Between.of(a, s, 900 / 899, 0.01, center=True) is not None
    plain, many = c.without_each(Prepared(x, many=False), Prepared(y, many=False)), c.without_each(a, b)
    assert many == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("big", [1e4, 1e7])
@pytest.mark.parametrize("name", each(["procrustes", "procrustes(normalize=False)", "nbs", "mean_cca", "svcca", "pwcca",
                                       "gulp", "aligned_cosine"]))  # fmt: skip
def test_a_part_without_a_massive_row_keeps_its_digits(name, big) -> None:
    """Sums over all rows hold nothing of the others beside it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 6))
    y = x[:, :4] + rng.normal(size=(2000, 4))
    x[7], y[7] = x[7] * big, y[7] * big
    items = np.arange(100, 2000)
    c = Configuration.parse(name)
    part = c(*(Prepared(of, many=True).rest(items) for of in (x, y)))
    assert part == pytest.approx(c(*(Prepared(of[items], many=False) for of in (x, y))), rel=1e-10)


@pytest.mark.parametrize("in_rounds", [permutation.IN_ROUNDS, 2**62])
@pytest.mark.parametrize(("e", "seed"), [(0.003, 1), (0.002, 2), (0.0016, 0)])
def test_ties_stay_ties_where_whitening_magnifies_rounding(monkeypatch, e, seed, in_rounds) -> None:
    """Nearly all rows of x are zero, and y has three kinds: to most shuffles the score is equal, and to some less."""
    monkeypatch.setattr(permutation, "IN_ROUNDS", in_rounds)
    rng = np.random.default_rng(seed)
    x, y = np.zeros((4200, 2)), np.zeros((4200, 2))
    x[0, 0], x[1, 1] = 1, e
    kinds = rng.permutation(np.repeat([0, 1, 2], [400, 300, 3500]))
    kinds[:2] = 2
    y[kinds == 0, 0], y[kinds == 1, 1] = 1, e
    x, y = (side @ np.linalg.qr(rng.normal(size=(2, 2))).Q for side in (x, y))
    (row,) = compare({"x": x, "y": y}, "mean_cca", permutations=100, groups=0)
    assert row.pvalue == 1.0


@pytest.mark.parametrize("room", [prepared.PRODUCTS, 0])
def test_products_of_all_are_made_once_for_several_partners(monkeypatch, room) -> None:
    """Groups are left out of all pairs in turn: each time the products of all rows of a pair are needed again."""
    monkeypatch.setattr(prepared, "PRODUCTS", room)
    monkeypatch.setattr(pieces, "PASS", 400)
    made = []
    plain = BothRows.summed

    def counted(self, work, *more):
        made.append(1)
        return plain(self, work, *more)

    monkeypatch.setattr(BothRows, "summed", counted)
    rng = np.random.default_rng(0)
    common = rng.normal(size=(600, 6))
    given = {name: common + rng.normal(size=(600, 6)) for name in "abcd"}
    compare(given, "svcca", permutations=0, groups=20)
    assert len(made) == 6 if room else len(made) > 6


BY_GROUPS = [name for name in NAMES if (c := Configuration.parse(name)).by_groups and c.shuffled_in_rounds]


@pytest.mark.parametrize(
    ("name", "flat"), [*((name, axes.FLAT) for name in [*BY_GROUPS, "mean_cca", "procrustes"]), ("svcca", ROUNDED)]
)
def test_sums_over_groups_that_are_left_out_are_kept_of_a_pair(monkeypatch, name, flat) -> None:
    """Alone or beside a third, with intervals or without, a score is the same to the last bit."""
    given = dict(zip("xyz", (*sides(300, 6, 5), sides(300, 4, 3)[0]), strict=True))
    pair = {name: given[name] for name in "xy"}
    for module in (pieces, axes, leaving_out):
        monkeypatch.setattr(module, "BLOCK", 7)  # 43 blocks, the last of 6 rows; of the others two for each group
    monkeypatch.setattr(axes, "FLAT", flat)
    made = []
    plain = axes.LeftOutRows.compute
    monkeypatch.setattr(axes.LeftOutRows, "compute", lambda self, of: made.append(of) or plain(self, of))

    def scored(several, **asked):
        rows = [row for row in compare(several, name, permutations=0, **asked) if {row.a, row.b} == {"x", "y"}]
        return [row.value for row in rows], [end for row in rows for end in (row.low, row.high)]

    few, few_ends = scored(pair)
    monkeypatch.setattr(pieces, "PASS", 100)
    beside, beside_ends = scored(given)
    made.clear()
    alone, alone_ends = scored(pair)
    assert not made or flat == ROUNDED
    assert alone == beside == scored(pair, groups=0)[0] == scored(pair, groups=7)[0] and alone == pytest.approx(few)
    assert alone_ends == pytest.approx(beside_ends, rel=1e-10) and alone_ends == pytest.approx(few_ends, rel=1e-9)


@pytest.mark.parametrize("name", each(NAMES))
def test_a_part_of_many_rows_and_itself(monkeypatch, name) -> None:
    """As where a score is set beside that of identical sides."""
    monkeypatch.setattr(pieces, "PASS", 2**22)
    x, _ = sides(300, 6, 5)
    few = Prepared(x).take(np.arange(280))
    monkeypatch.setattr(pieces, "PASS", 100)
    many = Prepared(x).take(np.arange(280))
    c = Configuration.parse(name)
    assert c(many, many) == pytest.approx(c(few, few), abs=1e-7)


@pytest.mark.parametrize("names", [["svcca", "pwcca"], ["mean_cca(ridge=0.1)", "svcca", "pwcca"]])
def test_sides_of_a_part_are_decomposed_side_by_side(monkeypatch, names) -> None:
    """To the last bit as after another measure that asked one after the other."""
    monkeypatch.setattr(pieces, "PASS", 2000)
    x, y = sides(300, 60, 50)
    used = []
    plain = axes.side_by_side
    monkeypatch.setattr(axes, "side_by_side", lambda *work: used.append(1) or plain(*work))

    def ends(asked) -> dict[tuple[str, str], tuple[float, float]]:
        return {
            (row.measure, row.a): (row.low, row.high)
            for row in compare({"x": x, "y": y}, asked, permutations=0, groups=8)
        }

    with threadpool_limits(2):
        together, alone = ends(names), ends("svcca") | ends("pwcca")
    assert used and {key: together[key] for key in alone} == alone
    with threadpool_limits(1):
        one = ends(names)
    assert all(together[key] == pytest.approx(one[key], rel=1e-10) for key in one)


@pytest.mark.parametrize("names", ["procrustes", "cka", ["procrustes", "procrustes(folds=5)", "jaccard"]])
@pytest.mark.parametrize("in_rounds", each([0, 2**62]))
@pytest.mark.parametrize("count", each([0, 1, 65]))
def test_progress_ends_with_the_last_step(monkeypatch, names, in_rounds, count) -> None:
    monkeypatch.setattr(permutation, "IN_ROUNDS", in_rounds)
    monkeypatch.setattr(pieces, "PASS", 100)
    seen = []
    given = dict(zip("xyz", (*sides(120, 6, 5), sides(120, 4, 3)[0]), strict=True))
    compare(given, names, permutations=count, groups=6, watch=lambda what, done, of, *more: seen.append((done, of)))
    assert all(done <= of for done, of in seen) and seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
