"""Which pairs of representations are compared: one value, that plan, table, page and studies share."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np
from jaxtyping import Bool

from likewise.errors import InputError
from likewise.naming import called_of, depth_of, did_you_mean, parts_of

Kind: TypeAlias = Literal["all", "chain", "base", "between", "layers"]

KEYS = ("base", "first", "second", "layers", "same_layer")
"""What a mapping may say of pairs."""

EXAMPLE = "write all, chain, {base: NAME}, {first: [NAME], second: [NAME]} or {layers: [MODEL, MODEL]}"


@dataclass(frozen=True)
class Pairs:
    """Which pairs of the representations of a data set are compared.

    A name stands for one representation, or for all representations of a model.

    Parameters
    ----------
    kind : {"all", "chain", "base", "between", "layers"}
        ``all``: every pair. ``chain``: each with the next one, at the same layer; with a single model, each layer with
        the next. ``base``: one with all others. ``between``: each of one side with each of the other. ``layers``: the
        layers of one model with those of another, in the order of depth.
    first, second : tuple of str
        Names: of the base; of both sides; of the two models.
    same_layer : bool
        Keep only pairs at the same layer.

    Examples
    --------
    >>> names = ["one", "two", "three"]
    >>> Pairs.read("chain").among(names)
    [(0, 1), (1, 2)]
    >>> Pairs.read({"base": "two"}).among(names)
    [(0, 1), (1, 2)]
    >>> Pairs.read({"first": ["three"], "second": ["one"]}).among(names)
    [(0, 2)]
    """

    kind: Kind = "all"
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    same_layer: bool = False

    @classmethod
    def read(cls, value: Any) -> "Pairs":
        """Return the pairs that a text or a mapping says, as an experiment has it.

        Raises
        ------
        InputError
            If it says none, or a key is unknown.
        """
        if isinstance(value, Pairs):
            return value
        if isinstance(value, str):
            if value not in ("all", "chain"):
                raise InputError(
                    f"unknown pairs {value!r}; {did_you_mean(value, ('all', 'chain'), last=False)} Otherwise {EXAMPLE}"
                )
            return cls(value)  # type: ignore[arg-type]  # one of the two
        if not isinstance(value, Mapping):
            raise InputError(f"{str(value)[:80]!r} names no pairs; {EXAMPLE}")
        for key in value:
            if key not in KEYS:
                raise InputError(f"unknown key {str(key)[:80]!r}; {did_you_mean(str(key), KEYS)}")
        same, said = value.get("same_layer", False), set(value) - {"same_layer"}
        if not isinstance(same, bool):
            raise InputError(f"same_layer: expected true or false, got {str(same)[:80]!r}")
        if said == {"base"}:
            if not isinstance(value["base"], str) or not value["base"]:
                raise InputError(f"base: expected one name, got {str(value['base'])[:80]!r}")
            return cls("base", (value["base"],), same_layer=same)
        if said == {"first", "second"}:
            return cls("between", _names(value, "first"), _names(value, "second"), same)
        if said == {"layers"}:
            models = _names(value, "layers")
            if len(models) != 2:
                raise InputError(f"layers: expected two models, got {len(models)}")
            return cls("layers", models[:1], models[1:], same)
        raise InputError(f"{', '.join(sorted(map(str, value))) or 'an empty mapping'} names no pairs; {EXAMPLE}")

    def said(self) -> Any:
        """Return the text or mapping that `read` reads as this."""
        said: dict[Kind, Any] = {
            "base": {"base": "".join(self.first)},
            "between": {"first": list(self.first), "second": list(self.second)},
            "layers": {"layers": [*self.first, *self.second]},
        }
        if self.kind not in said:
            return self.kind
        return said[self.kind] | ({"same_layer": True} if self.same_layer else {})

    def __str__(self) -> str:
        """In words, as a plan shows it."""
        told = {
            "all": "all",
            "chain": "each with the next",
            "base": f"{', '.join(self.first)} with each other",
            "between": f"{', '.join(self.first)} with {', '.join(self.second)}",
            "layers": f"layers of {', '.join(self.first)} with layers of {', '.join(self.second)}",
        }[self.kind]
        return f"{told}, at the same layer" if self.same_layer else told

    def wanted(self, names: Sequence[str]) -> Bool[np.ndarray, "m m"]:
        """Return whether the pair i < j of the representations of these names is compared.

        Parameters
        ----------
        names : sequence of str
            What tables call the representations, in their order.

        Returns
        -------
        array, shape (m, m)
            True above the diagonal only.

        Notes
        -----
        Memory: m^2 bytes.
        """
        count = len(names)
        upper = np.triu(np.ones((count, count), dtype=bool), 1)
        if self.kind == "all":
            return upper
        wanted = np.zeros((count, count), dtype=bool)
        if self.kind == "chain":
            for i, j in _chain(names):
                wanted[i, j] = True
            return wanted
        first, second = self._sides(names)
        wanted = np.outer(first, second)
        wanted |= wanted.T
        if self.same_layer:
            _, at = np.unique([str(parts_of(name)[1:]) for name in names], return_inverse=True)
            wanted &= at[:, None] == at
        return wanted & upper

    def among(self, names: Sequence[str]) -> list[tuple[int, int]]:
        """Return the pairs of these names, by their places.

        Raises
        ------
        InputError
            If a name of the pairs is not there, or no pair is wanted.
        """
        self.check(names)
        found = [(int(i), int(j)) for i, j in np.argwhere(self.wanted(names))]
        return found or self.refuse(names)

    def refuse(self, names: Sequence[str], dataset: str = "") -> NoReturn:
        """Say why none of these representations, of a data set, make a wanted pair."""
        self.check(names)
        on = f" on {dataset}" if dataset else ""
        raise InputError(f"pairs: {self}: there is no such pair among the {len(names)} representations{on}")

    def check(self, names: Iterable[str]) -> None:
        """Refuse pairs that name what is not there."""
        known = {called for name in names for called in called_of(name)}
        for name in (*self.first, *self.second):
            if name not in known:
                raise InputError(f"pairs: there is no representation or model {name!r}; {did_you_mean(name, known)}")

    def renamed(self, change: Callable[[str], str]) -> "Pairs":
        """Return the same pairs of representations whose names are changed."""
        return replace(self, first=tuple(map(change, self.first)), second=tuple(map(change, self.second)))

    def sides(self, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return the two sides of which each pair has one representation; None where there are no two sides.

        These are the rows and the columns of a rectangle, layers of one model with those of another by their depth.
        """
        if self.kind in ("all", "chain"):
            return None
        first, second = self._sides(names)
        if (first & second).any():
            return None
        down, across = ([n for n, on in zip(names, side, strict=True) if on] for side in (first, second))
        if self.kind == "layers":
            down, across = sorted(down, key=_by_depth), sorted(across, key=_by_depth)
        return tuple(down), tuple(across)

    def _sides(self, names: Sequence[str]) -> tuple[Bool[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
        called = [set(called_of(name)) for name in names]
        first, second = (
            np.asarray([not of.isdisjoint(side) for of in called], dtype=bool) for side in (self.first, self.second)
        )
        return first, ~first if self.kind == "base" else second


ALL = Pairs()
"""Each with each other."""


def _names(value: Mapping[Any, Any], key: str) -> tuple[str, ...]:
    names = [value[key]] if isinstance(value[key], str) else value[key]
    if not isinstance(names, list | tuple) or not names or not all(isinstance(n, str) and n for n in names):
        raise InputError(f"{key}: expected a list of names, got {str(value[key])[:80]!r}")
    if key != "layers" and len(set(names)) < len(names):
        raise InputError(f"{key}: {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return tuple(names)


def _chain(names: Sequence[str]) -> list[tuple[int, int]]:
    """Each with the next of its layer and format; of a single model, each layer with the next of its format."""
    parts = [parts_of(name) for name in names]
    single = len({model for model, _, _ in parts}) == 1
    links: dict[tuple[str, ...], list[int]] = {}
    for place, (_, form, layer) in enumerate(parts):
        links.setdefault((form,) if single else (form, layer), []).append(place)
    return [pair for places in links.values() for pair in itertools.pairwise(places)]


def _by_depth(name: str) -> tuple[Any, ...]:
    """What representations are sorted by: their formats, and within one the depth of their layers."""
    _, form, layer = parts_of(name)
    return form, *depth_of(layer)
