"""YAML is read as it is written, or the line and column that are wrong are said."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.documents import DEPTH, Document, parse_yaml, write_yaml
from likewise.errors import InputError

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(
        ["no", "yes", "1e5", "0o17", "010", "1:30", "2020-01-01", "<<", "~", "null", ".inf", "=", "0x1F", ""]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_what_is_written_is_read_as_the_same(value: object) -> None:
    assert parse_yaml(write_yaml({"value": value})).value == {"value": value}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' stands twice, first in line 1"),
        ("x: [1, {a: 1, a: 2}]", "column 15: the key 'a' stands twice"),
        ("null: 1\nnull: 2", "line 2, column 1: the key 'null' stands twice"),
        ("a: .inf", "column 4: '.inf' is no finite number"),
        ("a: -.INF", "no finite number"),
        ("a: .nan", "no finite number"),
        ("a: 1e999", "column 4: '1e999' is too large for a number"),
        ("a: " + "9" * 6000, "too large for a whole number"),
        ("a: 9223372036854775808", "too large for a whole number"),
        ("a: 0777", "has leading zeros"),
        ("a: 2020-01-01", "is read as a date"),
        ("a: !!set {x, y}", "the tag 'tag:yaml.org,2002:set' is not read"),
        ("a: !!binary aGVsbG8=", "binary' is not read"),
        ("a: !!python/object/apply:os.system [x]", "is not read"),
        ("a: !own x", "the tag '!own' is not read"),
        ("? [a, b]\n: 1", "column 3: a list or mapping cannot be a key"),
        ("? {a: b}\n: 1", "cannot be a key"),
        ('a: "\\ud800"', "half of a character"),
        ('a: "\\0"', "a control character"),
        ('a: "\\e[31m"', "a control character"),
        ("a: \x00", "line 1, column 4: the character"),
        ("a: &x [*x]", "holds itself"),
        ("a: &x {b: *x}", "holds itself"),
        ("a: *x", "undefined alias"),
        ("a: 1\n---\nb: 1", "line 2"),
        ("a: [1, 2", "this is not YAML"),
        ("\ta: 1", "this is not YAML"),
        ('a: "\\U99999999"', "this is not YAML"),
        ("a: " + "[" * 20000, f"expected {DEPTH} at most"),
        ("a: " + "{a: " * 3000, f"expected {DEPTH} at most"),
        ("- " * 3000 + "a", f"expected {DEPTH} at most"),
        ("<<: 5", "expected a mapping"),
    ],
)
def test_what_is_refused_is_said_with_its_place_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "e.yaml")
    said = str(caught.value)
    assert re.match(r"e\.yaml, line \d+, column \d+: ", said) and message in said
    assert "\n" not in said and len(said) < 400


def test_aliases_are_bounded() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, key in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{key}: &{key} [{', '.join([f'*{before}'] * 10)}]")
    with pytest.raises(InputError, match="more than 50,000 values"):
        parse_yaml("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no: no", {"no": "no"}),
        ("null: ~", {"null": None}),
        ("5: 1e5", {"5": 1e5}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 0x1F\nb: 0o17", {"a": 31, "b": 15}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}),
        ("a: !!str 5", {"a": "5"}),
        (b"\xef\xbb\xbfa: 1\r\n", {"a": 1}),
        ("\ufeffa: 1".encode("utf-16-le"), {"a": 1}),
        ("", None),
    ],
)
def test_scalars_are_those_of_yaml_1_2_and_keys_are_texts(text: str | bytes, value: object) -> None:
    assert parse_yaml(text).value == value


def test_places_lead_to_values() -> None:
    document = parse_yaml("models:\n  - a\n  - {model: b}\n", "e.yaml")
    assert document.place(("models", 1, "model")) == "e.yaml, line 3, column 13"
    assert document.place(("models", 1, "name")) == "e.yaml, line 3, column 5"
    assert Document("e.yaml", None).place(("x",)) == "e.yaml, line 1, column 1"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_document_is_read_or_refused_in_one_line(data: st.DataObject) -> None:
    raw = bytearray(b'models: [a, {model: &b b, "x": [1, 2.5, no]}]\ndatasets:\n  - {source: c, limit: 5}\n  - *b\n')
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_yaml(bytes(raw), "e.yaml")
    except InputError as error:  # either is right
        assert str(error).startswith("e.yaml, line ") and "\n" not in str(error)  # noqa: PT017
