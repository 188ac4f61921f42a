"""Where Python looks for modules when likewise is the program: never in the folder that one works in."""

# Python has these two at hand before it looks at any folder; all others would be taken from the current one.
import os
import sys


def leave_current_folder() -> None:
    """Take the current folder off the path, where ``likewise`` or ``python -m likewise`` is the program.

    A file there that has the name of a library would be run instead of it. A script that imports likewise keeps its
    path: it is the script's to choose.
    """
    if not _is_program():
        return
    # Processes that are started from here begin without it too.
    os.environ["PYTHONSAFEPATH"] = "1"
    current = os.getcwd()  # noqa: PTH109
    # An empty part of PYTHONPATH, as a trailing colon leaves, means the current folder, and is seldom meant.
    named = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if not os.path.isabs(part)]  # noqa: PTH117
    unwanted = {"", *filter(_is_current, (os.path.join(current, part) for part in named))}  # noqa: PTH118
    if sys.argv[0] == "-m" and not sys.flags.safe_path:
        del sys.path[0]
    sys.path[:] = [place for place in sys.path if place not in unwanted]


def _is_program() -> bool:
    """Whether this process is the command: while Python looks for the module of -m, its first argument is that."""
    if sys.argv[:1] == ["-m"]:
        return sys.orig_argv[-len(sys.argv)].rpartition("-m")[2].partition(".")[0] == "likewise"
    return bool(sys.argv) and _stem(sys.argv[0]) == "likewise"


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122


def _is_current(place: str) -> bool:
    return os.path.realpath(place) == os.path.realpath(os.curdir)
