"""What a population was reduced to by an older likewise is made anew, and not called damaged."""

import json
from contextlib import suppress

import numpy as np
import pytest

from likewise.errors import StoreError
from likewise.measures import Configuration, prepare
from likewise.plan import Reduce, Tile
from likewise.representation import Representation
from likewise.run.worker import Settings, perform
from likewise.scoring import Reduced, Trust, reduce
from likewise.store import Store, content_key, matrices
from likewise.store import folder as store
from likewise.store.matrices import read_reduced, write_reduced

CKA = Configuration.parse("cka")
KEYS = ("a" * 24, "b" * 24)


def test_vectors_of_another_version_lie_elsewhere(tmp_path, monkeypatch) -> None:
    place = Store(tmp_path)
    for seed, key in enumerate(KEYS):
        place.save_representation(Representation(np.random.default_rng(seed).normal(size=(20, 3)), key=key), {})
        older = tmp_path / "reduced" / content_key([CKA.measure, CKA.parameters_json, CKA.about.version])
        older.mkdir(parents=True, exist_ok=True)
        (older / f"{key}.safetensors").write_bytes(b"of before")
    tile = Tile("d", KEYS, KEYS, ("cka",), Trust(groups=0))
    settings = Settings(tmp_path, "cpu", 64)
    assert not place.reduced_path(KEYS[0], CKA).exists()
    assert [perform(task, settings=settings).error for task in (Reduce("d", KEYS, ("cka",)), tile)] == ["", ""]
    now = place.reduced_path(KEYS[0], CKA)
    monkeypatch.setattr(store, "REDUCED_VERSION", store.REDUCED_VERSION + 1)
    assert now.exists() and place.reduced_path(KEYS[0], CKA) != now
    assert reduce(CKA, prepare(place.load_representation(KEYS[0]))).reason == ""


SOUND = {"n": "4", "items": "", "records": "r"}


@pytest.mark.parametrize(
    ("about", "vector", "sums", "reason", "told"),
    [
        ({"items": ""}, np.ones(10), np.ones(19), "", "there is no n"),
        ({"n": "4"}, np.ones(10), np.ones(19), "", "there is no items"),
        ({"n": "x", "items": ""}, np.ones(10), np.ones(19), "", "n: expected a whole number, 1 or more, got 'x'"),
        ({"n": "0", "items": ""}, np.ones(0), np.ones(19), "", "n: expected a whole number"),
        (SOUND, np.ones(9), np.ones(19), "", "'vector' holds float64 of shape"),
        (SOUND, np.ones((1, 10)), np.ones(19), "", "'vector' holds float64 of shape"),
        (SOUND, np.ones(10, dtype=np.float32), np.ones(19), "", "'vector' holds float32"),
        (SOUND, np.ones(10, dtype=np.int64), np.ones(19), "", "'vector' holds int64"),
        (SOUND, np.full(10, np.nan), np.ones(19), "", "'vector' holds a number that is not finite"),
        (SOUND, np.ones(10), np.ones(18), "", "'sums' holds float64 of shape"),
        (SOUND, np.ones(10), np.full(19, np.inf), "", "'sums' holds a number that is not finite"),
        (SOUND, np.ones(10), np.ones(19), "no score", "expected float64 of shape"),
    ],
)
def test_a_reduced_representation_of_a_stranger_is_judged(tmp_path, about, vector, sums, reason, told) -> None:
    path = tmp_path / "v.safetensors"
    write_reduced(path, Reduced(vector, sums, np.ones(4), reason), about)
    with pytest.raises(StoreError, match="is damaged or foreign") as error:
        read_reduced(path)
    assert told in str(error.value)
    for squares, wrong in ((np.ones(3), "float64 of shape"), (-np.ones(4), "no squares"), (np.zeros(4), "no squares")):
        write_reduced(path, Reduced(np.ones(10), np.ones(19), squares), SOUND)
        with pytest.raises(StoreError, match="'squares' holds " + wrong):
            read_reduced(path)
    nothing = np.empty(0)
    for sound in (Reduced(np.ones(10), np.ones(19), np.ones(4)), Reduced(nothing, nothing, nothing, "constant")):
        write_reduced(path, sound, SOUND)
        found, said = read_reduced(path)
        assert (found.reason, said) == (sound.reason, SOUND) and np.array_equal(found.vector, sound.vector)


ODD = [
    None,
    True,
    -1,
    2**70,
    1.5,
    1e400,
    "x",
    [],
    {},
    [0],
    [0, 2**70],
    [-8, 8],
    ["a", "b"],
    [[1]],
    {"a": 1},
    "F64",
    "BF16",
]


@pytest.mark.parametrize("place", [
    ("vector",), ("vector", "data_offsets"), ("vector", "dtype"), ("vector", "shape"), ("squares",), ("sums", "shape"),
    ("__metadata__",), ("__metadata__", "reason"), ("__metadata__", "n"), ("__metadata__", "items"),
])  # fmt: skip
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_header_of_a_stranger_that_says_something_odd_is_one_line(tmp_path, place, value) -> None:
    """With the checksum that belongs to it, where it has one: a stranger can compute it."""
    path = tmp_path / "v.safetensors"
    write_reduced(path, Reduced(np.ones(10), np.ones(19), np.ones(4)), SOUND)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + length])
    into = head
    for name in place[:-1]:
        into = into[name]
    if into[place[-1]] == value or (place[-1] == "items" and isinstance(value, str)):
        return  # which is sound
    into[place[-1]] = value
    with suppress(*matrices.ODD):
        tensors, about = matrices._parsed(np.frombuffer(_file(head, content[8 + length :]), dtype=np.uint8))
        about.pop("checksum")
        head["__metadata__"]["checksum"] = matrices._checksum(tensors, about)
    path.write_bytes(_file(head, content[8 + length :]))
    with pytest.raises(StoreError, match="is damaged or foreign"):
        read_reduced(path)


def _file(head, values: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + values


@pytest.mark.parametrize("content", [
    b"", b"\0" * 7, b"\0" * 8, b"\xff" * 64, (2**62).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]",
    (60_000).to_bytes(8, "little") + b"[" * 60_000, (4).to_bytes(8, "little") + b"\xff" * 4,
])  # fmt: skip
def test_a_file_that_holds_no_header_is_one_line(tmp_path, content) -> None:
    path = tmp_path / "v.safetensors"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged or foreign"):
        read_reduced(path)


def test_a_file_of_holes_takes_no_memory(tmp_path) -> None:
    path = tmp_path / "v.safetensors"
    with path.open("wb") as file:
        file.truncate(2**42)
    with pytest.raises(StoreError, match="takes 4,398,046,511,104 bytes in memory"):
        read_reduced(path)


def test_every_byte_of_a_vector_is_looked_at(tmp_path) -> None:
    path = tmp_path / "v.safetensors"
    write_reduced(path, Reduced(np.ones(10), np.ones(19), np.ones(4)), SOUND)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x21]) + content[place + 1 :])
        try:
            found, about = read_reduced(path)
        except StoreError:
            continue
        # What pads the header means nothing.
        assert about == SOUND and (found.vector == 1).all() and (found.squares == 1).all(), place
