"""Heatmaps: of one configuration, and those of the paper, a row for each data set and class of invariances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from likewise.measures import Configuration
from likewise.naming import counted
from likewise.report.figures import drawing
from likewise.report.figures.look import (
    LINE,
    Look,
    Sheet,
    check_fits,
    names_of,
    one_of_each,
    said_of_intervals,
    said_of_marks,
    said_of_scale,
    short_names,
    table_of,
    unsure,
    why_none,
)
from likewise.report.tables import class_label
from likewise.scoring import Results, Score, dissimilarities, tree

LEAST = 0.125
"""Inches of a cell at least: a line of text beside it."""

NUMBER, INTERVAL = 0.36, 0.85
"""Inches of a cell that holds its number, and its interval too."""

BAR = 0.45
"""Inches of a colour bar with its numbers."""

OUTSIDE = 1e-9
"""A calibrated score further than this below 0 or above 1 counts as outside; nearer is rounding."""

BELOW, ABOVE = "#12001a", "#fffbd6"
"""Colours beyond both ends of viridis, for calibrated scores outside 0 to 1."""


@dataclass(frozen=True)
class Grid:
    """Scores where their cells are; NaN where there is none."""

    down: tuple[str, ...]
    across: tuple[str, ...]
    scores: dict[tuple[int, int], Score]

    @classmethod
    def of(cls, scores: Sequence[Score], names: Sequence[str]) -> "Grid":
        """Place the scores of one configuration: a triangle, a square where the order counts, or two sides."""
        symmetric = scores[0].configuration.facts.symmetric
        sides = _sides(scores, symmetric)
        if sides:
            down, across = ([n for n in names if n in side] for side in sides)
            if symmetric and len(across) > len(down):
                down, across = across, down
        else:
            down, across = (list(names[1:]), list(names[:-1])) if symmetric else (list(names), list(names))
        rows, columns = ({name: i for i, name in enumerate(side)} for side in (down, across))
        rank = {name: i for i, name in enumerate(names)}
        placed = {}
        for s in scores:
            one, other = s.a, s.b
            if symmetric:
                turn = one not in rows if sides else rank[one] < rank[other]
                one, other = (other, one) if turn else (one, other)
            placed[rows[one], columns[other]] = s
        return cls(tuple(down), tuple(across), placed)

    @property
    def values(self) -> np.ndarray:
        """The scores."""
        found = np.full((len(self.down), len(self.across)), np.nan)
        for at, s in self.scores.items():
            found[at] = np.nan if s.value is None else s.value
        return found

    @property
    def cells(self) -> np.ndarray:
        """Where a pair has its cell."""
        found = np.zeros((len(self.down), len(self.across)), dtype=bool)
        found[tuple(np.asarray([*self.scores]).T)] = True
        return found

    @property
    def numbered(self) -> bool:
        """Whether numbers can stand for the names of the columns, as the rows have them but for the first."""
        return set(self.across[1:]) <= set(self.down)


def _sides(scores: Sequence[Score], symmetric: bool) -> tuple[set[str], set[str]] | None:
    """Two sides of which each pair has one; where the order does not count, also of pairs that stand either way."""
    firsts, seconds = {s.a for s in scores}, {s.b for s in scores}
    if not firsts & seconds:
        return firsts, seconds
    others: dict[str, set[str]] = {}
    for s in scores:
        others.setdefault(s.a, set()).add(s.b)
        others.setdefault(s.b, set()).add(s.a)
    across = others[scores[0].a]
    down = others[scores[0].b]
    whole = all(others[name] == (down if name in across else across) for name in others)
    return (down, across) if symmetric and whole and not down & across else None


def heatmap(results: Results, look: Look) -> Any:
    """Draw one configuration on one data set: brighter is more alike."""
    scores, heading, configuration = one_of_each(results, look)
    names = names_of(scores)
    if look.order == "clusters":
        given = dissimilarities(scores, look.calibrated)
        names = [given.names[i] for i in tree(given).order]
    grid = Grid.of(scores, names)
    spare = look.width - LEAST * len(grid.across) - BAR - 0.5  # many columns leave less for names
    labels = dict(zip(names, short_names(names, max(0.7, min(0.3 * look.width, spare))), strict=True))
    numbers = {name: i + 1 for i, name in enumerate(names)}
    rows = [f"{labels[name]}  {numbers[name]}" if grid.numbered else labels[name] for name in grid.down]
    columns = [str(numbers[name]) if grid.numbered else labels[name] for name in grid.across]
    left = 0.15 + max(map(drawing.width, rows))
    below = 0.22 if grid.numbered else 0.15 + 0.9 * max(map(drawing.width, columns))
    check_fits(left + LEAST * len(columns) + BAR + 0.1, f"{len(columns)} columns", look.width)
    cell = min((look.width - left - BAR - 0.1) / len(columns), 1.0)
    high = min(cell, 0.42)
    body = high * len(rows) + below
    cmap, norm = _colours([grid.values], look, configuration)
    notes = [said_of_scale(look, configuration), said_of_marks(scores, "○"), said_of_intervals(scores), *_gaps([grid])]
    if grid.numbered and grid.across[0] not in grid.down:
        notes.append(f"Column {columns[0]} is {grid.across[0]}.")
    if not configuration.facts.symmetric:
        notes.append("The first of a pair is the row.")
    if look.order == "clusters":
        notes.append("Ordered by average linkage.")
    sheet = Sheet(look, body, heading, " ".join([*notes, *_outside(scores, look)]), table_of(scores, look))
    axes = sheet.axes(left, 0, cell * len(columns), high * len(rows), configuration.label)
    _cells(axes, grid, cmap, norm, cell)
    drawing.ticks(axes, _apart(columns, cell) if grid.numbered else columns, rows, rotation=0 if grid.numbered else 90)
    flip = not look.calibrated and configuration.facts.direction == "distance"
    bar = sheet.box(left + cell * len(columns) + 0.1, 0, 0.1, max(high * len(rows), 0.8))
    if body < 0.8 + below:  # of one row: the bar would be a dot
        bar = sheet.box(left + cell * len(columns) + 0.1, 0, 0.1, high * len(rows))
    drawing.bar(
        sheet.figure, bar, cmap, norm, flip=flip, extend=_extend([grid.values]) if look.calibrated else "neither"
    )
    return sheet.figure


@dataclass(frozen=True)
class _Row:
    """Panels beside each other, the first row of a class with its heading."""

    heading: str
    grids: tuple[Grid, ...]
    titles: tuple[str, ...]
    high: float

    @property
    def head(self) -> float:
        """Inches above the panels."""
        lines = max(title.count("\n") + 1 for title in self.titles)
        return LINE * lines + 0.08 + (0.24 if self.heading else 0.0)


def paper_heatmaps(results: Results, look: Look) -> Any:
    """Draw the lower triangles of all configurations, a row for each data set and class of invariances."""
    scores = results.scores(calibrated=look.calibrated)
    gap = 0.12 if look.calibrated else BAR
    rows: list[_Row] = []
    keys: dict[str, dict[str, None]] = {}
    most = max(len(names_of([s for s in scores if s.dataset == d])) for d in {s.dataset for s in scores})
    for dataset in dict.fromkeys(s.dataset for s in scores):
        here = [s for s in scores if s.dataset == dataset]
        names = names_of(here)
        labels = short_names(names, 0.19 * look.width)
        left = 0.15 + max(drawing.width(f"{label}  {i + 1}") for i, label in enumerate(labels))
        cell = max(LEAST, 1.0 / max(1, most - 1))
        wide = cell * max(len(Grid.of(of, names).across) for of in _by_configuration(here).values())
        check_fits(left + wide + BAR, f"{len(names)} representations", look.width)
        columns = 1 + int((look.width - left - wide - BAR + 1e-9) // (wide + gap))
        for label in dict.fromkeys(class_label(s.configuration) for s in here):
            heading = f"{dataset or 'inputs'}  ·  ignores {label}"
            # Panels beside each other share their rows: squares stand below triangles.
            shapes: dict[tuple[tuple[str, ...], tuple[str, ...]], list[tuple[Grid, str]]] = {}
            for c, of in _by_configuration(here).items():
                if class_label(c) == label:
                    grid = Grid.of(of, names)
                    title = _title(c, wide + gap - 0.08, look)
                    shapes.setdefault((grid.down, grid.across), []).append((grid, title))
            for (down, across), some in shapes.items():
                even = -(-len(some) // -(-len(some) // columns))  # four panels as two and two, not as three and one
                for at in range(0, len(some), even):
                    grids, titles = zip(*some[at : at + even], strict=True)
                    rows.append(_Row(heading, grids, titles, cell * len(down)))
                    heading = ""
                for i, name in enumerate(across):
                    if name not in down:
                        keys.setdefault(f"{i + 1} is {name}", {})[dataset or "inputs"] = None
    values = [grid.values for row in rows for grid in row.grids]
    chosen = [s.configuration for s in scores]
    absent = sorted({c.label for c in chosen} - {s.configuration.label for s in scores if s.value is not None})
    intervals = (
        said_of_intervals(scores)
        if look.calibrated
        else "The intervals, on the scale of each measure, are in the data."
    )
    notes = [said_of_scale(look), "Brighter is more alike.", said_of_marks(scores, "○"), intervals]
    notes += _gaps([grid for row in rows for grid in row.grids])
    if not all(c.facts.symmetric for c in chosen):
        notes.append("Where both halves of a square are filled, the first of a pair is the row.")
    if absent:
        notes.append(f"No {look.scale} of {', '.join(absent)}.")
    body = sum(row.head + row.high + 0.3 for row in rows)
    heading = f"Scores of every two representations  ·  {look.scale}"
    datasets = {s.dataset for s in scores}
    said = [f"{key}{'' if len(on) == len(datasets) else ' on ' + ', '.join(on)}." for key, on in keys.items()]
    caption = " ".join([*notes, *said, *_outside(scores, look)])
    sheet = Sheet(look, body, heading, caption, table_of(scores, look))
    top = 0.0
    for row in rows:
        _draw_row(sheet, top, row, values, look, gap)
        top += row.head + row.high + 0.3
    return sheet.figure


def _draw_row(sheet: Sheet, top: float, row: _Row, values: list[np.ndarray], look: Look, gap: float) -> None:
    scores = [s for grid in row.grids for s in grid.scores.values()]
    if row.heading:
        sheet.write(0.06, top, row.heading, weight="bold")
    order = list(dict.fromkeys((*row.grids[0].across, *row.grids[0].down)))
    labels = dict(zip(order, short_names(order, 0.19 * look.width), strict=True))
    place = {name: i + 1 for i, name in enumerate(order)}
    left = 0.15 + max(drawing.width(f"{label}  {i + 1}") for i, label in enumerate(labels.values()))
    cell = row.high / len(row.grids[0].down)
    step = cell * len(row.grids[0].across) + gap
    at = top + row.head
    for i, (grid, title) in enumerate(zip(row.grids, row.titles, strict=True)):
        c = next(iter(grid.scores.values())).configuration
        cmap, norm = _colours(values if look.calibrated else [grid.values], look, c)
        wide, high = cell * len(grid.across), cell * len(grid.down)
        axes = sheet.axes(left + i * step, at, wide, high, c.label)
        _cells(axes, grid, cmap, norm, cell)
        rows = [f"{labels[name]}  {place[name]}" for name in grid.down]
        columns = _apart([str(place[name]) for name in grid.across], cell)
        drawing.ticks(axes, columns, rows if i == 0 else None, rotation=0)
        axes.set_title(title, fontsize=drawing.SMALL, loc="left", parse_math=False, pad=3)
        last = i == len(row.grids) - 1
        if (last and any(s.value is not None for s in scores)) or (
            not look.calibrated and np.isfinite(grid.values).any()
        ):
            box = sheet.box(left + i * step + wide + 0.06, at, 0.08, high)
            flip = not look.calibrated and c.facts.direction == "distance"
            drawing.bar(
                sheet.figure, box, cmap, norm, flip=flip, extend=_extend(values) if look.calibrated else "neither"
            )


def _apart(numbers: Sequence[str], cell: float) -> list[str]:
    """Numbers of columns; every second, third, ... where all would touch."""
    step = 1 + int((max(map(drawing.width, numbers)) + 0.03) // cell)
    return [number if j % step == 0 else "" for j, number in enumerate(numbers)]


def _by_configuration(scores: Sequence[Score]) -> dict[Configuration, list[Score]]:
    found: dict[Configuration, list[Score]] = {}
    for s in scores:
        found.setdefault(s.configuration, []).append(s)
    return found


def _title(configuration: Configuration, inches: float, look: Look) -> str:
    lines = drawing.wrapped(configuration.about.title, inches)
    lines += drawing.wrapped(configuration.label.partition("(")[2].removesuffix(")"), inches)
    return "\n".join(lines if look.calibrated else [*lines, f"[{configuration.facts.direction}]"])


def _cells(axes: Axes, grid: Grid, cmap: Any, norm: Normalize, cell: float) -> None:
    """Draw cells with what fits into them: number, interval, and the mark of a score that chance explains."""
    values = grid.values
    drawing.cells(axes, values, cmap, norm, grid.cells)
    form = drawing.cell_format(values)
    for (i, j), s in grid.scores.items():
        if s.value is None:
            continue
        colour = drawing.contrast(cmap(norm(s.value)))
        if cell >= NUMBER:
            text = form(s.value)
            if cell >= INTERVAL and s.low is not None and s.high is not None:
                text += f"\n{form(s.low)} to {form(s.high)}"
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=colour, fontsize=drawing.SMALL)
        if unsure(s):
            x, y = (j + 0.9, i + 0.2) if cell >= NUMBER else (j + 0.5, i + 0.5)
            axes.plot(x, y, "o", markersize=3.2, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=0.7)


def _colours(values: Sequence[np.ndarray], look: Look, configuration: Configuration) -> tuple[Any, Normalize]:
    """The brighter the more alike: raw scores from the least to the greatest, calibrated ones from 0 to 1 always."""
    if look.calibrated:
        extend = _extend(values)
        under, over = BELOW if extend in ("min", "both") else None, ABOVE if extend in ("max", "both") else None
        return colormaps["viridis"].with_extremes(under=under, over=over), Normalize(0, 1)
    seen = np.concatenate([value[np.isfinite(value)] for value in values])
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    if low == high:  # one colour for one value, in the middle of the bar
        low, high = low - (abs(low) or 1) / 10, high + (abs(high) or 1) / 10
    return colormaps["viridis" if configuration.facts.more_alike > 0 else "viridis_r"], Normalize(low, high)


def _extend(values: Sequence[np.ndarray]) -> str:
    below = any((value < -OUTSIDE).any() for value in values)
    above = any((value > 1 + OUTSIDE).any() for value in values)
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]


def _gaps(grids: Sequence[Grid]) -> list[str]:
    """Say which cells are hatched."""
    scores = [s for grid in grids for s in grid.scores.values()]
    told = why_none(scores)
    if not told:
        return []
    more = f" (and {counted(len(told) - 1, 'other reason')})" if len(told) > 1 else ""
    return [f"Hatched: {sum(s.value is None for s in scores)} of {len(scores)} have no score: {told[0]}{more}."]


def _outside(scores: Sequence[Score], look: Look) -> list[str]:
    """Say how many calibrated scores the scale of colours does not reach."""
    known = [s.value for s in scores if s.value is not None]
    below, above = [v for v in known if v < -OUTSIDE], [v for v in known if v > 1 + OUTSIDE]
    if not look.calibrated or not below + above:
        return []
    told = [f"{len(below)} below 0 (lowest {min(below):.3g})"] if below else []
    told += [f"{len(above)} above 1 (highest {max(above):.3g})"] if above else []
    lie = "lies" if len(below + above) == 1 else "lie"
    return [f"Of {len(known)} scores, {' and '.join(told)} {lie} beyond the end of the bar, in a colour of their own."]
