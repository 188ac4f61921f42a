"""Scores with their chance level, and what scores say together."""

from likewise.statistics.agreement import Agreement, between_datasets, between_measures
from likewise.statistics.compare import NO_CHANCE, check_permutations, compare, compare_pair, orders
from likewise.statistics.permutation import Chance, draw_permutations, judge
from likewise.statistics.results import SCHEMA, Comparison, Results

__all__ = [
    "NO_CHANCE",
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
    "orders",
]
