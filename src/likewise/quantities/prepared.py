"""One representation and what was derived from it so far, for all its items, some of them, or a shuffle of them."""

import abc
import functools
import os
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace, check_matrix, float64, gather, gather_square, read_only, to_numpy
from likewise.errors import UndefinedError
from likewise.kinds import TABLES, check_kind, metric_of, precision
from likewise.quantities import pieces
from likewise.quantities.thin import Thin

TALL = 3
"""Rows for each feature from which they may be many."""


PAIRED = 4096
"""Rows up to which a number for each pair of them may be held, whatever their features: n x n of 128 MiB."""


def are_many(n: int, d: int) -> bool:
    """Whether so many rows of so few features are read in passes."""
    return n >= TALL * d and (n * d > pieces.PASS or n > PAIRED)


PAIR_BYTES = 16
"""Bytes for each pair of items that a matrix of them takes while it is made: itself, and a copy."""


@functools.cache
def memory() -> int:
    """Bytes of memory of this machine."""
    return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 2**63


def _is_mapped(rows: Array) -> bool:
    """Whether they are read from a file that is mapped for reading."""
    of: Any = rows
    while isinstance(of, np.ndarray):
        if isinstance(of, np.memmap) and of.mode == "r":
            return True
        of = of.base
    return False


class Quantity(abc.ABC):
    """Something derived from one representation. Frozen, so that it is its own cache key, parameters included.

    A subclass is a frozen dataclass whose fields are its parameters.
    """

    @abc.abstractmethod
    def compute(self, of: "Prepared") -> Array:
        """Return the value; may ask ``of`` for other quantities."""

    @abc.abstractmethod
    def nbytes(self, n: int, d: int) -> int:
        """Return the bytes that the value takes for n items and d features."""


class Equivariant(Quantity):
    """Something that is reordered with the items; what tells items apart by their place is a `Quantity` alone."""

    local: bool = False
    """Whether the value for some of the items is a gather of the value for all (a row norm is, a centred row not)."""

    def follows(self, whole: "Prepared") -> bool:
        """Whether the value for reordered items of ``whole`` is a gather; some parameters and rows make it none."""
        return True

    @abc.abstractmethod
    def reindex(self, value: Array, index: Int[Array, " m"]) -> Array:
        """Return the value after the items were reordered by ``index``, without computing it again."""


class PerItem(Equivariant):
    """Something with a row for each item."""

    def reindex(self, value: Array, index: Int[Array, " m"]) -> Array:
        """Reorder the rows."""
        return gather(value, index, 0)


class PerPair(Equivariant):
    """A number for each pair of items, as a matrix."""

    def products(self, x: "Prepared", y: "Prepared") -> Float[Array, " n"]:
        """Row sums of the elementwise product of the matrices of two sides; they sum to the inner product."""
        a, b = x[self], y[self]
        return array_namespace(a, b).sum(a * b, axis=1)

    def diagonal(self, of: "Prepared") -> Float[Array, " n"]:
        """The numbers of items and themselves."""
        if kernel := self.thin(of):
            return kernel.diagonal - kernel.c
        a = of[self]
        return array_namespace(a).linalg.diagonal(a)

    def thin(self, of: "Prepared") -> Thin | None:
        """The same matrix without forming it, where it has so few features that this is less work."""
        return None

    def better_thin(self, x: "Prepared", y: "Prepared") -> bool:
        """Whether inner products of many shuffles of two sides take less, in time or memory, if neither is formed."""
        return False

    def reindex(self, value: Array, index: Int[Array, " m"]) -> Array:
        """Reorder rows and columns."""
        return gather_square(value, index)

    def nbytes(self, n: int, d: int) -> int:
        """Return 8 n^2."""
        return 8 * n * n


class OrderFree(Equivariant):
    """A number, or a few, that reordering the items leaves as it is."""

    def reindex(self, value: Array, index: Int[Array, " m"]) -> Array:
        """Return the value as it is."""
        return value

    def nbytes(self, n: int, d: int) -> int:
        """Return 8."""
        return 8


PRODUCTS = 2**25
"""Bytes that products of features of many rows may take with all partners of a representation."""


class JointQuantity(abc.ABC):
    """Something derived from two representations, such as the decomposition that several measures share."""

    of_features: bool = False
    """Whether the value is a number for each pair of features: those of several partners are kept."""

    @abc.abstractmethod
    def compute(self, x: "Prepared", y: "Prepared") -> Any:
        """Return the value."""


@dataclass(frozen=True)
class RowProducts(JointQuantity):
    """Row sums of the elementwise product of two matrices of pairs, which sum to their inner product."""

    quantity: PerPair

    def compute(self, x: "Prepared", y: "Prepared") -> Float[Array, " n"]:
        """Return the sums."""
        return self.quantity.products(x, y)


Joint: TypeAlias = WeakKeyDictionary["Prepared", dict[tuple[JointQuantity, bool], Any]]
"""Joint quantities by the other representation; the second of a key says whether it is the second of both."""


class Prepared:
    """A matrix in double precision, and the quantities computed from it. ``prepared[quantity]`` computes one, once.

    Parameters
    ----------
    matrix : array, shape (n, d)
        One row per item, of any array library that follows the array API standard.
    name : str
        What messages call it.
    kind, metric : str
        What the matrix holds, as of a `Representation`.
    columns : str
        A hash of what the columns are, where only the same ones may be matched.
    many : bool, optional
        Whether rows are read in passes, and nothing is held for each pair of them; by default where they are many.
    copy : bool
        Whether the rows are copied where they are not at once in double precision, so that what is changed outside
        afterwards is not changed here. Rows of a file that is mapped for reading are not copied.

    Raises
    ------
    InputError
        If the matrix is not a finite real matrix of its kind.

    Examples
    --------
    >>> import numpy as np
    >>> from likewise.quantities import Gram
    >>> x = Prepared(np.asarray([[1.0, 0.0], [0.0, 2.0]]))
    >>> x[Gram(center=False)]
    array([[1., 0.],
           [0., 4.]])
    >>> x.permuted(np.asarray([1, 0]))[Gram(center=False)]
    array([[4., 0.],
           [0., 1.]])
    """

    def __init__(
        self,
        matrix: Array,
        name: str = "matrix",
        kind: str = "states",
        metric: str = "",
        columns: str = "",
        many: bool | None = None,
        copy: bool = True,
    ) -> None:
        self._many = many
        self._whole: Prepared | None = None
        self._index: Array = None
        self._permutes = False
        self.places: Int[Array, " n"] | None = None
        """The places of the items among all, where others are left out; else an item's place is its number."""
        self.shuffle: tuple[Any, int] | None = None
        """The round of shuffles, and which of them this is, where the products of a round are found together."""
        self.groups: Any = None
        """The `Groups` of many rows that are left out in turn, while sums over each are kept."""
        checked = check_matrix(matrix, name)
        self.kind, self.metric = kind, metric_of(kind, metric, name)
        check_kind(checked, kind, name)
        self.precision = precision(checked)
        """The relative rounding of the numbers that came in."""
        self._raw: Array = checked
        self._given: Array = None
        self._values: dict[Quantity, Array] = {}
        self._joint, self._products = Joint(), Joint()
        self.name, self.columns = name, columns
        self.n, self._d = (int(size) for size in checked.shape)
        if not self.is_many:
            self.given  # noqa: B018  # what is changed outside afterwards is not changed here
        elif copy and not _is_mapped(checked):
            self._raw = array_namespace(checked).asarray(checked, copy=True)

    @property
    def given(self) -> Float[Array, "n m"]:
        """What came in, in double precision: rows, or a table of items by items."""
        if self._given is None and self._whole is not None:
            whole, index = self._whole.given, self._index
            self._given = read_only(gather_square(whole, index) if self.is_table else gather(whole, index, 0))
        elif self._given is None:
            values = float64(self._raw)
            # Both orders of two items are one number; they differ by rounding, if at all.
            self._given = read_only((values + values.T) / 2 if self.is_table else values)
        return self._given

    @property
    def is_many(self) -> bool:
        """Whether there are so many rows, of few features, that they are read in passes and never copied as a whole."""
        return not self.is_table and (are_many(self.n, self._d) if self._many is None else self._many)

    def rows(self, start: int | Int[Array, " m"], stop: int | None = None) -> Float[Array, "m d"]:
        """Return some of the rows in double precision, between two places or at some, read from what came in."""
        return self._at(slice(start, stop) if isinstance(start, int) else start)

    def _at(self, items: Any) -> Float[Array, "m d"]:
        if self._given is not None:
            return self._given[items, :] if isinstance(items, slice) else gather(self._given, items, 0)
        if self._whole is not None:
            return self._whole._at(self._index[items])
        return float64(self._raw[items, :] if isinstance(items, slice) else gather(self._raw, items, 0))

    def stored(self, items: slice | Int[Array, " m"]) -> Float[Array, "m d"]:
        """Return some of the rows as they came in: in double precision, or fewer digits."""
        if self._whole is not None and self._given is None:
            return self._whole.stored(self._index[items])
        rows = self._raw if self._given is None else self._given
        rows = rows[items, :] if isinstance(items, slice) else gather(rows, items, 0)
        xp = array_namespace(rows)
        if not xp.isdtype(rows.dtype, "real floating") or xp.finfo(rows.dtype).bits > 64:
            return float64(rows)
        return rows.detach() if hasattr(rows, "detach") else rows

    @property
    def matrix(self) -> Float[Array, "n d"]:
        """The rows themselves, in double precision; undefined for a table, which has none."""
        if self.is_table:
            raise UndefinedError(
                f"{self.name} is a table of {self.kind}, which has no features; expected rows, because this depends on "
                "single features"
            )
        return self.given

    @property
    def d(self) -> int:
        """Number of features; undefined for a table."""
        if self.is_table:
            raise UndefinedError(
                f"{self.name} is a table of {self.kind}, which has no features; expected rows, because this depends on "
                "their number"
            )
        return self._d

    @property
    def size(self) -> int:
        """The larger side of the matrix, by which rounding grows."""
        return max(self.n, 0 if self.is_table else self._d)

    @property
    def is_table(self) -> bool:
        """Whether items by items came in, such as distances, and no rows."""
        return self.kind in TABLES

    @property
    def is_part(self) -> bool:
        """Whether this is a view of some items, or of a shuffle of them, and has the whole to ask."""
        return self._whole is not None

    def __getitem__(self, quantity: Quantity) -> Array:
        if quantity not in self._values:
            if isinstance(quantity, PerPair):
                self.check_room()
            gathered = self._gathered(quantity)
            self._values[quantity] = read_only(quantity.compute(self) if gathered is None else gathered)
        return self._values[quantity]

    def check_room(self, pair_bytes: int = PAIR_BYTES) -> None:
        """Refuse to hold a number for each pair of items that memory cannot hold, before anything is computed."""
        wanted = pair_bytes * self.n**2
        if wanted > (room := memory()):
            raise UndefinedError(
                f"a number for each pair of {self.n:,} items takes {wanted / 2**30:.1f} GiB, and this machine has "
                f"{room / 2**30:.1f}: take fewer items, a measure that goes by features or nearest items, or for rsa a "
                "sample of the pairs (sampled_rsa)"
            )

    def once(self, quantity: Quantity) -> Array:
        """Return a quantity; a view does not keep what it gathers."""
        gathered = None if quantity in self._values else self._gathered(quantity)
        return self[quantity] if gathered is None else gathered

    def _gathered(self, quantity: Quantity) -> Array | None:
        """The value out of that of the whole; None where it has to be computed."""
        if self._whole is None or not isinstance(quantity, Equivariant):
            return None
        if not quantity.local and not (self._permutes and quantity.follows(self._whole)):
            return None
        return quantity.reindex(self._whole[quantity], self._index)

    def some(self, quantity: PerItem, start: int, stop: int) -> Array:
        """Return some rows of a quantity of items; a view gathers no others."""
        if quantity in self._values or self._whole is None or not (self._permutes and quantity.follows(self._whole)):
            return self[quantity][start:stop, ...]
        return gather(self._whole[quantity], self._index[start:stop], 0)

    @functools.cached_property
    def left_out(self) -> tuple["Prepared", Int[np.ndarray, " m"]] | None:
        """The whole, and the items of it that are not here, where this is the rest; None elsewhere."""
        if self._whole is None or self._permutes or self._whole.is_part:
            return None
        here = np.zeros(self._whole.n, dtype=bool)
        here[to_numpy(self._index)] = True
        return (self._whole, np.flatnonzero(~here)) if int(here.sum()) == self.n else None

    @property
    def unmoved(self) -> "Prepared":
        """What this is a shuffle of a round of; else itself."""
        return self._whole if self.shuffle and self._whole else self

    @property
    def quantities(self) -> frozenset[Quantity]:
        """What is kept."""
        return frozenset(self._values)

    def joint(self, other: "Prepared", quantity: JointQuantity) -> Any:
        """Return a quantity of this and another representation, kept until a third is asked about.

        Only the last partner's are kept: those of all pairs would take more memory than everything else. Products of
        features of many rows are kept of as many partners as `PRODUCTS` has room for.
        """
        kept, partner, key = self._of_both(other, quantity)
        if partner not in kept:
            several = quantity.of_features and self.is_many and other.is_many
            most = max(1, PRODUCTS // (8 * self._d * other._d)) if several else 1
            for _ in range(len(kept) - most + 1):
                del kept[next(iter(kept.keys()))]
        values = kept.setdefault(partner, {})
        if key not in values:
            values[key] = quantity.compute(self, other)
        return values[key]

    @property
    def products(self) -> int:
        """How many kinds of products of features are kept."""
        return max((len({quantity for quantity, _ in values}) for values in self._products.values()), default=0)

    def kept(self, other: "Prepared", quantity: JointQuantity) -> Any:
        """Return a joint quantity if it is kept; else None."""
        kept, partner, key = self._of_both(other, quantity)
        return kept.get(partner, {}).get(key)

    def _of_both(self, other: "Prepared", quantity: JointQuantity) -> tuple["Joint", "Prepared", tuple[Any, bool]]:
        """Where a joint quantity is kept, and by what: with a shuffle, which is soon done with, if there is one."""
        keeper, partner = (other, self) if other.shuffle else (self, other)
        kept = keeper._products if quantity.of_features else keeper._joint
        return kept, partner, (quantity, keeper is self)

    def permuted(self, permutation: Int[Array, " n"], *, shuffle: tuple[Any, int] | None = None) -> "Prepared":
        """Return a view of all items in another order; every quantity of it is a gather, never a computation."""
        view = self._view(permutation, permutes=True)
        view.shuffle = shuffle
        return view

    def take(self, items: Int[Array, " m"]) -> "Prepared":
        """Return a view of some items; what is local to them is gathered, the rest computed from what is gathered."""
        return self._view(items, permutes=False)

    def rest(self, items: Int[Array, " m"]) -> "Prepared":
        """Return what stays where others are left out: `take`, but that items keep their places, and so their folds."""
        view = self.take(items)
        view.places = items
        return view

    def with_features(self, order: Int[Array, " d"]) -> "Prepared":
        """Return the same rows with the features in another order; what depends on their order is computed again."""
        other = self._view(order, permutes=False)
        other._whole, other._raw, other._given = None, None, read_only(gather(self.matrix, order, 1))
        other.n = self.n
        return other

    def _view(self, index: Array, *, permutes: bool) -> "Prepared":
        view = object.__new__(Prepared)
        view._whole, view._index, view._permutes = self, index, permutes
        view._raw, view._given, view._values = None, None, {}
        view._joint, view._products = Joint(), Joint()
        view.name, view.n, view._d = self.name, len(index), self._d
        view.kind, view.metric, view.precision = self.kind, self.metric, self.precision
        view.columns, view._many, view.shuffle, view.places, view.groups = self.columns, self._many, None, None, None
        return view
