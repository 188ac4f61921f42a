"""The parts of an experiment: what other rooms know as specifications, and besides only what is the experiment's own.

Fields, their defaults and their least values stand where they are used; here a file's texts are read into them.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, dataclass_transform

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.dataclasses import dataclass

from likewise.chance import canonical_reference
from likewise.extraction import Batches
from likewise.fields import DTYPE, LAYER, TRUNCATION
from likewise.models import ModelSpec, Precision, canonical_layer, canonical_variant, usable_name
from likewise.naming import format_call
from likewise.pooling import canonical_pooling
from likewise.prompts import DatasetSpec, Format, RecordsSpec, Truncation
from likewise.scoring import Trust

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Spec = TypeVar("Spec", bound=DataclassInstance)

T = TypeVar("T")


class Part(BaseModel):
    """A part of an experiment: frozen, and without keys that mean nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


@dataclass_transform(frozen_default=True, kw_only_default=True)
def entry(cls: type[T]) -> type[T]:
    """Make a class a part that is a specification of another room: its fields are those of that, and its own."""
    made: Any = dataclass(cls, config=ConfigDict(extra="forbid"), frozen=True, kw_only=True)
    return made  # type: ignore[no-any-return]


def spec_of(kind: "type[Spec]", of: Any, **more: Any) -> "Spec":
    """Return the specification that an entry is, as the other room knows it, with ``more`` that the entry has not."""
    names = (field.name for field in dataclasses.fields(kind) if field.name not in more)
    return kind(**{name: getattr(of, name) for name in names}, **more)


@entry
class Entry:
    """A part that is a specification of another room."""

    text_is: ClassVar[str] = ""
    """The field that a text alone stands for, if it may."""
    first: ClassVar[tuple[str, ...]] = ()
    """What is written before all others, as a person would write it."""
    later: ClassVar[tuple[str, ...]] = ()
    """What is written only where it is not as by default: records of before there was it stay what they are."""

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return {cls.text_is: value} if cls.text_is and isinstance(value, str) else value

    @model_serializer(mode="wrap")
    def _in_order(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        of = type(self)
        found = {k: v for k, v in write(self).items() if k not in of.later or v not in (getattr(of, k, {}), [])}
        return {name: found[name] for name in self.first if name in found} | found


def call_text(value: Mapping[Any, Any], kind: str, example: str) -> str:
    """The text of a call that is written as a mapping of its name to its parameters."""
    for name, parameters in value.items() if len(value) == 1 else ():
        if parameters is None or isinstance(parameters, Mapping):
            given = {str(k): v for k, v in (parameters or {}).items()}
            if all(isinstance(v, bool | int | float | str) for v in given.values()):
                return format_call(str(name), given)
    raise ValueError(f"this is no {kind}; write {example}")


def _pooling(value: Any, told: ValidationInfo) -> Any:
    """A pooling, or nothing; in a file a key without a value is a slip, and not a choice."""
    if value is None and (told.context or {}).get("written"):
        raise ValueError("expected a pooling, such as mean; leave the key out for what each model says itself")
    return canonical_pooling(value) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """A list, of which one text is the only one."""
    return [value] if isinstance(value, str) else value


Layers = Annotated[tuple[Annotated[str, BeforeValidator(canonical_layer)], ...], Field(min_length=1)]
BackendName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Pooling = Annotated[str | None, BeforeValidator(_pooling)]


@entry
class ModelEntry(Entry, Batches, ModelSpec):
    """A model of an experiment, as `ModelSpec` has it, and its `Batches`; a text alone is its name.

    Parameters
    ----------
    name : str, optional
        What tables call it; by default the end of ``model``, and the variant.
    layers : list, optional
        Instead of the experiment's.
    pooling : str, optional
        Instead of the experiment's, and of what the model says itself.
    dtype : str, optional
        Instead of the experiment's.
    floor : list of str, optional
        The model run again, as models of their own: ``rerun`` in other batches, or a precision. Their
        differences from the model are numeric noise.
    datasets : list of str, optional
        The names of the data sets that it takes part in; all by default.
    formats : list of str, optional
        The names of the formats that it is given, where a data set has several; all by default.
    covariates : mapping of str to float
        Numbers that the model has, such as its size or its accuracy: the report asks whether likeness goes with them.
    """

    text_is = "model"
    first = ("model", "name")
    later = ("backend", "dtype", "batch_tokens", "threads", "floor", "covariates")
    backend: BackendName  # its default is that of ModelSpec
    name: str = ""
    layers: Layers | None = None
    pooling: Pooling = None
    dtype: Precision | None = None
    floor: Annotated[tuple[Literal[Precision, "rerun"], ...], BeforeValidator(_listed)] = ()
    datasets: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None
    covariates: dict[str, FiniteFloat] = dataclasses.field(default_factory=dict, hash=False)

    @field_validator("model", "base", "revision")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        return None if value is None else usable_name(value)

    @field_validator("variant", mode="before")
    @classmethod
    def _variant(cls, value: Any) -> Any:
        """``noise(sd=0.1)``, or the same as a mapping ``{noise: {sd: 0.1}}``."""
        if isinstance(value, Mapping):
            value = call_text(value, "variant", "noise(sd=0.1) or {noise: {sd: 0.1}}")
        return canonical_variant(value) if isinstance(value, str) else value

    def __post_init__(self) -> None:
        how = [key for key in ("dtype", "batch_tokens", "threads", "floor") if getattr(self, key)]
        if how and self.imported is not None:
            raise ValueError(f"{self.model} is imported, so no model runs; leave {how[0]} out")
        if not self.name:
            short = self.imported or self.model.rstrip("/").rpartition("/")[2].removesuffix(".gguf")
            batches = f"in batches of {self.batch_tokens} tokens" if self.batch_tokens else None
            threads = f"with {self.threads} thread{'s' if self.threads > 1 else ''}" if self.threads else None
            precision = f"in {self.dtype}" if self.dtype else None
            parts = (short, self.variant, precision, batches, threads)
            object.__setattr__(self, "name", " ".join(part for part in parts if part))

    def with_floor(self) -> "tuple[ModelEntry, ...]":
        """Return the model, and the models that its floor stands for: the same, run again.

        The floor is one model's, for an experiment may hold several bases, and copies have none.
        """
        own, bare = dataclasses.replace(self, floor=()), dataclasses.replace(self, floor=(), covariates={})
        again = []
        for kind in self.floor:
            if kind == "rerun":
                # A third of the tokens makes other batches, whatever the run's own are.
                tokens = max(1, (self.batch_tokens or 512) // 3)
                again.append(dataclasses.replace(bare, name=f"{self.name} run again", batch_tokens=tokens))
            else:
                again.append(dataclasses.replace(bare, name=f"{self.name} in {kind}", dtype=kind))
        return (own, *again)

    @property
    def spec(self) -> ModelSpec:
        """The model as the extraction knows it."""
        return spec_of(ModelSpec, self)

    @property
    def batches(self) -> Batches:
        """What is said of its batches."""
        return spec_of(Batches, self)


@entry
class FormatEntry(Entry, Format):
    """How records become prompts, as `Format` has it; a text alone is the template."""

    text_is = "template"

    @field_validator("shots_from")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        return None if value is None else usable_name(value)

    @property
    def spec(self) -> Format:
        """The format as the extraction knows it."""
        return spec_of(Format, self)


@entry
class DatasetEntry(Entry, RecordsSpec):
    """A data set of an experiment, its records as `RecordsSpec` has them; a text alone is its source.

    Parameters
    ----------
    template : str, optional
        How records become prompts, where there is one format.
    formats : mapping, optional
        Several formats by name: each model is given each, so that formats are compared like models are.
    """

    text_is = "source"
    later = ("choices",)
    first = ("source", "name", "config", "split", "revision", "template", "formats")
    template: str | None = None
    formats: dict[str, FormatEntry] = dataclasses.field(default_factory=dict)

    @field_validator("source", "config", "revision")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        return None if value is None else usable_name(value)

    @model_validator(mode="after")
    def _one_way(self) -> "DatasetEntry":
        if self.formats and self.template is not None:
            raise ValueError("expected template or formats, got both; make the template one of the formats")
        return self

    @property
    def specs(self) -> dict[str, DatasetSpec]:
        """The data set as the extraction knows it, by the names of its formats; one without formats has no name."""
        formats = {name: form.spec for name, form in self.formats.items()} or {"": Format(template=self.template)}
        return {name: spec_of(DatasetSpec, self, format=form) for name, form in formats.items()}


class RepresentationPart(Part):
    """How states become a representation: layers, pooling, precision of the model."""

    layers: Layers = (LAYER,)
    pooling: Pooling = None
    """None stands for what a model says itself, and for ``last_token`` where it says nothing."""
    dtype: Precision = DTYPE
    truncation: Truncation = TRUNCATION


@entry
class StatisticsPart(Entry, Trust):
    """What is asked for besides a score, as `Trust` has it; of a file its chance level is a text."""

    chance: str  # its default is that of Trust

    @field_validator("chance", mode="before")
    @classmethod
    def _chance(cls, value: Any) -> Any:
        """A reference, as a text or as a mapping of its name to its parameters."""
        if isinstance(value, Mapping):
            value = call_text(value, "chance level", 'moments, or {panel: {path: "kept"}}')
        return canonical_reference(value) if isinstance(value, str) else value

    @property
    def trust(self) -> Trust:
        """The same as the statistics know it."""
        return spec_of(Trust, self)
