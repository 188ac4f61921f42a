"""Files that appear complete or not at all."""

import contextlib
import errno
import os
import platform
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from likewise.errors import StoreError


def write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool = True, once: bool = False) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, then rename it; on any failure nothing is left behind.

    What can be made again in a moment need not be ``durable``: waiting for the disk would cost more. What is written
    ``once`` leaves a file alone that is there already: of several processes, the first decides.

    Raises
    ------
    StoreError
        If the disk is full or the folder cannot be written.
    """
    unfinished = path.with_name(unfinished_name(path.name))
    try:
        with said(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write(unfinished)
            if durable:
                with unfinished.open("rb+") as file:
                    os.fsync(file.fileno())
            if not once:
                unfinished.replace(path)
            else:
                _place_once(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    return path


def unfinished_name(name: str) -> str:
    """Return what a file or folder is called while it is not finished: `sweep` finds it when this process is gone."""
    # Only the beginning of a long name: it grows here, and names have an end.
    return f".{name[:80]}.{_host()}.{os.getpid()}.{secrets.token_hex(4)}.unfinished"


@contextlib.contextmanager
def said(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be written.

    Raises
    ------
    StoreError
        If the disk is full, the folder cannot be written, or it is no path.
    """
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        if _disk_full(error):
            raise StoreError(
                f"the disk is full: {path.name} could not be written to {path.parent}; what was finished before is "
                "kept, so make room and run the same command again"
            ) from error
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error


def check_no_link(folder: Path) -> None:
    """Refuse to write through a folder that is a link: who made a store decides on nothing outside of it.

    Raises
    ------
    StoreError
        If it is one.
    """
    with said(folder):
        link = folder.is_symlink()
    if link:
        raise StoreError(f"{folder} is a link, and nothing is written through it; delete the link and run again")


def _place_once(unfinished: Path, path: Path) -> None:
    """Give a finished file its name, unless that is taken."""
    try:
        path.hardlink_to(unfinished)  # unlike a renaming, refused where there is a file
    except FileExistsError:
        pass
    except OSError:  # a disk without links; two processes in the same moment may then both write
        if not path.exists():
            unfinished.replace(path)
    unfinished.unlink(missing_ok=True)


def _disk_full(error: BaseException) -> bool:
    """Whether an error says that no space is left."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_text(path: Path, text: str) -> Path:
    """Write a text file atomically, in UTF-8 with plain line ends."""
    return write_atomically(path, lambda p: p.write_bytes(text.encode()))


def sweep(folder: Path) -> None:
    """Delete what processes of this machine that no longer live left unfinished."""
    for path in folder.rglob(".*.unfinished"):
        if is_left(path):
            with contextlib.suppress(OSError):  # a folder, or a disk that cannot be written: it disturbs nobody
                path.unlink(missing_ok=True)


def is_left(unfinished: Path) -> bool:
    """Whether what is called unfinished was left by a process of this machine that no longer lives."""
    parts = unfinished.name.split(".")
    if len(parts) < 6:
        return False  # not a name that is given here
    host, pid = parts[-4:-2]
    return host == _host() and bool(re.fullmatch("[0-9]{1,9}", pid)) and not _alive(int(pid))


def _host() -> str:
    return platform.node().replace(".", "-")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A process that was killed keeps its number until its parent asks for it, which may be never.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and ") Z " in status.read_text(encoding="utf-8", errors="replace"))
