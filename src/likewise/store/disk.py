"""Where the files of a store lie: in a folder, which all that work on it see."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from likewise.errors import InputError, StoreError
from likewise.store.atomic import check_no_link, sweep, write_atomically
from likewise.store.door import names_in, there


class Disk:
    """The files of a store, in a folder.

    Parameters
    ----------
    folder : Path
        Where they are read and written. Elsewhere (`Bucket`) it holds copies.
    """

    shared = True
    """Whether other processes see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if there(folder) and not folder.is_dir():
            raise InputError(f"{folder} is a file; expected the folder of a store")

    @property
    def address(self) -> Path | str:
        """What another process on another machine finds the store by."""
        return self.folder

    @property
    def absolute(self) -> Path | str:
        """The address, wherever a worker works."""
        return self.folder.absolute()

    @property
    def name(self) -> str:
        """What the store is called for short."""
        return self.folder.resolve().name

    @property
    def pages(self) -> Path:
        """Where what is made for people is written: reports, and the experiment of what was imported."""
        return self.folder

    def check(self) -> None:
        """Ask whether there may be a store, though there is none yet."""

    # Looking

    def at_once(self) -> contextlib.AbstractContextManager[object]:
        """While it is open, many questions of what is there may be answered by one look at each folder."""
        return contextlib.nullcontext()

    def there(self, path: Path) -> bool:
        """Whether there is something of that name."""
        return there(path)

    def names(self, folder: Path, ending: str) -> list[str]:
        """Return the names of a folder's files of one ending, without it, in order."""
        return names_in(folder, ending)

    def filled(self, folder: Path) -> bool:
        """Whether there is something in a folder of the store."""
        return folder.is_dir() and not folder.is_symlink()

    def below(self, folder: Path) -> list[Path]:
        """Return all files below a folder, in order; none where it is a link."""
        if folder.is_symlink():
            return []
        return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())

    def size(self, path: Path) -> int:
        """Bytes of a file, or of all files of a folder."""
        files = [path] if path.is_file() else path.rglob("*")
        return sum(file.lstat().st_size for file in files if file.is_file())

    def written(self, path: Path) -> float:
        """When a file was written, by the clock of the disk."""
        return path.stat().st_mtime

    def now(self, folder: Path) -> float:
        """The time by the clock of the disk, which may be another machine's, where that can be asked."""
        try:
            check_no_link(folder)
            with tempfile.TemporaryFile(dir=folder) as file:
                return os.fstat(file.fileno()).st_mtime
        except OSError:  # who may only read looks at the own clock
            return time.time()

    # Reading

    def fetch(self, path: Path, *beside: Path, most: int | None = None) -> Path:
        """Return where a file can be read, once it and those beside it, as far as they exist, are as they are now.

        What is larger than so many bytes need not be made ready: it is not read.

        Raises
        ------
        FileNotFoundError
            If it is known that there is none.
        """
        return path

    def ready(self, paths: Iterable[Path]) -> None:
        """Make many files ready to be fetched, as far as they exist."""

    # Writing

    def write(self, path: Path, content: bytes, *, once: bool = False, durable: bool = True) -> None:
        """Write a small file; what is written ``once`` stays as the first process wrote it."""
        write_atomically(path, lambda p: p.write_bytes(content), once=once, durable=durable)

    @contextlib.contextmanager
    def staged(self, path: Path) -> Iterator[Path]:
        """Give where a file, and others beside it, can be written, before they are kept under their own name."""
        yield path

    def keep(self, own: Path, path: Path) -> None:
        """Keep what was staged: those beside it first, then the file itself."""

    def take(self, own: Path, path: Path, describe: Callable[[Path], bytes]) -> None:
        """Keep a matrix that was staged, or grew elsewhere, and its description, which is made of its file."""
        # Described before it is moved: a kill between the two costs nothing.
        self.write(path.with_suffix(".json"), describe(own))
        if own != path:
            own.replace(path)

    def remove(self, path: Path) -> None:
        """Delete a file or a folder, nothing outside of the store.

        Raises
        ------
        StoreError
            If it lies in a folder that is a link.
        """
        for folder in path.relative_to(self.folder).parents[:-1]:
            check_no_link(self.folder / folder)
        with removed(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what processes of this machine that no longer live left unfinished."""
        sweep(self.folder)


@contextlib.contextmanager
def removed(path: Path) -> Iterator[None]:
    """Say in one line why something cannot be removed.

    Raises
    ------
    StoreError
        If it cannot.
    """
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{path} cannot be removed: {error.strerror or error}") from error
