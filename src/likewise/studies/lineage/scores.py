"""How alike models and a base are at each place: by shared axes, matched features, and after a rotation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial
from typing import TypeAlias

import numpy as np

from likewise.arrays import to_numpy
from likewise.chance import together_of
from likewise.errors import InputError, UndefinedError
from likewise.inference import matched_correlation, rotated_cosine
from likewise.progress import Watch
from likewise.representation import Representation, check_all_same_items
from likewise.scoring import compare

AXES_LEVEL = 0.001
"""False alarms of shared axes, over all places: so few that both together stay near `LEVEL`."""

CERTAIN = 1e-9
"""A p of shared axes that no correction lifts above `AXES_LEVEL`."""

ALIKE = 0.5
"""Matched features that agree so well, and are so much nearer to identical ones than to those after a rotation, are
worth a remark."""

FEWEST = 6
"""Features without which no two models are one family: their orders are so few that strangers would be."""

ORDERS = 9_999
"""Orders of features that are drawn where the closed form cannot be trusted."""


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
class Score:
    """How alike a model and the base are at a place; what has no value is None."""

    axes: float | None
    axes_z: float | None
    axes_p: float | None
    matched: float | None
    rotation: float | None
    chance: float | None
    calibrated: float | None
    why: str = ""
    turned: float | None = None
    """What is matched after a rotation at random: chance of features that have no order of their own."""


def check_places(places: Sequence[Place]) -> None:
    """Refuse places of other models, or rows that do not describe the same prompts."""
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


Scores: TypeAlias = list[dict[str, Score]]
"""For each place, the scores of the model, called "", and of all others by name."""


def scored(places: Sequence[Place], seed: int, watch: Watch) -> Scores:
    """Score all models beside the base at all places."""
    total = sum(1 + len(place.others) for place in places)
    done = 0
    found: Scores = []
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


def _score(r: Representation, base: Representation, groups: np.ndarray | None, seed: int) -> Score:
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
    turned = None
    related = axes[2] is not None and axes[2] <= CERTAIN  # what is matched then says nothing new
    if matched is not None and matched >= ALIKE and not related:
        turned = matched_correlation(x @ at_random(x.shape[1], seed), y, groups)
    return Score(*axes, matched, rotation, chance, calibrated, why, turned)


def at_random(d: int, seed: int) -> np.ndarray:
    """A rotation that has nothing to do with the features."""
    return np.asarray(np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d))).Q)


def _axes(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[tuple[float | None, float | None, float | None], str]:
    """Correlation of like-numbered features, z and p; or why there is none."""
    if x.shape[1] != y.shape[1]:
        return (None, None, None), f"no shared axes: {x.shape[1]:,} and {y.shape[1]:,} features"
    varies = np.ptp(x, axis=0).astype(bool) & np.ptp(y, axis=0).astype(bool)
    if varies.sum() < 2:
        return (None, None, None), "no shared axes: fewer than two features vary"
    if _has_few_orders(int(varies.sum())):
        return (None, None, None), f"no shared axes: {varies.sum()} features have too few orders to show them"
    # A dead feature says nothing; which ones are dead in both is left out, as their numbers could be known to be.
    both = {"x": x[:, varies], "y": y[:, varies]}
    (row,) = compare(both, "feature_correlation", chance="features", permutations=ORDERS, groups=0, rng=seed)
    left = int((~varies).sum())
    return (row.value, row.z, row.pvalue), f"{left} features are constant" if left else row.reason


def _has_few_orders(features: int) -> bool:
    """Whether so few features have shared axes by chance more often than is allowed."""
    return 1 / factorial(features) > AXES_LEVEL


def families_of(places: Sequence[Place], names: Sequence[str], seed: int) -> list[list[str]]:
    """Models that share axes with one another, directly or through others, at the first place."""
    family = {name: {name} for name in names}
    rows = {name: np.asarray(to_numpy(places[0].panel[name].matrix), dtype=np.float64) for name in names}
    found: dict[tuple[str, str], tuple[float | None, bool]] = {}
    for width in {x.shape[1] for x in rows.values()}:
        same = {name: x for name, x in rows.items() if x.shape[1] == width}
        if len(same) > 1 and width >= FEWEST:
            table = compare(same, "feature_correlation", chance="features", permutations=ORDERS, groups=0, rng=seed)
            # Where orders are drawn, or features are few, p cannot be small enough for many pairs: the least counts.
            for row in table:
                least = 1 / (1 + row.n_permutations) if row.n_permutations else 1 / factorial(width)
                rare = row.pvalue is not None and row.pvalue <= least * (1 + 1e-9)
                if _has_few_orders(width):  # strangers come to that too, but seldom to this
                    rare &= row.value is not None and row.value >= ALIKE
                found[row.a, row.b] = row.pvalue, rare
    for (a, b), (p, rare) in found.items():
        if p is None:  # of features that do not vary
            p = _axes(rows[a], rows[b], seed)[0][2]
        shared = rare or (p is not None and p * len(found) <= AXES_LEVEL)
        if shared and family[a] is not family[b]:
            joined = family[a] | family[b]
            for name in joined:
                family[name] = joined
    return [sorted(members) for members in {id(f): f for f in family.values()}.values()]
