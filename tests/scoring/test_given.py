"""What can be given to compare: mappings, bare arrays, lists, DataFrames, representations in other orders."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import likewise
from likewise import InputError, Representation
from likewise.scoring import best_layers, learning_curve

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 3))
EXPECTED = likewise.compare({"a": X, "b": Y}, "cka")[0].value


def frame(x: Any) -> pd.DataFrame:
    return pd.DataFrame(x, columns=[f"f{i}" for i in range(x.shape[1])], index=[f"q{i}" for i in range(len(x))])


def polars_frame(x: Any) -> Any:
    return pytest.importorskip("polars").DataFrame(x)


def torch_tensor(x: Any) -> Any:
    return pytest.importorskip("torch").asarray(x)


FORMS: list[Callable[[Any], Any]] = [np.asarray, np.ndarray.tolist, lambda x: tuple(map(tuple, x)), frame,
                                     lambda x: frame(x).astype("Float64"), polars_frame, torch_tensor]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_bare_matrices_of_any_form_are_named_in_turn(form: Callable[[Any], Any]) -> None:
    x, y = form(X), form(Y)
    for found in (
        likewise.compare(x, y, "cka"),
        likewise.compare(x, y, measures="cka"),
        likewise.compare([x, y], "cka"),
        likewise.compare((x, y), ["cka"]),
        likewise.compare({"a": x, "b": y}, "cka"),
        likewise.compare(x, y, (m for m in ["cka"])),
    ):
        assert [(c.a, c.b, c.value) for c in found] == [("a", "b", pytest.approx(EXPECTED))]
    assert len(likewise.compare(x, y, y, "cka")) == 3


def test_without_a_measure_the_preset_of_the_default_is_taken() -> None:
    assert len(likewise.compare(X, Y, permutations=2)) == 10


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((X,), "one ndarray; expected two or more to compare; pass names: compare"),
        ((X, "cka"), "one ndarray; expected two or more"),
        (("cka",), "one str; expected two or more"),
        ((), "0 representations; need at least two"),
        (([X],), "1 representation; need at least two"),
        ((3, "cka"), "one int; expected two or more"),
        ((X, Representation(Y, name="y")), "not all of the 2 representations have names; pass names"),
        (({"a": X}, {"b": Y}), "not all of the 2 representations have names; pass names"),
        (([X] * 27,), "not all of the 27 representations have names; pass names"),
        ((Representation(X), Representation(X)), "two representations are called 'representation'"),
        ((X.tolist(), [[1.0, 2.0], [3.0]]), "b has rows of different lengths"),
        ((frame(X), frame(Y).assign(text="t")), r"b: column 3 \('text'\) has values that are not numbers"),
        ((X, frame(Y).assign(no=pd.array([None] * 20, dtype="Int64"))), "b holds nan in row 0.*, column 3|b: column 3"),
        ((X, Y, "ckaa"), "did you mean"),
        ((X, Y, []), "not|shape|no measures|expected"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_told(given: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        likewise.compare(*given)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        *(({"rng": rng}, "expected a whole number, 0 or more, or a") for rng in (None, "a", 1.5, True)),
        ({"rng": 10**400}, "expected a whole number, at most"),
        ({"dataset": 3}, "dataset=3; expected a text"),
        ({"device": "x"}, "device x: torch knows no such device"),
        ({"groups": [None] * 20}, "row 0 has no group: 'None' is no name"),
        ({"groups": ["a"] * 19 + [float("nan")]}, "row 19 has no group"),
    ],
)
def test_arguments_of_other_kinds_are_told(more: dict[str, Any], message: str) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(InputError, match=message):
        likewise.compare({"x": x, "y": x**2}, "cka", **more)


def test_groups_may_be_left_out_by_name() -> None:
    assert Representation(np.eye(3), groups=None).groups == ()


def test_longer_floats_are_taken_where_they_fit() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.longdouble)
    assert likewise.compare({"x": x, "y": x}, "cka", permutations=0)[0].value == pytest.approx(1)
    with pytest.raises(InputError, match="holds inf in row 0"):
        likewise.compare({"x": x, "y": np.longdouble(10) ** 400 * abs(x)}, "cka")


def test_measures_stand_once() -> None:
    with pytest.raises(InputError, match="given twice"):
        likewise.compare(X, Y, "cka", measures="rsa")


def test_rows_with_ids_are_brought_into_one_order() -> None:
    ids = [f"q{i}" for i in range(20)]
    order = RNG.permutation(20)
    turned = Representation(Y[order], [ids[i] for i in order], "b")
    whole = Representation(X, ids, "a")
    assert likewise.compare([whole, turned], "cka")[0].value == pytest.approx(EXPECTED)
    (best,) = best_layers({"x": [whole], "y": [turned]}, "cka", permutations=3)
    assert best.value == pytest.approx(EXPECTED)
    assert learning_curve([whole, turned], "cka", sizes=[10], draws=1)[-1].value == pytest.approx(EXPECTED)
    part = turned.in_order(ids[:15])
    for call in (likewise.compare, learning_curve):
        with pytest.raises(InputError, match=r"5 ids are missing in b, such as 'q15'; .* \(in Python: join='inner'\)"):
            call([whole, part], "cka")
    inner = likewise.compare([whole, part], "cka", join="inner")[0]
    assert inner.n_items == 15
    assert inner.value == pytest.approx(likewise.compare({"a": X[:15], "b": Y[:15]}, "cka")[0].value)
    assert learning_curve([whole, part], "cka", sizes=[10], draws=1, join="inner")[-1].n_items == 15
