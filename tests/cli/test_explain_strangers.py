"""What a store names is not opened because it says so; a name stands for the same rows, or is asked about."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from likewise.cli.main import app
from likewise.errors import InputError
from likewise.oddities import audit
from likewise.prompts import DatasetSpec, Format, load_prompts
from likewise.representation import Representation
from likewise.store import Store

Invoke = Callable[..., tuple[dict[str, str], str]]


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A store whose experiment names a file of prompts."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    path = tmp_path / "home" / "q.jsonl"
    path.write_text("".join(json.dumps({"q": f"prompt {i}"}) + "\n" for i in range(12)))
    spec = DatasetSpec(name="d", source=str(path), format=Format(template="{{ q }}"))
    store = Store(tmp_path / "store")
    about = []
    for place, name in enumerate("ab"):
        matrix = np.random.default_rng(place).normal(size=(12, 4)).astype(np.float32)
        source = {"prompts": load_prompts(spec).fingerprint, "dataset": "d", "model": name, "layer": "last"}
        ids = [f"{i:05d}" for i in range(12)]
        store.save_representation(Representation(matrix, ids, name, name * 24, source), audit(matrix))
        about.append({"name": name, "dataset": "d", "key": name * 24})
    experiment = {
        "name": "theirs",
        "models": ["owner/a", "owner/b"],
        "datasets": [{"name": "d", "source": str(path), "template": "{{ q }}"}],
        "measures": ["cka"],
    }
    store.save_experiment("theirs", {"experiment": experiment, "representations": about})
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(experiment))
    return tmp_path


@pytest.fixture
def explain(theirs: Path) -> Invoke:
    def call(*more: str) -> tuple[dict[str, str], str]:
        command = ["explain", "a", "b", "--dataset", "d", "--store", str(theirs / "store"), "--measure", "cka", *more]
        found = CliRunner().invoke(app, [*command, "--json"])
        assert found.exit_code == 0, found.output
        told = CliRunner().invoke(app, command)
        return {item["id"]: item["prompt"] for item in json.loads(found.stdout)["items"]}, told.output

    return call


def test_a_file_elsewhere_is_not_opened(theirs: Path, explain: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(theirs / "work")
    texts, told = explain()
    assert set(texts.values()) == {None} and "--prompts" in " ".join(told.split())
    (theirs / "work" / "link.jsonl").symlink_to(theirs / "home" / "q.jsonl")
    assert explain("--prompts", str(theirs / "mine.yaml"))[0]["00003"] == "prompt 3"


def test_a_file_of_the_current_folder_is_shown(theirs: Path, explain: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(theirs / "home")
    assert explain()[0]["00003"] == "prompt 3"


@pytest.mark.parametrize("source", ["owner/name", "/etc/passwd.jsonl", "../home/q.jsonl"])
def test_neither_the_hub_nor_another_folder_is_asked(
    source: str, theirs: Path, explain: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(theirs / "work")
    store = Store(theirs / "store")
    about = store.experiments()["theirs"]
    about["experiment"]["datasets"][0] |= (
        {"source": source, "split": "test"} if source == "owner/name" else {"source": source}
    )
    store.save_experiment("theirs", about)
    monkeypatch.setattr("likewise.prompts.load_prompts", lambda spec: pytest.fail(f"opened {spec.source}"))
    assert "--prompts" in " ".join(explain()[1].split())


def test_a_name_that_stands_for_two_rows_is_asked_about(theirs: Path, explain: Invoke) -> None:
    store = Store(theirs / "store")
    about = store.experiments()["theirs"]
    about["representations"][0]["key"], about["representations"][1]["key"] = "b" * 24, "a" * 24
    about["experiment"]["name"] = "other"
    store.save_experiment("other", about)
    for command in (["explain", "a", "b"], ["learning-curve", "a", "b"], ["best-layers", "a", "b"]):
        words = [*command, "--dataset", "d", "--store", str(store.folder)]
        asked = CliRunner().invoke(app, words)
        assert isinstance(asked.exception, InputError), asked.output
        assert "different rows in the experiments other and theirs" in str(asked.exception)
    explain("--experiment", "other")
    asked = CliRunner().invoke(
        app, ["explain", "a", "b", "--dataset", "d", "--store", str(store.folder), "--experiment", "othe"]
    )
    assert "did you mean" in str(asked.exception)
