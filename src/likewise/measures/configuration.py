"""A measure with its parameters: what is computed for each pair, and what each item adds to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from likewise.arrays import Array
from likewise.errors import InputError
from likewise.measures.facts import Bilinear, Difference, Direction, Facts, Matched, Overlap, Product
from likewise.measures.neighbour_without_each import CountedOnce
from likewise.measures.operands import Operand, prepare_pair
from likewise.measures.registry import Measure, as_declared, check_parameters, record, stand_in
from likewise.measures.without_each import Rivals
from likewise.naming import canonical_json, format_call, parse_call
from likewise.quantities import Prepared, RowProducts


@dataclass(frozen=True)
class Configuration:
    """A measure with its parameters: what is computed for each pair.

    Parameters
    ----------
    measure : str
        The name of a measure.
    parameters : mapping
        Those that differ from the defaults, or all of them.
    asked : tuple of str
        Parameters that were written out; the label always shows them.
    stored : Measure, optional
        What a table of results says of a measure whose code is not loaded.

    Examples
    --------
    >>> c = Configuration.parse("jaccard(center=True)")
    >>> c.label, c.facts.direction, dict(c.parameters)
    ('jaccard(center=True)', 'similarity', {'k': 10, 'center': True, 'inner': 'cosine'})
    """

    measure: str
    parameters: Mapping[str, Any]
    asked: tuple[str, ...] = field(default=(), compare=False, repr=False)
    stored: Measure | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        defaults = self.about.defaults
        check_parameters(self.measure, defaults, self.parameters)
        object.__setattr__(self, "parameters", {**defaults, **as_declared(defaults, self.parameters)})
        self.facts  # noqa: B018  # unknown values of a parameter are refused here

    def __hash__(self) -> int:
        return hash((self.measure, self.parameters_json))

    @classmethod
    def parse(cls, text: str) -> "Configuration":
        """Read ``measure`` or ``measure(key=value, ...)``."""
        name, parameters = parse_call(text)
        return cls(name, parameters, tuple(parameters))

    @classmethod
    def from_json(cls, measure: str, parameters: str) -> "Configuration":
        """Read the columns ``measure`` and ``parameters`` of a table of results."""
        return cls(measure, json.loads(parameters))

    @classmethod
    def of_table(
        cls, measure: str, parameters: str, *, direction: Direction, symmetric: bool, version: int
    ) -> "Configuration":
        """Read the columns of a table that tell of a measure whose code is not loaded; it computes nothing."""
        given = json.loads(parameters)
        return cls(measure, given, tuple(given), stand_in(measure, given, direction, symmetric, version))

    @property
    def about(self) -> Measure:
        """The record of its measure."""
        return self.stored or record(self.measure)

    @property
    def facts(self) -> Facts:
        """The facts that hold with these parameters."""
        return self.about.facts(**self.parameters)

    @property
    def product(self) -> Product | None:
        """The inner product that gives the score, if there is one."""
        return self.about.product(**self.parameters)

    @property
    def matched(self) -> Matched | None:
        """The products of like-numbered features that give the score, if there are such."""
        return self.about.matched(**self.parameters)

    @property
    def difference(self) -> Difference | None:
        """The numbers of both sides whose difference is the score, if there are such."""
        return self.about.difference(**self.parameters)

    @property
    def shuffled(self) -> Bilinear | Overlap | None:
        """What gives the score, and its chance level in closed form, besides a product."""
        return self.about.shuffled(**self.parameters)

    @property
    def shuffled_in_rounds(self) -> bool:
        """Whether many shuffles of many rows take the time of a few."""
        return self.about.shuffled_in_rounds(**self.parameters)

    def without_each(self, x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        """Return the score without each item, where it follows from what is known of all; None elsewhere."""
        found = self.about.without_each(**self.parameters)
        return None if found is None else found(x, y)

    @property
    def by_groups(self) -> bool:
        """Whether groups of items are left out in turn, for no score without each item follows from the whole."""
        return self.about.without_each(**self.parameters) is None

    @property
    def counts_once(self) -> bool:
        """Whether scores without each item are drawn together, so that nothing is counted twice."""
        return isinstance(self.about.without_each(**self.parameters), CountedOnce)

    @property
    def rivals(self) -> Rivals | None:
        """What gives the scores under choices that other samples may make, if there are such."""
        return self.about.rivals(**self.parameters)

    @property
    def label(self) -> str:
        """The measure with the parameters that differ from its defaults, and those that were asked for."""
        defaults = self.about.defaults
        shown = {k: v for k, v in self.parameters.items() if k in self.asked or v != defaults[k]}
        return format_call(self.measure, shown)

    @property
    def parameters_json(self) -> str:
        """All parameters as canonical JSON, as the column ``parameters`` has them."""
        return canonical_json(dict(self.parameters))

    def __call__(self, x: Operand, y: Operand) -> float:
        """Return the value; raise UndefinedError with the reason where there is none."""
        return self.about.function(x, y, **self.parameters)


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
    first, second = prepare_pair(x, y, configuration.facts.needs)
    product = configuration.product
    if product is not None and product.score == "linear":
        configuration(first, second)  # so that what is undefined is said
        return first.n * product.factor * first.joint(second, RowProducts(product.quantity))
    found = configuration.about.scored(first, second, **configuration.parameters)
    if not getattr(found, "ndim", 0):
        raise InputError(
            f"{configuration.label} is not a mean over items; expected cka, rsa, "
            "distance_correlation(debiased=True), aligned_cosine, cosine, feature_correlation, "
            "relative_error(over=rows), those of neighbours, such as jaccard, and those of outputs, such as "
            "kl_divergence"
        )
    return found
