"""Rows in runs, as tokens of one text or questions on one topic come: said where no groups are named."""

import numpy as np
import pytest

from likewise import Representation, compare
from likewise.chance import Reason, Reasons
from likewise.quantities import Prepared
from likewise.scoring.order import follow_alike


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


LAWS = ("normal", "clusters", "offset", "heavy", "direction", "few")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [20, 60, 500, 3000])
def test_rows_in_any_order_do_not_follow_alike(law, n) -> None:
    assert not any(follow_alike(Prepared(rows(law, n, np.random.default_rng([seed, n])))) for seed in range(40))


@pytest.mark.parametrize("noise", [0.3, 1.0])
@pytest.mark.parametrize("size", [4, 10])
@pytest.mark.parametrize("n", [100, 600, 5000])
def test_rows_of_one_group_after_the_other_follow_alike(n, size, noise, rng) -> None:
    groups = rng.normal(size=(n // size, 12))[np.arange(n) // size]
    made = groups + noise * rng.normal(size=(n, 12)) - 7
    assert follow_alike(Prepared(made)) and not follow_alike(Prepared(made[rng.permutation(n)]))
    assert follow_alike(Prepared(1e305 * made)) and follow_alike(Prepared(1e-305 * made))
    assert follow_alike(Prepared(made, many=True))


def test_what_has_no_order_or_says_nothing() -> None:
    drift = np.cumsum(np.random.default_rng(0).normal(size=(60, 5)), axis=0)
    distances = np.linalg.norm(drift[:, None] - drift[None], axis=2)
    assert follow_alike(Prepared(drift))
    assert not follow_alike(Prepared(drift[:19])) and not follow_alike(Prepared(np.ones((50, 3))))
    assert not follow_alike(Prepared(distances, kind="distances", metric="euclidean"))


def test_a_score_says_so_where_no_groups_are_named(rng) -> None:
    topics = np.repeat(np.arange(12), 5)
    common = rng.normal(size=(12, 6))[topics] + 0.3 * rng.normal(size=(60, 6))
    x, y = (common + 0.3 * rng.normal(size=(60, 6)) for _ in "xy")

    def said(**given) -> set[bool]:
        return {Reasons(row.reason).has(Reason.IN_RUNS) for row in compare({"x": x, "y": y}, "cka", **given)}

    assert said() == said(groups=0) == said(permutations=0) == {True}
    assert said(permutations=0, groups=0) == {False}  # there is nothing that it would make wrong
    named = [
        Representation(side, name=name, groups=topics.astype(str).tolist())
        for name, side in zip("xy", (x, y), strict=True)
    ]
    assert not any(Reasons(row.reason).has(Reason.IN_RUNS) for row in compare(named, "cka"))
