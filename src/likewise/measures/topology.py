"""Measures of shape: which items hang together at which distance, and how heat spreads over them."""

from math import exp, inf

import numpy as np
from jaxtyping import Float

from likewise.arrays import array_namespace, to_numpy
from likewise.errors import InputError, MissingDependencyError
from likewise.measures.facts import Difference, Facts, not_negative, positive, rotations
from likewise.measures.registry import measure
from likewise.quantities import TIMES, HeatTrace, Prepared, ScaledDistances, SpanningLength, spanning_length

LEAST = 3
"""The fewest items whose distances have a shape."""


def _rtd_facts(sample: int, draws: int, seed: int) -> Facts:
    positive("draws", draws)
    not_negative("seed", seed)
    if sample != 0 and sample < LEAST:
        raise InputError(f"sample={sample}; expected {LEAST} items or more, or 0 for all")
    if sample == 0 and (draws, seed) != (1, 0):
        raise InputError(f"draws={draws}, seed={seed}: these need sample; sample=0 takes all items")
    return Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        invariances=rotations(normalize=True, center=True),
        regime="unrelated data come near to each other: all distances of a side grow equal",
        cost="side O(n^2 d), pair: homology of 2 n points, minutes and gigabytes from a thousand on",
        minimum_items=LEAST,
        rounding=1e-5,
    )


@measure(
    title="Representation topology divergence",
    facts=_rtd_facts,
    variants=({"sample": 10, "draws": 2, "seed": 1},),
    references=("10.48550/arXiv.2201.00058", "10.21105/joss.00925"),
)
def rtd(x: Prepared, y: Prepared, *, sample: int = 0, draws: int = 1, seed: int = 0) -> float:
    r"""Representation topology divergence: how long loops last that one side closes and the other does not.

    .. math:: \frac{1}{2} \big(R(D, E) + R(E, D)\big), \quad R(D, E) = \sum \text{lengths of the } H_1 \text{ bars of }
        \begin{pmatrix} 0 & D \\ D & \min(D, E) \end{pmatrix}

    with D and E the Euclidean distances of each side, divided by the 0.9 quantile of the matrix, its zero diagonal
    included as in the authors' code, and the bars those of the Vietoris-Rips filtration.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    sample : int
        Where not 0 and below n: take the mean over draws of so many items. The ReSi benchmark takes 10 of 500.
    draws : int
        Number of draws.
    seed : int
        Of the draws.

    Returns
    -------
    float
        From 0 upwards.

    Raises
    ------
    UndefinedError
        If nine of ten distances of a side are zero.
    MissingDependencyError
        Without the extra ``topology``.

    Notes
    -----
    Cost: the homology of 2 n points per pair, in single precision on one core: about a second for 164 items,
    minutes and gigabytes from a thousand on. `rtd_lite` asks a similar question in O(n^2).

    References
    ----------
    Barannikov et al. (2022), doi:10.48550/arXiv.2201.00058; Tralie, Saul, Bar-On (2018), doi:10.21105/joss.00925.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> rtd(x, 5 * x + 3) < 1e-6
    True
    """
    if not 0 < sample < x.n:
        return _rtd(x, y)
    rng = np.random.default_rng(seed)
    chosen = [np.sort(rng.permutation(x.n)[:sample]) for _ in range(draws)]
    return float(np.mean([_rtd(x.take(items), y.take(items)) for items in chosen]))


def _rtd(x: Prepared, y: Prepared) -> float:
    a, b = (to_numpy(of[ScaledDistances()]) for of in (x, y))
    return (_bars(a, b) + _bars(b, a)) / 2


def _bars(a: Float[np.ndarray, "n n"], b: Float[np.ndarray, "n n"]) -> float:
    try:
        from ripser import ripser
    except ImportError as error:
        raise MissingDependencyError("ripser", "topology") from error
    joined = np.block([[np.zeros_like(a), a], [a, np.minimum(a, b)]])
    born, dead = ripser(joined, distance_matrix=True, maxdim=1)["dgms"][1].astype(np.float64).T
    return float((dead - born).sum())


@measure(
    title="Representation topology divergence, lite",
    facts=lambda: Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        invariances=rotations(normalize=True, center=True),
        regime="unrelated data come near to each other: all distances of a side grow equal",
        cost="side O(n^2 d), pair O(n^2)",
        minimum_items=LEAST,
    ),
    references=("10.48550/arXiv.2503.11910",),
)
def rtd_lite(x: Prepared, y: Prepared) -> float:
    r"""Topology divergence by spanning trees: how much shorter a tree is that may use the edges of both sides.

    .. math:: \tfrac{1}{2} \big(T(D) + T(E)\big) - T(\min(D, E))

    with T the length of the minimum spanning tree, and D and E the Euclidean distances of each side, divided by the
    0.9 quantile of the matrix, as in `rtd`.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Returns
    -------
    float
        From 0 upwards.

    Raises
    ------
    UndefinedError
        If nine of ten distances of a side are zero.

    Notes
    -----
    Cost: O(n^2 d) once per side, O(n^2) per pair, on one core of the host.

    References
    ----------
    Tulchinskii et al. (2025), doi:10.48550/arXiv.2503.11910.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0], [1.0], [3.0]])
    >>> round(rtd_lite(x, 5 * x + 3), 12)
    0.0
    """
    a, b = x[ScaledDistances()], y[ScaledDistances()]
    both = spanning_length(array_namespace(a, b).minimum(a, b))
    return float((x[SpanningLength()] + y[SpanningLength()]) / 2 - both)


def _imd_facts(k: int) -> Facts:
    positive("k", k)
    return Facts(
        direction="distance",
        bounds=(0.0, exp(-4)),
        identity=0.0,
        metric=True,
        invariances=rotations(normalize=True, center=True),
        paired=False,
        regime="sees only the graph of nearest neighbours",
        cost="side O(n^2 d + n^3), pair O(1)",
        minimum_items=k + 2,
    )


def _apart(k: int) -> Difference:
    return Difference(HeatTrace(k), weights=np.exp(-2 * (TIMES + 1 / TIMES)))


@measure(
    title="Intrinsic multi-scale distance",
    facts=_imd_facts,
    variants=({"k": 3},),
    difference=_apart,
    references=("10.48550/arXiv.1905.11141",),
)
def imd(x: Prepared, y: Prepared, *, k: int = 5) -> float:
    r"""Intrinsic multi-scale distance: how differently heat spreads over the two graphs of nearest neighbours.

    .. math:: \max_t e^{-2 (t + 1/t)} |h_x(t) - h_y(t)|, \quad h(t) = \tfrac{1}{n} \operatorname{tr} e^{-tL}

    over 256 times from 0.1 to 10, evenly spaced in their logarithm, with L the normalised Laplacian of the graph that
    joins each item with its k nearest by Euclidean distance.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        The rows of both; their order does not matter.
    k : int
        Number of neighbours, below n; all that are as near as the k-th count, whatever the order of the rows.

    Returns
    -------
    float
        In [0, exp(-4)]. The ReSi benchmark multiplies by 1e6, and estimates the traces at random.

    Raises
    ------
    UndefinedError
        If k is not below n.

    Notes
    -----
    Cost: O(n^2 d + n^3) once per side for all eigenvalues, exactly; nothing per pair.

    References
    ----------
    Tsitsulin et al. (2020), doi:10.48550/arXiv.1905.11141.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0], [1.0], [3.0], [3.5]])
    >>> imd(x, 5 * x + 3, k=2)
    0.0
    """
    return _apart(k).score(x, y)
