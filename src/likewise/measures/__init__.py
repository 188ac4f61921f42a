"""Measures by family; importing a family registers its measures."""

from likewise.measures import (
    alignment,
    canonical,
    descriptive,
    kernel,
    matching,
    neighbourhood,
    prediction,
    rsm,
    topology,
)
from likewise.measures.footprint import footprint
from likewise.measures.measure import (
    INVARIANCES,
    REGISTRY,
    Configuration,
    Facts,
    Measure,
    Operand,
    Product,
    get,
    measure,
    prepare,
    prepare_pair,
    record,
)
from likewise.measures.presets import PRESETS, configurations, presets

__all__ = [
    "INVARIANCES",
    "PRESETS",
    "REGISTRY",
    "Configuration",
    "Facts",
    "Measure",
    "Operand",
    "Product",
    "alignment",
    "canonical",
    "configurations",
    "descriptive",
    "footprint",
    "get",
    "kernel",
    "matching",
    "measure",
    "neighbourhood",
    "prediction",
    "prepare",
    "prepare_pair",
    "presets",
    "record",
    "rsm",
    "topology",
]
