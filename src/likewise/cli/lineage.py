"""``likewise lineage``."""

from pathlib import Path
from typing import Annotated

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress
from likewise.fields import SEED


def lineage(
    model: Annotated[
        str,
        typer.Argument(
            help="A model: name, hub id, folder or .gguf file, also with a variant, as NAME:prune(fraction=0.5). Or a "
            "file of rows: .npy, .npz, .safetensors or .parquet."
        ),
    ],
    base: Annotated[str, typer.Option(help="The model that it may be derived from, or a file of its rows.")],
    panel: Annotated[
        list[str] | None,
        typer.Option(
            help="A trained model that is known to be unrelated to the base, or a file of its rows; or a store that "
            "keeps a panel. Give it once for each."
        ),
    ] = None,
    relative: Annotated[
        list[str] | None, typer.Option(help="A model that is known to be derived from the base. Once for each.")
    ] = None,
    data: Annotated[list[str] | None, typer.Option(help="Data set. [default: mixed-prompts]")] = None,
    limit: options.Limit = None,
    template: options.Template = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="A layer, as a depth or a block. [default: 0.167 and 0.333]")
    ] = None,
    pooling: Annotated[str, typer.Option(help="How tokens become a row, in all models.")] = "last_token",
    store: Annotated[
        Path | None, typer.Option("--store", help="Keeps the rows, of the panel too. [default: runs/lineage]")
    ] = None,
    seed: options.Seed = SEED,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Tell whether a model was derived from another: derived, independent, or cannot tell."""
    from likewise.questions.lineage import LAYERS, STORE
    from likewise.questions.lineage import lineage as ask

    if options.are_rows([model, base, *(panel or []), *(relative or [])]):
        options.refuse_of_models(data=data, limit=limit, template=template, layer=layer, store=store)
    with progress() as watch:
        answer = ask(
            model,
            base,
            panel=panel or (),
            relatives=relative or (),
            data=[options.prompts_of(one, limit, template) for one in (data or [""])],
            layers=layer or LAYERS,
            pooling=pooling,
            store=store or STORE,
            device=options.check_device(device),  # type: ignore[arg-type]  # checked to be one of the three
            batch_tokens=batch_tokens,
            seed=seed,
            conditions=fail_if or (),
            watch=watch,
        )
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
