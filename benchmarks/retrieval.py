"""Time and memory of exact search: neighbours of queries in two corpora, and how many of them agree."""

import argparse
import resource
import time

import numpy as np

from likewise.retrieval import METRICS, Index, agreement, recall


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--corpus", type=int, default=100_000)
    asked.add_argument("--width", type=int, default=768)
    asked.add_argument("--queries", type=int, default=2_000)
    asked.add_argument("--k", type=int, default=100)
    asked.add_argument("--metric", choices=METRICS, default="cosine")
    a = asked.parse_args()
    rng = np.random.default_rng(0)
    old = rng.standard_normal((a.corpus, a.width), dtype=np.float32)
    new = rng.standard_normal((a.corpus, a.width), dtype=np.float32)
    new *= np.float32(0.5)
    new += old
    queries = old[: a.queries] + np.float32(0.5), new[: a.queries] + np.float32(0.5)
    wall, cpu = time.perf_counter(), time.process_time()
    near = [Index(c, a.metric).nearest(q, a.k) for c, q in zip((old, new), queries, strict=True)]
    share = recall(agreement(*near), [a.k]).mean()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # kilobytes on Linux
    print(f"{a.corpus:,} x {a.width}, two corpora, {a.queries:,} queries, k = {a.k}, {a.metric}: overlap {share:.3f}")
    print(f"{wall:.1f} s, CPU {cpu:.1f} s, peak memory {peak:.2f} GiB with both corpora")


if __name__ == "__main__":
    main()
