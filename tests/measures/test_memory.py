"""The memory that is planned for many rows is what they take."""

import os
import subprocess
import sys

import pytest

from likewise.measures import configurations, footprint, of_a_pair

PROGRAM = """
import sys, threading
import numpy as np
from likewise.measures import Configuration
from likewise.quantities import Orders, Prepared, Round


def own():
    return 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))


def look():
    while not done.wait(0.002):
        most[0] = max(most[0], own())


n, d, c = 60_000, 128, Configuration.parse(sys.argv[1])
most, done, before, rng = [0], threading.Event(), own(), np.random.default_rng(0)
sides = [rng.random(size=(n, d), dtype=np.float32) for _ in "xy"]
sides[1] += sides[0]
threading.Thread(target=look, daemon=True).start()
x, y = (Prepared(m, copy=False) for m in sides)  # as of scores
c(x, y)
drawn = [Orders.draw([np.arange(n)[:, None]], rng) for _ in "xy"]
order = drawn[1][3][np.argsort(drawn[0][3])]
c(x, y.permuted(order, shuffle=(Round(x, *drawn), 3)))
c.without_each(x, y)
done.set()
print(most[0] - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux how much memory is a process's own")
@pytest.mark.long("a process for each, whose memory is measured")
@pytest.mark.parametrize("name", ["procrustes", "linear_predictivity", "mean_cca", "cka", "aligned_cosine"])
def test_planned_memory_of_many_rows_is_right(name) -> None:
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}  # as in a worker
    command = [sys.executable, "-c", PROGRAM, name]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread)
    chosen = configurations(name)
    planned = 2 * footprint(chosen, 60_000, 128) + of_a_pair(chosen, 60_000, 128)
    assert int(told.stdout) == pytest.approx(planned, rel=0.2)


def test_many_rows_are_not_planned_as_tables_of_pairs() -> None:
    for name in ("cka", "procrustes", "mean_cca", "gulp", "linear_predictivity", "eigenspace_overlap", "jaccard"):
        assert footprint(configurations(name), 100_000, 768) < 3 * 2**29
