"""Tokens: spans are found exactly, beginnings are neither lost nor doubled, nothing is cut in silence."""

import functools
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import likewise
from likewise.cli.main import app
from likewise.errors import InputError
from likewise.extraction import extract
from likewise.models import ModelSpec, load_model
from likewise.plan import Experiment, plan
from likewise.prompts import Prompts, Spans, Tokens
from likewise.prompts.rendering import matches
from likewise.prompts.spans import Piece, find_spans
from likewise.prompts.tokens import tokenize
from likewise.store import Store
from tiny_tokenizers import SCRIPTS, tokenizer

REAL = "smollm2-135m-instruct"
WORDS = Spans(regex=r"\w+")
JOINER = "\u200d"
"""A character that shows nothing, which some tokenizers drop."""


def found_in(spans: Spans, item: str, text: str) -> tuple[Piece, ...]:
    return find_spans(spans, "mine", item, text, text, {}, matches(spans.regex or "", text))


def prompts_of(texts: tuple[str, ...], spans: Spans | None = None) -> Prompts:
    ids = tuple(f"p{i}" for i in range(len(texts)))
    found = tuple(found_in(spans, i, t) for i, t in zip(ids, texts, strict=True)) if spans else None
    return Prompts("mine", ids, texts, "", spans=found)


# Spans


def letters(kind: str, text: str) -> Iterator[tuple[int, bytes]]:
    """What a tokenizer reads of a text, byte by byte, each with the place of its character."""
    for place, letter in enumerate(text):
        read = letter
        if kind == "wordpiece":
            folded = unicodedata.normalize("NFD", letter).lower()
            kept = [c for c in folded if unicodedata.category(c) not in ("Mn", "Cf") and not c.isspace()]
            read = "".join(kept)
        for byte in read.encode():
            yield place, bytes([byte])


def surface(kind: str, token: str, alphabet: dict[str, int]) -> bytes:
    """The bytes that a token stands for."""
    if kind == "wordpiece":
        return token.removeprefix("##").encode()
    if kind == "sentencepiece":
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", token)
        return bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode()
    return bytes(alphabet[letter] for letter in token)


def unknown(left: list[tuple[int, bytes]], text: str) -> int:
    """How many bytes a word that is not in the vocabulary has: to a space, a sign, or a letter that is a word."""

    def alone(letter: str) -> bool:
        signs = unicodedata.category(letter)[0] == "P" or letter in "+=<>$^`|~"
        return signs or "CJK UNIFIED" in unicodedata.name(letter, "")

    first, count = left[0][0], 0
    for place, _ in left:
        between = text[first : place + 1]
        if place > first and (re.search(r"\s", between) or any(map(alone, between))):
            break
        count += 1
    return count


def walked(kind: str, tokens: list[str], text: str) -> list[set[int]]:
    """The characters of each token, found by reading the text along with the tokens: none of the library's offsets."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    alphabet = {letter: byte for byte, letter in bytes_to_unicode().items()}
    left = list(letters(kind, text))
    if kind == "sentencepiece":
        left.insert(0, (-1, b" "))
    found = []
    for token in tokens:
        if token == "[UNK]":
            count = unknown(left, text)
        else:
            read = surface(kind, token, alphabet)
            count = len(read)
            assert b"".join(byte for _, byte in left[:count]) == read, (token, left[:count])
        taken, left = left[:count], left[count:]
        places = [place for place, _ in taken]
        found.append(set(range(min(places), max(places) + 1)))
    assert not left
    return found


@functools.cache
def real_tokenizer() -> Any:
    return load_model(ModelSpec(model=REAL), device="cpu", dtype="float32").tokenizer


@pytest.mark.parametrize(
    "kind",
    [
        "bytes",
        "wordpiece",
        "sentencepiece",
        pytest.param(REAL, marks=[pytest.mark.model, pytest.mark.xdist_group("real")]),
    ],
)
@pytest.mark.parametrize("spans", [WORDS, Spans(regex=r"\S+"), Spans(regex=r"\S")], ids=["words", "chunks", "letters"])
def test_spans_are_the_tokens_that_cover_their_characters(kind: str, spans: Spans) -> None:
    mine = real_tokenizer() if kind == REAL else tokenizer(kind)
    prompts = prompts_of((*SCRIPTS, "The lid did not fit on the jar."), spans)
    tokens = tokenize(mine, prompts)
    assert tokens.rows is not None and prompts.spans is not None
    named = {}
    for ids, text, rows, pieces in zip(tokens.prompts, prompts.texts, tokens.rows, prompts.spans, strict=True):
        special = set(mine.all_special_ids) - {mine.unk_token_id}
        places = [i for i, token in enumerate(ids) if token not in special]
        covered = walked(kind, mine.convert_ids_to_tokens([ids[i] for i in places]), text)
        expected = {
            name: tuple(i for i, of_one in zip(places, covered, strict=True) if of_one & set(range(*span)))
            for name, span in pieces
        }
        found = [name for name, _ in pieces if name not in tokens.unaligned]
        assert dict(zip(found, rows, strict=True)) == {name: places for name, places in expected.items() if places}
        named |= expected
    assert {name for name, places in named.items() if not places} == set(tokens.unaligned)
    assert [name for _, pieces in enumerate(prompts.spans) for name, _ in pieces if named[name]] == list(tokens.ids)
    # Only what the tokenizer drops has no token: joiners, and marks that change another letter.
    texts = dict(prompts.named_texts())
    assert all(unicodedata.category(texts[name][0]) in ("Cf", "Mn") for name in tokens.unaligned)
    assert kind == "wordpiece" or not tokens.unaligned


def test_tokens_that_reach_into_other_words_are_counted() -> None:
    prompts = prompts_of(("The lid did not fit.",), Spans(regex="[a-z]"))
    assert tokenize(tokenizer("bytes"), prompts).straddled > 0
    assert tokenize(tokenizer("bytes"), prompts_of(prompts.texts, Spans(regex=r"\S+"))).straddled == 0


def test_a_row_of_a_span_is_of_its_own_tokens(tiny: Callable[..., Path]) -> None:
    import torch

    loaded = load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")
    prompts = prompts_of(
        ("The lid did not fit on the jar.", "Short one.", "A much longer sentence about naïve cafés."), WORDS
    )
    tokens = tokenize(loaded.tokenizer, prompts)
    assert tokens.rows is not None
    last = extract(loaded, prompts, ["1", "last"], "last_token", batch_tokens=10_000)
    mean = extract(loaded, tokens, ["last"], "mean", batch_tokens=1)["last"]
    row = 0
    for ids, rows in zip(tokens.prompts, tokens.rows, strict=True):
        with torch.inference_mode():
            states = loaded.model(torch.tensor([list(ids)])).last_hidden_state[0].numpy()
        for places in rows:
            np.testing.assert_allclose(last["last"][row], states[places[-1]], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(mean[row], states[list(places)].mean(0), rtol=1e-4, atol=1e-5)
            row += 1
    assert row == len(tokens.ids) == len(mean)


def test_models_with_other_tokenizers_have_the_same_rows(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    """What one of them has no token for is left out for all, and named."""
    texts = ["The lid did not fit on the jar.", f"She is a {JOINER} indeed.", "Ça déjà coûte très cher."]
    (tmp_path / "texts.jsonl").write_text("\n".join(f'{{"t": "{t}"}}' for t in texts))
    value: dict[str, Any] = {
        "name": "spans",
        "models": [str(tiny("llama")), str(tiny("bert")), {"model": str(tiny("t5")), "name": "third"}],
        "datasets": [
            {
                "source": str(tmp_path / "texts.jsonl"),
                "name": "texts",
                "template": "{{ t }}",
                "spans": {"regex": r"\w+|\u200d"},
            }
        ],
        "representation": {"pooling": "mean"},
        "measures": ["cka", "rsa"],
        "statistics": {"permutations": 5, "groups": 0},
    }
    done = likewise.run(value, tmp_path / "store")
    assert not done.failed and len(done.results) == 3 * 2
    store = Store(tmp_path / "store")
    described = [store.describe_representation(key) for key in store.representations()]
    lacking = {name for about in described for name in about["source"]["unaligned"]}
    assert {row.n_items for row in done.results} == {len(set.union(*(set(d["ids"]) for d in described))) - len(lacking)}
    for about in described:
        assert about["audit"]["unaligned_spans"] == len(about["source"]["unaligned"])
    assert likewise.run(value, tmp_path / "store").performed == 0
    # Commands that read the store leave the same rows out.
    command = ["explain", "llama-0", "bert-0", "--dataset", "texts", "--store", str(tmp_path / "store"), "--json"]
    explained = CliRunner().invoke(app, [*command, "--measure", "cka"])
    assert explained.exit_code == 0, explained.output
    assert {item["id"] for item in json.loads(explained.stdout)["items"]}.isdisjoint(lacking) and lacking
    asked = plan(Experiment.of(value), store)
    assert not asked.tiles and asked.datasets[0].scores_done == 6


# Beginnings


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("bytes", None), ("bytes-bos", False), ("bytes-begun", True), ("sentencepiece", True), ("llama", True),
        ("wordpiece", None),
    ],
)  # fmt: skip
def test_prompts_begin_as_their_tokenizer_begins_them(kind: str, begins: bool | None) -> None:
    mine = tokenizer(kind)
    tokens = tokenize(mine, prompts_of(("One prompt.", "Another, longer prompt.")))
    assert tokens.begins == (None if begins is None else (begins, begins))
    for ids, text in zip(tokens.prompts, ("One prompt.", "Another, longer prompt."), strict=True):
        assert list(ids) == mine(text)["input_ids"]
        if begins:
            assert ids[0] == mine.bos_token_id != ids[1]


@pytest.mark.parametrize("kind", ["bytes-begun", "sentencepiece", "llama"])
def test_a_beginning_that_the_text_spells_out_is_not_doubled(kind: str) -> None:
    mine = tokenizer(kind)
    plain = "The lid did not fit."
    spelt = tokenize(mine, prompts_of((f"{mine.bos_token}{plain}",), WORDS))
    (ids,) = spelt.prompts
    assert ids[0] == mine.bos_token_id != ids[1]
    # The places of the spans follow.
    assert spelt.rows is not None
    words = mine.convert_ids_to_tokens([ids[places[-1]] for places in spelt.rows[0]])
    assert words[-1].endswith("t") and len(words) >= 5


def test_beginnings_that_the_tokenizer_does_not_add_are_left_as_the_text_has_them() -> None:
    mine = tokenizer("bytes-bos")
    twice = f"{mine.bos_token}{mine.bos_token}The lid."
    (ids,) = tokenize(mine, prompts_of((twice,))).prompts
    assert list(ids) == mine(twice)["input_ids"] and ids[:2] == (mine.bos_token_id,) * 2


CHAT = (
    "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}> {{ m['content'] | trim }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def chat_of(*texts: str, generation_prompt: bool = True, system: str | None = None) -> Prompts:
    """A chat of each text."""
    chats = tuple(((("system", system),) if system else ()) + (("user", text),) for text in texts)
    ids = tuple(f"p{i}" for i in range(len(texts)))
    spans = tuple(found_in(WORDS, *one) for one in zip(ids, texts, strict=True))
    return Prompts("mine", ids, texts, "", chats, generation_prompt, spans)


def test_a_chat_is_written_by_the_models_own_template() -> None:
    mine = tokenizer("llama")
    mine.chat_template = CHAT
    tokens = tokenize(mine, chat_of("  Does the lid fit?  ", system="Be brief."))
    (ids,) = tokens.prompts
    written = "<s><system> Be brief.\n<user> Does the lid fit?\n<assistant>"
    assert list(ids) == mine(written, add_special_tokens=False)["input_ids"]
    assert tokens.begins == (True,) and ids[1] != mine.bos_token_id
    assert tokens.rows is not None
    offsets = mine(written, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    covered = [written[offsets[places[0]][0] : offsets[places[-1]][1]].strip() for places in tokens.rows[0]]
    assert [word.strip("?") for word in covered] == ["Does", "the", "lid", "fit"]
    shorter = tokenize(mine, chat_of("Does the lid fit?", generation_prompt=False))
    assert len(shorter.prompts[0]) < len(ids)


def test_spans_of_a_chat_are_of_what_the_user_says_and_not_of_the_templates_own_words() -> None:
    mine = tokenizer("bytes")
    mine.chat_template = CHAT
    texts = ("is", " user", "a")
    tokens = tokenize(mine, chat_of(*texts))
    assert tokens.rows is not None
    for text, ids, (places,) in zip(texts, tokens.prompts, tokens.rows, strict=True):
        written = f"{mine.bos_token or ''}<user> {text.strip()}\n<assistant>"
        assert list(ids) == mine(written, add_special_tokens=False)["input_ids"]
        offsets = mine(written, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        assert offsets[places[0]][0] <= written.index("> ") + 2 < offsets[places[-1]][1] <= written.index("\n")


def test_a_chat_template_that_asks_for_the_date_gets_the_same_every_day() -> None:
    mine = tokenizer("llama")
    mine.chat_template = "{{ strftime_now('%d %b %Y') }} {{ date_string }} " + CHAT
    tokens = tokenize(mine, chat_of("Hello there"))
    assert "01 Jan 2025 01 Jan 2025" in mine.decode(tokens.prompts[0])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "this model's tokenizer has no chat template"),
        ("{{ raise_exception('no system role') }}", "refuses mine: no system role"),
        ("{% for m in messages %}{{ m['content'] | upper }}{% endfor %}", "changes the text of prompt 'p0'"),
    ],
)
def test_what_a_chat_template_cannot_do_is_said(template: str | None, message: str) -> None:
    mine = tokenizer("bytes")
    mine.chat_template = template
    with pytest.raises(InputError, match=message):
        tokenize(mine, chat_of("Does the lid fit?"))


# Length


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", ["bytes", "wordpiece", "sentencepiece"])
def test_what_is_cut_is_told_and_special_tokens_stay(kind: str, side: Any) -> None:
    mine = tokenizer(kind)
    long, short = "The lid did not fit on the jar because it was far too small.", "Short."
    tokens = tokenize(mine, prompts_of((long, short)), longest=12, truncation=side)
    assert tokens.truncated == ("p0",)
    whole = mine(long)["input_ids"]
    begun, ended = (sum(t in mine.all_special_ids for t in (whole[0], whole[-1])[k : k + 1]) for k in (0, 1))
    inner = whole[begun : len(whole) - ended]
    room = 12 - begun - ended
    kept = inner[-room:] if side == "left" else inner[:room]
    assert list(tokens.prompts[0]) == [*whole[:begun], *kept, *whole[len(whole) - ended :]]
    assert list(tokens.prompts[1]) == mine(short)["input_ids"]
    assert isinstance(tokenize(mine, prompts_of((long,)), longest=len(whole), truncation=side), Tokens)
    assert tokenize(mine, prompts_of((long,)), longest=len(whole), truncation=side).truncated == ()


def test_spans_that_were_cut_are_named() -> None:
    prompts = prompts_of(("The lid did not fit on the jar.",), WORDS)
    tokens = tokenize(tokenizer("bytes"), prompts, longest=4, truncation="right")
    assert tokens.truncated == ("p0",)
    assert tokens.ids + tokens.unaligned == tuple(name for name, _ in prompts.spans[0])  # type: ignore[index]
    assert "p0[27:30]" in tokens.unaligned


@pytest.mark.parametrize(
    ("longest", "room", "message"),
    [
        (5, 0, "prompt 'p0' has .* tokens and the model takes 5; shorten it, leave it out, or cut it"),
        (8, 8, "none is left for a prompt"),
    ],
)
def test_too_long_is_an_error_by_default(longest: int, room: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tokenize(tokenizer("bytes"), prompts_of(("The lid did not fit on the jar.",)), longest, room=room)


def test_what_is_far_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a chat template of five million characters."""
    reader = tokenizer("bytes")
    monkeypatch.setattr(type(reader), "__call__", lambda *given, **more: pytest.fail("it was read"))
    with pytest.raises(InputError, match="prompt 'p0' has 20,000 characters and the model takes 5 tokens; shorten"):
        tokenize(reader, prompts_of(("x " * 10_000,)), 5)


def test_a_prompt_without_tokens_is_refused() -> None:
    with pytest.raises(InputError, match="prompt 'p0' has no tokens"):
        tokenize(tokenizer("bytes"), prompts_of(("",)))


def test_spans_need_offsets() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(InputError, match="Slow does not say which characters .* expected a fast tokenizer"):
        tokenize(Slow(), prompts_of(("The lid",), WORDS))


def test_no_span_with_a_token_is_an_error() -> None:
    with pytest.raises(InputError, match="no span of mine has a token"):
        tokenize(tokenizer("wordpiece"), prompts_of((f"a {JOINER} b",), Spans(regex=JOINER)))
