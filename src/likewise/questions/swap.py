"""Can a new embedder take the place of an old one? Of models, which are run, or of vectors that are at hand."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import InputError
from likewise.naming import slug
from likewise.plan import Experiment, Trusted, plan
from likewise.progress import Watch, unwatched
from likewise.prompts import DEFAULT_PROMPTS
from likewise.questions.rows import is_file_of_rows, rows_given, rows_of_record
from likewise.questions.through import run_whole
from likewise.questions.versions import entries_of
from likewise.representation import Representation
from likewise.run import Executor
from likewise.store import Store
from likewise.studies import Answer, Swap


def swap(
    old: Any,
    new: Any,
    *,
    queries: tuple[Any, Any] | None = None,
    data: Any = DEFAULT_PROMPTS,
    layer: str | int | float = "last",
    pooling: str | None = None,
    store: str | Path | None = None,
    executor: str | Executor = "serial",
    workers: int | None = None,
    device: Any = "cpu",
    batch_tokens: int | None = None,
    trust: Trusted = (),
    conditions: Sequence[str] = (),
    watch: Watch = unwatched,
    **asked: Any,
) -> Answer:
    """Return whether one embedder can take the place of another.

    Parameters
    ----------
    old, new : str, mapping, array, DataFrame or Representation
        Models: texts such as ``"gpt2"``, or mappings as in an experiment. Or vectors of the same items, or files of
        them, in one order or with ids.
    queries : (old, new), optional
        Vectors of queries by both embedders, where old and new are vectors; without, each item is a query against the
        others.
    data : str or mapping
        Of models: one data set, as in an experiment. Each prompt is a query against the others.
    layer, pooling
        Of models, as in an experiment; by default the last layer, and what each model says itself, else its last token.
    store : str or Path, optional
        Folder of the store, of models; ``runs/swap-NAME`` by default. Finished work is kept there.
    executor, workers, device, batch_tokens, trust
        As in `run`.
    conditions : sequence of str
        What the answer will be asked; what names a value that it cannot have is refused before anything is run.
    watch : callable
        Is told how far the work is.
    **asked
        As of `Swap`: ks, metric, p, enough, train, held_out, changed, join, seed.

    Returns
    -------
    Answer
        With ``values`` such as ``overlap@10``, ``overlap@10.low``, ``same_space``, ``mapped.recall@10``.

    Raises
    ------
    InputError
        If the items differ, there are too few, or an option is out of its range.
    LikewiseError
        If a model could not be run; what is finished is kept.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(300, 4))
    >>> swap(x, -x[:, ::-1]).values["same_space"]
    False
    """
    study = Swap(**asked)
    study.names().check(conditions)
    models = [_is_model(one) and not is_file_of_rows(one) for one in (old, new)]
    if not any(models):
        sides = [old, new, *(queries or ())]
        return study.answer([rows_given(one) if is_file_of_rows(one) else one for one in sides], watch)
    if not all(models):
        raise InputError("a model and vectors; expected models alone, or vectors alone")
    if queries is not None:
        raise InputError("queries are for vectors; of models, each prompt is a query against the others")
    experiment = swap_experiment(old, new, data=data, layer=layer, pooling=pooling)
    done = run_whole(
        experiment, store,
        executor=executor, workers=workers, device=device, batch_tokens=batch_tokens, trust=trust, watch=watch,
    )  # fmt: skip
    place = Store(done.store)
    (rows,) = rows_of_record(plan(experiment, place).record(), str(layer), place).values()
    return study.answer([_with_texts(r, place) for r in rows.values()], watch)


def swap_experiment(
    old: str | Mapping[str, Any],
    new: str | Mapping[str, Any],
    *,
    data: Any = DEFAULT_PROMPTS,
    layer: str | int | float = "last",
    pooling: str | None = None,
) -> Experiment:
    """Return the experiment that `swap` runs: both models on one data set, at one layer.

    Examples
    --------
    >>> asked = swap_experiment("gpt2", "new=me/gpt2")
    >>> asked.name, [m.name for m in asked.models]
    ('swap-gpt2', ['gpt2', 'new'])
    """
    models = entries_of([old, new])
    names = [str(model["name"]) for model in models]
    if names[0] == names[1]:
        raise InputError(f"both models are called {names[0]!r}; give one another name, as NAME=MODEL")
    return Experiment.asked(
        {
            "name": f"swap-{slug(names[0])}",
            "models": models,
            "datasets": [data],
            "representation": {"layers": [layer], **({"pooling": pooling} if pooling else {})},
            "measures": [],
        }
    )


def _is_model(given: Any) -> bool:
    return isinstance(given, str) or (isinstance(given, Mapping) and isinstance(given.get("model"), str))


def _with_texts(rows: Representation, store: Store) -> Representation:
    """The rows with the texts of their prompts, which the store keeps apart."""
    texts = store.prompts(rows.source, rows.ids)
    if not texts:
        return rows
    return rows.changed(source=dataclasses.replace(rows.source, texts=tuple(texts[name] for name in rows.ids)))
