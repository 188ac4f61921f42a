"""Optional libraries: imported where they are needed, kept quiet, and named with their versions."""

import contextlib
import functools
import importlib
import importlib.metadata
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from likewise.errors import MissingDependencyError


def imported(library: str, extra: str = "extract") -> Any:
    """Return a library.

    Raises
    ------
    MissingDependencyError
        If it is not installed; the message holds the command.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MissingDependencyError(library, extra) from error


def cache_folder(extra: str = "extract") -> Path:
    """Return where what can be made or fetched again is kept: ``LIKEWISE_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("LIKEWISE_CACHE"):
        return Path(chosen)
    return Path(imported("platformdirs", extra).user_cache_dir("likewise"))


def library_versions() -> dict[str, str]:
    """Versions of what decides on the states of a model and their scores, as far as installed."""
    names = ("likewise", "numpy", "scipy", "torch", "transformers", "tokenizers", "peft", "bitsandbytes")
    return {name: version for name in names if (version := _version(name)) is not None}


@functools.cache
def _version(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Keep the library's bars and notices out of our progress."""
    logging = transformers.utils.logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
