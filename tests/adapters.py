"""Adapters of tiny models, made as people make them."""

import json
import warnings
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

TASKS = {
    "llama": ("CAUSAL_LM", "AutoModelForCausalLM", ["q_proj", "down_proj"]),
    "t5": ("SEQ_2_SEQ_LM", "T5ForConditionalGeneration", ["q", "wo"]),
    "bert": ("FEATURE_EXTRACTION", "AutoModel", ["query", "value"]),
}
"""Of each family: the task, the class that is changed, the names of the matrices."""


def make_adapter(base: Path, folder: Path, family: str = "llama") -> Any:
    """Save an adapter that changes much, and return its model as it was when it was saved."""
    task, kind, modules = TASKS[family]
    model = getattr(transformers, kind).from_pretrained(base)
    torch.manual_seed(3)
    # Without initialisation both factors are random, so that the adapter is no identity.
    config = peft.LoraConfig(r=4, target_modules=modules, task_type=task, init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between the two libraries
        made = peft.get_peft_model(model, config).eval()
    made.save_pretrained(folder)
    return made


def change(folder: Path, **fields: Any) -> None:
    """Change fields of an adapter's config."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
