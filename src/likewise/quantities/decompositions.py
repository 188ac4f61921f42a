"""Singular value decompositions: quicker ones, where many rows are shuffled or left out and squares keep the digits."""

from collections.abc import Callable

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


def decomposition_of(
    matrix: Float[Array, "r q"], *sides: Prepared
) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
    r"""U, s, V' of a matrix made of sides: by squares, if the mean error of their directions is no more than `LOST`.

    That of each is :math:`\epsilon (s_1 / s_i)^2`.
    """
    xp = array_namespace(matrix)
    if is_quick(*sides) and (found := _by_squares(matrix, lambda errors: float(xp.mean(errors)))) is not None:
        return found
    u, s, vh = xp.linalg.svd(matrix, full_matrices=False)
    return u, s, vh


def decomposed(
    matrix: Float[Array, "r q"],
) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
    """U, s, V', by squares if the error of no direction is more than `LOST`."""
    xp = array_namespace(matrix)
    if (found := _by_squares(matrix, lambda errors: float(xp.max(errors)))) is not None:
        return found
    u, s, vh = xp.linalg.svd(matrix, full_matrices=False)
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


def _by_squares(
    matrix: Float[Array, "r q"], error: Callable[[Float[Array, " m"]], float]
) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]] | None:
    """The decomposition by the eigenvectors V of M'M; None where the errors of directions come to more than `LOST`."""
    if matrix.shape[0] < matrix.shape[1]:
        if (turned := _by_squares(matrix.T, error)) is None:
            return None
        v, s, uh = turned
        return uh.T, s, v.T
    xp = array_namespace(matrix)
    squares, v = (xp.flip(m, axis=-1) for m in xp.linalg.eigh(_squared(matrix)))
    if not float(xp.min(squares)) > 0 or error(xp.finfo(v.dtype).eps * xp.max(squares) / squares) > LOST:
        return None
    turned = matrix @ v
    s = xp.linalg.vector_norm(turned, axis=0)
    return turned / s, s, v.T


def _squared(matrix: Float[Array, "r q"]) -> Float[Array, "m m"]:
    return matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
