"""What to do: models, data sets, representation, measures, statistics. One frozen tree, read from YAML or Python."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from likewise.documents import Document, read_yaml, write_yaml
from likewise.errors import InputError
from likewise.extract import (
    DTYPES,
    TRANSFORMERS,
    DatasetSpec,
    Format,
    ModelSpec,
    Spans,
    Truncation,
    canonical_layer,
    canonical_pooling,
    canonical_variant,
    usable_name,
)
from likewise.measures import REGISTRY, Configuration, configurations, is_own
from likewise.naming import called_of, did_you_mean, format_call, model_of, name_of, parse_call
from likewise.statistics import ALL, DEFAULT, Pairs, Trust, canonical_reference


class Part(BaseModel):
    """A part of an experiment: frozen, and without keys that mean nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def _variant(value: Any) -> Any:
    """``noise(sd=0.1)``, or the same as a mapping ``{noise: {sd: 0.1}}``."""
    if isinstance(value, Mapping):
        value = _call_text(value, "variant", "noise(sd=0.1) or {noise: {sd: 0.1}}")
    return canonical_variant(value) if isinstance(value, str) else value


def _call_text(value: Mapping[Any, Any], kind: str, example: str) -> str:
    """The text of a call that is written as a mapping of its name to its parameters."""
    for name, parameters in value.items() if len(value) == 1 else ():
        if parameters is None or isinstance(parameters, Mapping):
            given = {str(k): v for k, v in (parameters or {}).items()}
            if all(isinstance(v, bool | int | float | str) for v in given.values()):
                return format_call(str(name), given)
    raise ValueError(f"this is no {kind}; write {example}")


def _chance(value: Any) -> Any:
    """A reference, as a text or as a mapping of its name to its parameters."""
    if isinstance(value, Mapping):
        value = _call_text(value, "chance level", 'moments, or {panel: {path: "kept"}}')
    return canonical_reference(value) if isinstance(value, str) else value


def _pooling(value: Any, told: ValidationInfo) -> Any:
    """A pooling, or nothing; in a file a key without a value is a slip, and not a choice."""
    if value is None and (told.context or {}).get("written"):
        raise ValueError("expected a pooling, such as mean; leave the key out for what each model says itself")
    return canonical_pooling(value) if isinstance(value, str) else value


Layer = Annotated[str, BeforeValidator(canonical_layer)]
Pooling = Annotated[str | None, BeforeValidator(_pooling)]
Variant = Annotated[str | None, BeforeValidator(_variant)]
Place = Annotated[str, AfterValidator(usable_name)]
Wanted = Annotated[Pairs, PlainValidator(Pairs.read), PlainSerializer(Pairs.said)]


class ModelEntry(Part):
    """A model of an experiment; a text alone is its name.

    Parameters
    ----------
    model : str
        Packaged name, hub id, folder or ``.gguf`` file; or the folder or hub id of an adapter.
    name : str, optional
        What tables call it; by default the end of ``model``, and the variant.
    base, revision, variant, remote_code, pickled_weights, backend
        As `ModelSpec` has them.
    layers : list, optional
        Instead of the experiment's.
    pooling : str, optional
        Instead of the experiment's, and of what the model says itself.
    datasets : list of str, optional
        The names of the data sets that it takes part in; all by default.
    formats : list of str, optional
        The names of the formats that it is given, where a data set has several; all by default.
    """

    model: Place
    name: str = ""
    base: Place | None = None
    revision: Place | None = None
    variant: Variant = None
    remote_code: bool = False
    pickled_weights: bool = False
    backend: str = Field(default=TRANSFORMERS, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    layers: tuple[Layer, ...] | None = Field(default=None, min_length=1)
    pooling: Pooling = None
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
            backend=self.backend,
        )

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Records of models of transformers are what they were before there were other backends."""
        return {k: v for k, v in serialize(self).items() if (k, v) != ("backend", TRANSFORMERS)}


class FormatEntry(Part):
    """How records become prompts; a text alone is the template. Fields as `Format` has them."""

    template: str | None = None
    answer: str | None = None
    shots: int = Field(default=0, ge=0, strict=True)
    shots_from: Place | None = None
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
            raise ValueError("system needs a chat; set chat: true")
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
    source, name, config, split, revision, id, groups, limit
        As `DatasetSpec` has them.
    template : str, optional
        How records become prompts, where there is one format.
    formats : mapping, optional
        Several formats by name: each model is given each, so that formats are compared like models are.
    spans : SpansEntry, optional
        Rows are pieces of the prompts.
    """

    source: Place
    name: str = ""
    config: Place | None = None
    split: str | None = None
    revision: Place | None = None
    template: str | None = None
    formats: dict[str, FormatEntry] = Field(default_factory=dict)
    spans: SpansEntry | None = None
    id: str | None = None
    groups: str | None = None
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
            raise ValueError("expected template or formats, got both; make the template one of the formats")
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
    pooling: Pooling = None
    """None stands for what a model says itself, and for ``last_token`` where it says nothing."""
    dtype: Literal["float32", "bfloat16", "float16", "int8", "int4"] = "float32"
    truncation: Truncation = "error"


assert set(DTYPES) == {"float32", "bfloat16", "float16", "int8", "int4"}  # the annotation above cannot be computed


class StatisticsPart(Part):
    """What is asked for besides a score, as `Trust` has it: its chance level and its interval."""

    chance: Annotated[str, BeforeValidator(_chance)] = DEFAULT
    permutations: int = Field(default=100, ge=0, strict=True)
    seed: int = Field(default=0, ge=0, strict=True)
    groups: int = Field(default=20, ge=0, strict=True)

    @property
    def trust(self) -> Trust:
        """The same as the statistics know it."""
        return Trust(self.chance, self.permutations, self.seed, self.groups)


class Experiment(Part):
    """A whole experiment.

    Parameters
    ----------
    name : str
        At most 100 letters, digits, ``-``, ``_`` and ``.``. The report and the store use it.
    models : list of ModelEntry
        Together they must give at least two representations.
    datasets : list of DatasetEntry
        Each is compared separately.
    representation : RepresentationPart
        Layers, pooling and precision.
    measures : list of str
        Presets or measures, as `likewise.measures.configurations` reads them.
    pairs : Pairs
        Which pairs are compared on each data set (see `Pairs`); all by default.
    statistics : StatisticsPart
        Chance levels and intervals.

    Examples
    --------
    >>> e = Experiment.of({"name": "two", "models": ["gpt2", "distilgpt2"], "datasets": ["commonsense-probes"]})
    >>> [m.name for m in e.models], len(e.configurations), e.statistics.permutations
    (['gpt2', 'distilgpt2'], 10, 100)
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    models: tuple[ModelEntry, ...] = Field(min_length=1)
    datasets: tuple[DatasetEntry, ...] = Field(min_length=1)
    representation: RepresentationPart = RepresentationPart()
    measures: tuple[str, ...] = ("paper",)
    pairs: Wanted = ALL
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
        datasets = dict.fromkeys(d.name for d in self.datasets)
        for kind, names in (("data sets", [d.name for d in self.datasets]), ("models", [m.name for m in self.models])):
            if twice := sorted(n for n, count in Counter(names).items() if count > 1):
                raise ValueError(f"two {kind} are called {twice[0]!r}; give one of them another name")
        formats = {name for d in self.datasets for name in d.formats}
        for model in self.models:
            for name in model.datasets or ():
                if name not in datasets:
                    raise ValueError(
                        f"model {model.name!r} names the data set {name!r}; {did_you_mean(name, datasets)}"
                    )
            for name in model.formats or ():
                if name not in formats:
                    raise ValueError(f"model {model.name!r} names the format {name!r}; {did_you_mean(name, formats)}")
        # Which layers there are may be known only when a model is at hand; the models are known here.
        given = [name_of(m.name, "last", form) for m in self.models for form in ("", *formats)]
        known = {called for name in given for called in called_of(name)}
        for name in (*self.pairs.first, *self.pairs.second):
            if known.isdisjoint((name, model_of(name))):
                raise ValueError(f"pairs name {name!r}; {did_you_mean(name, {m.name for m in self.models})}")
        return self

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """Measures with their parameters, presets expanded; the code of all of them must be loaded."""
        return configurations(self.measures)

    @classmethod
    def of(cls, value: Mapping[str, Any], document: Document | None = None) -> "Experiment":
        """Validate a mapping; what is wrong is said by its place, with the nearest known key.

        Parameters
        ----------
        value : mapping
            As in YAML.
        document : Document, optional
            Where it was read from, so that messages can say line and column.

        Raises
        ------
        InputError
            If a key is unknown or a value cannot be used.
        """
        try:
            return cls.model_validate(value, context={"written": document is not None})
        except ValidationError as error:
            raise InputError(_explain(error, document)) from error
        except RecursionError as error:
            raise InputError("the experiment has lists or mappings that are nested too deeply") from error

    @classmethod
    def stored(cls, value: Mapping[str, Any]) -> "Experiment":
        """Validate what a store keeps; older ones call ``chance`` ``null``."""
        statistics = value.get("statistics")
        if isinstance(statistics, Mapping) and "null" in statistics:
            value = {**value, "statistics": {{"null": "chance"}.get(k, k): v for k, v in statistics.items()}}
        return cls.of(value)

    @classmethod
    def read(cls, path: str | Path) -> "Experiment":
        """Read an experiment from YAML; paths of data sets and models in it are relative to its folder.

        Raises
        ------
        InputError
            If the file is missing, is no YAML, or holds no experiment.
        """
        path = Path(path)
        document = read_yaml(path)
        value = document.value
        if not isinstance(value, dict):
            raise InputError(f"{path} holds no experiment; expected at least models: and datasets:")
        value.setdefault("name", path.stem)
        experiment = cls.of(value, document)
        return experiment.model_copy(
            update={
                "models": tuple(_beside(path, m, "model", "base") for m in experiment.models),
                "datasets": tuple(_dataset_beside(path, d) for d in experiment.datasets),
            }
        )

    def to_yaml(self) -> str:
        """Write the experiment with every choice that is not a default."""
        value = self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return write_yaml(value)


def _beside(experiment: Path, entry: Any, *fields: str) -> Any:
    """The entry with relative paths that exist beside the experiment made whole."""
    found = {}
    for field in fields:
        given = getattr(entry, field)
        place = experiment.parent / (given or "")
        try:
            of_other = getattr(entry, "backend", TRANSFORMERS) != TRANSFORMERS and place.is_file()
            of_model = place.suffix == ".gguf" or place.is_dir() or of_other
            usable = {"source": True, "shots_from": place.is_file()}.get(field, of_model)
            if given and usable and place.exists():
                found[field] = str(place.resolve())
        except (OSError, ValueError) as error:  # a name that is too long, or a folder that may not be looked into
            why = getattr(error, "strerror", None) or error
            raise InputError(f"{experiment}: {field} {given[:80]!r} cannot be looked up: {why}") from error
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
    example = "jaccard(k=5) or {jaccard: {k: 5}}"
    if isinstance(item, Configuration):
        return item.label
    if isinstance(item, Mapping):
        return _call_text(item, "measure", example)
    if not isinstance(item, str):
        raise ValueError(f"{str(item)[:80]} is no measure; write {example}")
    return item


SAID = 5
"""Problems of one experiment that are told at once."""


def _explain(error: ValidationError, document: Document | None) -> str:
    problems = error.errors(include_url=False, include_input=False)
    # A list counts as empty where an entry of it is wrong.
    places = [problem["loc"] for problem in problems]
    problems = [
        p
        for p in problems
        if p["type"] != "too_short" or not any(q != p["loc"] and q[: len(p["loc"])] == p["loc"] for q in places)
    ]
    lines = [_problem(problem, document) for problem in problems[:SAID]]
    more = len(problems) - len(lines)
    return "\n".join([*lines, *([f"and {more} more"] if more else [])])


def _problem(problem: Any, document: Document | None) -> str:
    where = f"{document.place(problem['loc'])}: " if document is not None else ""
    steps = [_short(step) for step in problem["loc"]]
    if problem["type"] != "extra_forbidden":
        return f"{where}{'.'.join(steps) or 'experiment'}: {problem['msg'].removeprefix('Value error, ')}"
    *parents, key = problem["loc"]
    if [*parents, key] == ["statistics", "null"]:
        return f"{where}null reads as nothing in YAML; write chance: (moments, shuffles or none)"
    return (
        f"{where}unknown key {_short(key)!r} in {'.'.join(steps[:-1]) or 'the experiment'}; "
        f"{did_you_mean(_short(key), _fields_at(parents))}"
    )


def _short(step: Any) -> str:
    text = str(step)
    return text if len(text) <= 80 else f"{text[:79]}…"


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
