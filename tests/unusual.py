"""Small measures of the kinds that need care: the order of the two counts, or the rows' does not, or no fixed identity.

They are registered for one test at a time. Processes cannot see them: such a test works in its own.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import pytest

F = TypeVar("F", bound=Callable[..., Any])

UNUSUAL = ("explained", "ridge", "inner", "norm_gap")


@pytest.fixture
def unusual() -> Iterator[tuple[str, ...]]:
    """Register the measures, return their names, and forget them again."""
    before = register()
    yield UNUSUAL
    forget(before)


def within_likewise(function: F) -> F:
    """Let a function pass for one of likewise's own, which is known by its name alone."""
    function.__module__ = "likewise.measures.unusual"
    return function


def register() -> dict[str, object]:
    """Register the measures and return what was registered before."""
    from likewise.errors import UndefinedError
    from likewise.measures import REGISTRY, Facts, measure
    from likewise.quantities import Prepared

    before: dict[str, object] = dict(REGISTRY)

    def fit(x: Prepared, y: Prepared, strength: float) -> float:
        a, b = (np.asarray(side.matrix) - np.asarray(side.matrix).mean(axis=0) for side in (x, y))
        weights = np.linalg.solve(a.T @ a + strength * np.eye(a.shape[1]), a.T @ b)
        return float(1 - ((b - a @ weights) ** 2).sum() / (b**2).sum())

    @measure(
        title="Explained share",
        references=(),
        facts=lambda: Facts(
            direction="similarity",
            bounds=(0.0, 1.0),
            identity=1.0,
            invariances=frozenset({"orthogonal", "scaling", "translation", "feature permutation"}),
            regime="any",
            cost="O(n^2 d)",
            symmetric=False,
        ),
    )
    @within_likewise
    def explained(x: Prepared, y: Prepared) -> float:
        """Share of the variance of the second that a linear map of the first explains."""
        return fit(x, y, 1e-9)

    @measure(
        title="Ridge",
        references=(),
        facts=lambda strength: Facts(
            direction="similarity",
            bounds=(-math.inf, 1.0),
            identity=None,
            invariances=frozenset({"orthogonal", "translation", "feature permutation"}),
            regime="any",
            cost="O(n^2 d)",
            symmetric=False,
        ),
    )
    @within_likewise
    def ridge(x: Prepared, y: Prepared, *, strength: float = 5.0) -> float:
        """Share of the variance of the second that a short linear map of the first explains."""
        if x.d + y.d < 3:
            raise UndefinedError(f"{x.name} has one feature")
        return fit(x, y, strength)

    @measure(
        title="Inner product of similarities",
        references=(),
        facts=lambda: Facts(
            direction="similarity",
            bounds=(0.0, math.inf),
            identity=None,
            invariances=frozenset({"orthogonal", "translation", "feature permutation"}),
            regime="any",
            cost="O(n^2 d)",
        ),
    )
    @within_likewise
    def inner(x: Prepared, y: Prepared) -> float:
        """Squared norm of the cross-covariance."""
        a, b = (np.asarray(side.matrix) - np.asarray(side.matrix).mean(axis=0) for side in (x, y))
        return float(((a.T @ b) ** 2).sum())

    @measure(
        title="Difference of norms",
        references=(),
        facts=lambda: Facts(
            direction="distance",
            bounds=(0.0, math.inf),
            identity=0.0,
            invariances=frozenset({"orthogonal", "feature permutation"}),
            regime="any",
            cost="O(n^2 d)",
            paired=False,
        ),
    )
    @within_likewise
    def norm_gap(x: Prepared, y: Prepared) -> float:
        """Difference of the mean norms of rows."""
        first, second = (float(np.linalg.norm(np.asarray(side.matrix), axis=1).mean()) for side in (x, y))
        return abs(first - second)

    return before


def forget(before: dict[str, object]) -> None:
    """Leave registered what was so before."""
    from likewise.measures import REGISTRY

    REGISTRY.clear()
    REGISTRY.update(before)  # type: ignore[arg-type]
