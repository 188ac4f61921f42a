"""What a measure compares, checked at the door."""

from typing import TypeAlias

from likewise.arrays import Array, array_namespace
from likewise.errors import InputError, UndefinedError
from likewise.naming import counted
from likewise.quantities import Largest, Prepared
from likewise.representation import Representation, check_same_items

Operand: TypeAlias = Array | Prepared | Representation
"""What a measure compares: an array (items x features), a Representation, or a Prepared."""

SQUARES = (1e-140, 1e140)
"""Between these, the largest number of a matrix has a square, and so have numbers a millionth of a millionth of it."""


def check_squares(of: Prepared) -> None:
    """Refuse a side of which double precision cannot hold the squares: what is computed from them would be wrong."""
    largest = float(of[Largest()])
    if largest and not SQUARES[0] < largest < SQUARES[1]:
        raise UndefinedError(
            f"the largest number of {of.name} is {largest:.3g}: squares of such numbers are lost in double precision; "
            "rescale them"
        )


def prepare_pair(x: Operand, y: Operand, kind: str = "") -> tuple[Prepared, Prepared]:
    """Both operands as Prepared, arrays as rows of ``kind``, after checking that their rows describe the same items."""
    if isinstance(x, Representation) and isinstance(y, Representation):
        check_same_items(x, y)
    first, second = prepare(x, "x", kind), prepare(y, "y", kind)
    if first.n != second.n:
        raise InputError(
            f"{counted(first.n, 'row')} against {counted(second.n, 'row')}: both must describe the same inputs in the "
            "same order"
        )
    some = first.rows(0, 1), second.rows(0, 1)
    try:
        array_namespace(*some)
    except TypeError as error:
        raise InputError(
            f"{type(some[0]).__module__} against {type(some[1]).__module__}: both must be arrays of one library"
        ) from error
    return first, second


def prepare(x: Operand, name: str = "matrix", kind: str = "") -> Prepared:
    """``x`` as Prepared, for one call: an array as rows of ``kind``; what is prepared already is returned as it is.

    Many rows are read when they are needed, and not copied.
    """
    if isinstance(x, Prepared):
        return x
    return (
        Prepared(x.matrix, x.name, x.kind, x.metric, x.source.columns or "", copy=False)
        if isinstance(x, Representation)
        else Prepared(x, name, kind or "states", copy=False)
    )
