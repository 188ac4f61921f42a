"""Scores with their chance level, and what scores say together."""

from likewise.statistics.agreement import Agreement, between_datasets, between_measures
from likewise.statistics.compare import check_permutations, compare, compare_pair
from likewise.statistics.permutation import Chance, draw_permutations, judge
from likewise.statistics.results import SCHEMA, Comparison, Results

__all__ = [
    "SCHEMA",
    "Agreement",
    "Chance",
    "Comparison",
    "Results",
    "between_datasets",
    "between_measures",
    "check_permutations",
    "compare",
    "compare_pair",
    "draw_permutations",
    "judge",
]
