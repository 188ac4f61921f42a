"""Both records keep every fact that is said, in its order; each has its shape at the store's door, and one spelling."""

import ast
import copy
import dataclasses
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import likewise
from cases import each
from likewise.about import Audit, Record, Source
from likewise.errors import InputError, StoreError
from likewise.representation import Representation
from likewise.scoring import Comparison
from likewise.shapes import ANYTHING, Each, Fields, Kind, Shape, WhereThere, fault
from likewise.store import Store, write_json
from likewise.store.folder import Description

ROOT = Path(likewise.__file__).parent
KEY = "a" * 24
RECORDS: list[type[Record]] = [Source, Audit]
FACTS = [(of, name) for of in RECORDS for name in of.known()]
POSSIBLE: list[Any] = ["a text", 3, 0.25, None, True, [], ["a", "b"], ["a", None], {}, {"a": "0" * 64}, {"a": 1}]


def values(shape: Shape) -> list[Any]:
    """Values that the door lets pass."""
    return [value for value in POSSIBLE if fault(value, shape) is None]


def records(of: type[Record]) -> st.SearchStrategy[dict[str, Any]]:
    """Facts in any order, some of which this version does not know."""
    known = st.permutations(list(of.known())).flatmap(
        lambda names: st.fixed_dictionaries({}, optional={n: st.sampled_from(values(of.known()[n])) for n in names})
    )
    others = st.dictionaries(st.text(max_size=5), st.sampled_from(POSSIBLE), max_size=2)
    return st.builds(lambda *parts: {**parts[0], **parts[1]}, others, known)


@pytest.mark.parametrize("of", RECORDS)
@given(st.data())
def test_what_is_read_and_written_is_the_same_to_the_byte(of: type[Record], data: st.DataObject) -> None:
    said = data.draw(records(of))
    record = of(json.loads(json.dumps(said)))
    assert json.dumps(record.written()) == json.dumps(said)
    assert json.dumps(of(**record).written()) == json.dumps(said)
    assert (copy.deepcopy(record), pickle.loads(pickle.dumps(record))) == (record, record)


@pytest.mark.parametrize("fact", each(FACTS))
def test_every_fact_goes_to_disk_and_back(fact: tuple[type[Record], str], tmp_path: Path) -> None:
    of, name = fact
    store = Store(tmp_path / of.__name__ / name)
    for place, value in enumerate(values(of.known()[name])):
        key = f"{place:024x}"
        said = {"model": "m", "dataset": "d", "layer": "last"} if name == "imported" else {}
        record = of(said | {name: value})
        if name in ("groups", "texts", "right") and len(value) not in (0, 3):
            record = of({name: [value[0]] * 3})
        source, audit = (record if of is part else part() for part in RECORDS)
        store.save_representation(Representation(np.eye(3), key=key, source=source), audit)
        back = store.describe_representation(key)["source" if of is Source else "audit"]
        assert isinstance(back, of)
        assert (back.written(), getattr(back, name)) == (record.written(), getattr(record, name))


@pytest.mark.parametrize("fact", each(FACTS))
def test_the_door_knows_every_fact(fact: tuple[type[Record], str], tmp_path: Path) -> None:
    """What has not the shape of a fact is told with its place; what is only shown may be anything."""
    of, name = fact
    shape, place = of.known()[name], "source" if of is Source else "audit"
    wrong = [value for value in POSSIBLE if fault(value, shape)]
    assert bool(wrong) == (shape is not ANYTHING)
    store = Store(tmp_path / of.__name__ / name)
    store.save_representation(Representation(np.eye(3), key=KEY), {})
    path = store.representation_path(KEY).with_suffix(".json")
    about = {k: v for k, v in json.loads(path.read_text()).items() if k != "checksum"}
    for value in wrong:
        said = {name: value} | ({"model": "m", "dataset": "d", "layer": "last"} if name == "imported" else {})
        write_json(path, {**about, place: said})
        with pytest.raises(StoreError, match=rf"{place}\.{name}.*: expected ") as told:
            store.describe_representation(KEY)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("of", RECORDS)
def test_what_is_not_said_is_none_or_empty(of: type[Record]) -> None:
    empty = of()
    for name, shape in of.known().items():
        assert getattr(empty, name) == (() if isinstance(shape, Each) else None)
        assert getattr(of({name: None}), name) == getattr(empty, name)
    assert (dict(empty), empty.written(), len(empty)) == ({}, {}, 0)


@pytest.mark.parametrize("of", RECORDS)
def test_a_record_cannot_be_changed(of: type[Record]) -> None:
    record = of({"odd": [1]})
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, next(iter(of.known())), 1)
    with pytest.raises(TypeError):
        record["odd"] = 2  # type: ignore[index]
    assert (record | {"new": 1}).written() == {"odd": [1], "new": 1} and "new" not in record


def test_shapes_are_those_that_the_door_reads() -> None:
    found = Source.shape(), Audit.shape()
    assert isinstance(found[0], WhereThere) and isinstance(found[1], Fields)
    assert found[0].there.known == found[0].other.known == Source.known() and found[1].known == Audit.known()
    assert all(isinstance(shape, Kind | Each | Fields) for of in RECORDS for shape in of.known().values())


def test_a_plain_mapping_is_a_source() -> None:
    r = Representation(np.eye(2), ids="ab", source={"model": "m", "texts": ["x", "y"], "own": 5})
    assert (r.source.model, r.source["own"], r.source.get("layer")) == ("m", 5, None)
    assert r.in_order(["b", "a"]).source.written() == {"model": "m", "texts": ["y", "x"], "own": 5}


def test_what_would_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(InputError, match=r"source\.layer: expected a text, got 12"):
        store.save_representation(Representation(np.eye(2), key=KEY, source={"layer": 12}), {})
    with pytest.raises(InputError, match=r"audit\.zero_rows: expected a whole number"):
        store.save_representation(Representation(np.eye(2), key=KEY), {"zero_rows": "none"})
    assert store.representations() == []


def constants(path: Path) -> Iterator[str]:
    """The texts of a file that stand alone, docstrings aside."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


FILES = [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "about.py"]


@pytest.mark.parametrize("path", each(FILES))
def test_no_other_file_spells_a_fact(path: Path) -> None:
    # Words that mean something else too, such as a column of the table of results, are no keys of an audit there.
    elsewhere = {*Comparison.__dataclass_fields__, *Description.__annotations__, *Source.known()}
    assert not (set(Audit.known()) - elsewhere) & set(constants(path))
    for node in ast.walk(ast.parse(path.read_text())):
        of, name = None, None
        if isinstance(node, ast.Subscript):
            of, name = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            of, name = node.func.value, node.args[0] if node.args else None
        if of is not None and isinstance(name, ast.Constant) and name.value in {**Source.known(), **Audit.known()}:
            read = ast.unparse(of)
            assert not read.endswith(("source", "audit", "'source']", "'audit']")), f"{read}[{name.value!r}]"
