"""Folders and files of models that strangers made: planning with them ends soon, in one line that names the file."""

import json
import os
import random
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from likewise.errors import InputError, LikewiseError
from likewise.models import ModelSpec
from likewise.models.gguf import gguf_size
from likewise.prompts import DatasetSpec
from likewise.store import arrow_files

GOOD: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 2}


def folder(tmp_path: Path, config: Any) -> Path:
    (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return tmp_path


@pytest.mark.parametrize(
    "config",
    [
        GOOD | {"num_hidden_layers": 10**9},
        GOOD | {"num_hidden_layers": True},
        GOOD | {"num_hidden_layers": 2.0},
        GOOD | {"num_hidden_layers": 0},
        GOOD | {"hidden_size": "64"},
        GOOD | {"hidden_size": [64]},
        GOOD | {"hidden_size": -1},
        GOOD | {"text_config": 5},
        GOOD | {"text_config": "hidden_size"},
        {"text_config": {"n_embd": {}, "n_layer": 3}},
        "[" * 100_000,
        "[]",
        "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"),
        json.dumps(GOOD) + " " * 2**24,
    ],
)
def test_a_config_says_whole_numbers(config: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json") as refused:
        ModelSpec(model=str(folder(tmp_path, config))).size()
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_config_within_a_config_says_the_size(tmp_path: Path) -> None:
    spec = ModelSpec(model=str(folder(tmp_path, {"hidden_size": None, "text_config": GOOD})))
    assert spec.size() == {"width": 8, "blocks": 2}


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "code.py", "model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "holes"])
def test_only_regular_files_of_a_model_are_read(kind: str, name: str, tmp_path: Path) -> None:
    place = folder(tmp_path, GOOD) / name
    place.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    else:
        with place.open("wb") as file:
            file.truncate(2**40)
    with pytest.raises(InputError, match=name):
        ModelSpec(model=str(tmp_path)).identity()
    if name == "config.json":
        with pytest.raises(InputError, match=name):
            ModelSpec(model=str(tmp_path)).size()


def test_a_link_of_the_cache_is_followed(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "model").mkdir()
    (folder(tmp_path / "blobs", GOOD) / "config.json").rename(tmp_path / "blobs" / "1f")
    (tmp_path / "model" / "config.json").symlink_to("../blobs/1f")
    assert ModelSpec(model=str(tmp_path / "model")).size() == {"width": 8, "blocks": 2}


@pytest.mark.parametrize("about", [{"base_model_name_or_path": 5}, {"base_model_name_or_path": "a/b", "revision": 5}])
def test_an_adapter_names_its_base_by_a_text(about: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(about))
    with pytest.raises(InputError, match="expected a text, got"):
        ModelSpec(model=str(tmp_path)).identity()


def test_a_home_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="~nosuch/x"):
        ModelSpec(model="~nosuch/x").size()


@pytest.mark.parametrize("name", ["state.json", "data.arrow"])
def test_only_regular_files_of_a_folder_of_arrow_files_are_read(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=f"{name} is no regular file"):
        arrow_files(tmp_path)


# GGUF


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(*fields: tuple[str, int, bytes], tensors: int = 0, count: int | None = None, order: str = "<") -> bytes:
    head = b"GGUF" + struct.pack(f"{order}IQQ", 3, tensors, len(fields) if count is None else count)
    return head + b"".join(text(name) + struct.pack("<I", kind) + value for name, kind, value in fields)


SIZES = (
    ("general.architecture", 8, text("llama")),
    ("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2) + text("a") + text("bc")),
    ("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 3) + bytes(12)),
    ("llama.block_count", 4, struct.pack("<I", 30)),
    ("llama.embedding_length", 4, struct.pack("<I", 576)),
)
TENSOR = text("weight") + struct.pack("<IQQIQ", 2, 576, 30, 0, 0)


def test_a_header_says_the_size(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(gguf(*SIZES, tensors=1) + TENSOR)
    assert gguf_size(path) == {"width": 576, "blocks": 30}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        gguf(*SIZES[1:]),
        gguf(("general.architecture", 4, struct.pack("<I", 3)), *SIZES[1:]),
        gguf(*SIZES[:3], ("llama.block_count", 8, text("30")), SIZES[4]),
        gguf(*SIZES[:3], ("llama.block_count", 10, struct.pack("<Q", 2**60)), SIZES[4]),
        gguf(*SIZES, count=2**60),
        gguf(*SIZES, tensors=2**60),
        gguf(*SIZES, tensors=1) + text("weight") + struct.pack("<I", 2**31),
        gguf(*SIZES, ("x", 9, struct.pack("<IQ", 8, 2**60))),
        gguf(*SIZES, ("x", 9, struct.pack("<IQ", 4, 2**60))),
        gguf(*SIZES, ("x", 9, struct.pack("<IQ", 9, 1) * 50)),
        gguf(*SIZES, ("x", 8, struct.pack("<Q", 2**60))),
        gguf(*SIZES, ("x", 77, b"")),
    ],
)
def test_a_header_that_lies_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.gguf") as refused:
        gguf_size(path)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_header_of_holes_is_refused_soon(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(gguf(*SIZES, ("x", 9, struct.pack("<IQ", 8, 2**60))))
    with path.open("r+b") as file:
        file.truncate(2**40)
    before = time.process_time()
    with pytest.raises(InputError, match="entries"):
        gguf_size(path)
    assert time.process_time() - before < 20


def test_a_damaged_header_is_read_or_refused(tmp_path: Path) -> None:
    whole = bytearray(gguf(*SIZES, tensors=1) + TENSOR)
    for seed in range(300):
        rng = random.Random(seed)
        hurt = whole[: rng.randrange(len(whole) + 1)] if seed % 2 else whole.copy()
        for _ in range(rng.randrange(4)):
            if hurt:
                hurt[rng.randrange(len(hurt))] = rng.randrange(256)
        path = tmp_path / f"{seed}.gguf"
        path.write_bytes(hurt)
        try:
            assert set(gguf_size(path)) == {"width", "blocks"}
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_shots_come_out_of_a_regular_file(tmp_path: Path) -> None:
    from likewise.prompts import Format

    os.mkfifo(tmp_path / "shots.jsonl")
    form = Format(template="{{ a }}", answer="{{ a }}", shots=1, shots_from=str(tmp_path / "shots.jsonl"))
    with pytest.raises(LikewiseError, match="no regular file"):
        DatasetSpec(name="d", source="owner/name", split="test", format=form).identity()
