"""Which pairs are compared: each kind against its definition, and no number depends on which others there are."""

import itertools
from typing import Any

import numpy as np
import pytest

from cases import each
from likewise.errors import InputError
from likewise.naming import name_of, parts_of
from likewise.representation import Representation
from likewise.scoring import ALL, Pairs, Results, best_layers, compare, learning_curve

MODELS = ["one", "two", "three", "four", "five", "six"]
LAYERS = ["last", "embedding", "2", "10"]


def names_of(models: int, layers: int, forms: int) -> list[str]:
    forms_ = [f"form {i}" for i in range(forms)] if forms > 1 else [""]
    return [name_of(m, la, f) for m in MODELS[:models] for f in forms_ for la in LAYERS[:layers]]


def expected(value: Any, names: list[str]) -> set[tuple[int, int]]:
    """The pairs of each kind, by its definition, pair by pair."""
    parts = [parts_of(name) for name in names]
    found = set()
    for i, j in itertools.combinations(range(len(names)), 2):
        (a, form_a, layer_a), (b, form_b, layer_b) = parts[i], parts[j]
        same = (form_a, layer_a) == (form_b, layer_b)
        if value == "all":
            wanted = True
        elif value == "chain":
            if len({m for m, _, _ in parts}) == 1:
                wanted = form_a == form_b and not any(parts[k][1] == form_a for k in range(i + 1, j))
            else:
                between = [k for k in range(i + 1, j) if parts[k][1:] == (form_a, layer_a)]
                wanted = same and not between
        else:
            if "base" in value:
                wanted = (a == value["base"]) != (b == value["base"])
            else:
                first, second = (value.get("first"), value.get("second")) if "first" in value else (
                    [value["layers"][0]], [value["layers"][1]])  # fmt: skip
                wanted = (a in first and b in second) or (b in first and a in second)
            wanted = wanted and (same or not value.get("same_layer"))
        if wanted:
            found.add((i, j))
    return found


KINDS: list[Any] = [
    "all",
    "chain",
    {"base": "one"},
    {"base": "two"},
    {"base": "two", "same_layer": True},
    {"first": ["two"], "second": ["one"]},
    {"first": ["one", "two"], "second": ["two", "one"]},
    {"first": ["two", "three"], "second": ["one", "four"], "same_layer": True},
    {"layers": ["two", "one"]},
    {"layers": ["one", "one"]},
]


@pytest.mark.parametrize("value", each(KINDS))
@pytest.mark.parametrize(
    ("models", "layers", "forms"), [(2, 1, 1), (2, 4, 1), (5, 1, 1), (6, 3, 2), (1, 4, 1), (1, 3, 2)]
)
def test_each_kind_wants_its_pairs_once(value: Any, models: int, layers: int, forms: int) -> None:
    names = names_of(models, layers, forms)
    pairs = Pairs.read(value)
    wanted = pairs.wanted(names)
    assert wanted.dtype == bool and not np.tril(wanted).any()
    assert {(int(i), int(j)) for i, j in np.argwhere(wanted)} == expected(value, names)
    sides = pairs.sides(names)
    if sides is not None:
        down, across = sides
        assert not {*down} & {*across}
        cells = {frozenset(p) for p in itertools.product(down, across)}
        assert cells >= {frozenset((names[i], names[j])) for i, j in expected(value, names)}
        assert pairs.same_layer or len(cells) == wanted.sum()


@pytest.mark.parametrize("value", KINDS, ids=str)
def test_what_is_said_is_read_back(value: Any) -> None:
    pairs = Pairs.read(value)
    assert Pairs.read(pairs.said()) == pairs == Pairs.read(pairs)
    assert hash(pairs) == hash(Pairs.read(value))
    assert str(pairs)


def test_layers_stand_in_the_order_of_depth() -> None:
    names = [name_of(m, la) for m in ("a", "b") for la in ("last", "10", "norm", "2", "embedding")]
    down, across = Pairs.read({"layers": ["b", "a"]}).sides(names) or ((), ())
    assert down == ("b @ embedding", "b @ 2", "b @ 10", "b @ norm", "b")
    assert across == ("a @ embedding", "a @ 2", "a @ 10", "a @ norm", "a")


def test_a_name_is_of_one_representation_or_of_a_model() -> None:
    names = names_of(2, 3, 2)
    for base, count in (("one | form 0 @ 2", 1), ("one | form 0 @ last", 1), ("one | form 0", 3), ("one", 6)):
        pairs = Pairs.read({"base": base})
        assert len(pairs.among(names)) == count * (12 - count), base


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("chian", 'did you mean "chain"'),
        ({"bass": "one"}, 'did you mean "base"'),
        ({"base": ["one"]}, "base: expected one name"),
        ({"base": "one", "first": ["two"]}, "write all, chain"),
        ({"first": ["one"]}, "write all, chain"),
        ({"first": [], "second": ["two"]}, "first: expected a list of names"),
        ({"first": ["one", "one"], "second": ["two"]}, "'one' stands twice"),
        ({"first": [1], "second": ["two"]}, "first: expected a list of names"),
        ({"layers": ["one"]}, "layers: expected two models, got 1"),
        ({"base": "one", "same_layer": "yes"}, "same_layer: expected true or false"),
        ({"same_layer": True}, "write all, chain"),
        ({}, "an empty mapping names no pairs"),
        ({1: 2}, "unknown key '1'"),
        (["all"], "names no pairs"),
        (None, "names no pairs"),
        (7, "names no pairs"),
    ],
)
def test_what_says_no_pairs_is_refused(value: Any, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        Pairs.read(value)


def test_names_that_are_not_there_are_refused() -> None:
    for value in ({"base": "onee"}, {"first": ["one"], "second": ["onee"]}, {"layers": ["onee", "two"]}):
        with pytest.raises(InputError, match="no representation or model 'onee'; did you mean \"one\""):
            Pairs.read(value).among(["one", "two"])
    with pytest.raises(InputError, match="there is no such pair"):
        Pairs.read("chain").among(["one", "two @ 2"])


def representations(count: int) -> list[Representation]:
    rng = np.random.default_rng(count)
    common = rng.normal(size=(16, 3))
    return [Representation(common @ rng.normal(size=(3, 4)) + rng.normal(size=(16, 4)), name=m) for m in MODELS[:count]]


def plain(results: Results) -> dict[Any, Any]:
    """Rows by pair and configuration, without what is corrected over the whole table."""
    frame = results.to_pandas()
    kept = [c for c in frame.columns if not c.startswith("pvalue_") and c not in ("correction", "seconds")]
    return {tuple(r[c] for c in ("a", "b", "measure", "parameters")): repr(r) for r in frame[kept].to_dict("records")}


@pytest.mark.parametrize("null", ["moments", "shuffles", "none"])
def test_no_number_depends_on_which_other_pairs_there_are(null: Any, unusual: tuple[str, ...]) -> None:
    count, named = 4, representations(4)
    measures = ["cka", "jaccard(k=3)", "procrustes", "explained"]
    asked: Any = {"measures": measures, "null": null, "permutations": 4, "groups": 4 if null == "shuffles" else 0}
    whole = plain(compare(named, **asked))
    for value in KINDS:
        wanted = {frozenset((MODELS[i], MODELS[j])) for i, j in expected(value, MODELS[:count])}
        if not wanted:
            continue
        found = plain(compare(named, pairs=value, **asked))
        assert found.items() <= whole.items(), value
        assert {frozenset(key[:2]) for key in found} == wanted
        assert len(found) == 5 * len(wanted)  # in one configuration the order counts


def test_curves_and_best_layers_take_pairs() -> None:
    named = representations(4)
    whole = learning_curve(named, "cka", sizes=[10], draws=2, permutations=3)
    some = learning_curve(named, "cka", pairs={"base": "two"}, sizes=[10], draws=2, permutations=3)
    assert some == [p for p in whole if "two" in (p.a, p.b)] and len(some) == 6
    models = {r.name: {"x": r} for r in named}
    best = best_layers(models, "cka", permutations=3)
    chain = best_layers(models, "cka", pairs="chain", permutations=3)
    assert chain == [b for b in best if MODELS.index(b.b) - MODELS.index(b.a) == 1] and len(chain) == 3


def test_all_is_the_default() -> None:
    assert Pairs() == ALL == Pairs.read("all")
    named = representations(3)
    assert plain(compare(named, "cka")) == plain(compare(named, "cka", pairs="all"))
