"""The best of several layers: a maximum over many scores, beside the maximum that shuffled rows reach."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from likewise.arrays import Array
from likewise.chance import ShuffledRows
from likewise.chance.permutation import Null, judge, without_chance
from likewise.chance.reasons import Reason, joined
from likewise.chance.together import Together, together_of
from likewise.errors import InputError
from likewise.fields import PERMUTATIONS, SEED
from likewise.measures import Asked, Configuration, configurations, prepare
from likewise.progress import Watch, unwatched
from likewise.quantities import threads_for
from likewise.representation import Representation
from likewise.scoring.block import score_columns, smaller_side
from likewise.scoring.columns import Column, orders
from likewise.scoring.compare import check_request, named_representations, of_one_order
from likewise.scoring.comparison import Between
from likewise.scoring.pairs import ALL, Pairs
from likewise.scoring.rows import identities
from likewise.scoring.trust import Trust

BLOCK = 8
"""Layers of either model that are prepared at a time."""


@dataclass(frozen=True)
class BestLayers(Between):
    """The pair of layers of two models that is most alike in one configuration; None where there is no number.

    Parameters
    ----------
    a, b, measure, parameters : str
        As in `Comparison`, of the models.
    layer_a, layer_b : str
        Names of the best layers.
    n_layer_pairs : int
        Pairs of layers that have a score.
    value : float or None
        The best score.
    null_mean, null_std, z, pvalue, calibrated : float or None
        Against the best over the same pairs of layers after each shuffle.
    pvalue_alone : float or None
        The p-value of the best pair of layers as if no other had been tried: too small by the choice.
    n_permutations : int
        Number of shuffles.
    reason : str
        Why something is missing.
    """

    layer_a: str
    layer_b: str
    n_layer_pairs: int
    value: float | None
    null_mean: float | None
    null_std: float | None
    z: float | None
    pvalue: float | None
    calibrated: float | None
    pvalue_alone: float | None
    n_permutations: int
    reason: str


def best_layers(
    models: Mapping[str, Mapping[str, Array | Representation] | Sequence[Representation]],
    measures: Asked | Iterable[Asked] = "recommended",
    *,
    pairs: Pairs | str | Mapping[str, Any] = ALL,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
    watch: Watch = unwatched,
) -> list[BestLayers]:
    r"""Find the most alike layers of each two models, and compare their score with the best of shuffled rows.

    .. math:: T = \max_{l, m} s(X_l, Y_m), \qquad T_{\pi, \rho} = \max_{l, m} s(\pi X_l, \rho Y_m)

    Here :math:`\pi` shuffles all layers of the one model, and :math:`\rho` all layers of the other. So chance too is
    the best of as many scores, correlated in the same way. A p-value of the best pair alone would ignore that it was
    chosen.

    Parameters
    ----------
    models : mapping of name to layers
        The layers, given as `compare` takes representations. All describe the same inputs.
    measures : str, Configuration, or iterable of them
        As in `compare`.
    pairs : str or mapping
        Which pairs of models, as in `compare`; all by default.
    permutations : int
        Number of shuffles, 1 or more: a maximum has no closed form.
    seed : int
        Seed of the shuffles.
    watch : callable
        Called with ``("comparing layers", done, total)``, in pairs of layers.

    Returns
    -------
    list of BestLayers
        One per pair of models and configuration, two where the order of the pair counts.

    Raises
    ------
    InputError
        If there are fewer than two models, the rows do not describe the same inputs, or the groups of inputs differ.

    Notes
    -----
    Cost: comparing all pairs of layers, with their shuffles. Memory: eight prepared layers of each model, twice.

    References
    ----------
    Westfall and Young (1993), *Resampling-Based Multiple Testing*, for the maximum over tests under one shuffle.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> early, late = rng.normal(size=(2, 30, 4))
    >>> found = best_layers({"x": {"0": early, "1": late}, "y": {"0": 2 * late + 1}}, "cka", permutations=20)
    >>> [(best.layer_a, best.layer_b, round(best.value, 9), round(best.calibrated, 9)) for best in found]
    [('1', '0', 1.0, 1.0)]
    """
    named = {name: named_representations(layers) for name, layers in models.items()}
    chosen = configurations(measures)
    check_request(ShuffledRows.name, permutations, 0)
    if len(named) < 2 or not chosen or not all(named.values()) or not permutations:
        raise InputError(
            f"{len(named)} models, {min(map(len, named.values()), default=0)} layers of one of them, {len(chosen)} "
            f"measures, {permutations} shuffles; expected two models and one of each other, or more"
        )
    everything = of_one_order([r for layers in named.values() for r in layers])
    together = together_of(everything)
    ordered = iter(everything)
    named = {name: list(itertools.islice(ordered, len(layers))) for name, layers in named.items()}
    trust = Trust(ShuffledRows.name, permutations, seed, groups=0)
    models_in_order = list(named)
    couples = [(models_in_order[i], models_in_order[j]) for i, j in Pairs.read(pairs).among(models_in_order)]
    total = sum(len(named[a]) * len(named[b]) for a, b in couples)
    done = 0
    found = []
    for a, b in couples:
        parts: list[list[_Part]] = []
        for left, right in itertools.product(_blocks(named[a]), _blocks(named[b])):
            count = len(left) * len(right)
            tell = functools.partial(_tell, watch, done, count, total)
            parts.append(_score(left, right, chosen, trust, together, tell))
            done += count
        found += [_best(a, b, of_one) for of_one in zip(*parts, strict=True)]
    watch("comparing layers", total, total)
    return found


@dataclass(frozen=True)
class _Part:
    """A column over some pairs of layers, what each can come to, the names of both, and why it has no chance."""

    column: Column
    identity: np.ndarray
    names: list[tuple[str, str]]
    no_chance: str


def _tell(watch: Watch, before: int, count: int, total: int, label: str, done: int, of: int) -> None:
    watch("comparing layers", before + count * done // of, total)


def _blocks(layers: Sequence[Representation]) -> list[Sequence[Representation]]:
    return [layers[start : start + BLOCK] for start in range(0, len(layers), BLOCK)]


def _score(
    left: Sequence[Representation],
    right: Sequence[Representation],
    chosen: Sequence[Configuration],
    trust: Trust,
    together: Together | None,
    watch: Watch,
) -> list[_Part]:
    sides = dict(enumerate(map(prepare, [*left, *right])))
    pairs = [(i, len(left) + j) for i in range(len(left)) for j in range(len(right))]
    names = [(left[i].name, right[j - len(left)].name) for i, j in pairs]
    # The layers of a model move together, so that the best after a shuffle is a choice among the same.
    models = {i: "first" if i < len(left) else "second" for i in sides}
    with threads_for(smaller_side(sides)):
        columns = score_columns(sides, pairs, chosen, trust, models, together=together, watch=watch)
        why = without_chance(together)
        return [_Part(c, identities(c, c.value, sides, pairs)[0], names, why) for c in columns]


def _best(a: str, b: str, parts: Sequence[_Part]) -> BestLayers:
    """The best over all pairs of layers that have a score, and over the same after each shuffle."""
    c = parts[0].column
    facts = c.configuration.facts
    value, identity = (np.concatenate(of) for of in ([p.column.value for p in parts], [p.identity for p in parts]))
    shuffled = np.concatenate([p.column.shuffled for p in parts], axis=1)
    names = [pair for p in parts for pair in p.names]
    undefined = [why for p in parts for why in p.column.undefined.values()]
    no_null = [why for p in parts for why in p.column.no_null.values()]
    known = np.flatnonzero(~np.isnan(value))
    reasons = [f"{len(undefined)} of {len(value)} pairs of layers: {undefined[0]}"] if undefined else []
    layers, numbers = ("", ""), [np.full(1, np.nan)] * 7
    if len(known):
        place = known[np.argmax(facts.more_alike * value[known])]
        layers, best = names[place], value[place : place + 1]
        numbers[0] = best
        if no_null:
            reasons.append(Reason.NOT_SHUFFLED.because(no_null[0]))
        elif facts.paired and not len(shuffled):
            reasons.append(parts[0].no_chance or Reason.NO_EXCHANGE)
        elif facts.paired:
            most = facts.more_alike * np.max(facts.more_alike * shuffled[:, known], axis=1, keepdims=True)
            chance = judge(best, Null.of_shuffles(best, most, facts), facts, identity[place : place + 1])
            of_one = Null.of_shuffles(best, shuffled[:, place : place + 1], facts)
            numbers[1:] = [chance.mean, chance.std, chance.z, chance.pvalue, chance.calibrated, of_one.pvalue]
            reasons += filter(None, chance.reason)
        else:
            reasons.append(Reason.NO_CHANCE)
    first, second = orders(c.configuration, (a, b))[c.turned]
    score, mean, std, z, pvalue, calibrated, alone = (None if np.isnan(x[0]) else float(x[0]) for x in numbers)
    best_a, best_b = layers[::-1] if c.turned else layers
    return BestLayers(
        first,
        second,
        c.configuration.measure,
        c.configuration.parameters_json,
        best_a,
        best_b,
        len(known),
        value=score,
        null_mean=mean,
        null_std=std,
        z=z,
        pvalue=pvalue,
        calibrated=calibrated,
        pvalue_alone=alone,
        n_permutations=len(shuffled),
        reason=joined(reasons),
    )
