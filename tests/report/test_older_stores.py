"""A store of an older version is reported with what it holds, and says that it is old."""

import shutil
from pathlib import Path

import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from likewise.cli.main import app
from likewise.plan import Experiment, Tile, results_of, shown_of
from likewise.report.experiment import report_experiment
from likewise.scoring.block import score_block
from likewise.store import Store

PAST = Path(__file__).parents[1] / "store" / "past"


@pytest.fixture(params=["1", "2"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(shutil.copytree(PAST / request.param, tmp_path / "old"))


def test_rows_of_an_older_version_are_shown_and_counted(old: Store) -> None:
    about = old.experiments()["letters"]
    results, older = shown_of(old, about)
    stored = {row.measure: row for _, row in old.results()}
    assert older == len(results) == 2
    for row in results:
        was = stored[row.measure]
        assert (row.value, row.null_mean, row.pvalue) == (was.value, was.null_mean, was.pvalue)
        assert (row.measure_version, row.a, row.b) == (was.measure_version, "one", "two")
    assert len(results_of(old, about)) == 0  # for a run they are not there: it makes them anew


def test_a_report_of_an_older_store_says_so(old: Store, tmp_path: Path) -> None:
    page = report_experiment(old, "letters", tmp_path / "page").read_text(encoding="utf-8")
    assert "2 of 2 scores were made by an older version of likewise" in page
    done = CliRunner().invoke(app, ["report", str(old.folder)])
    assert done.exit_code == 0, done.output


def test_newer_rows_stand_before_older_ones(old: Store) -> None:
    about = old.experiments()["letters"]
    keys = [r["key"] for r in about["representations"]]
    experiment = Experiment.stored(about["experiment"])
    a, b = (old.load_representation(key, key) for key in keys)
    trust = experiment.statistics.trust
    tile = Tile("letters", tuple(keys), tuple(keys), ("cka",), trust)
    made = score_block([a, b], [(0, 1)], tile.configurations, dataset="letters", trust=trust)
    old.save_results(tile.key, made, tile.request)
    results, older = shown_of(old, about)
    assert older == 1 and len(results) == 2
    assert results[0].measure == "cka" and results[0].n_permutations == made[0].n_permutations
    assert pc.sum(pc.equal(results.table.column("measure").cast("string"), "procrustes")).as_py() == 1
