"""How what is compared is named: files with names of one's own, names of a store, rows with ids in other orders."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Cli = Callable[..., tuple[int, str, str]]
X = np.random.default_rng(0).normal(size=(24, 5))


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    np.save("y.npy", 2 * X[:, ::-1] + 1)
    ids = [f"q{i}" for i in range(24)]
    turned = np.random.default_rng(1).permutation(24)[:20]
    pq.write_table(pa.table({"id": ids, "embedding": list(X)}), "whole.parquet")
    pq.write_table(pa.table({"id": [ids[i] for i in turned], "embedding": list(X[turned])}), "part.parquet")


FAST = ("--measure", "cka", "--json")


def test_files_are_called_as_asked(cli: Cli) -> None:
    code, out, err = cli("compare", "first=x.npy", "y.npy", *FAST)
    assert code == 0 and [(r["a"], r["b"]) for r in json.loads(out)] == [("first", "y")]
    assert "no ids in first, y: rows are taken to be in the same order" in err
    code, out, _ = cli("compare", "one=x.npy", "x.npy", "x.npy", *FAST)
    assert code == 0 and json.loads(out)[2]["b"] == "x.npy (2)"
    code, out, _ = cli("learning-curve", "left=x.npy", "right=y.npy", "--size", 12, *FAST)
    assert code == 0 and {(p["a"], p["b"]) for c in json.loads(out) for p in c["points"]} == {("left", "right")}
    code, out, _ = cli("explain", "left=x.npy", "right=y.npy", "--json")
    assert code == 0 and json.loads(out)["a"] == "left"
    Path("a=b.npy").write_bytes(Path("x.npy").read_bytes())
    code, out, _ = cli("compare", "a=b.npy", "y.npy", *FAST)
    assert code == 0 and json.loads(out)[0]["a"] == "a=b"
    *_, err = cli("compare", *(f"m{i}=x.npy" for i in range(5)), *FAST)
    assert "no ids in 5 files: rows are taken to be in the same order" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x.npy"], "need at least two files or names to compare, got 1"),
        (["=x.npy", "y.npy"], "expected NAME=PATH, got '=x.npy'"),
        (["x=", "y.npy"], "expected NAME=PATH, got 'x='"),
        (["a=x.npy", "a=y.npy"], "two of the files are called 'a'"),
        (["a=none.npy", "y.npy"], "there is no file none.npy"),
        (["x.npy", "y.npy", "--join", "outer"], "expected exact or inner"),
    ],
)
def test_names_that_are_none_are_refused(cli: Cli, words: list[str], message: str) -> None:
    code, out, err = cli("compare", *words, *FAST)
    assert (code, out) == (2, "") and message in err and len(err.splitlines()) <= 2


@pytest.mark.parametrize("command", ["compare", "learning-curve", "explain"])
def test_join_is_as_the_message_says(cli: Cli, command: str) -> None:
    measure = ("--measure", "jaccard", "--json")
    code, _, err = cli(command, "whole.parquet", "part.parquet", *measure)
    assert code == 2 and "4 ids are missing in part" in err and "--join inner" in err
    code, out, err = cli(command, "whole.parquet", "part.parquet", "--join", "inner", *measure)
    assert code == 0 and "left out 4 of 24 rows of whole" in err and "reordered part by id" in err
    if command == "compare":
        assert json.loads(out)[0]["value"] == 1 and json.loads(out)[0]["n_items"] == 20


def test_names_of_a_store(cli: Cli) -> None:
    assert cli("import", "x.npy", "y.npy", "--dataset", "d", "--store", "s")[0] == 0
    assert cli("run", "s/imported.yaml", "--store", "s", "--executor", "serial")[0] == 0
    code, out, _ = cli("compare", "x", "y", "--store", "s", "--dataset", "d", *FAST)
    (row,) = json.loads(out)
    assert code == 0 and (row["a"], row["b"], row["dataset"]) == ("x", "y", "d") and row["a_key"]
    code, _, err = cli("compare", "x", "z", "--store", "s", "--dataset", "d", *FAST)
    assert code == 2 and "no representation 'z' on d" in err
    code, _, err = cli("compare", "x", "x", "--store", "s", "--dataset", "d", *FAST)
    assert code == 2 and "'x' is named twice" in err


def test_labels_are_as_asked(cli: Cli) -> None:
    words = ("--measure", "jaccard(k=10)", "--permutations", 5)
    for command in ("compare", "learning-curve"):
        code, out, _ = cli(command, "x.npy", "y.npy", *words)
        assert code == 0 and "jaccard(k=10)" in out


def test_the_one_data_set_of_a_store_need_not_be_named(cli: Cli) -> None:
    assert cli("import", "x.npy", "y.npy", "--dataset", "d", "--store", "s")[0] == 0
    assert cli("run", "s/imported.yaml", "--store", "s", "--executor", "serial", "-q")[0] == 0
    code, out, err = cli("compare", "x", "y", "--store", "s", *FAST)
    assert code == 0, err
    assert [(r["a"], r["b"]) for r in json.loads(out)] == [("x", "y")]


def test_a_model_beside_files_is_named(cli: Cli) -> None:
    for words in (("x.npy", "some/model"), ("some/model", "x.npy")):
        code, _, err = cli("audit", *words)
        assert code == 2 and "some/model" in err and "expected models alone, or rows alone" in err
