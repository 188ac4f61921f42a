"""Many rows, some at a time: as pieces that fit the caches, and several of them side by side."""

import contextlib
import contextvars
import functools
import operator
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
from threadpoolctl import ThreadpoolController

from likewise.arrays import Array, array_namespace

T = TypeVar("T")

PASS = 2**22
"""Values of rows from which they are many, and read some at a time; no more than that at a time."""

STEP = 2**20
"""Values that are held in double precision at a time: larger pieces of memory are fetched from the system anew
each time, which takes longer than the sums."""

MOST = 16
"""Pieces that are worked on side by side, at most: each holds a few times `STEP` values, and what is made of it."""

ROOM = 2**28
"""Bytes that the results of pieces side by side may take."""

SMALL = 512
"""The smaller side of matrices up to which one thread of BLAS is as fast as several."""

_ALONE = threading.RLock()
"""Held while the threads of BLAS are set: they are those of the whole process."""

_BEFORE: list[int] = []
"""The threads of BLAS before they were set."""


BLOCK = 1024
"""Rows that are left out together, where they are many more."""

BLOCKS = 20
"""Blocks of rows, or more, are left out as such; of fewer rows, single ones."""


def block_of(n: int) -> int:
    """Return how many rows follow each other of which all are left out or none; 0 where any may be."""
    return BLOCK if n >= BLOCKS * BLOCK else 0


def spans(n: int, width: int, least: int = 1, within: int = 0) -> Iterator[tuple[int, int]]:
    """First and one past the last of some rows at a time: so many that they are `STEP` values, or the ``least``.

    All of them ``within`` a block of so many, where that is not 0.
    """
    step = max(least, min(PASS, STEP) // max(1, width))
    for first in range(0, n, within or n):
        last = min(n, first + within) if within else n
        yield from ((start, min(last, start + step)) for start in range(first, last, step))


def summed(
    shape: tuple[int, int],
    work: Callable[[int, int], T],
    least: int = 1,
    within: int = 0,
    each: Callable[[int, T], None] | None = None,
) -> T:
    """Return the sum of what ``work`` makes of some rows at a time, an array or several, in the order of the rows.

    Parameters
    ----------
    shape : (int, int)
        Rows, and the values that are held for each.
    work : callable
        Takes the first row and one past the last.
    least : int
        Rows at a time, at least.
    within : int
        Where not 0: no rows of two blocks of so many are taken together.
    each : callable, optional
        Takes the first row and what was made of those that follow.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(3, 2)
    >>> summed(x.shape, lambda i, j: x[i:j].T @ x[i:j])
    array([[20., 26.],
           [26., 35.]])
    """
    total: Any = None
    for number, (start, part) in enumerate(_pieces(shape, work, least, MOST, within)):
        if each is not None:
            each(start, part)
        add: Any = operator.iadd if number > 1 else operator.add  # what was made here takes what is added
        if total is None:
            total = part
        elif isinstance(part, tuple):
            total = tuple(add(a, b) for a, b in zip(total, part, strict=True))
        else:
            total = add(total, part)
    return cast(T, total)


def collected(shape: tuple[int, int], work: Callable[[int, int], T], least: int = 1, most: int = MOST) -> T:
    """Return what ``work`` makes of each row, an array or several, from some rows at a time: see `summed`.

    ``most`` pieces, or fewer, are worked on side by side.

    Examples
    --------
    >>> x = np.arange(6.0).reshape(3, 2)
    >>> collected(x.shape, lambda i, j: x[i:j].sum(axis=1))
    array([1., 5., 9.])
    """
    parts: list[Any] = [part for _, part in _pieces(shape, work, least, most)]
    several = isinstance(parts[0], tuple)
    found: Any = tuple(map(_concat, zip(*parts, strict=True))) if several else _concat(parts)
    return cast(T, found)


def filled(into: Array, work: Callable[[int, int], Array]) -> Array:
    """Return an array whose rows are what ``work`` makes of them, some at a time: see `summed`.

    Examples
    --------
    >>> x = np.arange(4.0).reshape(2, 2)
    >>> filled(x, lambda i, j: 2 * x[i:j])
    array([[0., 2.],
           [4., 6.]])
    """
    nothing = array_namespace(into).zeros(1)  # by which it is known which library works

    def write(start: int, stop: int) -> Array:
        into[start:stop, :] = work(start, stop)
        return nothing

    summed(into.shape, write)
    return into


def _concat(parts: Sequence[Array]) -> Array:
    return array_namespace(parts[0]).concat(parts)


def _pieces(
    shape: tuple[int, int], work: Callable[[int, int], T], least: int, most: int, within: int = 0
) -> Iterator[tuple[int, T]]:
    """The first row of each piece, and what ``work`` makes of it, in their order.

    BLAS uses all cores for one product, but what comes before it, such as double precision and centring, is done on
    one. So each piece is worked on by one core, and as many pieces at a time as BLAS has threads; where these are more
    than pieces, or than memory has room for, one after the other. The first is worked on alone: what it asks for is
    then there for all.
    """
    first, *rest = spans(*shape, least, within)
    made = work(*first)
    yield first[0], made
    threads = _threads() if len(rest) > 1 and _is_numpy(made) else 1
    most = min(len(rest), most, ROOM // max(1, _bytes(made)))
    if not 1 < threads <= most or not _ALONE.acquire(blocking=False):
        yield from ((place[0], work(*place)) for place in rest)
        return
    try:
        with _blas().limit(limits=1), ThreadPoolExecutor(threads) as pool:
            waiting: deque[tuple[int, Future[T]]] = deque()
            for start, stop in rest:
                settings = contextvars.copy_context()
                waiting.append((start, pool.submit(settings.run, work, start, stop)))
                while len(waiting) > threads or (waiting and stop == shape[0]):
                    place, of = waiting.popleft()
                    yield place, of.result()
    finally:
        _ALONE.release()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Give BLAS one thread meanwhile, so that numbers are the same to the last bit alone and `side_by_side`.

    Who holds the lock has given it one thread already.
    """
    if not _ALONE.acquire(blocking=False):
        yield
        return
    try:
        with _blas().limit(limits=1):
            yield
    finally:
        _ALONE.release()


def side_by_side(first: Callable[[], T], second: Callable[[], T]) -> tuple[T, T]:
    """Return what two functions make, each on a core of its own where BLAS has several threads."""
    if _threads() < 2 or not _ALONE.acquire(blocking=False):
        return first(), second()
    try:
        with _blas().limit(limits=1), ThreadPoolExecutor(2) as pool:
            one, other = (pool.submit(contextvars.copy_context().run, work) for work in (first, second))
            return one.result(), other.result()
    finally:
        _ALONE.release()


@contextlib.contextmanager
def threads_for(size: int) -> Iterator[None]:
    """Give BLAS one thread meanwhile, where the smaller side of matrices is no more than `SMALL`.

    Products and decompositions of small matrices gain nothing from several. Where other processes use the cores, these
    wait for each other, and everything takes many times as long. Pieces of many rows are still worked on side by side.
    """
    if size > SMALL or not _ALONE.acquire(blocking=False):
        yield
        return
    _BEFORE.append(_threads())
    try:
        with _blas().limit(limits=1):
            yield
    finally:
        _BEFORE.pop()
        _ALONE.release()


def _threads() -> int:
    """Threads of BLAS: 1 in a worker, or where a user has set that."""
    return _BEFORE[-1] if _BEFORE else max((of["num_threads"] for of in _blas().info()), default=1)


@functools.cache
def _blas() -> ThreadpoolController:
    """The libraries that multiply matrices. To look for them takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def _bytes(made: Any) -> int:
    return sum(map(_bytes, made)) if isinstance(made, tuple) else int(getattr(made, "nbytes", 8))


def _is_numpy(made: Any) -> bool:
    """Whether that was made by NumPy, whose functions let other threads work; other libraries use all cores."""
    return isinstance(made[0] if isinstance(made, tuple) else made, (np.ndarray, np.generic, float))
