"""Populations: two measures with closed-form chance for 50 to 5,000 synthetic representations, from store to table.

And the search of one model among up to 5,000 kept ones.

Representations with power-law spectra are stored first, untimed. Timed are: the plan, the reduction of each
representation to one vector per measure, the products of all pairs with their chance levels, and the reading of the
table with its corrected p-values. Prints seconds and memory as the population grows, and what they come to at 5,000.
Populations larger than ``--pairs`` are only searched: a table of 12.5 million pairs takes nearly 8 GiB.
"""

import argparse
import functools
import resource
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from null import synthetic
from scipy.optimize import nnls

import likewise
from likewise.measures import configurations
from likewise.plan import Answers, Reduce, rows_of, tiles_of
from likewise.representation import Representation
from likewise.run import Job, Processes, outcomes
from likewise.run.worker import Settings, perform
from likewise.scoring import Results, Trust
from likewise.store import Store

CHUNK = 8
"""Representations that a worker reduces at a time."""


def fill(store: Store, count: int, n: int, d: int) -> list[str]:
    """Store synthetic representations that share part of their content; return their keys."""
    shared = synthetic(n, d, np.random.default_rng(0))
    keys = [f"{i:024x}" for i in range(count)]
    for i, key in enumerate(keys):
        if not store.has_representation(key):
            own = synthetic(n, d, np.random.default_rng([1, i]))
            matrix = (own + (i % 10) / 10 * shared).astype(np.float32)
            store.save_representation(Representation(matrix, (), key, key, {"prompts": "synthetic"}), {})
    return keys


def run(store: Store, keys: list[str], n: int, d: int, workers: int) -> tuple[dict[str, float], Results]:
    """Seconds of each stage, and the table."""
    chosen, trust = configurations(["cka", "rsa"]), Trust("moments", 0, groups=0)
    seconds, start = {}, perf_counter()

    def lap(name: str) -> None:
        seconds[name] = perf_counter() - start - sum(seconds.values())

    answers = Answers(store, trust)
    tiles = list(tiles_of("synthetic", keys, chosen, trust, answers.of(keys, chosen), n, d))
    lap("plan")
    measures = tuple(c.label for c in chosen)
    reductions = [Reduce("synthetic", tuple(keys[i : i + CHUNK]), measures) for i in range(0, len(keys), CHUNK)]
    for name, tasks in (("reduce", reductions), ("products", tiles)):
        job = functools.partial(perform, settings=Settings(store.folder, "cpu", 1))
        for outcome in outcomes(Processes(workers), job, map(Job, tasks)):
            if outcome.error:
                raise SystemExit(outcome.error)
        lap(name)
    members = {key: f"model {i}" for i, key in enumerate(keys)}
    rows = rows_of(Answers(store, trust), "synthetic", members, chosen, last=True).drop_columns("older")
    results = Results(rows).corrected()
    lap("table")
    store.drop_reduced()
    return seconds, results


def search(store: Store, keys: list[str], workers: int) -> tuple[float, float]:
    """Seconds of the first search, which makes the vectors, and of the next, which finds them in the page cache."""
    named = [{"name": f"model {i}", "dataset": "synthetic", "key": key} for i, key in enumerate(keys)]
    asked = {"name": "synthetic", "models": ["synthetic"], "datasets": ["synthetic"]}
    store.save_experiment("synthetic", {"experiment": asked, "representations": named})
    seconds = []
    for _ in range(2):
        start = perf_counter()
        answer = likewise.search(store.folder, "model 0", workers=workers)
        seconds.append(perf_counter() - start)
        assert answer.values["models"] == len(keys) - 1
    return seconds[0], seconds[1]


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 200, 500, 1000, 2000])
    parser.add_argument("--pairs", type=int, default=2000, help="compare all pairs of so many at most")
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--d", type=int, default=1024)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"n = {given.n}, d = {given.d}, cka and rsa, {given.workers} processes")
    print(
        "| representations | pairs | plan | reduce | products | table | seconds | first search | next search "
        "| GiB here | GiB of a worker at most |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    totals = []
    with tempfile.TemporaryDirectory() as folder:
        for count in given.counts:
            store = Store(Path(folder) / "store")
            keys = fill(store, count, given.n, given.d)
            for path in (store.folder / "results").glob("*"):
                path.unlink()
            cells = ["–"] * 5
            if count <= given.pairs:
                seconds, results = run(store, keys, given.n, given.d, given.workers)
                assert len(results) == count * (count - 1)
                assert results.table.column("value").null_count == 0
                totals.append((count, sum(seconds.values())))
                cells = [*(f"{s:.1f}" for s in seconds.values()), f"{totals[-1][1]:.1f}"]
                del results
            cells += [f"{s:.2f}" for s in search(store, keys, given.workers)]
            memory = [
                resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
            ]
            cells += [f"{m:.2f}" for m in memory]
            print(f"| {count:,} | {count * (count - 1) // 2:,} | {' | '.join(cells)} |", flush=True)
    if len(totals) > 1:
        # Reductions grow with the number of representations, the rest with that of pairs.
        counts, times = (np.asarray(column, dtype=float) for column in zip(*totals, strict=True))
        fit = nnls(np.stack([counts, counts**2], axis=1) / times[:, None], np.ones(len(times)))[0]
        print(f"seconds = {fit[0]:.2e} m + {fit[1]:.2e} m^2; at m = 5,000: {fit @ [5e3, 25e6]:.0f} s")


if __name__ == "__main__":
    main()
