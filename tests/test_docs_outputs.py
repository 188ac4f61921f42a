"""The page on outputs: its examples run, its experiment is one, and its output is what comes out."""

import contextlib
import doctest
import io
import re
from pathlib import Path

import pytest
import yaml

from likewise.plan import Experiment

PAGE = Path(__file__).parents[1] / "docs" / "outputs.md"
NUMBER = re.compile(r"[+-]?\d+\.\d+")


def test_examples_run() -> None:
    outcome = doctest.testfile(str(PAGE), module_relative=False)
    assert (outcome.attempted >= 10, outcome.failed) == (True, 0)


def test_the_experiment_is_valid() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.S)
    experiment = Experiment.of(yaml.safe_load(block))
    assert experiment.datasets[0].choices is not None and experiment.datasets[0].choices.labels == ("A", "B", "C")


@pytest.mark.model
@pytest.mark.long("four copies of the real model, a minute")
def test_the_copies_of_a_real_model_give_what_the_page_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text().partition("## A model and its copies")[2]
    (script,) = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    (printed,) = re.findall(r"```text\n(.*?)```", text, flags=re.S)
    monkeypatch.chdir(tmp_path)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(compile(script, str(PAGE), "exec"), {"__name__": "page"})
    seen, expected = told.getvalue().splitlines(), printed.splitlines()
    assert [NUMBER.sub("#", line).split() for line in seen] == [NUMBER.sub("#", line).split() for line in expected]
    for one, other in zip(seen, expected, strict=True):
        # Another processor rounds otherwise, and a token that is nearly as likely may then be the likeliest.
        numbers, page = (list(map(float, NUMBER.findall(line))) for line in (one, other))
        assert numbers == pytest.approx(page, abs=0.03, rel=0.02), one
