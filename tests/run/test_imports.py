"""Representations that others made stand beside one's own: found by name, and compared where items agree."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

import likewise
from likewise.errors import InputError
from likewise.plan import Experiment, imported_experiment, plan, results_of
from likewise.prompts import DatasetSpec, load_prompts
from likewise.report.experiment import report_experiment
from likewise.run import import_representation
from likewise.store import Store

N = 24
IDS = [f"item {i}" for i in range(N)]
PROBES = {"source": "commonsense-probes", "limit": N}


def matrix(width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([width, seed]).normal(size=(N, width)).astype(np.float32)


def write(folder: Path, kind: str, rows: np.ndarray, ids: list[str] = IDS) -> Path:
    path = folder / f"theirs.{kind}"
    if kind == "npy":
        np.save(path, rows)
    elif kind == "npz":
        np.savez(path, matrix=rows, ids=np.asarray(ids))
    elif kind == "safetensors":
        save_file({"states": rows}, path)
    elif kind == "parquet":
        pq.write_table(pa.table({"id": ids, "row": rows.tolist()}), path)
    else:
        path.mkdir()
        table = pa.table({"id": ids, "row": pa.array(rows.tolist(), pa.list_(pa.float32()))})
        with pa.OSFile(str(path / "data.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def bring(store: Store, tmp_path: Path) -> Callable[..., Any]:
    """Import rows under a name, ids and all."""

    def call(rows: np.ndarray, name: str, dataset: str = "d", ids: list[str] = IDS, **more: Any) -> Any:
        folder = tmp_path / f"{name} {dataset} {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        path = write(folder, "npz" if ids else "npy", rows, ids)
        return import_representation(path, store, name=name, dataset=dataset, **more)

    return call


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors", "parquet", "folder"])
def test_every_kind_of_file_comes_back(store: Store, tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, kind, matrix(7))
    r = import_representation(path, store, name="theirs", dataset="d", layer="3", pooling="mean of words")
    back = store.load_representation(r.key, "theirs")
    assert back.matrix.tobytes() == matrix(7).tobytes()
    assert back.has_ids == (kind in ("npz", "parquet", "folder"))
    assert back.ids == (tuple(IDS) if back.has_ids else tuple(map(str, range(N))))
    about = store.describe_representation(r.key)
    assert {k: about["source"][k] for k in ("model", "dataset", "layer", "pooling")} == {
        "model": "theirs", "dataset": "d", "layer": "3", "pooling": "mean of words",
    }  # fmt: skip
    ((file, digest),) = about["source"]["imported"].items()
    assert file == ("data.arrow" if kind == "folder" else path.name) and re.fullmatch("[0-9a-f]{64}", digest)
    assert about["audit"]["zero_rows"] == 0


def test_the_same_rows_again_change_nothing_and_others_are_refused(store: Store, bring: Callable[..., Any]) -> None:
    r = bring(matrix(5), "a")
    before = {p: p.stat().st_mtime_ns for p in store.folder.rglob("*")}
    bring(matrix(5).astype(np.float64), "a")
    assert {p: p.stat().st_mtime_ns for p in store.folder.rglob("*")} == before
    for rows, ids, more, what in (
        (matrix(5, seed=1), IDS, {}, "rows"),
        (matrix(6), IDS, {}, "rows"),
        (matrix(5), [], {}, "ids"),
        (matrix(5), IDS[::-1], {"pooling": "mean"}, "ids and pooling"),
    ):
        match = f"a on d, layer last, is in .*store already, with other {what}; import it under another name, or into"
        with pytest.raises(InputError, match=match):
            bring(rows, "a", ids=ids, **more)
    assert bring(matrix(5, seed=1), "a", layer="2").key != r.key
    assert bring(matrix(5, seed=1), "a", "e").key != r.key


def test_what_cannot_be_imported_is_refused(store: Store, tmp_path: Path, bring: Callable[..., Any]) -> None:
    rows = matrix(5).astype(np.float64)
    rows[3, 2] = 1e300
    with pytest.raises(InputError, match=r"a holds inf in row 3 \(item 'item 3'\), column 2"):
        bring(rows, "a")
    rows[3, 2] = np.nan
    with pytest.raises(InputError, match="holds nan in row 3"):
        bring(rows, "a")
    with pytest.raises(InputError, match="needs the name of a model and of a data set; given are 'a' and ''"):
        bring(matrix(5), "a", "")
    with pytest.raises(InputError, match="unknown layer 'lst'"):
        bring(matrix(5), "a", layer="lst")
    with pytest.raises(InputError, match="is no folder; a column can only be named for a folder"):
        bring(matrix(5), "a", column="row")
    log = {"output_embeddings": [[[1.0]], [[2.0]]], "prompt_tokens": [[1], [1]]}
    batch = pa.RecordBatch.from_pydict(log)
    with pa.OSFile(str(tmp_path / "data.arrow"), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(InputError, match="are pooled by last_token; given is mean"):
        import_representation(tmp_path, store, name="a", dataset="d", pooling="mean")
    assert not store.representations()


def test_all_that_was_imported_is_an_experiment_that_keeps_its_order(store: Store, bring: Callable[..., Any]) -> None:
    bring(matrix(5), "b")
    assert imported_experiment(store)["datasets"] == []
    bring(matrix(6), "a")
    bring(matrix(6), "a", layer="10")
    bring(matrix(6), "a", layer="2")
    bring(matrix(6), "a", "e")
    bring(matrix(6), "b", "e")
    bring(matrix(6), "a", "alone")
    assert imported_experiment(store) == {
        "name": "imported",
        "models": [
            {"model": "imported:a", "layers": ["2", "10", "last"], "datasets": ["d"]},
            {"model": "imported:a", "layers": ["last"], "name": "a (e)", "datasets": ["e"]},
            {"model": "imported:b", "layers": ["last"]},
        ],
        "datasets": [{"source": "imported:d"}, {"source": "imported:e"}],
        "measures": ["paper"],
    }
    made = plan(Experiment.of(imported_experiment(store)), store)
    assert [[w.name for w in d.wanted] for d in made.datasets] == [["a @ 2", "a @ 10", "a", "b"], ["a (e)", "b"]]
    summary = made.summary()
    assert (summary["extractions"], summary["extractions_left"]) == (0, 0)
    assert summary["bytes"] == 4 * N * (3 * 6 + 5 + 2 * 6)


def test_what_others_made_is_compared_and_reported(store: Store, bring: Callable[..., Any], tmp_path: Path) -> None:
    first = matrix(5)
    bring(first, "narrow")
    bring(np.hstack([first, matrix(4)]), "wide", ids=[])
    done = likewise.run(imported_experiment(store), store.folder)
    assert (done.failed, done.blocked, len(done.results)) == ((), (), 10)
    assert {(r.dataset, r.a, r.b, r.n_items, r.status) for r in done.results} == {("d", "narrow", "wide", N, "ok")}
    # Shuffles go by the keys of the representations.
    keys = {r.a: r.a_key for r in done.results} | {r.b: r.b_key for r in done.results}
    again = likewise.compare({name: store.load_representation(key) for name, key in keys.items()}, "paper")
    assert [(r.value, r.null_mean) for r in done.results] == [(r.value, r.null_mean) for r in again]
    assert likewise.run(imported_experiment(store), store.folder).performed == 0
    page = report_experiment(store, "imported", tmp_path / "report").read_text(encoding="utf-8")
    assert "narrow" in page and "imported:d" in page and "scores are missing" not in page


def test_an_imported_model_stands_beside_extracted_ones(
    store: Store, bring: Callable[..., Any], experiment: dict[str, Any], tmp_path: Path
) -> None:
    experiment |= {"datasets": [PROBES], "measures": ["cka"], "statistics": {"groups": 0, "chance": "none"}}
    own = [{**experiment["models"][1]}, {**experiment["models"][2]}]
    prompts = load_prompts(DatasetSpec(name="commonsense-probes", **PROBES))
    np.save(tmp_path / "none.npy", matrix(7))
    imported = (("in order", 9, {}), ("named", 8, {"ids": prompts.ids}))
    for name, width, ids in imported:
        np.savez(tmp_path / f"{name}.npz", matrix=matrix(width), group=prompts.groups, **ids)
        import_representation(tmp_path / f"{name}.npz", store, name=name, dataset="commonsense-probes")
    models = [{"model": "imported:in order"}, *own, {"model": "imported:named", "name": "theirs"}]
    by_product = likewise.run({**experiment, "models": models}, store.folder)
    assert (by_product.failed, len(by_product.results)) == ((), 6)
    by_pair = likewise.run(
        {**experiment, "models": models, "statistics": {"groups": 5, "chance": "none"}}, store.folder
    )
    assert (by_pair.failed, len(by_pair.results)) == ((), 6)
    assert [r.value for r in by_pair.results] == pytest.approx([r.value for r in by_product.results])
    assert {r.b for r in by_pair.results} == {own[0]["name"], own[1]["name"], "theirs"}
    shuffled = likewise.run({**experiment, "models": models, "statistics": {"groups": 0}}, store.folder)
    assert (shuffled.failed, {r.null for r in shuffled.results}) == ((), {"shuffles"})
    # A report needs to know of the groups, without the rows.
    for file in (store.folder / "representations").iterdir():
        file.unlink()
    read_back = results_of(store, store.experiments()[experiment["name"]])
    assert [r.pvalue for r in read_back] == [r.pvalue for r in shuffled.results]
    for name, _, _ in imported:
        import_representation(tmp_path / f"{name}.npz", store, name=name, dataset="commonsense-probes")
    bring(matrix(7), "of no groups", "commonsense-probes", ids=[])
    fresh = Store(tmp_path / "fresh")
    import_representation(tmp_path / "none.npy", fresh, name="of no groups", dataset="commonsense-probes")
    with pytest.raises(InputError, match=r"of no groups has none"):  # before a model has run
        likewise.run({**experiment, "models": [*own, {"model": "imported:of no groups"}]}, fresh.folder)
    assert len(fresh.representations()) == 1
    with pytest.raises(InputError, match=r"has groups of inputs and of no groups has none"):
        likewise.run({**experiment, "models": [*models, {"model": "imported:of no groups"}]}, store.folder)


@pytest.mark.parametrize("groups", [0, 2])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_other_items_are_refused_whichever_side_has_none(
    store: Store, bring: Callable[..., Any], groups: int, place: int
) -> None:
    """Rows without ids go with any order, and must not hide that two others disagree."""
    sides: list[list[str]] = [IDS, IDS[::-1]]
    for name, ids in zip("abc", [*sides[:place], [], *sides[place:]], strict=True):
        bring(matrix(4, seed=ord(name)), name, ids=ids)
    asked = {**imported_experiment(store), "measures": ["cka"], "statistics": {"groups": groups}}
    failed, *_ = likewise.run(asked, store.folder).failed
    assert re.search(r"row 0 is item 'item 0'|have other items, or the same in another order", failed.error)


def test_rows_of_another_number_are_refused(store: Store, bring: Callable[..., Any]) -> None:
    bring(matrix(4), "a", ids=[])
    bring(matrix(5)[1:], "b", ids=[])
    for groups, message in ((0, "have other items"), (2, "24 rows .* against 23 rows")):
        asked = {**imported_experiment(store), "measures": ["cka"], "statistics": {"groups": groups}}
        (failed,) = likewise.run(asked, store.folder).failed
        assert re.search(message, failed.error)


def test_what_was_not_imported_is_said_with_the_command_that_brings_it(store: Store, bring: Callable[..., Any]) -> None:
    bring(matrix(4), "a")
    asked = {
        "name": "x",
        "models": ["imported:a", {"model": "imported:no body", "name": "b", "layers": ["4", "last"]}],
        "datasets": ["imported:d"],
    }
    with pytest.raises(InputError) as refused:
        likewise.run(asked, store.folder)
    inner, last = str(refused.value).splitlines()
    command = f"likewise import 'no body=PATH' --dataset d --store {store.folder}"
    assert inner == f"no body @ 4 on d is not in this store; {command} --layer 4 brings it"
    assert last == f"no body on d is not in this store; {command} brings it"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": [{"model": "imported:a", "variant": "noise(sd=0.1)"}, "imported:b"]}, "imported:a is imported"),
        (
            {"models": ["imported:a", {"model": "imported:b", "revision": "main"}]},
            "imported:b is imported",
        ),
        ({"datasets": [{"source": "imported:d", "limit": 3}]}, "imported:d was imported without its prompts; only"),
        ({"models": ["imported:a", "gpt2/x"]}, "gpt2/x cannot run on d, which was imported without its prompts; name"),
    ],
)
def test_what_rows_cannot_be_is_refused(
    store: Store, bring: Callable[..., Any], change: dict[str, Any], message: str
) -> None:
    bring(matrix(4), "a")
    bring(matrix(5), "b")
    with pytest.raises(InputError, match=message):
        plan(Experiment.of({**imported_experiment(store), **change}), store)
    with pytest.raises(InputError, match="d was imported without its prompts"):
        load_prompts(DatasetSpec(name="d", source="imported:d"))


def test_names_of_imports_are_kept_whole() -> None:
    asked = Experiment.of({"name": "x", "models": ["imported:org/pythia-6.9b"], "datasets": ["imported:code.v2"]})
    assert (asked.models[0].name, asked.datasets[0].name) == ("org/pythia-6.9b", "code.v2")


def test_rows_without_ids_are_kept_as_that(store: Store, bring: Callable[..., Any]) -> None:
    key = bring(matrix(4), "a", ids=[]).key
    about = json.loads(store.representation_path(key).with_suffix(".json").read_text(encoding="utf-8"))
    assert (about["ids"], about["n_items"]) == ([], N)
