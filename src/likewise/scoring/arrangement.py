"""Dissimilarities of all pairs of a few things as a tree, and as places in a plane."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from jaxtyping import Float

from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.scoring.choice import Score

ROUNDING = 1e-9
"""A dissimilarity this far below zero is zero that was rounded."""

ORDERED = 400
"""Of so many things like stands beside like as far as the tree lets them; of more, finding that would take minutes."""

STEPS = 1_000
"""Majorizations at most; a step that lowers the stress by less than `SETTLED` ends them."""

SETTLED = 1e-10


@dataclass(frozen=True)
class Dissimilarities:
    """How far apart every two things are.

    Parameters
    ----------
    names : tuple of str
        The m things.
    square : array, shape (m, m)
        Symmetric, 0 on the diagonal.
    said : str
        What a dissimilarity is, in words.
    """

    names: tuple[str, ...]
    square: Float[np.ndarray, "m m"]
    said: str


def dissimilarities(scores: Sequence[Score], calibrated: bool) -> Dissimilarities:
    """Return how far apart every two representations of one configuration on one data set are.

    A calibrated score c gives 1 - c. A raw distance stands for itself, a raw similarity s gives (value at
    identity) - s. Where the order of a pair counts, the mean of both orders does.

    Raises
    ------
    InputError
        If a pair has no score, the value at identity depends on the data, or a score lies beyond that of identity.
    """
    names = tuple(dict.fromkeys(name for s in scores for name in (s.a, s.b)))
    if len(names) < 3:
        raise InputError(f"expected three or more representations, got {len(names)}")
    configuration = scores[0].configuration
    known = _identity(configuration, calibrated)
    if known is None:
        raise InputError(
            f"{configuration.label}: a raw similarity makes no distance where its value at identity depends on the "
            "data; use calibrated scores"
        )
    place = {name: i for i, name in enumerate(names)}
    square = np.full((len(names), len(names)), np.nan)
    for s in scores:
        if s.value is None:
            raise InputError(
                f"{s.a} and {s.b} have no score of {configuration.label}: {s.reason or 'none was asked for'}"
            )
        if _far(np.float64(s.value), *known) < -ROUNDING:
            raise InputError(
                f"{s.a} and {s.b} are more alike than identical ones ({s.value:.3g}), which is no distance; choose "
                "another measure or scale, or leave one of them out"
            )
        square[place[s.a], place[s.b]] = s.value
    found = dissimilarities_of(names, square, configuration, calibrated)
    if found is None:
        i, j = np.argwhere(np.isnan(square) & np.isnan(square.T) & ~np.eye(len(names), dtype=bool))[0]
        raise InputError(
            f"{names[i]} and {names[j]} were not compared; expected all pairs, choose models that have them"
        )
    return found


def dissimilarities_of(
    names: Sequence[str], square: Float[np.ndarray, "m m"], configuration: Configuration, calibrated: bool
) -> Dissimilarities | None:
    """Return what `dissimilarities` does, from a square of scores; None where that would refuse them.

    Parameters
    ----------
    names : sequence of str
        The m things.
    square : array, shape (m, m)
        The score of each row with each column; NaN where there is none. The diagonal is not read.
    configuration : Configuration
        Whose scores they are.
    calibrated : bool
        Whether they are calibrated.

    Examples
    --------
    >>> square = np.asarray([[np.nan, 0.5, 0.25], [np.nan, np.nan, 0.75], [np.nan] * 3])
    >>> dissimilarities_of("abc", square, Configuration.parse("cka"), calibrated=True).square
    array([[0.  , 0.5 , 0.75],
           [0.5 , 0.  , 0.25],
           [0.75, 0.25, 0.  ]])
    """
    known, scores = _identity(configuration, calibrated), both_orders(square)
    if known is None or scores is None or len(names) < 3:
        return None
    # Each order by itself: the mean of both would hide one that is beyond.
    if (_far(square, *known)[~np.eye(len(names), dtype=bool)] < -ROUNDING).any():
        return None
    far = np.abs(_far(scores, *known))
    np.fill_diagonal(far, 0)
    identity, similarity = known
    said = "distance" if not similarity else "1 − calibrated score" if calibrated else f"{identity:g} − similarity"
    return Dissimilarities(tuple(names), far, said)


def both_orders(square: Float[np.ndarray, "m m"]) -> Float[np.ndarray, "m m"] | None:
    """Return a symmetric square of scores: the mean of both orders, or the one there is; None where a pair has none.

    The diagonal is not read, and is 0.
    """
    both = np.stack([square, square.T])
    count = np.isfinite(both).sum(axis=0)
    np.fill_diagonal(count, 1)
    if not count.all():
        return None
    mean = np.where(np.isfinite(both), both, 0).sum(axis=0) / count
    np.fill_diagonal(mean, 0)
    return np.asarray(mean)


def _identity(configuration: Configuration, calibrated: bool) -> tuple[float, bool] | None:
    """The score of identical things, and whether a higher one is more alike; None where it depends on the data."""
    if calibrated:
        return 1.0, True
    if configuration.facts.direction == "distance":
        return 0.0, False
    known = None if configuration.stored else configuration.facts.identity
    return None if known is None else (known, True)


def _far(scores: Any, identity: float, similarity: bool) -> Any:
    return identity - scores if similarity else scores - identity


@dataclass(frozen=True)
class Tree:
    """Clusters within clusters.

    Parameters
    ----------
    merges : array, shape (m - 1, 4)
        As SciPy has them: the two that are joined, at which height, and how many things are in it.
    order : tuple of int
        The things from one end of the tree to the other.
    cophenetic : float or None
        Pearson correlation of the heights at which two things are joined with their dissimilarities: 1 where the tree
        says all there is to say. None where all of either are equal.
    """

    merges: Float[np.ndarray, "k 4"]
    order: tuple[int, ...]
    cophenetic: float | None


def tree(given: Dissimilarities) -> Tree:
    """Return the tree by average linkage, like beside like as far as the tree lets them.

    Notes
    -----
    Cost: O(m^2) for the merges, O(m^4) at most for the order, which is sought for up to `ORDERED` things.

    References
    ----------
    Sokal and Michener (1958), University of Kansas Science Bulletin 38; Bar-Joseph, Gifford and Jaakkola (2001),
    doi:10.1093/bioinformatics/17.suppl_1.S22, for the order.

    Examples
    --------
    >>> far = Dissimilarities(tuple("abc"), np.asarray([[0, 1, 4], [1, 0, 6], [4, 6, 0.0]]), "distance")
    >>> tree(far).merges[:, 2]
    array([1., 5.])
    >>> tree(far).order
    (1, 0, 2)
    """
    from scipy.cluster import hierarchy  # half a second, for this alone

    flat = given.square[np.triu_indices(len(given.names), 1)]
    merges = hierarchy.linkage(flat, "average", optimal_ordering=len(given.names) <= ORDERED)
    joined = hierarchy.cophenet(merges)
    varies = np.ptp(flat) > 0 and np.ptp(joined) > 0
    fit = float(scipy.stats.pearsonr(joined, flat).statistic) if varies else None
    order = hierarchy.leaves_list(merges).tolist()
    # Of two orders that are as good, the one that begins nearer to what was named first.
    return Tree(merges, tuple(order if order[0] <= order[-1] else order[::-1]), fit)


@dataclass(frozen=True)
class Places:
    """Points in a plane, and what the plane cannot hold.

    Parameters
    ----------
    points : array, shape (m, 2)
        Centred, along their principal axes.
    stress : float
        Kruskal's stress-1: 0 where all distances in the plane are the dissimilarities.
    """

    points: Float[np.ndarray, "m 2"]
    stress: float


def places(given: Dissimilarities) -> Places:
    r"""Return a point for each thing, whose distances are near the dissimilarities: metric multidimensional scaling.

    .. math:: \text{stress}_1 = \sqrt{\frac{\sum_{i<j} (d_{ij} - \delta_{ij})^2}{\sum_{i<j} d_{ij}^2}}

    From the classical solution, by majorization, which never raises the stress. It ends at a minimum near this start,
    which need not be the lowest of all.

    Raises
    ------
    InputError
        If all dissimilarities are zero.

    Notes
    -----
    Cost: O(m^3), then O(m^2) a step.

    References
    ----------
    Kruskal (1964), doi:10.1007/BF02289565; de Leeuw (1977), "Applications of convex analysis to multidimensional
    scaling".

    Examples
    --------
    >>> corners = np.asarray([[0, 0], [3, 0], [0, 4.0]])
    >>> far = np.linalg.norm(corners[:, None] - corners, axis=2)
    >>> places(Dissimilarities(tuple("abc"), far, "distance")).stress < 1e-6
    True
    """
    far = given.square
    if not far.any():
        raise InputError("all are at distance zero of each other; there is nothing to draw")
    m = len(far)
    centred = np.eye(m) - 1 / m
    values, vectors = np.linalg.eigh(-centred @ (far**2) @ centred / 2)
    points = vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))  # an axis that is imaginary has no extent
    before = np.inf
    for _ in range(STEPS):
        apart = _apart(points)
        now = float(((apart - far) ** 2).sum())
        if before - now <= SETTLED * float((far**2).sum()):
            break
        before = now
        ratio = np.divide(far, apart, out=np.zeros_like(far), where=apart > 0)
        points = (ratio.sum(axis=1, keepdims=True) * points - ratio @ points) / m
    apart = _apart(points)
    stress = float(np.sqrt(((apart - far) ** 2).sum() / (apart**2).sum()))
    points = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    points = points @ axes.T
    return Places(points * np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1, 1), stress)


def _apart(points: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "m m"]:
    return np.asarray(scipy.spatial.distance.cdist(points, points))
