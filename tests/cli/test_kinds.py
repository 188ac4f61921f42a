"""Tables of distances and similarities through both commands that take them, a store, a run and its report."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from likewise.errors import StoreError
from likewise.measures import Configuration
from likewise.plan import results_of
from likewise.representation import Representation
from likewise.run import import_representation
from likewise.store import Store
from likewise.testing import TABLES, draw

Cli = Callable[..., tuple[int, str, str]]
N = 24
IDS = [f"item {i}" for i in range(N)]


@pytest.fixture
def rows(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices, and their tables as files of every format, with ids where a format has them."""
    both = draw(N, 5, 7)
    for name, m in zip("xy", both, strict=True):
        np.savez(tmp_path / f"{name}.npz", matrix=m, ids=np.asarray(IDS))
        for kind, table in TABLES.items():
            (tmp_path / kind).mkdir(exist_ok=True)
            np.save(tmp_path / kind / f"{name}.npy", table(m))
            np.savez(tmp_path / kind / f"{name}.npz", matrix=table(m), ids=np.asarray(IDS))
            columns = {"id": IDS, "row": table(m).tolist()}
            pq.write_table(pa.table(columns), tmp_path / kind / f"{name}.parquet")
    return both


MEASURES = ("--measure", "cka", "--measure", "rsa", "--measure", 'jaccard(k=3, inner="euclidean")')


@pytest.mark.parametrize("suffix", ["npy", "npz", "parquet"])
@pytest.mark.parametrize("kind", TABLES)
def test_compare_takes_tables(cli: Cli, rows: tuple[np.ndarray, np.ndarray], kind: str, suffix: str) -> None:
    code, out, err = cli("compare", "x.npz", "y.npz", *MEASURES, "--permutations", 10, "--json")
    assert code == 0, err
    expected = json.loads(out)
    files = [f"{kind}/{name}.{suffix}" for name in "xy"]
    code, out, err = cli("compare", *files, "--rows", kind, *MEASURES, "--permutations", 10, "--json")
    assert code == 0, err
    found = json.loads(out)
    for part in ("value", "low", "high", "null_mean", "calibrated"):
        assert [r[part] for r in found] == pytest.approx([r[part] for r in expected], rel=1e-7)
    code, out, _ = cli("compare", *files, "--rows", kind, "--measure", "permutation_procrustes", "--json")
    (row,) = json.loads(out)
    assert (code, row["value"]) == (1, None)
    assert row["reason"].startswith(f"x is a table of {kind}, which has no features; expected rows")


def test_a_joined_table_loses_items_in_both_directions(cli: Cli, rows: tuple[np.ndarray, np.ndarray]) -> None:
    kept = np.random.default_rng(0).permutation(N)[: N - 4]
    ids, table = [IDS[i] for i in kept], TABLES["distances"](rows[1])[np.ix_(kept, kept)]
    np.savez("some.npz", matrix=table, ids=np.asarray(ids))
    words = ("--rows", "distances", "--join", "inner", "--measure", "rsa", "--json")
    code, out, err = cli("compare", "distances/x.npz", "some.npz", *words)
    assert code == 0 and "left out 4 of 24 rows of x" in err
    np.savez("rows.npz", matrix=rows[1][kept], ids=np.asarray(ids))
    _, expected, _ = cli("compare", "x.npz", "rows.npz", "--join", "inner", "--measure", "rsa", "--json")
    assert json.loads(out)[0]["value"] == pytest.approx(json.loads(expected)[0]["value"], abs=1e-12)


def test_compare_takes_the_metric(cli: Cli, rows: tuple[np.ndarray, np.ndarray]) -> None:
    files = ("distances/x.npy", "distances/y.npy", "--rows", "distances", "--measure", "jaccard", "--json")
    code, out, _ = cli("compare", *files)
    assert code == 1 and "which do not say where the origin is" in json.loads(out)[0]["reason"]
    for metric in ("cosine", "other"):
        code, out, _ = cli("compare", *files, "--metric", metric)
        assert code == 0 and 0 < json.loads(out)[0]["value"] < 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rows", "distance"], '--rows distance: unknown; did you mean "distances"'),
        (["--rows", "distances", "--metric", "euclid"], '--metric euclid: unknown; did you mean "euclidean"'),
        (["--metric", "cosine"], "--metric cosine: expected --rows distances beside it"),
        (["--rows", "distances"], "x is given as distances, but has 24 rows and 5 columns; expected a square table"),
        (["--rows", "log-probabilities"], r"x is given as log-probabilities, but row 1 \('item 1'\) has 6.9"),
    ],
)
@pytest.mark.parametrize(
    "command", [["compare", "x.npz", "y.npz"], ["import", "x.npz", "--dataset", "d", "--store", "s"]]
)
def test_what_is_not_so_is_told_in_one_line(
    cli: Cli, rows: tuple[np.ndarray, np.ndarray], command: list[str], words: list[str], message: str
) -> None:
    code, out, err = cli(*command, *words)
    assert (code, out) == (2, "") and re.search(message, err), err
    assert "Traceback" not in err and not Path("s").exists()


def test_a_table_that_nobody_calls_one_is_pointed_out(cli: Cli, rows: tuple[np.ndarray, np.ndarray]) -> None:
    said = "x is square and symmetric, and is read as hidden states; say --rows distances or similarities if it is such"
    for kind in TABLES:
        files, told = (f"{kind}/x.npz", f"{kind}/y.npz"), ("--measure", "cka", "--permutations", 3)
        assert said in cli("compare", *files, *told)[2]
        assert said not in cli("compare", *files, *told, "--rows", kind)[2]
        assert said in cli("import", f"{kind}/x.npz", "--dataset", "d", "--store", kind + "-store")[2]
    assert said not in cli("compare", "x.npz", "y.npz", "--measure", "cka")[2]


@pytest.mark.parametrize("kind", TABLES)
def test_other_commands_take_tables(cli: Cli, rows: tuple[np.ndarray, np.ndarray], kind: str) -> None:
    asked = {
        "learning-curve": ("--measure", "rsa", "--size", 12, "--permutations", 3, "--draws", 2),
        "explain": ("--measure", "cka"),
    }
    for command, words in asked.items():
        code, out, err = cli(command, "x.npz", "y.npz", *words, "--json")
        assert code == 0, err
        code, of_tables, err = cli(command, f"{kind}/x.npz", f"{kind}/y.npz", *words, "--rows", kind, "--json")
        assert code == 0, err
        numbers = [[float(v) for v in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text)] for text in (out, of_tables)]
        assert len(numbers[0]) > 5 and numbers[1] == pytest.approx(numbers[0], rel=1e-7, abs=1e-9)


def test_a_store_says_itself_what_its_rows_are(cli: Cli) -> None:
    code, _, err = cli("compare", "a", "b", "--dataset", "d", "--store", "s", "--rows", "distances")
    assert code == 2 and "--rows and --metric are for files; a store says itself what its rows are" in err


def test_imported_tables_are_run_beside_rows_and_reported(cli: Cli, rows: tuple[np.ndarray, np.ndarray]) -> None:
    into = ("--dataset", "d", "--store", "s")
    assert cli("import", "states=x.npz", *into)[0] == 0
    code, _, err = cli("import", "people=distances/y.npz", *into, "--rows", "distances")
    assert code == 0, err
    assert cli("import", "kernel=similarities/y.npz", *into, "--rows", "similarities")[0] == 0
    assert cli("import", "people=distances/y.npz", *into, "--rows", "distances")[0] == 0  # again, the same
    code, _, err = cli("import", "people=distances/y.npz", *into, "--rows", "distances", "--metric", "cosine")
    assert code == 2 and "with other kind of rows" in err
    code, _, err = cli("run", "s/imported.yaml", "--store", "s", "--executor", "serial")
    assert code == 0, err
    assert Path("s/report.html").is_file() or "report" in err
    store = Store("s")
    results = list(results_of(store, store.experiments()["imported"]))
    ckas = {tuple(sorted((c.a, c.b))): c.value for c in results if c.measure == "cka"}
    expected = Configuration.parse("cka")(rows[0].astype(np.float32), rows[1])
    assert ckas == pytest.approx(
        {("kernel", "people"): 1.0, ("kernel", "states"): expected, ("people", "states"): expected}, abs=1e-9
    )
    reasons = {c.reason for c in results if c.value is None}
    assert reasons == {
        "people is a table of distances, which do not say where the origin is; expected rows, or a measure that "
        "ignores the origin, such as one with center=True"
    }


def test_a_store_keeps_the_kind_and_says_nothing_of_states(tmp_path: Path, rows: tuple[np.ndarray, np.ndarray]) -> None:
    store = Store(tmp_path / "s")
    paths = {kind: tmp_path / kind / "x.npz" for kind in TABLES}
    tables = {
        kind: import_representation(path, store, name=kind, dataset="d", kind=kind) for kind, path in paths.items()
    }
    for kind, r in tables.items():
        back = store.load_representation(r.key)
        metric = "euclidean" if kind == "distances" else ""
        assert (back.kind, back.metric, back.matrix.dtype) == (kind, metric, np.float64)
        assert (back.matrix == np.load(paths[kind])["matrix"]).all()
    states = import_representation(tmp_path / "x.npz", store, name="states", dataset="d")
    about = json.loads(store.representation_path(states.key).with_suffix(".json").read_text())
    assert not {"kind", "metric"} & about.keys()
    assert store.load_representation(states.key).kind == "states"
    path = store.representation_path(tables["distances"].key).with_suffix(".json")
    for wrong in ({"kind": "dist"}, {"metric": "euclid"}, {"kind": "states", "metric": "cosine"}):
        path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
        with pytest.raises(StoreError):
            store.load_representation(tables["distances"].key)


def test_a_representation_changed_keeps_its_kind() -> None:
    r = Representation(np.zeros((2, 2)), kind="distances", metric="cosine").changed(name="other")
    assert (r.kind, r.metric, r.name, r.has_ids) == ("distances", "cosine", "other", False)
