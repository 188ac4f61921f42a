"""Templates and patterns over records, bounded in time, memory and size.

A template that only prints fields is filled here. Whatever computes is given to a process with limits, one for a data
set: no sandbox inside a process can bound a power of numbers or a pattern that tries everything.
"""

import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import InputError, MissingDependencyError
from likewise.prompts import rendering
from likewise.prompts.records import TEXT, Record
from likewise.prompts.rendering import Renderer, answer

LONGEST = 100_000
"""Characters of a template."""

BATCH, BATCH_BYTES = 256, 2**23
"""Pieces of work that are sent at once, and about how many bytes."""


class Writer:
    """The templates of one data set, called ``name`` in messages; leave it to end its process."""

    def __init__(self, name: str) -> None:
        if importlib.util.find_spec("jinja2") is None:
            raise MissingDependencyError("jinja2", "extract")
        self.name = name
        self._renderer = Renderer()
        self._limited: Limited | None = None
        self._size = 0
        self._known: dict[str, tuple[bool, set[str]]] = {}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        if self._limited is not None:
            self._limited.close()

    def fill(self, template: str, records: Sequence[Record], places: Sequence[str]) -> list[str]:
        """Return what a template makes of each record.

        Parameters
        ----------
        template : str
            In jinja2; ``record`` is the whole record, for fields whose names are no words: ``record["a / b"]``.
        records : sequence of mapping
            Fields by name.
        places : sequence of str
            What messages call each record.

        Raises
        ------
        InputError
            If the template cannot be read, or a record cannot be filled in within the limits; the message names it.
        """
        plain, names = self._checked(template)
        whole = {"record"} & names
        used = [dict.fromkeys(whole, r) | {name: r[name] for name in names & r.keys()} for r in records]
        if plain:
            answers: Iterable[tuple[bool, Any]] = (answer(self._renderer.fill, template, fields) for fields in used)
        else:
            answers = self._process.answers(("fill", template, fields) for fields in used)
        texts: list[str] = []
        for (done, text), place, record in zip(answers, places, records, strict=True):
            if not done:
                fields = ", ".join(sorted(map(str, record)))
                raise InputError(f"{place} of {self.name}: {text}; its fields are {fields[:1000]}")
            self._size += len(text)
            if self._size > TEXT:
                raise InputError(f"the texts of {self.name} are longer than {TEXT:,} characters; take some with limit:")
            texts.append(text)
        return texts

    def matches(self, pattern: str, texts: Sequence[str], places: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where a pattern matches something in each text.

        Raises
        ------
        InputError
            If that takes longer than the limits allow; the message names the text.
        """
        found = []
        answers = self._process.answers(("matches", pattern, text) for text in texts)
        for (done, spans), place in zip(answers, places, strict=True):
            if not done:
                raise InputError(f"{place} of {self.name}: the pattern {pattern!r} of its spans: {spans}")
            found.append([(start, end) for start, end in spans])
        return found

    def _checked(self, template: str) -> tuple[bool, set[str]]:
        """Whether a template only prints fields, and the names in it."""
        if template not in self._known:
            if len(template) > LONGEST:
                raise InputError(
                    f"the template of {self.name} has {len(template):,} characters; expected at most {LONGEST:,}"
                )
            done, told = answer(self._renderer.names, template)
            if done and not told[0]:
                (compiled, why), *_ = self._process.answers([("compile", template)])
                done, told = compiled, told if compiled else why
            if not done:
                raise InputError(f"the template of {self.name} cannot be read: {told}")
            self._known[template] = told
        return self._known[template]

    @property
    def _process(self) -> "Limited":
        if self._limited is None:
            self._limited = Limited()
        return self._limited


class Limited:
    """A process that does one piece of work after the other, within limits; leave it to end the process."""

    def __init__(self) -> None:
        if importlib.util.find_spec("resource") is None:
            raise InputError(
                "templates that compute, chats and patterns take a system that can limit a process, such as Linux or "
                "macOS; print fields only: {{ field }}"
            )
        # Only whole paths: the current folder must not come before a library.
        path = json.dumps([place for place in sys.path if place and Path(place).is_absolute()])
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", rendering.__file__, path, str(rendering.SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # With a thread for each core some libraries take more memory than the limit before anything is done.
            env={**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")},
        )

    def __enter__(self) -> "Limited":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answers(self, work: Iterable[tuple[Any, ...]]) -> Iterator[tuple[bool, Any]]:
        """Yield whether each piece was done, and its result or what went wrong; none after one that ended it."""
        for batch in _batches(work):
            self._send(batch)
            for _ in batch:
                done, result, goes_on = self._receive()
                yield done, result
                if not goes_on:
                    return

    def _send(self, batch: list[bytes]) -> None:
        content = pickle.dumps(batch)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(len(content).to_bytes(8, "little") + content)
            self._process.stdin.flush()
        except BrokenPipeError:  # it has ended, which is said where its answer is missing
            pass

    def _receive(self) -> tuple[bool, Any, bool]:
        assert self._process.stdout is not None
        size = self._process.stdout.read(8)
        if len(size) == 8:
            done, result = json.loads(self._process.stdout.read(int.from_bytes(size, "little")))
            return done, result, True
        self._process.wait()
        self.close()
        why = {
            -signal.SIGPROF: f"it computes for more than {rendering.SECONDS} seconds",
            -signal.SIGALRM: f"it takes more than {rendering.WALL} seconds",
        }
        code = self._process.returncode
        return False, why.get(code, f"it cannot be computed (the process that tried ended with {code})"), False

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue


def _batches(work: Iterable[tuple[Any, ...]]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for piece in work:
        try:
            batch.append(pickle.dumps(piece))
        except Exception as error:  # what a library's own objects raise
            raise InputError(f"a field cannot be given to a template: {error}") from error
        size += len(batch[-1])
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
