"""Bring representations that others made into a store, where they are compared like one's own."""

from pathlib import Path

import numpy as np

from likewise.errors import InputError
from likewise.extract import audit, canonical_layer
from likewise.plan import imported_key
from likewise.representation import Representation
from likewise.store import Store, arrow_files, file_hash, read_file, read_folder


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
    if not name or not dataset:
        raise InputError(f"{path} needs the name of a model and of a data set; given are {name!r} and {dataset!r}")
    if column is not None and not path.is_dir():
        raise InputError(f"{path} is no folder; a column can only be named for a folder of Arrow files")
    if path.is_dir():
        read, files = read_folder(path, id_column=id_column, column=column), arrow_files(path)
    else:
        read, files = read_file(path, id_column=id_column or "id"), [path]
    known = read.source.get("pooling")
    if known and pooling not in (None, known):
        raise InputError(f"the rows taken from {path} are pooled by {known}; given is {pooling}")
    source = {
        "imported": {file.name: file_hash(file) for file in files},
        "model": name,
        "dataset": dataset,
        "layer": layer,
        "pooling": pooling or known,
        "column": read.source.get("column"),
        **({"groups": list(read.groups)} if read.groups else {}),
    }
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as that
        matrix = np.asarray(read.matrix, dtype=np.float32)
    r = read.changed(matrix=matrix, name=name, key=imported_key(name, dataset, layer), source=source)
    if store.has_representation(r.key):
        check_same(store.load_representation(r.key, name), r, store)
    else:
        store.save_representation(r, audit(r.matrix))
    return r


def check_same(kept: Representation, r: Representation, store: Store) -> None:
    """Refuse what differs from what is kept under the same names."""
    same = {
        "rows": np.array_equal(kept.matrix, r.matrix),
        "ids": (kept.has_ids, kept.ids) == (r.has_ids, r.ids),
        "groups": kept.groups == r.groups,
        "pooling": kept.source["pooling"] == r.source["pooling"],
    }
    if other := [what for what, equal in same.items() if not equal]:
        raise InputError(
            f"{r.name} on {r.source['dataset']}, layer {r.source['layer']}, is in {store.folder} already, with other "
            f"{' and '.join(other)}; import it under another name, or into another store"
        )
