"""How alike a model is to a base on prompts that nothing was fitted to: rotations, and features matched one to one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from likewise.errors import InputError, UndefinedError
from likewise.quantities.heldout import rotation

FOLDS = 5
"""Parts of the prompts; a rotation is fitted on all but one, and scored on that one."""


@dataclass(frozen=True)
class HeldOut:
    """A score on held-out prompts, beside what prompts of one group that do not belong to each other have.

    Parameters
    ----------
    value : float
        The score.
    chance : float
        Its mean over all exchanges of prompts within their fold and group.
    z : float or None
        Standard deviations above that; None where no exchange changes the score.
    """

    value: float
    chance: float
    z: float | None

    @property
    def calibrated(self) -> float:
        """0 is chance, 1 is identical: what a panel is ranked by."""
        return (self.value - self.chance) / (1 - self.chance)


def parts_of_prompts(groups: Int[np.ndarray, " n"], parts: int) -> Int[np.ndarray, " n"]:
    """Return the part of each prompt: whole groups, in turn.

    Examples
    --------
    >>> parts_of_prompts(np.asarray([0, 0, 1, 2, 3]), 2).tolist()
    [0, 0, 1, 0, 1]
    """
    return groups % parts


def rotated_cosine(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n e"],
    groups: Int[np.ndarray, " n"] | None = None,
    folds: int = FOLDS,
) -> HeldOut:
    r"""Mean cosine of rows after the rotation that fits the rows of other groups best; widths may differ.

    .. math:: \frac{1}{n} \sum_i \cos(x_i Q_{f(i)}, y_i)

    where :math:`Q_f` aligns the rows of all folds but f, and both sides are less the means of those rows. Chance are
    exchanges of the prompts of one fold and one group, with their mean and deviation in closed form: what prompts of
    one template have in common is no sign of kinship.

    Parameters
    ----------
    x, y : array, shapes (n, d) and (n, e)
        Row i of both is prompt i.
    groups : array, shape (n,), optional
        The group of each prompt, from 0; each prompt alone by default, as in ``aligned_cosine(folds=5)``.
    folds : int
        Most parts; each is of whole groups.

    Raises
    ------
    InputError
        If there are fewer than two groups.
    UndefinedError
        If a row is the mean of the rows that its rotation is fitted to, or all have one direction.

    Notes
    -----
    Cost: O(n d^2 + folds min(n, d)^3), and O(n d) in memory.

    References
    ----------
    Hamilton, Leskovec, Jurafsky (2016), doi:10.18653/v1/D16-1229; Hoeffding (1951), doi:10.1214/aoms/1177729694.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 5))
    >>> turned, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    >>> found = rotated_cosine(x, x @ turned)
    >>> round(found.value, 9), round(found.calibrated, 9)
    (1.0, 1.0)
    """
    of = np.arange(len(x)) if groups is None else groups
    count = int(of.max()) + 1
    if count < 2:
        raise InputError("one group of prompts; expected two or more, to fit a rotation on some and score it on others")
    fold = parts_of_prompts(of, min(folds, count))
    a, b = _thin(x), _thin(y)
    total = expected = variance = 0.0
    for one in range(int(fold.max()) + 1):
        test = fold == one
        u, v = _turned(a, b, test)
        for places in _blocks(of[test] if groups is not None else np.zeros(int(test.sum()), dtype=np.int64)):
            one_side, other = u[places], v[places]
            k = len(places)
            total += float((one_side * other).sum())
            expected += float(one_side.sum(axis=0) @ other.sum(axis=0)) / k
            if k > 1:
                variance += _squares(*(rows - rows.mean(axis=0) for rows in (one_side, other))) / (k - 1)
    n = len(x)
    if n - expected <= 1e-12 * n:
        raise UndefinedError("all prompts have one direction: any prompt stands for any other")
    deviation = variance**0.5
    z = (total - expected) / deviation if deviation > 1e-9 * n else None
    return HeldOut(total / n, expected / n, z)


def _thin(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
    """The rows in coordinates of their span: no more columns than rows, with the same products."""
    rows = np.asarray(rows, dtype=np.float64)
    return rows if rows.shape[1] <= rows.shape[0] else np.asarray(np.linalg.qr(rows.T, mode="r")).T


def _turned(
    a: Float[np.ndarray, "n r"], b: Float[np.ndarray, "n q"], test: np.ndarray
) -> tuple[Float[np.ndarray, "k m"], Float[np.ndarray, "k m"]]:
    """Held-out rows of both sides after the rotation, of unit length: their products are cosines."""
    sides = []
    for rows in (a, b):
        train = rows[~test]
        mean = train.mean(axis=0)
        sides.append((train - mean, rows[test] - mean, float(np.linalg.norm(rows))))
    (train_a, test_a, size_a), (train_b, test_b, size_b) = sides
    scale = float(np.linalg.norm(train_a)) * size_b + float(np.linalg.norm(train_b)) * size_a
    u, vh = rotation(train_a, train_b, max(a.size, b.size), scale)
    lengths = [np.linalg.norm(rows, axis=1) for rows in (test_a, test_b)]
    for length, size in zip(lengths, (size_a, size_b), strict=True):
        if length.min() <= 1e-12 * size:
            raise UndefinedError("a row is the mean of the rows that the rotation is fitted to: it has no direction")
    return (test_a @ u) / lengths[0][:, None], (test_b @ vh.T) / lengths[1][:, None]


def _squares(u: Float[np.ndarray, "k m"], v: Float[np.ndarray, "k m"]) -> float:
    """|U V'|^2, by whichever has fewer numbers: U V', or U'U and V'V."""
    if len(u) <= u.shape[1]:
        return float(((u @ v.T) ** 2).sum())
    return float(((u.T @ u) * (v.T @ v)).sum())


def _blocks(of: Int[np.ndarray, " k"]) -> Iterator[Int[np.ndarray, " j"]]:
    """The places of each group."""
    order = np.argsort(of, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(of[order])) + 1)


def matched_correlation(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"], groups: Int[np.ndarray, " n"] | None = None
) -> float:
    r"""Mean correlation of features that were matched one to one on the other half of the prompts.

    .. math:: \frac{1}{2m} \sum_{h} \sum_{j} s_j \operatorname{corr}_h(x_{\cdot j}, y_{\cdot \pi(j)})

    where :math:`\pi` and the signs s maximise :math:`\sum_j |\operatorname{corr}|` on the half that is not h, and
    m = min(d, e). It finds a copy whose features were put into another order, or changed in sign. Matched and scored
    on the same prompts it would be about 0.5 for strangers.

    Parameters
    ----------
    x, y : array, shapes (n, d) and (n, e)
        Row i of both is prompt i.
    groups : array, shape (n,), optional
        The group of each prompt, from 0: halves are of whole groups.

    Raises
    ------
    InputError
        If a half has fewer than two prompts.

    Notes
    -----
    A feature that is constant on a half has correlation 0 there. Shuffled features are no chance level for this: the
    features of strangers that see the same inputs correlate, and a copy's order is not known. Read it against a panel.
    Cost: O(n d e + d^3).

    References
    ----------
    Li et al. (2015), doi:10.48550/arXiv.1511.07543.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(80, 6))
    >>> round(matched_correlation(x, -x[:, [3, 1, 0, 2, 5, 4]]), 9)
    1.0
    """
    from scipy.optimize import linear_sum_assignment

    of = np.arange(len(x)) if groups is None else groups
    half = parts_of_prompts(of, 2)
    if min(int((half == h).sum()) for h in (0, 1)) < 2:
        raise InputError("expected two groups of prompts or more, with two prompts in each half")
    tables = [_correlations(x[half == h], y[half == h]) for h in (0, 1)]
    scores = []
    for fitted, held_out in (tables, tables[::-1]):
        rows, columns = linear_sum_assignment(np.abs(fitted), maximize=True)
        scores.append(float((np.sign(fitted[rows, columns]) * held_out[rows, columns]).mean()))
    return sum(scores) / 2


def _correlations(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n e"]) -> Float[np.ndarray, "d e"]:
    sides = []
    for rows in (x, y):
        centred = np.asarray(rows, dtype=np.float64)
        largest = np.abs(centred).max(axis=0)
        centred = centred - centred.mean(axis=0)
        lengths = np.linalg.norm(centred, axis=0)
        varies = lengths > 1e-12 * largest * len(rows) ** 0.5
        sides.append(np.where(varies, centred, 0.0) / np.where(varies, lengths, 1.0))
    return np.asarray(sides[0].T @ sides[1])
