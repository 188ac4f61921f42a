"""Measures of two models' outputs: log-probabilities of the same tokens, or of the same choices, row by row."""

import functools
import math
from collections.abc import Callable
from typing import Any

from jaxtyping import Bool, Float

from likewise.arrays import Array, array_namespace
from likewise.measures.facts import Direction, Facts, of_same_features
from likewise.measures.registry import measure
from likewise.measures.without_each import WithoutEach, of_rows
from likewise.quantities import LogProbabilities, Prepared

ENTRIES = 2**21
"""Numbers of one side that are worked on at once, so that a large vocabulary needs no second matrix."""

SMALL = 1.0
"""Differences of log-probabilities up to here have a form that keeps their digits; beyond it the plain one does."""


def _facts(direction: Direction, high: float, *ignored: str, **others: Any) -> Facts:
    others = {"regime": "none", "needs": "log_probabilities", **others}
    return of_same_features(direction, (0.0, high), *ignored, **others)


def by_rows(one: Callable[..., Float[Array, " m"]]) -> Callable[..., Float[Array, " n"]]:
    """Make a function of some rows of log-probabilities one of two sides: a number for each item, a few at a time."""

    @functools.wraps(one)
    def found(x: Prepared, y: Prepared, **parameters: bool) -> Float[Array, " n"]:
        a, b = x[LogProbabilities()], y[LogProbabilities()]
        xp, n, step = array_namespace(a, b), a.shape[0], max(1, ENTRIES // a.shape[1])
        blocks = [slice(i, min(n, i + step)) for i in range(0, n, step)]
        return xp.concat([one(a[rows, :], b[rows, :], **parameters) for rows in blocks])

    return found


def without_each_of(function: Callable[..., Float[Array, " n"]]) -> Callable[..., WithoutEach]:
    """What `measure` takes as ``without_each``, of a function that gives a number for each item."""
    return lambda **parameters: of_rows(lambda x, y: function(x, y, **parameters))


@by_rows
def _kl(a: Float[Array, "m d"], b: Float[Array, "m d"]) -> Float[Array, " m"]:
    r"""As both sum to one, the sum of :math:`p (e^t - 1 - t)` with :math:`t = \log q - \log p`."""
    xp = array_namespace(a, b)
    p, t = xp.exp(a), b - a
    near = xp.abs(t) <= SMALL
    few = xp.where(near, t, xp.zeros_like(t))  # no other is raised to a power
    terms = xp.where(near, p * (xp.expm1(few) - few), xp.exp(b) - p - p * t)
    return xp.sum(terms, axis=1)


@measure(
    title="Kullback-Leibler divergence",
    facts=lambda: _facts("distance", math.inf, symmetric=False),
    without_each=without_each_of(_kl),
    references=("10.1214/aoms/1177729694",),
)
def kl_divergence(x: Prepared, y: Prepared) -> Float[Array, " n"]:
    r"""Kullback-Leibler divergence of Y from X, a mean over the inputs: what coding X by Y costs.

    .. math:: \frac{1}{n} \sum_i \sum_j p_{ij} \log \frac{p_{ij}}{q_{ij}}

    with p the probabilities of X and q those of Y. In nats: divide by log 2 for bits.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        Log-probabilities; column j of both belongs to the same token or choice. X is the base, Y its copy.

    Returns
    -------
    float
        From 0 upwards.

    Raises
    ------
    UndefinedError
        If a side holds no log-probabilities, or the sides have other numbers of columns.

    Notes
    -----
    Cost: O(n d). Rows are normalised again in double precision. It is the mean KLD of llama.cpp, over other tokens:
    there of every token in the second half of each window, here one row for each input.

    References
    ----------
    Kullback and Leibler (1951), doi:10.1214/aoms/1177729694.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.log(np.asarray([[0.5, 0.5]])), np.log(np.asarray([[0.25, 0.75]]))
    >>> round(kl_divergence(p, q), 6), round(kl_divergence(q, p), 6)
    (0.143841, 0.130812)
    """
    return _kl(x, y)


@by_rows
def _js(a: Float[Array, "m d"], b: Float[Array, "m d"], *, root: bool) -> Float[Array, " m"]:
    r"""A sum of (p + q) (t h + log(1 - h^2)) / 4, with t = log q - log p and h = tanh(t / 2)."""
    xp = array_namespace(a, b)
    t = b - a
    size, h = xp.abs(t), xp.tanh(t / 2)
    near = size <= SMALL
    inner = xp.where(near, h, xp.zeros_like(h))  # of others 1 - h^2 may be nothing
    e = xp.exp(-size)
    far = 2 * (math.log(2) - xp.log1p(e) - size * e / (1 + e))
    terms = (xp.exp(a) + xp.exp(b)) * xp.where(near, t * h + xp.log1p(-(inner**2)), far)
    sums = xp.sum(terms, axis=1) / 4
    return xp.sqrt(sums) if root else sums


@measure(
    title="Jensen-Shannon divergence",
    facts=lambda root: _facts("distance", math.sqrt(math.log(2)) if root else math.log(2), metric=root),
    without_each=without_each_of(_js),
    variants=({"root": True},),
    references=("10.1109/18.61115", "10.1109/TIT.2003.813506"),
)
def jensen_shannon(x: Prepared, y: Prepared, *, root: bool = False) -> Float[Array, " n"]:
    r"""Jensen-Shannon divergence, a mean over the inputs.

    .. math:: \frac{1}{n} \sum_i \frac{1}{2} \sum_j \Big( p_{ij} \log \frac{p_{ij}}{m_{ij}}
        + q_{ij} \log \frac{q_{ij}}{m_{ij}} \Big), \quad m = \frac{p + q}{2}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        Log-probabilities; column j of both belongs to the same token or choice.
    root : bool
        The mean of the roots, which is a metric: the Jensen-Shannon distance.

    Returns
    -------
    float
        In [0, log 2], in nats; with ``root`` its root.

    Raises
    ------
    UndefinedError
        If a side holds no log-probabilities, or the sides have other numbers of columns.

    Notes
    -----
    Cost: O(n d).

    References
    ----------
    Lin (1991), doi:10.1109/18.61115; a metric: Endres and Schindelin (2003), doi:10.1109/TIT.2003.813506.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.log(np.asarray([[0.5, 0.5]])), np.log(np.asarray([[0.25, 0.75]]))
    >>> round(jensen_shannon(p, q), 6)
    0.033822
    """
    return _js(x, y, root=root)


@by_rows
def _tv(a: Float[Array, "m d"], b: Float[Array, "m d"]) -> Float[Array, " m"]:
    xp = array_namespace(a, b)
    return xp.sum(xp.abs(xp.exp(a) - xp.exp(b)), axis=1) / 2


@measure(
    title="Total variation",
    facts=lambda: _facts("distance", 1.0, metric=True),
    without_each=without_each_of(_tv),
    references=("10.1090/mbk/107",),
)
def total_variation(x: Prepared, y: Prepared) -> Float[Array, " n"]:
    r"""Total variation distance, a mean over the inputs: the share of samples that must change.

    .. math:: \frac{1}{n} \sum_i \frac{1}{2} \sum_j |p_{ij} - q_{ij}|

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        Log-probabilities; column j of both belongs to the same token or choice.

    Returns
    -------
    float
        In [0, 1]. No event is more likely under one side than under the other by more than this, in the mean.

    Raises
    ------
    UndefinedError
        If a side holds no log-probabilities, or the sides have other numbers of columns.

    Notes
    -----
    Cost: O(n d).

    References
    ----------
    Levin and Peres (2017), chapter 4, doi:10.1090/mbk/107.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.log(np.asarray([[0.5, 0.5]])), np.log(np.asarray([[0.25, 0.75]]))
    >>> round(total_variation(p, q), 12)
    0.25
    """
    return _tv(x, y)


def _top(of: Prepared) -> Bool[Array, "n d"]:
    """The likeliest of each row; several where they tie to the last bit."""
    xp = array_namespace(of.matrix)
    return of.matrix == xp.max(of.matrix, axis=1, keepdims=True)


def _equal(x: Prepared, y: Prepared) -> Float[Array, " n"]:
    a, b = _top(x), _top(y)
    xp = array_namespace(a, b)

    def count(which: Bool[Array, "n d"]) -> Float[Array, " n"]:
        return xp.astype(xp.sum(xp.astype(which, xp.int64), axis=1), xp.float64)

    return count(a & b) / count(a | b)


@measure(
    title="Equal top tokens",
    facts=lambda: _facts(
        "similarity", 1.0, invariances=frozenset({"scaling"})
    ),  # a temperature, as the rows are normalised again
    without_each=without_each_of(_equal),
    references=("10.1177/001316446002000104",),
)
def equal_top(x: Prepared, y: Prepared) -> Float[Array, " n"]:
    r"""Share of inputs for which both sides find the same token, or choice, the likeliest.

    .. math:: \frac{1}{n} \sum_i \frac{|T_i(X) \cap T_i(Y)|}{|T_i(X) \cup T_i(Y)|}

    with T the tokens that are the likeliest: one, or several that tie to the last bit, as in half precision they may.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        Log-probabilities; column j of both belongs to the same token or choice.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    UndefinedError
        If a side holds no log-probabilities, or the sides have other numbers of columns.

    Notes
    -----
    Cost: O(n d). Chance is the share of equal tokens of inputs that do not belong together, so that the calibrated
    score is Cohen's kappa, with chance from shuffles. llama.cpp calls this share "same top p".

    References
    ----------
    Chance-corrected agreement: Cohen (1960), doi:10.1177/001316446002000104.

    Examples
    --------
    >>> import numpy as np
    >>> p = np.log(np.asarray([[0.6, 0.4], [0.2, 0.8]]))
    >>> equal_top(p, np.log(np.asarray([[0.9, 0.1], [0.7, 0.3]])))
    0.5
    """
    return _equal(x, y)
