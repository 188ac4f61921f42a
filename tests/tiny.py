"""Tiny random models with a small trained tokenizer, saved to disk and loaded through the real path."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VOCABULARY = 400
WIDTH = 32
BLOCKS = 3


def configs() -> dict[str, Any]:
    """The config of each architecture by name, each with its own way of positions, norms and residual streams."""
    import transformers as t

    # A large spread of the weights, so that a mistake in padding or positions shows in the states.
    common = {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "initializer_range": 0.2}
    heads = {"num_attention_heads": 4}
    return {
        "llama": t.LlamaConfig(**common, **heads, intermediate_size=64, num_key_value_heads=2),
        "gpt_neox": t.GPTNeoXConfig(**common, **heads, intermediate_size=64, max_position_embeddings=2048),
        "bloom": t.BloomConfig(
            vocab_size=VOCABULARY, hidden_size=WIDTH, n_layer=BLOCKS, n_head=4, initializer_range=0.2
        ),
        "opt": t.OPTConfig(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            num_hidden_layers=BLOCKS,
            num_attention_heads=4,
            ffn_dim=64,
            word_embed_proj_dim=WIDTH,
            max_position_embeddings=256,
            init_std=0.2,
        ),
        "gpt2": t.GPT2Config(
            vocab_size=VOCABULARY, n_embd=WIDTH, n_layer=BLOCKS, n_head=4, n_positions=256, initializer_range=0.2
        ),
    }


def save_tiny(folder: Path, architecture: str = "llama", *, seed: int = 0, safe: bool = True) -> Path:
    """Save a causal language model with its head, as people do, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(configs()[architecture])
    if safe:
        model.save_pretrained(folder)
    else:
        folder.mkdir(parents=True)
        model.config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    tokenizer().save_pretrained(folder)
    return folder


def tokenizer() -> Any:
    """A byte-level tokenizer, trained on the package's own prompts, without a padding token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from likewise.extract.datasets import probes

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train_from_iterator((p["sentence"] for p in probes()), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=trained)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return the folder of a tiny model, made once for each architecture and seed."""
    root = tmp_path_factory.mktemp("models")

    def make(architecture: str = "llama", seed: int = 0) -> Path:
        folder = root / f"{architecture}-{seed}"
        return folder if folder.exists() else save_tiny(folder, architecture, seed=seed)

    return make


@pytest.fixture
def experiment(tiny: Callable[..., Path]) -> dict[str, Any]:
    """An experiment that takes seconds: two tiny models, a variant and an inner layer on two small data sets."""
    first = str(tiny("llama", 0))
    return {
        "name": "small",
        "models": [
            {"model": first, "name": "first", "layers": ["2", "last"]},
            {"model": first, "name": "noisy", "variant": "noise(sd=0.1)"},
            {"model": str(tiny("gpt_neox", 1)), "name": "other"},
        ],
        "datasets": [{"source": "commonsense-probes", "limit": 24}, {"source": "humaneval", "limit": 14}],
        "measures": ["paper"],
        "statistics": {"permutations": 5, "seed": 3},
    }
