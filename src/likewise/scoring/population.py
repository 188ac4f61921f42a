"""Whole populations: each representation is reduced to one vector, and all scores are one product of matrices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pyarrow as pa
import scipy
from jaxtyping import Bool, Float, Int

from likewise.arrays import to_numpy
from likewise.chance.permutation import judge
from likewise.chance.reasons import joined
from likewise.errors import UndefinedError
from likewise.measures import Configuration
from likewise.quantities import SUMS, OrbitSums, Prepared
from likewise.scoring.rows import columns_of
from likewise.scoring.trust import Trust


@dataclass(frozen=True)
class Reduced:
    """All that a score with a closed form of chance needs of one side.

    Parameters
    ----------
    vector : array, shape (n (n + 1) / 2,)
        The upper triangle of its symmetric matrix, off the diagonal times the root of 2: inner products of two of them
        are those of the matrices.
    sums : array, shape (19,)
        Its `OrbitSums`.
    squares : array, shape (n,)
        The sums of the squares of its rows.
    reason : str
        Why it has none, where it has none: the arrays are then empty.
    """

    vector: Float[np.ndarray, " half"]
    sums: Float[np.ndarray, " sums"]
    squares: Float[np.ndarray, " n"]
    reason: str = ""


def reduce(configuration: Configuration, of: Prepared) -> Reduced:
    """Reduce a representation for one configuration, which must have a closed form of chance. O(n^3) once."""
    product = configuration.product
    assert product is not None
    try:
        configuration(of, of)  # so that what is undefined is said in the same words
        matrix, sums = to_numpy(of[product.quantity]), to_numpy(of[OrbitSums(product.quantity)])
    except UndefinedError as error:
        return Reduced(np.empty(0), np.empty(0), np.empty(0), str(error))
    rows, columns = np.triu_indices(of.n)
    squares = np.einsum("ij,ij->i", matrix, matrix)
    return Reduced(matrix[rows, columns] * np.where(rows == columns, 1.0, 2**0.5), sums, squares)


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
        Which pairs are to be scored again from the representations themselves: these vectors do not tell the chance
        level that was asked for, as where a few rows decide and shuffles may be drawn.
    """
    start = perf_counter()
    product = configuration.product
    assert product is not None
    reasons = [side.reason for side in sides]
    defined = np.asarray([not reason for reason in reasons], dtype=bool)
    vectors = np.zeros((len(sides), n * (n + 1) // 2))
    sums = np.full((len(sides), SUMS), np.nan)
    for place, side in enumerate(sides):
        if not side.reason:
            vectors[place], sums[place] = side.vector, side.sums
    i, j = places[:, 0], places[:, 1]
    second = int(j.min()) if len(j) else 0
    inner = vectors[:first] @ vectors[second:].T
    value = product.factor * inner[i, j - second]
    value[~(defined[i] & defined[j])] = np.nan
    return score_values(
        configuration, value, sums, places, first, n, trust,
        reasons=reasons, dataset=dataset, names=names, keys=keys, start=start,
    )  # fmt: skip


def score_values(
    configuration: Configuration,
    value: Float[np.ndarray, " m"],
    sums: Float[np.ndarray, "sides 19"],
    places: Int[np.ndarray, "m 2"],
    first: int,
    n: int,
    trust: Trust,
    *,
    reasons: Sequence[str],
    dataset: str,
    names: Sequence[str],
    keys: Sequence[str],
    start: float,
) -> tuple[pa.Table, Bool[np.ndarray, " m"]]:
    """Return the rows of pairs whose scores are known, NaN where there is none, as `score_products` does.

    ``start`` is when the scores were begun.
    """
    i, j = places[:, 0], places[:, 1]
    second = int(j.min()) if len(j) else 0
    chance, reference = None, trust.reference
    level = reference.level_of_vectors(
        configuration, value, sums[:first], sums[second:], (i, j - second), n, trust.shuffles
    )
    if level is not None:
        identity = np.full(len(value), np.nan if configuration.facts.identity is None else configuration.facts.identity)
        chance = judge(value, level.null, configuration.facts, identity)
    notes = [
        reasons[a]
        or reasons[b]
        or joined([level.notes.get(k, "") if level else "", chance.reason[k] if chance else ""])
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
        by=reference.name,
        settled=np.full(len(value), True),
        draws=level.draws if level else 0,
        chance=chance,
        low=None,
        high=None,
        n_permutations=0,
        reason=notes,
        seconds=np.full(len(value), (perf_counter() - start) / max(1, len(value))),
        seed=trust.seed,
    )
    return table, np.full(len(value), False) if level is None else ~level.settled


def score_one(
    configuration: Configuration, one: Reduced, others: Iterable[Reduced], n: int
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, "m n"]]:
    r"""Return the scores of one representation with others, and without each of the n items, to first order.

    .. math:: \theta_{-i} \approx \theta - \Big[2 f \sum_j A_{ij} B_{ij} - \theta \Big(
        \frac{\sum_j A_{ij}^2}{|A|^2} + \frac{\sum_j B_{ij}^2}{|B|^2}\Big)\Big], \quad \theta = f \langle A, B \rangle

    for matrices of one length: the derivative by the weight of an item, with both brought to their length again. The
    matrices are not centred anew, which is exact to first order: rows of a centred matrix sum to zero, so a small shift
    changes no product. What else comes from all items stays too, and is left out of the derivative: the mean row in the
    cosines of rsa, the ranks of a Spearman correlation, the width of a Gaussian kernel.

    Returns
    -------
    array, shape (m,)
        The scores; NaN where there is none.
    array, shape (m, n)
        Without each item; NaN likewise.

    Notes
    -----
    Cost: O(n^2) for each pair, two passes over its vector, of which none is kept.

    References
    ----------
    Jaeckel (1972), The infinitesimal jackknife; Efron (1982), doi:10.1137/1.9781611970319, chapter 6.
    """
    product = configuration.product
    assert product is not None
    a, rows, scores, without = one.vector, _RowSums(n), list[float](), list[np.ndarray]()
    for other in others:
        if one.reason or other.reason:
            scores.append(float("nan"))
            without.append(np.full(n, np.nan))
            continue
        b = other.vector
        score, both = product.factor * float(a @ b), rows(a, b)
        scores.append(score)
        own = sum(side.squares / side.squares.sum() for side in (one, other))
        without.append(score - 2 * product.factor * both + score * own)
    return np.asarray(scores, dtype=np.float64), np.asarray(without, dtype=np.float64).reshape(len(scores), n)


class _RowSums:
    """Row sums of the product, entry by entry, of two symmetric matrices that are kept as vectors."""

    def __init__(self, n: int) -> None:
        self.ones = np.ones(n)
        self.diagonal = np.concatenate([[0], np.cumsum(np.arange(n, 1, -1))])
        self.room = np.empty(n * (n + 1) // 2)

    def __call__(self, a: Float[np.ndarray, " half"], b: Float[np.ndarray, " half"]) -> Float[np.ndarray, " n"]:
        # Entries off the diagonal stand once, times the root of 2, so their products count twice.
        both = np.multiply(a, b, out=self.room)
        # The upper triangle by rows is the lower one by columns.
        sums = scipy.linalg.blas.dspmv(len(self.ones), 1.0, both, self.ones, lower=1)
        return np.asarray((sums + both[self.diagonal]) / 2)
