"""The row of a pair says nothing of what else is compared: the same to the last bit in whatever company, and place."""

import hashlib
import itertools
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from likewise.chance import BOUND, Reason, Together, draw_permutations, draw_shuffles, permutation
from likewise.errors import InputError
from likewise.measures import configurations
from likewise.naming import counted
from likewise.plan import Reduce, Tile, tiles_of
from likewise.plan.inputs import together_in
from likewise.representation import Representation
from likewise.run.worker import Settings, perform
from likewise.scoring import Results, Trust, best_layers, compare, interval, learning_curve, score_block
from likewise.scoring.leaving_out import counted_twice, leave_out_pairs
from likewise.store import Store

MEASURES = ("cka", "cka(debiased=True)", "rsa", "procrustes", "jaccard(k=3)", "linear_predictivity(ridge=0.1)")
OF_THE_TABLE = ("seconds", "pvalue_holm", "pvalue_bh", "correction")
N = 30
EXAMPLES = 25 if os.environ.get("DRAW_ANEW") == "1" else 12
NULLS = ("moments", "shuffles", "none")
GROUPS: dict[str, list[str]] = {
    "none": [],
    "twins": [str(i // 2) for i in range(N)],
    "of many sizes": [str(i // 7) if i < 21 else f"own {i}" for i in range(N)],
}


def matrix(place: int, n: int = N) -> np.ndarray:
    """Thin ones, wide ones, and some whose score hangs on one long row."""
    rng = np.random.default_rng(place)
    rows = rng.normal(size=(n, (3, 8, 40, 5, 12, 2)[place % 6]))
    if place % 5 == 3:
        rows[place] *= 40
    return rows.astype(np.float32)


def representation(place: int, groups: list[str], n: int = N) -> Representation:
    return Representation(matrix(place, n), name=f"m{place}", key=f"{place:024x}", groups=groups)


def rows(results: Results) -> dict[tuple[str, ...], dict[str, Any]]:
    found = {}
    kept = results.shuffled.to_pylist() if results.shuffled is not None else [None] * len(results)
    for row, shuffled in zip(results.table.to_pylist(), kept, strict=True):
        of = (row["a_key"], row["b_key"], row["measure"], row["parameters"])
        found[of] = {name: cell for name, cell in row.items() if name not in OF_THE_TABLE} | {"shuffled": shuffled}
    return found


@given(st.integers(1, 9), st.integers(10, 20), st.booleans(), st.integers(0, 2**32))
@settings(deadline=None)
def test_the_interval_of_a_score_is_that_of_the_score_alone(m, g, sized, seed) -> None:
    rng = np.random.default_rng(seed)
    value, without = rng.normal(size=m), rng.normal(size=(g, m))
    pairs, kept = leave_out_pairs(g, g, seed=0)
    both = rng.normal(size=(len(kept), m))
    sizes = rng.integers(1, 5, g) if sized else None

    def ends(of: slice) -> tuple[np.ndarray, ...]:
        twice = counted_twice(value[of], without[:, of], both[:, of], pairs)
        return twice, *interval(value[of], without[:, of], (-10.0, np.inf), sizes, twice=twice)

    alone = [np.concatenate(parts) for parts in zip(*(ends(slice(k, k + 1)) for k in range(m)), strict=True)]
    assert [x.tolist() for x in alone] == [x.tolist() for x in ends(slice(None))]


@given(
    st.permutations(range(2, 9)),
    st.integers(0, 7),
    st.sampled_from(NULLS),
    st.sampled_from(sorted(GROUPS)),
    st.sampled_from([0, 6]),
    st.lists(st.sampled_from(MEASURES), min_size=1, max_size=3, unique=True),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_row_is_the_same_in_any_company(others, count, null, groups, parts, measures) -> None:
    pair, chosen, trust = (0, 1), configurations(measures), Trust(null, 9, 3, parts)
    alone = rows(score_block([representation(p, GROUPS[groups]) for p in pair], [(0, 1)], chosen, trust))
    places = sorted([*pair, *others[:count]], key=lambda p: (p in pair, others.index(p) if p in others else p))
    if count % 2:  # in front, behind, or around
        places = [pair[0], *others[:count], pair[1]]
    of = [representation(p, GROUPS[groups]) for p in places]
    within = rows(score_block(of, list(itertools.combinations(range(len(of)), 2)), chosen, trust))
    assert {key: within[key] for key in alone} == alone
    given_to = rows(compare(of, measures, null=null, permutations=9, rng=3, groups=parts))
    assert {key: given_to[key] for key in alone} == alone


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same rows under keys of their own for each kind of groups, and some of too few inputs."""
    store = Store(tmp_path_factory.mktemp("company"))
    for number, groups in enumerate(GROUPS.values()):
        for place in range(6):
            source = {"groups": groups} if groups else {}
            r = representation(place, groups).changed(key=key_of(number, place), source=source)
            store.save_representation(r, {})
    return store


def key_of(kind: int, place: int) -> str:
    return f"{kind + 1:012x}{place:012x}"


def nearly(cells: dict[str, Any]) -> dict[str, Any]:
    """The same but for rounding: a population is one product of matrices, which rounds each pair by the others."""
    return {
        name: pytest.approx(cell, rel=1e-9, abs=1e-12) if isinstance(cell, float) else cell
        for name, cell in cells.items()
    }


def scored(store: Store, tile: Tile) -> dict[tuple[str, ...], dict[str, Any]]:
    """Perform a tile, with what must come before it, and read its rows back."""
    given_to = Settings(store.folder, "cpu", 64)
    tasks = [Reduce(tile.dataset, tile.representations, tile.measures), tile] if tile.by_product else [tile]
    assert [perform(task, settings=given_to).error for task in tasks] == [""] * len(tasks)
    ((_, table),) = store.tables(tile.key, replicates=["shuffle"])
    return rows(Results(table.drop_columns("shuffle"), table.column("shuffle")))


@given(
    st.sampled_from(NULLS),
    st.integers(0, len(GROUPS) - 1),
    st.sampled_from([0, 6]),
    st.sampled_from([0, 9]),
    st.lists(st.sampled_from(MEASURES), min_size=1, max_size=3, unique=True),
    st.sampled_from([((0, 2, 1), (3, 4, 5)), ((0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5)), ((1, 0), (5, 3, 2))]),
)
@settings(max_examples=EXAMPLES * 2 // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_of_a_run_is_the_same_in_any_tile(store, null, kind, parts, shuffles, measures, sides) -> None:
    trust = Trust(null, shuffles, 3, parts)
    first, second = (tuple(key_of(kind, place) for place in side) for side in sides)
    together = together_in(store, {key: key for key in first + second})
    tile = Tile("d", first, second, tuple(measures), trust, (), together)
    whole = scored(store, tile)
    assert len({(a, b) for a, b, *_ in whole} | {(b, a) for a, b, *_ in whole}) == 2 * tile.n_pairs
    for a, b in tile.places[::4].tolist():
        one, other = tile.representations[a], tile.representations[b]
        for of, cells in scored(store, replace(tile, first=(one,), second=(other,))).items():
            assert whole[of] == (nearly(cells) if tile.by_product else cells)


def test_what_a_population_cannot_say_of_a_pair_comes_from_its_shuffles(store) -> None:
    """Asked by product or by pair, the same request has one answer: no bound where shuffles were asked for."""
    keys = tuple(key_of(0, place) for place in range(6))
    tile = Tile("d", keys, keys, ("cka", "rsa"), Trust("moments", 19, 0, 0))
    assert tile.by_product
    by_product, by_pair = scored(store, tile), scored(store, replace(tile, measures=("cka", "rsa", "jaccard(k=3)")))
    kinds = set()
    for of, row in by_product.items():
        assert row == (nearly(by_pair[of]) if row["null"] == "moments" else by_pair[of])
        assert BOUND not in row["reason"]
        kinds.add(row["null"])
    assert kinds == {"moments", "shuffles"}
    bound = scored(store, replace(tile, trust=Trust("moments", 0, 0, 0)))
    assert any(BOUND in row["reason"] for row in bound.values())


def test_a_first_holder_of_a_key_keeps_its_permutations() -> None:
    a, c = representation(0, []), representation(2, [])
    twin = representation(1, []).changed(key=a.key)
    (alone,), beside = compare([a, c], "procrustes"), compare([a, twin, c], "procrustes")[a.name, c.name]
    assert [(r.null_mean, r.null_std, r.pvalue) for r in beside] == [(alone.null_mean, alone.null_std, alone.pvalue)]
    assert compare([a, twin], "procrustes")[0].null_std > 0


def test_groups_of_some_are_refused_before_anything_is_scored(store) -> None:
    a, b = representation(0, []), representation(1, [])
    c, d = (representation(p, GROUPS[kind]) for p, kind in ((2, "twins"), (3, "of many sizes")))
    calls = [
        lambda of: compare(of, "cka"),
        lambda of: learning_curve(of, "cka"),
        lambda of: best_layers({"one": of[:-1], "two": of[-1:]}, "cka"),
        lambda of: score_block(of, [(0, 1), (0, 2)], configurations("cka"), Trust()),
    ]
    for call, of in itertools.product(calls, ([a, b, c], [c, b, a], [c, c.changed(name="same"), d])):
        with pytest.raises(InputError, match="groups of inputs") as said:
            call(of)
        assert "\n" not in str(said.value) and sum(r.name in str(said.value) for r in of) >= 2
    mixed = {key_of(0, 0): "plain", key_of(1, 1): "grouped"}
    with pytest.raises(InputError, match="grouped has groups of inputs and plain has none"):
        together_in(store, mixed)


def test_requests_of_inputs_that_stand_alone_say_nothing_of_groups(store) -> None:
    said = [together_in(store, {key_of(kind, place): "x" for place in range(6)}) for kind in range(len(GROUPS))]
    assert said[0] == "" and len(set(said)) == 3
    plain, twins, other = (Tile("d", ("a",), ("b",), ("cka",), Trust(), (), together).request for together in said)
    assert "together" not in plain and plain != twins != other
    assert {name: of for name, of in twins.items() if name != "together"} == plain


def test_inputs_that_belong_together_are_not_a_population() -> None:
    """Their chance level is shuffles: tiles stay small, and what is kept is counted."""
    keys = [f"{k:024x}" for k in range(40)]
    chosen = configurations("cka")
    missing = np.zeros((1, 40, 40), dtype=bool)
    for null, together, product in (("moments", "", True), ("moments", "some", False), ("none", "some", True)):
        tiles = list(tiles_of("d", keys, chosen, Trust(null, groups=0), missing, 1000, 64, (), None, together))
        assert {tile.by_product for tile in tiles} == {product}
        assert {tile.together for tile in tiles} == {together}
        assert sum(tile.n_pairs for tile in tiles) == 780


@pytest.mark.parametrize("call", [lambda of: compare(of, "cka"), lambda of: learning_curve(of, "cka")])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_all_that_have_ids_are_held_against_each_other(call, order) -> None:
    names = [f"i{k}" for k in range(N)]
    of = [representation(p, []).changed(ids=ids) for p, ids in ((0, ()), (1, names), (2, names[::-1]))]
    with pytest.raises(InputError, match="m0 has no ids, but the others have different orders"):
        call([of[place] for place in order])
    with pytest.raises(InputError, match="m0 has no ids, but the others have different orders"):
        best_layers({"one": [of[order[0]]], "two": [of[place] for place in order[1:]]}, "cka")


def test_layers_whose_groups_cannot_be_exchanged_have_a_score_and_a_reason() -> None:
    labels = ["a"] * 3 + ["b"] * 4 + ["c"] * 5
    one, two = (representation(place, labels, n=12) for place in (0, 1))
    (best,) = best_layers({"one": [one], "two": [two]}, "cka", permutations=9)
    assert best.value is not None and (best.pvalue, best.n_permutations, best.reason) == (None, 0, Reason.NO_EXCHANGE)


@pytest.mark.parametrize("parts", range(1, 8))
def test_few_parts_of_many_groups_give_no_interval(parts) -> None:
    of = [representation(p, [str(i // 2) for i in range(120)], n=120) for p in (0, 1)]
    (row,) = compare(of, "cka", null="none", groups=parts)
    assert (row.low is not None) == (parts >= 5)
    assert ("no interval" in row.reason) == (parts < 5)
    if parts < 5:
        assert f"{counted(parts, 'group')} of inputs; expected 5 or more" in row.reason


@given(st.integers(1, 12), st.integers(0, 9), st.booleans(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_permutations_are_drawn_one_by_one_as_they_were_all_at_once(n, count, grouped, seed) -> None:
    together = Together.of_labels([str(i // 2) for i in range(n)]) if grouped else None
    drawn = draw_shuffles(n, count, seed, {0: "a", 4: "b"}, together)
    for place, name in drawn.names.items():
        rng = np.random.default_rng([seed, *hashlib.sha256(name.encode()).digest()]) if drawn.joint else seed
        at_once = together.draw(count, rng) if together else draw_permutations(n, count, rng)
        at_once = at_once[:0] if together and not together.have_chance else at_once
        assert (drawn.orders(place) == at_once).all() and len(drawn) == len(at_once)
    assert [s.orders[4].tolist() for s in drawn] == [s.orders[4].tolist() for s in drawn]


def test_nothing_is_drawn_where_nothing_is_shuffled(monkeypatch) -> None:
    of = [representation(place, []) for place in (0, 1)]
    monkeypatch.setattr(permutation, "_permutation", None)
    assert [row.null for row in compare(of, "cka")] == ["moments"]
    with pytest.raises(TypeError):
        compare(of, "procrustes")
