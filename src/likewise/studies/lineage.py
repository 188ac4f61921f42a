"""Whether a model was derived from another one, or whether that cannot be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial
from typing import ClassVar, Literal

import numpy as np

from likewise.arrays import to_numpy
from likewise.chance import holm, together_of
from likewise.errors import InputError, UndefinedError
from likewise.inference import PanelTest, matched_correlation, panel_test, panel_tests, rotated_cosine
from likewise.naming import p_text
from likewise.progress import Watch, unwatched
from likewise.representation import Representation, check_all_same_items
from likewise.scoring import compare
from likewise.studies.answer import Answer, Table
from likewise.studies.base import Study
from likewise.studies.conditions import Cell
from likewise.studies.drawings import Dots, Panel
from likewise.studies.names import Names

LEVEL = 0.05
"""False alarms of the panel."""

PANEL = "panel"
"""The role of an unrelated model, as the table of models says it."""

AXES_LEVEL = 0.001
"""False alarms of shared axes, over all places: so few that both together stay near `LEVEL`."""

ORDERS = 9_999
"""Orders of features that are drawn where the closed form cannot be trusted."""

RANDOM = "reinitialize"
"""The variant whose models have random weights."""

ALIKE = 0.5
"""Matched features that agree so well are worth a remark."""

DERIVED, INDEPENDENT, CANNOT_TELL = "derived", "independent", "cannot tell"


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
    "panel p": "The verdict rests on the panel p of the mean over places.",
}
"""How columns of places are read."""

MODELS = ("model", "role", "rotation beside chance", "largest z of axes", "matched")
"""Heads of the tables."""


@dataclass(frozen=True)
class Place:
    """The rows of all models at one layer, on one data set.

    Parameters
    ----------
    model, base : Representation
        In question: is the model derived from the base?
    panel : mapping of str to Representation
        Trained models that are known to be unrelated to the base, by name.
    relatives : mapping of str to Representation
        Models that are known to be derived from the base, by name.
    dataset, layer : str
        What they are called; empty where there is one.
    """

    model: Representation
    base: Representation
    panel: Mapping[str, Representation] = field(default_factory=dict)
    relatives: Mapping[str, Representation] = field(default_factory=dict)
    dataset: str = ""
    layer: str = ""

    @property
    def others(self) -> dict[str, Representation]:
        """The panel and the relatives."""
        return {**self.panel, **self.relatives}


@dataclass(frozen=True)
class _Score:
    """How alike a model and the base are at a place; what has no value is None."""

    axes: float | None
    axes_z: float | None
    axes_p: float | None
    matched: float | None
    rotation: float | None
    chance: float | None
    calibrated: float | None
    why: str = ""


@dataclass(frozen=True)
class Lineage(Study):
    """Asks whether a model was derived from a base: by the axes that they share, and by a panel of unrelated models.

    Copies and descendants of a model number their features as it does; models that were trained apart number them by
    chance. So the correlation of like-numbered features, beside all orders of the features, tells relatives without
    any panel, where widths are equal. A copy can hide that by a rotation. What a rotation cannot hide is how alike the
    rows are after one; but strangers are alike too, as they see the same prompts. So that is judged by its rank among
    unrelated trained models.

    Parameters
    ----------
    seed : int
        Of orders that are drawn.

    Notes
    -----
    ``derived``: the shared axes have p at or below 0.001, corrected by Holm over all places; or the mean over places of
    the held-out cosine has a panel p at or below 0.05. Models of the panel that share axes with the base are no
    strangers and are left out; those that share axes with one another are one family, and count once.

    ``independent``: known relatives were given, all are more alike than the whole panel, which can reach 0.05; and the
    model is neither: it shares no axes, and some of the panel is as alike. It holds against relatives like those given.

    ``cannot tell``: everything else.
    """

    name: ClassVar[str] = "lineage"
    question: ClassVar[str] = "Was the model derived from the base?"
    needs: ClassVar[Literal["scores", "rows"]] = "rows"

    seed: int = 0

    def names(self, panel: bool = True, relatives: bool = True) -> Names:
        """Return the names of its values, with a panel and known relatives or without."""
        absent = {} if panel else dict.fromkeys(OF_PANEL, NO_PANEL)
        absent |= {} if relatives else {"relatives.lowest": NO_RELATIVES}
        tables = {"places": PLACES, "models": MODELS}
        if not (panel or relatives):
            del tables["models"]
            absent["models.*"] = "there is neither a panel nor a known relative"
        return Names(tuple(name for name in VALUES if name not in absent), tables, absent)

    def answer(self, given: Sequence[Place], watch: Watch = unwatched) -> Answer:
        """Return the verdict, and the scores of all models at all places.

        Parameters
        ----------
        given : sequence of Place
            All with the same models; at least one.

        Raises
        ------
        InputError
            If there is no place, places have other models, or rows do not describe the same prompts.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> base = rng.normal(size=(80, 40))
        >>> rows = {"base": base, "model": base + rng.normal(size=(80, 40))}
        >>> place = Place(**{name: Representation(x, name=name) for name, x in rows.items()})
        >>> Lineage().answer([place]).values["verdict"]
        'derived'
        """
        places = list(given)
        _check(places)
        return _Reading(places, _scored(places, self.seed, watch), self.question).answer()


def _check(places: Sequence[Place]) -> None:
    if not places:
        raise InputError("no rows; expected those of a model and its base on one data set or more")
    first = places[0]
    for place in places:
        if set(place.panel) != set(first.panel) or set(place.relatives) != set(first.relatives):
            raise InputError(f"{_where(place)} and {_where(first)} have other models; expected the same at every place")
        if both := set(place.panel) & set(place.relatives):
            raise InputError(f"{min(both)!r} is a relative and in the panel; expected it in one of them")
        everyone = [place.base, place.model, *place.others.values()]
        if odd := [r.name for r in everyone if r.is_table]:
            raise InputError(f"{odd[0]} is a table of distances or similarities; lineage needs rows of features")
        check_all_same_items(everyone)


def _where(place: Place) -> str:
    return " @ ".join(part for part in (place.dataset, place.layer) if part) or "the rows"


_Scores = list[dict[str, _Score]]
"""For each place, the scores of the model, called "", and of all others by name."""


def _scored(places: Sequence[Place], seed: int, watch: Watch) -> _Scores:
    total = sum(1 + len(place.others) for place in places)
    done = 0
    found: _Scores = []
    for place in places:
        groups = together_of([place.base, place.model])
        of = None if groups is None else groups.of
        here = {}
        for name, r in {"": place.model, **place.others}.items():
            watch("comparing with the base", done, total)
            here[name] = _score(r, place.base, of, seed)
            done += 1
        found.append(here)
    watch("comparing with the base", total, total)
    return found


def _score(r: Representation, base: Representation, groups: np.ndarray | None, seed: int) -> _Score:
    x, y = (np.asarray(to_numpy(side.matrix), dtype=np.float64) for side in (r, base))
    axes, why = _axes(x, y, seed)
    matched = rotation = chance = calibrated = None
    try:
        found = rotated_cosine(x, y, groups)
        rotation, chance, calibrated = found.value, found.chance, found.calibrated
    except UndefinedError as error:
        why = "; ".join(part for part in (why, f"no rotation: {error}") if part)
    try:
        matched = matched_correlation(x, y, groups)
    except InputError as error:
        why = "; ".join(part for part in (why, f"not matched: {error}") if part)
    return _Score(*axes, matched, rotation, chance, calibrated, why)


def _axes(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[tuple[float | None, float | None, float | None], str]:
    """Correlation of like-numbered features, z and p; or why there is none."""
    if x.shape[1] != y.shape[1]:
        return (None, None, None), f"no shared axes: {x.shape[1]:,} and {y.shape[1]:,} features"
    varies = np.ptp(x, axis=0).astype(bool) & np.ptp(y, axis=0).astype(bool)
    if varies.sum() < 2:
        return (None, None, None), "no shared axes: fewer than two features vary"
    if factorial(varies.sum()) * AXES_LEVEL < 1:
        return (None, None, None), f"no shared axes: {varies.sum()} features have too few orders to show them"
    # A dead feature says nothing; which ones are dead in both is left out, as their numbers could be known to be.
    both = {"x": x[:, varies], "y": y[:, varies]}
    (row,) = compare(both, "feature_correlation", chance="features", permutations=ORDERS, groups=0, rng=seed)
    left = int((~varies).sum())
    return (row.value, row.z, row.pvalue), f"{left} features are constant" if left else row.reason


def _families(places: Sequence[Place], names: Sequence[str], seed: int) -> list[list[str]]:
    """Models that share axes with one another, directly or through others, at the first place."""
    family = {name: {name} for name in names}
    rows = {name: np.asarray(to_numpy(places[0].panel[name].matrix), dtype=np.float64) for name in names}
    found: dict[tuple[str, str], tuple[float | None, float]] = {}
    for width in {x.shape[1] for x in rows.values()}:
        same = {name: x for name, x in rows.items() if x.shape[1] == width}
        if len(same) > 1:
            table = compare(same, "feature_correlation", chance="features", permutations=ORDERS, groups=0, rng=seed)
            # Where orders are drawn, or features are few, p cannot be small enough for many pairs: the least counts.
            for row in table:
                least = 1 / (1 + row.n_permutations) if row.n_permutations else 1 / factorial(width)
                found[row.a, row.b] = row.pvalue, least
    for (a, b), (p, least) in found.items():
        if p is None:  # of features that do not vary
            p = _axes(rows[a], rows[b], seed)[0][2]
        shared = p is not None and (p * len(found) <= AXES_LEVEL or p <= least * (1 + 1e-9))
        if shared and family[a] is not family[b]:
            joined = family[a] | family[b]
            for name in joined:
                family[name] = joined
    return [sorted(members) for members in {id(f): f for f in family.values()}.values()]


class _Reading:
    """What follows from the scores."""

    def __init__(self, places: Sequence[Place], scores: _Scores, question: str) -> None:
        self.places, self.scores, self.question = places, scores, question
        self.model, self.base = places[0].model.name, places[0].base.name
        self.relatives = list(places[0].relatives)
        self.axes_p = self._axes_p("")
        given = list(places[0].panel)
        self.random = [n for n in given if str(places[0].panel[n].source.variant or "").startswith(RANDOM)]
        trained = [name for name in given if name not in self.random]
        self.related = [name for name in trained if self._shares(name)]
        strangers = [n for n in trained if n not in self.related and self._mean(n) is not None]
        self.families = _families(places, strangers, 0)
        # Of a family the member that is most alike stands for all: the careful choice.
        self.panel = [max(members, key=lambda name: self._mean(name) or 0.0) for members in self.families]
        self.test = self._panel_test(self._mean(""), [self._mean(name) for name in self.panel])
        self.verdict, self.because = self._judged()

    # What the numbers are

    def _axes_p(self, name: str) -> list[float | None]:
        """P-values of shared axes at each place, corrected by Holm over the places."""
        known = [k for k, here in enumerate(self.scores) if here[name].axes_p is not None]
        corrected: list[float | None] = [None] * len(self.scores)
        if known:
            of = holm(np.asarray([self.scores[k][name].axes_p for k in known], dtype=np.float64))
            for k, p in zip(known, of, strict=True):
                corrected[k] = float(p)
        return corrected

    def _shares(self, name: str) -> bool:
        return any(p is not None and p <= AXES_LEVEL for p in self._axes_p(name))

    def _mean(self, name: str) -> float | None:
        """The held-out cosine beside chance, over all places; None where one has none."""
        values = [here[name].calibrated for here in self.scores]
        return None if None in values else float(np.mean([v for v in values if v is not None]))

    def _panel_test(self, score: float | None, panel: Sequence[float | None]) -> PanelTest | None:
        known = np.asarray([v for v in panel if v is not None], dtype=np.float64)
        return panel_test(score, known) if score is not None and len(known) else None

    @property
    def _best(self) -> int | None:
        """The place where the axes are shared most clearly."""
        known = [(here[""].axes_p, -(here[""].axes_z or 0.0), k) for k, here in enumerate(self.scores)]
        judged = [one for one in known if one[0] is not None]
        return min(judged)[2] if judged else None

    @property
    def _controls(self) -> dict[str, float]:
        return {n: mean for n in self.relatives if (mean := self._mean(n)) is not None}

    @property
    def overlap(self) -> list[str]:
        """Known relatives that are no more alike than some stranger of the panel."""
        most = max((self._mean(name) or 0.0 for name in self.panel), default=None)
        return [] if most is None else [name for name, mean in self._controls.items() if mean <= most]

    @property
    def _matched(self) -> list[float]:
        return [value for here in self.scores if (value := here[""].matched) is not None]

    # What they mean

    def _judged(self) -> tuple[str, str]:
        best = self._best
        if best is not None and (p := self.axes_p[best]) is not None and p <= AXES_LEVEL:
            score = self.scores[best][""]
            over = f", corrected for {len(self.places)} places" if len(self.places) > 1 else ""
            z = "" if score.axes_z is None else f"z = {score.axes_z:.3g}, "
            return DERIVED, (
                f"{self.model} has the axes of {self.base}: like-numbered features correlate by {score.axes:.2g} "
                f"({z}p {_p(p)}{over})"
            )
        if self.test is None:
            return CANNOT_TELL, f"{self._axes_said}, and there is no panel of unrelated trained models"
        if self.test.limit:
            return CANNOT_TELL, f"{self._axes_said}, and {_lower(self.test.limit)[:-1]}"
        if self.overlap:
            return CANNOT_TELL, (
                f"{self._axes_said}, and the panel overlaps the known relatives: {self.overlap[0]} is no more alike "
                "than some model of the panel"
            )
        size, mean = self.test.size, self.test.score
        if self.test.pvalue <= LEVEL:
            return DERIVED, (
                f"{self.model} is more alike {self.base} than unrelated models are, after a rotation that is fitted to "
                f"other prompts: place {self._rank} of {size + 1}, cosine {mean:.2g} beside chance (panel p "
                f"{_p(self.test.pvalue)})"
            )
        inside = f"place {self._rank} of {size + 1} among unrelated models (panel p {_p(self.test.pvalue)})"
        controls = self._controls
        if controls and mean < min(controls.values()) and self._rank > 1:
            return INDEPENDENT, (
                f"{self._axes_said}, it takes {inside}, and each of {len(controls)} known "
                f"relative{'s' if len(controls) > 1 else ''} is more alike (cosine {min(controls.values()):.2g} or "
                f"more beside chance, against {mean:.2g})"
            )
        lacking = "no known relative shows what would have been found" if not controls else "it is the most alike"
        return CANNOT_TELL, f"{self._axes_said}, it takes {inside}, and {lacking}"

    @property
    def _axes_said(self) -> str:
        best = self._best
        if best is None:
            return f"the axes of {self.model} and {self.base} cannot be compared"
        return f"{self.model} does not have the axes of {self.base} (smallest p {_p(self.axes_p[best])})"

    @property
    def _rank(self) -> int:
        """Among the panel and the model, from the most alike; ties count against the model."""
        return 0 if self.test is None else round(self.test.pvalue * (1 + self.test.size))

    # What is handed over

    def answer(self) -> Answer:
        best = self._best
        at = self.scores[best][""] if best is not None else None
        no_axes = self.scores[0][""].why or "no axes can be compared"
        no_rotation = self.scores[0][""].why or "no rotation at some place"
        matched = self._matched
        means = {key: self._over(key) for key in ("rotation", "chance")}
        controls = self._controls
        values: dict[str, Cell] = {
            "verdict": self.verdict,
            "base": self.base,
            "derived": self.verdict == DERIVED,
            "independent": self.verdict == INDEPENDENT,
            "shared_axes.correlation": at.axes if at else None,
            "shared_axes.z": at.axes_z if at else None,
            "shared_axes.p": self.axes_p[best] if best is not None else None,
            "matched.correlation": float(np.mean(matched)) if matched else None,
            "rotation.cosine": means["rotation"],
            "rotation.chance": means["chance"],
            "panel.size": len(self.panel),
            "panel.p": self.test.pvalue if self.test else None,
            "panel.rank": self._rank if self.test else None,
            "panel.smallest_p": self.test.resolution if self.test else None,
            "relatives.lowest": min(controls.values(), default=None),
        }
        why = {
            "shared_axes": no_axes,
            "matched": no_rotation,
            "rotation": no_rotation,
            "panel": NO_PANEL,
            "relatives": NO_RELATIVES,
        }
        return Answer(
            self.question,
            f"{self.verdict}: {self.because}.",
            "Shared axes: the correlation of like-numbered features; chance is any other order of the features. "
            "Matched: features matched one to one on one half of the prompts, scored on the other. Rotation: the "
            "cosine of rows after the rotation that fits other prompts best; chance is another prompt of the group.",
            tables=(self._places(), *([self._models()] if self.places[0].others else [])),
            drawings=self._drawn(),
            limits=tuple(self._limits()),
            values=values,
            reasons={name: why[name.split(".")[0]] for name, value in values.items() if value is None},
        )

    def _over(self, key: str) -> float | None:
        found = [getattr(here[""], key) for here in self.scores]
        return None if None in found else float(np.mean(found))

    def _places(self) -> Table:
        tests = self._place_tests()
        rows = []
        for k, (place, here) in enumerate(zip(self.places, self.scores, strict=True)):
            s, of = here[""], tests.get(str(k))
            rows.append(
                (
                    place.dataset, place.layer, s.axes, s.axes_z, p_text(self.axes_p[k]), s.matched, s.rotation,
                    s.chance, self._highest(k), p_text(of.pvalue) if of else None, p_text(of.corrected) if of else None,
                    s.why,
                )
            )  # fmt: skip
        columns = PLACES
        kept = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
        return Table(
            "places",
            tuple(columns[i] for i in kept),
            tuple(tuple(row[i] for i in kept) for row in rows),
            f"{self.model} with {self.base}",
            note=" ".join(said for head, said in READ.items() if columns.index(head) in kept),
            spare=tuple(
                name for name in ("note", "panel p corrected", "chance", "z", "data set") if columns.index(name) in kept
            ),
            unsure={columns[i]: UNSURE[columns[i]] for i in kept if columns[i] in UNSURE},
        )

    def _place_tests(self) -> dict[str, PanelTest]:
        given = {}
        for k, here in enumerate(self.scores):
            score, panel = here[""].calibrated, [here[name].calibrated for name in self.panel]
            if score is not None and panel and None not in panel:
                given[str(k)] = (score, np.asarray(panel, dtype=np.float64), 1)
        return panel_tests(given)

    def _highest(self, k: int) -> float | None:
        return max((v for n in self.panel if (v := self.scores[k][n].rotation) is not None), default=None)

    def _models(self) -> Table:
        known = {"": "in question"} | dict.fromkeys(self.relatives, "known relative")
        known |= {name: self._role(name) for name in self.places[0].panel}
        rows = []
        for name, role in known.items():
            z = [value for here in self.scores if (value := here[name].axes_z) is not None]
            matched = [value for here in self.scores if (value := here[name].matched) is not None]
            rows.append(
                (
                    name or self.model,
                    role,
                    self._mean(name),
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

    def _role(self, name: str) -> str:
        if name in self.random:
            return "random weights, left out"
        if name in self.related:
            return "shares axes with the base, left out"
        if name not in self.panel:
            return f"{PANEL}, of a family that another stands for"
        return PANEL

    def _drawn(self) -> tuple[Dots, ...]:
        rows = [row for row in self._models().rows if row[2] is not None]
        if len(rows) < 2:
            return ()
        low = min(0.0, *(float(row[2]) for row in rows))  # type: ignore[arg-type]  # those without are left out
        return (
            Dots(
                name="lineage",
                title="Lineage",
                heading=f"Held-out cosine with {self.base} after a rotation, beside chance",
                alt="A dot for each model: how alike it is to the base; also a table.",
                labels=tuple(f"{row[0]} ({row[1]})" for row in rows),
                panels=(Panel(title="mean over places", series={"cosine": tuple(row[2] for row in rows)}),),  # type: ignore[misc]
                low=low,
                high=1.0,
                unsure="the panel is what a score is set beside",
            ),
        )

    def _limits(self) -> list[str]:
        found = []
        if self.verdict == DERIVED:
            found.append(
                "Derived means: one of the two comes from the other, or both come from a third one. Models that were "
                "trained apart from the same initial weights count as that too."
            )
        if self._best is not None and self.verdict != DERIVED:
            found.append(
                "Shared axes cannot find a copy whose features were rotated or put into another order, nor a model "
                "that was distilled."
            )
        if self._best is None:
            found.append("Shared axes need as many features as the base has: a relative of another width is not found.")
        matched = self._matched
        if self.verdict != DERIVED and matched and max(matched) >= ALIKE:
            found.append(
                f"Features that are matched on other prompts correlate by {max(matched):.2g}: it looks like a copy "
                "whose features stand in another order. Without a panel there is no p for that."
            )
        found += self._limits_of_panel()
        if self.verdict == INDEPENDENT:
            found.append(
                "Independent means: less alike than the relatives given here. A relative that was changed more than "
                "these, such as one that was distilled or trained for much longer, is not excluded."
            )
        if self.verdict != DERIVED:
            found.append(
                "The held-out cosine is far from shuffled prompts for any two models that read the same prompts: "
                "without a panel of unrelated trained models it is no sign of kinship."
            )
        return found

    def _limits_of_panel(self) -> list[str]:
        found = []
        if self.verdict == DERIVED and (self.test is None or self.test.pvalue > LEVEL):
            pass  # the axes have decided
        elif self.test is None or self.test.limit:
            known = "no panel" if self.test is None else f"a panel of {self.test.size}"
            found.append(
                f"With {known} only shared axes decide. For a p of 0.05, name 19 or more unrelated trained models of "
                "different families: --panel."
            )
        else:
            found.append(
                "The panel p is exact if the model is as unrelated to the base as those of the panel. If the model and "
                "the base are both larger, or trained on more alike text than the panel, p is too small."
            )
        if self.random:
            found.append(
                f"{_listed(self.random)}: random weights are no stand-in for unrelated trained models, which are far "
                "more alike to the base; left out of the panel."
            )
        if self.related:
            found.append(f"{_listed(self.related)}: shares axes with the base, so it is no stranger; left out.")
        alone = len(self.panel) == 1 and len(self.families[0]) > 1
        for members in self.families:
            if len(members) > 1:
                found.append(
                    f"{_listed(members)} share axes: they are one family, and count as one model of the panel"
                    + ("; the whole panel is one family, and cannot say what strangers are like." if alone else ".")
                )
        if self.overlap:
            found.append(f"{_listed(self.overlap)}: known, but no more alike than the most alike of the panel.")
        return found


def _p(p: float | None) -> str:
    shown = p_text(p)
    return f"= {shown:.2g}" if isinstance(shown, float) else str(shown)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
