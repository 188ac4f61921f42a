"""``likewise ladder``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress, resumable
from likewise.errors import InputError
from likewise.fields import SEED


def ladder(
    model: Annotated[str, typer.Argument(help="The model, or a file of its rows.")],
    copy: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]COPY[:VARIANT]...", help="What is run and placed on the ladder; or files of their rows."
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE[,LOW,HIGH]",
            help="A score with the model to place, with its interval: of the same measure, layer and prompts.",
        ),
    ] = None,
    of: Annotated[
        Path | None,
        typer.Option(metavar="STORE/EXPERIMENT", help="Place all scores with the model that an experiment has."),
    ] = None,
    rung: Annotated[
        list[str] | None,
        typer.Option(
            help="A copy that makes the ladder, such as 'prune(fraction=0.3)'; of files, CALL=FILE. [default: 7 of "
            "noise, 8 of pruning, 7 of bits]"
        ),
    ] = None,
    data: options.Prompts = None,
    limit: options.Limit = None,
    template: options.Template = None,
    layer: Annotated[list[str] | None, typer.Option(help="A layer, as in an experiment. [default: last]")] = None,
    pooling: options.Pooling = None,
    measure: Annotated[str | None, typer.Option(help="One measure. [default: cka(debiased=True)]")] = None,
    store: Annotated[Path | None, typer.Option(help="Keeps the ladder. [default: runs/ladder-MODEL]")] = None,
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
    """Say how much damage a score stands for: between which copies of the model with noise, pruning, fewer bits."""
    from likewise.plan import load_trusted
    from likewise.questions import ladder as ask
    from likewise.questions.track import MEASURE
    from likewise.studies import RUNGS

    load_trusted(trust or ())
    of_both: dict[str, Any] = {"score": _score(score), "of": of, "measure": measure or MEASURE, "seed": seed}
    of_both["conditions"] = fail_if or ()
    with progress() as watch:
        if options.are_rows([model, *(copy or [])]):
            options.refuse_of_models(
                data=data, limit=limit, template=template, layer=layer, pooling=pooling, store=store
            )
            calls = [_rung(text) for text in rung or []]
            if not calls:
                raise InputError(
                    "a ladder of files: expected --rung CALL=FILE, such as 'prune(fraction=0.3)=pruned.npy'"
                )
            rows = options.read_files(
                [model, *(copy or []), *(f"rung {k}={p}" for k, (_, p) in enumerate(calls))], "id"
            )
            placed, steps = rows[1 : 1 + len(copy or [])], rows[1 + len(copy or []) :]
            answer = ask(
                rows[0],
                {r.name: r for r in placed},
                rungs={call: r for (call, _), r in zip(calls, steps, strict=True)},
                watch=watch,
                **of_both,
            )
        else:
            with resumable():
                answer = ask(
                    model,
                    copy or [],
                    rungs=rung or RUNGS,
                    data=options.prompts_of(data, limit, template),
                    layers=layer or ["last"],
                    pooling=pooling,
                    store=store,
                    executor=executor,
                    workers=workers,
                    device=options.check_device(device),
                    batch_tokens=batch_tokens,
                    trust=trust or (),
                    watch=watch,
                    **of_both,
                )
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)


def _score(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--score {text[:80]!r}: expected VALUE, or VALUE,LOW,HIGH") from error


def _rung(text: str) -> tuple[str, str]:
    call, given, path = text.partition(")=")
    if not given or not path:
        raise InputError(f"--rung {text[:80]!r}: expected CALL=FILE, such as 'prune(fraction=0.3)=pruned.npy'")
    return f"{call})", path
