"""Rows are the states that the model has, whatever the batch, the padding and the order of the prompts."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import tiny as tiny_models
from likewise.errors import InputError
from likewise.extraction import extract
from likewise.extraction.ways import ALONE, batches
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.models.layers import find_blocks
from likewise.prompts import DatasetSpec, Prompts, load_prompts
from likewise.store import Parts

ARCHITECTURES = ["llama", "gpt_neox", "bloom", "opt", "gpt2"]
REAL = "smollm2-135m-instruct"


@pytest.fixture(scope="module", params=ARCHITECTURES)
def loaded(request: pytest.FixtureRequest, tiny: Callable[..., Path]) -> LoadedModel:
    return load_model(ModelSpec(model=str(tiny(request.param))), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    """Prompts of very different lengths, in no order of length."""
    probes = load_prompts(DatasetSpec(name="commonsense-probes", source="commonsense-probes"))
    texts = [" ".join(probes.texts[i : i + 1 + i % 3]) for i in range(0, 24, 2)] + ["Short."]
    return Prompts("mixed", tuple(f"p{i}" for i in range(len(texts))), tuple(texts), "{{ text }}")


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two rows, relative to the row's length."""
    return float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max())


def alone(loaded: LoadedModel, prompts: Prompts, layers: Sequence[str]) -> dict[str, np.ndarray]:
    """Every prompt by itself, without padding: the reference."""
    return dict(extract(loaded, prompts, layers, "last_token", way=ALONE))


LAYERS = ["embedding", "1", "2", "last"]
more = pytest.mark.long("runs a real model on its prompts four times more")


@pytest.fixture(scope="module")
def reference(loaded: LoadedModel, prompts: Prompts) -> dict[str, np.ndarray]:
    return alone(loaded, prompts, LAYERS)


@pytest.mark.parametrize(
    "batch_tokens", [150, *(pytest.param(n, marks=pytest.mark.long("another size of batches")) for n in (1, 5000))]
)
@pytest.mark.parametrize("padding_side", ["left", "right"])
def test_rows_do_not_depend_on_batch_or_padding(
    loaded: LoadedModel, prompts: Prompts, reference: dict[str, np.ndarray], batch_tokens: int, padding_side: str
) -> None:
    rows = extract(loaded, prompts, LAYERS, "last_token", batch_tokens=batch_tokens, padding_side=padding_side)
    assert {layer: relative(rows[layer], reference[layer]) < 1e-4 for layer in LAYERS} == dict.fromkeys(LAYERS, True)


def test_rows_follow_the_order_of_the_prompts(loaded: LoadedModel, prompts: Prompts) -> None:
    order = np.random.default_rng(0).permutation(len(prompts.ids))
    shuffled = Prompts("mixed", tuple(prompts.ids[i] for i in order), tuple(prompts.texts[i] for i in order), "")
    rows = extract(loaded, prompts, ["last"], "last_token", batch_tokens=150)["last"]
    assert relative(extract(loaded, shuffled, ["last"], "last_token", batch_tokens=150)["last"], rows[order]) < 1e-4


def test_different_prompts_have_different_rows(loaded: LoadedModel, prompts: Prompts) -> None:
    """What the tolerances above are worth: two prompts differ by far more."""
    rows = extract(loaded, prompts, ["last"], "last_token")["last"]
    assert relative(np.roll(rows, 1, axis=0), rows) > 1e-2


@pytest.mark.model
@pytest.mark.xdist_group("real")  # loaded in one process
@pytest.mark.parametrize(
    "ways", [[(150, "left")], pytest.param([(1, "right"), (5000, "left"), (5000, "right")], marks=more)]
)
def test_rows_of_a_real_model_do_not_depend_on_batch_padding_or_order(
    prompts: Prompts, ways: list[tuple[int, str]]
) -> None:
    loaded = load_model(ModelSpec(model=REAL), device="cpu", dtype="float32")
    some = [11, 0, 5, 12]
    few = Prompts("few", tuple(prompts.ids[i] for i in some), tuple(prompts.texts[i] for i in some), "")
    expected = alone(loaded, few, LAYERS)
    for batch_tokens, side in ways:
        rows = extract(loaded, few, LAYERS, "last_token", batch_tokens=batch_tokens, padding_side=side)
        assert {layer: relative(rows[layer], expected[layer]) < 1e-4 for layer in LAYERS} == dict.fromkeys(LAYERS, True)
        assert relative(np.roll(rows["last"], 1, axis=0), rows["last"]) > 1e-2


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_last_is_what_the_output_head_reads(tiny: Callable[..., Path], prompts: Prompts, architecture: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    folder = tiny(architecture)
    whole = AutoModelForCausalLM.from_pretrained(folder).eval()
    read: list[torch.Tensor] = []
    whole.get_output_embeddings().register_forward_pre_hook(lambda head, args: read.append(args[0]))
    loaded = load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")
    rows = extract(loaded, prompts, ["last"], "last_token")["last"]
    with torch.inference_mode():
        for text in prompts.texts:
            whole(torch.tensor([loaded.tokenizer(text)["input_ids"]]))
    assert relative(rows, torch.cat([r[:, -1] for r in read]).numpy()) < 1e-5


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_layer_k_is_the_stream_after_block_k(tiny: Callable[..., Path], prompts: Prompts, architecture: str) -> None:
    """Against the library's own hidden states, whose entry 0 is the embedding and whose last one may be normed."""
    import torch

    loaded = load_model(ModelSpec(model=str(tiny(architecture))), device="cpu", dtype="float32")
    names = ["embedding", "1", "2"]
    rows = extract(loaded, prompts, names, "last_token")
    assert len(find_blocks(loaded.model)) == tiny_models.BLOCKS
    for i, text in enumerate(prompts.texts):
        ids = torch.tensor([loaded.tokenizer(text)["input_ids"]])
        with torch.inference_mode():
            states = loaded.model(ids, output_hidden_states=True).hidden_states
        for k, name in enumerate(names):
            np.testing.assert_allclose(rows[name][i], states[k][0, -1].numpy(), rtol=1e-4, atol=1e-5)


def test_last_comes_after_the_final_norm(tiny: Callable[..., Path], prompts: Prompts) -> None:
    import torch

    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    rows = extract(loaded, prompts, [str(tiny_models.BLOCKS), "last"], "last_token")
    with torch.inference_mode():
        normed = loaded.model.norm(torch.from_numpy(rows[str(tiny_models.BLOCKS)])).numpy()
    assert relative(rows["last"], normed) < 1e-5
    assert relative(rows["last"], rows[str(tiny_models.BLOCKS)]) > 1e-2


@pytest.mark.parametrize("padding_side", ["left", "right"])
@pytest.mark.parametrize("pooling", ["first_token", "mean"])
def test_poolings_see_real_tokens_only(
    tiny: Callable[..., Path], prompts: Prompts, pooling: str, padding_side: str
) -> None:
    import torch

    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    rows = extract(loaded, prompts, ["last"], pooling, padding_side=padding_side)["last"]
    for i, text in enumerate(prompts.texts):
        with torch.inference_mode():
            states = loaded.model(torch.tensor([loaded.tokenizer(text)["input_ids"]])).last_hidden_state[0]
        expected = states.mean(0) if pooling == "mean" else states[0]
        np.testing.assert_allclose(rows[i], expected.numpy(), rtol=1e-4, atol=1e-5)


def test_head_is_never_run(tiny: Callable[..., Path]) -> None:
    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    assert loaded.model.get_output_embeddings() is None


def test_interrupted_extraction_goes_on_and_ends_equal(
    tiny: Callable[..., Path], prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["likewise.extraction.rows"], "SECONDS_BETWEEN_PARTS", 0.0)
    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    undisturbed = extract(loaded, prompts, LAYERS, "last_token", batch_tokens=150)
    told: list[tuple[int, int]] = []

    def stop_halfway(label: str, done: int, total: int) -> None:
        told.append((done, total))
        if done > total / 2:
            raise KeyboardInterrupt

    parts = Parts(tmp_path / "parts")
    with pytest.raises(KeyboardInterrupt):
        extract(loaded, prompts, LAYERS, "last_token", batch_tokens=150, into=parts.layer, watch=stop_halfway)
    kept = told[-1][0]
    told.clear()
    resumed = extract(
        loaded, prompts, LAYERS, "last_token", batch_tokens=150, into=parts.layer, watch=lambda _, *a: told.append(a)
    )
    assert told[0][0] == kept > 0
    assert told[-1][0] == told[-1][1]
    assert {k: v.tobytes() for k, v in resumed.items()} == {k: v.tobytes() for k, v in undisturbed.items()}


def test_part_that_was_cut_short_is_made_again(tiny: Callable[..., Path], prompts: Prompts, tmp_path: Path) -> None:
    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    parts = Parts(tmp_path)
    extract(loaded, prompts, ["last"], "last_token", into=parts.layer)
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    rows = extract(loaded, prompts, ["last"], "last_token", into=parts.layer)["last"]
    assert relative(rows, extract(loaded, prompts, ["last"], "last_token")["last"]) == 0


def test_prompt_longer_than_the_model_takes_is_refused(tiny: Callable[..., Path]) -> None:
    loaded = load_model(ModelSpec(model=str(tiny("opt"))), device="cpu", dtype="float32")
    with pytest.raises(InputError, match="prompt 'long' has .* tokens and the model takes 256"):
        extract(loaded, Prompts("x", ("long",), ("word " * 2000,), ""), ["last"], "last_token")


def test_unknown_block_is_refused(tiny: Callable[..., Path], prompts: Prompts) -> None:
    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    with pytest.raises(InputError, match="layer 9 of a model with 3 blocks"):
        extract(loaded, prompts, ["9"], "last_token")


def test_batches_keep_within_the_budget_and_lose_nothing() -> None:
    lengths = np.random.default_rng(0).integers(1, 50, size=200).tolist()
    made = batches(lengths, 120)
    assert sorted(i for batch in made for i in batch) == list(range(200))
    assert max(len(batch) * max(lengths[i] for i in batch) for batch in made) <= 120
    assert sum(len(b) * max(lengths[i] for i in b) for b in made) < 1.1 * sum(lengths)
