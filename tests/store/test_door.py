"""What lies in a stored file is what was written, or it is named as damaged or foreign: never another number."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from likewise.cli.main import app
from likewise.errors import InputError, StoreError
from likewise.measures import Configuration, prepare
from likewise.representation import Representation
from likewise.scoring import compare, reduce
from likewise.store import Store, check_no_link, shapes, write_table
from likewise.store.door import CHECKSUM, MOST_JSON, read_json, read_table, write_json
from likewise.store.folder import PARTS
from likewise.store.tiles import STORED

A, B, TILE = "a" * 24, "b" * 24, "c" * 24
CKA = Configuration.parse("cka")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a file of every kind."""
    store = Store(tmp_path_factory.mktemp("door") / "whole")
    rng = np.random.default_rng(0)
    for key in (A, B):
        matrix = rng.normal(size=(6, 3)).astype(np.float32)
        r = Representation(matrix, list("abcdef"), key[0], key, {"model": key[0], "layer": "last", "unaligned": []})
        store.save_representation(r, {"zero_rows": 0, "anisotropy": 0.25})
        store.save_reduced(key, CKA, reduce(CKA, prepare(r)), {"n": "6", "items": ""})
    rows = compare([store.load_representation(key) for key in (A, B)], ["cka", "jaccard(k=2)"], permutations=3)
    store.save_results(TILE, rows, {"seed": 3})
    store.save_pin("model", "owner/one", "main", "a" * 40, 32, 3)
    members = [{"name": key[0], "dataset": "d", "key": key} for key in (A, B)]
    store.save_experiment("e", {"experiment": {"name": "e", "models": ["a", "b"]}, "representations": members})
    return store.folder


def everything(folder: Path) -> Any:
    """All that a store tells, as far as it decides on numbers and words."""
    store = Store(folder)
    loaded = [store.load_representation(key) for key in store.representations()]
    return (
        [(r.matrix.tobytes(), r.matrix.shape, r.ids, dict(r.source)) for r in loaded],
        [store.describe_representation(key) for key in store.representations()],
        [(request, table.drop_columns(["seconds"]).to_pylist()) for request, table in store.tables()],
        store.experiments(),
        store.pin("model", "owner/one", "main"),
        [(reduced.vector.tobytes(), reduced.sums.tobytes(), reduced.reason, about)
         for reduced, about in (store.load_reduced(key, CKA) for key in (A, B))],
    )  # fmt: skip


def kinds(folder: Path) -> dict[str, Path]:
    return {
        "store": folder / "store.json",
        "matrix": folder / "representations" / f"{A}.safetensors",
        "description": folder / "representations" / f"{A}.json",
        "result": folder / "results" / f"{TILE}.parquet",
        "seconds": folder / "results" / f"{TILE}.seconds",
        "experiment": folder / "experiments" / "e.json",
        "pin": next((folder / "pins").glob("*.json")),
        "reduced": next((folder / "reduced").rglob(f"{A}.safetensors")),
    }


KINDS = ("store", "matrix", "description", "result", "seconds", "experiment", "pin", "reduced")


@pytest.fixture
def hurt(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "hurt")
    return tmp_path / "hurt"


def answer(folder: Path) -> Any:
    """All that a store tells, or nothing where it is refused."""
    try:
        return everything(folder)
    except StoreError as error:
        return None if "\n" not in str(error) else str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_and_cut_bytes_never_give_other_numbers(whole: Path, hurt: Path, kind: str) -> None:
    right, path = everything(whole), kinds(hurt)[kind]
    content = path.read_bytes()
    for place in {*range(0, len(content), max(1, len(content) // 40)), len(content) - 5}:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        assert answer(hurt) in (None, right), (kind, place)
    for length in (0, 1, 8, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        # Without the last line end, a text is what it was.
        assert answer(hurt) in ((None, right) if length == len(content) - 1 else (None,)), (kind, length)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_link(path: Path) -> None:
    elsewhere = path.rename(path.parent.parent.parent / "elsewhere")
    path.symlink_to(elsewhere)


def as_endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("make", [as_folder, as_link, as_endless, as_pipe])
@pytest.mark.parametrize("kind", KINDS)
def test_only_regular_files_are_read(hurt: Path, kind: str, make: Callable[[Path], None]) -> None:
    path = kinds(hurt)[kind]
    make(path)
    with pytest.raises(StoreError, match=r"is damaged or foreign .*delete it, then run the same command") as raised:
        everything(hurt)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "store"])
def test_a_folder_that_is_a_link_is_neither_read_nor_written(hurt: Path, kind: str) -> None:
    folder = kinds(hurt)[kind].parent
    elsewhere = folder.rename(hurt.parent / "elsewhere")
    folder.symlink_to(elsewhere)
    with pytest.raises(StoreError, match="is a link"):
        everything(hurt)
    before = sorted(p.name for p in elsewhere.iterdir())
    store = Store(hurt)
    reduced = reduce(CKA, prepare(Representation(np.eye(6), name="x")))
    with pytest.raises(StoreError, match="is a link"):
        store.save_reduced(B, CKA, reduced, {})
    assert sorted(p.name for p in elsewhere.iterdir()) == before


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_deleted_through_a_link(tmp_path: Path, part: str) -> None:
    """A store from others says where its folders are; gc, and all that tidies up, keeps to the store itself."""
    store, theirs = Store(tmp_path / "store"), tmp_path / "theirs"
    store.save_representation(Representation(np.eye(6), name="x", key=A), {})
    for name in ("a.parquet", "a.json", "a.safetensors", "b/c.safetensors", "d.parts/rows", "d.parts/lock"):
        (theirs / name).parent.mkdir(parents=True, exist_ok=True)
        (theirs / name).write_text("{}")
    before = {path: path.stat().st_mtime_ns for path in sorted(theirs.rglob("*"))}
    if (folder := store.folder / part).exists():
        shutil.rmtree(folder)
    folder.symlink_to(theirs)
    for yes in ([], ["--yes"]):
        CliRunner().invoke(app, ["gc", str(store.folder), *yes])
    store.sweep()
    store.drop_reduced()
    for key in store.begun():
        store.parts(key).discard_left()
    for path in before:
        with contextlib.suppress(StoreError):
            store.files.remove(folder / path.relative_to(theirs))
    assert {path: path.stat().st_mtime_ns for path in sorted(theirs.rglob("*"))} == before
    store.files.remove(folder)  # the link itself is the store's
    assert not folder.is_symlink() and theirs.is_dir()


ODD = (None, True, -1, 1.5, 2**70, "", "../../x", [], {}, [[]], [None], "\x00", "ü" * 300, {"x": {"y": []}})
"""Values of every type, and of no use."""


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inner:
        yield from places(entry, (*place, key))


def put(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    if not place:
        return odd
    copied = value.copy()
    copied[place[0]] = put(value[place[0]], place[1:], odd)
    return copied


@pytest.mark.parametrize("kind", ["store", "description", "experiment", "pin"])
def test_every_field_of_the_wrong_type_is_named_or_is_only_shown(hurt: Path, kind: str) -> None:
    """Also where no checksum is told, or one that fits: a stranger can write both."""
    path = kinds(hurt)[kind]
    told = json.loads(path.read_text(encoding="utf-8"))
    del told[CHECKSUM]
    for place in places(told):
        for odd in ODD:
            path.write_text(json.dumps(put(told, place, odd)), encoding="utf-8")
            answer(hurt)
        if place and isinstance(place[-1], str) and len(place) == 1:
            path.write_text(json.dumps({k: v for k, v in told.items() if k != place[0]}), encoding="utf-8")
            assert answer(hurt) is None or (kind, place[0]) in {("pin", "width"), ("pin", "blocks"), ("store", "what")}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, '{"a":' * 100_000, "9" * 10_000, '{"version": ' + "9" * 5000 + "}", "NaN", '{"version": NaN}',
        '{"version": 1e999}', '{"version": 1, "what": "\\ud800"}', "\ufeff{}", "{}", "null", '"x"', "{'a': 1}", "\x00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["store", "description", "experiment", "pin"])
def test_foreign_json_is_named(hurt: Path, kind: str, text: str) -> None:
    path = kinds(hurt)[kind]
    path.write_bytes(text.encode())
    with pytest.raises(StoreError, match="is damaged or foreign") as raised:
        everything(hurt)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_sizes_are_bounded_for_reading_and_writing(hurt: Path) -> None:
    path = kinds(hurt)["description"]
    with path.open("r+b") as file:
        file.truncate(MOST_JSON + 1)
    with pytest.raises(StoreError, match="at most 67,108,864 are read"):
        everything(hurt)
    with pytest.raises(InputError, match="is too large"):
        write_json(path, {"x": "a" * MOST_JSON})


def test_names_that_are_no_keys_do_not_become_paths(hurt: Path) -> None:
    store = Store(hurt)
    for key in ("../" * 8 + "x", "/etc/passwd", "", "A" * 24, "a" * 23, "a" * 24 + "\n", "a" * 300):
        with pytest.raises(InputError, match="is no key"):
            store.load_representation(key)
        with pytest.raises(InputError, match="is no key"):
            store.load_reduced(key, CKA)
        with pytest.raises(InputError, match="is no key"):
            list(store.tables(key))
    with pytest.raises(InputError, match="cannot be called"):
        store.save_experiment("../x", {})
    (hurt / "experiments" / "e.json").rename(hurt / "experiments" / "other.json")
    with pytest.raises(StoreError, match="of the experiment 'e'"):
        store.experiments()


def tables(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Tables that we never write, with a fault each."""

    def changed(name: str, values: Any, kind: Any = None) -> pa.Table:
        place = table.schema.get_field_index(name)
        kind = kind or table.schema.field(name).type
        return table.set_column(place, pa.field(name, kind), pa.array(values).cast(kind))

    n = table.num_rows
    yield "not finite", changed("value", [float("nan")] * n)
    yield "not finite", changed("z", [float("inf")] * n)
    yield "from 1.5 to 1.5", changed("pvalue", [1.5] * n)
    yield "from -1", changed("null_std", [-1.0] * n)
    yield "from -3", changed("n_permutations", [-3] * n)
    yield "holds 'sideways'", changed("direction", ["sideways"] * n)
    yield "holds 'perhaps'", changed("status", ["perhaps"] * n)
    yield "is no key", changed("a_key", ["../../x"] * n)
    yield "without a value", changed("measure", pa.nulls(n, pa.string()))
    yield "a value and is undefined", changed("status", ["undefined"] * n)
    yield "holds string", changed("value", ["1.0"] * n, pa.string())
    yield "holds double", changed("n_items", [6.0] * n, pa.float64())
    yield "holds list", changed("value", [[1.0]] * n, pa.list_(pa.float64()))
    yield "no column 'value'", table.drop_columns(["value"])
    yield "its columns are", table.append_column("more", pa.array([1] * n))
    yield "its columns are", table.append_column("value", pa.array([1.0] * n))


def test_rows_that_no_run_writes_are_named(hurt: Path) -> None:
    path = kinds(hurt)["result"]
    table = pq.read_table(path)
    for why, odd in tables(table):
        for write in (write_table, lambda p, t: pq.write_table(t, p)):
            write(path, odd.replace_schema_metadata({"likewise.request": "{}"}))
            with pytest.raises(StoreError, match="is damaged or foreign") as raised:
                list(Store(hurt).tables())
            assert why in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("request_", [None, b"", b"[]", b"[" * 100_000, b"nul", b"\xff"])
def test_a_request_that_is_none_is_named(hurt: Path, request_: bytes | None) -> None:
    path = kinds(hurt)["result"]
    table = pq.read_table(path)
    write_table(path, table.replace_schema_metadata({} if request_ is None else {b"likewise.request": request_}))
    with pytest.raises(StoreError, match="does not say what was asked for"):
        list(Store(hurt).tables())


def test_few_bytes_that_say_many_rows_are_not_unfolded(tmp_path: Path) -> None:
    path, schema = tmp_path / "bomb.parquet", pa.schema([("x", pa.float64())])
    pq.write_table(pa.table({"x": pa.nulls(3_000_000, pa.float64())}), path)
    with pytest.raises(StoreError, match="3,000,000 rows in"):
        read_table(path, schema)
    pq.write_table(pa.table({"x": [1.0]}), path, compression="zstd")
    with pytest.raises(StoreError, match="compressed by ZSTD"):
        read_table(path, schema)


def test_equal_tables_give_equal_bytes_that_others_read(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0, None]})
    one, two = (write_table(tmp_path / name, table) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert pq.read_table(one).to_pydict() == read_table(two, table.schema)[0].to_pydict() == table.to_pydict()


def test_json_without_a_checksum_is_of_an_earlier_version(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"version": 1}')
    assert read_json(path, shapes.STORE) == {"version": 1}
    write_json(path, {"version": 1, "what": "é"})
    assert read_json(path, shapes.STORE) == {"version": 1, "what": "é"}
    path.write_text(path.read_text(encoding="utf-8").replace("é", "e"), encoding="utf-8")
    with pytest.raises(StoreError, match="not what was written"):
        read_json(path, shapes.STORE)


def test_a_text_that_is_no_unicode_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no character"):
        write_json(tmp_path / "x.json", {"x": "\ud800"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "error"), [("x" * 300, InputError), ("x\0y", InputError), ("file", InputError), ("file/below", StoreError)]
)
def test_odd_folders_are_said_in_a_line(tmp_path: Path, name: str, error: type[Exception]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(error) as raised:
        Store(tmp_path / name).save_pin("model", "owner/one", "main", "a" * 40)
    assert "\n" not in str(raised.value)


def test_the_columns_of_results_are_those_of_comparisons() -> None:
    assert "seconds" not in STORED.names and {"value", "reason", "measure_version"} <= set(STORED.names)


def test_nothing_is_written_through_a_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="is a link, and nothing is written through it"):
        check_no_link(tmp_path / "link")
    with pytest.raises(StoreError, match="File name too long"):
        check_no_link(tmp_path / ("z" * 300) / "figures")
    check_no_link(tmp_path)


@pytest.mark.parametrize("value", [None, 0.0])
def test_a_column_in_which_all_is_equal_is_read_back(value: float | None, tmp_path: Path) -> None:
    """A tile of many pairs without a score, or with one time for all, takes a few bytes."""
    table = pa.table({"value": pa.array([value] * 500_000, pa.float64())})
    path = write_table(tmp_path / "equal.parquet", table)
    assert path.stat().st_size < 4_000
    assert read_table(path, table.schema)[0].equals(table)
