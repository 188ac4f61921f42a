"""From a model and prompts to one matrix per layer, resumed where an earlier attempt was stopped."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TypeAlias

import numpy as np

from likewise.extract.forward import batches, rows_in_batches, tokenize
from likewise.extract.models import LoadedModel
from likewise.extract.prompts import Prompts
from likewise.store import Parts

Watch: TypeAlias = Callable[[int, int], None]
"""Is told how many tokens are done, and of how many."""

BATCH_TOKENS = {"cpu": 512, "cuda": 16_384}
"""Tokens of a batch, padding included, by device: little enough for a processor's caches, enough for a GPU."""

SECONDS_BETWEEN_PARTS = 10.0
"""At most about this much work is lost when a process is killed."""


def extract(
    loaded: LoadedModel,
    prompts: Prompts,
    layers: Sequence[str],
    pooling: str,
    *,
    batch_tokens: int = BATCH_TOKENS["cpu"],
    padding_side: str = "right",
    parts: Parts | None = None,
    watch: Watch = lambda done, total: None,
) -> Mapping[str, np.ndarray]:
    """Run all prompts through a model and pool each layer asked for into one row a prompt.

    Parameters
    ----------
    loaded : LoadedModel
        The model, in inference mode.
    prompts : Prompts
        n texts.
    layers : sequence of str
        Names of layers, as `likewise.extract.forward` defines them.
    pooling : str
        How tokens become a row.
    batch_tokens : int
        Tokens of a batch, padding included. A row depends on it by rounding only.
    padding_side : {"right", "left"}
        Where the padding stands.
    parts : Parts, optional
        Where finished rows are kept until all are there, and found again.
    watch : callable
        Is told the tokens done and in all.

    Returns
    -------
    mapping of layer to array, shape (n, d), float32
        In the order of the prompts.

    Raises
    ------
    InputError
        If a prompt is empty or too long, or a layer does not exist.

    Notes
    -----
    Memory: the model, the states of one batch, and n x d x 4 bytes for each layer. Batches depend on the prompts and
    ``batch_tokens`` alone, so an extraction that was resumed equals one that was not, to the last bit.
    """
    tokens = tokenize(loaded.tokenizer, prompts.texts, prompts.ids, loaded.model)
    matrices: dict[str, np.ndarray] = {}
    filled = np.zeros(len(tokens), dtype=bool)

    def place(positions: np.ndarray, rows: Mapping[str, np.ndarray]) -> None:
        for layer in layers:
            if layer not in matrices:
                matrices[layer] = np.empty((len(tokens), rows[layer].shape[1]), dtype=np.float32)
            matrices[layer][positions] = rows[layer]
        filled[positions] = True

    for positions, rows in parts.load() if parts else ():
        if rows.keys() >= set(layers):
            place(positions, rows)
    lengths = [len(t) for t in tokens]
    # A batch is kept whole or not at all, so what is missing is whole batches.
    todo = [batch for batch in batches(lengths, batch_tokens) if not filled[batch].all()]
    done, total = sum(n for n, there in zip(lengths, filled, strict=True) if there), sum(lengths)
    watch(done, total)
    unsaved: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []
    saved_at = monotonic()
    for positions, rows in rows_in_batches(
        loaded.model,
        tokens,
        todo,
        layers,
        pooling,
        padding_id=padding_id(loaded),
        padding_side=padding_side,
    ):
        place(positions, rows)
        unsaved.append((positions, rows))
        if parts and monotonic() - saved_at > SECONDS_BETWEEN_PARTS:
            parts.save(*_joined(unsaved))
            unsaved, saved_at = [], monotonic()
        done += sum(lengths[i] for i in positions)
        watch(done, total)
    return matrices


def padding_id(loaded: LoadedModel) -> int:
    """Return a token id to pad with. It is masked, so any will do where the tokenizer has none for it."""
    tokenizer = loaded.tokenizer
    return int(next((i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None), 0))


def _joined(
    batches_done: Sequence[tuple[np.ndarray, dict[str, np.ndarray]]],
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    positions = np.concatenate([p for p, _ in batches_done])
    return positions, {k: np.concatenate([rows[k] for _, rows in batches_done]) for k in batches_done[0][1]}
