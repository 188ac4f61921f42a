"""The figures that can be asked for by name."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.naming import did_you_mean
from likewise.report.figures.agreeing import agreement, paper_datasets
from likewise.report.figures.arranged import dendrogram, plane
from likewise.report.figures.drawing import Picture, style
from likewise.report.figures.grids import heatmap, paper_heatmaps
from likewise.report.figures.look import Look
from likewise.report.figures.rows import by_layer, forest
from likewise.scoring import Results

FORMATS = {"pdf": {"CreationDate": None, "Creator": None, "Producer": None}, "svg": {"Date": None}, "png": {}}
"""What a figure is written as, with the remarks that would make two files of one figure differ."""

DPI = 300
"""Of PNG."""

NARROWEST, WIDEST = 1.5, 40.0
"""Inches."""

ORDERS = ("given", "clusters")


@dataclass(frozen=True)
class Kind:
    """A figure that can be asked for.

    Parameters
    ----------
    draw : callable
        Of some scores, with a `Look`.
    on_scale : bool
        Whether it shows scores, calibrated or raw; others rest on raw scores.
    ordered : bool
        Whether things in it can be ordered otherwise than given.
    """

    draw: Callable[[Results, Look], Any]
    on_scale: bool = True
    ordered: bool = False


KINDS = {
    "heatmap": Kind(heatmap, ordered=True),
    "forest": Kind(forest),
    "by-layer": Kind(by_layer),
    "dendrogram": Kind(dendrogram),
    "map": Kind(plane),
    "agreement": Kind(agreement, on_scale=False),
    "paper-heatmaps": Kind(paper_heatmaps),
    "paper-datasets": Kind(paper_datasets, on_scale=False),
}
"""By name."""


def draw(
    kind: str,
    results: Results,
    *,
    measure: str | Configuration | None = None,
    dataset: str | None = None,
    layer: str | int | None = None,
    models: Sequence[str] | None = None,
    calibrated: bool | None = None,
    width: float = 6.5,
    caption: bool = True,
    order: str | None = None,
) -> Picture:
    """Return a figure of some scores; `Results.figure` says what can be chosen."""
    if kind not in KINDS:
        raise InputError(f"no kind of figure {kind!r}; {did_you_mean(kind, KINDS)}")
    of = KINDS[kind]
    if calibrated is not None and not of.on_scale:
        raise InputError(f"{kind} rests on raw scores, turned so that more is more alike; leave out raw and calibrated")
    if order is not None and not of.ordered:
        raise InputError(f"{kind} has an order of its own; order is for heatmap")
    if order is not None and order not in ORDERS:
        raise InputError(f"order={order!r}; {did_you_mean(order, ORDERS)}")
    if isinstance(width, bool) or not isinstance(width, int | float) or not NARROWEST <= width <= WIDEST:
        raise InputError(f"width={width!r}: expected {NARROWEST:g} to {WIDEST:g} inches")
    if not len(results):
        raise InputError("there are no scores to draw")
    chosen = results.where(dataset=dataset, measure=measure, layer=layer, models=models)
    look = Look(calibrated is not False, float(width), caption, "clusters" if order == "clusters" else "given")
    with style():
        picture: Picture = of.draw(chosen, look)
    return picture


def rendered(picture: Picture, form: str) -> bytes:
    """Return a figure as the bytes of a file, always the same for the same figure.

    Parameters
    ----------
    picture : Picture
        The figure.
    form : {"pdf", "svg", "png"}
        The format.
    """
    buffer = io.BytesIO()
    picture.savefig(buffer, format=form, dpi=DPI, metadata=FORMATS[form])
    return buffer.getvalue()
