"""Named lists of configurations."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from likewise.errors import InputError
from likewise.measures.configuration import Configuration
from likewise.measures.registry import REGISTRY
from likewise.naming import did_you_mean, parse_call

PRESETS: dict[str, tuple[str, ...]] = {
    # arXiv 2312.02730, section 3: four configurations that ignore rotation and scale, six that ignore offset too.
    "paper": (
        "procrustes(center=False)",
        "aligned_cosine(center=False, normalize=False)",
        'rsm_difference(inner="cosine", center=False, normalize=False)',
        "jaccard",
        "procrustes",
        "aligned_cosine",
        "rsm_difference",
        "jaccard(center=True)",
        "rsa",
        "cka",
    ),
    # arXiv 2408.00531: the 24 of the ReSi benchmark with its parameters. Where its code departs from the definition,
    # the variant gives its number; linear_predictivity is undefined where it inverts a singular matrix, pwcca and imd
    # are the definitions, because its numbers depend on signs and on random draws.
    "resi": (
        "aligned_cosine(center=False, normalize=False)",
        "cka",
        "concentricity_difference",
        "distance_correlation",
        'eigenspace_overlap(over="width")',
        "gulp(lam=0.0, squared=True)",
        "hard_correlation_match",
        "imd",
        "jaccard",
        "linear_predictivity",
        "magnitude_difference",
        "permutation_procrustes",
        "procrustes",
        "procrustes(normalize=False)",
        "procrustes_angle",
        "pwcca",
        "rank_similarity",
        'rsa(inner="correlation")',
        'rsm_difference(center=False, normalize=False, norm="spectral")',
        "rtd(sample=500, draws=10)",
        "second_order_cosine",
        "soft_correlation_match",
        "svcca(k=1)",
        "uniformity_difference(normalize=False)",
    ),
    # arXiv 2405.07987.
    "platonic": ("mutual_knn", "cknna", "cka", "cka(debiased=True)", "svcca(k=10)"),
    # For copies of one model, whose features are the same ones; block_influence is 1 less cosine.
    "direct": (
        "feature_correlation",
        "relative_error",
        'relative_error(over="rows")',
        'relative_error(over="rows", center=True)',
        "signal_to_noise",
        "cosine",
        "cosine(center=True)",
        "largest_error",
    ),
    # One for each question, each with a chance level that does not crowd out the score; docs/measures.md says why.
    "recommended": (
        "cka(debiased=True)",
        "procrustes_angle",
        "rsa",
        "mutual_knn",
        "linear_predictivity(folds=5, ridge=0.01)",
    ),
    # Of log-probabilities, which the others do not need.
    "outputs": ("kl_divergence", "jensen_shannon", "total_variation", "equal_top"),
}

ALL = "all"
"""Every measure of likewise that takes rows of any kind, at its defaults."""


def presets() -> dict[str, tuple[str, ...]]:
    """All presets: those of `PRESETS`, and every measure that takes rows of any kind, at its defaults."""
    every = (name for name in REGISTRY if ":" not in name and not Configuration(name, {}).facts.needs)
    return {**PRESETS, ALL: tuple(every)}


Asked: TypeAlias = str | Configuration | Callable[..., float]
"""A preset, a measure by its name, with its parameters or not, or its function."""


def configurations(
    measures: Asked | Iterable[Asked],
) -> tuple[Configuration, ...]:
    """Turn presets and measures with parameters into a list of configurations, each once.

    Parameters
    ----------
    measures : str, Configuration, or iterable of them
        Presets (``"paper"``, ``"resi"``, ``"platonic"``, ``"recommended"``, ``"direct"``, ``"outputs"``, ``"all"``),
        measures (``"cka"``), measures with parameters (``"jaccard(k=5)"``), your own (``"module:function"``).

    Returns
    -------
    tuple of Configuration
        In the order given, each once.

    Raises
    ------
    InputError
        If a name or a parameter is unknown.

    Examples
    --------
    >>> [c.label for c in configurations(["cka", "jaccard(k=5)", "cka"])]
    ['cka', 'jaccard(k=5)']
    >>> len(configurations("paper"))
    10
    """
    if isinstance(measures, str | Configuration) or not isinstance(measures, Iterable):
        measures = [measures]
    found: dict[Configuration, None] = {}
    for given in measures:
        item = getattr(given, "measure_name", given)  # the function of a measure is called by its name
        if not isinstance(item, str | Configuration):
            raise InputError(f"{item!r} is not a measure; expected a name, such as 'cka' or 'jaccard(k=5)'")
        if isinstance(item, Configuration):
            found[item] = None
        elif item in PRESETS or item == ALL:
            found |= dict.fromkeys(Configuration(*parse_call(call)) for call in presets()[item])
        elif (name := parse_call(item)[0]) not in REGISTRY and ":" not in name:
            raise InputError(f"unknown measure or preset {item!r}; {did_you_mean(name, (*REGISTRY, *presets()))}")
        else:
            found[Configuration.parse(item)] = None
    return tuple(found)
