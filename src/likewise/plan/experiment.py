"""What to do: models, data sets, representation, measures, statistics. One frozen tree, read from YAML or Python."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from likewise.errors import InputError
from likewise.extract import (
    DTYPES,
    DatasetSpec,
    Format,
    ModelSpec,
    Spans,
    Truncation,
    canonical_layer,
    canonical_pooling,
    canonical_variant,
)
from likewise.measures import REGISTRY, Configuration, configurations, is_own
from likewise.naming import did_you_mean, format_call, parse_call
from likewise.statistics import NullKind, Trust


class Part(BaseModel):
    """A part of an experiment: frozen, and without keys that mean nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def _variant(value: Any) -> Any:
    """``noise(sd=0.1)``, or the same as a mapping ``{noise: {sd: 0.1}}``."""
    if isinstance(value, Mapping) and len(value) == 1:
        (name, parameters), *_ = value.items()
        value = format_call(str(name), parameters or {})
    return canonical_variant(value) if isinstance(value, str) else value


Layer = Annotated[str, BeforeValidator(canonical_layer)]
Variant = Annotated[str | None, BeforeValidator(_variant)]


class ModelEntry(Part):
    """A model of an experiment; a text alone is its name.

    Parameters
    ----------
    model : str
        Packaged name, hub id, folder or ``.gguf`` file; or the folder or hub id of an adapter.
    name : str, optional
        What tables call it; by default the end of ``model``, and the variant.
    base, revision, variant, remote_code, pickled_weights
        As `ModelSpec` has them.
    layers : list, optional
        Instead of the experiment's.
    datasets : list of str, optional
        The names of the data sets that it takes part in; all by default.
    formats : list of str, optional
        The names of the formats that it is given, where a data set has several; all by default.
    """

    model: str
    name: str = ""
    base: str | None = None
    revision: str | None = None
    variant: Variant = None
    remote_code: bool = False
    pickled_weights: bool = False
    layers: tuple[Layer, ...] | None = Field(default=None, min_length=1)
    datasets: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _named(self) -> "ModelEntry":
        if not self.name:
            short = self.spec.imported or self.model.rstrip("/").rpartition("/")[2].removesuffix(".gguf")
            object.__setattr__(self, "name", f"{short} {self.variant}" if self.variant else short)
        return self

    @property
    def spec(self) -> ModelSpec:
        """The model as the extraction knows it."""
        return ModelSpec(
            model=self.model,
            base=self.base,
            revision=self.revision,
            variant=self.variant,
            remote_code=self.remote_code,
            pickled_weights=self.pickled_weights,
        )


class FormatEntry(Part):
    """How records become prompts; a text alone is the template. Fields as `Format` has them."""

    template: str | None = None
    answer: str | None = None
    shots: int = Field(default=0, ge=0, strict=True)
    shots_from: str | None = None
    seed: int = Field(default=0, ge=0, strict=True)
    separator: str = "\n\n"
    chat: bool = False
    system: str | None = None
    generation_prompt: bool = True

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return {"template": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _said_in_a_chat(self) -> "FormatEntry":
        if self.system is not None and not self.chat:
            raise ValueError("system is said in a chat only; set chat: true")
        return self


class SpansEntry(Part):
    """Which characters of a prompt are rows of their own. Fields as `Spans` has them."""

    regex: str | None = None
    column: str | None = None
    within: str | None = None

    @model_validator(mode="after")
    def _usable(self) -> "SpansEntry":
        Spans(**self.model_dump())
        return self


class DatasetEntry(Part):
    """A data set of an experiment; a text alone is its source.

    Parameters
    ----------
    source, name, config, split, revision, id, limit
        As `DatasetSpec` has them.
    template : str, optional
        How records become prompts, where there is one format.
    formats : mapping, optional
        Several formats by name: each model is given each, so that formats are compared like models are.
    spans : SpansEntry, optional
        Rows are pieces of the prompts.
    """

    source: str
    name: str = ""
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    template: str | None = None
    formats: dict[str, FormatEntry] = Field(default_factory=dict)
    spans: SpansEntry | None = None
    id: str | None = None
    limit: int | None = Field(default=None, ge=1, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _named(self) -> "DatasetEntry":
        if not self.name:
            named = DatasetSpec(name="", source=self.source).imported
            object.__setattr__(self, "name", named or Path(self.source).name.partition(".")[0])
        if self.formats and self.template is not None:
            raise ValueError("template and formats are both given; make the template one of the formats")
        return self

    @property
    def specs(self) -> dict[str, DatasetSpec]:
        """The data set as the extraction knows it, by the names of its formats; one without formats has no name."""
        shared = self.model_dump(exclude={"template", "formats", "spans"})
        spans = Spans(**self.spans.model_dump()) if self.spans else None
        formats = {name: Format(**f.model_dump()) for name, f in self.formats.items()}
        formats = formats or {"": Format(template=self.template)}
        return {name: DatasetSpec(**shared, format=form, spans=spans) for name, form in formats.items()}


class RepresentationPart(Part):
    """How states become a representation: layers, pooling, precision of the model."""

    layers: tuple[Layer, ...] = Field(default=("last",), min_length=1)
    pooling: Annotated[str, BeforeValidator(canonical_pooling)] = "last_token"
    dtype: Literal["float32", "bfloat16", "float16", "int8", "int4"] = "float32"
    truncation: Truncation = "error"


assert set(DTYPES) == {"float32", "bfloat16", "float16", "int8", "int4"}  # the annotation above cannot be computed


class StatisticsPart(Part):
    """What is asked for besides a score, as `Trust` has it: its chance level and its interval."""

    null: NullKind = "moments"
    permutations: int = Field(default=100, ge=0, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)
    groups: int = Field(default=20, ge=0, strict=True)

    @property
    def trust(self) -> Trust:
        """The same as the statistics know it."""
        return Trust(**self.model_dump())


class Experiment(Part):
    """A whole experiment.

    Parameters
    ----------
    name : str
        Letters, digits, ``-``, ``_`` and ``.``; the report and the store use it.
    models : list of ModelEntry
        Two or more representations must come of them.
    datasets : list of DatasetEntry
        Each is compared by itself.
    representation : RepresentationPart
        Layers, pooling and precision.
    measures : list of str
        Presets or measures, as `likewise.measures.configurations` reads them.
    statistics : StatisticsPart
        Chance levels and intervals.

    Examples
    --------
    >>> e = Experiment.of({"name": "two", "models": ["gpt2", "distilgpt2"], "datasets": ["commonsense-probes"]})
    >>> [m.name for m in e.models], len(e.configurations), e.statistics.permutations
    (['gpt2', 'distilgpt2'], 10, 100)
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    models: tuple[ModelEntry, ...] = Field(min_length=1)
    datasets: tuple[DatasetEntry, ...] = Field(min_length=1)
    representation: RepresentationPart = RepresentationPart()
    measures: tuple[str, ...] = ("paper",)
    statistics: StatisticsPart = StatisticsPart()

    @field_validator("measures", mode="before")
    @classmethod
    def _measures(cls, value: Any) -> Any:
        items = [value] if isinstance(value, str | Mapping) else value
        if isinstance(items, Iterable):
            texts = [_measure_text(item) for item in items]
            # What is a measure of one's own is known where its code is loaded, which an experiment cannot ask for.
            configurations(text for text in texts if text not in of_unknown_code(texts))
            return texts
        return items

    @model_validator(mode="after")
    def _names_tell_apart(self) -> "Experiment":
        known = [d.name for d in self.datasets]
        for kind, names in (("data sets", known), ("models", [m.name for m in self.models])):
            if twice := sorted({n for n in names if names.count(n) > 1}):
                raise ValueError(f"two {kind} are called {twice[0]!r}; give one of them another name")
        for model in self.models:
            for name in model.datasets or ():
                if name not in known:
                    raise ValueError(f"model {model.name!r} names the data set {name!r}; {did_you_mean(name, known)}")
            formats = {name for d in self.datasets for name in d.formats}
            for name in model.formats or ():
                if name not in formats:
                    raise ValueError(f"model {model.name!r} names the format {name!r}; {did_you_mean(name, formats)}")
        return self

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """Measures with their parameters, presets expanded; the code of all of them must be loaded."""
        return configurations(self.measures)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Experiment":
        """Validate a mapping; what is wrong is said by its place, with the nearest known key.

        Raises
        ------
        InputError
            If a key is unknown or a value cannot be used.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InputError(_explain(error)) from error

    @classmethod
    def read(cls, path: str | Path) -> "Experiment":
        """Read an experiment from YAML; paths of data sets and models in it are relative to its folder.

        Raises
        ------
        InputError
            If the file is missing, is no YAML, or holds no experiment.
        """
        path = Path(path)
        if not path.is_file():
            raise InputError(f"there is no experiment {path}; needed is a YAML file")
        try:
            value = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not YAML: {error}") from error
        if not isinstance(value, dict):
            raise InputError(f"{path} holds no experiment; needed are at least models: and datasets:")
        value.setdefault("name", path.stem)
        try:
            experiment = cls.of(value)
        except InputError as error:
            error.add_note(f"in {path}")
            raise
        return experiment.model_copy(
            update={
                "models": tuple(_beside(path, m, "model", "base") for m in experiment.models),
                "datasets": tuple(_dataset_beside(path, d) for d in experiment.datasets),
            }
        )

    def to_yaml(self) -> str:
        """Write the experiment with every choice that is not a default."""
        value = self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _beside(experiment: Path, entry: Any, *fields: str) -> Any:
    """The entry with relative paths that exist beside the experiment made whole."""
    found = {}
    for field in fields:
        place = experiment.parent / (getattr(entry, field) or "")
        of_model = place.suffix == ".gguf" or place.is_dir()
        usable = {"source": True, "shots_from": place.is_file()}.get(field, of_model)
        if getattr(entry, field) and usable and place.exists():
            found[field] = str(place.resolve())
    return entry.model_copy(update=found)


def _dataset_beside(experiment: Path, entry: DatasetEntry) -> Any:
    """The same of a data set, and of the files that its shots are drawn from."""
    formats = {name: _beside(experiment, form, "shots_from") for name, form in entry.formats.items()}
    return _beside(experiment, entry.model_copy(update={"formats": formats}), "source")


def of_unknown_code(measures: Iterable[str]) -> tuple[str, ...]:
    """Return the calls of measures of one's own whose code is not loaded."""
    return tuple(text for text in measures if is_own(name := parse_call(text)[0]) and name not in REGISTRY)


def _measure_text(item: Any) -> str:
    """A measure as text; YAML may also give ``{jaccard: {k: 5}}``."""
    if isinstance(item, Mapping) and len(item) == 1:
        (name, parameters), *_ = item.items()
        return format_call(str(name), parameters or {})
    if isinstance(item, Configuration):
        return item.label
    if not isinstance(item, str):
        raise ValueError(f"{item!r} is no measure; write jaccard(k=5) or {{jaccard: {{k: 5}}}}")
    return item


def _explain(error: ValidationError) -> str:
    lines = []
    places = [problem["loc"] for problem in error.errors()]
    for problem in error.errors():
        if problem["type"] == "too_short" and any(
            p != problem["loc"] and p[: len(problem["loc"])] == problem["loc"] for p in places
        ):
            continue  # a list counts as empty where an entry of it is wrong
        place = ".".join(str(p) for p in problem["loc"]) or "experiment"
        if problem["type"] == "extra_forbidden":
            *parents, key = problem["loc"]
            where = ".".join(str(p) for p in parents) or "the experiment"
            lines.append(f"unknown key {key!r} in {where}; {did_you_mean(str(key), _fields_at(parents))}")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{place}: {message}")
    return "\n".join(lines)


def _fields_at(place: Iterable[Any]) -> Iterable[str]:
    """The known keys at a place of the tree."""
    parts: dict[str, type[Part]] = {
        "models": ModelEntry,
        "datasets": DatasetEntry,
        "formats": FormatEntry,
        "spans": SpansEntry,
        "representation": RepresentationPart,
        "statistics": StatisticsPart,
    }
    known = [parts[step] for step in place if step in parts]
    return (known[-1] if known else Experiment).model_fields
