"""Keys and values of the tokens that prompts begin with in common, from which the rest of each is run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import Cache, DynamicCache, DynamicLayer

from likewise.errors import ModelError


class Kept(DynamicLayer):  # type: ignore[misc]
    """Keys and values of shared tokens, given before those of a batch; of these nothing is kept."""

    def __init__(self, keys: Any, values: Any, which: Any) -> None:
        super().__init__()
        self.dtype, self.device = keys.dtype, keys.device
        self.keys, self.values, self.is_initialized = keys, values, True
        self._which = which

    def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return those of the shared tokens with those of the batch after them."""
        return (
            torch.cat([each(self.keys, self._which, len(key_states)), key_states], dim=-2),
            torch.cat([each(self.values, self._which, len(value_states)), value_states], dim=-2),
        )


def each(of_beginnings: Any, which: Any, count: int) -> Any:
    """For each prompt of a batch what belongs to its beginning; a view, where all have the same one."""
    return of_beginnings.expand(count, *of_beginnings.shape[1:]) if which is None else of_beginnings[which]


@dataclass(frozen=True)
class Begun:
    """What was run of the beginnings of a batch.

    Parameters
    ----------
    length : int
        Tokens of each beginning.
    layers : sequence of (keys, values)
        Of each block, (beginnings, heads, tokens, features).
    states : mapping
        By layer the states of these tokens, (beginnings, tokens, features), where rows are made of them too.
    which : tensor, shape (b,), or None
        The beginning of each prompt; None where there is one.
    """

    length: int
    layers: Sequence[tuple[Any, Any]]
    states: Mapping[str, Any]
    which: Any = None

    @property
    def cache(self) -> Cache:
        """As a model takes it, for one batch."""
        return Cache(layers=[Kept(keys, values, self.which) for keys, values in self.layers])

    def first(self, length: int) -> "Begun":
        """The same of the first tokens alone. They do not depend on later tokens."""
        layers = [(keys[:, :, :length], values[:, :, :length]) for keys, values in self.layers]
        return Begun(length, layers, {layer: of[:, :length] for layer, of in self.states.items()})

    def with_theirs(self, layer: str, states: Any) -> Any:
        """States of all tokens: of the shared ones, and of a batch after them."""
        return torch.cat([each(self.states[layer], self.which, len(states)), states], dim=1)


Run = Callable[..., Mapping[str, Any]]
"""Is given what a model is given, and returns the states by layer that are to be kept of all tokens."""


class Beginnings:
    """Runs each beginning once for all batches that come one after the other, with as many threads as the caller has.

    Where a batch has several, they are its own, and equally long, so that nothing is padded between them and the rest.
    """

    def __init__(self, run: Run, device: Any) -> None:
        self._run, self._device = run, device
        self._last: tuple[tuple[int, ...], Begun] | None = None

    def of(self, prompts: Sequence[Sequence[int]], length: int) -> Begun:
        """What the first tokens of the prompts of a batch, so many, give."""
        fronts = [tuple(ids[:length]) for ids in prompts]
        distinct = list(dict.fromkeys(fronts))
        if len(distinct) > 1:
            which = torch.tensor([distinct.index(front) for front in fronts], device=self._device)
            return replace(self._begun(distinct), which=which)
        if self._last is None or self._last[0] != distinct[0]:
            self._last = None  # before the next one takes memory
            self._last = (distinct[0], self._begun(distinct))
        return self._last[1]

    def forget(self) -> None:
        """Give back the memory of the last beginning."""
        self._last = None

    def _begun(self, distinct: Sequence[tuple[int, ...]]) -> Begun:
        ids = torch.tensor(distinct, device=self._device)
        # Without a config all layers keep all tokens, also those that look at the last ones alone.
        cache = DynamicCache()
        with torch.inference_mode():
            states = self._run(
                input_ids=ids, attention_mask=torch.ones_like(ids), past_key_values=cache, use_cache=True
            )
        if not all(type(layer) is DynamicLayer and layer.get_seq_length() == ids.shape[1] for layer in cache.layers):
            raise ModelError("the model keeps something else than keys and values of each token")
        return Begun(ids.shape[1], [(layer.keys, layer.values) for layer in cache.layers], states)
