"""Heatmaps of the configurations of a class, a row beside each other: brighter is always more alike."""

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
        drawing.write(axes, values, cmap, norm, (lambda v: f"{v:.2f}") if calibrated else drawing.cell_format(values))
    elif calibrated:
        marked = np.where((values < -OUTSIDE) | (values > 1 + OUTSIDE), values, np.nan)
        drawing.write(axes, marked, cmap, norm, lambda v: "▾" if v < 0 else "▴")
    across, down = ([drawing.short_name(name) for name in names] for names in (group.across, group.down))
    drawing.ticks(axes, across, down if first else None, rotation=45 if group.most <= 20 else 90)


def _layout(group: Group, notes: Sequence[str]) -> Layout:
    panels = len(group.panels)
    cell = 0.38 if group.most <= ANNOTATED else 0.17 if group.most <= 20 else 0.15
    wide = max(1.7, cell * len(group.across))
    high = max(0.5, cell * len(group.down)) if group.sides else wide
    longest = max(drawing.width(drawing.short_name(name)) for name in group.names)
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
