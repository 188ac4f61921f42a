"""Formats: shots from where they should be, chats in a model's own words, the same items in every format."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from likewise.errors import InputError
from likewise.prompts import DatasetSpec, Format, Prompts, Spans, load_prompts

RECORDS = [{"q": f"Is {i} even?", "a": "yes" if i % 2 == 0 else "no"} for i in range(8)]
QA: dict[str, Any] = {"template": "Q: {{ q }}\nA:", "answer": " {{ a }}"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "even.jsonl"
    path.write_text("\n".join(map(json.dumps, RECORDS)))
    return path


def load(file: Path, spans: Spans | None = None, **form: Any) -> Prompts:
    return load_prompts(DatasetSpec(name="even", source=str(file), format=Format(**form), spans=spans))


def test_shots_are_other_records_with_their_answers(file: Path) -> None:
    prompts = load(file, **QA, shots=3, seed=1)
    for i, text in enumerate(prompts.texts):
        *shots, own = text.split("\n\n")
        assert own == f"Q: {RECORDS[i]['q']}\nA:"
        assert len(set(shots)) == 3
        assert all(shot in {f"Q: {r['q']}\nA: {r['a']}" for r in RECORDS if r is not RECORDS[i]} for shot in shots)
    # The same for all, but for whoever would be its own.
    assert len({text.rpartition("\n\n")[0] for text in prompts.texts}) <= 4


def test_shots_follow_their_seed(file: Path) -> None:
    first = load(file, **QA, shots=3, seed=1)
    assert first.texts == load(file, **QA, shots=3, seed=1).texts
    assert first.texts != load(file, **QA, shots=3, seed=2).texts
    assert first.fingerprint != load(file, **QA, shots=3, seed=2).fingerprint


def test_shots_come_from_another_file_where_one_is_named(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "train.jsonl"
    other.write_text("\n".join(json.dumps({"q": f"Train {i}?", "a": "yes"}) for i in range(3)))
    prompts = load(file, **QA, shots=3, shots_from=str(other), separator="\n--\n")
    assert len({text.rpartition("\n--\n")[0] for text in prompts.texts}) == 1
    assert all(text.count("Train") == 3 for text in prompts.texts)


def test_a_file_of_shots_that_changed_makes_other_prompts(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "train.jsonl"
    form = Format(**QA, shots=1, shots_from=str(other))
    specs = [
        DatasetSpec(name="even", source=str(file), format=form),
        DatasetSpec(name="hub", source="owner/name", split="test", format=form),
    ]
    found = []
    for words in ("Odd?", "Another?"):
        other.write_text(json.dumps({"q": words, "a": "yes"}))
        found.append([spec.identity() for spec in specs])
    assert all(before != after for before, after in zip(*found, strict=True))
    # Where the file lies is no part of it.
    moved = other.rename(tmp_path / "moved.jsonl")
    there = replace(form, shots_from=str(moved))
    assert [replace(spec, format=there).identity() for spec in specs] == found[1]
    with pytest.raises(InputError, match=r"there is no data set file .*train\.jsonl"):
        specs[1].identity()


def test_a_chat_has_turns(file: Path) -> None:
    prompts = load(file, template="{{ q }}", answer="{{ a }}", shots=1, chat=True, system="Be brief.")
    for text, turns in zip(prompts.texts, prompts.chats, strict=True):
        assert [role for role, _ in turns] == ["system", "user", "assistant", "user"]
        assert turns[0][1] == "Be brief." and turns[-1][1] == text
        assert turns[2][1] in ("yes", "no")
    assert prompts.fingerprint != load(file, template="{{ q }}", answer="{{ a }}", shots=1, chat=True).fingerprint


def test_formats_of_one_data_set_have_the_same_items(file: Path) -> None:
    one, other = load(file, **QA), load(file, template="{{ q }}", chat=True)
    assert one.records == other.records
    assert one.ids == other.ids
    assert one.fingerprint != other.fingerprint
    changed = file.with_name("changed.jsonl")
    changed.write_text(file.read_text().replace("Is 3 even?", "Is 5 even?"))
    assert load(changed, **QA).records != one.records


def test_spans_within_a_field_are_the_same_in_every_format(file: Path) -> None:
    words = Spans(regex=r"\w+", within="{{ q }}")
    formats = [load(file, words, **QA), load(file, words, **QA, shots=2), load(file, words, template="{{ q }}")]
    named = [dict(prompts.named_texts()) for prompts in formats]
    assert named[0] == named[1] == named[2]
    assert named[0]["00003[3:4]"] == "3" and named[0]["00003[5:9]"] == "even"
    # Without it they are of all that a record becomes, and shots still do not count.
    assert dict(load(file, Spans(regex="[QA]"), **QA, shots=2).named_texts())["00000[0:1]"] == "Q"


def test_spans_from_a_column(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(json.dumps({"q": "The red hat", "spans": [[4, 7], [8, 11]]}))
    prompts = load(path, Spans(column="spans", within="{{ q }}"), template="Look: {{ q }}!")
    assert dict(prompts.named_texts()) == {"00000[4:7]": "red", "00000[8:11]": "hat"}
    assert prompts.n_rows == 2


@pytest.mark.parametrize(
    ("form", "spans", "message"),
    [
        ({"template": "{{ q }}", "shots": 2}, None, "even has shots but no answer"),
        ({**QA, "shots": 8}, None, "asks for 8 shots; expected 9 records or more, not 8"),
        ({**QA, "shots": 1, "shots_from": "none.jsonl"}, None, "there is no data set file none.jsonl"),
        ({**QA, "answer": "{{ b }}", "shots": 1}, None, "the answer of a shot of even: 'b' is undefined"),
        (QA, {"regex": "x", "column": "y"}, "spans: expected either regex or column"),
        (QA, {}, "spans: expected either regex or column"),
        (QA, {"regex": ""}, "spans: expected either regex or column"),
        (QA, {"regex": "("}, "is no regular expression"),
        (QA, {"regex": "zzz"}, "no span was found in any prompt of even; the pattern 'zzz' matches nothing"),
        (QA, {"column": "a"}, r"a of '00000' in even holds 'yes'; expected a list of \[start, end\], whole numbers"),
        (QA, {"column": "s"}, "has no field 's' of spans"),
        (QA, {"regex": "x", "within": "{{ q }}!"}, "does not hold the text that its spans are of"),
        (
            {"template": "{{ q }} Is it? {{ q }}"},
            {"regex": "x", "within": "{{ q }}"},
            "holds 2 times the text that its spans are of: .*; expected once",
        ),
    ],
)
def test_what_is_wrong_with_a_format_is_said(file: Path, form: Any, spans: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(file, None if spans is None else Spans(**spans), **form)


@pytest.mark.parametrize(
    "wrong",
    [3, True, None, "text", {"12": "x"}, ["12", "25"], [[0, 1e400]], [[0.7, 1.9]], [["0", "1"]], [[0, 1, 2]], [[0]],
     [3], [[0, True]], [{"a": 1, "b": 2}], [[1, 2], [1, 2]]],
)  # fmt: skip
def test_a_column_of_spans_holds_lists_of_two_whole_numbers_each_once(tmp_path: Path, wrong: Any) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(json.dumps({"q": "hello", "spans": [[0, 2]]}) + "\n" + json.dumps({"q": "world", "spans": wrong}))
    with pytest.raises(InputError, match=r"spans of '00001' in even h.*expected (a list of \[start, end\]|it once)"):
        load(path, Spans(column="spans"), template="{{ q }}")


def test_offsets_outside_the_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(json.dumps({"q": "The", "spans": [[1, 9]]}))
    with pytest.raises(InputError, match=r"holds \(1, 9\); the text has 3 characters"):
        load(path, Spans(column="spans"), template="{{ q }}")
