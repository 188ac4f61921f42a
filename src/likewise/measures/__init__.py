"""Measures by family; importing a family registers its measures."""

from likewise.measures import (
    alignment,
    canonical,
    descriptive,
    direct,
    kernel,
    matching,
    neighbourhood,
    prediction,
    rsm,
    topology,
)
from likewise.measures.configuration import Configuration, contributions
from likewise.measures.facts import INVARIANCES, OTHER_NAMES, Facts, Matched, Product
from likewise.measures.footprint import footprint
from likewise.measures.measure import REGISTRY, Measure, get, measure, record
from likewise.measures.operands import Operand, prepare, prepare_pair
from likewise.measures.own import OwnCode, is_own, load_measures, load_measures_of, load_sources, sources_of
from likewise.measures.presets import PRESETS, Asked, configurations, presets

__all__ = [
    "INVARIANCES",
    "OTHER_NAMES",
    "PRESETS",
    "REGISTRY",
    "Asked",
    "Configuration",
    "Facts",
    "Matched",
    "Measure",
    "Operand",
    "OwnCode",
    "Product",
    "alignment",
    "canonical",
    "configurations",
    "contributions",
    "descriptive",
    "direct",
    "footprint",
    "get",
    "is_own",
    "kernel",
    "load_measures",
    "load_measures_of",
    "load_sources",
    "matching",
    "measure",
    "neighbourhood",
    "prediction",
    "prepare",
    "prepare_pair",
    "presets",
    "record",
    "rsm",
    "sources_of",
    "topology",
]
