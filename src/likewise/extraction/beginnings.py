"""What prompts begin with in common: which of them share how many tokens, so that these are run once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

LEAST = 8
"""Tokens that are fewer are not worth a pass of their own."""

WORTH = 0.2
"""The least share of all tokens that must be saved for prompts to be run so."""


@dataclass(frozen=True)
class Group:
    """Texts that begin with the same tokens.

    Parameters
    ----------
    shared : int
        How many tokens; 0 of texts that are run as a whole.
    members : tuple of int
        The positions of the texts.
    """

    shared: int
    members: tuple[int, ...]

    @property
    def saved(self) -> int:
        """Tokens that need not be run again."""
        return self.shared * (len(self.members) - 1)


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two texts begin with in common.

    Examples
    --------
    >>> common((1, 2, 3), (1, 2, 4, 5)), common((1,), (2,))
    (2, 0)
    """
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(slots=True)
class _Node:
    """Texts with so many tokens in common: those that end there, and the groups that have more."""

    depth: int
    own: list[int] = field(default_factory=list)
    below: list["_Node"] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def choose(self, least: int) -> None:
        """Decide which texts share this beginning, and which the longer ones of the groups below.

        Afterwards ``own`` are the texts that are free to share a shorter one.
        """
        free = [*self.own, *(i for node in self.below for i in node.own)]
        longer = [group for node in self.below for group in node.groups]
        # What a group gains by going over is what all its texts share here, against what it saves by itself.
        kept = [group for group in longer if group.saved >= self.depth * len(group.members)]
        over = [group for group in longer if group.saved < self.depth * len(group.members)]
        joined = [*free, *(i for group in over for i in group.members)]
        self.own, self.groups = free, longer
        if self.depth >= least and len(joined) > 1:
            mine = Group(self.depth, tuple(sorted(joined)))
            if _saved([*kept, mine]) > _saved(longer):
                self.own, self.groups = [], [*kept, mine]
        self.below = []


def groups(texts: Iterable[Sequence[int]], least: int = LEAST) -> list[Group]:
    """Put texts into groups that begin alike, so that much need not be run again.

    Parameters
    ----------
    texts : iterable of sequences of int
        Of each text the tokens that may be shared.
    least : int
        Fewer tokens than that are not shared.

    Returns
    -------
    list of Group
        Each text in one of them; those that share nothing in one of ``shared`` 0, the last.

    Notes
    -----
    A tree of one level, as each text has at most one beginning: from the longest beginnings to the shortest, texts go
    over from their groups to a larger one where that saves more. What is saved is at least what the one beginning of
    all texts would save. Cost: a sort.

    Examples
    --------
    >>> groups([(1, 2, 3, 4), (1, 2, 3, 5), (9,), (1, 2, 6)], least=2)
    [Group(shared=2, members=(0, 1, 3)), Group(shared=0, members=(2,))]
    >>> groups([(1, 2, 3, 4, 5), (1, 6), (1, 2, 3, 4, 7), (8,)], least=2)
    [Group(shared=4, members=(0, 2)), Group(shared=0, members=(1, 3))]
    """
    # Numbers of four bytes, the highest first, are in the order of their bytes, which take less time and memory.
    count, whole = 0, dict[int, bytes]()
    for i, text in enumerate(texts):
        count += 1
        if len(text) >= least:
            whole[i] = np.asarray(text, dtype=">u4").tobytes()
    order = sorted(whole, key=lambda i: (whole[i], i))
    root = _Node(0)
    opened = [root]

    def close(depth: int) -> None:
        while opened[-1].depth > depth:
            node = opened.pop()
            node.choose(least)
            if opened[-1].depth < depth:
                opened.append(_Node(depth))
            opened[-1].below.append(node)

    for place, i in enumerate(order):
        if place:
            close(common(whole[order[place - 1]], whole[i]) // 4)
        if opened[-1].depth < len(whole[i]) // 4:
            opened.append(_Node(len(whole[i]) // 4))
        opened[-1].own.append(i)
    close(0)
    root.choose(least)
    found = sorted(root.groups, key=lambda group: (-group.shared, group.members))
    alone = sorted({*range(count)}.difference(*(group.members for group in found)))
    return [*found, Group(0, tuple(alone))] if alone else found


def worth(found: Sequence[Group], lengths: Sequence[int]) -> bool:
    """Whether groups save enough of all tokens."""
    return _saved(found) >= max(1, WORTH * sum(lengths))


def _saved(found: Sequence[Group]) -> int:
    return sum(group.saved for group in found)
