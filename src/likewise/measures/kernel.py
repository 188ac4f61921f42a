"""Measures of the inner products of all pairs of items."""

from math import sqrt

from array_api_compat import array_namespace

from likewise.measures.measure import Facts, measure
from likewise.prepared import CrossDecomposition, Norm, Prepared, UnitDoublyCentered, UnitGram

ROTATION_SCALE_OFFSET = frozenset({"feature permutation", "orthogonal", "scaling", "translation"})


def _facts() -> Facts:
    return Facts(direction="similarity", bounds=(0.0, 1.0), identity=1.0, invariances=ROTATION_SCALE_OFFSET)


@measure(
    title="Centred kernel alignment, linear",
    facts=_facts,
    references=("10.48550/arXiv.1905.00414",),
)
def cka(x: Prepared, y: Prepared) -> float:
    r"""Linear centred kernel alignment, the biased form.

    .. math:: \frac{\langle HKH, HLH \rangle_F}{|HKH|_F \, |HLH|_F}, \quad K = XX', L = YY', H = I - 11'/n

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
    Cost: O(n^2 d) once per side, O(n^2) per pair. It tends to 1 for unrelated data when d is much larger than n:
    read it beside its chance level.

    References
    ----------
    Kornblith et al. (2019), doi:10.48550/arXiv.1905.00414.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(cka(x, 5 * x + 3), 12)
    1.0
    """
    a, b = x[UnitGram()], y[UnitGram()]
    return float(array_namespace(a, b).sum(a * b))


@measure(
    title="Distance correlation",
    facts=_facts,
    references=("10.1214/009053607000000505",),
)
def distance_correlation(x: Prepared, y: Prepared) -> float:
    r"""Distance correlation, the biased form.

    .. math:: \sqrt{\frac{\langle A, B \rangle_F}{|A|_F \, |B|_F}}, \quad A = HDH, B = HEH

    with D and E the Euclidean distances between the rows of each side and H = I - 11'/n.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Returns
    -------
    float
        In [0, 1]; 0 only for independent rows, as n grows.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal.

    Notes
    -----
    Cost: O(n^2 d) once per side, O(n^2) per pair. Near 1 for unrelated data of few rows in many dimensions: read it
    beside its chance level.

    References
    ----------
    Szekely, Rizzo, Bakirov (2007), doi:10.1214/009053607000000505.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(distance_correlation(x, 5 * x + 3), 12)
    1.0
    """
    a, b = x[UnitDoublyCentered()], y[UnitDoublyCentered()]
    # Never negative but for rounding: a product of two positive semidefinite matrices has no negative trace.
    return sqrt(max(0.0, float(array_namespace(a, b).sum(a * b))))


@measure(
    title="Normalized Bures similarity",
    facts=_facts,
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
    _, s, _ = x.joint(y, CrossDecomposition(center=True))
    return float(array_namespace(s).sum(s) / (x[Norm(center=True)] * y[Norm(center=True)]))
