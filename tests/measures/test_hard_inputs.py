"""Hard inputs: the value of the definition, or an UndefinedError where it has none; never NaN, never a crash."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from cases import each
from likewise.errors import InputError, UndefinedError
from likewise.measures import Configuration, get
from likewise.quantities import Neighbours, Prepared

N = 18


def generic(d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([d, seed]).normal(size=(N, d)) + 0.3


def changed(d: int, change: Callable[[np.ndarray], None]) -> np.ndarray:
    x = generic(d)
    change(x)
    return x


def repeat(x: np.ndarray) -> None:
    x[3:9] = x[9:15]
    x[15:] = x[15]


def centre(x: np.ndarray) -> None:
    """Make row 5 the mean of all rows, in numbers that binary fractions hold exactly."""
    x[:] = np.round(16 * x)
    x[5] = 0
    x[-1] = 0
    x[-1] = -x.sum(axis=0)


def nearly_repeat(x: np.ndarray) -> None:
    """As one prompt has other rounding in another batch."""
    x[:] = x[np.arange(N) % 7] * (1 + 1e-5 * np.random.default_rng(6).normal(size=x.shape))


HARD = {
    "repeated rows": changed(7, repeat),
    "repeated rows, n < d": changed(40, repeat),
    "nearly repeated rows": changed(7, nearly_repeat),
    "nearly repeated rows, n < d": changed(40, nearly_repeat),
    "constant columns": changed(7, lambda x: x.__setitem__((slice(None), slice(3)), 0.1)),
    "zero columns": changed(7, lambda x: x.__setitem__((slice(None), slice(3)), 0.0)),
    "a row of zeros": changed(7, lambda x: x.__setitem__(3, 0.0)),
    "a row of zeros, n < d": changed(40, lambda x: x.__setitem__(3, 0.0)),
    "a row that is the mean": changed(7, centre),
    "all rows zero": np.zeros((N, 5)),
    "all rows equal": np.full((N, 5), 0.1),
    "all rows equal, n < d": np.full((N, 40), 0.7),
    "one dominating dimension": changed(7, lambda x: x.__setitem__((slice(None), 2), 1e4 * x[:, 2])),
    "one dominating dimension, n < d": changed(40, lambda x: x.__setitem__((slice(None), 2), 1e4 * x[:, 2])),
    "one dominating offset": changed(40, lambda x: x.__setitem__((slice(None), 2), x[:, 2] + 1e4)),
    "limits of float16": (65504 * np.tanh(generic(7))).astype(np.float16),
    "least numbers of float16": (6e-8 * np.round(20 * generic(7))).astype(np.float16),
    "one feature": generic(1),
    "one feature of whole numbers": np.arange(1.0, N + 1)[:, None],
    "whole numbers with many ties": np.random.default_rng(5).integers(1, 3, size=(N, 6)),
    "whole numbers with many ties, n < d": np.random.default_rng(5).integers(1, 3, size=(N, 30)),
    "rank two": generic(2) @ generic(9)[:2],
    "rank two, n < d": generic(2) @ generic(40)[:2],
    "two features and an offset": generic(2) + 1e4,
    "rows alike but for scale and offset": generic(1) * generic(9)[:1] + 1e3 * generic(1, 1),
    "parallel rows": np.arange(1.0, N + 1)[:, None] * generic(9)[:1],
    "more features than rows": generic(70),
}


WIDE = {case for case, x in HARD.items() if x.shape[1] > N} - {"repeated rows, n < d", "a row of zeros, n < d"}
"""Inputs on which definitions that compare every two features take longest; two of them are always run."""

every_case = pytest.mark.parametrize(
    "cases",
    [
        pytest.param(HARD.keys() - WIDE, id="quick"),
        pytest.param(WIDE, marks=pytest.mark.long("definitions that compare every two features"), id="wide"),
    ],
)


SLOW = {"rtd"}
"""Measures whose slow definition takes a fifth of a second: of the quick inputs each third is always run."""


def chosen(cases: Iterable[str], configuration: Configuration) -> list[str]:
    """The inputs of a test: a slow definition leaves some of the quick ones to the long test."""
    quick = sorted(HARD.keys() - WIDE)
    if configuration.measure not in SLOW:
        return sorted(cases)
    return quick[::3] if set(cases) == set(quick) else sorted({*cases, *quick} - {*quick[::3]})


@contextlib.contextmanager
def of_case(case: str) -> Iterator[None]:
    """Name the input in what fails."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"on {case}")
        raise


def check_value(configuration: Configuration, x: np.ndarray, y: np.ndarray, expected: float) -> None:
    if math.isnan(expected):
        with pytest.raises(UndefinedError, match=r"\w+ \w+"):
            configuration(x, y)
    else:
        low, high = configuration.facts.bounds
        value = configuration(x, y)
        size = np.linalg.norm(x.astype(np.float64))  # in whose units a value that does not normalise has its rounding
        rounding = max(1e-8, configuration.facts.rounding)
        assert value == pytest.approx(expected, rel=rounding, abs=rounding + 1e-12 * size)
        assert low - rounding <= value <= high + rounding


@every_case
def test_hard_against_generic_is_the_definition_or_undefined(configuration, definition, cases):
    for case in chosen(cases, configuration):
        x = HARD[case]
        y = generic(x.shape[1] if configuration.facts.same_features else 8, seed=1)
        with of_case(case):
            expected = definition(configuration)(x, y)
            check_value(configuration, x, y, expected)
            # Where the order does not count, one value holds for both; definitions are slow.
            back = expected if configuration.facts.symmetric else definition(configuration)(y, x)
            check_value(configuration, y, x, back)


@every_case
def test_hard_against_itself_is_identical_or_undefined(configuration, definition, cases):
    identity = configuration.facts.identity
    for case in chosen(cases, configuration):
        x = HARD[case]
        with of_case(case):
            expected = definition(configuration)(x, x)
            # Pairs of distances that tie are no agreement for tau_a, even of a side and itself.
            by_definition = math.isnan(expected) or identity is None or "tau_a" in configuration.label
            check_value(configuration, x, x.copy(), expected if by_definition else identity)


@pytest.mark.parametrize("name", ["cka", "aligned_cosine", "procrustes"])
def test_constant_rows_are_undefined_whatever_the_constant_and_their_number(name):
    """The mean of equal numbers misses them by rounding, which must not be taken for a representation."""
    for n in range(3, 60):
        for constant in (0.1, 0.7, 1e6 + 0.1, 1e-130):
            with pytest.raises(UndefinedError, match="equal"):
                get(name)(np.full((n, 3), constant), generic(3)[:1] * np.arange(n)[:, None])


def test_large_common_offset_leaves_the_value(configuration, related):
    if "translation" not in configuration.facts.invariances:
        pytest.skip("feels an offset by definition")
    for shape in ((30, 7, 9), (40, 11, 8) if configuration.facts.undefined_if_wide else (20, 40, 30)):
        x, y = related(*shape)
        assert configuration(x + 1e6, y - 1e6) == pytest.approx(configuration(x, y), abs=1e-6)


@pytest.mark.parametrize("size", each([1e-100, 1e-6, 1e6, 1e100]))
def test_size_of_the_numbers_leaves_the_value(configuration, related, size):
    if "scaling" not in configuration.facts.invariances:
        pytest.skip("feels scale by definition")
    x, y = related(20, 7, 9)
    assert configuration(size * x, y) == pytest.approx(configuration(x, y), rel=1e-9)


@pytest.mark.parametrize("size", each([1e-170, 1e-310, 1e160]))
def test_numbers_without_squares_are_undefined(configuration, related, size):
    x, y = related(20, 7, 9)
    with pytest.raises(UndefinedError, match="the largest number of x is .*: squares of such numbers are lost"):
        configuration(size * x, y)


@pytest.mark.parametrize("name", ["aligned_cosine(center=False)", "jaccard", "rsa(inner=cosine)"])
def test_row_whose_square_is_lost_beside_the_others_is_undefined(name):
    x = changed(7, lambda x: x.__setitem__(3, 1e-170 * x[3]))
    with pytest.raises(UndefinedError, match="row 3 of x is too small beside the others"):
        Configuration.parse(name)(x, generic(4))


@pytest.mark.parametrize("d", [7, 40])
def test_cosine_of_a_short_row_is_right_until_it_is_undefined(definition, d):
    c = Configuration.parse("aligned_cosine(center=False)")
    for size in (1.0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-12, 1e-16, 1e-20):
        x = changed(d, lambda x, size=size: x.__setitem__(3, size * x[3]))
        if size > 1e-7:
            assert c(x, generic(11, 1)) == pytest.approx(definition(c)(x, generic(11, 1)), abs=1e-9)
        else:
            with pytest.raises(UndefinedError, match="row 3 of x is too small beside the others"):
                c(x, generic(11, 1))


def test_fewest_items_have_a_value_within_bounds(configuration, definition, related):
    for d, e in ((1, 1), (3, 4), (50, 60)):
        x, y = related(configuration.facts.minimum_items, d, e)
        check_value(configuration, x, y, definition(configuration)(x, y))


@pytest.mark.parametrize("shape", each([(30, 6), (12, 40)]))
def test_rotated_and_widened_copy_is_identical(configuration, related, shape):
    facts = configuration.facts
    if "orthogonal" not in facts.invariances or facts.identity is None:
        pytest.skip("feels a rotation, or has no fixed identity, by definition")
    if facts.undefined_if_wide and shape[0] <= shape[1] + 5:
        pytest.skip("undefined where n <= d")
    x, _ = related(*shape, 1)
    q = np.linalg.qr(np.random.default_rng(1).normal(size=(shape[1] + 5, shape[1]))).Q
    assert configuration(x, x @ q.T) == pytest.approx(configuration.facts.identity, abs=1e-9)


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9])
def test_small_distance_keeps_its_digits(noise):
    """A distance to a copy with little noise is of the size of the noise, not of the root of a rounding error."""
    x = generic(6)
    y = x + noise * generic(6, seed=1)
    value = get("procrustes")(x, y, center=False, normalize=False)
    assert value == pytest.approx(np.linalg.norm(x - y), rel=0.3)
    assert value <= np.linalg.norm(x - y)


@pytest.mark.parametrize("center", [False, True])
def test_undefined_names_the_row_that_has_no_cosine(center):
    x = HARD["a row that is the mean" if center else "a row of zeros"]
    with pytest.raises(UndefinedError, match=f"row {5 if center else 3} of x"):
        get("jaccard")(x, generic(4), center=center)
    with pytest.raises(UndefinedError, match=f"row {5 if center else 3} of y"):
        get("aligned_cosine")(generic(4), x, center=center)


def test_more_neighbours_than_other_items_are_undefined():
    with pytest.raises(UndefinedError, match=f"{N} items; jaccard needs at least {N + 2}"):
        get("jaccard")(generic(4), generic(5), k=N)
    with pytest.raises(InputError, match="jaccard: k=0; expected a number above 0"):
        get("jaccard")(generic(4), generic(5), k=0)


# Ties of neighbours.


def neighbours(x: np.ndarray, k: int) -> list[list[int]]:
    return [sorted(row) for row in Prepared(x)[Neighbours(k, "cosine", center=False)].tolist()]


def test_item_is_not_its_own_neighbour_where_rows_repeat():
    x = np.asarray([[0.3, 0.7, 0.1]] * 4 + [[0.9, -0.2, 0.4]] * 2)
    assert neighbours(x, 1) == [[1], [0], [0], [0], [5], [4]]


def test_ties_of_neighbours_go_to_the_lower_index():
    x = np.asarray([[0.3, 0.7, 0.1]] * 4 + [[0.9, -0.2, 0.4]] * 2)
    assert neighbours(x, 3) == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 5], [0, 1, 4]]


@pytest.mark.parametrize("offset", [1e4, 1e6, 1e7])
def test_neighbours_by_cosine_are_told_apart_far_from_the_origin(offset):
    x = generic(5) + offset
    far = np.asarray(x, dtype=np.longdouble)
    directions = far / np.sqrt((far**2).sum(axis=1, keepdims=True))
    apart = ((directions[:, None] - directions[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert neighbours(x, 4) == np.sort(np.argsort(apart, axis=1)[:, :4], axis=1).tolist()
    assert get("mutual_knn")(x, generic(6, seed=2) + offset, k=4) < 0.5


def test_rows_of_one_direction_have_no_neighbours():
    x = np.arange(1.0, 7.0)[:, None] * np.asarray([[0.3, 0.7, 0.1]])
    with pytest.raises(UndefinedError, match="all other rows are equally near to row 0"):
        neighbours(x, 2)


@pytest.mark.parametrize("name", ["rank_similarity", "joint_rank_jaccard", "information_imbalance", "mutual_knn"])
def test_ties_of_unrelated_sides_do_not_pass_for_likeness(name):
    """Shuffles break ties as the score does: p-values of unrelated rows of whole numbers are not small."""
    c = Configuration(name, {})
    small = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = (Prepared(rng.integers(0, 2, (40, 3)) + np.asarray([1, 0, 0])) for _ in range(2))
        null = np.asarray([c(x, y.permuted(rng.permutation(40))) for _ in range(19)])
        small += (c.facts.more_alike * (c(x, y) - null) > 0).all()
    assert small <= 4  # of 20, with 1 expected


def test_view_of_tied_rows_scores_as_the_rows_themselves(configuration):
    if not configuration.facts.paired:
        pytest.skip("knows no order of rows; its graph breaks ties by that in which they come")
    x, y = (np.random.default_rng(s).integers(1, 4, size=(30, 4)).astype(float) for s in (1, 2))
    order = np.random.default_rng(3).permutation(30)
    try:
        expected = configuration(x, y[order])
    except UndefinedError:
        return
    found = configuration(x, Prepared(y).permuted(order))
    assert found == pytest.approx(expected, abs=1e-3 * configuration.facts.rounding, rel=1e-9)


def test_aligned_cosine_ignores_rotations_where_the_sides_share_few_directions():
    rng = np.random.default_rng(0)
    q = np.linalg.qr(np.c_[np.ones(40), rng.normal(size=(40, 10))])[0][:, 1:]
    x, y = q[:, :6], q[:, [0, 1, 2, 7, 8, 9]]
    values = [get("aligned_cosine")(x @ np.linalg.qr(rng.normal(size=(6, 6)))[0], y) for _ in range(4)]
    assert values == pytest.approx([values[0]] * 4, abs=1e-9)


@pytest.mark.parametrize("normalize", [False, True])
def test_permuted_features_beside_empty_ones_are_identical(normalize):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=(30, 9))
        x = np.c_[y, np.zeros(30)][:, rng.permutation(10)]
        assert get("permutation_procrustes")(x, y, normalize=normalize) <= 1e-14


def test_kernel_that_sees_no_pair_is_undefined():
    with pytest.raises(UndefinedError, match="so narrow that no two rows"):
        get("cka")(generic(5), generic(6), kernel="rbf", bandwidth=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_among_random_repetitions_are_those_of_the_definition(definition, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(8, d))[rng.integers(0, 8, size=30)] for d in (3, 50))
    c = Configuration("jaccard", {"k": 4})
    assert c(x, y) == pytest.approx(definition(c)(x, y), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_imd_ignores_the_order_of_rows_that_tie(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, size=(60, 3))
    assert get("imd")(x, x[rng.permutation(60)]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("bandwidth", [0.1, 0.05])
def test_kernel_that_sees_little_but_the_rows_themselves_is_undefined(bandwidth):
    with pytest.raises(UndefinedError, match="so narrow that no two rows"):
        get("cka")(generic(5), generic(6), kernel="rbf", bandwidth=bandwidth)


def test_masked_values_are_missing_ones():
    x = np.ma.masked_array(generic(5), generic(5) > 1)
    with pytest.raises(InputError, match="x has masked"):
        get("cka")(x, generic(6))
    expected = get("cka")(generic(5), generic(6))
    assert get("cka")(np.ma.masked_array(generic(5)), generic(6)) == expected


def _predicted(x: np.ndarray, y: np.ndarray, folds: int) -> float:
    """Row by row, from the singular vectors of the training rows."""
    left = whole = 0.0
    for fold in range(folds):
        test = np.arange(len(x)) % folds == fold
        mean_x, mean_y = x[~test].mean(axis=0), y[~test].mean(axis=0)
        u, s, vh = np.linalg.svd(y[~test] - mean_y, full_matrices=False)
        kept = s > 1e-12 * s[0]
        weights = (y[test] - mean_y) @ vh[kept].T / s[kept]
        left += float(((x[test] - mean_x - weights @ (u[:, kept].T @ (x[~test] - mean_x))) ** 2).sum())
        whole += float(((x[test] - mean_x) ** 2).sum())
    return 1 - left / whole


@pytest.mark.parametrize("noise", [1e-4, 1e-6, 1e-8])
def test_near_copies_among_training_rows_cost_no_digits(noise, monkeypatch) -> None:
    """Their differences are directions of small variance, by which predictions divide."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(40, 60))
    y[:20] = y[0] + noise * rng.normal(size=(20, 60))
    x = y @ rng.normal(size=(60, 3))
    expected = _predicted(x, y, 5)
    assert get("linear_predictivity")(x, y, folds=5) == pytest.approx(expected, rel=1e-15 / noise + 1e-10)
    if noise < 1e-5:
        monkeypatch.setattr("likewise.quantities.heldout.DIGITS", np.inf)  # the way for other rows, as it would be
        assert get("linear_predictivity")(x, y, folds=5) != pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("label", ["aligned_cosine(center=False)", "aligned_cosine"])
def test_one_long_row_hides_no_direction_of_the_others(label: str, size: float) -> None:
    """Near copies of as many rows as features: X'Y holds the squares of their least variance."""
    c = Configuration.parse(label)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(5, 14))
        x = rng.normal(size=(n, n))
        x[2] *= size
        y = x * (1 + 1e-9 * rng.normal(size=x.shape))
        q = np.linalg.qr(rng.normal(size=(n, n))).Q
        assert [c(x, y), c(y, x), c(x, y @ q)] == pytest.approx([1.0] * 3, abs=1e-8)


def test_sides_that_share_no_more_directions_count_nothing_there() -> None:
    """Exactly uncorrelated but for one direction, of which a row is long."""
    signs = np.r_[np.zeros((1, 2)), np.tile([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], (3, 1))]
    common = np.zeros((13, 1))
    common[0] = 1e5
    x, y = np.c_[common, signs[:, :1]], np.c_[common, signs[:, 1:]]
    assert get("aligned_cosine")(x, y, center=False) == pytest.approx(1 / 13, abs=1e-12)


@pytest.mark.parametrize("shape", [(26, 40), (100, 20), (26, 26), (60, 7), (5000, 8)])
@pytest.mark.parametrize("hard", each(["offset", "scales", "massive feature"]))
@pytest.mark.parametrize("size", each([1e4, 1e6, 1e8]))
def test_near_copies_are_no_further_apart_than_they_are_without_a_rotation(shape, hard, size) -> None:
    """Beside a large offset, or features of very different scales, X'Y loses the directions in which they differ."""
    rng = np.random.default_rng(shape)
    x = rng.normal(size=shape)
    if hard == "offset":
        x += size
    elif hard == "scales":
        x *= np.logspace(0, -np.log10(size), shape[1])
    else:
        x[:, 1] = size + 0.01 * size * rng.normal(size=shape[0])
    turn = np.linalg.qr(rng.normal(size=(shape[1],) * 2)).Q
    y = x + 1e-4 * rng.normal(size=shape)
    distance, length = get("procrustes(center=False, normalize=False)"), np.linalg.norm(x)
    rounding = 3e-12 * length
    assert distance(x, x.copy()) < rounding > distance(x, x @ turn)
    for other in (y, y @ turn):
        assert distance(x, other) <= np.linalg.norm(x - y) + rounding
    assert distance(x, y) >= 0.1 * np.linalg.norm(x - y)
    assert get("procrustes(center=False)")(x, y) == pytest.approx(distance(x, y) / length, abs=3e-12, rel=0.05)
