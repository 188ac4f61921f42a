"""Workers end with the run, whatever ended it, and nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs import CALLS, leave, signalled, unsendable
from likewise.errors import LikewiseError
from likewise.run import Job, Processes, outcomes

WITHIN = 2.0
"""Seconds of a processor in which workers end: a machine that is busy with others gives them later."""

HANGS = 600.0
"""Seconds after which one that has had no processor hangs, rather than waits for its turn."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from jobs import do
from likewise.run import Job, Processes, outcomes
if __name__ == "__main__":
    list(outcomes(Processes(len(sys.argv) - 3), do, [Job((sys.argv[2], call)) for call in sys.argv[3:]]))
"""


def start(script: Path, folder: Path, *calls: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(script), str(Path(__file__).parents[1]), str(folder), *calls])


def alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(p) for p in found.split()]


def shared(pid: int) -> list[str]:
    """What a process has in shared memory: a kill of all who know of it leaves it there."""
    return [line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "/dev/shm/" in line]


def used(pid: int) -> float:
    """Seconds of a processor that a process has had."""
    try:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def ended(pids: list[int]) -> bool:
    before = {pid: used(pid) for pid in pids}
    until = time.monotonic() + HANGS
    while any(map(alive, pids)) and time.monotonic() < until:
        if any(used(pid) - before[pid] > WITHIN for pid in pids):
            break
        time.sleep(0.02)
    left = [pid for pid in pids if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return not left


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_workers_end_with_their_parent_whatever_they_do(tmp_path: Path, script: Path) -> None:
    folder = tmp_path / "at work"
    folder.mkdir()
    parent = start(script, folder, *CALLS)
    while len(list(folder.iterdir())) < len(CALLS) and parent.poll() is None:
        time.sleep(0.05)
    workers = [int(p.name) for p in folder.iterdir()]
    everything = children(parent.pid)
    assert len(workers) == len(CALLS) and set(workers) <= set(everything)
    assert not any(map(shared, [parent.pid, *everything]))
    parent.kill()
    parent.wait()
    assert ended(everything)


def test_workers_that_have_not_begun_end_with_their_parent_too(tmp_path: Path, script: Path) -> None:
    parent = start(script, tmp_path, "busy", "busy")
    while len(children(parent.pid)) < 3 and parent.poll() is None:  # two workers, and Python's own tracker
        time.sleep(0.005)
    started = children(parent.pid)
    parent.kill()
    parent.wait()
    assert len(started) == 3 and ended(started)


def test_a_worker_hears_no_ctrl_c_and_no_sigterm_and_reads_no_input() -> None:
    """Sent to a whole group, they are the run's to answer."""
    assert list(outcomes(Processes(1), signalled, [Job(1)])) == [b""]


def test_what_a_worker_cannot_send_is_raised_here() -> None:
    with pytest.raises(LikewiseError, match="cannot send what it found"):
        list(outcomes(Processes(1), unsendable, [Job(0)]))


def test_a_script_that_calls_likewise_at_its_top_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "top.py"
    script.write_text(
        "from likewise.run import Job, Processes, outcomes\nlist(outcomes(Processes(1), print, [Job(1)]))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ended before it began" in done.stderr.splitlines()[-1] and '__name__ == "__main__"' in done.stderr


def test_a_worker_that_ends_while_it_works_is_no_script_without_a_guard() -> None:
    with pytest.raises(LikewiseError, match="a worker process died"):
        list(outcomes(Processes(1), leave, [Job(1)]))
