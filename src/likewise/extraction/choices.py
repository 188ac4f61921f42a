"""Choices: the options of each record, of which any two models can be asked whatever their vocabularies are.

The row of a record holds for each option the log-probability of its text after the prompt, the sum over its tokens,
normalised over the options.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from likewise.errors import InputError
from likewise.extraction.beginnings import common
from likewise.extraction.forward import log_probabilities
from likewise.extraction.probe import way_of
from likewise.extraction.rows import Rows, tokens_of
from likewise.extraction.state import kept
from likewise.extraction.ways import Way
from likewise.models.decoder import turning_length
from likewise.models.layers import LOGITS
from likewise.models.loading import LoadedModel
from likewise.progress import Watch
from likewise.prompts.texts import Prompts
from likewise.prompts.tokens import Tokens, Truncation

if TYPE_CHECKING:
    from likewise.extraction.cache import Beginnings

AT_ONCE = 64
"""Records between two saves; batches depend on it, so a run that was stopped gives the same rows."""

MOST_TOKENS = 2048
"""Tokens of a batch at most: each has a number for every token of the vocabulary."""


@dataclass(frozen=True)
class Continuations:
    """The texts of prompts with each option, in a model's tokens, and where the options begin.

    Parameters
    ----------
    tokens : Tokens
        Of n k texts: of each record those with its options, in their order.
    starts : tuple of int
        For each record the first token that not all its texts and its prompt have in common.
    """

    tokens: Tokens
    starts: tuple[int, ...]
    count: int

    @classmethod
    def of(cls, loaded: LoadedModel, prompts: Prompts, truncation: Truncation) -> "Continuations":
        """Turn prompts and options into tokens, each text as a whole: its tokens need not end where the prompt does."""
        choices = prompts.options
        assert choices is not None  # asked for before
        if truncation != "error":
            raise InputError(f"the choices of {prompts.name} are not cut; expected truncation: error, got {truncation}")
        count = len(choices.labels)
        names = [f"{one} with choice {label}" for one in prompts.ids for label in choices.labels]
        texts = [front + text for front, own in zip(choices.prompts, choices.texts, strict=True) for text in own]
        whole = tokens_of(loaded, Prompts(prompts.name, tuple(names), tuple(texts), ""), "last_token")
        fronts = tokens_of(loaded, Prompts(prompts.name, prompts.ids, choices.prompts, ""), "last_token")
        starts = []
        for place, front in enumerate(fronts.prompts):
            own = whole.prompts[place * count : (place + 1) * count]
            start = min(common(front, ids) for ids in own)
            name = prompts.ids[place]
            if start == 0:
                raise InputError(f"the choices of {name!r}: no token of the prompt comes before them; give it a prompt")
            for label, ids in zip(choices.labels, own, strict=True):
                if len(ids) == start:
                    raise InputError(f"choice {label} of {name!r} adds no token to its prompt")
            starts.append(start)
        return cls(whole, tuple(starts), count)


def way_of_choices(loaded: LoadedModel, asked: Continuations, batch_tokens: int) -> Way:
    """Find how the texts may be run together, as of any prompts."""
    how: dict[str, Any] = {"batch_tokens": min(batch_tokens, MOST_TOKENS), "packing": False}
    return way_of(loaded, asked.tokens, [LOGITS], "last_token", **how)


def rows_of_choices(
    loaded: LoadedModel, asked: Continuations, into: Rows, way: Way, batch_tokens: int, watch: Watch
) -> np.ndarray:
    """Return the row of each record: log-probabilities over its options.

    Parameters
    ----------
    loaded : LoadedModel
        With its output head.
    asked : Continuations
        n records with k options.
    into : Rows
        Where the rows go; some may be there.
    way : Way
        As `way_of_choices` finds it.
    batch_tokens : int
        Tokens of a batch, padding included; `MOST_TOKENS` at most.
    watch : callable
        Is told how many tokens are done.
    """
    tokens, count, n = asked.tokens, asked.count, len(asked.starts)
    budget = min(batch_tokens, MOST_TOKENS)
    turn = turning_length(loaded.model, "last_token")
    total, done = sum(tokens.lengths), 0
    with kept(loaded.whole) as state:
        before, beginnings = state if way.restored else None, _beginnings(loaded) if way.shared else None
        for first in range(0, n, AT_ONCE):
            records = range(first, min(n, first + AT_ONCE))
            texts = [place * count + i for place in records for i in range(count)]
            if not all(into.done[place] for place in records):
                sums = np.empty((len(records), count))
                prompts = [tokens.prompts[i] for i in texts]
                first_asked = [asked.starts[i // count] for i in texts]
                limits = [start - 1 for start in first_asked]
                for batch in way.plan(prompts, list(map(len, prompts)), budget, turn, limits):
                    ids = [prompts[i] for i in batch.members]
                    starts = [first_asked[i] for i in batch.members]
                    begun = batch.begun(beginnings, prompts) if beginnings and batch.shared else None
                    said = log_probabilities(loaded, ids, starts, way, before, begun)
                    for i, of_tokens in zip(batch.members, said, strict=True):
                        sums[i // count, i % count] = of_tokens.sum()
                rows = scipy.special.log_softmax(sums, axis=1).astype(np.float32)
                if not (fine := np.isfinite(rows).all(axis=1)).all():
                    name = tokens.ids[texts[int(np.argmin(fine)) * count]]
                    raise InputError(f"the choices of {name.partition(' with choice ')[0]!r} are not finite")
                into.write(np.asarray(records), rows)
                into.flush()
            done += sum(tokens.lengths[i] for i in texts)
            watch("extracting", done, total)
    return into.matrix


def _beginnings(loaded: LoadedModel) -> "Beginnings":
    """What runs the beginnings of texts: no token of them is asked for, so that the head need not run."""
    from likewise.extraction.cache import Beginnings

    def run(**inputs: Any) -> dict[str, Any]:
        loaded.model(**inputs)
        return {}

    return Beginnings(run, next(loaded.model.parameters()).device)
