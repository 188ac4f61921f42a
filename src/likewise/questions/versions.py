"""Versions of a model by what people call them: revisions, folders of checkpoints, and tables of numbers."""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import InputError
from likewise.fields import DTYPE
from likewise.naming import AT, canonical_json, check_model_name, did_you_mean
from likewise.plan import model_written
from likewise.plan.entries import ModelEntry
from likewise.store.files import SUFFIXES

AFTER = re.compile(r"(?:step|checkpoint|ckpt|iter(?:ation)?)s?[-_=. ]?(\d+(?:\.\d+)?)([kmb](?![a-z]))?", re.IGNORECASE)
"""A number after a word that says what it counts."""

ANY = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)([kmb](?![a-z]))?", re.IGNORECASE)
"""Any number; the last one of a name counts."""

THOUSANDS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}

RUNS = ("run", "seed")
"""Columns that say which run a version belongs to."""

LONGEST = 2**20
"""Characters of a table of numbers."""


def number_in(name: str) -> float | None:
    """Return the number that a name of a checkpoint ends in, or that follows a word such as step; None without one.

    Examples
    --------
    >>> [number_in(name) for name in ("checkpoint-500", "step3-tokens14B", "step_1k", "1000", "main")]
    [500.0, 3.0, 1000.0, 1000.0, None]
    """
    found = [*AFTER.finditer(name)] or [*ANY.finditer(name)]
    if not found:
        return None
    number, unit = found[-1].groups()
    return float(number) * THOUSANDS[(unit or "").lower()]


def numbers_in(names: Sequence[str]) -> tuple[str, list[float]]:
    """Return what puts names in order: their steps, other numbers, or their places where not each has another one.

    Examples
    --------
    >>> numbers_in(["step1000", "step512"]), numbers_in(["step512", "main"])
    (('step', [1000.0, 512.0]), ('place', [1.0, 2.0]))
    >>> numbers_in(["pythia-70m", "pythia-1.4b"])
    ('number', [70000000.0, 1400000000.0])
    """
    numbers = [number_in(name) for name in names]
    known = [number for number in numbers if number is not None]
    if len(set(known)) == len(names):
        return "step" if all(AFTER.search(name) or name.isdecimal() for name in names) else "number", known
    return "place", [float(place) for place in range(1, len(names) + 1)]


def checkpoints_in(folder: str | Path) -> list[Path]:
    """Return the checkpoints of a folder by their numbers: subfolders that hold a model, or files that hold rows.

    Subfolders that hold files of rows give these files, one a layer. Other folders and files are left out.

    Raises
    ------
    InputError
        If there are fewer than two, or one has no number in its name.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder" if folder.exists() else f"there is no folder {folder}")
    try:
        inside = sorted(folder.iterdir())
        models = [p for p in inside if p.is_dir() and (p / "config.json").is_file()]
        rows = [p for p in inside if p.is_file() and p.suffix in SUFFIXES]
        layers = [q for p in inside if p.is_dir() for q in sorted(p.iterdir()) if q.suffix in SUFFIXES and q.is_file()]
    except OSError as error:
        raise InputError(f"{folder} cannot be looked into: {error.strerror or error}") from error
    found = models or rows or layers
    named = [(p if models or rows else p.parent) for p in found]
    if len(set(named)) < 2:
        counted = "1 checkpoint" if named else "no checkpoint"
        raise InputError(
            f"{folder} holds {counted}; expected two or more: folders with config.json, or files "
            f"that end in {', '.join(SUFFIXES)}"
        )
    numbers = {p: number_in(p.name if p.is_dir() else p.stem) for p in named}
    if without := [p.name for p, number in numbers.items() if number is None]:
        raise InputError(
            f"{folder}: {without[0]!r} has no number in its name; expected one such as checkpoint-500, or a table of "
            "numbers"
        )
    order = sorted(range(len(found)), key=lambda k: (numbers[named[k]], k))
    return [found[k] for k in order]


def rows_name(path: Path, folder: Path | None = None) -> str:
    """Return what tables call the rows of a file; of one in a subfolder of checkpoints, that and its layer."""
    if folder is not None and path.parent != Path(folder):
        return path.parent.name if path.stem == "last" else f"{path.parent.name}{AT}{path.stem}"
    return path.stem


def entries_of(models: Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return models as an experiment has them, each with a name; ``MODEL@REVISION`` names a revision.

    ``@REVISION`` alone is another revision of the model before.

    Examples
    --------
    >>> entries_of(["me/gpt2@step1", "@step2"])[1]
    {'model': 'me/gpt2', 'revision': 'step2', 'name': 'gpt2@step2'}
    """
    found: list[dict[str, Any]] = []
    for given in models:
        if not isinstance(given, str | Mapping):
            raise InputError(
                f"a model: expected a text, or a mapping with the key model, got {type(given).__name__}; rows are "
                "given as a mapping of names to rows"
            )
        entry = dict(given) if isinstance(given, Mapping) else model_written(given)
        if not isinstance(entry.get("model"), str):
            raise InputError(f"a model: expected a text, or a mapping with the key model, got {str(given)[:80]!r}")
        if isinstance(given, str) and not os.path.lexists(entry["model"]):
            model, sign, revision = entry["model"].rpartition("@")
            if sign and not model and found:
                model = found[-1]["model"]
            if sign and (not model or not revision):
                raise InputError(f"{given!r}: expected MODEL@REVISION")
            if sign:
                entry |= {"model": model, "revision": revision}
        found.append(entry)
    shorts = [_short(entry, 1) for entry in found]
    for entry, short in zip(found, shorts, strict=True):
        entry.setdefault("name", short if shorts.count(short) == 1 else _short(entry, 2))
    for name in (str(entry["name"]) for entry in found):
        check_model_name(name)
    return found


def _short(entry: Mapping[str, Any], parts: int) -> str:
    """The end of a model's path, with its revision and its change."""
    short = "/".join(entry["model"].rstrip("/").split("/")[-parts:]).removesuffix(".gguf")
    short += f"@{entry['revision']}" if entry.get("revision") else ""
    return f"{short} {entry['variant']}" if entry.get("variant") else short


def read_numbers(path: str | Path) -> dict[str, dict[str, Any]]:
    """Read a table of numbers, a CSV file: a column ``name``, columns of numbers, and perhaps ``run`` or ``seed``.

    Returns
    -------
    dict
        For each name its numbers; ``run`` is a text.

    Raises
    ------
    InputError
        If it is no such table.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(f"{path} is no regular file" if path.exists() else f"there is no file {path}")
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(LONGEST + 1)
        lines = list(csv.reader(text.splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV file in UTF-8: {error}") from error
    if len(text) > LONGEST:
        raise InputError(f"{path} is too long; expected at most {LONGEST:,} characters")
    lines = [[cell.strip() for cell in line] for line in lines if any(cell.strip() for cell in line)]
    if not lines or "name" not in lines[0]:
        known = did_you_mean("name", lines[0] if lines else [])
        raise InputError(f"{path} has no column 'name'; {known}")
    head, *body = lines
    if twice := [column for column in head if head.count(column) > 1]:
        raise InputError(f"{path} has two columns {twice[0]!r}")
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(body, 2):
        if len(line) != len(head):
            raise InputError(f"{path}, line {number}: {len(line)} cells; expected {len(head)}")
        row = dict(zip(head, line, strict=True))
        name = row.pop("name")
        if not name or name in found:
            raise InputError(f"{path}, line {number}: the name {name!r} {'stands twice' if name else 'is empty'}")
        found[name] = {}
        for column, cell in row.items():
            if column in RUNS:
                found[name]["run"] = cell
                continue
            try:
                found[name][column] = float(cell)
            except ValueError as error:
                raise InputError(f"{path}, line {number}: {column} is {cell!r}; expected a number") from error
    return found


def told_apart(model: ModelEntry) -> str:
    """Return what tells a model from others; two with the same text have the same rows."""
    how = [model.dtype or DTYPE, model.batches.identity(), model.layers, model.pooling]
    return canonical_json([model.spec.identity(), *how])
