"""Rows of a prompt are of the prompt alone: not of penalties, of states put before it, of what ran before."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from cases import each
from likewise.errors import ModelError
from likewise.extraction import extract, tokens_of, way_of
from likewise.extraction.forward import answers
from likewise.extraction.probe import relative
from likewise.extraction.ways import Way
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.models.layers import Reader
from likewise.prompts import Prompts

TEXTS = ("The lid did not fit on the jar because it was too small.", "The jar", "A lid did not fit.", "So small it was")
PROMPTS = Prompts("mine", tuple(map(str, range(len(TEXTS)))), TEXTS, "")


def load(folder: Path, *, head: bool = False) -> LoadedModel:
    return load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32", head=head)


def test_what_a_model_adds_is_the_likeliest_whatever_its_own_file_asks_for(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("gpt2"), head=True)
    pooling, tokens = "generated(k=12)", tokens_of(loaded, PROMPTS, "generated(k=12)")
    wanted = [answers(loaded, tokens, [i], 12).added[0] for i in range(len(TEXTS))]
    rows = extract(loaded, PROMPTS, ["last"], pooling)["last"]
    assert any(len(set(own)) < len(own) for own in wanted)  # else no penalty would show
    own = loaded.head_model.generation_config
    fields = {
        "repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "max_time": 1e-9, "suppress_tokens": wanted[0][:1],
        "min_new_tokens": 2, "do_sample": True, "temperature": 9.0,
    }  # fmt: skip
    own.update(**fields)
    assert answers(loaded, tokens, range(len(TEXTS)), 12).added == wanted
    assert relative(extract(loaded, PROMPTS, ["last"], pooling)["last"], rows) < 1e-5
    assert loaded.head_model.generation_config is own and own.max_time == 1e-9
    assert way_of(loaded, tokens, ["last"], pooling, batch_tokens=5000).threads


def cpm(prompt_length: int = 8) -> transformers.PreTrainedModel:
    config = transformers.CpmAntConfig(
        vocab_size=300, hidden_size=32, num_attention_heads=4, dim_head=8, dim_ff=64, num_hidden_layers=3,
        prompt_length=prompt_length,
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.CpmAntModel(config).eval()


def test_states_that_a_model_puts_before_the_prompt_are_not_taken_for_the_prompts() -> None:
    model = cpm()
    with Reader(model, ["last"]) as reader:
        reader.learn()
    for layer in ("1", "2"):
        with Reader(model, [layer]) as reader, pytest.raises(ModelError, match=f"layer {layer} of CpmAntModel gives"):
            reader.learn()


class Padded(torch.nn.Module):
    """Puts states before and after those of the prompt."""

    def __init__(self, before: int, multiple: int) -> None:
        super().__init__()
        self.part, self.before, self.multiple = torch.nn.Embedding(64, 6), before, multiple
        self.end = torch.nn.ModuleDict({"all": torch.nn.Identity()})

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        there = self.part(input_ids)
        more = -(self.before + there.shape[1]) % self.multiple
        parts = (there.new_zeros(len(there), count, 6) for count in (self.before, more))
        states: torch.Tensor = self.end["all"](torch.cat([next(parts), there, next(parts)], 1))
        return states


@pytest.mark.parametrize("multiple", each([1, 2, 3, 4, 6, 16, 64]))
@pytest.mark.parametrize("before", each([0, 1, 2, 3, 32, 64]))
def test_only_what_is_padded_after_a_prompt_is_left_out(before: int, multiple: int) -> None:
    with Reader(Padded(before, multiple), ["end.all"]) as reader:
        if before:
            with pytest.raises(ModelError, match=r"states of its own|expected states of each token"):
                reader.learn()
        else:
            reader.learn()


class Switching(torch.nn.Module):
    """Adds to the states of the first block what stands in ``kept``, and counts there how often it ran."""

    def __init__(self, block: torch.nn.Module, kept: deque[float] | list[float]) -> None:
        super().__init__()
        self.block, self.kept = block, kept

    def forward(self, states: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        self.kept.append(1.0)
        return self.block(states + len(self.kept) * torch.arange(states.shape[-1]), *args, **kwargs)


@pytest.mark.parametrize("kind", [list, deque])
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], (TEXTS[0], TEXTS[0])])
def test_what_a_model_keeps_is_put_back_or_it_is_refused(
    tiny: Callable[..., Path], kind: Callable[[], list[float]], texts: tuple[str, ...]
) -> None:
    loaded = load(tiny("gpt2"))
    loaded.model.h[0] = Switching(loaded.model.h[0], kind())
    mine = Prompts("mine", tuple(map(str, range(len(texts)))), texts, "")
    tokens = tokens_of(loaded, mine, "mean")
    if kind is deque:
        with pytest.raises(ModelError, match="depend on what ran before"):
            way_of(loaded, tokens, ["last"], "mean", batch_tokens=5000)
        return
    way = way_of(loaded, tokens, ["last"], "mean", batch_tokens=5000)
    assert way.restored and way.together != "any" and not way.threads


class Turning(torch.nn.Module):
    """Is another block up to a length of the batch, for good, as BigBird is."""

    def __init__(self, block: torch.nn.Module, length: int) -> None:
        super().__init__()
        self.block, self.length, self.full = block, length, False

    def forward(self, states: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        self.full = self.full or states.shape[1] <= self.length
        return self.block(states * (1 if self.full else torch.arange(states.shape[-1])), *args, **kwargs)


def test_a_batch_with_both_sides_of_a_models_turn_need_not_be_the_one_that_is_padded_most(
    tiny: Callable[..., Path],
) -> None:
    loaded = load(tiny("gpt2"))
    texts = tuple(("the lid is on the jar " * 9)[:n] for n in (90, 88, 86, 40, 30, 20, 10, 2))
    mine = Prompts("mine", tuple(map(str, range(len(texts)))), texts, "")
    tokens = tokens_of(loaded, mine, "mean")
    lengths = tokens.lengths
    budget = 3 * lengths[0]
    assert lengths[2] < lengths[1] and lengths[0] - lengths[2] < lengths[3] - lengths[7]
    assert Way().batches(lengths, budget)[0] == [0, 1, 2]
    loaded.model.h[0] = Turning(loaded.model.h[0], lengths[2])
    way = way_of(loaded, tokens, ["last"], "mean", batch_tokens=budget)
    assert way.together != "any" and way.restored
    rows = extract(loaded, mine, ["last"], "mean", batch_tokens=budget)["last"]
    for i, text in enumerate(texts):
        loaded.model.h[0].full = False
        alone = extract(loaded, Prompts("one", ("p",), (text,), ""), ["last"], "mean", way=Way("alone", restored=True))
        assert relative(rows[i : i + 1], alone["last"]) < 1e-4


def test_a_tensor_that_is_no_buffer_is_put_back(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("gpt2"))
    block = loaded.model.h[0]
    block.count = torch.zeros(1)

    def count(module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        module.count += 1
        return (args[0] + module.count * torch.arange(args[0].shape[-1]), *args[1:])

    block.register_forward_pre_hook(count)
    tokens = tokens_of(loaded, PROMPTS, "mean")
    way = way_of(loaded, tokens, ["last"], "mean", batch_tokens=5000)
    assert way.restored and not way.threads and block.count == 0
    rows = extract(loaded, PROMPTS, ["last"], "mean", batch_tokens=5000)["last"]
    for i, text in enumerate(TEXTS):
        alone = extract(loaded, Prompts("one", ("p",), (text,), ""), ["last"], "mean")["last"]
        assert relative(rows[i : i + 1], alone) < 1e-4
