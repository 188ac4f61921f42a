"""Dissimilarities of all pairs of a few things as a tree, and as places in a plane."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float

from likewise.errors import InputError
from likewise.scoring.choice import Score

ROUNDING = 1e-9
"""A dissimilarity this far below zero is zero that was rounded."""

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
    top, sign, said = 1.0, -1.0, "1 − calibrated score"
    if not calibrated:
        if configuration.facts.direction == "distance":
            top, sign, said = 0.0, 1.0, "distance"
        elif configuration.stored or configuration.facts.identity is None:
            raise InputError(
                f"{configuration.label}: a raw similarity makes no distance where its value at identity depends on the "
                "data; use calibrated scores"
            )
        else:
            top = configuration.facts.identity
            said = f"{top:g} − similarity"
    place = {name: i for i, name in enumerate(names)}
    sums, counts = np.zeros((2, len(names), len(names)))
    for s in scores:
        if s.value is None:
            raise InputError(
                f"{s.a} and {s.b} have no score of {configuration.label}: {s.reason or 'none was asked for'}"
            )
        i, j = place[s.a], place[s.b]
        far = top + sign * s.value
        if far < -ROUNDING:
            raise InputError(
                f"{s.a} and {s.b} are more alike than identical ones ({s.value:.3g}), which is no distance; choose "
                "another measure or scale, or leave one of them out"
            )
        sums[i, j] += far
        counts[i, j] += 1
    sums, counts = sums + sums.T, counts + counts.T
    absent = np.argwhere((counts == 0) & ~np.eye(len(names), dtype=bool))
    if len(absent):
        i, j = absent[0]
        raise InputError(
            f"{names[i]} and {names[j]} were not compared; expected all pairs, choose models that have them"
        )
    np.fill_diagonal(counts, 1)
    return Dissimilarities(names, np.abs(sums / counts), said)


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
    Cost: O(m^2) for the merges, O(m^4) at most for the order.

    References
    ----------
    Sokal and Michener (1958), University of Kansas Science Bulletin 38; Bar-Joseph, Gifford and Jaakkola (2001),
    doi:10.1093/bioinformatics/17.suppl_1.S22, for the order.

    Examples
    --------
    >>> far = Dissimilarities(tuple("abc"), np.asarray([[0, 1, 4], [1, 0, 6], [4, 6, 0.0]]), "distance")
    >>> tree(far).merges[:, 2]
    array([1., 5.])
    """
    from scipy.cluster import hierarchy  # half a second, for this alone

    flat = given.square[np.triu_indices(len(given.names), 1)]
    merges = hierarchy.linkage(flat, "average", optimal_ordering=len(given.names) <= 200)
    joined = hierarchy.cophenet(merges)
    varies = np.ptp(flat) > 0 and np.ptp(joined) > 0
    fit = float(scipy.stats.pearsonr(joined, flat).statistic) if varies else None
    return Tree(merges, tuple(hierarchy.leaves_list(merges).tolist()), fit)


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
        points = (np.diag(ratio.sum(axis=1)) - ratio) @ points / m
    apart = _apart(points)
    stress = float(np.sqrt(((apart - far) ** 2).sum() / (apart**2).sum()))
    points = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    points = points @ axes.T
    return Places(points * np.where(points[np.abs(points).argmax(axis=0), [0, 1]] < 0, -1, 1), stress)


def _apart(points: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "m m"]:
    return np.asarray(np.linalg.norm(points[:, None] - points, axis=2))
