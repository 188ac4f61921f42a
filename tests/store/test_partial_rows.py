"""A growing matrix takes up only what is whole, and of as many rows as are asked for."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from likewise.errors import StoreError
from likewise.store import Growing, Parts


def mark(row: np.ndarray) -> bytes:
    """What stands beside a row that is there: that it is, and its CRC-32."""
    return (1 << 32 | zlib.crc32(row.tobytes())).to_bytes(8, "little")


ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    growing = Growing(tmp_path / "rows.safetensors", 4)
    growing.write(np.asarray([0, 2]), ROWS[[0, 2]])
    growing.flush()
    return tmp_path / "rows.safetensors"


def test_the_file_has_room_for_all_rows_and_a_mark_for_each(path: Path) -> None:
    assert load_file(path)["matrix"].shape == (4, 3)
    assert path.with_suffix(".done").read_bytes() == mark(ROWS[0]) + bytes(8) + mark(ROWS[2]) + bytes(8)
    assert Growing(path, 4).done.tolist() == [True, False, True, False]


@pytest.mark.parametrize("n", [1, 3, 5])
def test_rows_of_another_number_are_begun_anew(path: Path, n: int) -> None:
    growing = Growing(path, n)
    assert growing.done.tolist() == [False] * n
    growing.write(np.arange(n), np.ones((n, 2)))
    growing.flush()
    assert np.array_equal(load_file(path)["matrix"], np.ones((n, 2)))
    assert Growing(path, n).done.all()


@pytest.mark.parametrize("n", [3, 4, 5])
def test_marks_that_are_too_few_or_too_many_are_not_believed(path: Path, n: int) -> None:
    growing = Growing(path, 4)
    growing.write(np.asarray([1, 3]), ROWS[[1, 3]])
    growing.flush()
    path.with_suffix(".done").write_bytes(b"".join(map(mark, [*ROWS, ROWS[0]][:n])))
    assert Growing(path, 4).done.tolist() == [n == 4] * 4


@pytest.mark.parametrize("missing", [0, 1, 12])
def test_a_file_that_was_cut_is_not_believed(path: Path, missing: int) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size - missing])
    assert Growing(path, 4).done.any() == (missing == 0)


@pytest.mark.parametrize("marked", [3, 4, 5])
@pytest.mark.parametrize("told", [3, 4, 5])
def test_files_are_believed_where_header_marks_and_size_agree_with_what_is_asked_for(
    path: Path, told: int, marked: int
) -> None:
    header = path.read_bytes()[:-48].replace(b"[4,3]", b"[%d,3]" % told)
    path.write_bytes(header + bytes(48))
    path.with_suffix(".done").write_bytes(mark(np.zeros(3, np.float32)) * marked)
    assert Growing(path, 4).done.tolist() == [told == marked == 4] * 4


@pytest.mark.parametrize("place", range(-48, 0, 7))
def test_a_row_that_is_not_what_was_written_is_made_again(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    row = (48 + place) // 12
    assert Growing(path, 4).done.tolist() == [row != 0, False, row != 2, False]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    for name in ("rows.safetensors", "rows.done"):
        (tmp_path / name).symlink_to(mine)
    growing = Growing(tmp_path / "rows.safetensors", 4)
    growing.write(np.arange(4), ROWS)
    growing.flush()
    assert mine.read_text() == "mine" and np.array_equal(growing.matrix, ROWS)
    parts = Parts(tmp_path / "parts")
    parts.folder.mkdir()
    (parts.folder / "lock").symlink_to(mine)
    with pytest.raises(StoreError), parts.alone():
        pass
    assert mine.read_text() == "mine"
