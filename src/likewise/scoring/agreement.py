"""Whether two measures, or two data sets, order the pairs of models alike."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import scipy

from likewise.chance.permutation import draw_permutations
from likewise.naming import counted
from likewise.scoring.results import Results
from likewise.scoring.rows import SAME

SHUFFLES = 999
"""Relabellings of the models for a p-value, where all are more."""


@dataclass(frozen=True)
class Agreement:
    """Correlation of two lists of scores over the pairs that have both; None where there is none, with the reason.

    ``pvalue`` is the share of relabellings of the models on one side that give a Spearman correlation as high: pairs
    that share a model are not independent. It rests on the ``n_models`` models all of whose pairs have both scores.
    """

    first: str
    second: str
    of: str
    n_pairs: int
    spearman: float | None
    kendall: float | None
    pearson: float | None
    pvalue: float | None
    n_models: int
    reason: str = ""


@dataclass(frozen=True)
class Disagreement:
    """A pair that two configurations place differently among all pairs, from 0, least alike, to 1, most alike."""

    a: str
    b: str
    first_place: float
    second_place: float


_BY_PAIR: WeakKeyDictionary[Results, dict[tuple[str, str], dict[tuple[str, str], float]]] = WeakKeyDictionary()
"""What `scores_by_pair` found, while the table lives: several studies ask for it."""


def scores_by_pair(results: Results) -> dict[tuple[str, str], dict[tuple[str, str], float]]:
    """Scores oriented towards more alike: (data set, configuration) to {pair: score}.

    A pair is named without regard to order. Where a measure gives it two values, one in either order, its score is
    their mean; where one of them is undefined, it has none.
    """
    if results in _BY_PAIR:
        return _BY_PAIR[results]
    known = {call: (c.label, c.facts.more_alike) for call, c in results.configurations.items()}
    found: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    twice: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    columns = ("dataset", "a", "b", "measure", "parameters", "value")
    for dataset, a, b, *call, value in zip(*(results.table[name].to_pylist() for name in columns), strict=True):
        label, more_alike = known[tuple(call)]
        # A configuration without any value stays, so that its correlations come with a reason.
        pairs, pair = found.setdefault((dataset, label), {}), (a, b) if a <= b else (b, a)
        alike = np.nan if value is None else more_alike * value
        if pair in pairs:
            count = twice.setdefault((dataset, label), {})
            count[pair] = count.get(pair, 1) + 1
            alike += pairs[pair]
        pairs[pair] = alike
    for of, counts in twice.items():
        for pair, count_of in counts.items():
            found[of][pair] /= count_of
    _BY_PAIR[results] = {
        of: {pair: mean for pair, mean in pairs.items() if math.isfinite(mean)} for of, pairs in found.items()
    }
    return _BY_PAIR[results]


def between_measures(results: Results) -> list[Agreement]:
    """Correlate, on each data set, the scores of every two configurations over the pairs of representations.

    Distances count with their sign turned, so that a positive correlation means that both call the same pairs alike.
    Where the order of a pair counts, the mean of its two values does.
    """
    scores = scores_by_pair(results)
    return _correlated(
        [
            (first, second, dataset, scores[dataset, first], scores[dataset, second])
            for dataset in dict.fromkeys(dataset for dataset, _ in scores)
            for first, second in itertools.combinations([c for d, c in scores if d == dataset], 2)
        ]
    )


def between_datasets(results: Results) -> list[Agreement]:
    """Correlate, for each configuration, the scores on every two data sets over the pairs of representations.

    Where the order of a pair counts, the mean of its two values does.
    """
    scores = scores_by_pair(results)
    return _correlated(
        [
            (first, second, configuration, scores[first, configuration], scores[second, configuration])
            for configuration in dict.fromkeys(c for _, c in scores)
            for first, second in itertools.combinations([d for d, c in scores if c == configuration], 2)
        ]
    )


def correlate(
    first: str,
    second: str,
    of: str,
    left: Mapping[tuple[str, str], float],
    right: Mapping[tuple[str, str], float],
) -> Agreement:
    """Spearman's, Kendall's (tau_b) and Pearson's correlation over the pairs that both have.

    Examples
    --------
    >>> left, right = ({("a", str(i)): v[i] for i in range(3)} for v in ([1.0, 2.0, 3.0], [1.0, 2.0, 9.0]))
    >>> correlate("cka", "rsa", "humaneval", left, right).spearman
    1.0
    """
    return _correlated([(first, second, of, left, right)])[0]


_Scores = Mapping[tuple[str, str], float]
"""Scores by pair."""


def _correlated(asked: Sequence[tuple[str, str, str, _Scores, _Scores]]) -> list[Agreement]:
    """Correlate each two lists of scores; those over the same models share the relabellings that are drawn."""
    both = [[pair for pair in left if pair in right] for *_, left, right in asked]
    found: list[Agreement] = []
    tested: dict[tuple[str, ...], list[int]] = {}
    for k, ((first, second, of, left, right), common) in enumerate(zip(asked, both, strict=True)):
        u, v = _columns(left, common), _columns(right, common)
        if len(common) < 3 or np.ptp(u) == 0 or np.ptp(v) == 0:
            why = "fewer than three pairs in common" if len(common) < 3 else "all scores are equal"
            found.append(Agreement(first, second, of, len(common), None, None, None, None, 0, why))
            continue
        models = tuple(complete(common))
        tested.setdefault(models, []).append(k)
        statistics = scipy.stats.spearmanr(u, v), scipy.stats.kendalltau(u, v), scipy.stats.pearsonr(u, v)
        spearman, kendall, pearson = (float(of_pairs.statistic) for of_pairs in statistics)
        found.append(Agreement(first, second, of, len(common), spearman, kendall, pearson, None, len(models)))
    for models, places in tested.items():
        tests = _mantel([asked[k][3:] for k in places], models)
        for k, (pvalue, why) in zip(places, tests, strict=True):
            found[k] = replace(found[k], pvalue=pvalue, reason=why)
    return found


def complete(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return models of which every pair is there, leaving out first those that lack most.

    Examples
    --------
    >>> complete([("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")])
    ['a', 'b', 'c']
    """
    models = list(dict.fromkeys(name for pair in pairs for name in pair))
    place = {name: i for i, name in enumerate(models)}
    lacks = ~np.eye(len(models), dtype=bool)
    first, second = ([place[pair[side]] for pair in pairs] for side in (0, 1))
    lacks[first, second] = lacks[second, first] = False
    kept = np.arange(len(models))
    while len(kept):
        count = lacks[np.ix_(kept, kept)].sum(axis=1)
        if not count.any():
            break
        kept = np.delete(kept, len(kept) - 1 - int(np.argmax(count[::-1])))
    return [models[k] for k in kept.tolist()]


def mantel(
    left: Mapping[tuple[str, str], float], right: Mapping[tuple[str, str], float], models: Sequence[str], rng: int = 0
) -> tuple[float | None, str]:
    r"""Return the p-value of a Spearman correlation over the pairs of some models, or why there is none.

    .. math:: p = \frac{1 + \#\{\rho_\pi \ge \rho\}}{1 + P}

    over P relabellings of the models on one side; over all of them where they are fewer than `SHUFFLES`.

    References
    ----------
    Mantel (1967), Cancer Research 27(2); Dietz (1983), doi:10.2307/2413216.

    Examples
    --------
    >>> pairs = [(a, b) for i, a in enumerate("abcd") for b in "abcd"[:i]]
    >>> scores = dict(zip(pairs, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    >>> round(mantel(scores, scores, "abcd")[0], 6)  # one in 4! relabellings
    0.041667
    """
    return _mantel([(left, right)], models, rng)[0]


def _mantel(
    sides: Sequence[tuple[_Scores, _Scores]], models: Sequence[str], rng: int = 0
) -> list[tuple[float | None, str]]:
    """The test of several correlations over the pairs of the same models."""
    if len(models) < 4:
        return [(None, f"no p: {counted(len(models), 'model')} with all pairs, and four are needed")] * len(sides)
    # As high but for rounding.
    as_high = [
        (int(np.count_nonzero(moved >= observed - 1e-9)), len(moved))
        for observed, moved in _relabelled(sides, models, rng)
    ]
    return [((1 + count) / (1 + of), "") for count, of in as_high]


@dataclass(frozen=True)
class ByNumber:
    """Whether things whose numbers are further apart are less alike.

    Parameters
    ----------
    rho : float or None
        Spearman correlation, over pairs, of the score with the difference in rank of the number; 1 where those further
        apart are always less alike.
    pvalue : float or None
        By relabelling the things: `mantel`.
    smallest : float or None
        The least p that any scores could have with these numbers and relabellings.
    reason : str
        Why something is missing.
    """

    rho: float | None
    pvalue: float | None
    smallest: float | None
    reason: str


def by_number(alike: Mapping[tuple[str, str], float], numbers: Mapping[str, float], rng: int = 0) -> ByNumber:
    """Return how far likeness goes with the difference of a number that each thing has.

    Parameters
    ----------
    alike : mapping of (str, str) to float
        The score of every pair, higher where they are more alike.
    numbers : mapping of str to float
        Of each thing. Equal numbers have equal ranks.
    rng : int
        Seed of the relabellings.

    References
    ----------
    Mantel (1967), Cancer Research 27(2).

    Examples
    --------
    >>> sizes = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    >>> alike = {(x, y): -abs(sizes[x] - sizes[y]) for i, x in enumerate("abcd") for y in "abcd"[:i]}
    >>> found = by_number(alike, sizes)
    >>> round(found.rho, 9), round(found.pvalue, 3)
    (1.0, 0.083)
    """
    labels = list(numbers)
    pairs = [(x, y) for i, x in enumerate(labels) for y in labels[:i]]
    either = {frozenset(pair): value for pair, value in alike.items()}
    if any(frozenset(pair) not in either for pair in pairs):
        return ByNumber(None, None, None, "a score is missing")
    ranks = dict(zip(labels, np.unique(list(numbers.values()), return_inverse=True)[1], strict=True))
    apart = {(x, y): -float(abs(ranks[x] - ranks[y])) for x, y in pairs}
    known = {(x, y): either[frozenset((x, y))] for x, y in pairs}
    scores = set(known.values())
    if len(pairs) > 2 and max(scores) - min(scores) <= SAME:
        return ByNumber(None, None, None, "all scores are equal")
    if len(pairs) < 3 or len(set(apart.values())) < 2:
        of = f"{counted(len(labels), 'model')} with {counted(len(set(numbers.values())), 'different number')}"
        return ByNumber(None, None, None, f"{of}; expected four or more")
    rho = float(scipy.stats.spearmanr([apart[pair] for pair in pairs], [known[pair] for pair in pairs]).statistic)
    p, why = mantel(apart, known, labels, rng)
    return ByNumber(rho, p, None if p is None else mantel(apart, apart, labels, rng)[0], why)


def relabelled(
    left: Mapping[tuple[str, str], float], right: Mapping[tuple[str, str], float], models: Sequence[str], rng: int = 0
) -> tuple[float, np.ndarray]:
    """Return the Spearman correlation over all pairs of some models, and those after relabelling one side.

    Over at most `SHUFFLES` relabellings; over all but the identity where they are fewer. All are 0 where the scores on
    one side are equal.

    Examples
    --------
    >>> pairs = [(a, b) for i, a in enumerate("abcd") for b in "abcd"[:i]]
    >>> scores = dict(zip(pairs, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    >>> observed, moved = relabelled(scores, scores, "abcd")
    >>> round(observed, 9), len(moved)
    (1.0, 23)
    """
    return _relabelled([(left, right)], models, rng)[0]


def _relabelled(
    sides: Sequence[tuple[_Scores, _Scores]], models: Sequence[str], rng: int
) -> list[tuple[float, np.ndarray]]:
    """What `relabelled` finds for several correlations: ranks, and what each relabelling moves, are taken once."""
    rows, columns = np.tril_indices(len(models), -1)
    pairs = [(models[i], models[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)]
    ranks: dict[int, np.ndarray] = {}
    by_right: dict[int, list[int]] = {}
    for k, both in enumerate(sides):
        for scores in both:
            if id(scores) not in ranks:
                values = scipy.stats.rankdata([scores[p] if p in scores else scores[p[::-1]] for p in pairs])
                ranks[id(scores)] = values - values.mean()
        by_right.setdefault(id(both[1]), []).append(k)
    squares = {}
    for right in by_right:
        squares[right] = np.zeros((len(models), len(models)))
        squares[right][rows, columns] = squares[right][columns, rows] = ranks[right]
    orders = draw_permutations(len(models), SHUFFLES, rng)
    moved: list[list[np.ndarray]] = [[] for _ in sides]
    for p in np.array_split(orders, 1 + len(orders) * len(pairs) // 2**21):
        # Each pair once, by its place in the square: taking single numbers is what this costs.
        at = p[:, rows] * len(models) + p[:, columns]
        for right, asked in by_right.items():
            taken = squares[right].ravel()[at]
            for k in asked:
                moved[k].append(taken @ ranks[id(sides[k][0])])
    found = []
    for both, parts in zip(sides, moved, strict=True):
        a, b = (ranks[id(scores)] for scores in both)
        size = float(np.sqrt((a @ a) * (b @ b))) or 1.0
        found.append((float(a @ b) / size, np.concatenate(parts) / size))
    return found


def disagreements(results: Results, dataset: str, first: str, second: str, count: int = 5) -> list[Disagreement]:
    """Return the pairs that two configurations place most differently on a data set, the most different first.

    A pair's place is the share of the pairs that are less alike, ties counted half.
    """
    scores = scores_by_pair(results)
    left, right = scores[dataset, first], scores[dataset, second]
    common = [pair for pair in left if pair in right]
    if len(common) < 2:
        return []
    places = [(scipy.stats.rankdata(_columns(side, common)) - 1) / (len(common) - 1) for side in (left, right)]
    apart = np.abs(places[0] - places[1])
    order = [k for k in np.argsort(-apart, kind="stable")[:count].tolist() if apart[k] > 0]
    return [Disagreement(common[k][0], common[k][1], float(places[0][k]), float(places[1][k])) for k in order]


def _columns(scores: Mapping[tuple[str, str], float], pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    return np.asarray([scores[pair] for pair in pairs])
