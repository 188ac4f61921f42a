"""Which principal components of a side lead, and how sure it is that they do: see `svcca`."""

import functools
import itertools
from math import asin, copysign, erfc, inf, sqrt, tau
from typing import TypeAlias

import numpy as np
import scipy
from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace, gather, to_numpy
from likewise.errors import UndefinedError
from likewise.quantities import (
    TIED,
    Prepared,
    SingularValues,
    collected,
    is_tied,
    scale_of,
    scaled_products,
    some_components,
    tied_run,
    values_of,
)


def generic(size: int, like: Array) -> Float[Array, "{size} {size}"]:
    """A rotation of no special position, the same each time: what it leaves as it is, every rotation does.

    For a value that depends on the rotation analytically, up to a set of measure zero.
    """
    q = np.linalg.qr(np.random.default_rng(size).normal(size=(size, size))).Q
    return array_namespace(like).asarray(q, dtype=like.dtype, device=like.device)


Directions: TypeAlias = Int[np.ndarray, " _"] | Float[Array, "_ _"]
"""Places of some principal components, or mixtures of all."""


UNLIKELY = erfc(3 / sqrt(2)) / 2
"""Share of samples below which a choice of directions is taken not to be made: beyond three standard errors."""


def exchanged(x: Prepared, y: Prepared, variance: float, k: int) -> list[float]:
    """The scores where the last direction that is kept gives way to the next, on either side or both, where it may."""
    gaps, choices = [], []
    for of in (x, y):
        first = leading(of, variance, k)[0]
        kept = first.shape[-1]
        s = of[SingularValues(center=True)]
        if kept == s.shape[0]:
            gaps.append((inf, np.zeros(of.n)))
            choices.append([first, first])
            continue
        xp = array_namespace(s)
        both = slice(kept - 1, kept + 1)
        pair = collected(
            (of.n, of.d if of.is_many else of.n), functools.partial(some_components, of, True, columns=both)
        )
        pair = pair / s[both]
        moves = to_numpy(pair[:, 0] ** 2 - pair[:, 1] ** 2) * (of.n / (of.n - 1)) ** 0.5
        error = float(np.linalg.norm(moves))
        gap = 2 * float(xp.log(s[kept - 1] / s[kept]))
        gaps.append((gap / error, moves / error) if error else (inf if gap else 0.0, moves))
        choices.append([first, np.append(np.arange(kept - 1), kept)])
    (z_x, moves_x), (z_y, moves_y) = gaps
    likely = exchanges(z_x, z_y, float(moves_x @ moves_y))
    places = [(i, j) for (i, j), share in likely.items() if share >= UNLIKELY]
    return [scores_of(x, y, [[choices[0][i]], [choices[1][j]]])[0] for i, j in places]


def exchanges(z_x: float, z_y: float, correlation: float) -> dict[tuple[int, int], float]:
    """Shares of samples in which two directions change places on one side alone, or on both.

    Parameters
    ----------
    z_x, z_y : float
        The logarithm of the ratio of their variances on each side, in its standard errors.
    correlation : float
        Of the two.

    Examples
    --------
    >>> {on: round(share, 3) for on, share in exchanges(1.0, 1.0, 0.0).items()}
    {(1, 0): 0.133, (0, 1): 0.133, (1, 1): 0.025}
    >>> {on: round(share, 3) for on, share in exchanges(1.0, 1.0, 1.0).items()}
    {(1, 0): 0.0, (0, 1): 0.0, (1, 1): 0.159}
    """
    of_x, of_y = (float(scipy.special.ndtr(-z)) for z in (z_x, z_y))
    if abs(correlation) >= 1 - TIED:  # then one of them says both
        both = min(of_x, of_y) if correlation > 0 else max(0.0, of_x + of_y - 1)
    elif not np.isfinite([z_x, z_y]).all():
        both = 0.0
    else:
        both = both_below(-z_x, -z_y, correlation)
    return {(1, 0): of_x - both, (0, 1): of_y - both, (1, 1): both}


def both_below(a: float, b: float, correlation: float) -> float:
    r"""The share of samples of two normal variables, of mean 0 and deviation 1, in which both lie below two numbers.

    .. math:: \frac{\Phi(a) + \Phi(b)}{2} - T\Big(a, \frac{b - \rho a}{a \sqrt{1 - \rho^2}}\Big)
        - T\Big(b, \frac{a - \rho b}{b \sqrt{1 - \rho^2}}\Big) - \frac{[ab < 0]}{2}

    with Owen's T, and [ab < 0] also where one is 0 and the other below it. The same is in ``scipy.stats``, which takes
    long to import.

    References
    ----------
    Owen (1956), doi:10.1214/aoms/1177728074.

    Examples
    --------
    >>> round(both_below(0.0, 0.0, 0.5), 12) == round(1 / 3, 12)
    True
    """
    if a == b == 0:
        return 0.25 + asin(correlation) / tau
    slope = sqrt(1 - correlation**2)

    def owen(h: float, k: float) -> float:
        rest = k - correlation * h
        return float(scipy.special.owens_t(h, rest / (h * slope) if h else copysign(inf, rest)))

    apart = a * b < 0 or (a * b == 0 and a + b < 0)
    below = scipy.special.ndtr(a) + scipy.special.ndtr(b)
    return float(below) / 2 - owen(a, b) - owen(b, a) - apart / 2


def scores_of(x: Prepared, y: Prepared, choices: list[list[Directions]]) -> list[float]:
    """The scores of each choice of directions of x with each of y."""
    products = scaled_products(x, y, True, (x[SingularValues(center=True)], y[SingularValues(center=True)]))
    xp = array_namespace(products)

    def chosen(a: Directions, rows: Float[Array, "_ q"]) -> Float[Array, "_ q"]:
        return gather(rows, a, 0) if a.ndim == 1 else a.T @ rows

    both = ((chosen(b, chosen(a, products).T)).T for a, b in itertools.product(*choices))
    return [float(xp.mean(values_of(found, x, y))) for found in both]


def leading(of: Prepared, variance: float, k: int) -> list[Directions]:
    """Which directions lead; and others that are as good, where the last of them ties with the next."""
    s = of[SingularValues(center=True)]
    xp = array_namespace(s)
    shares = xp.cumulative_sum(s**2) / xp.sum(s**2)
    # A share that is the one asked for may miss it by rounding.
    reached = shares >= variance * (1 - of.n * xp.finfo(xp.float64).eps)
    kept = k or min(int(xp.sum(xp.astype(~reached, xp.int64))) + 1, s.shape[0])
    if kept > s.shape[0]:
        raise UndefinedError(f"{of.name} has {s.shape[0]} directions; svcca(k={k}) needs as many as k")
    if kept >= of.n - 1:
        raise UndefinedError(
            f"{kept} directions of the {of.n} items of {of.name} are kept: they are correlated with anything "
            "perfectly, whatever the data; keep less variance, or a fixed k"
        )
    size, scale = of.size, scale_of(of, center=True)
    if kept == s.shape[0] or not is_tied(s, kept, size, scale):
        return [np.arange(kept)]
    directions = xp.eye(s.shape[0], dtype=xp.float64, device=s.device)
    first, last = tied_run(s, kept - 1, size, scale)
    turned = directions[:, first:last] @ generic(last - first, directions)
    return [np.arange(kept), xp.concat([directions[:, :first], turned[:, : kept - first]], axis=1)]
