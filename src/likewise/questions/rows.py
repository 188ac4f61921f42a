"""Rows for a question: of models, run once and kept in a store, or of files."""

import dataclasses
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from likewise.chance import IN_FILES, IN_STRETCHES, RowsInRuns
from likewise.errors import InputError, LikewiseError
from likewise.naming import depth_of, model_of, slug
from likewise.plan import Experiment, model_written, plan, rows_left_out
from likewise.progress import Watch, unwatched
from likewise.representation import Representation
from likewise.run import run
from likewise.scoring import Results, compare
from likewise.scoring.compare import in_runs
from likewise.store import Store, read_file
from likewise.store.files import SUFFIXES
from likewise.studies import Answer, Ladder, Track

At = tuple[str, str]
"""A data set and a layer as it was asked for."""


@dataclass(frozen=True)
class Asked:
    """What models are run on, and how.

    Parameters
    ----------
    datasets : tuple of (str or mapping)
        As in an experiment.
    layers : tuple of str
        Each stands for one layer in every model.
    pooling : str
        The same for all models.
    device, batch_tokens
        As of a run.
    """

    datasets: tuple[Any, ...]
    layers: tuple[str, ...]
    pooling: str
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    batch_tokens: int | None = None

    def experiment(self, name: str, models: Iterable[Any], layers: Sequence[str]) -> Experiment:
        """Return the experiment of some models at some of the layers."""
        return Experiment.asked(
            {
                "name": name,
                "models": list(models),
                "datasets": list(self.datasets),
                "representation": {"layers": list(layers), "pooling": self.pooling},
                "measures": [],
            }
        )


def is_file_of_rows(given: object) -> bool:
    """Whether this names a file with rows, and no model; a text may be ``NAME=PATH``.

    Raises
    ------
    InputError
        If it is called like such a file, and there is none.
    """
    if not isinstance(given, str | Path):
        return False
    _, path = _named_path(given)
    if path.suffix not in SUFFIXES:
        return False
    if not os.path.lexists(path):
        raise InputError(f"there is no file {path}")
    return path.is_file()


def _named_path(given: str | Path) -> tuple[str, Path]:
    name, equals, path = str(given).partition("=")
    return ("", Path(given)) if not equals or os.path.lexists(given) else (name, Path(path))


def entry_of(given: Any) -> dict[str, Any]:
    """Return a model as an experiment has it, from that or from ``[NAME=]MODEL[:VARIANT]``.

    Examples
    --------
    >>> entry_of("gpt2:prune(fraction=0.5)"), entry_of("gpt2")
    ({'model': 'gpt2', 'variant': 'prune(fraction=0.5)'}, {'model': 'gpt2'})
    """
    return dict(given) if isinstance(given, Mapping) else model_written(str(given))


def rows_given(given: Any) -> Representation:
    """Return the rows of a file, of an array, or as they are."""
    if isinstance(given, Representation):
        return given
    if isinstance(given, str | Path):
        name, path = _named_path(given)
        read = read_file(path)
        return read.changed(name=name) if name else read
    return Representation(given)


def named_rows(given: Any) -> Any:
    """Return files of rows as a mapping of their names to rows, where that is what is given."""
    listed = [given] if isinstance(given, str | Path) else given
    files = list(map(is_file_of_rows, listed)) if isinstance(listed, list | tuple) else []
    if not any(files):
        return given
    if not all(files):
        raise InputError(
            f"{listed[files.index(True)]} is a file of rows, and {listed[files.index(False)]} is none; expected models "
            "alone, or rows alone"
        )
    found = [rows_given(one) for one in listed]
    names = [r.name for r in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two of the files are called {twice!r}; give one another name, as NAME=FILE")
    return dict(zip(names, found, strict=True))


def rows_of_models(
    role: str, models: Sequence[Any], asked: Asked, store: Store, watch: Watch = unwatched
) -> dict[At, dict[str, Representation]]:
    """Run models where the store has not their rows, and return them by place and by the name of the model.

    The store keeps an experiment for each layer, called by the role and the layer: so `kept_rows` finds the rows when
    the models are gone.
    """
    entries = [entry_of(m) for m in models]
    done = run(
        asked.experiment(role, entries, asked.layers),
        store.files.address,
        device=asked.device,
        batch_tokens=asked.batch_tokens,
        watch=watch,
    )
    if done.failed:
        raise LikewiseError("; ".join(f"{o.task.label}: {o.error}" for o in done.failed))
    found: dict[At, dict[str, Representation]] = {}
    for layer in asked.layers:
        experiment = asked.experiment(_experiment_name(role, layer), entries, [layer])
        record = plan(experiment, store).record()
        store.save_experiment(experiment.name, record)
        found |= {(dataset, layer): rows for dataset, rows in rows_of_record(record, layer, store).items()}
    return found


def kept_rows(role: str, asked: Asked, store: Store) -> dict[At, dict[str, Representation]]:
    """Return rows that `rows_of_models` left in a store, by place and by the name of the model.

    Raises
    ------
    InputError
        If the store has none of that role at a layer, or they were pooled in another way.
    """
    experiments = store.experiments()
    known = [name for name in experiments if name.startswith(f"{role}-")]
    found: dict[At, dict[str, Representation]] = {}
    for layer in asked.layers:
        name = _experiment_name(role, layer)
        if name not in experiments:
            parts = [Experiment.stored(experiments[n]["experiment"]).representation for n in known]
            has = sorted({part.layers[0] for part in parts if len(part.layers) == 1}, key=depth_of)
            raise InputError(
                f"{store} keeps no {role} at layer {layer}; "
                + (f"it has layers {', '.join(has)}: name them with --layer" if has else f"it keeps no {role} at all")
            )
        pooling = Experiment.stored(experiments[name]["experiment"]).representation.pooling
        wanted = asked.experiment(name, [{"model": "any"}], [layer]).representation.pooling
        if pooling != wanted:
            raise InputError(f"the {role} in {store} has the pooling {pooling}; expected {wanted}")
        found |= {(dataset, layer): rows for dataset, rows in rows_of_record(experiments[name], layer, store).items()}
    return found


def rows_of_record(record: Mapping[str, Any], layer: str, store: Store) -> dict[str, dict[str, Representation]]:
    """Return the rows of an experiment at one layer by data set and model, without spans that one of them lacks."""
    found: dict[str, dict[str, Representation]] = {}
    for dataset in dict.fromkeys(r["dataset"] for r in record["representations"]):
        here = {r["name"]: r["key"] for r in record["representations"] if r["dataset"] == dataset}
        left_out = rows_left_out(store, here.values())
        rows: dict[str, Representation] = {}
        for name, key in here.items():
            if (model := model_of(name)) in rows:
                raise InputError(f"layer {layer} stands for several layers of {model}; expected one, such as 0.333")
            rows[model] = store.load_representation(key, model).without(left_out)
        found[dataset] = rows
    return found


def _experiment_name(role: str, layer: str) -> str:
    return f"{role}-{slug(layer) if not re.fullmatch(r'[A-Za-z0-9._-]+', layer) else layer}"[:100]


def answered(study: Ladder | Track, results: Results) -> Answer:
    """Return the answer of a study of scores that has what it asks about."""
    answer = study.answer(results)
    assert answer is not None
    return answer


def of_rows(study: Ladder | Track, named: Sequence[Representation], measure: str, seed: int, watch: Watch) -> Answer:
    """Return the answer of a study of scores, from rows that are given; it says where these come in runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RowsInRuns)  # it is said below
        results = compare(named, [measure], pairs=study.wanted, permutations=0, rng=seed, watch=watch)
    answer = answered(study, results)
    told = (IN_STRETCHES + IN_FILES + ".",) if in_runs(named) else ()
    return dataclasses.replace(answer, limits=(*answer.limits, *told))
