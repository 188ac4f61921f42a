"""Executors by name: one file each in this folder, and those that installed packages offer.

``serial.py`` holds ``Serial``, and so on; what a package offers stands in its entry points, in the group
``likewise.executors``, and is loaded only when somebody names it. Either is called with the number of workers, or None,
and with the address of a scheduler where one is named.
"""

import importlib
import inspect
import pkgutil
from concurrent.futures import Executor as Pool
from typing import Any

from likewise.errors import InputError
from likewise.plugins import Plugins
from likewise.run.executor import Executor
from likewise.run.futures import Futures

INSTALLED = Plugins("likewise.executors", "executor")
"""Executors that packages offer."""

OWN = tuple(module.name for module in pkgutil.iter_modules(__path__))
"""The names of those in this folder."""


METHODS = ("room", "submit", "hear", "close")
"""What an executor has."""


def names() -> list[str]:
    """Return the names of all executors that there are."""
    return sorted(INSTALLED.names(OWN))


def choose(executor: str | Executor | Pool, workers: int | None = None, scheduler: str | None = None) -> Executor:
    """Return the executor of a name, or the one that is given, which may be one of ``concurrent.futures``.

    Raises
    ------
    InputError
        If there is none of that name, or it cannot be had.
    """
    if scheduler is not None and not isinstance(executor, str):
        raise InputError(f"an executor that is made knows its scheduler; expected no scheduler={scheduler!r} beside it")
    made: Any = _named(executor, workers, scheduler) if isinstance(executor, str) else executor
    lacking = [name for name in METHODS if not callable(getattr(made, name, None))]
    if not lacking:
        return made  # type: ignore[no-any-return]  # it has what one has
    if "submit" not in lacking and not isinstance(made, type):
        return Futures(made, workers)
    raise InputError(
        f"expected the name of an executor, one with the methods {', '.join(METHODS)}, or one of concurrent.futures; "
        f"got {executor!r}"
    )


def _named(name: str, workers: int | None, scheduler: str | None) -> Any:
    """Call what is found under a name; what is in this folder comes first."""
    if name not in OWN:
        return INSTALLED.make(name, OWN, workers, *([] if scheduler is None else [scheduler]))
    made = getattr(importlib.import_module(f"{__name__}.{name}"), name.capitalize())
    if scheduler is None:
        return made(workers)
    if "scheduler" not in inspect.signature(made).parameters:
        raise InputError(f"the executor {name!r} has no scheduler; expected dask or ray, or no scheduler")
    return made(workers, scheduler)
