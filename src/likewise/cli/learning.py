"""``likewise learning-curve``."""

import itertools
from dataclasses import asdict
from typing import Annotated

import typer

from likewise.cli import options
from likewise.cli.console import print_json, print_table, progress, say
from likewise.fields import CURVE_DRAWS, CURVE_PERMUTATIONS, CURVE_TOLERANCE, SEED


def learning_curve(
    representation: options.Representations,
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    join: options.Join = "exact",
    experiment: options.InExperiment = None,
    measure: Annotated[list[str] | None, typer.Option(help="A preset or measure. [default: recommended]")] = None,
    base: options.Base = None,
    size: Annotated[list[int] | None, typer.Option(min=2, help="A number of inputs. [default: eight sizes]")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Random draws for each number of inputs.")] = CURVE_DRAWS,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Largest change of a calibrated score that counts as stable.")
    ] = CURVE_TOLERANCE,
    permutations: options.Permutations = CURVE_PERMUTATIONS,
    seed: options.Seed = SEED,
    trust: options.Trust = None,
    json: options.Json = False,
) -> None:
    """Show how scores change with fewer inputs. Says from how many inputs on they are stable."""
    from likewise.measures import configurations
    from likewise.plan import load_trusted
    from likewise.statistics import learning_curve as curves_of
    from likewise.statistics import stable_from

    load_trusted(trust or ())
    chosen = configurations(measure or "recommended")
    named = options.read_representations(representation, store, dataset, join, experiment=experiment)
    with progress() as watch:
        points = curves_of(
            named,
            chosen,
            pairs=options.pairs_of(base),
            sizes=size or (),
            draws=draws,
            permutations=permutations,
            seed=seed,
            watch=watch,
        )
    curves = [list(c) for _, c in itertools.groupby(points, lambda p: (p.a, p.b, p.measure, p.parameters))]
    if json:
        print_json([{"stable_from": stable_from(c, tolerance), "points": [asdict(p) for p in c]} for c in curves])
        return
    labels = {(c.measure, c.parameters_json): c.label for c in chosen}
    rows = [
        (p.a, p.b, labels[p.measure, p.parameters], p.n_items, p.value, p.null_mean,
         p.calibrated, p.calibrated_low, p.calibrated_high, p.reason)
        for p in points
    ]  # fmt: skip
    columns = ("a", "b", "measure", "inputs", "value", "chance", "calibrated", "lowest", "highest", "note")
    print_table("", columns, rows, spare=("chance", "note", "highest", "lowest"))
    for curve in curves:
        first, stable = curve[0], stable_from(curve, tolerance)
        told = (
            f"stable within {tolerance:g} from {stable} inputs on" if stable else f"not yet stable within {tolerance:g}"
        )
        say(f"{first.a} and {first.b}, {labels[first.measure, first.parameters]}: {told}")
