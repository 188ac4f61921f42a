"""Every benchmark runs, small, so that the pages stay reproducible, but for those of one size that take minutes."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"

SMALL = {
    "audit.py": ("--draws 3 --prompts 20", "| heavy | 20 |"),
    "chance.py": ("--n 40 --d 20 --pairs 3 --measure cka jaccard", "6 rows"),  # two spectra; cka has two nulls
    "differences.py": ("--cell gaussian:30x4 --draws 3 --measure cka --workers 1", "| gaussian:30x4 | cka |"),
    "intervals.py": ("--cell gaussian:30x4 --draws 3 --measure cka", "| gaussian:30x4 | cka |"),
    "measures.py": ("--sizes 20x8 --measures cka procrustes", "| procrustes | 20 x 8 |"),
    "null.py": ("--n 30 --d 20 --shuffles 2", "ratio"),
    "paper_workload.py": ("--small --width 32 --shuffles 2 --models 3", "ratio"),
    "lineage.py": ("--models 4 --bases 1 --steps 2 --prompts 40", "| strangers | 3/3 |"),
    "retrieval.py": ("--corpus 300 --width 8 --queries 20 --k 10", "CPU"),
    "tails.py": ("--n 12 --draws 2 --tables 1 --workers 1", "| near copies |"),
    "prefix.py": ("--shots 2 --limit 12 --pooling mean", "| mean | 12 |"),
    "page.py": ("--models 3", "| 3 | 90 |"),
    "many.py": ("--rows 300 --features 8 --measure cka", "| cka |"),
    "scale.py": ("--tasks 2 --seconds 0.01 --executors serial threads --workers 2", "overhead of a task"),
    "simulation.py": ("--models 20 --workers 4 --gpus 4 --rows 16 --features 8 --measured 8", "| what breaks first |"),
    "population.py": ("--counts 3 5 --n 20 --d 8", "at m = 5,000"),
}
"""What makes each small, and what it then prints."""


def test_every_benchmark_but_those_of_one_size_is_run() -> None:
    libraries = {"peer_functions.py"}
    long = {"extraction.py", "same_bytes.py"}
    assert {path.name for path in FOLDER.glob("*.py")} - libraries == {*SMALL, *long}


SLOW = {
    "lineage.py": "models are trained, and compared in all ways",
    "paper_workload.py": "scores are computed in two ways",
    "prefix.py": "a real model runs",
    "population.py": "several populations are run",
    "many.py": "a process for each measure",
    "chance.py": "every chance level",
    "tails.py": "shuffles of several families of data",
    "audit.py": "copies of a model",
    "page.py": "a page in a browser",
    "measures.py": "every measure, in two ways",
}
"""Those that take long however small they are, and why."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long(SLOW[n])) if n in SLOW else n for n in SMALL])
def test_benchmark_runs(name: str) -> None:
    options, printed = SMALL[name]
    command = [sys.executable, str(FOLDER / name), *shlex.split(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout, done.stdout


@pytest.mark.long("it is run twice")
def test_the_table_of_intervals_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Lines that the file has are neither drawn nor printed again."""
    table = tmp_path / "table.md"
    for measures, expected in ((["cka"], ["measure", "---", "cka"]), (["cka", "rsa"], ["rsa"])):
        options = ["--cell", "gaussian:30x4", "--draws", "3", "--workers", "1", "--table", str(table), "--measure"]
        command = [sys.executable, str(FOLDER / "intervals.py"), *options, *measures]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert [line.split("|")[2].strip() for line in done.stdout.splitlines()] == expected
    lines = table.read_text(encoding="utf-8").splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:]] == ["cka", "rsa"]
