"""How many directions a matrix has: one rule, for all that counts them.

Rounding is measured against the numbers that a matrix was computed from: rows as they were before centring, both
factors of a product. What is left after a subtraction may be small, and its rounding is that of what was subtracted.
"""

from math import inf

from jaxtyping import Float

from likewise.arrays import Array, array_namespace

TIED = 1e-8
"""Singular values nearer than this share of the largest are one, and leave their directions open: closer, rounding of
the rows in single precision decides which is which."""

ORTHOGONAL = 1e-12
"""Cosine of two directions up to which they count as orthogonal."""


def reach(rows: Float[Array, "n r"], offset: Float[Array, "1 r"] | None = None) -> float:
    """The length of the longest row, and of the offset that was taken from all of them, together."""
    xp = array_namespace(rows)
    longest = float(xp.max(xp.linalg.vector_norm(rows, axis=1)))
    return longest if offset is None else longest + float(xp.linalg.vector_norm(offset))


def rounding_of(s: Float[Array, " r"], size: int, scale: float) -> float:
    """What rounding may make of a singular value of zero.

    Parameters
    ----------
    s : array, shape (r,)
        Singular values, descending.
    size : int
        The larger side of the matrices that they came from.
    scale : float
        `reach` of the rows that the matrix was computed from; of a product, that of one factor times the length of the
        other, and the other way round.
    """
    return size * float(array_namespace(s).finfo(s.dtype).eps) * max(float(s[0]), scale)


def numerical_rank(s: Float[Array, " r"], size: int, scale: float = 0.0) -> int:
    """How many descending singular values are more than rounding; parameters as of `rounding_of`.

    Examples
    --------
    >>> import numpy as np
    >>> numerical_rank(np.asarray([3.0, 1e-14]), 4), numerical_rank(np.asarray([3.0, 1e-14]), 4, scale=1e3)
    (2, 1)
    """
    xp = array_namespace(s)
    return int(xp.sum(xp.astype(s > rounding_of(s, size, scale), xp.int64)))


def is_tied(s: Float[Array, " r"], k: int, size: int, scale: float) -> bool:
    """Whether the k-th of the descending singular values and the next are one, so that k directions are no choice."""
    following = float(s[k]) if k < s.shape[0] else -inf
    return float(s[k - 1]) - following <= max(TIED * float(s[0]), rounding_of(s, size, scale))


def tied_run(s: Float[Array, " r"], place: int, size: int, scale: float) -> tuple[int, int]:
    """The run of tied singular values around a place, as first and one past the last.

    Examples
    --------
    >>> import numpy as np
    >>> tied_run(np.asarray([3.0, 2.0, 2.0, 2.0, 1.0]), 2, size=5, scale=0.0)
    (1, 4)
    """
    first, last = place, place + 1
    while first and is_tied(s, first, size, scale):
        first -= 1
    while last < s.shape[0] and is_tied(s, last, size, scale):
        last += 1
    return first, last
