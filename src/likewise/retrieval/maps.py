"""Maps from one space of vectors into another, learnt on pairs: a rotation, and ridge regression."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RIDGES = tuple(10.0**power for power in range(-8, 3))
"""Ridges that are tried, as shares of the mean eigenvalue of the covariance."""

INNER = 5
"""One in so many training pairs is held out while the ridge is chosen."""


@dataclass(frozen=True, eq=False)
class Map:
    r"""An affine map, :math:`x \mapsto x W + b`.

    Parameters
    ----------
    weights : array, shape (d, e)
        W.
    shift : array, shape (e,)
        b.
    ridge : float or None
        The ridge that was chosen, as a share of the mean eigenvalue; None for a rotation.
    """

    weights: Float[np.ndarray, "d e"]
    shift: Float[np.ndarray, " e"]
    ridge: float | None = None

    def __call__(self, x: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m e"]:
        """Return rows in the other space."""
        return np.asarray(x @ self.weights + self.shift)


def orthogonal(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"], *, free: bool = False) -> Map:
    r"""Return the rotation, with reflection, that brings rows of x nearest to those of y.

    .. math:: W = U V', \quad X'Y = U S V'

    Narrower rows are taken as padded with zeros, which is the same. Fewer rows than features say nothing of some
    directions: these are mapped to zero. ``free``: with a shift and one scale, :math:`s = \sum S / |X|^2`, of centred
    rows. Cost: O(n d e + d e min(d, e)), of fewer rows than features O(n (n + d) (d + e)).

    References
    ----------
    Schoenemann (1966), doi:10.1007/BF02289451; for embeddings of another model: Drift-Adapter,
    doi:10.18653/v1/2025.emnlp-main.805.

    Examples
    --------
    >>> x = np.asarray([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    >>> turn = np.asarray([[0.0, 1.0], [-1.0, 0.0]])
    >>> np.allclose(orthogonal(x, x @ turn).weights, turn)
    True
    """
    mean_x = x.mean(axis=0) if free else np.zeros(x.shape[1])
    mean_y = y.mean(axis=0) if free else np.zeros(y.shape[1])
    centred = x - mean_x
    left, sizes, right = _decomposed(centred, y - mean_y)
    weights = left @ right
    length = float((centred**2).sum())
    if free and length > 0:
        weights = weights * (sizes.sum() / length)
    return Map(weights, mean_y - mean_x @ weights)


def _decomposed(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"]
) -> tuple[Float[np.ndarray, "d k"], Float[np.ndarray, " k"], Float[np.ndarray, "k e"]]:
    """U, S, V' of X'Y; of fewer rows than features, those of what the rows span."""
    if len(x) >= min(x.shape[1], y.shape[1]):
        u, s, vh = np.linalg.svd(x.T @ y, full_matrices=False)
        return u, s, vh
    (q_x, r_x), (q_y, r_y) = (np.linalg.qr(rows.T) for rows in (x, y))
    u, s, vh = np.linalg.svd(r_x @ r_y.T)
    known = s > len(x) * np.finfo(np.float64).eps * np.linalg.norm(r_x) * np.linalg.norm(r_y)
    return q_x @ u[:, known], s[known], vh[known] @ q_y.T


def ridge(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"], seed: int = 0) -> Map:
    r"""Return the linear map with a shift that least squares with a ridge gives.

    .. math:: W = (X'X + \lambda I)^{-1} X'Y

    of centred rows. The ridge is one of 11, as shares of the mean eigenvalue of X'X: the one with the smallest squared
    error on a fifth of the pairs, held out; then all pairs are fitted with it. Only the pairs given are looked at.
    Cost: O(n d (d + e) + d^3), of fewer rows than features O(n d (n + e)).

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> np.allclose(ridge(x, 2 * x + 1)(x), 2 * x + 1, atol=1e-6)
    True
    """
    order = np.random.default_rng(seed).permutation(len(x))
    held = order[: max(1, len(x) // INNER)]
    kept = order[len(held) :]
    fitted = _Ridges(x[kept], y[kept])
    errors = [fitted.error(share, x[held], y[held]) for share in RIDGES]
    return _Ridges(x, y).at(RIDGES[int(np.argmin(errors))])


class _Ridges:
    """Ridge regressions of all strengths, from one decomposition."""

    def __init__(self, x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"]) -> None:
        self.mean_x, self.mean_y = x.mean(axis=0), y.mean(axis=0)
        centred, aimed = x - self.mean_x, y - self.mean_y
        if len(x) >= x.shape[1]:
            values, self.vectors = np.linalg.eigh(centred.T @ centred)
            self.cross = self.vectors.T @ (centred.T @ aimed)
        else:
            u, s, vh = np.linalg.svd(centred, full_matrices=False)
            values, self.vectors, self.cross = s**2, vh.T, s[:, None] * (u.T @ aimed)
        self.values = np.maximum(values, 0.0)  # of a covariance, none is below 0 but by rounding
        self.mean = self.values.sum() / x.shape[1]

    def _shrunk(self, share: float) -> Float[np.ndarray, "k e"]:
        """What is predicted from each direction."""
        strength = (self.values + share * self.mean)[:, None]
        return np.asarray(np.divide(self.cross, strength, out=np.zeros_like(self.cross), where=strength > 0))

    def error(self, share: float, x: Float[np.ndarray, "m d"], y: Float[np.ndarray, "m e"]) -> float:
        """The squared error on other pairs."""
        found = ((x - self.mean_x) @ self.vectors) @ self._shrunk(share) + self.mean_y
        return float(((found - y) ** 2).sum())

    def at(self, share: float) -> Map:
        """The map."""
        weights = self.vectors @ self._shrunk(share)
        return Map(weights, self.mean_y - self.mean_x @ weights, share)
