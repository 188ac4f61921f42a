"""Measures for copies of one model: their features are the same ones, so rows are compared as they are."""

from math import inf, log10, sqrt
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from likewise.arrays import Array, array_namespace, to_numpy
from likewise.errors import UndefinedError
from likewise.measures.facts import Direction, Facts, Matched, choice, of_same_features
from likewise.measures.registry import Score, measure
from likewise.measures.without_each import LEAST, WithoutEach, of_rows
from likewise.quantities import Directions, ErrorLengths, Norm, Prepared, RowNorms, UnitColumns

AS_THEY_ARE = "n and d do not matter: nothing is fitted"
"""The regime of measures that compare rows as they are."""

Over = Literal["all", "rows"]


def _facts(
    direction: Direction, bounds: tuple[float, float], *ignored: str, center: bool = False, **others: Any
) -> Facts:
    others = {"regime": AS_THEY_ARE, "minimum_items": 2 if center else 1, **others}
    return of_same_features(direction, bounds, *ignored, *(["translation"] if center else []), **others)


def _relative_error_facts(over: str, center: bool) -> Facts:
    choice("over", over, ("all", "rows"))
    return _facts("distance", (0.0, inf), center=center, symmetric=False)


def _relative_errors(x: Prepared, y: Prepared, center: bool) -> Float[Array, " n"]:
    return x.joint(y, ErrorLengths(center)) / x[RowNorms(center)]


def _length(lengths: Float[Array, " n"]) -> float:
    """The Frobenius norm of rows of these lengths, also where their squares are too small for a float."""
    xp = array_namespace(lengths)
    longest = float(xp.max(lengths))
    return longest * float(xp.linalg.vector_norm(lengths / longest)) if longest else 0.0


def _error_without_each(x: Prepared, y: Prepared, center: bool) -> Float[np.ndarray, " n"] | None:
    """|X - Y| / |X| without each row: a centred square falls by n / (n - 1) of the row's own."""
    squares = [to_numpy(a) ** 2 for a in (x.joint(y, ErrorLengths(center)), x[RowNorms(center)])]
    falls = x.n / (x.n - 1) if center else 1.0
    error, own = (a.sum() - falls * a for a in squares)
    if not squares[0].any():
        return np.zeros(x.n)
    if min((a / b.sum()).min() for a, b in zip((error, own), squares, strict=True)) <= LEAST:
        return None
    return np.asarray(np.sqrt(error / own))


def _relative_error_without_each(over: Over, center: bool) -> WithoutEach | None:
    if over == "all":
        return lambda x, y: _error_without_each(x, y, center) if x.n > 1 + center else None
    return None if center else of_rows(lambda x, y: _relative_errors(x, y, center))


@measure(
    title="Relative error",
    facts=_relative_error_facts,
    without_each=_relative_error_without_each,
    variants=({"over": "rows"}, {"center": True}, {"over": "rows", "center": True}),
    references=("10.1137/1.9780898718027",),
)
def relative_error(x: Prepared, y: Prepared, *, over: Over = "all", center: bool = False) -> Score:
    r"""Relative error: how long the difference of two representations is, as a share of the first, the base.

    .. math:: \frac{|X - Y|_F}{|X|_F}, \quad \text{or over rows} \quad \frac{1}{n} \sum_i \frac{|x_i - y_i|}{|x_i|}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        The base and a copy of it. Row i of both describes item i, column j is the same feature.
    over : {"all", "rows"}
        One error of all rows, in which long rows count most, or the mean of the errors of the rows.
    center : bool
        Subtract the column means of both first; a common offset, as of a few massive features, then makes no error
        look small.

    Returns
    -------
    float
        0 for equal copies; without an upper bound.

    Raises
    ------
    UndefinedError
        If the widths differ, or the base, or over rows one row of it, is zero (equal to the mean, where ``center``).

    Notes
    -----
    Cost: O(n d). Exchanging the sides divides by the other length.

    References
    ----------
    Higham (2002), Accuracy and Stability of Numerical Algorithms, doi:10.1137/1.9780898718027.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.asarray([[3.0, 4.0], [0.0, 1.0]]), np.asarray([[3.0, 3.0], [0.0, 0.5]])
    >>> round(relative_error(x, y), 6), relative_error(x, y, over="rows")
    (0.219265, 0.35)
    """
    if over == "rows":
        return _relative_errors(x, y, center)
    return _length(x.joint(y, ErrorLengths(center))) / float(x[Norm(center)])


def _signal_to_noise_facts(over: str, center: bool) -> Facts:
    choice("over", over, ("all", "rows"))
    return _facts("similarity", (-inf, inf), center=center, symmetric=False, identity=None, undefined_if_equal=True)


def _decibels(x: Prepared, y: Prepared, center: bool) -> Float[Array, " n"]:
    errors, own = x.joint(y, ErrorLengths(center)), x[RowNorms(center)]
    xp = array_namespace(errors)
    if not xp.all(errors > 0):
        raise UndefinedError(
            f"the copies {x.name} and {y.name} are equal in row {int(xp.argmin(errors))}: there is no noise to divide "
            "by"
        )
    return 20 * (xp.log10(own) - xp.log10(errors))


def _signal_to_noise_without_each(over: Over, center: bool) -> WithoutEach | None:
    if over == "rows":
        return None if center else of_rows(lambda x, y: _decibels(x, y, center))

    def found(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        errors = _error_without_each(x, y, center) if x.n > 1 + center else None
        return None if errors is None or not errors.all() else -20 * np.log10(errors)

    return found


@measure(
    title="Signal to noise ratio",
    facts=_signal_to_noise_facts,
    without_each=_signal_to_noise_without_each,
    variants=({"over": "rows"}, {"center": True}, {"over": "rows", "center": True}),
    references=("10.48550/arXiv.1511.06393",),
)
def signal_to_noise(x: Prepared, y: Prepared, *, over: Over = "all", center: bool = False) -> Score:
    r"""Signal to noise ratio in decibels: the relative error on a scale of logarithms.

    .. math:: 20 \log_{10} \frac{|X|_F}{|X - Y|_F}, \quad \text{or over rows} \quad
        \frac{1}{n} \sum_i 20 \log_{10} \frac{|x_i|}{|x_i - y_i|}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        The base and a copy of it. Row i of both describes item i, column j is the same feature.
    over : {"all", "rows"}
        The ratio of all rows, or the mean of the ratios of the rows, in decibels.
    center : bool
        Subtract the column means of both first.

    Returns
    -------
    float
        In dB. Ten times less error is 20 dB more; 0 where the error is as long as the base.

    Raises
    ------
    UndefinedError
        If the copies are equal (over rows, in one row), as there is no noise; if the widths differ; if the base, or
        over rows one row of it, is zero (equal to the mean, where ``center``).

    Notes
    -----
    Cost: O(n d).

    References
    ----------
    Lin, Talathi, Annapureddy (2016), doi:10.48550/arXiv.1511.06393, as of quantised models (SQNR).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[3.0, 4.0], [0.0, 1.0]])
    >>> round(signal_to_noise(x, 0.99 * x), 9)
    40.0
    """
    if over == "rows":
        return _decibels(x, y, center)
    error, own = _length(x.joint(y, ErrorLengths(center))), float(x[Norm(center)])
    if not error:
        raise UndefinedError(f"the copies {x.name} and {y.name} are equal: there is no noise to divide by")
    return 20 * (log10(own) - log10(error))


def _cosines(x: Prepared, y: Prepared, center: bool) -> Float[Array, " n"]:
    a, b = x[Directions(center)], y[Directions(center)]
    return array_namespace(a, b).sum(a * b, axis=1)


@measure(
    title="Cosine similarity",
    facts=lambda center: _facts(
        "similarity",
        (-1.0, 1.0),
        center=center,
        invariances=frozenset({"scaling"} | ({"translation"} if center else set())),
    ),
    without_each=lambda center: None if center else of_rows(lambda x, y: _cosines(x, y, center)),
    matched=lambda center: Matched(Directions(center), over="items"),
    variants=({"center": True},),
    references=("10.48550/arXiv.2403.03853",),
)
def cosine(x: Prepared, y: Prepared, *, center: bool = False) -> Score:
    r"""Cosine similarity of the rows as they are, without any rotation.

    .. math:: \frac{1}{n} \sum_i \cos(x_i, y_i)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        Row i of both describes item i, column j is the same feature.
    center : bool
        Subtract the column means of both first; a common offset, as of a few massive features, then makes no rows
        look alike.

    Returns
    -------
    float
        In [-1, 1]; 1 for rows of the same directions.

    Raises
    ------
    UndefinedError
        If the widths differ, or a row is zero (equal to the mean, where ``center``).

    Notes
    -----
    Cost: O(n d). `aligned_cosine` is the same after the best rotation; `block_influence` is 1 less this.

    References
    ----------
    Men et al. (2024), doi:10.48550/arXiv.2403.03853, between layers of one model.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> round(cosine(x, y), 9)
    0.9
    """
    return _cosines(x, y, center)


def _turned(x: Prepared, y: Prepared) -> Float[Array, " n"]:
    """1 - cos of each row, as half a squared chord: it keeps its digits where the rows are nearly the same."""
    a, b = x[Directions(center=False)], y[Directions(center=False)]
    return array_namespace(a, b).sum((a - b) ** 2, axis=1) / 2


@measure(
    title="Block influence",
    facts=lambda: _facts("distance", (0.0, 2.0), "scaling"),
    without_each=lambda: of_rows(_turned),
    matched=lambda: Matched(Directions(center=False), over="items", turned=True),
    references=("10.48550/arXiv.2403.03853",),
)
def block_influence(x: Prepared, y: Prepared) -> Score:
    r"""Block influence: how far a block turns the states that go through it. Compare neighbouring layers of one model.

    .. math:: 1 - \frac{1}{n} \sum_i \cos(x_i, y_i)

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        What goes into a block and what comes out. Row i of both describes item i, column j is the same feature.

    Returns
    -------
    float
        In [0, 2]; 0 for a block that leaves all directions as they are, and may be left out.

    Raises
    ------
    UndefinedError
        If the widths differ, or a row is zero.

    Notes
    -----
    Cost: O(n d). It is 1 less `cosine`, summed from the differences of unit rows: small values keep their digits.

    References
    ----------
    Men et al. (2024), ShortGPT, doi:10.48550/arXiv.2403.03853.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.asarray([[1.0, 0.0], [0.0, 2.0]]), np.asarray([[3.0, 0.0], [3.0, 4.0]])
    >>> round(block_influence(x, y), 9)
    0.1
    """
    return _turned(x, y)


def _largest_without_each(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
    if x.n < 2:
        return None
    rows = np.abs(to_numpy(x.matrix - y.matrix)).max(axis=1)
    squares = to_numpy(x[RowNorms(center=False)]) ** 2
    left = squares.sum() - squares
    if left.min() <= LEAST * squares.sum():
        return None
    first, second = np.sort(rows)[[-1, -2]]
    largest = np.where(np.arange(x.n) == rows.argmax(), second, first)
    return np.asarray(largest * np.sqrt((x.n - 1) * x.d / left))


@measure(
    title="Largest error",
    facts=lambda: _facts("distance", (0.0, inf), symmetric=False, regime="grows with the number of entries"),
    without_each=lambda: _largest_without_each,
    references=("10.1137/1.9780898718027",),
)
def largest_error(x: Prepared, y: Prepared) -> float:
    r"""Largest error: of all entries, beside the typical entry of the first side, the base.

    .. math:: \frac{\max_{ij} |x_{ij} - y_{ij}|}{\sqrt{\sum_{ij} x_{ij}^2 / (n d)}}

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        The base and a copy of it. Row i of both describes item i, column j is the same feature.

    Returns
    -------
    float
        0 for equal copies; without an upper bound.

    Raises
    ------
    UndefinedError
        If the widths differ, or the base is zero.

    Notes
    -----
    Cost: O(n d). One entry decides: it finds a fault in one place that a mean hides, and differs most from sample to
    sample.

    References
    ----------
    Higham (2002), Accuracy and Stability of Numerical Algorithms, doi:10.1137/1.9780898718027.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.asarray([[1.0, -1.0], [1.0, 1.0]]), np.asarray([[1.0, -1.0], [1.25, 1.0]])
    >>> largest_error(x, y)
    0.25
    """
    xp = array_namespace(x.given, y.given)
    return float(xp.max(xp.abs(x.matrix - y.matrix))) / (float(x[Norm(center=False)]) / sqrt(x.n * x.d))


def _correlation_without_each(x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
    """Of each feature from its products: all that is centred falls by n / (n - 1) of what the item adds."""
    if x.n < 4:
        return None
    a, b = to_numpy(x[UnitColumns(center=True)]), to_numpy(y[UnitColumns(center=True)])
    falls = x.n / (x.n - 1)
    own_x, own_y = 1 - falls * a**2, 1 - falls * b**2
    if min(own_x.min(), own_y.min()) <= LEAST:
        return None
    return np.asarray((((a * b).sum(axis=0) - falls * a * b) / np.sqrt(own_x * own_y)).mean(axis=1))


@measure(
    title="Feature correlation",
    facts=lambda: _facts(
        "similarity",
        (-1.0, 1.0),
        "scaling",
        "translation",
        regime="n < d does not matter: each feature is compared by itself",
        minimum_items=3,
    ),
    without_each=lambda: _correlation_without_each,
    matched=lambda: Matched(UnitColumns(center=True), over="features"),
    references=("10.48550/arXiv.1511.07543",),
)
def feature_correlation(x: Prepared, y: Prepared) -> Score:
    r"""Feature correlation: the mean correlation of each feature with the feature of the same number.

    .. math:: \frac{1}{d} \sum_j \operatorname{corr}(x_{\cdot j}, y_{\cdot j})

    Copies and descendants of one model share their axes; models that were trained apart do not, however alike they are
    after a rotation. Its chance level is that of shuffled features (``chance="features"``).

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, d)
        Row i of both describes item i, column j is the same feature.

    Returns
    -------
    float
        In [-1, 1]; about 0 for models that do not share their axes; 1 for copies alike up to offset and scale of each
        feature.

    Raises
    ------
    UndefinedError
        If the widths differ, or a feature is constant on one side: it has no correlation. None is left out in silence.

    Notes
    -----
    Cost: O(n d). Every feature counts the same, however massive. A copy whose features were permuted or rotated does
    not share the axes any more, and scores like an unrelated model.

    References
    ----------
    Li et al. (2015), doi:10.48550/arXiv.1511.07543, for correlations between features of two networks.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 2.0], [2.0, 0.0], [3.0, 1.0]])
    >>> round(feature_correlation(x, x * [1.0, -1.0]), 9), round(feature_correlation(x, 2 * x + 1), 9)
    (0.0, 1.0)
    """
    a, b = x[UnitColumns(center=True)], y[UnitColumns(center=True)]
    return x.n * array_namespace(a, b).mean(a * b, axis=1)
