"""What an experiment calls representations that others made: no model runs for them, and no prompts need be at hand."""

IMPORTED = "imported:"
"""Stands before the name of such a model, and of such a data set."""


def imported_name(text: str) -> str | None:
    """Return the name that a model or data set was imported under; None for one that is at hand.

    Examples
    --------
    >>> imported_name("imported:bloom-7b1"), imported_name("bigscience/bloom-7b1")
    ('bloom-7b1', None)
    """
    return text.removeprefix(IMPORTED) if text.startswith(IMPORTED) else None
