"""Runs: tasks done by executors, until an experiment is finished."""

from likewise.plan import Needs
from likewise.run.executor import Executor, Job, Lost, outcomes
from likewise.run.executors.processes import Processes
from likewise.run.executors.serial import Serial
from likewise.run.imports import import_representation, order_of
from likewise.run.loop import Done, run
from likewise.run.record import kind_of
from likewise.run.status import is_alive, status_of
from likewise.run.worker import Outcome, Settings, check_reduced, items_of, perform, perform_all

__all__ = [
    "Done",
    "Executor",
    "Job",
    "Lost",
    "Needs",
    "Outcome",
    "Processes",
    "Serial",
    "Settings",
    "check_reduced",
    "import_representation",
    "is_alive",
    "items_of",
    "kind_of",
    "order_of",
    "outcomes",
    "perform",
    "perform_all",
    "run",
    "status_of",
]
