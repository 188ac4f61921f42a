"""How alike language models are inside, and how far that answer can be trusted."""

from likewise.startup import leave_current_folder

leave_current_folder()  # before Python looks for anything else
# isort: split
from likewise import measures
from likewise.errors import (
    InputError,
    LikewiseError,
    MissingDependencyError,
    ModelError,
    StoreError,
    UndefinedError,
)
from likewise.measures import Configuration, Facts, configurations
from likewise.plan import Experiment, Plan, plan
from likewise.prepared import Prepared
from likewise.representation import Representation
from likewise.run import Done, run
from likewise.statistics import Comparison, Results, compare
from likewise.store import Store, read_file

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Configuration",
    "Done",
    "Experiment",
    "Facts",
    "InputError",
    "LikewiseError",
    "MissingDependencyError",
    "ModelError",
    "Plan",
    "Prepared",
    "Representation",
    "Results",
    "Store",
    "StoreError",
    "UndefinedError",
    "compare",
    "configurations",
    "measures",
    "plan",
    "read_file",
    "run",
]
