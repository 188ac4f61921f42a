"""Figures, from tables to matplotlib: no files, no global state, brighter is always more alike."""

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from likewise.chance import Reason
from likewise.measures import Configuration
from likewise.report import drawing
from likewise.report.tables import Group, Panel, arranged, has_cell
from likewise.studies import Dots, Lines, Triangle
from likewise.studies import Panel as DotPanel

ANNOTATED = 10
"""Up to this many representations every cell holds its number."""

PANELS = 6
"""Panels in one row at most."""

PAGE = 16.0
"""Inches that a row of panels may take; wider ones could not be read on a screen."""

OUTSIDE = 1e-9
"""A calibrated score further than this below 0 or above 1 counts as outside; nearer is rounding."""

KINDS = {"value": "raw scores", "calibrated": "calibrated: 0 = chance, 1 = identical"}
"""What is drawn, by the column of the table that it comes from."""

TICKS = 10
"""Up to this many places are all named on a logarithmic axis, more by their ends."""

COLOUR = "#31688e"
"""Of dots."""

BELOW, ABOVE = "#12001a", "#fffbd6"
"""Colours beyond both ends of viridis, for calibrated scores outside 0 to 1."""


@dataclass(frozen=True)
class Layout:
    """Where panels go, in inches; the same for raw and calibrated, so that they stand below each other."""

    wide: float
    high: float
    columns: int
    rows: int
    labels: float
    below: float
    above: float
    foot: float
    least: float
    bar: float = 0.62
    head: float = 0.34

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        width = self.labels + self.columns * (self.wide + self.bar)
        return max(width, self.least), self.head + self.rows * (self.above + self.high + self.below) + self.foot

    def box(self, i: int) -> tuple[float, float, float, float]:
        """Left, bottom, width, height of panel ``i`` as shares of the figure."""
        row, column = divmod(i, self.columns)
        width, height = self.size
        left = self.labels + column * (self.wide + self.bar)
        top = self.head + row * (self.above + self.high + self.below) + self.above
        return left / width, 1 - (top + self.high) / height, self.wide / width, self.high / height

    def bar_box(self, i: int) -> tuple[float, float, float, float]:
        """Where the colour bar of panel ``i`` goes."""
        left, bottom, width, height = self.box(i)
        inch = 1 / self.size[0]
        return left + width + 0.08 * inch, bottom, 0.09 * inch, height


def heatmaps(group: Group, column: str) -> Figure:
    """Draw the heatmaps of a class, one per configuration, brighter is more alike.

    It is the lower triangle of the pairs, or the whole square but the diagonal where the order of a pair counts. Pairs
    between two sides make a rectangle; where the order counts, one for each order.

    Parameters
    ----------
    group : Group
        The configurations of one class on one data set.
    column : {"value", "calibrated"}
        Raw scores, each panel with its own colour bar, or calibrated ones on the common scale from 0 to 1.

    Returns
    -------
    matplotlib.figure.Figure
        Cells without a value are hatched; calibrated scores outside the scale are marked and counted in a note.
    """
    values = [arranged(group, p, column).to_numpy(dtype=float, na_value=np.nan) for p in group.panels]
    notes = heatmap_notes(group, column)
    with drawing.style():
        layout = _layout(group, notes)
        figure = drawing.canvas(layout.size)
        drawing.head(figure, _heading(group, column))
        for i, (panel, value) in enumerate(zip(group.panels, values, strict=True)):
            c = panel.configuration
            axes = figure.add_axes(layout.box(i), label=c.label)
            cmap, norm = raw_colours(value, c) if column == "value" else calibrated_colours(values)
            _panel(axes, value, cmap, norm, group, panel, first=i % layout.columns == 0, calibrated=column != "value")
            axes.set_title(_panel_title(panel, layout, column), fontsize=drawing.TITLE, loc="left", parse_math=False)
            if column == "value" and np.isfinite(value).any():
                drawing.bar(figure, layout.bar_box(i), cmap, norm, flip=c.facts.direction == "distance")
        if column != "value":
            last = min(len(values), layout.columns) - 1
            drawing.bar(figure, layout.bar_box(last), cmap, norm, extend=_extend(values))
        drawing.foot(figure, notes)
    return figure


def raw_colours(values: np.ndarray, configuration: Configuration) -> tuple[Any, Normalize]:
    """Return the colours of raw scores, from the lowest to the highest, brightest where most alike."""
    seen = values[np.isfinite(values)]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    if low == high:  # one colour for one value, in the middle of the bar
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    name = "viridis" if configuration.facts.direction == "similarity" else "viridis_r"
    return colormaps[name], Normalize(low, high)


def calibrated_colours(values: Sequence[np.ndarray]) -> tuple[Any, Normalize]:
    """Return the colours of calibrated scores: 0 to 1 always, with colours of their own outside."""
    cmap = colormaps["viridis"]
    extend = _extend(values)
    under, over = BELOW if extend in ("min", "both") else None, ABOVE if extend in ("max", "both") else None
    return cmap.with_extremes(under=under, over=over), Normalize(0, 1)


def heatmap_notes(group: Group, column: str) -> list[str]:
    """Return what must be said below the heatmaps.

    That is how to read them where the order of a pair counts, which cells have no value, and which calibrated scores
    lie outside 0 to 1.
    """
    unpaired = [c.label for c in group.configurations if column == "calibrated" and not c.facts.paired]
    rows = group.rows[~group.rows["configuration"].isin(unpaired)]
    scores = rows[column].astype(float)
    notes = []
    if group.ordered and group.sides is None:
        notes.append("Where both halves of a square are filled, the order of a pair matters: row first, column second.")
    if unpaired:
        notes.append(f"Always hatched: {', '.join(unpaired)} ({Reason.NO_CHANCE}).")
    expected = sum(int(has_cell(group, p).sum()) for p in group.panels if p.configuration.label not in unpaired)
    if empty := expected - int(scores.notna().sum()):
        notes.append(
            f"Hatched: {empty} of {expected} {'other ' if unpaired else ''}cells have no value; the table and the "
            "warnings say why."
        )
    if column == "calibrated":
        for where, mark, outside in (
            ("below 0, less alike than chance", "▾", scores < -OUTSIDE),
            ("above 1", "▴", scores > 1 + OUTSIDE),
        ):
            if outside.any():
                which = int(((scores - 0.5).abs() * outside).to_numpy().argmax())
                furthest = rows.iloc[which]
                notes.append(
                    f"{mark} {int(outside.sum())} of {expected} scores lie {where} (colour beyond the end of the bar); "
                    f"furthest {furthest['calibrated']:.3f}: {furthest['a']} and {furthest['b']}, "
                    f"{furthest['configuration']}."
                )
    return notes


def drawn(what: Triangle | Dots | Lines) -> Figure:
    """Draw what an answer describes."""
    if isinstance(what, Triangle):
        return triangle(what)
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
        drawing.cells(axes, values, colormaps["RdBu"], norm, np.tril(np.ones(values.shape, dtype=bool)))
        drawing.write(axes, values, colormaps["RdBu"], norm, lambda v: f"{v:.2f}")
        drawing.foot(figure, [f"1 is {what.labels[0]}."])
        drawing.ticks(axes, [str(i + 1) for i in range(len(values))], numbered[1:], rotation=0)
        drawing.bar(
            figure,
            ((left + side + 0.15) / width, 0.55 / height, 0.1 / width, side / height),
            colormaps["RdBu"],
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


def short_name(name: str, longest: int = 30) -> str:
    """Shorten a long name in its middle, where names of models differ least; on one line."""
    name = " ".join(name.split())
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def cell_format(values: np.ndarray) -> Any:
    """Return how to write the numbers of a panel: as many digits as tell its values apart, three at most."""
    seen = values[np.isfinite(values)]
    spread, size = (float(np.ptp(seen)), float(np.abs(seen).max())) if seen.size else (0.0, 0.0)
    if size >= 1e4 or (0 < size < 1e-3):
        return lambda v: f"{v:.1e}"
    fewest = 2 if size < 10 else 1 if size < 100 else 0
    digits = fewest if not spread else int(np.clip(np.ceil(-np.log10(spread)) + 1, fewest, 3))
    return lambda v: f"{v:.{digits}f}"


def _panel(
    axes: Axes,
    values: np.ndarray,
    cmap: Any,
    norm: Normalize,
    group: Group,
    panel: Panel,
    *,
    first: bool,
    calibrated: bool,
) -> None:
    drawing.cells(axes, values, cmap, norm, has_cell(group, panel))
    if group.most <= ANNOTATED:
        drawing.write(axes, values, cmap, norm, (lambda v: f"{v:.2f}") if calibrated else cell_format(values))
    elif calibrated:
        marked = np.where((values < -OUTSIDE) | (values > 1 + OUTSIDE), values, np.nan)
        drawing.write(axes, marked, cmap, norm, lambda v: "▾" if v < 0 else "▴")
    across, down = ([short_name(name) for name in names] for names in (group.across, group.down))
    drawing.ticks(axes, across, down if first else None, rotation=45 if group.most <= 20 else 90)


def _dots(axes: Axes, panel: DotPanel, what: Dots, *, named: bool) -> None:
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


def _layout(group: Group, notes: Sequence[str]) -> Layout:
    panels = len(group.panels)
    cell = 0.34 if group.most <= ANNOTATED else 0.17 if group.most <= 20 else 0.15
    wide = max(1.7, cell * len(group.across))
    high = max(0.5, cell * len(group.down)) if group.sides else wide
    longest = max(drawing.width(short_name(name)) for name in group.names)
    columns = max(1, min(panels, PANELS, int((PAGE - longest) // (wide + Layout.bar))))
    if -(-panels // columns) > 1:  # even rows: 8 panels as 4 + 4, not as 6 + 2
        columns = -(-panels // -(-panels // columns))
    below = 0.15 + longest * (0.75 if group.most <= 20 else 1.0)
    least = max(0.2 + drawing.width(_heading(group, column), drawing.HEAD) for column in KINDS)
    layout = Layout(wide, high, columns, -(-panels // columns), 0.2 + longest, below, above=0, foot=0, least=least)
    lines = max(_panel_title(p, layout, "value").count("\n") + 1 for p in group.panels)
    foot = 0.15 * sum(len(textwrap.wrap(note, drawing.characters(layout.size[0]))) for note in notes) + 0.1
    return replace(layout, above=0.2 + 0.14 * lines, foot=foot)


def _heading(group: Group, column: str) -> str:
    return f"{group.dataset or 'inputs'}  ·  {group.label}  ·  {KINDS[column]}"


def _panel_title(panel: Panel, layout: Layout, column: str) -> str:
    """Name, parameters, direction and order of the pairs of a panel, wrapped to its width."""
    configuration = panel.configuration
    differ = configuration.label.partition("(")[2].removesuffix(")")
    wide = drawing.characters(layout.wide + 0.55)
    lines = textwrap.wrap(configuration.about.title, wide)
    lines += textwrap.wrap(differ, wide)
    said = [configuration.facts.direction if column == "value" else "", panel.order]
    return "\n".join([*lines, *([f"[{', '.join(filter(None, said))}]"] if any(said) else [])])


def _extend(values: Sequence[np.ndarray]) -> str:
    below = any((value < -OUTSIDE).any() for value in values)
    above = any((value > 1 + OUTSIDE).any() for value in values)
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]
