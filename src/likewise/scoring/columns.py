"""A configuration for all pairs of a block, while it is scored."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int

from likewise.arrays import Array, array_namespace
from likewise.chance import Level, Pair, Sides
from likewise.errors import UndefinedError
from likewise.measures import Configuration, Product
from likewise.quantities import Prepared

T = TypeVar("T")


@dataclass
class Column:
    """A configuration in one order for all pairs of a block: what was found so far, NaN where there is nothing.

    ``settled`` says of which pairs the chance level is the ``level`` of the reference, and no shuffles are made;
    ``joint`` that shuffled scores of all pairs hang together, as those of `Shuffles` do. ``each`` holds the scores
    without each item of the pairs for which they follow from the whole; the others have those ``without`` each group,
    of as many items as ``left_out`` says where they belong together. ``twice`` is what was `counted_twice`, of groups
    or of items. ``without_stretch`` holds the scores without each stretch of items, of the pairs with rows in runs.
    ``many`` are the pairs of many rows whose score comes from sums over these, in any order.
    """

    configuration: Configuration
    turned: bool
    settled: Bool[np.ndarray, " m"]
    joint: bool
    value: Float[np.ndarray, " m"]
    shuffled: Float[np.ndarray, "p m"]
    without: Float[np.ndarray, "g m"]
    seconds: Float[np.ndarray, " m"]
    twice: Float[np.ndarray, " m"]
    left_out: Int[np.ndarray, " g"] | None = None
    many: frozenset[int] = frozenset()
    each: dict[int, Float[np.ndarray, " n"]] = field(default_factory=dict)
    without_stretch: dict[int, Float[np.ndarray, " g"]] = field(default_factory=dict)
    level: Level | None = None
    undefined: dict[int, str] = field(default_factory=dict)
    no_null: dict[int, str] = field(default_factory=dict)
    no_interval: dict[int, str] = field(default_factory=dict)

    @property
    def shuffled_pairs(self) -> list[int]:
        """The pairs whose chance level comes from shuffles."""
        if not self.configuration.facts.paired:
            return []
        return [k for k, settled in enumerate(self.settled) if not settled and k not in self.undefined]

    @property
    def moves_first(self) -> bool:
        """Whether the first of a pair is shuffled: where the order counts, the fit to the second then stands."""
        return not (self.configuration.facts.symmetric or self.turned)

    def one_moved(self, pair: tuple[Prepared, Prepared], moved: tuple[Prepared, Prepared]) -> tuple[Prepared, Prepared]:
        """A pair of which one side is shuffled beside the other as it stands, out of both and both shuffled."""
        return (moved[0], pair[1]) if self.moves_first else (pair[0], moved[1])

    def fill(
        self,
        into: Float[np.ndarray, " m"],
        pair: int,
        x: Prepared,
        y: Prepared,
        why: dict[int, str],
        along: tuple[Prepared, Prepared] | None = None,
    ) -> None:
        """Score a pair, given in the order of the experiment, or note why not.

        A `Difference` has the sign that it has ``along`` two other sides.
        """
        if pair in self.undefined or pair in why:
            return
        start = perf_counter()
        try:
            into[pair] = self.configuration(y, x) if self.turned else self.configuration(x, y)
            if along and (difference := self.configuration.difference):  # defined, as the score is
                into[pair] = difference.along(*along)(x, y)
        except UndefinedError as error:
            why[pair] = str(error)
        self.seconds[pair] += perf_counter() - start

    def fill_each(self, pair: int, x: Prepared, y: Prepared) -> None:
        """Find the scores of a pair, given in the order of the experiment, without each item, if the whole tells."""
        if pair not in self.undefined and (found := self.without_each(pair, x, y)) is not None:
            self.each[pair] = found

    def without_each(self, pair: int, x: Prepared, y: Prepared) -> Float[np.ndarray, " n"] | None:
        """Return the scores of a pair, or of a part of it, without each item, if the whole tells."""
        start = perf_counter()
        try:
            return self.configuration.without_each(*((y, x) if self.turned else (x, y)))
        except UndefinedError:  # as with one neighbour more; the score without some items says why
            return None
        finally:
            self.seconds[pair] += perf_counter() - start

    def fill_all(
        self, into: Float[np.ndarray, " m"], pairs: Sequence[Pair], left: Sides, right: Sides, product: Product
    ) -> None:
        """Score all pairs that are shuffled by one product of the stacked matrices."""
        start = perf_counter()
        wanted = self.shuffled_pairs
        if wanted:
            into[wanted] = product_scores(product, [pairs[k] for k in wanted], left, right)
            self.seconds[wanted] += (perf_counter() - start) / len(wanted)


def orders(configuration: Configuration, pair: tuple[T, T]) -> tuple[tuple[T, T], ...]:
    """Return the orders in which a configuration scores a pair: both where exchanging them changes the value.

    Examples
    --------
    >>> orders(Configuration.parse("cka"), ("a", "b"))
    (('a', 'b'),)
    """
    first, second = pair
    return (pair,) if configuration.facts.symmetric else (pair, (second, first))


def product_scores(product: Product, pairs: Sequence[Pair], left: Sides, right: Sides) -> Float[np.ndarray, " m"]:
    """Scores of pairs from the inner products of their matrices, the first of each from ``left``.

    Each matrix is gathered once, and each pair is multiplied by itself: a product of all matrices would round a pair by
    the company it is in.
    """
    quantity = product.quantity
    thin, formed = functools.cache(quantity.thin), functools.cache(functools.partial(_vector, product))

    def inner(x: Prepared, y: Prepared) -> float:
        if product.size is None and quantity.better_thin(x, y) and (a := thin(x)) and (b := thin(y)):
            return float(a.inner(b))
        one, other = formed(x), formed(y)
        return float(array_namespace(one, other).vecdot(one, other))

    own = functools.cache(lambda side: inner(side, side))
    found = np.asarray([inner(left[i], right[j]) for i, j in pairs])
    sizes = [np.ones_like(found)] * 2
    if product.score == "distance":
        firsts, seconds = zip(*pairs, strict=True)
        sizes = [np.asarray([own(side[place]) for place in of]) for side, of in ((left, firsts), (right, seconds))]
    scores: np.ndarray = product.scores(found, *sizes)
    return scores


def _vector(product: Product, of: Prepared) -> Float[Array, " nn"]:
    matrix = of.once(product.quantity)
    vector: Array = array_namespace(matrix).reshape(matrix, (-1,))
    return vector / of[product.size] if product.size else vector
