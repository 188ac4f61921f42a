"""Prompts as a model's own tokenizer sees them: tokens, and which of them each row is made of."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from likewise.errors import InputError
from likewise.fields import TRUNCATION
from likewise.libraries import imported
from likewise.prompts.spans import Span, covering, refined
from likewise.prompts.templates import Limited
from likewise.prompts.texts import Prompts, Turn
from likewise.store import content_key

Truncation: TypeAlias = Literal["error", "left", "right"]
"""What becomes of a prompt that is longer than the model takes: an error, or that side of it is cut."""

A_DAY = "01 Jan 2025"
"""The date that chat templates which ask for one are given: rows must not depend on the day."""

SAME_DAY = f"{{% macro strftime_now(format) %}}{A_DAY}{{% endmacro %}}"
"""Before a chat template, it stands for the function that tells the date."""

MARK = "\ue000"
"""Stands for what the user says last, to see where a chat template puts it: a character for private use."""


LONG = 1_000
"""Characters for each token that a model takes, above which a text is too long for it whatever its tokens are."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Prompts in a model's own words, whatever runs it.

    Parameters
    ----------
    ids : tuple of str
        The names of the rows: of the prompts, or of the spans that were found.
    texts : tuple of str
        The texts as the model is given them, chats written down.
    fingerprint : str
        A hash of the names of the prompts and of these texts.
    truncated : tuple of str
        Prompts that were cut.
    unaligned : tuple of str
        Spans without any token: cut away, or of characters that the tokenizer drops.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...] = ()
    fingerprint: str = ""
    truncated: tuple[str, ...] = ()
    unaligned: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tokens(Written):
    """Prompts in tokens.

    Parameters
    ----------
    prompts : tuple of tuple of int
        Token ids of each prompt, with the special tokens that belong to it.
    rows : tuple of tuple of tuple of int, optional
        For each prompt the places of the tokens of each of its rows; without them a prompt is one row, of all tokens.
    names : tuple of str
        The names of the prompts.
    straddled : int
        Spans with a token that reaches into other words.
    begins : tuple of bool, optional
        Whether each prompt begins with the tokenizer's beginning token, where it has one.
    """

    prompts: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    rows: tuple[tuple[tuple[int, ...], ...], ...] | None = None
    straddled: int = 0
    begins: tuple[bool, ...] | None = None

    @property
    def lengths(self) -> list[int]:
        """Tokens of each prompt."""
        return [len(tokens) for tokens in self.prompts]

    @property
    def lengths_of_rows(self) -> list[int]:
        """Tokens of each prompt, 0 of one without a row: it need not be run."""
        starts = self.starts
        return [length if starts[i] < starts[i + 1] else 0 for i, length in enumerate(self.lengths)]

    @property
    def starts(self) -> list[int]:
        """The place of the first row of each prompt, and after them the number of rows."""
        counts = [1] * len(self.prompts) if self.rows is None else [len(rows) for rows in self.rows]
        return list(itertools.accumulate(counts, initial=0))


def tokenize(
    tokenizer: Any, prompts: Prompts, longest: int | None = None, truncation: Truncation = TRUNCATION, room: int = 0
) -> Tokens:
    """Turn prompts into tokens.

    Parameters
    ----------
    tokenizer : transformers tokenizer
        The model's own. It adds the special tokens that it adds by itself; a chat has those of its template. A
        beginning token that the text already spells out is not doubled.
    prompts : Prompts
        n texts or chats.
    longest : int or None
        Tokens that the model takes, where it has a limit.
    truncation : {"error", "left", "right"}
        What becomes of longer prompts.
    room : int
        Tokens to be left free for what the model adds.

    Raises
    ------
    InputError
        If a prompt has no token or is too long, the tokenizer has no chat template, or it tells no offsets of spans.
    """
    spans = prompts.spans
    # Where what the user says last begins is seen by writing something else there.
    marked = [(*before, (role, MARK)) for *before, (role, _) in prompts.chats] if spans is not None else []
    every = _written(tokenizer, prompts, [*prompts.chats, *marked])
    texts, around = every[: len(prompts.chats)] or list(prompts.texts), every[len(prompts.chats) :]
    if spans is not None and not tokenizer.is_fast:
        raise InputError(
            f"{type(tokenizer).__name__} does not say which characters its tokens stand for, but spans need it; "
            "expected a fast tokenizer"
        )
    if longest is not None and longest <= room:
        raise InputError(
            f"the model takes {longest} tokens, and {room} are kept for what it adds: none is left for a prompt"
        )
    limit = None if longest is None else longest - room
    if limit is not None and truncation == "error":
        for name, text in zip(prompts.ids, texts, strict=True):
            if len(text) > LONG * limit:  # it would be read for minutes, only to be refused
                raise InputError(
                    f"prompt {name!r} has {len(text):,} characters and the model takes {limit} tokens; shorten it, "
                    "leave it out, or cut it with truncation: left or right"
                )
    cut: dict[str, Any] = {} if truncation == "error" or limit is None else {"truncation": True, "max_length": limit}
    side, tokenizer.truncation_side = tokenizer.truncation_side, "left" if truncation == "left" else "right"
    try:
        encoded = tokenizer(
            texts, add_special_tokens=not prompts.chats, return_offsets_mapping=spans is not None, **cut
        )
        whole = tokenizer(texts, add_special_tokens=not prompts.chats)["input_ids"] if cut else encoded["input_ids"]
    finally:
        tokenizer.truncation_side = side
    begin = tokenizer.bos_token_id
    added = _added_first(tokenizer)
    spelling = None if added is None else tokenizer.convert_ids_to_tokens(added)
    found: list[tuple[int, ...]] = []
    skipped = []
    truncated = []
    for name, text, ids, all_ids in zip(prompts.ids, texts, encoded["input_ids"], whole, strict=True):
        tokens = tuple(map(int, ids))
        doubled = not prompts.chats and 0 < spelt(text, spelling) < leading(tokens, added)
        skipped.append(int(doubled))
        found.append(tokens[doubled:])
        if not found[-1]:
            raise InputError(f"prompt {name!r} has no tokens")
        if len(tokens) < len(all_ids):
            truncated.append(name)
        elif limit is not None and len(found[-1]) > limit:
            raise InputError(
                f"prompt {name!r} has {len(found[-1])} tokens and the model takes {limit}; "
                "shorten it, leave it out, or cut it with truncation: left or right"
            )
    names, rows, unaligned, straddled = prompts.ids, None, [], 0
    if spans is not None:
        rows, kept = [], []
        for number, pieces in enumerate(spans):
            first = _place(prompts, number, texts[number], around[number]) if prompts.chats else 0
            told = [(int(a), int(b)) for a, b in encoded["offset_mapping"][number]][skipped[number] :]
            offsets = refined(told, tokenizer.convert_ids_to_tokens(list(found[number])), texts[number])
            of_prompt = []
            for name, (start, end) in pieces:
                span = (first + start, first + end)
                if places := covering(offsets, span):
                    of_prompt.append(places)
                    kept.append(name)
                    straddled += _straddles(texts[number], [offsets[i] for i in places], span)
                else:
                    unaligned.append(name)
            rows.append(tuple(of_prompt))
        if not kept:
            raise InputError(f"no span of {prompts.name} has a token of {type(tokenizer).__name__}")
        names = tuple(kept)
    return Tokens(
        ids=names,
        texts=tuple(texts),
        fingerprint=content_key([list(prompts.ids), texts]),
        truncated=tuple(truncated),
        unaligned=tuple(unaligned),
        prompts=tuple(found),
        names=prompts.ids,
        rows=None if rows is None else tuple(rows),
        straddled=straddled,
        begins=None if begin is None else tuple(tokens[0] == begin for tokens in found),
    )


def check_known(tokens: Tokens, tokenizer: Any, rows: int | None) -> None:
    """Refuse a prompt with a token that the model has no embedding for, by the names of both."""
    for name, ids in zip(tokens.names, tokens.prompts, strict=True):
        if rows is not None and (beyond := [token for token in ids if not 0 <= token < rows]):
            raise InputError(
                f"prompt {name!r} has the token {tokenizer.convert_ids_to_tokens(beyond[0])!r} with the id "
                f"{beyond[0]}, and the model's embedding has {rows} rows: the token was added to the tokenizer and "
                "not to the model; leave it out of the prompt, or take the tokenizer that belongs to the model"
            )


def _added_first(tokenizer: Any) -> int | None:
    """The id of the token that the tokenizer puts before every text; its beginning token where it puts none."""
    with_it = tokenizer("a")["input_ids"]
    without = tokenizer("a", add_special_tokens=False)["input_ids"]
    first = with_it[0] if with_it and with_it[0] in tokenizer.all_special_ids and with_it[:1] != without[:1] else None
    found = tokenizer.bos_token_id if first is None else first
    return None if found is None else int(found)


def spelt(text: str, begin: str | None) -> int:
    """How often a text begins with the beginning token, in letters."""
    text, count = text.lstrip(), 0
    while begin and text.startswith(begin, count * len(begin)):
        count += 1
    return count


def leading(tokens: Sequence[int], begin: int | None) -> int:
    """How often it is there in tokens."""
    return sum(1 for _ in itertools.takewhile(lambda token: token == begin, tokens))


def _written(tokenizer: Any, prompts: Prompts, chats: Sequence[Sequence[Turn]]) -> list[str]:
    """Chats as the model's own template writes them, within limits: the template came with the model."""
    if not chats:
        return []
    if getattr(tokenizer, "chat_template", None) is None:
        raise InputError(
            f"{prompts.name} is given as a chat, but this model's tokenizer has no chat template; give the model "
            "formats: without a chat"
        )
    refused = f"the chat template of this model refuses {prompts.name}"
    turns = [[{"role": role, "content": content} for role, content in chat] for chat in chats]
    fields = {"add_generation_prompt": prompts.generation_prompt, "date_string": A_DAY}
    library = imported("transformers").PreTrainedTokenizerBase.apply_chat_template
    try:
        template = SAME_DAY + tokenizer.get_chat_template()
        if type(tokenizer).apply_chat_template is not library:  # Python of the model, which was allowed
            return [
                str(tokenizer.apply_chat_template(chat, tokenize=False, chat_template=template, **fields))
                for chat in turns
            ]
    except Exception as error:  # that code raises what it likes
        raise InputError(f"{refused}: {error}") from error
    texts = []
    with Limited() as process:
        given = {**tokenizer.special_tokens_map, **fields}
        for done, text in process.answers(("chat", template, chat, given) for chat in turns):
            if not done:
                raise InputError(f"{refused}: {text}")
            texts.append(text)
    return texts


def _place(prompts: Prompts, number: int, written: str, around: str) -> int:
    """Where what the user says last stands in the written chat; some templates take off spaces around it."""
    # Not by looking for it: a short text stands in the template's own words too.
    front, _, back = around.partition(MARK)
    inner = written[len(front) : len(written) - len(back)]
    if front + inner + back != written or inner.strip() != prompts.chats[number][-1][1].strip():
        raise InputError(
            f"the chat template changes the text of prompt {prompts.ids[number]!r}, so that its spans cannot be found"
        )
    return len(front) + _spaces_before(inner) - _spaces_before(prompts.chats[number][-1][1])


def _spaces_before(text: str) -> int:
    return len(text) - len(text.lstrip())


def _straddles(text: str, offsets: Sequence[Span], span: Span) -> bool:
    """Whether tokens of a span stand for more than it and spaces around it."""
    first, last = min(a for a, _ in offsets), max(b for _, b in offsets)
    return bool((text[first : span[0]] + text[span[1] : last]).strip())
