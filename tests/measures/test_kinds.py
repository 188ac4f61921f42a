"""Distances and similarities score as the rows that they are of, or say why not; and measures that match features."""

import importlib
from collections.abc import Iterator

import numpy as np
import pytest
import scipy

from cases import each
from likewise.errors import InputError, UndefinedError
from likewise.measures import REGISTRY, Configuration, Facts, measure, prepare
from likewise.quantities import Gram, Prepared
from likewise.quantities.tables import Embedding
from likewise.representation import Representation
from likewise.scoring import compare
from likewise.testing import CHECKS, TABLES, draw, draws

NEEDED = {"distances": {"orthogonal", "translation"}, "similarities": {"orthogonal"}}
"""What a measure must ignore of a side to need no more than a table of this kind."""


@pytest.mark.parametrize("kind", each(TABLES))
def test_a_table_scores_as_its_rows_where_facts_say_that_it_suffices(configuration: Configuration, kind: str) -> None:
    facts = configuration.facts
    of_sides = facts.invariances, facts.invariances | facts.invariances_of_second
    width = configuration.parameters.get("over") == "width"
    for x, y in draws(facts):
        tables = [Prepared(TABLES[kind](m), name, kind) for m, name in ((x, "first"), (y, "second"))]
        expected = configuration(x, y)
        for pair, replaced in (
            ((tables[0], Prepared(y)), (True, False)),
            ((Prepared(x), tables[1]), (False, True)),
            (tuple(tables), (True, True)),
        ):
            suffices = all(NEEDED[kind] <= held for held, is_table in zip(of_sides, replaced, strict=True) if is_table)
            if suffices and not width:
                assert configuration(*pair) == pytest.approx(expected, rel=1e-10, abs=1e-10)
            else:
                with pytest.raises(UndefinedError, match=rf"^(first|second) is a table of {kind}.*expected rows"):
                    configuration(*pair)


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    "call", each(["cka", "rsa", "procrustes", 'jaccard(k=3, inner="euclidean")', "svcca", "imd(k=3)"])
)
def test_tables_of_every_array_library(library: str, kind: str, call: str) -> None:
    c, xp = Configuration.parse(call), importlib.import_module(library)
    tables = [TABLES[kind](m) for m in draw(16, 5, 7)]
    expected = c(*(Prepared(t, kind=kind) for t in tables))
    assert c(*(Prepared(xp.asarray(t), kind=kind) for t in tables)) == pytest.approx(expected, abs=1e-10)


NUMBERS = ("value", "low", "high", "null_mean", "null_std", "z", "pvalue", "calibrated", "n_permutations")


@pytest.mark.parametrize("groups", [8, [str(i // 3) for i in range(30)]], ids=["items", "groups of items"])
@pytest.mark.parametrize("chance", ["moments", "shuffles"])
@pytest.mark.parametrize("kind", TABLES)
def test_chance_and_intervals_of_tables_are_those_of_rows(kind: str, chance: str, groups: int | list[str]) -> None:
    # One of each way: closed form, products, decompositions, neighbours, an order that counts, held-out fits.
    measures = [
        "cka", "cka(debiased=True)", "rsa", "rsm_difference", "procrustes", 'mutual_knn(k=3, inner="euclidean")',
        "linear_predictivity(folds=5)", "svcca", "imd(k=3)",
    ]  # fmt: skip
    x, y = draw(30, 5, 7)
    ids = [f"item {i}" for i in range(30)]
    order = np.random.default_rng(5).permutation(30)
    table = TABLES[kind](y)[np.ix_(order, order)]
    others = [ids[i] for i in order]
    of_rows = Representation(x, ids, "x"), Representation(y[order], others, "y")
    of_tables = (
        Representation(TABLES[kind](x), ids, "x", kind=kind),
        Representation(table, others, "y", kind=kind),
    )
    rows, tables = (
        compare(*sides, measures=measures, chance=chance, permutations=12, groups=groups, rng=3)
        for sides in (of_rows, of_tables)
    )
    assert len(rows) == len(tables) == len(measures) + 1
    for one, other in zip(rows, tables, strict=True):
        assert one.reason == other.reason
        for part in NUMBERS:
            expected, seen = getattr(one, part), getattr(other, part)
            expected = None if expected is None else pytest.approx(expected, rel=1e-7, abs=1e-9)
            assert seen == expected, (one.measure, part)
    for which in ("without", "shuffle"):
        kept = zip(rows.replicates(which), tables.replicates(which), strict=True)
        assert all((one is None) == (other is None) for one, other in kept)
        for one, other in zip(rows.replicates(which), tables.replicates(which), strict=True):
            if one is not None:
                np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9)


def test_given_distances_stand_for_those_that_a_measure_asks_for() -> None:
    x, y = draw(16, 5, 7)

    def cosines(m: np.ndarray) -> np.ndarray:
        unit = m / np.linalg.norm(m, axis=1, keepdims=True)
        table = 1 - unit @ unit.T
        np.fill_diagonal(table, 0)
        return np.maximum(table, 0)

    tables = [Prepared(cosines(m), "t", "distances", "cosine") for m in (x, y)]
    for call in ('rsa(inner="cosine")', "jaccard(k=4)", "information_imbalance"):
        c = Configuration.parse(call)
        assert c(*tables) == pytest.approx(c(x, y), abs=1e-12)
    for call in ("rsa", "jaccard(k=4, center=True)", "cka", "distance_correlation"):
        with pytest.raises(
            UndefinedError, match="^t is a table of cosine distances; expected Euclidean ones, or rows$"
        ):
            Configuration.parse(call)(*tables)
    others = [Prepared(cosines(m), "t", "distances", "other") for m in (x, y)]
    for call in ("rsa", 'rsa(inner="cosine")', "jaccard(k=4)", "distance_correlation"):
        assert 0 < Configuration.parse(call)(*others) < 1
    with pytest.raises(UndefinedError, match="distances of another kind; expected Euclidean ones"):
        Configuration.parse("cka")(*others)


def test_distances_that_no_rows_have_are_refused_where_inner_products_are_needed() -> None:
    # The shortest paths in a star: three at distance 2 from one another, one at distance 1 from each.
    star = np.asarray([[0.0, 1, 1, 1], [1, 0, 2, 2], [1, 2, 0, 2], [1, 2, 2, 0]])
    table = Prepared(star, "star", "distances")
    with pytest.raises(
        UndefinedError, match=r"star is a table of distances that no rows have: an eigenvalue .* -0\.\d+"
    ):
        Configuration.parse("cka")(table, table)
    assert Configuration.parse("rsa")(table, table) == pytest.approx(1)
    with pytest.raises(UndefinedError, match="star is a table of similarities that no rows have"):
        Configuration.parse("cka")(*(Prepared(star, "star", "similarities"),) * 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [8, 60, 150])
def test_rounding_makes_no_distances_that_no_rows_have(n: int, dtype: type) -> None:
    rng = np.random.default_rng(n)
    for x in (rng.normal(size=(n, 3)), rng.normal(size=(n, 2 * n)), rng.integers(3, size=(n, 4)), np.eye(n)[:, :1]):
        for kind, table in TABLES.items():
            of = Prepared(table(np.asarray(x, dtype=np.float64)).astype(dtype), kind=kind)
            center = kind == "distances"
            assert of[Embedding(center)].shape[1] <= min(n, x.shape[1])
            rows = x - x.mean(axis=0) if center else x
            size = np.finfo(dtype).eps * n * max(1, np.abs(rows).max() ** 2 * x.shape[1])
            np.testing.assert_allclose(of[Gram(center)], rows @ rows.T, atol=16 * size)


def test_equal_items_of_a_table_are_at_no_distance() -> None:
    x, _ = draw(12, 4, 4)
    x[5] = x[2]
    for kind, table in TABLES.items():
        found = Configuration.parse('jaccard(k=1, inner="euclidean")').about.scored(
            Prepared(table(x), kind=kind), Prepared(x), k=1, inner="euclidean"
        )
        assert found[2] == found[5] == 1
    same = Prepared(np.zeros((5, 5)), "same", "distances")
    for call in ("cka", "procrustes", "distance_correlation"):
        with pytest.raises(UndefinedError, match="all rows of same are equal, so nothing is left after centring"):
            Configuration.parse(call)(same, same)


D = np.asarray([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]])


def but(row: int, column: int, value: float) -> np.ndarray:
    changed = D.copy()
    changed[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("matrix", "kind", "metric", "message"),
    [
        (D[:2], "distances", "", "t is given as distances, but has 2 rows and 3 columns; expected a square table"),
        (but(0, 2, -1), "distances", "", r"that of items 0 \('a'\) and 2 \('c'\) is -1; expected 0 or more"),
        (but(1, 1, 0.5), "distances", "", r"that of item 1 \('b'\) to itself is 0.5; expected 0"),
        (but(1, 2, 3.5), "distances", "", r"items 1 \('b'\) and 2 \('c'\) is 3.5 in one order and 3 in the other"),
        (
            but(0, 1, 7),
            "similarities",
            "",
            r"is given as similarities, but that of items 0 \('a'\) and 1 \('b'\) is 7 in",
        ),
        (
            np.log(np.full((3, 2), 0.4)),
            "log_probabilities",
            "",
            r"as log-probabilities, but .* row 0 \('a'\) sum to 0.8",
        ),
        (D, "log_probabilities", "", r"row 0 \('a'\) has 1 in column 1; expected 0 or less"),
        (D, "distance", "", "t: kind='distance' is unknown; did you mean \"distances\""),
        (D, "distances", "cosin", "t: metric='cosin' is unknown; did you mean \"cosine\""),
        (D, "states", "cosine", "t: metric='cosine' of states; only distances have a metric"),
    ],
)
def test_what_is_not_of_its_kind_is_refused_where_it_enters(
    matrix: np.ndarray, kind: str, metric: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Representation(matrix, list("abc")[: len(matrix)], "t", kind=kind, metric=metric)


def test_a_representation_of_a_table_reorders_and_drops_items_in_both_directions() -> None:
    r = Representation(D, list("abc"), "t", kind="distances")
    assert r.in_order(["c", "a"]).matrix.tolist() == [[0, 2], [2, 0]]
    kept = r.without(["b"])
    assert (kept.kind, kept.metric, kept.matrix.tolist()) == ("distances", "euclidean", [[0, 2], [2, 0]])
    side = prepare(r)
    assert side.permuted(np.asarray([2, 0, 1])).given.tolist() == D[[2, 0, 1]][:, [2, 0, 1]].tolist()
    assert side.take(np.asarray([2, 0])).given.tolist() == [[0, 2], [2, 0]]


def test_log_probabilities_are_rows_that_every_measure_takes(configuration: Configuration) -> None:
    x, y = (m - scipy.special.logsumexp(m, axis=1, keepdims=True) for m in draw(30, 9, 9))
    found = configuration(Representation(x, kind="log_probabilities"), Representation(y, kind="log_probabilities"))
    assert found == configuration(x, y)


@pytest.fixture
def divergence() -> Iterator[str]:
    """A measure that matches features: how far apart they are, each from itself."""

    def city_block(x: Prepared, y: Prepared) -> np.ndarray:
        return abs(x.matrix - y.matrix).sum(axis=1)

    made = measure(
        title="City block distance",
        facts=lambda: Facts(
            direction="distance",
            bounds=(0.0, np.inf),
            identity=0.0,
            invariances=frozenset(),
            metric=True,
            regime="n and d do not matter",
            cost="pair O(n d)",
            same_features=True,
            minimum_items=1,
        ),
        references=("10.1214/aoms/1177729694",),
    )(city_block)
    yield made.measure_name
    del REGISTRY[made.measure_name]


def test_a_measure_that_matches_features_passes_the_checks(divergence: str) -> None:
    c = Configuration(divergence, {})
    for check in CHECKS:
        if check.__name__ not in ("check_libraries", "check_pickle"):  # of NumPy alone, defined in a function
            check(c, c.facts)


def test_a_measure_that_matches_features_refuses_other_ones(divergence: str) -> None:
    x, y = (np.log(np.random.default_rng(d).dirichlet(np.ones(d), size=5)) for d in (4, 6))
    (row,) = compare([Representation(x, name="x"), Representation(y, name="y")], Configuration(divergence, {}))
    assert row.value is None
    assert row.reason.startswith("x has 4 features and y has 6; ")
    assert row.reason.endswith("city_block compares each feature with itself and expects the same ones")
    with pytest.raises(UndefinedError, match="table of distances, which has no features"):
        Configuration(divergence, {})(*(Prepared(D, kind="distances"),) * 2)
