"""Accuracy, change of the right answer and CAPA: by hand, against lm-sim, with intervals that hold."""

import math

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import binomtest

from likewise.about import Source
from likewise.errors import InputError, UndefinedError
from likewise.inference import accuracy, capa, change_of_right, difference
from likewise.inference.answers import wilson
from likewise.representation import Representation

IDS = [f"q{i}" for i in range(40)]
RIGHT = [str(1 + i % 4) for i in range(40)]


def made(seed: int, n: int = 40, k: int = 4, name: str = "m", groups: list[str] | None = None) -> Representation:
    rows = log_softmax(np.random.default_rng(seed).normal(size=(n, k)), axis=1)
    labels = tuple(str(1 + i) for i in range(k))
    source = Source(choices=labels, right=tuple(labels[i % k] for i in range(n)))
    return Representation(rows, IDS[:n], name, kind="log_probabilities", source=source, groups=groups or [])


def test_accuracy_is_a_share_with_wilsons_interval() -> None:
    r = made(0)
    hits = sum(int(row.argmax()) == i % 4 for i, row in enumerate(r.matrix))
    found = accuracy(r)
    expected = binomtest(hits, 40).proportion_ci(method="wilson")
    assert (found.value, found.n) == (hits / 40, 40)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert accuracy(r, RIGHT).value == found.value


@pytest.mark.parametrize("n", [1, 7, 300])
def test_wilson_is_that_of_scipy(n: int) -> None:
    for count in {0, 1, n // 2, n}:
        expected = binomtest(count, n).proportion_ci(method="wilson")
        assert wilson(count, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_choices_that_tie_share_what_is_right() -> None:
    rows = np.log([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3] * 3])
    found = accuracy(Representation(rows, name="t", kind="log_probabilities"), ["1", "1", "3"])
    assert found.value == pytest.approx((0.5 + 0 + 1 / 3) / 3) and found.left_out is None


def test_groups_widen_an_interval() -> None:
    together = [str(i // 5) for i in range(40)]
    rows = np.repeat(made(1, 8).matrix, 5, axis=0)
    right = [str(1 + i // 5 % 4) for i in range(40)]
    alone = accuracy(Representation(rows, IDS, kind="log_probabilities"), right)
    grouped = accuracy(Representation(rows, IDS, kind="log_probabilities", groups=together), right)
    assert grouped.value == alone.value and grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_change_of_the_right_answer_is_that_of_llama_cpp() -> None:
    base, copy = made(0), made(2)
    each = [
        math.exp(q[i % 4]) - math.exp(p[i % 4]) for i, (p, q) in enumerate(zip(base.matrix, copy.matrix, strict=True))
    ]
    found = change_of_right(base, copy)
    assert found.each == pytest.approx(each) and found.value == pytest.approx(sum(each) / 40)
    assert found.rms == pytest.approx(math.sqrt(sum(d * d for d in each) / 40))
    assert found.low < found.value < found.high
    assert change_of_right(base, base).value == change_of_right(base, base).rms == 0


def by_hand(p: np.ndarray, q: np.ndarray, right: list[int]) -> float:
    """As the paper writes it, one input and choice at a time."""
    n, k = p.shape
    observed = sum(p[i, j] * q[i, j] for i in range(n) for j in range(k)) / n
    a, b = (sum(m[i, right[i]] for i in range(n)) / n for m in (p, q))
    expected = a * b + (1 - a) * (1 - b) * sum(1 / (k - 1) for _ in range(n)) / n
    return (observed - expected) / (1 - expected)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_capa_is_its_formula_and_without_each_input_too(k: int) -> None:
    x, y = made(0, 20, k), made(3, 20, k)
    right = [i % k for i in range(20)]
    p, q = np.exp(x.matrix), np.exp(y.matrix)
    found = capa(x, y)
    assert found.value == pytest.approx(by_hand(p, q, right), abs=1e-14)
    without = [
        by_hand(*(np.delete(m, i, 0) for m in (p, q)), [r for j, r in enumerate(right) if j != i]) for i in range(20)
    ]
    assert found.left_out is not None and found.left_out.values == pytest.approx(without, abs=1e-13)
    assert found.low < found.value < found.high
    assert capa(y, x).value == pytest.approx(found.value, abs=1e-14)


def test_capa_is_that_of_lm_sim() -> None:
    lmsim = pytest.importorskip("lmsim.metrics")
    for seed in range(5):
        x, y = made(seed), made(seed + 50)
        p, q = ([row / row.sum() for row in np.exp(m.matrix)] for m in (x, y))
        expected = lmsim.CAPA(prob=True).compute_k(p, q, [i % 4 for i in range(40)])
        assert capa(x, y).value == pytest.approx(expected, abs=1e-12)


def test_sure_models_that_err_alike_have_one_and_those_that_are_right_none() -> None:
    sure = log_softmax(50 * np.eye(4)[[(i + (i % 3 == 0)) % 4 for i in range(40)]], axis=1)
    x = made(0).changed(matrix=sure)
    assert capa(x, x).value == pytest.approx(1, abs=1e-9)
    right = made(0).changed(matrix=log_softmax(50 * np.eye(4)[[i % 4 for i in range(40)]], axis=1))
    with pytest.raises(UndefinedError, match="sure of the right choice each time"):
        capa(right, right)


def test_accuracies_of_two_models_are_told_apart_by_their_difference() -> None:
    a, b = accuracy(made(0)), accuracy(made(1))
    assert a.left_out is not None and b.left_out is not None
    found = difference(a.left_out, b.left_out)
    assert found.low <= a.value - b.value <= found.high


def test_what_is_no_answer_is_refused() -> None:
    states = Representation(np.eye(5), name="s")
    with pytest.raises(InputError, match="s holds states; expected log-probabilities over choices"):
        accuracy(states)
    bare = Representation(made(0).matrix, name="bare", kind="log_probabilities")
    with pytest.raises(InputError, match="which choice is right is not known of bare"):
        accuracy(bare)
    with pytest.raises(InputError, match="3 right choices for 40 inputs"):
        accuracy(bare, ["1"] * 3)
    with pytest.raises(InputError, match="'7' is no choice of bare; expected one of 1, 2, 3, 4"):
        accuracy(bare, ["7"] * 40)
    with pytest.raises(InputError, match="are of other choices"):
        capa(made(0), made(0, k=3))
    with pytest.raises(InputError, match="expected 5 or more for an interval"):
        capa(made(0, 4), made(1, 4))
