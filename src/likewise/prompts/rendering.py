"""Templates and patterns that others wrote, at work; as a program, in a process of its own with limits.

The program knows nothing of likewise, so that it starts in a tenth of a second. It takes work from its standard input
and gives answers on its standard output, until the input ends.
"""

import functools
import importlib
import json
import pickle
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

SECONDS: float = 2
"""Of computing, for one record."""

MEMORY, SIZE, PIECES = 2**30, 2**26, 1_000_000
"""Of one record: bytes of the process, characters of a text, matches of a pattern."""

ADDRESS = re.compile(r" at 0x[0-9a-f]+", re.IGNORECASE)
"""How Python writes things that are no values."""

WALL = 10
"""Seconds after which work ends that is waiting and not computing."""

FILTERS = {"capitalize", "first", "last", "length", "lower", "string", "title", "trim", "upper"}
"""Filters whose work and result are no larger than what they are given, but for a small factor."""


def present(value: Any) -> Any:
    """Refuse what would be printed as the words None and nan, or as Python writes bytes."""
    if value is None:
        raise ValueError("a field that the template asks for is null")
    if isinstance(value, float) and value != value:
        raise ValueError("a field that the template asks for is NaN")
    if isinstance(value, bytes):
        raise ValueError("a field that the template asks for holds bytes, not text")
    return value


class Renderer:
    """Templates in a sandbox."""

    def __init__(self) -> None:
        import jinja2.sandbox

        self._environment = jinja2.sandbox.SandboxedEnvironment(
            undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=present
        )
        self._compiled: dict[str, Any] = {}

    def names(self, template: str) -> tuple[bool, set[str]]:
        """Return whether a template only prints fields, and the names that stand in it. Nothing of it is run."""
        from jinja2 import nodes

        tree = self._environment.parse(template)
        names = {node.name for node in tree.find_all(nodes.Name)}
        outputs = [part for node in tree.body if isinstance(node, nodes.Output) for part in node.nodes]
        return all(isinstance(node, nodes.Output) for node in tree.body) and all(map(_plain, outputs)), names

    def compile(self, template: str) -> None:
        """Compile a template, which also calculates what is constant in it."""
        self._compiled[template] = self._environment.from_string(template)

    def fill(self, template: str, fields: Mapping[str, Any]) -> str:
        """Return what a template makes of a record."""
        if template not in self._compiled:
            self.compile(template)
        parts: list[str] = []
        size = 0
        for part in self._compiled[template].generate(fields):
            size += len(part)
            if size > SIZE:
                raise ValueError(f"its text is longer than {SIZE:,} characters")
            parts.append(part)
        return _same_each_time("".join(parts), fields)


def _same_each_time(text: str, fields: Mapping[str, Any]) -> str:
    """Refuse a text that says where something lies in memory, as a method or a generator does: it changes each time."""
    found = ADDRESS.findall(text)
    if found and any(one.lower() not in str(dict(fields)).lower() for one in found):
        raise ValueError("the template prints a Python object, such as a method; expected a text")
    return text


def _plain(node: Any) -> bool:
    """Whether a node only looks up a field, or a part of it."""
    from jinja2 import nodes

    for _ in range(20):
        if isinstance(node, nodes.TemplateData | nodes.Name):
            return True
        if isinstance(node, nodes.Filter):
            if node.name not in FILTERS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
                return False
        elif not isinstance(node, nodes.Getattr) and not (
            isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const)
        ):
            return False
        node = node.node
    return False


def matches(pattern: str, text: str) -> list[tuple[int, int]]:
    """Return where a pattern matches something, first to last."""
    found = []
    for match in re.finditer(pattern, text):
        if match.group():
            found.append(match.span())
        if len(found) > PIECES:
            raise ValueError(f"more than {PIECES:,} matches")
    return found


def chat(template: str, turns: Sequence[Mapping[str, str]], fields: Mapping[str, Any]) -> str:
    """Return a chat as the transformers library writes it by a template, with its own tags and filters."""
    text: str = _library().render_jinja_template([list(turns)], chat_template=template, **fields)[0][0]
    if len(text) > SIZE:
        raise ValueError(f"its text is longer than {SIZE:,} characters")
    return text


@functools.cache
def _library() -> Any:
    """What the transformers library writes chats with."""
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]  # no template needs it, and it is large
    return importlib.import_module("transformers.utils.chat_template_utils")


def answer(work: Callable[..., Any], *given: Any) -> tuple[bool, Any]:
    """Return whether work was done, and its result or what went wrong."""
    try:
        return True, work(*given)
    except MemoryError:
        return False, f"it takes more than {MEMORY / 2**30:.0f} GiB of memory"
    except RecursionError:
        return False, "it is nested too deeply"
    except Exception as error:  # a template computes, so anything can go wrong in it
        return False, (str(error).splitlines() or [type(error).__name__])[0][:300]


def _limit() -> None:
    import resource

    for what, most in (("RLIMIT_AS", MEMORY), ("RLIMIT_DATA", MEMORY), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, what), (most, most))
        except (ValueError, OSError):  # not every system has every limit
            continue


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Do work until there is none; where one piece takes too long, the system ends this process."""
    renderer = Renderer()
    work: dict[str, Callable[..., Any]] = {
        "compile": renderer.compile,
        "fill": renderer.fill,
        "matches": matches,
        "chat": chat,
    }
    _limit()
    while size := source.read(8):
        for kind, *given in map(pickle.loads, pickle.loads(source.read(int.from_bytes(size, "little")))):
            if kind == "chat":
                answer(_library)  # the time is the template's; what goes wrong here does so again there
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.setitimer(signal.ITIMER_REAL, WALL)
            done = json.dumps(answer(work[kind], *given)).encode()
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)
            sink.write(len(done).to_bytes(8, "little") + done)
            sink.flush()


if __name__ == "__main__":
    sys.path[:], SECONDS = json.loads(sys.argv[1]), float(sys.argv[2])
    serve(sys.stdin.buffer, sys.stdout.buffer)
