"""Whether likeness goes with a number of the models: rho and p as their definitions say, per layer and data set."""

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
import yaml

from likewise.errors import InputError
from likewise.plan import Experiment
from likewise.scoring import Results, by_number, compare
from likewise.studies import Covariates, Lines, answers

SIZES = {name: 10.0**k for k, name in enumerate("abcdef")}


def models(seed: int = 0) -> dict[str, np.ndarray]:
    """Rows that go from one matrix to another as the size grows."""
    start, end = np.random.default_rng(seed).normal(size=(2, 40, 6))
    return {name: (5 - k) * start + k * end for k, name in enumerate(SIZES)}


@pytest.fixture(scope="module")
def results() -> Results:
    here = models()
    layers = {f"{name} @ {k}": x for k in (1, 2) for name, x in (here if k == 1 else models(7)).items()}
    return compare(here | layers, ["cka", "procrustes"], permutations=5, dataset="d")


def test_rho_and_p_are_those_of_all_relabellings() -> None:
    rng = np.random.default_rng(3)
    names = "abcde"
    numbers = dict(zip(names, [3.0, 1.0, 4.0, 1.0, 5.0], strict=True))
    pairs = list(itertools.combinations(names, 2))
    alike = dict(zip(pairs, rng.normal(size=len(pairs)), strict=True))
    rank = {name: sorted(set(numbers.values())).index(value) for name, value in numbers.items()}

    def rho(order: tuple[str, ...]) -> float:
        moved = dict(zip(names, order, strict=True))
        apart = [-abs(rank[moved[a]] - rank[moved[b]]) for a, b in pairs]
        return float(scipy.stats.spearmanr(apart, [alike[pair] for pair in pairs]).statistic)

    every = np.asarray([rho(order) for order in itertools.permutations(names)])
    found = by_number(alike, numbers)
    assert found.rho == pytest.approx(every[0])
    assert found.pvalue == pytest.approx(np.mean(every >= every[0] - 1e-9))


def test_models_that_drift_with_their_size_are_found_at_each_layer(results: Results) -> None:
    answer = Covariates({name: {"size": size, "luck": float(ord(name) % 3)} for name, size in SIZES.items()}).answer(
        results
    )
    assert answer is not None
    rows = answer.tables["covariates"].records()
    assert {(r["number"], r["configuration"], r["layer"]) for r in rows} == {
        (n, c, layer) for n in ("size", "luck") for c in ("cka", "procrustes") for layer in ("last", "1", "2")
    }
    size = [r for r in rows if r["number"] == "size"]
    assert all(r["rho"] > 0.8 and r["p"] < 0.01 and r["models"] == 6 for r in size)
    assert all(r["p corrected"] >= r["p"] for r in rows)
    assert "Models further apart in size are less alike with rho" in answer.verdict
    drawn = [d for d in answer.drawings if isinstance(d, Lines) and d.across == "size"]
    assert len(drawn) == 3 and all(d.logarithmic for d in drawn)
    base = next(line for line in drawn[0].lines if line.label == "a")
    assert base.x == tuple(sorted(SIZES.values()))[1:]
    known = {frozenset((r.a, r.b)): r for r in results if r.measure == "cka"}
    assert base.y == tuple(known[frozenset("a" + name)].value for name in "bcdef")


def test_without_numbers_nothing_is_said_and_few_models_say_why(results: Results) -> None:
    assert "covariates" not in answers(results)[0]
    few = Covariates({name: {"size": SIZES[name]} for name in "abc"})
    said = answers(results, [few])[0]["covariates"]
    assert said.values["p_lowest"] is None and said.reasons["p_lowest"]
    assert said.verdict == "Nothing can be said of size: no p: 3 models with all pairs, and four are needed."
    same = Covariates({name: {"size": 1.0} for name in SIZES}).answer(results)
    assert same is not None and "6 models with 1 different number; expected four or more" in same.verdict


def test_distances_are_turned(results: Results) -> None:
    bare = pa.table(results).set_column(
        results.table.schema.get_field_index("calibrated"), "calibrated", pa.nulls(len(results), pa.float64())
    )
    said = Covariates({name: {"size": size} for name, size in SIZES.items()}).answer(Results(bare))
    assert said is not None
    assert all(r["rho"] > 0.8 for r in said.tables["covariates"].records())


def test_an_experiment_says_them(tmp_path: Path) -> None:
    given = {
        "name": "sizes",
        "models": [{"model": "imported:a", "covariates": {"size": "135e6"}}, "imported:b"],
        "datasets": ["imported:d"],
        "measures": ["cka"],
    }
    experiment = Experiment.of(given)
    assert experiment.models[0].covariates == {"size": 135e6}
    written = yaml.safe_load(experiment.to_yaml())["models"]
    assert written[0]["covariates"] == {"size": 135e6} and "covariates" not in written[1]
    for wrong in ("many", float("nan"), [1]):
        given["models"] = [{"model": "imported:a", "covariates": {"size": wrong}}, "imported:b"]
        with pytest.raises(InputError, match="size"):
            Experiment.of(given)
