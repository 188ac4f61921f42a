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

TRACK_TOLERANCE = 0.02
"""Of a track: a version is settled where its score with the last one is certainly no further from that of itself."""

CURVE_DRAWS = 5
CURVE_PERMUTATIONS = 20
CURVE_TOLERANCE = 0.05
"""Of a learning curve: draws of each size, their shuffles, and the change of a score that counts as none."""


MOST_DRAWN = 1_000_000
"""Most shuffles, groups or draws: each costs a score, and p-values below one in a million come from closed forms."""

MOST = 2**31 - 1
"""Most of anything else that is counted."""

MOST_SEED = 2**63 - 1
"""The largest seed; a store keeps it as a number of 64 bits."""


def whole(default: Any, *, least: int = 0, most: int = MOST) -> Any:
    """Return a field of a dataclass that holds a whole number in this range. Validation reads its metadata."""
    return dataclasses.field(default=default, metadata={"ge": least, "le": most, "strict": True})


def wrong_number(name: str, value: object, least: int = 0, most: int = MOST) -> str:
    """Say that a value is no whole number in this range; nothing where it is one.

    Examples
    --------
    >>> wrong_number("groups", -1), wrong_number("groups", 3)
    ('groups=-1; expected a whole number, 0 or more', '')
    >>> wrong_number("draws", 10**40, most=10**6)[-46:]
    '; expected a whole number, at most 1,000,000'
    """
    known = isinstance(value, int | numbers.Integral) and value is not True and value is not False
    if known and least <= int(value) <= most:  # type: ignore[call-overload]
        return ""
    above = known and int(value) > most  # type: ignore[call-overload]
    return f"{name}={value}; expected a whole number, " + (f"at most {most:,}" if above else f"{least} or more")


def wrong_numbers(of: Any) -> str:
    """Say which field made by `whole` holds no such number; nothing where all do. One that may be None can be None."""
    counts = [(field, getattr(of, field.name)) for field in dataclasses.fields(of) if "ge" in field.metadata]
    ranges = ((f, value, f.metadata["ge"], f.metadata["le"]) for f, value in counts if value is not f.default)
    return next(filter(None, (wrong_number(f.name, value, least, most) for f, value, least, most in ranges)), "")
