"""Executors by name: one file each in this folder, and those that installed packages offer.

``serial.py`` holds ``Serial``, and so on; what a package offers stands in its entry points, in the group
``likewise.executors``, and is loaded only when somebody names it. Either is called with the number of workers, or None.
"""

import importlib
import pkgutil
from typing import Any

from likewise.errors import InputError
from likewise.naming import did_you_mean
from likewise.packages import load, offered
from likewise.run.executor import Executor

GROUP = "likewise.executors"

OWN = tuple(module.name for module in pkgutil.iter_modules(__path__))
"""The names of those in this folder."""


def names() -> list[str]:
    """Return the names of all executors that there are."""
    return sorted({*OWN, *offered(GROUP)})


def choose(executor: str | Executor, workers: int | None = None) -> Executor:
    """Return the executor of a name, or the one that is given.

    Raises
    ------
    InputError
        If there is none of that name, or it cannot be had.
    """
    made: Executor = _named(executor, workers) if isinstance(executor, str) else executor
    if not callable(getattr(made, "outcomes", None)):
        raise InputError(
            f"expected an executor, which has a method outcomes(do, jobs), or the name of one; got {executor!r}"
        )
    return made


def _named(name: str, workers: int | None) -> Any:
    """Call what is found under a name; what is in this folder comes first."""
    if name in OWN:
        module = importlib.import_module(f"{__name__}.{name}")
        return getattr(module, name.capitalize())(workers)
    if offers := offered(GROUP).get(name):
        return load("executor", offers, lambda kind: kind(workers))
    raise InputError(f"unknown executor {name!r}; {did_you_mean(name, names())}")
