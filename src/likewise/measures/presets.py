"""Named lists of configurations."""

from collections.abc import Iterable

from likewise.errors import InputError
from likewise.measures.measure import REGISTRY, Configuration
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
}


def configurations(
    measures: str | Configuration | Iterable[str | Configuration],
) -> tuple[Configuration, ...]:
    """Read presets, measures with parameters, or a list of both, into configurations without repetition.

    Parameters
    ----------
    measures : str, Configuration, or iterable of them
        Presets (``"paper"``), measures (``"cka"``), measures with parameters (``"jaccard(k=5)"``).

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
    if isinstance(measures, str | Configuration):
        measures = [measures]
    found: dict[Configuration, None] = {}
    for item in measures:
        if isinstance(item, Configuration):
            found[item] = None
        elif item in PRESETS:
            found |= dict.fromkeys(map(Configuration.parse, PRESETS[item]))
        elif parse_call(item)[0] not in REGISTRY:
            known = (*REGISTRY, *PRESETS)
            raise InputError(f"unknown measure or preset {item!r}; {did_you_mean(parse_call(item)[0], known)}")
        else:
            found[Configuration.parse(item)] = None
    return tuple(found)
