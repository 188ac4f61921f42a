"""``likewise swap``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likewise.cli import answers, options
from likewise.cli.console import progress, resumable
from likewise.errors import InputError

if TYPE_CHECKING:
    from likewise.representation import Representation


def swap(
    old: Annotated[str, typer.Argument(metavar="[NAME=]OLD", help="The old embedder, or a file of its vectors.")],
    new: Annotated[str, typer.Argument(metavar="[NAME=]NEW", help="The new embedder, or a file of its vectors.")],
    queries: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="OLD NEW", help="Files of queries by both; OLD and NEW are then files of the corpus."),
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option("--k", min=1, help="Number of neighbours. [default: 1 5 10 100]")
    ] = None,
    metric: Annotated[str, typer.Option(help="cosine, euclidean or dot.")] = "cosine",
    p: Annotated[float, typer.Option("--p", help="Of rank-biased overlap: how much the first places count.")] = 0.9,
    enough: Annotated[float, typer.Option(help="Recall from which the old index can stay.")] = 0.9,
    train: Annotated[int, typer.Option(min=1, help="Most pairs that a map is learnt on.")] = 10_000,
    held_out: Annotated[int, typer.Option(min=1, help="Most queries that it is tested on.")] = 2_000,
    id_column: Annotated[str | None, typer.Option(help="Column of ids in Parquet files. [default: id]")] = None,
    join: options.Join = "exact",
    data: options.Prompts = None,
    limit: options.Limit = None,
    template: options.Template = None,
    layer: Annotated[str | None, typer.Option(help="A layer, as in an experiment. [default: last]")] = None,
    pooling: options.Pooling = None,
    store: Annotated[Path | None, typer.Option(help="Folder or URL of the store [default: runs/swap-OLD].")] = None,
    executor: options.Executor = "processes",
    workers: options.Workers = None,
    device: options.Device = "cpu",
    batch_tokens: options.BatchTokens = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the pairs and held-out queries.")] = 0,
    fail_if: answers.FailIf = None,
    junit: answers.Junit = None,
    output: answers.Output = None,
    json: options.Json = False,
) -> None:
    """Say whether a new embedder can take the place of an old one: do neighbours stay, can the old index stay."""
    from likewise.questions import swap as ask

    asked: dict[str, Any] = {
        "metric": metric, "p": p, "enough": enough, "train": train, "held_out": held_out, "join": join, "seed": seed,
        "conditions": fail_if or (), **({"ks": tuple(k)} if k else {}),
    }  # fmt: skip
    if options.are_rows([old, new]):
        options.refuse_of_models(data=data, limit=limit, template=template, layer=layer, pooling=pooling, store=store)
        column = "id" if id_column is None else id_column
        given: list[Representation] = options.read_files([old, new], column, join)
        asked_with = None
        if queries is not None:
            first, second = options.read_files([str(path) for path in queries], column, join)
            asked_with = first, second
        with progress() as watch:
            answer = ask(*given, queries=asked_with, watch=watch, **asked)
    else:
        if queries is not None or id_column is not None:
            raise InputError("--queries and --id-column are for files; of models, each prompt of --data is a query")
        with resumable(), progress() as watch:
            answer = ask(
                old,
                new,
                data=options.prompts_of(data, limit, template),
                layer=layer or "last",
                pooling=pooling,
                store=store,
                executor=executor,
                workers=workers,
                device=options.check_device(device),
                batch_tokens=batch_tokens,
                watch=watch,
                **asked,
            )
    answers.finish(answer, fail_if=fail_if, junit=junit, output=output, json=json)
