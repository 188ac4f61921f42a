"""Canonical correlation: measures that compare column spaces, direction by direction."""

from math import inf

import numpy as np
from jaxtyping import Float

from likewise.arrays import Array, array_namespace
from likewise.errors import InputError, UndefinedError
from likewise.measures.facts import NEARS_IDENTITY, Bilinear, Facts, not_negative, ridge_like, rotations
from likewise.measures.leading import exchanged, generic, leading, scores_of
from likewise.measures.nuclear_norm_without_each import of_canonical
from likewise.measures.projection_without_each import PerRow, of_projections
from likewise.measures.registry import measure
from likewise.measures.without_each import LEAST, WithoutEach
from likewise.quantities import (
    TIED,
    CanonicalCorrelations,
    CanonicalDecomposition,
    Loadings,
    Prepared,
    Projection,
    ProjectionDistance,
    SingularValues,
    axes_of,
    scaled_products,
    tied_run,
    whitening,
)

INSTEAD = "take more items, svcca, or mean_cca with a ridge"


SAME = 1e-9
"""Values of two choices of open directions that are nearer than this are the same for all of them."""


def check_not_wide(x: Prepared, y: Prepared, instead: str) -> None:
    """Refuse sides whose centred rows are linearly independent: all canonical correlations are then 1 or 0."""
    for of in (x, y):
        few_features = of.is_many and of.d < of.n - 1  # no need to count directions
        if not few_features and of[SingularValues(center=True)].shape[0] >= of.n - 1:
            raise UndefinedError(
                f"the {of.n} centred rows of {of.name} are linearly independent (but that they sum to 0), as they are "
                f"where n <= d: the other side is correlated with them perfectly, whatever the data; {instead}"
            )


def _mean_cca_facts(ridge: float) -> Facts:
    ridge_like("ridge", ridge)
    return Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=None if ridge else 1.0,
        invariances=rotations(normalize=True, center=True) | ({"linear"} if not ridge else set()),
        regime="the ridge decides" if ridge else "undefined",
        cost="side O(n d min(n, d)), pair O(min(n, d)^3)",
        undefined_if_wide=not ridge,
        minimum_items=2 if ridge else 3,
    )


@measure(
    title="Mean canonical correlation",
    shuffled_in_rounds=lambda **parameters: True,
    facts=_mean_cca_facts,
    without_each=lambda ridge: None if ridge else of_canonical(),
    variants=({"ridge": 0.01},),
    version=2,
    references=("10.1093/biomet/28.3-4.321", "10.48550/arXiv.1706.05806"),
)
def mean_cca(x: Prepared, y: Prepared, *, ridge: float = 0.0) -> float:
    r"""Mean canonical correlation: how well directions of one side match directions of the other, of equal weight.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \rho_i, \quad W_x'W_y = U \operatorname{diag}(\rho) V', \quad
        W = c(X) \big(c(X)'c(X) + ridge \, |c(X)|_F^2 I\big)^{-1/2}

    with m the smaller numerical rank.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    ridge : float
        Penalty, as a share of the total variance of each side; 0 for none.

    Returns
    -------
    float
        In [0, 1]; 1, without a ridge, for equal column spaces.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, or, without a ridge, its centred rows are linearly independent.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side, O(min(n, d)^3) per pair.

    References
    ----------
    Hotelling (1936), doi:10.1093/biomet/28.3-4.321; Raghu et al. (2017), doi:10.48550/arXiv.1706.05806; ridge: Vinod
    (1976), doi:10.1016/0304-4076(76)90010-5.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> round(mean_cca(x, x @ np.asarray([[1.0, 2.0], [3.0, 4.0]])), 12)
    1.0
    """
    if not ridge:
        check_not_wide(x, y, INSTEAD)
    rho = x.joint(y, CanonicalCorrelations(float(ridge)))
    return float(array_namespace(rho).mean(rho))


VARIANCE = 0.99
"""The share of the variance that the kept directions hold."""


def _svcca_facts(variance: float, k: int) -> Facts:
    if not 0 < variance <= 1:
        raise InputError(f"variance={variance!r}; expected a share of the variance, above 0 and up to 1")
    not_negative("k", k)
    if k and variance != VARIANCE:
        raise InputError(f"variance={variance!r}, k={k}; expected one of them (k=0 is none)")
    return Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0,
        invariances=rotations(normalize=True, center=True),
        regime=NEARS_IDENTITY + "; undefined where as many directions are kept as there are items, less one",
        cost="side O(n d min(n, d)), pair O(n k^2)",
        minimum_items=max(3, k + 2),
    )


@measure(
    title="Singular vector canonical correlation",
    shuffled_in_rounds=lambda **parameters: True,
    facts=_svcca_facts,
    rivals=lambda variance, k: lambda x, y: exchanged(x, y, variance, k),
    variants=({"variance": 0.9}, {"k": 1}, {"k": 3}),
    version=3,
    references=("10.48550/arXiv.1706.05806",),
)
def svcca(x: Prepared, y: Prepared, *, variance: float = VARIANCE, k: int = 0) -> float:
    r"""Mean canonical correlation of the leading principal components.

    .. math:: \frac{1}{m} \sum_{i=1}^{m} \rho_i, \quad U_x'U_y = U \operatorname{diag}(\rho) V'

    with U_x, U_y the left singular vectors of c(X) and c(Y), the fewest that hold ``variance`` of the variance, or the
    first ``k``; m is the smaller of their numbers.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    variance : float
        Share of the variance that is kept on each side.
    k : int
        Where not 0: the number of components that are kept instead. 1 gives the number of the ReSi benchmark.

    Returns
    -------
    float
        In [0, 1]; 1 for components that span the same space.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, it has fewer than ``k`` directions, or n - 1 of them are kept; or if the
        last that is kept and the first that is left out have the same variance, so that there is no first, and the
        value is not the same whichever are kept.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side, O(n k^2) per pair.

    The last direction that is kept and the first that is left out may change places in another sample, on one side or
    on both. If at least 0.135 % of samples do so, the interval is made long enough to hold the scores that they would
    then give. That is told from the logarithms :math:`\log(s_k^2 / s_{k+1}^2)` of both sides, taken to be normal. Their
    variances and covariance are sums over the items, of squares or products of
    :math:`\sqrt{n / (n - 1)} (u_{ik}^2 - u_{i,k+1}^2)`, by the infinitesimal jackknife; u and s are the singular
    vectors and values.

    References
    ----------
    Raghu et al. (2017), doi:10.48550/arXiv.1706.05806.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> round(svcca(x, 2 * x[:, ::-1] + 1), 12)
    1.0
    """
    axes_of(x, y, center=True)
    choices = [leading(of, variance, k) for of in (x, y)]
    values = scores_of(x, y, choices)
    if max(values) - min(values) > SAME:
        of, kept = (x, choices[0]) if len(choices[0]) > 1 else (y, choices[1])
        raise UndefinedError(
            f"direction {kept[0].shape[-1]} of {of.name}, the last that is kept, and the next have the same variance: "
            "which of them are kept is open, and the value depends on it; keep fewer or more"
        )
    return values[0]


@measure(
    title="Projection-weighted canonical correlation",
    shuffled_in_rounds=lambda **parameters: True,
    facts=lambda: Facts(
        direction="similarity",
        bounds=(0.0, 1.0),
        identity=1.0,
        invariances=frozenset({"feature permutation", "scaling", "translation"}),
        invariances_of_second=frozenset({"orthogonal", "linear"}),
        symmetric=False,
        regime="undefined, as a rule from d + e = n + 1 on",
        cost="side O(n d min(n, d)), pair O(n d min(d, e))",
        undefined_if_wide=True,
        minimum_items=3,
    ),
    version=2,
    references=("10.48550/arXiv.1806.05759",),
)
def pwcca(x: Prepared, y: Prepared) -> float:
    r"""Mean canonical correlation, weighted by how much of X each canonical direction accounts for.

    .. math:: \frac{\sum_i a_i \rho_i}{\sum_i a_i}, \quad a_i = \sum_j |\langle h_i, x_j \rangle|

    with h_i the canonical variates of X, of unit length, and x_j the columns of c(X).

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i. The weights are those of X.

    Returns
    -------
    float
        In [0, 1]; 1 where Y holds all of X, up to a linear map.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, or its centred rows are linearly independent; or if canonical correlations
        tie, so that their directions are open, and the value is not the same for all of them. On any data,
        d + e - n + 1 correlations are 1 where that is above 0: two of them tie.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side, O(n d min(d, e)) per pair. The sum of absolute values feels a rotation of X.
    Code in use takes h_i before whitening and adds the means of the features back: its number depends on the signs in
    which a decomposition happens to give its vectors, and has no variant here.

    References
    ----------
    Morcos, Raghu, Bengio (2018), doi:10.48550/arXiv.1806.05759.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> round(pwcca(x, x @ np.asarray([[1.0, 2.0], [3.0, 4.0]])), 12)
    1.0
    """
    check_not_wide(x, y, INSTEAD)
    axes_of(x, y, center=True)
    u, rho, _ = x.joint(y, CanonicalDecomposition(ridge=0.0))
    value = _weighted(x, u, rho)
    count, turned = _turned_where_tied(x, y, u, rho)
    if count and abs(_weighted(x, turned, rho) - value) > SAME:
        raise UndefinedError(
            f"{count} of the canonical correlations of {x.name} and {y.name} tie, so that their directions are open, "
            "and the weights with them; take more items, or mean_cca"
        )
    return value


def _weighted(x: Prepared, u: Float[Array, "r m"], rho: Float[Array, " m"]) -> float:
    loadings = x[Loadings()] / x[SingularValues(center=True)][0]
    xp = array_namespace(loadings)
    weights = xp.sum(xp.abs((u / x[SingularValues(center=True)][:, None]).T @ loadings), axis=1)
    return float(xp.sum(weights * rho) / xp.sum(weights))


def _turned_where_tied(
    x: Prepared, y: Prepared, u: Float[Array, "r m"], rho: Float[Array, " m"]
) -> tuple[int, Float[Array, "r m"]]:
    """How many correlations tie with another, and the directions, those of each tie turned among themselves."""
    xp = array_namespace(u)
    m, size = rho.shape[0], max(x.size, y.size)
    if u.shape[0] > m and float(rho[m - 1]) <= TIED:
        # Directions that are correlated with nothing tie with those beyond the last.
        products = scaled_products(x, y, True, (x[SingularValues(center=True)], y[SingularValues(center=True)]))
        u = xp.linalg.svd(products, full_matrices=True)[0]
        rho = xp.concat([rho, xp.zeros(u.shape[0] - m, dtype=rho.dtype, device=rho.device)])
    count, first, parts = 0, 0, []
    while first < rho.shape[0]:
        _, last = tied_run(rho, first, size, 1.0)
        part = u[:, first:last]
        if last - first > 1:
            count += last - first
            part = part @ generic(last - first, u)
        parts.append(part)
        first = last
    return count, xp.concat(parts, axis=1)[:, :m]


def _gulp_facts(lam: float, squared: bool) -> Facts:
    ridge_like("lam", lam)
    return Facts(
        direction="distance",
        bounds=(0.0, inf),
        identity=0.0,
        metric=not squared,
        invariances=rotations(normalize=True, center=True) | ({"linear"} if lam == 0 else set()),
        regime=("lam decides" if lam else "0 for any data of full rank" if squared else "undefined"),
        cost="side O(n d min(n, d)), pair O(n^2)",
        undefined_if_wide=lam == 0 and not squared,
        minimum_items=3,
    )


def _gulp_shuffled(lam: float, squared: bool) -> Bilinear:
    def scale(x: Prepared, y: Prepared) -> tuple[float, float]:
        own = 0.0
        for of in (x, y):
            s = of[SingularValues(center=True)]
            own += float(array_namespace(s).sum((s / whitening(s, lam)) ** 4))
        return own, -2.0

    projection = Projection(center=True, ridge=float(lam))
    return Bilinear(projection, projection, scale, root=not squared)


def _gulp_without_each(lam: float, squared: bool) -> WithoutEach:
    def score(x: Prepared, y: Prepared, own_x: PerRow, own_y: PerRow, both: PerRow) -> PerRow | None:
        own = own_x + own_y
        distances = own - 2 * both
        if (distances <= LEAST * own).any():
            return None
        return distances if squared else np.asarray(np.sqrt(distances))

    return of_projections(score, center=True, ridge=float(lam))


@measure(
    title="GULP",
    shuffled=_gulp_shuffled,
    facts=_gulp_facts,
    without_each=_gulp_without_each,
    version=6,
    variants=({"lam": 0.0}, {"lam": 0.0, "squared": True}, {"squared": True}),
    references=("10.48550/arXiv.2210.06545",),
)
def gulp(x: Prepared, y: Prepared, *, lam: float = 0.01, squared: bool = False) -> float:
    r"""GULP: how far ridge predictions from the two sides differ, at worst, over all tasks.

    .. math:: \sqrt{T_x + T_y - 2 T_{xy}} = |A_x - A_y|_F, \quad A = X (X'X + lam I)^{-1} X'

    with X and Y centred and of unit Frobenius norm, so that lam is a share of the total variance.

    Parameters
    ----------
    x, y : array or Prepared, shapes (n, d) and (n, e)
        Row i of both describes item i.
    lam : float
        The ridge; 0 compares column spaces: rank + rank - 2 sum of squared canonical correlations, squared.
    squared : bool
        Return the square, which is no metric: the number of the ReSi benchmark. It is given also where it is 0 for any
        data, with lam = 0 and linearly independent rows.

    Returns
    -------
    float
        From 0 upwards.

    Raises
    ------
    UndefinedError
        If the rows of a side are all equal, or, for lam = 0, its centred rows are linearly independent.

    Notes
    -----
    Cost: O(n d min(n, d)) once per side, O(n^2) per pair.

    References
    ----------
    Boix-Adserà et al. (2022), doi:10.48550/arXiv.2210.06545.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0], [4.0, 4.0]])
    >>> round(gulp(x, x @ np.asarray([[1.0, 2.0], [3.0, 4.0]]), lam=0), 9)
    0.0
    """
    if lam == 0 and not squared:
        check_not_wide(x, y, "take more items, or lam > 0")
    distance = float(x.joint(y, ProjectionDistance(center=True, ridge=float(lam))))
    return distance**2 if squared else distance
