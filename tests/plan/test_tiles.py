"""Tiles have a sensible size whatever pairs are wanted, and hold back nothing of the results."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.measures import configurations
from likewise.plan import Tile, tiles_of
from likewise.plan.tiles import LONGEST, block_size, in_company
from likewise.representation import Representation
from likewise.run.worker import compare_by_pair, compare_by_product
from likewise.scoring import Pairs, Results, Trust
from likewise.store import Store


def tiles(value: Any, models: int, layers: int, measures: Any = ("procrustes",), footprint: int = 8) -> list[Tile]:
    names = [f"m{m} @ {layer}" for m in range(models) for layer in range(layers)]
    chosen = configurations(measures)
    nothing = np.zeros((len(chosen), len(names), len(names)), dtype=bool)
    wanted = Pairs.read(value).wanted(names)
    return list(tiles_of("d", names, chosen, Trust(groups=0), nothing, 50, footprint, pairs=wanted))


@pytest.mark.parametrize(("models", "layers"), [(2, 30), (5, 30), (3, 9), (20, 4)])
@pytest.mark.parametrize("kind", ["base", "between"])
def test_pairs_at_the_same_layer_are_gathered(models: int, layers: int, kind: str) -> None:
    everyone = [f"m{m}" for m in range(models)]
    of = {"base": {"base": "m0"}, "between": {"first": everyone, "second": everyone}}[kind]
    found = tiles(of | {"same_layer": True}, models, layers)
    pairs = models - 1 if kind == "base" else models * (models - 1) // 2
    assert sum(tile.n_pairs for tile in found) == pairs * layers
    # No more tiles than blocks that the companies of the layers touch, along the diagonal.
    size = block_size(models * layers, None)
    blocks = math.ceil(models * layers / size)
    assert len(found) <= blocks * (1 + math.ceil(models / size))
    assert all(len(tile.representations) <= 2 * size <= 2 * LONGEST for tile in found)
    if models <= size // 2:  # each is prepared once, but for companies that a block cuts
        assert sum(len(tile.representations) for tile in found) <= 2 * models * layers
    assert len({tile.key for tile in found}) == len(found)


def test_other_pairs_are_gathered_too() -> None:
    assert len(tiles("chain", 2, 30)) <= 8
    assert len(tiles({"layers": ["m0", "m1"]}, 2, 32)) == 4
    whole = tiles("all", 2, 8)
    assert not any(tile.only for tile in whole)


def test_an_order_in_company_keeps_companies_together_and_in_their_order() -> None:
    rng = np.random.default_rng(0)
    of = rng.integers(0, 5, 40)
    order = in_company(np.triu(of[:, None] == of, 1))
    assert sorted(order) == list(range(40))
    assert len([k for k in range(1, 40) if of[order[k]] != of[order[k - 1]]]) == len(set(of)) - 1
    assert all(order[k - 1] < order[k] for k in range(1, 40) if of[order[k]] == of[order[k - 1]])
    assert in_company(np.triu(np.ones((6, 6), dtype=bool), 1)) == list(range(6))


@pytest.mark.parametrize("measures", [("cka",), ("cka", "procrustes", "jaccard(k=3)")], ids=["by product", "prepared"])
def test_the_results_are_those_of_each_pair_alone(measures: tuple[str, ...], tmp_path: Path) -> None:
    store = Store(tmp_path)
    rng = np.random.default_rng(0)
    rows = {f"{place:024x}": rng.normal(size=(20, 4)) for place in range(24)}
    for key, x in rows.items():
        store.save_representation(Representation(x, [str(i) for i in range(20)], key, key=key), {})
    keys = list(rows)
    of = np.asarray(list(range(12)) * 2)
    wanted = np.triu(of[:, None] == of, 1)
    chosen = configurations(measures)
    nothing = np.zeros((len(chosen), 24, 24), dtype=bool)
    found = list(tiles_of("d", keys, chosen, Trust(groups=0), nothing, 20, 4, pairs=wanted))
    assert any(tile.only for tile in found) and len(found) == 4

    def scored(tile: Tile) -> dict[Any, Any]:
        if not tile.by_product:
            table = compare_by_pair(tile, store, "cpu")
        else:
            from likewise.plan import Reduce
            from likewise.run import Settings
            from likewise.run.worker import reduce_task

            reduce_task(Reduce("d", tile.representations, tile.measures), Settings(tmp_path, "cpu", None))
            table = compare_by_product(tile, store, "cpu")
        assert isinstance(table, Results)
        return {(row.a_key, row.b_key, row.measure): (row.value, row.null_mean, row.pvalue) for row in table}

    together = {of: row for tile in found for of, row in scored(tile).items()}
    alone: dict[Any, Any] = {}
    for i, j in np.argwhere(wanted):
        alone |= scored(Tile("d", (keys[i],), (keys[j],), tuple(c.label for c in chosen), Trust(groups=0)))
    assert together.keys() == alone.keys() and len(alone) == 12 * len(chosen)
    for of_pair, row in alone.items():
        assert together[of_pair] == pytest.approx(row, rel=1e-12, nan_ok=True), of_pair


def test_a_run_at_the_same_layer_has_the_scores_of_all_pairs(tiny: Any, tmp_path: Path) -> None:
    base = str(tiny())
    value: dict[str, Any] = {
        "name": "e",
        "models": [base, {"model": base, "variant": "noise(sd=0.1)", "name": "copy"}],
        "datasets": [{"source": "commonsense-probes", "limit": 20}],
        "representation": {"layers": ["all"]},
        "measures": ["cka", "procrustes"],
        "statistics": {"permutations": 5},
    }
    some = likewise.run(value | {"pairs": {"base": "copy", "same_layer": True}}, tmp_path / "some").results
    whole = likewise.run(value, tmp_path / "whole").results
    by_name = {(r.a, r.b, r.measure): r for r in whole}
    assert len(some) == 2 * 5
    for row in some:
        other = by_name[row.a, row.b, row.measure]
        numbers = [(r.value, r.low, r.high, r.null_mean, r.pvalue) for r in (row, other)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
