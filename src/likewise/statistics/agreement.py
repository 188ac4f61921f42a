"""Whether two measures, or two data sets, order the pairs of models alike."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from likewise.measures import Configuration
from likewise.statistics.results import Results


@dataclass(frozen=True)
class Agreement:
    """Correlation of two lists of scores over the pairs that have both; None where there is none, with the reason."""

    first: str
    second: str
    of: str
    n_pairs: int
    spearman: float | None
    pearson: float | None
    reason: str = ""


def scores_by_pair(results: Results) -> dict[tuple[str, str], dict[tuple[str, str], float]]:
    """Scores oriented towards more alike: (data set, configuration) to {pair: score}.

    A pair is named without regard to order. Where a measure gives it two values, one in either order, its score is
    their mean; where one of them is undefined, it has none.
    """
    found: dict[tuple[str, str], dict[tuple[str, str], list[float]]] = {}
    for row in results:
        c = Configuration.from_json(row.measure, row.parameters)
        # A configuration without any value stays, so that its correlations come with a reason.
        pairs = found.setdefault((row.dataset, c.label), {})
        first, second = sorted((row.a, row.b))
        value = np.nan if row.value is None else c.facts.more_alike * row.value
        pairs.setdefault((first, second), []).append(value)
    means = {of: {pair: float(np.mean(values)) for pair, values in pairs.items()} for of, pairs in found.items()}
    return {of: {pair: mean for pair, mean in pairs.items() if np.isfinite(mean)} for of, pairs in means.items()}


def between_measures(results: Results) -> list[Agreement]:
    """Correlate, on each data set, the scores of every two configurations over the pairs of representations.

    Distances count with their sign turned, so that a positive correlation means that both call the same pairs alike.
    Where the order of a pair counts, the mean of its two values does.
    """
    scores = scores_by_pair(results)
    return [
        correlate(first, second, dataset, scores[dataset, first], scores[dataset, second])
        for dataset in dict.fromkeys(dataset for dataset, _ in scores)
        for first, second in itertools.combinations([c for d, c in scores if d == dataset], 2)
    ]


def between_datasets(results: Results) -> list[Agreement]:
    """Correlate, for each configuration, the scores on every two data sets over the pairs of representations.

    Where the order of a pair counts, the mean of its two values does.
    """
    scores = scores_by_pair(results)
    return [
        correlate(first, second, configuration, scores[first, configuration], scores[second, configuration])
        for configuration in dict.fromkeys(c for _, c in scores)
        for first, second in itertools.combinations([d for d, c in scores if c == configuration], 2)
    ]


def correlate(
    first: str,
    second: str,
    of: str,
    left: Mapping[tuple[str, str], float],
    right: Mapping[tuple[str, str], float],
) -> Agreement:
    """Spearman and Pearson correlation over the pairs that both have.

    Examples
    --------
    >>> left, right = ({("a", str(i)): v[i] for i in range(3)} for v in ([1.0, 2.0, 3.0], [1.0, 2.0, 9.0]))
    >>> correlate("cka", "rsa", "humaneval", left, right).spearman
    1.0
    """
    common = [pair for pair in left if pair in right]
    u, v = _columns(left, common), _columns(right, common)
    if len(common) < 3:
        return Agreement(first, second, of, len(common), None, None, "fewer than three pairs in common")
    if np.ptp(u) == 0 or np.ptp(v) == 0:
        return Agreement(first, second, of, len(common), None, None, "all scores are equal")
    spearman, pearson = stats.spearmanr(u, v).statistic, stats.pearsonr(u, v).statistic
    return Agreement(first, second, of, len(common), float(spearman), float(pearson))


def _columns(scores: Mapping[tuple[str, str], float], pairs: Sequence[tuple[str, str]]) -> np.ndarray:
    return np.asarray([scores[pair] for pair in pairs])
