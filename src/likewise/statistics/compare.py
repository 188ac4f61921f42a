"""Compare representations pair by pair, each score with its chance level and its interval."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import numpy as np

from likewise.arrays import Array
from likewise.errors import InputError
from likewise.measures import Asked, configurations
from likewise.naming import did_you_mean
from likewise.representation import Representation, check_all_same_items, on_device
from likewise.statistics.block import NullKind, Trust, Watch, score_block
from likewise.statistics.results import Results


def compare(
    representations: Mapping[str, Array | Representation] | Sequence[Representation],
    measures: Asked | Iterable[Asked] = "paper",
    *,
    null: NullKind = "moments",
    permutations: int = 100,
    groups: int | Iterable[str] = 20,
    rng: int | np.random.Generator = 0,
    dataset: str = "",
    device: str = "cpu",
    watch: Watch = lambda done, total: None,
) -> Results:
    """Compare every pair of representations of the same inputs, each score beside its chance level and interval.

    Parameters
    ----------
    representations : mapping of name to array (n x d) or Representation, or sequence of Representation
        Row i of all of them describes input i; widths may differ.
    measures : str, Configuration, or iterable of them
        A preset (``"paper"``), measures (``"cka"``), measures with parameters (``"jaccard(k=5)"``).
    null : {"moments", "shuffles", "none"}
        Where chance levels come from: ``moments`` takes the closed form over all shuffles where a measure has one, as
        cka and rsa have, and shuffles elsewhere.
    permutations : int
        Number of shuffles of the rows, by permutations of its own for each representation; 0 for none. Where all n!
        are fewer, they are all taken.
    groups : int or iterable of str
        Number of random groups of inputs that are left out in turn for the intervals of measures that need them; 0 for
        no intervals. Or the group of each input, where inputs belong together (a topic, a template, a pair of twins):
        whole groups are then left out, and shuffled, as `Together` says. Representations may have groups themselves:
        all of them the same, or none.
    rng : int or numpy.random.Generator
        Seed or generator of the shuffles; those of a representation do not depend on what it is compared with; of
        two with one key the second has others than the first.
    dataset : str
        What the inputs are called in the table.
    device : str
        Where to calculate: ``"cpu"`` where the arrays are, ``"cuda"`` on a GPU, by torch.
    watch : callable
        Is told the number of steps done, and in all.

    Returns
    -------
    Results
        One row per pair and configuration, two where the order of the pair counts, columns as in `Comparison`.

    Raises
    ------
    InputError
        If the rows do not describe the same items, some have groups of inputs and others none or other ones, a value is
        not finite, or a name is unknown.

    Notes
    -----
    Cost: each representation is prepared once, O(n^2 d); a shuffle, or a group left out, then costs O(n^2), for
    measures that rotate O(min(n, d)^3). Memory: for each representation what `memory` says, twice.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> results = compare({"x": x, "moved": 2 * x + 1}, "cka", permutations=10)
    >>> [(c.a, c.b, round(c.value, 9), round(c.calibrated, 9)) for c in results]
    [('x', 'moved', 1.0, 1.0)]
    """
    named = named_representations(representations)
    chosen = configurations(measures)
    if len(named) < 2 or not chosen:
        raise InputError(
            f"{len(named)} representations and {len(chosen)} measures; needed are two representations and one measure, "
            "or more"
        )
    check_all_same_items(named)
    if not isinstance(groups, str) and hasattr(groups, "__iter__"):
        labels, groups = [str(label) for label in groups], Trust().groups
        named = [r.changed(groups=labels) for r in named]
    check_request(null, permutations, groups)  # type: ignore[arg-type]  # a text is refused there
    given = isinstance(rng, np.random.Generator)
    return (
        score_block(
            [on_device(r, device) for r in named],
            list(itertools.combinations(range(len(named)), 2)),
            chosen,
            Trust(null, int(permutations), 0 if given else int(rng), int(groups)),  # type: ignore[arg-type]  # no generator
            rng=rng if given else None,  # type: ignore[arg-type]
            dataset=dataset,
            watch=watch,
        )
        .asked_as(chosen)
        .corrected()
    )


def check_request(null: str, permutations: int, groups: int) -> None:
    """Refuse a kind of chance level that there is not, and numbers that are none."""
    if null not in get_args(NullKind):
        raise InputError(f"null={null!r}; {did_you_mean(str(null), get_args(NullKind))}")
    for name, count in (("permutations", permutations), ("groups", groups)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise InputError(f"{name}={count}; needed is a whole number, 0 or more")


def named_representations(
    given: Mapping[str, Array | Representation] | Sequence[Representation],
) -> list[Representation]:
    """Return the representations, named by the mapping's keys where there are any."""
    if isinstance(given, Mapping):
        return [
            r.changed(name=str(name)) if isinstance(r, Representation) else Representation(r, name=str(name))
            for name, r in given.items()
        ]
    if unnamed := [r for r in given if not isinstance(r, Representation)]:
        raise InputError(f"a {type(unnamed[0]).__name__} has no name; give a mapping of names to arrays")
    names = [r.name for r in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two representations are called {twice[0]!r}; names must tell them apart")
    return list(given)
