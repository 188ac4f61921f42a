"""The page on thousands of models: its tables are what its commands print."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from simulation import parser

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scale.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^    python (benchmarks/simulation\.py .*)$", TEXT, flags=re.M)]
ROWS = [line for line in TEXT.splitlines() if re.match(r"\| .*\d", line)]


def test_its_commands_and_options_are_some() -> None:
    assert len(COMMANDS) == 2
    for _, *words in COMMANDS:
        parser().parse_args(words)
    known = {word for action in parser()._actions for word in action.option_strings} | {"--device"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) <= known
    assert len(ROWS) > 20


@pytest.mark.long("the fleet is simulated twice")
def test_its_tables_are_what_its_commands_print() -> None:
    printed: set[str] = set()
    for command in COMMANDS:
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=True)
        printed.update(done.stdout.splitlines())
    assert not [row for row in ROWS if row not in printed]
