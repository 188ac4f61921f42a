"""Shuffled scores beside the rows of a tile: what is written comes back, for the right rows, or not at all."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import StoreError
from likewise.plan import Experiment, plan
from likewise.representation import Representation
from likewise.scoring import Results, compare
from likewise.store import Store

KEY = "a" * 24


@pytest.fixture
def results() -> Results:
    rng = np.random.default_rng(0)
    models = [Representation(rng.normal(size=(14, 4)), name=name, key=name * 24) for name in "bcd"]
    return compare(models, ["rsa", "procrustes", "linear_predictivity(ridge=0.1)"], permutations=9, groups=0)


@pytest.fixture
def store(tmp_path: Path, results: Results) -> Store:
    store = Store(tmp_path)
    store.save_results(KEY, results, {})
    return store


def beside(store: Store) -> Path:
    return store.folder / "results" / f"{KEY}.replicates.parquet"


def test_shuffled_scores_come_back_in_the_order_of_the_rows(store: Store, results: Results) -> None:
    assert store.result_keys() == [KEY]
    ((_, table),) = store.tables(replicates=["shuffle"])
    assert results.shuffled is not None
    assert table.column("shuffle").to_pylist() == results.shuffled.to_pylist()
    assert table.drop_columns("shuffle").column_names == results.table.column_names
    again = Results(table.drop_columns("shuffle"), table.column("shuffle")).corrected()
    assert [(r.pvalue_holm, r.correction) for r in again] == [(r.pvalue_holm, r.correction) for r in results]
    assert {r.correction for r in again} == {"holm", "step-down"}


def test_each_row_says_what_it_is_of(store: Store, results: Results) -> None:
    table = pq.read_table(beside(store))
    rows = table.to_pylist()
    assert [(r["a_key"], r["b_key"], r["measure"], r["parameters"]) for r in rows] == [
        (c.a_key, c.b_key, c.measure, c.parameters) for c in results
    ]
    assert {r["kind"] for r in rows} == {"shuffle"}
    assert [r["values"] is None for r in rows] == [c.null == "moments" for c in results]


def test_other_kinds_of_replicates_may_stand_in_the_same_table(store: Store, results: Results) -> None:
    table = pq.read_table(beside(store))
    other = table.set_column(0, "kind", pa.array(["without_group"] * len(table)).dictionary_encode())
    pq.write_table(pa.concat_tables([other, table]).unify_dictionaries(), beside(store))
    ((_, found),) = store.tables(replicates=["shuffle"])
    assert results.shuffled is not None
    assert found.column("shuffle").to_pylist() == results.shuffled.to_pylist()


def test_a_store_without_them_reads_and_is_corrected_by_holm(store: Store, results: Results) -> None:
    beside(store).unlink()
    ((_, table),) = store.tables(replicates=["shuffle"])
    assert table.column("shuffle").null_count == len(results)
    again = Results(table.drop_columns("shuffle"), table.column("shuffle")).corrected()
    assert {r.correction for r in again} == {"holm"}


def test_none_are_written_where_there_are_none_or_they_are_not_wanted(tmp_path: Path, results: Results) -> None:
    store = Store(tmp_path / "two")
    store.save_results(KEY, results, {}, replicates=())
    assert not beside(store).exists()
    rng = np.random.default_rng(0)
    closed = compare({"x": rng.normal(size=(14, 4)), "y": rng.normal(size=(14, 4))}, "rsa", groups=0)
    store.save_results(KEY, closed, {})
    assert not beside(store).exists()


@pytest.mark.parametrize("damage", ["bytes", "rows", "order", "columns", "infinite"])
def test_what_is_not_of_these_rows_is_named(store: Store, damage: str) -> None:
    table = pq.read_table(beside(store))
    if damage == "bytes":
        beside(store).write_bytes(beside(store).read_bytes()[:50])
    elif damage == "rows":
        pq.write_table(table.slice(1), beside(store))
    elif damage == "order":
        pq.write_table(table.take(list(range(len(table)))[::-1]), beside(store))
    elif damage == "columns":
        pq.write_table(table.drop_columns("a_key"), beside(store))
    else:
        values = pa.array([[float("inf")] * 9] * len(table))
        pq.write_table(table.set_column(table.num_columns - 1, "values", values), beside(store))
    assert len(list(store.tables())) == 1
    with pytest.raises(StoreError, match=r"replicates\.parquet is damaged or foreign"):
        list(store.tables(replicates=["shuffle"]))


def test_plan_says_what_shuffled_scores_take_and_keeps_no_more_than_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Experiment.of(
        {
            "name": "x",
            "models": ["first", "second", "third"],
            "datasets": [{"source": "commonsense-probes", "limit": 24}],
            "measures": ["cka", "procrustes", "linear_predictivity(ridge=0.1)", "magnitude_difference"],
            "statistics": {"permutations": 50, "groups": 0},
        }
    )
    made = plan(asked, Store(tmp_path))
    # Inputs of one template belong together: cka is shuffled too.
    assert made.datasets[0].together and made.replicate_bytes == 3 * 4 * 50 * 8
    assert made.summary()["shuffled_scores_bytes"] == 4800 and made.keeps_replicates
    assert all(tile.replicates == ("shuffle",) for tile in made.tiles) and made.tiles
    keys = {tile.key for tile in made.tiles}
    monkeypatch.setattr(sys.modules["likewise.plan.work"], "MOST_REPLICATES", 4799)
    less = plan(asked, Store(tmp_path))
    assert not less.keeps_replicates and not any(tile.replicates for tile in less.tiles)
    assert {tile.key for tile in less.tiles} == keys
