"""Prompts come from packages, files and the hub, with a template; what is wrong is said with its place."""

import gzip
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import InputError, ModelError
from likewise.prompts import DatasetSpec, Format, load_prompts

WINOGRANDE = Path(__file__).parents[3] / "shared" / "data" / "winogrande_validation.jsonl"
RECORDS = [{"q": "One?", "n": 1}, {"q": "Two?", "n": 2}, {"q": "Three?", "n": 3}]


def spec(source: str, **fields: object) -> DatasetSpec:
    form = Format(**{k: fields.pop(k) for k in list(fields) if k in Format.__dataclass_fields__})  # type: ignore[arg-type]
    return DatasetSpec(name=fields.pop("name", "mine"), source=source, format=form, **fields)  # type: ignore[arg-type]


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(map(json.dumps, RECORDS)) + "\n\n")
    return path


def test_probes_are_winograd_twins() -> None:
    prompts = load_prompts(spec("commonsense-probes"))
    assert len(prompts.texts) == len(set(prompts.texts)) >= 200
    assert all(t.count("_") == 1 and t.endswith(".") and 8 <= len(t.split()) <= 30 for t in prompts.texts)


def test_humaneval_has_its_164_prompts() -> None:
    prompts = load_prompts(spec("humaneval"))
    assert (len(prompts.ids), prompts.ids[0], prompts.ids[-1]) == (164, "HumanEval/0", "HumanEval/163")
    assert prompts.texts[0].startswith("from typing import List")


@pytest.mark.skipif(not WINOGRANDE.exists(), reason="the validation split of Winogrande is not at hand")
def test_winogrande_from_a_local_file_has_its_1267_prompts() -> None:
    prompts = load_prompts(spec(str(WINOGRANDE), name="winogrande"))
    assert len(prompts.ids) == 1267
    assert prompts.texts[0].startswith("Sarah was a much better surgeon")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet"])
def test_every_kind_of_file_gives_the_same_prompts(tmp_path: Path, jsonl: Path, suffix: str) -> None:
    path = tmp_path / f"other{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(RECORDS), path)
    else:
        text = jsonl.read_text() if "json" in suffix else "q,n\nOne?,1\nTwo?,2\nThree?,3\n"
        path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    template = "Q: {{ q }} ({{ n }})"
    prompts = load_prompts(spec(str(path), template=template, id="n"))
    assert prompts.texts == ("Q: One? (1)", "Q: Two? (2)", "Q: Three? (3)")
    assert prompts.ids == ("1", "2", "3")
    assert prompts.fingerprint == load_prompts(spec(str(jsonl), template=template, id="n")).fingerprint


def test_limit_takes_the_first_and_fingerprints_tell_apart(jsonl: Path) -> None:
    whole = load_prompts(spec(str(jsonl), template="{{ q }}"))
    two = load_prompts(spec(str(jsonl), template="{{ q }}", limit=2))
    assert two.texts == whole.texts[:2]
    assert two.fingerprint != whole.fingerprint
    assert load_prompts(spec(str(jsonl), template="{{ q }} ")).fingerprint != whole.fingerprint


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "needs a template .*its fields are n, q"),
        ({"template": "{{ qq }}"}, "record 0 of mine: 'qq' is undefined; its fields are n, q"),
        ({"template": "{{ q"}, "template of mine cannot be read"),
        ({"template": "{{ q }}", "id": "name"}, "no field 'name', the ids of the data set"),
        ({"template": "same", "id": "q", "limit": 0}, "limit=0; expected a whole number, 1 or more"),
        ({"template": "  "}, "prompt '00000' of mine is empty"),
        ({"template": "{{ ''.__class__.__mro__ }}"}, "unsafe|undefined"),
    ],
)
def test_what_is_wrong_with_a_data_set_is_said(jsonl: Path, fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_prompts(spec(str(jsonl), **fields))


@pytest.mark.parametrize("name", ["prompt", "text"])
def test_a_field_that_is_the_prompt_needs_no_template(tmp_path: Path, name: str) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text("".join(json.dumps({name: text, "topic": "x"}) + "\n" for text in ("One {{ 1 }}", "Two")))
    plain = load_prompts(spec(str(path)))
    assert plain.texts == ("One {{ 1 }}", "Two")
    assert plain.fingerprint == load_prompts(spec(str(path), template=f"{{{{ {name} }}}}")).fingerprint
    both = tmp_path / "both.jsonl"
    both.write_text('{"prompt": "a", "text": "b"}\n')
    with pytest.raises(InputError, match="needs a template .*its fields are prompt, text"):
        load_prompts(spec(str(both)))


def test_repeated_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_text('{"q": "a", "i": 1}\n{"q": "b", "i": 1}\n')
    with pytest.raises(InputError, match="two records called '1'"):
        load_prompts(spec(str(path), template="{{ q }}", id="i"))


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"q": "a"}\n{"q": \n')
    with pytest.raises(InputError, match="line 2 of .* is not JSON"):
        load_prompts(spec(str(path), template="{{ q }}"))


def test_a_missing_file_and_an_unknown_name_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no data set file"):
        load_prompts(spec(str(tmp_path / "none.jsonl"), template="{{ q }}"))
    with pytest.raises(InputError, match='did you mean "humaneval"'):
        load_prompts(spec("humanevl"))


def test_unreachable_hub_says_how_to_give_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"owner/none .* give a local file instead"):
        load_prompts(spec("owner/none", split="test", template="{{ q }}"))


def test_another_commit_than_the_one_asked_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, the library prepares the data set from whatever commit it has."""
    other = SimpleNamespace(hash="b" * 40, cache_dir=str(tmp_path / "b"))
    monkeypatch.setattr("datasets.load_dataset_builder", lambda *args, **kwargs: other)
    with pytest.raises(ModelError, match="commit a{40} is not in the cache of data sets, only b{40} is"):
        load_prompts(spec("owner/moved", split="test", template="{{ q }}", revision="a" * 40))


def test_hub_identity_needs_no_network() -> None:
    identity = spec("openai/openai_humaneval", limit=10).identity()
    assert identity["hub"] == "openai/openai_humaneval"
    assert spec("openai/openai_humaneval", limit=10).n_items() == 10
    assert spec("openai/openai_humaneval").n_items() == 164


def test_a_null_is_not_the_word_none(tmp_path: Path) -> None:
    path = tmp_path / "null.jsonl"
    path.write_text('{"q": "a"}\n{"q": null}\n')
    with pytest.raises(InputError, match="record 1 of mine: .* is null"):
        load_prompts(spec(str(path), template="{{ q }}"))


def test_a_file_that_changed_is_read_again(jsonl: Path) -> None:
    before = load_prompts(spec(str(jsonl), template="{{ q }}"))
    jsonl.write_text('{"q": "Another?"}\n')
    assert load_prompts(spec(str(jsonl), template="{{ q }}")).texts == ("Another?",) != before.texts


def test_a_truncated_archive_is_said(tmp_path: Path, jsonl: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(jsonl.read_bytes())[:20])
    with pytest.raises(InputError, match=r"cut\.jsonl\.gz cannot be read"):
        load_prompts(spec(str(path), template="{{ q }}"))


def test_fields_whose_names_are_no_words_are_asked_of_the_record(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    file.write_text("ref,my question\n1,what\n2,why\n")
    with pytest.raises(InputError, match=re.escape("""template: '{{ record["my question"] }}'""")):
        load_prompts(spec(str(file)))
    made = load_prompts(spec(str(file), template='{{ record["my question"] }}?'))
    assert made.texts == ("what?", "why?")


@pytest.mark.parametrize(
    ("name", "header"), [("a.csv", "ref;question"), ("a.csv", "ref\tquestion"), ("a.tsv", "ref,question")]
)
def test_another_separator_is_said(tmp_path: Path, name: str, header: str) -> None:
    (tmp_path / name).write_text(f"{header}\n{header}\n")
    with pytest.raises(
        InputError, match=f"line 1 of .*{name} has one column, .*; expected columns separated by commas"
    ):
        load_prompts(spec(str(tmp_path / name)))


def test_one_column_may_hold_its_own_separator_in_quotes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"asked, in full"\n"what, why"\n')
    made = load_prompts(spec(str(tmp_path / "a.csv"), template='{{ record["asked, in full"] }}'))
    assert made.texts == ("what, why",)


def test_a_file_of_another_kind_is_no_data_set_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("what")
    with pytest.raises(InputError, match=r"p.txt is no file of prompts; expected .jsonl"):
        load_prompts(spec(str(tmp_path / "p.txt")))
