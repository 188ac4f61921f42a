"""Figures, from tables to matplotlib: no files, no global state, brighter is always more alike."""

from likewise.report.figures.answers import drawn
from likewise.report.figures.classes import calibrated_colours, heatmap_notes, heatmaps, raw_colours
from likewise.report.figures.kinds import FORMATS, KINDS, draw, rendered

__all__ = [
    "FORMATS",
    "KINDS",
    "calibrated_colours",
    "draw",
    "drawn",
    "heatmap_notes",
    "heatmaps",
    "raw_colours",
    "rendered",
]
