"""Do two revisions of likewise give the same bytes? A small experiment with every measure, and the demo where asked.

``python benchmarks/same_bytes.py`` compares the working tree with the last commit, ``python benchmarks/same_bytes.py
main~5 --demo`` with another revision, the demo included. Representations, results and tables are compared file by file;
seconds, which differ from run to run, are left out.
"""

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]

N_ITEMS, WIDTHS = 40, (8, 24, 60)
"""Inputs, and features of the matrices: fewer than the inputs and more."""


def inputs(folder: Path) -> None:
    """Write matrices that share part of what they hold, on two data sets."""
    rng = np.random.default_rng(0)
    for dataset in ("first", "second"):
        (folder / dataset).mkdir()
        shared = rng.normal(size=(N_ITEMS, 6))
        for width in WIDTHS:
            matrix = shared @ rng.normal(size=(6, width)) + rng.normal(size=(N_ITEMS, width))
            np.save(folder / dataset / f"width{width}.npy", matrix.astype(np.float32))


def likewise(source: Path, folder: Path, *words: object) -> str:
    """Run a command of the likewise whose sources are given, in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "likewise", *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} in {source}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def perform(source: Path, folder: Path, *, demo: bool) -> None:
    """Import the matrices, run a model over some prompts, compare all by every measure."""
    folder.mkdir()
    inputs(folder)
    for dataset in ("first", "second"):
        files = sorted((folder / dataset).glob("*.npy"))
        likewise(source, folder, "import", *files, "--dataset", dataset, "--store", "store")
    measures = [m["name"] for m in yaml.safe_load(likewise(source, folder, "measures", "--json"))["measures"]]
    experiment = {
        "name": "every",
        "models": [f"imported:width{w}" for w in WIDTHS],
        "datasets": ["imported:first", "imported:second"],
        "measures": ["paper", *measures],
        "statistics": {"permutations": 20, "groups": 6},
    }
    prompts = {
        "name": "rows",
        "models": ["smollm2-135m-instruct", {"model": "smollm2-135m-instruct", "variant": "noise(sd=0.1)"}],
        "datasets": [{"source": "commonsense-probes", "limit": 6}],
        "representation": {"layers": ["embedding", 3, "last"]},
        "measures": ["cka", "jaccard(k=2)"],
        "statistics": {"permutations": 20, "groups": 0},
    }
    for value in (experiment, prompts):
        file = folder / f"{value['name']}.yaml"
        file.write_text(yaml.safe_dump(value))
        likewise(source, folder, "run", file, "--store", folder / f"store{'' if value is experiment else '-rows'}")
    if demo:
        likewise(source, folder, "run", ROOT / "experiments" / "demo.yaml", "--store", folder / "store-demo")


def hashes(folder: Path) -> dict[str, str]:
    """Return a hash of every file that must not differ, without seconds."""
    found = {}
    for file in sorted(folder.glob("store*/**/*")):
        place = file.relative_to(folder)
        if place.parts[1] not in ("representations", "results", "tables") or file.suffix not in (
            ".safetensors", ".json", ".parquet", ".csv",
        ):  # fmt: skip
            continue
        content = file.read_bytes()
        if place.parts[1] == "tables":
            frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(io.BytesIO(content), dtype=str)
            content = frame.drop(columns="seconds", errors="ignore").to_csv(float_format="%.17g").encode()
        found[str(place)] = hashlib.sha256(content).hexdigest()
    return found


def main() -> int:
    """Run both, compare, say what differs."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("revision", nargs="?", default="HEAD")
    words.add_argument("--demo", action="store_true")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        before = here / "before"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", before, asked.revision], cwd=ROOT, check=True)
        try:
            perform(before / "src", here / "one", demo=asked.demo)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", before], cwd=ROOT, check=True)
        perform(ROOT / "src", here / "two", demo=asked.demo)
        one, two = hashes(here / "one"), hashes(here / "two")
    differ = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
    print(f"{len(one)} files of {asked.revision}, {len(two)} files now, {len(differ)} differ", *differ, sep="\n")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
