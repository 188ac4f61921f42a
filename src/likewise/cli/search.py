"""``likewise search``."""

from pathlib import Path
from typing import Annotated

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress, resumable


def search(
    store: Annotated[Path, typer.Argument(help="Folder or URL of the store that keeps the models.")],
    model: Annotated[
        str,
        typer.Argument(
            metavar="[NAME=]MODEL",
            help="A name in the store; or another model, which is run on the same prompts; or a file of its rows.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many of the nearest are shown.")] = 20,
    measure: Annotated[str, typer.Option(help="A measure that is a product of vectors, such as cka or rsa.")] = "cka",
    dataset: Annotated[str | None, typer.Option(help="Data set [default: the only one of the store].")] = None,
    experiment: options.InExperiment = None,
    layer: Annotated[str | None, typer.Option(help="Layer of the model: one that is kept, or else it is run.")] = None,
    workers: options.Workers = None,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Find the nearest of the models that a store keeps, of thousands, with intervals of their ranks."""
    from likewise.questions import search as ask

    with resumable(), progress() as watch:
        answer = ask(
            store,
            model,
            top=top,
            measure=measure,
            dataset=dataset,
            experiment=experiment,
            layer=layer,
            workers=workers,
            device=options.check_device(device),
            batch_tokens=batch_tokens,
            conditions=fail_if or (),
            watch=watch,
        )
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
