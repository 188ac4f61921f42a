"""A run ends with the same numbers however often it was stopped, and does nothing twice."""

import contextlib
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import likewise
from likewise.chance import NO_CHANCE, Reason
from likewise.errors import InputError
from likewise.plan import Experiment, Tile, plan
from likewise.report.experiment import report_experiment
from likewise.run import Done, Outcome, Settings, perform
from likewise.run.executors import OWN
from likewise.run.worker import release
from likewise.scoring import Trust
from likewise.store import Store, write_json
from stored import content


@pytest.fixture
def done(tmp_path: Path, experiment: dict[str, Any], once: Callable[[str, Callable[[Path], object]], Path]) -> Done:
    """The experiment done: run once for all tests, and a copy of its store for each."""

    def fill(folder: Path) -> None:
        made = likewise.run(experiment, folder / "store")
        (folder / "done.pickle").write_bytes(pickle.dumps(made))

    made = once("done", fill)
    shutil.copytree(made / "store", tmp_path / "store")
    return replace(pickle.loads((made / "done.pickle").read_bytes()), store=tmp_path / "store")


def numbers(done: Done) -> list[tuple[Any, ...]]:
    return [(c.dataset, c.a, c.b, c.measure, c.parameters, c.value, c.null_mean, c.pvalue) for c in done.results]


def test_an_experiment_runs_end_to_end(done: Done) -> None:
    assert (done.failed, done.blocked) == ((), ())
    rows = list(done.results)
    assert len(rows) == 2 * 6 * 10
    assert {(r.dataset, r.n_items) for r in rows} == {("commonsense-probes", 24), ("humaneval", 14)}
    assert {r.a for r in rows} | {r.b for r in rows} == {"first", "first @ 2", "noisy", "other"}
    assert all(r.status == "ok" and r.seed == 3 and r.seconds > 0 and r.low < r.value < r.high for r in rows)
    # Chance of prompts that belong together has no closed form: whole groups are shuffled.
    # A score that a few rows decide is shuffled too, and says so.
    decided = [r for r in rows if r.measure in ("cka", "rsa") and r.dataset == "humaneval" and r.null == "shuffles"]
    assert all(Reason.FEW_ROWS in r.reason for r in decided)
    rest = [r for r in rows if r not in decided]
    assert {(r.dataset, r.measure in ("cka", "rsa"), r.null, r.n_permutations) for r in rest} == {
        ("commonsense-probes", True, "shuffles", 5),
        ("commonsense-probes", False, "shuffles", 5),
        ("humaneval", True, "moments", 0),
        ("humaneval", False, "shuffles", 5),
    }
    assert not list(done.store.rglob("*.unfinished")) and not list(done.store.rglob("*.parts"))


def test_scores_of_a_run_are_those_of_compare(done: Done) -> None:
    store = Store(done.store)
    rows = [r for r in done.results if r.dataset == "humaneval"]
    pair = {"a": rows[0].a_key, "b": rows[0].b_key}
    again = likewise.compare(
        {name: store.load_representation(key) for name, key in pair.items()}, "paper", permutations=5, rng=3
    )
    for stored, computed in zip(rows[:10], again, strict=True):
        assert (stored.measure, stored.parameters, stored.value, stored.null_mean, stored.pvalue) == (
            computed.measure,
            computed.parameters,
            computed.value,
            computed.null_mean,
            computed.pvalue,
        )


def test_run_again_does_nothing(done: Done, experiment: dict[str, Any]) -> None:
    before = {p: p.stat().st_mtime_ns for p in done.store.rglob("*") if p.is_file()}
    again = likewise.run(experiment, done.store)
    assert again.performed == 0
    assert numbers(again) == numbers(done)
    assert {p: p.stat().st_mtime_ns for p in done.store.rglob("*") if p.is_file()} == before


def test_a_deleted_result_is_the_only_one_made_again(done: Done, experiment: dict[str, Any]) -> None:
    before = content(done.store)
    gone = Store(done.store).result_path(Store(done.store).result_keys()[1])
    gone.unlink()
    again = likewise.run(experiment, done.store)
    assert ([outcome.error for outcome in again.failed], again.performed) == ([], 1)
    assert content(done.store) == before


def test_a_deleted_representation_is_the_only_one_made_again(done: Done, experiment: dict[str, Any]) -> None:
    before = content(done.store)
    Store(done.store).representation_path(next(iter(done.results)).a_key).unlink()
    again = likewise.run(experiment, done.store)
    assert again.performed == 1
    assert content(done.store) == before


def test_adding_a_model_and_a_measure_adds_only_them(done: Done, experiment: dict[str, Any]) -> None:
    before = content(done.store)
    experiment["models"].append({**experiment["models"][1], "name": "noisier", "variant": "noise(sd=0.3)"})
    experiment["measures"] = ["paper", "jaccard(k=3)"]
    more = likewise.run(experiment, done.store)
    assert len(more.results) == 2 * 10 * 11
    after = content(done.store)
    assert {k: after[k] for k in before} == before
    assert len([k for k in after if k.endswith(".safetensors")]) == 8 + 2
    assert set(numbers(done)) <= set(numbers(more))


def test_renaming_a_model_computes_nothing(done: Done, experiment: dict[str, Any]) -> None:
    experiment["models"][2]["name"] = "the other one"
    again = likewise.run(experiment, done.store)
    assert again.performed == 0
    assert "the other one" in {r.b for r in again.results}


@pytest.mark.parametrize(
    "executor",
    [name for name in OWN if name not in ("serial", "dask", "ray")],  # clusters have tests of their own
)
def test_every_executor_gives_the_same_bytes(
    done: Done, experiment: dict[str, Any], tmp_path: Path, executor: str
) -> None:
    parallel = likewise.run(experiment, tmp_path / "parallel", executor=executor, workers=2)
    assert numbers(parallel) == numbers(done)
    assert content(parallel.store) == content(done.store)


def test_known_relations_come_out(tmp_path: Path, experiment: dict[str, Any]) -> None:
    """Weaker noise is nearer than stronger, the reinitialised model the farthest, in every configuration."""
    base = {"model": experiment["models"][2]["model"]}
    variants = {"weak": "noise(sd=0.02)", "strong": "noise(sd=0.3)", "fresh": "reinitialize(seed=7)"}
    experiment["models"] = [{**base, "name": "original"}]
    experiment["models"] += [{**base, "name": name, "variant": v} for name, v in variants.items()]
    experiment["datasets"] = [{"source": "commonsense-probes", "limit": 60}]
    scores: dict[str, dict[str, float]] = {}
    for r in likewise.run(experiment, tmp_path / "store").results:
        if r.a == "original":
            assert r.calibrated is not None
            scores.setdefault(r.measure + r.parameters, {})[r.b] = r.calibrated
    assert len(scores) == 10
    assert all(s["weak"] > s["strong"] > s["fresh"] for s in scores.values()), scores


def test_a_model_that_cannot_be_loaded_fails_alone(tmp_path: Path, experiment: dict[str, Any], done: Done) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "llama"}')
    experiment["models"].append({"model": str(broken), "name": "broken"})
    again = likewise.run(experiment, done.store)
    assert len(again.failed) == 2 and all("no weights in safetensors" in o.error for o in again.failed)
    assert again.blocked and numbers(again) == numbers(done)


def test_a_value_that_is_not_finite_is_placed(tmp_path: Path, experiment: dict[str, Any]) -> None:
    """A weight that overflows: the error names the layer, the model, and the prompt."""
    from safetensors.torch import load_file, save_file

    source, broken = Path(experiment["models"][0]["model"]), tmp_path / "overflow"
    broken.mkdir()
    for file in source.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    tensors = load_file(broken / "model.safetensors")
    tensors["model.norm.weight"][5] = float("inf")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    experiment |= {"models": [{"model": str(broken), "name": "overflow"}], "measures": []}
    done = likewise.run(experiment, tmp_path / "store")
    assert len(done.failed) == 2
    assert re.match(r"layer last of '[a-z0-9-]+' holds values that are not finite", done.failed[0].error)
    assert "in overflow on commonsense-probes, run in float32" in done.failed[0].error


def test_changed_prompts_under_the_same_ids_are_refused(done: Done, experiment: dict[str, Any]) -> None:
    store = Store(done.store)
    key = next(iter(done.results)).a_key
    about = store.describe_representation(key)
    source = about["source"] | {"records": "0" * 24, "prompts": "1" * 24}
    described = {**about, "source": source.written(), "audit": about["audit"].written()}
    write_json(store.representation_path(key).with_suffix(".json"), described)
    for path in (done.store / "results").glob("*.parquet"):
        path.unlink()
    again = likewise.run({**experiment, "measures": ["cka"]}, done.store)
    assert any("different texts under the same ids" in o.error for o in again.failed)


@pytest.mark.parametrize(
    ("executor", "workers", "message"), [("theads", 1, "unknown executor"), ("processes", 0, "1 or more")]
)
def test_unknown_executors_are_refused(
    tmp_path: Path, experiment: dict[str, Any], executor: str, workers: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        likewise.run(experiment, tmp_path, executor=executor, workers=workers)


def test_memory_running_out_is_an_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def exhausted(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sys.modules["likewise.run.worker"], "compare_tile", exhausted)
    outcome = perform(
        Tile("d", ("a",), ("b",), ("cka",), Trust(permutations=1)), settings=Settings(tmp_path, "cpu", 512)
    )
    assert isinstance(outcome, Outcome) and "out of memory" in outcome.error


COMMAND = [sys.executable, "-m", "likewise", "run"]


def start(path: Path, store: Path, workers: int = 2) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, str(path), "--store", str(store), "--executor", "processes", "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


starts = pytest.mark.long("starts three processes for each stop")


@pytest.mark.parametrize(
    ("workers", "stops"),
    [
        (1, {9: signal.SIGKILL}),
        pytest.param(2, {1: signal.SIGKILL, 10: signal.SIGKILL, 17: signal.SIGKILL}, marks=starts),
        pytest.param(2, {3: signal.SIGINT, 14: signal.SIGINT}, marks=starts),
    ],
    ids=lambda told: (
        ", ".join(f"{sent.name} at {files}" for files, sent in told.items()) if isinstance(told, dict) else f"{told}"
    ),
)
def test_killed_at_any_time_a_run_ends_equal(
    tmp_path: Path, experiment: dict[str, Any], done: Done, workers: int, stops: dict[int, signal.Signals]
) -> None:
    """Stopped as soon as so many files are there and gone on with, a store is that of one quiet run."""
    path, store = tmp_path / "small.yaml", tmp_path / "killed"
    path.write_text(yaml.safe_dump(experiment))
    for files, sent in stops.items():
        process = start(path, store, workers)
        while process.poll() is None and len(list(store.glob("re*/*"))) < files:
            time.sleep(0.005)
        os.killpg(process.pid, sent)
        process.wait()
    likewise.run(experiment, store, executor="serial")
    assert content(store) == content(done.store)
    assert not list(store.rglob("*.unfinished"))


def test_parts_of_what_is_saved_are_gone_after_the_next_run(
    tmp_path: Path, experiment: dict[str, Any], done: Done
) -> None:
    """A kill came after the last layer was saved. What another process works on is left to it."""
    store = Store(shutil.copytree(done.store, tmp_path / "killed"))
    key = plan(Experiment.of(experiment), store).extracted[0].parts_key
    left, other = store.parts(key), store.parts("of-another-experiment")
    for parts in (left, other):
        with parts.alone():
            (parts.folder / "rows.safetensors").write_bytes(b"")
    with left.alone():
        likewise.run(experiment, store.folder)
        assert store.begun() == tuple(sorted((key, "of-another-experiment")))
    likewise.run(experiment, store.folder)
    assert store.begun() == ("of-another-experiment",)


@pytest.mark.long("twenty runs, each for some seconds")
def test_killed_twenty_times_at_random_moments_a_run_ends_equal(
    tmp_path: Path, experiment: dict[str, Any], done: Done
) -> None:
    path, store, moments = tmp_path / "small.yaml", tmp_path / "killed", random.Random(0)
    path.write_text(yaml.safe_dump(experiment))
    there = list[int]()
    for _ in range(20):
        process, before = start(path, store), len(list(store.glob("re*/*")))
        while process.poll() is None and len(list(store.glob("re*/*"))) <= before:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.2))
        with contextlib.suppress(ProcessLookupError):  # it has come to its end
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        there.append(len(list(store.glob("re*/*"))))
    assert len(set(there)) > 3  # killed before, during and after the work
    likewise.run(experiment, store)
    assert content(store) == content(done.store)
    assert not list(store.rglob("*.unfinished"))


def test_shuffled_copies_are_at_chance() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(80, 12)) * np.linspace(3, 0.1, 12)
    for c in likewise.compare({"x": x, "shuffled": x[rng.permutation(80)]}, "paper", permutations=200):
        assert c.calibrated is not None and abs(c.calibrated) < 0.1
        assert c.pvalue is not None and c.pvalue > 0.01


def test_weights_replaced_in_place_are_another_model(
    tmp_path: Path, experiment: dict[str, Any], tiny: Callable[..., Path]
) -> None:
    """In one process too: what is held in memory must not pass for what is on disk."""
    folder = tmp_path / "model"
    shutil.copytree(tiny("llama", 0), folder)
    experiment["models"] = [{"model": str(folder), "name": "a", "layers": ["1", "last"]}]
    experiment |= {"datasets": experiment["datasets"][:1], "measures": ["cka"]}
    first = likewise.run(experiment, tmp_path / "store")
    shutil.copytree(tiny("llama", 1), folder, dirs_exist_ok=True)
    second = likewise.run(experiment, tmp_path / "store")
    fresh = likewise.run(
        {**experiment, "models": [{**experiment["models"][0], "model": str(tiny("llama", 1))}]}, tmp_path / "other"
    )
    assert second.performed == 2
    assert numbers(second) == numbers(fresh) != numbers(first)


def test_layers_that_an_interrupted_save_left_out_are_taken_from_the_parts(
    tmp_path: Path, experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["likewise.extraction.rows"], "SECONDS_BETWEEN_PARTS", 0.0)
    experiment |= {"models": [{**experiment["models"][0], "layers": ["1", "2", "last"]}], "measures": ["cka"]}
    save, saved = Store.take_representation, []

    def stop_at_the_second(store: Store, *args: Any) -> None:
        if saved:
            raise KeyboardInterrupt
        saved.append(save(store, *args))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "take_representation", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            likewise.run(experiment, tmp_path)
    told: list[tuple[str, int, int]] = []
    likewise.run(experiment, tmp_path, watch=lambda *event: told.append(event))
    probes = [event for event in told if "first on commonsense-probes" in event[0] and event[2]]
    assert probes and all(done == total for _, done, total in probes)
    assert [event for event in told if "first on humaneval" in event[0] and event[2]]
    assert not list(tmp_path.rglob("*.parts"))


def test_records_that_changed_where_no_prompt_shows_it_are_the_same_prompts(
    tmp_path: Path, experiment: dict[str, Any]
) -> None:
    data = tmp_path / "mine.jsonl"
    records = [{"q": f"Is {i} even?"} for i in range(12)]
    data.write_text("\n".join(map(json.dumps, records)))
    experiment |= {"datasets": [{"source": str(data), "template": "{{ q }}"}], "measures": ["cka"]}
    third = experiment["models"].pop()
    assert not likewise.run(experiment, tmp_path / "store").failed
    data.write_text("\n".join(json.dumps({**r, "note": "added later"}) for r in records))
    experiment["models"].append(third)
    assert not likewise.run(experiment, tmp_path / "store").failed


def test_what_was_begun_in_another_way_is_not_gone_on_with_and_not_left_behind(
    tmp_path: Path, experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment["models"] = experiment["models"][:1]
    experiment["measures"] = []

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "take_representation", stop)
        with pytest.raises(KeyboardInterrupt):
            likewise.run(experiment, tmp_path, batch_tokens=100)
    assert list(tmp_path.rglob("*.parts/*.safetensors"))
    told: list[tuple[str, int, int]] = []
    likewise.run(experiment, tmp_path, batch_tokens=200, watch=lambda *event: told.append(event))
    assert next(done for _, done, total in told if total) == 0
    assert not list(tmp_path.rglob("*.parts"))


def test_what_another_process_has_extracted_meanwhile_is_not_extracted_again(
    tmp_path: Path, experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(tmp_path, "cpu", 512)
    task = plan(Experiment.of(experiment), Store(tmp_path)).extractions[0]
    assert not perform(task, settings=settings).error
    release()
    monkeypatch.setattr(sys.modules["likewise.extraction.backends.inside"], "load_model", None)
    assert not perform(task, settings=settings).error


@pytest.mark.long("three processes that load a model")
def test_two_processes_extract_the_same_into_one_store(tmp_path: Path, experiment: dict[str, Any]) -> None:
    path = tmp_path / "both.yaml"
    path.write_text(yaml.safe_dump(experiment))
    command = [sys.executable, "-m", "likewise", "run", str(path), "--store", str(tmp_path / "store")]
    both = [subprocess.Popen([*command, "--batch-tokens", "1"], stderr=subprocess.PIPE) for _ in range(2)]
    told = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    likewise.run(experiment, tmp_path / "quiet", batch_tokens=1)
    both_made, alone_made = (
        {name: made for name, made in content(tmp_path / store).items() if name.startswith("representations")}
        for store in ("store", "quiet")
    )
    assert both_made == alone_made


def test_the_prompt_that_memory_does_not_hold_is_said(
    tmp_path: Path, experiment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(sys.modules["likewise.extraction.rows"], "read", full)
    experiment |= {"models": experiment["models"][2:], "datasets": experiment["datasets"][1:], "measures": []}
    (first, *_) = likewise.run(experiment, tmp_path, batch_tokens=1).failed
    assert re.match("memory runs out for prompt .*a smaller precision", first.error)


def test_whatever_goes_wrong_in_one_task_is_its_outcome(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(sys.modules["likewise.run.worker"], "compare_tile", broken)
    outcome = perform(
        Tile("d", ("a",), ("b",), ("cka",), Trust(permutations=1)), settings=Settings(tmp_path, "cpu", 512)
    )
    assert outcome.error == "RuntimeError: something else"


def test_an_unknown_device_is_refused(tmp_path: Path, experiment: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="device='gpu'"):
        likewise.run(experiment, tmp_path, device="gpu")  # type: ignore[arg-type]


def test_shuffled_copies_of_a_models_rows_are_at_chance(done: Done) -> None:
    """End to end: rows that a run has stored, shuffled, are no more alike than chance in any configuration.

    The tokenizer, and so the rows, are others in each session: what one pair tells by luck, ten do not.
    """
    rows = Store(done.store).load_representation(next(iter(done.results)).a_key).matrix
    rng = np.random.default_rng(1)
    copies = {f"copy {number}": rows[rng.permutation(len(rows))] for number in range(5)}
    found = likewise.compare(copies, "paper", permutations=60).to_pandas()
    assert len(found) == 100 and found["z"].notna().all() and found["pvalue"].notna().all()
    of_each = found.groupby(["measure", "parameters"])[["z", "pvalue"]].mean()
    assert len(of_each) == 10
    assert (of_each["z"].abs() < 1.6).all() and (of_each["pvalue"] > 0.1).all()


def test_a_run_scores_both_orders_and_leaves_unpaired_values_without_chance(
    tmp_path: Path, experiment: dict[str, Any], unusual: tuple[str, ...]
) -> None:
    experiment |= {"measures": ["cka", "ridge", "norm_gap"], "datasets": experiment["datasets"][:1]}
    told: list[tuple[str, int, int]] = []
    done = likewise.run(experiment, tmp_path / "store", watch=lambda *event: told.append(event))
    assert not done.failed
    assert told[-1] == ("comparing pairs", 6, 6)
    first, second = "first @ 2", "first"
    assert [(r.a, r.b, r.measure) for r in done.results][:4] == [
        (first, second, "cka"),
        (first, second, "ridge"),
        (second, first, "ridge"),
        (first, second, "norm_gap"),
    ]
    store = Store(done.store)
    _, there, back, alone, *_ = done.results
    loaded = {name: store.load_representation(key) for name, key in ((first, there.a_key), (second, there.b_key))}
    again = {(r.a, r.b): r for r in likewise.compare(loaded, "ridge", permutations=5, rng=3)}
    for row in (there, back):
        assert (row.value, row.calibrated) == (again[row.a, row.b].value, again[row.a, row.b].calibrated)
    assert (alone.n_permutations, alone.reason) == (0, NO_CHANCE)
    assert likewise.run(experiment, done.store).performed == 0
    page = report_experiment(store, "small", tmp_path / "report").read_text(encoding="utf-8")
    assert ": 24 scores." in page and "scores are missing" not in page


def test_a_population_by_products_is_resumed_and_equals_pairs(experiment: dict[str, Any], tmp_path: Path) -> None:
    """Reduced to vectors or not, in one run or two, the rows are the same but for rounding."""
    experiment |= {"measures": ["cka", "rsa"], "statistics": {"groups": 0, "permutations": 0}}
    experiment["datasets"] = experiment["datasets"][1:]  # prompts that belong together have no closed form
    whole = likewise.run(experiment, tmp_path / "whole")
    assert not (tmp_path / "whole" / "reduced").exists()
    part = {**experiment, "models": experiment["models"][:2]}
    likewise.run(part, tmp_path / "grown")
    grown = likewise.run(experiment, tmp_path / "grown")
    assert likewise.run(experiment, tmp_path / "grown").performed == 0
    assert len(whole.results) == len(grown.results) == 6 * 2
    first = next(r for r in whole.results)
    store = Store(tmp_path / "whole")
    pair = {r: store.load_representation(k) for r, k in ((first.a, first.a_key), (first.b, first.b_key))}
    (again,) = likewise.compare(pair, first.measure, permutations=0, groups=0)
    assert (first.value, first.null_mean, first.z) == pytest.approx((again.value, again.null_mean, again.z), rel=1e-9)
    for one, other in zip(whole.results, grown.results, strict=True):
        assert (one.a, one.b, one.measure, one.null, one.pvalue_holm is None) == (
            other.a, other.b, other.measure, "moments", False,
        )  # fmt: skip
        assert (one.value, one.pvalue, one.calibrated) == pytest.approx((other.value, other.pvalue, other.calibrated))
