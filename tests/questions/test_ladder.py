"""Ladders: the place of a score between copies of growing damage, for sure and as it is; of models and of rows."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import likewise
from likewise.errors import InputError
from likewise.representation import Representation
from likewise.studies import RUNGS, Answer, Ladder, Rung, Score

Cli = Callable[..., tuple[int, str, str]]

SDS = (0.1, 0.2, 0.4, 0.8)


def rows_of(seed: int = 0, n: int = 80) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """A base, its rungs by noise, and noise of another direction."""
    base, noise, other = np.random.default_rng(seed).normal(size=(3, n, 6))
    return base, {f"noise(sd={sd})": base + sd * noise for sd in SDS}, other


@settings(max_examples=15, deadline=None)
@given(
    st.floats(0.02, 1.2),
    st.sampled_from(["cka(debiased=True)", "procrustes_angle", "relative_error"]),
    st.integers(0, 2**31),
)
def test_a_score_stands_between_its_neighbours_of_similarities_and_distances(
    sd: float, measure: str, seed: int
) -> None:
    base, rungs, other = rows_of(seed)
    answer = likewise.ladder(base, {"mine": base + sd * other}, rungs=rungs, measure=measure)
    scores = {row["amount"]: row["score"] for row in answer.tables["rungs"].records()}
    own = answer.tables["placed"].records()[0]["score"]
    sign = 1 if measure.startswith("cka") else -1
    better = [amount for amount in SDS if sign * scores[amount] > sign * own]
    worse = [amount for amount in SDS if sign * scores[amount] < sign * own]
    assert answer.values["noise.from"] == max(better, default=0)
    assert answer.values["noise.to"] == min(worse, default=None)
    assert answer.values["noise.low"] <= answer.values["noise.from"]
    if (high := answer.values["noise.high"]) is not None:
        assert high >= answer.values["noise.to"]
    # A score that is given stands where the same score of a copy stands.
    told = likewise.ladder(base, rungs=rungs, measure=measure, score=own)
    assert [told.values[f"noise.{end}"] for end in ("from", "to")] == [
        answer.values[f"noise.{end}"] for end in ("from", "to")
    ]


def test_the_interval_of_a_score_widens_its_place() -> None:
    base, rungs, _ = rows_of()
    exact = likewise.ladder(base, rungs=rungs, score=0.93).values
    wide = likewise.ladder(base, rungs=rungs, score=(0.93, 0.85, 0.995)).values
    assert (exact["noise.from"], exact["noise.to"]) == (wide["noise.from"], wide["noise.to"]) == (0.2, 0.4)
    assert wide["noise.low"] < exact["noise.low"]
    assert wide["noise.high"] > exact["noise.high"]


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (1.0, "noise of sd 0 to 0.1"),
        (0.01, "noise of more than sd 0.8"),
        (0.97, "noise of sd 0.1 to 0.2"),
        (0.9, "noise of sd 0.2 to 0.4"),
    ],
)
def test_places_in_words(score: float, words: str) -> None:
    base, rungs, _ = rows_of()
    assert f"is as alike as a copy with {words}" in likewise.ladder(base, rungs=rungs, score=score).verdict


@pytest.mark.parametrize(
    ("score", "words"),
    [(1.0, "8 bits or more"), (0.9985, "8 to 6 bits"), (0.98, "6 to 4 bits"), (0.1, "fewer than 4 bits")],
)
def test_places_in_bits(score: float, words: str) -> None:
    base, noise = np.random.default_rng(0).normal(size=(2, 80, 6))
    rungs = {f"quantize(bits={bits})": base + 5 * 2.0**-bits * noise for bits in (4, 8, 6)}
    answer = likewise.ladder(base, rungs=rungs, score=score)
    assert answer.tables["placed"].records()[0]["between"] == words


def test_rungs_out_of_order_beyond_luck_are_said_and_give_no_place() -> None:
    base, rungs, other = rows_of()
    turned = dict(zip(rungs, reversed(rungs.values()), strict=True))
    answer = likewise.ladder(base, {"mine": base + 0.3 * other}, rungs=turned)
    assert answer.values["ordered"] is False
    assert answer.values["noise.from"] is None
    assert "rungs are out of order: " in answer.verdict
    with pytest.raises(likewise.UndefinedError, match="rungs are out of order"):
        answer.failed("noise.from > 0.1")
    # Two rungs of one damage differ by luck alone, whichever comes first.
    near = {"noise(sd=0.1)": rungs["noise(sd=0.1)"], "noise(sd=0.11)": base - 0.0999 * other}
    assert likewise.ladder(base, rungs=near).values["ordered"] is True


def test_a_rung_without_a_score_says_why() -> None:
    base, rungs, _ = rows_of()
    answer = likewise.ladder(base, rungs={**rungs, "noise(sd=2.0)": np.ones_like(base)}, score=0.9)
    assert answer.values["noise.from"] is None
    assert "has no place on the ladder: noise of sd 2: " in answer.verdict


def test_the_shares_of_two_kinds_each_have_a_place_and_a_figure() -> None:
    base, rungs, other = rows_of()
    pruned = {f"prune(fraction={share})": np.where(abs(base) < 1.5 * share, 0, base) for share in (0.2, 0.5, 0.8)}
    answer = likewise.ladder(base, {"a": base + 0.3 * other, "b": base + 0.5 * other}, rungs={**rungs, **pruned})
    assert {"a.noise.from", "a.prune.to", "b.noise.low", "b.prune.high"} <= set(answer.values)
    assert [drawing.name for drawing in answer.drawings] == ["ladder-noise", "ladder-prune"]
    assert len(answer.tables["placed"].rows) == 4


def test_all_rungs_that_come_with_it_can_be_read() -> None:
    words = [Rung.of(call, call).words for call in RUNGS]
    assert len(set(words)) == len(words)
    assert {"noise of sd 0.05", "30 % pruned", "4 bits"} <= set(words)


@pytest.fixture
def model(tiny: Callable[..., Path]) -> str:
    return str(tiny("llama", 0))


CALLS = ("noise(sd=0.05)", "noise(sd=0.5)", "prune(fraction=0.1)", "prune(fraction=0.6)")


def test_a_ladder_of_a_model_is_kept_and_scores_of_stores_are_placed(cli: Cli, model: str, tmp_path: Path) -> None:
    rungs = [word for call in CALLS for word in ("--rung", call)]
    line = ["ladder", f"base={model}", *rungs, "--limit", 24, "--executor", "serial", "--store", "kept"]
    code, out, err = cli(*line)
    assert code == 0, err
    assert "cka(debiased=True) with base goes from " in out
    code, out, err = cli(*line[:2], f"mine={model}:noise(sd=0.2)", f"same={model}:prune(fraction=0.6)", *line[2:],
                         "-o", "answer", "--fail-if", "mine.noise.from < 0.1")  # fmt: skip
    assert code == 3, err
    values = json.loads((tmp_path / "answer" / "answer.json").read_text())["values"]
    assert (values["mine.noise.from"], values["mine.noise.to"]) == (0.05, 0.5)
    # A copy that is a rung stands on it.
    same = "prune(fraction=0.6)"
    assert values[f"{same}.prune.from"] == values[f"{same}.prune.to"] == 0.6
    # The same score, out of an experiment in a store of its own.
    other = {
        "name": "mine",
        "models": [{"model": model, "name": "x"}, {"model": model, "name": "y", "variant": "noise(sd=0.2)"}],
        "datasets": [{"source": "mixed-prompts", "limit": 24}],
        "measures": ["cka(debiased=True)"],
    }
    likewise.run(other, tmp_path / "other")
    code, out, err = cli(*line, "--of", "other/mine", "-o", "placed")
    assert code == 0, err
    again = json.loads((tmp_path / "placed" / "answer.json").read_text())["values"]
    assert (again["y.noise.from"], again["y.noise.to"]) == (0.05, 0.5)
    code, _, err = cli(*line, "--of", "other/none")
    assert code == 2
    assert "has no experiment 'none'" in err
    code, _, err = cli(*line, "--of", "other/mine", "--measure", "procrustes_angle")
    assert code == 2
    assert "no other score with base by procrustes_angle" in err


def test_files_of_rows(cli: Cli, tmp_path: Path) -> None:
    base, rungs, other = rows_of()
    np.save(tmp_path / "base.npy", base)
    np.save(tmp_path / "mine.npy", base + 0.3 * other)
    words = []
    for k, (call, rows) in enumerate(rungs.items()):
        np.save(tmp_path / f"r{k}.npy", rows)
        words += ["--rung", f"{call}=r{k}.npy"]
    code, out, err = cli("ladder", "base.npy", "mine.npy", *words)
    assert code == 0, err
    assert likewise.ladder(base, {"mine": base + 0.3 * other}, rungs=rungs).verdict in out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["a.npy", "b.npy"], "a ladder of files: expected --rung CALL=FILE"),
        (["a.npy", "gpt2"], "expected models alone, or rows alone"),
        (["gpt2", "a.npy"], "a.npy is a file of rows, and gpt2 is none"),
        (["a.npy", "--rung", "b.npy"], "expected CALL=FILE"),
        (["a.npy", "--rung", "noise(sd=1)=b.npy", "--score", "x"], "expected VALUE, or VALUE,LOW,HIGH"),
        (["a.npy", "--rung", "noise(sd=1)=b.npy", "--score", "1,2"], "a score of 2 numbers"),
        (["a.npy", "--rung", "noise(sd=1)=b.npy", "--score", "1,2,3"], "expected the interval around it"),
        (["a.npy", "--rung", "noise(sd=1)=b.npy", "--score", "nan"], "a score of nan; expected finite numbers"),
        (["a.npy", "--rung", "noise(sd=-1)=b.npy"], "expected 0 or more"),
        (["a.npy", "--rung", "reinitialize(seed=1)=b.npy"], "expected one of noise(sd=...)"),
        (["a.npy", "--rung", "noise(sd=1)=b.npy", "--layer", "3"], "the files hold rows"),
        (["gpt2:noise(sd=1)"], "is a changed copy; expected the model as it is"),
        (["gpt2", "gpt2"], "is gpt2 itself; expected another model"),
        (["gpt2", "--rung", "prune(share=1)"], "prune has no parameter 'share'"),
    ],
)
def test_lines_that_cannot_be_understood_end_with_2(cli: Cli, tmp_path: Path, line: list[str], said: str) -> None:
    for k, name in enumerate("ab"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(k).normal(size=(20, 3)))
    code, _, err = cli("ladder", *line)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_what_a_study_refuses() -> None:
    base, rungs, _ = rows_of()
    results = likewise.compare({"base": base, **rungs}, ["cka"], permutations=0)
    assert Ladder().answer(results) is None
    steps = tuple(Rung.of(call, call) for call in rungs)
    assert isinstance(Ladder("base", steps).answer(results), Answer)
    with pytest.raises(InputError, match="no score is of other"):
        Ladder("other", steps).answer(results)
    both = {f"{name}{at}": rows for name, rows in {"base": base, **rungs}.items() for at in ("", " @ 3")}
    study = Ladder("base", steps, scores=(Score("mine", 0.9),))
    with pytest.raises(InputError, match="scores are placed on one layer"):
        study.answer(likewise.compare(both, ["cka"], permutations=0, pairs=study.wanted))


def test_rows_equal_to_the_base_have_a_place() -> None:
    """Rounding may carry their score past the ends of its own interval."""
    base, other = np.random.default_rng(0).normal(size=(2, 40, 6))
    rungs = {"noise(sd=0.1)": base + 0.1 * other, "noise(sd=0.5)": base + 0.5 * other}
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6))).Q
    for copy in (base, -base, base @ turn):
        assert "as alike as a copy with noise of sd 0 to 0.1" in likewise.ladder(base, {"c": copy}, rungs=rungs).verdict


def test_without_intervals_no_place_is_sure() -> None:
    """As of four groups of inputs."""
    base, noise, other = np.random.default_rng(1).normal(size=(3, 40, 6))
    groups = [str(k % 4) for k in range(40)]

    def rows(x: np.ndarray) -> Representation:
        return Representation(x, groups=groups)

    rungs = {f"noise(sd={sd})": rows(base + sd * noise) for sd in (0.2, 0.28, 0.32, 0.4)}
    answer = likewise.ladder(rows(base), {"c": rows(base + 0.3 * other)}, rungs=rungs)
    assert answer.values["noise.from"] == 0.32 and "(any sd with 95 %)" in answer.verdict
    assert answer.values["noise.low"] in (None, 0.0) and answer.values["noise.high"] is None
