"""Every declared fact of every measure and variant, proven; and every check shown to catch a measure that lies."""

import inspect
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from math import inf, sqrt
from types import ModuleType
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from numpydoc.validate import validate

import likewise
from likewise.errors import UndefinedError
from likewise.measures import INVARIANCES, REGISTRY, Configuration, Facts
from likewise.prepared import Prepared

Score = Callable[[Any, Any], float]
Draw = Callable[..., tuple[np.ndarray, np.ndarray]]

ROUNDING = 1e-9
NOTICED = 1e-4
SHAPES = ((16, 5, 5), (16, 5, 7), (13, 20, 17))


def draw(n: int, d: int, e: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw two matrices of generic rows, off the origin and partly alike."""
    rng = np.random.default_rng([n, d, e, seed])
    shared = rng.normal(size=(n, 4))
    x, y = (shared @ rng.normal(size=(4, w)) + rng.normal(size=(n, w)) + rng.normal(size=w) for w in (d, e))
    return x, y


def same(a: float, b: float) -> bool:
    return abs(a - b) <= ROUNDING * max(1, abs(a), abs(b))


# The checks: functions of a score and its facts that fail where the facts are not so.


def check_bounds(score: Score, facts: Facts) -> None:
    low, high = facts.bounds
    for shape in SHAPES:
        x, y = draw(*shape)
        for other in (x, -x, y, 1e3 * y, np.tri(*y.shape), x[::-1], np.vander(x[:, 0], 3)):
            value = score(x, other)
            assert low - ROUNDING <= value <= high + ROUNDING, f"{value} is out of {facts.bounds}"


def check_identity(score: Score, facts: Facts) -> None:
    for n, d, e in SHAPES:
        x, y = draw(3 * n, d, e)
        assert same(score(x, x), facts.identity), f"{score(x, x)} and not {facts.identity} for identical sides"
        noisy = x + 0.1 * np.random.default_rng(n).normal(size=x.shape)
        near, far = (facts.more_alike * (score(x, other) - facts.identity) for other in (noisy, y))
        assert far < near < 0, "what is less alike must score on the other side of identity, and farther"


def check_symmetry(score: Score, facts: Facts) -> None:
    equal = [same(score(x, y), score(y, x)) for x, y in (draw(*shape) for shape in SHAPES)]
    assert all(equal) if facts.symmetric else not all(equal), f"symmetric={facts.symmetric}, but found {equal}"


def check_metric(score: Score, facts: Facts) -> None:
    if not facts.metric:
        return
    assert facts.direction == "distance"
    assert facts.identity == 0
    assert facts.symmetric
    for seed in range(10):
        x, y = draw(12, 4, 4, seed)
        z, w = draw(12, 6, 4, seed + 100)
        # Half way is where what is no metric, such as the square of one, breaks the rule.
        for middle in ((x + y) / 2, (2 * x + y) / 3, z, w):
            through = score(x, middle) + score(middle, y)
            assert score(x, y) <= through + ROUNDING, f"{score(x, y)} from x to y, {through} through another"


def transform(name: str, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    d = x.shape[1]
    if name == "feature permutation":
        return x[:, rng.permutation(d)]
    if name == "orthogonal":
        return x @ np.linalg.qr(rng.normal(size=(d, d))).Q
    if name == "scaling":
        return x * 7.3
    if name == "translation":
        return x + 3 * rng.normal(size=d)
    # Of known condition, and far from any rotation.
    u, v = (np.linalg.qr(rng.normal(size=(d, d))).Q for _ in range(2))
    return x @ (u * np.geomspace(1, 30, d)) @ v


def check_invariances(score: Score, facts: Facts) -> None:
    assert facts.invariances <= INVARIANCES.keys()
    for name in INVARIANCES:
        changes = []
        for seed, shape in enumerate(SHAPES):
            x, y = draw(*shape)
            rng = np.random.default_rng(seed)
            for moved in ((transform(name, x, rng), y), (x, transform(name, y, rng))):
                changes.append(abs(score(*moved) - score(x, y)) / max(1, abs(score(x, y))))
        if name in facts.invariances:
            assert max(changes) < ROUNDING, f"declared to ignore {name!r}, but changed by {max(changes)}"
        else:
            assert max(changes) > NOTICED, f"not declared to ignore {name!r}, but changed by {max(changes)} at most"


def check_minimum(score: Score, facts: Facts) -> None:
    x, y = draw(facts.minimum_items, 4, 6)
    assert np.isfinite(score(x, y))
    with pytest.raises(
        UndefinedError, match=f"{facts.minimum_items - 1} items; .* needs at least {facts.minimum_items}"
    ):
        score(x[1:], y[1:])


def check_inputs_unchanged(score: Score, facts: Facts) -> None:
    for shape in SHAPES:
        x, y = draw(*shape)
        before = x.copy(), y.copy()
        score(x, y)
        assert (x == before[0]).all()
        assert (y == before[1]).all()
        assert x.flags.writeable
        assert y.flags.writeable


def check_shuffle(score: Score, facts: Facts) -> None:
    """Check that a view of shuffled rows, which computes nothing again, scores as the shuffled rows themselves do."""
    for shape in SHAPES:
        x, y = draw(*shape)
        order = np.random.default_rng(0).permutation(len(y))
        whole = Prepared(y)
        score(x, whole)  # so that the view finds everything in place
        assert score(x, whole.permuted(order)) == pytest.approx(score(x, y[order]), abs=1e-12, rel=1e-12)


CHECKS = (
    check_bounds,
    check_identity,
    check_symmetry,
    check_metric,
    check_invariances,
    check_minimum,
    check_inputs_unchanged,
    check_shuffle,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
def test_facts_hold(check, configuration):
    check(configuration, configuration.facts)


# Liars: a true measure and one thing wrong. Each check must fail on what it is for.

PROCRUSTES, CKA = Configuration.parse("procrustes"), Configuration.parse("cka")
SIZE = Configuration.parse("procrustes(normalize=False)")


def overwriting(x: np.ndarray, y: np.ndarray) -> float:
    value = CKA(x, y)
    x[0, 0] += 1
    return value


def closing(x: np.ndarray, y: np.ndarray) -> float:
    y.flags.writeable = False
    return CKA(x, y)


def deaf_to_order(x: Any, y: Any) -> float:
    whole = y._whole if isinstance(y, Prepared) and y._whole is not None else y
    return CKA(x, whole)


def careless(x: np.ndarray, y: np.ndarray) -> float:
    return 0.5


def but(configuration: Configuration, **changes: Any) -> Facts:
    return replace(configuration.facts, **changes)


LIARS = {
    "too narrow bounds": (check_bounds, CKA, but(CKA, bounds=(0.0, 0.5))),
    "bounds for the unit sphere only": (check_bounds, SIZE, but(SIZE, bounds=(0.0, sqrt(2)))),
    "wrong value at identity": (check_identity, CKA, but(CKA, identity=2.0)),
    "wrong direction": (check_identity, CKA, but(CKA, direction="distance")),
    "alike whatever is given": (check_identity, lambda x, y: 1.0, CKA.facts),
    "undeclared asymmetry": (check_symmetry, lambda x, y: CKA(x, y) + x[0, 0], CKA.facts),
    "undeclared symmetry": (check_symmetry, CKA, but(CKA, symmetric=False)),
    "square of a metric": (check_metric, lambda x, y: SIZE(x, y) ** 2, SIZE.facts),
    "similarity as a metric": (check_metric, CKA, but(CKA, metric=True)),
    "false invariance": (check_invariances, CKA, but(CKA, invariances=frozenset(INVARIANCES))),
    "false invariance to scale": (
        check_invariances,
        SIZE,
        but(SIZE, invariances=PROCRUSTES.facts.invariances),
    ),
    "false invariance of one side": (
        check_invariances,
        lambda x, y: CKA(x, y) + np.linalg.norm(y),
        CKA.facts,
    ),
    "undeclared invariance": (check_invariances, CKA, but(CKA, invariances=frozenset({"orthogonal", "scaling"}))),
    "unknown invariance": (check_invariances, CKA, but(CKA, invariances=CKA.facts.invariances | {"mood"})),
    "value below the minimum": (check_minimum, careless, CKA.facts),
    "higher minimum than declared": (check_minimum, Configuration.parse("jaccard"), but(CKA, minimum_items=3)),
    "writes into its input": (check_inputs_unchanged, overwriting, CKA.facts),
    "closes its input for writing": (check_inputs_unchanged, closing, CKA.facts),
    "shuffle without effect": (check_shuffle, deaf_to_order, CKA.facts),
}


@pytest.mark.parametrize("liar", LIARS)
def test_checks_catch_a_liar(liar):
    check, score, facts = LIARS[liar]
    with pytest.raises((AssertionError, UndefinedError, pytest.fail.Exception)):
        check(score, facts)


def test_every_check_has_a_liar_to_catch():
    assert {check for check, _, _ in LIARS.values()} == set(CHECKS)


# Facts that need no liar: what is compared is an equality.


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_value_is_the_same_in_every_array_library(configuration, library: ModuleType, shape):
    x, y = draw(*shape)
    value = configuration(library.asarray(x), library.asarray(y))
    assert type(value) is float
    assert value == pytest.approx(configuration(x, y), abs=1e-10, rel=1e-10)


@pytest.mark.parametrize("library", [array_api_strict, torch], ids=lambda m: m.__name__)
def test_shuffled_view_follows_the_rows_in_every_array_library(configuration, library):
    x, y = draw(*SHAPES[1])
    order = np.random.default_rng(3).permutation(len(y))
    view = Prepared(library.asarray(y)).permuted(order)
    assert configuration(library.asarray(x), view) == pytest.approx(configuration(x, y[order]), abs=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_precision_of_the_input_is_the_only_thing_lost(configuration, dtype):
    """The arithmetic is float64 whatever comes in: the value is that of the same numbers in float64."""
    x, y = (torch.asarray(m).to(getattr(torch, dtype)) for m in draw(*SHAPES[2]))
    value = configuration(x, y)
    assert value == configuration(x.double(), y.double())
    if dtype == "float32" and configuration.measure != "jaccard":
        assert value == pytest.approx(configuration(*draw(*SHAPES[2])), rel=1e-5, abs=1e-6)


def test_whole_numbers_count_as_real_ones(configuration):
    x, y = ((100 * m).astype(np.int64) for m in draw(*SHAPES[0]))
    assert configuration(x, y) == configuration(x.astype(np.float64), y.astype(np.float64))


def test_tensor_that_needs_a_gradient_is_only_read(configuration):
    x, y = (torch.asarray(m) for m in draw(*SHAPES[0]))
    value = configuration(x.clone().requires_grad_(), y)
    assert value == configuration(x, y)


def test_functions_and_configurations_survive_pickling(configuration):
    function = REGISTRY[configuration.measure].function
    assert pickle.loads(pickle.dumps(function)) is function
    assert pickle.loads(pickle.dumps(configuration)) == configuration


def test_direction_says_which_side_of_the_bounds_is_identity(configuration):
    facts = configuration.facts
    best = facts.bounds[1] if facts.direction == "similarity" else facts.bounds[0]
    assert facts.identity == best
    assert facts.bounds[0] < facts.bounds[1] <= inf


def test_no_two_variants_of_a_measure_are_one_configuration(measure):
    labels = [Configuration(measure.name, v).label for v in measure.variants]
    assert len(set(labels)) == len(labels)
    assert labels[0] == measure.name


def test_every_value_of_a_choice_is_tested_as_a_variant(measure):
    """A parameter that changes the facts must not go unproven: each is varied by at least one variant."""
    varied = {name for variant in measure.variants for name in variant}
    single = {n for n, p in inspect.signature(measure.function).parameters.items() if n == "outer"}  # one value only
    assert varied | single == set(measure.defaults)


def test_record_cites_dois(measure):
    assert measure.references
    assert all(re.fullmatch(r"10\.\d{4,}/\S+", r) for r in measure.references)


# Documentation.

SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")
SIGNATURE = ("GL08", "PR01", "PR02", "PR03", "PR10", "SS03", "SS05", "RT01", "YD01")
"""numpydoc's names for: no docstring, missing, unknown, disordered parameters, summary, returns and yields."""


@pytest.mark.parametrize("section", SECTIONS)
def test_measure_documents(section, measure):
    assert re.search(rf"^ *{section}\n *-+$", measure.function.__doc__, flags=re.MULTILINE)


def signature_errors(name: str) -> list[tuple[str, str]]:
    return [(code, text) for code, text in validate(name)["errors"] if code in SIGNATURE]


def public_functions() -> list[str]:
    """Names of the functions that the package offers at its top, and of every measure."""
    offered = {
        f"{value.__module__}.{value.__qualname__}"
        for value in (getattr(likewise, name) for name in getattr(likewise, "__all__", ()))
        if inspect.isfunction(value)
    }
    return sorted(offered | {f"{m.function.__module__}.{m.name}" for m in REGISTRY.values()})


@pytest.mark.parametrize("name", public_functions())
def test_docstring_fits_the_signature(name):
    assert signature_errors(name) == []


def test_docstring_check_sees_a_parameter_that_is_not_documented(monkeypatch):
    function = REGISTRY["jaccard"].function
    monkeypatch.setattr(function, "__doc__", function.__doc__.replace("    k : int", "    q : int"))
    codes = {code for code, _ in signature_errors("likewise.measures.neighbourhood.jaccard")}
    assert {"PR01", "PR02"} <= codes
