"""Configurations, presets and the registry: what is read, what it is called, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from cases import each
from configurations import CONFIGURATIONS
from likewise.errors import InputError
from likewise.measures import (
    PRESETS,
    REGISTRY,
    Configuration,
    configurations,
    get,
    measure,
    prepare_pair,
    record,
)
from likewise.quantities import Prepared
from likewise.representation import Representation


@pytest.mark.parametrize(
    ("text", "label", "parameters"),
    [
        ("nbs", "nbs", {}),
        (" nbs ", "nbs", {}),
        ("jaccard", "jaccard", {"k": 10, "center": False, "inner": "cosine"}),
        ("jaccard()", "jaccard", {"k": 10, "center": False, "inner": "cosine"}),
        ("jaccard(center=True, k=10)", "jaccard(k=10, center=True)", {"k": 10, "center": True, "inner": "cosine"}),
        ("jaccard(k=5, center=true)", "jaccard(k=5, center=True)", {"k": 5, "center": True, "inner": "cosine"}),
        ("rsa(inner=cosine)", 'rsa(inner="cosine")', {"inner": "cosine", "outer": "spearman"}),
    ],
)
def test_text_gives_label_and_all_parameters(text, label, parameters):
    c = Configuration.parse(text)
    assert c.label == label
    assert c.parameters == parameters


@pytest.mark.parametrize("configuration", each(CONFIGURATIONS))
def test_label_and_json_lead_back(configuration):
    assert Configuration.parse(configuration.label) == configuration
    assert Configuration.from_json(configuration.measure, configuration.parameters_json) == configuration
    assert hash(Configuration.parse(configuration.label)) == hash(configuration)


def test_json_holds_every_parameter_in_one_order():
    assert Configuration.parse("jaccard(k=5)").parameters_json == '{"center":false,"inner":"cosine","k":5}'
    a, b = Configuration("jaccard", {"k": 3, "center": True}), Configuration("jaccard", {"center": True, "k": 3})
    assert a.parameters_json == b.parameters_json
    assert a == b


def test_configuration_computes_what_the_function_computes(configuration, related):
    x, y = related(20, 5, 6)
    assert configuration(x, y) == get(configuration.measure)(x, y, **configuration.parameters)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("procrutes", r"unknown measure 'procrutes'; did you mean \"procrustes\""),
        ("zzz", "unknown measure 'zzz'; known: aligned_cosine, block_influence, cka"),
        ("jaccard(centre=True)", r"jaccard has no parameter 'centre'; did you mean \"center\"\?"),
        ("jaccard(q=1)", "jaccard has no parameter 'q'; known: center, inner, k"),
        ("rsa(inner=cosin)", r"rsa: inner='cosin' is unknown; did you mean \"cosine\"\?"),
        ("rsa(outer=kendal)", r"rsa: outer='kendal' is unknown; known: cosine, pearson, spearman, tau_a, tau_b"),
        ("rsm_difference(inner=euclid)", r"did you mean \"euclidean\"\?"),
        ("jaccard(center=1)", r"jaccard\(center=1\): expected True or False, as False"),
        ("jaccard(k=True)", r"jaccard\(k=True\): expected a whole number, as 10"),
        ("jaccard(k=2.5)", r"jaccard\(k=2.5\): expected a whole number, as 10"),
        ("jaccard(k=five)", r"jaccard\(k='five'\): expected a whole number, as 10"),
        ("rsa(inner=3)", r"rsa\(inner=3\): expected a text, as 'euclidean'"),
        ("gulp(lam=1" + 400 * "0" + ")", "is too large|characters; expected at most"),
        ("cka(bandwidth=0.5)", "cka: bandwidth=0.5: only kernel='rbf' has a bandwidth"),
        ("svcca(variance=0.9, k=3)", "svcca: variance=0.9, k=3; expected one of them"),
        ("rtd(draws=3)", "rtd: draws=3, seed=0: these need sample"),
        ("imd(k=0)", "imd: k=0; expected a number above 0"),
        ("mean_cca(ridge=1e-20)", "mean_cca: ridge=1e-20; expected 0, or 1e-10 or more"),
        ("rtd(sample=2)", "rtd: sample=2; expected 3 items or more, or 0 for all"),
        ("jaccard(k=5", r"cannot read 'jaccard\(k=5'"),
    ],
)
def test_refused_with_what_would_do(text, message):
    with pytest.raises(InputError, match=message):
        Configuration.parse(text)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"centre": True}, r"no parameter 'centre'; did you mean"), ({"k": 2.5}, "expected a whole number, as 10")],
)
def test_function_refuses_what_its_configuration_refuses(parameters, message, related):
    with pytest.raises(InputError, match=message):
        get("jaccard")(*related(20, 4, 5), **parameters)


def test_numbers_of_numpy_are_numbers():
    c = Configuration("jaccard", {"k": np.int64(3), "center": np.True_})
    assert c == Configuration.parse("jaccard(k=3, center=True)")
    assert c.label == "jaccard(k=3, center=True)"
    assert Configuration("gulp", {"lam": np.float32(0.5)}).label == Configuration.parse("gulp(lam=0.5)").label


def test_the_function_of_a_measure_names_it():
    assert [c.label for c in configurations([get("cka"), "rsa"])] == ["cka", "rsa"]
    assert [c.label for c in configurations(get("jaccard"))] == ["jaccard"]
    with pytest.raises(InputError, match="is not a measure; expected a name"):
        configurations([len])


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x: None, "returned None; expected a number, or one for each item"),
        (lambda x: "1", "returned '1'; expected"),
        (lambda x: x.matrix, "expected a number, or one for each item"),
        (lambda x: 1 / 0, "stopped with ZeroDivisionError: division by zero"),
    ],
)
def test_mistakes_of_ones_own_are_said_by_name(returned, message, related):
    @measure(title="own", facts=lambda: record("cka").facts(**record("cka").defaults), references=())
    def own(x, y):
        return returned(x)

    try:
        with pytest.raises(InputError, match=f"own .*{message}"):
            own(*related(20, 4, 5))
    finally:
        del REGISTRY[own.measure_name]


def test_facts_that_are_none_are_refused(related):
    known = replace(record("cka").facts(**record("cka").defaults), invariances=frozenset({"rotations"}))

    @measure(title="odd", facts=lambda: known, references=())
    def odd(x, y):
        return 1.0

    try:
        with pytest.raises(InputError, match="odd: invariance='rotations' is unknown"):
            odd(*related(20, 4, 5))
    finally:
        del REGISTRY[odd.measure_name]


def test_paper_is_ten_configurations_in_the_order_of_the_paper():
    assert [c.label for c in configurations("paper")] == list(PRESETS["paper"])
    assert len(set(configurations("paper"))) == 10


@pytest.mark.parametrize(("preset", "count"), [("resi", 24), ("platonic", 5), ("recommended", 5), ("outputs", 4)])
def test_preset_names_configurations_each_once(preset, count):
    assert [c.label for c in configurations(preset)] == list(PRESETS[preset])
    assert len(set(configurations(preset))) == count


def test_all_is_every_measure_of_any_rows_at_its_defaults():
    every = [name for name in REGISTRY if ":" not in name and not Configuration(name, {}).facts.needs]
    assert [c.label for c in configurations("all")] == every


def test_recommended_has_a_value_for_few_items_in_many_dimensions(related):
    x, y = related(30, 60, 50)
    assert all(np.isfinite(c(x, y)) for c in configurations("recommended"))


def test_presets_measures_and_configurations_mix_without_repetition():
    mixed = configurations(["cka", Configuration.parse("jaccard(k=5)"), "jaccard(k=5, center=False)", "paper", "cka"])
    labels = [c.label for c in mixed]
    assert labels[:2] == ["cka", "jaccard(k=5)"]
    assert len(labels) == len(set(labels)) == 11


def test_one_configuration_needs_no_list():
    c = Configuration.parse("rsa")
    assert configurations(c) == configurations("rsa") == configurations(["rsa"]) == (c,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("papr", r"unknown measure or preset 'papr'; did you mean \"paper\"\?"),
        (["cka", "jacard(k=3)"], r"unknown measure or preset 'jacard\(k=3\)'; did you mean \"jaccard\"\?"),
    ],
)
def test_unknown_measure_or_preset_is_refused_by_name(given, message):
    with pytest.raises(InputError, match=message):
        configurations(given)


def test_record_of_an_unknown_measure_says_the_nearest():
    with pytest.raises(InputError, match=r"unknown measure 'ckaa'; did you mean"):
        record("ckaa")


@pytest.mark.parametrize("measure", each(REGISTRY.values()))
def test_registry_knows_each_measure_by_the_name_of_its_function(measure):
    assert REGISTRY[measure.name] is measure
    assert measure.function.__name__ == measure.name
    assert measure.function.__module__ == f"likewise.measures.{measure.family}"
    assert get(measure.name) is record(measure.name).function


# Measures of one's own.

# Operands.


@pytest.mark.parametrize("wrap", each([np.asarray, Prepared, Representation]))
def test_operand_of_any_kind_gives_the_same_value(configuration, related, wrap):
    x, y = related(20, 5, 6)
    assert configuration(wrap(x), y) == configuration(x, wrap(y)) == configuration(x, y)


def test_prepared_operand_is_used_as_it_is(related):
    x, y = (Prepared(m) for m in related(8, 2, 3))
    assert prepare_pair(x, y) == (x, y)


@pytest.mark.parametrize("measure", each(REGISTRY.values()))
def test_unequal_numbers_of_rows_are_refused(measure):
    with pytest.raises(
        InputError, match="36 rows against 40 rows: both must describe the same inputs in the same order"
    ):
        measure.function(*(np.full((n, 3), np.log(1 / 3)) for n in (36, 40)))  # rows of any kind


@pytest.mark.parametrize("measure", each(REGISTRY.values()))
def test_representations_of_other_items_are_refused(measure):
    x, y = (Representation(np.eye(3), ids=ids, name=ids) for ids in ("abc", "adc"))
    with pytest.raises(InputError, match="row 1 is item 'b' in abc and 'd' in adc"):
        measure.function(x, y)


@pytest.mark.parametrize("measure", each(REGISTRY.values()))
def test_operand_that_is_not_finite_is_refused_by_side_and_place(measure):
    y = np.full((12, 3), np.log(1 / 3))
    y[7, 2] = np.nan
    with pytest.raises(InputError, match="y holds nan in row 7, column 2; 1 of its 36 values"):
        measure.function(np.full((12, 3), np.log(1 / 3)), y)
