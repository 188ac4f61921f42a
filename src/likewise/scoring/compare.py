"""Compare representations pair by pair, each score with its chance level and its interval."""

import functools
import numbers
import string
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from likewise.arrays import Array, float64, gather, to_numpy
from likewise.chance import DEFAULT, IN_FILES, IN_RUNS, RowsInRuns, ShuffledRows, alike_in_order, reference_of
from likewise.chance import Asked as Chance
from likewise.errors import InputError
from likewise.fields import GROUPS, MOST_DRAWN, PERMUTATIONS, SEED, wrong_number
from likewise.measures import Asked, Configuration, configurations
from likewise.progress import Watch, unwatched
from likewise.representation import Representation, aligned, check_all_same_items, on_device
from likewise.scoring.block import score_block
from likewise.scoring.pairs import ALL, Pairs
from likewise.scoring.results import Results
from likewise.scoring.trust import Trust

Given: TypeAlias = Mapping[str, Array | Representation] | Sequence[Array | Representation]
"""Representations by their names, or one after the other."""

PASS_NAMES = 'pass names: compare({"a": x, "b": y})'


def compare(
    *representations: Any,
    measures: Asked | Iterable[Asked] | None = None,
    join: str = "exact",
    pairs: Pairs | str | Mapping[str, Any] = ALL,
    chance: Chance = DEFAULT,
    permutations: int = PERMUTATIONS,
    groups: int | Iterable[str] = GROUPS,
    rng: int | np.random.Generator = SEED,
    dataset: str = "",
    device: str = "cpu",
    watch: Watch = unwatched,
    null: Chance | None = None,
) -> Results:
    """Compare pairs of representations of the same inputs. Each score has a chance level and an interval.

    Parameters
    ----------
    *representations : mapping of name to array (n x d) or Representation, or sequence, or two or more of them
        Row i of each describes input i; rows with ids are matched by id. Widths may differ. Lists of rows and
        DataFrames are taken too: their columns are features, and the index of a pandas one is the ids, unless it only
        counts the rows. Without names they are called a, b, ... The measures may come last.
    measures : str, Configuration, or iterable of them
        A preset (``"paper"``, the default), measures (``"cka"``), measures with parameters (``"jaccard(k=5)"``).
    join : {"exact", "inner"}
        Rows with ids are reordered to match the first representation that has ids. ``exact``: all must have the same
        ids. ``inner``: ids that some of them lack are left out.
    pairs : str or mapping
        Which pairs, as in an experiment: ``"all"``; ``"chain"``, each with the next; ``{"base": name}``, one with all
        others; ``{"first": [...], "second": [...]}``, two sides; ``{"layers": [model, model]}``.
    chance : {"moments", "shuffles", "features", "none"}, or Reference
        Where chance levels come from. ``moments``: the closed form over all shuffles for measures that have one, such
        as cka and rsa, and shuffles for the others. ``features``: the features of one side are shuffled, for measures
        that compare each feature with itself, such as feature_correlation. A chance level of your own is a class, see
        `likewise.chance.Reference`.
    permutations : int
        Number of shuffles of the rows; 0 for none. Each representation has permutations of its own. If there are fewer
        than this in all (n!), all are taken.
    groups : int or iterable of str
        Number of random groups of inputs that are left out in turn, for measures whose intervals need them; 0 for no
        intervals. Or the group of each input, if inputs belong together (a topic, a template, a pair of twins): whole
        groups are then shuffled and left out (see `Together`). Representations can have groups too: all of them the
        same, or none.
    rng : int or numpy.random.Generator
        Seed or generator of the shuffles. The shuffles of a representation do not depend on what it is compared with.
        If two have the same key, the second one gets other shuffles.
    dataset : str
        Name of the inputs in the table.
    device : str
        ``"cpu"``: compute where the arrays are. ``"cuda"``: compute on a GPU, with torch.
    watch : callable
        Called with ``("comparing", done, total)`` after each step.
    null : str, optional
        The older name of ``chance``.

    Returns
    -------
    Results
        One row per pair and configuration, two where the order of the pair counts, columns as in `Comparison`.

    Raises
    ------
    InputError
        If the rows do not describe the same inputs, the groups of inputs differ, a value is not finite, a name is
        unknown, or no pair is left to compare.

    Notes
    -----
    Cost: each representation is prepared once, O(n^2 d). A shuffle, or a group left out, then costs O(n^2), or
    O(min(n, d)^3) for measures that rotate. Memory: for each representation twice what `memory` says.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(20, 5))
    >>> results = compare({"x": x, "moved": 2 * x + 1}, "cka", permutations=10)
    >>> [(c.a, c.b, round(c.value, 9), round(c.calibrated, 9)) for c in results]
    [('x', 'moved', 1.0, 1.0)]
    >>> compare(x, 2 * x + 1, "cka", permutations=10)["a", "b"][0].measure
    'cka'
    >>> three = compare({"x": x, "moved": 2 * x + 1, "y": x**2}, "cka", pairs={"base": "moved"})
    >>> [(c.a, c.b) for c in three]
    [('x', 'moved'), ('moved', 'y')]
    """
    given, asked = _told_apart(representations, measures)
    named = of_one_order(named_representations(given), join)
    chosen = configurations(asked)
    if not chosen:
        raise InputError("no measures; expected one or more")
    if not isinstance(groups, str) and hasattr(groups, "__iter__"):
        labels, groups = _in_order_of(named[0], groups), GROUPS
        named = [r.changed(groups=labels) for r in named]
    chance = chance_or_null(chance, null)
    check_request(chance, permutations, groups)  # type: ignore[arg-type]  # a text is refused there
    given = isinstance(rng, np.random.Generator)
    if not given and not _is_whole(rng):
        raise InputError(f"rng={rng!r}; expected a whole number, 0 or more, or a numpy.random.Generator")
    if told_of_runs(named, chance):
        warnings.warn(IN_RUNS + IN_FILES, RowsInRuns, stacklevel=2)
    dataset = "" if dataset is None else dataset
    if not isinstance(dataset, str):
        raise InputError(f"dataset={dataset!r}; expected a text")
    return (
        score_block(
            [on_device(r, device) for r in named],
            Pairs.read(pairs).among([r.name for r in named]),
            chosen,
            Trust(chance, int(permutations), 0 if given else int(rng), int(groups)),  # type: ignore[arg-type]  # no generator
            rng=rng if given else None,  # type: ignore[arg-type]
            dataset=dataset,
            watch=watch,
        )
        .asked_as(chosen)
        .corrected()
    )


def _in_order_of(r: Representation, groups: Any) -> list[Any]:
    """Groups by the ids of the rows, where they come with an index that holds these; else one after the other."""
    labels, index = list(groups), getattr(groups, "index", None)
    if index is None or callable(index):  # a list has a method of that name
        return labels
    ids = list(map(str, index))
    if set(ids) == set(r.ids) and len(ids) == len(labels):
        by_id = dict(zip(ids, labels, strict=True))
        return [by_id[i] for i in r.ids]
    if r.has_ids:
        raise InputError(
            f"groups have an index of other items than the ids of {r.name}; give them the same, or as a list"
        )
    return labels


def told_of_runs(named: Sequence[Representation], chance: Chance) -> bool:
    """Whether there are rows `in_runs`, and p-values that they make wrong."""
    return reference_of(chance).beside == ShuffledRows.beside and in_runs(named)


def in_runs(named: Sequence[Representation]) -> bool:
    """Whether rows of some that follow each other are alike, and no groups of inputs are named."""
    rows = (r for r in named if not (r.groups or r.is_table))
    return any(alike_in_order(r.n_items, functools.partial(_rows_of, r)) for r in rows)


def _rows_of(r: Representation, items: Int[np.ndarray, " m"]) -> Float[np.ndarray, "m d"]:
    found: np.ndarray = to_numpy(float64(gather(r.matrix, items, 0)))
    return found


def chance_or_null(chance: Chance, null: Chance | None) -> Chance:
    """Return what was asked for, by its name or by the older one."""
    if null is None:
        return chance
    if chance != DEFAULT:
        raise InputError("chance and null are both given; null is the older name of chance, give chance alone")
    return null


def check_request(chance: Chance, permutations: int, groups: int) -> None:
    """Refuse a kind of chance level that there is not, and numbers that are none."""
    reference_of(chance)
    for name, count in (("permutations", permutations), ("groups", groups)):
        if said := wrong_number(name, count, most=MOST_DRAWN):
            raise InputError(said)


def _is_whole(value: object) -> bool:
    """Whether a value is a whole number, such as 1 or 1.0."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _told_apart(given: Sequence[Any], measures: Any) -> tuple[Any, Any]:
    """What stands without a word of its own: representations, and the measures where they stand last."""
    if len(given) > 1 and (asked := _asked(given[-1])):
        if measures is not None:
            raise InputError("measures are given twice; expected them last, or as measures=...")
        given, measures = given[:-1], asked
    return (given[0] if len(given) == 1 else given), "paper" if measures is None else measures


def _asked(last: Any) -> Any:
    """The measures that a last argument is, or nothing where it is a representation."""
    if isinstance(last, str | Configuration):
        return last
    if isinstance(last, Mapping | Representation) or hasattr(last, "shape") or not isinstance(last, Iterable):
        return None
    parts = list(last)
    return parts if all(isinstance(part, str | Configuration) for part in parts) else None


def named_representations(given: Any) -> list[Representation]:
    """Return representations, named by a mapping's keys, by themselves, or a, b, ... where none has a name."""
    if isinstance(given, str | Representation) or hasattr(given, "shape") or not isinstance(given, Iterable):
        raise InputError(f"one {type(given).__name__}; expected two or more to compare; {PASS_NAMES}")
    return _of_names(given) if isinstance(given, Mapping) else _of_list(list(given))


def of_one_order(named: Sequence[Representation], join: str = "exact") -> list[Representation]:
    """Return two or more representations with the rows of the same items, in one order."""
    if len(named) < 2:
        raise InputError(f"{len(named)} representation{'s' * (not named)}; need at least two to compare")
    found, _ = aligned(named, join)
    check_all_same_items(found)
    return found


def _of_names(given: Mapping[str, Any]) -> list[Representation]:
    return [
        r.changed(name=str(name)) if isinstance(r, Representation) else Representation(r, name=str(name))
        for name, r in given.items()
    ]


def _of_list(given: list[Any]) -> list[Representation]:
    bare = [not isinstance(r, Representation) for r in given]
    if any(bare):
        if not all(bare) or len(given) > len(string.ascii_lowercase) or any(isinstance(r, Mapping) for r in given):
            raise InputError(f"not all of the {len(given)} representations have names; {PASS_NAMES}")
        return _of_names(dict(zip(string.ascii_lowercase, given, strict=False)))
    names = [r.name for r in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two representations are called {twice[0]!r}; expected different names; {PASS_NAMES}")
    return given
