"""What installed packages offer by entry points: listed without loading, loaded by name."""

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from likewise.errors import InputError, LikewiseError

T = TypeVar("T")


def offered(group: str) -> dict[str, list[EntryPoint]]:
    """Return what packages offer in a group of entry points, by name; nothing is loaded."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=group):
        if entry.value not in [other.value for other in found.setdefault(entry.name, [])]:
            found[entry.name].append(entry)
    return found


def load(what: str, offers: Sequence[EntryPoint], use: Callable[[Any], T]) -> T:
    """Load what is offered under one name, and use it.

    Parameters
    ----------
    what : str
        What it is, as a message has it.
    offers : sequence of EntryPoint
        All offers of that name.
    use : callable
        Takes what was loaded; what it raises is told like an error of loading.

    Raises
    ------
    InputError
        If several packages offer the name, or what is loaded or used stops with an error.
    """
    entry, *others = offers
    if others:
        places = " and ".join(sorted(offer.value for offer in offers))
        raise InputError(f"expected one {what} {entry.name!r}, got {len(offers)}: {places}; remove one of the packages")
    try:
        return use(entry.load())
    except LikewiseError:
        raise
    except Exception as error:  # whatever a stranger's package does
        package = f" of the package {entry.dist.name}" if entry.dist else ""
        raise InputError(
            f"the {what} {entry.name!r}{package} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
