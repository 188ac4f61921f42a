"""What can be taken in two ways is refused, what nothing is made of is not taken, and what was computed is shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import likewise
from likewise.errors import LONGEST, InputError
from likewise.prompts import DatasetSpec
from likewise.run import import_representation
from likewise.scoring import compare
from likewise.store import Store, read_file, read_folder
from likewise.studies import Audit

Cli = Callable[..., tuple[int, str, str]]

N = 30
FAST = ("--measure", "cka", "--permutations", "3", "--groups", "0")


def rows(seed: int, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(N, d))


def columns(x: np.ndarray) -> dict[str, np.ndarray]:
    return {f"f{i}": x[:, i] for i in range(x.shape[1])}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate("xyz"):
        np.save(f"{name}.npy", rows(seed))


@pytest.mark.filterwarnings("ignore::likewise.chance.RowsInRuns")  # numbers that rise are alike
@pytest.mark.parametrize("whole", [{"index": np.arange(N)}, {"label": np.arange(N, dtype=np.uint8), "id2": range(N)}])
def test_whole_numbers_beside_fractions_are_no_features(tmp_path: Path, whole: dict[str, Any]) -> None:
    """As numbers of rows or labels are, which would decide a score."""
    ids = {"id": list(map(str, range(N)))}
    pq.write_table(pa.table(ids | columns(rows(0)) | {k: np.asarray(v) for k, v in whole.items()}), "mixed.parquet")
    frame = pd.DataFrame(columns(rows(0)) | whole)
    for read in (lambda: read_file("mixed.parquet"), lambda: compare({"a": frame, "b": rows(1)}, "cka", groups=0)):
        with pytest.raises(InputError, match="whole numbers in '(index|label)'.*, and fractions in other columns"):
            read()
    pq.write_table(pa.table(ids | {"a": np.arange(N), "b": np.arange(N)[::-1]}), "whole.parquet")
    assert read_file("whole.parquet").matrix.shape == (N, 2)
    assert compare({"a": frame.astype(float), "b": rows(1)}, "cka", groups=0)[0].value is not None


@pytest.mark.parametrize(("ids", "groups"), [("ids", "group"), ("id", "groups")])
def test_ids_and_groups_are_found_under_either_name(ids: str, groups: str) -> None:
    labels = [str(k // 5) for k in range(N)]
    np.savez("a.npz", matrix=rows(0), **{ids: np.arange(N), groups: labels})
    read = read_file("a.npz")
    assert read.ids == tuple(map(str, range(N))) and read.groups == tuple(labels)
    np.savez("b.npz", matrix=rows(0), ids=np.arange(N), id=np.arange(N))
    with pytest.raises(InputError, match="holds 'ids' and 'id'; expected one of them"):
        read_file("b.npz")
    Path("log").mkdir()
    batch = pa.RecordBatch.from_pydict({"row": rows(0).tolist(), "group": labels})
    with pa.OSFile("log/data.arrow", "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    assert read_folder("log").groups == tuple(labels)


def test_groups_of_some_sides_alone_are_refused_by_every_question(tmp_path: Path) -> None:
    labels = np.asarray([str(k // 5) for k in range(N)])
    other = np.asarray([str(k // 3) for k in range(N)])
    ids = np.arange(N)
    for name, more in {"plain": {}, "grouped": {"group": labels}, "others": {"group": other}}.items():
        np.savez(f"{name}.npz", matrix=rows(0) + 0.01 * rows(len(name)), ids=ids, **more)
    match = "has groups of inputs and .* has none|have different groups"
    base, grouped, others = (read_file(f"{name}.npz") for name in ("plain", "grouped", "others"))
    for first, second in ((base, grouped), (grouped, base), (grouped, others)):
        models = {r.name: {"last": r} for r in (first, second, first.changed(name="again"))}
        with pytest.raises(InputError, match=match):
            Audit(base=first.name, floor=("again",)).answer(models)
    store = Store(tmp_path / "s")
    for name in ("p", "q", "r"):
        import_representation(Path("plain.npz"), store, name=name, dataset="d")
    with pytest.raises(InputError, match=match):
        likewise.search(store.folder, "grouped.npz")
    assert likewise.search(store.folder, "plain.npz").values["models"] == 3


def test_intervals_of_a_search_are_within_the_range_of_the_measure(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    for k in range(5):
        x = rows(0)[:14] + 0.5 * k * rows(k)[:14]
        x[3] *= 6
        np.save(f"m{k}.npy", x)
        import_representation(Path(f"m{k}.npy"), store, name=f"m{k}", dataset="d")
    (table,) = (t for t in likewise.search(store.folder, "m0").tables if t.name == "nearest")
    for row in table.rows:
        told = dict(zip(table.heads, row, strict=True))
        name = told["model"]
        of_pair = compare({"m0": np.load("m0.npy"), name: np.load(f"{name}.npy")}, "cka", permutations=0, groups=0)[0]
        least = -of_pair.null_mean / (1 - of_pair.null_mean)
        assert least - 1e-9 <= told["low"] <= told["calibrated"] <= told["high"] <= 1, told


@pytest.mark.parametrize("output", ["folder.csv", "none/scores.csv"])
def test_scores_are_shown_before_they_are_written(cli: Cli, output: str) -> None:
    """Or refused before they are computed."""
    Path("folder.csv").mkdir()
    Path("none").write_text("a file")
    code, out, err = cli("compare", "x.npy", "y.npy", *FAST, "--json", "--output", output)
    assert code and output in err
    assert (code, out) == (2, "") if output == "folder.csv" else json.loads(out)[0]["value"]


@pytest.mark.parametrize("name", ["x @ 2", "x | chat"])
def test_names_that_an_experiment_reads_otherwise_are_not_imported(cli: Cli, name: str) -> None:
    code, _, err = cli("import", f"{name}=x.npy", "--dataset", "d", "--store", "s")
    assert code == 2 and f"a model is called {name!r}; expected a name without" in err


def test_nothing_is_imported_into_what_ends_with_the_command(cli: Cli) -> None:
    code, _, err = cli("import", "x.npy", "y.npy", "--dataset", "d", "--store", "memory://a")
    assert code == 2 and "a store in memory ends with this command" in err


@pytest.mark.parametrize("key", ["split", "config", "revision"])
def test_what_is_of_the_hub_is_not_said_of_a_file(key: str) -> None:
    Path("q.jsonl").write_text('{"q": "a"}\n')
    with pytest.raises(InputError, match=f"{key}: 'train' is for data sets of the hub, and q.jsonl is a file"):
        DatasetSpec(name="q", source="q.jsonl", **{key: "train"}).completed()


def test_a_message_has_an_end(cli: Cli) -> None:
    pq.write_table(pa.table({"id": ["a" * 10**6] * 2, "f": [1.0, 2.0]}), "long.parquet")
    np.savez("many.npz", **{("k" * 200 + str(i)): np.zeros(1) for i in range(300)})
    for name in ("long.parquet", "many.npz"):
        code, out, err = cli("compare", name, "x.npy", *FAST)
        assert (code, out) == (2, "") and len(err) < LONGEST + 100 and err.count("\n") == 1


def test_the_same_inputs_in_another_order_are_told_so(tmp_path: Path) -> None:
    ids = [f"q{i}" for i in range(N)]
    for k, order in enumerate((ids, ids[::-1])):
        np.savez(f"c{k}.npz", matrix=rows(k), ids=order)
        import_representation(Path(f"c{k}.npz"), Store(tmp_path / f"s{k}"), name=f"c{k}", dataset="d")
    for path in (tmp_path / "s1" / "representations").iterdir():
        path.rename(tmp_path / "s0" / "representations" / path.name)
    asked = {"name": "m", "models": ["imported:c0", "imported:c1"], "datasets": ["imported:d"], "measures": ["cka"]}
    done = likewise.run(asked, tmp_path / "s0")
    assert "the same inputs in another order; import both files into one new store" in done.failed[0].error
