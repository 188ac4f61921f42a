"""Heatmaps: of one configuration, and those of the paper, a row for each data set and class of invariances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from likewise.measures import Configuration
from likewise.report import drawing
from likewise.report.figures.classes import OUTSIDE, calibrated_colours, raw_colours
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
        firsts, seconds = {s.a for s in scores}, {s.b for s in scores}
        if not firsts & seconds:
            down, across = ([n for n in names if n in side] for side in (firsts, seconds))
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
                two_sides = not firsts & seconds
                turn = one not in rows if two_sides else rank[one] < rank[other]
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
        notes.append(f"Column 1 is {grid.across[0]}.")
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
    firsts: dict[str, list[str]] = {}
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
            some = [of for c, of in _by_configuration(here).items() if class_label(c) == label]
            heading = f"{dataset or 'inputs'}  ·  ignores {label}"
            even = -(-len(some) // -(-len(some) // columns))  # four panels as two and two, not as three and one
            for at in range(0, len(some), even):
                part = some[at : at + even]
                grids = tuple(Grid.of(of, names) for of in part)
                titles = tuple(_title(of[0].configuration, wide + gap - 0.08, look) for of in part)
                high = cell * max(len(grid.down) for grid in grids)
                rows.append(_Row(heading if not at else "", grids, titles, high))
        firsts.setdefault(names[0], []).append(dataset or "inputs")
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
    if absent:
        notes.append(f"No {look.scale} of {', '.join(absent)}.")
    body = sum(row.head + row.high + 0.3 for row in rows)
    heading = f"Scores of every two representations  ·  {look.scale}"
    keys = [f"1 is {name}{' on ' + ', '.join(of) if len(firsts) > 1 else ''}." for name, of in firsts.items()]
    caption = " ".join([*notes, *keys, *_outside(scores, look)])
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
    names = list(dict.fromkeys((*row.grids[0].across, *row.grids[0].down)))
    order = names if row.grids[0].numbered else [*row.grids[0].down]
    labels = dict(zip(order, short_names(order, 0.19 * look.width), strict=True))
    place = {name: i + 1 for i, name in enumerate(order)}
    left = 0.15 + max(drawing.width(f"{label}  {i + 1}") for i, label in enumerate(labels.values()))
    cell = row.high / max(len(grid.down) for grid in row.grids)
    step = cell * max(len(grid.across) for grid in row.grids) + gap
    at = top + row.head
    for i, (grid, title) in enumerate(zip(row.grids, row.titles, strict=True)):
        c = next(iter(grid.scores.values())).configuration
        cmap, norm = _colours(values if look.calibrated else [grid.values], look, c)
        wide, high = cell * len(grid.across), cell * len(grid.down)
        axes = sheet.axes(left + i * step, at, wide, high, c.label)
        _cells(axes, grid, cmap, norm, cell)
        rows = [f"{labels[name]}  {place[name]}" for name in grid.down]
        columns = _apart([str(place.get(name, j + 1)) for j, name in enumerate(grid.across)], cell)
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
    return (
        calibrated_colours(values)
        if look.calibrated
        else raw_colours(np.concatenate([*map(np.ravel, values)]), configuration)
    )


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
    more = f" (and {len(told) - 1} other reasons)" if len(told) > 1 else ""
    return [f"Hatched: {sum(s.value is None for s in scores)} of {len(scores)} have no score: {told[0]}{more}."]


def _outside(scores: Sequence[Score], look: Look) -> list[str]:
    """Say how many calibrated scores the scale of colours does not reach."""
    known = [s.value for s in scores if s.value is not None]
    below, above = [v for v in known if v < -OUTSIDE], [v for v in known if v > 1 + OUTSIDE]
    if not look.calibrated or not below + above:
        return []
    told = [f"{len(below)} below 0 (lowest {min(below):.2f})"] if below else []
    told += [f"{len(above)} above 1 (highest {max(above):.2f})"] if above else []
    return [f"Of {len(known)} scores {' and '.join(told)}, in a colour beyond the end of the bar."]
