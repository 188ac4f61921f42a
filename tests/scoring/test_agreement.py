"""Whether measures, or data sets, order pairs alike."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from likewise.scoring import Results, between_datasets, between_measures, compare, disagreements
from likewise.scoring.agreement import complete, correlate, mantel


@pytest.fixture(scope="module")
def results():
    """Two data sets, five representations, three configurations of which two are distances."""
    rng = np.random.default_rng(20240807)
    base = {str(i): rng.normal(size=(20, 6)) for i in range(5)}
    found = []
    for dataset, noise in (("one", 0.0), ("two", 0.8)):
        moved = {name: x + noise * rng.normal(size=x.shape) for name, x in base.items()}
        found += compare(moved, ["cka", "procrustes", "rsm_difference"], permutations=0, dataset=dataset)
    return found


def values(results, dataset, measure):
    return [c.value for c in results if (c.dataset, c.measure) == (dataset, measure)]


def test_measures_are_correlated_on_each_data_set_over_all_pairs(results):
    found = between_measures(Results.of(results))
    labels = [("cka", "procrustes"), ("cka", "rsm_difference"), ("procrustes", "rsm_difference")]
    assert [(a.of, a.first, a.second) for a in found] == [(d, *pair) for d in ("one", "two") for pair in labels]
    for a in found:
        u, v = (np.asarray(values(results, a.of, m)) * (1 if m == "cka" else -1) for m in (a.first, a.second))
        assert a.n_pairs == 10
        assert a.spearman == pytest.approx(stats.spearmanr(u, v).statistic)
        assert a.pearson == pytest.approx(stats.pearsonr(u, v).statistic)
        assert a.kendall == pytest.approx(stats.kendalltau(u, v).statistic)
        assert a.n_models == 5 and 1 / 120 <= a.pvalue <= 1


def test_distance_and_similarity_that_agree_correlate_positively(results):
    assert all(a.spearman > 0 for a in between_measures(Results.of(results)) if a.second == "procrustes")


def test_data_sets_are_correlated_for_each_configuration(results):
    found = between_datasets(Results.of(results))
    assert [(a.of, a.first, a.second) for a in found] == [
        (m, "one", "two") for m in ("cka", "procrustes", "rsm_difference")
    ]
    for a in found:
        u, v = values(results, "one", a.of), values(results, "two", a.of)
        assert a.spearman == pytest.approx(stats.spearmanr(u, v).statistic)
        assert a.pearson == pytest.approx(stats.pearsonr(u, v).statistic)


def undefined(row):
    return replace(row, value=None, status="undefined", reason="none")


def test_pairs_without_a_value_on_one_side_are_left_out_on_both(results):
    gone = {("0", "1"), ("2", "4")}
    changed = [undefined(c) if c.measure == "cka" and (c.a, c.b) in gone else c for c in results]
    first = between_measures(Results.of(changed))[0]
    kept = [c for c in results if c.dataset == "one" and (c.a, c.b) not in gone]
    u, v = values(kept, "one", "cka"), values(kept, "one", "procrustes")
    assert (first.second, first.n_pairs) == ("procrustes", 8)
    assert first.spearman == pytest.approx(-stats.spearmanr(u, v).statistic)


def test_order_of_rows_leaves_every_correlation(results):
    there, back = (between_measures(Results.of(r)) for r in (results, results[::-1]))
    numbers = {(a.of, frozenset((a.first, a.second))): a.spearman for a in back}
    for a in there:
        assert a.spearman == pytest.approx(numbers[a.of, frozenset((a.first, a.second))])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c if c.a == "0" and c.b < "3" else undefined(c), "fewer than three pairs in common"),
        (undefined, "fewer than three pairs in common"),
        (lambda c: replace(c, value=0.5), "all scores are equal"),
    ],
)
def test_no_correlation_comes_with_its_reason(results, change, reason):
    changed = [change(c) if c.measure == "cka" else c for c in results]
    for a in between_datasets(Results.of(changed))[:1] + between_measures(Results.of(changed))[:2]:
        assert (a.spearman, a.pearson, a.reason) == (None, None, reason)


def test_both_orders_of_a_pair_count_with_their_mean(unusual, rng):
    results = list(
        compare({str(i): rng.normal(size=(20, 3 + i)) for i in range(5)}, ["cka", "explained"], permutations=0)
    )
    (found,) = between_measures(Results.of(results))
    cka = {(c.a, c.b): c.value for c in results if c.measure == "cka"}
    explained = {(c.a, c.b): c.value for c in results if c.measure == "explained"}
    means = [(explained[a, b] + explained[b, a]) / 2 for a, b in cka]
    assert found.n_pairs == 10
    assert found.pearson == pytest.approx(stats.pearsonr(list(cka.values()), means).statistic)


def test_a_pair_with_a_value_in_one_order_only_is_left_out(unusual, rng):
    results = compare({str(i): rng.normal(size=(20, 3 + i)) for i in range(5)}, ["cka", "explained"], permutations=0)
    changed = [undefined(c) if (c.a, c.b, c.measure) == ("3", "1", "explained") else c for c in results]
    (found,) = between_measures(Results.of(changed))
    assert found.n_pairs == 9


def scores_of(names, rng):
    return {pair: float(rng.normal()) for pair in itertools.combinations(names, 2)}


def test_p_counts_all_relabellings_of_few_models(rng):
    names = "abcde"
    left, right = scores_of(names, rng), scores_of(names, rng)

    def rho(relabelled):
        there = {frozenset(p): v for p, v in right.items()}
        moved = [there[frozenset(relabelled[n] for n in pair)] for pair in left]
        return stats.spearmanr(list(left.values()), moved).statistic

    observed = rho(dict(zip(names, names, strict=True)))
    every = [rho(dict(zip(names, p, strict=True))) for p in itertools.permutations(names)]
    p, why = mantel(left, right, names)
    assert p == pytest.approx(np.mean(np.asarray(every) >= observed - 1e-9))
    assert why == ""
    assert mantel(right, left, names)[0] == pytest.approx(p)


def test_p_is_uniform_where_two_measures_have_nothing_in_common():
    rng = np.random.default_rng(0)
    names = [str(i) for i in range(9)]
    found = [mantel(scores_of(names, rng), scores_of(names, rng), names, rng=i)[0] for i in range(120)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_pairs_that_share_a_model_are_not_taken_for_independent():
    """Scores that are sums of a number of each model agree on pairs far more often than on models."""
    rng = np.random.default_rng(1)
    names = [str(i) for i in range(8)]
    by_pairs, by_models = [], []
    for _ in range(400):
        sides = []
        for _ in "ab":
            of = dict(zip(names, rng.normal(size=8), strict=True))
            sides.append({(a, b): of[a] + of[b] for a, b in itertools.combinations(names, 2)})
        by_pairs.append(stats.spearmanr(*(list(s.values()) for s in sides), alternative="greater").pvalue)
        by_models.append(mantel(*sides, names)[0])
    assert np.mean(np.asarray(by_pairs) < 0.05) > 0.085
    assert np.mean(np.asarray(by_models) < 0.05) < 0.075


def test_p_rests_on_the_models_that_have_all_pairs(rng):
    names = "abcdef"
    left, right = scores_of(names, rng), scores_of(names, rng)
    for pair in (("a", "f"), ("b", "f"), ("c", "f")):
        del right[pair]
    found = correlate("x", "y", "", left, right)
    assert (found.n_pairs, found.n_models, found.reason) == (12, 5, "")
    assert found.pvalue == mantel(left, right, "abcde")[0]
    few = correlate("x", "y", "", *({p: v for p, v in s.items() if set(p) <= set("abc")} for s in (left, right)))
    assert (few.pvalue, few.n_models, few.reason) == (None, 3, "no p: 3 models with all pairs, and four are needed")
    assert complete(list(right)) == list("abcde")


def test_disagreements_name_the_pairs_whose_places_differ_most(results):
    found = disagreements(Results.of(results), "one", "cka", "rsm_difference", count=3)
    u, v = (np.asarray(values(results, "one", m)) for m in ("cka", "rsm_difference"))
    apart = np.abs(stats.rankdata(u) - stats.rankdata(-v)) / 9
    assert [abs(d.first_place - d.second_place) for d in found] == pytest.approx(sorted(apart, reverse=True)[:3])
    names = [(c.a, c.b) for c in results if (c.dataset, c.measure) == ("one", "cka")]
    assert apart[names.index((found[0].a, found[0].b))] == max(apart)


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        ("ac bc", "ac"),  # a and b lack each other: the later one goes
        ("bc ac", "bc"),
        ("ab ac ad bc bd", "abc"),
        ("ab cd", "ab"),
        ("ab bc cd da", "ab"),
        ("ab ac bc cd", "abc"),  # d lacks most, and would go wherever it stood
        ("dc ab ac bc", "cab"),
    ],
)
def test_of_models_that_lack_as_many_pairs_the_later_ones_are_left_out(there, kept):
    assert complete([(pair[0], pair[1]) for pair in there.split()]) == list(kept)
