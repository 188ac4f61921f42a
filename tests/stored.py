"""What tests of runs compare: all that a run decides on."""

import hashlib
from pathlib import Path


def content(folder: Path) -> dict[str, str]:
    """Hashes of everything that a run decides on: all but the times."""
    kept = [*folder.glob("representations/*"), *folder.glob("results/*.parquet"), *folder.glob("prompts/*")]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept}
