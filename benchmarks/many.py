"""Many rows: seconds and peak memory of each measure, with chance and interval, in a process of its own.

    python benchmarks/many.py --rows 100000 --features 768 --measure cka procrustes jaccard

Both sides are made of a common part and noise of their own, in single precision, and read from mapped files. The last
column is the largest difference between both ways, in passes and all rows at once, at 1,200 rows of 24 features.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from likewise.measures import Configuration
from likewise.quantities import Prepared, pieces

MEASURES = (
    "cka", "cka(debiased=True)", "procrustes", "procrustes_angle", "nbs", "aligned_cosine", "mean_cca", "svcca",
    "pwcca", "gulp", "linear_predictivity", "eigenspace_overlap", "jaccard", "mutual_knn", "rank_similarity",
    "sampled_rsa",
)  # fmt: skip


def write(folder: Path, n: int, d: int) -> list[Path]:
    """Write both sides, some rows at a time."""
    maps = np.random.default_rng(0)
    turns = [np.linalg.qr(maps.normal(size=(d, d))).Q * np.arange(1, d + 1) ** -0.5 for _ in "xy"]
    files = [folder / f"{name}.npy" for name in "xy"]
    sides = [np.lib.format.open_memmap(f, "w+", np.float32, (n, d)) for f in files]
    rng = np.random.default_rng(1)
    for start in range(0, n, 4096):
        rows = min(4096, n - start)
        common = rng.normal(size=(rows, d))
        for side, turn in zip(sides, turns, strict=True):
            side[start : start + rows] = (common + 0.7 * rng.normal(size=(rows, d))) @ turn + 0.1
    return files


def measured(name: str, files: list[Path], permutations: int, groups: int) -> dict[str, float | str | None]:
    """Score one measure here; the most memory that was held besides the pages of the mapped files."""
    from likewise import compare

    most, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], own_bytes())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    before = own_bytes()
    start = time.perf_counter()
    sides = {f.stem: np.load(f, mmap_mode="r") for f in files}
    row = next(iter(compare(sides, name, permutations=permutations, groups=groups)))
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    found = {"value": row.value, "chance": row.null_mean, "low": row.low, "high": row.high, "reason": row.reason}
    return {**found, "seconds": seconds, "bytes": most[0] - before}


def own_bytes() -> int:
    """Bytes in memory that belong to no file."""
    status = Path("/proc/self/status")
    if not status.exists():  # the most so far, files and all
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) * 1024


def difference(name: str) -> float:
    """The largest difference between both ways of one measure."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1200, 24))
    y = x @ rng.normal(size=(24, 24)) + rng.normal(size=(1200, 24))
    c, found = Configuration.parse(name), []
    for many, values in ((False, 2**22), (True, 2**10)):
        pieces.PASS = values
        found.append(c(Prepared(x, many=many), Prepared(y, many=many)))
    pieces.PASS = 2**22
    return abs(found[0] - found[1])


def main() -> None:
    """Print a row for each measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--measure", nargs="+", default=MEASURES)
    parser.add_argument("--permutations", type=int, default=10)
    parser.add_argument("--groups", type=int, default=20)
    parser.add_argument("--files", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.files:
        print(json.dumps(measured(arguments.measure[0], arguments.files, arguments.permutations, arguments.groups)))
        return
    print(f"{arguments.rows:,} rows of {arguments.features} features, with chance and interval")
    print("| measure | seconds | GiB besides the rows | value | chance | interval | both ways differ by |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), arguments.rows, arguments.features)
        for name in arguments.measure:
            options = ["--permutations", str(arguments.permutations), "--groups", str(arguments.groups)]
            command = [sys.executable, __file__, "--measure", name, *options, "--files", *map(str, files)]
            told = subprocess.run(command, capture_output=True, text=True, check=False)
            if told.returncode:
                print(f"| {name} | stopped: {told.stderr.strip().splitlines()[-1]} |", flush=True)
                continue
            of = json.loads(told.stdout)
            if of["value"] is None:
                print(f"| {name} | {of['seconds']:.1f} | {of['reason']} |", flush=True)
                continue
            ends = "none" if of["low"] is None else f"{of['low']:.4f} to {of['high']:.4f}"
            chance = "none" if of["chance"] is None else f"{of['chance']:.5f}"
            numbers = f"{of['seconds']:.1f} | {of['bytes'] / 2**30:.2f} | {of['value']:.5f} | {chance} | {ends}"
            print(f"| {name} | {numbers} | {difference(name):.0e} |", flush=True)


if __name__ == "__main__":
    main()
