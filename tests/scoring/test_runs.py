"""Intervals where rows come in runs: stretches of inputs are left out, in any company, for every kind of measure."""

import numpy as np
import pytest

from likewise import Representation, compare
from likewise.inference import left_out
from likewise.measures import Configuration
from likewise.quantities import BLOCK, Prepared
from likewise.scoring import Results, interval
from likewise.scoring.leaving_out import STRETCHES, of_parts, stretch_of, stretches_of

pytestmark = pytest.mark.filterwarnings("ignore::likewise.chance.RowsInRuns")  # that is what it is about

EXACT, ANEW = ("cka", "rsa", "linear_predictivity", "magnitude_difference"), ("pwcca", "second_order_cosine", "imd")


def topics(rng: np.random.Generator, count: int = 6, each: int = 10) -> dict[str, np.ndarray]:
    """Inputs of one topic after those of another; both sides see what they share, as a map of their own."""
    maps = np.random.default_rng(0)
    shared = np.repeat(rng.normal(size=(count, 6)), each, axis=0) + 0.3 * rng.normal(size=(count * each, 6))
    return {
        name: np.tanh(shared @ maps.normal(size=(6, 8))) + 0.5 * rng.normal(size=(len(shared), 8)) + 0.3
        for name in "xy"
    }


def ends(results: Results) -> list[tuple[float | None, float | None]]:
    return [(row.low, row.high) for row in results]


@pytest.mark.parametrize("label", [*EXACT, *ANEW])
def test_intervals_are_those_of_scores_without_each_stretch(label, rng) -> None:
    """Computed anew where the score without each input is not known; else put together, which is nearly the same."""
    given, c, of = topics(rng), Configuration.parse(label), stretch_of(60, 6)
    found = compare(given, c, permutations=0)

    def of_definition(value: float, scores: list[float]) -> tuple[float, float]:
        without = np.asarray(scores)[:, None]
        low, high = interval(np.asarray([value]), without, c.facts.bounds, np.full(6, 10), folded=bool(c.difference))
        return low[0], high[0]

    for row, each in zip(found, found.replicates("without_input"), strict=True):
        both = [given[name] for name in (row.a, row.b)]
        score = c.difference.along(*map(Prepared, both)) if c.difference else c
        low, high = of_definition(row.value, [score(*(Prepared(m[of != g]) for m in both)) for g in range(6)])
        near = 0.35 * (high - low) if label in EXACT else 1e-9
        assert (row.low, row.high) == (pytest.approx(low, abs=near), pytest.approx(high, abs=near))
        if each is not None:
            low, high = of_definition(
                row.value, [row.value + 59 / 50 * (each - row.value)[of == g].sum() for g in range(6)]
            )
            assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("measure", ["cka", "jaccard(k=5)", "procrustes"])
def test_intervals_hold_the_expected_score_without_groups(measure, rng) -> None:
    """Nominal 95 %; over single inputs it is about 75 %, as in random order."""
    order = rng.permutation(60)
    draws = [topics(rng) for _ in range(40)]
    rows = [next(iter(compare(given, measure, permutations=0))) for given in draws]
    expected = np.mean([row.value for row in rows])
    assert np.mean([row.low <= expected <= row.high for row in rows]) >= 0.87
    mixed = [
        next(iter(compare({k: m[order] for k, m in given.items()}, measure, permutations=0))) for given in draws[:8]
    ]
    lengths = [np.mean([row.high - row.low for row in of]) for of in (rows, mixed)]
    assert lengths[0] > 1.2 * lengths[1]


def test_an_interval_is_the_same_in_any_company(rng) -> None:
    """Runs are told from the rows of a pair alone: of one side, of both, of none; by input, and by group."""
    order, given = rng.permutation(60), topics(rng)
    given |= {"long": topics(rng, 3, 20)["x"], "mixed": given["x"][order], "other": given["y"][order]}
    asked = ["cka", "pwcca", "jaccard(k=5)", "imd"]
    together = compare(given, asked, permutations=0)
    named = {(row.a, row.b, row.measure): (row.low, row.high) for row in together}
    for a, b in (("x", "y"), ("x", "mixed"), ("y", "long"), ("mixed", "other")):
        for row in compare({a: given[a], b: given[b]}, asked, permutations=0):
            assert (row.low, row.high) == named[row.a, row.b, row.measure]


def test_groups_that_are_named_are_what_is_left_out(rng) -> None:
    given, of = topics(rng), np.repeat(np.arange(6), 10).astype(str)
    bare = compare(given, "cka", permutations=0)
    grouped = compare(given, "cka", permutations=0, groups=of)
    assert ends(grouped) != ends(bare)
    sides = [Representation(m, name=name, groups=of.tolist()) for name, m in given.items()]
    assert ends(compare(sides, "cka", permutations=0)) == ends(grouped)
    assert ends(compare(given, ["cka", "pwcca"], permutations=0, groups=0)) == [(None, None)] * 3
    apart = compare(given, ["cka", "pwcca"], permutations=0, groups=np.arange(60))  # said to be independent
    assert apart.replicates("without_stretch") == [None] * 3 and ends(apart)[0] != ends(bare)[0]


def test_what_is_kept_of_a_score_is_still_without_each_input_or_random_group(rng) -> None:
    given, order = topics(rng), np.arange(60)
    kept = compare(given, ["cka", "imd"], permutations=0)
    assert [len(left) for left in kept.replicates("without")] == [60, 20]
    random = np.random.default_rng(0).permutation(order) % 20
    c = Configuration("cka", {})
    assert kept.replicates("without_input")[0][3] == pytest.approx(c(*(m[order != 3] for m in given.values())))
    assert len(set(random)) == 20 and kept.replicates("without_group")[1] is not None
    assert [len(left) for left in kept.replicates("without_stretch")] == [6, 6]
    mixed = {name: rng.permutation(m) for name, m in given.items()}
    assert compare(mixed, ["cka", "imd"], permutations=0).replicates("without_stretch") == [None, None]


def test_tests_of_scores_leave_out_what_their_intervals_do(rng) -> None:
    """Of pairs with runs of different lengths, or with none, the longest; of measures of any kind."""
    given = topics(rng, 40, 3)
    order = rng.permutation(120)
    given |= {"long": topics(rng, 6, 20)["x"], "mixed": given["x"][order], "other": given["y"][order]}
    results = compare(given, ["cka", "imd"], permutations=0)
    place = {(row.a, row.b, row.measure): k for k, row in enumerate(results)}
    short, long, imd = place["x", "y", "cka"], place["x", "long", "cka"], place["x", "y", "imd"]
    none = place["mixed", "other", "cka"]
    asked = (
        [short],
        [long],
        [short, long],
        [short, imd],
        [imd],
        [none],
        [none, imd],
        [none, place["x", "long", "imd"]],
    )
    assert [len(left_out(results, rows)[0].values) for rows in asked] == [12, 6, 6, 12, 12, 120, 12, 6]
    for k in (short, long):
        row, (score,) = results[k], left_out(results, [k])
        low, high = interval(np.asarray([score.value]), score.values[:, None], (0.0, 1.0))
        assert (row.low, row.high) == (pytest.approx(low[0]), pytest.approx(high[0]))
    # Of one measure on all pairs: those of which random groups alone are known are not set beside stretches.
    assert len(left_out(results, [imd, place["mixed", "other", "imd"]])[0].values) == 20


@pytest.mark.parametrize(("size", "groups", "stretched"), [(40, 20, False), (40, 25, True), (700, 20, True)])
def test_blocks_of_very_many_rows_do_where_they_are_long_enough(rng, size, groups, stretched) -> None:
    """There are none of so many groups; and some are shorter than two runs."""
    n = 20 * BLOCK
    shared = rng.normal(size=(n // size + 1, 3))[np.arange(n) // size]
    given = {name: shared + rng.normal(size=(n, 3)) for name in "xy"}
    (row,) = results = compare(given, "svcca(k=2)", permutations=0, groups=groups)
    (found,) = results.replicates("without_stretch")
    assert (found is not None) is stretched
    if stretched:
        few = compare(given, "svcca(k=2)", permutations=0, groups=groups, dataset="again")[0]
        assert (few.low, few.high) == (row.low, row.high) and len(found) == (24 if size == 40 else 12)


@pytest.mark.parametrize("run", [2, 5, 10, 100])
@pytest.mark.parametrize("n", [20, 61, 600])
def test_stretches_are_of_nearly_one_size_and_two_runs_long_if_they_can_be(n, run) -> None:
    count = stretches_of(n, run)
    sizes = np.bincount(stretch_of(n, count))
    assert count in STRETCHES and sizes.max() - sizes.min() <= 1 and (np.diff(stretch_of(n, count)) >= 0).all()
    assert count == 6 or sizes.min() >= 2 * run


def test_stretches_of_two_sizes_count_by_their_size(rng) -> None:
    """In the table, and where scores are tested."""
    given = topics(rng, 7, 5)
    (row,) = results = compare(given, "rsa", permutations=0)
    (each,) = results.replicates("without_input")
    parts, sizes = of_parts(row.value, each, stretch_of(35, 6))
    assert set(sizes.tolist()) == {5, 6}
    low, high = interval(np.asarray([row.value]), parts[:, None], (-1.0, 1.0), sizes)
    assert (row.low, row.high) == (pytest.approx(low[0]), pytest.approx(high[0]))
    (score,) = left_out(results, [0])
    assert score.sizes.tolist() == sizes.tolist() and score.values == pytest.approx(parts)


def test_progress_counts_what_is_scored_without_stretches(rng) -> None:
    heard: list[tuple[int, int]] = []
    compare(topics(rng), ["pwcca", "cka", "jaccard(k=5)"], permutations=0, watch=lambda _, *of: heard.append(of))
    done, total = heard[-1]
    assert done == total and all(d <= t for d, t in heard) and len({d for d, _ in heard}) > 20
    assert [d for d, _ in heard[:-1]] == list(range(len(heard) - 1)) and len(heard) == total + 1
