"""A folder that a person can read: representations, results, experiments. What exists in it is complete."""

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from likewise.errors import InputError, StoreError
from likewise.kinds import TABLES, described
from likewise.measures import Configuration
from likewise.naming import canonical_json
from likewise.representation import Representation
from likewise.statistics import (
    KINDS,
    OF_THE_TABLE,
    SCHEMA,
    Comparison,
    NoReference,
    Reduced,
    Results,
    ShuffledRows,
    reference_names,
)
from likewise.store import shapes
from likewise.store.atomic import check_no_link, sweep, write_atomically
from likewise.store.door import (
    CHECKSUM,
    DEPTH,
    damaged,
    deeper,
    json_bytes,
    names_in,
    opened,
    read_bytes,
    read_json,
    read_table,
    there,
    write_json,
    write_table,
)
from likewise.store.growing import Growing, Parts
from likewise.store.keys import LENGTH, content_key, file_hash
from likewise.store.replicates import load_replicates, save_replicates
from likewise.store.texts import load_texts, save_texts

VERSION = 1
"""Of the layout of a store; raised when an older likewise could not read what a newer one writes."""

REDUCED_VERSION = 2
"""Of what representations are reduced to; raised when an older likewise left something else, which is made anew."""

PARTS = ("representations", "results", "experiments", "pins", "prompts", "reduced")
"""Folders of a store."""

SMALL = 2**20
"""Bytes of a file with a few fields that is read."""

REQUEST = "likewise.request"
"""The note of a results file with what was asked for."""

STORED = pa.schema([field for field in SCHEMA if field.name not in ("seconds", *OF_THE_TABLE)])
"""The columns of a results file."""

SECONDS = pa.schema([SCHEMA.field("seconds")])

LATER = ("null", "low", "high")
"""Columns that results of version 1 lack."""

CHOICES = {
    name: get_args(hint)
    for name, hint in get_type_hints(Comparison).items()
    if get_args(hint) and str in map(type, get_args(hint))
}
"""Columns that hold one of a few words."""

KEYS = ("a_key", "b_key")

MISSING = tuple(name for name, hint in get_type_hints(Comparison).items() if type(None) in get_args(hint))
"""Columns in which a value may be missing."""

BOUNDS = {
    "pvalue": (0, 1),
    "null_std": (0, math.inf),
    "n_permutations": (0, math.inf),
    "n_items": (1, math.inf),
}
"""Least and largest numbers of columns that have such."""


class Store:
    """A store in a folder, made when the first thing is saved.

    Parameters
    ----------
    folder : str or Path
        ``representations/KEY.safetensors`` with ``KEY.json``, ``results/KEY.parquet`` with ``KEY.seconds`` and, where
        there were shuffles or intervals, ``KEY.replicates.parquet``, ``experiments/NAME.json``, ``pins/KEY.json``,
        ``prompts/FINGERPRINT.parquet``.

    Raises
    ------
    StoreError
        If the folder is a store of a newer version, or a file.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if there(self.folder) and not self.folder.is_dir():
            raise StoreError(f"{self.folder} is a file; expected the folder of a store")
        about = self.folder / "store.json"
        if there(about):
            version = read_json(about, shapes.STORE, SMALL)["version"]
            if version != VERSION:
                raise StoreError(f"{self.folder} is a store of version {version}; this likewise reads {VERSION}")

    def is_there(self) -> bool:
        """Whether the folder is a store: something has been saved in it."""
        return there(self.folder / "store.json")

    def sweep(self) -> None:
        """Delete the unfinished files of processes that were killed."""
        sweep(self.folder)

    def _mark(self) -> None:
        """Say what the folder is, before anything is saved in it."""
        for part in PARTS:
            check_no_link(self.folder / part)
        about = self.folder / "store.json"
        if not there(about):
            write_json(about, {"what": "a store of likewise", "version": VERSION})

    # Representations

    def representation_path(self, key: str) -> Path:
        """Return where the matrix of a representation lies.

        Raises
        ------
        InputError
            If it is no key: what comes out of a file must not become a path elsewhere.
        """
        _check_key(key)
        return self.folder / "representations" / f"{key}.safetensors"

    def has_representation(self, key: str) -> bool:
        """Whether a representation is there: its matrix and its description, each of which is complete or not there."""
        path = self.representation_path(key)
        return there(path) and there(path.with_suffix(".json"))

    def save_representation(self, r: Representation, audit: Mapping[str, Any]) -> None:
        """Save the matrix, then its description with the hash of the file.

        Rows are kept in float32, and tables of distances or similarities in double precision: what is derived from
        them loses half of the digits.
        """
        self._mark()
        path = self.representation_path(r.key)
        matrix = np.ascontiguousarray(r.matrix, dtype=_dtype(r.is_table))
        # Not by save_file, which writes to a file of its own beside: a kill would leave one that nobody knows.
        write_atomically(path, lambda p: p.write_bytes(save({"matrix": matrix})))
        self._describe(
            r.key,
            path,
            (r.n_items, r.n_features),
            r.ids if r.has_ids else (),
            r.source,
            audit,
            described(r.kind, r.metric),
        )

    def take_representation(
        self, key: str, rows: Growing, ids: Sequence[str], source: Mapping[str, Any], audit: Mapping[str, Any]
    ) -> None:
        """Take a matrix that has grown row by row to its end, with its description: never all in memory."""
        self._mark()
        # Described before it is moved: a kill between the two costs nothing.
        self._describe(key, rows.path, rows.matrix.shape, ids, source, audit)
        rows.path.replace(self.representation_path(key))

    def _describe(
        self,
        key: str,
        matrix: Path,
        shape: tuple[int, int],
        ids: Sequence[str],
        source: Mapping[str, Any],
        audit: Mapping[str, Any],
        kind: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        about = {
            "version": VERSION,
            "key": key,
            "n_items": shape[0],
            "n_features": shape[1],
            **kind,
            "sha256": file_hash(matrix),
            "source": dict(source),
            "audit": dict(audit),
            "ids": list(ids),
        }
        write_json(self.representation_path(key).with_suffix(".json"), about)

    def describe_representation(self, key: str) -> dict[str, Any]:
        """Return the description of a representation: source, audit, ids."""
        path = self.representation_path(key).with_suffix(".json")
        try:
            about = read_json(path, shapes.REPRESENTATION)
        except FileNotFoundError as error:
            raise InputError(f"there is no {key} in {path.parent}") from error
        texts = about["source"].get("texts", about["ids"])
        if (
            about["version"] != VERSION
            or about["key"] != key
            or any(len(found) not in (0, about["n_items"]) for found in (about["ids"], texts))
        ):
            raise damaged(path, "it describes another file")
        return about

    def load_representation(self, key: str, name: str = "") -> Representation:
        """Load a representation, after checking that its file is the one that was written.

        Raises
        ------
        StoreError
            If it is missing, truncated or changed.
        """
        path = self.representation_path(key)
        about = self.describe_representation(key)
        if not there(path) or _matrix_hash(path) != about["sha256"]:
            raise damaged(path, "its content is not what was written")
        kind, metric = about.get("kind", "states"), about.get("metric", "")
        shape, source = (about["n_items"], about["n_features"]), about["source"]
        matrix = _read_matrix(path, shape, _dtype(kind in TABLES))
        groups = source.get("groups", ())
        try:
            return Representation(matrix, about["ids"], name or key, key, source, groups, kind, metric)
        except InputError as error:
            raise damaged(path, str(error)) from error

    def representations(self) -> list[str]:
        """Return the keys of all representations."""
        found = names_in(self.folder / "representations", ".json")
        return [key for key in found if shapes.KEY.fullmatch(key) and self.has_representation(key)]

    # What the rows were made from, to be shown

    def prompts_path(self, fingerprint: str) -> Path:
        """Return where the texts of prompts lie."""
        _check_key(fingerprint)
        return self.folder / "prompts" / f"{fingerprint}.parquet"

    def save_prompts(self, fingerprint: str, named: Iterable[tuple[str, str]]) -> None:
        """Keep the texts of rows by their ids, once; those of a data set that is too large are not kept."""
        self._mark()
        save_texts(self.prompts_path(fingerprint), fingerprint, named)

    def prompts(self, source: Mapping[str, Any], ids: Iterable[str]) -> dict[str, str]:
        """Return the texts of some rows by their ids, given where they came from; empty where they were not kept.

        A chat is kept as the model was shown it, under the fingerprint of that; all else under that of the prompts.

        Raises
        ------
        StoreError
            If their file is damaged.
        """
        names = set(ids)
        for fingerprint in (source.get("given"), source.get("prompts")):
            if not isinstance(fingerprint, str) or not shapes.KEY.fullmatch(fingerprint):
                continue  # of other software: nothing of it becomes a path
            if there(path := self.prompts_path(fingerprint)):
                texts = load_texts(path, fingerprint)
                if names <= texts.keys():
                    return {name: texts[name] for name in names}
        return {}

    # Which commit a name on the hub stands for in this store

    def pin_path(self, kind: str, hub: str, revision: str) -> Path:
        """Return where the pin of a revision of a hub model or data set lies."""
        return self.folder / "pins" / f"{content_key([kind, hub, revision])}.json"

    def pin(self, kind: str, hub: str, revision: str) -> dict[str, Any] | None:
        """Return the commit that a revision was pinned to, and what else is known of it; None where it was not.

        Raises
        ------
        StoreError
            If the file is damaged, or is of another revision.
        """
        path = self.pin_path(kind, hub, revision)
        try:
            about = read_json(path, shapes.PIN, SMALL)
        except FileNotFoundError:
            return None
        if [about["kind"], about["hub"], about["revision"]] != [kind, hub, revision]:
            raise damaged(path, f"it is not the pin of {hub} at {revision}")
        return about

    def save_pin(
        self,
        kind: str,
        hub: str,
        revision: str,
        commit: str,
        width: int | None = None,
        blocks: int | None = None,
        says: Mapping[str, str | None] | None = None,
    ) -> None:
        """Pin a revision to a commit, for good; a pin that is there already stays, but for what it does not say."""
        self._mark()
        about: dict[str, Any] = {
            "kind": kind,
            "hub": hub,
            "revision": revision,
            "commit": commit,
            "width": width,
            "blocks": blocks,
        }
        about |= {} if says is None else {"says": dict(says)}
        before = self.pin(kind, hub, revision)
        write_json(self.pin_path(kind, hub, revision), about | (before or {}), once=before is None or "says" in before)

    # What populations are reduced to, while they are compared

    def reduced_path(self, key: str, configuration: Configuration) -> Path:
        """Return where the vector of a representation for one configuration lies."""
        _check_key(key)
        what = [configuration.measure, configuration.parameters_json, configuration.about.version, REDUCED_VERSION]
        return self.folder / "reduced" / content_key(what) / f"{key}.safetensors"

    def save_reduced(self, key: str, configuration: Configuration, reduced: Reduced, about: Mapping[str, str]) -> None:
        """Save a reduced representation, with what must be the same for all that it is compared with."""
        tensors = {"vector": reduced.vector, "sums": reduced.sums}
        notes = {**about, "reason": reduced.reason}
        content = save(tensors, metadata={**notes, CHECKSUM: _checksum(tensors, notes)})
        self._mark()
        path = self.reduced_path(key, configuration)
        check_no_link(path.parent)
        write_atomically(path, lambda p: p.write_bytes(content), durable=False)

    def load_reduced(self, key: str, configuration: Configuration) -> tuple[Reduced, dict[str, str]]:
        """Load a reduced representation, and what was said about it."""
        path = self.reduced_path(key, configuration)
        try:
            check_regular(path)
            with safe_open(path, "numpy") as file:
                about = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name) for name in ("vector", "sums")}
            if about.pop(CHECKSUM) != _checksum(tensors, about):
                raise damaged(path, "its content is not what was written")
            return Reduced(tensors["vector"], tensors["sums"], about.pop("reason")), about
        except StoreError:
            raise
        except (SafetensorError, KeyError, OSError, ValueError, MemoryError) as error:
            raise damaged(path, str(error)) from error

    def drop_reduced(self) -> None:
        """Delete all reduced representations: what they were for is done."""
        shutil.rmtree(self.folder / "reduced", ignore_errors=True)

    # Parts of an extraction that goes on

    def parts(self, key: str, way: str = "") -> Parts:
        """Return the finished parts of an extraction that was not finished."""
        return Parts(self.folder / "representations" / f"{key}.parts", way)

    # Results

    def save_results(
        self, key: str, results: Results, request: Mapping[str, Any], *, replicates: Collection[str] = KINDS
    ) -> None:
        """Save the rows of one tile and what was asked for. Seconds lie beside: they alone differ from run to run.

        The kinds of ``replicates`` that are to be kept lie beside too: scores after each shuffle, by which p-values are
        corrected, and without some inputs.
        """
        self._mark()
        path = self.result_path(key)
        write_table(path.with_suffix(".seconds"), results.table.select(["seconds"]))
        save_replicates(path, results, replicates)
        table = results.table.drop_columns(["seconds", *OF_THE_TABLE])
        notes = {**SCHEMA.metadata, REQUEST.encode(): canonical_json(dict(request)).encode()}
        write_table(path, table.replace_schema_metadata(notes))

    def result_path(self, key: str) -> Path:
        """Return where the rows of a tile lie."""
        _check_key(key)
        return self.folder / "results" / f"{key}.parquet"

    def result_keys(self) -> list[str]:
        """Return the keys of all stored tiles.

        Raises
        ------
        StoreError
            If a file that is called otherwise lies among them.
        """
        names = names_in(self.folder / "results", ".parquet")
        if odd := [name for name in names if not shapes.KEY.fullmatch(name.partition(".")[0])]:
            raise damaged(self.folder / "results" / f"{odd[0]}.parquet", "its name is no key")
        return [name for name in names if "." not in name]  # what lies beside a tile has its key and a word more

    def tables(
        self, only: str | None = None, *, replicates: Collection[str] = ()
    ) -> Iterator[tuple[dict[str, Any], pa.Table]]:
        """Yield the table of every stored tile, or of one, with what was asked for.

        For each kind of ``replicates`` a column of that name holds each row's list of them, where they were kept.

        Raises
        ------
        StoreError
            If a file is damaged or was not written by likewise.
        """
        for key in self.result_keys() if only is None else [only]:
            path = self.result_path(key)
            try:
                table, notes = read_table(path, STORED, later=LATER)
            except FileNotFoundError as error:
                raise InputError(f"there is no {key} in {path.parent}") from error
            try:
                request = json.loads(notes[REQUEST])
                if not isinstance(request, dict) or deeper(request, DEPTH):
                    raise ValueError("its request is no object, or one that is nested too deeply")
            except (KeyError, ValueError, RecursionError) as error:
                raise damaged(path, f"it does not say what was asked for: {error}") from error
            table = _of_this_version(table)
            if wrong := _unbelievable(table):
                raise damaged(path, wrong)
            columns = {"seconds": _seconds(path, table.num_rows)}
            columns |= {name: _empty(SCHEMA.field(name).type, table.num_rows) for name in OF_THE_TABLE}
            for name, column in columns.items():
                table = table.append_column(SCHEMA.field(name), column)
            table = table.select(SCHEMA.names).cast(SCHEMA)
            for kind, lists in load_replicates(path, table, replicates).items() if replicates else ():
                table = table.append_column(kind, lists)
            yield request, table

    def results(self) -> Iterator[tuple[dict[str, Any], Comparison]]:
        """Yield every stored row, with what was asked for."""
        for request, table in self.tables():
            for row in Results(table):
                yield request, row

    # Experiments

    def save_experiment(self, name: str, about: Mapping[str, Any]) -> None:
        """Keep an experiment and the keys of its representations, so that a report needs nothing but the store."""
        self._mark()
        if not shapes.EXPERIMENT.fullmatch(name):
            raise InputError(f"an experiment cannot be called {name!r}; expected letters, digits, - _ and .")
        content = json_bytes({"version": VERSION, **about})
        path = self.folder / "experiments" / f"{name}.json"
        # Left alone where nothing has changed, so that a report can tell whether it is up to date.
        if not _holds(path, content):
            write_atomically(path, lambda p: p.write_bytes(content))

    def report_folder(self, name: str) -> Path:
        """Return where the report of an experiment is written.

        The first has the store's own folder, each other one ``reports/NAME``, so that none is written over another.

        Raises
        ------
        StoreError
            If what is there is no regular file, or a folder of it is a link.
        """
        own = self.folder / "reports" / name
        for folder in (own.parent, own):
            check_no_link(folder)
        if not own.is_dir():
            try:
                with os.fdopen(opened(self.folder / "report.html"), "rb") as page:
                    head = page.read(4096)
            except FileNotFoundError:
                return self.folder
            title = re.search(rb"<title>([^<]*)</title>", head)
            if title is None or title[1] == name.encode() or not self._knows(title[1]):
                return self.folder
        return own

    def _knows(self, name: bytes) -> bool:
        return name in map(os.fsencode, names_in(self.folder / "experiments", ".json"))

    def experiments(self) -> dict[str, dict[str, Any]]:
        """Return the experiments by name.

        Raises
        ------
        StoreError
            If one is damaged, or is called otherwise than its file.
        """
        found = {}
        for name in names_in(self.folder / "experiments", ".json"):
            path = self.folder / "experiments" / f"{name}.json"
            found[name] = read_json(path, shapes.EXPERIMENT_RECORD)
            if found[name]["experiment"]["name"] != name:
                raise damaged(path, f"it is of the experiment {found[name]['experiment']['name']!r}")
        return found


def _check_key(key: str) -> None:
    if not shapes.KEY.fullmatch(key):
        raise InputError(f"{key!r} is no key; expected {LENGTH} hexadecimal digits")


def _checksum(tensors: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> str:
    """SHA-256 of arrays with their types, shapes and notes."""
    found = hashlib.sha256(canonical_json(dict(notes)).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        found.update(np.ascontiguousarray(tensor).data)
    return found.hexdigest()


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file is there with exactly that content."""
    try:
        return read_bytes(path, len(content)) == content
    except OSError:  # what is missing, damaged or of another kind is written anew
        return False


def _seconds(results: Path, rows: int) -> Any:
    """The seconds beside a tile's rows; those of version 1 lie in JSON."""
    path, older = results.with_suffix(".seconds"), results.with_suffix(".json")
    if there(path):
        seconds = read_table(path, SECONDS)[0].column("seconds")
    elif there(older):
        path, seconds = older, pa.array(read_json(older, shapes.SECONDS)["seconds"], pa.float64())
    else:
        return pa.nulls(rows, pa.float64())
    if len(seconds) != rows:
        raise damaged(path, f"it has {len(seconds)} rows beside {rows}")
    return seconds


def _empty(kind: Any, rows: int) -> Any:
    """A column that says nothing: of numbers that are missing, or of empty texts."""
    return pa.nulls(rows, kind) if pa.types.is_floating(kind) else pa.array([""] * rows, pa.string()).cast(kind)


def _of_this_version(table: pa.Table) -> pa.Table:
    """A table of version 1 with the columns that came later: its chance levels are of shuffles, without intervals."""
    for name in LATER:
        if name not in table.column_names:
            words = [NoReference.name, ShuffledRows.name]
            shuffled = pa.array([words[bool(p)] for p in table.column("n_permutations").to_pylist()])
            column = shuffled if name == "null" else pa.nulls(table.num_rows)
            table = table.append_column(SCHEMA.field(name), column.cast(SCHEMA.field(name).type))
    return table


def _unbelievable(table: pa.Table) -> str | None:
    """What no row of ours holds: another word where few are possible, a share beyond 1, a key that is none."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name not in MISSING and column.null_count:
            return f"column {name!r} has a row without a value"
        words = reference_names() if name == "null" else CHOICES.get(name)
        texts = pc.unique(column).to_pylist() if words or name in KEYS else []
        if odd := [text for text in texts if words and text not in words]:
            return f"column {name!r} holds {odd[0][:40]!r}"
        if odd := [text for text in texts if name in KEYS and text and not shapes.KEY.fullmatch(text)]:
            return f"column {name!r} holds {odd[0][:40]!r}, which is no key"
        if name in BOUNDS:
            (least, most), ends = BOUNDS[name], pc.min_max(column).as_py()
            if ends["min"] is not None and not least <= ends["min"] <= ends["max"] <= most:
                return f"column {name!r} holds numbers from {ends['min']} to {ends['max']}"
    has_value, ok = pc.is_valid(table.column("value")), pc.equal(table.column("status").cast(pa.string()), "ok")
    if pc.all(pc.equal(has_value, ok)).as_py() is False:
        return "a row has a value and is undefined, or neither"
    return None


def _matrix_hash(path: Path) -> str:
    check_regular(path)
    return file_hash(path)


def check_regular(path: Path) -> None:
    """Refuse what is no regular file, before a library opens it by its name."""
    os.close(opened(path))


def _dtype(is_table: bool) -> type[np.floating[Any]]:
    """The precision in which rows, or a table, are kept."""
    return np.float64 if is_table else np.float32


def _read_matrix(path: Path, shape: tuple[int, int], dtype: type[np.floating[Any]]) -> np.ndarray:
    try:
        matrix: np.ndarray = load_file(path)["matrix"]
    except (SafetensorError, KeyError, ValueError, OSError, MemoryError) as error:
        raise damaged(path, str(error)) from error
    if matrix.shape != shape or matrix.dtype != dtype:
        expected = f"expected {np.dtype(dtype)} of shape {shape}"
        raise damaged(path, f"it holds {matrix.dtype} of shape {matrix.shape}, {expected}")
    return matrix
