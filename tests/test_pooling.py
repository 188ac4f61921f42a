"""Poolings beside their definitions in words, token by token; padding never counts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import InputError, ModelError
from likewise.extraction import extract
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.pooling import POOLINGS, canonical_pooling, pool
from likewise.prompts import DatasetSpec, Prompts, load_prompts

DEFINITIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "last_token": lambda s: s[-1],
    "first_token": lambda s: s[0],
    "mean": lambda s: sum(s) / len(s),
    "mean_sqrt_length": lambda s: sum(s) / len(s) ** 0.5,
    "position_weighted_mean": lambda s: sum((i + 1) * row for i, row in enumerate(s)) / (len(s) * (len(s) + 1) / 2),
    "max": lambda s: np.stack([max(column) for column in s.T]),
    "last_k(k=3)": lambda s: sum(s[-3:]) / len(s[-3:]),
    "generated(k=2)": lambda s: sum(s) / len(s),
    "mean(skip=2)": lambda s: sum(s[2:]) / len(s[2:]) if len(s) > 2 else sum(s) / len(s),
    "mean(normalized=True)": lambda s: sum(s) / np.linalg.norm(sum(s)),
    "last_k(k=3, normalized=True)": lambda s: sum(s[-3:]) / np.linalg.norm(sum(s[-3:])),
}


def test_every_pooling_has_a_definition() -> None:
    assert {name.partition("(")[0] for name in DEFINITIONS} == set(POOLINGS)


@given(
    masks=st.lists(st.lists(st.integers(0, 1), min_size=7, max_size=7), min_size=1, max_size=4),
    hole=st.sampled_from([float("nan"), 1e30]),
)
def test_rows_are_of_their_own_tokens_only(masks: list[list[int]], hole: float) -> None:
    """Several rows of one prompt, with tokens anywhere; what no row holds may be anything."""
    mask = np.asarray([m if any(m) else [1, *m[1:]] for m in masks])
    states = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    spoilt = np.where(mask.any(0)[:, None], states, hole).astype(np.float32)
    for pooling, define in DEFINITIONS.items():
        rows = pool(pooling, torch.from_numpy(spoilt[None]), torch.from_numpy(mask[None])).numpy()[0]
        for row, places in zip(rows, mask, strict=True):
            np.testing.assert_allclose(row, define(states[places.astype(bool)]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        ("lst_token", 'unknown pooling .*did you mean "last_token"'),
        ("last_k", "last_k needs k"),
        ("last_k(k=0)", "expected 1 or more"),
        ("last_k(n=3)", "last_k has no parameter 'n'"),
        ("mean(skip=0)", "expected 1 or more"),
        ("mean(k=3)", "mean has no parameter 'k'"),
        ("mean(normalized=1)", r"mean\(normalized=1\): expected true or false"),
        ("last_k(k=0, normalized=true)", "expected 1 or more"),
    ],
)
def test_wrong_poolings_are_explained(pooling: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        canonical_pooling(pooling)


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    return load_prompts(DatasetSpec(name="commonsense-probes", source="commonsense-probes", limit=9))


@pytest.fixture(scope="module")
def loaded(tiny: Callable[..., Path]) -> LoadedModel:
    return load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32", head=True)


@pytest.mark.parametrize("padding_side", ["left", "right"])
@pytest.mark.parametrize("pooling", [p for p in DEFINITIONS if "generated" not in p])
def test_padding_never_counts(loaded: LoadedModel, prompts: Prompts, pooling: str, padding_side: str) -> None:
    rows = extract(loaded, prompts, ["last"], pooling, padding_side=padding_side)["last"]
    for row, text in zip(rows, prompts.texts, strict=True):
        with torch.inference_mode():
            states = loaded.model(torch.tensor([loaded.tokenizer(text)["input_ids"]])).last_hidden_state[0].numpy()
        np.testing.assert_allclose(row, DEFINITIONS[pooling](states), rtol=1e-4, atol=1e-5)


def test_generated_is_the_mean_of_the_likeliest_tokens(loaded: LoadedModel, prompts: Prompts) -> None:
    """Against a loop that adds one token after the other, without batches, caches or padding."""
    rows = extract(loaded, prompts, ["1", "last"], "generated(k=4)", batch_tokens=200)
    for i, text in enumerate(prompts.texts):
        ids = loaded.tokenizer(text)["input_ids"]
        whole = list(ids)
        with torch.inference_mode():
            for _ in range(4):
                whole.append(int(loaded.head_model(torch.tensor([whole])).logits[0, -1].argmax()))
            states = loaded.model(torch.tensor([whole]), output_hidden_states=True)
        expected = {"1": states.hidden_states[1], "last": states.last_hidden_state}
        for layer, of_all in expected.items():
            np.testing.assert_allclose(rows[layer][i], of_all[0, len(ids) :].mean(0).numpy(), rtol=1e-4, atol=1e-5)


def test_generated_ends_where_the_text_ends(loaded: LoadedModel, prompts: Prompts) -> None:
    one = Prompts("one", prompts.ids[:1], prompts.texts[:1], "")
    ids = loaded.tokenizer(one.texts[0])["input_ids"]
    first = int(loaded.head_model(torch.tensor([ids])).logits[0, -1].argmax())
    config = loaded.head_model.generation_config
    before, config.eos_token_id = config.eos_token_id, first
    try:
        row = extract(loaded, one, ["last"], "generated(k=4)")["last"][0]
    finally:
        config.eos_token_id = before
    with torch.inference_mode():
        states = loaded.model(torch.tensor([[*ids, first]])).last_hidden_state[0, -1].numpy()
    np.testing.assert_allclose(row, states, rtol=1e-4, atol=1e-5)


def test_generated_needs_the_head(tiny: Callable[..., Path], prompts: Prompts) -> None:
    headless = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    with pytest.raises(ModelError, match=r"what a model adds needs its output head"):
        extract(headless, prompts, ["last"], "generated(k=2)")
