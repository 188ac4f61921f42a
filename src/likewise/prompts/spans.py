"""Spans: words or other pieces of the prompts as rows, found in every tokenizer by their characters.

A span is told by characters, so the rows of models with different tokenizers are of the same pieces of text. The tokens
of a span are those that cover any of its characters.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.naming import did_you_mean

Span: TypeAlias = tuple[int, int]
"""Its first character, and the one after its last."""

Piece: TypeAlias = tuple[str, Span]
"""A span of a prompt and its name: the prompt's, with the characters in the text that spans are of."""

LONGEST = 1_000
"""Characters of a pattern."""

OFFSETS = "a list of [start, end], whole numbers"
"""What a column of spans holds."""

BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""A token that stands for one byte."""


@dataclass(frozen=True, kw_only=True)
class Spans:
    r"""Which characters of a prompt are rows of their own: matches of a pattern, or a column of offsets.

    Parameters
    ----------
    regex : str, optional
        A regular expression, for example ``\w+``; each match that is not empty is a span.
    column : str, optional
        A field of the records with a list of (start, end).
    within : str, optional
        A template over a record's fields; offsets and matches are of this text, which must stand in the prompt, shots
        apart, once. The prompt itself by default. In several formats of one data set it makes
        spans the same.
    """

    regex: str | None = None
    column: str | None = None
    within: str | None = None

    def __post_init__(self) -> None:
        if (self.regex is None) == (self.column is None) or self.regex == "":
            raise InputError(
                "spans: expected either regex or column; for example regex: '\\w+' for words, or a column of offsets"
            )
        if len(self.regex or "") > LONGEST:
            raise InputError(f"spans: the pattern is longer than {LONGEST:,} characters")
        try:
            re.compile(self.regex or "")
        except (re.error, OverflowError, RecursionError, MemoryError) as error:
            raise InputError(f"spans: {self.regex!r} is no regular expression: {error}") from error

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"the pattern {self.regex!r}" if self.regex is not None else f"the column {self.column!r}"


def find_spans(
    spans: Spans, name: str, item: str, prompt: str, within: str, fields: Any, matched: Sequence[Span], before: int = 0
) -> tuple[Piece, ...]:
    """Return the spans of one prompt.

    Parameters
    ----------
    spans : Spans
        Which.
    name, item : str
        Of the data set and the prompt.
    prompt, within : str
        The record's own part of the prompt, and the text in it that offsets and matches are of.
    fields : mapping
        The record.
    matched : sequence of (start, end)
        Of a pattern in ``within``; a column of offsets is read here.
    before : int
        Characters of the shots before it.
    """
    if (times := prompt.count(within)) != 1:
        held = f"holds {times} times" if times else "does not hold"
        raise InputError(
            f"prompt {item!r} of {name} {held} the text that its spans are of: {within!r}; expected once, so "
            "that it is clear which is meant"
        )
    first = before + prompt.index(within)
    if spans.regex is not None:
        found = list(matched)
    else:
        found = [_offsets(pair, spans, name, item, len(within)) for pair in _column(spans, name, item, fields)]
        if len(set(found)) < len(found):
            twice = next(span for span in found if found.count(span) > 1)
            raise InputError(f"{spans.column} of {item!r} in {name} holds {twice} more than once; expected it once")
    return tuple((f"{item}[{a}:{b}]", (first + a, first + b)) for a, b in found)


def _column(spans: Spans, name: str, item: str, fields: Any) -> Sequence[Any]:
    if spans.column not in fields:
        raise InputError(
            f"record {item!r} of {name} has no field {spans.column!r} of spans; "
            f"{did_you_mean(str(spans.column), fields)}"
        )
    value = fields[spans.column]
    if not isinstance(value, list | tuple):
        raise InputError(f"{spans.column} of {item!r} in {name} holds {str(value)[:40]!r}; expected {OFFSETS}")
    return value


def _offsets(pair: Any, spans: Spans, name: str, item: str, length: int) -> Span:
    whole = isinstance(pair, list | tuple) and all(type(place) is int for place in pair)
    if not whole or len(pair) != 2:
        raise InputError(
            f"{spans.column} of {item!r} in {name} holds {str(pair)[:40]!r} in its list; expected {OFFSETS}"
        )
    start, end = pair
    if not 0 <= start < end <= length:
        raise InputError(
            f"{spans.column} of {item!r} in {name} holds ({start}, {end}); the text has {length} characters"
        )
    return start, end


def refined(offsets: Sequence[Span], pieces: Sequence[str], text: str) -> list[Span]:
    """Return offsets in which tokens that were given the same characters have their own, where their bytes tell.

    A tokenizer that falls back to bytes gives all of them, and the space before, the characters of all.

    Parameters
    ----------
    offsets : sequence of (start, end)
        The characters of each token, as the tokenizer tells them.
    pieces : sequence of str
        The tokens, as in SentencePiece: ``▁`` for a space, ``<0xE2>`` for a byte.
    text : str
        What they are of.

    Examples
    --------
    >>> refined([(1, 3), (1, 3), (1, 3)], ["▁", "<0xC3>", "<0xA9>"], "a é")
    [(1, 2), (2, 3), (2, 3)]
    """
    found = list(offsets)
    for (start, end), of_group in itertools.groupby(range(len(offsets)), key=lambda i: offsets[i]):
        group = list(of_group)
        if len(group) < 2 or start == end:
            continue
        surfaces = [_surface(pieces[i]) for i in group]
        # The place of each byte; a space that SentencePiece puts before the text has none.
        places = [place for place in range(start, end) for _ in text[place].encode()]
        read = text[start:end].encode()
        if b"".join(surfaces) == b" " + read:
            places, read = [-1, *places], b" " + read
        if b"".join(surfaces) != read:
            continue
        at = 0
        for i, surface in zip(group, surfaces, strict=True):
            own = [place for place in places[at : at + len(surface)] if place >= 0]
            found[i] = (own[0], own[-1] + 1) if own else (start, start)
            at += len(surface)
    for i, (start, end) in enumerate(found):
        if pieces[i] == "▁" and not text[start:end].isspace():
            found[i] = (start, start)
    return found


def _surface(piece: str) -> bytes:
    byte = BYTE.fullmatch(piece)
    return bytes([int(byte[1], 16)]) if byte else piece.replace("▁", " ").encode()


def covering(offsets: Sequence[Span], span: Span) -> tuple[int, ...]:
    """Return the places of the tokens that cover any character of a span.

    Parameters
    ----------
    offsets : sequence of (start, end)
        The characters of each token; none for tokens that stand for no text.
    span : (start, end)
        In the same text.

    Examples
    --------
    >>> covering([(0, 0), (0, 3), (3, 7), (7, 8)], (4, 7))
    (2,)
    """
    start, end = span
    return tuple(i for i, (a, b) in enumerate(offsets) if max(a, start) < min(b, end))
