"""What a model keeps from one batch to the next beside its weights, and how it is put back.

Some models change themselves while they run: another kind of attention once a prompt is short, a table of positions
once one is long, the end of the last text in a recurrent block. Others draw random numbers.
"""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

SEED = 0
"""What models that draw random numbers begin with."""


class State:
    """What the modules and configs of a model hold, as it was when this was made.

    Weights are not copied. Where a model changes its weights in the first batch, for good, what it holds then is
    what is put back from then on.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._take()

    def _take(self) -> None:
        modules = list(self._model.modules())
        configs = {id(c): c for m in modules if (c := getattr(m, "config", None)) is not None}
        # Every dictionary, list and set by itself, with what it holds: a copy of the references.
        self._held = [
            (place, _held(place), _all_of(place))
            for thing in (*modules, *configs.values())
            for place in (
                vars(thing),
                *(v for k, v in vars(thing).items() if isinstance(v, dict | list | set) and not _of_hooks(k)),
            )
        ]
        self._weights = [(p, _version(p)) for p in self._model.parameters()]
        tensors = {id(t): t for t in (*self._model.buffers(), *(t for m in modules for t in _tensors(m)))}
        self._buffers = [(t, _version(t), t.clone()) for t in tensors.values()]

    def changed(self) -> bool:
        """Whether the model holds other things than it did, by identity; tensors changed in place count."""
        return any(_version(p) != v for p, v, *_ in (*self._weights, *self._buffers)) or any(
            _all_of(place) != all_of and _differ(_held(place), was) for place, was, all_of in self._held
        )

    def restore(self) -> None:
        """Put back what the model held, and begin its random numbers anew."""
        if any(_version(p) != v for p, v in self._weights):
            self._take()
        elif self.changed():
            for place, was, _ in self._held:
                if isinstance(place, dict):
                    hooks = {k: v for k, v in place.items() if _of_hooks(k)}
                    place.clear()
                    place.update({**dict(was), **hooks})
                else:
                    place.clear()
                    (place.extend if isinstance(place, list) else place.update)(thing for _, thing in was)
            for buffer, version, copy in self._buffers:
                if _version(buffer) != version:
                    buffer.copy_(copy)
            self._buffers = [(b, _version(b), copy) for b, _, copy in self._buffers]
        _begin_chance()


def _tensors(module: Any) -> list[Any]:
    """The tensors that a module holds beside its parameters and buffers."""
    import torch

    return [v for v in vars(module).values() if isinstance(v, torch.Tensor)]


def _held(place: Any) -> list[tuple[Any, Any]]:
    """What a place holds, by key or position."""
    return [(k, v) for k, v in place.items() if not _of_hooks(k)] if isinstance(place, dict) else list(enumerate(place))


def _all_of(place: Any) -> tuple[list[Any], list[int]]:
    """What a place holds, hooks too, by identity: where that is as it was, nobody need look closer."""
    return (list(place), list(map(id, place.values()))) if isinstance(place, dict) else ([], list(map(id, place)))


def _of_hooks(key: Any) -> bool:
    """Whether an attribute is of hooks: those that watch a model, and the library's note that it has set its own."""
    return isinstance(key, str) and "hook" in key


def _differ(now: list[tuple[Any, Any]], was: list[tuple[Any, Any]]) -> bool:
    """Whether two places hold other things, by identity, or in another order."""
    return [(key, id(thing)) for key, thing in now] != [(key, id(thing)) for key, thing in was]


@contextlib.contextmanager
def kept(model: Any) -> Iterator[State]:
    """While entered a model may change itself and draw random numbers; afterwards both are as before."""
    import torch

    chance = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    state = State(model)
    try:
        with torch.inference_mode():
            state.restore()
        yield state
    finally:
        with torch.inference_mode():
            state.restore()
        torch.set_rng_state(chance[0])
        np.random.set_state(chance[1])  # noqa: NPY002
        random.setstate(chance[2])
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)


def _begin_chance() -> None:
    import torch

    # torch.manual_seed keeps a note, with a trace of the stack, of each call for devices that were never used.
    torch.default_generator.manual_seed(SEED)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(SEED)
    np.random.seed(SEED)  # noqa: NPY002  # models draw from it
    random.seed(SEED)


def _version(tensor: Any) -> int:
    """How often a tensor was changed in place; those made for inference do not count."""
    return -1 if tensor.is_inference() else int(tensor._version)
