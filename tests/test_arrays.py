import numpy as np
import pytest
from scipy.stats import rankdata

from likewise.arrays import (
    Tie,
    average_ranks,
    check_matrix,
    from_strict_triangle,
    gather,
    gather_square,
    in_precision,
    inverse,
    read_only,
    strict_triangle,
    tied_runs,
)
from likewise.errors import InputError

WHOLE = np.asarray([3.0, 1.0, 3.0, 2.0, 1.0, 3.0, 7.0])


def test_average_ranks_are_those_of_scipy(library):
    for values in (WHOLE, np.random.default_rng(0).normal(size=50), np.zeros(4), np.ones(1)):
        ranks = average_ranks(library.asarray(values), Tie())
        assert np.asarray(ranks).tolist() == rankdata(values).tolist()


def test_tied_runs_number_the_different_values_of_each_row(library):
    rows = library.asarray(np.stack([WHOLE, -WHOLE]))
    assert np.asarray(tied_runs(rows, Tie())).tolist() == [[2, 0, 2, 1, 0, 2, 3], [1, 3, 1, 2, 3, 1, 0]]


@pytest.mark.parametrize(
    ("tie", "ranks"),
    [(Tie(), [1, 2, 3, 4]), (Tie(relative=1e-10), [1, 2, 3.5, 3.5]), (Tie(absolute=1e-11), [1.5, 1.5, 3.5, 3.5])],
)
def test_values_within_a_tie_share_their_rank(tie, ranks):
    values = np.asarray([1e-12, 9e-12, 1.0, 1.0 + 1e-12])
    assert average_ranks(values, tie).tolist() == ranks
    assert (rankdata(tied_runs(values, tie)) == ranks).all()


def test_triangle_is_taken_row_by_row_and_put_back(library):
    square = np.asarray([[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]], dtype=np.float64)
    triangle = strict_triangle(library.asarray(square))
    assert np.asarray(triangle).tolist() == [1, 2, 3, 4, 5, 6]
    assert np.asarray(from_strict_triangle(triangle, 4)).tolist() == square.tolist()


def test_inverse_undoes_the_order_of_each_row(library):
    orders = np.stack([np.random.default_rng(seed).permutation(9) for seed in range(3)])
    for order in (orders, orders[0]):
        found = np.asarray(inverse(library.asarray(order)))
        assert np.take_along_axis(found, order, axis=-1).tolist() == np.broadcast_to(range(9), order.shape).tolist()


def test_gather_reorders_as_an_index_does(library):
    x, index = np.arange(12.0).reshape(3, 4), np.asarray([2, 0])
    assert np.asarray(gather(library.asarray(x), index, 1)).tolist() == x[:, index].tolist()
    square = x[:, :3]
    assert np.asarray(gather_square(library.asarray(square), index)).tolist() == square[np.ix_(index, index)].tolist()


def test_read_only_closes_an_array():
    with pytest.raises(ValueError, match="read-only"):
        read_only(np.zeros(3))[0] = 1


def test_matrix_passes_the_door_as_it_is(library):
    x = library.asarray(np.eye(3))
    assert check_matrix(x) is x


def test_nested_lists_pass_the_door_as_an_array():
    assert check_matrix([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ("text", "m is a str; expected a matrix"),
        (None, "m is a NoneType; expected a matrix"),
        (np.zeros(3), r"m has shape \(3,\); expected a matrix \(items x features\)"),
        (np.zeros((2, 3, 4)), r"m has shape \(2, 3, 4\)"),
        (np.zeros((0, 3)), r"m has shape \(0, 3\); .*neither empty"),
        (np.zeros((3, 0)), r"m has shape \(3, 0\); .*neither empty"),
        (np.zeros((2, 2), dtype=complex), "m holds complex128; expected real numbers"),
        (np.zeros((2, 2), dtype=bool), "m holds bool; expected real numbers"),
        (np.asarray([[1, 2], [np.inf, np.nan]]), "m holds inf in row 1, column 0; 2 of its 4 values not finite"),
        (np.asarray([[1, -np.inf]]), "m holds -inf in row 0, column 1; 1 of its 2 values"),
    ],
)
def test_door_says_what_is_wrong_and_what_is_needed(x, message):
    with pytest.raises(InputError, match=message):
        check_matrix(x, "m")


def test_door_names_the_item_of_a_value_that_is_not_finite(library):
    x = library.asarray(np.asarray([[0.0, 1.0], [2.0, np.nan]]))
    with pytest.raises(InputError, match=r"row 1 \(item 'second'\), column 1"):
        check_matrix(x, "m", ["first", "second"])


@pytest.mark.parametrize("n", [3, 5000])
@pytest.mark.parametrize(("dtype", "small"), [(np.float64, 1e-44), (np.longdouble, np.longdouble(10) ** -400)])
def test_a_lower_precision_keeps_what_rows_are_and_differ_in_or_is_refused(n, dtype, small) -> None:
    rng, into = np.random.default_rng(0), np.dtype(np.float32 if dtype is np.float64 else np.float64)
    x = rng.normal(size=(n, 4)).astype(dtype)
    assert (in_precision(x, into, "x") == x.astype(into)).all()
    for kept in (x + 30, x * 1e30, np.full((n, 4), 0.1, dtype), np.zeros((n, 4), dtype), x * (np.arange(4) > 1) * 1e-9):
        assert in_precision(kept.astype(dtype), into, "x").dtype == into
    row = x.copy()
    row[n - 1] *= small
    for lost, said in (
        (x * small, "x: row 0 is too small"),
        (row, f"x: row {n - 1} is too small"),
        (x + (10**9 if dtype is np.float64 else 10**15), "x: float.., in which rows are kept, does not hold"),
    ):
        with pytest.raises(InputError, match=said):
            in_precision(lost, into, "x")


def test_whole_numbers_keep_what_they_differ_in() -> None:
    assert in_precision(np.arange(12).reshape(4, 3), np.float32, "x").dtype == np.float32
    with pytest.raises(InputError, match="does not hold what they differ in"):
        in_precision(np.arange(12).reshape(4, 3) + 2**40, np.float32, "x")
