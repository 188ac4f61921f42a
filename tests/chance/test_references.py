"""References: what every name stands for, what is stored of it, and what is said of it."""

from dataclasses import replace
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import typer

from likewise import plugins
from likewise.chance import (
    DEFAULT,
    FEWEST_ITEMS,
    ClosedForm,
    Level,
    Reason,
    Reference,
    Scored,
    canonical_reference,
    kind_of,
    reference_names,
    reference_of,
    registry,
)
from likewise.cli import options
from likewise.cli.main import app
from likewise.errors import InputError, UndefinedError
from likewise.measures import Configuration, configurations, prepare
from likewise.plan import Experiment, Tile, tasks
from likewise.representation import Representation
from likewise.scoring import KINDS, Results, Trust, compare, learning_curve, reduce, score_products

RNG = np.random.default_rng(0)
BOTH = {"x": RNG.normal(size=(20, 4)), "y": RNG.normal(size=(20, 5))}


class Fixed(Reference):
    """Draws that are the same for all pairs."""

    name, summary = "fixed", "fixed numbers"

    def __init__(self, least: float = 0.0) -> None:
        self.draws = np.asarray([least, 0.5, 1.0])

    def level(self, scored: Scored, shuffles: int) -> Level:
        return Level.of_draws(scored, np.repeat(self.draws[:, None], len(scored.value), axis=1))


@pytest.mark.parametrize("groups", [(), ("a",) * 6 + ("b",) * 6])
def test_a_reference_is_told_how_many_shuffles_the_user_asks_for(groups) -> None:
    """Not how many orders of the rows there are."""
    asked = []

    class Asking(Fixed):
        name = "asking"

        def shuffles(self, permutations: int) -> int:
            return permutations

        def level(self, scored: Scored, shuffles: int) -> Level:
            asked.append(shuffles)
            return super().level(scored, shuffles)

    x = np.random.default_rng(0).normal(size=(12, 3))
    compare([Representation(m, name=name, groups=groups) for name, m in (("x", x), ("y", x[::-1]))], "cka",
            chance=Asking(), permutations=77, groups=0)  # fmt: skip
    assert set(asked) == {77}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch):
    """Make entry points of names and texts, as installed packages have them."""

    def install(**points: str) -> None:
        made = [EntryPoint(name, text, registry.INSTALLED.group) for name, text in points.items()]
        monkeypatch.setattr(plugins, "entry_points", lambda group: made)
        plugins._offered.cache_clear()

    registry._made.cache_clear()
    yield install
    registry._made.cache_clear()
    plugins._offered.cache_clear()


def told(results: Results) -> list[dict]:
    return [row | {"seconds": None} for row in results.table.to_pylist()]


@pytest.mark.parametrize("name", ["moments", "shuffles", "none"])
def test_requests_and_keys_of_what_there_was_before_stay(name: str, monkeypatch) -> None:
    """But for the versions, of results and of rsa, which are raised when numbers change."""
    monkeypatch.setattr(tasks, "RESULT_VERSION", 4)
    trust = Trust(name, permutations=7, seed=3, groups=5)
    tile = Tile("d", ("a",), ("b",), ("rsa",), trust)
    assert tile.request == {"version": 4, "null": name, "permutations": 7, "seed": 3, "groups": 5}
    assert list(tile.request) == ["version", "null", "permutations", "seed", "groups"]
    keys = {
        "moments": "aa9719456e46d8ed40d67bc3",
        "shuffles": "e7d56035ffb3c1d5cbdbc903",
        "none": "f6d39f5b4c4585488ff3e1c8",
    }
    assert tile.key == keys[name]


def test_version_and_identity_of_a_reference_are_asked_for(installed) -> None:
    installed(fixed=f"{__name__}:Fixed")
    asked = Trust(Fixed()).request
    assert asked == {"null": "fixed", "permutations": 100, "seed": 0, "groups": 20}
    later = type("Fixed", (Fixed,), {"version": 2})
    assert Trust(later()).request == asked | {"reference": {"version": 2}}
    read = type("Fixed", (Fixed,), {"identity": {"file": "abc"}})
    assert Trust(read()).request == asked | {"reference": {"version": 1, "file": "abc"}}


def test_the_older_keyword_is_the_same() -> None:
    new = compare(BOTH, ["cka", "procrustes"], chance="shuffles", permutations=9, groups=0)
    old = compare(BOTH, ["cka", "procrustes"], null="shuffles", permutations=9, groups=0)
    assert told(new) == told(old) and {c.null for c in new} == {"shuffles"}
    curves = [learning_curve(BOTH, "cka", sizes=[10], draws=1, **{key: "none"}) for key in ("chance", "null")]
    assert curves[0] == curves[1] and {p.null_mean for p in curves[0]} == {None}
    with pytest.raises(InputError, match="null is the older name of chance"):
        compare(BOTH, "cka", chance="none", null="shuffles")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("moment", "chance='moment'; did you mean \"moments\""),
        ("moments(k=1)", r"chance='moments\(k=1\)': .*argument"),
        ("moments(", r"chance: cannot read 'moments\('"),
        ("", "chance=''; known: features, moments, none, shuffles"),
    ],
)
def test_what_is_no_reference_is_said_in_a_line(asked: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        compare(BOTH, "cka", chance=asked)
    assert "\n" not in str(caught.value)
    if isinstance(asked, str):
        said = {"name": "e", "models": ["a", "b"], "datasets": ["commonsense-probes"], "statistics": {"chance": asked}}
        with pytest.raises(InputError, match=message):
            Experiment.of(said)


@pytest.mark.parametrize("name", ["moments", "", "two words", None, 3])
def test_an_object_with_the_name_of_another_is_refused(name: object) -> None:
    odd = type("Odd", (Fixed,), {"name": name})
    with pytest.raises(InputError, match=r"a Odd is called .*; expected letters"):
        compare(BOTH, "cka", chance=odd())


def test_an_installed_one_is_found_by_its_name_and_made_with_parameters(installed) -> None:
    installed(fixed=f"{__name__}:Fixed")
    assert reference_names() == ("none", "shuffles", "moments", "features", "fixed")
    assert kind_of("fixed") is Fixed
    assert canonical_reference("fixed( least = 0.25 )") == "fixed(least=0.25)"
    (row,) = compare(BOTH, "cka", chance="fixed(least=0.25)", groups=0)
    assert (row.null, row.n_permutations) == ("fixed", 3)
    assert row.null_mean == pytest.approx(1.75 / 3) and row.pvalue in (0.25, 0.5, 0.75, 1.0)
    value = {"fixed": {"least": 0.25}}
    said = {"name": "e", "models": ["a", "b"], "datasets": ["commonsense-probes"], "statistics": {"chance": value}}
    assert Experiment.of(said).statistics.chance == "fixed(least=0.25)"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("gone_module:Fixed", r"chance level 'fixed' \(gone_module:Fixed\) cannot be loaded: ModuleNotFoundError"),
        (f"{__name__}:RNG", "chance level 'fixed' .*; expected a Reference with the name 'fixed'"),
        ("likewise.chance:ShuffledRows", "expected a Reference with the name"),
    ],
)
def test_a_package_that_is_broken_is_named(installed, entry: str, message: str) -> None:
    installed(fixed=entry)
    assert "fixed" in reference_names()  # nothing was loaded
    with pytest.raises(InputError, match=message):
        reference_of("fixed")


def test_a_package_cannot_hide_ours(installed) -> None:
    installed(moments=f"{__name__}:Fixed")
    assert reference_names() == ("none", "shuffles", "moments", "features")
    assert kind_of("moments") is not Fixed


def test_a_draw_that_is_undefined_leaves_no_chance_level_and_says_so() -> None:
    class Odd(Fixed):
        def level(self, scored: Scored, shuffles: int) -> Level:
            flat = prepare(Representation(np.ones((20, 3)), name="flat"))
            draws = [scored.score(flat, scored.sides[j]) for _, j in scored.pairs]
            return Level.of_draws(scored, np.asarray([draws, scored.value]))

    (row,) = compare(BOTH, "cka", chance=Odd(), groups=0)
    assert (row.null, row.null_mean, row.pvalue, row.n_permutations) == ("none", None, None, 0)
    assert row.value is not None and row.reason == Reason.NOT_DRAWN
    with pytest.raises(UndefinedError):
        Configuration.parse("cka")(prepare(Representation(np.ones((20, 3)))), prepare(Representation(BOTH["x"])))


def test_what_the_reference_does_not_settle_is_shuffled() -> None:
    class Half(Fixed):
        def shuffles(self, permutations: int) -> int:
            return permutations

        def level(self, scored: Scored, shuffles: int) -> Level:
            assert shuffles == 7
            level = super().level(scored, shuffles)
            settled = np.arange(len(scored.value)) % 2 == 0
            return Level(level.null, settled, level.draws, {0: "as it is", 1: "shuffled instead"})

    three = BOTH | {"z": RNG.normal(size=(20, 3))}
    rows = list(compare(three, "procrustes", chance=Half(), permutations=7, groups=0))
    assert [(r.null, r.n_permutations) for r in rows] == [("fixed", 3), ("shuffles", 7), ("fixed", 3)]
    assert [r.reason for r in rows] == ["as it is", "shuffled instead", ""]
    (plain,) = list(compare(three, "procrustes", chance="shuffles", permutations=7, groups=0))[1:2]
    assert (rows[1].null_mean, rows[1].pvalue) == (plain.null_mean, plain.pvalue)


def test_both_orders_of_a_pair_are_scored_as_the_pair_is() -> None:
    class Own(Fixed):
        def level(self, scored: Scored, shuffles: int) -> Level:
            again = [scored.score(scored.sides[i], scored.sides[j]) for i, j in scored.pairs]
            return Level.of_draws(scored, np.asarray([again, again]))

    rows = list(compare(BOTH, "linear_predictivity(ridge=0.1)", chance=Own(), groups=0))
    assert [r.null_mean for r in rows] == pytest.approx([r.value for r in rows]) and rows[0].value != rows[1].value


def test_stored_reasons_stay() -> None:
    assert {r.name: r.value for r in Reason} == {
        "NO_CHANCE": "no chance level: the value does not depend on which row belongs to which",
        "NO_EXCHANGE": "no chance level: no two groups of inputs have the same size, so none can be exchanged",
        "STAYING": (
            "no chance level: too few groups of inputs have the same size, so too many stay in place in a shuffle"
        ),
        "NOT_SHUFFLED": "no chance level: undefined after a shuffle",
        "NOT_DRAWN": "no chance level: undefined for some of what chance is counted from",
        "FEW_ROWS": "chance from shuffles: too few rows decide the score to trust the closed form",
        "BOUND": "p is an upper bound: too few rows decide the score to trust the closed form",
        "NO_ROOT": (
            "p is an upper bound, and the mean of shuffles is not known: too few rows decide the score to trust the "
            "closed form"
        ),
        "NO_FEATURES": (
            "no chance level: the measure does not compare each feature with itself, so shuffle rows instead"
        ),
        "ONE_FEATURE": "no chance level: one feature has no other order",
        "FEW_FEATURES": "chance from shuffles: too few features decide the score to trust the closed form",
        "BOUND_OF_FEATURES": "p is an upper bound: too few features decide the score to trust the closed form",
        "ONE_SHUFFLE": "no z: one shuffle only",
        "NO_SPREAD": "no z: the shuffled scores do not vary",
        "AS_IDENTICAL": "not calibrated: shuffled rows score as identical ones do",
        "BEYOND_IDENTICAL": "not calibrated: shuffled rows score as more alike than identical ones do",
        "NO_IDENTITY": "not calibrated: a representation and itself",
        "NO_SCALE": "not calibrated: identical sides have no score to calibrate by",
        "NOT_WITHOUT": "no interval: undefined without some inputs",
        "UNSETTLED": "directions of nearly the same variance may change places, so the interval is longer",
        "FEW_GROUPS": "no interval",
    }
    assert f"{Reason.FEW_ROWS}" == Reason.FEW_ROWS.value


@pytest.mark.parametrize(
    ("chance", "measure", "n", "independent", "settled"),
    [
        ("moments", "cka", None, True, True),
        ("moments", "cka", 1000, True, True),
        ("moments", "cka", FEWEST_ITEMS - 1, True, False),
        ("moments", "cka", 1000, False, False),
        ("moments", "procrustes", 1000, True, False),
        ("shuffles", "cka", 1000, True, False),
        ("none", "procrustes", 2, False, True),
        ("features", "largest_error", 2, False, True),
    ],
)
def test_which_pairs_need_no_shuffles(chance: str, measure: str, n: int, independent: bool, settled: bool) -> None:
    reference, configuration = reference_of(chance), Configuration.parse(measure)
    assert reference.settles(configuration, n, independent=independent) is settled


def test_a_reference_of_vectors_is_asked_again_for_what_it_does_not_settle() -> None:
    class Half(ClosedForm):
        def level_of_vectors(self, configuration, value, x, y, places, n, shuffles):
            assert shuffles == 7
            level = super().level_of_vectors(configuration, value, x, y, places, n, shuffles)
            return replace(level, settled=np.arange(len(value)) == 1)

    (cka,) = configurations("cka")
    sides = [reduce(cka, prepare(Representation(RNG.normal(size=(30, 4)), name=name))) for name in "abc"]
    places = np.asarray([[0, 1], [0, 2], [1, 2]])
    told = {"dataset": "d", "names": list("abc"), "keys": list("abc")}
    _, again = score_products(cka, sides, places, 3, 30, Trust(Half(), 7, groups=0), **told)
    assert again.tolist() == [True, False, True]
    _, again = score_products(cka, sides, places, 3, 30, Trust("none", 7, groups=0), **told)
    assert not again.any()


def test_tables_are_joined_with_all_kinds_of_replicates() -> None:
    one = compare(BOTH, ["cka", "svcca"], groups=5)
    other = compare(BOTH, "procrustes", permutations=7, groups=0)
    bare = Results(other.table)
    whole = Results.joined([one, bare, other])
    assert len(whole) == len(one) + 2 * len(other)
    for kind in KINDS:
        parts = [*one.replicates(kind), *bare.replicates(kind), *other.replicates(kind)]
        for found, part in zip(whole.replicates(kind), parts, strict=True):
            assert (found is None) == (part is None) and (part is None or (found == part).all())
    assert Results.joined([bare]).kept == {}


def test_the_option_says_every_name_and_takes_the_same_by_default() -> None:
    said = options.Chance.__metadata__[0].help
    for name, kind in registry.OURS.items():
        assert (f"{name} ({kind.summary})" if name != "none" else "none,") in said
    (asked,) = [p for p in typer.main.get_command(app).commands["compare"].params if p.name == "chance"]
    assert asked.default == DEFAULT == Trust().chance and asked.opts == ["--chance", "--null"]
