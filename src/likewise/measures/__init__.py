"""Measures by family; importing a family registers its measures."""

from likewise.measures import (
    alignment,
    canonical,
    descriptive,
    direct,
    kernel,
    matching,
    neighbourhood,
    outputs,
    prediction,
    rsm,
    topology,
)
from likewise.measures.configuration import Configuration, contributions
from likewise.measures.facts import INVARIANCES, OTHER_NAMES, Bilinear, Difference, Facts, Matched, Overlap, Product
from likewise.measures.memory import footprint, of_a_pair
from likewise.measures.operands import Operand, check_squares, prepare, prepare_pair
from likewise.measures.own import OwnCode, is_own, load_measures, load_measures_of, load_sources, sources_of
from likewise.measures.presets import PRESETS, Asked, configurations, presets
from likewise.measures.registry import REGISTRY, Measure, get, measure, record

__all__ = [
    "INVARIANCES",
    "OTHER_NAMES",
    "PRESETS",
    "REGISTRY",
    "Asked",
    "Bilinear",
    "Configuration",
    "Difference",
    "Facts",
    "Matched",
    "Measure",
    "Operand",
    "Overlap",
    "OwnCode",
    "Product",
    "alignment",
    "canonical",
    "check_squares",
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
    "of_a_pair",
    "outputs",
    "prediction",
    "prepare",
    "prepare_pair",
    "presets",
    "record",
    "rsm",
    "sources_of",
    "topology",
]
