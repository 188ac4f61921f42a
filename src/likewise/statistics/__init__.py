"""Scores with their chance level, and what scores say together."""

from likewise.statistics.agreement import Agreement, between_datasets, between_measures
from likewise.statistics.block import NO_CHANCE, NullKind, Trust, orders, score_block
from likewise.statistics.compare import check_request, compare
from likewise.statistics.jackknife import interval, leave_out
from likewise.statistics.moments import Moments, shuffled_moments
from likewise.statistics.permutation import Chance, Null, draw_permutations, judge
from likewise.statistics.results import OF_THE_TABLE, SCHEMA, Comparison, Results

__all__ = [
    "NO_CHANCE",
    "OF_THE_TABLE",
    "SCHEMA",
    "Agreement",
    "Chance",
    "Comparison",
    "Moments",
    "Null",
    "NullKind",
    "Results",
    "Trust",
    "between_datasets",
    "between_measures",
    "check_request",
    "compare",
    "draw_permutations",
    "interval",
    "judge",
    "leave_out",
    "orders",
    "score_block",
    "shuffled_moments",
]
