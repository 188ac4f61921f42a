"""``likewise best-layers``."""

from dataclasses import asdict
from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table, progress, say
from likewise.errors import InputError
from likewise.fields import PERMUTATIONS, SEED
from likewise.naming import did_you_mean, model_of, p_text


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
    json: options.Json = False,
) -> None:
    """Find the most alike layers of models. Chance is the best score of the same layers after each shuffle."""
    from likewise.measures import configurations
    from likewise.plan import load_trusted
    from likewise.statistics import best_layers as best_of

    load_trusted(trust or ())
    chosen = configurations(measure or "recommended")
    place = options.find_store(store)
    names = options.names_on(place, dataset, experiment)
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(model_of(name), []).append(name)
    if len(set(model)) < 2:
        raise InputError(f"need at least two models, got {len(set(model))}")
    for name in model:
        if name not in layers:
            raise InputError(f"no model {name!r} on {dataset}; {did_you_mean(name, layers)}")
    asked = {r: names[r] for name in dict.fromkeys(model) for r in layers[name]}
    loaded = options.load_together(place, asked)
    models = {name: [loaded[r] for r in layers[name]] for name in dict.fromkeys(model)}
    with progress() as watch:
        found = best_of(
            models,
            chosen,
            pairs=options.pairs_of(base),
            permutations=permutations,
            seed=seed,
            watch=watch,
        )
    if json:
        print_json([asdict(best) for best in found])
        return
    labels = {(c.measure, c.parameters_json): c.label for c in chosen}
    rows = [
        (b.layer_a or b.a, b.layer_b or b.b, labels[b.measure, b.parameters], b.n_layer_pairs,
         b.value, b.null_mean, b.z, p_text(b.pvalue), p_text(b.pvalue_alone), b.calibrated, b.reason)
        for b in found
    ]  # fmt: skip
    columns = ("a", "b", "measure", "of", "best", "chance", "z", "p", "p alone", "calibrated", "note")
    print_table("", columns, rows, spare=("note", "p alone", "z", "chance", "of", "calibrated"))
    say("chance, z, p, calibrated: compared with the best of the same layers after each shuffle")
    say("p alone: as if no other layers had been tried; uncorrected, so too optimistic")
