"""The page about an executor of one's own, followed literally."""

import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import likewise
from stored import content

PAGE = Path(__file__).parents[2] / "docs" / "own-executor.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)


@pytest.fixture
def asked(experiment: dict[str, Any]) -> dict[str, Any]:
    models, datasets = experiment["models"][:2], experiment["datasets"][:1]
    return {**experiment, "models": models, "datasets": datasets, "measures": ["cka", "procrustes"]}


@pytest.fixture
def folder(tmp_path: Path, asked: dict[str, Any]) -> Path:
    """A folder to work in, beside one where the page's package is installed, as an installer would do it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "mine.yaml").write_text(yaml.safe_dump(asked))
    (tmp_path / "work" / "script.py").write_text(blocks("python")[2])
    project = tomllib.loads(blocks("toml")[0])["project"]
    about = tmp_path / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    head = {"Metadata-Version": "2.1", "Name": project["name"], "Version": project["version"]}
    (about / "METADATA").write_text("".join(f"{key}: {value}\n" for key, value in head.items()))
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (about / "entry_points.txt").write_text("\n".join(lines))
    (tmp_path / "site" / "likewise_threads.py").write_text(blocks("python")[1])
    return tmp_path / "work"


@pytest.fixture
def call(folder: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder.parent / "site")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run


def test_command_and_script_of_the_page_give_the_bytes_of_the_reference(
    folder: Path,
    cli: Callable[..., tuple[int, str, str]],
    asked: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    likewise.run(asked, tmp_path / "reference")
    wanted = content(tmp_path / "reference")
    assert {Path(name).suffix for name in wanted} == {".safetensors", ".json", ".parquet"}
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder.parent / "site")
    ((program, *words),) = map(shlex.split, blocks("sh"))
    assert program == "likewise"
    code, out, err = cli(*words)
    assert code == 0, out + err
    runpy.run_path("script.py", run_name="__main__")
    exec(compile(blocks("python")[0], "pool.py", "exec"), {"__name__": "__main__"})
    assert content(folder / "runs" / "python") == content(folder / "runs" / "pool") == wanted
    assert content(folder / "runs" / asked["name"]) == wanted


def test_a_name_that_is_nearly_right_is_helped_by_what_is_installed(call: Callable[..., Any]) -> None:
    (command,) = blocks("sh")
    done = call("bash", "-c", command.replace("threads", "thread"))
    assert (done.returncode, done.stderr.strip()) == (2, "error: unknown executor 'thread'; did you mean \"threads\"?")
