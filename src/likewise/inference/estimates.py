"""Several numbers with their joint uncertainty, and tests of many differences of them at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Bool, Float, Int

from likewise.errors import InputError
from likewise.inference.leftout import ROUNDING, LeftOut, check_same_parts

DRAWS = 9_999
"""From the joint law of the statistics, where many are tested at once; the smallest corrected p is 1 / 10,000."""

MANY = 20
"""Numbers from which on factors are made square, and squares of differences come from inner products."""

NEAR = 1e-6
"""Share of their squares below which the square of a difference would lose digits that way."""

CHUNK = 2**22
"""Numbers that are drawn at a time."""


@dataclass(frozen=True, eq=False)
class Block:
    """Uncertainty from one set of inputs: the covariance is factor times its transpose.

    ``degrees`` are those of freedom with which it was estimated; None where it is known.
    """

    factor: Float[np.ndarray, "m r"]
    degrees: int | None

    def squared(self) -> "Block":
        """The same covariance from a factor with no more columns than rows."""
        m, r = self.factor.shape
        return self if r <= m else Block(np.asarray(np.linalg.qr(self.factor.T, mode="r")).T, self.degrees)


@dataclass(frozen=True, eq=False)
class _Differences:
    """Differences of rows, first minus second."""

    first: Int[np.ndarray, " q"]
    second: Int[np.ndarray, " q"]

    def __call__(self, rows: Float[np.ndarray, "*c m r"]) -> Float[np.ndarray, "*c q r"]:
        return np.asarray(rows[..., self.first, :] - rows[..., self.second, :])

    def squares(self, rows: Float[np.ndarray, "c m r"], like: Float[np.ndarray, "m r"]) -> Float[np.ndarray, "c q"]:
        """Their squared lengths: of many rows by inner products, but where rows are nearly the same.

        Which those are is told from ``like``, of which all rows are one linear map each.
        """
        if len(like) < MANY:
            return np.asarray((self(rows) ** 2).sum(axis=-1))
        inner = rows @ rows.swapaxes(-1, -2)
        own = np.diagonal(inner, axis1=-2, axis2=-1)
        found = own[:, self.first] + own[:, self.second] - 2 * inner[:, self.first, self.second]
        lengths = (like**2).sum(axis=1)
        near = (self(like) ** 2).sum(axis=1) <= NEAR * (lengths[self.first] + lengths[self.second])
        found[:, near] = (_Differences(self.first[near], self.second[near])(rows) ** 2).sum(axis=-1)
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class _AsTheyAre:
    """Each row by itself."""

    def __call__(self, rows: Float[np.ndarray, "*c m r"]) -> Float[np.ndarray, "*c m r"]:
        return rows

    def squares(self, rows: Float[np.ndarray, "c m r"], like: Float[np.ndarray, "m r"]) -> Float[np.ndarray, "c m"]:
        """Their squared lengths."""
        return np.asarray((rows**2).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Estimates:
    """m numbers, as the scores of m copies of one model, with their joint uncertainty.

    Parameters
    ----------
    value : array, shape (m,)
        The numbers.
    blocks : sequence of Block
        One for each data set; those of different data sets are independent, and their covariances add.

    Examples
    --------
    >>> each = np.random.default_rng(0).normal(size=(3, 40))
    >>> estimates = Estimates.of([LeftOut.of_mean(x) for x in each])
    >>> np.allclose(estimates.covariance, np.cov(each) / 40)
    True
    """

    value: Float[np.ndarray, " m"]
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, scores: Sequence[LeftOut]) -> "Estimates":
        """Return scores of the same inputs; the covariance comes from what they leave out."""
        return cls.mean_of([scores])

    @classmethod
    def mean_of(cls, datasets: Sequence[Sequence[LeftOut]]) -> "Estimates":
        """Return the mean over independent data sets of the scores of each, in the same order for all.

        Raises
        ------
        InputError
            If there is none, the data sets have different numbers of scores, or those of one leave out different parts.
        """
        counts = {len(scores) for scores in datasets}
        if len(counts) != 1 or 0 in counts:
            raise InputError(f"data sets with {sorted(counts)} scores; expected as many of each, at least one")
        blocks = []
        for scores in datasets:
            check_same_parts(scores)
            parts = np.stack([s.contributions for s in scores]) / len(datasets)
            left, size, _ = np.linalg.svd(parts, full_matrices=False)
            blocks.append(Block(left * size, scores[0].degrees))
        return cls(np.mean([[s.value for s in scores] for scores in datasets], axis=0), tuple(blocks))

    @classmethod
    def of_covariance(
        cls, value: Float[np.ndarray, " m"], covariance: Float[np.ndarray, "m m"], degrees: int | None = None
    ) -> "Estimates":
        """Return numbers with a covariance matrix; known, or estimated with so many degrees of freedom.

        Raises
        ------
        InputError
            If the shapes do not fit, or the matrix is not a covariance.
        """
        value, covariance = np.asarray(value, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
        m = len(value)
        if covariance.shape != (m, m):
            raise InputError(f"a covariance of shape {covariance.shape} for {m} numbers; expected {(m, m)}")
        if not (np.isfinite(value).all() and np.isfinite(covariance).all() and np.allclose(covariance, covariance.T)):
            raise InputError("a covariance that is not finite and symmetric")
        size, vectors = np.linalg.eigh(covariance)
        if size[0] < -ROUNDING * abs(size[-1]):
            raise InputError(f"a covariance with the eigenvalue {size[0]:.3g}; expected none below 0")
        return cls(value, (Block(vectors * np.sqrt(np.maximum(size, 0.0)), degrees),))

    @property
    def covariance(self) -> Float[np.ndarray, "m m"]:
        """Of the numbers."""
        found: Float[np.ndarray, "m m"] = np.sum([b.factor @ b.factor.T for b in self.blocks], axis=0)
        return found

    def pairs(self, first: Int[np.ndarray, " q"], second: Int[np.ndarray, " q"]) -> "Contrasts":
        """Return the differences of pairs, first minus second."""
        size = np.maximum(np.abs(self.value[first]), np.abs(self.value[second]))
        return self._contrasts(self.value[first] - self.value[second], size, _Differences(first, second))

    def against(self, bound: float) -> "Contrasts":
        """Return the numbers minus a bound."""
        return self._contrasts(self.value - bound, np.maximum(np.abs(self.value), abs(bound)), _AsTheyAre())

    def _contrasts(
        self, value: Float[np.ndarray, " q"], size: Float[np.ndarray, " q"], of: _Differences | _AsTheyAre
    ) -> "Contrasts":
        variances = np.stack([(of(b.factor) ** 2).sum(axis=1) for b in self.blocks])
        se = np.sqrt(variances.sum(axis=0))
        rounding = (np.abs(value) <= ROUNDING * size) & (se <= ROUNDING * size)
        value, se = np.where(rounding, 0.0, value), np.where(rounding, 0.0, se)
        return Contrasts(value, se, welch(variances, [b.degrees for b in self.blocks]), self.blocks, of)


def welch(variances: Float[np.ndarray, "k q"], degrees: Sequence[int | None]) -> Float[np.ndarray, " q"]:
    r"""Return the degrees of freedom of sums of independent variances; infinite where all are known.

    .. math:: \nu = \frac{(\sum_k v_k)^2}{\sum_k v_k^2 / \nu_k}

    References
    ----------
    Welch (1947), doi:10.1093/biomet/34.1-2.28; Satterthwaite (1946), doi:10.2307/3002019.

    Examples
    --------
    >>> welch(np.asarray([[1.0], [1.0]]), [10, 10]).tolist()
    [20.0]
    """
    inverse = np.asarray([0.0 if nu is None else 1 / nu for nu in degrees])
    largest = variances.max(axis=0)
    share = np.divide(variances, largest, out=np.ones_like(variances), where=largest > 0)  # squares do not underflow
    below = (share**2 * inverse[:, None]).sum(axis=0)
    return np.asarray(np.divide(share.sum(axis=0) ** 2, below, out=np.full(below.shape, np.inf), where=below > 0))


@dataclass(frozen=True, eq=False)
class Studentized:
    """q differences with standard errors and degrees of freedom."""

    value: Float[np.ndarray, " q"]
    se: Float[np.ndarray, " q"]
    degrees: Float[np.ndarray, " q"]


@dataclass(frozen=True, eq=False)
class Contrasts(Studentized):
    """The same with draws from the joint law of their t."""

    blocks: tuple[Block, ...]
    of: _Differences | _AsTheyAre

    @property
    def t(self) -> Float[np.ndarray, " q"]:
        """Differences in standard errors: infinite where a difference that is not 0 does not vary, 0 where it is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.value == 0, 0.0, self.value / self.se))

    @property
    def pvalue(self) -> Float[np.ndarray, " q"]:
        """Two-sided p-values of Student's t, each alone."""
        found: Float[np.ndarray, " q"] = 2 * scipy.special.stdtr(self.degrees, -np.abs(self.t))
        return found

    @property
    def varies(self) -> Bool[np.ndarray, " q"]:
        """Which differences have a standard error above 0."""
        return self.se > 0

    def half(self, quantile: float | Float[np.ndarray, " q"]) -> Float[np.ndarray, " q"]:
        """Half the width of an interval."""
        return np.where(self.varies, quantile * self.se, 0.0)

    def draws(self, count: int, seed: int) -> Iterator[Float[np.ndarray, "c q"]]:
        r"""Draw the t of all differences where each is 0: numbers and their standard errors, drawn together.

        For a block with factor L (m x r) and nu degrees of freedom, :math:`L z` and :math:`A = L T / \sqrt\nu`, where z
        is Gaussian and T T' is Wishart (Bartlett's lower triangle). With a the rows of A for a difference,

        .. math:: t = \frac{\sum_k (L_k z_k)_i - (L_k z_k)_j}{\sqrt{\sum_k |a_{k,i} - a_{k,j}|^2}}

        So each is Student's t with nu degrees of freedom, and they hang together as the differences do. Differences
        that do not vary are 0. Cost: O(m r^2 + q r) a draw, of many numbers O(m^3 + q). There L is made square: both
        laws depend on L L' alone.
        """
        rng = np.random.default_rng(seed)
        blocks = [b.squared() if len(b.factor) >= MANY else b for b in self.blocks]
        most = max(b.factor.size + len(self.value) * (b.factor.shape[1] if len(b.factor) < MANY else 2) for b in blocks)
        step = max(1, CHUNK // most)
        for start in range(0, count, step):
            c = min(step, count - start)
            above: np.ndarray = np.zeros((c, len(self.value)))
            below: np.ndarray = np.zeros((c, len(self.value)))
            for block in blocks:
                r = block.factor.shape[1]
                z = rng.standard_normal((c, r))
                above += self.of((z @ block.factor.T)[..., None])[..., 0]
                spread = block.factor if block.degrees is None else block.factor @ _bartlett(rng, c, r, block.degrees)
                below += self.of.squares(np.broadcast_to(spread, (c, *spread.shape[-2:])), block.factor)
            yield np.divide(above, np.sqrt(below), out=np.zeros_like(above), where=(below > 0) & self.varies)


def _bartlett(rng: np.random.Generator, count: int, r: int, degrees: int) -> Float[np.ndarray, "c r p"]:
    """Lower triangles T such that T T' / degrees is the covariance of so many Gaussian rows with covariance 1."""
    p = min(r, degrees)
    lower = np.tril(rng.standard_normal((count, r, p)), -1)
    place = np.arange(p)
    lower[:, place, place] = np.sqrt(rng.chisquare(degrees - place, size=(count, p)))
    return np.asarray(lower / np.sqrt(degrees))


def step_down_max(
    t: Float[np.ndarray, " q"], draws: Iterator[Float[np.ndarray, "c q"]], *, single_step: bool = False
) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, " d"]]:
    r"""P-values of q statistics, corrected against any false finding; and the largest statistic of each draw.

    .. math:: p_{(k)} = \max_{j \le k} \frac{1 + \#\{s : \max_{l \ge j} t^s_{(l)} \ge t_{(j)}\}}{1 + D}

    with the statistics in the order of t, the largest first. The same as to reject by the quantile of the largest,
    leave out what was rejected, and start again. ``single_step``: the largest is always over all.

    References
    ----------
    Romano and Wolf (2005), doi:10.1198/016214504000000539.

    Examples
    --------
    >>> p, largest = step_down_max(np.asarray([3.0, 1.0]), iter([np.asarray([[2.0, 0.0], [0.0, 2.0], [0.0, 0.0]])]))
    >>> p.tolist(), largest.tolist()
    ([0.25, 0.5], [2.0, 2.0, 0.0])
    """
    order = np.argsort(-t, kind="stable")
    counted, most = np.zeros(len(t)), []
    total = 0
    for some in draws:
        rest = np.maximum.accumulate(some[:, order[::-1]], axis=1)[:, ::-1]  # of a statistic and all smaller ones
        most.append(rest[:, 0])
        counted += ((rest[:, :1] if single_step else rest) >= t[order]).sum(axis=0)
        total += len(some)
    p = np.empty(len(t))
    p[order] = np.maximum.accumulate((1 + counted) / (1 + total))
    return p, np.concatenate(most)
