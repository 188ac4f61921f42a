"""Tiny random models of every family, with small trained tokenizers, saved to disk and loaded through the real path."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tiny_tokenizers import SHARED, TOKENIZERS, VOCABULARY, tokenizer

WIDTH = 32
BLOCKS = 3
POSITIONS = 256

SIZES: dict[str, Any] = {"hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "num_attention_heads": 4}
"""As most configs call them."""


SPARSE: dict[str, Any] = {
    **SIZES,
    "num_key_value_heads": 4,
    "intermediate_size": 64,
    "moe_intermediate_size": 32,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "q_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "head_dim": 8,
    "index_topk": 4,
    "index_n_heads": 2,
    "index_head_dim": 8,
    "max_position_embeddings": POSITIONS,
}
"""Of models with experts and sparse attention, as their configs call them."""


@dataclass(frozen=True)
class Family:
    """A family of models, as it differs from others in what matters here.

    Parameters
    ----------
    title : str
        What the documentation calls it.
    config : str
        The class of its config.
    fields : dict
        What is said to the config beside the size of the vocabulary.
    blocks, reads : str
        Module paths in the model as it is saved: of the list of blocks, and of what reads the last states.
    tokenizer : str
        A name of `TOKENIZERS`.
    saved_as : str
        The class that it is saved by.
    longest : int or None
        Tokens of the longest prompt.
    """

    title: str
    config: str
    fields: dict[str, Any]
    blocks: str
    reads: str = "lm_head"
    tokenizer: str = "bytes"
    saved_as: str = "AutoModelForCausalLM"
    longest: int | None = POSITIONS


def _gated(**fields: Any) -> dict[str, Any]:
    """Fields of the kin of Llama: gated blocks, grouped heads, rotary positions."""
    return {
        **SIZES,
        "intermediate_size": 64,
        "num_key_value_heads": 2,
        "max_position_embeddings": POSITIONS,
        "initializer_range": 0.2,
        **fields,
    }


def _opt(**fields: Any) -> dict[str, Any]:
    return {**SIZES, "ffn_dim": 64, "max_position_embeddings": POSITIONS, "init_std": 0.2, **fields}


def _bert(**fields: Any) -> dict[str, Any]:
    return {**SIZES, "intermediate_size": 64, "initializer_range": 0.2, **fields}


def _gpt(**fields: Any) -> dict[str, Any]:
    return {
        "n_embd": WIDTH,
        "n_layer": BLOCKS,
        "n_head": 4,
        "n_positions": POSITIONS,
        "initializer_range": 0.2,
        **fields,
    }


FAMILIES: dict[str, Family] = {
    "gpt_neox": Family(
        "GPT-NeoX (Pythia, RedPajama, StableLM alpha)",
        "GPTNeoXConfig",
        {**SIZES, "intermediate_size": 64, "max_position_embeddings": 2048, "initializer_range": 0.2},
        "gpt_neox.layers",
        tokenizer="bytes-bos",
        longest=2048,
    ),
    "bloom": Family(
        "BLOOM",
        "BloomConfig",
        {"hidden_size": WIDTH, "n_layer": BLOCKS, "n_head": 4, "initializer_range": 0.2},
        "transformer.h",
        longest=None,
    ),
    "falcon": Family(
        "Falcon",
        "FalconConfig",
        {
            **SIZES,
            "multi_query": True,
            "parallel_attn": True,
            "alibi": False,
            "max_position_embeddings": POSITIONS,
            "initializer_range": 0.2,
        },
        "transformer.h",
    ),
    "falcon_alibi": Family(
        "Falcon with ALiBi",
        "FalconConfig",
        {
            **SIZES,
            "multi_query": False,
            "parallel_attn": False,
            "alibi": True,
            "bias": True,
            "max_position_embeddings": POSITIONS,
            "initializer_range": 0.2,
        },
        "transformer.h",
    ),
    "opt": Family("OPT", "OPTConfig", _opt(), "model.decoder.layers", tokenizer="bytes-begun"),
    "opt_post_norm": Family(
        "OPT with norms after blocks (350M)",
        "OPTConfig",
        _opt(word_embed_proj_dim=24, do_layer_norm_before=False),
        "model.decoder.layers",
        tokenizer="bytes-begun",
    ),
    "galactica": Family(
        "Galactica",
        "OPTConfig",
        _opt(enable_bias=False, layer_norm_elementwise_affine=False, activation_function="gelu"),
        "model.decoder.layers",
    ),
    "gptj": Family("GPT-J", "GPTJConfig", _gpt(rotary_dim=4), "transformer.h", tokenizer="bytes-bos"),
    "llama": Family(
        "Llama", "LlamaConfig", _gated(max_position_embeddings=2048), "model.layers", tokenizer="llama", longest=2048
    ),
    "mpt": Family(
        "MPT",
        "MptConfig",
        {"d_model": WIDTH, "n_layers": BLOCKS, "n_heads": 4, "max_seq_len": POSITIONS, "initializer_range": 0.2},
        "transformer.blocks",
        tokenizer="bytes-bos",
    ),
    "qwen3": Family("Qwen3", "Qwen3Config", _gated(head_dim=16), "model.layers"),
    "gemma3": Family(
        "Gemma 3 (text)",
        "Gemma3TextConfig",
        _gated(
            head_dim=16, sliding_window=16, layer_types=["sliding_attention", "sliding_attention", "full_attention"]
        ),
        "model.layers",
        tokenizer="sentencepiece",
    ),
    "mistral": Family(
        "Mistral, with a sliding window", "MistralConfig", _gated(sliding_window=16), "model.layers", tokenizer="llama"
    ),
    "mixtral": Family(
        "Mixtral (mixture of experts)",
        "MixtralConfig",
        # As many experts as blocks: a list of them must not pass for the blocks.
        _gated(num_local_experts=BLOCKS, num_experts_per_tok=2),
        "model.layers",
        tokenizer="llama",
    ),
    "phi": Family(
        "Phi",
        "PhiConfig",
        _gated(num_key_value_heads=4, partial_rotary_factor=0.5),
        "model.layers",
        tokenizer="bytes-bos",
    ),
    "gpt2": Family("GPT-2", "GPT2Config", _gpt(), "transformer.h", tokenizer="bytes-bos"),
    "mamba": Family(
        "Mamba",
        "MambaConfig",
        {"hidden_size": WIDTH, "num_hidden_layers": BLOCKS, "state_size": 4, "initializer_range": 0.2},
        "backbone.layers",
        tokenizer="bytes-bos",
        longest=None,
    ),
    "bert": Family(
        "BERT",
        "BertConfig",
        _bert(max_position_embeddings=POSITIONS),
        "bert.encoder.layer",
        reads="cls",
        tokenizer="wordpiece",
        saved_as="AutoModelForMaskedLM",
    ),
    "roberta": Family(
        "RoBERTa",
        "RobertaConfig",
        # Two rows of its table of positions are not for tokens.
        _bert(max_position_embeddings=POSITIONS + 2, pad_token_id=1, bos_token_id=0, eos_token_id=2),
        "roberta.encoder.layer",
        tokenizer="roberta",
        saved_as="AutoModelForMaskedLM",
    ),
    "t5": Family(
        "T5 (its encoder)",
        "T5Config",
        {"d_model": WIDTH, "num_layers": BLOCKS, "num_heads": 4, "d_kv": 8, "d_ff": 64, "num_decoder_layers": BLOCKS},
        "encoder.block",
        reads="decoder.block.0.layer.1.EncDecAttention",
        tokenizer="t5",
        saved_as="T5ForConditionalGeneration",
        longest=None,
    ),
}
"""Every family that is tested, by the name that tests call it."""


HARD: dict[str, Family] = {
    "big_bird": Family(
        "BigBird, whose attention turns with the length of a batch, for good",
        "BigBirdConfig",
        _bert(max_position_embeddings=POSITIONS, block_size=4, num_random_blocks=1),
        "bert.encoder.layer",
        tokenizer="t5",
        saved_as="AutoModel",
    ),
    "convbert": Family(
        "ConvBERT, whose convolutions see padding",
        "ConvBertConfig",
        _bert(max_position_embeddings=POSITIONS, embedding_size=16, conv_kernel_size=5),
        "encoder.layer",
        tokenizer="t5",
        saved_as="AutoModel",
    ),
    "xlnet": Family(
        "XLNet, whose blocks give tokens before prompts",
        "XLNetConfig",
        {"d_model": WIDTH, "n_layer": BLOCKS, "n_head": 4, "d_inner": 64, "initializer_range": 0.2},
        "layer",
        tokenizer="t5",
        saved_as="AutoModel",
        longest=None,
    ),
    "longformer": Family(
        "Longformer, which pads by itself",
        "LongformerConfig",
        _bert(max_position_embeddings=POSITIONS + 2, attention_window=[16] * BLOCKS),
        "encoder.layer",
        tokenizer="t5",
        saved_as="AutoModel",
    ),
    "deberta_v2": Family(
        "DeBERTa-v2 with a convolution after its first block",
        "DebertaV2Config",
        _bert(
            max_position_embeddings=POSITIONS,
            relative_attention=True,
            position_buckets=32,
            pos_att_type=["p2c", "c2p"],
            conv_kernel_size=3,
            conv_act="gelu",
            type_vocab_size=0,
        ),
        "encoder.layer",
        tokenizer="t5",
        saved_as="AutoModel",
    ),
    "rwkv": Family(
        "RWKV, which sees padding before a text and changes its weights in its first batch",
        "RwkvConfig",
        {
            "hidden_size": WIDTH,
            "num_hidden_layers": BLOCKS,
            "attention_hidden_size": WIDTH,
            "intermediate_size": 64,
            "context_length": POSITIONS,
            "rescale_every": 2,
        },
        "rwkv.blocks",
        tokenizer="t5",
        longest=None,
    ),
}
"""Families whose rows are easily got wrong, tested in `test_ways`."""


def make_config(architecture: str) -> Any:
    """Return the config of a family, of the tiny size, with the ids of its tokenizer's special tokens."""
    import transformers

    family = {**FAMILIES, **HARD}[architecture]
    own = {k: v for k, v in TOKENIZERS[family.tokenizer].ids().items() if k not in family.fields}
    return getattr(transformers, family.config)(vocab_size=VOCABULARY, **family.fields, **own)


def save_tiny(folder: Path, architecture: str = "llama", *, seed: int = 0, safe: bool = True) -> Path:
    """Save a language model with its head, as people do, and its tokenizer."""
    import torch
    import transformers

    family = {**FAMILIES, **HARD}[architecture]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        loader = getattr(transformers, family.saved_as)
        config = make_config(architecture)
        model = loader.from_config(config) if hasattr(loader, "from_config") else loader(config)
        # Norms and biases start at ones and zeros, which hide a norm or bias that is left out.
        with torch.no_grad():
            for weights in model.parameters():
                if weights.ndim == 1:
                    weights += 0.2 * torch.randn_like(weights)
    if safe:
        model.save_pretrained(folder)
    else:
        folder.mkdir(parents=True)
        model.config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    tokenizer(family.tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def shared_tokenizers(once: Callable[[str, Callable[[Path], object]], Path]) -> None:
    """Let all processes have the same tokenizers: the models on disk hold those of the process that made them."""
    SHARED[:] = [once("tokenizers", Path.mkdir)]


@pytest.fixture(scope="session")
def tiny(once: Callable[[str, Callable[[Path], object]], Path]) -> Callable[..., Path]:
    """Return the folder of a tiny model, made once for each architecture and seed."""

    def make(architecture: str = "llama", seed: int = 0) -> Path:
        return once(f"{architecture}-{seed}", lambda folder: save_tiny(folder, architecture, seed=seed))

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
