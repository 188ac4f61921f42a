"""From scores to statements: differences, ranks, equivalence, panels and noise floors, as pure functions."""

from likewise.inference.answers import Answered, Changed, accuracy, capa, change_of_right
from likewise.inference.differences import (
    Difference,
    Differences,
    against,
    all_differences,
    difference,
    mean_difference,
)
from likewise.inference.equivalence import Equivalence, equivalence
from likewise.inference.estimates import Block, Contrasts, Estimates, step_down_max, welch
from likewise.inference.floors import Floors, noise_floor
from likewise.inference.kinship import HeldOut, matched_correlation, rotated_cosine
from likewise.inference.leftout import LeftOut, left_out
from likewise.inference.panel import PanelTest, panel_test, panel_tests
from likewise.inference.ranks import RankSets, letters, rank_intervals, rank_sets

__all__ = [
    "Answered",
    "Block",
    "Changed",
    "Contrasts",
    "Difference",
    "Differences",
    "Equivalence",
    "Estimates",
    "Floors",
    "HeldOut",
    "LeftOut",
    "PanelTest",
    "RankSets",
    "accuracy",
    "against",
    "all_differences",
    "capa",
    "change_of_right",
    "difference",
    "equivalence",
    "left_out",
    "letters",
    "matched_correlation",
    "mean_difference",
    "noise_floor",
    "panel_test",
    "panel_tests",
    "rank_intervals",
    "rank_sets",
    "rotated_cosine",
    "step_down_max",
    "welch",
]
