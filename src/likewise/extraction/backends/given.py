"""Prompts as a model of some backend is given them: what is about to be run, with what is to be told of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from likewise.about import Audit
from likewise.extraction.rows import Rows
from likewise.progress import Watch
from likewise.prompts.texts import Prompts
from likewise.prompts.tokens import Written


@dataclass(frozen=True)
class Given:
    """Prompts as a model is given them.

    Parameters
    ----------
    prompts : Prompts
        What they were made of.
    written : Written
        The same in the model's own words.
    way : str
        How they will be run; rows that were made in another way are not gone on with.
    rows : callable
        Runs the prompts: of what gives the place of the rows of a layer, and a progress callback, the rows by layer.
    columns : mapping
        By layer, a hash of what each of its columns stands for, where that is more than a feature of the model.
    audit : Audit
        What is to be told of the prompts as this model sees them.
    commit : str or None
        What the model's name stands for.
    """

    prompts: Prompts
    written: Written
    way: str
    rows: Callable[[Callable[[str, int], Rows], Watch], Mapping[str, Float[np.ndarray, "n d"]]]
    columns: Mapping[str, str] = field(default_factory=dict)
    audit: Audit = field(default_factory=Audit)
    commit: str | None = None

    @property
    def shown(self) -> tuple[str, Iterable[tuple[str, str]]]:
        """What people are shown of the rows: a fingerprint, and the text of each; of a chat all that the model saw."""
        if self.prompts.chats and self.prompts.spans is None:
            return self.written.fingerprint, zip(self.prompts.ids, self.written.texts, strict=True)
        return self.prompts.fingerprint, self.prompts.named_texts()
