"""A folder that a person can read: representations, results, experiments. What exists in it is complete."""

import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NotRequired, TypedDict

import pyarrow as pa

from likewise.about import Audit, Source
from likewise.errors import InputError, StoreError
from likewise.kinds import Kind, Metric, described
from likewise.measures import Configuration
from likewise.representation import Representation
from likewise.scoring import KINDS, Comparison, Reduced, Results
from likewise.shapes import fault
from likewise.store import shapes
from likewise.store.atomic import check_no_link
from likewise.store.door import damaged, json_bytes, opened, read_bytes, read_json, told
from likewise.store.keys import LENGTH, content_key, file_hash
from likewise.store.matrices import Room, dtype_of, matrix_hash, read_matrix, read_reduced, write_matrix, write_reduced
from likewise.store.partial_rows import Growing, Parts
from likewise.store.places import place_of
from likewise.store.texts import load_texts, save_texts
from likewise.store.tiles import read_tile, write_tile

VERSION = 1
"""Of the layout of a store; raised when an older likewise could not read what a newer one writes."""

REDUCED_VERSION = 5
"""Of what representations are reduced to; raised when an older likewise left something else, which is made anew."""

PARTS = ("representations", "results", "experiments", "pins", "prompts", "reduced", "runs", "vectors")
"""Folders of a store."""

MARK = "store.json"
"""The file that says of a folder that it is a store."""

MOST_RUN = 2**26
"""Bytes of the record of a run that is read."""

SMALL = 2**20
"""Bytes of a file with a few fields that is read."""


class Description(TypedDict):
    """What is known of a representation without its rows."""

    version: int
    key: str
    n_items: int
    n_features: int
    kind: NotRequired[Kind]
    metric: NotRequired[Metric]
    sha256: str
    source: Source
    audit: Audit
    ids: list[str]


class Store:
    """A store in a folder, made when the first thing is saved.

    Parameters
    ----------
    folder : str or Path
        A folder, or the URL of one in a bucket, such as ``s3://BUCKET/FOLDER``. In it:
        ``representations/KEY.safetensors`` with ``KEY.json``, ``results/KEY.parquet`` with ``KEY.seconds`` and, where
        there were shuffles or intervals, ``KEY.replicates.parquet``, ``experiments/NAME.json``, ``pins/KEY.json``,
        ``prompts/FINGERPRINT.parquet``, and in ``runs/KEY.json`` what runs say of themselves.

    Raises
    ------
    StoreError
        If the folder is a store of a newer version, or a file.
    InputError
        If it is a URL, and not of a bucket.
    UnreachableError
        If the bucket cannot be reached.

    Attributes
    ----------
    folder : Path
        The folder; of a bucket, that of copies on this machine.
    files : Disk
        How they are read and written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.files = place_of(folder)
        self.folder = self.files.folder
        try:
            version = read_json(self.files.fetch(self.folder / MARK, most=SMALL), shapes.STORE, SMALL)["version"]
        except FileNotFoundError:
            self.files.check()
            return
        if version != VERSION:
            raise StoreError(f"{self} is a store of version {version}; this likewise reads {VERSION}")

    def __str__(self) -> str:
        return str(self.files.address)

    def is_there(self) -> bool:
        """Whether the folder is a store: something has been saved in it."""
        return self.files.there(self.folder / MARK)

    def at_once(self) -> contextlib.AbstractContextManager[object]:
        """While it is open, many questions of what is there may be answered by one look at each folder."""
        return self.files.at_once()

    def sweep(self) -> None:
        """Delete the unfinished files of processes that were killed."""
        self.files.sweep()

    def _mark(self) -> None:
        """Say what the folder is, before anything is saved in it."""
        for part in PARTS:
            check_no_link(self.folder / part)
        about = self.folder / MARK
        if not self.files.there(about):
            self.files.write(about, json_bytes({"what": "a store of likewise", "version": VERSION}))

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

    def representation_file(self, key: str) -> str:
        """Return what the file of a representation is called for its user: its path, or its URL."""
        return told(self.representation_path(key))

    def has_representation(self, key: str) -> bool:
        """Whether a representation is there: its matrix and its description, each of which is complete or not there."""
        path = self.representation_path(key)
        return self.files.there(path) and self.files.there(path.with_suffix(".json"))

    def save_representation(self, r: Representation, audit: Mapping[str, Any]) -> None:
        """Save the matrix, then its description with the hash of the file.

        Rows are kept in float32, and tables of distances or similarities in double precision: what is derived from
        them loses half of the digits.
        """
        self._mark()
        path = self.representation_path(r.key)
        kind, ids = described(r.kind, r.metric), r.ids if r.has_ids else ()
        with self.files.staged(path) as own:
            write_matrix(own, r.matrix, dtype_of(r.kind), r.name)
            describe = self._description(r.key, (r.n_items, r.n_features), ids, r.source, audit, kind)
            self.files.take(own, path, describe)

    def take_representation(
        self,
        key: str,
        rows: Growing,
        ids: Sequence[str],
        source: Mapping[str, Any],
        audit: Mapping[str, Any],
        kind: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Take a matrix that has grown row by row to its end, with its description: never all in memory."""
        self._mark()
        describe = self._description(key, rows.matrix.shape, ids, source, audit, kind)
        self.files.take(rows.path, self.representation_path(key), describe)

    def _description(
        self,
        key: str,
        shape: tuple[int, int],
        ids: Sequence[str],
        source: Mapping[str, Any],
        audit: Mapping[str, Any],
        kind: Mapping[str, str],
    ) -> Callable[[Path], bytes]:
        """Return what describes a matrix, given its file."""
        records = {"source": Source(source), "audit": Audit(audit)}
        for name, record in records.items():
            if wrong := fault(record.written(), record.shape(), name):
                raise InputError(f"a representation of this description would not be read back: {wrong}")
        about = {
            "version": VERSION,
            "key": key,
            "n_items": shape[0],
            "n_features": shape[1],
            **kind,
            "sha256": "",
            **{name: record.written() for name, record in records.items()},
            "ids": list(ids),
        }
        return lambda matrix: json_bytes({**about, "sha256": file_hash(matrix)})

    def describe_representation(self, key: str) -> Description:
        """Return the description of a representation: source, audit, ids."""
        path = self.representation_path(key).with_suffix(".json")
        try:
            about = read_json(self.files.fetch(path), shapes.REPRESENTATION)
        except FileNotFoundError as error:
            raise InputError(f"there is no {key} in {told(path.parent)}") from error
        source, audit, n = Source(about["source"]), Audit(about["audit"]), about["n_items"]
        if (
            about["version"] != VERSION
            or about["key"] != key
            or any(len(found) not in (0, n) for found in (about["ids"], source.texts, source.right))
        ):
            raise damaged(path, "it describes another file")
        described: Description = {**about, "source": source, "audit": audit}  # type: ignore[typeddict-item]
        return described

    def load_representation(self, key: str, name: str = "") -> Representation:
        """Load a representation, after checking that its file is the one that was written.

        Raises
        ------
        StoreError
            If it is missing, truncated or changed.
        """
        path = self.representation_path(key)
        about = self.describe_representation(key)
        try:
            found = matrix_hash(self.files.fetch(path))
        except FileNotFoundError:
            found = ""
        if found != about["sha256"]:
            raise damaged(path, "its content is not what was written")
        kind, metric = about.get("kind", "states"), about.get("metric", "")
        shape, source = (about["n_items"], about["n_features"]), about["source"]
        matrix = read_matrix(path, shape, dtype_of(kind))
        try:
            return Representation(matrix, about["ids"], name or key, key, source, source.groups, kind, metric)
        except InputError as error:
            raise damaged(path, str(error)) from error

    def representations(self) -> list[str]:
        """Return the keys of all representations."""
        with self.files.at_once():
            found = self.files.names(self.folder / "representations", ".json")
            return [key for key in found if shapes.KEY.fullmatch(key) and self.has_representation(key)]

    # What the rows were made from, to be shown

    def prompts_path(self, fingerprint: str) -> Path:
        """Return where the texts of prompts lie."""
        _check_key(fingerprint)
        return self.folder / "prompts" / f"{fingerprint}.parquet"

    def save_prompts(self, fingerprint: str, named: Iterable[tuple[str, str]]) -> None:
        """Keep the texts of rows by their ids, once; those of a data set that is too large are not kept."""
        self._mark()
        path = self.prompts_path(fingerprint)
        if not self.files.there(path):
            with self.files.staged(path) as own:
                save_texts(own, fingerprint, named)
                self.files.keep(own, path)

    def prompts_kept(self) -> list[str]:
        """Return the fingerprints of which texts are kept."""
        return list(filter(shapes.KEY.fullmatch, self.files.names(self.folder / "prompts", ".parquet")))

    def prompts(self, source: Mapping[str, Any], ids: Iterable[str]) -> dict[str, str]:
        """Return the texts of some rows by their ids, given where they came from; empty where they were not kept.

        A chat is kept as the model was shown it, under the fingerprint of that; all else under that of the prompts.

        Raises
        ------
        StoreError
            If their file is damaged.
        """
        said, names = Source(source), set(ids)
        for fingerprint in (said.given, said.prompts):
            if not isinstance(fingerprint, str) or not shapes.KEY.fullmatch(fingerprint):
                continue  # of other software: nothing of it becomes a path
            if self.files.there(path := self.prompts_path(fingerprint)):
                texts = load_texts(self.files.fetch(path), fingerprint)
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
            about = read_json(self.files.fetch(path, most=SMALL), shapes.PIN, SMALL)
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
        once = before is None or "says" in before
        self.files.write(self.pin_path(kind, hub, revision), json_bytes(about | (before or {})), once=once)

    # What populations are reduced to: while they are compared, or kept to be searched

    def reduced_path(self, key: str, configuration: Configuration, *, kept: bool = False) -> Path:
        """Return where the vector of a representation for one configuration lies: of a run, or ``kept``."""
        _check_key(key)
        what = [configuration.measure, configuration.parameters_json, configuration.about.version, REDUCED_VERSION]
        return self.folder / ("vectors" if kept else "reduced") / content_key(what) / f"{key}.safetensors"

    def save_reduced(
        self,
        key: str,
        configuration: Configuration,
        reduced: Reduced,
        about: Mapping[str, str],
        *,
        kept: bool = False,
    ) -> None:
        """Save a reduced representation, with what must be the same for all that it is compared with."""
        self._mark()
        path = self.reduced_path(key, configuration, kept=kept)
        check_no_link(path.parent)
        with self.files.staged(path) as own:
            write_reduced(own, reduced, about)
            self.files.keep(own, path)

    def has_reduced(self, key: str, configuration: Configuration, *, kept: bool = False) -> bool:
        """Whether a reduced representation is there."""
        return self.files.there(self.reduced_path(key, configuration, kept=kept))

    def load_reduced(
        self, key: str, configuration: Configuration, *, kept: bool = False, room: Room | None = None
    ) -> tuple[Reduced, dict[str, str]]:
        """Load a reduced representation, and what was said about it; in a ``room``, it is there until the next one."""
        path = self.reduced_path(key, configuration, kept=kept)
        try:
            return read_reduced(self.files.fetch(path), room)
        except FileNotFoundError as error:
            raise damaged(path, "it is not there") from error

    def drop_reduced(self) -> None:
        """Delete the reduced representations of runs: what they were for is done. Those kept for searches stay."""
        with contextlib.suppress(StoreError):  # it disturbs nobody
            self.files.remove(self.folder / "reduced")

    # Parts of an extraction that goes on

    def parts(self, key: str, way: str = "") -> Parts:
        """Return the finished parts of an extraction that was not finished."""
        return Parts(self.folder / "representations" / f"{key}.parts", way)

    def begun(self) -> tuple[str, ...]:
        """Return the keys of extractions of which parts are there."""
        where = self.folder / "representations"
        found = [] if where.is_symlink() else sorted(where.glob("*.parts"))
        return tuple(path.stem for path in found if path.is_dir() and not path.is_symlink())

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
        with self.files.staged(path) as own:
            write_tile(own, results, request, replicates)
            self.files.keep(own, path)

    def has_results(self, key: str) -> bool:
        """Whether a tile is there."""
        return self.files.there(self.result_path(key))

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
        names = self.files.names(self.folder / "results", ".parquet")
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
        with self.files.at_once() if only is None else contextlib.nullcontext():
            keys = self.result_keys() if only is None else [only]
            for some in (keys[start : start + 64] for start in range(0, len(keys), 64)):
                self.files.ready(path for key in some for path in (self.result_path(key), *self.beside_tile(key)))
                for key in some:
                    yield read_tile(self._tile(key), replicates)

    def _tile(self, key: str) -> Path:
        """Where a tile can be read, and what lies beside it."""
        path = self.result_path(key)
        try:
            return self.files.fetch(path, *self.beside_tile(key))
        except FileNotFoundError as error:
            raise InputError(f"there is no {key} in {told(path.parent)}") from error

    def beside_tile(self, key: str) -> list[Path]:
        """Return what may lie beside a tile."""
        path = self.result_path(key)
        return [path.with_suffix(ending) for ending in (".seconds", ".replicates.parquet", ".json")]

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
        if not self._holds(path, content):
            self.files.write(path, content)

    def _holds(self, path: Path, content: bytes) -> bool:
        """Whether a file is there with exactly that content."""
        try:
            return read_bytes(self.files.fetch(path), len(content)) == content
        except OSError:  # what is missing, damaged or of another kind is written anew
            return False

    def experiment_written(self, name: str) -> float:
        """Return when an experiment was written last, by the clock of the store."""
        return self.files.written(self.folder / "experiments" / f"{name}.json")

    def report_folder(self, name: str) -> Path:
        """Return where the report of an experiment is written.

        The first has the store's own folder, each other one ``reports/NAME``, so that none is written over another.

        Raises
        ------
        StoreError
            If what is there is no regular file, or a folder of it is a link.
        """
        pages = self.files.pages
        own = pages / "reports" / name
        for folder in (own.parent, own):
            check_no_link(folder)
        if not own.is_dir():
            try:
                with os.fdopen(opened(pages / "report.html"), "rb") as page:
                    head = page.read(4096)
            except FileNotFoundError:
                return pages
            title = re.search(rb"<title>([^<]*)</title>", head)
            if title is None or title[1] == name.encode() or not self._knows(title[1]):
                return pages
        return own

    def _knows(self, name: bytes) -> bool:
        return name in map(os.fsencode, self.files.names(self.folder / "experiments", ".json"))

    def experiments(self) -> dict[str, dict[str, Any]]:
        """Return the experiments by name.

        Raises
        ------
        StoreError
            If one is damaged, or is called otherwise than its file.
        """
        found = {}
        for name in self.files.names(self.folder / "experiments", ".json"):
            path = self.folder / "experiments" / f"{name}.json"
            found[name] = read_json(self.files.fetch(path), shapes.EXPERIMENT_RECORD)
            if found[name]["experiment"]["name"] != name:
                raise damaged(path, f"it is of the experiment {found[name]['experiment']['name']!r}")
        return found

    # What runs say of themselves, for those who look on

    def run_path(self, key: str) -> Path:
        """Return where the record of a run lies."""
        _check_key(key)
        return self.folder / "runs" / f"{key}.json"

    def save_run(self, key: str, about: Mapping[str, Any]) -> None:
        """Write the record of a run anew."""
        self._mark()
        self.files.write(self.run_path(key), json_bytes(about), durable=False)

    def runs(self) -> dict[str, tuple[dict[str, Any], float]]:
        """Return the records of runs by their keys, each with the seconds since it was written, by the disk's clock.

        Raises
        ------
        StoreError
            If one is damaged.
        """
        found = {}
        now = self.files.now(self.folder / "runs")
        for key in self.files.names(self.folder / "runs", ".json"):
            if shapes.KEY.fullmatch(key):
                with contextlib.suppress(FileNotFoundError):  # another run has just begun in its place
                    path = self.run_path(key)
                    about = read_json(self.files.fetch(path), shapes.RUN, MOST_RUN)
                    written = self.files.written(path)
                    found[key] = about, max(0.0, now - written)
        return found

    def drop_run(self, key: str) -> None:
        """Delete the record of a run, if it is there."""
        self.files.remove(self.run_path(key))

    def drop_runs(self, of: Callable[[Mapping[str, Any]], bool]) -> None:
        """Delete the records of some runs."""
        for key, (about, _) in self.runs().items():
            if of(about):
                self.drop_run(key)


def _check_key(key: str) -> None:
    if not shapes.KEY.fullmatch(key):
        raise InputError(f"{key!r} is no key; expected {LENGTH} hexadecimal digits")
