"""What a measure is: a plain function of two representations, and a record of facts about it."""

import functools
import inspect
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeAlias, get_args

import numpy as np

from likewise.arrays import array_namespace
from likewise.errors import InputError, LikewiseError, UndefinedError
from likewise.kinds import KINDS as ROWS
from likewise.measures.facts import (
    INVARIANCES,
    Bilinear,
    Difference,
    Direction,
    Facts,
    Matched,
    Overlap,
    Product,
    choice,
)
from likewise.measures.operands import Operand, check_squares, prepare_pair
from likewise.measures.without_each import Rivals, WithoutEach
from likewise.naming import counted, did_you_mean, parse_call
from likewise.quantities import Prepared

Score: TypeAlias = Any
"""What the function of a measure returns: a number, or a share for each item, of which the score is the mean."""

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The record of a measure: its function, its parameters, and its facts as a function of them."""

    name: str
    family: str
    title: str
    function: Callable[..., float]
    scored: Callable[..., Score]
    defaults: Mapping[str, Any]
    facts: Callable[..., Facts]
    variants: tuple[Mapping[str, Any], ...]
    references: tuple[str, ...]
    version: int
    product: Callable[..., Product | None]
    without_each: Callable[..., WithoutEach | None]
    rivals: Callable[..., Rivals | None]
    matched: Callable[..., Matched | None]
    shuffled: Callable[..., Bilinear | Overlap | None] = lambda **parameters: None
    shuffled_in_rounds: Callable[..., bool] = lambda **parameters: False
    difference: Callable[..., Difference | None] = lambda **parameters: None


REGISTRY: dict[str, Measure] = {}


def measure(
    *,
    title: str,
    facts: Callable[..., Facts],
    references: Iterable[str],
    variants: Iterable[Mapping[str, Any]] = (),
    version: int = 1,
    product: Callable[..., Product | None] = lambda **parameters: None,
    without_each: Callable[..., WithoutEach | None] = lambda **parameters: None,
    rivals: Callable[..., Rivals | None] = lambda **parameters: None,
    matched: Callable[..., Matched | None] = lambda **parameters: None,
    shuffled: Callable[..., Bilinear | Overlap | None] = lambda **parameters: None,
    shuffled_in_rounds: Callable[..., bool] = lambda **parameters: False,
    difference: Callable[..., Difference | None] = lambda **parameters: None,
) -> Callable[[Callable[Concatenate[Prepared, Prepared, P], Score]], Callable[Concatenate[Operand, Operand, P], float]]:
    """Make a function of two Prepared a measure: it also takes arrays, checks them, and its facts are recorded.

    One of your own, in a module outside likewise, is known as ``module:function``.

    Parameters
    ----------
    title : str
        Its full name, as a heading or table has it.
    facts : callable
        Takes the measure's parameters by name, returns their `Facts`.
    references : iterable of str
        DOIs of its sources.
    variants : iterable of mapping
        Parameters, besides the defaults, whose facts the tests must prove.
    version : int
        Raised when the measure's value or chance changes; stored results of another version are computed again.
    product : callable
        Takes the measure's parameters by name, returns the `Product` that gives the same score, if there is one.
    without_each : callable
        Takes the measure's parameters by name, returns a function of both sides that gives the score without each
        item, for intervals, if there is one; without it, groups of items are left out, and all is computed anew.
    rivals : callable
        Takes the measure's parameters by name, returns a function of both sides that gives the scores under choices
        that other samples may make, such as which directions are kept, if there is one. An interval is made long enough
        to hold them.
    matched : callable
        Takes the measure's parameters by name, returns the `Matched` that gives the same score, if there is one.
    shuffled : callable
        Takes the measure's parameters by name, returns the `Bilinear` or the `Overlap` that gives the same score, and
        so its chance level in closed form, if there is one.
    shuffled_in_rounds : callable
        Takes the measure's parameters by name, returns whether the score of many rows is found from a `SummedProduct`,
        so that many shuffles take the time of a few. It must not depend on the order of the items, as with folds.
    difference : callable
        Takes the measure's parameters by name, returns the `Difference` that gives the same score, if there is one. Its
        interval then knows that the score has no sign.
    """

    def decorate(
        function: Callable[Concatenate[Prepared, Prepared, P], Score],
    ) -> Callable[Concatenate[Operand, Operand, P], float]:
        parameters = list(inspect.signature(function).parameters.values())[2:]
        defaults = {p.name: p.default for p in parameters}
        # A script is called otherwise in the processes that it starts.
        module = "__main__" if function.__module__ == "__mp_main__" else function.__module__
        name = function.__name__ if module.startswith("likewise.") else f"{module}:{function.__name__}"
        own = module.startswith("likewise.")
        for parameter in parameters:
            if parameter.default is parameter.empty or parameter.kind is not parameter.KEYWORD_ONLY:
                raise InputError(
                    f"the parameter {parameter.name!r} of the measure {name}; expected parameters after a * and with "
                    f"a default: {function.__name__}(x, y, *, {parameter.name}=...)"
                )

        @functools.wraps(facts)
        def by_name(**parameters: Any) -> Facts:
            try:
                found = facts(**parameters)
                choice("direction", found.direction, get_args(Direction))
                for invariance in found.invariances | found.invariances_of_second:
                    choice("invariance", invariance, INVARIANCES)
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
            return found

        # Asked for at each call of a measure, of which thousands of shuffles make one each.
        known = all(isinstance(default, bool | int | float | str) for default in defaults.values())
        named: Callable[..., Facts] = functools.lru_cache(maxsize=256, typed=True)(by_name) if known else by_name

        def scored(first: Prepared, second: Prepared, *args: Any, **kwargs: Any) -> Score:
            check_parameters(name, defaults, kwargs)
            given = as_declared(defaults, kwargs)
            of = named(**(defaults | given))
            if first.n < of.minimum_items:
                raise UndefinedError(f"{counted(first.n, 'item')}; {name} needs at least {of.minimum_items}")
            for side in (first, second):
                if of.needs and side.kind != of.needs:
                    raise UndefinedError(
                        f"{side.name} holds {side.kind.replace('_', '-')}: {ROWS[side.kind]}; {name} expects "
                        f"{of.needs.replace('_', '-')}: {ROWS[of.needs]}"
                    )
            if of.same_features and first.d != second.d:
                raise UndefinedError(
                    f"{first.name} has {first.d} features and {second.name} has {second.d}; {name} compares each "
                    "feature with itself and expects the same ones"
                )
            if of.same_features and first.columns and second.columns and first.columns != second.columns:
                raise UndefinedError(
                    f"the columns of {first.name} and {second.name} are other tokens or choices; {name} compares each "
                    "with itself: take models of one vocabulary, or the layer choices"
                )
            for side in (first, second):
                check_squares(side)
            try:
                found = function(first, second, *args, **given)
            except Exception as error:
                if isinstance(error, LikewiseError) or own:
                    raise
                raise InputError(f"{name} stopped with {type(error).__name__}: {error}") from error
            number = isinstance(found, int | float | np.number) or getattr(found, "shape", None) in ((), (first.n,))
            if not number or isinstance(found, bool):
                raise InputError(f"{name} returned {found!r:.60}; expected a number, or one for each item")
            return found

        @functools.wraps(function)
        def checked(x: Operand, y: Operand, *args: P.args, **kwargs: P.kwargs) -> float:
            check_parameters(name, defaults, kwargs)
            first, second = prepare_pair(x, y, named(**(defaults | as_declared(defaults, kwargs))).needs)
            found = scored(first, second, *args, **kwargs)
            value = float(array_namespace(found).mean(found)) if getattr(found, "ndim", 0) else float(found)
            if not math.isfinite(value):
                raise UndefinedError(f"{name} found {value} for {first.name} and {second.name}, which is no score")
            return value

        made = Measure(
            name=name,
            family=module.rpartition(".")[2],
            title=title,
            function=checked,
            scored=scored,
            defaults=defaults,
            facts=named,
            variants=({}, *variants),
            references=tuple(references),
            version=version,
            product=product,
            without_each=without_each,
            rivals=rivals,
            matched=matched,
            shuffled=shuffled,
            shuffled_in_rounds=shuffled_in_rounds,
            difference=difference,
        )
        REGISTRY[made.name] = made
        checked.measure_name = made.name  # type: ignore[attr-defined]  # by which it is found again
        return checked  # type: ignore[return-value]  # mypy will not let x and y have names here

    return decorate


def check_parameters(measure: str, defaults: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a measure does not have, or whose type is not that of their default."""
    for name, given in parameters.items():
        if name not in defaults:
            raise InputError(f"{measure} has no parameter {name!r}; {did_you_mean(name, defaults)}")
        kind, value = type(defaults[name]), plain(given)
        if type(value) is not kind and not (kind is float and type(value) is int and abs(value) <= sys.float_info.max):
            raise InputError(
                f"{measure}({name}={value!r}): expected {KINDS.get(kind, 'a value')}, as {defaults[name]!r}"
            )


KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}
"""What the types of parameters are called."""


def plain(value: Any) -> Any:
    """A number of NumPy as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def as_declared(defaults: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in the types of their defaults, so that a configuration has one text."""
    return {name: float(v) if type(defaults[name]) is float else plain(v) for name, v in parameters.items()}


def record(name: str) -> Measure:
    """Return the record of the measure called ``name``; an unknown name is an error that says the nearest known.

    ``module:function`` names a measure outside likewise. Its code is not looked for: names come out of data too.
    """
    if name not in REGISTRY and ":" in name:
        module = name.partition(":")[0]
        file = module if module.endswith(".py") else module.replace(".", "/") + ".py"
        raise InputError(
            f"the code of the measure {name} is not loaded; read it, then name its file or "
            f"an experiment beside it: --trust {file}; in Python, import it, or give trust={file!r}"
        )
    if name not in REGISTRY:
        raise InputError(f"unknown measure {name!r}; {did_you_mean(name, REGISTRY)}")
    return REGISTRY[name]


def stand_in(name: str, parameters: Mapping[str, Any], direction: Direction, symmetric: bool, version: int) -> Measure:
    """Return the record of a measure of which no more is known than a table of its scores says."""

    def refused(*args: Any, **kwargs: Any) -> float:
        return record(name).function(*args, **kwargs)  # which says what is lacking

    facts = Facts(
        direction=direction,
        bounds=(-math.inf, math.inf),
        identity=None,
        invariances=frozenset(),
        regime="",
        cost="",
        symmetric=symmetric,
    )
    return Measure(
        name=name,
        family=name.partition(":")[0],
        title=name,
        function=refused,
        scored=refused,
        defaults=dict(parameters),
        facts=lambda **parameters: facts,
        variants=({},),
        references=(),
        version=version,
        product=lambda **parameters: None,
        without_each=lambda **parameters: None,
        rivals=lambda **parameters: None,
        matched=lambda **parameters: None,
    )


def get(name: str) -> Callable[..., float]:
    """Return the measure called ``name``, a function of two representations; with parameters, where they are named.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0]])
    >>> round(get("procrustes")(x, 3 * x + 1), 9)
    0.0
    >>> get("jaccard(k=1)")(x, x)
    1.0
    """
    called, given = parse_call(name)
    found = record(called)
    check_parameters(called, found.defaults, given)
    return functools.partial(found.function, **as_declared(found.defaults, given)) if given else found.function
