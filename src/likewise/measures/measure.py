"""What a measure is: a plain function of two representations, and a record of facts about it."""

import functools
import importlib
import inspect
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, get_args

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float

from likewise.arrays import Array
from likewise.errors import InputError, LikewiseError, UndefinedError
from likewise.naming import canonical_json, did_you_mean, format_call, parse_call
from likewise.prepared import Largest, PerPair, Prepared, Quantity
from likewise.representation import Representation, check_same_items

Operand: TypeAlias = Array | Prepared | Representation
"""What a measure compares: an array (items x features), a Representation, or a Prepared."""

Score: TypeAlias = Any
"""What the function of a measure returns: a number, or a share for each item, of which the score is the mean."""

Direction: TypeAlias = Literal["similarity", "distance"]

INVARIANCES = {
    "feature permutation": "the order of the features",
    "orthogonal": "rotations and reflections of the features",
    "scaling": "multiplication by one positive number",
    "translation": "adding one vector to all rows",
    "linear": "any invertible linear map of the features",
}
"""The transformations of one representation that a measure may ignore."""

NEARS_IDENTITY = "unrelated data come near to identical ones: read the calibrated score"
"""The regime of measures whose chance level moves to the value at identity as d grows past n."""

SQUARES = (1e-140, 1e140)
"""Between these, the largest number of a matrix has a square, and so have numbers a millionth of a millionth of it."""

P = ParamSpec("P")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true of a measure with given parameters. Tests are generated from it, and tables, colours, calibration.

    Parameters
    ----------
    direction : {"similarity", "distance"}
        Whether a higher value means more alike, or less.
    bounds : (float, float)
        The smallest and largest value that can occur.
    identity : float or None
        The value of a representation and itself; None where it depends on the representation, as in a held-out or
        regularised fit.
    invariances : frozenset of str
        The transformations, out of `INVARIANCES`, of either side that leave the value as it is.
    regime : str
        What few items in many dimensions (n < d) do to it.
    cost : str
        Of preparing a side, and of a pair, in n and d.
    invariances_of_second : frozenset of str
        What it ignores besides, in the second representation alone.
    symmetric : bool
        Whether exchanging the two representations leaves the value as it is.
    metric : bool
        Whether it is a distance that obeys the triangle inequality.
    paired : bool
        Whether it matters which row of one side belongs to which row of the other. Where not, shuffled rows are no
        chance level.
    undefined_if_wide : bool
        Whether it is undefined where the centred rows of a side are linearly independent, as they are when n <= d:
        the value would follow from n and the ranks, whatever the data.
    minimum_items : int
        The fewest items for which it has a value.
    rounding : float
        The error of its arithmetic, relative to values above 1.
    """

    direction: Direction
    bounds: tuple[float, float]
    identity: float | None
    invariances: frozenset[str]
    regime: str
    cost: str
    invariances_of_second: frozenset[str] = frozenset()
    symmetric: bool = True
    metric: bool = False
    paired: bool = True
    undefined_if_wide: bool = False
    minimum_items: int = 2
    rounding: float = 1e-9

    @property
    def more_alike(self) -> int:
        """+1 where a higher value means more alike, -1 where a lower one does."""
        return 1 if self.direction == "similarity" else -1


@dataclass(frozen=True)
class Product:
    """How a score follows from the inner product of one matrix A per side: all pairs are then one matrix product.

    Parameters
    ----------
    quantity : PerPair
        A, symmetric.
    size : Quantity, optional
        A number that divides A.
    score : {"linear", "root", "distance"}
        ``factor`` times <A, B>; its root; or the root of factor times |A - B|^2.
    factor : float
        As stated.
    """

    quantity: PerPair
    size: Quantity | None = None
    score: Literal["linear", "root", "distance"] = "linear"
    factor: float = 1.0

    def scores(
        self, inner: Float[np.ndarray, "*m"], own_x: Float[np.ndarray, "*m"], own_y: Float[np.ndarray, "*m"]
    ) -> Float[np.ndarray, "*m"]:
        """Return the scores, from <A, B>, <A, A> and <B, B>; a root of less than nothing is one of rounding."""
        if self.score == "linear":
            return self.factor * inner
        squares: np.ndarray = np.maximum(0.0, inner if self.score == "root" else own_x + own_y - 2 * inner)
        return np.asarray(np.sqrt(self.factor * squares))


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


REGISTRY: dict[str, Measure] = {}


def measure(
    *,
    title: str,
    facts: Callable[..., Facts],
    references: Iterable[str],
    variants: Iterable[Mapping[str, Any]] = (),
    version: int = 1,
    product: Callable[..., Product | None] = lambda **parameters: None,
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
    """

    def decorate(
        function: Callable[Concatenate[Prepared, Prepared, P], Score],
    ) -> Callable[Concatenate[Operand, Operand, P], float]:
        parameters = list(inspect.signature(function).parameters.values())[2:]
        defaults = {p.name: p.default for p in parameters}
        module = function.__module__
        name = function.__name__ if module.startswith("likewise.") else f"{module}:{function.__name__}"
        own = module.startswith("likewise.")
        for parameter in parameters:
            if parameter.default is parameter.empty or parameter.kind is not parameter.KEYWORD_ONLY:
                raise InputError(
                    f"the parameter {parameter.name!r} of the measure {name}; needed are parameters after a * and with "
                    f"a default: {function.__name__}(x, y, *, {parameter.name}=...)"
                )

        @functools.wraps(facts)
        def named(**parameters: Any) -> Facts:
            try:
                found = facts(**parameters)
                choice("direction", found.direction, get_args(Direction))
                for invariance in found.invariances | found.invariances_of_second:
                    choice("invariance", invariance, INVARIANCES)
            except InputError as error:
                raise InputError(f"{name}: {error}") from error
            return found

        def scored(first: Prepared, second: Prepared, *args: Any, **kwargs: Any) -> Score:
            check_parameters(name, defaults, kwargs)
            given = as_declared(defaults, kwargs)
            needed = named(**(defaults | given)).minimum_items
            if first.n < needed:
                raise UndefinedError(f"{first.n} items; {name} needs at least {needed}")
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
                raise InputError(f"{name} returned {found!r:.60}; needed is a number, or one for each item")
            return found

        @functools.wraps(function)
        def checked(x: Operand, y: Operand, *args: P.args, **kwargs: P.kwargs) -> float:
            first, second = prepare_pair(x, y)
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
                f"{measure}({name}={value!r}): needed is {KINDS.get(kind, 'a value')}, as {defaults[name]!r}"
            )


KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}
"""What the types of parameters are called."""


def plain(value: Any) -> Any:
    """A number of NumPy as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def as_declared(defaults: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in the types of their defaults, so that a configuration has one text."""
    return {name: float(v) if type(defaults[name]) is float else plain(v) for name, v in parameters.items()}


def check_squares(of: Prepared) -> None:
    """Refuse a side of which double precision cannot hold the squares: what is computed from them would be wrong."""
    largest = float(of[Largest()])
    if largest and not SQUARES[0] < largest < SQUARES[1]:
        raise UndefinedError(
            f"the largest number of {of.name} is {largest:.3g}: squares of such numbers are lost in double precision; "
            "rescale them"
        )


def prepare_pair(x: Operand, y: Operand) -> tuple[Prepared, Prepared]:
    """Both operands as Prepared, after checking that their rows describe the same items."""
    if isinstance(x, Representation) and isinstance(y, Representation):
        check_same_items(x, y)
    first, second = prepare(x, "x"), prepare(y, "y")
    if first.n != second.n:
        raise InputError(
            f"{first.n} rows against {second.n} rows: both must describe the same inputs in the same order"
        )
    try:
        array_namespace(first.matrix, second.matrix)
    except TypeError as error:
        raise InputError(
            f"{type(first.matrix).__module__} against {type(second.matrix).__module__}: both must be arrays of one "
            "library"
        ) from error
    return first, second


def prepare(x: Operand, name: str = "matrix") -> Prepared:
    """``x`` as Prepared; one that is prepared already is returned as it is."""
    if isinstance(x, Prepared):
        return x
    return Prepared(x.matrix, x.name) if isinstance(x, Representation) else Prepared(x, name)


def record(name: str) -> Measure:
    """Return the record of the measure called ``name``; an unknown name is an error that says the nearest known.

    ``module:function`` names a measure outside likewise, whose module is imported.
    """
    if name not in REGISTRY and ":" in name:
        _import_module_of(name)
    if name not in REGISTRY:
        raise InputError(f"unknown measure {name!r}; {did_you_mean(name, REGISTRY)}")
    return REGISTRY[name]


def _import_module_of(name: str) -> None:
    module, _, function = name.partition(":")
    if not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"{module!r} in {name!r} is not the name of a module; needed is module:function")
    try:
        importlib.import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            raise InputError(
                f"no module {module!r} for the measure {name!r}; put {module}.py into the folder that you work in, "
                "beside the experiment, or where Python finds it"
            ) from error
        raise InputError(
            f"the module {module!r} of the measure {name!r} stopped with {type(error).__name__}: {error}"
        ) from error
    if name not in REGISTRY:
        offered = [known for known in REGISTRY if known.startswith(f"{module}:")]
        raise InputError(
            f"{module!r} has no measure {function!r}; "
            + (did_you_mean(name, offered) if offered else "decorate the function with @likewise.measures.measure")
        )


def get(name: str) -> Callable[..., float]:
    """Return the measure called ``name``, a function of two representations.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[0.0, 1.0], [2.0, 0.0], [1.0, 5.0]])
    >>> round(get("procrustes")(x, 3 * x + 1), 9)
    0.0
    """
    return record(name).function


@dataclass(frozen=True)
class Configuration:
    """A measure with its parameters: what is computed for each pair.

    Parameters
    ----------
    measure : str
        The name of a measure.
    parameters : mapping
        Those that differ from the defaults, or all of them.

    Examples
    --------
    >>> c = Configuration.parse("jaccard(center=True)")
    >>> c.label, c.facts.direction, dict(c.parameters)
    ('jaccard(center=True)', 'similarity', {'k': 10, 'center': True, 'inner': 'cosine'})
    """

    measure: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        defaults = record(self.measure).defaults
        check_parameters(self.measure, defaults, self.parameters)
        object.__setattr__(self, "parameters", {**defaults, **as_declared(defaults, self.parameters)})
        self.facts  # noqa: B018  # unknown values of a parameter are refused here

    def __hash__(self) -> int:
        return hash(self.label)

    @classmethod
    def parse(cls, text: str) -> "Configuration":
        """Read ``measure`` or ``measure(key=value, ...)``."""
        return cls(*parse_call(text))

    @classmethod
    def from_json(cls, measure: str, parameters: str) -> "Configuration":
        """Read the columns ``measure`` and ``parameters`` of a table of results."""
        return cls(measure, json.loads(parameters))

    @property
    def facts(self) -> Facts:
        """The facts that hold with these parameters."""
        return record(self.measure).facts(**self.parameters)

    @property
    def product(self) -> Product | None:
        """The inner product that gives the score, if there is one."""
        return record(self.measure).product(**self.parameters)

    @property
    def label(self) -> str:
        """The measure with the parameters that differ from its defaults."""
        defaults = record(self.measure).defaults
        return format_call(self.measure, {k: v for k, v in self.parameters.items() if v != defaults[k]})

    @property
    def parameters_json(self) -> str:
        """All parameters as canonical JSON, as the column ``parameters`` has them."""
        return canonical_json(dict(self.parameters))

    def __call__(self, x: Operand, y: Operand) -> float:
        """Return the value; raise UndefinedError with the reason where there is none."""
        return record(self.measure).function(x, y, **self.parameters)


def contributions(configuration: Configuration, x: Operand, y: Operand) -> Float[Array, " n"]:
    r"""Return what each item adds to a score: numbers whose mean is the score.

    For an inner product of matrices A and B it is item i's row of it,

    .. math:: n \sum_j A_{ij} B_{ij}

    for measures of neighbours, and for aligned_cosine, the similarity of item i itself.

    Parameters
    ----------
    configuration : Configuration
        What is scored.
    x, y : array, Prepared or Representation, shapes (n, d) and (n, e)
        Row i of both describes item i.

    Raises
    ------
    InputError
        If the score is not a sum over items.
    UndefinedError
        If it has no value.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    >>> contributions(Configuration.parse("mutual_knn(k=1)"), x, x[[0, 1, 3, 2]])
    array([1., 1., 1., 1.])
    """
    first, second = prepare_pair(x, y)
    product = configuration.product
    if product is not None and product.score == "linear":
        configuration(first, second)  # so that what is undefined is said
        a, b = first[product.quantity], second[product.quantity]
        return first.n * product.factor * array_namespace(a, b).sum(a * b, axis=1)
    found = record(configuration.measure).scored(first, second, **configuration.parameters)
    if not getattr(found, "ndim", 0):
        raise InputError(
            f"{configuration.label} is no mean over items; measures that are: cka, rsa, "
            "distance_correlation(debiased=True), aligned_cosine, and those of neighbours, such as jaccard"
        )
    return found


def choice(parameter: str, value: Any, known: Iterable[str]) -> None:
    """Refuse a value that a parameter does not have."""
    known = list(known)
    if value not in known:
        raise InputError(f"{parameter}={value!r} is unknown; {did_you_mean(str(value), known)}")


def positive(parameter: str, value: float | int) -> None:
    """Refuse a parameter that is not above zero."""
    if not 0 < value < math.inf:
        raise InputError(f"{parameter}={value!r}; needed is a number above 0")


def not_negative(parameter: str, value: float | int) -> None:
    """Refuse a parameter that is below zero."""
    if not 0 <= value < math.inf:
        raise InputError(f"{parameter}={value!r}; needed is 0 or a number above it")


def ridge_like(parameter: str, value: float) -> None:
    """Refuse a share that is below zero, or so small that rounding decides on what it is to keep apart."""
    not_negative(parameter, value)
    if 0 < value < 1e-10:
        raise InputError(f"{parameter}={value!r}; needed is 0, or 1e-10 or more: less is lost in rounding")


def check_folds(folds: int) -> None:
    """Refuse a number of folds that is not one; 0 stands for a fit on all items."""
    if folds < 0 or folds == 1:
        raise InputError(f"folds={folds!r}; needed are 2 or more, or 0 to fit and judge on all items")


def rotations(*, normalize: bool, center: bool) -> frozenset[str]:
    """The invariances of a measure that ignores rotations, scale where it normalises, offset where it centres."""
    extra = {"scaling": normalize, "translation": center}
    return frozenset({"feature permutation", "orthogonal"} | {name for name, holds in extra.items() if holds})
