"""How the answer of a lineage is said: its values, tables, drawing and limits."""

import numpy as np

from likewise.naming import p_text, some_of
from likewise.studies.answer import Table
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Dots, Panel
from likewise.studies.lineage.reading import DERIVED, INDEPENDENT, LEVEL, Reading

PANEL = "panel"
"""The role of an unrelated model, as the table of models says it."""

OF_PANEL = ("panel.p", "panel.rank", "panel.smallest_p")
VALUES = (
    "verdict", "base", "derived", "independent", "shared_axes.correlation", "shared_axes.z", "shared_axes.p",
    "matched.correlation", "rotation.cosine", "rotation.chance", "panel.size", *OF_PANEL, "relatives.lowest",
)  # fmt: skip
"""Names of what it says."""

NO_PANEL = "there is no panel of unrelated trained models"
NO_RELATIVES = "no known relatives were given"
"""Why some of it is missing."""

PLACES = (
    "data set", "layer", "shared axes", "z", "p", "matched", "rotation", "chance", "highest of panel", "panel p",
    "panel p corrected", "note",
)  # fmt: skip
UNSURE = dict.fromkeys(("shared axes", "z", "chance"), "p says how often strangers reach it") | dict.fromkeys(
    ("matched", "rotation", "highest of panel"), "the panel is what a score is set beside"
)
"""Why a column of places has no interval."""

READ = {
    "shared axes": "Shared axes: mean correlation of like-numbered features; p is corrected by Holm over all places.",
    "matched": "Matched: mean correlation of features that were paired anew.",
    "rotation": "Rotation: mean cosine on held-out prompts after the best rotation; chance is that of rotation.",
    "panel p corrected": "Panel p corrected: by Holm over all places.",
    "panel p": "Panel p: the share of unrelated models at least as alike. Where shared axes do not decide, that of the "
    "mean over places does.",
}
"""How columns of places are read."""

MODELS = ("model", "role", "rotation beside chance", "largest z of axes", "matched")
"""Heads of the tables."""


def values(of: Reading) -> dict[str, Cell]:
    """Numbers by name, as programs read them."""
    best = of.best
    at = of.scores[best][""] if best is not None else None
    matched = of.matched
    means = {key: of.over(key) for key in ("rotation", "chance")}
    controls = of.controls
    return {
        "verdict": of.verdict,
        "base": of.base,
        "derived": of.verdict == DERIVED,
        "independent": of.verdict == INDEPENDENT,
        "shared_axes.correlation": at.axes if at else None,
        "shared_axes.z": at.axes_z if at else None,
        "shared_axes.p": of.axes_p[best] if best is not None else None,
        "matched.correlation": float(np.mean(matched)) if matched else None,
        "rotation.cosine": means["rotation"],
        "rotation.chance": means["chance"],
        "panel.size": len(of.panel),
        "panel.p": of.test.pvalue if of.test else None,
        "panel.rank": of.rank if of.test else None,
        "panel.smallest_p": of.test.resolution if of.test else None,
        "relatives.lowest": min(controls.values(), default=None),
    }


def reasons(of: Reading) -> dict[str, str]:
    """Why a number is not there, by name."""
    no_axes = of.scores[0][""].why or "no axes can be compared"
    no_rotation = of.scores[0][""].why or "no rotation at some place"
    why = {
        "shared_axes": no_axes,
        "matched": no_rotation,
        "rotation": no_rotation,
        "panel": NO_PANEL,
        "relatives": NO_RELATIVES,
    }
    return {name: why[name.split(".")[0]] for name, value in values(of).items() if value is None}


def places_table(of: Reading) -> Table:
    """Of places: data sets and layers."""
    tests = of.place_tests()
    rows = []
    for k, (place, here) in enumerate(zip(of.places, of.scores, strict=True)):
        s, test = here[""], tests.get(str(k))
        rows.append(
            (
                place.dataset, place.layer, s.axes, s.axes_z, p_text(of.axes_p[k]), s.matched, s.rotation,
                s.chance, of.highest(k), p_text(test.pvalue) if test else None,
                p_text(test.corrected) if test else None,
                s.why,
            )
        )  # fmt: skip
    columns = PLACES
    kept = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
    return Table(
        "places",
        tuple(columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in rows),
        f"{of.model} with {of.base}",
        note=" ".join(said for head, said in READ.items() if columns.index(head) in kept),
        spare=tuple(
            name for name in ("note", "panel p corrected", "chance", "z", "data set") if columns.index(name) in kept
        ),
        unsure={columns[i]: UNSURE[columns[i]] for i in kept if columns[i] in UNSURE},
    )


def models_table(of: Reading) -> Table:
    """Of all models, the most alike to the base first."""
    known = {"": "in question"} | dict.fromkeys(of.relatives, "known relative")
    known |= {name: _role(of, name) for name in of.places[0].panel}
    rows = []
    for name, role in known.items():
        z = [value for here in of.scores if (value := here[name].axes_z) is not None]
        matched = [value for here in of.scores if (value := here[name].matched) is not None]
        rows.append(
            (
                name or of.model,
                role,
                of.mean(name),
                max(z, default=None),
                float(np.mean(matched)) if matched else None,
            )
        )
    rows.sort(key=lambda row: -np.inf if row[2] is None else -row[2])
    return Table(
        "models",
        MODELS,
        tuple(rows),
        "All models beside the base, the most alike first",
        text="Means over all places. Rotation beside chance: 0 is chance, 1 is identical.",
        unsure=dict.fromkeys(MODELS[2:], "the panel is what a score is set beside"),
    )


def _role(of: Reading, name: str) -> str:
    if name in of.random:
        return "random weights, left out"
    if name in of.itself:
        return "the model in question, left out"
    if name in of.related:
        return "shares axes with the base, left out"
    if name not in of.panel:
        return f"{PANEL}, of a family that another stands for"
    return PANEL


def drawings(of: Reading) -> tuple[Dots, ...]:
    """All models beside the base; nothing where there is one."""
    rows = [row for row in models_table(of).rows if row[2] is not None]
    if len(rows) < 2:
        return ()
    low = min(0.0, *(float(row[2]) for row in rows))  # type: ignore[arg-type]  # those without are left out
    return (
        Dots(
            name="lineage",
            title="Lineage",
            heading=f"Held-out cosine with {of.base} after a rotation, beside chance",
            alt="A dot for each model: how alike it is to the base; also a table.",
            labels=tuple(f"{row[0]} ({row[1]})" for row in rows),
            panels=(Panel(title="mean over places", series={"cosine": tuple(row[2] for row in rows)}),),  # type: ignore[misc]
            low=low,
            high=1.0,
            unsure="the panel is what a score is set beside",
        ),
    )


def limits(of: Reading) -> list[str]:
    """What holds only so far, and what was left out."""
    found = []
    if of.verdict == DERIVED:
        found.append(
            "Derived means: one of the two comes from the other, or both come from a third one. Models that were "
            "trained apart from the same initial weights count as that too."
        )
    if of.best is not None and of.verdict != DERIVED:
        found.append(
            "Shared axes cannot find a copy whose features were rotated or put into another order, nor a model "
            "that was distilled."
        )
    if of.best is None:
        why = next((here[""].why for here in of.scores if here[""].why), "")
        found.append(
            "Shared axes need as many features as the base has: a relative of another width is not found."
            if of.other_width
            else f"{why[:1].upper()}{why[1:]}."
        )
    if of.verdict != DERIVED and (reordered := of.reordered) is not None:
        found.append(
            f"Features that are matched on other prompts correlate by {reordered:.2g}: it looks like a copy "
            "whose features stand in another order. There is no p for that."
        )
    found += _limits_of_panel(of)
    if of.verdict == INDEPENDENT:
        found.append(
            "Independent means: less alike than the relatives given here. A relative that was changed more than "
            "these, such as one that was distilled or trained for much longer, is not excluded."
        )
    if of.verdict != DERIVED and (of.test is None or of.test.limit):
        found.append(
            "The held-out cosine is far from shuffled prompts for any two models that read the same prompts: "
            "without a panel of unrelated trained models it is no sign of kinship."
        )
    return found


def _limits_of_panel(of: Reading) -> list[str]:
    found = []
    if of.verdict == DERIVED and (of.test is None or of.test.pvalue > LEVEL):
        pass  # the axes have decided
    elif of.test is None or of.test.limit:
        known = "no panel" if of.test is None else f"a panel of {of.test.size}"
        found.append(
            f"With {known} only shared axes decide. For a p of 0.05, name 19 or more unrelated trained models of "
            "different families: --panel."
        )
    else:
        found.append(
            "The panel p is exact if the model is as unrelated to the base as those of the panel. If the model and "
            "the base are both larger, or trained on more alike text than the panel, p is too small."
        )
    if of.random:
        found.append(
            f"{some_of(of.random)}: random weights are no stand-in for unrelated trained models, which are far "
            "more alike to the base; left out of the panel."
        )
    if of.itself:
        found.append(f"{some_of(of.itself)}: the same rows as {of.model}, so it is no stranger; left out of the panel.")
    if of.related:
        found.append(f"{some_of(of.related)}: shares axes with the base, so it is no stranger; left out.")
    alone = len(of.panel) == 1 and len(of.families[0]) > 1
    for members in of.families:
        if len(members) > 1:
            found.append(
                f"{some_of(members)} share axes: they are one family, and count as one model of the panel"
                + ("; the whole panel is one family, and cannot say what strangers are like." if alone else ".")
            )
    if of.overlap:
        found.append(f"{some_of(of.overlap)}: known, but no more alike than the most alike of the panel.")
    return found
