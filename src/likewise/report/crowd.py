"""What a page keeps of very many names: clusters, the nearest of each name, and the pairs that were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from likewise.report.headlines import Headline
from likewise.report.tables import configurations_of, names_of
from likewise.scoring import Dissimilarities, Pairs, both_orders, tree

MOST = 300
"""Names up to which a page keeps every pair."""

NEAREST = 10
"""Neighbours of each name whose pairs are kept."""

CLUSTERS = 24
"""At most so many clusters of each data set."""


@dataclass(frozen=True)
class Cluster:
    """Names that are alike.

    Parameters
    ----------
    dataset : str
        On which data set.
    middle : str
        The name that is most alike to the others.
    members : tuple of str
        All of them.
    within : float or None
        Their mean score; None for one alone.
    """

    dataset: str
    middle: str
    members: tuple[str, ...]
    within: float | None


def kept_of(
    frame: pd.DataFrame, first: Sequence[Headline], pairs: Pairs
) -> tuple[Bool[np.ndarray, " rows"], list[Cluster]]:
    """Return which rows a page keeps, and the clusters of each data set; of up to `MOST` names all rows, no cluster.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `tables.long_frame`.
    first : sequence of Headline
        Its headlines: by their measure names are near to each other.
    pairs : Pairs
        Which were asked for: where that is not all, each of them is kept.
    """
    names = names_of(frame)
    if len(names) <= MOST or pairs.kind != "all":
        return np.full(len(frame), True), []
    place = {name: i for i, name in enumerate(names)}
    a, b = (frame[side].map(place).to_numpy(dtype=np.int64) for side in "ab")
    wanted = np.zeros((len(names), len(names)), dtype=bool)
    clusters: list[Cluster] = []
    facts = {c.label: c.facts for c in configurations_of(frame)}
    for line in first:
        here = ((frame["dataset"] == line.key) & (frame["configuration"] == line.measure)).to_numpy()
        scores = np.full(wanted.shape, np.nan)
        scores[a[here], b[here]] = frame.loc[here, line.column].to_numpy(dtype=np.float64, na_value=np.nan)
        both = np.fmax(scores, scores.T) if np.isnan(scores).any() else scores
        up = line.column == "calibrated" or facts[line.measure].direction == "similarity"
        near = np.where(np.isnan(both), -np.inf, both if up else -both)
        nearest = np.argpartition(-near, min(NEAREST, len(names) - 1), axis=1)[:, :NEAREST]
        wanted[np.arange(len(names))[:, None], nearest] = True
        there = np.flatnonzero(np.isfinite(both).any(axis=1))
        found = _clusters(line.dataset, [names[i] for i in there], scores[np.ix_(there, there)], up)
        told = [place[name] for pair in (line.first, line.rival) if pair for name in (pair.a, pair.b)]
        middles = [*(place[of.middle] for of in found), *told]
        wanted[np.ix_(middles, middles)] = True
        clusters += found
    wanted |= wanted.T
    return wanted[a, b], clusters


def _clusters(dataset: str, names: Sequence[str], scores: Float[np.ndarray, "m m"], up: bool) -> list[Cluster]:
    """Average linkage, cut into at most `CLUSTERS` clusters; none where a pair has no score."""
    alike = both_orders(scores)
    if alike is None or len(names) < 2:
        return []
    # From the greatest, for the clusters are the same from wherever similarities are taken.
    distances = alike.max() - alike if up else alike
    np.fill_diagonal(distances, 0)
    from scipy.cluster.hierarchy import fcluster  # half a second, for pages of very many names alone

    of = fcluster(tree(Dissimilarities(tuple(names), distances, "")).merges, CLUSTERS, "maxclust")
    found = []
    for number in np.unique(of):
        members = np.flatnonzero(of == number).tolist()
        part = distances[np.ix_(members, members)]
        middle = members[int(part.sum(axis=1).argmin())]
        inside = scores[np.ix_(members, members)]
        within = None if len(members) == 1 else float(np.nanmean(inside[~np.eye(len(members), dtype=bool)]))
        found.append(Cluster(dataset, names[middle], tuple(names[i] for i in members), within))
    return sorted(found, key=lambda one: -len(one.members))
