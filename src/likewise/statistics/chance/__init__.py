"""What scores are set beside: references, one file each."""

from likewise.statistics.chance.features import ShuffledFeatures
from likewise.statistics.chance.moments import ClosedForm, has_moments
from likewise.statistics.chance.nothing import NoReference
from likewise.statistics.chance.reference import Asked, Level, Pair, Reference, Scored, Sides
from likewise.statistics.chance.registry import (
    DEFAULT,
    canonical_reference,
    kind_of,
    reference_names,
    reference_of,
    words_of,
)
from likewise.statistics.chance.shuffles import ShuffledRows

__all__ = [
    "DEFAULT",
    "Asked",
    "ClosedForm",
    "Level",
    "NoReference",
    "Pair",
    "Reference",
    "Scored",
    "ShuffledFeatures",
    "ShuffledRows",
    "Sides",
    "canonical_reference",
    "has_moments",
    "kind_of",
    "reference_names",
    "reference_of",
    "words_of",
]
