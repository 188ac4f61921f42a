import dataclasses

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.representation import Representation, check_same_items


def test_items_are_numbered_where_they_have_no_names():
    r = Representation(np.ones((3, 2), dtype=np.float16))
    assert r.ids == ("0", "1", "2")
    assert (r.n_items, r.n_features) == (3, 2)
    assert r.matrix.dtype == np.float16


def test_representation_cannot_be_changed():
    r = Representation(np.eye(2), source={"model": "m"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        r.name = "other"
    with pytest.raises(TypeError, match="does not support item assignment"):
        r.source["model"] = "other"


@pytest.mark.parametrize(
    ("matrix", "ids", "message"),
    [
        (np.eye(3), ["a", "b"], "r has 3 rows and 2 ids; expected one id for each row"),
        (np.eye(3), ["a", "b", "a"], "r has the id 'a' more than once; expected unique ids"),
        (np.asarray([[1.0], [np.nan]]), ["a", "b"], r"r holds nan in row 1 \(item 'b'\), column 0"),
        (np.ones(3), (), r"r has shape \(3,\)"),
        ("matrix", (), "r is a str"),
    ],
)
def test_refused_with_what_is_wrong(matrix, ids, message):
    with pytest.raises(InputError, match=message):
        Representation(matrix, ids=ids, name="r")


def test_same_items_may_have_other_widths():
    check_same_items(Representation(np.ones((2, 3)), ids="ab"), Representation(np.ones((2, 5)), ids="ab"))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ("abcd", r"3 rows \(x\) against 4 rows \(y\): both must describe the same inputs in the same order"),
        ("acb", "row 1 is item 'b' in x and 'c' in y"),
    ],
)
def test_first_item_that_differs_is_named(ids, message):
    x, y = (
        Representation(np.ones((3, 2)), ids="abc", name="x"),
        Representation(np.ones((len(ids), 2)), ids=ids, name="y"),
    )
    with pytest.raises(InputError, match=message):
        check_same_items(x, y)
