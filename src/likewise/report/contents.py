"""What the page knows: names, configurations and the long table as columns, with the order and map of every heatmap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from likewise.chance import NoReference, kind_of
from likewise.measures import Configuration
from likewise.naming import parts_of
from likewise.report.block import Columns
from likewise.report.tables import (
    AT_CHANCE,
    calibrated_ends,
    class_label,
    configurations_of,
    definition,
    names_of,
    why_unsure,
)
from likewise.scoring import ALL, Pairs, dissimilarities_of, places, tree

EXACT = 150_000
"""Rows up to which numbers keep the digits of single precision."""

NUMBERS = {
    "value": ("value", 14),
    "low": ("low", 10),
    "high": ("high", 10),
    "chance": ("null_mean", 11),
    "sd": ("null_std", 0),
    "z": ("z", 8),
    "p": ("pvalue", 0),
    "corrected": ("pvalue_holm", 6),
    "calibrated": ("calibrated", 12),
}
"""Columns of the page, the columns of the long table that they hold, and the binary digits that are kept of tables too
large to keep all: 14 are four decimal digits, 10 are three. Those with 0 are left out there; the CSV has them."""

LEAST_P = 1e-16
"""Smaller ones are told as smaller than this."""


def head_of(frame: pd.DataFrame, columns: Columns, pairs: Pairs = ALL) -> dict[str, Any]:
    """Return the head of a page's block, and put the long table into its columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `tables.long_frame`.
    columns : Columns
        Receives the columns.
    pairs : Pairs
        Which pairs were asked for.
    """
    names, configurations = names_of(frame), configurations_of(frame)
    sides = pairs.sides(names)
    datasets = list(dict.fromkeys(frame["dataset"]))
    labels = [c.label for c in configurations]
    listed = {"name": names, "configuration": labels, "dataset": datasets}
    places = {kind: {one: i for i, one in enumerate(known)} for kind, known in listed.items()}
    coded = pd.DataFrame(
        {
            "dataset": frame["dataset"].map(places["dataset"]),
            "configuration": frame["configuration"].map(places["configuration"]),
            "a": frame["a"].map(places["name"]),
            "b": frame["b"].map(places["name"]),
        }
    ).astype(np.int64)
    order = np.lexsort([coded[c].to_numpy() for c in ("b", "a", "configuration", "dataset")])
    coded, frame = coded.iloc[order].reset_index(drop=True), frame.iloc[order].reset_index(drop=True)
    reasons = pd.factorize(frame["reason"], use_na_sentinel=False)
    sources = pd.factorize(pd.Series(list(zip(frame["null"], frame["n_permutations"], strict=True)), dtype=object))
    unsure = pd.factorize(pd.Series(["", *without_interval(frame)], dtype=object))
    unsure = unsure[0][1:], unsure[1]
    exact = len(frame) <= EXACT
    table: dict[str, Any] = {
        "dataset": columns.add(coded["dataset"], "u2"),
        "configuration": columns.add(coded["configuration"], "u2"),
        "a": columns.add(coded["a"], "u2"),
        "b": columns.add(coded["b"], "u2"),
        "reason": columns.add(reasons[0], "u4"),
        "source": columns.add(sources[0], "u4"),
        "unsure": columns.add(unsure[0], "u2"),
        "too_few": columns.add(frame["too_few"], "u1"),
    }
    for name, (column, digits) in NUMBERS.items():
        if not (exact or digits):
            continue
        values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
        if column.startswith("pvalue"):
            values = np.where(values < LEAST_P, 0.0, values)  # single precision ends before double does
        table[name] = columns.add(values, "f4", 23 if exact else digits)
    return {
        "names": [dict(zip(("name", "model", "format", "layer"), (n, *parts_of(n)), strict=True)) for n in names],
        "datasets": [
            {"name": dataset or "inputs", "items": int(frame.loc[frame["dataset"] == dataset, "n_items"].max())}
            for dataset in datasets
        ],
        "configurations": [_told(c) for c in configurations],
        "reasons": reasons[1].tolist(),
        "unsure": unsure[1].tolist(),
        "sources": [None if null == NoReference.name else kind_of(null).short(int(n)) for null, n in sources[1]],
        "exact": exact,
        "sides": sides and [[places["name"][name] for name in side] for side in sides],
        "table": table,
        "pictures": _pictures(frame, coded, configurations, columns),
    }


def without_interval(frame: pd.DataFrame) -> list[str]:
    """Return why a score of each row has no interval, raw or calibrated; an empty text where all that there are have.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `tables.long_frame`.
    """
    low, _ = calibrated_ends(frame)
    scored, raw, calibrated = (frame[c].notna().to_numpy() for c in ("value", "low", "calibrated"))
    reasons = {text: why_unsure(text) for text in frame["reason"].unique()}
    said = [reasons[text] for text in frame["reason"]]
    lacks = scored & ~raw
    at_chance = scored & raw & calibrated & np.isnan(low)
    return [
        why if without else AT_CHANCE if both else ""
        for why, without, both in zip(said, lacks.tolist(), at_chance.tolist(), strict=True)
    ]


def matrix_of(rows: pd.DataFrame, coded: pd.DataFrame, column: str) -> tuple[np.ndarray, Float[np.ndarray, "m m"]]:
    """Return the places of the names of some rows, and a square of one column between them."""
    a, b = coded["a"].to_numpy(), coded["b"].to_numpy()
    members, at = np.unique(np.concatenate([a, b]), return_inverse=True)
    square = np.full((len(members), len(members)), np.nan)
    square[at[: len(a)], at[len(a) :]] = rows[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return members, square


def _pictures(
    frame: pd.DataFrame, coded: pd.DataFrame, configurations: Sequence[Configuration], columns: Columns
) -> list[dict[str, Any]]:
    """The tree and the map of each heatmap whose scores make distances: calibrated ones, else raw ones."""
    found = []
    for (dataset, configuration), at in coded.groupby(["dataset", "configuration"], sort=True).indices.items():
        rows, here = frame.iloc[at], coded.iloc[at]
        c = configurations[configuration]
        for column in ("calibrated", "value"):
            members, square = matrix_of(rows, here, column)
            given = dissimilarities_of(members.astype(str).tolist(), square, c, column == "calibrated")
            if given is None or not given.square.any():
                continue
            clusters, plane = tree(given), places(given)
            found.append(
                {
                    "dataset": int(dataset),
                    "configuration": int(configuration),
                    "of": column,
                    "members": columns.add(members, "u2"),
                    "order": columns.add(clusters.order, "u2"),
                    "joined": columns.add(clusters.merges[:, :2], "u2"),
                    "height": columns.add(clusters.merges[:, 2], "f4", 14),
                    "x": columns.add(plane.points[:, 0], "f4", 14),
                    "y": columns.add(plane.points[:, 1], "f4", 14),
                    "stress": round(plane.stress, 4),
                }
            )
            break
    return found


def _told(c: Configuration) -> dict[str, Any]:
    return {
        "label": c.label,
        "measure": c.measure,
        "title": c.about.title,
        "line": definition(c),
        "direction": c.facts.direction,
        "symmetric": bool(c.facts.symmetric),
        "ignores": class_label(c),
        "identity": None if c.stored or c.facts.identity is None else float(c.facts.identity),
        "version": c.about.version,
        "dois": list(c.about.references),
    }
