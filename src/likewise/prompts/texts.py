"""Prompts: what every model is given, with the name of each and one fingerprint of all."""

import functools
import random
import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.fields import MOST_SEED, whole, wrong_numbers
from likewise.naming import did_you_mean, is_name
from likewise.prompts.options import FilledChoices
from likewise.prompts.records import TEXT, Record
from likewise.prompts.spans import Piece, Spans, find_spans
from likewise.prompts.templates import Writer
from likewise.store import content_key

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
    shots: int = whole(0)
    shots_from: str | None = None
    seed: int = whole(0, most=MOST_SEED)
    separator: str = "\n\n"
    chat: bool = False
    system: str | None = None
    generation_prompt: bool = True

    def __post_init__(self) -> None:
        if said := wrong_numbers(self):
            raise InputError(said)
        if self.system is not None and not self.chat:
            raise InputError("system needs a chat; set chat: true")

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
    options : FilledChoices or None
        The options of each record, where they are asked for.
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
    options: FilledChoices | None = None

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all that a model is given: equal fingerprints are equal inputs."""
        identity: list[Any] = [list(self.ids), list(self.texts)]
        if self.chats:
            identity += [{"chats": self.chats, "generation_prompt": self.generation_prompt}]
        if self.spans is not None:
            identity += [{"spans": self.spans}]
        return content_key(identity)

    def lowercased(self) -> "Prompts":
        """The same prompts in lower case. Where spans count characters, a letter that would become two stays."""
        lowered = str.lower if self.spans is None else _lowered_in_place
        chats = tuple(tuple((role, lowered(text)) for role, text in turns) for turns in self.chats)
        return replace(self, texts=tuple(map(lowered, self.texts)), chats=chats)

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


def _lowered_in_place(text: str) -> str:
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)


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
    if not kept:
        raise InputError(f"{name} has no records")
    ids = [_id(name, position, fields, id_column) for position, fields in enumerate(kept)]
    groups = [_group(name, position, fields, group_column) for position, fields in enumerate(kept) if group_column]
    if twice := [one for one, count in Counter(ids).items() if count > 1]:
        raise InputError(f"{name} has two records called {twice[0]!r}; name another field as the id, or none")
    values = [_values(name, position, fields) for position, fields in enumerate(kept)]
    shots = draw_shots(name, form, kept, None if pool is None else list(pool))
    with Writer(name) as write:
        texts = write.fill(form.template or "", kept, [f"record {position}" for position in range(len(kept))])
        for one, text in zip(ids, texts, strict=True):
            if not text.strip():
                raise InputError(f"prompt {one!r} of {name} is empty; an empty prompt has no last token")
        shown = _shown(write, form, shots)
        within = texts  # the record's own, so that shots before it change nothing
        matched: list[list[tuple[int, int]]] = [[] for _ in kept]
        if spans is not None and spans.within:
            within = write.fill(spans.within, kept, [f"the text of spans of {one!r}" for one in ids])
        if spans is not None and spans.regex is not None:
            matched = write.matches(spans.regex, within, [f"prompt {one!r}" for one in ids])
    beside = sum(len(part) for before in shown for pair in before for part in pair)
    if sum(map(len, texts)) + beside + len(form.separator) * form.shots * len(kept) > TEXT:
        raise InputError(f"the prompts of {name}, shots written out, are longer than {TEXT:,} characters")
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
        found = tuple(
            find_spans(spans, name, one, own, text, fields, of_text, len(all_of_it) - len(own))
            for all_of_it, one, own, text, fields, of_text in zip(whole, ids, texts, within, kept, matched, strict=True)
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
        content_key([ids, values]),
        tuple(groups),
    )


def draw_shots(
    name: str, form: Format, records: Sequence[Record], pool: Sequence[Record] | None
) -> list[tuple[Record, ...]]:
    """Return the shots of each record: the same for all, but that no record is its own shot."""
    if not form.shots:
        return [()] * len(records)
    if form.answer is None:
        raise InputError(f"{name} has shots but no answer: expected a template for the answer of a shot")
    source = records if pool is None else pool
    needed = form.shots + (pool is None)
    if len(source) < needed:
        raise InputError(f"{name} asks for {form.shots} shots; expected {needed} records or more, not {len(source)}")
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
            f"record {position} of {name} has no field {column!r}, the ids of the data set; "
            f"{did_you_mean(column, fields)}"
        )
    value = fields[column]
    if not is_name(value):
        raise InputError(
            f"record {position} of {name} is called {reprlib.repr(value)} by its field {column!r}; expected a name, or "
            "a number"
        )
    return str(value)


def _group(name: str, position: int, fields: Record, column: str) -> str:
    if column not in fields:
        raise InputError(
            f"record {position} of {name} has no field {column!r}, the groups of the data set; "
            f"{did_you_mean(column, fields)}"
        )
    if not is_name(fields[column]):
        raise InputError(
            f"record {position} of {name} has {str(fields[column])[:40]!r} in {column!r}, the groups of the data set; "
            "expected a name, or a number"
        )
    return str(fields[column])


def _values(name: str, position: int, fields: Record) -> dict[str, str]:
    """The fields of a record as texts, all of which can be written down."""
    values = {str(key): str(value) for key, value in fields.items()}
    for key, text in values.items():
        try:
            key.encode(), text.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"record {position} of {name}: field {key!a} holds half of a character (a surrogate)"
            ) from error
    return values


def _shown(write: Writer, form: Format, shots: Sequence[Sequence[Record]]) -> list[list[tuple[str, str]]]:
    """What is shown of each record's shots: prompt and answer. Each is filled in once, whomever it is shown to."""
    drawn = list({id(record): record for of_one in shots for record in of_one}.values())
    questions = write.fill(form.template or "", drawn, ["a shot"] * len(drawn)) if drawn else []
    answers = write.fill(form.answer or "", drawn, ["the answer of a shot"] * len(drawn)) if drawn else []
    shown = {id(record): pair for record, *pair in zip(drawn, questions, answers, strict=True)}
    return [[(shown[id(record)][0], shown[id(record)][1]) for record in of_one] for of_one in shots]
