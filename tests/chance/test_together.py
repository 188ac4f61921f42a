"""Inputs that belong together: whole groups are left out, and exchanged for groups of their size."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.chance import Together
from likewise.chance.together import MOST
from likewise.errors import InputError
from likewise.representation import Representation
from likewise.scoring import best_layers, compare, learning_curve

LABELS = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=14)


@given(LABELS, st.integers(0, 30), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_shuffles_exchange_whole_groups_of_one_size(labels, count, seed):
    together = Together.of_labels(labels)
    if together is None:
        assert len(set(labels)) == len(labels)
        return
    drawn = together.draw(count, seed)
    assert len(drawn) == min(count, together.relabellings - 1)
    for order in drawn:
        assert sorted(order.tolist()) == list(range(len(labels)))
        moved = np.asarray(labels)[order]
        for label in set(labels):
            place = [i for i, other in enumerate(labels) if other == label]
            # One group has come whole, with its inputs in their order.
            assert len(set(moved[place])) == 1
            assert (np.diff(order[place]) > 0).all()


def test_all_exchanges_are_taken_where_they_are_few():
    together = Together.of_labels("aabbccd")
    assert together.relabellings == 6
    drawn = {tuple(order) for order in together.draw(5, 0).tolist()}
    pairs = [(0, 1), (2, 3), (4, 5)]
    expected = {(*a, *b, *c, 6) for a, b, c in itertools.permutations(pairs)} - {tuple(range(7))}
    assert drawn == expected


def test_groups_of_one_input_each_are_none():
    assert Together.of_labels("abc") is None
    rng = np.random.default_rng(0)
    pair = {"x": rng.normal(size=(20, 3)), "y": rng.normal(size=(20, 3))}
    plain = compare(pair, ["cka", "aligned_cosine"], permutations=9)
    alone = compare(pair, ["cka", "aligned_cosine"], permutations=9, groups=[str(i) for i in range(20)])
    drop = "seconds"
    assert plain.table.drop_columns(drop) == alone.table.drop_columns(drop)


@given(LABELS)
@settings(max_examples=100, deadline=None)
def test_each_group_is_left_out_once(labels):
    together = Together.of_labels(labels)
    if together is None:
        return
    kept, sizes = together.left_out(20, 0)
    gone = [sorted(set(range(len(labels))) - set(items.tolist())) for items in kept]
    assert sorted(itertools.chain(*gone)) == list(range(len(labels)))
    assert [len(items) for items in gone] == sizes.tolist()
    assert all(len({labels[i] for i in items}) == 1 for items in gone)


def test_many_groups_are_left_out_together_and_stay_whole():
    labels = np.repeat(np.arange(MOST + 30), 3).astype(str)
    kept, sizes = Together.of_labels(labels).left_out(20, 0)
    assert len(kept) == 20 and (sizes % 3 == 0).all() and sizes.sum() == len(labels)


def topics(rng, count=20, each=8, d=6):
    """Two sides that share what topics have and what inputs have, as the benchmark draws them."""
    topic = np.repeat(np.arange(count), each)
    common = np.sqrt(0.6) * rng.normal(size=(count, d))[topic] + np.sqrt(0.4) * rng.normal(size=(len(topic), d))
    sides = []
    for name in ("x", "y"):
        maps = np.random.default_rng(len(sides)).normal(size=(d, d))
        own = rng.normal(size=(count, d))[topic] + rng.normal(size=(len(topic), d))
        sides.append(Representation(common @ maps + own, name=name, groups=topic.astype(str).tolist()))
    return sides


@pytest.mark.filterwarnings("ignore::likewise.chance.RowsInRuns")  # that is what it is about
def test_intervals_by_topic_hold_the_expected_score():
    """Nominal 95 %; by inputs it is about 75 %, where nothing tells of topics: rows are in random order."""
    rng = np.random.default_rng(3)
    draws = [topics(rng) for _ in range(100)]
    rows = [next(iter(compare(pair, "cka", null="none"))) for pair in draws]
    some = draws[:30]
    order = rng.permutation(160)
    mixed = [{r.name: r.matrix[order] for r in pair} for pair in some]
    by_inputs = [next(iter(compare(pair, "cka", null="none"))) for pair in mixed]
    expected = np.mean([r.value for r in rows])
    held = np.mean([r.low <= expected <= r.high for r in rows])
    assert 0.90 <= held <= 0.99
    assert np.mean([r.low <= expected <= r.high for r in by_inputs]) < 0.88


@pytest.mark.filterwarnings("ignore::likewise.chance.RowsInRuns")  # that is what it is about
def test_pvalues_of_topics_that_have_nothing_in_common_are_uniform():
    """Of inputs taken to be independent nearly half would lie below 0.05."""
    rng = np.random.default_rng(4)
    p, naive = [], []
    for _ in range(100):
        pair = {}
        for name in ("x", "y"):
            rows = np.repeat(rng.normal(size=(8, 3)), 5, 0) + 0.3 * rng.normal(size=(40, 3))
            pair[name] = rows
        groups = np.repeat(np.arange(8), 5).astype(str).tolist()
        p += [r.pvalue for r in compare(pair, "cka", permutations=19, groups=groups)]
        naive += [r.pvalue for r in compare(pair, "cka", permutations=19)]
    assert np.mean(np.asarray(p) <= 0.1) == pytest.approx(0.1, abs=0.09)
    assert np.mean(np.asarray(naive) <= 0.1) > 0.3


def test_what_cannot_be_said_of_groups_is_a_reason():
    rng = np.random.default_rng(0)
    pair = {"x": rng.normal(size=(9, 3)), "y": rng.normal(size=(9, 3))}
    (row,) = compare(pair, "cka", groups=["a", "b", "b", "c", "c", "c", "c", "c", "c"])
    assert (row.low, row.null_mean, row.null) == (None, None, "none")
    assert "no interval: 3 groups of inputs; expected 5 or more" in row.reason
    assert "no two groups of inputs have the same size" in row.reason


@pytest.mark.parametrize(
    ("sizes", "have"),
    [
        ([7] * 8, True),
        ([5, 5, 7, 7, 9, 9, 11], False),
        ([3, 3, 4, 5, 7, 8], False),
        ([4, 4], True),
        ([2] * 9 + [3], True),
    ],
)
def test_where_many_inputs_stay_in_place_there_is_no_chance_level(sizes, have):
    """Of an exchange that leaves most of them, the score is nearly the score itself."""
    of = np.repeat(np.arange(len(sizes)), sizes)
    together = Together(of)
    drawn = together.draw(2000, 0)
    assert together.staying == pytest.approx((drawn == np.arange(len(of))).mean(), abs=0.02)
    rng = np.random.default_rng(1)
    x = np.repeat(rng.normal(size=(len(sizes), 3)), sizes, 0) + 0.3 * rng.normal(size=(len(of), 3))
    (row,) = compare({"x": x, "y": x + 0.3 * rng.normal(size=x.shape)}, "cka", groups=of.astype(str).tolist())
    assert (row.null_mean is not None) is have is together.have_chance and row.value is not None
    assert ("too few groups of inputs have the same size" in row.reason) is not have
    assert not have or len(sizes) == 2 or row.null_mean < 0.6 * row.value


def test_a_learning_curve_draws_whole_groups():
    rng = np.random.default_rng(2)
    of = np.repeat(np.arange(12), 4).astype(str).tolist()
    x = np.repeat(rng.normal(size=(12, 3)), 4, 0) + 0.3 * rng.normal(size=(48, 3))
    sides = [Representation(m, name=n, groups=of) for n, m in (("x", x), ("y", x + rng.normal(size=x.shape)))]
    points = learning_curve(sides, "cka", sizes=[10, 11, 24])
    assert [(p.n_items, p.draws) for p in points] == [(8, 5), (12, 5), (24, 5), (48, 1)]
    assert all(p.null_mean is not None for p in points)


def test_representations_must_agree_on_groups():
    x = np.random.default_rng(0).normal(size=(6, 2))
    one, same = Representation(x, name="one", groups="aabbcc"), Representation(x, name="same", groups="ppqqrr")
    plain, other = Representation(x, name="plain"), Representation(x, name="other", groups="aaabbb")
    single = Representation(x, name="single", groups="abcdef")
    assert len(compare([one, same], "cka", permutations=2)) == len(compare([plain, single], "cka", permutations=2)) == 1
    for models in ([one, same, other], [one, same, plain], [plain, one], [single, one]):
        with pytest.raises(InputError) as said:
            compare(models, "cka")
        assert str(said.value).count("\n") == 0 and all(r.name in str(said.value) for r in models if r != same)
    with pytest.raises(InputError, match="expected one group for each row"):
        Representation(x, groups="ab")
    assert one.without(["0"]).groups == tuple("abbcc")
    assert one.changed(name="new").groups == one.groups


def test_layers_and_learning_curves_respect_groups():
    rng = np.random.default_rng(0)
    groups = [str(i // 4) for i in range(40)]
    four = [Representation(rng.normal(size=(40, 3)), name=name, groups=groups) for name in ("a", "b", "c", "d")]
    together = Together.of_labels(groups)
    (best,) = best_layers({"one": four[:2], "two": four[2:]}, "cka", permutations=30)
    assert best.pvalue >= 1 / 31
    points = learning_curve(four[:2], "cka", sizes=[20, 40], draws=2, permutations=5)
    assert [p.n_items for p in points] == [20, 40]
    part = together.among(np.asarray([0, 1, 2, 4, 8, 9]))
    assert part.sizes.tolist() == [3, 1, 2] and part.relabellings == 1


@pytest.mark.parametrize("groups", [-1])
def test_groups_that_are_none_are_refused(groups):
    x = np.random.default_rng(0).normal(size=(6, 2))
    with pytest.raises(InputError, match="groups="):
        compare({"x": x, "y": x}, "cka", groups=groups)
    labels = np.asarray(["p", "p", "q", "q", "r", "r"])
    assert len(compare({"x": x, "y": x}, "cka", groups=labels, permutations=2)) == 1
