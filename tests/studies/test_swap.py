"""Whether one embedder can take the place of another: what is said of cases whose answer is known."""

import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

import likewise
from likewise.cli.main import app
from likewise.errors import InputError
from likewise.inference.leftout import mean_with_ends
from likewise.studies.swap.vectors import groups_of

PAGE = Path(__file__).parents[2] / "docs" / "swap.md"


def vectors(n: int = 400, d: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), np.linalg.qr(rng.normal(size=(d, d)))[0]


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "dot"])
def test_identical_rotated_and_unrelated(metric: str) -> None:
    x, turn = vectors()
    same = likewise.swap(x, x, metric=metric)
    assert same.values["overlap@10"] == same.values["rbo"] == 1 and same.values["same_space"] is True
    assert "The old index can stay as it is" in same.verdict
    turned = likewise.swap(x, x @ turn, metric=metric)
    assert turned.values["overlap@100"] == 1 and turned.values["same_space"] is False
    assert turned.values["mapped.recall@10"] == pytest.approx(1, abs=0.01) and turned.values["mapped.stays"] is True
    assert "The old index cannot stay as it is" in turned.verdict and "map it can stay" in turned.verdict
    other = likewise.swap(x, vectors(seed=5)[0], metric=metric)
    assert other.values["overlap@10.low"] <= 10 / 399 * 1.2 and other.values["mapped.stays"] is False
    assert other.values["overlap@10.chance"] == 10 / 399


def test_a_map_that_may_be_enough_is_not_passed_over_and_none_is_judged_by_one_alone() -> None:
    """Features stretched: a rotation cannot follow them, a linear map can."""
    rng = np.random.default_rng(3)
    x, _ = vectors()
    y = x * np.linspace(0.2, 3, x.shape[1]) + 0.1 * rng.normal(size=x.shape)
    first = likewise.swap(x, y).values
    unsure = likewise.swap(x, y, enough=first["ridge.recall@10"])
    assert first["orthogonal.recall@10.high"] < first["ridge.recall@10"]
    assert unsure.values["mapped.map"] == "ridge" and unsure.values["mapped.stays"] is None
    assert "Whether a learnt linear (ridge) map is enough cannot be told" in unsure.verdict
    none = likewise.swap(x, y, enough=0.999)
    assert none.values["mapped.stays"] is False
    assert "with an orthogonal one and" in none.verdict and "with a linear one (ridge), on" in none.verdict


def test_queries_against_a_corpus_and_unequal_widths() -> None:
    x, turn = vectors(d=6)
    wide = np.c_[x @ turn, np.zeros(len(x))]
    found = likewise.swap(x[:300], wide[:300], queries=(x[300:], wide[300:]))
    assert found.values["queries"] == found.values["held_out"] == 100 and found.values["pairs"] == 300
    assert found.values["overlap@10"] == found.values["orthogonal.recall@10"] == 1
    assert "the widths differ" in found.verdict and "unmapped.recall@10" not in found.values


def test_changed_queries_name_what_left_and_came() -> None:
    x, _ = vectors(60)
    y = x.copy()
    y[7] = -y[7]
    texts = {"texts": tuple(f"text {i}" for i in range(60))}
    ids = [f"i{i}" for i in range(60)]
    old, new = (likewise.Representation(m, ids, name, source=texts) for m, name in ((x, "old"), (y, "new")))
    answer = likewise.swap(old, new)
    first = next(t for t in answer.tables if t.name == "changed").records()[0]
    assert first["query"] == "i7" and first["text"] == "text 7" and first["overlap@10"] == 0
    assert len(first["lost"].split("; ")) == len(first["texts gained"].split("; ")) == 10
    assert any("k = 100 left out" in line for line in answer.limits)


def test_intervals_of_groups_are_wider_and_those_of_constants_have_a_width() -> None:
    each = np.repeat(np.random.default_rng(0).uniform(size=12), 8)
    alone, grouped = mean_with_ends(each), mean_with_ends(each, [str(i // 8) for i in range(96)])
    assert grouped[2] - grouped[1] > 2 * (alone[2] - alone[1])
    assert mean_with_ends(np.ones(100)) == (1.0, 0.025**0.01, 1.0)
    assert mean_with_ends(np.ones(3)) == (1.0, None, None)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"metric": "cosin"}, "metric"),
        ({"p": 1.0}, "p = 1.0"), ({"ks": ()}, "k = none"), ({"ks": (400,)}, "candidates"),
        ({"queries": (np.ones((3, 8)), np.ones((4, 8)))}, "rows"),
        ({"train": 0}, "train = 0"),
        ({"queries": (np.ones((3, 2)), np.ones((3, 2)))}, "columns"),
    ],
)  # fmt: skip
def test_refusals(asked: dict, message: str) -> None:
    x, turn = vectors()
    with pytest.raises(InputError, match=message):
        likewise.swap(x, x @ turn, **asked)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, turn = vectors()
    np.save("old.npy", x.astype(np.float32))
    np.save("short.npy", x[:9])
    ids = [f"q{i}" for i in range(len(x))]
    pa.parquet.write_table(pa.table({"id": ids, "v": list(x @ turn)}), "new.parquet")
    done = CliRunner().invoke(app, ["swap", "old.npy", "new.parquet", "--json"])
    assert done.exit_code == 0 and '"same_space": false' in done.stdout
    for words in (["old.npy", "none.npy"], ["old.npy", "short.npy"], ["old.npy", "new.parquet", "--metric", "x"]):
        wrong = CliRunner().invoke(app, ["swap", *words])
        assert isinstance(wrong.exception, InputError) and "\n" not in str(wrong.exception)


def test_the_page_shows_its_true_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    exec(text.split("```python\n")[1].split("```")[0], {})
    line = next(part for part in text.splitlines() if part.startswith("    likewise swap"))
    done = CliRunner().invoke(app, shlex.split(line)[1:])
    assert done.exit_code == 0
    shown = text.split("```text\n")[1].split("```")[0].strip().splitlines()
    said = {*done.stdout.splitlines(), *done.stderr.splitlines()}
    assert [part for part in shown if part.strip() and part.strip() not in {s.strip() for s in said}] == []


def test_no_map_is_tested_on_the_next_part_of_a_text_that_it_was_learnt_on() -> None:
    """Of texts in parts, one after the other, whole stretches are held out: named groups say the same."""
    rng = np.random.default_rng(0)
    text, order = np.arange(600) // 6, rng.permutation(600)
    # The new embedder knows each text by directions of its own: what is learnt of others says nothing.
    old = rng.normal(size=(100, 60))[text] + 0.3 * rng.normal(size=(600, 60))
    new = rng.normal(size=(100, 60))[text] + 0.3 * rng.normal(size=(600, 60))
    named = [likewise.Representation(m, groups=text.astype(str).tolist()) for m in (old, new)]
    asked = ((old, new), named, (old[order], new[order]))
    found = [likewise.swap(*given).values["ridge.recall@10"] for given in asked]
    assert max(found[:2]) < 0.15 < 0.4 < found[2]
    limits = [" ".join(likewise.swap(*given).limits) for given in asked]
    words = ["stretches of queries", "groups", "queries"]
    assert all(f"with {word} taken as independent" in told for word, told in zip(words, limits, strict=True))


@pytest.mark.parametrize(("n", "size", "least"), [(100, 10, 10), (300, 30, 30), (600, 6, 12), (36, 6, 5)])
def test_stretches_are_as_long_as_texts_also_where_these_are_few(n, size, least) -> None:
    rng = np.random.default_rng(0)
    old, new = (rng.normal(size=(n // size, 30))[np.arange(n) // size] + 0.3 * rng.normal(size=(n, 30)) for _ in "on")
    groups, said = groups_of([likewise.Representation(m) for m in (old, new)])
    assert min(np.bincount(np.asarray(groups, dtype=int))) >= 0.8 * least and said.startswith("stretches")


@pytest.mark.parametrize("far", [1, 100])
def test_exchanged_queries_are_told_also_in_long_runs(far) -> None:
    rng = np.random.default_rng(0)
    corpus = rng.normal(size=(600, 12))
    queries = corpus[rng.integers(0, 600, size=2000)] + 0.1 * rng.normal(size=(2000, 12))
    queries += 0.5 * rng.normal(size=(2000 // far, 12))[np.arange(2000) // far] * (far > 1)
    turn = np.linalg.qr(rng.normal(size=(12, 12))).Q
    limits = likewise.swap(corpus, corpus @ turn, queries=(queries @ turn, queries)).limits
    assert any("exchanged" in line for line in limits)


@pytest.mark.parametrize("different", [1, 60, 180, 200])
def test_vectors_that_equal_others_are_told(different: int) -> None:
    """As an embedder gives them that has failed."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4))
    limits = likewise.swap(rows, rows[np.arange(200) % different]).limits
    assert [line.split(":")[0] for line in limits if "arbitrary" in line] == [
        f"{200 - different} of 200 vectors of new equal an earlier one"
    ] * (different < 180)


def test_no_map_is_tested_on_vectors_that_it_was_learnt_on() -> None:
    """Fifty vectors, each about twenty times, of embedders that have nothing in common."""
    rng = np.random.default_rng(0)
    which = rng.integers(50, size=1000)
    old, new = (rng.normal(size=(50, 64))[which] for _ in range(2))
    answer = likewise.swap(old, new)
    assert answer.values["mapped.recall@10"] < 0.3 and not answer.values["mapped.stays"]
    assert any("with equal vectors as one group" in limit for limit in answer.limits)


def test_tensors_of_any_type_are_taken() -> None:
    torch = pytest.importorskip("torch")
    x, turn = vectors()
    old, new = torch.asarray(x).bfloat16(), torch.asarray(x @ turn).float().requires_grad_()
    assert likewise.swap(old, new).values["overlap@10"] > 0.9


def test_no_map_is_learnt_on_rows_that_are_queries() -> None:
    rng = np.random.default_rng(0)
    old = rng.normal(size=(120, 8))
    new = old @ np.linalg.qr(rng.normal(size=(8, 8))).Q
    fresh = rng.normal(size=(30, 8)), rng.normal(size=(30, 8))
    for queries, pairs, said in (((old[:30], new[:30]), 90, True), (fresh, 120, False)):
        answer = likewise.swap(old, new, queries=queries)
        assert answer.values["pairs"] == pairs
        assert any("30 rows of the corpus are queries too" in text for text in answer.limits) is said
