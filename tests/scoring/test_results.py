"""The table in the hands of a caller: rows by place and pair, its text, labels as asked for."""

import numpy as np
import pytest

import likewise
from likewise.measures import get


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    return likewise.compare(
        {n: rng.normal(size=(12, 3)) for n in "xyz"}, ["jaccard(k=10)", "linear_predictivity"], permutations=0, groups=0
    )


def test_rows_by_place_and_by_pair(results):
    rows = list(results)
    assert [results[i] for i in range(len(results))] == rows and results[-1] == rows[-1]
    assert results["x", "y"] == results["y", "x"] == [c for c in rows if {c.a, c.b} == {"x", "y"}]
    assert len(results["x", "y"]) == 3  # one of the two measures scores both orders
    for wrong in (("x", "w"), ("x", "x")):
        with pytest.raises(KeyError):
            results[wrong]
    with pytest.raises(IndexError):
        results[len(rows)]


def test_text_shows_rows_and_parameters_that_were_asked_for(results):
    assert "x  y  jaccard(k=10)  " in repr(results)
    assert [c.label for c in results.configurations.values()] == ["jaccard(k=10)", "linear_predictivity"]
    assert results[0].parameters == likewise.Configuration.parse("jaccard").parameters_json


def test_measure_with_parameters_by_its_text():
    x, y = np.random.default_rng(0).normal(size=(2, 12, 3))
    assert get("jaccard(k=5)")(x, y) == get("jaccard")(x, y, k=5) != get("jaccard")(x, y)
    with pytest.raises(likewise.InputError, match="no parameter 'q'"):
        get("jaccard(q=5)")
