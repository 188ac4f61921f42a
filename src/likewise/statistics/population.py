"""Whole populations: each representation is reduced to one vector, and all scores are one product of matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from likewise.arrays import to_numpy
from likewise.errors import UndefinedError
from likewise.measures import Configuration
from likewise.prepared import OrbitSums, Prepared
from likewise.statistics.block import BOUND, Trust
from likewise.statistics.moments import Moments, shuffled_moments
from likewise.statistics.permutation import Null, judge
from likewise.statistics.results import columns_of


@dataclass(frozen=True)
class Reduced:
    """All that a score with a closed form of chance needs of one side.

    Parameters
    ----------
    vector : array, shape (n (n + 1) / 2,)
        The upper triangle of its symmetric matrix, off the diagonal times the root of 2: inner products of two of them
        are those of the matrices.
    sums : array, shape (18,)
        Its `OrbitSums`.
    reason : str
        Why it has none, where it has none: both arrays are then empty.
    """

    vector: Float[np.ndarray, " half"]
    sums: Float[np.ndarray, " sums"]
    reason: str = ""


def reduce(configuration: Configuration, of: Prepared) -> Reduced:
    """Reduce a representation for one configuration, which must have a closed form of chance. O(n^3) once."""
    product = configuration.product
    assert product is not None
    try:
        configuration(of, of)  # so that what is undefined is said in the same words
        matrix, sums = to_numpy(of[product.quantity]), to_numpy(of[OrbitSums(product.quantity)])
    except UndefinedError as error:
        return Reduced(np.empty(0), np.empty(0), str(error))
    rows, columns = np.triu_indices(of.n)
    return Reduced(matrix[rows, columns] * np.where(rows == columns, 1.0, 2**0.5), sums)


def score_products(
    configuration: Configuration,
    sides: Sequence[Reduced],
    places: Int[np.ndarray, "m 2"],
    first: int,
    n: int,
    trust: Trust,
    *,
    dataset: str,
    names: Sequence[str],
    keys: Sequence[str],
) -> tuple[pa.Table, Bool[np.ndarray, " m"]]:
    """Score pairs of reduced representations, given by their places, the first of each among the first so many.

    Returns
    -------
    pyarrow.Table
        A row for each pair.
    array, shape (m,)
        Of which pairs a few rows decide, so that the closed form is not to be trusted: `Moments.few`.
    """
    start = perf_counter()
    product = configuration.product
    assert product is not None
    reasons = [side.reason for side in sides]
    defined = np.asarray([not reason for reason in reasons], dtype=bool)
    vectors = np.zeros((len(sides), n * (n + 1) // 2))
    sums = np.full((len(sides), 18), np.nan)
    for place, side in enumerate(sides):
        if not side.reason:
            vectors[place], sums[place] = side.vector, side.sums
    i, j = places[:, 0], places[:, 1]
    second = int(j.min()) if len(j) else 0
    inner = vectors[:first] @ vectors[second:].T
    value = product.factor * inner[i, j - second]
    value[~(defined[i] & defined[j])] = np.nan
    chance, few = None, np.zeros(len(value), dtype=bool)
    if trust.null == "moments":
        m = shuffled_moments(sums[:first], sums[second:], n)
        mean, std, skewness, few = (part[i, j - second] for part in (m.mean, m.std, m.skewness, m.few))
        moments = Moments(product.factor * mean, product.factor * std, skewness, n, few)
        null = Null.of_moments(value, moments, configuration.facts)
        identity = configuration.facts.identity
        chance = judge(value, null, configuration.facts, np.full(len(value), np.nan if identity is None else identity))
    notes = [
        reasons[a]
        or reasons[b]
        or "; ".join(filter(None, (BOUND if few[k] else "", chance.reason[k] if chance else "")))
        for k, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True))
    ]
    table = columns_of(
        configuration,
        dataset=dataset,
        names=names,
        keys=keys,
        n_items=n,
        a=i,
        b=j,
        value=value,
        closed=np.full(len(value), True),
        chance=chance,
        low=None,
        high=None,
        n_permutations=0,
        reason=notes,
        seconds=np.full(len(value), (perf_counter() - start) / max(1, len(value))),
        seed=trust.seed,
    )
    return table, few
