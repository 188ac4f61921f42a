"""Direct errors and shared axes of copies of one model."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from likewise.chance import Reason
from likewise.errors import InputError, UndefinedError
from likewise.measures import Configuration, configurations, contributions, get
from likewise.quantities import Prepared
from likewise.scoring import compare

GOLDEN = {
    "relative_error": (1.629126181859, 1.393324263143),
    'relative_error(over="rows")': (1.585753970462, 1.368215795974),
    "signal_to_noise": (-4.239094466562, -2.881043998336),
    'signal_to_noise(over="rows")': (-3.924622614408, -2.643037739878),
    "relative_error(center=True)": (1.690950294024, 1.401105302378),
    'relative_error(over="rows", center=True)': (1.692056310996, 1.387361903363),
    "signal_to_noise(center=True)": (-4.562616831452, -2.929415532598),
    'signal_to_noise(over="rows", center=True)': (-4.506496444112, -2.806251591431),
    "cosine": (-0.379582667581, -0.071048416118),
    "cosine(center=True)": (-0.326993536988, 0.051507732177),
    "block_influence": (1.379582667581, 1.071048416118),
    "largest_error": (5.380258512533, 5.308391262054),
    "feature_correlation": (-0.306692029600, 0.053396444253),
}
"""For n, d of 64, 12 and of 40, 60; found in extended precision by loops over the entries."""

MEANS = [
    *('relative_error(over="rows")', 'relative_error(over="rows", center=True)', 'signal_to_noise(over="rows")'),
    *("cosine", "cosine(center=True)", "block_influence", "feature_correlation"),
]


def copies(n: int = 30, d: int = 6, noise: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([n, d, seed])
    x = 2 * rng.normal(size=(n, d)) + rng.normal(size=d)
    return x, x + noise * rng.normal(size=(n, d))


@pytest.mark.parametrize("shape", range(2), ids=["n > d", "n < d"])
@pytest.mark.parametrize("label", GOLDEN)
def test_value_is_golden(label, shape, golden):
    n, d = ((64, 12), (40, 60))[shape]
    assert Configuration.parse(label)(*golden(n, d, d)) == pytest.approx(GOLDEN[label][shape], abs=1e-11, rel=1e-11)


def test_errors_are_relative_to_the_first():
    x, y = copies()
    for name in ("relative_error", "largest_error"):
        assert get(name)(x, 10 * x) == pytest.approx(10 * get(name)(10 * x, x))
    assert get("relative_error")(x, y) == pytest.approx(np.linalg.norm(x - y) / np.linalg.norm(x))
    noise = get("signal_to_noise")(x, y)
    assert noise == pytest.approx(-20 * np.log10(get("relative_error")(x, y)))
    # As tools for quantisation have it: 10 log10 of the ratio of mean squares.
    assert noise == pytest.approx(10 * np.log10((x**2).mean() / ((x - y) ** 2).mean()))


def test_a_massive_offset_hides_an_error_that_centring_shows():
    x, y = copies()
    x[:, 2], y[:, 2] = x[:, 2] + 1e4, y[:, 2] + 1e4
    assert get("relative_error")(x, y) < 1e-3 < 0.1 < get("relative_error")(x, y, center=True)
    assert get("cosine")(x, -y + 2e4 * (np.arange(6) == 2)) > 0.99 > 0 > get("cosine")(x, -y, center=True)


def test_block_influence_is_one_less_the_cosine_and_keeps_its_digits():
    x, y = copies()
    assert get("block_influence")(x, y) == pytest.approx(1 - get("cosine")(x, y), abs=1e-15)
    angle = 1e-9
    turned = x[:, :2] @ np.asarray([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    assert get("block_influence")(x[:, :2], turned) == pytest.approx(angle**2 / 2, rel=1e-5)


def test_correlation_of_features_is_the_mean_of_pearsons():
    x, y = copies()
    expected = np.mean([pearsonr(x[:, j], y[:, j]).statistic for j in range(6)])
    assert get("feature_correlation")(x, y) == pytest.approx(expected, abs=1e-14)
    # The scale of a feature does not count, however massive.
    assert get("feature_correlation")(x, y * [1, 1e6, 1, 1e-6, 1, 1]) == pytest.approx(expected, abs=1e-12)


def test_a_feature_without_a_correlation_is_named():
    x, y = copies()
    y[:, 4] = 0.1
    for pair, side in (((x, y), "y"), ((y, x), "x")):
        with pytest.raises(UndefinedError, match=f"1 of the 6 columns of {side} are constant, the first is column 4"):
            get("feature_correlation")(*pair)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("over", ["all", "rows"])
def test_equal_copies_have_no_noise(over, center):
    x, y = copies()
    with pytest.raises(UndefinedError, match="the copies x and y are equal"):
        get("signal_to_noise")(x, x.copy(), over=over, center=center)
    assert get("relative_error")(x, x.copy(), over=over, center=center) == 0
    y[7] = x[7]
    c = Configuration("signal_to_noise", {"over": over})
    if over == "rows":
        with pytest.raises(UndefinedError, match="equal in row 7"):
            c(x, y)
    else:
        assert np.isfinite(c(x, y))
    with pytest.raises(UndefinedError, match="are equal"):
        get("signal_to_noise")(np.round(x), np.round(x) + 3, over=over, center=True)


def test_a_row_of_equal_copies_says_why_and_shuffles_still_count():
    x, y = copies()
    rows = compare({"x": x, "same": x.copy(), "y": y}, "signal_to_noise", groups=0, permutations=9)
    told = {(r.a, r.b): r for r in rows}
    assert told["x", "same"].value is None and told["x", "same"].reason.startswith("the copies x and same are equal")
    row = told["x", "y"]
    assert row.pvalue == 0.1 and row.calibrated is None and row.reason == Reason.NO_SCALE


def test_small_differences_are_kept():
    x, _ = copies()
    y = x.copy()
    x[3, 2] = 0.0
    y[3, 2] = 1e-200  # whose square is no float
    assert get("relative_error")(x, y) == pytest.approx(1e-200 / np.linalg.norm(x), rel=1e-12)
    assert get("signal_to_noise")(x, y) == pytest.approx(4000 + 20 * np.log10(np.linalg.norm(x)), rel=1e-12)
    assert get("largest_error")(x, y) == pytest.approx(1e-200 / np.sqrt((x**2).mean()), rel=1e-12)


def test_other_widths_and_unknown_choices_are_refused():
    x, y = copies()
    for c in configurations(["direct", "block_influence"]):
        with pytest.raises(UndefinedError, match=r"x has 6 features and y has 4; \w+ compares each feature with"):
            c(x, y[:, :4])
    for name in ("relative_error", "signal_to_noise"):
        with pytest.raises(InputError, match="over='row' is unknown; did you mean \"rows\""):
            Configuration(name, {"over": "row"})


def test_a_base_of_zeros_is_undefined():
    x, y = copies()
    x[5] = 0
    for name in ("relative_error", "signal_to_noise"):
        with pytest.raises(UndefinedError, match="row 5 of x is zero"):
            get(name)(x, y, over="rows")
        assert get(name)(y, x, over="rows") == pytest.approx(float(np.mean(contributions(
            Configuration(name, {"over": "rows"}), y, x))))  # fmt: skip
    for c in configurations(["relative_error", "signal_to_noise", "largest_error"]):
        with pytest.raises(UndefinedError, match="all rows of x are zero"):
            c(0 * x, y)


@pytest.mark.parametrize("label", MEANS)
def test_contributions_are_those_of_the_inputs(label):
    x, y = copies()
    y[17] = -x[17]
    c = Configuration.parse(label)
    added = contributions(c, x, y)
    assert added.shape == (30,) and added.mean() == pytest.approx(c(x, y), abs=1e-12)
    if "feature_correlation" not in label:  # which feels how long a row is
        assert (c.facts.more_alike * added).argmin() == 17
    if "center" not in label and "feature" not in label:
        assert added[3] == pytest.approx(c(x[3:4], y[3:4]), abs=1e-12)


@pytest.mark.parametrize("label", ["relative_error", "largest_error", "signal_to_noise"])
def test_what_is_no_mean_over_inputs_has_no_contributions(label):
    with pytest.raises(InputError, match="is not a mean over items"):
        contributions(Configuration.parse(label), *copies())


@pytest.mark.parametrize("label", ["relative_error", "signal_to_noise", "largest_error", "feature_correlation"])
def test_an_input_that_holds_nearly_all_is_left_to_groups(label):
    x, y = copies()
    x[3], y[3] = 1e8 * x[3], 1.1e8 * x[3]
    assert Configuration.parse(label).without_each(Prepared(x), Prepared(y)) is None


def test_scores_of_equal_copies_have_scores_without_each_input():
    x, _ = copies()
    for name, value in (("relative_error", 0.0), ("cosine", 1.0), ("feature_correlation", 1.0), ("largest_error", 0.0)):
        found = Configuration.parse(name).without_each(Prepared(x), Prepared(x.copy()))
        assert found == pytest.approx(np.full(30, value), abs=1e-12)
