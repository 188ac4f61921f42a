"""How alike language models are inside, and how far that answer can be trusted."""

from likewise.startup import leave_current_folder

leave_current_folder()  # before Python looks for anything else
# isort: split
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "errors": ("InputError", "LikewiseError", "MissingDependencyError", "ModelError", "StoreError", "UndefinedError"),
    "measures": ("Configuration", "Facts", "configurations"),
    "plan": ("Experiment", "Plan", "plan"),
    "prepared": ("Prepared",),
    "representation": ("Representation",),
    "run": ("Done", "run"),
    "statistics": ("Comparison", "Results", "compare"),
    "store": ("Store", "read_file"),
}
"""The rooms of the names above: a room is imported when something of it is asked for, for all take seconds."""

_ROOMS = {name: room for room, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    """The package, in which the functions that are called like their rooms hide these, whatever is imported when."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (_ROOMS.get(name) == name and isinstance(value, ModuleType)):  # how Python tells that a room is there
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if room := _ROOMS.get(name):
        value = getattr(import_module(f"likewise.{room}"), name)
    elif not name.startswith("_") and find_spec(f"likewise.{name}"):
        return import_module(f"likewise.{name}")
    else:
        raise AttributeError(f"module 'likewise' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
