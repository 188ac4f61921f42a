"""Measures of the inner products of all pairs of items."""

from array_api_compat import array_namespace

from likewise.measures.measure import Facts, measure
from likewise.prepared import Prepared, UnitGram


@measure(
    title="Centred kernel alignment, linear",
    facts=lambda: Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0,
        invariances=frozenset({"feature permutation", "orthogonal", "scaling", "translation"}),
    ),
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
