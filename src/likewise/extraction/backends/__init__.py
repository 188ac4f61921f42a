"""Backends by name: transformers, which is inside, and those that installed packages offer."""

import sys
from collections.abc import Sequence
from typing import TypeAlias

from likewise.errors import InputError
from likewise.extraction.backends.foreign import Foreign
from likewise.extraction.backends.given import Given
from likewise.extraction.backends.inside import Transformers
from likewise.fields import TRANSFORMERS
from likewise.models.installed import INSTALLED, Backend, Described, made
from likewise.models.layers import CHOICES, LOGITS, OUTPUTS
from likewise.models.spec import ModelSpec
from likewise.prompts.datasets import DatasetSpec

__all__ = ["Backend", "Described", "Foreign", "Given", "Transformers", "backend_names", "backend_of", "check_possible"]

OURS = {TRANSFORMERS: Transformers}

Found: TypeAlias = Transformers | Foreign


def backend_names() -> list[str]:
    """Return the names of all backends; loads nothing."""
    return INSTALLED.names(OURS)


def backend_of(spec: ModelSpec) -> Found:
    """Return what runs a model.

    Raises
    ------
    InputError
        If there is no backend of that name, or its package stops with an error.
    """
    if spec.backend in OURS:
        return OURS[spec.backend]()
    return Foreign(spec.backend, *made(spec.backend, tuple(sys.path)))


def check_possible(spec: ModelSpec, dataset: DatasetSpec, layers: Sequence[str], pooling: str, truncation: str) -> None:
    """Refuse what the backend of a model cannot give, as far as that is known before the model is loaded."""
    # What was imported is there already, whatever its layer is called.
    outputs = [layer for layer in layers if layer in OUTPUTS and spec.imported is None]
    if LOGITS in outputs and pooling != "last_token":
        raise InputError(
            f"layer logits of {spec.model} with pooling {pooling}: what a model says of the next token is of its last "
            "token; expected pooling: last_token"
        )
    if CHOICES in outputs:
        dataset.of_choices()
        if dataset.spans is not None:
            raise InputError(f"layer choices: {dataset.name} has spans, and a row of choices is of a whole prompt")
    backend = backend_of(spec)
    if isinstance(backend, Foreign):
        backend.check(spec, dataset, layers, pooling, truncation)
