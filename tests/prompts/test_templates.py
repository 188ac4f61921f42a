"""Templates and patterns give what they say, or end within their limits with the record named."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise.prompts import DatasetSpec, Format, Spans, load_prompts
from likewise.prompts.rendering import Renderer
from likewise.prompts.templates import Writer

RECORDS = [{"q": "one", "choices": ["a", "b"], "n": {"x": 1}}, {"q": "Two", "choices": [], "n": {"x": 2}}]
PLACES = ["record 0", "record 1"]

HOSTILE = [
    "{{ 9**(9**9) }}",
    "{{ q * 10**10 }}",
    "{{ q.center(10**10) }}",
    "{{ '%99999999999d'|format(1) }}",
    "{{ 10**6000 }}x",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}x",
    "{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}",
    "{% set ns = namespace(x='a' * 1000) %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ lipsum(n=10**7) }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{% if q %}" * 500 + "x" + "{% endif %}" * 500,
    "{{ q.__class__.__mro__ }}",
    "{{ ('{0.__class__}'|attr('format'))(q) }}",
    "{% include '/etc/passwd' %}",
    "x" * 200_000,
]
SEEN_ELSEWHERE = {
    HOSTILE[2]: "asks for as many letters at once as the one before it",
    HOSTILE[5]: "the record that is named has this template",
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "template",
    [
        pytest.param(one, id=str(place), marks=pytest.mark.long(SEEN_ELSEWHERE[one]) if one in SEEN_ELSEWHERE else ())
        for place, one in enumerate(HOSTILE)
    ],
)
def test_a_template_without_bounds_ends_in_one_line(template: str) -> None:
    begun = time.process_time()
    with Writer("mine") as write, pytest.raises(InputError, match="of mine") as caught:
        write.fill(template, RECORDS, PLACES)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1500
    assert time.process_time() - begun < 2  # what computes is not this process


@pytest.mark.usefixtures("hasty")
def test_the_record_is_named() -> None:
    template = (
        "{% if q == 'Two' %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}x"
    )
    with Writer("mine") as write, pytest.raises(InputError, match="record 1 of mine: it .* more than (0.5|10) seconds"):
        write.fill(template, RECORDS, PLACES)


@pytest.mark.parametrize(
    ("template", "plain", "texts"),
    [
        ("{{ q }}", True, ["one", "Two"]),
        ("Q: {{ q|trim|upper }} ({{ n.x }})\n", True, ["Q: ONE (1)\n", "Q: TWO (2)\n"]),
        ("{{ n['x'] }}", True, ["1", "2"]),
        ("{{ choices|join(', ') }}.", False, ["a, b.", "."]),
        ("{% for c in choices %}{{ loop.index }}{{ c }}{% endfor %}.", False, ["1a2b.", "."]),
        ("{{ q if n.x == 1 else 'no' }}", False, ["one", "no"]),
        ("{{ n.x + 1 }}", False, ["2", "3"]),
    ],
)
def test_both_ways_give_the_same(template: str, plain: bool, texts: list[str]) -> None:
    renderer = Renderer()
    assert renderer.names(template)[0] is plain
    assert [renderer.fill(template, fields) for fields in RECORDS] == texts
    with Writer("mine") as write:
        assert write.fill(template, RECORDS, PLACES) == texts


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    with Writer("mine") as write:
        yield write


@settings(max_examples=20, deadline=None)
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_any_text_goes_through_the_process_unchanged(writer: Writer, texts: list[str]) -> None:
    assert writer.fill("{{ q ~ '' }}", [{"q": text} for text in texts], texts) == texts


@settings(max_examples=20, deadline=None)
@given(text=st.text("ab \n", max_size=30), pattern=st.sampled_from([r"\w+", "a*", "b", "a|b", r"^a", "(a)(b)?"]))
def test_patterns_match_as_python_does(writer: Writer, text: str, pattern: str) -> None:
    found = writer.matches(pattern, [text], ["it"])
    assert found == [[m.span() for m in re.finditer(pattern, text) if m.group()]]


@pytest.mark.usefixtures("hasty")
def test_a_pattern_that_tries_everything_ends(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps({"q": "fine"}) + "\n" + json.dumps({"q": "a" * 40 + "!"}) + "\n")
    spec = DatasetSpec(name="mine", source=str(path), format=Format(template="{{ q }}"), spans=Spans(regex="(a+)+$|f"))
    with pytest.raises(InputError, match="prompt '00001' of mine: the pattern .* more than (0.5|10) seconds"):
        load_prompts(spec)


@pytest.mark.parametrize("regex", ["(", "a{99999999999}", "(" * 900 + ")" * 900, "a" * 2000])
def test_patterns_that_are_none(regex: str) -> None:
    with pytest.raises(InputError, match="^spans: "):
        Spans(regex=regex)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"q": null}', "is null"),
        ('{"q": NaN}', "is NaN"),
        ('{"q": "half \\ud83d"}', "half of a character"),
        ('{"q": "x", "id": null}', "is called None by its field 'id'"),
        ('{"q": "x", "id": NaN}', "is called nan by its field 'id'"),
        ('{"q": "x", "id": ""}', "is called '' by its field 'id'"),
    ],
)
def test_what_is_missing_is_told_with_its_record(tmp_path: Path, record: str, message: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(f'{{"q": "fine", "id": "a"}}\n{record}\n')
    spec = DatasetSpec(name="mine", source=str(path), id="id" if "id" in record else None)
    with pytest.raises(InputError, match=f"record 1 of mine.*{message}"):
        load_prompts(DatasetSpec(**{**vars(spec), "format": Format(template="{{ q }}")}))
