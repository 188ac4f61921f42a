"""Backends of installed packages: what one is, and what it says of a model before that is loaded.

A package offers a class, or a function without parameters, in its entry points, in the group
``likewise.backends``. It is loaded only when an experiment names it.
"""

import contextlib
import functools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from likewise.errors import InputError, LikewiseError
from likewise.fields import TRANSFORMERS
from likewise.models.layers import canonical_layer
from likewise.models.spec import AtCommit, ModelSpec
from likewise.plugins import Plugins
from likewise.pooling import canonical_pooling

INSTALLED = Plugins("likewise.backends", "backend")
"""Backends that packages add."""

OF_TRANSFORMERS = ("base", "variant", "remote_code", "pickled_weights")
"""Fields of a model that mean something to transformers alone."""

AT_ONCE = 64
"""Texts that a backend is given at once, where it does not say how many."""


@dataclass(frozen=True, kw_only=True)
class Described(AtCommit):
    """What is known of a model before it is loaded.

    Parameters
    ----------
    identity : mapping
        What tells this model from all others, as JSON: the hash of its files, or its name and commit. Rows of the same
        identity are never made twice, so two models with the same one count as one.
    width, blocks : int, optional
        Number of features and of blocks.
    nbytes : int, optional
        Memory that it takes.
    pooling : str, optional
        How it is pooled where nothing is asked for.
    layers, poolings : sequence of str, optional
        All that it can give; anything where they are left out.
    commit : str, optional
        What a name stands for at present; descriptions of rows tell it.
    at_once : int
        Texts that `Backend.run` is given at most.

    Raises
    ------
    InputError
        If one of them is nothing that a model can have.

    Examples
    --------
    >>> Described(identity={"name": "m", "commit": "1a2b"}, poolings=["last_k( k = 4 )"]).poolings
    ('last_k(k=4)',)
    """

    identity: Mapping[str, Any]
    nbytes: int | None = None
    pooling: str | None = None
    layers: Sequence[str] | None = None
    poolings: Sequence[str] | None = None
    at_once: int = field(default=AT_ONCE)

    def __post_init__(self) -> None:
        if not isinstance(self.identity, Mapping) or not self.identity:
            raise InputError(f"identity: expected a mapping that tells the model from others, got {self.identity!r}")
        for name in ("width", "blocks", "nbytes", "at_once"):
            value = getattr(self, name)
            if not (value is None and name != "at_once") and not (type(value) is int and value > 0):
                raise InputError(f"{name}: expected a whole number, 1 or more, got {value!r}")
        for name, one in (("layers", canonical_layer), ("poolings", canonical_pooling)):
            values = getattr(self, name)
            if values is not None:
                if isinstance(values, str) or not values:
                    raise InputError(f"{name}: expected a list with one or more, got {values!r}")
                object.__setattr__(self, name, tuple(map(one, values)))
        if self.pooling is not None:
            object.__setattr__(self, "pooling", canonical_pooling(self.pooling))


class Backend(Protocol):
    """Runs models in its own way. What it may be asked and what it gives is checked for it, in `Foreign`."""

    def describe(self, spec: ModelSpec) -> Described:
        """Return what is known of a model without loading it; asked often, so it is quick and uses no network.

        ``spec.model`` is what the experiment calls the model: a name, or the path of a file or folder.
        ``spec.revision`` is the revision where one is given.
        """

    def load(self, spec: ModelSpec, device: str, dtype: str) -> Any:
        """Return the model, ready to run: whatever `run` is given. Refuse a device or precision that it has not."""

    def run(self, model: Any, texts: Sequence[str], layers: Sequence[str], pooling: str) -> Mapping[str, Any]:
        """Return for each layer the rows of some texts, in their order: an array of shape (texts, features).

        A row must depend on its own text alone. A text that is too long is an error.
        """


class Installed:
    """A backend of an installed package.

    Parameters
    ----------
    name : str
        What experiments call it.
    backend : Backend
        What its package gives.
    package : mapping
        The name of the package and its version.

    Raises
    ------
    InputError
        If it lacks one of the three methods.
    """

    def __init__(self, name: str, backend: Backend, package: Mapping[str, str] = MappingProxyType({})) -> None:
        lacking = [of for of in ("describe", "load", "run") if not callable(getattr(backend, of, None))]
        version = getattr(backend, "version", 1)
        if lacking or type(version) is not int:
            wrong = f"the version {version!r}" if not lacking else f"no method {lacking[0]}"
            raise InputError(
                f"the backend {name!r} has {wrong}; expected the methods describe, load and run, and a whole number as "
                "its version if it has one"
            )
        self.name, self.version, self._backend, self._package = name, version, backend, package

    def versions(self) -> dict[str, str]:
        """Return the version of its package, for the description of rows."""
        return dict(self._package)

    def described(self, spec: ModelSpec) -> Described:
        """Return what is known of a model before it is loaded."""
        if given := [of for of in OF_TRANSFORMERS if getattr(spec, of)]:
            raise InputError(f"{spec.model}: {given[0]} is for models of transformers; leave it out for {self.name}")
        with self._explained(f"describing {spec.model}"):
            found = self._backend.describe(spec)
        if not isinstance(found, Described):
            raise InputError(f"the backend {self.name!r} describes {spec.model} as {found!r:.80}; expected a Described")
        return found

    def identity(self, spec: ModelSpec) -> dict[str, Any]:
        """Return what tells a model from others, of this and of other backends."""
        own = self.described(spec).identity
        try:
            own = json.loads(json.dumps(dict(own), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise InputError(f"the backend {self.name!r}: the identity of {spec.model} is no JSON: {error}") from error
        revision = {"revision": spec.revision} if spec.revision else {}
        return {"backend": self.name, "version": self.version, "identity": own, **revision}

    @contextlib.contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Say in one line whose code stopped, whatever it raises."""
        try:
            yield
        except (LikewiseError, MemoryError):
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0][:300]
            raise InputError(
                f"the backend {self.name!r} stopped while {doing} ({type(error).__name__}: {first})"
            ) from error


@functools.cache
def made(name: str, path: tuple[str, ...]) -> tuple[Backend, Mapping[str, str]]:
    """Return what a package gives, made once in a process for each place where Python looks, and the package's version.

    Raises
    ------
    InputError
        If there is no backend of that name, or its package stops with an error.
    """
    backend: Backend = INSTALLED.make(name, (TRANSFORMERS,))
    package = INSTALLED.entry(name, (TRANSFORMERS,)).dist
    return backend, {package.name: package.version} if package else {}


def installed(name: str) -> Installed:
    """Return what describes the models of a backend; errors are those of `made`."""
    return Installed(name, *made(name, tuple(sys.path)))
