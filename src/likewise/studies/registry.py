"""Studies by their names: those of this folder, and those of installed packages."""

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from likewise.errors import InputError
from likewise.plugins import Plugins
from likewise.scoring import Pairs, Results
from likewise.studies.answer import Answer
from likewise.studies.base import Study

INSTALLED = Plugins("likewise.studies", "study")
"""Studies that packages offer."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What the name of a study looks like."""


@functools.cache
def ours() -> dict[str, type[Study]]:
    """Return the studies of this folder by name, in the order of its files and folders: every `Study` of theirs."""
    found: dict[str, type[Study]] = {}
    package = __name__.rpartition(".")[0]
    for file in sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])):
        module = importlib.import_module(f"{package}.{file}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Study) and not inspect.isabstract(kind):
                here = f"{kind.__module__}.".startswith(f"{module.__name__}.")
                found |= {kind.name: kind} if here else {}
    return found


def study_names() -> tuple[str, ...]:
    """Return the names of all studies; loads nothing of other packages."""
    return tuple(INSTALLED.names(ours()))


def study_of(name: str) -> type[Study]:
    """Return the class of a study by its name; that of an installed package is loaded.

    Raises
    ------
    InputError
        If there is none, or its package stops with an error.

    Examples
    --------
    >>> study_of("overfitting").question
    'Overfitting: training inputs against held-out inputs'
    """
    return ours()[name] if name in ours() else _checked(name, INSTALLED.load(name, ours()))


def _checked(name: str, kind: Any) -> type[Study]:
    if not (isinstance(kind, type) and issubclass(kind, Study) and getattr(kind, "name", None) == name):
        raise InputError(f"study {name!r}: its package gives {kind!r}; expected a Study with that name")
    if not NAME.fullmatch(name) or not isinstance(getattr(kind, "question", None), str):
        raise InputError(f"study {name!r}: expected a name of letters, digits, - and _, and a question")
    return kind


def answers(results: Results, asked: Iterable[Study] = ()) -> tuple[dict[str, Answer], list[str]]:
    """Return what every study that needs scores says of a table, by the study's name, and what went wrong.

    Parameters
    ----------
    results : Results
        The long table.
    asked : iterable of Study
        Studies that are told more than they know by default; they stand for those of their names.

    Returns
    -------
    dict of str to Answer
        Of the studies that have an answer.
    list of str
        A line for each study of another package that stopped with an error: it must not take the others with it.

    Examples
    --------
    >>> import numpy as np
    >>> from likewise.scoring import compare
    >>> x, y, z = np.random.default_rng(0).normal(size=(3, 20, 4))
    >>> found, _ = answers(compare({"x": x, "y": y, "z": z}, ["cka", "jaccard"], permutations=0, groups=0))
    >>> [answer.question for answer in found.values()]
    ['Do measures agree?']
    """
    found: dict[str, Answer] = {}
    wrong: list[str] = []
    told = {study.name: study for study in asked}
    for name in study_names():
        if name in ours():
            said = _asked(told.get(name, ours()[name]), results)
        else:
            try:
                said = _asked(study_of(name), results)
            except InputError as error:
                wrong.append(str(error))
                continue
            except Exception as error:  # whatever a stranger's package does
                wrong.append(f"the study {name!r} of an installed package stopped: {type(error).__name__}: {error}")
                continue
        if said is not None:
            found[name] = said
    return found, wrong


def _asked(kind: type[Study] | Study, results: Results) -> Answer | None:
    if kind.needs != "scores":
        return None
    study = kind if isinstance(kind, Study) else kind()
    given = scores_of(results, study.pairs)
    said = study.answer(given) if len(given) else None
    if not isinstance(said, Answer | None):
        raise InputError(f"study {kind.name!r}: expected an Answer or None, got {said!r}")
    return said


def scores_of(results: Results, pairs: Pairs) -> Results:
    """Return the rows of the pairs that are wanted among the representations of each data set.

    Examples
    --------
    >>> import numpy as np
    >>> from likewise.scoring import compare
    >>> x, y, z = np.random.default_rng(0).normal(size=(3, 20, 4))
    >>> table = compare({"x": x, "y": y, "z": z}, "cka", permutations=0, groups=0)
    >>> [(row.a, row.b) for row in scores_of(table, Pairs.read("chain"))]
    [('x', 'y'), ('y', 'z')]
    """
    if pairs.kind == "all":
        return results
    datasets, firsts, seconds = (results.table.column(name).to_pylist() for name in ("dataset", "a", "b"))
    # Names in the order of the representations: each stands first in a pair before it stands second, but the last.
    names: dict[str, dict[str, None]] = {}
    for dataset, a, b in zip(datasets, firsts, seconds, strict=True):
        names.setdefault(dataset, {}).update({a: None, b: None})
    wanted = {}
    for dataset, known in names.items():
        order = list(known)
        chosen = np.argwhere(pairs.wanted(order))
        wanted[dataset] = {frozenset((order[i], order[j])) for i, j in chosen}
    kept = np.asarray(
        [frozenset((a, b)) in wanted[d] for d, a, b in zip(datasets, firsts, seconds, strict=True)], dtype=bool
    )
    places = np.flatnonzero(kept)
    replicates = {kind: column.take(places) for kind, column in results.kept.items()}
    return Results(results.table.take(places), asked=results.asked, replicates=replicates)
