"""The page about a chance level of one's own, followed literally."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

PAGE = Path(__file__).parents[1] / "docs" / "own-chance.md"
LIKEWISE = Path(sys.executable).with_name("likewise")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The file, installed as a package is: with its entry points beside it."""
    (tmp_path / "kin_panel.py").write_text(blocks("python")[0], encoding="utf-8")
    about = tmp_path / "kin_panel-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: kin_panel\nVersion: 1.0\n")
    said = blocks("toml")[0]
    ((group, entry),) = re.findall(r'entry-points\."([\w.]+)"\]\n(.*)', said)
    (about / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
    return tmp_path


def call(folder: Path, *words: object, rc: int = 0) -> str:
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    env = os.environ | {"PYTHONPATH": paths, "COLUMNS": "1000"}
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == rc, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr if rc else done.stdout


def test_the_object_gives_a_chance_level_and_the_command_line_finds_it_by_its_name(folder: Path) -> None:
    kept = "np.save('copy.npy', copy)\nnp.save('base.npy', base)\n"
    out = call(folder, sys.executable, "-W", "error", "-c", blocks("python")[1] + kept)
    assert out.split() == ["panel", "19", "0.05"]
    command = blocks("sh")[0].strip()
    (row,) = json.loads(call(folder, "bash", "-c", f"PATH={LIKEWISE.parent}:$PATH {command} --json"))
    assert (row["null"], row["n_permutations"], row["pvalue"]) == ("panel", 19, 0.05)
    said = call(folder, LIKEWISE, "compare", "copy.npy", "base.npy", "--chance", "panel(path='gone.npz')", rc=2)
    assert "chance=\"panel(path='gone.npz')\": " in said and "No such file" in said
    said = call(folder, LIKEWISE, "compare", "copy.npy", "base.npy", "--chance", "panle", rc=2)
    assert "chance='panle'; did you mean \"panel\"" in said


@pytest.mark.long("three processes, each of which loads the numeric libraries")
def test_an_experiment_runs_with_it_in_several_processes_and_reports_it(
    folder: Path, experiment: dict[str, Any]
) -> None:
    experiment["measures"], experiment["datasets"] = ["cka"], experiment["datasets"][:1]
    experiment["statistics"] = yaml.safe_load(blocks("yaml")[0])["statistics"] | {"groups": 0}
    (folder / "mine.yaml").write_text(yaml.safe_dump(experiment))
    items, rng = experiment["datasets"][0]["limit"], np.random.default_rng(0)
    np.savez(folder / "panel.npz", **{f"m{k}": rng.normal(size=(items, 4)) for k in range(3)})
    assert "a panel of unrelated models" in call(folder, LIKEWISE, "plan", "mine.yaml", "--store", "store")
    call(folder, LIKEWISE, "run", "mine.yaml", "--store", "store", "--workers", 2)
    page = (folder / "store" / "report.html").read_text(encoding="utf-8")
    assert "Chance levels come from 3 unrelated models." in page
    planned = (LIKEWISE, "plan", "mine.yaml", "--store", "store", "--json")
    assert json.loads(call(folder, *planned))["tiles_left"] == 0
    np.savez(folder / "panel.npz", **{f"m{k}": rng.normal(size=(items, 4)) for k in range(2)})
    again = json.loads(call(folder, *planned))
    assert again["extractions_left"] == 0 and again["tiles_left"] > 0
