"""How do the insides move over checkpoints, seeds, sizes? Of models, which are run, or of rows that are at hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import InputError
from likewise.fields import SEED, TRACK_TOLERANCE
from likewise.naming import depth_of, did_you_mean, name_of, parts_of, slug
from likewise.plan import Experiment, Trusted
from likewise.progress import Watch, unwatched
from likewise.prompts import DEFAULT_PROMPTS
from likewise.questions.rows import answered, named_rows, of_rows, rows_given
from likewise.questions.through import run_through
from likewise.questions.versions import RUNS, entries_of, numbers_in, read_numbers
from likewise.representation import Representation
from likewise.run import Executor
from likewise.studies import Answer, Point, Track

LAYERS = ("0.33", "0.67", "last")
"""At a third and two thirds of the depth, and the last."""

MEASURE = "cka(debiased=True)"
"""0 where two versions share nothing, 1 where they are the same but for rotation and scale, however few the inputs."""

Numbers = Mapping[str, Mapping[str, Any]] | str | Path | None


def track(
    models: Sequence[str | Mapping[str, Any]] | Mapping[str, Any],
    *,
    data: Any = DEFAULT_PROMPTS,
    numbers: Numbers = None,
    at: str | None = None,
    layers: Sequence[str | int | float] = LAYERS,
    pooling: str | None = None,
    measure: str = MEASURE,
    tolerance: float = TRACK_TOLERANCE,
    store: str | Path | None = None,
    executor: str | Executor = "serial",
    workers: int | None = None,
    device: Any = "cpu",
    batch_tokens: int | None = None,
    trust: Trusted = (),
    seed: int = SEED,
    conditions: Sequence[str] = (),
    watch: Watch = unwatched,
) -> Answer:
    """Return how the insides of a model move: where most, from where on hardly, by layer, and with which numbers.

    Parameters
    ----------
    models : sequence of str or mapping, or mapping of str to rows
        The versions: ``"MODEL@REVISION"``, folders, or mappings as in an experiment. Or rows by name: a matrix, a
        `Representation`, or a mapping of these by layer; ``NAME @ LAYER`` is one layer. Or files of rows.
    data : str or mapping
        One data set, as in an experiment.
    numbers : mapping of str to mapping, or path of a CSV file, optional
        What is known of each version by its name: ``{"checkpoint-500": {"step": 500, "accuracy": 0.31}}``. ``run`` or
        ``seed`` say which run it belongs to. By default the step is read from the name.
    at : str, optional
        The number that puts versions in order: ``step`` by default, else the first one.
    layers, pooling
        As in an experiment; of rows all layers are taken.
    measure : str
        One measure.
    tolerance : float
        How far from identical a version may be that is settled.
    store : str or Path, optional
        Folder of the store; ``runs/track-NAME`` by default. Finished work is kept there, also for more checkpoints.
    executor, workers, device, batch_tokens, trust
        As in `run`.
    seed : int
        Of relabellings and draws.
    conditions : sequence of str
        What the answer will be asked; what names a value that it cannot have is refused before anything is run.
    watch : callable
        Is told the progress.

    Returns
    -------
    Answer
        Its values are of the last layer: ``from``, ``to``, ``value``, ``low``, ``high`` of the stretch that moves
        most, ``settled``, ``settled_from``, and ``first_last.value``; of each layer ``layer.NAME.value`` and so on,
        ``layer.NAME.NUMBER.rho`` and ``.p``.

    Raises
    ------
    InputError
        If the request cannot be understood.
    LikewiseError
        If a model could not be run; what is finished is kept.

    Notes
    -----
    Cost: each version is run once; k versions and l layers give l k (k - 1) / 2 scores.

    Examples
    --------
    >>> import numpy as np
    >>> start, end = np.random.default_rng(0).normal(size=(2, 60, 8))
    >>> rows = {f"step-{s}": start + min(s / 400, 1) * (end - start) for s in (0, 100, 200, 400, 800)}
    >>> answer = track(rows)
    >>> answer.values["from"], answer.values["to"], answer.values["settled_from"]
    (200.0, 400.0, 400.0)
    """
    known = read_numbers(numbers) if isinstance(numbers, str | Path) else numbers
    models = named_rows(models)
    if isinstance(models, Mapping) and "model" not in models:
        named = _rows(models)
        names = list(dict.fromkeys(parts_of(r.name)[0] for r in named))
        study = _study(names, [(name,) for name in names], known, at, tolerance, seed)
        study.names().check(conditions)
        order = {point.model: k for k, point in enumerate(study.points)}
        named.sort(key=lambda r: order[parts_of(r.name)[0]])
        return of_rows(study, named, measure, seed, watch)
    if isinstance(models, str | Mapping):
        raise InputError("one model; expected a list of versions")
    entries = entries_of(models)
    called = [
        (str(e["name"]), *([given] if isinstance(given, str) else []), e["model"], e.get("revision"))
        for e, given in zip(entries, models, strict=True)
    ]
    study = _study([e["name"] for e in entries], called, known, at, tolerance, seed)
    study.names().check(conditions)
    experiment = track_experiment(entries, study, data=data, layers=layers, measure=measure, pooling=pooling, seed=seed)
    results = run_through(
        experiment, store,
        executor=executor, workers=workers, device=device, batch_tokens=batch_tokens, trust=trust, watch=watch,
    )  # fmt: skip
    return answered(study, results)


def track_experiment(
    entries: Sequence[Mapping[str, Any]],
    study: Track,
    *,
    data: Any = DEFAULT_PROMPTS,
    layers: Sequence[str | int | float] = LAYERS,
    measure: str = MEASURE,
    pooling: str | None = None,
    seed: int = SEED,
) -> Experiment:
    """Return the experiment that `track` runs: the versions in the order of their numbers, all pairs at one layer."""
    by_name = {str(entry["name"]): dict(entry) for entry in entries}
    return Experiment.asked(
        {
            "name": f"track-{slug(Path(str(entries[0]['model'])).name)}",
            "models": [by_name[point.model] for point in study.points],
            "datasets": [data],
            "representation": {"layers": list(layers), **({"pooling": pooling} if pooling else {})},
            "measures": [measure],
            "pairs": study.wanted,
            "statistics": {"permutations": 0, "seed": seed},
        }
    )


def _study(
    names: Sequence[str],
    called: Sequence[Sequence[str | None]],
    known: Mapping[str, Mapping[str, Any]] | None,
    at: str | None,
    tolerance: float,
    seed: int,
) -> Track:
    """The study of versions: in the order of their numbers."""
    if len(names) < 2:
        raise InputError(f"{len(names)} version; expected two or more")
    points = []
    if known is None:
        column, numbers = numbers_in([str(texts[-1] or texts[0]).rstrip("/").rpartition("/")[2] for texts in called])
        if at not in (None, column):
            raise InputError(f"there is no number {at!r}; {did_you_mean(str(at), [column])}")
        points = [Point(name, {column: number}) for name, number in zip(names, numbers, strict=True)]
    else:
        for name, texts in zip(names, called, strict=True):
            row = next((known[text] for text in texts if text is not None and text in known), None)
            if row is None:
                raise InputError(f"the numbers have no {name!r}; {did_you_mean(name, known)}")
            run = next((str(row[column]) for column in RUNS if column in row), "")
            try:
                points.append(Point(name, {k: float(v) for k, v in row.items() if k not in RUNS}, run))
            except (TypeError, ValueError) as error:
                raise InputError(f"the numbers of {name!r}: expected numbers by name, got {str(row)[:80]}") from error
        if not points[0].numbers:
            raise InputError("the numbers have no column but names and runs; expected one or more, such as step")
        column = at or ("step" if "step" in points[0].numbers else next(iter(points[0].numbers)))
    study = Track(tuple(points), column, tolerance, seed)
    ordered = tuple(sorted(study.points, key=lambda point: (point.run, point.numbers[column])))
    return Track(ordered, column, tolerance, seed)


def _rows(models: Mapping[str, Any]) -> list[Representation]:
    """Rows by the names of versions, and of their layers."""
    found = []
    for name, given in models.items():
        layers = given if isinstance(given, Mapping) else {"": given}
        for layer, rows in layers.items():
            called = name_of(str(name), str(layer)) if layer != "" else str(name)
            whole = (
                rows_given(rows) if isinstance(rows, str | Path | Representation) else Representation(rows, name=called)
            )
            found.append(whole.changed(name=called))
    having: dict[str, set[str]] = {}
    for r in found:
        model, _, layer = parts_of(r.name)
        having.setdefault(model, set()).add(layer)
    every = sorted(set().union(*having.values()), key=depth_of)
    for model, has in having.items():
        if lacking := [layer for layer in every if layer not in has]:
            raise InputError(
                f"{model} has no rows of the layer {lacking[0]}, which others have; expected the same layers of each"
            )
    return found
