"""A score and what it becomes without some of its inputs: the one shape that all tests of scores read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float, Int

from likewise.errors import InputError
from likewise.naming import counted
from likewise.scoring import Comparison, Results, interval, leave_out
from likewise.scoring.leaving_out import are_enough, of_parts, stretch_of, told_of

FEWEST = 5
"""Parts without which a deviation says nothing, as for the intervals of a table."""

OF_A_GROUP = 5
"""Inputs of a group, on average, from which its mean of shares is taken to be continuous."""

ROUNDING = 1e-10
"""Values nearer than this share of their size are equal: left-out values keep about ten digits."""


@dataclass(frozen=True, eq=False)
class LeftOut:
    r"""A score of n inputs, and the same score without each of g parts of them.

    With :math:`h_j = n / m_j` for a part of m_j inputs, and theta_j the score without it, the contribution of a part is

    .. math:: c_j = \frac{h_j \theta - (h_j - 1) \theta_j - \theta_J}{\sqrt{g (h_j - 1)}},
        \quad \theta_J = g \theta - \sum_j (1 - 1 / h_j) \theta_j

    The variance of the score is :math:`\sum_j c_j^2`, and the covariance of two scores that leave out the same parts is
    the sum of the products. For parts of one size this is the jackknife,
    :math:`\frac{g - 1}{g} \sum_j (\theta_j - \bar\theta)^2`.

    Parameters
    ----------
    value : float
        The score of all inputs.
    values : array, shape (g,)
        The score without each part: without each input (exact, or to second order), or without each group.
    sizes : array, shape (g,), optional
        Inputs of each part; None where they are of one size, or nearly.

    Raises
    ------
    InputError
        If there are fewer than five parts, a value is not finite, or the sizes do not fit.

    Notes
    -----
    Cost: O(g).

    References
    ----------
    Shao and Wu (1989), doi:10.1214/aos/1176347263; unequal parts: Busing, Meijer, van der Leeden (1999),
    doi:10.1023/A:1008800423698.

    Examples
    --------
    >>> score = LeftOut(2.0, np.asarray([1.8, 1.9, 2.0, 2.1, 2.2]))
    >>> round(score.variance, 6), score.degrees
    (0.08, 4)
    """

    value: float
    values: Float[np.ndarray, " g"]
    sizes: Int[np.ndarray, " g"] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or len(self.values) < FEWEST:
            raise InputError(f"a score without {self.values.size} parts of the inputs; expected {FEWEST} or more parts")
        if not (np.isfinite(self.value) and np.isfinite(self.values).all()):
            raise InputError("a score, or the same score without some inputs, is not finite")
        if self.sizes is not None and (self.sizes.shape != self.values.shape or (self.sizes < 1).any()):
            raise InputError(
                f"sizes of {self.sizes.size} parts for {len(self.values)} scores; expected one for each, 1 or more"
            )

    @classmethod
    def of_mean(cls, each: Float[np.ndarray, " n"], groups: Sequence[str] | None = None) -> "LeftOut":
        """Return the mean of one number for each input, without each input or each group of inputs: exact.

        Examples
        --------
        >>> mean = LeftOut.of_mean(np.asarray([1.0, 2.0, 3.0, 4.0, 5.0]))
        >>> mean.value, mean.values.tolist()
        (3.0, [3.5, 3.25, 3.0, 2.75, 2.5])
        """
        each = np.asarray(each, dtype=np.float64)
        n, total = len(each), each.sum()
        if groups is None:
            if n < FEWEST:
                raise InputError(f"{counted(n, 'input')}; expected {FEWEST} or more")
            return cls(float(total / n), (total - each) / (n - 1))
        if len(groups) != n:
            raise InputError(f"groups of {len(groups)} inputs for {n} numbers; expected one for each")
        _, of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        sizes = np.bincount(of)
        if not are_enough(sizes):
            raise InputError(f"{told_of(sizes)}; expected {FEWEST} or more, of nearly one size")
        return cls(float(total / n), (total - np.bincount(of, each)) / (n - sizes), sizes)

    @property
    def contributions(self) -> Float[np.ndarray, " g"]:
        """What each part adds: the variance is the sum of their squares."""
        g = len(self.values)
        h = np.full(g, float(g)) if self.sizes is None else self.sizes.sum() / self.sizes
        moved = self.values - self.value  # from the score, so that no digits are lost where parts move it little
        centre = -((1 - 1 / h) * moved).sum()
        found: Float[np.ndarray, " g"] = (-(h - 1) * moved - centre) / np.sqrt(g * (h - 1))
        return found

    @property
    def variance(self) -> float:
        """Of the score, over samples of as many inputs."""
        return float((self.contributions**2).sum())

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the variance: one less than there are parts."""
        return len(self.values) - 1

    def scaled(self, zero: float, one: float) -> "LeftOut":
        """Return the score on a scale where ``zero`` is 0 and ``one`` is 1, both taken as constants.

        So a calibrated score: the chance level is 0, identity is 1.

        Examples
        --------
        >>> score = LeftOut(2.0, np.asarray([1.8, 1.9, 2.0, 2.1, 2.2])).scaled(1.0, 3.0)
        >>> score.value, round(score.variance, 6)
        (0.5, 0.02)
        """
        if not one - zero:
            raise InputError(f"a scale from {zero} to {one}; expected two different values")
        return LeftOut((self.value - zero) / (one - zero), (self.values - zero) / (one - zero), self.sizes)

    def in_groups(self, of: Int[np.ndarray, " n"]) -> "LeftOut":
        """Return the score without each group, from the score without each input, to first order (`of_parts`).

        For scores of which some leave out inputs and others groups, so that all leave out the same.
        """
        n = len(self.values)
        if self.sizes is not None or len(of) != n:
            raise InputError(f"groups of {len(of)} inputs for a score without each of {n} parts; expected the inputs")
        return LeftOut(self.value, of_parts(self.value, self.values, of)[0])

    def minus(self, other: "LeftOut") -> "LeftOut":
        """Return the difference of two scores that leave out the same parts; what is rounding becomes 0.

        Raises
        ------
        InputError
            If the parts differ in number or size.
        """
        check_same_parts([self, other])
        value, values = self.value - other.value, self.values - other.values
        size = max(abs(self.value), abs(other.value), np.abs(self.values).max(), np.abs(other.values).max())
        if max(abs(value), np.abs(values).max()) <= ROUNDING * size:
            value, values = 0.0, np.zeros_like(values)
        return LeftOut(value, values, self.sizes)


def mean_with_ends(
    each: Float[np.ndarray, " n"],
    groups: Sequence[str] = (),
    bounds: tuple[float, float] = (0.0, 1.0),
    *,
    continuous: bool = False,
) -> tuple[float, float | None, float | None]:
    r"""Return the mean of shares of inputs with a 95 % interval: the jackknife over inputs, or over groups of them.

    Where all g are at the upper bound (or all at the lower), nothing varies; the mean is then above :math:`0.025^{1/g}`
    of the range with 95 % confidence, since the chance of g such values is at most the g-th power of the mean. The
    lower end of any other g values lies no higher than that, unless they are ``continuous``, as cosines are, and means
    of `OF_A_GROUP` inputs nearly are: how much these vary is seen in them. No interval where groups are too few, or too
    uneven.

    Examples
    --------
    >>> [round(end, 3) for end in mean_with_ends(np.ones(8))]
    [1.0, 0.631, 1.0]
    """
    value, (lowest, highest) = float(each.mean()), bounds
    sizes = np.unique(np.asarray(groups), return_counts=True)[1] if groups else np.ones(len(each), dtype=np.int64)
    if not are_enough(sizes):
        return value, None, None
    free = (highest - lowest) * 0.025 ** (1 / len(sizes))
    if (each == highest).all():
        return value, lowest + free, highest
    if (each == lowest).all():
        return value, lowest, highest - free
    left = LeftOut.of_mean(each, groups or None)
    low, high = interval(np.asarray([left.value]), left.values[:, None], bounds, left.sizes)
    if continuous or len(each) >= OF_A_GROUP * len(sizes):
        return value, float(low[0]), float(high[0])
    return value, min(float(low[0]), lowest + free), max(float(high[0]), highest - free)


def check_same_parts(scores: Sequence[LeftOut]) -> None:
    """Refuse scores that cannot be paired, for they leave out different parts."""
    first = scores[0]
    for other in scores[1:]:
        if len(other.values) != len(first.values):
            raise InputError(
                f"scores without {len(first.values)} and without {len(other.values)} parts of the inputs; "
                "expected the same parts for all"
            )
        ours, theirs = (np.ones(len(s.values)) if s.sizes is None else s.sizes / s.sizes.mean() for s in (first, other))
        if not np.array_equal(ours, theirs):
            raise InputError("scores without parts of different sizes; expected the same parts for all")


def left_out(results: Results, rows: Sequence[int], *, calibrated: bool = False) -> list[LeftOut]:
    """Read the left-out values of some rows of a table, so that all leave out the same parts.

    Where rows come in runs, the values without each stretch of inputs, as for the intervals of the table: of pairs with
    shorter runs, or with none, put together, to first order (`LeftOut.in_groups`). Else delete-one values where every
    row has them. Where only some have, the values without each random group are taken, and those of the others are put
    together by group.

    Parameters
    ----------
    results : Results
        With its replicates.
    rows : sequence of int
        Places of rows of one data set.
    calibrated : bool
        Take the calibrated scores: chance level and identity are constants of each row.

    Raises
    ------
    InputError
        If a row has no left-out values or no calibrated score, or the rows are not of the same inputs.

    Examples
    --------
    >>> import likewise
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> results = likewise.compare({"x": x, "moved": 2 * x + 1, "noisy": x + x[::-1]}, ["cka"])
    >>> [len(score.values) for score in left_out(results, [0, 1])]
    [20, 20]
    """
    found = [cast(Comparison, results[k]) for k in rows]
    kinds = ("without_input", "without_group", "group_size")
    each, groups, sizes = ([results.replicates(kind)[k] for k in rows] for kind in kinds)
    for row, own, group in zip(found, each, groups, strict=True):
        if own is None and group is None:
            why = f": {row.reason}" if row.reason else ""
            raise InputError(f"no left-out values of {row.measure} for {row.a} and {row.b}{why}")
    if len({(row.dataset, row.n_items) for row in found}) > 1:
        raise InputError("rows of several data sets; expected rows of one, which leave out the same inputs")
    of_rows = results.replicates("without_stretch")
    stretched = [of_rows[k] for k in rows]
    if fewest := min((len(own) for own in stretched if own is not None), default=0):
        stretched = [own if of is None else of for own, of in zip(each, stretched, strict=True)]
    if fewest and all(own is not None for own in stretched):
        scores = [_stretched(row, own, fewest) for row, own in zip(found, stretched, strict=True) if own is not None]
    elif all(own is not None for own in each):
        scores = [LeftOut(_value(row), own) for row, own in zip(found, each, strict=True) if own is not None]
    else:
        count = next(len(group) for group in groups if group is not None)
        if len({row.seed for row in found}) > 1:
            raise InputError("rows of several seeds; expected one, for it draws the groups that are left out")
        scores = []
        for row, own, group, size in zip(found, each, groups, sizes, strict=True):
            if group is None:
                assert own is not None
                of = _groups(row.n_items, count, row.seed)
                scores.append(LeftOut(_value(row), own).in_groups(of))
            else:
                scores.append(LeftOut(_value(row), group, None if size is None else size.astype(np.int64)))
    check_same_parts(scores)
    if not calibrated:
        return scores
    return [score.scaled(*_scale(results, row)) for score, row in zip(scores, found, strict=True)]


def _stretched(row: Comparison, own: Float[np.ndarray, " k"], count: int) -> LeftOut:
    """A score without each of so many stretches, from that without each input, or each of more stretches.

    Stretches lie within longer ones, of which there are half as many.
    """
    n, value = row.n_items, _value(row)
    inputs = np.bincount(stretch_of(n, len(own)))
    return LeftOut(value, *of_parts(value, own, stretch_of(len(own), count), inputs))


def _groups(n: int, count: int, seed: int | None) -> Int[np.ndarray, " n"]:
    """The random group of each input, as it was drawn for a table."""
    if seed is None:
        raise InputError("the groups that were left out came from a generator; expected a seed, to draw them again")
    of = np.empty(n, dtype=np.int64)
    for group, kept in enumerate(leave_out(n, count, seed)):
        of[np.setdiff1d(np.arange(n), kept)] = group
    return of


def _value(row: Comparison) -> float:
    if row.value is None:
        raise InputError(f"{row.measure} of {row.a} and {row.b} is undefined: {row.reason}")
    return row.value


def _scale(results: Results, row: Comparison) -> tuple[float, float]:
    """Chance level and identity of a row."""
    chance, calibrated, value = row.null_mean, row.calibrated, _value(row)
    if calibrated is None or chance is None:
        raise InputError(f"no calibrated score of {row.measure} for {row.a} and {row.b}: {row.reason}")
    if calibrated:
        return chance, chance + (value - chance) / calibrated
    identity = results.configurations[row.measure, row.parameters].facts.identity
    if identity is None:
        raise InputError(f"{row.measure} of {row.a} and {row.b} is at its chance level, which gives no scale")
    return chance, identity
