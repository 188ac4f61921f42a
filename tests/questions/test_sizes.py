"""Every command that takes files answers at the sizes that models have, and not at those of tests alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

CALLS = {
    "audit": ["audit", "base.npy", "near.npy", "far.npy", "--floor", "again.npy"],
    "lineage": ["lineage", "near.npy", "--base", "base.npy", "--panel", "far.npy", "--relative", "again.npy"],
    "swap": ["swap", "base.npy", "near.npy"],
    "track": ["track", "--checkpoints", "steps"],
    "ladder": ["ladder", "base.npy", "near.npy", "--rung", "noise(sd=0.1)=again.npy", "--rung", "noise(sd=1)=far.npy"],
    "compare": [
        "compare",
        "base.npy",
        "near.npy",
        "far.npy",
        "--measure",
        "cka",
        "--measure",
        "rsa",
        "--measure",
        "jaccard",
    ],
}


@pytest.mark.parametrize("shape", [(6, 2), (25, 640), (300, 384), (600, 8)])
@pytest.mark.parametrize("command", CALLS)
def test_it_answers_at_any_size(
    command: str, shape: tuple[int, int], cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=shape).astype(np.float32)
    (tmp_path / "steps").mkdir()
    for k, (name, sd) in enumerate({"base": 0.0, "again": 0.001, "near": 0.1, "far": 3.0}.items()):
        rows = base + sd * rng.normal(size=shape).astype(np.float32)
        np.save(tmp_path / f"{name}.npy", rows)
        np.save(tmp_path / "steps" / f"step{k}.npy", rows)
    code, out, err = cli(*CALLS[command], "--json")
    # Where there are too few inputs for an answer, one line says so.
    assert code == 0 or (shape[0] == 6 and code == 2 and len(err.strip().splitlines()) == 1), err
    assert "Traceback" not in err
    assert code or out.strip()
