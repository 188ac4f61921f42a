"""Scores with their chance level, and what scores say together."""

from likewise.statistics.agreement import (
    Agreement,
    Disagreement,
    between_datasets,
    between_measures,
    disagreements,
    mantel,
)
from likewise.statistics.block import Trust, orders, score_block
from likewise.statistics.chance import (
    DEFAULT,
    Level,
    NoReference,
    Reference,
    Scored,
    ShuffledFeatures,
    ShuffledRows,
    canonical_reference,
    has_moments,
    kind_of,
    reference_names,
    reference_of,
)
from likewise.statistics.compare import check_request, compare
from likewise.statistics.correction import SAME_INPUTS, holm, only_same_inputs, step_down, too_few_shuffles
from likewise.statistics.jackknife import interval, leave_out
from likewise.statistics.layers import BestLayers, best_layers
from likewise.statistics.learning import Point, learning_curve, stable_from
from likewise.statistics.moments import FEWEST_ITEMS, Moments, shuffled_moments
from likewise.statistics.overfitting import Overfit, overfitting
from likewise.statistics.pairs import ALL, Pairs
from likewise.statistics.permutation import Chance, Null, Shuffle, Shuffles, draw_permutations, draw_shuffles, judge
from likewise.statistics.population import Reduced, reduce, score_products
from likewise.statistics.reasons import Reason, Reasons
from likewise.statistics.results import KINDS, OF_THE_TABLE, SCHEMA, Comparison, Results, all_undefined, in_turn
from likewise.statistics.together import Together, agreed, most_parts, together_of

NO_CHANCE, FEW_ROWS, BOUND = Reason.NO_CHANCE, Reason.FEW_ROWS, Reason.BOUND
"""Older names of these reasons."""

__all__ = [
    "ALL",
    "BOUND",
    "DEFAULT",
    "FEWEST_ITEMS",
    "FEW_ROWS",
    "KINDS",
    "NO_CHANCE",
    "OF_THE_TABLE",
    "SAME_INPUTS",
    "SCHEMA",
    "Agreement",
    "BestLayers",
    "Chance",
    "Comparison",
    "Disagreement",
    "Level",
    "Moments",
    "NoReference",
    "Null",
    "Overfit",
    "Pairs",
    "Point",
    "Reason",
    "Reasons",
    "Reduced",
    "Reference",
    "Results",
    "Scored",
    "Shuffle",
    "ShuffledFeatures",
    "ShuffledRows",
    "Shuffles",
    "Together",
    "Trust",
    "agreed",
    "all_undefined",
    "best_layers",
    "between_datasets",
    "between_measures",
    "canonical_reference",
    "check_request",
    "compare",
    "disagreements",
    "draw_permutations",
    "draw_shuffles",
    "has_moments",
    "holm",
    "in_turn",
    "interval",
    "judge",
    "kind_of",
    "learning_curve",
    "leave_out",
    "mantel",
    "most_parts",
    "only_same_inputs",
    "orders",
    "overfitting",
    "reduce",
    "reference_names",
    "reference_of",
    "score_block",
    "score_products",
    "shuffled_moments",
    "stable_from",
    "step_down",
    "together_of",
    "too_few_shuffles",
]
