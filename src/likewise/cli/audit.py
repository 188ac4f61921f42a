"""``likewise audit``."""

from pathlib import Path
from typing import Annotated

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress, resumable
from likewise.errors import InputError


def audit(
    base: Annotated[str, typer.Argument(help="The model, or a file of its rows.")],
    copy: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]COPY[:VARIANT]...",
            help="Copies of it: anything that an experiment takes, also changed, for example "
            "'smollm2-135m-instruct:quantize(bits=4)'; or files of their rows.",
        ),
    ],
    data: options.Prompts = None,
    limit: options.Limit = None,
    template: options.Template = None,
    layer: Annotated[list[str] | None, typer.Option(help="A layer, as in an experiment. [default: all]")] = None,
    pooling: Annotated[
        str | None,
        typer.Option(help="How tokens become a row, such as 'mean(skip=1)' [default: the model's own, or last_token]."),
    ] = None,
    floor: Annotated[
        list[str] | None,
        typer.Option(
            help="Numeric noise: a precision, rerun (other batches), or a file with rows of the base that "
            "was run again. [default: bfloat16 and rerun]"
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Prompts that are shown of each copy that moved.")] = 5,
    store: Annotated[Path | None, typer.Option(help="Folder or URL of the store [default: runs/audit-BASE].")] = None,
    executor: options.Executor = "processes",
    workers: options.Workers = None,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Say which copies of a model changed inside beyond numeric noise, from which layer on, and on which prompts."""
    from likewise.questions import FLOOR
    from likewise.questions import audit as ask

    if options.are_rows([base, *copy]):
        options.refuse_of_models(data=data, limit=limit, template=template, layer=layer, pooling=pooling, store=store)
        rows = options.read_files([base, *(floor or []), *copy], "id")
        again, copies = rows[1 : 1 + len(floor or [])], rows[1 + len(floor or []) :]
        if not again:
            raise InputError("an audit of files: expected --floor FILE with rows of the base that was run again")
        answer = ask(
            rows[0],
            {r.name: r for r in copies},
            floor={r.name: r for r in again},
            count=count,
            conditions=fail_if or (),
        )
    else:
        if odd := [name for name in floor or [] if options.is_rows(name.partition("=")[2] or name)]:
            raise InputError(f"--floor {odd[0]} is a file of rows, and {base} is a model; expected precisions or rerun")
        with resumable(), progress() as watch:
            answer = ask(
                base,
                copy,
                data=options.prompts_of(data, limit, template),
                layers=layer or ["all"],
                pooling=pooling,
                store=store,
                executor=executor,
                workers=workers,
                device=options.check_device(device),
                batch_tokens=batch_tokens,
                count=count,
                conditions=fail_if or (),
                watch=watch,
                floor=FLOOR if floor is None else floor,
            )
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
