"""Pairs of representations, each score with its chance level, as a table."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest
import torch

from likewise.chance import NO_CHANCE, Null, draw_shuffles, judge
from likewise.errors import InputError, UndefinedError
from likewise.measures import REGISTRY, Configuration, configurations, measure, record
from likewise.representation import Representation
from likewise.scoring import SCHEMA, Comparison, Results
from likewise.scoring import compare as compare_all
from likewise.scoring.block import names_of_shuffles


def compare(*args, null="shuffles", groups=0, **kwargs):
    """Shuffles alone, unless a test is about the rest."""
    return compare_all(*args, null=null, groups=groups, **kwargs)


def plain(comparison):
    """The numbers of a row, equal but for rounding where a product of matrices made them."""
    return {k: pytest.approx(v, abs=1e-12) if isinstance(v, float) else v for k, v in asdict(comparison).items()}


def draw(named, count, seed):
    """The shuffles that `compare` makes of a mapping of representations."""
    of = {i: Representation(x, name=name) for i, (name, x) in enumerate(named.items())}
    return draw_shuffles(len(of[0].matrix), count, seed, names_of_shuffles(of))


def shuffled_scores(c, named, count, seed):
    """The definition: the rows of both, each by permutations of its own."""
    drawn = draw(named, count, seed)
    x, y = named.values()
    return [c(x[mine], y[theirs]) for mine, theirs in zip(drawn.orders(0), drawn.orders(1), strict=True)]


MEASURES = ["cka", "procrustes", "jaccard(k=3)"]
UNREPEATABLE = {"seconds": 0.0}


@pytest.fixture
def four(rng):
    return {name: rng.normal(size=(24, d)) for name, d in zip("abcd", (5, 30, 8, 8), strict=True)}


def rows(results):
    return {(c.a, c.b, c.measure, c.parameters): replace(c, **UNREPEATABLE) for c in results}


def test_one_row_per_pair_and_configuration(four):
    results = compare(four, "paper", permutations=2, dataset="inputs")
    assert len(results) == 6 * 10
    assert len(rows(results)) == 60
    assert {(c.a, c.b) for c in results} == {("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")}
    assert {c.dataset for c in results} == {"inputs"}
    assert {c.n_items for c in results} == {24}
    assert {c.n_permutations for c in results} == {2}


def test_columns_are_the_fields_of_a_comparison(four):
    table = compare(four, "cka", permutations=2).table
    assert table.column_names == [f.name for f in fields(Comparison)] == SCHEMA.names


def test_every_column_is_what_its_name_says(four):
    (c,) = compare({"a": four["a"], "b": four["b"]}, "procrustes(center=False)", permutations=6, rng=5)
    p = Configuration.parse("procrustes(center=False)")
    value = np.asarray([c.value])
    null = np.asarray(shuffled_scores(p, {"a": four["a"], "b": four["b"]}, 6, 5))[:, None]
    chance = judge(value, Null.of_shuffles(value, null, p.facts), p.facts, np.asarray([p.facts.identity]))
    assert (c.measure, c.parameters) == ("procrustes", '{"center":false,"folds":0,"normalize":true}')
    assert (c.direction, c.status, c.reason, c.seed, c.measure_version) == ("distance", "ok", "", 5, p.about.version)
    assert c.value == p(four["a"], four["b"])
    found = (c.null_mean, c.null_std, c.z, c.pvalue, c.calibrated)
    expected = np.concatenate([chance.mean, chance.std, chance.z, chance.pvalue, chance.calibrated])
    assert found == pytest.approx(tuple(expected), rel=1e-9)
    assert (c.null, c.low, c.high) == ("shuffles", None, None)
    assert c.pvalue_holm == c.pvalue_bh == c.pvalue
    assert c.seconds > 0


@pytest.mark.parametrize("measure", MEASURES)
def test_shuffled_scores_of_every_family_are_those_of_shuffled_rows(four, measure):
    c = Configuration.parse(measure)
    (found,) = compare({"a": four["a"], "b": four["b"]}, c, permutations=5, rng=1)
    null = shuffled_scores(c, {"a": four["a"], "b": four["b"]}, 5, 1)
    assert found.null_mean == pytest.approx(np.mean(null), abs=1e-12)
    assert found.null_std == pytest.approx(np.std(null, ddof=1), abs=1e-12)


def test_no_permutations_leave_the_value_and_no_chance(four):
    for c in compare(four, MEASURES, permutations=0):
        assert c.value is not None
        assert (c.null_mean, c.null_std, c.z, c.pvalue, c.calibrated, c.n_permutations) == (None,) * 5 + (0,)
        assert (c.status, c.reason) == ("ok", "")


def test_numbers_of_a_pair_do_not_depend_on_its_company(four):
    measures = [*MEASURES, "linear_predictivity(folds=4, ridge=0.1)", "procrustes(folds=4)"]
    everything = rows(compare(four, measures, permutations=4))
    for pair in (("a", "b"), ("b", "d")):
        alone = rows(compare({name: four[name] for name in pair}, measures[::-1], permutations=4))
        for key, row in alone.items():
            assert asdict(row) == plain(replace(everything[key], pvalue_holm=row.pvalue_holm, pvalue_bh=row.pvalue_bh))
    moved = rows(compare({name: four[name] for name in "cabd"}, measures, permutations=4))
    kept = {key: row for key, row in moved.items() if key in everything}
    assert len(kept) == 4 * (len(measures) - 1) + 12  # of the measure with both orders all are there
    for key, row in kept.items():
        assert asdict(row) == plain(replace(everything[key], pvalue_holm=row.pvalue_holm, pvalue_bh=row.pvalue_bh))


def test_value_does_not_depend_on_which_of_a_pair_comes_first(four):
    there = compare(four, "paper", permutations=0)
    back = rows(compare(dict(reversed(four.items())), "paper", permutations=0))
    for c in there:
        assert c.value == pytest.approx(back[c.b, c.a, c.measure, c.parameters].value, abs=1e-12)


def test_same_seed_gives_the_same_table_and_a_generator_no_seed(four):
    once, again = (rows(compare(four, "cka", permutations=4, rng=9)) for _ in range(2))
    drawn, redrawn = (rows(compare(four, "cka", permutations=4, rng=np.random.default_rng(9))) for _ in range(2))
    assert once == again
    assert drawn == redrawn
    assert {row.seed for row in drawn.values()} == {None}


def test_independent_representations_are_at_chance_in_every_configuration(rng):
    independent = {str(i): rng.normal(size=(30, 20 + 5 * i)) + 0.5 for i in range(6)}
    results = list(compare(independent, "paper", permutations=20))
    for configuration in configurations("paper"):
        found = [c for c in results if Configuration.from_json(c.measure, c.parameters) == configuration]
        assert len(found) == 15
        assert abs(np.mean([c.calibrated for c in found])) < 0.06
        assert abs(np.mean([c.z for c in found])) < 1.2
        assert np.mean([c.pvalue < 0.05 for c in found]) < 0.3


def test_shuffled_copy_is_at_chance_and_ordered_copy_is_not(four):
    x = four["a"]
    shuffled = x[np.random.default_rng(1).permutation(24)]
    for c in compare({"x": x, "shuffled": shuffled, "copy": 2 * x}, MEASURES, permutations=40):
        if (c.a, c.b) == ("x", "copy"):
            assert c.calibrated == pytest.approx(1, abs=1e-9)
            assert c.pvalue == pytest.approx(1 / 41)
        else:
            assert abs(c.calibrated) < 0.3
            assert c.pvalue > 0.02
            assert abs(c.z) < 4


def test_undefined_rows_keep_their_place_status_and_reason(four):
    four["b"][3] = 0
    results = rows(compare(four, ["cka", "jaccard(k=3)", "jaccard(k=24)"], permutations=2))
    assert len(results) == 18
    for (a, b, name, parameters), c in results.items():
        few = '"k":24' in parameters
        if name == "jaccard" and (few or "b" in (a, b)):
            assert c.status == "undefined"
            assert ("24 items; jaccard needs at least 26" if few else "row 3 of b is zero") in c.reason
            assert (c.value, c.null_mean, c.z, c.pvalue, c.calibrated, c.n_permutations) == (None,) * 5 + (0,)
        else:
            assert (c.status, c.reason, c.n_permutations) == ("ok", "", 2)


def test_score_stays_where_a_shuffle_has_none():
    calls = []

    @measure(title="Fragile", facts=lambda: record("cka").facts(**record("cka").defaults), references=())
    def fragile(x, y):
        calls.append(y)
        if len(calls) == 3:
            raise UndefinedError("no value here")
        return 0.5

    try:
        (c,) = compare({"a": np.eye(4), "b": np.eye(4)}, fragile.measure_name, permutations=4)
    finally:
        del REGISTRY[fragile.measure_name]
    assert (c.status, c.value, c.pvalue, c.calibrated, c.n_permutations) == ("ok", 0.5, None, None, 0)
    assert c.reason == "no chance level: undefined after a shuffle: no value here"


def test_chance_that_cannot_be_told_from_identity_is_a_reason_beside_the_value():
    equally_far_apart = np.eye(3)
    (c,) = compare({"x": equally_far_apart, "y": equally_far_apart}, "cka", permutations=5)
    assert (c.status, c.value) == ("ok", pytest.approx(1))
    assert (c.z, c.calibrated) == (None, None)
    assert c.reason == (
        "no z: the shuffled scores do not vary; not calibrated: shuffled rows score as identical ones do"
    )


def test_what_is_zero_for_any_data_is_told_from_chance_by_no_rounding():
    rng = np.random.default_rng(0)
    (c,) = compare({"x": rng.normal(size=(13, 20)), "y": rng.normal(size=(13, 17))}, "gulp(lam=0, squared=True)")
    assert (c.value, c.null_mean, c.null_std, c.pvalue) == pytest.approx((0, 0, 0, 1), abs=1e-20)
    assert c.reason == (
        "no z: the shuffled scores do not vary; not calibrated: shuffled rows score as identical ones do"
    )


def test_mapping_names_representations_and_keeps_keys():
    a, b = (Representation(np.eye(4) * s, ids="wxyz", name="old", key=key) for s, key in ((1, "k1"), (2, "k2")))
    (c,) = compare({"a": a, "b": b}, "cka", permutations=0)
    assert (c.a, c.b, c.a_key, c.b_key) == ("a", "b", "k1", "k2")


def test_sequence_keeps_the_names_of_its_representations():
    (c,) = compare([Representation(np.eye(4), name=n) for n in ("first", "second")], "cka", permutations=0)
    assert (c.a, c.b) == ("first", "second")


def test_tensors_give_the_numbers_of_arrays(four):
    arrays = compare(four, MEASURES, permutations=3)
    tensors = rows(compare({n: torch.asarray(x) for n, x in four.items()}, MEASURES, permutations=3))
    for key, c in rows(arrays).items():
        assert tensors[key].value == pytest.approx(c.value, abs=1e-10)
        assert tensors[key].null_mean == pytest.approx(c.null_mean, abs=1e-10)


def bad(value):
    x = np.ones((4, 2))
    x[2, 1] = value
    return x


@pytest.mark.parametrize(
    ("representations", "message"),
    [
        ({"a": np.ones((4, 2)), "b": np.ones((5, 2))}, r"4 rows \(a\) against 5 rows \(b\)"),
        (
            {
                "a": Representation(np.ones((2, 2)), ids=["0", "1"]),
                "b": Representation(np.ones((2, 2)), ids=["0", "x"]),
            },
            "1 ids are missing in a, such as 'x'",
        ),
        ({"a": np.ones((4, 2)), "b": bad(np.nan)}, "b holds nan in row 2, column 1"),
        ({"a": bad(np.inf), "b": np.ones((4, 2))}, "a holds inf in row 2, column 1"),
        ([Representation(np.eye(2), name="twin")] * 2, "two representations are called 'twin'"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(representations, message):
    with pytest.raises(InputError, match=message):
        compare(representations, "cka")


def test_negative_number_of_permutations_is_refused(four):
    with pytest.raises(InputError, match="permutations=-1; expected a whole number, 0 or more"):
        compare(four, "cka", permutations=-1)


def test_row_refuses_a_value_that_is_not_finite(four):
    (c,) = compare({"a": four["a"], "b": four["b"]}, "cka", permutations=2)
    with pytest.raises(ArithmeticError, match="z of cka for a and b is nan; a row holds a finite value or none"):
        replace(c, z=float("nan"))


def test_results_round_trip_through_their_table_and_pandas(four):
    results = compare(four, MEASURES, permutations=2)
    again = Results.of(results)
    assert list(again) == list(results)
    assert again.table.to_pylist() == results.table.to_pylist()
    assert repr(again).startswith(f"Results of {len(results)} comparisons\n")
    assert results.to_pandas()["value"].tolist() == [c.value for c in results]


def test_rows_without_ids_are_taken_in_the_order_of_the_other():
    x = np.random.default_rng(0).normal(size=(6, 3))
    (c,) = compare({"plain": x, "named": Representation(2 * x, ids="abcdef")}, "cka", permutations=2)
    assert c.value == pytest.approx(1)


@pytest.mark.parametrize("scale", [1e200, 1e-310])
def test_numbers_too_large_or_small_are_undefined_and_cost_no_other_pair(scale):
    rng = np.random.default_rng(0)
    x, y, z = (rng.normal(size=(20, 4)) for _ in range(3))
    with np.errstate(all="ignore"):
        rows = list(compare({"x": x, "y": y, "far": z * scale}, "procrustes", permutations=2))
    assert [r.status for r in rows] == ["ok", "undefined", "undefined"]
    assert "squares of such numbers are lost" in rows[1].reason


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "0 representations"),
        ({"a": np.eye(3)}, "1 representation; need at least two"),
    ],
)
def test_too_little_to_compare_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        compare(given, "cka")


def test_the_memory_of_a_pair_is_let_go_with_the_next():
    from likewise.measures import get
    from likewise.quantities import Prepared

    x, *others = (Prepared(np.random.default_rng(i).normal(size=(9, 4))) for i in range(4))
    for other in others:
        get("procrustes")(x, other)
    assert len(x._joint) == 1


def test_where_the_order_counts_a_pair_has_a_row_for_either(unusual, four):
    x, y = four["a"], four["b"]
    named = {n: Representation(m, name=n, key=f"key of {n}") for n, m in (("x", x), ("y", y))}
    first, there, back, last = compare(named, ["cka", "explained", "procrustes"], permutations=4, rng=2)
    assert [c.measure for c in (first, there, back, last)] == ["cka", "explained", "explained", "procrustes"]
    assert [(c.a, c.b) for c in (first, there, back, last)] == [("x", "y"), ("x", "y"), ("y", "x"), ("x", "y")]
    assert (there.a_key, there.b_key, back.a_key, back.b_key) == ("key of x", "key of y", "key of y", "key of x")
    explained = Configuration.parse("explained")
    assert there.value == explained(x, y) != back.value == explained(y, x)
    drawn = draw_shuffles(24, 4, 2, {0: "key of x", 1: "key of y"})
    assert there.null_mean == pytest.approx(np.mean([explained(x[s.beside(0, 1)], y) for s in drawn]))
    assert back.null_mean == pytest.approx(np.mean([explained(y[s.beside(1, 0)], x) for s in drawn]))
    assert {c.n_permutations for c in (there, back)} == {4}


def test_one_order_may_be_undefined_and_the_other_not(unusual, four):
    constant = {"flat": np.ones((24, 3)), "b": four["b"]}
    with np.errstate(all="ignore"):
        there, back = compare(constant, "explained", permutations=2)
    assert (there.a, there.status, there.value, there.n_permutations) == ("flat", "ok", pytest.approx(0), 2)
    assert (back.a, back.status, back.value, back.n_permutations) == ("b", "undefined", None, 0)


@pytest.mark.parametrize("measure", ["inner", "ridge"])
def test_without_a_fixed_identity_one_is_the_mean_of_both_self_scores(unusual, four, measure):
    c = Configuration.parse(measure)
    x, y = four["a"], four["c"]
    for row in compare({"x": x, "y": y}, measure, permutations=6):
        expected = (row.value - row.null_mean) / (np.mean([c(x, x), c(y, y)]) - row.null_mean)
        assert row.calibrated == pytest.approx(expected)
        assert row.reason == ""


def test_self_scores_are_computed_once_and_only_beside_shuffles(unusual, four, monkeypatch):
    record = REGISTRY["inner"]
    selfs = []

    def watched(x, y):
        if x is y:
            selfs.append(x.name)
        return record.function(x, y)

    monkeypatch.setitem(REGISTRY, "inner", replace(record, function=watched))
    compare(four, "inner", permutations=0)
    assert selfs == []
    compare(four, "inner", permutations=3)
    assert sorted(selfs) == list("abcd")


def test_an_undefined_self_score_is_the_reason_beside_the_value(unusual, four):
    rows = list(compare({"thin": four["a"][:, :1], "wide": four["c"]}, "ridge", permutations=5))
    assert len(rows) == 2
    for c in rows:
        assert (c.status, c.calibrated, c.n_permutations) == ("ok", None, 5)
        assert c.value is not None and c.z is not None and c.pvalue is not None
        assert c.reason == "not calibrated: a representation and itself: thin has one feature"


def test_rows_without_partners_have_no_chance_level(unusual, four):
    kept, alone = compare({n: four[n] for n in "ab"}, ["cka", "norm_gap"], permutations=3)
    assert kept.n_permutations == 3
    assert alone.value == Configuration.parse("norm_gap")(four["a"], four["b"])
    assert (alone.status, alone.reason, alone.n_permutations) == ("ok", NO_CHANCE, 0)
    assert (alone.null_mean, alone.null_std, alone.z, alone.pvalue, alone.calibrated) == (None,) * 5
    (unasked,) = compare({n: four[n] for n in "ab"}, "norm_gap", permutations=0)
    assert (unasked.status, unasked.reason) == ("ok", "")
