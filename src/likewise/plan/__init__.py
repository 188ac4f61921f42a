"""Experiments, and the tasks that they come down to."""

from likewise.plan.experiment import Experiment
from likewise.plan.imported import imported_experiment, imported_key
from likewise.plan.plan import (
    Answers,
    DatasetPlan,
    Plan,
    plan,
    results_of,
    rows_left_out,
    rows_of,
    scores_of_pair,
    tiles_of,
)
from likewise.plan.tasks import Extract, Reduce, Resolve, Task, Tile, Wanted, model_of, model_size, pinned, unpinned

__all__ = [
    "Answers",
    "DatasetPlan",
    "Experiment",
    "Extract",
    "Plan",
    "Reduce",
    "Resolve",
    "Task",
    "Tile",
    "Wanted",
    "imported_experiment",
    "imported_key",
    "model_of",
    "model_size",
    "pinned",
    "plan",
    "results_of",
    "rows_left_out",
    "rows_of",
    "scores_of_pair",
    "tiles_of",
    "unpinned",
]
