"""What a run tells those who look at its store, and what can be removed from one."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import likewise
from likewise.plan import Experiment, plan, unreferenced
from likewise.run import Serial, import_representation, status_of
from likewise.run.shard import Shard
from likewise.store import Store

Cli = Callable[..., tuple[int, str, str]]
Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture
def imported(tmp_path: Path) -> tuple[dict[str, Any], Store]:
    """An experiment of four matrices in a store: nothing is extracted."""
    store = Store(tmp_path / "store")
    rng = np.random.default_rng(0)
    for name in "abcd":
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(12, 3)).astype(np.float32))
        import_representation(tmp_path / f"{name}.npy", store, name=name, dataset="d")
    asked = {
        "name": "four",
        "models": [f"imported:{name}" for name in "abcd"],
        "datasets": ["imported:d"],
        "measures": ["cka", "jaccard(k=3)"],
        "statistics": {"permutations": 3, "groups": 0},
    }
    return asked, store


def test_a_share_that_is_over_says_what_it_did_and_the_whole_leaves_nothing(
    imported: tuple[dict[str, Any], Store],
) -> None:
    asked, store = imported
    assert status_of(store)["runs"] == []
    tiles = plan(Experiment.asked(asked), store).tiles  # by their keys they fall to shards
    share = next(
        text
        for text in (f"1/{count}" for count in range(2, 21))
        if 0 < sum(Shard.of(text).takes(tile) for tile in tiles) < len(tiles)
    )
    likewise.run(asked, store.folder, shard=share)
    found = status_of(store)
    (run,) = found["runs"]
    assert (run["state"], run["failed"], run["running"], run["left"]) == ("done", [], [], {})
    assert run["done"] == {"tiles": found["results"]} and 0 < found["results"] < 3
    assert found["experiments"] == [{"name": "four", "representations": 4, "representations_done": 4}]
    assert json.loads(json.dumps(found)) == found
    likewise.run(asked, store.folder, shard=share)  # nothing to do: nothing to tell
    assert status_of(store)["runs"][0]["began"] == run["began"]
    likewise.run(asked, store.folder)
    assert status_of(store)["runs"] == [] and status_of(store)["results"] == 3
    assert not list((store.folder / "runs").iterdir())


def test_a_record_of_a_run_that_died_goes_where_nothing_is_left_to_do(imported: tuple[dict[str, Any], Store]) -> None:
    asked, store = imported
    likewise.run(asked, store.folder, shard="1/2")
    (about, _), *_ = store.runs().values()
    likewise.run(asked, store.folder)
    dead = {k: v for k, v in about.items() if k != "checksum"} | {"shard": "", "over": "", "pid": 2**22 + 1}
    other = dead | {"experiment": "another"}
    store.save_run("0" * 24, dead)
    store.save_run("1" * 24, other)
    likewise.run(asked, store.folder)
    assert [run["experiment"] for run in status_of(store)["runs"]] == ["another"]


def test_another_looks_on_while_tasks_run_and_fail(
    imported: tuple[dict[str, Any], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, store = imported
    monkeypatch.setattr(sys.modules["likewise.run.record"], "EVERY", 0.01)
    worker = sys.modules["likewise.run.worker"]
    compare, seen = worker.compare_tile, list[Any]()

    def looking(tile: Any, *more: Any) -> None:
        time.sleep(0.3)
        seen.append(status_of(Store(store.folder))["runs"])
        if len(seen) == 2:
            raise OSError("a bad disk")
        compare(tile, *more)

    monkeypatch.setattr(worker, "compare_tile", looking)
    assert not likewise.run(asked, store.folder).failed
    for (run,) in seen:
        assert run["state"] == "running" and run["pid"] == os.getpid() and len(run["running"]) == 1
        assert run["running"][0]["task"].endswith((" pair on d", " pairs on d"))
    assert seen[0][0]["seconds_left"] is None and seen[0][0]["left"] == {"tiles": 2}
    assert 0 < seen[1][0]["seconds_left"] < 60 and seen[1][0]["done"] == {"tiles": 1}

    def broken(*_: Any) -> None:
        raise OSError("a bad disk")

    monkeypatch.setattr(worker, "compare_tile", broken)
    asked["measures"] = ["rsa"]
    failed = likewise.run(asked, store.folder).failed
    (run,) = status_of(store)["runs"]  # the one before is over, and gives way
    assert len(failed) == 3 and [f["error"] for f in run["failed"]] == ["OSError: a bad disk"] * 3
    assert run["state"] == "done" and run["done"]["tiles"] == 0
    monkeypatch.setattr(worker, "compare_tile", compare)
    assert not likewise.run(asked, store.folder).failed and status_of(store)["runs"] == []


def test_a_run_that_stops_or_is_killed_is_told_from_one_at_work(
    imported: tuple[dict[str, Any], Store], tmp_path: Path
) -> None:
    asked, store = imported

    class Stopped(Serial):
        def hear(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        likewise.run(asked, store.folder, executor=Stopped())
    (run,) = status_of(store)["runs"]
    assert (
        run["state"] == "stopped" and run["left"]["tiles"] + run["done"].get("tiles", 0) == 3
    )  # what was begun is left
    script = (
        "import os, sys, yaml, likewise\nfrom likewise.run import Serial\n"
        "class Killed(Serial):\n    def hear(self): os._exit(9)\n"
        "likewise.run(yaml.safe_load(sys.argv[1]), sys.argv[2], executor=Killed())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, yaml.safe_dump(asked), str(store.folder)], check=False)
    assert done.returncode == 9
    assert [run["state"] for run in status_of(store)["runs"]] == ["died"]
    (key,) = store.runs()
    about, _ = store.runs()[key]
    store.save_run(key, {k: v for k, v in about.items() if k != "checksum"} | {"host": "elsewhere"})
    assert [run["state"] for run in status_of(store)["runs"]] == ["running"]
    os.utime(store.run_path(key), (time.time() - 3600,) * 2)
    (run,) = status_of(store)["runs"]
    assert run["state"] == "silent" and 3590 < run["heard_seconds_ago"] < 3700


def test_the_commands_say_it(imported: tuple[dict[str, Any], Store], cli: Cli) -> None:
    asked, store = imported
    likewise.run(asked, store.folder)
    code, out, err = cli("status", store.folder)
    assert (
        code == 0
        and not err
        and "four: 4 of 4 representations" in out
        and "4 representations and 3 tiles of scores" in out
    )
    assert "no run is at work" in out
    code, out, _ = cli("status", store.folder, "--json")
    assert code == 0 and json.loads(out)["runs"] == []
    for command in ("status", "gc"):
        code, _, err = cli(command, "nowhere")
        assert code == 2 and "there is no store in nowhere" in err


def test_a_damaged_record_is_one_line(imported: tuple[dict[str, Any], Store], cli: Cli) -> None:
    asked, store = imported
    likewise.run(asked, store.folder, shard="1/2")
    (key,) = store.runs()
    store.run_path(key).write_text('{"pid": "x"}')
    code, _, err = cli("status", store.folder)
    assert code == 1 and key in err and "Traceback" not in err


# What no experiment refers to


def kinds(store: Store) -> list[str]:
    return sorted(thing.kind for thing in unreferenced(store))


def test_what_an_experiment_still_refers_to_is_kept(
    experiment: dict[str, Any], once: Once, tmp_path: Path, cli: Cli
) -> None:
    import shutil

    asked = {**experiment, "datasets": experiment["datasets"][:1], "measures": ["cka", "jaccard(k=3)"]}
    shutil.copytree(once("gc", lambda folder: likewise.run(asked, folder)), tmp_path / "store")
    store = Store(tmp_path / "store")
    assert kinds(store) == []
    whole = {p for p in store.folder.rglob("*") if p.is_file()}
    # One model less, and other statistics: its rows, its pairs and all scores of before belong to nobody.
    less = {**asked, "models": asked["models"][1:], "statistics": {"permutations": 7, "seed": 3}}
    likewise.run(less, store.folder)
    found = kinds(store)
    assert found.count("representation") == 2 and found.count("results") == len(list(whole)) - len(
        {p for p in whole if p.parent.name != "results" or "." in p.stem or p.suffix != ".parquet"}
    )
    before = likewise.run(less, store.folder).results.to_pandas()
    code, out, err = cli("gc", store.folder)
    assert code == 0 and "first" not in err and "nothing was removed" in err
    assert re.search(rf"no experiment refers to {len(found)} things", out)
    assert kinds(store) == found
    code, out, _ = cli("gc", store.folder, "--yes", "--json")
    assert code == 0 and len(json.loads(out)["unreferenced"]) == len(found)
    assert kinds(store) == []
    again = likewise.run(less, store.folder)
    assert again.performed == 0 and again.results.to_pandas().equals(before)


def test_what_was_imported_is_kept_and_what_older_requests_left_is_not(
    imported: tuple[dict[str, Any], Store], cli: Cli
) -> None:
    asked, store = imported
    likewise.run(asked, store.folder)
    likewise.run({**asked, "measures": ["cka"]}, store.folder)
    assert kinds(store) == []  # the tiles hold cka too
    likewise.run({**asked, "models": asked["models"][:2], "measures": ["rsa"]}, store.folder)
    assert kinds(store) == ["results"] * 3
    assert cli("gc", store.folder, "--yes")[0] == 0
    assert kinds(store) == [] and len(store.representations()) == 4 and len(store.result_keys()) == 1


def test_rows_that_an_experiment_would_go_on_with_are_kept(experiment: dict[str, Any], tmp_path: Path) -> None:
    asked = {**experiment, "datasets": experiment["datasets"][:1], "models": experiment["models"][:1], "measures": []}
    store = Store(tmp_path)
    planned = likewise.plan(likewise.Experiment.of(asked), store)
    store.save_experiment("small", planned.record())
    for key in (planned.extractions[0].parts_key, "0" * 24):
        (store.parts(key).folder).mkdir(parents=True)
    assert [thing.paths[0].stem for thing in unreferenced(store)] == ["0" * 24]


def test_nothing_is_removed_under_a_run(imported: tuple[dict[str, Any], Store], cli: Cli) -> None:
    asked, store = imported
    codes = list[Any]()

    class Looking(Serial):
        def hear(self) -> Any:
            codes.append((cli("gc", store.folder)[0], *cli("gc", store.folder, "--yes")))
            return super().hear()

    likewise.run(asked, store.folder, executor=Looking())
    assert {(shown, code) for shown, code, *_ in codes} == {(0, 2)} and "a run is at work" in codes[0][3]


# Every task


def test_all_tasks_are_listed_with_their_states(experiment: dict[str, Any], tmp_path: Path, cli: Cli) -> None:
    asked = {**experiment, "measures": ["cka"], "datasets": experiment["datasets"][:1]}
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(asked))

    def tasks() -> list[dict[str, Any]]:
        code, out, _ = cli("plan", "e.yaml", "--store", "s", "--tasks", "--json")
        assert code == 0
        listed: list[dict[str, Any]] = json.loads(out)["tasks"]
        return listed

    before = tasks()
    assert [(t["kind"], t["state"], t["size"]) for t in before] == [("extract", "ready", 24)] * 3
    assert all(t["cores"] is None and t["bytes"] > 0 and t["gpus"] == 0 and t["makes"] for t in before)
    likewise.run({**asked, "models": asked["models"][:2]}, tmp_path / "s")
    between = tasks()
    states = [(t["kind"], t["state"]) for t in between]
    assert states.count(("extract", "done")) == 2 and states.count(("extract", "ready")) == 1
    assert ("tile", "done") in states and ("tile", "waiting") in states
    made = {key for t in between if t["state"] != "done" for key in t["makes"]}
    assert all(set(t["after"]) <= made for t in between)
    likewise.run(asked, tmp_path / "s")
    after = tasks()
    assert {t["state"] for t in after} == {"done"} and sum(t["size"] for t in after if t["kind"] == "tile") == 6
    code, out, _ = cli("plan", "e.yaml", "--store", "s", "--tasks")
    assert code == 0 and "pairs on commonsense-probes" in out
