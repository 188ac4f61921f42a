"""Arrays of any library that follows the array API standard: the door, and what the standard lacks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, TypeAlias

import array_api_compat
import array_api_compat.numpy
import numpy as np
from array_api_compat import is_torch_array, to_device
from jaxtyping import Bool, Float, Int, Num, Shaped

from likewise.errors import InputError, MissingDependencyError

Array: TypeAlias = Any
"""An array of NumPy, torch or another library of the array API standard; its shape stands in the annotation."""


def array_namespace(*arrays: Any) -> Any:
    """Return the functions for these arrays, as `array_api_compat.array_namespace` does; of NumPy's own at once.

    It is asked in each small step, a thousand times for a score.
    """
    for array in arrays:
        if type(array) is not np.ndarray:
            return array_api_compat.array_namespace(*arrays)
    return array_api_compat.numpy if arrays else array_api_compat.array_namespace()


CHECKED = 2**20
"""Values that are looked at together at the door."""

CHUNK = 2**24
"""Values of the rows held at a time while near pairs are summed from the rows (128 MiB)."""


@dataclass(frozen=True)
class Tie:
    """How near two values are, by rounding alone, that are equal by definition: relative to their size, or absolute.

    Values below ``squares`` are sums of squared differences, and their error shrinks with the root of their size.
    """

    relative: float = 0.0
    absolute: float = 0.0
    squares: float = 0.0

    def apart(self, ordered: Float[Array, "*rows m"]) -> Bool[Array, "*rows steps"]:
        """Whether each of the values after the first, which ascend, is another than the one before it."""
        values = ordered[..., 1:]
        tie = self.relative * values + self.absolute
        if self.squares:
            xp = array_namespace(values)
            tie = xp.where(values > self.squares, tie, self.absolute * xp.sqrt(xp.abs(values)))
        return values > ordered[..., :-1] + tie


LOST, LOST_OF_ALL = 1e-4, 1e-2
"""Share of a row, and of what rows differ in, that a lower precision may cost."""


def in_precision(matrix: Shaped[np.ndarray, "n d"], dtype: Any, name: str) -> Float[np.ndarray, "n d"]:
    """Return a matrix in a floating-point type, where that keeps what its rows are and what they differ in.

    What the type cannot hold becomes infinite: `check_matrix` says where. Values that are too small for it, or a common
    offset that is some hundred thousand times as large as what rows differ in, would give other scores in silence.

    Raises
    ------
    InputError
        If more than a ten-thousandth of a row, or a hundredth of the distances of the rows from their mean, is lost.
    """
    with np.errstate(over="ignore", under="ignore"):
        found = np.asarray(matrix, dtype=dtype)
    if matrix.ndim != 2 or 0 in matrix.shape or np.can_cast(matrix.dtype, found.dtype) or not np.isfinite(found).all():
        return found
    wide = np.result_type(matrix.dtype, np.float64)
    if not (largest := max(wide.type(matrix.max()), -wide.type(matrix.min()))):
        return found

    first = matrix[0].astype(wide) / largest
    sums = np.zeros((2, matrix.shape[1]), dtype=wide)  # of what is lost, and of the distances from the first row
    squares = np.zeros(2)
    for start in range(0, len(matrix), 4096):
        rows = matrix[start : start + 4096].astype(wide) / largest
        off = rows - found[start : start + 4096].astype(wide) / largest
        lost, length = (np.sqrt(np.vecdot(of, of)) for of in (off, rows))
        for place in np.flatnonzero(lost > LOST * length)[:1]:
            raise InputError(
                f"{name}: row {start + place} is too small for {found.dtype}, in which rows are kept; multiply all "
                "rows by a number"
            )
        rows -= first
        for k, of in enumerate((off, rows)):
            sums[k] += of.sum(axis=0)
            squares[k] += float(np.vecdot(of, of).sum())
    lost, spread = squares - (sums**2).sum(axis=1).astype(np.float64) / len(matrix)
    rounding = matrix.shape[1] * float(np.finfo(matrix.dtype).eps) if matrix.dtype.kind == "f" else 0.0
    if spread > rounding**2 * matrix.size and lost > LOST_OF_ALL**2 * spread:
        raise InputError(
            f"{name}: {found.dtype}, in which rows are kept, does not hold what they differ in; subtract the means of "
            "the columns"
        )
    return found


def check_matrix(x: Array, name: str = "matrix", ids: Sequence[str] = ()) -> Array:
    """Check at the door that ``x`` is a finite matrix of real numbers; return it as an array, else unchanged.

    Raises
    ------
    InputError
        If it is not two-dimensional, has no rows or columns, is not real, or holds a value that is not finite; the
        message names the place, and the item where ``ids`` are given.
    """
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
        raise InputError(f"{name} has masked (missing) values; expected none")
    if isinstance(x, list | tuple | np.ndarray):
        try:
            x = np.asarray(x)  # of subclasses, as masked arrays, the data
        except ValueError as error:
            raise InputError(f"{name} has rows of different lengths; expected a matrix (items x features)") from error
        if x.dtype == np.longdouble:
            x = in_precision(x, np.float64, name)
    elif hasattr(x, "columns") and hasattr(x, "to_numpy"):
        x = _of_frame(x, name)
    try:
        xp = array_namespace(x)
    except TypeError as error:
        raise InputError(
            f"{name} is a {type(x).__name__}; expected a matrix (items x features) of NumPy, torch or another "
            f"array library{'; likewise.read_file reads a file of rows' if isinstance(x, str | PurePath) else ''}"
        ) from error
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"{name} has shape {tuple(x.shape)}; expected a matrix (items x features), neither empty")
    if not xp.isdtype(x.dtype, ("real floating", "integral")):
        raise InputError(f"{name} holds {x.dtype}; expected real numbers")
    step = max(1, CHECKED // x.shape[1])
    starts = range(0, x.shape[0], step)
    if all(xp.all(xp.isfinite(x[start : min(start + step, x.shape[0]), :])) for start in starts):
        return x
    wrong = ~xp.isfinite(x)
    first = int(xp.argmax(xp.astype(xp.reshape(wrong, (-1,)), xp.int64)))
    row, column = divmod(first, x.shape[1])
    item = f" (item {ids[row]!r})" if row < len(ids) else ""
    raise InputError(
        f"{name} holds {float(x[row, column])} in row {row}{item}, column {column}; "
        f"{int(xp.sum(xp.astype(wrong, xp.int64)))} of its {math.prod(x.shape):,} values not finite, and all must be "
        "(rows and columns count from 0)"
    )


def _of_frame(frame: Any, name: str) -> Any:
    """The numbers of a DataFrame of pandas or polars, whose columns are features."""
    columns = list(frame.items()) if hasattr(frame, "items") else [(column.name, column) for column in frame]
    parts = []
    for place, (column, values) in enumerate(columns):
        parts.append(values.to_numpy())
        if parts[-1].dtype.kind not in "iuf":
            raise InputError(
                f"{name}: column {place} ({str(column)!r}) has values that are not numbers; expected a number in each "
                "row of all columns: make ids the index, and a column of lists a matrix (np.stack), and leave out texts"
            )
    whole = [str(column) for (column, _), part in zip(columns, parts, strict=True) if part.dtype.kind in "iu"]
    check_all_or_none(whole, len(parts), name)
    return np.column_stack(parts) if parts else np.empty((len(frame), 0))


def check_all_or_none(whole: Sequence[str], count: int, name: str) -> None:
    """Refuse a table in which columns of whole numbers stand beside others: numbers of rows, or labels, as a rule."""
    if whole and len(whole) < count:
        told = ", ".join(map(repr, whole[:3])) + (f" and {len(whole) - 3} more" if len(whole) > 3 else "")
        raise InputError(
            f"{name}: whole numbers in {told}, and fractions in other columns; leave out columns that are no features "
            "(row numbers, labels), or store all as floating-point numbers"
        )


def float64(x: Num[Array, "n d"]) -> Float[Array, "n d"]:
    """``x`` in double precision on its own device, without a gradient's graph."""
    xp = array_namespace(x)
    return xp.astype(x.detach() if hasattr(x, "detach") else x, xp.float64)


def to_numpy(x: Shaped[Array, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
    """``x`` on the host, for what only SciPy and its kin can do."""
    return x if isinstance(x, np.ndarray) else np.from_dlpack(to_device(x, "cpu") if is_torch_array(x) else x)


def to_torch(x: Num[Array, "n d"], device: str) -> Num[Array, "n d"]:
    """``x`` as a torch tensor on a device.

    Raises
    ------
    InputError
        If torch sees no such device.
    MissingDependencyError
        If torch is not installed.
    """
    try:
        import torch  # optional: what runs on the CPU does without
    except ImportError as error:
        raise MissingDependencyError("torch", "models") from error
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise InputError(f"device {device}: torch knows no such device; use cpu, cuda, cuda:0 or mps") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {device}: torch finds no CUDA device here; use --device cpu")
    return torch.asarray(x, device=device, copy=True)


def triangular(x: Float[Array, "d n"]) -> Float[Array, "r n"]:
    """R of the QR decomposition. The array API has no R alone, and Q would cost twice as much again."""
    if isinstance(x, np.ndarray):
        return np.linalg.qr(x, mode="r")
    xp = array_namespace(x)
    return xp.linalg.qr(x, mode="r" if is_torch_array(x) else "reduced").R


def gather(x: Array, index: Array, axis: int) -> Array:
    """``x`` with its ``axis`` reordered by ``index``, wherever ``x`` lives."""
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(index, device=x.device), axis=axis)


def gather_square(x: Shaped[Array, "n n"], index: Array) -> Shaped[Array, "m m"]:
    """Rows and columns ``index`` of a matrix of pairs of items."""
    return gather(gather(x, index, 0), index, 1)


def read_only(x: Array) -> Array:
    """The same array, closed for writing where its library can do that."""
    if isinstance(x, np.ndarray):
        x.flags.writeable = False
    return x


def tied_runs(x: Float[Array, "*rows m"], tie: Tie) -> Int[Array, "*rows m"]:
    """For each value of a row, how many different values lie below it; values that lie within ``tie`` are one."""
    xp = array_namespace(x)
    order = xp.argsort(x, axis=-1, stable=False)
    ordered = xp.take_along_axis(x, order, axis=-1)
    new = xp.concat([xp.zeros_like(ordered[..., :1], dtype=xp.bool), tie.apart(ordered)], axis=-1)
    run = xp.cumulative_sum(xp.astype(new, xp.int64), axis=-1)
    return xp.take_along_axis(run, inverse(order), axis=-1)


def inverse(order: Int[Array, "*rows m"]) -> Int[Array, "*rows m"]:
    """What undoes the permutation in each row. The array API has no scatter, and would have it sorted."""
    xp = array_namespace(order)
    places = xp.broadcast_to(xp.arange(order.shape[-1], dtype=order.dtype, device=order.device), order.shape)
    if isinstance(order, np.ndarray):
        found = np.empty_like(order)
        np.put_along_axis(found, order, places, axis=-1)
        return found
    if is_torch_array(order):
        return xp.empty_like(order).scatter_(-1, order, places)
    return xp.argsort(order, axis=-1)


def average_ranks(x: Float[Array, " m"], tie: Tie) -> Float[Array, " m"]:
    """Ranks from 1; values that lie within ``tie`` share the mean of their ranks. O(m log m)."""
    xp = array_namespace(x)
    order = xp.argsort(x, stable=False)
    ordered = xp.take(x, order, axis=0)
    new = xp.concat([xp.ones(1, dtype=xp.bool, device=x.device), tie.apart(ordered)])
    first = xp.nonzero(new)[0]  # where each run of equal values starts
    after = xp.concat([first[1:], xp.asarray([x.shape[0]], dtype=first.dtype, device=x.device)])
    mean = xp.astype(first + after + 1, xp.float64) / 2  # of the ranks first + 1, ..., after
    run = xp.cumulative_sum(xp.astype(new, xp.int64)) - 1
    return xp.take(xp.take(mean, run, axis=0), inverse(order), axis=0)


def refined(
    squared: Float[Array, "n m"], near: Bool[Array, "n m"], x: Float[Array, "n d"], y: Float[Array, "m d"]
) -> Float[Array, "n m"]:
    """Squared distances from inner products, those that are ``near`` summed from the rows of ``x`` and ``y`` instead.

    |a|^2 + |b|^2 - 2 a'b loses the digits of a small difference.
    """
    xp = array_namespace(squared)
    squared = xp.where(near, xp.zeros_like(squared), squared)
    if xp.any(near):
        rows, columns = xp.nonzero(near)
        step = max(1, CHUNK // x.shape[1])
        parts = [
            xp.sum((xp.take(x, rows[i : i + step], axis=0) - xp.take(y, columns[i : i + step], axis=0)) ** 2, axis=1)
            for i in range(0, rows.shape[0], step)
        ]
        squared[near] = xp.concat(parts)
    return squared


def strict_triangle(x: Float[Array, "n n"]) -> Float[Array, " m"]:
    """The m = n (n - 1) / 2 values above the diagonal, row by row."""
    xp = array_namespace(x)
    return x[xp.triu(xp.ones(x.shape, dtype=xp.bool, device=x.device), k=1)]


def from_strict_triangle(values: Float[Array, " m"], n: int) -> Float[Array, "n n"]:
    """The symmetric matrix with a zero diagonal whose strict upper triangle is ``values``."""
    xp = array_namespace(values)
    square = xp.zeros((n, n), dtype=values.dtype, device=values.device)
    square[xp.triu(xp.ones((n, n), dtype=xp.bool, device=values.device), k=1)] = values
    return square + square.T
