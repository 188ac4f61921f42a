"""Tracks: what moves most, what is settled, what goes with a number; of models, of files, of several runs."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import likewise
from likewise.errors import InputError
from likewise.questions.versions import checkpoints_in, entries_of, number_in, read_numbers
from likewise.representation import Representation
from likewise.studies import Answer, Point, Track

Cli = Callable[..., tuple[int, str, str]]


def moving(steps: dict[float, float], *, seed: int = 0, n: int = 60) -> dict[str, np.ndarray]:
    """Rows that lie so much of the way from a start to an end at each step, and a little beside it."""
    start, end = np.random.default_rng(seed).normal(size=(2, n, 6))
    aside = np.random.default_rng(seed + 1).normal(size=(len(steps), n, 6))
    return {
        f"step-{step:g}": start + way * (end - start) + 0.02 * beside
        for (step, way), beside in zip(steps.items(), aside, strict=True)
    }


WAYS = {0.0: 0.0, 100.0: 0.1, 200.0: 0.7, 400.0: 1.0, 800.0: 1.0}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3), st.sampled_from(["cka(debiased=True)", "procrustes_angle"]), st.integers(0, 2**31))
def test_the_stretch_that_moves_most_is_found_of_similarities_and_distances(at: int, measure: str, seed: int) -> None:
    ways = np.concatenate([[0.0], np.cumsum([0.8 if k == at else 0.05 for k in range(4)])])
    rows = moving(dict(zip((0.0, 10.0, 20.0, 30.0, 40.0), ways / ways[-1], strict=True)), seed=seed)
    answer = likewise.track(rows, measure=measure)
    assert (answer.values["from"], answer.values["to"]) == (10 * at, 10 * at + 10)
    places = answer.tables["places"].records()
    direct = likewise.compare(rows, [measure], permutations=0)
    for (x, a), (y, b) in itertools.pairwise(enumerate(rows)):
        assert places[x]["to next"] == direct[a, b][0].value
        assert places[y]["to first"] == direct["step-0", b][0].value
        assert places[x]["to last"] == direct[a, "step-40"][0].value


def test_settled_is_said_of_ends_of_intervals_and_none_where_none_is() -> None:
    answer = likewise.track(moving(WAYS))
    assert answer.values["settled_from"] == 400
    places = answer.tables["places"].records()
    assert [row["last low"] >= 0.98 for row in places] == [False, False, False, True, True]
    assert "from step 400 on it is within 0.02 of the last" in answer.verdict
    strict = likewise.track(moving(WAYS), tolerance=0)
    assert strict.values["settled"] is False
    assert strict.values["settled_from"] is None
    assert "no earlier step is certainly within 0 of the last" in strict.verdict
    same = likewise.track({f"step-{s}": np.random.default_rng(0).normal(size=(60, 8)) for s in range(4)})
    assert same.verdict == "The last layer does not move: all versions are alike (cka(debiased=True) 1)."
    with pytest.raises(likewise.UndefinedError, match="settled_from has no value: no earlier step"):
        strict.failed("settled_from > 3")


def test_stretches_that_no_test_tells_apart_are_named() -> None:
    rows = moving({0: 0.0, 1: 0.5, 2: 1.0})
    answer = likewise.track(rows)
    (row,) = answer.tables["layers"].records()
    assert row["may move most"] == "0 to 1, 1 to 2"
    assert "which no test tells from 1 other stretch" in answer.verdict


def test_layers_come_from_names_and_from_mappings_alike_and_the_last_one_leads() -> None:
    early, late = moving(WAYS, seed=1), moving(WAYS, seed=2)
    nested = likewise.track({name: {"3": early[name], "last": late[name]} for name in late})
    flat = likewise.track({**late, **{f"{name} @ 3": rows for name, rows in early.items()}})
    assert nested.values == flat.values
    assert [row["layer"] for row in nested.tables["layers"].records()] == ["3", "last"]
    assert nested.values["value"] == nested.values["layer.last.value"] == likewise.track(late).values["value"]
    assert nested.values["layer.3.value"] == likewise.track(early).values["value"]
    assert [drawing.name for drawing in nested.drawings] == ["to-first", "to-last", "to-next"]
    assert all(len(drawing.lines) == 2 for drawing in nested.drawings)


def test_the_deepest_layer_of_files_leads_whatever_they_are_called() -> None:
    late = moving(WAYS, seed=2)
    answer = likewise.track(
        {n: {f"layer{k}": moving(WAYS, seed=k)[n] for k in (12, 3)} | {"layer100": late[n]} for n in late}
    )
    assert [row["layer"] for row in answer.tables["layers"].records()] == ["layer3", "layer12", "layer100"]
    assert answer.values["value"] == likewise.track(late).values["value"]


@pytest.mark.parametrize("lacks", ["step-0", "step-400", "step-800"])
def test_a_version_without_a_layer_is_refused(lacks: str) -> None:
    rows = moving(WAYS)
    layers = {name: {"3": x, **({} if name == lacks else {"last": x})} for name, x in rows.items()}
    with pytest.raises(InputError, match=f"{lacks} has no rows of the layer last, which others have"):
        likewise.track(layers)


def test_order_of_what_is_given_does_not_matter() -> None:
    rows = moving(WAYS)
    answer = likewise.track(dict(reversed(rows.items())))
    assert answer.values == likewise.track(rows).values


def test_seeds_are_replicates_and_bands_are_of_runs() -> None:
    runs = {f"s{k} {name}": rows for k in range(3) for name, rows in moving(WAYS, seed=10 * k).items()}
    numbers = {name: {"seed": name[:2], "step": float(name.rpartition("-")[2])} for name in runs}
    answer = likewise.track(runs, numbers=numbers)
    each = [likewise.track(moving(WAYS, seed=10 * k)).values["value"] for k in range(3)]
    assert answer.values["value"] == pytest.approx(np.mean(each))
    assert answer.values["low"] < min(each) <= max(each) < answer.values["high"] <= 1
    runs_table = answer.tables["runs"].records()
    assert [row["step"] for row in runs_table] == list(WAYS)
    assert all(row["pairs"] == 3 and row["lowest"] <= row["mean"] <= row["highest"] < 0.5 for row in runs_table)
    # One shared step is no track.
    for name in runs:
        numbers[name]["step"] += 0.5 * int(name[1])
    with pytest.raises(InputError, match="0 steps that every run has; expected two or more"):
        likewise.track(runs, numbers=numbers)


def test_a_number_that_goes_with_the_insides_is_told_from_one_that_does_not_with_the_smallest_p() -> None:
    rows = moving({k: k / 7 for k in range(8)})
    luck = np.random.default_rng(0).permutation(8)
    numbers = {name: {"step": k, "size": 2.0**k, "luck": float(luck[k])} for k, name in enumerate(rows)}
    answer = likewise.track(rows, numbers=numbers)
    found = {row["number"]: row for row in answer.tables["numbers"].records()}
    assert found["size"]["p"] == found["step"]["p"] <= 0.002  # ranks alone count
    assert found["luck"]["p"] > 0.05
    assert found["size"]["smallest p"] >= 1 / 1000
    assert found["size"]["p corrected"] == pytest.approx(3 * found["size"]["p"])
    assert "Versions further apart in size are less alike" in answer.verdict
    assert "Versions further apart in luck are not shown to be less alike" in answer.verdict
    few = likewise.track(dict(list(rows.items())[:4]))
    assert few.tables["numbers"].records()[0]["smallest p"] == pytest.approx(2 / 24)  # 4!, and the order reversed
    assert likewise.track(dict(list(rows.items())[:3])).values["layer.last.step.p"] is None


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**7),
    st.sampled_from(["checkpoint-{}", "step_{}", "{}", "global_step{}", "step{}-tokens2B", "epoch=3-step={}", "v1-{}"]),
)
def test_numbers_of_names(number: int, name: str) -> None:
    assert number_in(name.format(number)) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nom,step\na,1\n", "has no column 'name'"),
        ("name,step\na,1\na,2\n", "the name 'a' stands twice"),
        ("name,step\na,\n", "step is ''; expected a number"),
        ("name,step\na,1,2\n", "3 cells; expected 2"),
        ("name,step,step\na,1,2\n", "two columns 'step'"),
        ("name,step\na,nan\nb,1\n", "step is nan; expected 0, or a size from"),
        ("name,seed\na,1\nb,2\n", "no column but names and runs"),
        ("name,step\na,1\nb,1\n", "a and b have the same step, 1"),
        ("name,step\na,1\nc,2\n", "the numbers have no 'b'"),
        ("", "has no column 'name'"),
    ],
)
def test_tables_of_numbers_that_cannot_be_used_get_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text(text)
    rows = dict(zip("ab", moving({0: 0.0, 1: 1.0}).values(), strict=True))
    with pytest.raises(InputError, match=said):
        likewise.track(rows, numbers=path)


def test_folders_without_checkpoints_get_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        checkpoints_in(tmp_path / "none")
    np.save(tmp_path / "step-1.npy", np.eye(3))
    with pytest.raises(InputError, match="holds 1 checkpoint; expected two or more"):
        checkpoints_in(tmp_path)
    np.save(tmp_path / "final.npy", np.eye(3))
    with pytest.raises(InputError, match=r"'final\.npy' has no number in its name"):
        checkpoints_in(tmp_path)
    with pytest.raises(InputError, match="expected MODEL@REVISION"):
        entries_of(["@main"])
    with pytest.raises(InputError, match="there is no file"):
        read_numbers(tmp_path / "none.csv")


@pytest.fixture(scope="session")
def checkpoints(tiny: Callable[..., Path], once: Callable[..., Path]) -> Path:
    """A folder of checkpoints whose weights go from those of one tiny model to those of another, and stay there."""

    def fill(folder: Path) -> None:
        import torch
        import transformers

        ends = [transformers.AutoModelForCausalLM.from_pretrained(tiny("llama", seed)).state_dict() for seed in (0, 1)]
        tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("llama", 0))
        model = transformers.AutoModelForCausalLM.from_pretrained(tiny("llama", 0))
        for step, way in ((5, 0.0), (10, 0.1), (20, 0.9), (100, 0.9999), (200, 1.0)):
            with torch.no_grad():
                model.load_state_dict({key: ends[0][key] * (1 - way) + ends[1][key] * way for key in ends[0]})
            model.save_pretrained(folder / f"checkpoint-{step}")
            tokenizer.save_pretrained(folder / f"checkpoint-{step}")
        (folder / "runs").mkdir()

    return once("checkpoints-of-llama", fill)


def test_checkpoints_of_a_folder_are_run_in_the_order_of_their_numbers_and_kept(
    checkpoints: Path, cli: Cli, tmp_path: Path
) -> None:
    line = ("track", "--checkpoints", checkpoints, "--limit", 24, "--executor", "serial", "--store", tmp_path / "kept")
    code, out, err = cli(*line, "--fail-if", "settled_from > 100", "--output", "answer")
    assert code == 0, err
    told = json.loads((tmp_path / "answer" / "answer.json").read_text())
    assert told["verdict"] in out
    # The last two have nearly the same weights.
    assert (told["values"]["from"], told["values"]["to"]) == (10, 20)
    assert told["values"]["settled_from"] == 100
    assert {"layer.1.value", "layer.2.value", "layer.last.value"} <= set(told["values"])
    again = cli(*line, "--fail-if", "settled_from >= 100")
    assert again[0] == 3
    assert again[1] == out


def test_files_of_rows_in_folders_and_by_a_table(cli: Cli, tmp_path: Path) -> None:
    ids = [f"i{k}" for k in range(60)]
    rows = moving(WAYS)
    (tmp_path / "flat").mkdir()
    for name, matrix in rows.items():
        np.savez(tmp_path / "flat" / f"{name}.npz", matrix=matrix, ids=np.asarray(ids))
        (tmp_path / "deep" / name).mkdir(parents=True)
        np.save(tmp_path / "deep" / name / "last.npy", matrix)
        np.save(tmp_path / "deep" / name / "3.npy", matrix + 1)
    (tmp_path / "numbers.csv").write_text("name,step\n" + "".join(f"flat/{n}.npz,{n[5:]}\n" for n in rows))
    direct = likewise.track({n: Representation(m, ids, n) for n, m in rows.items()})
    for line in (
        ["--checkpoints", "flat"],
        ["--numbers", "numbers.csv"],
        ["--checkpoints", "deep"],
        [f"flat/{n}.npz" for n in rows],
    ):
        code, out, err = cli("track", *line)
        assert code == 0, err
        assert direct.verdict in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["track"], "expected versions: MODEL@REVISION, --checkpoints FOLDER or --numbers FILE"),
        (["track", "a.npy"], "1 version; expected two or more"),
        (["track", "a.npy", "a.npy"], "a.npy is named twice"),
        (["track", "a.npy", "gpt2"], "a.npy is a file of rows, and gpt2 is none"),
        (["track", "a.npy", "b.npy", "--data", "humaneval"], "--data is for models; the files hold rows"),
        (["track", "a.npy", "b.npy", "--at", "size"], "there is no number 'size'"),
        (["track", "a.npy", "b.npy", "--measure", "cha"], 'did you mean "cka"'),
        (["track", "a.npy", "--checkpoints", "."], "expected versions or --checkpoints, got both"),
        (["track", "a.npy", "b.npy", "--numbers", "none.csv"], "there is no file none.csv"),
    ],
)
def test_lines_that_cannot_be_understood_end_with_2(cli: Cli, tmp_path: Path, line: list[str], said: str) -> None:
    for k, name in enumerate("ab"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(k).normal(size=(20, 3)))
    code, _, err = cli(*line)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_a_study_without_versions_has_no_answer_and_one_layer_without_scores_says_why() -> None:
    results = likewise.compare(moving(WAYS), ["cka"], permutations=0)
    assert Track().answer(results) is None
    constant = {f"step-{k}": np.ones((20, 3)) for k in range(3)}
    answer = likewise.track(constant)
    assert isinstance(answer, Answer)
    assert answer.values["value"] is None
    assert answer.reasons["value"]
    assert "has no score between neighbours" in answer.verdict
    with pytest.raises(InputError, match="expected 0 or more"):
        Track((Point("a", {"step": 1.0}), Point("b", {"step": 2.0})), tolerance=-1)


def test_numbers_that_are_none_get_one_line() -> None:
    rows = moving(WAYS)
    with pytest.raises(InputError, match="expected numbers by name"):
        likewise.track(rows, numbers={name: {"step": "early"} for name in rows})
