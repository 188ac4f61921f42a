"""``likewise learning-curve``."""

from typing import Annotated

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress
from likewise.fields import CURVE_DRAWS, CURVE_PERMUTATIONS, CURVE_TOLERANCE, SEED


def learning_curve(
    representation: options.Representations,
    dataset: options.Dataset = None,
    store: options.StoreFolder = None,
    join: options.Join = "exact",
    experiment: options.InExperiment = None,
    rows: options.Rows = "states",
    metric: options.Metric = None,
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
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Show how scores change with fewer inputs. Says from how many inputs on they are stable."""
    from likewise.measures import configurations
    from likewise.plan import load_trusted
    from likewise.studies import SampleSize

    load_trusted(trust or ())
    study = SampleSize(
        configurations(measure or "recommended"),
        pairs=options.pairs_of(base),
        sizes=tuple(size or ()),
        draws=draws,
        tolerance=tolerance,
        permutations=permutations,
        seed=seed,
    )
    study.names().check(fail_if or ())
    named = options.read_representations(
        representation, store, dataset, join, experiment=experiment, rows=rows, metric=metric
    )
    with progress() as watch:
        answer = study.answer(named, watch)
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
