"""How alike language models are inside, and how far that answer can be trusted."""

from likewise.startup import leave_current_folder

leave_current_folder()  # before Python looks for anything else
# isort: split
import sys
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any

from likewise.older import follow, is_older

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
    from likewise.quantities import Prepared
    from likewise.questions import audit, ladder, lineage, search, swap, track
    from likewise.representation import Representation
    from likewise.run import Done, run
    from likewise.scoring import Comparison, Results, compare
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
    "audit",
    "compare",
    "configurations",
    "ladder",
    "lineage",
    "measures",
    "plan",
    "read_file",
    "run",
    "search",
    "swap",
    "track",
]

_HOMES = {
    "errors": ("InputError", "LikewiseError", "MissingDependencyError", "ModelError", "StoreError", "UndefinedError"),
    "measures": ("Configuration", "Facts", "configurations"),
    "plan": ("Experiment", "Plan", "plan"),
    "quantities": ("Prepared",),
    "questions": ("audit", "ladder", "lineage", "search", "swap", "track"),
    "representation": ("Representation",),
    "run": ("Done", "run"),
    "scoring": ("Comparison", "Results", "compare"),
    "store": ("Store", "read_file"),
}
"""The rooms of the names above: a room is imported when something of it is asked for, for all take seconds."""

_ROOMS = {name: room for room, names in _HOMES.items() for name in names}


class _Package(ModuleType):
    """The package as one that finds its names when they are asked for, the rooms' own among them."""

    def __getattr__(self, name: str) -> Any:
        if room := _ROOMS.get(name):
            value = getattr(import_module(f"likewise.{room}"), name)
            setattr(self, name, value)
            return value
        there = not name.startswith("_") and name in {module.name for module in iter_modules(self.__path__)}
        if not there and not is_older(name):
            raise AttributeError(f"module 'likewise' has no attribute {name!r}")
        return import_module(f"likewise.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a room here that it has imported; likewise.plan and likewise.run stay the functions.
        if not (_ROOMS.get(name) == name and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *__all__})


sys.modules[__name__].__class__ = _Package
follow()
