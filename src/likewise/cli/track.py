"""``likewise track``."""

from pathlib import Path
from typing import Annotated

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress, resumable
from likewise.errors import InputError
from likewise.fields import SEED, TRACK_TOLERANCE


def track(
    model: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL@REVISION...",
            help="Versions of a model: revisions (@REVISION alone is one more of the model before), folders, or files "
            "of rows (.npy, .npz, .safetensors, .parquet).",
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A folder of checkpoints, such as checkpoint-500 or step_1000: folders of models, or files of rows.",
        ),
    ] = None,
    numbers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV file with a column name, columns of numbers (step, size, accuracy), and perhaps run or seed. "
            "Names are those of the versions; without versions, they are models or files beside it.",
        ),
    ] = None,
    at: Annotated[str | None, typer.Option(help="The number that puts versions in order. [default: step]")] = None,
    data: options.Prompts = None,
    limit: options.Limit = None,
    template: options.Template = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="A layer, as in an experiment. [default: 0.33, 0.67 and last]")
    ] = None,
    pooling: options.Pooling = None,
    measure: Annotated[str | None, typer.Option(help="One measure. [default: cka(debiased=True)]")] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="How far from identical a version may be that is settled.")
    ] = TRACK_TOLERANCE,
    store: Annotated[Path | None, typer.Option(help="Folder or URL of the store [default: runs/track-MODEL].")] = None,
    executor: options.Executor = "processes",
    workers: options.Workers = None,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    seed: options.Seed = SEED,
    trust: options.Trust = None,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Follow the insides of a model over its checkpoints: where they move most, and from where on hardly."""
    from likewise.plan import load_trusted
    from likewise.questions import track as ask
    from likewise.questions.track import LAYERS, MEASURE
    from likewise.questions.versions import checkpoints_in, read_numbers

    load_trusted(trust or ())
    versions = list(model or [])
    if checkpoints is not None:
        if versions:
            raise InputError("expected versions or --checkpoints, got both")
        versions = [str(path) for path in checkpoints_in(checkpoints)]
    known = None if numbers is None else read_numbers(numbers)
    if numbers is not None and known is not None and not versions:
        beside = {name: numbers.parent / name for name in known}
        versions = [str(path) if path.exists() else name for name, path in beside.items()]
        known = {**known, **{str(beside[name]): row for name, row in known.items()}}
        known |= {beside[name].stem: known[name] for name in beside if options.is_rows(str(beside[name]))}
    if not versions:
        raise InputError("expected versions: MODEL@REVISION, --checkpoints FOLDER or --numbers FILE")
    with progress() as watch:
        if options.are_rows(versions):
            options.refuse_of_models(
                data=data, limit=limit, template=template, layer=layer, pooling=pooling, store=store
            )
            rows = options.read_versions(versions, checkpoints)
            answer = ask(
                rows,
                numbers=known,
                at=at,
                measure=measure or MEASURE,
                tolerance=tolerance,
                seed=seed,
                conditions=fail_if or (),
                watch=watch,
            )
        else:
            with resumable():
                answer = ask(
                    versions,
                    numbers=known,
                    at=at,
                    measure=measure or MEASURE,
                    tolerance=tolerance,
                    seed=seed,
                    conditions=fail_if or (),
                    data=options.prompts_of(data, limit, template),
                    layers=layer or LAYERS,
                    pooling=pooling,
                    store=store,
                    executor=executor,
                    workers=workers,
                    device=options.check_device(device),
                    batch_tokens=batch_tokens,
                    trust=trust or (),
                    watch=watch,
                )
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
