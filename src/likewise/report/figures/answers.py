"""What an answer describes, drawn."""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from likewise.report.figures import drawing
from likewise.studies import Dots, Drawings, Forest, Lines, Panel, Triangle

TICKS = 10
"""Up to this many places are all named on a logarithmic axis, more by their ends."""

COLOUR = "#31688e"
"""Of dots."""


def drawn(what: Drawings) -> Figure:
    """Draw what an answer describes."""
    if isinstance(what, Triangle):
        return triangle(what)
    if isinstance(what, Forest):
        return forest(what)
    return dots(what) if isinstance(what, Dots) else lines(what)


def triangle(what: Triangle) -> Figure:
    """Draw a number for every two things as the lower triangle of a square."""
    values = np.full((len(what.values), len(what.values)), np.nan)
    for i, row in enumerate(what.values):
        values[i, : i + 1] = [np.nan if value is None else value for value in row]
    numbered = [f"{label}  {i + 1}" for i, label in enumerate(what.labels)]
    with drawing.style():
        side, left = max(1.5, 0.42 * len(values)), 0.2 + max(map(drawing.width, numbered))
        width, height = max(left + side + 1.1, 5.0), side + 1.15
        figure = drawing.canvas((width, height))
        drawing.head(figure, what.heading)
        axes = figure.add_axes((left / width, 0.55 / height, side / width, side / height))
        norm = Normalize(what.low, what.high)
        drawing.cells(axes, values, colormaps["viridis"], norm, np.tril(np.ones(values.shape, dtype=bool)))
        drawing.write(axes, values, colormaps["viridis"], norm, lambda v: f"{v:.2f}")
        drawing.foot(figure, [f"1 is {what.labels[0]}."])
        drawing.ticks(axes, [str(i + 1) for i in range(len(values))], numbered[1:], rotation=0)
        drawing.bar(
            figure,
            ((left + side + 0.15) / width, 0.55 / height, 0.1 / width, side / height),
            colormaps["viridis"],
            norm,
        )
    return figure


def dots(what: Dots) -> Figure:
    """Draw numbers of things as dots, a line per thing and a panel beside the other."""
    columns = min(3, len(what.panels))
    rows = -(-len(what.panels) // columns)
    left, side, high = 0.25 + max(map(drawing.width, what.labels)), 3.2, 0.26 * len(what.labels) + 0.2
    width, height = left + columns * (side + 0.3), rows * (high + 0.75) + 0.65
    with drawing.style():
        figure = drawing.canvas((width, height))
        drawing.head(figure, what.heading)
        for i, panel in enumerate(what.panels):
            row, column = divmod(i, columns)
            box = (left + column * (side + 0.3), height - 0.75 - row * (high + 0.75) - high, side, high)
            axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
            _dots(axes, panel, what, named=column == 0)
            axes.set_title(panel.title, fontsize=drawing.TITLE, parse_math=False)
        handles, names = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="lower left", ncols=len(names), frameon=False, fontsize=drawing.SMALL)
    return figure


def lines(what: Lines) -> Figure:
    """Draw lines over one axis, with their bands; the names stand below, one under the other."""
    below = 0.55 + 0.17 * len(what.lines)
    width, height = max(5.0, 0.7 + max(drawing.width(line.label) for line in what.lines)), 3.2 + below
    with drawing.style():
        figure = drawing.canvas((width, height))
        drawing.head(figure, what.heading)
        axes = figure.add_axes((0.65 / width, below / height, 1 - 0.85 / width, 2.75 / height))
        for line in what.lines:
            x, y = np.asarray(line.x, dtype=float), _numbers(line.y)
            (stroke,) = axes.plot(x, y, marker="o", markersize=3, linewidth=1)
            stroke.set_label(line.label if not line.label.startswith("_") else f" {line.label}")
            if line.low and line.high:
                axes.fill_between(x, _numbers(line.low), _numbers(line.high), color=stroke.get_color(), alpha=0.15)
        if what.logarithmic:
            axes.set_xscale("log")
            at = sorted({x for line in what.lines for x in line.x})
            at = at if len(at) <= TICKS else [at[0], at[-1]]
            axes.set_xticks(at, [f"{x:g}" for x in at])
            axes.set_xticks([], minor=True)
        axes.set_xlabel(what.across, fontsize=drawing.SMALL, parse_math=False)
        axes.set_ylabel(what.up, fontsize=drawing.SMALL, parse_math=False)
        axes.tick_params(labelsize=drawing.SMALL)
        axes.grid(color="#e6e6ea", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        handles, names = axes.get_legend_handles_labels()
        legend = figure.legend(handles, names, loc="lower left", frameon=False, fontsize=drawing.SMALL)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


def forest(what: Forest) -> Figure:
    """Draw numbers of things with their intervals, a line per thing, and what they are set against."""
    left, side, high = 0.25 + max(map(drawing.width, what.labels)), 4.0, 0.26 * len(what.labels) + 0.2
    width, height = left + side + 0.3, high + 1.15
    with drawing.style():
        figure = drawing.canvas((width, height))
        drawing.head(figure, what.heading)
        axes = figure.add_axes((left / width, 0.7 / height, side / width, high / height))
        values, low, high_ends = (_numbers(of) for of in (what.values, what.low, what.high))
        at = np.arange(len(what.labels))
        axes.hlines(at, low, high_ends, color=COLOUR, linewidth=1.5)
        axes.plot(values, at, "o", color=COLOUR, markersize=5)
        if what.chance:
            axes.plot(_numbers(what.chance), at, "|", color="#b9770e", markersize=12, label="chance")
        for name, x in what.marks.items():
            axes.axvline(x, color="#b9770e", linewidth=1, label=name)
        axes.set_ylim(len(what.labels) - 0.5, -0.5)
        axes.set_yticks(at, what.labels, fontsize=drawing.SMALL, parse_math=False)
        axes.tick_params(axis="x", labelsize=drawing.SMALL)
        axes.set_xlabel(what.across, fontsize=drawing.SMALL, parse_math=False)
        axes.grid(axis="x", color="#e6e6ea", linewidth=0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        handles, names = axes.get_legend_handles_labels()
        legend = figure.legend(handles, names, loc="lower left", frameon=False, fontsize=drawing.SMALL)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


def _dots(axes: Axes, panel: Panel, what: Dots, *, named: bool) -> None:
    at = np.arange(len(what.labels))
    looks = itertools.cycle((("o", COLOUR), ("D", "none"), ("s", "none"), ("^", "none")))
    for (name, values), (marker, face) in zip(panel.series.items(), looks, strict=False):
        axes.plot(
            _numbers(values),
            at,
            marker,
            color=COLOUR,
            markerfacecolor=face,
            markersize=5,
            label=name,
            clip_on=False,
        )
    first = next(iter(panel.series.values()), ())
    for y in (y for y, value in enumerate(first) if value is None):
        middle = (what.low + what.high) / 2
        axes.text(middle, y, "no value", ha="center", va="center", fontsize=drawing.SMALL, color="#777", style="italic")
    axes.axvline(0, color="#999", linewidth=0.8)
    margin = (what.high - what.low) / 40
    axes.set(xlim=(what.low - margin, what.high + margin), ylim=(len(what.labels) - 0.5, -0.5))
    axes.set_yticks(at, what.labels if named else [""] * len(what.labels), fontsize=drawing.SMALL)
    axes.tick_params(axis="x", labelsize=drawing.SMALL)
    axes.grid(axis="both", color="#e6e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.asarray([np.nan if value is None else value for value in values], dtype=float)
