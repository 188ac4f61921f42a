"""A tree and a plane, in which things that are alike are near."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from likewise.report.figures import drawing
from likewise.report.figures.look import (
    INK,
    LINE,
    Look,
    Sheet,
    check_fits,
    number,
    one_of_each,
    plain,
    said_of_intervals,
    said_of_scale,
    short_names,
)
from likewise.scoring import Results, Score, dissimilarities, places, tree

AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Where a name may stand beside its point, the best place first."""


def dendrogram(results: Results, look: Look) -> Any:
    """Draw the tree of hierarchical clustering by average linkage."""
    scores, heading, _ = one_of_each(results, look)
    given = dissimilarities(scores, look.calibrated)
    found = tree(given)
    m = len(given.names)
    labels = short_names(given.names, 0.3 * look.width)
    row = {leaf: float(i) for i, leaf in enumerate(found.order)}
    left = 0.15 + max(map(drawing.width, labels))
    check_fits(left + 1, "names", look.width)
    high = 0.17 * m + 0.1
    fit = "" if found.cophenetic is None else f"Its cophenetic correlation with the pairs is {found.cophenetic:.2f}. "
    caption = (
        f"Average linkage: two clusters join at the mean {given.said} of their pairs. {fit}{_both_orders(scores)}"
        f"{said_of_scale(look, scores[0].configuration)} A tree has no interval of its own: joints that differ by less "
        f"than the intervals of the scores may change with other inputs. {said_of_intervals(scores)}"
    )
    sheet = Sheet(look, high + 0.4, heading, caption, _merges(given.names, found.merges))
    axes = sheet.axes(left, 0, look.width - left - 0.15, high)
    at = dict.fromkeys(row, 0.0)
    for k, (one, other, joint, _) in enumerate(found.merges.tolist()):
        first, second = int(one), int(other)
        axes.plot(
            [at[first], joint, joint, at[second]],
            [row[first], row[first], row[second], row[second]],
            color=INK,
            linewidth=1.2,
        )
        at[m + k], row[m + k] = joint, (row[first] + row[second]) / 2
    axes.set_ylim(m - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_yticks(range(m))
    plain(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.set_yticklabels([labels[i] for i in found.order], fontsize=drawing.SMALL, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(given.said, fontsize=drawing.SMALL)
    return sheet.figure


def plane(results: Results, look: Look) -> Any:
    """Draw each representation as a point, by metric multidimensional scaling."""
    scores, heading, _ = one_of_each(results, look)
    given = dissimilarities(scores, look.calibrated)
    found = places(given)
    x, y = found.points.T
    labels = short_names(given.names, 0.35 * look.width)
    widths = [s.high - s.low for s in scores if s.low is not None and s.high is not None]
    typical = float(np.median(widths)) if widths else None
    # One scale for both axes: distances are what the figure shows.
    edge = 0.35 + max(map(drawing.width, labels)) / 2
    room = (look.width - 2 * edge, float(np.ptp(x))), (1.2 * look.width, float(np.ptp(y)))
    inch = min(inches / extent for inches, extent in room if extent > 0)
    high = float(np.ptp(y)) * inch + 0.9
    bar = "" if typical is None else "The bar is as long as the median of the intervals. "
    caption = (
        f"Metric multidimensional scaling of {given.said}; stress-1 is {number(found.stress)} (0 is exact). "
        f"{_both_orders(scores)}{said_of_scale(look, scores[0].configuration)} Directions mean nothing. Points have no "
        f"intervals of their own. {bar}{said_of_intervals(scores)}"
    )
    table = pa.table({"name": list(given.names), "x": x, "y": y, "stress": [found.stress] * len(x)})
    sheet = Sheet(look, high + 0.3, heading, caption, table)
    axes = sheet.axes(0.05, 0, look.width - 0.1, high)
    half = (look.width - 0.1) / 2 / inch
    middle, centre = (x.max() + x.min()) / 2, (y.max() + y.min()) / 2
    axes.set_xlim(middle - half, middle + half)
    axes.set_ylim(centre - high / 2 / inch, centre + high / 2 / inch)
    axes.plot(x, y, "o", color=INK, markersize=5)
    spots = np.stack([(x - middle + half) * inch, (y - centre) * inch + high / 2], axis=1)
    for text, left, low in _named(labels, spots, look.width - 0.1, high):
        axes.annotate(
            text,
            (left / (look.width - 0.1), low / high),
            xycoords="axes fraction",
            fontsize=drawing.SMALL,
            parse_math=False,
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#c8c8d0")
    if typical is not None and typical * inch < look.width - 0.3:
        key = sheet.axes(0.15, high + 0.06, typical * inch, 0.08)
        key.plot([0, 1], [0.5, 0.5], color="#333333", linewidth=1.5, clip_on=False)
        key.set(xlim=(0, 1), ylim=(0, 1))
        key.set_axis_off()
        sheet.write(0.15, high + 0.14, f"{number(typical)}: median width of the 95 % intervals")
    return sheet.figure


def _named(labels: Sequence[str], spots: np.ndarray, wide: float, high: float) -> list[tuple[str, float, float]]:
    """Return where each name stands, in inches: the first place around its point that lies on nothing else, if any."""
    taken = [(x - 0.05, y - 0.05, x + 0.05, y + 0.05) for x, y in spots.tolist()]
    found = []
    for label, (x, y) in zip(labels, spots.tolist(), strict=True):
        size = drawing.width(label)
        boxes = []
        for right, up in AROUND:
            left = x + 0.07 if right > 0 else x - 0.07 - size if right < 0 else x - size / 2
            low = y + 0.07 if up > 0 else y - 0.07 - LINE if up < 0 else y - LINE / 2
            boxes.append((left, low, left + size, low + LINE))
        best = min(boxes, key=lambda box: sum(_shared(box, other) for other in taken) + _beyond(box, wide, high))
        taken.append(best)
        found.append((label, best[0], best[1] + 0.03))
    return found


def _shared(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    up = min(one[3], other[3]) - max(one[1], other[1])
    return across * up if across > 0 and up > 0 else 0.0


def _beyond(box: tuple[float, ...], wide: float, high: float) -> float:
    return max(0.0, -box[0], box[2] - wide) + max(0.0, -box[1], box[3] - high)


def _both_orders(scores: Sequence[Score]) -> str:
    return "" if scores[0].configuration.facts.symmetric else "Of each pair the mean of both orders. "


def _merges(names: Sequence[str], merges: np.ndarray) -> pa.Table:
    """The joints of the tree: which clusters, by their first names, at which height."""
    members = [[name] for name in names]
    rows = []
    for one, other, height, _ in merges.tolist():
        first, second = members[int(one)], members[int(other)]
        rows.append(
            {"first": "; ".join(first), "second": "; ".join(second), "height": height, "size": len(first) + len(second)}
        )
        members.append(first + second)
    return pa.Table.from_pylist(rows)
