"""Tasks on a Ray cluster: the bytes of the reference, whatever becomes of workers."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InputError, MissingDependencyError
from likewise.plan import Needs
from likewise.progress import Watch
from likewise.run import Job, Lost
from likewise.run.executors import choose
from likewise.run.executors.ray import Ray
from stored import content

Once = Callable[[str, Callable[[Path], object]], Path]

starts = pytest.mark.long("starts a Ray cluster")


def told(task: Any, watch: Watch) -> Any:
    if task == "wrong":
        raise ZeroDivisionError("of no number")
    if task == "die":
        os._exit(9)
    return task, os.getpid()


@starts
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_two_workers_give_the_same_bytes_and_a_lost_one_is_told(
    experiment: dict[str, Any], once: Once, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    asked = {**experiment, "measures": ["cka", "jaccard(k=3)"]}
    reference = content(once("graph", lambda folder: likewise.run(asked, folder)))
    done = likewise.run(asked, tmp_path, executor="ray", workers=2)
    assert not done.failed and content(tmp_path) == reference
    executor = Ray(2)
    try:
        for task, wanted in (("a", "a"), ("die", "died"), ("wrong", "of no number")):
            executor.submit(told, Job(task))
            found = executor.hear()[1]
            assert wanted in (found.why if isinstance(found, Lost) else found[0])
        executor.submit(told, Job("b", Needs(1, None, 2)))
        assert executor.hear()[1] == Lost("the task wants 2 GPUs, and no machine has more than 0")
    finally:
        executor.close()


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="has its own number of workers"):
        choose("ray", 2, "auto")
    with pytest.raises(InputError, match="workers=0"):
        choose("ray", 0)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"likewise\[ray\]"):
        Ray(1).submit(told, Job("a"))
