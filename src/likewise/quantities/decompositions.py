"""Singular value decompositions: quicker ones, where many rows are shuffled or left out and squares keep the digits."""

from collections.abc import Callable
from typing import TypeAlias

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.quantities.prepared import Prepared

LOST = 1e-10
"""Share of a score that squares may lose; more, and the decomposition is done without them."""

SUMMED = 1e-13
"""The same of the sum of singular values, from which a distance may take nearly all away."""


def is_quick(*sides: Prepared) -> bool:
    """Whether only a chance level or an interval comes from these sides, of many rows."""
    return any(side.is_many and (side.shuffle or side.left_out is not None) for side in sides)


Decomposition: TypeAlias = tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]
"""U, s and V' of a matrix U diag(s) V'."""

Errors: TypeAlias = Callable[[Float[Array, " m"]], Float[Array, ""]]
"""What errors of directions come to together."""


def of_largest(errors: Float[Array, " m"]) -> Float[Array, ""]:
    """The largest."""
    return array_namespace(errors).max(errors)


def of_mean(errors: Float[Array, " m"]) -> Float[Array, ""]:
    """The mean, where each direction counts the same."""
    return array_namespace(errors).mean(errors)


def of_lengths(errors: Float[Array, " m"]) -> Float[Array, ""]:
    """The mean, where each direction counts by its singular value: errors are shares of its square."""
    xp = array_namespace(errors)
    s = 1 / xp.sqrt(errors)
    return xp.sum(s * errors) / xp.sum(s)


def decomposition_of(matrix: Float[Array, "r q"], *sides: Prepared, errors: Errors) -> Decomposition:
    """Decompose a matrix made of sides: as `decomposed`, if it is of a shuffle, or a part, of many rows."""
    if is_quick(*sides):
        return decomposed(matrix, errors)
    u, s, vh = array_namespace(matrix).linalg.svd(matrix, full_matrices=False)
    return u, s, vh


def decomposed(matrix: Float[Array, "r q"], errors: Errors) -> Decomposition:
    r"""Decompose a matrix by its squares, if the errors of directions come to no more than `LOST`.

    That of each is :math:`\epsilon (s_1 / s_i)^2`.
    """
    if (found := _by_squares(matrix, errors)) is not None:
        return found
    u, s, vh = array_namespace(matrix).linalg.svd(matrix, full_matrices=False)
    return u, s, vh


def values_of(matrix: Float[Array, "r q"], *sides: Prepared) -> Float[Array, " m"]:
    r"""The singular values of a matrix made of sides: by squares, if these lose no more than `SUMMED` of their sum.

    The square of each is off by :math:`\epsilon s_1^2`.
    """
    xp = array_namespace(matrix)
    if is_quick(*sides):
        squares = xp.flip(xp.linalg.eigvalsh(_squared(matrix)))
        if float(xp.min(squares)) > 0:
            s = xp.sqrt(squares)
            if xp.finfo(s.dtype).eps * xp.max(squares) * xp.sum(1 / s) <= SUMMED * xp.sum(s):
                return s
    return xp.linalg.svdvals(matrix)


def _by_squares(matrix: Float[Array, "r q"], errors: Errors) -> Decomposition | None:
    """The decomposition by the eigenvectors V of M'M; None where they lose too much."""
    if matrix.shape[0] < matrix.shape[1]:
        if (found := _by_squares(matrix.T, errors)) is None:
            return None
        v, s, uh = found
        return uh.T, s, v.T
    xp = array_namespace(matrix)
    squares, v = (xp.flip(m, axis=-1) for m in xp.linalg.eigh(_squared(matrix)))
    if not float(xp.min(squares)) > 0 or float(errors(xp.finfo(v.dtype).eps * squares[0] / squares)) > LOST:
        return None
    turned = matrix @ v
    s = xp.linalg.vector_norm(turned, axis=0)
    return turned / s, s, v.T


def _squared(matrix: Float[Array, "r q"]) -> Float[Array, "m m"]:
    return matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
