"""What workers do in tests of executors: they import this small module, not one with all that tests need."""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

from likewise.errors import LikewiseError
from likewise.progress import Watch


def halved(task: int, watch: Watch) -> int:
    watch("half", abs(task), 2 * abs(task))
    return -task


def where(task: tuple[str, int], watch: Watch) -> tuple[int, int]:
    """Write down when it began and ended, and say in which process."""
    folder, number = task
    began = time.monotonic()
    time.sleep(0.05)
    (Path(folder) / str(number)).write_text(f"{began} {time.monotonic()}")
    return number, os.getpid()


def wrong(task: str, watch: Watch) -> None:
    raise {"ours": LikewiseError, "any": ZeroDivisionError}[task](task)


def die_once(task: int, watch: Watch) -> int:
    if task:
        os._exit(task)
    return task


def signalled(task: int, watch: Watch) -> bytes:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return os.read(0, 1)


def unsendable(task: int, watch: Watch) -> object:
    return lambda: None


def leave(task: int, watch: Watch) -> int:
    """End the process in the middle of its work, as a library may."""
    sys.exit(1)


# For ever


def busy(folder: str) -> None:
    """Compute for ever, in Python."""
    (Path(folder) / str(os.getpid())).touch()
    while True:
        pass


def locked(folder: str) -> None:
    """Compute for ever in a call that keeps Python's lock."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(0.2)
    sum(itertools.repeat(1, 10**13))


def decompose(folder: str) -> None:
    """Compute for ever in LAPACK."""
    import numpy as np

    matrix = np.random.default_rng(0).normal(size=(3000, 3000))
    (Path(folder) / str(os.getpid())).touch()
    while True:
        np.linalg.svd(matrix)


CALLS = {"busy": busy, "locked": locked, "decompose": decompose}


def do(task: tuple[str, str], watch: Watch) -> None:
    folder, call = task
    CALLS[call](folder)
