"""What is known of rows besides their numbers: where they come from, and what is odd about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from likewise.shapes import (
    ANYTHING,
    COUNT_OR_NOTHING,
    NUMBER_OR_NOTHING,
    OBJECT,
    SHA256,
    TEXT,
    TEXT_OR_NOTHING,
    Each,
    Fields,
    Shape,
    WhereThere,
)


def said_as(shape: Shape, *, shown: bool = False) -> Any:
    """Return a field of a record: its shape in JSON, and whether the report's table of representations has it."""
    return field(default=() if isinstance(shape, Each) else None, metadata={"shape": shape, "shown": shown})


class Record(Mapping[str, Any]):
    """Facts by name. Each that likewise knows is an attribute, None or empty where nothing is said.

    As a mapping it holds what was said alone, in that order, and names that only another version knows too. So a
    description that is read and written again is the same to the last byte, though versions say different things.

    Parameters
    ----------
    said : mapping, optional
        Facts by name, as JSON holds them.
    **more
        More of them; of a name in both, these stand.
    """

    _said: dict[str, Any]

    def __init__(self, said: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        found = {**(said or {}), **more}
        for f in fields(self):  # type: ignore[arg-type]  # every record is a dataclass
            value = found.get(f.name)
            if isinstance(value, list):
                value = found[f.name] = tuple(value)
            object.__setattr__(self, f.name, f.default if value is None else value)
        object.__setattr__(self, "_said", found)

    @classmethod
    def known(cls) -> dict[str, Shape]:
        """Return the names of all facts that likewise knows, with their shapes."""
        return {f.name: f.metadata["shape"] for f in fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def shape(cls) -> Shape:
        """Return what JSON may hold: what is known in its shape, and anything under other names."""
        return Fields(known=cls.known(), others=ANYTHING)

    def written(self) -> dict[str, Any]:
        """Return what was said as JSON holds it, in the order in which it was said."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._said.items()}

    def __getitem__(self, name: str) -> Any:
        return self._said[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)

    def __or__(self, other: Mapping[str, Any]) -> Self:
        return type(self)({**self, **other})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._said})"


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Source(Record):
    """Where rows come from. What is read of it has its shape; what is only shown may be anything.

    Examples
    --------
    >>> source = Source({"model": "gpt2", "room": 7}, layer="last")
    >>> source.model, source.pooling, dict(source)
    ('gpt2', None, {'model': 'gpt2', 'room': 7, 'layer': 'last'})
    """

    imported: Mapping[str, str] | None = said_as(Fields(others=SHA256))
    """Files that others made, with their hashes: the rows were read out of them."""
    model: str | None = said_as(TEXT)
    backend: str | None = said_as(TEXT)
    """What ran the model; nothing is said of transformers."""
    variant: str | None = said_as(TEXT_OR_NOTHING)
    layer: str | None = said_as(TEXT)
    pooling: str | None = said_as(TEXT_OR_NOTHING)
    column: str | None = said_as(TEXT_OR_NOTHING)
    """Of the files that rows were read out of."""
    model_says: Any = said_as(ANYTHING)
    """How the model's own files say that its rows are made."""
    dtype: str | None = said_as(TEXT)
    dataset: str | None = said_as(TEXT)
    records: str | None = said_as(TEXT_OR_NOTHING)
    """A hash of the records of the data set."""
    prompts: str | None = said_as(TEXT_OR_NOTHING)
    """A hash of the prompts made of them."""
    given: str | None = said_as(TEXT_OR_NOTHING)
    """A hash of the texts that the tokenizer was given."""
    template: str | None = said_as(TEXT_OR_NOTHING)
    format: Any = said_as(ANYTHING)
    """What else makes a prompt of a record."""
    truncation: str | None = said_as(TEXT)
    truncated: tuple[str, ...] = said_as(Each(TEXT))
    """Prompts that were cut."""
    unaligned: tuple[str, ...] = said_as(Each(TEXT))
    """Spans without a token, which have no row."""
    groups: tuple[str, ...] = said_as(Each(TEXT))
    """The group of each row, where inputs belong together."""
    columns: str | None = said_as(TEXT_OR_NOTHING)
    """A hash of what the columns are, where they are tokens or choices: only the same ones may be matched."""
    choices: tuple[str, ...] = said_as(Each(TEXT))
    """What the columns are called, where they are choices."""
    right: tuple[str, ...] = said_as(Each(TEXT))
    """The right choice of each row, where it is known."""
    texts: tuple[str | None, ...] = said_as(Each(TEXT_OR_NOTHING))
    """The text of each row, where the file has them."""
    revision: str | None = said_as(TEXT_OR_NOTHING)
    """The commit of the model."""
    dataset_revision: str | None = said_as(TEXT_OR_NOTHING)
    model_identity: Mapping[str, Any] | None = said_as(OBJECT)
    dataset_identity: Mapping[str, Any] | None = said_as(OBJECT)
    batch_tokens: Any = said_as(ANYTHING)
    threads: Any = said_as(ANYTHING)
    """Of the processor, for each batch, where the experiment says it of the model."""
    way: Any = said_as(ANYTHING)
    """How rows were computed, where several ways round differently."""
    device: str | None = said_as(TEXT)
    versions: Any = said_as(ANYTHING)
    """Of the libraries that made the rows."""

    @classmethod
    def shape(cls) -> Shape:
        """Return what JSON may hold; what was imported names its model, data set and layer."""
        of_rows = Fields(known=cls.known(), others=ANYTHING)
        named = {name: cls.known()[name] for name in ("model", "dataset", "layer")}
        return WhereThere("imported", replace(of_rows, needed=named), of_rows)

    @property
    def fingerprints(self) -> dict[str, str]:
        """The hashes by which two can tell whether they are of the same texts: of records, and of prompts."""
        found = {"records": self.records, "prompts": self.prompts}
        return {kind: value for kind, value in found.items() if value}

    def in_order(self, places: list[int]) -> "Source":
        """Return the same of these rows alone, in this order."""
        of_rows = {name: of for name, of in (("texts", self.texts), ("right", self.right)) if of}
        return Source(self, **{name: tuple(of[i] for i in places) for name, of in of_rows.items()}) if of_rows else self

    def short(self) -> dict[str, Any]:
        """Return what a person is shown: the number of groups, instead of the group of each input."""
        return self.written() | ({"groups": len(set(self.groups))} if self.groups else {})


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Audit(Record):
    """What is odd about rows. A number is None where they have none, or where an older version did not count it.

    Examples
    --------
    >>> Audit(zero_rows=2).zero_rows, Audit(zero_rows=2).anisotropy
    (2, None)
    """

    n_items: int | None = said_as(COUNT_OR_NOTHING)
    n_features: int | None = said_as(COUNT_OR_NOTHING)
    non_finite: int | None = said_as(COUNT_OR_NOTHING)
    """Values that are."""
    zero_rows: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    repeated_rows: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    """Rows equal to an earlier one."""
    near_repeated_rows: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    """Rows that are not, and lie within a thousandth of their length of one."""
    constant_features: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    """Features that are the same in every row."""
    largest_feature: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    """The feature with most of the squared norm."""
    largest_feature_share: float | None = said_as(NUMBER_OR_NOTHING, shown=True)
    dominating_features: int | None = said_as(COUNT_OR_NOTHING)
    """How few features have half of the squared norm."""
    effective_rank: float | None = said_as(NUMBER_OR_NOTHING, shown=True)
    participation_ratio: float | None = said_as(NUMBER_OR_NOTHING)
    anisotropy: float | None = said_as(NUMBER_OR_NOTHING, shown=True)
    """The mean cosine between two different rows."""
    following_alike: float | None = said_as(NUMBER_OR_NOTHING)
    """How much more alike rows that follow each other are than others, as a cosine; 0 where it may be chance."""
    prompts: int | None = said_as(COUNT_OR_NOTHING)
    tokens_total: int | None = said_as(COUNT_OR_NOTHING)
    tokens_min: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    tokens_median: float | None = said_as(NUMBER_OR_NOTHING, shown=True)
    tokens_max: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    truncated_prompts: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    truncated_ids: tuple[str, ...] = said_as(Each(TEXT))
    """The first of them."""
    begin_with_bos: int | None = said_as(COUNT_OR_NOTHING)
    """Prompts that begin with the tokenizer's beginning token."""
    unaligned_spans: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    """Spans without a token."""
    unaligned_ids: tuple[str, ...] = said_as(Each(TEXT))
    """The first of them."""
    straddled_spans: int | None = said_as(COUNT_OR_NOTHING, shown=True)
    """Spans with a token that reaches into other words."""
    prompt_groups: int | None = said_as(COUNT_OR_NOTHING)
    """Into how many groups prompts belong together, 0 where nothing was said."""
    alike_prompts: int | None = said_as(COUNT_OR_NOTHING)
    """Prompts that have half of their wording in common with others."""

    @classmethod
    def of_the_table(cls) -> dict[str, Shape]:
        """Return what the report's table of representations has, with its shapes."""
        return {f.name: f.metadata["shape"] for f in fields(cls) if f.metadata["shown"]}
