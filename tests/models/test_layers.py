"""Layers are named in the same way for every model, and their states are read where the names say."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from likewise.errors import InputError, ModelError
from likewise.extraction import extract
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.models.layers import canonical_layer, find_blocks, needs_blocks, resolve_layers
from likewise.prompts import Prompts

PROMPTS = Prompts("two", ("a", "b"), ("The lid did not fit on the jar.", "Short."), "")


@pytest.fixture(scope="module")
def loaded(tiny: Callable[..., Path]) -> LoadedModel:
    return load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["last"], ["last"]),
        (["all"], ["embedding", "1", "2", "3", "4", "5", "6", "7", "8", "last"]),
        ([-1, 1, -8], ["8", "1"]),
        ([0.5, "0.25", 1.0, 0.0], ["4", "2", "8", "embedding"]),
        (["2..4", "3 .. 8 .. 2", "-2..-1"], ["2", "3", "4", "5", "7", "8"]),
        (["layers.3.mlp", "007"], ["layers.3.mlp", "7"]),
    ],
)
def test_names_mean_blocks(given: list[str | int | float], meant: list[str]) -> None:
    assert list(resolve_layers([canonical_layer(g) for g in given], 8)) == meant


def test_half_the_depth_is_half_of_every_model() -> None:
    assert [resolve_layers(["0.5"], blocks)[0] for blocks in (2, 3, 12, 33)] == ["1", "2", "6", "17"]


@pytest.mark.parametrize("name", ["0", "lst", "1.5", "4..", "1..0", "4..8..0", "", "-0", "layers..mlp", "0.5.mlp"])
def test_what_names_no_layer_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="unknown layer"):
        canonical_layer(name)


@pytest.mark.parametrize("name", ["9", "-9", "4..9"])
def test_a_block_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"layer {name} of a model with 8 blocks; expected 1 to 8"):
        resolve_layers([name], 8)


def test_what_needs_the_number_of_blocks_says_so() -> None:
    assert not needs_blocks(["last", "embedding", "3", "layers.3.mlp"])
    assert resolve_layers(["last", "3"], None) == ("last", "3")
    with pytest.raises(InputError, match="layer -1: the number of blocks is unknown"):
        resolve_layers(["last", "-1"], None)


@pytest.mark.parametrize("path", ["layers.1.self_attn", "layers.1.mlp", "layers.2.input_layernorm"])
def test_a_module_is_read_as_a_hook_of_ones_own_reads_it(loaded: LoadedModel, path: str) -> None:
    import torch

    seen = []
    handle = loaded.model.get_submodule(path).register_forward_hook(
        lambda module, args, output: seen.append(output[0] if isinstance(output, tuple) else output)
    )
    with torch.inference_mode():
        for text in PROMPTS.texts:
            loaded.model(torch.tensor([loaded.tokenizer(text)["input_ids"]]))
    handle.remove()
    expected = torch.stack([states[0, -1] for states in seen]).numpy()
    np.testing.assert_allclose(extract(loaded, PROMPTS, [path], "last_token")[path], expected, rtol=1e-4, atol=1e-5)


def test_an_unknown_module_is_answered_by_the_nearest(loaded: LoadedModel) -> None:
    with pytest.raises(InputError, match=r'has no module .layers.1.mpl.; did you mean .*"layers.1.mlp"'):
        extract(loaded, PROMPTS, ["layers.1.mpl"], "last_token")


def test_a_module_without_states_of_tokens_is_refused(loaded: LoadedModel) -> None:
    import torch

    class Flattening(torch.nn.Module):
        """Gives what it is given; a module inside it gives all tokens of a batch in one row."""

        def __init__(self) -> None:
            super().__init__()
            self.inside = torch.nn.Flatten(0, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.inside(x)
            return x

    mlp = loaded.model.layers[1].mlp
    original, mlp.gate_proj = mlp.gate_proj, torch.nn.Sequential(mlp.gate_proj, Flattening())
    try:
        with pytest.raises(ModelError, match=r"expected states of each token: prompts, tokens and features"):
            extract(loaded, PROMPTS, ["layers.1.mlp.gate_proj.1.inside"], "last_token")
    finally:
        mlp.gate_proj = original


def test_blocks_after_the_last_one_that_is_asked_for_do_not_run(loaded: LoadedModel) -> None:
    ran = []
    handles = [
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, block in enumerate(find_blocks(loaded.model), 1)
    ]
    try:
        extract(loaded, PROMPTS, ["embedding", "2"], "last_token")
    finally:
        for handle in handles:
            handle.remove()
    # The reader's own hook, set after these, stops the model.
    assert set(ran) == {1, 2}


def test_hooks_are_taken_off(loaded: LoadedModel) -> None:
    def hooks() -> Iterator[int]:
        return (len(m._forward_hooks) + len(m._forward_pre_hooks) for m in loaded.model.modules())

    before = sum(hooks())
    extract(loaded, PROMPTS, ["1", "layers.1.mlp", "last"], "last_token")
    assert sum(hooks()) == before


@pytest.mark.parametrize("name", ["7..5", "6..-4"])
def test_a_range_without_a_block_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"layer {name} of a model with 8 blocks is none"):
        resolve_layers([name, "last"], 8)


def test_a_module_that_blocks_share_is_read_the_first_time_whatever_else_is_read(loaded: LoadedModel) -> None:
    from transformers import AlbertConfig, AlbertModel

    config = AlbertConfig(
        vocab_size=len(loaded.tokenizer), embedding_size=16, hidden_size=32, num_hidden_layers=3,
        num_attention_heads=4, intermediate_size=64, initializer_range=0.2,
    )  # fmt: skip
    shared = LoadedModel(AlbertModel(config).eval(), loaded.tokenizer, None)
    path = "encoder.albert_layer_groups.0.albert_layers.0.ffn_output"
    alone, beside = (extract(shared, PROMPTS, [path, *more], "mean")[path] for more in ([], ["last"]))
    np.testing.assert_array_equal(alone, beside)
