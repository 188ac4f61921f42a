"""Where things stand in a picture: next to those that they are like, as a tree and as a map."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

STEPS = 200
"""Of the map; each lowers its stress."""

STILL = 1e-7
"""A step that lowers the stress by less, as a share of it, is the last."""

ORDERED = 400
"""Of so many things the order of the tree's leaves is the best one; of more, finding it would take minutes."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Average linkage of things by how unlike they are.

    Parameters
    ----------
    order : tuple of int
        Places of the things, so that those that join early stand side by side.
    merges : array, shape (m - 1, 3)
        Two nodes and the height at which they join. Nodes below m are things, node m + k is merge k.
    """

    order: tuple[int, ...]
    merges: Float[np.ndarray, "k 3"]


@dataclass(frozen=True, eq=False)
class Map:
    """A place in the plane for each of some things, and how far the plane bends their distances.

    Parameters
    ----------
    x, y : array, shape (m,)
        The places.
    stress : float
        Kruskal's stress-1: the root of the squared errors of the distances, as a share of the squared distances.
    """

    x: Float[np.ndarray, " m"]
    y: Float[np.ndarray, " m"]
    stress: float


def unlike(scores: Float[np.ndarray, "m m"], similarity: bool) -> Float[np.ndarray, "m m"] | None:
    """Return how unlike things are, from the scores of all pairs; None where a pair has none.

    Where a pair has a score for each order, both count half. Similarities are taken from their largest, or from 1 where
    that is larger, so that nothing lies below zero.

    Parameters
    ----------
    scores : array, shape (m, m)
        NaN where there is none; the diagonal is not read.
    similarity : bool
        Whether a higher score means more alike.
    """
    both = np.stack([scores, scores.T])
    count = np.isfinite(both).sum(axis=0)
    np.fill_diagonal(count, 1)
    if not count.all() or len(scores) < 2:
        return None
    found = np.where(np.isfinite(both), both, 0).sum(axis=0) / count
    off = ~np.eye(len(found), dtype=bool)
    found = max(1.0, float(found[off].max())) - found if similarity else found - min(0.0, float(found[off].min()))
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def tree_of(distances: Float[np.ndarray, "m m"]) -> Tree:
    """Return the tree of some things.

    Notes
    -----
    Cost: O(m^2) for the tree, O(m^3) for the order of its leaves up to `ORDERED` things.

    References
    ----------
    Bar-Joseph et al. (2001), doi:10.1093/bioinformatics/17.suppl_1.s22.

    Examples
    --------
    >>> at = np.asarray([0.0, 10.0, 1.0, 11.0])
    >>> tree_of(np.abs(at[:, None] - at)).order
    (0, 2, 1, 3)
    """
    condensed = squareform(distances, checks=False)
    merges = linkage(condensed, "average")
    if len(distances) <= ORDERED:
        merges = optimal_leaf_ordering(merges, condensed)
    order = leaves_list(merges).tolist()
    # One of two equally good orders: the one that begins with what was named first.
    order = order if order[0] <= order[-1] else order[::-1]
    return Tree(tuple(order), merges[:, :3])


def map_of(distances: Float[np.ndarray, "m m"]) -> Map:
    r"""Return a map of some things: metric scaling by majorisation, begun with the classical solution.

    .. math:: \sqrt{\sum_{i<j} (d_{ij} - \lVert x_i - x_j \rVert)^2 / \sum_{i<j} d_{ij}^2}

    Notes
    -----
    Cost: O(m^3) once, O(m^2) a step.

    References
    ----------
    Kruskal (1964), doi:10.1007/BF02289565; de Leeuw (1977), Applications of convex analysis to multidimensional
    scaling.

    Examples
    --------
    >>> corners = np.asarray([[0, 0], [0, 3], [4, 0], [4, 3]])
    >>> distances = np.linalg.norm(corners[:, None] - corners, axis=-1)
    >>> round(map_of(distances).stress, 6)
    0.0
    """
    m = len(distances)
    middle = np.eye(m) - 1 / m
    values, vectors = np.linalg.eigh(-middle @ distances**2 @ middle / 2)
    places = np.zeros((m, 2))
    for k, at in enumerate(np.argsort(values)[::-1][:2]):
        along = vectors[:, at]
        places[:, k] = along * np.sign(along[np.abs(along).argmax()]) * np.sqrt(max(values[at], 0))
    size = float((distances**2).sum())
    before = np.inf
    for _ in range(STEPS if size else 0):
        between = np.linalg.norm(places[:, None] - places, axis=-1)
        now = float(((distances - between) ** 2).sum()) / size
        if now >= before * (1 - STILL):
            break
        before = now
        ratio = np.divide(distances, between, out=np.zeros_like(distances), where=between > 0)
        pull = -ratio
        np.fill_diagonal(pull, ratio.sum(axis=1))
        places = pull @ places / m
    between = np.linalg.norm(places[:, None] - places, axis=-1)
    stress = float(np.sqrt(((distances - between) ** 2).sum() / size)) if size else 0.0
    return Map(places[:, 0], places[:, 1], stress)
