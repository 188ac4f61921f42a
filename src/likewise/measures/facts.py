"""Facts: what is true of a measure with given parameters, and what these may be."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from likewise.arrays import Array, array_namespace, to_numpy
from likewise.errors import InputError
from likewise.naming import did_you_mean
from likewise.quantities import Neighbours, OrderFree, PerItem, PerPair, Prepared, Quantity

Direction: TypeAlias = Literal["similarity", "distance"]

INVARIANCES = {
    "feature permutation": "the order of the features",
    "orthogonal": "rotations and reflections of the features",
    "scaling": "multiplication by one positive number",
    "translation": "adding one vector to all rows",
    "linear": "any invertible linear map of the features",
}
"""The transformations of one representation that a measure may ignore."""

OTHER_NAMES = {"rotation": "orthogonal"}
"""What people call an invariance besides."""

NEARS_IDENTITY = "unrelated data come near to identical ones: read the calibrated score"
"""The regime of measures whose chance level moves to the value at identity as d grows past n."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is true of a measure with given parameters. Tests prove it; tables, colours and calibration use it.

    Parameters
    ----------
    direction : {"similarity", "distance"}
        Whether a higher value means more alike, or less.
    bounds : (float, float)
        The smallest and largest value that can occur.
    identity : float or None
        The score of a representation with itself; None if it depends on the representation, as in a held-out or
        regularised fit.
    invariances : frozenset of str
        The transformations of either side that do not change the score; names from `INVARIANCES`.
    regime : str
        What happens with fewer items than dimensions (n < d).
    cost : str
        Of preparing a side, and of a pair, in n and d.
    invariances_of_second : frozenset of str
        What it also ignores, but only in the second representation.
    symmetric : bool
        Whether exchanging the two representations keeps the score.
    metric : bool
        Whether it is a distance that obeys the triangle inequality.
    paired : bool
        Whether it matters which row of one side belongs to which row of the other. If not, there is no chance level
        from shuffled rows.
    undefined_if_wide : bool
        Whether it is undefined if the centred rows of a side are linearly independent (as for n <= d): the value would
        depend on n and the ranks alone, for any data.
    undefined_if_equal : bool
        Whether it is undefined between identical sides, as a ratio to their difference is.
    same_features : bool
        Whether it compares feature j of one side with feature j of the other, as of next-token distributions over one
        vocabulary. Both must then have as many features; the same new order of both keeps the score, and a new order of
        one does not.
    needs : str
        The one kind of rows that it takes, such as ``log_probabilities``; by default any. Arrays, of which no kind is
        said, are then taken and checked as such.
    minimum_items : int
        The fewest items for which it has a value.
    rounding : float
        The rounding error of its arithmetic, relative for values above 1.
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
    undefined_if_equal: bool = False
    same_features: bool = False
    needs: Literal["", "log_probabilities"] = ""
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


@dataclass(frozen=True)
class Matched:
    """How a score follows from the products of like-numbered features: chance by shuffled features has a closed form.

    Parameters
    ----------
    quantity : PerItem
        A matrix A with a column for each feature. The score is the mean of products A_ij B_ij summed over the rest.
    over : {"items", "features"}
        What the mean is over: the sum of all products is divided by n, or by d.
    turned : bool
        Whether the score is 1 less that.
    """

    quantity: PerItem
    over: Literal["items", "features"]
    turned: bool = False


@dataclass(frozen=True, eq=False)
class Difference:
    """How a score is how far apart two numbers are, one of each side: |a - b|, or the largest of several.

    Parameters
    ----------
    quantity : OrderFree
        The number, or a vector of them.
    weights : array, optional
        What each difference of a vector is multiplied by.
    """

    quantity: OrderFree
    weights: Float[np.ndarray, " m"] | None = None

    def signed(self, x: Prepared, y: Prepared) -> Float[Array, " m"]:
        """Return a - b, weighted."""
        a, b = x[self.quantity], y[self.quantity]
        xp = array_namespace(a, b)
        apart = xp.reshape(a - b, (-1,))
        return apart if self.weights is None else xp.asarray(self.weights, device=a.device) * apart

    def score(self, x: Prepared, y: Prepared) -> float:
        """Return the largest |a - b|."""
        apart = self.signed(x, y)
        xp = array_namespace(apart)
        return float(xp.max(xp.abs(apart)))

    def along(self, x: Prepared, y: Prepared) -> Callable[[Prepared, Prepared], float]:
        """Return what gives the difference of two other sides where that of x and y is largest, with its sign.

        Without its sign, a difference near 0 could only grow where some items are left out.
        """
        whole = to_numpy(self.signed(x, y))
        at = int(np.abs(whole).argmax())
        sign = -1.0 if whole[at] < 0 else 1.0
        return lambda x, y: sign * float(self.signed(x, y)[at])


@dataclass(frozen=True)
class Bilinear:
    """How a score follows from the inner product of a matrix of each side: its chance level then has a closed form.

    Parameters
    ----------
    first, second : PerPair
        A of the first side and B of the second, symmetric.
    scale : callable
        Takes both sides and returns p and q, which no shuffle changes, of the score p + q <A, B>.
    root : bool
        Whether the score is the root of that.
    """

    first: PerPair
    second: PerPair
    scale: Callable[[Prepared, Prepared], tuple[float, float]]
    root: bool = False


@dataclass(frozen=True)
class Overlap:
    """How a score follows from the numbers of common nearest items: of many items chance has a closed form.

    Parameters
    ----------
    near : Neighbours
        The nearest items of each side.
    score : callable
        Takes numbers of common neighbours, returns what they count; the score is the mean.
    """

    near: Neighbours
    score: Callable[[np.ndarray], np.ndarray]


def rotations(*, normalize: bool, center: bool) -> frozenset[str]:
    """The invariances of a measure that ignores rotations, scale where it normalises, offset where it centres."""
    extra = {"scaling": normalize, "translation": center}
    return frozenset({"feature permutation", "orthogonal"} | {name for name, holds in extra.items() if holds})


def of_same_features(direction: Direction, bounds: tuple[float, float], *ignored: str, **others: Any) -> Facts:
    """The facts of a measure that compares like-numbered features in one pass, and ignores these changes of them."""
    common: dict[str, Any] = {
        "identity": 0.0 if direction == "distance" else 1.0,
        "invariances": frozenset(ignored),
        "same_features": True,
        "cost": "side O(n d), pair O(n d)",
        "minimum_items": 1,
    }
    return Facts(direction=direction, bounds=bounds, **common | others)


def choice(parameter: str, value: Any, known: Iterable[str]) -> None:
    """Refuse a value that a parameter does not have."""
    known = list(known)
    if value not in known:
        raise InputError(f"{parameter}={value!r} is unknown; {did_you_mean(str(value), known)}")


def positive(parameter: str, value: float | int) -> None:
    """Refuse a parameter that is not above zero."""
    if not 0 < value < math.inf:
        raise InputError(f"{parameter}={value!r}; expected a number above 0")


def not_negative(parameter: str, value: float | int) -> None:
    """Refuse a parameter that is below zero."""
    if not 0 <= value < math.inf:
        raise InputError(f"{parameter}={value!r}; expected 0 or a number above it")


def ridge_like(parameter: str, value: float) -> None:
    """Refuse a share that is below zero, or so small that rounding decides on what it is to keep apart."""
    not_negative(parameter, value)
    if 0 < value < 1e-10:
        raise InputError(f"{parameter}={value!r}; expected 0, or 1e-10 or more: less is lost in rounding")


def check_folds(folds: int) -> None:
    """Refuse a number of folds that is not one; 0 stands for a fit on all items."""
    if folds < 0 or folds == 1:
        raise InputError(f"folds={folds!r}; expected 2 or more, or 0 to fit and judge on all items")
