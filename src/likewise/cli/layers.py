"""``likewise best-layers``."""

from dataclasses import asdict
from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table, progress, say
from likewise.errors import InputError
from likewise.measures import Configuration
from likewise.naming import did_you_mean
from likewise.plan import load_trusted, model_of
from likewise.statistics import best_layers as best_of


def best_layers(
    model: Annotated[list[str], typer.Argument(help="Two or more models of a store's experiment.")],
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    experiment: options.InExperiment = None,
    measure: Annotated[list[str] | None, typer.Option(help="A preset or measure. [default: recommended]")] = None,
    permutations: Annotated[int, typer.Option(min=1, help="Shuffles, the same for all layers.")] = 100,
    seed: options.Seed = 0,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Find the most alike layers of models; chance is the best of the layers too, after each shuffle."""
    load_trusted(trust or ())
    place = options.find_store(store)
    names = options.names_on(place, dataset, experiment)
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(model_of(name), []).append(name)
    if len(set(model)) < 2:
        raise InputError(f"{len(set(model))} model; needed are two or more")
    for name in model:
        if name not in layers:
            raise InputError(f"no model {name!r} on {dataset}; {did_you_mean(name, layers)}")
    asked = {r: names[r] for name in dict.fromkeys(model) for r in layers[name]}
    loaded = options.load_together(place, asked)
    models = {name: [loaded[r] for r in layers[name]] for name in dict.fromkeys(model)}
    with progress() as watch:
        found = best_of(
            models,
            measure or "recommended",
            permutations=permutations,
            seed=seed,
            watch=lambda done, total: watch("comparing layers", done, total),
        )
    if json:
        print_json([asdict(best) for best in found])
        return
    rows = [
        (b.layer_a or b.a, b.layer_b or b.b, Configuration.from_json(b.measure, b.parameters).label, b.n_layer_pairs,
         b.value, b.null_mean, b.z, b.pvalue, b.pvalue_alone, b.calibrated, b.reason)
        for b in found
    ]  # fmt: skip
    columns = ("a", "b", "measure", "of", "best", "chance", "z", "p", "p alone", "calibrated", "note")
    print_table("", columns, rows)
    say("chance, z, p, calibrated: against the best of the same layers after each shuffle")
    say("p alone: of the best layers as if no others had been tried; too small by the choice")
