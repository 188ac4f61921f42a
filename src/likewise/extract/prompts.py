"""Prompts: what every model is given, with the name of each and one fingerprint of all."""

import functools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from likewise.errors import InputError, MissingDependencyError
from likewise.extract.spans import Piece, Spans, find_spans
from likewise.naming import did_you_mean
from likewise.store import content_key

Record: TypeAlias = Mapping[str, Any]

Turn: TypeAlias = tuple[str, str]
"""A role of a chat, such as ``user``, and what it says."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """How a record becomes a prompt.

    Parameters
    ----------
    template : str, optional
        A jinja2 template over the fields of a record, for example ``"{{ prompt }}"``; it cannot run code. Known data
        sets have one.
    answer : str, optional
        A template of the right answer, which shots show.
    shots : int
        How many other records come before each, with their answers.
    shots_from : str, optional
        Split of a hub data set, or a file, that shots are drawn from; by default the data set itself, where a record
        is never its own shot.
    seed : int
        Of the shots.
    separator : str
        Between shots, and before the prompt.
    chat : bool
        Give the prompt as what a user says, in the model's own chat template; shots are turns before it.
    system : str, optional
        What the system says first in a chat.
    generation_prompt : bool
        End a chat with what opens the model's answer.
    """

    template: str | None = None
    answer: str | None = None
    shots: int = 0
    shots_from: str | None = None
    seed: int = 0
    separator: str = "\n\n"
    chat: bool = False
    system: str | None = None
    generation_prompt: bool = True

    def besides_template(self) -> dict[str, Any]:
        """What is not as it is by default, apart from the template."""
        default = asdict(Format())
        return {k: v for k, v in asdict(self).items() if k != "template" and v != default[k]}


@dataclass(frozen=True)
class Prompts:
    """Prompts in a fixed order, and what makes them.

    Parameters
    ----------
    name : str
        The data set's name in messages and tables.
    ids, texts : tuple of str
        Unique names, and texts; in a chat what the user says last.
    template : str
        Made the texts.
    chats : tuple of tuple of (role, text)
        The turns of each prompt where it is a chat; a model's own template writes them down.
    generation_prompt : bool
        Whether a chat ends with what opens the model's answer.
    spans : tuple of tuple of (name, (start, end)), optional
        Characters of each text that are rows of their own; without them each prompt is one row.
    groups : tuple of str
        The group of each prompt, where several belong together: a topic, a template, twins.
    records : str
        A hash of ids and records: equal in all formats of one data set.
    """

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    template: str
    chats: tuple[tuple[Turn, ...], ...] = ()
    generation_prompt: bool = True
    spans: tuple[tuple[Piece, ...], ...] | None = None
    records: str = ""
    groups: tuple[str, ...] = ()

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all that a model is given: equal fingerprints are equal inputs."""
        identity: list[Any] = [list(self.ids), list(self.texts)]
        if self.chats:
            identity += [{"chats": self.chats, "generation_prompt": self.generation_prompt}]
        if self.spans is not None:
            identity += [{"spans": self.spans}]
        return content_key(identity)

    @property
    def n_rows(self) -> int:
        """Rows that they become where every span is found."""
        return len(self.ids) if self.spans is None else sum(map(len, self.spans))

    def groups_of(self, rows: Iterable[str]) -> list[str]:
        """Return the groups of rows by their names, those of spans being their prompts'; none where there are none."""
        if not self.groups:
            return []
        named = dict(zip(self.ids, self.groups, strict=True))
        if self.spans is not None:
            named = {name: group for pieces, group in zip(self.spans, self.groups, strict=True) for name, _ in pieces}
        return [named[row] for row in rows]

    def named_texts(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the text of each row: of the prompts, or of their spans."""
        if self.spans is None:
            yield from zip(self.ids, self.texts, strict=True)
            return
        for text, pieces in zip(self.texts, self.spans, strict=True):
            for name, (start, end) in pieces:
                yield name, text[start:end]


def make_prompts(
    name: str,
    records: Iterable[Record],
    form: Format,
    *,
    id_column: str | None = None,
    group_column: str | None = None,
    limit: int | None = None,
    spans: Spans | None = None,
    pool: Iterable[Record] | None = None,
) -> Prompts:
    """Make a prompt of each record.

    Parameters
    ----------
    name : str
        The data set's name in messages and tables.
    records : iterable of mapping
        Fields by name.
    form : Format
        With a template.
    id_column : str or None
        The field that names a record; the position by default.
    group_column : str or None
        The field that says which records belong together.
    limit : int or None
        How many records to take, from the first.
    spans : Spans or None
        Which characters of a prompt are rows of their own.
    pool : iterable of mapping, optional
        What shots are drawn from; the records themselves by default.

    Raises
    ------
    InputError
        If a field that is asked for is missing, a prompt is empty, ids repeat, or there are too few records for the
        shots.
    """
    kept: list[Record] = []
    for position, fields in enumerate(records):
        if limit is not None and position >= limit:
            break
        kept.append(fields)
    ids = [_id(name, position, fields, id_column) for position, fields in enumerate(kept)]
    groups = [_group(name, position, fields, group_column) for position, fields in enumerate(kept) if group_column]
    write = Writer(name, form)
    texts = [write.prompt(position, fields) for position, fields in enumerate(kept)]
    for one, text in zip(ids, texts, strict=True):
        if not text.strip():
            raise InputError(f"prompt {one!r} of {name} is empty; an empty prompt has no last token")
    if not texts:
        raise InputError(f"{name} has no records")
    if len(set(ids)) != len(ids):
        twice = next(i for k, i in enumerate(ids) if i in ids[:k])
        raise InputError(f"{name} has two records called {twice!r}; name another field as the id, or none")
    shots = draw_shots(name, form, kept, None if pool is None else list(pool))
    shown = [[(write.prompt(None, r), write.shown_answer(r)) for r in of_one] for of_one in shots]
    whole = texts
    chats: tuple[tuple[Turn, ...], ...] = ()
    if form.chat:
        chats = tuple(_turns(form, before, text) for before, text in zip(shown, texts, strict=True))
    else:
        whole = [
            form.separator.join([*(question + answer for question, answer in before), text])
            for before, text in zip(shown, texts, strict=True)
        ]
    found = None
    if spans is not None:
        # Of the record's own text, so that shots before it change nothing.
        within = [write.field(spans.within, f) if spans.within else own for own, f in zip(texts, kept, strict=True)]
        found = tuple(
            find_spans(spans, name, one, own, text, fields, len(all_of_it) - len(own))
            for all_of_it, one, own, text, fields in zip(whole, ids, texts, within, kept, strict=True)
        )
        if not any(found):
            raise InputError(f"no span was found in any prompt of {name}; {spans.label} matches nothing")
    return Prompts(
        name,
        tuple(ids),
        tuple(whole),
        form.template or "",
        chats,
        form.generation_prompt,
        found,
        content_key([ids, [{k: str(v) for k, v in fields.items()} for fields in kept]]),
        tuple(groups),
    )


def draw_shots(
    name: str, form: Format, records: Sequence[Record], pool: Sequence[Record] | None
) -> list[tuple[Record, ...]]:
    """Return the shots of each record: the same for all, but that no record is its own shot."""
    if not form.shots:
        return [()] * len(records)
    if form.answer is None:
        raise InputError(f"{name} has shots and no answer: needed is a template of what a shot's answer is")
    source = records if pool is None else pool
    needed = form.shots + (pool is None)
    if len(source) < needed:
        raise InputError(f"{name} asks for {form.shots} shots; needed are {needed} records or more, not {len(source)}")
    order = random.Random(form.seed).sample(range(len(source)), needed)
    if pool is not None:
        return [tuple(source[i] for i in order)] * len(records)
    return [tuple(source[i] for i in order if i != own)[: form.shots] for own in range(len(records))]


def _turns(form: Format, before: Iterable[tuple[str, str]], text: str) -> tuple[Turn, ...]:
    turns: list[Turn] = [("system", form.system)] if form.system else []
    for question, answer in before:
        turns += [("user", question), ("assistant", answer.strip())]
    return (*turns, ("user", text))


def _id(name: str, position: int, fields: Record, column: str | None) -> str:
    if column is None:
        return f"{position:05d}"
    if column not in fields:
        raise InputError(
            f"record {position} of {name} has no field {column!r} to be named by; {did_you_mean(column, fields)}"
        )
    return str(fields[column])


def _group(name: str, position: int, fields: Record, column: str) -> str:
    if column not in fields:
        raise InputError(
            f"record {position} of {name} has no field {column!r}, the groups of the data set; "
            f"{did_you_mean(column, fields)}"
        )
    if fields[column] is None or not str(fields[column]).strip():
        raise InputError(f"record {position} of {name} has nothing in {column!r}, the groups of the data set")
    return str(fields[column])


def _present(value: Any) -> Any:
    """Refuse a missing value, which would be printed as the word None."""
    if value is None:
        raise ValueError("a field that the template asks for is null")
    return value


class Writer:
    """The templates of a format, in a sandbox."""

    def __init__(self, name: str, form: Format) -> None:
        try:
            import jinja2.sandbox
        except ImportError as error:
            raise MissingDependencyError("jinja2", "extract") from error
        self._error = jinja2.TemplateSyntaxError
        self._environment = jinja2.sandbox.SandboxedEnvironment(
            undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_present
        )
        self.name = name
        self._template = self._compiled(form.template or "")
        self._answer = self._compiled(form.answer or "")

    def prompt(self, position: int | None, fields: Record) -> str:
        """Return the prompt of a record, or of a shot."""
        return self._filled(self._template, "a shot" if position is None else f"record {position}", fields)

    def shown_answer(self, fields: Record) -> str:
        """Return the answer of a shot."""
        return self._filled(self._answer, "the answer of a shot", fields)

    def field(self, template: str, fields: Record) -> str:
        """Return what another template makes of a record."""
        return self._filled(self._compiled(template), "a record", fields)

    def _compiled(self, template: str) -> Any:
        try:
            return self._environment.from_string(template)
        except self._error as error:
            raise InputError(f"the template of {self.name} cannot be read: {error}") from error

    def _filled(self, template: Any, which: str, fields: Record) -> str:
        try:
            return str(template.render(fields))
        except Exception as error:  # a template computes, so anything can go wrong in it
            raise InputError(f"{which} of {self.name}: {error}; its fields are {', '.join(sorted(fields))}") from error
