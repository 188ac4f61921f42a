"""From pairs of representations to a table of scores with intervals, and what such tables say together."""

from likewise.scoring.agreement import (
    Agreement,
    ByNumber,
    Disagreement,
    between_datasets,
    between_measures,
    by_number,
    disagreements,
    mantel,
    relabelled,
)
from likewise.scoring.arrangement import (
    Dissimilarities,
    Places,
    Tree,
    both_orders,
    dissimilarities,
    dissimilarities_of,
    places,
    tree,
)
from likewise.scoring.best_layers import BestLayers, best_layers
from likewise.scoring.block import score_block
from likewise.scoring.choice import Score
from likewise.scoring.columns import orders
from likewise.scoring.compare import check_request, compare
from likewise.scoring.comparison import KINDS, OF_THE_TABLE, SCHEMA, Comparison
from likewise.scoring.jackknife import interval
from likewise.scoring.leaving_out import leave_out
from likewise.scoring.overfitting import Overfit, overfitting
from likewise.scoring.pairs import ALL, Pairs
from likewise.scoring.population import Reduced, reduce, score_one, score_products, score_values
from likewise.scoring.results import Results, all_undefined, in_turn
from likewise.scoring.sample_size import Point, learning_curve, stable_from
from likewise.scoring.trust import Trust

__all__ = [
    "ALL",
    "KINDS",
    "OF_THE_TABLE",
    "SCHEMA",
    "Agreement",
    "BestLayers",
    "ByNumber",
    "Comparison",
    "Disagreement",
    "Dissimilarities",
    "Overfit",
    "Pairs",
    "Places",
    "Point",
    "Reduced",
    "Results",
    "Score",
    "Tree",
    "Trust",
    "all_undefined",
    "best_layers",
    "between_datasets",
    "between_measures",
    "both_orders",
    "by_number",
    "check_request",
    "compare",
    "disagreements",
    "dissimilarities",
    "dissimilarities_of",
    "in_turn",
    "interval",
    "learning_curve",
    "leave_out",
    "mantel",
    "orders",
    "overfitting",
    "places",
    "reduce",
    "relabelled",
    "score_block",
    "score_one",
    "score_products",
    "score_values",
    "stable_from",
    "tree",
]
