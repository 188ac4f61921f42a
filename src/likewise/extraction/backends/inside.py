"""The backend that comes with likewise: models of transformers, whose tokens and states are seen."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from likewise.extraction.backends.given import Given
from likewise.extraction.choices import Continuations, rows_of_choices, way_of_choices
from likewise.extraction.probe import way_of
from likewise.extraction.rows import Rows, extract, tokens_of
from likewise.extraction.ways import ALONE
from likewise.libraries import imported
from likewise.models.layers import CHOICES, LOGITS
from likewise.models.loading import LoadedModel, load_model
from likewise.models.spec import ModelSpec
from likewise.oddities.findings import audit_tokens
from likewise.progress import Watch
from likewise.prompts.texts import Prompts
from likewise.prompts.tokens import Truncation
from likewise.store import content_key


class Transformers:
    """Loads models of transformers, and gives them prompts in tokens."""

    def load(self, spec: ModelSpec, *, device: str, dtype: str, head: bool) -> LoadedModel:
        """Return a model, with its head where it is to generate, or its outputs are asked for."""
        return load_model(spec, device=device, dtype=dtype, head=head)

    def versions(self) -> dict[str, str]:
        """Return what else decides on the rows: nothing, for the libraries of likewise are told anyway."""
        return {}

    def given(
        self,
        model: LoadedModel,
        spec: ModelSpec,
        prompts: Prompts,
        layers: Sequence[str],
        pooling: str,
        truncation: Truncation,
        batch_tokens: int,
        threads: int | None = None,
    ) -> Given:
        """Return prompts in the model's own tokens, with the way in which it bears to be run."""
        tokens = tokens_of(model, prompts, pooling, truncation)
        states = [layer for layer in layers if layer != CHOICES]
        way = way_of(model, tokens, states, pooling, batch_tokens=batch_tokens) if states else ALONE
        asked = Continuations.of(model, prompts, truncation) if CHOICES in layers else None
        of_choices = way_of_choices(model, asked, batch_tokens) if asked else ALONE

        def rows(into: Callable[[str, int], Rows], watch: Watch) -> Mapping[str, Float[np.ndarray, "n d"]]:
            found: dict[str, Float[np.ndarray, "n d"]] = {}
            if states:
                how: dict[str, Any] = {"way": way, "batch_tokens": batch_tokens, "of_each": threads}
                found |= extract(model, tokens, states, pooling, **how, into=into, watch=watch)
            if asked:
                place = into(CHOICES, len(prompts.ids))
                with threads_of(threads):
                    found[CHOICES] = rows_of_choices(model, asked, place, of_choices, batch_tokens, watch)
            return found

        ways = [str(way)] if states else []
        if asked:  # parts of other options are not gone on with
            ways.append(f"choices: {of_choices}, {content_key(list(asked.tokens.texts))}")
        return Given(
            prompts,
            tokens,
            "; ".join(ways),
            rows,
            columns_of(model.tokenizer, prompts, layers),
            audit_tokens(tokens),
            spec.revision or model.revision,
        )


@contextlib.contextmanager
def threads_of(count: int | None) -> Iterator[None]:
    """Let torch compute with so many threads, or with as many as it likes."""
    torch = imported("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def columns_of(tokenizer: Any, prompts: Prompts, layers: Sequence[str]) -> dict[str, str]:
    """A hash of what the columns of outputs are: tokens, or options.

    Of tokens the ordinary ones. Those that are added for chats have other names in a base model and its copies, at the
    same places.
    """
    found = {}
    if LOGITS in layers:
        added = tokenizer.get_added_vocab()
        words = {word: place for word, place in tokenizer.get_vocab().items() if word not in added}
        found[LOGITS] = content_key(["tokens", sorted(words.items())])
    if CHOICES in layers and prompts.options is not None:
        found[CHOICES] = content_key(["choices", list(prompts.options.labels)])
    return found
