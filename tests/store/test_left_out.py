"""Scores without some inputs, kept beside the rows: they give the intervals again, and change nothing else."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import InputError, StoreError
from likewise.plan import Experiment, plan
from likewise.representation import Representation
from likewise.scoring import KINDS, Results, compare, interval
from likewise.scoring.leaving_out import MOST
from likewise.store import Store

KEY = "a" * 24
MEASURES = ["cka", "rsa", "svcca", "linear_predictivity(ridge=0.1)", "magnitude_difference", "procrustes"]


def models(n: int, groups: tuple[str, ...] = ()) -> list[Representation]:
    rng = np.random.default_rng(n)
    shared = rng.normal(size=(n, 3))
    return [
        Representation(np.hstack([shared, rng.normal(size=(n, 2))]), name=name, key=name * 24, groups=groups)
        for name in "bcd"
    ]


def stored(folder: Path, results: Results, kinds: Any = KINDS) -> Results:
    store = Store(folder)
    store.save_results(KEY, results, {}, replicates=kinds)
    ((_, table),) = store.tables(replicates=KINDS)
    return Results(table.drop_columns(list(KINDS)), replicates={kind: table.column(kind) for kind in KINDS})


UNEVEN = tuple("aabbccccddeeeffffghhhijk")


@pytest.mark.parametrize(("n", "labels"), [(MOST + 1, ()), (MOST + 3, ()), (24, UNEVEN)])
def test_intervals_follow_from_what_is_kept(tmp_path: Path, n: int, labels: tuple[str, ...]) -> None:
    """Of fewer inputs they need what the jackknife counts twice too, unless inputs belong together."""
    results = compare(models(n, labels), MEASURES, permutations=3, groups=6)
    again = stored(tmp_path, results)
    assert [c.value for c in again] == [c.value for c in results]
    sizes, without = again.replicates("group_size"), again.replicates("without")
    each = again.replicates("without_input")
    for row, scores, size, own in zip(again, without, sizes, each, strict=True):
        assert scores is not None and np.isfinite(scores).all()
        assert (size is not None) == bool(labels)
        assert len(scores) == (len(set(labels)) or (n if own is not None else 6))
        of = again.configurations[row.measure, row.parameters]
        folded = of.difference is not None
        low, high = interval(np.asarray([row.value]), scores[:, None], of.facts.bounds, size, folded=folded)
        assert (row.low, row.high) == pytest.approx((low[0], high[0]), rel=1e-12)
    assert any(own is not None for own in each) == (not labels)


def test_they_are_the_scores_of_the_other_inputs(tmp_path: Path) -> None:
    x, y, _ = models(20)
    results = stored(tmp_path, compare([x, y], ["cka", "svcca"], groups=5, rng=4))
    exact, grouped = results.replicates("without_input")[0], results.replicates("without_group")[1]
    keep = np.delete(np.arange(20), 7)
    parts = {name: r.matrix[keep] for name, r in (("x", x), ("y", y))}
    assert exact[7] == pytest.approx(next(iter(compare(parts, "cka", groups=0))).value)
    group = np.random.default_rng(4).permutation(20) % 5
    parts = {name: r.matrix[group != 2] for name, r in (("x", x), ("y", y))}
    assert grouped[2] == pytest.approx(next(iter(compare(parts, "svcca", groups=0, permutations=0))).value)


def test_paired_differences_can_be_made_of_them() -> None:
    results = compare(models(30), "svcca", groups=6, permutations=0)
    (first, second, _) = results.replicates("without")
    assert first.shape == second.shape == (6,) and (first != second).any()


def test_the_rows_are_the_same_whatever_is_kept(tmp_path: Path) -> None:
    results = compare(models(24), MEASURES, permutations=3, groups=6)
    files = {}
    for kinds in (KINDS, ("shuffle",), ("without_input",), ()):
        folder = tmp_path / str(len(files))
        again = stored(folder, results, kinds)
        files[kinds] = (folder / "results" / f"{KEY}.parquet").read_bytes()
        beside = folder / "results" / f"{KEY}.replicates.parquet"
        written = set(pq.read_table(beside)["kind"].to_pylist()) if beside.exists() else set()
        assert written == {kind for kind in kinds if any(v is not None for v in results.replicates(kind))}
        for kind in KINDS:
            found, known = again.replicates(kind), results.replicates(kind)
            for a, b in zip(found, known, strict=True):
                assert a is None if kind not in kinds or b is None else np.array_equal(a, b)
    assert len(set(files.values())) == 1


def test_rows_without_an_interval_keep_nothing() -> None:
    x = np.zeros((6, 3))
    x[2] = 1.0
    y = np.random.default_rng(0).normal(size=(6, 3))
    (row,) = results = compare({"x": x, "y": y}, "cka", chance="none", groups=6)
    assert row.low is None and results.replicates("without") == [None]
    assert compare({"x": y, "y": x}, "cka", groups=0).replicates("without") == [None]
    assert Results.of(list(results)).replicates("without") == [None]


def test_a_kind_that_there_is_not_is_named() -> None:
    results = compare(models(20), "cka", groups=5)
    with pytest.raises(InputError, match="kind='withot'; did you mean \"without\""):
        results.replicates("withot")


def test_part_of_a_kind_is_damage(tmp_path: Path) -> None:
    stored(tmp_path, compare(models(24), MEASURES, permutations=3, groups=6))
    beside = tmp_path / "results" / f"{KEY}.replicates.parquet"
    table = pq.read_table(beside)
    pq.write_table(table.slice(0, table.num_rows - 1), beside)
    store = Store(tmp_path)
    assert len(list(store.tables(replicates=["shuffle"]))) == 1
    with pytest.raises(StoreError, match=r"replicates\.parquet is damaged or foreign"):
        list(store.tables(replicates=KINDS))
    pq.write_table(pa.concat_tables([table.slice(0, 0)]), beside)
    with pytest.raises(StoreError, match=r"replicates\.parquet is damaged or foreign"):
        list(store.tables(replicates=["shuffle"]))


@pytest.mark.parametrize(("groups", "bytes_", "kinds"), [(4, 3 * 3 * 48 * 8, KINDS), (0, 0, ("shuffle",))])
def test_plan_says_what_they_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: int, bytes_: int, kinds: tuple[str, ...]
) -> None:
    asked = Experiment.of(
        {
            "name": "x",
            "models": ["first", "second", "third"],
            "datasets": [{"source": "commonsense-probes", "limit": 24}],
            "measures": ["cka", "linear_predictivity(ridge=0.1)"],
            "statistics": {"permutations": 0, "groups": groups},
        }
    )
    made = plan(asked, Store(tmp_path))
    # Inputs of one template belong together: at most 24 groups, each with its size.
    assert made.datasets[0].together
    assert made.summary()["left_out_scores_bytes"] == made.left_out_bytes == bytes_
    assert made.summary()["keeps_left_out_scores"] == (groups > 0)
    assert {tile.replicates for tile in made.tiles} == {kinds}
    monkeypatch.setattr(sys.modules["likewise.plan.work"], "MOST_REPLICATES", 3 * 3 * 48 * 8 - 1)
    less = plan(asked, Store(tmp_path))
    assert {tile.replicates for tile in less.tiles} == {("shuffle",)}
    assert {tile.key for tile in less.tiles} == {tile.key for tile in made.tiles}


def test_a_run_keeps_them_and_a_reduced_population_has_none(tmp_path: Path, experiment: dict[str, Any]) -> None:
    import likewise

    experiment["datasets"], experiment["measures"] = experiment["datasets"][1:], ["cka", "cknna(k=3)"]
    experiment["statistics"] = {"permutations": 2, "groups": 5}
    done = likewise.run(experiment, tmp_path / "store")
    assert not done.failed and not done.blocked, done.failed
    without = done.results.replicates("without")
    assert [scores is None for scores in without] == [row.low is None for row in done.results], list(done.results)
    assert {len(scores) for scores in without if scores is not None} == {14, 5}
    asked = experiment | {"name": "many", "measures": ["cka"], "statistics": {"permutations": 0, "groups": 0}}
    many = likewise.run(asked, tmp_path / "store")
    assert {scores is None for scores in many.results.replicates("without")} == {True}
