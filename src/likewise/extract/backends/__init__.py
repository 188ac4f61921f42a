"""Backends by name: transformers, which is inside, and those that installed packages offer.

A package offers a class, or a function without parameters, in its entry points, in the group ``likewise.backends``. It
is loaded only when an experiment names it.
"""

import functools
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.extract.backends.backend import Backend, Described
from likewise.extract.backends.foreign import Foreign
from likewise.extract.backends.given import Given
from likewise.extract.backends.inside import Transformers
from likewise.extract.datasets import DatasetSpec
from likewise.extract.layers import CHOICES, LOGITS, OUTPUTS
from likewise.extract.locate import ModelSpec
from likewise.fields import TRANSFORMERS
from likewise.plugins import Plugins

__all__ = ["Backend", "Described", "Foreign", "Given", "Transformers", "backend_names", "backend_of", "check_possible"]

INSTALLED = Plugins("likewise.backends", "backend")
"""Backends that packages add."""

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
    return _named(spec.backend, tuple(sys.path))


@functools.cache
def _named(name: str, path: tuple[str, ...]) -> Found:
    """A backend, made once in a process, for each place where Python looks for packages."""
    if name in OURS:
        return OURS[name]()
    made: Any = INSTALLED.make(name, OURS)
    package = INSTALLED.entry(name, OURS).dist
    return Foreign(name, made, {package.name: package.version} if package else {})


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
