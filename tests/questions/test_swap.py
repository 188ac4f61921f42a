"""Swaps of models that are run: one line, kept rows, and the same answer as of their vectors."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InputError
from likewise.questions.swap import swap_experiment
from likewise.store import Store

Cli = Callable[..., tuple[int, str, str]]
DATA = {"source": "commonsense-probes", "limit": 40}
ON = ("--data", "commonsense-probes", "--limit", 40)


def test_models_are_run_and_answered_like_their_vectors(tiny: Callable[..., Path], tmp_path: Path, cli: Cli) -> None:
    old, new = str(tiny()), f"new={tiny()}:noise(sd=0.3)"
    answer = likewise.swap(old, new, data=DATA, store=tmp_path / "kept", ks=(1, 5))
    experiment = swap_experiment(old, new, data=DATA)
    place = Store(tmp_path / "kept")
    names = {r["name"]: r["key"] for r in place.experiments()[experiment.name]["representations"]}
    vectors = [place.load_representation(key, name.partition(" @ ")[0]) for name, key in names.items()]
    assert likewise.swap(*vectors, ks=(1, 5)).values == answer.values
    assert 0 < answer.values["overlap@5"] < 1
    # The prompts themselves stand beside the queries that changed most, and beside the neighbours.
    first = answer.tables["changed"].records()[0]
    texts = place.prompts(vectors[0].source, vectors[0].ids)
    assert first["text"] == texts[first["query"]] and first["texts lost"].startswith(
        texts[first["lost"].split("; ")[0]]
    )
    # The same from the command line with the same store: nothing is left to run.
    ended, out, _ = cli(
        "swap", old, new, *ON, "--k", 1, "--k", 5, "--store", tmp_path / "kept", "--executor", "serial",
        "--fail-if", "overlap@5 < 1", "--output", tmp_path / "out",
    )  # fmt: skip
    assert ended == 3 and answer.verdict.split(" (")[0] in " ".join(out.split())
    assert json.loads((tmp_path / "out" / "answer.json").read_text())["values"] == dict(answer.values)


def test_the_layer_and_pooling_are_those_that_are_asked_for(tiny: Callable[..., Path], tmp_path: Path) -> None:
    asked: dict[str, Any] = {"data": DATA, "store": tmp_path, "ks": (5,)}
    base, other = str(tiny()), f"{tiny()}:noise(sd=0.5, block=3)"
    below = likewise.swap(base, other, layer=2, pooling="mean", **asked)
    assert below.values["overlap@5"] == below.values["unmapped.recall@5"] == 1
    assert likewise.swap(base, other, layer=0.99, pooling="mean", **asked).values["overlap@5"] < 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("old.npy", "gpt2"), "there is no file old.npy"),
        (("gpt2", "gpt2"), "both models are called 'gpt2'; give one another name, as NAME=MODEL"),
        (("gpt2", "b=gpt2", "--queries", "a.npy", "b.npy"), "--queries and --id-column are for files"),
        (("gpt2", "b=gpt2", "--layer", "lst"), "layer"),
        (("gpt2", "b=gpt2", "--layer", "0.1..0.9"), "layer"),
        (("gpt2", "b=gpt2", "--fail-if", "overlap@11 < 1"), 'no value \'overlap@11\'; did you mean "overlap@'),
        (("gpt2", "b=gpt2", "--data", "no-such"), "no-such"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_before_anything_is_run(words: tuple[str, ...], said: str, cli: Cli) -> None:
    ended, _, err = cli("swap", *words)
    assert ended == 2 and said in " ".join(err.split()), err


def test_vectors_and_models_are_not_mixed() -> None:
    with pytest.raises(InputError, match="models alone, or vectors alone"):
        likewise.swap("gpt2", [[1.0, 2.0]])
    with pytest.raises(InputError, match="queries are for vectors"):
        likewise.swap("gpt2", "b=gpt2", queries=([[1.0]], [[1.0]]))


@pytest.mark.model
@pytest.mark.long("runs a real model twice")
def test_the_line_of_the_page_with_models_prints_its_output(cli: Cli) -> None:
    page = (Path(__file__).parents[2] / "docs" / "swap.md").read_text(encoding="utf-8").partition("## Models")[2]
    line = next(part for part in page.splitlines() if part.startswith("    likewise swap"))
    ended, out, _ = cli(*shlex.split(line)[1:], "--executor", "serial")
    assert ended == 0
    printed, shown = " ".join(out.split()), page.split("```text\n")[1].split("```")[0].strip()
    # Another processor rounds otherwise, and a neighbour that is as near may then be another.
    numbers = re.compile(r"\d+\.\d+")
    verdict = printed[: len(shown)]
    assert numbers.sub("#", verdict) == numbers.sub("#", shown)
    for seen, said in zip(numbers.findall(verdict), numbers.findall(shown), strict=True):
        assert float(seen) == pytest.approx(float(said), abs=0.06)
