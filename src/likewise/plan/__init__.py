"""Experiments, and the tasks that they come down to."""

from likewise.plan.experiment import Experiment
from likewise.plan.plan import DatasetPlan, Plan, plan, results_of, scores_of_pair
from likewise.plan.tasks import Extract, Task, Tile, Wanted

__all__ = [
    "DatasetPlan",
    "Experiment",
    "Extract",
    "Plan",
    "Task",
    "Tile",
    "Wanted",
    "plan",
    "results_of",
    "scores_of_pair",
]
