"""Every measure beside the packages that compute the same number: preparation, one pair, and the peer's whole call.

A peer is timed only after its number was found to be ours. Preparation is what one representation needs once, whatever
it is compared with; a pair is timed after it, with what the two share forgotten. Peers have no such division: theirs is
one call from arrays to a number. Inputs are float32; we calculate in double precision, a peer as it does by itself.
"""

import argparse
import contextlib
import resource
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import isclose
from time import perf_counter

import numpy as np
from peer_functions import DEPARTURES, PEERS, Array, Peer
from threadpoolctl import threadpool_limits

from likewise import compare
from likewise.errors import MissingDependencyError, UndefinedError
from likewise.measures import REGISTRY, Configuration
from likewise.quantities import JointQuantity, Prepared

VARIANTS = (
    "cka(debiased=True)",
    'cka(kernel="rbf")',
    "distance_correlation(debiased=True)",
    "procrustes(folds=5)",
    "linear_predictivity(folds=5)",
    "linear_predictivity(ridge=0.1)",
    'rsa(inner="cosine")',
    'rsa(inner="correlation")',
    'rsa(outer="pearson")',
    'rsa(inner="sqeuclidean", outer="pearson")',
    'rsa(inner="sqeuclidean", outer="cosine")',
    'rsa(outer="cosine")',
    'rsa(outer="tau_a")',
    'rsa(outer="tau_b")',
    "rsm_difference(center=False, normalize=False)",
    'jaccard(inner="euclidean")',
)

LIMITS = {"rtd": (400, 10**9), "soft_matching": (10**9, 1024), "permutation_procrustes": (10**9, 2048)}
"""The most items and features with which a slow measure is timed: more take minutes, and rtd gigabytes."""

SLOW = ("rtd", "soft_matching", "permutation_procrustes", "hard_correlation_match")

TOLERANCE = 1e-3
"""How far, of the larger value, a peer may lie off that calculates in single precision."""


@dataclass(frozen=True)
class Forget(JointQuantity):
    """Nothing: asked of a third representation, it makes a `Prepared` forget what it shared with the second."""

    def compute(self, x: Prepared, y: Prepared) -> None:
        """Return nothing."""


def related(n: int, d: int, seed: int = 0) -> tuple[Array, Array]:
    """Two sides with power-law spectra that share half of their content in different features, off the origin."""
    rng = np.random.default_rng([n, d, seed])
    directions = min(64, d)
    shared = rng.normal(size=(n, directions)) / np.arange(1, directions + 1)

    def side() -> Array:
        own = rng.normal(size=(n, d)) / np.arange(1, d + 1)
        mixed = shared @ rng.normal(size=(directions, d)) / d**0.5
        return (mixed + own[:, rng.permutation(d)] + 0.1 * rng.normal(size=d)).astype(np.float32)

    return side(), side()


def best(call: Callable[[], float]) -> tuple[float, float]:
    """Return the value and the shortest of three runs; of one, where it takes more than two seconds."""
    seconds: list[float] = []
    while len(seconds) < 3 and sum(seconds) < 2:
        start = perf_counter()
        value = call()
        seconds.append(perf_counter() - start)
    return value, min(seconds)


def ours(configuration: Configuration, x: Array, y: Array) -> tuple[float, float, float]:
    """Return the value, the seconds of preparation of both sides, and those of the pair."""

    def whole() -> float:
        return configuration(Prepared(x, "x"), Prepared(y, "y"))

    a, b, third = Prepared(x, "x"), Prepared(y, "y"), Prepared(x[:1], "third")
    configuration(a, b)

    def pair() -> float:
        for one in (a, b):
            one.joint(third, Forget())
        return configuration(a, b)

    value, seconds = best(pair)
    return value, max(0.0, best(whole)[1] - seconds), seconds


def size_for(configuration: Configuration, n: int, d: int) -> tuple[int, int]:
    """The size at which a measure is timed when ``n`` x ``d`` is asked for."""
    if configuration.facts.undefined_if_wide and n <= d:
        d = n // 4  # it says nothing about more features than items
    items, features = LIMITS.get(configuration.measure, (n, d))
    return min(n, items), min(d, features)


def lines(configuration: Configuration, n: int, d: int) -> Iterator[str]:
    """One line of ours, and one for each peer."""
    x, y = related(n, d)
    label, size = configuration.label, f"{n} x {d}"
    try:
        value, preparation, pair = ours(configuration, x, y)
    except (UndefinedError, MissingDependencyError) as error:
        yield f"| {label} | {size} | not timed: {error} |"
        return
    head = f"| {label} | {size} | {preparation:.4f} | {pair:.4f} |"
    peers = [peer for peer in PEERS if peer.measure == label]
    if not peers:
        yield f"{head} | | | |"
    for peer in peers:
        yield f"{head} {beside(peer, x, y, value, preparation, pair)}"


def beside(peer: Peer, x: Array, y: Array, value: float, preparation: float, pair: float) -> str:
    """The peer's seconds and the two ratios, or why there are none."""
    name = f"{peer.package}: {peer.call}"
    if len(x) > peer.most_items or x.shape[1] > peer.most_features:
        return f"{name} | not timed: minutes or gigabytes at this size | | |"
    try:
        small = related(32, 8)
        peer.function(*small)  # what it imports and compiles is not its time
        theirs, seconds = best(partial(peer.function, x, y))
    except ImportError as error:
        return f"{name} | not installed: {error.name or error} | | |"
    expected = peer.ours(value)
    if not isclose(theirs, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return f"{name} | not timed: {theirs:.6g} where ours is {expected:.6g} | | |"
    return f"{name} | {seconds:.4f} | {seconds / pair:.1f} | {seconds / (preparation + pair):.1f} |"


def departures() -> Iterator[str]:
    """What peers give for the same name where it is not the same number."""
    x, y = (m.astype(float) for m in related(64, 12))
    for departure in DEPARTURES:
        name = f"{departure.package}: {departure.call}"
        try:
            theirs = f"{complex(departure.function(x, y)).real:.6f}"
        except ImportError:
            theirs = "not installed"
        value = Configuration.parse(departure.measure)(x, y)
        yield f"| {name} | {theirs} | {departure.measure} | {value:.6f} | {departure.cause} |"


def tall(n: int = 10_000, d: int = 256) -> Iterator[str]:
    """One pair with its chance level, of many items and few features: seconds, and the most memory of the process."""
    x, y = related(n, d)
    compare({"x": x[:20, :3], "y": y[:20, :3]}, "cka", groups=0)  # imports are not its time
    for label in ("cka", "cka(debiased=True)"):
        start = perf_counter()
        compare({"x": x, "y": y}, label, groups=0)
        seconds, memory = perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        yield f"{label}, {n} x {d}, value and chance: {seconds:.2f} s, peak {memory:.2f} GiB of the process"


def limit_threads(count: int) -> None:
    """Give every library so many threads: small products on several cores time how busy the machine is."""
    with contextlib.suppress(ImportError):
        import torch

        torch.set_num_threads(count)
    threadpool_limits(count)


def parsed_size(text: str) -> tuple[int, int]:
    n, d = text.lower().split("x")
    return int(n), int(d)


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=parsed_size, default=[(164, 4096), (1267, 4096)], metavar="NxD")
    parser.add_argument("--measures", nargs="+", help="names or configurations; all by default")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and torch")
    parser.add_argument("--skip-slow", action="store_true", help=f"leave out {', '.join(SLOW)}")
    parser.add_argument("--tall", action="store_true", help="only linear cka of 10,000 x 256, with its memory")
    given = parser.parse_args()
    # In the middle of a table a peer's warnings would be lost on the reader; its tests name them.
    warnings.simplefilter("ignore")
    limit_threads(given.threads)
    everything = [Configuration.parse(text) for text in (*REGISTRY, *VARIANTS)]
    everything.sort(key=lambda c: list(REGISTRY).index(c.measure))
    chosen = [
        c
        for c in everything
        if (not given.measures or c.label in given.measures or c.measure in given.measures)
        and not (given.skip_slow and c.measure in SLOW)
    ]
    if given.tall:
        print(*tall(), sep="\n")
        return
    for n, d in given.sizes:
        print(f"\n{n} items, {d} features, {given.threads} thread(s), seconds\n")
        print("| measure | timed at | preparation | pair | peer | peer's call | peer / pair | peer / both |")
        print("|---|---|---|---|---|---|---|---|")
        for configuration in chosen:
            for line in lines(configuration, *size_for(configuration, n, d)):
                print(line, flush=True)
    if not given.measures:
        print("\nNot the same number, and not timed (64 items, 12 features):\n")
        print("| peer | its value | measure | value | cause |\n|---|---|---|---|---|")
        for line in departures():
            print(line, flush=True)


if __name__ == "__main__":
    main()
