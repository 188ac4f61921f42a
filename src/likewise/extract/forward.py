"""Run prompts through a model and keep, of the layers asked for, one row each.

A layer's name means the same for every architecture:

``embedding``
    what enters the first block;
``1``, ``2``, ... up to the number of blocks
    the residual stream after that block, before any norm that follows the last one;
``last``
    what the output head would read: the stream after the last block and the final norm, where there is one.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from likewise.errors import InputError, ModelError
from likewise.extract.pooling import POOLINGS
from likewise.naming import did_you_mean

LAST, EMBEDDING = "last", "embedding"


def canonical_layer(layer: str | int) -> str:
    """Check the name of a layer and write it as text.

    Examples
    --------
    >>> canonical_layer(12), canonical_layer("last")
    ('12', 'last')
    """
    name = str(layer).strip()
    if name in (LAST, EMBEDDING):
        return name
    if name.isdecimal() and int(name) > 0:
        return str(int(name))
    raise InputError(
        f"unknown layer {name!r}; a layer is 'last' (what the output head reads), 'embedding' (what enters the first "
        "block), or the number of a block from 1"
    )


def canonical_pooling(pooling: str) -> str:
    """Check the name of a pooling."""
    if pooling not in POOLINGS:
        raise InputError(f"unknown pooling {pooling!r}; {did_you_mean(pooling, POOLINGS)}")
    return pooling


def tokenize(tokenizer: Any, texts: Sequence[str], ids: Sequence[str], model: Any) -> list[list[int]]:
    """Token ids of each prompt, with the special tokens that the tokenizer adds by itself.

    Raises
    ------
    InputError
        If a prompt has no token, or more than the model takes: nothing is cut silently.
    """
    encoded = [
        list(map(int, e)) for e in tokenizer(list(texts), add_special_tokens=True, truncation=False)["input_ids"]
    ]
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    for name, tokens in zip(ids, encoded, strict=True):
        if not tokens:
            raise InputError(f"prompt {name!r} has no tokens")
        if longest is not None and len(tokens) > longest:
            raise InputError(
                f"prompt {name!r} has {len(tokens)} tokens and the model takes {longest}; nothing is cut silently: "
                "shorten it or leave it out"
            )
    return encoded


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Positions of prompts in batches of at most ``budget`` tokens with padding, the longest first.

    Prompts of like length share a batch, so little is padded; the longest come first, so that a lack of memory shows
    at once. One prompt longer than the budget is a batch by itself.

    Examples
    --------
    >>> batches([2, 9, 3, 8], budget=18)
    [[1, 3], [2, 0]]
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    grouped: list[list[int]] = []
    for i in order:
        if grouped and lengths[grouped[-1][0]] * (len(grouped[-1]) + 1) <= budget:
            grouped[-1].append(i)
        else:
            grouped.append([i])
    return grouped


def run_batch(
    model: Any,
    tokens: Sequence[Sequence[int]],
    layers: Sequence[str],
    pooling: str,
    *,
    padding_id: int,
    padding_side: str = "right",
) -> dict[str, np.ndarray]:
    """Rows of one batch by layer, float32; the states of all tokens live only inside this call.

    Parameters
    ----------
    model : transformers base model
        Without its output head, so that logits over the vocabulary are never computed.
    tokens : sequence of sequences of int
        The token ids of each prompt.
    layers : sequence of str
        Names as in this module's heading.
    pooling : str
        A name of `POOLINGS`.
    padding_id : int
        Any token id; it is masked.
    padding_side : {"right", "left"}
        With left padding the positions of the real tokens are given to the model, where it takes them.
    """
    import torch

    length = max(map(len, tokens))
    right = padding_side == "right"
    pad = [length - len(t) for t in tokens]
    ids = [[*t, *[padding_id] * p] if right else [*[padding_id] * p, *t] for t, p in zip(tokens, pad, strict=True)]
    real = [[1] * (length - p) + [0] * p if right else [0] * p + [1] * (length - p) for p in pad]
    inputs = {
        "input_ids": torch.tensor(ids, device=model.device),
        "attention_mask": torch.tensor(real, device=model.device),
    }
    mask = inputs["attention_mask"]
    accepted = inspect.signature(model.forward).parameters
    if not right and "position_ids" in accepted:
        inputs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    if "use_cache" in accepted:
        inputs["use_cache"] = False
    kept: dict[str, np.ndarray] = {}

    def keep(layer: str, states: Any) -> None:
        kept[layer] = POOLINGS[pooling](states, mask).float().cpu().numpy()

    with torch.inference_mode(), _hooked(model, layers, keep):
        output = model(**inputs)
        if LAST in layers:
            keep(LAST, output.last_hidden_state)
    return kept


class _hooked:  # reads as a verb where it is used
    """While entered, every inner layer that is asked for calls ``keep`` with its states."""

    def __init__(self, model: Any, layers: Sequence[str], keep: Callable[[str, Any], None]) -> None:
        self.model, self.keep = model, keep
        self.inner = [layer for layer in layers if layer != LAST]
        self.handles: list[Any] = []

    def __enter__(self) -> None:
        if not self.inner:
            return
        blocks = find_blocks(self.model)
        for layer in self.inner:
            if layer == EMBEDDING:
                handle = blocks[0].register_forward_pre_hook(self._before, with_kwargs=True)
            elif int(layer) <= len(blocks):
                handle = blocks[int(layer) - 1].register_forward_hook(self._after(layer))
            else:
                raise InputError(f"layer {layer} of a model with {len(blocks)} blocks; needed is 1 to {len(blocks)}")
            self.handles.append(handle)

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _before(self, block: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.keep(EMBEDDING, args[0] if args else kwargs["hidden_states"])

    def _after(self, layer: str) -> Callable[..., None]:
        return lambda block, args, output: self.keep(layer, output[0] if isinstance(output, tuple) else output)


def find_blocks(model: Any) -> Any:
    """Return the list of the model's blocks: the outermost module list with as many entries as the config has layers.

    Raises
    ------
    ModelError
        If there is none; then only ``last`` can be asked for.
    """
    from torch import nn

    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    for _, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise ModelError(
        f"the blocks of {type(model).__name__} were not found (no list of {count} modules); ask for layer 'last' only"
    )


def rows_in_batches(
    model: Any,
    tokens: Sequence[Sequence[int]],
    todo: Sequence[Sequence[int]],
    layers: Sequence[str],
    pooling: str,
    *,
    padding_id: int,
    padding_side: str = "right",
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Yield the positions and rows of one batch after the other."""
    for batch in todo:
        rows = run_batch(
            model,
            [tokens[i] for i in batch],
            layers,
            pooling,
            padding_id=padding_id,
            padding_side=padding_side,
        )
        yield np.asarray(batch, dtype=np.int64), rows
