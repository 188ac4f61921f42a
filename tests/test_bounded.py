"""What is too much, too deep or out of reach is said in one line, and soon."""

import json
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likewise import shapes
from likewise.about import Audit
from likewise.documents import NODES, parse_yaml
from likewise.errors import InputError, LikewiseError, MissingDependencyError, StoreError
from likewise.oddities import audit
from likewise.plan import Experiment, plan, results_of
from likewise.plan.datasets import MOST
from likewise.report.experiment import report_experiment
from likewise.report.tables import AUDITED
from likewise.representation import Representation
from likewise.store import Store, write_json

KEY = "a" * 24


@pytest.mark.parametrize(
    "text",
    [
        f"[{'0, ' * 600_000}0]",
        "- 0\n" * 500_000,
        "".join(f"k{i}: 0\n" for i in range(200_000)),
        f"{{{', '.join(f'k{i}' for i in range(200_000))}}}",
    ],
)
def test_values_of_a_document_are_counted_as_they_are_read(text: str) -> None:
    before = time.process_time()
    with pytest.raises(InputError, match=rf"line \d+, column \d+: more than {NODES:,} values"):
        parse_yaml(text)
    assert time.process_time() - before < 20


def experiment(layers: list[str]) -> Experiment:
    return Experiment.model_validate(
        {
            "name": "many",
            "models": [{"model": "owner/name", "layers": layers}],
            "datasets": ["commonsense-probes"],
            "measures": ["cka"],
        }
    )


def test_many_representations_are_planned_soon_or_refused(tmp_path: Path) -> None:
    before = time.process_time()
    made = plan(experiment([f"h.{i}" for i in range(900)]), Store(tmp_path / "store"))
    assert sum(tile.n_pairs for tile in made.tiles) == 900 * 899 // 2
    assert time.process_time() - before < 15
    with pytest.raises(InputError, match=f"more than {MOST:,} representations"):
        plan(experiment([f"h.{i}" for i in range(MOST + 1)]), Store(tmp_path / "store"))


def test_nothing_wanted_is_no_result(tmp_path: Path) -> None:
    about = {"experiment": experiment(["all"]).model_dump(mode="json"), "representations": []}
    store = Store(tmp_path / "store")
    assert len(results_of(store, about)) == 0
    store.save_experiment("many", about)
    with pytest.raises(InputError, match="holds no scores"):
        report_experiment(store, "many", tmp_path)


def saved(folder: Path) -> tuple[Store, Path]:
    store = Store(folder)
    r = Representation(np.eye(3), name="r", key=KEY, source={"model": "m", "layer": "last", "dataset": "d"})
    store.save_representation(r, audit(r.matrix))
    return store, store.representation_path(KEY).with_suffix(".json")


@pytest.mark.parametrize("depth", [60, 700])
@pytest.mark.parametrize("place", ["source", "audit"])
def test_a_store_that_is_nested_too_deeply_is_damaged(place: str, depth: int, tmp_path: Path) -> None:
    store, path = saved(tmp_path)
    about = {k: v for k, v in json.loads(path.read_text()).items() if k != "checksum"}
    about[place]["odd"] = json.loads("[" * depth + "]" * depth)
    write_json(path, about)
    with pytest.raises(StoreError, match="deeper than 50"):
        store.describe_representation(KEY)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ({"imported": {}}, r"there is no source\.model"),
        ({"imported": {}, "model": "m", "dataset": "d"}, r"there is no source\.layer"),
        ({"imported": {}, "model": "m", "dataset": 5, "layer": "last"}, r"source\.dataset"),
        ({"texts": 5}, r"source\.texts"),
        ({"texts": ["a"]}, "describes another file"),
    ],
)
def test_what_is_read_of_a_source_has_its_shape(source: Any, wrong: str, tmp_path: Path) -> None:
    store, path = saved(tmp_path)
    about = {k: v for k, v in json.loads(path.read_text()).items() if k != "checksum"}
    write_json(path, {**about, "source": source})
    with pytest.raises(StoreError, match=wrong):
        store.load_representation(KEY)


def test_all_numbers_of_an_audit_that_a_report_shows_have_a_shape() -> None:
    kinds = {"Int64": shapes.COUNT_OR_NOTHING, "Float64": shapes.NUMBER_OR_NOTHING}
    assert {name: Audit.known().get(name) for name in AUDITED} == {n: kinds[k] for n, k in AUDITED.items()}


def test_a_path_that_no_system_has_is_told(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(f"name: a\nmodels: [{'x/' * 2500}y, b]\ndatasets: [commonsense-probes]\nmeasures: [cka]\n")
    with pytest.raises(InputError) as refused:
        Experiment.read(path)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 600


@pytest.mark.parametrize("error", [*LikewiseError.__subclasses__()])
def test_every_error_comes_back_from_another_process(error: type[LikewiseError]) -> None:
    made = error("a library", "extract") if error is MissingDependencyError else error("what is wrong")  # type: ignore[call-arg]
    back = pickle.loads(pickle.dumps(made))
    assert (type(back), str(back)) == (type(made), str(made))


def test_no_file_of_the_current_folder_is_run(tmp_path: Path) -> None:
    names = ["pathlib", "re", "fnmatch", "enum", "urllib", "ntpath", "typing", "numpy", "json", "inspect"]
    for name in names:
        (tmp_path / f"{name}.py").write_text("print('A STRANGER RAN')\n")
    done = subprocess.run(
        [sys.executable, "-m", "likewise", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "STRANGER" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
