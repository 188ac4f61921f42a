"""What prompts begin with in common is run once, and the rows are as if it was not; or it is not done."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from likewise.extraction import check_model, extract, tokens_of, way_of
from likewise.extraction.beginnings import Group, common, groups
from likewise.extraction.choices import Continuations, rows_of_choices
from likewise.extraction.probe import relative
from likewise.extraction.rows import InMemory
from likewise.extraction.ways import ALONE, EXPANDED, ROWS, Way
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.prompts import Prompts
from likewise.prompts.options import FilledChoices
from likewise.prompts.tokens import Tokens

FRONT = "The lid did not fit on the jar because it was too small. "
SHOTS = tuple(FRONT + "A cat"[: n + 1] + " sat on it" * (n % 4) for n in range(5))
TWINS = tuple(
    f"{start}{end}" for start in ("Ann told Bob that he ", "Ann asked Bob if he") for end in ("won.", "was ill")
)
HALF = FRONT[: len(FRONT) // 2] + "my head."
TEXTS = (*SHOTS, *TWINS, HALF, "Yes.")
PROMPTS = Prompts("mine", tuple(map(str, range(len(TEXTS)))), TEXTS, "")
LAYERS = ["embedding", "2", "3", "last"]

CAUSAL = (
    "gpt_neox", "bloom", "falcon", "falcon_alibi", "opt", "opt_post_norm", "gptj", "llama", "mpt", "qwen3", "gemma3",
    "mistral", "mixtral", "phi", "gpt2",
)  # fmt: skip
"""Of all kinds of positions; two that slide windows of 16 tokens."""

UNPACKED = {"bloom", "falcon_alibi", "gemma3", "mistral", "mpt"}
"""Whose positions are in the mask, or whose windows that of a row of prompts knows nothing of."""

QUICK = {"gpt_neox", "bloom", "opt", "llama", "mistral", "gpt2"}
"""Rotary, linear and learnt positions, and a sliding window."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@functools.cache
def load(folder: Path, *, head: bool = False) -> LoadedModel:
    """A model that tests only read: loaded once for this file."""
    return fresh(folder, head=head)


def fresh(folder: Path, *, head: bool = False) -> LoadedModel:
    return load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32", head=head)


def found_way(loaded: LoadedModel, pooling: str = "mean", prompts: Prompts = PROMPTS) -> Way:
    return way_of(loaded, tokens_of(loaded, prompts, pooling), LAYERS, pooling, batch_tokens=200)


def drift(rows: Mapping[str, np.ndarray], alone: Mapping[str, np.ndarray]) -> float:
    return max(relative(rows[layer], alone[layer]) for layer in alone)


# Which texts share how much.

texts = st.lists(
    st.tuples(st.sampled_from([(), (1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 9), (7,) * 6]), st.lists(st.integers(1, 3)))
    .map(lambda parts: (*parts[0], *parts[1])),
    max_size=12,
)  # fmt: skip


@given(texts, st.integers(1, 5))
def test_each_text_is_in_one_group_that_saves(given: list[tuple[int, ...]], least: int) -> None:
    found = groups(given, least)
    assert sorted(i for group in found for i in group.members) == list(range(len(given)))
    for group in found:
        fronts = {given[i][: group.shared] for i in group.members}
        assert group.shared == 0 or (len(fronts) == 1 and len(fronts.pop()) == group.shared >= least)
        assert group.shared == 0 or len(group.members) > 1
    assert [group.shared for group in found].count(0) <= 1
    saved = sum(group.saved for group in found)
    # What is left to run is what is saved less.
    run = sum(g.shared + sum(len(given[i]) - g.shared for i in g.members) for g in found if g.members and g.shared)
    run += sum(len(given[i]) for g in found if not g.shared for i in g.members)
    assert run == sum(map(len, given)) - saved
    # No one beginning saves more.
    for text in given:
        for length in range(least, len(text) + 1):
            alike = sum(other[:length] == text[:length] for other in given)
            assert saved >= length * (alike - 1)


@given(texts)
def test_groups_do_not_depend_on_the_order_of_the_texts(given: list[tuple[int, ...]]) -> None:
    def of(texts: list[tuple[int, ...]]) -> list[tuple[int, list[tuple[int, ...]]]]:
        return sorted((group.shared, sorted(texts[i] for i in group.members)) for group in groups(texts, 2))

    assert of(given) == of(given[::-1])


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_common_counts_what_is_equal_from_the_first(a: list[int], b: list[int]) -> None:
    count = common(a, b)
    assert a[:count] == b[:count]
    assert count == min(len(a), len(b)) or a[count] != b[count]


@given(texts, st.integers(1, 40), st.sampled_from(["any", "equal", "alone"]), st.sampled_from([None, 2]))
def test_batches_of_beginnings_keep_to_the_budget(
    given: list[tuple[int, ...]], budget: int, together: Any, cut: int | None
) -> None:
    prompts = [(*text, 0) for text in given] * 2
    lengths = [0 if i == 1 else len(prompt) for i, prompt in enumerate(prompts)]
    limits = None if cut is None else [min(cut, len(prompt) - 1) for prompt in prompts]
    planned = Way(together, shared=True).plan(prompts, lengths, budget, limits=limits)
    assert sorted(i for batch in planned for i in batch.members) == [i for i, length in enumerate(lengths) if length]
    for batch in planned:
        own = [lengths[i] - batch.shared for i in batch.members]
        assert min(own) >= 1 and own == sorted(own, reverse=True)
        assert together == "any" or len(set(own)) == 1
        assert len(own) == 1 or together != "alone"
        room = max(budget, *lengths) if batch.shared else budget
        assert (
            len(own) == 1
            or len(own) * (own[0] + (math.ceil(batch.shared / EXPANDED) + ROWS if batch.shared else 0)) <= room
        )
        fronts = {prompts[i][: batch.shared] for i in batch.members}
        assert len(fronts) == 1 or not batch.shared or len(fronts) * batch.shared <= room
        assert limits is None or all(batch.shared <= limits[i] for i in batch.members)
    packed = Way(together, shared=True, packed=True).plan(prompts, lengths, budget, limits=limits)
    assert sorted(i for batch in packed for i in batch.members) == [i for i, length in enumerate(lengths) if length]
    for batch in packed:
        own = [lengths[i] - batch.shared for i in batch.members]
        fronts = {prompts[i][: batch.shared] for i in batch.members}
        assert len(own) == 1 or len(fronts) > 1 or sum(own) <= max(budget, *lengths)
    plain = Way(together).plan(prompts, lengths, budget)
    assert [list(batch.members) for batch in plain] == [
        batch for batch in Way(together).batches(lengths, budget) if lengths[batch[0]]
    ]


def test_a_small_batch_has_several_beginnings_and_a_large_group_several_batches() -> None:
    prompts = [(k, *[k] * 9, end) for k in range(4) for end in (1, 2)]
    (batch,) = Way(shared=True).plan(prompts, [11] * 8, 64)
    assert batch.shared == 10 and len(batch.members) == 8
    whole = Way(shared=True, packed=True).plan([(*range(40), *[end] * 6) for end in range(10)], [46] * 10, 30)
    assert [(batch.shared, len(batch.members)) for batch in whole] == [(40, 3)] * 3 + [(40, 1)]
    alike = [(*range(40), end, end) for end in range(10)]
    planned = Way(shared=True).plan(alike, [42] * 10, 50)
    assert [(batch.shared, len(batch.members)) for batch in planned] == [(40, 3)] * 3 + [(40, 1)]
    assert groups([(1, 2)] * 3) == [Group(0, (0, 1, 2))]


# Rows are those of each prompt alone.


@pytest.mark.parametrize(
    "family",
    [pytest.param(f, marks=() if f in QUICK else pytest.mark.long("one more family")) for f in CAUSAL],
)
def test_rows_are_those_of_a_prompt_alone(tiny: Callable[..., Path], family: str) -> None:
    loaded = load(tiny(family), head=True)
    for pooling in ("mean", "last_token", "position_weighted_mean(normalized=True)"):
        way = found_way(loaded, pooling)
        assert way.shared and "padded on the right, what prompts begin with in common run once" in str(way)
        assert way.packed == (family not in UNPACKED)
        layers = [*LAYERS, *(["logits"] if pooling == "last_token" else [])]
        alone = extract(loaded, PROMPTS, layers, pooling, way=ALONE)
        for budget in (5000, 60, 1) if pooling == "mean" else (60,):
            assert drift(extract(loaded, PROMPTS, layers, pooling, batch_tokens=budget, way=way), alone) < 1e-5
        if way.packed:
            apart = replace(way, packed=False)
            assert drift(extract(loaded, PROMPTS, layers, pooling, batch_tokens=60, way=apart), alone) < 1e-5


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt", "bloom"])
@pytest.mark.parametrize("together", ["any", "equal", "alone"])
def test_rows_are_the_same_in_each_way(tiny: Callable[..., Path], family: str, together: Any) -> None:
    loaded = load(tiny(family))
    alone = extract(loaded, PROMPTS, LAYERS, "max", way=ALONE)
    for packed in {False, together == "any" and family != "bloom"}:
        way = Way(together, "left", shared=True, packed=packed)
        assert drift(extract(loaded, PROMPTS, LAYERS, "max", way=way), alone) < 1e-5


@pytest.mark.parametrize("pooling", ["last_token", "first_token", "mean(skip=1)", "last_k(k=3)"])
def test_rows_of_spans_are_the_same(tiny: Callable[..., Path], pooling: str) -> None:
    loaded = load(tiny("gpt_neox"))
    spans = tuple(
        (("before", (4, 7)), ("across", (len(FRONT) - 4, len(text))), ("end", (len(text) - 1, len(text))))
        for text in SHOTS
    )
    prompts = Prompts("spans", tuple("abcde"), SHOTS, "", spans=spans)
    alone = extract(loaded, prompts, LAYERS, pooling, way=ALONE)
    assert len(alone["last"]) == 15
    assert found_way(loaded, pooling, prompts).shared
    assert drift(extract(loaded, prompts, LAYERS, pooling), alone) < 1e-5
    for way in (Way(side="left", shared=True), Way(side="left", shared=True, packed=True)):
        assert drift(extract(loaded, prompts, LAYERS, pooling, way=way), alone) < 1e-5


@pytest.mark.parametrize("side", ["right", "left"])
def test_rows_of_choices_are_the_same(tiny: Callable[..., Path], side: Any) -> None:
    loaded = load(tiny("llama"), head=True)
    fronts = tuple(f"{FRONT}Is {n} an even number? It is" for n in range(5))
    options = FilledChoices(("1", "2"), fronts, tuple((" even", " odd, as ever") for _ in fronts), ())
    prompts = Prompts("choices", tuple("abcde"), fronts, "", options=options)
    asked = Continuations.of(loaded, prompts, "error")
    rows = [
        rows_of_choices(loaded, asked, InMemory(5), way, 512, lambda *_: None)
        for way in (Way("alone"), Way(side=side, shared=True))
    ]
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-5)


def test_a_beginning_is_run_once_and_rows_do_not_depend_on_threads(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("llama"))
    prompts = Prompts("shots", tuple("abcde"), SHOTS, "")
    tokens, way, seen = tokens_of(loaded, prompts, "mean"), found_way(loaded, "mean", prompts), []
    assert way.shared
    handle = loaded.model.register_forward_pre_hook(
        lambda module, args, given: seen.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    rows = extract(loaded, tokens, LAYERS, "mean", batch_tokens=20, way=way, threads=1)
    (group,) = (group for group in groups([ids[:-1] for ids in tokens.prompts]) if group.shared)
    handle.remove()
    # Two batches learn how layers are laid out.
    assert len(seen) > 4 and [shape for shape in seen[2:] if shape[1] >= group.shared] == [(1, group.shared)]
    again = extract(loaded, tokens, LAYERS, "mean", batch_tokens=20, way=way, threads=3)
    assert all(np.array_equal(rows[layer], again[layer]) for layer in LAYERS)


def test_a_prompt_that_shares_a_part_of_a_beginning_takes_that(tiny: Callable[..., Path]) -> None:
    tokens = tokens_of(load(tiny("llama")), PROMPTS, "mean")
    half = TEXTS.index(HALF)
    planned = Way(shared=True, packed=True).plan(tokens.prompts, tokens.lengths, 30)
    of_shots = next(batch for batch in planned if 0 in batch.members)
    (part,) = (batch for batch in planned if half in batch.members)
    assert part.of == (0, of_shots.shared) and 8 <= part.shared < of_shots.shared


@pytest.mark.parametrize("packed", [False, True])
def test_where_memory_holds_no_cache_prompts_are_run_as_a_whole(
    tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    loaded = fresh(tiny("llama"))
    alone = extract(loaded, PROMPTS, LAYERS, "mean", way=ALONE)
    forward, refused = loaded.model.forward, []

    def small(input_ids: torch.Tensor, past_key_values: Any = None, **other: Any) -> Any:
        if past_key_values is not None:
            refused.append(len(input_ids))
            raise MemoryError
        return forward(input_ids=input_ids, **other)

    monkeypatch.setattr(loaded.model, "forward", small)
    rows = extract(loaded, PROMPTS, LAYERS, "mean", way=Way(shared=True, packed=packed), threads=1)
    assert refused and drift(rows, alone) < 1e-5


# Rows of tokens that are longer than what a model looks at, or than a prompt of those that were tried.


def of_tokens(prompts: list[tuple[int, ...]]) -> Tokens:
    names = tuple(map(str, range(len(prompts))))
    return Tokens(prompts=tuple(prompts), names=names, texts=names, ids=names)


def drawn(rng: np.random.Generator, layout: str) -> list[tuple[int, ...]]:
    def ids(n: int) -> tuple[int, ...]:
        return tuple(rng.integers(1, 60, size=n).tolist())

    front, other, third = ids(40), ids(30), ids(120)
    short = [front + ids(int(n)) for n in rng.integers(3, 12, size=12)]
    return {
        "one group": short,
        "a group of longer ones": [*short, *(other + ids(60) for _ in range(4))],
        "a group that shares more": [*short, *(third + ids(4) for _ in range(3))],
        "one that takes a part": [*short, front[:20] + ids(90)],
        "a part that is not worth it": [third + ids(4), third + ids(5), third[:15] + ids(100)],
    }[layout]


SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 512}
WINDOWED = {
    "mistral": lambda window: transformers.MistralModel(transformers.MistralConfig(
        **SIZES, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, sliding_window=window)),
    "gpt_neo": lambda window: transformers.GPTNeoModel(transformers.GPTNeoConfig(
        **SIZES, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=window,
        bos_token_id=None, eos_token_id=None)),
    "few positions": lambda window: transformers.GPTNeoModel(transformers.GPTNeoConfig(
        **(SIZES | {"max_position_embeddings": 100 + window}), num_layers=2, num_heads=4,
        attention_types=[[["global", "local"], 1]], window_size=window, bos_token_id=None, eos_token_id=None)),
}  # fmt: skip


LAYOUTS = (
    "one group", "a group of longer ones", "a group that shares more", "one that takes a part",
    "a part that is not worth it",
)  # fmt: skip


@functools.cache
def windowed(family: str, window: int) -> LoadedModel:
    torch.manual_seed(0)
    tokenizer = SimpleNamespace(pad_token_id=0, eos_token_id=0, bos_token_id=None, model_max_length=10**9)
    return LoadedModel(WINDOWED[family](window).eval(), tokenizer, None)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("family", "window"),
    [
        pytest.param(
            family,
            window,
            marks=pytest.mark.long("gpt_neo has the same windows, and positions for all")
            if family == "few positions" and window in (64, 100)
            else pytest.mark.long("between two windows that are tried each time")
            if window == 100
            else (),
        )
        for family in WINDOWED
        for window in (48, 64, 100, 200)
    ],
)
def test_rows_are_right_whatever_a_model_looks_at(family: str, window: int, layout: str) -> None:
    loaded = windowed(family, window)
    tokens = of_tokens(drawn(np.random.default_rng(window), layout))
    alone = extract(loaded, tokens, ["last"], "last_token", way=ALONE)
    for budget in (60, 512):
        assert drift(extract(loaded, tokens, ["last"], "last_token", batch_tokens=budget), alone) < 1e-5


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_rows_that_were_missing_are_the_same_to_the_last_bit(
    tiny: Callable[..., Path], layout: str, packed: bool
) -> None:
    loaded, way = load(tiny("llama")), Way(shared=True, packed=packed)
    tokens = of_tokens(drawn(np.random.default_rng(0), layout))
    whole = extract(loaded, tokens, ["last"], "mean", way=way)["last"]
    for first in range(0, len(whole), 5):
        missing = InMemory(len(whole))
        missing.write(np.arange(len(whole)), np.array(whole))
        missing.done[first : first + 2] = False
        extract(loaded, tokens, ["last"], "mean", way=way, into=lambda *_, rows=missing: rows)
        assert np.array_equal(missing.matrix, whole)


# Models that do not bear it.


@pytest.mark.parametrize("family", ["mamba", "bert", "roberta", "t5", "xlnet", "rwkv", "longformer", "big_bird"])
def test_models_without_keys_and_values_or_that_see_both_sides_are_run_as_a_whole(
    tiny: Callable[..., Path], family: str
) -> None:
    assert not found_way(fresh(tiny(family))).shared


def test_attention_to_both_sides_takes_no_cache_though_it_would_give_one(tiny: Callable[..., Path]) -> None:
    config = fresh(tiny("gemma3")).model.config
    config.use_bidirectional_attention = True
    torch.manual_seed(0)
    model = transformers.Gemma3TextModel(config).eval()
    assert not found_way(replace(load(tiny("gemma3")), model=model)).shared


def _ignored(forward: Callable[..., Any], length: int) -> Callable[..., Any]:
    def without(input_ids: torch.Tensor, past_key_values: Any = None, use_cache: Any = None, **other: Any) -> Any:
        mask = other.pop("attention_mask")[:, -input_ids.shape[1] :]
        if past_key_values is not None and not past_key_values.get_seq_length():
            return forward(input_ids=input_ids, past_key_values=past_key_values, use_cache=True, **other)
        return forward(input_ids=input_ids, attention_mask=mask, use_cache=False, **other)

    return without


def _raises(forward: Callable[..., Any], length: int) -> Callable[..., Any]:
    def raising(past_key_values: Any = None, use_cache: Any = None, **other: Any) -> Any:
        if past_key_values is not None:
            raise KeyError("a cache of another kind")
        return forward(use_cache=use_cache, **other)

    return raising


def _looks_ahead(forward: Callable[..., Any], length: int) -> Callable[..., Any]:
    """Causal in short texts, where it is asked; in long ones each token sees the end, a little."""

    def ahead(input_ids: torch.Tensor, past_key_values: Any = None, use_cache: Any = None, **other: Any) -> Any:
        output = forward(input_ids=input_ids, past_key_values=past_key_values, use_cache=use_cache, **other)
        if input_ids.shape[1] > length:
            shift = 1e-3 * output.last_hidden_state.mean(1, keepdim=True)
            output.last_hidden_state = output.last_hidden_state + shift * torch.arange(shift.shape[-1])
        return output

    return ahead


@pytest.mark.parametrize("how", [_ignored, _raises, _looks_ahead])
def test_the_probe_sees_a_model_whose_rows_would_be_others(
    tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, how: Callable[..., Any]
) -> None:
    loaded = fresh(tiny("llama"))
    # Of equal lengths, so that nothing is padded.
    ends = ("Ann won a race.", "Bob won a race.", "Tim won a race.")
    prompts = Prompts("mine", tuple("abc"), tuple(FRONT + end for end in ends), "")
    assert found_way(loaded, "mean", prompts).shared
    alone = extract(loaded, prompts, ["last"], "mean", way=ALONE)
    monkeypatch.setattr(loaded.model, "forward", how(loaded.model.forward, 5))
    way = way_of(loaded, tokens_of(loaded, prompts, "mean"), ["last"], "mean", batch_tokens=5000)
    assert not way.shared
    if how is not _looks_ahead:
        assert drift(extract(loaded, prompts, ["last"], "mean", way=way), alone) < 1e-5
    (finding,) = (f for f in check_model(loaded, ["last"], "float32", pooling="mean") if "begin with" in f.what)
    assert finding.drift is None and finding.note.endswith("each prompt is run as a whole")


def test_nothing_is_shared_where_little_is_saved_or_the_model_adds_tokens(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("llama"), head=True)
    apart = Prompts("apart", ("a", "b", "c"), ("Yes, it was a cat.", "No, there was a lid.", "So small!"), "")
    assert not found_way(loaded, "mean", apart).shared
    assert not found_way(loaded, "generated(k=3)").shared
    assert not found_way(loaded, "mean", Prompts("one", ("a",), SHOTS[:1], "")).shared


def test_the_check_tells_how_far_rows_move(tiny: Callable[..., Path]) -> None:
    findings = check_model(load(tiny("gpt2")), LAYERS, "float32")
    (finding,) = (f for f in findings if "begin with" in f.what)
    assert finding.passed and finding.tolerance == 1e-5 and finding.drift is not None and 0 < finding.drift < 1e-5
