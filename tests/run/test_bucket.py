"""A run in a bucket: an S3-compatible server on this machine gives what a folder gives."""

import hashlib
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import likewise
from likewise.errors import InputError, UnreachableError
from likewise.plan import imported_experiment
from likewise.run import import_representation, status_of
from likewise.store import Store, bucket, place_of
from stored import content

obstore = pytest.importorskip("obstore")
server = pytest.importorskip("moto.moto_server.threaded_moto_server")

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server on a free port, with a bucket called store."""
    import logging

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/store", method="PUT")):
        pass
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a folder of the bucket that is this test's own."""
    found = {"ENDPOINT_URL": address, "ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": "mine", "REGION": "us-east-1"}
    for name, value in found.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("LIKEWISE_CACHE", str(tmp_path / "cache"))
    return f"s3://store/{tmp_path.name}/x"


def in_bucket(url: str) -> dict[str, str]:
    """What `content` says of a folder, of a bucket: the same files by the same hashes."""
    opened = place_of(url)._bucket  # type: ignore[attr-defined]
    found = {
        one["path"]: bytes(obstore.get(opened, one["path"]).bytes()) for some in obstore.list(opened) for one in some
    }
    decides = {
        name: hashlib.sha256(value).hexdigest()
        for name, value in found.items()
        if name.startswith(("representations/", "prompts/"))
        or (name.startswith("results/") and name.endswith(".parquet"))
    }
    assert not [name for name in found if "unfinished" in name or "parts" in name]
    return decides


def matrices(folder: Path, store: Store, n: int = 4) -> dict[str, Any]:
    """Import some matrices into a store; return the experiment of all."""
    rng = np.random.default_rng(0)
    for name in "abcdefgh"[:n]:
        np.save(folder / f"{name}.npy", rng.normal(size=(12, 3)).astype(np.float32))
        import_representation(folder / f"{name}.npy", store, name=name, dataset="d")
    asked = imported_experiment(store)
    return {
        **asked,
        "name": "four",
        "measures": ["cka", "jaccard(k=3)"],
        "statistics": {"permutations": 3, "groups": 0},
    }


def test_models_run_in_a_bucket_give_the_bytes_of_a_folder(s3: str, experiment: dict[str, Any], tmp_path: Path) -> None:
    models, datasets = experiment["models"][:1], [{"source": "humaneval", "limit": 8}]
    asked = {**experiment, "models": models, "datasets": datasets, "measures": ["cka", "rsa"]}
    local, there = likewise.run(asked, tmp_path / "store"), likewise.run(asked, s3)
    assert there.store == s3 and not there.failed and not there.blocked
    names = [name for name in local.results.table.column_names if name != "seconds"]
    assert there.results.table.select(names).equals(local.results.table.select(names))
    assert in_bucket(s3) == content(tmp_path / "store") != {}
    # Another machine, without copies, finds everything there.
    again = Path(place_of(s3).folder)
    again.rename(tmp_path / "elsewhere")
    done = likewise.run(asked, s3)
    assert done.performed == 0 and done.results.table.select(names).equals(local.results.table.select(names))


def test_two_runs_at_once_end_with_one_complete_set(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = matrices(tmp_path, Store(tmp_path / "local"))
    likewise.run(asked, tmp_path / "local")
    # Each of the two has copies of its own, as two machines have.
    monkeypatch.setattr(bucket, "_folder_of_copies", lambda url: tmp_path / threading.current_thread().name)
    matrices(tmp_path, Store(s3))
    done: dict[str, Any] = {}
    gate = threading.Barrier(2)

    def work() -> None:
        gate.wait()
        done[threading.current_thread().name] = likewise.run(asked, s3)

    both = [threading.Thread(target=work, name=name) for name in ("one", "two")]
    for thread in both:
        thread.start()
    seen = []
    while any(thread.is_alive() for thread in both):  # who looks on never meets half of anything
        store = Store(s3)
        for key in store.result_keys():
            ((_, table),) = store.tables(key)
            seen.append(table.num_rows)
        time.sleep(0.02)
    assert set(done) == {"one", "two"} and not any(one.failed or one.blocked for one in done.values())
    assert in_bucket(s3) == content(tmp_path / "local")
    tables = [one.results.table.drop_columns(["seconds"]) for one in done.values()]
    assert tables[0].equals(tables[1]) and all(seen)
    assert status_of(Store(s3))["runs"] == []  # both ended well


def test_every_verb_works_on_a_bucket(s3: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = matrices(tmp_path, Store(tmp_path / "local"))
    code, out, err = cli("import", *(tmp_path / f"{n}.npy" for n in "abcd"), "--dataset", "d", "--store", s3, "--json")
    assert code == 0, err
    brought = json.loads(out)
    assert brought["store"] == s3 and Path(brought["experiment"]).name == "imported.yaml"
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(asked))
    written = []
    monkeypatch.setattr("likewise.cli.run.write", lambda store, name, folder, results: written.append(folder) or folder)
    code, out, err = cli("run", "e.yaml", "--store", s3, "--executor", "serial", "--json")
    assert code == 0 and json.loads(out)["store"] == s3, err
    assert written == [Path("reports") / Path(brought["experiment"]).parent.name]
    code, out, _ = cli("status", s3, "--json")
    assert (
        code == 0 and json.loads(out)["store"] == s3 and json.loads(out)["experiments"][0]["representations_done"] == 4
    )
    code, out, _ = cli("plan", "e.yaml", "--store", s3, "--tasks", "--json")
    assert code == 0 and {task["state"] for task in json.loads(out)["tasks"]} == {"done"}
    code, out, _ = cli("show", brought["representations"][0]["key"][:8], "--store", s3, "--json")
    assert code == 0 and json.loads(out)["n_items"] == 12
    # Nothing refers to these scores once the experiment asks for others.
    (tmp_path / "e.yaml").write_text(yaml.safe_dump({**asked, "measures": ["cka"], "statistics": {"permutations": 4}}))
    assert cli("run", "e.yaml", "--store", s3, "--executor", "serial")[0] == 0
    before = in_bucket(s3)
    code, out, _ = cli("gc", s3, "--json")
    shown = json.loads(out)
    assert code == 0 and shown["bytes"] > 0 and {t["kind"] for t in shown["unreferenced"]} == {"results"}
    assert in_bucket(s3) == before
    assert cli("gc", s3, "--yes")[0] == 0
    assert in_bucket(s3).items() < before.items()
    assert "every thing" in cli("gc", s3)[1] and not likewise.run(tmp_path / "e.yaml", s3).performed


@pytest.mark.parametrize("what", ["nobody", "no bucket"])
def test_what_cannot_be_reached_is_one_line_and_exit_code_2(
    what: str, s3: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "nobody":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    else:
        s3 = "s3://other/x"
    began = time.monotonic()
    code, out, err = cli("status", s3)
    assert code == 2 and not out and time.monotonic() - began < 20
    assert err.strip().count("\n") == 0 and f"{s3} cannot be reached: " in err and "mine" not in err
    assert "no such bucket" in err or what == "nobody"


def test_what_is_in_memory_is_of_one_process(tmp_path: Path) -> None:
    store = Store("memory://one/process")
    asked = matrices(tmp_path, store, 2)
    with pytest.raises(InputError, match="expected the executor serial, got processes"):
        likewise.run(asked, "memory://one/process", executor="processes")
    done = likewise.run(asked, "memory://one/process")
    assert len(done.results) == 2 and likewise.run(asked, store.files.address).performed == 0


def test_a_bucket_that_goes_away_stops_a_run_with_one_line(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(s3)
    asked = matrices(tmp_path, store)

    def gone(*args: object, **how: object) -> None:
        raise obstore.exceptions.GenericError("the server is gone\n\nDebug source: many lines")

    monkeypatch.setattr(obstore, "put", gone)
    with pytest.raises(UnreachableError, match=rf"{s3} cannot be reached: the server is gone$"):
        likewise.run(asked, s3)
    monkeypatch.undo()
