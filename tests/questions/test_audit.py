"""Audits of models that are run: one line, an ordinary experiment, resumed from its store."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InputError, LikewiseError
from likewise.plan import Experiment, model_written, plan
from likewise.questions import audit, audit_experiment
from likewise.store import Store

DATA = {"source": "commonsense-probes", "limit": 40, "groups": None}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("gpt2", {"model": "gpt2"}),
        ("me/gpt2:noise(sd=0.1)", {"model": "me/gpt2", "variant": "noise(sd=0.1)"}),
        ("gpt2:reinitialize", {"model": "gpt2", "variant": "reinitialize"}),
        ("q=gpt2:quantize(bits=4)", {"name": "q", "model": "gpt2", "variant": "quantize(bits=4)"}),
        ("8 bits=me/a-b.c", {"name": "8 bits", "model": "me/a-b.c"}),
        (r"C:\models\x.gguf", {"model": r"C:\models\x.gguf"}),
        (
            r"a=C:\models\x:prune(fraction=0.3)",
            {"name": "a", "model": r"C:\models\x", "variant": "prune(fraction=0.3)"},
        ),
        ("/tmp/a:b/c=d:noise(sd=1)", {"model": "/tmp/a:b/c=d", "variant": "noise(sd=1)"}),
        ("gpt2:quantise(bits=4)", {"model": "gpt2", "variant": "quantise(bits=4)"}),
        ("hub:name", {"model": "hub:name"}),
        ("", {"model": ""}),
        ("=", {"model": "="}),
    ],
)
def test_models_are_read_from_one_word(text: str, read: dict[str, str]) -> None:
    assert model_written(text) == read


def test_a_path_that_is_there_is_a_model_whatever_its_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a=b:noise(sd=0.1)"
    (tmp_path / name).mkdir()
    assert model_written(name) == {"model": name}


def test_the_experiment_is_an_ordinary_one(tiny: Callable[..., Path], tmp_path: Path) -> None:
    base = str(tiny())
    asked = audit_experiment(base, [f"{base}:quantize(bits=8)", {"model": base, "name": "half", "dtype": "float16"}])
    short = Path(base).name
    assert [m.name for m in asked.models] == [
        short,
        f"{short} in bfloat16",
        f"{short} run again",
        "quantize(bits=8)",
        "half",
    ]
    assert Experiment.of(asked.model_dump(mode="json")) == asked
    found = plan(asked, Store(tmp_path)).datasets[0]
    assert len(found.wanted) == 5 * 5 and found.pairs == 4 * 5 and found.n_items == 300


def test_an_audit_says_what_moved_and_goes_on_from_its_store(
    tiny: Callable[..., Path], tmp_path: Path, cli: Any
) -> None:
    base = str(tiny())
    same = tmp_path / "the same"
    shutil.copytree(base, same)
    copies = [
        str(same),
        f"tiny={base}:noise(sd=0.0001)",
        f"{base}:noise(sd=0.5, block=2)",
        f"{base}:prune(fraction=0.5)",
    ]
    told: list[str] = []
    asked: dict[str, Any] = {"data": {"source": "commonsense-probes", "limit": 24}, "store": tmp_path / "store"}
    first = audit(base, copies[:2], **asked)
    assert first.values["moved"] is False and first.values["the same.error"] == 0
    assert any("the same has the files of" in limit for limit in first.limits)
    answer = audit(base, copies, watch=lambda label, *_: told.append(label), **asked)
    one, pruned = "noise(sd=0.5, block=2)", "prune(fraction=0.5)"
    assert [answer.values[f"{n}.moved"] for n in ("the same", "tiny", one, pruned)] == [False, False, True, True]
    assert answer.values[f"{one}.first_layer"] == "2" and answer.values[f"{pruned}.first_layer"] == "1"
    assert answer.values[f"{one}.low"] > 1 and answer.failed("moved")
    extracted = {
        label.partition(" on ")[0].split(" ", 1)[1] for label in told if "extracting" in label or " on " in label
    }
    assert {one, pruned} >= {e for e in extracted if e in (one, pruned, "tiny", Path(base).name)}
    prompts = answer.tables["prompts"].records()
    assert all(row["prompt"] for row in prompts)
    # The same from the command line, with the same store: nothing is left to run.
    again = cli(
        "audit", base, *copies, "--data", "commonsense-probes", "--limit", 24, "--store", tmp_path / "store",
        "--executor", "serial", "--fail-if", "moved", "--output", tmp_path / "out",
    )  # fmt: skip
    assert again[0] == 3, again
    assert json.loads((tmp_path / "out" / "answer.json").read_text())["values"] == dict(answer.values)
    assert answer.verdict.split(". ")[0] in " ".join(again[1].split())


def test_what_cannot_be_asked_is_refused_in_one_line(tiny: Callable[..., Path], tmp_path: Path) -> None:
    base = str(tiny())
    (tmp_path / "narrow").mkdir()
    config = json.loads((tiny() / "config.json").read_text())
    (tmp_path / "narrow" / "config.json").write_text(json.dumps({**config, "hidden_size": 16}))
    (tmp_path / "narrow" / "model.safetensors").write_bytes((tiny() / "model.safetensors").read_bytes())
    for wrong, said in [
        (lambda: audit(base, []), "expected one or more models"),
        (lambda: audit(base, {"a": 1}), "expected one or more models"),
        (lambda: audit(base, [base], floor=[]), "no floor"),
        (lambda: audit(base, [f"{base}:quantise(bits=4)"]), "quantize"),
        (lambda: audit(base, ["a=gpt2", "a=distilgpt2"]), "called 'a'"),
        (lambda: audit(base, [base], floor=["bf16"]), "floor"),
        (lambda: audit(base, "/no/such/folder"), "no/such/folder"),
        (lambda: audit(base, str(tmp_path / "narrow")), "narrow has 16 features, and"),
    ]:
        with pytest.raises(InputError, match=said) as refused:
            wrong()
        assert "\n" not in str(refused.value)
    assert likewise.audit is audit


def test_what_could_not_be_run_is_told(tiny: Callable[..., Path], tmp_path: Path) -> None:
    base = str(tiny())
    with pytest.raises(LikewiseError, match="block 9: the model has 3 blocks"):
        audit(base, f"{base}:noise(sd=0.1, block=9)", data={"source": "commonsense-probes", "limit": 8}, store=tmp_path)


@pytest.mark.model
@pytest.mark.long("runs SmolLM2 six times")
def test_copies_of_a_real_model_are_told_from_noise(tmp_path: Path) -> None:
    base = "smollm2-135m-instruct"
    copies = [
        f"same={base}",
        *(
            f"{base}:{v}"
            for v in (
                "noise(sd=0.001)",
                "quantize(bits=8)",
                "quantize(bits=4)",
                "prune(fraction=0.3)",
                "noise(sd=0.05, block=15)",
            )
        ),
    ]
    answer = audit(base, copies, data={"source": "mixed-prompts", "limit": 60}, store=tmp_path)
    of = answer.values
    assert not of["same.moved"] and not of["noise(sd=0.001).moved"]
    assert of["quantize(bits=8).first_layer"] == of["quantize(bits=4).first_layer"] == "1"
    assert 1 < of["quantize(bits=8).low"] < 5 < 20 < of["quantize(bits=4).low"] and of["prune(fraction=0.3).low"] > 15
    assert of["noise(sd=0.05, block=15).first_layer"] == "15"
