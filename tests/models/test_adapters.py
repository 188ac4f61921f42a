"""An adapter is its base model with changed weights; what is missing of either is said."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from likewise.errors import InputError, ModelError
from likewise.extraction import extract
from likewise.models import ModelSpec, load_model
from likewise.plan import Experiment
from likewise.prompts import Prompts
from tiny import BLOCKS, WIDTH

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

TASKS = {
    "llama": ("CAUSAL_LM", "AutoModelForCausalLM", ["q_proj", "down_proj"]),
    "t5": ("SEQ_2_SEQ_LM", "T5ForConditionalGeneration", ["q", "wo"]),
    "bert": ("FEATURE_EXTRACTION", "AutoModel", ["query", "value"]),
}
"""Of each family: the task, the class that is changed, the names of the matrices."""

TEXT = "The trophy does not fit into the suitcase."


def make_adapter(base: Path, folder: Path, family: str = "llama") -> Any:
    """Save an adapter that changes much, and return its model as it was when it was saved."""
    task, kind, modules = TASKS[family]
    model = getattr(transformers, kind).from_pretrained(base)
    torch.manual_seed(3)
    # Without initialisation both factors are random, so that the adapter is no identity.
    config = peft.LoraConfig(r=4, target_modules=modules, task_type=task, init_lora_weights=False)
    made = peft.get_peft_model(model, config).eval()
    made.save_pretrained(folder)
    return made


@pytest.fixture
def adapter(tmp_path: Path, tiny: Callable[..., Path]) -> Path:
    """An adapter of the tiny llama."""
    make_adapter(tiny("llama"), tmp_path / "adapter")
    return tmp_path / "adapter"


def change(folder: Path, **fields: Any) -> None:
    """Change fields of an adapter's config."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def load(folder: Path, **fields: Any) -> Any:
    return load_model(ModelSpec(model=str(folder), **fields), device="cpu", dtype="float32")


def last(loaded: Any) -> np.ndarray:
    return extract(loaded, Prompts("one", ("p",), (TEXT,), ""), ["last"], "last_token")["last"][0]


@pytest.mark.parametrize("family", TASKS)
def test_an_adapter_is_its_base_with_changed_weights(tmp_path: Path, tiny: Callable[..., Path], family: str) -> None:
    made = make_adapter(tiny(family), tmp_path / "adapter", family)
    loaded = load(tmp_path / "adapter")
    ids = torch.tensor([loaded.tokenizer(TEXT)["input_ids"]])
    part = made.base_model.model
    part = {"llama": lambda: part.model, "t5": lambda: part.encoder, "bert": lambda: part}[family]()
    with torch.inference_mode():
        expected = part(input_ids=ids).last_hidden_state[0, -1].numpy()
    np.testing.assert_allclose(last(loaded), expected, rtol=1e-3, atol=1e-4)
    assert np.linalg.norm(expected - last(load(tiny(family)))) > 0.1 * np.linalg.norm(expected)
    assert not [name for name, _ in loaded.model.named_modules() if "lora" in name]
    assert ModelSpec(model=str(tmp_path / "adapter")).size() == {"width": WIDTH, "blocks": BLOCKS}


def test_a_base_that_is_named_stands_before_the_one_of_the_config(adapter: Path, tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(adapter))
    other = ModelSpec(model=str(adapter), base=str(tiny("llama", 1)))
    assert spec.identity() != other.identity()
    assert not np.allclose(last(load(adapter)), last(load(adapter, base=str(tiny("llama", 1)))))
    change(adapter, base_model_name_or_path="/gone/away")
    assert last(load(adapter, base=str(tiny("llama")))).shape == (WIDTH,)


def test_identity_is_of_the_adapter_and_of_its_base(adapter: Path, tiny: Callable[..., Path]) -> None:
    identity = ModelSpec(model=str(adapter)).identity()
    assert identity["base"] == ModelSpec(model=str(tiny("llama"))).identity()
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file({k: v * 2 for k, v in tensors.items()}, adapter / "adapter_model.safetensors")
    changed = ModelSpec(model=str(adapter)).identity()
    assert changed["weights"] != identity["weights"]
    assert changed["base"] == identity["base"]
    hub = ModelSpec(model="owner/adapter", base=str(tiny("llama"))).identity()
    assert hub["base"] == identity["base"]


def test_the_head_of_an_adapter_is_changed_too(adapter: Path) -> None:
    loaded = load_model(ModelSpec(model=str(adapter)), device="cpu", dtype="float32", head=True)
    assert loaded.head_model.model is loaded.model
    assert type(loaded.head_model).__name__ == "LlamaForCausalLM"
    change(adapter, task_type="FEATURE_EXTRACTION")
    with pytest.raises(ModelError, match="is no causal language model, but an adapter for FEATURE_EXTRACTION"):
        load_model(ModelSpec(model=str(adapter)), device="cpu", dtype="float32", head=True)


def test_an_adapter_on_the_hub_is_read_from_its_commit(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of a hub's cache, as a fetch leaves it."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--owner--adapter"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    shutil.copytree(adapter, repository / "snapshots" / commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    loaded = load_model(ModelSpec(model="owner/adapter"), device="cpu", dtype="float32")
    assert loaded.revision == commit
    np.testing.assert_array_equal(last(loaded), last(load(adapter)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_model_name_or_path": None}, "is an adapter that names no base model; name the model with base:"),
        (
            {"base_model_name_or_path": "/gone/away"},
            "of the base model '/gone/away', which was not found .* with base:",
        ),
        ({"task_type": "SEQ_CLS"}, "is for the task SEQ_CLS; expected one of CAUSAL_LM"),
        ({"target_modules": ["q_proj", "up_proj"]}, "does not fit its base model: it lacks weights"),
    ],
)
def test_what_is_wrong_with_an_adapter_is_said(adapter: Path, fields: dict[str, Any], message: str) -> None:
    change(adapter, **fields)
    with pytest.raises(ModelError, match=message):
        load(adapter)


def test_a_base_on_the_hub_that_cannot_be_had_is_said(adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    change(adapter, base_model_name_or_path="owner/no-such-model")
    with pytest.raises(ModelError, match="owner/no-such-model could not be loaded") as caught:
        load(adapter)
    assert "the base model of the adapter" in caught.value.__notes__[0]


def test_an_adapter_in_a_pickle_is_refused_unless_asked_for(adapter: Path) -> None:
    expected = last(load(adapter))
    torch.save(load_file(adapter / "adapter_model.safetensors"), adapter / "adapter_model.bin")
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="has its weights in a pickle .* is refused; .* pickled_weights: true"):
        load(adapter)
    np.testing.assert_array_equal(last(load(adapter, pickled_weights=True)), expected)
    (adapter / "adapter_model.bin").unlink()
    with pytest.raises(ModelError, match="has no weights; expected adapter_model.safetensors"):
        load(adapter)


def test_an_adapter_that_changes_the_input_only_is_refused(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny("llama"))
    made = peft.get_peft_model(model, peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2))
    made.save_pretrained(tmp_path / "prompt")
    with pytest.raises(ModelError, match="is of the type PROMPT_TUNING, which is no change of weights"):
        load(tmp_path / "prompt")


def test_a_model_and_an_adapter_in_one_folder_are_refused(adapter: Path, tiny: Callable[..., Path]) -> None:
    shutil.copy(tiny("llama") / "config.json", adapter)
    with pytest.raises(ModelError, match="holds a model and an adapter, .*; expected a folder for each"):
        load(adapter)


def test_an_adapter_of_an_adapter_is_refused(adapter: Path, tmp_path: Path) -> None:
    second = Path(shutil.copytree(adapter, tmp_path / "second"))
    with pytest.raises(ModelError, match="the base model .* of the adapter .* is itself an adapter"):
        load(second, base=str(adapter))


def test_a_base_for_what_is_no_adapter_is_refused(tiny: Callable[..., Path]) -> None:
    spec = ModelSpec(model=str(tiny("llama")), base=str(tiny("llama", 1)))
    with pytest.raises(InputError, match=r"is no adapter \(it has no adapter_config.json\), and base: .* was given"):
        spec.identity()
    with pytest.raises(InputError, match="is no adapter"):
        load_model(spec, device="cpu", dtype="float32")


def test_an_adapter_is_not_merged_into_packed_weights(adapter: Path) -> None:
    with pytest.raises(InputError, match="merged into its base model's weights, and those of int8 are packed"):
        load_model(ModelSpec(model=str(adapter)), device="cpu", dtype="int8")


def test_experiments_name_adapters_beside_them(adapter: Path, tiny: Callable[..., Path], tmp_path: Path) -> None:
    shutil.copytree(tiny("llama"), tmp_path / "base")
    (tmp_path / "mine.yaml").write_text(
        "models:\n- {model: adapter, base: base, pickled_weights: true}\n- base\ndatasets: [commonsense-probes]\n"
    )
    first, second = Experiment.read(tmp_path / "mine.yaml").models
    assert first.spec == ModelSpec(model=str(adapter), base=str(tmp_path / "base"), pickled_weights=True)
    assert second.spec == ModelSpec(model=str(tmp_path / "base"))
