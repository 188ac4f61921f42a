"""Ways of running prompts together: which may share a batch, on which side they are padded, what comes between."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from likewise.extraction.beginnings import LEAST, Group, common, groups
from likewise.fields import whole

if TYPE_CHECKING:
    from likewise.extraction.cache import Beginnings, Begun

Together: TypeAlias = Literal["any", "equal", "alone"]
"""Which prompts may share a batch: of any lengths, of equal lengths only, none."""

Side: TypeAlias = Literal["right", "left"]

EXPANDED = 4
"""So many shared tokens, of which a batch holds keys and values alone, count as one that is run."""

ROWS = 4
"""Tokens that the rows of a prompt with shared ones count, so that a batch does not hold those of very many."""


@dataclass(frozen=True)
class Batch:
    """Prompts that are run together.

    Parameters
    ----------
    members : tuple of int
        Their positions, the longest first.
    shared : int
        The first tokens of each that were run before, once for all that begin with the same ones; 0 for none.
    of : tuple of int, optional
        Where these are the first part of a longer beginning: a prompt that has it, and how many tokens it has.
    """

    members: tuple[int, ...]
    shared: int = 0
    of: tuple[int, int] | None = None

    def begun(self, beginnings: "Beginnings", prompts: Sequence[Sequence[int]]) -> "Begun":
        """What was run of the beginnings. A longer one is run as a whole, so that its bits do not depend on when."""
        if self.of is None:
            return beginnings.of([prompts[i] for i in self.members], self.shared)
        prompt, length = self.of
        return beginnings.of([prompts[prompt]], length).first(self.shared)

    def pieces(self, most: int) -> list["Batch"]:
        """The same in pieces of so many prompts at most, or of one."""
        most = max(1, most)
        starts = range(0, len(self.members), most)
        return [replace(self, members=self.members[start : start + most]) for start in starts]


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
    shared : bool
        Run the tokens that prompts begin with in common once.
    packed : bool
        Run what comes after one beginning without padding, as one row of tokens: keys and values of the beginning are
        then not copied for each prompt.

    Examples
    --------
    >>> print(Way())
    any lengths together, padded on the right
    >>> print(Way(shared=True))
    any lengths together, padded on the right, what prompts begin with in common run once
    >>> print(Way(shared=True, packed=True))
    any lengths together, padded on the right, what prompts begin with in common run once, the rest as one sequence
    >>> print(Way("equal", restored=True, threads=False))
    equal lengths together, the model's own state put back before each batch, in one thread
    """

    together: Together = "any"
    side: Side = "right"
    restored: bool = False
    threads: bool = True
    shared: bool = False
    packed: bool = False

    def __str__(self) -> str:
        words = {
            "any": f"any lengths together, padded on the {self.side}",
            "equal": "equal lengths together",
            "alone": "one prompt at a time",
        }
        state = ", the model's own state put back before each batch" if self.restored else ""
        once = ", what prompts begin with in common run once" if self.shared else ""
        once += ", the rest as one sequence" if self.packed else ""
        return words[self.together] + state + once + ("" if self.threads else ", in one thread")

    def batches(self, lengths: Sequence[int], budget: int, turn: int | None = None) -> list[list[int]]:
        """Positions of prompts in batches as this way allows; see `batches`."""
        return batches(lengths, 1 if self.together == "alone" else budget, turn, equal=self.together == "equal")

    def plan(
        self,
        prompts: Sequence[Sequence[int]],
        lengths: Sequence[int],
        budget: int,
        turn: int | None = None,
        limits: Sequence[int] | None = None,
    ) -> list[Batch]:
        """Prompts in batches, also by what they begin with in common where this way shares it.

        Parameters
        ----------
        prompts : sequence of sequences of int
            Their tokens.
        lengths : sequence of int
            How many each has, 0 of one that is not run.
        budget : int
            Tokens of a batch, padding included. A shared token counts a fourth, and nothing where prompts are packed.
            A prompt that has more is a batch by itself.
        turn : int or None
            See `batches`.
        limits : sequence of int, optional
            How many tokens of each may be shared at most; by default all but the last.

        Returns
        -------
        list of Batch
            Those with the same beginning one after the other, those that share nothing at the end.
        """
        if not self.shared:
            return [Batch(tuple(members)) for members in self.batches(lengths, budget, turn) if lengths[members[0]]]
        by_length: dict[int, list[Group]] = {}
        for group in alike(prompts, lengths, limits):
            by_length.setdefault(group.shared, []).append(group)
        alone = [i for group in by_length.pop(0, []) for i in group.members]
        planned = [batch for shared, of in by_length.items() for batch in self._of_length(shared, of, lengths, budget)]
        if planned:
            most = max((group for of in by_length.values() for group in of), key=lambda group: group.saved)
            limit = {i: lengths[i] - 1 if limits is None else limits[i] for i in alone}
            planned, alone = _taken(planned, most, alone, prompts, limit)
        rest = [Group(0, tuple(alone))] if alone else []
        return planned + (self._of_length(0, rest, lengths, budget, turn) if rest else [])

    def _of_length(
        self, shared: int, of: Sequence[Group], lengths: Sequence[int], budget: int, turn: int | None = None
    ) -> list[Batch]:
        """Groups whose beginnings have one length in batches: the large ones by themselves, small ones together."""
        in_one_row = budget
        # No more than one of the prompts would take as a whole.
        budget = max(budget, *(lengths[i] for group in of for i in group.members)) if shared else budget
        beside = math.ceil(shared / EXPANDED) + ROWS if shared else 0
        cost = {i: lengths[i] - shared + beside for group in of for i in group.members}
        done: list[Batch] = []
        small: list[list[int]] = []
        for group in of:
            members = group.members
            split = self.batches([cost[i] for i in members], budget, turn)
            own = [[members[k] for k in places] for places in split]
            if shared and len(own) == 1:
                small += own
            elif shared and self.packed:
                rows = packs([lengths[i] - shared + ROWS for i in members], in_one_row)
                done += [Batch(tuple(members[k] for k in places), shared) for places in rows]
            else:
                done += [Batch(tuple(places), shared) for places in own]
        small.sort(key=lambda members: (-cost[members[0]], members))
        packed: list[tuple[int, list[int]]] = []
        for more in small:
            count, last = packed[-1] if packed else (0, [])
            fits = bool(last) and (count + 1) * shared <= budget
            fits = fits and (len(last) + len(more)) * cost[last[0]] <= budget
            if fits and (self.together == "any" or cost[last[0]] == cost[more[0]]):
                packed[-1] = count + 1, last + more
            else:
                packed.append((1, more))
        in_order = (sorted(places, key=lambda i: (-lengths[i], i)) for _, places in packed)
        return [*done, *(Batch(tuple(places), shared) for places in in_order)]


def _taken(
    planned: Sequence[Batch],
    most: Group,
    alone: Sequence[int],
    prompts: Sequence[Sequence[int]],
    limit: Mapping[int, int],
) -> tuple[list[Batch], list[int]]:
    """Let others take the first tokens of the beginning that saves most, while it is at hand; and who is still alone.

    Where it is run by itself, those are the batches with a shorter beginning that is a part of it, and prompts that are
    alone otherwise.
    """
    members = set(most.members)
    own = [batch for batch in planned if members.issuperset(batch.members)]
    if not own:
        return list(planned), list(alone)
    front, of = prompts[most.members[0]][: most.shared], (most.members[0], most.shared)
    others, taking = list[Batch](), list[Batch]()
    for batch in planned:
        first = front[: batch.shared]
        takes = batch.shared < most.shared and all(prompts[i][: batch.shared] == first for i in batch.members)
        (taking if takes else others).append(replace(batch, of=of) if takes else batch)
    parts = {i: part for i in alone if (part := common(front, prompts[i][: limit[i]])) >= LEAST}
    taking += [Batch((i,), part, of) for i, part in parts.items()]
    place = others.index(own[-1]) + 1
    return [*others[:place], *taking, *others[place:]], [i for i in alone if i not in parts]


ALONE = Way("alone")


def alike(prompts: Sequence[Sequence[int]], lengths: Sequence[int], limits: Sequence[int] | None = None) -> list[Group]:
    """Prompts that are run, in groups that begin alike; the last token of each, or what is beyond limits, stays out."""
    run = [i for i, length in enumerate(lengths) if length]
    most = [lengths[i] - 1 if limits is None else limits[i] for i in run]
    found = groups(prompts[i][:limit] if limit >= LEAST else () for i, limit in zip(run, most, strict=True))
    return [Group(group.shared, tuple(run[k] for k in group.members)) for group in found]


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


def packs(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Positions of prompts in rows of at most ``budget`` tokens without padding, the longest first.

    Examples
    --------
    >>> packs([2, 9, 3, 8], budget=12)
    [[1], [3, 2], [0]]
    """
    rows: list[list[int]] = []
    taken = budget
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if taken + lengths[i] > budget or not rows:
            rows.append([])
            taken = 0
        rows[-1].append(i)
        taken += lengths[i]
    return rows


USUAL = Batches()
"""Of which nothing is said."""
