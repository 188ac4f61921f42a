from keyword import iskeyword

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likewise.errors import InputError
from likewise.naming import canonical_json, checked_call, depth_of, did_you_mean, format_call, parse_call

LITERALS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
WORDS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda word: not iskeyword(word))


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("cka", "cka", {}),
        ("  cka ", "cka", {}),
        ("org/model-1.5b@main", "org/model-1.5b@main", {}),
        ("org/model-1.5b(layer=-1)", "org/model-1.5b", {"layer": -1}),
        ("a ( k = 5 )", "a", {"k": 5}),
        ("a(x=none, y=None, z=false, w=word)", "a", {"x": None, "y": None, "z": False, "w": "word"}),
        ("a(x=[1, 'b'], y=1e-3)", "a", {"x": [1, "b"], "y": 1e-3}),
        ("a(x='(')", "a", {"x": "("}),
    ],
)
def test_name_and_literals_are_read(text, name, parameters):
    assert parse_call(text) == (name, parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jaccard(k=5", "never closed"),
        ("jaccard(5)", "only key=value may stand"),
        ("jaccard(**k)", "only key=value may stand"),
        ("jaccard(k=1)(k=2)", "one pair of brackets"),
        ("jaccard(k=1).real", "one pair of brackets"),
        ("jaccard(k=1, k=2)", "a key stands more than once"),
        ("jaccard(k=open('x'))", "is no value"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_can(text, message):
    with pytest.raises(InputError, match=rf"cannot read .*{message}.*write {text.partition('(')[0]}\(key=value, ...\)"):
        parse_call(text)


@given(WORDS, st.dictionaries(WORDS, LITERALS, max_size=3))
def test_what_is_written_is_read_back(name, parameters):
    assert parse_call(format_call(name, parameters)) == (name, parameters)


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_json_does_not_have(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": value})


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("jacard", 'did you mean "jaccard"?'),
        ("ab", 'did you mean "abd" or "abc"?'),
        ("qqq", "known: abc, abd, jaccard"),
    ],
)
def test_nearest_names_or_all_of_them(given, answer):
    assert did_you_mean(given, ["jaccard", "abd", "abc"]) == answer


@pytest.mark.parametrize("written", ["true", "True", "false", "none", '"1"', "word", "[1]"])
def test_what_is_no_number_is_not_taken_for_one(written):
    def f(model, *, k: int): ...

    with pytest.raises(InputError, match=r"f\(k=.*number"):
        checked_call("change", f"f(k={written})", {"f": f}, {"k": (lambda v: True, "anything")}, after=1)
    assert checked_call("change", "f(k=1)", {"f": f}, {"k": (lambda v: True, "anything")}, after=1) == "f(k=1)"


@pytest.mark.parametrize("seed", range(20))
def test_layers_lie_in_the_order_of_the_numbers_in_their_names(seed):
    rng = np.random.default_rng(seed)
    form = ("{}", "layer{}", "layers.{}.mlp", "block-{:03d}", "h{}")[seed % 5]
    depths = sorted(rng.choice(2000, size=9, replace=False).tolist())
    layers = ["embedding", *(form.format(depth) for depth in depths), "last"]
    assert sorted(rng.permutation(layers).tolist(), key=depth_of) == layers
    assert depth_of("9" * 5000) > depth_of("8" * 5000) > depth_of("9" * 4999)
    numbers = [f"{number:.{seed % 4}f}" for number in np.sort(rng.normal(size=9)).tolist()]
    assert [float(one) for one in sorted(rng.permutation(numbers).tolist(), key=depth_of)] == sorted(
        map(float, numbers)
    )
