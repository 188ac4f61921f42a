"""A store in a bucket: S3, Google Cloud Storage, Azure, or the memory of one process; read through copies on a disk.

What a bucket holds appears complete or not at all, and is copied to a folder of this machine when it is read, so that
matrices are mapped from a disk. What is there is asked of the bucket alone, and a copy counts only while it is of the
object that is there now.
"""

import contextlib
import datetime
import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from likewise.errors import InputError, StoreError, UnreachableError
from likewise.libraries import cache_folder, imported
from likewise.naming import slug
from likewise.store.atomic import check_no_link, is_left, said, unfinished_name, write_atomically
from likewise.store.disk import Disk, removed
from likewise.store.door import BY_ENDING, check_bytes, stands_for
from likewise.store.keys import content_key, file_hash

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
"""Variables of the environment that name another server than the provider's."""

CACHE, MOST_CACHED = "LIKEWISE_STORE_CACHE", 20 * 10**9
"""The variable with the most bytes of copies of one store, and what it is by default."""

JUST_USED = 60.0
"""Seconds for which a copy is not deleted: somebody may be about to open it."""

MOMENTS = 256
"""Times that room is looked for while as many bytes come as there is room for: each of many workers counts its own."""

AT_ONCE = 16
"""Objects that are fetched at the same time: of small ones each takes the time of the way there and back."""

PIECE = 2**26
"""Bytes that are fetched at once: no request takes so long that it looks dead."""

IN_ONE = 2**28
"""Bytes up to which a bucket itself refuses what must not be written over; beyond, it is asked before, and of two who
ask at the same time the later one writes."""

TRIES = 5
"""How often what others change meanwhile is looked at again."""

_ROOTS: dict[str, tempfile.TemporaryDirectory[str]] = {}
"""Copies of what is in the memory of this process; they are gone with it."""


class Bucket(Disk):
    """The files of a store in a bucket, with copies in a folder of this machine.

    Parameters
    ----------
    url : str
        Of the bucket, and of a folder in it.

    Notes
    -----
    A copy has as its time of change a hash of the tag that the bucket gave the object, so both are compared in one look
    and set in one step. Its time of access says when it was used last, and those unused for longest make room.
    """

    def __init__(self, url: str) -> None:
        self._obstore = imported("obstore", "bucket")
        self._refused = self._obstore.exceptions
        self.url, self._most = url, _most_cached()
        self.shared = not url.startswith("memory:")
        super().__init__(_folder_of_copies(url))
        stands_for(self.folder, url)
        with self._asking():
            self._bucket = _opened(url, *_endpoints())
        self._looked: dict[str, dict[str, Any]] = {}
        self._looking, self._added = 0, self._most  # other processes may have filled the folder

    @property
    def address(self) -> str:
        """The URL."""
        return self.url

    @property
    def absolute(self) -> str:
        """The URL."""
        return self.url

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rpartition("/")[2]

    @property
    def pages(self) -> Path:
        """A folder on this machine: nobody opens a page out of a bucket."""
        return Path("reports") / slug(self.url)

    def check(self) -> None:
        """Ask whether there is such a bucket, though there may be nothing in it yet.

        Raises
        ------
        UnreachableError
            If there is none.
        """
        try:
            self._list("")
        except (FileNotFoundError, UnreachableError) as error:
            if isinstance(error, UnreachableError) and "404" not in str(error):
                raise
            raise UnreachableError(f"{self.url} cannot be reached: there is no such bucket") from error

    # Looking

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """While it is open, a folder is listed at the first question, and that answers all others."""
        self._looking += 1
        try:
            yield
        finally:
            self._looking -= 1
            if not self._looking:
                self._looked = {}

    def _key(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _list(self, folder: str) -> dict[str, Any]:
        """What is in a folder, by name."""
        if folder in self._looked:
            return self._looked[folder]
        with self._asking():
            found = self._obstore.list_with_delimiter(self._bucket, folder or None)["objects"]
        listed = {one["path"].rpartition("/")[2]: one for one in found}
        if self._looking:
            self._looked[folder] = listed
        return listed

    def _about(self, key: str) -> Any:
        """What the bucket says of an object; None where there is none."""
        folder, _, name = key.rpartition("/")
        if self._looking:
            return self._list(folder).get(name)
        with self._asking(), contextlib.suppress(FileNotFoundError):
            return self._obstore.head(self._bucket, key)
        return None

    def there(self, path: Path) -> bool:
        """Whether the bucket has an object of that name."""
        return self._about(self._key(path)) is not None

    def names(self, folder: Path, ending: str) -> list[str]:
        """Return the names of objects, as of the files of a folder."""
        found = sorted(self._list(self._key(folder)))
        return [name.removesuffix(ending) for name in found if name.endswith(ending) and not name.startswith(".")]

    def filled(self, folder: Path) -> bool:
        """Whether there is an object below a name."""
        with self._asking():
            return any(self._obstore.list(self._bucket, self._key(folder), chunk_size=1))

    def below(self, folder: Path) -> list[Path]:
        """Return the paths of all objects below a name, in order."""
        return sorted(self.folder / one["path"] for one in self._below(folder))

    def size(self, path: Path) -> int:
        """Bytes of an object, or of all below a name; and of what is not finished and lies on this machine alone."""
        if about := self._about(self._key(path)):
            return int(about["size"])
        below = sum(one["size"] for one in self._below(path))
        return below or (super().size(path) if path.suffix == ".parts" else 0)

    def _below(self, path: Path) -> list[Any]:
        with self._asking():
            return [one for some in self._obstore.list(self._bucket, self._key(path)) for one in some]

    def written(self, path: Path) -> float:
        """When an object was written, by the clock of the bucket."""
        about = self._about(self._key(path))
        if about is None:
            raise FileNotFoundError(path)
        return float(about["last_modified"].timestamp())

    def now(self, folder: Path) -> float:
        """The time by the clock of the bucket, for those who may write there."""
        clock = folder / ".clock"
        try:
            self._put(self._key(clock), b"")
            return self.written(clock)
        except StoreError:
            return time.time()

    # Reading

    def fetch(self, path: Path, *beside: Path, most: int | None = None) -> Path:
        """Copy objects from the bucket, unless their copies are of what is there now.

        What is larger than a file of its kind, or than so many bytes, is refused before it is copied.

        Raises
        ------
        FileNotFoundError
            If the bucket has no such object. Those beside it may be missing.
        """
        self._fetch(path, most)
        for other in beside:
            with contextlib.suppress(FileNotFoundError):
                self._fetch(other)
        return path

    def ready(self, paths: Iterable[Path]) -> None:
        """Copy many objects, as far as they exist, several at a time."""

        def fetch(path: Path) -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fetch(path)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(fetch, paths):
                pass

    def _fetch(self, path: Path, most: int | None = None) -> None:
        key, most = self._key(path), most or BY_ENDING.get(path.suffix)
        check_no_link(path.parent)
        for _ in range(TRIES):
            about = self._about(key)
            if about is None:
                with removed(path):
                    path.unlink(missing_ok=True)
                raise FileNotFoundError(path)
            if most is not None:
                check_bytes(path, about["size"], most)
            if _is_copy(path, about):
                try:
                    _stamp(path, about)
                    return
                except FileNotFoundError:  # another process has just made room
                    pass
                except OSError:  # the copies are somebody else's: they can be read all the same
                    return
            if about["size"] > self._most:
                raise StoreError(
                    f"{self.url}/{key} has {about['size']:,} bytes, and at most {self._most:,} are copied to this "
                    f"machine; {CACHE}=BYTES sets another limit"
                )
            try:
                write_atomically(path, functools.partial(self._copy, key, about))
            except self._refused.PreconditionError:  # another has just taken its place
                self._looked.pop(key.rpartition("/")[0], None)
                continue
            self._make_room(about["size"])
            return
        raise self._restless(path)

    def _restless(self, path: Path) -> StoreError:
        return StoreError(
            f"{self.url}/{self._key(path)} changes faster than it can be read; run the same command again"
        )

    def _copy(self, key: str, about: Any, to: Path) -> None:
        """Fetch an object piece by piece, all of them of one version."""
        with to.open("xb") as file:
            for start in range(0, about["size"], PIECE):
                end = min(about["size"], start + PIECE)
                with self._asking():
                    options = {"range": (start, end)} | ({"if_match": about["e_tag"]} if about["e_tag"] else {})
                    try:
                        piece = self._obstore.get(self._bucket, key, options=options).bytes()
                    except FileNotFoundError as error:  # not of the disk, which is told otherwise
                        raise self._refused.PreconditionError(str(error)) from error
                file.write(piece)
        _stamp(to, about)

    def _make_room(self, added: int) -> None:
        """Delete the copies unused for longest; what is not finished, or not copied yet, is no copy."""
        self._added += added
        if self._added <= self._most // MOMENTS:
            return
        self._added = 0
        copies = []
        for path in self.folder.rglob("*"):
            with contextlib.suppress(OSError):
                status = path.lstat()
                if path.is_file() and not path.is_symlink() and status.st_mtime_ns < 2**60:
                    copies.append((status.st_atime, status.st_size, path))
        left = sum(size for _, size, _ in copies)
        for used, size, path in sorted(copies):
            if left <= self._most or used > time.time() - JUST_USED:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                left -= size

    # Writing

    def _put(self, key: str, content: bytes | Path, *, once: bool = False) -> Any:
        """Put an object; return what is known of it, or None where one was there that must stay."""
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        how: dict[str, Any] = {"use_multipart": False, "mode": "create" if once else "overwrite"}
        if size > IN_ONE:
            if once and self._about(key):
                return None
            how = {"use_multipart": True, "chunk_size": max(2**23, size // 5_000), "max_concurrency": 4}
        try:
            with self._asking():
                found = self._obstore.put(self._bucket, key, content, **how)
        except (self._refused.AlreadyExistsError, self._refused.PreconditionError):
            self._looked.pop(key.rpartition("/")[0], None)  # it may not know of the other
            return None
        except FileNotFoundError as error:
            raise UnreachableError(f"{self.url} cannot be reached: there is no such bucket") from error
        about = {"path": key, "size": size, "e_tag": found["e_tag"]}
        about["last_modified"] = datetime.datetime.now(datetime.UTC)
        if not found["e_tag"]:
            with self._asking():
                about = self._obstore.head(self._bucket, key)
        folder, _, name = key.rpartition("/")
        if folder in self._looked:
            self._looked[folder][name] = about
        return about

    def write(self, path: Path, content: bytes, *, once: bool = False, durable: bool = True) -> None:
        """Put a small object."""
        self._put(self._key(path), content, once=once)

    @contextlib.contextmanager
    def staged(self, path: Path) -> Iterator[Path]:
        """Give a folder of its own, so that nothing lies among the copies that is not in the bucket."""
        folder = self.folder / unfinished_name(path.name)
        with said(folder):
            folder.mkdir(parents=True)
        try:
            yield folder / path.name
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, own: Path, path: Path) -> None:
        """Put what was staged, the file itself last; of several who put the same, the first decides."""
        for file in sorted(own.parent.iterdir(), key=lambda p: p == own):
            self._keep(file, path.with_name(file.name))

    def _keep(self, own: Path, path: Path) -> None:
        """Put a file and make it a copy; where the bucket has it already, that is what is read from now on."""
        if about := self._put(self._key(path), own, once=True):
            with said(path):
                _stamp(own, about)
                path.parent.mkdir(parents=True, exist_ok=True)
                own.replace(path)
            self._make_room(about["size"])

    def take(self, own: Path, path: Path, describe: Callable[[Path], bytes]) -> None:
        """Put a matrix, then its description, which is of the matrix that the bucket holds, whoever put it."""
        self._keep(own, path)
        described = path.with_suffix(".json")
        for n in range(TRIES):
            # A description may be left of a matrix that is gone: the next time it gives way.
            self.write(described, describe(self.fetch(path)), once=n == 0)
            self._looked.pop(self._key(path.parent), None)
            # Fetched again: of large matrices another may have put its own meanwhile, and described it.
            if file_hash(self.fetch(path)).encode() in self.fetch(described).read_bytes():
                return
        raise self._restless(path)

    def remove(self, path: Path) -> None:
        """Delete an object, or all below a name, and its copies."""
        keys = [one["path"] for one in self._below(path)] or [self._key(path)]
        with self._asking(), contextlib.suppress(FileNotFoundError):
            self._obstore.delete(self._bucket, keys)
        self._looked = {}
        super().remove(path)

    def sweep(self) -> None:
        """Delete what processes of this machine that no longer live left unfinished among the copies."""
        super().sweep()
        for folder in self.folder.glob(".*.unfinished"):
            if is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Say in one line what a bucket refuses. What is missing, or there already, is for those who asked.

        Raises
        ------
        UnreachableError
            If the bucket cannot be reached, or refuses.
        """
        passed = (self._refused.AlreadyExistsError, self._refused.PreconditionError)
        try:
            yield
        except (FileNotFoundError, StoreError, *passed):
            raise
        except (self._refused.BaseError, OSError, ValueError) as error:
            raise UnreachableError(f"{self.url} cannot be reached: {_why(error)}") from error


def _why(error: BaseException) -> str:
    """The first line of what a bucket answered, without its markup."""
    first = (str(error).splitlines() or [""])[0].partition(": <")[0][:400].strip() or type(error).__name__
    # Who has no credentials is sent to ask the machine for some.
    asked = "169.254.169.254" in first or "metadata.google" in first
    return f"{first}; expected credentials in the environment, such as AWS_ACCESS_KEY_ID" if asked else first


@functools.cache
def _opened(url: str, *endpoints: str) -> Any:
    """The bucket of a URL; credentials and the like are those of the environment."""
    stores = imported("obstore.store", "bucket")
    if url.startswith("memory:"):
        return stores.MemoryStore()
    options = {"connect_timeout": "5s", "read_timeout": "60s", "timeout": "10min"}
    if any(server.startswith("http://") for server in endpoints):
        options["allow_http"] = True  # type: ignore[assignment]  # whoever set the variable asked for it
    return stores.from_url(
        url, client_options=options, retry_config={"max_retries": 3, "retry_timeout": datetime.timedelta(minutes=2)}
    )


def _endpoints() -> tuple[str, ...]:
    return tuple(os.environ.get(name, "") for name in ENDPOINTS)


def _folder_of_copies(url: str) -> Path:
    """Where the copies of a store lie: those of two servers apart, though they call a bucket the same."""
    if url.startswith("memory:"):
        if url not in _ROOTS:
            _ROOTS[url] = tempfile.TemporaryDirectory(prefix="likewise-")
        return Path(_ROOTS[url].name)
    key = content_key([url, *_endpoints()])
    return cache_folder("bucket") / "stores" / f"{slug(url)}-{key[:8]}"


def _most_cached() -> int:
    """Return the most bytes of copies of one store."""
    said = os.environ.get(CACHE)
    try:
        most = MOST_CACHED if not said else int(float(said))
    except (ValueError, OverflowError):
        most = 0
    if most <= 0:
        raise InputError(f"{CACHE}={said!r}; expected a number of bytes, such as 20e9")
    return most


def _time_of(about: Any) -> int:
    """The time, in nanoseconds, by which the copy of an object is known: before 2007, so that nothing else has it."""
    tag = about["e_tag"] or str(about["last_modified"])
    return int(hashlib.sha256(f"{tag} {about['size']}".encode()).hexdigest()[:15], 16)


def _is_copy(path: Path, about: Any) -> bool:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return (status.st_size, status.st_mtime_ns) == (about["size"], _time_of(about))


def _stamp(path: Path, about: Any) -> None:
    """Say of which object a file is a copy, and that it is used now."""
    os.utime(path, ns=(time.time_ns(), _time_of(about)), follow_symlinks=False)
