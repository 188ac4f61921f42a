"""The strokes that figures share: cells, labels, colour bars, and how wide a text is."""

import functools
import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib.style
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.patches import Rectangle

from likewise.naming import inert

SMALL, TITLE, HEAD = 8.0, 8.0, 10.0
"""Sizes of text in points; none is smaller where a figure is printed as large as it was asked for."""

SCREEN = 110
"""Dots per inch in a notebook."""


@contextmanager
def style() -> Iterator[None]:
    """Draw and save with matplotlib's defaults and ours, whatever the user has set, and put theirs back."""
    ours: dict[str, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": TITLE,
        "pdf.fonttype": 42,
        "hatch.linewidth": 0.6,
    }
    ours |= {"svg.hashsalt": "likewise"}  # the same figure is the same file
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
        colour = contrast(cmap(norm(values[i, j])))
        axes.text(j + 0.5, i + 0.5, form(values[i, j]), ha="center", va="center", color=colour, fontsize=SMALL)


def contrast(colour: tuple[float, float, float, float]) -> str:
    """Return the colour of a text on a colour: light on dark and dark on light."""
    red, green, blue, _ = colour
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "black"


def ticks(axes: Axes, across: Sequence[str], down: Sequence[str] | None, rotation: float) -> None:
    """Name columns and, where given, rows."""
    axes.set_xticks(np.arange(len(across)) + 0.5)
    for label in axes.set_xticklabels([*map(legible, across)], rotation=rotation, fontsize=SMALL, parse_math=False):
        if rotation == 45:
            label.set(ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(down)) + 0.5 if down else [])
    if down:
        axes.set_yticklabels([*map(legible, down)], fontsize=SMALL, parse_math=False)
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
    bar.ax.tick_params(labelsize=SMALL, length=0, pad=2)
    bar.ax.locator_params(nbins=5)
    if flip:
        bar.ax.invert_yaxis()


class Picture(Figure):
    """A matplotlib Figure that a notebook shows, drawn with our looks alone; pyplot does not know it.

    Attributes
    ----------
    caption : str
        How to read it, with what it says of uncertainty.
    data : pyarrow.Table or None
        The numbers that it draws.
    """

    caption: str = ""
    data: pa.Table | None = None

    def savefig(self, *args: Any, **how: Any) -> None:
        """Write it, as matplotlib does, whatever looks the user has set."""
        with style():
            super().savefig(*args, **how)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=SCREEN)
        return buffer.getvalue()


def canvas(size: tuple[float, float]) -> Picture:
    """Return an empty figure of that many inches."""
    figure = Picture(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)  # Agg whatever backend the user has; pyplot never hears of it
    return figure


@functools.cache
def _letters() -> frozenset[int]:
    with style():
        return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def legible(text: str) -> str:
    r"""Return a text whose letters the font has; others are written out, as in Python.

    Examples
    --------
    >>> legible("modèle 模型")
    'modèle \\u6a21\\u578b'
    """
    plain = inert(text, keep="\n")
    return "".join(c if c == "\n" or ord(c) in _letters() else c.encode("unicode_escape").decode() for c in plain)


def head(figure: Figure, text: str) -> None:
    """Write the heading of a figure."""
    height = figure.get_size_inches()[1]
    figure.text(
        0.1 / figure.get_size_inches()[0],
        1 - 0.1 / height,
        legible(text),
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
        legible("\n".join(lines)),
        fontsize=SMALL,
        va="bottom",
        color="#444",
        parse_math=False,
    )


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


def width(text: str, size: float = SMALL) -> float:
    """Inches that the longest line of a text takes."""
    return max((_advance(line) for line in legible(text).split("\n")), default=0.0) * size / 72


@functools.lru_cache(maxsize=10_000)
def _advance(line: str) -> float:
    """How wide a line is, in multiples of the size of its letters."""
    with style():
        font = get_font(findfont("DejaVu Sans"))
    font.set_size(100, 72)
    font.set_text(line)
    return float(font.get_width_height()[0]) / 64 / 100 * 1.02  # hinting may widen letters by a hair


def wrapped(text: str, inches: float, size: float = SMALL) -> list[str]:
    """Return the lines of a text, as long as fits; a word that is longer is broken."""
    lines: list[str] = []
    line = ""
    for word in legible(text).split():
        while width(word, size) > inches and len(word) > 1:
            kept = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or width(word[:n], size) <= inches)
            lines += [line, word[:kept]] if line else [word[:kept]]
            line, word = "", word[kept:]
        longer = f"{line} {word}" if line else word
        if width(longer, size) <= inches or not line:
            line = longer
        else:
            lines.append(line)
            line = word
    return [*lines, *([line] if line else [])]


def characters(inches: float, size: float = TITLE) -> int:
    """Return how many characters fit into so many inches."""
    return max(12, int(inches / (0.58 * size / 72)))
