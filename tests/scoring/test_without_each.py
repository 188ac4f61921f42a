"""Intervals from the score without each item, which is not computed n times."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special, stats

import definitions
from cases import each
from likewise.measures import REGISTRY, Configuration, cosine_without_each
from likewise.quantities import Prepared
from likewise.scoring import compare, interval
from likewise.scoring.leaving_out import FEW
from likewise.testing import widths

ALL = [
    c
    for m in REGISTRY.values()
    if ":" not in m.name
    for c in (Configuration(m.name, v) for v in m.variants)
    # The others: tests/measures/test_outputs.py, tests/quantities/test_many.py.
    if m.without_each(**c.parameters) is not None and not c.facts.needs
]
NORMS = dict.fromkeys(("procrustes", "procrustes_angle", "nbs", "shape_distance", "mean_cca"), 1e-5)
NEARLY = NORMS | {"rsa": 0.02, "aligned_cosine": 0.03}
"""Of the deviation, where it comes from an integral in steps, or from ranks; rsa by Pearson is exact besides."""

PROJECTIONS = ("gulp", "eigenspace_overlap")

NEIGHBOURS = ("jaccard", "mutual_knn", "rank_similarity", "joint_rank_jaccard")
"""Of these the scores are drawn together: tests/scoring/test_counted_once.py."""


def deleted(c: Configuration, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray([c(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(len(x))])


def test_what_has_scores_without_each_item() -> None:
    assert {c.measure for c in ALL} == {
        *("cka", "distance_correlation", "nbs", "procrustes", "procrustes_angle", "shape_distance", "mean_cca"),
        *("rsa", "rsm_difference", "linear_predictivity", "aligned_cosine", *NEIGHBOURS),
        *PROJECTIONS,
        *("relative_error", "signal_to_noise", "cosine", "block_influence", "largest_error", "feature_correlation"),
        *("magnitude_difference", "concentricity_difference", "uniformity_difference"),
    }


@pytest.mark.parametrize("c", each(c for c in ALL if c.measure not in NEIGHBOURS))
@pytest.mark.parametrize(("n", "d", "e"), [(40, 6, 9), (26, 40, 7), (24, 40, 50)])
def test_scores_without_each_item_are_those_of_the_other_items(c, n, d, e, related) -> None:
    x, y = related(n, *widths(d, e, c.facts))
    if c.facts.undefined_if_wide and n <= max(d, e):
        return
    found, expected = c.without_each(Prepared(x), Prepared(y)), deleted(c, x, y)
    if c.measure in PROJECTIONS and not c.parameters.get("lam") and n <= max(d, e):
        # Every direction is held by one item; and the score is the same for any data.
        assert found is None and expected.std() < 1e-12
    elif c.measure in NEARLY and c.parameters.get("outer", "spearman") == "spearman":
        # Of few items in many dimensions the mean moves far without one.
        assert found.std() == pytest.approx(expected.std(), rel=NEARLY[c.measure] * (2 if n < min(d, e) else 1))
        assert np.corrcoef(found, expected)[0, 1] > (0.999999 if c.measure in NORMS else 0.98)
    elif c.difference:  # with the sign that it has beside the whole
        assert np.abs(found) == pytest.approx(expected, abs=1e-12)
        assert (found > 0).any()
    else:
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("noise", [0.3, 0.01])
@pytest.mark.parametrize(("n", "d", "e"), [(30, 60, 60), (30, 8, 8), (30, 60, 12), (12, 200, 200)])
@pytest.mark.parametrize("label", ["procrustes(normalize=False)", "procrustes(center=False)"])
def test_what_is_left_of_near_copies_keeps_its_digits(label, n, d, e, noise, rng) -> None:
    """Where features are more than items, each item alone holds a direction, and nearly all of a distance cancels."""
    x = rng.normal(size=(n, max(d, e)))
    x, y = x[:, :d], (x + noise * rng.normal(size=x.shape))[:, :e]
    c = Configuration.parse(label)
    found, expected = c.without_each(Prepared(x), Prepared(y)), deleted(c, x, y)
    assert found == pytest.approx(expected, abs=0.005 * np.ptp(expected))


@pytest.mark.parametrize(("n", "d", "e"), [(30, 6, 9), (30, 9, 6), (20, 30, 25)])
def test_the_mean_cosine_without_each_of_few_items_is_exact(n, d, e, related):
    x, y = related(n, d, e)
    c = Configuration.parse("aligned_cosine(center=False)")
    found, expected = c.without_each(Prepared(x), Prepared(y)), deleted(c, x, y)
    assert found == pytest.approx(expected, abs=0.002 * expected.std())


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("power", [0.0, pytest.param(0.5, marks=pytest.mark.long("a spectrum between the two")), 1.0])
@pytest.mark.parametrize(("n", "d", "e"), [(160, 12, 20), (140, 130, 150), (150, 200, 40), (400, 90, 60)])
def test_fewer_nodes_cost_a_small_share_of_the_deviation(monkeypatch, n, d, e, power, center, rng) -> None:
    """They are chosen by what they cost some items; here it is seen for all."""
    common = rng.normal(size=(n, max(d, e))) * np.arange(1, 1 + max(d, e)) ** -power
    x, y = (common[:, :w] + 0.5 * rng.normal(size=(n, w)) * np.arange(1, 1 + w) ** -power + 0.3 for w in (d, e))
    c, nodes = Configuration.parse(f"aligned_cosine(center={center})"), []
    monkeypatch.setattr(cosine_without_each, "LITTLE", 0)
    chosen = cosine_without_each._chosen
    monkeypatch.setattr(
        cosine_without_each, "_chosen", lambda *given, **more: nodes.append(chosen(*given, **more)) or nodes[-1]
    )
    found = c.without_each(Prepared(x), Prepared(y))
    monkeypatch.setattr(cosine_without_each, "LITTLE", 2**60)
    every = c.without_each(Prepared(x), Prepared(y))
    assert len(nodes) == 1
    assert (found - every).std() <= 2 * cosine_without_each.OFF * every.std()
    monkeypatch.setattr(cosine_without_each, "GRID", {"step": 0.3, "beyond": 8.0})
    assert (c.without_each(Prepared(x), Prepared(y)) - every).std() <= 0.003 * every.std()


def test_a_tie_among_many_distances_is_no_reason_for_groups(rng) -> None:
    x, y = rng.normal(size=(60, 3)), rng.normal(size=(60, 3))
    x[0], x[1], x[2], x[3] = 5.0, [5, 5, 6], -5.0, [-5, -4, -5]
    c = Configuration.parse("rsa")
    found, expected = c.without_each(Prepared(x), Prepared(y)), deleted(c, x, y)
    assert found.std() == pytest.approx(expected.std(), rel=0.01)


def test_an_item_that_holds_nearly_all_is_left_to_groups(rng) -> None:
    """Without it, differences of large numbers would be left."""
    x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 5))
    x[3] *= 1e5
    of_projections = ("gulp", "gulp(lam=0)", "eigenspace_overlap")
    for name in (
        "cka",
        "cka(debiased=True)",
        "distance_correlation",
        "procrustes",
        "linear_predictivity",
        *of_projections,
    ):
        c = Configuration.parse(name)
        found = c.without_each(Prepared(x), Prepared(y))
        assert found is None or found == pytest.approx(deleted(c, x, y), abs=1e-7)


@pytest.mark.parametrize(("label", "d"), [("gulp(lam=0)", 19), ("eigenspace_overlap", 20), ("gulp(lam=0)", 18)])
def test_projections_whose_others_span_the_whole_space_are_left_to_groups(label, d, rng) -> None:
    """Of 21 items: without one the score would be the same whatever the data."""
    x, y = rng.normal(size=(21, d)), rng.normal(size=(21, 3))
    c = Configuration.parse(label)
    found = c.without_each(Prepared(x), Prepared(y))
    assert found is None if d > 18 else found == pytest.approx(deleted(c, x, y))


@pytest.mark.parametrize("lam", [0.0, 1e-9, 1e-4, 0.1, 1e3])
def test_projections_without_each_item_with_any_ridge(lam, rng) -> None:
    """Directions of very unequal lengths, large offsets, and near copies."""
    lengths, c = 10.0 ** -np.arange(8), Configuration("gulp", {"lam": lam})
    x = rng.normal(size=(40, 8)) * lengths + 100
    for noise in (1.0, 1e-6):
        y = (x + noise * lengths * rng.normal(size=x.shape))[:, ::-1]
        found = c.without_each(Prepared(x), Prepared(y))
        assert found is None if noise < 1 else found == pytest.approx(deleted(c, x, y), rel=1e-9)


@pytest.mark.parametrize("name", ["rsa", 'rsa(inner="cosine")'])
def test_tied_distances_are_left_to_groups(name, rng) -> None:
    x, y = rng.integers(0, 3, size=(20, 3)) + 0.0, rng.normal(size=(20, 3))
    x[:, 0] += 1
    assert Configuration.parse(name).without_each(Prepared(x), Prepared(y)) is None


@pytest.mark.parametrize("name", ["cka", "rsa", "linear_predictivity"])
def test_interval_is_that_of_the_scores_without_each_item(name, related) -> None:
    x, y = related(FEW, 4, 5)  # so many that nothing is counted twice
    c = Configuration.parse(name)
    row = next(iter(compare({"x": x, "y": y}, c, null="none", groups=7)))
    without = deleted(c, x, y)
    below, above = definitions.reach_of(np.sqrt((FEW - 1) / FEW) * (without.mean() - without))
    lowest, highest = c.facts.bounds
    share = (row.value - lowest) / (highest - lowest)
    steps = np.asarray([-below, above]) / (highest - lowest) / (share * (1 - share))
    ends = lowest + (highest - lowest) * special.expit(special.logit(share) + steps)
    assert (row.low, row.high) == pytest.approx(tuple(ends), abs=2e-3 if name == "rsa" else 1e-9)


BOUNDS = [(-np.inf, np.inf), (0.0, np.inf), (-np.inf, 1.0), (0.0, 1.0), (-1.0, 1.0), (0.0, 2.0**0.5)]


@given(st.sampled_from(BOUNDS), st.lists(st.floats(0, 1), min_size=6, max_size=12), st.floats(0, 1))
@example((0.0, 1.0), [2e-309] * 6, 2e-309)
@example((0.0, 1.0), [2e-309] * 5 + [1.9e-309], 2e-309)
@settings(max_examples=300, deadline=None)
def test_ends_lie_within_the_range_and_around_the_score(bounds, shares, share) -> None:
    lowest, highest = max(bounds[0], -5.0), min(bounds[1], 5.0)
    value = np.asarray([lowest + share * (highest - lowest)])
    without = lowest + np.asarray(shares)[:, None] * (highest - lowest)
    low, high = interval(value, without, bounds)
    assert bounds[0] <= low[0] <= high[0] <= bounds[1]
    assert low[0] <= value[0] + 1e-12 and high[0] >= value[0] - 1e-12


def test_no_interval_of_a_table_leaves_the_range(rng) -> None:
    """Near copies and strangers, in every measure."""
    x = rng.normal(size=(14, 3))
    both = {
        "x": x,
        "near": x + 1e-3 * rng.normal(size=x.shape),
        "turned": x[:, ::-1] * 2,
        "y": rng.normal(size=(14, 2)),
    }
    for row in compare(both, ["paper", "resi", "platonic", "recommended"], null="none", groups=6):
        if row.low is not None:
            lowest, highest = Configuration.from_json(row.measure, row.parameters).facts.bounds
            assert lowest <= row.low <= row.high <= highest, row


def test_unequal_groups_weigh_by_their_inputs(rng) -> None:
    """Of a mean, the spread is that of the sums of the groups."""
    sizes = np.asarray([2, 3, 5, 4, 6, 8])
    x = rng.normal(size=sizes.sum())
    place = np.repeat(np.arange(6), sizes)
    without = np.asarray([[x[place != g].mean()] for g in range(6)])
    equal = interval(np.asarray([x.mean()]), without[:5], sizes=np.full(5, 4))
    assert np.concatenate(equal) == pytest.approx(
        np.concatenate(interval(np.asarray([x.mean()]), without[:5])), abs=0.2
    )
    low, high = interval(np.asarray([x.mean()]), without, sizes=sizes)
    h = 28 / sizes
    means = np.asarray([x[place == g].mean() for g in range(6)])
    spread = np.sqrt((((means - x.mean()) ** 2) / (h - 1)).mean())
    nu = definitions.degrees((means - x.mean()) / np.sqrt(h - 1))
    assert (high[0] - low[0]) / 2 == pytest.approx(stats.t.ppf(0.975, nu) * spread)


@pytest.mark.parametrize("name", ["linear_predictivity(folds=5)", "procrustes(folds=5)", "aligned_cosine(folds=4)"])
def test_what_stays_is_judged_in_its_folds(name, rng) -> None:
    """Against the score of items that are put in an order in which their numbers are their folds."""
    n, folds = 60, int(name[-2])
    x = rng.normal(size=(n, 4))
    y = x @ rng.normal(size=(4, 4)) + 0.3 * rng.normal(size=(n, 4))
    stay = np.sort(rng.permutation(n)[: n - 10])
    fold = stay % folds
    c = Configuration.parse(name)
    found = c(Prepared(x).rest(stay), Prepared(y).rest(stay))
    fewest = min(np.bincount(fold))
    assert found != pytest.approx(c(x[stay], y[stay]), rel=1e-6)
    # Of so many items of each fold, placed by turns, the number of an item says its fold.
    even = np.concatenate([np.flatnonzero(fold == f)[:fewest] for f in range(folds)]).reshape(folds, fewest).T.ravel()
    turns = stay[even]
    kept = np.sort(turns)
    expected = c(x[turns], y[turns])
    assert c(Prepared(x).rest(kept), Prepared(y).rest(kept)) == pytest.approx(expected, abs=1e-12)
    few = np.flatnonzero(np.arange(n) % folds != 1)  # a fold of which nothing stays
    assert np.isfinite(c(Prepared(x).rest(few), Prepared(y).rest(few)))


def test_groups_that_are_too_few_are_named(rng) -> None:
    pair = {"x": rng.normal(size=(30, 3)), "y": rng.normal(size=(30, 3))}
    one, two = compare(pair, ["cka", "svcca(k=1)"], groups=2, permutations=0)
    assert one.low is not None and one.reason == ""
    assert two.low is None
    assert two.reason == "no interval: 2 groups of inputs; expected 5 or more"


@pytest.mark.parametrize(
    "name",
    [*NORMS, "shape_distance(alpha=0.0)", "aligned_cosine", "aligned_cosine(center=False)"],
)
def test_sides_that_share_no_direction_have_an_interval_or_a_reason(name: str) -> None:
    x, y = (np.tile(signs, 4)[:, None] for signs in ([1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]))
    for small in (0.0, 1e-17):
        (row, *_) = compare({"x": x, "y": y + small * x}, name, permutations=5, groups=16)
        assert row.value is None or row.low is not None or row.reason, name


@pytest.mark.parametrize(
    "name", [*NORMS, "shape_distance(alpha=0.0)", "aligned_cosine", "aligned_cosine(center=False)"]
)
def test_many_rows_of_a_few_kinds_have_an_interval_or_a_reason(name: str, rng) -> None:
    """Without any one of them the score is nearly, or just, what it is."""
    kinds = np.eye(4)[np.arange(200) % 4]
    for other in (kinds, kinds @ rng.normal(size=(4, 3)), kinds[::-1] * np.arange(1, 5)):
        (row, *_) = compare({"x": kinds, "y": other}, name, permutations=3, groups=16)
        assert row.value is None or row.low is not None or row.reason, name


@pytest.mark.parametrize("center", each([True, False]))
@pytest.mark.parametrize("lengths", each(["equal", "far apart", "one row"]))
@pytest.mark.parametrize(("d", "e"), [(60, 60), (12, 70), (30, 9)])
@pytest.mark.parametrize("noise", [1.0, 1e-2, 1e-5, 1e-9])
def test_single_precision_costs_an_interval_nothing(monkeypatch, noise, d, e, lengths, center) -> None:
    """Of near copies all that moves is small beside what is added up; a long row has singular values of its own."""
    rng = np.random.default_rng(20240807)
    x = rng.normal(size=(80, d))
    if lengths == "far apart":
        x *= np.exp(2 * rng.normal(size=(80, 1)))
    if lengths == "one row":
        x[5] *= 1e4
    y = x @ np.linalg.qr(rng.normal(size=(max(d, e), max(d, e)))).Q[:d, :e]
    y += noise * np.linalg.norm(y, axis=1, keepdims=True) * rng.normal(size=y.shape) / e**0.5
    c = Configuration.parse(f"aligned_cosine(center={center})")
    found = c.without_each(Prepared(x), Prepared(y))
    if found is None:  # the mean moves far
        assert center and lengths != "equal"
        return
    with monkeypatch.context() as patched:
        patched.setattr(cosine_without_each, "CLOSE", 0.0)
        double = c.without_each(Prepared(x), Prepared(y))
    assert np.abs(found - double).max() <= 0.01 * double.std()


@pytest.mark.parametrize(("n", "d", "e"), [(24, 22, 4), (40, 6, 6), (60, 16, 16), (60, 200, 9), (164, 16, 16)])
@pytest.mark.parametrize("longer", [1, 3, 10, 30, 100])
def test_where_the_mean_moves_far_the_cosine_without_each_is_left_to_groups(n, d, e, longer) -> None:
    """What it changes is told to first order."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, e))
    x[1] *= longer
    c = Configuration.parse("aligned_cosine")
    found = c.without_each(Prepared(x), Prepared(y))
    assert found is None or found.std() == pytest.approx(deleted(c, x, y).std(), rel=0.05)
    assert (found is None) == (longer >= 30 or (longer == 10 and n < 164) or (longer == 3 and n < 40))
    assert Configuration.parse("aligned_cosine(center=False)").without_each(Prepared(x), Prepared(y)) is not None
