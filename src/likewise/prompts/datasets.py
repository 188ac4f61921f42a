"""Where prompts come from: packages, local files, the hub."""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from likewise.catalogue.imported import imported_name
from likewise.catalogue.known import known, packaged_file
from likewise.documents import parse_yaml
from likewise.errors import InputError, MissingDependencyError, ModelError
from likewise.fields import whole, wrong_numbers
from likewise.naming import did_you_mean
from likewise.prompts.options import Choices, FilledChoices, fill_choices
from likewise.prompts.records import KINDS, kind_of, read_records
from likewise.prompts.spans import Spans
from likewise.prompts.templates import Writer
from likewise.prompts.texts import Format, Prompts, make_prompts
from likewise.store import content_key, file_hash

PROBES = "commonsense-probes"

DEFAULT_PROMPTS = "mixed-prompts"
"""The data set where none is named: 300 prompts of many kinds and languages, each independent of the others."""

PLAIN = Format()
"""A template alone: that of a known data set."""

COMMIT = re.compile(r"[0-9a-f]{40}")
"""What commits look like."""


@dataclass(frozen=True, kw_only=True)
class RecordsSpec:
    """Which records: of a known name, a local file or a hub id.

    Parameters
    ----------
    source : str
        A known name (``mixed-prompts``, ``commonsense-probes``, ``humaneval``, ``winogrande``), a path that ends in
        .jsonl, .json, .csv, .tsv or .parquet (all but the last also .gz), or a hub id.
    name : str
        What tables call it; by default the end of the source.
    config, split, revision : str, optional
        Which part of a hub data set.
    spans : Spans, optional
        Which characters of a prompt are rows of their own; by default a prompt is one row.
    id : str, optional
        The field that names a record; the position by default.
    groups : str, optional
        The field that says which records belong together, as a topic, a template or a pair of twins does; chance
        levels and intervals then take its values, and not the records, to be independent.
    limit : int, optional
        How many records to take, from the first.
    choices : Choices, optional
        The options of each record, for the layer ``choices``.
    """

    source: str
    name: str = ""
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    spans: Spans | None = None
    id: str | None = None
    groups: str | None = None
    limit: int | None = whole(None, least=1)
    choices: Choices | None = None

    def __post_init__(self) -> None:
        if said := wrong_numbers(self):
            raise InputError(said)
        if not self.name:
            object.__setattr__(self, "name", self.imported or Path(self.source).name.partition(".")[0])

    @property
    def imported(self) -> str | None:
        """The name that representations on it were imported under, where its prompts are not at hand."""
        return imported_name(self.source)


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(RecordsSpec):
    """Which prompts: records as `RecordsSpec` has them, with the template that makes prompts of them.

    Parameters
    ----------
    format : Format
        How its records become prompts; known data sets have a template.
    """

    format: Format = PLAIN

    def completed(self) -> "DatasetSpec":
        """Return the specification with what is known of this source, or of this name, filled in.

        Raises
        ------
        InputError
            If the source is neither a known name, nor a file, nor of the form of a hub id, or was imported.
        """
        if self.imported is not None:
            raise InputError(f"{self.name} was imported without its prompts")
        if not self.is_file and self.source not in known("datasets") and Path(self.source).is_file():
            raise InputError(f"{self.source} is no file of prompts; expected {', '.join(KINDS)}")
        if not self.is_file and self.source not in known("datasets") and "/" not in self.source:
            raise InputError(
                f"unknown data set {self.source!r}; {did_you_mean(self.source, known('datasets'), last=False)} A path "
                f"ends in {', '.join(KINDS)}, a hub id has the form owner/name"
            )
        entry = known("datasets").get(self.source) or known("datasets").get(self.name, {})
        local = self.is_file
        if local and (given := [k for k in ("config", "split", "revision") if getattr(self, k) is not None]):
            raise InputError(
                f"{given[0]}: {getattr(self, given[0])!r} is for data sets of the hub, and {self.source} is a file; "
                f"leave {given[0]} out (limit: N takes the first N records)"
            )
        filled = {k: entry.get(k) for k in ("config", "split", "id", "groups") if getattr(self, k) is None}
        if local:
            filled = {k: v for k, v in filled.items() if k == "id"}
        written = {k: entry.get(k) for k in ("template", "answer") if getattr(self.format, k) is None}
        if self.choices is None and not local and (options := entry.get("choices")):
            filled["choices"] = Choices(**options | {"options": tuple(options["options"])})
        return replace(self, format=replace(self.format, **written), **filled)  # type: ignore[arg-type]  # all are text

    @property
    def is_file(self) -> bool:
        """Whether the source is a path and not a name."""
        return kind_of(self.source) is not None

    @property
    def shots_file(self) -> Path | None:
        """The file that shots are drawn from, where one is named."""
        named = self.format.shots_from
        return Path(named) if self.format.shots and named and kind_of(named) else None

    @property
    def on_hub(self) -> bool:
        """Whether the prompts must be fetched."""
        entry = known("datasets").get(self.source)
        return "hub" in entry if entry else not self.is_file

    @property
    def fetched(self) -> bool:
        """Whether the prompts must be fetched by a hub id that is not of a known data set."""
        return self.imported is None and self.on_hub and self.source not in known("datasets")

    def identity(self) -> dict[str, Any]:
        """What tells these prompts from others, without a network: their content, or the request to the hub."""
        if self.imported is not None:
            return {"imported": self.imported}
        spec = self.completed()
        if not spec.on_hub:
            prompts = load_prompts(self)
            groups = {"groups": content_key(list(prompts.groups))} if prompts.groups else {}
            return {"prompts": prompts.fingerprint, **groups}
        hub = known("datasets").get(spec.source, {}).get("hub", spec.source)
        besides = self.format.besides_template()
        if (file := self.shots_file) is not None:
            if not file.exists():
                raise InputError(f"there is no data set file {file}")
            if not file.is_file():
                raise InputError(f"{file} is no regular file")
            # By its content: where it lies does not count.
            besides["shots_from"] = {"file": file_hash(file)}
        return {
            "hub": hub,
            "config": spec.config,
            "split": spec.split,
            "revision": spec.revision or "main",
            "template": spec.format.template,
            "id": spec.id,
            "limit": spec.limit,
            **({"groups": spec.groups} if spec.groups else {}),
            **({"format": besides} if besides else {}),
            **({"spans": asdict(spec.spans)} if spec.spans else {}),
        }

    def of_choices(self) -> dict[str, Any]:
        """What tells the rows of the layer ``choices`` from those of other options, beside `identity`.

        Raises
        ------
        InputError
            If the data set has none.
        """
        chosen = None if self.imported is not None else self.completed().choices
        if chosen is None:
            raise InputError(
                f"layer choices: {self.name} has no choices; give it choices: with options:, a template for each, such "
                "as '{{ option1 }}'"
            )
        # Of what is at hand the texts; of what is on the hub the request, as of its prompts.
        options = None if self.on_hub else load_choices(self)
        return {"choices": asdict(chosen if options is None else options)}

    def row_groups(self) -> tuple[str, ...] | None:
        """The groups of its rows, where it has some; None where they cannot be known before an extraction."""
        if self.imported is not None:
            return ()
        if self.on_hub:
            return None if self.completed().groups else ()
        groups = load_prompts(self).groups
        return None if groups and self.spans is not None else groups

    def n_items(self) -> int | None:
        """How many rows there are, where that can be known without a network."""
        if self.imported is not None:
            return None
        if not self.on_hub:
            return load_prompts(self).n_rows
        if self.spans is not None:
            return None
        items = known("datasets").get(self.source, {}).get("items")
        return min(items, self.limit) if items is not None and self.limit is not None else items or self.limit


_LOADED: dict[tuple[DatasetSpec, tuple[tuple[int, int], ...]], Prompts] = {}


PROMPT_FIELDS = ("prompt", "text")
"""A field of this name is the prompt itself, where a record has one of them and no template is given."""


def load_prompts(spec: DatasetSpec) -> Prompts:
    """Load the prompts of a data set; once per process.

    Raises
    ------
    InputError
        If the file or a field is missing, or no template is known or given.
    ModelError
        If a package or the hub is needed and cannot be reached.
    """
    # A file that has changed is read again.
    files = [Path(spec.source) if spec.is_file else None, spec.shots_file]
    states = [file.stat() for file in files if file is not None and file.is_file()]
    wanted = spec, tuple((state.st_size, state.st_mtime_ns) for state in states)
    if wanted not in _LOADED:
        full = spec.completed()
        records = _records(full)
        if full.format.template is None:
            first, records = _peek(records)
            plain = [field for field in PROMPT_FIELDS if field in first]
            if len(plain) != 1:
                longest = max(first, key=lambda field: len(str(first[field])), default="prompt")
                field = longest if longest.isidentifier() else f'record["{longest}"]'
                raise InputError(
                    f"{full.name} needs a template that makes a prompt of a record, for example template: "
                    f"'{{{{ {field} }}}}', or one field called prompt or text; its fields are "
                    f"{', '.join(sorted(first))}"
                )
            full = replace(full, format=replace(full.format, template=f"{{{{ {plain[0]} }}}}"))
        _LOADED[wanted] = make_prompts(
            full.name,
            records,
            full.format,
            id_column=full.id,
            group_column=full.groups,
            limit=full.limit,
            spans=full.spans,
            pool=_pool(full),
        )
    return _LOADED[wanted]


@functools.lru_cache(maxsize=8)
def _choices_of(spec: DatasetSpec, fingerprint: str) -> FilledChoices:
    """The options of records whose prompts have that fingerprint."""
    full, prompts = spec.completed(), load_prompts(spec)
    assert full.choices is not None  # asked for before
    if full.choices.prompt is None and prompts.chats:
        raise InputError(f"the choices of {spec.name} come after a chat; expected a prompt of their own")
    with Writer(spec.name) as write:
        return fill_choices(
            write, full.choices, prompts.ids, list(itertools.islice(_records(full), len(prompts.ids))), prompts.texts
        )


def load_choices(spec: DatasetSpec) -> FilledChoices:
    """Fill in the options of a data set that has some; only where they are asked for.

    Raises
    ------
    InputError
        If an option cannot be filled in, is empty or there twice, or the right one is none of them.
    """
    prompts = load_prompts(spec)
    return _choices_of(spec, prompts.fingerprint + prompts.records)


def _peek(records: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], Iterable[Mapping[str, Any]]]:
    iterator = iter(records)
    first = next(iterator, {})
    return first, itertools.chain([first], iterator)


def _records(spec: DatasetSpec) -> Iterable[Mapping[str, Any]]:
    if spec.source == PROBES:
        return probes()
    if spec.source in known("datasets") and not spec.on_hub:
        return read_records(packaged_file(spec.source, known("datasets")[spec.source]))
    if spec.is_file:
        return read_records(Path(spec.source))
    return _hub_records(spec)


def probes() -> Iterator[dict[str, str]]:
    """Expand the templates of ``commonsense-probes`` into sentences with a blank, two options and the answer.

    A sentence of each template in turn, so that the first few are of different ones.
    """
    text = (resources.files("likewise.prompts") / "data" / f"{PROBES}.yaml").read_text(encoding="utf-8")
    schemas = parse_yaml(text, PROBES).value["schemas"]
    return itertools.chain.from_iterable(zip(*map(_sentences, schemas), strict=True))


def _sentences(schema: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for number, fill in enumerate(schema["fills"], 1):
        for half, twin in zip("ab", schema["twins"], strict=True):
            yield {
                "id": f"{schema['name']}-{number}{half}",
                "template": schema["name"],
                "sentence": schema["sentence"].format(**fill, **{k: v for k, v in twin.items() if k != "answer"}),
                "option1": fill["a"],
                "option2": fill["b"],
                "answer": {"a": "1", "b": "2"}[twin["answer"]],
            }


def _pool(spec: DatasetSpec) -> Iterable[Mapping[str, Any]] | None:
    """What shots are drawn from, where it is not the data set itself."""
    named = spec.format.shots_from
    if named is None or not spec.format.shots:
        return None
    if spec.shots_file is not None:
        return read_records(spec.shots_file)
    if not spec.on_hub:
        raise InputError(f"{spec.name}: shots_from {named!r} is no file; a split can be named of a hub data set only")
    return _hub_records(replace(spec, split=named))


def _hub_records(spec: DatasetSpec) -> Iterable[Mapping[str, Any]]:
    hub = known("datasets").get(spec.source, {}).get("hub", spec.source)
    if spec.split is None:
        raise InputError(f"{hub} needs a split, for example split: validation")
    try:
        import datasets  # slow to import
    except ImportError as error:
        raise MissingDependencyError("datasets", "extract") from error
    datasets.disable_progress_bars()
    try:
        builder = _builder(datasets, hub, spec)
        builder.download_and_prepare()
        loaded: Iterable[Mapping[str, Any]] = builder.as_dataset(split=spec.split)
    except Exception as error:  # whatever the hub's client raises, the user needs the same three facts
        raise ModelError(
            f"the data set {hub} ({spec.config or 'default'}, {spec.split}) could not be loaded from the hub or its "
            "cache "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}); "
            "give a local file instead: source: PATH.jsonl"
        ) from error
    return loaded


def _builder(datasets: Any, hub: str, spec: DatasetSpec) -> Any:
    """The library's builder of a data set, at the commit that is asked for."""
    verbosity = datasets.logging.get_verbosity()
    datasets.logging.set_verbosity_error()  # it would tell of the commit that it takes offline
    try:
        builder = datasets.load_dataset_builder(hub, spec.config, revision=spec.revision)
    finally:
        datasets.logging.set_verbosity(verbosity)
    asked = spec.revision or ""
    if not COMMIT.fullmatch(asked) or builder.hash == asked:
        return builder
    # Where the hub cannot be reached the library takes whatever commit it has prepared last.
    place = Path(builder.cache_dir).with_name(asked)
    if not place.is_dir():
        raise FileNotFoundError(f"commit {asked} is not in the cache of data sets, only {builder.hash} is")
    *_, config, version, _ = place.parts
    return type(builder)(
        repo_id=hub, dataset_name=builder.dataset_name, config_name=config, version=version, hash=asked
    )
