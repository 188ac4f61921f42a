"""The page about clusters: its commands, run in their order."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import likewise
from stored import content

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"

COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(command: str, **more: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, **more}
        done = subprocess.run(["bash", "-ec", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.mark.long("eleven commands that each start Python")
def test_every_command_of_the_page_gives_the_bytes_of_one_run(
    call: Callable[..., Any], experiment: dict[str, Any], tmp_path: Path
) -> None:
    asked = {**experiment, "datasets": experiment["datasets"][:1], "measures": ["cka"]}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(asked))
    likewise.run(asked, tmp_path / "reference")
    wanted = content(tmp_path / "reference")
    here, array, shards, rest, listed, dask, status, gc = COMMANDS
    call(here)
    assert content(tmp_path / "runs" / "small") == wanted
    # The array as SLURM starts it, without a GPU.
    script = array.replace("/shared/small", "runs/array").replace("--device cuda", "")
    said = ""
    for _ in range(3):
        for place in range(2):
            told = {"ID": place, "COUNT": 2, "MIN": 0, "MAX": 1, "STEP": 1}
            said = call(script, **{f"SLURM_ARRAY_TASK_{word}": str(value) for word, value in told.items()}).stderr
    assert "left to others" not in said and content(tmp_path / "runs" / "array") == wanted
    assert "left to others" in call(shards).stderr
    call(rest)
    assert content(tmp_path / "runs" / "shards") == wanted
    assert '"state": "done"' in call(listed).stdout
    pytest.importorskip("distributed")
    call(dask)
    assert content(tmp_path / "runs" / "dask") == wanted
    assert "4 of 4 representations" in call(status).stdout
    assert "belongs to an experiment" in call(gc).stdout


def test_every_option_that_the_page_names_is_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    from likewise.cli.main import commands

    known = {o for c in commands().commands.values() for p in c.params for o in p.opts}  # type: ignore[attr-defined]
    others = {"--array", "--gres", "--dependency", "--nthreads", "--resources"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= known | others
