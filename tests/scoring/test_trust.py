"""What stands beside a score: closed forms of chance, corrected p-values, intervals."""

import numpy as np
import pytest
import torch
from scipy import stats

from likewise.chance import NO_CHANCE
from likewise.measures import REGISTRY, Configuration
from likewise.quantities import Prepared
from likewise.scoring import compare, interval, leave_out

PRODUCTS = [
    Configuration(m.name, v)
    for m in REGISTRY.values()
    for v in m.variants
    if m.product(**{**m.defaults, **v}) is not None
]
LINEAR = [c for c in PRODUCTS if c.product.score == "linear"]


def both(rng, n=40, d=(12, 9)):
    x = rng.normal(size=(n, d[0]))
    return {"x": x, "y": x[:, : d[1]] + 2 * rng.normal(size=(n, d[1]))}


@pytest.mark.parametrize("c", PRODUCTS, ids=lambda c: c.label)
@pytest.mark.parametrize("convert", [np.asarray, torch.asarray], ids=["numpy", "torch"])
def test_product_gives_the_score(c, convert, rng):
    x, y = (Prepared(convert(m)) for m in both(rng).values())
    a, b = (np.asarray(of[c.product.quantity]) / (float(of[c.product.size]) if c.product.size else 1) for of in (x, y))
    inner, own_x, own_y = (np.asarray([(p * q).sum()]) for p, q in ((a, b), (a, a), (b, b)))
    assert c.product.scores(inner, own_x, own_y) == pytest.approx([c(x, y)], rel=1e-12, abs=1e-12)
    assert a == pytest.approx(a.T, abs=1e-15)


def test_measures_of_inner_products_are_known_as_such():
    assert {c.measure for c in PRODUCTS} == {"cka", "rsa", "distance_correlation", "rsm_difference"}
    assert {c.measure for c in LINEAR} == {"cka", "rsa", "distance_correlation"}


@pytest.mark.parametrize("c", LINEAR, ids=lambda c: c.label)
def test_closed_form_is_the_chance_of_shuffles(c, rng):
    pair = both(rng)
    (closed,) = compare(pair, c, groups=0)
    (drawn,) = compare(pair, c, groups=0, null="shuffles", permutations=1000)
    assert (closed.null, drawn.null, closed.n_permutations, drawn.n_permutations) == ("moments", "shuffles", 0, 1000)
    assert closed.value == drawn.value
    error = drawn.null_std / 1000**0.5
    assert closed.null_mean == pytest.approx(drawn.null_mean, abs=5 * error)
    assert closed.null_std == pytest.approx(drawn.null_std, rel=0.12)
    assert closed.z == pytest.approx((closed.value - closed.null_mean) / closed.null_std)
    assert closed.pvalue == pytest.approx(drawn.pvalue, abs=5 * (closed.pvalue / 1000) ** 0.5 + 2 / 1000)


@pytest.mark.parametrize("convert", [np.asarray, torch.asarray], ids=["numpy", "torch"])
def test_closed_form_needs_no_shuffles_and_ignores_their_seed(convert, rng):
    pair = {name: convert(m) for name, m in both(rng).items()}
    (one,), (other,) = (compare(pair, "cka", permutations=p, rng=p) for p in (0, 7))
    assert (one.null_mean, one.null_std, one.pvalue) == (other.null_mean, other.null_std, other.pvalue)
    assert one.null_std is not None and one.null_std > 0


def test_measures_without_a_closed_form_are_shuffled_beside_those_with_one(rng):
    rows = compare(both(rng), ["cka", "jaccard(k=3)", "magnitude_difference"], permutations=9, groups=0)
    assert [(r.null, r.n_permutations) for r in rows] == [("moments", 0), ("shuffles", 9), ("none", 0)]
    assert [r.reason for r in rows] == ["", "", NO_CHANCE]


def test_without_a_null_there_is_none(rng):
    for row in compare(both(rng), ["cka", "procrustes"], null="none", groups=0):
        assert (row.null, row.null_mean, row.pvalue, row.pvalue_holm, row.calibrated, row.reason) == (
            "none",
            *[None] * 4,
            "",
        )


def test_equal_rows_have_no_variation_in_closed_form_either():
    (c,) = compare({"x": np.eye(6), "y": np.eye(6)}, "cka", groups=0)
    assert (c.value, c.null_mean, c.null_std, c.pvalue) == pytest.approx((1, 1, 0, 1))
    assert (c.z, c.calibrated) == (None, None)
    assert c.reason == "no z: the shuffled scores do not vary; not calibrated: shuffled rows score as identical ones do"


def test_pvalues_are_corrected_over_the_whole_table(rng):
    three = both(rng) | {"z": rng.normal(size=(40, 5))}
    rows = list(compare(three, ["cka", "rsa", "magnitude_difference"], permutations=30, groups=0))
    p = np.asarray([r.pvalue for r in rows if r.pvalue is not None])
    order = np.argsort(p)
    m = len(p)
    assert m == 6
    holm, bh = np.empty(m), np.empty(m)
    holm[order] = [min(1, max((m - j) * p[order[j]] for j in range(i + 1))) for i in range(m)]
    bh[order] = [min(m / (j + 1) * p[order[j]] for j in range(i, m)) for i in range(m)]
    assert [r.pvalue_holm for r in rows if r.pvalue is not None] == pytest.approx(holm.tolist())
    assert [r.pvalue_bh for r in rows if r.pvalue is not None] == pytest.approx(bh.tolist())
    assert all(r.pvalue_holm is None and r.pvalue_bh is None for r in rows if r.pvalue is None)
    assert {(r.pvalue is None, r.correction) for r in rows} == {(False, "holm"), (True, "")}


def test_groups_share_the_items_out():
    for n, groups in ((40, 20), (43, 20), (9, 20), (5, 5)):
        kept = leave_out(n, groups, rng=3)
        left = [sorted(set(range(n)) - set(items.tolist())) for items in kept]
        assert sorted(i for items in left for i in items) == list(range(n))
        assert len(kept) == min(groups, n)
        assert max(map(len, left)) - min(map(len, left)) <= 1
        assert all((np.diff(items) > 0).all() for items in kept)
    assert leave_out(4, 20, rng=0) == leave_out(40, 0, rng=0) == []


@pytest.mark.parametrize(
    ("measure", "bounds"),
    [
        ("cknna(k=4)", (-np.inf, np.inf)),
        ('rsm_difference(inner="cosine")', (0.0, np.inf)),
        ("linear_predictivity(folds=5)", (-np.inf, 1.0)),
    ],
)
def test_interval_is_that_of_the_scores_without_each_group(measure, bounds, rng):
    pair = both(rng)
    c = Configuration.parse(measure)
    row = next(iter(compare(pair, c, permutations=0, groups=8, rng=4)))
    x, y = (Prepared(pair[name]) for name in "xy")
    without = np.asarray([[c(x.rest(items), y.rest(items))] for items in leave_out(40, 8, rng=4)])
    expected = interval(np.asarray([row.value]), without, bounds)
    assert (row.low, row.high) == pytest.approx((expected[0][0], expected[1][0]), abs=1e-9)


def test_mean_has_the_textbook_interval():
    """Without one item each, the jackknife of a mean is its standard error; of light, equal tails with n - 1."""
    x = np.random.default_rng(0).uniform(size=15)
    x = np.concatenate([x, 1 - x])
    without = np.stack([x[items].mean(keepdims=True) for items in leave_out(30, 30, rng=0)])
    low, high = interval(np.asarray([x.mean()]), without)
    expected = stats.t.interval(0.95, 29, x.mean(), stats.sem(x))
    assert (low[0], high[0]) == pytest.approx(expected)


def test_no_interval_is_a_reason_beside_the_value(rng):
    """Without one group no rows are left that differ."""
    x = np.zeros((6, 3))
    x[2] = 1.0
    row = next(iter(compare({"x": x, "y": rng.normal(size=(6, 3))}, "cka", null="none", groups=6)))
    assert row.value is not None and (row.low, row.high) == (None, None)
    assert (
        row.reason == "no interval: undefined without some inputs: all rows of x are equal, so nothing is left after "
        "centring"
    )
    (few,) = compare(both(rng, n=4), "cka", null="none", groups=20)
    assert (few.low, few.high, few.reason) == (None, None, "no interval: 4 inputs; expected 5 or more")


@pytest.mark.parametrize("call", ["cka", "procrustes", "mean_cca(ridge=0.1)", "jaccard(k=5)", "linear_predictivity"])
def test_the_interval_of_a_calibrated_score_is_that_of_the_page(call, rng) -> None:
    from likewise.report.tables import calibrated_ends, long_frame

    results = compare(both(rng, n=60, d=(6, 4)), call)
    expected = zip(*calibrated_ends(long_frame(results)), strict=True)
    for row, ends in zip(results, expected, strict=True):
        low, high = row.calibrated_interval
        assert (low, high) == pytest.approx(ends) and low < row.calibrated < high


def test_without_an_interval_or_a_chance_level_there_is_none_calibrated(rng) -> None:
    pair = both(rng)
    for given in ({"groups": 0}, {"chance": "none"}):
        (row,) = compare(pair, "jaccard(center=True)", permutations=5, **given)
        assert row.calibrated_interval is None
