"""Measures of the inner products of all pairs of items."""

from math import inf, sqrt
from typing import Literal

from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import InputError, UndefinedError
from likewise.measures.facts import NEARS_IDENTITY, Bilinear, Facts, Product, choice, positive, rotations
from likewise.measures.nuclear_norm_without_each import of_nuclear_norm
from likewise.measures.projection_without_each import of_projections
from likewise.measures.registry import measure
from likewise.measures.without_each import WithoutEach, of_centred
from likewise.quantities import (
    Gram,
    NeighbourRanks,
    Neighbours,
    Norm,
    NuclearNorm,
    Prepared,
    Projection,
    RowNorms,
    RowProducts,
    SharedFeatures,
    SingularValues,
    UnitDoublyCentered,
    UnitKernel,
    scaled_products,
)

NO_SHARE = 1e-6
"""Below this share of the norm, what different features have in common is lost in the rounding of the rest."""

FEATURES = frozenset({"feature permutation", "scaling", "translation"})


def _cka_facts(kernel: str, bandwidth: float, debiased: bool, feature_corrected: bool) -> Facts:
    choice("kernel", kernel, ("linear", "rbf"))
    positive("bandwidth", bandwidth)
    if kernel == "linear" and bandwidth != 1.0:
        raise InputError(f"bandwidth={bandwidth}: only kernel='rbf' has a bandwidth")
    if feature_corrected and not (debiased and kernel == "linear"):
        raise InputError(f"kernel={kernel!r}, debiased={debiased}, feature_corrected=True: the correction for "
                         "sampled features belongs to kernel='linear' with debiased=True")  # fmt: skip
    return Facts(
        direction="similarity",
        bounds=(-inf, inf) if feature_corrected else (-1.0, 1.0) if debiased else (0.0, 1.0),
        identity=None if feature_corrected else 1.0,
        invariances=FEATURES if feature_corrected else rotations(normalize=True, center=True),
        regime="unrelated data stay near 0, of either sign" if debiased else NEARS_IDENTITY,
        cost="side O(n^2 d), pair O(n^2)",
        minimum_items=4 if debiased else 3,
    )


def _cka_product(
    kernel: Literal["linear", "rbf"], bandwidth: float, debiased: bool, feature_corrected: bool
) -> Product | None:
    return None if feature_corrected else Product(UnitKernel(kernel, bandwidth, debiased))


def _cka_without_each(
    kernel: Literal["linear", "rbf"], bandwidth: float, debiased: bool, feature_corrected: bool
) -> WithoutEach | None:
    # The bandwidth follows the median distance of the items that are there.
    fixed = kernel == "linear" and not feature_corrected
    return of_centred(UnitKernel(kernel, bandwidth, debiased), debiased=debiased) if fixed else None


@measure(
    title="Centred kernel alignment",
    facts=_cka_facts,
    product=_cka_product,
    without_each=_cka_without_each,
    variants=(
        {"debiased": True},
        {"kernel": "rbf"},
        {"kernel": "rbf", "bandwidth": 0.5, "debiased": True},
        {"debiased": True, "feature_corrected": True},
    ),
    version=2,
    references=(
        "10.48550/arXiv.1905.00414",
        "10.48550/arXiv.2405.01012",
        "10.48550/arXiv.2502.15104",
    ),
)
def cka(
    x: Prepared,
    y: Prepared,
    *,
    kernel: Literal["linear", "rbf"] = "linear",
    bandwidth: float = 1.0,
    debiased: bool = False,
    feature_corrected: bool = False,
) -> float:
    r"""Centred kernel alignment: the cosine between two centred kernel matrices.

    .. math:: \frac{\langle HKH, HLH \rangle_F}{|HKH|_F \, |HLH|_F}, \quad H = I - 11'/n

    Where ``debiased``, with zero diagonals and the unbiased estimate of each inner product,

    .. math:: h(K, L) = \frac{1}{n (n - 3)} \Big[ \operatorname{tr} KL + \frac{1'K1 \, 1'L1}{(n-1)(n-2)}
        - \frac{2}{n-2} 1'KL1 \Big], \quad \frac{h(K, L)}{\sqrt{h(K, K) \, h(L, L)}}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    kernel : {"linear", "rbf"}
        K = XX', or exp(-|x_i - x_j|^2 / (2 s^2)).
    bandwidth : float
        s of the Gaussian kernel, relative to the median distance of two items; wide ones tend to the linear kernel.
    debiased : bool
        Estimate without the bias of few items.
    feature_corrected : bool
        Take, besides, h(K, K) and h(L, L) over pairs of different features only, so that neither the sampling of
        items nor that of features biases the ratio. A rotation mixes the features and changes it.

    Returns
    -------
    float
        In [0, 1]; where ``debiased``, in [-1, 1], about 0 for unrelated data; where ``feature_corrected``, unbounded.
        1 for representations alike up to rotation, scale and offset.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, or nothing is left after centring or after the correction.

    Notes
    -----
    Cost: O(n^2 d) once per side, O(n^2) per pair. The linear kernel of few features is not formed: O(n d^2) then, and
    O(n^2 d) for the skewness of its chance level, in less memory than the rows; from 16,384 items on that is O(n d^2)
    too, from a sample of 1,024 rows, and misses by less than 1e-4 of itself. Where ``debiased`` and a few rows are much
    longer than the others, sums over features lose digits: the n x n matrix is formed, as for many features. The biased
    form tends to 1 for unrelated data when d is much larger than n: read it beside its chance level.
    Negative values are shown as they are.

    References
    ----------
    Kornblith et al. (2019), doi:10.48550/arXiv.1905.00414; Song et al. (2012), Journal of Machine Learning
    Research 13; Murphy et al. (2024), doi:10.48550/arXiv.2405.01012; Chun et al. (2025), doi:10.48550/arXiv.2502.15104.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> round(cka(x, 5 * x + 3), 12), round(cka(x, 5 * x + 3, debiased=True), 12)
    (1.0, 1.0)
    """
    products = x.joint(y, RowProducts(UnitKernel(kernel, float(bandwidth), debiased)))
    value = float(array_namespace(products).sum(products))
    if not feature_corrected:
        return value
    shares = [float(of[SharedFeatures()]) for of in (x, y)]
    if min(shares) <= NO_SHARE:
        name = x.name if shares[0] <= NO_SHARE else y.name
        raise UndefinedError(
            f"what different features of {name} have in common is estimated as nothing: no norm to divide by"
        )
    return value / sqrt(shares[0] * shares[1])


def _cknna_facts(k: int, transposed: bool) -> Facts:
    positive("k", k)
    return Facts(
        direction="similarity",
        bounds=(-inf, inf),
        identity=1.0,
        invariances=rotations(normalize=True, center=False),
        symmetric=not transposed,
        regime="unrelated data stay near 0, of either sign",
        cost="side O(n^2 (d + log n)), pair O(n^2)",
        minimum_items=max(4, k + 2),
    )


@measure(
    title="Centred kernel alignment of nearest neighbours",
    facts=_cknna_facts,
    variants=({"transposed": True}, {"k": 4}),
    references=("10.48550/arXiv.2405.07987",),
)
def cknna(x: Prepared, y: Prepared, *, k: int = 10, transposed: bool = False) -> float:
    r"""Debiased kernel alignment over the pairs of items that are near neighbours on both sides.

    .. math:: \frac{h(M \odot K, M \odot L)}{\sqrt{h(M_K \odot K, M_K \odot K) \, h(M_L \odot L, M_L \odot L)}}

    with K, L the cosines of the rows, M_K marking the k nearest items of each item, M = M_K M_L, and h the unbiased
    estimate of `cka`, its first term the sum of elementwise products.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k : int
        Size of a neighbourhood, below n. An item is not its own neighbour; ties go to the lower index.
    transposed : bool
        Take tr(AB) in h, not the sum of elementwise products tr(AB'): the number of the authors' code, which meets
        each neighbourhood with the other's transposed, and is not symmetric.

    Returns
    -------
    float
        1 for representations alike up to rotation and scale, about 0 for unrelated data; not bounded.

    Raises
    ------
    UndefinedError
        If k is not below n, a row has no length, or a side's own estimate h is not positive.

    Notes
    -----
    Cost: O(n^2 (d + log n)) once per side, O(n^2) per pair.

    References
    ----------
    Huh et al. (2024), doi:10.48550/arXiv.2405.07987.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0], [1.0, 1.0]])
    >>> round(cknna(x, 3 * x[:, ::-1], k=2), 12)
    1.0
    """
    (mask_x, cosines_x), (mask_y, cosines_y) = (_near_cosines(of, k) for of in (x, y))
    own_x, own_y = mask_x * cosines_x, mask_y * cosines_y
    norms = [_hsic(own, own, transposed) for own in (own_x, own_y)]
    if min(norms) <= 0:
        name = x.name if norms[0] <= 0 else y.name
        raise UndefinedError(f"the estimate of {name}'s own norm over its nearest neighbours is not positive")
    return _hsic(mask_y * own_x, mask_x * own_y, transposed) / sqrt(norms[0] * norms[1])


def _near_cosines(of: Prepared, k: int) -> tuple[Array, Array]:
    norms, gram = of[RowNorms(center=False)], of[Gram(center=False)]
    of[Neighbours(k, "cosine", center=False)]  # says where k is too large
    xp = array_namespace(gram)
    near = of[NeighbourRanks("cosine", center=False)] <= k
    return xp.astype(near, xp.float64), gram / (norms[:, None] * norms[None, :])


def _hsic(a: Float[Array, "n n"], b: Float[Array, "n n"], transposed: bool) -> float:
    """N (n - 3) h(A, B) for matrices with zero diagonals that need not be symmetric."""
    xp = array_namespace(a, b)
    n = a.shape[0]
    b = b.T if transposed else b
    columns = xp.sum(xp.sum(a, axis=0) * xp.sum(b, axis=0))
    return float(xp.sum(a * b) + xp.sum(a) * xp.sum(b) / ((n - 1) * (n - 2)) - 2 / (n - 2) * columns)


def _distance_correlation_facts(debiased: bool) -> Facts:
    return Facts(
        direction="similarity",
        bounds=(-1.0, 1.0) if debiased else (0.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=True),
        regime="unrelated data stay near 0, of either sign" if debiased else NEARS_IDENTITY,
        cost="side O(n^2 d), pair O(n^2)",
        minimum_items=4 if debiased else 3,
    )


@measure(
    title="Distance correlation",
    facts=_distance_correlation_facts,
    product=lambda debiased: Product(UnitDoublyCentered(debiased), score="linear" if debiased else "root"),
    without_each=lambda debiased: of_centred(UnitDoublyCentered(debiased), debiased=debiased, root=not debiased),
    variants=({"debiased": True},),
    references=("10.1214/009053607000000505", "10.1016/j.jmva.2013.02.012"),
)
def distance_correlation(x: Prepared, y: Prepared, *, debiased: bool = False) -> float:
    r"""Distance correlation: the correlation of two centred matrices of distances.

    .. math:: \sqrt{\frac{\langle A, B \rangle_F}{|A|_F \, |B|_F}}, \quad A = HDH, B = HEH

    with D and E the Euclidean distances between the rows of each side and H = I - 11'/n.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    debiased : bool
        Centre without the diagonal (U-centring) and take no root: the bias-corrected squared distance correlation.

    Returns
    -------
    float
        In [0, 1], 0 only for independent rows, as n grows; in [-1, 1] where ``debiased``.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, or nothing is left after centring.

    Notes
    -----
    Cost: O(n^2 d) once per side, O(n^2) per pair. The biased form is near 1 for unrelated data of few rows in many
    dimensions: read it beside its chance level.

    References
    ----------
    Székely, Rizzo, Bakirov (2007), doi:10.1214/009053607000000505; bias-corrected: Székely and Rizzo (2013),
    doi:10.1016/j.jmva.2013.02.012.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(distance_correlation(x, 5 * x + 3), 12)
    1.0
    """
    a, b = x[UnitDoublyCentered(debiased)], y[UnitDoublyCentered(debiased)]
    value = float(array_namespace(a, b).sum(a * b))
    # Never negative but for rounding: a product of two negative semidefinite matrices has no negative trace.
    return value if debiased else sqrt(max(0.0, value))


@measure(
    title="Normalized Bures similarity",
    shuffled_in_rounds=lambda **parameters: True,
    facts=lambda: Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=True),
        regime=NEARS_IDENTITY,
        cost="side O(n^2 d), pair O(min(n, d)^3)",
        minimum_items=3,
    ),
    without_each=of_nuclear_norm,
    version=3,
    references=("10.48550/arXiv.2311.11436",),
)
def nbs(x: Prepared, y: Prepared) -> float:
    r"""Normalized Bures similarity: the fidelity of the centred kernels, the cosine of the Procrustes angle.

    .. math:: \frac{|K^{1/2} L^{1/2}|_*}{\sqrt{\operatorname{tr} K \operatorname{tr} L}} = \frac{|X'Y|_*}{|X|_F |Y|_F}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Returns
    -------
    float
        In [0, 1]; 1 for representations alike up to rotation, scale and offset.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal.

    Notes
    -----
    Cost as `procrustes`, and one decomposition serves both.

    References
    ----------
    Harvey, Larsen, Williams (2023), doi:10.48550/arXiv.2311.11436.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(nbs(x, 5 * x + 3), 12)
    1.0
    """
    return float(x.joint(y, NuclearNorm(center=True)) / (x[Norm(center=True)] * y[Norm(center=True)]))


def _eigenspace_facts(over: str) -> Facts:
    choice("over", over, ("rank", "width"))
    return Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0 if over == "rank" else None,
        invariances=rotations(normalize=True, center=False) | {"linear"},
        regime="undefined" if over == "rank" else "n / max(d, e) for any data of full rank",
        cost="side O(n d min(n, d)), pair O(n^2)",
        undefined_if_wide=over == "rank",
    )


def _eigenspace_shuffled(over: str) -> Bilinear:
    projection = Projection(center=False, ridge=0.0)
    return Bilinear(projection, projection, lambda x, y: (0.0, 1 / _directions(x, y, over)))


def _directions(x: Prepared, y: Prepared, over: str) -> int:
    """What the overlap is divided by."""
    return max(of.d if over == "width" else of[SingularValues(center=False)].shape[0] for of in (x, y))


def _eigenspace_without_each(over: str) -> WithoutEach:
    return of_projections(lambda x, y, own_x, own_y, both: both / _directions(x, y, over), center=False, ridge=0.0)


@measure(
    title="Eigenspace overlap",
    facts=_eigenspace_facts,
    shuffled=_eigenspace_shuffled,
    without_each=_eigenspace_without_each,
    variants=({"over": "width"},),
    version=4,
    references=("10.48550/arXiv.1909.01264",),
)
def eigenspace_overlap(x: Prepared, y: Prepared, *, over: Literal["rank", "width"] = "rank") -> float:
    r"""Eigenspace overlap: how much of the two column spaces is common.

    .. math:: \frac{|U'V|_F^2}{\max(\operatorname{rank} X, \operatorname{rank} Y)}

    with U and V the left singular vectors of the two sides, not centred.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    over : {"rank", "width"}
        Divide by the larger rank, or by max(d, e), the number that the ReSi benchmark gives.

    Returns
    -------
    float
        In [0, 1]; 1 for equal column spaces.

    Raises
    ------
    UndefinedError
        If a side is zero, or, unless ``over="width"``, its rows are linearly independent: its column space is then
        the whole space, whatever the data.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side, O(n^2) per pair.

    References
    ----------
    May et al. (2019), doi:10.48550/arXiv.1909.01264.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(eigenspace_overlap(x, x @ np.asarray([[1.0, 2.0], [3.0, 4.0]])), 12)
    1.0
    """
    ranks = [of[SingularValues(center=False)].shape[0] for of in (x, y)]
    if over == "rank" and max(ranks) >= x.n:
        name = x.name if ranks[0] >= x.n else y.name
        raise UndefinedError(
            f"the {x.n} rows of {name} are linearly independent, as they are where n <= d: its column space is the "
            "whole space, whatever the data; take more items, or gulp with lam > 0"
        )
    common = scaled_products(x, y, False, (x[SingularValues(center=False)], y[SingularValues(center=False)]))
    return float(array_namespace(common).sum(common**2)) / _directions(x, y, over)
