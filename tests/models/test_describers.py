"""Whatever runs a model, the same is asked of what describes it."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from likewise.errors import InputError
from likewise.models import Described, ModelSpec
from likewise.models import describers as room
from likewise.models.describers import ByBackend, Describer, Imported, InFiles, describer_of

ASKED = [name for name in vars(Describer) if not name.startswith("_")]
KINDS = [of for of in vars(room).values() if inspect.isclass(of) and of.__module__ == room.__name__ and of != Describer]


class Words:
    """A backend that says a few things."""

    version = 3

    def describe(self, spec: ModelSpec) -> Described:
        return Described(identity={"name": spec.model}, width=7, nbytes=99, pooling="mean")

    def load(self, spec: ModelSpec, device: str, dtype: str) -> Any:
        raise AssertionError("nothing is loaded")

    run = load


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likewise.models.installed.made", lambda name, path: (Words(), {}))


def test_there_are_the_three_that_are_tested() -> None:
    assert {*KINDS} == {Imported, ByBackend, InFiles} and len(ASKED) == 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", ASKED)
def test_each_answers_all_that_is_asked(kind: type, name: str) -> None:
    wanted, found = (list(inspect.signature(getattr(of, name)).parameters) for of in (Describer, kind))
    assert found == wanted
    assert name in vars(ModelSpec)


def test_a_model_is_described_by_what_runs_it() -> None:
    specs = (ModelSpec(model="imported:x"), ModelSpec(model="m", backend="words"), ModelSpec(model="org/m"))
    assert [type(describer_of(spec)) for spec in specs] == [Imported, ByBackend, InFiles]


@pytest.mark.usefixtures("words")
def test_another_backend_says_what_it_knows() -> None:
    spec = ModelSpec(model="m", backend="words", revision="r")
    assert spec.identity() == {"backend": "words", "version": 3, "identity": {"name": "m"}, "revision": "r"}
    assert (spec.size(), spec.vocabulary(), spec.nbytes(4.0), spec.says().pooling) == ({"width": 7}, None, 99, "mean")
    with pytest.raises(InputError, match="variant is for models of transformers"):
        ModelSpec(model="m", backend="words", variant="noise(sd=0.1)").identity()


def test_of_an_import_no_more_than_its_name_is_known() -> None:
    spec = ModelSpec(model="imported:x")
    assert spec.identity() == {"imported": "x"}
    assert (spec.size(), spec.vocabulary(), spec.nbytes(4.0), spec.says().pooling) == (None, None, None, None)


def test_bytes_are_counted_from_the_heads_of_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 3, "num_hidden_layers": 2, "vocab_size": 11}')
    spec = ModelSpec(model=str(tmp_path))
    assert spec.nbytes(4.0) is None
    for number in (1, 2):
        save_file({f"w{number}": np.zeros((3, 5), np.float32)}, tmp_path / f"part{number}.safetensors")
    assert (spec.nbytes(4.0), spec.nbytes(0.5), spec.size(), spec.vocabulary()) == (
        120,
        15,
        {"width": 3, "blocks": 2},
        11,
    )
