"""Right and wrong answers: how often a model chooses the right one, what a copy changes, and whether two err alike.

Rows are log-probabilities over the choices of each input, as the layer ``choices`` has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float, Int

from likewise.errors import InputError, UndefinedError
from likewise.inference.leftout import LeftOut, mean_with_ends
from likewise.naming import counted
from likewise.quantities import LogProbabilities, Prepared
from likewise.representation import Representation, check_same_items
from likewise.scoring import interval
from likewise.scoring.jackknife import CONFIDENCE

ROUNDING = 1e-12
"""Chance agreement nearer to one than this leaves nothing to be agreed on beyond it."""


@dataclass(frozen=True, eq=False)
class Answered:
    """A number about answers, with a 95 % interval for other inputs of the same kind.

    Parameters
    ----------
    value, low, high : float
        The number and its interval.
    n : int
        Inputs.
    left_out : LeftOut or None
        The same without each input, or each group of inputs: what tests of differences take. None where there are
        fewer than five.
    """

    value: float
    low: float
    high: float
    n: int
    left_out: LeftOut | None


@dataclass(frozen=True, eq=False)
class Changed(Answered):
    """How a copy changes the probability of the right choice.

    Parameters
    ----------
    rms : float
        The root of the mean square of the changes of single inputs.
    each : array, shape (n,)
        These changes, copy minus base.
    """

    rms: float
    each: Float[np.ndarray, " n"]


def accuracy(of: Representation, right: Sequence[str] | None = None) -> Answered:
    r"""Return the share of inputs for which the right choice is the likeliest.

    Parameters
    ----------
    of : Representation
        Log-probabilities over choices, of shape (n, k).
    right : sequence of str, optional
        The label of the right choice of each input; by default those that its data set says.

    Returns
    -------
    Answered
        The interval is Wilson's; where inputs belong together in groups, it comes from leaving out each group. Of m
        choices that tie for the likeliest, the right one counts 1 / m.

    Raises
    ------
    InputError
        If the rows are not of choices, or it is not known which one is right.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> p = np.log([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    >>> found = accuracy(Representation(p, kind="log_probabilities"), ["1", "2", "1", "2"])
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.75, 0.301, 0.954)
    """
    (side,), places, _ = _asked([of], right)
    top = side.matrix == side.matrix.max(axis=1, keepdims=True)
    each = (top / top.sum(axis=1, keepdims=True))[np.arange(side.n), places]
    found = _of_mean(each, of.groups, (0.0, 1.0))
    return found if of.groups else Answered(found.value, *wilson(float(each.sum()), side.n), side.n, found.left_out)


def wilson(count: float, n: int) -> tuple[float, float]:
    r"""Return the ends of Wilson's 95 % interval of a share.

    .. math:: \frac{\hat p + z^2 / 2n \pm z \sqrt{\hat p (1 - \hat p) / n + z^2 / 4 n^2}}{1 + z^2 / n}

    Examples
    --------
    >>> [round(end, 4) for end in wilson(0, 10)]
    [0.0, 0.2775]
    """
    z, p = float(scipy.special.ndtri((1 + CONFIDENCE) / 2)), count / n
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (float((centre + sign * half) / (1 + z * z / n)) for sign in (-1, 1))
    # At the ends the formula gives the bounds, up to rounding.
    return 0.0 if p == 0 else low, 1.0 if p == 1 else high


def change_of_right(base: Representation, copy: Representation, right: Sequence[str] | None = None) -> Changed:
    r"""Return how much more probable the right choice is under a copy, a mean over the inputs.

    .. math:: \frac{1}{n} \sum_i (q_{i r_i} - p_{i r_i})

    Parameters
    ----------
    base, copy : Representation
        Log-probabilities over the same choices, of shape (n, k): p and q.
    right : sequence of str, optional
        The label of the right choice of each input; by default those that their data set says.

    Returns
    -------
    Changed
        From -1 to 1; below 0 the copy is worse. ``value`` and ``rms`` are llama.cpp's mean and RMS of its change of p,
        there of the token that comes next in a text.

    Raises
    ------
    InputError
        If the rows are not of the same choices and inputs, or it is not known which one is right.

    Examples
    --------
    >>> p, q = (Representation(np.log(m), kind="log_probabilities") for m in ([[0.5, 0.5]] * 5, [[0.4, 0.6]] * 5))
    >>> round(change_of_right(p, q, ["2"] * 5).value, 12)
    0.1
    """
    sides, places, groups = _asked([base, copy], right)
    rows = np.arange(len(places))
    p, q = (np.exp(side[LogProbabilities()])[rows, places] for side in sides)
    found = _of_mean(q - p, groups, (-1.0, 1.0))
    return Changed(
        found.value, found.low, found.high, found.n, found.left_out, float(np.sqrt(np.mean((q - p) ** 2))), q - p
    )


def capa(x: Representation, y: Representation, right: Sequence[str] | None = None) -> Answered:
    r"""Return chance adjusted probabilistic alignment: whether two models choose alike, beyond their accuracy.

    .. math:: \kappa_p = \frac{c - e}{1 - e}, \quad c = \frac{1}{n} \sum_{ij} p_{ij} q_{ij}, \quad
        e = \bar p \bar q + \frac{(1 - \bar p)(1 - \bar q)}{k - 1}

    with p and q the probabilities of the k choices, and :math:`\bar p`, :math:`\bar q` the mean probabilities of the
    right one. Two models that are both often right agree often; what goes beyond that counts: the same errors above
    all.

    Parameters
    ----------
    x, y : Representation
        Log-probabilities over the same choices, of shape (n, k).
    right : sequence of str, optional
        The label of the right choice of each input; by default those that their data set says.

    Returns
    -------
    Answered
        At most 1; 0 where errors are independent, below 0 where the two disagree more than chance. Of a model and
        itself it is 1 only where the model is sure of one choice each time.

    Raises
    ------
    InputError
        If the rows are not of the same choices and inputs, or it is not known which one is right.
    UndefinedError
        If chance agreement is complete: both are sure and right each time.

    References
    ----------
    Goel et al. (2025), doi:10.48550/arXiv.2502.04313; the numbers are those of its package lm-sim.

    Examples
    --------
    >>> p = Representation(np.log([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3], [0.3, 0.7]]),
    ...                    kind="log_probabilities")
    >>> round(capa(p, p, ["1", "2", "1", "2", "2"]).value, 3)
    0.189
    """
    sides, places, groups = _asked([x, y], right)
    rows, k = np.arange(len(places)), sides[0].d
    p, q = (np.exp(side[LogProbabilities()]) for side in sides)
    sums = np.stack([(p * q).sum(axis=1), p[rows, places], q[rows, places]])

    def of(totals: Float[np.ndarray, "3 *g"], n: Int[np.ndarray, "*g"]) -> Float[np.ndarray, "*g"]:
        observed, a, b = totals / n
        expected = a * b + (1 - a) * (1 - b) / (k - 1)
        if np.any(1 - expected <= ROUNDING):
            raise UndefinedError(
                f"{x.name} and {y.name} are sure of the right choice each time, or are but for one input: no agreement "
                "is left beyond that of being right"
            )
        return np.asarray((observed - expected) / (1 - expected))

    n, whole = len(places), sums.sum(axis=1)
    value = float(of(whole, np.asarray(n)))
    of_part = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1] if groups else rows
    sizes = np.bincount(of_part)
    if len(sizes) < 5:
        raise InputError(f"{counted(len(sizes), 'input')} or groups of them; expected 5 or more for an interval")
    parts = np.stack([np.bincount(of_part, one) for one in sums])
    left = LeftOut(value, of(whole[:, None] - parts, n - sizes), sizes if groups else None)
    return Answered(value, *_ends(left, (-np.inf, 1.0)), n, left)


def _ends(left: LeftOut, bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = interval(np.asarray([left.value]), left.values[:, None], bounds, left.sizes)
    return float(low[0]), float(high[0])


def _of_mean(each: Float[np.ndarray, " n"], groups: Sequence[str], bounds: tuple[float, float]) -> Answered:
    """A mean over inputs, with the interval from leaving out inputs or groups; without one where they are too few."""
    value, low, high = mean_with_ends(each, groups, bounds)
    if low is None or high is None:
        return Answered(value, *bounds, len(each), None)
    left = LeftOut.of_mean(each, list(groups) or None)
    low, high = (low, high) if groups else _ends(left, bounds)
    return Answered(left.value, low, high, len(each), left)


def _asked(
    sides: Sequence[Representation], right: Sequence[str] | None
) -> tuple[list[Prepared], Int[np.ndarray, " n"], Sequence[str]]:
    """Sides prepared, the column of the right choice of each input, and the groups of the inputs."""
    for r in sides:
        if r.kind != "log_probabilities":
            raise InputError(f"{r.name} holds {r.kind}; expected log-probabilities over choices, as the layer choices")
    first = sides[0]
    for other in sides[1:]:
        check_same_items(first, other)
        if first.n_features != other.n_features or first.source.choices != other.source.choices:
            raise InputError(f"{first.name} and {other.name} are of other choices; expected the same ones")
    labels = list(first.source.choices) or [str(i + 1) for i in range(first.n_features)]
    if len(labels) != first.n_features or len(labels) < 2:
        raise InputError(f"{first.name} has {first.n_features} columns and {len(labels)} labels; expected choices")
    said = list(right if right is not None else first.source.right)
    if not said:
        raise InputError(f"which choice is right is not known of {first.name}; give its data set choices: right:")
    if len(said) != first.n_items:
        raise InputError(f"{len(said)} right choices for {first.n_items} inputs; expected one for each")
    if strange := sorted({str(one) for one in said} - set(labels)):
        raise InputError(f"{strange[0]!r} is no choice of {first.name}; expected one of {', '.join(labels)}")
    if any(r.source.right and right is None and list(r.source.right) != said for r in sides):
        raise InputError(f"{first.name} and {sides[1].name} name other choices as right; give those that are")
    places = np.asarray([labels.index(str(one)) for one in said])
    prepared = [Prepared(np.asarray(r.matrix), r.name, r.kind, copy=False) for r in sides]
    return prepared, places, next((r.groups for r in sides if r.groups), ())
