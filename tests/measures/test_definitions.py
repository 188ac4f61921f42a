"""Every configuration against a slow definition written from the formula (tests/definitions.py)."""

import math

import pytest

from likewise.errors import UndefinedError


@pytest.mark.parametrize(
    ("n", "d", "e"), [(30, 7, 7), (14, 31, 31), (20, 5, 33), (20, 33, 5)], ids=["n>d", "n<d", "d<n<e", "e<n<d"]
)
def test_value_is_that_of_the_definition(configuration, definition, related, n, d, e):
    x, y = related(n, d, e)
    expected = definition(configuration)(x, y)
    if math.isnan(expected):
        assert configuration.facts.undefined_if_wide and n <= max(d, e)
        with pytest.raises(UndefinedError):
            configuration(x, y)
    else:
        rounding = configuration.facts.rounding
        assert configuration(x, y) == pytest.approx(expected, abs=rounding, rel=rounding)
