"""Compare representations pair by pair, each score with its chance level."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import perf_counter

import numpy as np
from jaxtyping import Int

from likewise.arrays import Array
from likewise.errors import InputError, UndefinedError
from likewise.measures import Configuration, configurations, prepare, record
from likewise.prepared import Prepared
from likewise.representation import Representation, check_same_items
from likewise.statistics.permutation import draw_permutations, judge
from likewise.statistics.results import Comparison, Results


def compare(
    representations: Mapping[str, Array | Representation] | Sequence[Representation],
    measures: str | Configuration | Iterable[str | Configuration] = "paper",
    *,
    permutations: int = 100,
    rng: int | np.random.Generator = 0,
    dataset: str = "",
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> Results:
    """Compare every pair of representations of the same inputs, each score beside its chance level.

    Parameters
    ----------
    representations : mapping of name to array (n x d) or Representation, or sequence of Representation
        Row i of all of them describes input i; widths may differ.
    measures : str, Configuration, or iterable of them
        A preset (``"paper"``), measures (``"cka"``), measures with parameters (``"jaccard(k=5)"``).
    permutations : int
        Number of shuffles of the rows of the second of a pair; 0 for none.
    rng : int or numpy.random.Generator
        Seed or generator of the shuffles; all pairs get the same ones.
    dataset : str
        What the inputs are called in the table.
    watch : callable
        Is told the number of pairs done, and in all.

    Returns
    -------
    Results
        One row per pair and configuration, columns as in `Comparison`.

    Raises
    ------
    InputError
        If the rows do not describe the same items, a value is not finite, or a name is unknown.

    Notes
    -----
    Cost: each representation is prepared once, O(n^2 d); a shuffle then costs O(n^2), for measures that rotate
    O(min(n, d)^3). Memory: all representations and about 11 n^2 x 8 bytes for each.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> results = compare({"x": x, "moved": 2 * x + 1}, "cka", permutations=10)
    >>> [(c.a, c.b, round(c.value, 9), round(c.calibrated, 9)) for c in results]
    [('x', 'moved', 1.0, 1.0)]
    """
    named = named_representations(representations)
    chosen = configurations(measures)
    if len(named) < 2 or not chosen:
        raise InputError(
            f"{len(named)} representations and {len(chosen)} measures; needed are two representations and one measure, "
            "or more"
        )
    for other in named[1:]:
        check_same_items(named[0], other)
    check_permutations(permutations)
    shuffles = draw_permutations(named[0].n_items, permutations, rng)
    prepared = {r.name: prepare(r) for r in named}
    pairs = list(itertools.combinations(named, 2))
    rows: list[Comparison] = []
    for done, (a, b) in enumerate(pairs):
        watch(done, len(pairs))
        x, y = prepared[a.name], prepared[b.name]
        rows += compare_pair(a, b, x, y, chosen, shuffles, seed=rng, dataset=dataset)
    watch(len(pairs), len(pairs))
    return Results.of(rows)


def check_permutations(count: int) -> None:
    """Refuse a number of shuffles that is not one."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
        raise InputError(f"permutations={count}; needed is a whole number, 0 or more")


def named_representations(
    given: Mapping[str, Array | Representation] | Sequence[Representation],
) -> list[Representation]:
    """Return the representations, named by the mapping's keys where there are any."""
    if isinstance(given, Mapping):
        return [
            Representation(r.matrix, r.ids if r.has_ids else (), str(name), r.key, r.source)
            if isinstance(r, Representation)
            else Representation(r, name=str(name))
            for name, r in given.items()
        ]
    if unnamed := [r for r in given if not isinstance(r, Representation)]:
        raise InputError(f"a {type(unnamed[0]).__name__} has no name; give a mapping of names to arrays")
    names = [r.name for r in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two representations are called {twice[0]!r}; names must tell them apart")
    return list(given)


def compare_pair(
    a: Representation,
    b: Representation,
    x: Prepared,
    y: Prepared,
    chosen: Sequence[Configuration],
    shuffles: Int[np.ndarray, "p n"],
    *,
    seed: int | np.random.Generator,
    dataset: str,
) -> Iterator[Comparison]:
    """Yield one comparison per configuration; ``x`` and ``y`` are ``a`` and ``b`` prepared."""
    values: dict[Configuration, float] = {}
    reasons: dict[Configuration, str] = {}
    seconds = dict.fromkeys(chosen, 0.0)
    null: dict[Configuration, list[float]] = {c: [] for c in chosen}

    def timed(configuration: Configuration, other: Prepared) -> float:
        start = perf_counter()
        try:
            return configuration(x, other)
        finally:
            seconds[configuration] += perf_counter() - start

    for c in chosen:
        try:
            values[c] = timed(c, y)
        except UndefinedError as error:
            reasons[c] = str(error)
    # Shuffles outside, configurations inside: what configurations share is computed once per shuffle.
    for shuffle in shuffles if values else ():
        other = y.permuted(shuffle)
        for c in list(values):
            try:
                null[c].append(timed(c, other))
            except UndefinedError as error:
                reasons[c] = f"after a shuffle: {error}"
                del values[c]
                null[c] = []
    for c in chosen:
        chance = judge(values[c], null[c], c.facts) if null[c] else None
        yield Comparison(
            dataset=dataset,
            a=a.name,
            b=b.name,
            measure=c.measure,
            parameters=c.parameters_json,
            value=values.get(c),
            direction=c.facts.direction,
            null_mean=chance.mean if chance else None,
            null_std=chance.std if chance else None,
            z=chance.z if chance else None,
            pvalue=chance.pvalue if chance else None,
            calibrated=chance.calibrated if chance else None,
            n_permutations=len(null[c]),
            n_items=x.n,
            status="ok" if c in values else "undefined",
            reason=reasons.get(c, chance.reason if chance else ""),
            seconds=seconds[c],
            a_key=a.key,
            b_key=b.key,
            seed=int(seed) if isinstance(seed, int | np.integer) else None,
            measure_version=record(c.measure).version,
        )
