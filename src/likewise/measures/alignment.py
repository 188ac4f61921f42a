"""Measures that rotate one representation onto the other."""

from math import asin, inf, pi, sqrt

from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array
from likewise.measures.measure import Facts, measure
from likewise.prepared import CrossDecomposition, Factor, Norm, Prepared, RowNorms

NEAR = 1e-6
"""Below this share of |X|^2 + |Y|^2 the squared distance is summed from the aligned rows: subtracting loses digits."""


def rotations(*, normalize: bool, center: bool) -> frozenset[str]:
    """The invariances of a measure that ignores rotations, scale where it normalises, offset where it centres."""
    extra = {"scaling": normalize, "translation": center}
    return frozenset({"feature permutation", "orthogonal"} | {name for name, holds in extra.items() if holds})


@measure(
    title="Orthogonal Procrustes distance",
    facts=lambda center, normalize: Facts(
        direction="distance",
        bounds=(0.0, sqrt(2) if normalize else inf),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=normalize, center=center),
    ),
    variants=({"center": False}, {"normalize": False}, {"center": False, "normalize": False}),
    references=("10.1007/BF02289451", "10.48550/arXiv.2110.14739"),
)
def procrustes(x: Prepared, y: Prepared, *, center: bool = True, normalize: bool = True) -> float:
    r"""Orthogonal Procrustes distance: what the best rotation leaves between two representations.

    .. math:: \min_{Q'Q = I} |XQ - Y|_F = \sqrt{|X|_F^2 + |Y|_F^2 - 2 |X'Y|_*}

    with columns centred where ``center`` and both divided by their Frobenius norm where ``normalize``; the narrower
    matrix counts as padded with zero columns.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    center : bool
        Subtract the column means; without it an offset counts.
    normalize : bool
        Divide by the Frobenius norm; without it ("size and shape") scale counts, in the units of the features.

    Returns
    -------
    float
        In [0, sqrt 2] where ``normalize``, otherwise from 0 upwards; 0 for representations alike up to a rotation.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal (``center``) or all zero.

    Notes
    -----
    Cost: O(n^2 max(d, e)) once per side, then O(min(n, d)^3) per pair. Unrelated data come near to 0 when d is much
    larger than n: read it beside its chance level.

    References
    ----------
    Schönemann (1966), doi:10.1007/BF02289451; Williams et al. (2021), doi:10.48550/arXiv.2110.14739.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(procrustes(x, np.asarray([[0.0], [1.0], [0.0]])), 6)
    0.647195
    """
    norm_x, norm_y = x[Norm(center)], y[Norm(center)]
    scale_x, scale_y = (norm_x, norm_y) if normalize else (1.0, 1.0)
    size_x, size_y = norm_x / scale_x, norm_y / scale_y
    u, s, vh = x.joint(y, CrossDecomposition(center))
    xp = array_namespace(s)
    squared = size_x**2 + size_y**2 - 2 * xp.sum(s) / (scale_x * scale_y)
    if squared <= NEAR * (size_x**2 + size_y**2):
        squared = aligned_residual(x[Factor(center)] / scale_x, y[Factor(center)] / scale_y, u @ vh)
    return sqrt(squared)


def aligned_residual(x: Float[Array, "n d"], y: Float[Array, "n e"], q: Float[Array, "d e"]) -> float:
    """|X Q - Y|^2 for the rotation whose part between X and Y, the narrower padded, is ``q``: without cancellation."""
    if x.shape[1] < y.shape[1]:
        x, y, q = y, x, q.T
    xp = array_namespace(x)
    aligned = x @ q
    # Where x is the wider, the rest of its columns is rotated onto the padding.
    rest = x - aligned @ q.T
    return float(xp.sum((aligned - y) ** 2) + xp.sum(rest**2))


@measure(
    title="Aligned cosine similarity",
    facts=lambda center, normalize: Facts(
        direction="similarity",
        bounds=(-1.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=center),
    ),
    variants=({"center": False}, {"center": False, "normalize": False}),
    references=("10.18653/v1/D16-1235", "10.48550/arXiv.2312.02730"),
)
def aligned_cosine(x: Prepared, y: Prepared, *, center: bool = True, normalize: bool = True) -> float:
    r"""Aligned cosine similarity: the mean cosine between the rows after the best rotation.

    .. math:: \frac{1}{n} \sum_i \cos(x_i Q, y_i), \quad Q = U V' \text{ from } X'Y = U S V'

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    center : bool
        Subtract the column means first.
    normalize : bool
        Divide by the Frobenius norm first, as the literature writes it. Neither the rotation nor a cosine feels
        scale, so the value is the same.

    Returns
    -------
    float
        In [-1, 1]; 1 for representations whose rows agree in direction up to one rotation.

    Raises
    ------
    UndefinedError
        If a row has no length, naming the first.

    Notes
    -----
    Cost as `procrustes`, and one decomposition serves both. A row's cosine is taken with its length in its own
    space: where the widths differ, what the rotation turns into the padding counts as unlike.

    References
    ----------
    Hamilton, Leskovec, Jurafsky (2016), doi:10.18653/v1/D16-1235; Klabunde et al. (2023),
    doi:10.48550/arXiv.2312.02730.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(aligned_cosine(x, x @ np.asarray([[0.0, 1.0], [-1.0, 0.0]])), 12)
    1.0
    """
    norms_x, norms_y = x[RowNorms(center)], y[RowNorms(center)]
    u, _, vh = x.joint(y, CrossDecomposition(center))
    xp = array_namespace(u)
    products = xp.sum((x[Factor(center)] @ u) * (y[Factor(center)] @ vh.T), axis=1)
    return float(xp.mean(products / (norms_x * norms_y)))


@measure(
    title="Procrustes angle",
    facts=lambda: Facts(
        direction="distance",
        bounds=(0.0, pi / 2),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=True, center=True),
    ),
    references=("10.48550/arXiv.2110.14739",),
)
def procrustes_angle(x: Prepared, y: Prepared) -> float:
    r"""Angle between two representations after the best rotation, both centred and of unit norm.

    .. math:: \arccos |X'Y|_* = 2 \arcsin\big(\tfrac{1}{2} \min_{Q'Q = I} |XQ - Y|_F\big)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Returns
    -------
    float
        Radians, in [0, pi/2]; 0 for representations alike up to rotation, scale and offset.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal.

    Notes
    -----
    Cost as `procrustes`, and one decomposition serves both. The arc sine keeps its digits near 0, where the arc cosine
    of a number near 1 loses half of them.

    References
    ----------
    Williams et al. (2021), doi:10.48550/arXiv.2110.14739.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(procrustes_angle(x, 2 * x[:, ::-1] + 1), 9)
    0.0
    """
    return 2 * asin(procrustes(x, y) / 2)
