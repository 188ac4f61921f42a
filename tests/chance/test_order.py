"""Rows in runs, as tokens of one text or questions on one topic come: said where no groups are named."""

import warnings

import numpy as np
import pandas as pd
import pytest

import likewise
from likewise import Representation, compare
from likewise.chance import RowsInRuns, alike_in_order, run_length


def rows(law: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of clusters, far from the origin, of heavy tails, of one direction, of few different ones: in any order."""
    made = rng.normal(size=(n, 12))
    if law == "clusters":
        made += 4 * rng.normal(size=(6, 12))[np.arange(n) % 6]
    elif law == "offset":
        made += 100
    elif law == "heavy":
        made /= rng.chisquare(1, size=(n, 1)) ** 0.5
    elif law == "direction":
        made = made[:, :1] * np.ones(12) + 1e-3 * made
    elif law == "few":
        made = made[np.arange(n) % 5]
    return made[rng.permutation(n)]


def told(made: np.ndarray) -> float:
    return alike_in_order(len(made), made.__getitem__)


LAWS = ("normal", "clusters", "offset", "heavy", "direction", "few")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [20, 60, 500, 3000])
def test_rows_in_any_order_do_not_follow_alike(law, n) -> None:
    for seed in range(15):
        made = rows(law, n, np.random.default_rng([seed, n]))
        assert not told(made) and run_length(n, made.__getitem__) == 1


@pytest.mark.parametrize("noise", [0.3, 1.0])
@pytest.mark.parametrize("size", [4, 10])
@pytest.mark.parametrize("n", [100, 600, 5000])
def test_rows_of_one_group_after_the_other_follow_alike(n, size, noise, rng) -> None:
    groups = rng.normal(size=(n // size, 12))[np.arange(n) // size]
    made = groups + noise * rng.normal(size=(n, 12)) - 7
    expected = (1 - 1 / size) / (1 + noise**2)  # the next is of the same group, or not
    assert told(made) == pytest.approx(expected, abs=0.25 * expected) and not told(made[rng.permutation(n)])
    assert told(1e305 * made) == pytest.approx(told(made)) and told(1e-305 * made) == pytest.approx(told(made))


@pytest.mark.parametrize("noise", [0.5, 1.5])
@pytest.mark.parametrize("size", [2, 5, 12, 40])
@pytest.mark.parametrize("n", [480, 3000])
def test_a_run_is_as_long_as_a_group(n, size, noise, rng) -> None:
    """Also where two rows of one group are no more than 0.3 alike."""
    groups = rng.normal(size=(n // size, 60))[np.arange(n) // size]
    made = groups + noise * rng.normal(size=(n, 60))
    assert (0.8 if noise == 0.5 else 0.6) * size <= run_length(n, made.__getitem__) <= 1.25 * size + 1
    assert run_length(n, (1e305 * made).__getitem__) == run_length(n, made.__getitem__)


def test_rows_that_drift_are_a_run_of_half_of_all_at_most() -> None:
    drift = np.linspace(-1, 1, 300)[:, None] * np.ones(5)
    assert 100 <= run_length(300, drift.__getitem__) <= 150


def test_few_rows_and_equal_ones_say_nothing() -> None:
    drift = np.cumsum(np.random.default_rng(0).normal(size=(60, 5)), axis=0)
    assert told(drift) and not told(drift[:19]) and not told(np.ones((50, 3)))


def topics(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    of = np.repeat(np.arange(12), 5)
    common = rng.normal(size=(12, 6))[of] + 0.3 * rng.normal(size=(60, 6))
    return {name: common + 0.3 * rng.normal(size=(60, 6)) for name in "xy"}, of


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, True),
        ({"groups": 0}, True),
        ({"permutations": 0, "groups": 0}, True),  # p has a closed form
        ({"chance": "none"}, False),  # there is no p, and intervals allow for it
        ({"chance": "none", "groups": 0}, False),
        ({"chance": "features", "groups": 0}, False),  # nor here: features are shuffled
    ],
)
def test_compare_warns_where_it_matters(asked, said, rng) -> None:
    given, of = topics(rng)
    measure = "feature_correlation" if asked.get("chance") == "features" else "cka"
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        compare(given, measure, **asked)
        assert [w.category for w in found] == [RowsInRuns] * said
    named = [Representation(side, name=name, groups=of.astype(str).tolist()) for name, side in given.items()]
    compare(named, measure, **asked)  # a warning is an error here
    distances = {name: np.linalg.norm(m[:, None] - m[None], axis=2) for name, m in given.items()}
    if measure == "cka":
        compare([Representation(m, name=n, kind="distances", metric="euclidean") for n, m in distances.items()], "cka")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32"])
def test_tensors_of_any_type_are_looked_at(dtype, rng) -> None:
    torch = pytest.importorskip("torch")
    given, _ = topics(rng)
    tensors = {name: (100 * torch.asarray(side)).to(getattr(torch, dtype)) for name, side in given.items()}
    if dtype != "int32":
        tensors["x"].requires_grad_()
    with pytest.warns(RowsInRuns):
        compare(tensors, "cka")


def test_the_command_line_says_it_in_a_line(cli, monkeypatch, tmp_path, rng) -> None:
    monkeypatch.chdir(tmp_path)
    given, of = topics(rng)
    for name, side in given.items():
        np.save(f"{name}.npy", side)
        np.savez(f"{name}.npz", matrix=side, group=of)
    _, _, err = cli("compare", "x.npy", "y.npy", "--measure", "cka")
    assert "rows that follow each other are more alike than others" in " ".join(err.split())
    _, _, err = cli("compare", "x.npy", "y.npy", "--measure", "cka", "--chance", "none", "--groups", "0")
    assert "follow each other" not in " ".join(err.split())
    _, _, err = cli("compare", "x.npz", "y.npz", "--measure", "cka")
    assert "follow each other" not in " ".join(err.split())


def test_groups_with_an_index_are_matched_by_it(rng) -> None:
    given, of = topics(rng)
    ids = [f"q{i}" for i in range(60)]
    frames = {name: pd.DataFrame(side, index=ids) for name, side in given.items()}
    order = rng.permutation(60)
    turned = {"x": frames["x"].iloc[order], "y": frames["y"]}
    (right,) = compare({n: f.to_numpy() for n, f in frames.items()}, "cka", groups=of)
    for groups in (pd.Series(of, index=ids), pd.Series(of, index=ids).iloc[rng.permutation(60)]):
        (row,) = compare(turned, "cka", groups=groups)
        assert (row.low, row.high) == pytest.approx((right.low, right.high))
    with pytest.raises(likewise.InputError, match="an index of other items than the ids of x"):
        compare(turned, "cka", groups=pd.Series(of))


def test_an_answer_says_it_among_its_limits(rng) -> None:
    given, _ = topics(rng)
    x, y = given.values()
    versions = {f"step-{s}": x + min(s / 400, 1) * (y - x) for s in (0, 100, 200, 400, 800)}
    assert any("Inputs that follow each other" in limit for limit in likewise.track(versions).limits)
    order = rng.permutation(60)
    shuffled = {name: side[order] for name, side in versions.items()}
    assert not any("Inputs that follow each other" in limit for limit in likewise.track(shuffled).limits)
