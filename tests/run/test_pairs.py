"""An experiment runs only the pairs that it asks for, and its page draws them: squares and rectangles."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import likewise
from likewise.cli.main import main
from likewise.plan import Experiment, plan
from likewise.report.block import opened
from likewise.report.experiment import report_experiment
from likewise.report.figures.grids import Grid
from likewise.run import import_representation
from likewise.store import Store

MODELS = ["base", "copy", "other"]
LAYERS = ["2", "10", "last"]
KINDS: dict[str, tuple[Any, int]] = {
    "chain": ("chain", 6),
    "base": ({"base": "copy"}, 18),
    "same": ({"base": "copy", "same_layer": True}, 6),
    "one": ({"base": "copy @ 10"}, 8),
    "between": ({"first": ["other"], "second": ["copy @ last", "base @ 2"]}, 6),
    "layers": ({"layers": ["other", "base"]}, 9),
}


@pytest.fixture(scope="module")
def imported(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A store with nothing but representations, to be copied."""
    return once("imported for pairs", fill) / "store"


def fill(folder: Path) -> None:
    folder.mkdir()
    store = Store(folder / "store")
    rng = np.random.default_rng(3)
    common = rng.normal(size=(20, 4))
    for model in MODELS:
        for layer in LAYERS:
            path = folder / f"{model} {layer}.npy"
            np.save(path, (common @ rng.normal(size=(4, 6)) + rng.normal(size=(20, 6))).astype(np.float32))
            import_representation(path, store, name=model, dataset="d", layer=layer)


def asked(name: str, value: Any, measures: list[str], **statistics: Any) -> Experiment:
    return Experiment.of(
        {
            "name": name,
            "models": [f"imported:{m}" for m in MODELS],
            "datasets": ["imported:d"],
            "representation": {"layers": LAYERS},
            "measures": measures,
            "pairs": value,
            "statistics": {"permutations": 5, "groups": 4} | statistics,
        }
    )


def plain(results: likewise.Results) -> dict[Any, Any]:
    """Rows by pair and configuration, without what is corrected over the whole table."""
    frame = results.to_pandas()
    kept = [c for c in frame.columns if not c.startswith("pvalue_") and c not in ("correction", "seconds")]
    return {tuple(r[c] for c in ("a", "b", "measure", "parameters")): repr(r) for r in frame[kept].to_dict("records")}


@pytest.mark.parametrize("population", [False, True], ids=["prepared", "by product"])
def test_only_the_wanted_pairs_are_run_and_give_the_numbers_of_all(
    population: bool, imported: Path, tmp_path: Path
) -> None:
    statistics: Any = {"groups": 0} if population else {}
    measures = ["cka"] if population else ["cka", "jaccard(k=3)", "linear_predictivity"]
    scores = 1 if population else 4
    whole_store = Store(shutil.copytree(imported, tmp_path / "all"))
    results = likewise.run(asked("all", "all", measures, **statistics), whole_store.folder).results
    whole, numbers = plain(results), {(c.a, c.b, c.measure): (c.value, c.null_mean, c.null_std) for c in results}
    assert len(whole) == 36 * scores
    # Which pairs are wanted is decided in one way for both; products are of blocks, which these three cut.
    for name in ("chain", "one", "between") if population else KINDS:
        value, pairs = KINDS[name]
        store = Store(shutil.copytree(imported, tmp_path / name))
        experiment = asked(name, value, measures, **statistics)
        done = likewise.run(experiment, store.folder)
        assert not done.failed and not done.blocked
        found = plain(done.results)
        assert len(found) == pairs * scores
        if population:  # products of other blocks of matrices may round otherwise
            assert found.keys() <= whole.keys()
            for c in done.results:
                expected = pytest.approx(numbers[c.a, c.b, c.measure], rel=1e-12)
                assert (c.value, c.null_mean, c.null_std) == expected
        else:
            assert found.items() <= whole.items()
        assert sum(len(table) for _, table in store.tables()) == pairs * scores  # nothing else was scored
        after = plan(experiment, store)
        assert not after.tiles and after.summary()["datasets"][0]["scores_done"] == pairs * scores
        # Some of what another experiment left there is all that it shows.
        shown = likewise.run(experiment, whole_store.folder)
        assert shown.performed == 0 and len(shown.results) == len(found)
        assert plain(shown.results).items() <= whole.items()


def test_the_rest_is_added_when_all_are_asked(imported: Path, tmp_path: Path) -> None:
    store = Store(shutil.copytree(imported, tmp_path / "store"))
    likewise.run(asked("some", {"base": "copy"}, ["cka"]), store.folder)
    done = likewise.run(asked("some", "all", ["cka"]), store.folder)
    assert len(done.results) == 36
    assert sum(len(table) for _, table in store.tables()) == 36


def test_a_page_of_what_is_not_finished_says_so_on_top(imported: Path, tmp_path: Path) -> None:
    store = Store(shutil.copytree(imported, tmp_path / "store"))
    likewise.run(asked("some", {"base": "copy"}, ["cka"]), store.folder)
    likewise.run(asked("some", "all", ["cka"]), store.folder)
    newest = max((store.folder / "results").glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    newest.unlink()
    left = sum(len(table) for _, table in store.tables())
    told: list[str] = []
    page = report_experiment(store, "some", tmp_path / "page", tell=told.append).read_text(encoding="utf-8")
    said = f"not finished: {36 - left} of 36 scores are missing"
    assert told == [f"{said}; run the experiment again for the rest"]
    assert page.index(said[1:]) < page.index('<nav aria-label="Contents">')


@pytest.fixture(scope="module")
def filled(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(shutil.copytree(imported, tmp_path_factory.mktemp("filled") / "store"))


@pytest.mark.parametrize("name", ["one", "layers", "chain", "between"])
def test_a_page_draws_what_was_asked_for(name: str, filled: Store, tmp_path: Path) -> None:
    value, pairs = KINDS[name]
    likewise.run(asked(name, value, ["cka", "linear_predictivity"]), filled.folder)
    page = report_experiment(filled, name, tmp_path).read_text(encoding="utf-8")
    assert f"{pairs} pairs" in page and "are missing" not in page and "cells have no value" not in page
    head = opened(page)
    cka = [c["label"] for c in head["configurations"]].index("cka")
    assert (head["table"]["configuration"] == cka).sum() == pairs
    assert len(head["table"]["a"]) == 3 * pairs  # and the other in both orders
    assert head["same_layer"] == (name == "one")


@pytest.mark.parametrize(("name", "shape"), [("one", (8, 1)), ("layers", (3, 3)), ("between", (3, 2))])
def test_a_rectangle_holds_each_score_once(name: str, shape: tuple[int, int], filled: Store, tmp_path: Path) -> None:
    value, pairs = KINDS[name]
    results = likewise.run(asked(name, value, ["cka", "linear_predictivity"]), filled.folder).results
    values = {(c.a, c.b, c.measure): c.value for c in results}
    seen = []
    for measure in ("cka", "linear_predictivity"):
        scores = results.where(measure=measure).scores(calibrated=False)
        names = list(dict.fromkeys(n for s in scores for n in (s.a, s.b)))
        grid = Grid.of(scores, names)
        if measure == "cka":
            assert (len(grid.down), len(grid.across)) == shape and grid.cells.all()
        else:  # both orders of each pair
            assert grid.down == grid.across == tuple(names) and grid.cells.sum() == 2 * pairs
        for i, j in np.argwhere(grid.cells):
            a, b = grid.down[i], grid.across[j]
            order = (a, b) if (a, b, measure) in values else (b, a)
            assert order == (a, b) or measure == "cka"
            assert grid.values[i, j] == values[(*order, measure)]
            seen.append((*order, measure))
    assert sorted(seen) == sorted(values)
    head = opened(report_experiment(filled, name, tmp_path).read_text(encoding="utf-8"))
    sides = [[head["names"][k]["name"] for k in side] for side in head["sides"]]
    assert sorted(map(len, sides)) == sorted(shape)
    assert {frozenset((a, b)) for a in sides[0] for b in sides[1]} == {frozenset(key[:2]) for key in values}


def test_what_is_missing_has_no_cell(filled: Store) -> None:
    results = likewise.run(asked("one", KINDS["one"][0], ["cka"]), filled.folder).results
    scores = results.scores(calibrated=False)
    names = list(dict.fromkeys(n for s in scores[1:] for n in (s.a, s.b)))
    grid = Grid.of(scores[1:], names)
    assert len(grid.down) == 7 and grid.across == ("copy @ 10",)  # whoever is nowhere has no row


def test_the_command_line_compares_one_with_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def code(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["likewise", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(12, 3)))
    files = [str(tmp_path / f"{name}.npy") for name in ("a", "b", "c")]
    assert code("compare", *files, "--measure", "cka", "--base", "b", "--json") == 0
    found = re.findall(r'"([ab])": "(\w)"', capsys.readouterr().out)
    assert found == [("a", "a"), ("b", "b"), ("a", "b"), ("b", "c")]
    assert code("compare", *files, "--measure", "cka", "--base", "bb") == 2
    assert "there is no representation or model 'bb'" in capsys.readouterr().err


def test_the_example_of_the_docs_runs(tmp_path: Path, experiment: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(name: copies\n.*?)```", page, flags=re.S)
    value = yaml.safe_load(block)
    names = [m.name for m in Experiment.of(value).models]
    small = experiment["models"][0]["model"]  # in place of the real one, in as many copies
    value["models"] = [
        (m if isinstance(m, dict) else {}) | {"model": small, "name": n}
        for m, n in zip(value["models"], names, strict=True)
    ]
    value |= {"datasets": experiment["datasets"][:1], "measures": ["cka"]}
    value["representation"]["layers"] = [1, "last"]
    done = likewise.run(value, tmp_path / "store")
    base, *copies = names
    assert [(c.a, c.b) for c in done.results] == [
        (at(base), at(copy)) for at in ("{} @ 1".format, "{}".format) for copy in copies
    ]
