"""Measures that predict one representation from the other."""

from math import inf

from likewise.arrays import array_namespace
from likewise.errors import UndefinedError
from likewise.measures.facts import Bilinear, Facts, check_folds, ridge_like, rotations
from likewise.measures.registry import measure
from likewise.measures.without_each import of_regression
from likewise.quantities import (
    Explained,
    Gram,
    HeldOutRows,
    Norm,
    Prepared,
    SingularValues,
    held_out_shares,
    scaled_products,
    unexplained,
)


def _facts(folds: int, ridge: float) -> Facts:
    check_folds(folds)
    ridge_like("ridge", ridge)
    plain = folds == 0 and ridge == 0
    return Facts(
        direction="similarity",
        bounds=(-inf if folds else 0.0, 1.0),
        identity=1.0 if plain else None,
        invariances=rotations(normalize=True, center=True),
        invariances_of_second=frozenset({"linear"} if plain else ()),
        symmetric=False,
        regime="undefined" if plain else "in sample, the ridge decides" if not folds else "honest, and low",
        cost="side O(n d min(n, d)" + (", for each fold" if folds else "") + " + n^2 d), pair O(n^2)",
        undefined_if_wide=plain,
        minimum_items=max(4, folds) if folds else 2 if ridge else 3,
    )


def _shuffled(folds: int, ridge: float) -> Bilinear | None:
    return None if folds else Bilinear(Gram(center=True, unit=True), Explained(ridge), lambda x, y: (0.0, 1.0))


@measure(
    title="Linear predictivity",
    shuffled=_shuffled,
    facts=_facts,
    without_each=lambda folds, ridge: None if folds or ridge else of_regression,
    variants=({"folds": 5}, {"ridge": 0.1}, {"folds": 4, "ridge": 0.01}),
    version=4,
    references=("10.48550/arXiv.1905.00414", "10.1080/00401706.1970.10488634"),
)
def linear_predictivity(x: Prepared, y: Prepared, *, folds: int = 0, ridge: float = 0.0) -> float:
    r"""Linear predictivity: the share of the variance of X that linear regression on Y explains.

    .. math:: R^2 = 1 - \frac{|X - \hat X|_F^2}{|X - \bar X|_F^2}, \quad \hat X = \bar X + c(Y) \big(c(Y)'c(Y)
        + ridge \, |c(Y)|_F^2 I\big)^{+} c(Y)'c(X)

    which without a ridge is :math:`|U_Y' c(X)|_F^2 / |c(X)|_F^2` with the left singular vectors of c(Y).

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i. X is predicted from Y.
    folds : int
        Where not 0: predict each fold from a regression on the others; item i belongs to fold i mod ``folds``. The
        mean of X, too, is that of the training items. Of several exact solutions the shortest is taken.
    ridge : float
        Penalty, as a share of the total variance of Y.

    Returns
    -------
    float
        At most 1; in sample at least 0, held out as far below 0 as predictions are worse than the mean.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal; in sample and without a ridge, if the centred rows of Y are linearly
        independent: they then predict anything, whatever the data.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side and fold, O(n^2) per pair. Of many rows of few features held out, O(n d^2) per
    pair and no table of n by n, unless the inverse would lose digits (without a ridge).

    References
    ----------
    Kornblith et al. (2019), doi:10.48550/arXiv.1905.00414; ridge: Hoerl and Kennard (1970),
    doi:10.1080/00401706.1970.10488634.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> round(linear_predictivity(y @ np.asarray([[1.0, 2.0], [3.0, 6.0]]), y), 12)
    1.0
    """
    if folds == 0 and ridge == 0 and y[SingularValues(center=True)].shape[0] >= y.n - 1:
        raise UndefinedError(
            f"the {y.n} centred rows of {y.name} are linearly independent, as they are where n <= d: in sample they "
            "predict anything; use folds=5, with a ridge if need be, or take more items"
        )
    if folds == 0 and (x.is_many or y.is_many):
        return _of_many(x, y, ridge)
    size = x[Norm(center=True)]
    if folds and y.is_many and not x.is_table and y[Norm(center=True)]:
        shares = held_out_shares(x, y, folds, float(ridge))
        if shares is not None:
            return 1 - shares[0] / shares[1]
    xp = array_namespace(x.given, y.given)
    left = unexplained(x, y, folds, float(ridge))
    whole = xp.sum((x[HeldOutRows(folds, True)] / size) ** 2) if folds else 1.0
    return 1 - float(left / whole)


def _of_many(x: Prepared, y: Prepared, ridge: float) -> float:
    """In sample, with no matrix of all pairs of items: from the products of the principal components of both sides."""
    s, t = x[SingularValues(center=True)], y[SingularValues(center=True)]
    xp = array_namespace(s, t)
    products = scaled_products(x, y, True, (xp.ones_like(s) * xp.linalg.vector_norm(s), t))
    kept = t**2 / (t**2 + ridge * xp.sum(t**2))  # of each direction of Y
    return float(xp.sum(products**2 * (2 * kept - kept**2)))
