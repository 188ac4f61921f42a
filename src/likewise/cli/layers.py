"""``likewise best-layers``."""

from typing import Annotated

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress
from likewise.errors import InputError
from likewise.fields import PERMUTATIONS, SEED
from likewise.naming import did_you_mean, model_of


def best_layers(
    model: Annotated[list[str], typer.Argument(help="Two or more models of an experiment in a store.")],
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    experiment: options.InExperiment = None,
    measure: Annotated[list[str] | None, typer.Option(help="A preset or measure. [default: recommended]")] = None,
    base: options.Base = None,
    permutations: Annotated[int, typer.Option(min=1, help="Shuffles, the same for all layers.")] = PERMUTATIONS,
    seed: options.Seed = SEED,
    trust: options.Trust = None,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Find the most alike layers of models. Chance is the best score of the same layers after each shuffle."""
    from likewise.measures import configurations
    from likewise.plan import load_trusted
    from likewise.studies import BestOfLayers

    load_trusted(trust or ())
    study = BestOfLayers(
        configurations(measure or "recommended"), pairs=options.pairs_of(base), permutations=permutations, seed=seed
    )
    study.names().check(fail_if or ())
    place = options.find_store(store)
    names = options.names_on(place, dataset, experiment)
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(model_of(name), []).append(name)
    if len(set(model)) < 2:
        raise InputError(f"need at least two models, got {len(set(model))}")
    for name in model:
        if name not in layers:
            raise InputError(f"no model {name!r}{f' on {dataset}' if dataset else ''}; {did_you_mean(name, layers)}")
    asked = {r: names[r] for name in dict.fromkeys(model) for r in layers[name]}
    loaded = options.load_together(place, asked)
    models = {name: [loaded[r] for r in layers[name]] for name in dict.fromkeys(model)}
    with progress() as watch:
        answer = study.answer(models, watch)
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
