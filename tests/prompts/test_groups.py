"""What belongs together: a column of a data set, a column of a file, and a warning where it was not said."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise.oddities import audit_prompts
from likewise.oddities.alike import alike
from likewise.plan import Experiment
from likewise.prompts import DatasetSpec, Format, Spans, load_prompts
from likewise.representation import Representation
from likewise.run import import_representation
from likewise.store import Store, read_file

RECORDS = [{"text": f"question {i}", "topic": "abc"[i % 3]} for i in range(9)]


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, RECORDS)), encoding="utf-8")
    return path


def spec(path, **more):
    return DatasetSpec(name="questions", source=str(path), format=Format(template="{{ text }}"), **more)


def test_a_column_says_what_belongs_together(dataset):
    prompts = load_prompts(spec(dataset, groups="topic"))
    assert prompts.groups == tuple("abc" * 3)
    assert prompts.groups_of(["00003", "00001"]) == ["a", "b"]
    plain = load_prompts(spec(dataset))
    assert (plain.groups, plain.groups_of(["00003"])) == ((), [])
    assert prompts.fingerprint == plain.fingerprint  # a model is given the same
    assert spec(dataset, groups="topic").identity() != spec(dataset).identity()


def test_spans_belong_to_the_group_of_their_prompt(dataset):
    prompts = load_prompts(spec(dataset, groups="topic", spans=Spans(regex=r"\w+")))
    names = [name for name, _ in prompts.named_texts()]
    assert prompts.groups_of(names) == [label for label in "abc" * 3 for _ in "12"]


def test_a_missing_group_names_its_record(tmp_path, dataset):
    with pytest.raises(InputError, match=r"record 0 of questions has no field 'topik', the groups .*topic"):
        load_prompts(spec(dataset, groups="topik"))
    path = tmp_path / "holes.jsonl"
    path.write_text("\n".join(json.dumps({**r, "topic": None if i == 4 else "a"}) for i, r in enumerate(RECORDS)))
    with pytest.raises(
        InputError, match="record 4 of questions has 'None' in 'topic', the groups of the data set; expected a name"
    ):
        load_prompts(spec(path, groups="topic"))


def test_probes_come_with_their_templates():
    prompts = load_prompts(DatasetSpec(name="probes", source="commonsense-probes"))
    sizes = {group: prompts.groups.count(group) for group in prompts.groups}
    assert len(sizes) == 22 and set(sizes.values()) == {12}
    found = audit_prompts(prompts)
    assert found == {"prompt_groups": 22, "alike_prompts": 264}


def test_an_experiment_hands_groups_on(dataset):
    entry = {"source": str(dataset), "groups": "topic", "template": "{{ text }}"}
    experiment = Experiment.of({"name": "e", "models": ["gpt2", "distilgpt2"], "datasets": [entry]})
    assert experiment.datasets[0].specs[""].groups == "topic"


LABELS = ["p", "q", "p", "r"]


def written(path, rows):
    ids = list("abcd")
    if path.suffix == ".npz":
        np.savez(path, matrix=rows, ids=ids, group=LABELS)
    else:
        columns = {"id": ids, "group": LABELS, "embedding": [row.tolist() for row in rows]}
        pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("name", ["rows.npz", "rows.parquet"])
def test_a_file_says_what_belongs_together(tmp_path, name):
    rows = np.random.default_rng(0).normal(size=(4, 3))
    read = read_file(written(tmp_path / name, rows))
    assert (read.ids, read.groups) == (tuple("abcd"), tuple(LABELS))
    assert read.matrix == pytest.approx(rows)
    store = Store(tmp_path / "store")
    kept = import_representation(tmp_path / name, store, name="m", dataset="d")
    loaded = store.load_representation(kept.key)
    assert loaded.groups == tuple(LABELS)
    assert import_representation(tmp_path / name, store, name="m", dataset="d").key == kept.key


def test_a_store_keeps_groups_or_none(tmp_path):
    store, rows = Store(tmp_path / "store"), np.eye(3)
    store.save_representation(Representation(rows, key="1" * 24, source={"groups": ["a", "a", "b"]}), {})
    store.save_representation(Representation(rows, key="2" * 24), {})
    assert store.load_representation("1" * 24).groups == ("a", "a", "b")
    assert store.load_representation("2" * 24).groups == ()


def test_texts_of_one_template_are_alike_and_others_are_not():
    places = ["Rome", "Bonn", "Oslo", "Bern"]
    templates = [f"How long does it take to walk to {place}?" for place in places]
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(300)]
    others = [" ".join(rng.choice(words, 12)) for _ in range(30)]
    assert alike([*templates, *others]) == 4
    assert alike(others) == 0
    # What all have is the form, and not a group.
    assert alike([f"Answer the question below, in one word. {text}" for text in others]) == 0
    assert alike([others[0]] * 2 + others[1:]) == 2


@given(st.lists(st.text(max_size=60), max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_texts_can_be_looked_at(texts):
    assert 0 <= alike(texts) <= len(texts)


def test_very_long_and_very_many_texts_are_bounded():
    assert alike(["x " * 2_000_000, "y" * 4_000_000] + [f"{i}" for i in range(100)]) == 0
