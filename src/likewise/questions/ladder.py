"""How much damage does a score stand for? Copies of a model are made and kept, and scores are placed among them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likewise.errors import InputError
from likewise.fields import SEED
from likewise.measures import Configuration
from likewise.models import canonical_variant
from likewise.naming import AT, GIVEN, did_you_mean, name_of, parts_of, slug
from likewise.plan import Experiment, Trusted, results_of
from likewise.progress import Watch, unwatched
from likewise.prompts import DEFAULT_PROMPTS
from likewise.questions.rows import answered, of_rows
from likewise.questions.through import run_through
from likewise.questions.track import MEASURE
from likewise.questions.versions import entries_of, told_apart
from likewise.representation import Representation
from likewise.run import Executor
from likewise.scoring import Comparison, Results
from likewise.store import Store
from likewise.studies import RUNGS, Answer, Ladder, Rung, Score


def ladder(
    model: str | Mapping[str, Any] | Any,
    copies: Sequence[str | Mapping[str, Any]] | Mapping[str, Any] = (),
    *,
    score: float | tuple[float, float, float] | None = None,
    of: str | Path | None = None,
    rungs: Sequence[str] | Mapping[str, Any] = RUNGS,
    data: Any = DEFAULT_PROMPTS,
    layers: Sequence[str | int | float] = ("last",),
    pooling: str | None = None,
    measure: str = MEASURE,
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
    """Return the scores of a model with its own damaged copies, and how much damage other scores stand for.

    Parameters
    ----------
    model : str, mapping, or rows
        The model, as in an experiment; or its rows, a matrix or a `Representation`.
    copies : sequence of str or mapping, or mapping of str to rows
        What is run and placed; each is told from each rung by a paired test on the same inputs.
    score : float or (value, low, high), optional
        A score with the model that is placed, with its interval: of the same measure, layer, and inputs.
    of : str or Path, optional
        ``STORE/EXPERIMENT``: all scores there with this model, on the same prompts and layer, by the same measure.
    rungs : sequence of str, or mapping of str to rows
        The copies that make the ladder, such as ``"prune(fraction=0.3)"``; of rows, those of each.
    data : str or mapping
        One data set, as in an experiment.
    layers, pooling
        As in an experiment; the last layer by default.
    measure : str
        One measure.
    store : str or Path, optional
        Folder of the store; ``runs/ladder-NAME`` by default. The ladder is kept there: what is placed later costs only
        its own run.
    executor, workers, device, batch_tokens, trust
        As in `run`.
    seed : int
        Of the groups of inputs behind intervals.
    conditions : sequence of str
        What the answer will be asked; what names a value that it cannot have is refused before anything is run.
    watch : callable
        Is told the progress.

    Returns
    -------
    Answer
        Its values: ``ordered``, and of each thing and kind of damage ``NAME.prune.from`` and ``.to``, the rungs that it
        stands between, ``.low`` and ``.high``, those that it stands between for sure; without NAME where it is alone.

    Raises
    ------
    InputError
        If the request cannot be understood.
    LikewiseError
        If a model could not be run; what is finished is kept.

    Examples
    --------
    >>> import numpy as np
    >>> base, noise, other = np.random.default_rng(0).normal(size=(3, 80, 6))
    >>> rungs = {f"noise(sd={sd})": base + sd * noise for sd in (0.1, 0.2, 0.4, 0.8)}
    >>> ladder(base, {"mine": base + 0.3 * other}, rungs=rungs).verdict
    'mine (0.918, 0.899 to 0.933) is as alike as a copy with noise of sd 0.2 to 0.4.'
    """
    if not isinstance(model, str) and not (isinstance(model, Mapping) and "model" in model):
        return _of_rows(model, copies, rungs, score, of, measure, seed, conditions, watch)
    if isinstance(rungs, Mapping):
        raise InputError("rungs of rows for a model that is run; expected texts such as prune(fraction=0.3)")
    if isinstance(copies, str | Mapping):
        copies = [copies]
    base, *others = entries_of([model, *copies])
    experiment, study = ladder_experiment(
        base, others, rungs=rungs, data=data, layers=layers, measure=measure, pooling=pooling, seed=seed
    )
    scores = _given(score, measure)
    Ladder(study.base, study.rungs, study.copies, scores).names(more=of is not None).check(conditions)
    results = run_through(
        experiment, store,
        executor=executor, workers=workers, device=device, batch_tokens=batch_tokens, trust=trust, watch=watch,
    )  # fmt: skip
    scores = (*scores, *(() if of is None else _kept(Path(of), results, study.base)))
    return answered(Ladder(study.base, study.rungs, study.copies, scores), results)


def ladder_experiment(
    base: Mapping[str, Any],
    copies: Sequence[Mapping[str, Any]] = (),
    *,
    rungs: Sequence[str] = RUNGS,
    data: Any = DEFAULT_PROMPTS,
    layers: Sequence[str | int | float] = ("last",),
    measure: str = MEASURE,
    pooling: str | None = None,
    seed: int = SEED,
) -> tuple[Experiment, Ladder]:
    """Return the experiment that `ladder` runs, and the study that reads it; a copy that is a rung is run once.

    Examples
    --------
    >>> asked, study = ladder_experiment({"model": "gpt2", "name": "gpt2"}, rungs=["prune(fraction=0.3)"])
    >>> [m.name for m in asked.models], study.rungs[0].words
    (['gpt2', 'prune(fraction=0.3)'], '30 % pruned')
    """
    if base.get("variant"):
        raise InputError(f"{base['name']} is a changed copy; expected the model as it is, for its copies to be made")
    calls = list(dict.fromkeys(str(canonical_variant(call)) for call in rungs))
    if len(calls) < 1:
        raise InputError("no rungs; expected one or more, such as prune(fraction=0.3)")
    made = [{**base, "name": call, "variant": call} for call in calls]
    read = Experiment.asked({"name": "ladder", "models": [base, *made], "datasets": [DEFAULT_PROMPTS]}).models
    stands = {told_apart(entry): entry.name for entry in read}
    placed, more = [], []
    for copy in copies:
        (entry,) = Experiment.asked({"name": "ladder", "models": [dict(copy)], "datasets": [DEFAULT_PROMPTS]}).models
        name = stands.setdefault(told_apart(entry), entry.name)
        if name == base["name"]:
            raise InputError(f"{entry.name} is {name} itself; expected another model")
        placed.append(name)
        more += [entry] if name == entry.name else []
    models = [*read, *(entry for entry in more if entry.name not in calls)]
    if twice := [n for n, k in Counter(m.name for m in models).items() if k > 1]:
        raise InputError(f"two of the models are called {twice[0]!r}; give one another name, as NAME=MODEL")
    study = Ladder(str(base["name"]), tuple(Rung.of(call, call) for call in calls), tuple(dict.fromkeys(placed)))
    return (
        Experiment.asked(
            {
                "name": f"ladder-{slug(str(base['name']))}",
                "models": models,
                "datasets": [data],
                "representation": {"layers": list(layers), **({"pooling": pooling} if pooling else {})},
                "measures": [measure],
                "pairs": study.wanted,
                "statistics": {"permutations": 0, "seed": seed},
            }
        ),
        study,
    )


def _given(score: float | tuple[float, float, float] | None, measure: str) -> tuple[Score, ...]:
    if score is None:
        return ()
    numbers = (score,) if isinstance(score, int | float) else tuple(score)
    if len(numbers) not in (1, 3):
        raise InputError(f"a score of {len(numbers)} numbers; expected VALUE, or VALUE,LOW,HIGH")
    placed = Score("the score", *map(float, numbers))
    lowest, highest = Configuration.parse(measure).facts.bounds
    if not all(lowest <= float(number) <= highest for number in numbers):
        raise InputError(f"a score of {numbers[0]:g}; {measure} lies between {lowest:g} and {highest:g}")
    return (placed,)


def _kept(of: Path, results: Results, base: str) -> tuple[Score, ...]:
    """The scores that an experiment in a store has with the same rows of the base, by the same measure."""
    store = Store(of.parent)
    if not store.is_there():
        raise InputError(f"there is no store in {of.parent}; expected STORE/EXPERIMENT, got {of}")
    experiments = store.experiments()
    if of.name not in experiments:
        raise InputError(f"{of.parent} has no experiment {of.name!r}; {did_you_mean(of.name, experiments)}")
    own: Comparison = next(iter(results))
    keys = {row.a_key if parts_of(row.a)[0] == base else row.b_key for row in results}
    known = {key for row in results for key in (row.a_key, row.b_key)}
    found = []
    for row in results_of(store, experiments[of.name]):
        if (row.measure, row.parameters) != (own.measure, own.parameters) or row.value is None:
            continue
        for mine, other, name in ((row.a_key, row.b_key, row.b), (row.b_key, row.a_key, row.a)):
            if mine in keys and other not in known:
                found.append(Score(name, row.value, row.low, row.high))
    if not found:
        label = results.configurations[own.measure, own.parameters].label
        raise InputError(f"{of} has no other score with {base} by {label} on the same prompts and layer")
    return tuple({score.name: score for score in found}.values())


def _of_rows(
    base: Any,
    copies: Any,
    rungs: Any,
    score: Any,
    of: Any,
    measure: str,
    seed: int,
    conditions: Sequence[str],
    watch: Watch,
) -> Answer:
    """The answer for rows of a base, of its damaged copies and of what is placed, that somebody else made."""
    if not isinstance(rungs, Mapping) or not rungs or (copies and not isinstance(copies, Mapping)):
        raise InputError(
            "a ladder of rows: expected rungs={call: rows}, such as prune(fraction=0.3), and copies={name: rows}"
        )
    if of is not None:
        raise InputError("of: scores of a store are of models; expected score= for rows")
    called = base.name if isinstance(base, Representation) else "base"
    steps = tuple(Rung.of(str(canonical_variant(call)), call) for call in rungs)
    named = {called: base, **{s.model: r for s, r in zip(steps, rungs.values(), strict=True)}}
    for name, rows in dict(copies or {}).items():
        if name in named or AT in name or GIVEN in name:
            raise InputError(f"rows are called {name!r}; expected another name")
        named[name] = rows
    given = [
        (r if isinstance(r, Representation) else Representation(r, name=name)).changed(name=name_of(name, "last"))
        for name, r in named.items()
    ]
    study = Ladder(called, steps, tuple(copies or ()), _given(score, measure))
    study.names().check(conditions)
    return of_rows(study, given, measure, seed, watch)
