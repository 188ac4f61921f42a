"""What is compared: one row per input, with the names of the inputs and where the rows came from."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from likewise.about import Source
from likewise.arrays import Array, check_matrix, to_torch
from likewise.errors import InputError
from likewise.kinds import TABLES, check_kind, metric_of
from likewise.naming import counted, is_name


@dataclass(frozen=True, eq=False)
class Representation:
    """A matrix (items x features), the ids of its rows, and where it comes from.

    Parameters
    ----------
    matrix : array or DataFrame, shape (n, d)
        Row i describes item i. Values are real and finite. The precision is kept. Of distances and similarities, a
        square table: row i and column i both belong to item i.
    ids : sequence of str, optional
        Unique names of the items, in the order of the rows. Without ids, the rows are called ``"0", "1", ...`` and
        ``has_ids`` is false: they are taken to be in the same order as the rows that they are compared with. Of a
        DataFrame of pandas the index is the ids; one that only counts the rows is so where it stands beside another.
    groups : sequence of str, optional
        The group of each item, if items belong together (a topic, a template, a pair of twins). Chance levels and
        intervals then assume that groups are independent, not items.
    kind : {"states", "log_probabilities", "distances", "similarities"}
        What the rows are. ``distances`` and ``similarities`` (inner products) are tables of items x items, which
        measures take that need no features.
    metric : {"euclidean", "cosine", "correlation", "mahalanobis", "other"}, optional
        Of distances; Euclidean by default.
    name : str
        Its name, as in the columns ``a`` and ``b`` of a table of results.
    key : str
        Its content key in a store; empty for arrays that are in no store.
    source : Source or mapping
        Where the rows come from: model, data set, layer, pooling and so on.

    Raises
    ------
    InputError
        If the matrix is not a finite real matrix of its kind, or the ids do not fit its rows.

    Examples
    --------
    >>> import numpy as np
    >>> r = Representation(np.eye(3), ids=["a", "b", "c"], name="unit")
    >>> r.n_items, r.n_features
    (3, 3)
    >>> Representation(np.asarray([[0.0, 2.0], [2.0, 0.0]]), kind="distances").metric
    'euclidean'
    """

    matrix: Array
    ids: Sequence[str] = ()
    name: str = "representation"
    key: str = ""
    source: Source = field(default_factory=Source)
    groups: Sequence[str] = ()
    kind: str = "states"
    metric: str = ""
    has_ids: bool = field(init=False, default=False)
    index: Literal["", "ids", "counts"] = field(init=False, default="", repr=False)
    """Of a DataFrame: whether its index is the ids, or only counts the rows."""

    def __post_init__(self) -> None:
        ids = tuple(str(i) for i in self.ids)
        if not ids and hasattr(self.matrix, "index") and hasattr(self.matrix, "iloc"):
            ids = _index_of(self.matrix, self.name)
            object.__setattr__(self, "index", "ids" if ids else "counts")
            columns = tuple(map(str, self.matrix.columns))
            if ids and self.kind in TABLES and columns != ids and set(columns) == set(ids):
                raise InputError(f"{self.name}: its columns are in another order than its rows; expected the same one")
        object.__setattr__(self, "has_ids", bool(ids))
        object.__setattr__(self, "matrix", check_matrix(self.matrix, self.name, ids))
        object.__setattr__(self, "metric", metric_of(self.kind, self.metric, self.name))
        check_kind(self.matrix, self.kind, self.name, ids)
        n = self.matrix.shape[0]
        ids = ids or tuple(str(i) for i in range(n))
        if len(ids) != n:
            raise InputError(
                f"{self.name} has {counted(n, 'row')} and {counted(len(ids), 'id')}; expected one id for each row"
            )
        if len(set(ids)) != n:
            twice = next(i for i, count in Counter(ids).items() if count > 1)
            raise InputError(f"{self.name} has the id {twice!r} more than once; expected unique ids")
        given = () if self.groups is None else tuple(self.groups)
        if given and len(given) != n:
            raise InputError(
                f"{self.name} has {counted(n, 'row')} and groups for {len(given)}; expected one group for each row"
            )
        if unnamed := [place for place, group in enumerate(given) if not is_name(group)]:
            raise InputError(
                f"{self.name}: row {unnamed[0]} has no group: {str(given[unnamed[0]])[:40]!r} is no name (rows count "
                "from 0)"
            )
        groups = tuple(map(str, given))
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "source", Source(self.source))

    def changed(self, **others: Any) -> "Representation":
        """Return the same with other fields."""
        kept: dict[str, Any] = {own.name: getattr(self, own.name) for own in fields(self) if own.init}
        found = Representation(**{**kept, "ids": self.ids if self.has_ids else (), **others})
        if not {"matrix", "ids"} & others.keys():
            object.__setattr__(found, "index", self.index)
        return found

    def without(self, ids: Collection[str]) -> "Representation":
        """Return the same without some items."""
        if not ids:
            return self
        left_out = set(ids)
        return self.in_order([name for name in self.ids if name not in left_out])

    def in_order(self, ids: Sequence[str]) -> "Representation":
        """Return the same with these items, in this order."""
        if tuple(ids) == tuple(self.ids):
            return self
        places = {name: i for i, name in enumerate(self.ids)}
        kept = [places[name] for name in ids]
        groups = [self.groups[i] for i in kept] if self.groups else ()
        matrix = self.matrix[kept]
        matrix = matrix[:, kept] if self.is_table else matrix
        return self.changed(matrix=matrix, ids=ids, source=self.source.in_order(kept), groups=groups)

    @property
    def is_table(self) -> bool:
        """Whether each item has a column too, as in distances."""
        return self.kind in TABLES

    @property
    def n_items(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns; of a table, that of the items."""
        return int(self.matrix.shape[1])


def _index_of(matrix: Any, name: str) -> tuple[str, ...]:
    """The index of a DataFrame as ids; none where it only counts the rows."""
    index = list(matrix.index)
    if index == list(range(len(index))):
        return ()
    if len(set(index)) < len(index):
        twice = next(i for i, count in Counter(index).items() if count > 1)
        raise InputError(
            f"{name} has the index {twice!r} more than once; expected an index of ids, or reset_index(drop=True) where "
            "the rows are in the same order"
        )
    if missing := [place for place, one in enumerate(index) if one is None or one != one]:
        raise InputError(f"{name}: the index names no row {missing[0]} (rows count from 0); expected an index of ids")
    return tuple(map(str, index))


def on_device(representation: Representation, device: str) -> Representation:
    """Return a representation whose rows lie on a device: as they are for ``cpu``, as a torch tensor elsewhere."""
    return representation if device == "cpu" else representation.changed(matrix=to_torch(representation.matrix, device))


def aligned(representations: Sequence[Representation], join: str = "exact") -> tuple[list[Representation], list[str]]:
    """Bring representations into one order by their ids.

    Parameters
    ----------
    representations : sequence of Representation
        Those without ids are taken to be in the order of the others.
    join : {"exact", "inner"}
        Whether all must have the same ids, or those that not all have are left out.

    Returns
    -------
    list of Representation
        In the order of the first that has ids.
    list of str
        What was done, in words: who was reordered, and how many rows were left out.

    Raises
    ------
    InputError
        If ids are missing and ``join`` is ``"exact"``, if no id is in all, or if the order of rows without ids is not
        clear.

    Examples
    --------
    >>> import numpy as np
    >>> a = Representation(np.eye(3), ids=["x", "y", "z"], name="a")
    >>> b = Representation(np.eye(3), ids=["z", "x", "y"], name="b")
    >>> both, told = aligned([a, b])
    >>> both[1].ids, told
    (('x', 'y', 'z'), ['reordered b by id'])
    """
    if join not in ("exact", "inner"):
        raise InputError(f"join={join!r}; expected exact or inner")
    # pandas joins by index: one that counts the rows is the ids beside one that does not.
    by_index = any(r.index == "ids" for r in representations)
    has = [r.has_ids or (by_index and r.index == "counts") for r in representations]
    named, counting = ([r for r, own in zip(representations, has, strict=True) if own is of] for of in (True, False))
    if counting and (numbers := set(counting[0].ids)):
        for r in named:
            if r.ids != counting[0].ids and set(r.ids) == numbers:
                raise InputError(
                    f"{counting[0].name} has no ids, and those of {r.name} are numbers of rows in another order: which "
                    f"rows belong together is not clear; give ids to {counting[0].name} too, or none to {r.name}"
                )
    if all(r.ids == named[0].ids for r in named):
        return list(representations), []
    if counting:
        raise InputError(f"{counting[0].name} has no ids, but the others have different orders or different items")
    common = set(named[0].ids).intersection(*(r.ids for r in named[1:]))
    if not common:
        first = ", ".join(f"{r.name} begins with {r.ids[0]!r}" for r in named[:2])
        raise InputError(
            f"no id is in all of {', '.join(r.name for r in named[:3])}{', ...' if named[3:] else ''}: {first}"
        )
    if join == "exact":
        everything = set().union(*(r.ids for r in named))
        for r in named:
            if missing := sorted(everything.difference(r.ids)):
                raise InputError(
                    f"{len(missing):,} ids are missing in {r.name}, such as {missing[0]!r}; give rows of the same "
                    "ids, or leave such rows out: --join inner of compare, import and swap (in Python: join='inner')"
                )
    order = [i for i in named[0].ids if i in common]
    told = [
        f"left out {r.n_items - len(order):,} of {counted(r.n_items, 'row')} of {r.name}"
        for r in named
        if r.n_items > len(order)
    ]
    told += [f"reordered {r.name} by id" for r in named if [i for i in r.ids if i in common] != order]
    return [r.in_order(order) for r in named], told


def check_all_same_items(representations: Sequence[Representation]) -> None:
    """Raise an error that names two that do not describe the same items.

    All are held against one that has ids, if any has: those without are only as many rows.
    """
    first = next((r for r in representations if r.has_ids), representations[0])
    for other in representations:
        check_same_items(first, other)


def check_same_items(a: Representation, b: Representation) -> None:
    """Raise an error that names the first item in which two representations differ."""
    if a.n_items != b.n_items:
        raise InputError(
            f"{counted(a.n_items, 'row')} ({a.name}) against {counted(b.n_items, 'row')} ({b.name}): both must "
            "describe the same inputs in the same order"
        )
    if not (a.has_ids and b.has_ids):
        return
    for row, (left, right) in enumerate(zip(a.ids, b.ids, strict=True)):
        if left != right:
            why = f"row {row} is item {left!r} in {a.name} and {right!r} in {b.name}"
            if set(a.ids) == set(b.ids):
                raise InputError(f"{why}: the same inputs in another order; import both files into one new store")
            raise InputError(f"{why}: both must describe the same inputs in the same order")
