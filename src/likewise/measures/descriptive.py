"""Numbers that describe one representation, and measures that compare them: no row is matched with another."""

from math import inf

from likewise.arrays import array_namespace
from likewise.errors import UndefinedError
from likewise.measures.facts import Difference, Facts, positive, rotations
from likewise.measures.operands import Operand, prepare
from likewise.measures.registry import measure
from likewise.measures.without_each import of_difference
from likewise.quantities import (
    Concentricity,
    ConcentricityWithout,
    Distances,
    MeanRowNorm,
    MeanRowNormWithout,
    Prepared,
    PrincipalComponents,
    Uniformity,
    UniformityWithout,
    entropy_rank,
    participation,
    singular_values,
)


@measure(
    title="Magnitude difference",
    facts=lambda: Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=False, center=False),
        paired=False,
        regime="none",
        cost="side O(n^2 d), pair O(1)",
        minimum_items=1,
    ),
    difference=lambda: Difference(MeanRowNorm()),
    without_each=lambda: of_difference(Difference(MeanRowNorm()), MeanRowNormWithout()),
    references=("10.48550/arXiv.2305.06329",),
)
def magnitude_difference(x: Prepared, y: Prepared) -> float:
    r"""Difference of the lengths of the mean rows.

    .. math:: \big| |\bar x| - |\bar y| \big|

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        The rows of both; their order does not matter.

    Returns
    -------
    float
        From 0 upwards, in the units of the features.

    Raises
    ------
    InputError
        If the sides differ in their number of rows, which it would not need.

    Notes
    -----
    Cost: O(n^2 d) once per side, nothing per pair. Alike lengths say little about alike representations.

    References
    ----------
    Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> magnitude_difference(np.asarray([[3.0, 4.0]]), np.asarray([[1.0]]))
    4.0
    """
    return Difference(MeanRowNorm()).score(x, y)


@measure(
    title="Concentricity difference",
    facts=lambda: Facts(
        direction="distance",
        bounds=(0.0, 2.0),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=True, center=False),
        paired=False,
        regime="none",
        cost="side O(n^2 d), pair O(1)",
        minimum_items=1,
    ),
    difference=lambda: Difference(Concentricity()),
    without_each=lambda: of_difference(Difference(Concentricity()), ConcentricityWithout()),
    references=("10.48550/arXiv.2305.06329",),
)
def concentricity_difference(x: Prepared, y: Prepared) -> float:
    r"""Difference of how closely the rows point the way of their mean.

    .. math:: \Big| \frac{1}{n} \sum_i \cos(x_i, \bar x) - \frac{1}{n} \sum_i \cos(y_i, \bar y) \Big|

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        The rows of both; their order does not matter.

    Returns
    -------
    float
        In [0, 2].

    Raises
    ------
    UndefinedError
        If a row, or the mean row, has no length.

    Notes
    -----
    Cost: O(n^2 d) once per side, nothing per pair.

    References
    ----------
    Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.asarray([[1.0, 1.0], [1.0, -1.0]]), np.asarray([[1.0, 0.0], [2.0, 0.0]])
    >>> round(concentricity_difference(x, y) + 0.5**0.5, 12)
    1.0
    """
    return Difference(Concentricity()).score(x, y)


def _uniformity_facts(t: float, normalize: bool) -> Facts:
    positive("t", t)
    return Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=normalize, center=not normalize),
        paired=False,
        regime="none" if normalize else "0 to many digits: rows of many features lie too far apart",
        cost="side O(n^2 d), pair O(1)",
        minimum_items=2,
    )


@measure(
    title="Uniformity difference",
    facts=_uniformity_facts,
    variants=({"normalize": False, "t": 0.02}, {"t": 0.5}),
    difference=lambda t, normalize: Difference(Uniformity(float(t), normalize)),
    without_each=lambda t, normalize: of_difference(
        Difference(Uniformity(float(t), normalize)), UniformityWithout(float(t), normalize)
    ),
    references=("10.48550/arXiv.2005.10242", "10.48550/arXiv.2305.06329"),
)
def uniformity_difference(x: Prepared, y: Prepared, *, t: float = 2.0, normalize: bool = True) -> float:
    r"""Difference of how evenly the rows are spread.

    .. math:: |u(X) - u(Y)|, \quad u(X) = \log \frac{1}{n^2} \sum_{ij} e^{-t |x_i - x_j|^2}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        The rows of both; their order does not matter.
    t : float
        Weight of the squared distances.
    normalize : bool
        Take rows of unit length. Without it, as in the ReSi benchmark, scale counts, and the rows of large models lie
        so far apart that every term but i = j vanishes.

    Returns
    -------
    float
        From 0 upwards.

    Raises
    ------
    UndefinedError
        If ``normalize`` and a row has no length.

    Notes
    -----
    Cost: O(n^2 d) once per side, nothing per pair.

    References
    ----------
    Wang and Isola (2020), doi:10.48550/arXiv.2005.10242; Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> uniformity_difference(x, 3 * x)
    0.0
    """
    return Difference(Uniformity(float(t), normalize)).score(x, y)


def effective_rank(x: Operand) -> float:
    r"""Effective rank: the number of equally long directions that would have the same entropy.

    .. math:: \exp\Big(-\sum_i p_i \log p_i\Big), \quad p_i = s_i / \textstyle\sum_j s_j

    with s the singular values of the centred rows.

    Parameters
    ----------
    x : array, Representation or Prepared, shape (n, d)
        One representation.

    Returns
    -------
    float
        From 1 to min(n - 1, d).

    Raises
    ------
    UndefinedError
        If all rows are equal.

    References
    ----------
    Roy and Vetterli (2007), doi:10.5281/zenodo.40328.

    Examples
    --------
    >>> import numpy as np
    >>> round(effective_rank(np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])), 12)
    2.0
    """
    return entropy_rank(singular_values(prepare(x)[PrincipalComponents(center=True)]))


def participation_ratio(x: Operand) -> float:
    r"""Participation ratio: the number of equally large variances that would concentrate as little.

    .. math:: \frac{(\sum_i s_i^2)^2}{\sum_i s_i^4}

    with s the singular values of the centred rows.

    Parameters
    ----------
    x : array, Representation or Prepared, shape (n, d)
        One representation.

    Returns
    -------
    float
        From 1 to min(n - 1, d).

    Raises
    ------
    UndefinedError
        If all rows are equal.

    References
    ----------
    Gao et al. (2017), doi:10.1101/214262.

    Examples
    --------
    >>> import numpy as np
    >>> round(participation_ratio(np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])), 12)
    2.0
    """
    return participation(singular_values(prepare(x)[PrincipalComponents(center=True)]))


def anisotropy(x: Operand) -> float:
    r"""Anisotropy: the mean cosine between two different rows.

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} \cos(x_i, x_j)

    Parameters
    ----------
    x : array, Representation or Prepared, shape (n, d)
        One representation.

    Returns
    -------
    float
        From -1/(n - 1) to 1; 0 for rows that point everywhere alike.

    Raises
    ------
    UndefinedError
        If a row has no length.

    References
    ----------
    Ethayarajh (2019), doi:10.18653/v1/D19-1006.

    Examples
    --------
    >>> import numpy as np
    >>> anisotropy(np.asarray([[1.0, 0.0], [0.0, 1.0]]))
    0.0
    """
    of = prepare(x)
    if of.n == 1:
        raise UndefinedError(f"{of.name} has one row: anisotropy needs two")
    distances = of[Distances("cosine")]
    return 1 - float(array_namespace(distances).sum(distances)) / (of.n * (of.n - 1))
