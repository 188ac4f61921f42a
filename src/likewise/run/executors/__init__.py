"""Executors by name: one file each in this folder, and those that installed packages offer.

``serial.py`` holds ``Serial``, and so on; what a package offers stands in its entry points, in the group
``likewise.executors``, and is loaded only when somebody names it. Either is called with the number of workers, or None.
"""

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from likewise.errors import InputError, LikewiseError
from likewise.naming import did_you_mean
from likewise.run.executor import Executor

GROUP = "likewise.executors"

OWN = tuple(module.name for module in pkgutil.iter_modules(__path__))
"""The names of those in this folder."""


def offered() -> dict[str, list[EntryPoint]]:
    """Return what installed packages offer, by name; nothing is loaded."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        if entry.value not in [other.value for other in found.setdefault(entry.name, [])]:
            found[entry.name].append(entry)
    return found


def names() -> list[str]:
    """Return the names of all executors that there are."""
    return sorted({*OWN, *offered()})


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
    found = offered().get(name, [])
    if not found:
        raise InputError(f"unknown executor {name!r}; {did_you_mean(name, names())}")
    if len(found) > 1:
        places = " and ".join(sorted(entry.value for entry in found))
        raise InputError(f"expected one executor {name!r}, got {len(found)}: {places}; remove one of the packages")
    return _loaded(found[0], workers)


def _loaded(entry: EntryPoint, workers: int | None) -> Any:
    try:
        return entry.load()(workers)
    except LikewiseError:
        raise
    except Exception as error:  # whatever a stranger's package does
        package = f" of the package {entry.dist.name}" if entry.dist else ""
        raise InputError(
            f"the executor {entry.name!r}{package} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
