"""The paper's whole workload beside the naive way: seconds, ratio, memory, and where the time goes.

Synthetic representations with a power-law spectrum, off the origin: 11 models at n = 1,267 and 13 at n = 164, widths of
4,096 and one of 4,544, the paper's ten configurations, ten shuffles, intervals. The naive way has no intervals. It pads
widths, decomposes a product of width x width for each alignment measure and each shuffle, and computes distances, ranks
and neighbours anew each time. It is timed on one pair and one shuffle of each size, and scaled up to all of them, which
is said: in double precision, where values of both must agree to 1e-9 first, and in single, which the paper's code uses.
"""

import argparse
import functools
import itertools
import os
import resource
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from null import PLAIN, synthetic
from threadpoolctl import threadpool_limits

from likewise.chance import draw_shuffles
from likewise.measures import configurations
from likewise.plan import tiles_of
from likewise.quantities import Prepared
from likewise.representation import Representation
from likewise.run import Job, Processes, outcomes
from likewise.run.worker import Settings, perform
from likewise.scoring import Trust, score_block
from likewise.store import Store, content_key

WORKLOAD = ((1267, 11), (164, 13))
"""Inputs and models."""

ALIKE = {np.float64: 1e-9, np.float32: 0.02}
"""How far values of the plain way may be from ours: in single precision the order of near neighbours is lost."""


def representations(n: int, count: int, width: int) -> list[Representation]:
    """Synthetic models, the last one wider."""
    widths = [width] * (count - 1) + [width * 4544 // 4096]
    rngs = (np.random.default_rng([n, i]) for i in range(count))
    return [
        Representation(
            synthetic(n, d, rng).astype(np.float32), (), f"model {i} of {n}", content_key([n, i]), {"prompts": str(n)}
        )
        for i, (d, rng) in enumerate(zip(widths, rngs, strict=True))
    ]


def price(given: argparse.Namespace) -> None:
    """Print how many times the time without intervals it takes to have them, turn about: the median of three."""
    ratios = []
    given.workload, groups = [(given.workload[0][0], 5)], given.groups or 20
    for turn in range(3):
        seconds = {}
        for given.groups in ((0, groups), (groups, 0))[turn % 2]:
            with tempfile.TemporaryDirectory() as folder:
                seconds[given.groups] = ours(given, Path(folder), quiet=True)
        ratios.append(seconds[groups] / seconds[0])
        print(f"{turn + 1}: {seconds[0]:.1f} s without intervals, {seconds[groups]:.1f} s with them", flush=True)
    print(f"with intervals {np.median(ratios):.2f} times the time without ({min(ratios):.2f} to {max(ratios):.2f})")


def ours(given: argparse.Namespace, folder: Path, *, quiet: bool = False) -> float:
    """Seconds from stored representations to stored tables, in processes."""
    store = Store(folder)
    tiles = []
    chosen = configurations("paper")
    for n, count in given.workload:
        made = representations(n, count, given.width)
        for r in made:
            store.save_representation(r, {})
        keys = [r.key for r in made]
        trust = Trust("shuffles", given.shuffles, groups=given.groups)
        nothing = np.zeros((len(chosen), count, count), dtype=bool)
        tiles += tiles_of(str(n), keys, chosen, trust, nothing, n, given.width)
    settings = Settings(folder, "cpu", 1)
    start = perf_counter()
    for outcome in outcomes(Processes(given.workers), functools.partial(perform, settings=settings), map(Job, tiles)):
        if outcome.error:
            raise SystemExit(outcome.error)
        if not quiet:
            print(f"  {outcome.task.label} after {perf_counter() - start:.0f} s", flush=True)
    return perf_counter() - start


class Timed(np.ndarray):
    """An array that adds up the seconds of the matrix products and decompositions that it takes part in."""

    seconds: ClassVar[dict[str, float]] = {"matrix products": 0.0, "decompositions": 0.0}

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **given: Any) -> Any:
        kind = "matrix products" if ufunc is np.matmul else ""
        given["out"] = tuple(map(plain, given["out"])) if given.get("out") else None
        return timed(kind, getattr(ufunc, method), *map(plain, inputs), **given)

    def __array_function__(self, function: Any, types: Any, given: Any, named: Any) -> Any:
        linear = function in (np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd, np.linalg.qr)
        given = [list(map(plain, v)) if isinstance(v, list | tuple) else plain(v) for v in given]
        return timed(
            "decompositions" if linear else "",
            function,
            *given,
            **dict(zip(named, map(plain, named.values()), strict=True)),
        )


def plain(value: Any) -> Any:
    """The same array, not timed."""
    return value.view(np.ndarray) if isinstance(value, Timed) else value


def timed(label: str, function: Any, /, *given: Any, **named: Any) -> Any:
    """Call, and add the seconds to those of the label."""
    start = perf_counter()
    found = function(*given, **named)
    if label:
        Timed.seconds[label] += perf_counter() - start
    if isinstance(found, tuple):
        return type(found)(*(v.view(Timed) for v in found)) if hasattr(found, "_fields") else found
    return found.view(Timed) if isinstance(found, np.ndarray) else found


def shares(n: int, given: argparse.Namespace) -> None:
    """Print where the time of two models and their pair goes, on one core."""
    pair = representations(n, 2, given.width)
    trust = Trust("shuffles", given.shuffles, groups=0)
    Timed.seconds.update(dict.fromkeys(Timed.seconds, 0.0))
    with threadpool_limits(1):
        start = perf_counter()
        sides = {i: Prepared(r.matrix, r.name) for i, r in enumerate(pair)}
        for side in sides.values():
            side._given = side.given.view(Timed)
        score_block(pair, [(0, 1)], configurations("paper"), trust, sides=sides)
        whole = perf_counter() - start
    parts = ", ".join(f"{seconds / whole:.0%} in {kind}" for kind, seconds in Timed.seconds.items())
    print(f"  n = {n}: one pair with its models prepared {whole:.1f} s on one core, {parts}", flush=True)


def naive_round(n: int, given: argparse.Namespace, precision: type) -> tuple[float, float]:
    """Seconds of one pair in ten configurations once, observed and shuffled, after a check that the values are ours.

    In single precision, which the paper's code uses, they are ours to what that precision keeps.
    """
    a, b = representations(n, 2, given.width)
    x, y = (r.matrix.astype(precision) for r in (a, b))
    x_order, y_order = next(iter(draw_shuffles(n, 1, 0, {0: a.key, 1: b.key}))).orders.values()
    found = score_block([a, b], [(0, 1)], configurations("paper"), Trust("shuffles", 1, groups=0))
    start = perf_counter()
    observed = {label: measure(x, y) for label, measure in PLAIN.items()}
    middle = perf_counter()
    shuffled = {label: measure(x[x_order], y[y_order]) for label, measure in PLAIN.items()}
    end = perf_counter()
    worst = 0.0
    for c, row in zip(configurations("paper"), found, strict=True):
        worst = max(worst, abs(row.value - observed[c.label]), abs(row.null_mean - shuffled[c.label]))
    if worst > ALIKE[precision]:
        raise SystemExit(f"n = {n}: values differ by {worst:.2g}")
    print(f"  n = {n}, {precision.__name__}: ten values and one shuffle of each agree to {worst:.1e}", flush=True)
    return middle - start, end - middle


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shuffles", type=int, default=10)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--models", type=int, default=13, help="of each size at most")
    parser.add_argument("--groups", type=int, default=20, help="groups left out for intervals; 0 for no intervals")
    parser.add_argument("--price", action="store_true", help="time five models without intervals and with them instead")
    parser.add_argument("--small", action="store_true", help="n = 200 and 60 instead, to try it")
    given = parser.parse_args()
    sizes = ((200, 4), (60, 5)) if given.small else WORKLOAD
    given.workload = [(n, min(count, given.models)) for n, count in sizes]

    if given.price:
        price(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        print("likewise", flush=True)
        our_seconds = ours(given, Path(folder))
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of the largest process
    for n, _ in given.workload:
        shares(n, given)
    print("the naive way, all cores", flush=True)
    naive_seconds = dict.fromkeys(ALIKE, 0.0)
    with threadpool_limits(os.cpu_count()):
        for precision, (n, count) in itertools.product(ALIKE, given.workload):
            observed, shuffled = naive_round(n, given, precision)
            naive_seconds[precision] += count * (count - 1) / 2 * (observed + given.shuffles * shuffled)
            print(f"  n = {n}: {observed:.1f} s and {shuffled:.1f} s a pair", flush=True)
    print()
    said = "with intervals" if given.groups else "without intervals"
    print(f"likewise      {our_seconds:12.1f} s, {given.workers} processes, from store to tables, {said}")
    print(f"              {memory:12.2f} GiB at most in one process")
    for precision, seconds in naive_seconds.items():
        print(
            f"the naive way {seconds:12.0f} s in {precision.__name__}, one pair and one shuffle of each size scaled up"
        )
        print(f"ratio         {seconds / our_seconds:12.0f}")


if __name__ == "__main__":
    main()
