"""Conditions: every one is read as it is written, every text is a condition or one error, nothing is silently false."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likewise.errors import InputError, UndefinedError
from likewise.naming import ACTING
from likewise.studies import Answer, Condition, Outcome, Table, parse_condition
from likewise.studies.conditions import (
    DEEPEST,
    LONGEST,
    SIGNS,
    All,
    Any_,
    Comparison,
    Literal,
    Name,
    Not,
    Truth,
    outcome,
)

few = settings(max_examples=50, deadline=None)

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(
    ["moved", "cka.low", "overlap@10", "jaccard(k=10).value", 'rsa(inner="cosine").low', "p alone", "not", "and(a)",
     "or.", "1st", " ", '"', "a b(c", "模型", "-x", "not-a", "ab"]
) | st.text(min_size=1, max_size=6)  # fmt: skip
TEXTS = st.sampled_from(["", "'", "noise", "it's"]) | st.text(max_size=6)


def trees(names: st.SearchStrategy[str], of: str) -> st.SearchStrategy[Condition]:
    """Conditions on truth values, numbers or texts, or on all of them."""
    named = names.map(Name)
    numbers, texts = NUMBERS.map(Literal), TEXTS.map(Literal)
    signs, equal = st.sampled_from(sorted(SIGNS)), st.sampled_from(["==", "!="])
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "truth": st.builds(Truth, named),
        "number": st.builds(Comparison, named, signs, named | numbers) | st.builds(Comparison, numbers, signs, named),
        "text": st.builds(Comparison, named, equal, named | texts) | st.builds(Comparison, texts, equal, named),
    }
    leaves = st.one_of(*kinds.values()) if of == "all" else kinds[of]

    def more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, inner) | st.builds(All, several) | st.builds(Any_, several)

    return st.recursive(leaves, more, max_leaves=6).filter(lambda tree: len(str(tree)) <= LONGEST)


@few
@given(trees(NAMES, "all"))
def test_what_is_written_is_read_as_it_was(condition: Condition) -> None:
    assert parse_condition(str(condition)) == condition


WORDS = ["a", "not", "and", "or", "(", ")", "<", "<=", "==", "=", "'", '"', "1", "-1e3", ".5", "1e999", "f(", "@"]


@few
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_text_is_a_condition_or_one_line(text: str) -> None:
    said = ""
    try:
        condition = parse_condition(text)
    except InputError as error:
        said = str(error)
    assert not ACTING.search(said)
    assert said.startswith("condition ") if said else parse_condition(str(condition)) == condition


def true_of(condition: Condition, values: dict[str, Any]) -> bool:
    """What a condition says, by Python's own words."""
    if isinstance(condition, Truth):
        return bool(values[condition.name.text])
    if isinstance(condition, Comparison):
        a, b = (values[s.text] if isinstance(s, Name) else s.value for s in (condition.left, condition.right))
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[condition.sign]
    if isinstance(condition, Not):
        return not true_of(condition.of, values)
    assert isinstance(condition, All | Any_)
    parts = [true_of(part, values) for part in condition.parts]
    return all(parts) if isinstance(condition, All) else any(parts)


VALUES: dict[str, st.SearchStrategy[Any]] = {"truth": st.booleans(), "number": NUMBERS, "text": TEXTS}


@few
@given(st.data(), st.sampled_from(sorted(VALUES)))
def test_holds_where_it_is_true_and_what_is_missing_or_unknown_is_never_false(data: st.DataObject, kind: str) -> None:
    condition = data.draw(trees(st.sampled_from(["a", "b", "p alone"]), kind))
    values = {name: data.draw(VALUES[kind]) for name in ("a", "b", "p alone")}
    assert parse_condition(str(condition)).holds(values) == true_of(condition, values)
    absent = data.draw(st.sampled_from(sorted(set(condition.names()))))
    with pytest.raises(UndefinedError, match=f"{absent} has no value: too few"):
        condition.holds({**values, absent: None}, {absent: "too few"})
    with pytest.raises(InputError, match="the answer has no value"):
        condition.holds({name: value for name, value in values.items() if name != absent})
    with pytest.raises(InputError, match="alone is no condition" if kind == "truth" else "a truth value has no"):
        condition.holds(dict.fromkeys(values, 1 if kind == "truth" else True))


ANSWER = Answer(
    "Did it move?",
    "It moved.",
    tables=(
        Table("copies", ("copy", "ratio", "moved"), (("noise", 1.5, True), ("bits", 3, False))),
        Table("gaps", ("n", "ok", "p"), ((1, True, 0.1), (None, None, "< 1e-16"))),
        Table("none", ("n",), ()),
    ),
    values={"moved": True, "overlap@10": 0.8, "cka.low": 0.93, "nearest": "noise", "kl": None, "steps": 3},
    reasons={"kl": "the outputs were not asked for"},
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("moved", True),
        ("not moved", False),
        ("overlap@10 < 0.8", False),
        ("overlap@10<=.8", True),
        ("cka.low<0.95 and moved", True),
        ("moved and cka.low > 1 or steps == 3", True),
        ("moved and (cka.low > 1 or steps == 4)", False),
        ("not moved or moved", True),
        ("not (moved or moved)", False),
        ("nearest == 'noise'", True),
        ("'bits' == nearest", False),
        ("cka.low > overlap@10", True),
        ("copies.ratio.highest >= 3 and copies.ratio.lowest == 1.5", True),
        ("copies.moved.any and not copies.moved.all", True),
        ('"steps" != 3.0', False),
    ],
)
def test_conditions_of_an_answer(text: str, holds: bool) -> None:
    assert ANSWER.failed(text) is holds


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("movd", InputError, 'did you mean "moved"?'),
        ("overlap@1 < 1", InputError, 'did you mean "overlap@10"?'),
        ("moved < 1", InputError, "a truth value has no <"),
        ("moved == 1", InputError, "a truth value has no =="),
        ("cka.low", InputError, "the number 0.93 alone is no condition; expected a comparison, such as cka.low < 0.9"),
        ("nearest", InputError, "such as nearest == 'noise'"),
        ("nearest < 'x'", InputError, "a text has no <"),
        ("nearest < 1", InputError, "expected two numbers or two texts, got the text 'noise' and the number 1"),
        ('nearest == "noise"', InputError, "a text stands between single quotes"),
        ("moved or cka.low", InputError, "alone is no condition"),
        ("kl < 1", UndefinedError, "kl has no value: the outputs were not asked for"),
        ("moved or kl < 1", UndefinedError, "kl has no value"),
        ("gaps.n.highest > 0", UndefinedError, "1 of the 2 rows of the table gaps have no n"),
        ("gaps.ok.any", UndefinedError, "1 of the 2 rows of the table gaps have no ok"),
        ("none.n.lowest > 0", UndefinedError, "the table none has no rows"),
        ("gaps.p.lowest < 1", InputError, "the answer has no value 'gaps.p.lowest'"),
        ("1", InputError, "a number alone is no condition"),
        ("'moved'", InputError, "a text alone is no condition"),
        ("1 < 2", InputError, "reads nothing of the answer"),
        ("steps = 3", InputError, "expected == for equal, got ="),
        ("1 < steps < 4", InputError, "expected and between two comparisons, got <"),
        ("steps < 1e999", InputError, "1e999 is too large"),
        ("steps < " + "9" * 30, InputError, "is too large"),
        ("", InputError, "got the end of the condition"),
        ("moved moved", InputError, "expected and, or, or the end of the condition, got moved"),
        ("(moved", InputError, "expected ), got the end of the condition"),
        ("nearest == 'x", InputError, "a quote is empty or has no end: 'x"),
        ("__import__('os').system('true')", InputError, "cannot read|the answer has no value|expected"),
        ("(" * (DEEPEST + 2) + "moved", InputError, f"expected at most {DEEPEST} brackets"),
        ("not " * 200 + "moved", InputError, f"expected at most {DEEPEST} brackets"),
        ("m" * (LONGEST + 1), InputError, "expected at most 1,000 characters, got 1,001"),
    ],
)
def test_what_is_no_condition_or_cannot_be_judged_says_why(text: str, error: type[Exception], told: str) -> None:
    pattern = told if "|" in told else re.escape(told)
    with pytest.raises(error, match=pattern) as said:
        ANSWER.failed(text)
    assert "\n" not in str(said.value)


def test_outcomes_are_told_with_the_values_in_all_digits() -> None:
    values = {"a": 0.7999999999, "b": True, "c": "x"}
    assert str(outcome(parse_condition("a < 0.8 and b and c == 'x'"), values)) == (
        "a < 0.8 and b and c == 'x' (a is 0.7999999999, b is true, c is 'x')"
    )
    found = ANSWER.judged(["moved", "kl > 1"])
    assert [o.holds for o in found] == [True, None] and isinstance(found[0], Outcome)
    assert isinstance(found[1].error, UndefinedError) and "kl has no value" in str(found[1])


def test_a_name_that_stands_for_two_numbers_is_neither() -> None:
    tables = Table("a", ("b.c",), ((1,),)), Table("a.b", ("c", "d"), ((2, 3),))
    answer = Answer("Q?", "V.", tables=tables, values={"a.b.d.lowest": 4})
    for name in ("a.b.c.lowest", "a.b.d.lowest"):
        with pytest.raises(UndefinedError, match="it stands for two numbers"):
            answer.failed(f"{name} < 9")
    assert answer.failed("a.b.d.highest == 3")


def test_of_many_names_a_few_are_told() -> None:
    answer = Answer("Q?", "V.", values={f"value{i}": i for i in range(500)})
    with pytest.raises(InputError, match="known: value0, .*, and 492 more$"):
        answer.failed("zzz < 1")


def test_reasons_belong_to_values_that_are_missing() -> None:
    for reasons in ({"a": "why"}, {"b": "why"}):
        with pytest.raises(ValueError, match="expected the reason of a value that is None"):
            Answer("Q?", "V.", values={"a": 1}, reasons=reasons)


# An answer in Python


def test_tables_are_had_by_name_and_as_frames() -> None:
    assert ANSWER.tables["copies"] is ANSWER.tables[0] and ANSWER.tables.names == ("copies", "gaps", "none")
    with pytest.raises(InputError, match="no table 'copy'; did you mean \"copies\""):
        ANSWER.tables["copy"]
    with pytest.raises(ValueError, match="tables of different names"):
        Answer("Q?", "V.", tables=(Table("t", (), ()), Table("t", (), ())))
    with pytest.raises(ValueError, match="expected different heads"):
        Table("t", ("a", "a"), ())
    frame = ANSWER.tables["copies"].to_pandas()
    assert frame["moved"].tolist() == [True, False] and frame["ratio"].tolist() == [1.5, 3]


CELLS = st.booleans() | st.integers() | NUMBERS | st.text(max_size=3)
KINDS = (CELLS, st.booleans(), st.integers(-(2**63), 2**63 - 1), NUMBERS, st.text(max_size=3))
SAME = st.one_of(*(st.lists(st.none() | kind, min_size=3, max_size=3) for kind in KINDS))


@few
@given(SAME)
def test_arrow_holds_every_cell(cells: list[Any]) -> None:
    read = Table("t", ("a",), tuple((cell,) for cell in cells)).to_arrow().column("a").to_pylist()
    for cell, back in zip(cells, read, strict=True):
        if isinstance(back, str):
            assert back == str(cell).encode("utf-8", "backslashreplace").decode()
        else:
            assert back == cell and isinstance(back, bool) == isinstance(cell, bool)
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds in ({bool}, {float}, {str}):
        assert {type(back) for back in read if back is not None} == kinds


def test_a_notebook_shows_an_answer_in_which_nothing_acts() -> None:
    nasty = "<script>alert(1)</script>\x1b[31m"
    table = Table(nasty, (nasty,), ((nasty,),) * 60, nasty, nasty, nasty, folded=True)
    answer = Answer(nasty, nasty, nasty, (table,), limits=(nasty,))
    html = answer._repr_html_()
    assert "<script" not in html and not ACTING.search(html) and html.count("&lt;script&gt;") >= 58
    assert "10 more rows" in html and "<details>" in html
    assert "<td>yes</td>" in ANSWER._repr_html_() and "It moved." in ANSWER._repr_html_()


def test_figures_are_drawn_when_they_are_asked_for() -> None:
    from likewise.studies import Line, Lines

    line = Line(label="l", x=(1, 2), y=(1, 2))
    lines = Lines(name="curve", title="t", heading="h", alt="a", across="x", up="y", lines=(line,))
    figures = Answer("Q?", "V.", drawings=(lines, lines)).figures
    assert list(figures) == ["curve", "curve (2)"] and len(figures) == 2 and "curve" in figures
    with pytest.raises(InputError, match='did you mean "curve"'):
        figures["curv"]
    from matplotlib.figure import Figure

    assert isinstance(figures["curve"], Figure) and figures["curve"]._repr_png_()
