"""One batch of prompts through a model: of each layer asked for, the rows of its prompts."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from likewise.extract.layers import Reader
from likewise.extract.pooling import pool
from likewise.extract.stack import token_positions


def batches(lengths: Sequence[int], budget: int, turn: int | None = None) -> list[list[int]]:
    """Positions of prompts in batches of at most ``budget`` tokens with padding, the longest first.

    Prompts of like length share a batch, so little is padded; the longest come first, so that a lack of memory shows
    at once. One prompt longer than the budget is a batch by itself. Where a model takes other positions for batches
    longer than ``turn``, prompts on either side of it are apart.

    Examples
    --------
    >>> batches([2, 9, 3, 8], budget=18)
    [[1, 3], [2, 0]]
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    grouped: list[list[int]] = []
    for i in order:
        longest = lengths[grouped[-1][0]] if grouped else 0
        together = turn is None or (longest > turn) == (lengths[i] > turn)
        if grouped and together and longest * (len(grouped[-1]) + 1) <= budget:
            grouped[-1].append(i)
        else:
            grouped.append([i])
    return grouped


def padded(
    tokens: Sequence[Sequence[int]], rows: Sequence[Sequence[Sequence[int]]] | None, padding_id: int, side: str
) -> tuple[list[list[int]], list[list[int]], np.ndarray]:
    """Return token ids, 1 for real tokens, and the mask of the tokens of each row, (b, s, t)."""
    length = max(map(len, tokens))
    ids, real = [], []
    mask = np.zeros((len(tokens), max(map(len, rows)) if rows is not None else 1, length), dtype=np.int64)
    for number, of_prompt in enumerate(tokens):
        pad = length - len(of_prompt)
        before, after = (0, pad) if side == "right" else (pad, 0)
        ids.append([padding_id] * before + list(of_prompt) + [padding_id] * after)
        real.append([0] * before + [1] * len(of_prompt) + [0] * after)
        for row, places in enumerate([range(len(of_prompt))] if rows is None else rows[number]):
            mask[number, row, [before + place for place in places]] = 1
    return ids, real, mask


def run_batch(
    reader: Reader,
    tokens: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Sequence[int]]] | None,
    pooling: str,
    *,
    padding_id: int,
    padding_side: str = "right",
) -> dict[str, np.ndarray]:
    """Rows of one batch by layer, float32, those of a prompt together; the states of tokens live only inside this call.

    Parameters
    ----------
    reader : Reader
        Of the layers, on a model without its output head, so that logits over the vocabulary are never computed.
    tokens : sequence of sequences of int
        The token ids of each prompt.
    rows : sequence or None
        For each prompt the places of the tokens of each of its rows; all tokens, where there are none.
    pooling : str
        As `canonical_pooling` writes it.
    padding_id : int
        Any token id; it is masked.
    padding_side : {"right", "left"}
        With left padding the positions of the real tokens are given to the model, where it takes them.
    """
    import torch

    model = reader.model
    ids, real, places = padded(tokens, rows, padding_id, padding_side)
    device = next(model.parameters()).device
    inputs = {
        "input_ids": torch.tensor(ids, device=device),
        "attention_mask": torch.tensor(real, device=device),
    }
    accepted = inspect.signature(model.forward).parameters
    if padding_side == "left" and "position_ids" in accepted:
        inputs["position_ids"] = token_positions(model, inputs["attention_mask"])
    if "use_cache" in accepted:
        inputs["use_cache"] = False
    there = places.any(2)
    kept: dict[str, np.ndarray] = {}

    def keep(layer: str, states: Any) -> None:
        found = pool(pooling, states, torch.from_numpy(places).to(states.device))
        kept[layer] = found.float().cpu().numpy()[there]

    with torch.inference_mode():
        reader.run(keep, **inputs)
    return kept


def continued(model: Any, tokens: Sequence[Sequence[int]], count: int, *, padding_id: int) -> list[list[int]]:
    """Return the tokens that a causal language model adds to each prompt, the likeliest each time.

    Parameters
    ----------
    model : transformers causal language model
        With its output head.
    tokens : sequence of sequences of int
        The token ids of each prompt.
    count : int
        How many tokens at most; the first end-of-text token is the last.
    padding_id : int
        Any token id; it is masked.
    """
    import torch
    from transformers import GenerationConfig

    ids, real, _ = padded(tokens, None, padding_id, "left")
    device = next(model.parameters()).device
    end = model.generation_config.eos_token_id
    ends = set(end) if isinstance(end, list | tuple) else {end}
    # A config of its own: that of the model may ask for sampling or penalties.
    greedy = GenerationConfig(
        do_sample=False, num_beams=1, max_new_tokens=count, eos_token_id=end, pad_token_id=padding_id, use_cache=True
    )
    with torch.inference_mode():
        output = model.generate(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(real, device=device),
            generation_config=greedy,
        )
    added = output[:, len(ids[0]) :].tolist()
    return [row[: next((i + 1 for i, token in enumerate(row) if token in ends), len(row))] for row in added]
