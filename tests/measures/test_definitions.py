"""Every configuration against a slow definition written from the formula (conftest.py)."""

import pytest


@pytest.mark.parametrize(
    ("n", "d", "e"), [(30, 7, 7), (14, 31, 31), (20, 5, 33), (20, 33, 5)], ids=["n>d", "n<d", "d<n<e", "e<n<d"]
)
def test_value_is_that_of_the_definition(configuration, definition, related, n, d, e):
    x, y = related(n, d, e)
    assert configuration(x, y) == pytest.approx(definition(configuration)(x, y), abs=1e-9, rel=1e-9)
