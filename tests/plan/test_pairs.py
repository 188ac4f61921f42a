"""A plan holds exactly the pairs that an experiment asks for, each in one tile."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise.documents import read_yaml
from likewise.errors import InputError
from likewise.measures import configurations
from likewise.plan import Experiment, plan, tiles_of
from likewise.scoring import ALL, Pairs, Trust
from likewise.store import Store

KINDS: list[Any] = [
    "all",
    "chain",
    {"base": "m1"},
    {"base": "m1", "same_layer": True},
    {"first": ["m0"], "second": ["m1", "m2"]},
    {"first": ["m0", "m1"], "second": ["m1", "m0"]},
    {"layers": ["m0", "m1"]},
    {"layers": ["m1", "m1"]},
]


@pytest.mark.parametrize("value", KINDS, ids=str)
@pytest.mark.parametrize("measures", ["cka", ["cka", "procrustes"]], ids=["by product", "prepared"])
@pytest.mark.parametrize(("models", "layers"), [(3, 2), (4, 9), (23, 2)])
def test_tiles_hold_the_wanted_pairs_once(value: Any, measures: Any, models: int, layers: int) -> None:
    names = [f"m{m} @ {layer}" for m in range(models) for layer in range(layers)]
    keys = [f"key of {name}" for name in names]
    rng = np.random.default_rng(models * layers)
    chosen, trust = configurations(measures), Trust(groups=0)
    wanted = Pairs.read(value).wanted(names)
    for share in (0.0, 0.3):
        answered = np.triu(rng.random((len(chosen), len(names), len(names))) < share, 1)
        found = np.zeros_like(answered)
        for tile in tiles_of("d", keys, chosen, trust, answered, 50, 8, pairs=wanted):
            assert tile.by_product or measures != "cka"
            for i, j in tile.places:
                a, b = (keys.index(tile.representations[k]) for k in (i, j))
                for label in tile.measures:
                    place = [c.label for c in chosen].index(label)
                    assert a < b and not found[place, a, b]
                    found[place, a, b] = True
        assert (found == (wanted & ~answered)).all()


def test_all_pairs_make_the_tiles_of_before() -> None:
    keys = [f"k{i}" for i in range(21)]
    chosen, trust = configurations("cka"), Trust()
    nothing = np.zeros((1, 21, 21), dtype=bool)
    before = [t.key for t in tiles_of("d", keys, chosen, trust, nothing, 50, 8)]
    assert [t.key for t in tiles_of("d", keys, chosen, trust, nothing, 50, 8, pairs=ALL.wanted(keys))] == before


@pytest.fixture
def three() -> dict[str, Any]:
    """Nothing of it is run: sizes are not known."""
    return {
        "name": "three",
        "models": ["imported:m0", "imported:m1", "imported:m2"],
        "datasets": ["imported:d"],
        "measures": ["cka"],
    }


def test_an_experiment_says_which_pairs(three: dict[str, Any], tmp_path: Path) -> None:
    assert Experiment.of(three).pairs == ALL
    assert "pairs" not in Experiment.of(three | {"pairs": "all"}).to_yaml()
    for value in KINDS:
        made = Experiment.of(three | {"pairs": value})
        assert made.pairs == Pairs.read(value)
        path = tmp_path / "again.yaml"
        path.write_text(made.to_yaml())
        assert Experiment.of(read_yaml(path).value) == made
        assert Experiment.of(made.model_dump(mode="json")) == made


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("chians", "pairs: unknown pairs 'chians'; did you mean \"chain\""),
        ({"bsae": "m1"}, "pairs: unknown key 'bsae'; did you mean \"base\""),
        ({"base": "m11"}, "pairs: there is no model 'm11'; did you mean"),
        ({"first": ["m0"], "second": ["other"]}, "pairs: there is no model 'other'; known: m0, m1, m2"),
        ({"layers": ["m0 @ 3", "n"]}, "pairs: there is no model 'n'; known: m0, m1, m2"),
        (None, "pairs: 'None' names no pairs; write all"),
    ],
)
def test_wrong_pairs_are_refused_with_the_nearest(three: dict[str, Any], value: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        Experiment.of(three | {"pairs": value})
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_layer_that_is_not_there_is_refused(experiment: dict[str, Any], tmp_path: Path) -> None:
    first = Experiment.of(experiment).models[0].name
    with pytest.raises(InputError, match="there is no representation or model"):
        plan(Experiment.of(experiment | {"pairs": {"base": f"{first} @ 77"}}), Store(tmp_path))


def test_a_plan_counts_the_wanted_pairs(experiment: dict[str, Any], tmp_path: Path) -> None:
    names = [w.name for w in plan(Experiment.of(experiment), Store(tmp_path)).datasets[0].wanted]
    for value in ("all", "chain", {"base": names[0]}, {"first": names[:1], "second": names[1:3]}):
        made = plan(Experiment.of(experiment | {"pairs": value}), Store(tmp_path))
        pairs = len(Pairs.read(value).among(names))
        summary = made.summary()
        assert [d["pairs"] for d in summary["datasets"]] == [pairs] * len(made.datasets)
        assert sum(t.n_pairs for t in made.datasets[0].tiles) == pairs
        assert summary["pairs"] == str(Pairs.read(value))
        assert len(made.extractions) == 6
        assert ("pairs" in made.record()["experiment"]) == (value != "all")
