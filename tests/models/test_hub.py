"""A name on the hub becomes a commit, by the hub or by its cache, or a message that says what helps."""

import json
from pathlib import Path

import pytest

import tiny as tiny_models
from hub import Hub, write_prompts
from likewise.errors import InputError, ModelError
from likewise.models import ModelSpec, Resolved, Says, resolve_dataset, resolve_model

SIZE = {"width": tiny_models.WIDTH, "blocks": tiny_models.BLOCKS}


@pytest.fixture
def asked(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The hub that this process asks, with an empty cache."""
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", hub.address)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return hub


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A repository that holds a model's config and nothing else."""
    tiny_models.make_config("llama").save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_revision_is_a_commit_with_its_size(asked: Hub, model: Path) -> None:
    first = asked.push("model", "owner/sized", model)
    assert resolve_model("owner/sized", "main") == Resolved(first, **SIZE)
    second = asked.push("model", "owner/sized", model, branch="refs/pr/1")
    assert resolve_model("owner/sized", "refs/pr/1").commit == second
    assert resolve_model("owner/sized", "main").commit == resolve_model("owner/sized", first).commit == first


def test_a_model_without_a_config_has_a_commit_and_no_size(asked: Hub, tmp_path: Path) -> None:
    commit = asked.push("model", "owner/bare", write_prompts(tmp_path / "bare", ["x"]))
    assert resolve_model("owner/bare", "main") == Resolved(commit, None, None)


def test_what_a_model_says_of_its_use_is_found_on_the_hub_and_in_its_cache(
    asked: Hub, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = (("", "Transformer"), ("pool", "Pooling"), ("n", "Normalize"))
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds]
    (model / "pool").mkdir()
    (model / "modules.json").write_text(json.dumps(modules))
    (model / "pool" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (model / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 99}))
    commit = asked.push("model", "owner/says", model)
    assert ModelSpec(model="owner/says").says() == Says()  # nobody was asked yet
    expected = Says("first_token(normalized=True)", longest=99)
    assert resolve_model("owner/says", "main").says == expected
    assert ModelSpec(model="owner/says", revision=commit).says() == expected
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert resolve_model("owner/says", "main").says == expected


def test_odd_files_on_the_hub_are_said(asked: Hub, model: Path) -> None:
    (model / "modules.json").write_text("{}")
    asked.push("model", "owner/odd", model)
    with pytest.raises(InputError, match=r"modules.json: expected a list, got \{\}"):
        resolve_model("owner/odd", "main")


def test_models_and_data_sets_of_one_name_are_two(asked: Hub, model: Path, tmp_path: Path) -> None:
    of_model = asked.push("model", "owner/both", model)
    of_dataset = asked.push("dataset", "owner/both", write_prompts(tmp_path / "both", ["x"]))
    assert (resolve_model("owner/both", "main").commit, resolve_dataset("owner/both", "main")) == (of_model, of_dataset)


def test_offline_the_cache_knows_what_was_asked_before(
    asked: Hub, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.push("model", "owner/kept", model)
    found = resolve_model("owner/kept", "main")
    asked.push("model", "owner/kept", model)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    before = len(asked.asked)
    assert resolve_model("owner/kept", "main") == found
    with pytest.raises(ModelError, match=r"owner/kept at 'v2' is not in the cache .* cannot be reached"):
        resolve_model("owner/kept", "v2")
    with pytest.raises(ModelError, match=r"the data set owner/none at .* cannot be reached.*: source: PATH.jsonl"):
        resolve_dataset("owner/none", "main")
    with pytest.raises(ModelError, match="owner/kept at '0{40}' is not in the cache"):
        resolve_model("owner/kept", "0" * 40)
    assert len(asked.asked) == before


def test_without_a_connection_the_cache_is_asked(asked: Hub, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.push("model", "owner/cut-off", model)
    found = resolve_model("owner/cut-off", "main")
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", "http://127.0.0.1:9")  # where nobody listens
    assert resolve_model("owner/cut-off", "main") == found
    with pytest.raises(ModelError, match="owner/unseen at 'main' is not in the cache .* cannot be reached"):
        resolve_model("owner/unseen", "main")


def test_a_hub_that_fails_is_said(asked: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("\nsomething else\nand more")

    monkeypatch.setattr("huggingface_hub.resolve_revision", broken)
    with pytest.raises(ModelError, match=r"could not be loaded from the hub http.*\(RuntimeError: something else\)"):
        resolve_model("owner/any", "main")


def test_what_the_hub_refuses_is_explained(asked: Hub, model: Path, tmp_path: Path) -> None:
    asked.push("model", "owner/open", model)
    asked.push("model", "owner/gated", model, gated=True)
    asked.push("dataset", "owner/gated", write_prompts(tmp_path / "gated", ["x"]), gated=True)
    with pytest.raises(ModelError, match="the model owner/none is not on the hub, or is private.*folder or .gguf file"):
        resolve_model("owner/none", "main")
    with pytest.raises(ModelError, match="the data set owner/none is not on the hub.*: source: PATH.jsonl"):
        resolve_dataset("owner/none", "main")
    with pytest.raises(ModelError, match="owner/open has no revision 'v9'; expected a branch, a tag or a commit"):
        resolve_model("owner/open", "v9")
    with pytest.raises(ModelError, match="owner/open has no revision '0{40}'"):
        resolve_model("owner/open", "0" * 40)
    with pytest.raises(
        ModelError, match=r"owner/gated is only for users .* accept them at http\S+/owner/gated, log in"
    ):
        resolve_model("owner/gated", "main")
    with pytest.raises(ModelError, match=r"data set owner/gated is only for users .* at http\S+/datasets/owner/gated,"):
        resolve_dataset("owner/gated", "main")
