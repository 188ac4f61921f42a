"""Search among vectors: exact neighbours, how much two lists of them agree, maps from one space into another."""

from likewise.retrieval.maps import Map, orthogonal, ridge
from likewise.retrieval.overlap import agreement, rank_biased_overlap, recall
from likewise.retrieval.search import METRICS, Index, Metric, unit_rows

__all__ = [
    "METRICS",
    "Index",
    "Map",
    "Metric",
    "agreement",
    "orthogonal",
    "rank_biased_overlap",
    "recall",
    "ridge",
    "unit_rows",
]
