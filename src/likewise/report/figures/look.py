"""What all kinds of figures share: their size, their words on uncertainty, and the numbers behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes

from likewise.chance import LEVEL, Reason, Reasons, is_small
from likewise.chance.reasons import BETWEEN
from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.report.figures import drawing
from likewise.scoring import Results, Score

LINE = 0.14
"""Inches of a line of text."""

NO_INTERVAL = (Reason.NOT_WITHOUT, Reason.FEW_GROUPS)
NO_CHANCE = (
    *(Reason.NO_CHANCE, Reason.NO_EXCHANGE, Reason.STAYING, Reason.NOT_SHUFFLED, Reason.NOT_DRAWN),
    Reason.NO_FEATURES,
)
NO_CALIBRATION = (*NO_CHANCE, Reason.AS_IDENTICAL, Reason.BEYOND_IDENTICAL, Reason.NO_IDENTITY, Reason.NO_SCALE)
"""What a row says of an interval, a chance level, and a calibrated score that it has not."""

GREY = "#b4b4bc"
"""Of chance levels."""

INK = "#0072b2"
"""Of scores."""


@dataclass(frozen=True)
class Look:
    """How a figure is drawn.

    Parameters
    ----------
    calibrated : bool
        Calibrated scores, or raw ones.
    width : float
        In inches.
    caption : bool
        Whether the caption stands below.
    order : {"given", "clusters"}
        Of the things in a heatmap: as given, or like beside like.
    """

    calibrated: bool = True
    width: float = 6.5
    caption: bool = True
    order: Literal["given", "clusters"] = "given"

    @property
    def scale(self) -> str:
        """What the numbers are."""
        return "calibrated score" if self.calibrated else "raw score"


class Sheet:
    """A figure whose width is given and whose height follows from what stands on it; places are in inches from its top.

    Parameters
    ----------
    look : Look
        With the width.
    body : float
        Inches that the drawing takes.
    heading, caption : str
        Above and below it.
    data : pyarrow.Table
        The numbers that it draws.
    """

    def __init__(self, look: Look, body: float, heading: str, caption: str, data: pa.Table) -> None:
        heads = drawing.wrapped(heading, 0.93 * look.width, drawing.HEAD)  # bold letters are wider
        foot = drawing.wrapped(caption, look.width - 0.15) if look.caption else []
        self.top = 0.15 + 0.17 * len(heads)
        below = 0.14 + LINE * len(foot) if foot else 0.05
        self.width, self.height = look.width, self.top + body + below
        self.figure = drawing.canvas((self.width, self.height))
        self.figure.caption, self.figure.data = caption, data
        self.write(0.06, 0.06 - self.top, "\n".join(heads), size=drawing.HEAD, weight="bold")
        self.write(0.06, body + 0.1, "\n".join(foot), color="#333333")

    def write(self, left: float, top: float, text: str, size: float = drawing.SMALL, **how: Any) -> None:
        """Write a text whose upper left corner is there."""
        x, y = left / self.width, 1 - (self.top + top) / self.height
        self.figure.text(x, y, drawing.legible(text), fontsize=size, va="top", parse_math=False, **how)

    def box(self, left: float, top: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Return a place as shares of the figure."""
        bottom = 1 - (self.top + top + high) / self.height
        return left / self.width, bottom, wide / self.width, high / self.height

    def axes(self, left: float, top: float, wide: float, high: float, label: str = "") -> Axes:
        """Return axes at a place."""
        return self.figure.add_axes(self.box(left, top, wide, high), label=label)


def why(scores: Sequence[Score], among: Sequence[Reason], otherwise: str) -> str:
    """Return what the scores say of one matter, the first that says something; a text where none does."""
    for s in scores:
        for part in s.reason.split(BETWEEN):
            if Reasons(part).has(*among):
                return part
    return otherwise


def why_none(scores: Sequence[Score]) -> list[str]:
    """Return why scores are missing, each reason once: undefined, or on the calibrated scale without chance."""
    told = []
    for s in scores:
        if s.value is None:
            told.append(why([s], NO_CALIBRATION, "" if s.defined else s.reason) or "no chance levels were asked for")
    return list(dict.fromkeys(told))


def one_of_each(results: Results, look: Look) -> tuple[list[Score], str, Configuration]:
    """Return the scores of the one configuration on the one data set, a heading, and the configuration.

    Raises
    ------
    InputError
        If there are several, or no score has a value.
    """
    dataset, configuration = results.only()
    scores = results.scores(calibrated=look.calibrated)
    if all(s.value is None for s in scores):
        instead = "; choose raw scores" if look.calibrated and any(s.defined for s in scores) else ""
        raise InputError(f"{configuration.label}: no {look.scale}s: {why_none(scores)[0]}{instead}")
    direction = "" if look.calibrated else f" ({configuration.facts.direction})"
    return scores, f"{dataset or 'inputs'}  ·  {configuration.label}  ·  {look.scale}{direction}", configuration


def names_of(scores: Sequence[Score]) -> list[str]:
    """Return the representations, in order of first appearance."""
    return list(dict.fromkeys(name for s in scores for name in (s.a, s.b)))


def short_names(names: Sequence[str], inches: float) -> list[str]:
    """Return names that fit, each still another: where two would be one, all may be longer.

    Examples
    --------
    >>> short_names(["organisation/model-7b-base", "gpt2"], 1.0)
    ['organis…7b-base', 'gpt2']
    >>> short_names(["organisation/model-7b-base", "organi-another-7b-base"], 1.0)
    ['organis…7b-base', 'organi-…7b-base']
    """
    names = [drawing.legible(" ".join(name.split())) for name in names]
    different = len(set(names))
    best = names
    for longest in range(max(map(len, names), default=0), 4, -1):
        if all(drawing.width(name) <= inches for name in best):
            break
        short = [drawing.short_name(name, longest) for name in names]
        if len(set(short)) < different:
            break
        best = short
    return best


def number(value: float) -> str:
    """A number of a caption, three digits.

    Examples
    --------
    >>> number(0.01234), number(12.0)
    ('0.0123', '12')
    """
    return f"{value:.3g}"


def said_of_intervals(scores: Sequence[Score]) -> str:
    """Say how wide the intervals are, or why there are none."""
    known = [s for s in scores if s.low is not None and s.high is not None]
    if not known:
        told = why(scores, NO_INTERVAL, "none were asked for").removeprefix("no interval: ")
        return f"No intervals: {told}."
    widths = [s.high - s.low for s in known if s.high is not None and s.low is not None]
    widest = known[int(np.argmax(widths))]
    without = f" {len(scores) - len(known)} of {len(scores)} scores have none." if len(known) < len(scores) else ""
    if len(known) == 1:
        return f"The 95 % interval is {number(widths[0])} wide.{without}"
    which = f"{widest.a} and {widest.b}"
    return (
        f"95 % intervals are {number(float(np.median(widths)))} wide in the median, {number(max(widths))} at most "
        f"({which}).{without}"
    )


def said_of_scale(look: Look, configuration: Configuration | None = None) -> str:
    """Say what the numbers are."""
    if look.calibrated:
        return "0 is chance, 1 is identical."
    if configuration is None:
        return "Raw scores: what chance gives differs between measures."
    return (
        "Raw scores: higher is more alike."
        if configuration.facts.more_alike > 0
        else "Raw scores: lower is more alike."
    )


def unsure(score: Score) -> bool:
    """Whether shuffled inputs explain a score."""
    return score.pvalue is not None and not score.too_few and not is_small(score.pvalue)


def said_of_marks(scores: Sequence[Score], mark: str) -> str:
    """Say what the mark is, where a score has it, and which scores could not have it."""
    told = []
    if any(map(unsure, scores)):
        told.append(f"{mark}: not told apart from shuffled inputs (corrected p above {LEVEL}).")
    if few := sum(s.too_few for s in scores):
        of = "" if few == len(scores) else f" of {few:,}"
        told.append(f"With so few shuffles no p{of} can reach {LEVEL}, however alike they are.")
    if told:
        return " ".join(told)
    if all(s.pvalue is None for s in scores):
        return "No p-values: no score has a chance level that gives one."
    return f"All differ from shuffled inputs (corrected p at most {LEVEL})."


def table_of(scores: Sequence[Score], look: Look) -> pa.Table:
    """Return scores as a table: what a figure draws."""
    columns: dict[str, Any] = {
        "data set": pa.array([s.dataset for s in scores], pa.string()),
        "a": pa.array([s.a for s in scores], pa.string()),
        "b": pa.array([s.b for s in scores], pa.string()),
        "configuration": pa.array([s.configuration.label for s in scores], pa.string()),
        "scale": pa.array(["calibrated" if look.calibrated else "raw"] * len(scores), pa.string()),
    }
    for name in ("value", "low", "high", "chance", "chance_low", "chance_high"):
        columns[name] = pa.array([getattr(s, name) for s in scores], pa.float64())
    columns["pvalue_holm"] = pa.array([s.pvalue for s in scores], pa.float64())  # as the table of scores calls it
    return pa.table(columns | {"reason": pa.array([s.reason for s in scores], pa.string())})


def plain(axes: Axes, grid: Literal["x", "y", "both"] = "x") -> None:
    """Take away what is not read, and draw thin lines to read by."""
    axes.grid(axis=grid, color="#e6e6ea", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=drawing.SMALL, length=2, pad=2)


def check_fits(inches: float, what: str, width: float) -> None:
    """Refuse what does not fit into the width at eight points."""
    if inches > width + 1e-9:
        raise InputError(
            f"{what} need a width of {inches:.1f} inches at eight points, got {width:g}; choose fewer models"
        )
