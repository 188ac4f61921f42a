"""Learning curves: a score, its chance level and its calibrated value with fewer inputs."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from likewise.chance import DEFAULT
from likewise.chance import Asked as Chance
from likewise.chance.together import together_of
from likewise.errors import InputError
from likewise.fields import CURVE_DRAWS, CURVE_PERMUTATIONS, MOST_DRAWN, MOST_SEED, SEED, wrong_number
from likewise.measures import Asked, Configuration, configurations, prepare
from likewise.progress import Watch, unwatched
from likewise.scoring.block import score_block
from likewise.scoring.compare import Given, chance_or_null, check_request, named_representations, of_one_order
from likewise.scoring.comparison import Between
from likewise.scoring.pairs import ALL, Pairs
from likewise.scoring.trust import Trust

STEPS = 8
"""Numbers of inputs on a curve."""


@dataclass(frozen=True)
class Point(Between):
    """The scores of a pair in one configuration with fewer inputs: means over several draws of inputs.

    Parameters
    ----------
    a, b, measure, parameters : str
        As in `Comparison`.
    n_items : int
        Number of inputs.
    draws : int
        Number of draws that gave a score.
    value, null_mean, calibrated : float or None
        Means over the draws; None where no draw has one.
    calibrated_low, calibrated_high : float or None
        Lowest and highest over the draws.
    reason : str
        Why something is missing, for the first draw in which it is missing.
    """

    n_items: int
    draws: int
    value: float | None
    null_mean: float | None
    calibrated: float | None
    calibrated_low: float | None
    calibrated_high: float | None
    reason: str


def learning_curve(
    representations: Given,
    measures: Asked | Iterable[Asked] = "paper",
    *,
    pairs: Pairs | str | Mapping[str, Any] = ALL,
    sizes: Sequence[int] = (),
    draws: int = CURVE_DRAWS,
    chance: Chance = DEFAULT,
    permutations: int = CURVE_PERMUTATIONS,
    seed: int = SEED,
    join: str = "exact",
    watch: Watch = unwatched,
    null: Chance | None = None,
) -> list[Point]:
    """Compare pairs with fewer inputs, drawn without replacement; where inputs belong together, whole groups of them.

    Parameters
    ----------
    representations, measures, pairs, chance, permutations, join, null
        As in `compare`.
    sizes : sequence of int
        Numbers of inputs; all inputs are always added. By default eight sizes, evenly spaced on a logarithmic scale.
    draws : int
        Number of random draws for each size, the same for all pairs.
    seed : int
        Seed of draws and shuffles.
    watch : callable
        Called with ``("drawing inputs", done, total)``, in draws.

    Returns
    -------
    list of Point
        By pair, configuration, order of the pair and number of inputs.

    Notes
    -----
    Cost: all inputs are prepared once. A draw then costs as much as comparing that many prepared inputs: its distances,
    inner products and factors are taken from those of all inputs.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(40, 5))
    >>> points = learning_curve({"x": x, "moved": 2 * x + 1}, "cka", sizes=[20], draws=2)
    >>> [(p.n_items, p.draws, round(p.calibrated, 9)) for p in points]
    [(20, 2, 1.0), (40, 1, 1.0)]
    """
    named, chosen = of_one_order(named_representations(representations), join), configurations(measures)
    chance = chance_or_null(chance, null)
    check_request(chance, permutations, 0)
    n = named[0].n_items
    wanted = sorted({int(size) for size in sizes} or _spaced(n, chosen)) if n else []
    if wrong := [size for size in wanted if not 2 <= size <= n]:
        raise InputError(f"sizes={wrong[0]}; expected numbers of inputs from 2 to {n}")
    if said := wrong_number("draws", draws, 1, MOST_DRAWN) or wrong_number("seed", seed, most=MOST_SEED):
        raise InputError(said)
    rng = np.random.default_rng(seed)
    sides, together = [prepare(r) for r in named], together_of(named)
    if together:  # whole groups are drawn: sizes are those of so many, on average
        each = n / together.count
        wanted = sorted({round(max(2, round(size / each)) * each) for size in wanted})
    fewer = [size for size in wanted if size < n for _ in range(draws)]

    def drawn(size: int) -> Int[np.ndarray, " m"]:
        if together is None:
            return np.sort(rng.permutation(n)[:size])
        return np.flatnonzero(np.isin(together.of, rng.permutation(together.count)[: round(size * together.count / n)]))

    parts = itertools.chain(((size, drawn(size)) for size in fewer), [(n, np.arange(n))])
    wanted_pairs = Pairs.read(pairs).among([r.name for r in named])
    found: dict[tuple[str, str, str, str], dict[int, list[dict[str, object]]]] = {}
    for done, (size, items) in enumerate(parts):
        watch("drawing inputs", done, len(fewer) + 1)
        subset = {i: side.take(items) if len(items) < n else side for i, side in enumerate(sides)}
        trust = Trust(chance, permutations, seed, groups=0)
        of_part = together.among(items) if together else None
        for row in score_block(named, wanted_pairs, chosen, trust, sides=subset, together=of_part).table.to_pylist():
            of = row["a"], row["b"], row["measure"], row["parameters"]
            found.setdefault(of, {}).setdefault(size, []).append(row)
    watch("drawing inputs", len(fewer) + 1, len(fewer) + 1)
    return [_point(of, size, rows) for of, curve in found.items() for size, rows in curve.items()]


def _spaced(n: int, chosen: Sequence[Configuration]) -> set[int]:
    # From half of the inputs on nothing is found stable, so there is always a size of no more.
    fewest = max(10, min(n // 2, max((2 * c.facts.minimum_items for c in chosen), default=0)))
    return {int(size) for size in np.geomspace(min(fewest, n), n, STEPS).round()}


def _point(of: tuple[str, str, str, str], size: int, rows: Sequence[Mapping[str, object]]) -> Point:
    def numbers(column: str) -> list[float]:
        return [float(str(row[column])) for row in rows if row[column] is not None]

    def mean(column: str) -> float | None:
        return float(np.mean(numbers(column))) if numbers(column) else None

    calibrated = numbers("calibrated")
    return Point(
        *of,
        n_items=size,
        draws=len(numbers("value")),
        value=mean("value"),
        null_mean=mean("null_mean"),
        calibrated=mean("calibrated"),
        calibrated_low=min(calibrated, default=None),
        calibrated_high=max(calibrated, default=None),
        reason=next((str(row["reason"]) for row in rows if row["reason"]), ""),
    )


def stable_from(curve: Sequence[Point], tolerance: float) -> int | None:
    """Return the number of inputs from which the calibrated score stays within a tolerance of its last value.

    None if it is not stable from half of the inputs on: the last part of a curve is always close to its end.

    Examples
    --------
    >>> rows = [(10, 0.9), (20, 0.52), (40, 0.51), (80, 0.5)]
    >>> curve = [Point("a", "b", "cka", "{}", n, 1, c, 0.0, c, c, c, "") for n, c in rows]
    >>> stable_from(curve, 0.05), stable_from(curve, 0.005)
    (20, None)
    """
    points = sorted(curve, key=lambda p: p.n_items)
    last = points[-1]
    stable = None
    for point in reversed(points):
        if point.calibrated is None or last.calibrated is None or abs(point.calibrated - last.calibrated) > tolerance:
            break
        stable = point.n_items
    return stable if stable is not None and 2 * stable <= last.n_items else None
