"""Models whose rows depend on padding, company or what ran before are run so that they do not."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
import transformers

from likewise.errors import InputError, ModelError
from likewise.extraction import check_model, extract, probe, tokens_of, way_of
from likewise.extraction.probe import relative
from likewise.extraction.state import State, kept
from likewise.extraction.ways import ALONE, Way
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.models.decoder import text_stack
from likewise.models.layers import Reader, _axes
from likewise.models.loading import weights_by_name
from likewise.prompts import Prompts
from tiny import BLOCKS, HARD, SPARSE
from tiny_tokenizers import tokenizer

INNER = ["embedding", *(str(k + 1) for k in range(BLOCKS - 1))]
LAYERS = [*INNER, str(BLOCKS), "last"]
TEXTS = tuple(("The lid did not fit on the jar because it was too small. " * 4)[: 7 * n] for n in (1, 9, 3, 6, 1, 2))
PROMPTS = Prompts("of many lengths", tuple(map(str, range(len(TEXTS)))), TEXTS, "")

TOGETHER = {
    "big_bird": "equal", "convbert": "equal", "xlnet": "any", "longformer": "any", "deberta_v2": "any", "rwkv": "any",
}  # fmt: skip
"""Which prompts of different lengths these families bear in one batch."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def load(folder: Path, *, head: bool = False) -> LoadedModel:
    return load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32", head=head)


@pytest.mark.parametrize("family", HARD)
def test_rows_are_those_of_a_prompt_alone_in_a_model_that_ran_nothing(tiny: Callable[..., Path], family: str) -> None:
    single = {text: Prompts("one", ("p",), (text,), "") for text in TEXTS}
    of = {text: extract(load(tiny(family)), one, LAYERS, "mean", way=ALONE) for text, one in single.items()}
    alone = [of[text] for text in TEXTS]
    loaded = load(tiny(family))
    for budget in (5000, 60, 5000):
        rows = extract(loaded, PROMPTS, LAYERS, "mean", batch_tokens=budget, threads=2)
        for layer in LAYERS:
            assert relative(rows[layer], np.concatenate([one[layer] for one in alone])) < 1e-4, (budget, layer)


@pytest.mark.long("a model of a family of its own, made and run; the test after it is the short one")
def test_tokens_that_a_model_chooses_by_the_length_of_a_batch(tmp_path: Path) -> None:
    """HY-V4 chooses what a token sees. Among equals, padding decides: last tokens alone are mostly right by chance."""
    fields = {
        **SPARSE,
        "num_key_value_heads": 2,
        "kv_lora_rank": 16,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "initializer_range": 0.2,
    }
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.HYV4ForCausalLM(transformers.HYV4Config(vocab_size=128, **fields, **ids))
        with torch.no_grad():
            for weights in model.parameters():
                if weights.ndim == 1:
                    weights += 0.2 * torch.randn_like(weights)
    model.save_pretrained(tmp_path)
    words = {word: i for i, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *(f"w{i}" for i in range(120))])}
    split = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<unk>"))
    split.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    special = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=split, **special).save_pretrained(tmp_path)

    def text(length: int, seed: int) -> str:
        return " ".join(f"w{i}" for i in np.random.default_rng(seed).integers(0, 120, length))

    texts = [text(n, i) for i, n in enumerate((1, 2, 3, 5, 9, 7, 17, 30, 23, 12, 5, 40, 3, 8))]
    texts += [f"{text(30, 99)} {text(k, k)}" for k in (1, 4, 6, 9, 2)]
    prompts = Prompts("of many lengths", tuple(map(str, range(len(texts)))), tuple(texts), "")
    loaded = load(tmp_path)
    alone = extract(loaded, prompts, ["last"], "last_token", way=Way("alone"))["last"]
    assert relative(extract(loaded, prompts, ["last"], "last_token", way=Way(), batch_tokens=200)["last"], alone) > 0.01
    assert relative(extract(loaded, prompts, ["last"], "last_token", batch_tokens=200)["last"], alone) < 1e-4


@pytest.mark.parametrize("family", HARD)
def test_layers_are_what_enters_the_next_block(tiny: Callable[..., Path], family: str) -> None:
    """Against the library's own list, prompt by prompt; as many prompts as tokens, so that axes could be mixed up."""
    loaded = load(tiny(family))
    count = len(loaded.tokenizer(TEXTS[2])["input_ids"])
    several = Prompts("several", tuple(map(str, range(count))), (TEXTS[2],) * count, "")
    rows = extract(loaded, several, INNER, "mean", batch_tokens=5000)
    ids = torch.tensor([loaded.tokenizer(TEXTS[2])["input_ids"]])
    with torch.inference_mode():
        seen = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
    shift = 1 if family == "rwkv" else 0  # its list begins after the first block
    for k, layer in enumerate(INNER):
        if k >= shift:
            assert relative(rows[layer][:1], seen[k - shift][:, : ids.shape[1]].mean(1).numpy()) < 1e-4, layer


@pytest.mark.parametrize("family", HARD)
def test_the_way_follows_what_was_seen(tiny: Callable[..., Path], family: str) -> None:
    loaded = load(tiny(family))
    way = way_of(loaded, tokens_of(loaded, PROMPTS, "mean"), LAYERS, "mean", batch_tokens=5000)
    assert way.together == TOGETHER[family]
    assert way.restored is (family == "big_bird") is not way.threads
    findings = check_model(loaded, LAYERS, "float32", pooling="mean")
    assert all(f.passed for f in findings)
    assert findings[0].what.startswith("as extraction runs them: ")
    assert any("extraction does without" in f.note for f in findings) is (
        TOGETHER[family] == "equal" or family == "rwkv"  # it bears padding after a text alone
    )


def test_other_tokens_than_the_last_are_looked_at(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose last tokens are right in company, and another token is not."""
    read = probe.read

    def disturbed(loaded: LoadedModel, reader: Any, tokens: Any, batch: Any, *how: Any, **more: Any) -> Any:
        found = read(loaded, reader, tokens, batch, *how, **more)
        for rows in found.values():
            if len({len(tokens.prompts[i]) for i in batch}) > 1 and len(rows) > len(batch):
                rows[1] += 1  # the row of the first prompt stands before it
        return found

    loaded = load(tiny("gpt2"))
    tokens = tokens_of(loaded, PROMPTS, "last_token")
    assert way_of(loaded, tokens, LAYERS, "last_token", batch_tokens=5000).together == "any"
    monkeypatch.setattr(probe, "read", disturbed)
    assert way_of(loaded, tokens, LAYERS, "last_token", batch_tokens=5000).together == "equal"


def test_a_model_that_goes_on_otherwise_is_refused(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(tiny("gpt2"), head=True)
    generate = loaded.head_model.generate

    def unlikely(*given: Any, **how: Any) -> Any:
        output = generate(*given, **how)
        output.sequences[:, -1] = (output.logits[-1]).argmin(dim=-1)
        return output

    monkeypatch.setattr(type(loaded.head_model), "generate", lambda self, **how: unlikely(**how))
    with pytest.raises(ModelError, match="GPT2LMHeadModel does not go on with the likeliest token"):
        extract(loaded, PROMPTS, ["last"], "generated(k=3)")

    def broken(self: Any, **how: Any) -> Any:
        raise ValueError("no cache for these layers")

    monkeypatch.setattr(type(loaded.head_model), "generate", broken)
    with pytest.raises(ModelError, match="GPT2LMHeadModel cannot go on with a text: no cache for these layers"):
        extract(loaded, PROMPTS, ["last"], "generated(k=3)")


def test_added_tokens_do_not_depend_on_the_company_of_a_prompt(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("rwkv"), head=True)
    pooling = "generated(k=3)"
    way = way_of(loaded, tokens_of(loaded, PROMPTS, pooling), ["last"], pooling, batch_tokens=5000)
    assert way.together == "alone"  # the library's RWKV mixes the prompts of a batch from the second added token on
    rows = extract(loaded, PROMPTS, ["last"], pooling, batch_tokens=5000)["last"]
    alone = extract(loaded, PROMPTS, ["last"], pooling, batch_tokens=1)["last"]
    assert relative(rows, alone) < 1e-4


def test_models_that_bear_everything_are_run_as_ever(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("llama"), head=True)
    for pooling in ("last_token", "generated(k=3)"):
        way = way_of(loaded, tokens_of(loaded, PROMPTS, pooling), LAYERS, pooling, batch_tokens=5000)
        begun = pooling == "last_token"  # each text begins with the shorter ones
        assert way == Way(shared=begun, packed=begun)


def test_what_a_model_keeps_is_put_back_and_no_random_number_is_used_up() -> None:
    class Forgetful(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part, self.seen, self.told = torch.nn.Linear(2, 2), [], {"a": 1}
            self.register_buffer("table", torch.zeros(3))

    model = Forgetful()
    first, draws = model.part, (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())  # noqa: NPY002
    with kept(model) as state:
        assert not state.changed()
        model.part, model.more = torch.nn.Linear(2, 2), 1
        assert state.changed()
        state.restore()
        assert model.part is first and not hasattr(model, "more") and not state.changed()
        drawn = torch.rand(2), np.random.rand(), random.random()  # noqa: NPY002
        model.seen.append(1)
        model.told["a"] = 2
        model.table += 1
        state.restore()
        assert torch.equal(torch.rand(2), drawn[0]) and (np.random.rand(), random.random()) == drawn[1:]  # noqa: NPY002
    assert model.seen == [] and model.told == {"a": 1} and model.table.sum() == 0
    assert torch.equal(torch.get_rng_state(), draws[0]) and random.getstate() == draws[2]
    assert (np.random.get_state()[1] == draws[1]).all()  # noqa: NPY002


def test_weights_that_a_model_changes_for_good_are_kept_with_what_it_then_holds() -> None:
    model = torch.nn.Linear(2, 2)
    state = State(model)
    with torch.no_grad():
        model.weight.div_(2)
    model.halved = True
    state.restore()
    assert model.halved and not state.changed()


@pytest.mark.parametrize(
    ("shapes", "axes"),
    [
        ([(2, 5, 9), (3, 7, 9)], (0, 1)),
        ([(5, 2, 9), (7, 3, 9)], (1, 0)),
        ([(2, 16, 9), (3, 16, 9)], (0, 1)),
        ([(16, 2, 9), (16, 3, 9)], (1, 0)),
        ([(2, 4, 5, 8), (3, 4, 7, 8)], (0, 2)),
    ],
)
def test_axes_are_told_by_what_grows(shapes: list[tuple[int, ...]], axes: tuple[int, int]) -> None:
    assert _axes("1", [(2, 5), (3, 7)], shapes) == axes


@pytest.mark.parametrize(
    ("kind", "fields"),
    [("Llama", {"vocab_size": 4, "hidden_size": 8, "intermediate_size": 8}), ("GPT2", {"n_positions": 4, "n_embd": 8})],
)
def test_few_tokens_and_few_positions_are_enough(kind: str, fields: dict[str, Any]) -> None:
    """As of models of nucleotides."""
    config = getattr(transformers, f"{kind}Config")(num_hidden_layers=2, num_attention_heads=2, **fields)
    with Reader(getattr(transformers, f"{kind}Model")(config).eval(), ["embedding", "1", "last"], None) as reader:
        reader.learn()
        seen: dict[str, tuple[int, ...]] = {}
        reader.run(lambda layer, states: seen.update({layer: tuple(states.shape)}), input_ids=torch.tensor([[1, 2, 3]]))
    assert set(seen.values()) == {(1, 3, 8)} and len(seen) == 3


@pytest.mark.parametrize("shapes", [[(2, 9), (3, 9)], [(10, 9), (21, 9)], [(9, 8, 7), (9, 8, 7)], [(2, 9), (3, 7, 9)]])
def test_states_that_are_not_of_tokens_are_refused(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ModelError, match=r"layer 1 gives .* expected states of each token"):
        _axes("1", [(2, 5), (3, 7)], shapes)


def test_a_token_that_the_model_has_no_row_for_is_named(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("llama"))
    loaded.tokenizer.add_tokens(["brandnew"])
    prompts = Prompts("x", ("fine", "odd"), ("Some text.", "A brandnew text."), "")
    with pytest.raises(InputError, match=r"prompt 'odd' has the token 'brandnew' with the id \d+, .*has 512 rows"):
        extract(loaded, prompts, ["last"], "last_token")


def test_padding_that_the_model_has_no_row_for_is_not_used(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("llama"))
    loaded.tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    assert loaded.tokenizer.pad_token_id >= 512
    rows = extract(loaded, PROMPTS, ["last"], "mean", batch_tokens=5000)["last"]
    assert relative(rows, extract(loaded, PROMPTS, ["last"], "mean", batch_tokens=1)["last"]) < 1e-4


@pytest.mark.parametrize(("kind", "spelt"), [("wordpiece", "[CLS] "), ("llama", "<s>"), ("roberta", "<s>")])
def test_a_beginning_token_in_letters_is_not_doubled(kind: str, spelt: str) -> None:
    from likewise.prompts.tokens import tokenize

    ids_of = tokenizer(kind)
    (ids,) = tokenize(ids_of, Prompts("x", ("a",), (f"{spelt}Hello there.",), "")).prompts
    assert list(ids).count(ids[0]) == 1 and ids[0] == ids_of("Hello")["input_ids"][0]


def test_a_head_that_names_no_base_model_has_its_stack() -> None:
    config = transformers.Llama4TextConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=8,
        intermediate_size=16, intermediate_size_mlp=16, num_local_experts=2, num_experts_per_tok=1, pad_token_id=0,
    )  # fmt: skip
    model: Any = transformers.Llama4ForCausalLM(config)
    assert text_stack(model) is model.model is text_stack(model.model)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["model.safetensors"], {}),
        (["model.safetensors", "model.fp16.safetensors"], {}),
        (["model.fp16.safetensors"], {"variant": "fp16"}),
        (["model.safetensors.index.json", "model-00001-of-00002.safetensors"], {}),
    ],
)
def test_weights_are_found_by_the_names_that_people_give(
    tmp_path: Path, names: list[str], told: dict[str, str]
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert weights_by_name(tmp_path) == told


@pytest.mark.parametrize(
    "names",
    [["model-00001-of-00002.safetensors"], ["model.fp16.safetensors", "model.bf16.safetensors"], ["x.safetensors"]],
)
def test_weights_that_cannot_be_told_are_named(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=rf"in safetensors \(.*{names[0]}.* not named as expected"):
        weights_by_name(tmp_path)
