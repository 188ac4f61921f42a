"""Every family of models: which states are kept, and that a row depends on its prompt alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from likewise.errors import ModelError
from likewise.extraction import extract
from likewise.extraction.ways import ALONE
from likewise.models import LoadedModel, ModelSpec, context_length, load_model
from likewise.models.decoder import text_stack, token_positions
from likewise.models.layers import find_blocks
from likewise.prompts import Prompts
from tiny import BLOCKS, FAMILIES, POSITIONS, WIDTH
from tiny_tokenizers import SCRIPTS, TOKENIZERS, VOCABULARY, tokenizer

LAYERS = ["embedding", *(str(k + 1) for k in range(BLOCKS)), "last"]
TEXTS = (
    "Short.",
    *SCRIPTS[::3],
    SCRIPTS[-2],
    "The trophy does not fit into the suitcase because it is too large. " * 2,
)
PROMPTS = Prompts("mixed", tuple(f"p{i}" for i in range(len(TEXTS))), TEXTS, "{{ text }}")

OWN_WAY = {"gpt_neox", "bloom", "opt", "llama", "gemma3", "mamba", "bert", "roberta", "t5"}
"""Families of which each has a way of its own with positions, masks or windows; the others are variations of one."""

# The models of a family are loaded once, in the process that runs its tests.
group = {f: pytest.mark.xdist_group(f) for f in FAMILIES}
variation = pytest.mark.long("of twenty families, eleven are variations of the others")
each_family = pytest.mark.parametrize("family", [pytest.param(f, marks=group[f]) for f in FAMILIES])
each_way = pytest.mark.parametrize(
    "family", [pytest.param(f, marks=[group[f], *([] if f in OWN_WAY else [variation])]) for f in FAMILIES]
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """For tiny products, several threads cost more than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def loaded(tiny: Callable[..., Path]) -> Callable[..., LoadedModel]:
    """Load a tiny model of a family in a precision, once for this file."""
    held: dict[tuple[str, str], LoadedModel] = {}

    def load(family: str, dtype: str = "float32") -> LoadedModel:
        if (family, dtype) not in held:
            held[family, dtype] = load_model(ModelSpec(model=str(tiny(family))), device="cpu", dtype=dtype)
        return held[family, dtype]

    return load


@pytest.fixture(scope="module")
def alone(loaded: Callable[..., LoadedModel]) -> Callable[..., dict[str, np.ndarray]]:
    """Every prompt by itself, without padding: the reference."""
    held: dict[tuple[str, str], dict[str, np.ndarray]] = {}

    def run(family: str, dtype: str = "float32") -> dict[str, np.ndarray]:
        if (family, dtype) not in held:
            model = loaded(family, dtype)
            held[family, dtype] = dict(extract(model, PROMPTS, LAYERS, "last_token", way=ALONE))
        return held[family, dtype]

    return run


def whole(folder: Path, family: str) -> Any:
    """The model with its head, as the library loads it."""
    return getattr(transformers, FAMILIES[family].saved_as).from_pretrained(folder).eval()


def differences(rows: Any, reference: Any) -> dict[str, float]:
    """For each layer the largest difference of two rows, relative to the row's length."""
    return {
        layer: float(
            (np.linalg.norm(rows[layer] - reference[layer], axis=1) / np.linalg.norm(reference[layer], axis=1)).max()
        )
        for layer in reference
    }


@each_way
def test_layers_are_what_enters_and_leaves_the_blocks_and_what_the_head_reads(
    tiny: Callable[..., Path], alone: Callable[..., dict[str, np.ndarray]], family: str
) -> None:
    """Against hooks on the model with its head, at places that this file and not the package names."""
    model, ids_of = whole(tiny(family), family), tokenizer(FAMILIES[family].tokenizer)
    seen: dict[str, torch.Tensor] = {}

    def keep(name: str, states: Any) -> None:
        seen[name] = states[0] if isinstance(states, tuple) else states

    def before(name: str) -> Callable[..., None]:
        # What cross-attention reads of the encoder has a name of its own.
        return lambda m, args, kwargs: keep(
            name, kwargs.get("key_value_states", args[0] if args else kwargs.get("hidden_states"))
        )

    for k in range(BLOCKS):
        block = model.get_submodule(f"{FAMILIES[family].blocks}.{k}")
        block.register_forward_hook(lambda m, args, output, k=k: keep(str(k + 1), output))
        if k == 0:
            block.register_forward_pre_hook(before("embedding"), with_kwargs=True)
    model.get_submodule(FAMILIES[family].reads).register_forward_pre_hook(before("last"), with_kwargs=True)
    rows: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}
    for text in TEXTS:
        inputs = {"input_ids": torch.tensor([ids_of(text)["input_ids"]])}
        if model.config.is_encoder_decoder:
            inputs["decoder_input_ids"] = torch.tensor([[0]])
        with torch.inference_mode():
            model(**inputs)
        for layer in LAYERS:
            rows[layer].append(seen[layer][:, -1].numpy())
    expected = {layer: np.concatenate(r) for layer, r in rows.items()}
    assert max(differences(alone(family), expected).values()) < 1e-5


@each_way
@pytest.mark.parametrize("padding_side", ["right", "left"])
@pytest.mark.parametrize("batch_tokens", [150, 5000])
def test_rows_do_not_depend_on_the_rest_of_their_batch(
    loaded: Callable[..., LoadedModel],
    alone: Callable[..., dict[str, np.ndarray]],
    family: str,
    padding_side: str,
    batch_tokens: int,
) -> None:
    rows = extract(loaded(family), PROMPTS, LAYERS, "last_token", batch_tokens=batch_tokens, padding_side=padding_side)
    assert max(differences(rows, alone(family)).values()) < 1e-4


arithmetic = pytest.mark.long("half precision rounds in all families alike; three are tried each time")


@pytest.mark.parametrize(
    "family",
    [pytest.param(f, marks=[group[f], *([] if f in ("bert", "llama", "mamba") else [arithmetic])]) for f in FAMILIES],
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("bfloat16", 0.05), pytest.param("float16", 0.01, marks=pytest.mark.long("the other half precision"))],
)
def test_in_half_precision_rows_depend_on_their_batch_by_rounding(
    loaded: Callable[..., LoadedModel],
    alone: Callable[..., dict[str, np.ndarray]],
    family: str,
    dtype: str,
    tolerance: float,
) -> None:
    rows = extract(loaded(family, dtype), PROMPTS, LAYERS, "last_token", batch_tokens=600)
    assert max(differences(rows, alone(family, dtype)).values()) < tolerance


@each_way
def test_rows_follow_the_order_of_the_prompts(loaded: Callable[..., LoadedModel], family: str) -> None:
    order = np.random.default_rng(0).permutation(len(TEXTS))
    shuffled = Prompts("mixed", tuple(PROMPTS.ids[i] for i in order), tuple(TEXTS[i] for i in order), "")
    rows = extract(loaded(family), PROMPTS, ["last"], "last_token", batch_tokens=150)["last"]
    again = extract(loaded(family), shuffled, ["last"], "last_token", batch_tokens=150)["last"]
    assert differences({"last": again}, {"last": rows[order]})["last"] < 1e-4


@each_way
def test_rows_of_different_prompts_and_layers_differ_by_far_more(
    alone: Callable[..., dict[str, np.ndarray]], family: str
) -> None:
    """What the tolerances above are worth."""
    rows = {layer: alone(family)[layer] for layer in LAYERS if layer != "embedding"}
    assert min(differences({k: np.roll(v, 1, axis=0) for k, v in rows.items()}, rows).values()) > 0.1
    assert differences({"2": rows["1"]}, {"2": rows["2"]})["2"] > 0.1


@each_way
def test_the_head_is_never_run(tiny: Callable[..., Path], family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No product has as many columns as the vocabulary has tokens."""
    model = load_model(ModelSpec(model=str(tiny(family))), device="cpu", dtype="float32").model
    widths: list[int] = []
    for module in model.modules():
        module.register_forward_hook(lambda m, args, out: widths.append(getattr(out, "shape", [0])[-1]))
    extract(LoadedModel(model, tokenizer(FAMILIES[family].tokenizer), None), PROMPTS, ["last"], "last_token")
    assert widths
    assert model.config.vocab_size not in widths


@each_family
def test_longest_prompt_is_known_and_can_be_run(loaded: Callable[..., LoadedModel], family: str) -> None:
    model = loaded(family)
    longest = context_length(model.model, model.tokenizer)
    assert longest == FAMILIES[family].longest
    ids = torch.full((1, longest or 700), 300)
    with torch.inference_mode():
        assert model.model(input_ids=ids).last_hidden_state.isfinite().all()


def test_a_tokenizer_tells_the_longest_prompt_where_the_model_does_not(loaded: Callable[..., LoadedModel]) -> None:
    ids_of = tokenizer("t5")
    assert context_length(loaded("t5").model, ids_of) is None  # the library's stand-in is a very large number
    ids_of.model_max_length = 77
    assert context_length(loaded("t5").model, ids_of) == 77
    assert context_length(loaded("bert").model, ids_of) == POSITIONS


@pytest.mark.parametrize(("family", "first"), [("llama", 0), ("gpt2", 0), ("bert", 0), ("opt", 0), ("roberta", 2)])
def test_positions_begin_at_the_first_real_token(loaded: Callable[..., LoadedModel], family: str, first: int) -> None:
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    positions = token_positions(loaded(family).model, mask)
    assert positions[0, 2:].tolist() == [first, first + 1]
    assert positions[1].tolist() == [first + i for i in range(4)]


@pytest.mark.parametrize("family", ["gpt_neox", "opt", "llama", "gemma3", "bert", "roberta", "t5", "gpt2"])
def test_special_tokens_are_neither_lost_nor_doubled(tiny: Callable[..., Path], family: str) -> None:
    """The ids that the model is given, against those of the tokenizer before it was saved and loaded."""
    kind = FAMILIES[family].tokenizer
    model = load_model(ModelSpec(model=str(tiny(family))), device="cpu", dtype="float32")
    given: list[list[int]] = []
    model.model.register_forward_pre_hook(
        lambda m, args, kwargs: given.append(kwargs["input_ids"][0].tolist()), with_kwargs=True
    )
    extract(model, Prompts("one", ("p",), ("Hello.",), ""), ["last"], "last_token")
    ids = given[-1]  # before it, the model was tried
    tokens = tokenizer(kind).convert_ids_to_tokens(ids)
    left, _, right = TOKENIZERS[kind].adds.partition("$A")
    assert tokens[: len(left.split())] == left.split()
    assert tokens[len(tokens) - len(right.split()) :] == right.split()
    plain = tokenizer(kind)("Hello.", add_special_tokens=False)["input_ids"]
    assert len(ids) == len(plain) + len(left.split()) + len(right.split())
    assert ids[len(left.split()) :][: len(plain)] == plain


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_tokenizers_of_the_tests_cover_every_text_and_give_offsets(kind: str) -> None:
    """Byte by byte where a letter has no piece; only WordPiece has letters that it does not know."""
    ids_of = tokenizer(kind)
    for text in (*TEXTS, *SCRIPTS):
        encoded = ids_of(text, return_offsets_mapping=True)
        assert max(encoded["input_ids"]) < VOCABULARY
        assert len(text.rstrip()) <= max(end for _, end in encoded["offset_mapping"]) <= len(text)
        if kind != "wordpiece":
            assert ids_of.decode(encoded["input_ids"], skip_special_tokens=True).strip() == text.strip()


def test_an_encoder_is_taken_without_its_decoder(tiny: Callable[..., Path]) -> None:
    model = load_model(ModelSpec(model=str(tiny("t5"))), device="cpu", dtype="float32").model
    assert type(model).__name__ == "T5Stack"
    assert not model.is_decoder
    assert len(find_blocks(model)) == BLOCKS
    assert find_blocks(whole(tiny("t5"), "t5"))[0].layer[0].SelfAttention.is_decoder is False


def test_of_several_senses_the_text_model_is_taken(tmp_path: Path) -> None:
    """A model of images and text with as many blocks for either; its text rows are those of the text model alone."""
    config = transformers.Gemma3Config(
        text_config={"vocab_size": VOCABULARY, **FAMILIES["gemma3"].fields},
        vision_config={
            "hidden_size": 16,
            "num_hidden_layers": BLOCKS,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "image_size": 28,
            "patch_size": 14,
        },
        mm_tokens_per_image=4,
    )
    torch.manual_seed(0)
    made = transformers.Gemma3ForConditionalGeneration(config)
    made.save_pretrained(tmp_path)
    tokenizer("sentencepiece").save_pretrained(tmp_path)
    loaded = load_model(ModelSpec(model=str(tmp_path)), device="cpu", dtype="float32")
    assert type(loaded.model).__name__ == "Gemma3TextModel"
    assert ModelSpec(model=str(tmp_path)).size() == {"width": WIDTH, "blocks": BLOCKS}
    assert context_length(loaded.model, loaded.tokenizer) == POSITIONS
    rows = extract(loaded, PROMPTS, LAYERS, "last_token", batch_tokens=150)
    ids = torch.tensor([loaded.tokenizer(TEXTS[1])["input_ids"]])
    language = made.eval().model.language_model
    with torch.inference_mode():
        expected = language(input_ids=ids).last_hidden_state[:, -1].numpy()
    assert differences({"last": rows["last"][1:2]}, {"last": expected})["last"] < 1e-4


def test_blocks_that_cannot_be_told_are_refused(tiny: Callable[..., Path]) -> None:
    model = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32").model
    model.twins = torch.nn.ModuleList([torch.nn.Identity() for _ in range(BLOCKS)])
    with pytest.raises(ModelError, match=r"LlamaModel were not found \(more than one list of 3 .*: layers, twins"):
        find_blocks(model)
    del model.twins
    model.layers = model.layers[:2]
    with pytest.raises(ModelError, match=r"LlamaModel were not found \(no list of 3 modules\)"):
        find_blocks(model)


def test_a_model_that_reads_no_text_is_refused() -> None:
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=28, patch_size=14
    )
    with pytest.raises(ModelError, match="ViTModel, the input part of ViTModel, takes no text"):
        text_stack(transformers.ViTModel(config))


def test_families_of_their_own_way_are_families() -> None:
    assert not OWN_WAY - FAMILIES.keys()


def test_the_documentation_names_every_family_that_is_tested() -> None:
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text()
    (listed,) = (p for p in page.split("\n\n") if p.startswith("Tested families: "))
    assert " ".join(listed.split()) == f"Tested families: {'; '.join(f.title for f in FAMILIES.values())}."
