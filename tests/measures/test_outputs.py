"""Measures of log-probabilities: facts, definitions, golden values, hard inputs, llama.cpp's figures, chance."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax
from scipy.stats import entropy

from likewise.errors import InputError, UndefinedError
from likewise.measures import REGISTRY, Configuration, configurations, contributions, footprint, get
from likewise.quantities import Prepared
from likewise.representation import Representation
from likewise.scoring import compare
from likewise.testing import CHECKS, check_definition, draw

OUTPUTS = [Configuration(m.name, v) for m in REGISTRY.values() if m.family == "outputs" for v in m.variants]
each = pytest.mark.parametrize("c", OUTPUTS, ids=lambda c: c.label)


def sides(n: int = 20, d: int = 9, seed: int = 0, size: float = 1.0) -> list[np.ndarray]:
    return [log_softmax(size * m, axis=1) for m in draw(n, d, d, seed)]


def tops(row: np.ndarray) -> set[int]:
    return {j for j, value in enumerate(row) if value == max(row)}


def by_row(one: Callable[..., float]) -> Callable[..., float]:
    return lambda x, y, **given: math.fsum(one(a, b, **given) for a, b in zip(x, y, strict=True)) / len(x)


DEFINITIONS = {
    "kl_divergence": by_row(lambda a, b: entropy(np.exp(a), np.exp(b))),
    "jensen_shannon": by_row(lambda a, b, root: jensenshannon(np.exp(a), np.exp(b)) ** (1 if root else 2)),
    "total_variation": by_row(lambda a, b: sum(max(0.0, q - p) for p, q in zip(np.exp(a), np.exp(b), strict=True))),
    "equal_top": by_row(lambda a, b: len(tops(a) & tops(b)) / len(tops(a) | tops(b))),
}


@each
@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_facts_hold(check: Callable[..., None], c: Configuration) -> None:
    check(c, c.facts)


@each
def test_value_is_that_of_the_definition(c: Configuration) -> None:
    check_definition(c, DEFINITIONS[c.measure])
    for size in (1e-3, 30.0):
        x, y = sides(size=size)
        assert c(x, y) == pytest.approx(DEFINITIONS[c.measure](x, y, **c.parameters), abs=1e-9, rel=1e-9)


def test_golden_values_of_two_coins() -> None:
    """By hand: p = (1/2, 1/2), q = (1/4, 3/4), and the same turned about; then one row that is equal."""
    p, q = np.log([[0.5, 0.5], [0.5, 0.5]]), np.log([[0.25, 0.75], [0.5, 0.5]])
    kl = (0.5 * math.log(2) + 0.5 * math.log(2 / 3)) / 2
    back = (0.25 * math.log(0.5) + 0.75 * math.log(1.5)) / 2
    m = 0.375, 0.625
    js = 0.25 * sum(s * math.log(s / n) for pair in ((0.5, 0.5), (0.25, 0.75)) for s, n in zip(pair, m, strict=True))
    assert get("kl_divergence")(p, q) == pytest.approx(kl, rel=1e-14)
    assert get("kl_divergence")(q, p) == pytest.approx(back, rel=1e-14)
    assert get("jensen_shannon")(p, q) == pytest.approx(js, rel=1e-14)
    assert get("jensen_shannon(root=True)")(p, q) == pytest.approx(math.sqrt(2 * js) / 2, rel=1e-14)
    assert get("total_variation")(p, q) == pytest.approx(0.125, rel=1e-14)
    assert get("equal_top")(p, q) == 0.75  # one of two that tie, then both


def test_figures_are_those_of_llama_cpp() -> None:
    """Its program kl-divergence (tools/perplexity), by the formulas of its code and page, written out."""
    base, copy = sides(40, 30, seed=3)
    kld, same_top, change = [], 0, []
    for row_base, row_copy in zip(base, copy, strict=True):
        # log_softmax(..., kld): for each token, sum += exp(p_log_base) * (p_log_base - (logits - log_sum_exp))
        total = 0.0
        for p_log_base, log_probability in zip(row_base, row_copy, strict=True):
            total += math.exp(p_log_base) * (p_log_base - log_probability)
        kld.append(total)
        # imax == imax_base, each the first of the largest
        same_top += int(np.argmax(row_base)) == int(np.argmax(row_copy))
        # p_diff = exp(log p of the right token, copy) - exp(the same, base)
        change.append(math.exp(row_copy[7]) - math.exp(row_base[7]))
    assert get("kl_divergence")(base, copy) == pytest.approx(sum(kld) / 40, rel=1e-12)
    assert contributions(Configuration.parse("kl_divergence"), base, copy) == pytest.approx(kld, rel=1e-9)
    assert get("equal_top")(base, copy) == same_top / 40


@each
@pytest.mark.parametrize("library", [np.asarray, torch.asarray])
def test_each_input_adds_its_own_number_and_left_out_scores_are_exact(c: Configuration, library: Callable) -> None:
    x, y = (library(m) for m in sides())
    added = np.asarray(contributions(c, x, y))
    one_by_one = [c(x[i : i + 1], y[i : i + 1]) for i in range(20)]
    assert added == pytest.approx(one_by_one, abs=1e-15) and np.mean(added) == pytest.approx(c(x, y), abs=1e-15)
    a, b = (Prepared(m, kind="log_probabilities") for m in (x, y))
    without = [c(*(np.delete(np.asarray(m), i, axis=0) for m in (x, y))) for i in range(20)]
    assert c.without_each(a, b) == pytest.approx(without, abs=1e-14)
    assert c.without_each(a.take(np.asarray([0])), b.take(np.asarray([0]))) is None


@each
def test_blocks_of_rows_change_nothing(c: Configuration, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sides()
    whole = c(x, y)
    monkeypatch.setattr("likewise.measures.outputs.ENTRIES", 27)
    assert c(x, y) == whole


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9])
def test_small_divergences_keep_their_digits(noise: float) -> None:
    """To second order both are a variance of the difference of the log-probabilities, over 2 and over 8."""
    x, _ = sides(50, 200)
    moved = noise * np.random.default_rng(1).normal(size=x.shape)
    y = log_softmax(x + moved, axis=1)
    p, t = np.exp(x), y - x
    variance = float(((p * t**2).sum(axis=1) - (p * t).sum(axis=1) ** 2).mean())
    assert get("kl_divergence")(x, y) == pytest.approx(variance / 2, rel=max(1e-5, 3 * noise))
    assert get("jensen_shannon")(x, y) == pytest.approx(variance / 8, rel=max(1e-5, 3 * noise))


def near_one_token(d: int, depth: float) -> np.ndarray:
    return np.tile(log_softmax(np.where(np.arange(d) == 0, 0.0, -depth)), (12, 1))


@each
@pytest.mark.parametrize("depth", [0.0, 1e-8, 40.0, 700.0, 1e4])
def test_sure_and_flat_rows_have_their_value(c: Configuration, depth: float) -> None:
    x, flat, other = near_one_token(8, depth), near_one_token(8, 0.0), near_one_token(8, depth)[:, ::-1]
    identity = c.facts.identity
    assert c(x, x.copy()) == identity
    low, high = c.facts.bounds
    for a, b in ((x, flat), (flat, x), (x, other), (other, x)):
        assert low - 1e-15 <= c(a, b) <= high + 1e-15
    if depth == 1e4:  # nothing in common
        far = {"kl_divergence": 1e4, "jensen_shannon": high, "total_variation": 1.0, "equal_top": 0.0}
        assert c(x, other) == pytest.approx(far[c.measure], rel=1e-12)


@each
def test_rows_of_single_and_half_precision_sum_to_one_again(c: Configuration) -> None:
    """Rounded rows do not sum to one; a divergence of such sums would be below 0."""
    x, y = sides(30, 60, seed=5)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        a, b = (torch.asarray(m).to(dtype) for m in (x, y))
        exact = [log_softmax(m.double().numpy(), axis=1) for m in (a, b)]
        if c.measure == "equal_top":  # ties are those of the numbers that come in
            exact = [m.double().numpy() for m in (a, b)] if dtype is torch.float32 else [a, b]
        assert c(a, b) == pytest.approx(c(*exact), abs=1e-14)
        assert c(a, a.clone()) == c.facts.identity


@each
def test_other_kinds_are_refused_in_words(c: Configuration) -> None:
    x, y = sides()
    states = Representation(x, name="a model", kind="states"), Representation(y, name="b", kind="log_probabilities")
    said = (
        rf"a model holds states: a row of features for each item; {c.measure} expects log-probabilities: a row of log-p"
    )
    with pytest.raises(UndefinedError, match=said):
        c(*states)
    (row, *_) = compare(*states, measures=c)
    assert row.value is None and row.reason.startswith("a model holds states")
    table = Prepared(np.zeros((20, 20)), "t", "distances")
    with pytest.raises(UndefinedError, match="t holds distances: a square table"):
        c(table, table)
    with pytest.raises(InputError, match="x is given as log-probabilities, but"):
        c(*draw(20, 9, 9))
    with pytest.raises(UndefinedError, match="x has 9 features and y has 8"):
        c(x, sides(20, 8)[0])


def test_calibrated_equal_tops_are_cohens_kappa() -> None:
    """Chance by all shuffles is that of two raters who keep how often they say what."""
    x, y = sides(6, 3, seed=2)
    a, b = x.argmax(axis=1), y.argmax(axis=1)
    by_chance = sum(np.mean(a == j) * np.mean(b == j) for j in range(3))
    kappa = (np.mean(a == b) - by_chance) / (1 - by_chance)
    sides_ = [Representation(m, name=n, kind="log_probabilities") for n, m in (("x", x), ("y", y))]
    (row,) = compare(*sides_, measures="equal_top", permutations=720, groups=0, chance="shuffles")
    assert row.n_permutations == 719 and row.calibrated == pytest.approx(kappa, abs=0.01)


def test_presets_and_memory_know_them() -> None:
    assert [c.measure for c in configurations("outputs")] == list(DEFINITIONS)
    assert not {c.measure for c in configurations("all")} & DEFINITIONS.keys()
    n, d = 300, 50_000
    # Rows in both precisions, the normalised ones, and those of one shuffle.
    assert footprint(configurations("outputs"), n, d) >= (12 + 8 + 8) * n * d
    assert footprint(configurations(["cka", "kl_divergence"]), n, d) >= footprint(configurations("cka"), n, d)
