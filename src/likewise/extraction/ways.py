"""Ways of running prompts together: which may share a batch, on which side they are padded, what comes between."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from likewise.fields import whole

Together: TypeAlias = Literal["any", "equal", "alone"]
"""Which prompts may share a batch: of any lengths, of equal lengths only, none."""

Side: TypeAlias = Literal["right", "left"]


@dataclass(frozen=True)
class Way:
    """How prompts are run so that the rows of each are those of the prompt alone.

    Parameters
    ----------
    together : {"any", "equal", "alone"}
        Which prompts may share a batch.
    side : {"right", "left"}
        Where the padding stands.
    restored : bool
        Put back what the model keeps of earlier batches before each.
    threads : bool
        Run several batches at once.

    Examples
    --------
    >>> print(Way())
    any lengths together, padded on the right
    >>> print(Way("equal", restored=True, threads=False))
    equal lengths together, the model's own state put back before each batch, in one thread
    """

    together: Together = "any"
    side: Side = "right"
    restored: bool = False
    threads: bool = True

    def __str__(self) -> str:
        words = {
            "any": f"any lengths together, padded on the {self.side}",
            "equal": "equal lengths together",
            "alone": "one prompt at a time",
        }
        state = ", the model's own state put back before each batch" if self.restored else ""
        return words[self.together] + state + ("" if self.threads else ", in one thread")

    def batches(self, lengths: Sequence[int], budget: int, turn: int | None = None) -> list[list[int]]:
        """Positions of prompts in batches as this way allows; see `batches`."""
        return batches(lengths, 1 if self.together == "alone" else budget, turn, equal=self.together == "equal")


ALONE = Way("alone")


@dataclass(frozen=True, kw_only=True)
class Batches:
    """What an experiment says of a model's batches: they round otherwise, so the rows are others.

    Parameters
    ----------
    batch_tokens : int, optional
        Tokens of a batch, padding included, instead of the run's.
    threads : int, optional
        Threads of the processor that run one batch. A GPU takes no notice.
    """

    batch_tokens: int | None = whole(None, least=1)
    threads: int | None = whole(None, least=1)

    def identity(self) -> dict[str, int]:
        """What is said of them; nothing where nothing is."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


def batches(lengths: Sequence[int], budget: int, turn: int | None = None, *, equal: bool = False) -> list[list[int]]:
    """Positions of prompts in batches of at most ``budget`` tokens with padding, the longest first.

    Prompts of like length share a batch, so little is padded; the longest come first, so that a lack of memory shows
    at once. One prompt longer than the budget is a batch by itself. Where a model takes other positions for batches
    longer than ``turn``, prompts on either side of it are apart. With ``equal``, those of other lengths are.

    Examples
    --------
    >>> batches([2, 9, 3, 8], budget=18)
    [[1, 3], [2, 0]]
    >>> batches([2, 3, 2], budget=18, equal=True)
    [[1], [0, 2]]
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    grouped: list[list[int]] = []
    for i in order:
        longest = lengths[grouped[-1][0]] if grouped else 0
        together = turn is None or (longest > turn) == (lengths[i] > turn)
        together = together and (not equal or longest == lengths[i])
        if grouped and together and longest * (len(grouped[-1]) + 1) <= budget:
            grouped[-1].append(i)
        else:
            grouped.append([i])
    return grouped


USUAL = Batches()
"""Of which nothing is said."""
