"""What may run code of others: loaded and allowed because the caller says so, whatever an experiment asks for."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from likewise.errors import InputError
from likewise.measures import load_measures, load_measures_of
from likewise.plan.experiment import Experiment

Trusted: TypeAlias = bool | str | Path | Iterable[str | Path]
"""What a caller trusts: experiments (``.yaml``), files of measures (``.py``), names of installed modules; or True, for
all that the experiment at hand names."""

EXPERIMENTS = (".yaml", ".yml")
"""Endings of files of experiments."""


def load_trusted(trust: Trusted) -> None:
    """Load the measures of one's own in what a caller trusts; of an experiment, those in files beside it.

    Raises
    ------
    InputError
        If something of it is not there, or stops with an error.
    """
    for item in _items(trust):
        if _is_experiment(item):
            load_measures_of(Path(item), Experiment.read(item).measures)
        else:
            load_measures(item)


def read_experiment(
    experiment: Experiment | Mapping[str, Any] | str | Path, trust: Trusted = (), *, to_run: bool = False
) -> Experiment:
    """Return an experiment, whichever way it was given, with its own measures loaded where the caller trusts them.

    Parameters
    ----------
    experiment : Experiment, mapping, or path of a YAML file
        What to do.
    trust : bool, str, Path or iterable of them
        What may run code of others. An experiment is trusted with all that it names; its measures of one's own are
        then run out of files beside it.
    to_run : bool
        Refuse what must be trusted to be run, and is not.

    Raises
    ------
    InputError
        If it cannot be understood, or needs to be trusted.
    """
    if isinstance(experiment, Experiment):
        asked, path = experiment, None
    elif isinstance(experiment, Mapping):
        asked, path = Experiment.of(experiment), None
    else:
        path = Path(experiment)
        asked = Experiment.read(path)
    load_trusted(trust)
    whole = trust is True or any(_is_experiment(item) and _same(item, path) for item in _items(trust))
    if whole and path is not None:
        load_measures_of(path, asked.measures)
    if to_run and not whole and (risks := risks_of(asked)):
        given = f"--trust {path}" if path is not None else "trust=True"
        raise InputError("\n".join([*risks, f"read the experiment first; to trust it: {given}"]))
    return asked


def risks_of(experiment: Experiment) -> list[str]:
    """Return what of an experiment needs to be trusted before it is run, besides measures of one's own."""
    keys = {
        "remote_code": "runs Python code out of the model's repository",
        "pickled_weights": "reads pickles, files that can be made to run code",
    }
    return [
        f"{model.name}: {key}: true {what}"
        for model in experiment.models
        for key, what in keys.items()
        if getattr(model, key)
    ]


def _items(trust: Trusted) -> list[str | Path]:
    if isinstance(trust, bool):
        return []
    return [trust] if isinstance(trust, str | Path) else list(trust)


def _is_experiment(item: str | Path) -> bool:
    return Path(item).suffix.lower() in EXPERIMENTS


def _same(item: str | Path, path: Path | None) -> bool:
    return path is not None and Path(item).exists() and path.exists() and path.samefile(item)
