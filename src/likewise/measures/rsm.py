"""Measures of representational similarity matrices: the distances of all pairs of items."""

from math import inf, sqrt
from typing import Any, Literal

import numpy as np
import scipy
from jaxtyping import Float, Int

from likewise.arrays import array_namespace, average_ranks, strict_triangle, to_numpy
from likewise.errors import UndefinedError
from likewise.measures.distance_without_each import of_differences, of_distances, of_spectral_norm
from likewise.measures.facts import Facts, Product, choice, not_negative, positive, rotations
from likewise.measures.registry import measure
from likewise.measures.without_each import WithoutEach
from likewise.quantities import PAIRED, TIES, Distances, Norm, Prepared, UnitDistances, pair_distances, spans

INNER = {
    "euclidean": rotations(normalize=True, center=True),
    "sqeuclidean": rotations(normalize=True, center=True),
    "cosine": rotations(normalize=True, center=False),
    "correlation": frozenset({"feature permutation", "scaling"}),
    "mahalanobis": rotations(normalize=True, center=True) | {"linear"},
}
"""Distances between two items of one side, and what they ignore when only their proportions count."""


def _rsa_facts(inner: str, outer: str) -> Facts:
    choice("inner", inner, INNER)
    choice("outer", outer, ("spearman", "pearson", "cosine", "tau_a", "tau_b"))
    wide = inner == "mahalanobis"
    return Facts(
        direction="similarity",
        bounds=(0.0 if outer == "cosine" else -1.0, 1.0),
        # With ties, even the order of a list and itself has pairs that are neither alike nor opposed, for tau_a.
        identity=None if outer == "tau_a" else 1.0,
        invariances=INNER[inner],
        regime="undefined" if wide else "near 1 for any data" if outer == "cosine" else "unrelated data stay near 0",
        cost=f"side O(n^2 (d + log n)), pair O(n^2{' log n' if outer.startswith('tau') else ''})",
        undefined_if_wide=wide,
        minimum_items=4 if wide else 3,
    )


def _rsa_product(inner: Any, outer: Any) -> Product | None:
    # Both triangles of the symmetric matrices are in the sum.
    return None if outer.startswith("tau") else Product(UnitDistances(inner, outer), factor=0.5)


@measure(
    title="Representational similarity analysis",
    facts=_rsa_facts,
    product=_rsa_product,
    without_each=of_distances,
    variants=(
        {"inner": "cosine"},
        {"inner": "correlation"},
        {"inner": "mahalanobis"},
        {"inner": "sqeuclidean", "outer": "pearson"},
        {"outer": "pearson"},
        {"outer": "cosine"},
        {"outer": "tau_a"},
        {"outer": "tau_b"},
    ),
    version=4,
    references=("10.3389/neuro.06.004.2008", "10.1371/journal.pcbi.1003553"),
)
def rsa(
    x: Prepared,
    y: Prepared,
    *,
    inner: Literal["euclidean", "sqeuclidean", "cosine", "correlation", "mahalanobis"] = "euclidean",
    outer: Literal["spearman", "pearson", "cosine", "tau_a", "tau_b"] = "spearman",
) -> float:
    r"""Representational similarity analysis: whether the same items are far apart on both sides.

    .. math:: outer\big(\{inner(x_i, x_j)\}_{i<j}, \{inner(y_i, y_j)\}_{i<j}\big)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    inner : {"euclidean", "sqeuclidean", "cosine", "correlation", "mahalanobis"}
        The distance between two items of one side; ``correlation`` is 1 - Pearson's correlation over the features,
        ``mahalanobis`` is Euclidean after the features were whitened over the items.
    outer : {"spearman", "pearson", "cosine", "tau_a", "tau_b"}
        The correlation between the two lists of distances. Ties share their mean rank; Kendall's tau_a counts tied
        pairs as neither alike nor opposed, so that a copy scores below 1 where distances tie; tau_b leaves them out.

    Returns
    -------
    float
        In [-1, 1], or in [0, 1] for ``outer="cosine"``.

    Raises
    ------
    UndefinedError
        If all distances of a side are equal; if a row of no length meets ``inner="cosine"``, one of equal values
        ``inner="correlation"``, or linearly independent rows ``inner="mahalanobis"``.

    Notes
    -----
    Cost: O(n^2 (d + log n)) once per side, O(n^2) per pair, O(n^2 log n) for Kendall's. Dividing by the Frobenius norm
    first changes nothing.

    References
    ----------
    Kriegeskorte, Mur, Bandettini (2008), doi:10.3389/neuro.06.004.2008; tau_a: Nili et al. (2014),
    doi:10.1371/journal.pcbi.1003553.

    Examples
    --------
    >>> import numpy as np
    >>> round(rsa(np.asarray([[0.0], [1.0], [3.0]]), np.asarray([[0.0], [1.0], [-3.0]])), 12)
    0.5
    """
    if outer in ("tau_a", "tau_b"):
        ranks = [to_numpy(strict_triangle(of[UnitDistances(inner, "spearman")])) for of in (x, y)]
        return _tau(ranks[0], ranks[1], outer)
    a, b = x[UnitDistances(inner, outer)], y[UnitDistances(inner, outer)]  # type: ignore[arg-type]  # mypy keeps tau
    # Both triangles of the symmetric matrices are summed.
    return float(array_namespace(a, b).sum(a * b)) / 2


def _sampled_rsa_facts(pairs: int, seed: int, inner: str, outer: str) -> Facts:
    positive("pairs", pairs)
    not_negative("seed", seed)
    choice("inner", inner, ("cosine", "euclidean"))
    choice("outer", outer, ("spearman", "pearson"))
    return Facts(
        direction="similarity",
        bounds=(-1.0, 1.0),
        identity=1.0,
        invariances=INNER[inner],
        regime="unrelated data stay near 0",
        cost="pair O(m (d + log m)) for m pairs",
        minimum_items=3,
    )


@measure(
    title="Representational similarity analysis of a sample of pairs",
    facts=_sampled_rsa_facts,
    variants=({"inner": "cosine"}, {"outer": "pearson"}, {"pairs": 5000, "seed": 1}),
    references=("10.3389/neuro.06.004.2008",),
)
def sampled_rsa(
    x: Prepared,
    y: Prepared,
    *,
    pairs: int = 1_000_000,
    seed: int = 0,
    inner: Literal["cosine", "euclidean"] = "euclidean",
    outer: Literal["spearman", "pearson"] = "spearman",
) -> float:
    r"""Representational similarity analysis of some pairs of items: where there are too many for a table of all.

    .. math:: outer\big(\{inner(x_i, x_j)\}_{(i, j) \in S}, \{inner(y_i, y_j)\}_{(i, j) \in S}\big)

    with S drawn at random, each pair at most once.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    pairs : int
        Size of S; where there are no more pairs than that, all are taken, and the value is that of `rsa`.
    seed : int
        Of the draw.
    inner, outer
        As in `rsa`.

    Returns
    -------
    float
        In [-1, 1]. It is within about :math:`2 (1 - \rho^2) / \sqrt{pairs}` of that of all pairs, in 19 draws of 20:
        0.002 for a million pairs. Intervals hold this error besides that of the items.

    Raises
    ------
    UndefinedError
        If all distances of a side are equal, or a row of no length meets ``inner="cosine"``.

    Notes
    -----
    Cost: O(m (d + log m)) for m pairs, in the memory of m numbers.

    References
    ----------
    Kriegeskorte, Mur, Bandettini (2008), doi:10.3389/neuro.06.004.2008.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(300, 4))
    >>> y = x + 0.3 * np.random.default_rng(1).normal(size=(300, 4))
    >>> round(rsa(x, y), 2), round(sampled_rsa(x, y, pairs=20_000), 2)
    (0.9, 0.9)
    """
    if x.n <= PAIRED and x.n * (x.n - 1) // 2 <= pairs:  # shuffles are then gathered, not computed
        return rsa(x, y, inner=inner, outer=outer)
    first, second = _sample(x.n, pairs, seed)
    values = []
    for of in (x, y):
        distances = _distances(of, first, second, inner)
        ranks = average_ranks(distances, TIES[inner])
        if (ranks == ranks[0]).all():
            raise UndefinedError(f"all distances between the rows of {of.name} are equal, so they have no order")
        chosen = ranks if outer == "spearman" else distances
        chosen = chosen - chosen.mean()
        values.append(chosen / np.linalg.norm(chosen))
    return float(values[0] @ values[1])


def _distances(
    of: Prepared, first: Int[np.ndarray, " m"], second: Int[np.ndarray, " m"], inner: Literal["cosine", "euclidean"]
) -> Float[np.ndarray, " m"]:
    """Of pairs of items: from the rows, or from a table of all that was given."""
    if of.is_table:
        return np.asarray(to_numpy(of[Distances(inner)])[first, second])
    parts = spans(len(first), of.d)
    return np.concatenate([pair_distances(of, first[i:j], second[i:j, None], inner, False)[:, 0] for i, j in parts])


def _sample(n: int, pairs: int, seed: int) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Different pairs of n items, the first of each before the second; all where there are no more than wanted."""
    count = n * (n - 1) // 2
    if count <= pairs:
        first, second = np.triu_indices(n, 1)
        return first, second
    rng = np.random.default_rng(seed)
    drawn = np.empty(0, dtype=np.int64)
    while len(drawn) < pairs:  # a few are drawn twice
        ends = rng.integers(0, n, size=(2, pairs - len(drawn)))
        codes = np.minimum(*ends) * n + np.maximum(*ends)
        drawn = np.unique(np.concatenate([drawn, codes[ends[0] != ends[1]]]))
    return drawn // n, drawn % n


def _tau(a: Float[np.ndarray, " m"], b: Float[np.ndarray, " m"], form: str) -> float:
    tau_b = float(scipy.stats.kendalltau(a, b).statistic)
    if form == "tau_b":
        return tau_b
    pairs = len(a) * (len(a) - 1) / 2
    untied = [pairs - sum(t * (t - 1) / 2 for t in np.unique(m, return_counts=True)[1].tolist()) for m in (a, b)]
    return tau_b * sqrt(untied[0] * untied[1]) / pairs


def _rsm_difference_facts(inner: str, center: bool, normalize: bool, norm: str) -> Facts:
    choice("norm", norm, ("frobenius", "spectral"))
    choice("inner", inner, ("euclidean", "cosine"))
    euclidean = inner == "euclidean"
    # Euclidean distances ignore the offset by themselves; the norm that divides them feels it unless centred.
    translation = center or (euclidean and not normalize)
    return Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=normalize or not euclidean, center=translation),
        regime="unrelated data come near to each other: all distances of a side grow equal",
        cost=f"side O(n^2 d), pair O(n^{2 if norm == 'frobenius' else 3})",
        minimum_items=3 if normalize and euclidean else 2,
    )


def _rsm_difference_product(
    inner: Literal["euclidean", "cosine"], center: bool, normalize: bool, norm: str
) -> Product | None:
    if norm == "spectral":
        return None
    size = Norm(center) if normalize and inner == "euclidean" else None
    return Product(Distances(inner, center=center and inner == "cosine"), size, "distance", 0.5)


def _rsm_difference_without_each(
    inner: Literal["euclidean", "cosine"], center: bool, normalize: bool, norm: str
) -> WithoutEach | None:
    if center and inner == "cosine":  # these cosines feel the mean of all items
        return None
    size = Norm(center) if normalize and inner == "euclidean" else None
    if norm == "spectral":
        return None if size else of_spectral_norm(Distances(inner))
    return of_differences(Distances(inner), size)


@measure(
    title="Norm of the RSM difference",
    facts=_rsm_difference_facts,
    product=_rsm_difference_product,
    without_each=_rsm_difference_without_each,
    variants=(
        {"center": False},
        {"normalize": False},
        {"center": False, "normalize": False},
        {"inner": "cosine", "center": False, "normalize": False},
        {"inner": "cosine"},
        {"norm": "spectral"},
        {"center": False, "normalize": False, "norm": "spectral"},
    ),
    version=2,
    references=("10.48550/arXiv.2312.02730",),
)
def rsm_difference(
    x: Prepared,
    y: Prepared,
    *,
    inner: Literal["euclidean", "cosine"] = "euclidean",
    center: bool = True,
    normalize: bool = True,
    norm: Literal["frobenius", "spectral"] = "frobenius",
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
    norm : {"frobenius", "spectral"}
        ``spectral`` takes the largest singular value of S - S' instead: the number of the ReSi benchmark.

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
    Cost: O(n^2 d) once per side, O(n^2) per pair; O(n^3) for ``norm="spectral"``.

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
    xp = array_namespace(a, b)
    if norm == "spectral":
        return float(xp.max(xp.abs(xp.linalg.eigvalsh(a - b))))  # of a symmetric matrix
    return float(xp.linalg.matrix_norm(a - b)) / sqrt(2)
