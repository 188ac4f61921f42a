"""A folder that a person can read: representations, results, experiments. What exists in it is complete."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from likewise.errors import InputError, StoreError
from likewise.measures import Configuration
from likewise.naming import canonical_json
from likewise.representation import Representation
from likewise.statistics import OF_THE_TABLE, SCHEMA, Comparison, Reduced, Results
from likewise.store.atomic import sweep, write_atomically, write_text
from likewise.store.growing import Growing, Parts
from likewise.store.keys import content_key, file_hash

VERSION = 1
"""Of the layout of a store; raised when an older likewise could not read what a newer one writes."""


class Store:
    """A store in a folder, made when the first thing is saved.

    Parameters
    ----------
    folder : str or Path
        ``representations/KEY.safetensors`` with ``KEY.json``, ``results/KEY.parquet`` with ``KEY.json``,
        ``experiments/NAME.json``, ``pins/KEY.json``.

    Raises
    ------
    StoreError
        If the folder is a store of a newer version, or a file.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise StoreError(f"{self.folder} is a file; needed is the folder of a store")
        about = self.folder / "store.json"
        if about.exists():
            version = _read_json(about).get("version")
            if version != VERSION:
                raise StoreError(f"{self.folder} is a store of version {version}; this likewise reads {VERSION}")

    def sweep(self) -> None:
        """Delete the unfinished files of processes that were killed."""
        sweep(self.folder)

    def _mark(self) -> None:
        about = self.folder / "store.json"
        if not about.exists():
            write_text(about, json.dumps({"what": "a store of likewise", "version": VERSION}) + "\n")

    # Representations

    def representation_path(self, key: str) -> Path:
        """Return where the matrix of a representation lies."""
        return self.folder / "representations" / f"{key}.safetensors"

    def has_representation(self, key: str) -> bool:
        """Whether a representation is there: its matrix and its description, each of which is complete or not there."""
        path = self.representation_path(key)
        return path.exists() and path.with_suffix(".json").exists()

    def save_representation(self, r: Representation, audit: Mapping[str, Any]) -> None:
        """Save the matrix in float32, then its description with the hash of the file."""
        self._mark()
        path = self.representation_path(r.key)
        matrix = np.ascontiguousarray(r.matrix, dtype=np.float32)
        # Not by save_file, which writes to a file of its own beside: a kill would leave one that nobody knows.
        write_atomically(path, lambda p: p.write_bytes(save({"matrix": matrix})))
        self._describe(r.key, path, (r.n_items, r.n_features), r.ids if r.has_ids else (), r.source, audit)

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
    ) -> None:
        about = {
            "version": VERSION,
            "key": key,
            "n_items": shape[0],
            "n_features": shape[1],
            "sha256": file_hash(matrix),
            "source": dict(source),
            "audit": dict(audit),
            "ids": list(ids),
        }
        write_text(
            self.representation_path(key).with_suffix(".json"), json.dumps(about, indent=1, ensure_ascii=False) + "\n"
        )

    def describe_representation(self, key: str) -> dict[str, Any]:
        """Return the description of a representation: source, audit, ids."""
        about = _read_json(self.representation_path(key).with_suffix(".json"))
        if about.get("version") != VERSION or about.get("key") != key:
            raise StoreError(_damaged(self.representation_path(key).with_suffix(".json"), "it describes another file"))
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
        if not path.exists() or file_hash(path) != about["sha256"]:
            raise StoreError(_damaged(path, "its content is not what was written"))
        return Representation(_read_matrix(path), about["ids"], name or key, key, about["source"])

    def representations(self) -> list[str]:
        """Return the keys of all representations."""
        found = sorted((self.folder / "representations").glob("[!.]*.json"))
        return [p.stem for p in found if self.has_representation(p.stem)]

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
        if not path.exists():
            return None
        about = _read_json(path)
        if [about.get("kind"), about.get("hub"), about.get("revision")] != [kind, hub, revision]:
            raise StoreError(_damaged(path, f"it is not the pin of {hub} at {revision}"))
        if not isinstance(about.get("commit"), str):
            raise StoreError(_damaged(path, "it names no commit"))
        return about

    def save_pin(
        self, kind: str, hub: str, revision: str, commit: str, width: int | None = None, blocks: int | None = None
    ) -> None:
        """Pin a revision to a commit, for good: a pin that is there already stays as it is."""
        self._mark()
        about = {"kind": kind, "hub": hub, "revision": revision, "commit": commit, "width": width, "blocks": blocks}
        text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
        path = self.pin_path(kind, hub, revision)
        write_atomically(path, lambda p: p.write_bytes(text.encode()), once=True)

    # What populations are reduced to, while they are compared

    def reduced_path(self, key: str, configuration: Configuration) -> Path:
        """Return where the vector of a representation for one configuration lies."""
        version = configuration.about.version
        what = content_key([configuration.measure, configuration.parameters_json, version])
        return self.folder / "reduced" / what / f"{key}.safetensors"

    def save_reduced(self, key: str, configuration: Configuration, reduced: Reduced, about: Mapping[str, str]) -> None:
        """Save a reduced representation, with what must be the same for all that it is compared with."""
        tensors = {"vector": reduced.vector, "sums": reduced.sums}
        content = save(tensors, metadata={**about, "reason": reduced.reason})
        path = self.reduced_path(key, configuration)
        write_atomically(path, lambda p: p.write_bytes(content), durable=False)

    def load_reduced(self, key: str, configuration: Configuration) -> tuple[Reduced, dict[str, str]]:
        """Load a reduced representation, and what was said about it."""
        path = self.reduced_path(key, configuration)
        try:
            with safe_open(path, "numpy") as file:
                about = dict(file.metadata())
                return Reduced(file.get_tensor("vector"), file.get_tensor("sums"), about.pop("reason")), about
        except (SafetensorError, KeyError, OSError) as error:
            raise StoreError(_damaged(path, str(error))) from error

    def drop_reduced(self) -> None:
        """Delete all reduced representations: what they were for is done."""
        shutil.rmtree(self.folder / "reduced", ignore_errors=True)

    # Parts of an extraction that goes on

    def parts(self, key: str, way: str = "") -> Parts:
        """Return the finished parts of an extraction that was not finished."""
        return Parts(self.folder / "representations" / f"{key}.parts", way)

    # Results

    def save_results(self, key: str, results: Results, request: Mapping[str, Any]) -> None:
        """Save the rows of one tile and what was asked for. Seconds lie beside: they alone differ from run to run."""
        self._mark()
        path = self.folder / "results" / f"{key}.parquet"
        seconds = results.table.select(["seconds"])
        write_atomically(path.with_suffix(".seconds"), lambda p: pq.write_table(seconds, p))
        table = results.table.drop_columns(["seconds", *OF_THE_TABLE])
        table = table.replace_schema_metadata(
            {**SCHEMA.metadata, b"likewise.request": canonical_json(dict(request)).encode()}
        )
        write_atomically(path, lambda p: pq.write_table(table, p))

    def result_keys(self) -> list[str]:
        """Return the keys of all stored tiles."""
        return [p.stem for p in sorted((self.folder / "results").glob("[!.]*.parquet"))]

    def tables(self, only: str | None = None) -> Iterator[tuple[dict[str, Any], pa.Table]]:
        """Yield the table of every stored tile, or of one, with what was asked for.

        Raises
        ------
        StoreError
            If a file is damaged or was not written by likewise.
        """
        for key in self.result_keys() if only is None else [only]:
            path = self.folder / "results" / f"{key}.parquet"
            try:
                table = pq.read_table(path)
                request = json.loads((table.schema.metadata or {})[b"likewise.request"])
                table = _of_this_version(table)
                columns = {"seconds": _seconds(path, table.num_rows)}
                columns |= {name: pa.nulls(table.num_rows, pa.float64()) for name in OF_THE_TABLE}
                for name, column in columns.items():
                    table = table.append_column(SCHEMA.field(name), column)
                table = table.select(SCHEMA.names).cast(SCHEMA)
            except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError, ValueError, OSError) as error:
                raise StoreError(_damaged(path, str(error).splitlines()[0])) from error
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
        text = json.dumps({"version": VERSION, **about}, indent=1, ensure_ascii=False) + "\n"
        path = self.folder / "experiments" / f"{name}.json"
        # Left alone where nothing has changed, so that a report can tell whether it is up to date.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)

    def experiments(self) -> dict[str, dict[str, Any]]:
        """Return the experiments by name."""
        found = {p: _read_json(p) for p in sorted((self.folder / "experiments").glob("[!.]*.json"))}
        for path, about in found.items():
            if not {"experiment", "representations"} <= about.keys():
                raise StoreError(_damaged(path, "it describes no experiment"))
        return {path.stem: about for path, about in found.items()}


def _seconds(results: Path, rows: int) -> Any:
    """The seconds beside a tile's rows; those of version 1 lie in JSON."""
    if results.with_suffix(".seconds").exists():
        return pq.read_table(results.with_suffix(".seconds")).column("seconds")
    older = results.with_suffix(".json")
    return pa.array(_read_json(older)["seconds"] if older.exists() else [None] * rows, pa.float64())


def _of_this_version(table: pa.Table) -> pa.Table:
    """A table of version 1 with the columns that came later: its chance levels are of shuffles, without intervals."""
    for name in ("null", "low", "high"):
        if name not in table.column_names:
            shuffled = pa.array([["none", "shuffles"][bool(p)] for p in table.column("n_permutations").to_pylist()])
            column = shuffled if name == "null" else pa.nulls(table.num_rows)
            table = table.append_column(SCHEMA.field(name), column.cast(SCHEMA.field(name).type))
    return table


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"there is no {path.stem} in {path.parent}") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise StoreError(_damaged(path, str(error))) from error
    if not isinstance(value, dict):
        raise StoreError(_damaged(path, "it holds no object"))
    return value


def _read_matrix(path: Path) -> np.ndarray:
    try:
        matrix: np.ndarray = load_file(path)["matrix"]
        return matrix
    except (SafetensorError, KeyError) as error:
        raise StoreError(_damaged(path, str(error))) from error


def _damaged(path: Path, why: str) -> str:
    return (
        f"{path} is damaged or foreign ({why}); move it out of the store or delete it, then run the same command "
        "again: what is missing is computed again"
    )
