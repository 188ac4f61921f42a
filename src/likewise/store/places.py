"""Where a store lies, by its path or its URL."""

import re
from pathlib import Path

from likewise.errors import InputError
from likewise.naming import did_you_mean
from likewise.store.bucket import Bucket
from likewise.store.disk import Disk

SCHEMES = ("s3", "gs", "az", "memory")
"""Where a bucket may be. ``file://`` is a folder."""


def is_bucket(where: str | Path) -> bool:
    """Whether something that may be a name, a path or a URL is the URL of a bucket."""
    return bool(re.match(rf"({'|'.join(SCHEMES)}):/", str(where), re.IGNORECASE))


def place_of(folder: str | Path) -> Disk:
    """Return where a store lies: a folder, or a bucket by its URL.

    Raises
    ------
    InputError
        If the URL is none of a bucket.
    MissingDependencyError
        If it is one, and what asks buckets is not installed.
    """
    # A path has lost a slash of a URL; one letter before the colon is a drive.
    found = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", str(folder), re.DOTALL)
    if not found:
        return Disk(Path(folder))
    scheme, rest = found[1].lower(), found[2].strip("/")
    if scheme == "file":
        return Disk(Path("/") / rest)
    if scheme not in SCHEMES:
        raise InputError(
            f"{scheme}:// is no place of a store: {did_you_mean(scheme, SCHEMES, last=False)} Expected a folder, or "
            f"{', '.join(f'{one}://' for one in SCHEMES)}"
        )
    if not rest or any(part in ("", ".", "..") for part in rest.split("/")):
        raise InputError(f"{folder} names no bucket; expected {scheme}://BUCKET or {scheme}://BUCKET/FOLDER")
    if odd := re.search(r"[?#@%\s\x00-\x1f]", rest):
        raise InputError(
            f"the URL of a store holds {odd[0]!r}; expected {scheme}://BUCKET/FOLDER alone: credentials come from the "
            "environment, such as AWS_ACCESS_KEY_ID"
        )
    return Bucket(f"{scheme}://{rest}")
