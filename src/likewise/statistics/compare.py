"""Compare representations pair by pair, each score with its chance level."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Int

from likewise.arrays import Array
from likewise.errors import InputError, UndefinedError
from likewise.measures import Configuration, configurations, prepare, record
from likewise.prepared import Prepared
from likewise.representation import Representation, check_same_items
from likewise.statistics.permutation import Chance, draw_permutations, judge
from likewise.statistics.results import Comparison, Results

NO_CHANCE = "no chance level: the value does not depend on which row belongs to which"
"""The reason beside a value that was asked for shuffles and that no order of rows changes."""

T = TypeVar("T")


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
        One row per pair and configuration, two where the order of the pair counts, columns as in `Comparison`.

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


def orders(configuration: Configuration, pair: tuple[T, T]) -> tuple[tuple[T, T], ...]:
    """Return the orders in which a configuration scores a pair: both where exchanging them changes the value.

    Examples
    --------
    >>> orders(Configuration.parse("cka"), ("a", "b"))
    (('a', 'b'),)
    """
    first, second = pair
    return (pair,) if configuration.facts.symmetric else (pair, (second, first))


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
    """Yield one comparison per configuration, and after it that of (b, a) where the order counts.

    ``x`` and ``y`` are ``a`` and ``b`` prepared. The shuffled rows are those of ``y``, and those of the first of a row
    where the order counts: the fit to the second, often the dearer, then stands.
    """
    scores = [_Score(c, first, second, turned=first is not a) for c in chosen for first, second in orders(c, (a, b))]
    for s in scores:
        try:
            s.value = s.compute(x, y)
        except UndefinedError as error:
            s.reason = str(error)
    judged = [s for s in scores if s.value is not None and s.configuration.facts.paired]
    # Shuffles outside, configurations inside: what configurations share is computed once per shuffle.
    for shuffle in shuffles if judged else ():
        shuffled_x, shuffled_y = x.permuted(shuffle), y.permuted(shuffle)
        for s in list(judged):
            first_is_x = not (s.configuration.facts.symmetric or s.turned)
            try:
                s.null.append(s.compute(shuffled_x, y) if first_is_x else s.compute(x, shuffled_y))
            except UndefinedError as error:
                s.null, s.reason = [], f"no chance level: undefined after a shuffle: {error}"
                judged.remove(s)
    for s in scores:
        if s.value is not None and len(shuffles) and not s.configuration.facts.paired:
            s.reason = NO_CHANCE
        chance = s.chance(x, y)
        yield Comparison(
            dataset=dataset,
            a=s.first.name,
            b=s.second.name,
            measure=s.configuration.measure,
            parameters=s.configuration.parameters_json,
            value=s.value,
            direction=s.configuration.facts.direction,
            null_mean=chance.mean if chance else None,
            null_std=chance.std if chance else None,
            z=chance.z if chance else None,
            pvalue=chance.pvalue if chance else None,
            calibrated=chance.calibrated if chance else None,
            n_permutations=len(s.null),
            n_items=x.n,
            status="undefined" if s.value is None else "ok",
            reason=chance.reason if chance else s.reason,
            seconds=s.seconds,
            a_key=s.first.key,
            b_key=s.second.key,
            seed=int(seed) if isinstance(seed, int | np.integer) else None,
            measure_version=record(s.configuration.measure).version,
        )


@dataclass
class _Score:
    """A row on its way: a configuration of a pair in one order, what was found so far, and the time that it took."""

    configuration: Configuration
    first: Representation
    second: Representation
    turned: bool
    value: float | None = None
    null: list[float] = field(default_factory=list)
    reason: str = ""
    seconds: float = 0.0

    def compute(self, x: Prepared, y: Prepared) -> float:
        """Return the score of a pair, which is given in the order of the experiment."""
        start = perf_counter()
        try:
            return self.configuration(y, x) if self.turned else self.configuration(x, y)
        finally:
            self.seconds += perf_counter() - start

    def chance(self, x: Prepared, y: Prepared) -> Chance | None:
        """Set the value beside its shuffles, where there are any."""
        if self.value is None or not self.null:
            return None
        facts = self.configuration.facts
        if facts.identity is not None:
            return judge(self.value, self.null, facts, facts.identity)
        start = perf_counter()
        one, other = self_score(self.configuration, x), self_score(self.configuration, y)
        self.seconds += perf_counter() - start
        if isinstance(one, float) and isinstance(other, float):
            return judge(self.value, self.null, facts, (one + other) / 2)
        chance = judge(self.value, self.null, facts, None)
        told = f"not calibrated: a representation and itself: {one if isinstance(one, str) else other}"
        return replace(chance, reason="; ".join(filter(None, [chance.reason, told])))


_self_scores: WeakKeyDictionary[Prepared, dict[Configuration, float | str]] = WeakKeyDictionary()


def self_score(configuration: Configuration, x: Prepared) -> float | str:
    """Return the score of a representation and itself, computed once, or the reason why there is none."""
    known = _self_scores.setdefault(x, {})
    if configuration not in known:
        try:
            known[configuration] = configuration(x, x)
        except UndefinedError as error:
            known[configuration] = str(error)
    return known[configuration]
