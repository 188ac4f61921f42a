"""Measures of who is near to whom."""

import functools
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace, to_numpy
from likewise.errors import UndefinedError
from likewise.measures.facts import Facts, Overlap, choice, positive, rotations
from likewise.measures.neighbour_without_each import OF_THREES, of_overlap, of_places
from likewise.measures.registry import Score, measure
from likewise.measures.without_each import WithoutEach
from likewise.quantities import (
    Distances,
    NeighbourRanks,
    Neighbours,
    Prepared,
    by_blocks,
    pair_distances,
    place_of,
    places_in,
)

Inner = Literal["cosine", "euclidean"]

LITTLE = "chance level about the same: only the order of distances counts"
"""The regime of measures of neighbours."""

VARIANTS = ({"center": True}, {"k": 3}, {"inner": "euclidean"})


def _facts(k: int, center: bool, inner: str) -> Facts:
    choice("inner", inner, ("cosine", "euclidean"))
    positive("k", k)
    return Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=center or inner == "euclidean"),
        regime=LITTLE,
        cost="side O(n^2 (d + log n)), pair O(n k)",
        minimum_items=k + 2,
    )


def _jaccard_without_each(k: int, center: bool, inner: Inner) -> WithoutEach:
    return of_overlap(k, center, inner, lambda shared: shared / (2 * k - shared))


def _jaccard_shuffled(k: int, center: bool, inner: Inner) -> Overlap:
    return Overlap(Neighbours(k, inner, center), lambda shared: shared / (2 * k - shared))


def _mutual_shuffled(k: int, center: bool, inner: Inner) -> Overlap:
    return Overlap(Neighbours(k, inner, center), lambda shared: shared / k)


@measure(
    title="Jaccard similarity of neighbourhoods",
    facts=_facts,
    without_each=_jaccard_without_each,
    shuffled=_jaccard_shuffled,
    variants=VARIANTS,
    version=4,
    references=("10.48550/arXiv.2305.06329",),
)
def jaccard(x: Prepared, y: Prepared, *, k: int = 10, center: bool = False, inner: Inner = "cosine") -> Score:
    r"""Mean Jaccard similarity of the sets of the k nearest neighbours.

    .. math:: \frac{1}{n} \sum_i \frac{|N_k(x_i) \cap N_k(y_i)|}{|N_k(x_i) \cup N_k(y_i)|}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k : int
        Size of a neighbourhood, below n. An item is not its own neighbour; ties go to the lower index.
    center : bool
        Subtract the column means first; Euclidean distances do not feel it.
    inner : {"cosine", "euclidean"}
        The distance by which items are near.

    Returns
    -------
    float
        In [0, 1]; for unrelated data the mean of o / (2 k - o) over a hypergeometric o: of n - 1 others, both sides
        draw k.

    Raises
    ------
    UndefinedError
        If k is not below n - 1, a row has no length, or all others are equally near to one.

    Notes
    -----
    Cost: O(n^2 (d + log n)) once per side, O(n k) per pair.

    References
    ----------
    Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> jaccard(x, x[:, ::-1], k=1)
    1.0

    The chance level at 164 items:

    >>> from scipy.stats import hypergeom
    >>> shared = np.arange(11)
    >>> round(float(hypergeom.pmf(shared, 163, 10, 10) @ (shared / (20 - shared))), 4)
    0.0332
    """
    common = common_neighbours(x, y, k, center, inner)[0]
    xp = array_namespace(common)
    shared = xp.sum(xp.astype(common, xp.float64), axis=1)
    return shared / (2 * k - shared)


def common_neighbours(
    x: Prepared, y: Prepared, k: int, center: bool, inner: Inner
) -> tuple[Bool[Array, "n k"], Int[Array, "n k"]]:
    """For the k nearest of each row of x, nearest first: whether they are near in y too, and their place there.

    Of many items, and of what groups leave of them, the place is k + 1 where it is farther.
    """
    near = Neighbours(k, inner, center)
    if by_blocks(y) or (near.moves_with_mean and y.left_out):
        places = places_in(x[near], y[near])
        return places <= k, places
    places = _places(x, y, k, center, inner)
    return places <= k, places


def _places(x: Prepared, y: Prepared, k: int, center: bool, inner: Inner) -> Int[Array, "n k"]:
    """The places in y of the k nearest of each row of x, nearest first, however far."""
    nearest, ranks = x[Neighbours(k, inner, center)], y[NeighbourRanks(inner, center)]
    return array_namespace(nearest, ranks).take_along_axis(ranks, nearest, axis=1)


def _mutual_without_each(k: int, center: bool, inner: Inner) -> WithoutEach:
    return of_overlap(k, center, inner, lambda shared: shared / k)


@measure(
    title="Mutual k nearest neighbours",
    facts=_facts,
    without_each=_mutual_without_each,
    shuffled=_mutual_shuffled,
    variants=VARIANTS,
    version=4,
    references=("10.48550/arXiv.2405.07987",),
)
def mutual_knn(x: Prepared, y: Prepared, *, k: int = 10, center: bool = False, inner: Inner = "cosine") -> Score:
    r"""Mean share of the k nearest neighbours that both sides have.

    .. math:: \frac{1}{n} \sum_i \frac{|N_k(x_i) \cap N_k(y_i)|}{k}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k, center, inner
        As in `jaccard`.

    Returns
    -------
    float
        In [0, 1]; about k / (n - 1) for unrelated data.

    Raises
    ------
    UndefinedError
        If k is not below n - 1, a row has no length, or all others are equally near to one.

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
    common = common_neighbours(x, y, k, center, inner)[0]
    xp = array_namespace(common)
    return xp.sum(xp.astype(common, xp.float64), axis=1) / k


@measure(
    title="Rank similarity of common neighbours",
    facts=_facts,
    without_each=lambda k, center, inner: of_places(k, center, inner, _rank_similarities, OF_THREES),
    variants=VARIANTS,
    version=3,
    references=("10.48550/arXiv.2305.06329",),
)
def rank_similarity(x: Prepared, y: Prepared, *, k: int = 10, center: bool = False, inner: Inner = "cosine") -> Score:
    r"""Whether the neighbours that both sides have come in the same order, the nearest counting most.

    .. math:: \frac{1}{n} \sum_i \frac{1}{H_{|J_i|}} \sum_{j \in J_i} \frac{2}{(1 + |r_{ij} - r'_{ij}|)
        (r_{ij} + r'_{ij})}, \quad J_i = N_k(x_i) \cap N_k(y_i)

    with r and r' the places of j among the neighbours of i, from 1, H_m the m-th harmonic number, and 0 where J is
    empty.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k, center, inner
        As in `jaccard`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    UndefinedError
        If k is not below n - 1, a row has no length, or all others are equally near to one.

    Notes
    -----
    Cost as `jaccard`.

    References
    ----------
    Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> round(rank_similarity(x, x[:, ::-1], k=2), 12)
    1.0
    """
    common, places = common_neighbours(x, y, k, center, inner)
    return _rank_similarities(common, _own(places), places)


def _own(places: Int[Array, "n k"]) -> Int[Array, "n k"]:
    """The places of the neighbours on their own side: 1 to k."""
    xp = array_namespace(places)
    own = xp.arange(1, places.shape[1] + 1, dtype=places.dtype, device=places.device)
    return xp.broadcast_to(own, places.shape)


def _rank_similarities(
    common: Bool[Array, "*m c"], own: Int[Array, "*m c"], other: Int[Array, "*m c"]
) -> Float[Array, "*m"]:
    """From the places of the common neighbours on both sides."""
    xp = array_namespace(other)
    a, b = xp.astype(own, xp.float64), xp.astype(other, xp.float64)
    terms = xp.where(common, 2 / ((1 + xp.abs(a - b)) * (a + b)), xp.zeros_like(b))
    # H_0 is 0, and so is the sum that it would divide.
    harmonic = xp.asarray(np.cumsum(1 / np.arange(1, other.shape[-1] + 1)), device=other.device)
    shared = xp.sum(xp.astype(common, xp.int64), axis=-1)
    place = xp.reshape(xp.maximum(shared - 1, xp.zeros_like(shared)), (-1,))
    return xp.sum(terms, axis=-1) / xp.reshape(xp.take(harmonic, place, axis=0), shared.shape)


def _joint(
    k: int, common: Bool[Array, "*m c"], own: Int[Array, "*m c"], other: Int[Array, "*m c"]
) -> Float[Array, "*m"]:
    """The same times the Jaccard similarity."""
    xp = array_namespace(other)
    shared = xp.sum(xp.astype(common, xp.float64), axis=-1)
    return _rank_similarities(common, own, other) * (shared / (2 * k - shared))


def _joint_without_each(k: int, center: bool, inner: Inner) -> WithoutEach:
    return of_places(k, center, inner, functools.partial(_joint, k))


@measure(
    title="Joint rank and Jaccard similarity",
    facts=_facts,
    without_each=_joint_without_each,
    variants=VARIANTS,
    version=3,
    references=("10.48550/arXiv.2305.06329",),
)
def joint_rank_jaccard(
    x: Prepared, y: Prepared, *, k: int = 10, center: bool = False, inner: Inner = "cosine"
) -> Score:
    r"""Mean product of rank similarity and Jaccard similarity, item by item.

    .. math:: \frac{1}{n} \sum_i rank\_similarity_i \cdot jaccard_i

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k, center, inner
        As in `jaccard`.

    Returns
    -------
    float
        In [0, 1]; 1 where the neighbours and their order are the same.

    Raises
    ------
    UndefinedError
        If k is not below n - 1, a row has no length, or all others are equally near to one.

    Notes
    -----
    Cost as `jaccard`.

    References
    ----------
    Klabunde et al. (2025), doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> round(joint_rank_jaccard(x, x[:, ::-1], k=2), 12)
    1.0
    """
    common, places = common_neighbours(x, y, k, center, inner)
    return _joint(k, common, _own(places), places)


@measure(
    title="Second-order cosine similarity",
    facts=_facts,
    variants=VARIANTS,
    references=("10.18653/v1/D16-1229", "10.48550/arXiv.2305.06329"),
)
def second_order_cosine(
    x: Prepared, y: Prepared, *, k: int = 10, center: bool = False, inner: Inner = "cosine"
) -> Score:
    r"""Whether an item is as far from the neighbours of either side on both sides.

    .. math:: \frac{1}{n} \sum_i \cos\big((D_{ij})_{j \in U_i}, (E_{ij})_{j \in U_i}\big), \quad
        U_i = N_k(x_i) \cup N_k(y_i)

    with D and E the distances between the rows of each side.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    k, center, inner
        As in `jaccard`.

    Returns
    -------
    float
        In [0, 1], and never near 0: distances have one sign.

    Raises
    ------
    UndefinedError
        If k is not below n, a row has no length, or an item is at no distance from all of its neighbours.

    Notes
    -----
    Cost as `jaccard`.

    References
    ----------
    Hamilton, Leskovec, Jurafsky (2016), doi:10.18653/v1/D16-1229; Klabunde et al. (2025),
    doi:10.48550/arXiv.2305.06329.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> round(second_order_cosine(x, x[:, ::-1], k=2), 12)
    1.0
    """
    new = ~common_neighbours(y, x, k, center, inner)[0]  # the neighbours in y that are none in x
    xp = array_namespace(new)
    items = xp.concat([x[Neighbours(k, inner, center)], y[Neighbours(k, inner, center)]], axis=1)
    counted = xp.concat([xp.ones_like(new), new], axis=1)
    a, b = (
        xp.where(counted, _distances_to(of, items, center, inner), xp.zeros_like(items, dtype=xp.float64))
        for of in (x, y)
    )
    lengths = [xp.linalg.vector_norm(m, axis=1) for m in (a, b)]
    for of, length in zip((x, y), lengths, strict=True):
        if xp.any(length <= NO_DISTANCE[inner]):
            item = int(xp.argmin(length))
            raise UndefinedError(f"row {item} of {of.name} is at no distance from any of its neighbours: no cosine")
    return xp.sum(a * b, axis=1) / (lengths[0] * lengths[1])


def _distances_to(of: Prepared, items: Int[Array, "n m"], center: bool, inner: Inner) -> Float[Array, "n m"]:
    if not by_blocks(of):
        distances = of[Distances(inner, center=center and inner == "cosine")]
        return array_namespace(distances).take_along_axis(distances, items, axis=1)
    found = pair_distances(of, np.arange(of.n), to_numpy(items), inner, center)
    return array_namespace(items).asarray(found, device=items.device)


NO_DISTANCE = {"cosine": 1e-14, "euclidean": 0.0}
"""A cosine distance this small is rounding; Euclidean distances of equal rows are zero exactly."""


def _information_imbalance_facts(center: bool, inner: str) -> Facts:
    choice("inner", inner, ("cosine", "euclidean"))
    return Facts(
        direction="distance",
        bounds=(0.0, 2.0),
        identity=None,
        invariances=rotations(normalize=True, center=center or inner == "euclidean"),
        symmetric=False,
        regime=LITTLE,
        cost="side O(n^2 (d + log n)), pair O(n)",
        minimum_items=3,
    )


@measure(
    title="Information imbalance",
    facts=_information_imbalance_facts,
    variants=({"center": True}, {"inner": "euclidean"}),
    references=("10.1093/pnasnexus/pgac039",),
)
def information_imbalance(x: Prepared, y: Prepared, *, center: bool = False, inner: Inner = "cosine") -> Score:
    r"""Information imbalance: how far in Y the item lies that is nearest in X.

    .. math:: \Delta(X \to Y) = \frac{2}{n} \frac{1}{n} \sum_i r'_{i, j(i)}

    with j(i) the nearest item of i in X and r' its place among the neighbours of i in Y, from 1.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    center, inner
        As in `jaccard`.

    Returns
    -------
    float
        From 2/n, where X holds what Y does, to about 1 for unrelated data, below 2.

    Raises
    ------
    UndefinedError
        If a row has no length.

    Notes
    -----
    Cost: O(n^2 (d + log n)) once per side, O(n) per pair.

    References
    ----------
    Glielmo et al. (2022), doi:10.1093/pnasnexus/pgac039.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> information_imbalance(x, x)
    0.5
    """
    if by_blocks(y):
        nearest = x[Neighbours(1, inner, center)]
        found = place_of(y, to_numpy(nearest)[:, 0], inner, center)
        places = array_namespace(nearest).asarray(found, device=nearest.device)
    else:
        places = _places(x, y, 1, center, inner)[:, 0]
    return 2 / x.n * array_namespace(places).astype(places, array_namespace(places).float64)
