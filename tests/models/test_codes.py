"""Configs of models and adapters name code, files and modules: none is run or asked for that nobody allowed."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from likewise.errors import ModelError
from likewise.models import ModelSpec, load_model
from likewise.models.loading import _without_kernels
from tiny import make_config

RAN = "ran = open(__file__ + '.ran', 'w')\n"


def change(folder: Path, name: str, **fields: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **fields}))


def load(folder: Path, **fields: Any) -> Any:
    return load_model(ModelSpec(model=str(folder), **fields), device="cpu", dtype="float32")


@pytest.fixture
def model(tmp_path: Path, tiny: Callable[..., Path]) -> Path:
    return Path(shutil.copytree(tiny("llama"), tmp_path / "model"))


@pytest.fixture
def adapter(tmp_path: Path, tiny: Callable[..., Path]) -> Path:
    peft = pytest.importorskip("peft")
    import transformers

    base = transformers.AutoModelForCausalLM.from_pretrained(tiny("llama"))
    torch.manual_seed(0)
    config = peft.LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"], init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between the two libraries
        peft.get_peft_model(base, config).save_pretrained(tmp_path / "adapter")
    change(tmp_path / "adapter", "adapter_config.json", base_model_name_or_path=str(tiny("llama")))
    return tmp_path / "adapter"


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "experts_implementation"])
def test_kernels_that_a_config_names_are_not_fetched(
    model: Path, tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("code was asked for")

    monkeypatch.setattr("transformers.integrations.hub_kernels.get_kernel", fetch)
    plain = load(tiny("llama")).model.config
    for name in ("kernels-community/any", "flash_attention_2", "sonicmoe"):
        change(model, "config.json", **{key: name})
        config = load(model).model.config
        assert config._attn_implementation == plain._attn_implementation
        assert config._experts_implementation == plain._experts_implementation
    change(model, "config.json", **{key: "eager"})
    assert "eager" in (load(model).model.config._attn_implementation, load(model).model.config._experts_implementation)


def test_kernels_of_a_config_within_a_config_are_not_fetched() -> None:
    import transformers

    config = transformers.LlavaConfig(text_config=make_config("llama").to_dict())
    config.text_config._attn_implementation_internal = "kernels-community/any"
    assert _without_kernels(config).text_config._attn_implementation is None


def test_the_tokenizer_of_an_adapter_runs_no_code_and_asks_nobody(
    adapter: Path, tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object) -> str:
        raise AssertionError("it asked on the terminal")

    monkeypatch.setattr("builtins.input", ask)
    for file in tiny("llama").glob("tokenizer*"):
        shutil.copy(file, adapter)
    (adapter / "own.py").write_text(RAN)
    change(
        adapter, "tokenizer_config.json", tokenizer_class="OwnTokenizer",
        auto_map={"AutoTokenizer": ["own.OwnTokenizer", "own.OwnTokenizer"]},
    )  # fmt: skip
    with pytest.raises(ModelError, match="remote_code: true"):
        load(adapter)
    assert not list(adapter.parent.rglob("*.ran"))
    change(adapter, "tokenizer_config.json", auto_map={"AutoTokenizer": ["other/model--own.OwnTokenizer", None]})
    with pytest.raises(ModelError, match="names Python code of another repository"):
        load(adapter, remote_code=True)
    shutil.copy(tiny("llama") / "tokenizer_config.json", adapter)
    assert load(adapter, remote_code=True).tokenizer("The lid")["input_ids"]


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("named", ["other/model--own.Own", ["other/model--own.Own", None]])
def test_code_of_another_repository_was_not_allowed(model: Path, file: str, named: object) -> None:
    change(model, file, auto_map={"AutoConfig": named})
    with pytest.raises(ModelError, match="names Python code of another repository"):
        load(model, remote_code=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"megatron_config": {"x": 1}, "megatron_core": "antigravity"}, "a Python module that it names would be run"),
        (
            {"peft_type": "XLORA", "adapters": {"0": "other/adapter"}},
            "of the type XLORA, which is no change of weights",
        ),
        ({"peft_type": "POLY"}, "of the type POLY, which is no change of weights"),
        ({"peft_type": ["LORA"]}, "which is no change of weights"),
    ],
)
def test_adapters_that_name_modules_or_further_adapters_are_refused(
    adapter: Path, fields: dict[str, Any], message: str
) -> None:
    load(adapter)
    change(adapter, "adapter_config.json", **fields)
    with pytest.raises(ModelError, match=message):
        load(adapter)
