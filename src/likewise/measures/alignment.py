"""Measures that rotate one representation onto the other."""

from math import asin, inf, pi, sqrt

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import InputError, UndefinedError
from likewise.measures.cosine_without_each import of_aligned_cosine
from likewise.measures.facts import NEARS_IDENTITY, Facts, check_folds, rotations
from likewise.measures.nuclear_norm_without_each import of_canonical, of_nuclear_norm
from likewise.measures.registry import Score, measure
from likewise.measures.without_each import WithoutEach
from likewise.quantities import (
    AlignedCosine,
    AlignedProducts,
    BothRows,
    ComponentProducts,
    CrossDecomposition,
    Factor,
    HeldOutRows,
    Norm,
    NuclearNorm,
    Prepared,
    PrincipalComponents,
    RowNorms,
    SingularValues,
    completed,
    held_out_pairs,
    in_order,
    scaled_products,
    singular_values,
    splits,
    summed,
)

NEAR = 1e-6
"""Below this share of |X|^2 + |Y|^2 the squared distance is summed from the aligned rows: subtracting loses digits."""

HELD_OUT = "few training rows leave the rotation open in most directions, even between identical sides"
"""The regime of alignments that are judged on other items than they were fitted on."""


def _procrustes_facts(center: bool, normalize: bool, folds: int) -> Facts:
    check_folds(folds)
    return Facts(
        direction="distance",
        bounds=(0.0, (2.0 if folds else sqrt(2)) if normalize else inf),
        identity=None if folds else 0.0,
        metric=not folds,
        invariances=rotations(normalize=normalize, center=center),
        regime=HELD_OUT if folds else NEARS_IDENTITY,
        cost="side O(n^2 d), pair O(min(n, d)^3)" + (" for each fold" if folds else ""),
        minimum_items=max(4, folds) if folds else 3 if center else 2,
    )


def _procrustes_without_each(center: bool, normalize: bool, folds: int) -> WithoutEach | None:
    return None if folds else of_nuclear_norm(center=center, score="distance" if normalize else "size")


@measure(
    title="Orthogonal Procrustes distance",
    shuffled_in_rounds=lambda center, normalize, folds: not folds,
    facts=_procrustes_facts,
    without_each=_procrustes_without_each,
    variants=(
        {"center": False},
        {"normalize": False},
        {"center": False, "normalize": False},
        {"folds": 5},
        {"center": False, "normalize": False, "folds": 2},
    ),
    version=4,
    references=("10.1007/BF02289451", "10.48550/arXiv.2110.14739"),
)
def procrustes(x: Prepared, y: Prepared, *, center: bool = True, normalize: bool = True, folds: int = 0) -> float:
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
    folds : int
        Where not 0: find the rotation on the items of all folds but one, and judge it on that one, in turn; item i
        belongs to fold i mod ``folds``. Means are those of the training items; what they leave open of the rotation
        counts as its mean over all completions.

    Returns
    -------
    float
        In [0, sqrt 2] where ``normalize``, held out in [0, 2], otherwise from 0 upwards; 0 for representations alike
        up to a rotation.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal (``center``) or all zero.

    Notes
    -----
    Cost: O(n^2 max(d, e)) once per side, then O(min(n, d)^3) per pair, and for each fold. Unrelated data come near to
    0 when d is much larger than n: read it beside its chance level. A held-out fit does not, but then even identical
    representations differ where the training rows do not span the space.

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
    if folds:
        return _held_out_procrustes(x, y, center, normalize, folds)
    norm_x, norm_y = x[Norm(center)], y[Norm(center)]
    scale_x, scale_y = (norm_x, norm_y) if normalize else (1.0, 1.0)
    size_x, size_y = norm_x / scale_x, norm_y / scale_y
    squared = float(size_x**2 + size_y**2 - 2 * x.joint(y, NuclearNorm(center)) / (scale_x * scale_y))
    if squared <= NEAR * (size_x**2 + size_y**2):
        both = BothRows(x, y, center)
        u, s, vh = x.joint(y, CrossDecomposition(center))
        u, vh = completed(both.summed, u, s, vh, max(x.size, y.size))
        squared = both.summed(lambda i, j, a, b: aligned_residual(a / scale_x, b / scale_y, u @ vh))
    return sqrt(squared)


def _held_out_procrustes(x: Prepared, y: Prepared, center: bool, normalize: bool, folds: int) -> float:
    xp = array_namespace(x.given, y.given)
    scale_x, scale_y = (xp.linalg.matrix_norm(of[HeldOutRows(folds, center)]) if normalize else 1.0 for of in (x, y))
    squared = 0.0
    for a, b, u, vh in held_out_pairs(x, y, folds, center):
        a, b = a / scale_x, b / scale_y
        # Within the directions that the training rows have in common, and outside of them, where Q is open.
        parts = a @ u - b @ vh.T, a - a @ u @ u.T, b - b @ vh.T @ vh
        squared += sum(float(xp.sum(part**2)) for part in parts)
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


SHORT = 1e-7
"""A rotated row keeps fewer than nine digits of its direction if it is below this share of the longest one."""


def _aligned_cosine_facts(center: bool, normalize: bool, folds: int) -> Facts:
    check_folds(folds)
    return Facts(
        direction="similarity",
        bounds=(-1.0, 1.0),
        identity=None if folds else 1.0,
        invariances=rotations(normalize=True, center=center),
        regime=HELD_OUT if folds else NEARS_IDENTITY,
        cost="side O(n^2 d), pair O(min(n, d)^3)" + (" for each fold" if folds else ""),
        minimum_items=max(4, folds) if folds else 3 if center else 2,
    )


@measure(
    title="Aligned cosine similarity",
    shuffled_in_rounds=lambda center, normalize, folds: not folds,
    facts=_aligned_cosine_facts,
    without_each=lambda center, normalize, folds: None if folds else of_aligned_cosine(center),
    variants=({"center": False}, {"center": False, "normalize": False}, {"folds": 5}),
    version=5,
    references=("10.18653/v1/D16-1229", "10.48550/arXiv.2312.02730"),
)
def aligned_cosine(x: Prepared, y: Prepared, *, center: bool = True, normalize: bool = True, folds: int = 0) -> Score:
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
    folds : int
        Where not 0: held out, as in `procrustes`.

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
    Hamilton, Leskovec, Jurafsky (2016), doi:10.18653/v1/D16-1229; Klabunde et al. (2023),
    doi:10.48550/arXiv.2312.02730.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(aligned_cosine(x, x @ np.asarray([[0.0, 1.0], [-1.0, 0.0]])), 12)
    1.0
    """
    if folds:
        return _held_out_cosine(x, y, center, folds)
    norms_x, norms_y = _lengths(x, center), _lengths(y, center)
    if x.shuffle or y.shuffle:  # of which the mean is wanted alone, and no cosine of a row
        return float(x.joint(y, AlignedCosine(center)))
    return x.joint(y, AlignedProducts(center)) / (norms_x * norms_y)


def _lengths(of: Prepared, center: bool) -> Float[Array, " n"]:
    norms = of[RowNorms(center)]
    xp = array_namespace(norms)
    if xp.min(norms) <= SHORT * xp.max(norms):
        raise UndefinedError(
            f"row {int(xp.argmin(norms))} of {of.name} is too small beside the others: its direction is lost in the "
            "rounding of the rotation"
        )
    return norms


def _held_out_cosine(x: Prepared, y: Prepared, center: bool, folds: int) -> Float[Array, " n"]:
    xp = array_namespace(x.given, y.given)
    norms_x, norms_y = (_held_out_norms(of, center, folds) for of in (x, y))
    pairs = held_out_pairs(x, y, folds, center)
    products = [xp.sum((a @ u) * (b @ vh.T), axis=1) for a, b, u, vh in pairs]
    places = [test for _, test in splits(x, folds, norms_x)]
    return in_order(products, places) / (norms_x * norms_y)


def _held_out_norms(of: Prepared, center: bool, folds: int) -> Float[Array, " n"]:
    rows = of[HeldOutRows(folds, center)]
    xp = array_namespace(rows)
    norms = xp.linalg.vector_norm(rows, axis=1)
    zero = norms <= SHORT * xp.max(xp.linalg.vector_norm(of[Factor(center)], axis=1))
    if xp.any(zero):
        raise UndefinedError(
            f"row {int(xp.argmax(xp.astype(zero, xp.int64)))} of {of.name} is the mean of the rows that its fold "
            "trains on, or too near to it: a row of no length has no cosine"
        )
    return norms


@measure(
    title="Procrustes angle",
    shuffled_in_rounds=lambda **parameters: True,
    facts=lambda: Facts(
        direction="distance",
        bounds=(0.0, pi / 2),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=True, center=True),
        regime=NEARS_IDENTITY,
        cost="side O(n^2 d), pair O(min(n, d)^3)",
        minimum_items=3,
    ),
    without_each=lambda: of_nuclear_norm(score="angle"),
    version=4,
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


def _shape_distance_facts(alpha: float) -> Facts:
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha={alpha!r}; expected a number from 0 (whitened) to 1 (as it is)")
    extra = {"scaling", "linear"} if alpha == 0 else {"scaling"} if alpha == 1 else set()
    return Facts(
        direction="distance",
        bounds=(0.0, pi / 2),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=False, center=True) | extra,
        regime="undefined" if alpha == 0 else NEARS_IDENTITY,
        cost="side O(n d min(n, d)), pair O(min(n, d)^3)",
        undefined_if_wide=alpha == 0,
        minimum_items=3,
    )


@measure(
    title="Angular shape distance",
    shuffled_in_rounds=lambda **parameters: True,
    facts=_shape_distance_facts,
    without_each=lambda alpha: {0: of_canonical(score="angle"), 1: of_nuclear_norm(score="angle")}.get(alpha),
    variants=({"alpha": 0.5}, {"alpha": 0.0}),
    version=4,
    references=("10.48550/arXiv.2110.14739",),
)
def shape_distance(x: Prepared, y: Prepared, *, alpha: float = 1.0) -> float:
    r"""Angular shape distance after partial whitening: from the Procrustes angle to an angle of canonical correlations.

    .. math:: \min_{Q'Q = I} \arccos \frac{\langle Z_x Q, Z_y \rangle}{|Z_x| |Z_y|}, \quad
        Z = X (\alpha I + (1 - \alpha) (X'X)^{-1/2})

    for centred X and Y, the inverse taken in the directions that vary.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    alpha : float
        1 leaves the representations as they are (`procrustes_angle`), 0 whitens them. Between, scale counts: alpha
        weighs the representation, in its units, against the whitened one.

    Returns
    -------
    float
        Radians, in [0, pi/2].

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, or, for ``alpha=0``, its centred rows are linearly independent: whitened,
        they are the same for any data.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side, then O(min(n, d)^3) per pair.

    References
    ----------
    Williams et al. (2021), doi:10.48550/arXiv.2110.14739.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 2.0]])
    >>> round(shape_distance(x, x @ np.asarray([[1.0, 2.0], [3.0, 4.0]]), alpha=0), 9)
    0.0
    """
    if alpha == 1:
        return procrustes_angle(x, y)
    scales = _partly_whitened(x, alpha), _partly_whitened(y, alpha)
    products = scaled_products(x, y, True, scales)
    xp = array_namespace(products)
    chord = float(2 - 2 * xp.sum(xp.linalg.svdvals(products)))
    if chord <= 2 * NEAR:
        chord = _near_chord(x, y, alpha)
    return 2 * asin(sqrt(chord) / 2)


def _near_chord(x: Prepared, y: Prepared, alpha: float) -> float:
    """The squared distance of the rotated rows, summed from them."""
    of = PrincipalComponents(center=True)
    first, second = (_divisors(singular_values(side[of]), alpha) for side in (x, y))
    products = x.joint(y, ComponentProducts(center=True, from_rows=True)) / (first[:, None] * second[None, :])
    u, _, vh = array_namespace(products).linalg.svd(products, full_matrices=False)
    width = products.shape[0] + products.shape[1]
    return summed(
        (x.n, width), lambda i, j: aligned_residual(x.some(of, i, j) / first, y.some(of, i, j) / second, u @ vh)
    )


def _divisors(s: Float[Array, " r"], alpha: float) -> Float[Array, " r"]:
    """What principal components of such lengths are divided by."""
    z = alpha + (1 - alpha) / s
    return array_namespace(s).linalg.vector_norm(s * z) / z


def _partly_whitened(of: Prepared, alpha: float) -> Float[Array, " r"]:
    """What the principal components are divided by."""
    s = of[SingularValues(center=True)]
    if alpha == 0 and s.shape[0] >= of.n - 1:
        raise UndefinedError(
            f"the {of.n} centred rows of {of.name} are linearly independent, as they are where n <= d: whitened, they "
            "are the same for any data; take more items, or alpha > 0"
        )
    return _divisors(s, alpha)
