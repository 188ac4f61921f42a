"""What the representations of a data set say of its inputs, and what they are called in a sentence."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from likewise.chance import agreed
from likewise.store import Store, content_key

KEY = re.compile(r"(?<![\w/.])[0-9a-f]{24,64}(?!\w|\.\w|/)")
"""What content keys look like in a sentence; in a path they stay what they are."""

UNKNOWN = "unknown"
"""Stands for which inputs belong together while no representation is there to say it."""


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Return a sentence of somebody who knew keys alone with the names of what they stand for, of {key: name}.

    Examples
    --------
    >>> with_names(f"{'0a' * 12} has 3 rows, see {'0a' * 12}.json", {"0a" * 12: "gpt2"})
    'gpt2 has 3 rows, see 0a0a0a0a0a0a0a0a0a0a0a0a.json'
    """
    return KEY.sub(lambda found: names.get(found[0], found[0]), text)


def rows_left_out(store: Store, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the spans that some of the representations lack, so that all can be compared on the others."""
    lacking = (store.describe_representation(key)["source"].unaligned for key in keys)
    return tuple(sorted({name for names in lacking for name in names}))


def together_in(
    store: Store,
    named: Mapping[str, str],
    left_out: Sequence[str] = (),
    to_come: Mapping[str, Sequence[str] | None] = MappingProxyType({}),
) -> str:
    """Return a key of which inputs belong together, as all representations of a data set say; empty where none do.

    Those ``to_come``, of {name: groups}, say it too, but for those of which it is not known yet.

    Raises
    ------
    InputError
        If two of them, of {key: name}, say it differently, or one says nothing and another does.
    """

    def said() -> Iterator[tuple[str, Sequence[str]]]:
        gone = set(left_out)
        for key, name in named.items():
            about = store.describe_representation(key)
            groups = about["source"].groups
            if gone and groups:
                groups = tuple(group for item, group in zip(about["ids"], groups, strict=True) if item not in gone)
            yield name, groups
        yield from ((name, groups) for name, groups in to_come.items() if groups is not None)

    if not named and None in to_come.values():
        return UNKNOWN
    together = agreed(said())
    return content_key(together.of.tolist()) if together else ""
