"""The command line: results on standard output, messages on standard error, exit codes that scripts can trust."""

import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from likewise.cli.console import bytes_text
from likewise.errors import StoreError
from likewise.measures import REGISTRY
from likewise.store import Store

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def matrices(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 8))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "moved.npy", 3 * x @ np.linalg.qr(rng.normal(size=(8, 8)))[0] + 1)
    return tmp_path / "x.npy", tmp_path / "moved.npy"


def test_measures_lists_all(cli: Cli) -> None:
    code, out, _ = cli("measures", "--json")
    listed = json.loads(out)
    assert code == 0
    assert {m["name"] for m in listed["measures"]} == set(REGISTRY)
    assert len(listed["presets"]["paper"]) == 10
    code, out, _ = cli("measures")
    assert code == 0 and all(name in out for name in REGISTRY)


def test_compare_prints_and_writes_the_table(cli: Cli, matrices: tuple[Path, Path], tmp_path: Path) -> None:
    code, out, _ = cli("compare", *matrices, "--permutations", 20, "--json", "--output", "t.parquet")
    rows = json.loads(out)
    assert code == 0 and len(rows) == 10
    by_label = {r["measure"]: r for r in rows}
    assert by_label["cka"]["calibrated"] == pytest.approx(1)
    assert pq.read_table(tmp_path / "t.parquet").to_pylist()[0]["measure"] == rows[0]["measure"]
    code, out, err = cli("compare", *matrices, "--measure", "cka", "--measure", "jaccard(k=3)", "--output", "t.csv")
    assert code == 0 and "jaccard(k=3)" in out and "0 is chance" in err
    assert (tmp_path / "t.csv").read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compare", "x.npy"], "need at least two files"),
        (["compare", "x.npy", "none.npy"], "there is no file none.npy"),
        (["compare", "x.npy", "moved.npy", "--measure", "ckaa"], 'did you mean "cka"'),
        (["compare", "x.npy", "moved.npy", "--output", "t.xlsx"], "ends in .parquet or .csv"),
        (["compare", "x.npy", "short.npy"], "30 rows .x. against 29 rows .short."),
        (["compare", "x.npy", "nan.npy"], "nan holds nan in row 4, column 2"),
        (["run", "none.yaml"], "there is no experiment none.yaml"),
        (["plan", "odd.yaml"], "unknown key 'model' in the experiment"),
        (["show", "abc"], "which store"),
        (["report", "nowhere"], "there is no store in nowhere"),
        (["extract", "smollm2-135m-instuct", "--dataset", "humaneval"], 'did you mean "smollm2-135m-instruct"'),
        (["extract", "smollm2-135m-instruct", "--dataset", "humanevl"], 'did you mean "humaneval"'),
        (["import", "x.npy", "a/x.npy", "--dataset", "d", "--store", "s"], "two of the paths are called 'x'"),
        (["import", "none.npy", "--dataset", "d", "--store", "s"], "there is no file none.npy"),
        (["import", "x=nan.npy", "--dataset", "d", "--store", "s"], "nan holds nan in row 4, column 2"),
        (["import", "x.npy", "--store", "s"], "error: missing option '--dataset'; see likewise import --help"),
        (["measures", "--josn"], "error: no such option"),
    ],
)
def test_a_wrong_request_is_explained_with_exit_code_2(
    cli: Cli, matrices: tuple[Path, Path], tmp_path: Path, words: list[str], message: str
) -> None:
    x = np.load(matrices[0])
    np.save(tmp_path / "short.npy", x[1:])
    x[4, 2] = np.nan
    np.save(tmp_path / "nan.npy", x)
    (tmp_path / "odd.yaml").write_text("model: [a]\n")
    code, out, err = cli(*words)
    assert code == 2
    assert out == ""
    assert re.search(message, err), err
    assert "Traceback" not in err


def test_the_name_alone_gives_the_help(cli: Cli) -> None:
    code, out, err = cli()
    assert (code, out) == (2, "") and "error" not in err.splitlines()[0]
    assert "Usage: " in err and "learning-curve" in err and "see likewise" not in err


def test_compare_prints_both_orders_and_why_there_is_no_chance_level(
    cli: Cli, matrices: tuple[Path, Path], unusual: tuple[str, ...]
) -> None:
    words = ("compare", *matrices, "--measure", "ridge", "--measure", "norm_gap", "--permutations", "3")
    code, out, _ = cli(*words, "--json")
    there, back, alone = json.loads(out)
    assert code == 0
    assert (there["a"], there["b"]) == (back["b"], back["a"]) == (alone["a"], alone["b"])
    assert there["value"] != back["value"]
    code, out, _ = cli(*words)
    assert code == 0 and "no chance level" in " ".join(out.split())
    code, out, _ = cli("measures", "--json")
    listed = {m["name"]: m for m in json.loads(out)["measures"]}
    assert (listed["ridge"]["identity"], listed["norm_gap"]["paired"], listed["cka"]["paired"]) == (None, False, True)


@pytest.fixture
def written(tmp_path: Path, experiment: dict[str, Any]) -> Path:
    path = tmp_path / "small.yaml"
    experiment |= {"datasets": experiment["datasets"][1:], "measures": ["cka", "jaccard(k=3)"]}
    path.write_text(yaml.safe_dump(experiment))
    return path


def test_run_plan_show_and_report(cli: Cli, written: Path, tmp_path: Path) -> None:
    code, out, _ = cli("plan", written, "--json")
    assert (code, json.loads(out)["extractions_left"]) == (0, 3)

    code, out, err = cli("run", written, "--executor", "serial")
    assert (code, out) == (0, "") and "done: 12 scores" in err
    page = tmp_path / "runs" / "small" / "report.html"
    assert page.exists()

    before = page.stat().st_mtime_ns
    code, _, err = cli("run", written, "--executor", "serial")
    assert code == 0 and "nothing left to do: 12 scores" in err
    assert page.stat().st_mtime_ns == before

    code, out, _ = cli("run", written, "--executor", "serial", "--json")
    assert code == 0 and json.loads(out)["performed"] == 0

    code, out, _ = cli("plan", written)
    assert code == 0 and "3 extractions (0 left)" in out

    key = next((tmp_path / "runs" / "small" / "representations").glob("*.json")).stem
    code, out, _ = cli("show", key[:10], "--json")
    assert code == 0 and json.loads(out)["key"] == key
    code, out, _ = cli("show", key)
    assert code == 0 and "audit.largest_feature_share" in out
    code, out, _ = cli("show", "small")
    assert code == 0 and "humaneval" in out

    code, out, _ = cli("report", "runs/small", "--output", "elsewhere", "--json")
    assert code == 0 and Path(json.loads(out)["report"]).exists()


def test_extract_prints_where_the_rows_are(cli: Cli, tiny: Callable[..., Path], tmp_path: Path) -> None:
    words = ["extract", tiny(), tiny("gpt2"), "--dataset", "commonsense-probes", "--limit", 3, "--layer", 1]
    code, out, _ = cli(*words, "--layer", "last", "--json")
    found = json.loads(out)["representations"]
    assert code == 0 and len(found) == 4
    files = [f["file"] for f in found]
    code, out, _ = cli("compare", *files, "--measure", "cka", "--permutations", 2, "--json")
    assert code == 0 and len(json.loads(out)) == 6
    # The same again is the same; another model stands beside it, in the same store.
    assert json.loads(cli(*words, "--layer", "last", "--json")[1])["representations"] == found
    code, out, _ = cli("extract", tiny("bert"), *words[3:], "--json")
    more = [f["name"] for f in json.loads(out)["representations"]]
    assert code == 0 and set(Store("runs/extract").experiments()) == {"extract", "extract-2"}
    code, out, err = cli("compare", found[0]["name"], *more, "--store", "runs/extract", "--measure", "cka", "--json")
    assert code == 0 and len(json.loads(out)) == 1, err


def test_imported_files_are_run_explained_and_reported(cli: Cli, matrices: tuple[Path, Path], tmp_path: Path) -> None:
    where = ("--dataset", "d", "--store", "their store")
    code, out, err = cli("import", f"an x={matrices[0]}", *where)
    assert (code, "an x" in out) == (0, True) and "import another one on the same data set" in err
    assert not (tmp_path / "their store" / "imported.yaml").exists()

    (tmp_path / "a=b").mkdir()
    matrices[1].rename(tmp_path / "a=b" / "moved.npy")
    code, out, _ = cli("import", "a=b/moved.npy", *where, "--json")
    told = json.loads(out)
    assert code == 0 and told["store"] == "their store"
    ((brought),) = told["representations"]
    assert (brought["name"], brought["dataset"], brought["items"], brought["width"]) == ("moved", "d", 30, 8)

    code, _, err = cli("import", "a=b/moved.npy", *where)
    assert code == 0 and "no ids in moved" in err
    words = shlex.split(err.splitlines()[-1].partition("imported: ")[2])
    assert words == ["likewise", "run", "their store/imported.yaml", "--store", "their store"]
    code, _, err = cli(*words[1:], "--executor", "serial")
    assert code == 0 and "done: 10 scores" in err and (tmp_path / "their store" / "report.html").exists()
    code, out, err = cli("explain", "an x", "moved", *where, "--count", 2)
    assert code == 0 and "prompts are not shown: d was imported without its prompts" in err
    code, out, _ = cli("show", brought["key"], "--store", "their store")
    assert code == 0 and "imported.moved.npy" in out

    code, _, err = cli("run", words[2], "--store", "another")
    assert (
        code == 2 and "moved on d is not in this store; likewise import moved=PATH --dataset d --store another" in err
    )


def test_failed_tasks_are_listed_with_exit_code_1(cli: Cli, experiment: dict[str, Any], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "llama"}')
    experiment["models"].append({"model": str(broken), "name": "broken"})
    experiment["measures"] = ["cka"]
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(experiment))
    code, _, err = cli("run", "e.yaml", "--executor", "serial")
    assert code == 1
    assert "failed:" in err and "no weights in safetensors" in err and "not compared" in err
    assert (tmp_path / "runs" / "small" / "report.html").exists()


def test_a_store_that_cannot_be_written_is_exit_code_1(
    cli: Cli, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **how: object) -> None:
        raise StoreError("the disk is full: make room")

    monkeypatch.setattr("likewise.store.disk.write_atomically", full)
    code, _, err = cli("run", written, "--executor", "serial")
    assert code == 1 and "the disk is full" in err and "Traceback" not in err


def test_ctrl_c_says_how_to_go_on(cli: Cli, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("likewise.run.loop"), "perform_all", interrupt)
    code, _, err = cli("run", written, "--executor", "serial")
    assert code == 130 and "run the same command to continue" in err and "Traceback" not in err


def test_sigterm_is_handled_like_ctrl_c(cli: Cli, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminate(*args: object, **kwargs: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(import_module("likewise.run.loop"), "perform_all", terminate)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        code, _, err = cli("run", written, "--executor", "serial")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert code == 143 and "run the same command to continue" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (35_224_576, "35.22 MB"), (2_000_000_000_000, "2 TB")]
)
def test_bytes_are_said_as_people_do(count: int, text: str) -> None:
    assert bytes_text(count) == text


def test_explain_and_learning_curve_of_stored_representations(cli: Cli, written: Path, tmp_path: Path) -> None:
    cli("run", written, "--store", tmp_path / "store", "--executor", "serial")
    where = ("--dataset", "humaneval", "--store", tmp_path / "store")
    code, out, err = cli("explain", "first", "noisy", *where, "--count", 2)
    assert code == 0, err
    assert "most alike" in out + err and "least alike" in out + err and "HumanEval/" in out
    code, out, _ = cli("explain", "first", "noisy", *where, "--json", "--measure", "cka")
    told = json.loads(out)
    assert len(told["items"]) == 14 and all(item["prompt"] for item in told["items"])
    assert np.mean([item["contribution"] for item in told["items"]]) == pytest.approx(told["value"])
    code, out, _ = cli("learning-curve", "first", "noisy", *where, "--measure", "cka", "--size", 7, "--json")
    (curve,) = json.loads(out)
    assert [(p["n_items"], p["draws"]) for p in curve["points"]] == [(7, 5), (14, 1)]
    assert "stable_from" in curve
    code, _, err = cli("explain", "first", "nois", *where)
    assert code == 2 and 'did you mean "noisy"' in err
    code, _, err = cli("explain", "first", "noisy", "--dataset", "nowhere", "--store", tmp_path / "store")
    assert code == 2 and "which data set?" in err


def test_best_layers_of_stored_models(cli: Cli, experiment: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "layers.yaml"
    layers = {"representation": {"layers": ["1", "last"]}, "datasets": experiment["datasets"][1:], "measures": ["cka"]}
    path.write_text(yaml.safe_dump(experiment | layers))
    assert cli("run", path, "--store", tmp_path / "store", "--executor", "serial")[0] == 0
    where = ("--dataset", "humaneval", "--store", tmp_path / "store", "--measure", "cka", "--permutations", 9)
    code, out, err = cli("best-layers", "first", "noisy", *where)
    assert code == 0 and "p alone" in out and "uncorrected, so too optimistic" in err, err
    (best,) = json.loads(cli("best-layers", "first", "noisy", *where, "--json")[1])
    assert (best["n_layer_pairs"], best["n_permutations"]) == (4, 9)
    # The fixture asks for other layers of "first" than the experiment does of all; which is best, rounding may decide.
    assert best["layer_a"] in ("first", "first @ 2") and best["layer_b"] in ("noisy", "noisy @ 1")
    assert best["pvalue_alone"] <= best["pvalue"]
    code, _, err = cli("best-layers", "first", "nois", *where)
    assert code == 2 and 'did you mean "noisy"' in err
    code, _, err = cli("best-layers", "first", "first", *where)
    assert code == 2 and "got 1" in err


def test_learning_curve_of_files_says_whether_it_is_stable(cli: Cli, matrices: tuple[Path, Path]) -> None:
    code, out, err = cli("learning-curve", *matrices, "--measure", "cka", "--draws", 2)
    assert code == 0, err
    assert "stable within 0.05" in out + err
