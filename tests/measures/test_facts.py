"""Every declared fact of every measure and variant, proven; and every check shown to catch a measure that lies."""

import inspect
import pickle
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from numpydoc.validate import validate

import likewise
from cases import each
from configurations import CONFIGURATIONS
from likewise import testing
from likewise.errors import UndefinedError
from likewise.measures import INVARIANCES, REGISTRY, Configuration, Facts
from likewise.quantities import Prepared
from likewise.testing import CHECKS, RECORD_CHECKS, SHAPES, check_measure, draw


@pytest.mark.parametrize("check", each(CHECKS))
def test_facts_hold(check, configuration):
    check(configuration, configuration.facts)


@pytest.mark.parametrize("check", each(RECORD_CHECKS))
def test_record_is_complete(check, measure):
    check(measure)


# Liars: a true measure and one thing wrong. Each check must fail on what it is for.

PROCRUSTES, CKA = Configuration.parse("procrustes"), Configuration.parse("cka")
SIZE, MAGNITUDE = Configuration.parse("procrustes(normalize=False)"), Configuration.parse("magnitude_difference")
PREDICTIVITY, CCA = Configuration.parse("linear_predictivity"), Configuration.parse("mean_cca")

NOISE = Configuration.parse("signal_to_noise")


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


def only_numpy(x: Any, y: Any) -> float:
    return CKA(x, y) + (0 if isinstance(x, np.ndarray) else 1e-6)


def single_precision(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.float32(CKA(x, y))) if x.dtype == np.float32 else CKA(x, y)


def careless(x: np.ndarray, y: np.ndarray) -> float:
    return 0.5


def taken_for_rows(x: Any, y: Any) -> float:
    return CKA(*(side.given if isinstance(side, Prepared) else side for side in (x, y)))


def column_by_column(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.abs(x[:, : y.shape[1]] - y[:, : x.shape[1]]).mean())


def but(configuration: Configuration, **changes: Any) -> Facts:
    return replace(configuration.facts, **changes)


LIARS = {
    "too narrow bounds": ("check_bounds", CKA, but(CKA, bounds=(0.0, 0.5))),
    "bounds for the unit sphere only": ("check_bounds", SIZE, but(SIZE, bounds=(0.0, sqrt(2)))),
    "wrong value at identity": ("check_identity", CKA, but(CKA, identity=2.0)),
    "identity that depends on the data": (
        "check_identity",
        Configuration.parse("procrustes(folds=5)"),
        but(PROCRUSTES, identity=0.0),
    ),
    "identity that does not": ("check_identity", CKA, but(CKA, identity=None)),
    "wrong direction": ("check_identity", CKA, but(CKA, direction="distance")),
    "alike whatever is given": ("check_identity", lambda x, y: 1.0, CKA.facts),
    "a value where equal sides have none": (
        "check_identity",
        CKA,
        but(CKA, identity=None, undefined_if_equal=True),
    ),
    "no value where equal sides have one": ("check_identity", NOISE, but(NOISE, undefined_if_equal=False)),
    "undeclared asymmetry": ("check_symmetry", lambda x, y: CKA(x, y) + x[0, 0], CKA.facts),
    "undeclared symmetry": ("check_symmetry", CKA, but(CKA, symmetric=False)),
    "square of a metric": ("check_metric", lambda x, y: SIZE(x, y) ** 2, SIZE.facts),
    "similarity as a metric": ("check_metric", CKA, but(CKA, metric=True)),
    "false invariance": ("check_invariances", CKA, but(CKA, invariances=frozenset(INVARIANCES))),
    "false invariance to scale": ("check_invariances", SIZE, but(SIZE, invariances=PROCRUSTES.facts.invariances)),
    "false invariance of one side": ("check_invariances", lambda x, y: CKA(x, y) + np.linalg.norm(y), CKA.facts),
    "false invariance of the second side": (
        "check_invariances",
        CKA,
        but(CKA, invariances_of_second=frozenset({"linear"})),
    ),
    "undeclared invariance of the second side": (
        "check_invariances",
        lambda x, y: PREDICTIVITY(x, y),
        but(PREDICTIVITY, invariances=frozenset({"orthogonal", "feature permutation", "translation"})),
    ),
    "undeclared invariance": ("check_invariances", CKA, but(CKA, invariances=frozenset({"orthogonal", "scaling"}))),
    "unknown invariance": ("check_invariances", CKA, but(CKA, invariances=CKA.facts.invariances | {"mood"})),
    "features that are not the same": ("check_features", CKA, but(CKA, same_features=True)),
    "features that are, in silence": ("check_features", column_by_column, CKA.facts),
    "features that are, of any number": ("check_features", column_by_column, but(CKA, same_features=True)),
    "a table taken for rows": ("check_tables", taken_for_rows, CKA.facts),
    "value below the minimum": ("check_minimum", careless, CKA.facts),
    "higher minimum than declared": ("check_minimum", Configuration.parse("jaccard"), but(CKA, minimum_items=3)),
    "a value where none is declared": ("check_wide", CKA, but(CKA, undefined_if_wide=True)),
    "no value where one is declared": ("check_wide", CCA, but(CCA, undefined_if_wide=False)),
    "rows that are not paired": ("check_order", MAGNITUDE, but(MAGNITUDE, paired=True)),
    "rows that are paired": ("check_order", CKA, but(CKA, paired=False)),
    "writes into its input": ("check_inputs_unchanged", overwriting, CKA.facts),
    "closes its input for writing": ("check_inputs_unchanged", closing, CKA.facts),
    "shuffle without effect": ("check_shuffle", deaf_to_order, CKA.facts),
    "another value on another library": ("check_libraries", only_numpy, CKA.facts),
    "an array for a value": ("check_libraries", lambda x, y: np.float64(CKA(x, y)), CKA.facts),
    "arithmetic in single precision": ("check_precision", single_precision, CKA.facts),
    "another after pickling": ("check_pickle", np.zeros(1).any, CKA.facts),
}


@pytest.mark.parametrize("liar", LIARS)
def test_checks_catch_a_liar(liar):
    check, score, facts = LIARS[liar]
    with pytest.raises((AssertionError, UndefinedError)):
        getattr(testing, check)(score, facts)


def test_every_check_has_a_liar_to_catch():
    assert {check for check, _, _ in LIARS.values()} == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"references": ()}, "check_references"),
        ({"references": ("Kornblith 2019",)}, "check_references"),
        ({"variants": ({}, {"k": 3})}, "check_variants"),
        ({"variants": ({}, {"k": 10}, {"center": True}, {"inner": "euclidean"})}, "check_variants"),
        ({"function": lambda x, y: 0.0}, "check_documentation"),
    ],
)
def test_record_checks_catch_a_liar(change, check):
    with pytest.raises(AssertionError):
        getattr(testing, check)(replace(REGISTRY["jaccard"], **change))


def test_all_checks_of_a_measure_run_by_one_call():
    check_measure("rank_similarity")
    with pytest.raises(AssertionError, match=r"cka, check_definition: .* by definition 0\.5"):
        check_measure("cka", definition=lambda x, y, **_: 0.5)


def test_one_call_names_each_configuration_and_check_that_fails(monkeypatch):
    true = REGISTRY["procrustes_angle"]
    monkeypatch.setitem(REGISTRY, true.name, replace(true, facts=lambda: replace(true.facts(), bounds=(0.0, 0.1))))
    with pytest.raises(AssertionError, match=r"^procrustes_angle, check_bounds: .* out of \(0\.0, 0\.1\)$"):
        check_measure(true.function)


# Facts that need no liar: what is compared is an equality.


@pytest.mark.parametrize("dtype", each(["bfloat16", "float32"]))
def test_precision_of_the_input_is_the_only_thing_lost(configuration, dtype):
    shape = testing.shapes(configuration.facts)[2]
    x, y = (torch.asarray(m).to(getattr(torch, dtype)) for m in draw(*shape))
    value = configuration(x, y)
    assert value == configuration(x.double(), y.double())
    jumps = REGISTRY[configuration.measure].family in ("neighbourhood", "topology") or configuration.measure == "cknna"
    if dtype == "float32" and not jumps:
        assert value == pytest.approx(configuration(*draw(*shape)), rel=1e-5, abs=1e-5)


def test_tensor_that_needs_a_gradient_is_only_read(configuration):
    x, y = (torch.asarray(m) for m in draw(*SHAPES[0]))
    value = configuration(x.clone().requires_grad_(), y)
    assert value == configuration(x, y)


@pytest.mark.parametrize("measure", each(REGISTRY.values()))
def test_functions_survive_pickling(measure):
    assert pickle.loads(pickle.dumps(measure.function)) is measure.function


@pytest.mark.parametrize("configuration", each(CONFIGURATIONS))
def test_direction_says_which_side_of_the_bounds_is_identity(configuration):
    facts = configuration.facts
    low, high = facts.bounds
    assert low < high
    if facts.identity is not None and np.isfinite(high):
        assert facts.identity == (high if facts.direction == "similarity" else low)


@pytest.mark.parametrize("configuration", each(CONFIGURATIONS))
def test_regime_and_cost_are_said(configuration):
    assert configuration.facts.regime
    assert "O(" in configuration.facts.cost or configuration.measure in ("rtd",)


# Documentation.

SIGNATURE = ("GL08", "PR01", "PR02", "PR03", "PR10", "SS03", "SS05", "RT01", "YD01")
"""numpydoc's names for: no docstring, missing, unknown, disordered parameters, summary, returns and yields."""


def signature_errors(name: str) -> list[tuple[str, str]]:
    return [(code, text) for code, text in validate(name)["errors"] if code in SIGNATURE]


def public_functions() -> list[str]:
    """Names of the functions that the package offers at its top, and of every measure."""
    offered: list[Callable[..., Any]] = [check_measure]
    offered += [v for v in (getattr(likewise, name) for name in likewise.__all__) if inspect.isfunction(v)]
    offered += [m.function for m in REGISTRY.values()]
    return sorted(f"{f.__module__}.{f.__qualname__}" for f in offered)


@pytest.mark.parametrize("name", each(public_functions()))
def test_docstring_fits_the_signature(name):
    assert signature_errors(name) == []


def test_docstring_check_sees_a_parameter_that_is_not_documented(monkeypatch):
    function = REGISTRY["jaccard"].function
    monkeypatch.setattr(function, "__doc__", function.__doc__.replace("    k : int", "    q : int"))
    codes = {code for code, _ in signature_errors("likewise.measures.neighbourhood.jaccard")}
    assert {"PR01", "PR02"} <= codes
