"""P-values of many scores, corrected against any false one among them and for the share of false ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float

from likewise.naming import counted

LEVEL = 0.05
"""At which a score is told from chance."""


def is_small(p: float | None) -> bool:
    """Whether a p-value is at the level, or below.

    Examples
    --------
    >>> is_small(0.05), is_small(0.0501), is_small(None)
    (True, False, False)
    """
    return p is not None and p <= LEVEL


def step_down(
    value: Float[np.ndarray, " m"], shuffled: Float[np.ndarray, "p m"], more_alike: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " m"]:
    r"""P-values of m scores, corrected for the chance of any false finding, from p joint shuffles.

    .. math:: p_{(k)} = \max_{j \le k} \frac{1 + \#\{s : \max_{l \ge j} z^s_{(l)} \ge z_{(j)}\}}{1 + P}

    with the scores in the order of their z, the largest first. Each score is standardised over its p shuffles and
    itself; over the shuffles alone, the observed scores would look too extreme.

    Parameters
    ----------
    value : array, shape (m,)
        The scores.
    shuffled : array, shape (p, m)
        The scores after each shuffle; ties are exactly equal.
    more_alike : array, shape (m,)
        +1 if a higher score means more alike, -1 if a lower one does.

    Returns
    -------
    array, shape (m,)
        At least 1 / (1 + p); 1 where the shuffled scores do not vary.

    Notes
    -----
    Where no score differs from chance, and each shuffle relabels the rows of every representation, the probability of
    any p-value at or below a level is at most that level, for any data (weak control: the joint distribution is exact
    if all scores are at chance). If some scores differ, nothing is proven; simulations stay below the level.

    Cost: O(m p + m log m); memory: three times what is given.

    References
    ----------
    Westfall and Young (1993), *Resampling-Based Multiple Testing*; Ge, Dudoit and Speed (2003),
    doi:10.1007/BF02595811.

    Examples
    --------
    >>> value, shuffled = np.asarray([9.0, 2.0]), np.asarray([[1.0, 1.0], [2.0, 3.0], [0.0, 2.0]])
    >>> step_down(value, shuffled, np.ones(2)).tolist()
    [0.25, 0.75]
    """
    scores = more_alike * np.concatenate([value[None], shuffled])
    spread = scores.std(axis=0)
    varies = (scores != scores[0]).any(axis=0) & (spread > 0)
    z = np.divide(scores - scores.mean(axis=0), spread, out=np.zeros_like(scores), where=varies)
    order = np.flatnonzero(varies)[np.argsort(-z[0, varies], kind="stable")]
    found = np.ones(len(value))
    largest = np.full(len(shuffled), -np.inf)
    for k in order[::-1]:
        largest = np.maximum(largest, z[1:, k])
        found[k] = (1 + np.count_nonzero(largest >= z[0, k])) / (1 + len(shuffled))
    found[order] = np.maximum.accumulate(found[order])
    return found


def holm(pvalues: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Correct p-values against any false one: the k-th smallest is multiplied by m + 1 - k, and none falls below it.

    Parameters
    ----------
    pvalues : array of shape (m,)
        No NaN among them.

    Returns
    -------
    array of shape (m,)
        In the order of ``pvalues``, at most 1; in O(m log m).

    References
    ----------
    Holm (1979). A simple sequentially rejective multiple test procedure. https://www.jstor.org/stable/4615733

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(pvalues)
    corrected = np.empty(len(pvalues))
    corrected[order] = np.maximum.accumulate(np.arange(len(pvalues), 0, -1) * pvalues[order])
    return np.minimum(1.0, corrected)


def benjamini_hochberg(pvalues: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    """Return for each p-value the share of false ones among it and all smaller: the k-th smallest divided by k / m.

    Parameters
    ----------
    pvalues : array of shape (m,)
        No NaN among them.

    Returns
    -------
    array of shape (m,)
        In the order of ``pvalues``, none above that of a larger p-value, at most 1; in O(m log m).

    References
    ----------
    Benjamini and Hochberg (1995). Controlling the false discovery rate. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(pvalues)
    shares = pvalues[order] / (np.arange(1, len(pvalues) + 1) / len(pvalues))
    found = np.empty(len(pvalues))
    found[order] = np.minimum.accumulate(shares[::-1])[::-1]
    return np.minimum(1.0, found)


@dataclass(frozen=True)
class Parts:
    """Which rows of a table are corrected together, and how.

    Parameters
    ----------
    holm : array of bool
        Rows with a p-value that are corrected by Holm.
    by_shuffles : mapping
        For each number of shuffles, the rows whose shuffled scores are at hand.
    """

    holm: Bool[np.ndarray, " rows"]
    by_shuffles: Mapping[int, Bool[np.ndarray, " rows"]]

    @property
    def count(self) -> int:
        """How many parts share the level."""
        return bool(self.holm.any()) + len(self.by_shuffles)


def parts_of(table: pa.Table, shuffled: pa.ChunkedArray | None) -> Parts:
    """Find which rows are corrected together."""
    known = np.asarray(~np.isnan(table.column("pvalue").to_numpy()))
    if shuffled is None:
        return Parts(known, {})
    lengths = pc.fill_null(pc.list_value_length(shuffled), 0).to_numpy()
    lengths = np.where(known, lengths, 0)
    return Parts(known & (lengths == 0), {int(p): lengths == p for p in np.unique(lengths[lengths > 0])})


def correct(table: pa.Table, shuffled: pa.ChunkedArray | None) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Correct the p-values of a table: against any false one, for the share of false ones, and how the first was.

    See `Results.corrected`.
    """
    pvalues = table.column("pvalue").to_numpy()
    parts = parts_of(table, shuffled)
    corrected, shares = np.full((2, len(pvalues)), np.nan)
    known = ~np.isnan(pvalues)
    if known.any():
        shares[known] = benjamini_hochberg(pvalues[known])
    if parts.holm.any():
        corrected[parts.holm] = holm(pvalues[parts.holm])
    more_alike = np.where(np.asarray(pc.equal(table.column("direction"), "similarity")), 1.0, -1.0)
    value = table.column("value").to_numpy()
    for rows in parts.by_shuffles.values():
        corrected[rows] = step_down(value[rows], _matrix(shuffled, rows), more_alike[rows])
    corrected = np.minimum(1.0, parts.count * corrected)
    how = np.where(parts.holm, 0, np.where(known, 1, 2)).astype(np.int32)
    ways = pa.DictionaryArray.from_arrays(how, pa.array(["holm", "step-down", ""], pa.string()))
    return pa.array(corrected, from_pandas=True), pa.array(shares, from_pandas=True), ways


def _matrix(shuffled: pa.ChunkedArray | None, rows: Bool[np.ndarray, " rows"]) -> Float[np.ndarray, "p m"]:
    """Lists of one length as the columns of a matrix."""
    assert shuffled is not None
    lists = shuffled.filter(pa.array(rows)).combine_chunks()
    return np.asarray(lists.flatten().to_numpy().reshape(int(rows.sum()), -1).T)


@dataclass(frozen=True)
class TooFew:
    """Scores whose corrected p-value cannot be small, however alike they are: so many shuffles, and those needed."""

    rows: Bool[np.ndarray, " rows"]
    shuffles: int
    needed: int


def too_few(table: pa.Table) -> list[TooFew]:
    """Return the scores of a table whose corrected p-values cannot be small with so few shuffles.

    Examples
    --------
    >>> (few,) = too_few(pa.table({"n_permutations": [9, 9], "correction": ["holm"] * 2}))
    >>> few.rows.tolist(), few.shuffles, few.needed
    ([True, True], 9, 39)
    """
    counts = table.column("n_permutations").to_numpy()
    by_shuffles, by_holm = (
        np.asarray(pc.fill_null(pc.equal(table.column("correction"), how), False)) for how in ("step-down", "holm")
    )
    together = [by_shuffles & (counts == count) for count in np.unique(counts[by_shuffles])]
    parts = len(together) + bool(by_holm.any())
    alone = by_holm & (counts > 0)
    found = [
        TooFew(rows, int(counts[rows].max(initial=0)), round(parts * tests / LEVEL) - 1)
        for rows, tests in [*((rows, 1) for rows in together), (alone, int(alone.sum()))]
    ]
    return [few for few in found if 0 < few.shuffles < few.needed]


def too_few_shuffles(table: pa.Table) -> str:
    """Say where no corrected p-value of a table could have come out below the level, and how many shuffles it takes.

    Examples
    --------
    >>> few = {"n_permutations": [9, 9], "correction": ["holm"] * 2}
    >>> print(too_few_shuffles(pa.table(few)))
    With 9 shuffles, no corrected p-value of 2 scores can reach 0.05, however alike they are: use 39 or more.
    >>> few = {"n_permutations": [5], "correction": ["holm"], "n_items": [3]}
    >>> print(too_few_shuffles(pa.table(few)).partition(": ")[2])
    3 inputs have no more shuffles, so take more inputs.
    """
    return " ".join(
        f"With {counted(few.shuffles, 'shuffle')}, no corrected p-value of {counted(int(few.rows.sum()), 'score')} can "
        f"reach {LEVEL}, however alike they are: {_instead(table, few)}."
        for few in too_few(table)
    )


def _instead(table: pa.Table, few: TooFew) -> str:
    """Say what would do: more shuffles, or more inputs where there are no more shuffles of these."""
    n = int(table.column("n_items").to_numpy()[few.rows].min()) if "n_items" in table.column_names else 0
    if 0 < n < 10 and few.shuffles >= factorial(n) - 1:
        return f"{n} inputs have no more shuffles, so take more inputs"
    return f"use {few.needed:,} or more"


SAME_INPUTS = (
    "Every score is clear of chance. This says that the models see the same inputs, not that they are related. "
    "likewise lineage asks whether one was derived from the other."
)
"""What a table says where shuffled rows tell nothing about kinship."""

ROWS = ("moments", "shuffles")
"""Chance levels that exchange rows."""

CLEAR = 0.001
"""A p-value of the closed form at or below this is as good as its floor."""


def only_same_inputs(table: pa.Table) -> bool:
    """Return whether every p-value against shuffled rows is small and at its floor, so that none tells pairs apart.

    Examples
    --------
    >>> floor = {"null": ["shuffles", "moments"], "n_permutations": [99, 0], "pvalue": [0.01, 1e-9]}
    >>> only_same_inputs(pa.table(floor)), only_same_inputs(pa.table({**floor, "pvalue": [0.02, 1e-9]}))
    (True, False)
    >>> only_same_inputs(pa.table({"null": ["shuffles"], "n_permutations": [3], "pvalue": [0.25]}))
    False
    """
    columns = (table.column(name).to_pylist() for name in ("null", "n_permutations", "pvalue"))
    judged = [(count, p) for null, count, p in zip(*columns, strict=True) if null in ROWS and p is not None]
    floors = [(p, 1 / (1 + count) if count else CLEAR) for count, p in judged]
    return bool(judged) and all(p <= min(floor * (1 + 1e-9), LEVEL) for p, floor in floors)
