"""What is asked for where nothing is said, and fields that are whole numbers with a least value: each stands here once.

The help of a command shows it, so it is known without the statistics.
"""

import dataclasses
import numbers
from typing import Any, Final

CHANCE = "moments"
PERMUTATIONS = 100
SEED = 0
GROUPS = 20
"""Of a comparison: what its scores are set beside, the shuffles, their seed, and the groups that are left out."""

LAYER: Final = "last"
DTYPE: Final = "float32"
TRUNCATION: Final = "error"
"""Of a representation: its layer, the precision of the model, and what becomes of prompts that are too long."""

TRANSFORMERS = "transformers"
"""The backend that runs models."""

ITEMS_MEASURE = "jaccard"
ITEMS_COUNT = 5
"""Of the inputs that drive a score: the measure, and how many of each kind are shown."""

CURVE_DRAWS = 5
CURVE_PERMUTATIONS = 20
CURVE_TOLERANCE = 0.05
"""Of a learning curve: draws of each size, their shuffles, and the change of a score that counts as none."""


def whole(default: Any, *, least: int = 0) -> Any:
    """Return a field of a dataclass that holds a whole number, at least so large. Validation reads its metadata."""
    return dataclasses.field(default=default, metadata={"ge": least, "strict": True})


def wrong_number(name: str, value: object, least: int = 0) -> str:
    """Say that a value is no whole number that is at least so large; nothing where it is one.

    Examples
    --------
    >>> wrong_number("groups", -1), wrong_number("groups", 3)
    ('groups=-1; expected a whole number, 0 or more', '')
    """
    if isinstance(value, int | numbers.Integral) and value is not True and value is not False and int(value) >= least:
        return ""
    return f"{name}={value}; expected a whole number, {least} or more"


def wrong_numbers(of: Any) -> str:
    """Say which field made by `whole` holds no such number; nothing where all do. One that may be None can be None."""
    counts = [(field, getattr(of, field.name)) for field in dataclasses.fields(of) if "ge" in field.metadata]
    said = (wrong_number(f.name, value, f.metadata["ge"]) for f, value in counts if value is not f.default)
    return next(filter(None, said), "")
