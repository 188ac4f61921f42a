"""What installed packages add to likewise by entry points; a package's code is loaded only when somebody names it."""

import functools
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from likewise.errors import InputError, LikewiseError
from likewise.naming import did_you_mean


@dataclass(frozen=True)
class Plugins:
    """Things of one kind by their names: those of likewise, and those of installed packages, which hide none of them.

    Parameters
    ----------
    group : str
        Group of entry points, such as ``likewise.executors``.
    kind : str
        What messages call such a thing, such as ``executor``.
    """

    group: str
    kind: str

    def names(self, own: Collection[str]) -> list[str]:
        """Return all names, those of likewise first; loads nothing."""
        return [*own, *sorted(_offered(self.group, tuple(sys.path)).keys() - set(own))]

    def load(self, name: str, own: Collection[str]) -> Any:
        """Return what a package offers under a name.

        Raises
        ------
        InputError
            If none or several do, or its package stops with an error.
        """
        return self._of(self.entry(name, own), lambda offered: offered)

    def make(self, name: str, own: Collection[str], *arguments: Any) -> Any:
        """Call what a package offers under a name, and return what that gives; errors are those of `load`."""
        return self._of(self.entry(name, own), lambda offered: offered(*arguments))

    def _of(self, entry: EntryPoint, use: Callable[[Any], Any]) -> Any:
        try:
            return use(entry.load())
        except LikewiseError:
            raise
        except Exception as error:  # whatever a stranger's package does
            raise self.refused(entry, f"cannot be loaded: {type(error).__name__}: {error}") from error

    def entry(self, name: str, own: Collection[str]) -> EntryPoint:
        """Return the one entry point of a name; loads nothing."""
        found = _offered(self.group, tuple(sys.path)).get(name, ())
        if not found:
            raise InputError(f"unknown {self.kind} {name!r}; {did_you_mean(name, self.names(own))}")
        if len(found) > 1:
            places = " and ".join(sorted(entry.value for entry in found))
            raise InputError(
                f"expected one {self.kind} {name!r}, got {len(found)}: {places}; remove one of the packages"
            )
        return found[0]

    def refused(self, entry: EntryPoint, why: str) -> InputError:
        """Return an error that says whose package it is."""
        package = f" of the package {entry.dist.name}" if entry.dist else ""
        return InputError(f"the {self.kind} {entry.name!r}{package} ({entry.value}) {why}")


@functools.cache
def _offered(group: str, path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:
    """Entry points by name, for each place where Python looks for packages; the same one twice counts once."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, {}).setdefault(entry.value, entry)
    return {name: tuple(by_value.values()) for name, by_value in found.items()}
