"""Units of work: frozen data with a content key, so that what is done can be found again and never redone."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Int

from likewise.chance import has_vectors
from likewise.errors import InputError
from likewise.extraction import USUAL, Batches
from likewise.fields import TRUNCATION
from likewise.measures import Configuration
from likewise.models import ModelSpec, Says
from likewise.naming import counted, model_of
from likewise.pooling import canonical_pooling
from likewise.prompts import DatasetSpec, Truncation
from likewise.scoring import KINDS, Trust
from likewise.store import Store, content_key

REPRESENTATION_VERSION = 3
"""Raised when an extraction would give other rows for the same request."""

RESULT_VERSION = 11
"""Raised when the shuffles, or what is derived from them or from left-out inputs, change for the same request.

4: populations have p-values of shuffles where a few rows decide and shuffles were asked for; no pair takes the groups
of another representation.
5: intervals know how well their own deviation is known, and hold the scores of directions that may change places.
6: the end to which a few inputs move a score lies further away.
7: of few inputs, what the jackknife counts twice is taken off; a difference of two numbers has no sign.
8: what is counted twice of few inputs follows from how fast it falls; groups of which many stay in place in a shuffle
have no chance level.
9: many inputs are shuffled in rounds.
10: the end to which few inputs move a score lies further away the fewer they are; unnormalised Procrustes and spectral
distances leave out each input; of very many inputs, blocks are left out.
11: where rows that follow each other are alike, stretches of inputs are left out; of sizes of differences, and of the
order of neighbours, more of what is counted twice is taken off.
"""


Spec = TypeVar("Spec", ModelSpec, DatasetSpec)


@dataclass(frozen=True)
class Wanted:
    """A representation of an experiment: what tables call it, its key, and what makes it."""

    name: str
    key: str
    model: ModelSpec
    dataset: DatasetSpec
    layer: str
    pooling: str
    dtype: str
    truncation: Truncation
    width: int | None = None
    """Number of features, where it can be known before the extraction."""
    batches: Batches = USUAL


def representation_key(
    model_identity: dict[str, Any],
    dataset_identity: dict[str, Any],
    layer: str,
    pooling: str,
    dtype: str,
    truncation: str = TRUNCATION,
    batches: Batches = USUAL,
) -> str:
    """Return the content key of one layer's representation; batches count only where something is said of them."""
    return content_key(
        {
            "version": REPRESENTATION_VERSION,
            "model": model_identity,
            "dataset": dataset_identity,
            "layer": layer,
            "pooling": pooling,
            "dtype": dtype,
            **({} if truncation == "error" else {"truncation": truncation}),
            **batches.identity(),
        }
    )


@dataclass(frozen=True)
class Resolve:
    """A hub model or data set whose revision is to be pinned: from then on it stands for one commit in the store."""

    kind: Literal["model", "dataset"]
    hub: str
    revision: str

    @classmethod
    def of(cls, spec: ModelSpec | DatasetSpec) -> "Resolve | None":
        """Return what must be pinned of a model or data set; None where it is not on the hub."""
        identity = spec.identity()
        kind: Literal["model", "dataset"] = "model" if isinstance(spec, ModelSpec) else "dataset"
        return cls(kind, identity["hub"], identity["revision"]) if "hub" in identity else None

    def pin(self, store: Store) -> dict[str, Any] | None:
        """Return what it is pinned to, if it is."""
        return store.pin(self.kind, self.hub, self.revision)

    def done(self, store: Store) -> bool:
        """Whether all is pinned: an earlier likewise did not ask how a model is pooled."""
        pin = self.pin(store)
        return pin is not None and (self.kind == "dataset" or "says" in pin)

    @functools.cached_property
    def key(self) -> str:
        """Of the name and the revision, as others are named by what they make."""
        return content_key(["resolve", self.kind, self.hub, self.revision])

    @property
    def label(self) -> str:
        """What progress and messages call it."""
        return self.hub if self.revision == "main" else f"{self.hub} at {self.revision}"


def unpinned(specs: Iterable[ModelSpec | DatasetSpec], store: Store) -> tuple[Resolve, ...]:
    """Return what must be pinned before these can be had, each once."""
    found = (Resolve.of(spec) for spec in dict.fromkeys(specs))
    return tuple(dict.fromkeys(task for task in found if task and not task.done(store)))


def pinned(spec: Spec, store: Store) -> Spec:
    """Return a model or data set at the commit that the store has pinned, if it has."""
    task = Resolve.of(spec)
    pin = task.pin(store) if task else None
    return replace(spec, revision=pin["commit"]) if pin else spec


def model_size(spec: ModelSpec, store: Store) -> dict[str, int] | None:
    """Return width and number of blocks: as pinned in the store, or as far as they can be known without a network."""
    task = Resolve.of(spec)
    pin = task.pin(store) if task else None
    if pin and pin["width"] and pin["blocks"]:
        return {"width": pin["width"], "blocks": pin["blocks"]}
    return spec.size()


def model_pooling(spec: ModelSpec, store: Store) -> str:
    """Return how a model is pooled where nothing is asked for: as it says itself, else by the last token.

    Of a hub model that is neither pinned nor in the hub's cache that is not known yet; it is pinned before it is run.

    Raises
    ------
    InputError
        If it says something that cannot be followed.
    """
    task = Resolve.of(spec)
    pin = task.pin(store) if task else None
    says = Says(**pin["says"]) if pin and "says" in pin else spec.says()
    if says.why_not:
        raise InputError(
            f"{spec.model} has a pooling that likewise cannot do: {says.why_not}; choose another one with "
            "pooling: for this model, for example pooling: mean"
        )
    return canonical_pooling(says.pooling or "last_token")


@dataclass(frozen=True)
class Extract:
    """One model run over one data set, for every layer that is missing."""

    wanted: tuple[Wanted, ...]

    @functools.cached_property
    def key(self) -> str:
        """Of the layers together."""
        return content_key([w.key for w in self.wanted])

    @property
    def parts_key(self) -> str:
        """Of what the layers share: rows that were kept serve any of the layers that they were kept for."""
        first = self.wanted[0]
        return representation_key(
            *(first.model.identity(), first.dataset.identity(), "", first.pooling, first.dtype, first.truncation),
            first.batches,
        )

    @property
    def resolutions(self) -> tuple[Resolve, ...]:
        """What must be pinned before: the model and the data set, where they are on the hub."""
        first = self.wanted[0]
        return tuple(task for spec in (first.model, first.dataset) if (task := Resolve.of(spec)))

    @property
    def label(self) -> str:
        """What progress and messages call it."""
        first = self.wanted[0]
        return f"{model_of(first.name)} on {first.dataset.name}"


def request_of(trust: Trust, left_out: Sequence[str] = (), together: str = "") -> dict[str, Any]:
    """Return what is asked for besides pairs and measures, and what is known of the inputs."""
    besides = {"left_out": list(left_out), "together": together}
    return {"version": RESULT_VERSION, **trust.request, **{name: of for name, of in besides.items() if of}}


def by_product(chosen: Iterable[Configuration], trust: Trust, together: str = "") -> bool:
    """Whether all that is asked for follows from one vector of each representation, reduced once."""
    reference, independent = trust.reference, not together
    settled = all(has_vectors(c) and reference.settles(c, independent=independent) for c in chosen)
    return reference.from_vectors and not trust.groups and settled


@dataclass(frozen=True)
class Tile:
    """A block of pairs of representations of one data set, each prepared once, in the same configurations.

    Every one of ``first`` with every one of ``second``; where the two are the same, each two of them once. Of these
    ``only`` some, by the places of both among all `representations`, where it has any.
    """

    dataset: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    measures: tuple[str, ...]
    trust: Trust
    left_out: tuple[str, ...] = ()
    """Rows that some representation of the data set lacks: spans that its tokenizer has no token for."""
    together: str = ""
    """Of which inputs of the data set belong together, as `together_in` says; empty where none do."""
    replicates: tuple[str, ...] = KINDS
    """Which scores besides the values are kept; the rows are the same."""
    only: tuple[tuple[int, int], ...] = ()

    @functools.cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """The measures with their parameters."""
        return tuple(map(Configuration.parse, self.measures))

    @property
    def request(self) -> dict[str, Any]:
        """What was asked for besides pairs and measures; a stored row answers it only if it is equal."""
        return request_of(self.trust, self.left_out, self.together)

    @functools.cached_property
    def key(self) -> str:
        """Of everything that decides on the rows."""
        measures = [[c.measure, c.parameters_json, c.about.version] for c in self.configurations]
        pairs = {"first": self.first, "second": self.second, **({"only": self.only} if self.only else {})}
        return content_key({**self.request, **pairs, "measures": measures})

    @property
    def representations(self) -> tuple[str, ...]:
        """Keys of all representations, each once."""
        return tuple(dict.fromkeys(self.first + self.second))

    @property
    def places(self) -> Int[np.ndarray, "pairs 2"]:
        """The pairs, by the places of both in `representations`."""
        if self.only:
            return np.asarray(self.only, dtype=np.int64)
        if self.first == self.second:
            return np.stack(np.triu_indices(len(self.first), 1), axis=1)
        first, second = np.arange(len(self.first)), len(self.first) + np.arange(len(self.second))
        return np.stack([np.repeat(first, len(second)), np.tile(second, len(first))], axis=1)

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        if self.only:
            return len(self.only)
        k = len(self.first)
        return k * (k - 1) // 2 if self.first == self.second else k * len(self.second)

    @property
    def by_product(self) -> bool:
        """Whether all that is asked for follows from one vector of each representation, reduced once."""
        return not self.left_out and by_product(self.configurations, self.trust, self.together)

    @property
    def label(self) -> str:
        """What progress and messages call it."""
        return f"{counted(self.n_pairs, 'pair')} on {self.dataset}"


@dataclass(frozen=True)
class Reduce:
    """Representations to be reduced to the vectors whose inner products are scores."""

    dataset: str
    representations: tuple[str, ...]
    measures: tuple[str, ...]
    kept: bool = False
    """Whether the vectors stay in the store, to be searched."""

    @functools.cached_property
    def key(self) -> str:
        """Of what is reduced, and how."""
        return content_key({"reduce": self.representations, "measures": self.measures})

    @functools.cached_property
    def configurations(self) -> tuple[Configuration, ...]:
        """The measures with their parameters."""
        return tuple(map(Configuration.parse, self.measures))

    @property
    def label(self) -> str:
        """What progress and messages call it."""
        return f"{len(self.representations)} representations on {self.dataset}"


Task: TypeAlias = Resolve | Extract | Reduce | Tile
