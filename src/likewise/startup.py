"""Where Python looks for modules when likewise is the program: never in the folder that one works in."""

import os
import sys
from pathlib import Path


def leave_current_folder() -> None:
    """Take the current folder off the path, where ``likewise`` or ``python -m likewise`` is the program.

    A file there that has the name of a library would be run instead of it. A script that imports likewise keeps its
    path: it is the script's to choose.
    """
    if not _is_program():
        return
    # Processes that are started from here begin without it too.
    os.environ["PYTHONSAFEPATH"] = "1"
    current = Path.cwd()
    # An empty part of PYTHONPATH, as a trailing colon leaves, means the current folder, and is seldom meant.
    named = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if not Path(part).is_absolute()]
    unwanted = {"", *(str(current / part) for part in named if (current / part).resolve() == current.resolve())}
    if sys.argv[0] == "-m" and not sys.flags.safe_path:
        del sys.path[0]
    sys.path[:] = [place for place in sys.path if place not in unwanted]


def _is_program() -> bool:
    """Whether this process is the command: while Python looks for the module of -m, its first argument is that."""
    if sys.argv[:1] == ["-m"]:
        return sys.orig_argv[-len(sys.argv)].rpartition("-m")[2].partition(".")[0] == "likewise"
    return bool(sys.argv) and Path(sys.argv[0]).stem == "likewise"
