"""Measures of representational similarity matrices: the distances of all pairs of items."""

from math import inf, sqrt
from typing import Literal

from array_api_compat import array_namespace

from likewise.measures.alignment import rotations
from likewise.measures.measure import Facts, choice, measure
from likewise.prepared import Distances, Norm, Prepared, UnitRanks


def _rsa_facts(inner: str, outer: str) -> Facts:
    choice("rsa", "inner", inner, ("euclidean", "cosine"))
    choice("rsa", "outer", outer, ("spearman",))
    return Facts(
        direction="similarity",
        bounds=(-1.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=inner == "euclidean"),
        minimum_items=3,
    )


@measure(
    title="Representational similarity analysis",
    facts=_rsa_facts,
    variants=({"inner": "cosine"},),
    references=("10.3389/neuro.06.004.2008",),
)
def rsa(
    x: Prepared,
    y: Prepared,
    *,
    inner: Literal["euclidean", "cosine"] = "euclidean",
    outer: Literal["spearman"] = "spearman",
) -> float:
    r"""Representational similarity analysis: whether the same items are far apart on both sides.

    .. math:: outer\big(\{inner(x_i, x_j)\}_{i<j}, \{inner(y_i, y_j)\}_{i<j}\big)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    inner : {"euclidean", "cosine"}
        The distance between two items of one side.
    outer : {"spearman"}
        The correlation between the two lists of distances; ties share their mean rank.

    Returns
    -------
    float
        In [-1, 1].

    Raises
    ------
    UndefinedError
        If all distances of a side are equal, or a row of no length meets ``inner="cosine"``.

    Notes
    -----
    Cost: O(n^2 (d + log n)) once per side, O(n^2) per pair. Dividing by the Frobenius norm first changes nothing:
    ranks do not feel scale.

    References
    ----------
    Kriegeskorte, Mur, Bandettini (2008), doi:10.3389/neuro.06.004.2008.

    Examples
    --------
    >>> import numpy as np
    >>> round(rsa(np.asarray([[0.0], [1.0], [3.0]]), np.asarray([[0.0], [1.0], [-3.0]])), 12)
    0.5
    """
    a, b = x[UnitRanks(inner)], y[UnitRanks(inner)]
    # Both triangles of the symmetric matrices are summed.
    return float(array_namespace(a, b).sum(a * b)) / 2


def _rsm_difference_facts(inner: str, center: bool, normalize: bool) -> Facts:
    choice("rsm_difference", "inner", inner, ("euclidean", "cosine"))
    euclidean = inner == "euclidean"
    # Euclidean distances ignore the offset by themselves; the norm that divides them feels it unless centred.
    translation = center or (euclidean and not normalize)
    return Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=normalize or not euclidean, center=translation),
    )


@measure(
    title="Norm of the RSM difference",
    facts=_rsm_difference_facts,
    variants=(
        {"center": False},
        {"normalize": False},
        {"center": False, "normalize": False},
        {"inner": "cosine", "center": False, "normalize": False},
        {"inner": "cosine"},
    ),
    references=("10.1609/aaai.v36i6.20663", "10.48550/arXiv.2312.02730"),
)
def rsm_difference(
    x: Prepared,
    y: Prepared,
    *,
    inner: Literal["euclidean", "cosine"] = "euclidean",
    center: bool = True,
    normalize: bool = True,
) -> float:
    r"""Norm of the difference of the two matrices of distances, over pairs of items i < j.

    .. math:: \sqrt{\textstyle\sum_{i<j} (S_{ij} - S'_{ij})^2}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    inner : {"euclidean", "cosine"}
        The distance between two items of one side.
    center : bool
        Subtract the column means first; Euclidean distances do not feel it.
    normalize : bool
        Divide by the Frobenius norm first; cosines do not feel it.

    Returns
    -------
    float
        From 0 upwards, growing with the number of items.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal (``normalize``), or a row of no length meets ``inner="cosine"``.

    Notes
    -----
    Cost: O(n^2 d) once per side, O(n^2) per pair.

    References
    ----------
    Yin and Shen (2018) use the form over features; over items: Klabunde et al. (2023),
    doi:10.48550/arXiv.2312.02730.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.asarray([[0.0], [1.0], [3.0]]), np.asarray([[0.0], [1.0], [2.0]])
    >>> round(rsm_difference(x, y, center=False, normalize=False) ** 2, 12)
    2.0
    """
    a, b = (of[Distances(inner, center=center and inner == "cosine")] for of in (x, y))
    if normalize and inner == "euclidean":
        a, b = a / x[Norm(center)], b / y[Norm(center)]
    return sqrt(float(array_namespace(a, b).sum((a - b) ** 2)) / 2)
