"""Every configuration against a slow definition written from the formula (tests/definitions.py)."""

import math

import pytest

from cases import each
from likewise.errors import UndefinedError


@pytest.mark.parametrize("shape", each([(18, 7, 7), (14, 31, 31), (14, 5, 33), (14, 33, 5)]))
def test_value_is_that_of_the_definition(configuration, definition, related, shape):
    x, y = related(*shape)
    expected = definition(configuration)(x, y)
    if math.isnan(expected):
        assert configuration.facts.undefined_if_wide and shape[0] <= max(shape[1:])
        with pytest.raises(UndefinedError):
            configuration(x, y)
    else:
        rounding = configuration.facts.rounding
        assert configuration(x, y) == pytest.approx(expected, abs=rounding, rel=rounding)
