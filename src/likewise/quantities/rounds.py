r"""Many rows are shuffled 64 times at once: the products of all 64 take little more than those of one.

A round puts the items of a side in one order, drawn at random, and cuts it into parts of 2^r places. Its shuffle k then
moves what stands at place u of a part to place u XOR s_k, where s_k is the XOR of those of six random numbers that
belong to the bits of k. What is left beside these parts is put in another random order by each shuffle. So each shuffle
alone is a random order like any other.

Beside another side, with an order and numbers of its own, rows move by the XOR of both numbers, and these are again
those of six. Along them, sums of products are a convolution, which is a product after a Walsh-Hadamard transform:

.. math:: \sum_v A_v' B_{v \oplus k} = \frac{1}{64} \sum_f (-1)^{|f \wedge k|} \hat A_f' \hat B_f, \quad
    \hat A_f = \sum_v (-1)^{|f \wedge v|} A_v

with A_v the rows at places v of all parts, |.| the number of bits. Koning and Hemerik (2024),
doi:10.1093/biomet/asad050, on tests with the shuffles of a group instead of others.
"""

import abc
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float, Int

from likewise.arrays import Array, array_namespace
from likewise.quantities.pieces import summed
from likewise.quantities.prepared import JointQuantity, Prepared

BITS = 6

ROUND: int = 2**BITS
"""Shuffles of a round."""

LEFT, LITTLE = 1 / 256, 1024
"""A part is no smaller than this share of all items, and no smaller than that: few are often shuffled alike."""

HELD = 2**27
"""Bytes that a product after several shuffles takes, at most; where it is larger, fewer are found at once."""

LEAST = 2**12
"""Rows at a time: fewer are multiplied more slowly."""


def at_once(r: int, q: int) -> int:
    """After how many shuffles a product of r and q features is found at once.

    Examples
    --------
    >>> at_once(256, 256), at_once(768, 768), at_once(9000, 9000)
    (64, 16, 1)
    """
    count = ROUND
    while count > 1 and 8 * count * r * q > HELD:
        count //= 2
    return count


class SummedProduct(JointQuantity):
    """The sum over items of the products of what each side has of them: A'B."""

    of_features = True

    @abc.abstractmethod
    def rows(self, of: Prepared, items: Int[Array, " m"]) -> Float[Array, "m r"]:
        """Return what a side of many rows has of some items."""

    def known(self, x: Prepared, y: Prepared) -> Float[Array, "r q"] | None:
        """The product from elsewhere: from that of both sides turned round, or from a round of shuffles of one side."""
        if (turned := y.kept(x, self)) is not None:
            of_both: Array = turned.T
            return of_both
        moved, still = (y, x) if y.shuffle else (x, y)
        if moved.shuffle is None or still.shuffle or not still.is_many:
            return None
        of_round, number = moved.shuffle
        found: Array = of_round.product(self, number, x.unmoved, y.unmoved)
        return found


@dataclass(frozen=True, eq=False)
class Part:
    """Some places, and the items that stand there in the order of a round: groups, or one by one.

    They are moved by the numbers that six ``steps`` span; where these are None, into the ``orders``.
    """

    places: Int[np.ndarray, "m size"]
    items: Int[np.ndarray, "m size"]
    steps: Int[np.ndarray, " bits"] | None = None
    orders: Int[np.ndarray, "round m"] | None = None

    def after(self, number: int) -> Int[np.ndarray, "m size"]:
        """The items after one of the shuffles."""
        if self.steps is None:
            assert self.orders is not None
            order = self.orders[number]
        else:
            order = np.arange(len(self.items)) ^ spanned(self.steps)[number]
        return np.asarray(self.items[order])


def spanned(steps: Int[np.ndarray, " bits"]) -> Int[np.ndarray, " round"]:
    """The XOR of those of some numbers that belong to the bits of 0, 1, 2 and so on.

    Examples
    --------
    >>> spanned(np.asarray([1, 4]))
    array([0, 1, 4, 5])
    """
    found = np.zeros(1, dtype=np.int64)
    for step in steps:
        found = np.concatenate([found, found ^ step])
    return found


@dataclass(frozen=True, eq=False)
class Orders:
    """The orders of a round of the items of one side."""

    parts: Sequence[Part]

    @classmethod
    def draw(cls, alike: Sequence[Int[np.ndarray, "_ _"]], rng: np.random.Generator) -> "Orders":
        """Draw orders of items, or of groups of one size, each of which is given by its items.

        Examples
        --------
        >>> items = np.arange(4000)[:, None]
        >>> orders = Orders.draw([items], np.random.default_rng(0))
        >>> [part.items.shape[0] for part in orders.parts]
        [2048, 1024, 928]
        >>> sorted(orders[3]) == list(range(4000))
        True
        """
        parts = []
        for same in alike:
            items, first = same[rng.permutation(len(same))], 0
            while (left := len(same) - first) >= max(LITTLE, LEFT * len(same)):
                size = 2 ** (left.bit_length() - 1)
                of = slice(first, first + size)
                parts.append(Part(same[of], items[of], steps=rng.integers(size, size=BITS)))
                first += size
            anew = np.stack([rng.permutation(left) for _ in range(ROUND)])
            parts.append(Part(same[first:], items[first:], orders=anew))
        return cls(parts)

    def __getitem__(self, number: int) -> Int[np.ndarray, " n"]:
        found = np.empty(sum(part.places.size for part in self.parts), dtype=np.int64)
        for part in self.parts:
            found[part.places] = part.after(number)
        return found


class Round:
    """A round of shuffles of two sides, whose products are found several at a time.

    Parameters
    ----------
    first : Prepared
        One of the sides.
    one, other : Orders
        Of this side, and of the other.
    """

    def __init__(self, first: Prepared, one: Orders, other: Orders) -> None:
        self.first = first
        both = list(zip(one.parts, other.parts, strict=True))
        self._moved = [pair for pair in both if _are_apart(*pair)]
        self._left = [pair for pair in both if not _are_apart(*pair)]
        self._found: dict[tuple[SummedProduct, int], Float[Array, "count r q"]] = {}

    def product(self, of: SummedProduct, number: int, x: Prepared, y: Prepared) -> Float[Array, "r q"]:
        """Return a product of the sides, as they stand, after one of the shuffles."""
        assert self.first in (x, y)
        if x is not self.first:
            return self.product(of, number, y, x).T
        widths = [of.rows(side, np.arange(1)).shape[1] for side in (x, y)]
        count = at_once(*widths)
        start = number - number % count
        if self._moved and (of, start) not in self._found:
            # Those of the shuffles before these are done with.
            self._found = {key: value for key, value in self._found.items() if key[0] != of}
            places = [_places(a, b, range(start, start + count)) for a, b in self._moved]
            first, second = (np.concatenate(items, axis=1) for items in zip(*places, strict=True))
            self._found[of, start] = _transformed(of, x, y, first, second, max(widths))
        found = self._found[of, start][number - start, :, :] if self._moved else None
        first, second = (
            np.concatenate([p.after(number).reshape(-1) for p in side]) for side in zip(*self._left, strict=True)
        )
        if not len(first):
            return found
        rest = summed((len(first), max(widths)), lambda i, j: of.rows(x, first[i:j]).T @ of.rows(y, second[i:j]))
        return rest if found is None else found + rest


def _transformed(
    of: SummedProduct,
    x: Prepared,
    y: Prepared,
    a: Int[np.ndarray, "count m"],
    b: Int[np.ndarray, "count m"],
    width: int,
) -> Float[Array, "count r q"]:
    """Sums of products of the items a of one side and b of the other, after each move of these."""
    count, m = a.shape
    xp = array_namespace(of.rows(x, a[0, :1]))
    signs = scipy.linalg.hadamard(count).astype(np.float64)

    def transformed(side: Prepared, items: Int[np.ndarray, "count k"]) -> Float[Array, "count k r"]:
        rows = of.rows(side, items.reshape(-1))
        by = xp.asarray(signs, device=rows.device)
        return xp.reshape(by @ xp.reshape(rows, (count, -1)), (*items.shape, rows.shape[1]))

    def products(i: int, j: int) -> Float[Array, "count r q"]:
        return xp.matrix_transpose(transformed(x, a[:, i:j])) @ transformed(y, b[:, i:j])

    total = summed((m, count * width), products, LEAST // count)
    by = xp.asarray(signs / count, device=total.device)
    return xp.reshape(by @ xp.reshape(total, (count, -1)), total.shape)


def _are_apart(a: Part, b: Part) -> bool:
    """Whether each shuffle moves two parts beside each other by another number."""
    return a.steps is not None and b.steps is not None and len(set(spanned(a.steps ^ b.steps).tolist())) == ROUND


def _places(a: Part, b: Part, numbers: range) -> tuple[Int[np.ndarray, "count m"], Int[np.ndarray, "count m"]]:
    """The items of two parts in so many rows that each of the shuffles exchanges whole rows of the second.

    The shuffle ``numbers[k]`` sets the row v of the first beside the row v XOR k of the second.
    """
    assert a.steps is not None
    assert b.steps is not None
    moves = spanned(a.steps ^ b.steps)
    by, places = moves[: len(numbers)], np.arange(len(a.items))
    firsts = places[np.logical_and.reduce([places <= places ^ move for move in by])]
    grid = by[:, None] ^ firsts
    return tuple(part.items[at].reshape(len(by), -1) for part, at in ((a, grid), (b, grid ^ moves[numbers[0]])))
