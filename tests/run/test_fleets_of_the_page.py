"""The page about clusters: its Kubernetes objects and the loop over GPUs give every shard once."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from likewise.run.shard import Shard
from test_docs_blocks import blocks, parse

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"  # "cluster.md"


def objects() -> dict[str, dict[str, Any]]:
    (text,) = (block for language, block in blocks(PAGE) if language == "yaml")
    return {found["kind"]: found for found in yaml.safe_load_all(text)}


@pytest.fixture
def spoken(tmp_path: Path) -> Any:
    """Run a script with a likewise that only says how it was called, on a machine with three GPUs."""
    for name, script in {
        "likewise": 'echo "${CUDA_VISIBLE_DEVICES-none} $*"',
        "nvidia-smi": "for k in 0 1 2; do echo GPU $k; done",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    # A machine that has GPUs may have said which.
    kept = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}

    def run(script: str, **more: str) -> list[list[str]]:
        environment = {**kept, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]]), **more}
        done = subprocess.run(["bash", "-ec", script], env=environment, capture_output=True, text=True, check=True)
        return [shlex.split(line) for line in done.stdout.splitlines()]

    return run


def shard_in(words: list[str]) -> Shard:
    return Shard.of(words[words.index("--shard") + 1])


def test_pods_of_the_job_do_every_shard_once(spoken: Any) -> None:
    job = objects()["Job"]
    spec, (container,) = job["spec"], job["spec"]["template"]["spec"]["containers"]
    assert (job["apiVersion"], spec["completionMode"]) == ("batch/v1", "Indexed")
    assert container["command"] == ["bash", "-ec"]
    (script,) = container["args"]
    shards = []
    for place in range(spec["completions"]):
        ((_, *words),) = spoken(script, JOB_COMPLETION_INDEX=str(place))
        parse(words)
        shards.append(shard_in(words))
        assert Shard(place + 1, spec["completions"]) == shards[-1]
    assert {s.number % s.count for s in shards} == set(range(shards[0].count))


def test_the_pods_of_the_job_see_one_store() -> None:
    found = objects()
    claim, pod = found["PersistentVolumeClaim"], found["Job"]["spec"]["template"]["spec"]
    (volume,), (container,) = pod["volumes"], pod["containers"]
    (mount,) = container["volumeMounts"]
    assert claim["apiVersion"] == "v1"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert mount["name"] == volume["name"]
    words = shlex.split(container["args"][0])
    assert words[words.index("--store") + 1].startswith(mount["mountPath"] + "/")
    assert all(variable["value"].startswith(mount["mountPath"]) for variable in container["env"])
    # Each index is tried again by itself only where pods are not restarted in place.
    assert pod["restartPolicy"] == "Never"
    assert found["Job"]["spec"]["backoffLimitPerIndex"] == 3


def test_each_process_sees_one_gpu_and_all_shards_are_done(spoken: Any) -> None:
    (script,) = (block for language, block in blocks(PAGE) if language == "bash")
    *shards, last = spoken(script)
    for _, *words in (*shards, last):
        parse(words)
    assert {gpu: shard_in(words) for gpu, *words in shards} == {str(k): Shard(k + 1, 3) for k in range(3)}
    assert last[0] == "none"
    assert "--shard" not in last


def test_shards_of_machines_with_several_gpus_are_counted_through() -> None:
    said = re.search(r"with (\d+) machines of (\d+) GPUs", PAGE.read_text(encoding="utf-8"))
    assert said
    machines, gpus = int(said[1]), int(said[2])
    counted = [gpus * m + k for m in range(machines) for k in range(1, gpus + 1)]
    assert sorted(counted) == list(range(1, 33))
