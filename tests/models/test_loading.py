"""Models are found by name, refused where they would run code, and explained where they cannot be had."""

import gc
import importlib.util
import json
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import tiny as tiny_models
from likewise.errors import InputError, MissingDependencyError, ModelError
from likewise.extraction import extract
from likewise.libraries import cache_folder
from likewise.models import ModelSpec, canonical_variant, load_model
from likewise.models.gguf import converted
from likewise.models.spec import locate
from likewise.models.variants import weight_matrices
from likewise.prompts import Prompts
from tiny import SPARSE
from tiny_tokenizers import VOCABULARY, tokenizer


def weights(folder: Path, variant: str | None) -> dict[str, torch.Tensor]:
    spec = ModelSpec(model=str(folder), variant=canonical_variant(variant))
    return {k: v.detach().clone() for k, v in load_model(spec, device="cpu", dtype="float32").model.named_parameters()}


def last(spec: ModelSpec, **how: Any) -> torch.Tensor:
    """The last states of three prompts, after loading."""
    loaded = load_model(spec, **{"device": "cpu", "dtype": "float32", **how})
    prompts = Prompts("three", ("a", "b", "c"), ("Yes.", "The trophy does not fit.", "Why not, after all?"), "")
    return torch.from_numpy(extract(loaded, prompts, ["last"], "last_token")["last"])


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to


def test_a_typing_error_is_answered_by_the_nearest_name() -> None:
    with pytest.raises(InputError, match='unknown model .*did you mean "smollm2-135m-instruct"'):
        locate("smollm2-135m-instuct")


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c"])
def test_a_path_that_is_not_there_is_not_taken_for_a_hub_id(name: str) -> None:
    with pytest.raises(InputError, match="a folder or a .gguf file that exists"):
        locate(name)


def test_a_folder_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no config.json"):
        locate(str(tmp_path))


def test_pickled_weights_are_refused_unless_asked_for(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = tiny_models.save_tiny(tmp_path / "pickled", safe=False)
    with pytest.raises(ModelError, match="pickled weights .* are refused .* set pickled_weights: true"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")
    allowed = ModelSpec(model=str(folder), pickled_weights=True)
    assert torch.equal(last(allowed), last(ModelSpec(model=str(tiny("llama")))))
    before = allowed.identity()
    torch.save({}, folder / "pytorch_model.bin")
    assert allowed.identity() != before


def test_a_pickle_that_holds_code_is_not_run(tmp_path: Path) -> None:
    folder = tiny_models.save_tiny(tmp_path / "pickled", safe=False)

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"embed_tokens.weight": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="holds more than tensors, and was not read"):
        load_model(ModelSpec(model=str(folder), pickled_weights=True), device="cpu", dtype="float32")
    assert not (tmp_path / "ran").exists()


def test_code_of_a_repository_is_not_run_unless_asked_for(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = copied(tiny("llama"), tmp_path / "own-code")
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w').close()\nclass OwnConfig: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own-type", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModel": "own.OwnModel"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="remote_code: true"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")
    assert not ran.exists()


def test_unreachable_hub_says_what_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="owner/no-such-model could not be loaded .*folder or .gguf"):
        load_model(ModelSpec(model="owner/no-such-model"), device="cpu", dtype="float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_missing_cuda_is_said(tiny: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="torch finds no CUDA device"):
        load_model(ModelSpec(model=str(tiny())), device="cuda", dtype="float32")


def test_identity_follows_the_content_of_the_files(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    same = copied(tiny("llama"), tmp_path / "copy")
    first, copy = ModelSpec(model=str(tiny("llama"))), ModelSpec(model=str(same))
    assert first.identity() == copy.identity() != ModelSpec(model=str(tiny("llama", 1))).identity()
    assert copy.size() == {"width": tiny_models.WIDTH, "blocks": tiny_models.BLOCKS}


def test_weights_that_are_cut_short_are_said(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = copied(tiny("llama"), tmp_path / "cut")
    weights_file = folder / "model.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:-1000])
    with pytest.raises(ModelError, match="weights file of .*cut is cut short or damaged"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")


def test_weights_that_are_missing_are_not_drawn_at_random(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = copied(tiny("llama"), tmp_path / "lacking")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacking lacks 1 of its weights, such as layers\.1\.mlp\.up_proj\.weight"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")


@pytest.mark.long("a model of a family of its own, made and loaded twice")
def test_weights_whose_names_are_known_with_the_head_alone_are_found(tmp_path: Path) -> None:
    """The library's bare DeepSeek-V4 looks for some of them under other names than its files have."""
    fields = {**SPARSE, "num_key_value_heads": 2, "num_local_experts": 4, "sliding_window": 8}
    saved = transformers.DeepseekV4ForCausalLM(transformers.DeepseekV4Config(vocab_size=VOCABULARY, **fields)).eval()
    with torch.no_grad():
        saved.model.norm.weight += torch.randn_like(saved.model.norm.weight)
    saved.save_pretrained(tmp_path)
    tokenizer("t5").save_pretrained(tmp_path)
    for head in (False, True):
        loaded = load_model(ModelSpec(model=str(tmp_path)), device="cpu", dtype="float32", head=head)
        assert (loaded.head_model is not None) is head
        assert torch.equal(loaded.model.norm.weight, saved.model.norm.weight)


@pytest.mark.parametrize("left", [[], ["tokenizer_config.json"]])
def test_a_folder_without_tokenizer_is_refused(tmp_path: Path, tiny: Callable[..., Path], left: list[str]) -> None:
    folder = copied(tiny("llama"), tmp_path / "mute")
    for file in folder.glob("*token*"):
        if file.name not in left:
            file.unlink()
    with pytest.raises(ModelError, match="mute has no tokenizer; expected a file such as tokenizer.json"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")


def test_an_unknown_type_of_model_is_said(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = copied(tiny("llama"), tmp_path / "novel")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "novel"}))
    with pytest.raises(ModelError, match="novel is of a type that transformers .* does not know"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")


def test_a_tokenizer_without_padding_token_is_enough(tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(tiny("bloom")))
    loaded = load_model(spec, device="cpu", dtype="float32")
    assert loaded.tokenizer.pad_token_id is loaded.tokenizer.eos_token_id is None
    alone = extract(loaded, Prompts("one", ("a",), ("Yes.",), ""), ["last"], "last_token")["last"]
    assert torch.allclose(last(spec)[0], torch.from_numpy(alone)[0], rtol=1e-4, atol=1e-5)


def test_the_head_is_kept_where_it_is_asked_for(tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(tiny("llama")), variant=canonical_variant("reinitialize(seed=5)"))
    assert load_model(spec, device="cpu", dtype="float32").head_model is None
    loaded = load_model(spec, device="cpu", dtype="float32", head=True)
    assert loaded.head_model.model is loaded.model
    ids = loaded.tokenizer("The trophy", return_tensors="pt")["input_ids"]
    written = loaded.head_model.generate(ids, max_new_tokens=4, do_sample=False, pad_token_id=0)
    assert written.shape == (1, ids.shape[1] + 4)
    assert torch.equal(last(spec, head=True), last(spec))


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_a_model_that_generates_nothing_has_no_head_to_keep(tiny: Callable[..., Path], family: str) -> None:
    with pytest.raises(ModelError, match=f"is no causal language model .{family}."):
        load_model(ModelSpec(model=str(tiny(family))), device="cpu", dtype="float32", head=True)


def test_the_model_before_is_gone_before_the_next_is_read(tiny: Callable[..., Path]) -> None:
    """Also where it hangs in a cycle, which nothing but a collection frees."""
    model = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32").model
    model.layers[0].around = [model]
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is not None
        load_model(ModelSpec(model=str(tiny("gpt2"))), device="cpu", dtype="float32")
        assert gone() is None
    finally:
        gc.enable()


def test_a_large_model_may_be_spread_over_what_there_is(tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(tiny("llama")), variant=canonical_variant("noise(sd=0.1)"))
    assert torch.allclose(last(spec, device="auto"), last(spec), rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
@pytest.mark.parametrize(("dtype", "layer", "off"), [("int8", "Linear8bitLt", 0.2), ("int4", "Linear4bit", 2.0)])
def test_quantised_weights_are_near_the_full_ones(
    tiny: Callable[..., Path], dtype: str, layer: str, off: float
) -> None:
    """Four bits of random weights with a wide spread are far from them; they are still of the model."""
    spec = ModelSpec(model=str(tiny("llama")))
    loaded = load_model(spec, device="cpu", dtype=dtype)
    assert type(loaded.model.layers[0].mlp.up_proj).__name__ == layer
    full, packed = last(spec), last(spec, dtype=dtype)
    assert 0 < ((full - packed).norm(dim=1) / full.norm(dim=1)).max() < off


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="needs a place without bitsandbytes")
def test_quantised_weights_need_bitsandbytes(tiny: Callable[..., Path]) -> None:
    with pytest.raises(MissingDependencyError, match=r"bitsandbytes is needed here .*likewise\[quantized\]"):
        load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="int8")


def test_quantised_weights_have_no_variants(tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(tiny("llama")), variant=canonical_variant("noise(sd=0.1)"))
    with pytest.raises(InputError, match=r"noise.* changes weights, and those of int4 are packed; expected a dtype"):
        load_model(spec, device="cpu", dtype="int4")


@pytest.mark.model
def test_gguf_is_converted_once() -> None:
    gguf = locate("smollm2-135m-instruct")
    assert gguf is not None
    folder = converted(gguf)
    assert folder.is_relative_to(cache_folder())
    assert (folder / "model.safetensors").exists()
    assert not list(folder.parent.glob(".unfinished-*"))
    assert ModelSpec(model="smollm2-135m-instruct").size() == {"width": 576, "blocks": 30}


def test_noise_has_the_spread_that_was_asked_for_and_follows_its_seed(tiny: Callable[..., Path]) -> None:
    plain, first = weights(tiny(), None), weights(tiny(), "noise(sd=0.25)")
    again, other = weights(tiny(), "noise(sd=0.25, seed=0)"), weights(tiny(), "noise(sd=0.25, seed=1)")
    changed = [k for k in plain if not torch.equal(plain[k], first[k])]
    assert changed and all(plain[k].ndim == 2 and "embed" not in k for k in changed)
    for k in changed:
        assert (first[k] - plain[k]).std() / plain[k].std() == pytest.approx(0.25, rel=0.1)
        assert torch.equal(first[k], again[k])
        assert not torch.equal(first[k], other[k])


def test_noise_differs_between_matrices_of_one_shape(tiny: Callable[..., Path]) -> None:
    plain, noisy = weights(tiny(), None), weights(tiny(), "noise(sd=0.25)")
    gate, up = (
        (noisy[k] - plain[k]) / plain[k].std() for k in ("layers.0.mlp.gate_proj.weight", "layers.0.mlp.up_proj.weight")
    )
    assert not torch.allclose(gate, up, atol=0.1)


def test_prune_zeroes_the_smallest(tiny: Callable[..., Path]) -> None:
    plain, pruned = weights(tiny(), None), weights(tiny(), "prune(fraction=0.3)")
    k = "layers.0.mlp.up_proj.weight"
    gone = pruned[k] == 0
    assert gone.float().mean() == pytest.approx(0.3, abs=0.01)
    assert plain[k][gone].abs().max() <= plain[k][~gone].abs().min()
    assert torch.equal(plain[k][~gone], pruned[k][~gone])


def test_quantize_leaves_that_many_levels_and_errs_by_half_a_step(tiny: Callable[..., Path]) -> None:
    plain, coarse = weights(tiny(), None), weights(tiny(), "quantize(bits=3)")
    k = "layers.0.mlp.up_proj.weight"
    for before, after in zip(plain[k], coarse[k], strict=True):
        assert len(after.unique()) <= 7
        assert (before - after).abs().max() <= before.abs().max() / 3 / 2 * 1.001


def test_reinitialized_shares_nothing_and_follows_its_seed(tiny: Callable[..., Path]) -> None:
    trained = tiny("llama", 1)  # of another seed than 0, which would give these very weights
    plain, fresh = weights(trained, None), weights(trained, "reinitialize")
    again = weights(trained, "reinitialize(seed=0)")
    assert {k: v.shape for k, v in plain.items()} == {k: v.shape for k, v in fresh.items()}
    matrix = "layers.1.self_attn.q_proj.weight"
    assert abs(torch.corrcoef(torch.stack([plain[matrix].flatten(), fresh[matrix].flatten()]))[0, 1]) < 0.1
    assert all(torch.equal(fresh[k], again[k]) for k in fresh)


def test_variants_leave_embeddings_and_norms(tiny: Callable[..., Path]) -> None:
    model = load_model(ModelSpec(model=str(tiny("gpt2"))), device="cpu", dtype="float32").model
    touched = {w.data_ptr() for w in weight_matrices(model)}
    assert touched
    assert not touched & {p.data_ptr() for n, p in model.named_parameters() if "wte" in n or "wpe" in n or "ln" in n}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nosie(sd=0.1)", 'unknown variant .*did you mean "noise"'),
        ("noise(std=0.1)", 'no parameter .*did you mean "sd"'),
        ("noise", "noise needs sd"),
        ('noise(sd="much")', "expected a number"),
        ("prune(fraction=2)", "at least 0 and below 1"),
        ("quantize(bits=1)", "from 2 to 16"),
        ("noise(sd=-1)", "expected 0 or more"),
    ],
)
def test_wrong_variants_are_explained(tiny: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_model(ModelSpec(model=str(tiny()), variant=canonical_variant(text)), device="cpu", dtype="float32")
