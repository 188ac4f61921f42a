"""The part of a model that reads the prompt: which it is, how many tokens it takes, where its positions begin."""

import inspect
from typing import Any

from likewise.errors import ModelError
from likewise.pooling import tokens_to_generate

LARGEST_SANE_LENGTH = 10_000_000
"""A tokenizer that knows no longest prompt says some number above this."""


def text_stack(model: Any) -> Any:
    """Return the stack of blocks that reads the prompt, without an output head.

    Parameters
    ----------
    model : transformers model
        With or without its head.

    Returns
    -------
    transformers model
        Of an encoder-decoder the encoder, of a model with other senses beside text the text model, else the base
        model.

    Raises
    ------
    ModelError
        If that part takes no token ids, as in a model of images or sounds.
    """
    base = model.base_model
    if base is model and model.get_output_embeddings() is not None:
        base = getattr(model, "model", model)  # a head that names no base model of its own
    # Its config may say otherwise: that of an encoder saved alone does.
    if "decoder_input_ids" in inspect.signature(base.forward).parameters:
        part = base.get_encoder()
    elif base.config.get_text_config() is not base.config:
        part = base.get_decoder()
    else:
        part = base
    if "input_ids" not in inspect.signature(part.forward).parameters:
        raise ModelError(f"{type(part).__name__}, the input part of {type(model).__name__}, takes no text")
    return part


def context_length(model: Any, tokenizer: Any) -> int | None:
    """Return how many tokens the longest prompt may have; None where nothing bounds it.

    The model decides where it says something: the positions that it has rows for, the length that its config states.
    Else the tokenizer's ``model_max_length``, where that is no mere stand-in for "unknown".

    Examples
    --------
    >>> from transformers import GPT2Config, GPT2Model
    >>> context_length(GPT2Model(GPT2Config(n_embd=8, n_layer=1, n_head=2, n_positions=64)), None)
    64
    """
    config = model.config.get_text_config()
    table = _padded_positions(model)
    if table is not None:
        return int(table.num_embeddings - table.padding_idx - 1)
    # BLOOM weighs distances without an end, and T5's are in buckets of which the last has none: their configs have
    # neither key. GPT-2 and GPT-J map the first one to theirs.
    for key in ("max_position_embeddings", "max_seq_len"):
        stated = getattr(config, key, None)
        if isinstance(stated, int) and stated > 0:
            return stated
    return tokenizer_length(tokenizer)


def tokenizer_length(tokenizer: Any) -> int | None:
    """Return the tokenizer's ``model_max_length``; None where it is a mere stand-in for "unknown"."""
    stated = getattr(tokenizer, "model_max_length", None)
    return int(stated) if stated is not None and 0 < stated < LARGEST_SANE_LENGTH else None


def positions_turn_at(model: Any) -> int | None:
    """Return the length beyond which a whole batch gets other rotary positions (LongRoPE); None for most models."""
    config = model.config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "longrope":
        return None
    turn = rope.get("original_max_position_embeddings") or getattr(config, "original_max_position_embeddings", None)
    return None if turn is None else int(turn)


def turning_length(model: Any, pooling: str) -> int | None:
    """Return the length beyond which a prompt gets other positions, before what the pooling adds to it."""
    turn, added = positions_turn_at(model), tokens_to_generate(pooling)
    return turn if turn is None or not added else turn - added


def embedding_rows(model: Any) -> int | None:
    """Return how many token ids the model's embedding has rows for; None where that cannot be told."""
    try:
        table = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        return None
    rows = getattr(table, "num_embeddings", None)
    return rows if isinstance(rows, int) else None


def is_causal(model: Any) -> bool:
    """Whether a token sees only what is before it: another last token leaves the states before it as they are."""
    import torch

    ids = torch.tensor([[1, 2, 3], [1, 2, 4]], device=next(model.parameters()).device)
    with torch.inference_mode():
        states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.float()[:, :2]
    return bool((states[0] - states[1]).norm() <= 1e-2 * states[0].norm())


def token_positions(model: Any, mask: Any) -> Any:
    """Positions of the tokens of a padded batch, as the model counts them.

    Parameters
    ----------
    model : transformers base model
        One whose forward takes ``position_ids``.
    mask : tensor, shape (b, t)
        1 for real tokens.

    Returns
    -------
    tensor, shape (b, t)
        The first real token has the model's first position, whatever stands before it.
    """
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    table = _padded_positions(model)
    # RoBERTa and its kin keep a row for padding, and count from the row after it.
    return positions if table is None else mask * (positions + 1) + table.padding_idx


def _padded_positions(model: Any) -> Any:
    """The table of positions that has a row for padding; None for most models."""
    from torch import nn

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return module
    return None
