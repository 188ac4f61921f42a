"""The heatmap that answers to the pointer: every data set and configuration, raw and calibrated."""

import html
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from likewise.chance import kind_of
from likewise.measures import Configuration
from likewise.report.tables import Group, Panel, arranged, has_cell, missing, number, told

LAYOUT: dict[str, Any] = {
    "template": "none",
    "font": {"family": "system-ui, sans-serif", "size": 12, "color": "#1b1b22"},
    "paper_bgcolor": "#ffffff",
    "plot_bgcolor": "#ffffff",
    "margin": {"l": 10, "r": 10, "t": 20, "b": 10},
    "hoverlabel": {"align": "left"},
    "xaxis": {"type": "category", "automargin": True, "showgrid": False, "zeroline": False, "tickangle": -45},
    "yaxis": {
        "type": "category",
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        "autorange": "reversed",
    },
}
"""The same for every view; names are categories, even those that look like numbers or dates."""


def library() -> str:
    """Return plotly.js itself, to stand in the page once, so that the page needs no network."""
    return str(get_plotlyjs())


def views(group: Group) -> list[dict[str, Any]]:
    """Return what the page can show for a group: per configuration, traces of raw and of calibrated scores.

    Parameters
    ----------
    group : Group
        The configurations of one class on one data set.

    Returns
    -------
    list of dict
        ``dataset``, ``configuration``, ``value`` and ``calibrated``, the last two lists of plotly traces.
    """
    found = []
    for panel in group.panels:
        c = panel.configuration
        said = ", ".join(filter(None, [c.facts.direction, panel.order]))
        told = group.rows[group.rows["configuration"] == c.label]
        told = told.assign(hover=[hover(row, c) for row in told.to_dict("records")])
        hovers = arranged(replace(group, rows=told), panel, "hover").to_numpy().tolist()
        traces = {
            column: _traces(group, panel, arranged(group, panel, column).to_numpy().tolist(), hovers, scale)
            for column, scale in (
                ("value", {"reversescale": c.facts.direction == "distance"}),
                ("calibrated", {"zmin": 0, "zmax": 1}),
            )
        }
        found.append(
            {
                "dataset": group.dataset or "inputs",
                "configuration": f"{c.about.title}: {c.label} [{said}]",
                **traces,
            }
        )
    return found


def hover(row: Mapping[Any, Any], configuration: Configuration) -> str:
    """Return what the pointer shows over a pair; names are escaped, for plotly reads its texts as HTML."""
    first, second = f"<b>{html.escape(row['a'])}</b>", f"<b>{html.escape(row['b'])}</b>"
    lines = [f"{first} and {second}" if configuration.facts.symmetric else f"first {first}, second {second}"]
    if missing(row["value"]):
        return "<br>".join([*lines, f"no value: {html.escape(row['reason'])}"])
    lines.append(f"value {number(row['value'])} ({row['direction']})")
    if not missing(row["low"]):
        lines.append(f"95 % interval {number(row['low'])} to {number(row['high'])}")
    if not missing(row["null_mean"]):
        lines += [
            f"chance {_escaped('chance', row['null_mean'])} ± {number(row['null_std'])} ({_source(row)})",
            f"z {number(row['z'])}, p {_escaped('p', row['pvalue'])}, corrected {_escaped('p', row['pvalue_holm'])}",
            f"calibrated {number(row['calibrated'])}",
        ]
    return "<br>".join([*lines, html.escape(row["reason"])] if row["reason"] else lines)


def _escaped(head: str, value: Any) -> str:
    """A number as it is told, '< 1e-16' too."""
    return html.escape(told(head, value))


def _source(row: Mapping[Any, Any]) -> str:
    return kind_of(row["null"]).short(row["n_permutations"])


def _traces(
    group: Group, panel: Panel, z: list[list[Any]], hovers: list[list[Any]], scale: dict[str, Any]
) -> list[dict[str, Any]]:
    """One heatmap, and crosses where a pair has no value: a gap alone would look like the upper triangle."""
    across, down = ([html.escape(name) for name in names] for names in (group.across, group.down))
    z = [[None if missing(value) else value for value in line] for line in z]
    gaps = [(i, j) for i, j in np.argwhere(has_cell(group, panel)).tolist() if z[i][j] is None]
    figure = go.Figure(
        [
            go.Heatmap(
                x=across,
                y=down,
                z=z,
                customdata=hovers,
                colorscale="Viridis",
                xgap=1,
                ygap=1,
                hoverongaps=False,
                hovertemplate="%{customdata}<extra></extra>",
                colorbar={"thickness": 12, "outlinewidth": 0},
                **scale,
            ),
            go.Scatter(
                x=[across[j] for _, j in gaps],
                y=[down[i] for i, _ in gaps],
                mode="markers",
                showlegend=False,
                customdata=[hovers[i][j] if isinstance(hovers[i][j], str) else "not compared" for i, j in gaps],
                marker={"symbol": "x-thin", "size": 9, "line": {"width": 1.5, "color": "#8a8a94"}},
                hovertemplate="%{customdata}<extra></extra>",
            ),
        ]
    )
    traces: list[dict[str, Any]] = json.loads(figure.to_json())["data"]
    return traces
