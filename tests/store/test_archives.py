"""Folders of Arrow files: the right rows of the right records, in order, without holding the rest."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from likewise.errors import InputError
from likewise.store import read_folder, regular

WIDTH = 5


def write(path: Path, batches: Sequence[dict[str, Any]], kind: str = "stream") -> None:
    """Write record batches in one of Arrow's two formats."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = [pa.RecordBatch.from_pydict(batch) for batch in batches]
    make = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, make(file, tables[0].schema) as writer:
        for table in tables:
            writer.write_batch(table)


def log(numbers: Sequence[int]) -> dict[str, Any]:
    """Records of a log: record k has 1 + k % 3 tokens of a prompt, then two that were generated."""
    states, prompts = [], []
    for k in numbers:
        prompt = 1 + k % 3
        states.append([[100.0 * k + token] * WIDTH for token in range(prompt + 2)])
        prompts.append(list(range(prompt)))
    kind = pa.list_(pa.list_(pa.float32()))
    return {"output_embeddings": pa.array(states, kind), "prompt_tokens": prompts, "text": ["x"] * len(numbers)}


def last_of_prompt(count: int) -> np.ndarray:
    k = np.arange(count)
    return np.repeat((100.0 * k + k % 3)[:, None], WIDTH, axis=1).astype(np.float32)


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_the_last_token_of_each_prompt_is_taken_in_order(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "pythia-6.9b"
    for shard in range(11):  # so that data-10 must come after data-2
        write(folder / f"data-{shard}.arrow", [log([3 * shard, 3 * shard + 1]), log([3 * shard + 2])], kind)
    (folder / "dataset_info.json").write_text("{}")
    r = read_folder(folder)
    np.testing.assert_array_equal(r.matrix, last_of_prompt(33))
    assert (r.name, r.has_ids, r.matrix.dtype) == ("pythia-6.9b", False, np.float32)
    assert dict(r.source) == {"column": "output_embeddings", "pooling": "last_token"}


def test_a_folder_of_the_datasets_library_is_read_by_its_own_list_of_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    tokens = [[[float(i), float(token)] for token in range(4)] for i in range(6)]
    columns = {"id": list("abcdef"), "row": rows.tolist(), "all": tokens, "prompt_tokens": [[1, 2]] * 6}
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "row": datasets.List(datasets.Value("float32"), length=2),
            "all": datasets.Array2D((None, 2), "float64"),
            "prompt_tokens": datasets.List(datasets.Value("int64")),
        }
    )
    saved = datasets.Dataset.from_dict(columns, features=features)
    saved.save_to_disk(tmp_path / "saved", num_shards=2)
    r = read_folder(tmp_path / "saved")
    np.testing.assert_array_equal(r.matrix, rows)
    assert (r.ids, r.source["column"]) == (tuple("abcdef"), "row")
    np.testing.assert_array_equal(read_folder(tmp_path / "saved", column="all").matrix[:, 1], np.ones(6))

    state = tmp_path / "saved" / "state.json"
    told = json.loads(state.read_text())
    state.write_text(json.dumps({**told, "_data_files": told["_data_files"][::-1]}))
    np.testing.assert_array_equal(read_folder(tmp_path / "saved").matrix, np.roll(rows, 3, axis=0))

    datasets.DatasetDict({"test": saved, "train": saved}).save_to_disk(tmp_path / "splits")
    with pytest.raises(InputError, match="holds the splits test, train; name the folder of one"):
        read_folder(tmp_path / "splits")


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64(), pa.int8()])
@pytest.mark.parametrize("lists", [pa.list_, pa.large_list, lambda kind: pa.list_(kind, 2)])
def test_every_type_of_list_and_number_gives_the_matrix(tmp_path: Path, lists: Any, kind: Any) -> None:
    rows = pa.array(np.arange(6).astype(kind.to_pandas_dtype())).cast(kind)
    column = pa.array(np.reshape(rows.to_numpy(), (3, 2)).tolist(), lists(kind))
    write(tmp_path / "data.arrow", [{"name": ["a", "b", "c"], "r": column}])
    r = read_folder(tmp_path, id_column="name", column="r")
    np.testing.assert_array_equal(r.matrix, [[0, 1], [2, 3], [4, 5]])
    assert r.ids == ("a", "b", "c")


PLAIN = {"id": [1, 2], "row": [[1.0, 2.0], [3.0, 4.0]]}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "two": (
        {**PLAIN, "more": [[1.0], [2.0]]},
        {},
        r"has 2 columns with lists of floats \(row, more\); name the column",
    ),
    "none": ({"x": [1.0, 2.0]}, {}, r"has 0 columns with lists of floats \(x\)"),
    "unknown": (PLAIN, {"column": "rwo"}, "has no column 'rwo'; did you mean \"row\""),
    "id": (PLAIN, {"id_column": "name"}, "has no column 'name' of ids"),
    "null id": ({**PLAIN, "id": ["a", None]}, {}, "record 1 has nothing in column 'id'"),
    "twice": ({**PLAIN, "id": ["a", "a"]}, {}, "has the id 'a' more than once"),
    "words": ({"w": [["a"], ["b"]]}, {"column": "w"}, "column 'w' holds list.*string.*; expected a list of numbers"),
    "number": ({"x": [1.0, 2.0]}, {"column": "x"}, "column 'x' holds double; expected a list of numbers"),
    "tokens": ({"t": [[[1.0]], [[2.0]]]}, {"column": "t"}, "a list for each token; expected .* column 'prompt_tokens'"),
    "ragged": ({"row": [[1.0, 2.0], [3.0]]}, {}, "holds 1 numbers in record 1 and 2 in record 0"),
    "lacking": ({"row": [[1.0], None]}, {}, "record 1 has nothing in column 'row'"),
    "null": ({"row": [[1.0, 2.0], [3.0, None]]}, {}, "holds nan in row 1, column 1"),
    "large": ({"row": [[1.0, 2.0], [3.0, 1e300]]}, {}, "holds inf in row 1, column 1"),
    "empty": ({"row": pa.array([], pa.list_(pa.float32()))}, {}, "holds no records"),
    "long": (
        {"output_embeddings": [[[1.0]], [[2.0]]], "prompt_tokens": [[1], [1, 2]]},
        {},
        "record 1 has 2 tokens in 'prompt_tokens' and 1 rows in 'output_embeddings'",
    ),
    "silent": (
        {"output_embeddings": [[[1.0]], [[2.0]]], "prompt_tokens": pa.array([[1], []], pa.list_(pa.int64()))},
        {},
        "record 1 has 0 tokens in 'prompt_tokens'",
    ),
}


@pytest.mark.parametrize(("batch", "asked", "message"), REFUSED.values(), ids=REFUSED)
def test_records_that_are_no_matrix_are_refused(
    tmp_path: Path, batch: dict[str, Any], asked: dict[str, str], message: str
) -> None:
    write(tmp_path / "data.arrow", [batch])
    with pytest.raises(InputError, match=message):
        read_folder(tmp_path, **asked)


def test_widths_that_differ_between_batches_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "data.arrow", [{"row": [[1.0, 2.0]]}, {"row": [[1.0]]}])
    with pytest.raises(InputError, match="column 'row' holds lists of 1 and of 2 numbers"):
        read_folder(tmp_path)


def test_folders_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no data\*\.arrow"):
        read_folder(tmp_path)
    first = tmp_path / "data-00000-of-00002.arrow"
    write(first, [PLAIN])
    with pytest.raises(InputError, match="is not complete: 1 of 2 files are there"):
        read_folder(tmp_path)
    write(tmp_path / "data-00001-of-00002.arrow", [{"id": [3], "row": [[5.0, 6.0]]}])
    assert read_folder(tmp_path).ids == ("1", "2", "3")
    state = tmp_path / "state.json"
    files = [{"filename": name} for name in (first.name, "data-00003.arrow")]
    for text, message in (
        (json.dumps({"_data_files": files}), "is not complete: there is no data-00003.arrow"),
        (json.dumps({"_data_files": files[:1], "_indices_data_files": files}), "in another order than its files"),
        (json.dumps({"_data_files": ["a"]}), "does not say which files hold the records"),
        ("[]", "does not say which files"),
        ("{", "does not say which files"),
    ):
        state.write_text(text)
        with pytest.raises(InputError, match=message):
            read_folder(tmp_path)


def test_a_name_of_a_column_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.arrow"
    write(path, [{"column": [[1.0, 2.0]], "id": ["a"]}])
    path.write_bytes(path.read_bytes().replace(b"column", b"co\x9cumn"))
    with pytest.raises(InputError, match=r"data\.arrow cannot be read: \S"):
        read_folder(tmp_path)


@pytest.mark.parametrize("kind", ["stream", "file"])
@pytest.mark.parametrize("cut", [0, 3, 100, -60])
def test_a_damaged_file_is_named(tmp_path: Path, kind: str, cut: int) -> None:
    path = tmp_path / "data.arrow"
    write(path, [log(range(9))], kind)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"data\.arrow cannot be read: \w"):
        read_folder(tmp_path)


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_only_the_rows_that_count_are_held(tmp_path: Path, kind: str) -> None:
    """Of 40 MB in batches of 4 MB, 0.4 MB are wanted; a process of its own says what it held at most."""
    states = pa.FixedSizeListArray.from_arrays(np.arange(10**6, dtype=np.float32), 1000)
    lists = pa.ListArray.from_arrays(np.arange(0, 1001, 100, dtype=np.int32), states)
    batch = {"output_embeddings": lists, "prompt_tokens": [[1] * 50] * 10}
    write(tmp_path / "data.arrow", [batch] * 10, kind)
    code = (
        "import sys, tracemalloc, pyarrow as pa; from likewise.store import read_folder\n"
        "read_folder(sys.argv[1])  # imports, which come first, take more\n"
        "pool = pa.default_memory_pool(); tracemalloc.start()\n"
        "r = read_folder(sys.argv[1])\n"
        "print(*r.matrix.shape, tracemalloc.get_traced_memory()[1] + pool.max_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    rows, width, held = map(int, done.stdout.split())
    assert (tmp_path / "data.arrow").stat().st_size > 40e6
    assert (rows, width) == (100, 1000) and held < 3e6


@pytest.mark.parametrize("kind", ["stream", "file"])
@pytest.mark.parametrize("packing", ["lz4", "zstd"])
def test_packed_files_are_read_unless_they_are_bombs(
    tmp_path: Path, kind: str, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they unpack to is known before that."""
    monkeypatch.setattr(regular, "BOMB", 2**20)
    options = pa.ipc.IpcWriteOptions(compression=packing)
    rng = np.random.default_rng(0)
    for name, values in (("rows", rng.normal(size=(40, 6)).astype(np.float32)), ("bomb", np.zeros((10**5, 64)))):
        (tmp_path / name).mkdir()
        lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        batch = pa.record_batch([lists, pa.array(np.zeros(len(values)))], ["row", "more"])
        make = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
        path = str(tmp_path / name / "data.arrow")
        with pa.OSFile(path, "wb") as file, make(file, batch.schema, options=options) as writer:
            for start in range(0, len(values), len(values) // 2):
                writer.write_batch(batch.slice(start, len(values) // 2))
        if name == "rows":
            assert (read_folder(tmp_path / name).matrix == values).all()
    before = pa.total_allocated_bytes()
    with pytest.raises(InputError, match=r"data\.arrow takes [\d,]{9,} bytes in memory, and its file"):
        read_folder(tmp_path / "bomb")
    assert pa.total_allocated_bytes() - before < 2**20


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_a_bomb_in_a_dictionary_is_refused(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a column that is not read."""
    monkeypatch.setattr(regular, "BOMB", 2**20)
    extra = pa.array(["x" * 2**24, "y"]).dictionary_encode()
    batch = pa.record_batch([pa.array([[1.0, 2.0]] * 2), extra], ["row", "extra"])
    make = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(tmp_path / "data.arrow"), "wb") as file, make(file, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    with pytest.raises(InputError, match=r"data\.arrow takes [\d,]{9,} bytes in memory, and its file"):
        read_folder(tmp_path)


def test_a_file_is_read_as_the_stream_that_was_checked(tmp_path: Path) -> None:
    """An end before its batch hides it from the stream; the list at the end of the file would still find it."""
    path = tmp_path / "data.arrow"
    write(path, [PLAIN], "file")
    raw = path.read_bytes()
    schema = int.from_bytes(raw[12:16], "little") + 16
    path.write_bytes(raw[:schema] + b"\xff\xff\xff\xff\0\0\0\0" + raw[schema:])
    with pytest.raises(InputError, match="it lists 1 batches of records, and 0 are there"):
        read_folder(tmp_path)
    end = raw.index(b"\xff\xff\xff\xff\0\0\0\0", schema)  # which may be left out
    path.write_bytes(raw[:end] + raw[end + 8 :])
    assert read_folder(tmp_path).ids == ("1", "2")


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_records_that_take_no_place_are_counted(tmp_path: Path, kind: str) -> None:
    empty = pa.Array.from_buffers(pa.list_(pa.float32(), 0), 2**31 - 1, [None], children=[pa.array([], pa.float32())])
    write(tmp_path / "data.arrow", [{"row": empty}], kind)
    with pytest.raises(InputError, match="takes 17,179,869,176 bytes in memory"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        {"id": [3], "other": [[5.0, 6.0]]},
        {"row": [[5.0, 6.0]]},
        {"id": [3], "row": [[[5.0, 6.0]]], "prompt_tokens": [[1]]},
    ],
)
def test_all_files_have_their_rows_and_ids_in_the_same_columns(tmp_path: Path, other: dict[str, Any]) -> None:
    write(tmp_path / "data-00000-of-00002.arrow", [PLAIN])
    write(tmp_path / "data-00001-of-00002.arrow", [other])
    with pytest.raises(
        InputError, match="in several columns: 'row' with ids in 'id'|2 columns with|columns with lists"
    ):
        read_folder(tmp_path)
