"""Tasks know representations by their keys; what people read names them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import likewise
from likewise.plan.inputs import with_names
from likewise.run import import_representation
from likewise.store import Store
from likewise.store.door import write_json

A_KEY = re.compile(r"(?<![0-9a-f])[0-9a-f]{24,64}(?![0-9a-f])")
NAMES = ("left", "right", "third")


def stored(folder: Path, matrices: dict[str, np.ndarray], **statistics: Any) -> tuple[dict[str, Any], Store]:
    """Return an experiment of some matrices in a store, and the store."""
    store = Store(folder)
    for name, matrix in matrices.items():
        np.save(folder.parent / f"{name}.npy", matrix)
        import_representation(folder.parent / f"{name}.npy", store, name=name, dataset="d")
    asked = {
        "name": "told",
        "models": [f"imported:{name}" for name in matrices],
        "datasets": ["imported:d"],
        "measures": ["cka", "rsa", "mean_cca", "jaccard"],
        "statistics": {"permutations": 3, **statistics},
    }
    return asked, store


def other_texts(about: dict[str, Any], place: int) -> None:
    about["source"] |= {"records": f"{place}" * 24, "prompts": f"{place + 3}" * 24}


def other_items(about: dict[str, Any], place: int) -> None:
    about["ids"] = [f"{place}-{row}" for row in range(about["n_items"])]


@pytest.mark.parametrize("statistics", [{}, {"groups": 0}, {"chance": "none", "groups": 0}], ids=str)
@pytest.mark.parametrize("change", [other_texts, other_items])
def test_what_a_task_refuses_names_the_representations(
    tmp_path: Path, change: Callable[[dict[str, Any], int], None], statistics: dict[str, Any]
) -> None:
    rng = np.random.default_rng(0)
    asked, store = stored(tmp_path / "s", {name: rng.normal(size=(12, 3)) for name in NAMES}, **statistics)
    for place, key in enumerate(store.representations()):
        known = store.describe_representation(key)
        about = {**known, "source": known["source"].written(), "audit": known["audit"].written()}
        change(about, place)
        write_json(store.representation_path(key).with_suffix(".json"), about)
    done = likewise.run(asked, store.folder)
    assert done.failed
    for outcome in done.failed:
        assert sum(name in outcome.error for name in NAMES) == 2, outcome.error
        assert not A_KEY.search(outcome.error)


def test_what_a_row_says_names_the_representations(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    matrices = {"left": rng.normal(size=(12, 3)), "right": np.ones((12, 4)), "third": rng.normal(size=(12, 30))}
    asked, store = stored(tmp_path / "s", matrices)
    rows = list(likewise.run(asked, store.folder).results)
    assert any("all rows of right are equal" in row.reason for row in rows)
    assert not [row.reason for row in rows if A_KEY.search(row.reason)]
    plan = likewise.plan(likewise.Experiment.of(asked), store)
    assert not A_KEY.search(json.dumps(plan.summary()))


@pytest.mark.parametrize("around", ["{} has 3 rows", "row 3 of {}", "of {}: none", "'{}', and", "no {}.", "({})"])
def test_a_key_in_a_sentence_is_named_and_one_in_a_path_is_not(around: str) -> None:
    key, of_file = "0123456789abcdef01234567", "/store/representations/{}.json is damaged"
    assert with_names(around.format(key), {key: "gpt2"}) == around.format("gpt2")
    for path in (of_file, "{}.safetensors", "results/{}/part", "x{}"):
        assert with_names(path.format(key), {key: "gpt2"}) == path.format(key)
    assert with_names(around.format(key), {}) == around.format(key)
