"""From the hub to the table: a store keeps to the commits that it began with, online and offline."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import likewise
import tiny as tiny_models
from hub import Hub, write_prompts
from likewise.models import ModelSpec
from likewise.plan import Experiment, Resolve, model_size, plan
from likewise.store import Store

pytestmark = pytest.mark.xdist_group("hub")  # what is made once for the file is made in one process

MODELS = ["owner/one", "owner/two"]
COMMAND = [sys.executable, "-m", "likewise", "run", "--executor", "serial", "--json"]
SOURCE = Path(likewise.__file__).parents[1]


def small(models: list[Any], datasets: list[Any]) -> dict[str, Any]:
    return {"name": "small", "models": models, "datasets": datasets, "measures": ["cka"], "statistics": {"groups": 0}}


def prompts(hub_id: str, **more: Any) -> dict[str, Any]:
    return {"source": hub_id, "split": "test", "template": "{{ prompt }}", **more}


@dataclass
class Workplace:
    """A machine with its cache, on which the command runs."""

    hub: Hub
    folder: Path

    def run(self, asked: dict[str, Any], store: str, **environment: str) -> tuple[dict[str, Any], Store]:
        """Run an experiment in a process of its own, for the clients read their settings when they are imported."""
        path = self.folder / f"{store}.yaml"
        path.write_text(yaml.safe_dump(asked))
        done = subprocess.run(
            [*COMMAND, str(path), "--store", str(self.folder / store)],
            env={**self.hub.environment(self.folder / "home", **environment), "PYTHONPATH": str(SOURCE)},
            capture_output=True,
            text=True,
        )
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout), Store(self.folder / store)


@pytest.fixture(scope="module")
def workplace(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(hub, tmp_path_factory.mktemp("workplace"))


def commits(store: Store) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The commits of model and data set that their representations name."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for key in store.representations():
        source = store.describe_representation(key)["source"]
        found.setdefault((source["model"], source["dataset"]), set()).add(
            (source["revision"], source["dataset_revision"])
        )
    return found


moves = pytest.mark.long("five processes that load torch, one after the other")


@pytest.fixture(scope="module")
def moved(workplace: Workplace, tiny: Callable[..., Path]) -> dict[str, Any]:
    """A store, then new commits on every ``main``, and what runs do after that."""
    hub = workplace.hub
    asked = small(MODELS, [prompts("owner/old")])

    def push(seed: int, word: str) -> dict[str, str]:
        heads = {m: hub.push("model", m, tiny("llama", seed + i)) for i, m in enumerate(MODELS)}
        for d in ("owner/old", "owner/new"):
            heads[d] = hub.push(
                "dataset", d, write_prompts(workplace.folder / word / d, [f"{word} {d} {i}" for i in range(9)])
            )
        return heads

    steps: dict[str, Any] = {"first": push(0, "One"), "begun": workplace.run(asked, "kept")}
    steps["second"] = push(2, "Two")
    steps["added"] = workplace.run(small(MODELS, [prompts("owner/old"), prompts("owner/new")]), "kept")
    steps["fresh"] = workplace.run(asked, "fresh")
    hub.asked.clear()
    steps["offline"] = workplace.run(asked, "offline", HF_HUB_OFFLINE="1")
    steps["kept offline"] = workplace.run(small(MODELS, [prompts("owner/old", limit=5)]), "kept", HF_HUB_OFFLINE="1")
    steps["asked offline"] = list(hub.asked)
    return steps


@moves
def test_an_experiment_runs_from_the_hub_to_the_table(moved: dict[str, Any]) -> None:
    told, store = moved["begun"]
    assert (told["failed"], told["not_compared"], told["scores"]) == ([], [], 1)
    assert told["performed"] == 3 + 2 + 1 + 1  # pins, extractions, a reduction, a tile
    assert store.pin("model", "owner/one", "main") == {
        "kind": "model",
        "hub": "owner/one",
        "revision": "main",
        "commit": moved["first"]["owner/one"],
        "width": tiny_models.WIDTH,
        "blocks": tiny_models.BLOCKS,
        "says": {"pooling": None, "why_not": None},
    }
    assert likewise.run(small(MODELS, [prompts("owner/old")]), store.folder).performed == 0


@moves
def test_a_store_keeps_to_its_commits_when_main_moves(moved: dict[str, Any]) -> None:
    told, store = moved["added"]
    assert (told["failed"], told["performed"]) == ([], 1 + 2 + 1 + 1)
    first, second = moved["first"], moved["second"]
    found = commits(store)
    for model in MODELS:
        assert found[model, "old"] == {(first[model], first["owner/old"])}
        assert found[model, "new"] == {(first[model], second["owner/new"])}


@moves
def test_a_new_store_takes_the_new_commits(moved: dict[str, Any]) -> None:
    assert moved["fresh"][0]["failed"] == []
    second = moved["second"]
    expected = {(model, "old"): {(second[model], second["owner/old"])} for model in MODELS}
    assert commits(moved["fresh"][1]) == expected == commits(moved["offline"][1])


@moves
def test_offline_the_cache_is_enough(moved: dict[str, Any]) -> None:
    assert moved["asked offline"] == []
    (fresh, a), (offline, b) = moved["fresh"], moved["offline"]
    assert offline["failed"] == [] and offline["scores"] == fresh["scores"]
    for key in a.representations():
        assert (a.load_representation(key).matrix == b.load_representation(key).matrix).all()


@moves
def test_offline_an_older_commit_is_not_taken_for_the_newest(moved: dict[str, Any]) -> None:
    """The cache's own choice would be the data set that was prepared last."""
    told, store = moved["kept offline"]
    assert told["failed"] == []
    five = next(k for k in store.representations() if store.describe_representation(k)["n_items"] == 5)
    nine = next(
        k
        for k in store.representations()
        if (about := store.describe_representation(k))["source"]["dataset"] == "old"
        and about["source"]["model"] == store.describe_representation(five)["source"]["model"]
        and about["n_items"] == 9
    )
    rows = store.load_representation(nine).matrix[:5]
    assert store.load_representation(five).matrix == pytest.approx(rows, abs=1e-4)


@pytest.mark.long("a run in a process of its own, with models of several kinds")
def test_what_cannot_be_had_fails_alone(workplace: Workplace, tiny: Callable[..., Path], tmp_path: Path) -> None:
    hub = workplace.hub
    hub.push("model", "owner/fine", tiny("llama", 0))
    hub.push("model", "owner/gated", tiny("llama", 0), gated=True)
    hub.push("model", "owner/pickled", tiny_models.save_tiny(tmp_path / "pickled", seed=1, safe=False))
    hub.push("dataset", "owner/few", write_prompts(tmp_path / "few", [f"Few {i}" for i in range(6)]))
    models = ["owner/none", "owner/gated", {"model": "owner/fine", "revision": "v9", "name": "v9"}, "owner/pickled"]
    local = [str(tiny("llama", 0)), str(tiny("gpt_neox", 1))]
    told, store = workplace.run(small([*models, *local], [prompts("owner/few"), prompts("owner/lost")]), "failing")
    failed = {f["task"]: f["error"] for f in told["failed"]}
    assert list(failed) == ["owner/lost", "owner/none", "owner/gated", "owner/fine at v9", "pickled on few"]
    for error, part in zip(
        failed.values(),
        [
            "the data set owner/lost is not on the hub",
            "the model owner/none is not on the hub",
            "accept them at",
            "no revision 'v9'",
            "are refused because loading them can run code",
        ],
        strict=True,
    ):
        assert part in error
    assert len(store.representations()) == 2 and told["not_compared"]


@moves
def test_sizes_come_from_the_pin(moved: dict[str, Any], tmp_path: Path) -> None:
    spec = ModelSpec(model="owner/one")
    assert model_size(spec, Store(tmp_path)) is None
    assert model_size(spec, moved["begun"][1]) == {"width": tiny_models.WIDTH, "blocks": tiny_models.BLOCKS}
    known = ModelSpec(model="EleutherAI/pythia-6.9b-deduped")
    assert model_size(known, Store(tmp_path)) == {"width": 4096, "blocks": 32}


@moves
def test_a_plan_names_what_is_to_be_pinned_and_asks_nobody(moved: dict[str, Any], tmp_path: Path, hub: Hub) -> None:
    before = len(hub.asked)
    asked = Experiment.of(small(MODELS, [prompts("owner/old")]))
    assert plan(asked, Store(tmp_path)).resolutions == (
        Resolve("dataset", "owner/old", "main"),
        Resolve("model", "owner/one", "main"),
        Resolve("model", "owner/two", "main"),
    )
    assert plan(asked, moved["begun"][1]).resolutions == ()
    assert len(hub.asked) == before


def test_stores_are_merged_by_copying_representations(
    experiment: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One model on each machine, then one store: nothing is extracted again, and the numbers are those of one run."""
    experiment |= {"datasets": experiment["datasets"][:1], "measures": ["cka"]}
    whole = likewise.run(experiment, tmp_path / "whole")
    for number, model in enumerate(experiment["models"]):
        likewise.run({**experiment, "models": [model], "measures": []}, tmp_path / f"part-{number}")
        shutil.copytree(
            tmp_path / f"part-{number}" / "representations", tmp_path / "merged" / "representations", dirs_exist_ok=True
        )
    monkeypatch.setattr(import_module("likewise.run.worker"), "extract_task", lambda *_: os.abort())
    merged = likewise.run(experiment, tmp_path / "merged")
    assert not merged.failed and len(merged.results) == len(whole.results) == 6
    for a, b in zip(whole.results, merged.results, strict=True):
        assert (a.a, a.b, a.measure, a.value, a.null_mean) == (b.a, b.b, b.measure, b.value, b.null_mean)


@pytest.mark.long("one more process that loads torch; that pins stand is tested above")
@moves
def test_representations_from_another_store_bring_their_commits(moved: dict[str, Any], workplace: Workplace) -> None:
    """Copied without their pins, they go on with what they name and not with the newest."""
    shutil.copytree(moved["added"][1].folder / "representations", workplace.folder / "brought" / "representations")
    told, store = workplace.run(small(MODELS, [prompts("owner/old", limit=3)]), "brought")
    assert told["failed"] == []
    first = moved["first"]
    assert all(commits(store)[m, "old"] == {(first[m], first["owner/old"])} for m in MODELS)
