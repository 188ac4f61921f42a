"""Models are found by name, refused where they would run code, and explained where they cannot be had."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import tiny as tiny_models
from likewise.errors import InputError, ModelError
from likewise.extract import ModelSpec, canonical_variant, load_model
from likewise.extract.models import cache_folder, converted, locate
from likewise.extract.variants import weight_matrices


def weights(folder: Path, variant: str | None) -> dict[str, torch.Tensor]:
    spec = ModelSpec(model=str(folder), variant=canonical_variant(variant))
    return {k: v.detach().clone() for k, v in load_model(spec, device="cpu", dtype="float32").model.named_parameters()}


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


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = tiny_models.save_tiny(tmp_path / "pickled", safe=False)
    with pytest.raises(ModelError, match="pickled weights .* are refused"):
        load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32")


def test_code_of_a_repository_is_not_run_unless_asked_for(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = tmp_path / "own-code"
    folder.mkdir()
    for file in tiny("llama").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
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
    with pytest.raises(InputError, match="torch sees no CUDA device"):
        load_model(ModelSpec(model=str(tiny())), device="cuda", dtype="float32")


def test_identity_follows_the_content_of_the_files(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    same = tmp_path / "copy"
    same.mkdir()
    for file in tiny("llama").iterdir():
        (same / file.name).write_bytes(file.read_bytes())
    first, copy = ModelSpec(model=str(tiny("llama"))), ModelSpec(model=str(same))
    assert first.identity() == copy.identity() != ModelSpec(model=str(tiny("llama", 1))).identity()
    assert copy.size() == {"width": tiny_models.WIDTH, "blocks": tiny_models.BLOCKS}


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
        ('noise(sd="much")', "needed is a number"),
        ("prune(fraction=2)", "at least 0 and below 1"),
        ("quantize(bits=1)", "from 2 to 16"),
        ("noise(sd=-1)", "needed is 0 or more"),
    ],
)
def test_wrong_variants_are_explained(tiny: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_model(ModelSpec(model=str(tiny()), variant=canonical_variant(text)), device="cpu", dtype="float32")
