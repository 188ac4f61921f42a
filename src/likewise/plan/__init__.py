"""Experiments, and the tasks that they come down to."""

from likewise.plan.answers import Answers
from likewise.plan.datasets import DatasetPlan, scores_of_pair, tiles_of
from likewise.plan.experiment import Experiment, of_unknown_code
from likewise.plan.graph import Node, graph, is_made, load_of, made_by, rank_of
from likewise.plan.imported import imported_experiment, imported_key
from likewise.plan.inputs import rows_left_out
from likewise.plan.kept import kept_on
from likewise.plan.listed import tasks_of
from likewise.plan.needs import Needs
from likewise.plan.shown import results_of, rows_of, shown_of
from likewise.plan.tasks import Extract, Reduce, Resolve, Task, Tile, Wanted, model_size, pinned, unpinned
from likewise.plan.tiles import blocks_of_pairs
from likewise.plan.trusted import Trusted, load_trusted, read_experiment, risks_of
from likewise.plan.unreferenced import Unreferenced, unreferenced
from likewise.plan.work import Plan, plan
from likewise.plan.written import model_written

__all__ = [
    "Answers",
    "DatasetPlan",
    "Experiment",
    "Extract",
    "Needs",
    "Node",
    "Plan",
    "Reduce",
    "Resolve",
    "Task",
    "Tile",
    "Trusted",
    "Unreferenced",
    "Wanted",
    "blocks_of_pairs",
    "graph",
    "imported_experiment",
    "imported_key",
    "is_made",
    "kept_on",
    "load_of",
    "load_trusted",
    "made_by",
    "model_size",
    "model_written",
    "of_unknown_code",
    "pinned",
    "plan",
    "rank_of",
    "read_experiment",
    "results_of",
    "risks_of",
    "rows_left_out",
    "rows_of",
    "scores_of_pair",
    "shown_of",
    "tasks_of",
    "tiles_of",
    "unpinned",
    "unreferenced",
]
