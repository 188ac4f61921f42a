"""What is on disk is complete or not there; what is damaged or foreign is named, with what to do."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from likewise.errors import InputError, StoreError
from likewise.representation import Representation
from likewise.scoring import Results, compare
from likewise.store import Store, content_key, read_file, write_atomically
from likewise.store.atomic import sweep

KEY, OTHER = "a" * 24, "b" * 24

PAST = Path(__file__).parent / "past"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def saved(store: Store) -> Representation:
    matrix = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    r = Representation(matrix, ["a", "b", "c", "é"], "mine", KEY, {"model": "m", "layer": "last"})
    store.save_representation(r, {"zero_rows": 0})
    return r


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_a_representation_comes_back_as_it_was(store: Store, saved: Representation) -> None:
    back = store.load_representation(saved.key, "mine")
    assert back.matrix.tobytes() == saved.matrix.tobytes()
    assert (back.ids, back.name, back.key, dict(back.source)) == (saved.ids, "mine", saved.key, dict(saved.source))
    assert store.representations() == [saved.key]
    assert store.describe_representation(saved.key)["audit"] == {"zero_rows": 0}


def test_saving_twice_gives_equal_bytes(store: Store, saved: Representation, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    other.save_representation(saved, {"zero_rows": 0})
    for name in ("representations/" + saved.key + end for end in (".safetensors", ".json")):
        assert (store.folder / name).read_bytes() == (other.folder / name).read_bytes()


def test_a_matrix_without_its_description_is_not_there(store: Store, saved: Representation) -> None:
    store.representation_path(saved.key).with_suffix(".json").unlink()
    assert not store.has_representation(saved.key)
    assert store.representations() == []


@pytest.mark.parametrize("cut", [0, 20, -1])
def test_a_truncated_matrix_is_refused(store: Store, saved: Representation, cut: int) -> None:
    path = store.representation_path(saved.key)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StoreError, match="is damaged or foreign .* delete it, then run the same command"):
        store.load_representation(saved.key)


def test_a_foreign_description_is_refused(store: Store, saved: Representation) -> None:
    path = store.representation_path(saved.key).with_suffix(".json")
    about = json.loads(path.read_text(encoding="utf-8"))
    del about["checksum"]
    path.write_text(json.dumps({**about, "key": OTHER}))
    with pytest.raises(StoreError, match="describes another file"):
        store.load_representation(saved.key)
    path.write_text("{")
    with pytest.raises(StoreError, match="damaged or foreign"):
        store.describe_representation(saved.key)


@pytest.fixture
def results() -> Results:
    rng = np.random.default_rng(0)
    return compare({"a": rng.normal(size=(6, 3)), "b": rng.normal(size=(6, 4))}, "cka", permutations=3)


def test_results_come_back_with_what_was_asked(store: Store, results: Results) -> None:
    store.save_results(KEY, results, {"seed": 3})
    ((request, row),) = store.results()
    assert request == {"seed": 3}
    # Corrected p-values belong to a whole table, and are not kept of its parts.
    assert row == replace(next(iter(results)), pvalue_holm=None, pvalue_bh=None, correction="")


def test_seconds_lie_beside_so_that_results_are_equal_to_the_byte(store: Store, results: Results) -> None:
    store.save_results(KEY, results, {})
    slower = results.table.set_column(results.table.schema.get_field_index("seconds"), "seconds", pa.array([99.0]))
    store.save_results(OTHER, Results(slower), {})
    one, two = (store.folder / "results" / f"{k}.parquet" for k in (KEY, OTHER))
    assert one.read_bytes() == two.read_bytes()
    assert [row.seconds for _, row in store.results()] == [next(iter(results)).seconds, 99.0]


@pytest.mark.parametrize("content", [b"", b"not parquet at all"])
def test_a_foreign_file_among_the_results_is_named(store: Store, results: Results, content: bytes) -> None:
    store.save_results(KEY, results, {})
    (store.folder / "results" / "odd.parquet").write_bytes(content)
    with pytest.raises(StoreError, match=r"odd\.parquet is damaged or foreign"):
        list(store.results())


def test_a_parquet_file_of_somebody_else_is_named(store: Store, results: Results) -> None:
    store.save_results(KEY, results, {})
    pq.write_table(pa.table({"x": [1]}), store.folder / "results" / "theirs.parquet")
    with pytest.raises(StoreError, match=r"theirs\.parquet is damaged or foreign"):
        list(store.results())


def test_a_newer_store_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"version": 99}')
    with pytest.raises(StoreError, match="store of version 99; this likewise reads 1"):
        Store(tmp_path)
    with pytest.raises(InputError, match="is a file; expected the folder"):
        Store(tmp_path / "store.json")


def test_a_store_of_every_past_version_can_be_read() -> None:
    for folder in sorted(PAST.iterdir()):
        store = Store(folder)
        assert [store.load_representation(k).n_items for k in store.representations()]
        assert [row.measure for _, row in store.results()]
        assert store.experiments()
    assert sorted(p.name for p in PAST.iterdir()) == ["1", "2"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "quota")])
def test_a_full_disk_loses_nothing_and_says_so(store: Store, saved: Representation, error: OSError) -> None:
    before = files(store.folder)

    def fill(path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    with pytest.raises(StoreError, match="disk is full: .* make room and run the same command again"):
        write_atomically(store.representation_path(OTHER), fill)
    assert files(store.folder) == before


def test_a_really_full_disk(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(StoreError, match="the disk is full"):
        write_atomically(tmp_path / "x", lambda p: Path("/dev/full").write_bytes(b"x" * 10))
    assert files(tmp_path) == []


def test_an_interrupt_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def interrupted(unfinished: Path) -> None:
        unfinished.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupted)
    assert path.read_text() == "old"
    assert files(tmp_path) == ["x"]


def test_sweep_takes_the_leavings_of_the_dead_only(tmp_path: Path) -> None:
    names: list[str] = []
    write_atomically(tmp_path / "x", lambda p: (names.append(p.name), p.write_text("")))
    (mine,) = names
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    theirs = mine.replace(f".{os.getpid()}.", f".{dead.stdout.strip()}.")
    elsewhere = f".x.other-host.{dead.stdout.strip()}.ab.unfinished"
    foreign = ".foo.unfinished"
    for name in (mine, theirs, elsewhere, foreign):
        (tmp_path / name).write_text("")
    sweep(tmp_path)
    assert files(tmp_path) == sorted([mine, elsewhere, foreign, "x"])


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "x", lambda p: p.write_text(""))


def test_a_pin_stays_as_it_was_written_first(store: Store) -> None:
    assert store.pin("model", "owner/one", "main") is None
    store.save_pin("model", "owner/one", "main", "a" * 40, 32, 3)
    store.save_pin("model", "owner/one", "main", "b" * 40, 64, 6)
    store.save_pin("dataset", "owner/one", "main", "c" * 40)
    pin = store.pin("model", "owner/one", "main")
    assert pin is not None and (pin["commit"], pin["width"], pin["blocks"]) == ("a" * 40, 32, 3)
    assert (store.pin("dataset", "owner/one", "main") or {})["commit"] == "c" * 40
    assert store.pin("model", "owner/one", "v2") is None
    assert len(files(store.folder / "pins")) == 2


def test_of_two_writers_the_first_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pin"
    write_atomically(path, lambda p: (p.write_text("second"), path.write_text("first")), once=True)
    assert path.read_text() == "first" and files(tmp_path) == ["pin"]

    def refuse(*args: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    for name, text in (("pin", "first"), ("new", "third")):
        write_atomically(tmp_path / name, lambda p: p.write_text("third"), once=True)
        assert (tmp_path / name).read_text() == text
    assert files(tmp_path) == ["new", "pin"]


def test_a_pin_of_another_name_is_refused(store: Store) -> None:
    store.save_pin("model", "owner/one", "main", "a" * 40)
    path = store.pin_path("model", "owner/one", "main")
    about = json.loads(path.read_text(encoding="utf-8"))
    del about["checksum"]
    path.write_text(json.dumps({**about, "hub": "owner/two"}))
    with pytest.raises(StoreError, match="damaged or foreign .it is not the pin of owner/one at main"):
        store.pin("model", "owner/one", "main")
    path.write_text('{"kind": "model", "hub": "owner/one", "revision": "main"}')
    with pytest.raises(StoreError, match="there is no commit"):
        store.pin("model", "owner/one", "main")


def test_keys_tell_contents_apart_and_ignore_order() -> None:
    assert content_key({"a": 1, "b": [1, 2]}) == content_key({"b": [1, 2], "a": 1})
    assert content_key([1, 2]) != content_key([2, 1])
    assert len(content_key(0)) == 24


MATRIX = np.arange(6, dtype=np.float32).reshape(3, 2)


def write(path: Path, kind: str) -> Path:
    path = path / f"mine.{kind}"
    if kind == "npy":
        np.save(path, MATRIX)
    elif kind == "npz":
        np.savez(path, matrix=MATRIX, ids=np.asarray(["a", "b", "c"]))
    elif kind == "safetensors":
        save_file({"states": MATRIX}, path)
    else:
        pq.write_table(pa.table({"id": ["a", "b", "c"], "0": MATRIX[:, 0], "1": MATRIX[:, 1]}), path)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "parquet"])
def test_every_kind_of_file_gives_the_matrix(tmp_path: Path, kind: str) -> None:
    r = read_file(write(tmp_path, kind))
    np.testing.assert_array_equal(r.matrix, MATRIX)
    assert r.name == "mine"
    assert r.ids == (("a", "b", "c") if kind in ("npz", "parquet") else ("0", "1", "2"))


def test_bfloat16_and_lists_are_read(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    save_torch({"states": torch.tensor([[1.5, -2.0], [3.0, 0.25]], dtype=torch.bfloat16)}, tmp_path / "b.safetensors")
    np.testing.assert_array_equal(read_file(tmp_path / "b.safetensors").matrix, [[1.5, -2.0], [3.0, 0.25]])
    pq.write_table(pa.table({"id": [7, 8], "row": [[1.0, 2.0], [3.0, 4.0]]}), tmp_path / "l.parquet")
    np.testing.assert_array_equal(read_file(tmp_path / "l.parquet").matrix, [[1.0, 2.0], [3.0, 4.0]])


def test_what_cannot_be_read_is_explained(tmp_path: Path) -> None:
    cases = {
        "none.npy": "there is no file",
        "x.txt": "expected one of .npy",
        "object.npy": "holds Python objects, which are never loaded",
        "short.safetensors": "cannot be read",
        "empty.npy": "cannot be read",
        "cut.npz": "cannot be read",
        "two.npz": "holds a, b; expected one matrix",
        "noid.parquet": "has no column 'id' of ids",
        "text.parquet": "has no column of numbers; its other columns are word",
        "ragged.parquet": "row 1 has 2 numbers in column 'r', and row 0 has 1",
    }
    (tmp_path / "x.txt").write_text("")
    np.save(tmp_path / "object.npy", np.asarray([{}], dtype=object), allow_pickle=True)
    (tmp_path / "short.safetensors").write_bytes(b"abc")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.savez(tmp_path / "cut.npz", matrix=MATRIX)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:100])
    np.savez(tmp_path / "two.npz", a=MATRIX, b=MATRIX)
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "noid.parquet")
    pq.write_table(pa.table({"id": [1], "word": ["x"]}), tmp_path / "text.parquet")
    pq.write_table(pa.table({"id": [1, 2], "r": [[1.0], [1.0, 2.0]]}), tmp_path / "ragged.parquet")
    for name, message in cases.items():
        with pytest.raises(InputError, match=message):
            read_file(tmp_path / name)


def test_descriptions_are_plain_json(store: Store, saved: Representation) -> None:
    text = store.representation_path(saved.key).with_suffix(".json").read_text(encoding="utf-8")
    assert json.loads(text)["ids"][-1] == "é"


def test_rows_that_single_precision_does_not_keep_are_not_saved(tmp_path: Path) -> None:
    store = Store(tmp_path)
    x = np.random.default_rng(0).normal(size=(20, 3))
    for lost in (x * 1e-45, x + 1e9):
        with pytest.raises(InputError, match="x: .*float32"):
            store.save_representation(Representation(lost, name="x", key="a" * 24), {})
    assert not store.representations()
