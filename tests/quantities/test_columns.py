"""Columns of unit length, whatever the size of their numbers."""

import numpy as np
import pytest

from likewise.measures import Configuration
from likewise.quantities import Prepared, UnitColumns

X, Y = np.random.default_rng(6).normal(size=(2, 20, 4))
SIZES = np.asarray([1.0, 1e-120, 1e-170, 1e-250])  # the squares of the last two are zero


@pytest.mark.parametrize("center", [False, True])
def test_columns_are_of_unit_length_where_squares_of_their_numbers_are_lost(center: bool) -> None:
    expected = X - X.mean(axis=0) if center else X
    expected = expected / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(Prepared(X * SIZES)[UnitColumns(center)], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("measure", ["hard_correlation_match", "soft_correlation_match"])
def test_measures_of_unit_columns_ignore_their_sizes(measure: str) -> None:
    c = Configuration.parse(measure)
    assert c(X * SIZES, Y) == pytest.approx(c(X, Y), rel=1e-10)
