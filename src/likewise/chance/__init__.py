"""What scores are set beside: chance levels, shuffles and their moments, p-values of many scores, reasons."""

from likewise.chance.closed_form import ClosedForm, has_moments, has_vectors
from likewise.chance.correction import (
    LEVEL,
    SAME_INPUTS,
    holm,
    is_small,
    only_same_inputs,
    step_down,
    too_few,
    too_few_shuffles,
)
from likewise.chance.features import ShuffledFeatures
from likewise.chance.moments import FEWEST_ITEMS, Moments, shuffled_moments
from likewise.chance.nothing import NoReference
from likewise.chance.order import IN_FILES, IN_RUNS, IN_STRETCHES, RowsInRuns, alike_in_order, run_length
from likewise.chance.permutation import Chance, Null, Shuffle, Shuffles, draw_permutations, draw_shuffles, judge
from likewise.chance.reasons import Reason, Reasons
from likewise.chance.reference import Asked, Level, Pair, Reference, Scored, Sides
from likewise.chance.registry import DEFAULT, canonical_reference, kind_of, reference_names, reference_of, words_of
from likewise.chance.shuffles import ShuffledRows
from likewise.chance.together import Together, agreed, most_parts, together_of

NO_CHANCE, FEW_ROWS, BOUND = Reason.NO_CHANCE, Reason.FEW_ROWS, Reason.BOUND
"""Older names of these reasons."""

__all__ = [
    "BOUND",
    "DEFAULT",
    "FEWEST_ITEMS",
    "FEW_ROWS",
    "IN_FILES",
    "IN_RUNS",
    "IN_STRETCHES",
    "LEVEL",
    "NO_CHANCE",
    "SAME_INPUTS",
    "Asked",
    "Chance",
    "ClosedForm",
    "Level",
    "Moments",
    "NoReference",
    "Null",
    "Pair",
    "Reason",
    "Reasons",
    "Reference",
    "RowsInRuns",
    "Scored",
    "Shuffle",
    "ShuffledFeatures",
    "ShuffledRows",
    "Shuffles",
    "Sides",
    "Together",
    "agreed",
    "alike_in_order",
    "canonical_reference",
    "draw_permutations",
    "draw_shuffles",
    "has_moments",
    "has_vectors",
    "holm",
    "is_small",
    "judge",
    "kind_of",
    "most_parts",
    "only_same_inputs",
    "reference_names",
    "reference_of",
    "run_length",
    "shuffled_moments",
    "step_down",
    "together_of",
    "too_few",
    "too_few_shuffles",
    "words_of",
]
