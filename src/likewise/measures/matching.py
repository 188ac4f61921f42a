"""Measures that match features with features, in the basis they come in."""

from math import inf, sqrt

import numpy as np
import scipy
from jaxtyping import Bool, Float

from likewise.arrays import Array, array_namespace, refined, to_numpy
from likewise.errors import InputError, MissingDependencyError, UndefinedError
from likewise.measures.facts import NEARS_IDENTITY, Facts
from likewise.measures.registry import measure
from likewise.quantities import Columns, Norm, Prepared, UnitColumns

PERMUTATION = frozenset({"feature permutation"})
NEAR = 1e-5
"""Below this a squared distance of unit columns is summed from the columns: 2 - 2 cos keeps fewer than ten digits."""


def _permutation_facts(center: bool, normalize: bool) -> Facts:
    extra = {"scaling": normalize, "translation": center}
    return Facts(
        direction="distance",
        bounds=(0.0, 2.0 if normalize else inf),
        identity=0.0,
        metric=True,
        invariances=PERMUTATION | {name for name, holds in extra.items() if holds},
        regime=NEARS_IDENTITY,
        cost="pair O(n d e + max(d, e)^3)",
    )


@measure(
    title="Permutation Procrustes distance",
    facts=_permutation_facts,
    variants=({"center": True}, {"normalize": True}, {"center": True, "normalize": True}),
    version=2,
    references=("10.1002/nav.3800020109", "10.48550/arXiv.2110.14739"),
)
def permutation_procrustes(x: Prepared, y: Prepared, *, center: bool = False, normalize: bool = False) -> float:
    r"""What the best order of the features leaves between two representations.

    .. math:: \min_{P} |XP - Y|_F

    over permutations P of the features, the narrower matrix padded with zero columns.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    center : bool
        Subtract the column means.
    normalize : bool
        Divide by the Frobenius norm; without it scale counts, in the units of the features.

    Returns
    -------
    float
        From 0 upwards, at most 2 where ``normalize``; 0 for representations alike up to the order of their features.

    Raises
    ------
    UndefinedError
        If ``normalize`` and the rows of a side are all equal (``center``) or all zero.

    Notes
    -----
    Cost: O(n d e) and a linear assignment, up to O(max(d, e)^3), per pair, on one core of the host.

    References
    ----------
    Kuhn (1955), doi:10.1002/nav.3800020109; Williams et al. (2021), doi:10.48550/arXiv.2110.14739.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> permutation_procrustes(x, x[:, ::-1])
    0.0
    """
    a, b = (of[Columns(center)] / (of[Norm(center)] if normalize else 1.0) for of in (x, y))
    xp = array_namespace(a, b)
    if x.d == y.d:  # distances of two features do not feel what all have in common, and products lose digits by it
        common = xp.mean(a + b, axis=1, keepdims=True) / 2
        a, b = a - common, b - common
    rows, columns = assignment(a.T @ b)
    unmatched = sum(float(xp.sum(xp.sum(m**2, axis=0)[_left_out(m, at)])) for m, at in ((a, rows), (b, columns)))
    return sqrt(float(xp.sum((xp.take(a, rows, axis=1) - xp.take(b, columns, axis=1)) ** 2)) + unmatched)


def _left_out(m: Float[Array, "n d"], matched: Array) -> Bool[Array, " d"]:
    """Which columns have no partner."""
    left = np.ones(m.shape[1], dtype=bool)
    left[to_numpy(matched)] = False
    return array_namespace(m).asarray(left, device=m.device)


def assignment(gains: Float[Array, "d e"]) -> tuple[Array, Array]:
    """Rows and columns of the one-to-one assignment of largest sum."""
    xp = array_namespace(gains)
    found = scipy.optimize.linear_sum_assignment(to_numpy(gains), maximize=True)
    return tuple(xp.asarray(index.astype(np.int64), device=gains.device) for index in found)


def _soft_matching_facts(share: float) -> Facts:
    if not 0 < share <= 1:
        raise InputError(f"share={share!r}; expected a share of the features, above 0 and up to 1")
    return Facts(
        direction="distance",
        bounds=(0.0, 2.0),
        identity=0.0,
        metric=share == 1,
        invariances=PERMUTATION | {"scaling"},
        regime=NEARS_IDENTITY,
        cost="pair O(n d e), and optimal transport of d by e points",
    )


@measure(
    title="Soft-matching distance",
    facts=_soft_matching_facts,
    variants=({"share": 0.5},),
    references=("10.48550/arXiv.2311.09466", "10.48550/arXiv.2602.19331"),
)
def soft_matching(x: Prepared, y: Prepared, *, share: float = 1.0) -> float:
    r"""Soft-matching distance: optimal transport between the features, each a point of unit length.

    .. math:: \sqrt{\min_P \frac{1}{m} \sum_{ij} P_{ij} \Big| \frac{x_i}{|x_i|} - \frac{y_j}{|y_j|} \Big|^2}

    over plans P >= 0 that take at most 1/d from each column x_i, bring at most 1/e to each y_j, and move m = ``share``
    in all.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    share : float
        Share of the features that is matched; the rest, hardest to match, is left out. 1 matches all.

    Returns
    -------
    float
        In [0, 2]; 0 for the same features in any order.

    Raises
    ------
    UndefinedError
        If a column is zero, or the solver finds no optimum.
    MissingDependencyError
        Without the extra ``transport``, where the widths differ or ``share`` is below 1.

    Notes
    -----
    Cost: O(n d e) per pair and, on one core of the host, a linear assignment where the widths are equal, otherwise a
    network simplex on d e edges: minutes for thousands of features.

    References
    ----------
    Khosla and Williams (2024), doi:10.48550/arXiv.2311.09466; partial: Kapoor, Williams, Khosla (2026),
    doi:10.48550/arXiv.2602.19331.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(soft_matching(x, 2 * x[:, ::-1]), 9)
    0.0
    """
    a, b = x[UnitColumns(center=False)], y[UnitColumns(center=False)]
    squared = 2 - 2 * (a.T @ b)
    costs = to_numpy(refined(squared, squared <= NEAR, a.T, b.T))
    if x.d == y.d and share == 1:
        # Between equally many points of equal weight, an optimal plan is one-to-one (Birkhoff).
        return sqrt(float(costs[scipy.optimize.linear_sum_assignment(costs)].mean()))
    return sqrt(_transport(costs, share, f"{x.name} and {y.name}"))


def _transport(costs: Float[np.ndarray, "d e"], share: float, sides: str) -> float:
    try:
        import ot
    except ImportError as error:
        raise MissingDependencyError("POT", "transport") from error
    weights = [np.full(size, 1 / size) for size in costs.shape]
    if share == 1:
        plan, log = ot.emd(*weights, costs, numItermax=10**9, log=True)
    else:
        plan, log = ot.partial.partial_wasserstein(*weights, costs, m=share, numItermax=10**9, log=True)
    if log.get("warning"):
        raise UndefinedError(f"no optimal transport between the features of {sides}: {log['warning']}")
    return float(np.sum(plan * costs)) / share


CORRELATIONS = Facts(
    direction="similarity",
    bounds=(-1.0, 1.0),
    identity=1.0,
    invariances=PERMUTATION | {"scaling", "translation"},
    regime="rises for unrelated data with the number of features to choose from",
    cost="side O(n d), pair O(n d e)",
    minimum_items=3,
)


def correlations(x: Prepared, y: Prepared) -> Float[Array, "d e"]:
    """Pearson's correlation of each column of X with each of Y."""
    return x[UnitColumns(center=True)].T @ y[UnitColumns(center=True)]


@measure(
    title="Hard correlation match",
    facts=lambda: CORRELATIONS,
    references=("10.48550/arXiv.1511.07543",),
)
def hard_correlation_match(x: Prepared, y: Prepared) -> float:
    r"""Mean correlation of the features when each is matched with one of the other side.

    .. math:: \max_\pi \frac{1}{\min(d, e)} \sum_i C_{i \pi(i)}, \quad C_{ij} = \operatorname{corr}(x_i, y_j)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Returns
    -------
    float
        In [-1, 1]; 1 for the same features in any order, each with a scale and an offset of its own.

    Raises
    ------
    UndefinedError
        If a column is constant, naming the first.

    Notes
    -----
    Cost: O(n d e) and a linear assignment, up to O(max(d, e)^3), per pair.

    References
    ----------
    Li et al. (2016), doi:10.48550/arXiv.1511.07543.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(hard_correlation_match(x, x[:, ::-1] + 5), 12)
    1.0
    """
    found = correlations(x, y)
    rows, columns = assignment(found)
    return float(to_numpy(found)[to_numpy(rows), to_numpy(columns)].mean())


@measure(
    title="Soft correlation match",
    facts=lambda: CORRELATIONS,
    references=("10.48550/arXiv.1511.07543",),
)
def soft_correlation_match(x: Prepared, y: Prepared) -> float:
    r"""Mean correlation of each feature with the one of the other side that is nearest to it.

    .. math:: \frac{1}{2} \Big( \frac{1}{d} \sum_i \max_j C_{ij} + \frac{1}{e} \sum_j \max_i C_{ij} \Big), \quad
        C_{ij} = \operatorname{corr}(x_i, y_j)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Returns
    -------
    float
        In [-1, 1]; 1 where every feature has its like on the other side.

    Raises
    ------
    UndefinedError
        If a column is constant, naming the first.

    Notes
    -----
    Cost: O(n d e) per pair.

    References
    ----------
    Li et al. (2016), doi:10.48550/arXiv.1511.07543.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]])
    >>> round(soft_correlation_match(x, x[:, ::-1] + 5), 12)
    1.0
    """
    found = correlations(x, y)
    xp = array_namespace(found)
    return float(xp.mean(xp.max(found, axis=1)) + xp.mean(xp.max(found, axis=0))) / 2
