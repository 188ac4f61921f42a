"""Runs: tasks done by executors, until an experiment is finished."""

from likewise.run.executor import Executor, Serial, Step
from likewise.run.imports import import_representation, order_of
from likewise.run.processes import Processes
from likewise.run.run import Done, run
from likewise.run.worker import Outcome, Settings, Watch, perform

__all__ = [
    "Done",
    "Executor",
    "Outcome",
    "Processes",
    "Serial",
    "Settings",
    "Step",
    "Watch",
    "import_representation",
    "order_of",
    "perform",
    "run",
]
