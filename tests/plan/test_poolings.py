"""A plan knows how each model is pooled without loading it: from its files, or from the pin of a hub model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.errors import InputError
from likewise.models import ModelSpec
from likewise.plan import Experiment, plan, results_of, tasks, unpinned
from likewise.report.experiment import report_experiment
from likewise.store import Store

MODULES = [
    {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"}
    for i, kind in enumerate(("Transformer", "Pooling", "Normalize"))
]


@pytest.fixture
def sentences(tmp_path: Path, tiny: Callable[..., Path]) -> Path:
    """A model that says that it is pooled by the mean, and normalized; its users' prompts begin with a word."""
    folder = Path(shutil.copytree(tiny("bert"), tmp_path / "sentences"))
    (folder / "1_Pooling").mkdir()
    (folder / "modules.json").write_text(json.dumps(MODULES))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts))
    return folder


def small(*models: Any, **more: Any) -> dict[str, Any]:
    datasets = [{"source": "commonsense-probes", "limit": 6}]
    trust = {"groups": 0, "permutations": 3}
    return {"name": "small", "models": models, "datasets": datasets, "measures": ["cka"], "statistics": trust, **more}


def poolings(asked: dict[str, Any], store: Path) -> dict[str, str]:
    return {w.name: w.pooling for d in plan(Experiment.of(asked), Store(store)).datasets for w in d.wanted}


def test_each_model_is_pooled_as_it_says_or_as_was_chosen(
    sentences: Path, tiny: Callable[..., Path], tmp_path: Path
) -> None:
    says, chosen = str(sentences), {"model": str(sentences), "name": "chosen", "pooling": "max"}
    silent = {"model": str(tiny("llama")), "name": "silent"}
    mean = "mean(normalized=True)"
    asked = small(says, chosen, silent)
    assert poolings(asked, tmp_path) == {"sentences": mean, "chosen": "max", "silent": "last_token"}
    asked = small(says, chosen, silent, representation={"pooling": "mean"})
    assert poolings(asked, tmp_path) == {"sentences": "mean", "chosen": "max", "silent": "mean"}
    with pytest.raises(InputError, match="are the same model, variant, precision and layer"):
        plan(Experiment.of(small(says, {**chosen, "pooling": "mean(normalized=true)"})), Store(tmp_path))


def test_one_model_pooled_in_two_ways_gives_the_rows_of_each(
    sentences: Path, tiny: Callable[..., Path], tmp_path: Path
) -> None:
    asked = small(
        str(sentences),
        {"model": str(sentences), "name": "mean", "pooling": "mean"},
        {"model": str(sentences), "name": "last", "pooling": "last_token"},
    )
    done = likewise.run(asked, tmp_path / "s")
    assert not done.failed
    store = Store(tmp_path / "s")
    about = store.experiments()["small"]
    rows = {r["name"]: store.load_representation(r["key"]) for r in about["representations"]}
    mean = rows["mean"].matrix.astype(float)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(rows["sentences"].matrix, expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(rows["last"].matrix, mean, atol=1e-2)
    told = rows["sentences"].source
    assert told["pooling"] == "mean(normalized=True)"
    assert told["model_says"] == {"pooling": "mean(normalized=True)", "prompt": "query: "}
    page = report_experiment(store, "small", tmp_path / "page")
    tables = "".join(p.read_text() for p in sorted(page.parent.rglob("*.csv")))
    assert "mean(normalized=True)" in page.read_text() and "query: " in tables


def test_a_pin_says_it_and_an_older_pin_is_asked_again(tmp_path: Path) -> None:
    store, spec = Store(tmp_path), ModelSpec(model="owner/one")
    store.save_pin("model", "owner/one", "main", "c0", 8, 2)
    assert [task.hub for task in unpinned([spec], store)] == ["owner/one"]
    store.save_pin("model", "owner/one", "main", "c1", 9, 9, {"pooling": "mean", "why_not": None})
    pin = store.pin("model", "owner/one", "main")
    assert pin is not None and (pin["commit"], pin["width"], pin["says"]["pooling"]) == ("c0", 8, "mean")
    assert unpinned([spec], store) == () and tasks.model_pooling(spec, store) == "mean"
    store.save_pin("model", "owner/one", "main", "c2", 9, 9, {"pooling": "max", "why_not": None})
    assert store.pin("model", "owner/one", "main") == pin


def test_a_pin_of_what_cannot_be_followed_asks_for_a_choice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_pin("model", "owner/one", "main", "c", 8, 2, {"pooling": None, "why_not": "its modules are odd"})
    with pytest.raises(
        InputError, match="owner/one has a pooling .*: its modules are odd; choose another one with pooling"
    ):
        poolings(small("owner/one", "owner/two"), tmp_path)
    chosen = {"model": "owner/one", "pooling": "mean"}
    assert poolings(small(chosen, "owner/two"), tmp_path) == {"one": "mean", "two": "last_token"}


def test_a_store_with_rows_of_before_is_reported_and_its_models_run_once_again(
    tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = small(*({"model": str(tiny("llama", seed)), "name": f"m{seed}"} for seed in (0, 1)))
    monkeypatch.setattr(tasks, "REPRESENTATION_VERSION", 1)
    before = likewise.run(asked, tmp_path / "s")
    monkeypatch.undo()
    store = Store(tmp_path / "s")
    told = results_of(store, store.experiments()["small"])
    assert [row.value for row in told] == [row.value for row in before.results] and len(told) == 1
    page = report_experiment(store, "small", tmp_path / "page").read_text()
    assert "m0" in page and "m1" in page
    assert len(plan(Experiment.of(asked), store).extractions) == 2
    again = likewise.run(asked, tmp_path / "s")
    assert again.performed == before.performed and len(store.representations()) == 4
    assert likewise.run(asked, tmp_path / "s").performed == 0
    assert again.results[0].value == before.results[0].value
