"""An experiment says what to do, and what is wrong with it, at the place where it is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from likewise.errors import InputError
from likewise.plan import Experiment

GOOD: dict[str, Any] = {"name": "x", "models": ["gpt2", "distilgpt2"], "datasets": ["commonsense-probes"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modles": []}, r"unknown key 'modles' in the experiment; did you mean \"models\""),
        (
            {"models": [{"model": "a", "layres": ["last"]}]},
            r"unknown key 'layres' in models.0; did you mean \"layers\"",
        ),
        ({"statistics": {"permutation": 3}}, r"in statistics; did you mean \"permutations\""),
        ({"statistics": {"permutations": -1}}, "statistics.permutations: .*greater than or equal to 0"),
        ({"measures": ["procrutes"]}, r"unknown measure or preset 'procrutes'; did you mean \"procrustes\""),
        ({"measures": [{"jaccard": {"kk": 3}}]}, "jaccard has no parameter 'kk'"),
        ({"measures": ["rsa(inner='manhattan')"]}, "rsa: inner='manhattan' is unknown"),
        ({"measures": [f"jaccard(k={k})" for k in range(1, 502)]}, "more than 500 measures; put them into several"),
        ({"models": ["a", "a"]}, "two models are called 'a'"),
        ({"datasets": ["commonsense-probes", "commonsense-probes"]}, "two data sets are called"),
        ({"models": [{"model": "a", "datasets": ["humanevl"]}]}, "names the data set 'humanevl'"),
        ({"models": [{"model": "a", "variant": "nosie(sd=1)"}]}, r"unknown variant 'nosie'; did you mean \"noise\""),
        ({"representation": {"layers": ["-1.5"]}}, "unknown layer '-1.5'; a layer is 'last'"),
        ({"representation": {"layers": ["0"]}}, "'embedding' .what enters the first block"),
        ({"representation": {"pooling": "lst_token"}}, r"unknown pooling 'lst_token'; did you mean \"last_token\""),
        ({"representation": {"dtype": "int3"}}, "representation.dtype"),
        ({"name": "../up"}, "name: .*pattern"),
        ({"models": []}, "models: "),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Experiment.of(GOOD | change)


def test_a_wrong_entry_is_not_called_an_empty_list_too() -> None:
    with pytest.raises(InputError) as error:
        Experiment.of(GOOD | {"representation": {"layers": ["lst"]}})
    assert "at least 1 item" not in str(error.value)


def test_short_and_long_forms_are_the_same() -> None:
    short = {**GOOD, "models": ["a/gpt", {"model": "b", "variant": "noise(sd=0.5)"}], "measures": "jaccard(k=5)"}
    long = {
        **GOOD,
        "models": [{"model": "a/gpt", "name": "gpt"}, {"model": "b", "variant": {"noise": {"sd": 0.5, "seed": 0}}}],
        "datasets": [{"source": "commonsense-probes", "name": "commonsense-probes"}],
        "measures": [{"jaccard": {"k": 5}}],
    }
    assert Experiment.of(short) == Experiment.of(long)
    assert [m.name for m in Experiment.of(short).models] == ["gpt", "b noise(sd=0.5, seed=0)"]


def test_yaml_goes_round(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    experiment = Experiment.of({**GOOD, "statistics": {"permutations": 7}, "measures": ["paper", "jaccard(k=3)"]})
    path.write_text(experiment.to_yaml())
    assert Experiment.read(path) == experiment


def test_an_experiment_is_called_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("models: [gpt2, distilgpt2]\ndatasets: [commonsense-probes]\n")
    assert Experiment.read(path).name == "night"


def test_paths_are_relative_to_the_experiment(tmp_path: Path, tiny: Callable[..., Path]) -> None:
    (tmp_path / "data.jsonl").write_text("{}")
    (tmp_path / "model").symlink_to(tiny())
    path = tmp_path / "e.yaml"
    path.write_text("models: [./model, gpt2]\ndatasets: [{source: data.jsonl, template: x}]\n")
    experiment = Experiment.read(path)
    assert Path(experiment.models[0].model).is_absolute()
    assert experiment.models[1].model == "gpt2"
    assert experiment.datasets[0].source == str((tmp_path / "data.jsonl").resolve())


def test_a_file_of_shots_is_relative_to_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("")
    (tmp_path / "train").mkdir()
    path = tmp_path / "mine.yaml"
    shots = "{template: '{{ q }}', answer: '{{ a }}', shots: 1, shots_from: %s}"
    formats = f"{{file: {shots % 'train.jsonl'}, split: {shots % 'train'}}}"
    path.write_text(f"models: [a/b]\ndatasets: [{{source: a/c, formats: {formats}}}]")
    read = Experiment.read(path).datasets[0].formats
    assert read["file"].shots_from == str((tmp_path / "train.jsonl").resolve())
    assert read["split"].shots_from == "train"


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "is not YAML"), ("- 1", "holds no experiment"), (None, "there is no experiment")]
)
def test_files_that_hold_no_experiment(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "e.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        Experiment.read(path)


def test_the_shipped_experiments_are_valid() -> None:
    folder = Path(__file__).parents[2] / "experiments"
    assert {Experiment.read(p).name for p in folder.glob("*.yaml")} >= {"demo", "paper"}


def test_the_key_of_chance_levels_is_chance_and_older_stores_are_read(tmp_path: Path) -> None:
    """``null:`` reads as nothing in YAML; stores written before the key had its name hold it as text."""
    asked = {"name": "e", "models": ["a", "b"], "datasets": ["commonsense-probes"]}
    path = tmp_path / "e.yaml"
    for key in ("null", '"null"', "~"):
        path.write_text(f"models: [a, b]\ndatasets: [commonsense-probes]\nstatistics:\n  {key}: shuffles\n")
        with pytest.raises(InputError, match="line 4, column .*(write chance:|unknown key '~')"):
            Experiment.read(path)
    path.write_text("models: [a, b]\ndatasets: [commonsense-probes]\nstatistics: {chance: shuffles}\n")
    assert Experiment.read(path).statistics.trust.chance == "shuffles"
    old = Experiment.stored({**asked, "statistics": {"null": "none", "seed": 3}})
    assert (old.statistics.chance, old.statistics.seed) == ("none", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "models: [a, b]\ndatasets: [commonsense-probes]\nmeasures: [{jaccard: [5]}]",
            "line 3, column 11: .*no measure",
        ),
        ("models: [a, b]\ndatasets: [commonsense-probes]\nmeasures: [{jaccard: k}]", "no measure"),
        (
            "models: [a, {model: b, variant: {noise: sd}}]\ndatasets: [commonsense-probes]",
            "line 1, column 33: .*no variant",
        ),
        ("models: [a, {model: b, variant: noise(sd=1e999)}]\ndatasets: [commonsense-probes]", "too large"),
        ("models: [a, b]\ndatasets: [commonsense-probes]\nrepresentation: {pooling: {mean: 1}}", "line 3, column 27"),
        (f"models: [a, {'b' * 300}]\ndatasets: [commonsense-probes]", "line 1, column 13: .*is no name"),
        (f"name: {'n' * 101}\nmodels: [a, b]\ndatasets: [commonsense-probes]", "line 1, column 7: name: .*at most 100"),
    ],
)
def test_odd_values_are_said_with_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Experiment.read(path)


def test_a_pooling_without_a_value_is_refused_and_one_that_a_store_kept_is_read(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    for text in ("models: [a, b]\nrepresentation: {pooling: }", "models: [{model: a, pooling: }, b]"):
        path.write_text(f"{text}\ndatasets: [commonsense-probes]\n")
        with pytest.raises(InputError, match="pooling: expected a pooling, such as mean"):
            Experiment.read(path)
    asked = Experiment.of(GOOD)
    assert Experiment.stored(asked.model_dump(mode="json")) == asked
