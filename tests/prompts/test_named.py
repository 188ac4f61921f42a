"""What names a record or its group is a name or a number; anything else is refused with its record."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import InputError
from likewise.prompts import DatasetSpec, Format, load_prompts
from likewise.store import read_file

NOTHING = ["", "  ", "\t", None, float("nan"), float("inf"), ["a"], {"a": 1}]


@pytest.mark.parametrize("value", NOTHING, ids=str)
@pytest.mark.parametrize("column", ["id", "groups"])
def test_a_record_of_a_data_set_without_a_name_is_refused(tmp_path: Path, column: str, value: object) -> None:
    path = tmp_path / "mine.jsonl"
    records = [{"text": f"question {i}", "topic": value if i == 4 else f"t{i}"} for i in range(6)]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    spec = DatasetSpec(name="mine", source=str(path), format=Format(template="{{ text }}"), **{column: "topic"})
    with pytest.raises(InputError, match=r"record 4 of mine .* expected a name, or a number"):
        load_prompts(spec)


@pytest.mark.parametrize("value", ["", "  ", None, float("nan")], ids=str)
@pytest.mark.parametrize("column", ["id", "group"])
@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_a_row_of_a_file_without_a_name_is_refused(tmp_path: Path, suffix: str, column: str, value: object) -> None:
    numbers = isinstance(value, float)
    names: dict[str, list[object]] = {
        key: [float(i) if numbers and key == column else f"n{i}" for i in range(4)] for key in ("id", "group")
    }
    names[column][2] = value
    path, rows = tmp_path / f"rows{suffix}", np.eye(4)
    if suffix == ".npz":
        if value is None:
            pytest.skip("NumPy has no array of it without Python objects")
        np.savez(path, matrix=rows, ids=np.array(names["id"]), group=np.array(names["group"]))
    else:
        pq.write_table(pa.table({**names, "embedding": [row.tolist() for row in rows]}), path)
    with pytest.raises(InputError, match=f"row 2 has no {column}"):
        read_file(path)


def test_numbers_are_names(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": [3, 1, 2], "group": [0.5, 0.5, 0.0], "embedding": np.eye(3).tolist()}), tmp_path / "a.parquet"
    )
    read = read_file(tmp_path / "a.parquet")
    assert (read.ids, read.groups) == (("3", "1", "2"), ("0.5", "0.5", "0.0"))
