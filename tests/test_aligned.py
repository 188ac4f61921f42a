"""Rows are brought into one order by their ids, and what is left out is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise.representation import Representation, aligned

IDS = [f"q{i}" for i in range(8)]
X = np.arange(24.0).reshape(8, 3)


def taken(places: list[int], name: str) -> Representation:
    return Representation(X[places], [IDS[i] for i in places], name)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(8)), st.permutations(range(8)), st.integers(3, 8), st.integers(6, 8))
def test_every_row_stays_with_its_id(first: list[int], second: list[int], n: int, m: int) -> None:
    a, b = taken(first[:n], "a"), taken(second[:m], "b")
    common = [i for i in a.ids if i in b.ids]
    if not common:
        return
    (x, y), told = aligned([a, b], "inner")
    assert x.ids == y.ids == tuple(common)
    np.testing.assert_array_equal(x.matrix, X[[IDS.index(i) for i in common]])
    np.testing.assert_array_equal(x.matrix, y.matrix)
    for r in (a, b):
        left = r.n_items - len(common)
        assert (f"left out {left} of {r.n_items} rows of {r.name}" in told) == (left > 0)
    if set(a.ids) != set(b.ids):
        with pytest.raises(InputError, match=r"\d+ ids are missing in [ab], such as 'q\d'; .*--join inner"):
            aligned([a, b])


def test_what_is_not_clear_is_refused() -> None:
    whole, turned = taken([0, 1, 2], "a"), taken([2, 1, 0], "b")
    bare = Representation(X[:3], name="bare")
    assert aligned([whole, bare]) == ([whole, bare], [])
    with pytest.raises(InputError, match="bare has no ids, but the others have different orders"):
        aligned([whole, turned, bare])
    with pytest.raises(InputError, match="bare has no ids, and those of c are numbers of rows in another order"):
        aligned([bare, Representation(X[[2, 0, 1]], ["2", "0", "1"], "c")])  # its row 2, or the row 2 of bare?
    with pytest.raises(InputError, match="no id is in all of a, b: a begins with .*, b begins with "):
        aligned([whole, taken([5, 6, 7], "b")], "inner")
    with pytest.raises(InputError, match="expected exact or inner"):
        aligned([whole], "outer")
