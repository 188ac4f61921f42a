"""Correlations over pairs: of measures on one data set, and of two data sets as the paper has it."""

from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib import colormaps
from matplotlib.colors import Normalize

from likewise.chance import LEVEL, is_small
from likewise.errors import InputError
from likewise.report.figures import drawing
from likewise.report.figures.look import GREY, INK, LINE, Look, Sheet, check_fits, plain, short_names
from likewise.scoring import Agreement, Results, between_datasets, between_measures, relabelled
from likewise.scoring.agreement import SHUFFLES, complete, scores_by_pair

RELABELLED = (
    "The models of a pair make pairs depend on each other, so chance stands for an interval: p and chance come from "
    f"relabelling the models, at most {SHUFFLES} times (Mantel)."
)


def agreement(results: Results, look: Look) -> Any:
    """Draw how far every two configurations order the pairs of a data set alike."""
    found = between_measures(results)
    datasets = list(dict.fromkeys(results.table["dataset"].to_pylist()))
    if len(datasets) > 1:
        raise InputError(f"which data set? expected one of: {', '.join(datasets)}")
    known = [(a, a.spearman) for a in found if a.spearman is not None]
    if not known:
        why = found[0].reason if found else "expected two or more configurations"
        raise InputError(f"no correlation of measures: {why}")
    labels = list(dict.fromkeys(name for a in found for name in (a.first, a.second)))
    short = short_names(labels, 0.4 * look.width)
    rows = [f"{text}  {i + 1}" for i, text in enumerate(short)][1:]
    side = len(rows)
    left = 0.15 + max(map(drawing.width, rows))
    check_fits(left + 0.135 * side + 0.6, f"{len(labels)} configurations", look.width)
    cell = min((look.width - left - 0.65) / side, 0.6)
    high = min(cell, 0.3)
    caption = (
        f"Spearman correlation of raw scores over pairs, each turned so that more is more alike. 1 is {labels[0]}. "
        f"○: p above {LEVEL} or none, not corrected. {RELABELLED}"
    )
    sheet = Sheet(look, high * side + 0.25, f"{datasets[0] or 'inputs'}  ·  do measures agree?", caption, _table(found))
    axes = sheet.axes(left, 0, cell * side, high * side)
    values = np.full((side, side), np.nan)
    place = {name: i for i, name in enumerate(labels)}
    cmap, norm = colormaps["viridis"], Normalize(-1, 1)
    for a, rho in known:
        values[place[a.second] - 1, place[a.first]] = rho
    drawing.cells(axes, values, cmap, norm, np.tril(np.ones((side, side), dtype=bool)))
    if cell >= 0.36:
        drawing.write(axes, values, cmap, norm, lambda v: f"{v:.2f}")
    for a, rho in known:
        if not is_small(a.pvalue):
            x, y = place[a.first] + (0.9 if cell >= 0.36 else 0.5), place[a.second] - (0.8 if cell >= 0.36 else 0.5)
            colour = drawing.contrast(cmap(norm(rho)))
            axes.plot(x, y, "o", markersize=3, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=0.7)
    drawing.ticks(axes, [str(i + 1) for i in range(side)], rows, rotation=0)
    drawing.bar(sheet.figure, sheet.box(left + cell * side + 0.1, 0, 0.1, max(high * side, 0.4)), cmap, norm)
    return sheet.figure


def paper_datasets(results: Results, look: Look) -> Any:
    """Draw how far the scores of each configuration on one data set hold on another."""
    found = between_datasets(results)
    if not found:
        raise InputError("expected scores on two or more data sets, got one")
    if all(a.spearman is None for a in found):
        raise InputError(f"no correlation of data sets: {found[0].reason}")
    scores = scores_by_pair(results)
    pairs = list(dict.fromkeys((a.first, a.second) for a in found))
    labels = list(dict.fromkeys(a.of for a in found))
    short = short_names(labels, 0.36 * look.width)
    left, high = 0.15 + max(map(drawing.width, short)), 0.2 * len(labels) + 0.1
    key = LINE + 0.06
    models = sorted({a.n_models for a in found})
    caption = (
        "Correlation, over pairs of representations, of the raw scores on two data sets. Filled: p of the Spearman "
        f"correlation at most {LEVEL}, not corrected. Grey: 95 % of the Spearman correlations after relabelling. "
        f"{RELABELLED} Of {' to '.join(map(str, dict.fromkeys((models[0], models[-1]))))} models."
    )
    body = key + len(pairs) * (high + 0.62)
    ranges = [_range(a, scores) for a in found]
    sheet = Sheet(look, body, "Do data sets agree?", caption, _table(found, ranges))
    sheet.write(left, 0, "●  Spearman      ◆  Pearson")
    for i, pair in enumerate(pairs):
        axes = sheet.axes(left, key + 0.2 + i * (high + 0.62), look.width - left - 0.2, high)
        for a, ends in zip(found, ranges, strict=True):
            if (a.first, a.second) != pair:
                continue
            y = labels.index(a.of)
            if ends:
                axes.plot(ends, (y, y), color=GREY, linewidth=6, solid_capstyle="butt", zorder=1)
            if a.spearman is None or a.pearson is None:
                axes.plot(0.01, y, "x", color="#666666", markersize=4, transform=axes.get_yaxis_transform())
                continue
            face = INK if is_small(a.pvalue) else "white"
            axes.plot(a.pearson, y - 0.12, "D", color="#d55e00", markerfacecolor="white", markersize=4, zorder=3)
            axes.plot(a.spearman, y + 0.12, "o", color=INK, markerfacecolor=face, markersize=5, zorder=4)
        axes.set(xlim=(-1.03, 1.03), ylim=(len(labels) - 0.5, -0.5))
        axes.set_yticks(range(len(labels)))
        plain(axes, "both")
        axes.set_yticklabels(short, fontsize=drawing.SMALL, parse_math=False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(
            drawing.legible(" and ".join(name or "inputs" for name in pair)),
            fontsize=drawing.SMALL,
            loc="left",
            parse_math=False,
        )
        axes.set_xlabel("correlation over pairs", fontsize=drawing.SMALL)
    return sheet.figure


def _range(a: Agreement, scores: Any) -> tuple[float, float] | None:
    """What 95 % of the relabellings of the models give."""
    if a.pvalue is None:
        return None
    left, right = scores[a.first, a.of], scores[a.second, a.of]
    _, moved = relabelled(left, right, complete([pair for pair in left if pair in right]))
    low, high = np.quantile(moved, (0.025, 0.975))
    return float(low), float(high)


def _table(found: list[Agreement], ranges: list[tuple[float, float] | None] | None = None) -> pa.Table:
    names = ("first", "second", "of", "n_pairs", "spearman", "kendall", "pearson", "pvalue", "n_models", "reason")
    columns = {name: [getattr(a, name) for a in found] for name in names}
    if ranges is not None:
        columns["chance_low"] = [None if ends is None else ends[0] for ends in ranges]
        columns["chance_high"] = [None if ends is None else ends[1] for ends in ranges]
    return pa.table(columns)
