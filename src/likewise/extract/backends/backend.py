"""What a backend is: whatever turns texts into rows, described in three methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from likewise.errors import InputError
from likewise.extract.layers import canonical_layer
from likewise.extract.locate import ModelSpec
from likewise.extract.pooling import canonical_pooling

AT_ONCE = 64
"""Texts that a backend is given at once, where it does not say how many."""


@dataclass(frozen=True, kw_only=True)
class Described:
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
    width: int | None = None
    blocks: int | None = None
    nbytes: int | None = None
    pooling: str | None = None
    layers: Sequence[str] | None = None
    poolings: Sequence[str] | None = None
    commit: str | None = None
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
