"""Prompts that are much like others: made from one template, or near copies."""

import re
import zlib
from collections.abc import Sequence
from itertools import islice

import numpy as np
from jaxtyping import Int

WORDS = 4
"""Words in a row that prompts may share: unrelated sentences seldom have so many in common."""

READ = 256
"""Words of a prompt that are looked at, from the first; and a word is at most 64 signs long."""

MOST = 20_000
"""Prompts that are looked at, from the first."""

COMMON = 0.5
"""What more than this share of the prompts have is the form of the data set, and says nothing of its groups."""

SHARED = 0.5
"""A prompt is like others if they have this share of its runs of words, or more."""

WORD = re.compile(r"[぀-ヿ㐀-鿿가-힣]|\w{1,64}")
"""A word, or a sign of a script that writes without spaces."""


def alike(texts: Sequence[str]) -> int:
    """Count the texts that have half of their runs of four words in common with others, or more.

    Runs that most texts have are left out: they belong to the form of the data set.

    Parameters
    ----------
    texts : sequence of str
        The first 20,000 are looked at, and of each the first 256 words.

    Notes
    -----
    Cost: O(words log words), and 8 bytes for each word that is looked at.

    Examples
    --------
    >>> alike(["The box did not fit into the red bag.", "The box did not fit into the big bag.", "It rained."])
    2
    """
    runs = [_runs(text) for text in texts[:MOST]]
    if len(runs) < 2:
        return 0
    _, places, counts = np.unique(np.concatenate(runs), return_inverse=True, return_counts=True)
    tells = counts <= max(2, COMMON * len(runs))
    of = np.repeat(np.arange(len(runs)), [len(own) for own in runs])
    told = np.bincount(of, tells[places], len(runs))
    shared = np.bincount(of, (tells & (counts > 1))[places], len(runs))
    # Without a run that tells, a text has nothing but the form that all have.
    return int(np.count_nonzero((shared >= SHARED * told) & (told > 0)))


def _runs(text: str) -> Int[np.ndarray, " runs"]:
    """A number for each run of words of a text, each once; of fewer words one for all."""
    words = [word.group().casefold() for word in islice(WORD.finditer(text), READ)]
    runs = {" ".join(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1))}
    return np.asarray(sorted(zlib.crc32(run.encode("utf-8", "surrogatepass")) for run in runs), dtype=np.int64)
