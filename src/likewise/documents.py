"""YAML that people write, read strictly: what it says is what is read, or the line and column that are wrong are said.

Scalars are those of YAML 1.2 (``no`` is a text, ``1e5`` a number), and keys are texts as they are written. What YAML
reads otherwise than most people expect is refused: dates, numbers with leading zeros or that are not finite, tags.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.reader import Reader

from likewise.errors import InputError

SIZE = 2**21
"""Bytes of the largest document that is read."""

DEPTH = 50
"""Lists and mappings within each other, at most."""

NODES = 50_000
"""Values of a document, keys among them, and those that aliases repeat counted each time."""

TOO_MANY = f"more than {NODES:,} values, aliases written out; expected fewer"

Path_: TypeAlias = tuple[Any, ...]
"""Keys and positions that lead to a value."""

SCALARS = (
    ("null", r"(?:~|null|Null|NULL|)"),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)"),
    ("int", r"(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)"),
    ("float", r"(?:[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"),
    ("infinity", r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"),
    ("zeros", r"(?:[-+]?0[0-9]+(?:\.[0-9]*)?)"),
    ("date", r"(?:[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?)"),
    ("merge", r"(?:<<)"),
)
"""How texts without quotes are read: those of YAML 1.2, then what is refused or is special."""


@dataclass(frozen=True)
class Document:
    """What a YAML file says, and where.

    Parameters
    ----------
    name : str
        The file's, for messages.
    value : Any
        Mappings, lists, texts, finite numbers, true, false and None.
    places : mapping
        Line and column of each value, counted from 1, by the keys and positions that lead to it.
    keys : mapping
        The same of the key that a value has.
    """

    name: str
    value: Any
    places: Mapping[Path_, tuple[int, int]] = field(default_factory=dict)
    keys: Mapping[Path_, tuple[int, int]] = field(default_factory=dict)

    def place(self, path: Path_, *, of_key: bool = False) -> str:
        """Say where a value stands, or its key; or the nearest value around it that is there."""
        if of_key and path in self.keys:
            line, column = self.keys[path]
            return f"{self.name}, line {line}, column {column}"
        while path not in self.places and path:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        return f"{self.name}, line {line}, column {column}"


NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no text of a document, and so no name in one, may hold."""


def read_yaml(path: Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    InputError
        If it is no regular file, is too large, or is not YAML as this module reads it; with line and column.
    """
    try:
        if not path.is_file():
            raise InputError(
                f"{path} is no file; expected a YAML file"
                if path.exists()
                else f"there is no experiment {path}; expected a YAML file"
            )
        with path.open("rb") as file:
            raw = file.read(SIZE + 1)
    except (OSError, ValueError) as error:  # a name that is too long, or holds a character that no name has
        raise InputError(f"{str(path)[:200]!r} cannot be read: {error}"[:400]) from error
    if len(raw) > SIZE:
        raise InputError(f"{path} is larger than {SIZE:,} bytes; expected a YAML file that a person could write")
    return parse_yaml(raw, str(path))


def parse_yaml(raw: bytes | str, name: str = "the text") -> Document:
    r"""Read YAML out of memory, called ``name`` in messages.

    Examples
    --------
    >>> parse_yaml("country: no\nscale: 1e5\n").value
    {'country': 'no', 'scale': 100000.0}
    >>> parse_yaml("a: 1\na: 2\n", "x.yaml")
    Traceback (most recent call last):
    likewise.errors.InputError: x.yaml, line 2, column 1: the key 'a' stands twice, first in line 1
    """
    text = raw if isinstance(raw, str) else _decoded(raw, name)
    if odd := Reader.NON_PRINTABLE.search(text):
        raise InputError(f"{_at(name, *_line(text, odd.start()))}: the character {odd.group()!a} cannot stand in YAML")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(name, None)
        builder = _Builder()
        return Document(name, builder.value(node, ()), builder.places, builder.keys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part) or "is not YAML"
        what = what if isinstance(error, _Refused) else f"this is not YAML: {what}"
        raise InputError(f"{_at(name, mark.line + 1, mark.column + 1) if mark else name}: {what}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = loader.get_mark()  # such as an escape beyond the last character
        place = _at(name, mark.line + 1, mark.column + 1)
        raise InputError(f"{place}: this is not YAML: {str(error).splitlines()[0]}") from error
    finally:
        loader.dispose()


def write_yaml(value: Any, **how: Any) -> str:
    """Write what `parse_yaml` reads as the same; texts that any YAML would take for something else stand in quotes.

    Examples
    --------
    >>> print(write_yaml({"revision": "1e5", "country": "no", "seed": 5}), end="")
    revision: '1e5'
    country: 'no'
    seed: 5
    """
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, **how)
    return text


def _decoded(raw: bytes, name: str) -> str:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        place = _line(raw[: error.start].decode(encoding, errors="replace"))
        raise InputError(f"{_at(name, *place)}: this is not UTF-8; save the file as UTF-8") from error


def _line(text: str, end: int | None = None) -> tuple[int, int]:
    before = text[:end]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _at(name: str, line: int, column: int) -> str:
    return f"{name}, line {line}, column {column}"


class _Refused(yaml.MarkedYAMLError):
    """YAML that is not taken here."""


def _refused(node: Any, what: str) -> _Refused:
    return _Refused(problem=what, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    """Nodes of one document, with the scalars of `SCALARS`; nothing is constructed by it."""

    yaml_implicit_resolvers = {None: [(f"tag:yaml.org,2002:{kind}", re.compile(rf"{p}\Z")) for kind, p in SCALARS]}  # noqa: RUF012
    depth = 0
    count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        self.count += 1
        if self.count > NODES:  # counted here, before what they take
            raise _refused(self.peek_event(), TOO_MANY)  # type: ignore[no-untyped-call]
        if self.depth > DEPTH:
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _refused(event, f"lists and mappings within each other: expected {DEPTH} at most")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Writes texts in quotes that YAML 1.1 or YAML 1.2 takes for something else."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        text = kind is yaml.ScalarNode and implicit[0] and tag == "tag:yaml.org,2002:str"
        return None if text and any(re.fullmatch(pattern, value) for _, pattern in SCALARS) else tag

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Builder:
    """Values of nodes."""

    def __init__(self) -> None:
        self.places: dict[Path_, tuple[int, int]] = {}
        self.keys: dict[Path_, tuple[int, int]] = {}
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: Any, path: Path_) -> Any:
        self.places[path] = node.start_mark.line + 1, node.start_mark.column + 1
        self._count += 1
        if self._count > NODES:
            raise _refused(node, TOO_MANY)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open:
            raise _refused(node, "this list or mapping holds itself")
        self._open.add(id(node))
        found = self._sequence(node, path) if isinstance(node, yaml.SequenceNode) else self._mapping(node, path)
        self._open.remove(id(node))
        return found

    def _sequence(self, node: Any, path: Path_) -> list[Any]:
        _expect(node, "seq")
        return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        _expect(node, "map")
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refused(key_node, "a list or mapping cannot be a key; expected a text")
            if _kind(key_node) == "merge":
                for one in self._merged(child, path):
                    merged = {**one, **merged}  # what comes first counts
                continue
            if _kind(key_node) not in {"str", *(kind for kind, _ in SCALARS)}:
                _scalar(key_node)
            key = _text(key_node)  # as it is written: what null, no and 5 mean as values does not matter for a key
            if key in lines:
                raise _refused(key_node, f"the key {_short(key)} stands twice, first in line {lines[key]}")
            self.keys[*path, key] = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            lines[key] = key_node.start_mark.line + 1
            found[key] = self.value(child, (*path, key))
        return {**merged, **found}

    def _merged(self, node: Any, path: Path_) -> Iterator[dict[str, Any]]:
        for one in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(one, yaml.MappingNode):
                raise _refused(one, "expected a mapping, or a list of them, after <<")
            yield self.value(one, path)


def _kind(node: Any) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def _expect(node: Any, kind: str) -> None:
    if _kind(node) != kind:
        raise _refused(node, f"the tag {_short(str(node.tag))} is not read; expected plain lists, mappings and texts")


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")


def _text(node: Any) -> str:
    text: str = node.value
    if odd := NO_TEXT.search(text):
        what = "half of a character (a surrogate)" if odd.group() >= "\ud800" else "a control character"
        raise _refused(node, f"{odd.group()!a} is {what}; expected text that can be shown")
    return text


def _scalar(node: Any) -> Any:
    kind, text = _kind(node), _text(node)
    if kind == "str":
        return text
    if not any(known == kind and re.fullmatch(pattern, text) for known, pattern in SCALARS):
        _expect(node, "str")
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return _integer(node, text)
    if kind == "float" and math.isfinite(number := float(text)):
        return number
    why = {
        "float": "is too large for a number",
        "infinity": "is no finite number",
        "zeros": "has leading zeros, which are read in two ways",
        "date": "is read as a date",
        "merge": "stands for keys, not for a value",
    }[kind]
    raise _refused(node, f"{_short(text)} {why}; write it in quotes if it is a text")


def _integer(node: Any, text: str) -> int:
    if len(text) <= 24:
        number = int(text, 0 if text[:2] in ("0o", "0x") else 10)
        if -(2**63) <= number < 2**63:
            return number
    raise _refused(node, f"{_short(text)} is too large for a whole number; write it in quotes if it is a text")
