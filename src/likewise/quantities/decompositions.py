"""Singular value decompositions: quicker ones, where many rows are shuffled or left out and squares keep the digits."""

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.quantities.prepared import Prepared

LOST = 1e-10
"""Share of a score that squares may lose; more, and the decomposition is done without them."""


def decomposition_of(
    matrix: Float[Array, "r q"], *sides: Prepared
) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
    """U, s, V' of a matrix made of sides: of a shuffle, or a part, of many rows as `decomposed`."""
    if any(side.is_part and side.is_many for side in sides):
        return decomposed(matrix)
    u, s, vh = array_namespace(matrix).linalg.svd(matrix, full_matrices=False)
    return u, s, vh


def values_of(matrix: Float[Array, "r q"], *sides: Prepared) -> Float[Array, " m"]:
    r"""The singular values alone, in the same way: the square of each is off by :math:`\epsilon s_1^2`."""
    xp = array_namespace(matrix)
    if any(side.is_part and side.is_many for side in sides):
        squares = xp.flip(xp.linalg.eigvalsh(_squared(matrix)))
        if float(xp.min(squares)) > 0:
            s = xp.sqrt(squares)
            if xp.finfo(s.dtype).eps * xp.max(squares) * xp.sum(1 / s) <= LOST * xp.sum(s):
                return s
    return xp.linalg.svdvals(matrix)


def decomposed(
    matrix: Float[Array, "r q"],
) -> tuple[Float[Array, "r m"], Float[Array, " m"], Float[Array, "m q"]]:
    r"""U, s, V' by the eigenvectors V of M'M, if the mean error of their directions is no more than `LOST`.

    That of each is :math:`\epsilon (s_1 / s_i)^2`.
    """
    if matrix.shape[0] < matrix.shape[1]:
        v, s, uh = decomposed(matrix.T)
        return uh.T, s, v.T
    xp = array_namespace(matrix)
    squares, v = (xp.flip(m, axis=-1) for m in xp.linalg.eigh(_squared(matrix)))
    if float(xp.min(squares)) > 0 and xp.finfo(v.dtype).eps * xp.max(squares) * xp.mean(1 / squares) <= LOST:
        turned = matrix @ v
        s = xp.linalg.vector_norm(turned, axis=0)
        return turned / s, s, v.T
    u, s, vh = xp.linalg.svd(matrix, full_matrices=False)
    return u, s, vh


def _squared(matrix: Float[Array, "r q"]) -> Float[Array, "m m"]:
    return matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
