"""Measures by family; importing a family registers its measures."""

from likewise.measures import alignment, kernel, neighbourhood, rsm
from likewise.measures.measure import (
    INVARIANCES,
    REGISTRY,
    Configuration,
    Facts,
    Measure,
    Operand,
    get,
    measure,
    prepare,
    prepare_pair,
    record,
)
from likewise.measures.presets import PRESETS, configurations

__all__ = [
    "INVARIANCES",
    "PRESETS",
    "REGISTRY",
    "Configuration",
    "Facts",
    "Measure",
    "Operand",
    "alignment",
    "configurations",
    "get",
    "kernel",
    "measure",
    "neighbourhood",
    "prepare",
    "prepare_pair",
    "record",
    "rsm",
]
