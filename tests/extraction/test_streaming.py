"""Rows stream to disk, whatever memory allows and whenever it is stopped."""

import contextlib
import gc
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from likewise.errors import InputError
from likewise.extraction import extract
from likewise.extraction.ways import Way
from likewise.models import LoadedModel, ModelSpec, load_model, resolve_layers
from likewise.models.layers import TRIED
from likewise.prompts import Prompts
from likewise.store import Growing, Parts


@pytest.fixture(scope="module")
def loaded(tiny: Callable[..., Path]) -> LoadedModel:
    return load_model(ModelSpec(model=str(tiny("llama"))), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def prompts() -> Prompts:
    texts = tuple(" ".join(["word"] * (3 + i % 17)) + "." for i in range(60))
    return Prompts("many", tuple(f"p{i}" for i in range(60)), texts, "")


def test_a_batch_that_memory_does_not_hold_is_halved(
    loaded: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = extract(loaded, prompts, ["1", "last"], "last_token", batch_tokens=2000, threads=1)
    sizes: list[int] = []
    run = loaded.model.forward

    def small(input_ids: Any, **other: Any) -> Any:
        sizes.append(len(input_ids))
        if len(input_ids) > 5:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")
        return run(input_ids=input_ids, **other)

    small.__signature__ = __import__("inspect").signature(run)  # type: ignore[attr-defined]
    monkeypatch.setattr(loaded.model, "forward", small)
    told: list[tuple[int, int]] = []
    how: dict[str, Any] = {"batch_tokens": 2000, "threads": 1, "watch": lambda _, *t: told.append(t)}
    rows = extract(loaded, prompts, ["1", "last"], "last_token", way=Way(), **how)
    assert max(sizes) > 5 >= sizes[-1]
    assert told[-1][0] == told[-1][1]
    for layer in rows:
        np.testing.assert_allclose(rows[layer], whole[layer], rtol=1e-4, atol=1e-5)


def test_batches_of_many_short_prompts_are_halved_and_not_cut_to_as_few_as_one_of_long_ones(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = (*(" ".join(["word"] * 40),) * 2, *("A word.",) * 400)
    many = Prompts("many", tuple(map(str, range(402))), texts, "")
    budget = 2 * len(loaded.tokenizer(texts[0])["input_ids"])
    sizes: list[tuple[int, int]] = []
    run = loaded.model.forward

    def small(input_ids: Any, **other: Any) -> Any:
        sizes.append(tuple(input_ids.shape))
        if input_ids.numel() > 0.6 * budget:
            raise MemoryError
        return run(input_ids=input_ids, **other)

    small.__signature__ = __import__("inspect").signature(run)  # type: ignore[attr-defined]
    monkeypatch.setattr(loaded.model, "forward", small)
    extract(loaded, many, ["last"], "last_token", batch_tokens=budget, threads=1)
    short = [rows for rows, length in sizes if length < budget / 4]
    assert len(short) <= 4 * 400 * sizes[-1][1] / budget + 4


def test_one_prompt_that_memory_does_not_hold_is_named(
    loaded: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(loaded.model, "forward", full)
    with pytest.raises(MemoryError, match="memory runs out for prompt 'p16' of .* tokens alone; use a smaller"):
        extract(loaded, prompts, ["last"], "last_token", batch_tokens=1, threads=1)


def test_another_error_is_not_taken_for_a_lack_of_memory(
    loaded: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def broken(*_: Any, **__: Any) -> Any:
        calls.append(1)
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(loaded.model, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        extract(loaded, prompts, ["last"], "last_token", batch_tokens=10_000, threads=1)
    assert len(calls) == len(TRIED)  # from which layouts are learnt


@pytest.mark.parametrize("threads", [2, 5])
def test_rows_are_the_same_to_the_last_bit_with_any_number_of_threads(
    loaded: LoadedModel, prompts: Prompts, threads: int
) -> None:
    one = extract(loaded, prompts, ["1", "last"], "mean", batch_tokens=100, threads=1)
    several = extract(loaded, prompts, ["1", "last"], "mean", batch_tokens=100, threads=threads)
    assert {k: v.tobytes() for k, v in one.items()} == {k: v.tobytes() for k, v in several.items()}


def test_what_is_not_finite_is_named(loaded: LoadedModel, prompts: Prompts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded.model.norm.weight, "data", loaded.model.norm.weight.data * float("inf"))
    with pytest.raises(InputError, match=r"layer last of 'p\d+' holds values that are not finite .*float16 overflows"):
        extract(loaded, prompts, ["last"], "last_token")


def test_growing_rows_hold_none_in_memory_and_are_a_file_that_others_read(tmp_path: Path) -> None:
    n, width, step = 4000, 512, 100  # 8 MB
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, width)).astype(np.float32)
    tracemalloc.start()
    growing = Growing(tmp_path / "rows.safetensors", n)
    for places in np.array_split(rng.permutation(n), n // step):
        growing.write(places, rows[places])
    growing.flush()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * step * width * 4
    np.testing.assert_array_equal(load_file(tmp_path / "rows.safetensors")["matrix"], rows)
    np.testing.assert_array_equal(Growing(tmp_path / "rows.safetensors", n).matrix, rows)


def test_rows_that_were_not_made_safe_are_written_again(tmp_path: Path) -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    growing = Growing(tmp_path / "rows.safetensors", 4)
    growing.write(np.asarray([2, 0]), rows[[2, 0]])
    growing.flush()
    growing.write(np.asarray([1]), rows[[1]])
    again = Growing(tmp_path / "rows.safetensors", 4)
    assert again.done.tolist() == [True, False, True, False]
    assert Growing(tmp_path / "rows.safetensors", 5).done.tolist() == [False] * 5
    again.write(np.asarray([3, 1]), rows[[3, 1]])
    again.flush()
    np.testing.assert_array_equal(Growing(tmp_path / "rows.safetensors", 4).matrix, rows)


@pytest.mark.parametrize(("step", "number"), [("unlink", 0), ("unlink", 1), ("open", 0), ("open", 1)])
def test_rows_that_are_gone_are_not_marked_whenever_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    rows, path = np.ones((3, 2), dtype=np.float32), tmp_path / "rows.safetensors"
    growing = Growing(path, 3)
    growing.write(np.arange(3), rows)
    growing.flush()
    with path.open("rb+") as file:
        file.truncate(20)  # damaged: it is begun again

    real, count = getattr(Path, step), itertools.count()

    def killed(self: Path, *words: Any, **more: Any) -> Any:
        if next(count) == number:
            raise KeyboardInterrupt
        return real(self, *words, **more)

    again = Growing(path, 3)
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, killed)
        with pytest.raises(KeyboardInterrupt):
            again.write(np.asarray([0]), rows[:1])
    assert not Growing(path, 3).done.any()


def test_one_process_at_a_time_works_on_an_extraction(tmp_path: Path) -> None:
    entered = threading.Event()

    def other() -> None:
        with Parts(tmp_path / "parts").alone():
            entered.set()

    parts = Parts(tmp_path / "parts")
    waiting = threading.Thread(target=other)
    with parts.alone():
        waiting.start()
        assert not entered.wait(0.3)
        parts.discard()
    waiting.join(timeout=10)
    assert entered.is_set()
    assert not (tmp_path / "parts").exists()


def test_rows_made_in_another_way_are_not_taken_up(tmp_path: Path) -> None:
    growing = Parts(tmp_path, "one commit").layer("last", 3)
    growing.write(np.arange(3), np.ones((3, 2), dtype=np.float32))
    growing.flush()
    assert Parts(tmp_path, "one commit").layer("last", 3).done.all()
    assert not Parts(tmp_path, "another").layer("last", 3).done.any()


def test_layers_cost_no_memory(loaded: LoadedModel, tmp_path: Path) -> None:
    """Of the rows that are kept on the way: with all layers on disk the peak is that of the last, within a batch."""
    many = Prompts("many", tuple(f"p{i}" for i in range(800)), tuple(f"Word {i}." for i in range(800)), "")

    few = replace(many, ids=many.ids[:40], texts=many.texts[:40])

    def peak(layers: list[str], folder: Path, many: Prompts = many) -> int:
        gc.collect()  # what others left is not counted
        tracemalloc.start()
        extract(loaded, many, resolve_layers(layers, 3), "last_token", threads=1, into=Parts(folder).layer)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(["all"], tmp_path / "warm", few)
    last, everything = peak(["last"], tmp_path / "last"), peak(["all"], tmp_path / "all")
    of_one_layer = 800 * 32 * 4
    assert everything - last < of_one_layer


def newest(store: Path) -> int:
    """When a file of rows was last written to."""
    times = [0]
    for path in store.glob("representations/**/*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime_ns)
    return max(times)


def content(store: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in store.glob("representations/*") if p.is_file()}


@pytest.mark.long("each kill costs a start, and half a minute of extraction")
@pytest.mark.parametrize("kills", [1, 5])
def test_killed_at_random_two_models_and_two_data_sets_end_equal(
    tmp_path: Path, tiny: Callable[..., Path], kills: int
) -> None:
    # Batches of one prompt, so that a run takes a while.
    value = {
        "name": "killed",
        "models": [{"model": str(tiny("llama")), "layers": ["all"]}, str(tiny("gpt_neox"))],
        "datasets": [{"source": "commonsense-probes", "limit": 120}, {"source": "humaneval", "limit": 40}],
        "measures": [],
    }
    path = tmp_path / "killed.yaml"
    path.write_text(yaml.safe_dump(value))

    def start(store: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "likewise", "run", str(path), "--store", str(store), "--batch-tokens", "1"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        return subprocess.Popen(command, **quiet)  # type: ignore[call-overload,no-any-return]

    assert start(tmp_path / "quiet").wait(timeout=300) == 0
    rng = random.Random(0)
    killed = 0
    for _ in range(kills + 4):
        process = start(tmp_path / "store")
        begun = time.monotonic()
        before = newest(tmp_path / "store")
        # At random, once it has begun to work.
        while process.poll() is None and newest(tmp_path / "store") == before:
            assert time.monotonic() - begun < 120
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.2))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait(timeout=60)
        if killed == kills:
            break
    assert killed == kills
    assert len(content(tmp_path / "store")) < len(content(tmp_path / "quiet"))
    assert start(tmp_path / "store").wait(timeout=300) == 0
    assert content(tmp_path / "store") == content(tmp_path / "quiet")
    assert not list((tmp_path / "store").rglob("*.parts"))
