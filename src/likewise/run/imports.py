"""Bring representations that others made into a store, where they are compared like one's own."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from likewise.about import Source
from likewise.arrays import in_precision
from likewise.documents import NO_TEXT
from likewise.errors import InputError
from likewise.models import canonical_layer, is_one_layer
from likewise.naming import check_model_name, counted
from likewise.oddities import audit
from likewise.plan import imported_key
from likewise.representation import Representation, aligned
from likewise.store import Store, arrow_files, dtype_of, file_hash, read_file, read_folder

LONGEST = 200
"""Characters of a name: an experiment looks for files that are called so."""


def import_representation(
    path: str | Path,
    store: Store,
    *,
    name: str,
    dataset: str,
    layer: str = "last",
    pooling: str | None = None,
    id_column: str | None = None,
    column: str | None = None,
    ids: Sequence[str] | None = None,
    kind: str = "states",
    metric: str = "",
) -> Representation:
    """Save the rows of a file or folder in a store, in float32, with their audit; the same rows again change nothing.

    Parameters
    ----------
    path : str or Path
        A file as `read_file` reads it, or a folder as `read_folder` does.
    store : Store
        Where they are kept.
    name : str
        Of the model that they came out of.
    dataset : str
        What its inputs are called; as in an experiment that has their prompts, if any.
    layer : str
        The layer that they came out of.
    pooling : str, optional
        How tokens became a row, in any words.
    id_column, column : str, optional
        As `read_folder` has them.
    ids : sequence of str, optional
        Which rows to keep, in which order, where the file has ids; all of them, as they are, by default.
    kind, metric : str
        What the rows are, as of a `Representation`. Tables of distances or similarities are kept in double precision,
        and have no audit: that is one of features.

    Returns
    -------
    Representation
        As it is kept.

    Raises
    ------
    InputError
        If it cannot be read, or other rows are in the store under the same names.
    """
    path, layer = Path(path), canonical_layer(layer)
    for said in (name, dataset, pooling or ""):
        if odd := NO_TEXT.search(said):
            raise InputError(f"{said!r} holds {odd[0]!r}, and no experiment can have such a text; give another one")
        if len(said) > LONGEST:
            raise InputError(f"{said[:40]!r}... has {len(said)} characters; expected at most {LONGEST}")
    check_model_name(name)
    if not is_one_layer(layer):
        raise InputError(
            f"layer {layer} can be several, or depends on the model; of imported rows expected 'last', 'embedding', "
            "the number of a block from 1, or a module"
        )
    if not name or not dataset:
        raise InputError(f"{path} needs the name of a model and of a data set; given are {name!r} and {dataset!r}")
    read = read_rows(path, id_column=id_column, column=column, kind=kind, metric=metric)
    files = arrow_files(path) if path.is_dir() else [path]
    if ids is not None and read.has_ids:
        if lacking := set(ids).difference(read.ids):
            raise InputError(
                f"{len(lacking):,} ids are missing in {path}, such as {min(lacking)!r}, and other rows of {dataset} "
                "have them; import all of them together, into a new store, with --join inner"
            )
        read = read.in_order(ids)
    known = read.source.pooling
    if known and pooling not in (None, known):
        raise InputError(f"the rows taken from {path} are pooled by {known}; given is {pooling}")
    source = Source(
        imported={file.name: file_hash(file) for file in files},
        model=name,
        dataset=dataset,
        layer=layer,
        pooling=pooling or known,
        column=read.source.column,
    )
    source |= Source(groups=read.groups) if read.groups else {}
    matrix = in_precision(read.matrix, dtype_of(read.kind), str(path))
    r = read.changed(matrix=matrix, name=name, key=imported_key(name, dataset, layer), source=source)
    if store.has_representation(r.key):
        check_same(store.load_representation(r.key, name), r, store)
    else:
        store.save_representation(r, {} if r.is_table else audit(r.matrix))
    return r


def read_rows(
    path: Path, *, id_column: str | None = None, column: str | None = None, kind: str = "states", metric: str = ""
) -> Representation:
    """Return the rows of a file or a folder."""
    if path.is_dir():
        return read_folder(path, id_column=id_column, column=column).changed(kind=kind, metric=metric)
    if column is not None:
        raise InputError(f"{path} is no folder; a column can only be named for a folder of Arrow files")
    return read_file(path, id_column=id_column or "id", kind=kind, metric=metric)


def order_of(
    paths: Iterable[Path],
    store: Store,
    dataset: str,
    *,
    join: str = "exact",
    id_column: str | None = None,
    column: str | None = None,
) -> tuple[tuple[str, ...] | None, list[str]]:
    """Return the ids that all rows of a data set are to have, in their order, and what that changes, in words.

    What is in the store already says the order, or the first path that has ids. One path is read at a time. Rows
    without ids are taken to be in that order, which cannot be known where paths have several.

    Raises
    ------
    InputError
        If ids are missing, and ``join`` is not ``"inner"``, or if the order of rows without ids is not clear, or there
        are more or fewer of them.
    """
    without: dict[str, int] = {}
    held: dict[str, tuple[str, ...]] = {}
    for key in store.representations():
        about = store.describe_representation(key)
        source = about["source"]
        if source.imported is not None and source.dataset == dataset:
            name = f"{source.model} in the store"
            if about["ids"]:
                held[name] = tuple(about["ids"])
            else:
                without[name] = about["n_items"]
    kept = set(held)
    # Those of the store are in the order of its ids, where it has some.
    without = {} if held else without
    for path in paths:
        rows = read_rows(path, id_column=id_column, column=column)
        if rows.has_ids:
            held[str(path)] = tuple(rows.ids)
        else:
            without[str(path)] = rows.n_items
    counts = without | {name: len(ids) for name, ids in held.items()}
    if without and len(set(counts.values())) > 1:
        fewest, most = (of(counts, key=counts.__getitem__) for of in (min, max))
        bare = next(iter(without))
        raise InputError(
            f"{fewest} has {counted(counts[fewest], 'row')}, {most} has {counts[most]:,}, and {bare} has no ids; "
            "expected as many rows in one data set, or ids that say which are the same"
        )
    if not held:
        return None, []
    # Rows of no width: only their order counts here.
    shown = [Representation(np.zeros((len(ids), 1)), ids, name) for name, ids in held.items()]
    shown += [Representation(np.zeros((n, 1)), (), name) for name, n in without.items()]
    ordered, told = aligned(shown, join)
    order = tuple(ordered[0].ids)
    if larger := [name for name in sorted(kept) if len(held[name]) > len(order)]:
        raise InputError(f"{larger[0]} has rows whose ids others lack; import all of them together, into a new store")
    return order, told


def check_same(kept: Representation, r: Representation, store: Store) -> None:
    """Refuse what differs from what is kept under the same names."""
    same = {
        "rows": np.array_equal(kept.matrix, r.matrix),
        "kind of rows": (kept.kind, kept.metric) == (r.kind, r.metric),
        "ids": (kept.has_ids, kept.ids) == (r.has_ids, r.ids),
        "groups": kept.groups == r.groups,
        "pooling": kept.source.pooling == r.source.pooling,
    }
    if other := [what for what, equal in same.items() if not equal]:
        raise InputError(
            f"{r.name} on {r.source.dataset}, layer {r.source.layer}, is in {store} already, with other "
            f"{' and '.join(other)}; import it under another name, or into another store"
        )
