"""Overfitting: measures that fit, scored on the inputs that they were fitted to and on held-out inputs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from likewise.measures import Configuration
from likewise.scoring.comparison import Comparison
from likewise.scoring.results import Results


@dataclass(frozen=True)
class Overfit:
    """A measure that fits, in-sample and held-out, over the pairs of a data set that have both values.

    Parameters
    ----------
    dataset : str
        The data set.
    in_sample, held_out : str
        The configuration whose fit sees all inputs, and the same with ``folds``.
    n_pairs : int
        Pairs with both values; each order counts where it counts in the measure.
    n_items : int
        Inputs.
    value_in_sample, value_held_out : float
        Means over those pairs.
    gap : float
        By how much the in-sample mean is the more alike: what the fit owes to seeing the inputs that it is scored on.
    chance_in_sample, chance_held_out : float or None
        Mean chance levels over the same pairs, where all have one.
    """

    dataset: str
    in_sample: str
    held_out: str
    n_pairs: int
    n_items: int
    value_in_sample: float
    value_held_out: float
    gap: float
    chance_in_sample: float | None
    chance_held_out: float | None


def overfitting(results: Results) -> list[Overfit]:
    """Compare every configuration with ``folds`` to the same one without, where a table has both.

    Examples
    --------
    >>> import numpy as np
    >>> from likewise.scoring import compare
    >>> x, y = np.random.default_rng(0).normal(size=(2, 20, 40))
    >>> both = ["procrustes(normalize=False)", "procrustes(normalize=False, folds=5)"]
    >>> (found,) = overfitting(compare({"x": x, "y": y}, both, permutations=0, groups=0))
    >>> found.held_out, found.gap > 0  # unrelated rows are fitted, and the fit means nothing for the others
    ('procrustes(normalize=False, folds=5)', True)
    """
    found: dict[tuple[str, Configuration], dict[tuple[str, str], Comparison]] = {}
    if not any(c.parameters.get("folds") for c in results.configurations.values()):
        return []  # soon, however long the table is
    for row in results:
        if row.value is not None:
            of = row.dataset, results.configurations[row.measure, row.parameters]
            found.setdefault(of, {})[row.a, row.b] = row
    return list(_gaps(found))


def _gaps(found: dict[tuple[str, Configuration], dict[tuple[str, str], Comparison]]) -> Iterator[Overfit]:
    as_asked = {configuration: configuration for _, configuration in found}
    for (dataset, held_out), tested in found.items():
        if not held_out.parameters.get("folds"):
            continue
        in_sample = replace(held_out, parameters={**held_out.parameters, "folds": 0})
        in_sample = as_asked.get(in_sample, in_sample)  # whose label is as in the table
        fitted = found.get((dataset, in_sample), {})
        common = [pair for pair in fitted if pair in tested]
        if common:
            value, value_held = (float(np.mean([side[p].value for p in common])) for side in (fitted, tested))
            chance, chance_held = (_mean([side[p].null_mean for p in common]) for side in (fitted, tested))
            yield Overfit(
                dataset,
                in_sample.label,
                held_out.label,
                len(common),
                fitted[common[0]].n_items,
                value,
                value_held,
                held_out.facts.more_alike * (value - value_held),
                chance,
                chance_held,
            )


def _mean(numbers: list[float | None]) -> float | None:
    return None if None in numbers else float(np.mean(numbers))  # type: ignore[arg-type]  # none is None
