"""What every measure must pass, likewise's own and yours: each declared fact, proven on random draws."""

import importlib
import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from likewise.errors import UndefinedError
from likewise.measures import INVARIANCES, Configuration, Facts, Measure, record
from likewise.naming import counted
from likewise.quantities import Prepared

Score: TypeAlias = Callable[[Any, Any], float]

NOTICED = 1e-4
"""A change this large, as a share of the values that can be, is no rounding."""

SHAPES = ((16, 5, 5), (16, 5, 7), (13, 20, 17))
"""Items, features, features: the last has fewer items than features."""

TALL = ((16, 5, 5), (16, 5, 7), (30, 9, 14))
"""For measures that are undefined where items are fewer than features."""

LIBRARIES = ("array_api_strict", "torch")
"""Array libraries, besides NumPy, on which a measure must give the same value, where they are installed."""


def check_measure(measure: str | Callable[..., float], definition: Callable[..., float] | None = None) -> None:
    """Prove every declared fact of a measure and all its variants, and that it behaves as others do.

    Parameters
    ----------
    measure : str or callable
        A registered measure: its name, ``module:function``, or the function itself.
    definition : callable, optional
        A slow definition, written from the formula and not from the code: takes two NumPy matrices and the
        measure's parameters by name. Its values must agree.

    Raises
    ------
    AssertionError
        Naming each configuration and check that failed, with what was seen.

    Examples
    --------
    >>> import numpy as np
    >>> def bures(x, y):
    ...     x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    ...     return np.linalg.norm(x.T @ y, "nuc") / np.linalg.norm(x) / np.linalg.norm(y)
    >>> check_measure("nbs", definition=bures)
    """
    known = record(measure if isinstance(measure, str) else registered_name(measure))
    failures = []
    for variant in known.variants:
        configuration = Configuration(known.name, variant)
        for check in CHECKS:
            try:
                check(configuration, configuration.facts)
            except (AssertionError, UndefinedError) as error:
                failures.append(f"{configuration.label}, {check.__name__}: {error}")
        if definition is not None:
            try:
                check_definition(configuration, definition)
            except AssertionError as error:
                failures.append(f"{configuration.label}, check_definition: {error}")
    for check_record in RECORD_CHECKS:
        try:
            check_record(known)
        except AssertionError as error:
            failures.append(f"{known.name}, {check_record.__name__}: {error}")
    assert not failures, "\n".join(failures)


def registered_name(function: Callable[..., float]) -> str:
    """The name under which a decorated function is known."""
    name = getattr(function, "measure_name", None)
    assert name is not None, f"{function.__name__} is not decorated with @likewise.measures.measure"
    return str(name)


def draw(n: int, d: int, e: int, seed: int = 0, facts: Facts | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draw two matrices of generic rows, off the origin and partly alike, of the kind that a measure needs."""
    rng = np.random.default_rng([n, d, e, seed])
    shared = rng.normal(size=(n, 4))
    x, y = (shared @ rng.normal(size=(4, w)) + rng.normal(size=(n, w)) + rng.normal(size=w) for w in (d, e))
    return (x, y) if facts is None else (as_needed(x, facts), as_needed(y, facts))


def as_needed(x: np.ndarray, facts: Facts) -> np.ndarray:
    """Numbers as rows of the kind that a measure needs: log-probabilities by a softmax."""
    if facts.needs != "log_probabilities":
        return x
    x = x - x.max(axis=1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=1, keepdims=True)))


def prepared(x: Any, facts: Facts) -> Prepared:
    """Rows of the kind that a measure needs, prepared."""
    return Prepared(x, kind=facts.needs or "states")


def draws(facts: Facts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draw a pair of each shape for which the measure has a value."""
    return (draw(*shape, facts=facts) for shape in shapes(facts))


def shapes(facts: Facts) -> tuple[tuple[int, int, int], ...]:
    """Shapes for which the measure has a value."""
    found = TALL if facts.undefined_if_wide else SHAPES
    return tuple((n, *widths(d, e, facts)) for n, d, e in found)


def widths(d: int, e: int, facts: Facts) -> tuple[int, int]:
    """Features of two sides; as many of both, where the measure needs the same."""
    return (d, d) if facts.same_features else (d, e)


def same(a: float, b: float, facts: Facts) -> bool:
    """Whether two values differ by rounding alone."""
    return abs(a - b) <= facts.rounding * max(1, abs(a), abs(b))


def check_bounds(score: Score, facts: Facts) -> None:
    """No value lies outside the bounds."""
    low, high = facts.bounds
    for x, y in draws(facts):
        for made in (x, -x, y, 1e3 * y, np.tri(*y.shape), x[::-1], np.vander(x[:, 0], 3)):
            other = made if made is x or made is y else as_needed(made, facts)
            try:
                value = score(x, other)
            except UndefinedError:
                equal = other is x and facts.undefined_if_equal
                assert equal or not (other is x or other is y), "undefined for generic rows"
                continue
            assert low - facts.rounding <= value <= high + facts.rounding, f"{value} is out of {facts.bounds}"


def check_identity(score: Score, facts: Facts) -> None:
    """A representation and itself score the declared value, and what is less alike lies farther from it."""
    own = []
    for n, d, e in shapes(facts):
        x, y = draw(3 * n, d, e, facts=facts)
        itself = 0.0
        if facts.undefined_if_equal:
            reason = reason_or_value(score, x, x)
            assert isinstance(reason, str), f"{reason} for identical sides, declared undefined"
        else:
            itself = score(x, x)
        noisy = as_needed(x + 0.1 * np.random.default_rng(n).normal(size=x.shape), facts)
        near, far = (facts.more_alike * (score(x, other) - itself) for other in (noisy, y))
        seen = f"itself {itself}, a noisy copy {near} and another {far} from it"
        if facts.undefined_if_equal:
            assert far < near, f"{seen}: not in this order"
            continue
        assert far < 0 and (near < 0 or facts.identity is None), f"{seen}: not less alike than identical sides"
        assert far < near or not facts.paired, f"{seen}: not in this order"
        own += [itself, *(score(m, m) for m in draw(n, d, e, facts=facts))]
        # Rows of few whole numbers, whose distances tie; they may leave a measure without a value.
        tied = (reason_or_value(score, m, m) for m in (as_needed(np.round(m), facts) for m in draw(3 * n, d, e)))
        own += [value for value in tied if isinstance(value, float)]
    if facts.undefined_if_equal:
        assert facts.identity is None, "identical sides have no value, and one is declared"
    elif facts.identity is None:
        assert any(not same(v, own[0], facts) for v in own), f"identity is declared open, and is {own[0]} always"
    else:
        assert all(same(v, facts.identity, facts) for v in own), f"{own} and not {facts.identity} for identical sides"


def check_symmetry(score: Score, facts: Facts) -> None:
    """Exchanging the sides leaves the value as it is if, and only if, that is declared."""
    equal = [same(score(x, y), score(y, x), facts) for x, y in draws(facts)]
    assert all(equal) if facts.symmetric else not all(equal), f"symmetric={facts.symmetric}, but found {equal}"


def check_metric(score: Score, facts: Facts) -> None:
    """A metric is a symmetric distance that obeys the triangle inequality."""
    if not facts.metric:
        return
    assert facts.direction == "distance", "a metric is a distance"
    assert facts.identity == 0, "a metric is 0 between identical sides"
    assert facts.symmetric, "a metric is symmetric"
    for seed in range(10):
        x, y = draw(12, 4, 4, seed, facts)
        z, w = draw(12, *widths(4, 6, facts), seed + 100, facts)[::-1]
        # Half way is where what is no metric, such as the square of one, breaks the rule.
        for middle in (as_needed((x + y) / 2, facts), as_needed((2 * x + y) / 3, facts), z, w):
            through = score(x, middle) + score(middle, y)
            assert score(x, y) <= through + facts.rounding, f"{score(x, y)} from x to y, {through} through another"


def transform(name: str, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A transformation of the features, by the name of the invariance."""
    d = x.shape[1]
    if name == "feature permutation":
        return x[:, rng.permutation(d)]
    if name == "orthogonal":
        return np.asarray(x @ np.linalg.qr(rng.normal(size=(d, d))).Q)
    if name == "scaling":
        return x * 7.3
    if name == "translation":
        return x + 3 * rng.normal(size=d)
    # Of known condition, and far from any rotation.
    u, v = (np.linalg.qr(rng.normal(size=(d, d))).Q for _ in range(2))
    return np.asarray(x @ (u * np.geomspace(1, 30, d)) @ v)


def check_invariances(score: Score, facts: Facts) -> None:
    """Each declared invariance holds on every draw; each that is not declared fails on some."""
    assert facts.invariances | facts.invariances_of_second <= INVARIANCES.keys(), "unknown invariance"
    scale = min(1, facts.bounds[1])
    for name in INVARIANCES:
        changes: tuple[list[float], list[float]] = [], []
        for seed, (x, y) in enumerate(draws(facts)):
            rng = np.random.default_rng(seed)
            value = score(x, y)
            pairs = (transform(name, x, rng), y), (x, transform(name, y, rng))
            for side, moved in enumerate(pairs):
                changed = score(*(m if m is x or m is y else as_needed(m, facts) for m in moved))
                changes[side].append(abs(changed - value) / max(scale, abs(value)))
        of_second = facts.invariances | facts.invariances_of_second
        for which, held, found in zip(("first", "second"), (facts.invariances, of_second), changes, strict=True):
            if name in held:
                assert max(found) < facts.rounding, f"{name!r} of the {which}, declared ignored, changed {max(found)}"
        free = changes[0] if name in facts.invariances_of_second else changes[0] + changes[1]
        if name not in facts.invariances:
            assert max(free) > NOTICED, f"{name!r}, not declared ignored, changed {max(free)} at most"


def check_features(score: Score, facts: Facts) -> None:
    """The same features are matched if, and only if, that is declared.

    Those that match them keep a value under one new order of both sides, feel one of a single side, and have no value
    for sides of other widths.
    """
    together, alone = [], []
    for seed, (n, d, _) in enumerate(shapes(facts)):
        x, y = draw(n, d, d, facts=facts)
        order = np.random.default_rng(seed).permutation(d)
        value = score(x, y)
        together.append(same(score(x[:, order], y[:, order]), value, facts))
        alone.append(same(score(x, y[:, order]), value, facts) and same(score(x[:, order], y), value, facts))
    matched = all(together) and not all(alone)  # a share of few rows may stay by luck
    seen = f"one order of both sides kept the value: {together}, of a single side: {alone}"
    assert matched == facts.same_features, f"same_features={facts.same_features}, but {seen}"
    if facts.same_features:
        reason = reason_or_value(score, *draw(*TALL[1], facts=facts))
        assert isinstance(reason, str), f"{reason} for sides of other widths"


TABLES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "distances": lambda x: np.linalg.norm(x[:, None] - x[None], axis=2),
    "similarities": lambda x: x @ x.T,
}
"""What rows are as a table of each kind."""


def check_tables(score: Score, facts: Facts) -> None:
    """A table of distances or inner products of the rows has the score of the rows, or says that it has none.

    Of all items, of a shuffle of them, and of some of them.
    """
    for kind, table in TABLES.items():
        for x, y in draws(facts):
            order = np.random.default_rng(4).permutation(len(y))
            some = order[: len(y) * 3 // 4 + 1]
            a, b = (Prepared(table(m), kind=kind) for m in (x, y))
            for left, right, rows in (
                (a, b, (x, y)),
                (a, b.permuted(order), (x, y[order])),
                (a.take(some), b.take(some), (x[some], y[some])),
            ):
                try:
                    seen = score(left, right)
                except UndefinedError:
                    continue
                expected = score(*rows)
                close = abs(seen - expected) <= max(1e-10, 0.1 * facts.rounding) * max(1, abs(expected))
                assert close, f"{seen} of tables of {kind}, {expected} of their rows"


def check_minimum(score: Score, facts: Facts) -> None:
    """With the fewest items there is a value; with one less the reason is that they are too few."""
    fewest = facts.minimum_items
    drawn = [widths(4, 6, facts), (1, 1)]
    found = [reason_or_value(score, *draw(fewest, d, e, seed, facts)) for d, e in drawn for seed in range(5)]
    assert any(isinstance(v, float) for v in found), f"no value of {fewest} items: {found}"
    if fewest > 1:
        x, y = draw(fewest - 1, 4, 6, facts=facts)
        reason = reason_or_value(score, x, y)
        expected = f"{counted(fewest - 1, 'item')}; .* needs at least {fewest}"
        assert isinstance(reason, str) and re.match(expected, reason), f"{reason} for {counted(fewest - 1, 'item')}"


def reason_or_value(score: Score, x: np.ndarray, y: np.ndarray) -> float | str:
    """The value, or the reason why there is none."""
    try:
        return score(x, y)
    except UndefinedError as error:
        return str(error)


def check_wide(score: Score, facts: Facts) -> None:
    """With fewer items than features there is a value unless it is declared undefined."""
    n, d, e = SHAPES[-1]
    found = reason_or_value(score, *draw(n, *widths(d, e, facts), facts=facts))
    assert isinstance(found, str) == facts.undefined_if_wide, f"{found!r} for n < d"


def check_order(score: Score, facts: Facts) -> None:
    """Shuffled rows of one side change a value if, and only if, rows are declared to be paired."""
    changes = []
    for x, y in draws(facts):
        order = np.random.default_rng(1).permutation(len(y))
        changes.append(not same(score(x, y[order]), score(x, y), facts))
    assert any(changes) if facts.paired else not any(changes), f"paired={facts.paired}, but shuffles changed {changes}"


def check_inputs_unchanged(score: Score, facts: Facts) -> None:
    """The arrays that came in are as they were, and can be written to."""
    for x, y in draws(facts):
        before = x.copy(), y.copy()
        score(x, y)
        assert (x == before[0]).all() and (y == before[1]).all(), "wrote into its input"
        assert x.flags.writeable and y.flags.writeable, "closed its input for writing"


def check_shuffle(score: Score, facts: Facts) -> None:
    """A view of shuffled rows, which computes nothing again, scores as the shuffled rows themselves do."""
    for x, y in draws(facts):
        order = np.random.default_rng(0).permutation(len(y))
        whole = prepared(y, facts)
        score(x, whole)  # so that the view finds everything in place
        seen, expected = score(x, whole.permuted(order)), score(x, y[order])
        assert abs(seen - expected) <= 1e-3 * facts.rounding * max(1, abs(expected)), f"{seen}, of the rows {expected}"


def check_libraries(score: Score, facts: Facts) -> None:
    """The value is the same, and a plain number, on every array library, and a shuffled view follows its rows."""
    for name in LIBRARIES:
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        for x, y in draws(facts):
            order = np.random.default_rng(3).permutation(len(y))
            a, b = library.asarray(x), prepared(library.asarray(y), facts)
            for seen, expected in ((score(a, b), score(x, y)), (score(a, b.permuted(order)), score(x, y[order]))):
                assert type(seen) is float, f"a {type(seen).__name__} on {name}"
                close = abs(seen - expected) <= 0.1 * facts.rounding * max(1, abs(expected))
                assert close, f"{seen} on {name}, {expected} on NumPy"


def check_precision(score: Score, facts: Facts) -> None:
    """The arithmetic is float64 whatever comes in: the value is that of the same numbers in float64."""
    x, y = next(draws(facts))
    # Neither whole numbers nor those of half precision are log-probabilities of double precision.
    for dtype in (np.float32,) if facts.needs else (np.float16, np.float32, np.int64):
        a, b = ((100 * m).astype(dtype) if dtype is np.int64 else m.astype(dtype) for m in (x, y))
        seen, expected = score(a, b), score(a.astype(np.float64), b.astype(np.float64))
        assert seen == expected, f"{seen} of {np.dtype(dtype)}, {expected} of the same numbers in float64"


def check_pickle(score: Score, facts: Facts) -> None:
    """The configuration survives pickling, as it must to reach a worker."""
    assert pickle.loads(pickle.dumps(score)) == score, "another after pickling"


def check_definition(score: Configuration, definition: Callable[..., float]) -> None:
    """The value is that of the slow definition, for more items than features, fewer, and widths that differ."""
    wanted = ((30, 7, 7), (14, 31, 31), (20, 5, 33), (20, 33, 5))
    for n, d, e in wanted:
        if (score.facts.undefined_if_wide and n <= max(d, e)) or (d, e) != widths(d, e, score.facts):
            continue
        x, y = draw(n, d, e, facts=score.facts)
        seen, expected = score(x, y), definition(x, y, **score.parameters)
        assert same(seen, expected, score.facts), f"{seen}, by definition {expected}, for n, d, e = {n}, {d}, {e}"


CHECKS: tuple[Callable[[Score, Facts], None], ...] = (
    check_bounds,
    check_identity,
    check_symmetry,
    check_metric,
    check_invariances,
    check_features,
    check_tables,
    check_minimum,
    check_wide,
    check_order,
    check_inputs_unchanged,
    check_shuffle,
    check_libraries,
    check_precision,
    check_pickle,
)
"""Each fails where a fact is not so, whatever the measure."""

SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")


def check_documentation(measure: Measure) -> None:
    """The docstring has the sections that a reader looks for."""
    text = inspect.cleandoc(measure.function.__doc__ or "")
    missing = [name for name in SECTIONS if not re.search(rf"^{name}\n-+$", text, flags=re.MULTILINE)]
    assert not missing, f"the docstring has no section {', '.join(missing)}"


def check_references(measure: Measure) -> None:
    """Sources are cited by DOI."""
    assert measure.references, "no references"
    wrong = [r for r in measure.references if not re.fullmatch(r"10\.\d{4,}/\S+", r)]
    assert not wrong, f"{wrong} are no DOIs"


def check_variants(measure: Measure) -> None:
    """Every parameter is varied by a variant, and no two variants are one configuration."""
    varied = {name for variant in measure.variants for name in variant}
    assert varied == set(measure.defaults), f"no variant changes {sorted(set(measure.defaults) - varied)}"
    labels = [Configuration(measure.name, v).label for v in measure.variants]
    assert len(set(labels)) == len(labels) and labels[0] == measure.name, f"variants {labels}"


RECORD_CHECKS: tuple[Callable[[Measure], None], ...] = (check_documentation, check_references, check_variants)
"""Checks of the record, once for all variants."""
