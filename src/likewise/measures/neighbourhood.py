"""Measures of who is near to whom."""

from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array
from likewise.measures.alignment import rotations
from likewise.measures.measure import Facts, measure
from likewise.prepared import Neighbourhood, Prepared


def _facts(k: int, center: bool) -> Facts:
    return Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=center),
        minimum_items=k + 1,
    )


@measure(
    title="Jaccard similarity of neighbourhoods",
    facts=_facts,
    variants=({"center": True}, {"k": 3}),
    references=("10.48550/arXiv.2305.06329",),
)
def jaccard(x: Prepared, y: Prepared, *, k: int = 10, center: bool = False) -> float:
    r"""Mean Jaccard similarity of the sets of the k nearest neighbours by cosine.

    .. math:: \frac{1}{n} \sum_i \frac{|N_k(x_i) \cap N_k(y_i)|}{|N_k(x_i) \cup N_k(y_i)|}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k : int
        Size of a neighbourhood, below n. An item is not its own neighbour; ties go to the lower index.
    center : bool
        Subtract the column means first.

    Returns
    -------
    float
        In [0, 1]; about p / (2 - p) with p = k / (n - 1) for unrelated data.

    Raises
    ------
    UndefinedError
        If k is not below n, or a row has no length.

    Notes
    -----
    Cost: O(n^2 (d + log n)) once per side, O(n^2) single bytes per pair.

    References
    ----------
    Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> jaccard(x, x[:, ::-1], k=1)
    1.0
    """
    common = common_neighbours(x, y, k, center)
    return float(array_namespace(common).mean(common / (2 * k - common)))


def common_neighbours(x: Prepared, y: Prepared, k: int, center: bool) -> Float[Array, " n"]:
    """For each item, how many of its k nearest items the two sides share."""
    a, b = x[Neighbourhood(k, center)], y[Neighbourhood(k, center)]
    xp = array_namespace(a, b)
    return xp.sum(xp.astype(a & b, xp.float64), axis=1)


@measure(
    title="Mutual k nearest neighbours",
    facts=_facts,
    variants=({"center": True}, {"k": 3}),
    references=("10.48550/arXiv.2405.07987",),
)
def mutual_knn(x: Prepared, y: Prepared, *, k: int = 10, center: bool = False) -> float:
    r"""Mean share of the k nearest neighbours by cosine that both sides have.

    .. math:: \frac{1}{n} \sum_i \frac{|N_k(x_i) \cap N_k(y_i)|}{k}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k : int
        Size of a neighbourhood, below n. An item is not its own neighbour; ties go to the lower index.
    center : bool
        Subtract the column means first.

    Returns
    -------
    float
        In [0, 1]; about k / (n - 1) for unrelated data.

    Raises
    ------
    UndefinedError
        If k is not below n, or a row has no length.

    Notes
    -----
    The data of `jaccard` on another scale; cost as there.

    References
    ----------
    Huh et al. (2024), doi:10.48550/arXiv.2405.07987.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> mutual_knn(x, x[[0, 2, 1, 3]], k=1)
    0.0
    """
    common = common_neighbours(x, y, k, center)
    return float(array_namespace(common).mean(common / k))
