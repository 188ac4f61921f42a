"""One batch of prompts through a model: of each layer asked for, the rows of its prompts."""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from likewise.errors import ModelError
from likewise.extraction.state import State
from likewise.extraction.ways import Way
from likewise.models.decoder import embedding_rows, token_positions
from likewise.models.layers import LOGITS, Reader
from likewise.models.loading import LoadedModel
from likewise.naming import parse_call
from likewise.pooling import last_token, pool
from likewise.prompts.tokens import Tokens

if TYPE_CHECKING:
    from likewise.extraction.cache import Beginnings, Begun


def padded(
    tokens: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Sequence[int]]] | None,
    padding_id: int,
    side: str,
    shared: int = 0,
) -> tuple[list[list[int]], list[list[int]], np.ndarray]:
    """Return token ids, 1 for real tokens, and the mask of the tokens of each row, (b, s, t).

    The first tokens, so many as are shared, stand before the padding whatever its side.
    """
    length = max(map(len, tokens))
    ids, real = [], []
    mask = np.zeros((len(tokens), max(map(len, rows)) if rows is not None else 1, length), dtype=np.int64)
    for number, of_prompt in enumerate(tokens):
        pad = length - len(of_prompt)
        before, after = (0, pad) if side == "right" else (pad, 0)
        first, rest = list(of_prompt[:shared]), list(of_prompt[shared:])
        ids.append(first + [padding_id] * before + rest + [padding_id] * after)
        real.append([1] * shared + [0] * before + [1] * len(rest) + [0] * after)
        for row, places in enumerate([range(len(of_prompt))] if rows is None else rows[number]):
            mask[number, row, [place if place < shared else before + place for place in places]] = 1
    return ids, real, mask


def inputs_of(
    runs: Any,
    stack: Any,
    ids: Sequence[Sequence[int]],
    real: Sequence[Sequence[int]],
    side: str,
    begun: "Begun | None" = None,
) -> dict[str, Any]:
    """What a model, or its stack, is given for a padded batch; of prompts that are begun, the tokens after that.

    With left padding the positions of the real tokens are given to the model, where it takes them.
    """
    import torch

    device = next(stack.parameters()).device
    shared = begun.length if begun else 0
    inputs = {
        "input_ids": torch.tensor(ids, device=device)[:, shared:],
        "attention_mask": torch.tensor(real, device=device),
    }
    accepted = inspect.signature(runs.forward).parameters
    if side == "left" and "position_ids" in accepted:
        inputs["position_ids"] = token_positions(stack, inputs["attention_mask"])[:, shared:]
    if begun:
        inputs |= {"past_key_values": begun.cache, "use_cache": True}
    elif "use_cache" in accepted:
        inputs["use_cache"] = False
    return inputs


def packed_inputs(stack: Any, ids: Sequence[Sequence[int]], begun: "Begun") -> dict[str, Any]:
    """What a model is given for prompts after one beginning in one row: each sees that, and itself up to each token."""
    import torch

    device, shared = next(stack.parameters()).device, begun.length
    rest = [list(own[shared:]) for own in ids]
    lengths = torch.tensor([len(own) for own in rest], device=device)
    of = torch.repeat_interleave(torch.arange(len(rest), device=device), lengths)
    seen = torch.nn.functional.pad((of[:, None] == of[None, :]).tril(), (shared, 0), value=True)
    # Numbers to be added to the scores of attention, because not every implementation accepts booleans.
    mask = torch.zeros(seen.shape, dtype=stack.dtype, device=device).masked_fill(~seen, torch.finfo(stack.dtype).min)
    places = token_positions(stack, torch.ones((1, max(map(len, ids))), dtype=torch.int64, device=device))[0, shared:]
    return {
        "input_ids": torch.tensor([[token for own in rest for token in own]], device=device),
        "attention_mask": mask[None, None],
        "position_ids": torch.cat([places[: len(own)] for own in rest])[None],
        "past_key_values": begun.cache,
        "use_cache": True,
    }


def run_batch(
    reader: Reader,
    tokens: Sequence[Sequence[int]],
    rows: Sequence[Sequence[Sequence[int]]] | None,
    pooling: str,
    *,
    padding_id: int,
    padding_side: str = "right",
    begun: "Begun | None" = None,
    packed: bool = False,
) -> dict[str, np.ndarray]:
    """Rows of one batch by layer, float32, those of a prompt together; the states of tokens live only inside this call.

    Parameters
    ----------
    reader : Reader
        Of the layers; logits over the vocabulary are computed only where they are asked for, of one token for each row.
    tokens : sequence of sequences of int
        The token ids of each prompt.
    rows : sequence or None
        For each prompt the places of the tokens of each of its rows; all tokens, where there are none.
    pooling : str
        As `canonical_pooling` writes it.
    padding_id : int
        Any token id; it is masked.
    padding_side : {"right", "left"}
        As `inputs_of` takes it.
    begun : Begun or None
        What was run of the first tokens of these prompts.
    packed : bool
        Run what comes after one beginning in one row.
    """
    import torch

    shared = begun.length if begun else 0
    after = begun if packed and begun and begun.which is None else None
    ids, real, places = padded(tokens, rows, padding_id, "right" if after else padding_side, shared)
    if after:
        inputs = packed_inputs(reader.model, tokens, after)
    else:
        inputs = inputs_of(reader.runs, reader.model, ids, real, padding_side, begun)
    there = places.any(2)
    if begun and not (whole := needs_all(pooling, rows)):
        places = places[:, :, shared:]
    kept: dict[str, np.ndarray] = {}

    def keep(layer: str, states: Any) -> Any:
        if layer == LOGITS:
            found = states.double().log_softmax(dim=-1)
        else:
            if after:
                rest = states[0].split([len(own) - shared for own in tokens])
                states = torch.nn.utils.rnn.pad_sequence(rest, batch_first=True)
            if begun and whole:
                states = begun.with_theirs(layer, states)
            found = pool(pooling, states, torch.from_numpy(places).to(states.device))
        if layer in reader.wanted:
            kept[layer] = found.float().cpu().numpy()[there]
        return found

    with torch.inference_mode():
        reader.run(keep, **inputs)
    return kept


def needs_all(pooling: str, rows: Sequence[Sequence[Sequence[int]]] | None) -> bool:
    """Whether rows are made of other tokens than the last of each prompt."""
    return rows is not None or parse_call(pooling)[0] != last_token.__name__


def beginnings_of(loaded: LoadedModel, reader: Reader, tokens: Tokens, pooling: str) -> "Beginnings":
    """What runs the beginnings of prompts, for the layers of a reader."""
    from likewise.extraction.cache import Beginnings

    whole = needs_all(pooling, tokens.rows)

    def run(**inputs: Any) -> dict[str, Any]:
        states: dict[str, Any] = {}

        def keep(layer: str, of_tokens: Any) -> Any:
            if whole and layer != LOGITS:
                states[layer] = of_tokens.clone()  # a model may go on in the same place
            return of_tokens[:, -1:]

        reader.run(keep, **inputs)
        return states

    return Beginnings(run, next(loaded.model.parameters()).device)


def log_probabilities(
    loaded: LoadedModel,
    ids: Sequence[Sequence[int]],
    starts: Sequence[int],
    way: Way,
    before: State | None = None,
    begun: "Begun | None" = None,
) -> list[np.ndarray]:
    """Return for each text of a batch the log-probability of each token from ``starts`` on, after those before it.

    In double precision after the head; no token is pooled. Of texts that are begun, at least the token before those is
    run again: its state says what comes next.
    """
    import torch

    model, shared = loaded.head_model, begun.length if begun else 0
    tokens, real, _ = padded(ids, None, padding_id(loaded), way.side, shared)
    inputs = inputs_of(model, loaded.model, tokens, real, way.side, begun)
    found = []
    with torch.inference_mode():
        if before is not None:
            before.restore()
        logits = model(**inputs).logits
        for number, (own, start) in enumerate(zip(ids, starts, strict=True)):
            first = (0 if way.side == "right" else len(tokens[0]) - len(own)) - shared
            said = logits[number, first + start - 1 : first + len(own) - 1].double().log_softmax(dim=-1)
            asked = torch.tensor(own[start:], device=said.device)[:, None]
            found.append(said.gather(1, asked)[:, 0].cpu().numpy())
    return found


@dataclass(frozen=True)
class Answers:
    """What a causal language model adds to each prompt of a batch, the likeliest token each time.

    Parameters
    ----------
    added : list of lists of int
        The tokens, the first end-of-text token the last of them.
    scores : list of arrays, shape (steps, vocabulary)
        From which each was chosen, where they were asked for.
    """

    added: list[list[int]]
    scores: list[np.ndarray]


def answers(
    loaded: LoadedModel,
    tokens: Tokens,
    batch: Sequence[int],
    count: int,
    *,
    before: State | None = None,
    scores: bool = False,
) -> Answers:
    """Let a causal language model go on with each prompt of a batch.

    Parameters
    ----------
    loaded : LoadedModel
        With its output head.
    tokens : Tokens
        Of all prompts.
    batch : sequence of int
        Which of them.
    count : int
        How many tokens at most.
    before : State or None
        What to put back before.
    scores : bool
        Keep the scores of each step.
    """
    import torch
    from transformers import GenerationConfig

    model = loaded.head_model
    if model is None:
        raise ModelError("what a model adds needs its output head, and this one was loaded without")
    ids, real, _ = padded([tokens.prompts[i] for i in batch], None, padding_id(loaded), "left")
    device = next(model.parameters()).device
    end = model.generation_config.eos_token_id
    ends = set(end) if isinstance(end, list | tuple) else {end}
    # Fields of the call that are not set are taken from the model's own file: penalties, words that are forbidden, even
    # a time. A copy of the outermost object alone has none; what it consists of is shared.
    plain = copy.copy(model)
    plain.generation_config = GenerationConfig(eos_token_id=end)
    greedy = GenerationConfig(
        do_sample=False,
        num_beams=1,
        max_new_tokens=count,
        eos_token_id=end,
        pad_token_id=padding_id(loaded),
        use_cache=True,
        return_dict_in_generate=True,
        output_logits=scores,
    )
    with torch.inference_mode():
        if before is not None:
            before.restore()
        try:
            output = plain.generate(
                input_ids=torch.tensor(ids, device=device),
                attention_mask=torch.tensor(real, device=device),
                generation_config=greedy,
            )
        except ValueError as error:  # of a config that the library's cache does not know
            raise ModelError(f"{type(model).__name__} cannot go on with a text: {error}") from error
    rows = output.sequences[:, len(ids[0]) :].tolist()
    added = [row[: next((i + 1 for i, token in enumerate(row) if token in ends), len(row))] for row in rows]
    steps = torch.stack(output.logits, dim=1).float().cpu().numpy() if scores else []
    return Answers(added, [step[: len(own)] for step, own in zip(steps, added, strict=scores)])


def read(
    loaded: LoadedModel,
    reader: Reader,
    tokens: Tokens,
    batch: Sequence[int],
    pooling: str,
    way: Way,
    *,
    added: Sequence[Sequence[int]] | None = None,
    before: State | None = None,
    begun: "Begun | None" = None,
) -> dict[str, np.ndarray]:
    """Return the rows of a batch by layer; with what the model added to each prompt, those of that.

    Parameters
    ----------
    loaded : LoadedModel
        The model.
    reader : Reader
        Of its layers.
    tokens : Tokens
        Of all prompts.
    batch : sequence of int
        Which of them.
    pooling : str
        As `canonical_pooling` writes it.
    way : Way
        Of padding.
    added : sequence of sequences of int, optional
        Tokens after each prompt, of which the rows are then made.
    before : State or None
        What to put back before.
    begun : Begun or None
        What was run of the first tokens of these prompts.
    """
    import torch

    ids = [list(tokens.prompts[i]) for i in batch]
    rows: Any = None if tokens.rows is None else [tokens.rows[i] for i in batch]
    if added is not None:
        rows = [[range(len(own), len(own) + len(more))] for own, more in zip(ids, added, strict=True)]
        ids = [own + list(more) for own, more in zip(ids, added, strict=True)]
    if before is not None:
        with torch.inference_mode():
            before.restore()
    how: dict[str, Any] = {"padding_id": padding_id(loaded), "padding_side": way.side, "packed": way.packed}
    return run_batch(reader, ids, rows, pooling, **how, begun=begun)


def padding_id(loaded: LoadedModel) -> int:
    """Return a token id to pad with. It is masked, so any that the model has a row for will do."""
    tokenizer, rows = loaded.tokenizer, embedding_rows(loaded.model)
    known = (i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id) if i is not None)
    return int(next((i for i in known if rows is None or 0 <= i < rows), 0))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a device or on the processor."""
    import torch

    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(w in str(error).lower() for w in words)


def too_large(tokens: Tokens, number: int) -> MemoryError:
    """What to raise where memory does not hold one prompt by itself."""
    return MemoryError(
        f"memory runs out for prompt {tokens.names[number]!r} of {tokens.lengths[number]} tokens alone; use a "
        "smaller precision (dtype: bfloat16) or a larger device"
    )
