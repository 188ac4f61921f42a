"""Every configuration as a parameter, with its slow definition."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from cases import Cases
from configurations import CONFIGURATIONS
from definitions import DEFINITIONS, Slow
from likewise.measures import REGISTRY, Configuration

Pair = tuple[np.ndarray, np.ndarray]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a ``configuration`` or a ``measure`` on every one in the registry, by measure."""
    given = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    if "configuration" in metafunc.fixturenames and "configuration" not in given:
        of_measure = [Cases(g) for _, g in itertools.groupby(CONFIGURATIONS, key=lambda c: c.measure)]
        metafunc.parametrize("configuration", of_measure, ids=[cases[0].measure for cases in of_measure])
    if "measure" in metafunc.fixturenames and "measure" not in given:
        metafunc.parametrize("measure", list(REGISTRY.values()), ids=lambda m: m.name)


@pytest.fixture
def related(related: Callable[..., Pair], request: pytest.FixtureRequest) -> Callable[..., Pair]:
    """Draw two matrices as everywhere; of one width for a measure that compares each feature with itself."""
    asked = request.getfixturevalue("configuration") if "configuration" in request.fixturenames else ()
    if not any(c.facts.same_features for c in asked):
        return related
    return lambda n, d, e, seed=0: related(n, d, d, seed)


@pytest.fixture
def definition() -> Callable[[Configuration], Slow]:
    """Give the slow definition of a configuration; NaN where the formula divides zero by zero."""

    def of(configuration: Configuration) -> Slow:
        def slow(x: np.ndarray, y: np.ndarray) -> float:
            with np.errstate(all="ignore"):
                values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
                try:
                    return float(DEFINITIONS[configuration.measure](*values, **configuration.parameters))
                except ZeroDivisionError:
                    return math.nan

        return slow

    return of
