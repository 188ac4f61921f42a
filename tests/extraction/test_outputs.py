"""Layers of the output head: logits of the next token, and choices; against the library, alone and one by one."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

import likewise
from likewise.errors import InputError, ModelError
from likewise.extraction import check_model, check_possible, extract
from likewise.extraction.beginnings import common
from likewise.extraction.choices import Continuations, rows_of_choices, way_of_choices
from likewise.extraction.forward import log_probabilities
from likewise.extraction.rows import InMemory
from likewise.extraction.ways import Way
from likewise.models import LoadedModel, ModelSpec, load_model
from likewise.plan import Experiment, plan
from likewise.prompts import Choices, DatasetSpec, Format, Prompts, load_choices, load_prompts
from likewise.store import Store

TEXTS = ("The lid did not fit on the jar.", "Short.", "def f(x):\n    return x", "Ça va?", "The lid did not fit.")
PROMPTS = Prompts("some", tuple("abcde"), TEXTS, "")
ASK = "{{ question }}"
CHOICES = {"options": [" {{ first }}", " {{ second }}"], "right": "{{ answer }}"}


def load(folder: Path, head: bool = True) -> LoadedModel:
    return load_model(ModelSpec(model=str(folder)), device="cpu", dtype="float32", head=head)


def library(loaded: LoadedModel, ids: list[int]) -> np.ndarray:
    """Log-probabilities of every next token, by the whole model."""
    with torch.inference_mode():
        logits = loaded.head_model(torch.tensor([ids])).logits[0]
    return log_softmax(logits.double().numpy(), axis=1)


@pytest.mark.parametrize(
    "architecture",
    [
        *("gpt_neox", "bloom", "opt_post_norm", "llama", "gemma3", "gpt2", "mamba"),
        pytest.param("mpt", marks=pytest.mark.long("its head is made as that of bloom")),
        pytest.param("mixtral", marks=pytest.mark.long("its head is made as that of llama")),
    ],
)
def test_logits_are_those_of_the_library(tiny: Callable[..., Path], architecture: str) -> None:
    loaded = load(tiny(architecture))
    found = extract(loaded, PROMPTS, ["last", "1", "logits"], "last_token", batch_tokens=40)
    expected = np.stack([library(loaded, loaded.tokenizer(text)["input_ids"])[-1] for text in TEXTS])
    np.testing.assert_allclose(found["logits"], expected, atol=2e-5)
    assert found["logits"].dtype == np.float32 and np.exp(found["logits"]).sum(axis=1) == pytest.approx(1, abs=1e-5)
    alone = extract(load(tiny(architecture), head=False), PROMPTS, ["last", "1"], "last_token", batch_tokens=40)
    for layer in ("last", "1"):
        np.testing.assert_array_equal(found[layer], alone[layer])
    only = extract(loaded, PROMPTS, ["logits"], "last_token", batch_tokens=40, threads=2)
    np.testing.assert_array_equal(only["logits"], found["logits"])


@pytest.mark.parametrize("side", ["right", "left"])
def test_logits_do_not_depend_on_company(tiny: Callable[..., Path], side: Any) -> None:
    loaded = load(tiny("llama"))
    together = extract(loaded, PROMPTS, ["logits"], "last_token", batch_tokens=4096, way=Way(side=side))
    alone = extract(loaded, PROMPTS, ["logits"], "last_token", way=Way("alone"))
    np.testing.assert_allclose(together["logits"], alone["logits"], atol=1e-4)


def test_scaling_and_capping_after_the_head_are_the_models_own(tiny: Callable[..., Path]) -> None:
    loaded = load(tiny("gemma3"))
    loaded.head_model.config.final_logit_softcapping = 0.5
    found = extract(loaded, PROMPTS, ["logits"], "last_token")
    expected = np.stack([library(loaded, loaded.tokenizer(text)["input_ids"])[-1] for text in TEXTS])
    np.testing.assert_allclose(found["logits"], expected, atol=2e-5)


def test_check_holds_logits_against_the_library(tiny: Callable[..., Path]) -> None:
    findings = {f.what: f for f in check_model(load(tiny("llama")), ["last", "logits"], "float32")}
    own = findings["against the library's own logits"]
    assert own.layer == "logits" and own.drift is not None and own.drift < 1e-5
    assert all(f.passed for f in findings.values())


def test_what_has_no_logits_says_so(tiny: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="loaded without its output head"):
        extract(load(tiny("llama"), head=False), PROMPTS, ["logits"], "last_token")
    spec, data = ModelSpec(model=str(tiny("llama"))), DatasetSpec(source="mixed-prompts")
    with pytest.raises(InputError, match=r"layer logits of .* with pooling mean: .* expected pooling: last_token"):
        check_possible(spec, data, ["logits"], "mean", "error")
    with pytest.raises(InputError, match="layer choices: mixed-prompts has no choices; give it choices"):
        check_possible(spec, data, ["choices"], "last_token", "error")


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    records = [
        {"question": f"Is {i} an even number? It is", "first": "even", "second": "odd, as ever", "answer": 1 + i % 2}
        for i in range(9)
    ]
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def asked(tiny: Callable[..., Path], questions: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "outputs",
        "models": [{"model": str(tiny("llama", seed)), "name": f"llama {seed}"} for seed in (0, 1)],
        "datasets": [{"source": str(questions), "name": "even", "template": ASK, "choices": CHOICES}],
        "representation": {"layers": ["last", "logits", "choices"]},
        "measures": ["cka", "kl_divergence", "equal_top"],
        "statistics": {"permutations": 3, "groups": 0},
        **more,
    }


def test_an_experiment_keeps_and_compares_outputs(tiny: Callable[..., Path], questions: Path, tmp_path: Path) -> None:
    value, store = asked(tiny, questions), Store(tmp_path / "store")
    widths = {w.layer: w.width for w in plan(Experiment.of(value), store).datasets[0].wanted}
    loaded = load(tiny("llama"))
    assert widths == {"last": 32, "logits": loaded.head_model.config.vocab_size, "choices": 2}
    done = likewise.run(value, store.folder)
    assert not done.failed
    found = {
        (about["source"].layer, about["source"].model): (about, store.load_representation(key))
        for key in store.representations()
        for about in [store.describe_representation(key)]
    }
    about, logits = found["logits", str(tiny("llama"))]
    assert (logits.kind, about["n_features"]) == ("log_probabilities", widths["logits"]) and logits.source.columns
    assert found["last", str(tiny("llama"))][1].kind == "states"
    about, choices = found["choices", str(tiny("llama"))]
    assert choices.kind == "log_probabilities" and choices.source.choices == ("1", "2")
    assert choices.source.right == tuple(str(1 + i % 2) for i in range(9))
    assert choices.in_order(choices.ids[::-1]).source.right == choices.source.right[::-1]
    # By hand: each text with its option through the whole model, one at a time.
    for place in range(9):
        ids = [
            loaded.tokenizer(f"Is {place} an even number? It is {option}")["input_ids"]
            for option in ("even", "odd, as ever")
        ]
        front = loaded.tokenizer(f"Is {place} an even number? It is")["input_ids"]
        start = min(common(front, own) for own in ids)
        sums = [sum(library(loaded, own)[j - 1, own[j]] for j in range(start, len(own))) for own in ids]
        assert choices.matrix[place] == pytest.approx(log_softmax(sums), abs=1e-5)
    rows = {(r.measure, r.a, r.b): r for r in done.results}
    assert rows["kl_divergence", "llama 0 @ logits", "llama 1 @ logits"].value > 0
    assert rows["equal_top", "llama 0 @ choices", "llama 1 @ choices"].value <= 1
    assert "holds states" in rows["kl_divergence", "llama 0", "llama 1"].reason
    assert rows["cka", "llama 0 @ logits", "llama 1 @ logits"].value > 0
    # Nothing is left to do, and other options are other rows.
    assert likewise.run(value, store.folder).performed == 0
    value["datasets"][0]["choices"] = {"options": [" {{ second }}", " {{ first }}"]}
    again = plan(Experiment.of(value), store)
    assert [[w.layer for w in task.wanted] for task in again.extractions] == [["choices"], ["choices"]]


def test_records_of_choices_are_the_same_whatever_shares_a_batch(
    tiny: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = asked(tiny, questions, measures=[], representation={"layers": ["choices"]})
    kept = []
    for size, folder in ((64, "whole"), (2, "twos")):
        monkeypatch.setattr("likewise.extraction.choices.AT_ONCE", size)
        store = Store(tmp_path / folder)
        assert not likewise.run(value, store.folder).failed
        kept.append([store.load_representation(key).matrix for key in store.representations()])
    for one, other in zip(*kept, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_choices_go_on_after_a_stop(
    tiny: Callable[..., Path], questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likewise.extraction.choices.AT_ONCE", 2)
    loaded, form = load(tiny("llama")), Format(template=ASK)
    options = tuple(CHOICES["options"])
    spec = DatasetSpec(source=str(questions), name="even", format=form, choices=Choices(options=options))
    prompts = replace(load_prompts(spec), options=load_choices(spec))
    asked = Continuations.of(loaded, prompts, "error")
    way = way_of_choices(loaded, asked, 512)
    whole = rows_of_choices(loaded, asked, InMemory(9), way, 512, lambda *_: None)
    rows, told = InMemory(9), []

    def stop(label: str, done: int, total: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows_of_choices(loaded, asked, rows, way, 512, stop)
    assert rows.done.tolist() == [True] * 4 + [False] * 5
    kept = rows.matrix[:4].copy()
    monkeypatch.setattr("likewise.extraction.choices.log_probabilities", _counted(calls := []))
    assert np.array_equal(rows_of_choices(loaded, asked, rows, way, 512, lambda *_: None), whole)
    assert np.array_equal(rows.matrix[:4], kept) and sum(calls) == 10


def _counted(calls: list[int]) -> Callable[..., Any]:
    def counted(loaded: LoadedModel, ids: Any, *more: Any) -> Any:
        calls.append(len(ids))
        return log_probabilities(loaded, ids, *more)

    return counted


def test_other_vocabularies_are_not_matched(tiny: Callable[..., Path], questions: Path, tmp_path: Path) -> None:
    """Of as many tokens, which are others: only choices can be compared."""
    value = asked(tiny, questions, representation={"layers": ["logits", "choices"]}, measures=["kl_divergence"])
    value["models"][1] = {"model": str(tiny("gpt2", 0)), "name": "gpt2"}
    rows = {(r.a, r.b): r for r in likewise.run(value, tmp_path / "store").results}
    assert "are other tokens or choices" in rows["llama 0 @ logits", "gpt2 @ logits"].reason
    assert rows["llama 0 @ choices", "gpt2 @ choices"].value > 0


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"options": [" {{ first }}"]}, "expected a list of 2 to 100 templates"),
        ({"options": ["a", "b"], "labels": ["x", "x"]}, "expected 2 different ones"),
        ({"options": [" {{ first }}", " even"]}, "two choices of '00000' of even are the same"),
        ({"options": [" {{ first }}", " "]}, "choice 2 of '00000' of even is empty"),
        ({"options": [" {{ first }}", " {{ third }}"]}, "choice 2 of '00000' of even: 'third' is undefined"),
        ({"options": [" a", " b"], "right": "{{ first }}"}, "the right choice of '00000' of even is 'even'; expected"),
        ({"options": [" a", " b"], "prompt": " "}, "the choices of '00000' of even come after nothing"),
    ],
)
def test_choices_that_cannot_be_filled_in_are_refused(questions: Path, choices: dict[str, Any], message: str) -> None:
    made = {k: tuple(v) if isinstance(v, list) else v for k, v in choices.items()}

    def fill() -> None:
        form = Format(template=ASK)
        load_choices(DatasetSpec(source=str(questions), name="even", format=form, choices=Choices(**made)))

    with pytest.raises(InputError, match=message):
        fill()


def test_the_blank_of_winogrande_is_its_choice() -> None:
    spec = DatasetSpec(source="commonsense-probes", limit=4)
    choices, prompts = load_choices(spec), load_prompts(spec)
    for front, own, text, right in zip(choices.prompts, choices.texts, prompts.texts, choices.right, strict=True):
        before, after = text.split("_")
        assert front == before.rstrip() and all(option.startswith(" ") and option.endswith(after) for option in own)
        assert right in choices.labels == ("1", "2")
    entry = DatasetSpec(source="winogrande").completed()
    assert entry.choices == spec.completed().choices and "choices" not in entry.identity()
