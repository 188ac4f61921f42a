"""Whether the rows of a model can be trusted: those of a prompt alone and in company must be the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from likewise.extraction.backends import Foreign
from likewise.extraction.probe import ONCE, TOLERANCES, relative, way_of
from likewise.extraction.rows import extract, tokens_of
from likewise.extraction.state import kept
from likewise.extraction.ways import ALONE, Side, Way
from likewise.models.decoder import is_causal
from likewise.models.layers import LAST, LOGITS, find_blocks
from likewise.models.loading import LoadedModel
from likewise.naming import counted
from likewise.prompts.datasets import PROBES, DatasetSpec, load_prompts
from likewise.prompts.texts import Prompts

SIDES: tuple[Side, ...] = ("right", "left")

TOGETHER = 4096
"""Tokens of a batch that takes all prompts of the check."""


@dataclass(frozen=True)
class Finding:
    """What one way of running the prompts changed.

    Parameters
    ----------
    what : str
        The way, in words.
    layer : str
        Where the rows changed most.
    drift : float or None
        The largest change of a row, relative to its length; None where there is nothing to measure.
    tolerance : float or None
        What is allowed; None where nothing is asked.
    note : str
        What else there is to say.
    """

    what: str
    layer: str
    drift: float | None
    tolerance: float | None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the rows."""
        return self.drift is None or self.tolerance is None or self.drift <= self.tolerance


def prompts_of_check() -> Prompts:
    """Return prompts of very different lengths, with accents, code and other scripts."""
    texts = load_prompts(DatasetSpec(name=PROBES, source=PROBES, limit=12)).texts
    texts = (
        *(" ".join(texts[i : i + 1 + i]) for i in range(4)),
        *("Yes.", "def f(x):\n    return x ** 2", "Ça va, naïve café?", "猫が好きです。", "🙂 and 🚀"),
    )
    return Prompts("the check's prompts", tuple(f"prompt {i}" for i in range(len(texts))), texts, "")


def prompts_that_begin_alike() -> Prompts:
    """Return prompts with a long beginning in common, and twins with a shorter one."""
    examples = load_prompts(DatasetSpec(name=PROBES, source=PROBES, limit=9)).texts
    front, ends = " ".join(examples[:4]), examples[4:]
    twins = [f"{examples[5]} {end}" for end in ("Yes.", "No, not at all.")]
    texts = (*(f"{front} {end}" for end in ends), *twins)
    return Prompts("the check's prompts that begin alike", tuple(f"prompt {i}" for i in range(len(texts))), texts, "")


def check(loaded: LoadedModel, layers: Sequence[str], dtype: str, *, pooling: str = "last_token") -> list[Finding]:
    """Run a handful of prompts in every way that must not matter.

    Parameters
    ----------
    loaded : LoadedModel
        The model; with its head, what the head reads is compared too.
    layers : sequence of str
        As `resolve_layers` returns them.
    dtype : str
        The precision that it was loaded in, which sets the tolerance.
    pooling : str
        How tokens become a row.

    Returns
    -------
    list of Finding
        Against every prompt by itself in a fresh model: all in the way that extraction takes for this model, and in
        another order; in one batch with padding on the right, and with padding on the left where the model is causal,
        which must leave the rows as they are only where extraction does it; other prompts with what they begin with in
        common run once, where extraction does it; layer k against the library's own hidden
        states; ``last`` against what the output head reads. Then how far different prompts are apart, to read the
        drift by, and the beginning tokens.
    """
    prompts, tolerance = prompts_of_check(), TOLERANCES[dtype]
    tokens = tokens_of(loaded, prompts, pooling)
    way = way_of(loaded, tokens, layers, pooling, batch_tokens=TOGETHER)
    alone = extract(loaded, prompts, layers, pooling, way=replace(ALONE, restored=True, threads=False))

    def drift(what: str, rows: Callable[[str], Float[np.ndarray, "n d"]], used: bool = True) -> Finding:
        found = {layer: relative(rows(layer), alone[layer]) for layer in layers}
        worst = max(found, key=lambda layer: found[layer])
        if used or found[worst] <= tolerance:
            return Finding(what, worst, found[worst], tolerance)
        return Finding(what, worst, found[worst], None, "the rows depend on it: extraction does without")

    chosen = extract(loaded, prompts, layers, pooling, batch_tokens=TOGETHER, way=way)
    findings = [drift(f"as extraction runs them: {way}", lambda layer: chosen[layer])]
    with kept(loaded.whole):
        causal = is_causal(loaded.model)
    for side in SIDES if causal else SIDES[:1]:
        # Without what the probe may have found, in one thread where the model changes itself.
        plain = Way(side=side, threads=way.threads)
        padded = extract(loaded, prompts, layers, pooling, batch_tokens=TOGETHER, way=plain)
        used = way.together == "any" and way.side == side and not way.restored
        findings.append(drift(f"together, padded on the {side}", padded.__getitem__, used))
    order = np.argsort([len(text) for text in prompts.texts], kind="stable")
    turned = Prompts(prompts.name, tuple(prompts.ids[i] for i in order), tuple(prompts.texts[i] for i in order), "")
    other = extract(loaded, turned, layers, pooling, batch_tokens=200, way=way)
    findings.append(drift("in small batches, in another order", lambda layer: other[layer][np.argsort(order)]))
    findings.append(_begun_once(loaded, layers, dtype, pooling))
    findings += _against_the_library(loaded, prompts, layers, pooling, alone, tolerance)
    apart = {layer: relative_apart(rows) for layer, rows in alone.items()}
    nearest = min(apart, key=lambda layer: apart[layer])
    findings.append(Finding("how far different prompts are apart, in the median", nearest, apart[nearest], None))
    findings.append(_beginnings(loaded, prompts))
    return findings


def _begun_once(loaded: LoadedModel, layers: Sequence[str], dtype: str, pooling: str) -> Finding:
    """Prompts whose common beginning is run once against each by itself, where extraction does that."""
    what = "with what prompts begin with in common run once"
    prompts = prompts_that_begin_alike()
    tokens = tokens_of(loaded, prompts, pooling)
    way = way_of(loaded, tokens, layers, pooling, batch_tokens=TOGETHER)
    if not way.shared:
        return Finding(what, "", None, None, "this model and pooling do not allow it: each prompt is run as a whole")
    alone = extract(loaded, tokens, layers, pooling, way=ALONE)
    once = extract(loaded, tokens, layers, pooling, batch_tokens=TOGETHER, way=way)
    drifts = {layer: relative(once[layer], alone[layer]) for layer in layers}
    worst = max(drifts, key=lambda layer: drifts[layer])
    return Finding(what, worst, drifts[worst], ONCE[dtype])


def check_foreign(backend: Foreign, model: Any, layers: Sequence[str], dtype: str, *, pooling: str) -> list[Finding]:
    """Run a handful of prompts on a model of another backend in every way that must not matter.

    Parameters
    ----------
    backend : Foreign
        What runs the model.
    model : object
        The model, as the backend has loaded it.
    layers : sequence of str
        As `resolve_layers` returns them.
    dtype : str
        The precision that it was loaded in, which sets the tolerance.
    pooling : str
        How tokens become a row.

    Returns
    -------
    list of Finding
        Against every prompt by itself: all together, in another order, and each a second time. Then how far different
        prompts are apart, to read the drift by, and what cannot be seen through texts.
    """
    prompts, tolerance = prompts_of_check(), TOLERANCES[dtype]
    texts, ids = prompts.texts, prompts.ids

    def rows(order: Sequence[int], at_once: int) -> dict[str, Float[np.ndarray, "n d"]]:
        batches = [order[i : i + at_once] for i in range(0, len(order), at_once)]
        found = [backend.rows(model, [texts[i] for i in b], layers, pooling, [ids[i] for i in b]) for b in batches]
        back = np.argsort(order)
        return {layer: np.concatenate([of[layer] for of in found])[back] for layer in layers}

    every = list(range(len(texts)))
    alone = rows(every, 1)
    findings = []
    for what, order, at_once in (
        ("together", every, len(every)),
        ("in small batches, in another order", sorted(every, key=lambda i: len(texts[i])), 4),
        ("alone, a second time", every, 1),
    ):
        found = rows(order, at_once)
        drifts = {layer: relative(found[layer], alone[layer]) for layer in layers}
        worst = max(drifts, key=lambda layer: drifts[layer])
        findings.append(Finding(what, worst, drifts[worst], tolerance))
    apart = {layer: relative_apart(of) for layer, of in alone.items()}
    nearest = min(apart, key=lambda layer: apart[layer])
    findings.append(Finding("how far different prompts are apart, in the median", nearest, apart[nearest], None))
    unseen = "cannot be checked: this backend shows no tokens, states or output head"
    return [
        *findings,
        Finding("whether layers are what they are called", "", None, None, unseen),
        Finding("beginning token", "", None, None, unseen),
    ]


def relative_apart(rows: Float[np.ndarray, "n d"]) -> float:
    """The median distance of two rows, relative to the median length of one."""
    x = rows.astype(np.float64)
    apart = np.linalg.norm(x[:, None] - x[None], axis=2)[~np.eye(len(x), dtype=bool)]
    length = float(np.median(np.linalg.norm(x, axis=1)))
    return float(np.median(apart)) / length if length else 0.0


def _against_the_library(
    loaded: LoadedModel, prompts: Prompts, layers: Sequence[str], pooling: str, alone: Any, tolerance: float
) -> Iterator[Finding]:
    """Layers beside what the library itself returns, and what its output head is given."""
    import torch

    if pooling != "last_token":
        return
    tokens = tokens_of(loaded, prompts, pooling)
    device = next(loaded.model.parameters()).device
    # The last entry of the library's list is after the final norm in some models, and before it in others.
    inner = [layer for layer in layers if layer.isdecimal() and int(layer) < len(find_blocks(loaded.model))]
    seen: list[list[np.ndarray]] = []
    read: list[np.ndarray] = []
    said: list[np.ndarray] = []
    head = None if loaded.head_model is None else loaded.head_model.get_output_embeddings()
    runs = loaded.model if head is None else loaded.head_model
    if head is not None:
        handle = head.register_forward_pre_hook(lambda module, args: read.append(_last_row(args[0])))
    try:
        with kept(loaded.whole) as state, torch.inference_mode():
            for ids in tokens.prompts:
                state.restore()
                output = runs(torch.tensor([list(ids)], device=device), output_hidden_states=True)
                seen.append([_last_row(states) for states in output.hidden_states])
                if LOGITS in layers:
                    said.append(output.logits[0, -1].double().log_softmax(dim=-1).float().cpu().numpy())
    finally:
        if head is not None:
            handle.remove()
    if inner:
        # Entry 0 is the embedding in most models, and block 1 in some: each layer must be an entry, in their order.
        entries = [np.stack(rows) for rows in zip(*seen, strict=True)]
        drifts = np.asarray([[relative(entry, alone[layer]) for entry in entries] for layer in inner])
        numbers = np.asarray([int(layer) for layer in inner])
        shift = int(drifts[0].argmin()) - numbers[0]
        expected = drifts[np.arange(len(inner)), (numbers + shift).clip(0, len(entries) - 1)]
        worst = int(expected.argmax())
        yield Finding("against the library's own hidden states", inner[worst], float(expected[worst]), tolerance)
    if read and LAST in layers:
        yield Finding("against what the output head reads", LAST, relative(np.stack(read), alone[LAST]), tolerance)
    if said:
        yield Finding("against the library's own logits", LOGITS, relative(np.stack(said), alone[LOGITS]), tolerance)


def _last_row(states: Any) -> np.ndarray:
    row: np.ndarray = states[0, -1].float().cpu().numpy()
    return row


def _beginnings(loaded: LoadedModel, prompts: Prompts) -> Finding:
    """Whether each prompt begins with the tokenizer's beginning token, once."""
    begins = tokens_of(loaded, prompts, "last_token").begins
    if begins is None:
        note = "the tokenizer has no beginning token"
    elif all(begins):
        note = "every prompt has one, once"
    elif not any(begins):
        note = "the tokenizer has one and does not add it by itself; prompts go without"
    else:
        note = f"{sum(begins)} of {counted(len(begins), 'prompt')} have one"
    return Finding("beginning token", "", None, None, note)
