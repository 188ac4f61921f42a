"""Scores with their intervals and chance levels: of pairs, one below the other, and of layers, one after the other."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes

from likewise.errors import InputError
from likewise.naming import depth_of, parts_of
from likewise.report.figures import drawing
from likewise.report.figures.look import (
    GREY,
    INK,
    LINE,
    NO_CHANCE,
    Look,
    Sheet,
    check_fits,
    names_of,
    one_of_each,
    plain,
    said_of_intervals,
    said_of_marks,
    said_of_scale,
    short_names,
    table_of,
    unsure,
    why,
    why_none,
)
from likewise.scoring import Results, Score

MOST_PAIRS = 150
"""Lines of a forest that a person may still read."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#000000", "#cc79a7", "#56b4e9", "#e69f00")
"""Of curves: those of Okabe and Ito that stand out on white. Markers and strokes tell them apart in grey."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STROKES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def forest(results: Results, look: Look) -> Any:
    """Draw each pair as a line: score, interval and chance level, the most alike first."""
    scores, heading, configuration = one_of_each(results, look)
    if len(scores) > MOST_PAIRS:
        raise InputError(
            f"a forest of {len(scores)} pairs cannot be read; expected at most {MOST_PAIRS}: choose models or a layer"
        )
    sign = 1 if look.calibrated else configuration.facts.more_alike
    scores = sorted(scores, key=lambda s: np.inf if s.value is None else -sign * s.value)
    names = names_of(scores)
    labels = dict(zip(names, short_names(names, 0.2 * look.width), strict=True))
    between = " · " if configuration.facts.symmetric else " → "
    pairs = [f"{labels[s.a]}{between}{labels[s.b]}" for s in scores]
    left = 0.15 + max(map(drawing.width, pairs))
    check_fits(left + 1, "names", look.width)
    high = 0.17 * len(scores) + 0.1
    notes = [
        "Dots: scores. Lines: 95 % intervals for a new sample of the same size.",
        said_of_scale(look, configuration),
    ]
    notes += [_said_of_chance(scores), said_of_marks(scores, "Hollow"), said_of_intervals(scores)]
    if not configuration.facts.symmetric:
        notes.append("The order of a pair matters: first → second.")
    if told := why_none(scores):
        notes.append(f"×: {sum(s.value is None for s in scores)} of {len(scores)} have no score: {told[0]}.")
    sheet = Sheet(look, high + 0.4, heading, " ".join(notes), table_of(scores, look))
    axes = sheet.axes(left, 0, look.width - left - 0.15, high, configuration.label)
    _points(axes, scores, np.arange(len(scores), dtype=float), INK, "o")
    for y, s in enumerate(scores):
        if s.value is None:
            axes.plot(0.01, y, "x", color="#666666", markersize=4, transform=axes.get_yaxis_transform())
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.set_yticks(range(len(scores)))
    plain(axes, "x")
    axes.set_yticklabels([*map(drawing.legible, pairs)], fontsize=drawing.SMALL, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(_axis(look, configuration.facts.direction), fontsize=drawing.SMALL)
    return sheet.figure


def by_layer(results: Results, look: Look) -> Any:
    """Draw a curve over the layers for every two models, each point the score of both at the same layer."""
    scores, heading, configuration = one_of_each(results, look)
    curves: dict[tuple[str, str], dict[str, Score]] = {}
    for s in scores:
        (one, form, layer), (other, second_form, at) = parts_of(s.a), parts_of(s.b)
        first, second = (f"{m} | {f}" if f else m for m, f in ((one, form), (other, second_form)))
        if layer == at and first != second:
            turned = configuration.facts.symmetric and (second, first) in curves
            curves.setdefault((second, first) if turned else (first, second), {})[layer] = s
    layers = sorted({layer for curve in curves.values() for layer in curve}, key=depth_of)
    if len(layers) < 2:
        raise InputError(
            f"expected pairs of two models at the same layer, for two or more layers, got {len(layers)} such layers; "
            "an experiment asks for them with layers: [...]"
        )
    if len(curves) > len(COLOURS):
        raise InputError(f"{len(curves)} curves cannot be told apart; expected at most {len(COLOURS)}: choose models")
    names = list(dict.fromkeys(name for pair in curves for name in pair))
    labels = dict(zip(names, short_names(names, 0.4 * look.width), strict=True))
    between = " · " if configuration.facts.symmetric else " → "
    told = [f"{labels[a]}{between}{labels[b]}" for a, b in curves]
    drawn = [curve[layer] for curve in curves.values() for layer in layers if layer in curve]
    notes = ["Lines up and down: 95 % intervals for a new sample of the same size.", said_of_scale(look, configuration)]
    notes += [_said_of_chance(drawn), said_of_marks(drawn, "Hollow"), said_of_intervals(drawn)]
    high, below = min(2.8, 0.6 * look.width), 0.45 + (LINE + 0.03) * len(curves)
    table = table_of(drawn, look).append_column("layer", pa.array([parts_of(s.a)[2] for s in drawn], pa.string()))
    sheet = Sheet(look, high + below, heading, " ".join(notes), table)
    axes = sheet.axes(0.65, 0, look.width - 0.8, high, configuration.label)
    dodge = 0.3 / max(1, len(curves) - 1)
    looks = itertools.cycle(zip(COLOURS, MARKERS, STROKES, strict=True))
    for i, (curve, text, (colour, marker, stroke)) in enumerate(zip(curves.values(), told, looks, strict=False)):
        spots = np.arange(len(layers)) + (dodge * i - 0.15 if len(curves) > 1 else 0)
        values = [curve[layer].value if layer in curve else None for layer in layers]
        known = np.asarray([np.nan if v is None else v for v in values], dtype=float)
        axes.plot(spots, known, color=colour, linestyle=stroke, linewidth=1.0)
        there = [(x, curve[layer]) for x, layer in zip(spots, layers, strict=True) if layer in curve]
        _points(axes, [s for _, s in there], np.asarray([x for x, _ in there]), colour, marker, upright=True)
        y = high + 0.45 + (LINE + 0.03) * i
        key = sheet.axes(0.65, y, 0.35, LINE)
        key.plot(
            [0, 0.5, 1],
            [0, 0, 0],
            color=colour,
            linestyle=stroke,
            marker=marker,
            markevery=[1],
            markersize=4,
            linewidth=1.0,
        )
        key.set_axis_off()
        sheet.write(1.07, y, text)
    plain(axes, "y")
    axes.set_xticks(range(len(layers)))
    axes.set_xticklabels([*map(drawing.legible, layers)], fontsize=drawing.SMALL, parse_math=False)
    axes.set_xlabel("layer", fontsize=drawing.SMALL)
    axes.set_ylabel(_axis(look, configuration.facts.direction), fontsize=drawing.SMALL)
    return sheet.figure


def _points(
    axes: Axes, scores: Sequence[Score], at: np.ndarray, colour: str, marker: str, *, upright: bool = False
) -> None:
    """Draw scores, their intervals, and grey behind them what chance gives; hollow where chance explains the score."""

    def stroke(place: float, *ends: float, **look: Any) -> None:
        along = [place] * len(ends)
        axes.plot(*((along, ends) if upright else (ends, along)), color=look.pop("color", colour), **look)

    for place, s in zip(at.tolist(), scores, strict=True):
        if s.chance_low is not None and s.chance_high is not None:
            stroke(place, s.chance_low, s.chance_high, color=GREY, linewidth=5, solid_capstyle="butt", zorder=1)
        if s.chance is not None:
            stroke(place, s.chance, color="#66666e", marker="_" if upright else "|", markersize=6, zorder=2)
        if s.low is not None and s.high is not None:
            stroke(place, s.low, s.high, linewidth=1.1, zorder=3)
        if s.value is not None:
            face = "white" if unsure(s) else colour
            stroke(place, s.value, marker=marker, markerfacecolor=face, markersize=4, zorder=4)


def _said_of_chance(scores: Sequence[Score]) -> str:
    if all(s.chance is None for s in scores):
        told = why(scores, NO_CHANCE, "none was asked for").removeprefix("no chance level: ")
        return f"No chance level: {told}."
    return "Grey: the chance level and two standard deviations around it."


def _axis(look: Look, direction: str) -> str:
    return look.scale if look.calibrated else f"{look.scale} ({direction})"
