"""Scores with their chance level, and what scores say together."""

from likewise.statistics.agreement import Agreement, Disagreement, between_datasets, between_measures, disagreements
from likewise.statistics.block import BOUND, FEW_ROWS, NO_CHANCE, NullKind, Trust, has_moments, orders, score_block
from likewise.statistics.compare import check_request, compare
from likewise.statistics.correction import step_down, too_few_shuffles
from likewise.statistics.jackknife import interval, leave_out
from likewise.statistics.layers import BestLayers, best_layers
from likewise.statistics.learning import Point, learning_curve, stable_from
from likewise.statistics.moments import FEWEST_ITEMS, Moments, shuffled_moments
from likewise.statistics.overfitting import Overfit, overfitting
from likewise.statistics.pairs import ALL, Pairs
from likewise.statistics.permutation import Chance, Null, Shuffle, Shuffles, draw_permutations, draw_shuffles, judge
from likewise.statistics.population import Reduced, reduce, score_products
from likewise.statistics.results import OF_THE_TABLE, SCHEMA, Comparison, Results, all_undefined, in_turn
from likewise.statistics.together import Together, agreed, together_of

__all__ = [
    "ALL",
    "BOUND",
    "FEWEST_ITEMS",
    "FEW_ROWS",
    "NO_CHANCE",
    "OF_THE_TABLE",
    "SCHEMA",
    "Agreement",
    "BestLayers",
    "Chance",
    "Comparison",
    "Disagreement",
    "Moments",
    "Null",
    "NullKind",
    "Overfit",
    "Pairs",
    "Point",
    "Reduced",
    "Results",
    "Shuffle",
    "Shuffles",
    "Together",
    "Trust",
    "agreed",
    "all_undefined",
    "best_layers",
    "between_datasets",
    "between_measures",
    "check_request",
    "compare",
    "disagreements",
    "draw_permutations",
    "draw_shuffles",
    "has_moments",
    "in_turn",
    "interval",
    "judge",
    "learning_curve",
    "leave_out",
    "orders",
    "overfitting",
    "reduce",
    "score_block",
    "score_products",
    "shuffled_moments",
    "stable_from",
    "step_down",
    "together_of",
    "too_few_shuffles",
]
