"""Searches: the same scores as of the whole comparison, their order, ranks, and what cannot be searched."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import likewise
from likewise.errors import InputError
from likewise.inference import rank_intervals
from likewise.measures import Configuration, prepare
from likewise.plan import kept_on, unreferenced
from likewise.representation import Representation
from likewise.run import import_representation
from likewise.scoring import Reduced, reduce, score_one
from likewise.store import Store

Cli = Callable[..., tuple[int, str, str]]
N = 60
NAMES = [f"m{i}" for i in range(7)]


def rows(seed: int, share: float, n: int = N) -> np.ndarray:
    common = np.random.default_rng(99).normal(size=(n, 6))
    return (share * common + np.random.default_rng(seed).normal(size=(n, 6))).astype(np.float32)


ROWS = {name: rows(i, i / 2) for i, name in enumerate(NAMES)}


def keep(folder: Path, given: dict[str, np.ndarray] = ROWS, dataset: str = "d") -> Store:
    store = Store(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, matrix in given.items():
        np.save(folder / f"{name}.npy", matrix)
        import_representation(folder / f"{name}.npy", store, name=name, dataset=dataset)
    return store


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return keep(tmp_path_factory.mktemp("kept"))


@pytest.mark.parametrize("measure", ["cka", "rsa", "cka(debiased=True)", 'rsa(outer="spearman")'])
def test_a_search_is_a_row_of_the_whole_comparison(kept: Store, measure: str) -> None:
    answer = likewise.search(kept.folder, "m5", measure=measure)
    whole = likewise.compare(ROWS, measure, permutations=0)
    of_one = {r.b if r.a == "m5" else r.a: r for r in whole if "m5" in (r.a, r.b)}
    found = answer.tables["nearest"].records()
    assert [r["model"] for r in found] == sorted(of_one, key=lambda name: -of_one[name].calibrated)
    assert [r["rank"] for r in found] == [1, 2, 3, 4, 5, 6]
    for r in found:
        row = of_one[r["model"]]
        assert r["score"] == pytest.approx(row.value, rel=0, abs=1e-10)
        assert r["calibrated"] == pytest.approx(row.calibrated, rel=0, abs=1e-10)
        assert r["rank low"] <= r["rank"] <= r["rank high"]
        assert r["low"] < r["calibrated"] < r["high"]
    assert answer.values["nearest"] == "m6" and answer.values["models"] == 6
    assert found[0]["rank high"] < found[-1]["rank low"], "the ends are far apart"


def test_the_top_is_the_beginning_of_the_whole_with_the_same_ranks(kept: Store) -> None:
    whole = likewise.search(kept.folder, "m5").tables["nearest"]
    assert likewise.search(kept.folder, "m5", top=2).tables["nearest"].rows == whole.rows[:2]
    assert len(likewise.search(kept.folder, "m5", top=1000).tables["nearest"].rows) == len(NAMES) - 1


def test_rows_that_are_given_are_searched_like_kept_ones(kept: Store, tmp_path: Path) -> None:
    np.save(tmp_path / "again.npy", ROWS["m5"])
    of_file = likewise.search(kept.folder, tmp_path / "again.npy")
    first, *rest = of_file.tables["nearest"].records()
    assert (first["model"], first["rank"]) == ("m5", 1) and first["score"] == pytest.approx(1, abs=1e-12)
    own = likewise.search(kept.folder, "m5").tables["nearest"].records()
    assert [r["model"] for r in rest] == [r["model"] for r in own]
    assert [r["score"] for r in rest] == pytest.approx([r["score"] for r in own], abs=1e-12)
    with pytest.raises(InputError, match="59 rows"):
        likewise.search(kept.folder, ROWS["m5"][:-1])


def test_rows_with_ids_are_brought_into_the_order_of_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ids = [f"i{k}" for k in range(N)]
    for name in NAMES[:3]:
        np.savez(tmp_path / f"{name}.npz", matrix=ROWS[name], ids=np.asarray(ids))
        import_representation(tmp_path / f"{name}.npz", store, name=name, dataset="d")
    order = np.random.default_rng(0).permutation(N)
    turned = Representation(ROWS["m1"][order], [ids[k] for k in order], "turned")
    first = likewise.search(tmp_path, turned).tables["nearest"].records()[0]
    assert first["model"] == "m1" and first["score"] == pytest.approx(1, abs=1e-12)
    with pytest.raises(InputError, match="no id is in all of the store, turned"):
        likewise.search(tmp_path, turned.changed(ids=[f"other {k}" for k in range(N)]))


def test_vectors_are_made_once_and_damage_is_said(tmp_path: Path) -> None:
    store = keep(tmp_path)
    told: list[str] = []
    before = likewise.search(tmp_path, "m5", watch=lambda what, *_: told.append(what))
    assert "making vectors" in told
    told.clear()
    store.drop_reduced()  # as each run does
    assert likewise.search(tmp_path, "m5", watch=lambda what, *_: told.append(what)).values == before.values
    assert "making vectors" not in told
    path = next((tmp_path / "vectors").rglob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(likewise.StoreError, match=f"{path.name} is damaged or foreign"):
        likewise.search(tmp_path, "m5")


@pytest.mark.parametrize(("measure", "most"), [("cka", 0.05), ("cka(debiased=True)", 0.05), ("rsa", 0.15)])
def test_scores_without_each_input_are_those_of_the_rows_to_first_order(measure: str, most: float) -> None:
    """They go with those of scores computed anew, and so does their deviation; rsa keeps the mean row of all."""
    c = Configuration.parse(measure)
    n = 120
    x, *others = (rows(seed, share, n) for seed, share in ((1, 2), (2, 2), (3, 0.5)))
    one, *sides = (reduce(c, prepare(m)) for m in (x, *others))
    scores, found = score_one(c, one, sides, n)
    assert scores == pytest.approx([c(x, y) for y in others], abs=1e-12)
    anew = np.asarray([[c(np.delete(x, i, 0), np.delete(y, i, 0)) for i in range(n)] for y in others])
    assert found.std(axis=1) == pytest.approx(anew.std(axis=1), rel=most)
    for own, other, y in zip(found, anew, others, strict=True):
        assert np.corrcoef(own, other)[0, 1] > 0.98
        assert own.mean() == pytest.approx(c(x, y), abs=1e-12)


def test_a_vector_without_a_score_is_nan_and_the_others_stay() -> None:
    c = Configuration.parse("cka")
    sides = [reduce(c, prepare(m)) for m in (ROWS["m1"], np.ones((N, 2)), ROWS["m2"])]
    assert isinstance(sides[1], Reduced) and sides[1].reason
    scores, without = score_one(c, sides[0], sides[1:], N)
    assert np.isnan(scores[0]) and np.isnan(without[0]).all()
    assert scores[1] == pytest.approx(c(ROWS["m1"], ROWS["m2"])) and np.isfinite(without[1]).all()


def test_models_without_a_score_are_counted_and_have_no_rank(tmp_path: Path) -> None:
    keep(tmp_path, {**ROWS, "flat": np.ones((N, 2), np.float32)})
    answer = likewise.search(tmp_path, "m5")
    assert answer.values["undefined"] == 1 and answer.values["models"] == 7
    assert "flat" not in answer.tables["nearest"].column("model")
    (line,) = (line for line in answer.limits if line.startswith("1 model without a calibrated score, such as flat: "))
    assert "rows of flat are equal" in line  # its vector is kept by a key, which nobody knows
    with pytest.raises(InputError, match="flat: "):
        likewise.search(tmp_path, "flat")


# Ranks


def test_intervals_of_ranks_hold_the_true_ranks() -> None:
    """Of 200 draws of 30 means that hang together, each interval misses in 5 % at most."""
    rng = np.random.default_rng(0)
    m, g, true = 30, 20, np.linspace(0, 1, 30)[::-1]
    missed = 0
    for _ in range(200):
        each = true[:, None] + rng.normal(size=(1, g)) + rng.normal(size=(m, g))
        value = each.mean(axis=1)
        without = (g * value[:, None] - each) / (g - 1)
        sets = rank_intervals(value, without, [int(np.argmax(value))])
        assert sets.rank.tolist() == [1]
        missed += not sets.low[0] <= 1 + np.argmax(value) <= sets.high[0]
    assert missed <= 0.05 * 200


def test_twins_share_ranks_and_what_has_no_parts_is_never_told_apart() -> None:
    rng = np.random.default_rng(1)
    value = np.asarray([3.0, 3.0, 2.0, np.nan, 1.0])
    without = value[:, None] + 1e-3 * rng.normal(size=(5, 20))
    without[1] = without[0]
    sets = rank_intervals(value, without, [0, 1, 2, 4])
    assert sets.rank.tolist() == [1, 1, 3, 4]
    assert (sets.low.tolist(), sets.high.tolist()) == ([1, 1, 3, 4], [2, 2, 3, 4])
    without[2, 3] = np.nan
    sets = rank_intervals(value, without, [0, 2])
    assert (sets.low.tolist(), sets.high.tolist()) == ([1, 1], [3, 4])
    with pytest.raises(InputError, match="4 parts of the inputs; expected 5 or more"):
        rank_intervals(value, without[:, :4], [0])


# What cannot be searched


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("m55",), "keeps no model 'm55'; did you mean"),
        (("m5", "--measure", "procrustes"), "procrustes is not the inner product of one vector for each model"),
        (("m5", "--measure", "cak"), 'did you mean "cka"?'),
        (("m5", "--dataset", "dd"), "which data set?"),
        (("m5", "--experiment", "e"), "has no experiment 'e'"),
        (("m5", "--top", "0"), "top"),
        (("no.npy",), "there is no file no.npy"),
        (("m5", "--fail-if", "calibratd < 1"), 'did you mean "calibrated" or'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(kept: Store, cli: Cli, words: tuple[str, ...], said: str) -> None:
    ended, out, err = cli("search", kept.folder, *words)
    assert (ended, out) == (2, "") and said in " ".join(err.split()) and "Traceback" not in err


def test_stores_with_nothing_to_search_say_what_to_do(tmp_path: Path, cli: Cli) -> None:
    for folder in (tmp_path / "none", tmp_path):
        ended, _, err = cli("search", folder, "m5")
        assert ended == 2 and "there is no store in" in err and "likewise run or likewise import makes one" in err
    keep(tmp_path / "one", {"m1": ROWS["m1"]})
    ended, _, err = cli("search", tmp_path / "one", "m1")
    assert ended == 2 and "keeps no two models on one data set; likewise run makes them" in " ".join(err.split())


def test_inputs_that_belong_together_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in NAMES[:3]:
        table = {
            "id": [str(k) for k in range(N)],
            "embedding": ROWS[name].tolist(),
            "group": [str(k // 3) for k in range(N)],
        }
        pq.write_table(pa.table(table), tmp_path / f"{name}.parquet")
        import_representation(tmp_path / f"{name}.parquet", store, name=name, dataset="d")
    assert store.describe_representation(store.representations()[0])["source"].groups
    with pytest.raises(InputError, match="belong together in groups"):
        likewise.search(tmp_path, "m1")


# From the command line, and models


def test_the_command_line_answers_like_python(kept: Store, cli: Cli, tmp_path: Path) -> None:
    answer = likewise.search(kept.folder, "m5", top=3)
    ended, out, _ = cli("search", kept.folder, "m5", "--top", 3, "--json")
    assert ended == 0 and json.loads(out) == json.loads(json.dumps(answer.as_dict()))
    ended, out, _ = cli("search", kept.folder, "m5", "--fail-if", "calibrated > 0.1", "--output", tmp_path / "out")
    assert ended == 3 and "m6 is the nearest of 6 to m5 on d: by cka," in " ".join(out.split())
    assert (tmp_path / "out" / "answer.html").exists()


def test_a_new_model_is_run_like_the_others_and_kept(tiny: Callable[..., Path], tmp_path: Path) -> None:
    base = str(tiny())
    experiment = {
        "name": "population",
        "models": [{"model": base, "name": "base"}, {"model": base, "variant": "noise(sd=0.5)", "name": "noisy"}],
        "datasets": [{"source": "commonsense-probes", "limit": 20}],
        "representation": {"layers": ["last"], "pooling": "mean"},
        "measures": [],
    }
    likewise.run(experiment, tmp_path)
    answer = likewise.search(tmp_path, f"close={base}:noise(sd=0.01)")
    assert answer.tables["nearest"].column("model") == ["base", "noisy"]
    # It was kept: the next search finds it, without a run.
    again = likewise.search(tmp_path, "base")
    assert again.tables["nearest"].column("model") == ["close", "noisy"]
    key = kept_on(Store(tmp_path))[1]["close"]
    about = Store(tmp_path).describe_representation(key)
    assert about["source"].pooling == "mean" and about["n_items"] == 20
    assert likewise.search(tmp_path, f"close={base}:noise(sd=0.01)").values == answer.values


def population(
    base: str, name: str = "population", dataset: str = "probes", layers: tuple[str, ...] = ("last",)
) -> Any:
    return {
        "name": name,
        "models": [{"model": base, "name": "base"}, {"model": base, "variant": "noise(sd=0.5)", "name": "noisy"}],
        "datasets": [{"source": "commonsense-probes", "name": dataset, "limit": 12}],
        "representation": {"layers": list(layers), "pooling": "mean"},
        "measures": [],
    }


def question(answer: Any) -> str:
    return str(answer.question).rpartition(" to ")[2]


def test_a_layer_chooses_among_kept_ones_and_is_run_where_it_is_not_kept(
    tiny: Callable[..., Path], tmp_path: Path
) -> None:
    base = str(tiny())
    likewise.run(population(base, layers=("1", "last")), tmp_path)
    assert question(likewise.search(tmp_path, "base", layer=1)) == "base @ 1?"
    assert question(likewise.search(tmp_path, "base", layer="last")) == "base?"
    for layer in ("1", "embedding", "2", "last"):
        said = question(likewise.search(tmp_path, f"close={base}:noise(sd=0.01)", layer=layer))
        assert said == ("close?" if layer == "last" else f"close @ {layer}?")
        if layer == "2":
            with pytest.raises(InputError, match="several layers in the store; name one with --layer"):
                likewise.search(tmp_path, "close")
    assert question(likewise.search(tmp_path, "close", layer=2)) == "close @ 2?"
    with pytest.raises(InputError, match="'close @ 2' is not of layer 1"):
        likewise.search(tmp_path, "close @ 2", layer=1)
    with pytest.raises(InputError, match="rows that are given are of one layer"):
        likewise.search(tmp_path, ROWS["m1"], layer=1)


def test_a_kept_layer_never_stands_for_another_one(kept: Store) -> None:
    with pytest.raises(InputError, match="no model can be run on it") as raised:
        likewise.search(kept.folder, "m5", layer=6)
    assert "keeps no model 'm5' at layer 6; it keeps layer last of it." in str(raised.value)


def test_a_name_that_is_taken_is_refused_before_the_run(tiny: Callable[..., Path], tmp_path: Path) -> None:
    base = str(tiny())
    likewise.run(population(base), tmp_path)
    store = Store(tmp_path)
    before = (store.representations(), list(store.experiments()))
    for layer in (None, "1"):
        with pytest.raises(InputError, match="another model called 'noisy'; give this one another name"):
            likewise.search(tmp_path, f"noisy={base}:noise(sd=0.1)", layer=layer)
    assert (store.representations(), list(store.experiments())) == before
    assert likewise.search(tmp_path, "base").values["models"] == 1


def test_searched_models_stay_on_each_data_set_and_an_experiment_of_that_name_counts(
    tiny: Callable[..., Path], tmp_path: Path, cli: Cli
) -> None:
    base = str(tiny())
    for k, dataset in enumerate(("d1", "d2")):
        likewise.run(population(base, f"search-{k}", dataset), tmp_path)
    new = f"close={base}:noise(sd=0.01)"
    for dataset in ("d1", "d2"):
        likewise.search(tmp_path, new, dataset=dataset)
    likewise.search(tmp_path, new, dataset="d1", layer=1)
    assert sum(name.startswith("search-close-d1-last-") for name in Store(tmp_path).experiments()) == 1
    assert unreferenced(Store(tmp_path)) == ()
    for dataset, layer in (("d1", "last"), ("d2", "last"), ("d1", "1")):
        likewise.search(tmp_path, "close", dataset=dataset, layer=layer)  # found, for no model has this name


def test_vectors_that_another_search_is_writing_are_left_alone(tmp_path: Path) -> None:
    store = keep(tmp_path)
    likewise.search(tmp_path, "m5")
    path = next((tmp_path / "vectors").rglob("*.safetensors"))
    path.with_name(f".{path.name}.host.1.0a.unfinished").write_bytes(b"half")
    assert unreferenced(store) == ()


@pytest.mark.parametrize("workers", [2, None])
def test_a_store_in_memory_is_searched_by_its_process_alone(workers: int | None, tmp_path: Path) -> None:
    store = Store(f"memory://search/alone-{workers}")
    for name in NAMES[:3]:
        np.save(tmp_path / f"{name}.npy", ROWS[name])
        import_representation(tmp_path / f"{name}.npy", store, name=name, dataset="d")
    with pytest.raises(InputError, match=f"in the memory of this process; expected workers=1, got {workers}"):
        likewise.search(store.files.address, "m1", workers=workers)
    assert likewise.search(store.files.address, "m1").values["models"] == 2
