"""How far a piece of work is: one callback, from the innermost loop to the command line."""

from collections.abc import Callable
from typing import TypeAlias

Watch: TypeAlias = Callable[[str, int, int], None]
"""Is told a label, how much of it is done, and of how much; 0 where that is not known."""


def unwatched(label: str, done: int, total: int) -> None:
    """Tell nobody."""


def labelled(watch: Watch, label: str) -> Watch:
    """Tell ``watch`` the same under another label.

    Examples
    --------
    >>> labelled(print, "gpt2 on humaneval")("extracting", 3, 8)
    gpt2 on humaneval 3 8
    """
    return lambda _, done, total: watch(label, done, total)
