"""Fetch the libraries of the page again, or check those that lie here: ``python fetch.py [--check]``.

Both are taken out of the packages of the npm registry, byte for byte, and written only where all hashes agree.
"""

import hashlib
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent


def changed() -> list[str]:
    """Return the files that are not the ones of the list."""
    return [name for name, of in LISTED.items() if _sha256((HERE / name).read_bytes()) != of["sha256"]]


def fetch(name: str) -> None:
    """Write one file anew, and the licence of its package."""
    of = LISTED[name]
    with urllib.request.urlopen(of["tarball"], timeout=60) as answer:
        content = answer.read()
    _expect(f"{of['package']} {of['version']}", of["tarball_sha256"], content)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        script, licence = (
            archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in (of["member"], "package/LICENSE")
        )
    _expect(name, of["sha256"], script)
    (HERE / name).write_bytes(script)
    (HERE / f"{name.partition('.')[0]}.LICENSE").write_bytes(licence)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _expect(what: str, wanted: str, content: bytes) -> None:
    if (found := _sha256(content)) != wanted:
        raise SystemExit(f"{what}: expected sha256 {wanted}, got {found}")


LISTED: dict[str, dict[str, str]] = json.loads((HERE / "vendored.json").read_text(encoding="utf-8"))

if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        for vendored in LISTED:
            fetch(vendored)
    if wrong := changed():
        raise SystemExit(f"not what was pinned: {', '.join(wrong)}")
