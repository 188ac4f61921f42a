"""A plan is what an experiment lacks in a store: whatever decides on a number decides on its key."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.errors import InputError
from likewise.models.variants import VARIANTS
from likewise.plan import Experiment, Plan, Tile, graph, plan, results_of
from likewise.plan.tiles import MEMORY, block_size, blocks_of_pairs
from likewise.representation import Representation
from likewise.scoring import Results, Trust, compare
from likewise.store import Store

ROOT = Path(__file__).parents[2]


def make(value: dict[str, Any], folder: Path) -> Plan:
    return plan(Experiment.of(value), Store(folder))


def test_the_papers_plan_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the plan used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    summary = plan(Experiment.read(ROOT / "experiments" / "paper.yaml"), Store(tmp_path)).summary()
    assert summary["extractions"] == 24
    assert [(d["name"], d["items"], d["pairs"]) for d in summary["datasets"]] == [
        ("winogrande", 1267, 55),
        ("humaneval", 164, 78),
    ]
    assert len(summary["configurations"]) == 10
    assert summary["bytes"] == 4 * (1267 * (9 * 4096 + 4544 + 6144) + 164 * (11 * 4096 + 4544 + 6144))


def test_the_demo_has_two_families_every_variant_and_inner_layers_of_both(tmp_path: Path) -> None:
    experiment = Experiment.read(ROOT / "experiments" / "demo.yaml")
    assert {m.variant.partition("(")[0] for m in experiment.models if m.variant} == {*VARIANTS}
    inner = {name for m in experiment.models if m.layers and len(m.layers) > 1 for name in [m.model]}
    assert {"smollm2-135m-instruct", "all-minilm-l6-v2"} <= inner


def test_a_plan_writes_nothing(tmp_path: Path, experiment: dict[str, Any]) -> None:
    make(experiment, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_plan_names_measures_that_need_more_inputs(tmp_path: Path, experiment: dict[str, Any]) -> None:
    experiment["measures"] = ["jaccard", "jaccard(k=900)", "cka", "equal_top"]
    for d in make(experiment, tmp_path).summary()["datasets"]:
        few, states = f"it needs at least 902 inputs, and there are {d['items']}", "it needs outputs (layers: [logits])"
        assert d["undefined"] == {"jaccard(k=900)": few, "equal_top": f"{states}, and there are hidden states"}


def pairs_of(tile: Tile) -> list[tuple[str, str]]:
    """The pairs of a tile, by their keys."""
    names = tile.representations
    pairs = [(names[i], names[j]) for i, j in tile.places]
    assert len(pairs) == tile.n_pairs
    return pairs


def test_every_pair_is_in_one_tile(tmp_path: Path, experiment: dict[str, Any]) -> None:
    made = make(experiment, tmp_path)
    for d in made.datasets:
        pairs = [p for t in d.tiles for p in pairs_of(t)]
        assert len(pairs) == len(set(pairs)) == d.pairs == 6
    assert len(made.extractions) == 6
    assert not any(isinstance(node.task, Tile) and not node.after for node in graph(made, Store(tmp_path)))


CHANGES: list[Callable[[dict[str, Any]], Any]] = [
    lambda e: e["datasets"][0].update(limit=23),
    lambda e: e["datasets"][0].update(template="{{ sentence }} "),
    lambda e: e["models"][1].update(variant="noise(sd=0.1, seed=1)"),
    lambda e: e["models"][1].update(variant="noise(sd=0.2)"),
    lambda e: e["models"][2].update(layers=["1"]),
    lambda e: e.update(representation={"pooling": "mean"}),
    lambda e: e.update(representation={"dtype": "bfloat16"}),
]


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_decides_on_rows_decides_on_keys(
    tmp_path: Path, experiment: dict[str, Any], change: Callable[[dict[str, Any]], Any]
) -> None:
    before = {w.key for d in make(experiment, tmp_path).datasets for w in d.wanted}
    change(experiment)
    assert {w.key for d in make(experiment, tmp_path).datasets for w in d.wanted} != before


def test_names_and_statistics_do_not_decide_on_rows(tmp_path: Path, experiment: dict[str, Any]) -> None:
    before = [w.key for d in make(experiment, tmp_path).datasets for w in d.wanted]
    experiment["models"][1]["name"] = "another name"
    experiment["statistics"] = {"permutations": 1, "seed": 9}
    assert [w.key for d in make(experiment, tmp_path).datasets for w in d.wanted] == before


def test_whatever_decides_on_scores_decides_on_the_key_of_a_tile() -> None:
    tile = Tile("d", ("a",), ("b",), ("cka",), Trust(permutations=10, seed=0))
    others = [
        Tile("d", ("b",), ("a",), ("cka",), Trust(permutations=10, seed=0)),
        Tile("d", ("a",), ("b",), ("rsa",), Trust(permutations=10, seed=0)),
        Tile("d", ("a",), ("b",), ("cka",), Trust(permutations=11, seed=0)),
        Tile("d", ("a",), ("b",), ("cka",), Trust(permutations=10, seed=1)),
    ]
    assert len({t.key for t in (tile, *others)}) == 5
    assert Tile("renamed", tile.first, tile.second, tile.measures, Trust(permutations=10, seed=0)).key == tile.key


@pytest.mark.parametrize("count", [2, 7, 40])
def test_blocks_hold_every_missing_pair_once(count: int) -> None:
    rng = np.random.default_rng(count)
    for missing in (np.ones((count, count), dtype=int), rng.integers(0, 3, (count, count))):
        missing = np.triu(missing, 1)
        found = np.zeros_like(missing)
        for first, second, only, code in blocks_of_pairs(count, missing, 10**8):
            tile = Tile("", tuple(map(str, first)), tuple(map(str, second)), (), Trust(), only=only)
            for a, b in pairs_of(tile):
                i, j = int(a), int(b)
                assert i < j and found[i, j] == 0
                found[i, j] = code
        assert (found == missing).all()


def test_a_tile_keeps_within_its_memory() -> None:
    for footprint in (10**6, 10**8, 10**9, 10**12):
        assert 2 * block_size(5000, footprint) * footprint <= MEMORY or block_size(5000, footprint) == 1


def test_one_representation_cannot_be_compared(tmp_path: Path, experiment: dict[str, Any]) -> None:
    experiment["models"] = experiment["models"][2:]
    with pytest.raises(InputError, match="expected two or more"):
        make(experiment, tmp_path)


def test_the_same_model_twice_is_refused(tmp_path: Path, experiment: dict[str, Any]) -> None:
    experiment["models"].append({**experiment["models"][2], "name": "again"})
    with pytest.raises(InputError, match="'other' and 'again' are the same model"):
        make(experiment, tmp_path)


def test_two_representations_of_one_name_are_refused(tmp_path: Path, experiment: dict[str, Any]) -> None:
    experiment["models"][2]["name"] = "first @ 2"
    with pytest.raises(InputError, match="two representations .* are called 'first @ 2'"):
        make(experiment, tmp_path)


def test_a_block_that_a_model_lacks_is_refused_before_it_runs(tmp_path: Path, experiment: dict[str, Any]) -> None:
    experiment["models"][0]["layers"] = ["99", "last"]
    with pytest.raises(InputError, match="layer 99 of a model with 3 blocks; expected 1 to 3"):
        make(experiment, tmp_path)


def test_numbers_written_differently_are_one_variant(tmp_path: Path, experiment: dict[str, Any]) -> None:
    experiment["models"][1]["variant"] = "noise(sd=1)"
    before = [w.key for d in make(experiment, tmp_path).datasets for w in d.wanted]
    experiment["models"][1]["variant"] = "noise(sd=1.0, seed=0)"
    experiment["models"][0]["layers"] = ["02", "last"]
    assert [w.key for d in make(experiment, tmp_path).datasets for w in d.wanted] == before


def stored(store: Store, pair: tuple[str, str], measure: str, key: str, together: str = "") -> None:
    """Keep one row, as a tile would."""
    a, b = ({"name": side, "matrix": np.eye(4) + i, "key": side} for i, side in enumerate(pair))
    rows = compare([Representation(**side) for side in (a, b)], measure, permutations=5, rng=3)
    mine = [row for row in rows if (row.a, row.b) == pair]
    store.save_results(key, Results.of(mine), Tile("", (), (), (), Trust(permutations=5, seed=3), (), together).request)


def test_a_pair_whose_order_counts_is_answered_by_both_orders(
    tmp_path: Path, experiment: dict[str, Any], unusual: tuple[str, ...]
) -> None:
    experiment |= {"measures": ["cka", "explained"], "datasets": experiment["datasets"][:1]}
    store, made = Store(tmp_path), make(experiment, tmp_path)
    (about,) = made.summary()["datasets"]
    assert (about["pairs"], about["scores"], about["scores_done"]) == (6, 18, 0)
    pairs = [p for t in made.tiles for p in pairs_of(t)]
    assert len(pairs) == len(set(map(frozenset, pairs))) == 6

    a, b, *_ = (w.key for w in made.datasets[0].wanted)
    together = made.datasets[0].together
    stored(store, (a, b), "explained", "1" * 24, together)
    assert make(experiment, tmp_path).tiles == made.tiles
    stored(store, (b, a), "explained", "2" * 24, together)
    again = make(experiment, tmp_path)
    assert again.summary()["datasets"][0]["scores_done"] == 2
    assert [t.measures for t in again.tiles if (a, b) in pairs_of(t)] == [("cka",)]
    found = results_of(store, made.record())
    names = [w.name for w in made.datasets[0].wanted]
    assert [(r.a, r.b, r.a_key) for r in found] == [(names[0], names[1], a), (names[1], names[0], b)]

    stored(store, (b, a), "cka", "3" * 24, together)  # of an experiment in another order: other shuffles
    assert make(experiment, tmp_path).tiles == again.tiles
