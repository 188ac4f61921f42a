"""What to do: models, data sets, representation, measures, statistics. One frozen tree, read from YAML or Python."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from likewise.documents import Document, read_yaml, write_yaml
from likewise.errors import InputError
from likewise.fields import TRANSFORMERS
from likewise.measures import REGISTRY, Configuration, configurations, is_own
from likewise.naming import called_of, did_you_mean, model_of, name_of, parse_call
from likewise.plan.entries import (
    DatasetEntry,
    FormatEntry,
    ModelEntry,
    Part,
    RepresentationPart,
    StatisticsPart,
    call_text,
)
from likewise.plan.problems import explain
from likewise.prompts import Spans
from likewise.scoring import ALL, Pairs

PARTS: Mapping[str, type] = {
    "models": ModelEntry,
    "datasets": DatasetEntry,
    "formats": FormatEntry,
    "spans": Spans,
    "representation": RepresentationPart,
    "statistics": StatisticsPart,
}
"""The parts of an experiment by the keys that lead to them."""

MEASURES = 500
"""In an experiment, at most: what it takes is told from each before anything runs."""

Wanted = Annotated[Pairs, PlainValidator(Pairs.read), PlainSerializer(Pairs.said)]


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
    statistics: StatisticsPart = StatisticsPart()  # type: ignore[call-arg]  # Trust has the default

    @field_validator("measures", mode="before")
    @classmethod
    def _measures(cls, value: Any) -> Any:
        items = [value] if isinstance(value, str | Mapping) else value
        if isinstance(items, Iterable):
            texts = [_measure_text(item) for item in itertools.islice(items, MEASURES + 1)]
            if len(texts) > MEASURES:
                raise ValueError(f"more than {MEASURES} measures; put them into several experiments")
            # What is a measure of one's own is known where its code is loaded, which an experiment cannot ask for.
            unknown = set(of_unknown_code(texts))
            configurations(text for text in texts if text not in unknown)
            return texts
        return items

    @field_validator("models", mode="after")
    @classmethod
    def _with_floors(cls, models: tuple[ModelEntry, ...]) -> tuple[ModelEntry, ...]:
        """Each model with those that its floor stands for: from here on they are models like others."""
        return tuple(one for model in models for one in model.with_floor())

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
        return self

    @field_validator("pairs", mode="after")
    @classmethod
    def _pairs_name_models(cls, pairs: Pairs, told: ValidationInfo) -> Pairs:
        """Which layers there are may be known only when a model is at hand; the models are known here."""
        if not {"models", "datasets"} <= told.data.keys():  # these are wrong, and told
            return pairs
        models, formats = told.data["models"], {name for d in told.data["datasets"] for name in d.formats}
        given = [name_of(m.name, "last", form) for m in models for form in ("", *formats)]
        known = {called for name in given for called in called_of(name)}
        for name in (*pairs.first, *pairs.second):
            if known.isdisjoint((name, model_of(name))):
                raise ValueError(f"there is no model {name!r}; {did_you_mean(name, {m.name for m in models})}")
        return pairs

    @property
    def configurations(self) -> tuple[Configuration, ...]:
        """Measures with their parameters, presets expanded; the code of all of them must be loaded."""
        return configurations(self.measures)

    @classmethod
    def asked(cls, value: Mapping[str, Any]) -> "Experiment":
        """Validate what a command has written out of its arguments; what is wrong is said by the argument.

        Raises
        ------
        InputError
            If a value cannot be used.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InputError(explain(error, None, PARTS, cls, value)) from error

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
            raise InputError(explain(error, document, PARTS, cls)) from error
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
    return replace(entry, **found)


def _dataset_beside(experiment: Path, entry: DatasetEntry) -> Any:
    """The same of a data set, and of the files that its shots are drawn from."""
    formats = {name: _beside(experiment, form, "shots_from") for name, form in entry.formats.items()}
    return _beside(experiment, replace(entry, formats=formats), "source")


def of_unknown_code(measures: Iterable[str]) -> tuple[str, ...]:
    """Return the calls of measures of one's own whose code is not loaded."""
    return tuple(text for text in measures if is_own(name := parse_call(text)[0]) and name not in REGISTRY)


def _measure_text(item: Any) -> str:
    """A measure as text; YAML may also give ``{jaccard: {k: 5}}``."""
    example = "jaccard(k=5) or {jaccard: {k: 5}}"
    if isinstance(item, Configuration):
        return item.label
    if isinstance(item, Mapping):
        return call_text(item, "measure", example)
    if not isinstance(item, str):
        raise ValueError(f"{str(item)[:80]} is no measure; write {example}")
    return item
