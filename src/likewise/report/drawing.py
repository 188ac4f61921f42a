"""The strokes that figures share: cells, labels, colour bars, and how wide a text is."""

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

SMALL, TITLE, HEAD = 7.0, 8.0, 10.0
"""Sizes of text in points."""


@contextmanager
def style() -> Iterator[None]:
    """Draw and save with matplotlib's defaults and ours, whatever the user has set, and put theirs back."""
    ours = {"font.family": "DejaVu Sans", "font.size": TITLE, "pdf.fonttype": 42, "hatch.linewidth": 0.6}
    with matplotlib.style.context(["default", ours]):
        yield


def cells(axes: Axes, values: np.ndarray, cmap: Any, norm: Normalize, has_cell: np.ndarray) -> None:
    """Draw the cells; what of them has no value is hatched."""
    axes.pcolormesh(np.ma.masked_invalid(values), cmap=cmap, norm=norm, edgecolors="white", linewidth=0.6)
    if gaps := [Rectangle((j, i), 1, 1) for i, j in np.argwhere(has_cell & ~np.isfinite(values))]:
        looks: dict[str, Any] = {"facecolor": "#e4e4e8", "edgecolor": "#9a9aa4", "hatch": "////", "linewidth": 0.4}
        axes.add_collection(PatchCollection(gaps, **looks), autolim=False)
    axes.set(xlim=(0, values.shape[1]), ylim=(values.shape[0], 0), facecolor="none")
    axes.spines[:].set_visible(False)


def write(axes: Axes, values: np.ndarray, cmap: Any, norm: Normalize, form: Any) -> None:
    """Write numbers into cells, light on dark and dark on light."""
    for i, j in np.argwhere(np.isfinite(values)):
        red, green, blue, _ = cmap(norm(values[i, j]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        colour = "white" if dark else "black"
        axes.text(j + 0.5, i + 0.5, form(values[i, j]), ha="center", va="center", color=colour, fontsize=6.5)


def ticks(axes: Axes, across: Sequence[str], down: Sequence[str] | None, rotation: float) -> None:
    """Name columns and, where given, rows."""
    axes.set_xticks(np.arange(len(across)) + 0.5)
    for label in axes.set_xticklabels(across, rotation=rotation, fontsize=SMALL, parse_math=False):
        if rotation == 45:
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(down)) + 0.5 if down else [])
    if down:
        axes.set_yticklabels(down, fontsize=SMALL, parse_math=False)
    axes.tick_params(length=0, pad=2)


def bar(
    figure: Figure,
    box: tuple[float, float, float, float],
    cmap: Any,
    norm: Normalize,
    *,
    flip: bool = False,
    extend: str = "neither",
) -> None:
    """Draw a colour bar whose top is most alike."""
    bar = figure.colorbar(ScalarMappable(norm, cmap), cax=figure.add_axes(box), extend=extend, extendfrac=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=6.5, length=0, pad=2)
    bar.ax.locator_params(nbins=5)
    if flip:
        bar.ax.invert_yaxis()


def canvas(size: tuple[float, float]) -> Figure:
    """Return an empty figure of that many inches."""
    figure = Figure(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)  # Agg whatever backend the user has; pyplot never hears of it
    return figure


def head(figure: Figure, text: str) -> None:
    """Write the heading of a figure."""
    height = figure.get_size_inches()[1]
    figure.text(
        0.1 / figure.get_size_inches()[0],
        1 - 0.1 / height,
        text,
        fontsize=HEAD,
        va="top",
        weight="bold",
        parse_math=False,
    )


def foot(figure: Figure, notes: Sequence[str]) -> None:
    """Write notes below a figure, wrapped to its width."""
    width, height = figure.get_size_inches()
    lines = [line for note in notes for line in textwrap.wrap(note, characters(width))]
    figure.text(
        0.1 / width,
        0.06 / height,
        "\n".join(lines),
        fontsize=SMALL,
        va="bottom",
        color="#444",
        parse_math=False,
    )


def width(text: str, size: float = SMALL) -> float:
    """Inches that a text takes, rather too many than too few."""
    return 0.62 * size / 72 * len(text)


def characters(inches: float, size: float = TITLE) -> int:
    """Return how many characters fit into so many inches."""
    return max(12, int(inches / (0.58 * size / 72)))
