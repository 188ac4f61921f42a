"""Did the copies change inside? Of models, which are run, or of rows that somebody else made."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.models.layers import OUTPUTS
from likewise.naming import name_of, slug
from likewise.plan import Experiment, Trusted, model_written, plan
from likewise.plan.entries import ModelEntry
from likewise.progress import Watch, unwatched
from likewise.prompts import DEFAULT_PROMPTS
from likewise.questions.rows import is_file_of_rows, named_rows, rows_given
from likewise.questions.through import run_whole
from likewise.questions.versions import told_apart
from likewise.representation import Representation, aligned
from likewise.run import Executor
from likewise.store import Store
from likewise.studies import Answer, Audit

FLOOR = ("bfloat16", "rerun")
"""Numeric noise: the base in another precision, and in other batches."""

Model: TypeAlias = str | Mapping[str, Any]
"""A text, as the command line has it, or a mapping, as an experiment has it."""

Rows: TypeAlias = Any
"""A matrix or `Representation` of one layer, or a mapping of these by layer."""


def audit(
    base: Model | Rows,
    copies: Model | Sequence[Model] | Mapping[str, Rows],
    *,
    data: Any = DEFAULT_PROMPTS,
    layers: Sequence[str | int | float] = ("all",),
    pooling: str | None = None,
    floor: Sequence[str] | Mapping[str, Rows] = FLOOR,
    store: str | Path | None = None,
    executor: str | Executor = "serial",
    workers: int | None = None,
    device: Any = "cpu",
    batch_tokens: int | None = None,
    trust: Trusted = (),
    count: int = 5,
    seed: int = 0,
    conditions: Sequence[str] = (),
    watch: Watch = unwatched,
) -> Answer:
    """Return which copies of a model moved beyond numeric noise, by how much, from which layer on, on which prompts.

    Parameters
    ----------
    base : str, mapping, or rows
        The model: a text such as ``"smollm2-135m-instruct"``, or a mapping as in an experiment. Or its rows: a matrix,
        a `Representation`, or a mapping of these by layer.
    copies : str, mapping, list of these, or mapping of str to rows
        Copies of it: ``"MODEL"``, ``"MODEL:VARIANT"`` or ``"NAME=MODEL:VARIANT"``. Of rows, those of each by name, or
        files of them.
    data : str or mapping
        One data set, as in an experiment.
    layers : sequence of str
        All by default: a model gives them in one pass.
    pooling : str, optional
        As in an experiment; by default what each model says itself, else its last token. Of a mean, take
        ``"mean(skip=1)"``; massive features are left out of it.
    floor : sequence of str, or mapping of str to rows
        What is run again: precisions, and ``"rerun"``. Of rows, those of the base that was run again, by name.
    store : str or Path, optional
        Folder of the store; ``runs/audit-NAME`` by default. Finished work is kept there, also for other copies.
    executor, workers, device, batch_tokens, trust
        As in `run`.
    count : int
        Prompts that are shown of each copy that moved.
    seed : int
        Of the draws behind the intervals.
    conditions : sequence of str
        What the answer will be asked; what names a value that it cannot have is refused before anything is run.
    watch : callable
        Is told the progress.

    Returns
    -------
    Answer
        Its values: ``moved``, and of each copy ``NAME.moved``, ``NAME.times_floor``, ``NAME.low``, ``NAME.high``,
        ``NAME.first_layer`` and ``NAME.error``; of several, ``nearest`` and ``nearest_told_apart``.

    Raises
    ------
    InputError
        If the request cannot be understood, or the rows are not of copies of one model.
    LikewiseError
        If a model could not be run; what is finished is kept.

    Notes
    -----
    Memory: the rows of one layer of all models. On disk: 4 bytes for each prompt, feature and layer of each model: 21
    MB for 300 prompts and all layers of a model with 30 blocks of 576 features, 160 MB for one of 7B.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(50, 8))
    >>> def noisy(sd):
    ...     return x + sd * rng.normal(size=x.shape)
    >>> answer = audit(x, {"8 bits": noisy(0.1)}, floor={"base again": noisy(0.01)})
    >>> answer.values["moved"], 9 < answer.values["8 bits.times_floor"] < 12
    (True, True)
    """
    if is_file_of_rows(base):
        base = rows_given(base)
    if not isinstance(base, str) and not _is_model(base):
        return _of_rows(base, named_rows(copies), named_rows(floor), count, seed, conditions)
    asked = _Asked.of(base, copies, floor)
    study = Audit(asked.base.name, asked.floors, count, seed)
    study.names(list(asked.copies), bool(set(layers) & set(OUTPUTS))).check(conditions)
    experiment = asked.experiment(data, layers, pooling)
    done = run_whole(
        experiment, store,
        executor=executor, workers=workers, device=device, batch_tokens=batch_tokens, trust=trust, watch=watch,
    )  # fmt: skip
    place = Store(done.store)
    of_models = _stored(experiment, place)
    given: dict[str, Mapping[str, Representation]] = {name: of_models[name] for name in asked.floor_and_base}
    given |= {name: of_models[stands] for name, stands in asked.copies.items()}
    first = of_models[asked.base.name][next(iter(of_models[asked.base.name]))]
    answer = study.answer(given, place.prompts(first.source, first.ids))
    same = [name for name, stands in asked.copies.items() if name != stands]
    taken = (f"{name} has the files of {asked.copies[name]}, whose rows were taken" for name in same)
    return dataclasses.replace(answer, limits=(*answer.limits, *taken))


def audit_experiment(
    base: Model,
    copies: Model | Sequence[Model],
    *,
    data: Any = DEFAULT_PROMPTS,
    layers: Sequence[str | int | float] = ("all",),
    pooling: str | None = None,
    floor: Sequence[str] = FLOOR,
) -> Experiment:
    """Return the experiment that `audit` runs: the base with its floor, and each copy that is not the same model.

    Examples
    --------
    >>> asked = audit_experiment("gpt2", ["gpt2:quantize(bits=8)", "tuned=my/gpt2"])
    >>> [m.name for m in asked.models]
    ['gpt2', 'gpt2 in bfloat16', 'gpt2 run again', 'quantize(bits=8)', 'tuned']
    """
    return _Asked.of(base, copies, floor).experiment(data, layers, pooling)


@dataclass(frozen=True)
class _Asked:
    """The models of an audit: the base with its floor, those that are run, and for each copy the one it stands for."""

    base: ModelEntry
    floors: tuple[str, ...]
    run: tuple[ModelEntry, ...]
    copies: Mapping[str, str]

    @property
    def floor_and_base(self) -> tuple[str, ...]:
        return self.base.name, *self.floors

    @classmethod
    def of(cls, base: Model, copies: Any, floor: Any) -> "_Asked":
        if isinstance(floor, Mapping):
            raise InputError("a floor of rows for a model that is run; expected precisions and rerun")
        kinds = [floor] if isinstance(floor, str) else list(floor)
        if not kinds:
            raise InputError(f"no floor, so nothing to set a change beside; expected {' and '.join(FLOOR)}, or one")
        own = _entry(base)
        first, *again = _entries([{**own, "floor": kinds}])
        several = [copies] if isinstance(copies, str) or _is_model(copies) else list(copies)
        if not several or (isinstance(copies, Mapping) and not _is_model(copies)):
            raise InputError(f"copies of the model {first.name}: expected one or more models, got {str(copies)[:80]!r}")
        entries = _entries([_named(_entry(copy), own) for copy in several])
        if twice := [n for n, k in Counter([first.name, *(m.name for m in (*again, *entries))]).items() if k > 1]:
            raise InputError(f"two of the models are called {twice[0]!r}; give one another name, as NAME=MODEL")
        _check_widths([first, *entries])
        known = {told_apart(m): m.name for m in (first, *again)}
        stands, run = {}, [first, *again]
        for entry in entries:
            stands[entry.name] = known.setdefault(told_apart(entry), entry.name)
            run += [entry] if stands[entry.name] == entry.name else []
        return cls(first, tuple(m.name for m in again), tuple(run), stands)

    def experiment(self, data: Any, layers: Sequence[str | int | float], pooling: str | None) -> Experiment:
        """Return the experiment as one would write it."""
        return Experiment.asked(
            {
                "name": f"audit-{slug(self.base.name)}",
                "models": self.run,
                "datasets": [data],
                "representation": {"layers": list(layers), **({"pooling": pooling} if pooling else {})},
                "measures": [],  # the study reads rows; who wants scores too adds measures, and nothing runs again
                "pairs": {"base": self.base.name, "same_layer": True},
                "statistics": {"chance": "none", "permutations": 0},
            }
        )


def _is_model(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("model"), str)


def _entry(model: Model) -> dict[str, Any]:
    if isinstance(model, str):
        return model_written(model)
    if not _is_model(model):
        raise InputError(f"a model: expected a text, or a mapping with the key model, got {str(model)[:80]!r}")
    return dict(model)


def _named(copy: dict[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with a name: of the base itself, its variant says all."""
    if "name" in copy:
        return copy
    variant = copy.get("variant")
    if isinstance(variant, str) and copy["model"] == base["model"]:
        return {"name": variant.strip(), **copy}
    named = _entries([copy])[0].name
    return {"name": f"copy of {named}" if copy == base else named, **copy}


def _entries(models: Sequence[Mapping[str, Any]]) -> list[ModelEntry]:
    """The entries of an experiment, as it reads them."""
    read = Experiment.asked({"name": "audit", "models": list(models), "datasets": [DEFAULT_PROMPTS]})
    return list(read.models)


def _check_widths(models: Sequence[ModelEntry]) -> None:
    """Refuse what cannot be a copy before anything is run, where the sizes are known without a network."""
    first, *others = ((m.name, (m.spec.size() or {}).get("width")) for m in models)
    for name, width in others:
        if width is not None and first[1] is not None and width != first[1]:
            raise InputError(
                f"{name} has {width:,} features, and {first[0]} has {first[1]:,}; expected copies of one model, which "
                "have the same ones"
            )


class _Stored(Mapping[str, Representation]):
    """The rows of a model by layer, each read from the store when it is asked for."""

    def __init__(self, store: Store, name: str, keys: Mapping[str, str]) -> None:
        self._store, self._name, self._keys = store, name, keys

    def __getitem__(self, layer: str) -> Representation:
        return self._store.load_representation(self._keys[layer], self._name)

    def __contains__(self, layer: object) -> bool:
        return layer in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _stored(experiment: Experiment, store: Store) -> dict[str, _Stored]:
    """The rows of every model of an experiment with one data set."""
    planned = plan(experiment, store).datasets[0]
    by_name = {w.name: w for w in planned.wanted}
    layers = dict.fromkeys(w.layer for w in planned.wanted)
    found = {}
    for model in experiment.models:
        keys = {layer: by_name[name].key for layer in layers if (name := name_of(model.name, layer)) in by_name}
        if not keys:
            raise InputError(f"{planned.name} is given in several formats; an audit takes one")
        found[model.name] = _Stored(store, model.name, keys)
    return found


def _of_rows(base: Rows, copies: Any, floor: Any, count: int, seed: int, conditions: Sequence[str]) -> Answer:
    """The answer for rows of the base, of its re-runs and of copies, that somebody else made."""
    if not isinstance(copies, Mapping) or not copies or not isinstance(floor, Mapping) or not floor:
        raise InputError(
            "an audit of rows: expected copies={name: rows} and floor={name: rows} of the base that was run again"
        )
    called = base.name if isinstance(base, Representation) and base.name not in ("", Representation.name) else "base"
    if twice := {called}.intersection([*copies, *floor]) or set(copies).intersection(floor):
        raise InputError(f"two of the rows are called {min(twice)!r}; expected other names, and {called} for the base")
    study = Audit(called, tuple(map(str, floor)), count, seed)
    study.names(list(map(str, copies))).check(conditions)
    models = {called: _by_layer(base), **{n: _by_layer(r) for n, r in floor.items()}}
    models |= {name: _by_layer(rows) for name, rows in copies.items()}
    for layer in models[called]:
        there = [name for name, rows in models.items() if layer in rows]
        named = [models[name][layer].changed(name=str(name)) for name in there]
        for name, rows in zip(there, aligned(named)[0], strict=True):
            models[name][layer] = rows
    texts: dict[str, str | None] = {}
    for rows in (rows for of in models.values() for rows in of.values() if rows.source.texts):
        texts = texts or dict(zip(rows.ids, rows.source.texts, strict=True))
    return study.answer(models, texts)


def _by_layer(rows: Rows) -> dict[str, Representation]:
    if not isinstance(rows, Mapping):
        rows = {"rows": rows}
    return {str(k): rows_given(r) for k, r in rows.items()}
